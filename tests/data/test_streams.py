"""The counter-based numbers: published answers, uniformity, and independence of the company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lava_sqs._streams import _philox, streams_of, uniforms

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


def test_both_orders_hold_the_words_of_the_generator():
    stream = np.array([[0x299F31D0A4093822, 0x0370734413198A2E]], dtype=np.uint64)
    key, high = (0xA4093822, 0x299F31D0), (0x13198A2E, 0x03707344)

    def words(block, kind):
        made = _philox(*map(np.uint64, (block, kind, *high, *key)))
        return [np.float32(int(w) >> 8) * np.float32(2.0**-24) for w in made]

    np.testing.assert_array_equal(
        uniforms(stream, (6,), samples_last=True)[:, 0], [*words(0, 0), *words(1, 0)[:2]]
    )
    blocks = list(zip(words(0, 1), words(1, 1), strict=True))
    np.testing.assert_array_equal(uniforms(stream, (8,))[0], np.ravel(blocks))


@given(st.integers(1, 9), st.integers(1, 7), st.integers(1, 150), st.booleans())
def test_a_stream_does_not_depend_on_those_beside_it(a, b, n, last):
    streams = streams_of(np.arange(n, dtype=float)[:, None], 3)
    together = uniforms(streams, (a, b), samples_last=last)
    assert together.dtype == np.float32
    assert together.shape == ((a, b, n) if last else (n, a, b))
    alone = uniforms(streams[n // 2 : n // 2 + 1], (a, b), samples_last=last)
    here = together[..., n // 2] if last else together[n // 2]
    np.testing.assert_array_equal(alone[..., 0] if last else alone[0], here)


@pytest.mark.parametrize("last", [False, True])
def test_numbers_are_uniform_within_and_across_streams(last):
    """Images that differ in one grey level: the hardest content for a hash."""
    images = np.zeros((500, 64))
    images[np.arange(500), np.arange(500) % 64] = 1 + np.arange(500) // 64
    u = uniforms(streams_of(images, 0, 1), (400,), samples_last=last)
    u = u.T if last else u
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    for axis in (0, 1):  # one number of every stream, and all of one
        means = u.mean(axis=axis) - 0.5
        z = means * np.sqrt(12 * u.shape[axis])
        assert stats.kstest(z, "norm").pvalue > 1e-3
    neighbours = np.corrcoef(u)[np.triu_indices(len(u), 1)] * np.sqrt(u.shape[1])
    assert np.abs(neighbours).max() < 6  # of 124 750
    bits = (u * 2**24).astype(np.uint32)
    shares = np.array([((bits >> k) & 1).mean() for k in range(24)])
    assert np.abs(shares - 0.5).max() < 5 * 0.5 / np.sqrt(bits.size)


def test_the_key_and_every_number_of_a_sample_count():
    x = np.random.default_rng(0).integers(0, 256, (1, 784)).astype(float)
    others = [x + 2.0**-40 * (np.arange(784) == i) for i in (0, 1, 400, 783)]
    others += [x[:, ::-1], x[:, np.r_[1, 0, 2:784]], x + 1.0, x * 2]
    streams = [streams_of(x, 5, 0), streams_of(x, 5, 1), streams_of(x, 6, 0)]
    streams += [streams_of(other, 5, 0) for other in others]
    streams.append(streams_of(np.hstack([x, [[0.0]]]), 5, 0))
    words = np.concatenate(streams)
    assert len(np.unique(words[:, 0])) == len(np.unique(words[:, 1])) == len(words)
    flipped = [bin(int(a ^ b)).count("1") for a, b in zip(words[0], words[3], strict=True)]
    assert all(16 <= n <= 48 for n in flipped)


def test_whatever_type_a_sample_has():
    x = np.array([[0, 3, 255]], dtype=np.uint8)
    np.testing.assert_array_equal(streams_of(x, 2**70), streams_of(x.astype(float), 2**70))
