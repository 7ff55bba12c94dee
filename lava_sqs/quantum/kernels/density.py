"""The loops of gate-by-gate neurons: registers as Pauli vectors, a sparse matrix per gate.

A register is flat, and each of its components has some numbers in a row, its *lanes*: samples (or
sensitivities) that share their angles go side by side. *program* is what ``DensityProgram.tables``
makes; *values* are the entries of a neuron's matrices.
"""

from __future__ import annotations

import math

import numpy as np

from lava_sqs.quantum.kernels.scores import encode_slopes
from lava_sqs.quantum.kernels.tiles import (
    aligned,
    correlate_tile,
    deliver,
    fetch,
    map_tile,
    tile_size,
    walk,
    walk_pass,
    walk_slopes,
)
from lava_sqs.quantum.kernels.vectors import jit


@jit()
def _of(program, spans, m):  # type: ignore[no-untyped-def]
    """Return the arrays of noise m: those of all are one after the other, from spans[m, i] on."""
    return (
        program[0][spans[m, 0] : spans[m + 1, 0]],
        program[1][spans[m, 1] : spans[m + 1, 1]],
        program[2][spans[m, 2] : spans[m + 1, 2]],
        program[3][spans[m, 3] : spans[m + 1, 3]],
        program[4][spans[m, 4] : spans[m + 1, 4]],
        program[5][spans[m, 5] : spans[m + 1, 5]],
        program[6][spans[m, 6] : spans[m + 1, 6]],
        program[7][spans[m, 7] : spans[m + 1, 7]],
        program[8][spans[m, 8] : spans[m + 1, 8]],
        program[9][spans[m, 9] : spans[m + 1, 9]],
        program[10][spans[m, 10] : spans[m + 1, 10]],
    )


@jit()
def _io_of(io, m):  # type: ignore[no-untyped-def]
    """Return what noise m makes of the io qubits."""
    return io[0][m], io[1][m], io[2], io[3]


@jit()
def _sizes(programs, spans):  # type: ignore[no-untyped-def]
    """Return the largest tile and the most maps of a pass of any noise."""
    tile, most = 1, 0
    for m in range(spans.shape[0] - 1):
        program = _of(programs, spans, m)
        tile = max(tile, tile_size(program))
        for p in range(program[9].shape[0]):
            most = max(most, program[9][p, 1])
    return tile, most


@jit()
def _prepare(c, place, r, D, lanes, v):  # type: ignore[no-untyped-def]
    """v = (encoded io qubits) (x) r, for coefficients c (terms, lanes) and r (D * lanes)."""
    v[:] = 0.0
    for q in range(place.shape[0]):
        at = place[q] * D * lanes
        if lanes == 1:  # a loop that is made of vectors
            for i in range(D):
                v[at + i] = c[q, 0] * r[i]
            continue
        for i in range(D):
            for x in range(lanes):
                v[at + i * lanes + x] = c[q, x] * r[i * lanes + x]


@jit()
def _left(weights, seen, v, D, lanes, x, mine):  # type: ignore[no-untyped-def]
    """mine[:, x] = sum_a weights[a] v[seen[a], :, x]: what an outcome leaves of the register."""
    if lanes == 1:  # a loop that is made of vectors
        mine[:] = 0.0
        for a in range(seen.shape[0]):
            at, weight = seen[a] * D, weights[a]
            for i in range(D):
                mine[i] += weight * v[at + i]
        return
    for i in range(x, D * lanes, lanes):
        total = 0.0
        for a in range(seen.shape[0]):
            total += weights[a] * v[seen[a] * D * lanes + i]
        mine[i] = total


@jit()
def _weigh(readout, outcome, floored, weights):  # type: ignore[no-untyped-def]
    """Fill the weights of an outcome; of a (nearly) impossible one those of all together."""
    weights[:] = readout[outcome]
    if floored:
        weights[:] = 0.0
        weights[0] = 1.0


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
def apply_maps(noises, w, io, z, r, v):  # type: ignore[no-untyped-def]
    """Fill v, the register of the first neuron before its measurement: one sample, one lane."""
    programs, spans, _ = noises
    program, io = _of(programs, spans, 0), _io_of(io, 0)
    terms = io[2].shape[0]
    c, coefficients, slopes = np.empty((terms, 1)), np.empty(terms), np.empty((z.shape[0], terms))
    _encode(z, io, c, 0, coefficients, slopes, np.zeros(z.shape[0]))
    _prepare(c, io[2], r, r.shape[0], 1, v)
    size = tile_size(program)
    walk(program, w, v, aligned(size, v), aligned(size, v))


