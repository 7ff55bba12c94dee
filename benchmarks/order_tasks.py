"""Tasks of :mod:`benchmarks.order` in which the order of the steps matters, and their controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits as bundled_digits
from sklearn.model_selection import train_test_split

from lava_sqs.data import load_npz

Array = NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Samples (n, T, C) and labels, one per sample (n,) or per step (n, T)."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


@dataclass(frozen=True)
class Task:
    """What is learned: samples by seed, and the network's own settings.

    Attributes
    ----------
    name : str
    make : callable
        Data from the folder of data and a seed; made tasks are drawn anew by each seed.
    ours : bool
        Whether the data are made by us.
    settings : dict
        Arguments of the network.
    """

    name: str
    make: Callable[[Path, int], Data]
    ours: bool
    settings: dict[str, Any] = field(default_factory=dict)


def halves(draw: Callable[[np.random.Generator, int], tuple[Array, Array]], n: int) -> Any:
    """Return a maker of *n* training and as many test samples of a law."""

    def make(folder: Path, seed: int) -> Data:
        rng = np.random.default_rng((seed, 77))
        return Data(*draw(rng, n), *draw(rng, n))

    return make


# -- made by us ----------------------------------------------------------------------------------


def parity(rng: np.random.Generator, n: int, steps: int = 12) -> tuple[Array, Array]:
    """Bits; in every step, whether the number of ones so far is odd."""
    x = rng.integers(0, 2, (n, steps))
    return x[..., None].astype(float), np.cumsum(x, axis=1) % 2


def delay(rng: np.random.Generator, n: int, steps: int = 12, by: int = 2) -> tuple[Array, Array]:
    """Bits; in every step, the bit of *by* steps ago (0 before the first)."""
    x = rng.integers(0, 2, (n, steps))
    late = np.concatenate([np.zeros((n, by), int), x[:, :-by]], axis=1)
    return x[..., None].astype(float), late


def adding(rng: np.random.Generator, n: int, steps: int = 12) -> tuple[Array, Array]:
    """Numbers in [0, 1] and a mark at two of them, one in each half: is their sum above 1?"""
    values, marks = rng.random((n, steps)), np.zeros((n, steps))
    first, second = rng.integers(0, steps // 2, n), rng.integers(steps // 2, steps, n)
    rows = np.arange(n)
    marks[rows, first] = marks[rows, second] = 1
    total = values[rows, first] + values[rows, second]
    return np.stack([values, marks], axis=2), (total > 1).astype(int)


def copying(rng: np.random.Generator, n: int, steps: int = 12) -> tuple[Array, Array]:
    """Two random bits per step, those of one of the first four steps marked: which were they?"""
    bits, marks = rng.integers(0, 2, (n, steps, 2)), np.zeros((n, steps, 1))
    rows, when = np.arange(n), rng.integers(0, 4, n)
    marks[rows, when] = 1
    asked = bits[rows, when]
    return np.concatenate([bits, marks], axis=2), asked[:, 0] * 2 + asked[:, 1]


# -- not made by us ------------------------------------------------------------------------------


def digits(folder: Path, seed: int) -> Data:
    """Rows of scikit-learn's digits, one per step: 600 to learn from, 600 others."""
    x, y = bundled_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8) / 16
    a, b, ya, yb = train_test_split(
        x, y, train_size=600, test_size=600, random_state=seed, stratify=y
    )
    return Data(a, ya, b, yb)


def outline(file: str, merge: int, folder: Path, seed: int) -> Data:
    """Means over *merge* frames of an outline and their changes, in the archive's split."""
    d = load_npz(folder / file)

    def merged(x: Array) -> Array:
        steps = x.shape[1] // merge
        x = x[:, : steps * merge, 0].reshape(len(x), steps, merge).mean(axis=2)
        return np.stack([x, np.diff(x, axis=1, prepend=x[:, :1])], axis=2)

    return Data(merged(d.x_train), d.y_train, merged(d.x_test), d.y_test)


def laser(shown: int, hidden: int, folder: Path, seed: int) -> Data:
    """The laser, *shown* and then dark: in every step, is the next value above the median?

    256 windows of the first 2000 values to learn from, 256 of the next 4000; square roots.
    """
    values = np.load(folder / "santafe_laser.npz")["series"].astype(float)
    middle, length = np.median(values[:2000]), shown + hidden

    def windows(first: int, last: int) -> tuple[Array, Array]:
        starts = np.linspace(first, last - length - 1, 256).astype(int)[:, None]
        at = starts + np.arange(length)
        x = np.sqrt(values[at] / 255)
        x[:, shown:] = 0
        return x[..., None], (values[at + 1] > middle).astype(int)

    return Data(*windows(0, 2000), *windows(2000, 6000))


def shuffled(d: Data, seed: int) -> Data:
    """Return the control: the steps of every sample in an order of its own, their labels with them.

    What occurs in a sample, and how often, stays.
    """
    rng = np.random.default_rng((seed, 78))

    def mixed(x: Array, y: Array) -> tuple[Array, Array]:
        order = rng.permuted(np.tile(np.arange(x.shape[1]), (len(x), 1)), axis=1)
        moved = np.take_along_axis(x, order[..., None], axis=1)
        return moved, y if y.ndim == 1 else np.take_along_axis(y, order, axis=1)

    return Data(*mixed(d.x_train, d.y_train), *mixed(d.x_test, d.y_test))


def held_out(d: Data) -> Data:
    """Return training samples alone, every fourth of them as the test."""
    last = np.arange(len(d.x_train)) % 4 == 3
    return Data(d.x_train[~last], d.y_train[~last], d.x_train[last], d.y_train[last])


_TUNED = {"encoder": "population", "n_population": 5, "neurons_per_class": 3}
TASKS = (
    Task("running parity, 12 steps", halves(parity, 256), True),
    Task("delay of 2 steps", halves(delay, 256), True),
    Task("adding, 12 steps", halves(adding, 256), True),
    Task("copy, 12 steps", halves(copying, 256), True, {"neurons_per_class": 2}),
    Task("digits, row by row", digits, False, {"neurons_per_class": 2}),
    Task("laser, next of 24 steps", partial(laser, 24, 0), False),
    Task("laser, 16 steps seen, 8 dark", partial(laser, 16, 8), False),
    Task("ArrowHead, 20 steps", partial(outline, "arrowhead.npz", 12), False, _TUNED),
    Task("OSULeaf, 42 steps", partial(outline, "osuleaf.npz", 10), False,
         {**_TUNED, "neurons_per_class": 2}),
)  # fmt: skip
