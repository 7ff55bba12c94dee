"""Modules and names that are loaded when they are used.

QuTiP takes longer to import than all else that :class:`lava_sqs.SQS` needs, mostly for pictures
(Matplotlib's pyplot), and its package cannot be imported in parts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["load", "patches", "qutip"]


def load(name: str) -> Any:
    """Return what *name*, ``"package.module:name"``, stands for; its module is imported now."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


class _Lazy:
    """Stands for a module: its names are looked up in the module, each time."""

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self._module: Any = None

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what doctest, inspect and copy ask every object
            raise AttributeError(attribute)
        if self._module is None:  # kept: to import it again takes longer than many a call of QuTiP
            self._module = importlib.import_module(self.__name__)
        return getattr(self._module, attribute)


if TYPE_CHECKING:
    import qutip
    from matplotlib import patches
else:
    patches = _Lazy("matplotlib.patches")
    qutip = _Lazy("qutip")
