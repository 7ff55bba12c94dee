"""Data sets of event recordings in place of X: those of tonic, and EventFrames."""

from __future__ import annotations

from typing import Any

import numpy as np

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentValueError
from lava_sqs.data.event_sets import EventFrames, are_frames, is_event_set

__all__: list[str] = []


def counted(X: Any, y: Any, kind: str | None, n_steps: int) -> tuple[Any, Any]:
    """Return X and y; of a data set of recordings its counts (n, T, height, width, P) and labels.

    A data set that does not say how it is binned is divided into `n_steps` bins. Polarities come
    last, where layers of :class:`~lava_sqs.network.Conv2D` look for the channels of an image.
    """
    if not is_event_set(X):
        return X, y
    if kind not in ("sequence", "spikes"):
        raise ArgumentValueError(
            "input_kind",
            "must be 'sequence' (how many events) or 'spikes' (whether there was any) for a data "
            f"set of event recordings, but got {describe(kind)}.",
        )
    if not isinstance(X, EventFrames):
        framed = bool(len(X)) and are_frames(X[0][0])
        X = EventFrames(X, bins=None if framed else n_steps)
    found, labels = X.arrays()
    if isinstance(found, list):
        return [_laid_out(counts, kind) for counts in found], labels if y is None else y
    return _laid_out(found, kind), labels if y is None else y


def _laid_out(counts: Any, kind: str) -> Any:
    # (.., P, H, W) -> (.., H, W, P).
    counts = np.moveaxis(counts, -3, -1)
    return (counts > 0).astype(np.uint8) if kind == "spikes" else counts
