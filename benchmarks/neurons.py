"""Rates, sizes and build times of neurons outside Lava, beside those of their peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.timing import Timing, Work, interleaved, reading, summary
from lava_sqs.quantum import NoiseModel, Population, SpikeTrainScorer, ansatz
from lava_sqs.quantum.ansatz import Ansatz

Row = dict[str, Any]


def angles(circuit: Ansatz, k: int) -> Any:
    return np.random.default_rng(0).uniform(-np.pi, np.pi, (k, circuit.n_params))


def stepping(
    size: tuple[int, int],
    k: int,
    *,
    noise: NoiseModel | None = peers.NOISE,
    dtype: Any = np.float32,
    shared: bool = False,
    backend: str | None = "instrument",
) -> tuple[Work, int, Population]:
    """Return a call that makes one `Population.step` of *k* neurons."""
    circuit = ansatz.layered(*size)
    theta = angles(circuit, 1)[0] if shared else angles(circuit, k)
    pop = Population(circuit, theta, size=k, noise=noise, seed=1, dtype=dtype, backend=backend)
    shape = (8, k, size[0]) if size[0] > 1 else (8, k)
    z = np.random.default_rng(2).uniform(-0.3, 1.0, shape)
    turn = [0]

    def step() -> None:
        turn[0] = (turn[0] + 1) % 8
        pop.step(z[turn[0]])

    return step, k, pop


def row(section: str, name: str, timing: Timing, **more: Any) -> Row:
    return {
        "section": section,
        "name": name,
        "value": timing.rate,
        "unit": "neuron-steps/s",
        "spread": timing.spread,
    } | more


def against_peers(repeats: int, quick: bool, sqsnn: Path | None) -> list[Row]:
    """(1, 1) and (1, 2), K = 1000, noisy float32, and everybody else in the same turns."""
    peers.check()
    rows = []
    for size in ((1, 1), (1, 2)):
        circuit, k = ansatz.layered(*size), 1000
        steps = 50
        work, units, pop = stepping(size, k)
        literal = peers.PrebuiltNeuron(circuit, angles(circuit, 1)[0], peers.NOISE, seed=1)
        dense = peers.DensityMatrices(circuit, angles(circuit, k), peers.NOISE, seed=1)
        z = np.random.default_rng(3).uniform(-0.3, 1.0, k)
        works: dict[str, tuple[Work, int]] = {
            f"{size} this package": (work, units),
            f"{size} QuTiP, prebuilt": ((lambda n=literal: n.step(0.4)), 1),
            f"{size} NumPy, gate by gate": ((lambda d=dense, z=z: d.step(z)), k),
        }
        try:
            shot = peers.aer_shot(circuit, angles(circuit, 1)[0], peers.NOISE, steps)
            works[f"{size} Aer, one shot"] = (shot, steps)
        except ImportError:
            pass
        if sqsnn is not None and size == (1, 1):
            works[f"{size} authors' layer, noiseless"] = (peers.authors_layer(sqsnn, k), k)
        timings = interleaved(works, repeats)
        if f"{size} Aer, one shot" in works:
            # What remains of it if handing the circuit over cost nothing.
            inside = [shot().results[0].time_taken / steps for _ in range(repeats)]
            timings[f"{size} Aer, one shot, by its own clock"] = summary(inside)
        ours = timings[f"{size} this package"]
        for name, timing in timings.items():
            ratio = ours.rate / timing.rate
            rows.append(row("peers", name, timing, ratio=ratio, ratio_of="this package / it"))
        rows[-len(timings)]["bytes_per_neuron"] = pop.nbytes / k
    return rows


def against_k(repeats: int, quick: bool) -> list[Row]:
    """(1, 1), noisy: rate against K, and the share of the memory bandwidth that it amounts to."""
    sizes = (10, 100, 1000, 10_000) if quick else (10, 100, 1000, 10_000, 100_000)
    cases = {
        f"K = {k}, {np.dtype(dtype).name}": (k, np.dtype(dtype))
        for dtype in (np.float32, np.float64)
        for k in sizes
    }
    made = {name: stepping((1, 1), k, dtype=dtype) for name, (k, dtype) in cases.items()}
    works = {name: (work, units) for name, (work, units, _) in made.items()} | reading()
    timings = interleaved(works, repeats)
    rows = [
        row("bandwidth", name, timings[name], unit="bytes/s") for name in works if name not in cases
    ]
    memory = rows[0]["value"]
    for name, (k, dtype) in cases.items():
        moved = timings[name].rate * peers.bytes_per_step(ansatz.layered(1, 1), dtype)
        rows.append(
            row(
                "K",
                name,
                timings[name],
                k=k,
                dtype=dtype.name,
                bytes_per_neuron=made[name][2].nbytes / k,
                bytes_per_second=moved,
                ratio=moved / memory,
                ratio_of="bytes moved / bandwidth",
            )
        )
    return rows


def against_size(repeats: int, quick: bool) -> list[Row]:
    """Every engine, with and without noise, own and shared angles, against the register."""
    sizes = [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3)]
    sizes += [] if quick else [(1, 4), (1, 5), (1, 6), (1, 8), (1, 10)]
    cases, made = {}, {}
    for size in sizes:
        total = sum(size)
        k = 200 if total < 5 else 10
        variants: dict[str, dict[str, Any]] = {
            "trajectory, noiseless": {"noise": None, "backend": "trajectory"},
            "trajectory, noisy": {"backend": "trajectory"},
        }
        if total <= 5:
            variants["instrument, shared"] = {"shared": True}
        if total <= 4:
            variants["instrument, noisy"] = {}
            variants["instrument, noiseless"] = {"noise": None}
        for variant, options in variants.items():
            name = f"{size} {variant}"
            cases[name] = (size, variant, k)
            made[name] = stepping(size, k, **options)
    timings = interleaved({n: (work, units) for n, (work, units, _) in made.items()}, repeats)
    return [
        row(
            "size",
            name,
            timings[name],
            size=size,
            variant=variant,
            k=k,
            dtype="float32",
            bytes_per_neuron=made[name][2].nbytes / k,
        )
        for name, (size, variant, k) in cases.items()
    ]


def by_length(repeats: int) -> list[Row]:
    """(1, 1), K = 1000: T steps in one call, `Population.run`, against one call per step."""
    _, k, pop = stepping((1, 1), 1000)
    works: dict[str, tuple[Work, int]] = {}
    for steps in (1, 10, 100):
        z = np.random.default_rng(4).uniform(-0.3, 1.0, (steps, k))
        works[f"run, T = {steps}, spikes only"] = ((lambda z=z: pop.run(z, record=())), steps * k)
        works[f"run, T = {steps}, everything"] = ((lambda z=z: pop.run(z)), steps * k)
    return [row("T", name, t) for name, t in interleaved(works, repeats).items()]


def building(repeats: int) -> list[Row]:
    """Seconds to build 1000 neurons with different angles and full noise."""
    works: dict[str, tuple[Work, int]] = {}
    for size in ((1, 1), (1, 2)):
        circuit = ansatz.layered(*size)
        one, two = angles(circuit, 1000), angles(circuit, 1000) + 0.1
        pop = Population(circuit, one, noise=peers.NOISE, dtype=np.float32, backend="instrument")

        def rebuild(pop: Population = pop, both: list[Any] = [one, two]) -> None:  # noqa: B006
            both.reverse()
            pop.theta = both[0]

        works[f"{size} 1000 neurons"] = (rebuild, 1)
    return [
        {
            "section": "build",
            "name": name,
            "value": timing.median,
            "unit": "s",
            "spread": timing.spread,
        }
        for name, timing in interleaved(works, repeats).items()
    ]


def mixed(repeats: int, quick: bool) -> list[Row]:
    """K neurons with a noise each (all different), against as many with one noise between them.

    Steps, runs, scores and builds; the ratio is that of times.
    """
    k = 200 if quick else 1000
    noise = peers.NOISE
    rows: list[Row] = []
    cases: list[tuple[str, tuple[int, int], int]] = [
        ("instrument", (1, 1), k),
        ("instrument", (1, 2), k // 2),
        ("instrument", (2, 1), k // 2),
        ("density", (1, 4), 8),
        ("trajectory", (1, 4), 8),
    ]
    for backend, size, count in cases:
        circuit = ansatz.layered(*size)
        each = noise.spread(count, seed=1, t1=0.3, t2=0.3, p_depol_1q=0.3, p_read0_given1=0.3)
        theta = angles(circuit, count)
        shape = (10, count) if size[0] == 1 else (10, count, size[0])
        z = np.random.default_rng(3).uniform(-0.3, 1.0, shape)
        both = {
            name: Population(circuit, theta, noise=given, seed=5, backend=backend)
            for name, given in (("one noise", noise), ("a noise each", each))
        }
        spikes = both["one noise"].run(z, record=()).spikes
        acts: dict[str, Any] = {
            "step": lambda pop, z=z: pop.step(z[0]),
            "run": lambda pop, z=z: pop.run(z, record=()),
        }
        if backend != "trajectory":
            scorers = {
                id(pop): SpikeTrainScorer(circuit, theta, noise=pop.noise, backend=backend)
                for pop in both.values()
            }
            acts["score"] = lambda pop, z=z, s=spikes, made=scorers: made[id(pop)].score(z, s)
            turned = theta + 0.1

            def build(pop: Population, sets: list[Any] = [theta, turned]) -> None:  # noqa: B006
                pop.theta = sets[0]
                pop.theta = sets[1]

            acts["build"] = build
        for act, do in acts.items():
            works: dict[str, tuple[Work, int]] = {
                name: ((lambda do=do, pop=pop: do(pop)), count) for name, pop in both.items()
            }
            timings = interleaved(works, repeats, 0.05)
            one, own = timings["one noise"], timings["a noise each"]
            name = f"{act}, {backend} {size}, K = {count}"
            ends = own.low / one.high, own.high / one.low
            more = {"ratio": own.median / one.median, "ratio_range": ends}
            rows.append(row("mixed", name, own, **more, ratio_of="time with one noise"))
    return rows
