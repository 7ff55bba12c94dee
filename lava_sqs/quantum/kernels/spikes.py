"""Products with spike trains: sums over those that spiked, instead of over all.

A fifth of the inputs of a rate code spikes in a step, so that a sum of what they add takes about
half the time of a dense product, whatever library makes it. The numbers of a column do not depend
on those beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lava_sqs.quantum.kernels.lanes_ir import Samples, lanewise
from lava_sqs.quantum.kernels.vectors import const, jit

_VECTORS = 4  # of channels at a time: a block of weights stays in the second level of the cache
_COLUMNS = 16  # whose sums are written together


@intrinsic
def _sum_rows(context, a, index, first, stop, out, at):  # type: ignore[no-untyped-def]
    """out[at:] = the sum of the rows index[first:stop] of a, each as wide as _VECTORS vectors."""

    def emit(e: Samples, a: Any, index: Any, first: Any, stop: Any, out: Any, at: Any) -> None:
        b, totals = e.builder, e.sums(_VECTORS)
        with cgutils.for_range_slice(b, first, stop, const(1), inc=True) as (n, _):
            row = b.sext(b.load(b.gep(index, [n])), ir.IntType(64))
            row = b.mul(row, const(_VECTORS * e.lanes))
            for v, total in enumerate(totals):
                part = e.load(a, e.offset(row, v * e.lanes))
                b.store(e.add(b.load(total), part), total)
        for v, total in enumerate(totals):
            e.store(b.load(total), out, e.offset(at, v * e.lanes))

    n = types.intp
    return types.void(a, index, n, n, out, n), lanewise(emit)


@jit(nogil=True)
def sum_of_spiking(W, index, ends, out):  # type: ignore[no-untyped-def]
    """out[c, n] = the sum of W[c, i] over the i in index[ends[n] : ends[n + 1]]; W (C, M)."""
    C, M = W.shape
    N = out.shape[1]
    width = _VECTORS * (64 // W.itemsize)
    packed = np.zeros(M * width, W.dtype)
    sums = np.empty(_COLUMNS * width, W.dtype)
    for c0 in range(0, C, width):
        wide = min(width, C - c0)
        for c in range(wide):
            row = W[c0 + c]
            for i in range(M):
                packed[i * width + c] = row[i]
        for n0 in range(0, N, _COLUMNS):
            m = min(_COLUMNS, N - n0)
            for k in range(m):
                _sum_rows(packed, index, ends[n0 + k], ends[n0 + k + 1], sums, k * width)
            for c in range(wide):
                row = out[c0 + c, n0 : n0 + m]
                for k in range(row.shape[0]):
                    row[k] = sums[k * width + c]


@intrinsic
def _marks(context, x, at, strange):  # type: ignore[no-untyped-def]
    """Return one bit for each number of the vector x[at:] that is not 0.

    Numbers that are neither 0 nor 1 are noted in strange[0].
    """

    def emit(e: Samples, x: Any, at: Any, strange: Any) -> Any:
        b, word = e.builder, ir.IntType(64)
        row = e.load(x, at)

        def bits(how: str, value: float) -> Any:
            mask = b.fcmp_unordered(how, row, e.number(value))
            return b.zext(b.bitcast(mask, ir.IntType(e.lanes)), word)

        spikes = bits("!=", 0.0)
        b.store(b.or_(b.load(strange), b.and_(spikes, bits("!=", 1.0))), strange)
        return spikes

    n = types.intp
    return types.int64(x, n, strange), lanewise(emit)


@intrinsic
def _lowest(context, bits):  # type: ignore[no-untyped-def]
    """Return the place of the lowest bit that is set."""

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


@jit(nogil=True)
def list_spikes(x, index, ends):  # type: ignore[no-untyped-def]
    """Fill the i at which x[n, i] is 1, n by n; return their number, or -1 for other numbers.

    Also -1 if there may be more than *index* holds. x (N, M).
    """
    N, M = x.shape
    lanes = 64 // x.itemsize
    flat = x.reshape(-1)
    strange = np.zeros(1, np.int64)
    rest = np.zeros(lanes, x.dtype)
    total = 0
    ends[0] = 0
    for n in range(N):
        if total + M > index.shape[0]:
            return -1
        for i in range(0, M, lanes):
            if i + lanes <= M:
                bits = _marks(flat, n * M + i, strange)
            else:
                rest[:] = 0.0
                for k in range(M - i):
                    rest[k] = flat[n * M + i + k]
                bits = _marks(rest, 0, strange)
            while bits != 0:
                index[total] = i + _lowest(bits)
                total += 1
                bits &= bits - 1
        ends[n + 1] = total
    return total if strange[0] == 0 else -1


@jit(nogil=True)
def only_spikes(x):  # type: ignore[no-untyped-def]
    """Whether x (N, M) holds 0, 1 and NaN only."""
    for n in range(x.shape[0]):
        others = 0
        for i in range(x.shape[1]):
            value = x[n, i]
            others += not (value == 0 or value == 1 or value != value)
        if others:
            return False
    return True


@jit(nogil=True)
def turn_lists(index, ends, turned, starts):  # type: ignore[no-untyped-def]
    """From the i of every n to the n of every i: *turned* as *index*, *starts* as *ends*."""
    starts[:] = 0
    total = ends[ends.shape[0] - 1]
    for k in range(total):
        starts[index[k] + 1] += 1
    for i in range(1, starts.shape[0]):
        starts[i] += starts[i - 1]
    at = starts.copy()
    for n in range(ends.shape[0] - 1):
        for k in range(ends[n], ends[n + 1]):
            i = index[k]
            turned[at[i]] = n
            at[i] += 1
