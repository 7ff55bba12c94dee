"""What a running network records for :meth:`lava_sqs.execution.running.runtime.record`.

The children exist before anybody says what to record. So each network has, from its start, one
file without a name that parent and children share, in which every recorded Var or OutPort gets a
region of its own; the regions lie far apart, and only what is written takes memory. The parent
writes letters to the children there, and a number on the board says how far to read.
"""

import io
import mmap
import os
import pickle
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import PyOutPortVectorDense
from numpy.typing import NDArray
from scipy.sparse import issparse

#: Bytes between two regions; the first region of a child holds the letters to it.
REGION = 1 << 40
#: Bytes of a region before its rows: their number and their dtype.
PAGE = mmap.ALLOCATIONGRANULARITY
#: Lava's commands of a step after its first; a step has ended when another one comes.
LATER_PHASES = (2, 3, 4)


@dataclass(frozen=True)
class Field:
    """What a model records in a region: a Var or a port by its name there.

    Attributes
    ----------
    kind : {"Var", "OutPort"}
        What is recorded.
    name : str
        Attribute of the model.
    shape : tuple of int
        Shape of a row.
    dtype : str
        Declared by the model.
    every : int
        A row is taken in the time steps that are multiples of it.
    region : int
        Number of the region.
    limit : int
        Bytes that it may take.
    keep : int
        0 records; above, the field is only watched: the reader asks for so many rows in a row at
        most, and they take the places of those that it has read.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    every: int
    region: int
    limit: int
    keep: int = 0


class Ledger:
    """The file that a network records into.

    Parameters
    ----------
    size : int
        Number of children.
    """

    def __init__(self, size: int) -> None:
        if hasattr(os, "memfd_create"):
            self.file = os.memfd_create("ledger")
        else:  # pragma: no cover - not Linux
            self.file, path = tempfile.mkstemp()
            os.unlink(path)
        weakref.finalize(self, os.close, self.file)
        self._regions = size
        self._sent = [0] * size

    def new_region(self) -> int:
        """Return the number of a region that nobody has."""
        self._regions += 1
        # Regions are 1 TB apart in a sparse file: each may grow without the others moving, and
        # takes memory for what is written only.
        os.ftruncate(self.file, (self._regions - 1) * REGION + PAGE)
        return self._regions - 1

    def send(self, index: int, field: Field) -> int:
        """Write a letter to a child; return how many bytes it has been sent."""
        letter = pickle.dumps(field)
        os.pwrite(self.file, letter, index * REGION + self._sent[index])
        self._sent[index] += len(letter)
        return self._sent[index]

    def rows(self, field: Field) -> int:
        """Return the number of rows of a field."""
        return int(header(self.file, field)["rows"][0])

    def row_type(self, field: Field) -> np.dtype[Any]:
        """Return the dtype of the rows: what the model holds, or what it declares before any."""
        said = bytes(header(self.file, field)["dtype"][0]).decode()
        return np.dtype(said or field.dtype)

    def read(self, field: Field, n_rows: int) -> NDArray[Any]:
        """Return a copy of the first rows."""
        # A copy: the model goes on to write while the user looks at the rows.
        rows = np.empty((n_rows, *field.shape), self.row_type(field))
        left = rows.reshape(-1).view(np.uint8).data
        offset = field.region * REGION + PAGE
        # A read may bring less than was asked for (2 GB at a time on Linux).
        while left:
            got = os.preadv(self.file, [left], offset)
            left, offset = left[got:], offset + got
        return rows

    def ask(self, field: Field, up_to: int) -> None:
        """Let the model of a watched field take rows until there have been so many."""
        header(self.file, field)["asked"] = up_to

    def read_watched(self, field: Field, first: int, last: int) -> NDArray[Any]:
        """Return a copy of the rows of a watched field with these numbers."""
        dtype = self.row_type(field)
        rows = np.empty((last - first, *field.shape), dtype)
        size = int(np.prod(field.shape)) * dtype.itemsize
        for row, number in zip(rows, range(first, last), strict=True):
            # A ring of `keep` rows: what has been read is overwritten.
            at = field.region * REGION + PAGE + number % field.keep * size
            row[...] = np.frombuffer(os.pread(self.file, size, at), dtype).reshape(field.shape)
        return rows


def header(file: int, field: Field) -> NDArray[Any]:
    """Return number and dtype of the rows of a field, in memory shared with its writer."""
    memory = mmap.mmap(file, PAGE, offset=field.region * REGION)
    return np.ndarray(1, [("rows", np.int64), ("dtype", "S16"), ("asked", np.int64)], memory)


class Takes:
    """The model's side: takes a row of every field when a step of the model has ended.

    Parameters
    ----------
    model : PyLoihiProcessModel
        The model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._takes: list[Callable[[int], None]] = []
        self._watched: list[_Watched] = []
        self._ports: dict[str, _Port] = {}

    @property
    def records(self) -> bool:
        """Whether rows are taken in every step, and not only those asked for."""
        return bool(self._takes)

    def take(self) -> int:
        """Keep the rows of the step that has ended; return its number."""
        step: int = self._model.time_step
        for take in self._takes:
            take(step)
        for watched in self._watched:
            watched.take()
        for port in self._ports.values():
            if port.sent:
                port.forget()
        return step

    def begin(self, field: Field) -> None:
        """Take rows of a field from the next step on."""
        value: Callable[[], Any]
        if field.kind == "OutPort":
            if field.name not in self._ports:
                self._ports[field.name] = _Port(getattr(self._model, field.name), field)
            value = self._ports[field.name].last
        else:
            value = _var(self._model, field)
        dtype = np.dtype(field.dtype)
        if field.kind == "Var":
            # A model may hold finer numbers than it declares; no digit of a record is to be lost.
            dtype = np.result_type(dtype, np.asarray(value()).dtype)
        if dtype.kind not in "biufc":
            raise TypeError(f"{field.kind} '{field.name}' holds {dtype}, which is not recorded.")
        if field.keep:
            rows, port = self._open_watched(field, dtype), self._ports.get(field.name)
            self._watched.append(_Watched(rows, field, value, dtype, port))
            return
        if field.kind == "OutPort":
            self._ports[field.name].recorded = True
        append = self._open(field, dtype)

        def take(step: int) -> None:
            if step % field.every == 0:
                append(_fitting(field, np.asarray(value()), dtype))

        self._takes.append(take)

    def _open(self, field: Field, dtype: np.dtype[Any]) -> Callable[[NDArray[Any]], None]:
        """Return what keeps a row."""
        raise NotImplementedError

    def _open_watched(self, field: Field, dtype: np.dtype[Any]) -> Any:
        """Return the rows of a watched field: an object with `number`, `asked` and `append`."""
        raise NotImplementedError


