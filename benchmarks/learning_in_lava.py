"""What the learning Processes learn inside Lava: two temporal tasks, and one for two layers.

``uv run python -m benchmarks.learning_in_lava`` prints two tables, over ten seeds:

1. One visible neuron (48 copies that share their angles, one sequence each) learns running parity
   and delay, as offline in ``benchmarks.learning``.
2. Sixteen hidden and sixteen visible neurons learn functions of inputs too far back for the memory
   of one layer, whatever its angles (:func:`lone_bound`). The hidden neurons hear nothing but the
   mean log-likelihood of the visible ones, a step late, through a stock Dense. Beside it: the same
   network with hidden neurons that stay as they were drawn, and lone neurons trained offline.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from typing import Any

import numpy as np
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from numpy.typing import NDArray

from benchmarks.learning import READOUT, SOLVED, TASKS, outcome, sequences, summary
from lava_sqs import LearningSQS, SQSDense, SQSSimCfg, connect_learning, runtime
from lava_sqs._text import markdown
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import Population, ansatz
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.scores.recorded import score_spike_train

Array = NDArray[Any]
COPIES = 48  # sequences side by side
GAMMA = 0.9  # of the hidden neurons' eligibilities


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


# -- two layers ------------------------------------------------------------------------------------

# name -> the inputs, counted in steps before the answer, whose exclusive or is the answer
LAGS = {"x(t-4)": (4,), "x(t-2) xor x(t-4)": (2, 4)}
STEPS = 22
HIDDEN, VISIBLE = 16, 16
CONNECTION_DELAYS = 2  # input -> hidden -> visible
DEEP = ansatz.layered(layers=2)


def lagged(task: str, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Input spikes (STEPS, n, 1) and answers (STEPS, n); inputs before the first count as 0."""
    x = rng.integers(0, 2, (STEPS, n, 1))
    answer = np.zeros((STEPS, n), dtype=np.int64)
    for lag in LAGS[task]:
        answer[lag:] ^= x[:-lag, :, 0]
    return x, answer


def late(x: Array) -> Array:
    """Return what leaves a connection: the spikes of the step before."""
    return np.concatenate([np.zeros((1, *x.shape[1:])), x[:-1]])


def learn_two_layers(
    task: str, seed: int, updates: int = 400, *, hidden_learn: bool = True, copies: int = COPIES
) -> float:
    """Train two layers in Lava; return the NLL per step of one visible neuron on new sequences.

    All visible neurons learn the same answer. Their mean log-likelihood, a step late, is all that
    the hidden ones hear; with *hidden_learn* False these stay as they were drawn.
    """
    rng = np.random.default_rng(seed)
    period: dict[str, Any] = {"update_interval": STEPS, "reset_interval": STEPS, "reset_offset": 1}
    rates = {"lr_theta": 0.05, "lr_bias": 0.02, "lr_weights": 1.0}

    def layer(role: str, size: int, learn: bool = True, **more: Any) -> LearningSQS:
        return LearningSQS(
            shape=size,
            copies=copies,
            ansatz=DEEP,
            theta=rng.uniform(-np.pi, np.pi, (size, DEEP.n_params)),
            bias=0.5,
            role=role,
            window=STEPS - 1,
            seed=int(rng.integers(2**31)),
            **(rates if learn else {}),
            **period,
            **more,
        )

    def synapses(weights: Array, learn: bool = True, gamma: float = 0.0) -> SQSDense:
        return SQSDense(
            weights=weights,
            copies=copies,
            window=STEPS - 1,
            gamma=gamma,
            lr=0.02 if learn else 0.0,
            optimizer="adam",
            **period,
        )

    hidden = layer("hidden", HIDDEN, hidden_learn, gamma=GAMMA, baseline=0.05)
    visible = layer("visible", VISIBLE)
    into = synapses(rng.normal(0.5, 0.3, (HIDDEN, 1)), hidden_learn, GAMMA)
    between = synapses(rng.normal(0.0, 0.2, (VISIBLE, HIDDEN)))
    broadcast = Dense(
        weights=np.kron(np.eye(copies), np.full((HIDDEN, VISIBLE), 1 / VISIBLE)),
        num_message_bits=24,  # numbers, not spikes
    )
    inputs, targets = [], []
    for _ in range(updates):
        x, answer = lagged(task, rng, copies)
        inputs.append(x)
        targets.append(np.repeat(2 * answer[..., None] - 1, VISIBLE, axis=-1))
    source(inputs, into.s_in.shape).s_out.connect(into.s_in)
    into.a_out.connect(hidden.a_in)
    hidden.s_out.connect(between.s_in)
    between.a_out.connect(visible.a_in)
    connect_learning(hidden, into)
    connect_learning(visible, between)
    source(targets, visible.a_third_factor_in.shape).s_out.connect(visible.a_third_factor_in)
    visible.log_likelihood_out.connect(broadcast.s_in)
    broadcast.a_out.connect(hidden.a_third_factor_in)
    with runtime(hidden, SQSSimCfg()) as net:
        net.run(STEPS * updates)
        layers = [
            (neurons.theta.get(), neurons.bias.get(), connection.weights.get())
            for neurons, connection in ((hidden, into), (visible, between))
        ]
    best = np.argmin(two_layer_losses(task, layers, rng, 500))
    return float(two_layer_losses(task, layers, rng, 1000)[best])


