"""The Numba loops of :mod:`lava_sqs.quantum.scores`: exact local scores.

Layouts as in :mod:`lava_sqs.quantum.kernels.step`: instruments ``A[k, s, i, c, j]``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lava_sqs.quantum.kernels.step import (
    _apply,
    _const,
    _Emitter,
    _gate_values,
    _jit,
    _read_out,
    _vectorised,
    sincospi,
)


@_jit()
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
            sine, cosine = sincospi(float(z[n]) + shift[n])
            c, s = eta[n] * cosine, -eta[n] * sine
            dc, ds = -math.pi * eta[n] * sine, -math.pi * eta[n] * cosine
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


# -- recorded trains: one io and one memory qubit ------------------------------------------------
#
# Here too LLVM's own vector code loses half of the speed (see _kernels); and since each train is a
# chain of dependent steps, a tile of neurons goes through time together. The four numbers that a
# current becomes: cos, sin (times eta, -eta) and their slopes.


@intrinsic
def _step_and_slope(context, a, a0, c, c0, r, r0, y, y0, d):  # type: ignore[no-untyped-def]
    """y[y0 : y0 + 4] = S r and y[y0 + 4 : y0 + 8] = (dS/dz) r, for a block a[a0 + 4 (4 q + j) + i].

    c[c0 : c0 + 4] are the factors of the second and third term and their slopes.
    """

    def emit(e: _Emitter, a: Any, a0: Any, c: Any, c0: Any, r: Any, r0: Any, *rest: Any) -> None:
        y, y0, _ = rest
        if not e.short:
            return
        memory = [e.splat(r, e.offset(r0, j)) for j in range(4)]
        terms = []
        for q in range(3):
            parts = [
                e.multiply(memory[j], e.load(a, e.offset(a0, 16 * q + 4 * j))) for j in range(4)
            ]
            terms.append(e.add(e.add(parts[0], parts[1]), e.add(parts[2], parts[3])))
        factors = [e.splat(c, e.offset(c0, n)) for n in range(4)]
        for at, first, second in ((0, 0, 1), (4, 2, 3)):
            value = e.add(
                e.multiply(factors[first], terms[1]), e.multiply(factors[second], terms[2])
            )
            e.store(e.add(value, terms[0]) if at == 0 else value, y, e.offset(y0, at))

    n = types.intp
    return types.void(a, n, c, n, r, n, y, n, n), _vectorised(emit)


@intrinsic
def _credit(  # type: ignore[no-untyped-def]
    context, a, a0, c, c0, r, r0, after, after0, slope, slope0, scale, score, mu, m0, g, g0, d
):
    """Take one step back: update mu[m0:] and g[g0:], return d/dz. *after* is r of the step's end.

    eta = (mu + (score - mu . after) 1) scale; d/dz = eta . slope; g[q, j] += c_q r_j eta;
    mu <- eta S. The block is that of _step_and_slope.
    """

    def emit(e: _Emitter, a: Any, a0: Any, c: Any, c0: Any, r: Any, r0: Any, *rest: Any) -> Any:
        after, after0, slope, slope0, scale, score, mu, m0, g, g0, _ = rest
        if not e.short:
            return None
        b = e.builder
        before = e.load(mu, m0)
        overlap = e.fold(e.multiply(before, e.load(after, after0)))
        excess = b.fsub(score, overlap, flags=("contract", "nsz"))
        zero = ir.Constant(e.vector, [0.0] * 4)
        only_trace = b.insert_element(zero, excess, ir.Constant(ir.IntType(32), 0))
        eta = e.multiply(e.add(before, only_trace), e.copies(scale))
        result = e.fold(e.multiply(eta, e.load(slope, slope0)))
        factors = [None, *(e.splat(c, e.offset(c0, n)) for n in range(2))]
        products = []
        for j in range(4):
            weighted = e.multiply(eta, e.splat(r, e.offset(r0, j)))
            column = e.load(a, e.offset(a0, 4 * j))
            for q in range(3):
                at = 16 * q + 4 * j
                term = weighted
                if q:
                    column = e.add(column, e.multiply(factors[q], e.load(a, e.offset(a0, at))))
                    term = e.multiply(factors[q], weighted)
                here = e.offset(g0, at)
                e.store(e.add(e.load(g, here), term), g, here)
            products.append(e.multiply(eta, column))
        e.store(e.fold_four(products), mu, m0)
        return result

    n = types.intp
    f = types.float64
    return f(a, n, c, n, r, n, after, n, slope, n, f, f, mu, n, g, n, n), _vectorised(emit)


@_jit()
def _factors(z, eta, c):  # type: ignore[no-untyped-def]
    """c[4 i : 4 i + 4] = eta cos, -eta sin of pi z[i] and their slopes; no gate for z <= 0."""
    for i in range(z.shape[0]):
        x = z[i, 0]
        sine, cosine = sincospi(x)
        on = 1.0 if x > 0.0 else 0.0
        cosine, sine = eta * cosine, -eta * sine
        c[4 * i] = cosine if x > 0.0 else 1.0
        c[4 * i + 1] = on * sine
        c[4 * i + 2] = on * math.pi * sine
        c[4 * i + 3] = -on * math.pi * cosine


@_jit()
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
                _factors(z[t, b, k0 : k0 + n], eta[0], c[t])
                for i in range(n):
                    k = 0 if shared else k0 + i
                    at = 96 * k + 48 * outcomes[t, b, k0 + i]
                    _step_and_slope(blocks, at, c[t], 4 * i, r[t], 4 * i, y[t], 8 * i, 4)
                    p = y[t, 8 * i]
                    floored[t, i] = p < floor
                    if p < floor:
                        hits += 1
                        product[i] *= floor
                        _add_outcomes(blocks[k], both)
                        _step_and_slope(both, 0, c[t], 4 * i, r[t], 4 * i, y[t], 8 * i, 4)
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
            for t in range(T - 1, -1, -1):
                for i in range(n):
                    k = 0 if shared else k0 + i
                    score = signal[t, b, k0 + i] if weighted else 1.0
                    s = outcomes[t, b, k0 + i]
                    if not floored[t, i]:
                        d_z[t, b, k0 + i, 0] = _credit(
                            blocks, 96 * k + 48 * s, c[t], 4 * i, r[t], 4 * i, r[t + 1], 4 * i,
                            y[t], 8 * i + 4, inverse[t, i], score, mu, 4 * i,
                            G, 96 * (k0 + i) + 48 * s, 4,
                        )  # fmt: skip
                        continue
                    _add_outcomes(blocks[k], both)
                    spare[:] = mu[4 * i : 4 * i + 4]
                    for s in range(2):
                        mu[4 * i : 4 * i + 4] = spare
                        d_z[t, b, k0 + i, 0] = _credit(
                            both, 0, c[t], 4 * i, r[t], 4 * i, r[t + 1], 4 * i,
                            y[t], 8 * i + 4, 1.0, 0.0, mu, 4 * i,
                            G, 96 * (k0 + i) + 48 * s, 4,
                        )  # fmt: skip
    return hits


@_jit()
def _add_outcomes(block, both):  # type: ignore[no-untyped-def]
    """both = the block of an unknown outcome, from one neuron's (2, 3, 4, 4)."""
    flat = block.reshape((2, 48))
    for m in range(48):
        both[m] = flat[0, m] + flat[1, m]


