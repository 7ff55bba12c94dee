r"""Neurons with large memories: pure states that jump at random, gate by gate.

An instrument has ``16**memory_qubits`` numbers per outcome; a pure state of the memory has
``2**memory_qubits`` amplitudes. Without noise a memory that starts pure stays pure, and this
engine is exact. With noise each neuron is one *trajectory*: a channel with Kraus operators
:math:`K_a` acts by drawing one of them,

.. math::

    \psi \leftarrow K_a \psi / \sqrt{p_a}, \qquad p_a = \lVert K_a \psi \rVert^2 ,

so that the mean over trajectories of :math:`|\psi\rangle\langle\psi|` is the density matrix, and
the law of the spike trains is exact. The probabilities of one trajectory are conditional on its
jumps, which nobody observes: they are no likelihood of the spikes.

Readout errors: the reported bits are drawn with their exact law, then the true bits given them,
and the state collapses to the true ones.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum._memory import Note
from lava_sqs.quantum._room import check_room, compiled_limit
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.engines.base import FLOOR, check_normalised
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.engines.steps import TrajectoryProgram, local_matrix
from lava_sqs.quantum.kernels.trajectories import pauli_vectors, run_trajectories
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import models_of
from lava_sqs.quantum.states import _kron, broadcast_memory, pauli_to_qobj

__all__ = [
    "LARGEST_PAULI_MEMORY",
    "TrajectoryEngine",
    "gate_bytes",
    "program_bytes",
    "state_bytes",
]

Array = NDArray[Any]

#: Above this a memory is reported by the Pauli vectors of its single qubits.
LARGEST_PAULI_MEMORY = 4


def state_bytes(ansatz: Ansatz, dtype: Any = np.float64) -> int:
    """Return the bytes of one neuron's pure state, for a circuit *ansatz* in *dtype*.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> state_bytes(ansatz.layered(1, 6))
    1024
    """
    return int(2 * 2**ansatz.memory_qubits * np.dtype(dtype).itemsize)


def _gate_numbers(ansatz: Ansatz) -> int:
    return sum(local_matrix(g)[0] ** 2 for g in ansatz.gates)


def gate_bytes(ansatz: Ansatz, dtype: Any = np.float64) -> int:
    """Return the bytes of one neuron's gates, for a circuit *ansatz* in *dtype*.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> gate_bytes(ansatz.layered(1, 6)) < 10_000
    True
    """
    return int(2 * _gate_numbers(ansatz) * np.dtype(dtype).itemsize)


def program_bytes(
    ansatz: Ansatz, noise: NoiseModel | NoisePerNeuron | None, dtype: Any = np.float64
) -> int:
    """Return the bytes of what all neurons share: index tables, Kraus operators, work space.

    The arguments *ansatz*, *noise* (or None) and *dtype* are those of the population.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> program_bytes(ansatz.layered(1, 16), None) < 100 * 10**6
    True
    """
    n, memory = ansatz.n_qubits, ansatz.memory_qubits
    item = np.dtype(dtype).itemsize
    places: set[tuple[Any, ...]] = {local_matrix(g)[1:] for g in ansatz.gates}
    tables, channels = 0.0, 0.0
    for model in models_of(noise):
        if model is None:
            continue
        places |= {(None, (q,)) for q in range(n)}
        places |= {(None, g.qubits) for g in ansatz.gates if len(g.qubits) == 2 and g.name != "U"}
        for channel in model.channels:
            places.add((None, channel.qubits or tuple(range(n))))
            channels += 16**channel.n_qubits * (6 * 16 + 2 * item)  # of at most 4**n operators
    if noise is not None:
        tables += memory * 2**memory
    # What each further model of neurons whose noise differs adds: its own operators.
    own = 2 * item * 64 * len(ansatz.gates) * (n + 4)
    channels += own * (len(models_of(noise)) - 1)
    tables += sum(2**n / (1 if control is None else 2) for control, _ in places)
    work = 4 * item * (2**n + 2**memory) + 3 * 8 * 2**ansatz.io_qubits
    building = 300 * _gate_numbers(ansatz) + 40 * 2**n
    return int(2 * 8 * tables + channels + work + building)


class TrajectoryEngine:
    """Pure states psi (B, K, 2, 2**memory_qubits): real and imaginary parts.

    The *recipe* says what they are made of; *rng* draws the errors.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> population = Population(ansatz.layered(1, 5), size=3, backend="trajectory")
    >>> population.memory.shape  # one Pauli vector per qubit
    (3, 5, 4)
    """

    def __init__(self, recipe: Recipe, rng: np.random.Generator) -> None:
        self._dtype, self._batch, self._shape = recipe.dtype, recipe.batch, recipe.shape
        self._program = TrajectoryProgram(recipe.ansatz, recipe.noise, self._dtype)
        self._rng = rng
        self._qubits = recipe.ansatz.memory_qubits
        self._gates = np.empty((0, 2, 0), dtype=self._dtype)
        self._psi = np.zeros((*self._shape, 2, 2**self._qubits), dtype=self._dtype)
        self._floor = FLOOR[self._dtype]
        m = self._qubits
        self.memory_shape: tuple[int, ...] = (4**m,) if m <= LARGEST_PAULI_MEMORY else (m, 4)
        origin = "drawn" if self._program.random else "pure"
        self.note = Note(m, per_qubit=m > LARGEST_PAULI_MEMORY, origin=origin)
        self.no_likelihood: str = ""
        if self._program.random:
            self.no_likelihood = (
                "The backend 'trajectory' draws the noise: what it knows are probabilities given "
                "errors that nobody observes, which are not the likelihood of the spikes. Use "
                "backend='density', or noise=None."
            )

    @property
    def memory(self) -> Array:
        """Pauli vectors (B, K, 4**m), or (B, K, m, 4), one per qubit, above 4 memory qubits."""
        out = np.empty((*self._shape, *self.memory_shape), dtype=self._dtype)
        flat = out.reshape(*self._shape, -1)
        pauli_vectors(self._psi, len(self.memory_shape) == 2, flat)
        return out

    @property
    def raw(self) -> Array:
        """The states (B, K, 2, 2**memory_qubits)."""
        return self._psi

    def set_raw(self, memories: Array) -> None:
        """Put back *memories*, what `raw` was.

        Raises ``ValueError`` if they are no states.
        """
        check_normalised((memories.astype(float) ** 2).sum(axis=(-2, -1)))
        self._psi[:] = memories

    @property
    def nbytes(self) -> int:
        """Bytes held by states and gates."""
        return int(self._psi.nbytes + self._gates.nbytes)

    def kets(self) -> Array:
        """Return the states as complex vectors (B, K, 2**memory_qubits)."""
        return np.asarray(self._psi[:, :, 0] + 1j * self._psi[:, :, 1])

    def set_theta(self, theta: Array, changed: Array) -> None:
        """Take the angles (K, P); see :class:`~lava_sqs.quantum.engines.base.Engine`."""
        # One set of gates for all neurons with the same angles and noise, as in Lava's copies.
        if len(self._program.which) == 1 and (theta == theta[0]).all():
            self._gates = self._program.gates(theta[:1], self._dtype)
        elif len(self._gates) != len(theta):
            self._gates = self._program.gates(theta, self._dtype)
        else:
            self._gates[changed] = self._program.gates(theta[changed], self._dtype, changed)

    def reset(self, memory: Any) -> None:
        """Set every memory to *memory*, None is ``|0..0>``; states must be pure."""
        if memory is None:
            self._psi[...] = 0.0
            self._psi[:, :, 0, 0] = 1.0
            return
        if isinstance(memory, qutip.Qobj):
            kets = _ket(memory, self._qubits)
        else:
            shape = (*self._batch, self._shape[1], *self.memory_shape)
            vectors = broadcast_memory(memory, shape).reshape(*self._shape, *self.memory_shape)
            kets = self._kets_of(vectors)
        self._psi[:, :, 0], self._psi[:, :, 1] = kets.real, kets.imag

    def _kets_of(self, vectors: Array) -> Array:
        kets = np.empty((*self._shape, 2**self._qubits), dtype=complex)
        for b, k in np.ndindex(self._shape):
            parts = vectors[b, k] if vectors.ndim == 4 else vectors[b, k][None]
            # Zeros, as a stock Reset writes them, stand for |0..0>.
            if not parts.any():
                kets[b, k] = np.eye(1, 2**self._qubits)[0]
                continue
            pures = [_purest(pauli_to_qobj(p).full(), self._dtype, len(parts) > 1) for p in parts]
            # Reduced states that are pure belong to a product: the whole is their tensor product.
            kets[b, k] = reduce(_kron, pures)
        return kets

    def density(self, b: int, k: int) -> qutip.Qobj:
        """Return the memory of neuron *k* in batch entry *b* as a density matrix.

        Raises ``ValueError`` if it would not fit.
        """
        check_room(
            f"The density matrix of `memory_qubits` = {self._qubits}",
            16.0 * 4**self._qubits,
            compiled_limit(),
            "Use expect(op), which needs no matrix, or memory, which has every qubit's state.",
        )
        ket = self._psi[b, k, 0] + 1j * self._psi[b, k, 1]
        return qutip.ket2dm(qutip.Qobj(ket, dims=[[2] * self._qubits, [1]]))

    def expect(self, op: qutip.Qobj) -> Array:
        """Return the expectation of the operator *op* on the memory, shape (B, K)."""
        kets = self.kets().reshape(-1, 2**self._qubits)
        # Sparse: a string of Paulis on 18 qubits is small, the whole matrix is not.
        applied = (op.to("CSR").data.as_scipy() @ kets.T).T
        return np.asarray(np.einsum("ni,ni->n", kets.conj(), applied).real.reshape(self._shape))

    def fresh_memory(self, batch: int) -> Array:
        """Return states (*batch*, K, 2, 2**memory_qubits) in ``|0..0>``."""
        psi: Array = np.zeros((batch, *self._psi.shape[1:]), dtype=self._dtype)
        psi[:, :, 0, 0] = 1.0
        return psi

    def run(self, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Make T steps; see :class:`~lava_sqs.quantum.engines.base.Engine`."""
        return self.advance(self._psi, z, u, clamp, *records)

    def advance(self, psi: Array, z: Array, u: Array, clamp: Array, *records: Array) -> int:
        """Move *psi* (B, K, 2, size), else as :class:`~lava_sqs.quantum.engines.base.Engine`."""
        program = self._program
        spikes, p_spike, likelihood, memory = records
        if program.random and (clamp >= 0).any():
            raise ArgumentValueError(
                "outcome",
                "must be None (or -1 throughout) for the backend 'trajectory' "
                "with noise: the errors drawn before a measurement would not know of an outcome "
                "that is given. Use backend='density', or noise=None.",
            )
        return int(
            run_trajectories(
                program.register,
                program.memory,
                program.which,
                self._gates,
                program.errors,
                z,
                u,
                clamp,
                psi,
                self._rng,
                self._floor,
                spikes,
                p_spike,
                likelihood,
                memory.reshape(*memory.shape[:3], math.prod(self.memory_shape)),
                len(self.memory_shape) == 2,
            )
        )


