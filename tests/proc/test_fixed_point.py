"""Floats to fixed point: the same spikes, no overflow, and refusals that say what to do."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFReset, TernaryLIF

from lava_sqs import QLIF, SQS, SQSSimCfg, StochasticLIF, runtime, to_fixed_point
from lava_sqs.proc.rules import SQSLearningRule

STEPS = 200


def joined(*processes):
    """Connect neurons and synapses in a row and return them, with a sink after each neuron."""
    for first, last in itertools.pairwise(processes):
        source = first.a_out if isinstance(first, (Dense, DelayDense)) else first.s_out
        source.connect(last.s_in if isinstance(last, (Dense, DelayDense)) else last.a_in)
    return processes


def layers(seed, n, *, synapses="mixed", delays=False, reset=False):
    """LIF-Dense-LIF with numbers drawn as users choose them."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 2 / np.sqrt(n), (n + 1, n))
    weights = {"mixed": weights, "excitatory": np.abs(weights) / 3}[synapses]
    more = {"du": 0.3, "dv": 0.1, "vth": 1.0, "bias_mant": rng.uniform(0, 0.05, n + 1)}
    first = LIF(shape=(n,), bias_mant=rng.uniform(0.02, 0.3, n), dv=0.05, vth=1.0, name="input")
    if delays:
        late = rng.integers(0, 5, weights.shape)
        middle = DelayDense(weights=weights, delays=late, name="synapses")
    else:
        middle = Dense(weights=weights, name="synapses")
    resets = {"reset_interval": 20, "reset_offset": 3}
    last = (LIFReset if reset else LIF)(
        shape=(n + 1,), name="output", **more, **(resets if reset else {})
    )
    return joined(first, middle, last)


def spikes(network, tag, steps=STEPS):
    sinks = []
    for neuron in (network[0], network[-1]):
        sinks.append(Sink(shape=neuron.s_out.shape, buffer=steps))
        neuron.s_out.connect(sinks[-1].a_in)
    with runtime(network[0], SQSSimCfg(select_tag=tag)) as net:
        net.run(steps)
        return [sink.data.get() != 0 for sink in sinks]


def agreement(make, steps=STEPS):
    """Return the share of steps and neurons that are equal, and rates of both, by layer."""
    floats, whole = make(), make()
    report = to_fixed_point(whole[0])
    both = zip(spikes(floats, "floating_pt", steps), spikes(whole, "fixed_pt", steps), strict=True)
    return [((a == b).mean(), a.mean(), b.mean()) for a, b in both], report


CASES = [
    *(pytest.param(seed, n, {}, marks=() if (seed, n) in ((0, 3), (1, 60)) else pytest.mark.slow)
      for n in (1, 3, 60, 200) for seed in range(3)),
    (0, 30, {"synapses": "excitatory"}),
    (0, 30, {"delays": True}),
    (0, 30, {"reset": True}),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "n", "kind"), CASES)
def test_spikes_are_the_same_but_for_few(seed, n, kind):
    (first, last), report = agreement(lambda: layers(seed, n, **kind))
    assert first[0] > 0.99
    assert last[0] > 0.93
    for _, floating, fixed in (first, last):
        assert fixed == pytest.approx(floating, abs=0.005)
    assert n < 3 or (0.05 < last[1] < 0.95)  # there was something to get wrong
    assert report.error <= 1 / 254  # half of the last of 8 bits, with a sign


