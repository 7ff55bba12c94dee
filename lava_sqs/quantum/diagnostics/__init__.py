"""What is in a quantum memory, what noise does to it, and what its spikes can tell."""

from lava_sqs.quantum.diagnostics.capacity import (
    MemoryCapacity,
    capacity_from_spikes,
    memory_capacity,
)
from lava_sqs.quantum.diagnostics.channel import choi_matrix, diamond_distance, step_channel
from lava_sqs.quantum.diagnostics.correlations import mutual_information, negativity
from lava_sqs.quantum.diagnostics.fisher import fisher_information
from lava_sqs.quantum.diagnostics.holevo import holevo_information
from lava_sqs.quantum.diagnostics.memory import MemoryFidelity, memory_fidelity
from lava_sqs.quantum.diagnostics.spectrum import SpectralGap, spectral_gap
from lava_sqs.quantum.diagnostics.states import entropy, fidelity, purity

__all__ = [
    "MemoryCapacity",
    "MemoryFidelity",
    "SpectralGap",
    "capacity_from_spikes",
    "choi_matrix",
    "diamond_distance",
    "entropy",
    "fidelity",
    "fisher_information",
    "holevo_information",
    "memory_capacity",
    "memory_fidelity",
    "mutual_information",
    "negativity",
    "purity",
    "spectral_gap",
    "step_channel",
]
