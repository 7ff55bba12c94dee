"""Every private name of Lava's objects that lava_sqs touches, one small function for each.

Lava has no public way to any of them. `tests/proc/test_private.py` holds each against the Lava that
is installed, so that another release fails there and not in somebody's run. What our subclasses of
Lava's classes inherit and call on themselves is listed in :data:`INHERITED`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.core.process.process import AbstractProcess

#: Of Lava's Runtime, what `execution/supervision/supervised.py` calls, sets or replaces.
INHERITED = (
    *("_build_channels", "_build_sync_channels", "_build_processes", "_build_runtime_services"),
    *("_build_watchdog_manager", "_start_ports", "_run", "_get_resp_for_run"),
    *("_executable", "_is_initialized", "_is_running", "_is_started", "_open_ports"),
    *("_messaging_infrastructure", "_watchdog_manager"),
)

# -- Processes -------------------------------------------------------------------------------------


def set_compiled(process: AbstractProcess, compiled: bool) -> None:
    """Let Lava compile a Process again, or not."""
    process._is_compiled = compiled


def forget_model(process: AbstractProcess) -> None:
    """Let Lava choose the model of a Process anew."""
    process._model_class = None


def log_level(process: AbstractProcess) -> int:
    """Return the level of a Process's log."""
    level: int = process._log_config.level
    return level


def next_id(server: Any) -> int:
    """Return the id that a server of ids, which tell Processes and Vars apart, gives next."""
    found: int = server._next_id
    return found


def skip_ids(server: Any, bound: int) -> None:
    """Let a server give no id below *bound* any more."""
    server._next_id = max(server._next_id, bound)


def models_of(process: AbstractProcess) -> list[Any]:
    """Return all models of a Process that Lava finds."""
    return list(ProcGroupDiGraphs._find_proc_models(proc=process))


def learning_rule(process: Any) -> Any:
    """Return the learning rule of a connection; None if it does not learn, or is none."""
    return getattr(process, "_learning_rule", None)


# -- models and services ---------------------------------------------------------------------------


def port_shape(port: Any) -> tuple[int, ...]:
    """Return the shape of a model's port."""
    shape: tuple[int, ...] = port._shape
    return shape


def commands(model: Any) -> dict[Any, Callable[[], None]]:
    """Return what a model does at each command of its runtime service: a dictionary to change."""
    handlers: dict[Any, Callable[[], None]] = model._cmd_handlers
    return handlers


def after_pause(service: Any, then: Callable[[], None]) -> None:
    """Let a runtime service call *then* after each pause."""
    pause = service._handle_pause

    def handle_pause() -> None:
        pause()
        then()

    service._handle_pause = handle_pause


# -- channels --------------------------------------------------------------------------------------


def set_queue(receiver: Any, queue: Any) -> None:
    """Let a receiving end wait at another queue; before anything is sent."""
    receiver._queue = queue


def queue_of(receiver: Any) -> Any:
    """Return the queue at which a receiving end waits."""
    return receiver._queue


def set_semaphore(sender: Any, semaphore: Any) -> None:
    """Let a sending end wait for room at another semaphore; before anything is sent."""
    sender._semaphore = semaphore


def unheard(receiver: Any) -> int:
    """Return how many messages a receiving end's thread has not taken up; 0 if it is closed."""
    return 0 if receiver._req is None else int(receiver._req.get_value())


def set_memory(infrastructure: Any, memory: Any) -> None:
    """Let a message infrastructure make its channels in another shared memory."""
    infrastructure._smm = memory
