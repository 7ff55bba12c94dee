"""Data sets and networks of :mod:`benchmarks.compare`."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from lava_sqs.data import (
    Dataset,
    load_digits,
    load_japanese_vowels,
    load_nmnist,
    load_npz,
    load_usps,
    pool_events,
    population,
)
from lava_sqs.data.encoders import Scale

LOGISTIC, RULE = "logistic regression", "SQSNN, paper circuit, published rule"
MLP = "MLP without spikes"
SNNTORCH = ("snnTorch LIF", "snnTorch recurrent LIF")
_SNNTORCH = {"learning_rate": 0.003, "surrogate": "atan", "beta": 0.8, "temperature": 0.25}
MODELS: dict[str, dict[str, Any]] = {
    LOGISTIC: {},
    MLP: {},
    "SQSNN, layered circuit": {"ansatz": "layered"},
    "SQSNN, paper circuit": {"ansatz": "paper"},
    "1 bit, additive table": {"neuron": "classical", "ansatz": "classical-additive"},
    "1 bit, full table": {"neuron": "classical", "ansatz": "classical"},
    "QLIF": {"neuron": "qlif"},
    "QLIF, one shot": {"neuron": "qlif", "shots": 1},
    "stochastic LIF": {"neuron": "lif"},
    "as published (closed form), exact rule": {"neuron": "as_published"},
    RULE: {"ansatz": "paper", "rule": "as-published", "credit": "score"},
    "snnTorch LIF": {"recurrent": False, **_SNNTORCH},
    "snnTorch recurrent LIF": {"recurrent": True, **_SNNTORCH},
}
BITS = ("1 bit, additive table", "1 bit, full table")
# Which models are asked: in every row; in the controls; with clamped visible neurons.
ASKED = (LOGISTIC, "SQSNN, layered circuit", "SQSNN, paper circuit", *BITS, "QLIF, one shot",
         "stochastic LIF", *SNNTORCH)  # fmt: skip
IMAGES = (MLP, *ASKED)
CONTROL = (LOGISTIC, "SQSNN, layered circuit", *BITS, "stochastic LIF", "snnTorch recurrent LIF")
BEFORE = tuple(m for m in MODELS if m not in (RULE, MLP, *BITS, *SNNTORCH))
SHUFFLED, MOVED = ", frames shuffled", ", moved"
# What a network is to a rival: the input that it gets, its sizes and its updates.
_SHARED = ("input_kind", "encoder", "n_steps", "n_population", "hidden", "neurons_per_class",
           "skip", "epochs", "batch_size", "augment")  # fmt: skip


Order = Callable[[Dataset], Dataset]


@dataclass(frozen=True)
class Task:
    """A data set, how to read it, the network for it, and which models are asked."""

    name: str
    load: Callable[[Path], Dataset]
    network: dict[str, Any]
    models: tuple[str, ...] = ASKED
    folds: int = 1  # of the search: how often a fifth of the training samples is held out
    rates: tuple[float, ...] = (0.02, 0.05)  # learning rates of the search, for SQSNN
    searched_as: str | None = None  # the task whose search tells the settings
    in_lava: tuple[str, ...] = ("SQSNN, layered circuit",)  # with the first seed

    def arguments(self, model: str) -> dict[str, Any]:
        """Return the arguments of :class:`SQSNN`, or what a rival shares with it."""
        given = self.network
        if model == LOGISTIC:
            return {}
        if model in (MLP, *SNNTORCH):
            given = {key: given[key] for key in _SHARED if key in given}
        return {**given, **MODELS[model]}

    @property
    def before(self) -> bool:
        """Whether visible neurons are clamped: what there was before they ran free."""
        return self.network["objective"] == "likelihood"

    @property
    def search(self) -> str:
        return self.searched_as or self.name

    def shuffled(self) -> Task:
        """Return the control: the same frames, in another order in every sample."""
        name, load = self.name + SHUFFLED, partial(self.load, order=shuffled)
        return replace(
            self, name=name, load=load, models=CONTROL, searched_as=self.name, in_lava=()
        )


def shuffled(d: Dataset) -> Dataset:
    """Permute the frames of each sample before its padding, once and for all."""
    rng = np.random.default_rng(0)

    def permuted(x: Any) -> Any:
        x = x.copy()
        for sample, length in zip(x, lengths(x), strict=True):
            sample[:length] = sample[rng.permutation(length)]
        return x

    return replace(d, x_train=permuted(d.x_train), x_test=permuted(d.x_test))


def as_is(d: Dataset) -> Dataset:
    """Leave frames in order."""
    return d


def lengths(x: Any) -> Any:
    """Return how many frames (n, T, ...) there are before the zeros at the end, (n,)."""
    shown = x.reshape(*x.shape[:2], -1).any(axis=2)
    return np.where(shown.any(1), shown.shape[1] - shown[:, ::-1].argmax(1), shown.shape[1])


def usps(path: Path) -> Dataset:
    return load_usps(path / "usps.npz")


def usps_1_7(path: Path) -> Dataset:
    return usps(path).classes(1, 7)


def usps_paper_split(path: Path) -> Dataset:
    """500 train and 125 test samples, as in the paper's script."""
    d = usps_1_7(path)
    rng = np.random.default_rng(0)
    train, test = rng.permutation(len(d.x_train))[:500], rng.permutation(len(d.x_test))[:125]
    return Dataset(d.x_train[train], d.y_train[train], d.x_test[test], d.y_test[test], d.source)


