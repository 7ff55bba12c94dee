"""What the learning Processes learn inside Lava: two temporal tasks, and one for two layers.

``uv run python -m benchmarks.learning_in_lava`` prints two tables, over ten seeds:

1. One visible neuron (48 copies that share their angles, one sequence each) learns running parity
   and delay, as offline in ``benchmarks.learning``.
2. A hidden and a visible neuron, 48 copies each, learn functions of inputs too far back for the
   one memory qubit of a lone neuron. The hidden neuron hears nothing but the log-likelihood of the
   visible one, a step late, through a stock Dense. Beside it: the best of 40 lone neurons that
   were trained offline, with exact gradients, on angles, weight and bias.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from numpy.typing import NDArray

from benchmarks.learning import READOUT, SOLVED, TASKS, sequences
from lava_sqs import LearningSQS, SQSDense, SQSSimCfg, runtime
from lava_sqs.learning import Optimizer
from lava_sqs.quantum import Population, ansatz
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.sensitivity import score_spike_train

Array = NDArray[Any]
COPIES = 48  # sequences side by side


def source(batches: list[Array], shape: tuple[int, ...]) -> RingBuffer:
    """Send batches (T, copies, ...), one after the other, through a port of the given shape."""
    data = np.concatenate(batches).astype(float)
    return RingBuffer(data=np.moveaxis(data, 0, -1).reshape(*shape, -1))


# -- one visible neuron -------------------------------------------------------------------------


def learn_temporal(task: str, circuit: Ansatz, seed: int, updates: int = 300) -> float:
    """Train a visible neuron's angles in Lava; return its NLL per step on new sequences.

    Angles and sequences are drawn as in :func:`benchmarks.learning.learn_offline`. A step is put
    before each sequence: the reset, which takes no input; its target is silence.
    """
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, (1, circuit.n_params))
    inputs, targets = [], []
    for _ in range(updates):
        x, target = (np.pad(a[..., 0], ((1, 0), (0, 0))) for a in sequences(task, rng, COPIES))
        inputs.append(x)
        targets.append(2 * target - 1)
    period = len(x)
    neurons = LearningSQS(
        shape=1,
        copies=COPIES,
        ansatz=circuit,
        theta=theta,
        noise=READOUT,
        role="visible",
        lr_theta=0.05,
        optimizer="adam",
        update_interval=period,
        reset_interval=period,
        reset_offset=1,
        seed=seed,
    )
    source(inputs, neurons.a_in.shape).s_out.connect(neurons.a_in)
    source(targets, (COPIES,)).s_out.connect(neurons.a_third_factor_in)
    with runtime(neurons, SQSSimCfg()) as net:
        net.run(period * updates)
        theta = neurons.theta.get()
    x, target = sequences(task, rng, 1000)
    logp, _, _ = score_spike_train(circuit, theta, x, target, noise=READOUT)
    return float(-logp.mean() / len(x))


# -- a hidden and a visible neuron -----------------------------------------------------------------

# name -> the inputs, counted in steps before the answer, whose exclusive or is the answer
LAGS = {"x(t-3)": (3,), "x(t-2) xor x(t-3)": (2, 3), "x(t-4)": (4,)}
STEPS = 22
CONNECTION_DELAYS = 2  # input -> hidden -> visible


def lagged(task: str, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Input spikes (STEPS, n) and targets; inputs before the first count as 0."""
    x = rng.integers(0, 2, (STEPS, n))
    target = np.zeros_like(x)
    for lag in LAGS[task]:
        target[lag:] ^= x[:-lag]
    return x, target


def learn_two_layers(task: str, seed: int, updates: int = 300, circuit: Any = None) -> float:
    """Train a hidden and a visible neuron in Lava; return the NLL per step on new sequences."""
    circuit = ansatz.layered() if circuit is None else circuit
    rng = np.random.default_rng(seed)
    inputs, targets = [], []
    for _ in range(updates):
        x, target = lagged(task, rng, COPIES)
        inputs.append(x)
        targets.append(2 * target - 1)
    common: dict[str, Any] = {
        "shape": 1,
        "copies": COPIES,
        "ansatz": circuit,
        "lr_theta": 0.05,
        "update_interval": STEPS,
        "reset_interval": STEPS,
        "reset_offset": 1,
    }
    draw = rng.uniform(-np.pi, np.pi, (2, circuit.n_params))
    hidden = LearningSQS(
        role="hidden", gamma=0.7, baseline=0.05, theta=draw[0], seed=2 * seed, **common
    )
    visible = LearningSQS(role="visible", theta=draw[1], seed=2 * seed + 1, **common)
    into, between = (SQSDense(weights=[[1.0]], copies=COPIES) for _ in range(2))
    broadcast = Dense(weights=np.eye(COPIES), num_message_bits=24)
    source(inputs, into.s_in.shape).s_out.connect(into.s_in)
    into.a_out.connect(hidden.a_in)
    hidden.s_out.connect(between.s_in)
    between.a_out.connect(visible.a_in)
    source(targets, (COPIES,)).s_out.connect(visible.a_third_factor_in)
    visible.log_likelihood_out.connect(broadcast.s_in)
    broadcast.a_out.connect(hidden.a_third_factor_in)
    with runtime(hidden, SQSSimCfg()) as net:
        net.run(STEPS * updates)
        theta = hidden.theta.get()[0], visible.theta.get()[0]
    return two_layer_loss(task, circuit, *theta, rng=rng)


