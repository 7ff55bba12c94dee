"""How good each local learning rule is: its gradient, and what it learns.

``uv run python -m benchmarks.learning`` prints four tables: what scores cost, the cosine of every
estimator with the exact gradient on random networks, how many seeds of two temporal tasks each rule
solves, and what other kinds of neurons learn of them. ``--lava`` adds what is learned inside Lava,
``--quick`` takes fewer networks and seeds, ``--costs`` and ``--rivals`` print only the first and
the last table.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._text import markdown
from lava_sqs.neurons import (
    AsPublishedNeuron,
    LIFNeuron,
    Neuron,
    QLIFNeuron,
    SQSNeuron,
)
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.kernels import step as _kernels
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.scores.online import OnlineScores, derivatives
from lava_sqs.quantum.scores.published import published_gradient
from lava_sqs.quantum.scores.recorded import SpikeTrainScorer, score_spike_train
from lava_sqs.quantum.states import ground_state

Array = NDArray[Any]

NOISE = NoiseModel(
    t1=100e-6,
    t2=80e-6,
    gate_time_1q=50e-9,
    gate_time_2q=300e-9,
    readout_time=1e-6,
    p_depol_1q=5e-4,
    p_depol_2q=8e-3,
    p_read1_given0=0.01,
    p_read0_given1=0.02,
    p_reset=0.006,
)


def scores_by_age(
    circuit: Ansatz, theta: Array, z: Array, spikes: Array, noise: NoiseModel | None, ages: int
) -> tuple[Array, Array]:
    """Return d log p_t by the angles and currents of step t - h: (T, ages, K, P), (T, ages, K).

    Plain NumPy, on purpose: an independent check of the compiled recursions as well.
    """
    program = compile_program(circuit, noise)
    A, dA = program.build(theta), derivatives(program, theta)
    steps, size = z.shape
    components = A.shape[2]
    r = np.tile(ground_state(circuit.memory_qubits), (size, 1))
    angle = np.zeros((ages, size, circuit.n_params, components))
    current = np.zeros((ages, size, components))
    e, kappa = np.zeros((steps, *angle.shape[:3])), np.zeros((steps, *current.shape[:2]))
    k = np.arange(size)
    h = 1e-6
    for t in range(steps):
        c, up, down = (np.empty((size, 3)) for _ in range(3))
        for n in range(size):
            _kernels.encode(z[t, n : n + 1], program.eta, c[n])
            _kernels.encode(z[t, n : n + 1] + h, program.eta, up[n])
            _kernels.encode(z[t, n : n + 1] - h, program.eta, down[n])
        dc = np.where(z[t, :, None] > 0, (up - down) / (2 * h), 0.0)
        chosen, d_chosen = A[k, spikes[t]], dA[k, :, spikes[t]]
        S = np.einsum("kc,kicj->kij", c, chosen)
        y = np.einsum("kij,kj->ki", S, r)
        p = y[:, :1]
        new = y / p
        moved = np.einsum("kij,hkpj->hkpi", S, angle)
        angle[1:] = moved[:-1]
        angle[0] = np.einsum("kc,kpicj,kj->kpi", c, d_chosen, r)
        moved = np.einsum("kij,hkj->hki", S, current)
        current[1:] = moved[:-1]
        current[0] = np.einsum("kc,kicj,kj->ki", dc, chosen, r)
        e[t] = angle[..., 0] / p
        kappa[t] = current[..., 0] / p[:, 0]
        angle = angle / p[:, None] - e[t][..., None] * new[:, None]
        current = current / p - kappa[t][..., None] * new
        r = new
    return e, kappa


def random_network(circuit: Ansatz, noise: NoiseModel | None, seed: int) -> list[tuple[Array, ...]]:
    """A 50-20-5 network that ran 50 steps: per layer theta, weights, history, currents, spikes."""
    rng = np.random.default_rng(seed)
    spikes = (rng.random((50, 50)) < 0.2).astype(float)
    layers = []
    for size in (20, 5):
        m = max(spikes.sum(axis=1).mean(), 1.0)
        weights = rng.normal(0.45 / m, 0.35 / np.sqrt(m), (size, spikes.shape[1]))
        theta = rng.uniform(-np.pi, np.pi, (size, circuit.n_params))
        history = np.vstack([np.zeros(spikes.shape[1]), spikes[:-1]])
        z = history @ weights.T
        out = Population(circuit, theta, noise=noise, seed=int(rng.integers(2**31))).run(z).spikes
        layers.append((theta, weights, history, z, out))
        spikes = out.astype(float)
    return layers


def cosine(a: list[Array], b: list[Array]) -> float:
    """Cosine of two gradients, each a list of arrays over layers."""
    x, y = (np.concatenate([part.ravel() for part in g]) for g in (a, b))
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def gradient_quality(circuit: Ansatz, noise: NoiseModel | None, seeds: range) -> dict[str, Array]:
    """Cosine with the exact gradient of (angles, weights) per estimator, shape (seeds, 2)."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for seed in seeds:
        estimates: dict[str, tuple[list[Array], list[Array]]] = {}

        def add(name: str, d_theta: Array, d_weights: Array, into: Any = estimates) -> None:
            into.setdefault(name, ([], []))
            into[name][0].append(d_theta)
            into[name][1].append(d_weights)

        for theta, weights, history, z, spikes in random_network(circuit, noise, seed):
            _, d_theta, d_z = score_spike_train(circuit, theta, z, spikes, noise=noise)
            add("exact", d_theta, d_z.T @ history)
            add(
                "as published",
                *published_gradient(
                    circuit, theta, weights, history, spikes, noise=noise, seed=seed
                ),
            )
            _, d_theta, d_z = score_spike_train(circuit, theta, z[None], spikes[None], noise=noise)
            add("exact derivative, fresh memory", d_theta, d_z[0].T @ history)
            e, kappa = scores_by_age(circuit, theta, z, spikes, noise, len(z))
            for window in (0, 1, 4, 16):
                h = range(window + 1)
                d_w = sum(kappa[i:, i].T @ history[: len(z) - i] for i in h)
                add(f"window H={window}", e[:, : window + 1].sum(axis=(0, 1)), d_w)
            leak = 0.9 ** np.arange(len(z))
            d_w = sum(leak[i] * kappa[i:, i].T @ history[: len(z) - i] for i in range(len(z)))
            add("leaky, 0.9", np.einsum("h,thkp->kp", leak, e), d_w)
            spsa = _spsa(circuit, theta, weights, history, spikes, noise, seed)
            add("SPSA x5 on the true likelihood", *spsa)
        exact = estimates.pop("exact")
        for name, (d_theta_parts, d_weight_parts) in estimates.items():
            rows.setdefault(name, []).append(
                (cosine(d_theta_parts, exact[0]), cosine(d_weight_parts, exact[1]))
            )
    return {name: np.array(values) for name, values in rows.items()}


