"""What a regressor is told: one value per sample, or one per time step, as one array of floats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.network import sequences

__all__: list[str] = []

Array = NDArray[Any]


def of_sequences(
    X: Array, y: Any, channels_first: bool | None, per_step: bool | None
) -> tuple[Array, bool]:
    """Return the values *y* of sequences *X*, and whether there is one per time step.

    *per_step* None: if their shape says so.
    """
    y, ragged = stacked(y)
    check_consistent_length(X, y)
    steps = X.shape[2] if channels_first else X.shape[1]
    fits = y.ndim > 1 and y.shape[1] == steps
    found = (ragged or fits) if per_step is None else bool(per_step)
    if not 1 + found <= y.ndim <= 2 + found or (found and not fits):
        many = f"(n, {steps}) or (n, {steps}, n_outputs) for one value per time step of X"
        one = "(n,) or (n, n_outputs) for one per sample"
        wanted = f"{many}, or {one}" if per_step is None else many if found else one
        raise ArgumentValueError("y", f"must have shape {wanted}, but has shape {y.shape}.")
    if ragged:
        time_first = X.swapaxes(1, 2) if channels_first else X
        # Frames of zeros may be a sample's own here: each has a value that is to be predicted.
        own = sequences.own_steps(time_first, None, None, zeros=False).sum(axis=1)
        given = np.isfinite(y.reshape(*y.shape[:2], -1)).all(axis=2).sum(axis=1)
        if (own != given).any():
            i = int((own != given).argmax())
            raise ArgumentValueError(
                "y",
                f"must have as many values as X has time steps in each sample, but sample {i} has "
                f"{given[i]} for {own[i]} steps.",
            )
    return y, found


def finite(y: Array, own: Array) -> Array:
    """Return values (n, [T,] O), or raise where one that is a sample's *own* is not finite."""
    bad = ~np.isfinite(y).all(axis=-1) & own
    if bad.any():
        where = " in step ".join(str(k) for k in np.argwhere(bad)[0])
        raise ArgumentValueError(
            "y", f"must be finite, but sample {where} has NaN or infinity (Input contains NaN)."
        )
    return y


def stacked(y: Any) -> tuple[Array, bool]:
    """Return targets as floats, NaN where a list of arrays ends early, and if it is such a list."""
    ragged = isinstance(y, (list, tuple)) and len({np.shape(v) for v in y}) > 1
    if ragged:
        flat = all(np.ndim(v) == 1 for v in y)
        parts = [np.asarray(v)[:, None] if flat else np.asarray(v) for v in y]
        stacked, _ = sequences.stacked(parts, "sequence", None)
        y = stacked[..., 0] if flat else stacked
    found = np.asarray(y)
    if found.dtype.kind not in "biufO":
        raise ArgumentTypeError("y", f"must hold real numbers, but got {describe(found)}.")
    try:
        return found.astype(float), ragged
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError("y", f"must hold real numbers, but got {describe(y)}.") from error
