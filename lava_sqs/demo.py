"""The main job: a hybrid network that learns handwritten digits and runs in Lava.

Pixels -> Dense -> 64 noisy SQS neurons -> Dense -> 10 LIF neurons, one per digit. Every layer
learns by a local rule.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIFReset
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from lava_sqs import _seeds
from lava_sqs._checks import check_choice
from lava_sqs._files import write_figure
from lava_sqs._seeds import check_seed
from lava_sqs.execution.running import SQSSimCfg, runtime
from lava_sqs.network.readout import accuracy_interval
from lava_sqs.optimizers import Optimizer
from lava_sqs.proc.sqs.process import SQS
from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.engines.choose import BACKENDS
from lava_sqs.quantum.scores.recorded import score_spike_train

__all__ = ["DemoResult", "run_demo"]

Array = NDArray[Any]

NEURONS, STEPS = 64, 20
PERIOD = STEPS + 2  # two connections, each one step late
CIRCUIT = ansatz.layered(io_qubits=1, memory_qubits=2)
NOISE = NoiseModel.preset("ibm_torino")
EPOCHS, BATCH = 4, 64
ROUNDS = 3  # of ten digits, in Lava
CHECKED_STEPS = 4  # of the literal QuTiP neurons, tens of milliseconds per neuron and step
VTH = 0.5  # evidence (in logits) per vote


@dataclass
class Learned:
    """All that is learned: two connections, the currents and angles of the neurons between."""

    weights: Array
    bias: Array
    theta: Array
    readout: Array
    readout_bias: Array


@dataclass(frozen=True)
class DemoResult:
    """What the demo saw; ``str()`` is the summary it prints.

    T steps in Lava, n digits shown there, K SQS neurons of M memory qubits, N test digits.

    Attributes
    ----------
    images : ndarray, shape (n, 8, 8)
        Digits shown in Lava.
    labels, predictions : ndarray of int, shape (n,)
        What they are, and what the network said.
    input_spikes : ndarray, shape (T, 64)
        Of the pixels.
    sqs_spikes : ndarray, shape (T, K)
        Of the quantum neurons.
    memory : ndarray, shape (T, K, 4**M)
        Pauli vectors of their memories.
    readout_spikes : ndarray, shape (T, 10)
        Votes, one channel per digit.
    curve : ndarray, shape (epochs,)
        Test accuracy after each epoch, outside Lava.
    confusion : ndarray of int, shape (10, 10)
        Test digits by true class and answer, outside Lava, after the last epoch.
    n_train : int
        Digits learned from.
    backend : str
        Engine of the neurons inside Lava.
    worst_p : float
        Largest difference between a probability and that of the literal QuTiP neuron.
    same_spikes : bool
        Whether the literal QuTiP neurons said the same.
    same_votes : bool
        Whether the classical readout said in Lava what it says outside.
    seed : int
        Fixes everything but the seconds.
    seconds : tuple of float
        Of learning, Lava and the check.

    Examples
    --------
    >>> from lava_sqs.demo import run_demo
    >>> run_demo(seed=0).accuracy  # doctest: +SKIP
    0.8944444444444445
    """

    images: Array = field(repr=False)
    labels: Array = field(repr=False)
    predictions: Array = field(repr=False)
    input_spikes: Array = field(repr=False)
    sqs_spikes: Array = field(repr=False)
    memory: Array = field(repr=False)
    readout_spikes: Array = field(repr=False)
    curve: Array = field(repr=False)
    confusion: Array = field(repr=False)
    n_train: int
    backend: str
    worst_p: float
    same_spikes: bool
    same_votes: bool
    seed: int
    seconds: tuple[float, float, float]

    @property
    def accuracy(self) -> float:
        """Of the test digits, outside Lava."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def agrees(self) -> bool:
        """Whether both checks succeeded."""
        return self.same_spikes and self.same_votes

    def __str__(self) -> str:
        train, lava, check = self.seconds
        n, right = int(self.confusion.sum()), int(np.trace(self.confusion))
        (low, high), _ = accuracy_interval(np.arange(n)[None] < right)
        right_in_lava = int((self.predictions == self.labels).sum())
        spikes, votes = (
            "the same" if same else "NOT the same" for same in (self.same_spikes, self.same_votes)
        )
        rows = [
            ("task", "8x8 images of handwritten digits; say which digit it is"),
            (
                "network",
                f"64 pixels -> {NEURONS} quantum spiking neurons -> 10 classical spiking neurons "
                "that vote",
            ),
            (
                "neuron",
                f"{CIRCUIT.io_qubits} qubit that is measured: a spike or none, once per time step; "
                f"{CIRCUIT.memory_qubits} qubits that remember",
            ),
            ("noise", f"as of the quantum computer {NOISE.name}"),
            (
                "learning",
                f"{EPOCHS} times through {self.n_train} digits in {train:.1f} s, each neuron by "
                "itself (no backpropagation)",
            ),
            (
                "accuracy",
                f"{self.accuracy:.1%} of {n} new digits (95 % interval {low:.1%} to {high:.1%}; "
                "guessing: 10 %)",
            ),
            (
                "in Lava",
                f"{right_in_lava} of {len(self.labels)} new digits right, "
                f"{len(self.sqs_spikes)} time steps in {lava:.1f} s (engine: {self.backend})",
            ),
            (
                "check",
                f"{NEURONS * CHECKED_STEPS} quantum outcomes, simulated gate by gate in QuTiP: "
                f"{spikes}; their probabilities differ by {self.worst_p:.0e} at most "
                f"({check:.1f} s)",
            ),
            (
                "",
                f"{int(self.readout_spikes.sum())} classical votes, computed outside Lava: {votes}",
            ),
            ("seed", f"{self.seed}"),
        ]
        return "\n".join(f"{key + ':' if key else '':<10}{value}" for key, value in rows)


