"""Learning sample by sample: it goes on, it learns, and what it refuses."""

import copy

import numpy as np
import pytest

from lava_sqs.network import SQSNN, SQSNNRegressor

RNG = np.random.default_rng(0)
Y = np.arange(90) % 3
X = RNG.random((90, 4)) * 0.4 + 0.6 * np.eye(4)[Y]
NAMES = np.array(["a", "b", "c"])


def make(**arguments):
    given = {"n_steps": 4, "random_state": 0, "encoder": "current", "learning_rate": 0.05}
    return SQSNN((), **{**given, **arguments})


def stream(clf, x, y, size, times=1, **more):
    for _ in range(times):
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            clf.partial_fit(x[part], y[part], classes=NAMES, **more)
    return clf


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize(
    "arguments", [{"objective": "count"}, {"objective": "likelihood"}, {"early_stopping": True}]
)
def test_it_learns_from_samples_as_they_arrive(size, arguments):
    clf = make(**arguments).partial_fit(X[:20], NAMES[Y[:20]], classes=NAMES)
    stream(clf, X, NAMES[Y], size, times=3)
    assert clf.score(X, NAMES[Y]) > 0.85
    assert clf.n_iter_ == len(clf.loss_curve_) == 1 + 3 * -(-90 // size)
    assert clf.classes_.tolist() == NAMES.tolist()
    assert clf.seed_ == 0


def test_calls_are_one_training_with_a_memory():
    """The optimiser and the random numbers go on; nothing depends on epochs or a schedule."""
    one = stream(make(epochs=1), X, NAMES[Y], 30)
    other = stream(make(epochs=50, schedule="constant"), X, NAMES[Y], 30)
    forgetful = make()
    for start in (0, 30, 60):
        forgetful.partial_fit(X[start : start + 30], NAMES[Y[start : start + 30]], classes=NAMES)
        forgetful.__dict__.pop("_optimizer")
    weights = [c.parameters_["visible"].weights["input"] for c in (one, other, forgetful)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_it_goes_on_from_a_fit_and_from_a_file(tmp_path):
    clf = make(epochs=2).fit(X, NAMES[Y])
    before = clf.predict_proba(X)
    clf.save(tmp_path / "m.npz")
    clf.partial_fit(X[:5], NAMES[Y[:5]])
    loaded = SQSNN.load(tmp_path / "m.npz").partial_fit(X[:5], NAMES[Y[:5]])
    assert clf.n_iter_ == loaded.n_iter_ == 3
    np.testing.assert_array_equal(clf.predict_proba(X), loaded.predict_proba(X))
    assert not np.array_equal(clf.predict_proba(X), before)
    clf.fit(X, NAMES[Y])  # anew
    np.testing.assert_array_equal(clf.predict_proba(X), before)


def test_hidden_layers_and_sequences_of_any_length():
    series = [RNG.random((2 + i % 6, 2)) * 0.5 + 0.5 * (i % 2) for i in range(40)]
    clf = SQSNN((5,), input_kind="sequence", random_state=0, learning_rate=0.05)
    padded = copy.deepcopy(clf)
    for i, own in enumerate(series):
        clf.partial_fit([own], [i % 2], classes=[0, 1])
        more = np.concatenate([own, RNG.random((i % 3, 2))])[None]
        padded.partial_fit(more, [i % 2], classes=[0, 1], lengths=[len(own)])
    np.testing.assert_array_equal(clf.predict_proba(series), padded.predict_proba(series))
    assert clf.feedback_ is not None


def test_a_call_that_fails_leaves_what_was_there(monkeypatch):
    from lava_sqs.network import trainer

    clf = stream(SQSNN((4,), n_steps=3, batch_size=5, random_state=0), X, NAMES[Y], 30)
    same = copy.deepcopy(clf)
    calls, original = [], trainer.Trainer._move

    def stop(self, *given):
        calls.append(1)
        if len(calls) > 5:
            raise KeyboardInterrupt
        original(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "_move", stop)
        with pytest.raises(KeyboardInterrupt):
            clf.partial_fit(X, NAMES[Y])
    for c in (clf, same):
        c.partial_fit(X[:20], NAMES[Y[:20]])
    np.testing.assert_array_equal(clf.predict_proba(X), same.predict_proba(X))


def test_one_sample_says_no_scale_but_one_image_or_spike_train_does():
    with pytest.raises(ValueError, match="`X` must hold samples that differ in the first call"):
        make().partial_fit(X[:1], [0], classes=[0, 1, 2])
    image = (X[:1] * 255).astype(np.uint8)
    assert make().partial_fit(image, [0], classes=[0, 1, 2]).predict(image).shape == (1,)
    train = (RNG.random((1, 6, 2)) > 0.5).astype(int)
    clf = make(input_kind="spikes").partial_fit(train, [0], classes=[0, 1, 2])
    assert clf.predict(train).shape == (1,)


@pytest.mark.parametrize(
    ("arguments", "classes", "y", "message"),
    [
        ({}, None, [0, 1], "`classes` must name all classes in the first call"),
        ({}, [1], [1, 1], "`classes` must be at least 2"),
        ({}, [0, 1], [0, 2], "`y` must hold known classes"),
        ({}, [0, 1], [0, 1, 1], "inconsistent numbers of samples"),
        ({"resume": True, "checkpoint": "x"}, [0, 1], [0, 1], "`resume` must be False"),
        ({"n_steps": 0}, [0, 1], [0, 1], "`n_steps` must"),
    ],
)
def test_what_it_refuses(arguments, classes, y, message):
    clf = make(**arguments)
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(X[:2], y, classes=classes)
    assert not hasattr(clf, "classes_")


def test_classes_and_features_stay():
    clf = make().partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="`classes` must be those of the first call"):
        clf.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="features"):
        clf.partial_fit(X[:, :3], Y)
    with pytest.raises(ValueError, match="`hidden_layer_sizes` must be that of the first fit"):
        clf.set_params(hidden_layer_sizes=(3,)).partial_fit(X, Y)


