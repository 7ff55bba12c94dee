"""The child's side of a supervised Lava network: what runs in every forked process.

`Board` is the one place where children write what the parent must know: how far they are,
where they wait, and the traceback they died with. It is anonymous memory shared by ``fork``: no
file, no descriptor, nothing to leak.
"""

import contextlib
import multiprocessing.util
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspSendPort
from lava.magma.core.model.py.model import AbstractPyProcessModel, PyLoihiProcessModel
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND, MGMT_RESPONSE
from scipy.sparse import issparse

from lava_sqs.execution.supervision.ledger import LATER_PHASES, Taker
from lava_sqs.execution.supervision.requests import assign, readable
from lava_sqs.proc import _private
from lava_sqs.recording import shared_array

#: Life of a child: being built, running, left its main loop on request, raised an exception.
BUILDING, RUNNING, FINISHED, FAILED = range(4)

#: What Lava's command tokens make a model do.
ACTIVITY = {
    1: "in run_spk",
    2: "in run_pre_mgmt",
    3: "in run_lrn",
    4: "in run_post_mgmt",
    5: "in the host phase",
    0: "in run_async",
    -1: "stopping",
    -2: "pausing",
    -3: "reading a Var",
    -4: "setting a Var",
    -5: "recording a step",
}

#: Seconds between two looks of a child's reporter thread.
REPORT_INTERVAL = 0.25
#: Seconds that threads which a model has started get to finish at its end.
THREAD_GRACE = 0.5

#: Columns of the board: the life of a child; the time step, Lava's token and the number of the
#: command it took up last; how many it finished; when it failed; the parent counts its questions
#: "where are you?", and the child repeats the number it has answered. LETTERS is how many bytes
#: of letters about recording the parent has written, RECORDED the latest time step recorded.
STATE, TIME_STEP, COMMAND, BEGUN, DONE, FAILED_AT, ASKED, ANSWERED, LETTERS, RECORDED = range(10)


class Board:
    """What children tell the parent: one row each, in memory that both see.

    Parameters
    ----------
    size : int
        Number of children.

    Attributes
    ----------
    numbers : NDArray[Any]
        Shape (size, 10), see the columns STATE ... RECORDED.
    """

    def __init__(self, size: int) -> None:
        self.numbers = shared_array((size, 10), np.int64)
        self._tracebacks = shared_array(size, "S16384")
        self._places = shared_array(size, "S1024")

    def fail(self, index: int, error: BaseException) -> None:
        """Post the traceback of `error`, without the frame of this package that caught it."""
        row = self.numbers[index]
        if row[STATE] == FAILED:  # the first report is the precise one
            return
        outer = error.__traceback__
        # The frame that caught it is ours and says nothing to a user.
        inner = outer.tb_next if outer is not None and outer.tb_next is not None else outer
        lines = traceback.format_exception(type(error), error, inner)
        self._tracebacks[index] = _shortened("".join(lines), self._tracebacks.itemsize)
        # State last: the parent takes the text as soon as it sees the state.
        row[FAILED_AT] = time.monotonic_ns()
        row[STATE] = FAILED

    def traceback(self, index: int) -> str:
        """Return the traceback that a child has posted."""
        return bytes(self._tracebacks[index]).decode(errors="replace")

    def answer(self, index: int, question: int, place: str) -> None:
        """Tell the parent where a child is."""
        self._places[index] = _shortened(place, self._places.itemsize)
        self.numbers[index, ANSWERED] = question

    def place(self, index: int) -> str:
        """Return where a child is, or was when it was asked."""
        if self.numbers[index, ASKED] != self.numbers[index, ANSWERED]:
            return "does not answer"
        return bytes(self._places[index]).decode(errors="replace")

    def close(self) -> None:
        """Give the shared memory back; what the numbers said last remains."""
        self.numbers = self.numbers.copy()
        self._tracebacks, self._places = self._tracebacks[:0].copy(), self._places[:0].copy()

    def progress(self) -> int:
        """Return a number that changes whenever any model takes up or finishes a command."""
        return int(self.numbers[:, [BEGUN, DONE]].sum())


