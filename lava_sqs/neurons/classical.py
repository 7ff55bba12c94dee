"""The rival of SQS neurons: the same neuron with a classical memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lava_sqs._checks import check_instance
from lava_sqs._errors import ArgumentValueError
from lava_sqs.neurons.sqs import SQSNeuron
from lava_sqs.quantum import Ansatz
from lava_sqs.quantum import ansatz as circuits

__all__ = ["ClassicalMemoryNeuron"]


@dataclass(frozen=True)
class ClassicalMemoryNeuron(SQSNeuron):
    """The stochastic neuron whose memory is bits: drawn, scored and run as its quantum rival.

    Parameters
    ----------
    ansatz : Ansatz
        See :func:`lava_sqs.quantum.ansatz.classical_memory`.
    noise : NoiseModel, optional
        Its bits are qubits that are only ever 0 or 1: they relax, but cannot dephase. Of bits that
        last, the memory qubits' own ``t1`` is infinite.
    spread : float
        Standard deviation of the angles to start from, in radians.

    Raises
    ------
    ValueError
        If the memory is quantum.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> ClassicalMemoryNeuron(ansatz.classical_memory(1, 2)).n_params
    60
    """

    name: ClassVar[str] = "classical"
    summary: ClassVar[str] = "stochastic with a classical memory"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not check_instance("ansatz", self.ansatz, Ansatz).is_classical:
            raise ArgumentValueError(
                "ansatz",
                f"must be of ansatz.classical_memory, but got {self.ansatz!r}: that is a circuit "
                "of neuron='sqs'.",
            )

    @classmethod
    def from_arguments(cls, given: Mapping[str, Any]) -> ClassicalMemoryNeuron:
        """Return the neuron of `memory_qubits` bits (1 if None) with the full table.

        An `ansatz` whose name begins with ``"classical"`` has another one; see
        :meth:`~lava_sqs.neurons.BaseNeuron.from_arguments`.

        Raises
        ------
        TypeError, ValueError
            If the table is unknown, or the memory is quantum.
        """
        # "layered" is the default of SQSNN and a quantum circuit: here it means that nobody chose.
        default = isinstance(given["ansatz"], str) and given["ansatz"] == "layered"
        sizes = {k: given[k] for k in ("memory_qubits", "layers")}
        return cls(
            circuits.resolve("classical" if default else given["ansatz"], **sizes), given["noise"]
        )

    def in_words(self) -> str:
        """Return the table in words, as in :meth:`~lava_sqs.neurons.BaseNeuron.in_words`."""
        a = self.ansatz
        return (
            f"neurons with a classical memory, table {a.name}, {a.io_qubits} io + "
            f"{a.memory_qubits} memory bits"
        )