def digits(path: Path) -> Dataset:
    """Those of scikit-learn, 8 x 8, which need no file."""
    return load_digits()


def nmnist_4(path: Path) -> Dataset:
    """Events in 4 bins of 80 ms and 2 x 12 x 12 pixels, as currents: 16 events are 1."""
    d = load_nmnist(path / "nmnist_small.npz")

    def pool(x: Any) -> Any:
        x = np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1), (1, 1)))
        x = x.reshape(len(x), x.shape[1] // 8, 8, 2, 12, 3, 12, 3).sum(axis=(2, 5, 7))
        return np.minimum(x / 16, 1.0)

    return Dataset(pool(d.x_train), d.y_train, pool(d.x_test), d.y_test, d.source)


def nmnist(path: Path, order: Order = as_is) -> Dataset:
    """Events in 32 bins of 10 ms and 2 x 12 x 12 pixels, as currents: 4 events are 1."""
    d = load_nmnist(path / "nmnist_small.npz")

    def pool(x: Any) -> Any:
        x = np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1), (1, 1)))
        return np.minimum(pool_events(x, time=1, space=3) / 4, 1.0)

    return order(Dataset(pool(d.x_train), d.y_train, pool(d.x_test), d.y_test, d.source))


def vowels(path: Path, order: Order = as_is) -> Dataset:
    return order(load_japanese_vowels(path / "japanese_vowels.npz"))


_LAGS = (1, 3, 8, 20, 35)


def outline(file: str, merge: int, path: Path, order: Order = as_is) -> Dataset:
    """Means over *merge* frames, and by how much they differ from earlier ones.

    Differences over 1, 3, 8, 20 and 35 frames, in units of three deviations of the training
    samples; before the start of a sample its first value counts. Frames are put in *order* first.
    """
    d = load_npz(path / file)

    def merged(x: Any) -> Any:
        steps = x.shape[1] // merge
        return x[:, : steps * merge, 0].reshape(len(x), steps, merge).mean(axis=2)

    def changes(x: Any) -> list[Any]:
        return [x - np.concatenate([np.repeat(x[:, :1], k, 1), x[:, :-k]], 1) for k in _LAGS]

    d = order(replace(d, x_train=merged(d.x_train), x_test=merged(d.x_test)))
    train, test = d.x_train, d.x_test
    units = [3 * change.std() for change in changes(train)]

    def with_changes(x: Any) -> Any:
        ours = [np.clip(c / u, -1, 1) for c, u in zip(changes(x), units, strict=True)]
        return np.stack([x, *ours], axis=2)

    return replace(d, x_train=with_changes(train), x_test=with_changes(test))


