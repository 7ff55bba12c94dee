"""The contract of an SQS-like neuron, as checks for anybody's own Process."""

from lava_sqs.testing.contracts import (
    NeuronCheck,
    check_neuron,
    neuron_checks,
)

__all__ = [
    "NeuronCheck",
    "check_neuron",
    "neuron_checks",
]
