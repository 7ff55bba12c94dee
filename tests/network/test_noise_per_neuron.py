"""Networks and Processes whose neurons have a noise each."""

import numpy as np
import pytest
from sklearn.base import clone

from lava_sqs import (
    SQS,
    SQSNN,
    LearningSQS,
    NoiseModel,
    Population,
    SQSNNRegressor,
    SQSSimCfg,
    runtime,
)
from lava_sqs.network import Conv2D, LIFLayer, LIFNeuron, NeuronLayer, SQSLayer, SQSNeuron
from lava_sqs.network.noises import under_noise
from lava_sqs.network.spec import LayerSpec, feed_forward
from lava_sqs.plot import draw_time_step
from lava_sqs.quantum import SpikeTrainScorer, ansatz
from lava_sqs.quantum.diagnostics import memory_capacity, memory_fidelity
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.quantum.scores.published import published_gradient
from lava_sqs.study import noise_from
from lava_sqs.study.tasks.networks import predict

TORINO = NoiseModel.preset("ibm_torino")
FOUR = [TORINO, None, TORINO.replace(zz={(0, 1): 2e5}), NoiseModel(p_read1_given0=0.2)]
X, Y = np.eye(4), [0, 0, 1, 1]
QUICK = {"n_steps": 4, "updates": 2, "random_state": 0, "verbose": False}
ONE = {**QUICK, "neurons_per_class": 1}


def fitted(**options):
    return SQSNN((2,), **{**ONE, "noise": FOUR, **options}).fit(X, Y)


@pytest.mark.parametrize("options", [{}, {"dtype": "float64"}, {"memory_qubits": 2}])
def test_a_network_takes_a_model_for_each_of_its_neurons(options):
    clf = fitted(**options)
    hidden, visible = clf.spec_.layers
    assert hidden.neuron.noise == FOUR[:2]
    assert visible.neuron.noise == FOUR[2:]
    assert clone(clf).noise == FOUR
    same = clf.predict(X, noise=FOUR, seed=3)
    assert np.array_equal(clf.predict(X, seed=3), same)
    p = clf.predict_proba(X, n_repeats=50, seed=1, noise=[NoiseModel(p_reset=0.5)] * 2 + FOUR[2:])
    assert not np.array_equal(p, clf.predict_proba(X, n_repeats=50, seed=1))


def test_each_neuron_of_a_layer_learns_and_says_what_it_would_among_its_own_kind():
    """A layer of the network: run and scored with a model each, against one model at a time."""
    circuit, rng = ansatz.layered(1, 1), np.random.default_rng(0)
    params = rng.uniform(-2, 2, (4, circuit.n_params))
    z, u = rng.uniform(-1, 1, (5, 6, 4)), rng.random((5, 6, 4))
    mixed = SQSNeuron(circuit, FOUR)
    for make in (mixed.compile, lambda p: mixed.compile_batches(p, np.float64)):
        neurons = make(params)
        out = neurons.run(z, u)
        d_params, d_z = neurons.score(z, out.spikes, np.ones(z.shape))
        for k, model in enumerate(FOUR):
            one = SQSNeuron(circuit, model).compile(params[k : k + 1])
            own = one.run(z[:, :, k : k + 1], u[:, :, k : k + 1])
            assert np.array_equal(own.spikes[..., 0], out.spikes[..., k])
            scores = one.score(z[:, :, k : k + 1], own.spikes, np.ones((5, 6, 1)))
            assert np.allclose(scores[0][0], d_params[k], rtol=0, atol=1e-10)
            assert np.allclose(scores[1][..., 0], d_z[..., k], rtol=0, atol=1e-10)
    windows = mixed.window_score(params, z, out.spikes, np.ones(z.shape), 4)
    assert np.allclose(windows, d_z, rtol=0, atol=1e-9)


@pytest.mark.parametrize("rule", ["exact", "window", "as-published"])
def test_every_rule_learns_with_a_noise_each(rule):
    clf = SQSNN((2,), **{**ONE, "noise": FOUR, "rule": rule, "updates": 2, "window": 1}).fit(X, Y)
    assert clf.predict(X).shape == (4,)


def test_published_gradients_are_each_neurons_own():
    circuit, rng = ansatz.paper(), np.random.default_rng(2)
    theta, weights = rng.uniform(-2, 2, (4, 3)), rng.uniform(0, 0.5, (4, 2))
    history, spikes = rng.random((6, 2)), rng.integers(0, 2, (6, 4))
    given = theta, weights, history, spikes
    found, _ = published_gradient(circuit, *given, noise=FOUR, seed=1)
    for k, model in enumerate(FOUR):
        one, _ = published_gradient(circuit, *given, noise=model, seed=1)
        assert np.allclose(one[k], found[k], rtol=0, atol=1e-12)