def _ket(memory: qutip.Qobj, qubits: int) -> Array:
    dims = [2] * qubits
    if memory.dims[0] != dims or not (memory.isket or memory.isoper):
        raise ArgumentValueError(
            "memory", f"must be a state of {qubits} memory qubit(s), but has dims {memory.dims}."
        )
    if not memory.isket:
        return _purest(memory.full(), np.dtype(np.float64), False)
    ket = np.asarray(memory.full()[:, 0])
    norm = float(np.linalg.norm(ket))
    if not abs(norm - 1) <= 1e-6:  # single precision passes
        raise ArgumentValueError("memory", f"must be normalised, but has norm {norm:.6g}.")
    return ket / norm


def _purest(rho: Array, dtype: np.dtype[Any], reduced: bool) -> Array:
    """Return the ket of a pure density matrix."""
    tolerance = 1e-6 if dtype == np.float64 else 1e-3
    weights, kets = np.linalg.eigh(rho)
    if not abs(weights.sum() - 1) <= tolerance or weights[0] < -tolerance:
        raise ArgumentValueError(
            "memory",
            "must hold states (trace 1, no negative eigenvalue), but has the "
            f"eigenvalues {weights.round(6).tolist()}.",
        )
    if weights[-1] < 1 - tolerance:
        what = "an entangled or mixed one" if reduced else "a mixed one"
        hint = "pass a ket to set an entangled state" if reduced else "use backend='instrument'"
        raise ArgumentValueError(
            "memory",
            f"must hold pure states for the backend 'trajectory', but has {what} "
            f"(largest eigenvalue {weights[-1]:.6g}): {hint}.",
        )
    return np.asarray(kets[:, -1])
