"""The vector code of :mod:`lava_sqs.quantum.kernels.lanes`: one io and one memory qubit.

A vector here holds one number of as many *samples* as fit 64 bytes. They share a neuron, so its
instrument, ``a[s, i, q, j]`` flat, is broadcast number by number. What a step of a neuron knows of
such a group of samples, its item, is a block of vectors in a work array, in the order below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lava_sqs.quantum.kernels.vectors import Emitter, const

_SIN = [(-1) ** i / math.factorial(2 * i + 1) for i in range(11)]
_COS = [(-1) ** i / math.factorial(2 * i) for i in range(11)]
# Taylor terms after which the rest at pi/2 is below a rounding error, by bytes per number.
_N_TERMS = {4: (6, 7), 8: (10, 11)}

# An item's vectors: what comes in (currents, uniforms or learning signals, spikes) and out.
Z, U, SPIKE, P, LIKELIHOOD = 0, 1, 2, 3, 4
SIGNAL, COS, SIN, SLOPE, R, INVERSE, ETA = 1, 3, 4, 5, 6, 9, 10
RUN_ROWS, SCORE_ROWS = 5, 18


class Samples(Emitter):
    """Vector operations on one number of many samples."""

    def __init__(self, builder: Any, element: Any, item_bytes: int) -> None:
        super().__init__(builder, element, item_bytes, short=False, lanes=64 // item_bytes)
        self.item_bytes = item_bytes

    def number(self, value: float) -> Any:
        """Return a vector of copies of a constant."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def row(self, base: Any, item: Any, n: int) -> Any:
        """Return vector *n* of the item that starts at *item*."""
        return self.load(base, self.offset(item, n * self.lanes))

    def put(self, value: Any, base: Any, item: Any, n: int) -> None:
        """Write vector *n* of the item that starts at *item*."""
        self.store(value, base, self.offset(item, n * self.lanes))

    def mad(self, a: Any, b: Any, c: Any) -> Any:
        """Return a b + c."""
        return self.add(self.multiply(a, b), c)

    def subtract(self, a: Any, b: Any) -> Any:
        """Return a - b."""
        return self.builder.fsub(a, b, flags=("contract", "nsz"))

    def divide(self, a: Any, b: Any) -> Any:
        """Return a / b."""
        return self.builder.fdiv(a, b)

    def compare(self, how: str, a: Any, b: Any) -> Any:
        """Return the mask of a comparison, false for NaN."""
        return self.builder.fcmp_ordered(how, a, b)

    def choose(self, mask: Any, a: Any, b: Any) -> Any:
        """Return a where the mask is set, else b."""
        return self.builder.select(mask, a, b)

    def floor(self, a: Any) -> Any:
        """Return the largest whole number that is not above a."""
        name = f"llvm.floor.v{self.lanes}f{8 * self.item_bytes}"
        kind = ir.FunctionType(self.vector, [self.vector])
        return self.builder.call(
            cgutils.get_or_insert_function(self.builder.module, kind, name), [a]
        )

    def scalar(self, value: Any) -> Any:
        """Return a vector of copies of a double precision variable."""
        if self.item_bytes == 4:
            value = self.builder.fptrunc(value, self.element)
        return self.copies(value)

    def series(self, coefficients: list[float], g: Any) -> Any:
        """Return the polynomial in g with these coefficients."""
        total = self.number(coefficients[-1])
        for c in coefficients[-2::-1]:
            total = self.mad(total, g, self.number(c))
        return total


