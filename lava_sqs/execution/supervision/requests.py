"""What a user asks of a running network, checked before Lava hears of it.

Lava takes nearly anything here and answers with a hang, or by doing something else.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.process.ports.ports import OutPort
from lava.magma.core.process.variable import Var
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from numpy.typing import NDArray
from scipy.sparse import issparse

from lava_sqs._errors import ArgumentTypeError
from lava_sqs.execution.supervision.ledger import is_recordable


def check_run_condition(condition: Any) -> None:
    """Raise unless Lava can run for `condition` (a negative count would mean another command)."""
    if isinstance(condition, RunContinuous):
        return
    if not isinstance(condition, RunSteps):
        raise ArgumentTypeError(
            "condition",
            f"must be a number of steps, RunSteps or RunContinuous, but is {condition!r}.",
        )
    steps = condition.num_steps
    try:
        # operator.index takes NumPy's integers as well, and refuses floats.
        valid = operator.index(steps) > 0 and not isinstance(steps, bool)
    except TypeError:
        valid = False
    if not valid:
        raise ValueError(f"The number of steps must be a positive integer, but is {steps!r}.")


def var_value(name: str, var: Any, value: Any) -> Any:
    """Return `value` as the array Lava sends; anything else would confuse its messages."""
    if isinstance(var.value, str) or issparse(var.value):
        return value  # Var.set has encoded them
    value, shape = np.asarray(value), tuple(var.shape)
    if value.dtype.kind not in "biuf":
        raise TypeError(f"Var {name} must be set to real numbers, but got dtype {value.dtype}.")
    if value.ndim == 0:
        return np.full(shape, value)
    if value.size != np.prod(shape):  # Lava takes any shape, but waits for ever, or sets a part
        raise ValueError(
            f"Var {name} must be set to {int(np.prod(shape))} numbers, as many as its shape "
            f"{shape} has, but got {value.size}, of shape {value.shape}."
        )
    return value.reshape(shape)


def readable(var: Any, value: Any) -> NDArray[Any]:
    """Return what a model holds of a Var as an array; raise if that is not what it declares."""
    array: NDArray[Any] = np.asarray(value)
    if array.size != np.prod(var.shape) or array.dtype.kind not in "biuf":
        raise TypeError(
            f"Var '{var.name}' must hold real numbers of shape {tuple(var.shape)}, but the "
            f"model now holds {array.dtype} of shape {array.shape}. Lava cannot read that; "
            f"assign with self.{var.name}[:] = ..."
        )
    return array


def assign(model: Any, var: Any, new: NDArray[Any]) -> None:
    """Let a model hold these numbers, in C order whatever the order of its own memory."""
    value = getattr(model, var.name)
    if np.size(value) != new.size:
        raise TypeError(
            f"Var '{var.name}' must hold {new.size} numbers, but the model now holds "
            f"{np.size(value)}; assign with self.{var.name}[:] = ..."
        )
    if isinstance(value, np.ndarray):
        value[...] = new.reshape(value.shape)
    else:
        # A plain number keeps its type: Lava's channels carry floats.
        setattr(model, var.name, type(value)(new[0]))


def find_source(
    builders: Mapping[Any, Any], target: Any, network: str
) -> tuple[Any, str, tuple[int, ...], str, list[Any]]:
    """Return the Var or port of a model behind `target`, and how its messages are reshaped.

    `builders` are those of an executable, by Process; `network` is what messages call it.
    """
    what = f"'{target.process.name}.{target.name}'"
    transforms: list[Any] = []
    while isinstance(target, Var) and target.aliased_var is not None:
        target = target.aliased_var
    if isinstance(target, OutPort) and target.in_connections:
        sources = target.get_src_ports()
        if len(sources) != 1:
            names = ", ".join(f"'{s.process.name}.{s.name}'" for s in sources)
            raise ValueError(f"OutPort {what} adds up {names}: record these.")
        transforms = next(iter(target.get_incoming_transform_funcs().values()), [])
        target = sources[0]
    builder = builders.get(target.process)
    if builder is None:
        raise ValueError(f"{what} cannot be recorded: no model in the network of {network} has it.")
    if not issubclass(builder.proc_model, PyLoihiProcessModel):
        raise ValueError(
            f"{what} cannot be recorded: its model {builder.proc_model.__name__} has no time steps."
        )
    declared = getattr(builder.proc_model, target.name)
    if isinstance(target, OutPort):
        if not is_recordable(declared.cls):
            raise TypeError(f"OutPort {what} cannot be recorded: it does not send arrays.")
        shape, dtype, kind = target.shape, np.dtype(declared.d_type), "OutPort"
    else:
        initial = builder.vars[target.name]
        if isinstance(initial.value, str):
            raise TypeError(f"Var {what} cannot be recorded: it holds text.")
        shape, dtype, kind = initial.shape, np.dtype(declared.d_type), "Var"
    return target, kind, tuple(shape), dtype.str, transforms
