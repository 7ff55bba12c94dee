"""What a run of a population saw, with what made it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from numpy.typing import NDArray

from lava_sqs._text import aligned
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron

__all__ = ["RECORDS", "RunResult"]

Array = NDArray[Any]

#: What :meth:`~lava_sqs.quantum.Population.run` can keep.
RECORDS = ("spikes", "p_spike", "memory", "log_likelihood")


@dataclass(frozen=True)
class RunResult:
    """What :meth:`~lava_sqs.quantum.Population.run` saw, with what made it.

    Attributes
    ----------
    spikes : ndarray of int32, shape (T, *batch, K) or (T, *batch, K, io_qubits)
        The reported spikes, 0 or 1.
    p_spike : ndarray or None, shape like ``spikes``
        Probability, before the measurement, that the channel reports a spike.
    memory : ndarray or None, shape (T, *batch, K, 4**memory_qubits)
        Pauli vectors after each step; above 4 memory qubits (T, *batch, K, memory_qubits, 4).
    log_likelihood : ndarray or None, shape (T, *batch, K)
        Natural logarithm of the probability of the outcome that occurred.
    ansatz, noise, seed, backend, version
        What the population was made of.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> result = Population(ansatz.paper(), [0.3, 0.2, 0.1], size=4, seed=1).run([[0.5] * 4] * 10)
    >>> result.spikes.shape, result.memory.shape
    ((10, 4), (10, 4, 4))
    """

    spikes: Array
    p_spike: Array | None
    memory: Array | None
    log_likelihood: Array | None
    ansatz: Ansatz
    noise: NoiseModel | NoisePerNeuron | None
    seed: int
    backend: str
    version: str

    def __repr__(self) -> str:
        return (
            f"<RunResult: spikes {self.spikes.shape}, {int(self.spikes.sum())} of them 1, "
            f"backend {self.backend!r}, seed {self.seed}>"
        )

    def __str__(self) -> str:
        rows = [
            ("steps", f"{self.spikes.shape[0]}"),
            ("spikes", f"{self.spikes.shape}, rate {self.spikes.mean():.4f} per step"),
            ("ansatz", repr(self.ansatz)),
            ("noise", str(self.noise)),
            ("seed", f"{self.seed}"),
            ("backend", self.backend),
            ("version", self.version),
        ]
        if self.log_likelihood is not None:
            rows.insert(2, ("log-likelihood", f"{self.log_likelihood.mean():.4f} nats per step"))
        return f"RunResult\n{aligned(rows, indent='  ')}"


@cache
def version() -> str:
    """Return the version of lava-sqs; it reads files, a millisecond, once."""
    return metadata.version("lava-sqs")
