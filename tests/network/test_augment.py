"""Samples that are shown a little differently in each mini-batch."""

import numpy as np
import pytest

from lava_sqs.data import Shift
from lava_sqs.network import SQSNN, SQSNNRegressor

RNG = np.random.default_rng(0)
Y = np.arange(20) % 2
X = RNG.random((20, 3)) * 0.5 + 0.5 * Y[:, None]
GIVEN = {"hidden_layer_sizes": (2,), "n_steps": 3, "epochs": 4, "random_state": 0, "batch_size": 8}
KINDS = [SQSNN, SQSNNRegressor]


def make(kind=SQSNN, **arguments):
    return kind(**{**GIVEN, **arguments})


@pytest.mark.parametrize("kind", KINDS)
def test_augment_changes_what_trains_and_nothing_else(kind):
    seen = []

    def augment(shown, rng):
        seen.append(shown.copy())
        shown += 0.1 * rng.standard_normal(shown.shape)
        return np.clip(shown, 0, 1)

    before = X.copy()
    net = make(kind, augment=augment, epochs=4).fit(X, Y)
    np.testing.assert_array_equal(X, before)  # which the function may change in place
    assert len(seen) == net.n_updates_
    np.testing.assert_array_equal(np.unique(np.concatenate(seen[:3]), axis=0), np.unique(X, axis=0))
    assert net.loss_curve_ != make(kind, epochs=4).fit(X, Y).loss_curve_
    assert net.loss_curve_ == make(kind, augment=augment, epochs=4).fit(X, Y).loss_curve_
    nothing = make(kind, augment=lambda shown, rng: shown, epochs=4).fit(X, Y)
    assert nothing.loss_curve_ == make(kind, epochs=4).fit(X, Y).loss_curve_


def test_augment_learns_what_may_vary():
    """A bar that may lie anywhere, learned from bars in the middle."""

    def bars(places):
        x = np.zeros((len(places), 7, 7))
        for i, place in enumerate(places):
            x[i, place] = 1
            if i % 2:
                x[i] = x[i].T
        return x.reshape(len(x), -1), np.arange(len(places)) % 2

    x, y = bars(np.full(40, 3))
    x_test, y_test = bars(np.repeat([1, 2, 4, 5], 20))
    own = {"input_kind": "static", "encoder": "current", "epochs": 60, "random_state": 0}
    without = SQSNN((20,), **own).fit(x, y).score(x_test, y_test)
    given = SQSNN((20,), augment=Shift(2, (7, 7)), **own).fit(x, y).score(x_test, y_test)
    assert given > 0.95
    assert given > without + 0.1


@pytest.mark.parametrize(
    ("augment", "error", "match"),
    [
        (3, TypeError, "`augment` must be a function"),
        (
            lambda shown, rng: shown[:, :1],
            ValueError,
            "`augment` must return real numbers of shape",
        ),
        (lambda shown, rng: shown * np.nan, ValueError, "`augment` must return finite numbers"),
        (lambda shown, rng: shown.astype(str), ValueError, "`augment` must return real numbers"),
    ],
)
def test_augment_must_return_such_samples(augment, error, match):
    with pytest.raises(error, match=match):
        make(augment=augment).fit(X, Y)


def test_augment_of_spikes_makes_spikes():
    x = (np.random.default_rng(0).random((12, 5, 4)) < 0.5).astype(float)
    net = SQSNN((), input_kind="spikes", epochs=1, augment=lambda shown, rng: shown / 2)
    with pytest.raises(ValueError, match="`augment` must return 0 and 1 only"):
        net.fit(x, np.arange(12) % 2)


def test_augment_keeps_the_ends_of_sequences():
    x = [np.random.default_rng(i).random((3 + i % 3, 4)) for i in range(12)]
    own = {"input_kind": "sequence", "epochs": 2, "random_state": 0}
    SQSNN((), augment=Shift(1, (2, 2)), **own).fit(x, np.arange(12) % 2)
    with pytest.raises(ValueError, match="NaN where it is given NaN"):
        SQSNN((), augment=lambda shown, rng: np.nan_to_num(shown), **own).fit(x, np.arange(12) % 2)


def test_augment_is_not_saved(tmp_path):
    net = make(augment=lambda shown, rng: shown).fit(X, Y)
    net.save(tmp_path / "net.npz")
    again = type(net).load(tmp_path / "net.npz")
    assert again.augment is None
    np.testing.assert_array_equal(again.predict(X), net.predict(X))
