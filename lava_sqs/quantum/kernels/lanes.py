"""Loops over many samples of the same neurons, side by side in vectors.

What :mod:`lava_sqs.quantum.kernels.step` and :mod:`~lava_sqs.quantum.kernels.scores` do for
populations, for networks: there the samples of a mini-batch share every neuron's instrument, so
that samples are what vectors are made of. Arrays are neuron-major, (K, T, B) with samples last, in
the precision that the vectors have; instruments ``A[k, s, i, c, j]`` as everywhere.
"""

from __future__ import annotations

import numpy as np

from lava_sqs.quantum.kernels.lanes_ir import (
    LIKELIHOOD,
    RUN_ROWS,
    SCORE_ROWS,
    SIGNAL,
    SPIKE,
    P,
    R,
    U,
    Z,
    credit_item,
    move,
    recall_item,
    run_item,
    sum_items,
)
from lava_sqs.quantum.kernels.vectors import jit

_ITEMS = 32  # of one tile of samples: their work space stays in the first levels of the cache


@jit(inline="always")
def _fetch(source, at, n, w, item, row, lanes, rest):  # type: ignore[no-untyped-def]
    """Copy n numbers from source[at:] to vector *row* of an item; what is missing is *rest*."""
    to = item + row * lanes
    if n >= lanes:
        move(source, at, w, to)
    else:
        for i in range(lanes):
            w[to + i] = source[at + i] if i < n else rest


@jit(inline="always")
def _deliver(w, item, row, target, at, n, lanes):  # type: ignore[no-untyped-def]
    """Copy n numbers of vector *row* of an item to target[at:]."""
    start = item + row * lanes
    if n >= lanes:
        move(w, start, target, at)
    else:
        for i in range(n):
            target[at + i] = w[start + i]


