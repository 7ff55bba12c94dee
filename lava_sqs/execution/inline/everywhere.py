"""Stock code in one process: `process.run(...)` and `process.create_runtime(...)` as they are."""

from __future__ import annotations

import logging
import threading
from typing import Any

from lava.magma.core.process.process import AbstractProcess

from lava_sqs.execution.base import label
from lava_sqs.execution.inline.build import obstacle
from lava_sqs.execution.inline.engine import InlineRuntime

_log = logging.getLogger("lava_sqs.execution")
_stock = AbstractProcess.create_runtime
_lock = threading.Lock()
_users = 0


class use_inline:
    """Let stock ``process.run(...)`` run its network in this process, several times as fast.

    Called once, it holds for the rest of the program; as a context manager, for the block. Whole
    scripts and test suites need no other change. Networks that cannot run so, such as those with
    asynchronous models, run as stock Lava runs them.

    Notes
    -----
    For every thread of the program. A network is in one process if its runtime was made in the
    block, which ``process.run`` does at its first call; it stays so afterwards. Errors are those of
    :class:`lava_sqs.runtime`.

    Examples
    --------
    >>> from lava.magma.core.run_conditions import RunSteps
    >>> from lava.magma.core.run_configs import Loihi2SimCfg
    >>> from lava.proc.lif.process import LIF
    >>> neuron = LIF(shape=(1,), bias_mant=1.0, vth=2.5)
    >>> with use_inline():
    ...     neuron.run(RunSteps(2), Loihi2SimCfg(select_tag="floating_pt"))
    >>> neuron.v.get()
    array([2.])
    >>> neuron.stop()
    """

    def __init__(self) -> None:
        self._entered = False
        _count(1)

    def __enter__(self) -> use_inline:
        if self._entered:
            raise RuntimeError("This use_inline() has been entered before: make another one.")
        self._entered = True
        return self

    def __exit__(self, *error: object) -> None:
        _count(-1)

    def __repr__(self) -> str:
        return f"<use_inline: {'on' if _users else 'off'}>"


def _count(more: int) -> None:
    """Replace Lava's way to make runtimes while anybody wants that."""
    global _users
    with _lock:
        _users += more
        AbstractProcess.create_runtime = _create_runtime if _users else _stock


def _create_runtime(
    process: Any, run_cfg: Any = None, executable: Any = None, compile_config: Any = None
) -> None:
    """Do what ``AbstractProcess.create_runtime`` does, in this process if that can be."""
    if executable is None:
        executable = process.compile(run_cfg, compile_config)
    hindrance = obstacle(executable)
    _log.debug(
        "%s runs %s", label(process), f"as stock Lava does: {hindrance}" if hindrance else "inline"
    )
    if hindrance:
        _stock(process, run_cfg, executable, compile_config)
        return
    made = InlineRuntime(process, executable, None)
    try:
        made.initialize()
    except BaseException as error:
        made.close(f"it could not start ({type(error).__name__})")
        raise
