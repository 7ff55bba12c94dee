r"""What noise does to a quantum memory: purity, entropy, fidelity, short-term memory capacity.

States are Pauli vectors, arrays (..., 4**n) as in ``Population.memory`` and ``RunResult.memory``,
or single QuTiP states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_flag,
    check_instance,
    check_int,
    check_real,
    check_seed,
    check_shape,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum._memory import note_of
from lava_sqs.quantum._room import check_room, compiled_limit
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.engines.trajectory import TrajectoryEngine
from lava_sqs.quantum.instrument import instrument
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.population import Population, RunResult, ground_state
from lava_sqs.quantum.states import pauli_to_matrices, qobj_to_pauli, superoperator_to_matrix

__all__ = [
    "MemoryCapacity",
    "MemoryFidelity",
    "capacity_from_spikes",
    "entropy",
    "fidelity",
    "memory_capacity",
    "memory_fidelity",
    "purity",
]

Array = NDArray[Any]


# -- of a state ----------------------------------------------------------------------------------


def _found(name: str, memory: Any) -> Any:
    """Return the array of a Population or a run, with its note; anything else as it is."""
    if isinstance(memory, Population):
        return memory.memory
    if isinstance(memory, RunResult):
        if memory.memory is None:
            raise ArgumentValueError(
                name,
                "must hold `memory`, but the run did not keep it: run(..., record=('memory',)).",
            )
        return memory.memory
    return memory


def _vectors(name: str, memory: Any, per_qubit: bool = False) -> Array:
    """Return Pauli vectors (..., 4**n), or (..., n, 4) of each qubit's reduced state."""
    memory = _found(name, memory)
    note = note_of(memory)
    if note is not None and note.origin == "drawn":
        raise ArgumentValueError(
            name,
            "must hold states of memories, but the backend 'trajectory' drew "
            "the errors of its noise: each of its states is pure, whatever the noise. Use "
            "backend='instrument', or average the Pauli vectors over many neurons or batch "
            "entries, memory.mean(axis=...).",
        )
    if note is not None and note.per_qubit and not per_qubit:
        raise ArgumentValueError(
            name,
            f"must hold states of whole memories, but has the reduced state of "
            f"each of {note.qubits} qubits (above 4 memory qubits a Population keeps these in its "
            "`memory`). Use per_qubit=True for each qubit by itself; whole states are in "
            "Population.memory_qobj(index), and diagnostics take a Population.",
        )
    vectors = qobj_to_pauli(memory) if isinstance(memory, qutip.Qobj) else check_real(name, memory)
    n = round(np.log(vectors.shape[-1]) / np.log(4)) if vectors.ndim and vectors.size else 0
    if n < 1 or vectors.shape[-1] != 4**n:
        raise ArgumentValueError(
            name, f"must be a state or have shape (..., 4**n), but has shape {vectors.shape}."
        )
    if not per_qubit or (note is not None and note.per_qubit):
        return vectors
    letters = np.arange(4) * 4 ** np.arange(n)[::-1, None]  # the others are the identity
    return np.asarray(vectors[..., letters])


def _are_pure(memory: Any) -> tuple[int, ...] | None:
    """Return the leading shape of memories known to be pure, of which only parts are reported."""
    note = note_of(memory)
    if note is None or not note.per_qubit or note.origin != "pure":
        return None
    return memory.shape[:-2] if memory.shape[-2:] == (note.qubits, 4) else None


def _matrices(vectors: Array) -> Array:
    return pauli_to_matrices(vectors)


