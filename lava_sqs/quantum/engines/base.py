"""What every engine is, and what those share whose memories are Pauli vectors.

Arrays here have the population's axes flattened: T steps, B batch entries, K neurons, N channels.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum._memory import Note
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.kernels.step import aligned_empty
from lava_sqs.quantum.states import (
    broadcast_memory,
    check_states,
    ground_state,
    pauli_to_qobj,
    qobj_to_pauli,
)

__all__ = ["Engine"]

Array = NDArray[Any]

# Below this the outcome's probability is rounding: see "One time step" in the docs.
FLOOR = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}


def check_normalised(norms: Array) -> None:
    """Raise unless states that are put back have the trace, or the norm, 1."""
    if not (np.abs(norms - 1) <= 1e-3).all():
        raise ArgumentValueError(
            "state", f"must hold states in `memory`, but their traces reach {norms.max():.6g}."
        )


class Engine(Protocol):
    """What moves the memories of a population: arrays (B, K, ...) in, outcomes out.

    An engine is made of a ``Recipe``; a new one gets a line in ``choose.py``.

    Attributes
    ----------
    memory_shape : tuple of int
        Shape of one neuron's entry of ``memory``.
    no_likelihood : str
        Why ``run`` cannot say how likely the outcomes were; empty if it can.
    note : Note
        What the entries of ``memory`` are.
    """

    note: Note
    memory_shape: tuple[int, ...]
    no_likelihood: str

    @property
    def memory(self) -> Array:
        """The memories, shape (B, K, *memory_shape)."""
        ...

    @property
    def raw(self) -> Array:
        """What it holds of the memories, (B, K, ...), as it is; :meth:`set_raw` takes it back."""
        ...

    def set_raw(self, memories: Array) -> None:
        """Put back *memories*, what `raw` was, bit for bit."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        ...

    def set_theta(self, theta: Array, changed: Array) -> None:
        """Take the angles *theta* (K, P); *changed* (K,) says which rows are new."""
        ...

    def reset(self, memory: Any) -> None:
        """Set every memory: *memory* as in :meth:`~lava_sqs.Population.reset`."""
        ...

    def density(self, b: int, k: int) -> qutip.Qobj:
        """Return the memory of neuron *k* in batch entry *b* as a density matrix."""
        ...

    def expect(self, op: qutip.Qobj) -> Array:
        """Return the expectation of the operator *op* on the memory, shape (B, K)."""
        ...

    def run(self, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Make T steps with the currents *z* and the uniform numbers *u*.

        Outcomes are forced by *clamp*; what happens goes to *records*: spikes, p_spike, likelihood
        and memory. The arrays are those of ``lava_sqs.quantum.kernels.step.run_population``.

        Returns
        -------
        int
            How many outcomes were at the floor.
        """
        ...


class PauliEngine:
    """What engines share whose memories are Pauli vectors."""

    no_likelihood = ""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe, self._shape = recipe, recipe.shape
        self._qubits = recipe.ansatz.memory_qubits
        self._floor = FLOOR[recipe.dtype]
        self._ground = ground_state(self._qubits)
        self.memory_shape: tuple[int, ...] = (len(self._ground),)
        self.note = Note(self._qubits, per_qubit=False, origin="")

    @property
    def memory(self) -> Array:
        raise NotImplementedError

    def _set(self, vectors: Array | None) -> None:
        raise NotImplementedError

    def reset(self, memory: Any) -> None:
        if memory is None:
            self._set(None)
            return
        shape = (*self._recipe.batch, self._shape[1], *self.memory_shape)
        vectors = qobj_to_pauli(memory) if isinstance(memory, qutip.Qobj) else memory
        vectors = broadcast_memory(vectors, shape).reshape(*self._shape, -1)
        self._set(check_states("memory", vectors, self._qubits, self._recipe.dtype))

    def density(self, b: int, k: int) -> qutip.Qobj:
        return pauli_to_qobj(self.memory[b, k])

    def expect(self, op: qutip.Qobj) -> Array:
        # Tr(O rho) = 2^-n sum_a O_a r_a: the Pauli operators are orthogonal, with norm 2^n.
        return np.asarray(self.memory @ qobj_to_pauli(op) / 2**self._qubits)


class CompiledEngine(PauliEngine):
    """What engines share that hold Pauli vectors (B, K, D) and have a compiled loop for them."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._dtype = recipe.dtype
        self._memory: Array = aligned_empty((*self._shape, *self.memory_shape), self._dtype)

    @property
    def memory(self) -> Array:
        """The memories, shape (B, K, 4**memory_qubits)."""
        return self._memory

    @property
    def raw(self) -> Array:
        """The memories."""
        return self._memory

    def set_raw(self, memories: Array) -> None:
        """Put back *memories*, what `raw` was."""
        check_normalised(memories[..., 0])
        self._memory[:] = memories

    def _set(self, vectors: Array | None) -> None:
        self._memory[:] = self._ground if vectors is None else vectors

    def fresh_memory(self, batch: int) -> Array:
        """Return memories (*batch*, K, D) in ``|0..0>``."""
        vectors: Array = aligned_empty((batch, *self._memory.shape[1:]), self._dtype)
        vectors[:] = self._ground
        return vectors

    def set_theta(self, theta: Array, changed: Array) -> None:
        """Take the angles (K, P); see :class:`~lava_sqs.quantum.engines.base.Engine`."""
        # Equal angles and one noise: one instrument, and one matrix product for the whole
        # population.
        if self._recipe.each is None and (theta == theta[0]).all():  # one set serves all
            theta, changed = theta[:1], np.ones(1, dtype=bool)
        if self._n_sets != len(theta):
            changed = np.ones(len(theta), dtype=bool)
            self._make_room(len(theta))
        which = np.flatnonzero(changed)
        for start in range(0, len(which), self._chunk):
            part: Any = which[start : start + self._chunk]
            if len(part) == len(theta):
                part = slice(None)  # which costs less than a list of all
            self._build(part, theta[part])

    #: Sets of angles at a time: what is made on the way is larger than what is kept.
    _chunk: int

    @property
    def _n_sets(self) -> int:
        """How many sets of angles there is room for."""
        raise NotImplementedError

    def _make_room(self, n: int) -> None:
        """Make room for what *n* sets of angles become."""
        raise NotImplementedError

    def _build(self, part: Any, theta: Array) -> None:
        """Make *part* of it, of the angles *theta*."""
        raise NotImplementedError

    def run(self, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Make T steps; see :class:`~lava_sqs.quantum.engines.base.Engine`."""
        return self.advance(self._memory, z, u, clamp, *records)

    def advance(self, vectors: Array, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Move *vectors* (B, K, D), else as :class:`~lava_sqs.quantum.engines.base.Engine`."""
        raise NotImplementedError
