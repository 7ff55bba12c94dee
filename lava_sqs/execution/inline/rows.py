"""What a network in this process records: rows in arrays that grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.execution.supervision.ledger import Field, Takes, full


class _Rows:
    """The rows of a field; may be read by one thread while another one appends."""

    def __init__(self, field: Field, dtype: np.dtype[Any]) -> None:
        self._field = field
        self.dtype, self.number = dtype, 0
        self._rows = np.empty((16, *field.shape), dtype)

    def append(self, row: NDArray[Any]) -> None:
        """Keep a row."""
        if self.number * row.nbytes > self._field.limit:
            raise full(self._field, self.number, row.nbytes)
        if self.number == len(self._rows):
            larger = np.empty((2 * self.number, *self._field.shape), self.dtype)
            larger[: self.number] = self._rows
            self._rows = larger
        self._rows[self.number] = row.reshape(self._field.shape)
        self.number += 1

    def read(self, n_rows: int) -> NDArray[Any]:
        """Return a copy of the first rows."""
        return self._rows[:n_rows].copy()


class _WatchedRows:
    """The rows of a watched field: those asked for last."""

    def __init__(self, field: Field, dtype: np.dtype[Any]) -> None:
        self.dtype, self.number, self.asked = dtype, 0, 0
        self._rows = np.empty((field.keep, *field.shape), dtype)

    def append(self, row: NDArray[Any]) -> None:
        """Keep a row, and count it when it is complete."""
        self._rows[self.number % len(self._rows)] = row.reshape(self._rows.shape[1:])
        self.number += 1

    def between(self, first: int, last: int) -> NDArray[Any]:
        """Return a copy of the rows with these numbers."""
        return self._rows[np.arange(first, last) % len(self._rows)]


class Rows:
    """All that a network has recorded; what a NetworkRecording reads.

    Attributes
    ----------
    wanted : bool
        Whether rows of watched fields have been asked for that have not come yet.
    """

    def __init__(self) -> None:
        self._fields: dict[int, Any] = {}
        self._regions = 0
        self.wanted = False

    def new_region(self) -> int:
        """Return a number that no field has."""
        self._regions += 1
        return self._regions

    def open(self, field: Field, dtype: np.dtype[Any]) -> Callable[[NDArray[Any]], None]:
        """Return what keeps a row of a field."""
        self._fields[field.region] = kept = _Rows(field, dtype)
        return kept.append

    def open_watched(self, field: Field, dtype: np.dtype[Any]) -> _WatchedRows:
        """Return the rows of a watched field."""
        self._fields[field.region] = kept = _WatchedRows(field, dtype)
        return kept

    def ask(self, field: Field, up_to: int) -> None:
        """Let the model of a watched field take rows until there have been so many."""
        self._fields[field.region].asked = up_to
        self.wanted = True

    def settle(self) -> None:
        """Note whether all have come."""
        self.wanted = False  # first: another thread may ask at any moment
        watched = [rows for rows in self._fields.values() if isinstance(rows, _WatchedRows)]
        if any(rows.number < rows.asked for rows in watched):
            self.wanted = True

    def read_watched(self, field: Field, first: int, last: int) -> NDArray[Any]:
        """Return a copy of the rows of a watched field with these numbers."""
        rows: NDArray[Any] = self._fields[field.region].between(first, last)
        return rows

    def rows(self, field: Field) -> int:
        """Return the number of rows of a field."""
        return int(self._fields[field.region].number)

    def row_type(self, field: Field) -> np.dtype[Any]:
        """Return the dtype of the rows."""
        found: np.dtype[Any] = self._fields[field.region].dtype
        return found

    def read(self, field: Field, n_rows: int) -> NDArray[Any]:
        """Return a copy of the first rows."""
        rows: NDArray[Any] = self._fields[field.region].read(n_rows)
        return rows


class RowTaker(Takes):
    """Takes the rows of a model.

    Parameters
    ----------
    model : PyLoihiProcessModel
        The model.
    rows : Rows
        Where they are kept.
    """

    def __init__(self, model: Any, rows: Rows) -> None:
        super().__init__(model)
        self._rows = rows

    def _open(self, field: Field, dtype: np.dtype[Any]) -> Callable[[NDArray[Any]], None]:
        return self._rows.open(field, dtype)

    def _open_watched(self, field: Field, dtype: np.dtype[Any]) -> _WatchedRows:
        return self._rows.open_watched(field, dtype)
