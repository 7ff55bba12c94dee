"""The local rule ascends the right thing: checked against enumeration of all hidden trains."""

from itertools import product

import numpy as np
import pytest

from lava_sqs.network import SQSNeuron, feed_forward
from lava_sqs.network.simulation import forward
from lava_sqs.network.training import class_codes, initialise, local_gradient, target_trains
from lava_sqs.quantum import ansatz

SPEC = feed_forward(2, (1,), 2, SQSNeuron(ansatz.layered()))
INPUTS = np.array([[[1.0, 0.0]], [[1.0, 1.0]]])  # (T=2, B=1, 2)
STEPS = 4


@pytest.fixture(name="parameters")
def _parameters():
    rng = np.random.default_rng(4)
    parameters = initialise(SPEC, INPUTS, rng)
    for own in parameters.values():
        own.angles += rng.normal(0, 0.6, own.angles.shape)
        for w in own.weights.values():
            w += rng.normal(0, 0.15, w.shape)
    return parameters


def value(parameters, clamp, cost):
    """Expected worth, by enumeration of every hidden train."""
    hidden = SPEC.layers[0].neuron
    total = 0.0
    for train in product((0, 1), repeat=STEPS):
        spikes = np.array(train).reshape(STEPS, 1, 1)
        # u = 0 is silence and u -> 1 a spike: so that the network says this train
        u = np.where(spikes == 1, 1 - 1e-15, 0.0)
        traces = forward(SPEC, parameters, INPUTS, [u, np.zeros((STEPS, 1, 2))], clamp)
        np.testing.assert_array_equal(traces[0].out.spikes, spikes)
        law = hidden.run(parameters["hidden0"].angles, traces[0].z, np.zeros(spikes.shape), spikes)
        worth = traces[1].out.log_likelihood.sum() - cost * spikes.sum()
        total += np.exp(law.log_likelihood.sum()) * worth
    return total


@pytest.mark.parametrize(("n_draws", "cost"), [(2, 0.0), (3, 0.4), (1, 0.4)])
def test_the_gradient_of_the_expected_likelihood_without_bias(parameters, n_draws, cost):
    """Mean over many draws == derivative of the enumerated objective, whatever the baseline."""
    clamp = np.repeat(np.array([[[1, 0]]]), STEPS, axis=0)
    copies, batches = 100, 40
    rng = np.random.default_rng(0)
    results = [
        local_gradient(
            SPEC,
            parameters,
            np.repeat(INPUTS, copies, axis=1),
            np.repeat(clamp, copies, axis=1),
            rng,
            n_draws=n_draws,
            sparsity=cost,
            revive=0.0,
        ).gradient
        for _ in range(batches)
    ]
    h = 1e-5
    for layer in ("hidden0", "visible"):
        for name, array in parameters[layer].arrays().items():
            got = np.array([r[layer].arrays()[name] for r in results])
            error = got.std(axis=0, ddof=1) / np.sqrt(batches)
            for index in list(np.ndindex(array.shape))[:4]:
                keep = array[index]
                array[index] = keep + h
                up = value(parameters, clamp, cost)
                array[index] = keep - h
                down = value(parameters, clamp, cost)
                array[index] = keep
                slope = (up - down) / (2 * h)
                assert abs(got.mean(axis=0)[index] - slope) < 5 * error[index] + 1e-6, (layer, name)
                # and the check could have failed: the error is small against the gradient's size
                assert error[index] < 0.1 * (1 + np.abs(got.mean(axis=0)).max())


def test_targets_are_one_hot_trains_free_before_the_input_arrives():
    clamp = target_trains(
        SPEC, class_codes(2, "one-hot"), np.array([1, 0]), np.repeat(INPUTS, 2, axis=1)
    )
    np.testing.assert_array_equal(clamp[0], -1)
    np.testing.assert_array_equal(clamp[1:, 0], [[0, 1]] * 3)
    np.testing.assert_array_equal(clamp[1:, 1], [[1, 0]] * 3)


