"""Make Lava work in a program that has used multiprocessing before.

Lava sets the start method "fork" while it is imported, which raises as soon as any code (a pool,
a data loader, a spawned worker) has used multiprocessing. Importing this module first imports the
part of Lava that does so, and puts another method that the program has chosen back afterwards;
:func:`forking` brings "fork" back while a network is built.
"""

import contextlib
import importlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator

from lava_sqs._lava import prepare

_MODULE = "lava.magma.runtime.message_infrastructure.multiprocessing"
_one_thread = threading.RLock()


def _forget_other_threads() -> None:
    """Let a fork, which has none of the other threads, not wait for the one that builds."""
    global _one_thread
    _one_thread = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)


@contextlib.contextmanager
def forking(method: str | None = "fork") -> Iterator[None]:
    """Let multiprocessing use `method` in the block, and what it used before afterwards.

    One thread at a time: the method is one for the whole program.
    """
    with _one_thread:
        chosen = multiprocessing.get_start_method(allow_none=True)
        multiprocessing.set_start_method(method, force=True)
        try:
            yield
        finally:
            if chosen is not None:
                multiprocessing.set_start_method(chosen, force=True)


if _MODULE not in sys.modules:
    prepare()
    with forking(None):
        importlib.import_module(_MODULE)
