"""SQSNN as its users see it: learning, repeating, saving, interrupting, refusing."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from lava_sqs.data import load_digits
from lava_sqs.network import SQSNN
from lava_sqs.network.readout import accuracy_interval, count_scores
from lava_sqs.quantum import NoiseModel, ansatz
from lava_sqs.study import Counts
from lava_sqs.study import interval as study_interval

NOISE = NoiseModel(p_read1_given0=0.3, p_read0_given1=0.3)
DATA = load_digits().classes(0, 1)
X, Y, XT, YT = DATA.x_train, DATA.y_train, DATA.x_test, DATA.y_test


def make(sizes=(2,), **arguments):
    given = {"input_kind": "static", "n_steps": 5, "epochs": 2, "n_draws": 2, "random_state": 0}
    given["neurons_per_class"] = 1
    return SQSNN(sizes, **{**given, **arguments})


@pytest.fixture(scope="module", name="model")
def _model():
    return make().fit(X, Y)


def same(a, b):
    return all(
        np.array_equal(x, b[layer].arrays()[name])
        for layer, own in a.items()
        for name, x in own.arrays().items()
    )


@pytest.mark.parametrize("neuron", ["sqs", "qlif", "lif", "as_published"])
def test_every_kind_of_neuron_learns_two_digits(neuron):
    clf = make(neuron=neuron, ansatz="paper", encoder="current", epochs=5).fit(X, Y)
    assert clf.score(XT, YT) > 0.9
    assert clf.loss_curve_[-1] < clf.loss_curve_[0] < 1.5  # starts near chance, log 2
    assert clf.n_parameters_ == 2 * 64 + 2 * (2 + 64) + 4 * 3
    assert clf.n_biases_ == 4
    assert 0 < clf.spikes_per_inference_ < 4 * 7


@pytest.mark.parametrize("credit", ["feedback", "score"])
def test_hidden_neurons_learn_what_no_visible_neuron_could(credit):
    """Exclusive or, through one hidden layer and no skips: only the hidden rule can solve it."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (400, 2))
    x = np.hstack([bits, 1 - bits]).astype(float)
    y = bits[:, 0] ^ bits[:, 1]
    settings = {"encoder": "current", "skip": False, "ansatz": "paper", "epochs": 15, "n_draws": 8}
    settings |= {"learning_rate": 0.05, "hidden_learning_rate": 0.05, "credit": credit}
    assert make((12,), **settings).fit(x, y).score(x, y) > 0.9


def test_prediction_does_not_depend_on_order_or_split(model):
    whole = model.predict_proba(XT)
    np.testing.assert_array_equal(
        np.concatenate([model.predict_proba(XT[:5]), model.predict_proba(XT[5:])]), whole
    )
    np.testing.assert_array_equal(model.predict_proba(XT[::-1]), whole[::-1])
    np.testing.assert_array_equal(model.predict_proba(XT.astype(np.uint8)), whole)


def test_prediction_is_random_but_repeats(model):
    first = model.predict_proba(XT)
    np.testing.assert_array_equal(model.predict_proba(XT), first)
    assert (model.predict_proba(XT, seed=5) != first).any()
    assert (model.predict_proba(XT, n_repeats=3) != first).any()


def test_seeds_fix_the_training(model):
    assert same(make().fit(X, Y).parameters_, model.parameters_)
    assert not same(make(random_state=1).fit(X, Y).parameters_, model.parameters_)


def test_noise_of_inference_is_another_one(model):
    clean, noisy = model.evaluate(XT, YT), model.evaluate(XT, YT, noise=NOISE, n_repeats=5)
    assert noisy.accuracy < clean.accuracy
    assert model.predict_proba(XT, noise=None).tolist() == model.predict_proba(XT).tolist()
    assert "Wilson" in clean.covers
    assert "clustered" in noisy.covers
    assert noisy.confusion.sum() == 5 * len(YT)


@pytest.mark.parametrize("encoder", ["rate", "population", "current"])
def test_every_encoder_learns(encoder):
    """5 seeds: 98.9 +- 0.8, 99.6 +- 0.6, 98.5 +- 1.0 %."""
    assert make((), encoder=encoder, epochs=3).fit(X, Y).score(XT, YT) > 0.95


