"""What a task raised, on its way from any process to the one who reads it."""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import sysconfig
import traceback
import types
from pathlib import Path
from traceback import walk_tb
from typing import Any

__all__ = ["Failure", "TaskError", "in_words", "traceback_of"]


class TaskError(RuntimeError):
    """Stands for an exception of a task that cannot be pickled, or not be made again."""


class RemoteTraceback(Exception):
    """The cause of an error that was raised in another process: its traceback as text."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__(text, place)
        self.text, self.place = text, place

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


class Failure:
    """The outcome of a batch whose task raised: it pickles, whatever the exception is like."""

    def __init__(self, error: BaseException) -> None:
        trace = error.__traceback__
        # The first frame is the one that called the task.
        self.error = error.with_traceback(trace.tb_next if trace and trace.tb_next else trace)

    def __reduce__(self) -> Any:
        name, text = f"{_name(self.error)}: {_message(self.error)}", traceback_of(self.error)
        try:
            data = dumps(self.error)
            again = pickle.loads(data)
            # Exceptions whose constructor takes other arguments than `args` pickle, and come back
            # as others.
            if type(again) is not type(self.error) or str(again) != str(self.error):
                data = b""
        except Exception:
            data = b""
        return _rebuilt, (data, name, text, _place(self.error))


def _rebuilt(data: bytes, name: str, text: str, place: str) -> Failure:
    error: BaseException = TaskError(name)
    if data:
        try:
            error = pickle.loads(data)
        except Exception:  # its class is known over there only
            error = TaskError(name)
    error.__cause__ = RemoteTraceback(text, place)
    return Failure(error)


def dumps(value: Any) -> bytes:
    """Pickle also what `__main__` defines, if cloudpickle is there (loky and Dask bring it)."""
    try:
        import cloudpickle  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return pickle.dumps(value)
    return bytes(cloudpickle.dumps(value))


def in_words(error: BaseException, only_own: bool = False) -> str:
    """Return an error in one line: what it is, what it says, where the task raised it."""
    place = _place(error, only_own)
    said = _message(error)
    what = said if isinstance(error, TaskError) else f"{_name(error)}: {said}"
    return f"{what} ({place})" if place else what


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error, that of another process included."""
    if isinstance(error.__cause__, RemoteTraceback):
        return error.__cause__.text
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    sent = [f for f, _ in walk_tb(error.__traceback__) if f.f_code.co_filename != _file(f)]
    return text.replace("<dynamic-code>", _file(sent[-1])) if sent else text


def _name(error: BaseException) -> str:
    """Return the name of the class that a user knows: not that of NumPy's own MemoryError."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__name__[0] != "_")


def _message(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    if isinstance(error, SystemExit):
        return f"the task ended the program{f' with {text}' if text else ''}"
    if not text:
        return "not enough memory" if isinstance(error, MemoryError) else "no message"
    return text if len(text) <= 400 else f"{text[:397]}..."


def _place(error: BaseException, only_own: bool = False) -> str:
    """Return file, line and function of the user's that raised; else of any that did."""
    if isinstance(error.__cause__, RemoteTraceback):
        return error.__cause__.place
    frames = [(_file(f), line, f.f_code.co_name) for f, line in walk_tb(error.__traceback__)]
    own = [frame for frame in frames if not _is_library(frame[0])] or frames * (not only_own)
    if not own:
        return ""
    file, line, name = own[-1]
    with contextlib.suppress(ValueError, OSError):
        file = str(Path(file).relative_to(Path.cwd()))
    return f"{file}, line {line}, in {name}"


def _file(frame: types.FrameType) -> str:
    """Return the file of a frame; cloudpickle keeps it beside the code that it sent."""
    code = frame.f_code.co_filename
    return str(frame.f_globals.get("__file__", code)) if code == "<dynamic-code>" else code


@functools.lru_cache(maxsize=1)
def _folders() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    ours = str(Path(__file__).resolve().parents[2])
    found = {ours, *(os.path.realpath(sysconfig.get_path(name)) for name in names)}
    return tuple(f + os.sep for f in found)


def _is_library(file: str) -> bool:
    return file.startswith("<frozen") or os.path.realpath(file).startswith(_folders())
