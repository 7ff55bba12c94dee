"""The main job: a hybrid network that learns handwritten digits and runs in Lava.

Rate-coded pixels -> Dense -> 32 noisy SQS neurons -> Dense -> 10 LIF neurons, one per digit.
"""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import lava_sqs._supervision  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIFReset
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from lava_sqs._checks import check_choice, check_seed
from lava_sqs._files import write_figure
from lava_sqs.learning import Optimizer
from lava_sqs.proc.sqs.process import SQS
from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.diagnostics import purity
from lava_sqs.quantum.population import BACKENDS
from lava_sqs.quantum.sensitivity import score_spike_train
from lava_sqs.running import SQSSimCfg, runtime

__all__ = ["DemoResult", "run_demo"]

Array = NDArray[Any]

NEURONS, STEPS = 32, 20
PERIOD = STEPS + 2  # two connections, each one step late
CIRCUIT = ansatz.layered(io_qubits=1, memory_qubits=2)
NOISE = NoiseModel.preset("ibm_torino")
CHECKED_STEPS = 4  # of the literal QuTiP neurons, tens of milliseconds per neuron and step
VTH = 1.0  # evidence (in logits) per vote: large against what one step adds


@dataclass(frozen=True)
class DemoResult:
    """What the demo saw; ``str()`` is the summary it prints.

    T steps in Lava, n digits shown, K SQS neurons.

    Attributes
    ----------
    images : ndarray, shape (n, 8, 8)
        Digits shown in Lava.
    labels, predictions : ndarray of int, shape (n,)
        What they are, and what the network said.
    input_spikes : ndarray, shape (T, 64)
        Of the pixels.
    sqs_spikes : ndarray, shape (T, K)
        Of the SQS neurons.
    memory_purity : ndarray, shape (T, K)
        Of their memories.
    readout_spikes : ndarray, shape (T, 10)
        Votes of the readout.
    offline_accuracy : float
        Of the test digits, outside Lava.
    n_train, n_test : int
        Number of digits.
    backend : str
        Engine inside Lava.
    worst_p : float
        Largest difference to the spike probability of literal QuTiP neurons.
    same_spikes : bool
        Whether those made the same spikes.
    seed : int
        Of everything.
    seconds : tuple of float
        Of learning, of the run in Lava, of the check.

    Examples
    --------
    >>> run_demo(seed=0).same_spikes  # doctest: +SKIP
    True
    """

    images: Array
    labels: Array
    predictions: Array
    input_spikes: Array
    sqs_spikes: Array
    memory_purity: Array
    readout_spikes: Array
    offline_accuracy: float
    n_train: int
    n_test: int
    backend: str
    worst_p: float
    same_spikes: bool
    seed: int
    seconds: tuple[float, float, float]

    def __str__(self) -> str:
        train, lava, check = self.seconds
        right = int((self.predictions == self.labels).sum())
        same = "the same" if self.same_spikes else "NOT the same"
        rows = [
            (
                "network",
                f"64 pixels -> Dense -> SQS({NEURONS}, memory_qubits={CIRCUIT.memory_qubits}, "
                f"{CIRCUIT.name}) -> Dense -> LIF(10)",
            ),
            ("noise", "preset ibm_torino"),
            (
                "learning",
                f"local, exact scores: 2 epochs of {self.n_train} digits in {train:.1f} s",
            ),
            ("test digits", f"{self.offline_accuracy:.1%} of {self.n_test} right, offline"),
            (
                "run in Lava",
                f"{len(self.labels)} digits, {len(self.sqs_spikes)} steps in {lava:.1f} s, "
                f"backend {self.backend}",
            ),
            ("in Lava", f"{right} of {len(self.labels)} digits right"),
            (
                "spikes",
                f"input {int(self.input_spikes.sum())}, SQS {int(self.sqs_spikes.sum())} "
                f"({self.sqs_spikes.mean():.2f} per neuron and step), "
                f"readout {int(self.readout_spikes.sum())}",
            ),
            (
                "memory purity",
                f"{self.memory_purity.mean():.3f} on average (pure 1, fully mixed "
                f"{1 / 2**CIRCUIT.memory_qubits:.2f})",
            ),
            (
                "check",
                f"literal QuTiP neurons with this seed: {same} {NEURONS * CHECKED_STEPS} outcomes, "
                f"|p - p_qutip| <= {self.worst_p:.1e} ({check:.1f} s)",
            ),
            ("seed", f"{self.seed}"),
        ]
        return "\n".join(f"{key + ':':<15}{value}" for key, value in rows)


