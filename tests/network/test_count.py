"""The objective of free-running networks: its gradient, literally; chance on noise; credit."""

import numpy as np
import pytest

from lava_sqs.data import load_digits
from lava_sqs.network import (
    SQSNN,
    LIFNeuron,
    QLIFNeuron,
    SQSNeuron,
    feed_forward,
)
from lava_sqs.network import credit as credit_module
from lava_sqs.network.count import (
    BOUND,
    PULL,
    aligned_weights,
    class_logits,
    count_gradient,
    counted_steps,
)
from lava_sqs.network.gradient import feedback_weights, initialise
from lava_sqs.network.simulate import forward
from lava_sqs.quantum import ansatz

BETA = 0.8


def small_network(sizes, neuron, seed=1, steps=3, batch=2, recurrent=False):
    spec = feed_forward(2, sizes, 4, neuron, recurrent=recurrent)
    rng = np.random.default_rng(seed)
    inputs = rng.random((steps, batch, 2))
    parameters = initialise(spec, inputs, rng)
    for own in parameters.values():
        if isinstance(neuron, SQSNeuron):
            own.angles += rng.normal(0, 0.6, own.angles.shape)
    return spec, inputs, parameters


def literal_gradient(spec, parameters, inputs, labels, seed, told_by, sparsity):
    """sum_t (what is told) dp(t) by finite differences, from the errors of the layers above."""
    rng, h = np.random.default_rng(seed), 1e-6
    steps, batch = len(inputs) + spec.depth, inputs.shape[1]
    uniforms = [rng.random((steps, batch, la.size)) for la in spec.layers]
    traces = forward(spec, parameters, inputs, uniforms)
    counted = counted_steps(spec, steps, batch)
    logits = class_logits(traces[-1], 2, BETA, counted)
    q = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    told = BETA * (np.eye(2)[labels] - q)
    values = {spec.visible.name: np.repeat(told, 2, axis=1) * counted[:, :, None]}
    errors, slopes = {}, {}
    for layer, trace in zip(reversed(spec.layers), reversed(traces), strict=True):
        own = parameters[layer.name]
        if layer is not spec.visible:
            values[layer.name] = told_by(layer.name, errors) - sparsity
        value = values[layer.name]

        def worth(z=None, own=own, trace=trace, layer=layer, value=value):
            if z is None:
                z = own.bias + sum(trace.history[s].dense() @ w.T for s, w in own.weights.items())
            u = np.zeros((*z.shape[:2], layer.size))
            return (value * layer.neuron.run(own.angles, z, u, trace.out.spikes).p_spike).sum()

        error = np.empty(trace.z.shape)
        for index in np.ndindex(error.shape):
            up, down = trace.z.copy(), trace.z.copy()
            up[index] += h
            down[index] -= h
            error[index] = (worth(up) - worth(down)) / (2 * h)
        errors[layer.name] = error
        slopes[layer.name] = {}
        for name, array in own.arrays().items():
            slope = np.empty(array.shape)
            for index in np.ndindex(array.shape):
                keep = array[index]
                array[index] = keep + h
                up = worth()
                array[index] = keep - h
                down = worth()
                array[index] = keep
                slope[index] = (up - down) / (2 * h) / batch
            slopes[layer.name][name] = slope
    return slopes


def later(array, steps):
    moved = np.zeros_like(array)
    moved[: len(array) - steps] = array[steps:]
    return moved