def test_numbers_are_those_that_the_models_of_lava_take():
    network = layers(1, 40)
    floats = {key: np.array(getattr(network[2], key).init) for key in ("vth", "bias_mant")}
    weights = network[1].weights.init.copy()
    report = to_fixed_point(network[1])
    part = next(p for p in report.parts if p.name == "synapses")
    whole, exponent = network[1].weights.init, network[1].proc_params["weight_exp"]
    assert np.abs(whole).max() == 254
    assert (whole % 2 == 0).all()  # Lava cuts the last bit of weights of both signs
    np.testing.assert_allclose(
        whole * 2.0**exponent / part.scale, weights, atol=np.abs(weights).max() / 254
    )
    lif = network[2]
    for key, low, high in (("du", 0, 4095), ("dv", 0, 4095), ("vth", 0, 131071)):
        assert low <= getattr(lif, key).init <= high
    assert lif.du.init + 1 == round(0.3 * 4096)  # Lava adds one
    assert np.abs(lif.bias_mant.init).max() <= 4095
    assert lif.bias_exp.init.max() <= 7
    bias = lif.bias_mant.init * 2.0**lif.bias_exp.init / (64 * part.scale)
    np.testing.assert_allclose(bias, floats["bias_mant"], atol=2e-4 * floats["bias_mant"].max())
    assert lif.vth.init / part.scale == pytest.approx(floats["vth"], rel=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 40),
    size=st.floats(1e-3, 1e3),
    du=st.floats(0.01, 1.0),
    vth=st.floats(0.1, 10.0),
    seed=st.integers(0, 99),
)
def test_no_current_overflows_whatever_spikes(n, size, du, vth, seed):
    weights = size * np.random.default_rng(seed).normal(size=(3, n))
    lif = LIF(shape=(3,), du=du, dv=0.2, vth=vth * size)
    dense = Dense(weights=weights)
    joined(dense, lif)
    try:
        to_fixed_point(dense)
    except ValueError as error:
        assert "the largest share of inputs" in str(error) or "vth=" in str(error)  # noqa: PT017
        return
    whole = dense.weights.init.astype(np.int64) << dense.proc_params["weight_exp"]
    for sign in (1, -1):
        most = 64 * np.maximum(sign * whole, 0).sum(axis=1).max()
        assert most * 4096 / (lif.du.init + 1) < 2**23


def test_a_constant_bias_that_meets_its_threshold_exactly_keeps_its_period():
    def network():
        return joined(LIF(shape=(10,), bias_mant=3.0 / np.arange(1, 11), vth=3.0))

    ((equal, rate, _), _), _ = agreement(network, 60)
    assert equal == 1.0
    assert rate > 0.1


@pytest.mark.parametrize("kind", [SQS, QLIF, StochasticLIF])
def test_what_is_fed_by_fixed_point_gets_the_same_currents(kind):
    def network():
        rng = np.random.default_rng(2)
        lif = LIF(shape=(5,), bias_mant=rng.uniform(0.1, 0.4, 5), dv=0.05, vth=1.0)
        dense = Dense(weights=rng.uniform(0, 0.5, (4, 5)))
        return joined(lif, dense, kind(shape=(4,), seed=3, current_scale=0.7))

    seen = []
    for tag in ("floating_pt", "fixed_pt"):
        processes = network()
        if tag == "fixed_pt":
            to_fixed_point(processes[2])
        with runtime(processes[2], SQSSimCfg(select_tag=tag)) as net:
            chances = []
            for _ in range(60):
                net.run(1)
                chances.append(processes[2].p_spike.get())
        seen.append(np.array(chances))
    equal = np.isclose(*seen, atol=0.01).all(axis=1)
    assert equal[:20].all()  # one spike that falls otherwise changes the memory for good
    assert seen[1].std() > 0.01


def test_stock_lava_runs_it_to_the_same_spikes():
    network, other = layers(4, 12), layers(4, 12)
    for processes in (network, other):
        to_fixed_point(processes[0])
    sink = Sink(shape=(13,), buffer=50)
    network[2].s_out.connect(sink.a_in)
    network[2].run(RunSteps(50), Loihi2SimCfg(select_tag="fixed_pt"))
    stock = sink.data.get() != 0
    network[2].stop()
    np.testing.assert_array_equal(stock, spikes(other, "fixed_pt", 50)[1])
    assert stock.any()


def test_populations_that_share_a_dense_share_a_scale():
    first, dense, one = layers(0, 8)
    two = LIF(shape=(9,), du=0.5, dv=0.1, vth=5.0, bias_mant=4.0, name="second")
    dense.a_out.connect(two.a_in)
    more = Dense(weights=0.01 * np.eye(9), name="weak")
    one.s_out.connect(more.s_in)
    more.a_out.connect(two.a_in)
    scales = {p.name: p.scale for p in to_fixed_point(first).parts}
    assert len({scales[name] for name in ("synapses", "output", "second", "weak")}) == 1
    assert scales["input"] != scales["output"]
    assert two.vth.init == pytest.approx(5 * one.vth.init, abs=3)
    np.testing.assert_allclose(more.weights.init.max() * 2.0 ** more.proc_params["weight_exp"],
                               0.01 * scales["weak"], atol=1)  # fmt: skip


