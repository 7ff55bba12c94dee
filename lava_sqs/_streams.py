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

__all__ = ["streams_of", "uniforms"]

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
        a, b = c0 * _M0, c2 * _M1
        c0, c1, c2, c3 = (b >> _HALF) ^ c1 ^ k0, b & _LOW, (a >> _HALF) ^ c3 ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(cache=True, nogil=True)
def _fill_columns(streams, out):  # type: ignore[no-untyped-def]
    """out[i, b] = number i of stream b, in single precision."""
    n, width = out.shape
    scale = np.float32(2.0**-24)
    eight = np.uint64(8)
    words = np.zeros(4 * _TILE, np.float32)  # rows of a fixed length: LLVM makes vectors of them
    tiles = (width + _TILE - 1) // _TILE
    keys, highs = np.zeros(tiles * _TILE, np.uint64), np.zeros(tiles * _TILE, np.uint64)
    for b in range(width):
        keys[b], highs[b] = streams[b, 0], streams[b, 1]
    for j in range((n + 3) // 4):
        block = np.uint64(j)
        for b0 in range(0, width, _TILE):
            near, far = keys[b0 : b0 + _TILE], highs[b0 : b0 + _TILE]
            for b in range(_TILE):
                key, high = near[b], far[b]
                w = _philox(
                    block, np.uint64(0), high & _LOW, high >> _HALF, key & _LOW, key >> _HALF
                )
                words[b] = np.float32(np.int32(w[0] >> eight)) * scale
                words[_TILE + b] = np.float32(np.int32(w[1] >> eight)) * scale
                words[2 * _TILE + b] = np.float32(np.int32(w[2] >> eight)) * scale
                words[3 * _TILE + b] = np.float32(np.int32(w[3] >> eight)) * scale
            for m in range(min(4, n - 4 * j)):
                piece = out[4 * j + m, b0 : b0 + _TILE]
                for b in range(piece.shape[0]):
                    piece[b] = words[m * _TILE + b]


@njit(cache=True, nogil=True)
def _fill_rows(streams, out):  # type: ignore[no-untyped-def]
    """out[b, i] = number i of stream b in an order of its own: word m of block j is m n/4 + j."""
    rows, n = out.shape
    scale = np.float32(2.0**-24)
    eight = np.uint64(8)
    blocks = n // 4
    for b in range(rows):
        key, high = streams[b, 0], streams[b, 1]
        k0, k1, c2, c3 = key & _LOW, key >> _HALF, high & _LOW, high >> _HALF
        for j in range(blocks):
            w = _philox(np.uint64(j), np.uint64(1), c2, c3, k0, k1)
            out[b, j] = np.float32(np.int32(w[0] >> eight)) * scale
            out[b, blocks + j] = np.float32(np.int32(w[1] >> eight)) * scale
            out[b, 2 * blocks + j] = np.float32(np.int32(w[2] >> eight)) * scale
            out[b, 3 * blocks + j] = np.float32(np.int32(w[3] >> eight)) * scale
        w = _philox(np.uint64(blocks), np.uint64(1), c2, c3, k0, k1)
        for m in range(n - 4 * blocks):
            out[b, 4 * blocks + m] = np.float32(np.int32(w[m] >> eight)) * scale


@njit(cache=True, inline="always")
def _mixed(x):  # type: ignore[no-untyped-def]
    """The finaliser of SplitMix64: every bit depends on every bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(cache=True, nogil=True)
def _digest(words, salt, out):  # type: ignore[no-untyped-def]
    """out (n, 2): sums of mixed words, each with its place, of rows (n, m) of 64 bits."""
    n, m = words.shape
    for b in range(n):
        first, second = salt[0], salt[1]
        for i in range(m):
            place = np.uint64(i + 1)
            x = _mixed(words[b, i] ^ (place * _GOLDEN + salt[0]))
            first += x
            second += _mixed(x + place * _OTHER)
        out[b, 0] = _mixed(first ^ salt[1])
        out[b, 1] = _mixed(second ^ salt[0])


def streams_of(X: Array, *key: int) -> Array:
    """Return one stream per sample, (n, 2) of uint64: by its content as float64, and the *key*.

    Examples
    --------
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0]])
    >>> streams = streams_of(x, 7)
    >>> bool((streams[0] == streams[2]).all()), bool((streams[0] == streams[1]).any())
    (True, False)
    """
    content = np.asarray(X, dtype=np.float64).reshape(len(X), -1) + 0.0  # -0.0 is 0.0
    salt = np.random.SeedSequence([*key, content.shape[1]]).generate_state(2, np.uint64)
    out = np.empty((len(X), 2), dtype=np.uint64)
    _digest(np.ascontiguousarray(content).view(np.uint64), salt, out)
    return out


def uniforms(streams: Array, shape: tuple[int, ...], *, samples_last: bool = False) -> Array:
    """Return float32 numbers in [0, 1) of every stream: of shape (n, ...), or (..., n).

    The array *streams* (n, 2) is of :func:`streams_of`, *shape* what each gives. The numbers
    with *samples_last* are others.

    Examples
    --------
    >>> streams = streams_of(np.zeros((2, 1)), 0)
    >>> u = uniforms(streams, (3, 4))
    >>> u.shape, u.dtype, bool((u[0] == u[1]).all())
    ((2, 3, 4), dtype('float32'), True)
    """
    size = int(np.prod(shape, dtype=int))
    if samples_last:
        out = np.empty((size, len(streams)), dtype=np.float32)
        _fill_columns(streams, out)
        return out.reshape(*shape, len(streams))
    out = np.empty((len(streams), size), dtype=np.float32)
    _fill_rows(streams, out)
    return out.reshape(len(streams), *shape)
