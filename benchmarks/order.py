r"""What is a quantum memory worth where order matters? SQS, bits, QLIF and LIF, by one rule.

``uv run --with statsmodels python -m benchmarks.order --data DIR --out FILE`` trains what is not in
FILE yet and appends one JSON line per finished training, so that the run may be cut off and
repeated; ``--part 1/2`` and ``--part 2/2`` share the work between two processes. ``--print`` makes
the tables of FILE, and needs neither data nor training. DIR holds santafe_laser.npz, arrowhead.npz
and osuleaf.npz; a task without its data is left out, and said so.

First, series whose season is to be told unseen (:mod:`benchmarks.clock`), by one neuron and its
exact law. Then networks (:mod:`benchmarks.order_tasks`): one hidden layer, 400 updates, the same
local rule for every kind. All kinds of a task have about as many parameters, those of SQS neurons
with two memory qubits and eight hidden neurons: the number of hidden neurons is made so (but for
full tables of bits, the strongest rivals, which have more). The
learning rate is chosen for each task and kind on held-out training samples, by a seed that is not
reported (kinds of three qubits or bits take that of two). Controls: the same with the steps of each
sample, of training and of test, in an order of its own.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks import clock
from benchmarks.order_tasks import TASKS, Data, Task, held_out, shuffled
from benchmarks.rows import append, key_of, rows_of
from lava_sqs._text import markdown
from lava_sqs.network import SQSNN

Array = NDArray[Any]

SEEDS, CONTROL_SEEDS, SEARCH_SEED, RATES = range(10), range(3), 100, (0.02, 0.06)
UPDATES, HIDDEN = 400, 8


@dataclass(frozen=True)
class Kind:
    """A kind of neurons: their own parameters, and how much each remembers, in words."""

    name: str
    arguments: dict[str, Any]
    own: int
    states: str
    recurrent: bool = False
    rate_of: str | None = None  # the kind whose search tells the learning rate
    hidden: int | None = None  # how many hidden neurons, whatever the parameters
    only: str = ""  # in the names of the tasks that it is asked for

    @property
    def slow(self) -> bool:
        return self.rate_of is not None


def _sqs(m: int) -> dict[str, Any]:
    return {"neuron": "sqs", "memory_qubits": m}


def _bits(m: int, table: str = "-additive") -> dict[str, Any]:
    return {"neuron": "classical", "ansatz": f"classical{table}", "memory_qubits": m}


KINDS = {
    kind.name: kind
    for kind in (
        Kind("SQS, 1 qubit", _sqs(1), 8, "1 qubit"),
        Kind("1 bit", _bits(1), 8, "1 bit"),
        Kind("SQS, 2 qubits", _sqs(2), 13, "2 qubits"),
        Kind("2 bits", _bits(2), 15, "2 bits"),
        Kind("QLIF", {"neuron": "qlif", "shots": 1}, 3, "1 number"),
        Kind("LIF", {"neuron": "lif"}, 3, "1 number"),
        Kind("LIF, recurrent", {"neuron": "lif", "recurrent": True}, 3, "1 number", True),
        Kind("1 bit, full table", _bits(1, ""), 14, "1 bit", hidden=12, only="digits"),
        Kind("2 bits, full table", _bits(2, ""), 60, "2 bits", hidden=8, only="digits"),
        Kind("SQS, 3 qubits", _sqs(3), 18, "3 qubits", rate_of="SQS, 2 qubits"),
        Kind("3 bits", _bits(3), 24, "3 bits", rate_of="2 bits"),
    )
}


#: Qubits and as many bits.
PAIRS = (("SQS, 1 qubit", "1 bit"), ("SQS, 2 qubits", "2 bits"), ("SQS, 3 qubits", "3 bits"))


def count(kind: Kind, hidden: int, inputs: int, visible: int) -> int:
    """Return the weights and own parameters of a network with an input that skips."""
    own = hidden * (inputs + kind.own) + visible * (hidden + inputs + kind.own)
    return own + (hidden**2 if kind.recurrent else 0)


def hidden_of(kind: Kind, inputs: int, visible: int) -> int:
    """Return how many hidden neurons make about as many parameters as eight of two qubits."""
    if kind.hidden is not None:
        return kind.hidden
    aim = count(KINDS["SQS, 2 qubits"], HIDDEN, inputs, visible)
    sizes = range(1, 20 * HIDDEN)
    return min(sizes, key=lambda h: abs(count(kind, h, inputs, visible) - aim))


def trained(task: Task, kind: Kind, d: Data, rate: float, seed: int) -> dict[str, Any]:
    """Train one network; return how often it is right on the test, in one pass."""
    given = {"encoder": "current", "neurons_per_class": 4, **task.settings}
    inputs = d.x_train.shape[2] * given.get("n_population", 1)
    hidden = hidden_of(kind, inputs, len(np.unique(d.y_train)) * given["neurons_per_class"])
    lasts = [{"lengths": np.full(len(x), x.shape[1])} for x in (d.x_train, d.x_test)]
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: the number of updates is given
        clf = SQSNN(
            (hidden,),
            input_kind="sequence",
            updates=UPDATES,
            learning_rate=rate,
            angle_learning_rate=rate,
            random_state=seed,
            **given,
            **kind.arguments,
        ).fit(d.x_train, d.y_train, **lasts[0])
    right = clf.predict(d.x_test, **lasts[1]) == d.y_test
    return {
        "accuracy": float(right.mean()),
        "loss": float(clf.loss_curve_[-1]),
        "seconds": time.process_time() - start,
        "parameters": clf.n_parameters_,
        "hidden": hidden,
    }


# -- what there is to do -------------------------------------------------------------------------


Job = tuple[dict[str, Any], Callable[[], dict[str, Any]]]


def clocks(folder: Path) -> Iterator[Job]:
    """Yield the rows of series, each of ten seeds."""
    for mixed in (False, True):
        for series, (_, load) in clock.SERIES.items():
            loaded: list[Array] = []

            def data(load: Any = load, mixed: bool = mixed, loaded: Any = loaded) -> Any:
                if not loaded:
                    both = [clock.weights_of(x) for x in load(folder)]
                    loaded += [clock.in_another_order(w) for w in both] if mixed else both
                return loaded

            base: dict[str, Any] = {"section": "clock", "series": series, "shuffled": mixed,
                                    "seeds": clock.SEEDS, "starts": clock.STARTS}  # fmt: skip
            own: dict[str, Any] = {"seeds": clock.SEEDS, "starts": clock.STARTS}
            for name in clock.LEARNERS:
                named = {**base, "learner": name, "updates": clock.UPDATES, "rate": clock.RATE}
                yield (
                    named,
                    lambda name=name, data=data, own=own: clock.learner(
                        name, *data(), updates=clock.UPDATES, **own
                    ),
                )  # type: ignore[misc]
            for bits in (1, 2, 3, 4):
                named = {**base, "learner": clock.SEARCHED.format(bits)}
                yield (
                    named,
                    lambda bits=bits, data=data, own=own: clock.searched(bits, *data(), **own),
                )  # type: ignore[misc]


def named_run(task: Task, kind: Kind, seed: int, **more: Any) -> dict[str, Any]:
    return {"section": "network", "task": task.name, "kind": kind.name, "seed": seed,
            "updates": UPDATES, "base": HIDDEN, **more}  # fmt: skip


def asked(kinds: Iterable[Kind], task: Task) -> list[Kind]:
    """Return those of the kinds that a task has a row for."""
    return [kind for kind in kinds if kind.only in task.name]


def rate_for(task: Task, kind: Kind, rows: dict[str, dict[str, Any]]) -> float | None:
    """Return the learning rate that the search found: highest accuracy, then lowest loss."""
    of = KINDS[kind.rate_of] if kind.rate_of else kind
    keys = [key_of(named_run(task, of, SEARCH_SEED, rate=r, held_out=True)) for r in RATES]
    found = [(rows[k]["accuracy"], -rows[k]["loss"], r) for k, r in zip(keys, RATES, strict=True)
             if k in rows]  # fmt: skip
    return max(found)[2] if len(found) == len(RATES) else None


def networks(folder: Path, rows: Callable[[], dict[str, dict[str, Any]]]) -> Iterator[Job]:
    """Yield searches, then seeds, then controls; quick kinds first. A rate needs its search."""

    def run(task: Task, kind: Kind, seed: int, rate: float | None, mixed: bool) -> dict[str, Any]:
        """Train, of a search (with a *rate*) on three quarters of the training samples."""
        d = task.make(folder, seed)
        if rate is not None:
            return trained(task, kind, held_out(d), rate, seed)
        chosen = rate_for(task, kind, rows())
        if chosen is None:
            raise LookupError("its learning rate is not searched yet")
        row = trained(task, kind, shuffled(d, seed) if mixed else d, chosen, seed)
        return {**row, "rate": chosen}

    quick, slow = ([k for k in KINDS.values() if k.slow is s] for s in (False, True))
    for task in TASKS:
        for kind in asked(quick, task):
            for rate in RATES:
                named = named_run(task, kind, SEARCH_SEED, rate=rate, held_out=True)
                yield named, lambda t=task, k=kind, r=rate: run(t, k, SEARCH_SEED, r, False)  # type: ignore[misc]
    first, last = ([k for k in quick if (k.name == "QLIF") is q] for q in (False, True))
    turns: list[tuple[list[Kind], Iterable[int], bool]] = [
        (first, SEEDS[:3], False),
        (first, CONTROL_SEEDS[:1], True),
        (last, SEEDS[:2], False),
        (first, SEEDS[3:], False),
        (last, CONTROL_SEEDS[:1], True),
        (first, CONTROL_SEEDS[1:], True),
        (last, SEEDS[2:3], False),
        (slow, SEEDS[:2], False),
        (last, SEEDS[3:], False),
        (slow, CONTROL_SEEDS[:1], True),
        (slow, SEEDS[2:], False),
        (last, CONTROL_SEEDS[1:], True),
        (slow, CONTROL_SEEDS[1:], True),
    ]
    for kinds, seeds, mixed in turns:
        for seed in seeds:
            for task in TASKS:
                for kind in asked(kinds, task):
                    named = named_run(task, kind, seed, shuffled=mixed)
                    yield named, lambda t=task, k=kind, s=seed, m=mixed: run(t, k, s, None, m)  # type: ignore[misc]


def work(jobs: list[Job], out: Path) -> None:
    """Do what is not in the file."""
    missing: set[str] = set()
    for named, make in jobs:
        key = key_of(named)
        if key in rows_of(out):
            continue
        start = time.process_time()
        try:
            made = make()
        except (FileNotFoundError, ImportError, LookupError) as error:
            what = f"{named.get('task', named.get('series'))}: left out: {error}"
            if what not in missing:
                print(what, file=sys.stderr)
            missing.add(what)
            continue
        append(out, {"key": key, **named, "seconds": time.process_time() - start, **made})
        values = np.mean(made["accuracy"])
        print(*named.values(), f"{values:.3f}, {time.process_time() - start:.1f} s",
              file=sys.stderr, flush=True)  # fmt: skip


# -- tables --------------------------------------------------------------------------------------


def interval(values: Any) -> str:
    """Return the mean and half of its 95 % interval (t), in per cent."""
    values = 100 * np.asarray(values, float)
    if not len(values):
        return ""
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{values.mean():.1f} ± {half_width(values):.1f}"


def clock_table(rows: list[dict[str, Any]]) -> str:
    """Return the table of series: learners down, series across."""
    found = {(r["series"], r["shuffled"], r["learner"]): r for r in rows if r["section"] == "clock"}
    known = [*clock.LEARNERS, *(clock.SEARCHED.format(bits) for bits in (1, 2, 3, 4))]
    names = [name for name in known if any(name == n for _, _, n in found)]
    head = ("series", "what counts", "parameters", "later samples, %", "best of 10", "learned from",
            f"in the noise of {clock.NOISE}", "shuffled", "CPU seconds")  # fmt: skip
    lines = [markdown(*head, head=True)]
    for series in clock.SERIES:
        for name in names:
            if (row := found.get((series, False, name))) is None:
                continue
            control, said = found.get((series, True, name)), name.replace("1 bits", "1 bit")
            lines.append(markdown(
                series, said, row["parameters"], interval(row["accuracy"]),
                f"{100 * max(row['accuracy']):.1f}", interval(row["train"]),
                interval(row.get("noisy", [])),
                interval(control["accuracy"]) if control else "", f"{row['seconds']:.0f}",
            ))  # fmt: skip
            if "bound" in row:
                bound = f"{100 * row['test_bound']:.1f}"
                lines.append(markdown(series, "no one-bit machine is above", "", bound, "",
                                      f"{100 * row['bound']:.1f}", "", "", ""))  # fmt: skip
    return "\n".join(lines)


def half_width(values: Any) -> float:
    """Return half of the 95 % interval (t) of the mean; of less than two values it is unknown."""
    values = np.asarray(values, float)
    if len(values) < 2:
        return float("inf")
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def verdict(qubits: list[float], bits: list[float]) -> str:
    """Return which of two is ahead, beyond the 95 % intervals of both.

    Examples
    --------
    >>> verdict([0.7, 0.71, 0.7], [0.5, 0.51, 0.5]), verdict([0.7, 0.5], [0.6, 0.5])
    ('qubits', 'level')
    """
    if min(len(qubits), len(bits)) < 2:
        return ""
    lead, wide = np.mean(qubits) - np.mean(bits), half_width(qubits) + half_width(bits)
    return "level" if abs(lead) <= wide else ("qubits" if lead > 0 else "bits")


def short_clock_table(rows: list[dict[str, Any]]) -> str:
    """Return what matters of the series: the clock, and the best of bits."""
    found = {(r["series"], r["shuffled"], r["learner"]): r for r in rows if r["section"] == "clock"}
    head = ("series", "one qubit", f"in the noise of {clock.NOISE}", "no one-bit machine is above",
            "best found of 2 bits", "of 3 bits", "of 4 bits")  # fmt: skip
    lines = [markdown(*head, head=True)]
    for series in clock.SERIES:
        for mixed in (False, True):
            qubit = found.get((series, mixed, "one qubit, clock"))
            bits = [found.get((series, mixed, clock.SEARCHED.format(n))) for n in (1, 2, 3, 4)]
            if qubit is None:
                continue
            two = found.get((series, mixed, "two bits, additive"))
            bests = [max([*(r["accuracy"] if r else []),
                          *(two["accuracy"] if two and n == 2 else [])], default=np.nan)
                     for n, r in enumerate(bits, 1)]  # fmt: skip
            bests[0] = bits[0]["test_bound"] if bits[0] else np.nan
            cells = ["" if np.isnan(b) else f"{100 * b:.1f}" for b in bests]
            name = f"{series}, shuffled" if mixed else series
            noisy = f"{100 * np.mean(qubit['noisy']):.1f}"
            lines.append(markdown(name, interval(qubit["accuracy"]), noisy, *cells))
    return "\n".join(lines)


def short_network_table(rows: list[dict[str, Any]]) -> str:
    """Return a line per task and one per control: kinds across, and who is ahead."""
    kinds = [kind for kind in KINDS.values() if not kind.only]
    head = ["task", *(kind.name for kind in kinds), "ahead with 1, 2, 3"]
    lines = [markdown(*head, head=True)]
    for task in TASKS:
        for mixed in (False, True):
            of = {
                kind.name: [r["accuracy"] for r in rows if r.get("task") == task.name
                            and r["kind"] == kind.name and not r.get("held_out")
                            and r["shuffled"] is mixed]
                for kind in kinds
            }  # fmt: skip
            if not any(of.values()):
                continue
            said = [verdict(of[a], of[b]) for a, b in PAIRS]
            name = f"{task.name}, shuffled" if mixed else task.name
            cells = [interval(v) + (f" ({len(v)})" if len(v) < 10 - 7 * mixed else "") if v else ""
                     for v in of.values()]  # fmt: skip
            lines.append(markdown(name, *cells, ", ".join(filter(None, said))))
    return "\n".join(lines)


def network_table(rows: list[dict[str, Any]]) -> str:
    """Return the table of networks: a row per task and kind."""
    head = ("task", "neurons", "parameters", "hidden", "learning rate", "test, %", "seeds",
            "shuffled", "CPU seconds")  # fmt: skip
    lines = [markdown(*head, head=True)]
    for task in TASKS:
        for kind in KINDS.values():
            mine = [r for r in rows if r.get("task") == task.name and r["kind"] == kind.name
                    and not r.get("held_out")]  # fmt: skip
            own, control = ([r for r in mine if r["shuffled"] is s] for s in (False, True))
            if not own:
                continue
            lines.append(markdown(
                task.name, kind.name, own[0]["parameters"], own[0]["hidden"], own[0]["rate"],
                interval([r["accuracy"] for r in own]), len(own),
                interval([r["accuracy"] for r in control]),
                f"{np.mean([r['seconds'] for r in own]):.1f}",
            ))  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.order", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/order.jsonl"))
    parser.add_argument("--print", action="store_true", help="only the tables of what is there")
    parser.add_argument("--part", default="1/1", help="which of how many shares of the work")
    parser.add_argument("--only", choices=("clock", "network"), help="one section")
    options = parser.parse_args(arguments)
    if not options.print:
        if options.data is None:
            parser.error("--data DIR is needed to train")
        part, parts = map(int, options.part.split("/"))
        jobs = [*clocks(options.data), *networks(options.data, lambda: rows_of(options.out))]
        jobs = [job for job in jobs if options.only in (None, job[0]["section"])]
        work(jobs[part - 1 :: parts], options.out)
    rows = list(rows_of(options.out).values())
    print("A season told unseen: balanced accuracy, mean and 95 % interval over 10 seeds.\n")
    print(short_clock_table(rows), clock_table(rows), sep="\n\n")
    print("\nNetworks: accuracy in one pass, mean and 95 % interval over seeds.\n")
    print(short_network_table(rows), network_table(rows), sep="\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
