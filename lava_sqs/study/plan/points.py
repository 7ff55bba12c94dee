"""The points of a study, from what users give: a grid, a list, and what all have in common."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sqs._checks import check_choice, describe, printable
from lava_sqs._errors import (
    ArgumentTypeError,
    ArgumentValueError,
    ParameterTypeError,
    ParameterValueError,
)
from lava_sqs.study.plan.noise import lifetimes, noise_prefixes

__all__ = ["RESERVED", "Point", "expand", "flatten"]

HEAD = ("row_id", "point_id", "batch", "task")
TAIL = ("seed", "shots", "errors", "value_sum", "value_sq", "sample_errors", "version", "seconds")
#: Columns of a results file that are not parameters: those before them, and those after.
RESERVED = (*HEAD, *TAIL)


@dataclass(frozen=True)
class Point:
    """One set of parameters.

    Attributes
    ----------
    params : dict
        Flat: dotted names to numbers, texts, booleans, None, or lists of these.
    id : str
        Hash of the task, the parameters and the version of the package.

    Examples
    --------
    >>> from lava_sqs.study import Study
    >>> study = Study("memory_capacity", grid={"noise.t1": [1e-5, 1e-4]}, base={"noise.t2": 1e-5})
    >>> print(study.points[1])
    noise.t2=1e-05, noise.t1=0.0001
    """

    params: dict[str, Any]
    id: str

    def __str__(self) -> str:
        return in_words(self.params)


# -- parameters ----------------------------------------------------------------------------------


_DEEPEST = 20  # lists in lists


def plain(name: str, value: Any, depth: int = 0) -> Any:
    """Return a parameter as plain data: numbers, text, bool, None, or a list of these."""
    if depth > _DEEPEST:
        raise ParameterValueError(name, f"must not have lists nested {depth} deep.")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and math.isnan(value):
        raise ParameterValueError(name, "must not be NaN.")
    if isinstance(value, str) and ("\n" in value or "\r" in value or "\0" in value):
        raise ParameterValueError(name, f"must be one line of text, but got {describe(value)}.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(name, item, depth + 1) for item in value]
    raise ParameterTypeError(
        name,
        "must be a number, a text, a bool, None or a list of these, but got "
        f"{type(value).__name__} ({describe(value)}): it becomes a column of the results.",
    )


def flatten(name: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return ``{"noise": {"t1": x}}`` as ``{"noise.t1": x}``; a NoiseModel as its fields.

    The argument *given* is called *name* in messages.

    Raises
    ------
    TypeError, ValueError
        If it is not a dict, or a name or a value cannot be a column.

    Examples
    --------
    >>> flatten("base", {"noise": {"t1": 1e-4}, "memory_qubits": 2})
    {'noise.t1': 0.0001, 'memory_qubits': 2}
    """
    flat: dict[str, Any] = {}
    if given is None:
        return flat
    if not isinstance(given, Mapping):
        raise ArgumentTypeError(name, f"must be a dict, but got {describe(given)}.")
    for key, value in given.items():
        if (
            not isinstance(key, str)
            or not key
            or any(c in key for c in ",\"'\r\n ")
            or key[0] in "#=+-@"
            or not key.isprintable()
        ):
            raise ParameterValueError(
                printable(str(key)),
                f"in `{name}` must have a name without spaces, commas, quotes and control "
                f"characters, and not begin with # = + - or @, but got {key!r}.",
            )
        if key in RESERVED:
            raise ParameterValueError(
                key,
                f"in `{name}` must have another name: the results have a column of that one.",
            )
        items: Iterable[tuple[str, Any]]
        if isinstance(value, Mapping):
            items = ((f"{key}.{k}", v) for k, v in flatten(name, value).items())
        elif type(value).__name__ == "NoiseModel" and hasattr(value, "to_dict"):
            items = ((f"{key}.{k}", v) for k, v in _noise_fields(value).items())
        else:
            items = ((key, _plain(value)),)
        for k, v in items:
            if k in flat:
                raise ParameterValueError(k, f"is given twice in `{name}`.")
            flat[k] = v
    return flat


