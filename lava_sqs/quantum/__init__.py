"""The physics of SQS neurons, without Lava: QuTiP builds, NumPy and Numba run."""

from lava_sqs.quantum import ansatz
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.instrument import instrument
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.pauli import (
    matrix_to_superoperator,
    pauli_labels,
    pauli_to_qobj,
    qobj_to_pauli,
    superoperator_to_matrix,
)
from lava_sqs.quantum.population import Population, RunResult
from lava_sqs.quantum.reference import ReferenceNeuron

__all__ = [
    "Ansatz",
    "NoiseModel",
    "Population",
    "ReferenceNeuron",
    "RunResult",
    "ansatz",
    "instrument",
    "matrix_to_superoperator",
    "pauli_labels",
    "pauli_to_qobj",
    "qobj_to_pauli",
    "superoperator_to_matrix",
]
