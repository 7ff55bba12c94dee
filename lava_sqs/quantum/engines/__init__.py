"""Engines: what moves the memories of a population."""

from lava_sqs.quantum.engines.exact import (
    Engine,
    InstrumentEngine,
    LiteralEngine,
    check_states,
    ground_state,
)

__all__ = [
    "Engine",
    "InstrumentEngine",
    "LiteralEngine",
    "check_states",
    "ground_state",
]
