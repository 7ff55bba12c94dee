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
from functools import cache, reduce
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum._memory import Note
from lava_sqs.quantum._room import check_room, compiled_limit
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.engines.exact import _FLOOR, broadcast_memory
from lava_sqs.quantum.kernels.step import _jit, sincospi
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.schedule import Schedule
from lava_sqs.quantum.states import _kron, pauli_to_qobj

if TYPE_CHECKING:
    from lava_sqs.quantum.population import Population

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

_UNITARY, _PAULI_ERROR, _CHANNEL = 0, 1, 2


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
    return sum(_local(g)[0] ** 2 for g in ansatz.gates)


def gate_bytes(ansatz: Ansatz, dtype: Any = np.float64) -> int:
    """Return the bytes of one neuron's gates, for a circuit *ansatz* in *dtype*.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> gate_bytes(ansatz.layered(1, 6)) < 10_000
    True
    """
    return int(2 * _gate_numbers(ansatz) * np.dtype(dtype).itemsize)


def program_bytes(ansatz: Ansatz, noise: NoiseModel | None, dtype: Any = np.float64) -> int:
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
    places: set[tuple[Any, ...]] = {_local(g)[1:] for g in ansatz.gates}
    tables, channels = 0.0, 0.0
    if noise is not None:
        places |= {(None, (q,)) for q in range(n)}
        places |= {(None, g.qubits) for g in ansatz.gates if len(g.qubits) == 2 and g.name != "U"}
        tables += memory * 2**memory
        for channel in noise.channels:
            places.add((None, tuple(range(n))))
            channels += 16**channel.n_qubits * (6 * 16 + 2 * item)  # of at most 4**n operators
    tables += sum(2**n / (1 if control is None else 2) for control, _ in places)
    work = 4 * item * (2**n + 2**memory) + 3 * 8 * 2**ansatz.io_qubits
    building = 300 * _gate_numbers(ansatz) + 40 * 2**n
    return int(2 * 8 * tables + channels + work + building)


# -- the program of a step -------------------------------------------------------------------


class _Steps:
    """Operations on a register of *n* qubits, as flat arrays.

    table (n_ops, 6): code, size d of the matrices, offset of the first matrix (among the gates
    for a unitary, otherwise among the constants), number of matrices, offset and number of the
    groups of d amplitudes that it mixes. chance (n_ops,): of a Pauli error.
    """

    def __init__(self, n: int) -> None:
        self._n = n
        self._table: list[tuple[int, ...]] = []
        self._chance: list[float] = []
        self._groups: list[Array] = []
        self._places: dict[tuple[Any, ...], tuple[int, int]] = {}
        self._constants: list[Array] = []
        self._n_groups = self._n_constants = 0

    def add(
        self, code: int, matrices: list[Array], qubits: tuple[int, ...], chance: float = 0.0
    ) -> None:
        """Add an operation whose matrices are constants."""
        self._add(code, len(matrices[0]), self._n_constants, len(matrices), chance)
        self._constants += [m.ravel() for m in matrices]
        self._n_constants += sum(m.size for m in matrices)
        self._add_groups(qubits)

    def add_gate(
        self, size: int, offset: int, control: int | None, qubits: tuple[int, ...]
    ) -> None:
        """Add a gate, at *offset* in a neuron's matrices; only where *control* is 1."""
        self._add(_UNITARY, size, offset, 1, 0.0)
        self._add_groups(qubits, control)

    def _add(self, code: int, size: int, offset: int, count: int, chance: float) -> None:
        self._table.append((code, size, offset, count))
        self._chance.append(chance)

    def _add_groups(self, qubits: tuple[int, ...], control: int | None = None) -> None:
        if (qubits, control) not in self._places:  # a table serves all that act on these qubits
            index = np.arange(2**self._n, dtype=np.int64).reshape((2,) * self._n)
            others = [q for q in range(self._n) if q not in qubits]
            rows = index.transpose(*others, *qubits).reshape(-1, 2 ** len(qubits))
            if control is not None:
                rows = rows[(rows[:, 0] >> (self._n - 1 - control)) & 1 == 1]
            self._places[qubits, control] = self._n_groups, len(rows)
            self._groups.append(rows.ravel())
            self._n_groups += rows.size
        self._table[-1] += self._places[qubits, control]

    def arrays(self, dtype: Any) -> tuple[Array, Array, Array, Array, Array]:
        """Return table, chance, groups and the constants' real and imaginary parts."""
        constants = np.concatenate([*self._constants, np.zeros(1)])
        return (
            np.array(self._table, dtype=np.int64).reshape(-1, 6),
            np.array(self._chance),
            np.concatenate([*self._groups, np.zeros(1, dtype=np.int64)]),
            constants.real.astype(dtype),
            constants.imag.astype(dtype),
        )