class Taker(Takes):
    """One in a child, which is told by letters what to take.

    Parameters
    ----------
    model : PyLoihiProcessModel
        The model.
    file : int
        Descriptor of the ledger.
    index : int
        The row of this child on the board.
    """

    def __init__(self, model: Any, file: int, index: int) -> None:
        super().__init__(model)
        self._file = file
        self._letters, self._read = index * REGION, 0
        self.wanted = False

    def read_letters(self, end: int) -> None:
        """Begin the fields that the letters up to `end` ask for."""
        letters = io.BytesIO(os.pread(self._file, end - self._read, self._letters + self._read))
        while letters.tell() < end - self._read:
            self.begin(pickle.load(letters))
        self._read, self.wanted = end, True

    def _open(self, field: Field, dtype: np.dtype[Any]) -> Callable[[NDArray[Any]], None]:
        """Return what writes a row into the region of a field."""
        head = header(self._file, field)
        head["dtype"] = dtype.str
        row_bytes = int(np.prod(field.shape)) * dtype.itemsize
        start = field.region * REGION + PAGE

        def append(values: NDArray[Any]) -> None:
            row, rows = values.tobytes(), int(head["rows"][0])
            # The row first, then the number of rows: a reader never sees a row that is half
            # written.
            if rows * row_bytes > field.limit or os.pwrite(
                self._file, row, start + rows * row_bytes
            ) != len(row):
                raise full(field, rows, row_bytes)
            head["rows"] = rows + 1

        return append

    def _open_watched(self, field: Field, dtype: np.dtype[Any]) -> Any:
        head = header(self._file, field)
        head["dtype"] = dtype.str
        return _SharedRows(self._file, field, head)


