"""StochasticLIF in Lava is its formula, with resets, and refuses nonsense."""

import numpy as np
import pytest
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from scipy.special import expit

from lava_sqs.execution.running import runtime
from lava_sqs.neurons import LIFNeuron
from lava_sqs.proc.stochastic_lif.process import StochasticLIF

STEPS = 12


def run(neurons, a_in, tag="floating_pt"):
    source, sink = Source(data=a_in), Sink(shape=neurons.shape, buffer=STEPS)
    source.s_out.connect(neurons.a_in)
    neurons.s_out.connect(sink.a_in)
    with runtime(neurons, Loihi2SimCfg(select_tag=tag)) as net:
        net.run(STEPS)
        return sink.data.get(), neurons.p_spike.get()


def expected(neurons, z, resets=()):
    rng = np.random.default_rng(np.random.SeedSequence(neurons.seed).spawn(2)[1])
    v, spikes = np.zeros(z.shape[0]), []
    for t in range(STEPS):
        current = z[:, t]
        if t + 1 in resets:
            v, current = np.zeros(z.shape[0]), np.zeros(z.shape[0])
        v = 0.6 * v + current + 0.1
        p = expit(3.0 * (v - 0.4))
        s = rng.random(len(v)) >= 1 - p
        v = v * ~s
        spikes.append(s)
    return np.array(spikes).T.astype(int), p


@pytest.mark.parametrize(("tag", "scale"), [("floating_pt", 1.0), ("fixed_pt", 2.0**-6)])
@pytest.mark.parametrize("resets", [(), (1, 5, 9)], ids=["", "resets"])
def test_it_follows_its_formula(tag, scale, resets):
    a_in = np.random.default_rng(0).integers(-5, 40, (6, STEPS)).astype(float)
    if tag == "floating_pt":
        a_in *= 2.0**-6
    more = {"reset_interval": 4, "reset_offset": 1} if resets else {}
    neurons = StochasticLIF(shape=6, leak=0.6, threshold=0.4, gain=3.0, bias=0.1, seed=2, **more)
    spikes, p = run(neurons, a_in, tag)
    want, want_p = expected(neurons, a_in * scale, resets)
    np.testing.assert_array_equal(spikes, want)
    np.testing.assert_allclose(p, want_p)
    assert 0 < want.mean() < 1


@pytest.mark.parametrize("seed", range(3))
def test_vars_are_what_was_trained(seed):
    neuron = LIFNeuron()
    params = neuron.initial(5, np.random.default_rng(seed)) * (1 + seed)
    process = neuron.to_process(params, np.zeros(5))
    found = {name: getattr(process, name).init for name in neuron.lava_vars(params)}
    np.testing.assert_allclose(neuron.from_lava_vars(found), params, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": 0}, "`shape` must be at least 1"),
        ({"leak": -0.1}, r"`leak` must lie in \[0, 1\], but has the value -0.1"),
        ({"leak": [0.0, 1.5]}, r"`leak` must lie in \[0, 1\], but has the value 1.5"),
        ({"gain": 0.0}, "`gain` must be above 0"),
        ({"threshold": np.inf}, "`threshold` must"),
        ({"bias": np.zeros(3)}, "`bias` must broadcast"),
        ({"reset_offset": 2}, "needs a `reset_interval`"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        StochasticLIF(**{"shape": 2, **arguments})