def splits(d: Dataset, folds: int) -> list[tuple[Any, Any]]:
    """Return the rows that are learned and those that are held out, a fifth, *folds* times."""
    cut = StratifiedShuffleSplit(folds, test_size=0.2, random_state=0)
    return list(cut.split(d.y_train, d.y_train))


def part(d: Dataset, train: Any, test: Any) -> Dataset:
    """Return training samples *train* and *test* as a data set of their own."""
    return Dataset(d.x_train[train], d.y_train[train], d.x_train[test], d.y_train[test], d.source)


def encoded(d: Dataset, network: dict[str, Any]) -> tuple[dict[str, Any], int, bool]:
    """Return what an SQSNN with these arguments is given, T, and whether spikes are to be drawn.

    Static samples stay (n, F): they arrive in every step, or as spikes with that probability.
    """
    static = network["input_kind"] == "static"
    out: dict[str, Any] = {"y_train": d.y_train, "y_test": d.y_test}
    flat = [x.reshape(*x.shape[: 1 if static else 2], -1) for x in (d.x_train, d.x_test)]
    steps = network["n_steps"] if static else flat[0].shape[1]
    own = [np.full(len(x), steps) if static else lengths(x) for x in flat]
    shown = [np.arange(steps) < n[:, None] for n in own]
    scale = Scale.learn(flat[0] if static else flat[0][shown[0]], images=static)
    for name, x, n, frames in zip(("train", "test"), flat, own, shown, strict=True):
        values = scale(x)
        if network["encoder"] == "population":
            values = population(values, network.get("n_population", 5))
        out[f"x_{name}"] = (values if static else values * frames[..., None]).astype(np.float32)
        out[f"lengths_{name}"] = n
    return out, steps, network["encoder"] == "rate"


def fingerprint(d: Dataset) -> str:
    """Return a hash of the data as the task shows them."""
    state = hashlib.blake2b(digest_size=8)
    for array in (d.x_train, d.y_train, d.x_test, d.y_test):
        state.update(repr((array.shape, array.dtype.str)).encode())
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


