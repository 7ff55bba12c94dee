r"""The compiler of gate-by-gate neurons: a step as sparse maps on few qubits of the register.

The register's density matrix is a real Pauli vector of ``4**n`` numbers. A gate with its error
and the relaxation of its qubits is one real matrix, 4 x 4 or 16 x 16 and mostly zero, that mixes
the components of its qubits and leaves all others alone. Whatever acts on one qubit, or on the
pair of a gate, is multiplied into the gate before it; gates in a row on one qubit or a pair are one
matrix where that takes no longer, and matrices are gathered in passes over the register (see
``tiles.py``). The wait of the memory comes before the measurement here: they commute, since the io
qubits alone are measured.

QuTiP makes the matrices, as for instruments (see ``program.py``); no array has ``16**n`` numbers,
unless a user's channel or a given unitary acts on the whole register.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum._room import check_density_scores
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.kernels.density import apply_maps, run_density, score_density
from lava_sqs.quantum.maps import Maps, Operation, fused, pattern_of
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.program import _depolarizing, _gate_terms
from lava_sqs.quantum.schedule import Schedule
from lava_sqs.quantum.states import _kron, ground_state, superoperator_to_matrix
from lava_sqs.quantum.tiles import arranged, sums_of_strides

__all__ = ["DensityProgram", "compile_density"]

Array = NDArray[Any]

#: Outcomes less probable than this have no score: what divides by them would be rounding.
SCORE_FLOOR = 1e-12


class _Builder:
    """Operations in order, as few as the order allows."""

    def __init__(self, n: int) -> None:
        self.made: list[Operation] = []
        self.last: list[int | None] = [None] * n  # operation that touched the qubit last
        self.pending = [np.eye(4) for _ in range(n)]  # on qubits that nothing has touched yet

    def add(self, terms: Array, kind: int, gate: Gate | None, qubits: tuple[int, ...]) -> None:
        last = self.last[qubits[0]]
        # Nothing has touched this qubit since: one matrix more in the product, no pass more.
        if len(qubits) == 1 and last is not None and self.made[last].qubits == qubits:
            if kind == 0:
                self.made[last].multiply(terms[0], before=False)
            else:
                self.made[last].factors.append((terms, kind, gate))
            return
        operation = Operation(qubits, [(terms, kind, gate)])
        for q in qubits:
            if self.last[q] is None and not np.array_equal(self.pending[q], np.eye(4)):
                if len(qubits) > 2:
                    self._append(Operation((q,), [(self.pending[q][None], 0, None)]))
                else:
                    operation.multiply(operation.on_all(self.pending[q], (q,)), before=True)
        self._append(operation)

    def _append(self, operation: Operation) -> None:
        for q in operation.qubits:
            self.last[q] = len(self.made)
        self.made.append(operation)

    def constant(self, matrix: Array, qubits: tuple[int, ...]) -> None:
        # Exactly the identity: no noise of this kind, and no operation for it.
        if np.array_equal(matrix, np.eye(len(matrix))):
            return
        last = self.last[qubits[0]]
        if last is None and len(qubits) == 1:
            # Waits for the first gate on the qubit, which takes it in.
            self.pending[qubits[0]] = matrix @ self.pending[qubits[0]]
            return
        if last is not None and all(self.last[q] == last for q in qubits):
            before = self.made[last]
            if before.qubits == qubits or (len(qubits) == 1 and len(before.qubits) <= 2):
                before.multiply(before.on_all(matrix, qubits), before=False)
                return
        self.add(matrix[None], 0, None, qubits)

    def operations(self) -> list[Operation]:
        for q, matrix in enumerate(self.pending):
            if self.last[q] is None and not np.array_equal(matrix, np.eye(4)):
                self._append(Operation((q,), [(matrix[None], 0, None)]))
        return self.made


@dataclass(frozen=True, eq=False, repr=False)
class DensityProgram(Maps):
    """A step of (ansatz, noise) as sparse maps on the register; see :func:`compile_density`.

    Attributes
    ----------
    ansatz, noise
        What it was compiled from.
    operations : tuple
        Qubits and factors of each map, in order.
    passes : tuple
        How they go over the register.
    patterns : tuple of ndarray, shape (n_entries, 2)
        Rows and columns of each map's entries that are not always zero.
    io : tuple
        Arrays: shrinkage by the encoding gate (io_qubits,); what a reset error leaves of each
        encoded term, and its place (3**io_qubits,); places of what is measured (2**io_qubits,).
    readout : ndarray, shape (S, 2**io_qubits)
        Probability of each reported outcome, by the components that are I or Z on every io qubit.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> compile_density(ansatz.layered(1, 2))
    <DensityProgram of Ansatz('layered', io_qubits=1, memory_qubits=2, gates=13, n_params=13), \
