"""Encoders: what arrives, when, and how raw features become numbers in [0, 1]."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.data import Scale, current, latency, population, rate

UNIT = st.lists(st.floats(0, 1), min_size=1, max_size=5)


def test_rates_are_probabilities():
    spikes = rate(np.full((1, 3), 0.3), 20000, seed=1)
    assert spikes.shape == (1, 20000, 3)
    np.testing.assert_allclose(spikes.mean(axis=1), 0.3, atol=0.015)
    np.testing.assert_array_equal(rate([[0.5]], 9, seed=1), rate([[0.5]], 9, seed=1))
    assert (rate([[0.5]], 64, seed=1) != rate([[0.5]], 64, seed=2)).any()


def test_given_uniforms_decide():
    u = np.array([[[0.2], [0.6]]])
    assert rate([[0.5]], 2, uniforms=u)[0, :, 0].tolist() == [1, 0]


@given(UNIT, st.integers(1, 9))
def test_latency_says_each_value_once_and_larger_ones_no_later(values, steps):
    spikes = latency([values], steps)[0]
    np.testing.assert_array_equal(spikes.sum(axis=0), np.array(values) > 0)
    when = [spikes[:, i].argmax() for i, v in enumerate(values) if v > 0]
    order = np.argsort([v for v in values if v > 0])[::-1]
    assert (np.diff(np.array(when)[order]) >= 0).all()


def test_current_repeats():
    np.testing.assert_array_equal(current([[0.1, -2.0]], 2), [[[0.1, -2.0], [0.1, -2.0]]])


@given(UNIT)
def test_population_peaks_at_the_nearest_centre(values):
    curves = population([values], 5).reshape(-1, 5)
    best = curves.argmax(axis=1)
    assert (np.abs(best / 4 - values) <= 1 / 8 + 1e-9).all()
    assert curves.max() <= 1


@pytest.mark.parametrize(
    "encode", [lambda x: rate(x, 3, seed=0), lambda x: latency(x, 3), population]
)
def test_values_outside_the_unit_interval_are_refused(encode):
    with pytest.raises(ValueError, match=r"`x` must lie in \[0, 1\], but has values from -1 to 2"):
        encode([[-1.0, 2.0]])


def test_scales():
    images = np.array([[0, 51]], dtype=np.uint8)
    assert Scale.learn(images)(images).tolist() == [[0.0, 0.2]]
    table = np.array([[1.0, 7.0, 5.0], [3.0, 7.0, 9.0]])
    scale = Scale.learn(table)
    np.testing.assert_array_equal(scale(table), [[0, 0, 0], [1, 0, 1]])
    np.testing.assert_array_equal(scale(np.array([[2.0, 8.0, 99.0]])), [[0.5, 0.0, 1.0]])
    assert "each feature" in scale.reason