def run_demo(seed: int | None = 0, *, backend: str | None = None) -> DemoResult:
    """Learn, run in Lava, check against QuTiP.

    Parameters
    ----------
    seed : int, optional
        None draws one.
    backend : {"instrument", "density", "trajectory", "qutip"}, optional
        Engine of the SQS neurons inside Lava. With ``qutip`` one digit is shown instead of thirty.

    Returns
    -------
    DemoResult

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    It learns for some seconds:

    >>> from lava_sqs.demo import run_demo
    >>> print(run_demo(seed=0))  # doctest: +SKIP
    """
    seed = check_seed("seed", seed)
    if backend is not None:
        check_choice("backend", backend, BACKENDS)
    sqs_seed = _seeds.of_sequence(_seeds.sequence(seed, 2))

    pixels, digits = load_digits(return_X_y=True)
    pixels = pixels / 16.0
    train, test = train_test_split(
        np.arange(len(digits)), test_size=0.3, stratify=digits, random_state=seed % 2**32
    )
    start = time.perf_counter()
    rng = _seeds.stream(seed, 0)
    net, answers = learn(pixels, digits, train, test, rng)
    learned = time.perf_counter() - start
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (digits[test], answers[-1]), 1)

    # Digits that the network has never seen: one of each kind, in random order, three times.
    rng = _seeds.stream(seed, 1)
    chosen = [rng.permuted(test[digits[test] == d])[:ROUNDS] for d in range(10)]
    shown = np.concatenate([rng.permutation(each) for each in np.transpose(chosen)])
    shown = shown[: 1 if backend == "qutip" else None]
    periods = np.zeros((len(shown), PERIOD, 64))
    periods[:, :STEPS] = rate_code(pixels[shown], rng).transpose(1, 0, 2)
    x = periods.reshape(-1, 64)

    start = time.perf_counter()
    sqs, votes = run_in_lava(x, net, sqs_seed, backend)
    ran = time.perf_counter() - start
    # A vote hears the spike of the step before; what a reset step hears is of the digit before.
    said = votes.reshape(len(shown), PERIOD, 10)[:, 1:]
    heard = sqs.recording.s_out.reshape(len(shown), PERIOD, NEURONS)[:, :-1]
    expected = vote(heard.transpose(1, 0, 2), net)

    start = time.perf_counter()
    worst, same = check_against_qutip(sqs)
    return DemoResult(
        images=pixels[shown].reshape(-1, 8, 8),
        labels=digits[shown],
        predictions=said.sum(axis=1).argmax(axis=1),
        input_spikes=x,
        sqs_spikes=sqs.recording.s_out,
        memory=sqs.recording.memory,
        readout_spikes=votes,
        curve=(answers == digits[test]).mean(axis=1),
        confusion=confusion,
        n_train=len(train),
        backend="qutip" if backend == "qutip" else sqs.backend,
        worst_p=worst,
        same_spikes=same,
        same_votes=bool((said.transpose(1, 0, 2) == expected).all()),
        seed=seed,
        seconds=(learned, ran, time.perf_counter() - start),
    )


