r"""Local learning of a class in every time step: the cross-entropy of spike counts that fade.

The scores of the classes k in input step t are their neurons' spikes so far, each of which counts
less the longer ago it was; half of it is drawn and half expected, as in
:mod:`lava_sqs.network.count`:

.. math::

    a_k(t) = \beta \sum_{t' \le t} \lambda^{t - t'} \tfrac12 \bigl(s_k(t') + p_k(t')\bigr), \qquad
    q(t) = \mathrm{softmax}\, a(t), \qquad
    \ell = - \frac1{|\mathcal T|} \sum_{t \in \mathcal T} \log q_{y(t)}(t) ,

over the steps :math:`\mathcal T` of a sample. :math:`\lambda = \exp(-1 / \tau)`, and 0 for a time
constant of 0: then the spikes of the step alone decide. What one more spike in step t' would be
worth is the derivative of minus the loss,

.. math::

    v_k(t') = \frac{\beta}{|\mathcal T|} \sum_{t \ge t',\, t \in \mathcal T} \lambda^{t - t'}
        \bigl(1[k = y(t)] - q_k(t)\bigr) ,

which the neurons of class k are told: in an online form an eligibility trace that fades with
:math:`\lambda`, times the error of the step. All below is as for one class per sample
(:func:`~lava_sqs.network.credit.from_value`). To first order in :math:`\beta` its mean is the
gradient of the expected loss, for a neuron whose own spikes change nothing that it says later
(beyond that order a whole spike is no small one); of others that change is left out, as in
:mod:`lava_sqs.network.count`.

It is causal: the class of input step t is read where the fastest way from the input to the visible
layer ends.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentValueError
from lava_sqs._intervals import normal_quantile, wilson
from lava_sqs.network import sequences
from lava_sqs.network.credit import from_value, run_free
from lava_sqs.network.gradient import BatchResult, _less_baseline, tallied
from lava_sqs.network.objective import needs_clamping, objective_of
from lava_sqs.network.readout import Evaluation
from lava_sqs.network.regression import Reading, decay_of
from lava_sqs.network.spec import NetworkSpec, Parameters
from lava_sqs.network.trainer import Trainer

__all__ = ["stepwise_gradient"]

Array = NDArray[Any]


# -- labels ----------------------------------------------------------------------------------------


def stacked_labels(y: Any) -> tuple[Array, bool]:
    """Return labels as one array, those of a list of arrays padded by their first; and whether."""
    listed = isinstance(y, (list, tuple)) or getattr(y, "dtype", None) == np.dtype(object)
    if not listed or not len(y) or any(np.ndim(part) != 1 for part in y):
        return np.asarray(y), False
    parts = [np.asarray(part) for part in y]
    longest = max(map(len, parts))
    if not all(map(len, parts)):
        raise ArgumentValueError(
            "y", "must have a label for each time step, but a sample has none."
        )
    # Any known class would do: labels after the end of a sample are never read.
    padded = [np.concatenate([p, np.repeat(p[:1], longest - len(p))]) for p in parts]
    return np.stack(padded), len({len(p) for p in parts}) > 1


def labels_of(X: Any, y: Any, kind: str | None, channels_first: bool | None) -> Array | None:
    """Return labels (n, T) if *y* has one for each time step of sequences *X*, else None."""
    if kind not in ("sequence", "spikes") or y is None:
        return None
    labels, ragged = stacked_labels(y)
    shape = np.shape(X)
    if labels.ndim != 2 or len(shape) < 3:
        return None
    steps = shape[2] if channels_first else shape[1]
    if labels.shape[1] == 1 != steps:
        return None  # a column of one label per sample
    if labels.shape != (shape[0], steps):
        raise ArgumentValueError(
            "y",
            f"must have shape {shape[:1]} for one label per sample, or {(shape[0], steps)} for one "
            f"per time step of X, but has shape {labels.shape}.",
        )
    if ragged:
        X = np.asarray(X)
        own = sequences.own_steps(X.swapaxes(1, 2) if channels_first else X, None, None, False)
        given = np.array([len(part) for part in y])
        if (own.sum(axis=1) != given).any():
            i = int((own.sum(axis=1) != given).argmax())
            raise ArgumentValueError(
                "y",
                "must have as many labels as X has time steps in each sample, but sample "
                f"{i} has {given[i]} for {own[i].sum()} steps.",
            )
    return labels


def refuse_others(model: Any) -> None:
    """Raise if an argument is about one class per sample."""
    wrong = needs_clamping(model) or (
        "objective='likelihood'" if objective_of(model) == "likelihood" else ""
    )
    for name in ("readout_from", "class_weight"):
        if getattr(model, name):
            wrong = f"{name}={describe(getattr(model, name))}"
    if wrong:
        name, _, value = wrong.partition("=")
        raise ArgumentValueError(
            name, f"= {value} is about one label per sample, but y has one per time step."
        )


def indices_of_steps(labels: Array, own: Array, classes: Array | None) -> tuple[Array, Array]:
    """Return indices (n, T) of the labels of a sample's *own* steps, 0 in others; and the classes.

    Without *classes* those that there are.
    """
    labels = labels[:, : own.shape[1]]
    if labels.shape != own.shape:
        raise ArgumentValueError(
            "y", f"must have shape {own.shape}, as X has time steps, but has {labels.shape}."
        )
    shown = labels[own]
    found = np.unique(shown)
    classes = found if classes is None else classes
    if len(classes) < 2:
        raise ArgumentValueError(
            "y", f"must hold at least 2 classes, but holds 1 class ({classes[0]!r})."
        )
    if not np.isin(found, classes).all():
        unknown = set(found[~np.isin(found, classes)].tolist())
        raise ArgumentValueError("y", f"must hold known classes, but has {unknown}.")
    indices = np.zeros(own.shape, dtype=np.int64)
    indices[own] = np.searchsorted(classes, shown)
    return indices, classes


def labelled(indices: Array, own: Array, classes: Array) -> Array:
    """Return the classes of indices (n, T); in steps that are nobody's own what is no class."""
    said = classes[indices]
    if own.all():
        return np.asarray(said)
    kind = classes.dtype.kind
    if kind == "f":
        none: Any = np.nan
    elif kind in "biu":
        said, none = said.astype(np.int64), min(-1, int(classes.min()) - 1)
    else:
        none = ""
    return np.where(own, said, none)


