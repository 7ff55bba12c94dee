"""What both engines have in common: a Lava Runtime that knows what it may be asked, and when."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from lava.magma.core.process.message_interface_enum import ActorType
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from lava.magma.runtime.runtime import Runtime

from lava_sqs._checks import memory_limit
from lava_sqs.execution.supervision.ledger import Field
from lava_sqs.execution.supervision.requests import check_run_condition, find_source, var_value
from lava_sqs.proc import _private
from lava_sqs.recording import Column, NetworkRecording

#: Seconds without progress after which a run without `timeout` warns; also the least patience
#: for building the models, which may compile.
PATIENCE = 60.0
#: Seconds that a network gets to finish its step and stop by itself.
STOP_GRACE = 5.0


def label(process: AbstractProcess) -> str:
    """Return the name by which messages call a Process."""
    return f"Process '{process.name}' ({type(process).__name__})"


class NetworkRuntime(Runtime):
    """A Lava Runtime with an end that it can explain.

    Parameters
    ----------
    process : AbstractProcess
        Any Process of the network; it and all connected ones get this runtime.
    executable : Executable
        What ``process.compile`` returned.
    timeout : float or None
        Seconds without progress of any model after which a run ends with TimeoutError.
    """

    # Lava's attributes that change their type or that only Lava declares
    _executable: Any
    _is_running: bool

    def __init__(self, process: AbstractProcess, executable: Any, timeout: float | None) -> None:
        super().__init__(executable, ActorType.MultiProcessing, _private.log_level(process))
        self._name = label(process)
        self._timeout = timeout
        self._warned = False
        self._processes = [*executable.process_list, process]
        self._vars = {
            var.var_id: (f"'{owner.name}.{var.name}'", var)
            for owner, builder in executable.proc_builders.items()
            for var in builder.vars.values()
        }
        self._stopped: str | None = None
        self._recordings: list[NetworkRecording] = []
        self._looked_at: dict[Any, Column] = {}
        for each in self._processes:
            each.runtime = self

    def __reduce__(self) -> Any:
        """A copy of a Process is in no running network."""
        return type(None), ()

    @property
    def closed(self) -> bool:
        """Whether the network has ended."""
        return self._stopped is not None

    @property
    def time_step(self) -> int:
        """The latest time step begun; 0 before the first."""
        raise NotImplementedError

    @property
    def node_cfg(self) -> Any:
        """What Lava calls the node configurations of the network."""
        self.require_open()
        return super().node_cfg

    def record(self, targets: Mapping[str, Any], every: int) -> NetworkRecording:
        """Record Vars and OutPorts, by these names, from the next step on."""
        columns = self._columns(targets, every)
        recording = NetworkRecording(self._kept_rows(), columns, self.time_step, every)
        self._recordings.append(recording)
        return recording

    def watch(self, targets: Mapping[Any, Any], keep: int) -> tuple[Any, dict[Any, Column]]:
        """Have rows of Vars and OutPorts taken on demand; return who has them, and where.

        A target is watched once for the whole life of the network, however often one looks.
        """
        self._require_rest("watch")
        new = {key: target for key, target in targets.items() if key not in self._looked_at}
        self._looked_at.update(self._columns(new, keep=keep))
        return self._kept_rows(), {key: self._looked_at[key] for key in targets}

    def _columns(self, targets: Mapping[Any, Any], every: int = 1, keep: int = 0) -> dict[Any, Any]:
        """Let models take rows from the next step on."""
        self._require_rest("record")
        builders = self._executable.proc_builders
        # All are looked up before any is begun: an error leaves no half of a recording behind.
        found = {n: find_source(builders, target, self._name) for n, target in targets.items()}
        ledger = self._kept_rows()
        columns = {}
        with self._exchange():
            for name, (source, kind, shape, dtype, transforms) in found.items():
                region = ledger.new_region()
                field = Field(kind, source.name, shape, dtype, every, region, memory_limit(), keep)
                columns[name] = Column(targets[name], field, transforms)
                self._begin(source.process, field)
        return columns

    def leaves(self) -> list[AbstractProcess]:
        """Return the Processes that have models, in the order in which they were made."""
        self.require_open()
        return sorted(self._executable.proc_builders, key=lambda process: process.id)

    def _kept_rows(self) -> Any:
        """Return what keeps the rows of all recordings."""
        raise NotImplementedError

    def _begin(self, process: AbstractProcess, field: Field) -> None:
        """Let a Process record a field from the next step on."""
        raise NotImplementedError

    def _exchange(self) -> contextlib.AbstractContextManager[None]:
        """Have the network for oneself in a block."""
        raise NotImplementedError

    def close(self, reason: str, polite: bool = False) -> None:
        """End the network now and free everything; safe at any time and from any thread."""
        raise NotImplementedError

    def require_open(self) -> None:
        """Raise if the network has ended."""
        if self._stopped is not None:
            raise RuntimeError(
                f"The network of {self._name} is not running any more: {self._stopped}. The values "
                "of its Vars ended with it: read them inside the `with` block, or record them. "
                "Lava compiles a Process once, so to run again build the Processes again and start "
                "a new runtime(process, run_cfg)."
            )

    def _find_var(self, var_id: int) -> tuple[str, Any]:
        """Return the name and the declaration of a Var that can be read and set now."""
        self.require_open()
        if var_id not in self._vars:
            raise KeyError(f"No model in the network of {self._name} has a Var with id {var_id}.")
        name, var = self._vars[var_id]
        if self._is_running:
            raise RuntimeError(f"Var {name} is out of reach during a run; wait() or pause() first.")
        return name, var

    def _value_to_set(self, var_id: int, value: Any, idx: Any) -> tuple[Any, Any]:
        """Return a Var and its value, of which only the elements `idx` may be new."""
        name, var = self._find_var(var_id)
        if idx is not None:
            # The other elements are read and written back: models are sent whole Vars.
            changed = self.get_var(var_id)
            changed[idx] = value
            value = changed
        return var, var_value(name, var, value)

    def _require_startable(self, run_condition: Any) -> None:
        """Raise if the network has ended, or runs, or cannot run under a condition."""
        self.require_open()
        if self._is_running:
            raise RuntimeError(f"{self._name} is running already; call wait() or pause() first.")
        check_run_condition(run_condition)

    def _require_rest(self, asked: str) -> None:
        """Raise if the network has ended, or runs."""
        self.require_open()
        if self._is_running:
            raise RuntimeError(f"{self._name} is running; call wait() or pause() before {asked}().")

    def _check_room(self, condition: Any) -> None:
        """Raise if what a run of known length records does not fit into memory."""
        if isinstance(condition, RunSteps) and self._recordings:
            n_steps = int(condition.num_steps)
            n_bytes = sum(each.size_after(n_steps) for each in self._recordings)
            if n_bytes > memory_limit():
                raise MemoryError(
                    f"Recording {n_steps} steps more would take {n_bytes / 1e9:.3g} GB; the limit "
                    f"is {memory_limit() / 1e9:.3g} GB, half of this machine's memory. Run fewer "
                    "steps, or record every few steps only: record(..., every=10)."
                )
