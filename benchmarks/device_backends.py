r"""``NoiseModel.from_backend`` against trains that fake backends draw.

``uv run --extra ibm python -m benchmarks.device_backends [--shots N]`` prints, for five fake
backends, two circuits and three random sets of angles and currents of 5 steps, the total variation
between N trains of the fake backend on Aer, with its own noise and its pauses, and the law of a
Population of the native circuit under the noise model; its floor, which is what N trains of that
law itself have on average; and what the law without noise has.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.device_channels import law
from lava_sqs._text import markdown
from lava_sqs.hardware import Device
from lava_sqs.quantum import NoiseModel, ansatz

Array = NDArray[Any]

NAMES = ("FakeBrisbane", "FakeTorino", "FakeMarrakesh", "FakeSherbrooke", "FakeJakartaV2")
CIRCUITS = {"paper": ansatz.paper(), "layered(1, 2)": ansatz.layered(1, 2)}
DRAWS, STEPS = 3, 5


def floor(expected: Array, shots: int, rng: np.random.Generator) -> float:
    """Return the total variation of so many trains of a law from it, on average."""
    draws = rng.multinomial(shots, expected / expected.sum(), 200) / shots
    return float(0.5 * np.abs(draws - expected).sum(axis=1).mean())


def rows(name: str, title: str, shots: int) -> Iterator[tuple[int, float, float, float]]:
    """Yield number, total variation, its floor, and that of no noise, of one fake backend."""
    from qiskit_ibm_runtime import fake_provider

    circuit = CIRCUITS[title]
    device = Device(getattr(fake_provider, name)(), seed=0, progress=False)
    device._trusted[circuit] = "its law is what is compared"
    native, noise = device.native(circuit), device.noise_model(circuit)
    assert noise is not None
    for i in range(DRAWS):
        rng = np.random.default_rng([18, i])
        theta = rng.uniform(-np.pi, np.pi, (1, circuit.n_params))
        currents = rng.uniform(0.1, 0.9, (1, STEPS, 1))
        trains = device.sample(circuit, theta, currents, shots=shots)[0, :, :, 0]
        seen = np.bincount(trains @ (1 << np.arange(STEPS)[::-1]), minlength=2**STEPS) / shots
        ours = law(native, noise, theta, currents)[0]
        blind = law(circuit, NoiseModel(), theta, currents)[0]
        far = [float(0.5 * np.abs(p - seen).sum()) for p in (ours, blind)]
        yield i, far[0], floor(ours, shots, rng), far[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shots", type=int, default=100_000)
    parser.add_argument("--only", choices=NAMES)
    options = parser.parse_args()
    heads = "backend", "circuit", "draw", "total variation", "floor", "ratio", "without noise"
    print(f"{options.shots} trains each\n\n" + markdown(*heads, head=True))
    for name in [options.only] if options.only else NAMES:
        for title in CIRCUITS:
            for i, far, low, blind in rows(name, title, options.shots):
                numbers = f"{far:.5f}", f"{low:.5f}", f"{far / low:.2f}", f"{blind / low:.1f}"
                print(markdown(name, title, str(i + 1), *numbers), flush=True)


if __name__ == "__main__":
    main()