def two_layer_loss(
    task: str, circuit: Ansatz, hidden: Array, visible: Array, *, rng: np.random.Generator
) -> float:
    """NLL per step of 1000 new sequences given the hidden spikes, averaged over these."""
    x, target = lagged(task, rng, 1000)
    neuron = Population(circuit, hidden, size=1000, seed=int(rng.integers(2**31)))
    spikes = np.asarray(neuron.run(np.pad(x[:-1], ((1, 0), (0, 0))).astype(float)).spikes)
    z = np.pad(spikes[:-1], ((1, 0), (0, 0))).astype(float)
    logp, _, _ = score_spike_train(circuit, visible, z, target)
    return float(-logp.mean() / STEPS)


def one_layer_floor(
    task: str, delays: int, *, restarts: int = 40, updates: int = 300, seed: int = 0
) -> Array:
    """NLL per step of lone neurons behind so many connections, sorted; one per restart."""
    circuit = ansatz.layered()
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, (restarts, circuit.n_params))
    line = np.tile([1.0, 0.0], (restarts, 1))  # weight and bias
    adam = Optimizer("adam")

    def material(n: int) -> tuple[Array, Array, Array]:
        x, target = lagged(task, rng, n)
        late = np.pad(x[:-delays], ((delays, 0), (0, 0)))[..., None]
        z = late * line[:, 0] + line[:, 1]
        return late, z, np.broadcast_to(target[..., None], z.shape)

    for _ in range(updates):
        late, z, target = material(24)
        _, d_theta, d_z = score_spike_train(circuit, theta, z, target)
        d_line = np.stack([(d_z * late).sum(axis=(0, 1)), d_z.sum(axis=(0, 1))], axis=1)
        scale = STEPS * 24
        theta = theta + adam.step("theta", d_theta / scale, rate=0.05)
        line = line + adam.step("line", d_line / scale, rate=0.02)
    _, z, target = material(500)
    logp, _, _ = score_spike_train(circuit, theta, z, target)
    return np.sort(-logp.mean(axis=0) / STEPS)


# -- tables ----------------------------------------------------------------------------------------


def summary(losses: Array) -> str:
    """Median and range of the losses."""
    return f"{np.median(losses):.3f} ({losses.min():.3f} to {losses.max():.3f})"


def told(name: str, seed: int, loss: float) -> float:
    """Report progress on stderr and return the loss."""
    print(f"  {name}, seed {seed}: {loss:.3f}", file=sys.stderr, flush=True)
    return loss


def print_temporal(seeds: range) -> None:
    """Print how many seeds of each temporal task are solved inside Lava."""
    print(
        f"\nLearned inside Lava, one visible neuron: seeds of {len(seeds)} solved (NLL per step < "
        f"{SOLVED}), median NLL and range; chance {np.log(2):.3f}\n"
    )
    print("| circuit | " + " | ".join(TASKS) + " |\n" + "|---" * (len(TASKS) + 1) + "|")
    for name, circuit in (("layered (1,1)", ansatz.layered()), ("paper", ansatz.paper())):
        cells = []
        for task in TASKS:
            losses = np.array(
                [told(f"{name}, {task}", s, learn_temporal(task, circuit, s)) for s in seeds]
            )
            cells.append(f"{(losses < SOLVED).sum()}; {summary(losses)}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def print_layers(seeds: range, tasks: tuple[str, ...] = tuple(LAGS)) -> None:
    """Print what two layers learn inside Lava beside the floor of one layer."""
    print(
        "\nOne layer and two: NLL per step; one layer is the best of 40 restarts offline, two "
        f"layers learn inside Lava ({len(seeds)} seeds: below either floor, median and range)\n"
    )
    print("| answer | one layer, one connection | one layer, as many delays | below | two layers |")
    print("|---" * 5 + "|")
    for task in tasks:
        floors = [one_layer_floor(task, delays)[0] for delays in (1, CONNECTION_DELAYS)]
        losses = np.array([told(task, s, learn_two_layers(task, s)) for s in seeds])
        print(
            f"| {task} | {floors[0]:.3f} | {floors[1]:.3f} | "
            f"{(losses < floors[0]).sum()}, {(losses < floors[1]).sum()} | "
            f"{summary(losses)} |",
            flush=True,
        )


def print_table(seeds: range) -> None:
    """Print both tables."""
    print_temporal(seeds)
    print_layers(seeds)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", choices=("temporal", "layers"))
    parser.add_argument("--task", choices=tuple(LAGS), help="one row of the second table")
    args = parser.parse_args()
    start = time.perf_counter()
    seeds = range(args.seeds)
    if args.only != "layers":
        print_temporal(seeds)
    if args.only != "temporal":
        print_layers(seeds, (args.task,) if args.task else tuple(LAGS))
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
