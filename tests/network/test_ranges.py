"""How features are scaled, and what is said of data that lie elsewhere than those of fit."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.model_selection import train_test_split

from lava_sqs.data.encoders import SCALINGS, Scale
from lava_sqs.network import SQSNN, SQSNNRegressor

RNG = np.random.default_rng(0)
SMALL = {"hidden_layer_sizes": (), "n_steps": 2, "epochs": 1, "random_state": 0}
X = RNG.random((60, 4))
Y = np.arange(60) % 2


def said(call, *arguments, **more):
    """Return what is said of ranges."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*arguments, **more)
    return [str(w.message) for w in caught if "X has values from" in str(w.message)]


# -- scaling ---------------------------------------------------------------------------------------


def test_an_outlier_squashes_a_feature_unless_scaling_is_robust():
    x = X.copy()
    x[7, 0] = 1e4
    spans = {
        how: np.ptp(np.delete(Scale.learn(x, how=how)(x), 7, axis=0), axis=0) for how in SCALINGS
    }
    assert spans["minmax"][0] < 1e-3
    assert spans["standard"][0] < 1e-2
    assert spans["robust"][0] > 0.9
    assert (spans["robust"][1:] > 0.9).all()
    clean = Scale.learn(X, how="robust")
    np.testing.assert_allclose((clean.low, clean.high), (X.min(axis=0), X.max(axis=0)))


def test_whiskers_are_those_of_a_box_plot():
    from matplotlib.cbook import boxplot_stats

    for x in (RNG.normal(size=500), RNG.exponential(size=300), np.r_[RNG.random(50), 9, -9, 4]):
        scale, (stats,) = Scale.learn(x[:, None], how="robust"), boxplot_stats(x)
        np.testing.assert_allclose(
            [scale.low[0], scale.high[0]], [stats["whislo"], stats["whishi"]]
        )


def test_features_that_mostly_have_one_value_are_not_lost():
    x = np.zeros((200, 3))
    x[:30, 0] = RNG.random(30)  # no quartile sees it, the 99 % quantile does
    x[0, 1] = 1.0  # not even that
    scaled = Scale.learn(x, how="robust")(x)
    assert (scaled.max(axis=0) == [1, 1, 0]).all()


def test_standard_is_by_mean_and_deviation():
    x = RNG.normal(3, 2, (1000, 1))
    scale = Scale.learn(x, how="standard")
    reach = 2.5 * x.std()
    np.testing.assert_allclose([scale.low[0], scale.high[0]], [x.mean() - reach, x.mean() + reach])
    assert Scale.learn(np.full((9, 1), 0.1), how="standard")(np.ones((1, 1))) == 0  # constant


