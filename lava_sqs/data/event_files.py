"""Files of event cameras, each read by the library of its format where one reads it right.

AEDAT 4, Prophesee's RAW (EVT 2 and 3) and DAT, and ES are read by faery, HDF5 by h5py. AEDAT 2 and
3.1 are read here: the readers of tonic 1.7 fail (``read_dvs_ibm`` expects another header function)
and count packets that are no events, evlib 0.13 finds no events, and faery knows neither.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lava_sqs._checks import check_bytes, check_choice, check_path
from lava_sqs._errors import ArgumentFileNotFoundError, ArgumentValueError
from lava_sqs._files import TEXT, ZIP, kind_of
from lava_sqs._npz import read_arrays
from lava_sqs.data.events import read_nmnist_events
from lava_sqs.data.recordings import as_events, structured

__all__ = ["read_events"]

Array = NDArray[Any]

#: Address of AEDAT 2: shifts and masks of x and y, bit of polarity, its value for brighter, and
#: the bits of what is no event (external triggers, frames, the inertial sensor). The DVS128 writes
#: 0 for brighter: jAER's extractor and libcaer's driver both invert the bit, although the page on
#: AEDAT 1 by the camera's maker says that 1 is brighter.
_CAMERAS: dict[str, tuple[int, int, int, int, int, int, int]] = {
    "DVS128": (1, 0x7F, 8, 0x7F, 0, 0, 1 << 15),
    "DAVIS": (12, 0x3FF, 22, 0x1FF, 11, 1, 1 << 31 | 1 << 10),
}
_POLARITY_PACKET = 1  # of AEDAT 3.1


def needs(package: str) -> Any:
    """Return a package of the extra `events`, or say how to install it."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Reading this file needs {package}: install the extra `events`, "
            "pip install 'lava-sqs[events]'.",
            name=package,
        ) from error


def read_events(path: str | Path, *, camera: str | None = None) -> Array:
    """Return the events of a recording as a structured array, whatever its format.

    ======================================  =====================================================
    file                                    notes
    ======================================  =====================================================
    AEDAT 4 (.aedat4), EVT 2 and 3 (.raw),  by faery (extra `events`)
    DAT (.dat), ES (.es)
    AEDAT 3.1, AEDAT 2 (.aedat)             valid polarity events only; see `camera`
    HDF5 (.h5, .hdf5)                       by h5py (extra `events`): datasets or one compound
                                            dataset, at the top, in ``events`` or in ``CD/events``
    N-MNIST, N-Caltech101's format (.bin)   34 x 34 pixels
    NumPy (.npy, .npz)                      a structured array, or arrays t, x, y, p
    text (.csv, .txt)                       with a first line that names the columns
    ======================================  =====================================================

    Parameters
    ----------
    path : str or Path
        The file.
    camera : {"DVS128", "DAVIS"}, optional
        What an address of AEDAT 2 means; None is what the file's header says.

    Returns
    -------
    structured array of t (int64, microseconds), x, y (uint16) and p (bool)
        In the order of the file; p is True where a pixel became brighter. As
        :func:`~lava_sqs.data.bin_events` takes them.

    Raises
    ------
    FileNotFoundError, ModuleNotFoundError
        If there is no such file, or the library that reads it is not installed.
    TypeError, ValueError
        If the file is not such a recording. The message says what it is.

    Notes
    -----
    Addresses are not mirrored: the origin is where the camera has it. (jAER counts x of a DVS128
    from the other side, and y from below.) A DVS128 writes 0 for brighter; p is inverted then.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> events = np.array([(3, 5, 100, 1)], dtype=[("x", int), ("y", int), ("t", int), ("p", int)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/one.npy", events)
    ...     print(read_events(f"{folder}/one.npy"))
    [(100, 3, 5,  True)]
    """
    file = check_path("path", path)
    if camera is not None:
        check_choice("camera", camera, _CAMERAS)
    if not file.is_file():
        raise ArgumentFileNotFoundError("path", f"must name a file, but {file} is not one.")
    kind = kind_of(file)
    check_bytes("path", 10.0 * file.stat().st_size)
    try:
        return _reader(file, kind, camera)(file)
    except (ValueError, TypeError, ModuleNotFoundError):
        raise
    except (OSError, RuntimeError, KeyError, EOFError) as error:  # of the libraries
        seems = f" It is {kind}." if kind else ""
        raise ValueError(f"The file {file} could not be read as events: {error}.{seems}") from error


