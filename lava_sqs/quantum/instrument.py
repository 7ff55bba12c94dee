r"""The compiled neuron: circuit and noise become one small real array per neuron.

With the memory as a Pauli vector ``r`` a step is a quantum instrument that is affine in three
numbers per io channel (equation numbers as in docs, "The instrument"):

.. math::

    S_s(z) = \sum_c c_c(z) A_{s,c}, \qquad
    c = \bigotimes_n (1,\ \eta_n \cos \varphi_n,\ -\eta_n \sin \varphi_n), \qquad
    \varphi_n = \pi \max(z_n, 0),

    y = S_s(z)\, r, \qquad p(s) = y_0, \qquad r \leftarrow y / y_0 .

QuTiP makes the superoperator of every gate (at 1, 3 or 5 angles: it is an exact trigonometric
polynomial of its angle), of every relaxation and of the user's own channels, once per (ansatz,
noise); the instruments of any number of angle vectors follow by batched products.
"""

from __future__ import annotations

import importlib
import sys
import types
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_real, check_shape
from lava_sqs._lazy import qutip
from lava_sqs.quantum._room import check_compiled, check_scores
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.kernels import step as _kernels
from lava_sqs.quantum.noise import NoiseModel, depolarizing
from lava_sqs.quantum.schedule import Schedule
from lava_sqs.quantum.states import _kron, matrix_to_superoperator, superoperator_to_matrix

