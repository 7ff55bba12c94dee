"""Purity, entropy and fidelity of quantum memories.

States are Pauli vectors, arrays (..., 4**n) as in ``Population.memory`` and ``RunResult.memory``,
or single QuTiP states.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_flag, check_real
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum._memory import note_of
from lava_sqs.quantum.engines.trajectory import TrajectoryEngine
from lava_sqs.quantum.population import Population, RunResult
from lava_sqs.quantum.states import pauli_to_matrices, qobj_to_pauli

__all__ = ["entropy", "fidelity", "purity"]

Array = NDArray[Any]


def _found(name: str, memory: Any) -> Any:
    """Return the array of a Population or a run, with its note; anything else as it is."""
    if isinstance(memory, Population):
        return memory.memory
    if isinstance(memory, RunResult):
        if memory.memory is None:
            raise ArgumentValueError(
                name,
                "must hold `memory`, but the run did not keep it: run(..., record=('memory',)).",
            )
        return memory.memory
    return memory


def _vectors(name: str, memory: Any, per_qubit: bool = False) -> Array:
    """Return Pauli vectors (..., 4**n), or (..., n, 4) of each qubit's reduced state."""
    memory = _found(name, memory)
    note = note_of(memory)
    if note is not None and note.origin == "drawn":
        raise ArgumentValueError(
            name,
            "must hold states of memories, but the backend 'trajectory' drew "
            "the errors of its noise: each of its states is pure, whatever the noise. Use "
            "backend='instrument', or average the Pauli vectors over many neurons or batch "
            "entries, memory.mean(axis=...).",
        )
    if note is not None and note.per_qubit and not per_qubit:
        raise ArgumentValueError(
            name,
            f"must hold states of whole memories, but has the reduced state of "
            f"each of {note.qubits} qubits (above 4 memory qubits a Population keeps these in its "
            "`memory`). Use per_qubit=True for each qubit by itself; whole states are in "
            "Population.memory_qobj(index), and diagnostics take a Population.",
        )
    vectors = qobj_to_pauli(memory) if isinstance(memory, qutip.Qobj) else check_real(name, memory)
    n = round(np.log(vectors.shape[-1]) / np.log(4)) if vectors.ndim and vectors.size else 0
    if n < 1 or vectors.shape[-1] != 4**n:
        raise ArgumentValueError(
            name, f"must be a state or have shape (..., 4**n), but has shape {vectors.shape}."
        )
    if not per_qubit or (note is not None and note.per_qubit):
        return vectors
    # Components with I on all other qubits are those of the reduced state: the trace takes no work.
    letters = np.arange(4) * 4 ** np.arange(n)[::-1, None]  # the others are the identity
    return np.asarray(vectors[..., letters])


def _states(memory: Any, per_qubit: Any) -> tuple[Array | None, tuple[int, ...]]:
    """Return Pauli vectors; or None and the leading shape of whole memories known to be pure."""
    per_qubit, memory = check_flag("per_qubit", per_qubit), _found("memory", memory)
    note = None if per_qubit else note_of(memory)
    known = note is not None and note.per_qubit and note.origin == "pure"
    if known and memory.shape[-2:] == (note.qubits, 4):  # type: ignore[union-attr]
        return None, memory.shape[:-2]
    return _vectors("memory", memory, per_qubit), ()


def purity(memory: Any, *, per_qubit: bool = False) -> Array:
    r"""Return the purity of states.

    .. math:: \operatorname{Tr} \rho^2 = 2^{-n} \sum_a r_a^2

    Parameters
    ----------
    memory : Population, RunResult, Qobj or array_like, shape (..., 4**n)
        A plain array is read as Pauli vectors of whole memories.
    per_qubit : bool
        False: of the memory as a whole, at every size. Noiseless memories of more than 4 qubits
        are pure, and that is what is returned for them. True: of the reduced state of each qubit.

    Returns
    -------
    ndarray, shape (...), or (..., n) with `per_qubit`
        From ``2**-n`` (maximally mixed) to 1 (pure).

    Raises
    ------
    TypeError, ValueError
        If it is not a state; if the whole is asked for but only reduced states were recorded; or if
        the states are those of the backend ``trajectory`` under noise, pure given errors that it
        drew.

    Examples
    --------
    >>> float(purity([1.0, 0.0, 0.0, 0.5]))
    0.625
    """
    vectors, pure = _states(memory, per_qubit)
    if vectors is None:
        return np.ones(pure)
    return np.asarray((vectors**2).sum(axis=-1) / np.sqrt(vectors.shape[-1]))


