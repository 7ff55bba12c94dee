"""A data set: training and test samples, and the npz files that hold one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_array, check_instance, check_items, check_real, check_text
from lava_sqs._errors import ArgumentValueError
from lava_sqs._npz import Declared, read_arrays, write_arrays

__all__ = ["Dataset", "load_npz"]

Array = NDArray[Any]
_KEYS = ("x_train", "y_train", "x_test", "y_test")
_LONGEST_LABEL = 2**16  # bytes


@dataclass(frozen=True)
class Dataset:
    """Training and test data, with where they come from.

    Attributes
    ----------
    x_train, x_test : ndarray, shape (n, ...)
        Samples. Those of three and more axes may hold NaN: frames that follow a shorter sequence.
    y_train, y_test : ndarray, shape (n,)
        Labels of the samples.
    source : str
        Name of the data, and of the file or site they came from.

    Raises
    ------
    ValueError
        If samples and labels do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> data = Dataset(np.eye(4), np.arange(4) % 2, np.eye(4), np.arange(4) % 2, "unit vectors")
    >>> print(data)
    unit vectors: 4 train, 4 test, samples of shape (4,) (float64), 2 classes
    >>> data.classes(1).x_train.shape
    (2, 4)
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    source: str

    def __post_init__(self) -> None:
        check_text("source", self.source)
        for key in _KEYS:
            check_instance(key, getattr(self, key), np.ndarray)
        check_declared({key: getattr(self, key) for key in _KEYS})
        for key in _KEYS:
            array = getattr(self, key)
            if array.dtype.kind == "f":
                # NaN marks frames after a sequence's end; samples of two axes have no time, and no
                # such frames.
                values = np.where(np.isnan(array), 0, array) if array.ndim > 2 else array
                check_real(key, values, dtype=array.dtype)

    @classmethod
    def from_series(
        cls, x_train: Any, y_train: Any, x_test: Any, y_test: Any, *, source: str = "series"
    ) -> Dataset:
        """Return series that come with channels before time, as those of aeon and sktime do.

        Parameters
        ----------
        x_train, y_train : array_like
            Series to learn from, shape (n, channels, T) or a list of arrays (channels, T_i), or
            (n, T) of one channel, and their labels, shape (n,), numbers or text. Shorter series
            are followed by NaN.
        x_test, y_test : array_like
            Series to test with and their labels, of the same shapes.
        source : str
            Name of the data.

        Returns
        -------
        Dataset
            Samples (T, channels), as SQSNN reads them with ``input_kind="sequence"``.

        Raises
        ------
        TypeError, ValueError
            If series have different channels, hold no real numbers, or do not fit the labels.

        Examples
        --------
        >>> import numpy as np
        >>> x, y = np.zeros((4, 3, 50)), np.array(["a", "b", "a", "b"])  # of load_classification
        >>> print(Dataset.from_series(x, y, x, y, source="mine"))
        mine: 4 train, 4 test, samples of shape (50, 3) (float64), 2 classes
        """
        samples = {"x_train": _series("x_train", x_train), "x_test": _series("x_test", x_test)}
        longest = max(len(x) for found in samples.values() for x in found)
        arrays = {key: _padded(found, longest) for key, found in samples.items()}
        for key, given in (("y_train", y_train), ("y_test", y_test)):
            labels = check_array(key, given)
            arrays[key] = labels.astype(str) if labels.dtype.kind == "O" else labels
        return cls(**arrays, source=source)

    def classes(self, *labels: Any) -> Dataset:
        """Return only the samples of the given labels, in their order.

        Parameters
        ----------
        *labels : int or str
            Labels to keep.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            If a label does not occur.
        """
        missing = sorted(set(labels) - set(self.y_train.tolist()))
        if missing:
            raise ArgumentValueError(
                "labels",
                f"must occur in the data, but {missing} do not; there are "
                f"{sorted(set(self.y_train.tolist()))}.",
            )
        train, test = np.isin(self.y_train, labels), np.isin(self.y_test, labels)
        if not test.any():
            raise ArgumentValueError(
                "labels",
                f"must occur in the test data too, but none of {sorted(set(labels))} does.",
            )
        return Dataset(
            self.x_train[train],
            self.y_train[train],
            self.x_test[test],
            self.y_test[test],
            self.source,
        )

    def save(self, path: str | Path) -> None:
        """Write an npz with the four arrays, as :func:`load_npz` reads it.

        Parameters
        ----------
        path : str or Path
            File to write.
        """
        write_arrays(path, {key: getattr(self, key) for key in _KEYS})

    def __repr__(self) -> str:
        return f"<Dataset {self}>"

    def __str__(self) -> str:
        return (
            f"{self.source}: {len(self.x_train)} train, {len(self.x_test)} test, samples of shape "
            f"{self.x_train.shape[1:]} ({self.x_train.dtype}), "
            f"{len(np.unique(self.y_train))} classes"
        )


