"""Writing files: a reader sees the old one or the new one, complete."""

from __future__ import annotations

import io
import math
import os
import re
import secrets
from pathlib import Path
from typing import Any

from lava_sqs._errors import (
    ArgumentFileNotFoundError,
    ArgumentIsADirectoryError,
    ArgumentValueError,
)

__all__ = ["TEXT", "ZIP", "check_writable", "kind_of", "svg_of", "write_bytes", "write_figure"]

TEXT = "text"
ZIP = "a zip archive (which an npz is, too)"


# What a file is, by how it begins; the longer beginnings first.
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"#!AER-DAT4", "an AEDAT 4 recording"),
    (b"#!AER-DAT3", "an AEDAT 3 recording"),
    (b"#!AER-DAT2", "an AEDAT 2 recording"),
    (b"#!AER-DAT", "an AEDAT 1 recording"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (or a MATLAB 7.3 or AEDAT one made of it)"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x93NUMPY", "a single array (npy)"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"BZh", "compressed with bzip2: unpack it first"),
    (b"\xfd7zXZ\x00", "compressed with xz: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive: unpack it first"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"Event Stream", "an ES recording"),
    (b"ROSBAG", "a ROS bag"),
    (b"#ROSBAG", "a ROS bag"),
    (b"\x7fELF", "a program"),
    (b"version https://git-lfs", "a pointer of Git LFS: the data themselves were not fetched"),
    (b"\x80\x02", "a pickle, which is never loaded"),
    (b"\x80\x03", "a pickle, which is never loaded"),
    (b"\x80\x04", "a pickle, which is never loaded"),
    (b"\x80\x05", "a pickle, which is never loaded"),
    (b"@relation", "an ARFF file"),
    (b"@problemname", "a ts file of the UEA archive"),
)
_IDX_BYTES = {0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}


def kind_of(path: str | os.PathLike[str]) -> str | None:
    """Return what the file seems to be, in words, or None: for messages about wrong files."""
    file = Path(path)
    with open(file, "rb") as stream:
        head = stream.read(512)
    size = file.stat().st_size
    if not head:
        return "empty"
    for start, kind in _KINDS:
        if head.startswith(start):
            return kind
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if head[:2] == b"\0\0" and len(head) > 4 and head[2] in _IDX_BYTES and 1 <= head[3] <= 8:
        shape = [int.from_bytes(head[4 + 4 * i : 8 + 4 * i], "big") for i in range(head[3])]
        if size == 4 + 4 * head[3] + math.prod(shape) * _IDX_BYTES[head[2]]:
            return f"an idx file, as MNIST comes, of shape {tuple(shape)}"
    text = head.decode("utf-8", errors="ignore")
    lowered = text.lstrip("\ufeff \t\r\n").lower()
    if lowered.startswith(("<!doctype html", "<html")):
        return "a web page (HTML), perhaps of a download that failed"
    if lowered.startswith("%") and "@relation" in lowered:
        return "an ARFF file"
    if re.match(r"% (evt|date|data file|geometry|version|height|width)", lowered):
        return "an event recording of Prophesee (RAW or DAT)"
    printable = all(c.isprintable() or c in "\t\r\n\f\ufeff" for c in text)
    return TEXT if printable and len(text.encode()) > len(head) - 4 else None


_DEVICES = ("/dev/std", "/dev/fd/", "/proc/")  # may be files, if output goes into one


def check_writable(path: str | os.PathLike[str], name: str = "path") -> Path:
    """Return the argument *name*, a path, if a file can be written there, as far as is seen."""
    file = Path(path)
    if file.is_dir():
        raise ArgumentIsADirectoryError(name, f"must name a file, but {file} is a folder.")
    if os.path.abspath(file).startswith(_DEVICES) or (file.exists() and not file.is_file()):
        raise ArgumentValueError(
            name,
            f"must name a regular file, but {file} is a device or a pipe: write to "
            "a file, and print that.",
        )
    if not file.parent.is_dir():
        raise ArgumentFileNotFoundError(
            name,
            "must name a file in a folder that exists, but there is no folder "
            f"{file.parent}: create it first.",
        )
    if not os.access(file.parent, os.W_OK):
        raise PermissionError(f"The folder {file.parent} cannot be written to.")
    return file


def write_bytes(path: str | os.PathLike[str], data: Any) -> None:
    """Write a file, or leave what was there: *data* is on the disk before it takes the name.

    Raises
    ------
    OSError
        The old file is untouched then.
    """
    file = Path(os.path.realpath(check_writable(path)))  # a link stays one
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"{file} could not be written: {reason}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_figure(path: str | os.PathLike[str], figure: Any, dpi: float) -> None:
    """Draw a Matplotlib figure into a file, in the format that its name ends with."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=dpi, format=Path(path).suffix[1:] or "png")
    write_bytes(path, drawn.getbuffer())


def svg_of(figure: Any) -> bytes:
    """Return a Matplotlib figure as SVG without fonts or a date: the same bytes every time."""
    import matplotlib

    drawn = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "lava_sqs", "svg.fonttype": "path"}):
        # What stands outside of the axes, as names of devices do, is kept.
        said: dict[str, Any] = {"Date": None, "Creator": None}
        figure.savefig(drawn, format="svg", metadata=said, bbox_inches="tight", pad_inches=0.08)
    return drawn.getvalue()
