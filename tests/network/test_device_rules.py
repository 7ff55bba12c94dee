"""Gradients from spikes alone: their means against the true gradient of the mean reward.

The truth is exact: all trains of a small network, each with its probability. A mean is compared
component by component with its own standard error; the threshold is that which a right estimator
passes with probability 1 - 1e-4 (Bonferroni, Student's t), for whatever seed.
"""

import itertools

import numpy as np
import pytest
from scipy.stats import t as student

from lava_sqs.hardware import Perturbation, Shift, Simulated, Twin
from lava_sqs.network import LayerParams, SQSNeuron, feed_forward
from lava_sqs.network.device_rules import device_gradient, rule_of, shots_per_sample
from lava_sqs.network.regression import Reading
from lava_sqs.network.rewards import Reward
from lava_sqs.network.sampler import Sampler
from lava_sqs.neurons.base import compiled
from lava_sqs.quantum import NoiseModel, Population, ansatz

FALSE_ALARMS = 1e-4
NOISE = NoiseModel(t1=1e-4, t2=8e-5, p_read1_given0=0.02, p_read0_given1=0.04)
#: Shared angles, an affine one, and a fixed rotation: what a shift has to tell apart.
ODD = ansatz.from_gates(
    [
        ("RX", 0, "a"),
        ("CRX", (0, 1), ("a", -0.5, 0.3)),
        ("RY", 1, 0.4),
        ("CRY", (1, 0), "b"),
        ("RX", 0, "b"),
    ],
    io_qubits=1,
    memory_qubits=1,
)


def trains(steps, channels):
    every = itertools.product((0, 1), repeat=steps * channels)
    return np.array(list(every), np.int8).reshape(-1, steps, channels).transpose(1, 0, 2)


def shifted_in_time(x, steps):
    late = np.zeros((steps, *x.shape[1:]))
    late[1 : len(x) + 1] = x[: steps - 1]
    return late


def currents_of(own, heard):
    """Currents (S, N, C) of what arrives, by source."""
    return sum(heard[s] @ w.T for s, w in own.weights.items()) + own.bias


def log_p(layer, own, z, spikes):
    out = compiled(layer.neuron, own.angles).run(
        np.ascontiguousarray(z), np.zeros((*z.shape[:2], layer.size)), spikes
    )
    return out.log_likelihood.sum(axis=(0, 2))


def mean_reward(net, parameters, inputs, reward_of):
    """E[f] of one sample (T, M): over all trains of up to one hidden layer, exactly."""
    steps = len(inputs) + net.depth
    x = shifted_in_time(inputs, steps)[:, None]
    visible = trains(steps, net.visible.channels)
    n, heard, weights = visible.shape[1], {"input": x}, np.ones(1)
    if len(net.layers) == 2:
        layer, own = net.layers[0], parameters[net.layers[0].name]
        hidden = trains(steps, layer.channels)
        z = currents_of(own, heard) + np.zeros(hidden.shape)
        weights = np.exp(log_p(layer, own, z, hidden))
        heard = {**heard, layer.name: shifted_in_time(hidden, steps)}
    own = parameters["visible"]
    z = np.repeat(currents_of(own, heard), n, axis=1)
    law = np.exp(log_p(net.visible, own, z, np.tile(visible, (1, len(weights), 1))))
    f = reward_of(n).value(visible).sum(axis=0)
    return float(weights @ law.reshape(-1, n) @ f)


def arrays(parameters):
    return [a for own in parameters.values() for a in (*own.weights.values(), own.bias, own.angles)]


def flat(parameters):
    return np.concatenate([a.ravel() for a in arrays(parameters)])


def differences(value, parameters, step=1e-4):
    """The gradient of value() by every parameter, by central differences."""
    found = []
    for a in arrays(parameters):
        for i in np.ndindex(a.shape):
            kept, sides = a[i], []
            for sign in (1, -1):
                a[i] = kept + sign * step
                sides.append(value())
            a[i] = kept
            found.append((sides[0] - sides[1]) / (2 * step))
    return np.array(found)