# long: one loop over the steps of a tile, which keeps its work space from step to step.
@jit(nogil=True)
def run_density(  # type: ignore[no-untyped-def]
    noises, values, io, readout, lanes, z, u, clamp, r, floor,
    spikes, p_spike, likelihood, memory,
):  # fmt: skip
    """Step K neurons, B batch entries and T steps; return the number of floor hits.

    noises: arrays of all noises that differ, where each starts (M + 1, 11), and which one each
    neuron has (K or 1,). values (K or 1, entries); io: of each noise eta (M, N) and weights
    (M, terms), and the places (terms,) of the encoded terms, and (2**N,) of what is measured;
    readout (M, S, 2**N). The other arrays are as in ``run_population``.
    """
    T, B, K, N = z.shape
    D, S = r.shape[2], readout.shape[1]
    programs, spans, which = noises
    place, seen = io[2], io[3]
    shared = values.shape[0] == 1
    samples = B * K if shared else B
    size = 4**N * D * lanes
    v = aligned(size, r)
    tile, _ = _sizes(programs, spans)
    one, two = aligned(tile, r), aligned(tile, r)
    mine = np.zeros(D * lanes, r.dtype)
    c = np.zeros((place.shape[0], lanes), r.dtype)
    coefficients, slopes, zero = np.empty(3**N), np.empty((N, 3**N)), np.zeros(N)
    p, weights = np.empty(S), np.empty(S)
    hits = 0
    for g in range(values.shape[0]):
        w, m = values[g], which[g if which.shape[0] > 1 else 0]
        program, own, read = _of(programs, spans, m), _io_of(io, m), readout[m]
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
                    _encode(z[t, b, k], own, c, x, coefficients, slopes, zero)
                _prepare(c, place, mine, D, lanes, v)
                walk(program, w, v, one, two)
                for x in range(n):
                    b = (start + x) // K if shared else start + x
                    k = (start + x) % K if shared else g
                    for s in range(S):
                        p[s] = 0.0
                        for a in range(S):
                            p[s] += read[s, a] * v[seen[a] * D * lanes + x]
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
                    # Only Pauli strings of I and Z on the io qubits are seen by the measurement.
                    _weigh(read, outcome, floored, weights)
                    _left(weights, seen, v, D, lanes, x, mine)
                    scale = r.dtype.type(1.0) / mine[x]
                    for i in range(1, D):
                        mine[i * lanes + x] *= scale
                    # Exactly, whatever rounding made of mine / mine: the trace must not drift over
                    # 1e6 steps.
                    mine[x] = 1.0
                    for channel in range(N):
                        bit = 1 << (N - 1 - channel)
                        spikes[t, b, k, channel] = (outcome & bit) != 0
                        if p_spike.shape[0] > 0:
                            total = 0.0
                            for s in range(S):
                                if s & bit:
                                    total += p[s]
                            p_spike[t, b, k, channel] = min(max(total, 0.0), 1.0)
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


@jit()
def _start_passes(program, w, c, place, r, D, lanes, kept, left, a, b):  # type: ignore[no-untyped-def]
    """Fill kept[p] with the register before pass *p*; *left* is free where there is none."""
    n = kept.shape[0]
    _prepare(c, place, r, D, lanes, kept[0] if n else left)
    # The register after the last pass is not needed: its gradient is that of the read-out.
    for p in range(n - 1):
        walk_pass(program, p, w, kept[p], kept[p + 1], a, b)