def _local(gate: Gate) -> tuple[int, int | None, tuple[int, ...]]:
    """Return size, control and targets of the matrix that a gate applies."""
    if gate.is_controlled_rotation:
        return 2, gate.qubits[0], gate.qubits[1:]
    return 2 ** len(gate.qubits), None, gate.qubits


def _harmonics(gate: Gate) -> Array:
    """Return M (3, d, d) with the gate's matrix M[0] + cos(angle/2) M[1] + sin(angle/2) M[2]."""
    size = _local(gate)[0]

    def matrix(angle: float | None) -> Array:
        return np.asarray(gate.operator(angle).full())[-size:, -size:]  # the part where control = 1

    if gate.param is None:
        fixed = matrix(gate.angle)
        return np.array([fixed, 0 * fixed, 0 * fixed])
    start, half, full = (matrix(a) for a in (0.0, math.pi, 2 * math.pi))
    constant = (start + full) / 2
    return np.array([constant, (start - full) / 2, half - constant])


def _kraus(channel: qutip.Qobj) -> list[Array]:
    """Return the Kraus operators of a channel, the likeliest first."""
    operators = [k.full() for k in qutip.to_kraus(channel)]
    operators = [k for k in operators if np.abs(k).max() > 1e-12]
    return sorted(operators, key=lambda k: -float(np.linalg.norm(k)))


def _paulis(n_qubits: int) -> list[Array]:
    single = [p.full() for p in (qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())]
    return [reduce(_kron, ps) for ps in product(single, repeat=n_qubits)][1:]


