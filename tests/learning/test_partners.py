"""Every pair of neurons and rules learns what it should, or is refused by name at the start."""

import numpy as np
import pytest
from lava.magma.core.decorator import implements, tag
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.learning_rules.r_stdp_learning_rule import RewardModulatedSTDP
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF, LearningLIF

from lava_sqs import (
    QLIF,
    SQS,
    LearningSQS,
    SQSDense,
    SQSLearningRule,
    SQSRewardRule,
    SQSSimCfg,
    StochasticLIF,
    connect_learning,
    runtime,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")
N = 3
CFG = Loihi2SimCfg(select_tag="floating_pt")
TRACE = {"trace_tau": 10, "trace_impulse": 16}


class OwnRule(Loihi3FLearningRule):
    """A user's rule, which does what SQSLearningRule(1) does."""

    reads_scores = True
    window = 1

    def __init__(self, **more):
        super().__init__(dw="u0*t*y1*y3 + u0*d*y2*y3", dt="x0 - u0*t", dd="u0*t - u0*d", **more)


class Flagged2F(Loihi2FLearningRule):
    reads_scores = True


def two_factors(cls=STDPLoihi):
    if cls is Flagged2F:
        return Flagged2F(dw="x0*y1", x1_impulse=16, x1_tau=10, y1_impulse=16, y1_tau=10)
    return STDPLoihi(learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10)


def three_factors(impulse=16, tau=10):
    return RewardModulatedSTDP(
        learning_rate=1, A_plus=2, A_minus=-2, pre_trace_decay_tau=10, post_trace_decay_tau=tau,
        pre_trace_kernel_magnitude=16, post_trace_kernel_magnitude=impulse,
        eligibility_trace_decay_tau=0.5, t_epoch=1,
    )  # fmt: skip


def instance_flag():
    rule = Loihi3FLearningRule(dw="u0*t*y1*y3", dt="x0 - u0*t")
    rule.reads_scores = True
    return rule


RULES = {
    "2F": two_factors,
    "3F": three_factors,
    "SQSLearningRule(0)": lambda: SQSLearningRule(0),
    "SQSLearningRule(1)": lambda: SQSLearningRule(1),
    "SQSRewardRule": SQSRewardRule,
    "own": OwnRule,
    "own, by instance": instance_flag,
    "flagged 2F": lambda: two_factors(Flagged2F),
    "flagged, slow": lambda: OwnRule(t_epoch=2),
}
SCORE_RULES = ("SQSLearningRule(0)", "SQSLearningRule(1)", "SQSRewardRule", "own",
               "own, by instance")  # fmt: skip
NEURONS = {
    "LIF": lambda rule: LIF(shape=(N,)),
    "LearningLIF": lambda rule: LearningLIF(shape=(N,), learning_rule=rule),
    "SQS": lambda rule: SQS(shape=N, seed=1, name="post"),
    "QLIF": lambda rule: QLIF(shape=N, seed=1, name="post"),
    "StochasticLIF": lambda rule: StochasticLIF(shape=N, seed=1, name="post"),
    "scores": lambda rule: LearningSQS(shape=N, role="hidden", seed=1, name="post"),
    "visible": lambda rule: LearningSQS(shape=N, role="visible", seed=1, name="post"),
    "traces": lambda rule: traces(name="post"),
}
STOCK = ("LIF", "LearningLIF")
SENDERS = ("LearningLIF", "scores", "visible", "traces")


def traces(**more):
    return LearningSQS(**{"shape": N, "role": "hidden", "sends": "traces", "seed": 1, **TRACE,
                          **more})  # fmt: skip


def wire(neurons, dense, wiring):
    dense.a_out.connect(neurons.a_in)
    if wiring == "bap":
        getattr(neurons, "s_out_bap", neurons.s_out).connect(dense.s_in_bap)
    elif wiring == "all":
        for name in ("bap", "y1", "y2", "y3"):
            getattr(neurons, f"s_out_{name}").connect(getattr(dense, f"s_in_{name}"))


def expected(neuron, rule, wiring):
    """What the refusal says, or None if there must be none."""
    if rule == "flagged 2F":
        return "no Loihi3FLearningRule"
    if rule == "flagged, slow":
        return "t_epoch=2"
    if rule in SCORE_RULES:
        if wiring != "all" or neuron == "LearningLIF":
            return "gets no scores"
        if neuron == "traces":
            return "Make the neurons with sends='scores'|gets no scores"
        return None
    if neuron in STOCK or wiring != "all":
        return None
    if rule == "2F":
        return "stand still"
    return None if neuron == "traces" else r"must not get scores.*sends='traces'.*reads_scores"


MATRIX = [
    (neuron, rule, wiring)
    for neuron in NEURONS
    for rule in RULES
    for wiring in ("none", "bap", "all")
    if wiring != "all" or neuron in SENDERS
    if wiring != "bap" or neuron != "LIF"
]


@pytest.mark.parametrize(("neuron", "rule", "wiring"), MATRIX)
def test_each_neuron_rule_and_wiring_starts_or_is_refused(neuron, rule, wiring):
    def network():
        law = RULES[rule]()
        neurons = NEURONS[neuron](law)
        dense = LearningDense(weights=np.ones((N, 2)), learning_rule=law, name="synapses")
        wire(neurons, dense, wiring)
        return neurons

    words = expected(neuron, rule, wiring)
    if words is None:
        network().compile(CFG)
        return
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        runtime(network(), SQSSimCfg()).start()
    assert "LearningDense Process 'synapses'" in str(caught.value)
    if neuron not in STOCK:  # nothing of ours would know
        with pytest.raises((ValueError, TypeError), match=words):
            network().compile(CFG)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("neuron", NEURONS)
def test_connect_learning_wires_or_refuses(neuron, rule):
    law = RULES[rule]()
    neurons = NEURONS[neuron](law)
    dense = LearningDense(weights=np.ones((N, 2)), learning_rule=law)
    dense.a_out.connect(neurons.a_in)
    right = (neuron in ("scores", "visible") and rule in SCORE_RULES) or (
        neuron == "traces" and rule in ("2F", "3F")
    )
    if right:
        connect_learning(neurons, dense)
        neurons.compile(CFG)
        assert dense.s_in_bap.in_connections == [neurons.s_out_bap]
        assert bool(dense.s_in_y1.in_connections) == (rule != "2F")
        return
    with pytest.raises((TypeError, ValueError)):
        connect_learning(neurons, dense)


# -- what is accepted learns the right thing ---------------------------------------------------

STEPS = 60


def material():
    rng = np.random.default_rng(5)
    pre = (rng.random((2, STEPS)) < 0.3).astype(float)
    reward = np.zeros((N, STEPS))
    reward[0, 20:40] = 3.0
    return pre, reward


def learn(neurons, rule, pre, third=None, connect=connect_learning):
    dense = LearningDense(weights=np.full((N, 2), 0.25), learning_rule=rule)
    RingBuffer(data=pre).s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    connect(neurons, dense)
    if third is not None:
        RingBuffer(data=third).s_out.connect(neurons.a_third_factor_in)
    with runtime(neurons, SQSSimCfg()) as net:
        net.run(STEPS)
        return dense.weights.get()


def replayed(rule, pre, **ports):
    """The weights of a stock connection that hears recorded values, and drives nobody of ours."""
    dense, ear = LearningDense(weights=np.full((N, 2), 0.25), learning_rule=rule), LIF(shape=(N,))
    RingBuffer(data=pre).s_out.connect(dense.s_in)
    dense.a_out.connect(ear.a_in)
    for name, data in ports.items():
        RingBuffer(data=np.asarray(data, dtype=float)).s_out.connect(getattr(dense, name))
    with runtime(dense, SQSSimCfg()) as net:
        net.run(STEPS)
        return dense.weights.get()


def by_bap(neurons, dense):
    getattr(neurons, "s_out_bap", neurons.s_out).connect(dense.s_in_bap)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SQS(shape=N, seed=1, bias=0.3, record="s_out"),
        lambda: LearningSQS(shape=N, role="hidden", seed=1, bias=0.3, record="s_out"),
        lambda: traces(bias=0.3, record="s_out"),
    ],
    ids=["SQS", "scores", "traces"],
)
def test_stock_stdp_learns_from_the_spikes(make):
    pre, _ = material()
    neurons = make()
    got = learn(neurons, two_factors(), pre, connect=by_bap)
    want = replayed(two_factors(), pre, s_in_bap=neurons.recording.s_out.T)
    np.testing.assert_array_equal(got, want)
    assert np.abs(got - 0.25).max() > 1


