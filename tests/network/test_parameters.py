"""After fit: which parameter and which seed acts where; and how X is read."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone

from lava_sqs.network import SQSNN
from lava_sqs.network.arguments import FLEXIBLE, KEPT
from lava_sqs.quantum import NoiseModel, ansatz

RNG = np.random.default_rng(0)
Y = np.arange(40) % 2
X = RNG.random((40, 3)) * 0.5 + 0.5 * Y[:, None]
NOISE = NoiseModel(p_read1_given0=0.4, p_read0_given1=0.4)
SMALL = {"hidden_layer_sizes": (2,), "ansatz": "paper", "n_steps": 4, "epochs": 1}


def make(**arguments):
    return SQSNN(**{**SMALL, "random_state": 3, **arguments})


@pytest.fixture(scope="module", name="fitted")
def _fitted():
    return make().fit(X, Y)


#: Another value of each parameter that makes the network, its input or its seed.
OTHER = {
    "hidden_layer_sizes": (5, 2),
    "memory_qubits": 2,
    "ansatz": ansatz.layered(1, 1),
    "layers": 2,
    "neuron": "qlif",
    "noise": NOISE,
    "input_kind": "sequence",
    "channels_first": True,
    "encoder": "population",
    "scaling": "robust",
    "n_steps": 9,
    "n_population": 3,
    "skip": False,
    "recurrent": True,
    "neurons_per_class": 3,
    "targets": "pairs",
    "time_constant": 2.0,
    "shots": 7,
    "dtype": "float64",
    "random_state": 7,
}
#: What acts wherever a network is used.
AT_ONCE = {"readout", "readout_from", "verbose"}
#: What only a training reads.
TRAINING = {
    "objective",
    "temperature",
    "class_weight",
    "rule",
    "window",
    "epochs",
    "updates",
    "batch_size",
    "optimizer",
    "learning_rate",
    "hidden_learning_rate",
    "angle_learning_rate",
    "schedule",
    "weight_decay",
    "augment",
    "callbacks",
    "log",
    "credit",
    "n_draws",
    "sparsity",
    "discount",
    "early_stopping",
    "validation_fraction",
    "n_iter_no_change",
    "warm_start",
    "checkpoint",
    "resume",
}


def answers(clf):
    """Return what every method says."""
    found = clf.evaluate(X, Y, n_repeats=2)
    process = clf.to_lava()
    return {
        "predict": clf.predict(X),
        "predict_proba": clf.predict_proba(X),
        "score": clf.score(X, Y),
        "evaluate": (found.accuracy, found.interval, found.spikes_per_inference),
        "simulate": clf.simulate(X),
        "encode": clf.encode(X),
        "steps_per_sample_": clf.steps_per_sample_,
        "to_lava": (repr(process.spec), process.seed, process.steps_per_sample),
        "noise": clf.predict_proba(X, noise=NOISE),
    }


def differing(one, other):
    pairs = {k: [np.asarray(v, object) for v in (one[k], other[k])] for k in one}
    return [k for k, (a, b) in pairs.items() if not np.array_equal(a, b)]


def test_every_parameter_is_kept_or_acts_at_once_or_is_of_the_training():
    assert set(OTHER) == set(KEPT)
    assert {*KEPT, *AT_ONCE, *TRAINING} == set(SQSNN._get_param_names())
    assert len(KEPT) + len(AT_ONCE) + len(TRAINING) == len(SQSNN._get_param_names())


@pytest.mark.parametrize("name", OTHER)
def test_what_is_set_after_fit_acts_nowhere_before_the_next_fit(name, fitted, tmp_path):
    before = answers(fitted)
    clf = copy.deepcopy(fitted).set_params(**{name: OTHER[name]})
    with pytest.warns(UserWarning, match=rf"^{name}=.* set after fit and has no effect"):
        assert differing(answers(clf), before) == []
    clf.save(tmp_path / "model.npz")  # silently: what is saved is the network
    loaded = SQSNN.load(tmp_path / "model.npz")
    assert differing(answers(loaded), before) == []
    assert getattr(loaded, name) == getattr(fitted, name)
    with pytest.warns(UserWarning, match="no effect"):
        assert differing(answers(pickle.loads(pickle.dumps(clf))), before) == []
    # and a clone is what the parameters say
    assert clone(clf).get_params()[name] == OTHER[name]


@pytest.mark.parametrize("seed", [7, 2**62, np.random.RandomState(5)])
def test_random_state_acts_from_the_next_fit_everywhere(seed, fitted):
    before, changed = answers(fitted), copy.deepcopy(fitted).set_params(random_state=seed)
    state = copy.deepcopy(seed)
    after = answers(changed.fit(X, Y))
    assert set(differing(after, before)) >= {"predict_proba", "evaluate", "simulate", "encode"}
    assert differing(answers(make(random_state=state).fit(X, Y)), after) == []


@pytest.mark.parametrize("seed", [0, 7, 2**62])
def test_one_seed_of_every_method(seed, fitted):
    """The seed of a call is that of a network that was fitted with it, in every method."""
    other = copy.deepcopy(fitted)
    other.seed_ = seed
    methods = [
        lambda clf, **k: clf.predict_proba(X, **k),
        lambda clf, **k: clf.predict(X, **k),
        lambda clf, **k: clf.evaluate(X, Y, n_repeats=2, **k).confusion,
        lambda clf, **k: clf.simulate(X, **k),
        lambda clf, **k: clf.encode(X, **k),
        lambda clf, **k: clf.to_lava(**k).seed,
    ]
    for method in methods:
        np.testing.assert_array_equal(method(fitted, seed=seed), method(other))
    for bad in (-1, 1.5, "7"):
        for method in methods[:-1]:
            with pytest.raises((TypeError, ValueError), match="`seed` must be"):
                method(fitted, seed=bad)


def test_without_a_change_nobody_is_warned(fitted):
    clf = copy.deepcopy(fitted).set_params(
        hidden_layer_sizes=[2], readout="likelihood", verbose=True, epochs=9, batch_size=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers(clf)


def test_the_warning_says_what_to_do(fitted):
    clf = copy.deepcopy(fitted).set_params(random_state=7, noise=NOISE)
    with pytest.warns(UserWarning, match="Fit again, or use the argument seed= and noise=") as w:
        clf.predict(X)
    assert w[0].filename == __file__


def test_the_readout_acts_at_once_and_is_saved(fitted, tmp_path):
    clf = copy.deepcopy(fitted).set_params(readout="likelihood")
    assert (clf.predict_proba(X) != fitted.predict_proba(X)).any()
    clf.save(tmp_path / "model.npz")
    loaded = SQSNN.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("name", sorted(set(OTHER) - FLEXIBLE))
def test_a_warm_start_makes_no_other_network(name, fitted):
    clf = copy.deepcopy(fitted).set_params(warm_start=True, **{name: OTHER[name]})
    before = answers(fitted)
    with pytest.raises(ValueError, match=rf"`{name}` must be that of the first fit with warm_"):
        clf.fit(X, Y)
    clf.set_params(**{name: getattr(fitted, name)})
    assert differing(answers(clf), before) == []


def test_a_warm_start_takes_other_noise_steps_and_encoders(fitted):
    clf = copy.deepcopy(fitted).set_params(warm_start=True, noise=NOISE, n_steps=6)
    clf.fit(X, Y)
    assert clf.spec_.visible.neuron.noise == NOISE
    assert clf.encode(X).shape == (40, 6, 3)
    assert len(clf.loss_curve_) == 2
    with pytest.raises(ValueError, match="`encoder` and `n_population` must make 3 inputs"):
        clf.set_params(encoder="population").fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features, but SQSNN is expecting 3"):
        clf.set_params(encoder="rate").fit(X[:, :2], Y)


@pytest.mark.parametrize(
    ("changed", "x", "y"),
    [
        ({}, X, np.zeros(40)),
        ({"noise": "loud"}, X, Y),
        ({"early_stopping": True, "validation_fraction": 0.01}, X[:, :2], Y),
        ({"input_kind": "spikes"}, X[:, None, :], Y),
        ({"channels_first": True}, X, Y),
        ({"ansatz": "papers"}, X[:10, :1], Y[:10] + 1),
    ],
)
def test_a_fit_that_fails_leaves_the_network_as_it_was(changed, x, y, fitted):
    clf = copy.deepcopy(fitted)
    with pytest.raises((ValueError, TypeError)):
        clf.set_params(**changed).fit(x, y)
    clf.set_params(**{k: getattr(fitted, k) for k in changed})
    assert differing(answers(clf), answers(fitted)) == []


# -- how X is read ---------------------------------------------------------------------------------

SERIES = RNG.random((40, 9, 2)) * 0.5 + 0.5 * Y[:, None, None]
READ = {"hidden_layer_sizes": (), "encoder": "current", "objective": "likelihood"}


def test_channels_first_is_the_same_network():
    last = make(input_kind="sequence", **READ).fit(SERIES, Y)
    first = make(input_kind="sequence", channels_first=True, **READ)
    turned = SERIES.swapaxes(1, 2)
    first.fit(turned, Y)
    assert first.n_features_in_ == 2
    np.testing.assert_array_equal(first.predict_proba(turned), last.predict_proba(SERIES))
    np.testing.assert_array_equal(first.simulate(turned), last.simulate(SERIES))
    np.testing.assert_array_equal(first.encode(turned), last.encode(SERIES))
    assert first.evaluate(turned, Y).interval == last.evaluate(SERIES, Y).interval


@pytest.mark.parametrize("kind", ["sequence", "spikes"])
def test_channels_first_is_saved(kind, tmp_path):
    x = SERIES.swapaxes(1, 2) if kind == "sequence" else (SERIES.swapaxes(1, 2) > 0.5).astype(int)
    clf = make(input_kind=kind, channels_first=True, **READ).fit(x, Y)
    clf.save(tmp_path / "model.npz")
    loaded = SQSNN.load(tmp_path / "model.npz")
    assert loaded.channels_first is True
    np.testing.assert_array_equal(loaded.predict_proba(x), clf.predict_proba(x))
    with pytest.raises(ValueError, match="9 time steps with 2 channels"):
        loaded.predict(x.swapaxes(1, 2))


@pytest.mark.parametrize("first", [None, False, True])
@pytest.mark.parametrize("kind", ["sequence", "spikes"])
def test_other_channels_are_told_in_time_steps(kind, first):
    x = (SERIES > 0.5).astype(float)
    turn = (lambda a: a.swapaxes(1, 2)) if first else (lambda a: a)
    clf = make(input_kind=kind, channels_first=first, **READ).fit(turn(x), Y)
    for method in (clf.predict, clf.encode, clf.simulate, clf.run_in_lava, clf.predict_proba):
        with pytest.raises(
            ValueError, match="of 9 time steps with 2 channels each, and X holds 3"
        ) as e:
            method(turn(x[:3, :7, :1]))
        assert "of 7 time steps with 1 channel each" in str(e.value)
        assert "features" not in str(e.value)
    with pytest.raises(ValueError, match=r"3 .* of 9 time steps with 1 channel each"):
        clf.predict(turn(x[:3, :, :1]))
    with pytest.raises(ValueError, match=r"Swap the axes, X.swapaxes\(1, 2\), or fit with chan"):
        clf.predict(turn(x[:3].swapaxes(1, 2)))
    with pytest.raises(ValueError, match=r"samples of shape \((9, 2|2, 9)\), as in fit, but has"):
        clf.predict(x[:3, 0])
    with pytest.raises(ValueError, match="of 8 time steps with 1 channel each"):
        clf.predict(turn(x[:3, 1:, :1]).tolist())


def test_fewer_steps_than_channels_are_asked_about():
    turned = SERIES.swapaxes(1, 2)
    with pytest.warns(
        UserWarning,
        match=r"read as 40 sequences of 2 time steps with 9 channels "
        r"each. If it holds 40 sequences of 9 time steps with 2 channels each",
    ) as w:
        make(input_kind="sequence", **READ).fit(turned, Y)
    assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(input_kind="sequence", channels_first=False, **READ).fit(turned, Y)
        make(input_kind="sequence", channels_first=True, **READ).fit(turned, Y)
        make(input_kind="sequence", **READ).fit(SERIES, Y)
        make(input_kind="sequence", **READ).fit(SERIES[:, :2], Y)  # as many: no sign of an error
        make(input_kind="spikes", **READ).fit((turned > 0.5).astype(int), Y)  # frames, often


@pytest.mark.parametrize(
    ("arguments", "x", "message"),
    [
        ({"channels_first": True}, X, "`channels_first` belongs to sequences and spikes"),
        ({"channels_first": True, "input_kind": "static"}, SERIES, "`channels_first` belongs"),
        ({"channels_first": 1}, X, "`channels_first` must be True or False"),
        (
            {"channels_first": True, "input_kind": "sequence"},
            np.ones((40, 2, 3, 4)),
            r"must have shape \(n, features, T\) .* but has shape \(40, 2, 3, 4\)",
        ),
        (
            {"channels_first": True, "input_kind": "sequence"},
            X,
            r"must have shape \(n, features, T\)",
        ),
        ({}, SERIES, r"`input_kind` must be given .* channels_first=True for \(n, features, T\)"),
    ],
)
def test_layouts_that_make_no_sense(arguments, x, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make(**{**READ, **arguments}).fit(x, Y)


@pytest.mark.parametrize(
    ("arguments", "x", "words"),
    [
        ({}, X, "40 samples of 3 features"),
        ({"input_kind": "static"}, SERIES, "40 samples of 9 x 2 values, flattened to 18 features"),
        ({"input_kind": "sequence"}, SERIES, "40 sequences of 9 time steps with 2 channels each"),
        (
            {"input_kind": "sequence", "channels_first": True},
            SERIES,
            "40 sequences of 2 time steps with 9 channels each",
        ),
        (
            {"input_kind": "spikes"},
            np.ones((40, 1, 2, 3, 3)) * Y[:, None, None, None, None],
            r"40 spike trains of 1 time step with 18 channels \(2 x 3 x 3\) each",
        ),
    ],
)
def test_the_reading_is_said_in_words(arguments, x, words, capsys):
    make(**{**READ, **arguments}, verbose=True).fit(x, Y)
    assert words.replace("\\", "") in capsys.readouterr().err


# -- padding ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ["rate", "latency", "population", "current"])
@pytest.mark.parametrize("shape", [(3,), (2, 2)])
def test_static_samples_are_never_padded(encoder, shape, monkeypatch):
    """Sparse, dark and empty images are to be named in every step, whatever their code says."""
    dark = np.zeros((40, *shape))
    dark.reshape(40, -1)[:, 0] = np.where(Y == 1, 0.02, 0.0)
    dark[0] = 1.0
    seen = clamps(monkeypatch)
    make(input_kind="static", **{**READ, "encoder": encoder}).fit(dark, Y)
    for clamp, labels in seen:
        said = clamp[1:].argmax(axis=2)
        np.testing.assert_array_equal(said, np.broadcast_to(labels, said.shape))
        assert (clamp[1:].sum(axis=2) == 1).all()


@pytest.mark.parametrize("encoder", ["rate", "population", "current"])
def test_padding_of_sequences_is_seen_in_raw_values(encoder, monkeypatch):
    """A frame whose code is silent (features at their minimum) is none; zeros at the end are."""
    x = SERIES + 1.0
    x[:, 6:] = x.min()  # encoded to 0, but values all the same
    x[::4, 4:] = 0.0
    seen = clamps(monkeypatch)
    with pytest.warns(UserWarning, match="10 of 40 sequences end with frames of zeros"):
        make(input_kind="sequence", **{**READ, "encoder": encoder}, batch_size=40).fit(x, Y)
    [(clamp, labels)] = seen
    spoken = (clamp[1:] == 1).any(axis=2).sum(axis=0)
    assert sorted(spoken) == [4] * 10 + [9] * 30
    assert set(labels[spoken == 4]) == {0}  # every fourth sample


@pytest.mark.parametrize("kind", ["sequence", "spikes"])
def test_silence_is_not_padding_in_spike_trains_or_where_it_is_all(kind, monkeypatch):
    x = (SERIES > 0.5).astype(int)
    x[:4] = 0
    if kind == "sequence":
        x[4:, -1] = 1
    seen = clamps(monkeypatch)
    make(input_kind=kind, **READ, batch_size=40).fit(x, Y)
    [(clamp, _)] = seen
    assert ((clamp[1:] == 1).any(axis=2).sum(axis=0) == 9).all()


def clamps(monkeypatch):
    """Return a list that the target trains of a training go into, with their labels."""
    from lava_sqs.network import trainer

    seen, original = [], trainer.target_trains

    def spy(spec, codes, labels, *rest):
        seen.append((original(spec, codes, labels, *rest), labels))
        return seen[-1][0]

    monkeypatch.setattr(trainer, "target_trains", spy)
    return seen