# long: one tile in, through time and out.
@jit(nogil=True)
def run_small_lanes(A, z, eta, u, clamp, memory, floor, spikes, p_spike, likelihood):  # type: ignore[no-untyped-def]
    """Run K neurons of one io and one memory qubit; return the floor hits.

    Shapes: A (K or 1, 2, 4, 3, 4); eta (K,); z, u, clamp (K, T, B), the last two may be (0, 0, 0);
    clamp 0, 1, or negative to draw; spikes (K, T, B); p_spike and likelihood alike, or (0, 0, 0).
    The Bloch vectors in *memory* (K, 3, B) are moved; (0, 0, 0) is the ground state.
    """
    K, T, B = z.shape
    lanes = 64 // z.itemsize
    a, currents, uniforms, fixed = A.reshape(-1), z.reshape(-1), u.reshape(-1), clamp.reshape(-1)
    said, p, like = spikes.reshape(-1), p_spike.reshape(-1), likelihood.reshape(-1)
    kept = memory.reshape(-1)
    tile = min(_ITEMS, (B + lanes - 1) // lanes)  # vectors side by side
    w = np.empty(RUN_ROWS * lanes, z.dtype)
    r = np.empty(tile * 3 * lanes, z.dtype)
    low = np.zeros(lanes, z.dtype)
    hits = 0.0
    if uniforms.size == 0:
        w[U * lanes : (U + 1) * lanes] = 0.5
    for k in range(K):
        a0, shrink = 96 * k if A.shape[0] > 1 else 0, eta[k]
        for b0 in range(0, B, tile * lanes):
            wide = min(tile, (B - b0 + lanes - 1) // lanes)
            for v in range(wide):
                start = 3 * v * lanes
                r[start : start + 2 * lanes] = 0.0
                r[start + 2 * lanes : start + 3 * lanes] = 1.0
                if kept.size > 0:
                    b = b0 + v * lanes
                    for j in range(3):
                        _fetch(kept, (3 * k + j) * B + b, B - b, r, start, j, lanes, 0.0)
            for t in range(T):
                for v in range(wide):
                    b = b0 + v * lanes
                    at, n = (k * T + t) * B + b, B - b
                    _fetch(currents, at, n, w, 0, Z, lanes, 0.5)
                    if uniforms.size > 0:
                        _fetch(uniforms, at, n, w, 0, U, lanes, 0.5)
                    if fixed.size > 0:
                        _fetch(fixed, at, n, w, 0, SPIKE, lanes, -1.0)
                    else:
                        w[SPIKE * lanes : (SPIKE + 1) * lanes] = -1.0
                    run_item(a, a0, w, 0, r, 3 * v * lanes, low, shrink, floor)
                    _deliver(w, 0, SPIKE, said, at, n, lanes)
                    if p.size > 0:
                        _deliver(w, 0, P, p, at, n, lanes)
                    if like.size > 0:
                        _deliver(w, 0, LIKELIHOOD, like, at, n, lanes)
            if kept.size > 0:
                for v in range(wide):
                    b = b0 + v * lanes
                    for j in range(3):
                        _deliver(r, 3 * v * lanes, j, kept, (3 * k + j) * B + b, B - b, lanes)
        for i in range(lanes):
            hits += low[i]
            low[i] = 0.0
    return int(hits)


# long: forward and back over one tile, which share their work space.
@jit(nogil=True)
def score_small_lanes(A, z, eta, spikes, signal, scale, raising, bound, floor, G, d_z):  # type: ignore[no-untyped-def]
    """Score recorded trains of one io and one memory qubit; return the number of floor hits.

    Shapes: A (K or 1, 2, 4, 3, 4); eta (K,); z, spikes, signal and d_z (K, T, B); G
    (K, 2, 4, 3, 4) in double precision, added to. The signal of a step is *scale* times that of the
    array, and, if *raising* is 1.0 and not 0.0, times s + p - 1. d_z is held to [-bound, bound]
    once all is computed. The course is computed again, a tile of samples at a time.
    """
    K, T, B = z.shape
    lanes = 64 // z.itemsize
    a, currents, said = A.reshape(-1), z.reshape(-1), spikes.reshape(-1)
    weights, g, slopes = signal.reshape(-1), G.reshape(-1), d_z.reshape(-1)
    tile = max(1, _ITEMS // max(T, 1))  # vectors side by side
    size = SCORE_ROWS * lanes
    w = np.empty((T + 1) * tile * size, z.dtype)
    mu = np.empty(tile * 4 * lanes, z.dtype)
    low = np.zeros(lanes, z.dtype)
    hits = 0.0
    for k in range(K):
        a0, shrink = 96 * k if A.shape[0] > 1 else 0, eta[k]
        for b0 in range(0, B, tile * lanes):
            wide = min(tile, (B - b0 + lanes - 1) // lanes)
            mu[:] = 0.0
            for v in range(wide):
                start = v * size + R * lanes
                w[start : start + 2 * lanes] = 0.0
                w[start + 2 * lanes : start + 3 * lanes] = 1.0
            for t in range(T):
                for v in range(wide):
                    b, item = b0 + v * lanes, (t * wide + v) * size
                    at, n = (k * T + t) * B + b, B - b
                    _fetch(currents, at, n, w, item, Z, lanes, 0.5)
                    _fetch(said, at, n, w, item, SPIKE, lanes, 0.0)
                    _fetch(weights, at, n, w, item, SIGNAL, lanes, 0.0)
                    after = item + wide * size
                    recall_item(a, a0, w, item, after, low, shrink, floor, scale, raising)
            todo = T * wide
            for t in range(T - 1, -1, -1):
                for v in range(wide):
                    b, item = b0 + v * lanes, (t * wide + v) * size
                    credit_item(a, a0, w, item, item + wide * size, mu, 4 * lanes * v, bound)
                    _deliver(w, item, Z, slopes, (k * T + t) * B + b, B - b, lanes)
                # few at a time: the vectors' sums stay short, longer ones are in double precision
                if t == 0 or todo - t * wide >= _ITEMS:
                    sum_items(w, t * wide * size, todo * size, g, 96 * k)
                    todo = t * wide
        for i in range(lanes):
            hits += low[i]
            low[i] = 0.0
    return int(hits)
