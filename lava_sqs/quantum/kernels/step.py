"""The Numba loops: building instruments from programs, and stepping whole populations.

Arrays here are plain and checked by the callers. One layout for an instrument everywhere,

    A[k, s, i, c, j]   neuron, outcome, memory component out, encoding term, memory component in

and one that :func:`pack_instruments` makes of it for stepping, with m = (c, j) and M = C D,

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
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic


def _jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    # Contraction and reassociation change last bits only; NaN and infinity keep their meaning.
    jit: Callable[[Callable[..., Any]], Any] = njit(
        cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"}, **options
    )
    return jit


# -- vector code -----------------------------------------------------------------------------
#
# LLVM's loop vectoriser does badly on loops this short (4 to 64 iterations: it interleaves for
# long ones and runs the rest one by one, 4 times slower), so the four inner loops of a step are
# written in its vector types. They are portable: any target has <8 x float>, if need be in pieces.

_INT = ir.IntType(64)
_FLAGS = ("contract", "nsz")


def _const(n: int) -> ir.Constant:
    return ir.Constant(_INT, n)


class _Emitter:
    """Vector operations on the data of Numba arrays.

    *short*: memory vectors have 4 components, otherwise a multiple of 16.
    """

    def __init__(
        self, builder: Any, element: Any, item_bytes: int, short: bool, lanes: int = 0
    ) -> None:
        self.builder, self.align, self.short = builder, item_bytes, short
        self.element = element
        self.lanes = lanes or (4 if short else 32 // item_bytes)
        self.vector = ir.VectorType(element, self.lanes)

    def widened(self, lanes: int) -> _Emitter:
        return _Emitter(self.builder, self.element, self.align, self.short, lanes)

    def pointer(self, base: Any, offset: Any) -> Any:
        b = self.builder
        return b.bitcast(b.gep(base, [offset]), self.vector.as_pointer())

    def load(self, base: Any, offset: Any) -> Any:
        return self.builder.load(self.pointer(base, offset), align=self.align)

    def store(self, value: Any, base: Any, offset: Any) -> None:
        self.builder.store(value, self.pointer(base, offset), align=self.align)

    def splat(self, base: Any, offset: Any) -> Any:
        """Return a vector of copies of the number at base + offset."""
        return self.copies(self.builder.load(self.builder.gep(base, [offset])))

    def copies(self, number: Any) -> Any:
        """Return a vector of copies of a number."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(first, [0] * self.lanes)

    def shuffle(self, vector: Any, lanes: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
        return self.builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)

    def fold(self, vector: Any) -> Any:
        """Return the sum of a vector's lanes."""
        n = self.lanes
        while n > 1:
            n //= 2
            halves = [self.shuffle(vector, list(range(h * n, (h + 1) * n))) for h in range(2)]
            vector = self.add(*halves)
        return self.builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))

    def fold_four(self, vectors: list[Any]) -> Any:
        """Return the sums of four vectors of four lanes each, as a vector."""
        kind = ir.VectorType(ir.IntType(32), 4)
        even, odd = ir.Constant(kind, [0, 2, 4, 6]), ir.Constant(kind, [1, 3, 5, 7])

        def pairs(a: Any, b: Any) -> Any:
            join = self.builder.shuffle_vector
            return self.add(join(a, b, even), join(a, b, odd))

        a, b, c, d = vectors
        return pairs(pairs(a, b), pairs(c, d))

    def multiply(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=_FLAGS)

    def add(self, a: Any, b: Any) -> Any:
        return self.builder.fadd(a, b, flags=_FLAGS)

    def offset(self, a: Any, b: int) -> Any:
        return self.builder.add(a, _const(b)) if b else a

    def sums(self, n: int) -> list[Any]:
        """Return n vector variables, zero now."""
        variables = [cgutils.alloca_once(self.builder, self.vector) for _ in range(n)]
        for v in variables:
            self.builder.store(ir.Constant(self.vector, [0.0] * self.lanes), v)
        return variables

    def accumulate(self, total: Any, a: Any, b: Any) -> None:
        old = self.builder.load(total)
        self.builder.store(self.add(self.multiply(a, b), old), total)

    def loop(self, stop: Any, step: int) -> Any:
        return cgutils.for_range_slice(self.builder, _const(0), stop, _const(step), inc=True)


