"""The parent's view of the child processes of one network."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.compiler.builders.channel_builder import ChannelBuilderMp
from lava.magma.core.process.process import AbstractProcess
from numpy.typing import NDArray

from lava_sqs.execution.base import label
from lava_sqs.execution.supervision import child as side
from lava_sqs.execution.supervision.ledger import Field, Ledger

#: Seconds between two looks at the children while the parent waits.
POLL = 0.05
#: Seconds that the others get to finish their part, or to fail as well, once a model has failed.
COMPANY = 0.2


@contextlib.contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Deliver a Ctrl-C after the block: children are created and ended as a whole."""
    # Python delivers signals to the main thread only, and lets no other thread set a handler.
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    arrived: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: arrived.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if arrived:
            signal.raise_signal(signal.SIGINT)


@dataclass(frozen=True)
class _Child:
    """One operating-system process: a model of a Process, or a runtime service (no model)."""

    label: str
    model: str
    process: Any


class Children:
    """All child processes of a network.

    Parameters
    ----------
    executable : Executable
        What ``process.compile`` returned.
    """

    def __init__(self, executable: Any) -> None:
        self.owner = os.getpid()
        size = len(executable.proc_builders) + len(executable.runtime_service_builders)
        self.board = side.Board(size)
        self.ledger: Ledger | None = Ledger(size)
        self._index_of: dict[AbstractProcess, int] = {}
        self._children: list[_Child] = []
        self._process_of = {id(b): p for p, b in executable.proc_builders.items()}
        self._peers = _peers(executable)

    def spawn(self, builder: Any) -> Any:
        """Fork a child that builds and runs what `builder` describes."""
        assert self.ledger is not None
        process = self._process_of.get(id(builder))
        if process is None:
            name, model = f"The runtime service {builder.rs_class.__name__}", ""
        else:
            name, model = label(process), builder.proc_model.__name__
        peers = self._peers.get(process, {})
        fork = multiprocessing.Process(
            target=side.child_main,
            name=name,
            args=(builder, self.board, len(self._children), self.owner, peers, self.ledger.file),
        )
        if process is not None:
            self._index_of[process] = len(self._children)
        fork.start()
        self._children.append(_Child(name, model, fork))
        return fork

    def record(self, process: AbstractProcess, field: Field) -> None:
        """Let the model of a Process record from its next step on."""
        index = self._index_of[process]
        assert self.ledger is not None
        self.board.numbers[index, side.LETTERS] = self.ledger.send(index, field)

    def all_recorded(self) -> bool:
        """Whether every model has recorded the step that it took last."""
        numbers = self._numbers
        done = numbers[:, side.RECORDED] == numbers[:, side.TIME_STEP]
        return bool((done | (numbers[:, side.LETTERS] == 0)).all())

    @property
    def _numbers(self) -> NDArray[Any]:
        return self.board.numbers[: len(self._children)]

    def all_built(self) -> bool:
        """Whether no child is being built any more."""
        return not (self._numbers[:, side.STATE] == side.BUILDING).any()

    def all_idle(self) -> bool:
        """Whether every model has finished what it was told."""
        return bool((self._numbers[:, side.BEGUN] == self._numbers[:, side.DONE]).all())

    def any_exception(self) -> bool:
        """Whether a child has posted an exception."""
        return side.FAILED in self.board.numbers[:, side.STATE]

    @property
    def time_step(self) -> int:
        """The latest time step that a model has begun; 0 before the first."""
        return int(self.board.numbers[:, side.TIME_STEP].max())

    def failure(self, stopping: bool = False) -> str | None:
        """Describe what ended a child, or return None while all are well.

        Parameters
        ----------
        stopping : bool
            Whether the children have been told to leave.
        """
        codes = [child.process.exitcode for child in self._children]
        numbers = self.board.numbers[: len(codes)]  # read after the codes: posts precede exits
        if side.FAILED in numbers[:, side.STATE]:
            return self._exceptions()
        gone = [
            (code, index)
            for index, code in enumerate(codes)
            if code is not None and not (stopping and code == 0)
        ]
        if not gone:
            return None
        code, index = min(gone)  # killed ones first: their exit codes are negative
        ended = f"{self._children[index].label} lost its child process {self._when(index)}"
        return f"{ended}: {_ending(code)}."

    def _exceptions(self) -> str:
        """Describe all exceptions, the first one first, and count them as Lava does."""
        numbers, deadline = self._numbers, time.monotonic() + COMPANY
        models = np.array([bool(child.model) for child in self._children])

        def undecided() -> bool:
            """Say whether a model may fail yet."""
            state, begun = numbers[:, side.STATE], numbers[:, side.BEGUN]
            busy = (state == side.RUNNING) & (begun != numbers[:, side.DONE])
            return bool((models & (busy | (state == side.BUILDING))).any())

        while undecided() and time.monotonic() < deadline:
            time.sleep(0.001)
        failed = numbers[:, side.STATE] == side.FAILED
        if (failed & models).any():
            failed &= models  # a runtime service fails because a model did
        order = [int(i) for i in np.argsort(numbers[:, side.FAILED_AT]) if failed[i]]
        said = [f"{self._children[index].label} failed {self._when(index)}" for index in order]
        lines = [f"{', and '.join(said)}; {len(order)} Exception(s) occurred."]
        for index in order:
            whose = "its child process" if len(order) == 1 else self._children[index].label
            lines.append(f"The traceback of {whose}:\n\n{self.board.traceback(index)}")
        return "\n".join(lines)

    def _when(self, index: int) -> str:
        """Say what a child was doing last."""
        row, model = self.board.numbers[index], self._children[index].model
        if not model:
            return "while it coordinated the others"
        if not row[side.BEGUN]:
            return f"while its model {model} was built"
        step, activity = row[side.TIME_STEP], side.ACTIVITY.get(int(row[side.COMMAND]), "")
        return f"{f'at time step {step}, ' if step else ''}{activity} of {model}"

    def whereabouts(self) -> str:
        """Ask every model where it is; return one line for each."""
        numbers = self._numbers
        # Not a message through Lava's channels, which a stuck model would never read.
        numbers[:, side.ASKED] += 1
        deadline = time.monotonic() + 8 * side.REPORT_INTERVAL
        while (numbers[:, side.ASKED] != numbers[:, side.ANSWERED]).any():
            if time.monotonic() > deadline:
                break
            time.sleep(POLL)
        return "\n".join(
            f"  {child.label}, time step {row[side.TIME_STEP]}: {self.board.place(index)}"
            for index, (child, row) in enumerate(zip(self._children, numbers, strict=True))
            if child.model
        )

    def end(self, polite: bool) -> None:
        """End all children; when `polite`, they are leaving and get a moment for it."""
        processes = [child.process for child in self._children]
        for force, seconds in ((None, 2.0 if polite else 0.0), ("terminate", 1.0), ("kill", 5.0)):
            deadline = time.monotonic() + seconds
            for process in processes:
                if force is not None and process.exitcode is None:
                    getattr(process, force)()
            # Not process.join(timeout): a fork that another thread makes may hold its sentinel.
            while any(process.exitcode is None for process in processes):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.001)
        for process in processes:
            process.join(0)  # multiprocessing forgets it
        self.board.close()
        self.ledger = None  # it lives on in what was recorded
        self._index_of.clear()
        self._children.clear()
        self._process_of.clear()
        self._peers.clear()


def _peers(executable: Any) -> dict[Any, dict[str, list[str]]]:
    """Return, per Process and port, what the port is connected to."""
    peers: dict[Any, dict[str, list[str]]] = {}
    for channel in executable.channel_builders:
        if isinstance(channel, ChannelBuilderMp):
            source = channel.src_process, channel.src_port_initializer.name
            target = channel.dst_process, channel.dst_port_initializer.name
            # Both ends: a model may wait to receive or to send.
            for (process, port), (other, name) in ((source, target), (target, source)):
                others = peers.setdefault(process, {}).setdefault(port, [])
                others.append(f"'{name}' of {label(other)}")
    return peers


def _ending(code: int) -> str:
    """Say what the exit code of a child means."""
    if code >= 0:
        return f"it exited with code {code} without an exception"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = "; the machine may have run out of memory" if -code == signal.SIGKILL else ""
    return f"it was killed by {name}{memory}"
