"""The loops of gate-by-gate neurons: registers as Pauli vectors, a sparse matrix per gate.

A register is flat, and each of its components has some numbers in a row, its *lanes*: samples (or
sensitivities) that share their angles go side by side. *program* is what ``DensityProgram.tables``
makes; *values* are the entries of a neuron's matrices.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lava_sqs.quantum.kernels.scores import encode_slopes
from lava_sqs.quantum.kernels.vectors import Emitter, const, jit, vectorised


@intrinsic
def _rows(context, w, pointers, columns, offsets, r0, d, v, y, at, width):  # type: ignore[no-untyped-def]
    """y[at + offsets[r] + x] = sum_e w[e] v[at + columns[e] + x] for rows r of one matrix.

    x < width, which is 4 or a multiple of 16.
    """

    def emit(e: Emitter, w: Any, pointers: Any, columns: Any, offsets: Any, *rest: Any) -> None:
        r0, d, v, y, at, width = rest
        b, count = e.builder, 1 if e.short else 16 // e.lanes
        with e.loop(d, 1) as (i, _):
            row = b.add(r0, i)
            first = b.load(b.gep(pointers, [row]))
            last = b.load(b.gep(pointers, [b.add(row, const(1))]))
            target = b.add(at, b.load(b.gep(offsets, [row])))
            with e.loop(width, count * e.lanes) as (x, _):
                totals, source = e.sums(count), b.add(at, x)
                with cgutils.for_range_slice(b, first, last, const(1), inc=True) as (n, _):
                    weight = e.splat(w, n)
                    column = b.add(source, b.load(b.gep(columns, [n])))
                    for h, total in enumerate(totals):
                        e.accumulate(total, weight, e.load(v, e.offset(column, h * e.lanes)))
                for h, total in enumerate(totals):
                    place = e.offset(b.add(target, x), h * e.lanes)
                    e.store(b.load(total), y, place)

    n = types.intp
    return types.void(w, pointers, columns, offsets, n, n, v, y, n, n), vectorised(emit)


@intrinsic
def _products(context, g, rows, columns, first, last, left, v, at, width):  # type: ignore[no-untyped-def]
    """g[4 e ..] += sum_x left[at + rows[e] + x] v[at + columns[e] + x], four sums for each entry.

    x < width, which is 4 or a multiple of 16; g is added up over its four later.
    """

    def emit(e: Emitter, g: Any, rows: Any, columns: Any, *rest: Any) -> None:
        first, last, left, v, at, width = rest
        e = e.widened(4)
        b, count = e.builder, 1 if e.short else 4
        with cgutils.for_range_slice(b, first, last, const(1), inc=True) as (n, _):
            i, j = (b.add(at, b.load(b.gep(array, [n]))) for array in (rows, columns))
            totals, place = e.sums(count), b.mul(n, const(4))
            with e.loop(width, 4 * count) as (x, _):
                for h, total in enumerate(totals):
                    here = e.offset(x, 4 * h)
                    e.accumulate(total, e.load(left, b.add(i, here)), e.load(v, b.add(j, here)))
            total = reduce(e.add, [b.load(t) for t in totals])
            e.store(e.add(e.load(g, place), total), g, place)

    n = types.intp
    return types.void(g, rows, columns, n, n, left, v, n, n), vectorised(emit)


@jit()
def _apply(op, program, entries, w, v, y, local):  # type: ignore[no-untyped-def]
    """y = (map *op*) v; *entries* are the pointers and columns of the map or of its transpose."""
    table, offsets, bases = program[0], program[1], program[2]
    pointers, columns = entries
    r0, d, width = table[op, 0], table[op, 1], table[op, 4]
    for b in range(table[op, 2], table[op, 2] + table[op, 3]):
        at = bases[b]
        if width > 1:
            _rows(w, pointers, columns, offsets, r0, d, v, y, at, width)
            continue
        for i in range(d):  # a gate on the last qubit of a single register
            total = local.dtype.type(0.0)
            for n in range(pointers[r0 + i], pointers[r0 + i + 1]):
                total += w[n] * v[at + columns[n]]
            y[at + offsets[r0 + i]] = total


@jit()
def _correlate(op, program, left, v, g):  # type: ignore[no-untyped-def]
    """g[4 e ..] += sum over groups of left (x) v at the entries e of map *op*."""
    table, bases, columns, rows = program[0], program[2], program[4], program[5]
    first, width = table[op, 5], table[op, 4]
    last = first + table[op, 6]
    for b in range(table[op, 2], table[op, 2] + table[op, 3]):
        at = bases[b]
        if width > 1:
            _products(g, rows, columns, first, last, left, v, at, width)
            continue
        for n in range(first, last):
            g[4 * n] += left[at + rows[n]] * v[at + columns[n]]


@jit()
def _prepare(c, place, r, D, lanes, v):  # type: ignore[no-untyped-def]
    """v = (encoded io qubits) (x) r, for coefficients c (terms, lanes) and r (D * lanes)."""
    v[:] = 0.0
    for q in range(place.shape[0]):
        at = place[q] * D * lanes
        for i in range(D):
            for x in range(lanes):
                v[at + i * lanes + x] = c[q, x] * r[i * lanes + x]


@jit()
def _encode(z, io, c, x, coefficients, slopes, zero):  # type: ignore[no-untyped-def]
    """Fill c[:, x] for the currents z (N,), with reset errors; slopes (N, terms) go with it."""
    eta, weight = io[0], io[1]
    encode_slopes(z, eta, zero, coefficients, slopes)
    for q in range(weight.shape[0]):
        c[q, x] = coefficients[q] * weight[q]
        for n in range(slopes.shape[0]):
            slopes[n, q] *= weight[q]


@jit()
def _walk(program, w, v, y, local):  # type: ignore[no-untyped-def]
    """Apply every map in turn; return where the result is, v or y."""
    for op in range(program[0].shape[0]):
        _apply(op, program, (program[3], program[4]), w, v, y, local)
        v, y = y, v
    return v, y


@jit()
def apply_maps(program, w, io, z, r, v, y):  # type: ignore[no-untyped-def]
    """Return the register of one neuron before its measurement, in v or y: one sample, one lane."""
    terms = io[2].shape[0]
    c, coefficients, slopes = np.empty((terms, 1)), np.empty(terms), np.empty((z.shape[0], terms))
    _encode(z, io, c, 0, coefficients, slopes, np.zeros(z.shape[0]))
    _prepare(c, io[2], r, r.shape[0], 1, v)
    result, _ = _walk(program, w, v, y, np.empty(1))
    return result


# long: one loop over the steps of a tile, which keeps its work space from step to step.
@jit(nogil=True)
def run_density(  # type: ignore[no-untyped-def]
    program, values, io, readout, lanes, z, u, clamp, r, floor,
    spikes, p_spike, likelihood, memory,
):  # fmt: skip
    """Step K neurons, B batch entries and T steps; return the number of floor hits.

    values (K or 1, entries); io: eta (N,), weights and places (terms,) of the encoded terms, and
    the places (2**N,) of what is measured; readout (S, 2**N). The other arrays are as in
    ``run_population``.
    """
    T, B, K, N = z.shape
    D, S = r.shape[2], readout.shape[0]
    place, seen = io[2], io[3]
    shared = values.shape[0] == 1
    samples = B * K if shared else B
    size = 4**N * D * lanes
    first, second = np.empty(size, r.dtype), np.empty(size, r.dtype)
    mine = np.zeros(D * lanes, r.dtype)
    c = np.zeros((place.shape[0], lanes), r.dtype)
    coefficients, slopes, zero = np.empty(3**N), np.empty((N, 3**N)), np.zeros(N)
    p, local = np.empty(S), np.empty(1, r.dtype)
    hits = 0
    for g in range(values.shape[0]):
        w = values[g]
        for start in range(0, samples, lanes):
            n = min(lanes, samples - start)
            for x in range(n):
                b = (start + x) // K if shared else start + x
                k = (start + x) % K if shared else g
                for i in range(D):
                    mine[i * lanes + x] = r[b, k, i]
            for t in range(T):
                for x in range(n):
                    b = (start + x) // K if shared else start + x
                    k = (start + x) % K if shared else g
                    _encode(z[t, b, k], io, c, x, coefficients, slopes, zero)
                _prepare(c, place, mine, D, lanes, first)
                v, _ = _walk(program, w, first, second, local)
                for x in range(n):
                    b = (start + x) // K if shared else start + x
                    k = (start + x) % K if shared else g
                    for s in range(S):
                        p[s] = 0.0
                        for a in range(S):
                            p[s] += readout[s, a] * v[seen[a] * D * lanes + x]
                    outcome = -1
                    if clamp.shape[0] > 0:
                        outcome = clamp[t, b, k]
                    if outcome < 0:
                        outcome, total = 0, 0.0
                        for s in range(S - 1):
                            total += p[s]
                            outcome += total <= u[t, b, k]
                    floored = p[outcome] < floor
                    hits += floored
                    # (Nearly) impossible: forget the outcome; the sum over all is the identity.
                    for i in range(D):
                        total = 0.0
                        if floored:
                            total = v[i * lanes + x]
                        else:
                            for a in range(S):
                                total += readout[outcome, a] * v[(seen[a] * D + i) * lanes + x]
                        mine[i * lanes + x] = total
                    scale = r.dtype.type(1.0) / mine[x]
                    for i in range(1, D):
                        mine[i * lanes + x] *= scale
                    mine[x] = 1.0
                    for m in range(N):
                        bit = 1 << (N - 1 - m)
                        spikes[t, b, k, m] = (outcome & bit) != 0
                        if p_spike.shape[0] > 0:
                            total = 0.0
                            for s in range(S):
                                if s & bit:
                                    total += p[s]
                            p_spike[t, b, k, m] = min(max(total, 0.0), 1.0)
                    if likelihood.shape[0] > 0:
                        likelihood[t, b, k] = min(max(p[outcome], floor), 1.0)
                    if memory.shape[0] > 0:
                        for i in range(D):
                            memory[t, b, k, i] = mine[i * lanes + x]
            for x in range(n):
                b = (start + x) // K if shared else start + x
                k = (start + x) % K if shared else g
                for i in range(D):
                    r[b, k, i] = mine[i * lanes + x]
    return hits


# long: forward and back over one tile, which share all arrays.
@jit(nogil=True)
def score_density(  # type: ignore[no-untyped-def]
    program, scored, values, io, readout, lanes, z, outcomes, signal, start, floor,
    logp, G, d_z,
):  # fmt: skip
    """Fill scores of recorded trains; return the number of floor hits.

    scored (n_ops,): which maps have angles. values (K or 1, entries), in double precision; G
    (K, entries) is the gradient by them, added to. The other arrays are as in ``score_trains``.

    Forward keeps the memories of every step; on the way back the registers before each map of one
    step are made again and kept.
    """
    T, B, K, N = z.shape
    D, S, n_ops, n_entries = start.shape[0], readout.shape[0], scored.shape[0], values.shape[1]
    place, seen, order = io[2], io[3], program[8]
    size = 4**N * D * lanes
    kept = np.empty((n_ops + 1, size))
    left, spare = np.empty(size), np.empty(size)
    r = np.zeros((T + 1, D * lanes))
    p, floored = np.ones((T, lanes)), np.zeros((T, lanes), np.bool_)
    mu, eta = np.zeros(D * lanes), np.zeros(D * lanes)
    c, slopes = np.zeros((place.shape[0], lanes)), np.zeros((lanes, N, place.shape[0]))
    coefficients, zero, local = np.empty(3**N), np.zeros(N), np.empty(1)
    g, turned = np.empty(4 * n_entries), np.empty(n_entries)
    forward, back = (program[3], program[4]), (program[6], program[7])
    weighted = signal.shape[0] > 0
    hits = 0
    for k in range(K):
        w = values[k if values.shape[0] > 1 else 0]
        for e in range(n_entries):
            turned[e] = w[order[e]]
        g[:] = 0.0
        for b0 in range(0, B, lanes):
            n = min(lanes, B - b0)
            for i in range(D):
                for x in range(lanes):
                    r[0, i * lanes + x] = start[i] if x < n else 0.0
            for t in range(T):
                for x in range(n):
                    _encode(z[t, b0 + x, k], io, c, x, coefficients, slopes[x], zero)
                _prepare(c, place, r[t], D, lanes, left)
                v, _ = _walk(program, w, left, spare, local)
                for x in range(n):
                    s = outcomes[t, b0 + x, k]
                    chance = 0.0
                    for a in range(S):
                        chance += readout[s, a] * v[seen[a] * D * lanes + x]
                    floored[t, x] = chance < floor
                    p[t, x] = 1.0 if chance < floor else chance
                    hits += floored[t, x]
                    logp[b0 + x, k] += math.log(min(max(chance, floor), 1.0))
                    for i in range(D):
                        total = v[i * lanes + x]
                        if not floored[t, x]:
                            total *= readout[s, 0]
                            for a in range(1, S):
                                total += readout[s, a] * v[(seen[a] * D + i) * lanes + x]
                        r[t + 1, i * lanes + x] = total
                    scale = 1.0 / r[t + 1, x]
                    for i in range(D):
                        r[t + 1, i * lanes + x] *= scale
            mu[:] = 0.0
            for t in range(T - 1, -1, -1):
                for x in range(n):
                    _encode(z[t, b0 + x, k], io, c, x, coefficients, slopes[x], zero)
                _prepare(c, place, r[t], D, lanes, kept[0])
                for op in range(n_ops):
                    _apply(op, program, forward, w, kept[op], kept[op + 1], local)
                left[:] = 0.0
                for x in range(n):
                    score, overlap = signal[t, b0 + x, k] if weighted else 1.0, 0.0
                    for i in range(D):
                        overlap += mu[i * lanes + x] * r[t + 1, i * lanes + x]
                    if floored[t, x]:
                        score = 0.0
                    scale = 1.0 / p[t, x]
                    for i in range(D):
                        eta[i * lanes + x] = mu[i * lanes + x] * scale
                    eta[x] += (score - overlap) * scale
                    s = outcomes[t, b0 + x, k]
                    for a in range(S):
                        weight = readout[s, a]
                        if floored[t, x]:
                            weight = 1.0 if a == 0 else 0.0
                        for i in range(D):
                            left[(seen[a] * D + i) * lanes + x] = weight * eta[i * lanes + x]
                now, then = left, spare
                for op in range(n_ops - 1, -1, -1):
                    if scored[op]:
                        _correlate(op, program, now, kept[op], g)
                    _apply(op, program, back, turned, now, then, local)
                    now, then = then, now
                mu[:] = 0.0
                d_z[t, b0 : b0 + n, k] = 0.0
                for q in range(place.shape[0]):
                    at = place[q] * D * lanes
                    for x in range(n):
                        overlap = 0.0
                        for i in range(D):
                            here = i * lanes + x
                            overlap += now[at + here] * r[t, here]
                            mu[here] += c[q, x] * now[at + here]
                        for m in range(N):
                            d_z[t, b0 + x, k, m] += slopes[x, m, q] * overlap
        for e in range(n_entries):
            G[k, e] += g[4 * e] + g[4 * e + 1] + g[4 * e + 2] + g[4 * e + 3]
    return hits


@jit()
def _add_slope(op, program, s, s0, e0, count, v, y, x, lanes):  # type: ignore[no-untyped-def]
    """y[:, x] += (derivative of map *op*) v[:, 0], whose entries are s[s0 : s0 + count]."""
    table, bases, columns, rows = program[0], program[2], program[4], program[5]
    for b in range(table[op, 2], table[op, 2] + table[op, 3]):
        for at in range(bases[b], bases[b] + table[op, 4], lanes):
            for n in range(count):
                y[at + rows[e0 + n] + x] += s[s0 + n] * v[at + columns[e0 + n]]


@jit()
def _walk_slopes(program, w, slope_table, slope, q0, n, v, y, local, lanes):  # type: ignore[no-untyped-def]
    """Apply every map in turn, its derivatives to lane 0; return where the result is, v or y.

    Of the sensitivities q0 to q0 + n - 1, in lanes 1 to n.
    """
    at_slope = j = 0
    for op in range(program[0].shape[0]):
        _apply(op, program, (program[3], program[4]), w, v, y, local)
        while j < slope_table.shape[0] and slope_table[j, 0] == op:
            x = slope_table[j, 1] - q0 + 1
            if 1 <= x <= n:
                _add_slope(
                    op, program, slope, at_slope, slope_table[j, 2],
                    slope_table[j, 3], v, y, x, lanes,
                )  # fmt: skip
            at_slope += slope_table[j, 3]
            j += 1
        v, y = y, v
    return v


# long: one step of one neuron, whose sensitivities go through the maps together.
@jit()
def advance_density(  # type: ignore[no-untyped-def]
    program, values, slope_table, slopes, io, readout, lanes, z, outcomes, open_, floor,
    r, sensitivity, window, e, kappa,
):  # fmt: skip
    """One online step of K neurons; r, sensitivity, window, e and kappa are as in advance_scores.

    values and slopes (R, ...): neuron k has row k % R. slope_table (n_slopes, 4) as
    ``DensityProgram.slopes`` makes it, without rows to skip the angles. Lane 0 is the memory, the
    others are sensitivities, as many at a time as there are lanes.
    """
    (K, N), D, S = z.shape, r.shape[1], readout.shape[0]
    n_scores, H1 = sensitivity.shape[1], window.shape[1]
    P, n_columns = n_scores - N, n_scores + H1 * N
    place, seen = io[2], io[3]
    first, second = np.empty(4**N * D * lanes), np.empty(4**N * D * lanes)
    mine, fresh = np.zeros(D * lanes), np.empty(D)
    c, local = np.zeros((place.shape[0], lanes)), np.empty(1)
    coefficients, dc, zero = np.empty(3**N), np.empty((N, 3**N)), np.zeros(N)
    each = lanes - 1
    for k in range(K):
        w, slope = values[k % values.shape[0]], slopes[k % slopes.shape[0]]
        for x in range(lanes):
            _encode(z[k], io, c, x, coefficients, dc, zero)
        # From the last ones: each entry of the window becomes the one after it.
        for q0 in range((n_columns - 1) // each * each, -1, -each):
            n = min(each, n_columns - q0)
            mine[:] = 0.0
            for i in range(D):
                mine[i * lanes] = r[k, i]
            for x in range(1, n + 1):
                q = q0 + x - 1
                for i in range(D):
                    if q < n_scores:
                        mine[i * lanes + x] = sensitivity[k, q, i]
                    elif q >= n_scores + N:
                        h, m = (q - n_scores) // N, (q - n_scores) % N
                        mine[i * lanes + x] = window[k, h - 1, m, i]
            _prepare(c, place, mine, D, lanes, first)
            for x in range(1, n + 1):
                q = q0 + x - 1
                if P <= q < n_scores + N:
                    m, weight = (q - P) % N, 1.0 if q < n_scores else open_
                    for a in range(place.shape[0]):
                        for i in range(D):
                            at = (place[a] * D + i) * lanes + x
                            first[at] += weight * dc[m, a] * r[k, i]
            v = _walk_slopes(program, w, slope_table, slope, q0, n, first, second, local, lanes)
            s, chance = outcomes[k], 0.0
            for a in range(S):
                chance += readout[s, a] * v[seen[a] * D * lanes]
            floored = chance < floor
            for i in range(D * lanes):
                total = v[i]
                if not floored:
                    total *= readout[s, 0]
                    for a in range(1, S):
                        total += readout[s, a] * v[seen[a] * D * lanes + i]
                mine[i] = total
            scale = 1.0 / mine[0]
            for i in range(D):
                fresh[i] = mine[i * lanes] * scale
            for x in range(1, n + 1):
                q, score = q0 + x - 1, mine[x] * scale
                known = 0.0 if floored else score
                if q < n_scores:
                    e[k, q] = known
                    for i in range(D):
                        sensitivity[k, q, i] = mine[i * lanes + x] * scale - score * fresh[i]
                else:
                    h, m = (q - n_scores) // N, (q - n_scores) % N
                    kappa[k, h, m] = known
                    for i in range(D):
                        window[k, h, m, i] = mine[i * lanes + x] * scale - score * fresh[i]
        for i in range(D):
            r[k, i] = fresh[i]
