"""Argument checks shared by the whole package: one wording for every error.

Every message names the argument, what it must be and what was given.
"""

from __future__ import annotations

import difflib
import math
import numbers
import operator
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentTypeError, ArgumentValueError


def describe(value: Any) -> str:
    """Return a short text for *value* in an error message: never pages of numbers."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) > 20:
        return f"a {type(value).__name__} of {len(value)} items"
    try:
        text = repr(value)
    except Exception:  # of an integer with thousands of digits, or of a broken class
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def printable(text: str, keep: str = "") -> str:
    """Return a text with control characters as escapes: a terminal would obey them."""
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)


def check_instance(name: str, value: Any, *kinds: type, none: bool = False) -> Any:
    """Return *value* if it is an instance of one of *kinds* (or None, if *none*)."""
    if isinstance(value, kinds) or (none and value is None):
        return value
    wanted = " or ".join([*(kind.__name__ for kind in kinds), *(["None"] if none else [])])
    article = "an" if wanted[0] in "AEIO" else "a"
    raise ArgumentTypeError(
        name, f"must be {article} {wanted}, but got {type(value).__name__} ({describe(value)})."
    )


def check_flag(name: str, value: Any) -> bool:
    """Return a truth value; nothing else counts as one."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentTypeError(name, f"must be True or False, but got {describe(value)}.")
    return bool(value)


def check_text(name: str, value: Any) -> str:
    """Return *value* if it is text."""
    if not isinstance(value, str):
        raise ArgumentTypeError(name, f"must be text, but got {describe(value)}.")
    return value


def check_path(name: str, value: Any) -> Path:
    """Return the path that text or a path object names."""
    if not isinstance(value, (str, os.PathLike)):
        raise ArgumentTypeError(name, f"must be a path (text or Path), but got {describe(value)}.")
    path = Path(value)
    if "\0" in str(path):
        raise ArgumentValueError(name, f"must be a path, but has a zero byte: {path!r}.")
    return path


def _is_scalar(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 0


def check_items(name: str, value: Any) -> tuple[Any, ...]:
    """Return what a list, tuple or other iterable holds; not text, mappings or scalars."""
    bad = (str, bytes, Mapping)
    if isinstance(value, bad) or not isinstance(value, Iterable) or _is_scalar(value):
        raise ArgumentTypeError(name, f"must be a list or tuple, but got {describe(value)}.")
    return tuple(value)


def check_int(
    name: str, value: Any, *, minimum: int | None = None, maximum: int | None = 2**63 - 1
) -> int:
    """Return *value* as ``int``; bools, floats and strings are refused."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise ArgumentTypeError(
            name, f"must be an integer, but got {type(value).__name__} ({describe(value)})."
        )
    result = operator.index(value)
    if minimum is not None and result < minimum:
        raise ArgumentValueError(name, f"must be at least {minimum}, but got {describe(result)}.")
    if maximum is not None and result > maximum:
        raise ArgumentValueError(name, f"must be at most {maximum}, but got {describe(result)}.")
    return result


def check_array(name: str, value: Any, wanted: str = "an array") -> NDArray[Any]:
    """Return *value* as an array of whatever dtype; ragged and too deep lists are refused."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ArgumentValueError(name, f"must be {wanted}, but got {describe(value)}.") from error


def check_real(name: str, value: Any, *, dtype: Any = np.float64) -> NDArray[Any]:
    """Return *value* as a finite real array; complex, text and objects are refused."""
    array = check_array(name, value, "an array of real numbers")
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "b" and not array.ndim):
        raise ArgumentTypeError(
            name, f"must hold real numbers, but got dtype {array.dtype} ({describe(value)})."
        )
    if isinstance(value, np.ma.MaskedArray) and bool(np.any(value.mask)):
        raise ArgumentValueError(
            name,
            f"must have no masked entries, but got {describe(value)}: fill them "
            "first, with value.filled(...).",
        )
    with np.errstate(over="ignore"):  # what becomes infinite is named below
        array = array.astype(dtype)
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ArgumentValueError(
            name,
            f"must be finite, but has {int(bad.sum())} NaN or infinite "
            f"entries (the first at index {where}).",
        )
    return array


def check_shape(name: str, array: NDArray[Any], expected: tuple[Any, ...]) -> NDArray[Any]:
    """Raise unless ``array.shape == expected``; strings in *expected* match any length."""
    ok = array.ndim == len(expected) and all(
        isinstance(want, str) or want == got
        for want, got in zip(expected, array.shape, strict=False)
    )
    if not ok:
        shape = "(" + ", ".join(map(str, expected)) + ("," if len(expected) == 1 else "") + ")"
        raise ArgumentValueError(name, f"must have shape {shape}, but has shape {array.shape}.")
    return array


