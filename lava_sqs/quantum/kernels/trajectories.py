"""The Numba loops of :mod:`lava_sqs.quantum.engines.trajectory`: pure states, gate by gate.

States are arrays (2, size), real and imaginary parts; operations are the arrays that
``Steps.arrays`` of :mod:`lava_sqs.quantum.engines.steps` returns.
"""

from __future__ import annotations

import math

import numpy as np

from lava_sqs.quantum.kernels.step import sincospi
from lava_sqs.quantum.kernels.vectors import jit


@jit()
def _pairs(m_re, m_im, at, groups, g0, n, source, target):  # type: ignore[no-untyped-def]
    """target = matrix source, in n groups of 2 amplitudes; both (2, size), may be the same."""
    a_re, b_re, c_re, d_re = m_re[at], m_re[at + 1], m_re[at + 2], m_re[at + 3]
    a_im, b_im, c_im, d_im = m_im[at], m_im[at + 1], m_im[at + 2], m_im[at + 3]
    for g in range(n):
        i, j = groups[g0 + 2 * g], groups[g0 + 2 * g + 1]
        x_re, x_im, y_re, y_im = source[0, i], source[1, i], source[0, j], source[1, j]
        target[0, i] = a_re * x_re - a_im * x_im + b_re * y_re - b_im * y_im
        target[1, i] = a_re * x_im + a_im * x_re + b_re * y_im + b_im * y_re
        target[0, j] = c_re * x_re - c_im * x_im + d_re * y_re - d_im * y_im
        target[1, j] = c_re * x_im + c_im * x_re + d_re * y_im + d_im * y_re


@jit()
def _groups_of(m_re, m_im, at, d, groups, g0, n, source, target, local):  # type: ignore[no-untyped-def]
    """As _pairs, in n groups of d amplitudes; *local* (2, d) is work space."""
    for g in range(n):
        base = g0 + g * d
        for j in range(d):
            local[0, j], local[1, j] = source[0, groups[base + j]], source[1, groups[base + j]]
        for i in range(d):
            row = at + i * d
            re = im = local.dtype.type(0.0)
            for j in range(d):
                re += m_re[row + j] * local[0, j] - m_im[row + j] * local[1, j]
                im += m_re[row + j] * local[1, j] + m_im[row + j] * local[0, j]
            target[0, groups[base + i]], target[1, groups[base + i]] = re, im


@jit()
def _apply(m_re, m_im, at, d, groups, g0, n, source, target, local):  # type: ignore[no-untyped-def]
    if d == 2:
        _pairs(m_re, m_im, at, groups, g0, n, source, target)
    else:
        _groups_of(m_re, m_im, at, d, groups, g0, n, source, target, local)


@jit()
def _norm(state, start, stop):  # type: ignore[no-untyped-def]
    """Return the squared norm of the amplitudes start..stop.

    In pieces: a float32 sum of millions of equal terms would stop growing.
    """
    total = 0.0
    for first in range(start, stop, 1024):
        part = state.dtype.type(0.0)
        for i in range(first, min(first + 1024, stop)):
            part += state[0, i] * state[0, i] + state[1, i] * state[1, i]
        total += part
    return total


@jit(inline="always")
def _steps_of(steps, m):  # type: ignore[no-untyped-def]
    """Return the operations of noise m; groups and constants are of all noises together."""
    table, chance, groups, c_re, c_im, ends = steps
    return table[ends[m] : ends[m + 1]], chance[ends[m] : ends[m + 1]], groups, c_re, c_im


@jit()
def _perform(steps, gate_re, gate_im, rng, state, spare, local):  # type: ignore[no-untyped-def]
    """Apply operations to state (2, size), drawing what is random.

    Return the new state, which is *state* or *spare*, and its squared norm: the probability of
    what was drawn. Before that it is 1.
    """
    table, chance, groups, c_re, c_im = steps
    total = 1.0
    for op in range(table.shape[0]):
        code, d, at = table[op, 0], table[op, 1], table[op, 2]
        count, g0, n = table[op, 3], table[op, 4], table[op, 5]
        if code == 0:
            _apply(gate_re, gate_im, at, d, groups, g0, n, state, state, local)
            continue
        # One number per operation, used or not: draws keep their place in the stream.
        x = rng.random()
        if code == 1:
            if x < chance[op]:
                # Given that x < chance, x / chance is uniform again: it also says which error.
                which = min(int(x / chance[op] * count), count - 1)
                _apply(c_re, c_im, at + which * d * d, d, groups, g0, n, state, state, local)
            continue
        # Kraus operators: the norms are probabilities only relative to that of the state, which is
        # left unnormalised for as long as numbers allow.
        x *= total
        norm = 0.0
        for which in range(count):
            _apply(c_re, c_im, at + which * d * d, d, groups, g0, n, state, spare, local)
            norm = _norm(spare, 0, spare.shape[1])
            x -= norm
            if x < 0.0:
                break
        if norm <= 1e-12 * total:  # beyond the last one, by rounding: take the likeliest
            _apply(c_re, c_im, at, d, groups, g0, n, state, spare, local)
            norm = _norm(spare, 0, spare.shape[1])
        state, spare = spare, state
        total = norm
        # Before float32 runs out of exponent over many channels in a row.
        if total < 1e-9:
            _rescale(state, total)
            total = 1.0
    return state, total


