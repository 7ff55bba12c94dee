"""Results on disk: append-only CSV, one row per finished batch, rows add up.

A row is written with one system call and only when its batch is finished, so what a kill at any
moment can leave behind is a last line without its newline. That is noticed and mended here.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import fcntl
import os
import time
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lava_sqs._checks import check_items, check_path
from lava_sqs._files import check_writable, write_bytes
from lava_sqs.study.plan.points import HEAD, RESERVED
from lava_sqs.study.store.rows import Row, cells_of, columns_of, line_of, parse

__all__ = ["RowStore", "StoreError", "StudyWarning", "combine", "read_rows"]


class StoreError(RuntimeError):
    """A results file cannot be used as it is; the message says what to do."""


class StudyWarning(UserWarning):
    """Something was lost and mended: a torn line, a worker."""


@dataclass(frozen=True)
class _Contents:
    columns: list[str] | None
    rows: list[Row]
    good: int  # bytes that hold whole rows
    torn: bytes


def _scan(path: Path, data: bytes) -> _Contents:
    """Read whole lines; the last one may be torn, any other must be a row."""
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].split(b"\n")[:-1]
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""  # of Windows' programs
    if not lines:
        if data and not columns_line(data.removeprefix(mark)):
            raise StoreError(f"{path} is not a results file of a study: choose another path.")
        return _Contents(None, [], 0, data)
    try:
        columns = next(csv.reader([lines[0].removeprefix(mark).decode("utf-8", "replace")]), [])
    except csv.Error:  # a byte of zeros, for one
        columns = []
    missing = [name for name in RESERVED if name not in columns]
    if missing:
        raise StoreError(
            f"{path} is not a results file of a study (it has no column `{missing[0]}`): choose "
            "another path."
        )
    rows: list[Row] = []
    known: dict[str, dict[str, Any]] = {}
    good = len(lines[0]) + 1
    csv.field_size_limit(max(csv.field_size_limit(), len(data)))  # a cell has all test samples
    for number, line in enumerate(lines[1:], start=2):
        try:
            cells = next(csv.reader([line.decode()]), [])
            row = parse(cells, columns, known)
        except (ValueError, csv.Error) as error:
            if number == len(lines):  # a lost block of a crashed machine, then a newline
                return _Contents(columns, rows, good, data[good:])
            raise StoreError(
                f"{path}, line {number} is not a row of results ({error}). Delete that line: its "
                "batch is run again."
            ) from error
        rows.append(row)
        good += len(line) + 1
    return _Contents(columns, rows, good, data[good:])


def columns_line(data: bytes) -> bool:
    """Return whether this is the beginning of a header, maybe torn."""
    start = ",".join(HEAD).encode()
    return data.startswith(start) or start.startswith(data)


def _torn_message(path: Path, torn: bytes, done: str) -> str:
    return f"{path}: the last line is torn ({len(torn)} bytes without an end); {done}"


def _without_duplicates(path: Path, rows: Iterable[Row]) -> list[Row]:
    unique: dict[str, Row] = {}
    for row in rows:
        first = unique.setdefault(row.row_id, row)
        if first is not row and first.result != row.result:
            raise StoreError(
                f"{path}: the row {row.row_id} (batch {row.batch} of {row.params}) is there with "
                f"two results, {first.counts} and {row.counts}. A task must depend on its "
                "parameters and its seed only."
            )
    return list(unique.values())


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """Return the rows of a results file, each once; the file is not changed.

    Parameters
    ----------
    path : path
        CSV file of a study.

    Returns
    -------
    list of Row

    Raises
    ------
    StoreError
        If a line other than the last is damaged, or rows contradict each other.

    Warns
    -----
    StudyWarning
        If the last line is torn; it is left out.

    Examples
    --------
    >>> import tempfile
    >>> from lava_sqs.study import Study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/runs.csv"
    ...     _ = Study("memory_capacity", base={"ansatz": "delay"}).run(path, progress=False)
    ...     rows = read_rows(path)
    >>> rows[0].params, rows[0].counts.kind
    ({'ansatz': 'delay'}, 'values')
    """
    path = check_path("path", path)
    contents = _scan(path, path.read_bytes())
    if contents.torn:
        message = _torn_message(path, contents.torn, "it is left out.")
        warnings.warn(message, StudyWarning, stacklevel=2)
    return _without_duplicates(path, contents.rows)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Give errors of a descriptor the name of its file."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise


def lock(file: Any, path: Path, how: int) -> None:
    """Lock an open file as `fcntl.flock` does; say so where the file system cannot."""
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        raise
    except OSError as error:
        raise StoreError(
            f"{path} cannot be locked ({error.strerror}), as on some network file systems: two "
            "runs could write at once. Use a folder on a local disk, and copy the file later."
        ) from error


# -- writing -------------------------------------------------------------------------------------

_open: weakref.WeakSet[RowStore] = weakref.WeakSet()


def _close_in_child() -> None:
    """Give up inherited files: a forked child must not hold the lock of a killed parent."""
    for store in list(_open):
        os.close(store._fd)
        store._fd = -1
    _open.clear()


os.register_at_fork(after_in_child=_close_in_child)


class RowStore:
    """A results file, open for appending and locked against other runs.

    The lock is the operating system's (``flock``): it ends with this process, however that ends.

    Parameters
    ----------
    path : path
        The CSV file.
    params : list of str
        Names of the parameters, in the order of the columns of a new file.
    resume : bool
        Whether the file may have rows already.

    Warns
    -----
    StudyWarning
        If the last line was torn: it is removed, and its batch will run again.

    Raises
    ------
    StoreError
        If another run has the file, or it is not a results file or lacks a column.
    FileExistsError
        If the file has rows and *resume* is false.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with RowStore(f"{folder}/runs.csv", ["noise.t1"]) as store:
    ...         len(store.rows)
    0
    """

    path: Path
    rows: list[Row]

    def __init__(
        self, path: str | os.PathLike[str], params: Sequence[str], *, resume: bool = True
    ) -> None:
        self.path = check_writable(path)
        self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        _open.add(self)
        try:
            self._lock()
            self._load(params, resume)
        except BaseException:
            self.close()
            raise

    def _lock(self) -> None:
        try:
            lock(self._fd, self.path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"{self.path} is being written by another run: wait for it, or write to another "
                "file and join them with `lava-sqs study combine`."
            ) from error

    def _load(self, params: Sequence[str], resume: bool) -> None:
        with _named(self.path), open(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            contents = _scan(self.path, file.read())
        if contents.rows and not resume:
            raise FileExistsError(
                f"{self.path} has {len(contents.rows)} rows already: pass resume=True to continue, "
                "or another path."
            )
        if contents.columns is not None:
            lacking = [name for name in params if name not in contents.columns]
            if lacking:
                raise StoreError(
                    f"{self.path} has no column `{lacking[0]}`: it holds a study of other "
                    "parameters. Write to another file and join them with `lava-sqs study "
                    "combine`."
                )
        if contents.torn:
            with _named(self.path):
                os.ftruncate(self._fd, contents.good)
            done = "it was removed, and its batch will run again."
            message = _torn_message(self.path, contents.torn, done)
            warnings.warn(message, StudyWarning, stacklevel=4)
        self.rows = _without_duplicates(self.path, contents.rows)
        self._columns = contents.columns or columns_of(params)
        if contents.columns is None:
            self._write(line_of(self._columns))
        self._synced = 0.0

    def _write(self, data: bytes) -> None:
        # One call in practice; a full disk or a signal may shorten it.
        with _named(self.path):
            while data:
                data = data[os.write(self._fd, data) :]

    def append(self, row: Row) -> None:
        """Write *row* with one system call, so that a kill leaves it complete or torn."""
        self._write(line_of(cells_of(row, self._columns)))
        self.rows.append(row)
        if (now := time.monotonic()) - self._synced > 1:
            with _named(self.path):
                os.fsync(self._fd)
            self._synced = now

    def close(self) -> None:
        """Release the file. Does nothing when closed already."""
        if self._fd >= 0:
            _open.discard(self)
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)  # for copies of the descriptor as well
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> RowStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def combine(
    paths: Iterable[str | os.PathLike[str]], out: str | os.PathLike[str] | None = None
) -> list[Row]:
    """Merge results files: every row once, all columns of all files, sorted.

    Parameters
    ----------
    paths : paths
        They are only read.
    out : path, optional
        Where to write the merged file; it must not exist. It appears when it is complete.

    Returns
    -------
    list of Row

    Raises
    ------
    StoreError
        If two files disagree about one row.
    FileExistsError
        If *out* exists.

    Examples
    --------
    >>> import tempfile
    >>> from lava_sqs.study import Study
    >>> study = Study("memory_capacity", grid={"memory_qubits": [1, 2]}, base={"ansatz": "delay"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     night1, night2 = f"{folder}/night1.csv", f"{folder}/night2.csv"
    ...     _ = study.run(night1, progress=False), study.run(night2, progress=False)
    ...     rows = combine([night1, night2], f"{folder}/both.csv")
    >>> len(rows)
    2
    """
    names = [check_path("paths", p) for p in check_items("paths", paths)]
    if out is not None and check_writable(check_path("out", out)).exists():
        raise FileExistsError(f"{out} exists already: choose another name for the merged file.")
    rows = [row for path in names for row in read_rows(path)]
    merged = _without_duplicates(Path(", ".join(map(str, names))), rows)
    order = {row.point_id: i for i, row in reversed(list(enumerate(merged)))}
    merged.sort(key=lambda row: (order[row.point_id], row.seed, row.batch))
    if out is not None:
        params = list(dict.fromkeys(name for row in merged for name in row.params))
        columns = columns_of(params)
        lines = [line_of(columns), *(line_of(cells_of(row, columns)) for row in merged)]
        write_bytes(out, b"".join(lines))
    return merged
