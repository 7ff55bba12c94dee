"""What a study will do: its points, their ids and the seeds of their batches."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sqs._checks import check_choice, check_int, check_positive, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._version import __version__

__all__ = [
    "RESERVED",
    "Point",
    "Stop",
    "batch_seed",
    "canonical",
    "expand",
    "flatten",
    "row_id",
]

#: Columns of a results file that are not parameters.
RESERVED = (
    "row_id",
    "point_id",
    "batch",
    "task",
    "seed",
    "shots",
    "errors",
    "value_sum",
    "value_sq",
    "sample_errors",
    "version",
    "seconds",
)


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
        return _text(self.params)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When a point has enough: at the first batch after which ANY of these holds.

    Batches are judged in their order, so the answer does not depend on who computed them when.

    Attributes
    ----------
    max_shots, max_errors : int or None
        Sums over batches.
    target_width : float or None
        Width of the confidence interval (at *level*). A spread over seeds needs three of them
        before it is judged.
    max_batches : int or None
        None is 1 if there is no other rule, else 1000: no study runs for ever.
    level : float
        Of the interval.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> from lava_sqs.study import Counts
    >>> Stop(max_errors=10).reached(Counts.of_shots(500, errors=12), batches=5)
    'max_errors'
    """

    max_shots: int | None = None
    max_errors: int | None = None
    target_width: float | None = None
    max_batches: int | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        for name in ("max_shots", "max_errors", "max_batches"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, check_int(name, getattr(self, name), minimum=1))
        check_positive("level", self.level, below=1.0)
        if self.target_width is not None:
            width = check_positive("target_width", self.target_width)
            object.__setattr__(self, "target_width", width)

    @property
    def batch_limit(self) -> int:
        """The largest number of batches of a point."""
        if self.max_batches is not None:
            return self.max_batches
        rules = (self.max_shots, self.max_errors, self.target_width)
        return 1 if all(rule is None for rule in rules) else 1000

    def reached(self, counts: Any, batches: int) -> str:
        """Return the rule that stops a point, or an empty text.

        Parameters
        ----------
        counts : Counts
            Of the point so far.
        batches : int
            How many made them.

        Returns
        -------
        str
        """
        from lava_sqs.study.intervals import interval

        if self.max_shots is not None and counts.shots >= self.max_shots:
            return "max_shots"
        if self.max_errors is not None and counts.errors >= self.max_errors:
            return "max_errors"
        enough = counts.shots >= 3 if counts.kind == "values" else counts.shots > 0
        if (
            self.target_width is not None
            and enough
            and interval(counts, self.level).width <= self.target_width
        ):
            return "target_width"
        return "max_batches" if batches >= self.batch_limit else ""


# -- parameters ----------------------------------------------------------------------------------


_DEEPEST = 20  # lists in lists


