"""What a classifier says and what it learns from: weights of samples and classes, held-out data."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from lava_sqs.network import SQSNN
from lava_sqs.network.trainer import Trainer

RNG = np.random.default_rng(0)
Y3 = np.arange(60) % 3
X3 = RNG.random((60, 4)) * 0.4 + 0.6 * np.eye(4)[Y3]
LEARNED = [
    {"objective": "count"},
    {"objective": "likelihood"},
    {"objective": "likelihood", "readout": "likelihood"},
    {"targets": "pairs"},
]


@pytest.mark.parametrize("arguments", LEARNED, ids=str)
@pytest.mark.parametrize("n_repeats", [1, 3])
@pytest.mark.parametrize("classes", [2, 3])
def test_all_that_is_said_of_a_sample_agrees(arguments, n_repeats, classes):
    some = np.isin(Y3, range(classes))
    x, y = X3[some], np.array(["a", "b", "c"])[Y3[some]]
    clf = SQSNN((3,), n_steps=4, epochs=2, random_state=0, **arguments).fit(x, y)
    proba = clf.predict_proba(x, n_repeats=n_repeats)
    found = clf.decision_function(x, n_repeats=n_repeats)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(
        np.exp(clf.predict_log_proba(x, n_repeats=n_repeats)), proba, rtol=1e-12
    )
    said = clf.predict(x, n_repeats=n_repeats)
    if classes == 2:
        assert found.shape == (len(x),)
        np.testing.assert_array_equal(clf.classes_[(found > 0).astype(int)], said)
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-found)), rtol=1e-9)
    else:
        np.testing.assert_array_equal(clf.classes_[found.argmax(axis=1)], said)
        np.testing.assert_allclose(softmax(found, axis=1), proba, rtol=1e-12)
    np.testing.assert_array_equal(clf.classes_[proba.argmax(axis=1)], said)


def test_by_shares_it_is_spikes_and_one_more():
    clf = SQSNN((), n_steps=4, epochs=1, random_state=0, objective="likelihood").fit(X3, Y3)
    counts = clf._scores(clf._check_X(X3), 1, "as trained", None)[0][0]
    np.testing.assert_allclose(
        clf.predict_proba(X3), (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    )


def test_logarithms_of_what_has_no_probability_left_are_finite():
    clf = SQSNN((), n_steps=4, epochs=2, random_state=0, readout="likelihood").fit(X3, Y3)
    many = {"n_repeats": 400}
    assert (clf.predict_proba(X3, **many) == 0).any()
    logs = clf.predict_log_proba(X3, **many)
    assert np.isfinite(logs).all()
    assert logs.min() < -745  # the logarithm of the smallest float
    np.testing.assert_array_equal(clf.classes_[logs.argmax(axis=1)], clf.predict(X3, **many))


# -- weights ---------------------------------------------------------------------------------------


@given(
    weights=st.lists(st.floats(0, 50), min_size=2, max_size=30).filter(lambda w: sum(w) > 0.1),
    seed=st.integers(0, 99),
)
def test_a_sample_is_shown_as_often_as_its_weight_says(weights, seed):
    w = np.array(weights) / np.mean(weights)
    part = SimpleNamespace(X=np.zeros((len(w), 1)), weights=w)
    rng = np.random.default_rng(seed)
    shown = np.bincount(Trainer._order(part, rng), minlength=len(w))
    assert abs(shown.sum() - len(w)) <= 1
    assert (np.abs(shown - w) < 1 + 1e-6).all()  # the whole part of it for certain
    assert not shown[w == 0].any()


def test_on_average_the_fraction_counts_too():
    w = np.array([0.3, 1.7, 0.25, 1.75, 1.0])
    part, rng = SimpleNamespace(X=np.zeros((5, 1)), weights=w), np.random.default_rng(0)
    shown = [np.bincount(Trainer._order(part, rng), minlength=5) for _ in range(4000)]
    np.testing.assert_allclose(np.mean(shown, axis=0), w, atol=5 * 0.5 / np.sqrt(4000))


def fitted(**arguments):
    given = {"n_steps": 4, "epochs": 8, "random_state": 0, "encoder": "current"}
    return SQSNN((), **{**given, **arguments})


def same_scale(one, other):
    return np.array_equal(one._inputs.scale.low, other._inputs.scale.low)


STOPPED = {"early_stopping": True, "n_iter_no_change": 30}


@pytest.mark.parametrize("arguments", [{"objective": "likelihood"}, STOPPED, {}], ids=str)
def test_samples_of_no_weight_teach_nothing(arguments):
    wrong = np.arange(60) % 5 < 2
    y = np.where(wrong, (Y3 + 1) % 3, Y3)
    clf = fitted(**arguments, epochs=30)
    taught = clf.fit(X3, y, sample_weight=(~wrong).astype(float)).score(X3, Y3)
    assert taught > 0.85 or "early_stopping" in arguments  # the best of few held-out samples
    assert clf.score(X3, y, sample_weight=wrong) < 0.3 < clf.score(X3, y, sample_weight=~wrong)
    only = fitted(**arguments, epochs=30).fit(X3[~wrong], y[~wrong])
    assert same_scale(only, clf)
    np.testing.assert_array_equal(only.predict_proba(X3), clf.predict_proba(X3))


def test_equal_weights_change_nothing():
    one, other = fitted().fit(X3, Y3), fitted().fit(X3, Y3, [2.5] * 60)
    np.testing.assert_array_equal(one.predict_proba(X3), other.predict_proba(X3))
    balanced = fitted(class_weight="balanced").fit(X3, Y3)
    np.testing.assert_array_equal(one.predict_proba(X3), balanced.predict_proba(X3))


def test_classes_weigh_what_is_said(tmp_path):
    rare = np.r_[np.flatnonzero(Y3 == 0), np.flatnonzero(Y3 == 1)[:4]]
    x, y = RNG.random((24, 4)), np.array(["often", "rare"])[Y3[rare]]
    says = {
        name: (fitted(class_weight=weight).fit(x, y).predict(x) == "rare").mean()
        for name, weight in (("plain", None), ("balanced", "balanced"), ("only", {"often": 0}))
    }
    assert says["only"] == 1
    assert says["plain"] < says["balanced"]
    clf = fitted(class_weight={"often": 0.5, "rare": 2}).fit(x, y)
    clf.save(tmp_path / "m.npz")
    assert SQSNN.load(tmp_path / "m.npz").class_weight == {"often": 0.5, "rare": 2}


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0] * 59, r"`sample_weight` must have shape \(60,\)"),
        (np.ones((60, 1)), r"`sample_weight` must have shape \(60,\)"),
        ([1.0] * 59 + [-1.0], "`sample_weight` must not be negative"),
        ([0.0] * 60, "`sample_weight` must not be negative, and not zero for all"),
        ([1.0] * 59 + [np.nan], "`sample_weight` must be finite"),
        (["a"] * 60, "`sample_weight` must hold real numbers"),
    ],
)
def test_weights_that_are_none(weight, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fitted().fit(X3, Y3, sample_weight=weight)


@pytest.mark.parametrize("weight", ["even", {7: 1.0}, 3, {0: -1.0}])
def test_weights_of_classes_that_are_none(weight):
    with pytest.raises((ValueError, TypeError), match=r"`(class|sample)_weight` must"):
        fitted(class_weight=weight).fit(X3, Y3)


# -- data to validate with -------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [False, True])
def test_curves_and_stopping_are_of_the_data_that_are_given(stop):
    x, y = RNG.random((30, 4)) * 0.4 + 0.6 * np.eye(4)[Y3[:30]], Y3[:30]
    clf = fitted(early_stopping=stop, n_iter_no_change=2).fit(X3, Y3, validation_data=(x, y))
    found = clf.score(x, y)
    assert found == (max(clf.accuracy_curve_) if stop else clf.accuracy_curve_[-1])
    assert fitted(early_stopping=stop, n_iter_no_change=2).fit(X3, Y3).accuracy_curve_ != (
        clf.accuracy_curve_
    )


def test_sequences_are_validated_with_sequences():
    series = [RNG.random((4 + i % 5, 2)) * 0.5 + 0.5 * (i % 2) for i in range(40)]
    y = np.arange(40) % 2
    padded = np.zeros((20, 12, 2))
    for row, own in zip(padded, series[20:], strict=True):
        row[: len(own)] = own
    lengths = [len(s) for s in series[20:]]
    nets = [
        fitted(input_kind="sequence").fit(series[:20], y[:20], validation_data=data)
        for data in ((series[20:], y[20:]), (padded, y[20:], lengths))
    ]
    assert nets[0].accuracy_curve_ == nets[1].accuracy_curve_
    assert nets[0].score(series[20:], y[20:]) == nets[0].accuracy_curve_[-1]


@pytest.mark.parametrize(
    "data",
    [X3, (X3,), (X3, Y3[:-1]), (X3, Y3 + 1), (X3[:, :3], Y3), (X3 * np.nan, Y3), (X3, Y3, 1, 2)],
    ids=["X", "one", "short", "unknown", "narrow", "nan", "four"],
)
def test_data_that_nobody_can_validate_with(data):
    with pytest.raises((ValueError, TypeError), match="`validation_data` must be"):
        fitted().fit(X3, Y3, validation_data=data)
