"""Argument checks of this package.

The wording of `lava_sqs.quantum._checks`, without the four seconds that importing the physics
takes: `study status` and every worker start would pay them.
"""

from __future__ import annotations

import difflib
import numbers
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["check_choice", "check_int", "check_seconds", "describe"]


def describe(value: Any) -> str:
    """Return a short text for *value*."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def check_int(name: str, value: Any, *, minimum: int | None = None) -> int:
    """Return *value* as ``int``; bools, floats and texts are refused."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"Argument `{name}` must be an integer, but got {type(value).__name__} "
            f"({describe(value)})."
        )
    result = operator.index(value)
    if minimum is not None and result < minimum:
        raise ValueError(f"Argument `{name}` must be at least {minimum}, but got {result}.")
    return result


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return *value* if it is one of *choices*; otherwise name them, and the nearest."""
    options = list(choices)
    if isinstance(value, str) and value in options:
        return value
    near = difflib.get_close_matches(value, options, n=1) if isinstance(value, str) else []
    hint = f" Did you mean {near[0]!r}?" if near else ""
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(
        f"Argument `{name}` must be one of {', '.join(map(repr, options))}, but got "
        f"{describe(value)}.{hint}"
    )


def check_seconds(name: str, value: Any) -> float:
    """Return a finite number of seconds above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"Argument `{name}` must be a number of seconds, got {describe(value)}.")
    if not 0 < value < float("inf"):
        raise ValueError(f"Argument `{name}` must be seconds above 0, but got {value!r}.")
    return float(value)
