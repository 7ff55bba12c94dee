r"""The compiler of gate-by-gate neurons: a step as sparse maps on few qubits of the register.

The register's density matrix is a real Pauli vector of ``4**n`` numbers. A gate with its error
and the relaxation of its qubits is one real matrix, 4 x 4 or 16 x 16 and mostly zero, that mixes
the components of its qubits and leaves all others alone. Whatever acts on one qubit, or on the
pair of a gate, is multiplied into the gate before it; rotations of one qubit in a row are one
matrix. The wait of the memory comes before the measurement here: they commute, since the io
qubits alone are measured.

QuTiP makes the matrices, as for instruments (see ``program.py``); no array has ``16**n`` numbers,
unless a user's channel or a given unitary acts on the whole register.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum._room import LANES_LIMIT, check_density_scores
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.kernels.density import apply_maps, run_density, score_density
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.program import _ROUNDING, _depolarizing, _gate_terms
from lava_sqs.quantum.schedule import Schedule
from lava_sqs.quantum.states import _kron, ground_state, superoperator_to_matrix

__all__ = ["DensityProgram", "compile_density"]

Array = NDArray[Any]

#: Outcomes less probable than this have no score: what divides by them would be rounding.
SCORE_FLOOR = 1e-12
_CHUNK = 64  # components in a row that a kernel keeps in its first cache, for each of 16


@dataclass
class _Operation:
    """Factors (coefficients (n_terms, d, d), kind, parameter) on *qubits*, the first acts first."""

    qubits: tuple[int, ...]
    factors: list[tuple[Array, int, int]]

    def multiply(self, matrix: Array, *, before: bool) -> None:
        at = 0 if before else -1
        terms, kind, param = self.factors[at]
        self.factors[at] = (terms @ matrix if before else matrix @ terms), kind, param

    def on_all(self, matrix: Array, qubits: tuple[int, ...]) -> Array:
        """Return a map of *qubits*, one of the operation's or all, as a map of all of these."""
        if qubits == self.qubits:
            return matrix
        each = [matrix if (q,) == qubits else np.eye(4) for q in self.qubits]
        return np.asarray(reduce(_kron, each))


class _Builder:
    """Operations in order, as few as the order allows."""

    def __init__(self, n: int) -> None:
        self.made: list[_Operation] = []
        self.last: list[int | None] = [None] * n  # operation that touched the qubit last
        self.pending = [np.eye(4) for _ in range(n)]  # on qubits that nothing has touched yet

    def add(self, terms: Array, kind: int, param: int, qubits: tuple[int, ...]) -> None:
        last = self.last[qubits[0]]
        if len(qubits) == 1 and last is not None and self.made[last].qubits == qubits:
            if kind == 0:
                self.made[last].multiply(terms[0], before=False)
            else:
                self.made[last].factors.append((terms, kind, param))
            return
        operation = _Operation(qubits, [(terms, kind, param)])
        for q in qubits:
            if self.last[q] is None and not np.array_equal(self.pending[q], np.eye(4)):
                if len(qubits) > 2:
                    self._append(_Operation((q,), [(self.pending[q][None], 0, -1)]))
                else:
                    operation.multiply(operation.on_all(self.pending[q], (q,)), before=True)
        self._append(operation)

    def _append(self, operation: _Operation) -> None:
        for q in operation.qubits:
            self.last[q] = len(self.made)
        self.made.append(operation)

    def constant(self, matrix: Array, qubits: tuple[int, ...]) -> None:
        if np.array_equal(matrix, np.eye(len(matrix))):
            return
        last = self.last[qubits[0]]
        if last is None and len(qubits) == 1:
            self.pending[qubits[0]] = matrix @ self.pending[qubits[0]]
            return
        if last is not None and all(self.last[q] == last for q in qubits):
            before = self.made[last]
            if before.qubits == qubits or (len(qubits) == 1 and len(before.qubits) <= 2):
                before.multiply(before.on_all(matrix, qubits), before=False)
                return
        self.add(matrix[None], 0, -1, qubits)

    def operations(self) -> list[_Operation]:
        for q, matrix in enumerate(self.pending):
            if self.last[q] is None and not np.array_equal(matrix, np.eye(4)):
                self._append(_Operation((q,), [(matrix[None], 0, -1)]))
        return self.made


