"""A noise model fitted to spike trains: are its intervals right, and does it foretell other trains?

``uv run python -m benchmarks.calibration`` fits simulated devices whose numbers are known, one per
seed, and counts how often the 95 % intervals hold them; then, with Qiskit Aer, it fits trains of a
fake backend and compares models by the likelihood of other trains (``--only coverage``, ``--only
aer``).
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import NoiseModel, Population, ansatz
from lava_sqs._intervals import normal_quantile, wilson
from lava_sqs._text import markdown

Array = NDArray[Any]

#: A device between those of the presets, where no number is on a bound.
TRUE = NoiseModel.preset("ibm_torino").replace(
    t1=80e-6, t2=60e-6, p_read1_given0=0.02, p_read0_given1=0.05, p_depol_2q=0.02
)
FREE = ("t1", "t2", "p_read1_given0", "p_read0_given1", "p_depol_2q")
STEPS = 10
#: Pairs of FakeTorino: the best, the one in the middle, and one that nine in ten are better than.
PAIRS = [(87, 88), (8, 7), (105, 112)]


def recorded(
    noise: NoiseModel, seed: int, samples: int, neurons: int = 10
) -> tuple[Any, Array, Array, Array]:
    """Return circuit, angles, trains and currents of neurons of a simulated device."""
    circuit, rng = ansatz.layered(), np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, (neurons, circuit.n_params))
    currents = rng.random((STEPS, samples, neurons))
    device = Population(circuit, theta, batch=(samples,), noise=noise, seed=seed)
    trains = device.run(currents, record=("spikes",)).spikes
    return circuit, theta, trains.swapaxes(0, 1), currents.swapaxes(0, 1)


def covered(
    seeds: range, samples: int = 500, *, method: str = "wald", noise: NoiseModel = TRUE
) -> tuple[Array, Array]:
    """Return whether each interval held the number, (seeds, 5), and CPU seconds of each fit."""
    held, seconds = [], []
    for seed in seeds:
        circuit, theta, trains, currents = recorded(noise, seed, samples)
        start = time.process_time()
        fit = NoiseModel.fit(
            trains,
            currents,
            ansatz=circuit,
            theta=theta,
            start=NoiseModel.preset("ibm_torino"),
            free=FREE,
        )
        seconds.append(time.process_time() - start)
        intervals = fit.intervals(method=method)
        held.append([low <= getattr(noise, k) <= high for k, (low, high) in intervals.items()])
    return np.array(held), np.array(seconds)


def print_coverage(seeds: int, method: str) -> None:
    """Print how often intervals held what they should."""
    samples = 1000
    held, seconds = covered(range(seeds), samples, method=method)
    print(
        f"{seeds} simulated devices, {10 * samples} trains of {STEPS} steps each, "
        f"{np.median(seconds):.1f} s a fit (CPU, median; at most {seconds.max():.1f}); "
        f"{method} intervals of 95 %:\n"
    )
    print(markdown("number", "held by", "95 % of that", head=True))
    for name, column in zip((*FREE, "all"), (*held.T, held.ravel()), strict=True):
        share = float(column.mean())
        n = len(column) if name != "all" else seeds  # fits are independent, numbers of one are not
        low, high = wilson(share, n, normal_quantile(0.95))
        print(markdown(f"`{name}`", f"{100 * share:.1f} %", f"{100 * low:.1f} to {100 * high:.1f}"))


def per_step(model: NoiseModel, data: Any, circuit: Any) -> Array:
    """Return log-likelihood per step of each train."""
    trains, currents, theta = data
    each = model.log_likelihood(trains, currents, ansatz=circuit, theta=theta)
    return np.asarray(each / trains.shape[1]).ravel()


def print_aer(shots: int, pairs: list[tuple[int, int]]) -> None:
    """Print how likely other trains of a fake backend are under several models."""
    from qiskit_ibm_runtime.fake_provider import FakeTorino

    from lava_sqs.hardware import Device, isa

    backend, circuit, K = FakeTorino(), ansatz.paper(), 8
    rng = np.random.default_rng(0)
    theta = rng.uniform(-np.pi, np.pi, (K, circuit.n_params))
    currents = rng.random((K, STEPS, 1))
    print(markdown("qubits", "model", "nats per step", "above the medians", head=True))
    for qubits in pairs:
        device = Device(backend, qubits=qubits, progress=False)
        both = []
        for seed in (1, 2):
            spikes = device.sample(circuit, theta, currents, shots=shots, seed=seed)
            both.append((spikes[..., 0].transpose(1, 2, 0), currents[..., 0].T, theta))
        native = isa(circuit, backend, qubits)
        medians = NoiseModel.preset("ibm_torino")
        told = NoiseModel.from_backend(backend, qubits, ansatz=circuit)
        models: dict[str, tuple[NoiseModel, Any]] = {
            "medians of the preset": (medians, circuit),
            "medians of the preset, native circuit": (medians, native),
            "what the backend says": (told, native),
        }
        for name, chosen, start in (
            ("fitted from the medians", circuit, medians),
            ("fitted from the medians, native circuit", native, medians),
        ):
            fit = NoiseModel.fit(*both[0][:2], theta=theta, ansatz=chosen, start=start, free=FREE)
            models[name] = fit.model, chosen
        base = per_step(medians, both[1], circuit)
        for name, (model, chosen) in models.items():
            own = per_step(model, both[1], chosen)
            gain, error = (own - base).mean(), (own - base).std() / np.sqrt(len(own))
            print(
                markdown(
                    str(qubits), name, f"{own.mean():.5f}", f"{1e3 * gain:.2f} ± {2e3 * error:.2f}"
                    " e-3",
                )
            )  # fmt: skip


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=("coverage", "aer"), help="leave the other out")
    parser.add_argument("--seeds", type=int, default=200, help="simulated devices (default: 200)")
    parser.add_argument("--method", choices=("wald", "profile"), default="wald")
    parser.add_argument("--shots", type=int, default=5000, help="trains per neuron, on Aer")
    args = parser.parse_args()
    if args.only != "aer":
        print_coverage(args.seeds, args.method)
    if args.only != "coverage":
        print()
        print_aer(args.shots, PAIRS)


if __name__ == "__main__":
    main()
