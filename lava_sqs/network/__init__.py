"""Networks of SQS neurons and of their rivals: one description, run offline or inside Lava."""

from lava_sqs.network.estimator import SQSNN
from lava_sqs.network.readout import Evaluation
from lava_sqs.network.spec import LayerParams, LayerSpec, NetworkSpec, feed_forward
from lava_sqs.neurons import AsPublishedNeuron, LIFNeuron, Neuron, QLIFNeuron, SQSNeuron

__all__ = [
    "SQSNN",
    "AsPublishedNeuron",
    "Evaluation",
    "LIFNeuron",
    "LayerParams",
    "LayerSpec",
    "NetworkSpec",
    "Neuron",
    "QLIFNeuron",
    "SQSNeuron",
    "feed_forward",
]