@pytest.mark.parametrize("recurrent", [False, True], ids=["", "recurrent"])
@pytest.mark.parametrize("sizes", [(2,), (2, 3)])
@pytest.mark.parametrize("credit", ["symmetric", "aligned", "feedback"])
def test_the_gradient_is_what_the_page_says(sizes, credit, recurrent):
    neuron = SQSNeuron(ansatz.layered())
    spec, inputs, parameters = small_network(sizes, neuron, recurrent=recurrent)
    labels, rng = np.array([0, 1]), np.random.default_rng(3)
    back = {
        "symmetric": None,
        "aligned": aligned_weights(spec, rng, scale=3.0),
        "feedback": feedback_weights(spec, rng),
    }[credit]

    def told_by(name, errors):
        if credit == "feedback":
            return later(errors["visible"] @ back[name].T, spec.distance(name))
        total = 0.0
        for layer in spec.layers:
            if name in layer.others:
                weights = parameters[layer.name].weights if back is None else back[layer.name]
                total = total + later(errors[layer.name] @ weights[name], 1)
        return total

    wanted = literal_gradient(spec, parameters, inputs, labels, 7, told_by, 0.2)
    found = count_gradient(
        spec, parameters, inputs, labels, 2, np.random.default_rng(7), inverse_temperature=BETA,
        credit=credit, back=back, sparsity=0.2, held=False,
    ).gradient  # fmt: skip
    for layer, arrays in wanted.items():
        for name, slope in arrays.items():
            got = found[layer].arrays()[name]
            np.testing.assert_allclose(got, slope, atol=1e-6, err_msg=f"{layer} {name}")
        assert np.abs(arrays["bias"]).max() > 1e-3


def exact_gradient(spec, parameters, inputs, labels, draws, seed):
    """True gradient of the mean loss: every hidden spike flipped, all that follows run again.

    d E[loss] = E sum_{k,t} (loss given s_k(t) = 1 - loss given 0) dp_k(t), for hidden neurons.
    """
    rng = np.random.default_rng(seed)
    hidden, visible = spec.layers
    steps, batch = len(inputs) + spec.depth, inputs.shape[1]
    many = np.tile(inputs, (1, draws, 1))
    truth = np.tile(labels, draws)
    u = [rng.random((steps, batch * draws, la.size)) for la in spec.layers]
    traces = forward(spec, parameters, many, u)
    counted = counted_steps(spec, steps, batch * draws)
    first = traces[0]
    own = parameters[hidden.name]

    def log_q(spikes):
        z = parameters[visible.name].bias + sum(
            (np.concatenate([np.zeros_like(x[:1]), x[:-1]])[:steps] @ w.T)
            for x, w in (
                (spikes.astype(float), parameters[visible.name].weights[hidden.name]),
                (
                    np.concatenate([many, np.zeros((spec.depth, *many.shape[1:]))]),
                    parameters[visible.name].weights["input"],
                ),
            )
        )
        out = visible.neuron.run(parameters[visible.name].angles, z, u[1])
        trace = traces[1].__class__({}, z, out)
        a = class_logits(trace, 2, BETA, counted)
        a -= a.max(axis=1, keepdims=True)
        a -= np.log(np.exp(a).sum(axis=1, keepdims=True))
        return a[np.arange(len(truth)), truth]

    gain = np.zeros(first.z.shape)
    for t in range(steps - 1):
        for k in range(hidden.size):
            ends = []
            for bit in (1, 0):
                clamp = np.full(first.z.shape, -1, np.int8)
                clamp[:t] = first.out.spikes[:t]
                clamp[t, :, k] = bit
                others = [i for i in range(hidden.size) if i != k]
                clamp[:, :, others] = first.out.spikes[:, :, others]
                spikes = hidden.neuron.run(own.angles, first.z, u[0], clamp).spikes
                ends.append(log_q(spikes))
            gain[t, :, k] = ends[0] - ends[1]
    signal = gain * (first.out.spikes + first.out.p_spike - 1)
    _, d_z = hidden.neuron.score(own.angles, first.z, first.out.spikes, signal)
    return first.history["input"].correlated(d_z) / (batch * draws)


def test_symmetric_credit_points_where_the_true_gradient_does():
    """The true one by flipping every hidden spike: 4000 draws, so its own error is small."""
    spec = feed_forward(6, (5,), 4, SQSNeuron(ansatz.layered()))
    rng = np.random.default_rng(0)
    inputs = (rng.random((4, 6, 6)) < 0.5).astype(float)
    labels = np.arange(6) % 2
    parameters = initialise(spec, inputs, rng, visible_spread=0.3)
    true = exact_gradient(spec, parameters, inputs, labels, 700, 1)
    again = exact_gradient(spec, parameters, inputs, labels, 700, 2)

    def cosine(a, b):
        return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))

    assert cosine(true, again) > 0.95  # what is compared with is known well enough
    found = count_gradient(
        spec, parameters, inputs, labels, 2, np.random.default_rng(3),
        inverse_temperature=BETA, credit="symmetric", n_draws=2000, held=False,
    ).gradient["hidden0"].weights["input"]  # fmt: skip
    assert cosine(found, true + again) > 0.9


