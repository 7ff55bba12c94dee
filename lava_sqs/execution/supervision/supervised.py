"""A Lava Runtime that cannot hang: every wait is watched and every end is definite.

It replaces the points where stock Lava waits, nothing else. Whatever goes wrong ends the children
before the exception leaves.
"""

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from lava.magma.compiler.channels.pypychannel import CspRecvPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND, MGMT_RESPONSE, enum_equal
from numpy.typing import NDArray

from lava_sqs._start_method import forking
from lava_sqs.execution.base import PATIENCE, STOP_GRACE, NetworkRuntime
from lava_sqs.execution.supervision.children import POLL, Children, interrupts_deferred
from lava_sqs.execution.supervision.guards import (
    GuardedQueue,
    GuardedSemaphore,
    Infrastructure,
    explaining_shortage,
    patiently,
)
from lava_sqs.execution.supervision.ledger import Field
from lava_sqs.proc import _private


class SupervisedRuntime(NetworkRuntime):
    """Lava's Runtime under supervision.

    Parameters
    ----------
    process : AbstractProcess
        Any Process of the network; it and all connected ones get this runtime.
    executable : Executable
        What ``process.compile`` returned.
    timeout : float or None
        Seconds without progress of any model after which a run ends with TimeoutError.
    """

    # Lava's attributes that change their type or that only Lava declares
    _watchdog_manager: Any
    runtime_to_service: Any
    service_to_runtime: Any
    _messaging_infrastructure: Any
    exception_q: list[Any]

    def __init__(self, process: AbstractProcess, executable: Any, timeout: float | None) -> None:
        self.children = Children(executable)
        super().__init__(process, executable, timeout)
        self._patience = timeout
        self._exchanging = threading.RLock()
        self._closing = threading.Lock()
        self._outputs: list[Any] = []

    @property
    def time_step(self) -> int:
        """The latest time step that a model has begun; 0 before the first."""
        return self.children.time_step

    # Starting ------------------------------------------------------------------------------

    def initialize(self, node_cfg_idx: int = 0) -> None:
        """Fork all children and wait until every model is built."""
        with interrupts_deferred(), forking(), explaining_shortage(self._name):
            self._build_watchdog_manager()
            self._messaging_infrastructure = Infrastructure(self.children)
            self._build_channels()
            self._build_sync_channels()
            self._build_processes()
            self._build_runtime_services()
            self.exception_q = []  # Lava's, unused: the board tells more
            self._start_ports()
            self._guard_ports()
        self._is_initialized = True
        # Building compiles: a timeout meant for steps of milliseconds must not end it.
        with self._exchange(self._timeout and max(self._timeout, PATIENCE)):
            self.wait_until(patiently(self.children.all_built))

    def _guard_ports(self) -> None:
        """Put guards where the parent waits: on its own channels and on those of the user."""
        for process in self._processes:
            for port in process.in_ports:
                if port.external_pipe_flag:
                    self._open_ports.append(port.external_pipe_csp_send_port)
            for port in process.out_ports:
                if port.external_pipe_flag:
                    self._open_ports.append(port.external_pipe_csp_recv_port)
                    self._outputs.append(port.external_pipe_csp_recv_port)
        for end in self._open_ports:  # nothing has been sent yet; the children have their own
            if isinstance(end, CspRecvPort):
                _private.set_queue(end, GuardedQueue(end.size, self))
            else:
                _private.set_semaphore(end, GuardedSemaphore(end.size, self))

    # Running -------------------------------------------------------------------------------

    def start(self, run_condition: Any) -> None:
        """Run under a RunCondition."""
        self._require_startable(run_condition)
        with self._exchange():
            self._check_room(run_condition)
            self._is_started = True
            self._run(run_condition)

    def wait(self) -> None:
        """Wait for the end of a run that does not block."""
        with self._exchange():
            self._get_resp_for_run()

    def _get_resp_for_run(self) -> None:
        """Wait for the end of a run, or for a model that asks to pause or stop."""
        pending = list(self.service_to_runtime) if self._is_running else []
        while pending:
            port = self._next_ready(pending)
            # One response per runtime service: a network has one for each of Lava's synchronisation
            # domains.
            response = port.recv()
            if enum_equal(response, MGMT_RESPONSE.DONE):
                pending.remove(port)
            elif enum_equal(response, MGMT_RESPONSE.REQ_PAUSE):
                return self.pause()
            elif enum_equal(response, MGMT_RESPONSE.REQ_STOP):
                return self.stop()
            else:
                raise RuntimeError(f"{self._name}: Lava's runtime service sent {response}.")
        self._is_running = False
        self._hear_outputs()
        if self._recordings:  # Lava confirms before the last step has been recorded
            self.wait_until(patiently(self.children.all_recorded))

    def _hear_outputs(self) -> None:
        """Let the threads of the user's ports take up what was sent before the run ended.

        Lava's Extractor looks whether a message is there, and returns zeros otherwise.
        """
        for port in self._outputs:
            queue = _private.queue_of(port)
            while _private.unheard(port):
                room = queue.maxsize - queue.qsize()
                if not port.thread.is_alive() or room <= 0:
                    break
                time.sleep(0.0005)
        if self._outputs:
            time.sleep(0.001)  # from the last semaphore to the queue

    def _next_ready(self, ports: list[CspRecvPort]) -> CspRecvPort:
        if len(ports) > 1:
            self.wait_until(patiently(lambda: any(port.probe() for port in ports)))
        return next((port for port in ports if port.probe()), ports[0])

    def pause(self) -> None:
        """Pause a run that does not block; the next run continues it."""
        self.require_open()
        if not self._is_running:
            return
        with self._exchange():
            for sender in self.runtime_to_service:
                sender.send(MGMT_COMMAND.PAUSE)
            for receiver in self.service_to_runtime:
                # DONE of a run that ended just now may be before PAUSED.
                while not enum_equal(receiver.recv(), MGMT_RESPONSE.PAUSED):
                    self._raise_failure()
            self._is_running = False

    # Vars ----------------------------------------------------------------------------------

    def get_var(self, var_id: int, idx: Any = None) -> NDArray[Any]:
        """Return the value of a Var, or of the elements `idx` of it."""
        self._find_var(var_id)
        with self._exchange(), self._as_started():
            value: NDArray[Any] = super().get_var(var_id)
        return value if idx is None else value[idx]

    def set_var(self, var_id: int, value: Any, idx: Any = None) -> None:
        """Set a Var, or its elements `idx`; raise if the model refuses the value."""
        _, value = self._value_to_set(var_id, value, idx)
        with self._exchange(), self._as_started():
            super().set_var(var_id, value)
            # Lava confirms before the model's on_var_update has run.
            self.wait_until(patiently(self.children.all_idle))

    @contextlib.contextmanager
    def _as_started(self) -> Iterator[None]:
        """Let Lava read and set Vars before the first run, too; its children do not mind."""
        started, self._is_started = self._is_started, True
        try:
            yield
        finally:
            self._is_started = started and not self.closed

    # Recording -----------------------------------------------------------------------------

    def _kept_rows(self) -> Any:
        return self.children.ledger

    def _begin(self, process: AbstractProcess, field: Field) -> None:
        self.children.record(process, field)

    # Watching ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _exchange(self, patience: float | None = None) -> Iterator[None]:
        """Exchange messages with the network; any exception in between ends it."""
        self.require_open()
        if not self._exchanging.acquire(blocking=False):
            raise RuntimeError(f"{self._name}: another thread runs or reads this network just now.")
        self._patience = patience or self._timeout
        try:
            self._raise_posted_failure()
            yield
            self._raise_posted_failure()
        except BaseException as error:
            failure = None if self.closed else self.children.failure()
            summary = (failure or str(error) or type(error).__name__).partition("\n")[0]
            self.close(f"it was ended by an error ({summary.rstrip('.:')})")
            if failure is None or failure == str(error) or not isinstance(error, Exception):
                raise
            raise RuntimeError(failure) from error
        finally:
            self._patience = self._timeout
            self._exchanging.release()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Call `ready`, which may itself wait for up to POLL seconds, until it is true.

        Raises
        ------
        RuntimeError
            If a child has failed or died, or if the network has been stopped.
        TimeoutError
            If no model makes progress for longer than the patience of this exchange.
        """
        self.require_open()
        # Time without progress, summed over looks, and not a deadline: a laptop that slept is no
        # fault.
        progress, stalled, last = -1, 0.0, time.monotonic()
        while not ready():
            self.require_open()
            self._raise_failure()
            now = time.monotonic()
            # Time in which this process itself was stopped or starved does not count.
            stalled += min(now - last, 4 * POLL)
            last = now
            if progress != (progress := self.children.board.progress()):
                stalled = 0.0
            if self._patience is not None and stalled >= self._patience:
                raise TimeoutError(self._stall(stalled))
            if self._patience is None and stalled >= PATIENCE and not self._warned:
                self._warned = True
                warnings.warn(self._stall(stalled), RuntimeWarning, stacklevel=2)

    def _raise_posted_failure(self) -> None:
        """Raise for an exception in a child; cheap, dead children show while one waits for them."""
        if self.children.any_exception():
            self._raise_failure()

    def _raise_failure(self) -> None:
        failure = None if self.closed else self.children.failure()
        if failure is not None:
            raise RuntimeError(failure)

    def _stall(self, seconds: float) -> str:
        return (
            f"No model in the network of {self._name} made progress for {seconds:.3g} s:\n"
            f"{self.children.whereabouts()}\n"
            "Every connected port must be sent to and received from in every time step. If a step "
            "is only slow, pass a larger `timeout` to runtime(...)."
        )

    # Ending --------------------------------------------------------------------------------

    def stop(self) -> None:
        """End the network, politely if possible; raise a failure that nobody has seen yet."""
        if self.closed:
            return
        failure, polite = None, False
        try:
            # Only if nobody is in the middle of an exchange: messages of two threads would mix.
            if self._exchanging.acquire(blocking=False):
                try:
                    failure = self.children.failure()
                    polite = failure is None and self._ask_to_stop()
                    failure = failure or self.children.failure(stopping=True)
                finally:
                    self._exchanging.release()
        finally:
            self.close("it was stopped", polite)
        if failure is not None:
            raise RuntimeError(failure)

    def _ask_to_stop(self) -> bool:
        """Send STOP; return whether all runtime services confirmed within the grace time."""
        deadline = time.monotonic() + STOP_GRACE
        for sender in self.runtime_to_service:
            # A channel that is full stays full if its reader has died: sending would hang.
            if not sender.probe():
                return False
            sender.send(MGMT_COMMAND.STOP)
        for receiver in self.service_to_runtime:
            response = MGMT_RESPONSE.DONE
            while not enum_equal(response, MGMT_RESPONSE.TERMINATED):
                if _private.queue_of(receiver).filled():
                    response = receiver.recv()
                elif time.monotonic() > deadline or self.children.failure(stopping=True):
                    return False
        return True

    def close(self, reason: str, polite: bool = False) -> None:
        """End all children now and free everything; safe at any time and from any thread.

        Parameters
        ----------
        reason : str
            What later calls are told.
        polite : bool
            Whether the children are leaving by themselves and get a moment for it.
        """
        # A fork of the user's has copies of all this: its end must not end the parent's network.
        if os.getpid() != self.children.owner or not self._closing.acquire(blocking=False):
            return
        with interrupts_deferred():
            self._stopped = reason
            self._is_running = self._is_started = False
            self.children.end(polite)
            for port in self._open_ports:
                port.join()
            for port in self._open_ports:  # which only tells its thread to leave
                if port.thread not in (None, threading.current_thread()):
                    port.thread.join(1.0)
            self._open_ports.clear()
            self._processes.clear()
            self._vars.clear()
            self._recordings.clear()
            self._outputs.clear()
            self._executable = None
            self._messaging_infrastructure = self._watchdog_manager = None
            self.runtime_to_service = self.service_to_runtime = ()