def memory_limit() -> int:
    """Return the bytes that one request may take: half of the memory of this machine."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    import ctypes

    kilobytes = ctypes.c_ulonglong()
    windll: Any = getattr(ctypes, "windll")  # noqa: B009 - which only Windows has
    windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
    return kilobytes.value * 1024 // 2


def check_bytes(name: str, n_bytes: float) -> None:
    """Raise if what an argument asks for does not fit into memory, before anything is made."""
    if n_bytes > memory_limit():
        raise ArgumentValueError(
            name,
            f"needs {n_bytes / 1e9:.3g} GB of memory; the limit is {memory_limit() / 1e9:.3g} GB "
            "(half of this machine's memory). Ask for less.",
        )


def check_axes(name: str, value: Any) -> tuple[int, ...]:
    """Return the shape of a population: an integer, or a tuple of up to 16 of them."""
    lengths = value if isinstance(value, (tuple, list)) else (value,)
    if not 1 <= len(lengths) <= 16:
        raise ArgumentValueError(
            name, f"must have at least one axis and at most 16, but got {describe(value)}."
        )
    axes = tuple(check_int(name, n, minimum=1) for n in lengths)
    check_bytes(name, 64.0 * min(math.prod(axes), 10**30))
    return axes


def check_broadcast(name: str, value: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return *value* as a finite real array of *shape*, a copy."""
    array = check_real(name, value)
    check_bytes(name, array.itemsize * math.prod(shape))
    try:
        return np.array(np.broadcast_to(array, shape))
    except ValueError as error:
        raise ArgumentValueError(
            name, f"must broadcast to shape {shape}, but has shape {array.shape}."
        ) from error


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that was meant by an unknown word, if one is near."""
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), folded, n=1)
    return folded[near[0]] if near else None


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return *value* if it is one of *choices*; otherwise name them, and the nearest."""
    options = list(choices)
    if isinstance(value, str) and value in options:
        return value
    hint = ""
    if isinstance(value, str):
        near = nearest(value, options)
        hint = f" Did you mean {near!r}?" if near else ""
    kind = ArgumentValueError if isinstance(value, str) else ArgumentTypeError
    known = ", ".join(map(repr, options))
    raise kind(name, f"must be one of {known}, but got {describe(value)}.{hint}")


def check_dtype(name: str, value: Any) -> np.dtype[Any]:
    """Return float32 or float64 as a dtype; anything else is refused."""
    try:
        dtype: np.dtype[Any] = np.dtype(check_instance(name, value, str, type, np.dtype))
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            name, f"must be float64 or float32, but got {describe(value)}."
        ) from error
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ArgumentValueError(name, f"must be float64 or float32, but got {dtype}.")
    return dtype


def check_number(name: str, value: Any) -> float:
    """Return *value* as a finite float."""
    return float(check_shape(name, check_real(name, value), ()))


def check_positive(
    name: str, value: Any, *, zero: bool = False, below: float | None = None
) -> float:
    """Return *value* as a finite float above 0 (or from 0, if *zero*), and less than *below*."""
    number = check_number(name, value)
    if number < 0 or (number == 0 and not zero) or (below is not None and number >= below):
        wanted = "at least 0" if zero else "above 0"
        wanted += "" if below is None else f" and below {below:g}"
        raise ArgumentValueError(name, f"must be {wanted}, but got {number:g}.")
    return number


def check_share(name: str, value: Any, *, zero: bool = True) -> float:
    """Return *value* as a finite float in [0, 1], or in (0, 1]."""
    share = check_positive(name, value, zero=zero)
    if share > 1:
        wanted = "[0, 1]" if zero else "(0, 1]"
        raise ArgumentValueError(name, f"must be in {wanted}, but got {share:g}.")
    return share


def check_seconds(name: str, value: Any) -> float:
    """Return a finite number of seconds above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ArgumentTypeError(name, f"must be a number of seconds, got {describe(value)}.")
    if not 0 < value < float("inf"):
        raise ArgumentValueError(name, f"must be seconds above 0, but got {value!r}.")
    return float(value)


def check_reset(interval: Any, offset: Any) -> tuple[int | None, int]:
    """Return a reset interval (or None) and an offset below it."""
    offset = check_int("reset_offset", offset, minimum=0)
    if interval is None:
        if offset:
            raise ArgumentValueError(
                "reset_offset", f"= {offset} needs a `reset_interval`, but that is None."
            )
        return None, 0
    interval = check_int("reset_interval", interval, minimum=1)
    if offset >= interval:
        raise ArgumentValueError(
            "reset_offset", f"must be below `reset_interval` = {interval}, but got {offset}."
        )
    return interval, offset
