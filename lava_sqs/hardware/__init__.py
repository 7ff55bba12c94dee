"""The same neurons on a quantum computer, or on a simulator of one; extra ``hardware``."""

from lava_sqs.hardware.circuits import best_qubits, isa, on_backend
from lava_sqs.hardware.device import Device, DeviceError, JobRecord
from lava_sqs.hardware.networks import HardwareReport, LayerReport, report, twin

__all__ = [
    "Device",
    "DeviceError",
    "HardwareReport",
    "JobRecord",
    "LayerReport",
    "best_qubits",
    "isa",
    "on_backend",
    "report",
    "twin",
]
