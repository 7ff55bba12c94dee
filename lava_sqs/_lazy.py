"""Modules that are loaded when the first of their names is used.

QuTiP takes longer to import than all else that :class:`lava_sqs.SQS` needs, mostly for pictures
(Matplotlib's pyplot), and its package cannot be imported in parts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["patches", "qutip"]


class _Lazy:
    """Stands for a module: its names are looked up in the module, each time."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # what doctest, inspect and copy ask every object
            raise AttributeError(attribute)
        return getattr(importlib.import_module(self.__name__), attribute)


if TYPE_CHECKING:
    import qutip
    from matplotlib import patches
else:
    patches = _Lazy("matplotlib.patches")
    qutip = _Lazy("qutip")