def plain(name: str, value: Any, depth: int = 0) -> Any:
    """Return a parameter as plain data: numbers, text, bool, None, or a list of these."""
    if depth > _DEEPEST:
        raise ValueError(f"Parameter `{name}` must not have lists nested {depth} deep.")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and math.isnan(value):
        raise ValueError(f"Parameter `{name}` must not be NaN.")
    if isinstance(value, str) and ("\n" in value or "\r" in value or "\0" in value):
        raise ValueError(f"Parameter `{name}` must be one line of text, but got {value!r}.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(name, item, depth + 1) for item in value]
    raise TypeError(
        f"Parameter `{name}` must be a number, a text, a bool, None or a list of these, but got "
        f"{type(value).__name__} ({describe(value)}): it becomes a column of the results."
    )


def flatten(name: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return ``{"noise": {"t1": x}}`` as ``{"noise.t1": x}``; a NoiseModel as its fields.

    The argument *given* is called *name* in messages.

    Raises
    ------
    TypeError, ValueError
        If it is no dict, or a name or a value cannot be a column.

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
            raise ArgumentValueError(
                name,
                f"must have names without spaces, commas, quotes and control "
                f"characters, and not begin them with # = + - or @, but got {key!r}.",
            )
        if key in RESERVED:
            raise ArgumentValueError(
                name,
                f"must not have a parameter `{key}`: the results have a column "
                "of that name already.",
            )
        items: Iterable[tuple[str, Any]]
        if isinstance(value, Mapping):
            items = ((f"{key}.{k}", v) for k, v in flatten(name, value).items())
        elif type(value).__name__ == "NoiseModel" and hasattr(value, "to_dict"):
            items = ((f"{key}.{k}", v) for k, v in _noise_fields(value).items())
        else:
            items = ((key, value),)
        for k, v in items:
            if k in flat:
                raise ArgumentValueError(name, f"gives the parameter `{k}` twice.")
            flat[k] = v
    return flat


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
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> expand(grid={"a": [1, 2]}, points=[{"b": 3}], base={"c": 4})
    [{'c': 4, 'b': 3, 'a': 1}, {'c': 4, 'b': 3, 'a': 2}]
    """
    common = {k: plain(k, v) for k, v in flatten("base", base).items()}
    axes = {}
    for key, values in flatten("grid", grid).items():
        if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
            raise ArgumentTypeError(
                "grid", f"must have a list of values for `{key}`, but got {describe(values)}."
            )
        axes[key] = [plain(key, v) for v in values]
        if not axes[key]:
            raise ArgumentValueError("grid", f"must have values for `{key}`, but got none.")
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
            raise ValueError(f"`{both[0]}` is in `points[{i}]` and in `grid`: give it once.")
        for values in itertools.product(*axes.values()):
            expanded.append({**common, **own, **dict(zip(axes, values, strict=True))})
    return expanded


def check_lifetimes(params: Mapping[str, Any]) -> str:
    """Return why the lifetimes of a point are impossible (t2 > 2 t1), or an empty text."""
    from lava_sqs.study.noise import lifetimes, noise_prefixes

    for prefix in noise_prefixes(params):
        t1, t2 = lifetimes(params, prefix)
        for a, b in _pairs(t1, t2):
            if b == math.inf > a:
                raise ValueError(
                    f"The point ({_text(params)}) is impossible: `{prefix}.t1` = {a:.6g} s and an "
                    f"infinite t2. Give {prefix}.t2 or {prefix}.t2_over_t1 (at most 2)."
                )
            if b > 2 * a * (1 + 1e-12):
                return f"{prefix}.t2 = {b:.6g} s is more than 2 {prefix}.t1 = {2 * a:.6g} s"
    return ""


def _text(params: Mapping[str, Any]) -> str:
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
        reason = check_lifetimes(params)
        if reason and on_invalid == "raise":
            raise ValueError(
                f"The point ({_text(params)}) is impossible: {reason}. Pass on_invalid='skip' to "
                "leave such points out, or sweep noise.t2_over_t1 (at most 2)."
            )
        (skipped if reason else valid).append(params)
    return valid, skipped


# -- ids and seeds -------------------------------------------------------------------------------


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)  # 2 and 2.0 are one parameter, and -0.0 is 0
    if isinstance(value, Mapping):
        return {k: _canonical(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(v) for v in value]
    return value


def canonical(data: Any) -> str:
    """Return the one JSON text of plain *data*: sorted keys, shortest numbers, no spaces.

    Examples
    --------
    >>> canonical({"b": 2.0, "a": [1, -0.0]})
    '{"a":[1,0],"b":2}'
    """
    return json.dumps(_canonical(data), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(data: Any) -> str:
    """Return 16 hexadecimal digits of SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:16]


def point_id(task: Any, params: Mapping[str, Any], version: str = __version__) -> str:
    """Return the id of a point; the seed is no part of it, so other seeds' rows add up."""
    return digest({"format": 1, "task": task, "params": dict(params), "version": version})


def row_id(point: str, seed: int, batch: int) -> str:
    """Return the id of the row of one *batch* of a *point* with the study's *seed*.

    Examples
    --------
    >>> row_id("00c0ffee00c0ffee", 0, 3) == row_id("00c0ffee00c0ffee", 1, 3)
    False
    """
    return digest({"point": point, "seed": seed, "batch": batch})


def batch_seed(seed: int, point: str, batch: int) -> np.random.SeedSequence:
    """Return the seed of a batch: it depends on nothing but *seed*, *point* and *batch*.

    Examples
    --------
    >>> batch_seed(0, "00c0ffee00c0ffee", 3).spawn_key
    (3,)
    """
    return np.random.SeedSequence([seed, int(point, 16)], spawn_key=(batch,))
