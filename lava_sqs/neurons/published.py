"""What the code published with the paper computes, as a rival."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_positive
from lava_sqs.neurons.base import d_log
from lava_sqs.neurons.steps import StepNeuron

__all__ = ["AsPublishedNeuron"]

Array = NDArray[Any]


@dataclass(frozen=True)
class AsPublishedNeuron(StepNeuron):
    r"""What the paper's released code computes: a classical neuron that sees its last spike.

    .. math::
        p_t = \sin^2\bigl((\pi \max(z_t, 0) + \theta_{mem} + \theta_{in}
              + s_{t-1}\theta_{ent}) / 2\bigr), \qquad s_0 = 0,

    with parameters ``(theta_ent, theta_mem, theta_in)``; see docs, "Comparison".

    Parameters
    ----------
    spread : float
        Standard deviation of the angles to start from, in radians.

    Examples
    --------
    >>> neuron, z = AsPublishedNeuron(), np.full((1, 1, 1), 1.0)
    >>> neuron.run(np.zeros((1, 3)), z, np.zeros((1, 1, 1))).p_spike.item()  # a full flip
    1.0
    """

    name: ClassVar[str] = "as_published"
    summary: ClassVar[str] = "the paper's code"
    param_names: ClassVar[tuple[str, ...]] = ("theta_ent", "theta_mem", "theta_in")

    spread: float = 0.1

    def __post_init__(self) -> None:
        check_positive("spread", self.spread, zero=True)

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return angles from N(0, spread^2), as in :meth:`~lava_sqs.network.Neuron.initial`."""
        return rng.normal(0.0, self.spread, (size, 3))

    def dynamics(self, params: Array, shape: tuple[int, int]) -> Callable[[Array, Array], Array]:
        """Return silent ones, as in :meth:`~lava_sqs.neurons.StepNeuron.dynamics`."""
        # The last spike is all its state: the release's partial trace leaves nothing else of the
        # memory.
        return lambda z, s: np.sin(self._angle(params, z, s) / 2) ** 2

    def _angle(self, params: Array, z: Array, before: Array) -> Array:
        constant = params[:, 1] + params[:, 2]
        return np.asarray(np.pi * np.maximum(z, 0.0) + constant + before * params[:, 0])

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, as in :meth:`~lava_sqs.network.Neuron.score`."""
        before = np.concatenate([np.zeros((1, *z.shape[1:])), spikes[:-1]])
        angle = self._angle(params, z, before)
        p = np.sin(angle / 2) ** 2
        # d sin^2(a/2) / da = sin(a) / 2.
        d_angle = signal * d_log(p, spikes) * np.sin(angle) / 2
        constant = d_angle.sum(axis=(0, 1))
        # theta_mem and theta_in enter as their sum only: equal gradients, one number in effect.
        d_params = np.stack([(d_angle * before).sum(axis=(0, 1)), constant, constant], axis=1)
        return d_params, np.pi * d_angle * (z > 0)
