"""Uniform numbers by counter: every sample a stream of its own, in whatever order they are drawn.

The generator is Philox4x32-10 [1]_: ten rounds of a block cipher on a counter, so that number i of
a stream costs the same as the first, nothing is carried along, and many streams fill vectors. A
stream is 128 bits, half of them its key and half of them a part of the counter.

.. [1] J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lava_sqs import _seeds

__all__ = ["bernoulli", "fresh_streams", "streams_of", "uniforms"]

Array = NDArray[Any]

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xD1B54A32D192ED03)
_TILE = 64  # streams side by side


@njit(cache=True, inline="always")
def _philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Ten rounds on words of 32 bits, each in an integer of 64."""
    for _ in range(10):
        # Products of 32-bit words fit in 64 bits: the high half is `>> 32`, the low one `& _LOW`.
        a, b = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (b >> _HALF) ^ c1 ^ k0, b & _LOW, (a >> _HALF) ^ c3 ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(cache=True, nogil=True)
def _fill_columns(streams, out):  # type: ignore[no-untyped-def]
    """out[i, t, b] = number i of kind 2 t of stream b, in single precision."""
    n, steps, width = out.shape
    scale = np.float32(2.0**-24)
    eight = np.uint64(8)
    words = np.zeros(4 * _TILE, np.float32)  # rows of a fixed length: LLVM makes vectors of them
    tiles = (width + _TILE - 1) // _TILE
    keys, highs = np.zeros(tiles * _TILE, np.uint64), np.zeros(tiles * _TILE, np.uint64)
    for b in range(width):
        keys[b], highs[b] = streams[b, 0], streams[b, 1]
    for j in range((n + 3) // 4):
        # One call gives four numbers: those of neurons 4 j .. 4 j + 3.
        block = np.uint64(j)
        for t in range(steps):
            # Even kinds are outcomes, odd ones encoders (_throw): the two never share a number.
            kind = np.uint64(2 * t)
            for b0 in range(0, width, _TILE):
                near, far = keys[b0 : b0 + _TILE], highs[b0 : b0 + _TILE]
                for b in range(_TILE):
                    key, high = near[b], far[b]
                    w = _philox(block, kind, high & _LOW, high >> _HALF, key & _LOW, key >> _HALF)
                    # 24 bits: as many as a float32 holds, so that 1.0 is never reached. int32,
                    # since vector units convert no unsigned integers.
                    words[b] = np.float32(np.int32(w[0] >> eight)) * scale
                    words[_TILE + b] = np.float32(np.int32(w[1] >> eight)) * scale
                    words[2 * _TILE + b] = np.float32(np.int32(w[2] >> eight)) * scale
                    words[3 * _TILE + b] = np.float32(np.int32(w[3] >> eight)) * scale
                for m in range(min(4, n - 4 * j)):
                    piece = out[4 * j + m, t, b0 : b0 + _TILE]
                    for b in range(piece.shape[0]):
                        piece[b] = words[m * _TILE + b]


@njit(cache=True, nogil=True)
def _fill_row(stream, kind, row):  # type: ignore[no-untyped-def]
    """row[i] = number i of a stream, of one *kind*: word m of block j is number m n/4 + j."""
    scale = np.float32(2.0**-24)
    eight = np.uint64(8)
    n = row.shape[0]
    blocks = n // 4
    key, high = stream[0], stream[1]
    k0, k1, c2, c3 = key & _LOW, key >> _HALF, high & _LOW, high >> _HALF
    for j in range(blocks):
        w = _philox(np.uint64(j), kind, c2, c3, k0, k1)
        row[j] = np.float32(np.int32(w[0] >> eight)) * scale
        row[blocks + j] = np.float32(np.int32(w[1] >> eight)) * scale
        row[2 * blocks + j] = np.float32(np.int32(w[2] >> eight)) * scale
        row[3 * blocks + j] = np.float32(np.int32(w[3] >> eight)) * scale
    w = _philox(np.uint64(blocks), kind, c2, c3, k0, k1)
    for m in range(n - 4 * blocks):
        row[4 * blocks + m] = np.float32(np.int32(w[m] >> eight)) * scale


@njit(cache=True, nogil=True)
def _throw(streams, p, out):  # type: ignore[no-untyped-def]
    """out[t, b] = 1 where numbers of kind 2 t + 1 of stream b are below p[t or 0, b], else 0."""
    steps, n, width = out.shape
    u = np.empty(width, np.float32)
    for t in range(steps):
        for b in range(n):
            _fill_row(streams[b], np.uint64(2 * t + 1), u)
            levels, row = p[t if p.shape[0] > 1 else 0, b], out[t, b]
            for i in range(width):
                row[i] = u[i] < levels[i]


@njit(cache=True, inline="always")
def _mixed(x):  # type: ignore[no-untyped-def]
    """The finaliser of SplitMix64: every bit depends on every bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def _digest(content, ends, salt, out):  # type: ignore[no-untyped-def]
    """out (n, 2): sums of mixed words, each with its place, of the first ends[b] of every row."""
    part = np.empty(256)
    # The bits of the numbers: equal samples have equal streams, whatever their dtype was.
    words = part.view(np.uint64)
    for b in range(content.shape[0]):
        first, second = salt[0], salt[1]
        for start in range(0, ends[b], 256):
            row = content[b, start : min(start + 256, ends[b])]
            for i in range(row.shape[0]):
                value = np.float64(row[i])
                part[i] = value + 0.0 if value == value else 0.0  # -0.0 is 0.0
            for i in range(row.shape[0]):
                # With its place, as a sum does not know the order; from 1, so that a first 0 counts
                # too.
                place = np.uint64(start + i + 1)
                x = _mixed(words[i] ^ (place * _GOLDEN + salt[0]))
                first += x
                second += _mixed(x + place * _OTHER)
        length = np.uint64(ends[b])
        out[b, 0] = _mixed(first ^ (salt[1] + length))
        out[b, 1] = _mixed(second ^ (salt[0] + length * _OTHER))


def streams_of(X: Array, *key: int, ends: Array | None = None) -> Array:
    """Return one stream per sample, (n, 2) of uint64: by its content as float64, and the *key*.

    NaN counts as 0. With *ends* (n,) only so many of a sample's time steps count, the second axis.

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0]])
    >>> streams = streams_of(x, 7)
    >>> bool((streams[0] == streams[2]).all()), bool((streams[0] == streams[1]).any())
    (True, False)
    """
    content = X.reshape(len(X), -1)
    if content.dtype.kind not in "biuf" or content.dtype.itemsize > 8:
        content = content.astype(np.float64)
    lengths = np.full(len(X), content.shape[1])
    if ends is not None:
        lengths = ends * (content.shape[1] // X.shape[1])
    out = np.empty((len(X), 2), dtype=np.uint64)
    salt = _seeds.sequence(key).generate_state(2, np.uint64)
    _digest(np.ascontiguousarray(content), lengths, salt, out)
    return out


def fresh_streams(rng: np.random.Generator, n: int) -> Array:
    """Return n streams, (n, 2) of uint64, that *rng* draws."""
    return rng.integers(2**64, size=(n, 2), dtype=np.uint64)


def uniforms(streams: Array, n_neurons: int, steps: int) -> Array:
    """Return float32 numbers in [0, 1), (n_neurons, steps, n), of streams (n, 2).

    Those of a step depend on nothing but the stream and the step.

    Examples
    --------
    >>> streams = streams_of(np.zeros((2, 1)), 0)
    >>> u = uniforms(streams, 3, 4)
    >>> u.shape, u.dtype, bool((u[..., 0] == u[..., 1]).all())
    ((3, 4, 2), dtype('float32'), True)
    """
    out = np.empty((n_neurons, steps, len(streams)), dtype=np.float32)
    _fill_columns(streams, out)
    return out


def bernoulli(streams: Array, p: Array, steps: int, dtype: Any = np.float32) -> Array:
    """Return 0 and 1, of shape (steps, n, F), that are 1 with the probabilities *p*.

    The array *p* has shape (steps or 1, n, F), *streams* (n, 2). The numbers are others than those
    of :func:`uniforms`.

    Examples
    --------
    >>> spikes = bernoulli(np.zeros((2, 2), np.uint64), np.array([[[0.0, 1.0]] * 2]), 3)
    >>> spikes.shape, spikes.sum(axis=(0, 1)).tolist()
    ((3, 2, 2), [0.0, 6.0])
    """
    out = np.empty((steps, *p.shape[1:]), dtype)
    _throw(streams, np.ascontiguousarray(p, dtype=np.float32), out)
    return out