def _reader(file: Path, kind: str | None, camera: str | None) -> Callable[[Path], Array]:
    """Return what reads a file that begins as it does."""
    if kind == "an AEDAT 2 recording":
        return lambda path: _aedat2(path, camera)
    suffix = file.suffix.lower()
    readers: dict[str | None, Callable[[Path], Array]] = {
        "an AEDAT 3 recording": _aedat3,
        "an AEDAT 4 recording": lambda path: _by_faery(path, "aedat"),
        "an event recording of Prophesee (RAW or DAT)": lambda path: _by_faery(
            path, "dat" if suffix == ".dat" else "evt"
        ),
        "an ES recording": lambda path: _by_faery(path, "es"),
        "a single array (npy)": _npy,
        ZIP: _npz,
        TEXT: _text,
    }
    if kind is not None and kind.startswith("an HDF5 file"):
        return _hdf5
    if kind in readers:
        return readers[kind]
    if kind is None and suffix == ".bin":
        return lambda path: structured(*_txyp(*read_nmnist_events(path)))
    raise ValueError(
        f"The file {file} must be a recording of events (AEDAT 2, 3.1 or 4, EVT, DAT, ES, HDF5, "
        f"npy, npz, CSV, or N-MNIST's .bin), but it is {kind or 'of no format known here'}."
    )


def _txyp(x: Array, y: Array, p: Array, t: Array) -> tuple[Array, Array, Array, Array]:
    return t, x, y, p


def _of_fields(found: Any, path: Path, unit: str | None = None) -> Array:
    """Return the events of fields under any of their names."""
    try:
        times, columns = as_events(found, None, unit)
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"The file {path} holds no events. {error}") from error
    none = np.zeros(len(times), np.int64)
    if columns["x"].size and max(c.max() for c in columns.values()) >= 2**16:
        raise ValueError(f"The file {path} must hold pixels below 65536, but has larger ones.")
    return structured(np.round(times), columns["x"], columns.get("y", none), columns.get("p", 1))


def _by_faery(path: Path, kind: str) -> Array:
    faery = needs("faery")
    found = faery.events_stream_from_file(path, file_type=kind).to_array()
    return structured(found["t"], found["x"], found["y"], found["p"])


def _npy(path: Path) -> Array:
    with open(path, "rb") as stream:
        found = npy.read_array(stream, allow_pickle=False)
    if found.dtype.names is None:
        raise TypeError(
            f"The file {path} must hold a structured array with fields t, x, y and p, but holds "
            f"an array of shape {found.shape} and dtype {found.dtype}: give it to bin_events with "
            "`fields`, which says what its columns are."
        )
    return _of_fields(found, path)


def _npz(path: Path) -> Array:
    names = read_arrays(path, what="an npz file", keys=())[1]
    known = [
        name for name in names if name.lower() in ("t", "ts", "x", "y", "p", "pol", "polarity")
    ]
    return _of_fields(read_arrays(path, what="an npz file", keys=tuple(known))[0], path)


def _text(path: Path) -> Array:
    with open(path, encoding="utf-8") as lines:
        head = lines.readline().lstrip("#")
    separator = next((c for c in ",;\t" if c in head), None)
    names = [name.strip() for name in head.split(separator)]
    if any(re.fullmatch(r"[-+0-9.eE]*", name) for name in names):
        raise ValueError(
            f"The file {path} is text and must name its columns in the first line, such as "
            f"'t,x,y,p', but begins with {head.strip()[:60]!r}."
        )
    try:
        rows = np.genfromtxt(
            path, delimiter=separator, skip_header=1, dtype=None, encoding="utf-8", names=names
        )
    except ValueError as error:
        raise ValueError(f"The file {path} must be a table of events: {error}") from error
    return _of_fields(np.atleast_1d(rows), path)


def _hdf5(path: Path) -> Array:
    h5py = needs("h5py")
    with h5py.File(path, "r") as file:
        for name in ("events", "CD/events", "/"):
            found = file.get(name)
            if isinstance(found, h5py.Dataset) and found.dtype.names:
                return _of_fields(found[()], path)
            if isinstance(found, h5py.Group):
                columns = {
                    key: value[()]
                    for key, value in found.items()
                    if isinstance(value, h5py.Dataset) and value.ndim == 1
                }
                if {"x", "t"} <= {str(key)[:1].lower() for key in columns}:
                    return _of_fields(columns, path)
        shd = "spikes" in file and "labels" in file
        raise ValueError(
            f"The file {path} must hold events (datasets t, x, y and p, or one compound dataset), "
            f"but has {', '.join(file) or 'nothing'}"
            + (": it is a data set of spike trains, which load_shd reads." if shd else ".")
        )