def purity(memory: Any, *, per_qubit: bool = False) -> Array:
    r"""Return the purity of states.

    .. math:: \operatorname{Tr} \rho^2 = 2^{-n} \sum_a r_a^2

    Parameters
    ----------
    memory : Population, RunResult, Qobj or array_like, shape (..., 4**n)
        A plain array is read as Pauli vectors of whole memories.
    per_qubit : bool
        False: of the memory as a whole, at every size. Noiseless memories of more than 4 qubits
        are pure, and that is what is returned for them. True: of the reduced state of each qubit.

    Returns
    -------
    ndarray, shape (...), or (..., n) with `per_qubit`
        From ``2**-n`` (maximally mixed) to 1 (pure).

    Raises
    ------
    TypeError, ValueError
        If it is no state; if the whole is asked for and only reduced states are there; or if the
        states are those of the backend ``trajectory`` under noise, pure given errors that it drew.

    Examples
    --------
    >>> float(purity([1.0, 0.0, 0.0, 0.5]))
    0.625
    """
    per_qubit, memory = check_flag("per_qubit", per_qubit), _found("memory", memory)
    if not per_qubit and (shape := _are_pure(memory)) is not None:
        return np.ones(shape)
    vectors = _vectors("memory", memory, per_qubit)
    return np.asarray((vectors**2).sum(axis=-1) / np.sqrt(vectors.shape[-1]))


def entropy(memory: Any, *, per_qubit: bool = False) -> Array:
    r"""Return the von Neumann entropy of states, in bits.

    .. math:: S(\rho) = -\operatorname{Tr} \rho \log_2 \rho

    Parameters
    ----------
    memory : Population, RunResult, Qobj or array_like, shape (..., 4**n)
        A plain array is read as Pauli vectors of whole memories.
    per_qubit : bool
        False: of the memory as a whole, at every size. Noiseless memories of more than 4 qubits
        are pure, and that is what is returned for them. True: of the reduced state of each qubit.

    Returns
    -------
    ndarray, shape (...), or (..., n) with `per_qubit`
        From 0 (pure) to n (maximally mixed).

    Raises
    ------
    TypeError, ValueError
        If it is no state; if the whole is asked for and only reduced states are there; or if the
        states are those of the backend ``trajectory`` under noise, pure given errors that it drew.

    Examples
    --------
    >>> float(entropy([1.0, 0.0, 0.0, 0.0]))
    1.0
    """
    per_qubit, memory = check_flag("per_qubit", per_qubit), _found("memory", memory)
    if not per_qubit and (shape := _are_pure(memory)) is not None:
        return np.zeros(shape)
    levels = np.linalg.eigvalsh(_matrices(_vectors("memory", memory, per_qubit)))
    levels = np.clip(levels, 0, 1)
    return np.asarray(-np.sum(levels * np.log2(np.where(levels > 0, levels, 1)), axis=-1)) + 0.0


def fidelity(memory: Any, other: Any) -> Array:
    r"""Return the fidelity of states, in Jozsa's convention (a probability).

    .. math:: F(\rho, \sigma) = \left(\operatorname{Tr}
        \sqrt{\sqrt\rho\, \sigma \sqrt\rho}\right)^2 = \lVert \sqrt\rho \sqrt\sigma \rVert_1^2

    Not QuTiP's ``fidelity``, which is its square root. Accurate to about 1e-7: a square root
    magnifies the rounding of a vanishing eigenvalue.

    Parameters
    ----------
    memory, other : Population, RunResult, Qobj or array_like, shape (..., 4**n)
        Whole memories; leading axes broadcast. Above 4 memory qubits pass noiseless Populations,
        or one and a QuTiP state.

    Returns
    -------
    ndarray, shape (...)
        From 0 to 1.

    Raises
    ------
    TypeError, ValueError
        If one is no state, they are of different sizes, or one has reduced or drawn states, as for
        :func:`purity`.

    References
    ----------
    R. Jozsa, J. Mod. Opt. 41, 2315 (1994), eq. 2.

    Examples
    --------
    >>> float(fidelity([1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]).round(9))
    0.5
    """
    for one, two in ((memory, other), (other, memory)):
        if isinstance(one, Population) and (kets := _kets(one)) is not None:
            overlaps = _overlaps(kets, two, one.ansatz.memory_qubits)
            if overlaps is not None:
                return np.asarray(np.clip(overlaps, 0, 1))
    a, b = _vectors("memory", memory), _vectors("other", other)
    if a.shape[-1] != b.shape[-1]:
        raise ArgumentValueError(
            "other",
            f"must have as many components as `memory` ({a.shape[-1]}), but has {b.shape[-1]}.",
        )
    product = _square_roots(_matrices(a)) @ _square_roots(_matrices(b))
    overlap = np.linalg.svd(product, compute_uv=False).sum(axis=-1) ** 2
    return np.asarray(np.clip(overlap, 0, 1))


