"""See a network run: what `runtime.watch` returns."""

from __future__ import annotations

import contextvars
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from lava.magma.core.process.process import AbstractProcess

from lava_sqs._checks import check_instance, check_int, check_positive
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.execution.base import NetworkRuntime, label
from lava_sqs.execution.screen import NEURONS, STEPS, Seen, View, sample, screen_for
from lava_sqs.quantum.diagnostics import purity
from lava_sqs.recording import Column

__all__ = ["Watch"]

#: Share of the time that drawing may take.
SHARE = 0.03
#: Elements of a row, above which fewer steps of spikes are asked for, or no purity.
LARGE = 1 << 19
#: Seconds that the thread gets to end.
GRACE = 5.0


class Watch:
    """Shows what a network does while it runs; :meth:`lava_sqs.runtime.watch` makes it.

    Parameters
    ----------
    network : NetworkRuntime
        What runs.
    goal_of : callable
        Returns the last time step of the run, or None.
    processes : sequence of AbstractProcess
        Which ones to show; none is all that spike.
    steps : int or None
        Time steps that will be made in the block.
    rate : float
        Pictures per second, at most.
    file : file or None
        Where to draw.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> import sys
    >>> from lava.proc.lif.process import LIF
    >>> from lava_sqs.execution.running import SQSSimCfg, runtime
    >>> neuron = LIF(shape=(1,), bias_mant=1.0, vth=2.5, name="lif")
    >>> with runtime(neuron, SQSSimCfg()) as net, net.watch(file=sys.stdout) as watch:
    ...     net.run(300)  # doctest: +ELLIPSIS
    step 300 of 300, ...; lif: ...
    """

    def __init__(
        self,
        network: NetworkRuntime,
        goal_of: Callable[[], int | None],
        processes: Sequence[AbstractProcess],
        steps: int | None,
        rate: float,
        file: Any,
    ) -> None:
        self._network, self._goal_of = network, goal_of
        self._pause = 1 / check_positive("rate", rate)
        self._steps = None if steps is None else check_int("steps", steps, minimum=1)
        if file is not None and not hasattr(file, "write"):
            raise ArgumentTypeError("file", "must be a file that is open for text, or None.")
        self._file = file
        self._parts = _parts(network, processes)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._screen: Any = None

    def __enter__(self) -> Watch:
        if self._screen is not None:
            raise RuntimeError("This watch has ended: call net.watch() again for the next one.")
        self._begun, self._start = self._network.time_step, time.monotonic()
        self._latest = self._begun, self._start
        self._speed = 0.0
        for part in self._parts:
            part.ask()
        self._screen = screen_for(self._file)
        context = contextvars.copy_context()  # in which a notebook keeps the cell that displays
        self._thread = threading.Thread(
            target=context.run, args=(self._keep_drawing,), name="watch", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        try:
            if self._thread is not None:
                self._thread.join(GRACE)
            self._draw(last=True)
        finally:
            try:
                self._screen.close()
            except Exception as problem:
                self._error = self._error or problem
        if self._error is not None:
            warnings.warn(
                f"The network ran, but watch() could not show all of it: {self._error}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _keep_drawing(self) -> None:
        pause = self._pause
        while self._error is None and not self._ended.wait(pause):
            before = time.thread_time()
            self._draw()
            # By the time that drawing took: a slow machine gets fewer pictures, not a slower
            # network.
            pause = max(self._pause, (time.thread_time() - before) / SHARE)

    def _draw(self, last: bool = False) -> None:
        if self._error is not None:
            return
        try:
            self._screen.show(self.view(), last)
        except Exception as error:  # nothing that concerns the picture may end the run
            self._error = error

    def view(self) -> View:
        """Look at the network.

        Returns
        -------
        View
            Its step and speed, and of each Process spikes, rates and purities.
        """
        step, now = self._network.time_step, time.monotonic()
        then, at = self._latest
        if step > then and now > at:
            speed = (step - then) / (now - at)
            # Smoothed: steps come in bursts between two looks.
            self._speed = speed if self._speed == 0 else 0.7 * self._speed + 0.3 * speed
            self._latest = step, now
        goal = self._goal_of() if self._steps is None else self._begun + self._steps
        seen = [part.look() for part in self._parts]
        seconds = now - self._start
        speed = (step - self._begun) / seconds if self._ended.is_set() and seconds else self._speed
        return View(step, goal, self._begun, seconds, speed, seen)


class _Part:
    """A Process that is watched: asks for rows, and keeps what it has seen."""

    def __init__(self, process: AbstractProcess, rows: Any, spikes: Column, memory: Any) -> None:
        self._rows, self._spikes, self._memory = rows, spikes, memory
        size = int(np.prod(spikes.field.shape))
        self._seen = Seen(str(process.name), type(process).__name__, size)
        self._shown = sample(size, NEURONS)
        self._read = {id(spikes): 0, id(memory): 0}

    def ask(self) -> None:
        """Let the model take rows from now on, if it has taken those asked for before."""
        for column in (self._spikes, self._memory):
            if column is not None:
                self._read[id(column)] = done = self._rows.rows(column.field)
                self._rows.ask(column.field, done + column.field.keep)

    def _new(self, column: Column) -> Any:
        """Return the rows that have come since, and ask for more if these are all."""
        first, last = self._read[id(column)], self._rows.rows(column.field)
        found = self._rows.read_watched(column.field, first, last)
        for transform in column.transforms:
            found = np.stack([transform(row) for row in found]) if len(found) else found
        self._read[id(column)] = last
        self._rows.ask(column.field, last + column.field.keep)
        return found

    def look(self) -> Seen:
        """Return what is known now."""
        seen = self._seen
        if len(rows := self._new(self._spikes)):
            fired = rows.reshape(len(rows), -1) != 0
            seen.rates = [*seen.rates[-STEPS:], float(fired.mean())]
            shown = fired[:, self._shown]
            if len(seen.spikes):
                shown = np.concatenate([seen.spikes, shown])
            seen.spikes = shown[-STEPS:]
        if self._memory is not None and len(rows := self._new(self._memory)):
            found = purity(self._memory.target.note.put_on(rows[-1]))
            seen.purities = [*seen.purities[-STEPS:], float(found.mean())]
            seen.lowest = float(found.min())
        return seen


def _parts(network: NetworkRuntime, processes: Sequence[AbstractProcess]) -> list[_Part]:
    """Return the Processes to watch, each with the rows of its spikes and memory."""
    leaves = network.leaves()
    wanted = []
    for process in processes:
        check_instance("processes", process, AbstractProcess)
        own = [leaf for leaf in leaves if leaf is process or leaf.is_sub_proc_of(process)]
        own = [leaf for leaf in own if hasattr(leaf, "s_out")]
        if not own:
            raise ArgumentValueError(
                "processes",
                f"must be of this network and have an OutPort `s_out`, but {label(process)} is not "
                "or has none.",
            )
        wanted += own
    parts = []
    for process in dict.fromkeys(wanted or [leaf for leaf in leaves if hasattr(leaf, "s_out")]):
        port = process.s_out
        # Large layers show fewer steps: a look copies at most some megabytes.
        keep = int(np.clip(8 * LARGE // max(int(np.prod(port.shape)), 1), 1, STEPS))
        try:
            rows, spikes = network.watch({port: port}, keep)
        except (TypeError, ValueError):  # not of arrays, or without time steps
            if wanted:
                raise
            continue
        memory = getattr(process, "memory", None)
        if not _tells_purity(memory):
            memory = None
        found = {} if memory is None else network.watch({memory: memory}, 1)[1]
        parts.append(_Part(process, rows, spikes[port], found.get(memory)))
    if not parts:
        raise RuntimeError("No Process of this network has an OutPort `s_out` to watch.")
    return parts


def _tells_purity(memory: Any) -> bool:
    """Whether a Var holds states of which a purity means something, and that are not too large."""
    note = getattr(memory, "note", None)
    if note is None or int(np.prod(memory.shape)) > LARGE:
        return False
    # The states of trajectories are pure, given errors that were drawn.
    return bool(note.origin != "drawn" and not note.per_qubit)
