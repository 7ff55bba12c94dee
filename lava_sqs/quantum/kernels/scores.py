"""The Numba loops of :mod:`lava_sqs.quantum.scores`: exact local scores.

Layouts as in :mod:`lava_sqs.quantum.kernels.step`: instruments ``A[k, s, i, c, j]``.
"""

from __future__ import annotations

import math

import numpy as np

from lava_sqs.quantum.kernels.credit import (
    credit,
    credits_of_1,
    credits_of_2,
    credits_of_4,
    rows_of_1,
    rows_of_2,
    rows_of_4,
    step_and_slope,
)
from lava_sqs.quantum.kernels.step import sincospi
from lava_sqs.quantum.kernels.vectors import jit


@jit()
def encode_slopes(z, eta, shift, coefficients, slopes):  # type: ignore[no-untyped-def]
    """Fill coefficients (C,) as ``encode`` does, and slopes (N, C) = d coefficients / d z_n.

    *shift* (N,) is added to z in the rotation of channels that are encoded (z > 0): the
    parameter-shift rule moves the angle, not the decision to apply the gate.
    """
    n_io = z.shape[0]
    coefficients[0] = 1.0
    for n in range(n_io):
        slopes[n, 0] = 1.0
    size = 1
    for n in range(n_io):
        c, s, dc, ds = 1.0, 0.0, 0.0, 0.0
        if z[n] > 0.0:
            # d/dz of cos(pi z) and -sin(pi z), both times eta; the shift moves the angle only.
            sine, cosine = sincospi(float(z[n]) + shift[n])
            c, s = eta[n] * cosine, -eta[n] * sine
            dc, ds = -math.pi * eta[n] * sine, -math.pi * eta[n] * cosine
        # Product rule for the Kronecker product, in place: from the top down, as in encode.
        for a in range(size - 1, -1, -1):
            value = coefficients[a]
            coefficients[3 * a], coefficients[3 * a + 1] = value, value * c
            coefficients[3 * a + 2] = value * s
            for m in range(n_io):
                slope = slopes[m, a]
                if m == n:
                    slopes[m, 3 * a], slopes[m, 3 * a + 1] = 0.0, slope * dc
                    slopes[m, 3 * a + 2] = slope * ds
                else:
                    slopes[m, 3 * a], slopes[m, 3 * a + 1] = slope, slope * c
                    slopes[m, 3 * a + 2] = slope * s
        size *= 3


@jit()
def read_targets(targets, outcomes, signal):  # type: ignore[no-untyped-def]
    """Targets 1, -1, 0 (flat) to outcomes 1, 0, -1 and signals 1, 1, 0; return where one is not."""
    for i in range(targets.shape[0]):
        target = targets[i]
        if target == 0.0:
            outcomes[i], signal[i] = -1, 0.0
        elif target == 1.0 or target == -1.0:
            outcomes[i], signal[i] = target > 0.0, 1.0
        else:
            return i
    return -1


# -- recorded trains: one io and one memory qubit ------------------------------------------------
#
# Here too LLVM's own vector code loses half of the speed (see vectors.py); and since a train is a
# chain of dependent steps, a tile of neurons goes through time together. The four numbers that a
# current becomes: cos, sin (times eta, -eta) and their slopes.


@jit()
def _factors(z, eta, c):  # type: ignore[no-untyped-def]
    """c[4 i : 4 i + 4] = eta cos, -eta sin of pi z[i] and their slopes; no gate for z <= 0."""
    for i in range(z.shape[0]):
        x, shrink = z[i, 0], eta[i, 0]
        sine, cosine = sincospi(x)
        on = 1.0 if x > 0.0 else 0.0
        cosine, sine = shrink * cosine, -shrink * sine
        c[4 * i] = cosine if x > 0.0 else 1.0
        c[4 * i + 1] = on * sine
        c[4 * i + 2] = on * math.pi * sine
        c[4 * i + 3] = -on * math.pi * cosine


