"""Every neuron written out in QuTiP, to check the other engines with: thousands times slower."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._lazy import qutip
from lava_sqs.quantum.engines.base import PauliEngine, check_normalised
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.reference import ReferenceNeuron
from lava_sqs.quantum.states import pauli_to_qobj, qobj_to_pauli

__all__ = ["LiteralEngine"]

Array = NDArray[Any]


class LiteralEngine(PauliEngine):
    """One :class:`~lava_sqs.quantum.ReferenceNeuron` per neuron and batch entry.

    The *recipe* says what they are made of.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> population = Population(ansatz.paper(), [0.3, 0.2, 0.1], size=2, backend="qutip")
    >>> int(population.step([1.0, 0.0]).sum()) in (0, 1, 2)
    True
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._neurons: list[list[ReferenceNeuron]] = []

    def set_theta(self, theta: Array, changed: Array) -> None:
        """Take the angles (K, P); see :class:`~lava_sqs.quantum.engines.base.Engine`."""
        p = self._recipe
        old = self._neurons
        self._neurons = [
            [ReferenceNeuron(p.ansatz, theta[k], p.noise_of(k)) for k in range(self._shape[1])]
            for _ in range(self._shape[0])
        ]
        for new_row, old_row in zip(self._neurons, old, strict=False):
            for new, before in zip(new_row, old_row, strict=True):
                # New angles leave the state alone, as in every engine.
                new.memory = before.memory

    @property
    def memory(self) -> Array:
        """The memories, shape (B, K, 4**memory_qubits)."""
        return np.array([[qobj_to_pauli(n.memory) for n in row] for row in self._neurons]).reshape(
            *self._shape, -1
        )

    @property
    def raw(self) -> Array:
        """The density matrices (B, K, d, d), d = 2**memory_qubits."""
        return np.array([[n.memory.full() for n in row] for row in self._neurons])

    def set_raw(self, memories: Array) -> None:
        """Put back *memories*, what `raw` was.

        Raises ``ValueError`` if they are no states.
        """
        check_normalised(np.trace(memories, axis1=-2, axis2=-1).real)
        for b, row in enumerate(self._neurons):
            for k, neuron in enumerate(row):
                neuron.memory = qutip.Qobj(memories[b, k], dims=neuron.memory.dims)

    def _set(self, vectors: Array | None) -> None:
        for b, row in enumerate(self._neurons):
            for k, neuron in enumerate(row):
                if vectors is None:
                    neuron.reset()
                else:
                    neuron.memory = pauli_to_qobj(vectors[b, k])

    def run(self, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Make T steps; see :class:`~lava_sqs.quantum.engines.base.Engine`."""
        spikes, p_spike, likelihood, memory = records
        hits = 0
        for t, b, k in np.ndindex(z.shape[:3]):
            neuron = self._neurons[b][k]
            fixed = None
            if clamp.shape[0] and clamp[t, b, k] >= 0:
                fixed = neuron.outcomes[clamp[t, b, k]]
            bits, p = neuron.step(z[t, b, k], u=float(u[t, b, k]), outcome=fixed)
            spikes[t, b, k] = bits
            # p of what was reported; readout errors are in it.
            chosen = p[neuron.outcomes.index(bits)]
            hits += bool(chosen < self._floor)
            if p_spike.shape[0]:
                p_spike[t, b, k] = np.clip(p @ np.array(neuron.outcomes), 0, 1)
            if likelihood.shape[0]:
                likelihood[t, b, k] = np.clip(chosen, self._floor, 1)
            if memory.shape[0]:
                memory[t, b, k] = qobj_to_pauli(neuron.memory)
        return hits

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return int(16 * 4**self._qubits * np.prod(self._shape))
