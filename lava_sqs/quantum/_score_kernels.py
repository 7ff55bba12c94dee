"""The Numba loops of :mod:`lava_sqs.quantum.sensitivity`: exact local scores.

Layouts as in :mod:`lava_sqs.quantum._kernels`: instruments ``A[k, s, i, c, j]``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from lava_sqs.quantum._kernels import _apply, _gate_matrix, _jit, sincospi


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


@cache
def score_trains_of(one_memory_qubit: bool, io_qubits: int) -> Callable[..., int]:
    """Return the reverse form of the exact score, compiled for a kind of instrument.

    With one memory qubit the sizes are constants of the compiled code, which makes it half as fast
    again at (1, 1); above, the loops that LLVM unrolls by then are slower than those it does not.
    """
    N = io_qubits

    @_jit()
    def score_trains(A, z, eta, outcomes, signal, start, floor, logp, G, d_z):  # type: ignore[no-untyped-def]
        """Fill scores; return the number of floor hits.

        Shapes: A (K or 1, S, D, C, D); z (T, B, K, N); outcomes (T, B, K) indices; signal
        (T, B, K) or (0, 0, 0) for ones; start (D,); logp (B, K), G (K, S, D, C, D) and d_z
        (T, B, K, N) are filled, logp and G added to.
        """
        T, B, K = z.shape[:3]
        S, C = 2**N, 3**N
        D = 4 if one_memory_qubit else A.shape[2]
        M = C * D
        flat = A.reshape((A.shape[0], S, D, M))
        weighted = signal.shape[0] > 0
        zero = np.zeros(N)
        c, dc = np.empty((T, C)), np.empty((T, N, C))
        r, p = np.empty((T + 1, D)), np.empty(T)
        floored = np.zeros(T, np.bool_)
        v, w, mu, eta_t = np.empty(M), np.empty(M), np.empty(D), np.empty(D)
        hits = 0
        for k in range(K):
            a = flat[k if A.shape[0] > 1 else 0]
            g = G[k].reshape((S, D, M))
            for b in range(B):
                product = 1.0
                for i in range(D):
                    r[0, i] = start[i]
                for t in range(T):
                    if N == 1:
                        x = z[t, b, k, 0]
                        c[t, 0], dc[t, 0, 0] = 1.0, 0.0
                        if x > 0.0:
                            sine, cosine = sincospi(x)
                            c[t, 1], c[t, 2] = eta[0] * cosine, -eta[0] * sine
                            dc[t, 0, 1] = math.pi * c[t, 2]
                            dc[t, 0, 2] = -math.pi * c[t, 1]
                        else:
                            c[t, 1], c[t, 2], dc[t, 0, 1], dc[t, 0, 2] = 1.0, 0.0, 0.0, 0.0
                    else:
                        encode_slopes(z[t, b, k], eta, zero, c[t], dc[t])
                    for q in range(C):
                        for j in range(D):
                            v[q * D + j] = c[t, q] * r[t, j]
                    s = outcomes[t, b, k]
                    for i in range(D):
                        total = 0.0
                        for m in range(M):
                            total += v[m] * a[s, i, m]
                        r[t + 1, i] = total
                    probability = r[t + 1, 0]
                    floored[t] = probability < floor
                    if floored[t]:
                        hits += 1
                        probability = floor
                        for other in range(S):
                            if other != s:
                                for i in range(D):
                                    for m in range(M):
                                        r[t + 1, i] += v[m] * a[other, i, m]
                    scale = 1.0 / r[t + 1, 0]
                    for i in range(D):
                        r[t + 1, i] *= scale
                    p[t] = 1.0 if floored[t] else probability
                    product *= min(probability, 1.0)
                    if product < 1e-200:  # one logarithm for many steps
                        logp[b, k] += math.log(product)
                        product = 1.0
                logp[b, k] += math.log(product)
                for i in range(D):
                    mu[i] = 0.0
                for t in range(T - 1, -1, -1):
                    overlap = 0.0
                    for i in range(D):
                        overlap += mu[i] * r[t + 1, i]
                    scale = 1.0 / p[t]
                    for i in range(D):
                        eta_t[i] = mu[i] * scale
                    score = 0.0 if floored[t] else (signal[t, b, k] if weighted else 1.0)
                    eta_t[0] += (score - overlap) * scale
                    for q in range(C):
                        for j in range(D):
                            v[q * D + j] = c[t, q] * r[t, j]
                    for m in range(M):
                        w[m] = 0.0
                    first, last = outcomes[t, b, k], outcomes[t, b, k] + 1
                    if floored[t]:
                        first, last = 0, S
                    for s in range(first, last):
                        for i in range(D):
                            e = eta_t[i]
                            for m in range(M):
                                w[m] += e * a[s, i, m]
                                g[s, i, m] += e * v[m]
                    for n in range(N):
                        total = 0.0
                        for q in range(C):
                            inner = 0.0
                            for j in range(D):
                                inner += w[q * D + j] * r[t, j]
                            total += dc[t, n, q] * inner
                        d_z[t, b, k, n] = total
                    for j in range(D):
                        total = 0.0
                        for q in range(C):
                            total += c[t, q] * w[q * D + j]
                        mu[j] = total
        return hits

    kernel: Callable[..., int] = score_trains
    return kernel


@_jit()
def advance_scores(A, dA, z, eta, outcomes, open_, floor, r, sensitivity, window, e, kappa):  # type: ignore[no-untyped-def]
    """One online step of K neurons: scores e (K, P+N) and kappa (K, H+1, N) of the given outcome.

    r (K, D) is the memory BEFORE the step and is moved too; sensitivity (K, P+N, D) (the angles,
    then one bias per channel) and window (K, H+1, N, D) are updated in place. dA
    (K or 1, P, S, D, C, D), with P = 0 to skip the angles. open_ is 0.0 when the synaptic input
    did not enter z (a reset step), so that no synapse gets credit, else 1.0.
    """
    K, N = z.shape
    S, D, C = A.shape[1], A.shape[2], A.shape[3]
    P, H1 = dA.shape[1], window.shape[1]
    zero = np.zeros(N)
    c, dc = np.empty(C), np.empty((N, C))
    step, y, x, slope = np.empty((D, D)), np.empty(D), np.empty(D), np.empty((N, D))
    for k in range(K):
        a = A[k if A.shape[0] > 1 else 0]
        da = dA[k if dA.shape[0] > 1 else 0]
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
def build_derivatives(program, terms, rows, start, effects, theta, dA):  # type: ignore[no-untyped-def]
    """Fill dA (K, P, S, D, C, D), the derivatives of the instruments by each angle.

    The arguments are those of ``build_instruments``; tangents are pushed forward gate by gate.
    """
    n_ops, (n_rows, columns) = program.shape[0], start.shape
    n_params = dA.shape[1]
    values, slopes = np.empty(5), np.empty(5)
    largest = 4
    for op in range(n_ops):
        largest = max(largest, program[op, 2])
    matrix, slope = np.empty(largest * largest), np.empty(largest * largest)
    state, spare = np.empty(start.shape), np.empty(start.shape)
    tangents = np.empty((n_params, n_rows, columns))
    live = np.zeros(n_params, np.bool_)
    for k in range(theta.shape[0]):
        state[:] = start
        live[:] = False
        for op in range(n_ops):
            at = program[op, 4]
            size = _gate_matrix(op, program, terms, theta[k], values, slopes, False, matrix)
            for p in range(n_params):
                if live[p]:
                    _apply(matrix, size, rows, at, n_rows, False, tangents[p], spare)
                    tangents[p] = spare
            p = program[op, 0]
            if p >= 0:
                _gate_matrix(op, program, terms, theta[k], values, slopes, True, slope)
                _apply(slope, size, rows, at, n_rows, False, state, spare)
                if live[p]:
                    tangents[p] += spare
                else:
                    tangents[p] = spare
                    live[p] = True
            _apply(matrix, size, rows, at, n_rows, False, state, spare)
            state, spare = spare, state
        for p in range(n_params):
            out = dA[k, p].reshape((effects.shape[0], columns))
            out[:] = 0.0
            if live[p]:
                for e in range(effects.shape[0]):
                    for n in range(n_rows):
                        w = effects[e, n]
                        if w != 0.0:
                            for col in range(columns):
                                out[e, col] += w * tangents[p, n, col]