# -- scores ----------------------------------------------------------------------------------------


def reading_of(model: Any, steps: int) -> Reading:
    """Return how trains are read out in each of so many input steps."""
    decay = decay_of(model._kept.time_constant)
    return Reading(decay, model.spec_.lag(model.spec_.visible.name), steps)


def faded(x: Array, reading: Reading, n_classes: int) -> Array:
    """Return per class the faded sums (T, B, K) of x (S, B, C), one or many channels per class."""
    kept = reading.of(x) / (1 - reading.decay)
    return np.asarray(kept.reshape(*kept.shape[:2], n_classes, -1).sum(axis=3))


def step_scores(spikes: Array, own: Array, reading: Reading, n_classes: int) -> Array:
    """Return faded spike counts (n, T, K) of trains (S, n, C); NaN where no step is *own* (n, T).

    Of two classes with the same count the one with more spikes shortly before wins: a fraction
    below 1/2 that decides where nothing is kept from step to step.
    """
    x = spikes.astype(float)
    counts = faded(x, reading, n_classes)
    if reading.decay == 0:
        before = faded(x, Reading(0.5, reading.first, reading.steps), n_classes)
        # A trace with decay 1/2 of c channels is at most 2 c: over 4 c + 1 it stays below 1/2.
        counts = counts + before / (4 * x.shape[2] / n_classes + 1)
    scores = np.full((*own.shape, n_classes), np.nan)
    scores[:, : reading.steps] = counts.transpose(1, 0, 2)
    scores[~own] = np.nan
    return scores


def judge_steps(
    guesses: Array, truth: Array, own: Array, n_classes: int, spikes: float
) -> Evaluation:
    """Return the evaluation of class indices (R, n, T) in the *own* steps (n, T) of samples.

    The steps of a sample are not independent: they are worth as many as make the share of errors
    vary as it does from sample to sample, no fewer than there are samples.
    """
    right = (guesses == truth) & own
    repeats, n = guesses.shape[:2]
    wrong, total = (own & ~right).sum(axis=(0, 2)), repeats * own.sum(axis=1)
    share = float(wrong.sum() / total.sum())
    spread = float(np.square(wrong - share * total).sum()) * n / max(n - 1, 1) / total.sum() ** 2
    free = share * (1 - share)
    worth = 0.0 if free == 0 else free / spread if spread else math.inf
    low, high = wilson(share, min(max(worth, n), total.sum()), normal_quantile(0.95))
    confusion = np.zeros((n_classes, n_classes), dtype=int)
    shown = np.broadcast_to(own, guesses.shape)
    np.add.at(confusion, (np.broadcast_to(truth, guesses.shape)[shown], guesses[shown]), 1)
    covers = f"95 % clustered Wilson, over {own.sum()} steps of the test samples"
    return Evaluation(1 - share, (1 - high, 1 - low), covers, confusion, n, repeats, spikes)