@pytest.mark.parametrize("how", SCALINGS)
@given(
    npst.arrays(
        float,
        st.tuples(st.integers(1, 30), st.integers(1, 4)),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
@settings(max_examples=60, deadline=None)
def test_scaled_features_lie_between_0_and_1_in_their_order(how, x):
    scale = Scale.learn(x, how=how)
    scaled = scale(x)
    assert ((scaled >= 0) & (scaled <= 1)).all()
    assert (np.diff(np.take_along_axis(scaled, x.argsort(axis=0), axis=0), axis=0) >= 0).all()
    varies = np.ptp(x, axis=0) > 1e-6 * np.abs(x).max(axis=0)
    assert (np.ptp(scaled, axis=0)[varies] > 0).all()  # what varies is not lost


@pytest.mark.parametrize("kind", [SQSNN, SQSNNRegressor])
@pytest.mark.parametrize("how", SCALINGS)
def test_the_scale_and_the_range_are_in_files(kind, how, tmp_path):
    x = X.copy()
    x[3, 1] = 50.0
    net = kind(**SMALL, scaling=how).fit(x, Y)
    net.save(tmp_path / "net.npz")
    again = kind.load(tmp_path / "net.npz")
    assert again.scaling == how
    assert again.scaling_ == net.scaling_
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    assert vars(again._inputs.scale.seen) == vars(net._inputs.scale.seen)
    assert said(again.predict, 255 * X) == said(net.predict, 255 * X) != []


@pytest.mark.parametrize("value", ["maxmin", "", 3, None, True])
def test_unknown_scalings(value):
    with pytest.raises((ValueError, TypeError), match="`scaling`"):
        SQSNN(**SMALL, scaling=value).fit(X, Y)


# -- another range ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SQSNN, SQSNNRegressor])
@pytest.mark.parametrize("how", SCALINGS)
@pytest.mark.parametrize("change", [lambda x: 255 * x, lambda x: x + 5, lambda x: -40 * x])
def test_values_far_outside_are_told_of_once_per_call(kind, how, change):
    net = kind(**SMALL, scaling=how).fit(X, Y)
    assert said(net.predict, X) == []
    (text,) = said(net.predict, change(X))
    now, then = change(X), X
    for value in (now.min(), now.max(), then.min(), then.max()):
        assert f"{value:.4g}" in text
    assert len(said(net.score, change(X), Y)) == 1
    assert len(said(net.simulate, change(X)[:1])) == 1


def test_the_warning_points_at_the_line_of_the_user():
    net = SQSNN(**SMALL).fit(X, Y)
    with pytest.warns(UserWarning, match="Scale X as the data of `fit` were") as caught:
        net.predict(255 * X)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("dtype", [float, np.uint8])
def test_a_much_smaller_range_is_told_of(dtype):
    pixels = RNG.integers(0, 256, (60, 30)).astype(dtype)
    net = SQSNN(**SMALL).fit(pixels, Y)
    assert said(net.predict, pixels[:20]) == []
    (text,) = said(net.predict, pixels / 255)
    assert "vary by 0.4% of what they did" in text
    assert said(net.predict, np.zeros((20, 30))) == []  # nothing varies: a blank
    assert said(net.predict, pixels[:1] / 255) == []  # of one sample nobody can tell


def test_sequences_are_compared_in_their_own_steps():
    x = RNG.random((30, 12, 2))
    net = SQSNN(**{**SMALL, "input_kind": "sequence"}).fit(x, np.arange(30) % 2)
    padded = x.copy()
    padded[:, 6:] = 1e6
    assert said(net.predict, padded, lengths=np.full(30, 6)) == []
    assert len(said(net.predict, padded)) == 1
    assert said(net.predict, np.full((1, 40, 2), 0.5) + 1e-3 * RNG.random((1, 40, 2))) == []


def test_spikes_have_no_range():
    x = (RNG.random((30, 12, 2)) < 0.02).astype(float)
    net = SQSNN(**{**SMALL, "input_kind": "spikes"}).fit(x, np.arange(30) % 2)
    assert said(net.predict, np.ones((30, 12, 2))) == []


DATA = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
    "diabetes": load_diabetes,
}


@pytest.mark.parametrize("how", SCALINGS)
@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_ordinary_test_samples_are_as_those_of_fit(name, how, share):
    x, _ = DATA[name](return_X_y=True)
    for seed in range(10):
        train, test = train_test_split(
            x, train_size=max(20, int(share * len(x))), random_state=seed
        )
        scale = Scale.learn(train, how=how)
        for part in (test, test[:12], test[:1], test[::-1][:3]):
            assert scale.seen.other(part, scale.unbounded(part), len(part)) is None


@pytest.mark.parametrize("how", SCALINGS)
@pytest.mark.parametrize("law", ["standard_cauchy", "lognormal", "exponential", "normal"])
def test_long_tails_are_no_other_range(how, law):
    rng = np.random.default_rng(0)
    for _ in range(40):
        x = getattr(rng, law)(size=(300, 3))
        scale = Scale.learn(x[:100], how=how)
        assert scale.seen.other(x[100:], scale.unbounded(x[100:]), 200) is None


def test_nothing_is_known_of_a_few_samples():
    """As in the first call of `partial_fit`."""
    net = SQSNN(**SMALL).partial_fit(X[:4], Y[:4], classes=[0, 1])
    assert said(net.partial_fit, 9 * X, Y) == []
    many = SQSNN(**SMALL).partial_fit(X, Y, classes=[0, 1])
    assert len(said(many.partial_fit, 9 * X, Y)) == 1


def test_a_warm_start_keeps_the_scale_and_says_so():
    net = SQSNN(**SMALL, warm_start=True).fit(X, Y)
    assert said(net.fit, X, Y) == []
    assert len(said(net.fit, 255 * X, Y)) == 1
    assert len(said(net.fit, X, Y, validation_data=(255 * X, Y))) == 1


def test_informative_data_of_scikit_learn():
    x, y = make_classification(400, 20, random_state=0)
    net = SQSNN(**SMALL).fit(x[:100], y[:100])
    assert said(net.predict, x[100:]) == []
