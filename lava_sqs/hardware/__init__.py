"""The same neurons on a quantum computer, or on a simulator of one; extra ``hardware``."""

from lava_sqs.hardware.circuits import best_qubits, isa, on_backend
from lava_sqs.hardware.device import Device, DeviceError, JobRecord

__all__ = ["Device", "DeviceError", "JobRecord", "best_qubits", "isa", "on_backend"]
