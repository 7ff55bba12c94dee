"""Published data sets of events: spoken digits and commands, gestures."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int, check_path
from lava_sqs._errors import ArgumentFileNotFoundError
from lava_sqs._files import kind_of
from lava_sqs._seeds import check_seed
from lava_sqs.data.dataset import Dataset
from lava_sqs.data.event_files import needs, read_events
from lava_sqs.data.event_sets import EventFrames, check_one_length, data_set
from lava_sqs.data.events import bin_events

__all__ = ["load_dvs_gesture", "load_shd"]

Array = NDArray[Any]


def load_shd(
    path: str | Path,
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    bins: int | None = 100,
    window: float | None = None,
    pool: int = 1,
    seed: int = 0,
) -> Dataset:
    """Return the Spiking Heidelberg Digits, or Spiking Speech Commands, as counts of spikes.

    Parameters
    ----------
    path : str or Path
        The folder with ``shd_train.h5`` and ``shd_test.h5`` (or ``ssc_train.h5`` and
        ``ssc_test.h5``), as published.
    n_train, n_test : int, optional
        Samples to draw; None is all.
    bins, window
        See :func:`bin_events`, from the beginning of a recording. A bin has `window` microseconds;
        what comes after the last bin is left out (a sample of SHD lasts up to 1.4 s). Without
        `window` each recording is divided by its own length, so that time runs differently in each.
    pool : int
        Neighbouring units, of 700, that are summed into one.
    seed : int
        Seed of the draw.

    Returns
    -------
    Dataset
        Samples (bins, units), labels 0 to 19, or 0 to 34.

    Raises
    ------
    FileNotFoundError, ModuleNotFoundError, TypeError, ValueError
        If a file is missing or holds something else, or h5py is not installed.

    Examples
    --------
    >>> data = load_shd("hdspikes", n_train=500, n_test=100, pool=10)  # doctest: +SKIP
    >>> data.x_train.shape  # doctest: +SKIP
    (500, 100, 70)

    References
    ----------
    Cramer, Stradmann, Schemmel, Zenke, IEEE TNNLS 33, 2744 (2022).
    """
    root = check_path("path", path)
    check_one_length(bins)
    arrays: list[Array] = []
    merge = check_int("pool", pool, minimum=1, maximum=700)
    rng = np.random.default_rng(check_seed("seed", seed))
    if not root.is_dir():
        raise ArgumentFileNotFoundError("path", f"must name a folder, but {root} is not one.")
    for part, wanted in (("train", n_train), ("test", n_test)):
        file = next((f for n in ("shd", "ssc") if (f := root / f"{n}_{part}.h5").is_file()), None)
        if file is None:
            raise ArgumentFileNotFoundError(
                "path",
                f"must hold shd_{part}.h5 or ssc_{part}.h5, but {root} has neither. Unpack the "
                "files of the data set first.",
            )
        if not (kind_of(file) or "").startswith("an HDF5 file"):
            raise ValueError(f"The file {file} must be HDF5, but it is {kind_of(file)}.")
        with needs("h5py").File(file, "r") as found:
            if lacking := [k for k in ("labels", "spikes/times", "spikes/units") if k not in found]:
                raise ValueError(f"The file {file} must have {', '.join(lacking)}, but does not.")
            labels = np.asarray(found["labels"], dtype=np.int64)
            picked = _drawn(f"n_{part}", wanted, len(labels), rng)
            times, units = found["spikes/times"], found["spikes/units"]
            spikes = [{"t": times[i].astype(float), "x": units[i]} for i in picked]
        rows = [
            bin_events(s, size=(700,), bins=bins, window=window, start=0.0, unit="s")[:, 0, 0]
            for s in spikes
        ]
        x = np.stack(rows)
        lacking_units = -x.shape[2] % merge
        # Silent units make the last group whole; 700 has few divisors.
        x = np.pad(x, ((0, 0), (0, 0), (0, lacking_units)))
        arrays += [x.reshape(*x.shape[:2], -1, merge).sum(axis=3), labels[picked]]
    return data_set(arrays, root.name)


def _drawn(name: str, wanted: int | None, n: int, rng: np.random.Generator) -> list[int]:
    """Return which samples are drawn, in order."""
    order = rng.permutation(n)
    take = n if wanted is None else check_int(name, wanted, minimum=1)
    return sorted(int(i) for i in order[:take])


def load_dvs_gesture(
    path: str | Path,
    *,
    bins: int | None = 32,
    window: float | None = None,
    pool: int = 4,
) -> Dataset:
    """Return IBM's DVS Gesture as counts of events.

    Parameters
    ----------
    path : str or Path
        The folder as published: ``trials_to_train.txt``, ``trials_to_test.txt``, and a recording
        (AEDAT 3.1) and a ``..._labels.csv`` of each trial.
    bins, window
        See :func:`bin_events`.
    pool : int
        Pixels of 128, in both directions, that are summed into one.

    Returns
    -------
    Dataset
        Samples (bins, 2, 128 / pool, 128 / pool); labels 1 to 11, as published.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or holds something else.

    Examples
    --------
    >>> data = load_dvs_gesture("DvsGesture", bins=20)  # doctest: +SKIP
    >>> data.x_train.shape  # doctest: +SKIP
    (1077, 20, 2, 32, 32)

    References
    ----------
    Amir et al., CVPR (2017), 7388.
    """
    root = check_path("path", path)
    check_one_length(bins)
    arrays: list[Array] = []
    for part in ("train", "test"):
        trials = root / f"trials_to_{part}.txt"
        if not trials.is_file():
            raise ArgumentFileNotFoundError(
                "path", f"must hold {trials.name}, but {root} does not."
            )
        pairs: list[tuple[Array, int]] = []
        for name in filter(None, map(str.strip, trials.read_text(encoding="utf-8").splitlines())):
            pairs += _gestures(root / name)
        frames = EventFrames(pairs, size=(128, 128, 2), bins=bins, window=window, pool=pool)
        arrays += frames.arrays()
    return data_set(arrays, "DVS Gesture")


def _gestures(recording: Path) -> list[tuple[Array, int]]:
    """Return the events of each gesture of a trial, and its class."""
    labels = recording.with_name(f"{recording.stem}_labels.csv")
    for file in (recording, labels):
        if not file.is_file():
            raise ArgumentFileNotFoundError("path", f"must hold {file.name}, but does not.")
    events, found = read_events(recording), []
    with open(labels, newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            try:
                label, begin, end = (
                    int(row[key]) for key in ("class", "startTime_usec", "endTime_usec")
                )
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"The file {labels} must have columns class, startTime_usec and endTime_usec "
                    "of integers."
                ) from error
            # A trial is one recording of all gestures in a row; the labels say when each of them
            # lasts.
            kept = (events["t"] >= begin) & (events["t"] < end)
            found.append((events[kept], label))
    return found
