"""What noise does to a quantum memory: purity, entropy, fidelity, short-term memory capacity."""

from lava_sqs.quantum.diagnostics.capacity import (
    MemoryCapacity,
    capacity_from_spikes,
    memory_capacity,
)
from lava_sqs.quantum.diagnostics.memory import MemoryFidelity, memory_fidelity
from lava_sqs.quantum.diagnostics.states import entropy, fidelity, purity

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
