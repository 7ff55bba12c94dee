"""Networks of SQS neurons and of their rivals: one description, run offline or inside Lava."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lava_sqs.network.layers import Conv2D, LIFLayer, NeuronLayer, QLIFLayer, SQSLayer
from lava_sqs.network.readout import Evaluation
from lava_sqs.network.spec import LayerParams, LayerSpec, NetworkSpec, feed_forward
from lava_sqs.neurons import (
    AsPublishedNeuron,
    ClassicalMemoryNeuron,
    LIFNeuron,
    Neuron,
    QLIFNeuron,
    SQSNeuron,
)

if TYPE_CHECKING:
    from lava_sqs.network.estimator import SQSNN
    from lava_sqs.network.regressor import SQSNNRegressor

__all__ = [
    "SQSNN",
    "AsPublishedNeuron",
    "ClassicalMemoryNeuron",
    "Conv2D",
    "Evaluation",
    "LIFLayer",
    "LIFNeuron",
    "LayerParams",
    "LayerSpec",
    "NetworkSpec",
    "Neuron",
    "NeuronLayer",
    "QLIFLayer",
    "QLIFNeuron",
    "SQSLayer",
    "SQSNNRegressor",
    "SQSNeuron",
    "feed_forward",
]


# Loaded when used: scikit-learn, their base, is not needed otherwise.
_ESTIMATORS = {"SQSNN": "estimator", "SQSNNRegressor": "regressor"}


def __getattr__(name: str) -> Any:
    if name not in _ESTIMATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(import_module(f"{__name__}.{_ESTIMATORS[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
