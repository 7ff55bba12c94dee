"""Time series: spoken vowels as sequences, and a laser as windows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_bytes,
    check_int,
    check_path,
    check_real,
    check_shape,
    describe,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs._files import TEXT, kind_of
from lava_sqs.data.dataset import Dataset, check_declared, load_checked, read_checked

__all__ = ["load_japanese_vowels", "load_santa_fe", "windows"]

Array = NDArray[Any]


def load_japanese_vowels(path: str | Path, *, padding: float = 0.0) -> Dataset:
    """Return the Japanese vowels as sequences (n, T, 12) of 9 speakers, padded to one length.

    Parameters
    ----------
    path : str or Path
        The folder of the published files (``ae.train``, ``ae.test``, ``size_ae.train``,
        ``size_ae.test``), or an npz with samples of shape (T, 12) or (12, T): one of the axes is
        the 12 coefficients, and T is the other.
    padding : float
        What follows an utterance: 0, as in the archives, or NaN, which SQSNN need not guess.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing, or holds something else.

    Examples
    --------
    >>> load_japanese_vowels("japanese_vowels.npz").x_train.shape  # doctest: +SKIP
    (270, 29, 12)

    References
    ----------
    Kudo, Toyama, Shimbo, Pattern Recognition Letters 20, 1103 (1999); the files:
    doi:10.24432/C5NS47.
    """
    root = check_path("path", path)
    if not (isinstance(padding, (int, float)) and (padding == 0 or math.isnan(padding))):
        raise ArgumentValueError("padding", f"must be 0 or NaN, but got {describe(padding)}.")
    if root.is_dir():
        train, test = (_utterances(root, part) for part in ("train", "test"))
        longest = max(len(u) for u in (*train[0], *test[0]))
        x_train, x_test = (
            np.stack([np.pad(u, ((0, longest - len(u)), (0, 0))) for u in x])
            for x, _ in (train, test)
        )
        x_train, x_test = (_padded(x, padding) for x in (x_train, x_test))
        return Dataset(x_train, train[1], x_test, test[1], "Japanese vowels")
    d = load_checked(root, _check_vowels)
    # Archives have channels first, the published files time first: the axis of 12 coefficients
    # tells.
    turn = d.x_train.shape[1] == 12
    x_train, x_test = (
        _padded(np.ascontiguousarray(x.transpose(0, 2, 1) if turn else x), padding)
        for x in (d.x_train, d.x_test)
    )
    return Dataset(x_train, d.y_train, x_test, d.y_test, "Japanese vowels")


def _padded(x: Array, padding: float) -> Array:
    """Replace the frames of zeros that follow utterances (n, T, 12)."""
    if padding == 0:
        return x
    # From the end backwards: frames of zeros inside an utterance are its own.
    follows = np.logical_and.accumulate(~x.any(axis=2)[:, ::-1], axis=1)[:, ::-1]
    return np.where(follows[:, :, None], padding, x.astype(np.result_type(x, np.float32)))


def _check_vowels(declared: Mapping[str, Any]) -> None:
    check_declared(declared)
    shape = declared["x_train"].shape[1:]
    if len(shape) != 2 or shape.count(12) != 1:
        which = (
            "which of the two axes is time is unclear" if shape == (12, 12) else "they have none"
        )
        raise ValueError(
            "Samples must have one axis of 12 coefficients, (T, 12) or (12, T), but have shape "
            f"{shape}: {which}."
        )


def _utterances(root: Path, part: str) -> tuple[list[Array], Array]:
    """Return the sequences (T, 12) of one published file, and their speakers."""
    file, sizes_file = root / f"ae.{part}", root / f"size_ae.{part}"
    blocks = re.split(r"\n\s*\n", _text(file).strip())
    try:
        x = [np.array([line.split() for line in b.splitlines()], dtype=np.float32) for b in blocks]
        if bad := [u.shape for u in x if u.ndim != 2 or u.shape[1] != 12]:
            raise ValueError(f"one has shape {bad[0]}.")
    except ValueError as error:
        raise ValueError(
            f"The file {file} must hold utterances, lines of 12 numbers, divided by empty lines: "
            f"{error}"
        ) from error
    try:
        sizes = np.array(_text(sizes_file).split(), dtype=int)
        if (sizes < 0).any() or sizes.sum() != len(x):
            raise ValueError(f"they add up to {sizes.sum()}, but {file} has {len(x)}.")
    except ValueError as error:
        raise ValueError(
            f"The file {sizes_file} must hold how many utterances each speaker has: {error}"
        ) from error
    return x, np.repeat(np.arange(len(sizes)), sizes)


def _text(file: Path) -> str:
    if (kind := kind_of(file)) != TEXT:
        raise ValueError(f"The file {file} must be text, but it is {kind or 'binary'}.")
    check_bytes("path", 10.0 * file.stat().st_size)
    return file.read_text(encoding="utf-8")


def load_santa_fe(path: str | Path, *, window: int = 16) -> Dataset:
    """Return the Santa Fe laser series as windows (n, window, 1) and whether it rises next.

    Parameters
    ----------
    path : str or Path
        An npz with the array ``series``.
    window : int
        Steps that are shown.

    Returns
    -------
    Dataset
        Label 1 where the value after the window is larger than the window's last. The first 1000
        values train, as in the competition.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file does not exist, or the series is too short.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/laser.npz", series=np.arange(1100) % 7)
    ...     data = load_santa_fe(f"{folder}/laser.npz", window=3)
    >>> data.x_train[0].ravel(), int(data.y_train[0])
    (array([0, 1, 2]), 1)

    References
    ----------
    Weigend, Gershenfeld (eds.), Time Series Prediction, Addison-Wesley (1994).
    """
    n = check_int("window", window, minimum=1, maximum=999)

    def long_enough(declared: Mapping[str, Any]) -> None:
        found = declared["series"]
        check_shape("series", found, ("T",))
        if found.dtype.kind not in "biuf":
            raise TypeError(f"The array series must hold numbers, but has dtype {found.dtype}.")
        if found.shape[0] < 1000 + n + 1:
            raise ValueError(
                f"The array series must have more than {1000 + n} values, but has {found.shape[0]}."
            )

    series = read_checked(path, ("series",), long_enough)["series"]
    check_real("series", series)
    shown = np.lib.stride_tricks.sliding_window_view(series, n)[:-1, :, None]
    rises = (series[n:] > series[n - 1 : -1]).astype(int)
    # A window belongs to the training part if the value that it predicts does: no test value is
    # seen.
    last_train = 1000 - n
    return Dataset(
        np.ascontiguousarray(shown[:last_train]),
        rises[:last_train],
        np.ascontiguousarray(shown[1000:]),
        rises[1000:],
        "Santa Fe laser",
    )


def windows(series: Any, length: int, horizon: int = 1, *, stride: int = 1) -> tuple[Array, Array]:
    """Return windows of a series, and in each of their steps the value that is to be predicted.

    ``y[i, t] = series[i * stride + t + horizon]``, which is ``X[i, t + horizon]`` as long as that
    lies in the window. One value per window, that which follows it, is ``y[:, -1]``.

    Parameters
    ----------
    series : array_like, shape (N,) or (N, channels)
        Values in the order of time.
    length : int
        T, time steps of a window.
    horizon : int
        How many steps ahead.
    stride : int
        Steps from one window to the next; with `length` they do not overlap.

    Returns
    -------
    X : ndarray, shape (n, T, channels)
        All windows whose last value to be predicted lies in the series.
    y : ndarray, shape (n, T), or (n, T, channels) for a series of several channels

    Raises
    ------
    TypeError, ValueError
        If `series` holds other than finite real numbers, or is shorter than `length` + `horizon`.

    Examples
    --------
    >>> X, y = windows([10, 11, 12, 13, 14], 3)
    >>> X[:, :, 0]
    array([[10., 11., 12.],
           [11., 12., 13.]])
    >>> y
    array([[11., 12., 13.],
           [12., 13., 14.]])
    """
    found = check_real("series", series)
    n = check_int("length", length, minimum=1)
    ahead = check_int("horizon", horizon, minimum=1)
    step = check_int("stride", stride, minimum=1)
    if found.ndim not in (1, 2):
        raise ArgumentValueError(
            "series", f"must have shape (N,) or (N, channels), but has shape {found.shape}."
        )
    if len(found) < n + ahead:
        raise ArgumentValueError(
            "series",
            f"must have at least {n + ahead} values for windows of {n} steps and a horizon of "
            f"{ahead}, but has {len(found)}.",
        )
    shown = found[:, None] if found.ndim == 1 else found
    X, y = (
        np.ascontiguousarray(
            np.lib.stride_tricks.sliding_window_view(part, n, axis=0)[::step].swapaxes(1, 2)
        )
        for part in (shown[:-ahead], shown[ahead:])
    )
    return X, y[:, :, 0] if found.ndim == 1 else y
