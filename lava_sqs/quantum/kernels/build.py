"""The Numba loops that build instruments from programs, and go back through the build.

Layouts as in :mod:`lava_sqs.quantum.kernels.step`; a program is described at
``build_instruments``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from lava_sqs.quantum.kernels.vectors import Emitter, jit, vectorised


@intrinsic
def _add_row(context, w, a, i, b, j, d):  # type: ignore[no-untyped-def]
    """b[j] += w a[i], for rows of the matrices a and b, whose width d is a multiple of 4."""

    def emit(e: Emitter, w: Any, a: Any, i: Any, b: Any, j: Any, d: Any) -> None:
        product = e.builder.mul
        source, target = product(i, d), product(j, d)
        weight = e.copies(w)
        with e.loop(d, e.lanes) as (at, _):
            here = e.builder.add(target, at)
            term = e.multiply(weight, e.load(a, e.builder.add(source, at)))
            e.store(e.add(e.load(b, here), term), b, here)

    n = types.intp
    return types.void(types.float64, a, n, b, n, n), vectorised(emit)


@intrinsic
def _row_product(context, a, i, b, j, d):  # type: ignore[no-untyped-def]
    """Return a[i] . b[j], for rows as those of _add_row."""

    def emit(e: Emitter, a: Any, i: Any, b: Any, j: Any, d: Any) -> Any:
        first, second = e.builder.mul(i, d), e.builder.mul(j, d)
        (total,) = e.sums(1)
        with e.loop(d, e.lanes) as (at, _):
            left, right = (e.builder.add(row, at) for row in (first, second))
            e.accumulate(total, e.load(a, left), e.load(b, right))
        return e.fold(e.builder.load(total))

    n = types.intp
    return types.float64(a, n, b, n, n), vectorised(emit)


@jit()
def trigonometric_basis(kind, angle):  # type: ignore[no-untyped-def]
    """1, cos, sin, cos, sin: of the angle and twice it, or (*kind* 2) of half the angle and it."""
    if kind == 2:
        # Controlled rotations hold cos and sin of half the angle: their basis is that of theta/2.
        angle *= 0.5
    c, s = math.cos(angle), math.sin(angle)
    return 1.0, c, s, c * c - s * s, 2.0 * c * s


@jit()
def _gate_values(op, program, terms, theta, derivative, out):  # type: ignore[no-untyped-def]
    """Fill the entries of operation *op*, or their derivatives; return their number."""
    param, kind, count, first = program[op, 0], program[op, 1], program[op, 2], program[op, 3]
    b0, b1, b2, b3, b4 = trigonometric_basis(kind, theta[param] if param >= 0 else 0.0)
    if derivative:
        # d/dtheta of (1, c, s, cos 2x, sin 2x), with the inner derivative of half angles.
        step = 0.5 if kind == 2 else 1.0
        b0, b1, b2, b3, b4 = 0.0, -step * b2, step * b1, -2.0 * step * b4, 2.0 * step * b3
    for e in range(count):
        t = terms[first + e]
        value = b0 * t[0]
        if kind > 0:
            value += b1 * t[1] + b2 * t[2]
        if kind > 1:
            value += b3 * t[3] + b4 * t[4]
        out[e] = value
    return count


# What Numba makes of an assignment to a slice takes longer than the sums.


@jit()
def _zero(target, first, width):  # type: ignore[no-untyped-def]
    """The columns target[:, first : first + width] = 0."""
    for n in range(target.shape[0]):
        for column in range(first, first + width):
            target[n, column] = 0.0


@jit()
def _put(source, begin, target, first, width):  # type: ignore[no-untyped-def]
    """The columns target[:, first : first + width] = source[:, begin : begin + width]."""
    for n in range(target.shape[0]):
        for column in range(width):
            target[n, first + column] = source[n, begin + column]


@jit()
def _apply(op, program, entries, values, rows, transpose, source, target):  # type: ignore[no-untyped-def]
    """target = (operation *op*) source; both (4**n, columns), distinct arrays."""
    count, first, size, start = program[op, 2], program[op, 3], program[op, 4], program[op, 5]
    n_rows, columns = source.shape
    target[:] = 0.0
    for g in range(start, start + n_rows, size):
        for e in range(count):
            i, j = rows[g + entries[first + e, 0]], rows[g + entries[first + e, 1]]
            # The adjoint of a real map is its transpose; its rows are those of the same groups.
            if transpose:
                i, j = j, i
            _add_row(values[e], source, j, target, i, columns)


@jit()
def _read_out(effects, state, out):  # type: ignore[no-untyped-def]
    """out = effects state."""
    out[:] = 0.0
    for e in range(effects.shape[0]):
        for n in range(effects.shape[1]):
            if effects[e, n] != 0.0:
                _add_row(effects[e, n], state, n, out, e, state.shape[1])


@jit(nogil=True)
def build_instruments(program, entries, terms, rows, start, effects, which, theta, A):  # type: ignore[no-untyped-def]
    """Fill A (K, S, D, C, D) for the angles theta (K, P).

    program (n_ops, 6): parameter or -1, kind (0 constant, 1 rotation, 2 controlled rotation),
    number of entries that are not zero, the first of them in entries (row, column) and terms
    (coefficients in the trigonometric basis), matrix size, offset into rows. start (4**n, C*D): the
    encoded register per column. effects (S*D, 4**n): what is read out. The last three have a
    leading axis, of the noises that differ: neuron k has row which[k].
    """
    values = np.empty(terms.shape[1])
    a, b = np.empty(start.shape[1:]), np.empty(start.shape[1:])
    for k in range(theta.shape[0]):
        m = which[k]
        own = terms[m]  # once per neuron: a slice counts references, which shows at this size
        a[:] = start[m]
        for op in range(program.shape[0]):
            _gate_values(op, program, own, theta[k], False, values)
            _apply(op, program, entries, values, rows, False, a, b)
            # The result of one operation is the input of the next: two buffers take turns.
            a, b = b, a
        _read_out(effects[m], a, A[k].reshape((effects.shape[1], start.shape[2])))


@jit()
def _pull_back_run(program, entries, terms, rows, start, effects, theta, G, d_theta):  # type: ignore[no-untyped-def]
    """``pull_back`` of neurons with the same noise."""
    n_ops, (n_rows, columns) = program.shape[0], start.shape
    values = np.empty(terms.shape[0])
    # Every state on the way is kept: with noise no operation can be undone.
    states = np.empty((n_ops + 1, n_rows, columns))
    states[0] = start
    adjoint, spare = np.empty(start.shape), np.empty(start.shape)
    for k in range(theta.shape[0]):
        for op in range(n_ops):
            _gate_values(op, program, terms, theta[k], False, values)
            _apply(op, program, entries, values, rows, False, states[op], states[op + 1])
        _read_out(effects.T, G[k].reshape((effects.shape[0], columns)), adjoint)
        for op in range(n_ops - 1, -1, -1):
            # d<G, A>/dtheta = <adjoint, dOp state>, before the adjoint passes the operation.
            if program[op, 0] >= 0:
                count = _gate_values(op, program, terms, theta[k], True, values)
                first, size, at = program[op, 3], program[op, 4], program[op, 5]
                total = 0.0
                for g in range(at, at + n_rows, size):
                    for e in range(count):
                        if values[e] != 0.0:
                            i, j = rows[g + entries[first + e, 0]], rows[g + entries[first + e, 1]]
                            total += values[e] * _row_product(adjoint, i, states[op], j, columns)
                d_theta[k, program[op, 0]] += total
            _gate_values(op, program, terms, theta[k], False, values)
            _apply(op, program, entries, values, rows, True, adjoint, spare)
            adjoint, spare = spare, adjoint


@jit(nogil=True)
def pull_back(program, entries, terms, rows, start, effects, which, theta, G, d_theta):  # type: ignore[no-untyped-def]
    """d_theta[k, p] += <G[k], dA[k]/dtheta_p>: reverse mode through the build, G like A."""
    first, end = 0, theta.shape[0]
    while first < end:
        # Neurons side by side with the same noise are one run: a slice counts references, and
        # arrays from outside may overlap, as far as the compiler knows, which shows at this size.
        m, last = which[first], first + 1
        while last < end and which[last] == m:
            last += 1
        part = slice(first, last)
        _pull_back_run(
            program, entries, terms[m], rows, start[m], effects[m],
            theta[part], G[part], d_theta[part],
        )  # fmt: skip
        first = last


@intrinsic
def _add_run(context, w, a, i, b, j, d):  # type: ignore[no-untyped-def]
    """b[j : j + d] += w a[i : i + d], places in the memory of a and b; 4 divides d."""

    def emit(e: Emitter, w: Any, a: Any, i: Any, b: Any, j: Any, d: Any) -> None:
        weight = e.copies(w)
        with e.loop(d, e.lanes) as (at, _):
            here = e.builder.add(j, at)
            term = e.multiply(weight, e.load(a, e.builder.add(i, at)))
            e.store(e.add(e.load(b, here), term), b, here)

    n = types.intp
    return types.void(types.float64, a, n, b, n, n), vectorised(emit)


@jit()
def _apply_run(op, program, entries, values, rows, source, target, first, width):  # type: ignore[no-untyped-def]
    """The columns target[:, first : first + width] = (operation *op*) source[:, :width]."""
    count, begin, size, start = program[op, 2], program[op, 3], program[op, 4], program[op, 5]
    (n_rows, columns), stride = source.shape, target.shape[1]
    _zero(target, first, width)
    for g in range(start, start + n_rows, size):
        for e in range(count):
            i, j = rows[g + entries[begin + e, 0]], rows[g + entries[begin + e, 1]]
            _add_run(values[e], source, j * columns, target, i * stride + first, width)


@jit()
def build_derivatives(program, entries, terms, rows, start, effects, which, theta, dA, A):  # type: ignore[no-untyped-def]
    """Fill dA (K, P, S, D, C, D), the derivatives of the instruments by each angle, and those in A.

    A may have no rows: then they are not asked for. The other arguments are those of
    ``build_instruments``. Tangents are pushed forward gate by gate, beside the state: the columns
    of the state come first, then those of each angle that has occurred.
    """
    n_ops, n_params, (_, n_rows, columns) = program.shape[0], dA.shape[1], start.shape
    n_out, most = effects.shape[1], (n_params + 1) * columns
    values, slopes = np.empty(terms.shape[1]), np.empty(terms.shape[1])
    now, then = np.empty((n_rows, most)), np.empty((n_rows, most))
    read = np.empty((n_out, most))
    spare, place = np.empty((n_rows, columns)), np.empty(n_params, np.int64)
    by_angle = dA.reshape((theta.shape[0], n_params, n_out, columns))
    made = A.reshape((A.shape[0], n_out, columns))
    for k in range(theta.shape[0]):
        m = which[k]
        own, effect = terms[m], effects[m]
        _put(start[m], 0, now, 0, columns)
        place[:] = 0
        width = columns
        for op in range(n_ops):
            _gate_values(op, program, own, theta[k], False, values)
            _apply_run(op, program, entries, values, rows, now, then, 0, width)
            p = program[op, 0]
            if p >= 0:
                _gate_values(op, program, own, theta[k], True, slopes)
                # An angle that occurs twice: its tangents are there, and this gate adds to them
                # (product rule).
                if place[p]:
                    _apply_run(op, program, entries, slopes, rows, now, spare, 0, columns)
                    then[:, place[p] : place[p] + columns] += spare
                else:
                    _apply_run(op, program, entries, slopes, rows, now, then, width, columns)
                    place[p] = width
                    width += columns
            now, then = then, now
        _zero(read, 0, width)
        for e in range(n_out):
            for n in range(n_rows):
                if effect[e, n] != 0.0:
                    _add_run(effect[e, n], now, n * most, read, e * most, width)
        if made.shape[0]:
            _put(read, 0, made[k], 0, columns)
        for p in range(n_params):
            if place[p]:
                _put(read, place[p], by_angle[k, p], 0, columns)
            else:
                _zero(by_angle[k, p], 0, columns)
