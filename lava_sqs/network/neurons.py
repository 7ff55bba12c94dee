"""Moved to :mod:`lava_sqs.neurons`; these are the same names."""

from typing import Any

from lava_sqs import neurons
from lava_sqs.neurons import (
    AsPublishedNeuron,
    LIFNeuron,
    Neuron,
    QLIFNeuron,
    RunOut,
    SQSNeuron,
)

__all__ = ["AsPublishedNeuron", "LIFNeuron", "Neuron", "QLIFNeuron", "RunOut", "SQSNeuron"]


def __getattr__(name: str) -> Any:
    return getattr(neurons, name)  # KINDS