@pytest.mark.parametrize("recurrent", [False, True], ids=["", "recurrent"])
@pytest.mark.parametrize("neuron", [SQSNeuron(ansatz.layered()), LIFNeuron(), QLIFNeuron(20)])
def test_one_pass_over_noise_is_no_better_than_chance(neuron, recurrent):
    """Labels are coins, each sample is seen once: the loss before its update has mean >= log 2."""
    spec = feed_forward(5, (8,), 4, neuron, recurrent=recurrent)
    rng = np.random.default_rng(2)
    parameters, losses = None, []
    back = aligned_weights(spec, rng)
    for _ in range(150):
        inputs = (rng.random((6, 32, 5)) < 0.5).astype(float)
        labels = rng.integers(0, 2, 32)
        if parameters is None:
            parameters = initialise(spec, inputs, rng)
        result = count_gradient(
            spec, parameters, inputs, labels, 2, rng, inverse_temperature=BETA,
            credit="aligned", back=back,
        )  # fmt: skip
        losses.append(-result.log_likelihood)
        for name, own in parameters.items():
            up = result.gradient[name]
            own.bias += 0.3 * up.bias
            own.angles += 0.1 * up.angles
            for source, w in own.weights.items():
                w += 0.3 * up.weights[source]
                if source not in ("input", name):
                    back[name][source] += 0.3 * up.weights[source]
    losses = np.concatenate(losses)
    # five standard errors: a false alarm in three million
    assert losses.mean() > np.log(2) - 5 * losses.std() / np.sqrt(len(losses))


def test_feedback_that_learns_like_the_weights_agrees_with_them():
    spec, inputs, parameters = small_network((6,), SQSNeuron(ansatz.layered()), steps=5, batch=16)
    rng = np.random.default_rng(0)
    labels = np.arange(16) % 2
    back = aligned_weights(spec, rng, scale=1.0)
    w = parameters["visible"].weights["hidden0"]

    def cosine():
        b = back["visible"]["hidden0"]
        return (w * b).sum() / np.sqrt((w * w).sum() * (b * b).sum())

    before = cosine()
    for _ in range(200):
        up = count_gradient(
            spec, parameters, inputs, labels, 2, rng, inverse_temperature=BETA,
            credit="aligned", back=back,
        ).gradient  # fmt: skip
        for matrix in (w, back["visible"]["hidden0"]):
            matrix += 0.3 * up["visible"].weights["hidden0"]
            matrix *= 1 - 0.02
    assert before < 0.7
    assert cosine() > 0.97


def at_current(current, held, label):
    spec = feed_forward(1, (), 2, SQSNeuron(ansatz.layered()))
    inputs = np.zeros((4, 1, 1))
    parameters = initialise(spec, inputs, np.random.default_rng(0))
    own = parameters["visible"]
    own.weights["input"][:], own.angles[:], own.bias[:] = 0.0, 0.0, current
    return count_gradient(
        spec, parameters, inputs, np.array([label]), 2, np.random.default_rng(0),
        inverse_temperature=BETA, held=held,
    ).gradient["visible"].bias  # fmt: skip


def test_scores_by_currents_are_held_and_silent_neurons_pulled():
    free, held = at_current(-0.5, False, 0), at_current(-0.5, True, 0)
    np.testing.assert_array_equal(free, 0)  # no gate, no score
    assert held[0] == pytest.approx(4 * PULL * BETA * 0.5)
    assert held[1] == 0
    assert (np.abs(at_current(1e-6, True, 0)) <= 4 * BOUND * BETA).all()
    np.testing.assert_allclose(at_current(0.4, True, 0), at_current(0.4, False, 0))


