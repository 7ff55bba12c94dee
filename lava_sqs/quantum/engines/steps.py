"""The operations of a time step of pure states: flat arrays, for one noise or for a noise each."""

from __future__ import annotations

from functools import cache, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._lazy import qutip
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.gates import Angles, half_angle_terms
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import models_of
from lava_sqs.quantum.schedule import Schedule
from lava_sqs.quantum.states import _kron

__all__: list[str] = []

Array = NDArray[Any]

_UNITARY, _PAULI_ERROR, _CHANNEL = 0, 1, 2


class Steps:
    """Operations on a register of *n* qubits, as flat arrays.

    table (n_ops, 6): code, size d of the matrices, offset of the first matrix (among the gates
    for a unitary, otherwise among the constants), number of matrices, offset and number of the
    groups of d amplitudes that it mixes. chance (n_ops,): of a Pauli error.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._table: list[tuple[int, ...]] = []
        self._chance: list[float] = []
        self._groups: list[Array] = []
        self._places: dict[tuple[Any, ...], tuple[int, int]] = {}
        self._constants: list[Array] = []
        self._n_groups = self._n_constants = 0
        self.ends = [0]  # of each noise

    def end(self) -> None:
        """Say that the operations of a noise are complete."""
        self.ends.append(len(self._table))

    def draws(self, i: int) -> bool:
        """Return whether noise *i* has an operation that is no gate."""
        return any(code != _UNITARY for code, *_ in self._table[self.ends[i] : self.ends[i + 1]])

    def add(
        self, code: int, matrices: list[Array], qubits: tuple[int, ...], chance: float = 0.0
    ) -> None:
        """Add an operation whose matrices are constants."""
        self._add(code, len(matrices[0]), self._n_constants, len(matrices), chance)
        self._constants += [m.ravel() for m in matrices]
        self._n_constants += sum(m.size for m in matrices)
        self._add_groups(qubits)

    def add_gate(
        self, size: int, offset: int, control: int | None, qubits: tuple[int, ...]
    ) -> None:
        """Add a gate, at *offset* in a neuron's matrices; only where *control* is 1."""
        self._add(_UNITARY, size, offset, 1, 0.0)
        self._add_groups(qubits, control)

    def _add(self, code: int, size: int, offset: int, count: int, chance: float) -> None:
        self._table.append((code, size, offset, count))
        self._chance.append(chance)

    def _add_groups(self, qubits: tuple[int, ...], control: int | None = None) -> None:
        if (qubits, control) not in self._places:  # a table serves all that act on these qubits
            index = np.arange(2**self._n, dtype=np.int64).reshape((2,) * self._n)
            others = [q for q in range(self._n) if q not in qubits]
            rows = index.transpose(*others, *qubits).reshape(-1, 2 ** len(qubits))
            if control is not None:
                # Where the control is 0 nothing happens: these groups are not even visited.
                rows = rows[(rows[:, 0] >> (self._n - 1 - control)) & 1 == 1]
            self._places[qubits, control] = self._n_groups, len(rows)
            self._groups.append(rows.ravel())
            self._n_groups += rows.size
        self._table[-1] += self._places[qubits, control]

    def arrays(self, dtype: Any) -> tuple[Array, ...]:
        """Return table, chance, groups, the constants' real and imaginary parts, and ends."""
        constants = np.concatenate([*self._constants, np.zeros(1)])
        return (
            np.array(self._table, dtype=np.int64).reshape(-1, 6),
            np.array(self._chance),
            np.concatenate([*self._groups, np.zeros(1, dtype=np.int64)]),
            constants.real.astype(dtype),
            constants.imag.astype(dtype),
            np.array(self.ends),
        )


def local_matrix(gate: Gate) -> tuple[int, int | None, tuple[int, ...]]:
    """Return size, control and targets of the matrix that a gate applies."""
    if gate.is_controlled_rotation:
        return 2, gate.qubits[0], gate.qubits[1:]
    return 2 ** len(gate.qubits), None, gate.qubits


def _kraus(channel: qutip.Qobj) -> list[Array]:
    """Return the Kraus operators of a channel, the likeliest first."""
    operators = [k.full() for k in qutip.to_kraus(channel)]
    operators = [k for k in operators if np.abs(k).max() > 1e-12]
    # Kraus operators are tried in turn: with the likeliest first, most draws end there.
    return sorted(operators, key=lambda k: -float(np.linalg.norm(k)))


def _paulis(n_qubits: int) -> list[Array]:
    single = [p.full() for p in (qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())]
    return [reduce(_kron, ps) for ps in product(single, repeat=n_qubits)][1:]