def test_layers_have_noise_of_their_own_or_the_networks():
    layers = [
        SQSLayer(2),
        SQSLayer(2, noise=FOUR[:2]),
        LIFLayer(3),
        NeuronLayer(2, SQSNeuron(ansatz.layered(), FOUR[2:])),
        SQSLayer(1, noise=None),
    ]
    clf = SQSNN(layers=layers, **{**ONE, "noise": FOUR, "updates": 1}).fit(X, Y)
    noises = [getattr(layer.neuron, "noise", "-") for layer in clf.spec_.layers]
    assert noises == [FOUR[:2], FOUR[:2], "-", FOUR[2:], None, FOUR[2:]]
    with pytest.raises(ValueError, match=r"one for each of 9 .*hidden0 2, hidden1 2, hidden3 2"):
        clf.predict(X, noise=FOUR)  # every neuron that can have one, whatever it had
    nine = TORINO.spread(9, seed=0, t1=0.3)
    assert clf.predict(X, noise=nine).shape == (4,)
    assert SQSLayer(2, noise=[TORINO] * 2).noise == TORINO


def test_convolutions_share_weights_not_noise():
    rng = np.random.default_rng(0)
    images, labels = rng.random((6, 4, 4)), [0, 1] * 3
    models = TORINO.spread(2 * 2 * 2 + 2, seed=1, t1=0.5, p_read0_given1=0.5)
    clf = SQSNN(layers=[Conv2D(2, 2, stride=2)], **{**ONE, "noise": models}, input_kind="static")
    clf.fit(images, labels)
    assert clf.spec_.layers[0].neuron.noise == list(models[:8])
    assert clf.spec_.visible.neuron.noise == list(models[8:])


def test_files_keep_it(tmp_path):
    layers = [SQSLayer(2, noise=FOUR[:2]), SQSLayer(2)]
    clf = SQSNN(layers=layers, **{**ONE, "noise": FOUR}).fit(X, Y)
    clf.save(tmp_path / "net")
    again = SQSNN.load(tmp_path / "net")
    assert again.spec_ == clf.spec_
    assert np.array_equal(again.predict_proba(X, seed=4), clf.predict_proba(X, seed=4))
    again.fit(X, Y)  # the arguments came along


