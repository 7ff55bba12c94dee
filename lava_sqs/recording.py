"""A recorder for Lava Processes: every step into shared memory, arrays of all steps out.

A Monitor sends every value through Lava's channels, about half a millisecond per step and tens of
microseconds per scalar read. Here the model, in its own operating-system process, appends one row
per step to an anonymous file whose descriptor it inherited; the parent maps the same file.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lava_sqs._checks import check_choice, check_items

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["NetworkRecording", "Recording", "check_record", "shared_array"]


class _Note(Protocol):
    """What the entries of a field are; the physics has such notes, which recordings only carry."""

    def put_on(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the array with the note."""


class _Columns:
    """How recordings are read: one array (T, ...) for each of `keys()`, by name."""

    def keys(self) -> tuple[str, ...]:
        """Return the recorded names."""
        raise NotImplementedError

    @property
    def steps(self) -> int:
        """Number of steps recorded, T."""
        raise NotImplementedError

    def __getitem__(self, name: Any) -> NDArray[Any]:
        raise NotImplementedError

    def _types(self) -> Iterable[tuple[str, np.dtype[Any], tuple[int, ...]]]:
        """Return name, dtype and shape of each."""
        raise NotImplementedError

    def _unknown(self, name: object) -> str:
        raise NotImplementedError

    def __iter__(self) -> Any:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_"):  # copying and pickling look for methods before __init__ ran
            raise AttributeError(name)
        if name not in self:
            raise AttributeError(self._unknown(name))
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.keys()]

    def __str__(self) -> str:
        steps, types = self.steps, list(self._types())
        size = sum(steps * int(np.prod(shape)) * dtype.itemsize for _, dtype, shape in types) / 1e6
        lines = [f"{type(self).__name__} of {steps} steps, {size:.3g} MB"]
        lines += [f"  {name:<15}{(steps, *shape)} {dtype}" for name, dtype, shape in types]
        return "\n".join(lines)

    def __repr__(self) -> str:
        names = ", ".join(self.keys()) or "nothing"
        return f"<{type(self).__name__} of {names}: {self.steps} steps>"


