"""What is checked before a network runs or records: what would fail later, and less clearly."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lava.magma.compiler.executable import Executable
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.run_configs import RunConfig

from lava_sqs._checks import check_instance, check_positive
from lava_sqs._errors import ArgumentValueError
from lava_sqs.execution.base import label

__all__: list[str] = []


def check_arguments(
    process: Any, run_cfg: Any, timeout: Any, compile_config: Any, executable: Any
) -> None:
    """Raise for arguments that would fail later and less clearly."""
    check_instance("process", process, AbstractProcess)
    if executable is None:
        check_instance("run_cfg", run_cfg, RunConfig)
    else:
        _check_executable(process, executable, run_cfg=run_cfg, compile_config=compile_config)
    if timeout is not None:
        check_positive("timeout", timeout)
    if check_instance("compile_config", compile_config, dict, none=True) and compile_config.get(
        "use_watchdog"
    ):
        raise ArgumentValueError(
            "compile_config",
            "must not set 'use_watchdog', whose helpers outlive a failed network; use `timeout`.",
        )


def _check_executable(process: Any, executable: Any, **others: Any) -> None:
    """Raise unless `executable` is one of the network of `process`, and nothing else is said."""
    check_instance("executable", executable, Executable)
    for name, value in others.items():
        if value is not None:
            raise TypeError(
                f"Arguments `{name}` and `executable` exclude each other: an executable has been "
                f"compiled already. Leave `{name}` out, or give it to process.compile(...)."
            )
    leaves = executable.process_list
    if not any(leaf is process or leaf.is_sub_proc_of(process) for leaf in leaves):
        names = ", ".join(label(leaf) for leaf in leaves[:5])
        raise ArgumentValueError(
            "process",
            f"must be of the network of `executable`, which has {names}, but is "
            f"another {label(process)}. Give the one that process.compile was called of, or that "
            "lava.utils.serialization.load returned with the executable.",
        )


def name_targets(targets: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be recorded, by name: short names, longer ones where they collide."""
    if not targets and not named:
        raise TypeError("record() needs a Var or an OutPort: net.record(lif.v, dense.a_out).")
    for target in (*targets, *named.values()):
        if isinstance(target, InPort):
            raise TypeError(
                f"InPort '{target.process.name}.{target.name}' cannot be recorded: give the "
                "OutPorts that feed it."
            )
        check_instance("targets", target, Var, OutPort)
        if target.process is None:
            raise ValueError(f"{type(target).__name__} '{target.name}' belongs to no Process.")
    different = list({id(target): target for target in targets}.values())
    short = Counter(target.name for target in different)
    found: dict[str, Any] = {}
    for target in different:
        name = target.name if short[target.name] == 1 else f"{target.process.name}.{target.name}"
        if name in found:
            raise ValueError(
                f"Two targets are called {name!r}: give them names, for example "
                f"record(first_{target.name}=..., second_{target.name}=...)."
            )
        found[name] = target
    both = sorted(set(found) & set(named))
    if both:
        raise ValueError(f"The name {both[0]!r} is one of another target: choose another one.")
    return {**found, **named}
