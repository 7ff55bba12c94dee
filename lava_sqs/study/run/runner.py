"""The loop of a study: which batch runs next, which results count, when a point is done.

Results are taken in the order of the batches of a point, regardless of who computed them and when.
A batch that was started ahead and turns out to be beyond the stopping rule is thrown away. So the
rows depend on nothing but the study.
"""

from __future__ import annotations

import concurrent.futures as cf
import time
import warnings
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lava_sqs._version import __version__
from lava_sqs.study.counts import Counts, as_counts
from lava_sqs.study.plan import Point, Stop, batch_seed, canonical, row_id
from lava_sqs.study.run._failure import Failure, in_words
from lava_sqs.study.run.isolation import IsolatedFailure, run_isolated
from lava_sqs.study.run.pool import Pool, is_lost
from lava_sqs.study.store import Row, StudyWarning

__all__ = ["Progress", "StudyError", "run_points"]


class StudyError(RuntimeError):
    """Some points failed; the rows of the others are there.

    Parameters
    ----------
    failures : list of (Point, BaseException)
        What failed, and how; kept as an attribute. An exception of another process that cannot be
        pickled is a RuntimeError with its name and its text.
    """

    shown = 5  # failures in the message

    def __init__(self, failures: list[tuple[Point, BaseException]]) -> None:
        self.failures = failures
        lines = [f"{len(failures)} point(s) failed; the rows of all others are kept."]
        for point, error in failures[: self.shown]:
            lines.append(f"  {point}: {in_words(error)}")
        if len(failures) > self.shown:
            lines.append(f"  and {len(failures) - self.shown} more")
        super().__init__("\n".join(lines))


@dataclass(frozen=True)
class Progress:
    """One more row.

    Attributes
    ----------
    row : Row
        The new one.
    counts : Counts
        Counts of the point so far.
    stopped_by : str
        The rule that ended the point with this row; empty if it continues.
    points_done, points_total : int
        How far the study is.

    Examples
    --------
    >>> from lava_sqs.study import Study
    >>> study = Study("memory_capacity", base={"ansatz": "delay"})
    >>> [(step.stopped_by, step.points_done) for step in study.iter_run()]
    [('max_batches', 1)]
    """

    row: Row
    counts: Counts
    stopped_by: str
    points_done: int
    points_total: int


def compute(
    task: Any, params: dict[str, Any], seed: int, point: str, batch: int, attempt: int
) -> tuple[Counts, float] | Failure:
    """Run one batch; returns its counts and the seconds it took, or what the task raised.

    Runs in the workers.

    *attempt* is not used: it keeps engines that remember calls (Dask) from answering a retry with
    the old failure.
    """
    start = time.perf_counter()
    try:
        counts = as_counts(task(dict(params), batch_seed(seed, point, batch)))
    except BaseException as error:  # SystemExit as well: the same here and in a worker
        return Failure(error)
    return counts, time.perf_counter() - start


def compute_isolated(timeout: float | None, *args: Any) -> tuple[Counts, float] | Failure:
    """Run one batch in a process of its own."""
    try:
        outcome: tuple[Counts, float] = run_isolated(compute, *args, timeout=timeout)
    except IsolatedFailure:
        raise
    except BaseException as error:
        return Failure(error)
    return outcome


NOTHING = canonical(None)


