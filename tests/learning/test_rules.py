"""The learning rules in Lava: how good the gradient is that a connection really accumulates."""

import numpy as np
import pytest
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer

from lava_sqs import (
    LearningSQS,
    SQSDense,
    SQSLearningRule,
    SQSRewardRule,
    SQSSimCfg,
    connect_learning,
    runtime,
)
from lava_sqs.network import SQSNeuron
from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.scores.recorded import score_spike_train

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")
# The noise, the sizes and the distributions of the table in docs/learning.md.
NOISE = NoiseModel(
    t1=100e-6, t2=80e-6, p_depol_1q=5e-4, p_depol_2q=8e-3,
    p_read1_given0=0.01, p_read0_given1=0.02, p_reset=0.006,
)  # fmt: skip
CIRCUIT = ansatz.layered(1, 1)
STEPS, SIZES = 50, (50, 20, 5)
RATE = 1e-7  # small enough that the weights stay what they were


def random_network(seed):
    """Per layer theta, weights, spikes; and the exact gradient of the weights."""
    rng = np.random.default_rng(seed)
    x = (rng.random((STEPS, SIZES[0])) < 0.2).astype(float)
    inputs, layers, exact = x, [], []
    for size in SIZES[1:]:
        m = max(x.sum(axis=1).mean(), 1.0)
        weights = rng.normal(0.45 / m, 0.35 / np.sqrt(m), (size, x.shape[1]))
        theta = rng.uniform(-np.pi, np.pi, (size, CIRCUIT.n_params))
        history = np.vstack([np.zeros(x.shape[1]), x[:-1]])  # a connection delays by one step
        z = history @ weights.T
        spikes = Population(CIRCUIT, theta, noise=NOISE, seed=seed).run(z).spikes
        _, _, d_z = score_spike_train(CIRCUIT, theta, z, spikes, noise=NOISE)
        exact.append(d_z.T @ history)
        layers.append((theta, weights, spikes))
        x = np.asarray(spikes, dtype=float)
    return inputs, layers, exact


def gradient_in_lava(inputs, layers, make_connection, window):
    """What both connections accumulated, per unit of learning rate, while the trains replayed."""
    port, connections = RingBuffer(data=inputs.T).s_out, []
    for theta, weights, spikes in layers:
        connection = make_connection(weights)
        neurons = LearningSQS(
            shape=(len(theta),), role="visible", ansatz=CIRCUIT, theta=theta, noise=NOISE,
            lr_weights=RATE, window=window, seed=0,
        )  # fmt: skip
        port.connect(connection.s_in)
        connection.a_out.connect(neurons.a_in)
        connect_learning(neurons, connection)
        RingBuffer(data=2.0 * spikes.T - 1.0).s_out.connect(neurons.a_third_factor_in)
        connections.append(connection)
        port = neurons.s_out
    with runtime(neurons, SQSSimCfg()) as net:
        net.run(STEPS)
        learned = [c.weights.get() for c in connections]
    return [(new - old) / RATE for new, (_, old, _) in zip(learned, layers, strict=True)]


def cosine(a, b):
    x, y = (np.concatenate([part.ravel() for part in g]) for g in (a, b))
    return x @ y / np.sqrt((x @ x) * (y @ y))


def windowed_gradient(inputs, layers, window):
    """What SQSNN(rule="window") computes for the same trains."""
    gradients, x = [], inputs
    for theta, weights, spikes in layers:
        history = np.vstack([np.zeros(x.shape[1]), x[:-1]])[:, None]
        z, ones = history @ weights.T, np.ones((STEPS, 1, len(theta)))
        neuron = SQSNeuron(CIRCUIT, NOISE)
        d_z = neuron.window_score(theta, z, spikes[:, None], ones, window)
        gradients.append(d_z[:, 0].T @ history[:, 0])
        x = np.asarray(spikes, dtype=float)
    return gradients


def test_stock_learning_dense_climbs_along_the_exact_gradient():
    inputs, layers, exact = random_network(0)

    def stock(weights):
        return LearningDense(weights=weights, learning_rule=SQSLearningRule(window=1))

    got = gradient_in_lava(inputs, layers, stock, 1)
    assert cosine(got, exact) >= 0.85
    # and it is, to the rounding of small changes of large weights, what SQSNN(rule="window") says
    for a, b in zip(got, windowed_gradient(inputs, layers, 1), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * np.abs(b).max())


def test_sqs_dense_with_a_window_over_all_steps_is_the_exact_gradient():
    inputs, layers, exact = random_network(1)
    got = gradient_in_lava(
        inputs, layers, lambda w: SQSDense(weights=w, window=STEPS - 1), STEPS - 1
    )
    assert cosine(got, exact) == pytest.approx(1.0, abs=1e-9)
    for a, b in zip(got, exact, strict=True):  # its length as well
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * np.abs(b).max())


def rates_after_reward(rule, steps=500):
    """Firing rates at the end of eight neurons: four are paid per spike, the other four fined.

    The payment for a spike takes two steps, through two stock Dense.
    """
    neurons = LearningSQS(
        shape=(8,), role="hidden", theta=np.zeros(CIRCUIT.n_params), lr_weights=0.02,
        baseline=0.05, seed=4, record=("p_spike",),
    )  # fmt: skip
    synapses = LearningDense(weights=np.full((8, 2), 0.25), learning_rule=rule)
    pay = Dense(weights=np.diag([1.0] * 4 + [-1.0] * 4))
    late = Dense(weights=np.eye(8), num_message_bits=24)
    RingBuffer(data=np.ones((2, steps))).s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    connect_learning(neurons, synapses)
    neurons.s_out.connect(pay.s_in)
    pay.a_out.connect(late.s_in)
    late.a_out.connect(neurons.a_third_factor_in)
    with runtime(neurons, SQSSimCfg()) as net:
        net.run(steps)
    return neurons.recording.p_spike[-200:].mean(axis=0)


def test_reward_rule_learns_from_a_late_reward_and_the_rule_of_the_same_step_does_not():
    rates = rates_after_reward(SQSRewardRule(decay_exponent=2))
    assert rates[:4].min() > 0.95
    assert rates[4:].max() < 0.05
    # credit for the spike of the same step is a random walk: some go on although they are fined
    assert rates_after_reward(SQSLearningRule(window=0))[4:].max() > 0.95


@pytest.mark.parametrize("rule", [SQSLearningRule(0), SQSLearningRule(1), SQSRewardRule(3)])
def test_scores_do_not_fade_between_steps(rule):
    # stock rules: exp(-1 / 65535) per step
    for tau in (rule.y1_tau, rule.y2_tau, rule.y3_tau):
        assert np.exp(-1 / tau) == 1.0


def test_reward_rule_names_its_decay():
    assert SQSRewardRule(3).gamma == 0.875
    assert SQSRewardRule(None).gamma == 1.0


@pytest.mark.parametrize("window", ["1", True, 0.5])
def test_windows_that_are_no_integers_are_named(window):
    with pytest.raises(TypeError, match="`window` must be an integer"):
        SQSLearningRule(window=window)
