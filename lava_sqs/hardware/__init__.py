"""The same neurons on a quantum computer, or on a simulator of one; extra ``hardware``."""

from lava_sqs.hardware.circuits import best_qubits, isa, on_backend
from lava_sqs.hardware.device import Device, DeviceError, JobRecord
from lava_sqs.hardware.networks import HardwareReport, LayerReport, report, twin
from lava_sqs.hardware.planning import shots
from lava_sqs.hardware.simulated import Simulated
from lava_sqs.network.device_rules import Perturbation, Shift, Twin
from lava_sqs.network.device_training import Shots

__all__ = [
    "Device",
    "DeviceError",
    "HardwareReport",
    "JobRecord",
    "LayerReport",
    "Perturbation",
    "Shift",
    "Shots",
    "Simulated",
    "Twin",
    "best_qubits",
    "isa",
    "on_backend",
    "report",
    "shots",
    "twin",
]