def lanewise(emit: Callable[..., Any]) -> Callable[..., Any]:
    """Return the code generator of an intrinsic: emit(samples, *arguments).

    Arrays arrive as pointers to their data; the type of the first is that of the vectors. What
    *emit* returns, if anything, is the intrinsic's value.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        arrays = [isinstance(t, types.Array) for t in signature.args]
        dtype = signature.args[arrays.index(True)].dtype
        plain = [
            context.make_array(t)(context, builder, value).data if is_array else value
            for t, value, is_array in zip(signature.args, values, arrays, strict=True)
        ]
        e = Samples(builder, context.get_value_type(dtype), dtype.bitwidth // 8)
        value = emit(e, *plain)
        return context.get_dummy_value() if value is None else value

    return codegen


def _encoded(e: Samples, z: Any, shrink: Any) -> tuple[Any, Any, Any]:
    """Return eta cos(pi z), -eta sin(pi z) and the slope of the latter; no gate for z <= 0."""
    whole = e.floor(e.add(z, e.number(0.5)))
    even = e.floor(e.multiply(whole, e.number(0.5)))
    parity = e.mad(even, e.number(-2.0), whole)
    scale = e.multiply(e.mad(parity, e.number(-2.0), e.number(1.0)), shrink)
    f = e.multiply(e.subtract(z, whole), e.number(math.pi))
    g = e.multiply(f, f)
    n_sin, n_cos = _N_TERMS[e.item_bytes]
    cosine = e.multiply(e.series(_COS[:n_cos], g), scale)
    sine = e.multiply(e.multiply(e.series(_SIN[:n_sin], g), f), scale)
    on = e.compare(">", z, e.number(0.0))
    zero = e.number(0.0)
    return (
        e.choose(on, cosine, e.number(1.0)),
        e.choose(on, e.subtract(zero, sine), zero),
        e.choose(on, e.multiply(cosine, e.number(-math.pi)), zero),
    )


def _outcomes(e: Samples, a: Any, a0: Any, c: Any, s: Any, r: list[Any]) -> list[list[Any]]:
    """Return y_s = S_s r of both outcomes, four vectors each; r without its first, 1."""
    both = []
    for outcome in range(2):
        rows = []
        for i in range(4):
            terms = []
            for q in range(3):
                at = 48 * outcome + 12 * i + 4 * q
                total = e.splat(a, e.offset(a0, at))
                for j in range(3):
                    total = e.mad(e.splat(a, e.offset(a0, at + 1 + j)), r[j], total)
                terms.append(total)
            rows.append(e.mad(s, terms[2], e.mad(c, terms[1], terms[0])))
        both.append(rows)
    return both


def _after(
    e: Samples, both: list[list[Any]], spike: Any, floor: Any
) -> tuple[list[Any], Any, Any, Any]:
    """Return the memory after the outcome, 1/trace, the trace, and where it is forgotten."""
    happened = [e.choose(spike, one, none) for none, one in zip(*both, strict=True)]
    p = happened[0]
    low = e.compare("<", p, floor)
    y = [
        e.choose(low, e.add(none, one), own) for none, one, own in zip(*both, happened, strict=True)
    ]
    inverse = e.divide(e.number(1.0), y[0])
    return [e.multiply(v, inverse) for v in y[1:]], inverse, p, low


def _unit(e: Samples, p: Any) -> Any:
    """Return p held to [0, 1]."""
    zero, one = e.number(0.0), e.number(1.0)
    p = e.choose(e.compare(">", p, zero), p, zero)
    return e.choose(e.compare("<", p, one), p, one)


@intrinsic
def move(context, a, i, b, j):  # type: ignore[no-untyped-def]
    """b[j : j + L] = a[i : i + L], for the L numbers of a vector."""

    def emit(e: Samples, a: Any, i: Any, b: Any, j: Any) -> None:
        e.store(e.load(a, i), b, j)

    return types.void(a, types.intp, b, types.intp), lanewise(emit)


@intrinsic
def run_item(context, a, a0, w, item, r, r0, hits, shrink, floor):  # type: ignore[no-untyped-def]
    """Make one step: the item's SPIKE (-1 draws by U), P, LIKELIHOOD, and the memory r[r0:]."""

    def emit(
        e: Samples, a: Any, a0: Any, w: Any, item: Any, r: Any, r0: Any, hits: Any, *scalars: Any
    ) -> None:
        shrink, floor = (e.scalar(x) for x in scalars)
        memory = [e.row(r, r0, j) for j in range(3)]
        c, s, _ = _encoded(e, e.row(w, item, Z), shrink)
        both = _outcomes(e, a, a0, c, s, memory)
        silent = both[0][0]
        zero, one = e.number(0.0), e.number(1.0)
        fixed = e.row(w, item, SPIKE)
        spike = e.choose(
            e.compare(">=", fixed, zero),
            e.compare(">", fixed, zero),
            e.compare(">=", e.row(w, item, U), silent),
        )
        memory, _, p, low = _after(e, both, spike, floor)
        for j in range(3):
            e.put(memory[j], r, r0, j)
        e.put(e.choose(spike, one, zero), w, item, SPIKE)
        e.put(e.subtract(one, _unit(e, silent)), w, item, P)
        likely = e.choose(e.compare(">", p, one), one, p)
        e.put(e.choose(low, floor, likely), w, item, LIKELIHOOD)
        at = const(0)
        e.store(e.add(e.load(hits, at), e.choose(low, one, zero)), hits, at)

    n, x = types.intp, types.float64
    return types.void(a, n, w, n, r, n, hits, x, x), lanewise(emit)


