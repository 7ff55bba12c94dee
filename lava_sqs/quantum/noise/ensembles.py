"""Models drawn around one: devices of a kind, and one device from day to day."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int, check_positive, describe, nearest
from lava_sqs._errors import ArgumentValueError
from lava_sqs._seeds import check_seed, stream
from lava_sqs.quantum.noise.tables import GateNoise

__all__: list[str] = []

Array = NDArray[np.float64]
M = TypeVar("M")

#: Fields that can be drawn, each with a stream of its own: new ones go to the end.
_TIMES = ("t1", "t2")
_CHANCES = (
    *("p_depol_1q", "p_depol_2q", "p_read1_given0", "p_read0_given1", "p_reset"),
    "thermal_population",
)
FIELDS = (*_TIMES, *_CHANCES, "zz", "gates")


def drawn(
    model: M, n: Any, seed: Any, run: Any, spreads: Mapping[str, Any], most: int = 10**5
) -> tuple[M, ...]:
    """Return *n* models around one; see :meth:`~lava_sqs.NoiseModel.spread`."""
    n = check_int("n", n, minimum=1, maximum=most)
    seed, run = check_seed("seed", seed), check_int("run", run, minimum=0)
    if not spreads:
        raise ArgumentValueError(
            "spreads",
            f"must name what differs: at least one of {', '.join(FIELDS)}, such as t1=0.1.",
        )
    made: list[dict[str, Any]] = [{} for _ in range(n)]
    for name, spread in spreads.items():
        if name not in FIELDS:
            hint = nearest(name, FIELDS)
            raise ArgumentValueError(
                name,
                "cannot be drawn: "
                + (f"did you mean {hint}?" if hint else f"there are {', '.join(FIELDS)}."),
            )
        width = check_positive(name, spread, zero=True)
        # A stream per field: what is drawn for t1 is the same whether or not t2 is drawn as well.
        rng = stream(seed, run, FIELDS.index(name))
        _draw(model, name, width, rng, made)
    # t2 <= 2 t1 is physics and not a choice: after the draws a coherence may outlive its limit.
    if any(name in spreads for name in _TIMES):
        for changes in made:
            t1, t2 = (changes.get(name, getattr(model, name)) for name in _TIMES)
            changes["t2"] = _capped(t1, t2)
    copy: Any = model
    return tuple(copy.replace(**changes) for changes in made)


def _numbers(model: Any, name: str) -> tuple[float, ...]:
    """Return the numbers of a field."""
    value = getattr(model, name)
    if name == "zz":
        return tuple(rate for *_, rate in value)
    if name == "gates":
        return tuple(x for g in value for x in (g.error or 0.0, g.over_rotation))
    return value if isinstance(value, tuple) else (value,)


def can_be_drawn(model: Any, name: str) -> bool:
    """Return whether a field has something to draw around."""
    return any(x != 0 and math.isfinite(x) for x in _numbers(model, name))


def _draw(
    model: Any, name: str, width: float, rng: np.random.Generator, made: list[dict[str, Any]]
) -> None:
    """Put the draws of one field into the changes of every model."""
    value, numbers = getattr(model, name), _numbers(model, name)
    if not can_be_drawn(model, name):
        raise ArgumentValueError(
            name, f"is {describe(value)} in the model: there is nothing to draw around."
        )
    # A row per model: the first models do not depend on how many there are.
    factors = np.exp(width * rng.standard_normal((len(made), len(numbers))))
    for changes, row in zip(made, factors, strict=True):
        changes[name] = _moved(name, value, numbers, row)


def _moved(name: str, value: Any, numbers: tuple[float, ...], row: Array) -> Any:
    """Return a field times its factors: probabilities by their odds, so that they stay such."""
    if name == "zz":
        return tuple((a, b, rate * f) for (a, b, rate), f in zip(value, row.tolist(), strict=True))
    if name == "gates":
        factors = row.reshape(-1, 2).tolist()
        return tuple(_moved_gate(g, *f) for g, f in zip(value, factors, strict=True))
    by: Callable[[float, float], float] = _odds if name in _CHANCES else lambda x, f: x * f
    moved = tuple(by(x, f) for x, f in zip(numbers, row.tolist(), strict=True))
    return moved if isinstance(value, tuple) else moved[0]


def _moved_gate(gate: GateNoise, error: float, angle: float) -> GateNoise:
    kept = None if gate.error is None else _odds(gate.error, error)
    return replace(gate, error=kept, over_rotation=gate.over_rotation * angle)


def _odds(p: float, factor: float) -> float:
    """Return the probability whose odds are *factor* times those of *p*."""
    # odds p/(1-p) times f, solved for p: 0 stays 0, 1 stays 1, whatever f > 0.
    return p * factor / (1 + p * (factor - 1))


def _capped(t1: Any, t2: Any) -> Any:
    """Return t2, at most 2 t1 on every qubit."""
    n = max(len(x) if isinstance(x, tuple) else 1 for x in (t1, t2))
    each = [x if isinstance(x, tuple) else (x,) * n for x in (t1, t2)]
    capped = tuple(min(b, 2 * a) for a, b in zip(*each, strict=True))
    if not isinstance(t2, tuple) and len(set(capped)) == 1:
        return capped[0]
    return capped
