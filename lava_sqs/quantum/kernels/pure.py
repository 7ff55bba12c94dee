"""The loops of noiseless neurons whose memories are pure: states, gate by gate, and their scores.

A register is a real vector, real parts first, with *lanes* numbers per amplitude: samples (or
sensitivities) that share their angles go side by side. Maps are those of
:mod:`~lava_sqs.quantum.kernels.tiles`; they are orthogonal, so that the transposed ones undo
them. A memory has 2 D numbers for D = 2**memory_qubits amplitudes.
"""

from __future__ import annotations

import math

import numpy as np

from lava_sqs.quantum.kernels.step import sincospi
from lava_sqs.quantum.kernels.tiles import (
    aligned,
    correlate_tile,
    deliver,
    fetch,
    map_tile,
    tile_size,
    walk,
    walk_slopes,
)
from lava_sqs.quantum.kernels.vectors import jit


@jit()
def _encode(z, c, slopes, x):  # type: ignore[no-untyped-def]
    """Fill c[:, x], the size of each io amplitude for z (N,), and slopes[:, :, x] by each z."""
    N = z.shape[0]
    for b in range(c.shape[0]):
        c[b, x] = 1.0
        for n in range(N):
            slopes[n, b, x] = 1.0
    for n in range(N):
        cosine, sine, rate = 1.0, 0.0, 0.0
        if z[n] > 0.0:
            sine, cosine = sincospi(0.5 * z[n])
            rate = 0.5 * math.pi
        for b in range(c.shape[0]):
            bit = (b >> (N - 1 - n)) & 1
            size = sine if bit else cosine
            c[b, x] *= size
            for other in range(N):
                slopes[other, b, x] *= (
                    size if other != n else (rate * cosine if bit else -rate * sine)
                )


@jit()
def _turn(b):  # type: ignore[no-untyped-def]
    """Return real and imaginary part of (-i)**(ones in b): what RX leaves on the io qubits."""
    ones = 0
    while b:
        ones += b & 1
        b >>= 1
    ones &= 3
    return (1.0, 0.0, -1.0, 0.0)[ones], (0.0, -1.0, 0.0, 1.0)[ones]


@jit()
def _prepare(c, psi, half, lanes, v):  # type: ignore[no-untyped-def]
    """v = (encoded io qubits) (x) psi; half = D lanes numbers are a real or imaginary part."""
    imaginary = c.shape[0] * half
    for b in range(c.shape[0]):
        re, im = _turn(b)
        for i in range(0, half, lanes):
            for x in range(lanes):
                a, d = psi[i + x], psi[half + i + x]
                v[b * half + i + x] = c[b, x] * (re * a - im * d)
                v[imaginary + b * half + i + x] = c[b, x] * (re * d + im * a)


@jit()
def _chances(v, half, lanes, p):  # type: ignore[no-untyped-def]
    """Fill p (S, lanes), the probability of each outcome."""
    S = p.shape[0]
    for s in range(S):
        p[s] = 0.0
        # Real parts of all branches come first, then all imaginary ones; branch s is the io qubits
        # in |s>.
        for part in (s * half, (S + s) * half):
            for i in range(part, part + half, lanes):
                for x in range(lanes):
                    p[s, x] += v[i + x] * v[i + x]


@jit()
def _settle(p, s, x, floor):  # type: ignore[no-untyped-def]
    """Return the branch that outcome *s* leaves, whether s was impossible, and if that is mixed.

    The memory then forgets the outcome: it is that of all others, here of the likeliest one, beside
    which the others are rounding, or else it is mixed.
    """
    if p[s, x] >= floor:
        return s, False, False
    best = 0
    for a in range(p.shape[0]):
        if p[a, x] > p[best, x]:
            best = a
    return best, True, p[best, x] < 1.0 - 2.0 * floor


@jit()
def _collapse(v, s, S, scale, half, lanes, x, psi):  # type: ignore[no-untyped-def]
    """psi[:, x] = scale times the branch *s* of the register."""
    for part in range(2):
        at = (part * S + s) * half
        for i in range(x, half, lanes):
            psi[part * half + i] = scale * v[at + i]


