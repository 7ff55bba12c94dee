"""The classical rival: a stochastic leaky integrate-and-fire neuron."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from lava_sqs._checks import check_positive
from lava_sqs.neurons.base import positive
from lava_sqs.neurons.steps import StepNeuron

__all__ = ["LIFNeuron"]

Array = NDArray[Any]


def firing_probability(v: Array, threshold: Array, gain: Array) -> Array:
    """Return the probability of a spike at the voltage *v*."""
    return np.asarray(expit(gain * (v - threshold)))


@dataclass(frozen=True)
class LIFNeuron(StepNeuron):
    r"""Classical stochastic leaky integrate-and-fire neuron, three trained numbers.

    .. math::
        v_t = \beta\, v_{t-1} (1 - s_{t-1}) + z_t, \qquad p_t = \sigma\bigl(e^{g} (v_t - h)\bigr),

    with parameters ``(logit beta, h, g)``. ``beta = 0`` is a Bernoulli neuron.

    Parameters
    ----------
    leak : float
        beta to start from, in (0, 1).

    Examples
    --------
    >>> LIFNeuron().initial(2, np.random.default_rng(0)).shape
    (2, 3)

    References
    ----------
    Jang, Simeone, Gardner, Gruening, IEEE Signal Process. Mag. 36, 64 (2019).
    """

    name: ClassVar[str] = "lif"
    summary: ClassVar[str] = "classical, stochastic"
    param_names: ClassVar[tuple[str, ...]] = ("logit_leak", "threshold", "log_gain")
    process: ClassVar[str] = "lava_sqs.proc.stochastic_lif.process:StochasticLIF"

    leak: float = 0.1

    def __post_init__(self) -> None:
        check_positive("leak", self.leak, below=1.0)

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return leak, threshold 0.5, and the slope of ``sin^2(pi z / 2)`` at z = 0.5.

        Otherwise as in :meth:`~lava_sqs.network.Neuron.initial`.
        """
        # The slope of sin^2(pi z / 2) at 1/2 is pi/2; that of a logistic function is gain/4, hence
        # 2 pi: the rival starts with the response of an SQS neuron.
        centre = np.array([logit(self.leak), 0.5, np.log(2 * np.pi)])
        return np.asarray(centre + rng.normal(0.0, 0.1, (size, 3)))

    def dynamics(self, params: Array, shape: tuple[int, int]) -> Callable[[Array, Array], Array]:
        """Return neurons at rest, as in :meth:`~lava_sqs.neurons.StepNeuron.dynamics`."""
        beta, h, gain = _constants(params)
        v = np.zeros(shape)

        def probability(z: Array, s: Array) -> Array:
            nonlocal v
            # (1 - s): a spike resets the voltage before the leak, as in the docstring's equation.
            v = beta * v * (1 - s) + z
            return firing_probability(v, h, gain)

        return probability

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, as in :meth:`~lava_sqs.network.Neuron.score`.

        Time is reversed inside the neuron only.
        """
        beta, h, gain = _constants(params)
        kept = 1.0 - spikes
        v = np.zeros((len(z) + 1, *z.shape[1:]))
        for t in range(len(z)):
            v[t + 1] = beta * v[t] * (kept[t - 1] if t else 1.0) + z[t]
        # d log P(s) / dx = s - sigma(x) of a logistic neuron, for s = 0 and s = 1 alike.
        d_x = signal * (spikes - firing_probability(v[1:], h, gain))  # d/d (gain (v - h))
        d_z, d_beta = np.empty(z.shape), np.zeros(z.shape[1:])
        # back = dL/dv_t by way of all later steps: v_{t+1} = beta v_t (1 - s_t) + z_{t+1}.
        back = np.zeros(z.shape[1:])
        for t in range(len(z) - 1, -1, -1):
            d_z[t] = back + gain * d_x[t]
            passed = kept[t - 1] if t else np.ones(z.shape[1:])
            d_beta += d_z[t] * v[t] * passed
            back = d_z[t] * beta * passed
        d_params = np.stack(
            [
                # Trained are logit beta, h and log gain: d beta / d logit = beta (1 - beta).
                d_beta.sum(axis=0) * beta * (1 - beta),
                # x = gain (v - h): dx/dh = -gain, and by log gain dx = gain (v - h).
                -(d_x * gain).sum(axis=(0, 1)),
                (d_x * gain * (v[1:] - h)).sum(axis=(0, 1)),
            ],
            axis=1,
        )
        return d_params, d_z

    def lava_vars(self, params: Array) -> dict[str, Array]:
        """Return ``leak``, ``threshold`` and ``gain``.

        Otherwise as in :meth:`~lava_sqs.neurons.BaseNeuron.lava_vars`.
        """
        return dict(zip(("leak", "threshold", "gain"), _constants(params), strict=True))

    def from_lava_vars(self, values: dict[str, Array]) -> Array:
        """Return them as trained; as in :meth:`~lava_sqs.neurons.BaseNeuron.from_lava_vars`."""
        trained = (logit(values["leak"]), values["threshold"], np.log(values["gain"]))
        return np.stack(trained, axis=1)


def _constants(params: Array) -> tuple[Array, Array, Array]:
    """Leak, threshold and gain of the trained numbers."""
    return expit(params[:, 0]), params[:, 1], positive(params[:, 2])