@_jit()
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


# The samples of a neuron share its instrument. Some go through time together, and those with the
# same outcome read its block at once, which halves the time.


def _emit_rows(
    e: _Emitter, a: Any, a0: Any, v: Any, vs: Any, y: Any, ys: Any, m: Any, d: Any
) -> None:
    """y[ys[g] + i] = sum_m a[a0 + i M + m] v[vs[g] + m] for every g and i < D, two i at a time."""
    b = e.builder
    with e.loop(d, 2) as (i, _):
        rows = [b.add(a0, b.mul(e.offset(i, u), m)) for u in range(2)]
        totals = [e.sums(2) for _ in vs]
        with e.loop(m, e.lanes) as (at, _):
            lines = [e.load(a, b.add(row, at)) for row in rows]
            for v0, pair in zip(vs, totals, strict=True):
                value = e.load(v, b.add(v0, at))
                for line, total in zip(lines, pair, strict=True):
                    e.accumulate(total, line, value)
        for y0, pair in zip(ys, totals, strict=True):
            for u, total in enumerate(pair):
                b.store(e.fold(b.load(total)), b.gep(y, [b.add(y0, e.offset(i, u))]))


def _emit_credits(
    e: _Emitter,
    a: Any,
    at: Any,
    v: Any,
    vs: Any,
    eta: Any,
    es: Any,
    w: Any,
    g: Any,
    m: Any,
    d: Any,
) -> None:
    """For eta_n at es[n] and v_n at vs[n]: w_n = eta_n a and g += sum_n eta_n (x) v_n."""
    b = e.builder

    def columns(start: Any, stop: Any, width: int) -> None:
        """Go down *width* vectors of columns at a time; width 2 is a cache line."""
        step = _const(width * e.lanes)
        with cgutils.for_range_slice(b, start, stop, step, inc=True) as (m0, _):
            places = [[e.offset(b.add(v0, m0), h * e.lanes) for h in range(width)] for v0 in vs]
            vectors = [[e.load(v, place) for place in row] for row in places]
            totals = [e.sums(width) for _ in vs]
            with e.loop(d, 1) as (i, _):
                row = b.add(b.add(at, b.mul(i, m)), m0)
                factors = [e.splat(eta, b.add(e0, i)) for e0 in es]
                for h in range(width):
                    here = e.offset(row, h * e.lanes)
                    line, credit = e.load(a, here), e.load(g, here)
                    for n, factor in enumerate(factors):
                        e.accumulate(totals[n][h], factor, line)
                        credit = e.add(credit, e.multiply(factor, vectors[n][h]))
                    e.store(credit, g, here)
            for row_places, row_totals in zip(places, totals, strict=True):
                for place, total in zip(row_places, row_totals, strict=True):
                    e.store(b.load(total), w, place)

    whole = b.and_(m, _const(-2 * e.lanes))
    columns(_const(0), whole, 2)
    columns(whole, m, 1)


