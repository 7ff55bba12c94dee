"""Recordings of any event sensor as one structured array: fields, units of time, polarities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_array, check_choice, check_real, check_text, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError

__all__ = ["EVENTS", "UNITS"]

Array = NDArray[Any]

#: What every reader here returns: microseconds, pixels, and whether it became brighter.
EVENTS = np.dtype([("t", np.int64), ("x", np.uint16), ("y", np.uint16), ("p", np.bool_)])

#: Microseconds in each unit of time.
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}

_NAMES = {
    "t": ("t", "ts", "time", "times", "timestamp", "timestamps", "t_us", "time_us"),
    "x": ("x", "xs", "col", "column", "unit", "units", "channel"),
    "y": ("y", "ys", "row"),
    "p": ("p", "ps", "pol", "polarity", "polarities", "on"),
}
_LONGEST = 1000.0  # seconds: floats that span more may be in any unit


def structured(t: Any, x: Any, y: Any, p: Any) -> Array:
    """Return checked values as an array of EVENTS."""
    events = np.empty(len(t), EVENTS)
    events["t"], events["x"], events["y"], events["p"] = t, x, y, p
    return events


def as_events(
    events: Any, fields: str | None = None, unit: str | None = None
) -> tuple[Array, dict[str, Array]]:
    """Return times in microseconds, and the integers x, y and p that there are.

    Arguments as for :func:`~lava_sqs.data.bin_events`. Polarities are 0 and 1.
    """
    found = _columns(events, fields)
    if lacking := [name for name in ("t", "x") if name not in found]:
        raise ArgumentValueError(
            "events",
            "must have fields t and x, and y and p where the sensor has them, but "
            f"{' and '.join(lacking)} is missing in {describe(events)}.",
        )
    lengths = {key: len(column) for key, column in found.items()}
    if len(set(lengths.values())) > 1:
        raise ArgumentValueError("events", f"must have fields of one length, but has {lengths}.")
    times = _microseconds(found.pop("t"), unit)
    for key, column in found.items():
        values = check_real("events", column)
        found[key] = _polarity(values) if key == "p" else _whole(key, values)
    return times, found


def _columns(events: Any, fields: str | None) -> dict[str, Array]:
    """Return the columns by the names t, x, y and p."""
    if fields is not None:
        return _split(events, fields)
    if isinstance(events, np.ndarray) and events.dtype.names is not None:
        given: Any = {name: events[name] for name in events.dtype.names}
    elif isinstance(events, Mapping):
        given = events
    elif hasattr(events, "columns") and hasattr(events, "__getitem__"):  # a DataFrame
        given = {name: np.asarray(events[name]) for name in events.columns}
    else:
        raise ArgumentTypeError(
            "events",
            "must be a structured array, a mapping or a DataFrame with fields t, x, y and p, or "
            "an array with a column for each and `fields` such as 'xytp', but got "
            f"{describe(events)}.",
        )
    lowered = {str(name).lower(): name for name in given}
    found = {}
    for key, names in _NAMES.items():
        for name in names:
            if name in lowered:
                column = check_array("events", given[lowered[name]])
                if column.ndim != 1:
                    raise ArgumentValueError(
                        "events",
                        f"must have one number per event in the field {lowered[name]}, but it has "
                        f"shape {column.shape}.",
                    )
                found[key] = column
                break
    return found


def _split(events: Any, fields: str) -> dict[str, Array]:
    letters = check_text("fields", fields)
    if not set(letters) <= set("txyp") or len(set(letters)) < len(letters) or not letters:
        raise ArgumentValueError(
            "fields",
            f"must name each column by one of t, x, y and p, as 'xytp' does, but got {fields!r}.",
        )
    array = check_array("events", events)
    if array.ndim != 2 or array.shape[1] != len(letters) or array.dtype.names is not None:
        raise ArgumentValueError(
            "events",
            f"must have shape (events, {len(letters)}) for fields={fields!r}, but got "
            f"{describe(array)}.",
        )
    return dict(zip(letters, array.T, strict=True))


def _microseconds(column: Array, unit: str | None) -> Array:
    """Return times in microseconds; of None integers are that, and floats seconds."""
    if column.dtype.kind in "mM":  # a duration or a date: it carries its unit
        # NumPy casts between units of time only through a type that names one.
        ticks = column.astype(f"{column.dtype.kind}8[ns]").astype(np.int64)
        return np.asarray(ticks / 1e3)
    times = check_real("events", column)
    if unit is not None:
        return np.round(times * UNITS[check_choice("unit", unit, UNITS)], 3)
    if column.dtype.kind != "f":
        return times
    if times.size and np.ptp(times) > _LONGEST:
        raise ArgumentValueError(
            "unit",
            f"must be given, 's', 'ms' or 'us': the times are floats that span {np.ptp(times):g}, "
            "too many to be taken for seconds.",
        )
    return np.round(times * UNITS["s"], 3)  # to nanoseconds: 0.57 s lie in the bin from 570 ms on


def _whole(name: str, values: Array) -> Array:
    """Return pixels as integers."""
    bad = (values < 0) | (values % 1 != 0) | (values >= 2**31)
    if bad.any():
        raise ArgumentValueError(
            "events",
            f"must have whole numbers from 0 on in the field {name}, but event "
            f"{int(bad.argmax())} has {values[bad.argmax()]:g}.",
        )
    return values.astype(np.int64)


def _polarity(values: Array) -> Array:
    """Return 0 and 1 of polarities 0 and 1, -1 and 1, False and True."""
    known = np.unique(values)
    if not (np.isin(known, (0, 1)).all() or np.isin(known, (-1, 1)).all()):
        shown = ", ".join(f"{value:g}" for value in known[:5])
        raise ArgumentValueError(
            "events",
            f"must have polarities 0 and 1, -1 and 1, or False and True, but holds {shown}.",
        )
    return np.asarray(values > 0, dtype=np.int64)
