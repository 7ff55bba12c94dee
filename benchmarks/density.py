"""Exact noisy neurons with large memories: ours, with and without all gradients, beside Aer.

``uv run python -m benchmarks.density [--memory-qubits 4 5 6 7 8]``

One neuron, one sample, time step after time step. Aer runs its density matrix for one shot, and
knows neither the likelihood nor a gradient; of it counts the CPU time of a run or what its own
clock says, with or without the fusion of gates, whichever is least. Without qiskit-aer the ratios
are left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import peers
from lava_sqs._text import markdown
from lava_sqs.quantum import OnlineScores, Population, SpikeTrainScorer, ansatz
from lava_sqs.quantum.density import compile_density

#: Steps of a train, by memory qubits.
STEPS = {4: 50, 5: 20, 6: 10, 7: 5, 8: 3}


def ours(m: int, steps: int) -> dict[str, Callable[[], Any]]:
    """Return calls that take *steps* time steps of a neuron with m memory qubits."""
    rng = np.random.default_rng(m)
    circuit = ansatz.layered(1, m)
    theta = rng.uniform(-np.pi, np.pi, (1, circuit.n_params))
    z, s = rng.uniform(0.1, 1, (steps, 1)), rng.integers(0, 2, (steps, 1))
    pop = Population(circuit, theta, noise=peers.NOISE, seed=1, backend="density")
    scorer = SpikeTrainScorer(circuit, theta, noise=peers.NOISE, backend="density")
    online = OnlineScores(compile_density(circuit, peers.NOISE), theta, size=1)

    def carry() -> None:
        for t in range(steps):
            online.step(z[t][:, None], s[t][:, None])

    return {
        "forward": lambda: pop.run(z, record=("log_likelihood",)),
        "all gradients": lambda: scorer.score(z, s),
        "online scores": carry,
    }


def aer(m: int, steps: int) -> Callable[[], float] | None:
    """Return a call that says how many seconds *steps* time steps took in Aer."""
    circuit = ansatz.layered(1, m)
    theta = np.random.default_rng(m).uniform(-np.pi, np.pi, circuit.n_params)
    try:
        shots = [
            peers.aer_shot(circuit, theta, peers.NOISE, steps, "density_matrix", fusion)
            for fusion in (False, True)
        ]
    except ImportError:
        return None

    def run() -> float:
        seconds = []
        for shot in shots:
            start = time.process_time()
            inside = shot().results[0].time_taken
            seconds.append(min(time.process_time() - start, inside))
        return min(seconds)

    return run


def measured(m: int, repeats: int = 5) -> dict[str, float]:
    """Return milliseconds per time step, medians of interleaved repeats."""
    works, other = ours(m, STEPS[m]), aer(m, STEPS[m])
    seen: dict[str, list[float]] = {}
    for _ in range(repeats + 1):
        for name, work in works.items():
            start = time.process_time()
            work()
            seen.setdefault(name, []).append(time.process_time() - start)
        if other is not None:
            seen.setdefault("Aer", []).append(other())
    return {name: 1e3 * float(np.median(x[1:])) / STEPS[m] for name, x in seen.items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.density", description=__doc__)
    parser.add_argument("--memory-qubits", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    head = ("memory qubits", "forward, ms", "all gradients", "online", "Aer", "Aer / forward")
    print(markdown(*head, "Aer / gradients", head=True), flush=True)
    for m in options.memory_qubits:
        found = measured(m, options.repeats)
        row = [f"{found[name]:.3g}" for name in ("forward", "all gradients", "online scores")]
        if "Aer" in found:
            row.append(f"{found['Aer']:.3g}")
            row += [f"{found['Aer'] / found[n]:.3g}" for n in ("forward", "all gradients")]
        print(markdown(str(m), *row, *[""] * (6 - len(row))), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"largest memory of this process: {peak:.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
