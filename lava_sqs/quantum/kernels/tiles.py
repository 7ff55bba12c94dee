"""Sparse maps applied to a register, pass by pass and tile by tile; see ``quantum/tiles.py``.

The functions of one map or one copy are inlined: what a call would cost, a dozen arrays to pass,
is as much as the map of a small register.

A register is flat, and each of its components has some numbers in a row, its *lanes*: samples (or
sensitivities) that share their angles go side by side. *program* is what ``tables_of`` makes; *w*
are the entries of a neuron's matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lava_sqs.quantum.kernels.vectors import Emitter, const, jit, vectorised

_TOGETHER = 8  # entries of a row that are in registers at a time
_COUNTS = (0, 1, 2, 3, 4, 6, 8)  # of entries that have code of their own


def _no_unrolling(b: Any) -> None:
    """Keep LLVM from unrolling the loop, which would take seconds and gains nothing."""
    nothing = ir.InlineAsm(ir.FunctionType(ir.VoidType(), []), "", "", side_effect=True)
    b.call(nothing, [], attrs=("convergent",))


def _switch(e: Emitter, count: Any, counts: Sequence[int], block: Callable[[int], None]) -> None:
    """Emit block(c) where the number *count* of entries is c, one of *counts*."""
    for c in counts:
        with e.builder.if_then(e.builder.icmp_signed("==", count, const(c))):
            block(c)


@intrinsic
def _row(context, w, columns, n, count, row, bases, b0, b1, v, y, fresh, width):  # type: ignore[no-untyped-def]
    """y[i + row + x] = sum_e w[e] v[i + columns[e] + x] for count entries e from n, i of bases.

    x < width, which is 4 or 16; count is one of _COUNTS; unless *fresh* is 1, count is 1 or 4 and
    the sum is added to y.
    """

    def emit(e: Emitter, w: Any, columns: Any, n: Any, count: Any, row: Any, *rest: Any) -> None:
        bases, b0, b1, v, y, fresh, _ = rest
        if not e.short:
            e = e.widened(64 // e.align)
        b, parts = e.builder, 1 if e.short else 16 // e.lanes

        def block(c: int, add: bool) -> None:
            weights = [e.splat(w, e.offset(n, k)) for k in range(c)]
            sources = [b.load(b.gep(columns, [e.offset(n, k)])) for k in range(c)]
            with cgutils.for_range_slice(b, b0, b1, const(1), inc=True) as (g, _):
                _no_unrolling(b)
                at = b.load(b.gep(bases, [g]))
                places = [b.add(at, source) for source in sources]
                for h in range(parts):
                    target = e.offset(b.add(at, row), h * e.lanes)
                    total = e.load(y, target) if add else ir.Constant(e.vector, [0.0] * e.lanes)
                    for weight, place in zip(weights, places, strict=True):
                        number = e.load(v, e.offset(place, h * e.lanes))
                        total = e.add(e.multiply(weight, number), total)
                    e.store(total, y, target)

        with b.if_else(b.icmp_signed("==", fresh, const(1))) as (first, later):
            with first:
                _switch(e, count, _COUNTS, lambda c: block(c, False))
            with later:
                _switch(e, count, (1, 4), lambda c: block(c, True))

    n = types.intp
    args = w, columns, n, n, n, bases, n, n, v, y, n, n
    return types.void(*args), vectorised(emit)


@intrinsic
def _correlation(context, g, columns, n, count, row, bases, b0, b1, left, v, width):  # type: ignore[no-untyped-def]
    """g[4 e ..] += sum_ix left[i + row + x] v[i + columns[e] + x] for count entries e from n.

    i of bases; x < width, which is 4 or 16; four sums for each entry, to be added up later. count
    is 1 or 4.
    """

    def emit(e: Emitter, g: Any, columns: Any, n: Any, count: Any, row: Any, *rest: Any) -> None:
        bases, b0, b1, left, v, _ = rest
        e = e.widened(4)
        b, parts = e.builder, 1 if e.short else 4

        def block(c: int) -> None:
            sources = [b.load(b.gep(columns, [e.offset(n, k)])) for k in range(c)]
            totals = [e.sums(min(parts, 2)) for _ in range(c)]
            with cgutils.for_range_slice(b, b0, b1, const(1), inc=True) as (i, _):
                _no_unrolling(b)
                at = b.load(b.gep(bases, [i]))
                for h in range(parts):
                    mine = e.load(left, e.offset(b.add(at, row), h * 4))
                    for source, total in zip(sources, totals, strict=True):
                        number = e.load(v, e.offset(b.add(at, source), h * 4))
                        e.accumulate(total[h % 2], mine, number)
            for k, total in enumerate(totals):
                place = b.mul(e.offset(n, k), const(4))
                done = reduce(e.add, [b.load(t) for t in total], e.load(g, place))
                e.store(done, g, place)

        _switch(e, count, (1, 4), block)

    n = types.intp
    args = g, columns, n, n, n, bases, n, n, left, v, n
    return types.void(*args), vectorised(emit)


@intrinsic
def _move(context, v, i, y, j, width):  # type: ignore[no-untyped-def]
    """y[j : j + width] = v[i : i + width], for a width of 4 or a multiple of 16."""

    def emit(e: Emitter, v: Any, i: Any, y: Any, j: Any, width: Any) -> None:
        b, count = e.builder, 1 if e.short else 16 // e.lanes
        with e.loop(width, count * e.lanes) as (x, _):
            for h in range(count):
                here = e.offset(x, h * e.lanes)
                e.store(e.load(v, b.add(i, here)), y, b.add(j, here))

    n = types.intp
    return types.void(v, n, y, n, n), vectorised(emit)


@jit(inline="always")
def map_tile(op, program, entries, w, v, y):  # type: ignore[no-untyped-def]
    """y = (map *op*) v; *entries* are the pointers and columns of the map or of its transpose."""
    table, offsets, bases = program[0], program[1], program[2]
    pointers, columns = entries
    r0, width = table[op, 0], table[op, 4]
    b0, b1 = table[op, 2], table[op, 2] + table[op, 3]
    if width > 1:
        for r in range(r0, r0 + table[op, 1]):
            first, last, fresh = pointers[r], pointers[r + 1], 1
            count = min(last - first, _TOGETHER)
            # Compiled counts above 4 are even: an odd one leaves its last entry to the next round.
            if count > 4:
                count -= count % 2
            while fresh or first < last:
                _row(w, columns, first, count, offsets[r], bases, b0, b1, v, y, fresh, width)
                first, fresh = first + count, 0
                count = 4 if last - first >= 4 else 1
        return
    for b in range(b0, b1):  # registers so small that no four groups are side by side
        at = bases[b]
        for r in range(r0, r0 + table[op, 1]):
            total = v.dtype.type(0.0)
            for n in range(pointers[r], pointers[r + 1]):
                total += w[n] * v[at + columns[n]]
            y[at + offsets[r]] = total


@jit(inline="always")
def correlate_tile(op, program, left, v, g):  # type: ignore[no-untyped-def]
    """g[4 e ..] += sum over groups of left (x) v at the entries e of map *op*."""
    table, offsets, bases = program[0], program[1], program[2]
    pointers, columns = program[3], program[4]
    r0, width = table[op, 0], table[op, 4]
    b0, b1 = table[op, 2], table[op, 2] + table[op, 3]
    if width > 1:
        for r in range(r0, r0 + table[op, 1]):
            first, last = pointers[r], pointers[r + 1]
            while first < last:
                count = 4 if last - first >= 4 else 1
                _correlation(g, columns, first, count, offsets[r], bases, b0, b1, left, v, width)
                first += count
        return
    rows, first, last = program[5], table[op, 5], table[op, 5] + table[op, 6]
    for b in range(b0, b1):
        at = bases[b]
        for n in range(first, last):
            g[4 * n] += left[at + rows[n]] * v[at + columns[n]]


@jit()
def aligned(n, like):  # type: ignore[no-untyped-def]
    """Return an array for n numbers, of the type of those of *like*, where a cache line starts."""
    line = 64 // like.itemsize
    x = np.empty(n + line, like.dtype)
    start = (-x.ctypes.data % 64) // like.itemsize
    return x[start : start + n]


@jit(inline="always")
def fetch(program, p, i, v, tile):  # type: ignore[no-untyped-def]
    """Copy tile *i* of pass *p* from the register v."""
    passes, places = program[9], program[10]
    at, rows, width, chunk = places[passes[p, 7] + i], passes[p, 3], passes[p, 5], passes[p, 6]
    # A pass over the whole register in its own order is a plain copy.
    if passes[p, 9]:
        for j in range(rows * width):
            tile[j] = v[j]
        return
    r0, c0 = passes[p, 2], passes[p, 4]
    # Runs shorter than a vector: numbers one by one, columns outside, so that stores are in order.
    if chunk < 4:
        for c in range(width):
            start = at + places[c0 + c]
            for r in range(rows):
                tile[r * width + c] = v[start + places[r0 + r]]
        return
    for r in range(rows):
        start = at + places[r0 + r]
        for c in range(0, width, chunk):
            _move(v, start + places[c0 + c], tile, r * width + c, chunk)


@jit(inline="always")
def deliver(program, p, i, tile, v):  # type: ignore[no-untyped-def]
    """Copy tile *i* of pass *p* to the register v."""
    passes, places = program[9], program[10]
    at, rows, width, chunk = places[passes[p, 7] + i], passes[p, 3], passes[p, 5], passes[p, 6]
    if passes[p, 9]:
        for j in range(rows * width):
            v[j] = tile[j]
        return
    r0, c0 = passes[p, 2], passes[p, 4]
    if chunk < 4:
        for c in range(width):
            start = at + places[c0 + c]
            for r in range(rows):
                v[start + places[r0 + r]] = tile[r * width + c]
        return
    for r in range(rows):
        start = at + places[r0 + r]
        for c in range(0, width, chunk):
            _move(tile, r * width + c, v, start + places[c0 + c], chunk)


@jit()
def tile_size(program):  # type: ignore[no-untyped-def]
    """Return the numbers of the largest tile."""
    passes, most = program[9], 0
    for p in range(passes.shape[0]):
        most = max(most, passes[p, 3] * passes[p, 5])
    return most


@jit()
def walk_pass(program, p, w, v, y, a, b):  # type: ignore[no-untyped-def]
    """Apply the maps of pass *p* to the register v; the result is in y, which may be v."""
    passes = program[9]
    first = passes[p, 0]
    for i in range(passes[p, 8]):
        fetch(program, p, i, v, a)
        for op in range(first, first + passes[p, 1]):
            map_tile(op, program, (program[3], program[4]), w, a, b)
            # After an odd number of maps the result is in b: deliver takes whichever is a.
            a, b = b, a
        deliver(program, p, i, a, y)


@jit()
def walk(program, w, v, a, b):  # type: ignore[no-untyped-def]
    """Apply every map in turn to the register v; a and b have the size of a tile."""
    for p in range(program[9].shape[0]):
        walk_pass(program, p, w, v, v, a, b)


@jit()
def walk_slopes(program, w, slope_table, slope, q0, n, v, spare, lanes):  # type: ignore[no-untyped-def]
    """Apply every map in turn to v, and its derivatives to lane 0; *spare* has three tiles.

    Of the sensitivities q0 to q0 + n - 1, in lanes 1 to n.
    """
    passes, forward = program[9], (program[3], program[4])
    one, two, turned = spare[0], spare[1], spare[2]
    rate = np.empty(w.shape[0])
    at_pass = j_pass = 0
    for p in range(passes.shape[0]):
        at_slope, j = at_pass, j_pass
        size = passes[p, 3] * passes[p, 5]
        for i in range(passes[p, 8]):
            # Every tile of the pass reads the same slopes from the start.
            at_slope, j = at_pass, j_pass
            fetch(program, p, i, v, one)
            for op in range(passes[p, 0], passes[p, 0] + passes[p, 1]):
                map_tile(op, program, forward, w, one, two)
                while j < slope_table.shape[0] and slope_table[j, 0] == op:
                    # Lane 0 is the state, lane x the sensitivity by angle q0 + x - 1; others wait
                    # for another call.
                    x, e0, count = slope_table[j, 1] - q0 + 1, slope_table[j, 2], slope_table[j, 3]
                    if 1 <= x <= n:
                        for e in range(count):
                            rate[e0 + e] = slope[at_slope + e]
                        map_tile(op, program, forward, rate, one, turned)
                        for at in range(0, size, lanes):
                            two[at + x] += turned[at]
                    at_slope += count
                    j += 1
                one, two = two, one
            deliver(program, p, i, one, v)
        at_pass, j_pass = at_slope, j
