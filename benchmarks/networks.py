"""SQSNN and its rivals on real data, at equal parameter counts.

``uv run python -m benchmarks.networks --data DIR [--quick] [--tasks ...] [--seeds N]`` prints one
table: test accuracy by spike count (mean and standard deviation over seeds), training time,
parameters (weights and angles + bias currents) and spikes per inference; then whether networks say
the same inside Lava. DIR holds usps.npz, nmnist_small.npz and japanese_vowels.npz, each with
x_train, y_train, x_test, y_test; a task whose file is missing is left out, and said so.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from lava_sqs.data import Dataset, load_digits, load_japanese_vowels, load_nmnist, load_usps
from lava_sqs.network import SQSNN

MODELS: dict[str, dict[str, Any]] = {
    "SQSNN, paper circuit": {"ansatz": "paper"},
    "SQSNN, layered circuit": {"ansatz": "layered"},
    "SQSNN, paper circuit, published rule": {"ansatz": "paper", "rule": "as-published"},
    "as published (closed form), exact rule": {"neuron": "as_published"},
    "QLIF": {"neuron": "qlif"},
    "stochastic LIF": {"neuron": "lif"},
}


@dataclass(frozen=True)
class Task:
    """A data set, how to read it, and the network for it."""

    name: str
    load: Callable[[Path], Dataset]
    network: dict[str, Any]
    slow_rule: bool = True  # whether the published rule is affordable


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


def nmnist(path: Path) -> Dataset:
    """Events in 4 bins of 80 ms and 2 x 12 x 12 pixels, as currents: 16 events are 1."""
    d = load_nmnist(path / "nmnist_small.npz")

    def pool(x: Any) -> Any:
        x = np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 1), (1, 1)))
        x = x.reshape(len(x), x.shape[1] // 8, 8, 2, 12, 3, 12, 3).sum(axis=(2, 5, 7))
        return np.minimum(x / 16, 1.0)

    return Dataset(pool(d.x_train), d.y_train, pool(d.x_test), d.y_test, d.source)


def vowels(path: Path) -> Dataset:
    return load_japanese_vowels(path / "japanese_vowels.npz")


STATIC = {"input_kind": "static", "encoder": "current", "n_steps": 10}
TASKS = (
    Task(
        "digits (bundled), 64-10", lambda _: load_digits(), {**STATIC, "hidden": (), "epochs": 20}
    ),
    Task(
        "USPS 1 vs 7, 256-2-2, 500/125", usps_paper_split, {**STATIC, "hidden": (2,), "epochs": 20}
    ),
    Task("USPS 1 vs 7, 256-2-2", usps_1_7, {**STATIC, "hidden": (2,), "epochs": 10}),
    Task(
        "USPS, 256-10",
        usps,
        {**STATIC, "hidden": (), "epochs": 5, "batch_size": 64},
        slow_rule=False,
    ),
    Task(
        "USPS, 256-100-10",
        usps,
        {
            **STATIC,
            "hidden": (100,),
            "epochs": 5,
            "batch_size": 64,
            "n_draws": 2,
            "discount": 0.0,
            "hidden_learning_rate": 0.02,
        },
        slow_rule=False,
    ),
    Task(
        "USPS, 256-180, voting pairs",
        usps,
        {
            **STATIC,
            "hidden": (),
            "epochs": 8,
            "batch_size": 64,
            "targets": "pairs",
            "neurons_per_class": 2,
        },
        slow_rule=False,
    ),
    Task(
        "N-MNIST 1000/100, 288-90, voting pairs",
        nmnist,
        {
            "input_kind": "sequence",
            "encoder": "current",
            "hidden": (),
            "epochs": 20,
            "learning_rate": 0.05,
            "targets": "pairs",
        },
        slow_rule=False,
    ),
    Task(
        "Japanese vowels, 60-72, voting pairs",
        vowels,
        {
            "input_kind": "sequence",
            "encoder": "population",
            "hidden": (),
            "epochs": 20,
            "targets": "pairs",
        },
        slow_rule=False,
    ),
)


def logistic(d: Dataset) -> float:
    """Test accuracy of scikit-learn's logistic regression on all values of a sample."""
    x, xt = (v.reshape(len(v), -1).astype(float) for v in (d.x_train, d.x_test))
    scaler = StandardScaler().fit(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: a sanity line
        model = LogisticRegression(C=0.01, max_iter=200).fit(scaler.transform(x), d.y_train)
    return float(model.score(scaler.transform(xt), d.y_test))


def train(task: Task, d: Dataset, own: dict[str, Any], seed: int, factor: float) -> Any:
    """Return a fitted network, its seconds, and the seconds at which a loss was first seen."""
    arguments = {**task.network, **own}
    hidden = arguments.pop("hidden")
    arguments["epochs"] = max(1, round(arguments["epochs"] * factor))
    start = time.perf_counter()
    clf = SQSNN(hidden, random_state=seed, **arguments).fit(d.x_train, d.y_train)
    return clf, time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--quick", action="store_true", help="2 seeds, half the epochs")
    parser.add_argument("--seeds", type=int, help="number of seeds (default: 5, quick: 2)")
    parser.add_argument("--tasks", nargs="+", metavar="TEXT", help="only tasks with these in them")
    parser.add_argument(
        "--models", nargs="+", metavar="TEXT", help="only models with these in them"
    )
    args = parser.parse_args()
    seeds = range(args.seeds or (2 if args.quick else 5))
    factor = 0.5 if args.quick else 1.0

    print(f"Mean +- standard deviation over {len(seeds)} seeds.\n")
    print(
        "| task | model | test accuracy | of 5 passes | seconds | weights + angles | biases "
        "| spikes per inference |"
    )
    print("|---" * 8 + "|")
    fitted: list[tuple[str, SQSNN, Dataset]] = []
    for task in TASKS:
        if args.tasks and not any(text in task.name for text in args.tasks):
            continue
        try:
            d = task.load(args.data)
        except FileNotFoundError as error:
            print(f"| {task.name} | left out: {error} | | | | | | |")
            continue
        print(f"| {task.name} | logistic regression | {100 * logistic(d):.1f} | | | | | |")
        for name, own in MODELS.items():
            if args.models and not any(text in name for text in args.models):
                continue
            if own.get("rule") == "as-published" and not task.slow_rule:
                continue
            rows = []
            for seed in seeds:
                clf, seconds = train(task, d, own, seed, factor)
                once = clf.evaluate(d.x_test, d.y_test)
                five = float((clf.predict(d.x_test, n_repeats=5) == d.y_test).mean())
                rows.append((100 * once.accuracy, 100 * five, seconds, once.spikes_per_inference))
            mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=len(rows) > 1)
            print(
                f"| {task.name} | {name} | {mean[0]:.1f} +- {spread[0]:.1f} "
                f"| {mean[1]:.1f} +- {spread[1]:.1f} | {mean[2]:.0f} | {clf.n_parameters_} "
                f"| {clf.n_biases_} | {mean[3]:.0f} |",
                flush=True,
            )
            if name in ("SQSNN, paper circuit", "QLIF"):
                fitted.append((f"{task.name}, {name}", clf, d))

    print("\nInside Lava, the first 50 test samples of the last seed:\n")
    print("| network | same spikes | accuracy in Lava | offline |")
    print("|---" * 4 + "|")
    for name, clf, d in fitted:
        x, y = d.x_test[:50], d.y_test[:50]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*input currents exceed 1")
            in_lava, offline = clf.run_in_lava(x), clf.simulate(x)
        same = "yes" if np.array_equal(in_lava, offline) else "NO"
        there, here = ((clf.decide(s) == y).mean() for s in (in_lava, offline))
        print(f"| {name} | {same} | {100 * there:.0f} | {100 * here:.0f} |", flush=True)


if __name__ == "__main__":
    main()
