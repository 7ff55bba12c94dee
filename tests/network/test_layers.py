"""Layers one by one: of different kinds and circuits, each with its noise, offline and in Lava."""

import copy
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from lava_sqs import SQSNN, LIFLayer, QLIFLayer, SQSLayer, SQSNNRegressor
from lava_sqs.network import (
    AsPublishedNeuron,
    LIFNeuron,
    NeuronLayer,
    QLIFNeuron,
    SQSNeuron,
    feed_forward,
)
from lava_sqs.network.count import aligned_weights, count_gradient
from lava_sqs.network.gradient import initialise
from lava_sqs.network.layers import from_text
from lava_sqs.network.simulate import forward
from lava_sqs.quantum import NoiseModel, ansatz
from lava_sqs.study import Study

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")

A, B = NoiseModel(p_depol_2q=0.02), NoiseModel(t1=1e-4, t2=8e-5)
LAYERS = [
    SQSLayer(5, memory_qubits=2, noise=A),
    LIFLayer(4, leak=0.3, recurrent=True),
    QLIFLayer(3, shots=5),
    SQSLayer(3, ansatz="paper"),
]
RNG = np.random.default_rng(0)
Y = np.arange(40) % 2
X = RNG.random((40, 3)) * 0.5 + 0.5 * Y[:, None]
SMALL = {"n_steps": 4, "epochs": 2, "random_state": 3}


def make(layers=LAYERS, estimator=SQSNN, **arguments):
    return estimator(layers=layers, **{**SMALL, **arguments})


@pytest.fixture(scope="module", name="fitted")
def _fitted():
    return make(noise=B).fit(X, Y)


def test_each_layer_is_what_it_says(fitted):
    one, two, three, four, visible = fitted.spec_.layers
    assert one.neuron == SQSNeuron(ansatz.layered(1, 2), A)
    assert two.neuron == LIFNeuron(0.3)
    assert three.neuron == QLIFNeuron(5)
    assert four.neuron == SQSNeuron(ansatz.paper(), B)
    assert visible.neuron == SQSNeuron(ansatz.layered(), B)
    assert [la.size for la in fitted.spec_.layers[:-1]] == [5, 4, 3, 3]
    assert [la.recurrent for la in fitted.spec_.layers] == [False, True, False, False, False]
    noiseless = make([SQSLayer(2, noise=None)], noise=B).fit(X, Y).spec_
    assert noiseless.layers[0].neuron.noise is None
    assert noiseless.visible.neuron.noise == B


def test_another_noise_of_a_method_is_that_of_every_layer_that_takes_one(fitted):
    spec = fitted._spec_with(None)
    assert [getattr(la.neuron, "noise", 0) for la in spec.layers] == [None, 0, 0, None, None]
    hidden = make([SQSLayer(3)], neuron="lif", noise=B).fit(X, Y)
    strong = NoiseModel(p_read1_given0=0.4, p_read0_given1=0.4)
    assert (hidden.simulate(X, noise=strong) != hidden.simulate(X)).any()
    assert (hidden.predict_proba(X, noise=strong) != hidden.predict_proba(X)).any()


@pytest.mark.parametrize("neuron", ["sqs", "qlif", "lif"])
def test_in_lava_the_same_spikes(neuron):
    clf = make(neuron=neuron, neurons_per_class=2).fit(X, Y)
    offline = clf.simulate(X[:6])
    np.testing.assert_array_equal(clf.run_in_lava(X[:6]), offline)
    assert 0 < offline.mean() < 1
    names = [type(p).__name__ for p in _parts(clf)]
    assert names[:4] == ["SQS", "StochasticLIF", "QLIF", "SQS"]


def _parts(clf):
    return [la.neuron.to_process(clf.parameters_[la.name].angles, clf.parameters_[la.name].bias)
            for la in clf.spec_.layers]  # fmt: skip


