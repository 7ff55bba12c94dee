"""The physics of SQS neurons, without Lava: QuTiP builds, NumPy and Numba run."""

from typing import TYPE_CHECKING

from lava_sqs._wraps import WrapWarning
from lava_sqs.quantum import ansatz, diagnostics
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.calibration import NoiseFit
from lava_sqs.quantum.noise import (
    NoiseModel,
    aer_depolarizing_param,
    depol_from_aer,
    depol_from_gate_infidelity,
)
from lava_sqs.quantum.population import Population
from lava_sqs.quantum.reference import ReferenceNeuron
from lava_sqs.quantum.run_result import RunResult
from lava_sqs.quantum.scores.online import OnlineScores
from lava_sqs.quantum.scores.recorded import SpikeTrainScorer, score_spike_train
from lava_sqs.quantum.states import (
    matrix_to_superoperator,
    pauli_labels,
    pauli_to_qobj,
    qobj_to_pauli,
    superoperator_to_matrix,
)

if TYPE_CHECKING:
    from lava_sqs.quantum.instrument import instrument
else:
    # The module, which is called as its function: `import lava_sqs.quantum.instrument as m` reads
    # this attribute.
    from lava_sqs.quantum import instrument

__all__ = [
    "Ansatz",
    "NoiseFit",
    "NoiseModel",
    "OnlineScores",
    "Population",
    "ReferenceNeuron",
    "RunResult",
    "SpikeTrainScorer",
    "WrapWarning",
    "aer_depolarizing_param",
    "ansatz",
    "depol_from_aer",
    "depol_from_gate_infidelity",
    "diagnostics",
    "instrument",
    "matrix_to_superoperator",
    "pauli_labels",
    "pauli_to_qobj",
    "qobj_to_pauli",
    "score_spike_train",
    "superoperator_to_matrix",
]