def run_demo(seed: int | None = 0, *, backend: str | None = None) -> DemoResult:
    """Learn, run in Lava, check against QuTiP.

    Parameters
    ----------
    seed : int, optional
        None draws one.
    backend : {"instrument", "trajectory", "qutip"}, optional
        Engine of the SQS neurons inside Lava. With ``qutip`` one digit is shown instead of ten.

    Returns
    -------
    DemoResult

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> print(run_demo(seed=0))  # doctest: +SKIP
    network:       64 pixels -> Dense -> SQS(32, memory_qubits=2, layered) -> Dense -> LIF(10)
    ...
    """
    seed = check_seed("seed", seed)
    if backend is not None:
        check_choice("backend", backend, BACKENDS)
    for_learning, for_rate_code, for_sqs = np.random.SeedSequence(seed).spawn(3)
    sqs_seed = int(for_sqs.generate_state(1)[0])

    pixels, digits = load_digits(return_X_y=True)
    pixels = pixels / 16.0
    train, test = train_test_split(
        np.arange(len(digits)), test_size=0.3, stratify=digits, random_state=seed % 2**32
    )
    start = time.perf_counter()
    rng = np.random.default_rng(for_learning)
    weights, bias, theta = learn(pixels[train], digits[train], rng)
    readout, accuracy = fit_readout(
        pixels, digits, train, test, weights, bias, theta, rng, sqs_seed
    )
    learned = time.perf_counter() - start

    # One digit of each kind that the network has never seen, in random order.
    rng = np.random.default_rng(for_rate_code)
    shown = rng.permutation([rng.choice(test[digits[test] == d]) for d in range(10)])
    shown = shown[: 1 if backend == "qutip" else 10]
    x = np.zeros((len(shown), PERIOD, 64))
    x[:, :STEPS] = rate_code(pixels[shown], rng).transpose(1, 0, 2)
    x = x.reshape(-1, 64)

    start = time.perf_counter()
    sqs, votes = run_in_lava(x, weights, bias, theta, readout, sqs_seed, backend)
    ran = time.perf_counter() - start
    counts = votes.reshape(len(shown), PERIOD, 10).sum(axis=1)
    memory = sqs.recording.memory
    start = time.perf_counter()
    worst, same = check_against_qutip(sqs)
    return DemoResult(
        images=pixels[shown].reshape(-1, 8, 8),
        labels=digits[shown],
        predictions=counts.argmax(axis=1),
        input_spikes=x,
        sqs_spikes=sqs.recording.s_out,
        # above four memory qubits, or in trajectories, this would be another quantity
        memory_purity=purity(memory),
        readout_spikes=votes,
        offline_accuracy=accuracy,
        n_train=len(train),
        n_test=len(test),
        backend="qutip" if backend == "qutip" else sqs.backend,
        worst_p=worst,
        same_spikes=same,
        seed=seed,
        seconds=(learned, ran, time.perf_counter() - start),
    )


def rate_code(pixels: Array, rng: np.random.Generator) -> Array:
    """Spikes (STEPS, n, 64): each pixel spikes with its brightness as probability."""
    return np.asarray(rng.random((STEPS, *pixels.shape)) < pixels, dtype=float)


