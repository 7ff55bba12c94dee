"""A network trained offline, on simulators of quantum computers, and how quick those are.

``uv run --extra ibm python -m benchmarks.device --data DIR [--seeds N] [--out FILE]``

DIR holds usps.npz. The network is 256-2-2 on USPS, 1 vs 7. Each seed trains one, offline and
without noise, and answers the test samples in four places: offline; on Aer without noise; under the
noise model of a fake backend in the ordinary engines, with the circuits of its own gates (what the
noise study predicts); on the fake backend itself, by Aer's own model of it. Intervals are those of
paired differences of accuracy over test samples. ``--only speed`` times Aer.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import SQSNN, ansatz
from lava_sqs._text import markdown
from lava_sqs.data import load_usps
from lava_sqs.hardware import Device, report, twin

Array = NDArray[Any]

SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (2,),
    "skip": False,
    "neurons_per_class": 1,
    "n_steps": 10,
    "updates": 600,
    "input_kind": "static",
}
#: Fake backends and qubits; of the first of the last pair every sixth readout is wrong.
PLACES: dict[str, tuple[str, Any]] = {
    "FakeTorino": ("FakeTorino", "best"),
    "FakeManilaV2": ("FakeManilaV2", "best"),
    "FakeTorino, qubits 0, 1": ("FakeTorino", (0, 1)),
}
SHAPE = 2000, 12, 8  # sets, steps, distinct neurons of the timing


def right(clf: Any, x: Array, y: Array, repeats: int, **how: Any) -> Array:
    """Return which answers are right, (repeats, n)."""
    said = [clf.predict(x, seed=clf.seed_ + 1000 * k, **how) for k in range(repeats)]
    return np.array(said) == y


def difference(a: Array, b: Array) -> tuple[float, float]:
    """Return the mean of paired differences over samples, and half its 95 % interval, in %."""
    each = 100 * (a.astype(float) - b.astype(float)).reshape(-1, a.shape[-1]).mean(axis=0)
    return float(each.mean()), float(1.96 * each.std(ddof=1) / np.sqrt(len(each)))


def accuracy(data: Path, seeds: int, repeats: int) -> list[dict[str, Any]]:
    from qiskit_aer import AerSimulator
    from qiskit_ibm_runtime import fake_provider

    d = load_usps(data / "usps.npz").classes(1, 7)
    fakes = {
        title: Device(getattr(fake_provider, name)(), qubits=qubits, seed=0)
        for title, (name, qubits) in PLACES.items()
    }
    rows = []
    for seed in range(seeds):
        clf = SQSNN(**SETTINGS, random_state=seed).fit(d.x_train, d.y_train)
        places = {
            "offline": right(clf, d.x_test, d.y_test, repeats),
            "Aer, no noise": right(
                clf, d.x_test, d.y_test, repeats, runtime=Device(AerSimulator(), seed=seed)
            ),
        }
        for name, fake in fakes.items():
            places[f"noise model of {name}"] = right(twin(clf, fake), d.x_test, d.y_test, repeats)
            places[name] = right(clf, d.x_test, d.y_test, repeats, runtime=fake)
        rows.append({"seed": seed, **{k: v.astype(int).tolist() for k, v in places.items()}})
        print(seed, {k: round(100 * float(v.mean()), 2) for k, v in places.items()}, flush=True)
    for fake in fakes.values():
        print(report(clf, fake, n_samples=len(d.x_test)), flush=True)
    return rows


def tell(rows: list[dict[str, Any]]) -> None:
    names = [key for key in rows[0] if key != "seed"]
    found = {name: np.array([row[name] for row in rows]) for name in names}
    print(markdown("where", "accuracy, %", "over seeds", "less than offline, %", head=True))
    for name, hits in found.items():
        each = 100 * hits.mean(axis=(1, 2))
        less, half = difference(found["offline"], hits)
        lost = "" if name == "offline" else f"{less:.2f} ± {half:.2f}"
        print(markdown(name, f"{each.mean():.1f}", f"{each.min():.1f} to {each.max():.1f}", lost))
    for name in PLACES:
        less, half = difference(found[f"noise model of {name}"], found[name])
        print(f"\n{name} less than its noise model predicts: {less:.2f} ± {half:.2f} %")


def speed(repeats: int = 3) -> None:
    from qiskit_aer import AerSimulator
    from qiskit_aer.primitives import SamplerV2

    sets, steps, neurons = SHAPE
    rng = np.random.default_rng(0)
    print(markdown("circuit", "way", "neuron-steps per s", head=True))
    for circuit in (ansatz.paper(), ansatz.layered(), ansatz.layered(1, 2)):
        theta = rng.uniform(-3, 3, (neurons, circuit.n_params)).repeat(sets // neurons, axis=0)
        currents = rng.uniform(-0.5, 1, (sets, steps, 1))
        for way, target in (("Device(AerSimulator())", AerSimulator()), ("SamplerV2", SamplerV2())):
            device = Device(target, seed=0)
            device.sample(circuit, theta[:8], currents[:8])
            times = []
            for _ in range(repeats):
                began = time.perf_counter()
                device.sample(circuit, theta, currents)
                times.append(time.perf_counter() - began)
            rate = sets * steps / float(np.median(times))
            best = sets * steps / min(times)
            name = f"{circuit.name}({circuit.io_qubits}, {circuit.memory_qubits})"
            print(markdown(name, way, f"{rate:.2g} (best {best:.2g})"), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3, help="passes over the test samples")
    parser.add_argument("--only", choices=("accuracy", "speed"))
    parser.add_argument("--out", type=Path, help="JSON of every answer")
    options = parser.parse_args()
    if options.only != "speed":
        if options.data is None:
            parser.error("--data DIR: where is usps.npz?")
        rows = accuracy(options.data, options.seeds, options.repeats)
        if options.out is not None:
            options.out.write_text(json.dumps(rows))
        tell(rows)
    if options.only != "accuracy":
        speed()


if __name__ == "__main__":
    main()