def test_targets_are_silent_after_a_padded_sample():
    inputs = np.ones((6, 2, 2))
    inputs[3:, 1] = 0
    clamp = target_trains(SPEC, class_codes(2, "one-hot"), np.array([0, 0]), inputs)
    np.testing.assert_array_equal(clamp[:, 0, 0], [-1, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(clamp[:, 1, 0], [-1, 1, 1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(clamp[1:, :, 1], 0)


def test_pairs_vote():
    codes = class_codes(4, "pairs", 2)
    assert codes.shape == (4, 24)
    for a in range(4):
        own = np.zeros(24, bool)
        own[6 * a : 6 * a + 6] = True
        assert (codes[a, own] == 1).all()
        assert (codes[a, ~own] == 0).sum() == 6  # those of others against this class
        assert (codes[a, ~own] == -1).sum() == 12


def test_free_neurons_learn_nothing(parameters):
    clamp = np.repeat(np.array([[[1, -1]]]), STEPS, axis=0)
    result = local_gradient(SPEC, parameters, INPUTS, clamp, np.random.default_rng(0))
    for array in result.gradient["visible"].arrays().values():
        assert array[0].any()
        assert not array[1].any()
    assert result.log_likelihood.shape == (1,)


def test_starting_currents_are_in_the_live_zone():
    spec = feed_forward(30, (8, 6), 4, SQSNeuron(ansatz.paper()))
    rng = np.random.default_rng(0)
    inputs = (rng.random((20, 50, 30)) < rng.random(30)).astype(float)
    parameters = initialise(spec, inputs, rng)
    uniforms = [rng.random((23, 50, la.size)) for la in spec.layers]
    for trace in forward(spec, parameters, inputs, uniforms):
        live = trace.z[3:20]
        np.testing.assert_allclose(live.mean(axis=(0, 1)), 0.5, atol=0.06)
        assert live.std(axis=(0, 1)).max() < 0.3


def test_a_visible_neuron_leaves_the_dead_zone(parameters):
    """With every current below zero the exact score is 0; the delta rule raises the right one."""
    parameters["visible"].bias[:] = -50.0
    clamp = np.repeat(np.array([[[1, 0]]]), STEPS, axis=0)
    gradients = [
        local_gradient(SPEC, parameters, INPUTS, clamp, np.random.default_rng(0), revive=r)
        for r in (0.0, 1.0)
    ]
    np.testing.assert_array_equal(gradients[0].gradient["visible"].bias, 0)
    assert gradients[1].gradient["visible"].bias[0] > 0.5
    assert gradients[1].gradient["visible"].bias[1] == 0
    assert gradients[1].gradient["visible"].weights["input"][0].min() > 0.5


def test_the_published_rule_is_another_one(parameters):
    clamp = np.repeat(np.array([[[1, 0]]]), STEPS, axis=0)
    exact, published = (
        local_gradient(SPEC, parameters, INPUTS, clamp, np.random.default_rng(0), rule=rule)
        for rule in ("exact", "as-published")
    )
    a, b = (r.gradient["hidden0"].weights["input"].ravel() for r in (exact, published))
    assert b.any()
    assert np.abs(a - b).max() > 0.5 * np.abs(a).max()


@pytest.mark.parametrize("io_qubits", [1, 2])
def test_a_window_over_all_steps_is_exact_and_a_shorter_one_is_not(io_qubits):
    rng = np.random.default_rng(3)
    neuron = SQSNeuron(ansatz.layered(io_qubits, 1))
    angles = rng.uniform(-np.pi, np.pi, (3, neuron.n_params))
    z = rng.uniform(-0.2, 1.0, (6, 4, 3 * io_qubits))
    spikes = neuron.run(angles, z, rng.random((6, 4, 3))).spikes
    signal = rng.normal(size=(6, 4, 3))
    _, exact = neuron.score(angles, z, spikes, signal)
    for window in (5, 9):
        full = neuron.window_score(angles, z, spikes, signal, window)
        np.testing.assert_allclose(full, exact, atol=1e-12)
    errors = [
        np.abs(neuron.window_score(angles, z, spikes, signal, h) - exact).max() for h in range(5)
    ]
    assert errors[0] > errors[4] > 1e-6


def test_the_window_limits_synapses_only(parameters):
    def gradient(rule, window=0):
        clamp = np.repeat(np.array([[[1, 0]]]), STEPS, axis=0)
        rng = np.random.default_rng(0)
        result = local_gradient(
            SPEC, parameters, INPUTS, clamp, rng, n_draws=3, rule=rule, window=window
        )
        return result.gradient

    exact, none, full = gradient("exact"), gradient("window"), gradient("window", STEPS)
    for layer in ("hidden0", "visible"):
        for name, array in exact[layer].arrays().items():
            np.testing.assert_allclose(full[layer].arrays()[name], array, atol=1e-12)
            same = np.allclose(none[layer].arrays()[name], array)
            assert same != name.startswith("weights"), (layer, name)
