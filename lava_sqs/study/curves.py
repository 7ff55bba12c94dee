"""Which points of a study make one curve, and the numbers on it: what pictures draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lava_sqs._checks import check_choice, check_items, check_text
from lava_sqs._errors import ArgumentValueError
from lava_sqs.study.plan.noise import RATIOS
from lava_sqs.study.plan.points import in_words
from lava_sqs.study.result import PointResult, StudyResult

__all__: list[str] = []

#: What there is to draw.
VALUES = ("auto", "value", "error rate", "accuracy")
_HOW = "by result.select(name=value) or --select name=value"


def is_number(value: Any) -> bool:
    """Return whether a parameter has a place on an axis."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_numbers(result: StudyResult, name: str) -> None:
    """Raise unless the parameter *name* is a number at every point."""
    for p in result.points:
        at = p.parameter(name)
        if not is_number(at):
            raise ArgumentValueError(
                "x",
                f"must be a parameter with a number at every point, but `{name}` is "
                f"{at!r} at ({in_words(p.params)}).",
            )


def groups_of(result: StudyResult, x: str, group: str | Sequence[str] | None) -> list[str]:
    """Return the parameters that tell curves over *x* apart: those given, or all that vary."""
    given = [group] if isinstance(group, str) else group
    if given is None:
        groups = [n for n in result.varying if not _stands_for(result, x, n)]
    else:
        groups = [result.resolve(check_text("group", g)) for g in check_items("group", given)]
    if len(groups) > 2:
        raise ArgumentValueError(
            "group",
            f"can have two parameters, but {', '.join(groups)} vary: choose, and "
            f"select one value of the rest, {_HOW}.",
        )
    check_rest(result, (x, *groups))
    return groups


def _stands_for(result: StudyResult, shown: str, other: str) -> bool:
    """Return whether *other* varies only through *shown*: t2 is drawn, t1 and a ratio make it."""
    prefix, _, field = shown.rpartition(".")
    made_of = [f"{prefix}.{of}" for target, of in RATIOS.values() if target == field]
    return other == shown or (shown not in result.parameters and other in made_of)


def check_rest(result: StudyResult, shown: Sequence[str]) -> None:
    """Raise if points differ in more than the parameters that are *shown*."""
    seen: dict[tuple[str, ...], PointResult] = {}
    for p in result.points:
        # repr: parameters may be lists, which cannot be keys.
        key = tuple(repr(p.parameter(name)) for name in shown)
        first = seen.setdefault(key, p)
        if first is not p:
            names = sorted({*first.params, *p.params})
            differ = [n for n in names if first.params.get(n) != p.params.get(n)]
            differ += [n for n in ("task", "version") if getattr(first, n) != getattr(p, n)]
            raise ValueError(
                f"Several points have the same {', '.join(shown)}: they differ in "
                f"{', '.join(differ) or 'what the task is'}. Use it as group, or select one value, "
                f"{_HOW}."
            )


def kind_of(result: StudyResult, value: str) -> str:
    """Return what to draw, one of `VALUES` but "auto"; raise if the tasks have no such thing."""
    check_choice("value", value, VALUES)
    values = [p.counts.kind == "values" for p in result.points]
    if not values:
        raise ArgumentValueError("result", "must have points, but has none.")
    # Values and error rates share no axis.
    if any(values) != all(values):
        raise ArgumentValueError("result", "mixes tasks: use result.select(task=...).")
    if all(values):
        if value in ("error rate", "accuracy"):
            raise ArgumentValueError(
                "value", f"must be 'value', but got {value!r}: there are no errors."
            )
        return "value"
    return "accuracy" if value == "auto" else "error rate" if value == "value" else value


def estimate_of(point: PointResult, kind: str, level: float) -> tuple[float, float, float]:
    """Return an estimate of a *kind* with the ends of its interval."""
    found = point.interval(level)
    if kind == "accuracy":
        # The complement turns the interval round.
        return 1 - found.estimate, 1 - found.high, 1 - found.low
    return found.estimate, found.low, found.high
