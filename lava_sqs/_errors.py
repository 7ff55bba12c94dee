"""Errors about an argument, which carry its name, and the line that a warning points at."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping

__all__ = [
    "ArgumentConnectionError",
    "ArgumentError",
    "ArgumentFileNotFoundError",
    "ArgumentIsADirectoryError",
    "ArgumentTypeError",
    "ArgumentValueError",
    "ParameterTypeError",
    "ParameterValueError",
    "renaming",
]


class ArgumentError(Exception):
    """What is wrong with one argument.

    Parameters
    ----------
    argument : str
        Its name, as the caller wrote it.
    message : str, optional
        What was expected and what was given: the rest of the sentence that the name begins. None:
        *argument* is the whole text, since other people's code rebuilds errors by
        ``type(error)(text)``.

    Examples
    --------
    >>> error = ArgumentValueError("size", "must be at least 1, but got 0.")
    >>> print(error)
    Argument `size` must be at least 1, but got 0.
    >>> error.argument, isinstance(error, ValueError)
    ('size', True)
    """

    noun = "Argument"

    def __init__(self, argument: str, message: str | None = None) -> None:
        super().__init__()  # without what OSError would take for its number
        self.args = (argument,) if message is None else (argument, message)
        self.argument = argument if message is not None else ""

    def __str__(self) -> str:
        return self.called(f"{self.noun} `{self.argument}`")

    def called(self, name: str) -> str:
        """Return the sentence with *name* as its subject: an option, say, or a line of a file.

        Parameters
        ----------
        name : str
            What the reader calls the argument.

        Returns
        -------
        str
            The text as it is, if no argument is known.

        Examples
        --------
        >>> ArgumentValueError("size", "must be at least 1, but got 0.").called("--size")
        '--size must be at least 1, but got 0.'
        """
        return f"{name} {self.args[1]}" if self.argument else str(self.args[0])


class ArgumentValueError(ArgumentError, ValueError):
    """An argument of the right type with a value that cannot be used."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument of a type that cannot be used."""


class ArgumentFileNotFoundError(ArgumentError, FileNotFoundError):
    """An argument that names a file that is not there."""


class ArgumentIsADirectoryError(ArgumentError, IsADirectoryError):
    """An argument that names a folder where a file is needed."""


class ArgumentConnectionError(ArgumentError, ConnectionError):
    """An argument that is needed, since what replaces it could not be fetched."""


class ParameterTypeError(ArgumentTypeError):
    """A parameter of a study, a column of its results, of a type that cannot be used."""

    noun = "Parameter"


class ParameterValueError(ArgumentValueError):
    """A parameter of a study, a column of its results, with a value that cannot be used."""

    noun = "Parameter"


@contextlib.contextmanager
def renaming(names: Mapping[str, str]) -> Iterator[None]:
    """Let errors about arguments of a function that is called speak of the caller's own ones.

    Parameters
    ----------
    names : dict
        Arguments of the function, and what the caller calls them; others keep their names.

    Raises
    ------
    ArgumentError
        An error of the same type and with the same message.

    Examples
    --------
    >>> with renaming({"size": "n_neurons"}):
    ...     raise ArgumentValueError("size", "must be at least 1, but got 0.")
    Traceback (most recent call last):
    ...
    lava_sqs._errors.ArgumentValueError: Argument `n_neurons` must be at least 1, but got 0.
    """
    try:
        yield
    except ArgumentError as error:
        if error.argument not in names:
            raise
        raise type(error)(names[error.argument], error.args[1]) from error


def outside(*rooms: str) -> tuple[int, str]:
    """Return the `stacklevel` and the module of who called into *rooms*: the user's line."""
    frame, level = sys._getframe(1), 1  # of the function that warns
    while frame.f_back is not None:
        frame, level = frame.f_back, level + 1
        name = str(frame.f_globals.get("__name__"))
        if not name.startswith(rooms):
            return level, name
    return level, ""