@dataclass(frozen=True, eq=False)
class DensityProgram:
    """A step of (ansatz, noise) as sparse maps on the register; see :func:`compile_density`.

    Attributes
    ----------
    ansatz, noise
        What it was compiled from.
    operations : tuple
        Qubits and factors of each map, in order.
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
noise None: 10 maps>
    """

    ansatz: Ansatz
    noise: NoiseModel | None
    operations: tuple[_Operation, ...]
    patterns: tuple[Array, ...]
    io: tuple[Array, Array, Array, Array]
    readout: Array
    _tables: dict[int, tuple[Array, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        n = len(self.operations)
        return f"<DensityProgram of {self.ansatz!r}, noise {self.noise}: {n} maps>"

    @property
    def n_entries(self) -> int:
        """Numbers of one neuron's maps."""
        return sum(map(len, self.patterns))

    def values(self, theta: Array) -> Array:
        """Return the entries of every map.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        ndarray, shape (K, n_entries)
        """
        out = np.empty((len(theta), self.n_entries))
        at = 0
        for operation, pattern in zip(self.operations, self.patterns, strict=True):
            matrix = _product(_factors(operation, theta))
            out[:, at : at + len(pattern)] = matrix[:, pattern[:, 0], pattern[:, 1]]
            at += len(pattern)
        return out

    def slopes(self, theta: Array) -> tuple[Array, Array]:
        """Return the derivatives of every map by each of its angles.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        table : ndarray of int, shape (n_slopes, 4)
            Map, parameter, first entry among all maps' and number of entries of each derivative.
        slopes : ndarray, shape (K, numbers)
            Its entries, one derivative after the other.
        """
        table, parts, first = [], [], 0
        for i, (operation, pattern) in enumerate(zip(self.operations, self.patterns, strict=True)):
            factors = _factors(operation, theta)
            for f, (terms, kind, param) in enumerate(operation.factors):
                if kind:
                    slope = _combined(_basis(kind, theta[:, param], slope=True), terms)
                    each = [*factors[:f], slope, *factors[f + 1 :]]
                    matrix = _product(each)
                    table.append((i, param, first, len(pattern)))
                    parts.append(matrix[:, pattern[:, 0], pattern[:, 1]])
            first += len(pattern)
        numbers = np.concatenate([np.empty((len(theta), 0)), *parts], axis=1)
        return np.array(table, dtype=np.int64).reshape(-1, 4), numbers

    def pull_back(self, theta: Array, gradient: Array) -> Array:
        """Return the gradient by the angles of what has a gradient by the maps.

        Parameters
        ----------
        theta : ndarray, shape (K or 1, n_params)
            Angles in radians.
        gradient : ndarray, shape (K, n_entries)
            By the entries.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        table, slopes = self.slopes(theta)
        d_theta = np.zeros((len(gradient), theta.shape[1]))
        at = 0
        for _, param, first, count in table:
            part = slopes[:, at : at + count] * gradient[:, first : first + count]
            d_theta[:, param] += part.sum(axis=1)
            at += count
        return d_theta

    def run(self, values: Array, vectors: Array, *arrays: Any) -> int:
        """Move memories and return how many outcomes were at the floor.

        Parameters
        ----------
        values : ndarray, shape (K or 1, n_entries)
            Of the neurons' maps, in the precision of the memories.
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
        made_of = self.tables(lanes), values, self.io, self.readout, lanes
        return int(run_density(*made_of, z, u, clamp, vectors, floor, *records))

    def outcomes(self, values: Array, z: Any, memory: Array) -> Array:
        """Return the unnormalised memories after each outcome of a step of one neuron.

        Parameters
        ----------
        values : ndarray, shape (n_entries,)
            Of the neuron's maps.
        z : array_like, shape (io_qubits,)
            Input currents.
        memory : ndarray, shape (4**memory_qubits,)
            Pauli vector; linear, so that any vector will do.

        Returns
        -------
        ndarray, shape (2**io_qubits, 4**memory_qubits)
            Component 0 is the probability.
        """
        registers = np.empty((2, 4**self.ansatz.n_qubits))
        v = apply_maps(self.tables(1), values, self.io, np.array(z, float), memory, *registers)
        return np.asarray(self.readout @ v.reshape(-1, len(memory))[self.io[3]])

    def score(
        self, values: Array, z: Array, outcomes: Array, signal: Array
    ) -> tuple[Array, Array, Array]:
        """Return the log-likelihood of recorded trains and its gradient by the maps.

        Parameters
        ----------
        values : ndarray, shape (K or 1, n_entries)
            Of the neurons' maps.
        z : ndarray, shape (T, B, K, io_qubits)
            Input currents.
        outcomes : ndarray of int, shape (T, B, K)
            Reported outcomes.
        signal : ndarray, shape (T, B, K) or (0, 0, 0)
            Weight of each step; empty is 1.

        Returns
        -------
        log_likelihood : ndarray, shape (B, K)
        gradient : ndarray, shape (K, n_entries)
            See :meth:`pull_back`.
        d_z : ndarray, shape of *z*

        Raises
        ------
        ValueError
            If they would not fit: with the bytes needed, the limit, and what fits.
        """
        steps, batch, size = outcomes.shape
        lanes = self.lanes(batch, len(self.operations) + 3)
        check_density_scores(self.ansatz, self.noise, rows=size, steps=steps * lanes)
        scored = np.array([any(kind for _, kind, _ in o.factors) for o in self.operations], bool)
        logp, d_z = np.zeros((batch, size)), np.empty(z.shape)
        gradient = np.zeros((size, self.n_entries))
        score_density(
            self.tables(lanes),
            scored,
            values,
            self.io,
            self.readout,
            lanes,
            np.ascontiguousarray(z),
            np.ascontiguousarray(outcomes),
            np.ascontiguousarray(signal),
            ground_state(self.ansatz.memory_qubits),
            SCORE_FLOOR,
            logp,
            gradient,
            d_z,
        )
        return logp, gradient, d_z

    def lanes(self, together: int, registers: int = 2) -> int:
        """Return how many of the samples that share their angles go side by side.

        Parameters
        ----------
        together : int
            Samples there are.
        registers : int
            How many registers each needs at a time.

        Returns
        -------
        int
            4, or 1 where that would be wasted or take more than 128 MiB.
        """
        fits = 8 * 4 * registers * 4**self.ansatz.n_qubits <= LANES_LIMIT
        return 4 if together > 2 and fits else 1

    def tables(self, lanes: int) -> tuple[Array, ...]:
        """Return the arrays of ``lava_sqs.quantum.kernels.density``, for *lanes* side by side."""
        if lanes not in self._tables:
            self._tables[lanes] = _tables(self, lanes)
        return self._tables[lanes]


def _basis(kind: int, angle: Array, *, slope: bool = False) -> list[Array]:
    """As ``kernels.build.trigonometric_basis`` for angles (K,), or its derivative: n_terms (K,)."""
    step = 0.5 if kind == 2 else 1.0
    columns = [np.full(angle.shape, 0.0 if slope else 1.0)]
    for n in range(1, kind + 1):
        c, s = np.cos(n * step * angle), np.sin(n * step * angle)
        columns += [-n * step * s, n * step * c] if slope else [c, s]
    return columns


def _combined(basis: list[Array], terms: Array) -> Array:
    """Return the matrices (K, d, d): term by term, the same bits whatever K."""
    return np.asarray(sum(b[:, None, None] * term for b, term in zip(basis, terms, strict=True)))


def _product(factors: list[Array]) -> Array:
    """Return what factors make together, the first of which acts first."""
    return reduce(lambda done, new: new @ done, factors)


def _factors(operation: _Operation, theta: Array) -> list[Array]:
    """Return the matrices (K or 1, d, d) of an operation's factors."""
    return [
        _combined(_basis(kind, theta[:, param]), terms) if kind else terms
        for terms, kind, param in operation.factors
    ]


def _pattern(operation: _Operation) -> Array:
    """Return where the product of the factors can differ from zero, whatever the angles."""
    present = [
        (np.abs(terms).max(axis=0) > _ROUNDING).astype(float) for terms, *_ in operation.factors
    ]
    return np.argwhere(_product(present) > 0)


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
            made.add(terms, kind, -1 if step.gate.param is None else step.gate.param, step.qubits)
        elif step.kind == "depolarise" and not step.driven and step.strength:
            made.constant(_depolarizing(step.strength, len(step.qubits)), step.qubits)
        elif step.kind == "relax" and noise is not None:
            for q in step.qubits:
                channel = noise.relaxation(q, step.duration)
                if channel is not None:
                    made.constant(superoperator_to_matrix(channel), (q,))
        elif step.superoperator is not None:
            made.constant(superoperator_to_matrix(step.superoperator), step.qubits)
    operations = tuple(made.operations())
    read = [np.eye(2) if noise is None else noise.readout(q) for q in range(ansatz.io_qubits)]
    true = np.array([[0.5, 0.5], [0.5, -0.5]])  # <0|.|0> and <1|.|1> of I and Z
    return DensityProgram(
        ansatz=ansatz,
        noise=noise,
        operations=operations,
        patterns=tuple(map(_pattern, operations)),
        io=_io(schedule),
        readout=np.asarray(reduce(_kron, [matrix @ true for matrix in read])),
    )


def _io(schedule: Schedule) -> tuple[Array, Array, Array, Array]:
    eta = 1 - 4 * np.array(schedule.io_strengths("depolarise")) / 3
    n = len(eta)
    # The encoded qubit is 1, Z cos and -Y sin; what is measured of it is 1 and Z.
    left = [np.array([1.0, 1 - 2 * p, 1 - 2 * p]) for p in schedule.io_strengths("reset")]
    place, seen = _sums([]), _sums([])
    for _ in range(n):
        place, seen = (
            np.ravel(4 * done[:, None] + np.array(each))
            for done, each in ((place, [0, 3, 2]), (seen, [0, 3]))
        )
    return eta, np.asarray(reduce(_kron, left)), place, seen


def _sums(strides: list[int]) -> Array:
    """Return where the components of some qubits are, all combinations of 0 to 3 strides each."""
    start = np.zeros(1, dtype=np.int64)
    return reduce(lambda sums, s: (sums[:, None] + s * np.arange(4)).ravel(), strides, start)


def _tables(program: DensityProgram, lanes: int) -> tuple[Array, ...]:
    """Return what the kernels need of the maps; offsets count numbers, *lanes* per component.

    table (n_ops, 7): first row, size d, first base, number of bases, components in a row (times
    lanes), first entry, number of entries. offsets: of each row in its group. Entries by rows:
    pointers, places of their columns and rows; by columns: pointers, places of their rows, and
    which entry of the first order each is. bases: where groups start.
    """
    n = program.ansatz.n_qubits
    table, offsets, bases = [], [], []
    forward, back = ([], [], []), ([], [], [])  # type: ignore[var-annotated]
    places: dict[tuple[int, ...], tuple[int, int, int]] = {}
    row = entry = base = 0
    for operation, pattern in zip(program.operations, program.patterns, strict=True):
        strides = [4 ** (n - 1 - q) for q in operation.qubits]
        own = _sums(strides)
        key = tuple(sorted(operation.qubits))
        if key not in places:
            # Components in a row are those of the qubits after the last one that is acted on.
            inner = min(4 ** (n - 1 - key[-1]) * lanes, _CHUNK)
            steps = [4 ** (n - 1 - q) for q in range(n) if q not in key]
            starts = _sums(steps) * lanes
            starts = starts[starts % max(inner, lanes) == 0] if inner > 1 else starts
            places[key] = base, len(starts), inner
            bases.append(starts)
            base += len(starts)
        d = len(own)
        table.append((row, d, *places[key], entry, len(pattern)))
        offsets.append(own * lanes)
        for (pointers, columns, rows), axis in ((forward, 0), (back, 1)):
            order = np.argsort(pattern[:, axis], kind="stable")
            pointers.append(entry + np.searchsorted(pattern[order, axis], np.arange(d)))
            columns.append(own[pattern[order, 1 - axis]] * lanes)
            rows.append(entry + order if axis else own[pattern[order, 0]] * lanes)
        row += d
        entry += len(pattern)
    end = np.array([entry])

    def joined(parts: list[Array], *more: Array) -> Array:
        return np.concatenate([np.empty(0, dtype=np.int64), *parts, *more]).astype(np.int64)

    return (
        np.array(table, dtype=np.int64).reshape(-1, 7),
        joined(offsets),
        joined(bases),
        *(joined(x, *y) for x, y in zip(forward, ([end], [], []), strict=True)),
        *(joined(x, *y) for x, y in zip(back, ([end], [], []), strict=True)),
    )
