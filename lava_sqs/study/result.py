"""What a study found: rows added up per point, intervals, tables, pictures."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lava_sqs._checks import describe, printable
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import load
from lava_sqs._text import aligned
from lava_sqs.study.counts import Counts
from lava_sqs.study.intervals import Interval, interval
from lava_sqs.study.plan.noise import RATIOS
from lava_sqs.study.store import Row, combine

if TYPE_CHECKING:
    from pathlib import Path

    import pandas
    from matplotlib.axes import Axes

    from lava_sqs.study.plan import Stop

__all__ = ["PointResult", "StudyResult"]


@dataclass(frozen=True)
class PointResult:
    """Everything known about one point.

    Attributes
    ----------
    id, task, version : str
        Hash of the point, name of the task, version of lava_sqs.
    params : dict
        Parameters of the point by name.
    counts : Counts
        Counts of all rows.
    batches : int
        Number of rows.
    seeds : tuple of int
        Seeds of the studies that contributed.
    seconds : float
        What all batches took.

    Examples
    --------
    >>> from lava_sqs.study import Study
    >>> point = Study("memory_capacity", base={"ansatz": "delay"}).run(progress=False).points[0]
    >>> round(point.value, 9), point.batches
    (1.0, 1)
    """

    id: str
    task: str
    params: dict[str, Any]
    counts: Counts
    batches: int
    seeds: tuple[int, ...]
    version: str
    seconds: float

    @property
    def value(self) -> float:
        """Mean value, or fraction of errors."""
        return self.counts.estimate

    def interval(self, level: float = 0.95) -> Interval:
        """Return the interval that fits how the counts were made.

        Parameters
        ----------
        level : float
            Confidence level, in (0, 1).

        Returns
        -------
        Interval
        """
        return interval(self.counts, level)

    def parameter(self, name: str) -> Any:
        """Return a parameter, also one that others imply: t2 from t1 and t2_over_t1.

        Parameters
        ----------
        name : str
            Full name of the parameter, such as ``noise.t2``.

        Returns
        -------
        float, int, str, list or None
            None if the point does not have it.
        """
        if name in self.params:
            return self.params[name]
        prefix, _, field = name.rpartition(".")
        for ratio, (target, of) in RATIOS.items():
            by, base = self.params.get(f"{prefix}.{ratio}"), self.params.get(f"{prefix}.{of}")
            # The axis of a picture may be a parameter that nobody gave: t2 follows from t1 and a
            # ratio.
            if field == target and by is not None:
                return None if base is None or isinstance(base, list) else base * by
        return None


def _group(rows: Iterable[Row]) -> list[PointResult]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.point_id, []).append(row)
    points = []
    for rows_of in grouped.values():
        # One order for every file, so that sums of floats agree to the last bit.
        rows_of.sort(key=lambda row: (row.seed, row.batch))
        total = rows_of[0].counts
        for row in rows_of[1:]:
            total = total + row.counts
        first = rows_of[0]
        about = (first.point_id, first.task, first.params, total, len(rows_of))
        seeds = tuple(dict.fromkeys(row.seed for row in rows_of))
        seconds = sum(row.seconds for row in rows_of)
        points.append(PointResult(*about, seeds, first.version, seconds))
    return points


@dataclass(frozen=True)
class StudyResult:
    """The rows of a study, added up. Immutable.

    Attributes
    ----------
    rows : tuple of Row
        Rows of the results, in the order of the points.
    skipped : tuple of dict
        Points that were left out as impossible.

    Examples
    --------
    >>> StudyResult.load("runs.csv").to_dataframe()                    # doctest: +SKIP
    >>> StudyResult.load("runs.csv").select(memory_qubits=2).plot(x="t1")  # doctest: +SKIP
    """

    rows: tuple[Row, ...]
    skipped: tuple[dict[str, Any], ...] = ()

    @classmethod
    def load(cls, *paths: str | os.PathLike[str]) -> StudyResult:
        """Return the results in one or more files, every row once.

        Parameters
        ----------
        *paths : path
            CSV files of studies.

        Returns
        -------
        StudyResult

        Raises
        ------
        ValueError
            If there is no path.
        StoreError
            If a file cannot be used.
        """
        if not paths:
            raise ArgumentValueError("paths", "must have at least one file.")
        return cls(tuple(combine(paths)))

    @cached_property
    def points(self) -> list[PointResult]:
        """One entry for each set of parameters, in the order of their first rows."""
        return _group(self.rows)

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[PointResult]:
        return iter(self.points)

    @cached_property
    def parameters(self) -> list[str]:
        """Names of all parameters."""
        return list(dict.fromkeys(name for p in self.points for name in p.params))

    @cached_property
    def varying(self) -> list[str]:
        """Names of the parameters that differ between points."""
        # repr: lists cannot be members of a set, and 1 and True are not the same parameter.
        columns = {
            name: {repr(p.params.get(name)) for p in self.points} for name in self.parameters
        }
        return [name for name, values in columns.items() if len(values) > 1]

    def resolve(self, name: str) -> str:
        """Return the full name of a parameter: ``t2`` is ``noise.t2``.

        Parameters
        ----------
        name : str
            Full name of the parameter, or the end of it.

        Returns
        -------
        str

        Raises
        ------
        TypeError, ValueError
            If no point has the parameter, or the name fits several.
        """
        if not isinstance(name, str):
            raise TypeError(f"A parameter must be named by a text, but got {describe(name)}.")
        names = list(self.parameters)
        for ratio, (field, _) in RATIOS.items():
            names += [n.replace(ratio, field) for n in self.parameters if n.endswith(f".{ratio}")]
        if name in names:
            return name
        found = sorted({n for n in names if n.endswith(f".{name}")})
        if f"noise.{name}" in found:
            return f"noise.{name}"
        if len(found) != 1:
            what = f"could be {', '.join(found)}" if found else f"it has {', '.join(names)}"
            raise ValueError(f"The study has no parameter {name!r}: {what}.")
        return found[0]

    def select(
        self, keep: Callable[[PointResult], bool] | None = None, /, **params: Any
    ) -> StudyResult:
        """Return the points with these parameters.

        Parameters
        ----------
        keep : callable, optional
            Takes a PointResult, returns whether to keep it.
        **params
            A value or a list of values; a dot in a name is written as two underscores
            (``noise__t1=1e-4``), ``task`` and ``version`` work as well.

        Returns
        -------
        StudyResult
        """
        wanted = {}
        for key, value in params.items():
            full = key.replace("__", ".")
            full = full if full in ("task", "version") else self.resolve(full)
            wanted[full] = value if isinstance(value, (list, tuple, set)) else [value]

        def fits(point: PointResult) -> bool:
            if keep is not None and not keep(point):
                return False
            return all(_column(point, k) in values for k, values in wanted.items())

        # Rows are kept, not points: what is selected can be saved, added up and selected again.
        ids = {p.id for p in self.points if fits(p)}
        return StudyResult(tuple(r for r in self.rows if r.point_id in ids), self.skipped)

    def to_dataframe(self, level: float = 0.95) -> pandas.DataFrame:
        """Return a table with a row per point: parameters, sums, value, interval, what it covers.

        Parameters
        ----------
        level : float
            Confidence level of the intervals, in (0, 1).

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ImportError
            If pandas is missing: install the extra `study`.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_dataframe() needs pandas: install the extra `study`, "
                "pip install 'lava-sqs[study]'."
            ) from error
        records = []
        for p in self.points:
            found = p.interval(level)
            records.append(
                {
                    "task": p.task,
                    **{name: p.params.get(name) for name in self.parameters},
                    "shots": p.counts.shots,
                    "errors": None if p.counts.kind == "values" else p.counts.errors,
                    "value": p.value,
                    "low": found.low,
                    "high": found.high,
                    "interval": found.method,
                    "covers": found.covers,
                    "batches": p.batches,
                    "seeds": " ".join(map(str, p.seeds)),
                    "version": p.version,
                    "seconds": p.seconds,
                    "point_id": p.id,
                }
            )
        return pandas.DataFrame.from_records(records)

    def plot(self, x: str, y: str | None = None, *, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the value against *x*, or a heat map over *x* and *y*.

        See :func:`lava_sqs.plot.study.plot_study` and :func:`lava_sqs.plot.study.plot_heatmap`
        for the options.
        """
        names, draw = ([x], "plot_study") if y is None else ([x, y], "plot_heatmap")
        # Pictures know results: importing them here would close a circle.
        drawn: Axes = load(f"lava_sqs.plot.study:{draw}")(self, *names, ax=ax, **options)
        return drawn

    def report(
        self,
        file: str | os.PathLike[str],
        *,
        study: Any = None,
        stop: Stop | None = None,
        x: str | None = None,
        group: str | Sequence[str] | None = None,
        value: str = "auto",
        level: float = 0.95,
        presets: Sequence[str] = (),
        title: str | None = None,
    ) -> Path:
        """Write figures, table, settings, seeds and versions into one HTML file that can be sent.

        Parameters
        ----------
        file : path
            A new file, or one to replace. It needs no other file, and no network to be read.
        study : Study, optional
            What the rows are of. With it the page says which points are missing or open.
        stop : Stop, optional
            When a point of `study` is done. None is one batch, as without a rule in a run.
        x : str, optional
            The parameter to draw against. None takes the number that varies most, and draws as
            many figures as it needs.
        group : str or list of str, optional
            One curve for each value, as for :func:`lava_sqs.plot.plot_study`; needs `x`.
        value : {"auto", "value", "error rate", "accuracy"}
            What to draw.
        level : float
            Confidence level of the intervals, in (0, 1).
        presets : list of str
            Devices to mark in figures over a parameter of noise.
        title : str, optional
            None is made of the task's name.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value, or cannot be drawn.
        OSError
            If the file cannot be written; an old one is then as it was.

        Examples
        --------
        >>> study.run("runs.csv").report("study.html", study=study)  # doctest: +SKIP
        """
        write = load("lava_sqs.study.report_html:write_report")
        look = {"x": x, "group": group, "value": value, "level": level, "presets": presets}
        written: Path = write(self, file, study=study, stop=stop, title=title, **look)
        return written

    def __repr__(self) -> str:
        tasks = ", ".join(sorted({p.task for p in self.points})) or "no task"
        return f"<StudyResult of {tasks}: {len(self.points)} points, {len(self.rows)} rows>"

    def __str__(self) -> str:
        return self.table()

    def table(self, level: float = 0.95, limit: int = 60) -> str:
        """Return an aligned table: what varies, value and interval.

        Parameters
        ----------
        level : float
            Confidence level of the intervals, in (0, 1).
        limit : int
            Most points to show.

        Returns
        -------
        str
        """
        same = {k: self.points[0].params.get(k) for k in self.parameters if k not in self.varying}
        tasks = sorted({p.task for p in self.points})
        versions = sorted({p.version for p in self.points})
        extra = [n for n, v in (("task", tasks), ("version", versions)) if len(v) > 1]
        said, by = printable(", ".join(tasks)), printable(", ".join(versions))
        head = [
            f"{said or 'no task'}: {len(self.points)} points, {len(self.rows)} rows, "
            f"{sum(row.seconds for row in self.rows):.1f} s, version {by or '-'}"
        ]
        if same:
            head.append(
                "everywhere: " + ", ".join(f"{printable(k)} = {_short(v)}" for k, v in same.items())
            )
        if self.skipped:
            head.append(f"{len(self.skipped)} impossible points were skipped (t2 > 2 t1)")
        titles, body, notes = self._cells(extra, level, limit)
        lines = [aligned([titles, *body], ">", indent="  ")]
        if len(self.points) > limit:
            lines.append(f"  ... and {len(self.points) - limit} more points")
        return "\n".join([*head, *lines, *notes])

    def _cells(
        self, extra: list[str], level: float, limit: int
    ) -> tuple[list[str], list[list[str]], list[str]]:
        """Return titles and rows of the table, and notes on what its intervals cover."""
        columns = [*extra, *self.varying]
        errors = all(p.counts.kind != "values" for p in self.points)
        titles = [
            *map(printable, columns),
            "shots",
            "error rate" if errors else "value",
            f"{level:.0%} interval",
            "method",
        ]
        body, covers = [], dict[str, list[str]]()
        for p in self.points[:limit]:
            found = p.interval(level)
            covers.setdefault(found.method, []).append(found.covers)
            body.append(
                [
                    *(_short(_column(p, c)) for c in columns),
                    str(p.counts.shots),
                    f"{found.estimate:.4g}",
                    "-" if math.isnan(found.low) else f"[{found.low:.4g}, {found.high:.4g}]",
                    found.method,
                ]
            )
        alone = covers.pop("none", None)
        notes = [f"{method}: {_together(texts)}" for method, texts in covers.items()]
        if notes:
            notes[0] = f"intervals cover: {notes[0]}"
        if alone is not None:
            notes.append(f"no interval: {alone[0]}")
        return titles, body, notes


def _column(point: PointResult, name: str) -> Any:
    return getattr(point, name) if name in ("task", "version") else point.parameter(name)


def _together(texts: list[str]) -> str:
    """Return one text for all that differ in their numbers only: "500 to 2000 shots"."""
    numbers = zip(*([int(n) for n in re.findall(r"\d+", t)] for t in texts), strict=True)
    spans = iter([sorted({min(n), max(n)}) for n in numbers])
    return re.sub(r"\d+", lambda _: " to ".join(map(str, next(spans))), texts[0])


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "-" if value is None else printable(str(value))