class Recording(_Columns):
    """What a Process recorded so far: one array (T, ...) per recorded name.

    Read at any time: before, during and after a run, and after the network has ended. Later steps
    are appended.

    Parameters
    ----------
    fields : mapping of str to (dtype, shape)
        What one step stores. Without fields nothing is ever stored.
    notes : mapping of str to object, optional
        What the entries of some fields are, if a plain array does not say it; `put_on` of each
        marks what is read: see
        :attr:`lava_sqs.Population.memory`.

    Attributes
    ----------
    steps : int
        Number of steps recorded, T.

    Raises
    ------
    AttributeError, KeyError
        If a name is not recorded.
    OSError
        If memory is exhausted; the steps recorded before remain.

    Notes
    -----
    The rows live in memory that belongs to no file system (on systems without ``memfd_create``, in
    an unlinked temporary file) and that is freed with the last reference to the recording. It holds
    one open file descriptor. Reading copies.

    Examples
    --------
    >>> recording = Recording({"p_spike": (float, (2,)), "s_out": ("int32", (2,))})
    >>> recording.append({"p_spike": [0.25, 1.0], "s_out": [0, 1]})
    >>> recording.p_spike
    array([[0.25, 1.  ]])
    >>> {name: array.shape for name, array in dict(recording).items()}
    {'p_spike': (1, 2), 's_out': (1, 2)}

    ``np.savez("run.npz", **recording)`` stores everything.
    """

    def __init__(
        self,
        fields: Mapping[str, tuple[DTypeLike, tuple[int, ...]]],
        notes: Mapping[str, _Note] | None = None,
    ) -> None:
        self._notes = dict(notes or {})
        self._row = np.zeros(1, np.dtype([(n, *field) for n, field in fields.items()], align=True))
        self._views = [(name, self._row[name][0]) for name in fields]
        self._bytes = self._row.view(np.uint8).data if fields else memoryview(b"")
        # Unbuffered and in append mode: a write is complete, and parent and child share no offset.
        self._file = _anonymous_file() if fields else None

    # -- reading ------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Number of steps recorded."""
        if self._file is None:
            return 0
        return os.fstat(self._file.fileno()).st_size // self._row.itemsize

    def keys(self) -> tuple[str, ...]:
        """Return the recorded names."""
        return tuple(name for name, _ in self._views)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self:
            raise KeyError(self._unknown(name))
        found = self._read(name)
        return self._notes[name].put_on(found) if name in self._notes else found

    def _read(self, name: str) -> NDArray[Any]:
        row_type, steps = self._row.dtype, self.steps
        if self._file is None or steps == 0:
            return np.zeros(0, row_type)[name]
        with mmap.mmap(
            self._file.fileno(), steps * row_type.itemsize, access=mmap.ACCESS_READ
        ) as memory:
            return np.array(np.frombuffer(memory, row_type, steps)[name])

    def __getstate__(self) -> tuple[dict[str, Any], dict[str, _Note], bytes]:
        """The fields, and all rows: a copy has memory of its own."""
        fields = {name: (view.dtype, view.shape) for name, view in self._views}
        size = self.steps * self._row.itemsize
        if self._file is None or size == 0:
            return fields, self._notes, b""
        with mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ) as memory:
            return fields, self._notes, memory[:]

    def __setstate__(self, state: tuple[dict[str, Any], dict[str, _Note], bytes]) -> None:
        fields, notes, rows = state
        Recording.__init__(self, fields, notes)
        left = memoryview(rows)
        while self._file is not None and left:
            left = left[self._file.write(left) :]

    def _types(self) -> Iterable[tuple[str, np.dtype[Any], tuple[int, ...]]]:
        return [(name, view.dtype, view.shape) for name, view in self._views]

    def _unknown(self, name: object) -> str:
        return (
            f"{name!r} is not recorded (recorded: {', '.join(self.keys()) or 'nothing'}). Name it "
            f"when you make the Process: record=({name!r}, ...)."
        )

    # -- writing ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Drop the piece of a row that a killed writer may have left."""
        if self._file is not None:
            os.ftruncate(self._file.fileno(), self.steps * self._row.itemsize)
            self._file.seek(0, os.SEEK_END)

    def append(self, values: Mapping[str, Any]) -> None:
        """Store one step; *values* has an entry for every recorded name, and may have more.

        Raises ``OSError`` if memory is exhausted.
        """
        if self._file is None:
            return
        for name, view in self._views:
            view[...] = values[name]
        if self._file.write(self._bytes) != self._row.itemsize:
            raise OSError("No memory is left to record another step; see `record`.")


@dataclass(frozen=True)
class Column:
    """One name of a NetworkRecording.

    Attributes
    ----------
    target : Var or OutPort
        What was to be recorded.
    field : object
        Where the rows are, for the ledger; has `shape` and `dtype`.
    transforms : list of callable
        What each row goes through.
    """

    target: Any
    field: Any
    transforms: list[Any]