def _spsa(
    circuit: Ansatz,
    theta: Array,
    weights: Array,
    history: Array,
    spikes: Array,
    noise: NoiseModel | None,
    seed: int,
    n_samples: int = 5,
    epsilon: float = 0.03,
) -> tuple[Array, Array]:
    """Simultaneous perturbation of angles, then of weights, on each neuron's own likelihood."""
    rng = np.random.default_rng(seed)

    def log_p(angles: Array, w: Array) -> Array:
        run = Population(circuit, angles, noise=noise, seed=0).run(
            history @ w.T, spikes, record=("log_likelihood",)
        )
        return np.asarray(run.log_likelihood).sum(axis=0)[:, None]

    result = []
    for moved in (theta, weights):
        gradient = np.zeros(moved.shape)
        for _ in range(n_samples):
            sign = rng.choice([-1.0, 1.0], size=moved.shape)
            if moved is theta:
                up, down = (
                    log_p(theta + epsilon * sign, weights),
                    log_p(theta - epsilon * sign, weights),
                )
            else:
                up, down = (
                    log_p(theta, weights + epsilon * sign),
                    log_p(theta, weights - epsilon * sign),
                )
            gradient += (up - down) / (2 * epsilon) * sign / n_samples
        result.append(gradient)
    return result[0], result[1]