class _SharedRows:
    """The rows of a watched field, in the ledger."""

    def __init__(self, file: int, field: Field, head: NDArray[Any]) -> None:
        self._file, self._field, self._head = file, field, head
        self._asked = head["asked"]
        self.number = 0

    @property
    def asked(self) -> int:
        return int(self._asked[0])

    def append(self, row: NDArray[Any]) -> None:
        place = self._field.region * REGION + PAGE + self.number % self._field.keep * row.nbytes
        os.pwrite(self._file, row.tobytes(), place)
        self.number += 1
        # After the row itself, so that no reader counts one that is not there yet.
        self._head["rows"] = self.number


class _Watched:
    """A field of which rows are taken when somebody has asked for some, and nothing is done else.

    What is asked for in a step begins with the next one: the port has to listen for a whole step.
    """

    def __init__(
        self, rows: Any, field: Field, value: Callable[[], Any], dtype: np.dtype[Any], port: Any
    ) -> None:
        self._rows, self._field, self._value, self._dtype = rows, field, value, dtype
        self._port, self._on = port, False

    def take(self) -> None:
        """Keep the row of the step that has ended, if it was asked for."""
        rows = self._rows
        if self._on:
            rows.append(_fitting(self._field, np.asarray(self._value()), self._dtype))
            on = rows.number < rows.asked
        elif rows.number < rows.asked:
            on = True
        else:
            return
        self._on = on
        if self._port is not None:
            self._port.watched = on


def full(field: Field, rows: int, row_bytes: int) -> MemoryError:
    """Return the error of a record that does not fit into the memory."""
    return MemoryError(
        f"The record of {field.kind} '{field.name}' fills the memory with {rows} rows "
        f"of {row_bytes} bytes. Record every few steps only: record(..., every=10)."
    )


def _var(model: Any, field: Field) -> Callable[[], Any]:
    """Return what reads a Var from its model."""

    def value() -> Any:
        now = getattr(model, field.name)
        return now.toarray() if issparse(now) else now

    return value


def _fitting(field: Field, value: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return what a model holds as a row, without changing any number."""
    if value.size != int(np.prod(field.shape)):
        raise TypeError(
            f"{field.kind} '{field.name}' has shape {field.shape}, but the model now holds shape "
            f"{value.shape}, which cannot be recorded."
        )
    # The dtype of a record is that of its first row; a later value must fit without loss.
    row = value.astype(dtype)
    if value.dtype != dtype and not np.array_equal(row, value, equal_nan=dtype.kind in "fc"):
        raise TypeError(
            f"{field.kind} '{field.name}' held {dtype} when its record began, but the model now "
            f"holds {value.dtype} with values that do not fit. Let the model declare and keep one."
        )
    return row


class _Port:
    """Notes what a port sends in a step: the latest message, as the receiver gets it."""

    def __init__(self, port: Any, field: Field) -> None:
        self._field = field
        self._message = np.zeros(field.shape, field.dtype)
        self.recorded = self.watched = self.sent = False
        # On the instance: the class belongs to Lava and to all other networks.
        port.send = self._tapped(port.send)
        for channel in port.csp_ports:  # Lava's Extractor sends there
            channel.send = self._tapped(channel.send)

    def last(self) -> NDArray[Any]:
        """Return the message; zeros if there was none."""
        return self._message

    def forget(self) -> None:
        """Begin a step."""
        self._message.fill(0)
        self.sent = False

    def _tapped(self, send: Callable[[Any], None]) -> Callable[[Any], None]:
        def tapped(data: Any) -> None:
            send(data)
            if not (self.recorded or self.watched):
                return
            data = np.asarray(data)
            if data.size != self._message.size:
                raise TypeError(
                    f"OutPort '{self._field.name}' has shape {self._field.shape}, but sent shape "
                    f"{data.shape}, which cannot be recorded."
                )
            # As Lava's channels cast.
            np.copyto(self._message, data.reshape(self._message.shape), casting="unsafe")
            self.sent = True

        return tapped


def is_recordable(port_class: Any) -> bool:
    """Whether a model's port sends arrays of its shape."""
    return isinstance(port_class, type) and issubclass(port_class, PyOutPortVectorDense)
