"""A Lava Runtime that runs all models in this process, in the thread that calls run()."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from traceback import format_exception
from types import FrameType
from typing import Any

import numpy as np
from lava.magma.core.model.py import ports
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunContinuous
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND
from numpy.typing import NDArray
from scipy.sparse import issparse

from lava_sqs.execution import base
from lava_sqs.execution.inline.alarm import Alarm, Interrupts, Overdue
from lava_sqs.execution.inline.build import Member, build, connect, open_outwards
from lava_sqs.execution.inline.channels import Bystander
from lava_sqs.execution.inline.rows import Rows, RowTaker
from lava_sqs.execution.inline.steps import Steps
from lava_sqs.execution.inline.turns import Failure, Stuck, Turns, place_of
from lava_sqs.execution.supervision.ledger import Field
from lava_sqs.execution.supervision.requests import (
    assign,
    readable,
)
from lava_sqs.proc import _private

#: Seconds that the thread of a channel of Lava's gets to take up what was sent.
WIRE_GRACE = 0.05
#: Letters of an exception's own text that are repeated.
LONG = 4000


class InlineRuntime(base.NetworkRuntime):
    """Lava's Runtime without other processes; parameters as of NetworkRuntime."""

    def __init__(self, process: AbstractProcess, executable: Any, timeout: float | None) -> None:
        super().__init__(process, executable, timeout)
        self._owner = os.getpid()
        self._turns = Turns(self._wait_outside)
        self._members: dict[AbstractProcess, Member] = {}
        self._homes: dict[int, Member] = {}
        self._steps = Steps(self._turns, [])
        self._bystander = Bystander(self._watch_user)
        self._wires: list[Any] = []
        self._rows = Rows()
        self._takers: dict[Member, RowTaker] = {}
        self._exchanging = threading.RLock()
        self._closing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._unseen: BaseException | None = None
        self._asked: str | None = None  # "pause" or "end"
        self._in_step = False
        self._interrupts = Interrupts()
        self._alarm = Alarm(None, self._progress, self._stall_of)
        self._still: tuple[Any, float] = (None, 0.0)
        self._waits = 0

    @property
    def time_step(self) -> int:
        """The latest time step begun; 0 before the first."""
        return self._steps.time_step

    # Starting ------------------------------------------------------------------------------

    def initialize(self, node_cfg_idx: int = 0) -> None:
        """Make the channels and the models, in the order in which the Processes were made."""
        # Lava gives Processes their numbers as they are made: the same program has the same order,
        # and with it the same bits.
        builders = sorted(self._executable.proc_builders.items(), key=lambda item: item[0].id)
        self._members = {process: Member(process, builder) for process, builder in builders}
        connect(self._members, self._executable, self._turns)
        for member in self._members.values():
            open_outwards(member, self._turns, self._bystander, self.require_open)
            try:
                build(member, self._processes)
            except (Exception, SystemExit) as error:
                name = member.builder.proc_model.__name__
                when = f"while its model {name} was built"
                raise RuntimeError(_failures([(member, error)], when)) from error
            for var in member.builder.vars.values():
                self._homes[var.var_id] = member
        ends = [_private.wire_end(process) for process in self._members]
        self._wires = [end for end in ends if end is not None]
        self._steps = Steps(self._turns, list(self._members.values()))
        self._is_initialized = True

    # Running -------------------------------------------------------------------------------

    def start(self, run_condition: Any) -> None:
        """Run under a RunCondition."""
        self._require_startable(run_condition)
        with self._exchange():
            self._check_room(run_condition)
            self._is_started = self._is_running = True
            self._asked = None
            endless = isinstance(run_condition, RunContinuous)
            self.num_steps = sys.maxsize if endless else int(run_condition.num_steps)
            if not endless and run_condition.blocking:
                try:
                    self._run_steps(self.num_steps)
                finally:
                    self._is_running = False
            else:
                self._thread = threading.Thread(
                    # A daemon: a run that nobody waits for must not keep the interpreter from
                    # ending.
                    target=self._run_beside,
                    args=(self.num_steps,),
                    name=self._name,
                    daemon=True,
                )
                self._thread.start()

    def _run_beside(self, n_steps: int) -> None:
        """Run in a thread of its own, and keep what goes wrong for the next who asks."""
        with self._exchanging:
            try:
                self._run_steps(n_steps)
            except BaseException as error:
                self._unseen = error

    def _run_steps(self, n_steps: int) -> None:
        """Take steps; whatever is raised in one is told in words."""
        self._alarm = Alarm(self._timeout, self._progress, self._stall_of)
        turns = self._turns
        with self._in_words():
            try:
                with Interrupts() as self._interrupts, self._alarm:
                    request = self._take(n_steps)
            finally:
                # Within a step that failed, half of the network is a step ahead: it is not to be
                # seen.
                if not self._in_step and not self.closed:
                    self._rest()
                turns.dismiss()
        if request == "stop":
            self.stop()
        elif request == "left" and self.closed:
            self.require_open()

    def _rest(self) -> None:
        """Let others see what the steps have brought."""
        self._steps.rest()
        if self._bystander.ends:
            self._bystander.hand_over()
        for end in self._wires:  # of Lava's own, whose thread takes up what was sent
            deadline = time.monotonic() + WIRE_GRACE
            while _private.unheard(end) and time.monotonic() < deadline:
                time.sleep(0.0005)
        if self._wires:
            time.sleep(0.001)  # from the last semaphore to the queue

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        """Say which models failed, or wait, or compute for too long, and when."""
        try:
            yield
        except Failure as failure:
            words = _failures(failure.failed, self._when())
            raise RuntimeError(words) from failure.failed[0][1]
        except Stuck as stuck:
            raise TimeoutError(self._stall(str(stuck), "No model can move any more")) from None
        except Overdue:
            raise TimeoutError(self._alarm.said) from None

    def _take(self, n_steps: int) -> str | None:
        """Take steps until somebody asks for an end; return who asked."""
        step, interrupts = self._steps.step, self._interrupts
        takers, rows = list(self._takers.items()), self._rows
        records = any(taker.records for _, taker in takers)
        for _ in range(n_steps if self._asked != "end" else 0):
            # Between two steps, where every model has finished: Vars can be read, and a next run
            # continues.
            if interrupts.arrived:
                interrupts.deliver()
            # An exception from here until it is False again ends the network, see _exchange.
            self._in_step = True
            request = step()
            if records or rows.wanted:
                self._record(takers)
            self._in_step = False
            if request is not None or self._asked is not None:
                return request or "left"
        return "left" if self._asked == "end" else None

    def _record(self, takers: list[tuple[Member, RowTaker]]) -> None:
        """Keep what the step has brought."""
        self._steps.activity = "recording a step"
        for member, taker in takers:
            try:
                taker.take()
            except Exception as error:
                raise Failure([(member, error)]) from error
        if self._rows.wanted:
            self._rows.settle()

    def wait(self) -> None:
        """Wait for the end of a run that does not block."""
        self.require_open()
        try:
            self._join_run()
        except KeyboardInterrupt:
            self._asked = "pause"
            self._join_run()
            raise

    def pause(self) -> None:
        """Pause a run that does not block, after its step; the next run continues it."""
        self.require_open()
        if self._is_running:
            self._asked = "pause"
            self._join_run()

    def _join_run(self) -> None:
        """Wait for the thread of a run, and raise what went wrong in it."""
        thread = self._thread
        if thread is not None:
            thread.join()
            self._thread = None
        if self._is_running:
            # In another thread of the user; or a join that Ctrl-C interrupted takes the thread for
            # ended, before Python 3.13.
            with self._exchanging:
                pass
        self._is_running = False
        if not self.closed:
            with self._exchange():
                pass

    def _progress(self) -> Any:
        return self._steps.time_step, self._turns.latest, self._steps.activity, self._waits

    # Waiting for others than models --------------------------------------------------------------

    def _wait_outside(self, lines: list[str]) -> None:
        """Wait a moment for a thread of the user."""
        self.require_open()
        if self._interrupts.arrived:
            self._interrupts.deliver()
        now = time.monotonic()
        where = self._steps.time_step, self._turns.latest
        if self._still[0] != where:
            self._still = where, now
        self._be_patient(now - self._still[1], lines)
        self._waits += 1
        time.sleep(0.0002)

    def _watch_user(self, end: Any, seconds: float) -> None:
        """Raise if a thread of the user waits in vain at an end of a channel."""
        self.require_open()
        self._be_patient(seconds, [f"  the program waits on port '{end.name}'"])

    def _be_patient(self, seconds: float, lines: list[str]) -> None:
        if self._timeout is not None and seconds >= self._timeout:
            raise TimeoutError(self._stall("\n".join(lines), _made_none(self._name, seconds)))
        if self._timeout is None and seconds >= base.PATIENCE and not self._warned:
            self._warned = True
            text = self._stall("\n".join(lines), _made_none(self._name, seconds))
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def _stall(self, lines: str, what: str) -> str:
        return (
            f"{what}:\n{lines}\n"
            "Every connected port must be sent to and received from in every time step."
        )

    def _stall_of(self, frame: FrameType | None) -> str:
        """Say which model computes for too long."""
        member = self._turns.latest
        who = "The network" if member is None else member.label
        return (
            f"{_made_none(self._name, self._timeout or 0.0)}:\n"
            f"  {who}, time step {self.time_step}: is busy in {place_of(frame)}\n"
            "If a step is only slow, pass a larger `timeout` to runtime(...)."
        )

    def _when(self) -> str:
        step = self._steps.time_step
        return f"{f'at time step {step}, ' if step else ''}{self._steps.activity} of {{model}}"

    # Vars ----------------------------------------------------------------------------------

    def get_var(self, var_id: int, idx: Any = None) -> NDArray[Any]:
        """Return the value of a Var, or of the elements `idx` of it."""
        _, var = self._find_var(var_id)
        with self._exchange(), self._doing(var_id, "reading a Var") as member:
            value = self._read(member.model, var)
        return value if idx is None else value[idx]

    def _read(self, model: Any, var: Any) -> NDArray[Any]:
        value = getattr(model, var.name)
        plain = not isinstance(value, str) and not issparse(value)
        array = readable(var, value) if plain else value
        if plain and not _private.reads_itself(model):
            return np.array(array, np.float64).reshape(var.shape)
        # A model of the user's may have its own way to send a Var: Lava's handler is asked, as its
        # service would.
        setattr(model, var.name, array)  # Lava's handler sends no floats
        try:
            model.service_to_process.send(np.array([var.var_id]))
            _private.commands(model)[MGMT_COMMAND.GET_DATA[0]]()
        finally:
            setattr(model, var.name, value)
        heard = model.process_to_service
        numbers = [heard.recv()[0] for _ in range(int(heard.recv()[0]))]
        if issparse(value):
            return np.array(numbers, np.float64)
        padded = np.zeros(max(int(np.prod(var.shape)), len(numbers)))
        padded[: len(numbers)] = numbers  # as Lava's buffer of the declared length
        return padded.reshape(var.shape) if plain else padded

    def set_var(self, var_id: int, value: Any, idx: Any = None) -> None:
        """Set a Var, or its elements `idx`; raise if the model refuses the value."""
        var, value = self._value_to_set(var_id, value, idx)
        with self._exchange(), self._doing(var_id, "setting a Var") as member:
            self._write(member.model, var, np.asarray(value))

    def _write(self, model: Any, var: Any, value: NDArray[Any]) -> None:
        held = getattr(model, var.name)
        if isinstance(held, str) or issparse(held) or _private.sets_itself(model):
            for number in (var.var_id, value.size, *value.ravel()):
                model.service_to_process.send(np.array([number]))
            _private.commands(model)[MGMT_COMMAND.SET_DATA[0]]()
            model.process_to_service.recv()
        else:
            assign(model, var, value.astype(np.float64).ravel())
            model.on_var_update()

    @contextlib.contextmanager
    def _doing(self, var_id: int, what: str) -> Iterator[Member]:
        """Say of which model an exception is."""
        member, step = self._homes[var_id], self.time_step
        try:
            yield member
        except (Exception, SystemExit) as error:
            when = f"{f'at time step {step}, ' if step else ''}{what} of {{model}}"
            raise RuntimeError(_failures([(member, error)], when)) from error

    # Recording -----------------------------------------------------------------------------

    def _kept_rows(self) -> Rows:
        return self._rows

    def _begin(self, process: AbstractProcess, field: Field) -> None:
        member = self._members[process]
        if member not in self._takers:
            self._takers[member] = RowTaker(member.model, self._rows)
        self._takers[member].begin(field)

    # Ending --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[None]:
        """Have the network for oneself; an exception ends it, unless it comes between two steps."""
        self.require_open()
        if not self._exchanging.acquire(blocking=False):
            raise RuntimeError(f"{self._name}: another thread runs or reads this network just now.")
        try:
            self._raise_unseen()
            yield
        except BaseException as error:
            # A KeyboardInterrupt or a wrong argument between two steps leaves a network that can go
            # on.
            if self._in_step or isinstance(error, (RuntimeError, TimeoutError, TypeError)):
                summary = (str(error) or type(error).__name__).partition("\n")[0]
                self.close(f"it was ended by an error ({summary.rstrip('.:')})")
            raise
        finally:
            self._exchanging.release()

    def _raise_unseen(self) -> None:
        """Raise what a run that did not block has ended with, once."""
        error, self._unseen = self._unseen, None
        if error is not None:
            raise error

    def stop(self) -> None:
        """End the network after its step; raise a failure that nobody has seen yet."""
        if self.closed:
            return
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._asked = "end"
            thread.join(base.STOP_GRACE)
        unseen, self._unseen = self._unseen, None
        self.close("it was stopped")
        if unseen is not None:
            raise unseen

    def close(self, reason: str, polite: bool = False) -> None:
        """End the network now and free everything; safe at any time and from any thread."""
        if os.getpid() != self._owner or not self._closing.acquire(blocking=False):
            return
        self._stopped, self._asked = reason, "end"
        self._is_running = self._is_started = False
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(base.STOP_GRACE)
        # Not forever: a model that never returns must not hang the thread that stops the network.
        held = self._exchanging.acquire(timeout=base.STOP_GRACE)  # until the step is over
        try:
            for member in self._members.values():
                if member.model is not None:
                    with contextlib.suppress(Exception):  # it may close what it has opened
                        member.model.join()
        finally:
            if held:
                self._exchanging.release()
        step = self._steps.time_step
        self._members, self._homes, self._takers = {}, {}, {}
        # Nothing may point to models any more: they hold arrays, files and greenlets.
        self._turns = Turns(self._wait_outside)
        self._steps = Steps(self._turns, [])
        self._steps.time_step = step
        self._thread = None
        self._wires = []
        self._processes.clear()
        self._vars.clear()
        self._recordings.clear()
        self._executable = None