# long: one loop over the steps of a tile, which keeps its work space from step to step.
@jit(nogil=True)
def run_pure(  # type: ignore[no-untyped-def]
    program, values, lanes, z, u, clamp, psi, floor, spikes, p_spike, likelihood,
):  # fmt: skip
    """Step K neurons, B batch entries and T steps; return the number of floor hits, -1 if mixed.

    values (K or 1, entries); psi (B, K, 2, D), moved. The other arrays are as in
    ``run_population``.
    """
    T, B, K, N = z.shape
    D, S = psi.shape[3], 1 << N
    half = D * lanes
    shared = values.shape[0] == 1
    samples = B * K if shared else B
    v, tile = aligned(2 * S * half, psi), tile_size(program)
    one, two = aligned(tile, psi), aligned(tile, psi)
    mine = np.zeros(2 * half, psi.dtype)
    c, slopes = np.zeros((S, lanes), psi.dtype), np.zeros((N, S, lanes), psi.dtype)
    p = np.empty((S, lanes))
    hits = 0
    for g in range(values.shape[0]):
        w = values[g]
        for start in range(0, samples, lanes):
            n = min(lanes, samples - start)
            for x in range(n):
                b = (start + x) // K if shared else start + x
                k = (start + x) % K if shared else g
                for part in range(2):
                    for i in range(D):
                        mine[part * half + i * lanes + x] = psi[b, k, part, i]
            for t in range(T):
                for x in range(n):
                    b = (start + x) // K if shared else start + x
                    k = (start + x) % K if shared else g
                    _encode(z[t, b, k], c, slopes, x)
                _prepare(c, mine, half, lanes, v)
                walk(program, w, v, one, two)
                _chances(v, half, lanes, p)
                for x in range(n):
                    b = (start + x) // K if shared else start + x
                    k = (start + x) % K if shared else g
                    outcome = -1
                    if clamp.shape[0] > 0:
                        outcome = clamp[t, b, k]
                    if outcome < 0:
                        outcome, total = 0, 0.0
                        for s in range(S - 1):
                            total += p[s, x]
                            outcome += total <= u[t, b, k]
                    kept, floored, mixed = _settle(p, outcome, x, floor)
                    # No pure state stands for this memory: who called takes the density engine.
                    if mixed:
                        return -1
                    hits += floored
                    scale = psi.dtype.type(1.0 / math.sqrt(p[kept, x]))
                    _collapse(v, kept, S, scale, half, lanes, x, mine)
                    for m in range(N):
                        bit = 1 << (N - 1 - m)
                        spikes[t, b, k, m] = (outcome & bit) != 0
                        if p_spike.shape[0] > 0:
                            total = 0.0
                            for s in range(S):
                                if s & bit:
                                    total += p[s, x]
                            p_spike[t, b, k, m] = min(max(total, 0.0), 1.0)
                    if likelihood.shape[0] > 0:
                        likelihood[t, b, k] = min(max(p[outcome, x], floor), 1.0)
            for x in range(n):
                b = (start + x) // K if shared else start + x
                k = (start + x) % K if shared else g
                for part in range(2):
                    for i in range(D):
                        psi[b, k, part, i] = mine[part * half + i * lanes + x]
    return hits


@jit()
def _undo(program, p, scored, turned, v, left, spare, g):  # type: ignore[no-untyped-def]
    """Go back through pass *p*: *v* is the register after it, *left* the gradient after it.

    Both become those before it; the gradient by the entries of its maps is added to g.
    """
    passes = program[9]
    first, back = passes[p, 0], (program[6], program[7])
    one, two, now, then = spare[0], spare[1], spare[2], spare[3]
    for i in range(passes[p, 8]):
        fetch(program, p, i, v, one)
        fetch(program, p, i, left, now)
        for op in range(first + passes[p, 1] - 1, first - 1, -1):
            map_tile(op, program, back, turned, one, two)
            if scored[op]:
                correlate_tile(op, program, now, two, g)
            map_tile(op, program, back, turned, now, then)
            now, then = then, now
            one, two = two, one
        if p > 0:
            deliver(program, p, i, one, v)
        deliver(program, p, i, now, left)


