r"""Free fields of a noise model as numbers between bounds, and back.

Probabilities are themselves. Lifetimes become rates, in which the law of a train is nearly linear:
:math:`1/T_1` and :math:`1/T_\varphi = 1/T_2 - 1/(2 T_1)`, both from 0 on, so that ``t2 <= 2 t1``
holds of itself and no noise is a corner of the box, and not infinitely far away.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_items, nearest
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.units import at_qubit

__all__: list[str] = []

Vector = NDArray[np.float64]

_LIFETIMES = ("t1", "t2")
#: The largest probability: beyond that of a depolarising error a Bloch vector comes out reversed.
_PROBABILITIES = {
    "p_depol_1q": 3 / 4,
    "p_depol_2q": 15 / 16,
    "p_read1_given0": 1.0,
    "p_read0_given1": 1.0,
    "p_reset": 1.0,
    "thermal_population": 1.0,
}
_DURATIONS = ("gate_time_1q", "gate_time_2q", "readout_time", "idle_time", "reset_time")
FIELDS = (*_LIFETIMES, *_PROBABILITIES, "zz")
#: Of gates in the table, behind their name and a dot: the largest value of one and two qubits.
_OF_GATES = {"error": (3 / 4, 15 / 16), "over_rotation": (1.0, 1.0)}

# Where a search starts that is to leave zero: on a bound it would not see what two fields do
# together. Of a rate, in inverses of the longest duration.
_NUDGE = 1e-3
# A lifetime below a ninth of the longest duration leaves nothing to be seen, and models have none
# below a nanosecond; one above 5 s is none.
_MOST_DECAY, _FASTEST, _LEAST_RATE = 9.0, 5e8, 0.2


@dataclass(frozen=True)
class _Free:
    """One free number: what it is called, where it stands in the model, and its bounds."""

    label: str
    field: str
    index: Any = None  # of a per-qubit value; name and qubits of a gate; None is the field itself
    low: float = 0.0
    high: float = 1.0


class Space:
    """The box of all models that are like *start* except for their free fields.

    Parameters
    ----------
    start : NoiseModel
        Everything else is its own.
    free : iterable of str
        Names of fields, see :meth:`lava_sqs.NoiseModel.fit`.

    Attributes
    ----------
    labels : list of str
        Names of the free numbers.
    low, high, start : ndarray
        Bounds of the coordinates, and where the search begins.
    given : ndarray
        The coordinates of the start model.
    reported : ndarray, shape (n, n)
        From coordinates to what is reported: probabilities, and the rates 1/t1 and 1/t2.
    """

    def __init__(self, start: NoiseModel, free: Any) -> None:
        self.model_given = start
        self._free: list[_Free] = []
        names = check_items("free", (free,) if isinstance(free, str) else free)
        for name in names:
            if not isinstance(name, str):
                raise ArgumentTypeError("free", f"must hold names of fields, but has {name!r}.")
            found = self._named(name)
            twice = {f.label for f in found} & set(self.labels)
            if twice:
                raise ArgumentValueError("free", f"must name fields once, but has {min(twice)!r}.")
            self._free += found
        if not self._free:
            raise ArgumentValueError("free", "must name at least one field, but is empty.")
        self.low = np.array([f.low for f in self._free])
        self.high = np.array([self._highest(f) for f in self._free])
        self.given = np.array([self._now(f) for f in self._free])
        beyond = self.given > self.high * (1 + 1e-12)
        if beyond.any():
            label = self.labels[int(beyond.argmax())]
            raise ArgumentValueError(
                "start",
                f"has a {label} beyond what can be fitted: nothing is left of the qubit there.",
            )  # fmt: skip
        self.given = np.minimum(self.given, self.high)
        # Fields that may be negative (couplings, over-rotations) have zero inside their box: no
        # nudge.
        nudge = np.where(self.low < 0, self.given, np.minimum(self._scale() * _NUDGE, self.high))
        self.start = np.where(self.low < 0, self.given, np.maximum(self.given, nudge))
        self.start = np.minimum(self.start, self.high * (1 - _NUDGE))
        self.reported = np.eye(len(self._free))
        for i, own in enumerate(self._free):
            partner = self._partner(own) if own.field == "t2" else None
            if partner is not None:
                # 1/t2 = 1/T_phi + 1/(2 t1): the coordinate of a t2 is 1/T_phi, what is reported
                # contains its t1.
                self.reported[i, partner] = 0.5

    @property
    def labels(self) -> list[str]:
        """Names of the free numbers, in their order."""
        return [f.label for f in self._free]

    @property
    def rates(self) -> NDArray[np.bool_]:
        """Which of the free numbers are lifetimes, hence rates here."""
        return np.array([f.field in _LIFETIMES for f in self._free])

    def __len__(self) -> int:
        return len(self._free)

    # -- what a name means ----------------------------------------------------------------------

    def _named(self, name: str) -> list[_Free]:
        parts = re.fullmatch(r"(\w+)(?:\[(\d+)\])?", name)
        field = parts[1] if parts else ""
        if field == "zz" and parts and parts[2] is None:
            return self._couplings()
        if "." in name:
            return self._of_gates(name)
        if parts is None or field not in FIELDS or field == "zz":
            raise ArgumentValueError("free", self._no_field(name))
        value = getattr(self.model_given, field)
        high = _PROBABILITIES.get(field, 0.0)
        if parts[2] is None and not isinstance(value, tuple):
            return [_Free(field, field, None, 0.0, high)]
        if not isinstance(value, tuple) or (parts[2] and int(parts[2]) >= len(value)):
            raise ArgumentValueError(
                "free", f"must name values that the start model has, but has {name!r} beside "
                f"{field} = {value!r}. Give it a value per qubit.",
            )  # fmt: skip
        places = range(len(value)) if parts[2] is None else [int(parts[2])]
        return [_Free(f"{field}[{i}]", field, i, 0.0, high) for i in places]

    def _no_field(self, name: str) -> str:
        why = {
            "readout_matrix": " (Of correlated readout errors the columns must add up to 1; fit "
            "`p_read1_given0` and `p_read0_given1`.)",
            "channels": " (A channel has no number that could be free.)",
            "gates": " (Of a gate in the table it is 'CX.error' or 'CX.over_rotation'.)",
            **dict.fromkeys(_DURATIONS, " (Durations are taken from `start`.)"),
        }.get(name, "")
        near = nearest(name, FIELDS)
        hint = f": did you mean {near}?" if near and not why else "." + why
        return f"must hold {', '.join(FIELDS)} or <gate>.error, but has {name!r}{hint}"

    def _couplings(self) -> list[_Free]:
        if not self.model_given.zz:
            raise ArgumentValueError("free", "has 'zz', but the start model couples no qubits.")
        most = 0.5 / self._longest()  # beyond it the phase of one wait is that of a lower rate
        return [
            _Free(f"zz({a}, {b})", "zz", i, -max(most, abs(rate)), max(most, abs(rate)))
            for i, (a, b, rate) in enumerate(self.model_given.zz)
        ]

    def _of_gates(self, name: str) -> list[_Free]:
        whole, _, what = name.rpartition(".")
        gate = whole.partition("(")[0]
        if what not in _OF_GATES:
            raise ArgumentValueError(
                "free", f"must say {' or '.join(_OF_GATES)} behind a gate's dot, but has {name!r}."
            )
        found: dict[Any, _Free] = {}
        for entry in self.model_given.gates:
            # CX(0, 1) and CX(1, 0) are one coupler: they share a number.
            where = None if entry.qubits is None else tuple(sorted(entry.qubits))
            called = entry.name if where is None else f"{entry.name}({', '.join(map(str, where))})"
            if entry.name == gate and whole in (gate, called):
                if what == "error" and entry.error is None:
                    continue
                high = _OF_GATES[what][where is None or len(where) > 1]
                low = 0.0 if what == "error" else -1.0
                found[where] = _Free(f"{called}.{what}", what, (gate, where), low, high)
        if not found:
            raise ArgumentValueError(
                "free", f"has {name!r}, but the start model's table of gates has no such {what}. "
                f"Use with_gate({gate!r}, {what}=...).",
            )  # fmt: skip
        return list(found.values())

    # -- coordinates ----------------------------------------------------------------------------

    def _longest(self) -> float:
        m = self.model_given
        every = [getattr(m, d) for d in _DURATIONS] + [g.duration or 0.0 for g in m.gates]
        longest = max(every)
        if not longest:
            raise ArgumentValueError(
                "free", "has a lifetime or a coupling, but every duration of the start model is "
                "zero: nothing could relax.",
            )  # fmt: skip
        return float(longest)

    def _scale(self) -> Vector:
        rate = 1 / self._longest() if self.rates.any() else 1.0
        return np.where(self.rates, rate, 1.0)

    def _partner(self, own: _Free) -> int | None:
        """Return which free number is the t1 of a free t2, if it is free."""
        for k, other in enumerate(self._free):
            if other.field == "t1" and other.index in (own.index, None):
                return k
        return None

    def _rate(self, field: str, index: Any) -> float:
        return 1 / at_qubit(getattr(self.model_given, field), index or 0)

    def _highest(self, own: _Free) -> float:
        if own.field not in _LIFETIMES:
            return own.high
        most = min(_MOST_DECAY / self._longest(), _FASTEST)
        if own.field == "t2":
            if own.index is None and isinstance(self.model_given.t1, tuple):
                raise ArgumentValueError(
                    "free", "has one 't2' for all qubits, whose t1 differ: give the start model a "
                    "t2 per qubit.",
                )  # fmt: skip
            return most
        # With a t2 that stays, t1 cannot be below a half of it.
        stay = self._fixed_t2(own)
        if not stay:
            return most
        # t2 <= 2 t1, so 1/t1 <= 2/t2.
        limit = 2 / max(stay)
        if limit == 0:
            raise ArgumentValueError(
                "free", f"has {own.label!r}, but the start model's t2 is inf and stays, which no "
                "finite t1 allows (t2 <= 2 t1): free 't2' as well.",
            )  # fmt: skip
        return min(most, limit)

    def _fixed_t2(self, own: _Free) -> list[float]:
        free = [f.index for f in self._free if f.field == "t2"]
        t2: Any = self.model_given.t2
        if not isinstance(t2, tuple):
            return [] if free else [float(t2)]
        mine = range(len(t2)) if own.index is None else [own.index]
        return [t2[q] for q in mine if q not in free]

    def _now(self, own: _Free) -> float:
        m = self.model_given
        if own.field == "t1":
            return self._rate("t1", own.index)
        if own.field == "t2":
            # The max: at t2 = 2 t1 the difference of the rates may round below 0.
            return max(self._rate("t2", own.index) - self._rate("t1", own.index) / 2, 0.0)
        if own.field == "zz":
            return float(m.zz[own.index][2])
        if own.field in _OF_GATES:
            return _of_gate(m, own)
        value: Any = getattr(m, own.field)
        return float(value if own.index is None else value[own.index])

    def model(self, x: Vector) -> NoiseModel:
        """Return the noise model of coordinates."""
        m = self.model_given
        changes: dict[str, Any] = {}
        for own, value in zip(self._free, np.clip(x, self.low, self.high).tolist(), strict=True):
            if own.field in _LIFETIMES:
                continue
            if own.field == "zz":
                pairs = list(changes.get("zz", m.zz))
                pairs[own.index] = (*pairs[own.index][:2], value)
                changes["zz"] = tuple(pairs)
            elif own.field in _OF_GATES:
                table = changes.get("gates", m.gates)
                changes["gates"] = tuple(
                    replace(g, **{own.field: value}) if _is(g, own.index) else g for g in table
                )
            else:
                changes[own.field] = _put(changes.get(own.field, getattr(m, own.field)), own, value)
        if self.rates.any():
            changes.update(self._lifetimes(x))
        return m.replace(**changes)

    def _lifetimes(self, x: Vector) -> dict[str, Any]:
        m = self.model_given
        x = np.clip(x, self.low, self.high)
        # From (1/t1, 1/T_phi) to (1/t1, 1/t2).
        rates = self.reported @ x
        now: dict[str, Any] = {"t1": m.t1, "t2": m.t2}
        for own, rate, decay in zip(self._free, rates.tolist(), x.tolist(), strict=True):
            if own.field == "t1":
                now["t1"] = _put(now["t1"], own, 1 / rate if rate > _LEAST_RATE else math.inf)
            elif own.field == "t2":
                if self._partner(own) is None:  # beside a t1 that stays
                    rate = max(decay, 0.0) + self._rate("t1", own.index) / 2
                now["t2"] = _put(now["t2"], own, 1 / rate if rate > _LEAST_RATE / 2 else math.inf)
        # What rounding, and lifetimes that are taken for none, left above the limit.
        t1, t2 = now["t1"], now["t2"]
        if isinstance(t2, tuple):
            now["t2"] = tuple(min(v, 2 * at_qubit(t1, q)) for q, v in enumerate(t2))
        else:
            now["t2"] = min(t2, 2 * (min(t1) if isinstance(t1, tuple) else t1))
        return now

    def value(self, model: NoiseModel, i: int) -> float:
        """Return the value of a free number in a model: a lifetime in seconds, or as it is."""
        own = self._free[i]
        if own.field == "zz":
            return float(model.zz[own.index][2])
        if own.field in _OF_GATES:
            return _of_gate(model, own)
        value = getattr(model, own.field)
        return float(value if own.index is None else value[own.index])

    def offset(self) -> Vector:
        """Return what is added to `reported @ x`: half the 1/t1 that stays beside a free t2."""
        return np.array(
            [
                self._rate("t1", f.index) / 2 if f.field == "t2" and self._partner(f) is None
                else 0.0
                for f in self._free
            ]
        )  # fmt: skip


def _is(entry: Any, index: tuple[str, Any]) -> bool:
    gate, where = index
    own = None if entry.qubits is None else tuple(sorted(entry.qubits))
    return bool((entry.name, own) == (gate, where))


def _of_gate(model: NoiseModel, own: _Free) -> float:
    # The last entry of a gate that says this is the one that holds, as in NoiseModel.known.
    said = (getattr(g, own.field) for g in model.gates if _is(g, own.index))
    return float([value for value in said if value is not None][-1])


def _put(value: Any, own: _Free, new: float) -> Any:
    if own.index is None:
        return new
    return (*value[: own.index], new, *value[own.index + 1 :])