def compare(estimates, truth):
    """Assert that the mean of estimates (M, n) is the truth, and that a zero would not pass."""
    mean, error = estimates.mean(axis=0), estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    limit = student.isf(FALSE_ALARMS / 2 / len(truth), len(estimates) - 1)
    off = np.abs(mean - truth) / np.maximum(error, 1e-12)
    assert off.max() < limit, (off.argmax(), mean[off.argmax()], truth[off.argmax()])
    if np.any(truth):
        assert (np.abs(truth) / error).max() > limit


def network(hidden, circuit=None, noise=None, per_step=True, seed=5):
    """A small network, one sample, and its reward for so many copies of it."""
    rng = np.random.default_rng(seed)
    net = feed_forward(1, hidden, 2, SQSNeuron(circuit or ansatz.layered(), noise))
    inputs = np.array([1.0, 1.0, 0.0])[: 2 if hidden else 3, None]
    own = {}
    for layer in net.layers:
        angles = rng.uniform(-1.5, 1.5, (layer.size, layer.neuron.n_params))
        weights = {
            source: rng.uniform(0.3, 0.5, net.weights_shape(layer, source))
            for source in layer.sources
        }
        own[layer.name] = LayerParams(weights, np.full(layer.channels, 0.25), angles)
    T, first = len(inputs), net.lag("visible")
    labels = np.array([[0], [1], [1]])[:T]

    def reward(n):
        if per_step:
            share = np.full((T, n), 1 / T)
            return Reward(Reading(0.5, first, T), 1.5, np.repeat(labels, n, 1), share, 2)
        counted = np.ones((T + net.depth, n))
        counted[:first] = 0
        reading = Reading(0.0, first, T, counted)
        return Reward(reading, 0.8, np.ones((1, n), int), np.ones((1, n)), 2)

    return net, own, inputs, reward


def estimates(net, own, inputs, reward, rule, *, seed=3, repeats=60, batch=300, device=None):
    rng = np.random.default_rng(seed)
    device = device or Simulated(net.visible.neuron.noise)
    many = np.repeat(inputs[:, None], batch, axis=1)
    found = []
    for _ in range(repeats):
        sampler = Sampler(device, rng)
        result, _ = device_gradient(net, own, many, reward(batch), rule, sampler, rng)
        assert sampler.shots == batch * shots_per_sample(net, rule)
        found.append(flat(result.gradient))
    return np.array(found)


CASES = {
    "a label per step": {},
    "one label, noise": {"noise": NOISE, "per_step": False},
    "shared and affine angles": {"circuit": ODD},
}
CASE = "a label per step"


@pytest.mark.parametrize("rule", [Twin(), Shift()], ids=repr)
@pytest.mark.parametrize(
    "case", [CASE, *(pytest.param(case, marks=pytest.mark.slow) for case in CASES if case != CASE)]
)
def test_the_mean_is_the_true_gradient(rule, case):
    net, own, inputs, reward = network((), **CASES[case])
    truth = differences(lambda: mean_reward(net, own, inputs, reward), own)
    compare(estimates(net, own, inputs, reward, rule), truth)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule", [Twin(), Shift(), Perturbation(0.1, 0.05), Perturbation(0.1, 0.05, "step")], ids=repr
)
def test_the_mean_is_the_true_gradient_of_hidden_layers_too(rule):
    """Of a perturbation the small offsets leave a part of order 0.1^2, below the errors."""
    net, own, inputs, reward = network((2,))
    truth = differences(lambda: mean_reward(net, own, inputs, reward), own)
    found = estimates(net, own, inputs, reward, rule, repeats=60, batch=1000)
    compare(found, truth)