# long: forward and back over one tile, which share all arrays.
@jit(nogil=True)
def score_pure(  # type: ignore[no-untyped-def]
    program, scored, values, lanes, z, outcomes, signal, floor, D, logp, G, d_z,
):  # fmt: skip
    """Fill scores of recorded trains from ``|0..0>``; return the floor hits, -1 if mixed.

    scored (n_ops,): which maps have angles. values (K or 1, entries), in double precision; G
    (K, entries) is the gradient by them, added to. The other arrays are as in ``score_trains``.

    Forward keeps the register of every step before its measurement; the way back undoes the maps
    of a step one by one, on the state and on its gradient: the adjoint method.
    """
    T, B, K, N = z.shape
    S, n_entries, order = 1 << N, values.shape[1], program[8]
    half = D * lanes
    tile = tile_size(program)
    # The state after a measurement cannot be undone, so the registers before it are kept; the maps
    # within a step are unitary and can.
    kept = aligned(T * 2 * S * half, values).reshape(T, -1)
    left = aligned(2 * S * half, values)
    spare = aligned(4 * tile, values).reshape(4, -1)
    psi, before, mu = np.zeros(2 * half), np.zeros(2 * half), np.zeros(2 * half)
    branch, floored = np.zeros((T, lanes), np.int64), np.zeros((T, lanes), np.bool_)
    scales = np.ones((T, lanes))
    c, slopes = np.zeros((S, lanes)), np.zeros((N, S, lanes))
    p = np.empty((S, lanes))
    g, turned = np.empty(4 * n_entries), np.empty(n_entries)
    weighted = signal.shape[0] > 0
    hits = 0
    for k in range(K):
        w = values[k if values.shape[0] > 1 else 0]
        for e in range(n_entries):
            # The transpose is the inverse of a unitary in real form: it undoes a map and carries
            # its gradient back.
            turned[e] = w[order[e]]
        g[:] = 0.0
        for b0 in range(0, B, lanes):
            n = min(lanes, B - b0)
            psi[:] = 0.0
            psi[:n] = 1.0
            for t in range(T):
                for x in range(n):
                    _encode(z[t, b0 + x, k], c, slopes, x)
                v = kept[t]
                _prepare(c, psi, half, lanes, v)
                walk(program, w, v, spare[0], spare[1])
                _chances(v, half, lanes, p)
                for x in range(n):
                    s = outcomes[t, b0 + x, k]
                    logp[b0 + x, k] += math.log(min(max(p[s, x], floor), 1.0))
                    s, low, mixed = _settle(p, s, x, floor)
                    if mixed:
                        return -1
                    hits += low
                    branch[t, x], floored[t, x] = s, low
                    scales[t, x] = 1.0 / math.sqrt(p[s, x])
                    _collapse(v, s, S, scales[t, x], half, lanes, x, psi)
            mu[:] = 0.0
            for t in range(T - 1, -1, -1):
                left[:] = 0.0
                before[:] = 0.0
                for x in range(n):
                    s, scale = branch[t, x], scales[t, x]
                    if t == 0:
                        before[x] = 1.0
                    else:
                        _collapse(
                            kept[t - 1], branch[t - 1, x], S, scales[t - 1, x], half, lanes, x,
                            before,
                        )  # fmt: skip
                    # p = |v|^2 in place of y_0: d log p = 2 (v . dv) / p.
                    score, overlap = 2.0 * (signal[t, b0 + x, k] if weighted else 1.0), 0.0
                    if floored[t, x]:
                        score = 0.0
                    for part in range(2):
                        at = (part * S + s) * half
                        for i in range(x, half, lanes):
                            overlap += mu[part * half + i] * kept[t, at + i]
                    # As psi = v / |v| and p = |v|^2.
                    weight = (score - scale * overlap) * scale * scale
                    for part in range(2):
                        at = (part * S + s) * half
                        for i in range(x, half, lanes):
                            left[at + i] = scale * mu[part * half + i] + weight * kept[t, at + i]
                for q in range(program[9].shape[0] - 1, -1, -1):
                    _undo(program, q, scored, turned, kept[t], left, spare, g)
                for x in range(n):
                    _encode(z[t, b0 + x, k], c, slopes, x)
                    for m in range(N):
                        d_z[t, b0 + x, k, m] = 0.0
                mu[:] = 0.0
                for b in range(S):
                    re, im = _turn(b)
                    for x in range(n):
                        overlap = 0.0
                        for i in range(x, half, lanes):
                            f, h = left[b * half + i], left[(S + b) * half + i]
                            # Times the conjugate of (-i)**ones, the phase that _prepare has put in.
                            f, h = re * f + im * h, re * h - im * f
                            overlap += f * before[i] + h * before[half + i]
                            mu[i] += c[b, x] * f
                            mu[half + i] += c[b, x] * h
                        for m in range(N):
                            d_z[t, b0 + x, k, m] += slopes[m, b, x] * overlap
        for e in range(n_entries):
            G[k, e] += g[4 * e] + g[4 * e + 1] + g[4 * e + 2] + g[4 * e + 3]
    return hits