def _plain(value: Any) -> Any:
    """Return layers of a network, in lists too, as their texts."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
    return value.as_text() if hasattr(value, "as_text") else value


def _noise_fields(model: Any) -> dict[str, Any]:
    if model.channels:
        raise ValueError(
            "A NoiseModel with channels cannot be a parameter: build it in a task of your own."
        )
    default = type(model)().to_dict()
    return {
        k: math.inf if v == "inf" else v
        for k, v in model.to_dict().items()
        if v != default[k] and k not in ("name", "source")
    }


def expand(
    *,
    grid: Mapping[str, Any] | None,
    points: Sequence[Mapping[str, Any]] | None,
    base: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    """Return the parameters of every point: *base*, then each of *points*, then the *grid*.

    Later ones override ``base``; a name in both ``points`` and ``grid`` is an error. The grid's
    last name varies fastest.

    Raises
    ------
    TypeError, ValueError
        If a name or a value cannot be a column, or a name is given twice.

    Examples
    --------
    >>> expand(grid={"a": [1, 2]}, points=[{"b": 3}], base={"c": 4})
    [{'c': 4, 'b': 3, 'a': 1}, {'c': 4, 'b': 3, 'a': 2}]
    """
    common = {k: plain(k, v) for k, v in flatten("base", base).items()}
    axes = {}
    for key, values in flatten("grid", grid).items():
        if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
            raise ParameterTypeError(
                key, f"must have a list of values in `grid`, but got {describe(values)}."
            )
        axes[key] = [plain(key, v) for v in values]
        if not axes[key]:
            raise ParameterValueError(key, "must have values in `grid`, but got none.")
    if points is not None and (
        isinstance(points, (str, Mapping)) or not isinstance(points, Sequence)
    ):
        raise ArgumentTypeError("points", f"must be a list of dicts, but got {describe(points)}.")
    if points is not None and not points:
        raise ArgumentValueError("points", "must have at least one dict, or be None.")
    expanded = []
    for i, given in enumerate([{}] if points is None else points):
        own = {k: plain(k, v) for k, v in flatten(f"points[{i}]", given).items()}
        if both := sorted(set(own) & set(axes)):
            raise ParameterValueError(both[0], f"is in `points[{i}]` and in `grid`: give it once.")
        # product varies the last axis fastest, as nested loops in the order of the grid would.
        for values in itertools.product(*axes.values()):
            expanded.append({**common, **own, **dict(zip(axes, values, strict=True))})
    return expanded


def _impossible(params: Mapping[str, Any]) -> ParameterValueError | None:
    """Return what is wrong if the lifetimes of a point are impossible: t2 > 2 t1."""
    for prefix in noise_prefixes(params):
        names = [f"{prefix}.{field}" for field in ("t1", "t2", "t2_over_t1")]
        name = next((n for n in names if n in params), prefix)
        t1, t2 = lifetimes(params, prefix)
        for a, b in _pairs(t1, t2):
            if a <= 0:  # a mistake, and no point to skip: NoiseModel says what is wrong
                continue
            # Raised even where impossible points are skipped: an infinite t2 was most likely not
            # given at all.
            if b == math.inf > a:
                raise ParameterValueError(
                    name,
                    f"makes the point ({in_words(params)}) impossible: t1 = {a:.6g} s and an "
                    f"infinite t2. Give {prefix}.t2 or {prefix}.t2_over_t1 (at most 2).",
                )
            if b > 2 * a * (1 + 1e-12):
                return ParameterValueError(
                    name,
                    f"makes the point ({in_words(params)}) impossible: t2 = {b:.6g} s is more than "
                    f"2 t1 = {2 * a:.6g} s. Pass on_invalid='skip' to leave such points out, or "
                    f"sweep {prefix}.t2_over_t1 (at most 2).",
                )
    return None


def in_words(params: Mapping[str, Any]) -> str:
    """Return the parameters of a point as a text."""
    return ", ".join(f"{k}={v!r}" for k, v in params.items()) or "(no parameters)"


def _pairs(a: Any, b: Any) -> Iterable[tuple[float, float]]:
    n = max(len(v) if isinstance(v, list) else 1 for v in (a, b))
    spread = [v if isinstance(v, list) else [v] * n for v in (a, b)]
    return zip(*spread, strict=False)


def select_valid(
    expanded: list[dict[str, Any]], on_invalid: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the possible and the skipped parameter sets."""
    check_choice("on_invalid", on_invalid, ("raise", "skip"))
    valid: list[dict[str, Any]] = []
    skipped: list[dict[str, Any]] = []
    for params in expanded:
        error = _impossible(params)
        if error is not None and on_invalid == "raise":
            raise error
        (valid if error is None else skipped).append(params)
    return valid, skipped
