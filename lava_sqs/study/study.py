"""The study: a task over a grid of parameters."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

from lava_sqs._checks import check_int, check_seconds, check_text
from lava_sqs._errors import ArgumentValueError
from lava_sqs._version import __version__
from lava_sqs.study.plan.ids import canonical, point_id
from lava_sqs.study.plan.points import Point, expand, select_valid
from lava_sqs.study.plan.stop import Stop
from lava_sqs.study.result import StudyResult
from lava_sqs.study.run.pool import Pool
from lava_sqs.study.run.runner import Progress, run_points
from lava_sqs.study.store import Row, RowStore, StudyWarning
from lava_sqs.study.tasks._identity import identity
from lava_sqs.study.tasks.task import Task, resolve_task, task_name

__all__ = ["Study"]


class Study:
    """A task over a grid of parameters, run in batches that survive interruption.

    Parameters
    ----------
    task : callable or str
        ``task(params, seed) -> Counts``, with *params* a flat dict and *seed* a
        ``numpy.random.SeedSequence``; picklable. Or the name of a built-in task.
    grid : dict, optional
        Lists of values by name, of which the product is taken. Names may be dotted,
        ``"noise.t1"``.
    points : list of dict, optional
        An explicit list, instead of the grid or crossed with it.
    base : dict, optional
        Parameters of every point. ``{"noise": {"t1": 1e-4}}`` is ``{"noise.t1": 1e-4}``, and a
        NoiseModel stands for its fields.
    seed : int
        Seed of the study: the same seed gives the same rows, whatever runs them.
    on_invalid : {"raise", "skip"}
        What to do with points where t2 > 2 t1.
    options : dict, optional
        Arguments of a built-in task, or keywords of a function.
    version : str or int, optional
        Replaces the comparison of the task's code and of what it reaches: rows count for the same
        name, version, options and parameters. Change it whenever results would change.

    Attributes
    ----------
    points : list of Point
        All points of the plan, in order.
    skipped : list of dict
        Parameters of impossible points.

    Raises
    ------
    TypeError, ValueError
        If names or values are wrong, or points are impossible or repeated. Raised before anything
        runs.

    Examples
    --------
    >>> from lava_sqs.study import Study
    >>> study = Study(
    ...     "memory_capacity",
    ...     grid={"memory_qubits": [1, 2], "noise.t1": [1e-5, 1e-4]},
    ...     base={"ansatz": "delay", "noise.t2_over_t1": 1.0},
    ... )
    >>> print(study.run(progress=False).table())  # doctest: +ELLIPSIS
    memory_capacity: 4 points, 4 rows, ...
    everywhere: ansatz = delay, noise.t2_over_t1 = 1
      memory_qubits  noise.t1  shots   value  95% interval     method
    ...
    """

    task: Task
    name: str
    seed: int
    skipped: list[dict[str, Any]]

    def __init__(
        self,
        task: Task | str,
        grid: Mapping[str, Any] | None = None,
        *,
        points: Sequence[Mapping[str, Any]] | None = None,
        base: Mapping[str, Any] | None = None,
        seed: int = 0,
        on_invalid: str = "raise",
        options: Mapping[str, Any] | None = None,
        version: str | int | None = None,
    ) -> None:
        self.task = resolve_task(task, options)
        self.name = task_name(self.task)
        self.seed = check_int("seed", seed, minimum=0)
        if version is not None:
            version = check_text("version", str(version) if type(version) is int else version)
            if not version:
                raise ArgumentValueError("version", "must not be empty.")
        self._identity = identity(self.task, version)
        # All points are checked before the first batch runs: a typo must not show after a night.
        expanded = expand(grid=grid, points=points, base=base)
        valid, self.skipped = select_valid(expanded, on_invalid)
        if not valid:
            raise ValueError("The study has no possible point: every one has t2 > 2 t1.")
        check = getattr(self.task, "check", None)
        self.points: list[Point] = []
        seen: dict[str, Point] = {}
        for params in valid:
            if callable(check):
                check(params)
            point = Point(params, point_id(self._identity, params))
            if point.id in seen:
                raise ValueError(f"The point ({point}) is in the study twice.")
            seen[point.id] = point
            self.points.append(point)

    def __repr__(self) -> str:
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"Study({self.name!r}, {len(self.points)} points{skipped}, seed={self.seed})"

    @property
    def parameters(self) -> list[str]:
        """Names of all parameters, in the order of the columns of a results file."""
        return list(dict.fromkeys(name for p in self.points for name in p.params))

    def iter_run(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        workers: int | None = None,
        executor: Executor | Callable[[], Executor] | None = None,
        max_shots: int | None = None,
        max_errors: int | None = None,
        target_width: float | None = None,
        max_batches: int | None = None,
        resume: bool = True,
        isolate: bool | None = None,
        timeout: float | None = None,
        retries: int = 3,
    ) -> Generator[Progress, None, None]:
        """Run batches until every point has enough; yield a Progress after each new row.

        Leaving the loop early stops the run; what is on disk stays and is taken up next time.
        Arguments and errors are those of :meth:`run`.

        Yields
        ------
        Progress
        """
        stop = Stop(
            max_shots=max_shots,
            max_errors=max_errors,
            target_width=target_width,
            max_batches=max_batches,
        )
        if isolate is None:
            own = self.task.func if isinstance(self.task, functools.partial) else self.task
            # A task that forks, as Lava's networks do, says so itself.
            isolate = bool(getattr(own, "isolate", False))
            timeout = getattr(own, "timeout", None) if timeout is None else timeout
        if timeout is not None:
            timeout = check_seconds("timeout", timeout)
            if not isolate:
                raise ArgumentValueError(
                    "timeout",
                    "needs isolate=True: only a batch in a process of its own can be ended.",
                )
        check_int("retries", retries, minimum=0)
        run = functools.partial(
            run_points,
            self.task,
            self.points,
            name=self.name,
            seed=self.seed,
            stop=stop,
            isolate=isolate,
            timeout=timeout,
            retries=retries,
        )

        def steps() -> Generator[Progress, None, None]:
            with contextlib.ExitStack() as stack:  # what is opened last is closed first
                store = None
                if path is not None:
                    store = stack.enter_context(RowStore(path, self.parameters, resume=resume))
                    self._warn_of_others(store)
                rows = [] if store is None else list(store.rows)
                found = run(rows=rows, pool=Pool(workers, executor))
                for step in stack.enter_context(contextlib.closing(found)):
                    if store is not None:
                        store.append(step.row)
                    yield step

        return steps()

    def _warn_of_others(self, store: RowStore) -> None:
        """Say which rows look like ours and do not count."""
        ids = {p.id for p in self.points}
        rows = [r for r in store.rows if r.point_id not in ids]
        if other := [r for r in rows if r.version != __version__]:
            warnings.warn(
                f"{store.path}: {len(other)} rows were made by version "
                f"{' and '.join(sorted({r.version for r in other}))} of lava_sqs and do not count: "
                f"this is {__version__}. Finish the study with the version that began it, or let "
                "it run: its points are computed again, and the old rows stay in the file.",
                StudyWarning,
                stacklevel=4,
            )
        # Equal parameters and another id: the task itself has changed.
        ours = {canonical(p.params) for p in self.points}
        if other := [
            r
            for r in rows
            if r.version == __version__ and r.task == self.name and canonical(r.params) in ours
        ]:
            warnings.warn(
                f"{store.path}: {len(other)} rows of the same parameters do not count, since the "
                f"task {self.name!r} is no longer the one that made them: its code, its options or "
                "a value that it uses have changed (or differ in every run; or the file was begun "
                "before ids told what a task reaches). Their points run again.",
                StudyWarning,
                stacklevel=4,
            )

    def run(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        workers: int | None = None,
        executor: Executor | Callable[[], Executor] | None = None,
        max_shots: int | None = None,
        max_errors: int | None = None,
        target_width: float | None = None,
        max_batches: int | None = None,
        resume: bool = True,
        isolate: bool | None = None,
        timeout: float | None = None,
        retries: int = 3,
        progress: bool | None = None,
    ) -> StudyResult:
        """Run the study, or the rest of it, and return its result.

        Parameters
        ----------
        path : path, optional
            Results file (CSV): one row per finished batch. None keeps the rows in memory.
        workers : int, optional
            Number of processes; 1 (default) runs in this one, more with loky. With an *executor*,
            how many batches it is given at once (default: its size).
        executor : concurrent.futures.Executor or callable, optional
            Executor that runs the batches instead. A function that makes one allows a broken one
            to be replaced.
        max_shots : int, optional
            Number of shots after which a point is done. The first batch after which any of the
            rules holds finishes the point.
        max_errors : int, optional
            Number of errors after which a point is done.
        target_width : float, optional
            Width of the 95 % interval below which a point is done.
        max_batches : int, optional
            Number of batches after which a point is done. None is 1 without any other rule, else
            1000.
        resume : bool
            Whether to continue where a file stops; with False a file that has rows is an error.
        isolate : bool, optional
            Run each batch in a process of its own, as tasks that use Lava must; None asks the
            task's attribute of that name, and that of the next argument.
        timeout : float, optional
            Seconds after which an isolated batch is killed, and run again.
        retries : int
            How often a batch is run again after its worker was lost or its time was up.
        progress : bool, optional
            Whether to show a bar on standard error; None shows it if that is a terminal.

        Returns
        -------
        StudyResult
            The points of this study; other rows in the file are left alone.

        Raises
        ------
        StudyError
            If the task failed at some points; the others are finished first.
        StoreError, FileExistsError
            If the file cannot be used.

        Warns
        -----
        StudyWarning
            If a torn line was removed, or a worker was lost and its batch runs again.
        """
        steps = self.iter_run(
            path,
            workers=workers,
            executor=executor,
            max_shots=max_shots,
            max_errors=max_errors,
            target_width=target_width,
            max_batches=max_batches,
            resume=resume,
            isolate=isolate,
            timeout=timeout,
            retries=retries,
        )
        shown = sys.stderr.isatty() if progress is None else progress
        rows = _collect(steps, len(self.points), shown)
        return StudyResult(tuple(rows), tuple(self.skipped)) if path is None else self.result(path)

    def result(self, *paths: str | os.PathLike[str]) -> StudyResult:
        """Return what files hold of this study: its points, all seeds.

        Parameters
        ----------
        *paths : path
            Results files.

        Returns
        -------
        StudyResult
        """
        ids = {p.id: i for i, p in enumerate(self.points)}
        rows = [row for row in StudyResult.load(*paths).rows if row.point_id in ids]
        rows.sort(key=lambda row: (ids[row.point_id], row.seed, row.batch))
        return StudyResult(tuple(rows), tuple(self.skipped))


def _collect(steps: Generator[Progress, None, None], points: int, shown: bool) -> list[Row]:
    """Return the new rows; the bar says how many points are done."""
    from tqdm import tqdm

    rows: list[Row] = []
    with (
        contextlib.closing(steps),
        tqdm(
            total=points, disable=not shown, unit="point", smoothing=0, miniters=0, file=sys.stderr
        ) as bar,
    ):
        for step in steps:
            if not rows:  # what was done before does not count for the rate
                bar.initial = bar.n = step.points_done - bool(step.stopped_by)
            rows.append(step.row)
            bar.set_postfix(rows=len(rows), refresh=False)
            bar.update(step.points_done - bar.n)
    return rows