@jit()
def _back(program, p, scored, w, turned, v, left, course, now, then, g):  # type: ignore[no-untyped-def]
    """Go back through pass *p*: *v* is the register before it, *left* the gradient after it.

    *left* becomes the gradient before it; that by the entries of its maps is added to g.
    """
    passes = program[9]
    first, count = passes[p, 0], passes[p, 1]
    forward, back = (program[3], program[4]), (program[6], program[7])
    for i in range(passes[p, 8]):
        fetch(program, p, i, v, course[0])
        for j in range(count - 1):
            map_tile(first + j, program, forward, w, course[j], course[j + 1])
        fetch(program, p, i, left, now)
        for j in range(count - 1, -1, -1):
            # The gradient by a map is (gradient after it) (x) (register before it).
            if scored[first + j]:
                correlate_tile(first + j, program, now, course[j], g)
            map_tile(first + j, program, back, turned, now, then)
            now, then = then, now
        deliver(program, p, i, now, left)


# long: forward and back over one tile, which share all arrays.
@jit(nogil=True)
def score_density(  # type: ignore[no-untyped-def]
    noises, scored, values, io, readout, lanes, z, outcomes, signal, start, floor,
    logp, G, d_z,
):  # fmt: skip
    """Fill scores of recorded trains; return the number of floor hits.

    scored (M, most n_ops): which maps have angles. values (K or 1, entries), in double precision; G
    (K, entries) is the gradient by them, added to. noises, io and readout are as in
    ``run_density``, the other arrays as in ``score_trains``.

    Forward keeps the memories of every step; on the way back the registers before each pass of one
    step are made again and kept, and of each tile those before each map of the pass.
    """
    T, B, K, N = z.shape
    D, S = start.shape[0], readout.shape[1]
    programs, spans, which = noises
    place, seen = io[2], io[3]
    size = 4**N * D * lanes
    tile, most = _sizes(programs, spans)
    most_passes = 0
    for m in range(spans.shape[0] - 1):
        most_passes = max(most_passes, spans[m + 1, 9] - spans[m, 9])
    registers = aligned(most_passes * size, start).reshape(-1, size)
    left, now, then = aligned(size, start), aligned(tile, start), aligned(tile, start)
    # Of a tile through the maps of a pass.
    course = aligned((most + 1) * tile, start).reshape(-1, tile)
    r = np.zeros((T + 1, D * lanes))
    p, floored = np.ones((T, lanes)), np.zeros((T, lanes), np.bool_)
    mu, eta = np.zeros(D * lanes), np.zeros(D * lanes)
    c, slopes = np.zeros((place.shape[0], lanes)), np.zeros((lanes, N, place.shape[0]))
    coefficients, zero, weights = np.empty(3**N), np.zeros(N), np.empty(S)
    g, turned = np.empty(4 * values.shape[1]), np.empty(values.shape[1])
    weighted = signal.shape[0] > 0
    hits = 0
    for k in range(K):
        w, m = values[k if values.shape[0] > 1 else 0], which[k if which.shape[0] > 1 else 0]
        program, own, read = _of(programs, spans, m), _io_of(io, m), readout[m]
        passes, order = program[9], program[8]
        kept, with_angles, n_entries = registers[: passes.shape[0]], scored[m], order.shape[0]
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
                    _encode(z[t, b0 + x, k], own, c, x, coefficients, slopes[x], zero)
                _prepare(c, place, r[t], D, lanes, left)
                walk(program, w, left, now, then)
                for x in range(n):
                    s = outcomes[t, b0 + x, k]
                    chance = 0.0
                    for a in range(S):
                        chance += read[s, a] * left[seen[a] * D * lanes + x]
                    floored[t, x] = chance < floor
                    p[t, x] = 1.0 if chance < floor else chance
                    hits += floored[t, x]
                    logp[b0 + x, k] += math.log(min(max(chance, floor), 1.0))
                    _weigh(read, s, floored[t, x], weights)
                    _left(weights, seen, left, D, lanes, x, r[t + 1])
                    scale = 1.0 / r[t + 1, x]
                    for i in range(D):
                        r[t + 1, i * lanes + x] *= scale
            mu[:] = 0.0
            for t in range(T - 1, -1, -1):
                for x in range(n):
                    _encode(z[t, b0 + x, k], own, c, x, coefficients, slopes[x], zero)
                _start_passes(program, w, c, place, r[t], D, lanes, kept, left, now, then)
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
                    # Reverse of the normalisation, as in scores.py: component 0 is the trace.
                    eta[x] += (score - overlap) * scale
                    _weigh(read, outcomes[t, b0 + x, k], floored[t, x], weights)
                    for a in range(S):
                        # The read-out is linear: its transpose spreads eta over the strings that
                        # are seen.
                        at, weight = seen[a] * D * lanes, weights[a]
                        for i in range(x, D * lanes, lanes):
                            left[at + i] = weight * eta[i]
                for q in range(passes.shape[0] - 1, -1, -1):
                    _back(program, q, with_angles, w, turned, kept[q], left, course, now, then, g)
                mu[:] = 0.0
                d_z[t, b0 : b0 + n, k] = 0.0
                for q in range(place.shape[0]):
                    at = place[q] * D * lanes
                    for x in range(n):
                        overlap = 0.0
                        for i in range(D):
                            here = i * lanes + x
                            overlap += left[at + here] * r[t, here]
                            mu[here] += c[q, x] * left[at + here]
                        for channel in range(N):
                            d_z[t, b0 + x, k, channel] += slopes[x, channel, q] * overlap
        for e in range(n_entries):
            G[k, e] += g[4 * e] + g[4 * e + 1] + g[4 * e + 2] + g[4 * e + 3]
    return hits


