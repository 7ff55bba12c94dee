"""The compiler: circuit and noise become the arrays from which instruments are built.

QuTiP makes the superoperator of every gate (at 1, 3 or 5 angles: it is an exact trigonometric
polynomial of its angle), of every relaxation and of the user's own channels, once per (ansatz,
noise); the instruments of any number of angle vectors follow by batched products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._lazy import qutip
from lava_sqs.quantum._room import check_compiled, check_scores
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.gates import Angles
from lava_sqs.quantum.kernels import build as _kernels
from lava_sqs.quantum.noise import NoiseModel, depolarizing
from lava_sqs.quantum.schedule import Operation, Schedule
from lava_sqs.quantum.states import _kron, superoperator_to_matrix
from lava_sqs.quantum.tables import TableMaps, patterns

__all__ = ["Program", "compile_program"]

Matrix = NDArray[np.float64]

_N_TERMS = (1, 3, 5)  # of a constant, a rotation, a controlled rotation
_ROUNDING = 1e-15  # entries of superoperators below this are zero


@dataclass(frozen=True, eq=False)
class Program:
    """What is left of (ansatz, noise) once QuTiP has done its part; see :func:`compile_program`.

    Attributes
    ----------
    ansatz, noise
        What it was compiled from.
    table, entries, terms, rows, start, effects
        The arrays of ``lava_sqs.quantum.kernels.build.build_instruments``.
    eta : ndarray, shape (io_qubits,)
        Shrinkage of the encoding gate where z > 0.
    maps : TableMaps or None
        Maps of a classical memory: they take the place of the other arrays.
    angles : Angles
        What the gates turn by.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> compile_program(ansatz.paper()).shape
    (2, 4, 3, 4)
    """

    ansatz: Ansatz
    noise: NoiseModel | None
    table: NDArray[np.int64]
    entries: NDArray[np.int64]
    terms: NDArray[np.float64]
    rows: NDArray[np.int64]
    start: NDArray[np.float64]
    effects: NDArray[np.float64]
    eta: NDArray[np.float64]
    angles: Angles
    maps: TableMaps | None = None

    def __repr__(self) -> str:
        return f"<Program of {self.ansatz!r}, noise {self.noise}>"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape (S, D, C, D) of one neuron's instrument."""
        io, size = self.ansatz.io_qubits, 4**self.ansatz.memory_qubits
        return (2**io, size, 3**io, size)

    def build(self, theta: NDArray[np.float64], dtype: Any = np.float64) -> NDArray[Any]:
        """Return the instruments of angles.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        dtype : float64 or float32
            Precision of the result.

        Returns
        -------
        ndarray, shape (K, S, D, C, D)

        Raises
        ------
        ValueError
            If they would not fit.
        """
        check_compiled(self.ansatz, self.noise, theta.shape[0], dtype)
        A = np.empty((theta.shape[0], *self.shape), dtype=dtype)
        # Few neurons at a time: the build is in float64 whatever the neurons run in.
        chunk = max(1, 2**23 // math.prod(self.shape))
        for k in range(0, theta.shape[0], chunk):
            out = A[k : k + chunk]
            part = out if A.dtype == np.float64 else np.empty(out.shape)
            self.rebuild(theta[k : k + chunk], part)
            if part is not out:
                out[:] = part
        return A

    def rebuild(self, theta: NDArray[np.float64], out: NDArray[np.float64]) -> None:
        """Write the instruments of angles into an array that is there, as `build`.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        out : ndarray of float64, shape (K, S, D, C, D)
            Array to be overwritten; C-contiguous.
        """
        if self.maps is not None:
            self.maps.build(theta, out)
            return
        self._call(_kernels.build_instruments, theta, out)

    def derive(
        self,
        theta: NDArray[np.float64],
        out: NDArray[np.float64],
        instruments: NDArray[np.float64] | None = None,
    ) -> None:
        """Write the derivatives of the instruments by each angle into an array that is there.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        out : ndarray of float64, shape (K, n_params, S, D, C, D)
            Array to be overwritten; C-contiguous.
        instruments : ndarray of float64, shape (K, S, D, C, D), optional
            Overwritten with what `rebuild` makes, which costs little besides.
        """
        if self.maps is not None:
            self.maps.derive(theta, out)
            if instruments is not None:
                self.maps.build(theta, instruments)
            return
        columns = self.angles.of(theta).shape[1]
        by_column = out if columns == out.shape[1] else np.empty((len(out), columns, *self.shape))
        made = np.empty((0, *self.shape)) if instruments is None else instruments
        self._call(_kernels.build_derivatives, theta, by_column, made)
        if by_column is not out:
            out[:] = self.angles.pull(by_column)

    def pull_back(
        self, theta: NDArray[np.float64], gradient: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return ``sum <gradient, dA/dtheta_p>``: reverse mode through ``build``.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        gradient : ndarray, shape (K, S, D, C, D)
            Gradient with respect to the instruments.

        Returns
        -------
        ndarray, shape (K, n_params)

        Raises
        ------
        ValueError
            If it would not fit, see :meth:`check_pull_back`.
        """
        self.check_pull_back(len(theta))
        if self.maps is not None:
            return self.maps.pull_back(theta, gradient)
        by_column = np.zeros(self.angles.of(theta).shape)
        self._call(_kernels.pull_back, theta, np.ascontiguousarray(gradient), by_column)
        return self.angles.pull(by_column)

    def check_pull_back(self, rows: int) -> None:
        """Refuse a pull-back that would not fit with the states that it keeps.

        Parameters
        ----------
        rows : int
            Sets of angles K.

        Raises
        ------
        ValueError
            If it would not fit.
        """
        operations = len(self.table)
        check_scores(self.ansatz, self.noise, rows=rows, derivatives=False, operations=operations)

    def constant(self) -> Matrix:
        """Return what comes of the columns of `start`, where no operation has an angle.

        Returns
        -------
        ndarray, shape (rows of effects, columns of start)
        """
        out = np.empty((1, len(self.effects), self.start.shape[1]))
        self._call(_kernels.build_instruments, np.zeros((1, 0)), out)
        return np.asarray(out[0])

    def etas(self, size: int) -> NDArray[np.float64]:
        """Return `eta` of *size* neurons, shape (size, io_qubits).

        Parameters
        ----------
        size : int
            Number of neurons.

        Returns
        -------
        ndarray
        """
        return np.repeat(self.eta[None], size, axis=0)

    def part(self, which: Any) -> Any:
        """Return what some of the neurons are made of: all of the same here.

        Parameters
        ----------
        which : slice, or ndarray of int, shape (n,)
            Indices of the neurons.

        Returns
        -------
        Program
        """
        return self

    def _call(self, kernel: Any, theta: NDArray[np.float64], *arrays: NDArray[Any]) -> None:
        which = np.zeros(len(theta), dtype=np.int64)
        stacks = self.terms[None], self.start[None], self.effects[None]
        self._call_stacked(kernel, stacks, which, theta, *arrays)

    def _call_stacked(
        self,
        kernel: Any,
        stacks: tuple[Matrix, Matrix, Matrix],
        which: NDArray[np.int64],
        theta: NDArray[np.float64],
        *arrays: NDArray[Any],
    ) -> None:
        """Call a kernel with terms, start and effects of models: neuron k has row which[k]."""
        terms, start, effects = stacks
        angles = np.ascontiguousarray(self.angles.of(theta))
        kernel(self.table, self.entries, terms, self.rows, start, effects, which, angles, *arrays)


@lru_cache(maxsize=64)
def compile_program(ansatz: Ansatz, noise: NoiseModel | None = None) -> Program:
    """Let QuTiP make every superoperator of a step; the result serves every *theta*.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel, optional
        None is noiseless. The last 64 pairs are kept.

    Returns
    -------
    Program

    Raises
    ------
    ValueError
        If the compiled circuit would take more than 2 GiB (above 5 memory qubits with one io qubit)
        or half of this machine's memory.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> program = compile_program(ansatz.layered(1, 1))
    >>> program.build(np.zeros((5, 8))).shape
    (5, 2, 4, 3, 4)
    """
    schedule = Schedule.of(ansatz, noise)
    check_compiled(ansatz, noise)

    @cache
    def relaxation(qubit: int, duration: float) -> Matrix | None:
        channel = None if noise is None else noise.relaxation(qubit, duration)
        return None if channel is None else superoperator_to_matrix(channel)

    def arrays(steps: Sequence[Operation]) -> dict[str, Any]:
        made = _Operations(ansatz)
        for step in steps:
            if step.kind == "gate" and step.gate is not None:
                made.gate(step.gate)
            elif step.kind == "depolarise" and not step.driven and step.strength:
                made.error(_depolarizing(step.strength, len(step.qubits)), step.qubits)
            elif step.kind == "relax":
                made.close({q: relaxation(q, step.duration) for q in step.qubits})
            elif step.superoperator is not None:
                made.close({})
                made.constant(superoperator_to_matrix(step.superoperator), step.qubits)
        made.close({})
        return made.arrays()

    # What happens to the memory after the measurement does not depend on the current: it is
    # multiplied into the effects once.
    wait = np.eye(4**ansatz.memory_qubits)
    for step in schedule.after:
        if step.kind == "relax":
            each = [relaxation(q, step.duration) for q in step.qubits]
            if any(m is not None for m in each):
                wait = _together(each) @ wait
        elif step.superoperator is not None:
            at = tuple(q - ansatz.io_qubits for q in step.qubits)
            wait = _on_all(superoperator_to_matrix(step.superoperator), at, ansatz) @ wait

    # A depolarising error p leaves 1 - 4 p / 3 of a Bloch vector; it applies only where z > 0,
    # hence with the current and not here.
    eta = [1 - 4 * p / 3 for p in schedule.io_strengths("depolarise")]
    common: Any = {"ansatz": ansatz, "noise": noise, "eta": np.array(eta)}
    start, effects = _start(schedule, 4**ansatz.memory_qubits), _effects(ansatz, noise, wait)
    if not ansatz.is_classical:
        return Program(**common, **arrays(schedule.before), start=start, effects=effects)
    # A classical table is the one gate in the middle: what comes before and after it is fixed, and
    # compiled as two programs without angles.
    split = [step.gate in ansatz.gates for step in schedule.before].index(True)
    table, n = ansatz.gates[0].table, ansatz.n_qubits
    assert table is not None
    first, last = (
        Program(**common, **arrays(steps), start=begin, effects=end)
        for steps, begin, end in (
            (schedule.before[:split], start, np.eye(4**n)),
            (schedule.before[split + 1 :], patterns(n), effects),
        )
    )
    maps = TableMaps.between(table, first.constant(), last.constant())
    return replace(first, effects=effects, maps=maps)


class _Operations:
    """The linear maps of a step in order, with as few of them as the order allows.

    Errors of a gate, and the relaxation that follows, are multiplied into its own matrix: gates
    wait in `open` until something else acts on their qubits.
    """

    def __init__(self, ansatz: Ansatz) -> None:
        self.n = ansatz.n_qubits
        self.angles = Angles(ansatz.n_params)
        self.table: list[tuple[int, int, int, int, int, int]] = []
        self.entries: list[NDArray[np.int64]] = [np.empty((0, 2), dtype=np.int64)]
        self.terms: list[Matrix] = [np.empty((0, max(_N_TERMS)))]
        self.rows: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        self.open: list[tuple[Gate, Matrix, int]] = []

    def gate(self, gate: Gate) -> None:
        # Gates on distinct qubits commute, so both may stay open for their errors.
        if any(set(gate.qubits).intersection(other.qubits) for other, *_ in self.open):
            self.close({})
        self.open.append((gate, *_gate_terms(gate)))

    def error(self, matrix: Matrix, qubits: tuple[int, ...]) -> None:
        at = [gate.qubits for gate, *_ in self.open]
        # The error of a gate on its own qubits is part of its matrix: one map instead of two.
        if qubits in at:
            gate, matrices, kind = self.open[at.index(qubits)]
            self.open[at.index(qubits)] = gate, matrix @ matrices, kind
        else:
            self.close({})
            self.constant(matrix, qubits)

    def close(self, relax: dict[int, Matrix | None]) -> None:
        """Add the gates that wait, with the relaxation of their qubits, then that of the others."""
        for gate, matrices, kind in self.open:
            own = [relax.pop(q, None) for q in gate.qubits]
            if any(matrix is not None for matrix in own):
                matrices = _together(own) @ matrices
            self._add(matrices, gate.qubits, self.angles.column(gate), kind)
        self.open.clear()
        for q, matrix in relax.items():
            if matrix is not None:
                self.constant(matrix, (q,))

    def arrays(self) -> dict[str, Any]:
        """Return them as the arrays of a Program."""
        return {
            "angles": self.angles,
            "table": np.array(self.table, dtype=np.int64).reshape(-1, 6),
            "entries": np.concatenate(self.entries),
            "terms": np.concatenate(self.terms),
            "rows": np.concatenate(self.rows),
        }

    def constant(self, matrix: Matrix, qubits: tuple[int, ...]) -> None:
        if not np.array_equal(matrix, np.eye(len(matrix))):
            self._add(matrix[None], qubits, -1, 0)

    def _add(self, matrices: Matrix, qubits: tuple[int, ...], param: int, kind: int) -> None:
        # Most entries of a gate's matrix are zero whatever its angle.
        where = np.argwhere(np.abs(matrices).max(axis=0) > _ROUNDING)
        first = self.table[-1][3] + self.table[-1][2] if self.table else 0
        row = self.table[-1][5] + len(self.rows[-1]) if self.table else 0
        self.table.append((param, kind, len(where), first, matrices.shape[-1], row))
        coefficients = np.zeros((len(where), max(_N_TERMS)))
        coefficients[:, : len(matrices)] = matrices[:, where[:, 0], where[:, 1]].T
        self.entries.append(where)
        self.terms.append(coefficients)
        self.rows.append(_row_groups(qubits, self.n))


def _together(each: Sequence[Matrix | None]) -> Matrix:
    """Return the map of qubits side by side, of which some (None) are left alone."""
    return np.asarray(reduce(_kron, [np.eye(4) if m is None else m for m in each]))


def _on_all(matrix: Matrix, qubits: tuple[int, ...], ansatz: Ansatz) -> Matrix:
    """Return a map of some memory qubits as a map of the memory."""
    m = ansatz.memory_qubits
    if qubits == tuple(range(m)):
        return matrix
    rows = _row_groups(qubits, m).reshape(-1, len(matrix))
    whole = np.zeros((4**m, 4**m))
    whole[rows[:, :, None], rows[:, None, :]] = matrix
    return whole


def _row_groups(qubits: tuple[int, ...], n: int) -> NDArray[np.int64]:
    """Components of the register's Pauli vector in groups that a gate on *qubits* mixes."""
    index = np.arange(4**n).reshape((4,) * n)
    others = [q for q in range(n) if q not in qubits]
    return np.ascontiguousarray(index.transpose(*others, *qubits)).ravel()


@lru_cache(maxsize=1024)  # a sweep over noise models meets the same gates again and again
def _gate_terms(gate: Gate) -> tuple[NDArray[np.float64], int]:
    """Coefficients (n_terms, 4**m, 4**m) of a gate's superoperator in its trigonometric basis."""
    if gate.param is None:
        return superoperator_to_matrix(qutip.to_super(gate.operator()))[None], 0
    kind = 2 if gate.is_controlled_rotation else 1
    n_terms = _N_TERMS[kind]
    # Equally spaced over one period (4 pi if half angles occur): the system is orthogonal.
    period = 2 * np.pi * kind
    angles = period * np.arange(n_terms) / n_terms
    samples = np.array(
        [superoperator_to_matrix(qutip.to_super(gate.operator(float(a)))) for a in angles]
    )
    design = np.array([_basis(kind, a) for a in angles])
    return np.einsum("fa,aij->fij", np.linalg.inv(design), samples), kind


@lru_cache(maxsize=1024)
def _depolarizing(p: float, n_qubits: int) -> NDArray[np.float64]:
    return superoperator_to_matrix(depolarizing(p, n_qubits))


def _basis(kind: int, angle: float) -> NDArray[np.float64]:
    return np.array(_kernels.trigonometric_basis(kind, angle)[: _N_TERMS[kind]])


def _start(schedule: Schedule, size: int) -> NDArray[np.float64]:
    """Columns (c, j): the register's Pauli vector for encoding term c and memory component j."""
    per_qubit = []
    for p in schedule.io_strengths("reset"):
        # A reset that fails with probability p leaves |1>: Z shrinks to 1 - 2 p.
        shrink = 1 - 2 * p
        term = np.zeros((4, 3))
        term[0, 0] = 1.0  # the identity
        term[3, 1] = term[2, 2] = shrink  # Z with cos, Y with -sin
        per_qubit.append(term)
    return np.asarray(reduce(_kron, [*per_qubit, np.eye(size)]))


def _effects(
    ansatz: Ansatz, noise: NoiseModel | None, wait: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rows (s, i): memory component i after the reported outcome s and the wait."""
    per_qubit = []
    for q in range(ansatz.io_qubits):
        # |0><0| = (I + Z) / 2 in Pauli vectors, whose components are Tr(P rho) without a norm.
        true = np.array([[0.5, 0, 0, 0.5], [0.5, 0, 0, -0.5]])  # <0|.|0> and <1|.|1>
        per_qubit.append(true if noise is None else noise.readout(q) @ true)
    rows = []
    for bits in product((0, 1), repeat=ansatz.io_qubits):
        row = reduce(_kron, [per_qubit[q][bit] for q, bit in enumerate(bits)])
        rows.append(np.kron(row[None], wait))
    return np.ascontiguousarray(np.concatenate(rows))
