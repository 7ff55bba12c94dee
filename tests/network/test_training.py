"""The local rule ascends the right thing: checked against enumeration of all hidden trains."""

from itertools import product

import numpy as np
import pytest

from lava_sqs.network import LayerSpec, LIFNeuron, NetworkSpec, SQSNeuron, feed_forward
from lava_sqs.network.gradient import (
    BOUND,
    _raising,
    class_codes,
    feedback_weights,
    initialise,
    local_gradient,
    target_trains,
)
from lava_sqs.network.sequences import counted_steps
from lava_sqs.network.simulate import LayerTrace, forward
from lava_sqs.neurons import RunOut
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
            bound=None,
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


def test_targets_are_free_after_a_sample():
    inputs = np.ones((6, 2, 2))
    counted = counted_steps(np.arange(6) < np.array([[6], [3]]), 1, SPEC.depth)
    clamp = target_trains(SPEC, class_codes(2, "one-hot"), np.array([0, 0]), inputs, counted)
    np.testing.assert_array_equal(clamp[:, 0, 0], [-1, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(clamp[:, 1, 0], [-1, 1, 1, 1, 1, -1, -1, -1])
    np.testing.assert_array_equal(clamp[:, 1, 1], [-1, 0, 0, 0, 0, -1, -1, -1])


def test_silent_inputs_are_no_padding():
    inputs = np.ones((6, 2, 2))
    inputs[3:, 1] = 0
    clamp = target_trains(SPEC, class_codes(2, "one-hot"), np.array([0, 1]), inputs)
    np.testing.assert_array_equal(clamp[1:], np.broadcast_to(np.eye(2), (7, 2, 2)))


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


def log_likelihood(neuron, angles, z, spikes):
    """Per step and neuron, of a recorded train."""
    u = np.zeros((*z.shape[:2], len(angles)))
    return neuron.run(angles, z, u, spikes).log_likelihood


@pytest.mark.parametrize("sizes", [(2,), (2, 2)])
def test_feedback_raises_spikes_where_the_errors_ask_for_them(sizes):
    """Literally sum_t (sum_k B e(t + d) - cost) dp(t), with e and dp by finite differences."""
    spec = feed_forward(2, sizes, 2, SQSNeuron(ansatz.layered()))
    rng = np.random.default_rng(1)
    inputs = rng.random((3, 2, 2))
    parameters = initialise(spec, inputs, rng)
    for own in parameters.values():
        own.angles += rng.normal(0, 0.6, own.angles.shape)
    clamp = target_trains(spec, class_codes(2, "one-hot"), np.array([0, 1]), inputs)
    feedback, cost = feedback_weights(spec, rng), 0.3
    found = local_gradient(
        spec, parameters, inputs, clamp, np.random.default_rng(7),
        feedback=feedback, sparsity=cost, bound=None,
    ).gradient  # fmt: skip

    steps, h = len(clamp), 1e-6
    rng = np.random.default_rng(7)
    uniforms = [rng.random((steps, 2, la.size)) for la in spec.layers]
    traces = forward(spec, parameters, inputs, uniforms, clamp)
    visible = traces[-1]
    errors = np.empty(visible.z.shape)
    for index in np.ndindex(errors.shape):
        ends = []
        for sign in (1, -1):
            z = visible.z.copy()
            z[index] += sign * h
            log_p = log_likelihood(
                spec.visible.neuron, parameters["visible"].angles, z, visible.out.spikes
            )
            ends.append((log_p * (clamp >= 0)).sum())
        errors[index] = (ends[0] - ends[1]) / (2 * h)
    for i, layer in enumerate(spec.layers[:-1]):
        distance = len(sizes) - i
        told = np.zeros((steps, 2, layer.size))
        told[: steps - distance] = errors[distance:] @ feedback[layer.name].T
        own, trace = parameters[layer.name], traces[i]

        def objective(own=own, trace=trace, layer=layer, told=told):
            z = own.bias + sum(trace.history[s].dense() @ w.T for s, w in own.weights.items())
            u = np.zeros((*z.shape[:2], layer.size))
            p = layer.neuron.run(own.angles, z, u, trace.out.spikes).p_spike
            return ((told - cost) * p).sum() / 2  # per sample

        for name, array in own.arrays().items():
            for index in np.ndindex(array.shape):
                keep, ends = array[index], []
                for sign in (1, -1):
                    array[index] = keep + sign * h
                    ends.append(objective())
                array[index] = keep
                slope = (ends[0] - ends[1]) / (2 * h)
                got = found[layer.name].arrays()[name][index]
                np.testing.assert_allclose(got, slope, atol=1e-6, err_msg=f"{layer.name} {name}")
        assert np.abs(found[layer.name].weights[layer.sources[0]]).max() > 1e-2


def test_raising_one_channel_of_two_is_unbiased():
    """Mean over all outcomes of signal times score == derivative of the channels' probabilities."""
    rng = np.random.default_rng(5)
    neuron = SQSNeuron(ansatz.layered(2, 1))
    angles = rng.normal(size=(1, neuron.n_params))
    z, value = rng.uniform(0.2, 0.8, (1, 1, 2)), rng.normal(size=(1, 1, 2))
    u = np.zeros((1, 1, 1))
    p = neuron.run(angles, z, u).p_spike
    mean, total = np.zeros(2), 0.0
    for bits in product((0, 1), repeat=2):
        spikes = np.array(bits, dtype=np.int8).reshape(1, 1, 2)
        weight = np.exp(log_likelihood(neuron, angles, z, spikes)[0, 0, 0])
        trace = LayerTrace({}, z, RunOut(spikes, p, np.zeros((1, 1, 1))))
        _, d_z = neuron.score(angles, z, spikes, _raising(trace, value, 1))
        mean, total = mean + weight * d_z.ravel(), total + weight
    assert total == pytest.approx(1)
    h = 1e-6
    for n in range(2):
        step = np.eye(2)[n] * h
        up, down = (neuron.run(angles, z + s * step, u).p_spike for s in (1, -1))
        assert mean[n] == pytest.approx((value * (up - down)).sum() / (2 * h), abs=1e-7)
    assert np.abs(mean).min() > 1e-2


def test_distances_to_the_visible_layer():
    neuron = LIFNeuron()
    layers = [("a", ("input",)), ("b", ("a",)), ("deaf", ("a",)), ("c", ("b", "a", "input"))]
    spec = NetworkSpec(3, tuple(LayerSpec(name, 2, neuron, sources) for name, sources in layers))
    assert [spec.distance(n) for n in ("a", "b", "deaf", "c")] == [1, 1, -1, 0]
    inputs = np.ones((4, 2, 3))
    rng = np.random.default_rng(0)
    parameters = initialise(spec, inputs, rng)
    clamp = target_trains(spec, class_codes(2, "one-hot"), np.array([0, 1]), inputs)
    gradient = local_gradient(
        spec, parameters, inputs, clamp, rng, feedback=feedback_weights(spec, rng)
    ).gradient
    assert not gradient["deaf"].bias.any()  # nobody hears it
    assert gradient["a"].bias.any()


def at_current(parameters, current, bound):
    """Gradient of the visible biases per heard step, with every current at one value."""
    own = parameters["visible"]
    for w in own.weights.values():
        w[:] = 0.0
    own.angles[:] = 0.0
    own.bias[:] = current
    clamp = np.repeat(np.array([[[1, 0]]]), STEPS, axis=0)
    rng = np.random.default_rng(0)
    result = local_gradient(SPEC, parameters, INPUTS, clamp, rng, bound=bound)
    return result.gradient["visible"].bias / STEPS


def test_scores_of_visible_neurons_are_held(parameters):
    """With all angles 0, p = sin^2(pi z / 2) and the exact scores are pi cot and -pi tan."""

    def exact(z):
        return np.pi / np.tan(np.pi * z / 2), -np.pi * np.tan(np.pi * z / 2)

    def p(z):
        return np.sin(np.pi * z / 2) ** 2

    for z in (0.1, 0.48, 0.52, 0.9, 1.3):
        np.testing.assert_allclose(at_current(parameters, z, None), exact(z), rtol=1e-9)
    np.testing.assert_array_equal(at_current(parameters, -0.5, None), 0)  # no gate, no score
    up, down = at_current(parameters, 0.1, BOUND)
    np.testing.assert_allclose([up, down], [BOUND, exact(0.1)[1]])
    up, down = at_current(parameters, 0.9, BOUND)
    np.testing.assert_allclose([up, down], [exact(0.9)[0], -BOUND])
    # out of the dead zone; and back down instead of on to the next flip
    np.testing.assert_allclose(at_current(parameters, -0.5, BOUND), [BOUND, 0])
    np.testing.assert_allclose(at_current(parameters, 1.3, BOUND), [exact(1.3)[0], -BOUND * p(1.3)])


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