class _Program:
    """What a step does, for every neuron: built once per ansatz and noise."""

    def __init__(self, ansatz: Ansatz, noise: NoiseModel | None, dtype: Any) -> None:
        n, n_io = ansatz.n_qubits, ansatz.io_qubits
        register, memory = _Steps(n), _Steps(ansatz.memory_qubits)
        schedule = Schedule.of(ansatz, noise)
        offset = 0
        harmonics, self._params = [], []

        @cache
        def relaxation(qubit: int, duration: float) -> list[Array]:
            channel = None if noise is None else noise.relaxation(qubit, duration)
            return [] if channel is None else _kraus(channel)

        placed = [(register, 0, step) for step in schedule.before]
        placed += [(memory, n_io, step) for step in schedule.after]
        for steps, first, step in placed:
            at = tuple(q - first for q in step.qubits)
            if step.gate is not None:
                size, control, targets = _local(step.gate)
                steps.add_gate(size, offset, control, targets)
                harmonics.append(_harmonics(step.gate).reshape(3, -1))
                self._params += [-1 if step.gate.param is None else step.gate.param] * size**2
                offset += size**2
            elif step.kind == "depolarise" and not step.driven and step.strength > 0:
                steps.add(_PAULI_ERROR, _paulis(len(at)), at, step.strength)
            elif step.kind == "relax":
                for q, i in zip(step.qubits, at, strict=True):
                    if relaxation(q, step.duration):
                        steps.add(_CHANNEL, relaxation(q, step.duration), (i,))
            elif step.superoperator is not None:
                steps.add(_CHANNEL, _kraus(step.superoperator), at)
        self._harmonics = np.concatenate([*harmonics, np.zeros((3, 1))], axis=1)
        self._params.append(-1)
        self.register, self.memory = register.arrays(dtype), memory.arrays(dtype)

        self.p_reset = np.array(schedule.io_strengths("reset"))
        self.p_encode = np.array(schedule.io_strengths("depolarise"))
        # (N, 2, 2): P(reported, true) of each channel.
        self.confusion = np.array(
            [noise.readout(q) if noise else np.eye(2) for q in range(n_io)], dtype=float
        )
        self.random = bool(
            self.p_reset.any()
            or self.p_encode.any()
            or (self.confusion != np.eye(2)).any()
            or (self.register[0][:, 0] != _UNITARY).any()
            or len(self.memory[0])
        )

    def gates(self, theta: Array, dtype: Any) -> Array:
        """Return every gate's matrix for the angles (K, P): real and imaginary parts (K, 2, G)."""
        padded = np.concatenate([theta, np.zeros((len(theta), 1))], axis=1)
        constant, cosine, sine = self._harmonics
        gates = np.empty((len(theta), 2, len(self._params)), dtype=dtype)
        chunk = max(1, 2**18 // len(self._params))  # what is made on the way is six times as large
        for start in range(0, len(theta), chunk):
            half = padded[start : start + chunk, self._params] / 2
            matrices = constant + np.cos(half) * cosine + np.sin(half) * sine
            gates[start : start + chunk, 0] = matrices.real
            gates[start : start + chunk, 1] = matrices.imag
        return gates


# -- the engine ------------------------------------------------------------------------------


class TrajectoryEngine:
    """Pure states psi (B, K, 2, 2**memory_qubits): real and imaginary parts.

    The *population* that owns it says what it is made of; *rng* draws the errors.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> population = Population(ansatz.layered(1, 5), size=3, backend="trajectory")
    >>> population.memory.shape  # one Pauli vector per qubit
    (3, 5, 4)
    """

    def __init__(self, population: Population, rng: np.random.Generator) -> None:
        self._ansatz, self._dtype = population.ansatz, population.dtype
        self._program = _Program(population.ansatz, population.noise, self._dtype)
        self._rng = rng
        self._qubits = population.ansatz.memory_qubits
        self._batch = population.batch
        self._shape = (int(np.prod(self._batch, dtype=int)), population.size)
        self._gates = np.empty((0, 2, 0), dtype=self._dtype)
        self._psi = np.zeros((*self._shape, 2, 2**self._qubits), dtype=self._dtype)
        self._floor = _FLOOR[self._dtype]
        m = self._qubits
        self.memory_shape: tuple[int, ...] = (4**m,) if m <= LARGEST_PAULI_MEMORY else (m, 4)
        origin = "drawn" if self._program.random else "pure"
        self.note = Note(m, per_qubit=m > LARGEST_PAULI_MEMORY, origin=origin)
        self.no_likelihood: str = ""
        if self._program.random:
            self.no_likelihood = (
                "The backend 'trajectory' draws the noise: what it knows are probabilities given "
                "errors that nobody observes, and those are no likelihood of the spikes. Use "
                "backend='instrument', or noise=None."
            )

    @property
    def memory(self) -> Array:
        """Pauli vectors (B, K, 4**m), or (B, K, m, 4), one per qubit, above 4 memory qubits."""
        out = np.empty((*self._shape, *self.memory_shape), dtype=self._dtype)
        flat = out.reshape(*self._shape, -1)
        _pauli_vectors(self._psi, self._qubits, len(self.memory_shape) == 2, flat)
        return out

    @property
    def nbytes(self) -> int:
        """Bytes held by states and gates."""
        return int(self._psi.nbytes + self._gates.nbytes)

    def kets(self) -> Array:
        """Return the states as complex vectors (B, K, 2**memory_qubits)."""
        return np.asarray(self._psi[:, :, 0] + 1j * self._psi[:, :, 1])

    def set_theta(self, theta: Array, changed: Array) -> None:
        """Take the angles (K, P); see :class:`~lava_sqs.quantum.engines.Engine`."""
        if (theta == theta[0]).all():
            self._gates = self._program.gates(theta[:1], self._dtype)
        elif len(self._gates) != len(theta):
            self._gates = self._program.gates(theta, self._dtype)
        else:
            self._gates[changed] = self._program.gates(theta[changed], self._dtype)

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
            if not parts.any():
                kets[b, k] = np.eye(1, 2**self._qubits)[0]
                continue
            pures = [_purest(pauli_to_qobj(p).full(), self._dtype, len(parts) > 1) for p in parts]
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
        """Make T steps; see :class:`~lava_sqs.quantum.engines.Engine`."""
        program = self._program
        if program.random and (clamp >= 0).any():
            raise ArgumentValueError(
                "outcome",
                "must be None (or -1 throughout) for the backend 'trajectory' "
                "with noise: the errors drawn before a measurement would not know of an outcome "
                "that is given. Use backend='instrument', or noise=None.",
            )
        return int(
            _run_trajectories(
                program.register,
                program.memory,
                self._gates,
                (program.p_reset, program.p_encode, program.confusion),
                program.random,
                z,
                u,
                clamp,
                self._psi,
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


# -- the loops -------------------------------------------------------------------------------


@_jit()
def _pairs(m_re, m_im, at, groups, g0, n, source, target):  # type: ignore[no-untyped-def]
    """target = matrix source, in n groups of 2 amplitudes; both (2, size), may be the same."""
    a_re, b_re, c_re, d_re = m_re[at], m_re[at + 1], m_re[at + 2], m_re[at + 3]
    a_im, b_im, c_im, d_im = m_im[at], m_im[at + 1], m_im[at + 2], m_im[at + 3]
    for g in range(n):
        i, j = groups[g0 + 2 * g], groups[g0 + 2 * g + 1]
        x_re, x_im, y_re, y_im = source[0, i], source[1, i], source[0, j], source[1, j]
        target[0, i] = a_re * x_re - a_im * x_im + b_re * y_re - b_im * y_im
        target[1, i] = a_re * x_im + a_im * x_re + b_re * y_im + b_im * y_re
        target[0, j] = c_re * x_re - c_im * x_im + d_re * y_re - d_im * y_im
        target[1, j] = c_re * x_im + c_im * x_re + d_re * y_im + d_im * y_re


@_jit()
def _groups_of(m_re, m_im, at, d, groups, g0, n, source, target, local):  # type: ignore[no-untyped-def]
    """As _pairs, in n groups of d amplitudes; *local* (2, d) is work space."""
    for g in range(n):
        base = g0 + g * d
        for j in range(d):
            local[0, j], local[1, j] = source[0, groups[base + j]], source[1, groups[base + j]]
        for i in range(d):
            row = at + i * d
            re = im = local.dtype.type(0.0)
            for j in range(d):
                re += m_re[row + j] * local[0, j] - m_im[row + j] * local[1, j]
                im += m_re[row + j] * local[1, j] + m_im[row + j] * local[0, j]
            target[0, groups[base + i]], target[1, groups[base + i]] = re, im


@_jit()
def _apply(m_re, m_im, at, d, groups, g0, n, source, target, local):  # type: ignore[no-untyped-def]
    if d == 2:
        _pairs(m_re, m_im, at, groups, g0, n, source, target)
    else:
        _groups_of(m_re, m_im, at, d, groups, g0, n, source, target, local)


@_jit()
def _norm(state, start, stop):  # type: ignore[no-untyped-def]
    """Return the squared norm of the amplitudes start..stop.

    In pieces: a float32 sum of millions of equal terms would stop growing.
    """
    total = 0.0
    for first in range(start, stop, 1024):
        part = state.dtype.type(0.0)
        for i in range(first, min(first + 1024, stop)):
            part += state[0, i] * state[0, i] + state[1, i] * state[1, i]
        total += part
    return total


@_jit()
def _perform(steps, gate_re, gate_im, rng, state, spare, local):  # type: ignore[no-untyped-def]
    """Apply operations to state (2, size), drawing what is random.

    Return the new state, which is *state* or *spare*, and its squared norm: the probability of
    what was drawn. Before that it is 1.
    """
    table, chance, groups, c_re, c_im = steps
    total = 1.0
    for op in range(table.shape[0]):
        code, d, at = table[op, 0], table[op, 1], table[op, 2]
        count, g0, n = table[op, 3], table[op, 4], table[op, 5]
        if code == 0:
            _apply(gate_re, gate_im, at, d, groups, g0, n, state, state, local)
            continue
        x = rng.random()
        if code == 1:
            if x < chance[op]:
                which = min(int(x / chance[op] * count), count - 1)
                _apply(c_re, c_im, at + which * d * d, d, groups, g0, n, state, state, local)
            continue
        x *= total
        norm = 0.0
        for which in range(count):
            _apply(c_re, c_im, at + which * d * d, d, groups, g0, n, state, spare, local)
            norm = _norm(spare, 0, spare.shape[1])
            x -= norm
            if x < 0.0:
                break
        if norm <= 1e-12 * total:  # beyond the last one, by rounding: take the likeliest
            _apply(c_re, c_im, at, d, groups, g0, n, state, spare, local)
            norm = _norm(spare, 0, spare.shape[1])
        state, spare = spare, state
        total = norm
        if total < 1e-9:
            _rescale(state, total)
            total = 1.0
    return state, total


@_jit()
def _rescale(state, total):  # type: ignore[no-untyped-def]
    scale = state.dtype.type(1.0 / math.sqrt(total))
    for i in range(state.shape[1]):
        state[0, i] *= scale
        state[1, i] *= scale


@_jit()
def _prepare(z, p_reset, p_encode, is_random, rng, psi, state, qubit):  # type: ignore[no-untyped-def]
    """state = (x)_n RX(pi z_n)|0> (x) psi, with the errors of reset and encoding drawn."""
    size = psi.shape[1]
    n_io = z.shape[0]
    for i in range(size):
        state[0, i], state[1, i] = psi[0, i], psi[1, i]
    number = state.dtype.type
    for n in range(n_io - 1, -1, -1):  # the last channel is the least significant
        # Amplitudes of |0> and |1>: (re, im, re, im).
        qubit[0], qubit[1], qubit[2], qubit[3] = 1.0, 0.0, 0.0, 0.0
        flipped = is_random and p_reset[n] > 0.0 and rng.random() < p_reset[n]
        if z[n] > 0.0:
            s, c = sincospi(0.5 * z[n])
            qubit[0], qubit[3] = c, -s
        if flipped:  # RX commutes with X: the other way round
            a, b = qubit[0], qubit[1]
            qubit[0], qubit[1], qubit[2], qubit[3] = qubit[2], qubit[3], a, b
        if z[n] > 0.0 and is_random and p_encode[n] > 0.0:
            x = rng.random()
            if x < p_encode[n]:
                which = min(int(3.0 * x / p_encode[n]), 2)
                if which < 2:  # X, or Y up to a phase: X then Z
                    a, b = qubit[0], qubit[1]
                    qubit[0], qubit[1], qubit[2], qubit[3] = qubit[2], qubit[3], a, b
                if which > 0:
                    qubit[2], qubit[3] = -qubit[2], -qubit[3]
        a_re, a_im, b_re, b_im = (
            number(qubit[0]),
            number(qubit[1]),
            number(qubit[2]),
            number(qubit[3]),
        )
        for i in range(size):
            re, im = state[0, i], state[1, i]
            state[0, size + i] = b_re * re - b_im * im
            state[1, size + i] = b_re * im + b_im * re
            state[0, i] = a_re * re - a_im * im
            state[1, i] = a_re * im + a_im * re
        size *= 2


@_jit()
def _draw_index(p, level):  # type: ignore[no-untyped-def]
    """Return the number of cumulative sums of p that are <= level, at most the last index."""
    total, index = 0.0, 0
    for s in range(p.shape[0] - 1):
        total += p[s]
        index += total <= level
    return index


@_jit()
def _misread(confusion, p):  # type: ignore[no-untyped-def]
    """p (2**N,), probabilities of the true bits, become those of the reported ones, in place."""
    N = confusion.shape[0]
    for n in range(N):
        bit = 1 << (N - 1 - n)
        for s in range(p.shape[0]):
            if s & bit == 0:
                zero, one = p[s], p[s | bit]
                p[s] = confusion[n, 0, 0] * zero + confusion[n, 0, 1] * one
                p[s | bit] = confusion[n, 1, 0] * zero + confusion[n, 1, 1] * one


@_jit()
def _parity(bits):  # type: ignore[no-untyped-def]
    """Return 1 if a non-negative integer of 64 bits has an odd number of ones, otherwise 0."""
    for shift in (32, 16, 8, 4, 2, 1):
        bits ^= bits >> shift
    return bits & 1


@_jit()
def _run_trajectories(  # type: ignore[no-untyped-def]
    register,
    after,
    gates,
    errors,
    is_random,
    z,
    u,
    clamp,
    psi,
    rng,
    floor,
    spikes,
    p_spike,
    likelihood,
    memory,
    reduced,
):
    """Step every neuron; arrays as in run_population, psi (B, K, 2, 2**m) in place."""
    p_reset, p_encode, confusion = errors
    T, B, K, N = z.shape
    S, size = 1 << N, psi.shape[3]
    largest = 2
    for op in range(register[0].shape[0]):
        largest = max(largest, register[0][op, 1])
    for op in range(after[0].shape[0]):
        largest = max(largest, after[0][op, 1])
    one, two = np.empty((2, S * size), psi.dtype), np.empty((2, S * size), psi.dtype)
    low, other = np.empty((2, size), psi.dtype), np.empty((2, size), psi.dtype)
    local = np.empty((2, largest), psi.dtype)
    qubit = np.empty(4)
    true, reported, weights = np.empty(S), np.empty(S), np.empty(S)
    hits = 0
    for k in range(K):
        gate = gates[k if gates.shape[0] > 1 else 0]
        for b in range(B):
            mine = psi[b, k]
            for t in range(T):
                _prepare(z[t, b, k], p_reset, p_encode, is_random, rng, mine, one, qubit)
                state, _ = _perform(register, gate[0], gate[1], rng, one, two, local)
                total = 0.0
                for s in range(S):
                    true[s] = _norm(state, s * size, (s + 1) * size)
                    total += true[s]
                for s in range(S):
                    true[s] /= total
                reported[:] = true
                if is_random:
                    _misread(confusion, reported)
                outcome = -1
                if clamp.shape[0] > 0:
                    outcome = clamp[t, b, k]
                if outcome < 0:
                    outcome = _draw_index(reported, u[t, b, k])
                kept = outcome
                if is_random:
                    for s in range(S):
                        weights[s] = true[s]
                        for n in range(N):
                            shift = N - 1 - n
                            weights[s] *= confusion[n, (outcome >> shift) & 1, (s >> shift) & 1]
                    kept = _draw_index(weights, rng.random() * reported[outcome])
                elif true[outcome] < floor:
                    # (Nearly) impossible, so only by clamping: forget the outcome.
                    hits += 1
                    kept = _draw_index(true, rng.random())
                scale = psi.dtype.type(1.0 / math.sqrt(max(true[kept] * total, 1e-300)))
                for i in range(size):
                    low[0, i] = state[0, kept * size + i] * scale
                    low[1, i] = state[1, kept * size + i] * scale
                new, total = _perform(after, gate[0], gate[1], rng, low, other, local)
                if total != 1.0:
                    _rescale(new, total)
                mine[:] = new
                for n in range(N):
                    bit = 1 << (N - 1 - n)
                    spikes[t, b, k, n] = (outcome & bit) != 0
                    if p_spike.shape[0] > 0:
                        p_n = 0.0
                        for s in range(S):
                            if s & bit:
                                p_n += reported[s]
                        p_spike[t, b, k, n] = min(max(p_n, 0.0), 1.0)
                if likelihood.shape[0] > 0:
                    likelihood[t, b, k] = min(max(reported[outcome], floor), 1.0)
                if memory.shape[0] > 0:
                    _pauli_vector(mine, reduced, memory[t, b, k])
    return hits


@_jit()
def _pauli_vector(psi, reduced, out):  # type: ignore[no-untyped-def]
    """out[a] = <psi|P_a|psi>, or the four of each single qubit in turn."""
    size = psi.shape[1]
    qubits = 0
    while (1 << qubits) < size:
        qubits += 1
    for a in range(out.shape[0]):
        flip = sign = n_y = 0
        for q in range(qubits):
            letter = (a >> (2 * (qubits - 1 - q))) & 3
            if reduced:
                letter = a & 3 if q == a >> 2 else 0
            bit = 1 << (qubits - 1 - q)
            if letter == 1 or letter == 2:
                flip |= bit
            if letter >= 2:
                sign |= bit
            n_y += letter == 2
        # P|i> = i**n_y (-1)**(bits of i in sign) |i ^ flip>
        re = im = 0.0
        for i in range(size):
            j = i ^ flip
            weight = 1.0 - 2.0 * _parity(i & sign)
            re += weight * (psi[0, j] * psi[0, i] + psi[1, j] * psi[1, i])
            im += weight * (psi[0, j] * psi[1, i] - psi[1, j] * psi[0, i])
        turn = n_y & 3
        if turn == 0:
            out[a] = re
        elif turn == 1:
            out[a] = -im
        elif turn == 2:
            out[a] = -re
        else:
            out[a] = im


@_jit()
def _pauli_vectors(psi, _qubits, reduced, out):  # type: ignore[no-untyped-def]
    for b in range(psi.shape[0]):
        for k in range(psi.shape[1]):
            _pauli_vector(psi[b, k], reduced, out[b, k])
