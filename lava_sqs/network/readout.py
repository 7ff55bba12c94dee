"""From the spikes of the visible layer to a class, and how sure one can be of an accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

__all__ = ["READOUTS", "Evaluation", "accuracy_interval", "count_scores"]

Array = NDArray[Any]

#: How spikes become a class.
READOUTS = ("count", "likelihood")


def count_scores(spikes: Array, n_classes: int) -> Array:
    """Return spikes per class, and a fraction below 1/2 that decides between equal counts.

    The fraction grows with the times of the spikes: of two classes with the same count the one
    that spoke later wins, for it had seen more; after that the lower class index.

    Parameters
    ----------
    spikes : ndarray of 0 and 1, shape (S, B, C)
        C channels, those of a class side by side.
    n_classes : int

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
    times = np.tensordot(np.arange(1.0, steps + 1), per_class, axes=1)
    most = steps * (steps + 1) / 2 * (channels // n_classes)
    return np.asarray(per_class.sum(axis=0) + times / (2 * most + 1))


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
        Of all neurons of the network, input excluded. (Lava shows those of the visible layer; the
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


def accuracy_interval(correct: Array, *, seed: int = 0) -> tuple[tuple[float, float], str]:
    """Return a 95 % interval of the accuracy, and what it covers.

    Parameters
    ----------
    correct : ndarray of bool, shape (n_repeats, n_samples)
    seed : int
        Of the bootstrap.

    Returns
    -------
    interval : tuple of float
        One pass: Wilson, over the samples. Repeats share their samples, so then it is a bootstrap
        over the samples of their mean (Wilson again where all samples are alike).
    covers : str

    Examples
    --------
    >>> interval, covers = accuracy_interval(np.ones((1, 100), dtype=bool))
    >>> round(interval[0], 3), covers
    (0.963, '95 % Wilson, over the test samples')
    """
    repeats, n = correct.shape
    means = correct.mean(axis=0)
    if repeats == 1 or (means == means[0]).all():  # equals: resampling them would never vary
        ci = binomtest(round(means.sum()), n).proportion_ci(0.95, method="wilson")
        return (float(ci.low), float(ci.high)), "95 % Wilson, over the test samples"
    rng = np.random.default_rng(seed)
    draws = np.array([means[rng.integers(n, size=n)].mean() for _ in range(1000)])
    low, high = np.quantile(draws, (0.025, 0.975))
    return (float(low), float(high)), "95 % bootstrap, over the test samples"