# long: forward and back over one tile, which share eight arrays.
@jit()
def score_small_trains(blocks, z, eta, outcomes, signal, start, floor, logp, G, d_z):  # type: ignore[no-untyped-def]
    """As ``score_trains``, for blocks (K or 1, S, 3, 4, 4) and G (K, S, 3, 4, 4): [s, q, j, i]."""
    T, B, K = z.shape[:3]
    tile = 16
    c = np.empty((T, 4 * tile))
    r = np.empty((T + 1, 4 * tile))
    y = np.empty((T, 8 * tile))
    inverse, product = np.empty((T, tile)), np.empty(tile)
    floored = np.zeros((T, tile), np.bool_)
    mu, spare = np.empty(4 * tile), np.empty(4)
    both = np.empty(48)
    weighted = signal.shape[0] > 0
    shared = blocks.shape[0] == 1
    hits = 0
    for k0 in range(0, K, tile):
        n = min(tile, K - k0)
        for b in range(B):
            for i in range(n):
                product[i] = 1.0
                for j in range(4):
                    r[0, 4 * i + j], mu[4 * i + j] = start[j], 0.0
            for t in range(T):
                _factors(z[t, b, k0 : k0 + n], eta[k0 : k0 + n], c[t])
                for i in range(n):
                    k = 0 if shared else k0 + i
                    at = 96 * k + 48 * outcomes[t, b, k0 + i]
                    step_and_slope(blocks, at, c[t], 4 * i, r[t], 4 * i, y[t], 8 * i, 4)
                    p = y[t, 8 * i]
                    floored[t, i] = p < floor
                    if p < floor:
                        hits += 1
                        # The floor stands for a probability of 0: the memory goes on as if nobody
                        # had looked, and no score passes through the step.
                        product[i] *= floor
                        _add_outcomes(blocks[k], both)
                        step_and_slope(both, 0, c[t], 4 * i, r[t], 4 * i, y[t], 8 * i, 4)
                        inverse[t, i] = 1.0
                    else:
                        product[i] *= min(p, 1.0)
                        inverse[t, i] = 1.0 / p
                    scale = 1.0 / y[t, 8 * i]
                    for j in range(4):
                        r[t + 1, 4 * i + j] = y[t, 8 * i + j] * scale
                    if product[i] < 1e-200:  # one logarithm for many steps
                        logp[b, k0 + i] += math.log(product[i])
                        product[i] = 1.0
            for i in range(n):
                logp[b, k0 + i] += math.log(product[i])
            # Back through time. mu is d log p(later steps) / dr: it takes the place of one Lambda
            # per angle, so that a train costs two passes whatever the number of angles.
            for t in range(T - 1, -1, -1):
                for i in range(n):
                    k = 0 if shared else k0 + i
                    score = signal[t, b, k0 + i] if weighted else 1.0
                    s = outcomes[t, b, k0 + i]
                    if not floored[t, i]:
                        d_z[t, b, k0 + i, 0] = credit(
                            blocks, 96 * k + 48 * s, c[t], 4 * i, r[t], 4 * i, r[t + 1], 4 * i,
                            y[t], 8 * i + 4, inverse[t, i], score, mu, 4 * i,
                            G, 96 * (k0 + i) + 48 * s, 4,
                        )  # fmt: skip
                        continue
                    _add_outcomes(blocks[k], both)
                    spare[:] = mu[4 * i : 4 * i + 4]
                    # The map of an unknown outcome is the sum of both blocks, so both get its
                    # gradient; each call must start from the same mu.
                    for s in range(2):
                        mu[4 * i : 4 * i + 4] = spare
                        d_z[t, b, k0 + i, 0] = credit(
                            both, 0, c[t], 4 * i, r[t], 4 * i, r[t + 1], 4 * i,
                            y[t], 8 * i + 4, 1.0, 0.0, mu, 4 * i,
                            G, 96 * (k0 + i) + 48 * s, 4,
                        )  # fmt: skip
    return hits


@jit()
def _add_outcomes(block, both):  # type: ignore[no-untyped-def]
    """both = the block of an unknown outcome, from one neuron's (2, 3, 4, 4)."""
    flat = block.reshape((2, 48))
    for m in range(48):
        both[m] = flat[0, m] + flat[1, m]