def _of_samples(n: int) -> tuple[Any, Any]:
    """Return two intrinsics for the samples order[at : at + n], which share a block of A at a0.

    v and w hold M numbers per sample, y and eta D. With the block as a matrix a (D, M) and that of
    G at the same place as g,

    - rows: y = a v;
    - credits: w = eta a, and g += sum of the samples' eta (x) v.
    """

    def of(e: _Emitter, order: Any, at: Any, length: Any) -> list[Any]:
        b = e.builder
        samples = [b.load(b.gep(order, [e.offset(at, k)])) for k in range(n)]
        return [b.mul(sample, length) for sample in samples]

    @intrinsic
    def rows(context, a, a0, v, y, order, at, m, d):  # type: ignore[no-untyped-def]
        def emit(e: _Emitter, a: Any, a0: Any, v: Any, y: Any, *rest: Any) -> None:
            order, at, m, d = rest
            _emit_rows(e, a, a0, v, of(e, order, at, m), y, of(e, order, at, d), m, d)

        i = types.intp
        return types.void(a, i, v, y, order, i, i, i), _vectorised(emit)

    @intrinsic
    def credits(context, a, a0, v, eta, w, g, order, at, m, d):  # type: ignore[no-untyped-def]
        def emit(
            e: _Emitter, a: Any, a0: Any, v: Any, eta: Any, w: Any, g: Any, *rest: Any
        ) -> None:
            order, at, m, d = rest
            vs, es = of(e, order, at, m), of(e, order, at, d)
            _emit_credits(e, a, a0, v, vs, eta, es, w, g, m, d)

        i = types.intp
        return types.void(a, i, v, eta, w, g, order, i, i, i), _vectorised(emit)

    return rows, credits


