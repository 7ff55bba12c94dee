"""The one way from the physics to what needs Lava: by a dotted name, resolved when it is used."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["load"]


def load(name: str) -> Any:
    """Return what *name*, ``"package.module:name"``, stands for.

    Raises
    ------
    ImportError
        If Lava is not installed: what to do.

    Examples
    --------
    >>> load("math:pi")
    3.141592653589793
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "lava":
            raise
        raise ImportError(
            f"{attribute} runs in Intel's Lava, which is not installed: pip install lava-nc."
        ) from error
