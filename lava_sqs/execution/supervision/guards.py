"""What stands at the points where Lava's parent process waits: memory, children, two guards."""

from __future__ import annotations

import contextlib
import errno
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from lava.magma.compiler.channels.pypychannel import CspRecvQueue
from lava.magma.runtime.message_infrastructure.multiprocessing import MultiProcessing

from lava_sqs.execution.supervision.children import POLL, Children
from lava_sqs.proc import _private
from lava_sqs.recording import shared_array


class Watcher(Protocol):
    """Who knows whether the network can still answer: the runtime."""

    def require_open(self) -> None:
        """Raise if the network has ended."""

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Call `ready` until it is true; raise if it cannot become so."""


class AnonymousMemory:
    """Memory for Lava's channels that no file system and no server process knows of."""

    def create_shared_memory(self, size: int) -> SimpleNamespace:
        """Return an object with the attribute `buf`, as multiprocessing's SharedMemory."""
        return SimpleNamespace(buf=shared_array(size, np.uint8).data)


class Infrastructure(MultiProcessing):
    """Lava's message infrastructure with anonymous memory and supervised children."""

    def __init__(self, children: Children) -> None:
        super().__init__()
        _private.set_memory(self, AnonymousMemory())
        self._family = children

    def build_actor(self, target_fn: Any, builder: Any, exception_q: Any = None) -> Any:
        """Fork a child for `builder`; the other arguments are Lava's way to do so."""
        return self._family.spawn(builder)


class GuardedQueue(CspRecvQueue):
    """Where the parent waits for a message: it watches the children meanwhile."""

    def __init__(self, size: int, watcher: Watcher) -> None:
        super().__init__(size)
        self._watcher = watcher

    def filled(self, seconds: float = POLL) -> bool:
        """Wait for a message at most so long; return whether there is one."""
        try:
            # peek leaves the message there: whoever waits takes it with the next get.
            super().get(timeout=seconds, peek=True)
        except Empty:
            return False
        return True

    def get(self, block: bool = True, timeout: float | None = None, peek: bool = False) -> Any:
        """Get; raise if the network cannot answer any more."""
        if not block or timeout is not None:
            return super().get(block, timeout, peek)
        self._watcher.require_open()
        # The usual case, an answer within POLL, costs no look at the children.
        with contextlib.suppress(Empty):
            return super().get(timeout=POLL, peek=peek)
        self._watcher.wait_until(self.filled)
        return super().get(peek=peek)


class GuardedSemaphore(threading.BoundedSemaphore):
    """Where the parent waits for room to send: it watches the children meanwhile."""

    def __init__(self, size: int, watcher: Watcher) -> None:
        super().__init__(size)
        self._watcher = watcher

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Acquire; raise if nobody can make room any more."""
        if not blocking or timeout is not None:
            return super().acquire(blocking, timeout)
        self._watcher.require_open()
        if not super().acquire(timeout=POLL):
            self._watcher.wait_until(lambda: super(GuardedSemaphore, self).acquire(timeout=POLL))
        return True


@contextlib.contextmanager
def explaining_shortage(name: str) -> Iterator[None]:
    """Say which resource of the system an OSError of Lava's channels is about."""
    try:
        yield
    except OSError as error:
        short = {
            errno.ENOSPC: "room in /dev/shm, where its channels have semaphores of a few bytes "
            "each: free some, or mount it larger (docker run --shm-size=64m)",
            errno.EFBIG: "files of a few bytes in /dev/shm: raise `ulimit -f`",
            errno.EMFILE: "more file descriptors: raise `ulimit -n`, or stop other networks",
            errno.EAGAIN: "more processes: raise `ulimit -u`, or stop other networks",
            errno.ENOMEM: "more memory: free some, or make the network smaller",
        }.get(error.errno or 0)
        if short is None:
            raise
        message = f"The network of {name} cannot start, it needs {short}"
        raise OSError(error.errno, message) from error


def patiently(ready: Callable[[], bool]) -> Callable[[], bool]:
    """Make a check that returns at once fit for a loop."""

    def wait() -> bool:
        if ready():
            return True
        time.sleep(0.0005)
        return False

    return wait
