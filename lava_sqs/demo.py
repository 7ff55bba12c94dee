"""The main job: a hybrid network that learns handwritten digits and runs in Lava.

Pixels -> 64 noisy SQS neurons -> 10 stochastic LIF neurons, one per digit: an `SQSNN` whose layers
are of two kinds. Every neuron learns by a local rule.
"""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from numpy.typing import NDArray

from lava_sqs import _seeds
from lava_sqs._checks import check_choice, check_flag
from lava_sqs._files import write_figure
from lava_sqs._seeds import check_seed
from lava_sqs.data import load_digits
from lava_sqs.execution.running import SQSSimCfg
from lava_sqs.network import SQSNN, SQSLayer
from lava_sqs.network.readout import accuracy_interval
from lava_sqs.network.simulate import LayerTrace, forward, sequential_uniforms
from lava_sqs.quantum import NoiseModel, Population, ansatz

__all__ = ["DemoResult", "run_demo"]

Array = NDArray[Any]

NEURONS, STEPS = 64, 16
PERIOD = STEPS + 2  # two connections, each one step late
CIRCUIT = ansatz.layered(io_qubits=1, memory_qubits=2)
NOISE = NoiseModel.preset("ibm_torino")
EPOCHS, BATCH = 3, 64
ROUNDS, LIVE_ROUNDS = 3, 40  # of ten digits, in Lava; so many more that one sees something
CHECKED_STEPS = 4  # of the literal QuTiP neurons, tens of milliseconds per neuron and step


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
        Spikes of the pixels.
    sqs_spikes : ndarray, shape (T, K)
        Spikes of the quantum neurons.
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
        Seconds of learning, Lava and the check.

    Examples
    --------
    >>> from lava_sqs.demo import run_demo
    >>> run_demo(seed=0).accuracy  # doctest: +SKIP
    0.9088888888888889
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


def run_demo(seed: int | None = 0, *, backend: str | None = None, live: bool = False) -> DemoResult:
    """Learn, run in Lava, check against QuTiP.

    Parameters
    ----------
    seed : int, optional
        None draws one.
    backend : {"instrument", "qutip"}, optional
        Engine of the SQS neurons inside Lava. With ``qutip`` one digit is shown instead of thirty.
    live : bool
        Show 400 digits in Lava, and meanwhile what the neurons do: spikes, rates, purities.

    Returns
    -------
    DemoResult

    Raises
    ------
    TypeError, ValueError
        If `seed` or `backend` has the wrong type or value.

    Examples
    --------
    It learns for some seconds:

    >>> from lava_sqs.demo import run_demo
    >>> print(run_demo(seed=0))  # doctest: +SKIP
    """
    seed, literal, live = check_seed("seed", seed), backend == "qutip", check_flag("live", live)
    if backend is not None:
        check_choice("backend", backend, ("instrument", "qutip"))
    digits = load_digits()
    x, y = digits.x_test, digits.y_test
    network = SQSNN(
        layers=[SQSLayer(NEURONS, ansatz=CIRCUIT)],
        noise=NOISE,
        neuron="lif",
        neurons_per_class=1,
        skip=False,
        input_kind="static",
        n_steps=STEPS,
        epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=0.05,
        random_state=seed,
        verbose=sys.stderr.isatty(),
    )
    # Digits that the network has never seen: one of each kind, in random order, three times.
    rng = _seeds.stream(seed, 1)
    mixed = [rng.permuted(np.flatnonzero(y == d)) for d in range(10)]
    rounds = [[each[i] for each in mixed if i < len(each)] for i in range(LIVE_ROUNDS)]
    shown = np.concatenate([rng.permutation(each) for each in rounds[: None if live else ROUNDS]])
    shown = shown[: 1 if literal else None]
    config = SQSSimCfg(select_tag="floating_pt", backend="qutip" if literal else None)
    with warnings.catch_warnings():
        # A few currents beyond a full flip do no harm here, and the loss may still fall.
        warnings.filterwarnings("ignore", ".*input currents exceed 1|.*loss")
        start = time.perf_counter()
        network.fit(digits.x_train, digits.y_train, validation_data=(x, y))
        learned = time.perf_counter()
        votes = network.run_in_lava(x[shown], run_cfg=config, watch=live)
        ran = time.perf_counter()
        inputs, uniforms, (hidden, visible) = outside_lava(network, x[shown])
        angles = network.parameters_["hidden0"].angles
        quantum = Population(CIRCUIT, angles, batch=(len(shown),), noise=NOISE, seed=0)
        memory: Any = quantum.run(hidden.z, outcome=hidden.out.spikes, record=("memory",)).memory
        worst, same = check_against_qutip(network, hidden, uniforms)
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (y, network.predict(x)), 1)
    return DemoResult(
        images=x[shown] / 16.0,
        labels=y[shown],
        predictions=network.decide(votes),
        input_spikes=one_after_the_other(inputs),
        sqs_spikes=one_after_the_other(hidden.out.spikes),
        memory=one_after_the_other(memory),
        readout_spikes=votes.reshape(-1, 10),
        curve=np.array(network.accuracy_curve_),
        confusion=confusion,
        n_train=len(digits.x_train),
        backend="qutip" if literal else "instrument",
        worst_p=worst,
        same_spikes=same,
        same_votes=bool((votes.transpose(1, 0, 2) == visible.out.spikes).all()),
        seed=seed,
        seconds=(learned - start, ran - learned, time.perf_counter() - ran),
    )


def outside_lava(network: SQSNN, x: Array) -> tuple[Array, Array, list[LayerTrace]]:
    """Return what the same seed makes of digits outside Lava: inputs (T, n, 64), uniforms, traces.

    The uniforms are those of the hidden layer, (T, n, K).
    """
    spec, inputs = network.spec_, network.encode(x).transpose(1, 0, 2)
    streams = sequential_uniforms(spec, network.seed_, PERIOD)
    drawn = [next(streams) for _ in range(len(x))]
    uniforms = [np.concatenate(u, axis=1) for u in zip(*drawn, strict=True)]
    padded = np.concatenate([inputs, np.zeros((spec.depth, *inputs.shape[1:]))])
    return padded, uniforms[0], forward(spec, network.parameters_, inputs, uniforms)


def one_after_the_other(trains: Array) -> Array:
    """(steps, n, ...) of samples side by side -> (steps n, ...), as Lava runs them."""
    return trains.swapaxes(0, 1).reshape(-1, *trains.shape[2:])


def check_against_qutip(network: SQSNN, hidden: LayerTrace, uniforms: Array) -> tuple[float, bool]:
    """Compare the first steps of the first digit with literal QuTiP neurons of the same seed."""
    steps = slice(0, CHECKED_STEPS)
    angles = network.parameters_["hidden0"].angles
    literal = Population(CIRCUIT, angles, noise=NOISE, seed=0, backend="qutip").run(
        hidden.z[steps, 0], uniforms=uniforms[steps, 0]
    )
    worst = float(np.abs(literal.p_spike - hidden.out.p_spike[steps, 0]).max())
    return worst, bool((literal.spikes == hidden.out.spikes[steps, 0]).all())


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
    axes[2].legend(loc="upper right", ncols=2, fontsize=8, frameon=False)
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