# -- values ----------------------------------------------------------------------------------------


def values_of(x):
    return 3 + 2 * x[:, 0] - x[:, 1]


def test_values_are_learned_as_they_arrive(tmp_path):
    x = np.random.default_rng(0).random((400, 3))
    net = SQSNNRegressor((4,), n_readout=40, n_steps=4, random_state=0)
    for start in range(0, 400, 20):
        net.partial_fit(x[start : start + 20], values_of(x[start : start + 20]))
    assert net.score(x[:100], values_of(x[:100])) > 0.5
    assert (net.n_iter_, net.n_updates_, len(net.loss_curve_)) == (20, 20, 20)
    assert net.score_curve_ == []
    mean = net.target_mean_.copy()
    net.partial_fit(x[:1], values_of(x[:1]) + 100)
    np.testing.assert_array_equal(net.target_mean_, mean)  # as the first call has it
    net.save(tmp_path / "net.npz")
    again = SQSNNRegressor.load(tmp_path / "net.npz").partial_fit(x[:9], values_of(x[:9]))
    assert again.n_iter_ == 22


def test_series_are_learned_as_they_arrive():
    x = np.sin(np.arange(60 * 12).reshape(60, 12, 1) * 0.7)
    y = x[:, :, 0] * 2
    net = SQSNNRegressor((), n_readout=20, input_kind="sequence", random_state=0)
    net.partial_fit(x[:30], y[:30])
    assert net.per_step_
    net.partial_fit([x[30], x[31, :5]], [y[30], y[31, :5]])
    assert net.predict(x[:2]).shape == (2, 12)
    before = net.predict(x[:3])
    for wrong in (y[:30, 0], np.zeros((30, 12, 2)), y[:30, :5], y[:29]):
        with pytest.raises(ValueError, match=r"`y`|samples"):
            net.partial_fit(x[:30], wrong)
        np.testing.assert_array_equal(net.predict(x[:3]), before)
    with pytest.raises(ValueError, match="`y` must have"):
        net.set_params(warm_start=True, epochs=1).fit(x, y[:, 0])  # another kind of values


def test_what_the_first_call_for_values_must_hold():
    x, net = np.random.default_rng(0).random((20, 3)), SQSNNRegressor((), n_steps=3)
    for y in (np.ones(20), np.c_[x[:, 0], np.ones(20)]):
        with pytest.raises(ValueError, match="`y` must hold values that differ in the first call"):
            net.partial_fit(x, y)
    with pytest.raises(ValueError, match="`X` must hold samples that differ"):
        net.partial_fit(x[:1], x[:1, 0])
    assert not hasattr(net, "parameters_")
    with pytest.raises(ValueError, match="`resume`"):
        net.set_params(resume=True, checkpoint="x.npz").partial_fit(x, x[:, 0])


def test_value_calls_are_one_pass_each():
    """The optimiser and the random numbers go on, and fit's network is where it goes on from."""
    x = np.random.default_rng(0).random((40, 3))
    given = {"n_readout": 10, "n_steps": 3, "random_state": 0}
    one, other = (SQSNNRegressor((), **given, epochs=e) for e in (1, 50))
    for net in (one, other):
        for _ in range(3):
            net.partial_fit(x, values_of(x))
    assert one.loss_curve_ == other.loss_curve_
    net = SQSNNRegressor((), **given, epochs=2).fit(x, values_of(x)).partial_fit(x, values_of(x))
    assert (net.n_iter_, len(net.loss_curve_), len(net.score_curve_)) == (3, 3, 2)