def entropy(memory: Any, *, per_qubit: bool = False) -> Array:
    r"""Return the von Neumann entropy of states, in bits.

    .. math:: S(\rho) = -\operatorname{Tr} \rho \log_2 \rho

    Arguments and errors are as for :func:`purity`.

    Returns
    -------
    ndarray, shape (...), or (..., n) with `per_qubit`
        From 0 (pure) to n (maximally mixed).

    Examples
    --------
    >>> float(entropy([1.0, 0.0, 0.0, 0.0]))
    1.0
    """
    vectors, pure = _states(memory, per_qubit)
    if vectors is None:
        return np.zeros(pure)
    return entropy_of(np.linalg.eigvalsh(pauli_to_matrices(vectors)))


def entropy_of(levels: Array) -> Array:
    """Return the entropy in bits of the probabilities *levels* (..., d), which rounding may touch.

    Examples
    --------
    >>> float(entropy_of(np.array([0.5, 0.25, 0.25])))
    1.5
    """
    # 0 log 0 = 0, and eigenvalues of pure states come out as -1e-17.
    levels = np.clip(levels, 0, 1)
    return np.asarray(-np.sum(levels * np.log2(np.where(levels > 0, levels, 1)), axis=-1)) + 0.0


def fidelity(memory: Any, other: Any) -> Array:
    r"""Return the fidelity of states, in Jozsa's convention (a probability).

    .. math:: F(\rho, \sigma) = \left(\operatorname{Tr}
        \sqrt{\sqrt\rho\, \sigma \sqrt\rho}\right)^2 = \lVert \sqrt\rho \sqrt\sigma \rVert_1^2

    Not QuTiP's ``fidelity``, which is its square root. Accurate to about 1e-7: a square root
    magnifies the rounding of a vanishing eigenvalue.

    Parameters
    ----------
    memory, other : Population, RunResult, Qobj or array_like, shape (..., 4**n)
        Whole memories; leading axes broadcast. Above 4 memory qubits pass noiseless Populations,
        or one and a QuTiP state.

    Returns
    -------
    ndarray, shape (...)
        From 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If one is not a state, they have different sizes, or one has reduced or drawn states, as for
        :func:`purity`.

    References
    ----------
    R. Jozsa, J. Mod. Opt. 41, 2315 (1994), eq. 2.

    Examples
    --------
    >>> float(fidelity([1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]).round(9))
    0.5
    """
    for one, two in ((memory, other), (other, memory)):
        if isinstance(one, Population) and (kets := _kets(one)) is not None:
            overlaps = _overlaps(kets, two, one.ansatz.memory_qubits)
            if overlaps is not None:
                return np.asarray(np.clip(overlaps, 0, 1))
    a, b = _vectors("memory", memory), _vectors("other", other)
    if a.shape[-1] != b.shape[-1]:
        raise ArgumentValueError(
            "other",
            f"must have as many components as `memory` ({a.shape[-1]}), but has {b.shape[-1]}.",
        )
    product = _square_roots(pauli_to_matrices(a)) @ _square_roots(pauli_to_matrices(b))
    # The nuclear norm by singular values: the square root of a product of near-singular matrices
    # would lose half of the digits again.
    overlap = np.linalg.svd(product, compute_uv=False).sum(axis=-1) ** 2
    return np.asarray(np.clip(overlap, 0, 1))


def _kets(population: Population) -> Array | None:
    """Return the pure states (*batch, K, 2**n) of a noiseless population that holds them."""
    engine = population._engine
    if not isinstance(engine, TrajectoryEngine) or engine.no_likelihood:
        return None
    return engine.kets().reshape(*population.batch, population.size, -1)


def _overlaps(kets: Array, other: Any, n: int) -> Array | None:
    """Return the fidelity of pure states to other ones, to a ket or to a density matrix."""
    if isinstance(other, Population):
        others = _kets(other)
        if others is None or others.shape[-1] != kets.shape[-1]:
            return None
        return np.asarray(np.abs((kets.conj() * others).sum(axis=-1)) ** 2)
    if not isinstance(other, qutip.Qobj) or other.dims[0] != [2] * n:
        return None
    if other.isket:
        return np.asarray(np.abs(kets.conj() @ other.full()[:, 0]) ** 2)
    flat = kets.reshape(-1, kets.shape[-1])
    applied = (other.to("CSR").data.as_scipy() @ flat.T).T
    return np.asarray((flat.conj() * applied).sum(axis=-1).real.reshape(kets.shape[:-1]))


def _square_roots(matrices: Array) -> Array:
    levels, vectors = np.linalg.eigh(matrices)
    roots = np.sqrt(np.clip(levels, 0, None))
    return np.asarray((vectors * roots[..., None, :]) @ vectors.conj().swapaxes(-1, -2))