# -- learning --------------------------------------------------------------------------------------


def stepwise_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    labels: Array,
    n_classes: int,
    rng: np.random.Generator,
    reading: Reading,
    *,
    inverse_temperature: float,
    own: Array | None = None,
    lasts: Array | None = None,
    credit: str = "symmetric",
    n_draws: int = 1,
    dtype: Any = None,
    run: Any = run_free,
    **options: Any,
) -> BatchResult:
    """Return the local rule's gradient of a mini-batch that runs free.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Weights, angles and biases of each layer.
    inputs : ndarray, shape (T, B, M)
        Encoded samples, time first.
    labels : ndarray of int, shape (T, B)
        Indices of classes.
    n_classes : int
        Number of classes.
    rng : Generator
        Generator of the spikes.
    reading : Reading
        A reading of one value per step: what a spike counts later.
    inverse_temperature : float
        beta, the inverse of the temperature.
    own : ndarray of bool, shape (T, B), optional
        Which steps have a label; None: all.
    lasts, credit, n_draws, dtype, run
        See :func:`~lava_sqs.network.count.count_gradient`.
    **options
        `back`, `sparsity`, `window`, `train_hidden` and `held` of
        :func:`~lava_sqs.network.credit.from_value`.

    Returns
    -------
    BatchResult
        ``log_likelihood`` is the mean of log q_y over the steps of each sample.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> from lava_sqs.network.gradient import initialise
    >>> net, rng = feed_forward(3, (4,), 6, LIFNeuron()), np.random.default_rng(0)
    >>> inputs = np.ones((5, 8, 3))
    >>> labels = rng.integers(0, 2, (5, 8))
    >>> found = stepwise_gradient(
    ...     net, initialise(net, inputs, rng), inputs, labels, 2, rng, Reading(0.5, 1, 5),
    ...     inverse_temperature=1.0)
    >>> found.gradient["hidden0"].weights["input"].shape, found.log_likelihood.shape
    ((4, 3), (8,))
    """
    batch = inputs.shape[1]
    traces = run(spec, parameters, inputs, rng, n_draws, dtype)
    lasts = None if lasts is None else np.tile(lasts, (1, n_draws))
    own = np.ones(labels.shape, dtype=bool) if own is None else own
    # Each sample weighs the same, whatever its length.
    share = np.tile(own / np.maximum(own.sum(axis=0), 1), (1, n_draws))
    truth = np.tile(labels, (1, n_draws))[:, :, None]
    s, p = traces[-1].out.spikes, traces[-1].out.p_spike

    log_q = log_softmax(inverse_temperature * faded(0.5 * (s + p), reading, n_classes), axis=2)
    told = -np.exp(log_q)
    np.put_along_axis(told, truth, np.take_along_axis(told, truth, axis=2) + 1.0, axis=2)
    # `back` contains the (1 - lambda) of a normalised trace; the scores here are sums.
    size = inverse_temperature / (1 - reading.decay)
    told = np.repeat(size * share[:, :, None] * told, s.shape[2] // n_classes, axis=2)
    said = (share * np.take_along_axis(log_q, truth, axis=2)[:, :, 0]).sum(axis=0)
    gradient = from_value(
        spec,
        parameters,
        traces,
        reading.back(told, len(s)),
        scale=size * float(share.max()),
        credit=credit,
        worth=_less_baseline(said[None], n_draws),
        lasts=lasts,
        dtype=dtype,
        **options,
    )
    by_sample = said.reshape(n_draws, batch).mean(axis=0)
    return BatchResult(gradient, by_sample, *tallied(traces, lasts))


class StepTrainer(Trainer):
    """One fit of a class per time step: its labels are indices (n, T)."""

    def _strata(self) -> tuple[Array | None, str]:
        return None, "samples"

    def _gradient(
        self, learned: Parameters, chosen: Array, rng: np.random.Generator
    ) -> BatchResult:
        model, samples = self.model, self._samples(chosen, rng)
        inputs = self._encoded(samples, rng)
        return stepwise_gradient(
            self.spec,
            learned,
            inputs,
            self.labels[chosen].T,
            len(model.classes_),
            rng,
            reading_of(model, len(inputs)),
            inverse_temperature=1 / model.temperature_,
            own=model._inputs.own_steps(samples).T,
            **self._of_free_runs(samples),
        )

    def _judged(self, scores: Array, X: Array, labels: Array) -> float:
        own, weights = self.model._inputs.own_steps(X), self.held_weights
        if weights is not None:
            weights = np.repeat(weights, own.sum(axis=1))
        return float(np.average(scores[own].argmax(axis=1) == labels[own], weights=weights))