def test_score_credit_is_unbiased():
    spec, inputs, parameters = small_network((2,), SQSNeuron(ansatz.layered()))
    labels = np.array([0, 1])
    found = [
        count_gradient(
            spec, parameters, inputs, labels, 2, np.random.default_rng(seed),
            inverse_temperature=BETA, credit="score", n_draws=200, held=False,
        ).gradient["hidden0"].weights["input"]
        for seed in range(60)
    ]  # fmt: skip
    true = np.mean(
        [exact_gradient(spec, parameters, inputs, labels, 1000, s) for s in range(6)], axis=0
    )
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(60)
    assert (np.abs(mean - true) < 5 * error + 0.02 * np.abs(true).max()).all()
    assert np.abs(true).max() > 5 * error.max()


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("credit", ["aligned", "symmetric", "feedback", "score"])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (2, 1)], ids=str)
def test_batches_have_the_same_gradient(sizes, credit, dtype, monkeypatch):
    """In one pass and neuron-major memory, as step by step: equal up to rounding."""
    spec = feed_forward(8, (6, 5), 6, SQSNeuron(ansatz.layered(*sizes)))
    rng = np.random.default_rng(0)
    inputs = (rng.random((4, 9, 8)) < 0.4).astype(float)
    parameters = initialise(spec, inputs, rng, visible_spread=0.3)
    for own in parameters.values():
        own.angles += rng.normal(0, 0.5, own.angles.shape)
    back = None
    if credit == "aligned":
        back = aligned_weights(spec, rng, 1.0)
    elif credit == "feedback":
        back = feedback_weights(spec, rng)
    shapes = [(4 + spec.depth, 18, la.size) for la in spec.layers]
    numbers = [rng.random(shape, dtype=np.float32).astype(float) for shape in shapes]
    monkeypatch.setattr(credit_module, "drawn", lambda *_: numbers)
    arguments = (spec, parameters, inputs, np.arange(9) % 3, 3)
    options = {"inverse_temperature": 0.7, "credit": credit, "back": back, "n_draws": 2}
    options["sparsity"] = 0.01
    wanted = count_gradient(*arguments, rng, **options)
    found = count_gradient(*arguments, rng, dtype=dtype, **options)
    close = 1e-10 if dtype is np.float64 else 1e-3
    assert found.spikes == wanted.spikes
    assert found.wraps == wanted.wraps
    np.testing.assert_allclose(found.log_likelihood, wanted.log_likelihood, atol=close)
    for name, own in wanted.gradient.items():
        for key, array in own.arrays().items():
            other = found.gradient[name].arrays()[key]
            np.testing.assert_allclose(other, array, rtol=0, atol=close * np.abs(array).max())


@pytest.mark.slow
def test_layers_behind_layers_do_not_fall_silent_for_good():
    """Without PULL_BEHIND it is right for less than three quarters."""
    data = load_digits()
    clf = SQSNN((32, 32, 32), input_kind="static", encoder="current", n_steps=5, skip=False,
                epochs=6, random_state=1).fit(data.x_train, data.y_train)  # fmt: skip
    assert clf.score(data.x_test, data.y_test) > 0.8


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_aligned_weights_decay_as_the_learning_rate_falls(schedule):
    """Weights that hardly move lose DECAY per update, times what the rate is of its first value."""
    x = np.random.default_rng(0).random((40, 3))
    given = {"credit": "aligned", "batch_size": 4, "random_state": 0, "schedule": schedule}
    first, last = (
        SQSNN((5,), epochs=n, learning_rate=1e-9, dtype="float64", **given)
        .fit(x, np.arange(40) % 2)
        .parameters_["visible"]
        for n in (1, 30)
    )
    done = np.arange(300) / 300
    factors = np.ones(300) if schedule == "constant" else 0.5 * (1 + np.cos(np.pi * done))
    one = factors[:10] if schedule == "constant" else factors[::30]
    ratio = np.prod(1 - 1e-3 * factors) / np.prod(1 - 1e-3 * one)
    found = last.weights["hidden0"] / first.weights["hidden0"]
    np.testing.assert_allclose(found, ratio, rtol=1e-4)
    np.testing.assert_allclose(last.weights["input"], first.weights["input"], rtol=1e-4)