# long: one step of one neuron, whose sensitivities go through the maps together.
@jit()
def advance_density(  # type: ignore[no-untyped-def]
    noises, values, slope_table, slopes, io, readout, lanes, z, outcomes, open_, floor,
    r, sensitivity, window, e, kappa,
):  # fmt: skip
    """One online step of K neurons; r, sensitivity, window, e and kappa are as in advance_scores.

    values and slopes (R, ...): neuron k has row k % R. slope_table (M, most n_slopes, 4) as
    ``DensityProgram.slopes`` makes it, without rows to skip the angles, and ends where a map is
    negative. noises, io and readout are as in ``run_density``. Lane 0 is the memory, the others are
    sensitivities, as many at a time as there are lanes.
    """
    (K, N), D, S = z.shape, r.shape[1], readout.shape[1]
    programs, spans, which = noises
    n_scores, H1 = sensitivity.shape[1], window.shape[1]
    P, n_columns = n_scores - N, n_scores + H1 * N
    place, seen = io[2], io[3]
    v = aligned(4**N * D * lanes, r)
    spare = aligned(3 * _sizes(programs, spans)[0], r).reshape(3, -1)
    mine, fresh = np.zeros(D * lanes), np.empty(D)
    c = np.zeros((place.shape[0], lanes))
    coefficients, dc, zero = np.empty(3**N), np.empty((N, 3**N)), np.zeros(N)
    each = lanes - 1
    for k in range(K):
        w, slope, noise = values[k % len(values)], slopes[k % len(slopes)], which[k % len(which)]
        program, own, read = _of(programs, spans, noise), _io_of(io, noise), readout[noise]
        turns = slope_table[noise]
        for x in range(lanes):
            _encode(z[k], own, c, x, coefficients, dc, zero)
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
                        # Lag h of now is lag h - 1 of the step before, moved by this step's map.
                        h, m = (q - n_scores) // N, (q - n_scores) % N
                        mine[i * lanes + x] = window[k, h - 1, m, i]
            _prepare(c, place, mine, D, lanes, v)
            for x in range(1, n + 1):
                q = q0 + x - 1
                if P <= q < n_scores + N:
                    m, weight = (q - P) % N, 1.0 if q < n_scores else open_
                    for a in range(place.shape[0]):
                        for i in range(D):
                            at = (place[a] * D + i) * lanes + x
                            # Derivatives by a current start here, where the current enters the
                            # register.
                            v[at] += weight * dc[m, a] * r[k, i]
            walk_slopes(program, w, turns, slope, q0, n, v, spare, lanes)
            s, chance = outcomes[k], 0.0
            for a in range(S):
                chance += read[s, a] * v[seen[a] * D * lanes]
            floored = chance < floor
            for i in range(D * lanes):
                total = v[i]
                if not floored:
                    total *= read[s, 0]
                    for a in range(1, S):
                        total += read[s, a] * v[seen[a] * D * lanes + i]
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
