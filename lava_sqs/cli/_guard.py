"""How every command begins and ends: signals, closed pipes, exit codes, one line per error.

Nothing heavy is imported here: Ctrl-C must be answered from the first moment on.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from lava_sqs._errors import ArgumentError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["DONE", "FAILED", "INTERRUPTED", "USAGE", "Terminated", "add_debug", "answer", "run"]

DONE, FAILED, USAGE = 0, 1, 2
# Ended by a signal: 128 and its number, as shells say it. A reader that went away is SIGPIPE.
INTERRUPTED, CLOSED = 128 + signal.SIGINT, 128 + signal.SIGPIPE

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
# What the user can mend by giving something else.
_MISTAKES = (
    TypeError,
    ValueError,
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_EXPECTED = (*_MISTAKES, ImportError, MemoryError, OSError, RuntimeError)


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: ends a command as Ctrl-C does, with what is done kept."""


class _Signals:
    """Turns signals into exceptions, or while modules load ends the process at once.

    An exception inside an import of compiled code can come out as anything, or not at all.
    """

    def __init__(self, name: str, loading: bool) -> None:
        self.name, self.loading = name, loading
        self.got = 0
        self.hook = sys.unraisablehook
        self.old: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():
            for number in _WORDS:
                if callable(old := signal.getsignal(number)) or old == signal.SIG_DFL:
                    self.old[number] = signal.signal(number, self.received)
            os.register_at_fork(after_in_child=self.restore)
            self.hook, sys.unraisablehook = sys.unraisablehook, self.lost
        return self

    def __exit__(self, *error: object) -> None:
        self.restore()

    def restore(self) -> None:
        """Give signals back: to the caller, or in a child that knows nothing of commands."""
        if sys.unraisablehook == self.lost:
            sys.unraisablehook = self.hook
        while self.old:
            number, old = self.old.popitem()
            signal.signal(number, old)

    def lost(self, what: Any) -> None:
        """Send a signal once more whose exception fell into a callback, which drops it."""
        if isinstance(what.exc_value, KeyboardInterrupt) and self.got:
            again = threading.Timer(0.01, os.kill, (os.getpid(), self.got))
            again.daemon = True
            again.start()
        else:
            self.hook(what)

    def received(self, number: int, frame: FrameType | None) -> None:
        self.got = number
        if self.loading:
            os.write(2, f"{self.name}: {_WORDS[signal.Signals(number)]}\n".encode())
            os._exit(128 + number)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def run(name: str, parse: Callable[[], Namespace], loading: bool = True) -> int:
    """Run a command and return its exit code.

    *parse* returns the arguments, with ``call``; it may take its time to import, and with *loading*
    a signal ends the process meanwhile.
    """
    lossless()
    with _Signals(name, loading) as signals:
        debug, options = False, {"out": "--out", "path": "--out"}
        try:
            args = parse()
            debug = getattr(args, "debug", False)
            options |= getattr(args, "options", {})
            signals.loading = False
            code = int(args.call(args))
        except SystemExit:  # argparse: help, usage
            if not (left := _flushed()):
                raise
            return left
        except BaseException as error:
            code = CLOSED
            if signals.got:
                say(name, _WORDS[signal.Signals(signals.got)])
            elif not (isinstance(error, BrokenPipeError) and _has_no_reader()):
                code = answer(name, error, options, debug)
            else:
                _discard(sys.stdout)
        if signals.got and code != DONE:
            code = 128 + signals.got
        return _flushed() or code


def lossless() -> None:
    """Let a terminal that lacks a letter show its number: no result is lost for a micro sign."""
    for stream in (sys.stdout, sys.stderr):
        if callable(reconfigure := getattr(stream, "reconfigure", None)):
            reconfigure(errors="backslashreplace")


def _flushed() -> int:
    """Write what is left to be printed; return the exit code if nobody can take it."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, ValueError):
        _discard(sys.stderr)
    if sys.stdout is None:
        return 0
    try:
        sys.stdout.flush()
        return 0
    except (OSError, ValueError) as error:
        _discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return CLOSED
        say("lava-sqs", f"the results could not be printed: {getattr(error, 'strerror', error)}")
        return FAILED


def _has_no_reader() -> bool:
    """Return whether standard output is a pipe whose other end is closed."""
    poll = select.poll()
    poll.register(1, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _discard(stream: Any) -> None:
    """Let what a stream still holds go nowhere: the interpreter would try once more at its end."""
    try:
        empty = os.open(os.devnull, os.O_WRONLY)
        os.dup2(empty, stream.fileno())
        os.close(empty)
    except (OSError, ValueError):
        pass


def say(name: str, message: str) -> None:
    """Print a line to standard error, if there is any."""
    from lava_sqs._checks import printable

    message = printable(message, keep="\n\t")
    try:
        print(f"{name}: {message}", file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        _discard(sys.stderr)


def answer(name: str, error: BaseException, options: Mapping[str, str], debug: bool = False) -> int:
    """Say in one line what went wrong, with the traceback if *debug*; return the exit code."""
    if debug:
        import traceback

        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        say(name, f"traceback\n{text}")
    if isinstance(error, KeyboardInterrupt):
        say(name, "interrupted")
        return INTERRUPTED
    message = in_words(error, options)
    if not isinstance(error, _EXPECTED):
        message = f"a defect of lava-sqs: {type(error).__name__}: {message}"
        message += "" if debug else " (please report it, with what --debug prints)"
    say(name, message)
    return USAGE if isinstance(error, _MISTAKES) else FAILED


def in_words(error: BaseException, options: Mapping[str, str]) -> str:
    """Return the error in one line, with the options of the command for Python's arguments."""
    text = str(error) or type(error).__name__
    if isinstance(error, ArgumentError) and error.argument in options:
        text = error.called(options[error.argument])
    elif isinstance(error, OSError) and error.strerror:
        text = error.strerror + (f": {error.filename}" if error.filename else "")
        if error.errno in _FULL and not error.filename and text == os.strerror(error.errno):
            text += ": standard output, or a temporary file"
    if isinstance(error, MemoryError):
        text = "not enough memory" + (f": {error}" if str(error) else "")
    if isinstance(error, RecursionError):
        text = "the input is nested too deeply"
    return " ".join(text.split())


def add_debug(parser: ArgumentParser) -> None:
    """Add ``--debug`` to a parser and to all of its commands."""
    import argparse

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                add_debug(command)
    if not any("--debug" in action.option_strings for action in parser._actions):
        parser.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="print the traceback of an error",
        )
