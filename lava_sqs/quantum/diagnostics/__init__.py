"""Diagnostics of quantum memories."""

from lava_sqs.quantum.diagnostics.memory import (
    MemoryCapacity,
    MemoryFidelity,
    capacity_from_spikes,
    entropy,
    fidelity,
    memory_capacity,
    memory_fidelity,
    purity,
)

__all__ = [
    "MemoryCapacity",
    "MemoryFidelity",
    "capacity_from_spikes",
    "entropy",
    "fidelity",
    "memory_capacity",
    "memory_fidelity",
    "purity",
]
