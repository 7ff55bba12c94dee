"""Samples that are shown a little differently each time, so that a network learns what may vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_array,
    check_flag,
    check_instance,
    check_int,
    check_items,
    check_positive,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError

__all__ = ["Shift"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Shift:
    r"""Move images, or all frames of a recording, by random distances; zeros come in.

    Distances down and right are independent, uniform in ``-pixels..pixels`` and the same for all
    frames and channels of a sample. For ``SQSNN(augment=Shift(...))``.

    Parameters
    ----------
    pixels : float
        Greatest distance.
    shape : tuple of int
        Shape of a frame, the last two axes rows and columns: ``(16, 16)``, or ``(2, 34, 34)`` of an
        event camera. Samples may be flattened.
    between : bool
        Whether distances are any real numbers, values between pixels being interpolated linearly,
        or whole pixels only (the default; then spikes stay spikes).

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, negative, or not whole with ``between=False``; from a
        call, if the samples do not consist of such frames.

    Examples
    --------
    >>> image = np.array([[0, 0, 0, 0, 1, 0, 0, 0, 0]])  # a dot in the middle of 3 x 3 pixels
    >>> Shift(1, (3, 3))(image, np.random.default_rng(1)).reshape(3, 3)
    array([[0, 0, 0],
           [0, 1, 0],
           [0, 0, 0]])
    """

    pixels: float
    shape: tuple[int, ...]
    between: bool = False

    def __post_init__(self) -> None:
        check_flag("between", self.between)
        if self.between:
            check_positive("pixels", self.pixels)
        else:
            check_int("pixels", self.pixels, minimum=1)
        sizes = check_items("shape", self.shape)
        for size in sizes:
            check_int("shape", size, minimum=1)
        if len(sizes) < 2:
            raise ArgumentValueError(
                "shape", f"must end with rows and columns, but got {self.shape}."
            )
        object.__setattr__(self, "shape", tuple(int(size) for size in sizes))

    def __call__(self, X: Any, rng: np.random.Generator) -> Array:
        """Return moved copies of samples.

        Parameters
        ----------
        X : array_like, shape (n, ...)
            Images, or sequences of frames. Frames of NaN stay what they are.
        rng : numpy.random.Generator
            Source of random numbers.

        Returns
        -------
        ndarray
            Samples of the shape and the type of X (real numbers, with `between`).

        Raises
        ------
        TypeError, ValueError
            If X holds no numbers, or does not consist of frames of `shape`; if *rng* is no
            generator.
        """
        X = check_array("X", X)
        if X.dtype.kind not in "biuf":
            raise ArgumentTypeError("X", f"must hold real numbers, but has dtype {X.dtype}.")
        check_instance("rng", rng, np.random.Generator)
        n = len(X)
        frame = int(np.prod(self.shape))
        if not X.size or (X.size // n) % frame:
            raise ArgumentValueError(
                "X", f"must consist of frames of shape {self.shape}, but has shape {X.shape}."
            )
        rows, columns = self.shape[-2:]
        frames = X.reshape(n, -1, rows, columns)
        most = self.pixels
        if self.between:
            distances: Array = rng.uniform(-most, most, (2, n))
        else:
            distances = rng.integers(-int(most), int(most), (2, n), endpoint=True)
        moved = _along(_along(frames, distances[0], 2), distances[1], 3).reshape(X.shape)
        if X.dtype.kind == "f":  # what came in is no value where there were none
            gone = np.isnan(X.reshape(n, -1, frame)).all(axis=2)
            moved.reshape(n, -1, frame)[gone] = np.nan
        return moved


def _along(frames: Array, distances: Array, axis: int) -> Array:
    """Move frames (n, m, rows, columns) along an axis, each sample by its distance."""
    # floor, not truncation: -0.3 lies between -1 and 0, with the weight 0.7 on 0.
    whole = np.floor(distances).astype(int)
    near = _by(frames, whole, axis)
    if distances.dtype.kind != "f":
        return near
    rest = (distances - whole).astype(np.result_type(frames.dtype, np.float32))[:, None, None, None]
    return np.asarray((1 - rest) * near + rest * _by(frames, whole + 1, axis))


def _by(frames: Array, whole: Array, axis: int) -> Array:
    """Move frames by whole pixels."""
    shape = [1, 1, 1, 1]
    shape[axis] = size = frames.shape[axis]
    # Where each pixel comes from; from outside comes 0, not the other edge.
    source = np.arange(size).reshape(shape) - whole.reshape(-1, 1, 1, 1)
    inside = (source >= 0) & (source < size)
    moved = np.take_along_axis(frames, np.clip(source, 0, size - 1), axis)
    return np.where(inside, moved, np.zeros((), frames.dtype))
