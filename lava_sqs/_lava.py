"""Whether Lava is there, which one, what adds it, and the one way to what needs it."""

import importlib.util
import warnings
from importlib import metadata
from typing import Any

import _lava_sqs_startup

from lava_sqs import _lazy

#: The release that `lava_sqs` is made for, the last one.
VERSION = "0.10.0"

#: What adds Lava, on every Python: its metadata keep it from those above 3.10, its code need not.
COMMAND = f"pip install --no-deps --ignore-requires-python lava-nc=={VERSION}"


def prepare() -> None:
    """Make Lava importable on this Python, or say what is missing.

    Raises
    ------
    ModuleNotFoundError
        If there is no Lava; `name` is then "lava".
    """
    _lava_sqs_startup.mend()  # where Python started without reading .pth files: done only now
    try:
        missing = importlib.util.find_spec("lava.magma") is None
    except ModuleNotFoundError:
        missing = True
    if missing:
        raise ModuleNotFoundError(
            f"This needs Lava, which is not installed. The command that adds it: {COMMAND}",
            name="lava",
        )
    try:
        found = metadata.version("lava-nc")
    except metadata.PackageNotFoundError:
        return  # from a folder of its source
    if found != VERSION:
        warnings.warn(
            f"lava_sqs is made for lava-nc {VERSION}, but {found} is installed. "
            f"The command that changes it: {COMMAND}",
            stacklevel=2,
        )


def load(name: str) -> Any:
    """Return what *name*, ``"package.module:name"``, stands for: something that needs Lava.

    So the physics reaches its Processes and never imports them.

    Raises
    ------
    ModuleNotFoundError
        If there is no Lava.

    Examples
    --------
    >>> load("lava_sqs.proc.sqs.process:SQS").__name__
    'SQS'
    """
    prepare()
    return _lazy.load(name)
