r"""Counting modulo p learned from sampled spikes: how far a neuron gets that only sees its own.

``uv run python -m benchmarks.modp_sampled --out FILE`` appends one JSON line per finished row to
FILE and prints the table; what is there is not done again. ``--print`` only prints.

As in :mod:`benchmarks.modp`, but for the gradient: the neuron counts, is asked and answers by a
spike, and is told whether it was right, r = 1 or 0. The local three-factor rule

.. math:: \Delta\theta \propto (r - \bar r) \sum_t \partial_\theta \log p(s_t \mid s_{<t})

has the exact score of its own train as eligibility, and the mean of the others' r in the batch as
baseline. Its mean is the gradient of the expected accuracy that :mod:`benchmarks.modp` climbs.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.modp import (
    LEARNERS,
    PRIMES,
    accuracy,
    currents,
    drawn_counts,
    limit,
    longest,
    one_bit,
    weights,
)
from benchmarks.order import interval
from benchmarks.rows import append, key_of, rows_of
from lava_sqs import Population
from lava_sqs._text import markdown
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import Ansatz, SpikeTrainScorer

Array = NDArray[Any]

CIRCUITS = ("counter", "layered, 2 layers")
SETTINGS = {"seeds": 10, "updates": 600, "batch": 64, "rate": 0.05}


def told(
    circuit: Ansatz, theta: Array, p: int, n: int, batch: int, rng: np.random.Generator
) -> Array:
    """Return the local rule's step (K, P) of neurons that count and answer *batch* times each.

    Examples
    --------
    >>> from benchmarks.modp import counter
    >>> told(counter(), np.ones((2, 1)), 3, 6, 4, np.random.default_rng(0)).shape
    (2, 1)
    """
    counts = drawn_counts(p, n, batch, rng)
    z = np.repeat(currents(counts, n)[:, :, None], len(theta), axis=2)
    pop = Population(circuit, theta, batch=(batch,), seed=int(rng.integers(2**31)))
    spikes = pop.run(z).spikes  # (T, B, K, 2)
    right = spikes[counts, np.arange(batch), :, 0] == (counts % p != 0)[:, None]
    others = (right.sum(axis=0) - right) / (batch - 1)
    lasts = np.arange(n + 1)[:, None] <= counts  # nothing counts after the answer
    signal = lasts[..., None] * (right - others)
    _, d_theta, _ = SpikeTrainScorer(circuit, theta).score(z, spikes, signal=signal)
    return d_theta / batch


def learn(name: str, p: int, n: int, given: dict[str, Any]) -> list[float]:
    """Return the exact accuracies of angles that learned from sampled spikes, one per seed."""
    circuit, updates = LEARNERS[name](), given["updates"]
    starts = [np.random.default_rng(s).uniform(-np.pi, np.pi, circuit.n_params)
              for s in range(given["seeds"])]  # fmt: skip
    theta, adam, rng = np.array(starts), Optimizer("adam"), np.random.default_rng(1)
    for i in range(updates):
        now = min(n, p * (1 + int(1.5 * i / updates * (n / p - 1))))
        step = told(circuit, theta, p, now, given["batch"], rng)
        cooled = given["rate"] * 0.5 * (1 + np.cos(np.pi * i / updates))
        theta = theta + adam.step("theta", step, rate=cooled)
    return [float(x) for x in accuracy(circuit, theta, p, n, None)]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the accuracies, and how many seeds are above every one-bit machine."""
    head = ("p", "circuit", "accuracy, %", "best", "above one bit", "within 2 % of the qubit",
            "CPU seconds")  # fmt: skip
    lines = [markdown(*head, head=True)]
    for r in sorted(rows, key=lambda r: (r["p"], CIRCUITS.index(r["circuit"]))):
        values, of = np.array(r["accuracy"]), len(r["accuracy"])
        bound = one_bit(weights(r["p"], r["n"]))[0]
        lines.append(markdown(
            r["p"], r["circuit"], interval(values), f"{100 * values.max():.1f}",
            f"{(values > bound + 1e-6).sum()} of {of}",
            f"{(values > limit(r['p']) - 0.02).sum()} of {of}", f"{r['seconds']:.0f}",
        ))  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.modp_sampled", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/modp_sampled.jsonl"))
    parser.add_argument("--print", action="store_true", help="only the table of what is there")
    parser.add_argument("--updates", type=int, default=SETTINGS["updates"])
    options = parser.parse_args(arguments)
    given = {**SETTINGS, "updates": options.updates}
    for p in () if options.print else PRIMES:
        for name in CIRCUITS:
            named = {"p": p, "n": longest(p), "circuit": name, **given}
            key = key_of(named)
            if key in rows_of(options.out):
                continue
            start = time.process_time()
            found = learn(name, p, longest(p), given)
            seconds = time.process_time() - start
            append(options.out, {"key": key, **named, "accuracy": found, "seconds": seconds})
    print(table(list(rows_of(options.out).values())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
