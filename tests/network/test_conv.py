"""Convolutions: Lava's own numbers, the gradient of tied weights, images in the estimators."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lava.proc.conv import utils
from lava.proc.io.source import RingBuffer as Source
from sklearn.base import clone

from lava_sqs import SQSNN, Conv2D, LIFLayer, SQSLayer, SQSNNRegressor
from lava_sqs.data import load_digits
from lava_sqs.network import (
    LayerSpec,
    LIFNeuron,
    NetworkSpec,
    QLIFNeuron,
    SQSNeuron,
    feed_forward,
)
from lava_sqs.network import credit as credit_module
from lava_sqs.network.arriving import Convolved, Delayed, heard_back
from lava_sqs.network.conv import Kernel
from lava_sqs.network.count import aligned_weights, count_gradient
from lava_sqs.network.gradient import initialise
from lava_sqs.network.simulate import forward
from lava_sqs.network.spec import LayerParams
from lava_sqs.quantum import ansatz

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")


@st.composite
def kernels(draw):
    """Any geometry that fits."""
    size, stride = (draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(2))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    image = [draw(st.integers(max(1, k - 2 * p), 6)) for k, p in zip(size, padding, strict=True)]
    shape = (image[0], image[1], draw(st.integers(1, 3)))
    return Kernel(shape, draw(st.integers(1, 3)), size, stride, padding)


def matrix(kernel, weights):
    """Return the dense connection that is the same, (P O, M)."""
    every = np.eye(int(np.prod(kernel.in_shape)))
    return kernel.apply(weights, kernel.patches(every))


@settings(max_examples=80, deadline=None)
@given(kernels(), st.integers(0, 2**32))
def test_it_is_the_convolution_of_lava(kernel, seed):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=kernel.in_shape), rng.normal(size=kernel.weights_shape)
    wanted = utils.conv(x, w, kernel.size, kernel.stride, kernel.padding, (1, 1), 1)
    assert wanted.shape == kernel.out_shape
    found = kernel.apply(w, kernel.patches(x.reshape(-1, 1)))
    np.testing.assert_allclose(found.ravel(), wanted.ravel(), rtol=0, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(kernels(), st.integers(0, 2**32))
def test_its_gradient_and_its_way_back_are_its_transposes(kernel, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(int(np.prod(kernel.in_shape)), 4))
    w, e = (
        rng.normal(size=kernel.weights_shape),
        rng.normal(size=(int(np.prod(kernel.out_shape)), 4)),
    )
    patches = kernel.patches(x)
    inner = (e * kernel.apply(w, patches)).sum()
    np.testing.assert_allclose((w * kernel.correlate(e, patches)).sum(), inner, atol=1e-9)
    np.testing.assert_allclose((x * kernel.back(w, e)).sum(), inner, atol=1e-9)
    np.testing.assert_allclose(kernel.back(w, e), matrix(kernel, w).T @ e, atol=1e-12)


@pytest.mark.parametrize("dtype", [None, np.float64, np.float32])
@pytest.mark.parametrize("same", [False, True], ids=["steps", "same in every step"])
@pytest.mark.parametrize("numbers", [2**23, 20], ids=["one chunk", "chunks"])
def test_what_arrives_is_what_arrives_over_the_dense_connection(dtype, same, numbers, monkeypatch):
    monkeypatch.setattr("lava_sqs.network.conv._NUMBERS", numbers)
    kernel = Kernel((5, 4, 2), 3, (3, 2), (2, 1), (1, 0))
    rng = np.random.default_rng(0)
    train = rng.random((4, 3, 40))
    if same:
        train = np.broadcast_to(train[0], train.shape)
    w = rng.normal(size=kernel.weights_shape)
    plain = Delayed(train, 6)
    seen, full = Convolved(Delayed(train, 6, dtype), kernel), matrix(kernel, w)
    close = 1e-4 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(seen.weighted(w), plain.weighted(full), rtol=0, atol=close)
    signal = rng.normal(size=(6, 3, full.shape[0]))
    wanted = tied(kernel, plain.correlated(signal))
    np.testing.assert_allclose(seen.correlated(signal), wanted, rtol=0, atol=50 * close)
    np.testing.assert_allclose(
        heard_back(signal, w, 2, kernel), heard_back(signal, full, 2), rtol=0, atol=1e-12
    )


def tied(kernel, dense):
    """Return the gradient of a kernel of that of the dense connection: the sum of what it ties."""
    found = np.empty(kernel.weights_shape)
    for index in np.ndindex(found.shape):
        one = np.zeros(found.shape)
        one[index] = 1.0
        found[index] = (matrix(kernel, one) * dense).sum()
    return found


@pytest.mark.parametrize("credit", ["symmetric", "aligned", "score"])
@pytest.mark.parametrize("neuron", [SQSNeuron(ansatz.layered()), LIFNeuron()], ids=["sqs", "lif"])
def test_what_is_learned_is_what_the_dense_network_learns_with_tied_weights(neuron, credit):
    """Two convolutions and a dense layer: kernels, biases, angles, and errors on their way back."""
    layers = [Conv2D(2, 3, padding=1, kind=neuron), Conv2D(3, (2, 3), stride=2, kind=neuron), 5]
    spec = feed_forward(18, layers, 4, neuron, input_shape=(3, 6, 1))
    rng = np.random.default_rng(0)
    inputs = (rng.random((3, 8, 18)) < 0.5).astype(float)
    parameters = initialise(spec, inputs, rng, visible_spread=0.3)
    plain = NetworkSpec(
        18, tuple(LayerSpec(la.name, la.size, la.neuron, la.sources) for la in spec.layers)
    )

    def untied(weights, layer):
        kernel = layer.kernel(next(iter(weights)))
        return {s: w if kernel is None else matrix(kernel, w) for s, w in weights.items()}

    same = {
        la.name: LayerParams(
            untied(parameters[la.name].weights, la),
            parameters[la.name].bias,
            parameters[la.name].angles,
        )
        for la in spec.layers
    }
    back = aligned_weights(spec, rng, 1.0)
    options = {"inverse_temperature": 0.7, "credit": credit, "n_draws": 2}
    arguments = (inputs, np.arange(8) % 2, 2)
    found = count_gradient(
        spec, parameters, *arguments, np.random.default_rng(1), back=back, **options
    ).gradient
    full = {la.name: untied(back[la.name], la) if back[la.name] else {} for la in spec.layers}
    wanted = count_gradient(
        plain, same, *arguments, np.random.default_rng(1), back=full, **options
    ).gradient
    for layer in spec.layers:
        one, other = found[layer.name], wanted[layer.name]
        np.testing.assert_allclose(one.bias, other.bias, rtol=0, atol=1e-10)
        np.testing.assert_allclose(one.angles, other.angles, rtol=0, atol=1e-10)
        for source, up in one.weights.items():
            kernel = layer.kernel(source)
            dense = other.weights[source]
            dense = dense if kernel is None else tied(kernel, dense)
            np.testing.assert_allclose(up, dense, rtol=0, atol=1e-10)
            assert up.any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
def test_batches_are_the_same_network_and_learn_the_same(dtype, monkeypatch):
    neuron = SQSNeuron(ansatz.layered())
    layers = [Conv2D(2, 3, padding=1), Conv2D(3, 2, stride=2, kind=QLIFNeuron(5)), 6]
    spec = feed_forward(36, layers, 4, neuron, input_shape=(6, 6, 1))
    rng = np.random.default_rng(0)
    inputs = (rng.random((4, 9, 36)) < 0.5).astype(float)
    parameters = initialise(spec, inputs, rng, visible_spread=0.3)
    u = [rng.random((4 + spec.depth, 9, la.size), dtype=np.float32) for la in spec.layers]
    u = [x.astype(float) for x in u]
    wanted, found = (forward(spec, parameters, inputs, u, dtype=d) for d in (None, dtype))
    close = 1e-12 if dtype is np.float64 else 3e-4
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(one.out.spikes, other.out.spikes)
        np.testing.assert_allclose(one.z, other.z, rtol=0, atol=close)
    monkeypatch.setattr(credit_module, "drawn", lambda *_: u)
    arguments = (spec, parameters, inputs, np.arange(9) % 2, 2, rng)
    one, other = (
        count_gradient(*arguments, inverse_temperature=0.5, dtype=d).gradient for d in (None, dtype)
    )
    for name, own in one.items():
        for key, array in own.arrays().items():
            tolerance = 1e-10 if dtype is np.float64 else 5e-3
            np.testing.assert_allclose(
                other[name].arrays()[key], array, rtol=0, atol=tolerance * np.abs(array).max()
            )


# -- estimators ------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
Y = np.arange(40) % 2
IMAGES = RNG.random((40, 5, 6)) * 0.4
IMAGES[Y == 1, 1:3] += 0.5  # a bar
FILMS = np.repeat(IMAGES[:, None, :, :, None], 3, axis=1) * [1.0, 0.5]
SMALL = {"n_steps": 4, "epochs": 2, "random_state": 3, "neurons_per_class": 2}


@pytest.mark.parametrize(
    ("layers", "given"),
    [
        ([Conv2D(2, 3)], {}),
        ([Conv2D(2, 3, stride=2, padding=1), Conv2D(3, (2, 1))], {"neuron": "lif"}),
        ([Conv2D(2, (3, 2), kind=QLIFNeuron(4)), LIFLayer(3, recurrent=True)], {}),
        ([Conv2D(2, 2)], {"encoder": "population", "n_population": 2}),
        ([Conv2D(2, 3), SQSLayer(4)], {"input_kind": "sequence", "encoder": "current"}),
    ],
    ids=["one", "two", "then others", "channels of curves", "films"],
)
def test_in_lava_the_same_spikes_and_in_files(layers, given, tmp_path):
    X = FILMS if given.get("input_kind") else IMAGES
    given = {"input_kind": "static", **SMALL, **given}
    clf = SQSNN(layers=layers, **given).fit(X, Y)
    offline = clf.simulate(X[:4])
    np.testing.assert_array_equal(clf.run_in_lava(X[:4]), offline)
    assert 0 < offline.mean() < 1
    clf.save(tmp_path / "net.npz")
    for other in (SQSNN.load(tmp_path / "net.npz"), pickle.loads(pickle.dumps(clf))):
        assert other.spec_ == clf.spec_
        np.testing.assert_array_equal(other.predict(X), clf.predict(X))
    assert clone(clf).get_params() == clf.get_params()


def test_the_kernel_in_lava_is_a_var_that_comes_back():
    from lava_sqs import SQSSimCfg, runtime

    clf = SQSNN(layers=[Conv2D(2, 3)], input_kind="static", **SMALL).fit(IMAGES, Y)
    process, source = clf.to_lava(), Source(data=np.zeros((30, 2)))
    source.s_out.connect(process.a_in)
    with runtime(process, SQSSimCfg()) as net:
        net.run(1)
        process.hidden0_from_input.set(np.full((2, 3, 3, 1), 0.25))
        net.run(1)
        clf.from_lava(process)
    np.testing.assert_array_equal(clf.parameters_["hidden0"].weights["input"], 0.25)


def test_a_convolution_learns_digits_and_goes_on(tmp_path):
    data = load_digits()
    given = {"input_kind": "static", "encoder": "current", "n_steps": 5, "random_state": 0}
    layers = [Conv2D(6, 3, stride=2, padding=1)]
    few = data.classes(0, 1, 2)
    clf = SQSNN(layers=layers, epochs=3, skip=False, **given).fit(few.x_train, few.y_train)
    assert clf.score(few.x_test, few.y_test) > 0.85
    assert clf.parameters_["hidden0"].weights["input"].shape == (6, 3, 3, 1)
    path = tmp_path / "c.npz"
    short = {**given, "schedule": "constant", "checkpoint": path}
    X, y = data.x_train[:100], data.y_train[:100]
    SQSNN(layers=layers, epochs=1, **short).fit(X, y)
    resumed = SQSNN(layers=layers, epochs=2, resume=True, **short).fit(X, y)
    straight = SQSNN(layers=layers, epochs=2, schedule="constant", **given).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), straight.predict_proba(X))


@pytest.mark.parametrize(
    "arguments",
    [
        {"objective": "likelihood"},
        {"rule": "window"},
        {"readout": "likelihood"},
        {"credit": "feedback"},
        {"credit": "score"},
    ],
    ids=str,
)
def test_every_rule_objective_and_readout_has_convolutions(arguments):
    layers = [Conv2D(2, 3), Conv2D(2, 2), LIFLayer(3)]
    if "rule" in arguments:
        layers.pop()
    clf = SQSNN(layers=layers, input_kind="static", **{**SMALL, **arguments})
    clf.fit(IMAGES, Y)
    before = [clf.parameters_[f"hidden{i}"].weights.copy() for i in range(2)]
    clf.set_params(warm_start=True).fit(IMAGES, Y)
    for i, weights in enumerate(before):
        for source, w in weights.items():
            assert (clf.parameters_[f"hidden{i}"].weights[source] != w).all()
    assert clf.n_iter_ == 4


def test_a_regressor_has_convolutions_too():
    y = IMAGES[:, 1:3].sum(axis=(1, 2))
    net = SQSNNRegressor(layers=[Conv2D(3, 3)], input_kind="static", n_readout=40, epochs=40,
                         random_state=0).fit(IMAGES, y)  # fmt: skip
    assert net.score(IMAGES, y) > 0.5
    np.testing.assert_array_equal(net.run_in_lava(IMAGES[:3]), net.simulate(IMAGES[:3]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"out_channels": 0}, "`out_channels` must be at least 1"),
        ({"kernel_size": 0}, "`kernel_size` must be at least 1"),
        ({"kernel_size": (3, 3, 3)}, "`kernel_size` must be an integer or two"),
        ({"kernel_size": 2.5}, "`kernel_size` must be an integer"),
        ({"stride": (1, 0)}, "`stride` must be at least 1"),
        ({"padding": -1}, "`padding` must be at least 0"),
        ({"padding": "same"}, "`padding` must be"),
        ({"kind": "sqs"}, "`kind` must be a neuron"),
    ],
)
def test_arguments_are_checked_at_once(arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        Conv2D(**{"out_channels": 2, "kernel_size": 3, **arguments})


@pytest.mark.parametrize(
    ("layers", "X", "given", "words"),
    [
        ([Conv2D(2, 3)], IMAGES.reshape(40, -1), {}, "must follow another Conv2D, or an input"),
        ([LIFLayer(9), Conv2D(2, 3)], IMAGES, {}, "must follow another Conv2D, or an input"),
        ([Conv2D(2, 3)], FILMS[:, :, 0, :2, 0], {"input_kind": "sequence"}, "must follow another"),
        ([Conv2D(2, 7)], IMAGES, {}, "`kernel_size` must be at most the padded input"),
        ([Conv2D(2, 3), Conv2D(2, 4)], IMAGES, {}, "`kernel_size` must be at most the padded"),
        ([Conv2D(2, 3)], IMAGES, {"rule": "as-published"}, "`rule` must be 'exact' or 'window'"),
        ([Conv2D(2, 3)], IMAGES, {"ansatz": ansatz.layered(2, 1)}, "neurons of one channel"),
        ([Conv2D(2, 3)], IMAGES, {"recurrent": True}, "`recurrent` must be left out"),
    ],
)
def test_what_is_refused(layers, X, given, words):
    given = {"input_kind": "static", **SMALL, **given}
    with pytest.raises(ValueError, match=words):
        SQSNN(layers=layers, **given).fit(X, Y)


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (Kernel((2, 2, 1), 3, (1, 1)), "must make 4 currents"),
        (Kernel((3, 2, 1), 1, (2, 2), (1, 1), (0, 1)), "must make 4 currents"),
        (Kernel((2, 2, 2), 1, (1, 1)), "must be of 4 values of 'input'"),
    ],
)
def test_kernels_fit_their_layer_and_their_source(kernel, words):
    with pytest.raises(ValueError, match=words):
        NetworkSpec(4, (LayerSpec("a", 4, LIFNeuron(), ("input",), (("input", kernel),)),))
