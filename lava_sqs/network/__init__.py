"""Networks of SQS neurons and of their rivals: one description, run offline or inside Lava."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lava_sqs.network.readout import Evaluation
from lava_sqs.network.spec import LayerParams, LayerSpec, NetworkSpec, feed_forward
from lava_sqs.neurons import AsPublishedNeuron, LIFNeuron, Neuron, QLIFNeuron, SQSNeuron

if TYPE_CHECKING:
    from lava_sqs.network.estimator import SQSNN

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


def __getattr__(name: str) -> Any:
    if name != "SQSNN":  # loaded when used: scikit-learn, its base, is not needed otherwise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lava_sqs.network.estimator import SQSNN

    globals()[name] = SQSNN
    return SQSNN


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
