"""Values that nobody should pass, and what a kind of argument must do with them.

A kind answers one question about a value, :meth:`Kind.may`: False, it must be refused; True or
None, it may be accepted. What may be accepted is then checked by the target.
"""

import datetime
import decimal
import enum
import fractions
import math
import numbers
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import qutip
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lava_sqs import NoiseModel, ansatz


class Five(enum.IntEnum):
    """An integer of another class."""

    FIVE = 5


#: Functions, for some values are used up or changed by use.
POOL = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "np.True_": lambda: np.True_,
    **{repr(n): lambda n=n: n for n in (-3, -1, 0, 1, 2, 3, 5)},
    **{
        f"{base}**{power}": lambda n=base**power: n
        for base, power in ((10, 9), (10, 12), (2, 63), (10, 30), (-10, 31), (10, 400))
    },
    **{
        repr(x): lambda x=x: x
        for x in (-1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 3.5, 1e-320, 1e308, math.nan, math.inf, -math.inf)
    },
    "1j": lambda: 1j,
    "1+0j": lambda: 1 + 0j,
    **{
        repr(text): lambda text=text: text
        for text in (
            "",
            "a",
            "1",
            "1.5",
            "None",
            "layered",
            "paper",
            "nan",
            "x" * 300,
            "\x00",
            "é😀",
        )
    },
    "bytes": lambda: b"abc",
    "np.int64": lambda: np.int64(2),
    "np.uint8": lambda: np.uint8(200),
    "np.float32": lambda: np.float32(0.5),
    "np.float64 nan": lambda: np.float64("nan"),
    "np.complex64": lambda: np.complex64(1),
    "IntEnum": lambda: Five.FIVE,
    "Fraction": lambda: fractions.Fraction(1, 2),
    "Decimal": lambda: decimal.Decimal("0.5"),
    "date": lambda: datetime.date(2025, 1, 1),
    "0-d int": lambda: np.array(2),
    "0-d float": lambda: np.array(0.5),
    "0-d bool": lambda: np.array(True),
    "0-d object": lambda: np.array(None),
    "empty": lambda: np.array([]),
    "empty 2-d": lambda: np.empty((0, 3)),
    "one": lambda: np.array([0.5]),
    "two": lambda: np.array([0.25, 0.5]),
    "three": lambda: np.array([1, 2, 3]),
    "eight": lambda: np.linspace(-1, 1, 8),
    "matrix": lambda: np.full((2, 3), 0.5),
    "long axis": lambda: np.zeros((2, 10**4)),
    "many axes": lambda: np.zeros((1,) * 20),
    "ints": lambda: np.array([[0, 1], [1, 0]]),
    "bools": lambda: np.array([True, False]),
    "uint64": lambda: np.array([2**64 - 1, 0], dtype=np.uint64),
    "with nan": lambda: np.array([0.5, np.nan]),
    "with inf": lambda: np.array([[np.inf, 0.5]]),
    "complex array": lambda: np.array([0.5, 1j]),
    "text array": lambda: np.array(["a", "b"]),
    "digits": lambda: np.array(["1", "2"]),
    "objects": lambda: np.array([1, "a", None], dtype=object),
    "object ints": lambda: np.array([1, 2], dtype=object),
    "records": lambda: np.zeros(2, dtype=[("a", int), ("b", float)]),
    "dates": lambda: np.array(["2025-01-01"], dtype="datetime64[D]"),
    "masked": lambda: np.ma.masked_array([0.5, 0.25], mask=[True, False]),
    "float16": lambda: np.array([0.5, 0.25], dtype=np.float16),
    "longdouble": lambda: np.array([0.5, 0.25], dtype=np.longdouble),
    "big endian": lambda: np.array([0.5, 0.25], dtype=">f8"),
    "strided": lambda: np.linspace(0, 1, 16)[::8],
    "read only": lambda: np.broadcast_to(np.float64(0.5), (2,)),
    "()": tuple,
    "[]": list,
    "{}": dict,
    "set": lambda: {1, 2},
    "(1,)": lambda: (1,),
    "(2, 3)": lambda: (2, 3),
    "(2, -1)": lambda: (2, -1),
    "(True, 2)": lambda: (True, 2),
    "(2.0, 3)": lambda: (2.0, 3),
    "(1e9,)": lambda: (10**9,),
    "(1e6, 1e6)": lambda: (10**6, 10**6),
    "(1,) * 40": lambda: (1,) * 40,
    "(2,) * 70": lambda: (2,) * 70,
    "ragged": lambda: [[1, 2], [3]],
    "nested": lambda: [[[[0.5]]]],
    "mixed list": lambda: [1, "a"],
    "texts": lambda: ("a", "b"),
    "range": lambda: range(3),
    "generator": lambda: (i for i in range(3)),
    "dict": lambda: {"a": 1},
    "deep": lambda: _deep(200),
    "lambda": lambda: lambda: 1,
    "type": lambda: int,
    "object": object,
    "Path": lambda: Path("nowhere/at/all"),
    "Qobj": lambda: qutip.sigmax(),
    "Qobj 4": lambda: qutip.rand_dm([2, 2], seed=1),
    "NoiseModel": lambda: NoiseModel(t1=1e-4, t2=1e-4),
    "NoiseModel of 5": lambda: NoiseModel(t1=1e-4, t2=(1e-4,) * 5),
    "Ansatz": ansatz.paper,
    "Generator": lambda: np.random.default_rng(0),
    "dtype": lambda: np.dtype("int8"),
}


