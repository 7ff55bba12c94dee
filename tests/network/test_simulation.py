"""A network run layer by layer is the network run step by step."""

import numpy as np
import pytest

from lava_sqs.network import LayerSpec, LIFNeuron, NetworkSpec, SQSNeuron, feed_forward
from lava_sqs.network.gradient import initialise
from lava_sqs.network.simulate import Delayed, forward
from lava_sqs.quantum import Population, ansatz

NEURON = SQSNeuron(ansatz.layered())


def example(spec, steps=7, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    inputs = (rng.random((steps, batch, spec.n_inputs)) < 0.5).astype(float)
    parameters = initialise(spec, inputs, rng)
    for own in parameters.values():
        own.angles += rng.normal(0, 0.5, own.angles.shape)
    total = steps + spec.depth
    uniforms = [rng.random((total, batch, la.size)) for la in spec.layers]
    return inputs, parameters, uniforms


@pytest.mark.filterwarnings("ignore:.*input currents exceed 1")
def test_layer_by_layer_is_step_by_step():
    """Literally the contract: z_t = sum_p w_p x_p(t-1) + b with x(0) = 0, in every connection."""
    a = LayerSpec("a", 4, NEURON, ("input",))
    b = LayerSpec("b", 3, NEURON, ("a", "input"))
    c = LayerSpec("c", 2, NEURON, ("b", "a", "input"))
    spec = NetworkSpec(5, (a, b, c))
    inputs, parameters, uniforms = example(spec)
    traces = forward(spec, parameters, inputs, uniforms)

    steps, batch = len(inputs) + spec.depth, inputs.shape[1]
    populations = [
        Population(NEURON.ansatz, parameters[la.name].angles, batch=(batch,), seed=0)
        for la in spec.layers
    ]
    before = {
        "input": np.zeros((batch, 5)),
        **{n: np.zeros((batch, la.size)) for n, la in zip("abc", spec.layers, strict=True)},
    }
    for t in range(steps):
        now = {"input": inputs[t] if t < len(inputs) else np.zeros((batch, 5))}
        for i, layer in enumerate(spec.layers):
            own = parameters[layer.name]
            z = own.bias + sum(before[s] @ w.T for s, w in own.weights.items())
            now[layer.name] = populations[i].run(z[None], uniforms=uniforms[i][t : t + 1]).spikes[0]
            np.testing.assert_array_equal(traces[i].out.spikes[t], now[layer.name])
        before = now
    assert traces[-1].out.spikes.any()


def test_clamp_fixes_only_the_visible_layer():
    spec = feed_forward(5, (3,), 2, NEURON)
    inputs, parameters, uniforms = example(spec)
    clamp = np.ones((len(inputs) + 2, 3, 2), int)
    free = forward(spec, parameters, inputs, uniforms)
    fixed = forward(spec, parameters, inputs, uniforms, clamp)
    np.testing.assert_array_equal(free[0].out.spikes, fixed[0].out.spikes)
    assert fixed[1].out.spikes.all()
    assert not free[1].out.spikes.all()


BATCH_KINDS = {
    "one": NEURON,
    "two io": SQSNeuron(ansatz.layered(2, 1)),
    "two memory": SQSNeuron(ansatz.layered(1, 2)),
    "lif": LIFNeuron(),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("same", [False, True], ids=["steps", "same in every step"])
@pytest.mark.parametrize("kind", BATCH_KINDS)
def test_batches_in_either_precision_are_the_same_network(kind, same, dtype):
    """Neuron-major memory and one product per connection; equal up to rounding."""
    spec = feed_forward(12, (7, 5), 6, BATCH_KINDS[kind])
    inputs, parameters, uniforms = example(spec, steps=5, batch=9)
    if same:
        inputs = np.broadcast_to(inputs[0], inputs.shape)
    uniforms = [u.astype(np.float32).astype(float) for u in uniforms]  # float32 rounds to < 1 here
    clamp = np.random.default_rng(1).integers(-1, 2, (len(uniforms[0]), 9, spec.visible.size))
    clamp = np.repeat(clamp, spec.visible.neuron.channels, axis=2).astype(np.int8)
    wanted = forward(spec, parameters, inputs, uniforms, clamp)
    found = forward(spec, parameters, inputs, uniforms, clamp, dtype=dtype)
    close = 1e-12 if dtype is np.float64 else 3e-4
    for one, other in zip(wanted, found, strict=True):
        assert other.z.dtype == dtype
        assert other.z.transpose(2, 0, 1).flags.c_contiguous
        np.testing.assert_array_equal(one.out.spikes, other.out.spikes)
        np.testing.assert_allclose(one.z, other.z, rtol=0, atol=close)
        np.testing.assert_allclose(one.out.p_spike, other.out.p_spike, rtol=0, atol=close)
        signal = np.random.default_rng(2).normal(size=one.z.shape)
        for source, history in one.history.items():
            heard = other.history[source]
            np.testing.assert_array_equal(history.dense(), heard.dense())
            np.testing.assert_allclose(
                history.correlated(signal), heard.correlated(signal), rtol=0, atol=100 * close
            )
    likely = wanted[-1].out.log_likelihood - found[-1].out.log_likelihood
    assert np.abs(likely).max() < 10 * close


def test_batches_refuse_currents_that_are_no_numbers():
    spec = feed_forward(2, (), 3, NEURON)
    inputs, parameters, uniforms = example(spec)
    parameters["visible"].weights["input"][1, 0] = np.nan
    with pytest.raises(ValueError, match="currents"):
        forward(spec, parameters, inputs, uniforms, dtype=np.float32)


@pytest.mark.parametrize("steps", [2, 3, 5, 9])
def test_what_arrives_is_one_step_late(steps):
    """Products with a delayed train are those with the train moved by one step, also of a view."""
    rng = np.random.default_rng(0)
    moving = rng.random((4, 3, 2))
    for train in (moving, moving.astype(np.int8), np.broadcast_to(moving[0], (4, 3, 2))):
        literal = np.zeros((steps, 3, 2))
        for t in range(1, steps):
            literal[t] = train[t - 1] if t <= len(train) else 0.0
        arriving = Delayed(train, steps)
        np.testing.assert_array_equal(arriving.dense(), literal)
        weights, signal = rng.normal(size=(5, 2)), rng.normal(size=(steps, 3, 5))
        np.testing.assert_allclose(arriving.weighted(weights), literal @ weights.T, atol=1e-14)
        product = np.einsum("sbc,sbm->cm", signal, literal)
        np.testing.assert_allclose(arriving.correlated(signal), product, atol=1e-13)


@pytest.mark.parametrize(("circuit", "parameters"), [("paper", 1040), ("layered", 1060)])
def test_sizes_of_the_papers_network(circuit, parameters):
    spec = feed_forward(256, (2,), 2, SQSNeuron(ansatz.named(circuit)))
    assert (spec.n_parameters, spec.n_biases, spec.depth, spec.lag("visible")) == (
        parameters,
        4,
        2,
        1,
    )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "at least one layer"),
        ((LayerSpec("a", 1, NEURON, ("b",)),), "must name different ones of 'input'"),
        ((LayerSpec("a", 1, NEURON, ("a",)),), "must name different ones of 'input'"),
        ((LayerSpec("a", 1, NEURON, ("input", "input")),), "must name different"),
        ((LayerSpec("a", 1, NEURON, ()),), "must name different"),
        ((LayerSpec("input", 1, NEURON, ("input",)),), "different names"),
    ],
)
def test_impossible_networks_are_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        NetworkSpec(3, layers)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("a", 0, NEURON, ("input",)), ValueError, "`size` must be at least 1"),
        (("a", 1, "layered", ("input",)), TypeError, "`neuron` must be a neuron"),
        (("a", 1, NEURON, "input"), TypeError, "`sources` must be a list"),
    ],
)
def test_impossible_layers_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        LayerSpec(*arguments)


def test_wrong_parameters_are_refused():
    spec = feed_forward(5, (3,), 2, NEURON)
    _, parameters, _ = example(spec)
    parameters["visible"].bias = np.zeros(3)
    with pytest.raises(ValueError, match=r"parameters\['visible'\].bias` must have shape \(2,\)"):
        spec.check_parameters(parameters)
    del parameters["hidden0"]
    with pytest.raises(ValueError, match="must have the layer 'hidden0'"):
        spec.check_parameters(parameters)
