"""Memories that are not what a plain array of Pauli vectors would say: they carry a note.

Above 4 memory qubits the trajectory engine reports the reduced state of each qubit, shape
(..., memory_qubits, 4), which looks like as many neurons of one qubit; and under noise its states
are pure whatever the noise, given errors that were drawn. A :class:`MemoryArray` says so, through
slices, copies and pickles, to anyone who asks for a purity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MemoryArray", "Note", "note_of"]


@dataclass(frozen=True)
class Note:
    """What a memory array holds.

    Attributes
    ----------
    qubits : int
        Number of qubits of one memory.
    per_qubit : bool
        Whether each entry is the reduced state of one qubit.
    origin : {"pure", "drawn", ""}
        Whether the whole states are pure, or pure given errors that were drawn; "" says nothing.
    """

    qubits: int
    per_qubit: bool
    origin: str

    def put_on(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return *array* with this note, or as it is if a plain array says the same."""
        if not self.per_qubit and self.origin != "drawn":
            return array
        marked = array.view(MemoryArray)
        marked.note = self
        return marked


class MemoryArray(np.ndarray[Any, Any]):
    """An array with a :class:`Note`. What is computed from it is a plain array, or says no more."""

    note: Note | None

    def __array_finalize__(self, source: Any) -> None:
        # NumPy calls this for views, slices and copies, never __init__: the only place to pass it
        # on.
        self.note = getattr(source, "note", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        # Plain arrays for the computation: ufuncs would call this method again without end.
        plain = [np.asarray(x) if isinstance(x, MemoryArray) else x for x in inputs]
        if "out" in kwargs:
            kwargs["out"] = tuple(np.asarray(x) for x in kwargs["out"])
        result = getattr(ufunc, method)(*plain, **kwargs)
        # A mean of reduced states is reduced still; a mean over drawn errors is a state.
        if self.note and self.note.per_qubit and _may_be_states(result):
            return replace(self.note, origin="").put_on(result)
        return result

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(func, types, args, kwargs)
        joins = (np.concatenate, np.stack, np.vstack, np.hstack, np.take, np.repeat)
        if self.note and func in joins and _may_be_states(result):
            return self.note.put_on(np.asarray(result))
        return result

    def __reduce__(self) -> Any:
        return _restore, (np.asarray(self), self.note)


def _may_be_states(result: Any) -> bool:
    return isinstance(result, np.ndarray) and result.dtype.kind == "f" and result.ndim > 0


def _restore(array: NDArray[Any], note: Note | None) -> NDArray[Any]:
    return array if note is None else note.put_on(array)


def note_of(value: Any) -> Note | None:
    """Return the note of an array, None if there is none."""
    return value.note if isinstance(value, MemoryArray) else None