@dataclass
class _State:
    """Where a point stands. `ready` holds results not yet counted."""

    point: Point
    needs: str  # what its first batch makes for all points that need the same; may be NOTHING
    ready: dict[int, Row] = field(default_factory=dict)
    counted: int = 0  # batches 0 .. counted - 1 are in `counts`
    counts: Counts | None = None
    started: int = 0
    running: int = 0
    stopped_by: str = ""
    attempts: dict[int, int] = field(default_factory=dict)
    again: list[int] = field(default_factory=list)  # lost, to be run once more
    alone: list[int] = field(default_factory=list)  # lost too often in company
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return bool(self.stopped_by) or self.error is not None

    def advance(self, stop: Stop) -> list[tuple[Row, Counts]]:
        """Count what is ready, in order, until the rule holds."""
        taken = []
        # In the order of batches, not of arrival: the stopping rule then sees the same sums in
        # every run.
        while not self.done and self.counted in self.ready:
            row = self.ready.pop(self.counted)
            try:
                self.counts = row.counts if self.counts is None else self.counts + row.counts
            except ValueError as error:  # counts that do not add up
                self.error = error
                break
            self.counted += 1
            self.stopped_by = stop.reached(self.counts, self.counted)
            taken.append((row, self.counts))
        return taken

    def next_batch(self, limit: int) -> int | None:
        """Return a batch that nobody has started, or None."""
        if self.done:
            return None
        if self.again:
            return self.again.pop(0)
        # Rows of an earlier run may be ahead of what this one has started.
        self.started = max(self.started, self.counted)
        while self.started in self.ready:
            self.started += 1
        if self.started >= limit:
            return None
        self.started += 1
        return self.started - 1


def run_points(
    task: Any,
    points: list[Point],
    *,
    name: str,
    seed: int,
    stop: Stop,
    rows: list[Row],
    pool: Pool,
    isolate: bool = False,
    timeout: float | None = None,
    retries: int = 3,
) -> Generator[Progress, None, None]:
    """Yield a Progress for every new row, as soon as it counts.

    Parameters
    ----------
    task, points, name, seed, stop
        The study.
    rows : list of Row
        What is there already.
    pool : Pool
        Closed at the end, also of an interrupted run.
    isolate, timeout, retries
        See :meth:`~lava_sqs.Study.run`.

    Raises
    ------
    StudyError
        If points failed; raised at the end.

    Examples
    --------
    >>> from lava_sqs.study import Counts, Study
    >>> study = Study("memory_capacity", base={"ansatz": "delay"})
    >>> steps = run_points(study.task, study.points, name="mine", seed=0, stop=Stop(), rows=[],
    ...                    pool=Pool(1, None))
    >>> next(steps).row.task
    'mine'
    """
    return _Run(task, name, seed, stop, pool, isolate, timeout, retries).run(points, rows)


def states_of(
    task: Any, points: list[Point], rows: Iterable[Row], seed: int, stop: Stop
) -> list[_State]:
    """Return where each of the *points* stands after the *rows* of this *seed*."""
    needs = getattr(task, "needs", lambda params: None)
    states = {p.id: _State(p, canonical(needs(p.params))) for p in points}
    for row in rows:
        if row.point_id in states and row.seed == seed:
            states[row.point_id].ready[row.batch] = row
    for state in states.values():
        state.advance(stop)
    return list(states.values())


