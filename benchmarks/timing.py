"""Medians of interleaved repeats, and what machine they were taken on."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

Work = Callable[[], Any]


@dataclass(frozen=True)
class Timing:
    """Seconds per unit of work: median and quartiles over repeats."""

    median: float
    low: float
    high: float
    repeats: int

    @property
    def rate(self) -> float:
        return 1 / self.median

    @property
    def spread(self) -> float:
        """Half the distance of the quartiles over the median."""
        return (self.high - self.low) / 2 / self.median


def interleaved(
    works: Mapping[str, tuple[Work, int]], repeats: int, seconds: float = 0.1
) -> dict[str, Timing]:
    """Time each work, (call, units per call), in turns; even repeats go in reverse order.

    A turn lasts at least *seconds*, so that what else the machine does hits all of them. Seconds
    are those of this process (all of it in one thread): waiting for a core does not count.
    """
    clock = time.process_time
    calls = {}
    for name, (work, _) in works.items():
        work()  # compile, fill caches
        start = clock()
        work()
        calls[name] = max(1, int(seconds / max(clock() - start, 1e-7)))
    seen: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(repeats):
        for name in list(works)[:: 1 if repeat % 2 else -1]:
            work, units = works[name]
            start = clock()
            for _ in range(calls[name]):
                work()
            seen[name].append((clock() - start) / calls[name] / units)
    return {name: summary(values) for name, values in seen.items()}


def summary(values: list[float]) -> Timing:
    low, median, high = np.percentile(values, (25, 50, 75))
    return Timing(float(median), float(low), float(high), len(values))


def reading() -> dict[str, tuple[Work, int]]:
    """Return calls that read all of an array, and its bytes: from memory, and from a cache."""
    works = {}
    for name, size in (("read 256 MiB (memory)", 2**26), ("read 256 KiB (cache)", 2**16)):
        array = np.ones(size, dtype=np.float32)
        works[name] = ((lambda a=array: np.dot(a, a)), array.nbytes)
    return works


def machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            lines = [line for line in file if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip()
    except (OSError, IndexError):
        pass
    packages = ("lava-sqs", "lava-nc", "numpy", "numba", "qutip", "qiskit-aer")
    versions = {}
    for name in packages:
        try:
            versions[name] = version(name)
        except ImportError:
            versions[name] = "not installed"
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": sys.version.split()[0],
        "versions": versions,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
