"""One circuit of T steps for every set of currents and angles, its angles computed by NumPy.

A step is written as gates whose angles are affine in theta and in the encoding angles of the step:
a row of numbers for each. Equal rows are one parameter of the circuit, so that no expression of
Qiskit's is evaluated for each set: that took most of the time on Aer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._exchange import encoding_angles, need
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.gates import Gate

__all__ = ["Compiled", "compile_circuit"]

Array = NDArray[Any]

#: Gates whose parameters Aer binds right. It ignores those of CRX, CRY, CRZ and CP.
BINDABLE = ("rx", "ry", "rz", "rxx", "ryy", "rzz", "rzx")
_FREE = 1e-12  # an angle that is none


@dataclass(frozen=True)
class _Item:
    """A gate: Qiskit's name, register indices, and the row of its angle (None: it has none)."""

    name: str
    qubits: tuple[int, ...]
    row: Array | None = None
    matrix: Any = None


@dataclass(frozen=True)
class Compiled:
    """A circuit with parameters, and how their values follow from theta and currents.

    Attributes
    ----------
    circuit : QuantumCircuit
        Classical bit ``t * io_qubits + n`` is channel n of step t.
    steps, io_qubits : int
    per_step : bool
        Whether each step has its own theta.
    places : tuple of (name, step, row)
        One per parameter; step -1 is that of all steps.
    """

    circuit: Any
    steps: int
    io_qubits: int
    per_step: bool
    places: tuple[tuple[str, int, tuple[float, ...]], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of :meth:`values`."""
        return tuple(name for name, _, _ in self.places)

    @property
    def n_bits(self) -> int:
        """Classical bits."""
        return self.steps * self.io_qubits

    def values(self, theta: Array, currents: Array) -> Array:
        """Return the parameters' values (P, n) for theta (P, [T,] A) and currents (P, T, N)."""
        phi = encoding_angles(currents)
        sets, n = len(phi), theta.shape[-1]
        out = np.empty((sets, len(self.places)))
        for i, (_, step, row) in enumerate(self.places):
            angles = theta[:, max(step, 0)] if self.per_step else theta
            out[:, i] = angles @ np.array(row[:n]) + row[-1]
            if step >= 0:
                out[:, i] += phi[:, step] @ np.array(row[n:-1])
        return out


def compile_circuit(
    ansatz: Ansatz, steps: int, *, native: Ansatz | None, per_step: bool, place: Any
) -> Compiled:
    """Return the circuit of *steps* steps of a neuron.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit V(theta).
    steps : int
        Number of time steps, at least 1.
    native : Ansatz or None
        V(theta) in gates of the device, which encodes by two pulses; None is a simulator that
        takes any gate of BINDABLE.
    per_step : bool
        Whether each step has its own theta.
    place : callable
        Takes the circuit on the register and returns it on the qubits of the device.

    Returns
    -------
    Compiled
    """
    qiskit, parameter = need("qiskit"), need("qiskit.circuit").Parameter
    io = ansatz.io_qubits
    step_items = _merged(_step(ansatz, native))
    circuit = qiskit.QuantumCircuit(ansatz.n_qubits, steps * io, name=f"{ansatz.name}-{steps}")
    known: dict[tuple[int, tuple[float, ...]], Any] = {}
    places: list[tuple[str, int, tuple[float, ...]]] = []
    n = ansatz.n_params

    def angle(row: Array, step: int) -> Any:
        if not row[:-1].any():
            return float(row[-1])
        # Depends on theta alone: one parameter serves all steps.
        shared = not per_step and not row[n:-1].any()
        key = (-1 if shared else step, tuple(float(x) for x in row))
        if key not in known:
            name = f"a{len(places):06d}"  # in the order in which Qiskit sorts them
            known[key] = parameter(name)
            places.append((name, *key))
        return known[key]

    for t in range(steps):
        for q in range(io):
            # The io qubits start every step in |0>. The memory qubits are not reset: their state is
            # the memory.
            circuit.reset(q)
        for item in step_items:
            if item.matrix is not None:
                unitary = need("qiskit.circuit.library").UnitaryGate(item.matrix)
                circuit.append(unitary, list(item.qubits))
            elif item.row is None:
                getattr(circuit, item.name)(*item.qubits)
            else:
                getattr(circuit, item.name)(angle(item.row, t), *item.qubits)
        circuit.barrier()
        for q in range(io):
            circuit.measure(q, t * io + q)
        circuit.barrier()
    return Compiled(place(circuit), steps, io, per_step, tuple(places))


def _step(ansatz: Ansatz, native: Ansatz | None) -> list[_Item]:
    """Return the encoding gates and V(theta), each as gates with angles of BINDABLE or none."""
    io, n = ansatz.io_qubits, ansatz.n_params
    items = []
    for q in range(io):
        phi = np.zeros(n + io + 1)
        phi[n + q] = 1.0
        if native is None:
            items.append(_Item("rx", (q,), phi))
            continue
        # RX(phi) = RZ(pi/2) SX RZ(phi + pi) SX RZ(pi/2) up to a global phase: the pulses that
        # hardware has.
        quarter, half = np.zeros_like(phi), phi.copy()
        quarter[-1], half[-1] = math.pi / 2, math.pi
        items += [_Item("rz", (q,), quarter), _Item("sx", (q,)), _Item("rz", (q,), half)]
        items += [_Item("sx", (q,)), _Item("rz", (q,), quarter)]
    for gate in (native or ansatz).gates:
        items += _lowered(gate, n + io + 1)
    return items


def _lowered(gate: Gate, width: int) -> list[_Item]:
    """Return a gate as gates whose parameters are bound right, equal except for a global phase."""
    if gate.matrix is not None:  # its first qubit is Qiskit's last
        return [_Item("unitary", gate.qubits[::-1], matrix=gate.matrix.full())]
    name, qubits = gate.name.lower(), gate.qubits
    if name == "iswap":  # which Aer has not
        return [_Item("unitary", qubits[::-1], matrix=gate.operator(None).full())]
    if not gate.is_rotation:
        return [_Item(name, qubits)]
    row = np.zeros(width)
    if gate.param is None:
        row[-1] = gate.angle
    else:
        # (theta, phi of each io qubit, 1) times the row is the angle.
        row[gate.param], row[-1] = gate.scale, gate.offset
    if name in BINDABLE:
        return [_Item(name, qubits, row)]
    # exp(-i a/2 |1><1| P) = exp(-i a/4 P) exp(i a/4 Z P): a rotation and one of two qubits.
    target, half = qubits[1:], row / 2
    if name == "crz":
        return [_Item("rz", target, half), _Item("rzz", qubits, -half)]
    if name == "crx":
        return [_Item("rx", target, half), _Item("rzx", qubits, -half)]
    if name == "cry":  # Y = S X S^-1
        turn = np.zeros(width)
        turn[-1] = math.pi / 2
        first, last = _Item("rz", target, -turn), _Item("rz", target, turn)
        return [_Item("ry", target, half), first, _Item("rzx", qubits, -half), last]
    raise ArgumentValueError("ansatz", f"has the gate {gate.name}, for which there is no circuit.")


def _merged(items: list[_Item]) -> list[_Item]:
    """Return the gates with rotations that follow each other made one, and those by 0 left out."""
    done: list[_Item | None] = []
    last: dict[int, int] = {}  # qubit -> place of the last gate on it
    for item in items:
        # Only if the last gate on all of its qubits is the same one is there nothing in between.
        at = {last.get(q, -1) for q in item.qubits}
        place = at.pop() if len(at) == 1 else -1
        before = done[place] if place >= 0 else None
        if (
            before is not None
            and item.row is not None
            and (before.name, before.qubits) == (item.name, item.qubits)
        ):
            assert before.row is not None
            done[place] = _Item(item.name, item.qubits, before.row + item.row)
            continue
        done.append(item)
        for q in item.qubits:
            last[q] = len(done) - 1
    kept = [item for item in done if item is not None]
    return [x for x in kept if x.row is None or np.abs(x.row).max() > _FREE]
