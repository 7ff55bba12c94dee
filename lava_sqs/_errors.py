"""Errors about an argument, which carry its name: nobody has to read it out of a message."""

from __future__ import annotations

__all__ = ["ArgumentError", "ArgumentTypeError", "ArgumentValueError"]


class ArgumentError(Exception):
    """What is wrong with one argument.

    Parameters
    ----------
    argument : str
        Its name, as the caller wrote it.
    message : str, optional
        What was expected and what was given: the rest of the sentence that the name begins. None:
        *argument* is the whole text, since other people's code makes errors anew by
        ``type(error)(text)``.

    Examples
    --------
    >>> error = ArgumentValueError("size", "must be at least 1, but got 0.")
    >>> print(error)
    Argument `size` must be at least 1, but got 0.
    >>> error.argument, isinstance(error, ValueError)
    ('size', True)
    """

    def __init__(self, argument: str, message: str | None = None) -> None:
        super().__init__(*((argument,) if message is None else (argument, message)))
        self.argument = argument if message is not None else ""
        self._text = argument if message is None else f"Argument `{argument}` {message}"

    def __str__(self) -> str:
        return self._text


class ArgumentValueError(ArgumentError, ValueError):
    """An argument of the right type with a value that cannot be used."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument of a type that cannot be used."""