# long: one step of one neuron, whose sensitivities go through the maps together.
@jit()
def advance_pure(  # type: ignore[no-untyped-def]
    program, values, slope_table, slopes, lanes, z, outcomes, open_, floor,
    r, sensitivity, window, e, kappa,
):  # fmt: skip
    """One online step of K neurons; return the floor hits, -1 if mixed.

    As ``advance_density``, with states r (K, 2, D), and their derivatives, in place of Pauli
    vectors: sensitivity (K, n_scores, 2, D), window (K, H + 1, N, 2, D).
    """
    (K, N), D, S = z.shape, r.shape[2], 1 << z.shape[1]
    n_scores, H1 = sensitivity.shape[1], window.shape[1]
    P, n_columns, half = n_scores - N, n_scores + H1 * N, D * lanes
    v, spare = aligned(2 * S * half, r), aligned(3 * tile_size(program), r).reshape(3, -1)
    mine, fresh, overlap = np.zeros(2 * half), np.empty((2, D)), np.empty(lanes)
    c, dc = np.zeros((S, lanes)), np.zeros((N, S, lanes))
    p = np.empty((S, lanes))
    each = lanes - 1
    hits = 0
    for k in range(K):
        w, slope = values[k % values.shape[0]], slopes[k % slopes.shape[0]]
        for x in range(lanes):
            _encode(z[k], c, dc, x)
        floored = False
        # From the last ones: each entry of the window becomes the one after it.
        for q0 in range((n_columns - 1) // each * each, -1, -each):
            n = min(each, n_columns - q0)
            mine[:] = 0.0
            for part in range(2):
                for i in range(D):
                    at = part * half + i * lanes
                    mine[at] = r[k, part, i]
                    for x in range(1, n + 1):
                        q = q0 + x - 1
                        if q < n_scores:
                            mine[at + x] = sensitivity[k, q, part, i]
                        elif q >= n_scores + N:
                            h, m = (q - n_scores) // N, (q - n_scores) % N
                            mine[at + x] = window[k, h - 1, m, part, i]
            _prepare(c, mine, half, lanes, v)
            for x in range(1, n + 1):
                q = q0 + x - 1
                if P <= q < n_scores + N:
                    m, weight = (q - P) % N, 1.0 if q < n_scores else open_
                    for b in range(S):
                        re, im = _turn(b)
                        # Derivatives by a current start here, where the current enters the
                        # register.
                        rate = weight * dc[m, b, x]
                        for i in range(D):
                            at = b * half + i * lanes + x
                            v[at] += rate * (re * r[k, 0, i] - im * r[k, 1, i])
                            v[S * half + at] += rate * (re * r[k, 1, i] + im * r[k, 0, i])
            walk_slopes(program, w, slope_table, slope, q0, n, v, spare, lanes)
            _chances(v, half, lanes, p)
            s, floored, mixed = _settle(p, outcomes[k], 0, floor)
            if mixed:
                return -1
            scale = 1.0 / math.sqrt(p[s, 0])
            overlap[:] = 0.0
            for part in range(2):
                base = (part * S + s) * half
                for i in range(D):
                    fresh[part, i] = v[base + i * lanes] * scale
                    for x in range(lanes):
                        overlap[x] += fresh[part, i] * v[base + i * lanes + x]
            for x in range(1, n + 1):
                q, score = q0 + x - 1, overlap[x] * scale
                known = 0.0 if floored else 2.0 * score
                h, m = (q - n_scores) // N, (q - n_scores) % N
                if q < n_scores:
                    e[k, q] = known
                else:
                    kappa[k, h, m] = known
                for part in range(2):
                    base = (part * S + s) * half + x
                    for i in range(D):
                        moved = v[base + i * lanes] * scale - score * fresh[part, i]
                        if q < n_scores:
                            sensitivity[k, q, part, i] = moved
                        else:
                            window[k, h, m, part, i] = moved
        hits += floored
        r[k] = fresh
    return hits