# -- temporal tasks ----------------------------------------------------------------------------

TASKS = ("parity", "delay")
READOUT = NoiseModel(p_read1_given0=0.01, p_read0_given1=0.01)
SOLVED = 0.15  # nats per step; chance is log 2


def sequences(task: str, rng: np.random.Generator, n: int, steps: int = 20) -> tuple[Array, Array]:
    """Currents x (steps, n, 1) of 0 and 1, and the targets: past parity, or the last input."""
    x = rng.integers(0, 2, (steps, n, 1))
    before = np.concatenate([np.zeros((1, n, 1), int), x[:-1]])
    return x.astype(float), (before if task == "delay" else np.cumsum(before, axis=0) % 2)


def leaky_gradient(
    circuit: Ansatz, theta: Array, x: Array, spikes: Array, noise: NoiseModel | None, leak: float
) -> Array:
    """Gradient of one neuron's angles summed over sequences, past forgotten by *leak* per step."""
    program = compile_program(circuit, noise)
    A, dA = program.build(theta)[0], derivatives(program, theta)[0]
    steps, n, _ = x.shape
    r = np.tile(ground_state(circuit.memory_qubits), (n, 1))
    angle = np.zeros((n, circuit.n_params, A.shape[1]))
    total = np.zeros(circuit.n_params)
    c = np.empty((n, 3))
    for t in range(steps):
        for b in range(n):
            _kernels.encode(x[t, b], program.eta, c[b])
        chosen = np.einsum("nc,nicj->nij", c, A[spikes[t, :, 0]])
        d_chosen = np.einsum("nc,pnicj->npij", c, dA[:, spikes[t, :, 0]])
        y = np.einsum("nij,nj->ni", chosen, r)
        p = y[:, :1]
        angle = leak * np.einsum("nij,npj->npi", chosen, angle)
        angle += np.einsum("npij,nj->npi", d_chosen, r)
        e = angle[..., 0] / p
        total += e.sum(axis=0)
        r = y / p
        angle = angle / p[:, None] - e[..., None] * r[:, None]
    return total[None]