def test_the_latency_encoder_is_for_the_likelihood():
    """Every pixel speaks once, so each step knows a fifth of the image.

    Log-odds add up what the steps know, spikes only vote: 98.9 +- 0.0 and 88 +- 5 % (5 seeds) with
    a neuron per class. Drawn votes of a logistic regression of single steps: 86 %. Five neurons per
    class draw five times, 97 +- 1 %.
    """
    clf = make((), encoder="latency", readout="likelihood", epochs=20, learning_rate=0.05)
    assert clf.fit(X, Y).score(XT, YT) > 0.95
    clf.set_params(readout="count", objective="likelihood", neurons_per_class=5)
    assert clf.fit(X, Y).score(XT, YT) > 0.93


def test_sequences_and_spikes():
    """Log-odds add up what the steps know, 100 %; spikes vote, 87 +- 2 and 86 +- 5 % (5 seeds).

    Half of the steps are empty. Drawn votes of a logistic regression of single steps: 86 %.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    early = (np.arange(8) < 4)[None, :] == y[:, None]
    spikes = (rng.random((200, 8, 6)) < np.where(early, 0.8, 0.1)[:, :, None]).astype(int)
    last = spikes.copy()
    last[:, :4] = 0
    clf = make((), input_kind="spikes", readout="likelihood", epochs=5).fit(last, y)
    assert clf.score(last, y) > 0.95
    assert 0.8 < clf.set_params(readout="count").score(last, y) < 0.95
    with pytest.raises(ValueError, match=r"samples of shape \(8, 6\)"):
        clf.predict(spikes[:, :, :5])
    settings = {"encoder": "current", "readout": "likelihood", "epochs": 5}
    every = np.full(200, 8)  # zeros are values
    values = make((), input_kind="sequence", **settings).fit(last * 0.7, y, lengths=every)
    assert values.score(last * 0.7, y, lengths=every) > 0.95
    assert values.encode(last * 0.7, lengths=every).shape == (200, 8, 6)


def test_several_visible_neurons_and_likelihood_readout():
    clf = make(neurons_per_class=3, readout="likelihood", epochs=3).fit(X, Y)
    assert clf.spec_.visible.size == 6
    assert clf.score(XT, YT) > 0.9
    np.testing.assert_allclose(clf.predict_proba(XT).sum(axis=1), 1)


def test_pipelines_cross_validation_and_clones():
    flat = X.reshape(len(X), -1).astype(float)
    pipe = make_pipeline(MinMaxScaler(), make((), epochs=2))
    assert cross_val_score(pipe, flat, Y, cv=3).mean() > 0.9
    copy = clone(make(noise=NOISE, ansatz=ansatz.paper()))
    assert copy.noise == NOISE
    assert copy.ansatz == ansatz.paper()


def test_labels_may_be_words():
    words = np.array(["zero", "one"])[Y]
    clf = make(()).fit(X, words)
    assert set(clf.predict(XT)) == {"zero", "one"}


def test_a_sparsity_cost_silences_hidden_neurons():
    arguments = {
        "encoder": "current",
        "epochs": 5,
        "learning_rate": 0.05,
        "hidden_learning_rate": 0.1,
    }
    rates = [
        make((6,), sparsity=cost, **arguments).fit(X, Y).spikes_per_inference_
        for cost in (0.0, 2.0)
    ]
    assert rates[1] < 0.7 * rates[0]


def test_early_stopping_stops_and_keeps_the_best():
    clf = make(early_stopping=True, epochs=60, n_iter_no_change=2).fit(X, Y)
    assert clf.n_iter_ < 60
    assert len(clf.accuracy_curve_) == clf.n_iter_
    assert clf.score(XT, YT) > 0.9


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_early_stopping_needs_every_class_on_either_side(fraction):
    with pytest.raises(ValueError, match="`validation_fraction` must leave a sample of each of"):
        make(early_stopping=True, validation_fraction=fraction).fit(X[:40], Y[:40])


def test_warm_start_goes_on():
    clf = make(warm_start=True, schedule="constant", random_state=None).fit(X, Y)
    before, seed = clf.loss_curve_[-1], clf.seed_
    clf.fit(X, Y)
    assert clf.seed_ == seed  # and with it the feedback that the weights have come to agree with
    assert clf.n_iter_ == 4
    assert clf.loss_curve_[-1] < before


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"noise": NOISE},
        {
            "ansatz": ansatz.from_gates(
                [("RX", 0, "a"), ("CX", (0, 1)), ("RY", 1, 0.3)], io_qubits=1, memory_qubits=1
            )
        },
        {"neuron": "qlif"},
        {"ansatz": ansatz.from_unitary(np.eye(4)[[0, 1, 3, 2]], io_qubits=1, memory_qubits=1)},
    ],
)
def test_a_loaded_model_is_the_saved_one(tmp_path, arguments):
    clf = make(epochs=1, **arguments).fit(X, Y)
    clf.save(tmp_path / "model.npz")
    loaded = SQSNN.load(tmp_path / "model.npz")
    assert same(clf.parameters_, loaded.parameters_)
    np.testing.assert_array_equal(loaded.predict_proba(XT), clf.predict_proba(XT))
    assert loaded.get_params() == clf.get_params()
    assert loaded.spec_ == clf.spec_
    assert loaded.loss_curve_ == clf.loss_curve_
    assert list(tmp_path.iterdir()) == [tmp_path / "model.npz"]


def test_a_resumed_training_is_the_uninterrupted_one(tmp_path):
    path = tmp_path / "run.npz"
    arguments = {"schedule": "constant", "checkpoint": path}
    whole = make(epochs=4, schedule="constant").fit(X, Y)
    make(epochs=2, **arguments).fit(X, Y)
    resumed = make(epochs=4, resume=True, **arguments).fit(X, Y)
    assert same(resumed.parameters_, whole.parameters_)
    assert resumed.loss_curve_ == whole.loss_curve_
    with pytest.raises(ValueError, match="other values of learning_rate"):
        make(epochs=4, resume=True, learning_rate=0.5, **arguments).fit(X, Y)


@pytest.mark.slow  # tests/commands/test_models.py has one that always runs
def test_ctrl_c_keeps_the_best_model(tmp_path):
    """A real SIGINT, to a real process, in the middle of an endless training."""
    script = textwrap.dedent("""
        import sys
        from lava_sqs.data import load_digits
        from lava_sqs.network import SQSNN
        data = load_digits().classes(0, 1)
        clf = SQSNN((), input_kind="static", epochs=10**6, random_state=0, checkpoint=sys.argv[1])
        clf.fit(data.x_train, data.y_train)
        print("interrupted", clf.interrupted_, clf.n_iter_, clf.score(data.x_test, data.y_test))
    """)
    path = tmp_path / "run.npz"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        while not path.exists():  # the first epoch is over
            assert child.poll() is None, child.communicate()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=120)
    finally:
        child.kill()
    assert child.returncode == 0, err
    word, interrupted, epochs, score = out.split()
    assert (word, interrupted) == ("interrupted", "True")
    assert int(epochs) >= 1
    assert float(score) > 0.8
    assert "interrupted after" in err
    assert "epoch/s" not in err  # no progress bar where standard error is no terminal


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": (0,)}, "`hidden_layer_sizes` must be at least 1"),
        ({"neuron": "lifs"}, "`neuron` must be one of .* Did you mean 'lif'"),
        ({"encoder": "rates"}, "`encoder` must be one of"),
        ({"rule": "magic"}, "`rule` must be one of"),
        ({"credit": "scores"}, "`credit` must be one of .* Did you mean 'score'"),
        ({"credit": "feedback", "rule": "as-published"}, "`credit` must be 'score'"),
        ({"angle_learning_rate": -1}, "`angle_learning_rate` must be at least 0"),
        ({"n_draws": 0}, "`n_draws` must be at least 1"),
        ({"epochs": 0}, "`epochs` must be at least 1"),
        ({"learning_rate": 0}, "`learning_rate` must be above 0"),
        (
            {"neuron": "lif", "noise": NOISE},
            "`noise` belongs to neuron='sqs' or neuron='classical'; with 'lif'",
        ),
        ({"resume": True}, "`checkpoint` must name a file"),
        ({"input_kind": None}, "`input_kind` must be given for an X of shape"),
        ({"input_kind": "sequence", "encoder": "latency"}, "`encoder` must be 'rate'"),
        ({"input_kind": "spikes"}, "must hold 0 and 1 only"),
        ({"ansatz": ansatz.paper(), "memory_qubits": 2}, "must be 1, as `ansatz` says"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    given = dict(arguments)
    with pytest.raises(ValueError, match=message):
        make(given.pop("sizes", ()), **given).fit(X, Y)


def test_bad_types_are_named(model):
    for arguments, name in (
        ({"hidden_layer_sizes": 5}, "hidden_layer_sizes"),
        ({"noise": "ibm_fez"}, "noise"),
        ({"epochs": 2.5}, "epochs"),
    ):
        with pytest.raises(TypeError, match=f"`{name}`"):
            make().set_params(**arguments).fit(X, Y)
    with pytest.raises(TypeError, match="`noise` must be a NoiseModel"):
        model.predict(XT, noise="ibm_fez")
    with pytest.raises(ValueError, match="`n_repeats` must be at least 1"):
        model.predict(XT, n_repeats=0)
    with pytest.raises(ValueError, match="1 class"):
        make().fit(X, np.zeros(len(X)))
    with pytest.raises(NotFittedError):
        make().predict(X)
    with pytest.raises(NotFittedError):
        make().save("nowhere.npz")


def test_integer_images_are_scaled_by_their_type_and_it_says_so(capsys):
    clf = make((), epochs=1, verbose=True, encoder="current").fit(X, Y)
    assert clf.scaling_ == "uint8 divided by 255, its maximum"
    assert clf.scaling_ in capsys.readouterr().err
    assert clf.encode(np.full_like(XT[:1], 51)).max() == pytest.approx(0.2)


# -- readout ---------------------------------------------------------------------------------------


def test_more_spikes_win_and_later_ones_decide_a_tie():
    spikes = np.zeros((4, 3, 4), int)  # two classes of two channels, three samples
    spikes[0, 0, 0] = spikes[1, 0, 1] = spikes[3, 0, 2] = 1  # 2 early against 1 late
    spikes[0, 1, 0] = spikes[2, 1, 3] = 1  # 1 against 1, later
    scores = count_scores(spikes, 2)
    assert scores.argmax(axis=1).tolist() == [0, 1, 0]
    np.testing.assert_array_equal(scores.astype(int), [[2, 1], [1, 1], [0, 0]])


def test_intervals_name_what_they_cover():
    correct = np.array([[True] * 90 + [False] * 10])
    (low, high), covers = accuracy_interval(correct)
    assert low == pytest.approx(0.8256, abs=1e-3)
    assert high == pytest.approx(0.9448, abs=1e-3)
    assert "Wilson" in covers
    (low, high), covers = accuracy_interval(np.repeat(correct, 50, axis=0))
    assert (low, high) == pytest.approx((0.8256, 0.9448), abs=1e-3)  # repeats do not shrink it
    assert "clustered Wilson" in covers
    with pytest.warns(DeprecationWarning, match="`seed` .* no effect"):
        assert accuracy_interval(correct, seed=1) == accuracy_interval(correct)


@given(
    st.integers(1, 6).flatmap(
        lambda r: st.tuples(st.just(r), st.lists(st.integers(0, r), min_size=1, max_size=40))
    )
)
def test_the_interval_of_an_evaluation_is_that_of_a_study(counts):
    repeats, errors = counts
    correct = np.arange(repeats)[:, None] >= np.array(errors)
    studied = study_interval(Counts.of_samples(errors, repeats))
    evaluated, _ = accuracy_interval(correct)
    assert evaluated == (1 - studied.high, 1 - studied.low)
    assert studied.low <= studied.estimate <= studied.high


@pytest.mark.parametrize("n_repeats", [1, 5])
def test_evaluate_and_the_study_of_the_same_network_agree(model, n_repeats):
    found = model.evaluate(XT, YT, n_repeats=n_repeats, noise=NOISE)
    wrong = model._scores(model._check_X(XT), n_repeats, NOISE, None)[0].argmax(axis=2) != YT
    studied = study_interval(Counts.of_samples(wrong.sum(axis=0), n_repeats))
    assert found.interval == (1 - studied.high, 1 - studied.low)
