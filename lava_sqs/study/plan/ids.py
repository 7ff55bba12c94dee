"""Ids of points and rows, and the seeds of batches: they depend on what a study is, and no more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lava_sqs import _seeds
from lava_sqs._version import __version__

__all__ = ["batch_seed", "canonical", "row_id"]


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


def point_id(task: Any, params: Mapping[str, Any], version: str | None = None) -> str:
    """Return the id of a point; the seed is no part of it, so other seeds' rows add up."""
    made_by = __version__ if version is None else version
    # The version is a part: numbers of another release are another point, and never add up with
    # these.
    return digest({"format": 1, "task": task, "params": dict(params), "version": made_by})


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
    # Batch b is child b of what seed and point make: any worker computes it without having seen
    # others.
    return _seeds.sequence([seed, int(point, 16)], batch)