def _kets(population: Population) -> Array | None:
    """Return the pure states (*batch, K, 2**n) of a noiseless population that holds them."""
    engine = population._engine
    if not isinstance(engine, TrajectoryEngine) or engine.no_likelihood:
        return None
    return engine.kets().reshape(*population.batch, population.size, -1)


def _overlaps(kets: Array, other: Any, n: int) -> Array | None:
    """Return the fidelity of pure states to other ones, to a ket or to a density matrix."""
    if isinstance(other, Population):
        others = _kets(other)
        if others is None or others.shape[-1] != kets.shape[-1]:
            return None
        return np.asarray(np.abs((kets.conj() * others).sum(axis=-1)) ** 2)
    if not isinstance(other, qutip.Qobj) or other.dims[0] != [2] * n:
        return None
    if other.isket:
        return np.asarray(np.abs(kets.conj() @ other.full()[:, 0]) ** 2)
    flat = kets.reshape(-1, kets.shape[-1])
    applied = (other.to("CSR").data.as_scipy() @ flat.T).T
    return np.asarray((flat.conj() * applied).sum(axis=-1).real.reshape(kets.shape[:-1]))


def _square_roots(matrices: Array) -> Array:
    levels, vectors = np.linalg.eigh(matrices)
    roots = np.sqrt(np.clip(levels, 0, None))
    return np.asarray((vectors * roots[..., None, :]) @ vectors.conj().swapaxes(-1, -2))


# -- of a run ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MemoryFidelity:
    """What :func:`memory_fidelity` returns.

    Attributes
    ----------
    fidelity : ndarray, shape (T, *batch, K)
        Of the noisy memory to the noiseless one, after each step.
    purity, entropy : ndarray, shape (T, *batch, K)
        Of the noisy memory; entropy in bits.
    spikes : ndarray, shape (T, *batch, K) or (T, *batch, K, io_qubits)
        The outcomes that both saw.
    impossible : int
        How many outcomes the noiseless neuron could not have produced.
    seed : int
        Of the outcomes.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> noise = NoiseModel(t1=20e-6, t2=20e-6)
    >>> run = memory_fidelity(ansatz.paper(), [[0.5, 1.0, 0.5]], np.ones((5, 1)), noise, seed=1)
    >>> run.purity.shape, run.impossible
    ((5, 1), 0)
    """

    fidelity: Array
    purity: Array
    entropy: Array
    spikes: Array
    impossible: int
    seed: int

    def __repr__(self) -> str:
        return (
            f"<MemoryFidelity: shape {self.fidelity.shape}, "
            f"mean fidelity {self.fidelity.mean():.4f}, purity {self.purity.mean():.4f}, "
            f"entropy {self.entropy.mean():.4f} bit, seed {self.seed}>"
        )


