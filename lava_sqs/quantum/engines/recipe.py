"""What an engine is made of: the part of a population that engines read."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoiseModel

__all__: list[str] = []


class Recipe(Protocol):
    """Circuit, noise, sizes and precision; a :class:`~lava_sqs.Population` is one."""

    @property
    def ansatz(self) -> Ansatz:
        """The circuit of every neuron."""
        ...

    @property
    def noise(self) -> NoiseModel | None:
        """Its noise; None is noiseless."""
        ...

    @property
    def size(self) -> int:
        """Number of neurons K."""
        ...

    @property
    def batch(self) -> tuple[int, ...]:
        """Leading axes of the state."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of instruments and memories."""
        ...