@jit()
def contract(dA, G, d_theta):  # type: ignore[no-untyped-def]
    """d_theta[k, p] = <G[k], dA[k, p]>, flat; one dA for all or one each."""
    for k in range(G.shape[0]):
        each = dA[k if dA.shape[0] > 1 else 0]
        for p in range(each.shape[0]):
            total = 0.0
            for m in range(G.shape[1]):
                total += each[p, m] * G[k, m]
            d_theta[k, p] = total


# -- recorded trains: every size ------------------------------------------------------------------


@jit(inline="always")
def _sort_by_outcome(drawn, left_out, t, n, order, ends):  # type: ignore[no-untyped-def]
    """Fill order with the samples not left out in step t; those of outcome s end before ends[s]."""
    # Samples with the same outcome meet the same block, and then read it once.
    total = 0
    for s in range(ends.shape[0]):
        for i in range(n):
            if drawn[t, i] == s and not left_out[t, i]:
                order[total] = i
                total += 1
        ends[s] = total


@jit(inline="always")
def _step_forward(a, v, y, order, ends):  # type: ignore[no-untyped-def]
    """y = a v for the samples of *order*, each with the block of its outcome."""
    D, M = y.shape[1], v.shape[1]
    at = 0
    for s in range(ends.shape[0]):
        while ends[s] - at >= 4:
            rows_of_4(a, s * D * M, v, y, order, at, M, D)
            at += 4
        if ends[s] - at >= 2:
            rows_of_2(a, s * D * M, v, y, order, at, M, D)
            at += 2
        if ends[s] > at:
            rows_of_1(a, s * D * M, v, y, order, at, M, D)
            at += 1


@jit(inline="always")
def _step_back(a, v, eta, w, g, order, ends):  # type: ignore[no-untyped-def]
    """w = eta a and g += eta (x) v for the samples of *order*, as _step_forward."""
    D, M = eta.shape[1], v.shape[1]
    at = 0
    for s in range(ends.shape[0]):
        while ends[s] - at >= 4:
            credits_of_4(a, s * D * M, v, eta, w, g, order, at, M, D)
            at += 4
        if ends[s] - at >= 2:
            credits_of_2(a, s * D * M, v, eta, w, g, order, at, M, D)
            at += 2
        if ends[s] > at:
            credits_of_1(a, s * D * M, v, eta, w, g, order, at, M, D)
            at += 1


@jit(inline="always")
def _encode_sample(z, b, k, eta, zero, c, dc, t, i):  # type: ignore[no-untyped-def]
    """Fill c[t, i] (C,) for z[t, b, k] and its slopes dc[t, i] (N, C).

    Whole arrays and indices, here and below: a slice counts references, which shows at this size.
    """
    if z.shape[3] == 1:
        x = z[t, b, k, 0]
        c[t, i, 0], dc[t, i, 0, 0] = 1.0, 0.0
        if x > 0.0:
            sine, cosine = sincospi(x)
            c[t, i, 1], c[t, i, 2] = eta[k, 0] * cosine, -eta[k, 0] * sine
            dc[t, i, 0, 1] = math.pi * c[t, i, 2]
            dc[t, i, 0, 2] = -math.pi * c[t, i, 1]
        else:
            c[t, i, 1], c[t, i, 2], dc[t, i, 0, 1], dc[t, i, 0, 2] = 1.0, 0.0, 0.0, 0.0
    else:
        encode_slopes(z[t, b, k], eta[k], zero, c[t, i], dc[t, i])


@jit(inline="always")
def _expand_sample(c, r, v, t, i):  # type: ignore[no-untyped-def]
    """v[i] = c[t, i] (x) r[t, i]."""
    D = r.shape[2]
    for q in range(c.shape[2]):
        for j in range(D):
            v[i, q * D + j] = c[t, i, q] * r[t, i, j]


