"""Products with few spikes are those of dense matrices, up to the order of sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sqs.network import arriving
from lava_sqs.network.arriving import Delayed
from lava_sqs.quantum.kernels.spikes import list_spikes, sum_of_spiking, turn_lists


def listed(x):
    index, ends = np.empty(x.size + x.shape[1], np.int32), np.zeros(len(x) + 1, np.int64)
    total = list_spikes(x, index, ends)
    return total, index[: max(total, 0)], ends


@settings(max_examples=40)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 90),
    channels=st.integers(1, 150),
    rate=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    seed=st.integers(0, 1000),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_sums_over_lists_are_products(n, m, channels, rate, seed, dtype):
    rng = np.random.default_rng(seed)
    x = (rng.random((n, m)) < rate).astype(dtype)
    total, index, ends = listed(x)
    assert total == x.sum() == ends[-1]
    where = np.argwhere(x)
    np.testing.assert_array_equal(index, where[:, 1])
    np.testing.assert_array_equal(np.diff(ends), x.sum(axis=1))
    turned, starts = np.empty_like(index), np.empty(m + 1, np.int64)
    turn_lists(index, ends, turned, starts)
    np.testing.assert_array_equal(turned, np.argwhere(x.T)[:, 1])
    weights = rng.normal(size=(channels, m)).astype(dtype)
    z = np.full((channels, n), np.nan, dtype)
    sum_of_spiking(weights, index, ends, z)
    # at most m roundings of sums of at most m numbers
    close = np.finfo(dtype).eps * (np.abs(weights) @ x.T + 1).max() * (m + 1)
    np.testing.assert_allclose(z, weights @ x.T, rtol=0, atol=close)
    signal = rng.normal(size=(channels, n)).astype(dtype)
    gradient = np.empty((channels, m), dtype)
    sum_of_spiking(signal, turned, starts, gradient)
    close = np.finfo(dtype).eps * (np.abs(signal) @ x + 1).max() * (n + 1)
    np.testing.assert_allclose(gradient, signal @ x, rtol=0, atol=close)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("wrong", [0.5, -1.0, 2.0, np.nan, np.inf])
@pytest.mark.parametrize("at", [(0, 0), (3, 69), (4, 33)])
def test_other_numbers_are_no_spikes(at, wrong, dtype):
    x = (np.random.default_rng(0).random((5, 70)) < 0.3).astype(dtype)
    assert listed(x)[0] == x.sum()
    x[at] = wrong
    assert listed(x)[0] == -1


def test_too_many_spikes_are_not_listed():
    x = np.ones((10, 64), np.float32)
    assert list_spikes(x, np.empty(64 + 200, np.int32), np.zeros(11, np.int64)) == -1


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("rate", "is_listed"), [(0.1, True), (0.6, False)])
def test_connections_take_the_quicker_way(rate, is_listed, threads, monkeypatch):
    monkeypatch.setattr(arriving, "default_threads", lambda: threads)
    rng = np.random.default_rng(0)
    x = (rng.random((5, 11, 100)) < rate).astype(np.float32)
    weights, signal = rng.normal(size=(130, 100)), rng.normal(size=(6, 11, 130))
    dense, found = Delayed(x, 6), Delayed(x, 6, np.float32)
    z = found.weighted(weights)
    np.testing.assert_allclose(z, dense.weighted(weights), rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        found.correlated(signal), dense.correlated(signal), rtol=0, atol=1e-3
    )
    assert bool(found._lists) == is_listed
    if is_listed:  # then a sample's numbers do not depend on its company, to the last bit
        alone = Delayed(np.ascontiguousarray(x[:, 3:4]), 6, np.float32).weighted(weights)
        np.testing.assert_array_equal(alone[:, 0], z[:, 3])
