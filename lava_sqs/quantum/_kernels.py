"""The Numba loops: building instruments from programs, and stepping whole populations.

Arrays here are plain and checked by the callers. One layout for an instrument everywhere,

    A[k, s, i, c, j]   neuron, outcome, memory component out, encoding term, memory component in

contiguous per neuron, so that a step streams through exactly the numbers of the outcome that
occurred: measured against population-last arrays and BLAS in benchmarks/.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

_F = TypeVar("_F", bound=Callable[..., Any])


def _jit(**options: Any) -> Callable[[_F], _F]:
    # Contraction and reassociation change last bits only; NaN and infinity keep their meaning.
    return njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"}, **options)


@_jit()
def sincospi(x):  # type: ignore[no-untyped-def]
    """sin(pi x) and cos(pi x) for finite x, by exact reduction to |x| <= 1/4."""
    q = math.floor(2.0 * x + 0.5)
    f = math.pi * (x - 0.5 * q)
    g = f * f
    s = f * (
        1.0
        + g
        * (
            -1.0 / 6
            + g
            * (
                1.0 / 120
                + g
                * (
                    -1.0 / 5040
                    + g
                    * (
                        1.0 / 362880
                        + g * (-1.0 / 39916800 + g * (1.0 / 6227020800 - g / 1307674368000.0))
                    )
                )
            )
        )
    )
    c = 1.0 + g * (
        -0.5
        + g
        * (
            1.0 / 24
            + g
            * (
                -1.0 / 720
                + g
                * (
                    1.0 / 40320
                    + g
                    * (
                        -1.0 / 3628800
                        + g
                        * (
                            1.0 / 479001600
                            + g * (-1.0 / 87178291200.0 + g / 20922789888000.0)
                        )
                    )
                )
            )
        )
    )
    m = int(q) & 3
    if m == 0:
        return s, c
    if m == 1:
        return c, -s
    if m == 2:
        return -s, -c
    return -c, s


@_jit()
def encode(z, eta, coefficients):  # type: ignore[no-untyped-def]
    """Fill coefficients[c], the 3**N_I products of (1, eta cos, -eta sin)(pi z_n)."""
    coefficients[0] = 1.0
    size = 1
    for n in range(z.shape[0]):
        if z[n] > 0.0:
            s, c = sincospi(float(z[n]))
            c *= eta[n]
            s *= -eta[n]
        else:
            s, c = 0.0, 1.0
        # Channel 0 is the most significant ternary digit: older digits move up.
        for a in range(size - 1, -1, -1):
            value = coefficients[a]
            coefficients[3 * a] = value
            coefficients[3 * a + 1] = value * c
            coefficients[3 * a + 2] = value * s
        size *= 3


@_jit()
def run_population(A, z, eta, u, clamp, r, floor, spikes, p_spike, logp, memory):  # type: ignore[no-untyped-def]
    """Step K neurons, B batch entries and T steps; return the number of floor hits.

    Shapes: A (K or 1, S, D, C, D); z (T, B, K, N); u (T, B, K) or (0, 0, 0) if all is clamped;
    clamp (T, B, K) outcome index or -1 to draw, or (0, 0, 0); r (B, K, D) in place;
    spikes (T, B, K, N); p_spike (T, B, K, N), logp (T, B, K), memory (T, B, K, D), each may have
    length 0 along T when it is not wanted.
    """
    T, B, K, N = z.shape
    S, D, C = A.shape[1], A.shape[2], A.shape[3]
    M = C * D
    flat = A.reshape((A.shape[0], S, D, M))
    clamped, drawn = clamp.shape[0] > 0, u.shape[0] > 0
    want_p, want_logp, want_memory = p_spike.shape[0] > 0, logp.shape[0] > 0, memory.shape[0] > 0
    c = np.empty(C, np.float64)
    v = np.empty(M, A.dtype)
    y = np.empty(D, A.dtype)
    p = np.empty(S, np.float64)
    hits = 0
    for k in range(K):
        a = flat[k if A.shape[0] > 1 else 0]
        for b in range(B):
            x = r[b, k]
            for t in range(T):
                encode(z[t, b, k], eta, c)
                for q in range(C):
                    w = A.dtype.type(c[q])
                    for j in range(D):
                        v[q * D + j] = w * x[j]
                rest = 1.0
                for s in range(S - 1):
                    row = a[s, 0]
                    total = v[0] * row[0]
                    for m in range(1, M):
                        total += v[m] * row[m]
                    p[s] = total
                    rest -= total
                p[S - 1] = rest
                outcome = -1
                if clamped:
                    outcome = clamp[t, b, k]
                if outcome < 0:
                    outcome = 0
                    if drawn:
                        level = 0.0
                        for s in range(S - 1):
                            level += p[s]
                            if level <= u[t, b, k]:
                                outcome = s + 1
                rows = a[outcome]
                for i in range(D):
                    row = rows[i]
                    total = v[0] * row[0]
                    for m in range(1, M):
                        total += v[m] * row[m]
                    y[i] = total
                probability = float(y[0])
                if probability < floor:
                    # (Nearly) impossible, so only by clamping: forget the outcome.
                    hits += 1
                    probability = floor
                    for s in range(S):
                        if s != outcome:
                            for i in range(D):
                                row = a[s, i]
                                for m in range(M):
                                    y[i] += v[m] * row[m]
                scale = A.dtype.type(1.0) / y[0]
                x[0] = 1.0
                for i in range(1, D):
                    x[i] = y[i] * scale
                for n in range(N):
                    spikes[t, b, k, n] = (outcome >> (N - 1 - n)) & 1
                if want_p:
                    for n in range(N):
                        total_p = 0.0
                        for s in range(S):
                            if (s >> (N - 1 - n)) & 1:
                                total_p += p[s]
                        p_spike[t, b, k, n] = min(max(total_p, 0.0), 1.0)
                if want_logp:
                    logp[t, b, k] = math.log(min(probability, 1.0))
                if want_memory:
                    for i in range(D):
                        memory[t, b, k, i] = x[i]
    return hits


# -- building instruments --------------------------------------------------------------------


@_jit()
def _basis_values(kind, angle, values, slopes):  # type: ignore[no-untyped-def]
    """The trigonometric basis of a gate's superoperator, and its derivative: 1, 3 or 5 terms."""
    values[0], slopes[0] = 1.0, 0.0
    if kind == 0:
        return 1
    n = 1
    step = 1.0 if kind == 1 else 0.5
    for h in range(kind):
        f = step * (h + 1)
        c, s = math.cos(f * angle), math.sin(f * angle)
        values[n], slopes[n] = c, -f * s
        values[n + 1], slopes[n + 1] = s, f * c
        n += 2
    return n


