r"""The learning rule of the published code, as a baseline: it all but ignores memory.

As found in the authors' release (see docs, "Comparison"): in every step the rule looks at the
outcome as if the neuron had just been reset, with the memory in ``|0..0>``. Angles follow the
parameter-shift difference of the *logarithm* of the probability,

.. math:: g_{\theta} = \tfrac12 \bigl(\log p(\theta + \pi/2) - \log p(\theta - \pi/2)\bigr),

(the rule holds for probabilities, not for their logarithms), and weights an average of
simultaneous perturbations, ``(log p_+ - log p_-) / (2 eps) * (eps * sign)``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_broadcast,
    check_instance,
    check_int,
    check_positive,
    check_real,
    check_shape,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs._seeds import check_seed
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.engines.choose import exact_backend
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import check_noise
from lava_sqs.quantum.population import Population

__all__ = ["published_gradient"]

Array = NDArray[Any]


def published_gradient(
    ansatz: Ansatz,
    theta: Array,
    weights: Array,
    history: Array,
    spikes: Array,
    *,
    bias: Array | float = 0.0,
    noise: NoiseModel | NoisePerNeuron | None = None,
    signal: Array | None = None,
    n_samples: int = 5,
    epsilon: float = 0.03,
    seed: int | None = None,
) -> tuple[Array, Array]:
    """Return the published rule's gradients of angles and weights for recorded trains.

    Parameters
    ----------
    ansatz : Ansatz
        A circuit with one io qubit.
    theta : ndarray, shape (K, n_params)
        Angles in radians.
    weights : ndarray, shape (K, M)
        Weights of the synapses.
    history : ndarray, shape (T, *batch, M)
        What formed the currents: ``z_t = weights @ history_t + bias``.
    spikes : ndarray, shape (T, *batch, K)
        What the neurons said.
    bias : float or ndarray, shape (K,)
        Constant input current.
    noise : NoiseModel, or a list of one per neuron, optional
        None is noiseless.
    signal : ndarray, shape (T, *batch, K), optional
        Weight of each step.
    n_samples, epsilon, seed : int, float, int or None
        Settings of the simultaneous perturbation.

    Returns
    -------
    d_theta : ndarray, shape (K, n_params)
        Per radian.
    d_weights : ndarray, shape (K, M)
        Per unit of weight.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> theta, weights = np.array([[0.1, 0.2, 0.3]]), np.array([[0.2, 0.3]])
    >>> history, spikes = np.ones((20, 2)), np.ones((20, 1), dtype=int)
    >>> d_theta, d_weights = published_gradient(
    ...     ansatz.paper(), theta, weights, history, spikes, seed=1)
    >>> d_theta.shape, d_weights.shape
    ((1, 3), (1, 2))

    References
    ----------
    Chen, Rajendran, Simeone, arXiv:2506.21324, and the code that they published with it.
    """
    check_instance("ansatz", ansatz, Ansatz)
    n, eps = check_int("n_samples", n_samples, minimum=1), check_positive("epsilon", epsilon)
    rng = np.random.default_rng(check_seed("seed", seed))
    theta = ansatz.check_theta(theta, leading=("K",))
    weights = check_shape("weights", check_real("weights", weights), (len(theta), "M"))
    history = check_real("history", history)
    if history.ndim < 2 or history.shape[-1] != weights.shape[1]:
        raise ArgumentValueError(
            "history",
            f"must have shape (..., {weights.shape[1]}), as `weights` says, but "
            f"has shape {history.shape}.",
        )
    bias = check_broadcast("bias", bias, (len(theta),))
    steps, shape = history.reshape(-1, history.shape[-1]), (*history.shape[:-1], len(theta))
    outcome = check_shape("spikes", check_real("spikes", spikes), shape).reshape(len(steps), -1)
    if not np.isin(outcome, (0, 1)).all():
        raise ArgumentValueError("spikes", "must hold 0 and 1 only.")
    scale = check_broadcast("signal", 1.0 if signal is None else signal, shape)
    scale = scale.reshape(outcome.shape)

    noise = check_noise("noise", noise, len(theta))
    # Without noise every engine has likelihoods.
    backend = None if noise is None else exact_backend(ansatz, noise, len(theta))

    def log_p(angles: Array, w: Array) -> Array:
        """Each step from a fresh memory: the steps are a batch axis."""
        options: dict[str, Any] = {"batch": (len(steps),), "noise": noise, "seed": 0}
        fresh = Population(ansatz, angles, **options, backend=backend)
        with warnings.catch_warnings():  # probing, not running: wraps are the caller's business
            warnings.filterwarnings("ignore", "[0-9]+ input currents exceed 1")
            fresh.step(steps @ w.T + bias, outcome)
        return fresh.log_likelihood

    d_theta = np.empty(theta.shape)
    for j in range(theta.shape[1]):
        move = np.zeros(theta.shape[1])
        move[j] = np.pi / 2
        difference = log_p(theta + move, weights) - log_p(theta - move, weights)
        d_theta[:, j] = (scale * difference).sum(axis=0) / 2
    d_weights = np.zeros(weights.shape)
    for _ in range(n):
        sign = rng.choice([-1.0, 1.0], size=weights.shape)
        difference = log_p(theta, weights + eps * sign) - log_p(theta, weights - eps * sign)
        slope = (scale * difference).sum(axis=0) / (2 * eps)
        d_weights += slope[:, None] * (eps * sign) / n
    return d_theta, d_weights