@pytest.mark.parametrize("constants", [(16, 10), (4, 3)])
def test_traces_are_those_of_lavas_tutorial(constants):
    """The trace before this step's spike, and the third factor as it came."""
    impulse, tau = constants
    pre, reward = material()
    neurons = traces(bias=0.3, trace_impulse=impulse, trace_tau=tau, record="s_out")
    got = learn(neurons, three_factors(impulse, tau), pre, reward)
    spikes = neurons.recording.s_out.T
    trace = np.zeros((N, STEPS))
    for t in range(1, STEPS):
        trace[:, t] = trace[:, t - 1] * np.exp(-1 / tau) + impulse * spikes[:, t - 1]
    want = replayed(
        three_factors(impulse, tau), pre, s_in_bap=spikes, s_in_y1=trace, s_in_y2=reward
    )
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert np.abs(got[0] - 0.25).min() > 1


def test_a_reset_clears_the_trace():
    pre, reward = material()
    neurons = traces(bias=0.3, record="s_out", reset_interval=20, reset_offset=1)
    got = learn(neurons, three_factors(), pre, reward)
    spikes = neurons.recording.s_out.T
    trace = np.zeros((N, STEPS))
    for t in range(1, STEPS):
        if t % 20:
            trace[:, t] = trace[:, t - 1] * np.exp(-0.1) + 16 * spikes[:, t - 1]
    want = replayed(three_factors(), pre, s_in_bap=spikes, s_in_y1=trace, s_in_y2=reward)
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_reward_modulated_stdp_learns_what_is_rewarded(seed):
    """Lava's tutorial: presynaptic spikes cause postsynaptic ones, and one neuron is rewarded."""
    rng = np.random.default_rng(seed)
    pre = np.zeros((2, STEPS))
    pre[:, ::6] = 1.0

    def network(reward):
        neurons = traces(theta=0.0, record="s_out")
        teacher = Dense(weights=np.eye(N))  # fires the neurons two steps after the input
        taught = np.roll(np.tile(pre[:1], (N, 1)), 1, axis=1) * (rng.random((N, STEPS)) < 0.95)
        RingBuffer(data=taught).s_out.connect(teacher.s_in)
        teacher.a_out.connect(neurons.a_in)
        dense = LearningDense(weights=np.full((N, 2), 0.01), learning_rule=three_factors())
        RingBuffer(data=pre).s_out.connect(dense.s_in)
        connect_learning(neurons, dense)
        # observing alone: what it learns must not move the spikes that it learns from
        quiet = Dense(weights=np.zeros((N, N)))
        dense.a_out.connect(quiet.s_in)
        quiet.a_out.connect(neurons.a_in)
        RingBuffer(data=reward).s_out.connect(neurons.a_third_factor_in)
        with runtime(neurons, SQSSimCfg()) as net:
            net.run(STEPS)
            return dense.weights.get()

    reward = np.zeros((N, STEPS))
    reward[1] = 0.01
    paid = network(reward)
    assert (paid[1] > 0.5).all()  # it was 0.01
    np.testing.assert_array_equal(paid[[0, 2]], 0.01)
    np.testing.assert_array_equal(network(0 * reward), 0.01)
    assert (network(-reward)[1] < 0).all()


