"""Real data: bundled, fetched from its public home, or read from a file the user names.

Nothing is kept in the repository. Files are read without pickle.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import _seeds
from lava_sqs._checks import (
    check_array,
    check_bytes,
    check_instance,
    check_int,
    check_path,
    check_positive,
    check_real,
    check_seed,
    check_shape,
    check_text,
    describe,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._files import TEXT, kind_of
from lava_sqs._npz import Declared, read_arrays, write_arrays

__all__ = [
    "Dataset",
    "bin_events",
    "load_digits",
    "load_japanese_vowels",
    "load_mnist",
    "load_nmnist",
    "load_npz",
    "load_santa_fe",
    "load_usps",
    "pool_events",
    "read_nmnist_events",
]

Array = NDArray[Any]
_KEYS = ("x_train", "y_train", "x_test", "y_test")
_LONGEST_LABEL = 2**16  # bytes
_NMNIST_SIZE = 34
_WRAP, _WRAP_US = 240, 2**13  # y of an event that stands for a wrap of the clock


@dataclass(frozen=True)
class Dataset:
    """Training and test data, with where they come from.

    Attributes
    ----------
    x_train, x_test : ndarray, shape (n, ...)
        Samples.
    y_train, y_test : ndarray, shape (n,)
        Labels.
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
        _check_declared({key: getattr(self, key) for key in _KEYS})
        for key in _KEYS:
            if (array := getattr(self, key)).dtype.kind == "f":
                check_real(key, array, dtype=array.dtype)

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


