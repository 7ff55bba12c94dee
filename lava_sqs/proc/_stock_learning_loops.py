"""The loops of a floating-point connection that learns: a learning phase, and the spikes of a step.

A rule is a list of operations on a row of synapses, each NumPy's, in Lava's order; no two of them
are fused, so the bits are Lava's.
"""

from __future__ import annotations

from numba import njit

__all__ = ["AT", "learn", "note_spikes"]

#: When a trace is read: at the last spike of its own or the other side, or at the epoch's end.
AT = {"x0": 0, "y0": 1, "u": 2}

# What an operation (kind, a, b, c, d) with a number does; see `learn`.
BEGIN, CONSTANT, SYNAPSE, X_TRACE, Y_TRACE, END, SUM = range(7)


@njit(cache=True, nogil=True)
def note_spikes(s_in, back, y1, y2, y3, x, y, tx, ty, y0, law, now, given):  # type: ignore[no-untyped-def]
    """Note the spikes of both sides of a step, and y1 to y3 if they are *given* by the neurons."""
    for j in range(s_in.shape[0]):
        if s_in[j]:
            if tx[j] > 0:  # a second spike within an epoch
                x[0, j] += law[0, 1]
                x[1, j] += law[1, 1]
            tx[j] = now
    for i in range(back.shape[0]):
        if back[i]:
            y0[i] = True
            # Traces that the neurons send are not changed here.
            if ty[i] > 0 and not given:
                for row in range(3):
                    y[row, i] += law[2 + row, 1]
            ty[i] = now
    if given:
        y[0], y[1], y[2] = y1, y2, y3


@njit(cache=True, nogil=True)
def _histories(history, law, times):  # type: ignore[no-untyped-def]
    """Fill history[1:] (steps, traces, neurons) of traces that decay and jump at spikes."""
    for t in range(1, history.shape[0]):
        for row in range(history.shape[1]):
            for i in range(history.shape[2]):
                value = law[row, 0] * history[t - 1, row, i]
                if times[i] == t:
                    value += law[row, 1]
                history[t, row, i] = value


@njit(cache=True, nogil=True)
def _out_of(times, steps):  # type: ignore[no-untyped-def]
    """Whether a time, which somebody must have set, lies outside of the epoch."""
    outside = False
    for i in range(times.shape[0]):
        outside |= times[i] < 0 or times[i] > steps
    return outside


# long: one loop over the operations of a rule, a branch for each kind.
@njit(cache=True, nogil=True)
def _apply(code, numbers, synapses, i, tx, ty, hx, hy, u, rows, new):  # type: ignore[no-untyped-def]
    """Fill new[:, i] with row i of each variable that has a rule; return 0.0, or NaN if odd."""
    steps, n = hx.shape[0] - 1, tx.shape[0]
    value, factor, total = rows[0], rows[1], rows[2]
    odd = 0.0
    for op in range(code.shape[0]):
        kind, a, number = code[op, 0], code[op, 1], numbers[op]
        if kind == BEGIN:
            for j in range(n):
                on = tx[j] > 0 if a == 0 else ty[i] > 0 if a == 1 else u > 0
                value[j] = number * (1.0 if on else 0.0)
        elif kind == CONSTANT:
            for j in range(n):
                value[j] = value[j] * number
        elif kind == END:
            for j in range(n):
                total[j] = value[j] if a else total[j] + value[j]
        elif kind == SUM:
            for j in range(n):
                number = synapses[a, i, j] + total[j]
                # 0 as long as all is finite, NaN as soon as anything is not: one test after the
                # loop.
                odd += number * 0.0
                new[a, i, j] = number
        else:
            at = code[op, 4]
            for j in range(n):
                t = tx[j] if at == 0 else ty[i] if at == 1 else steps
                if kind == SYNAPSE:
                    factor[j] = synapses[a, i, j]
                elif kind == X_TRACE:
                    factor[j] = hx[t, a, j]
                else:
                    factor[j] = hy[t, a, i]
            if code[op, 2]:
                for j in range(n):
                    factor[j] = factor[j] + number
            if code[op, 3]:
                for j in range(n):
                    x = factor[j]
                    factor[j] = 1.0 if x > 0.0 else -1.0 if x < 0.0 else x if x != x else 0.0
            for j in range(n):
                value[j] = value[j] * factor[j]
    return odd


@njit(cache=True, nogil=True)
def learn(code, numbers, synapses, new, x, y, tx, ty, x0, y0, law, hx, hy, rows, u, keeps):  # type: ignore[no-untyped-def]
    """Make a learning phase; return False, and change nothing, if a number is not finite.

    code and numbers : the rules, as operations (kind, a, b, c, d), each with a number. BEGIN a
    product: number times the spikes a (see AT). Then its factors, CONSTANT the number, SYNAPSE
    variable a, X_TRACE or Y_TRACE a at d, to which the number is added if b, and whose sign is
    taken if c. END the product, the first of a sum if a. SUM: add to variable a.
    synapses (3, post, pre): weights, tag_1, tag_2; x (2, pre), y (3, post): traces; law (5, 2):
    their factors of one step, and impulses; hx, hy, rows and new: room. *u*: whether the epoch is
    one of those in which u acts; *keeps*: whether y is what the neurons have sent.
    """
    steps = hx.shape[0] - 1
    if _out_of(tx, steps) or _out_of(ty, steps):
        return False
    hx[0], hy[0] = x, y
    _histories(hx, law[:2], tx)
    _histories(hy, law[2:], ty)
    odd = 0.0
    for i in range(ty.shape[0]):
        odd += _apply(code, numbers, synapses, i, tx, ty, hx, hy, u, rows, new)
    if odd != 0.0:  # NaN
        return False
    for op in range(code.shape[0]):
        if code[op, 0] == SUM:
            synapses[code[op, 1]] = new[code[op, 1]]
    x[:] = hx[steps]
    if not keeps:
        y[:] = hy[steps]
    tx[:], ty[:], x0[:], y0[:] = 0, 0, False, False
    return True
