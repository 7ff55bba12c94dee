r"""Local learning of values: a linear readout of free visible spikes, by the delta rule.

A leaky trace of every visible train, or its mean over the steps of a sample, is what the readout
weighs; half of each spike is drawn and half expected, as in :mod:`lava_sqs.network.count`:

.. math::

    r_k(t) = \sum_{t' \le t} \kappa(t, t')\, \tfrac12 \bigl(s_k(t') + p_k(t')\bigr), \qquad
    \hat y_o(t) = \sum_k W_{ok}\, r_k(t) + b_o, \qquad e_o = y_o - \hat y_o ,

with :math:`\kappa = (1 - \lambda) \lambda^{t - t'}` for one value per step and one over the number
of steps for one value per sample. A prediction uses drawn spikes alone, whose variance is larger by
three quarters of :math:`p (1 - p)`. The loss is that of a single shot, in units of the variance of
the targets,

.. math::

    \ell = \sum_o e_o^2
        + \tfrac34 \sum_{ok} W_{ok}^2 \sum_{t'} \kappa^2 \, p_k(t') \bigl(1 - p_k(t')\bigr) .

*The readout* descends it by the delta rule, error times activity, and every weight decays with the
variance of its own neuron's spikes, which is what noise is worth to a least-squares fit.
*What a visible neuron is told* in step t is its own readout weights times the errors of this step
and later ones, as its trace remembers the step, less what its spikes add to the variance:

.. math::

    v_k(t) = \sum_{t'} 2 \kappa(t', t) \sum_o W_{ok}\, e_o(t')
        - \bigl(1 - 2 p_k(t)\bigr) \sum_{t'} \kappa(t', t)^2 \sum_o W_{ok}^2 .

It is local to the synapse onto the readout: backwards in time it is an eligibility trace of that
synapse. From there on everything is as for classes (:func:`~lava_sqs.network.credit.from_value`).

One value per step is causal: the value of input step t is read where the fastest way from input to
visible layer ends, so nothing that arrives later has a part in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from sklearn.metrics import r2_score

from lava_sqs.network.credit import from_value, run_free
from lava_sqs.network.gradient import BatchResult, _less_baseline, tallied
from lava_sqs.network.spec import READOUT, LayerParams, NetworkSpec, Parameters
from lava_sqs.network.trainer import Trainer

__all__ = ["READOUT", "Reading", "initial_readout", "regression_gradient"]

Array = NDArray[Any]


def decay_of(time_constant: float) -> float:
    """Return what a step leaves of a trace that fades with a time constant, in steps; 0 of 0."""
    return math.exp(-1 / time_constant) if time_constant else 0.0


@dataclass(frozen=True)
class Reading:
    """How visible trains become what the readout weighs: a trace per step, or a mean per sample.

    Attributes
    ----------
    decay : float
        lambda in [0, 1), of a trace.
    first, steps : int
        Step of the network in which the value of input step 0 is read, and T.
    share : ndarray, shape (S, B), optional
        Share of each step in the mean of a sample; None: one value per step.

    Examples
    --------
    >>> spikes = np.array([0.0, 1.0, 0.0, 1.0]).reshape(4, 1, 1)
    >>> Reading(0.5, 1, 3).of(spikes).ravel()
    array([0.5  , 0.25 , 0.625])
    >>> Reading(0.0, 1, 3, np.full((4, 1), 0.25)).of(spikes).ravel()
    array([0.5])
    """

    decay: float
    first: int
    steps: int
    share: Array | None = None

    @property
    def per_step(self) -> bool:
        """Whether there is one value per step."""
        return self.share is None

    def of(self, x: Array, power: int = 1) -> Array:
        """Return ``sum_t' kappa(t, t')**power x(t')``, (T, B, C) or (1, B, C), of x (S, B, C).

        Parameters
        ----------
        x : ndarray, shape (S, B, C)
            Spikes or probabilities to be read out.
        power : int
            1, or 2 for variances.

        Returns
        -------
        ndarray, shape (T, B, C) or (1, B, C)
        """
        if self.share is not None:
            return np.asarray(np.einsum("sbc,sb->bc", x, self.share**power)[None])
        x = x[self.first : self.first + self.steps]
        return self._filtered(x, power)

    def back(self, heard: Array, n_steps: int, power: int = 1) -> Array:
        """Return the transpose of :meth:`of`, (S, B, C): what each step is told of *heard*.

        Parameters
        ----------
        heard : ndarray, shape (T, B, C) or (1, B, C)
            Gradient with respect to what is read out.
        n_steps : int
            S, the number of steps of the network.
        power : int
            1, or 2 for variances.

        Returns
        -------
        ndarray, shape (S, B, C)
        """
        if self.share is not None:
            return np.asarray(heard * (self.share**power)[:, :, None])
        told = np.zeros((n_steps, *heard.shape[1:]))
        # The transpose of a causal filter is the same filter run backwards in time.
        told[self.first : self.first + self.steps] = self._filtered(heard[::-1], power)[::-1]
        return told

    def _filtered(self, x: Array, power: int) -> Array:
        if self.decay == 0:
            return x
        # y_t = lambda^n y_{t-1} + (1 - lambda)^n x_t: powers of kappa are geometric too.
        weights = [(1 - self.decay) ** power], [1, -(self.decay**power)]
        return np.asarray(lfilter(*weights, x, axis=0))


def initial_readout(n_outputs: int, n_visible: int, rng: np.random.Generator) -> LayerParams:
    """Return a readout to start from: random weights, of which none is zero, and mean 0.

    Parameters
    ----------
    n_outputs, n_visible : int
        Number of values and of visible channels.
    rng : Generator
        Source of random numbers.

    Returns
    -------
    LayerParams

    Examples
    --------
    >>> initial_readout(1, 4, np.random.default_rng(0)).weights["visible"].shape
    (1, 4)
    """
    shape = (n_outputs, n_visible)
    # Away from 0: a visible neuron with weight 0 would be told nothing, and could not begin to
    # learn.
    weights = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape) / np.sqrt(n_visible)
    return LayerParams({"visible": weights}, -0.5 * weights.sum(axis=1), np.zeros((n_outputs, 0)))


def predicted(readout: LayerParams, heard: Array) -> Array:
    """Return what a readout says of traces (..., C): standardised values (..., O)."""
    return np.asarray(heard @ readout.weights["visible"].T + readout.bias)


def regression_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    targets: Array,
    rng: np.random.Generator,
    reading: Reading,
    *,
    own: Array | None = None,
    lasts: Array | None = None,
    credit: str = "symmetric",
    n_draws: int = 1,
    dtype: Any = None,
    **options: Any,
) -> BatchResult:
    """Return the local rule's gradient of a mini-batch that runs free.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Parameters of the layers, and of the readout under `READOUT`.
    inputs : ndarray, shape (T, B, M)
        Encoded samples, time first.
    targets : ndarray, shape (T, B, O) or (1, B, O)
        Target values in units of their standard deviation, as *reading* says.
    rng : Generator
        Generator of the spikes.
    reading : Reading
        How trains become values.
    own : ndarray of bool, shape (T, B) or (1, B), optional
        Which values count; None: all.
    lasts, credit, n_draws, dtype
        See :func:`~lava_sqs.network.count.count_gradient`.
    **options
        `back`, `sparsity`, `window`, `train_hidden` and `held` of
        :func:`~lava_sqs.network.credit.from_value`.

    Returns
    -------
    BatchResult
        Less each sample's share in the mean squared error is called ``log_likelihood``.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> from lava_sqs.network.gradient import initialise
    >>> net, rng = feed_forward(3, (4,), 6, LIFNeuron()), np.random.default_rng(0)
    >>> inputs = np.ones((5, 8, 3))
    >>> start = {**initialise(net, inputs, rng), READOUT: initial_readout(2, 6, rng)}
    >>> targets = np.zeros((5, 8, 2))
    >>> found = regression_gradient(net, start, inputs, targets, rng, Reading(0.0, 1, 5))
    >>> found.gradient[READOUT].weights["visible"].shape, found.log_likelihood.shape
    ((2, 6), (8,))
    """
    batch, n_outputs = targets.shape[1:]
    traces = run_free(spec, parameters, inputs, rng, n_draws, dtype)
    lasts = None if lasts is None else np.tile(lasts, (1, n_draws))
    own = np.ones(targets.shape[:2]) if own is None else own
    share = np.tile(own / (n_outputs * max(own.sum(), 1) / batch), (1, n_draws))[:, :, None]
    targets = np.tile(targets, (1, n_draws, 1))
    if reading.share is not None:
        reading = Reading(0.0, 0, 1, np.tile(reading.share, (1, n_draws)))
    s, p = traces[-1].out.spikes, traces[-1].out.p_spike
    steps, total = s.shape[:2]

    readout = parameters[READOUT]
    weights = readout.weights["visible"]
    square = (weights**2).sum(axis=0)
    heard, spread = reading.of(0.5 * (s + p)), reading.of(p * (1 - p), 2)
    error = targets - predicted(readout, heard)
    pushed = 2 * share * error  # (T, B, O)
    value = reading.back(pushed @ weights, steps)
    value -= (1 - 2 * p) * reading.back(share * square, steps, 2)
    loss = (share * ((error**2).sum(axis=2) + 0.75 * spread @ square)[:, :, None]).sum(axis=(0, 2))

    up = np.einsum("tbo,tbc->oc", pushed, heard)
    up -= 1.5 * weights * (share * spread).sum(axis=(0, 1))
    learned = {
        READOUT: LayerParams(
            {"visible": up / total}, pushed.sum(axis=(0, 1)) / total, np.zeros_like(readout.angles)
        )
    }
    gradient = from_value(
        spec,
        parameters,
        traces,
        value,
        scale=2 * float(np.abs(weights).max()) * float(share.max()),
        credit=credit,
        worth=_less_baseline(-loss[None], n_draws),
        lasts=lasts,
        dtype=dtype,
        **options,
    )
    return BatchResult(
        {**gradient, **learned},
        -loss.reshape(n_draws, batch).mean(axis=0),
        *tallied(traces, lasts),
    )


class RegressionTrainer(Trainer):
    """One fit of a regressor: its labels are standardised values (n, [T,] O)."""

    def _start(self, inputs: Array, rng: np.random.Generator) -> Parameters:
        own = super()._start(inputs, rng)
        channels = self.model.spec_.visible.channels
        return {**own, READOUT: initial_readout(self.model.n_outputs_, channels, rng)}

    def _set_objective(self) -> None:
        """There is one."""

    def _strata(self) -> tuple[Array | None, str]:
        return None, "samples"

    def _gradient(
        self, learned: Parameters, chosen: Array, rng: np.random.Generator
    ) -> BatchResult:
        model, targets = self.model, self.labels[chosen]
        samples = self._samples(chosen, rng)
        inputs = self._encoded(samples, rng)
        own = model._inputs.own_steps(samples)
        return regression_gradient(
            self.spec,
            learned,
            inputs,
            targets.transpose(1, 0, 2) if model.per_step_ else targets[None],
            rng,
            model._reading(own),
            own=own.T if model.per_step_ else None,
            **self._of_free_runs(samples),
        )

    def _move_more(self, parameters: Parameters, gradient: Parameters, factor: float) -> None:
        model, own, up = self.model, parameters[READOUT], gradient[READOUT]
        rate = factor * (model.readout_learning_rate or self.rate)
        for source, w in own.weights.items():
            key = f"{READOUT}.weights.{source}"
            self._fade(w, rate)
            self.optimizer.ascend(key, w, up.weights[source], rate=rate / self.lengths[source])
        self.optimizer.ascend(f"{READOUT}.bias", own.bias, up.bias, rate=rate)

    def _judged(self, scores: Array, X: Array, labels: Array) -> float:
        weights = self.held_weights
        if self.model.per_step_:
            own = self.model._inputs.own_steps(X)
            scores, labels = scores[own], labels[own]
            if weights is not None:
                weights = np.repeat(weights, own.sum(axis=1))
        if len(labels) < 2:
            return -1.0  # no R^2 of one value
        return float(r2_score(labels, scores, sample_weight=weights))