def rate_code(pixels: Array, rng: np.random.Generator) -> Array:
    """Spikes (STEPS, n, 64): each pixel spikes with its brightness as probability."""
    return np.asarray(rng.random((STEPS, *pixels.shape)) < pixels, dtype=float)


def learn(
    pixels: Array, digits: Array, train: Array, test: Array, rng: np.random.Generator
) -> tuple[Learned, Array]:
    """Learn both layers, side by side; return them and the answers to the test digits per epoch.

    Each quantum neuron learns, by its own exact score, to tell five of the digits from the rest.
    Each classical one learns by the delta rule from the spikes it hears.
    """
    code = np.array([rng.permutation([0, 1] * 5) for _ in range(NEURONS)]).T  # (10, NEURONS)
    net = Learned(
        weights=rng.normal(0, 0.05, (NEURONS, 64)),
        bias=np.full(NEURONS, 0.5),
        theta=rng.normal(0, 0.3, (NEURONS, CIRCUIT.n_params)),
        readout=np.zeros((10, NEURONS)),
        readout_bias=np.zeros(10),
    )
    adam = Optimizer("adam")
    answers = []
    updates = EPOCHS * math.ceil(len(train) / BATCH)
    with tqdm(total=updates, desc="learn", unit="batch", disable=not sys.stderr.isatty()) as bar:
        for _ in range(EPOCHS):
            order = rng.permutation(train)
            for start in range(0, len(order), BATCH):
                batch = order[start : start + BATCH]
                fade = (1 + math.cos(math.pi * bar.n / updates)) / 2
                x = rate_code(pixels[batch], rng)
                heard = spikes_of(x, net, rng).sum(axis=0)
                logits = heard @ net.readout.T + len(x) * net.readout_bias
                error = np.eye(10)[digits[batch]] - softmax(logits, axis=1)
                steps = {"readout": error.T @ heard, "readout_bias": error.sum(axis=0)}
                for name, gradient in steps.items():
                    moved = adam.step(name, gradient / len(batch), rate=0.005 * fade)
                    setattr(net, name, getattr(net, name) + moved)

                z = x @ net.weights.T + net.bias
                target = np.broadcast_to(code[digits[batch]], z.shape)
                _, d_theta, d_z = score_spike_train(CIRCUIT, net.theta, z, target, noise=NOISE)
                d_weights = np.tensordot(d_z, x, axes=((0, 1), (0, 1)))
                n = len(batch) * STEPS
                net.weights += adam.step("weights", d_weights / n, rate=0.006 * fade)
                net.bias += adam.step("bias", d_z.sum(axis=(0, 1)) / n, rate=0.006 * fade)
                net.theta += adam.step("theta", d_theta / n, rate=0.012 * fade)
                bar.update()
            heard = spikes_of(rate_code(pixels[test], rng), net, rng)
            answers.append(vote(heard, net).sum(axis=0).argmax(axis=1))
    return net, np.array(answers)