def memory_fidelity(
    ansatz: Ansatz, theta: Any, currents: Any, noise: NoiseModel, *, seed: int | None = None
) -> MemoryFidelity:
    r"""Return how far noise takes the memories from where the same outcomes would have led them.

    The noisy population runs and reports ``s_1 .. s_T``; its noiseless twin gets the same currents
    and is clamped to the same outcomes:

    .. math:: F_t = F(\rho_t^\mathrm{noisy}(s_{1..t}),\ \rho_t^\mathrm{noiseless}(s_{1..t})) .

    An outcome of probability zero in the noiseless twin (a readout error can report one) leaves
    that twin in its unconditional state; ``impossible`` counts them.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (K, n_params)
        Angles in radians.
    currents : array_like, shape (T, *batch, K) or (T, *batch, K, io_qubits)
        Input currents z.
    noise : NoiseModel
        Of the noisy population.
    seed : int, optional
        Of the outcomes; None draws one.

    Returns
    -------
    MemoryFidelity

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> noise = NoiseModel(t1=20e-6, t2=20e-6)
    >>> run = memory_fidelity(ansatz.paper(), [[0.5, 1.0, 0.5]], np.ones((5, 1)), noise, seed=1)
    >>> run.fidelity.shape, bool((run.fidelity < 1).all())
    ((5, 1), True)
    """
    check_instance("ansatz", ansatz, Ansatz)
    check_instance("noise", noise, NoiseModel)
    seed = check_seed("seed", seed)
    z = check_real("currents", currents)
    channels = 0 if ansatz.io_qubits == 1 else 1
    if z.ndim < 2 + channels:
        raise ArgumentValueError(
            "currents",
            "must have shape (T, *batch, K)"
            f"{' + (io_qubits,)' if channels else ''}, but has shape {z.shape}.",
        )
    batch = z.shape[1 : z.ndim - 1 - channels]
    noisy = Population(ansatz, theta, batch=batch, noise=noise, seed=seed, backend="instrument")
    twin = Population(ansatz, theta, batch=batch, seed=seed, backend="instrument")
    run = noisy.run(z, record=("memory",))
    ideal = twin.run(z, run.spikes, record=("memory",))
    return MemoryFidelity(
        fidelity=fidelity(run.memory, ideal.memory),
        purity=purity(run.memory),
        entropy=entropy(run.memory),
        spikes=run.spikes,
        impossible=twin.floor_hits,
        seed=seed,
    )


# -- of a circuit: short-term memory -------------------------------------------------------------


@dataclass(frozen=True)
class MemoryCapacity:
    """How much of the input k steps ago the spikes of a step carry.

    Attributes
    ----------
    linear : ndarray, shape (max_delay + 1,)
        MC_k: the squared correlation of the input k steps ago with its best linear estimate.
    information : ndarray, shape (max_delay + 1,), or None
        Mutual information of the input k steps ago and the spikes, in bits.
    null_std : float
        Standard deviation of ``linear`` if the spikes did not depend on the input; 0 if exact.

    Examples
    --------
    >>> round(MemoryCapacity(np.array([0.2, 0.5, 0.25])).total, 12)  # delay 0 is no memory
    0.75
    """

    linear: Array
    information: Array | None = None
    null_std: float = 0.0

    @property
    def total(self) -> float:
        """The memory capacity: the sum of MC_k over k >= 1 (k = 0 is no memory)."""
        return float(self.linear[1:].sum())

    def __str__(self) -> str:
        rows = [f"MemoryCapacity {self.total:.4f} (delays 1 to {len(self.linear) - 1})"]
        for k, value in enumerate(self.linear):
            bits = "" if self.information is None else f"  {self.information[k]:.4f} bit"
            rows.append(f"  delay {k:<3} MC {value:+.4f}{bits}")
        return "\n".join(rows)


