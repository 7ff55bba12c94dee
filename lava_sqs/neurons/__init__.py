"""Neurons of networks: the SQS neuron and its rivals, behind one small interface, without Lava.

Every kind knows how to start its parameters, how to run spike trains from given uniform numbers,
and the exact local score of recorded ones. Arrays: currents and spikes ``(T, B, C)``, uniforms and
log-likelihoods ``(T, B, K)``, parameters ``(K, P)``; ``C = K * channels``. In all of them one
uniform number u decides one neuron's step, ``s = 1`` where ``u >= 1 - p``.
"""

from typing import Any

from lava_sqs.neurons.base import BaseNeuron, BoundNeuron, Neuron, RunOut
from lava_sqs.neurons.classical import ClassicalMemoryNeuron
from lava_sqs.neurons.lif import LIFNeuron
from lava_sqs.neurons.published import AsPublishedNeuron
from lava_sqs.neurons.qlif import QLIFNeuron
from lava_sqs.neurons.registry import kind_of, kinds, register
from lava_sqs.neurons.sqs import SQSNeuron
from lava_sqs.neurons.steps import StepNeuron

__all__ = [
    "AsPublishedNeuron",
    "BaseNeuron",
    "BoundNeuron",
    "ClassicalMemoryNeuron",
    "LIFNeuron",
    "Neuron",
    "QLIFNeuron",
    "RunOut",
    "SQSNeuron",
    "StepNeuron",
    "kind_of",
    "kinds",
    "register",
]


def __getattr__(name: str) -> Any:
    if name == "KINDS":  # kinds are added while the program runs
        return kinds()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
