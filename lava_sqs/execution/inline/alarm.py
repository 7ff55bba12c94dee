"""Ctrl-C and the clock: what comes from outside while models compute in this thread."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class Overdue(BaseException):
    """Leads out of a model that computes for longer than `timeout`."""


class Interrupts:
    """Lets a Ctrl-C wait for the end of the step; a second one does not wait.

    Only in the main thread, where Python handles signals, and only if somebody handles this one.
    """

    def __init__(self) -> None:
        self.arrived = False
        self._frame: FrameType | None = None
        self._handler: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self._handler = handler
                signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
            if self.arrived and error is None:  # after the last step
                self.deliver()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.arrived:
            self._handler(number, frame)
        self.arrived, self._frame = True, frame

    def deliver(self) -> None:
        """Do what the program does on Ctrl-C: most raise KeyboardInterrupt."""
        if self.arrived:
            self.arrived = False
            self._handler(signal.SIGINT, self._frame)


class Alarm:
    """Ends a run in which a model computes for too long; a thread beside it.

    Parameters
    ----------
    seconds : float or None
        How long a model may compute. None: forever.
    progress : callable
        Returns something that changes as models take turns.
    describe : callable
        Given the frame of the thread that runs, returns the text of the error.
    """

    def __init__(
        self,
        seconds: float | None,
        progress: Callable[[], Any],
        describe: Callable[[FrameType | None], str],
    ) -> None:
        self._seconds, self._progress, self._describe = seconds, progress, describe
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._whom = 0
        self.said: str | None = None

    def __enter__(self) -> Alarm:
        if self._seconds is not None:
            self._whom = threading.get_ident()
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            with self._lock:
                self._over.set()
                if self.said is not None and not isinstance(error, Overdue):
                    _raise_in(self._whom, None)  # too late, the run has ended
            self._thread.join()

    def _watch(self) -> None:
        assert self._seconds is not None
        last, still = self._progress(), 0.0
        pause = min(0.1, self._seconds / 8)
        while not self._over.wait(pause):
            still += pause  # not what a machine slept
            if last != (last := self._progress()):
                still = 0.0
            if still >= self._seconds:
                with self._lock:
                    if not self._over.is_set():
                        frame = sys._current_frames().get(self._whom)
                        self.said = self._describe(frame)
                        _raise_in(self._whom, Overdue)
                return


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in another thread, when it next runs Python; None takes it back."""
    what = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
