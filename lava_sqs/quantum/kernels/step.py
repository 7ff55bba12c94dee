"""The Numba loop that steps whole populations.

Arrays here are plain and checked by the callers. One layout for an instrument everywhere,

    A[k, s, i, c, j]   neuron, outcome, memory component out, encoding term, memory component in

and one that ``pack_instruments`` makes of it for stepping, with m = (c, j) and M = C D,

    effects[k, s, m]     p(s) = effects[k, s] . v            (of the last outcome: 1 - the others)
    blocks[k, s, m, i]   y = sum_m v_m blocks[k, s, m]       with v = c(z) (x) r

so that a step reads the effects and then exactly the numbers of the outcome that occurred, in
order. Of one io and one memory qubit both outcomes fit two registers, and all is one product,

    blocks[k, 0, m, (s, i)]   y_s of both outcomes, p(s) = y_s[0]; no effects

so that memory is read in order whatever is drawn. Why it looks like this is measured in
docs/performance.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from lava_sqs.quantum.kernels.vectors import (
    both_products,
    dot,
    expand,
    fetch_both,
    four_products,
    jit,
    normalise,
    one_product,
)

_SIN = tuple((-1) ** i / math.factorial(2 * i + 1) for i in range(11))
_COS = tuple((-1) ** i / math.factorial(2 * i) for i in range(11))


@jit()
def sincospi(x):  # type: ignore[no-untyped-def]
    """sin(pi x) and cos(pi x) for finite x: exact reduction to |x| <= 1/2, no branches."""
    whole = np.floor(x + 0.5)
    sign = 1.0 - 2.0 * (whole - 2.0 * np.floor(0.5 * whole))
    f = math.pi * (x - whole)
    g = f * f
    s = _SIN[10]
    c = _COS[10]
    for i in range(9, -1, -1):
        s = s * g + _SIN[i]
        c = c * g + _COS[i]
    return sign * (f * s), sign * c


@jit()
def encode(z, eta, coefficients):  # type: ignore[no-untyped-def]
    """Fill coefficients[c], the 3**N_I products of (1, eta cos, -eta sin)(pi z_n)."""
    coefficients[0] = 1.0
    size = 1
    for n in range(z.shape[0]):
        s, c = 0.0, 1.0
        # z <= 0 applies no gate: nothing is rotated, and nothing depolarised either.
        if z[n] > 0.0:
            s, c = sincospi(float(z[n]))
            c *= eta[n]
            s *= -eta[n]
        # Channel 0 is the most significant ternary digit: older digits move up.
        for a in range(size - 1, -1, -1):
            value = coefficients[a]
            coefficients[3 * a] = value
            coefficients[3 * a + 1] = value * c
            coefficients[3 * a + 2] = value * s
        size *= 3


@jit()
def _encode_tile(z, eta, cosines, sines, coefficients):  # type: ignore[no-untyped-def]
    """As encode, for z and eta (n, N): coefficients[i C + c]; cosines, sines are work space."""
    n, N = z.shape
    C = coefficients.shape[0] // cosines.shape[0]
    one = coefficients.dtype.type(1.0)
    for channel in range(N):
        # eta is what the depolarising of the encoding gate leaves of the Bloch vector.
        for i in range(n):
            x, shrink = z[i, channel], eta[i, channel]
            s, c = sincospi(x)
            cosines[i] = shrink * c if x > 0.0 else 1.0
            sines[i] = -shrink * s if x > 0.0 else 0.0
        if N == 1:
            for i in range(n):
                coefficients[3 * i] = one
                coefficients[3 * i + 1] = cosines[i]
                coefficients[3 * i + 2] = sines[i]
            return
        size = 3**channel
        for i in range(n):
            row = i * C
            if channel == 0:
                coefficients[row] = one
            for a in range(size - 1, -1, -1):
                value = coefficients[row + a]
                coefficients[row + 3 * a] = value
                coefficients[row + 3 * a + 1] = value * cosines[i]
                coefficients[row + 3 * a + 2] = value * sines[i]


@jit()
def inspect_currents(z):  # type: ignore[no-untyped-def]
    """Return whether all of z (flat) are finite, and how many exceed 1."""
    zero, wraps = 0.0, 0
    for i in range(z.shape[0]):
        zero += z[i] * 0.0  # NaN if z[i] is NaN or infinite
        wraps += z[i] > 1.0
    return zero == 0.0, wraps


@jit()
def _both_of_tile(blocks, k0, shared, ahead, c, r, r0, y, p, n):  # type: ignore[no-untyped-def]
    """Fill y and p of n neurons with one io and one memory qubit: a loop alone is twice as fast."""
    for i in range(n):
        at = 96 * (k0 if shared else k0 + i)
        if ahead:
            fetch_both(blocks, at + 96 * ahead, 4)
        both_products(blocks, at, c, 3 * i, r, r0 + 4 * i, y, 8 * i, 4)
        p[i, 0] = y[8 * i]
        p[i, 1] = 1.0 - p[i, 0]


# long: the loops of a tile share their work space, and the order of its passes is the point.
@jit()
def run_population(  # type: ignore[no-untyped-def]
    effects, blocks, z, eta, u, clamp, r, floor, spikes, p_spike, likelihood, memory
):
    """Step K neurons, B batch entries and T steps; return the number of floor hits.

    Shapes: effects and blocks as ``pack_instruments`` makes them, of K neurons or of 1;
    z (T, B, K, N); eta (K, N); u (T, B, K), or (0, 0, 0) if all is clamped; clamp (T, B, K) outcome
    index or -1 to draw, or (0, 0, 0); r (B, K, D) in place; spikes (T, B, K, N); p_spike
    (T, B, K, N), likelihood of the outcome (T, B, K), memory (T, B, K, D), each may have length 0
    along T when it is not wanted. All C-contiguous.

    Neurons go in tiles, small enough to stay in cache over the T steps: encode the whole tile,
    draw all its outcomes, then apply the blocks that occurred.
    """
    T, B, K = z.shape[:3]
    shared = blocks.shape[0] == 1
    G, M, W, D = blocks.shape[1], blocks.shape[2], blocks.shape[3], r.shape[2]
    S, C = G * W // D, M // D
    both = W > D  # the outcomes are side by side
    lowest, one = blocks.dtype.type(floor), blocks.dtype.type(1.0)
    clamped, drawn = clamp.shape[0] > 0, u.shape[0] > 0
    want_p, want_memory = p_spike.shape[0] > 0, memory.shape[0] > 0
    want_likelihood = likelihood.shape[0] > 0
    tile = 64
    if not shared:
        # Blocks of a tile stay within 256 kB, a usual second-level cache.
        tile = max(8, min(tile, 2**18 // (G * M * W * blocks.itemsize)))
    streaming = T * B == 1 and blocks.size * blocks.itemsize > 2**23  # more than caches hold
    # Vectors that meet the same large block go four at a time.
    grouped = shared and D > 4
    cosines, sines = np.empty(tile), np.empty(tile)
    c = np.empty(tile * C, blocks.dtype)
    v = np.empty(tile * M, blocks.dtype)
    y = np.empty(tile * W, blocks.dtype)
    p = np.empty((tile, S), np.float64)
    chosen, order = np.empty(tile, np.int32), np.empty(tile, np.int64)
    hits = 0
    for k0 in range(0, K, tile):
        n = min(tile, K - k0)
        for t in range(T):
            for b in range(B):
                base = (b * K + k0) * D
                _encode_tile(z[t, b, k0 : k0 + n], eta[k0 : k0 + n], cosines, sines, c)
                if both:
                    ahead = tile if streaming else 0
                    _both_of_tile(blocks, 0 if shared else k0, shared, ahead, c, r, base, y, p, n)
                for i in range(0 if both else n):
                    k = 0 if shared else k0 + i
                    expand(c, i * C, r, base + i * D, v, i * M, C, D)
                    # Effects are packed of all outcomes but the last: its probability is what is
                    # left of 1.
                    last = 1.0
                    for s in range(S - 1):
                        at = (k * (S - 1) + s) * M
                        p[i, s] = dot(effects, at, c, i * C, r, base + i * D, v, i * M, C, D)
                        last -= p[i, s]
                    p[i, S - 1] = last
                if drawn:
                    _draw(p, u[t, b, k0 : k0 + n], chosen)
                else:
                    chosen[:] = 0
                # After the draw: a clamped step uses its random number up, so that later draws do
                # not depend on what was clamped.
                if clamped:
                    for i in range(n):
                        if clamp[t, b, k0 + i] >= 0:
                            chosen[i] = clamp[t, b, k0 + i]
                _report(chosen, spikes[t, b, k0 : k0 + n])
                if want_p:
                    _marginals(p, p_spike[t, b, k0 : k0 + n])
                if grouped:
                    # Sort the tile by outcome without a branch, which random outcomes would make
                    # the processor mispredict: every index is written, and only those that belong
                    # are kept.
                    for s in range(S):
                        m = 0
                        for i in range(n):
                            order[m] = i
                            m += chosen[i] == s
                        _same_block(blocks, s * M * D, v, y, order, m, M, D)
                elif not both:
                    for i in range(n):
                        k = 0 if shared else k0 + i
                        at = (k * S + chosen[i]) * M * D
                        one_product(blocks, at, c, i * C, r, base + i * D, v, i * M, y, i * D, C, D)
                for i in range(n):
                    # y is not normalised: its component 0, the trace, is the probability of the
                    # outcome.
                    at = i * W + (chosen[i] * D if both else 0)
                    if y[at] < lowest:
                        # (Nearly) impossible, so only by clamping: forget the outcome.
                        hits += 1
                        if want_likelihood:
                            likelihood[t, b, k0 + i] = floor
                        if both:
                            for j in range(D):
                                y[at + j] = y[i * W + j] + y[i * W + D + j]
                        else:
                            _forget(blocks[0 if shared else k0 + i], c, i, r[b, k0 + i], y)
                    # Rounding may bring it above 1 by an ulp, and its logarithm above 0.
                    elif want_likelihood:
                        likelihood[t, b, k0 + i] = min(y[at], one)
                    normalise(y, at, r, base + i * D, D)
                if want_memory:
                    memory[t, b, k0 : k0 + n] = r[b, k0 : k0 + n]
    return hits


@njit(cache=True)  # no fused operations: NumPy's scale * a + bias, to the last bit
def scaled_step(  # type: ignore[no-untyped-def]
    effects, blocks, a, scale, bias, z, eta, u, clamp, r, floor, spikes, p_spike, likelihood, memory
):
    """Step once with z = scale a + bias; return how many z wrap, and the floor hits.

    a is flat, and so is bias, of as many numbers or of a whole number of times fewer; z, of shape
    (1, B, K, N), is filled. The rest as in ``run_population``. If a z is not finite: -1, no step.
    """
    flat, n = z.reshape(-1), bias.shape[0]
    wraps, finite = 0, 0
    for start in range(0, a.shape[0], n):
        currents, out = a[start : start + n], flat[start : start + n]
        for i in range(n):
            out[i] = scale * currents[i] + bias[i]
        for i in range(n):
            # False for NaN and both infinities, in one operation that vectorises.
            finite += out[i] - out[i] == 0.0
            wraps += out[i] > 1.0
    # No memory has moved yet: who catches the error may read or repeat the step.
    if finite < a.shape[0]:
        return -1, 0
    hits = run_population(
        effects, blocks, z, eta, u, clamp, r, floor, spikes, p_spike, likelihood, memory
    )
    return wraps, hits


@jit()
def _draw(p, u, chosen):  # type: ignore[no-untyped-def]
    """chosen[i] = the number of cumulative probabilities p[i] that are <= u[i]."""
    S = p.shape[1]
    for i in range(u.shape[0]):
        # The rule of every engine (docs/conventions.md, Randomness), by sums in float64.
        level, outcome = p[i, 0], 0
        outcome += level <= u[i]
        for s in range(1, S - 1):
            level += p[i, s]
            outcome += level <= u[i]
        chosen[i] = outcome


@jit()
def _report(chosen, spikes):  # type: ignore[no-untyped-def]
    """Write the bits of the outcomes, channel 0 the most significant."""
    n, N = spikes.shape
    for channel in range(N):
        bit = np.int32(1 << (N - 1 - channel))
        for i in range(n):
            spikes[i, channel] = (chosen[i] & bit) != 0


@jit()
def _marginals(p, p_spike):  # type: ignore[no-untyped-def]
    """p_spike[i, channel] = the probability that the channel reports a spike."""
    n, N = p_spike.shape
    S = p.shape[1]
    if S == 2:
        for i in range(n):
            # One less a sum may be -1e-17.
            p_spike[i, 0] = min(max(p[i, 1], 0.0), 1.0)
        return
    for channel in range(N):
        shift = N - 1 - channel
        for i in range(n):
            total = 0.0
            for s in range(1, S):
                if (s >> shift) & 1:
                    total += p[i, s]
            p_spike[i, channel] = min(max(total, 0.0), 1.0)


@jit()
def _same_block(blocks, at, v, y, order, n, M, D):  # type: ignore[no-untyped-def]
    """Apply the block at *at* to the first n vectors of *order*."""
    whole = n - n % 4
    for i in range(0, whole, 4):
        a, b, c, d = order[i], order[i + 1], order[i + 2], order[i + 3]
        four_products(
            blocks, at, v, a * M, b * M, c * M, d * M, y, a * D, b * D, c * D, d * D, M, D
        )
    for i in range(whole, n):
        one_product(blocks, at, v, 0, y, 0, v, order[i] * M, y, order[i] * D, M // D, D)


@jit()
def _forget(blocks, c, i, x, y):  # type: ignore[no-untyped-def]
    """y[i D + ...] = the memory after an unknown outcome, for one neuron's blocks (S, M, D)."""
    S, M, D = blocks.shape
    C = M // D
    for j in range(D):
        # Nobody looked at the outcome: the maps of all outcomes add up.
        total = 0.0
        for s in range(S):
            for m in range(M):
                total += c[i * C + m // D] * x[m % D] * blocks[s, m, j]
        y[i * D + j] = total


def aligned_empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an uninitialised array that starts on a cache line."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def packed_shapes(shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shapes of one neuron's effects and blocks, for an instrument (S, D, C, D)."""
    S, D, C, _ = shape
    if (S, D) == (2, 4):
        return (0, C * D), (1, C * D, S * D)
    return (S - 1, C * D), (S, C * D, D)


def pack_instruments(A: Any) -> tuple[Any, Any]:
    """Return effects and blocks of instruments A (K, S, D, C, D): see the top."""
    K, S, D, C, _ = A.shape
    effects, blocks = packed_shapes(A.shape[1:])
    rows = A.reshape(K, S, D, C * D)
    if not effects[0]:
        return np.empty((K, *effects)), rows.transpose(0, 3, 1, 2).reshape(K, *blocks)
    return rows[:, :-1, 0], rows.swapaxes(2, 3)


@jit()
def pack_into(A, effects, blocks):  # type: ignore[no-untyped-def]
    """Write what ``pack_instruments`` makes of A into effects and blocks that are there."""
    K, S, D, C, _ = A.shape
    rows = A.reshape((K, S, D, C * D))
    both = effects.shape[1] == 0
    for k in range(K):
        for s in range(S):
            for m in range(C * D):
                for i in range(D):
                    if both:
                        blocks[k, 0, m, s * D + i] = rows[k, s, i, m]
                    else:
                        blocks[k, s, m, i] = rows[k, s, i, m]
                if not both and s < S - 1:
                    effects[k, s, m] = rows[k, s, 0, m]


@jit()
def inspect_angles(theta):  # type: ignore[no-untyped-def]
    """Return whether all angles (K, P) are finite, and whether all rows are the same."""
    finite, same = True, True
    for k in range(theta.shape[0]):
        for p in range(theta.shape[1]):
            finite &= theta[k, p] - theta[k, p] == 0.0
            same &= theta[k, p] == theta[0, p]
    return finite, same
