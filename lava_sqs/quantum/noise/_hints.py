"""The right name for a wrong keyword of a noise model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, TypeVar

from lava_sqs._checks import nearest

_CONFUSING = {
    "p01": "p_read0_given1 or p_read1_given0 (p01 and p10 mean both, in different tools)",
    "p10": "p_read1_given0 or p_read0_given1 (p01 and p10 mean both, in different tools)",
    "p_depol": "p_depol_1q and p_depol_2q",
    "depolarizing": "p_depol_1q and p_depol_2q",
    "p_read": "p_read1_given0 and p_read0_given1",
    "readout_error": "p_read1_given0 and p_read0_given1",
    "gate_time": "gate_time_1q and gate_time_2q",
    "tphi": "t2 (1/t2 = 1/t_phi + 1/(2 t1))",
    "t_phi": "t2 (1/t2 = 1/t_phi + 1/(2 t1))",
    "temperature": "thermal_population (of |1>)",
}

_C = TypeVar("_C", bound=type)


def with_hints(cls: _C) -> _C:
    """Let the constructor of a dataclass suggest the right name for a wrong keyword."""
    init: Callable[..., None] = cls.__init__  # type: ignore[misc]
    names = [f.name for f in fields(cls)]

    @wraps(init)
    def hinting(self: Any, *args: Any, **kwargs: Any) -> None:
        for key in kwargs:
            if key not in names:
                hint = _CONFUSING.get(key.lower()) or nearest(key, names)
                raise TypeError(
                    f"{cls.__name__} has no keyword `{key}`"
                    + (f": did you mean {hint}?" if hint else f". It has {', '.join(names)}.")
                )
        init(self, *args, **kwargs)

    cls.__init__ = hinting  # type: ignore[misc]
    return cls
