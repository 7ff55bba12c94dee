r"""The one convention between QuTiP's objects and the real arrays of the hot loop.

A density matrix of ``n`` qubits is a real *Pauli vector* ``r`` of length ``4**n``,

.. math:: r_a = \operatorname{Tr}(P_a \rho), \qquad \rho = 2^{-n} \sum_a r_a P_a ,

with ``P_a`` the tensor products of (I, X, Y, Z), qubit 0 the most significant, so that ``r[0]`` is
the trace. A map between density matrices is the real matrix (its Pauli transfer matrix)

.. math:: R_{ab} = 2^{-n_\mathrm{in}} \operatorname{Tr}\left(P_a\, \mathcal E(P_b)\right).

Both are one change of basis of QuTiP's column-stacked vectors and superoperators.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_bytes, check_int, check_real, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip

__all__ = [
    "check_states",
    "ground_state",
    "matrix_to_superoperator",
    "pauli_labels",
    "pauli_to_qobj",
    "qobj_to_pauli",
    "superoperator_to_matrix",
]

_ROUNDING = 1e-12  # of the trace and the eigenvalues of a state in double precision

# For reduce, which NumPy's own types of kron do not fit.
_kron: Callable[[Any, Any], Any] = np.kron


def pauli_labels(n_qubits: int) -> list[str]:
    """Return the names of the components of a Pauli vector, in order.

    Parameters
    ----------
    n_qubits : int
        Number of qubits, at least 1.

    Returns
    -------
    list of str
        ``4**n_qubits`` names; qubit 0 is the first letter, and the last letter varies fastest.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> pauli_labels(1)
    ['I', 'X', 'Y', 'Z']
    >>> pauli_labels(2)[:6]
    ['II', 'IX', 'IY', 'IZ', 'XI', 'XX']
    """
    n_qubits = check_int("n_qubits", n_qubits, minimum=1)
    check_bytes("n_qubits", (49.0 + n_qubits) * 4.0 ** min(n_qubits, 500))
    return ["".join(letters) for letters in product("IXYZ", repeat=n_qubits)]


@cache
def _basis(n_qubits: int) -> NDArray[np.complex128]:
    """Columns are ``operator_to_vector(P_a)``: shape (4**n, 4**n), B^dagger B = 2**n."""
    single = {"I": qutip.qeye(2), "X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}
    columns = [
        qutip.operator_to_vector(qutip.tensor([single[c] for c in label])).full()[:, 0]
        for label in (pauli_labels(n_qubits) if n_qubits else [])
    ]
    basis = np.array(columns).T if n_qubits else np.ones((1, 1), dtype=complex)
    basis.setflags(write=False)
    return basis


# Of one qubit: r_a = Tr(P_a rho) from the entries rho_00, rho_01, rho_10, rho_11, and back.
_TO_VECTOR = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1j, -1j, 0], [1, 0, 0, -1]])
_TO_ENTRIES = _TO_VECTOR.conj().T / 2


def _each_qubit(matrix: NDArray[Any], array: NDArray[Any], n: int) -> NDArray[Any]:
    """Apply *matrix* (4, 4) to each of the n axes of length 4 that *array* (N, 4**n) stands for."""
    for q in range(n):
        array = matrix @ array.reshape(-1, 4, 4 ** (n - 1 - q))
    return array


def pauli_to_matrices(vectors: NDArray[Any]) -> NDArray[np.complex128]:
    """Return the matrices (..., 2**n, 2**n) of Pauli vectors (..., 4**n): see the top.

    The argument *vectors* holds them along its last axis. Qubit by qubit: no matrix has 16**n
    entries.

    Examples
    --------
    >>> pauli_to_matrices(np.array([1.0, 0.0, 0.0, 1.0])).real
    array([[1., 0.],
           [0., 0.]])
    """
    n = (vectors.shape[-1].bit_length() - 1) // 2
    entries = _each_qubit(_TO_ENTRIES, vectors.reshape(-1, 4**n), n).reshape(-1, *(2,) * (2 * n))
    rows, columns = range(1, 2 * n, 2), range(2, 2 * n + 1, 2)
    matrices = entries.transpose(0, *rows, *columns)
    return np.ascontiguousarray(matrices).reshape(*vectors.shape[:-1], 2**n, 2**n)


def matrices_to_pauli(matrices: NDArray[Any]) -> NDArray[np.complex128]:
    """Return ``Tr(P_a rho)`` (..., 4**n) of *matrices* rho (..., 2**n, 2**n).

    Examples
    --------
    >>> matrices_to_pauli(np.array([[1.0, 0.0], [0.0, 0.0]])).real
    array([1., 0., 0., 1.])
    """
    n = matrices.shape[-1].bit_length() - 1
    entries = matrices.reshape(-1, *(2,) * (2 * n))
    # Row and column bit of each qubit side by side: a digit of 4 per qubit.
    pairs = [axis for q in range(n) for axis in (1 + q, 1 + n + q)]
    flat = np.ascontiguousarray(entries.transpose(0, *pairs)).reshape(-1, 4**n)
    return _each_qubit(_TO_VECTOR, flat, n).reshape(*matrices.shape[:-2], 4**n)


def _n_qubits(dims: Any, what: str) -> int:
    flat = list(np.ravel(dims))
    if any(d not in (1, 2) for d in flat):
        raise ValueError(f"{what} must act on qubits (dims of 2), but has dims {dims}.")
    return sum(d == 2 for d in flat)


def qobj_to_pauli(rho: qutip.Qobj) -> NDArray[np.float64]:
    """Return the Pauli vector of an operator or a ket.

    Parameters
    ----------
    rho : Qobj
        Hermitian operator (or ket) on ``n`` qubits.

    Returns
    -------
    ndarray, shape (4**n,)

    Raises
    ------
    TypeError, ValueError
        If *rho* is not a Qobj, does not act on qubits, or is not Hermitian.

    Examples
    --------
    >>> import qutip
    >>> qobj_to_pauli(qutip.basis(2, 0))
    array([1., 0., 0., 1.])
    """
    if not isinstance(rho, qutip.Qobj):
        raise ArgumentTypeError("rho", f"must be a QuTiP Qobj, but got {type(rho).__name__}.")
    if rho.isket:
        rho = qutip.ket2dm(rho)
    if not rho.isoper:
        raise ArgumentValueError("rho", f"must be an operator or a ket, but is a {rho.type}.")
    _n_qubits(rho.dims[0], "Argument `rho`")
    vector = matrices_to_pauli(rho.full())
    if np.abs(vector.imag).max() > 1e-9 * max(1.0, np.abs(vector).max()):
        raise ArgumentValueError("rho", "must be Hermitian, but is not.")
    return np.ascontiguousarray(vector.real)


def pauli_to_qobj(vector: Any) -> qutip.Qobj:
    r"""Return the operator of a Pauli vector.

    .. math:: \rho = 2^{-n} \sum_a r_a P_a

    Parameters
    ----------
    vector : array_like, shape (4**n,)
        Real; component 0 is the trace.

    Returns
    -------
    Qobj
        On n qubits.

    Raises
    ------
    TypeError, ValueError
        If the vector is not real, or its length is not a power of 4.

    Examples
    --------
    >>> pauli_to_qobj([1.0, 0.0, 0.0, 1.0]) == qutip.fock_dm(2, 0)
    True
    """
    r = check_real("vector", vector)
    n = (r.size.bit_length() - 1) // 2
    if r.ndim != 1 or n < 1 or r.size != 4**n:
        raise ArgumentValueError(
            "vector", f"must have shape (4**n,), but got {describe(np.asarray(vector))}."
        )
    return qutip.Qobj(pauli_to_matrices(r), dims=[[2] * n, [2] * n])


def superoperator_to_matrix(superoperator: qutip.Qobj) -> NDArray[np.float64]:
    r"""Return the real Pauli transfer matrix of a superoperator.

    .. math:: R_{ab} = 2^{-n_\mathrm{in}} \operatorname{Tr}\left(P_a\, \mathcal E(P_b)\right)

    Parameters
    ----------
    superoperator : Qobj
        A Hermiticity-preserving superoperator, in any of QuTiP's representations, or an
        operator ``U`` (then the map is ``U . U^dagger``).

    Returns
    -------
    ndarray, shape (4**n_out, 4**n_in)

    Raises
    ------
    TypeError, ValueError
        If it is not a Qobj, or does not map Hermitian operators to Hermitian operators.

    Examples
    --------
    >>> superoperator_to_matrix(qutip.sigmax()).diagonal()
    array([ 1.,  1., -1., -1.])
    """
    if not isinstance(superoperator, qutip.Qobj):
        raise ArgumentTypeError(
            "superoperator", f"must be a QuTiP Qobj, but got {type(superoperator).__name__}."
        )
    # QuTiP 5.2 has no Pauli transfer matrix (to_chi is another one): one change of basis makes it.
    s = qutip.to_super(superoperator)
    n_out, n_in = (_n_qubits(side[0], "Argument `superoperator`") for side in s.dims)
    matrix = _basis(n_out).conj().T @ s.full() @ _basis(n_in) / 2**n_in
    if np.abs(matrix.imag).max() > 1e-9 * max(1.0, np.abs(matrix).max()):
        raise ArgumentValueError(
            "superoperator",
            "must preserve Hermiticity, but its Pauli transfer matrix "
            f"has imaginary parts up to {np.abs(matrix.imag).max():.3g}.",
        )
    return np.ascontiguousarray(matrix.real)


def matrix_to_superoperator(matrix: Any) -> qutip.Qobj:
    """Return the QuTiP superoperator of a real Pauli transfer matrix.

    Parameters
    ----------
    matrix : array_like, shape (4**n_out, 4**n_in)
        See :func:`superoperator_to_matrix`.

    Returns
    -------
    Qobj
        Superoperator that acts on column-stacked density matrices.

    Raises
    ------
    TypeError, ValueError
        If the matrix is not real, or the length of an axis is not a power of 4.

    Examples
    --------
    >>> flip = matrix_to_superoperator(np.diag([1.0, 1.0, -1.0, -1.0]))
    >>> flip == qutip.to_super(qutip.sigmax())
    True
    """
    m = check_real("matrix", matrix)
    sizes = [(s.bit_length() - 1) // 2 for s in m.shape]
    if m.ndim != 2 or min(sizes) < 1 or m.shape != tuple(4**n for n in sizes):
        raise ArgumentValueError(
            "matrix", f"must have shape (4**n_out, 4**n_in), but has shape {m.shape}."
        )
    n_out, n_in = sizes
    full = _basis(n_out) @ m @ _basis(n_in).conj().T / 2**n_out
    return qutip.Qobj(full, dims=[[[2] * n_out] * 2, [[2] * n_in] * 2], superrep="super")


def ground_state(memory_qubits: int) -> NDArray[np.float64]:
    """Return the Pauli vector of ``|0..0>`` on *memory_qubits* qubits.

    Examples
    --------
    >>> ground_state(1)
    array([1., 0., 0., 1.])
    """
    return reduce(_kron, [np.array([1.0, 0.0, 0.0, 1.0])] * memory_qubits)


def broadcast_memory(memory: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the argument ``memory`` of a reset as real numbers of *shape*."""
    vectors = check_real("memory", memory)
    try:
        return np.broadcast_to(vectors, shape)
    except ValueError as error:
        raise ArgumentValueError(
            "memory", f"must broadcast to shape {shape}, but has shape {vectors.shape}."
        ) from error


