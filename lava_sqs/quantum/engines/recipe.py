"""What an engine is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron

__all__: list[str] = []


@dataclass(frozen=True)
class Recipe:
    """Circuit, noise, sizes (K, and the leading axes of the state) and precision of neurons."""

    ansatz: Ansatz
    noise: NoiseModel | NoisePerNeuron | None
    size: int
    batch: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Batch entries and neurons, (B, K)."""
        return math.prod(self.batch), self.size

    @property
    def each(self) -> NoisePerNeuron | None:
        """The noise of each neuron, if it differs."""
        return self.noise if isinstance(self.noise, NoisePerNeuron) else None

    def noise_of(self, k: int) -> NoiseModel | None:
        """Return the noise of neuron *k*."""
        return self.noise[k] if isinstance(self.noise, NoisePerNeuron) else self.noise
