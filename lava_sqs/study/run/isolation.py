"""One batch in a process of its own, with a timeout.

Lava networks fork processes that can wait for each other forever. Here each batch gets a new
interpreter that leads its own session: when time is up, or this process dies, the whole session is
killed.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lava_sqs.study.run._failure import Failure, dumps

__all__ = ["IsolatedFailure", "run_isolated"]


class IsolatedFailure(RuntimeError):
    """The process of a batch died or took too long; trying again may help."""


def run_isolated(function: Callable[..., Any], *args: Any, timeout: float | None = None) -> Any:
    r"""Return *function* (*\*args*), computed in a new interpreter.

    Raises
    ------
    IsolatedFailure
        If it takes longer than *timeout* seconds, or the process dies.
    Exception
        Whatever the function raised.

    Examples
    --------
    >>> import math
    >>> run_isolated(math.sqrt, 4.0, timeout=60)
    2.0
    """
    with tempfile.TemporaryDirectory(prefix="lava-sqs-") as folder:
        task, answer = Path(folder, "task"), Path(folder, "answer")
        # Files and not pipes: the child may print, and a batch that is killed leaves no half-read
        # message.
        task.write_bytes(dumps((function, args)))
        child = subprocess.Popen(
            [sys.executable, "-m", "lava_sqs.study.run._child", str(task), str(answer)],
            stdin=subprocess.PIPE,  # stays open: when it closes, the child knows we are gone
            stdout=sys.stderr.fileno() if _has_descriptor(sys.stderr) else subprocess.DEVNULL,
            start_new_session=True,
            # A new interpreter finds what this one has put on sys.path, a script's folder for
            # example.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise IsolatedFailure(f"it took longer than {timeout:g} s and was killed") from None
        finally:
            # Also what the task left running: a Lava network outlives its parent.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if child.stdin is not None:
                child.stdin.close()
        if not answer.exists():
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise IsolatedFailure(f"its process died ({how})")
        # Written by our own child in a folder that only this user can enter.
        result = pickle.loads(answer.read_bytes())
    if isinstance(result, Failure):
        raise result.error
    return result


def _has_descriptor(stream: Any) -> bool:
    try:
        return bool(stream.fileno() >= 0)
    except (AttributeError, OSError, ValueError):
        return False
