"""What a study runs: any picklable function, and the tasks that come with the package.

A task is called as ``task(params, seed)`` with the parameters of a point (a flat dict) and a
``numpy.random.SeedSequence``, and returns :class:`Counts`. It must depend on nothing else.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lava_sqs._checks import check_choice, check_instance, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError, ParameterValueError
from lava_sqs.study.counts import Counts
from lava_sqs.study.tasks._identity import content_hash

__all__ = ["TASKS", "Task", "resolve_task", "task_name"]

#: The tasks that come with the package.
TASKS = {
    "memory_capacity": "lava_sqs.study.tasks.capacity:MemoryCapacityTask",
    "accuracy": "lava_sqs.study.tasks.networks:Accuracy",
    "training": "lava_sqs.study.tasks.networks:Training",
}

#: What a study runs.
Task = Callable[[dict[str, Any], np.random.SeedSequence], Counts]


def plain_or_hash(value: Any) -> Any:
    """Return plain data as it is, and a hash of anything else (arrays, models)."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain_or_hash(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): plain_or_hash(v) for k, v in value.items()}
    return content_hash(value)


def task_name(task: Any) -> str:
    """Return a short name of *task* for the column `task`.

    Examples
    --------
    >>> task_name(resolve_task("memory_capacity"))
    'memory_capacity'
    """
    if isinstance(task, functools.partial):
        return task_name(task.func)
    name = getattr(task, "name", None)
    return str(name or getattr(task, "__name__", type(task).__name__))


def resolve_task(task: Any, options: Mapping[str, Any] | None = None) -> Task:
    """Return a task from a name: a built-in one, or ``"module:function"``.

    Parameters
    ----------
    task : str or callable
        A task, or its name.
    options : dict, optional
        Arguments of a built-in task, or keywords of a function.

    Raises
    ------
    TypeError, ValueError
        If the task is unknown, cannot be called, or does not have the option.

    Examples
    --------
    >>> resolve_task("memory_capacity", {"max_delay": 3}).max_delay
    3
    """
    options = dict(check_instance("options", options, Mapping, none=True) or {})
    found: Any = task
    if isinstance(task, str):
        place = task if ":" in task else TASKS[check_choice("task", task, TASKS)]
        module, _, attribute = place.partition(":")
        found = functools.reduce(getattr, attribute.split("."), importlib.import_module(module))
    if options and callable(found):
        _check_options(found, options)
    if inspect.isclass(found):
        found = found(**options)
    elif options:
        found = functools.partial(found, **options)
    if not callable(found):
        raise ArgumentTypeError("task", f"must be callable, but got {describe(found)}.")
    try:
        inspect.signature(found).bind({}, None)
    except TypeError as error:
        raise ArgumentTypeError(
            "task",
            f"must be callable as task(params, seed), but {task_name(found)!r} is not: {error}.",
        ) from error
    made: Task = found
    return made


def _check_options(task: Any, options: Mapping[str, Any]) -> None:
    """Raise if a class or function has no such keyword; params and seed are no options."""
    known = list(inspect.signature(task).parameters.values())[0 if inspect.isclass(task) else 2 :]
    if any(p.kind is p.VAR_KEYWORD for p in known):
        return
    names = [p.name for p in known if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for name in options:
        if name not in names:
            has = f"it has {', '.join(names)}" if names else "it has none"
            raise ArgumentValueError(
                name, f"is not an option of the task {task_name(task)!r}: {has}."
            )


def check_names(
    task: str, params: Mapping[str, Any], known: tuple[str, ...], noises: tuple[str, ...]
) -> None:
    for name in params:
        if name in known or name in noises or name.startswith(tuple(f"{p}." for p in noises)):
            continue
        raise ParameterValueError(
            name,
            f"is not a parameter of the task {task!r}: it has {', '.join(known)} and "
            f"{', '.join(f'{p}.<field>' for p in noises)}.",
        )
