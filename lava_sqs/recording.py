"""A recorder for Lava Processes: every step into shared memory, arrays of all steps out.

A Monitor sends every value through Lava's channels, about half a millisecond per step and tens of
microseconds per scalar read. Here the model, in its own operating-system process, appends one row
per step to an anonymous file whose descriptor it inherited; the parent maps the same file.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lava_sqs._checks import check_choice, check_items

__all__ = ["Recording", "check_record"]


class Recording:
    """What a Process recorded so far: one array (T, ...) per recorded name.

    Read at any time: before, during and after a run, and after the network has ended. Later steps
    are appended.

    Parameters
    ----------
    fields : mapping of str to (dtype, shape)
        What one step stores. Without fields nothing is ever stored.

    Attributes
    ----------
    steps : int
        Number of steps recorded, T.

    Raises
    ------
    AttributeError, KeyError
        For names that are not recorded.
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

    def __init__(self, fields: Mapping[str, tuple[DTypeLike, tuple[int, ...]]]) -> None:
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

    def __iter__(self) -> Any:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._views)

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self:
            raise KeyError(self._unknown(name))
        row_type, steps = self._row.dtype, self.steps
        if self._file is None or steps == 0:
            return np.zeros(0, row_type)[name]
        with mmap.mmap(
            self._file.fileno(), steps * row_type.itemsize, access=mmap.ACCESS_READ
        ) as memory:
            return np.array(np.frombuffer(memory, row_type, steps)[name])

    def __getstate__(self) -> tuple[dict[str, Any], bytes]:
        """The fields, and all rows: a copy has memory of its own."""
        fields = {name: (view.dtype, view.shape) for name, view in self._views}
        size = self.steps * self._row.itemsize
        if self._file is None or size == 0:
            return fields, b""
        with mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ) as memory:
            return fields, memory[:]

    def __setstate__(self, state: tuple[dict[str, Any], bytes]) -> None:
        fields, rows = state
        Recording.__init__(self, fields)
        left = memoryview(rows)
        while self._file is not None and left:
            left = left[self._file.write(left) :]

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("_"):  # copying and pickling look for methods before __init__ ran
            raise AttributeError(name)
        if name not in self:
            raise AttributeError(self._unknown(name))
        return self[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.keys()]

    def __str__(self) -> str:
        steps = self.steps
        size = steps * self._row.itemsize / 1e6
        lines = [f"Recording of {steps} steps, {size:.3g} MB"]
        lines += [f"  {name:<15}{(steps, *view.shape)} {view.dtype}" for name, view in self._views]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Recording of {', '.join(self.keys()) or 'nothing'}: {self.steps} steps>"

    def _unknown(self, name: str) -> str:
        return (
            f"{name!r} is not recorded (recorded: {', '.join(self.keys()) or 'nothing'}). Name it "
            f"when you make the Process: record=({name!r}, ...)."
        )

    # -- writing ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Drop the piece of a row that a killed writer may have left."""
        if self._file is not None:
            os.ftruncate(self._file.fileno(), self.steps * self._row.itemsize)

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
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    fcntl.fcntl(file, fcntl.F_SETFL, flags | os.O_APPEND)
    return file