def memory_capacity(
    ansatz: Ansatz,
    theta: Any,
    noise: NoiseModel | None = None,
    *,
    currents: Any = (0.0, 1.0),
    probabilities: Any = None,
    max_delay: int = 10,
    washout: int = 100,
) -> MemoryCapacity:
    r"""Return the short-term memory capacity of one neuron: exact, nothing is sampled.

    The input ``u_t`` is drawn independently at each step from *currents* and drives every io
    channel. With the reported spikes ``s_t`` of the io channels as the readout's features,

    .. math::
        \mathrm{MC}_k = \max_{w, b} \frac{\operatorname{Cov}^2(u_{t-k},\, w \cdot s_t + b)}
        {\operatorname{Var}(u)\operatorname{Var}(w \cdot s_t + b)}, \qquad
        I_k = I(u_{t-k};\, s_t) .

    Both follow from the joint law of ``(u_{t-k}, s_t)``, and that from the instrument: averaged
    over outcomes and inputs the memory evolves by one linear map ``T = sum_v q_v sum_s S_s(v)``,

    .. math::
        P(s_t = s \mid u_{t-k} = v) = \Bigl(\sum_{v'} q_{v'} S_s(v')\; T^{k-1}\;
        \sum_{s'} S_{s'}(v)\; r\Bigr)_0 , \qquad r = T^\mathrm{washout} r_0 .

    It is what ONE step's spikes say about ONE past input: dependence on several past inputs at
    once (a parity) or on the history of spikes does not count. The sum of MC_k over all k >= 0 is
    at most the number of io channels.

    Parameters
    ----------
    ansatz : Ansatz
    theta : array_like, shape (n_params,)
    noise : NoiseModel, optional
    currents : array_like, shape (V,)
        The values that the input takes.
    probabilities : array_like, shape (V,), optional
        Their probabilities; None is uniform.
    max_delay : int
        Largest k.
    washout : int
        Steps from ``|0..0>`` before the input that is remembered.

    Returns
    -------
    MemoryCapacity

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    References
    ----------
    H. Jaeger, Short term memory in echo state networks, GMD Report 152 (2001), definition 1 and
    proposition 2 (the bound). J. Dambre et al., Sci. Rep. 2, 514 (2012): capacities of other
    functions of the input.

    Examples
    --------
    A circuit that swaps the io and the memory qubit says at each step what it saw a step ago:

    >>> from lava_sqs.quantum import ansatz
    >>> swap = ansatz.from_gates([("SWAP", (0, 1))], io_qubits=1, memory_qubits=1)
    >>> print(memory_capacity(swap, (), max_delay=2))
    MemoryCapacity 1.0000 (delays 1 to 2)
      delay 0   MC +0.0000  0.0000 bit
      delay 1   MC +1.0000  1.0000 bit
      delay 2   MC +0.0000  0.0000 bit
    """
    check_instance("ansatz", ansatz, Ansatz)
    check_instance("noise", noise, NoiseModel, none=True)
    u = check_shape("currents", check_real("currents", currents), ("V",))
    if len(np.unique(u)) < 2:
        raise ArgumentValueError("currents", f"must hold two different values, but got {u}.")
    q = np.full(len(u), 1 / len(u)) if probabilities is None else probabilities
    q = check_shape("probabilities", check_real("probabilities", q), u.shape)
    if (q <= 0).any() or abs(q.sum() - 1) > 1e-9:
        raise ArgumentValueError("probabilities", f"must be positive and sum to 1, but got {q}.")
    max_delay = check_int("max_delay", max_delay, minimum=0)
    washout = check_int("washout", washout, minimum=0)

    check_room(
        f"`memory_qubits` = {ansatz.memory_qubits} with {len(u)} `currents`",
        8.0 * 16**ansatz.memory_qubits * (3 * len(u) * 2**ansatz.io_qubits + 4),
        compiled_limit(),
        "Use fewer memory qubits or currents, or capacity_from_spikes with a run of a Population.",
    )
    maps = np.array(
        [
            [superoperator_to_matrix(m) for m in instrument(ansatz, theta, [v] * n_io, noise)]
            for n_io in [ansatz.io_qubits]
            for v in u
        ]
    )  # (V, S, D, D)
    average = np.einsum("v,vsij->ij", q, maps)
    effects = np.einsum("v,vsj->sj", q, maps[:, :, 0])
    r = np.linalg.matrix_power(average, washout) @ ground_state(ansatz.memory_qubits)
    laws = [maps[:, :, 0] @ r]  # P(s_t | u_{t-k}), (V, S), k = 0
    given = maps.sum(axis=1) @ r  # (V, D): the memory a step later, given the input
    for _ in range(max_delay):
        laws.append(given @ effects.T)
        given = given @ average.T
    return MemoryCapacity(
        linear=np.array([_linear_capacity(q, u, law, ansatz.io_qubits) for law in laws]),
        information=np.array([_information(q, law) for law in laws]),
    )


