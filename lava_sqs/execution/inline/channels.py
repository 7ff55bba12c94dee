"""Channels in memory, with the manners of Lava's: what is sent is copied, a full one makes wait."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspSendPort
from lava.magma.core.model.py.ports import (
    IdentityTransformer,
    PyInPortVectorDense,
    PyOutPortVectorDense,
)
from lava.utils.sparse import find
from numpy.typing import NDArray
from scipy.sparse import issparse

from lava_sqs.proc import _private


class Queue(deque[Any]):
    """Messages under way; Lava's Injector and Extractor ask how many."""

    qsize = deque.__len__


class Host(Protocol):
    """Who lets others move while one waits at an end of a channel."""

    def wait(self, end: Any) -> None:
        """Return when `end` is ready."""


class SendEnd(CspSendPort):
    """Where a model sends into a channel.

    Parameters
    ----------
    port : PortInitializer
        Name, shape, dtype and size of the channel.
    queue : Queue
        The channel.
    host : Host
        Whom to ask where the channel is full.
    owner : Any
        Whose end this is.
    peer : str
        Who is at the other end, for messages.
    name : str, optional
        Name of the model's port, if it is not that of `port`.
    """

    outside = False
    verb = "send to"

    def __init__(
        self, port: Any, queue: Queue, host: Host, owner: Any, peer: str, name: str | None = None
    ) -> None:
        self._name, self._shape, self._size = name or port.name, tuple(port.shape), port.size
        self._dtype = channel_type(port.d_type)
        self._queue = self.queue = queue
        self.host, self.owner, self.peer = host, owner, peer
        self.observer: Callable[[], Any] | None = None
        self.other: Any = None
        self.thread = None

    def start(self) -> None:
        """Do nothing: there is no thread."""

    def join(self) -> None:
        """Do nothing: there is no thread."""

    def probe(self) -> bool:
        """Whether there is room."""
        return len(self.queue) < int(self._size)

    def send(self, data: Any) -> None:
        """Put a copy into the channel; wait where it is full."""
        if data.shape != self._shape:
            raise AssertionError(f"{data.shape=} {self._shape=} Mismatch")
        # Lava's channels hold as many messages: a network that would block there blocks here as
        # well.
        if len(self.queue) >= self._size:
            self.host.wait(self)
        if type(data) is np.ndarray:
            # A copy, since the sender may go on writing into its array; the cast is that of Lava's
            # shared memory.
            self.queue.append(data.astype(self._dtype, "C", "unsafe"))
            return
        if issparse(data):
            data = find(data, explicit_zeros=True)[2]
        message = np.empty(self._shape, self._dtype)
        message[:] = data[:]
        self.queue.append(message)


class RecvEnd(CspRecvPort):
    """Where a model receives from a channel; parameters as of SendEnd.

    Every message is read once, at one end: the reader may keep it.
    """

    outside = False
    verb = "receive from"

    def __init__(
        self, port: Any, queue: Queue, host: Host, owner: Any, peer: str, name: str | None = None
    ) -> None:
        SendEnd.__init__(self, port, queue, host, owner, peer, name)

    def start(self) -> None:
        """Do nothing: there is no thread."""

    def join(self) -> None:
        """Do nothing: there is no thread."""

    def probe(self) -> bool:
        """Whether there is a message."""
        return len(self.queue) > 0

    def peek(self) -> NDArray[Any]:
        """Return a copy of the next message, which stays; wait where there is none."""
        if not self.queue:
            self.host.wait(self)
        found: NDArray[Any] = self.queue[0].copy()
        return found

    def recv(self) -> NDArray[Any]:
        """Return the next message; wait where there is none."""
        if not self.queue:
            self.host.wait(self)
        found: NDArray[Any] = self.queue.popleft()
        return found


