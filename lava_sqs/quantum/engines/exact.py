"""The engines of a population that hold the memories exactly, as Pauli vectors.

A third one, of pure states that jump at random, is in
:mod:`lava_sqs.quantum.engines.trajectory`. Arrays here have the population's axes
flattened: T steps, B batch entries, K neurons, N channels.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_real
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum._memory import Note
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.kernels import step as _kernels
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.reference import ReferenceNeuron
from lava_sqs.quantum.states import (
    matrices_to_pauli,
    pauli_to_matrices,
    pauli_to_qobj,
    qobj_to_pauli,
)

__all__ = ["Engine", "InstrumentEngine", "LiteralEngine", "check_states", "ground_state"]

Array = NDArray[Any]

# Below this the outcome's probability is rounding: see "One time step" in the docs.
_ROUNDING = 1e-12  # of the trace and the eigenvalues of a state in double precision
_FLOOR = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}


class Engine(Protocol):
    """What moves the memories of a population: arrays (B, K, ...) in, outcomes out.

    An engine is made of the population that owns it; a new one gets a line in
    ``population._make_engine``.

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

    def run(
        self,
        z: Array,
        u: Array,
        clamp: Array,
        spikes: Array,
        p_spike: Array,
        likelihood: Array,
        memory: Array,
    ) -> int:
        """Make T steps with the currents *z* and the uniform numbers *u*.

        Outcomes are forced by *clamp*; what happens goes to *spikes*, *p_spike*, *likelihood* and
        *memory*. The arrays are those of ``lava_sqs.quantum.kernels.step.run_population``.

        Returns
        -------
        int
            How many outcomes were at the floor.
        """
        ...


class _PauliEngine:
    """What engines share whose memories are Pauli vectors."""

    no_likelihood = ""

    def __init__(self, population: Recipe) -> None:
        self._qubits = population.ansatz.memory_qubits
        self._batch = population.batch
        self._shape = (int(np.prod(self._batch, dtype=int)), population.size)
        self._ground = ground_state(self._qubits)
        self.memory_shape: tuple[int, ...] = (len(self._ground),)
        self.note = Note(self._qubits, per_qubit=False, origin="")
        self._precision = population.dtype

    @property
    def memory(self) -> Array:
        raise NotImplementedError

    def _set(self, vectors: Array | None) -> None:
        raise NotImplementedError

    def reset(self, memory: Any) -> None:
        if memory is None:
            self._set(None)
            return
        shape = (*self._batch, self._shape[1], *self.memory_shape)
        vectors = qobj_to_pauli(memory) if isinstance(memory, qutip.Qobj) else memory
        vectors = broadcast_memory(vectors, shape).reshape(*self._shape, -1)
        self._set(check_states("memory", vectors, self._qubits, self._precision))

    def density(self, b: int, k: int) -> qutip.Qobj:
        return pauli_to_qobj(self.memory[b, k])

    def expect(self, op: qutip.Qobj) -> Array:
        return np.asarray(self.memory @ qobj_to_pauli(op) / 2**self._qubits)