def test_weights_of_mixed_layers_go_to_lava_and_back(fitted):
    from lava_sqs import SQSSimCfg, runtime

    process, other = fitted.to_lava(), copy.deepcopy(fitted)
    with runtime(process, SQSSimCfg()) as net:
        net.run(1)
        other.from_lava(process)
    for name, own in fitted.parameters_.items():
        for key, array in own.arrays().items():
            np.testing.assert_allclose(other.parameters_[name].arrays()[key], array, rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("visible", [SQSNeuron(ansatz.layered()), LIFNeuron()])
def test_batches_of_mixed_kinds_are_the_same_network(visible, dtype):
    spec = feed_forward(5, (*LAYERS, 4), 4, visible)
    rng = np.random.default_rng(0)
    inputs = (rng.random((5, 9, 5)) < 0.5).astype(float)
    parameters = initialise(spec, inputs, rng, visible_spread=0.3)
    u = [rng.random((5 + spec.depth, 9, la.size), dtype=np.float32) for la in spec.layers]
    uniforms = [x.astype(float) for x in u]
    wanted, found = (forward(spec, parameters, inputs, uniforms, dtype=d) for d in (None, dtype))
    close = 1e-12 if dtype is np.float64 else 3e-4
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(one.out.spikes, other.out.spikes)
        np.testing.assert_allclose(one.z, other.z, rtol=0, atol=close)
    back, arguments = aligned_weights(spec, rng), (spec, parameters, inputs, np.arange(9) % 2, 2)
    for credit in ("aligned", "symmetric", "score"):
        up = count_gradient(
            *arguments, np.random.default_rng(1), inverse_temperature=0.5, credit=credit,
            back=back if credit == "aligned" else None, n_draws=2, dtype=dtype,
        ).gradient  # fmt: skip
        for layer in spec.layers:
            for array in up[layer.name].arrays().values():
                assert np.isfinite(array).all()
            assert up[layer.name].bias.any()


@st.composite
def layers(draw):
    recurrent, size = draw(st.booleans()), draw(st.integers(1, 4))
    return draw(st.sampled_from([
        SQSLayer(size, recurrent=recurrent, noise=draw(st.sampled_from([A, None, "network"]))),
        SQSLayer(size, ansatz=ansatz.layered(1, 2), recurrent=recurrent),
        LIFLayer(size, leak=draw(st.floats(0.01, 0.99)), recurrent=recurrent),
        QLIFLayer(size, shots=draw(st.integers(1, 9)), recurrent=recurrent),
        NeuronLayer(size, AsPublishedNeuron(0.2), recurrent=recurrent),
    ]))  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.lists(layers(), max_size=3), st.sampled_from(["sqs", "lif", "qlif"]))
def test_any_layers_are_saved_copied_and_cloned(tmp_path_factory, some, neuron):
    clf = make(some, neuron=neuron, epochs=1, neurons_per_class=1, input_kind="static").fit(X, Y)
    path = tmp_path_factory.mktemp("model") / "net.npz"
    clf.save(path)
    for other in (SQSNN.load(path), pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf)):
        assert list(other.layers) == some
        assert other.spec_ == clf.spec_
        np.testing.assert_array_equal(other.predict(X), clf.predict(X))
        np.testing.assert_array_equal(other.simulate(X[:3]), clf.simulate(X[:3]))
    assert clone(clf).get_params() == clf.get_params()
    assert "layers=" in repr(clf)


def test_layers_and_sizes_that_say_the_same_are_the_same_network():
    one = SQSNN((5, 4), noise=B, memory_qubits=2, recurrent=True, **SMALL).fit(X, Y)
    made = [SQSLayer(n, memory_qubits=2, recurrent=True) for n in (5, 4)]
    other = make(made, noise=B, memory_qubits=2).fit(X, Y)
    assert one.spec_ == other.spec_
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


def test_a_list_that_changes_after_fit_changes_nothing():
    mine = [SQSLayer(3)]
    clf = make(mine).fit(X, Y)
    before = clf.predict_proba(X)
    mine.append(LIFLayer(2))
    with pytest.warns(UserWarning, match="^layers=.* set after fit and has no effect"):
        np.testing.assert_array_equal(clf.predict_proba(X), before)
    with pytest.raises(ValueError, match="`layers` must be that of the first fit"):
        clf.set_params(warm_start=True).fit(X, Y)
    clf.set_params(layers=(SQSLayer(3),)).fit(X, Y)  # a tuple that says the same
    assert clf.n_iter_ == 4


def test_checkpoints_of_layers_go_on(tmp_path):
    given = {"checkpoint": tmp_path / "c.npz", "schedule": "constant"}
    make(epochs=1, **given).fit(X, Y)
    resumed = make(resume=True, **given).fit(X, Y)
    straight = make(schedule="constant").fit(X, Y)
    np.testing.assert_array_equal(resumed.predict_proba(X), straight.predict_proba(X))
    with pytest.raises(ValueError, match="was made with other values of layers"):
        make([SQSLayer(5), *LAYERS[1:]], resume=True, **given).fit(X, Y)


def test_a_regressor_has_layers_too():
    y = X @ [1.0, -2.0, 0.5]
    net = make([LIFLayer(6, recurrent=True), SQSLayer(5)], SQSNNRegressor, n_readout=30, epochs=40)
    assert net.fit(X, y).score(X, y) > 0.3
    np.testing.assert_array_equal(net.run_in_lava(X[:4]), net.simulate(X[:4]))


