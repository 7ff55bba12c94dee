"""Writing files: whoever reads sees the old one or the new one, complete."""

from __future__ import annotations

import io
import os
import secrets
from pathlib import Path
from typing import Any

__all__ = ["check_writable", "write_bytes", "write_figure"]


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Return *path* if a file can be written there, as far as can be seen before."""
    file = Path(path)
    if file.is_dir():
        raise IsADirectoryError(f"Argument `path` must name a file, but {file} is a folder.")
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"Argument `path` must name a file in a folder that exists, but there is no folder "
            f"{file.parent}: create it first."
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