_CURRENTS = {"input_kind": "static", "encoder": "current", "n_steps": 10}
_FREE = {"objective": "count", "credit": "aligned"}
_CLAMPED = {"objective": "likelihood", "credit": "feedback"}
_NMNIST = {
    "input_kind": "sequence",
    "encoder": "current",
    "hidden": (50,),
    "neurons_per_class": 5,
    "batch_size": 32,
    "temperature": 8.0,
    "weight_decay": 0.1,
    **_FREE,
}
_OUTLINE = {
    "input_kind": "sequence",
    "encoder": "population",
    "n_population": 8,
    "hidden": (64,),
    "neurons_per_class": 5,
    **_FREE,
}
_USPS = {**_CURRENTS, "hidden": (100,), "skip": False, "batch_size": 64, **_FREE}
_SEQUENCES = (
    Task("N-MNIST 1000/100, 32 bins, 288-50-50", nmnist, {**_NMNIST, "epochs": 40}, folds=2),
    Task(
        "Japanese vowels, 60-50-45",
        vowels,
        {
            "input_kind": "sequence",
            "encoder": "population",
            "hidden": (50,),
            "neurons_per_class": 5,
            "epochs": 40,
            "batch_size": 32,
            **_FREE,
        },
        folds=2,
    ),
    Task(
        "ArrowHead, 83 frames, 48-64-15",
        partial(outline, "arrowhead.npz", 3),
        {**_OUTLINE, "epochs": 300, "batch_size": 18, "temperature": 8.0},
        folds=4,
        rates=(0.05, 0.1),
    ),
    Task(
        "OSULeaf, 85 frames, 48-64-30",
        partial(outline, "osuleaf.npz", 5),
        {**_OUTLINE, "epochs": 120, "batch_size": 32, "temperature": 8.0},
        folds=2,
        rates=(0.05, 0.1),
    ),
)
TASKS = (
    Task(
        "USPS, 256-100-50",
        usps,
        {**_USPS, "neurons_per_class": 5, "temperature": 10.0, "epochs": 30},
        IMAGES,
        rates=(0.01, 0.02),
    ),
    Task(
        "USPS, 256-100-50" + MOVED,
        usps,
        {
            **_USPS,
            "neurons_per_class": 5,
            "temperature": 10.0,
            "epochs": 60,
            "augment": {"pixels": 1, "shape": (16, 16)},
        },
        searched_as="USPS, 256-100-50",
    ),
    Task(
        "USPS, 256-100-10",
        usps,
        {**_USPS, "neurons_per_class": 1, "epochs": 30},
        IMAGES,
        searched_as="USPS, 256-100-50",
    ),
    Task(
        "USPS, 256-100-10" + MOVED,
        usps,
        {
            **_USPS,
            "neurons_per_class": 1,
            "epochs": 60,
            "augment": {"pixels": 1, "shape": (16, 16)},
        },
        searched_as="USPS, 256-100-50",
    ),
    Task(
        "digits, rate code, 64-100-50",
        digits,
        {
            "input_kind": "static",
            "encoder": "rate",
            "n_steps": 10,
            "hidden": (100,),
            "neurons_per_class": 5,
            "epochs": 20,
            "batch_size": 32,
            **_FREE,
        },
        IMAGES,
    ),
    *itertools.chain.from_iterable((task, task.shuffled()) for task in _SEQUENCES),
    Task(
        "N-MNIST 1000/100, 32 bins, 288-50-50" + MOVED,
        nmnist,
        {
            **_NMNIST,
            "epochs": 100,
            "augment": {"pixels": 1 / 3, "shape": (2, 12, 12), "between": True},
        },
        searched_as="N-MNIST 1000/100, 32 bins, 288-50-50",
    ),
    Task(
        "USPS 1 vs 7, 256-2-2, 500/125, clamped",
        usps_paper_split,
        {**_CURRENTS, "hidden": (2,), "epochs": 20, "learning_rate": 0.02, **_CLAMPED},
        (*BEFORE, RULE),  # the published rule takes minutes for two neurons and two classes
        in_lava=("SQSNN, paper circuit", "QLIF"),
    ),
    Task(
        "USPS 1 vs 7, 256-2-2, clamped",
        usps_1_7,
        {**_CURRENTS, "hidden": (2,), "epochs": 10, "learning_rate": 0.02, **_CLAMPED},
        (*BEFORE, RULE),
        in_lava=("SQSNN, paper circuit", "QLIF"),
    ),
    Task(
        "USPS, 256-100-10, clamped",
        usps,
        {**_CURRENTS, "hidden": (100,), "epochs": 15, "batch_size": 64, **_CLAMPED},
        BEFORE,
        in_lava=("SQSNN, paper circuit", "QLIF"),
    ),
    Task(
        "N-MNIST 1000/100, 4 bins, 288-50-50, clamped",
        nmnist_4,
        {
            "input_kind": "sequence",
            "encoder": "current",
            "hidden": (50,),
            "neurons_per_class": 5,
            "epochs": 20,
            **_CLAMPED,
        },
        BEFORE,
        in_lava=("SQSNN, paper circuit", "QLIF"),
    ),
    Task(
        "Japanese vowels, 60-72, voting pairs, clamped",
        vowels,
        {
            "input_kind": "sequence",
            "encoder": "population",
            "hidden": (),
            "epochs": 20,
            "targets": "pairs",
            **_CLAMPED,
        },
        BEFORE,
        in_lava=("SQSNN, paper circuit", "QLIF"),
    ),
)