def test_layers_are_parameters_of_a_study():
    """As they are or as texts: rows say which, and each point has a network of its own."""
    layers = [[SQSLayer(3, memory_qubits=2)], [LIFLayer(3), QLIFLayer(2)], ["LIFLayer(3)"]]
    base = {"input_kind": "static", "n_steps": 2, "epochs": 1}
    options = {"classes": [0, 1]}
    result = Study("accuracy", {"layers": layers}, base=base, options=options).run(progress=False)
    assert [p.params["layers"] for p in result.points] == [
        ["SQSLayer(3, memory_qubits=2)"], ["LIFLayer(3)", "QLIFLayer(2)"], ["LIFLayer(3)"]
    ]  # fmt: skip
    assert all(0 <= p.value <= 1 for p in result.points)
    for wrong in (["LIFLayer(0)"], ["lif"], [64]):
        with pytest.raises((TypeError, ValueError), match="layers"):
            Study("accuracy", base={**base, "layers": wrong}, options=options)
    with pytest.raises(ValueError, match="cannot be a parameter of a study"):
        Study("accuracy", base={**base, "layers": LAYERS}, options=options)


@pytest.mark.parametrize("layer", [*LAYERS[1:], SQSLayer(3, noise=None, spread=0.3)])
def test_texts_of_layers_say_what_they_are(layer):
    assert from_text(layer.as_text()) == layer
    assert eval(repr(layer)) == layer


@pytest.mark.parametrize("layer", [LAYERS[0], NeuronLayer(2, LIFNeuron()),
                                   SQSLayer(2, ansatz=ansatz.paper())])  # fmt: skip
def test_objects_are_no_text(layer):
    with pytest.raises(ValueError, match="cannot be a parameter of a study"):
        layer.as_text()


@pytest.mark.parametrize("text", ["", "SQSLayer", "64", "open('x')", "SQSLayer(sizes=3)", "LIF(3)",
                                  "SQSLayer(__import__('os'))", "SQSLayer(0)", "SQSLayer('a')",
                                  "(" * 300, "LIFLayer(3).size"])  # fmt: skip
def test_texts_that_are_no_layer_are_refused(text):
    with pytest.raises(ValueError, match=r"text`|size"):
        from_text(text)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"layers": [64]}, TypeError, r"`layers\[0\]` must be a layer"),
        ({"layers": [SQSLayer(2), "lif"]}, TypeError, r"`layers\[1\]` must be a layer"),
        ({"layers": [SQSNeuron(ansatz.paper())]}, TypeError, r"`layers\[0\]` must be a layer"),
        ({"layers": SQSLayer(2)}, TypeError, "`layers` must"),
        ({"layers": "SQSLayer(2)"}, TypeError, "`layers` must"),
        ({"hidden_layer_sizes": (3,)}, ValueError, "`hidden_layer_sizes` must be left out"),
        ({"hidden_layer_sizes": ()}, ValueError, "`hidden_layer_sizes` must be left out"),
        ({"recurrent": True}, ValueError, "`recurrent` must be left out"),
        ({"rule": "window"}, ValueError, "`rule` = 'window' belongs to .*; with 'lif' it must"),
        ({"layers": [LIFLayer(2)], "neuron": "lif", "noise": A}, ValueError, "`noise` belongs"),
    ],
)
@pytest.mark.parametrize("estimator", [SQSNN, SQSNNRegressor])
def test_what_is_refused(estimator, arguments, error, words):
    with pytest.raises(error, match=words):
        make(**{"estimator": estimator, **arguments}).fit(X, Y)


@pytest.mark.parametrize("kind", [SQSLayer, LIFLayer, QLIFLayer])
@pytest.mark.parametrize("size", [0, -1, 2.5, "3", None, True, (3,)])
def test_sizes_are_positive_integers(kind, size):
    with pytest.raises((TypeError, ValueError), match="`size` must"):
        kind(size)


@pytest.mark.parametrize(
    ("make_layer", "words"),
    [
        (lambda: SQSLayer(2, recurrent=1), "`recurrent` must"),
        (
            lambda: SQSLayer(2, noise="ibm_torino"),
            "`noise` must be a NoiseModel, a list of one per",
        ),
        (lambda: SQSLayer(2, ansatz="none"), "`ansatz` must"),
        (lambda: SQSLayer(2, ansatz="paper", memory_qubits=3), "`memory_qubits` must"),
        (lambda: SQSLayer(2, spread=-1.0), "`spread` must"),
        (lambda: LIFLayer(2, leak=1.0), "`leak` must"),
        (lambda: QLIFLayer(2, shots=0), "`shots` must"),
        (lambda: NeuronLayer(2, "lif"), "`kind` must be a neuron"),
    ],
)
def test_arguments_of_layers_are_checked_at_once(make_layer, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make_layer()


def test_a_kind_without_a_name_runs_but_is_not_saved(tmp_path):
    @dataclass(frozen=True)
    class Mine(LIFNeuron):
        """Of nobody else."""

    clf = make([NeuronLayer(2, Mine())]).fit(X, Y)
    assert clf.predict(X).shape == (40,)
    with pytest.raises(ValueError, match=r"cannot be saved: its kind is not known by a name"):
        clf.save(tmp_path / "net.npz")