noise None: 5 maps>
    """

    io: tuple[Array, Array, Array, Array]
    readout: Array

    radix: ClassVar[int] = 4

    @property
    def digits(self) -> int:
        """Qubits of the register."""
        return self.ansatz.n_qubits

    @property
    def ground(self) -> Array:
        """The memory ``|0..0>``, shape (4**memory_qubits,)."""
        return ground_state(self.ansatz.memory_qubits)

    def run(self, values: Array, vectors: Array, *arrays: Any) -> int:
        """Move memories and return how many outcomes were at the floor.

        Parameters
        ----------
        values : ndarray, shape (K or 1, n_entries)
            Values of the neurons' maps, in the precision of the memories.
        vectors : ndarray, shape (B, K, 4**memory_qubits)
            Memories, moved in place.
        *arrays
            Currents, uniform numbers, clamped outcomes, the floor and records, as of
            ``lava_sqs.quantum.kernels.step.run_population``.

        Returns
        -------
        int
        """
        together = vectors.shape[0] * (vectors.shape[1] if len(values) == 1 else 1)
        lanes = self.lanes(together)
        z, u, clamp, floor, *records = arrays
        made_of = self._made_of(lanes), values, *self._read(), lanes
        return int(run_density(*made_of, z, u, clamp, vectors, floor, *records))

    def _made_of(self, lanes: int) -> tuple[tuple[Array, ...], Array, Array]:
        """Return tables, where each noise's start, and which noise each neuron has: one here."""
        tables = self.tables(lanes)
        ends = np.array([[len(array) for array in tables]], dtype=np.int64)
        return tables, np.concatenate([np.zeros_like(ends), ends]), np.zeros(1, dtype=np.int64)

    def _read(self) -> tuple[tuple[Array, Array, Array, Array], Array]:
        """Return `io` and `readout` with a leading axis of noises where they depend on it."""
        eta, weight, place, seen = self.io
        return (eta[None], weight[None], place, seen), self.readout[None]

    def slope_tables(self, theta: Array) -> tuple[Array, Array]:
        """Return slopes, and their table with a leading axis of noises.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        table : ndarray, shape (1, n_slopes, 4)
            See ``slopes``.
        slopes : ndarray, shape (K, numbers)
            See ``slopes``.
        """
        table, slopes = self.slopes(theta)
        return table[None], slopes

    def outcomes(self, values: Array, z: Any, memory: Array) -> Array:
        """Return the unnormalised memories after each outcome of a step of one neuron.

        Parameters
        ----------
        values : ndarray, shape (n_entries,)
            Values of the neuron's maps.
        z : array_like, shape (io_qubits,)
            Input currents.
        memory : ndarray, shape (4**memory_qubits,)
            Pauli vector; linear, so that any vector will do.

        Returns
        -------
        ndarray, shape (2**io_qubits, 4**memory_qubits)
            Component 0 is the probability.
        """
        v = np.empty(4**self.ansatz.n_qubits)
        apply_maps(self._made_of(1), values, self._read()[0], np.array(z, float), memory, v)
        return np.asarray(self.readout @ v.reshape(-1, len(memory))[self.io[3]])

    def _check_scores(self, size: int, steps: int) -> None:
        check_density_scores(self.ansatz, self.noise, rows=size, steps=steps)

    def _registers(self, steps: int) -> int:
        return len(self.passes) + 2

    def _score(self, made_of: tuple[Any, ...], trains: tuple[Array, ...], out: Any) -> None:
        noises, scored, values, lanes = made_of
        start = ground_state(self.ansatz.memory_qubits)
        made = noises, np.atleast_2d(scored), values, *self._read(), lanes
        score_density(*made, *trains, start, SCORE_FLOOR, *out)


@lru_cache(maxsize=16)
def compile_density(ansatz: Ansatz, noise: NoiseModel | None = None) -> DensityProgram:
    """Let QuTiP make the maps of a step, gate by gate; the result serves every *theta*.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel, optional
        None is noiseless. The last 16 pairs are kept.

    Returns
    -------
    DensityProgram

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> program = compile_density(ansatz.layered(1, 8))
    >>> program.values(np.zeros((1, program.ansatz.n_params))).shape[1] < 2000
    True
    """
    schedule = Schedule.of(ansatz, noise)
    made = _Builder(ansatz.n_qubits)
    for step in (*schedule.before, *schedule.after):
        if step.gate is not None:
            terms, kind = _gate_terms(step.gate)
            made.add(terms, kind, step.gate, step.qubits)
        elif step.kind == "depolarise" and not step.driven and step.strength:
            made.constant(_depolarizing(step.strength, len(step.qubits)), step.qubits)
        elif step.kind == "relax" and noise is not None:
            for q in step.qubits:
                channel = noise.relaxation(q, step.duration)
                if channel is not None:
                    made.constant(superoperator_to_matrix(channel), (q,))
        elif step.superoperator is not None:
            made.constant(superoperator_to_matrix(step.superoperator), step.qubits)
    # A map less saves reading and writing the register, about one multiplication per number.
    merged = fused(made.operations(), 4, saved=1.0)
    operations, passes = arranged(merged, ansatz.n_qubits, 4)
    read = [np.eye(2) if noise is None else noise.readout(q) for q in range(ansatz.io_qubits)]
    true = np.array([[0.5, 0.5], [0.5, -0.5]])  # <0|.|0> and <1|.|1> of I and Z
    return DensityProgram(
        ansatz=ansatz,
        noise=noise,
        operations=operations,
        passes=passes,
        patterns=tuple(map(pattern_of, operations)),
        io=_io(schedule),
        readout=np.asarray(reduce(_kron, [matrix @ true for matrix in read])),
    )


def _io(schedule: Schedule) -> tuple[Array, Array, Array, Array]:
    # A Bloch vector shrinks by 1 - 4p/3 under the total Pauli error probability p.
    eta = 1 - 4 * np.array(schedule.io_strengths("depolarise")) / 3
    n = len(eta)
    # The encoded qubit is 1, Z cos and -Y sin; what is measured of it is 1 and Z.
    # A reset to |1> with probability p leaves (1 - 2p) of the vector that is encoded.
    left = [np.array([1.0, 1 - 2 * p, 1 - 2 * p]) for p in schedule.io_strengths("reset")]
    place, seen = sums_of_strides([], 4), sums_of_strides([], 4)
    # Digits of base 4, I X Y Z = 0 1 2 3: encoded are I, Z, Y, measured are I, Z.
    for _ in range(n):
        place, seen = (
            np.ravel(4 * done[:, None] + np.array(each))
            for done, each in ((place, [0, 3, 2]), (seen, [0, 3]))
        )
    return eta, np.asarray(reduce(_kron, left)), place, seen