_rows_of_1, _credits_of_1 = _of_samples(1)
_rows_of_2, _credits_of_2 = _of_samples(2)
_rows_of_4, _credits_of_4 = _of_samples(4)


@_jit(inline="always")
def _sort_by_outcome(drawn, left_out, t, n, order, ends):  # type: ignore[no-untyped-def]
    """Fill order with the samples not left out in step t; those of outcome s end before ends[s]."""
    total = 0
    for s in range(ends.shape[0]):
        for i in range(n):
            if drawn[t, i] == s and not left_out[t, i]:
                order[total] = i
                total += 1
        ends[s] = total


@_jit(inline="always")
def _step_forward(a, v, y, order, ends):  # type: ignore[no-untyped-def]
    """y = a v for the samples of *order*, each with the block of its outcome."""
    D, M = y.shape[1], v.shape[1]
    at = 0
    for s in range(ends.shape[0]):
        while ends[s] - at >= 4:
            _rows_of_4(a, s * D * M, v, y, order, at, M, D)
            at += 4
        if ends[s] - at >= 2:
            _rows_of_2(a, s * D * M, v, y, order, at, M, D)
            at += 2
        if ends[s] > at:
            _rows_of_1(a, s * D * M, v, y, order, at, M, D)
            at += 1


@_jit(inline="always")
def _step_back(a, v, eta, w, g, order, ends):  # type: ignore[no-untyped-def]
    """w = eta a and g += eta (x) v for the samples of *order*, as _step_forward."""
    D, M = eta.shape[1], v.shape[1]
    at = 0
    for s in range(ends.shape[0]):
        while ends[s] - at >= 4:
            _credits_of_4(a, s * D * M, v, eta, w, g, order, at, M, D)
            at += 4
        if ends[s] - at >= 2:
            _credits_of_2(a, s * D * M, v, eta, w, g, order, at, M, D)
            at += 2
        if ends[s] > at:
            _credits_of_1(a, s * D * M, v, eta, w, g, order, at, M, D)
            at += 1


@_jit(inline="always")
def _encode_sample(z, b, k, eta, zero, c, dc, t, i):  # type: ignore[no-untyped-def]
    """Fill c[t, i] (C,) for z[t, b, k] and its slopes dc[t, i] (N, C).

    Whole arrays and indices, here and below: a slice counts references, which shows at this size.
    """
    if z.shape[3] == 1:
        x = z[t, b, k, 0]
        c[t, i, 0], dc[t, i, 0, 0] = 1.0, 0.0
        if x > 0.0:
            sine, cosine = sincospi(x)
            c[t, i, 1], c[t, i, 2] = eta[0] * cosine, -eta[0] * sine
            dc[t, i, 0, 1] = math.pi * c[t, i, 2]
            dc[t, i, 0, 2] = -math.pi * c[t, i, 1]
        else:
            c[t, i, 1], c[t, i, 2], dc[t, i, 0, 1], dc[t, i, 0, 2] = 1.0, 0.0, 0.0, 0.0
    else:
        encode_slopes(z[t, b, k], eta, zero, c[t, i], dc[t, i])


@_jit(inline="always")
def _expand_sample(c, r, v, t, i):  # type: ignore[no-untyped-def]
    """v[i] = c[t, i] (x) r[t, i]."""
    D = r.shape[2]
    for q in range(c.shape[2]):
        for j in range(D):
            v[i, q * D + j] = c[t, i, q] * r[t, i, j]


