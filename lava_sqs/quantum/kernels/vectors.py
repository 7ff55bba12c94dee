"""Loops in LLVM's vector types: the emitter, and the inner loops of a step that it makes.

Layouts as in :mod:`lava_sqs.quantum.kernels.step`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return Numba's decorator with the *options* of every loop here."""
    # Contraction and reassociation change last bits only; NaN and infinity keep their meaning.
    compiled: Callable[[Callable[..., Any]], Any] = njit(
        cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"}, **options
    )
    return compiled


# -- vector code -----------------------------------------------------------------------------
#
# LLVM's loop vectoriser does badly on loops this short (4 to 64 iterations: it interleaves for
# long ones and runs the rest one by one, 4 times slower), so the four inner loops of a step are
# written in its vector types. They are portable: any target has <8 x float>, if need be in pieces.

_INT = ir.IntType(64)
_FLAGS = ("contract", "nsz")


def const(n: int) -> ir.Constant:
    """Return a 64-bit integer."""
    return ir.Constant(_INT, n)


class Emitter:
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

    def widened(self, lanes: int) -> Emitter:
        """Return an emitter for vectors of *lanes* numbers."""
        return Emitter(self.builder, self.element, self.align, self.short, lanes)

    def pointer(self, base: Any, offset: Any) -> Any:
        """Return the address base + offset, of a vector."""
        b = self.builder
        return b.bitcast(b.gep(base, [offset]), self.vector.as_pointer())

    def load(self, base: Any, offset: Any) -> Any:
        """Return the vector at base + offset."""
        return self.builder.load(self.pointer(base, offset), align=self.align)

    def store(self, value: Any, base: Any, offset: Any) -> None:
        """Write a vector to base + offset."""
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
        """Return a vector of the given lanes of another."""
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
        """Return a b, lane by lane."""
        return self.builder.fmul(a, b, flags=_FLAGS)

    def add(self, a: Any, b: Any) -> Any:
        """Return a + b, lane by lane."""
        return self.builder.fadd(a, b, flags=_FLAGS)

    def offset(self, a: Any, b: int) -> Any:
        """Return a + b, for an offset and a constant."""
        return self.builder.add(a, const(b)) if b else a

    def sums(self, n: int) -> list[Any]:
        """Return n vector variables, zero now."""
        variables = [cgutils.alloca_once(self.builder, self.vector) for _ in range(n)]
        for v in variables:
            self.builder.store(ir.Constant(self.vector, [0.0] * self.lanes), v)
        return variables

    def accumulate(self, total: Any, a: Any, b: Any) -> None:
        """Add a b to a variable of `sums`."""
        old = self.builder.load(total)
        self.builder.store(self.add(self.multiply(a, b), old), total)

    def loop(self, stop: Any, step: int) -> Any:
        """Return the context of a loop from 0 to *stop*."""
        return cgutils.for_range_slice(self.builder, const(0), stop, const(step), inc=True)


def vectorised(emit: Callable[..., Any]) -> Callable[..., Any]:
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
        is_short = builder.icmp_signed("==", plain[-1], const(4))
        with builder.if_else(is_short) as branches:
            for branch, short in zip(branches, (True, False), strict=True):
                with branch:
                    value = emit(Emitter(builder, element, item_bytes, short), *plain)
                    if value is not None:
                        builder.store(value, result)
        if signature.return_type == types.void:
            return context.get_dummy_value()
        return builder.load(result)

    return codegen


# -- the inner loops of a step ---------------------------------------------------------------


@intrinsic
def expand(context, c, c0, x, x0, v, v0, n_terms, d):  # type: ignore[no-untyped-def]
    """v[v0 + q D + j] = c[c0 + q] x[x0 + j] for q < C, j < D; nothing if D = 4."""

    def emit(
        e: Emitter, c: Any, c0: Any, x: Any, x0: Any, v: Any, v0: Any, n_terms: Any, d: Any
    ) -> None:
        if e.short:
            return  # the products below take c and x themselves
        b = e.builder
        with e.loop(n_terms, 1) as (q, _):
            w, row = e.splat(c, b.add(c0, q)), b.add(v0, b.mul(q, d))
            with e.loop(d, e.lanes) as (j, _):
                e.store(e.multiply(w, e.load(x, b.add(x0, j))), v, b.add(row, j))

    n = types.intp
    return types.void(c, n, x, n, v, n, n, n), vectorised(emit)


@intrinsic
def dot(context, a, a0, c, c0, x, x0, v, v0, n_terms, d):  # type: ignore[no-untyped-def]
    """Return sum_m a[a0 + m] v[v0 + m], where v is what expand makes of c and x."""

    def emit(
        e: Emitter,
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
    return a.dtype(a, n, c, n, x, n, v, n, n, n), vectorised(emit)


def _emit_products(
    e: Emitter,
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
def one_product(context, a, a0, c, c0, x, x0, v, v0, y, y0, n_terms, d):  # type: ignore[no-untyped-def]
    """y[y0 + i] = sum_m v[v0 + m] a[a0 + m D + i], where v is what expand makes of c and x."""

    def emit(
        e: Emitter,
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
            matrix = b.add(a0, b.mul(q, const(16)))
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
    return types.void(a, n, c, n, x, n, v, n, y, n, n, n), vectorised(emit)


@intrinsic
def both_products(context, a, a0, c, c0, x, x0, y, y0, d):  # type: ignore[no-untyped-def]
    """y[y0 + i] = sum_qj c[c0 + q] x[x0 + j] a[a0 + 8 (4 q + j) + i] for i < 8; c[c0] is 1."""

    def emit(e: Emitter, a: Any, a0: Any, c: Any, c0: Any, x: Any, x0: Any, *rest: Any) -> None:
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
    return types.void(a, n, c, n, x, n, y, n, n), vectorised(emit)


@intrinsic
def fetch_both(context, a, a0, d):  # type: ignore[no-untyped-def]
    """Ask for what both_products reads, into the second level of the cache."""

    def emit(e: Emitter, a: Any, a0: Any, d: Any) -> None:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = e.builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        line = 64 // e.align
        for at in range(0, 96 if e.short else 0, line):
            address = e.builder.bitcast(e.builder.gep(a, [e.offset(a0, at)]), byte)
            e.builder.call(prefetch, [address, number(0), number(2), number(1)])

    return types.void(a, types.intp, types.intp), vectorised(emit)


@intrinsic
def four_products(context, a, a0, v, v0, v1, v2, v3, y, y0, y1, y2, y3, m, d):  # type: ignore[no-untyped-def]
    """As one_product for four vectors that share the block: it is read once."""

    def emit(e: Emitter, a: Any, a0: Any, v: Any, *rest: Any) -> None:
        *vs, y, y0, y1, y2, y3, m, d = rest
        if not e.short:
            _emit_products(e, 1, 2, a, a0, v, vs, y, [y0, y1, y2, y3], m, d)

    n = types.intp
    return types.void(a, n, v, n, n, n, n, y, n, n, n, n, n, n), vectorised(emit)


@intrinsic
def normalise(context, y, y0, x, x0, d):  # type: ignore[no-untyped-def]
    """x[x0 + i] = y[y0 + i] / y[y0] for i < D, the first exactly 1."""

    def emit(e: Emitter, y: Any, y0: Any, x: Any, x0: Any, d: Any) -> None:
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
    return types.void(y, n, x, n, n), vectorised(emit)
