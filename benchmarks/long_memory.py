r"""One noisy neuron that must say what it heard k steps ago: how many memory qubits does it use?

``uv run python -m benchmarks.long_memory --out FILE`` trains the angles of one visible neuron of 1
to 6 memory qubits, with the noise of a device, on ``s_t = x_{t-k}`` for random bits x, k = 3 and 5,
ten seeds each, and appends one JSON line per training to FILE. What is there is not done again, so
the run may be cut off and repeated; ``--part 1/2`` and ``--part 2/2`` share the work between two
processes. ``--print`` makes the table of FILE and trains nothing.

Training is clamped to the targets, exact scores, Adam; the test is not: the neuron runs free on new
trains of 100 steps, and counts are how often its one spike per step is the bit of k steps ago.

What no memory of n bits or qubits can exceed, however it was trained: averaged over what was
measured, the memory before step t is a channel's image of the one before, and holds at most n bits
about all past inputs together (Holevo), so by data processing

.. math:: \sum_{t=k}^{T-1} I(x_{t-k}; s_t) \le \frac{n}{k} (T - 1),

and by Fano's inequality, concave in the errors, the mean error e over the T - k steps that are
counted has :math:`h(e) \ge 1 - \frac{n}{k} \frac{T - 1}{T - k}`, h the binary entropy. *Solved*,
said before anything was run: above the ceiling of one bit by three standard errors.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from benchmarks.rows import append, key_of, rows_of
from lava_sqs._text import markdown
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import NoiseModel, Population, SpikeTrainScorer, ansatz
from lava_sqs.quantum.ansatz import Ansatz

Array = NDArray[Any]

#: Found on seeds from 100 on, which are not reported.
SETTINGS: dict[str, Any] = {
    "noise": "ibm_torino",
    "steps": 20,
    "batch": 24,
    "updates": 150,
    "rate": 0.05,  # and 0.015 for the last third
    "spread": np.pi / 2,  # of the first angles, uniform
    "test_steps": 100,
    "test_trains": 40,
}
SEEDS = range(10)
#: (circuit, delay, memory qubits), the quick and the ones that matter most first.
POINTS = [
    *[("exchange", k, m) for m in (5, 3, 1, 2, 4) for k in (3, 5)],
    ("layered", 3, 5),
    *[("exchange", k, 6) for k in (3, 5)],
]


def exchange(memory_qubits: int) -> Ansatz:
    """Rotations of every qubit, exchange between the io and each memory qubit, rotations.

    A layer that can swap the io qubit with each memory qubit, partly or in full; where all three
    angles are pi/2 it is :func:`~lava_sqs.quantum.ansatz.delay`, up to rotations.
    """
    qubits, gates = range(memory_qubits + 1), []
    for part in ("in", "out"):
        for q in qubits:
            gates += [("RX", q, f"rx_{part}_q{q}"), ("RZ", q, f"rz_{part}_q{q}")]
        if part == "in":
            pairs = [(name, q) for q in qubits[1:] for name in ("RXX", "RYY", "RZZ")]
            gates += [(name, (0, q), f"{name.lower()}_q{q}") for name, q in pairs]  # type: ignore[misc]
    return ansatz.from_gates(gates, io_qubits=1, memory_qubits=memory_qubits, name="exchange")


def ceiling(bits: int, delay: int, steps: int) -> float:
    """Return the largest accuracy of a memory of *bits* bits or qubits: see the top.

    Examples
    --------
    >>> [round(ceiling(n, 3, 100), 3) for n in (0, 1, 2, 3)]
    [0.5, 0.829, 0.942, 1.0]
    """
    left = 1 - bits / delay * (steps - 1) / (steps - delay)
    if left <= 0:
        return 1.0

    def missing(e: float) -> float:
        return float(-e * np.log2(e) - (1 - e) * np.log2(1 - e)) - left

    return 1 - float(brentq(missing, 1e-12, 0.5)) if left < 1 else 0.5


def trains(rng: np.random.Generator, n: int, steps: int, delay: int) -> tuple[Array, Array]:
    """Return bits (steps, n, 1), as currents, and those of *delay* steps ago, at first 0."""
    x = rng.integers(0, 2, (steps, n, 1))
    return x.astype(float), np.concatenate([np.zeros((delay, n, 1), int), x[:-delay]])


def learn(circuit: Ansatz, delay: int, seed: int, given: dict[str, Any]) -> dict[str, Any]:
    """Train the angles of one neuron; return what it does on new trains, and the seconds."""
    rng = np.random.default_rng(seed)
    spread = given["spread"]
    theta = rng.uniform(-spread, spread, (1, circuit.n_params))
    options: dict[str, Any] = {
        "noise": NoiseModel.preset(given["noise"]),
        "backend": "density",
    }
    adam, steps, n = Optimizer("adam"), given["steps"], given["batch"]
    start, curve = time.process_time(), []
    for update in range(given["updates"]):
        x, target = trains(rng, n, steps, delay)
        logp, d_theta, _ = SpikeTrainScorer(circuit, theta, **options).score(x, target)
        late = update >= given["updates"] * 2 / 3
        rate = given["rate"] * (0.3 if late else 1.0)
        theta = theta + adam.step("theta", d_theta / (n * steps), rate=rate)
        curve.append(float(-logp.mean() / steps))
    seconds = time.process_time() - start
    x, target = trains(rng, given["test_trains"], given["test_steps"], delay)
    neuron = Population(circuit, theta, batch=(x.shape[1],), seed=seed, **options)
    right = (neuron.run(x, record=("spikes",)).spikes == target)[delay:, :, 0]
    each = right.mean(axis=0)
    return {
        "accuracy": float(each.mean()),
        "error": float(each.std(ddof=1) / np.sqrt(len(each))),
        "loss": float(np.mean(curve[-10:])),
        "seconds": seconds,
        "angles": circuit.n_params,
        "theta": theta[0].round(6).tolist(),
    }


def key_of_run(circuit: str, delay: int, qubits: int, seed: int) -> str:
    """Return what a training is known by: its settings count."""
    return key_of([circuit, delay, qubits, seed, SETTINGS])


def print_table(path: Path) -> None:
    """Print how many seeds are solved, and the accuracies, of every point in the file."""
    rows = list(rows_of(path).values())
    head = (
        "circuit",
        "delay",
        "memory qubits",
        "solved",
        "accuracy, %",
        "median",
        "lowest",
        "highest",
    )
    print(markdown(*head, "ceiling of as many qubits", "loss, nats", "CPU seconds", head=True))
    for circuit, delay, m in sorted(POINTS, key=lambda p: (p[0], p[1], p[2])):
        keys = {key_of_run(circuit, delay, m, seed) for seed in SEEDS}
        found = [row for row in rows if row["key"] in keys]
        if not found:
            continue
        steps = SETTINGS["test_steps"]
        least = ceiling(1, delay, steps)
        solved = sum(row["accuracy"] - 3 * row["error"] > least for row in found)
        a = 100 * np.array([row["accuracy"] for row in found])
        loss, seconds = (np.median([row[name] for row in found]) for name in ("loss", "seconds"))
        of = "" if len(found) == len(SEEDS) else f" ({len(found)} run)"
        print(markdown(circuit, str(delay), str(m), f"{solved} of {len(SEEDS)}{of}",
                       f"{a.mean():.1f} ± {a.std(ddof=1) if len(a) > 1 else 0:.1f}",
                       f"{np.median(a):.1f}", f"{a.min():.1f}", f"{a.max():.1f}",
                       f"{100 * ceiling(m, delay, steps):.1f}",
                       f"{loss:.3f}", f"{seconds:.1f}"))  # fmt: skip
    ceilings = ", ".join(f"k = {k}: {100 * ceiling(1, k, 100):.1f} %" for k in (3, 5))
    print(f"\nsolved: accuracy above the ceiling of one bit ({ceilings}) by 3 standard errors")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_memory")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/long_memory.jsonl"))
    parser.add_argument("--print", action="store_true", help="only the table of what is there")
    parser.add_argument("--part", default="1/1", help="which of how many shares of the work")
    parser.add_argument("--most-qubits", type=int, default=6)
    options = parser.parse_args()
    if not options.print:
        part, parts = map(int, options.part.split("/"))
        jobs = [(*point, seed) for point in POINTS for seed in SEEDS]
        for circuit, delay, m, seed in jobs[part - 1 :: parts]:
            key = key_of_run(circuit, delay, m, seed)
            if m > options.most_qubits or key in rows_of(options.out):
                continue
            made = exchange(m) if circuit == "exchange" else ansatz.layered(1, m)
            row = {"key": key, "circuit": circuit, "delay": delay, "memory_qubits": m, "seed": seed}
            row |= learn(made, delay, seed, SETTINGS)
            append(options.out, row)
            print(
                f"{circuit} k={delay} N_M={m} seed {seed}: {row['accuracy']:.3f}, "
                f"{row['seconds']:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    print_table(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