def test_a_rule_of_ones_own_that_reads_scores_learns_as_ours_does():
    pre, reward = material()
    learned = [
        learn(
            LearningSQS(shape=N, role="hidden", lr_weights=0.1, seed=1, bias=0.2), rule, pre, reward
        )
        for rule in (OwnRule(), SQSLearningRule(1))
    ]
    np.testing.assert_array_equal(*learned)
    assert np.abs(learned[0] - 0.25).max() > 1e-3


# -- pairs that do not fit ----------------------------------------------------------------------


def refused(process, words):
    with pytest.raises((ValueError, TypeError), match=words):
        runtime(process, SQSSimCfg()).start()
    with pytest.raises((ValueError, TypeError), match=words):
        process.compile(CFG)


@pytest.mark.parametrize(("impulse", "tau"), [(16, 20), (8, 10)])
def test_the_traces_constants_are_those_of_the_rule(impulse, tau):
    neurons = traces()
    dense = LearningDense(weights=np.ones((N, 2)), learning_rule=three_factors(impulse, tau))
    wire(neurons, dense, "all")
    refused(neurons, "must have the trace that RewardModulatedSTDP says, but has trace_")


def two_populations(rule=None, **dense):
    driven = LearningSQS(shape=N, role="hidden", name="driven")
    scored = LearningSQS(shape=N, role="hidden", name="scored")
    if rule is None:
        connection = SQSDense(weights=np.ones((N, 2)), **dense)
    else:
        connection = LearningDense(weights=np.ones((N, 2)), learning_rule=rule)
    connection.a_out.connect(driven.a_in)
    connect_learning(scored, connection)
    return driven, connection


