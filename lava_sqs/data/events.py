"""Recordings of event cameras: files of N-MNIST, and counts of their events."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from lava_sqs._checks import (
    check_array,
    check_axes,
    check_bytes,
    check_flag,
    check_instance,
    check_int,
    check_number,
    check_path,
    check_positive,
    check_real,
    check_shape,
    describe,
    memory_limit,
)
from lava_sqs._errors import ArgumentFileNotFoundError, ArgumentTypeError, ArgumentValueError
from lava_sqs._files import TEXT, kind_of
from lava_sqs._seeds import check_seed
from lava_sqs.data.dataset import Dataset, check_declared, load_checked
from lava_sqs.data.recordings import as_events

__all__ = ["bin_events", "load_nmnist", "pool_events", "read_nmnist_events"]

Array = NDArray[Any]
_NMNIST_SIZE = 34
_WRAP, _WRAP_US = 240, 2**13  # y of an event that stands for a wrap of the clock


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
        If the file does not exist.
    TypeError, ValueError
        If the file is not such a recording: it has another format, its length is not a whole number
        of events, events lie outside the 34 x 34 pixels, or times go backwards. Also if *path* is
        not a path.

    Notes
    -----
    An event with y = 240 is not of a pixel, but a wrap of the clock: what follows is 8192
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
        raise ArgumentFileNotFoundError("path", f"must name a .bin file, but {file} is not one.")
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
    # The highest of 24 bits is the polarity; each wrap seen so far adds 2^13 us.
    times = ((high & 127) << 16 | middle << 8 | low) + _WRAP_US * wraps.cumsum()
    back = int((np.diff(times[~wraps]) < 0).sum())
    # Real recordings have a few events out of order; more than one in twenty is another format.
    if back > 10 + len(b) / 20:
        raise ValueError(
            f"The file {path} must hold events in the order of time, but {back} of {len(b)} are "
            f"earlier than the one before: it is {seems}, or damaged."
        )
    kept = ~wraps
    return x[kept].astype(int), y[kept].astype(int), high[kept] >> 7, times[kept]


# long: the checks of one argument after the other
def bin_events(
    events: Any = None,
    y: Any = None,
    polarity: Any = None,
    t_us: Any = None,
    *,
    size: Any = None,
    bins: int | None = None,
    window: float | None = None,
    start: float | None = None,
    unit: str | None = None,
    fields: str | None = None,
    sparse: bool | None = None,
    x: Any = None,
    n_steps: int | None = None,
    step_us: float | None = None,
) -> Any:
    """Return how many events of a recording fall into each bin of time.

    Parameters
    ----------
    events : structured array, mapping or DataFrame, shape (events,)
        Fields t, x, y and p (other usual names, such as timestamp or polarity, are understood), in
        any order; a sensor with one row needs no y, one without polarity no p. Or an array of
        shape (events, columns), whose columns `fields` names. Polarities are 0 and 1, -1 and 1 or
        False and True.
    y, polarity, t_us
        Deprecated: with `events`, the four arrays of N-MNIST.
    size : tuple of int
        The sensor, (width, height) or, as ``sensor_size`` of tonic, (width, height, polarities).
        With 1 polarity all events count alike.
    bins : int, optional
        How many bins. Without `window`, the recording is divided into bins of equal length.
    window : float, optional
        Length of a bin, in microseconds. Without `bins`, there are as many as the recording needs;
        with `bins`, later events are dropped.
    start : float, optional
        When the first bin begins, in microseconds; None is at the first event. Earlier events are
        dropped.
    unit : {"us", "ms", "s"}, optional
        Unit of the events' times. None reads integers as microseconds and floats as seconds; times
        with a unit of their own (``timedelta64``) keep it.
    fields : str, optional
        What the columns of a plain array are, for example ``"xytp"``.
    sparse : bool, optional
        Whether to return a sparse matrix. None: only if a dense array would not fit into half of
        the memory.
    x, n_steps, step_us
        Deprecated, as above: `events`, `bins` and `window`.

    Returns
    -------
    ndarray of unsigned int, shape (bins, polarities, height, width)
        Or a ``scipy.sparse.csr_array`` of shape (bins, polarities x height x width).

    Raises
    ------
    TypeError, ValueError
        If a field is missing, an event lies outside the sensor, a polarity or a time cannot be
        interpreted, or neither `bins` nor `window` is given.

    Examples
    --------
    >>> import numpy as np
    >>> events = np.array([(3, 5, 100, 1), (3, 5, 12_000, 0)],
    ...                   dtype=[("x", int), ("y", int), ("t", int), ("p", int)])
    >>> bin_events(events, size=(8, 6), bins=2, window=1e4).shape
    (2, 2, 6, 8)
    >>> seconds = {"t": [0.0, 0.2, 0.9], "x": [699, 0, 0]}  # of a cochlea: no y, no polarity
    >>> bin_events(seconds, size=(700,), bins=3).sum(axis=(1, 2, 3))
    array([2, 0, 1], dtype=uint64)
    """
    if any(value is not None for value in (y, polarity, t_us, x, n_steps, step_us)):
        warnings.warn(
            "bin_events(x, y, polarity, t_us, n_steps=, step_us=) is deprecated and will be gone "
            "in version 0.3.0: give a structured array, as read_events returns, with `size` and "
            "`bins` or `window`.",
            DeprecationWarning,
            stacklevel=2,
        )
        first = x if events is None else events
        steps, width = 32 if n_steps is None else n_steps, 1e4 if step_us is None else step_us
        return _nmnist_counts(first, y, polarity, t_us, n_steps=steps, step_us=width)
    times, columns = as_events(events, fields, unit)
    shape = _sensor(size, columns)
    if bins is None and window is None:
        raise ArgumentValueError("bins", "must be given, or `window`, the length of a bin.")
    if start is None:
        # Recordings rarely start at 0: clocks run since the camera was switched on.
        begin = float(times.min()) if times.size else 0.0
    else:
        begin = check_number("start", start)
    steps, when = _bins_of(times - begin, bins, window)
    kept = (when >= 0) & (when < steps)
    polarities, height, width = shape
    # One index per cell, x fastest: counting is then one bincount.
    where = columns["x"] + width * columns.get("y", np.int64(0))
    if polarities == 2 and "p" in columns:
        where = where + width * height * columns["p"]
    cells = polarities * height * width
    flags = sparse if sparse is None else check_flag("sparse", sparse)
    if flags is None:
        flags = 10.0 * steps * cells > memory_limit()
    if flags:
        at = (when[kept], where[kept])
        found = coo_array((np.ones(len(at[0]), np.int64), at), shape=(steps, cells))
        return found.tocsr()
    check_bytes("bins", 10.0 * steps * cells)
    counts = np.bincount(when[kept] * cells + where[kept], minlength=steps * cells)
    # The smallest type that holds the counts: most bins have a few events, and recordings are
    # large.
    small = counts.astype(np.min_scalar_type(int(counts.max())))
    return small.reshape(steps, polarities, height, width)


def _sensor(size: Any, columns: Mapping[str, Array]) -> tuple[int, int, int]:
    """Return polarities, height and width of a sensor that all events lie on."""
    seen = [int(columns[key].max()) + 1 for key in "xy" if key in columns and len(columns[key])]
    if size is None:
        raise ArgumentValueError(
            "size",
            "must be given, the sensor's (width, height)"
            + (f": the events lie on {' x '.join(map(str, seen))} pixels." if seen else "."),
        )
    axes = check_axes("size", size)
    if len(axes) > 3 or (len(axes) == 3 and axes[2] > 2):
        raise ArgumentValueError(
            "size",
            "must be (width, height) or (width, height, polarities) with 1 or 2 polarities, but "
            f"got {describe(size)}.",
        )
    width, height = axes[0], axes[1] if len(axes) > 1 else 1
    for key, bound in (("x", width), ("y", height)):
        outside = columns[key] >= bound if key in columns else np.zeros(0, dtype=bool)
        if outside.any():
            i = int(outside.argmax())
            raise ArgumentValueError(
                "size",
                f"must hold all events, but {int(outside.sum())} of {len(outside)} lie outside "
                f"{width} x {height} (width x height; event {i} at {key} = {columns[key][i]}).",
            )
    return (axes[2] if len(axes) == 3 else 2 if "p" in columns else 1), height, width


def _bins_of(since: Array, bins: int | None, window: float | None) -> tuple[int, Array]:
    """Return how many bins there are, and the bin of each time in microseconds since the first."""
    last = float(since.max()) if since.size else 0.0
    if window is None:
        steps = check_int("bins", bins, minimum=1)
        check_bytes("bins", 16.0 * steps)
        scaled = since * (steps / last) if last > 0 else since
        # The latest event lies on the end of the last bin, and belongs to it.
        whole = np.floor(scaled).astype(np.int64)
        return steps, np.where((whole == steps) & (since <= last), steps - 1, whole)
    length = check_positive("window", window)
    needed = max(last // length, 0.0) + 1
    steps = int(needed) if bins is None else check_int("bins", bins, minimum=1)
    check_bytes("window" if bins is None else "bins", 16.0 * (needed if bins is None else steps))
    return steps, np.clip(since // length, -1, steps).astype(np.int64)


def _nmnist_counts(
    x: Any, y: Any, polarity: Any, t_us: Any, *, n_steps: int, step_us: float
) -> Array:
    """Return counts (n_steps, 2, 34, 34) of a recording; what comes later is dropped."""
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
    """Return N-MNIST as event counts (n, n_steps, 2, 34, 34): uint8 (at most 255), or float32 sums.

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
        Seed of the draw.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        If the file or folder does not exist, or holds something else.

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
        d = load_checked(root, _check_counts)
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
            raise ArgumentFileNotFoundError(
                "path",
                f"must be an npz or a folder with {part}/0 .. {part}/9 of .bin files, but got "
                f"{describe(str(root))}.",
            )
        chosen = rng.permutation(len(files))[: len(files) if wanted is None else wanted]
        # Drawn at random, read in order: labels come class by class, as without a draw.
        picked = [files[i] for i in sorted(chosen)]
        binned = (
            _nmnist_counts(*read_nmnist_events(f), n_steps=n_steps, step_us=step_us) for f in picked
        )
        parts.append(np.concatenate([summed(counts[None]) for counts in binned]))
        parts.append(np.array([int(f.parent.name) for f in picked]))
    x_train, y_train, x_test, y_test = parts
    return Dataset(x_train, y_train, x_test, y_test, "N-MNIST")


def _check_counts(declared: Mapping[str, Any]) -> None:
    check_declared(declared)
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
        See :func:`load_nmnist`. The picture is padded with zeros on both sides until its size
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
    # Python's modulo: what is missing to the next multiple.
    lacking = [-size % k for size in x.shape[3:]]
    x = np.pad(x, [(0, 0)] * 3 + [(n // 2, n - n // 2) for n in lacking])
    n, steps, polarities, height, width = x.shape
    x = x[:, : steps // t * t]
    shape = (n, steps // t, t, polarities, height // k, k, width // k, k)
    return np.asarray(x.reshape(shape).sum(axis=(2, 5, 7), dtype=np.float32))