def two_layer_losses(
    task: str, layers: list[tuple[Array, Array, Array]], rng: np.random.Generator, n: int
) -> Array:
    """NLL per step of every visible neuron on n new sequences, given what the hidden ones drew."""
    x, answer = lagged(task, rng, n)
    (theta, bias, weights), (visible_theta, visible_bias, visible_weights) = layers
    hidden = Population(DEEP, theta, batch=n, seed=int(rng.integers(2**31)))
    spikes = np.asarray(hidden.run(late(x) @ weights.T + bias, record=("spikes",)).spikes)
    z = late(spikes) @ visible_weights.T + visible_bias
    said = np.repeat(answer[..., None], len(visible_theta), axis=-1)
    logp, _, _ = score_spike_train(DEEP, visible_theta, z, said)
    return np.asarray(-logp.mean(axis=0) / STEPS)


# -- what one layer can ----------------------------------------------------------------------------


def lone_bound(task: str, delays: int, memory_qubits: int = 1) -> float:
    """Return the NLL per step that no lone neuron behind so many connections gets below.

    Whatever its circuit, angles, weights and noise; docs/learning.md has the proof.
    """
    first, last = min(LAGS[task]), max(LAGS[task])
    answers = STEPS - last  # that are not 0 anyway
    if first < delays:
        return answers * np.log(2) / STEPS  # the answer has not arrived
    run = last - delays  # answers in a row, of inputs that the memory alone can tell
    if run <= memory_qubits:
        return 0.0
    return answers // run * (run - memory_qubits) * np.log(2) / STEPS


def lone_losses(
    task: str,
    delays: int,
    circuit: Ansatz = DEEP,
    *,
    restarts: int = 40,
    updates: int = 600,
    seed: int = 0,
) -> Array:
    """NLL per step of lone neurons behind so many connections, sorted; one per restart.

    Trained offline, with exact gradients, on angles, weights and bias.
    """
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, (restarts, circuit.n_params))
    weights = rng.normal(0.5, 0.5, (restarts, 1))
    bias = np.full(restarts, 0.5)
    adam = Optimizer("adam")

    def material(n: int) -> tuple[Array, Array, Array]:
        x, answer = lagged(task, rng, n)
        for _ in range(delays):
            x = late(x)
        z = x @ weights.T + bias
        return x, z, np.broadcast_to(answer[..., None], z.shape)

    for _ in range(updates):
        x, z, answer = material(24)
        _, d_theta, d_z = score_spike_train(circuit, theta, z, answer)
        scale = STEPS * 24
        theta = theta + adam.step("theta", d_theta / scale, rate=0.05)
        d_weights = np.einsum("tbk,tbi->ki", d_z, x)
        weights = weights + adam.step("weights", d_weights / scale, rate=0.02)
        bias = bias + adam.step("bias", d_z.sum(axis=(0, 1)) / scale, rate=0.02)
    _, z, answer = material(500)
    logp, _, _ = score_spike_train(circuit, theta, z, answer)
    return np.sort(-logp.mean(axis=0) / STEPS)


# -- tables ----------------------------------------------------------------------------------------


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
    print(markdown("circuit", *TASKS, head=True))
    for name, circuit in (("layered (1,1)", ansatz.layered()), ("paper", ansatz.paper())):
        cells = []
        for task in TASKS:
            losses = np.array(
                [told(f"{name}, {task}", s, learn_temporal(task, circuit, s)) for s in seeds]
            )
            cells.append(outcome(losses))
        print(markdown(name, *cells), flush=True)


def print_layers(seeds: range, tasks: tuple[str, ...] = tuple(LAGS)) -> None:
    """Print what two layers learn inside Lava beside what one layer can."""
    print(
        f"\nOne layer and two: NLL per step. Two layers ({HIDDEN} hidden, {VISIBLE} visible "
        f"neurons) learn inside Lava: how many of {len(seeds)} seeds get below the proven floor of "
        "one layer behind one connection and behind two; median and range. Lone neurons learn "
        "offline: the best of 80\n"
    )
    lone = ("one connection: proven floor, best", "two connections: proven floor, best")
    both = ("two layers", "the same, hidden ones fixed")
    print(markdown("answer of step t", *lone, *both, head=True))
    for task in tasks:
        floors = [lone_bound(task, d + 1) for d in range(CONNECTION_DELAYS)]
        cells = []
        for d, floor in enumerate(floors):
            alone = [lone_losses(task, d + 1, c)[0] for c in (ansatz.layered(), DEEP)]
            cells.append(f"{floor:.3f}, {min(alone):.3f}")
        for learn in (True, False):
            name = task if learn else f"{task}, hidden fixed"
            losses = np.array(
                [told(name, s, learn_two_layers(task, s, hidden_learn=learn)) for s in seeds]
            )
            below = " and ".join(str((losses < floor).sum()) for floor in floors)
            cells.append(f"{below}; {summary(losses)}")
        print(markdown(task, *cells), flush=True)


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
    # An untrained weight drives some neurons beyond z = 1; the angle is learned with it.
    warnings.filterwarnings("ignore", "[0-9]+ input currents exceed 1")
    seeds = range(args.seeds)
    if args.only != "layers":
        print_temporal(seeds)
    if args.only != "temporal":
        print_layers(seeds, (args.task,) if args.task else tuple(LAGS))
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