@pytest.mark.parametrize("rule", [None, SQSLearningRule(1), SQSRewardRule()])
def test_scores_of_neurons_that_are_not_driven_are_refused(rule):
    driven, _ = two_populations(rule)
    refused(driven, "scores of LearningSQS Process 'scored', so it must drive these neurons, but "
                    "drives LearningSQS Process 'driven'")  # fmt: skip


@pytest.mark.parametrize("make", [lambda: LearningDense(weights=np.ones((4, 2)),
                                                        learning_rule=SQSLearningRule(1)),
                                  lambda: SQSDense(weights=np.ones((4, 2)))])  # fmt: skip
def test_scores_must_come_in_the_order_of_the_currents(make):
    for turned in (False, True):
        neurons, connection = LearningSQS(shape=(2, 2), role="hidden"), make()
        port = connection.a_out.reshape((2, 2))
        (port.transpose((1, 0)) if turned else port).connect(neurons.a_in)
        connect_learning(neurons, connection)
        if turned:
            refused(neurons, r"C order: a_out must reach a_in without transpose")
        else:
            neurons.compile(CFG)


def test_ports_that_are_mixed_up_are_refused():
    neurons = LearningSQS(shape=N, role="hidden", name="post")
    dense = LearningDense(weights=np.ones((N, 2)), learning_rule=SQSLearningRule(1))
    dense.a_out.connect(neurons.a_in)
    neurons.s_out_y2.connect(dense.s_in_y1)
    neurons.s_out_y1.connect(dense.s_in_y2)
    neurons.s_out_y3.connect(dense.s_in_y3)
    refused(neurons, "listens at s_in_y1 to s_out_y2 of LearningSQS Process 'post'")


def test_a_window_that_the_neurons_do_not_have_is_refused_when_wired_by_hand():
    neurons = LearningSQS(shape=N, role="hidden", window=0)
    dense = LearningDense(weights=np.ones((N, 2)), learning_rule=SQSLearningRule(1))
    wire(neurons, dense, "all")
    refused(neurons, "window >= 1 for this rule, but has window=0")


@pytest.mark.parametrize("kind", ["LIF", "SQS", "QLIF", "StochasticLIF", "scores"])
def test_an_sqs_dense_takes_kernels_alone(kind):
    neurons, dense = NEURONS[kind](None), SQSDense(weights=np.ones((N, 2)), window=0)
    dense.a_out.connect(neurons.a_in)
    (neurons.s_out_y1 if kind == "scores" else neurons.s_out).connect(dense.s_in_kernel)
    RingBuffer(data=np.ones((N, 5))).s_out.connect(dense.s_in_y3)
    refused(dense, "must get scores, but s_in_kernel listens to s_out")


def test_an_sqs_dense_with_a_signal_needs_scores():
    neurons, dense = LearningSQS(shape=N, role="hidden"), SQSDense(weights=np.ones((N, 2)))
    dense.a_out.connect(neurons.a_in)
    neurons.s_out_y3.connect(dense.s_in_y3)
    refused(neurons, "gets a signal but no scores")


