"""Noise: the model, the channels it is made of, the devices it can imitate."""

from lava_sqs.quantum.noise.channels import (
    SLOTS,
    Channel,
    aer_depolarizing_param,
    depol_from_aer,
    depolarizing,
)
from lava_sqs.quantum.noise.devices import depol_from_gate_infidelity
from lava_sqs.quantum.noise.model import NoiseModel
from lava_sqs.quantum.noise.per_neuron import NoisePerNeuron
from lava_sqs.quantum.noise.tables import GateNoise

__all__ = [
    "SLOTS",
    "Channel",
    "GateNoise",
    "NoiseModel",
    "NoisePerNeuron",
    "aer_depolarizing_param",
    "depol_from_aer",
    "depol_from_gate_infidelity",
    "depolarizing",
]
