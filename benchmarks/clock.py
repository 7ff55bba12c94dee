r"""How far a season can be told after n unseen steps: one qubit against bits, on real series.

A neuron is reset at a known moment (January, or a peak of a laser), counts n steps in which it sees
nothing, and is asked whether the series is now above its middle. Everything is exact: of a machine
that says "above" with probability a(n), the balanced accuracy on some samples is

.. math:: \frac12 + \sum_n w_n a(n), \qquad
    w_n = \frac12 \Bigl(\frac{\#\{\text{above at } n\}}{\#\text{above}}
        - \frac{\#\{\text{below at } n\}}{\#\text{below}}\Bigr),

so that a series is its weights w, those of earlier samples to learn from and those of later ones to
be tested on. Angles climb the exact gradient from random starts (:mod:`benchmarks.modp` has it, and
what is known of bits); tables of bits do the same, and machines of bits are searched besides.
In the control the steps of both are put in one other order.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.modp import best_bits, gradient, law, one_bit
from lava_sqs import NoiseModel, ansatz
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import Ansatz
from lava_sqs.quantum.program import compile_program

Array = NDArray[Any]

RATE, UPDATES, SEEDS, STARTS = 0.05, 400, 10, 20
NOISE = "ibm_torino"


def clock() -> Ansatz:
    """Return a counter with a phase: count turns the memory, and so does the query, once.

    Then Margolus' gate, as in :func:`benchmarks.modp.counter`.
    """
    quarter = np.pi / 4
    gates = [("CRX", (0, 2), "turn"), ("CRX", (1, 2), "phase"), ("RY", 0, quarter)]
    gates += [("CX", (2, 0)), ("RY", 0, quarter), ("CX", (1, 0)), ("RY", 0, -quarter)]  # type: ignore[list-item]
    gates += [("CX", (2, 0)), ("RY", 0, -quarter)]  # type: ignore[list-item]
    return ansatz.from_gates(gates, io_qubits=2, memory_qubits=1, name="clock")


def table(bits: int, kind: str) -> Callable[[], Ansatz]:
    return lambda: ansatz.classical_memory(2, bits, table=kind)


#: What learns: (memory qubits or bits, whether it is classical, circuit).
LEARNERS: dict[str, tuple[int, bool, Callable[[], Ansatz]]] = {
    "one qubit, clock": (1, False, clock),
    "one qubit, layered": (1, False, lambda: ansatz.layered(2, 1)),
    "one qubit, layered, 2 layers": (1, False, lambda: ansatz.layered(2, 1, layers=2)),
    "one bit, additive": (1, True, table(1, "additive")),
    "one bit, full table": (1, True, table(1, "full")),
    "two bits, additive": (2, True, table(2, "additive")),
}
SEARCHED = "{} bits, best machine found"


# -- series --------------------------------------------------------------------------------------


def weights_of(above: Array) -> Array:
    """Return w (n,) of labels (samples, n), 1 where the series is above its middle."""
    above = np.asarray(above, bool)
    return np.asarray(
        0.5 * (above.sum(axis=0) / above.sum() - (~above).sum(axis=0) / (~above).sum())
    )


def windows_of(above: Array, starts: Array, steps: int) -> Array:
    """Return the labels (samples, steps) after each start."""
    starts = starts[starts + steps < len(above)]
    return np.asarray(above[starts[:, None] + 1 + np.arange(steps)])


def nino_above(folder: Path) -> tuple[Array, int]:
    """Sea surface temperatures by the month (statsmodels' elnino): above the median before 1984?

    With the first month of 1984; earlier ones are learned from.
    """
    from statsmodels.datasets import elnino

    values = elnino.load_pandas().data.iloc[:, 1:].to_numpy(float).ravel()
    cut = 34 * 12
    return values > np.median(values[:cut]), cut


def nino(folder: Path) -> tuple[Array, Array]:
    """48 months from January; from 1984 on tested."""
    above, cut = nino_above(folder)
    starts = np.arange(-1, len(above) - 1, 12)  # December: one step later is January
    first = windows_of(above[:cut], starts[starts < cut], 48)
    return first, windows_of(above, starts[starts >= cut - 1], 48)


def co2_above(folder: Path) -> tuple[Array, int, Array]:
    """Carbon dioxide on Mauna Loa by the week (statsmodels' co2): above its mean of the year?

    With the last week before 1980, and the year of every week.
    """
    from statsmodels.datasets import co2

    series = co2.load_pandas().data["co2"].interpolate()
    values, when = series.to_numpy(float), series.index
    trend = np.convolve(values, np.ones(52) / 52, mode="same")
    years = np.asarray(when.year)[26:-26]
    return (values > trend)[26:-26], int(np.searchsorted(years, 1980)) - 1, years


def co2(folder: Path) -> tuple[Array, Array]:
    """104 weeks of a year; from 1980 on tested."""
    above, cut, years = co2_above(folder)
    starts = np.nonzero(np.diff(years))[0]
    return (
        windows_of(above[: cut + 1], starts[starts < cut], 104),
        windows_of(above, starts[starts >= cut], 104),
    )


def laser_values(folder: Path) -> tuple[Array, float, int]:
    """Values of the Santa Fe laser, their median and how many are learned from."""
    values = np.load(folder / "santafe_laser.npz")["series"].astype(float)
    cut = 2000
    return values, float(np.median(values[:cut])), cut


def laser(folder: Path) -> tuple[Array, Array]:
    """Santa Fe laser, 36 steps from each peak; the first 2000 values are learned from."""
    values, middle, cut = laser_values(folder)
    inner = values[1:-1]
    peaks = 1 + np.nonzero((inner > values[:-2]) & (inner >= values[2:]) & (inner > middle))[0]
    above = values > middle
    return (
        windows_of(above[:cut], peaks[peaks < cut], 36),
        windows_of(above, peaks[peaks >= cut], 36),
    )


SERIES: dict[str, tuple[str, Callable[[Path], tuple[Array, Array]]]] = {
    "El Nino": ("48 months after January", nino),
    "CO2": ("104 weeks after New Year", co2),
    "laser": ("36 steps after a peak", laser),
}


def in_another_order(w: Array) -> Array:
    """Return the weights of the control: one order of the steps, the same for all samples."""
    return np.asarray(w[np.random.default_rng(0).permutation(len(w))])


# -- rows ----------------------------------------------------------------------------------------


def learned(circuit: Ansatz, w: Array, seeds: int, starts: int, updates: int) -> Array:
    """Return angles (seeds, P) that climbed the exact gradient, early steps first, then all.

    Each seed keeps the best of its starts, by what it learned from.

    Examples
    --------
    >>> learned(clock(), np.array([-0.5, 0.5]), 2, 4, 3).shape
    (2, 2)
    """
    program = compile_program(circuit)
    shape = (starts, circuit.n_params)
    drawn = [np.random.default_rng(s).uniform(-np.pi, np.pi, shape) for s in range(seeds)]
    theta = np.concatenate(drawn)
    adam, n = Optimizer("adam"), len(w)
    for i in range(updates):
        seen = min(n, max(3, int(np.ceil(n * (1 / 12 + 1.5 * i / updates)))))
        _, slope = gradient(program, theta, w[:seen])
        theta = theta + adam.step(
            "theta", slope, rate=RATE * 0.5 * (1 + np.cos(np.pi * i / updates))
        )
    best = np.reshape(judged(circuit, theta, w), (seeds, starts)).argmax(axis=1)
    return np.asarray(theta[np.arange(seeds) * starts + best])


def judged(circuit: Ansatz, theta: Array, w: Array, noise: str | None = None) -> list[float]:
    """Return the exact balanced accuracies of angles (seeds, P)."""
    program = compile_program(circuit, None if noise is None else NoiseModel.preset(noise))
    return [float(x) for x in 0.5 + law(program, program.build(theta), len(w))[0] @ w]


def learner(
    name: str, train: Array, test: Array, *, seeds: int, starts: int, updates: int
) -> dict[str, Any]:
    """Return what a circuit or a table learns, over seeds."""
    bits, _, make = LEARNERS[name]
    circuit = make()
    theta = learned(circuit, train, seeds, starts, updates)
    row = {
        "train": judged(circuit, theta, train),
        "accuracy": judged(circuit, theta, test),
        "parameters": circuit.n_params,
        "states": bits,
    }
    if not LEARNERS[name][1]:
        row["noisy"] = judged(circuit, theta, test, NOISE)
    return row


def searched(bits: int, train: Array, test: Array, *, seeds: int, starts: int) -> dict[str, Any]:
    """Return the best machines of 2**bits states on *train*: one of *starts* starts per seed."""
    found = [best_bits(train, bits, starts, seed) for seed in range(seeds)]
    row = {
        "train": [value for value, _ in found],
        "accuracy": [float(0.5 + a @ test) for _, a in found],
        "parameters": 4**bits,  # 2**bits - 1 per row of the matrix, and the answers
        "states": bits,
    }
    if bits == 1:
        row["bound"] = one_bit(train)[0]
        row["test_bound"] = one_bit(test)[0]
    return row