class InstrumentEngine(_PauliEngine):
    """Compiled instruments, packed for stepping, and memories (B, K, D).

    The *population* that owns it says what it is made of.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> population = Population(ansatz.paper(), size=3, backend="instrument")
    >>> InstrumentEngine(population).memory.shape
    (1, 3, 4)
    """

    def __init__(self, population: Recipe) -> None:
        ansatz = population.ansatz
        self._program = compile_program(ansatz, population.noise)
        self._dtype = population.dtype
        self._floor = _FLOOR[population.dtype]
        super().__init__(population)
        self._effects = self._blocks = np.empty((0, 0, 0))
        self._memory: Array = _kernels.aligned_empty(
            (*self._shape, *self.memory_shape), self._dtype
        )

    def set_theta(self, theta: Array, changed: Array) -> None:
        """Take the angles (K, P); see :class:`Engine`."""
        shared = bool((theta == theta[0]).all())  # one instrument serves all
        if shared:
            theta, changed = theta[:1], np.ones(1, dtype=bool)
        if len(self._blocks) != len(theta):
            changed = np.ones(len(theta), dtype=bool)
            self._effects, self._blocks = (
                _kernels.aligned_empty((len(theta), *shape), self._dtype)
                for shape in _kernels.packed_shapes(self._program.shape)
            )
        which = np.flatnonzero(changed)
        # Few neurons at a time: what is built is twice as large for a moment.
        chunk = max(1, int(2**23 // np.prod(self._program.shape)))
        for start in range(0, len(which), chunk):
            part = which[start : start + chunk]
            effects, blocks = _kernels.pack_instruments(self._program.build(theta[part]))
            self._effects[part], self._blocks[part] = effects, blocks

    @property
    def memory(self) -> Array:
        """The memories, shape (B, K, 4**memory_qubits)."""
        return self._memory

    def _set(self, vectors: Array | None) -> None:
        self._memory[:] = self._ground if vectors is None else vectors

    def run(
        self,
        z: Array,
        u: Array,
        clamp: Array,
        spikes: Array,
        p_spike: Array,
        likelihood: Array,
        memory: Array,
    ) -> int:
        """Make T steps; see :class:`Engine`."""
        return self.advance(self._memory, z, u, clamp, spikes, p_spike, likelihood, memory)

    def advance(self, vectors: Array, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Move *vectors* (B, K, D) instead of the population's own memories, as :meth:`run`."""
        hits: int = _kernels.run_population(
            self._effects,
            self._blocks,
            z,
            self._program.eta,
            u,
            clamp,
            vectors,
            self._floor,
            *records,
        )
        return hits

    def fresh_memory(self, batch: int) -> Array:
        """Return memories (*batch*, K, D) in ``|0..0>``."""
        vectors: Array = _kernels.aligned_empty((batch, *self._memory.shape[1:]), self._dtype)
        vectors[:] = self._ground
        return vectors

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


class LiteralEngine(_PauliEngine):
    """One :class:`~lava_sqs.quantum.ReferenceNeuron` per neuron and batch entry.

    The *population* that owns it says what it is made of.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> population = Population(ansatz.paper(), [0.3, 0.2, 0.1], size=2, backend="qutip")
    >>> int(population.step([1.0, 0.0]).sum()) in (0, 1, 2)
    True
    """

    def __init__(self, population: Recipe) -> None:
        self._population = population
        self._floor = _FLOOR[population.dtype]
        super().__init__(population)
        self._neurons: list[list[ReferenceNeuron]] = []

    def set_theta(self, theta: Array, changed: Array) -> None:
        """Take the angles (K, P); see :class:`Engine`."""
        p = self._population
        old = self._neurons
        self._neurons = [
            [ReferenceNeuron(p.ansatz, theta[k], p.noise) for k in range(self._shape[1])]
            for _ in range(self._shape[0])
        ]
        for new_row, old_row in zip(self._neurons, old, strict=False):
            for new, before in zip(new_row, old_row, strict=True):
                new.memory = before.memory

    @property
    def memory(self) -> Array:
        """The memories, shape (B, K, 4**memory_qubits)."""
        return np.array([[qobj_to_pauli(n.memory) for n in row] for row in self._neurons]).reshape(
            *self._shape, -1
        )

    def _set(self, vectors: Array | None) -> None:
        for b, row in enumerate(self._neurons):
            for k, neuron in enumerate(row):
                if vectors is None:
                    neuron.reset()
                else:
                    neuron.memory = pauli_to_qobj(vectors[b, k])

    def run(
        self,
        z: Array,
        u: Array,
        clamp: Array,
        spikes: Array,
        p_spike: Array,
        likelihood: Array,
        memory: Array,
    ) -> int:
        """Make T steps; see :class:`Engine`."""
        hits = 0
        for t, b, k in np.ndindex(z.shape[:3]):
            neuron = self._neurons[b][k]
            fixed = None
            if clamp.shape[0] and clamp[t, b, k] >= 0:
                fixed = neuron.outcomes[clamp[t, b, k]]
            bits, p = neuron.step(z[t, b, k], u=float(u[t, b, k]), outcome=fixed)
            spikes[t, b, k] = bits
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
        d = 4**self._population.ansatz.memory_qubits
        return int(16 * d * np.prod(self._shape))


def broadcast_memory(memory: Any, shape: tuple[int, ...]) -> Array:
    """Return the argument ``memory`` of a reset as real numbers of *shape*."""
    vectors = check_real("memory", memory)
    try:
        return np.broadcast_to(vectors, shape)
    except ValueError as error:
        raise ArgumentValueError(
            "memory", f"must broadcast to shape {shape}, but has shape {vectors.shape}."
        ) from error


def check_states(name: str, vectors: Array, memory_qubits: int, dtype: Any = np.float64) -> Array:
    """Return Pauli vectors (..., 4**n), all-zero ones made ``|0..0>``, if all are states.

    The argument *name* is what messages call the *vectors*; *memory_qubits* is n; *dtype* sets the
    tolerance, 1e-6 or (float32) 1e-4, which lets states in single precision pass. In float64 they
    are then made exact: the trace 1, and negative eigenvalues 0.

    Raises
    ------
    ValueError
        If a vector is not a state: its trace is not 1 or an eigenvalue is negative.

    Examples
    --------
    >>> check_states("memory", [[0.0, 0.0, 0.0, 0.0]], 1)
    array([[1., 0., 0., 1.]])
    """
    exact = np.dtype(dtype) == np.float64
    tolerance = 1e-6 if exact else 1e-4
    vectors = np.array(vectors, dtype=dtype)
    vectors[~vectors.any(axis=-1)] = ground_state(memory_qubits)
    trace_error = np.abs(vectors[..., 0] - 1).max(initial=0)
    if not trace_error <= tolerance:
        raise ArgumentValueError(
            name,
            f"must hold Pauli vectors of states (component 0, the trace, is 1), "
            f"but a trace differs from 1 by {trace_error:.3g}.",
        )
    levels, kets = np.linalg.eigh(pauli_to_matrices(vectors))
    lowest = levels[..., 0].min(initial=0)
    if lowest < -tolerance:
        raise ArgumentValueError(
            name, f"must hold Pauli vectors of states, but one has the eigenvalue {lowest:.3g}."
        )
    if exact and max(trace_error, -lowest) > _ROUNDING:
        levels = np.clip(levels, 0, None)
        levels /= levels.sum(axis=-1, keepdims=True)
        states = (kets * levels[..., None, :]) @ kets.conj().swapaxes(-1, -2)
        vectors = np.ascontiguousarray(matrices_to_pauli(states).real)
        vectors[..., 0] = 1.0
    return vectors


def ground_state(memory_qubits: int) -> Array:
    """Return the Pauli vector of ``|0..0>`` on *memory_qubits* qubits.

    Examples
    --------
    >>> ground_state(1)
    array([1., 0., 0., 1.])
    """
    return reduce(np.kron, [np.array([1.0, 0.0, 0.0, 1.0])] * memory_qubits)