def _made_none(name: str, seconds: float) -> str:
    return f"No model in the network of {name} made progress for {seconds:.3g} s"


def _failures(failed: list[tuple[Member, BaseException]], when: str) -> str:
    """Say which models failed, when and how; the first one first."""
    said = [f"{m.label} failed {when.format(model=_model(m))}" for m, _ in failed]
    lines = [f"{', and '.join(said)}; {len(failed)} Exception(s) occurred."]
    for number, (member, error) in enumerate(failed):
        whose = "" if len(failed) == 1 else f"{member.label}: "
        text = str(error)
        if len(text) > LONG:
            text = f"{text[: LONG // 2]} [...] {text[-LONG // 2 :]}"
        lines.append(f"{whose}{type(error).__name__}: {text}{_line_of(error)}")
        if number:  # the first one is the cause
            lines += [f"The traceback of {member.label}:\n", "".join(format_exception(error))]
    return "\n".join(lines)


def _model(member: Member) -> str:
    name: str = member.builder.proc_model.__name__
    return name


def _line_of(error: BaseException) -> str:
    """Return the file, line and function in which an exception was raised; channels are not one."""
    place = None
    trace = error.__traceback__
    while trace is not None:
        if place is None or not trace.tb_frame.f_code.co_filename.startswith(_MACHINERY):
            place = trace
        trace = trace.tb_next
    if place is None:
        return ""
    code = place.tb_frame.f_code
    return f" ({os.path.basename(code.co_filename)}:{place.tb_lineno}, in {code.co_name})"


#: Folders of files that pass on what a model does.
_MACHINERY = (
    os.path.dirname(os.path.dirname(__file__)),
    os.path.dirname(os.path.dirname(os.path.dirname(ports.__file__))),
)
