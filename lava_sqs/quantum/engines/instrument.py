"""Compiled instruments: every neuron a few small real matrices, the population one loop."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum.engines.base import CompiledEngine
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.kernels import step
from lava_sqs.quantum.mixed import compile_neurons

__all__ = ["InstrumentEngine"]

Array = NDArray[Any]


class InstrumentEngine(CompiledEngine):
    """Compiled instruments, packed for stepping, and memories (B, K, D).

    The *recipe* says what they are made of.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> InstrumentEngine(Recipe(ansatz.paper(), None, 3, (), np.dtype(float))).memory.shape
    (1, 3, 4)
    """

    def __init__(self, recipe: Recipe) -> None:
        self._program = compile_neurons(recipe.ansatz, recipe.noise)
        self._eta = self._program.etas(recipe.size)
        super().__init__(recipe)
        self._effects = self._blocks = np.empty((0, 0, 0))
        # 2**23 numbers, 64 MiB, are built at a time, before they are packed.
        self._chunk = max(1, 2**23 // math.prod(self._program.shape))

    @property
    def _n_sets(self) -> int:
        return len(self._blocks)

    def _make_room(self, n: int) -> None:
        self._effects, self._blocks = (
            step.aligned_empty((n, *shape), self._dtype)
            for shape in step.packed_shapes(self._program.shape)
        )

    def _build(self, part: Any, theta: Array) -> None:
        self._effects[part], self._blocks[part] = step.pack_instruments(
            self._program.part(part).build(theta)
        )

    def take(self, theta: Array, instruments: Array) -> bool:
        """Take the instruments A (K, S, D, C, D) of new angles; return whether they fit.

        They do not where one set of angles serves all neurons, or did before.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        instruments : ndarray, shape (K, S, D, C, D)
            Built of them.

        Returns
        -------
        bool
        """
        # inspect_angles also tells whether all rows are equal: then one set is packed for all
        # neurons.
        if len(theta) != self._n_sets or (len(theta) > 1 and step.inspect_angles(theta)[1]):
            return False
        step.pack_into(instruments, self._effects, self._blocks)
        return True

    def advance(self, vectors: Array, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Move *vectors* (B, K, D), else as :class:`~lava_sqs.quantum.engines.base.Engine`."""
        hits: int = step.run_population(
            self._effects,
            self._blocks,
            z,
            self._eta,
            u,
            clamp,
            vectors,
            self._floor,
            *records,
        )
        return hits

    @property
    def instruments(self) -> Array:
        """The instruments A (K or 1, S, D, C, D), a view of what is packed."""
        S, D, C, _ = self._program.shape
        blocks: Array = self._blocks
        outcomes = (len(blocks), -1, C * D, blocks.shape[3] // D, D)
        packed = blocks.reshape(outcomes)  # (K, G, C*D, S/G, D): see pack_instruments
        rows = packed.transpose(0, 1, 3, 4, 2).reshape(len(packed), S, D, C * D)
        return rows.reshape(len(packed), S, D, C, D)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return int(self._effects.nbytes + self._blocks.nbytes + self._memory.nbytes)
