"""What one batch of a task hands back: numbers that add up."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sqs._checks import (
    check_array,
    check_choice,
    check_instance,
    check_int,
    check_items,
    check_real,
    check_shape,
    describe,
)
from lava_sqs._errors import ArgumentValueError

__all__ = ["KINDS", "Counts"]

#: How counts were made: see :class:`Counts`.
KINDS = ("shots", "samples", "values")


@dataclass(frozen=True)
class Counts:
    r"""Sums over the shots of a batch; batches of the same kind add up field by field.

    Use one of the three constructors; each has its own interval, because each repeats something
    else:

    ============================  =========================================  =======================
    constructor                   one shot is                                interval
    ============================  =========================================  =======================
    :meth:`of_shots`              an independent trial: wrong or right       Wilson
    :meth:`of_samples`            one repeat of one of N fixed test samples  Wilson, clustered
    :meth:`of_values`             an independent number, one per seed        Student's t over seeds
    ============================  =========================================  =======================

    Attributes
    ----------
    kind : {"shots", "samples", "values"}
        What was counted.
    shots : int
        How many trials, samples times repeats, or values.
    errors : int
        How many shots were wrong; 0 for values.
    value_sum, value_sq : float
        Sum of values and of their squares; 0 unless ``kind == "values"``.
    sample_errors : tuple of int
        Errors of each test sample; empty unless ``kind == "samples"``.

    Examples
    --------
    >>> Counts.of_shots(100, errors=3) + Counts.of_shots(50, errors=1)
    Counts(kind='shots', shots=150, errors=4, value_sum=0.0, value_sq=0.0, sample_errors=())
    >>> Counts.of_samples([0, 2, 1], repeats=2).estimate
    0.5
    """

    kind: str
    shots: int
    errors: int = 0
    value_sum: float = 0.0
    value_sq: float = 0.0
    sample_errors: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, KINDS)
        check_int("shots", self.shots, minimum=0)
        check_int("errors", self.errors, minimum=0)
        if self.errors > self.shots:
            raise ArgumentValueError(
                "errors", f"must be at most shots = {self.shots}, but got {self.errors}."
            )
        for name in ("value_sum", "value_sq"):
            check_shape(name, check_real(name, getattr(self, name)), ())
        items = check_items("sample_errors", self.sample_errors)
        if set(map(type, items)) - {int}:  # large files have millions of them
            for each in items:
                check_int("sample_errors", each)
        if self.kind == "samples" and (
            not self.sample_errors
            or self.shots % len(self.sample_errors)
            or sum(self.sample_errors) != self.errors
            or min(self.sample_errors) < 0
            or max(self.sample_errors) > self.repeats
        ):
            raise ArgumentValueError(
                "sample_errors",
                "must give the errors of every sample, each from 0 to "
                f"the number of repeats, and sum to {self.errors} in {self.shots} shots, but got "
                f"{describe(self.sample_errors)}.",
            )

    @classmethod
    def of_shots(cls, shots: int, errors: int) -> Counts:
        """Return the counts of independent trials.

        Parameters
        ----------
        shots : int
            How many.
        errors : int
            How many of them were wrong.

        Returns
        -------
        Counts

        Raises
        ------
        TypeError, ValueError
            If `shots` or `errors` is not a count, or there are more errors than shots.
        """
        return cls("shots", check_int("shots", shots), check_int("errors", errors))

    @classmethod
    def of_samples(cls, errors: Sequence[int] | Any, repeats: int = 1) -> Counts:
        """Return the errors of each of N test samples, each evaluated *repeats* times.

        Parameters
        ----------
        errors : array_like of int, shape (N,)
            The order of the samples must be the same in every batch.
        repeats : int
            Evaluations of each sample.

        Returns
        -------
        Counts

        Raises
        ------
        TypeError, ValueError
            If an entry of `errors` is not a count up to `repeats`.
        """
        check_instance("errors", errors, np.ndarray, list, tuple, range)
        array = check_array("errors", errors, "N counts, one per sample")
        if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "biu":
            raise ArgumentValueError(
                "errors", f"must be N counts, one per sample, but got {describe(errors)}."
            )
        each = tuple(int(e) for e in array)
        repeats = check_int("repeats", repeats, minimum=1)
        return cls("samples", len(each) * repeats, sum(each), sample_errors=each)

    @classmethod
    def of_values(cls, values: Iterable[float] | Any) -> Counts:
        """Return independent numbers: one per seed, that is per training or per circuit drawn.

        Parameters
        ----------
        values : float or array_like of float, any shape
            Finite numbers.

        Returns
        -------
        Counts

        Raises
        ------
        ValueError
            If a value is not a finite number.
        """
        array = np.atleast_1d(check_real("values", values)).ravel()
        if (np.abs(array) > 1e100).any():
            raise ArgumentValueError("values", "must hold numbers up to 1e100: they are squared.")
        return cls(
            "values",
            int(array.size),
            # Exactly rounded sums: a row does not depend on the order of its values.
            value_sum=math.fsum(array),
            value_sq=math.fsum(array**2),
        )

    @property
    def repeats(self) -> int:
        """How often each sample was evaluated; 1 unless ``kind == "samples"``."""
        return self.shots // len(self.sample_errors) if self.sample_errors else 1

    @property
    def estimate(self) -> float:
        """Mean value, or fraction of shots that were wrong; NaN without shots."""
        if not self.shots:
            return math.nan
        return (self.value_sum if self.kind == "values" else self.errors) / self.shots

    def __add__(self, other: Counts) -> Counts:
        if not isinstance(other, Counts):
            return NotImplemented
        if self.kind != other.kind:
            raise ValueError(f"Counts of {self.kind} and of {other.kind} do not add up.")
        if len(self.sample_errors) != len(other.sample_errors):
            raise ValueError(
                "Counts of the same test samples add up, but one has "
                f"{len(self.sample_errors)} samples and the other {len(other.sample_errors)}."
            )
        return Counts(
            self.kind,
            self.shots + other.shots,
            self.errors + other.errors,
            self.value_sum + other.value_sum,
            self.value_sq + other.value_sq,
            tuple(map(operator.add, self.sample_errors, other.sample_errors)),
        )


def as_counts(result: Any) -> Counts:
    """Return what a task returned as Counts; dicts with `shots` and `errors` are welcome."""
    if isinstance(result, Counts):
        return result
    keys = {"shots", "errors"}
    if isinstance(result, dict) and set(result) == keys:
        return Counts.of_shots(result["shots"], result["errors"])
    if isinstance(result, dict) and set(result) == {"values"}:
        return Counts.of_values(result["values"])
    if isinstance(result, dict) and set(result) in (
        {"sample_errors"},
        {"sample_errors", "repeats"},
    ):
        return Counts.of_samples(result["sample_errors"], result.get("repeats", 1))
    raise TypeError(
        "A task must return Counts, or a dict with the keys `shots` and `errors`, `values`, or "
        f"`sample_errors` and `repeats`, but returned {describe(result)}."
    )