def saturating(**options):
    rng = np.random.default_rng(0)
    dense = Dense(weights=rng.uniform(0, 1, (2, 3000)), name="synapses")
    return joined(dense, LIF(shape=(2,), du=0.01, dv=0.1, vth=5.0, name="output", **options))


def test_a_network_that_may_overflow_is_refused_until_it_is_known_how_much_spikes():
    dense, lif = saturating()
    before = dense.weights.init.copy()
    with pytest.raises(ValueError, match=r"Dense 'synapses'.*'output'.*`activity` \(now 1\)"):
        to_fixed_point(dense)
    np.testing.assert_array_equal(dense.weights.init, before)  # nothing was changed
    assert (lif.vth.init, dense.proc_params.get("weight_exp", 0)) == (5.0, 0)
    report = to_fixed_point(dense, activity=0.002)
    assert report.activity == 0.002
    assert dense.weights.init.max() >= 32


def weak():
    network = layers(0, 3)
    source = LIF(shape=(2000,), bias_mant=0.3, vth=1.0)
    more = Dense(weights=1e-4 * np.ones((4, 2000)), name="weak")
    joined(source, more)
    more.a_out.connect(network[2].a_in)
    return network[0]


def learning():
    dense = LearningDense(weights=np.ones((2, 2)), learning_rule=SQSLearningRule(), name="plastic")
    return joined(dense, LIF(shape=(2,), du=0.5))[0]


def direct():
    source, lif = Source(data=np.ones((2, 3))), LIF(shape=(2,), du=0.5, name="output")
    source.s_out.connect(lif.a_in)
    return lif


def beyond():
    dense, other = Dense(weights=np.ones((2, 2)), name="synapses"), TernaryLIF(shape=(2,))
    dense.a_out.connect(other.a_in)
    return dense


def ran():
    network = layers(0, 3)
    spikes(network, "floating_pt", 2)
    return network[0]


def twice():
    network = layers(0, 3)
    to_fixed_point(network[0])
    return network[0]


def twice_without_decay():
    lif = LIF(shape=(2,), bias_mant=[0.1, 0.6], vth=1.0)
    to_fixed_point(lif)
    return lif


def pair(weights=((0.5,),), **options):
    return joined(Dense(weights=np.array(weights)), LIF(shape=(1,), name="output", **options))[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (learning, "'plastic' learns, which needs floating_pt"),
        (direct, "LIF 'output' gets currents of RingBuffer.*Send them through a Dense"),
        (beyond, "TernaryLIF"),
        (ran, "has run"),
        (twice_without_decay, "has a bias_exp.*converted already"),
        (weak, "'weak' would keep 0 of 8 bits.*much larger"),
        (twice, "fixed point already|is it converted already"),
        (lambda: pair(du=0.0), "du=0, and decays are multiples of 1/4096, from 1/4096 on"),
        (lambda: pair(du=0.5, dv=1e-4), "dv=0.0001.*or 0"),
        (lambda: pair(du=0.5, vth=-1.0), "vth=-1"),
        (lambda: pair(du=0.5, vth=1e-6), "vth=1e-06.*Use a higher threshold"),
        (lambda: pair(((np.nan,),), du=0.5), "weights that is not finite|not finite"),
        (lambda: Dense(weights=np.eye(2), num_message_bits=8), "graded spikes"),
    ],
)
def test_what_cannot_be_converted_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        to_fixed_point(make())


@pytest.mark.parametrize("wrong", [3, "LIF", np.ones(2)])
def test_what_is_no_process_is_refused(wrong):
    with pytest.raises(TypeError, match="`process`"):
        to_fixed_point(wrong)
    with pytest.raises(ValueError, match="`activity`"):
        to_fixed_point(LIF(shape=(1,)), activity=0)
