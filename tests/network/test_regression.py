"""Local learning of values: its gradient, literally; its loss; chance on noise."""

import numpy as np
import pytest

from lava_sqs.network import LIFNeuron, SQSNeuron, SQSNNRegressor, feed_forward
from lava_sqs.network.credit import aligned_weights, run_free
from lava_sqs.network.gradient import feedback_weights, initialise
from lava_sqs.network.regression import READOUT, Reading, initial_readout, regression_gradient
from lava_sqs.quantum import ansatz

DECAY = 0.6
SQS = SQSNeuron(ansatz.layered())


def small_network(sizes, per_step, neuron=SQS, steps=3, batch=2, n_outputs=2):
    spec = feed_forward(2, sizes, 3, neuron)
    rng = np.random.default_rng(4)
    inputs = rng.random((steps, batch, 2))
    parameters = initialise(spec, inputs, rng)
    for own in parameters.values():
        own.angles += rng.normal(0, 0.6, own.angles.shape)
    parameters[READOUT] = initial_readout(n_outputs, 3, rng)
    parameters[READOUT].bias += 0.3
    own = np.ones((steps if per_step else 1, batch))
    if per_step:
        reading = Reading(DECAY, 1, steps)
        own[-1, 0] = 0  # the first sample ends early
    else:
        share = rng.random((steps + spec.depth, batch))
        reading = Reading(0.0, 1, steps, share / share.sum(axis=0))
    targets = rng.normal(size=(*own.shape, n_outputs))
    return spec, inputs, parameters, reading, own, targets


def kernel(reading, n_steps, sample):
    """kappa(t, t') of one sample, written out."""
    if reading.share is not None:
        return reading.share[None, :, sample]
    found = np.zeros((reading.steps, n_steps))
    for t in range(reading.steps):
        for before in range(t + 1):
            gain = 1 - reading.decay
            found[t, before + reading.first] = gain * reading.decay ** (t - before)
    return found


def literal_loss(readout, said, p, reading, own, targets, more_variance):
    """Mean squared error of trains *said*, and the variance that they lack; per value."""
    total, w = 0.0, readout.weights["visible"]
    for b in range(own.shape[1]):
        k = kernel(reading, len(said), b)
        values = k @ said[:, b] @ w.T + readout.bias
        variance = k**2 @ (p[:, b] * (1 - p[:, b])) @ (w**2).T
        each = (targets[:, b] - values) ** 2 + more_variance * variance
        total += (own[:, b, None] * each).sum()
    return total / own.sum() / targets.shape[2]


def differences(function, array, h=1e-6):
    slope = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        keep = array[index]
        array[index] = keep + h
        up = function()
        array[index] = keep - h
        slope[index] = (up - function()) / (2 * h)
        array[index] = keep
    return slope


def later(array, steps):
    return np.concatenate([array[steps:], np.zeros_like(array[:steps])])


@pytest.mark.parametrize("per_step", [True, False])
@pytest.mark.parametrize(
    ("sizes", "credit"), [((2,), "symmetric"), ((2, 3), "aligned"), ((2,), "feedback")]
)
def test_the_gradient_is_that_of_the_expected_loss_given_the_spikes(sizes, credit, per_step):
    spec, inputs, parameters, reading, own, targets = small_network(sizes, per_step)
    rng = np.random.default_rng(3)
    back = {
        "symmetric": None,
        "aligned": aligned_weights(spec, rng, scale=3.0),
        "feedback": feedback_weights(spec, rng),
    }[credit]
    found = regression_gradient(
        spec, parameters, inputs, targets, np.random.default_rng(7), reading,
        own=own, credit=credit, back=back, held=False,
    )  # fmt: skip
    traces = run_free(spec, parameters, inputs, np.random.default_rng(7))
    readout = parameters[READOUT]
    half = 0.5 * (traces[-1].out.spikes + traces[-1].out.p_spike)
    start = traces[-1].out.p_spike

    def loss():
        return literal_loss(readout, half, start, reading, own, targets, 0.75)

    assert -found.log_likelihood.mean() == pytest.approx(loss(), rel=1e-12)
    learned = found.gradient[READOUT]
    for array, slope in (
        (readout.weights["visible"], learned.weights["visible"]),
        (readout.bias, learned.bias),
    ):
        np.testing.assert_allclose(-slope, differences(loss, array), atol=1e-7)

    batch = inputs.shape[1]
    errors = {}
    for layer, trace in zip(reversed(spec.layers), reversed(traces), strict=True):
        mine = parameters[layer.name]
        if layer is spec.visible:

            def worth(p):
                said = half + p - start  # what is drawn moves with what is expected
                return -batch * literal_loss(readout, said, p, reading, own, targets, 1.0)

        else:
            if credit == "feedback":
                told = errors["visible"] @ back[layer.name].T
                value = later(told, spec.distance(layer.name))
            else:
                value = 0.0
                for above in spec.layers:
                    if layer.name in above.sources:
                        w = parameters[above.name].weights if back is None else back[above.name]
                        value = value + later(errors[above.name] @ w[layer.name], 1)

            def worth(p, value=value):
                return (value * p).sum()

        def moved(z=None, mine=mine, trace=trace, layer=layer, worth=worth):
            if z is None:
                z = mine.bias + sum(trace.history[s].dense() @ w.T for s, w in mine.weights.items())
            u = np.zeros((*z.shape[:2], layer.size))
            return worth(layer.neuron.run(mine.angles, z, u, trace.out.spikes).p_spike)

        z = trace.z.copy()
        errors[layer.name] = differences(lambda z=z, moved=moved: moved(z), z)
        for name, array in mine.arrays().items():
            slope = differences(moved, array) / batch
            got = found.gradient[layer.name].arrays()[name]
            np.testing.assert_allclose(got, slope, atol=1e-6, err_msg=f"{layer.name} {name}")
        assert np.abs(slope).max() > 1e-4