@dataclass
class _Run:
    task: Any
    name: str
    seed: int
    stop: Stop
    pool: Pool
    isolate: bool
    timeout: float | None
    retries: int
    running: dict[cf.Future[Any], tuple[_State, int]] = field(default_factory=dict)
    suspect: bool = False  # whether what runs is one batch alone
    made: set[str] = field(default_factory=lambda: {NOTHING})  # of what points need

    def run(self, points: list[Point], rows: list[Row]) -> Generator[Progress, None, None]:
        states = states_of(self.task, points, rows, self.seed, self.stop)
        # Points whose rows already satisfy the rule start nothing.
        self.open = deque(s for s in states if not s.done)
        old = {row.row_id for row in rows}
        done = len(states) - len(self.open)
        try:
            # A call: where a loop jumps back, CPython 3.13 checks for signals outside of its `try`.
            yield from self.advance(states, old, done)
        finally:
            for future in self.running:
                future.cancel()
            self.pool.close()
        if failures := [(s.point, s.error) for s in states if s.error is not None]:
            raise StudyError(failures) from failures[0][1]

    def advance(
        self, states: list[_State], old: set[str], done: int
    ) -> Generator[Progress, None, None]:
        """Run batches while any are open, and yield their rows."""
        self.fill()
        while self.running:
            finished, _ = cf.wait(self.running, return_when=cf.FIRST_COMPLETED)
            broken = False
            for future in finished:
                state, batch = self.running.pop(future)
                state.running -= 1
                if state.done:  # started ahead, and not needed
                    broken |= _is_broken(future)
                    continue
                broken |= self.take(future, state, batch)
                for row, total in state.advance(self.stop):
                    ended = state.stopped_by if row.batch + 1 == state.counted else ""
                    if row.row_id not in old:
                        yield Progress(row, total, ended, done + bool(ended), len(states))
                done += state.done
            if broken:
                self.rebuild()
            self.fill()

    def fill(self) -> None:
        """Start batches while there are free workers."""
        while self.open and self.open[0].done:
            self.open.popleft()
        if self.suspect and self.running:
            return
        self.suspect = False
        if suspects := [s for s in self.open if s.alone and not s.done]:
            if not self.running:  # let the others finish first: then its loss is its own fault
                self.suspect = True
                self.start(suspects[0], suspects[0].alone.pop(0))
            return
        for state in self.wanted():
            if len(self.running) >= self.pool.size:
                return
            batch = state.next_batch(self.stop.batch_limit)
            if batch is not None:
                self.start(state, batch)

    def wanted(self) -> Iterator[_State]:
        """Yield the points that the next batch may be of, the most urgent first."""
        # What others wait for: one batch makes it, and until then there are other things to do.
        for state in self.open:
            if state.needs not in self.made and not any(
                s.needs == state.needs for s, _ in self.running.values()
            ):
                yield state
        # Batches that are needed for certain, then those that may turn out to be too many.
        # First every point's next batch, then second ones ahead of their results, and so on.
        for ahead in range(self.pool.size):
            for state in self.open:
                if state.running == ahead and state.needs in self.made:
                    yield state

    def start(self, state: _State, batch: int) -> None:
        point, attempt = state.point, state.attempts.get(batch, 0)
        arguments = (self.task, point.params, self.seed, point.id, batch, attempt)
        if self.isolate:
            future = self.pool.submit(compute_isolated, self.timeout, *arguments)
        else:
            future = self.pool.submit(compute, *arguments)
        state.running += 1
        self.running[future] = (state, batch)

    def take(self, future: cf.Future[Any], state: _State, batch: int) -> bool:
        """Keep the result of a batch, or see what to do about its loss; tell if the pool broke."""
        error = cf.CancelledError() if future.cancelled() else future.exception()
        outcome = None if error is not None else future.result()
        if isinstance(outcome, Failure):
            error = outcome.error
        if isinstance(error, KeyboardInterrupt):
            raise error  # also if it was raised in a worker: the run was interrupted
        if isinstance(outcome, Failure):
            state.error = error
        elif error is None:
            assert outcome is not None
            self.made.add(state.needs)
            point, seed = state.point, self.seed
            about = (row_id(point.id, seed, batch), point.id, batch, self.name, point.params, seed)
            counts, seconds = outcome
            state.ready[batch] = Row(*about, counts, __version__, seconds)
        elif is_lost(error):
            self.lost(state, batch, error)
        else:
            state.error = error
        return _is_broken(future)

    def lost(self, state: _State, batch: int, error: BaseException) -> None:
        attempt = state.attempts[batch] = state.attempts.get(batch, 0) + 1
        said = str(error).split("\n", maxsplit=1)[0]
        what = f"batch {batch} of ({state.point}) was lost: {type(error).__name__} {said}"
        # A broken pool loses all that ran in it, the guilty batch and the others: whose fault it is
        # shows when a batch is lost while it runs alone.
        in_company = isinstance(error, cf.BrokenExecutor) and not self.suspect
        if attempt > self.retries and not in_company:
            state.error = error
            return
        (state.alone if attempt > self.retries else state.again).append(batch)
        warnings.warn(f"{what}; it runs again.", StudyWarning, stacklevel=5)

    def rebuild(self) -> None:
        """Replace a broken pool; what ran in it is lost, except for results already here."""
        for future, (state, batch) in list(self.running.items()):
            # Finished before the pool broke: its result is good, and is taken in the next round.
            if future.done() and not future.cancelled() and future.exception() is None:
                continue
            del self.running[future]
            state.running -= 1
            if not state.done:
                self.lost(state, batch, cf.BrokenExecutor("its pool broke."))
        self.pool.rebuild()


def _is_broken(future: cf.Future[Any]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), cf.BrokenExecutor)
