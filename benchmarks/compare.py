"""SQSNN and its rivals on real data, at equal layer sizes: one table.

``uv run python -m benchmarks.compare --data DIR --out FILE`` trains every model on every task with
five seeds and appends one JSON line per finished training to FILE. What is there is not done again,
so the run may be cut off and repeated; a line counts only for the settings, the data and the
version of the numbers that it was made with (NUMBERS). ``--print`` makes the tables of FILE; it
trains nothing and needs no data.
``--held-out`` is the search of the settings: a fifth of the training samples is held out, and the
test samples are never looked at. The other runs take the best settings that FILE has from a search.
DIR holds usps.npz, nmnist_small.npz, japanese_vowels.npz, arrowhead.npz and osuleaf.npz, each with
x_train, y_train, x_test, y_test; a task whose file is missing is left out, and said so.
``--torch-python PATH`` is the Python of another environment, which has torch and snntorch; without
it snnTorch's rows are left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from benchmarks.compare_tasks import (
    BITS,
    LOGISTIC,
    MLP,
    MODELS,
    SNNTORCH,
    TASKS,
    Task,
    encoded,
    fingerprint,
    lengths,
    part,
    splits,
)
from benchmarks.rows import append, lines_of
from lava_sqs._files import check_writable
from lava_sqs._text import markdown
from lava_sqs.data import Dataset, Shift
from lava_sqs.network import SQSNN

# The version since which networks give the same numbers (tests/test_golden.py): rows of a release
# that changes none go on to count.
NUMBERS = "0.1.0"

# What is searched; a network that is not here takes the settings found for an SQSNN.
RIVAL = {
    "learning_rate": (0.003, 0.01),
    "surrogate": ("atan",),  # on the digits fast_sigmoid was nowhere ahead of it
    "beta": (0.8, 0.95),
    "temperature": (0.25, 2.0),
}
BESIDE = ("beta", "temperature")  # settings that run side by side
SEARCH: dict[str, dict[str, tuple[Any, ...]]] = {
    LOGISTIC: {"C": (0.01, 0.1, 1.0)},
    # the learning rates of these are the task's
    "SQSNN, layered circuit": {},
    "SQSNN, paper circuit": {},
    **{model: {} for model in BITS},
    "QLIF, one shot": {},
    "stochastic LIF": {},
    **dict.fromkeys(SNNTORCH, RIVAL),
}


def logistic(d: Dataset, C: float = 0.01) -> dict[str, Any]:
    """Scikit-learn's logistic regression on all values of a sample, standardised."""
    start = time.process_time()
    x, xt = (v.reshape(len(v), -1).astype(float) for v in (d.x_train, d.x_test))
    scaler = StandardScaler().fit(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: a sanity line
        model = LogisticRegression(C=C, max_iter=200).fit(scaler.transform(x), d.y_train)
    return {
        "accuracy": float(model.score(scaler.transform(xt), d.y_test)),
        "seconds": time.process_time() - start,
        "parameters": model.coef_.size,
        "biases": model.intercept_.size,
    }


def mlp(d: Dataset, given: dict[str, Any], seed: int) -> dict[str, Any]:
    """Scikit-learn's MLP with the hidden layers, updates and batches of the networks, by Adam."""
    start = time.process_time()
    x, xt = (v.reshape(len(v), -1).astype(float) / v.max() for v in (d.x_train, d.x_test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: the number of updates is given
        model = MLPClassifier(
            given["hidden"],
            batch_size=given["batch_size"],
            max_iter=given["epochs"],
            n_iter_no_change=given["epochs"],
            random_state=seed,
        ).fit(x, d.y_train)
    return {
        "accuracy": float(model.score(xt, d.y_test)),
        "seconds": time.process_time() - start,
        "parameters": sum(w.size for w in model.coefs_),
        "biases": sum(b.size for b in model.intercepts_),
        "loss": float(model.loss_),
    }


def network(d: Dataset, arguments: dict[str, Any], seed: int, in_lava: int) -> dict[str, Any]:
    """Train a network; say how good it is, and whether it is the same inside Lava."""
    given = dict(arguments)
    hidden = given.pop("hidden")
    if "augment" in given:
        given["augment"] = Shift(**given["augment"])
    start = time.process_time()
    sequences = given["input_kind"] == "sequence"
    own, own_test = ({"lengths": lengths(x)} if sequences else {} for x in (d.x_train, d.x_test))
    clf = SQSNN(hidden, random_state=seed, **given).fit(d.x_train, d.y_train, **own)
    seconds = time.process_time() - start
    once = clf.evaluate(d.x_test, d.y_test, **own_test)
    five = clf.predict(d.x_test, n_repeats=5, **own_test) == d.y_test
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
        own_test = {key: value[some] for key, value in own_test.items()}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*input currents exceed 1")
            there = clf.evaluate(d.x_test[some], d.y_test[some], runtime="lava", **own_test)
        here = clf.decide(clf.simulate(d.x_test[some], **own_test), **own_test) == d.y_test[some]
        row["lava"] = {
            "samples": there.n_samples,
            "same_spikes": there.same_spikes,
            "accuracy": there.accuracy,
            "interval": there.interval,
            "offline": float(here.mean()),
        }
    return row


def snntorch(runs: list[Run], d: Dataset, python: str) -> list[dict[str, Any]]:
    """Train runs that differ in their seed and in BESIDE, side by side in the other environment."""
    task, given = runs[0].task, runs[0].arguments
    data, steps, rate = encoded(d, given)
    n_classes = len(np.unique(d.y_train))
    rows = [{"rows": train.tolist()} for train, _ in splits(d, task.folds)]
    folds = rows if runs[0].held_out else [{}]
    keys = ("recurrent", "surrogate", "learning_rate", "epochs", "batch_size")
    settings = {
        **{key: given[key] for key in keys},
        "sizes": [*given["hidden"], n_classes * given.get("neurons_per_class", 1)],
        "n_classes": n_classes,
        "n_steps": steps,
        "rate": rate,
        "skip": given.get("skip", True),
        "augment": given.get("augment"),
        "members": [
            {"seed": run.seed, **{key: run.arguments[key] for key in BESIDE}, **fold}
            for run in runs
            for fold in folds
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.npz"
        np.savez(job, **data)
        done = subprocess.run(
            [python, str(Path(__file__).with_name("snntorch_peers.py")), str(job)],
            input=json.dumps(settings),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout)
    n = len(folds)
    return [averaged(found[i * n : (i + 1) * n]) for i in range(len(runs))]


def averaged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over folds; the seconds are those of all."""
    last = rows[-1]
    means = {key: float(np.mean([r[key] for r in rows])) for key in ("accuracy", "loss", "spikes")
             if key in last}  # fmt: skip
    return {**last, **means, "seconds": sum(r["seconds"] for r in rows)}


# -- the file of results -----------------------------------------------------------------------


def digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=8).hexdigest()


class Results:
    """Rows in a file of JSON lines, by what they were made with and by their data."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        if path is not None:
            check_writable(path)
            self.rows = {(row["key"], row["data"]): row for row in lines_of(path)}

    def find(self, key: str, data: str | None) -> dict[str, Any] | None:
        """Return a row, of any data if *data* is None."""
        if data is not None:
            return self.rows.get((key, data))
        return next((row for (k, _), row in self.rows.items() if k == key), None)

    def add(self, row: dict[str, Any]) -> None:
        self.rows[row["key"], row["data"]] = row
        if self.path is not None:
            append(self.path, row)


@dataclass(frozen=True)
class Run:
    """One training that is to be in the results; of a search, one for every fold."""

    task: Task
    model: str
    seed: int
    arguments: dict[str, Any]
    held_out: bool = False
    in_lava: int = 0

    @property
    def row(self) -> dict[str, Any]:
        """Return what names it."""
        named = {
            "task": self.task.name,
            "model": self.model,
            "seed": self.seed,
            "arguments": self.arguments,
            "held_out": self.held_out,
            "version": NUMBERS,
        }
        return {"key": digest(named), **named}

    @property
    def key(self) -> str:
        return str(self.row["key"])

    @property
    def group(self) -> str:
        """Return what it shares with runs that can be made side by side."""
        others = {k: v for k, v in self.arguments.items() if k not in BESIDE}
        return digest([self.task.name, self.model, others, self.held_out])

    def make(self, d: Dataset) -> dict[str, Any]:
        """Train; of a search, on every fold."""
        data = [d]
        if self.held_out:
            data = [part(d, *rows) for rows in splits(d, self.task.folds)]
        if self.model == LOGISTIC:
            return averaged([logistic(some, **self.arguments) for some in data])
        if self.model == MLP:
            return averaged([mlp(some, self.arguments, self.seed) for some in data])
        return averaged([network(some, self.arguments, self.seed, self.in_lava) for some in data])


def best(results: Results, task: Task, model: str) -> dict[str, Any]:
    """Return what the best setting of a search changed: highest accuracy, then lowest loss.

    A network without a search takes what was found for the first SQSNN that had one.
    """
    own = [r for r in results.rows.values() if r["held_out"] and r["task"] == task.search]
    own_search = model in (LOGISTIC, MLP, *SNNTORCH)
    models = (model,) if own_search else (model, *(m for m in MODELS if "SQSNN" in m))
    for name in models:
        found = [r for r in own if r["model"] == name]
        if found:
            base = next((t for t in TASKS if t.name == task.search), task)
            given = json.loads(json.dumps(base.arguments(name)))
            first = max(found, key=lambda r: (r["accuracy"], -r.get("loss", 0)))["arguments"]
            return {k: v for k, v in first.items() if k not in given or given[k] != v}
    return {}


def planned(options: argparse.Namespace, tasks: list[Task], results: Results) -> Iterator[Run]:
    """Yield the runs: seed by seed, so that a run that is cut off has something of every row."""
    for seed in range(1 if options.held_out else options.seeds):
        for model, task in itertools.product(MODELS, tasks):
            if model not in task.models or not any(x in model for x in options.models or [""]):
                continue
            if options.held_out and task.name != task.search:
                continue
            given = task.arguments(model)
            if model == LOGISTIC and seed:
                continue  # it has none
            if not options.held_out:
                in_lava = options.in_lava if model in task.in_lava and not seed else 0
                yield Run(
                    task, model, seed, {**given, **best(results, task, model)}, False, in_lava
                )
            elif model in SEARCH and not task.before:
                rates = {} if SEARCH[model] else {"learning_rate": task.rates}
                grid = {**SEARCH[model], **rates, **options.grid}
                for values in itertools.product(*grid.values()):
                    some = dict(zip(grid, values, strict=True))
                    yield Run(task, model, seed, {**given, **some}, True)


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
    lines = [markdown(*names, "weights + own", "biases", "spikes", head=True)]
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


def searched(results: Results, tasks: list[Task]) -> str:
    """Return every setting that was tried, the best one of each model first."""
    lines = [markdown("task", "model", "settings: held-out accuracy (loss), best first", head=True)]
    for task, model in itertools.product(tasks, MODELS):
        own = (task.name, model)
        found = [
            r for r in results.rows.values() if r["held_out"] and (r["task"], r["model"]) == own
        ]
        found.sort(key=lambda r: (-r["accuracy"], r.get("loss", 0)))
        varied = [
            key
            for key in (found[0]["arguments"] if found else ())
            if len({json.dumps(r["arguments"].get(key)) for r in found}) > 1
        ]
        cells = [
            ", ".join(f"{key.replace('_', ' ')} {r['arguments'].get(key)}" for key in varied)
            + f"{': ' if varied else ''}{100 * r['accuracy']:.1f}"
            + (f" ({r['loss']:.3f})" if "loss" in r else "")
            for r in found
        ]
        if cells:
            lines.append(markdown(task.name, model, "; ".join(cells)))
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
    parser.add_argument("--print", action="store_true", help="the tables of FILE, no training")
    parser.add_argument("--held-out", action="store_true", help="search of the settings")
    parser.add_argument("--torch-python", metavar="PATH", help="a Python that has snntorch")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--in-lava", type=int, default=100, help="test samples run in Lava, too")
    parser.add_argument("--grid", type=json.loads, default={}, metavar="JSON",
                        help="other values of the search, by argument")  # fmt: skip
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
    runs = list(planned(options, tasks, results))
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {
        (task.name, model): [] for task in tasks for model in MODELS
    }
    for run in runs:
        d, mark = data.get(run.task.name, (None, None))
        row = results.find(run.key, mark)
        if row is None and d is not None:
            row = trained(run, runs, results, d, mark, options.torch_python)
        if row is not None:
            rows[run.task.name, run.model].append(row)
    rows = {k: v for k, v in rows.items() if v}
    if options.held_out:
        print("Accuracy on held-out training samples in per cent (training loss), by settings:\n")
        print(searched(results, tasks))
        return
    print("Test accuracy in per cent: mean and its 95 % interval (t) over seeds.\n")
    print(table(rows))
    print("\nInside Lava, one seed (Wilson interval over the samples):\n")
    print(lava_table(rows))


def trained(
    run: Run, runs: list[Run], results: Results, d: Dataset, mark: str, python: str | None
) -> dict[str, Any] | None:
    """Make a run, or for snnTorch all that can be made beside it; keep and return its row."""
    if run.model not in SNNTORCH:
        together, found = [run], [run.make(d)]
    elif python is None:
        return None
    else:
        together = [r for r in runs if r.group == run.group and not results.find(r.key, mark)]
        found = snntorch(together, d, python)
    for made, values in zip(together, found, strict=True):
        results.add({**made.row, "data": mark, **values})
        settings = {k: v for k, v in made.arguments.items() if isinstance(v, float)}
        print(
            f"{run.task.name}, {run.model}, seed {made.seed}, {settings}: "
            f"{100 * values['accuracy']:.1f} %, {values['seconds']:.0f} s",
            file=sys.stderr,
            flush=True,
        )
    return results.find(run.key, mark)


def loaded(tasks: list[Task], options: argparse.Namespace) -> dict[str, tuple[Dataset, str]]:
    """Return the data sets and their fingerprints; those without a file are left out."""
    data = {}
    for task in tasks:
        try:
            d = task.load(options.data)
        except FileNotFoundError as error:
            print(f"{task.name}: left out: {error}", file=sys.stderr)
            continue
        data[task.name] = d, fingerprint(d)
    return data


if __name__ == "__main__":
    main()
