"""A small circuit of known law, to see whether a device draws what it should."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from lava_sqs import _seeds
from lava_sqs.quantum import Ansatz, NoiseModel, Population
from lava_sqs.quantum.engines.choose import exact_backend

__all__ = ["compare", "law", "trial"]

Array = NDArray[Any]

SETS, REPEATS, STEPS = 6, 128, 2
FALSE_ALARM = 1e-9
EXCESS = 0.2


def trial(ansatz: Ansatz) -> tuple[Array, Array, Array]:
    """Return which set each of P rows repeats, and currents (P, T, N) and theta (P, A) of them."""
    rng = _seeds.stream(18, SETS)
    # A fixed seed: the same trial for every device, which a cache then answers without a shot.
    theta = rng.uniform(-np.pi, np.pi, (SETS, ansatz.n_params))
    # Away from 0 and 1, where a gate is missing or a flip is full: neither would show a lost
    # parameter.
    currents = rng.uniform(0.1, 0.9, (SETS, STEPS, ansatz.io_qubits))
    # One shot per set of parameters, as networks ask: sets that are mixed up show, repeated ones
    # would not.
    sets = np.arange(SETS * REPEATS) % SETS
    return sets, currents[sets], theta[sets]


def law(ansatz: Ansatz, theta: Array, currents: Array, noise: NoiseModel | None) -> Array:
    """Return the probabilities (SETS, 2**bits) of trains; bit 0 of a train is the first index."""
    steps, io = currents.shape[1:]
    trains = np.array(list(product((0, 1), repeat=steps * io))).reshape(-1, steps, io)
    shape = (steps, len(trains), SETS, io)
    z = np.broadcast_to(currents[:SETS].transpose(1, 0, 2)[:, None], shape)
    clamp = np.broadcast_to(trains.transpose(1, 0, 2)[:, :, None], shape)
    population = Population(
        ansatz,
        theta[:SETS],
        batch=len(trains),
        noise=noise,
        seed=0,
        backend=exact_backend(ansatz, noise, SETS),
    )
    likelihood = population.run(z, clamp, record=["log_likelihood"]).log_likelihood
    assert likelihood is not None
    return np.asarray(np.exp(likelihood.sum(axis=0)).T)


def compare(bits: Array, law: Array, sets: Array, *, strict: bool) -> tuple[str, bool]:
    """Return what bits (P, n) say of the law of their sets, and whether they contradict it."""
    index = bits.astype(np.int64) @ (1 << np.arange(bits.shape[1])[::-1])
    seen = np.zeros(law.shape)
    np.add.at(seen, (sets, index), 1)
    # Counts to be expected of each train; the sum differs from 1 by rounding.
    expected = law / law.sum(axis=1, keepdims=True) * REPEATS
    distance = 0.5 * np.abs(seen - expected).sum(axis=1).mean() / REPEATS
    spread = np.sqrt(expected * (1 - expected / REPEATS)).sum(axis=1).mean() / REPEATS
    chance = 0.4 * spread  # half of the mean absolute deviation of a normal number
    said = f"total variation {distance:.3f}, by chance {chance:.3f}"
    if not strict:
        return said, bool(distance > chance + EXCESS)
    statistic, freedom = 0.0, 0
    for got, want in zip(seen, expected, strict=True):
        # rare trains together, so that each cell has at least five
        order = np.argsort(want)
        rare = int(np.searchsorted(np.cumsum(want[order]), 5.0)) + 1
        cells = [(got[order[:rare]].sum(), want[order[:rare]].sum())]
        cells += list(zip(got[order[rare:]], want[order[rare:]], strict=True))
        statistic += sum((g - w) ** 2 / w for g, w in cells)
        freedom += len(cells) - 1
    p = float(chi2.sf(statistic, max(freedom, 1)))
    return f"{said}, chi-square p = {p:.2g}", bool(p < FALSE_ALARM)
