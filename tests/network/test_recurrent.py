"""Layers that hear themselves: the same spikes step by step, in batches, in Lava; learning."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.base import clone

from lava_sqs.execution.networks import run_network
from lava_sqs.network import (
    SQSNN,
    AsPublishedNeuron,
    LayerSpec,
    LIFNeuron,
    NetworkSpec,
    QLIFNeuron,
    SQSNeuron,
    SQSNNRegressor,
    feed_forward,
)
from lava_sqs.network.count import aligned_weights, class_logits, count_gradient, counted_steps
from lava_sqs.network.credit import from_value
from lava_sqs.network.gradient import feedback_weights, initialise
from lava_sqs.network.simulate import (
    Delayed,
    LayerTrace,
    currents,
    forward,
    sequential_uniforms,
)
from lava_sqs.neurons.base import RunOut, compiled
from lava_sqs.neurons.steps import run_recurrent
from lava_sqs.proc.sqsnn.process import SQSNetwork
from lava_sqs.quantum import NoiseModel, ansatz

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")

NOISE = NoiseModel(t1=1e-4, t2=8e-5, p_read0_given1=0.02)
KINDS = {
    "sqs": SQSNeuron(ansatz.layered(), NOISE),
    "two io": SQSNeuron(ansatz.layered(2, 1)),
    "two memory": SQSNeuron(ansatz.layered(1, 2)),
    "qlif": QLIFNeuron(5),
    "lif": LIFNeuron(),
    "as published": AsPublishedNeuron(),
}


def example(spec, steps=5, batch=3, seed=0, strength=0.3):
    """Return inputs, parameters with recurrent weights that matter, and uniforms."""
    rng = np.random.default_rng(seed)
    inputs = (rng.random((steps, batch, spec.n_inputs)) < 0.5).astype(float)
    parameters = initialise(spec, inputs, rng)
    for layer in spec.layers:
        own = parameters[layer.name]
        own.angles += rng.normal(0, 0.4, own.angles.shape)
        if layer.recurrent:
            w = own.weights[layer.name]
            w += rng.normal(0, strength, w.shape)
    total = steps + spec.depth
    return inputs, parameters, [rng.random((total, batch, la.size)) for la in spec.layers]


def literal(spec, parameters, inputs, uniforms):
    """z_t = sum_p w_p x_p(t-1) + w_rec s(t-1) + b, and every neuron run from rest to each step."""
    steps = len(inputs) + spec.depth
    padded = np.concatenate([inputs, np.zeros((spec.depth, *inputs.shape[1:]))])
    trains, currents = {"input": padded}, {}
    for la in spec.layers:
        trains[la.name] = np.zeros((steps, inputs.shape[1], la.channels), np.int8)
        currents[la.name] = np.zeros((steps, inputs.shape[1], la.channels))
    for t in range(steps):
        for la, u in zip(spec.layers, uniforms, strict=True):
            own, z = parameters[la.name], currents[la.name]
            z[t] = own.bias
            if t:
                z[t] += sum(trains[s][t - 1] @ w.T for s, w in own.weights.items())
            said = np.full(z[: t + 1].shape, -1, np.int8)
            said[:t] = trains[la.name][:t]
            now = slice(0, t + 1)
            out = la.neuron.run(own.angles, z[now], u[now], said)
            trains[la.name][t] = out.spikes[t]
    return trains, currents


@st.composite
def networks(draw):
    """Any graph of up to three layers of any kinds, each recurrent or not."""
    layers, known = [], ["input"]
    for i in range(draw(st.integers(1, 3))):
        name = "abc"[i]
        sources = draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
        if draw(st.booleans()):
            sources.insert(draw(st.integers(0, len(sources))), name)
        kind = KINDS[draw(st.sampled_from(list(KINDS)))]
        layers.append(LayerSpec(name, draw(st.integers(1, 4)), kind, tuple(sources)))
        known.append(name)
    return NetworkSpec(draw(st.integers(1, 3)), tuple(layers))


@settings(max_examples=25, deadline=None)
@given(networks(), st.integers(0, 2**32))
def test_any_graph_is_what_it_is_step_by_step(spec, seed):
    inputs, parameters, uniforms = example(spec, steps=4, seed=seed)
    trains, currents = literal(spec, parameters, inputs, uniforms)
    traces = forward(spec, parameters, inputs, uniforms)
    for layer, trace in zip(spec.layers, traces, strict=True):
        np.testing.assert_array_equal(trace.out.spikes, trains[layer.name])
        np.testing.assert_allclose(trace.z, currents[layer.name], rtol=0, atol=1e-12)
        assert tuple(trace.history) == layer.sources
        for source, arriving in trace.history.items():
            np.testing.assert_array_equal(arriving.dense()[1:], trains[source][: len(trace.z) - 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_the_same_network(kind, dtype):
    spec = feed_forward(6, (7, 5), 4, KINDS[kind], recurrent=True)
    inputs, parameters, uniforms = example(spec, batch=70)
    uniforms = [u.astype(np.float32).astype(float) for u in uniforms]
    wanted = forward(spec, parameters, inputs, uniforms)
    found = forward(spec, parameters, inputs, uniforms, dtype=dtype)
    close = 1e-12 if dtype is np.float64 else 3e-4
    differ = 0
    for one, other in zip(wanted, found, strict=True):
        assert other.z.transpose(2, 0, 1).flags.c_contiguous
        same = (one.out.spikes == other.out.spikes).all(axis=(0, 2))
        differ += (~same).sum()  # a probability within rounding of its uniform number
        for a, b in ((one.z, other.z), (one.out.p_spike, other.out.p_spike)):
            assert b.dtype == dtype or not hasattr(KINDS[kind], "compile_batches")
            np.testing.assert_allclose(a[:, same], b[:, same], rtol=0, atol=close)
    assert differ == 0 if dtype is np.float64 else differ <= 2


def test_a_visible_layer_that_is_clamped_hears_what_it_was_made_to_say():
    spec = NetworkSpec(2, (LayerSpec("visible", 3, KINDS["sqs"], ("input", "visible")),))
    inputs, parameters, uniforms = example(spec)
    clamp = np.random.default_rng(1).integers(-1, 2, (6, 3, 3))
    for dtype in (None, np.float64):
        (trace,) = forward(spec, parameters, inputs, uniforms, clamp, dtype=dtype)
        fixed = clamp >= 0
        np.testing.assert_array_equal(trace.out.spikes[fixed], clamp[fixed])
        own = parameters["visible"]
        padded = np.concatenate([inputs, np.zeros((1, 3, 2))])
        z = padded[:-1] @ own.weights["input"].T + own.bias
        z += trace.out.spikes[:-1] @ own.weights["visible"].T
        np.testing.assert_allclose(trace.z[1:], z, atol=1e-12)


def test_a_kind_that_cannot_stop_is_run_again_for_each_step():
    class Whole:
        """What a kind of somebody else may be: it runs whole trains only."""

        def __init__(self, inner):
            self.run, self.score = inner.run, inner.score

    rng = np.random.default_rng(0)
    z, u, w = rng.random((6, 4, 3)), rng.random((6, 4, 3)), rng.normal(0, 0.5, (3, 3))
    clamp = rng.integers(-1, 2, (6, 4, 3))
    for kind in ("sqs", "lif", "as published"):
        bound = compiled(KINDS[kind], KINDS[kind].initial(3, rng))
        for fixed in (None, clamp):
            one, other = (
                run_recurrent(b, z, u, fixed, lambda x, s: x if s is None else x + s @ w.T)
                for b in (bound, Whole(bound))
            )
            np.testing.assert_array_equal(one[0], other[0])
            for name in RunOut.__dataclass_fields__:
                np.testing.assert_array_equal(getattr(one[1], name), getattr(other[1], name))


def test_a_subclass_that_runs_otherwise_is_run_its_own_way():
    class Loud(LIFNeuron):
        def run(self, params, z, u, clamp=None):
            return super().run(params, z + 9, u, clamp)

    spec = feed_forward(2, (3,), 2, Loud(), recurrent=True)
    inputs, parameters, uniforms = example(spec)
    trains, _ = literal(spec, parameters, inputs, uniforms)
    found = forward(spec, parameters, inputs, uniforms)[0].out.spikes
    np.testing.assert_array_equal(found, trains["hidden0"])
    quiet = [LayerSpec(la.name, la.size, LIFNeuron(), la.sources) for la in spec.layers]
    other = forward(NetworkSpec(2, tuple(quiet)), parameters, inputs, uniforms)[0].out.spikes
    assert (other != found).any()


# -- in Lava ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqs", "two io", "two memory", "qlif"])
def test_in_lava_the_same_spikes(kind):
    neuron = KINDS[kind]
    a = LayerSpec("a", 4, neuron, ("a", "input"))
    b = LayerSpec("b", 2, neuron, ("input", "a", "b"))
    spec = NetworkSpec(3, (a, b))
    inputs, parameters, _ = example(spec, steps=6, batch=5, seed=2)
    process = SQSNetwork(spec=spec, parameters=parameters, n_steps=6, seed=4)
    in_lava = run_network(process, inputs.transpose(1, 0, 2))
    streams = sequential_uniforms(spec, 4, 6 + spec.depth)
    drawn = [next(streams) for _ in range(5)]
    uniforms = [np.concatenate(u, axis=1) for u in zip(*drawn, strict=True)]
    offline = forward(spec, parameters, inputs, uniforms)[-1].out.spikes
    np.testing.assert_array_equal(in_lava, offline.transpose(1, 0, 2))
    assert 0 < offline.mean() < 1
    for own in parameters.values():
        for name in own.weights:
            if name in "ab":
                own.weights[name] = np.zeros_like(own.weights[name])
    alone = forward(spec, parameters, inputs, uniforms)[-1].out.spikes
    assert (alone != offline).any()  # that it hears itself makes a difference


# -- learning --------------------------------------------------------------------------------------

BETA = 0.8


def enumerated(spec, parameters, inputs):
    """Return the traces of all trains that both layers can say to one sample, and how likely."""
    steps = len(inputs) + spec.depth
    bits = steps * sum(la.size for la in spec.layers)
    every = (np.arange(2**bits)[None] >> np.arange(bits)[:, None]) & 1
    ends = np.cumsum([la.size * steps for la in spec.layers])[:-1]
    trains = {"input": np.repeat(inputs, 2**bits, axis=1)}
    for la, part in zip(spec.layers, np.split(every, ends), strict=True):
        trains[la.name] = part.reshape(steps, la.size, -1).transpose(0, 2, 1).astype(np.int8)
    traces, log_p = [], 0.0
    for la in spec.layers:
        own, fixed = parameters[la.name], trains[la.name]
        history = {s: Delayed(trains[s], steps) for s in la.sources}
        z = currents(own, history)
        out = la.neuron.run(own.angles, z, np.zeros(fixed.shape), fixed)
        log_p = log_p + out.log_likelihood.sum(axis=(0, 2))
        traces.append(LayerTrace(history, z, out))
    p = np.exp(log_p)
    np.testing.assert_allclose(p.sum(), 1, atol=1e-6)  # impossible ones are floored
    return traces, p


def log_q_of(spec, visible):
    counted = counted_steps(spec, *visible.z.shape[:2])
    return log_softmax(class_logits(visible, 2, BETA, counted), axis=1), counted


def true_gradient(spec, parameters, inputs, label, layer):
    """Differences of E[log q_y], of which every train is a term."""
    w, h = parameters[layer].weights[layer], 1e-5
    slope = np.empty(w.shape)
    for index in np.ndindex(w.shape):
        keep, ends = w[index], []
        for x in (keep + h, keep - h):
            w[index] = x
            traces, p = enumerated(spec, parameters, inputs)
            ends.append((p * log_q_of(spec, traces[-1])[0][:, label]).sum())
        w[index] = keep
        slope[index] = (ends[0] - ends[1]) / (2 * h)
    return slope


def tiny(kind, seed=0, steps=1):
    spec = feed_forward(2, (2,), 2, KINDS[kind], recurrent=True, skip=False)
    _, parameters, _ = example(spec, steps=2, batch=1, seed=seed, strength=0.2)
    parameters["visible"].weights["hidden0"][:] = [[0.5, -0.3], [-0.4, 0.6]]
    return spec, np.array([[[0.7, 0.4]], [[0.1, 0.9]]])[:steps], parameters


def expected(spec, parameters, inputs, credit):
    """Return the update of recurrent weights in expectation over all trains, none left out."""
    traces, p = enumerated(spec, parameters, inputs)
    log_q, counted = log_q_of(spec, traces[-1])
    told = BETA * (np.eye(2)[1] - np.exp(log_q)) * (p * len(p))[:, None]
    found = from_value(
        spec, parameters, traces, told * counted[:, :, None], scale=1.0, credit=credit,
        worth=(p * log_q[:, 1])[None] * len(p), held=False,
    )  # fmt: skip
    return found["hidden0"].weights["hidden0"]


@pytest.mark.parametrize("kind", ["sqs", "lif", "qlif"])
def test_score_credit_of_recurrent_weights_is_the_true_gradient(kind):
    spec, inputs, parameters = tiny(kind)
    true = true_gradient(spec, parameters, inputs, 1, "hidden0")
    found = expected(spec, parameters, inputs, "score")
    np.testing.assert_allclose(found, true, rtol=1e-3, atol=1e-3 * np.abs(true).max())
    assert np.abs(true).max() > 1e-4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["sqs", "lif"])
def test_symmetric_credit_of_recurrent_weights_points_where_the_true_gradient_does(kind, seed):
    """Though what a spike does by way of its own layer is left out."""
    spec, inputs, parameters = tiny(kind, seed, steps=2)
    true, found = (expected(spec, parameters, inputs, c) for c in ("score", "symmetric"))
    assert (found * true).sum() > 0.7 * np.sqrt((found**2).sum() * (true**2).sum())


@pytest.mark.parametrize("credit", ["aligned", "symmetric", "feedback", "score"])
def test_gradients_of_batches_and_what_is_fed_back(credit):
    """Every credit moves recurrent weights, and none sends errors back through them."""
    spec = feed_forward(6, (5, 4), 4, KINDS["sqs"], recurrent=True)
    inputs, parameters, _ = example(spec, batch=40)
    rng = np.random.default_rng(1)
    back = aligned_weights(spec, rng, 1.0) if credit == "aligned" else None
    if credit == "feedback":
        back = feedback_weights(spec, rng)
    if credit == "aligned":
        assert {k: list(v) for k, v in back.items()} == {
            "hidden0": [], "hidden1": ["hidden0"], "visible": ["hidden1"],
        }  # fmt: skip
    found = [
        count_gradient(
            spec, parameters, inputs, np.arange(40) % 2, 2, np.random.default_rng(2),
            inverse_temperature=BETA, credit=credit, back=back, dtype=dtype,
        ).gradient
        for dtype in (np.float64, np.float32)
    ]  # fmt: skip
    for layer in ("hidden0", "hidden1"):
        one, other = (g[layer].weights[layer] for g in found)
        np.testing.assert_allclose(one, other, atol=2e-2 * np.abs(one).max())
        assert (one != 0).all()


# -- estimators ------------------------------------------------------------------------------------

Y = np.arange(40) % 2
X = np.random.default_rng(0).random((40, 6, 3)) * 0.5 + 0.5 * Y[:, None, None]
SMALL = {
    "input_kind": "sequence",
    "encoder": "current",
    "epochs": 4,
    "batch_size": 8,
    "learning_rate": 0.02,
    "random_state": 0,
}


@pytest.mark.parametrize("neuron", ["sqs", "lif", "qlif"])
@pytest.mark.parametrize("make", [SQSNN, SQSNNRegressor])
def test_recurrent_estimators_learn_are_saved_and_go_on(make, neuron, tmp_path):
    net = make((5, 4), recurrent=True, neuron=neuron, **SMALL).fit(X, Y)
    assert net.score(X, Y) > (0.9 if make is SQSNN else 0.2)
    assert net.spec_.layers[1].sources == ("hidden0", "hidden1")
    assert net.spec_.visible.sources == ("hidden1", "input")
    assert clone(net).recurrent
    net.save(tmp_path / "net.npz")
    for other in (make.load(tmp_path / "net.npz"), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(other.predict(X), net.predict(X))
        np.testing.assert_array_equal(other.simulate(X[:3]), net.simulate(X[:3]))
    before = copy.deepcopy(net.parameters_)
    net.set_params(warm_start=True).fit(X, Y)
    moved = net.parameters_["hidden1"].weights["hidden1"] - before["hidden1"].weights["hidden1"]
    assert (moved != 0).all()
    with pytest.raises(ValueError, match="`recurrent` must be that of the first fit"):
        net.set_params(recurrent=False).fit(X, Y)


def test_a_checkpoint_of_a_recurrent_network_goes_on_as_if_nothing_had_happened(tmp_path):
    given = {**SMALL, "recurrent": True, "schedule": "constant"}
    path = tmp_path / "net.npz"
    SQSNN((4,), **{**given, "epochs": 2}, checkpoint=path).fit(X, Y)
    resumed = SQSNN((4,), **given, checkpoint=path, resume=True).fit(X, Y)
    straight = SQSNN((4,), **given).fit(X, Y)
    for name, own in straight.parameters_.items():
        for key, array in own.arrays().items():
            np.testing.assert_array_equal(resumed.parameters_[name].arrays()[key], array)
    assert straight.n_iter_ == resumed.n_iter_ == 4


@pytest.mark.parametrize(
    "arguments",
    [
        {"objective": "likelihood"},
        {"objective": "likelihood", "credit": "score", "n_draws": 2},
        {"rule": "as-published"},
        {"rule": "window", "window": 2},
        {"readout": "likelihood"},
        {"targets": "pairs"},
        {"credit": "feedback"},
        {"credit": "score", "neuron": "lif"},
    ],
    ids=str,
)
def test_every_rule_objective_and_readout_has_recurrent_layers(arguments):
    clf = SQSNN((4,), recurrent=True, **{**SMALL, **arguments}).fit(X, Y)
    assert (clf.parameters_["hidden0"].weights["hidden0"] != 0).all()
    assert clf.predict_proba(X).shape == (40, 2)
    if arguments.get("credit") is None:
        np.testing.assert_array_equal(clf.run_in_lava(X[:2]), clf.simulate(X[:2]))


def test_what_follows_a_sample_changes_nothing_and_learning_goes_on_online():
    clf = SQSNN((4,), recurrent=True, **SMALL)
    clf.partial_fit(X[:20], Y[:20], classes=[0, 1]).partial_fit(X[20:], Y[20:])
    assert clf.n_iter_ == 2
    longer = np.concatenate([X, np.full((40, 3, 3), np.nan)], axis=1)
    np.testing.assert_array_equal(clf.predict_proba(longer), clf.predict_proba(X))
    assert clf.predict([x[:k] for x, k in zip(X, [3, 6, 4, 2] * 10, strict=True)]).shape == (40,)


@pytest.mark.parametrize("make", [SQSNN, SQSNNRegressor])
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"recurrent": 1}, TypeError, "`recurrent` must be"),
        ({"recurrent": "hidden"}, TypeError, "`recurrent` must be"),
        ({"recurrent": True, "hidden_layer_sizes": ()}, ValueError, "`recurrent` must be False"),
    ],
)
def test_what_is_refused(make, arguments, error, words):
    with pytest.raises(error, match=words):
        make(**{**SMALL, **arguments}).fit(X, Y)


@pytest.mark.parametrize("sources", [("a",), ("input", "a", "a"), ("b", "input"), ()])
def test_a_layer_needs_another_source_than_itself(sources):
    layers = (LayerSpec("a", 2, LIFNeuron(), sources), LayerSpec("b", 2, LIFNeuron(), ("a",)))
    with pytest.raises(ValueError, match=r"sources` must name different ones of 'input', and"):
        NetworkSpec(3, layers)


def test_a_circle_changes_neither_depth_nor_lags_and_is_counted():
    spec = feed_forward(3, (4, 5), 2, LIFNeuron(), recurrent=True)
    plain = feed_forward(3, (4, 5), 2, LIFNeuron())
    for name in ("hidden0", "hidden1", "visible"):
        assert spec.lag(name) == plain.lag(name)
        assert spec.distance(name) == plain.distance(name)
    assert spec.depth == plain.depth
    assert spec.n_weights == plain.n_weights + 16 + 25
    assert "5 x LIFNeuron(leak=0.1) from hidden0, itself" in str(spec)
