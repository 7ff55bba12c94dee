"""What a task is, as plain data: a part of every row's id.

A task is its own code, the code and values that it reaches in its own module, and what it carries
(options, defaults, closures, fields). Code is compared as parsed source, so that comments, line
numbers, folders and Python's version do not matter; values are compared by content. What has no
content to compare is refused: a wrong identity would count old rows for new code.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError
from lava_sqs.study.tasks._content import Encoder, qualified
from lava_sqs.study.tasks._source import module_of

__all__ = ["content_hash", "identity"]


def identity(task: Any, version: str | None = None) -> Any:
    """Return plain data that changes when the *task* changes: a part of every row's id.

    An object with a method ``identity()`` says it itself, in plain data. With a *version*, code
    does not count: the name, the version and the options do.

    Raises
    ------
    TypeError
        If the task is a lambda or a local function (no worker could find it), or if something that
        it reaches cannot be compared by content and there is no *version*.

    Examples
    --------
    >>> identity(lambda params, seed: None)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    lava_sqs._errors.ArgumentTypeError: Argument `task` must be a function at the top level of ...
    """
    _check_findable(task)
    own = getattr(task, "identity", None)
    if callable(own) and not isinstance(task, type):
        said = [qualified(type(task)), own()]
        return said if version is None else [*said, ["version", version]]
    root = inspect.unwrap(_without_partial(task))
    root = getattr(root, "__func__", root)
    root = root if inspect.isfunction(root) else type(root)
    own = None if module_of(root).partition(".")[0] == "lava_sqs" else root
    name = root.__qualname__ if own is root else qualified(root)
    if version is not None:
        return ["version", name, version, Encoder(own, by_name=True).digest(task)]
    return ["task", name, _digest(task, own)]


def _digest(value: Any, own: Any = None) -> str:
    # What the task writes itself is no input. One pass finds it, the next one encodes the rest.
    first = Encoder(own, lenient=True)
    first.digest(value)
    return Encoder(own, written=first.writes).digest(value)


def content_hash(value: Any) -> str:
    """Return a hash of what *value* holds, the code of users' classes included.

    Raises
    ------
    TypeError
        If it has no content to compare.

    Examples
    --------
    >>> content_hash({1, 2}) == content_hash({2, 1}) != content_hash([1, 2])
    True
    """
    return f"sha256:{_digest(value)}"


def _without_partial(task: Any) -> Any:
    while isinstance(task, functools.partial):
        task = task.func
    return task


def _check_findable(task: Any) -> None:
    task = _without_partial(task)
    if inspect.isfunction(task) and "<" in task.__qualname__:
        raise ArgumentTypeError(
            "task",
            f"must be a function at the top level of a module, but got "
            f"{task.__qualname__}: other processes could not find it.",
        )
    of_class = isinstance(getattr(task, "__self__", None), type)
    if inspect.isbuiltin(task) or isinstance(task, type) or of_class:
        raise ArgumentTypeError(
            "task",
            "must be a function, a callable object or a method of one, written in "
            f"Python, but got {describe(task)}.",
        )