class _Heard:
    """An end of a channel to outside of the network: Lava's selectors observe the other one."""

    outside = True
    other: Any
    #: Of an end that a user has: raises once the network has ended.
    check: Callable[[], None] | None = None

    def _ask(self) -> None:
        if self.check is not None:
            self.check()

    def _tell(self) -> None:
        if self.other.observer is not None:
            self.other.observer()


class OuterSend(_Heard, SendEnd):
    """One that another thread receives from, or sends into."""

    def send(self, data: Any) -> None:
        """Send, and tell an observer."""
        self._ask()
        super().send(data)
        self._tell()


class OuterRecv(_Heard, RecvEnd):
    """One that another thread sends into, or receives from."""

    def recv(self) -> NDArray[Any]:
        """Receive, and tell an observer."""
        if not self.queue:  # what has been sent can be read after the end, too
            self._ask()
        found = super().recv()
        self._tell()
        return found


class Bystander:
    """The host of ends outside of the network: who waits there sleeps, and does not take turns.

    Parameters
    ----------
    watch : callable
        Called while somebody waits; raises if that is in vain.
    """

    def __init__(self, watch: Callable[[Any, float], None]) -> None:
        self._watch = watch
        self.ends: set[Any] = set()  # at which somebody has waited

    def wait(self, end: Any) -> None:
        """Return when `end` is ready."""
        self.ends.add(end)
        begun = time.monotonic()
        while not end.probe():
            self._watch(end, time.monotonic() - begun)
            time.sleep(0.0002)

    def hand_over(self) -> None:
        """Give threads that wait for messages the time to take up those that are there."""
        for end in self.ends:
            left = -1
            while isinstance(end, RecvEnd) and end.queue and left != (left := len(end.queue)):
                time.sleep(0.005)
        self.ends.clear()


class Mailbox:
    """Lava's Var messages between a model and nobody: for Vars that are no arrays."""

    def __init__(self) -> None:
        self.messages: deque[Any] = deque()

    def send(self, message: Any) -> None:
        """Keep a message."""
        self.messages.append(message)

    def recv(self) -> Any:
        """Return the oldest message."""
        return self.messages.popleft()

    def peek(self) -> Any:
        """Return the oldest message, which stays."""
        return self.messages[0]

    def probe(self) -> bool:
        """Whether there is a message."""
        return bool(self.messages)

    def start(self) -> None:
        """Do nothing."""

    def join(self) -> None:
        """Do nothing."""


def channel_type(d_type: Any) -> np.dtype[Any]:
    """Return the dtype of a channel's messages, as Lava's reading end has it."""
    return np.dtype(np.int32 if isinstance(d_type, int) and d_type == 4 else d_type)


def quicken(port: Any) -> None:
    """Let a model's port do at once what Lava's does by way of reduce() and lambdas.

    The same sums in the same order: ``0 + first + second ...``, each by way of its virtual ports.
    """
    if type(port) is PyInPortVectorDense and port.csp_ports:
        port.recv = _adding(port)


def shorten(port: Any) -> None:
    """Let a model's OutPort with one receiver be the end of its channel."""
    if type(port) is PyOutPortVectorDense and len(port.csp_ports) == 1 and "send" not in vars(port):
        port.send = port.csp_ports[0].send


def _adding(port: Any) -> Callable[[], NDArray[Any]]:
    """Return what receives at a port."""
    ends, transformer = port.csp_ports, _private.transformer(port)
    zeros = np.zeros(_private.port_shape(port), _private.port_type(port))
    end = ends[0]
    if type(transformer) is IdentityTransformer and len(ends) == 1 and not end.outside:
        queue, wait = end.queue, end.host.wait

        def receive() -> NDArray[Any]:
            if not queue:
                wait(end)
            found: NDArray[Any] = zeros + queue.popleft()
            return found

        return receive
    parts = [(each, _private.transform_of(transformer, each)) for each in ends]

    def receive_all() -> NDArray[Any]:
        total = zeros
        for each, transform in parts:
            total = total + transform(each.recv())
        return total

    return receive_all
