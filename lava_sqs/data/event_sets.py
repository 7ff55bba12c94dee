"""Data sets of event recordings: those of tonic, and folders of one's own files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int, check_path, describe
from lava_sqs._errors import (
    ArgumentFileNotFoundError,
    ArgumentTypeError,
    ArgumentValueError,
)
from lava_sqs._seeds import check_seed
from lava_sqs.data.dataset import Dataset
from lava_sqs.data.event_files import read_events
from lava_sqs.data.events import bin_events, pool_events

__all__ = ["EventFrames", "load_events"]

Array = NDArray[Any]


class EventFrames:
    """A data set of event recordings as one of counts, each binned when it is asked for.

    It is a sequence of (counts, label) with time last, which Lava's ``SpikeDataloader`` takes as
    its `dataset`; ``SQSNN.fit`` takes it, or the data set itself, in place of X.

    Parameters
    ----------
    dataset : sequence
        Items are (events, label): a data set of tonic, or any object with a length and an index;
        a list of pairs too. Items that are frames already, (T, polarities, height, width) as
        tonic's ``ToFrame`` makes them, are taken as they are.
    size : tuple of int, optional
        See :func:`bin_events`. None is ``dataset.sensor_size``.
    bins, window, start, unit, fields
        See :func:`bin_events`.
    pool : int
        Pixels, in both directions, that are summed into one, see :func:`pool_events`.

    Raises
    ------
    TypeError, ValueError
        If the data set has no length, no index, or no size of its sensor.

    Examples
    --------
    >>> import numpy as np
    >>> kind = [("x", int), ("y", int), ("t", int), ("p", int)]
    >>> pairs = [(np.array([(3, 5, 9, 1), (3, 5, 90, 0)], dtype=kind), label) for label in (0, 1)]
    >>> frames = EventFrames(pairs, size=(8, 6), bins=4)
    >>> counts, label = frames[1]
    >>> counts.shape, label
    ((2, 6, 8, 4), 1)
    >>> X, y = frames.arrays()
    >>> X.shape, y
    ((2, 4, 2, 6, 8), array([0, 1]))
    """

    def __init__(
        self,
        dataset: Any,
        *,
        size: Any = None,
        bins: int | None = None,
        window: float | None = None,
        start: float | None = None,
        unit: str | None = None,
        fields: str | None = None,
        pool: int = 1,
    ) -> None:
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise ArgumentTypeError(
                "dataset",
                f"must have a length and an index, as a list has, but got {describe(dataset)}.",
            )
        self.dataset = dataset
        self.size = sensor_size(dataset) if size is None else size
        self.pool = check_int("pool", pool, minimum=1)
        self._binning: dict[str, Any] = {
            "bins": bins,
            "window": window,
            "start": start,
            "unit": unit,
            "fields": fields,
        }

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: Any) -> tuple[Array, Any]:
        i = check_int("index", index, minimum=-len(self), maximum=len(self) - 1)
        counts, label = self.frames(i % len(self))
        return np.ascontiguousarray(np.moveaxis(counts, 0, -1)), label

    def __iter__(self) -> Iterator[tuple[Array, Any]]:
        return (self[i] for i in range(len(self)))

    def frames(self, index: int) -> tuple[Array, Any]:
        """Return the counts of a recording, (T, polarities, height, width), and its label.

        Parameters
        ----------
        index : int
            Which recording.

        Returns
        -------
        counts : ndarray
            Spikes per bin, polarity and pixel.
        label : object
            Index of the class.

        Raises
        ------
        TypeError, ValueError
            If the item is not a pair, or its events cannot be counted, see :func:`bin_events`.
        """
        item = self.dataset[index]
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise ArgumentTypeError(
                "dataset", f"must have items (events, label), but item {index} is {describe(item)}."
            )
        events, label = item
        if getattr(label, "ndim", None) == 0:
            label = label.item()
        if self._binning["fields"] is None and are_frames(events):
            counts = np.asarray(events)
            bins = self._binning["bins"]
            if bins is not None and len(counts) != bins:
                raise ArgumentValueError(
                    "bins",
                    f"must be {len(counts)} or None for recordings that are frames already, but "
                    f"got {bins}.",
                )
        else:
            counts = bin_events(events, size=self.size, sparse=False, **self._binning)
        if self.pool > 1:
            counts = pool_events(counts[None], space=self.pool)[0]
        return counts, label

    def arrays(self) -> tuple[Any, Array]:
        """Return all counts and labels, as ``SQSNN.fit`` takes them.

        Returns
        -------
        X : ndarray, shape (n, T, polarities, height, width)
            Or, if recordings have different numbers of bins, a list of arrays.
        y : ndarray, shape (n,)

        Raises
        ------
        TypeError, ValueError
            If there are no recordings; for other reasons see :meth:`frames`.
        """
        pairs = [self.frames(i) for i in range(len(self))]
        if not pairs:
            raise ArgumentValueError("dataset", "must hold recordings, but is empty.")
        counts = [counts for counts, _ in pairs]
        same = len({c.shape for c in counts}) == 1
        return np.stack(counts) if same else counts, np.array([label for _, label in pairs])

    def __repr__(self) -> str:
        how = ", ".join(f"{k}={v!r}" for k, v in self._binning.items() if v is not None)
        return f"<EventFrames of {len(self)} recordings, size={self.size}, {how}>"


def sensor_size(dataset: Any) -> Any:
    """Return what a data set, or the one that it is a part of, says of its sensor; or None."""
    for _ in range(8):  # subsets and caches of tonic and PyTorch
        if (size := getattr(dataset, "sensor_size", None)) is not None:
            return tuple(size)
        dataset = getattr(dataset, "dataset", None)
    return None


def is_event_set(X: Any) -> bool:
    """Return whether samples are a data set of recordings, and no array or list of arrays."""
    if isinstance(X, EventFrames):
        return True
    listed = isinstance(X, (list, tuple)) or hasattr(X, "shape")
    return not listed and hasattr(X, "__getitem__") and sensor_size(X) is not None


def are_frames(events: Any) -> bool:
    """Return whether an item is an array of numbers over time and space, and no list of events."""
    shape, dtype = getattr(events, "shape", None), getattr(events, "dtype", None)
    if shape is None or getattr(dtype, "names", None) is not None or hasattr(events, "columns"):
        return False
    return len(shape) == 4


def check_one_length(bins: int | None) -> None:
    """Refuse recordings whose number of bins would be that of their length."""
    if bins is None:
        raise ArgumentValueError(
            "bins", "must be given, also with `window`: all samples of a data set have one length."
        )


def load_events(
    path: str | Path,
    *,
    size: Any = None,
    bins: int | None = None,
    window: float | None = None,
    start: float | None = None,
    pool: int = 1,
    camera: str | None = None,
    test_fraction: float = 0.25,
    seed: int = 0,
) -> Dataset:
    """Return a folder of recordings, one folder per class, as counts of events.

    Parameters
    ----------
    path : str or Path
        ``path/left/*.aedat4``, ``path/right/*.aedat4``; or ``path/train/left/...`` and
        ``path/test/left/...``. All formats of :func:`read_events`.
    size, bins, window, start
        See :func:`bin_events`; with `window`, `bins` is needed too: a data set has one length.
        If `size` is left out, an error says on how many pixels the first recording's events lie.
    pool : int
        See :class:`EventFrames`.
    camera : str, optional
        See :func:`read_events`.
    test_fraction : float
        Part of each class that is kept for the test, if there are no folders train and test.
    seed : int
        Seed of the draw of that part.

    Returns
    -------
    Dataset
        Samples (bins, polarities, height, width), labels the names of the folders.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If a folder does not exist, or a file in it is not a recording. The message names it.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> kind = [("x", int), ("y", int), ("t", int), ("p", int)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for i in range(8):
    ...         name = pathlib.Path(folder, ("left", "right")[i % 2], f"{i}.npy")
    ...         name.parent.mkdir(exist_ok=True)
    ...         np.save(name, np.array([(i, 2, 0, 1), (i, 2, 50, 0)], dtype=kind))
    ...     data = load_events(folder, size=(8, 6), bins=5)
    >>> print(len(data.x_train), len(data.x_test), data.x_train.shape, data.y_test)
    6 2 (6, 5, 2, 6, 8) ['left' 'right']
    """
    root = check_path("path", path)
    check_one_length(bins)
    rng = np.random.default_rng(check_seed("seed", seed))
    parts = {part: _part(root, part) for part in ("train", "test")}
    if all(parts.values()):
        chosen = [_files(folder) for folder in parts.values() if folder is not None]
    else:
        share = _fraction(test_fraction)
        chosen = _divided(_files(root), share, rng)
    arrays: list[Array] = []
    for pairs in chosen:
        frames = EventFrames(
            _Lazy(pairs, lambda file: read_events(file, camera=camera)),
            size=size,
            bins=bins,
            window=window,
            start=start,
            pool=pool,
        )
        arrays += frames.arrays()
    return data_set(arrays, root.name or str(root))


def data_set(arrays: list[Array], source: str) -> Dataset:
    x_train, y_train, x_test, y_test = arrays
    return Dataset(x_train, y_train, x_test, y_test, source)


class _Lazy(Sequence[Any]):
    """Recordings that are read when they are asked for."""

    def __init__(self, pairs: Sequence[tuple[Any, Any]], read: Callable[[Any], Array]) -> None:
        self._pairs, self._read = pairs, read

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: Any) -> Any:
        where, label = self._pairs[index]
        return self._read(where), label


def _part(root: Path, part: str) -> Path | None:
    """Return the folder of a part, whatever the case of its name."""
    if not root.is_dir():
        raise ArgumentFileNotFoundError("path", f"must name a folder, but {root} is not one.")
    return next((d for d in sorted(root.iterdir()) if d.is_dir() and d.name.lower() == part), None)


def _files(root: Path) -> list[tuple[Path, str]]:
    """Return the files of each class, and its name."""
    found = [
        (file, folder.name)
        for folder in sorted(root.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".")
    ]
    if not found:
        raise ArgumentFileNotFoundError(
            "path", f"must have a folder per class with recordings in it, but {root} has none."
        )
    return found


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise ArgumentValueError(
            "test_fraction", f"must be a number between 0 and 1, but got {describe(value)}."
        )
    return float(value)


def _divided(
    files: list[tuple[Path, str]], share: float, rng: np.random.Generator
) -> list[list[tuple[Path, str]]]:
    """Return files to train and to test, the same part of each class, at least one of each."""
    train, test = [], []
    for label in sorted({label for _, label in files}):
        own = [pair for pair in files if pair[1] == label]
        if len(own) < 2:
            raise ArgumentValueError(
                "path", f"must have two recordings or more of each class, but {label!r} has one."
            )
        order = rng.permutation(len(own))
        # At least one recording of each class on either side.
        n_test = min(max(round(share * len(own)), 1), len(own) - 1)
        test += [own[i] for i in sorted(order[:n_test])]
        train += [own[i] for i in sorted(order[n_test:])]
    return [train, test]