def _deep(depth):
    value = 0.5
    for _ in range(depth):
        value = [value]
    return value


@dataclass(frozen=True)
class Value:
    """A value and what to call it."""

    name: str
    make: object

    def __repr__(self):
        return f"<{self.name}>"


def _drawn(value):
    return Value(f"{value!r:.200}", lambda: value)


_ARRAYS = npst.arrays(
    st.sampled_from(["f8", "f4", "i8", "i2", "u1", "?", "c16", "U2"]),
    npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
#: Nine of ten values come from the pool.
VALUES = st.one_of(
    *[st.sampled_from([Value(name, make) for name, make in POOL.items()])] * 6,
    st.integers(-(2**70), 2**70).map(_drawn),
    st.floats().map(_drawn),
    st.text(max_size=8).map(_drawn),
    _ARRAYS.map(_drawn),
)


@dataclass(frozen=True)
class Kind:
    """What an argument takes."""

    may: object = lambda value: None
    skip: object = lambda value: False

    def optional(self):
        """Return the kind that also takes None."""
        return Kind(lambda value: True if value is None else self.may(value), self.skip)


def is_integer(value):
    """Whether a value is an integer, and no truth value."""
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))


def integer(minimum=None, largest=None):
    """An integer; values above *largest* are left out, for they would only take long."""

    def may(value):
        return is_integer(value) and (minimum is None or value >= minimum)

    return Kind(may, lambda value: largest is not None and is_integer(value) and value > largest)


def real(low=-math.inf, high=math.inf, *, strictly=False, finite=True):
    """One real number in [low, high], or above low if *strictly*; numbers in 0-d arrays too."""

    def may(value):
        if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf":
            value = value.item()
        if isinstance(value, (fractions.Fraction, decimal.Decimal)):
            return None
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
            return False
        if is_integer(value) and abs(value) > 1e308:
            return False
        if math.isnan(value) or (finite and math.isinf(value)):
            return False
        return (value > low if strictly else value >= low) and value <= high

    return Kind(may)


def choice(*options):
    """One of some names."""
    return Kind(lambda value: isinstance(value, str) and value in options)


def flag():
    """True or False."""
    return Kind(lambda value: isinstance(value, (bool, np.bool_)))


def text():
    """Any text."""
    return Kind(lambda value: isinstance(value, str))


def instance(*kinds):
    """An object of a class."""
    return Kind(lambda value: None if isinstance(value, kinds) else False)


def array(check=lambda value: None, *, finite=True):
    """Finite real numbers in an array; *check* may say more of it."""

    def may(value):
        if isinstance(value, (str, bytes, dict, set, complex, np.complex64)) or value is None:
            return False
        if isinstance(value, qutip.Qobj):
            return None
        try:
            numbers_ = np.asarray(value)
        except ValueError:
            return False
        if numbers_.dtype.kind not in "biuf":
            return None if numbers_.dtype == object and numbers_.size == 0 else False
        if numbers_.ndim == 0 and numbers_.dtype.kind == "b":
            return False
        if finite and not np.isfinite(numbers_.astype(float)).all():
            return False
        return check(numbers_)

    return Kind(may)


def anything(skip=lambda value: False):
    """Whatever; only the refusal is checked."""
    return Kind(skip=skip)