# long: forward and back over one tile, which share fifteen arrays.
@jit()
def score_trains(A, z, eta, outcomes, signal, start, floor, logp, G, d_z):  # type: ignore[no-untyped-def]
    """Fill scores; return the number of floor hits.

    Shapes: A (K or 1, S, D, C, D); z (T, B, K, N); outcomes (T, B, K) indices; signal
    (T, B, K) or (0, 0, 0) for ones; start (D,); logp (B, K), G (K, S, D, C, D) and d_z
    (T, B, K, N) are filled, logp and G added to.
    """
    T, B, K, N = z.shape
    S, D, C = A.shape[1:4]
    M = C * D
    weighted = signal.shape[0] > 0
    zero = np.zeros(N)
    # As many samples together as keep their course, the largest arrays here, within 32 MB.
    tile = max(1, min(B, 32, (1 << 22) // (T * (D + C * (1 + N)))))
    c, dc = np.empty((T, tile, C)), np.empty((T, tile, N, C))
    r, p = np.empty((T + 1, tile, D)), np.empty((T, tile))
    drawn = np.empty((T, tile), np.intp)
    floored = np.empty((T, tile), np.bool_)
    v, w, spare = np.empty((tile, M)), np.empty((tile, M)), np.empty((tile, M))
    mu, eta_t = np.empty((tile, D)), np.empty((tile, D))
    y, other = np.empty((tile, D)), np.empty((tile, D))
    product = np.empty(tile)
    order, ends, only = np.empty(tile, np.intp), np.empty(S, np.intp), np.empty(1, np.intp)
    hits = 0
    for k in range(K):
        a, g = A[k if A.shape[0] > 1 else 0], G[k]
        for b0 in range(0, B, tile):
            n = min(tile, B - b0)
            product[:], mu[:], r[0], floored[:] = 1.0, 0.0, start, False
            for t in range(T):
                for i in range(n):
                    drawn[t, i] = outcomes[t, b0 + i, k]
                    _encode_sample(z, b0 + i, k, eta, zero, c, dc, t, i)
                    _expand_sample(c, r, v, t, i)
                _sort_by_outcome(drawn, floored, t, n, order, ends)  # none is left out yet
                _step_forward(a, v, y, order, ends)
                for i in range(n):
                    p[t, i] = probability = y[i, 0]
                    floored[t, i] = probability < floor
                    if floored[t, i]:
                        hits += 1
                        p[t, i], probability, only[0] = 1.0, floor, i
                        for s in range(S):
                            if s != drawn[t, i]:
                                rows_of_1(a, s * D * M, v, other, only, 0, M, D)
                                y[i] += other[i]
                    scale = 1.0 / y[i, 0]
                    for m in range(D):
                        r[t + 1, i, m] = y[i, m] * scale
                    product[i] *= min(probability, 1.0)
                    if product[i] < 1e-200:  # one logarithm for many steps
                        logp[b0 + i, k] += math.log(product[i])
                        product[i] = 1.0
            for i in range(n):
                logp[b0 + i, k] += math.log(product[i])
            for t in range(T - 1, -1, -1):
                for i in range(n):
                    # Reverse of r' = y / y_0: the part of mu along r' changes the norm only, and
                    # goes.
                    overlap = 0.0
                    for m in range(D):
                        overlap += mu[i, m] * r[t + 1, i, m]
                    score = signal[t, b0 + i, k] if weighted else 1.0
                    if floored[t, i]:
                        score = 0.0
                    scale = 1.0 / p[t, i]
                    for m in range(D):
                        eta_t[i, m] = mu[i, m] * scale
                    # d log y_0 / dy = 1 / p at component 0, weighted by this step's signal.
                    eta_t[i, 0] += (score - overlap) * scale
                    _expand_sample(c, r, v, t, i)
                _sort_by_outcome(drawn, floored, t, n, order, ends)
                _step_back(a, v, eta_t, w, g, order, ends)
                for i in range(n):
                    if floored[t, i]:
                        w[i], only[0] = 0.0, i
                        for s in range(S):
                            credits_of_1(a, s * D * M, v, eta_t, spare, g, only, 0, M, D)
                            w[i] += spare[i]
                    for m in range(N):
                        total = 0.0
                        for q in range(C):
                            inner = 0.0
                            for j in range(D):
                                inner += w[i, q * D + j] * r[t, i, j]
                            total += dc[t, i, m, q] * inner
                        d_z[t, b0 + i, k, m] = total
                    for j in range(D):
                        total = 0.0
                        for q in range(C):
                            total += c[t, i, q] * w[i, q * D + j]
                        mu[i, j] = total
    return hits


# long: one step of one neuron; a slice per part would cost as much as the part.
@jit()
def advance_scores(A, dA, z, eta, outcomes, open_, floor, r, sensitivity, window, e, kappa):  # type: ignore[no-untyped-def]
    """One online step of K neurons: scores e (K, P+N) and kappa (K, H+1, N) of the given outcome.

    r (K, D) is the memory BEFORE the step and is moved too; sensitivity (K, P+N, D) (the angles,
    then one bias per channel) and window (K, H+1, N, D) are updated in place. Of
    A (R, S, D, C, D) and dA (R, P, S, D, C, D), with P = 0 to skip the angles, and of eta, neuron
    k has row k % R. open_ is 0.0 when the synaptic input did not enter z (a reset step), so that no
    synapse gets credit, else 1.0.
    """
    K, N = z.shape
    S, D, C = A.shape[1], A.shape[2], A.shape[3]
    P, H1 = dA.shape[1], window.shape[1]
    zero = np.zeros(N)
    c, dc = np.empty(C), np.empty((N, C))
    step, y, x, slope = np.empty((D, D)), np.empty(D), np.empty(D), np.empty((N, D))
    for k in range(K):
        a, da = A[k % A.shape[0]], dA[k % dA.shape[0]]
        encode_slopes(z[k], eta[k % eta.shape[0]], zero, c, dc)
        s = outcomes[k]
        probability = 0.0
        for q in range(C):
            for j in range(D):
                probability += c[q] * a[s, 0, q, j] * r[k, j]
        floored = probability < floor
        # An impossible outcome (only a clamp can force it) is replaced by the sum over all.
        first, last = s, s + 1
        if floored:
            first, last = 0, S
        step[:] = 0.0
        slope[:] = 0.0
        for o in range(first, last):
            for i in range(D):
                for q in range(C):
                    inner = 0.0
                    for j in range(D):
                        step[i, j] += c[q] * a[o, i, q, j]
                        inner += a[o, i, q, j] * r[k, j]
                    for n in range(N):
                        slope[n, i] += dc[n, q] * inner
        for i in range(D):
            total = 0.0
            for j in range(D):
                total += step[i, j] * r[k, j]
            y[i] = total
        scale = 1.0 / y[0]
        for i in range(D):
            y[i] *= scale
        for j in range(P + N):
            for i in range(D):
                total = 0.0
                for m in range(D):
                    total += step[i, m] * sensitivity[k, j, m]
                if j >= P:
                    # Biases act through the current alone.
                    total += slope[j - P, i]
                else:
                    for o in range(first, last):
                        for q in range(C):
                            inner = 0.0
                            for m in range(D):
                                inner += da[j, o, i, q, m] * r[k, m]
                            total += c[q] * inner
                x[i] = total * scale
            score = x[0]
            # x_j0 / p of docs/learning.md, eq. for e_j; Lambda <- x / p - e r_new below.
            e[k, j] = 0.0 if floored else score
            for i in range(D):
                sensitivity[k, j, i] = x[i] - score * y[i]
        # From the oldest lag down: entry h is made of h - 1, which must still be that of the step
        # before.
        for h in range(H1 - 1, -1, -1):
            for n in range(N):
                for i in range(D):
                    # Lag 0 enters by the current of this step, and not at a reset, when a_in did
                    # not count.
                    total = open_ * slope[n, i]
                    if h > 0:
                        total = 0.0
                        for m in range(D):
                            total += step[i, m] * window[k, h - 1, n, m]
                    x[i] = total * scale
                score = x[0]
                kappa[k, h, n] = 0.0 if floored else score
                for i in range(D):
                    window[k, h, n, i] = x[i] - score * y[i]
        for i in range(D):
            r[k, i] = y[i]