@_jit()
def _combine(terms, offset, size, n, values, out):  # type: ignore[no-untyped-def]
    """out[:size*size] = sum_f values[f] * terms[offset + f*size*size + ...]."""
    area = size * size
    for e in range(area):
        out[e] = values[0] * terms[offset + e]
    for f in range(1, n):
        w = values[f]
        if w != 0.0:
            base = offset + f * area
            for e in range(area):
                out[e] += w * terms[base + e]


@_jit()
def _apply(matrix, size, rows, start, n_rows, transpose, source, target):  # type: ignore[no-untyped-def]
    """target = (matrix on the qubits of rows) source; both (4**n, columns), distinct arrays."""
    columns = source.shape[1]
    for g in range(n_rows // size):
        base = start + g * size
        for i in range(size):
            out = target[rows[base + i]]
            for col in range(columns):
                out[col] = 0.0
            for j in range(size):
                w = matrix[j * size + i] if transpose else matrix[i * size + j]
                if w != 0.0:
                    row = source[rows[base + j]]
                    for col in range(columns):
                        out[col] += w * row[col]


@_jit()
def _gate_matrix(op, program, terms, theta, values, slopes, derivative, out):  # type: ignore[no-untyped-def]
    """Fill the matrix of operation *op* (or its derivative); return its size."""
    param, kind, size, offset = program[op, 0], program[op, 1], program[op, 2], program[op, 3]
    n = _basis_values(kind, theta[param] if param >= 0 else 0.0, values, slopes)
    _combine(terms, offset, size, n, slopes if derivative else values, out)
    return size


@_jit()
def build_instruments(program, terms, rows, start, effects, theta, A):  # type: ignore[no-untyped-def]
    """Fill A (K, S, D, C, D) for the angles theta (K, P).

    program (n_ops, 5): parameter or -1, kind (0 constant, 1 rotation, 2 controlled rotation),
    matrix size, offset into terms, offset into rows. start (4**n, C*D): the encoded register per
    column. effects (S*D, 4**n): what is read out.
    """
    n_rows, columns = start.shape
    values, slopes = np.empty(5), np.empty(5)
    largest = 4
    for op in range(program.shape[0]):
        largest = max(largest, program[op, 2])
    matrix = np.empty(largest * largest)
    a, b = np.empty(start.shape), np.empty(start.shape)
    for k in range(theta.shape[0]):
        a[:] = start
        for op in range(program.shape[0]):
            size = _gate_matrix(op, program, terms, theta[k], values, slopes, False, matrix)
            _apply(matrix, size, rows, program[op, 4], n_rows, False, a, b)
            a, b = b, a
        out = A[k].reshape((effects.shape[0], columns))
        for e in range(effects.shape[0]):
            for col in range(columns):
                out[e, col] = 0.0
            for n in range(n_rows):
                w = effects[e, n]
                if w != 0.0:
                    for col in range(columns):
                        out[e, col] += w * a[n, col]


@_jit()
def pull_back(program, terms, rows, start, effects, theta, G, d_theta):  # type: ignore[no-untyped-def]
    """d_theta[k, p] += <G[k], dA[k]/dtheta_p>: reverse mode through the build, G like A."""
    n_ops, (n_rows, columns) = program.shape[0], start.shape
    values, slopes = np.empty(5), np.empty(5)
    largest = 4
    for op in range(n_ops):
        largest = max(largest, program[op, 2])
    matrix = np.empty(largest * largest)
    states = np.empty((n_ops + 1, n_rows, columns))
    states[0] = start
    adjoint, spare = np.empty(start.shape), np.empty(start.shape)
    for k in range(theta.shape[0]):
        for op in range(n_ops):
            size = _gate_matrix(op, program, terms, theta[k], values, slopes, False, matrix)
            _apply(matrix, size, rows, program[op, 4], n_rows, False, states[op], states[op + 1])
        g = G[k].reshape((effects.shape[0], columns))
        adjoint[:] = 0.0
        for e in range(effects.shape[0]):
            for n in range(n_rows):
                w = effects[e, n]
                if w != 0.0:
                    for col in range(columns):
                        adjoint[n, col] += w * g[e, col]
        for op in range(n_ops - 1, -1, -1):
            if program[op, 0] >= 0:
                size = _gate_matrix(op, program, terms, theta[k], values, slopes, True, matrix)
                _apply(matrix, size, rows, program[op, 4], n_rows, False, states[op], spare)
                total = 0.0
                for n in range(n_rows):
                    for col in range(columns):
                        total += adjoint[n, col] * spare[n, col]
                d_theta[k, program[op, 0]] += total
            size = _gate_matrix(op, program, terms, theta[k], values, slopes, False, matrix)
            _apply(matrix, size, rows, program[op, 4], n_rows, True, adjoint, spare)
            adjoint, spare = spare, adjoint