def _vectorised(emit: Callable[..., Any]) -> Callable[..., Any]:
    """Return the code generator of an intrinsic: emit(emitter, *arguments).

    Arrays arrive as pointers to their data. The last argument is the length D of a memory vector.
    A number that *emit* returns is the intrinsic's value.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        arrays = [isinstance(t, types.Array) for t in signature.args]
        dtype = signature.args[arrays.index(True)].dtype
        element, item_bytes = context.get_value_type(dtype), dtype.bitwidth // 8
        plain = [
            context.make_array(t)(context, builder, value).data if is_array else value
            for t, value, is_array in zip(signature.args, values, arrays, strict=True)
        ]
        result = cgutils.alloca_once(builder, element)
        is_short = builder.icmp_signed("==", plain[-1], _const(4))
        with builder.if_else(is_short) as branches:
            for branch, short in zip(branches, (True, False), strict=True):
                with branch:
                    value = emit(_Emitter(builder, element, item_bytes, short), *plain)
                    if value is not None:
                        builder.store(value, result)
        if signature.return_type == types.void:
            return context.get_dummy_value()
        return builder.load(result)

    return codegen


@intrinsic
def _expand(context, c, c0, x, x0, v, v0, n_terms, d):  # type: ignore[no-untyped-def]
    """v[v0 + q D + j] = c[c0 + q] x[x0 + j] for q < C, j < D; nothing if D = 4."""

    def emit(
        e: _Emitter, c: Any, c0: Any, x: Any, x0: Any, v: Any, v0: Any, n_terms: Any, d: Any
    ) -> None:
        if e.short:
            return  # the products below take c and x themselves
        b = e.builder
        with e.loop(n_terms, 1) as (q, _):
            w, row = e.splat(c, b.add(c0, q)), b.add(v0, b.mul(q, d))
            with e.loop(d, e.lanes) as (j, _):
                e.store(e.multiply(w, e.load(x, b.add(x0, j))), v, b.add(row, j))

    n = types.intp
    return types.void(c, n, x, n, v, n, n, n), _vectorised(emit)


@intrinsic
def _dot(context, a, a0, c, c0, x, x0, v, v0, n_terms, d):  # type: ignore[no-untyped-def]
    """Return sum_m a[a0 + m] v[v0 + m], where v is what _expand makes of c and x."""

    def emit(
        e: _Emitter,
        a: Any,
        a0: Any,
        c: Any,
        c0: Any,
        x: Any,
        x0: Any,
        v: Any,
        v0: Any,
        n_terms: Any,
        d: Any,
    ) -> Any:
        b = e.builder
        if e.short:
            (total,) = e.sums(1)
            with e.loop(n_terms, 1) as (q, _):
                row = e.load(a, b.add(a0, b.mul(q, d)))
                e.accumulate(total, e.splat(c, b.add(c0, q)), row)
            return e.fold(e.multiply(b.load(total), e.load(x, x0)))
        totals = e.sums(2)
        with e.loop(b.mul(n_terms, d), 2 * e.lanes) as (m, _):
            for h, total in enumerate(totals):
                at = e.offset(m, h * e.lanes)
                e.accumulate(total, e.load(a, b.add(a0, at)), e.load(v, b.add(v0, at)))
        return e.fold(reduce(e.add, [b.load(total) for total in totals]))

    n = types.intp
    return a.dtype(a, n, c, n, x, n, v, n, n, n), _vectorised(emit)


def _emit_products(
    e: _Emitter,
    unroll: int,
    width: int,
    a: Any,
    a0: Any,
    v: Any,
    vs: Any,
    y: Any,
    ys: Any,
    n_rows: Any,
    d: Any,
) -> None:
    """y[ys[g] + i] = sum_m v[vs[g] + m] a[a0 + m D + i] for every g and i < D.

    *unroll* times *width* times the number of g independent sums are under way at a time: enough
    to keep the multipliers busy, few enough to stay in registers.
    """
    b = e.builder
    with e.loop(d, width * e.lanes) as (i0, _):
        totals = {
            (g, u, w): e.sums(1)[0]
            for g in range(len(vs))
            for u in range(unroll)
            for w in range(width)
        }
        with e.loop(n_rows, unroll) as (m0, _):
            for u in range(unroll):
                m = e.offset(m0, u)
                row = b.add(b.add(a0, b.mul(m, d)), i0)
                columns = [e.load(a, e.offset(row, w * e.lanes)) for w in range(width)]
                for g, v0 in enumerate(vs):
                    factor = e.splat(v, b.add(v0, m))
                    for w, column in enumerate(columns):
                        e.accumulate(totals[g, u, w], factor, column)
        for g, y0 in enumerate(ys):
            for w in range(width):
                total = reduce(e.add, [b.load(totals[g, u, w]) for u in range(unroll)])
                e.store(total, y, e.offset(b.add(y0, i0), w * e.lanes))


@intrinsic
def _product(context, a, a0, c, c0, x, x0, v, v0, y, y0, n_terms, d):  # type: ignore[no-untyped-def]
    """y[y0 + i] = sum_m v[v0 + m] a[a0 + m D + i], where v is what _expand makes of c and x."""

    def emit(
        e: _Emitter,
        a: Any,
        a0: Any,
        c: Any,
        c0: Any,
        x: Any,
        x0: Any,
        v: Any,
        v0: Any,
        y: Any,
        y0: Any,
        n_terms: Any,
        d: Any,
    ) -> None:
        b = e.builder
        if not e.short:
            _emit_products(e, 2, 16 // e.lanes, a, a0, v, [v0], y, [y0], b.mul(n_terms, d), d)
            return
        # The whole 4 x 4 matrix sum_q c_q a_q in two vectors of two rows, then times x.
        wide = e.widened(8)
        totals = wide.sums(2)
        with e.loop(n_terms, 1) as (q, _):
            matrix = b.add(a0, b.mul(q, _const(16)))
            factor = wide.splat(c, b.add(c0, q))
            for h, total in enumerate(totals):
                wide.accumulate(total, factor, wide.load(a, e.offset(matrix, 8 * h)))
        memory = e.load(x, x0)
        pairs = [
            wide.multiply(b.load(total), e.shuffle(memory, [2 * h] * 4 + [2 * h + 1] * 4))
            for h, total in enumerate(totals)
        ]
        both = wide.add(*pairs)
        halves = [e.shuffle(both, list(range(4 * h, 4 * h + 4))) for h in range(2)]
        e.store(e.add(*halves), y, y0)

    n = types.intp
    return types.void(a, n, c, n, x, n, v, n, y, n, n, n), _vectorised(emit)


@intrinsic
def _both_products(context, a, a0, c, c0, x, x0, y, y0, d):  # type: ignore[no-untyped-def]
    """y[y0 + i] = sum_qj c[c0 + q] x[x0 + j] a[a0 + 8 (4 q + j) + i] for i < 8; c[c0] is 1."""

    def emit(e: _Emitter, a: Any, a0: Any, c: Any, c0: Any, x: Any, x0: Any, *rest: Any) -> None:
        y, y0, _ = rest
        if not e.short:
            return
        wide = e.widened(8)
        cosine, sine = (wide.splat(c, e.offset(c0, q)) for q in (1, 2))
        products = []
        for j in range(4):
            one, by_cosine, by_sine = (
                wide.load(a, e.offset(a0, 8 * (4 * q + j))) for q in range(3)
            )
            column = wide.add(one, wide.multiply(cosine, by_cosine))
            column = wide.add(column, wide.multiply(sine, by_sine))
            products.append(wide.multiply(wide.splat(x, e.offset(x0, j)), column))
        pairs = wide.add(products[0], products[1]), wide.add(products[2], products[3])
        wide.store(wide.add(*pairs), y, y0)

    n = types.intp
    return types.void(a, n, c, n, x, n, y, n, n), _vectorised(emit)


@intrinsic
def _fetch_both(context, a, a0, d):  # type: ignore[no-untyped-def]
    """Ask for what _both_products reads, into the second level of the cache."""

    def emit(e: _Emitter, a: Any, a0: Any, d: Any) -> None:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = e.builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        line = 64 // e.align
        for at in range(0, 96 if e.short else 0, line):
            address = e.builder.bitcast(e.builder.gep(a, [e.offset(a0, at)]), byte)
            e.builder.call(prefetch, [address, number(0), number(2), number(1)])

    return types.void(a, types.intp, types.intp), _vectorised(emit)


@intrinsic
def _four_products(context, a, a0, v, v0, v1, v2, v3, y, y0, y1, y2, y3, m, d):  # type: ignore[no-untyped-def]
    """As _product for four vectors that share the block: it is read once."""

    def emit(e: _Emitter, a: Any, a0: Any, v: Any, *rest: Any) -> None:
        *vs, y, y0, y1, y2, y3, m, d = rest
        if not e.short:
            _emit_products(e, 1, 2, a, a0, v, vs, y, [y0, y1, y2, y3], m, d)

    n = types.intp
    return types.void(a, n, v, n, n, n, n, y, n, n, n, n, n, n), _vectorised(emit)


@intrinsic
def _normalise(context, y, y0, x, x0, d):  # type: ignore[no-untyped-def]
    """x[x0 + i] = y[y0 + i] / y[y0] for i < D, the first exactly 1."""

    def emit(e: _Emitter, y: Any, y0: Any, x: Any, x0: Any, d: Any) -> None:
        b = e.builder
        scale = b.fdiv(ir.Constant(e.vector, [1.0] * e.lanes), e.splat(y, y0))
        one = ir.Constant(e.element, 1.0)
        if e.short:
            vector = e.multiply(scale, e.load(y, y0))
            e.store(b.insert_element(vector, one, ir.Constant(ir.IntType(32), 0)), x, x0)
            return
        with e.loop(d, e.lanes) as (i, _):
            e.store(e.multiply(scale, e.load(y, b.add(y0, i))), x, b.add(x0, i))
        b.store(one, b.gep(x, [x0]))

    n = types.intp
    return types.void(y, n, x, n, n), _vectorised(emit)


# -- one step --------------------------------------------------------------------------------

_SIN = tuple((-1) ** i / math.factorial(2 * i + 1) for i in range(11))
_COS = tuple((-1) ** i / math.factorial(2 * i) for i in range(11))


@_jit()
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


@_jit()
def encode(z, eta, coefficients):  # type: ignore[no-untyped-def]
    """Fill coefficients[c], the 3**N_I products of (1, eta cos, -eta sin)(pi z_n)."""
    coefficients[0] = 1.0
    size = 1
    for n in range(z.shape[0]):
        s, c = 0.0, 1.0
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


@_jit()
def _encode_tile(z, eta, cosines, sines, coefficients):  # type: ignore[no-untyped-def]
    """As encode, for z (n, N): coefficients[i C + c]; cosines and sines are work space."""
    n, N = z.shape
    C = coefficients.shape[0] // cosines.shape[0]
    one = coefficients.dtype.type(1.0)
    for channel in range(N):
        shrink = eta[channel]
        for i in range(n):
            x = z[i, channel]
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


@_jit()
def inspect_currents(z):  # type: ignore[no-untyped-def]
    """Return whether all of z (flat) are finite, and how many exceed 1."""
    zero, wraps = 0.0, 0
    for i in range(z.shape[0]):
        zero += z[i] * 0.0  # NaN if z[i] is NaN or infinite
        wraps += z[i] > 1.0
    return zero == 0.0, wraps


@_jit()
def run_population(  # type: ignore[no-untyped-def]
    effects, blocks, z, eta, u, clamp, r, floor, spikes, p_spike, likelihood, memory
):
    """Step K neurons, B batch entries and T steps; return the number of floor hits.

    Shapes: effects and blocks as :func:`pack_instruments` makes them, of K neurons or of 1;
    z (T, B, K, N); u (T, B, K), or (0, 0, 0) if all is clamped; clamp (T, B, K) outcome index or -1
    to draw, or (0, 0, 0); r (B, K, D) in place; spikes (T, B, K, N); p_spike (T, B, K, N),
    likelihood of the outcome (T, B, K), memory (T, B, K, D), each may have length 0 along T when
    it is not wanted. All C-contiguous.

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
                _encode_tile(z[t, b, k0 : k0 + n], eta, cosines, sines, c)
                for i in range(n):
                    k = 0 if shared else k0 + i
                    if both:
                        at = k * M * W
                        if streaming:
                            _fetch_both(blocks, at + tile * M * W, D)
                        _both_products(blocks, at, c, i * C, r, base + i * D, y, i * W, D)
                        p[i, 0] = y[i * W]
                        p[i, 1] = 1.0 - p[i, 0]
                        continue
                    _expand(c, i * C, r, base + i * D, v, i * M, C, D)
                    last = 1.0
                    for s in range(S - 1):
                        at = (k * (S - 1) + s) * M
                        p[i, s] = _dot(effects, at, c, i * C, r, base + i * D, v, i * M, C, D)
                        last -= p[i, s]
                    p[i, S - 1] = last
                if drawn:
                    _draw(p, u[t, b, k0 : k0 + n], chosen)
                else:
                    chosen[:] = 0
                if clamped:
                    for i in range(n):
                        if clamp[t, b, k0 + i] >= 0:
                            chosen[i] = clamp[t, b, k0 + i]
                _report(chosen, spikes[t, b, k0 : k0 + n])
                if want_p:
                    _marginals(p, p_spike[t, b, k0 : k0 + n])
                if grouped:
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
                        _product(blocks, at, c, i * C, r, base + i * D, v, i * M, y, i * D, C, D)
                for i in range(n):
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
                    elif want_likelihood:
                        likelihood[t, b, k0 + i] = min(y[at], one)
                    _normalise(y, at, r, base + i * D, D)
                if want_memory:
                    memory[t, b, k0 : k0 + n] = r[b, k0 : k0 + n]
    return hits