class NetworkRecording(_Columns):
    """What a network recorded so far: one array (T, ...) for each Var or OutPort.

    Made by :meth:`lava_sqs.runtime.record`. Read at any time: during and after a run, and
    after the network has ended, for whatever reason. Later runs append.

    Parameters
    ----------
    ledger : Ledger
        The network's file of rows.
    columns : dict of str to Column
        What is recorded, by name.
    start : int
        Time step after which the recording begins.
    every : int
        The time steps that are multiples of it are recorded.

    Attributes
    ----------
    steps : int
        Number of steps recorded, T.
    time_steps : NDArray[Any]
        Shape (T,). The time steps that the rows belong to; the first step of a network is 1.

    Raises
    ------
    AttributeError, KeyError
        If a name is not recorded.

    Notes
    -----
    ``recording.v``, ``recording["v"]`` and ``recording[lif.v]`` are the same.
    ``np.savez("run.npz", **recording)`` stores everything. The rows live in memory, which is freed
    with the last reference to a recording of the network. Reading copies.

    Examples
    --------
    >>> from lava_sqs.execution.running import SQSSimCfg, runtime
    >>> from lava.proc.lif.process import LIF
    >>> neuron = LIF(shape=(1,), bias_mant=1.0, vth=2.5)
    >>> with runtime(neuron, SQSSimCfg()) as net:
    ...     recording = net.record(neuron.v, every=2)
    ...     net.run(4)
    >>> recording
    <NetworkRecording of v: 2 steps>
    >>> recording.time_steps.tolist(), recording.v.ravel().tolist()
    ([2, 4], [2.0, 1.0])
    """

    def __init__(self, ledger: Any, columns: dict[str, Column], start: int, every: int) -> None:
        self._ledger = ledger
        self._columns = columns
        self._arrays: dict[str, NDArray[Any]] | None = None
        self._start, self._every = start, every

    @property
    def steps(self) -> int:
        """Number of steps recorded, T, by all models."""
        if self._arrays is not None:
            return min(len(array) for array in self._arrays.values())
        return min(int(self._ledger.rows(column.field)) for column in self._columns.values())

    @property
    def time_steps(self) -> NDArray[Any]:
        """The time steps that the rows belong to."""
        first = self._start // self._every + 1
        return np.arange(first, first + self.steps) * self._every

    def keys(self) -> tuple[str, ...]:
        """Return the recorded names."""
        return tuple(self._columns)

    def __getitem__(self, name: Any) -> NDArray[Any]:
        if not isinstance(name, str):
            name = next((key for key, c in self._columns.items() if c.target is name), name)
        if not isinstance(name, str) or name not in self._columns:
            raise KeyError(self._unknown(getattr(name, "name", name)))
        if self._arrays is not None:
            return self._arrays[name].copy()
        column = self._columns[name]
        rows: NDArray[Any] = self._ledger.read(column.field, self.steps)
        for transform in column.transforms:
            rows = np.stack([transform(row) for row in rows]) if len(rows) else rows
        return rows

    def size_after(self, n_steps: int) -> int:
        """Return the bytes that the rows take after so many steps more.

        Parameters
        ----------
        n_steps : int
            Steps of the network.

        Returns
        -------
        int
        """
        n_rows = self.steps + n_steps // self._every + 1
        return n_rows * sum(int(np.prod(s)) * dtype.itemsize for _, dtype, s in self._types())

    def _types(self) -> Iterable[tuple[str, np.dtype[Any], tuple[int, ...]]]:
        for name, column in self._columns.items():
            if self._arrays is not None:
                yield name, self._arrays[name].dtype, self._arrays[name].shape[1:]
            else:
                yield name, self._ledger.row_type(column.field), tuple(column.target.shape)

    def __getstate__(self) -> dict[str, Any]:
        """All rows: a copy has them in its own memory."""
        columns = {name: Column(None, None, []) for name in self._columns}
        return {**self.__dict__, "_ledger": None, "_columns": columns, "_arrays": dict(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _unknown(self, name: object) -> str:
        return (
            f"{name!r} is not recorded (recorded: {', '.join(self.keys())}). Give its Var or "
            "OutPort to net.record(...)."
        )


def check_record(value: Any, names: Iterable[str]) -> tuple[str, ...]:
    """Return the argument `record`, *value*, as a tuple of different names from *names*.

    Raises
    ------
    TypeError, ValueError
        If it holds anything else.

    Examples
    --------
    >>> check_record("memory", ("p_spike", "memory"))
    ('memory',)
    """
    if isinstance(value, str):
        value = (value,)
    options = tuple(names)
    chosen = check_items("record", value)
    return tuple(dict.fromkeys(check_choice("record", name, options) for name in chosen))


def _anonymous_file() -> Any:
    """Return an unbuffered file in append mode that has no name and is freed when closed."""
    if hasattr(os, "memfd_create"):
        file: Any = os.fdopen(os.memfd_create("recording"), "r+b", buffering=0)
    else:  # pragma: no cover - not Linux
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as its owner
    if fcntl is not None:  # without, as on Windows, there are no forks that could append as well
        flags = fcntl.fcntl(file, fcntl.F_GETFL)
        fcntl.fcntl(file, fcntl.F_SETFL, flags | os.O_APPEND)
    return file


def shared_array(shape: int | tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
    """Return a zeroed array that this process and children forked later both see.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the array.
    dtype : dtype, default np.float64
        Any fixed-size dtype.

    Returns
    -------
    np.ndarray
        Lives in anonymous memory, freed with its last user; there is no file to clean up.

    Notes
    -----
    Put it in the ``proc_params`` of a Process *before* the network starts: what the model writes,
    the Process reads at once, also after the network has been stopped. There is no locking.

    Examples
    --------
    >>> float(shared_array((2, 3)).sum())
    0.0
    """
    dtype = np.dtype(dtype)
    n_bytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return np.ndarray(shape, dtype, buffer=mmap.mmap(-1, max(n_bytes, 1)))
