"""Every private name of Lava's objects that lava_sqs touches, one small function for each.

Lava has no public way to any of them. `tests/proc/test_private.py` holds each against the Lava that
is installed, so that another release fails there and not in somebody's run. What our subclasses of
Lava's classes inherit and call on themselves is listed in :data:`INHERITED`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import IdentityTransformer
from lava.magma.core.process.process import AbstractProcess
from lava.proc.io.injector import PyLoihiInjectorModel

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
    """Let Lava choose the model of a Process again."""
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
    """Return the learning rule of a connection; None if it does not learn, or is not one."""
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


# -- models in this process ------------------------------------------------------------------------

#: The attributes by which a model asks for a pause, or the end of the run.
PAUSE, STOP = "_req_pause", "_req_stop"
#: What a model of LoihiProtocol inherits, and an engine that calls its phases itself relies on.
_MANNERS = ("start", "run", "_spike", "_pre_mgmt", "_lrn", "_post_mgmt", "_host")


def overridden(model_class: Any) -> str | None:
    """Return what a class of models has of its own of how Lava runs a model; None if nothing."""
    return next(
        (n for n in _MANNERS if getattr(model_class, n) is not getattr(PyLoihiProcessModel, n)),
        None,
    )


def reads_itself(model: Any) -> bool:
    """Whether a model answers ``Var.get`` in its own way."""
    return type(model)._get_var is not PyLoihiProcessModel._get_var


def sets_itself(model: Any) -> bool:
    """Whether a model takes up ``Var.set`` in its own way."""
    return type(model)._set_var is not PyLoihiProcessModel._set_var


def quiet(model: Any) -> None:
    """Let the end of Lava's Injector not complain of a port that it never had."""
    if isinstance(model, PyLoihiInjectorModel):
        model._p_to_pm_dst_port = SimpleNamespace(join=lambda: None)


def wire_end(process: AbstractProcess) -> Any:
    """Return the receiving end of Lava's own channel that a VarWire has to the program, or None."""
    return getattr(process, "_pm_to_p_dst_port", None)


def parameters(params: Any) -> dict[str, Any]:
    """Return what ProcessParameters hold, by name."""
    found: dict[str, Any] = params if isinstance(params, dict) else params._parameters
    return found


def set_parameters(params: Any, values: dict[str, Any]) -> None:
    """Let ProcessParameters, or a dictionary, hold other values."""
    if isinstance(params, dict):
        params.update(values)
    else:
        params._parameters = values


def port_type(port: Any) -> Any:
    """Return the type that a model's port declares."""
    return port._d_type


def transformer(port: Any) -> Any:
    """Return what stands for the virtual ports before a model's InPort."""
    return port._transformer


def transform_of(transformer: Any, end: Any) -> Callable[[Any], Any]:
    """Return what the virtual ports do to what arrives at an end of a channel."""
    if type(transformer) is IdentityTransformer:
        return lambda data: data
    found: Callable[[Any], Any] = transformer._get_transform(end)
    return found