def learn_offline(task: str, circuit: Ansatz, rule: str, seed: int, updates: int = 300) -> float:
    """Train one visible neuron's angles; return its NLL per step on new sequences."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, (1, circuit.n_params))
    adam = Optimizer("adam")
    for _ in range(updates):
        x, target = sequences(task, rng, 48)
        if rule == "exact":
            _, gradient, _ = score_spike_train(circuit, theta, x, target, noise=READOUT)
        elif rule == "as published":
            gradient, _ = published_gradient(
                circuit, theta, np.ones((1, 1)), x, target, noise=READOUT, n_samples=1, seed=0
            )
        else:
            leak = {"leaky 0.9": 0.9, "H=0": 0.0}[rule]
            gradient = leaky_gradient(circuit, theta, x, target, READOUT, leak)
        theta = theta + adam.step("theta", gradient / (20 * 48), rate=0.05)
    x, target = sequences(task, rng, 1000)
    logp, _, _ = score_spike_train(circuit, theta, x, target, noise=READOUT)
    return float(-logp.mean() / 20)


def rivals() -> dict[str, list[Neuron]]:
    """Neurons of every kind of ``lava_sqs.network``; those that leak, with three starting leaks."""
    leaks = (0.1, 0.5, 0.9)
    return {
        "SQS, layered (1,1)": [SQSNeuron(ansatz.layered(), READOUT)],
        "SQS, paper": [SQSNeuron(ansatz.paper(), READOUT)],
        "as published (closed form)": [AsPublishedNeuron()],
        "stochastic LIF": [LIFNeuron(leak) for leak in leaks],
        "QLIF, 20 shots": [QLIFNeuron(20, leak) for leak in leaks],
        "QLIF, one shot": [QLIFNeuron(1, leak) for leak in leaks],
    }


def learn_neuron(task: str, neuron: Neuron, bias: float, seed: int, updates: int = 300) -> float:
    """As ``learn_offline``, for a neuron of any kind, whose weight and bias learn too."""
    rng = np.random.default_rng(seed)
    if isinstance(neuron, SQSNeuron):
        params = rng.uniform(-np.pi, np.pi, (1, neuron.n_params))
    else:
        params = neuron.initial(1, rng)
    own = {"params": params, "weight": np.ones(1), "bias": np.full(1, bias)}
    adam = Optimizer("adam")
    for _ in range(updates):
        x, target = sequences(task, rng, 48)
        z = own["weight"] * x + own["bias"]
        d_params, d_z = neuron.score(own["params"], z, target, np.ones(z.shape))
        steps = {"params": d_params, "weight": (d_z * x).sum((0, 1)), "bias": d_z.sum((0, 1))}
        for name, gradient in steps.items():
            own[name] = own[name] + adam.step(name, gradient / z.size, rate=0.05)
    x, target = sequences(task, rng, 1000)
    z = own["weight"] * x + own["bias"]
    return float(-neuron.run(own["params"], z, rng.random(z.shape), target).log_likelihood.mean())


def print_rivals(seeds: range) -> None:
    """Print what a neuron of each kind learns of the temporal tasks, from its best start."""
    print(
        f"\nTemporal tasks, one visible neuron of each kind, exact rule; parameters, weight and "
        f"bias learn: seeds of {len(seeds)} solved, median NLL and range, from the best start\n"
    )
    print(markdown("neuron", *TASKS, head=True))
    for name, neurons in rivals().items():
        cells = []
        for task in TASKS:
            starts = [
                np.array([learn_neuron(task, neuron, bias, seed) for seed in seeds])
                for neuron in neurons
                for bias in (0.0, 0.3)
            ]
            best = min(starts, key=lambda losses: (-(losses < SOLVED).sum(), np.median(losses)))
            cells.append(outcome(best))
        print(markdown(name, *cells), flush=True)


def summary(losses: Array) -> str:
    """Median and range of the losses."""
    return f"{np.median(losses):.3f} ({losses.min():.3f} to {losses.max():.3f})"


def outcome(losses: Array) -> str:
    """How many are solved, and the summary."""
    return f"{(losses < SOLVED).sum()}; {summary(losses)}"


# -- costs ---------------------------------------------------------------------------------------


def print_costs(repeats: int = 15, steps: int = 20) -> None:
    """Print what scores cost, in units of inference: medians of interleaved repeats."""
    print(
        f"\nCost of scores / cost of inference, T={steps}, noisy, medians of {repeats} interleaved "
        "repeats (inference: microseconds per neuron and step)\n"
    )
    forms = ("reverse form: angles and currents", "the same, instruments built anew", "online form")
    print(markdown("", "inference", *forms, head=True))
    for qubits, size in (((1, 1), 1000), ((1, 2), 1000), ((1, 3), 100)):
        for batch in (1, 48):
            medians = costs(ansatz.layered(*qubits), size, batch, steps, repeats)
            unit = medians[0] / (steps * batch * size) * 1e6
            cells = [f"{unit:.3f}", *(f"{m / medians[0]:.1f}" for m in medians[1:])]
            cells += [""] * (4 - len(cells))
            what = f"{qubits}, K={size}, batch {batch}"
            print(markdown(what, *cells), flush=True)


def costs(circuit: Ansatz, size: int, batch: int, steps: int, repeats: int) -> Array:
    """Return the seconds of inference, of both reverse forms, and (batch 1) of the online form."""
    rng = np.random.default_rng(0)
    theta = rng.uniform(-np.pi, np.pi, (size, circuit.n_params))
    z = rng.uniform(-0.2, 0.8, (steps, batch, size))
    population = Population(circuit, theta, batch=(batch,), noise=NOISE, seed=0)
    spikes = population.run(z).spikes
    scorer = SpikeTrainScorer(circuit, theta, noise=NOISE, prebuild=True)
    alone = Population(circuit, theta, noise=NOISE, seed=0)
    online = OnlineScores(compile_program(circuit, NOISE), theta, size=size, window=1)

    def infer() -> None:
        population.reset()
        population.run(z, record=("spikes",))

    def forward() -> None:
        alone.reset()
        online.reset()
        for currents in z[:, 0]:
            online.step(currents[:, None], alone.step(currents)[:, None])

    jobs: list[Callable[[], Any]] = [
        infer,
        lambda: scorer.score(z, spikes),
        lambda: score_spike_train(circuit, theta, z, spikes, noise=NOISE),
    ]
    if batch == 1:
        jobs.append(forward)
    times = np.empty((repeats, len(jobs)))
    for job in jobs:
        job()  # compile
    for i in range(repeats):
        for j, job in enumerate(jobs):
            start = time.perf_counter()
            job()
            times[i, j] = time.perf_counter() - start
    return np.median(times, axis=0)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 networks and 3 seeds")
    parser.add_argument("--lava", action="store_true", help="also learn inside Lava")
    parser.add_argument("--costs", action="store_true", help="only the costs")
    parser.add_argument("--rivals", action="store_true", help="only other kinds of neurons")
    args = parser.parse_args()
    networks, seeds = (range(5), range(3)) if args.quick else (range(20), range(10))
    if args.rivals:
        print_rivals(seeds)
        return
    print_costs()
    if args.costs:
        return
    start = time.perf_counter()
    # The random networks of this table drive some neurons beyond z = 1; that is part of the test.
    warnings.filterwarnings("ignore", "[0-9]+ input currents exceed 1")

    settings = [
        ("paper, noiseless", ansatz.paper(), None),
        ("paper, noisy", ansatz.paper(), NOISE),
        ("layered (1,1), noisy", ansatz.layered(1, 1), NOISE),
        ("layered (1,2), noiseless", ansatz.layered(1, 2), None),
        ("layered (1,2), noisy", ansatz.layered(1, 2), NOISE),
    ]
    tables = [gradient_quality(circuit, noise, networks) for _, circuit, noise in settings]
    print(
        f"\nCosine with the exact gradient, angles / weights; mean over {len(networks)} random "
        "networks 50-20-5, T=50 (largest standard error of any mean: "
        f"{max((v.std(0) / np.sqrt(len(v))).max() for t in tables for v in t.values()):.2f})\n"
    )
    print(markdown("estimator", *(name for name, *_ in settings), head=True))
    for name in tables[0]:
        cells = (f"{t[name][:, 0].mean():.2f} / {t[name][:, 1].mean():.2f}" for t in tables)
        print(markdown(name, *cells))

    print(
        f"\nTemporal tasks, one visible neuron, angles only: seeds of {len(seeds)} solved (NLL "
        f"per step < {SOLVED}), median NLL and range; chance {np.log(2):.3f}\n"
    )
    columns = [
        (n, c, t)
        for n, c in (("layered (1,1)", ansatz.layered()), ("paper", ansatz.paper()))
        for t in TASKS
    ]
    print(markdown("rule", *(f"{n}: {t}" for n, _, t in columns), head=True))
    for rule in ("exact", "leaky 0.9", "H=0", "as published"):
        cells = []
        for _, circuit, task in columns:
            losses = np.array([learn_offline(task, circuit, rule, s) for s in seeds])
            cells.append(outcome(losses))
        print(markdown(rule, *cells), flush=True)
    print_rivals(seeds)
    if args.lava:
        from benchmarks.learning_in_lava import print_table

        print_table(seeds)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
