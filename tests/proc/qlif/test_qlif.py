"""QLIF in Lava is its formula, with resets, and refuses nonsense."""

import numpy as np
import pytest
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

from lava_sqs.execution.running import runtime
from lava_sqs.neurons import qlif
from lava_sqs.proc.qlif.process import QLIF

STEPS = 12


def run(neurons, a_in, tag="floating_pt"):
    source, sink = Source(data=a_in), Sink(shape=neurons.shape, buffer=STEPS)
    source.s_out.connect(neurons.a_in)
    neurons.s_out.connect(sink.a_in)
    with runtime(neurons, Loihi2SimCfg(select_tag=tag)) as net:
        net.run(STEPS)
        return sink.data.get(), neurons.p_spike.get()


def expected(neurons, z, decay, resets=()):
    rng = np.random.default_rng(np.random.SeedSequence(neurons.seed).spawn(2)[1])
    phi, spikes = np.zeros(z.shape[0]), []
    for t in range(STEPS):
        current = z[:, t]
        if t + 1 in resets:
            phi, current = np.zeros(z.shape[0]), np.zeros(z.shape[0])
        phi = qlif.rotate(qlif.leak(phi, decay), current, 0.9)
        p = qlif.firing_probability(phi, 0.4, 30)
        s = rng.random(len(phi)) >= 1 - p
        phi = phi * ~s
        spikes.append(s)
    return np.array(spikes).T.astype(int), p


@pytest.mark.parametrize(("tag", "scale"), [("floating_pt", 1.0), ("fixed_pt", 2.0**-6)])
def test_it_follows_its_formula(tag, scale):
    a_in = np.random.default_rng(0).integers(-5, 40, (6, STEPS)).astype(float)
    if tag == "floating_pt":
        a_in *= 2.0**-6
    neurons = QLIF(shape=6, decay=0.3, threshold=0.4, gain=0.9, shots=30, seed=2)
    spikes, p = run(neurons, a_in, tag)
    want, want_p = expected(neurons, a_in * scale, 0.3)
    np.testing.assert_array_equal(spikes, want)
    np.testing.assert_allclose(p, want_p)
    assert 0 < want.mean() < 1


def test_resets_forget_and_ignore_what_arrives():
    a_in = np.full((6, STEPS), 0.3)
    neurons = QLIF(
        shape=6, decay=0.05, threshold=0.4, gain=0.9, shots=30, seed=3,
        reset_interval=4, reset_offset=1,
    )  # fmt: skip
    spikes, _ = run(neurons, a_in)
    np.testing.assert_array_equal(spikes, expected(neurons, a_in, 0.05, (1, 5, 9))[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": 0}, "`shape` must be at least 1"),
        ({"decay": 0.0}, "`decay` must be above 0"),
        ({"threshold": 1.5}, r"`threshold` must lie in \(0, 1\]"),
        ({"gain": -1}, "`gain` must be above 0"),
        ({"shots": 0}, "`shots` must be at least 1"),
        ({"bias": np.zeros(3)}, "`bias` must broadcast"),
        ({"reset_offset": 2}, "needs a `reset_interval`"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        QLIF(**{"shape": 2, **arguments})
