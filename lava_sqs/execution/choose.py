"""Which engine runs a network: one process, or many under supervision."""

from __future__ import annotations

import logging
import os
from typing import Any

from lava_sqs._errors import ArgumentValueError
from lava_sqs.execution.base import NetworkRuntime, label
from lava_sqs.execution.inline.build import obstacle
from lava_sqs.execution.inline.engine import InlineRuntime
from lava_sqs.execution.supervision.supervised import SupervisedRuntime

#: What `engine` of `runtime` can be, beside None.
ENGINES = ("inline", "processes")

_log = logging.getLogger("lava_sqs.execution")


def make_runtime(
    engine: str | None, process: Any, executable: Any, timeout: float | None
) -> tuple[NetworkRuntime, str]:
    """Return the runtime of a network, and in words which engine it is and why.

    Raises
    ------
    ValueError
        If *engine* cannot run this network, or not on this system.
    """
    hindrance = obstacle(executable)
    if engine == "inline" and hindrance:
        raise ArgumentValueError(
            "engine",
            f"must not be 'inline' for the network of {label(process)}: {hindrance}. "
            "Use engine='processes', or leave `engine` out.",
        )
    inline = engine == "inline" or (engine is None and not hindrance)
    if not inline and not hasattr(os, "fork"):
        raise NotImplementedError(
            "Running a network in many processes needs os.fork, which this system does not have"
            f"{f'; in one process it cannot run, since {hindrance}' if hindrance else ''}."
        )
    why = "" if engine is not None or inline else f", since {hindrance}"
    words = f"{'inline' if inline else 'processes'}{why}"
    _log.debug("%s runs with engine=%s", label(process), words)
    kind = InlineRuntime if inline else SupervisedRuntime
    return kind(process, executable, timeout), words
