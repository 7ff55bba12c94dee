"""Old module paths, which keep working for one release: each says where its names live now."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # little is imported before the command line can answer Ctrl-C
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# old module -> the modules that have its public names
MOVED: dict[str, tuple[str, ...]] = {
    "lava_sqs.data.datasets": (
        "lava_sqs.data.dataset",
        "lava_sqs.data.events",
        "lava_sqs.data.images",
        "lava_sqs.data.series",
    ),
    "lava_sqs.learning": ("lava_sqs.optimizers", "lava_sqs.quantum.scores"),
    "lava_sqs.learning.optimizers": ("lava_sqs.optimizers",),
    "lava_sqs.learning.published": ("lava_sqs.quantum.scores",),
    "lava_sqs.learning.rules": ("lava_sqs.proc.rules",),
    "lava_sqs.network.in_lava": ("lava_sqs.execution.networks",),
    "lava_sqs.network.neurons": ("lava_sqs.neurons",),
    "lava_sqs.network.simulation": ("lava_sqs.network.simulate",),
    "lava_sqs.network.storage": ("lava_sqs.network.files",),
    "lava_sqs.network.training": ("lava_sqs.network.gradient",),
    "lava_sqs.quantum.channels": ("lava_sqs.quantum.noise.channels",),
    "lava_sqs.quantum.engines.exact": (
        "lava_sqs.quantum.engines.base",
        "lava_sqs.quantum.engines.instrument",
        "lava_sqs.quantum.engines.literal",
    ),
    "lava_sqs.quantum.pauli": ("lava_sqs.quantum.states",),
    "lava_sqs.quantum.sensitivity": (
        "lava_sqs.quantum.scores.recorded",
        "lava_sqs.quantum.scores.online",
    ),
    "lava_sqs.quantum.trajectory": ("lava_sqs.quantum.engines.trajectory",),
    "lava_sqs.running": ("lava_sqs.execution",),
    "lava_sqs.study._failure": ("lava_sqs.study.run._failure",),
    "lava_sqs.study.capacity": ("lava_sqs.study.tasks.capacity",),
    "lava_sqs.study.command": ("lava_sqs.cli.study",),
    "lava_sqs.study.isolation": ("lava_sqs.study.run.isolation",),
    "lava_sqs.study.networks": ("lava_sqs.study.tasks.networks",),
    "lava_sqs.study.noise": ("lava_sqs.study.plan.noise",),
    "lava_sqs.study.pool": ("lava_sqs.study.run.pool",),
    "lava_sqs.study.runner": ("lava_sqs.study.run.runner",),
    "lava_sqs.study.task": ("lava_sqs.study.tasks.task",),
}


class _OldPaths:
    """Find a module at its old path; it is asked last, when no file was found."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in MOVED:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        import importlib
        import warnings

        homes = [importlib.import_module(home) for home in MOVED[module.__name__]]
        warnings.warn(
            f"{module.__name__} has moved and will be gone in version 0.3.0: import from "
            f"{' or '.join(home.__name__ for home in homes)}.",
            DeprecationWarning,
            stacklevel=2,  # who imports: Python leaves out its own frames of the import
        )
        module.__doc__ = homes[0].__doc__
        module.__dict__["__all__"] = [name for home in homes for name in home.__all__]

        def __getattr__(name: str) -> Any:
            for home in homes:
                if hasattr(home, name):
                    return getattr(home, name)
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

        module.__dict__["__getattr__"] = __getattr__


def install() -> None:
    """Make the old paths importable; once is enough."""
    if not any(isinstance(finder, _OldPaths) for finder in sys.meta_path):
        sys.meta_path.append(_OldPaths())
