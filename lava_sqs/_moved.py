"""Old module paths, which keep working for one release: each says where its names live now."""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# old module -> the module that has its public names
MOVED = {
    "lava_sqs.learning": "lava_sqs.optimizers",
    "lava_sqs.learning.optimizers": "lava_sqs.optimizers",
    "lava_sqs.learning.published": "lava_sqs.quantum.scores",
    "lava_sqs.learning.rules": "lava_sqs.proc.rules",
    "lava_sqs.network.in_lava": "lava_sqs.execution.networks",
    "lava_sqs.network.neurons": "lava_sqs.neurons",
    "lava_sqs.network.simulation": "lava_sqs.network.simulate",
    "lava_sqs.network.storage": "lava_sqs.network.files",
    "lava_sqs.network.training": "lava_sqs.network.gradient",
    "lava_sqs.quantum.channels": "lava_sqs.quantum.noise",
    "lava_sqs.quantum.pauli": "lava_sqs.quantum.states",
    "lava_sqs.quantum.sensitivity": "lava_sqs.quantum.scores",
    "lava_sqs.quantum.trajectory": "lava_sqs.quantum.engines",
    "lava_sqs.running": "lava_sqs.execution",
    "lava_sqs.study.command": "lava_sqs.cli.study",
}


class _OldPaths(MetaPathFinder, Loader):
    """Find a module at its old path; it is asked last, when no file was found."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in MOVED:
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        new = MOVED[module.__name__]
        warnings.warn(
            f"{module.__name__} has moved and will be gone in the next release: import from {new}.",
            DeprecationWarning,
            stacklevel=2,  # who imports: Python leaves out its own frames of the import
        )
        home = importlib.import_module(new)
        module.__doc__ = home.__doc__
        module.__dict__["__all__"] = list(getattr(home, "__all__", ()))
        module.__dict__["__getattr__"] = lambda name: getattr(home, name)


def install() -> None:
    """Make the old paths importable; once is enough."""
    if not any(isinstance(finder, _OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(_OldPaths())
