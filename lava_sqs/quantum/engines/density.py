"""Density matrices gate by gate: exact with noise, for memories whose instruments are too large."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum.engines.base import CompiledEngine
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.mixed_density import density_of_neurons

__all__ = ["DensityEngine"]

Array = NDArray[Any]


class DensityEngine(CompiledEngine):
    """Memories (B, K, D) that pass through the register's gates, one small matrix each.

    The *recipe* says what they are made of.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> population = Population(ansatz.layered(1, 5), size=3, seed=0, backend="density")
    >>> population.memory.shape
    (3, 1024)
    """

    def __init__(self, recipe: Recipe) -> None:
        self._program = density_of_neurons(recipe.ansatz, recipe.noise)
        super().__init__(recipe)
        self._values: Array = np.empty((0, 0), dtype=self._dtype)

    _chunk = 1024

    @property
    def _n_sets(self) -> int:
        return len(self._values)

    def _make_room(self, n: int) -> None:
        self._values = np.empty((n, self._program.n_entries), dtype=self._dtype)

    def _build(self, part: Any, theta: Array) -> None:
        self._values[part] = self._program.part(part).values(theta)

    def advance(self, vectors: Array, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Move *vectors* (B, K, D), else as :class:`~lava_sqs.quantum.engines.base.Engine`."""
        return self._program.run(self._values, vectors, z, u, clamp, self._floor, *records)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return int(self._values.nbytes + self._memory.nbytes)
