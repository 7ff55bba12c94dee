"""Which kinds of neurons there are, by name."""

from __future__ import annotations

import importlib
from typing import TypeVar

from lava_sqs._checks import check_choice, check_text, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.neurons.base import BaseNeuron

__all__ = ["kind_of", "kinds", "register"]

_Kind = TypeVar("_Kind", bound=type[BaseNeuron])

#: Where the kinds are that come with lava_sqs: one line each.
_HOMES = {
    "sqs": "lava_sqs.neurons.sqs:SQSNeuron",
    "qlif": "lava_sqs.neurons.qlif:QLIFNeuron",
    "lif": "lava_sqs.neurons.lif:LIFNeuron",
    "as_published": "lava_sqs.neurons.published:AsPublishedNeuron",
    "classical": "lava_sqs.neurons.classical:ClassicalMemoryNeuron",
}
_REGISTERED: dict[str, type[BaseNeuron]] = {}


def kinds() -> tuple[str, ...]:
    """Return the names that ``SQSNN(neuron=...)`` takes.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> kinds()
    ('sqs', 'qlif', 'lif', 'as_published', 'classical')
    """
    return (*_HOMES, *_REGISTERED)


def kind_of(name: str) -> type[BaseNeuron]:
    """Return the class of a kind of neurons.

    Parameters
    ----------
    name : str
        One of :func:`kinds`.

    Returns
    -------
    type

    Raises
    ------
    TypeError, ValueError
        If the kind is unknown.

    Examples
    --------
    >>> kind_of("lif").__name__
    'LIFNeuron'
    """
    check_choice("name", name, kinds())
    if name in _REGISTERED:
        return _REGISTERED[name]
    module, _, attribute = _HOMES[name].partition(":")
    kind: type[BaseNeuron] = getattr(importlib.import_module(module), attribute)
    return kind


def register(kind: _Kind) -> _Kind:
    """Add a kind of neurons, so that ``SQSNN(neuron=kind.name)`` takes it.

    Can decorate the class. A process that loads a saved network of such neurons, or a worker that
    does not fork, has to do the same first.

    Parameters
    ----------
    kind : type
        A subclass of :class:`~lava_sqs.neurons.BaseNeuron` with a new ``name``.

    Returns
    -------
    type
        The same.

    Raises
    ------
    TypeError, ValueError
        If it is not a subclass of BaseNeuron, or another kind has the name.

    Examples
    --------
    >>> from lava_sqs.neurons import LIFNeuron
    >>> register(LIFNeuron)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    lava_sqs._errors.ArgumentValueError: Argument `kind` must have a name that is not yet taken, ...
    """
    if not (isinstance(kind, type) and issubclass(kind, BaseNeuron)):
        raise ArgumentTypeError(
            "kind", f"must be a subclass of lava_sqs.neurons.BaseNeuron, but got {describe(kind)}."
        )
    name = check_text("name", getattr(kind, "name", None))
    known = _REGISTERED.get(name)
    # Reloading a module, as notebooks do, makes a new class of the same name: it replaces the old
    # one.
    same = known is not None and (known.__module__, known.__qualname__) == (
        kind.__module__,
        kind.__qualname__,
    )  # its module was executed again
    if name in kinds() and not same:
        raise ArgumentValueError(
            "kind", f"must have a name that is not yet taken, but got {name!r}."
        )
    _REGISTERED[name] = kind
    return kind