def learn(pixels: Array, digits: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Each SQS neuron learns, by its own exact score, to tell five of the digits from the rest."""
    code = np.array([rng.permutation([0, 1] * 5) for _ in range(NEURONS)]).T  # (10, NEURONS)
    weights = rng.normal(0, 0.05, (NEURONS, 64))
    bias = np.full((NEURONS, 1), 0.5)
    theta = rng.normal(0, 0.3, (NEURONS, CIRCUIT.n_params))
    adam = Optimizer("adam")
    batches = [
        order[i : i + 64]
        for order in (rng.permutation(len(digits)) for _ in range(2))
        for i in range(0, len(digits), 64)
    ]
    for batch in tqdm(batches, desc="learn", unit="batch", disable=not sys.stderr.isatty()):
        x = rate_code(pixels[batch], rng)
        z = x @ weights.T + bias[:, 0]
        target = np.broadcast_to(code[digits[batch]], z.shape)
        _, d_theta, d_z = score_spike_train(CIRCUIT, theta, z, target, noise=NOISE)
        n = len(batch) * STEPS
        d_weights = np.tensordot(d_z, x, axes=((0, 1), (0, 1)))
        weights += adam.step("weights", d_weights / n, rate=0.01)
        bias += adam.step("bias", d_z.sum(axis=(0, 1))[:, None] / n, rate=0.01)
        theta += adam.step("theta", d_theta / n, rate=0.02)
    return weights, bias[:, 0], theta


def fit_readout(
    pixels: Array,
    digits: Array,
    train: Array,
    test: Array,
    weights: Array,
    bias: Array,
    theta: Array,
    rng: np.random.Generator,
    seed: int,
) -> tuple[tuple[Array, Array], float]:
    """Fit the weights of the readout to spike counts; return them and the test accuracy."""
    z = np.zeros((STEPS + 1, len(pixels), NEURONS))
    z[1:] = rate_code(pixels, rng) @ weights.T  # a connection is one step late
    with warnings.catch_warnings():  # a few currents beyond a full flip do no harm here
        warnings.filterwarnings("ignore", ".*input currents exceed 1")
        population = Population(CIRCUIT, theta, batch=len(pixels), noise=NOISE, seed=seed)
        counts = population.run(z + bias, record=()).spikes.sum(axis=0)
    model = LogisticRegression(C=0.01, max_iter=2000).fit(counts[train], digits[train])
    readout = (model.coef_, model.intercept_ / (STEPS + 1))
    return readout, float(model.score(counts[test], digits[test]))


def run_in_lava(
    x: Array,
    weights: Array,
    bias: Array,
    theta: Array,
    readout: tuple[Array, Array],
    seed: int,
    backend: str | None,
) -> tuple[SQS, Array]:
    """Run the network on the spikes x (T, 64); return the SQS Process and the readout's spikes."""
    source = Source(data=x.T)
    dense_in = Dense(weights=weights)
    sqs = SQS(
        shape=(NEURONS,),
        ansatz=CIRCUIT,
        theta=theta,
        noise=NOISE,
        bias=bias,
        seed=seed,
        backend=None if backend == "qutip" else backend,
        reset_interval=PERIOD,
        reset_offset=1,
        record=("a_in", "s_out", "p_spike", "memory"),
        name="sqs",
    )
    dense_out = Dense(weights=readout[0])
    # No leak: the voltage is the evidence for a digit so far, and a spike a vote for it.
    lif = LIFReset(
        shape=(10,), du=1.0, dv=0.0, bias_mant=readout[1], vth=VTH,
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
        with runtime(sqs, config) as net:
            shown = range(len(x) // PERIOD)
            for _ in tqdm(shown, desc="run in Lava", unit="digit", disable=not sys.stderr.isatty()):
                net.run(PERIOD)
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
    """Write the picture of the run."""
    import matplotlib

    from lava_sqs.plot._axes import traces
    from lava_sqs.plot.spikes import raster

    figure = matplotlib.figure.Figure(figsize=(12, 9.5), layout="constrained")
    figure.suptitle("Handwritten digits through a hybrid network in Lava: shown → said")
    n = len(result.labels)
    grid = figure.add_gridspec(5, n, height_ratios=[1.1, 2.2, 2.2, 1.5, 1.6])
    for i, image in enumerate(result.images):
        ax = figure.add_subplot(grid[0, i])
        ax.imshow(image, cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        right = result.predictions[i] == result.labels[i]
        ax.set_title(
            f"{result.labels[i]} → {result.predictions[i]} {'✓' if right else '✗'}",
            color="tab:green" if right else "tab:red",
            fontsize=11,
        )
    axes = [figure.add_subplot(grid[row, :]) for row in range(1, 5)]
    raster(result.input_spikes, axes[0], color="0.35")
    axes[0].set(ylabel="pixel", title="Input: 64 pixels spike with their brightness")
    raster(result.sqs_spikes, axes[1], color="tab:blue")
    axes[1].set(
        ylabel="neuron",
        title=f"{NEURONS} quantum neurons: one measurement, one spike or none, in every time step",
    )
    traces(axes[2], result.memory_purity, None, color="tab:purple")
    axes[2].axhline(1, color="0.7", lw=0.8)
    axes[2].legend(loc="lower right", ncols=2, fontsize=8, frameon=False)
    axes[2].set(
        ylabel="purity",
        title="Their quantum memories (2 qubits each): 1 is a pure state; the noise of a device "
        "(ibm_torino) lowers it, a reset restores it",
    )
    raster(result.readout_spikes, axes[3], color="0.6", size=40)
    truth = np.repeat(np.eye(10)[result.labels], PERIOD, axis=0)
    raster(result.readout_spikes * truth, axes[3], color="tab:green", size=70)
    axes[3].set(
        ylabel="digit",
        yticks=range(10),
        title="Readout: 10 classical LIF neurons vote; votes for the right digit are green",
    )
    for ax in axes:
        ax.set_xlabel("")
        for border in range(1, n):
            ax.axvline(border * PERIOD + 0.5, color="0.85", lw=1, zorder=0)
        ax.set_xlim(0.5, n * PERIOD + 0.5)
    axes[-1].set_xlabel(f"time step ({PERIOD} per digit, the memories are reset in between)")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_figure(path, figure, dpi=110)
