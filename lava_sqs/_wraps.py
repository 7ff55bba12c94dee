"""Currents beyond a full flip, where the encoding angle wraps: counted and warned of here."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import outside

__all__ = ["WrapWarning", "Wraps", "warn_of_bias"]


class WrapWarning(UserWarning):
    """A current above 1: its angle pi*z wraps, so that 2 acts like no input."""


def count(z: NDArray[Any]) -> int:
    """Return how many currents exceed 1."""
    return int(np.count_nonzero(z > 1))


class Wraps:
    """How many currents have exceeded 1; the first of them are warned of.

    Examples
    --------
    >>> wraps = Wraps()
    >>> wraps.add(0)
    >>> wraps.count
    0
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, n: int) -> None:
        """Count *n* more."""
        first, self.count = not self.count and n > 0, self.count + n
        if first:
            text = (
                f"{n} input currents exceed 1, where the encoding angle pi*z wraps (z = 2 acts "
                "like no input). Scale the currents down; `wraps` counts them."
            )
            warnings.warn(text, WrapWarning, outside("lava_sqs.quantum")[0])


def warn_of_bias(bias: NDArray[Any], what: str = "`bias`") -> None:
    """Warn of a constant current that is beyond a full flip in every step without input."""
    if bias.max() <= 1:
        return
    level, name = outside("lava_sqs.proc", "lava.")
    if not name.startswith("lava_sqs."):  # what our network has learned is not an argument
        text = (
            f"Argument {what} reaches {bias.max():g}, but 1 is a full flip, and beyond it the "
            "angle pi*z wraps (2 acts like no input). More than 1 makes sense only against "
            "inhibition."
        )
        warnings.warn(text, WrapWarning, level)
