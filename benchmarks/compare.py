"""SQSNN and its rivals on real data, at equal parameter counts: one table.

``uv run python -m benchmarks.compare --data DIR --out FILE`` trains every model on every task with
five seeds and appends one JSON line per finished training to FILE. What is there is not done again,
so the run may be cut off and repeated; a line counts only for the settings, the data and the
version that it was made with. ``--print`` makes the table of FILE; it trains nothing and needs no
data.
``--held-out`` is how learning rates were chosen: a fifth of the training samples is held out, and
the test samples are never looked at. DIR holds usps.npz, nmnist_small.npz and japanese_vowels.npz,
each with x_train, y_train, x_test, y_test; a task whose file is missing is left out, and said so.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import hashlib
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from lava_sqs import __version__
from lava_sqs._files import check_writable, write_bytes
from lava_sqs._text import markdown
from lava_sqs.data import Dataset, load_japanese_vowels, load_nmnist, load_usps
from lava_sqs.network import SQSNN

LOGISTIC, RULE = "logistic regression", "SQSNN, paper circuit, published rule"
MODELS: dict[str, dict[str, Any]] = {
    LOGISTIC: {},
    "SQSNN, paper circuit": {"ansatz": "paper"},
    "SQSNN, layered circuit": {"ansatz": "layered"},
    "QLIF": {"neuron": "qlif"},
    "QLIF, one shot": {"neuron": "qlif", "shots": 1},
    "stochastic LIF": {"neuron": "lif"},
    "as published (closed form), exact rule": {"neuron": "as_published"},
    RULE: {"ansatz": "paper", "rule": "as-published"},
}
IN_LAVA = ("SQSNN, paper circuit", "QLIF")  # with the first seed
RATES = (0.01, 0.02, 0.05, 0.1)  # of the search, --held-out
SEARCHED = ("SQSNN, paper circuit", "QLIF", "stochastic LIF")  # the others take the first one's
CHOSEN: dict[tuple[str, str], float] = {
    ("Japanese vowels", "QLIF"): 0.1,
    ("Japanese vowels", "SQSNN, paper circuit"): 0.1,
    ("Japanese vowels", "stochastic LIF"): 0.1,
    ("N-MNIST 1000/100", "QLIF"): 0.05,
    ("N-MNIST 1000/100", "SQSNN, paper circuit"): 0.05,
    ("N-MNIST 1000/100", "stochastic LIF"): 0.05,
}


@dataclass(frozen=True)
class Task:
    """A data set, how to read it, and the network for it."""

    name: str
    load: Callable[[Path], Dataset]
    network: dict[str, Any]
    with_published_rule: bool = False  # it takes minutes for two neurons and two classes

    def arguments(self, model: str) -> dict[str, Any]:
        """Return the arguments of :class:`SQSNN`."""
        searched = model if model in SEARCHED else SEARCHED[0]
        rate = {"learning_rate": CHOSEN.get((self.name.partition(",")[0], searched), 0.02)}
        return {**self.network, **rate, **MODELS[model]}


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
        "USPS 1 vs 7, 256-2-2, 500/125",
        usps_paper_split,
        {**STATIC, "hidden": (2,), "epochs": 20},
        with_published_rule=True,
    ),
    Task(
        "USPS 1 vs 7, 256-2-2",
        usps_1_7,
        {**STATIC, "hidden": (2,), "epochs": 10},
        with_published_rule=True,
    ),
    Task(
        "USPS, 256-100-10",
        usps,
        {**STATIC, "hidden": (100,), "epochs": 15, "batch_size": 64},
    ),
    Task(
        "N-MNIST 1000/100, 288-50-50",
        nmnist,
        {
            "input_kind": "sequence",
            "encoder": "current",
            "hidden": (50,),
            "neurons_per_class": 5,
            "epochs": 20,
        },
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
    ),
)


def hold_out(d: Dataset) -> Dataset:
    """Return a fifth of the training samples as the test samples."""
    x, xt, y, yt = train_test_split(
        d.x_train, d.y_train, test_size=0.2, random_state=0, stratify=d.y_train
    )
    return Dataset(x, y, xt, yt, d.source)


def logistic(d: Dataset) -> dict[str, Any]:
    """Scikit-learn's logistic regression on all values of a sample, standardised."""
    start = time.process_time()
    x, xt = (v.reshape(len(v), -1).astype(float) for v in (d.x_train, d.x_test))
    scaler = StandardScaler().fit(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: a sanity line
        model = LogisticRegression(C=0.01, max_iter=200).fit(scaler.transform(x), d.y_train)
    return {
        "accuracy": float(model.score(scaler.transform(xt), d.y_test)),
        "seconds": time.process_time() - start,
        "parameters": model.coef_.size,
        "biases": model.intercept_.size,
    }


def network(d: Dataset, arguments: dict[str, Any], seed: int, in_lava: int) -> dict[str, Any]:
    """Train a network; say how good it is, and whether it is the same inside Lava."""
    given = dict(arguments)
    hidden = given.pop("hidden")
    start = time.process_time()
    clf = SQSNN(hidden, random_state=seed, **given).fit(d.x_train, d.y_train)
    seconds = time.process_time() - start
    once = clf.evaluate(d.x_test, d.y_test)
    five = clf.predict(d.x_test, n_repeats=5) == d.y_test
    row: dict[str, Any] = {
        "accuracy": once.accuracy,
        "of_five": float(five.mean()),
        "seconds": seconds,
        "parameters": clf.n_parameters_,
        "biases": clf.n_biases_,
        "spikes": once.spikes_per_inference,
        "loss": clf.loss_curve_[-1],
    }
    if in_lava:
        some = slice(0, in_lava)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*input currents exceed 1")
            there = clf.evaluate(d.x_test[some], d.y_test[some], runtime="lava")
        here = clf.decide(clf.simulate(d.x_test[some])) == d.y_test[some]
        row["lava"] = {
            "samples": there.n_samples,
            "same_spikes": there.same_spikes,
            "accuracy": there.accuracy,
            "interval": there.interval,
            "offline": float(here.mean()),
        }
    return row


# -- the file of results -----------------------------------------------------------------------


def digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


def fingerprint(d: Dataset) -> str:
    """Return a hash of the data as the task shows them."""
    state = hashlib.blake2b(digest_size=8)
    for array in (d.x_train, d.y_train, d.x_test, d.y_test):
        state.update(repr((array.shape, array.dtype.str)).encode())
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()


class Results:
    """Rows in a file of JSON lines that is always complete, by what they were made with."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        if path is not None:
            check_writable(path)
            for line in path.read_text().splitlines() if path.exists() else []:
                row = json.loads(line)
                self.rows[row["key"], row["data"]] = row

    def find(self, key: str, data: str | None) -> dict[str, Any] | None:
        """Return a row, of any data if *data* is None."""
        if data is not None:
            return self.rows.get((key, data))
        return next((row for (k, _), row in self.rows.items() if k == key), None)

    def add(self, row: dict[str, Any]) -> None:
        self.rows[row["key"], row["data"]] = row
        if self.path is not None:
            before = self.path.read_bytes() if self.path.exists() else b""
            write_bytes(self.path, before + (json.dumps(row) + "\n").encode())


@dataclass(frozen=True)
class Run:
    """One training that shall be in the results."""

    task: Task
    model: str
    seed: int
    arguments: dict[str, Any]
    held_out: bool
    in_lava: int

    @property
    def row(self) -> dict[str, Any]:
        """Return what names it."""
        named = {
            "task": self.task.name,
            "model": self.model,
            "seed": self.seed,
            "arguments": self.arguments,
            "held_out": self.held_out,
            "version": __version__,
        }
        return {"key": digest([named, self.in_lava]), **named}


def planned(options: argparse.Namespace, tasks: list[Task]) -> Iterator[Run]:
    """Yield the runs: seed by seed, so that a run that is cut off has something of every row."""
    held_out = options.held_out
    for seed in range(1 if held_out else options.seeds):
        for model in MODELS:
            if options.models and not any(text in model for text in options.models):
                continue
            for task in tasks:
                if model == LOGISTIC:
                    if not seed:
                        yield Run(task, model, 0, {}, held_out, 0)
                elif model != RULE or (task.with_published_rule and not held_out):
                    first = model in IN_LAVA and not seed and not held_out
                    given = task.arguments(model)
                    for rate in options.rates if held_out else (given["learning_rate"],):
                        arguments = {**given, "learning_rate": rate}
                        yield Run(task, model, seed, arguments, held_out, options.in_lava * first)


# -- tables ------------------------------------------------------------------------------------


def interval(values: list[float]) -> str:
    """Return the mean and half of its 95 % interval (t), in per cent."""
    mean = 100 * np.mean(values)
    if len(values) < 2:
        return f"{mean:.1f}"
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values) * 100
    return f"{mean:.1f} +- {half:.1f}"


def table(rows: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    names = ("task", "model", "test accuracy", "of 5 passes", "seeds", "CPU seconds")
    lines = [markdown(*names, "weights + angles", "biases", "spikes", head=True)]
    for (task, model), found in rows.items():
        last = found[-1]
        cells = [task, model, interval([r["accuracy"] for r in found])]
        cells.append(interval([r["of_five"] for r in found]) if "of_five" in last else "")
        cells += ["" if model == LOGISTIC else str(len(found))]
        cells += [f"{np.mean([r['seconds'] for r in found]):.1f}"]
        cells += [str(last["parameters"]), str(last["biases"])]
        cells.append(f"{np.mean([r['spikes'] for r in found]):.0f}" if "spikes" in last else "")
        lines.append(markdown(*cells))
    return "\n".join(lines)


def searched(rows: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    lines = [markdown("task", "model", *RATES, head=True)]
    for (task, model), found in rows.items():
        by_rate = {r["arguments"].get("learning_rate"): r for r in found}
        cells = [
            f"{100 * by_rate[rate]['accuracy']:.1f} ({by_rate[rate]['loss']:.4f})"
            if rate in by_rate
            else ""
            for rate in RATES
        ]
        if model == LOGISTIC:
            cells[0] = interval([r["accuracy"] for r in found])
        lines.append(markdown(task, model, *cells))
    return "\n".join(lines)


def lava_table(rows: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    names = ("task", "model", "samples", "same spikes", "accuracy in Lava", "offline")
    lines = [markdown(*names, head=True)]
    for (task, model), found in rows.items():
        for lava in (r["lava"] for r in found if "lava" in r):
            low, high = lava["interval"]
            same = "yes" if lava["same_spikes"] else "NO"
            inside = f"{100 * lava['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
            offline = f"{100 * lava['offline']:.1f}"
            lines.append(markdown(task, model, lava["samples"], same, inside, offline))
    return "\n".join(lines)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, metavar="FILE", help="results, read and appended to")
    parser.add_argument("--print", action="store_true", help="the table of FILE, no training")
    parser.add_argument("--held-out", action="store_true", help="search of the learning rate")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--in-lava", type=int, default=400, help="test samples run in Lava, too")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="of the search")
    parser.add_argument("--tasks", nargs="+", metavar="TEXT", help="only tasks with these in them")
    parser.add_argument(
        "--models", nargs="+", metavar="TEXT", help="only models with these in them"
    )
    options = parser.parse_args()
    if options.print and options.out is None:
        parser.error("--print needs --out FILE")
    if not options.print and options.data is None:
        parser.error("--data DIR is needed to train")
    return options


def main() -> None:
    """Train what is not in the file, and print the tables."""
    options = parsed()
    results = Results(options.out)
    tasks = [t for t in TASKS if not options.tasks or any(x in t.name for x in options.tasks)]
    data = {} if options.print else loaded(tasks, options)
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {
        (task.name, model): [] for task in tasks for model in MODELS
    }
    for run in planned(options, tasks):
        d, mark = data.get(run.task.name, (None, None))
        row = results.find(run.row["key"], mark)
        if row is None and d is not None:
            if run.model == LOGISTIC:
                found = logistic(d)
            else:
                found = network(d, run.arguments, run.seed, run.in_lava)
            row = {**run.row, "data": mark, **found}
            results.add(row)
            print(
                f"{run.task.name}, {run.model}, seed {run.seed}, "
                f"rate {run.arguments.get('learning_rate')}: {100 * found['accuracy']:.1f} %, "
                f"{found['seconds']:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        if row is not None:
            rows[run.task.name, run.model].append(row)
    rows = {k: v for k, v in rows.items() if v}
    if options.held_out:
        print("Accuracy on held-out training samples in per cent (training loss), by rate:\n")
        print(searched(rows))
        return
    print("Test accuracy in per cent: mean and its 95 % interval (t) over seeds.\n")
    print(table(rows))
    print("\nInside Lava, one seed (Wilson interval over the samples):\n")
    print(lava_table(rows))


def loaded(tasks: list[Task], options: argparse.Namespace) -> dict[str, tuple[Dataset, str]]:
    """Return the data sets and their fingerprints; those without a file are left out."""
    data = {}
    for task in tasks:
        try:
            d = task.load(options.data)
        except FileNotFoundError as error:
            print(f"{task.name}: left out: {error}", file=sys.stderr)
            continue
        d = hold_out(d) if options.held_out else d
        data[task.name] = d, fingerprint(d)
    return data


if __name__ == "__main__":
    main()