def _header(path: Path) -> tuple[str, bytes]:
    """Return the lines of comments that an AEDAT file begins with, and what follows them."""
    data = path.read_bytes()
    start = 0
    while data[start : start + 1] == b"#":
        end = data.find(b"\n", start)
        if end < 0:
            return data.decode("latin-1"), b""
        line = data[start : end + 1].decode("latin-1").strip()
        if not line.isprintable():
            break  # an event may begin with the byte of "#"
        start = end + 1
        if line.lower() in ("#!end-header", "#end of ascii header", "# end of ascii header"):
            break
    return data[:start].decode("latin-1"), data[start:]


def _aedat2(path: Path, camera: str | None) -> Array:
    """Return the polarity events of AEDAT 2: big-endian pairs of an address and a time."""
    head, body = _header(path)
    if camera is None:
        known = [name for name in _CAMERAS if name.lower() in head.lower()]
        if len(known) != 1:
            raise ArgumentValueError(
                "camera",
                f"must be given, {' or '.join(map(repr, _CAMERAS))}: the header of {path} does not "
                "say which camera recorded it.",
            )
        camera = known[0]
    if len(body) % 8:
        raise ValueError(
            f"The file {path} must hold 8 bytes per event after its header, but has {len(body)}: "
            "it is damaged, or no AEDAT 2."
        )
    pairs = np.frombuffer(body, dtype=">u4").reshape(-1, 2).astype(np.int64)
    x_shift, x_mask, y_shift, y_mask, bit, brighter, other = _CAMERAS[camera]
    address, times = pairs[(pairs[:, 0] & other) == 0].T
    p = (address >> bit & 1) == brighter
    return structured(
        _unwrapped(times, 2**32), address >> x_shift & x_mask, address >> y_shift & y_mask, p
    )


def _unwrapped(times: Array, period: int) -> Array:
    """Return times of a clock that restarts after *period*."""
    # A step back of more than half a period is a restart; smaller ones are events out of order.
    wraps = np.cumsum(np.diff(times, prepend=times[:1]) < -period // 2)
    return times + period * wraps


def _aedat3(path: Path) -> Array:
    """Return the valid polarity events of AEDAT 3.1: packets with a header of 28 bytes."""
    head, body = _header(path)
    if not head.startswith("#!AER-DAT3.1"):
        raise ValueError(f"The file {path} must be AEDAT 3.1, but begins with {head[:14].strip()}.")
    layout = np.dtype(
        [("type", "<i2"), ("source", "<i2"), ("size", "<i4"), ("ts_offset", "<i4")]
        + [(name, "<i4") for name in ("overflow", "capacity", "number", "valid")]
    )
    found, at = [np.zeros((0, 3), np.int64)], 0
    while at < len(body):
        if at + layout.itemsize > len(body):
            raise ValueError(f"The file {path} ends within the header of a packet: it is damaged.")
        packet = np.frombuffer(body, layout, count=1, offset=at)[0]
        at += layout.itemsize
        length = int(packet["size"]) * int(packet["number"])
        if packet["size"] <= 0 or packet["number"] < 0 or at + length > len(body):
            raise ValueError(
                f"The file {path} has a packet of {packet['number']} events of {packet['size']} "
                f"bytes, more than is left: it is damaged, or compressed."
            )
        if packet["type"] == _POLARITY_PACKET:
            if packet["size"] != 8:
                raise ValueError(
                    f"The file {path} must have polarity events of 8 bytes, but has some of "
                    f"{packet['size']}."
                )
            pairs = np.frombuffer(body[at : at + length], dtype="<u4").reshape(-1, 2)
            # Times in a packet have 31 bits; how often they ran over is in its header.
            over = np.full(len(pairs), int(packet["overflow"]) << 31)
            found.append(np.column_stack([pairs, over]).astype(np.int64))
        at += length
    address, times, over = np.concatenate(found).T
    # AEDAT 3.1 marks events invalid that a filter has taken out, and leaves them in the file.
    valid = (address & 1) == 1
    address, times = address[valid], (times + over)[valid]
    return structured(times, address >> 17 & 0x7FFF, address >> 2 & 0x7FFF, address >> 1 & 1)