@_jit()
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
                                _rows_of_1(a, s * D * M, v, other, only, 0, M, D)
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
                    overlap = 0.0
                    for m in range(D):
                        overlap += mu[i, m] * r[t + 1, i, m]
                    score = signal[t, b0 + i, k] if weighted else 1.0
                    if floored[t, i]:
                        score = 0.0
                    scale = 1.0 / p[t, i]
                    for m in range(D):
                        eta_t[i, m] = mu[i, m] * scale
                    eta_t[i, 0] += (score - overlap) * scale
                    _expand_sample(c, r, v, t, i)
                _sort_by_outcome(drawn, floored, t, n, order, ends)
                _step_back(a, v, eta_t, w, g, order, ends)
                for i in range(n):
                    if floored[t, i]:
                        w[i], only[0] = 0.0, i
                        for s in range(S):
                            _credits_of_1(a, s * D * M, v, eta_t, spare, g, only, 0, M, D)
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


@_jit()
def advance_scores(A, dA, z, eta, outcomes, open_, floor, r, sensitivity, window, e, kappa):  # type: ignore[no-untyped-def]
    """One online step of K neurons: scores e (K, P+N) and kappa (K, H+1, N) of the given outcome.

    r (K, D) is the memory BEFORE the step and is moved too; sensitivity (K, P+N, D) (the angles,
    then one bias per channel) and window (K, H+1, N, D) are updated in place. Of
    A (R, S, D, C, D) and dA (R, P, S, D, C, D), with P = 0 to skip the angles, neuron k has row
    k % R. open_ is 0.0 when the synaptic input did not enter z (a reset step), so that no synapse
    gets credit, else 1.0.
    """
    K, N = z.shape
    S, D, C = A.shape[1], A.shape[2], A.shape[3]
    P, H1 = dA.shape[1], window.shape[1]
    zero = np.zeros(N)
    c, dc = np.empty(C), np.empty((N, C))
    step, y, x, slope = np.empty((D, D)), np.empty(D), np.empty(D), np.empty((N, D))
    for k in range(K):
        a, da = A[k % A.shape[0]], dA[k % dA.shape[0]]
        encode_slopes(z[k], eta, zero, c, dc)
        s = outcomes[k]
        probability = 0.0
        for q in range(C):
            for j in range(D):
                probability += c[q] * a[s, 0, q, j] * r[k, j]
        floored = probability < floor
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
            e[k, j] = 0.0 if floored else score
            for i in range(D):
                sensitivity[k, j, i] = x[i] - score * y[i]
        for h in range(H1 - 1, -1, -1):
            for n in range(N):
                for i in range(D):
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


@_jit()
def build_derivatives(program, entries, terms, rows, start, effects, theta, dA):  # type: ignore[no-untyped-def]
    """Fill dA (K, P, S, D, C, D), the derivatives of the instruments by each angle.

    The arguments are those of ``build_instruments``; tangents are pushed forward gate by gate.
    """
    n_ops, n_params, columns = program.shape[0], dA.shape[1], start.shape[1]
    values, slopes = np.empty(terms.shape[0]), np.empty(terms.shape[0])
    state, spare = np.empty(start.shape), np.empty(start.shape)
    tangents = np.empty((n_params, *start.shape))
    live = np.zeros(n_params, np.bool_)
    for k in range(theta.shape[0]):
        state[:] = start
        live[:] = False
        for op in range(n_ops):
            _gate_values(op, program, terms, theta[k], False, values)
            for p in range(n_params):
                if live[p]:
                    _apply(op, program, entries, values, rows, False, tangents[p], spare)
                    tangents[p] = spare
            p = program[op, 0]
            if p >= 0:
                _gate_values(op, program, terms, theta[k], True, slopes)
                _apply(op, program, entries, slopes, rows, False, state, spare)
                if live[p]:
                    tangents[p] += spare
                else:
                    tangents[p] = spare
                    live[p] = True
            _apply(op, program, entries, values, rows, False, state, spare)
            state, spare = spare, state
        for p in range(n_params):
            out = dA[k, p].reshape((effects.shape[0], columns))
            if live[p]:
                _read_out(effects, tangents[p], out)
            else:
                out[:] = 0.0
