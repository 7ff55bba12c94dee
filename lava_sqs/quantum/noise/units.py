"""Numbers of noise: probabilities, lifetimes and durations, and hints where a unit looks wrong."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError

PerQubit = float | Sequence[float] | NDArray[np.float64]

# Durations above these (seconds) are asked about, unless a lifetime is a tenth as long.
LONGEST_GATE, LONGEST_WAIT = 1e-3, 1e-2

LIFETIME_UNITS = (("us", 1e-6), ("ms", 1e-3), ("s", 1.0))
DURATION_UNITS = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))


def with_unit(
    value: Any, units: Sequence[tuple[str, float]] = (("", 1.0),), join: str = ", "
) -> str:
    """Return numbers in the largest unit in which all that are not 0 are at least 1."""
    values = value if isinstance(value, tuple) else (value,)
    finite = [v for v in values if 0 < v < math.inf]
    # 1e-9: a number that was computed may miss 1 us by a rounding error, and is not 1000 ns.
    fitting = [u for u in units if finite and min(finite) >= u[1] * (1 - 1e-9)]
    unit, size = (fitting or units)[-1 if fitting else 0]
    text = join.join(f"{v / size:.4g}" for v in values)
    if isinstance(value, tuple) and join == ", ":
        text = f"({text})"
    return f"{text} {unit}".strip()


def check_number(name: str, value: Any) -> float:
    """Return a real number that is not NaN; infinity is one."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    # bool is an int to Python, and p_reset=True is more likely a slip than a probability of 1.
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise ArgumentTypeError(name, f"must be a real number, but got {describe(value)}.")
    try:
        result = float(value)
    except OverflowError as error:
        raise ArgumentValueError(
            name, f"must be at most 1e308, but got {describe(value)}."
        ) from error
    if math.isnan(result):
        raise ArgumentValueError(name, "must be a number, but got nan.")
    return result + 0.0  # no negative zero: equal models have equal text


def check_numbers(name: str, value: Any) -> float | tuple[float, ...]:
    """Return a float, or a tuple of floats (one per qubit)."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray)):
        return check_number(name, value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return check_number(name, value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        raise ArgumentTypeError(name, f"must hold numbers, but got {describe(value)}.")
    if len(value) == 0:
        raise ArgumentValueError(name, "must be one number or one per qubit, but is empty.")
    return tuple(check_number(f"{name}[{i}]", item) for i, item in enumerate(value))


def check_probability(name: str, value: float) -> float:
    """Return it if it is from 0 to 1."""
    if 0 <= value <= 1:
        return value
    why = " (beyond it the channel is not completely positive)" if "depol" in name else ""
    raise ArgumentValueError(name, f"must be a probability, from 0 to 1{why}, but got {value!r}.")


def check_unit(
    name: str, value: float, longest: float, lifetime: float, ratio: float = 1000
) -> None:
    """Raise if a duration looks like microseconds: see the Notes of NoiseModel.

    Parameters
    ----------
    name, value
        Name and value of the duration, in seconds.
    longest : float
        Above it a duration needs a lifetime of a tenth of it.
    lifetime : float
        The longest finite one that it meets; inf if there is none.
    ratio : float
        So many lifetimes are never exceeded: nothing more would happen.
    """
    known = math.isfinite(lifetime)
    long = value > longest and not (known and value <= 10 * lifetime)
    if long or (known and value > ratio * lifetime):
        beside = f" beside lifetimes of at most {lifetime:.6g} s" if known else ""
        raise ArgumentValueError(
            name,
            f"must be in seconds, but got {value!r}{beside}: did you mean "
            f"microseconds ({value * 1e-6:.6g})? Durations above {longest:g} s need a lifetime of "
            f"at least a tenth of that, and none may exceed {ratio:g} lifetimes.",
        )


def check_duration(name: str, value: float) -> float:
    """Return it if it can be a time in seconds; nanoseconds are above 10."""
    if not 0 <= value < math.inf:
        raise ArgumentValueError(
            name, f"must be a finite duration >= 0 in seconds, but got {value!r}."
        )
    if value > 10:
        raise ArgumentValueError(
            name,
            f"must be in seconds, at most 10, but got {value!r}: did you mean "
            f"nanoseconds ({value * 1e-9:.6g})?",
        )
    return value


def check_lifetime(name: str, value: float) -> float:
    """Return it if it can be a T1 or T2 in seconds; microseconds are above 10."""
    if value <= 0:
        raise ArgumentValueError(
            name, f"must be positive, in seconds (inf: no decay), but got {value!r}."
        )
    if math.isfinite(value) and not 1e-9 <= value <= 10:
        meant = f" ({value * 1e-6:.6g})" if value > 10 else ""
        raise ArgumentValueError(
            name,
            f"must be in seconds, from 1e-9 to 10 or inf, but got {value!r}: "
            f"did you mean microseconds{meant}?",
        )
    return value


def longest_finite(*lifetimes: Any) -> float:
    """Return the longest finite lifetime of any qubit, inf if there is none."""
    values = [v for t in lifetimes for v in (t if isinstance(t, tuple) else (t,))]
    return max((v for v in values if math.isfinite(v)), default=math.inf)


def check_each(
    name: str, value: float | tuple[float, ...], check: Callable[[str, float], float]
) -> None:
    """Check a number, or those of all qubits, each by its own name."""
    if not isinstance(value, tuple):
        check(name, value)
        return
    for i, number in enumerate(value):
        check(f"{name}[{i}]", number)


def at_qubit(value: Any, qubit: int) -> float:
    """Return a value for one qubit: a scalar holds for every qubit."""
    return float(value[qubit] if isinstance(value, tuple) else value)


def check_lengths(values: Mapping[str, float | tuple[float, ...]]) -> None:
    """Raise unless all that have one value per qubit have as many."""
    given = {name: len(value) for name, value in values.items() if isinstance(value, tuple)}
    first = next(iter(given), "")
    for name, got in given.items():
        if got != given[first]:
            raise ArgumentValueError(
                name,
                f"must have as many values as `{first}` ({given[first]}), "
                f"one per qubit, but has {got}.",
            )


def check_lifetimes(t1: Any, t2: Any) -> None:
    """Raise if a coherence outlives what T1 leaves of it."""
    per_qubit = [v for v in (t1, t2) if isinstance(v, tuple)]
    for q in range(len(per_qubit[0]) if per_qubit else 1):
        most, value = 2 * at_qubit(t1, q), at_qubit(t2, q)
        # t2 = 2 * t1 is legal (no pure dephasing) and may come out one rounding above itself.
        if value > most * (1 + 1e-12):
            where = f" on qubit {q}" if per_qubit else ""
            raise ArgumentValueError(
                "t2",
                f"must be at most 2 * t1 = {most:.6g} s{where}, but got {value!r}"
                f": t2 contains t1. Pass t2={most:.6g} for no dephasing beyond t1.",
            )
