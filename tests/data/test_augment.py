"""Samples that are moved at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.data import Shift


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99), st.booleans())
def test_whole_pixels_are_a_window_on_a_padded_image(pixels, rows, columns, seed, flat):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 9, (6, 2, 3, rows, columns))
    shift = Shift(pixels, (3, rows, columns))
    moved = shift(x.reshape(6, 2, -1) if flat else x, np.random.default_rng(seed))
    assert moved.dtype == x.dtype
    p = pixels
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (p, p), (p, p)))
    for sample, window in zip(moved.reshape(x.shape), padded, strict=True):
        assert any(
            np.array_equal(sample, window[..., d : d + rows, r : r + columns])
            for d in range(2 * p + 1)
            for r in range(2 * p + 1)
        )


def test_distances_are_uniform_and_independent():
    """The dot is at each of 25 places equally often: chi squared, false alarm 1e-6."""
    n = 50_000
    x = np.zeros((n, 7, 7), np.float32)
    x[:, 3, 3] = 1
    moved = Shift(2, (7, 7))(x, np.random.default_rng(0))
    assert moved.dtype == np.float32
    assert moved.sum() == n
    counts = moved.sum(axis=0)[1:-1, 1:-1]
    expected = n / 25
    assert ((counts - expected) ** 2 / expected).sum() < 75.4  # 24 degrees of freedom


def test_between_pixels_the_centre_moves_by_any_distance():
    n = 20_000
    x = np.zeros((n, 5, 6))
    x[:, 2, 2] = 2.0
    moved = Shift(0.75, (5, 6), between=True)(x, np.random.default_rng(1))
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), 2.0)
    for axis in (1, 2):
        shape = [1, 1, 1]
        shape[axis] = -1
        places = np.arange(moved.shape[axis]).reshape(shape)
        distance = (moved * places).sum(axis=(1, 2)) / 2 - 2
        assert abs(distance).max() <= 0.75 + 1e-12
        assert abs(distance).max() > 0.74
        # variance of a uniform number, within five standard errors
        assert abs(distance.var() - 0.75**2 / 3) < 5 * 0.75**2 * np.sqrt(4 / 45 / n)


def test_frames_that_are_none_stay_none():
    x = np.random.default_rng(0).random((3, 4, 2, 5, 5))
    x[0, 2:] = np.nan
    moved = Shift(1, (2, 5, 5))(x, np.random.default_rng(0))
    assert np.isnan(moved[0, 2:]).all()
    assert np.isfinite(moved[0, :2]).all()
    assert np.isfinite(moved[1:]).all()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0, (4, 4)), "pixels"),
        ((1.5, (4, 4)), "pixels"),
        ((1, (4,)), "shape"),
        ((1, (4, 0)), "shape"),
        ((-0.5, (4, 4), True), "pixels"),
        ((1, (4, 4), 1), "between"),
    ],
)
def test_wrong_arguments_are_named(arguments, name):
    with pytest.raises((TypeError, ValueError), match=f"`{name}`"):
        Shift(*arguments)


def test_samples_of_other_frames_are_refused():
    with pytest.raises(ValueError, match=r"`X` must consist of frames of shape \(4, 4\)"):
        Shift(1, (4, 4))(np.zeros((2, 15)), np.random.default_rng(0))
    with pytest.raises(TypeError, match="`rng`"):
        Shift(1, (4, 4))(np.zeros((2, 16)), 0)
    with pytest.raises(TypeError, match="`X`"):
        Shift(1, (2, 2))(np.array([["a"] * 4]), np.random.default_rng(0))
