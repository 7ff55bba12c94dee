"""What a classifier says: classes, probabilities, their logarithms, what they are made of."""

import numpy as np
import pytest
from scipy.special import softmax

from lava_sqs.network import SQSNN

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
