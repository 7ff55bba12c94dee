"""Where batches run: here, in loky's processes, or in any executor that the user brings."""

from __future__ import annotations

import concurrent.futures as cf
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from lava_sqs._checks import check_int, describe
from lava_sqs._errors import ArgumentTypeError
from lava_sqs.study.run.isolation import IsolatedFailure

__all__ = ["Pool", "is_lost"]

# One thread per worker: the workers already use the cores.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class _Here(cf.Executor):
    """Run at once, in this process: simple to debug, and Ctrl-C is immediate."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> cf.Future[Any]:
        future: cf.Future[Any] = cf.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def is_lost(error: BaseException) -> bool:
    """Return whether *error* is no fault of the batch, so that it may run again.

    A broken pool, a killed or vanished worker (Dask's own retries included), a timeout.

    Examples
    --------
    >>> is_lost(cf.BrokenExecutor()), is_lost(ValueError())
    (True, False)
    """
    if isinstance(error, (cf.BrokenExecutor, cf.CancelledError, IsolatedFailure)):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"KilledWorker", "CommClosedError", "FutureCancelledError"})


class Pool:
    """An executor that can be rebuilt when it breaks.

    Parameters
    ----------
    workers : int or None
        None is 1, or the size of *executor*.
    executor : Executor or callable, optional
        An executor, or a function that makes one: only then can a broken one be replaced.

    Raises
    ------
    TypeError, ValueError
        If `workers` is not a positive integer, or `executor` is neither an executor nor a function
        that makes one.

    Examples
    --------
    >>> pool = Pool(1, None)
    >>> pool.submit(abs, -2).result()
    2
    """

    size: int
    serial: bool

    def __init__(self, workers: int | None, executor: Any) -> None:
        self._make: Callable[[], Any] | None = None
        self._given = None
        if workers is not None:
            workers = check_int("workers", workers, minimum=1)
        if executor is None:
            self._make = _Here if workers in (None, 1) else lambda: _loky(workers or 1)
            self._executor = self._make()
        elif callable(getattr(executor, "submit", None)):
            self._executor = self._given = executor
        elif callable(executor):
            self._make = executor
            self._executor = executor()
        else:
            raise ArgumentTypeError(
                "executor",
                "must be a concurrent.futures.Executor or a function that "
                f"makes one, but got {describe(executor)}.",
            )
        self.size = workers or (1 if executor is None else _size(self._executor))
        self.serial = isinstance(self._executor, _Here)

    def submit(self, function: Callable[..., Any], *args: Any) -> cf.Future[Any]:
        r"""Return the future of *function* with *\*args*, also if the pool has broken."""
        try:
            future = self._executor.submit(function, *args)
        except cf.BrokenExecutor as error:
            future = cf.Future()
            future.set_exception(error)
        return future

    def rebuild(self) -> None:
        """Replace a broken executor.

        Raises
        ------
        RuntimeError
            If the pool was given by the caller: only its owner can make another.
        """
        if self._make is None:
            raise RuntimeError(
                "The executor broke (a worker was killed?), and only a function that makes "
                "executors can replace it: pass executor=lambda: ProcessPoolExecutor(2), say."
            )
        _shutdown(self._executor)
        self._executor = self._make()

    def close(self) -> None:
        """Kill our own workers; leave the user's executor as it is."""
        if self._given is None:
            _shutdown(self._executor)


def _loky(workers: int) -> Any:
    try:
        from loky import ProcessPoolExecutor
    except ImportError as error:
        raise ImportError(
            "workers > 1 needs loky: install the extra `study`, pip install 'lava-sqs[study]', "
            "or pass an executor of your own."
        ) from error
    # What the user has set wins.
    env = {name: os.environ.get(name, "1") for name in _THREADS}
    return ProcessPoolExecutor(
        max_workers=workers, env=env, initializer=_leave_nothing, initargs=(os.getpid(),)
    )


def _leave_nothing(parent: int) -> None:
    """Let nothing of this worker outlive its parent or itself, however they end."""
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _size(executor: Any) -> int:
    for name in ("_max_workers", "num_workers"):  # concurrent.futures and loky; mpi4py
        value = getattr(executor, name, None)
        if isinstance(value, int) and value > 0:
            return value
    client = getattr(executor, "_client", None)  # Dask
    if client is not None:
        return max(1, int(sum(client.ncores().values())))
    return os.cpu_count() or 1


def _shutdown(executor: Any) -> None:
    try:
        executor.shutdown(wait=True, kill_workers=True)  # loky
    except TypeError:
        # Other executors know no kill_workers, and waiting would mean to wait for their batches.
        executor.shutdown(wait=False, cancel_futures=True)
