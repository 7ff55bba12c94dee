r"""A series goes dark: a network that must find its phase itself, of qubits and of bits.

``uv run --with statsmodels python -m benchmarks.dark --data DIR --out FILE`` trains what is not in
FILE yet; ``--print`` makes the table of FILE. DIR holds santafe_laser.npz; the other two series
come with statsmodels.

A sample is a window that begins anywhere. Spikes say what of the series is seen: one wherever it
rises above its middle, on a channel of its own. Then it is dark, for a number of steps that differs
from sample to sample, and nothing is said but that steps pass; in the last step the network is
asked whether the series is now above its middle. Only what it says then counts.

The network is an :class:`~lava_sqs.SQSNN` without a hidden layer: five neurons per class with three
io channels (step, query, rise), each wired to its input. Angles learn from the network's own
spikes, by the same local rule for every kind, and first from short darkness: of eight starts the
one that is best on training samples after forty updates is kept. LIF neurons have one channel, and
so random weights that learn, and sixteen neurons in a hidden layer. The test is on later samples.
Control: the answers belong to dark times in one other order, in training and test.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clock import co2_above, laser_values, nino_above
from benchmarks.order import interval
from benchmarks.rows import append, key_of, rows_of
from lava_sqs import SQSNN, ansatz
from lava_sqs._text import markdown
from lava_sqs.quantum import Ansatz

Array = NDArray[Any]

SEEDS, CONTROL_SEEDS = range(10), range(3)
SETTINGS: dict[str, Any] = {"starts": 8, "first": 40, "updates": 240, "rate": 0.03,
                            "per_class": 5, "temperature": 2.0,
                            "judged": 2000}  # fmt: skip
STILL = 1e-12  # a rate at which nothing moves
#: Share of the longest darkness that is learned from, part by part.
GROWS = (0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Series:
    """Whether a series is above its middle, how much is learned from, steps seen and dark."""

    above: Array
    cut: int
    seen: int
    dark: int

    @property
    def rises(self) -> Array:
        rises = np.zeros(len(self.above), bool)
        rises[1:] = self.above[1:] & ~self.above[:-1]
        return rises


def laser(folder: Path) -> Series:
    values, middle, cut = laser_values(folder)
    return Series(values > middle, cut, 16, 36)


SERIES: dict[str, Callable[[Path], Series]] = {
    "El Nino": lambda folder: Series(*nino_above(folder), 24, 48),
    "laser": laser,
    "CO2": lambda folder: Series(*co2_above(folder)[:2], 104, 104),
}


def margolus(outer: int, inner: int, target: int) -> list[Any]:
    """Return a Toffoli gate but for a sign, which target gets where inner is 1 and outer is 0."""
    quarter = np.pi / 4
    turn, back = ("RY", target, quarter), ("RY", target, -quarter)
    return [turn, ("CX", (outer, target)), turn, ("CX", (inner, target)), back,
            ("CX", (outer, target)), back]  # fmt: skip


def finder() -> Ansatz:
    """Return a clock that a spike resets: io qubits step, query and rise, one memory qubit.

    First :func:`benchmarks.clock.clock`. Then the qubit of the query, which is 0 where there is a
    rise, copies the memory, turns it to 0 if there is one, and is uncopied.
    """
    step, query, rise, memory = range(4)
    gates: list[Any] = [("CRX", (step, memory), "turn"), ("CRX", (query, memory), "phase")]
    gates += margolus(memory, query, step)
    gates += [("CX", (memory, query)), *margolus(query, rise, memory), ("CX", (memory, query))]
    return ansatz.from_gates(gates, io_qubits=3, memory_qubits=1, name="finder")


def bits(n: int, table: str) -> dict[str, Any]:
    return {"neuron": "classical", "ansatz": ansatz.classical_memory(3, n, table=table)}


KINDS: dict[str, dict[str, Any]] = {
    "SQS, 1 qubit, clock with reset": {"ansatz": finder()},
    "1 bit, additive table": bits(1, "additive"),
    "LIF, 16 hidden": {"neuron": "lif", "hidden_layer_sizes": (16,)},
    "2 bits, additive table": bits(2, "additive"),
    "1 bit, full table": bits(1, "full"),
    "SQS, 1 qubit, layered, 2 layers": {"ansatz": ansatz.layered(3, 1, layers=2)},
}


# -- samples -------------------------------------------------------------------------------------


def order_of(series: Series, mixed: bool) -> Array:
    """Return which dark time's answer is right after each dark time (index 0 is unused)."""
    order = np.arange(series.dark + 1)
    if mixed:
        order[1:] = np.random.default_rng(0).permutation(order[1:])
    return order