def _check_declared(arrays: Mapping[str, Any]) -> None:
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
        No such file; no npz; a missing or pickled array.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_digits().classes(0, 1).save(f"{folder}/digits.npz")
    ...     print(load_npz(f"{folder}/digits.npz"))
    digits.npz: 269 train, 91 test, samples of shape (8, 8) (uint8), 2 classes
    """
    return _load(path, _check_declared)


def _load(path: str | Path, check: Callable[[Mapping[str, Any]], None]) -> Dataset:
    """Return the data set of a file whose declared shapes and types pass a check."""
    arrays = _read(path, _KEYS, check)
    with _data_set_of(path):
        return Dataset(**arrays, source=Path(path).name)


@contextmanager
def _data_set_of(path: str | Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"The file {path} holds no data set. {error}") from error


def _read(
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


def load_digits(*, test_fraction: float = 0.25, seed: int = 0) -> Dataset:
    """Return scikit-learn's bundled 8x8 digits as uint8 images from 0 to 255.

    Parameters
    ----------
    test_fraction : float
        Share of test samples, above 0 and below 1.
    seed : int
        Of the split, which keeps the shares of the classes.

    Returns
    -------
    Dataset
        Samples of shape (8, 8), labels 0 to 9.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> print(load_digits())
    scikit-learn digits: 1347 train, 450 test, samples of shape (8, 8) (uint8), 10 classes

    References
    ----------
    UCI Machine Learning Repository, Optical Recognition of Handwritten Digits.
    """
    from sklearn.datasets import load_digits as bundled
    from sklearn.model_selection import train_test_split

    fraction = check_positive("test_fraction", test_fraction, below=1.0)
    seed = check_seed("seed", seed)
    if seed >= 2**32:  # more than scikit-learn takes
        seed = _seeds.of_sequence(np.random.SeedSequence(seed))
    X, y = bundled(return_X_y=True)
    if min(fraction, 1 - fraction) * len(y) < 20:
        raise ArgumentValueError(
            "test_fraction",
            "must leave two samples of each digit in either part, but "
            f"got {test_fraction}: one of them would have fewer than 20 of {len(y)}.",
        )
    images = np.round(X.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    x_train, x_test, y_train, y_test = train_test_split(
        images, y, test_size=fraction, random_state=seed, stratify=y
    )
    return Dataset(x_train, y_train, x_test, y_test, "scikit-learn digits")


def load_usps(path: str | Path | None = None, *, cache: str | Path | None = None) -> Dataset:
    """Return USPS digits, 7291 + 2007 images of 16x16 (uint8), labels 0 to 9.

    Parameters
    ----------
    path : str or Path, optional
        An npz as of :func:`load_npz`. None fetches the data from OpenML (41082) once.
    cache : str or Path, optional
        Where scikit-learn keeps what it fetched; None is its own default.

    Returns
    -------
    Dataset

    Raises
    ------
    ConnectionError
        If OpenML cannot be reached and nothing is in the cache.

    Examples
    --------
    >>> data = load_usps()  # doctest: +SKIP
    >>> print(data.classes(1, 7))  # doctest: +SKIP
    USPS (OpenML 41082): 1650 train, 411 test, samples of shape (16, 16) (uint8), 2 classes

    References
    ----------
    Hull, IEEE Trans. Pattern Anal. Mach. Intell. 16, 550 (1994).
    """
    if path is not None:
        return load_npz(path)
    X, y = _openml(41082, "USPS", cache)
    images = np.round((X.astype(float) + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return _split(images.reshape(-1, 16, 16), y.astype(int) - 1, 7291, "USPS (OpenML 41082)")


def load_mnist(path: str | Path | None = None, *, cache: str | Path | None = None) -> Dataset:
    """Return MNIST digits, 60000 + 10000 images of 28x28 (uint8); otherwise as :func:`load_usps`.

    Parameters
    ----------
    path : str or Path, optional
        An npz as of :func:`load_npz`. None fetches the data from OpenML (554) once.
    cache : str or Path, optional
        Where scikit-learn keeps what it fetched; None is its own default.

    Returns
    -------
    Dataset

    Examples
    --------
    >>> load_mnist().x_train.shape  # doctest: +SKIP
    (60000, 28, 28)

    References
    ----------
    LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86, 2278 (1998).
    """
    if path is not None:
        return load_npz(path)
    X, y = _openml(554, "MNIST", cache)
    images = X.astype(np.uint8).reshape(-1, 28, 28)
    return _split(images, y.astype(int), 60000, "MNIST (OpenML 554)")


def _split(X: Array, y: Array, n_train: int, source: str) -> Dataset:
    return Dataset(X[:n_train], y[:n_train], X[n_train:], y[n_train:], source)


def _openml(data_id: int, name: str, cache: str | Path | None) -> tuple[Array, Array]:
    from sklearn.datasets import fetch_openml

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A network error occurred")  # the error below says it
            X, y = fetch_openml(
                data_id=data_id,
                return_X_y=True,
                as_frame=False,
                data_home=cache,
                parser="liac-arff",
            )
    except OSError as error:  # URLError, HTTPError, timeouts: all of them
        reason = getattr(error, "reason", error)
        raise ConnectionError(
            f"{name} could not be fetched from OpenML (data set {data_id}): {reason}. Without a "
            "network, give a copy as argument `path`: an npz with x_train, y_train, x_test and "
            "y_test."
        ) from error
    return X, y


def read_nmnist_events(path: str | Path) -> tuple[Array, Array, Array, Array]:
    """Return x, y, polarity and time (in microseconds) of the events of one N-MNIST ``.bin``.

    Five bytes per event: x, y, then one bit of polarity and 23 bits of time, big endian.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    x, y : ndarray of int, shape (events,)
        Pixel, 0 to 33.
    polarity : ndarray of int, shape (events,)
        1 brighter, 0 darker.
    t_us : ndarray of int, shape (events,)
        Microseconds since the recording began.

    Raises
    ------
    FileNotFoundError
        If there is none.
    TypeError, ValueError
        If it is no such recording: of another kind, not a whole number of events long, with events
        beside the 34 x 34 pixels, or with times that do not go forward. Or if *path* is no path.

    Notes
    -----
    An event with y = 240 is none of a pixel, but a wrap of the clock: what follows is 8192
    microseconds later.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "one.bin")
    ...     _ = file.write_bytes(bytes([3, 4, 0b10000000, 1, 0]))
    ...     [int(values[0]) for values in read_nmnist_events(file)]
    [3, 4, 1, 256]

    References
    ----------
    Orchard, Jayawant, Cohen, Thakor, Front. Neurosci. 9:437 (2015).
    """
    file = check_path("path", path)
    if not file.is_file():
        raise FileNotFoundError(f"Argument `path` must name a .bin file, but {file} is none.")
    kind, size = kind_of(file), file.stat().st_size
    if kind not in (None, TEXT):
        raise ValueError(f"The file {path} must be an N-MNIST recording (.bin), but it is {kind}.")
    seems = "a recording of another camera, or another format" if kind is None else kind
    if size % 5:
        raise ValueError(
            f"The file {path} must hold 5 bytes per event, but has {size} bytes: it is {seems}."
        )
    check_bytes("path", 10.0 * size)
    b = np.fromfile(file, dtype=np.uint8).reshape(-1, 5)
    x, y, wraps = b[:, 0], b[:, 1], b[:, 1] == _WRAP
    outside = ((x >= _NMNIST_SIZE) | (y >= _NMNIST_SIZE)) & ~wraps
    if outside.any():
        first = int(outside.argmax())
        raise ValueError(
            f"The file {path} must hold events of {_NMNIST_SIZE} x {_NMNIST_SIZE} pixels, as "
            f"N-MNIST does, but {outside.sum()} of {len(b)} events lie outside (event {first} at "
            f"x = {x[first]}, y = {y[first]}): it is {seems}."
        )
    high, middle, low = b[:, 2:].astype(np.int64).T
    times = ((high & 127) << 16 | middle << 8 | low) + _WRAP_US * wraps.cumsum()
    back = int((np.diff(times[~wraps]) < 0).sum())
    if back > 10 + len(b) / 20:
        raise ValueError(
            f"The file {path} must hold events in the order of time, but {back} of {len(b)} are "
            f"earlier than the one before: it is {seems}, or damaged."
        )
    kept = ~wraps
    return x[kept].astype(int), y[kept].astype(int), high[kept] >> 7, times[kept]


def bin_events(
    x: Array, y: Array, polarity: Array, t_us: Array, *, n_steps: int = 32, step_us: float = 1e4
) -> Array:
    """Return how many events fall into each bin of time; later events are dropped.

    Parameters
    ----------
    x, y, polarity, t_us : ndarray of int, shape (events,)
        As of :func:`read_nmnist_events`.
    n_steps : int
        Number of bins.
    step_us : float
        Their length, in microseconds.

    Returns
    -------
    ndarray of uint8, shape (n_steps, 2, 34, 34)
        Axes time, polarity, y, x.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> import numpy as np
    >>> one, three = np.array([3, 3]), np.array([0, 12_000])
    >>> counts = bin_events(one, one, np.array([1, 1]), three, n_steps=2, step_us=1e4)
    >>> counts[:, 1, 3, 3]
    array([1, 1], dtype=uint8)
    """
    steps = check_int("n_steps", n_steps, minimum=1)
    check_bytes("n_steps", 16.0 * steps * _NMNIST_SIZE**2)
    width = check_positive("step_us", step_us)
    n = check_real("t_us", t_us).size
    x, y = (_whole_numbers(k, v, n, _NMNIST_SIZE) for k, v in (("x", x), ("y", y)))
    polarity, times = _whole_numbers("polarity", polarity, n, 2), _whole_numbers("t_us", t_us, n)
    early = times < steps * width
    when = np.minimum(times[early] // width, steps - 1).astype(int)
    counts = np.zeros((steps, 2, _NMNIST_SIZE, _NMNIST_SIZE), dtype=np.int64)
    np.add.at(counts, (when, polarity[early], y[early], x[early]), 1)
    return counts.clip(0, 255).astype(np.uint8)


def _whole_numbers(name: str, value: Any, n: int, below: int | None = None) -> Array:
    """Return n integers from 0, below a bound."""
    array = check_shape(name, check_real(name, value), (n,))
    if (array < 0).any() or (array % 1).any() or (below is not None and (array >= below).any()):
        bound = "0 or more" if below is None else f"from 0 to {below - 1}"
        raise ArgumentValueError(name, f"must hold integers, {bound}.")
    return array.astype(np.int64)


def load_nmnist(
    path: str | Path,
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    n_steps: int = 32,
    step_us: float = 1e4,
    merge: int = 1,
    pool: int = 1,
    seed: int = 0,
) -> Dataset:
    """Return N-MNIST as event counts (n, n_steps, 2, 34, 34): uint8, float32 where summed.

    Parameters
    ----------
    path : str or Path
        The unpacked data set (folders ``Train/0 .. Test/9`` of ``.bin`` files), or an npz that
        holds such counts.
    n_train, n_test : int, optional
        Samples to draw; None is all. From an npz the first ones.
    n_steps, step_us : int, float
        Bins and their length in microseconds; of the ``.bin`` files only.
    merge, pool : int
        Bins, and pixels in both directions, that are summed into one: see :func:`pool_events`.
    seed : int
        Of the draw.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        No such file or folder, or one that holds something else.

    Examples
    --------
    >>> data = load_nmnist("N-MNIST", n_train=1000, n_test=100)  # doctest: +SKIP
    >>> data.x_train.shape  # doctest: +SKIP
    (1000, 32, 2, 34, 34)

    References
    ----------
    Orchard, Jayawant, Cohen, Thakor, Front. Neurosci. 9:437 (2015).
    """
    root = check_path("path", path)
    n_train, n_test = (
        None if value is None else check_int(key, value, minimum=1)
        for key, value in (("n_train", n_train), ("n_test", n_test))
    )
    check_int("n_steps", n_steps, minimum=1)
    check_positive("step_us", step_us)
    check_int("merge", merge, minimum=1)
    check_int("pool", pool, minimum=1)

    def summed(counts: Array) -> Array:
        return counts if merge == pool == 1 else pool_events(counts, time=merge, space=pool)

    if root.is_file():
        d = _load(root, _check_counts)
        return Dataset(
            summed(d.x_train[:n_train]),
            d.y_train[:n_train],
            summed(d.x_test[:n_test]),
            d.y_test[:n_test],
            d.source,
        )
    rng = np.random.default_rng(check_seed("seed", seed))
    parts: list[Array] = []
    for part, wanted in (("Train", n_train), ("Test", n_test)):
        files = sorted(root.glob(f"{part}/[0-9]/*.bin"))
        if not files:
            raise FileNotFoundError(
                f"Argument `path` must be an npz or a folder with {part}/0 .. {part}/9 of .bin "
                f"files, but got {describe(str(root))}."
            )
        chosen = rng.permutation(len(files))[: len(files) if wanted is None else wanted]
        picked = [files[i] for i in sorted(chosen)]
        binned = (
            bin_events(*read_nmnist_events(f), n_steps=n_steps, step_us=step_us) for f in picked
        )
        parts.append(np.concatenate([summed(counts[None]) for counts in binned]))
        parts.append(np.array([int(f.parent.name) for f in picked]))
    x_train, y_train, x_test, y_test = parts
    return Dataset(x_train, y_train, x_test, y_test, "N-MNIST")


def _check_counts(declared: Mapping[str, Any]) -> None:
    _check_declared(declared)
    if declared["x_train"].ndim != 5:
        raise ValueError(
            "Counts of events must have shape (n, T, polarities, y, x), but x_train has shape "
            f"{declared['x_train'].shape}."
        )


def pool_events(counts: Any, *, time: int = 1, space: int = 1) -> Array:
    """Return counts of events summed over neighbouring bins and pixels.

    Parameters
    ----------
    counts : array_like, shape (n, T, P, H, W)
        As of :func:`load_nmnist`. The picture is padded with zeros on both sides until its size
        divides; bins that are left over at the end are dropped.
    time : int
        Bins that become one.
    space : int
        Pixels, in both directions, that become one.

    Returns
    -------
    ndarray of float32, shape (n, T / time, P, H / space, W / space)

    Raises
    ------
    ValueError
        If there are fewer than *time* bins.

    Examples
    --------
    >>> pool_events(np.ones((1, 9, 2, 34, 34)), time=4, space=3).shape
    (1, 2, 2, 12, 12)
    """
    x = check_array("counts", check_instance("counts", counts, np.ndarray, list, tuple))
    check_shape("counts", x, ("n", "T", "P", "H", "W"))
    if x.dtype.kind not in "biuf" or not x.size:
        raise ArgumentTypeError("counts", f"must hold numbers, but got {describe(x)}.")
    t = check_int("time", time, minimum=1)
    k = check_int("space", space, minimum=1, maximum=max(x.shape[3:]))
    if x.shape[1] < t:
        raise ArgumentValueError("time", f"must be at most {x.shape[1]}, all bins, but got {t}.")
    lacking = [-size % k for size in x.shape[3:]]
    x = np.pad(x, [(0, 0)] * 3 + [(n // 2, n - n // 2) for n in lacking])
    n, steps, polarities, height, width = x.shape
    x = x[:, : steps // t * t]
    shape = (n, steps // t, t, polarities, height // k, k, width // k, k)
    return np.asarray(x.reshape(shape).sum(axis=(2, 5, 7), dtype=np.float32))


def load_japanese_vowels(path: str | Path) -> Dataset:
    """Return the Japanese vowels as sequences (n, T, 12) of 9 speakers, zero padded.

    Parameters
    ----------
    path : str or Path
        The folder of the published files (``ae.train``, ``ae.test``, ``size_ae.train``,
        ``size_ae.test``), or an npz with samples of shape (T, 12) or (12, T): one of the axes is
        the 12 coefficients, and T is the other.

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
    if root.is_dir():
        train, test = (_utterances(root, part) for part in ("train", "test"))
        longest = max(len(u) for u in (*train[0], *test[0]))
        x_train, x_test = (
            np.stack([np.pad(u, ((0, longest - len(u)), (0, 0))) for u in x])
            for x, _ in (train, test)
        )
        return Dataset(x_train, train[1], x_test, test[1], "Japanese vowels")
    d = _load(root, _check_vowels)
    turn = d.x_train.shape[1] == 12
    x_train, x_test = (
        np.ascontiguousarray(x.transpose(0, 2, 1) if turn else x) for x in (d.x_train, d.x_test)
    )
    return Dataset(x_train, d.y_train, x_test, d.y_test, "Japanese vowels")


def _check_vowels(declared: Mapping[str, Any]) -> None:
    _check_declared(declared)
    shape = declared["x_train"].shape[1:]
    if len(shape) != 2 or shape.count(12) != 1:
        which = "which of the two is time cannot be told" if shape == (12, 12) else "they have none"
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
        No such file, or a series that is too short.

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

    series = _read(path, ("series",), long_enough)["series"]
    check_real("series", series)
    shown = np.lib.stride_tricks.sliding_window_view(series, n)[:-1, :, None]
    rises = (series[n:] > series[n - 1 : -1]).astype(int)
    last_train = 1000 - n
    return Dataset(
        np.ascontiguousarray(shown[:last_train]),
        rises[:last_train],
        np.ascontiguousarray(shown[1000:]),
        rises[1000:],
        "Santa Fe laser",
    )
