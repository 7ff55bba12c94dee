r"""What the trains of a network are worth, and to whom: rewards of whole trains, with baselines.

The reward of a sample is bounded and known from spikes alone, as of a device no probabilities are:

.. math::

    f = \sum_r w_r \log q_{y(r)}(r), \qquad q(r) = \mathrm{softmax}\, a(r), \qquad
    a_k(r) = \beta \sum_{t} \kappa(r, t)\, s_k(t) ,

over one readout r per sample, or one per step, of spike counts (that fade), as in
:mod:`lava_sqs.network.count` and :mod:`lava_sqs.network.stepwise`, but of drawn spikes only.

*What a visible neuron hears* in step t is f less what f would be if it had said, from t on, what it
says on average,

.. math:: A_k(t) = f - f \text{ with } s_k(t') = \bar s_k(t') \text{ for all } t' \ge t .

Given the currents, the neurons of a layer are independent, and what a neuron does in step t changes
nothing before t: so what is subtracted does not depend on it, and correlating with A_k has the same
mean as with f, with less variance. It is local: the scores of the classes are broadcast, the
neuron knows its own spikes. *A hidden neuron* hears what is read out later than t, less the mean of
that over other samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from lava_sqs.network.gradient import _less_baseline
from lava_sqs.network.regression import Reading

__all__ = ["Reward"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Reward:
    """The reward of a batch of samples, see the top.

    Attributes
    ----------
    reading : Reading
        How trains become counts, R of them per sample.
    inverse_temperature : float
        beta, the inverse of the temperature.
    truth : ndarray of int, shape (R, B)
        Indices of classes.
    share : ndarray, shape (R, B)
        w_r, the weight of each readout.
    n_classes : int
        Number of classes.
    n_draws : int
        How often each input is shown: the B samples are so many times the same.

    Examples
    --------
    >>> reading = Reading(0.0, 1, 2, np.ones((2, 1)))
    >>> reward = Reward(reading, 1.0, np.array([[1]]), np.ones((1, 1)), n_classes=2)
    >>> spikes = np.array([[[0, 1]], [[0, 1]]])  # two steps of two neurons, one per class
    >>> reward.value(spikes).round(2)
    array([[-0.13]])
    >>> reward.advantage(spikes, size=2).shape
    (2, 1, 2)
    """

    reading: Reading
    inverse_temperature: float
    truth: Array
    share: Array
    n_classes: int
    n_draws: int = 1

    def _logits(self, x: Array) -> Array:
        """Return the scores of channels (S, B, C), or of classes of what they add up to."""
        # kappa contains (1 - lambda), which makes a trace a mean; without it a spike counts 1 when
        # it comes.
        return self.inverse_temperature * self.reading.of(x) / (1 - self.reading.decay)

    def _classes(self, spikes: Array) -> Array:
        a = self._logits(spikes.astype(float))
        return np.asarray(a.reshape(*a.shape[:2], self.n_classes, -1).sum(axis=3))

    def value(self, spikes: Array) -> Array:
        """Return what each readout adds to the reward, (R, B), of visible spikes (S, B, C).

        Parameters
        ----------
        spikes : ndarray, shape (S, B, C)
            Spikes, time first.

        Returns
        -------
        ndarray, shape (R, B)
        """
        a = self._classes(spikes)
        of_truth = np.take_along_axis(a, self.truth[:, :, None], axis=2)[:, :, 0]
        return np.asarray(self.share * (of_truth - logsumexp(a, axis=2)))

    def instead(self, spikes: Array, others: Array) -> Array:
        """Return the reward (B, K) if each neuron alone had said something else.

        Parameters
        ----------
        spikes : ndarray, shape (S, B, C)
            What was said.
        others : ndarray, shape (S, B, K)
            What each neuron would have said more, of all its channels.

        Returns
        -------
        ndarray, shape (B, K)
        """
        a, n = self._classes(spikes), self.n_classes
        own = np.repeat(np.arange(n), others.shape[2] // n)  # whose neurons
        # log sum of exp over the other classes, for each class: once per class, not once per
        # neuron.
        apart = np.where(np.eye(n, dtype=bool), -np.inf, a[:, :, None])
        rest = logsumexp(apart, axis=3)[:, :, own]
        # The logits are linear in spikes: what one neuron says more is added to its own class's.
        moved = a[:, :, own] + self._logits(others)
        of_truth = np.take_along_axis(a, self.truth[:, :, None], axis=2)
        said = np.where(own == self.truth[:, :, None], moved, of_truth)
        # log q_y = a_y - log(exp(a_k moved) + sum over the rest).
        return np.asarray(np.einsum("rb,rbk->bk", self.share, said - np.logaddexp(moved, rest)))

    def usual(self, spikes: Array, size: int) -> Array:
        """Return what each neuron says on average over other samples, or draws.

        Parameters
        ----------
        spikes : ndarray, shape (S, B, C)
            Spikes, time first.
        size : int
            K, the number of neurons.

        Returns
        -------
        ndarray, shape (S, B, K)
        """
        mine = _by_neuron(spikes, size)
        # _less_baseline subtracts the mean over the others; what is subtracted is what is wanted
        # here.
        return mine - _less_baseline(mine, self.n_draws) if mine.shape[1] > 1 else 0 * mine

    def advantage(self, spikes: Array, size: int) -> Array:
        """Return what each visible neuron hears in each step, (S, B, K).

        Parameters
        ----------
        spikes : ndarray, shape (S, B, C)
            Spikes, time first.
        size : int
            K, neurons of C / K channels.

        Returns
        -------
        ndarray, shape (S, B, K)
        """
        total = self.value(spikes).sum(axis=0)[:, None]
        usually = self.usual(spikes, size) - _by_neuron(spikes, size)
        told = np.empty(usually.shape)
        for t in range(len(told)):
            # From t on the average is said in place of the own train; steps before t keep what was
            # said.
            told[t] = total - self.instead(spikes, usually)
            usually[t] = 0.0  # what follows cannot change it
        return told

    def to_hidden(self, spikes: Array) -> Array:
        """Return what hidden neurons hear in each step, (S, B), of visible spikes (S, B, C).

        Parameters
        ----------
        spikes : ndarray, shape (S, B, C)
            Spikes, time first.

        Returns
        -------
        ndarray, shape (S, B)
        """
        value, steps = self.value(spikes), len(spikes)
        later = np.zeros((steps, value.shape[1]))
        if self.reading.per_step:
            rest = np.cumsum(value[::-1], axis=0)[::-1]
            for t in range(steps):
                read = max(t + 1 - self.reading.first, 0)  # a connection takes a step
                if read < len(rest):
                    later[t] = rest[read]
            return _less_baseline(later, self.n_draws)
        assert self.reading.share is not None
        # Whether anything is still read in step t or later.
        counts = (np.cumsum(self.reading.share[::-1], axis=0)[::-1] > 0).astype(float)
        later[:-1] = counts[1:]
        return later * _less_baseline(value, self.n_draws)


def _by_neuron(spikes: Array, size: int) -> Array:
    """Return the spikes (S, B, K) that each neuron makes with all its channels."""
    return np.asarray(spikes.reshape(*spikes.shape[:2], size, -1).sum(axis=3, dtype=float))
