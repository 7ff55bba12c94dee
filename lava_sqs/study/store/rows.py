"""One row of a results file: what it holds, and how its cells are written and read."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lava_sqs.study.counts import Counts
from lava_sqs.study.plan.points import HEAD, RESERVED, TAIL

__all__ = ["Row"]


@dataclass(frozen=True)
class Row:
    """One finished batch.

    Attributes
    ----------
    row_id, point_id : str
        Hashes, see :mod:`lava_sqs.study.plan`.
    batch : int
        Its number among those of the point.
    task : str
        Name of the task.
    params : dict
        Parameters of the point.
    seed : int
        Seed of the study.
    counts : Counts
        What the batch found.
    version : str
        Version of lava_sqs.
    seconds : float
        What the batch took; no part of the result.

    Examples
    --------
    >>> from lava_sqs.study import Study
    >>> study = Study("memory_capacity", base={"ansatz": "delay"})
    >>> step = next(study.iter_run())
    >>> step.row.batch, step.row.task
    (0, 'memory_capacity')
    """

    row_id: str
    point_id: str
    batch: int
    task: str
    params: dict[str, Any]
    seed: int
    counts: Counts
    version: str
    seconds: float

    @property
    def result(self) -> Row:
        """The row without what differs from run to run."""
        return replace(self, seconds=0.0)


# -- cells ---------------------------------------------------------------------------------------


def encode(value: Any) -> str:
    """Return a parameter as a cell. Texts that look like something else are quoted as in JSON."""
    if isinstance(value, str):
        return _quoted(value) if not value or decode(value) != value else _safe(value)
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value is None:
        return "none"
    return json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def _safe(text: str) -> str:
    """Quote what a spreadsheet takes for a formula, and control characters, which move cursors."""
    formula = text.startswith(("=", "+", "-", "@", '"'))
    return _quoted(text) if formula or not text.isprintable() else text


def decode(cell: str) -> Any:
    """Return the parameter that a cell holds."""
    if cell == "none":
        return None
    if cell in ("inf", "-inf"):
        return float(cell)
    # NaN is no parameter, so the words that json takes for it are texts here.
    if cell in ("true", "false") or (cell[:1] and cell[0] in '"[-0123456789'):
        try:
            return json.loads(cell)
        except json.JSONDecodeError:
            return cell
        except RecursionError:
            raise ValueError("a cell is nested too deeply") from None
    return cell


def cells_of(row: Row, columns: Sequence[str]) -> list[str]:
    c = row.counts
    values = c.kind == "values"
    own = {
        "row_id": row.row_id,
        "point_id": row.point_id,
        "batch": str(row.batch),
        "task": _safe(row.task),
        "seed": str(row.seed),
        "shots": str(c.shots),
        "errors": "" if values else str(c.errors),
        # repr: the shortest text that reads back as the same float, so sums agree after a restart.
        "value_sum": repr(c.value_sum) if values else "",
        "value_sq": repr(c.value_sq) if values else "",
        "sample_errors": " ".join(map(str, c.sample_errors)),
        "version": row.version,
        "seconds": f"{row.seconds:.4f}",
    }
    return [
        own[name] if name in own else encode(row.params[name]) if name in row.params else ""
        for name in columns
    ]


def line_of(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def columns_of(params: Iterable[str]) -> list[str]:
    """Return the columns of a file whose rows have these parameters."""
    return [*HEAD, *params, *TAIL]


def parse(cells: Sequence[str], columns: Sequence[str], known: dict[str, dict[str, Any]]) -> Row:
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells in {len(columns)} columns")
    c = dict(zip(columns, cells, strict=True))
    shots = int(c["shots"])
    if c["value_sum"]:
        counts = Counts(
            "values", shots, value_sum=float(c["value_sum"]), value_sq=float(c["value_sq"])
        )
    elif c["sample_errors"]:
        each = tuple(map(int, c["sample_errors"].split()))
        counts = Counts("samples", shots, int(c["errors"]), sample_errors=each)
    else:
        counts = Counts("shots", shots, int(c["errors"]))
    params = known.get(c["point_id"])  # rows of one point share their parameters
    if params is None:
        params = {k: decode(v) for k, v in c.items() if k not in RESERVED and v != ""}
        known[c["point_id"]] = params
    if not c["row_id"] or not c["point_id"]:
        raise ValueError("no id")
    return Row(
        c["row_id"],
        c["point_id"],
        int(c["batch"]),
        str(decode(c["task"])) if c["task"].startswith('"') else c["task"],
        params,
        int(c["seed"]),
        counts,
        c["version"],
        float(c["seconds"]),
    )