@jit()
def _rescale(state, total):  # type: ignore[no-untyped-def]
    scale = state.dtype.type(1.0 / math.sqrt(total))
    for i in range(state.shape[1]):
        state[0, i] *= scale
        state[1, i] *= scale


@jit()
def _prepare(z, p_reset, p_encode, is_random, rng, psi, state, qubit):  # type: ignore[no-untyped-def]
    """state = (x)_n RX(pi z_n)|0> (x) psi, with the errors of reset and encoding drawn."""
    size = psi.shape[1]
    n_io = z.shape[0]
    for i in range(size):
        state[0, i], state[1, i] = psi[0, i], psi[1, i]
    number = state.dtype.type
    for n in range(n_io - 1, -1, -1):  # the last channel is the least significant
        # Amplitudes of |0> and |1>: (re, im, re, im).
        qubit[0], qubit[1], qubit[2], qubit[3] = 1.0, 0.0, 0.0, 0.0
        flipped = is_random and p_reset[n] > 0.0 and rng.random() < p_reset[n]
        if z[n] > 0.0:
            s, c = sincospi(0.5 * z[n])
            # RX(pi z)|0> = cos |0> - i sin |1>: the amplitude of |1> is imaginary.
            qubit[0], qubit[3] = c, -s
        if flipped:  # RX commutes with X: the other way round
            a, b = qubit[0], qubit[1]
            qubit[0], qubit[1], qubit[2], qubit[3] = qubit[2], qubit[3], a, b
        if z[n] > 0.0 and is_random and p_encode[n] > 0.0:
            x = rng.random()
            if x < p_encode[n]:
                # X, Y or Z, each with a third of the probability.
                which = min(int(3.0 * x / p_encode[n]), 2)
                if which < 2:  # X, or Y up to a phase: X then Z
                    a, b = qubit[0], qubit[1]
                    qubit[0], qubit[1], qubit[2], qubit[3] = qubit[2], qubit[3], a, b
                if which > 0:
                    qubit[2], qubit[3] = -qubit[2], -qubit[3]
        a_re, a_im, b_re, b_im = (
            number(qubit[0]),
            number(qubit[1]),
            number(qubit[2]),
            number(qubit[3]),
        )
        for i in range(size):
            re, im = state[0, i], state[1, i]
            # The upper half first: the lower one still holds psi.
            state[0, size + i] = b_re * re - b_im * im
            state[1, size + i] = b_re * im + b_im * re
            state[0, i] = a_re * re - a_im * im
            state[1, i] = a_re * im + a_im * re
        size *= 2


@jit()
def _draw_index(p, level):  # type: ignore[no-untyped-def]
    """Return the number of cumulative sums of p that are <= level, at most the last index."""
    total, index = 0.0, 0
    for s in range(p.shape[0] - 1):
        total += p[s]
        index += total <= level
    return index


@jit()
def _misread(confusion, p):  # type: ignore[no-untyped-def]
    """p (2**N,), probabilities of the true bits, become those of the reported ones, in place."""
    N = confusion.shape[0]
    for n in range(N):
        bit = 1 << (N - 1 - n)
        for s in range(p.shape[0]):
            if s & bit == 0:
                zero, one = p[s], p[s | bit]
                p[s] = confusion[n, 0, 0] * zero + confusion[n, 0, 1] * one
                p[s | bit] = confusion[n, 1, 0] * zero + confusion[n, 1, 1] * one


@jit()
def _parity(bits):  # type: ignore[no-untyped-def]
    """Return 1 if a non-negative integer of 64 bits has an odd number of ones, otherwise 0."""
    for shift in (32, 16, 8, 4, 2, 1):
        bits ^= bits >> shift
    return bits & 1