@pytest.mark.parametrize("per", ["shot", pytest.param("step", marks=pytest.mark.slow)])
def test_the_mean_of_a_perturbation_is_the_gradient_of_the_jittering_neuron(per):
    """Exactly, for large offsets: E[f] is averaged over the same offsets, not sampled."""
    net, own, inputs, reward = network((), per_step=False)
    rule, rng, rows = Perturbation(0.4, 0.2, per), np.random.default_rng(8), 1000
    steps, mine = len(inputs) + 1, own["visible"]
    times = steps if per == "step" else 1
    xi = rule.angles * rng.standard_normal((2, rows // 2, times, mine.angles.shape[1]))
    eta = rule.currents * rng.standard_normal((2, rows // 2, steps))
    xi, eta = np.concatenate([xi, -xi], axis=1), np.concatenate([eta, -eta], axis=1)
    x = shifted_in_time(inputs, steps)
    single, n = trains(steps, 1)[:, :, 0], 2**steps
    pairs = np.stack([np.repeat(single, n, axis=1), np.tile(single, (1, n))], axis=2)
    f = reward(n * n).value(pairs).sum(axis=0).reshape(n, n)

    def law(k):
        """Probabilities (2^S, rows) of all trains of neuron k under its offsets."""
        z = (x @ mine.weights["input"][k] + mine.bias[k])[:, None] + eta[k].T  # (S, rows)
        angles = mine.angles[k] + xi[k]
        pop = Population(net.visible.neuron.ansatz, angles[:, 0], batch=n)
        total = np.zeros((n, rows))
        for t in range(steps):
            if t and per == "step":
                pop.theta = angles[:, t]
            pop.step(np.broadcast_to(z[t], (n, rows)), np.repeat(single[t][:, None], rows, 1))
            total += pop.log_likelihood
        return np.exp(total)

    def smoothed():
        return float(np.einsum("ar,br,ab->", law(0), law(1), f) / rows)

    with pytest.warns(UserWarning, match="exceed 1"):
        truth = differences(smoothed, own, 1e-3)
    compare(estimates(net, own, inputs, reward, rule), truth)


class Noise(Reward):
    """What has nothing to do with spikes."""

    def advantage(self, spikes, size):
        return self.rng.normal(size=(*spikes.shape[:2], size))

    def instead(self, spikes, others):
        return self.rng.normal(size=others.shape[1:])

    def value(self, spikes):
        return self.rng.normal(size=(len(self.truth), spikes.shape[1]))


@pytest.mark.parametrize(
    "rule", [Twin(), Shift(), Perturbation(), Perturbation(per="step")], ids=repr
)
def test_a_reward_that_is_noise_teaches_nothing(rule):
    net, own, inputs, reward = network((2,))

    def noise(n):
        made = Noise(**vars(reward(n)))
        object.__setattr__(made, "rng", np.random.default_rng(n))
        return made

    found = estimates(net, own, inputs, noise, rule, repeats=60, batch=60)
    compare(found, np.zeros(found.shape[1]))


def test_the_scores_of_a_twin_are_those_of_its_model_not_of_the_device():
    """Spikes of a noisy device with a noiseless model: off by the model's error, and only so."""
    net, own, inputs, reward = network((), per_step=False)
    truth = differences(lambda: mean_reward(net, own, inputs, reward), own)
    found = estimates(net, own, inputs, reward, Twin(), device=Simulated(NOISE))
    with pytest.raises(AssertionError):
        compare(found, truth)


@pytest.mark.parametrize(
    "answer", [np.full((6, 4, 1), 2), np.zeros((6, 4)), np.full((6, 4, 1), np.nan)]
)
def test_what_is_no_spike_is_refused(answer):
    class Broken:
        def sample(self, ansatz, theta, currents, *, shots=1, seed=None):
            return answer

    sampler = Sampler(Broken(), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"`runtime`.*spikes 0 and 1"):
        sampler(ansatz.paper(), np.zeros(3), np.zeros((6, 4, 1)))


@pytest.mark.parametrize("value", ["twins", "", 3, Twin])
def test_unknown_ways_to_learn_are_refused(value):
    with pytest.raises((TypeError, ValueError), match="`gradient`"):
        rule_of(value)


@pytest.mark.parametrize("wrong", [{"angles": 0, "currents": 0}, {"angles": -1}, {"per": "neuron"}])
def test_offsets_that_teach_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`"):
        Perturbation(**wrong)
