"""The inner loops of scores in LLVM's vector types: forward with slopes, and credit back.

Layouts as in :mod:`lava_sqs.quantum.kernels.step`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lava_sqs.quantum.kernels.vectors import Emitter, const, vectorised

# -- one io and one memory qubit -------------------------------------------------------------


@intrinsic
def step_and_slope(context, a, a0, c, c0, r, r0, y, y0, d):  # type: ignore[no-untyped-def]
    """y[y0 : y0 + 4] = S r and y[y0 + 4 : y0 + 8] = (dS/dz) r, for a block a[a0 + 4 (4 q + j) + i].

    c[c0 : c0 + 4] are the factors of the second and third term and their slopes.
    """

    def emit(e: Emitter, a: Any, a0: Any, c: Any, c0: Any, r: Any, r0: Any, *rest: Any) -> None:
        y, y0, _ = rest
        if not e.short:
            return
        # terms[q] = A[q] r: constant part, cosine part, sine part of the block.
        memory = [e.splat(r, e.offset(r0, j)) for j in range(4)]
        terms = []
        for q in range(3):
            parts = [
                e.multiply(memory[j], e.load(a, e.offset(a0, 16 * q + 4 * j))) for j in range(4)
            ]
            terms.append(e.add(e.add(parts[0], parts[1]), e.add(parts[2], parts[3])))
        factors = [e.splat(c, e.offset(c0, n)) for n in range(4)]
        for at, first, second in ((0, 0, 1), (4, 2, 3)):
            value = e.add(
                e.multiply(factors[first], terms[1]), e.multiply(factors[second], terms[2])
            )
            e.store(e.add(value, terms[0]) if at == 0 else value, y, e.offset(y0, at))

    n = types.intp
    return types.void(a, n, c, n, r, n, y, n, n), vectorised(emit)


@intrinsic
def credit(  # type: ignore[no-untyped-def]
    context, a, a0, c, c0, r, r0, after, after0, slope, slope0, scale, score, mu, m0, g, g0, d
):
    """Take one step back: update mu[m0:] and g[g0:], return d/dz. *after* is r of the step's end.

    eta = (mu + (score - mu . after) 1) scale; d/dz = eta . slope; g[q, j] += c_q r_j eta;
    mu <- eta S. The block is that of step_and_slope.
    """

    def emit(e: Emitter, a: Any, a0: Any, c: Any, c0: Any, r: Any, r0: Any, *rest: Any) -> Any:
        after, after0, slope, slope0, scale, score, mu, m0, g, g0, _ = rest
        if not e.short:
            return None
        b = e.builder
        before = e.load(mu, m0)
        # The norm of r' is fixed, so what mu has along r' goes; the trace gets the score.
        overlap = e.fold(e.multiply(before, e.load(after, after0)))
        excess = b.fsub(score, overlap, flags=("contract", "nsz"))
        zero = ir.Constant(e.vector, [0.0] * 4)
        only_trace = b.insert_element(zero, excess, ir.Constant(ir.IntType(32), 0))
        eta = e.multiply(e.add(before, only_trace), e.copies(scale))
        result = e.fold(e.multiply(eta, e.load(slope, slope0)))
        factors = [None, *(e.splat(c, e.offset(c0, n)) for n in range(2))]
        products = []
        for j in range(4):
            weighted = e.multiply(eta, e.splat(r, e.offset(r0, j)))
            # S = A_0 + c A_1 + s A_2, a column at a time; the same pass fills G.
            column = e.load(a, e.offset(a0, 4 * j))
            for q in range(3):
                at = 16 * q + 4 * j
                term = weighted
                if q:
                    column = e.add(column, e.multiply(factors[q], e.load(a, e.offset(a0, at))))
                    term = e.multiply(factors[q], weighted)
                here = e.offset(g0, at)
                e.store(e.add(e.load(g, here), term), g, here)
            products.append(e.multiply(eta, column))
        e.store(e.fold_four(products), mu, m0)
        return result

    n = types.intp
    f = types.float64
    return f(a, n, c, n, r, n, after, n, slope, n, f, f, mu, n, g, n, n), vectorised(emit)


# -- every size ------------------------------------------------------------------------------


# The samples of a neuron share its instrument. Some go through time together, and those with the
# same outcome read its block at once, which halves the time.


def _emit_rows(
    e: Emitter, a: Any, a0: Any, v: Any, vs: Any, y: Any, ys: Any, m: Any, d: Any
) -> None:
    """y[ys[g] + i] = sum_m a[a0 + i M + m] v[vs[g] + m] for every g and i < D, two i at a time."""
    b = e.builder
    with e.loop(d, 2) as (i, _):
        rows = [b.add(a0, b.mul(e.offset(i, u), m)) for u in range(2)]
        totals = [e.sums(2) for _ in vs]
        with e.loop(m, e.lanes) as (at, _):
            lines = [e.load(a, b.add(row, at)) for row in rows]
            for v0, pair in zip(vs, totals, strict=True):
                value = e.load(v, b.add(v0, at))
                for line, total in zip(lines, pair, strict=True):
                    e.accumulate(total, line, value)
        for y0, pair in zip(ys, totals, strict=True):
            for u, total in enumerate(pair):
                b.store(e.fold(b.load(total)), b.gep(y, [b.add(y0, e.offset(i, u))]))


def _emit_credits(
    e: Emitter,
    a: Any,
    at: Any,
    v: Any,
    vs: Any,
    eta: Any,
    es: Any,
    w: Any,
    g: Any,
    m: Any,
    d: Any,
) -> None:
    """For eta_n at es[n] and v_n at vs[n]: w_n = eta_n a and g += sum_n eta_n (x) v_n."""
    b = e.builder

    def columns(start: Any, stop: Any, width: int) -> None:
        """Go down *width* vectors of columns at a time; width 2 is a cache line."""
        step = const(width * e.lanes)
        with cgutils.for_range_slice(b, start, stop, step, inc=True) as (m0, _):
            places = [[e.offset(b.add(v0, m0), h * e.lanes) for h in range(width)] for v0 in vs]
            vectors = [[e.load(v, place) for place in row] for row in places]
            totals = [e.sums(width) for _ in vs]
            with e.loop(d, 1) as (i, _):
                row = b.add(b.add(at, b.mul(i, m)), m0)
                factors = [e.splat(eta, b.add(e0, i)) for e0 in es]
                for h in range(width):
                    here = e.offset(row, h * e.lanes)
                    line, credit = e.load(a, here), e.load(g, here)
                    for n, factor in enumerate(factors):
                        e.accumulate(totals[n][h], factor, line)
                        credit = e.add(credit, e.multiply(factor, vectors[n][h]))
                    e.store(credit, g, here)
            for row_places, row_totals in zip(places, totals, strict=True):
                for place, total in zip(row_places, row_totals, strict=True):
                    e.store(b.load(total), w, place)

    whole = b.and_(m, const(-2 * e.lanes))
    columns(const(0), whole, 2)
    columns(whole, m, 1)


def _of_samples(n: int) -> tuple[Any, Any]:
    """Return two intrinsics for the samples order[at : at + n], which share a block of A at a0.

    v and w hold M numbers per sample, y and eta D. With the block as a matrix a (D, M) and that of
    G at the same place as g,

    - rows: y = a v;
    - credits: w = eta a, and g += sum of the samples' eta (x) v.
    """

    def of(e: Emitter, order: Any, at: Any, length: Any) -> list[Any]:
        b = e.builder
        samples = [b.load(b.gep(order, [e.offset(at, k)])) for k in range(n)]
        return [b.mul(sample, length) for sample in samples]

    @intrinsic
    def rows(context, a, a0, v, y, order, at, m, d):  # type: ignore[no-untyped-def]
        def emit(e: Emitter, a: Any, a0: Any, v: Any, y: Any, *rest: Any) -> None:
            order, at, m, d = rest
            _emit_rows(e, a, a0, v, of(e, order, at, m), y, of(e, order, at, d), m, d)

        i = types.intp
        return types.void(a, i, v, y, order, i, i, i), vectorised(emit)

    @intrinsic
    def credits(context, a, a0, v, eta, w, g, order, at, m, d):  # type: ignore[no-untyped-def]
        def emit(e: Emitter, a: Any, a0: Any, v: Any, eta: Any, w: Any, g: Any, *rest: Any) -> None:
            order, at, m, d = rest
            vs, es = of(e, order, at, m), of(e, order, at, d)
            _emit_credits(e, a, a0, v, vs, eta, es, w, g, m, d)

        i = types.intp
        return types.void(a, i, v, eta, w, g, order, i, i, i), vectorised(emit)

    return rows, credits


rows_of_1, credits_of_1 = _of_samples(1)
rows_of_2, credits_of_2 = _of_samples(2)
rows_of_4, credits_of_4 = _of_samples(4)