__all__ = ["Program", "compile_program", "instrument"]

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
        The arrays of ``lava_sqs.quantum.kernels.step.build_instruments``.
    eta : ndarray, shape (io_qubits,)
        Shrinkage of the encoding gate where z > 0.

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
        chunk = max(1, int(2**26 // (8 * np.prod(self.shape))))
        for k in range(0, theta.shape[0], chunk):
            part = np.empty((len(theta[k : k + chunk]), *self.shape))
            self._call(_kernels.build_instruments, theta[k : k + chunk], part)
            A[k : k + chunk] = part
        return A

    def pull_back(
        self, theta: NDArray[np.float64], gradient: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return ``sum <gradient, dA/dtheta_p>``: reverse mode through :meth:`build`.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        gradient : ndarray, shape (K, S, D, C, D)
            By the instruments.

        Returns
        -------
        ndarray, shape (K, n_params)

        Raises
        ------
        ValueError
            If the states that it keeps would not fit.
        """
        check_scores(
            self.ansatz, self.noise, rows=len(theta), derivatives=False, operations=len(self.table)
        )
        d_theta = np.zeros((theta.shape[0], self.ansatz.n_params))
        self._call(_kernels.pull_back, theta, np.ascontiguousarray(gradient), d_theta)
        return d_theta

    def _call(self, kernel: Any, theta: NDArray[np.float64], *arrays: NDArray[Any]) -> None:
        kernel(
            self.table,
            self.entries,
            self.terms,
            self.rows,
            self.start,
            self.effects,
            np.ascontiguousarray(theta),
            *arrays,
        )


def instrument(
    ansatz: Ansatz, theta: Any, z: Any, noise: NoiseModel | None = None
) -> list[qutip.Qobj]:
    r"""Return the instrument of one neuron for given input currents: one map per outcome.

    .. math:: \mathcal E_s(\sigma) = \operatorname{Tr}_{io}\bigl[(|s\rangle\langle s| \otimes 1)\,
        V\,(\rho_{io}(z) \otimes \sigma)\,V^\dagger\bigr]

    and with noise the same with a channel in every slot of the step.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit V.
    theta : array_like, shape (n_params,)
        Angles in radians.
    z : float or array_like, shape (io_qubits,)
        Input currents; ``z <= 0`` applies no gate.
    noise : NoiseModel, optional
        None is noiseless.

    Returns
    -------
    list of Qobj
        ``2**io_qubits`` completely positive superoperators on the memory, in the order of the
        reported bits (channel 0 most significant). They sum to a trace-preserving map.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> maps = instrument(ansatz.paper(), [0.0, 0.0, 0.0], z=1.0)
    >>> len(maps), sum(maps).istp
    (2, True)

    References
    ----------
    Davies, Lewis, Comm. Math. Phys. 17, 239 (1970): instruments.
    """
    check_instance("ansatz", ansatz, Ansatz)
    check_instance("noise", noise, NoiseModel, none=True)
    program = compile_program(ansatz, noise)
    angles = ansatz.check_theta(theta)
    currents = check_shape("z", np.atleast_1d(check_real("z", z)), (ansatz.io_qubits,))
    A = program.build(angles[None])[0]
    coefficients = np.empty(A.shape[2])
    _kernels.encode(currents, program.eta, coefficients)
    return [matrix_to_superoperator(m) for m in np.einsum("c,sicj->sij", coefficients, A)]


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
    n = ansatz.n_qubits
    schedule = Schedule.of(ansatz, noise)
    check_compiled(ansatz, noise)
    table: list[tuple[int, int, int, int, int, int]] = []
    entries: list[NDArray[np.int64]] = [np.empty((0, 2), dtype=np.int64)]
    terms: list[NDArray[np.float64]] = [np.empty((0, max(_N_TERMS)))]
    rows: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]

    def add(matrices: NDArray[np.float64], qubits: tuple[int, ...], param: int, kind: int) -> None:
        # Most entries of a gate's matrix are zero whatever its angle.
        where = np.argwhere(np.abs(matrices).max(axis=0) > _ROUNDING)
        first = table[-1][3] + table[-1][2] if table else 0
        row = table[-1][5] + len(rows[-1]) if table else 0
        table.append((param, kind, len(where), first, matrices.shape[-1], row))
        coefficients = np.zeros((len(where), max(_N_TERMS)))
        coefficients[:, : len(matrices)] = matrices[:, where[:, 0], where[:, 1]].T
        entries.append(where)
        terms.append(coefficients)
        rows.append(_row_groups(qubits, n))

    def add_constant(matrix: NDArray[np.float64], qubits: tuple[int, ...]) -> None:
        if not np.array_equal(matrix, np.eye(len(matrix))):
            add(matrix[None], qubits, -1, 0)

    open_gates: list[tuple[Gate, NDArray[np.float64], int]] = []  # waiting for their errors

    def close(relax: dict[int, NDArray[np.float64] | None]) -> None:
        for gate, matrices, kind in open_gates:
            own = [relax.pop(q, None) for q in gate.qubits]
            if any(matrix is not None for matrix in own):
                whole = [np.eye(4) if matrix is None else matrix for matrix in own]
                matrices = reduce(_kron, whole) @ matrices
            add(matrices, gate.qubits, -1 if gate.param is None else gate.param, kind)
        open_gates.clear()
        for q, matrix in relax.items():
            if matrix is not None:
                add_constant(matrix, (q,))

    @cache
    def relaxation(qubit: int, duration: float) -> NDArray[np.float64] | None:
        channel = None if noise is None else noise.relaxation(qubit, duration)
        return None if channel is None else superoperator_to_matrix(channel)

    # Errors of a gate, and the relaxation that follows, are multiplied into its own matrix.
    for step in schedule.before:
        qubits = step.qubits
        if step.kind == "gate" and step.gate is not None:
            if any(set(qubits).intersection(gate.qubits) for gate, *_ in open_gates):
                close({})
            open_gates.append((step.gate, *_gate_terms(step.gate)))
        elif step.kind == "depolarise" and not step.driven and step.strength:
            error = _depolarizing(step.strength, len(qubits))
            at = [gate.qubits for gate, *_ in open_gates]
            if qubits in at:
                gate, matrices, kind = open_gates[at.index(qubits)]
                open_gates[at.index(qubits)] = gate, error @ matrices, kind
            else:
                close({})
                add_constant(error, qubits)
        elif step.kind == "relax":
            close({q: relaxation(q, step.duration) for q in qubits})
        elif step.superoperator is not None:
            close({})
            add_constant(superoperator_to_matrix(step.superoperator), qubits)
    close({})
    wait = np.eye(4**ansatz.memory_qubits)
    for step in schedule.after:
        if step.kind == "relax":
            each = [relaxation(q, step.duration) for q in step.qubits]
            if any(m is not None for m in each):
                wait = reduce(_kron, [np.eye(4) if m is None else m for m in each]) @ wait
        elif step.superoperator is not None:
            wait = superoperator_to_matrix(step.superoperator) @ wait

    eta = [1 - 4 * p / 3 for p in schedule.io_strengths("depolarise")]
    return Program(
        ansatz=ansatz,
        noise=noise,
        table=np.array(table, dtype=np.int64).reshape(-1, 6),
        entries=np.concatenate(entries),
        terms=np.concatenate(terms),
        rows=np.concatenate(rows),
        start=_start(schedule, 4**ansatz.memory_qubits),
        effects=_effects(ansatz, noise, wait),
        eta=np.array(eta),
    )


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
        true = np.array([[0.5, 0, 0, 0.5], [0.5, 0, 0, -0.5]])  # <0|.|0> and <1|.|1>
        per_qubit.append(true if noise is None else noise.readout(q) @ true)
    rows = []
    for bits in product((0, 1), repeat=ansatz.io_qubits):
        row = reduce(_kron, [per_qubit[q][bit] for q, bit in enumerate(bits)])
        rows.append(np.kron(row[None], wait))
    return np.ascontiguousarray(np.concatenate(rows))


class _CallableModule(types.ModuleType):
    """The module ``lava_sqs.quantum.instrument``, which is called as its function as well."""

    def __call__(
        self, ansatz: Ansatz, theta: Any, z: Any, noise: NoiseModel | None = None
    ) -> list[qutip.Qobj]:
        return instrument(ansatz, theta, z, noise)

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)


sys.modules[__name__].__class__ = _CallableModule