@intrinsic
def recall_item(context, a, a0, w, item, after, hits, shrink, floor, scale, raising):  # type: ignore[no-untyped-def]
    """Repeat one step: fill the item, and the memory R of the item *after* it.

    SPIKE becomes 2 where the outcome is forgotten, SIGNAL 0; elsewhere SIGNAL is multiplied by
    *scale*, and if *raising* is 1 (not 0) by s + p - 1 as well.
    """

    def emit(
        e: Samples, a: Any, a0: Any, w: Any, item: Any, after: Any, hits: Any, *scalars: Any
    ) -> None:
        shrink, floor, scale, raising = (e.scalar(x) for x in scalars)
        memory = [e.row(w, item, R + j) for j in range(3)]
        c, s, slope = _encoded(e, e.row(w, item, Z), shrink)
        both = _outcomes(e, a, a0, c, s, memory)
        zero, one = e.number(0.0), e.number(1.0)
        said = e.row(w, item, SPIKE)
        memory, inverse, _, low = _after(e, both, e.compare(">", said, zero), floor)
        for j in range(3):
            e.put(memory[j], w, after, R + j)
        for n, value in ((COS, c), (SIN, s), (SLOPE, slope)):
            e.put(value, w, item, n)
        e.put(e.choose(low, one, inverse), w, item, INVERSE)
        e.put(e.choose(low, e.number(2.0), said), w, item, SPIKE)
        # s + p - 1 is s less the probability of silence
        signal = e.multiply(e.row(w, item, SIGNAL), scale)
        factor = e.mad(raising, e.subtract(e.subtract(said, _unit(e, both[0][0])), one), one)
        e.put(e.choose(low, zero, e.multiply(signal, factor)), w, item, SIGNAL)
        at = const(0)
        e.store(e.add(e.load(hits, at), e.choose(low, one, zero)), hits, at)

    n, x = types.intp, types.float64
    return types.void(a, n, w, n, n, hits, x, x, x, x), lanewise(emit)