def drawn(
    series: Series,
    test: bool,
    n: int,
    rng: np.random.Generator,
    most: float = 1.0,
    mixed: bool = False,
) -> tuple[Array, Array, Array]:
    """Return spikes (n, T, 3), answers (n,) and lengths (n,) of windows drawn at random.

    The channels are step, query and rise; *most* is a share of the longest darkness.
    """  # fmt: skip
    first, last = (series.cut, len(series.above)) if test else (0, series.cut)
    begin = rng.integers(first + 1, last - series.seen - series.dark, n)
    dark = rng.integers(1, max(1, int(most * series.dark)) + 1, n)
    x = np.zeros((n, series.seen + series.dark, 3))
    t = np.arange(x.shape[1])
    asked = series.seen + dark[:, None] - 1
    x[..., 0], x[..., 1] = t < asked, t == asked
    x[:, : series.seen, 2] = series.rises[begin[:, None] + t[: series.seen]]
    x[:, : series.seen, 2] *= (t < asked)[:, : series.seen]  # nothing rises while it is asked
    y = series.above[begin + series.seen - 1 + order_of(series, mixed)[dark]].astype(int)
    return x, y, series.seen + dark


def balanced(y: Array, said: Array) -> float:
    return float(np.mean([(said[y == c] == c).mean() for c in (0, 1)]))


def oracle(series: Series, test: bool) -> float:
    """Return the best accuracy of machines of one bit that are told their state when it gets dark.

    For every window the state is the one that is right most often in it, which is more than any
    machine can know. The rest is T^n and the answer in each state: all tables, by a grid.
    """
    first, last = (series.cut, len(series.above)) if test else (0, series.cut)
    begin = np.arange(first + 1, last - series.seen - series.dark)
    y = series.above[begin[:, None] + series.seen - 1 + np.arange(1, series.dark + 1)]
    w = np.where(y, 0.5 / y.sum(), -0.5 / (~y).sum())
    n, best = np.arange(1, series.dark + 1), 0.5
    for up in np.linspace(0, 1, 51):
        for down in np.linspace(0, 1, 51):
            rest = up / (up + down) if up + down else 0.0
            left = (1 - up - down) ** n
            ones = [rest * (1 - left), rest + (1 - rest) * left]  # from state 0 and from 1
            one, two = (w @ p for p in ones)
            zero = w.sum(axis=1)
            yes, no = np.maximum(one, two).sum(), np.maximum(zero - one, zero - two).sum()
            best = max(best, 0.5 + yes, 0.5 + no)
    return float(best)


# -- learning ------------------------------------------------------------------------------------


def begun(series: Series, kind: str, seed: int, start: int, mixed: bool) -> SQSNN:
    """Return a network at its start: wired one to one, angles drawn."""
    given, k = SETTINGS, SETTINGS["per_class"]
    own = {"hidden_layer_sizes": (), **KINDS[kind]}
    net = SQSNN(input_kind="spikes", neurons_per_class=k, readout_from=0.999, updates=1,
                learning_rate=STILL, angle_learning_rate=STILL, schedule="constant",
                temperature=given["temperature"], warm_start=True, random_state=100 * seed + start,
                **own)  # fmt: skip
    x, y, lengths = drawn(series, False, 64, np.random.default_rng((seed, 5)), 0.2, mixed)
    net.fit(x, y, lengths=lengths)
    rng, p = np.random.default_rng((seed, start, 6)), net.parameters_["visible"]
    if net.hidden_layer_sizes:
        return net
    for weights in p.weights.values():
        weights[:] = np.tile(np.eye(3), (2 * k, 1))
    p.bias[:] = 0
    if "clock" in kind:
        p.angles[:, 0] = 2 * np.pi / np.exp(rng.uniform(np.log(3), np.log(series.seen)))
        p.angles[:, 1] = rng.uniform(-np.pi, np.pi) + np.pi * (np.arange(2 * k) < k)
    else:
        p.angles[:] = rng.normal(0, 1.5, p.angles.shape)
    return net


def taught(
    net: SQSNN,
    series: Series,
    parts: tuple[float, ...],
    updates: int,
    fall: bool,
    rng: np.random.Generator,
    mixed: bool,
) -> SQSNN:
    """Teach a network with new samples in every part, at a rate that may fall."""  # fmt: skip
    each = updates // len(parts)
    for i, most in enumerate(parts):
        cooled = 0.5 * (1 + np.cos(np.pi * i / len(parts))) if fall else 1.0
        rate = SETTINGS["rate"] * cooled
        wires = rate if net.hidden_layer_sizes else STILL
        net.set_params(updates=each, learning_rate=wires, angle_learning_rate=rate)
        x, y, lengths = drawn(series, False, 32 * each, rng, most, mixed)
        net.fit(x, y, lengths=lengths)
    return net