@pytest.mark.parametrize(
    ("neurons", "dense", "words"),
    [
        ({"sends": "traces", **TRACE}, {}, "sends traces. Make the neurons with sends='scores'"),
        ({"window": 3}, {}, "window of its neurons, 3"),
        ({}, {"window": 0}, "window of its neurons, 1"),
        ({"copies": 2}, {}, "copies of its neurons, 2"),
        ({"reset_interval": 5}, {"gamma": 0.5}, r"resets of its neurons.*\(5, 0\) there and"),
        ({}, {"gamma": 0.5, "reset_interval": 5}, r"resets of its neurons.*\(None, 0\) there"),
        ({"reset_interval": 5}, {}, None),
        ({"reset_interval": 5}, {"gamma": 1.0, "reset_interval": 5}, None),
        ({}, {}, None),  # the defaults
        ({"copies": 2}, {"copies": 2}, None),
    ],
)
def test_an_sqs_dense_fits_its_neurons(neurons, dense, words):
    post = LearningSQS(shape=N, role="hidden", **neurons)
    connection = SQSDense(weights=np.ones((N, 2)), **dense)
    if words is not None:
        with pytest.raises(ValueError, match=words):
            connect_learning(post, connection)
        return
    connection.a_out.connect(post.a_in)
    connect_learning(post, connection)
    post.compile(CFG)


def test_recorded_scores_can_be_replayed():
    for rule in (SQSLearningRule(1), None):
        if rule is None:
            dense, ports = SQSDense(weights=np.ones((N, 2))), {"s_in_kernel": 2 * N, "s_in_y3": N}
        else:
            dense = LearningDense(weights=np.ones((N, 2)), learning_rule=rule)
            ports = {"s_in_y1": N, "s_in_y2": N, "s_in_y3": N}
        for name, size in ports.items():
            RingBuffer(data=np.ones((size, 5))).s_out.connect(getattr(dense, name))
        with runtime(dense, SQSSimCfg()) as net:
            net.run(3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sends": "spikes"}, "`sends` must be one of 'scores', 'traces'"),
        ({"sends": "trace"}, "Did you mean 'traces'"),
        ({"sends": "traces"}, "`trace_tau` must be given for sends='traces'"),
        ({"sends": "traces", "trace_tau": 10}, "`trace_impulse` must be given"),
        ({"sends": "traces", "trace_tau": 0, "trace_impulse": 1}, "`trace_tau` must be above 0"),
        ({"trace_tau": 10}, "`trace_tau` belongs to sends='traces'"),
        ({"sends": "traces", **TRACE, "role": "visible"}, "`role` must be 'hidden' for"),
        ({"sends": "traces", **TRACE, "lr_weights": 0.1}, "`lr_weights` must be 0 for"),
    ],
)
def test_bad_arguments_of_traces_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        LearningSQS(**{"shape": N, "role": "hidden", **arguments})


def test_traces_survive_replace():
    again = traces().replace(shape=2)
    assert (again.sends, again.trace_tau, again.trace_impulse) == ("traces", 10, 16)
    assert LearningSQS(shape=2, role="hidden").sends == "scores"


# -- neurons inside a Process of a user's own ----------------------------------------------------


class Layer(AbstractProcess):
    """A LearningSQS inside a Process that is made of others."""

    def __init__(self, **parameters):
        super().__init__(**parameters)
        self.a_in = InPort(shape=(N,))
        for name in ("bap", "y1", "y2", "y3"):
            setattr(self, f"s_out_{name}", OutPort(shape=(N,)))


@implements(proc=Layer, protocol=LoihiProtocol)
@tag("floating_pt")
class LayerModel(AbstractSubProcessModel):
    def __init__(self, proc):
        more = {"sends": "traces", **TRACE} if proc.proc_params["sends"] == "traces" else {}
        self.neurons = LearningSQS(shape=N, role="hidden", seed=1, name="inner", **more)
        proc.a_in.connect(self.neurons.a_in)
        for name in ("bap", "y1", "y2", "y3"):
            getattr(self.neurons, f"s_out_{name}").connect(getattr(proc, f"s_out_{name}"))


@pytest.mark.parametrize(
    ("rule", "sends", "words"),
    [
        ("SQSLearningRule(1)", "scores", None),
        ("SQSRewardRule", "scores", None),
        ("3F", "traces", None),
        ("SQSLearningRule(1)", "traces", "gets no scores|sends='scores'"),
        ("3F", "scores", "must not get scores"),
        ("2F", "scores", "stand still"),
    ],
)
def test_neurons_inside_another_process_are_held_to_the_same(rule, sends, words):
    layer = Layer(sends=sends)
    dense = LearningDense(weights=np.ones((N, 2)), learning_rule=RULES[rule]())
    wire(layer, dense, "all")
    net = runtime(dense, SQSSimCfg())
    if words is None:
        with net:
            net.run(2)
    else:
        with pytest.raises((ValueError, TypeError), match=words):
            net.start()
