"""One phase of a step: a model after the other, and others in between where one has to wait.

A model runs to its end in the greenlet that called it, as any function does. Only where it finds a
channel empty, or full, another greenlet runs the models that have not begun; it comes back
to the one that waits when there is a message. A chain of models in the order of their channels
never switches.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any

from greenlet import getcurrent, greenlet
from lava.magma.core.model.py.model import AbstractPyProcessModel

from lava_sqs.execution.inline.build import Member


class Left(BaseException):
    """Leads a model that waits out of its phase, when nobody will come."""


class Failure(Exception):
    """What models raised in a phase.

    Parameters
    ----------
    failed : list of (Member, BaseException)
        In the order in which they failed.
    """

    def __init__(self, failed: list[tuple[Member, BaseException]]) -> None:
        super().__init__(failed)
        self.failed = failed


class Stuck(Exception):
    """No model can move; the text says who waits where."""


class Turns:
    """Whose turn it is.

    Parameters
    ----------
    outside : callable
        Waits a moment for what only others than models can do; raises if that is in vain.
    """

    def __init__(self, outside: Callable[[list[str]], None]) -> None:
        self._outside = outside
        self._main = getcurrent()
        self._jobs: deque[Member] = deque()
        self._act: Callable[[Member], None] = _nothing
        self._waiting: dict[Any, Any] = {}
        self._failed: list[tuple[Member, BaseException]] = []
        self._verdict: BaseException | None = None
        self._leaving = False
        self._serve = False
        self._idle: list[greenlet] = []  # have done their work
        self._task: Callable[[], None] = self._help  # of the helper that begins next
        self.services: list[tuple[Member, Any, Any]] = []
        #: The model whose turn began last, for those who ask from another thread.
        self.latest: Member | None = None

    # -- a phase ---------------------------------------------------------------------------------

    def phase(
        self, members: Iterable[Member], act: Callable[[Member], None], serve: bool = False
    ) -> None:
        """Call `act` for every member; return when all have come to their end.

        Parameters
        ----------
        members : iterable of Member
            In the order in which they begin.
        act : callable
            What a member does in this phase.
        serve : bool
            Whether models answer RefPorts in this phase, once they are done.

        Raises
        ------
        Failure
            If models raised; the others have come as far as they could.
        Stuck
            If models wait for each other.
        """
        self._jobs, self._act, self._serve = deque(members), act, serve
        self._main = getcurrent()
        try:
            self._work()
            if self._waiting:
                self._finish()
            if serve and self.services:
                self._serve_rest()
        except Left:
            pass
        finally:
            if self._waiting or self._leaving:
                self._send_away()
        if self._failed or self._verdict is not None:
            self._judge()

    def _work(self) -> None:
        """Let those who have not begun do so, one after the other."""
        jobs, act = self._jobs, self._act
        while jobs:
            member = self.latest = jobs.popleft()
            try:
                act(member)
            except (Exception, SystemExit) as error:
                self._failed.append((member, _without_us(error)))

    def _help(self) -> None:
        """Work, in a greenlet of its own."""
        with contextlib.suppress(Left):
            self._work()

    def _finish(self) -> None:
        """Let those who wait come to their end."""
        while self._waiting:
            self._let_others_move(None)

    def _send_away(self) -> None:
        """Lead all out who wait still."""
        self._leaving = True
        self._jobs.clear()
        for each in list(self._waiting):
            # `except BaseException` in a model would swallow it once; after three times it stays
            # behind.
            for _ in range(3):  # a model may catch what leads it out
                if each is not self._main and not each.dead:
                    each.throw(Left)
        self._waiting.clear()
        self._leaving = False

    def _judge(self) -> None:
        failed, verdict = self._failed, self._verdict
        self._failed, self._verdict = [], None
        if failed:
            raise Failure(failed)
        assert verdict is not None
        raise verdict

    # -- waiting ---------------------------------------------------------------------------------

    def wait(self, end: Any) -> None:
        """Return when there is something to receive, or room to send, at an end of a channel."""
        me = getcurrent()
        # Others look here whether this one can go on: nobody is woken, everybody is asked.
        self._waiting[me] = end
        try:
            self._until_ready(me, end)
        finally:
            self._waiting.pop(me, None)

    def _until_ready(self, me: Any, end: Any) -> None:
        while not end.probe():
            self._let_others_move(me)

    def _let_others_move(self, me: Any) -> None:
        """Switch to one that can move; return when it is somebody's turn to look again."""
        if self._leaving:
            raise Left
        # Who has waited can go on before anybody begins: so channels stay short.
        for other, end in self._waiting.items():
            if other is not me and end.probe():
                other.switch()
                return
        if self._jobs:
            # This model waits in its own stack; the phase goes on in another greenlet, where the
            # next ones begin.
            self._start(self._help)
        elif self._serve and (request := self._request()) is not None:
            member, port, _ = request
            self._start(lambda: self._answer(member, port))
        else:
            self._wait_for_others_than_models()

    def _start(self, work: Callable[[], None]) -> None:
        """Work in another greenlet, which sees the context variables of this one."""
        idle = self._idle
        # A greenlet belongs to the thread that made it: one of another thread cannot be used.
        helper = idle.pop() if idle and idle[-1].parent is self._main else greenlet(self._attend)
        if not helper:
            helper.parent = self._main
        self._task = work
        helper.gr_context = contextvars.copy_context()
        helper.switch()

    def _attend(self) -> None:
        """Do one task after the other, as a greenlet; between them it is idle."""
        self._task()
        while not self._leaving:
            self._idle.append(getcurrent())
            self._main.switch()
            self._task()

    def dismiss(self) -> None:
        """Let idle helpers end: before a run does, whose thread is theirs."""
        while self._idle:
            self._idle.pop().throw()

    def _wait_for_others_than_models(self) -> None:
        outer = [end for end in self._waiting.values() if end.outside]
        if self._failed or not outer:
            if not self._failed:
                # Now, while the stacks that say where everybody waits are still there.
                self._verdict = Stuck(self.whereabouts())
        else:
            try:
                self._outside([self._line(each, end) for each, end in self._waiting.items()])
                return
            except BaseException as error:
                self._verdict = error
        self._leaving = True
        raise Left

    # -- RefPorts --------------------------------------------------------------------------------

    def _request(self) -> tuple[Member, Any, Any] | None:
        """Return a member with a request of a RefPort that it can answer: one that is done."""
        # A model in the middle of its phase must not answer: stock Lava serves RefPorts in a phase
        # of their own.
        busy = {end.owner for end in self._waiting.values()}
        for service in self.services:
            if service[2].queue and service[0] not in busy:
                return service
        return None

    def _answer(self, member: Member, port: Any) -> None:
        try:
            port.service()
        except Left:
            pass
        except Exception as error:
            self._failed.append((member, _without_us(error)))

    def _serve_rest(self) -> None:
        """Answer what nobody waits for: writes."""
        while not self._failed and (request := self._request()) is not None:
            self._answer(request[0], request[1])

    def serve_all(self) -> None:
        """Answer all requests between runs."""
        self.phase((), _nothing, serve=True)

    # -- words -----------------------------------------------------------------------------------

    def whereabouts(self) -> str:
        """Return a line for each model that waits."""
        return "\n".join(self._line(each, end) for each, end in self._waiting.items())

    def _line(self, waiting: Any, end: Any) -> str:
        frame = sys._getframe() if waiting is getcurrent() else waiting.gr_frame
        place = place_of(frame)
        what = f"waits on port '{end.name}' to {end.verb} {end.peer}"
        step = end.owner.model.time_step
        return f"  {end.owner.label}, time step {step}: {what}{place and f' in {place}'}"


def in_model(frame: FrameType) -> bool:
    """Whether a frame is of a method of a model."""
    return isinstance(frame.f_locals.get("self"), AbstractPyProcessModel)


def place_of(frame: FrameType | None) -> str:
    """Return where a model is: the function, the file and the line; empty if it is nowhere."""
    while frame is not None:
        if in_model(frame):
            code = frame.f_code
            return f"{code.co_name} ({Path(code.co_filename).name}:{frame.f_lineno})"
        frame = frame.f_back
    return ""


def _without_us(error: BaseException) -> BaseException:
    """Return an exception whose traceback begins in the model, if it comes from there."""
    trace = error.__traceback__
    while trace is not None:
        if in_model(trace.tb_frame):
            return error.with_traceback(trace)
        trace = trace.tb_next
    return error


def _nothing(member: Member) -> None:
    """Do nothing."""