def spikes_of(x: Array, net: Learned, rng: np.random.Generator) -> Array:
    """Spikes (STEPS + 1, n, NEURONS) that the quantum neurons make of input spikes x."""
    z = np.zeros((len(x) + 1, x.shape[1], NEURONS))
    z[1:] = x @ net.weights.T  # a connection is one step late
    with warnings.catch_warnings():  # a few currents beyond a full flip do no harm here
        warnings.filterwarnings("ignore", ".*input currents exceed 1")
        population = Population(
            CIRCUIT, net.theta, batch=x.shape[1], noise=NOISE, seed=int(rng.integers(2**63))
        )
        return population.run(z + net.bias, record=()).spikes


def vote(heard: Array, net: Learned) -> Array:
    """Votes (steps, n, 10) of the classical neurons, which add up what they hear without a leak."""
    voltage = np.zeros((heard.shape[1], 10))
    votes = np.zeros((*heard.shape[:2], 10), dtype=np.int8)
    for spikes, voted in zip(heard, votes, strict=True):
        voltage = voltage + spikes @ net.readout.T + net.readout_bias
        voted[:] = voltage > VTH
        voltage[voted == 1] = 0.0
    return votes


def run_in_lava(x: Array, net: Learned, seed: int, backend: str | None) -> tuple[SQS, Array]:
    """Run the network on the spikes x (T, 64); return the SQS Process and the readout's spikes."""
    source = Source(data=x.T)
    dense_in = Dense(weights=net.weights)
    sqs = SQS(
        shape=(NEURONS,),
        ansatz=CIRCUIT,
        theta=net.theta,
        noise=NOISE,
        bias=net.bias,
        seed=seed,
        backend=None if backend == "qutip" else backend,
        reset_interval=PERIOD,
        reset_offset=1,
        record=("a_in", "s_out", "p_spike", "memory"),
        name="sqs",
    )
    dense_out = Dense(weights=net.readout)
    # No leak: the voltage is the evidence for a digit so far, and a spike a vote for it.
    lif = LIFReset(
        shape=(10,), du=1.0, dv=0.0, bias_mant=net.readout_bias, vth=VTH,
        reset_interval=PERIOD, reset_offset=2,
    )  # fmt: skip
    sink = Sink(shape=(10,), buffer=len(x))
    source.s_out.connect(dense_in.s_in)
    dense_in.a_out.connect(sqs.a_in)
    sqs.s_out.connect(dense_out.s_in)
    dense_out.a_out.connect(lif.a_in)
    lif.s_out.connect(sink.a_in)
    config = SQSSimCfg(select_tag="floating_pt", backend="qutip" if backend == "qutip" else None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input currents exceed 1")  # the models inherit it
        with runtime(sqs, config) as running:
            shown = range(len(x) // PERIOD)
            for _ in tqdm(shown, desc="run in Lava", unit="digit", disable=not sys.stderr.isatty()):
                running.run(PERIOD)
            votes = sink.data.get().T
    return sqs, votes


def check_against_qutip(sqs: SQS) -> tuple[float, bool]:
    """Compare the first steps that Lava made with literal QuTiP neurons of the same seed."""
    steps = slice(0, CHECKED_STEPS)
    z = sqs.recording.a_in[steps] + sqs.bias.init
    z[0] = sqs.bias.init  # a reset step
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input currents exceed 1")
        literal = Population(
            sqs.ansatz, sqs.theta.init, noise=sqs.noise, seed=sqs.seed, backend="qutip"
        ).run(z)
    worst = float(np.abs(literal.p_spike - sqs.recording.p_spike[steps]).max())
    return worst, bool((literal.spikes == sqs.recording.s_out[steps]).all())


def draw(result: DemoResult, path: Path) -> None:
    """Write the picture of the run: its first ten digits, what was learned, what goes wrong."""
    from matplotlib.figure import Figure

    from lava_sqs.plot import confusion_matrix, learning_curve

    figure = Figure(figsize=(15, 8.6), layout="constrained")
    figure.suptitle(
        f"Handwritten digits, {NEURONS} quantum spiking neurons and 10 classical ones, in Intel's "
        "Lava",
        fontsize=15,
    )
    halves: Any = figure.subfigures(1, 2, width_ratios=[2.5, 1])
    running, learning = halves
    _draw_run(result, running)
    top, bottom = learning.subplots(2, 1, height_ratios=[1, 1.35])
    learning_curve(result.curve, top, value="accuracy", chance=0.1)
    top.set(ylim=(0, 1), title="Learning, every neuron by itself")
    top.set_xlabel(f"times through {result.n_train} digits")
    top.set_ylabel(f"accuracy on {result.confusion.sum()} other digits")
    confusion_matrix(result.confusion, bottom)
    bottom.set(
        title=f"Afterwards: {result.accuracy:.1%} right", xlabel="answer", ylabel="true digit"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_figure(path, figure, dpi=110)


def _draw_run(result: DemoResult, running: Any) -> None:
    """Draw the first ten digits, and under each what happened in its time steps."""
    from lava_sqs.plot import memory_purity, raster
    from lava_sqs.plot._axes import COLOURS

    blue, orange, grey = COLOURS[0], COLOURS[1], "0.35"
    n = min(len(result.labels), 10)
    shown = slice(0, n * PERIOD)
    grid = running.add_gridspec(5, n, height_ratios=[1.1, 2.0, 2.0, 1.3, 1.6])
    for i, (image, label, answer) in enumerate(
        zip(result.images[:n], result.labels, result.predictions, strict=False)
    ):
        ax = running.add_subplot(grid[0, i])
        ax.imshow(image, cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        right = label == answer
        ax.set_title(
            f"{label} → {answer} {'✓' if right else '✗'}",
            color=blue if right else orange,
            fontweight="normal" if right else "bold",
            fontsize=11,
        )
    axes = [running.add_subplot(grid[row, :]) for row in range(1, 5)]
    raster(result.input_spikes[shown], axes[0], color=grey)
    axes[0].set(ylabel="pixel", title="Input: each of 64 pixels spikes the more, the darker it is")
    raster(result.sqs_spikes[shown], axes[1], color=COLOURS[2])
    axes[1].set(
        ylabel="neuron",
        title=f"{NEURONS} quantum neurons: one measurement per time step, a spike or none",
    )
    memory_purity(result.memory[shown], axes[2], color=COLOURS[3])
    axes[2].axhline(1, color="0.7", lw=0.8)
    axes[2].legend(loc="lower right", ncols=2, fontsize=8, frameon=False)
    axes[2].set(
        ylabel="purity",
        title=f"Their memories, {CIRCUIT.memory_qubits} qubits each: pure after a reset, then "
        f"mixed by noise as of {NOISE.name}",
    )
    votes = result.readout_spikes[shown]
    truth = np.repeat(np.eye(10)[result.labels[:n]], PERIOD, axis=0)
    raster(votes * (1 - truth), axes[3], color=orange, size=40)
    raster(votes * truth, axes[3], color=blue, size=70)
    axes[3].set(
        ylabel="digit",
        yticks=range(10),
        ylim=(9.6, -0.6),
        title="Votes of 10 classical LIF neurons: for the right digit (blue), for another (orange)",
    )
    axes[3].tick_params(axis="y", labelsize=8)
    for ax in axes:
        ax.set_xlabel("")
        ax.tick_params(labelbottom=ax is axes[-1])
        for border in range(1, n):
            ax.axvline(border * PERIOD + 0.5, color="0.85", lw=1, zorder=0)
        ax.set_xlim(0.5, n * PERIOD + 0.5)
    axes[-1].set_xlabel(f"time step ({PERIOD} per digit)")