@_jit()
def _draw(p, u, chosen):  # type: ignore[no-untyped-def]
    """chosen[i] = the number of cumulative probabilities p[i] that are <= u[i]."""
    S = p.shape[1]
    for i in range(u.shape[0]):
        level, outcome = p[i, 0], 0
        outcome += level <= u[i]
        for s in range(1, S - 1):
            level += p[i, s]
            outcome += level <= u[i]
        chosen[i] = outcome


@_jit()
def _report(chosen, spikes):  # type: ignore[no-untyped-def]
    """Write the bits of the outcomes, channel 0 the most significant."""
    n, N = spikes.shape
    for channel in range(N):
        bit = np.int32(1 << (N - 1 - channel))
        for i in range(n):
            spikes[i, channel] = (chosen[i] & bit) != 0


@_jit()
def _marginals(p, p_spike):  # type: ignore[no-untyped-def]
    """p_spike[i, channel] = the probability that the channel reports a spike."""
    n, N = p_spike.shape
    S = p.shape[1]
    if S == 2:
        for i in range(n):
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


@_jit()
def _same_block(blocks, at, v, y, order, n, M, D):  # type: ignore[no-untyped-def]
    """Apply the block at *at* to the first n vectors of *order*."""
    whole = n - n % 4
    for i in range(0, whole, 4):
        a, b, c, d = order[i], order[i + 1], order[i + 2], order[i + 3]
        _four_products(
            blocks, at, v, a * M, b * M, c * M, d * M, y, a * D, b * D, c * D, d * D, M, D
        )
    for i in range(whole, n):
        _product(blocks, at, v, 0, y, 0, v, order[i] * M, y, order[i] * D, M // D, D)


@_jit()
def _forget(blocks, c, i, x, y):  # type: ignore[no-untyped-def]
    """y[i D + ...] = the memory after an unknown outcome, for one neuron's blocks (S, M, D)."""
    S, M, D = blocks.shape
    C = M // D
    for j in range(D):
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


# -- building instruments --------------------------------------------------------------------


@intrinsic
def _add_row(context, w, a, i, b, j, d):  # type: ignore[no-untyped-def]
    """b[j] += w a[i], for rows of the matrices a and b, whose width d is a multiple of 4."""

    def emit(e: _Emitter, w: Any, a: Any, i: Any, b: Any, j: Any, d: Any) -> None:
        product = e.builder.mul
        source, target = product(i, d), product(j, d)
        weight = e.copies(w)
        with e.loop(d, e.lanes) as (at, _):
            here = e.builder.add(target, at)
            term = e.multiply(weight, e.load(a, e.builder.add(source, at)))
            e.store(e.add(e.load(b, here), term), b, here)

    n = types.intp
    return types.void(types.float64, a, n, b, n, n), _vectorised(emit)


@intrinsic
def _row_product(context, a, i, b, j, d):  # type: ignore[no-untyped-def]
    """Return a[i] . b[j], for rows as those of _add_row."""

    def emit(e: _Emitter, a: Any, i: Any, b: Any, j: Any, d: Any) -> Any:
        first, second = e.builder.mul(i, d), e.builder.mul(j, d)
        (total,) = e.sums(1)
        with e.loop(d, e.lanes) as (at, _):
            left, right = (e.builder.add(row, at) for row in (first, second))
            e.accumulate(total, e.load(a, left), e.load(b, right))
        return e.fold(e.builder.load(total))

    n = types.intp
    return types.float64(a, n, b, n, n), _vectorised(emit)


@_jit()
def trigonometric_basis(kind, angle):  # type: ignore[no-untyped-def]
    """1, cos, sin, cos, sin: of the angle and twice it, or (*kind* 2) of half the angle and it."""
    if kind == 2:
        angle *= 0.5
    c, s = math.cos(angle), math.sin(angle)
    return 1.0, c, s, c * c - s * s, 2.0 * c * s


@_jit()
def _gate_values(op, program, terms, theta, derivative, out):  # type: ignore[no-untyped-def]
    """Fill the entries of operation *op*, or their derivatives; return their number."""
    param, kind, count, first = program[op, 0], program[op, 1], program[op, 2], program[op, 3]
    b0, b1, b2, b3, b4 = trigonometric_basis(kind, theta[param] if param >= 0 else 0.0)
    if derivative:
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


@_jit()
def _apply(op, program, entries, values, rows, transpose, source, target):  # type: ignore[no-untyped-def]
    """target = (operation *op*) source; both (4**n, columns), distinct arrays."""
    count, first, size, start = program[op, 2], program[op, 3], program[op, 4], program[op, 5]
    n_rows, columns = source.shape
    target[:] = 0.0
    for g in range(start, start + n_rows, size):
        for e in range(count):
            i, j = rows[g + entries[first + e, 0]], rows[g + entries[first + e, 1]]
            if transpose:
                i, j = j, i
            _add_row(values[e], source, j, target, i, columns)


@_jit()
def _read_out(effects, state, out):  # type: ignore[no-untyped-def]
    """out = effects state."""
    out[:] = 0.0
    for e in range(effects.shape[0]):
        for n in range(effects.shape[1]):
            if effects[e, n] != 0.0:
                _add_row(effects[e, n], state, n, out, e, state.shape[1])


@_jit()
def build_instruments(program, entries, terms, rows, start, effects, theta, A):  # type: ignore[no-untyped-def]
    """Fill A (K, S, D, C, D) for the angles theta (K, P).

    program (n_ops, 6): parameter or -1, kind (0 constant, 1 rotation, 2 controlled rotation),
    number of entries that are not zero, the first of them in entries (row, column) and terms
    (coefficients in the trigonometric basis), matrix size, offset into rows. start (4**n, C*D): the
    encoded register per column. effects (S*D, 4**n): what is read out.
    """
    values = np.empty(terms.shape[0])
    a, b = np.empty(start.shape), np.empty(start.shape)
    for k in range(theta.shape[0]):
        a[:] = start
        for op in range(program.shape[0]):
            _gate_values(op, program, terms, theta[k], False, values)
            _apply(op, program, entries, values, rows, False, a, b)
            a, b = b, a
        _read_out(effects, a, A[k].reshape((effects.shape[0], start.shape[1])))


@_jit()
def pull_back(program, entries, terms, rows, start, effects, theta, G, d_theta):  # type: ignore[no-untyped-def]
    """d_theta[k, p] += <G[k], dA[k]/dtheta_p>: reverse mode through the build, G like A."""
    n_ops, (n_rows, columns) = program.shape[0], start.shape
    values = np.empty(terms.shape[0])
    states = np.empty((n_ops + 1, n_rows, columns))
    states[0] = start
    adjoint, spare = np.empty(start.shape), np.empty(start.shape)
    for k in range(theta.shape[0]):
        for op in range(n_ops):
            _gate_values(op, program, terms, theta[k], False, values)
            _apply(op, program, entries, values, rows, False, states[op], states[op + 1])
        _read_out(effects.T, G[k].reshape((effects.shape[0], columns)), adjoint)
        for op in range(n_ops - 1, -1, -1):
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
