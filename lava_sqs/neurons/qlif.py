r"""The quantum leaky integrate-and-fire neuron of Brand and Petruccione: a rival, as plain numbers.

One qubit, no quantum memory: what is kept between steps is a number, the excited population
``alpha = sin^2(phi / 2)``, from which the qubit is prepared again in every step. With the current
z, a leak ``g = dt / T1`` and ``gain``,

.. math::

    \tilde\varphi = 2 \arcsin\bigl(e^{-g/2} \sin(\varphi/2)\bigr), \qquad
    \varphi' = \tilde\varphi + \pi\, \mathrm{gain}\, \max(z, 0), \qquad
    \alpha' = \sin^2(\varphi'/2) .

The qubit is measured in ``shots`` repetitions; the neuron spikes if at least
``k = threshold * shots`` of them give 1, and then forgets:

.. math::

    p(1) = P(\mathrm{Bin}(\mathrm{shots}, \alpha') \ge k) = I_{\alpha'}(k, \mathrm{shots} - k + 1),
    \qquad \varphi \leftarrow (1 - s)\, \varphi' .

Where the source leaves a choice (ours): the leak acts in every step, the memory keeps the
population itself rather than its estimate from the shots, so that the law of the spikes is exact,
and for a threshold between two counts the incomplete beta function interpolates.

References
----------
Brand, Petruccione, arXiv:2407.16398.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, expit, gammaln, logit

from lava_sqs._checks import check_int, check_positive
from lava_sqs.neurons.base import d_log, positive
from lava_sqs.neurons.steps import StepNeuron

__all__ = ["QLIFNeuron", "firing_probability", "leak", "rotate"]

Array = NDArray[Any]


def leak(phi: Array, decay: Array | float) -> Array:
    """Return the angle after relaxation by ``exp(-decay)`` of the excited population.

    Parameters
    ----------
    phi : ndarray, any shape
        Angles in radians.
    decay : float or ndarray, broadcasts to the shape of *phi*
        ``dt / T1``, at least 0.

    Examples
    --------
    >>> round(float(np.sin(leak(np.array(np.pi), np.log(2)) / 2) ** 2), 12)  # half the population
    0.5
    """
    return np.asarray(2 * np.arcsin(np.exp(-np.asarray(decay) / 2) * np.abs(np.sin(phi / 2))))


def rotate(phi: Array, z: Array, gain: Array | float = 1.0) -> Array:
    """Return the angle *phi* after RX(pi *gain* max(*z*, 0)).

    Examples
    --------
    >>> round(float(rotate(np.array(0.0), 1.0)), 6)
    3.141593
    """
    return np.asarray(phi + np.pi * gain * np.maximum(z, 0.0))


def firing_probability(phi: Array, threshold: Array | float, shots: int) -> Array:
    """Return ``I_alpha(k, shots - k + 1)``, the probability of at least k ones.

    Parameters
    ----------
    phi : ndarray, any shape
        Angles in radians.
    threshold : float or ndarray, broadcasts to the shape of *phi*
        Fraction of ones needed, in (0, 1].
    shots : int
        Repetitions of preparation and measurement in a step.

    Examples
    --------
    >>> round(float(firing_probability(np.array(np.pi / 2), 1.0, 2)), 12)  # two ones of two shots
    0.25
    """
    k = np.asarray(threshold) * shots
    return np.asarray(betainc(k, shots - k + 1, np.sin(phi / 2) ** 2))


@dataclass(frozen=True)
class QLIFNeuron(StepNeuron):
    """The quantum leaky integrate-and-fire neuron: see :mod:`lava_sqs.neurons.qlif`.

    Parameters, three per neuron: ``(log decay, logit threshold, log gain)``.

    Parameters
    ----------
    shots : int
        Repetitions per step; with 1, the threshold is that one outcome.
    leak : float
        Share of the amplitude that a step leaves, to start from, in (0, 1): as of
        :class:`~lava_sqs.neurons.LIFNeuron`. From larger ones, a neuron that should be silent
        starts with a state that fires surely, and learns late or not at all.

    Examples
    --------
    >>> QLIFNeuron(shots=100).n_params
    3

    References
    ----------
    Brand, Petruccione, arXiv:2407.16398.
    """

    name: ClassVar[str] = "qlif"
    summary: ClassVar[str] = "quantum leaky integrate-and-fire"
    param_names: ClassVar[tuple[str, ...]] = ("log_decay", "logit_threshold", "log_gain")
    arguments: ClassVar[tuple[str, ...]] = ("shots",)
    process: ClassVar[str] = "lava_sqs.proc.qlif.process:QLIF"

    shots: int = 20
    leak: float = 0.1

    def __post_init__(self) -> None:
        check_int("shots", self.shots, minimum=1)
        check_positive("leak", self.leak, below=1.0)

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return decay, threshold 0.5 and gain 1, a little spread.

        Otherwise as in :meth:`~lava_sqs.network.Neuron.initial`.
        """
        # exp(-decay / 2) = leak: the amplitude's share, so that it compares with the voltage of a
        # LIF.
        centre = np.array([np.log(-2 * np.log(self.leak)), 0.0, 0.0])
        return np.asarray(centre + rng.normal(0.0, 0.1, (size, 3)))

    def dynamics(self, params: Array, shape: tuple[int, int]) -> Callable[[Array, Array], Array]:
        """Return them grounded, as in :meth:`~lava_sqs.neurons.StepNeuron.dynamics`."""
        decay, threshold, gain = _constants(params)
        phi = np.zeros(shape)

        def probability(z: Array, s: Array) -> Array:
            nonlocal phi
            # (1 - s) before the leak: a spike puts the qubit into |0>, from where nothing can
            # relax.
            phi = rotate(leak(phi * (1 - s), decay), z, gain)
            return firing_probability(phi, threshold, self.shots)

        return probability

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, time reversed inside the neuron (threshold: differences).

        Otherwise as in :meth:`~lava_sqs.network.Neuron.score`.
        """
        decay, threshold, gain = _constants(params)
        shape = z.shape
        before, leaked, phi = np.zeros(shape), np.empty(shape), np.empty(shape)
        state = np.zeros(shape[1:])
        for t in range(len(z)):
            before[t] = state
            leaked[t] = leak(state, decay)
            phi[t] = rotate(leaked[t], z[t], gain)
            # Angles and not populations are kept: past pi the population falls again, and only phi
            # knows it.
            state = phi[t] * (1 - spikes[t])
        p = firing_probability(phi, threshold, self.shots)
        d_p = signal * d_log(p, spikes)
        # d p / d phi: density of the beta distribution at alpha, times sin(phi) / 2
        k = threshold * self.shots
        # Clipped: at the ends of [0, 1] the density has logarithms of 0.
        alpha = np.clip(np.sin(phi / 2) ** 2, 1e-300, 1 - 1e-16)
        norm = gammaln(self.shots + 1) - gammaln(k) - gammaln(self.shots - k + 1)
        density = np.exp(norm + (k - 1) * np.log(alpha) + (self.shots - k) * np.log1p(-alpha))
        d_phi = d_p * density * np.sin(phi) / 2
        # I_alpha(k, n - k + 1) has no closed derivative by k: a central difference in the logit.
        h = 1e-5
        raised = firing_probability(phi, expit(params[:, 1] + h), self.shots)
        lowered = firing_probability(phi, expit(params[:, 1] - h), self.shots)
        d_threshold = (d_p * (raised - lowered) / (2 * h)).sum(axis=(0, 1))
        shrink = np.exp(-decay / 2)
        half, cosine = np.sin(before / 2), np.cos(before / 2)
        # d(2 arcsin x)/dx = 2 / sqrt(1 - x^2), x = exp(-g/2) |sin(phi/2)|.
        root = np.sqrt(np.maximum(1 - (shrink * half) ** 2, 1e-12))
        by_state = np.sign(half) * shrink * cosine / root
        by_decay = -shrink * np.abs(half) / root
        total, d_decay = np.empty(shape), np.zeros(shape[2])
        back = np.zeros(shape[1:])
        for t in range(len(z) - 1, -1, -1):
            total[t] = d_phi[t] + back * (1 - spikes[t])
            d_decay += (total[t] * by_decay[t]).sum(axis=0)
            back = total[t] * by_state[t]
        d_gain = (total * np.pi * gain * np.maximum(z, 0.0)).sum(axis=(0, 1))
        # Trained are the logarithms of decay and gain: d/d log x = x d/dx.
        d_params = np.stack([d_decay * decay, d_threshold, d_gain], axis=1)
        return d_params, total * np.pi * gain * (z > 0)

    def lava_vars(self, params: Array) -> dict[str, Array]:
        """Return ``decay``, ``threshold`` and ``gain``.

        Otherwise as in :meth:`~lava_sqs.neurons.BaseNeuron.lava_vars`.
        """
        return dict(zip(("decay", "threshold", "gain"), _constants(params), strict=True))

    def from_lava_vars(self, values: dict[str, Array]) -> Array:
        """Return their logarithms; as in :meth:`~lava_sqs.neurons.BaseNeuron.from_lava_vars`."""
        logs = (np.log(values["decay"]), logit(values["threshold"]), np.log(values["gain"]))
        return np.stack(logs, axis=1)

    def process_arguments(self, params: Array, bias: Array) -> dict[str, Any]:
        """Return the shots, too; as in :meth:`~lava_sqs.neurons.BaseNeuron.process_arguments`."""
        return {**super().process_arguments(params, bias), "shots": self.shots}


def _constants(params: Array) -> tuple[Array, Array, Array]:
    """Decay, threshold and gain of the trained numbers."""
    return positive(params[:, 0]), expit(params[:, 1]), positive(params[:, 2])