def check_states(
    name: str, vectors: NDArray[Any], memory_qubits: int, dtype: Any = np.float64
) -> NDArray[Any]:
    """Return Pauli vectors (..., 4**n), all-zero ones made ``|0..0>``, if all are states.

    The argument *name* is what messages call the *vectors*; *memory_qubits* is n; *dtype* sets the
    tolerance, 1e-6 or (float32) 1e-4, which lets states in single precision pass. In float64 they
    are then made exact: the trace 1, and negative eigenvalues 0.

    Raises
    ------
    ValueError
        If a vector is not a state: its trace is not 1 or an eigenvalue is negative.

    Examples
    --------
    >>> check_states("memory", [[0.0, 0.0, 0.0, 0.0]], 1)
    array([[1., 0., 0., 1.]])
    """
    exact = np.dtype(dtype) == np.float64
    tolerance = 1e-6 if exact else 1e-4
    vectors = np.array(vectors, dtype=dtype)
    vectors[~vectors.any(axis=-1)] = ground_state(memory_qubits)
    trace_error = np.abs(vectors[..., 0] - 1).max(initial=0)
    if not trace_error <= tolerance:
        raise ArgumentValueError(
            name,
            f"must hold Pauli vectors of states (component 0, the trace, is 1), "
            f"but a trace differs from 1 by {trace_error:.3g}.",
        )
    levels, kets = np.linalg.eigh(pauli_to_matrices(vectors))
    lowest = levels[..., 0].min(initial=0)
    if lowest < -tolerance:
        raise ArgumentValueError(
            name, f"must hold Pauli vectors of states, but one has the eigenvalue {lowest:.3g}."
        )
    # Left as it is where nothing is to be mended: a memory that is read and set again keeps its
    # bits.
    if exact and max(trace_error, -lowest) > _ROUNDING:
        levels = np.clip(levels, 0, None)
        levels /= levels.sum(axis=-1, keepdims=True)
        states = (kets * levels[..., None, :]) @ kets.conj().swapaxes(-1, -2)
        vectors = np.ascontiguousarray(matrices_to_pauli(states).real)
        vectors[..., 0] = 1.0
    return vectors
