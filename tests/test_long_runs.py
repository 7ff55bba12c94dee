"""Nights of steps: no drift, no growth of memory, always a state, the same in any pieces."""

import ctypes
import hashlib

import numpy as np
import psutil
import pytest
from lava.magma.core.run_configs import Loihi2SimCfg

from lava_sqs import SQS, NoiseModel, Population, ansatz, runtime

NOISE = NoiseModel(t1=1e-4, t2=8e-5, p_depol_1q=5e-4, p_depol_2q=8e-3, p_read1_given0=0.01)


def resident(*, children=False):
    """Bytes of this process, and of those it made, in memory that nobody else has.

    What the allocator keeps for later, megabytes that come and go, is given back first, here.
    """
    ctypes.CDLL(None).malloc_trim(0)
    own = psutil.Process()
    each = [own, *(own.children(recursive=True) if children else ())]
    return sum(process.memory_full_info().uss for process in each)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
def test_a_million_steps_of_a_hundred_neurons(noise):
    k, blocks, steps = 100, 100, 10_000
    whole, pieces = (Population(ansatz.layered(), size=k, noise=noise, seed=1) for _ in range(2))
    rng = np.random.default_rng(2)
    rates, held = np.empty((blocks, k)), []
    digests = hashlib.sha256(), hashlib.sha256()
    for block in range(blocks):
        z = rng.uniform(-0.5, 1, (steps, k))
        spikes = whole.run(z, record=()).spikes
        cut = rng.integers(1, steps)
        digests[0].update(spikes)
        for part in (z[:cut], z[cut:]):
            digests[1].update(pieces.run(part, record=()).spikes)
        rates[block] = spikes.mean(axis=0)
        r = whole.memory
        assert (r[:, 0] == 1).all()
        length = np.linalg.norm(r[:, 1:], axis=1)
        if noise is None:  # pure; rounding grows at an improbable outcome, and is forgotten
            assert (np.abs(length - 1) <= 1e-9).all()
        else:
            assert (length <= 1 + 1e-12).all()
        if block >= 10:
            held.append(resident())
    assert digests[0].hexdigest() == digests[1].hexdigest()
    np.testing.assert_array_equal(whole.memory, pieces.memory)
    # What the allocator keeps for later comes and goes, what is lost only grows: the least that was
    # held in the last third is compared with the least in the first. A byte for each step of the
    # 60 blocks between them, of both populations, would be 1.2e6.
    assert min(held[60:]) - min(held[:30]) < 2**20
    # The slope of each neuron's rate over the blocks, by its standard error: |t| < 5.5 for all
    # with a false-alarm rate of 4e-5 (Student's t with 98 degrees of freedom, 100 neurons).
    time = (np.arange(blocks) - (blocks - 1) / 2)[:, None]
    slope = (time * rates).sum(axis=0) / (time**2).sum()
    rest = rates - rates.mean(axis=0) - time * slope
    error = np.sqrt((rest**2).sum(axis=0) / (blocks - 2) / (time**2).sum())
    assert np.abs(slope / error).max() < 5.5


@pytest.mark.slow
def test_a_hundred_thousand_steps_in_lava():
    """The train of the engine, bit by bit, in pieces of any length."""
    k, steps = 10, 100_000
    bias = np.linspace(0.1, 0.9, k)
    sqs = SQS(shape=(k,), noise=NOISE, bias=bias, seed=3, record=("s_out",))
    with runtime(sqs, Loihi2SimCfg(select_tag="floating_pt")) as net:
        for part in (1, 9_999):
            net.run(part)
        early = resident(children=True)
        for part in (54_321, 35_678, 1):
            net.run(part)
        grown = resident(children=True) - early
        memory = sqs.memory.get()
    twin = Population(sqs.ansatz, sqs.theta.init, noise=NOISE, seed=3)
    trains = [
        twin.run(np.tile(bias, (10_000, 1)), record=()).spikes for _ in range(steps // 10_000)
    ]
    np.testing.assert_array_equal(sqs.recording.s_out, np.concatenate(trains))
    np.testing.assert_array_equal(memory, twin.memory)
    assert grown < 2**21  # 23 bytes a step


@pytest.mark.parametrize(
    ("backend", "noise"),
    [("instrument", NOISE), ("qutip", NOISE), ("trajectory", None)],  # with noise it draws errors
)
def test_pieces_of_a_run_are_the_run(backend, noise):
    options = {"size": 3, "noise": noise, "seed": 5, "backend": backend}
    whole, pieces = (Population(ansatz.layered(), **options) for _ in range(2))
    z = np.random.default_rng(0).uniform(-0.5, 1, (60, 3))
    spikes = whole.run(z, record=()).spikes
    parts = [pieces.run(part, record=()).spikes for part in np.split(z, [1, 20, 20, 47])]
    np.testing.assert_array_equal(np.concatenate(parts), spikes)
    np.testing.assert_array_equal(pieces.memory, whole.memory)
