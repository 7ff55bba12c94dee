"""Jobs of a Device: sets of parameters in chunks, sent again where they fail, kept in a folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import _seeds
from lava_sqs._checks import describe
from lava_sqs._errors import (
    ArgumentError,
    ArgumentIsADirectoryError,
    ArgumentTypeError,
    ArgumentValueError,
)
from lava_sqs._npz import read_arrays, write_arrays
from lava_sqs.hardware._circuit import Compiled
from lava_sqs.hardware._machines import DeviceError, Machine
from lava_sqs.hardware._pending import Pending, is_alive, is_lost
from lava_sqs.quantum._exchange import need

__all__ = ["JobRecord", "Jobs"]

Array = NDArray[Any]

_sleep = time.sleep  # between attempts; tests do not wait


@dataclass(frozen=True)
class JobRecord:
    """One job: what was asked for, and what it took.

    Attributes
    ----------
    job_id : str
        The backend's own name of it; '' for what the cache held.
    backend, circuit : str
        Names of the backend and of the circuit.
    steps, sets, shots : int
        Time steps, sets of parameters, shots of each.
    seconds : float
        Time from sending the job to its result, waiting in queues included.
    cached : bool
        Whether nothing was sent, since the cache has it.
    attempts : int
        How often it was sent; 0 of the cache, and of a job that an earlier run had sent.

    Examples
    --------
    >>> JobRecord("a1", "aer_simulator", "paper", 5, 100, 1, 0.1, False, 1).executions
    100
    """

    job_id: str
    backend: str
    circuit: str
    steps: int
    sets: int
    shots: int
    seconds: float
    cached: bool
    attempts: int

    @property
    def executions(self) -> int:
        """Shots of all sets that the backend made for it."""
        return 0 if self.cached else self.sets * self.shots


class Jobs:
    """What runs on a machine, and what has run.

    Parameters
    ----------
    machine : Machine
        What it runs on.
    most_sets : int or None
        Sets of one job; None is what the machine takes.
    cache : path or None
        Folder of what jobs returned.
    retries : int
        How often a job is sent again.
    progress : bool
        Whether a bar is shown on a terminal.
    retrieve : callable or None
        What returns a job of an id.
    """

    def __init__(
        self,
        machine: Machine,
        most_sets: int | None,
        cache: Any,
        retries: int,
        progress: bool,
        retrieve: Callable[[str], Any] | None = None,
    ) -> None:
        self.machine, self._most_sets = machine, most_sets
        self._retries, self._progress = retries, progress
        self._cache = None if cache is None else _folder(cache, machine)
        self._pending = Pending(self._cache, machine, retrieve)
        self.records: list[JobRecord] = []

    def limit(self, shots: int) -> int:
        """Return how many sets one job holds."""
        return self._most_sets or self.machine.limit(shots)

    def run(
        self,
        title: str,
        qubits: tuple[int, ...],
        compiled: Compiled,
        values: Array,
        shots: int,
        key: tuple[int, ...],
    ) -> Array:
        """Return the bits (P, shots, n_bits) of sets of parameters, chunk by chunk."""
        out = np.empty((len(values), shots, compiled.n_bits), np.int8)
        limit = self.limit(shots)
        chunks = [slice(i, i + limit) for i in range(0, len(values), limit)]
        with _Bar(len(values), self.machine.name, self._progress and len(chunks) > 1) as bar:
            for i, part in enumerate(chunks):
                own = values[part]
                # A child per chunk: where sets are cut into jobs, no two jobs draw the same.
                seed = _seeds.of_sequence(_seeds.sequence(key[0], *key[1:], i))
                name = self._name(compiled, own, shots, seed, qubits)
                found = self._kept(name, len(own), shots, compiled.n_bits)
                cached, began, job_id, attempts = found is not None, time.monotonic(), "", 0
                if found is None:
                    where = f"Job {i + 1} of {len(chunks)}"
                    found, job_id, attempts = self._sent(compiled, own, shots, seed, qubits, where)
                    self._keep(name, found)
                self._pending.forget(self._sent_name(compiled, own, shots, seed))
                out[part] = found
                took = time.monotonic() - began
                sizes = compiled.steps, len(own), shots
                self.records.append(
                    JobRecord(job_id, self.machine.name, title, *sizes, took, cached, attempts)
                )
                bar.update(len(own))
        return out

    def _sent(
        self,
        compiled: Compiled,
        values: Array,
        shots: int,
        seed: int,
        qubits: tuple[int, ...],
        where: str,
    ) -> tuple[Array, str, int]:
        """Return what a job returns, its id and how often it was sent; 0 if an earlier run did."""
        machine, pending, sets = self.machine, self._pending, len(values)
        passing = (OSError, RuntimeError, need("qiskit.exceptions").QiskitError)
        name = self._sent_name(compiled, values, shots, seed)
        job_id, job, sent = pending.job_id(name), None, 0
        for attempt in range(self._retries + 1):
            result = None
            try:
                if job is None and job_id:
                    job = pending.job(name, job_id)
                if job is None or is_lost(job):
                    sent += 1
                    job = machine.start(compiled, values, shots, seed, qubits)
                    job_id = _id_of(job)
                    # Before the wait, which may take hours: a run that is killed meanwhile does not
                    # pay twice.
                    pending.remember(name, job_id)
                result = job.result()
                return machine.bits(result, compiled.n_bits, sets, shots), job_id, sent
            except KeyboardInterrupt:
                if job is not None and hasattr(job, "cancel"):
                    job.cancel()
                raise
            except DeviceError as error:
                if result is not None:  # asked for again it would say the same
                    pending.forget(name)
                raise DeviceError(f"{where}{_named(job_id)}: {error}") from error
            except passing as error:
                if isinstance(error, ArgumentError):
                    raise
                if attempt == self._retries:
                    raise DeviceError(
                        f"{where}{_named(job_id)} on {machine.name}, {sets} sets of {shots} shots, "
                        f"failed {attempt + 1} times: {type(error).__name__}: {error}. What other "
                        f"jobs returned {self._rest()}{pending.advice(name)}"
                    ) from error
                if not is_alive(job):
                    job, job_id = None, pending.job_id(name) if pending.retrieve else ""
                _sleep(min(2.0**attempt, 60.0))
        raise AssertionError("unreachable")

    def _rest(self) -> str:
        if self._cache:
            return "is in the cache."
        return "is lost: give a folder as `cache` to keep it."

    # -- cache --------------------------------------------------------------------------------

    def _name(
        self, compiled: Compiled, values: Array, shots: int, seed: int, qubits: tuple[int, ...]
    ) -> str:
        """Return what a chunk is called in the cache: all that decides its result."""
        if self._cache is None:
            return ""
        # With the calibration: what another calibration returned is not taken for this one's.
        return _digest(self.machine.identity(qubits), compiled, values, shots, seed)

    def _sent_name(self, compiled: Compiled, values: Array, shots: int, seed: int) -> str:
        """Return what a sent chunk is called, whatever the calibration when it is asked for."""
        if self._pending.folder is None:
            return ""
        return _digest(self.machine.name, compiled, values, shots, seed)

    def _kept(self, name: str, sets: int, shots: int, n_bits: int) -> Array | None:
        """Return what the cache holds of a chunk, or None."""
        if self._cache is None or not (self._cache / f"{name}.npz").exists():
            return None
        file = self._cache / f"{name}.npz"
        arrays, _ = read_arrays(file, what="what a device returned", keys=["bits"])
        # Bits are packed, eight to a byte.
        size, packed = sets * shots * n_bits, arrays.get("bits")
        if packed is None or packed.dtype != np.uint8 or packed.shape != (-(-size // 8),):
            raise ValueError(f"{file} does not hold what its name says: delete it.")
        return np.unpackbits(packed)[:size].reshape(sets, shots, n_bits)

    def _keep(self, name: str, bits: Array) -> None:
        if self._cache is not None:
            told = {
                "backend": np.array(self.machine.name),
                "calibration": np.array(self.machine.calibration),
            }
            write_arrays(self._cache / f"{name}.npz", {"bits": np.packbits(bits), **told})


def _digest(who: str, compiled: Compiled, values: Array, shots: int, seed: int) -> str:
    text = hashlib.sha256(who.encode())
    for item in compiled.circuit.data:
        places = [compiled.circuit.find_bit(b).index for b in (*item.qubits, *item.clbits)]
        operation = item.operation
        params = [p if isinstance(p, (int, float)) else str(p) for p in operation.params]
        text.update(f"{operation.name}{params}{places};".encode())
    text.update(f"{compiled.places}{values.shape}{shots},{seed}".encode())
    text.update(np.ascontiguousarray(values).tobytes())
    return text.hexdigest()


def _folder(cache: Any, machine: Machine) -> Path:
    if machine.backend is None:
        raise ArgumentValueError(
            "cache",
            "needs a backend, since what one returned is never taken for another's. Give "
            "`backend` beside the sampler.",
        )
    if not isinstance(cache, (str, Path)):
        raise ArgumentTypeError("cache", f"must be a folder, but got {describe(cache)}.")
    folder = Path(cache)
    if folder.exists() and not folder.is_dir():
        raise ArgumentIsADirectoryError("cache", f"must be a folder, but {folder} is a file.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _id_of(job: Any) -> str:
    found = getattr(job, "job_id", "")
    return str(found() if callable(found) else found)


def _named(job_id: str) -> str:
    return f" ({job_id})" if job_id else ""


class _Bar:
    """A bar of sets that are done, on a terminal, or nothing."""

    def __init__(self, total: int, name: str, shown: bool) -> None:
        self._bar: Any = None
        if shown:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=name, unit=" sets", disable=None)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, n: int) -> None:
        if self._bar is not None:
            self._bar.update(n)