def trained(series: Series, kind: str, seed: int, mixed: bool) -> dict[str, Any]:
    """Train one network, and judge it on later samples."""
    begin, rng = time.process_time(), np.random.default_rng((seed, 7))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence: the number of updates is given
        given = SETTINGS
        nets = [
            taught(begun(series, kind, seed, start, mixed), series, (0.1, 0.2), given["first"],
                   False, rng, mixed)
            for start in range(given["starts"])
        ]  # fmt: skip
        x, y, lengths = drawn(series, False, 512, rng, 0.3, mixed)
        net = max(nets, key=lambda net: balanced(y, net.predict(x, lengths=lengths)))
        taught(net, series, GROWS, given["updates"], True, rng, mixed)
    found = {}
    for name, test in (("train", False), ("accuracy", True)):
        x, y, lengths = drawn(series, test, given["judged"], np.random.default_rng((seed, 8, test)),
                              mixed=mixed)  # fmt: skip
        found[name] = balanced(y, net.predict(x, lengths=lengths))
    return {**found, "parameters": net.n_parameters_, "seconds": time.process_time() - begin}


# -- rows ----------------------------------------------------------------------------------------


def planned() -> list[dict[str, Any]]:
    """Return what there is to do, seed by seed; what takes longest comes at the end."""
    kinds, series = list(KINDS), list(SERIES)
    quick, slow, short, long = kinds[:3], kinds[3:], series[:2], series[2:]
    turns = [(quick, short, SEEDS[:5], False), (quick, short, CONTROL_SEEDS[:1], True),
             (quick, short, SEEDS[5:], False), (quick, long, SEEDS[:3], False),
             (quick, short, CONTROL_SEEDS[1:], True), (slow[:1], short, SEEDS[:3], False),
             (quick, long, SEEDS[3:], False), (quick, long, CONTROL_SEEDS, True),
             (slow[:1], short, SEEDS[3:], False), (slow[:1], long, SEEDS, False),
             (slow[1:], series, SEEDS, False), (slow, series, CONTROL_SEEDS, True)]  # fmt: skip
    return [
        {"series": name, "kind": kind, "seed": seed, "shuffled": mixed, **SETTINGS}
        for asked, names, seeds, mixed in turns
        for seed in seeds
        for name in names
        for kind in asked
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the table: series and kinds down."""
    head = ("series", "neurons", "parameters", "later samples, %", "seeds", "learned from",
            "shuffled", "CPU seconds")  # fmt: skip
    lines = [markdown(*head, head=True)]
    for series in SERIES:
        for kind in KINDS:
            mine = [r for r in rows if (r["series"], r.get("kind")) == (series, kind)]
            own, control = ([r for r in mine if r["shuffled"] is s] for s in (False, True))
            if own:
                lines.append(markdown(
                    series, kind, own[0]["parameters"], interval([r["accuracy"] for r in own]),
                    len(own), interval([r["train"] for r in own]),
                    interval([r["accuracy"] for r in control]),
                    f"{np.mean([r['seconds'] for r in own]):.0f}",
                ))  # fmt: skip
        for r in rows:
            if r["series"] == series and "oracle" in r:
                lines.append(markdown(series, "no single neuron of one bit is above", "",
                                      f"{100 * r['oracle']:.1f}", "", "", "", ""))  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dark", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/dark.jsonl"))
    parser.add_argument("--print", action="store_true", help="only the table of what is there")
    options = parser.parse_args(arguments)
    if not options.print and options.data is None:
        parser.error("--data DIR is needed to train")
    bounds = [{"series": series, "bound": "one bit"} for series in SERIES]
    for named in () if options.print else [*bounds, *planned()]:
        key = key_of(named)
        if key in rows_of(options.out):
            continue
        series = SERIES[named["series"]](options.data)
        if "bound" in named:
            made: dict[str, Any] = {"oracle": oracle(series, True)}
        else:
            made = trained(series, named["kind"], named["seed"], named["shuffled"])
        append(options.out, {"key": key, **named, **made})
        print(*list(named.values())[:4], made, file=sys.stderr, flush=True)
    print(table(list(rows_of(options.out).values())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
