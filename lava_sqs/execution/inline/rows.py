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


class Rows:
    """All that a network has recorded; what a NetworkRecording reads."""

    def __init__(self) -> None:
        self._fields: dict[int, _Rows] = {}

    def new_region(self) -> int:
        """Return a number that no field has."""
        return len(self._fields)

    def open(self, field: Field, dtype: np.dtype[Any]) -> Callable[[NDArray[Any]], None]:
        """Return what keeps a row of a field."""
        self._fields[field.region] = kept = _Rows(field, dtype)
        return kept.append

    def rows(self, field: Field) -> int:
        """Return the number of rows of a field."""
        return self._fields[field.region].number

    def row_type(self, field: Field) -> np.dtype[Any]:
        """Return the dtype of the rows."""
        return self._fields[field.region].dtype

    def read(self, field: Field, n_rows: int) -> NDArray[Any]:
        """Return a copy of the first rows."""
        return self._fields[field.region].read(n_rows)


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