@intrinsic
def credit_item(context, a, a0, w, item, after, mu, m0, bound):  # type: ignore[no-untyped-def]
    """Go one step back: mu[m0:], the item's d/dz in Z, and its eta / p per outcome in ETA.

    What is delivered in Z is held to [-bound, bound].
    """

    def emit(
        e: Samples, a: Any, a0: Any, w: Any, item: Any, after: Any, mu: Any, m0: Any, bound: Any
    ) -> None:
        back = [e.row(mu, m0, j) for j in range(4)]
        overlap = back[0]
        for j in range(3):
            overlap = e.mad(back[1 + j], e.row(w, after, R + j), overlap)
        back[0] = e.add(back[0], e.subtract(e.row(w, item, SIGNAL), overlap))
        inverse, said = e.row(w, item, INVERSE), e.row(w, item, SPIKE)
        zero = e.number(0.0)
        eta = [e.multiply(x, inverse) for x in back]
        each = []
        for outcome in range(2):
            other = e.compare("==", said, e.number(1.0 - outcome))
            each.append([e.choose(other, zero, x) for x in eta])
            for i in range(4):
                e.put(each[outcome][i], w, item, ETA + 4 * outcome + i)
        c, s = e.row(w, item, COS), e.row(w, item, SIN)
        pulls: list[Any] = [None, None]
        for j in range(4):
            columns = []
            for q in range(3):
                total = None
                for outcome in range(2):
                    for i in range(4):
                        at = 48 * outcome + 12 * i + 4 * q + j
                        number, x = e.splat(a, e.offset(a0, at)), each[outcome][i]
                        total = e.multiply(number, x) if total is None else e.mad(number, x, total)
                columns.append(total)
            e.put(e.mad(s, columns[2], e.mad(c, columns[1], columns[0])), mu, m0, j)
            for q in range(2):
                if j == 0:
                    pulls[q] = columns[1 + q]
                else:
                    pulls[q] = e.mad(e.row(w, item, R + j - 1), columns[1 + q], pulls[q])
        first = e.multiply(e.multiply(s, e.number(math.pi)), pulls[0])
        slope = e.mad(e.row(w, item, SLOPE), pulls[1], first)
        most = e.scalar(bound)
        least = e.subtract(zero, most)
        slope = e.choose(e.compare(">", slope, most), most, slope)
        e.put(e.choose(e.compare("<", slope, least), least, slope), w, item, Z)

    n = types.intp
    return types.void(a, n, w, n, n, mu, n, types.float64), lanewise(emit)


@intrinsic
def sum_items(context, w, first, stop, g, g0):  # type: ignore[no-untyped-def]
    """g[g0 + (s, i, q, j)] += the sum of eta_i c_q r_j, over the items that lie in w[first:stop].

    Sixteen sums at a time: they stay in registers. g is in double precision.
    """

    def emit(e: Samples, w: Any, first: Any, stop: Any, g: Any, g0: Any) -> None:
        b = e.builder
        double = ir.VectorType(ir.DoubleType(), 4)
        size = const(SCORE_ROWS * e.lanes)
        for outcome in range(2):
            for q in range(3):
                totals = [[e.sums(1)[0] for _ in range(4)] for _ in range(4)]
                with cgutils.for_range_slice(b, first, stop, size, inc=True) as (item, _):
                    v = [e.row(w, item, R + j) for j in range(3)]
                    if q:
                        factor = e.row(w, item, (COS, SIN)[q - 1])
                        v = [factor, *(e.multiply(factor, x) for x in v)]
                    else:
                        v = [e.number(1.0), *v]
                    for i in range(4):
                        x = e.row(w, item, ETA + 4 * outcome + i)
                        for j in range(4):
                            e.accumulate(totals[i][j], x, v[j])
                for i in range(4):
                    parts = []
                    for total in (b.load(t) for t in totals[i]):
                        lanes = e.lanes
                        while lanes > 4:
                            lanes //= 2
                            halves = [range(h * lanes, (h + 1) * lanes) for h in range(2)]
                            total = e.add(*(e.shuffle(total, list(h)) for h in halves))
                        parts.append(total)
                    row = e.fold_four(parts)
                    if e.item_bytes == 4:
                        row = b.fpext(row, double)
                    at = b.gep(g, [e.offset(g0, 48 * outcome + 12 * i + 4 * q)])
                    at = b.bitcast(at, double.as_pointer())
                    b.store(b.fadd(b.load(at, align=8), row), at, align=8)

    n = types.intp
    return types.void(w, n, n, g, n), lanewise(emit)
