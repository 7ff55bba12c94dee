"""The counter-based numbers: published answers, uniformity, and independence of the company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lava_sqs._streams import _philox, bernoulli, fresh_streams, streams_of, uniforms

# kat_vectors of Random123 1.14, philox4x32 with 10 rounds: counter, key, answer
KNOWN = [
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_the_published_answers(counter, key, answer):
    assert _philox(*map(np.uint64, (*counter, *key))) == answer


def test_streams_hold_the_words_of_the_generator():
    stream = np.array([[0x299F31D0A4093822, 0x0370734413198A2E]], dtype=np.uint64)
    key, high = (0xA4093822, 0x299F31D0), (0x13198A2E, 0x03707344)

    def words(block, kind):
        made = _philox(*map(np.uint64, (block, kind, *high, *key)))
        return [np.float32(int(w) >> 8) * np.float32(2.0**-24) for w in made]

    u = uniforms(stream, 6, 3)
    for t in range(3):
        wanted = [*words(0, 2 * t), *words(1, 2 * t)[:2]]
        np.testing.assert_array_equal(u[:, t, 0], wanted)
    for t in range(3):
        blocks = np.ravel(list(zip(words(0, 2 * t + 1), words(1, 2 * t + 1), strict=True)))
        for level in (0.1, 0.5, 0.9):
            spikes = bernoulli(stream, np.full((1, 1, 8), level), 3)
            np.testing.assert_array_equal(spikes[t, 0], blocks < np.float32(level))


@given(st.integers(1, 9), st.integers(1, 7), st.integers(1, 150))
def test_a_stream_depends_neither_on_those_beside_it_nor_on_later_steps(a, steps, n):
    streams = streams_of(np.arange(n, dtype=float)[:, None], 3)
    together = uniforms(streams, a, steps)
    assert together.dtype == np.float32
    assert together.shape == (a, steps, n)
    one = streams[n // 2 : n // 2 + 1]
    alone = uniforms(one, a, steps + 2)
    np.testing.assert_array_equal(alone[:, :steps, 0], together[..., n // 2])
    p = np.random.default_rng(n).random((1, n, a))
    spikes = bernoulli(streams, p, steps)
    again = bernoulli(one, p[:, n // 2 : n // 2 + 1], steps + 1)
    np.testing.assert_array_equal(spikes[:, n // 2], again[:steps, 0])


def test_numbers_are_uniform_within_and_across_streams():
    """Images that differ in one grey level: the hardest content for a hash."""
    images = np.zeros((500, 64))
    images[np.arange(500), np.arange(500) % 64] = 1 + np.arange(500) // 64
    u = uniforms(streams_of(images, 0, 1), 40, 10).reshape(400, 500).T
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    for axis in (0, 1):  # one number of every stream, and all of one
        means = u.mean(axis=axis) - 0.5
        z = means * np.sqrt(12 * u.shape[axis])
        assert stats.kstest(z, "norm").pvalue > 1e-3
    for rows in (u, u.T):
        correlations = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
        assert np.abs(correlations).max() * np.sqrt(rows.shape[1]) < 6  # of up to 124 750
    bits = (u * 2**24).astype(np.uint32)
    shares = np.array([((bits >> k) & 1).mean() for k in range(24)])
    assert np.abs(shares - 0.5).max() < 5 * 0.5 / np.sqrt(bits.size)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_spikes_have_their_probabilities(dtype):
    p = np.linspace(0, 1, 101)[None, None].repeat(300, axis=1)
    streams = fresh_streams(np.random.default_rng(0), 300)
    spikes = bernoulli(streams, p, 40, dtype)
    assert spikes.dtype == dtype
    assert set(np.unique(spikes)) == {0, 1}
    wrong = spikes.mean(axis=(0, 1)) - p[0, 0]
    assert (np.abs(wrong) <= 4.5 * np.sqrt(p[0, 0] * (1 - p[0, 0]) / 12000)).all()
    by_step = bernoulli(streams, np.arange(40)[:, None, None] % 2 * np.ones((40, 300, 3)), 40)
    np.testing.assert_array_equal(by_step[:, 0, 0], np.arange(40) % 2)


def test_the_key_and_every_number_of_a_sample_count():
    x = np.random.default_rng(0).integers(0, 256, (1, 784)).astype(float)
    others = [x + 2.0**-40 * (np.arange(784) == i) for i in (0, 1, 400, 783)]
    others += [x[:, ::-1], x[:, np.r_[1, 0, 2:784]], x + 1.0, x * 2]
    streams = [streams_of(x, 5, 0), streams_of(x, 5, 1), streams_of(x, 6, 0)]
    streams += [streams_of(other, 5, 0) for other in others]
    streams.append(streams_of(np.hstack([x, [[0.0]]]), 5, 0))
    streams.append(streams_of(x[:, :783], 5, 0))
    words = np.concatenate(streams)
    assert len(np.unique(words[:, 0])) == len(np.unique(words[:, 1])) == len(words)
    flipped = [bin(int(a ^ b)).count("1") for a, b in zip(words[0], words[3], strict=True)]
    assert all(16 <= n <= 48 for n in flipped)


def test_whatever_type_a_sample_has():
    x = np.array([[0, 3, 255]], dtype=np.uint8)
    np.testing.assert_array_equal(streams_of(x, 2**70), streams_of(x.astype(float), 2**70))


def test_what_follows_a_sample_does_not_count():
    x = np.random.default_rng(0).random((3, 6, 4))
    ends = np.array([6, 4, 1])
    streams = streams_of(x, 1, ends=ends)
    other = np.concatenate([x, np.ones((3, 2, 4))], axis=1)
    other[1, 4:], other[2, 1:] = np.nan, 7.0
    np.testing.assert_array_equal(streams_of(other, 1, ends=ends), streams)
    for i, end in enumerate(ends):
        np.testing.assert_array_equal(streams_of(x[i : i + 1, :end], 1)[0], streams[i])
