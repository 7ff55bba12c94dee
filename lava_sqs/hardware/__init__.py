"""The same neurons on a quantum computer, or on a simulator of one; extra ``hardware``."""

from lava_sqs.hardware.circuits import best_qubits, isa, on_backend

__all__ = ["best_qubits", "isa", "on_backend"]