def _series(name: str, value: Any) -> list[Array]:
    """Return series (channels, T_i), or (T_i,), with time first."""
    items = list(check_items(name, value))
    if not items:
        raise ArgumentValueError(name, "must hold series, but is empty.")
    found = []
    for i, item in enumerate(items):
        x = check_array(name, item)
        if x.ndim not in (1, 2) or not x.size or x.dtype.kind not in "biuf":
            raise ArgumentValueError(
                name,
                "must hold series of numbers, (channels, T) or (T,), but series "
                f"{i} has shape {x.shape} and dtype {x.dtype}.",
            )
        found.append(x.T if x.ndim == 2 else x[:, None])
        if found[i].shape[1] != found[0].shape[1]:
            raise ArgumentValueError(
                name,
                f"must hold series of the same channels, but series 0 has {found[0].shape[1]} and "
                f"series {i} has {found[i].shape[1]}: series are read as (channels, T).",
            )
    return found


def _padded(series: list[Array], longest: int) -> Array:
    """Return series as one array, NaN after the end of the shorter ones."""
    if all(len(x) == longest for x in series):
        return np.stack(series)
    shape = (len(series), longest, series[0].shape[1])
    padded: Array = np.full(shape, np.nan, np.result_type(np.float32, *series))
    for row, x in zip(padded, series, strict=True):
        row[: len(x)] = x
    return padded


def check_declared(arrays: Mapping[str, Any]) -> None:
    """Raise if samples and labels, or what headers say of them, do not belong together."""
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.ndim < 2 or y.ndim != 1 or x.shape[0] != y.shape[0]:
            raise ValueError(
                f"Arrays x_{part} and y_{part} must have one row and one label per sample, "
                f"but have shapes {x.shape} and {y.shape}."
            )
        if not x.shape[0]:
            raise ValueError(f"Arrays x_{part} and y_{part} must hold samples, but are empty.")
        if x.dtype.kind not in "biuf" or y.dtype.kind not in "biufU":
            raise TypeError(
                f"Arrays x_{part} and y_{part} must hold numbers, and numbers or text, but "
                f"have dtypes {x.dtype} and {y.dtype}."
            )
        if y.dtype.itemsize > _LONGEST_LABEL:
            raise ValueError(
                f"Array y_{part} must hold labels of at most {_LONGEST_LABEL // 4} characters, but "
                f"has dtype {y.dtype}."
            )
    train, test = arrays["x_train"].shape[1:], arrays["x_test"].shape[1:]
    if train != test:
        raise ValueError(
            f"Arrays x_train and x_test must have samples of one shape, but have {train} and "
            f"{test}."
        )


def samples_in_words(n: int, shape: tuple[int, ...], kind: str) -> str:
    """Return how n samples of a shape (T first, if they have steps) are read."""
    size = " x ".join(map(str, shape))
    if kind == "static":
        if len(shape) == 1:
            return f"{n} samples of {shape[0]} features"
        return f"{n} samples of {size} values, flattened to {math.prod(shape)} features"
    what = "sequences" if kind == "sequence" else "spike trains"
    steps, channels = shape[0], math.prod(shape[1:])
    inner = f" ({' x '.join(map(str, shape[1:]))})" if len(shape) > 2 else ""
    return (
        f"{n} {what} of {steps} time step{'s' * (steps != 1)} with {channels} "
        f"channel{'s' * (channels != 1)}{inner} each"
    )


def load_npz(path: str | Path) -> Dataset:
    """Return the arrays x_train, y_train, x_test and y_test of an npz; other keys are ignored.

    Parameters
    ----------
    path : str or Path
        File of :func:`numpy.savez`.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        If the file does not exist or is not an npz file, or if an array is missing or pickled.

    Examples
    --------
    >>> from lava_sqs.data import load_digits
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_digits().classes(0, 1).save(f"{folder}/digits.npz")
    ...     print(load_npz(f"{folder}/digits.npz"))
    digits.npz: 269 train, 91 test, samples of shape (8, 8) (uint8), 2 classes
    """
    return load_checked(path, check_declared)


def load_checked(path: str | Path, check: Callable[[Mapping[str, Any]], None]) -> Dataset:
    """Return the data set of a file whose declared shapes and types pass a check."""
    arrays = read_checked(path, _KEYS, check)
    with _data_set_of(path):
        return Dataset(**arrays, source=Path(path).name)


@contextmanager
def _data_set_of(path: str | Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"The file {path} holds no data set. {error}") from error


def read_checked(
    path: str | Path, keys: tuple[str, ...], check: Callable[[Mapping[str, Any]], None]
) -> dict[str, Array]:
    """Return arrays of a file, of which a check has seen the shapes and types before."""

    def complete(declared: dict[str, Declared]) -> None:
        missing = [key for key in keys if key not in declared]
        if missing:
            raise _Incomplete(missing)
        with _data_set_of(path):
            check(declared)

    try:
        return read_arrays(path, what="an npz file", keys=keys, check=complete)[0]
    except _Incomplete as error:
        names = read_arrays(path, what="an npz file", keys=())[1]
        raise ValueError(
            f"The file {path} must have the arrays {', '.join(keys)}, but lacks "
            f"{', '.join(error.args[0])}; it has {', '.join(names) or 'none'}."
        ) from error


class _Incomplete(Exception):
    """Arrays that a file lacks."""
