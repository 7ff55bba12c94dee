"""How fast a memory forgets: the spectrum of a step, averaged over inputs and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

from lava_sqs._checks import check_int
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.diagnostics.averaged import AveragedNeuron
from lava_sqs.quantum.noise import NoiseModel

__all__ = ["SpectralGap", "spectral_gap"]

Array = NDArray[Any]

_DENSE = 5  # memory qubits up to which all eigenvalues are found at once
#: Steps between restarts of Arnoldi's method, how many, and the tolerance: where angles are equal,
#: clusters of nearly parallel eigenvectors take longer and are known less well.
_ATTEMPTS = ((40, 40, 1e-9), (200, 10, 1e-5))


@dataclass(frozen=True)
class SpectralGap:
    """How fast a memory forgets.

    Attributes
    ----------
    eigenvalues : ndarray of complex, shape (n,)
        Eigenvalues of the averaged map, without the 1 that every channel has, by falling modulus.
    tolerance : float
        They are exact for a map that differs from this one by so little, relative to them: 0 up to
        5 memory qubits; above it 1e-9, or 1e-5 where eigenvalues are too close together for that.

    Examples
    --------
    >>> SpectralGap(np.array([0.5 + 0j, 0.25 + 0j])).gap
    0.5
    """

    eigenvalues: Array
    tolerance: float = 0.0

    @property
    def gap(self) -> float:
        """``1 - |lambda_2|``: 0 where something is never forgotten."""
        return max(1.0 - float(np.abs(self.eigenvalues[0])), 0.0)

    @property
    def time(self) -> float:
        """Steps after which what decays slowest has 1/e left, ``-1 / ln |lambda_2|``."""
        modulus = float(np.abs(self.eigenvalues[0]))
        if modulus < 1e-300:
            return 0.0
        return float("inf") if modulus >= 1 - 1e-12 else float(-1 / np.log(modulus))

    def __str__(self) -> str:
        return f"SpectralGap {self.gap:.4g}, 1/e after {self.time:.4g} steps"


def spectral_gap(
    ansatz: Ansatz,
    theta: Any,
    noise: NoiseModel | None = None,
    *,
    currents: Any = (0.0, 1.0),
    probabilities: Any = None,
    n_eigenvalues: int = 1,
) -> SpectralGap:
    r"""Return the spectral gap of a neuron's averaged map: how fast its memory forgets.

    Averaged over the input, drawn independently at each step as in ``memory_capacity``, and
    over outcomes, a step is one channel T of the memory. It keeps the trace, so one eigenvalue is
    1, and the others are those of T on traceless operators. With the largest modulus among them,

    .. math:: \text{gap} = 1 - |\lambda_2|, \qquad
        \lVert T^k \rho - T^k \sigma \rVert = O(|\lambda_2|^k)

    up to a polynomial in k: states that differ become alike, and what the memory held of earlier
    inputs is lost. A single current gives the neuron under a constant input. Up to 5 memory qubits
    all eigenvalues are computed, above it the largest by Arnoldi's method, without a matrix of
    ``16**n`` numbers.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (n_params,)
        Angles in radians.
    noise : NoiseModel, optional
        None is noiseless.
    currents : array_like, shape (V,)
        The values that the input takes.
    probabilities : array_like, shape (V,), optional
        Their probabilities; None is uniform.
    n_eigenvalues : int
        How many are wanted; at least these are in the result.

    Returns
    -------
    SpectralGap

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value, or if it would take too much memory.
    RuntimeError
        If Arnoldi's method finds fewer than *n_eigenvalues*: those of a noiseless neuron may all
        have nearly the same modulus.

    References
    ----------
    M. M. Wolf, *Quantum Channels and Operations* (2012), chapter 6 (spectra of channels).

    Examples
    --------
    A flip that is not disturbed is never forgotten; relaxation is:

    >>> from lava_sqs.quantum import ansatz
    >>> idle = ansatz.from_gates([("X", 0)], io_qubits=1, memory_qubits=1)
    >>> spectral_gap(idle, ()).gap
    0.0
    >>> noise = NoiseModel(t1=1e-5, t2=1e-5, gate_time_1q=0, readout_time=1e-6)
    >>> round(spectral_gap(idle, (), noise).time, 9)  # of 1e-6 s each
    10.0
    """
    n_eigenvalues = check_int("n_eigenvalues", n_eigenvalues, minimum=1)
    neuron = AveragedNeuron(ansatz, theta, noise, currents, probabilities, few=1)
    size = 4**ansatz.memory_qubits
    if ansatz.memory_qubits <= _DENSE:
        matrix = neuron.matrix
        if matrix is None:
            matrix = np.array([neuron.step(column) for column in np.eye(size)]).T
        # T keeps the trace, so its first row is (1, 0, ..): without row and column 0 the eigenvalue
        # 1 is gone.
        found, tolerance = np.linalg.eigvals(matrix[1:, 1:]), 0.0
    else:
        check_int("n_eigenvalues", n_eigenvalues, maximum=min(size // 8, 100))

        def step(traceless: Array) -> Array:
            return neuron.step(np.concatenate([[0.0], traceless.ravel()]))[1:]

        operator = LinearOperator((size - 1, size - 1), matvec=step, dtype=float)
        # No special state, and the same one each time.
        start = np.sin(1.0 + np.arange(size - 1) * 2.399963)
        for steps, restarts, tolerance in _ATTEMPTS:
            try:
                found = eigs(
                    operator,
                    k=max(n_eigenvalues, 4) if steps < 100 else n_eigenvalues,
                    v0=start,
                    ncv=min(max(steps, 2 * n_eigenvalues + 2), size - 1),
                    maxiter=restarts,
                    tol=tolerance,
                    return_eigenvectors=False,
                )
            except ArpackNoConvergence as error:
                found = error.eigenvalues
            if len(found) >= n_eigenvalues:
                break
        else:
            raise RuntimeError(
                f"Arnoldi's method found {len(found)} of `n_eigenvalues` = {n_eigenvalues}: many "
                "have nearly the same modulus, as those of a noiseless neuron do. Use noise, or "
                f"at most {_DENSE} memory qubits."
            )
    return SpectralGap(found[np.argsort(-np.abs(found), kind="stable")], tolerance)