def _linear_capacity(q: Array, u: Array, law: Array, channels: int) -> float:
    """R^2 of the best linear estimate of u from the bits of s, law (V, S) = P(s | u)."""
    joint = q[:, None] * law
    bits = (np.arange(law.shape[1])[:, None] >> np.arange(channels)[::-1]) & 1  # (S, channels)
    p = joint.sum(axis=0)
    centred = bits - p @ bits
    cross = (joint.T @ (u - q @ u)) @ centred
    within = centred.T @ (p[:, None] * centred)
    # Features that (almost) never vary carry nothing: their rounding must not be divided by.
    explained = cross @ np.linalg.pinv(within, rcond=1e-12, hermitian=True) @ cross
    if np.trace(within) < 1e-14:
        return 0.0
    return float(explained / (q @ (u - q @ u) ** 2))


def _information(q: Array, law: Array) -> float:
    """I(u; s) in bits, law (V, S) = P(s | u)."""
    law = np.clip(law, 0, 1)
    p = np.broadcast_to(q @ law, law.shape)
    ratio = np.divide(law, p, out=np.ones_like(law), where=(law > 0) & (p > 0))
    return max(float(q @ (law * np.log2(ratio)).sum(axis=1)), 0.0)


def capacity_from_spikes(
    inputs: Any, spikes: Any, *, max_delay: int = 10, washout: int = 100
) -> MemoryCapacity:
    r"""Estimate the linear memory capacity from recorded spikes, of any number of neurons.

    As :func:`memory_capacity`, with the ``F`` spike trains of a step as features and moments from
    ``n = T - washout - max_delay`` steps. The squared correlation ``R^2`` of a fit in sample is
    too large, by ``p/(n - 1)`` on average when there is no memory at all; reported is

    .. math:: \mathrm{MC}_k = 1 - (1 - R^2)\frac{n - 1}{n - 1 - p}, \qquad p = \text{rank}

    which has mean exactly 0 then (given independent, identically distributed inputs) and may be
    negative. With memory a bias of order ``1/n`` remains.

    Parameters
    ----------
    inputs : array_like, shape (T,)
        One independent draw per step.
    spikes : array_like, shape (T, F) or (T,)
        Spikes of the same steps; delay 0 is the input that formed the current of the step.
    max_delay, washout : int

    Returns
    -------
    MemoryCapacity
        ``information`` is None.

    References
    ----------
    H. Jaeger, GMD Report 152 (2001). M. Ezekiel (1930): the adjusted R^2.

    Examples
    --------
    >>> x = np.random.default_rng(0).integers(0, 2, 3000)
    >>> float(capacity_from_spikes(x, np.roll(x, 2), max_delay=3).linear.round(2)[2])
    1.0
    """
    u = check_shape("inputs", check_real("inputs", inputs), ("T",))
    s = check_real("spikes", spikes)
    s = check_shape("spikes", s[:, None] if s.ndim == 1 else s, (len(u), "F"))
    max_delay = check_int("max_delay", max_delay, minimum=0)
    washout = check_int("washout", washout, minimum=0)
    first = washout + max_delay
    n = len(u) - first
    if n < 3:
        raise ArgumentValueError(
            "inputs",
            f"must have more than washout + max_delay + 2 = {first + 2} steps, but has {len(u)}.",
        )
    centred = s[first:] - s[first:].mean(axis=0)
    basis, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    basis = basis[:, sizes > 1e-9 * max(float(sizes.max(initial=0)), 1.0)]
    p = basis.shape[1]
    if p >= n - 1:
        raise ArgumentValueError(
            "spikes",
            f"must have many more steps than features: {n} steps are left for {p} features.",
        )
    values = []
    for k in range(max_delay + 1):
        target = u[first - k : len(u) - k]
        target = target - target.mean()
        power = target @ target
        if power == 0:
            raise ArgumentValueError("inputs", "must vary, but is constant.")
        fit = float(((basis.T @ target) ** 2).sum() / power)
        values.append(1 - (1 - fit) * (n - 1) / (n - 1 - p))
    null_std = float(np.sqrt(2 * p / ((n - 1 - p) * (n + 1))))
    return MemoryCapacity(linear=np.array(values), null_std=null_std)
