"""What neurons remember of a sample that they run free, and what they make of it at its end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.network.count import BOUND
from lava_sqs.quantum import Ansatz, NoiseModel, SpikeTrainScorer
from lava_sqs.quantum.noise import NoisePerNeuron

__all__ = ["Sample"]

Array = NDArray[Any]


class Sample:
    """Currents, spikes and their probabilities of S steps: three numbers per channel and step.

    A neuron hears of its error when the sample is over, and its exact score over all steps is
    computed backwards (:mod:`lava_sqs.quantum.scores.recorded`): so it needs them all.

    Parameters
    ----------
    ansatz, noise
        What the neurons are made of.
    steps : int
        S.
    shape : tuple of int
        (copies, K, io qubits).

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> sample = Sample(ansatz.paper(), None, 2, (1, 3, 1))
    >>> sample.begin()
    >>> for _ in range(2):
    ...     sample.keep(np.full(3, 0.5), np.ones(3), np.full(3, 0.5))
    >>> d_theta, errors = sample.score(np.zeros((3, 3)), np.ones(sample.shape), 1.0, True)
    >>> sample.ended, d_theta.shape, errors.shape
    (True, (3, 3), (2, 1, 3, 1))
    """

    def __init__(
        self,
        ansatz: Ansatz,
        noise: NoiseModel | NoisePerNeuron | None,
        steps: int,
        shape: tuple[int, int, int],
    ) -> None:
        self._ansatz, self._noise = ansatz, noise
        self.shape = (steps, *shape)
        self._z, self._p = np.zeros(self.shape), np.zeros(self.shape)
        self._spikes = np.zeros(self.shape, dtype=np.int8)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def ended(self) -> bool:
        """Whether all steps are there."""
        return self._length == self.shape[0]

    def begin(self) -> None:
        """Forget the sample before."""
        self._length = 0

    def keep(self, z: Array, spikes: Array, p_spike: Array) -> None:
        """Remember a step."""
        for kept, new in ((self._z, z), (self._spikes, spikes), (self._p, p_spike)):
            # A copy: the arrays of a step are views that the next step changes.
            kept[self._length] = new.reshape(self.shape[1:])
        self._length += 1

    def score(
        self, theta: Array, value: Array, inverse_temperature: float, pull: float
    ) -> tuple[Array, Array]:
        """Return what raises spiking by *value*: by the angles, and by the current of each step.

        The equations of :mod:`lava_sqs.network.count`, of one layer.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        value : ndarray, shape (S, copies, K, io qubits)
            What a spike is worth.
        inverse_temperature : float
            beta: bounds the errors.
        pull : float
            Share of the signal that pulls neurons up where they should spike and z <= 0.

        Returns
        -------
        d_theta : ndarray, shape (K, n_params)
            Sum over copies.
        errors : ndarray, shape like *value*
        """
        z, s, p = self._z, self._spikes, self._p
        if z.shape[3] == 1:
            # (s + p - 1) d log p(s) = dp, whichever s was drawn.
            signal = (value * (s + p - 1))[..., 0]
            z, s = z[..., 0], s[..., 0]
        else:
            # Several channels share one outcome, so dp of one bit alone is not at hand: value times
            # the spike, less its mean as a baseline, is unbiased as well.
            signal = (value * (s - p)).sum(axis=3)
        scorer = SpikeTrainScorer(self._ansatz, theta, noise=self._noise)
        _, d_theta, d_z = scorer.score(z, s, signal=signal)
        most = BOUND * inverse_temperature
        errors = np.clip(d_z.reshape(value.shape), -most, most)
        if pull:
            # z <= 0 applies no gate and has no slope; the pull keeps such a neuron from staying
            # silent for good.
            errors = np.where((self._z <= 0) & (value > 0), pull * value, errors)
        return d_theta, errors
