"""Sequences of different lengths as one array, and which steps of a network count for each.

Inside this room, a frame that is not a sample's own is a frame of NaN, whatever the user gave:
`lengths`, `mask`, a list of arrays, or an array that is padded. So samples can be drawn, split and
shuffled as one array, and nobody has to guess again from values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_array, check_shape, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.quantum.kernels import spikes as _kernels

__all__: list[str] = []

Array = NDArray[Any]


def stacked(X: Any, kind: str | None, channels_first: bool | None) -> tuple[Any, bool]:
    """Return a list of arrays of different lengths as one, padded with NaN; anything else as it is.

    And whether it was such a list, where each array says how long it is.
    """
    listed = isinstance(X, (list, tuple)) or getattr(X, "dtype", None) == np.dtype(object)
    if not listed or getattr(X, "ndim", 1) != 1 or not len(X):
        return X, False
    try:
        samples = [np.asarray(x) for x in X]
    except ValueError:
        return X, False  # a sample that is no array: scikit-learn says what it is
    shapes = [x.shape for x in samples]
    if not any(shapes):
        return X, False
    if len(set(shapes)) == 1:
        return np.stack(samples), not isinstance(X[0], (list, tuple))
    odd = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
    if kind not in ("sequence", "spikes"):
        raise ArgumentValueError(
            "X",
            f"must hold samples of one shape for input_kind={kind!r}, but sample 0 has shape "
            f"{shapes[0]} and sample {odd} has shape {shapes[odd]}. For sequences of different "
            "lengths give input_kind='sequence' or 'spikes'.",
        )
    time = 1 if channels_first else 0
    wanted = "(channels, T)" if channels_first else "(T, channels)"
    rest = [shape[:time] + shape[time + 1 :] for shape in shapes]
    for i, shape in enumerate(shapes):
        if len(shape) < 2 or rest[i] != rest[0] or (channels_first and len(shape) > 2):
            hint = ""
            if len({s[:1] for s in shapes}) == 1 and {len(s) for s in shapes} == {2}:
                hint = " If their first axis is the channels, give channels_first=True."
            elif len({s[1:] for s in shapes}) == 1 and {len(s) for s in shapes} == {2}:
                hint = " If their first axis is time, give channels_first=False."
            raise ArgumentValueError(
                "X",
                f"must hold sequences of shape {wanted} with the same channels, but sample 0 has "
                f"shape {shapes[0]} and sample {i} has shape {shape}.{hint}",
            )
        if not shape[time]:
            raise ArgumentValueError(
                "X", f"must hold sequences of at least one time step, but sample {i} has none."
            )
        if samples[i].dtype.kind not in "biuf":
            raise ArgumentTypeError(
                "X", f"must hold real numbers, but sample {i} has dtype {samples[i].dtype}."
            )
    # Padding is NaN, not 0: a frame of zeros may be a sample's own.
    longest = max(shape[time] for shape in shapes)
    shape = (len(samples), *shapes[0][:time], longest, *shapes[0][time + 1 :])
    X = np.full(shape, np.nan, dtype=np.result_type(np.float32, *samples))
    for filled, x in zip(X, samples, strict=True):
        filled[(slice(None),) * time + (slice(x.shape[time]),)] = x
    return X, True


def all_finite(X: Array) -> bool:
    """Return whether nothing in X is NaN or infinite: a minimum and a maximum would show it."""
    if X.dtype.kind != "f" or not X.size:
        return True
    with np.errstate(invalid="ignore"):
        return bool(np.isfinite([X.min(), X.max()]).all())


def only_spikes(X: Array) -> bool:
    """Return whether X holds 0, 1 and NaN only."""
    if X.dtype in (np.float32, np.float64):
        return bool(_kernels.only_spikes(X.reshape(len(X), -1)))
    return bool(((X == 0) | (X == 1) | (X != X)).all())


def own_steps(X: Array, lengths: Any, mask: Any, zeros: bool, finite: bool | None = None) -> Array:
    """Return which steps are a sample's own, (n, T), of sequences (n, T, ...) with time first.

    By *lengths* or *mask*; else the frames at the end of a sample that are NaN in all channels
    are not its own, nor are those that are zero in all channels if *zeros*. *finite* as of
    :func:`all_finite`.
    """
    n, steps = X.shape[:2]
    if lengths is not None and mask is not None:
        raise ArgumentValueError("mask", "must be None if `lengths` is given: both say the same.")
    if lengths is not None:
        own: Array = np.arange(steps) < _checked_lengths(lengths, n, steps)[:, None]
    elif mask is not None:
        own = check_shape("mask", check_array("mask", mask), (n, steps))
        if own.dtype != bool:
            raise ArgumentTypeError(
                "mask", f"must hold True and False, but has dtype {own.dtype} ({describe(mask)})."
            )
        if not own.any(axis=1).all():
            raise ArgumentValueError(
                "mask",
                "must be True in at least one step of each sample, but sample "
                f"{int(own.any(axis=1).argmin())} has none.",
            )
    else:
        frames = X.reshape(n, steps, -1)
        if finite is None:
            finite = all_finite(X)
        padded = np.zeros((n, steps), dtype=bool)
        if not finite:
            padded = np.isnan(frames).all(axis=2)
        if zeros:
            # A sample of zeros only has none that were padded.
            zero = ~frames.any(axis=2)
            padded = padded | (zero & ~zero.all(axis=1, keepdims=True))
        # From the end backwards: a frame is padding only if all later ones are. Gaps inside stay
        # the sample's.
        own = ~np.logical_and.accumulate(padded[:, ::-1], axis=1)[:, ::-1]
        if not own.any(axis=1).all():
            raise ArgumentValueError(
                "X",
                "must have at least one time step with values in each sample, but sample "
                f"{int(own.any(axis=1).argmin())} is NaN throughout.",
            )
    return own


def _checked_lengths(lengths: Any, n: int, steps: int) -> Array:
    found = check_shape("lengths", check_array("lengths", lengths), (n,))
    if found.dtype.kind not in "iu":
        raise ArgumentTypeError(
            "lengths", f"must hold integers, but has dtype {found.dtype} ({describe(lengths)})."
        )
    wrong = (found < 1) | (found > steps)
    if wrong.any():
        i = int(wrong.argmax())
        raise ArgumentValueError(
            "lengths",
            f"must be from 1 to {steps}, the time steps of X, but sample {i} has {found[i]}.",
        )
    return found.astype(np.int64)


def ends_in_zeros(X: Array) -> int:
    """Return how many sequences (n, T, ...) end with frames of zeros, but hold something else."""
    frames = X.reshape(*X.shape[:2], -1)
    return int((~frames[:, -1].any(axis=1) & frames.any(axis=(1, 2))).sum())


def marked(X: Array, own: Array, finite: bool) -> Array:
    """Return sequences up to the last step that is anybody's own, NaN where a step is not *own*."""
    last = int(own.any(axis=0).nonzero()[0][-1]) + 1
    X, own = X[:, :last], own[:, :last]
    if not finite:
        bad = ~np.isfinite(X.reshape(*own.shape, -1)).all(axis=2) & own
        if bad.any():
            i, t = (int(k) for k in np.argwhere(bad)[0])
            raise ArgumentValueError(
                "X",
                f"must be finite in the steps of a sample, but sample {i} has NaN or infinity in "
                f"step {t}. Only frames after the end of a sample may be NaN; `lengths` or `mask` "
                "say which steps are a sample's own.",
            )
    # Integers stay integers where nothing has to be marked.
    if own.all():
        return X
    X = X.astype(np.result_type(X.dtype, np.float32))
    X[~own] = np.nan
    return X


