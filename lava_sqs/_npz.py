"""Npz files that others made: read without pickle and without trust."""

from __future__ import annotations

import io
import math
import struct
import textwrap
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_path, memory_limit
from lava_sqs._errors import ArgumentFileNotFoundError, ArgumentIsADirectoryError
from lava_sqs._files import ZIP, kind_of, write_bytes

__all__ = ["Declared", "read_arrays", "write_arrays"]

Array = NDArray[Any]

npy: Any = np.lib.format  # untyped
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_HEAD = 2**17  # bytes that a header may take, above the 64 KiB of format 1.0
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a compression or a zip version that Python does not know
    RuntimeError,  # encrypted
    OSError,  # a position that is not in the file
    OverflowError,
    ValueError,
)


class Declared(NamedTuple):
    """What the header of an array says of it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        return len(self.shape)


def read_arrays(
    path: str | Path,
    *,
    what: str,
    keys: Iterable[str] | None = None,
    limit: int | None = None,
    check: Callable[[dict[str, Declared]], Iterable[str] | None] | None = None,
) -> tuple[dict[str, Array], list[str]]:
    """Return arrays by name, and the names of all that the file has.

    Headers are read first. What they say of sizes is compared with what the archive says, with what
    the caller needs (*check*), and with *limit*, before anything of that size is unpacked: a small
    file cannot ask for a large memory.

    Parameters
    ----------
    path : str or Path
    what : str
        For error messages: what the file should be.
    keys : iterable of str, optional
        Which arrays; missing ones are left out. None is all.
    limit : int, optional
        Largest sum of sizes in bytes; None is half of the memory of the machine.
    check : callable, optional
        Gets shapes and dtypes by name, raises if they are of no use, and may return the names of
        those to unpack; None is all of them.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
    OSError
        If the file cannot be opened.
    ValueError
        If it is damaged, no npz, too large, or holds pickled objects.
    """
    file = check_path("path", path)
    if file.is_dir():
        raise ArgumentIsADirectoryError("path", f"must name {what}, but {file} is a folder.")
    if not file.exists():
        raise ArgumentFileNotFoundError("path", f"must name {what}, but {file} does not exist.")
    bound = memory_limit() if limit is None else limit
    with open(file, "rb") as stream:
        with _sound(file, what):
            archive = zipfile.ZipFile(stream)
            members = {m.filename.removesuffix(".npy"): m for m in archive.infolist()}
            if len(members) < len(archive.infolist()):
                raise ValueError("two arrays have the same name")
            wanted = [k for k in (members if keys is None else keys) if k in members]
            declared = {k: _header(archive, members[k], k, file) for k in wanted}
        if check is not None and (chosen := check(declared)) is not None:
            wanted = [k for k in chosen if k in declared]
        total = sum(members[k].file_size for k in wanted)
        if total > bound:
            raise ValueError(
                f"The file {file} declares arrays of {total / 1e9:.3g} GB, more than the "
                f"{bound / 1e9:.3g} GB that may be read."
            )
        arrays = {}
        with _sound(file, what):
            for key in wanted:
                with archive.open(members[key]) as member:
                    arrays[key] = np.asarray(npy.read_array(member, allow_pickle=False))
        return arrays, list(members)


class _Refused(ValueError):
    """The file is sound, but not wanted."""


@contextmanager
def _sound(file: Path, what: str) -> Iterator[None]:
    """Turn whatever a damaged archive makes happen into words, and say what it seems to be."""
    try:
        yield
    except _Refused:
        raise
    except _BROKEN as error:
        kind = kind_of(file)
        if kind is not None and kind != ZIP:
            raise ValueError(f"The file {file} is damaged or not {what}: it is {kind}.") from error
        why = textwrap.shorten(str(error), 200)  # zipfile quotes all that it stumbled over
        raise ValueError(f"The file {file} is damaged or not {what}: {why}") from error


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, file: Path) -> Declared:
    """Return what an array declares, if it is plain data and as long as the archive says."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"array {name} has an unknown compression")
    with archive.open(member) as stream:
        head = io.BytesIO(stream.read(_HEAD))  # never more, whatever length a header declares
    version = npy.read_magic(head)
    if version not in _HEADERS:
        raise ValueError(f"array {name} has the unknown format {version}")
    try:
        shape, _, dtype = _HEADERS[version](head)
    except (MemoryError, RecursionError, SyntaxError, tokenize.TokenError) as error:
        raise ValueError(f"array {name} has a malformed header") from error
    if dtype.hasobject:
        raise _Refused(
            f"The array {name} of {file} holds pickled Python objects, which are never "
            "loaded. Save it as numbers or text of one type, for example with "
            "np.asarray(..., dtype=float)."
        )
    length = math.prod(shape) * dtype.itemsize + head.tell()
    if length != member.file_size or dtype.itemsize == 0:
        raise ValueError(f"array {name} is not as long as its header says")
    return Declared(shape, dtype)


def write_arrays(path: str | Path, arrays: Mapping[str, Array]) -> None:
    """Write an npz; a reader sees the old file or the new one, complete.

    Raises
    ------
    OSError
        The old file is untouched then.
    """
    packed = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(packed, **named)
    write_bytes(path, packed.getbuffer())