# long: one loop over the steps of a neuron, which keeps its work space from step to step.
@jit()
def run_trajectories(  # type: ignore[no-untyped-def]
    registers,
    afters,
    which,
    gates,
    errors,
    z,
    u,
    clamp,
    psi,
    rng,
    floor,
    spikes,
    p_spike,
    likelihood,
    memory,
    reduced,
):
    """Step every neuron; arrays as in run_population, psi (B, K, 2, 2**m) in place.

    registers and afters have the operations of all noises that differ, and which one each neuron
    has is *which* (K or 1,); errors: of each noise p_reset and p_encode (M, N), confusion
    (M, N, 2, 2), and whether anything is random (M,).
    """
    T, B, K, N = z.shape
    S, size = 1 << N, psi.shape[3]
    largest = 2
    for op in range(registers[0].shape[0]):
        largest = max(largest, registers[0][op, 1])
    for op in range(afters[0].shape[0]):
        largest = max(largest, afters[0][op, 1])
    one, two = np.empty((2, S * size), psi.dtype), np.empty((2, S * size), psi.dtype)
    low, other = np.empty((2, size), psi.dtype), np.empty((2, size), psi.dtype)
    local = np.empty((2, largest), psi.dtype)
    qubit = np.empty(4)
    true, reported, weights = np.empty(S), np.empty(S), np.empty(S)
    hits = 0
    for k in range(K):
        gate, m = gates[k if gates.shape[0] > 1 else 0], which[k if which.shape[0] > 1 else 0]
        register, after = _steps_of(registers, m), _steps_of(afters, m)
        p_reset, p_encode, confusion = errors[0][m], errors[1][m], errors[2][m]
        is_random = errors[3][m]
        for b in range(B):
            mine = psi[b, k]
            for t in range(T):
                _prepare(z[t, b, k], p_reset, p_encode, is_random, rng, mine, one, qubit)
                state, _ = _perform(register, gate[0], gate[1], rng, one, two, local)
                total = 0.0
                for s in range(S):
                    true[s] = _norm(state, s * size, (s + 1) * size)
                    total += true[s]
                for s in range(S):
                    true[s] /= total
                # p(true), then p(reported) by the confusion matrix: the spike is what is reported.
                reported[:] = true
                if is_random:
                    _misread(confusion, reported)
                outcome = -1
                if clamp.shape[0] > 0:
                    outcome = clamp[t, b, k]
                if outcome < 0:
                    outcome = _draw_index(reported, u[t, b, k])
                # The memory collapses with the true bits, drawn from p(true | reported).
                kept = outcome
                if is_random:
                    for s in range(S):
                        weights[s] = true[s]
                        for n in range(N):
                            shift = N - 1 - n
                            weights[s] *= confusion[n, (outcome >> shift) & 1, (s >> shift) & 1]
                    kept = _draw_index(weights, rng.random() * reported[outcome])
                # Without noise the memory would be 0 / 0: a branch is drawn instead of the average,
                # since the state has to stay pure.
                elif true[outcome] < floor:
                    # (Nearly) impossible, so only by clamping: forget the outcome.
                    hits += 1
                    kept = _draw_index(true, rng.random())
                # 1e-300: a branch of probability 0 stays 0 instead of NaN.
                scale = psi.dtype.type(1.0 / math.sqrt(max(true[kept] * total, 1e-300)))
                for i in range(size):
                    low[0, i] = state[0, kept * size + i] * scale
                    low[1, i] = state[1, kept * size + i] * scale
                new, total = _perform(after, gate[0], gate[1], rng, low, other, local)
                if total != 1.0:
                    _rescale(new, total)
                mine[:] = new
                for n in range(N):
                    bit = 1 << (N - 1 - n)
                    spikes[t, b, k, n] = (outcome & bit) != 0
                    if p_spike.shape[0] > 0:
                        p_n = 0.0
                        for s in range(S):
                            if s & bit:
                                p_n += reported[s]
                        p_spike[t, b, k, n] = min(max(p_n, 0.0), 1.0)
                if likelihood.shape[0] > 0:
                    likelihood[t, b, k] = min(max(reported[outcome], floor), 1.0)
                if memory.shape[0] > 0:
                    pauli_vector(mine, reduced, memory[t, b, k])
    return hits


@jit()
def pauli_vector(psi, reduced, out):  # type: ignore[no-untyped-def]
    """out[a] = <psi|P_a|psi>, or the four of each single qubit in turn."""
    size = psi.shape[1]
    qubits = 0
    while (1 << qubits) < size:
        qubits += 1
    for a in range(out.shape[0]):
        flip = sign = n_y = 0
        for q in range(qubits):
            letter = (a >> (2 * (qubits - 1 - q))) & 3
            if reduced:
                letter = a & 3 if q == a >> 2 else 0
            bit = 1 << (qubits - 1 - q)
            if letter == 1 or letter == 2:
                flip |= bit
            if letter >= 2:
                sign |= bit
            n_y += letter == 2
        # P|i> = i**n_y (-1)**(bits of i in sign) |i ^ flip>
        re = im = 0.0
        for i in range(size):
            j = i ^ flip
            weight = 1.0 - 2.0 * _parity(i & sign)
            re += weight * (psi[0, j] * psi[0, i] + psi[1, j] * psi[1, i])
            im += weight * (psi[0, j] * psi[1, i] - psi[1, j] * psi[0, i])
        turn = n_y & 3
        if turn == 0:
            out[a] = re
        elif turn == 1:
            out[a] = -im
        elif turn == 2:
            out[a] = -re
        else:
            out[a] = im


@jit()
def pauli_vectors(psi, reduced, out):  # type: ignore[no-untyped-def]
    """As pauli_vector for psi (B, K, 2, size) and out (B, K, ...)."""
    for b in range(psi.shape[0]):
        for k in range(psi.shape[1]):
            pauli_vector(psi[b, k], reduced, out[b, k])