def is_own(flat: Array) -> Array | None:
    """Return which frames of marked sequences (n, T, F) are a sample's own; None is all."""
    if flat.dtype.kind != "f":
        return None
    # One feature tells: `marked` made frames NaN in all of them or in none.
    own: Array = ~np.isnan(flat[:, :, 0])
    return None if own.all() else own


def ends(own: Array) -> Array:
    """Return after how many steps nothing more is a sample's own, (n,), of *own* (n, T)."""
    return np.asarray(own.shape[1] - own[:, ::-1].argmax(axis=1))


def counted_steps(own: Array, lag: int, depth: int, readout_from: float = 0.0) -> Array:
    """Return which steps of a network count for a sample, (T + depth, n), of *own* (n, T).

    What arrives in an input step reaches the visible layer *lag* to *depth* steps later: those
    count, and of them the part that begins at *readout_from*.

    Examples
    --------
    >>> counted_steps(np.array([[True, True, True, False]]), 1, 2).ravel()
    array([0., 1., 1., 1., 1., 0.])
    >>> counted_steps(np.array([[True, True, True, False]]), 1, 2, readout_from=0.5).ravel()
    array([0., 0., 0., 1., 1., 0.])
    """
    n, steps = own.shape
    counted = np.zeros((steps + depth, n), dtype=bool)
    # Skips make several ways from input to visible layer; a step counts if any of them brings an
    # own one.
    for delay in range(lag, depth + 1):
        counted[delay : delay + steps] |= own.T
    if readout_from:
        rank = counted.cumsum(axis=0)
        # rank numbers the steps that count from 1 on, so shares are of a sample's own length.
        counted &= rank > np.floor(readout_from * rank[-1])
    return counted.astype(float)
