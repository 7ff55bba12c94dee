"""From the spikes of the visible layer to a class, and how sure one can be of an accuracy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs._intervals import clustered

__all__ = ["READOUTS", "Evaluation", "accuracy_interval", "count_scores"]

Array = NDArray[Any]

#: How spikes become a class.
READOUTS = ("count", "likelihood")
_SMALL = 1e-6  # of a spike


def count_scores(spikes: Array, n_classes: int, counted: Array | None = None) -> Array:
    """Return spikes per class, and a fraction below 1/2 that decides between equal counts.

    The fraction grows with the times of the spikes: of two classes with the same count the one
    that spoke later wins, for it had seen more; after that the lower class index.

    Parameters
    ----------
    spikes : ndarray of 0 and 1, shape (S, B, C)
        C channels, those of a class side by side.
    n_classes : int
        Number of classes.
    counted : ndarray, shape (S, B), optional
        What a spike counts in each step: 0 and 1, or learned weights, where the fraction is below
        1e-6. None is all.

    Returns
    -------
    ndarray, shape (B, n_classes)

    Examples
    --------
    >>> count_scores(np.array([[[1, 0]], [[0, 1]]]), 2).argmax(axis=1)
    array([1])
    """
    steps, batch, channels = spikes.shape
    per_class = spikes.reshape(steps, batch, n_classes, channels // n_classes).sum(axis=3)
    last: Any = steps
    if counted is not None:
        per_class = per_class * counted[:, :, None]
        last = steps - (counted[::-1] > 0).argmax(axis=0)[:, None]  # whatever follows a sample
    # sum_t t n(t), t from 1 on. The largest it can be is `most`: every channel in every step.
    times = np.tensordot(np.arange(1.0, steps + 1), per_class, axes=1)
    most = last * (last + 1) / 2 * (channels // n_classes)
    # Counts are whole numbers: a fraction below 1/2 never changes an order. Learned weights make
    # any number, and a tie is then a difference below 1e-6.
    small, greatest = 1.0, 1.0
    if counted is not None and (counted % 1).any():
        small, greatest = _SMALL, float(counted.max())
    return np.asarray(per_class.sum(axis=0) + small * times / (2 * most * greatest + 1))


@dataclass(frozen=True)
class Evaluation:
    """Accuracy on labelled samples.

    Attributes
    ----------
    accuracy : float
        Share of right answers, over samples and repeats.
    interval : tuple of float
        95 % interval.
    covers : str
        What the interval covers, in words.
    confusion : ndarray of int, shape (n_classes, n_classes)
        True class by predicted class, summed over repeats.
    n_samples, n_repeats : int
        How many.
    spikes_per_inference : float
        Number of spikes of all neurons, input excluded. (Lava shows those of the visible layer; the
        rest is counted offline, with the same random numbers.)
    same_spikes : bool, optional
        After a run in Lava: whether its spikes are those of the offline run with the same seed.

    Examples
    --------
    >>> print(Evaluation(0.9, (0.8, 0.95), "95 % Wilson", np.eye(2), 50, 1, 20.0))
    accuracy 0.9000 [0.8000, 0.9500] (95 % Wilson), 50 samples x 1, 20.0 spikes per inference
    """

    accuracy: float
    interval: tuple[float, float]
    covers: str
    confusion: Array
    n_samples: int
    n_repeats: int
    spikes_per_inference: float
    same_spikes: bool | None = None

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"accuracy {self.accuracy:.4f} [{low:.4f}, {high:.4f}] ({self.covers}), "
            f"{self.n_samples} samples x {self.n_repeats}, "
            f"{self.spikes_per_inference:.1f} spikes per inference"
        )


def indices_of(y: Array, classes: Array, n: int) -> Array:
    """Return the indices of the labels of n samples in the sorted classes."""
    if y.shape != (n,):
        raise ArgumentValueError(
            "y", f"must have one label for each of {n} samples, but has shape {y.shape}."
        )
    known = np.isin(y, classes)
    if not known.all():
        raise ArgumentValueError("y", f"must hold known classes, but has {set(y[~known])}.")
    return np.asarray(np.searchsorted(classes, y))


def judge(guesses: Array, y: Array, classes: Array, spikes: float) -> Evaluation:
    """Return the evaluation of class indices (n_repeats, n)."""
    truth = indices_of(y, classes, guesses.shape[1])
    correct = guesses == truth
    interval, covers = accuracy_interval(correct)
    n = len(classes)
    confusion = np.zeros((n, n), dtype=int)
    # Unbuffered: `confusion[i, j] += 1` would count a pair that occurs twice once.
    np.add.at(confusion, (np.broadcast_to(truth, guesses.shape), guesses), 1)
    return Evaluation(
        float(correct.mean()), interval, covers, confusion, len(y), len(guesses), spikes
    )


def accuracy_interval(correct: Array, *, seed: Any = None) -> tuple[tuple[float, float], str]:
    """Return a 95 % interval of the accuracy, and what it covers.

    The one that :func:`lava_sqs.study.interval` gives for the same counts.

    Parameters
    ----------
    correct : ndarray of bool, shape (n_repeats, n_samples)
        Whether each sample was right, in each repeat.
    seed
        Deprecated: nothing is drawn any more.

    Returns
    -------
    interval : tuple of float
        Wilson's interval over the samples. Repeats share their samples, so several passes count as
        many independent trials as they are worth (``lava_sqs._intervals``).
    covers : str

    Examples
    --------
    >>> interval, covers = accuracy_interval(np.ones((1, 100), dtype=bool))
    >>> round(interval[0], 3), covers
    (0.963, '95 % Wilson, over the test samples')
    """
    if seed is not None:
        warnings.warn(
            "Argument `seed` of accuracy_interval has no effect: nothing is drawn any more. It "
            "will be removed.",
            DeprecationWarning,
            stacklevel=2,
        )
    wrong = (~np.asarray(correct, dtype=bool)).sum(axis=0)
    low, high = clustered(wrong, len(correct), 0.95)
    method = "Wilson" if len(correct) == 1 else "clustered Wilson"
    # `clustered` counts errors; accuracy is one less their share, so the ends change places.
    return (1 - high, 1 - low), f"95 % {method}, over the test samples"
