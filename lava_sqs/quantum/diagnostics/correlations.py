"""What memory qubits share: entanglement and mutual information of any two parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int, check_items
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import check_room, compiled_limit
from lava_sqs.quantum.diagnostics.states import _kets, _vectors, entropy_of
from lava_sqs.quantum.population import Population
from lava_sqs.quantum.states import pauli_to_matrices

__all__ = ["mutual_information", "negativity"]

Array = NDArray[Any]


def negativity(memory: Any, qubits: Any, others: Any = None) -> Array:
    r"""Return the negativity of two parts of a memory: how entangled they are.

    .. math:: \mathcal N(\rho) = \frac{\lVert \rho^{T_A} \rVert_1 - 1}{2}
        = \sum_i \max(-\lambda_i, 0)

    with the eigenvalues of the partial transpose. It is 0 for separable states, and for two qubits,
    or one and any others in a pure state, only for them; a Bell pair has 1/2.

    Parameters
    ----------
    memory : Population, RunResult, Qobj or array_like, shape (..., 4**n)
        Whole memories; a plain array is read as Pauli vectors. Noiseless Populations at every
        size.
    qubits : int or sequence of int
        The first part, A: memory qubits, the first is 0.
    others : int or sequence of int, optional
        The second part, B; what is in neither is traced out. None is all others.

    Returns
    -------
    ndarray, shape (...)
        From 0 to ``(2**k - 1) / 2``, k the qubits of the smaller part.

    Raises
    ------
    TypeError, ValueError
        If `memory` holds no states of whole memories, as for ``purity``; if a part is empty, names
        a qubit that does not exist, or shares a qubit with the other part.

    References
    ----------
    G. Vidal, R. F. Werner, Phys. Rev. A 65, 032314 (2002), eq. 1-2.

    Examples
    --------
    >>> import qutip
    >>> bell = qutip.bell_state("00")
    >>> float(negativity(bell, 0).round(9))
    0.5
    """
    a, matrices, schmidt = _parts(memory, qubits, others)
    if matrices is None:
        # Of a pure state ||rho^T_A||_1 = (sum of Schmidt coefficients)^2.
        return np.asarray((schmidt.sum(axis=-1) ** 2 - 1) / 2)
    rest = matrices.shape[-1] // 2**a
    split = matrices.reshape(*matrices.shape[:-2], 2**a, rest, 2**a, rest)
    # (a, b, a', b') -> (a', b, a, b'): the transpose of A alone.
    turned = split.swapaxes(-4, -2).reshape(matrices.shape)
    levels = np.linalg.eigvalsh(turned)
    return np.asarray(-np.minimum(levels, 0).sum(axis=-1)) + 0.0


def mutual_information(memory: Any, qubits: Any, others: Any = None) -> Array:
    r"""Return the quantum mutual information of two parts of a memory, in bits.

    .. math:: I(A : B) = S(\rho_A) + S(\rho_B) - S(\rho_{AB})

    It counts classical and quantum correlations; a Bell pair has 2 bits.

    Arguments and errors are as for :func:`negativity`.

    Returns
    -------
    ndarray, shape (...)
        From 0 to 2k, k the qubits of the smaller part.

    References
    ----------
    M. A. Nielsen, I. L. Chuang, *Quantum Computation and Quantum Information*, section 11.3.4.

    Examples
    --------
    >>> import qutip
    >>> float(mutual_information(qutip.bell_state("00"), 0, 1).round(9))
    2.0
    """
    a, matrices, schmidt = _parts(memory, qubits, others)
    if matrices is None:
        return 2 * entropy_of(schmidt**2)
    rest = matrices.shape[-1] // 2**a
    split = matrices.reshape(*matrices.shape[:-2], 2**a, rest, 2**a, rest)
    one = np.einsum("...ijkj->...ik", split)
    two = np.einsum("...ijil->...jl", split)
    apart, together = (
        sum(entropy_of(np.linalg.eigvalsh(m)) for m in each) for each in ((one, two), (matrices,))
    )
    return np.maximum(apart - together, 0.0)


def _parts(memory: Any, qubits: Any, others: Any) -> tuple[int, Array | None, Array]:
    """Return the qubits of A; states (..., 2**k, 2**k) of A and B, A first, or None.

    Where A and B are all of a pure memory it is its Schmidt coefficients that come, last.
    """
    kets = _kets(memory) if isinstance(memory, Population) else None
    vectors = _vectors("memory", memory) if kets is None else kets
    n = (vectors.shape[-1].bit_length() - 1) // (2 if kets is None else 1)
    one = _qubits("qubits", qubits, n)
    two = [q for q in range(n) if q not in one] if others is None else _qubits("others", others, n)
    if not two:
        raise ArgumentValueError(
            "qubits", f"must leave some of the {n} memory qubits, but has all."
        )
    if shared := sorted(set(one) & set(two)):
        raise ArgumentValueError(
            "others", f"must have no qubits of `qubits`, but both have {shared[0]}."
        )
    k, rest = len(one) + len(two), [q for q in range(n) if q not in (*one, *two)]
    if kets is None:
        axes = vectors.reshape(*vectors.shape[:-1], *(4,) * n)
        lead = vectors.ndim - 1
        axes = axes[(..., *(0 if q in rest else slice(None) for q in range(n)))]
        order = [sorted((*one, *two)).index(q) for q in (*one, *two)]
        axes = axes.transpose(*range(lead), *(lead + q for q in order))
        return len(one), pauli_to_matrices(axes.reshape(*axes.shape[:lead], 4**k)), np.empty(0)
    lead = kets.ndim - 1
    axes = kets.reshape(*kets.shape[:-1], *(2,) * n)
    axes = axes.transpose(*range(lead), *(lead + q for q in (*one, *two, *rest)))
    leading = axes.shape[:lead]
    if not rest:
        split = axes.reshape(*leading, 2 ** len(one), 2 ** len(two))
        return len(one), None, np.linalg.svd(split, compute_uv=False)
    check_room(
        f"the state of {k} of {n} memory qubits, `qubits` and `others`, of "
        f"{int(np.prod(leading))} memories,",
        48.0 * 4**k * np.prod(leading),
        compiled_limit(),
        "Use fewer qubits, or all of them (others=None).",
    )
    split = axes.reshape(*leading, 2**k, -1)
    return len(one), split @ split.conj().swapaxes(-1, -2), np.empty(0)


def _qubits(name: str, value: Any, n: int) -> list[int]:
    """Return a part: different memory qubits, of n."""
    several = isinstance(value, Iterable) and not isinstance(value, str)
    items = check_items(name, value) if several and getattr(value, "ndim", None) != 0 else (value,)
    found = [check_int(name, q, minimum=0, maximum=n - 1) for q in items]
    if not found or len(set(found)) < len(found):
        raise ArgumentValueError(
            name, f"must have different memory qubits from 0 to {n - 1}, at least one, "
            f"but got {value!r}."
        )  # fmt: skip
    return found