@pytest.mark.parametrize("neuron", [SQS, LIFNeuron()])
def test_the_loss_is_that_of_single_shots(neuron):
    """Of values per step without a trace, exactly: the loss's mean is that of drawn spikes."""
    spec, inputs, parameters, _, own, targets = small_network((2,), True, neuron)
    reading, readout = Reading(0.0, 1, 3), parameters[READOUT]
    many = 4000
    inputs, own, targets = (np.tile(a, (1, many, 1)[: a.ndim]) for a in (inputs, own, targets))
    found = regression_gradient(
        spec, parameters, inputs, targets, np.random.default_rng(0), reading, own=own
    )
    drawn = run_free(spec, parameters, inputs, np.random.default_rng(1))[-1].out.spikes
    each = (targets - (drawn[1:4] @ readout.weights["visible"].T + readout.bias)) ** 2
    single = (own[:, :, None] * each).sum(axis=(0, 2)) / own.sum() / 2 * own.shape[1]
    apart = single.mean() + found.log_likelihood.mean()
    spread = np.sqrt((single.var() + found.log_likelihood.var()) / len(single))
    # Half-drawn spikes alone would be further away than that.
    p = run_free(spec, parameters, inputs, np.random.default_rng(1))[-1].out.p_spike[1:4]
    w = readout.weights["visible"]
    missing = 0.75 * (own[:, :, None] * (p * (1 - p))).sum(axis=(0, 1)) @ (w**2).sum(axis=0)
    assert missing / own.sum() / 2 > 10 * spread
    assert abs(apart) < 5 * spread


def test_a_trace_and_its_transpose_agree():
    rng = np.random.default_rng(0)
    share = rng.random((7, 3))
    for reading in (Reading(0.7, 2, 4), Reading(0.0, 2, 4), Reading(0.0, 2, 4, share)):
        for power in (1, 2):
            x = rng.normal(size=(7, 3, 5))
            heard = reading.of(x, power)
            y = rng.normal(size=heard.shape)
            assert (heard * y).sum() == pytest.approx((x * reading.back(y, 7, power)).sum())


@pytest.mark.parametrize("neuron", ["sqs", "lif", "qlif"])
def test_one_pass_over_noise_is_no_better_than_the_mean(neuron):
    """Targets are coins of a normal law: nothing can be learned of them before they are seen."""
    rng = np.random.default_rng(0)
    X, y = rng.random((1500, 6, 2)), rng.normal(size=1500)
    net = SQSNNRegressor((8,), n_readout=20, input_kind="sequence", neuron=neuron, epochs=1,
                         learning_rate=0.05, random_state=0).fit(X, y)  # fmt: skip
    # y is standardised: only -2 y f and f^2 >= 0 are left, with |f| of some .3
    assert net.loss_curve_[0] > 1 - 5 * 2 * 0.3 / np.sqrt(1500)
    net.set_params(epochs=5).fit(X, y)
    said = net.predict(held := rng.random((1500, 6, 2)))
    truth = rng.normal(size=1500)
    assert len(held) == len(said)
    gain = (truth - truth.mean()) ** 2 - (truth - said) ** 2
    assert gain.mean() < 4 * gain.std() / np.sqrt(1500)  # R^2 <= 0 within its interval
