"""Calibrations of whole devices as of one day, stored beside this file: they need no Qiskit.

``tools/snapshots.py`` writes the file, from the fake backends of qiskit-ibm-runtime.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lava_sqs.quantum.noise.backends import entangler, fields_of

__all__: list[str] = []

FILE = Path(__file__).with_name("snapshots.json")
#: Their names, with the class of qiskit-ibm-runtime that they are read from.
SNAPSHOTS = {
    "fake_brisbane": "FakeBrisbane",
    "fake_torino": "FakeTorino",
    "fake_marrakesh": "FakeMarrakesh",
    "fake_fez": "FakeFez",
    "fake_sherbrooke": "FakeSherbrooke",
    "fake_manila": "FakeManilaV2",
}
#: What is kept of a gate; of a measurement three more.
_OF_GATE = ("error", "duration")
_OF_READOUT = (*_OF_GATE, "prob_meas1_prep0", "prob_meas0_prep1")
_SINGLE = {"sx": _OF_GATE, "x": _OF_GATE, "measure": _OF_READOUT, "reset": ("duration",)}
_DIGITS = 6


def taken(backend: Any, source: str) -> dict[str, Any]:
    """Return what is stored of a backend: a row per qubit and per pair, numbers to six digits."""
    target = backend.target
    name = entangler(target)
    qubits = []
    for q in range(target.num_qubits):
        known = target.qubit_properties[q]
        row = [_rounded(known, k) for k in ("t1", "t2")]
        for gate, keys in _SINGLE.items():
            own = target[gate].get((q,)) if gate in target.operation_names else None
            row += [_rounded(own, key) for key in keys]
        qubits.append(row)
    pairs = [
        [a, b, *(_rounded(own, key) for key in _OF_GATE)]
        for (a, b), own in sorted(target[name].items())
    ]
    date = backend.properties().last_update_date
    return {
        "date": f"{date:%Y-%m-%d}",
        "source": source,
        "entangler": name,
        "columns": ["t1", "t2", *(f"{g} {k}" for g, keys in _SINGLE.items() for k in keys)],
        "qubits": qubits,
        "pairs": pairs,
    }


def _rounded(own: Any, key: str) -> float | None:
    value = getattr(own, key, None)
    return None if value is None else float(f"{float(value):.{_DIGITS}g}")


@cache
def _stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return found


class _Target(dict[str, Any]):
    """What ``backends.py`` reads of a target of Qiskit, from stored rows."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(rz={})
        self.qubit_properties = []
        for q, row in enumerate(data["qubits"]):
            values = dict(zip(data["columns"], row, strict=True))
            self.qubit_properties.append(SimpleNamespace(t1=values["t1"], t2=values["t2"]))
            for gate, keys in _SINGLE.items():
                own = {key: values[f"{gate} {key}"] for key in keys}
                if any(v is not None for v in own.values()):
                    self.setdefault(gate, {})[q,] = SimpleNamespace(**{"error": None, **own})
        self[data["entangler"]] = {
            (a, b): SimpleNamespace(error=error, duration=duration)
            for a, b, error, duration in data["pairs"]
        }
        self.num_qubits = len(self.qubit_properties)
        self.operation_names = tuple(self)


@cache
def _backend(name: str) -> Any:
    data = _stored()[name]
    date = datetime.date.fromisoformat(data["date"])
    return SimpleNamespace(
        name=name,
        target=_Target(data),
        properties=lambda: SimpleNamespace(last_update_date=date),
        source=data["source"],
    )


def of_snapshot(
    name: str, qubits: Any, io: int, n: int, pairs: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """Return the fields of the noise model of a stored device's qubits."""
    backend = _backend(name)
    fields = fields_of(backend, qubits, io, n, pairs)
    return {**fields, "source": f"{fields['source']}, from {backend.source}"}