def _shortened(text: str, size: int) -> bytes:
    """Return `text` in at most `size` bytes, if need be without its middle."""
    data, mark = text.encode(errors="replace"), b"\n  [...]\n"
    if len(data) <= size:
        return data
    # The end says what went wrong, the beginning where: more is left of the end.
    head = size // 4
    return data[:head] + mark + data[head + len(mark) - size :]


class _Reporting:
    """Post any exception of the block, a SystemExit too, and swallow it."""

    def __init__(self, board: Board, index: int) -> None:
        self._board, self._index = board, index

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is not None:
            self._board.fail(self._index, error)
        return True


def child_main(
    builder: Any,
    board: Board,
    index: int,
    parent: int,
    peers: Mapping[str, Sequence[str]],
    ledger: int,
) -> None:
    """Build a model or a runtime service and run it; report whatever goes wrong.

    Parameters
    ----------
    builder : PyProcessBuilder or RuntimeServiceBuilder
        Has ``build()``, which returns the actor to be started.
    board : Board
        Where to report.
    index : int
        The row of this child on the board.
    parent : int
        Process id of the parent; the child ends when the parent is gone.
    peers : mapping of str to sequence of str
        For each port of the model the ports it is connected to, for messages.
    ledger : int
        Descriptor of the file to record into.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_reporter, args=(board, index, parent, peers), daemon=True).start()
    row = board.numbers[index]
    with _Reporting(board, index):
        actor = builder.build()
        if isinstance(actor, AbstractPyProcessModel):
            _watch_commands(actor, builder, board, index, ledger)
        else:
            _forget_pause(actor)
        row[STATE] = RUNNING
        actor.start()
        row[STATE] = FINISHED
    _leave(int(row[STATE] == FAILED))


def _leave(code: int) -> NoReturn:
    """End this child without the interpreter's own end, which is about the parent's threads.

    A fork has only the thread that made it. What the interpreter does at its end (joining the
    workers of thread pools, whatever libraries have registered) would wait for the others, or
    join the one that is ending.
    """
    with contextlib.suppress(BaseException):  # what the model itself has started ends in order
        multiprocessing.util._exit_function()  # type: ignore[attr-defined]
        deadline = time.monotonic() + THREAD_GRACE
        for thread in threading.enumerate():
            if not thread.daemon and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(code)


def _watch_commands(model: Any, builder: Any, board: Board, index: int, ledger: int) -> None:
    """Make every command handler of `model` note its progress and its failure on the board."""
    row = board.numbers[index].data  # a memoryview: ten times as fast, this runs in every step
    has_steps = isinstance(model, PyLoihiProcessModel)
    # Records are taken by the child itself: a Monitor would send every row through a channel.
    taker = Taker(model, ledger, index)
    letters = 0

    def record(command: int) -> None:
        """Record the step that has ended, and begin what is new; most networks record nothing."""
        nonlocal letters
        # Lava tells a model when a phase begins, never when a step has ended: the first command of
        # the next step says so.
        if taker.wanted and command not in LATER_PHASES and row[RECORDED] < row[TIME_STEP]:
            row[COMMAND] = -5
            row[RECORDED] = taker.take()
        if row[LETTERS] != letters:
            row[COMMAND], row[RECORDED] = -5, model.time_step
            letters = row[LETTERS]
            taker.read_letters(letters)

    def watched(command: int, handler: Callable[[], None]) -> Callable[[], None]:
        ahead = int(command == 1)  # Lava counts the step up inside the SPK handler

        def handle() -> None:
            # Before anything that may hang: the parent tells a model that computes from one that
            # waits.
            row[BEGUN] += 1
            try:
                record(command)
                row[COMMAND] = command
                if has_steps:
                    row[TIME_STEP] = model.time_step + ahead
                handler()
            except BaseException as error:
                board.fail(index, error)
                raise
            row[DONE] += 1

        return handle

    # Lava's table from command tokens to methods: whatever a model overrides is wrapped as well.
    handlers = _private.commands(model)
    get, put = MGMT_COMMAND.GET_DATA[0], MGMT_COMMAND.SET_DATA[0]
    handlers[get] = _readable(model, builder, handlers[get])
    handlers[put] = _writable(model, builder, handlers[put])
    for command, handler in list(handlers.items()):
        handlers[command] = watched(int(command), handler)


def _readable(model: Any, builder: Any, get_var: Callable[[], None]) -> Callable[[], None]:
    """Let Lava's ``Var.get`` answer for Python and NumPy scalars, and refuse other shapes.

    The stock handler sends nothing for a float (the reader waits forever), and an array of
    another size than declared would fill the reader's buffer wrongly.
    """
    declared = _by_id(builder)

    def handle() -> None:
        var = declared[int(model.service_to_process.peek()[0])]
        value = getattr(model, var.name)
        if isinstance(value, str) or issparse(value):
            get_var()
            return
        # For the length of the call: a model may hold a plain number where Lava sends arrays.
        array = readable(var, value)
        setattr(model, var.name, array)
        try:
            get_var()
        finally:
            setattr(model, var.name, value)

    return handle


def _writable(model: Any, builder: Any, set_var: Callable[[], None]) -> Callable[[], None]:
    """Let Lava's ``Var.set`` set scalars of every type, and arrays in the order in which they came.

    The stock handler refuses floats, makes a float of an int, and fills an array in the order of
    its memory, which is another one if the model has transposed it.
    """
    declared = _by_id(builder)

    def handle() -> None:
        var = declared[int(model.service_to_process.peek()[0])]
        value = getattr(model, var.name)
        if isinstance(value, str) or issparse(value):
            set_var()
            return
        port = model.service_to_process
        port.recv()
        # Lava's messages for one Var: its id, the number of values, then each of them.
        size = int(port.recv()[0])
        new = np.array([port.recv()[0] for _ in range(size)])
        assign(model, var, new)
        model.process_to_service.send(MGMT_RESPONSE.SET_COMPLETE)
        model.on_var_update()

    return handle


def _by_id(builder: Any) -> dict[int, Any]:
    return {var.var_id: var for var in builder.vars.values()}


def _forget_pause(service: Any) -> None:
    """Let a runtime service run again after a pause (stock Lava never clears the request)."""

    def forget() -> None:
        service.pausing = service.req_pause = False

    _private.after_pause(service, forget)


def _reporter(board: Board, index: int, parent: int, peers: Mapping[str, Sequence[str]]) -> None:
    """Answer the parent's questions, and end this child when the parent is gone."""
    row = board.numbers[index]
    main = threading.main_thread().ident
    while True:
        time.sleep(REPORT_INTERVAL)
        # An orphan belongs to init or a subreaper: its parent's number changes, whatever killed the
        # parent.
        if os.getppid() != parent:
            os._exit(1)
        # The frames of another thread cost some 100 us to read: only when asked.
        question = int(row[ASKED])
        if question != row[ANSWERED]:
            building = row[STATE] == BUILDING
            board.answer(index, question, "is being built" if building else _where(main, peers))


def _where(thread: int | None, peers: Mapping[str, Sequence[str]]) -> str:
    """Say in words what the model in `thread` is doing."""
    waits = ""
    frame = sys._current_frames().get(thread or 0)
    while frame is not None:
        actor, function = frame.f_locals.get("self"), frame.f_code.co_name
        # From the innermost frame outwards: first the port that waits, then the model that called
        # it.
        if isinstance(actor, (CspRecvPort, CspSendPort)):
            others = ", ".join(peers.get(actor.name, ())) or "outside the network"
            verb = "receive from" if isinstance(actor, CspRecvPort) else "send to"
            waits = f"waits on port '{actor.name}' to {verb} {others}"
        elif isinstance(actor, AbstractPyProcessModel):
            if function == "run":
                return "has finished its part"
            file = Path(frame.f_code.co_filename).name
            return f"{waits or 'is busy'} in {function} ({file}:{frame.f_lineno})"
        frame = frame.f_back
    return "waits for the others"