def test_regressors_take_it():
    model = SQSNNRegressor((2,), n_readout=4, noise=TORINO.spread(6, seed=0, t1=0.2), **QUICK)
    t = np.linspace(0, 1, 12)[:, None]
    assert model.fit(t, t[:, 0]).predict(t).shape == (12,)
    assert len(model.spec_.visible.neuron.noise) == 4


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: fitted(noise=FOUR[:3]), ValueError, "each of 4 .*hidden0 2, visible 2.*has 3"),
        (lambda: fitted(noise=[*FOUR[:3], "bad"]), TypeError, r"noise\[3\]"),
        (lambda: fitted(noise=[]), ValueError, "noise"),
        (lambda: fitted(noise=iter(FOUR)), TypeError, "list"),
        (lambda: fitted(noise=[TORINO] * 5), ValueError, "has 5"),
        (lambda: fitted(neuron="lif"), ValueError, "noise"),
        (lambda: fitted().predict(X, noise=FOUR[:2]), ValueError, "each of 4"),
        (lambda: SQSLayer(3, noise=FOUR), ValueError, "each of 3"),
        (lambda: SQSLayer(3, noise="loud"), TypeError, "noise"),
        (
            lambda: LayerSpec("a", 3, SQSNeuron(ansatz.paper(), FOUR), ("input",)),
            ValueError,
            "each of 3",
        ),
        (
            lambda: SQSNeuron(ansatz.paper(), FOUR).compile(np.zeros((3, 3))),
            ValueError,
            "each of 3",
        ),
        (lambda: SQS(shape=3, noise=FOUR), ValueError, "each of 3"),
        (lambda: LearningSQS(shape=3, role="hidden", noise=FOUR), ValueError, "each of 3"),
        (
            lambda: memory_capacity(ansatz.paper(), np.zeros(3), FOUR),
            TypeError,
            "one NoiseModel .* one neuron",
        ),
        (
            lambda: draw_time_step(Population(ansatz.paper(), noise=FOUR)),
            TypeError,
            "one NoiseModel",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_network_in_lava_has_the_noise_of_its_neurons():
    clf = fitted(dtype="float64")
    offline = clf.simulate(X, seed=5)
    assert np.array_equal(clf.run_in_lava(X, seed=5), offline)
    assert clf.to_lava(seed=1).spec.layers[0].neuron.noise == FOUR[:2]


@pytest.mark.parametrize("tag", ["floating_pt", "qutip"])
def test_a_process_is_its_population(tag):
    steps, theta = 6, np.random.default_rng(1).uniform(-2, 2, (2, 2, 8))
    given = {"theta": theta, "seed": 3, "noise": FOUR, "bias": 0.4}
    sqs = SQS(shape=(2, 2), record=("s_out", "p_spike"), **given)
    with runtime(sqs, run_cfg=SQSSimCfg(select_tag=tag)) as net:
        net.run(steps)
    seen = sqs.recording
    pop = Population(ansatz.layered(), theta.reshape(4, 8), noise=FOUR, seed=3)
    run = pop.run(np.full((steps, 4), 0.4))
    assert np.array_equal(np.asarray(seen.s_out).reshape(steps, 4), run.spikes)
    assert np.allclose(np.asarray(seen.p_spike).reshape(steps, 4), run.p_spike, atol=1e-10)
    assert sqs.replace(seed=4).noise == FOUR
    assert "4 models of 4 neurons" in str(sqs)


@pytest.mark.parametrize("copies", [None, 3])
def test_a_learning_process_scores_with_its_own_noise(copies):
    theta = np.random.default_rng(1).uniform(-2, 2, (4, 8))
    sqs = LearningSQS(
        shape=4, role="hidden", lr_theta=1e-12, theta=theta, seed=3, noise=FOUR, bias=0.4,
        copies=copies, record=("s_out",),
    )  # fmt: skip
    with runtime(sqs, run_cfg=SQSSimCfg()) as net:
        net.run(5)
        found = sqs.theta.get()
    assert np.allclose(found, theta, atol=1e-6)
    spikes = np.asarray(sqs.recording.s_out).reshape(5, -1, 4)
    pop = Population(ansatz.layered(), theta, noise=FOUR, seed=3, batch=copies or ())
    run = pop.run(np.full((5, 4) if copies is None else (5, copies, 4), 0.4))
    assert np.array_equal(run.spikes.reshape(spikes.shape), spikes)
    scorer = SpikeTrainScorer(ansatz.layered(), theta, noise=FOUR)
    assert scorer.score(np.full(spikes.shape, 0.4), spikes)[1].shape == theta.shape


def test_memory_fidelity_is_each_neurons_own():
    circuit, theta = ansatz.layered(1, 1), np.random.default_rng(0).uniform(-2, 2, (4, 8))
    z = np.full((6, 4), 0.4)
    found = memory_fidelity(circuit, theta, z, FOUR, seed=1)
    assert found.fidelity[:, 1] == pytest.approx(1)  # the noiseless one
    assert (found.fidelity[-1, [0, 2]] < 1 - 1e-6).all()


def test_neurons_are_keys_and_texts():
    mixed = SQSNeuron(ansatz.paper(), FOUR)
    assert hash(mixed) == hash(SQSNeuron(ansatz.paper(), NoisePerNeuron(FOUR)))
    net = feed_forward(4, (), 4, mixed)
    assert "4 models of 4 neurons" in str(net)
    assert under_noise(net, ("visible",), None).visible.neuron.noise is None
    assert feed_forward(4, (2,), 1, LIFNeuron()).depth == 2


def test_a_study_draws_a_model_per_neuron_and_batch(monkeypatch):
    clf, seen = fitted(noise=TORINO), []
    with_noise = SQSNeuron.with_noise
    monkeypatch.setattr(
        SQSNeuron, "with_noise", lambda self, noise: seen.append(noise) or with_noise(self, noise)
    )
    for entropy in (1, 1, 2):
        seed = np.random.SeedSequence(entropy)
        predict(clf, X, {"noise": "ibm_torino", "noise.spread": 0.3}, seed)
    drawn = [seen[i] for i in range(0, len(seen), 2)]  # of the hidden layer
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(noise) == 2 and noise[0].t1 != noise[1].t1 for noise in drawn)
    predict(clf, X, {"noise": "ibm_torino", "noise.spread": 0}, np.random.SeedSequence(1))
    assert seen[-1] == TORINO
    for params in ({"noise.spread": 0.1}, {"noise": "ibm_torino", "noise.spread": -1}):
        with pytest.raises(ValueError, match=r"noise\.spread"):
            predict(clf, X, params, np.random.SeedSequence(1))
    with pytest.raises(ValueError, match=r"noise\.spread.* size="):
        noise_from({"noise": "ibm_torino", "noise.spread": 0.1})
    with pytest.raises(ValueError, match=r"train_noise\.spread"):
        noise_from({"train_noise": "ibm_torino", "train_noise.spread": 0.1}, "train_noise")