class TrajectoryProgram:
    """What a step does, for every neuron: built once per ansatz and noise, or a noise each."""

    def __init__(
        self, ansatz: Ansatz, noise: NoiseModel | NoisePerNeuron | None, dtype: Any
    ) -> None:
        n, n_io = ansatz.n_qubits, ansatz.io_qubits
        register, memory = Steps(n), Steps(ansatz.memory_qubits)
        models = models_of(noise)
        self.which = noise.which if isinstance(noise, NoisePerNeuron) else np.zeros(1, np.int64)
        schedules = [Schedule.of(ansatz, model) for model in models]
        self._gates = []
        for model, schedule in zip(models, schedules, strict=True):
            self._gates.append(_Gates(ansatz.n_params))
            _add_all(schedule, model, register, memory, n_io, self._gates[-1])
        self.register, self.memory = register.arrays(dtype), memory.arrays(dtype)
        # (M, N, 2, 2): P(reported, true) of each channel.
        confusion = [[m.readout(q) if m else np.eye(2) for q in range(n_io)] for m in models]
        p_reset, p_encode = (
            np.array([schedule.io_strengths(kind) for schedule in schedules]).reshape(-1, n_io)
            for kind in ("reset", "depolarise")
        )
        random = np.array(
            [
                bool(
                    p_reset[i].any()
                    or p_encode[i].any()
                    or (np.array(confusion[i]) != np.eye(2)).any()
                    or register.draws(i)
                    or memory.ends[i + 1] > memory.ends[i]
                )
                for i in range(len(models))
            ]
        )
        self.errors = p_reset, p_encode, np.array(confusion, dtype=float), random
        self.random = bool(random.any())

    def gates(self, theta: Array, dtype: Any, neurons: Any = slice(None)) -> Array:
        """Return every gate's matrix for the angles (K, P): real and imaginary parts (K, 2, G).

        They are those of the *neurons*.
        """
        if len(self._gates) == 1:
            return self._gates[0].matrices(theta, dtype)
        which = self.which[neurons]
        width = max(gates.size for gates in self._gates)
        out = np.zeros((len(theta), 2, width), dtype=dtype)
        for i, gates in enumerate(self._gates):
            at = np.flatnonzero(which == i)
            if len(at):
                out[at, :, : gates.size] = gates.matrices(theta[at], dtype)
        return out


class _Gates:
    """The gates of a step, one after the other: what their matrices are made of."""

    def __init__(self, n_params: int) -> None:
        self._angles = Angles(n_params)
        self._harmonics: list[Array] = []
        self._params: list[int] = []

    @property
    def size(self) -> int:
        """Numbers of a neuron's matrices, and one more."""
        return len(self._params) + 1

    def add(self, gate: Gate, steps: Steps) -> None:
        """Add a gate, and that it acts to *steps*."""
        size, control, targets = local_matrix(gate)
        steps.add_gate(size, len(self._params), control, targets)
        # A controlled gate acts where its control is 1 only: half the work, a matrix of 2 x 2.
        terms = half_angle_terms(gate)[:, -size:, -size:]
        self._harmonics.append(terms.reshape(3, -1))
        self._params += [self._angles.column(gate)] * size**2

    def matrices(self, theta: Array, dtype: Any) -> Array:
        """Return every gate's matrix for the angles (K, P): real and imaginary parts (K, 2, G)."""
        params = [*self._params, -1]
        # The last column is the angle 0, of entries that are not trained; their parameter is -1.
        padded = np.concatenate([self._angles.of(theta), np.zeros((len(theta), 1))], axis=1)
        constant, cosine, sine = np.concatenate([*self._harmonics, np.zeros((3, 1))], axis=1)
        gates = np.empty((len(theta), 2, len(params)), dtype=dtype)
        chunk = max(1, 2**18 // len(params))  # what is made on the way is six times as large
        for start in range(0, len(theta), chunk):
            half = padded[start : start + chunk, params] / 2
            matrices = constant + np.cos(half) * cosine + np.sin(half) * sine
            gates[start : start + chunk, 0] = matrices.real
            gates[start : start + chunk, 1] = matrices.imag
        return gates


def _add_all(
    schedule: Schedule,
    noise: NoiseModel | None,
    register: Steps,
    memory: Steps,
    n_io: int,
    gates: _Gates,
) -> None:
    """Add the operations of one noise to those of the register and of the memory."""

    @cache
    def relaxation(qubit: int, duration: float) -> list[Array]:
        channel = None if noise is None else noise.relaxation(qubit, duration)
        return [] if channel is None else _kraus(channel)

    placed = [(register, 0, step) for step in schedule.before]
    placed += [(memory, n_io, step) for step in schedule.after]
    for steps, first, step in placed:
        at = tuple(q - first for q in step.qubits)
        if step.gate is not None:
            gates.add(step.gate, steps)
        elif step.kind == "depolarise" and not step.driven and step.strength > 0:
            steps.add(_PAULI_ERROR, _paulis(len(at)), at, step.strength)
        elif step.kind == "relax":
            for q, i in zip(step.qubits, at, strict=True):
                if relaxation(q, step.duration):
                    steps.add(_CHANNEL, relaxation(q, step.duration), (i,))
        elif step.superoperator is not None:
            steps.add(_CHANNEL, _kraus(step.superoperator), at)
    register.end()
    memory.end()
