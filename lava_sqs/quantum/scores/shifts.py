"""Gradients without a derivative: by the parameter-shift rule, and by SPSA.

Of the likelihood of given trains, which a device could only select among all that it says; what it
can measure is in :mod:`lava_sqs.network.device_rules`.

Arrays are those of :class:`~lava_sqs.quantum.SpikeTrainScorer`: currents z (T, B, K, N), outcomes
(T, B, K) as integers, weights of steps (T, B, K) or (0, 0, 0) for none; theta has K rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import check_room, compiled_limit
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.kernels import scores as _score_kernels
from lava_sqs.quantum.mixed import MixedProgram, compile_neurons
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import models_of
from lava_sqs.quantum.program import Program
from lava_sqs.quantum.scores.online import EXACT_FLOOR
from lava_sqs.quantum.states import ground_state

Array = NDArray[Any]


def parameter_shift(
    program: Program | MixedProgram, theta: Array, z: Array, outcomes: Array, signal: Array
) -> tuple[Array, Array, Array]:
    """Gradient of the train's probability, one gate occurrence at a time, over its probability.

    A weight per step needs the score of each step, ``d log p_t = d log P(1..t) - d log P(1..t-1)``,
    so the rule is applied to the prefixes of the train.
    """
    if program.ansatz.is_classical:
        raise ArgumentValueError(
            "method",
            "'parameter-shift' moves the gates of a circuit, but a classical memory has none: "
            "use 'exact' or 'spsa'.",
        )
    T, B, K, N = z.shape
    _check_maps(program, T * B * K + 4 * K)
    # The rule holds for one gate at one time. An angle that is shared by gates, and that every step
    # repeats, is shifted at each occurrence by itself and the results are added (product rule).
    circuit, angles = one_angle_per_gate(program.ansatz, theta)
    single = compile_neurons(circuit, program.noise)
    A = single.build(angles)
    log_prefix, maps, states = _trajectory(A, single, z, outcomes)
    logp = log_prefix[-1] if T else np.zeros((B, K))
    p = np.exp(np.diff(log_prefix, axis=0, prepend=np.zeros((1, B, K))))

    def scores(at: int, shifted: list[tuple[float, Array]]) -> Array:
        """sum_t L_t d log p_t, from all prefixes with the map of step *at* replaced."""
        total = np.zeros((T, B, K))
        for weight, replaced in shifted:
            # Only step `at` has the shifted map; before it nothing changes, after it the plain maps
            # carry the change on. Divided by p(s_t | past) in each step, y has the trace
            # P_shifted(1..t) / P(1..t), which is linear in the map and of the order of 1 however
            # improbable the train is. d log P = dP / P: the rule is exact for the probability,
            # wrong for its logarithm.
            y = np.einsum("bkij,bkj->bki", replaced, states[at]) / p[at, ..., None]
            total[at] += weight * y[..., 0]
            for t in range(at + 1, T):
                y = np.einsum("bkij,bkj->bki", maps[t], y) / p[t, ..., None]
                total[t] += weight * y[..., 0]
        return _weighted(total, signal)

    d_theta = np.zeros(theta.shape)
    for i, gate in enumerate(program.ansatz.gates):
        if gate.param is None:
            continue
        moved = []
        turn = _turns(program, gate, K)  # where noise over-rotates, theta moves the angle by more
        for weight, shift in shift_rule(gate):
            shifted_angles = angles.copy()
            shifted_angles[:, i] += shift / np.where(turn, turn, 1.0)
            moved.append((weight, single.build(shifted_angles)))
        for t in range(T):
            replaced = [(w, _step_map(a, single, z[t], outcomes[t])) for w, a in moved]
            d_theta[:, gate.param] += gate.scale * turn * scores(t, replaced).sum(axis=0)
    d_z = np.zeros(z.shape)
    for t, n in np.ndindex(T, N):
        replaced = []
        for sign in (1, -1):
            move = np.zeros(N)
            move[n] = 0.5 * sign  # pi/2 in the angle pi z
            replaced.append((0.5 * sign, _step_map(A, single, z[t], outcomes[t], move)))
        # phi = pi max(z, 0): pi is dphi/dz, and at z <= 0 there is no gate to shift.
        d_z[t, ..., n] = np.pi * scores(t, replaced) * (z[t, ..., n] > 0)
    return logp, d_theta, d_z


def _turns(program: Program | MixedProgram, gate: Gate, size: int) -> Array:
    """Return by how much each neuron's gate turns per angle: 1 without over-rotation."""
    each = [
        1.0 if model is None else 1.0 + model.known(gate.name, gate.qubits).over_rotation
        for model in models_of(program.noise)
    ]
    noise = program.noise
    return np.array(each)[noise.which if isinstance(noise, NoisePerNeuron) else [0] * size]


def one_angle_per_gate(ansatz: Ansatz, theta: Array) -> tuple[Ansatz, Array]:
    """Return a circuit in which shared angles are not shared, and its angles (K, n_gates).

    So that each occurrence can be shifted; *theta* has K rows.
    """
    gates = tuple(
        Gate(g.name, g.qubits, param=i, angle=None) if g.is_rotation else g
        for i, g in enumerate(ansatz.gates)
    )
    names = tuple(f"gate{i}" for i in range(len(gates)))
    single = Ansatz("shifts", ansatz.io_qubits, ansatz.memory_qubits, gates, names)
    angles = np.zeros((len(theta), len(gates)))
    for i, gate in enumerate(ansatz.gates):
        if gate.is_rotation:
            angles[:, i] = gate.angle if gate.param is None else gate.at(theta)
    return single, angles


def _weighted(prefixes: Array, signal: Array) -> Array:
    """Return sum_t L_t (x_t - x_{t-1}) of what has been found for prefixes, x_0 = 0."""
    # x_t are scores of prefixes; their differences are those of single steps, d log p_t.
    steps = np.diff(prefixes, axis=0, prepend=np.zeros((1, *prefixes.shape[1:])))
    return np.asarray((steps * signal if signal.shape[0] else steps).sum(axis=0))


def _check_maps(program: Program | MixedProgram, count: int) -> None:
    """Raise unless a map for every step of every train fits."""
    m = program.ansatz.memory_qubits
    check_room(
        f"`memory_qubits` = {m} with {count} maps, one per step and neuron, for this `method`",
        8.0 * 16**m * count,
        compiled_limit(),
        "Use method='exact', or shorter and fewer trains.",
    )


def shift_rule(gate: Gate) -> list[tuple[float, float]]:
    """(weight, shift) terms: generator eigenvalues +-1/2, or 0 and +-1/2 if controlled."""
    if not gate.is_controlled_rotation:
        return [(0.5, np.pi / 2), (-0.5, -np.pi / 2)]
    # With generator eigenvalues 0 and +-1/2 the probability has the frequencies 1/2 and 1 in the
    # angle: two terms cannot tell them apart, the four-term rule solves for both slopes.
    a = (np.sqrt(2) + 1) / (4 * np.sqrt(2))
    b = (np.sqrt(2) - 1) / (4 * np.sqrt(2))
    return [(a, np.pi / 2), (-a, -np.pi / 2), (-b, 3 * np.pi / 2), (b, -3 * np.pi / 2)]


def _step_map(
    A: Array, program: Program | MixedProgram, z: Array, outcomes: Array, shift: Array | None = None
) -> Array:
    """The map (B, K, D, D) of one step with the given outcomes."""
    B, K, N = z.shape
    coefficients, slopes = np.empty((B, K, 3**N)), np.empty((N, 3**N))
    move = np.zeros(N) if shift is None else shift
    etas = program.etas(K)
    for b, k in np.ndindex(B, K):
        _score_kernels.encode_slopes(z[b, k], etas[k], move, coefficients[b, k], slopes)
    # (B, K, C, D, D) as A is (K, S, D, C, D): the advanced indices K and S join in front.
    chosen = A[np.arange(K)[None, :], outcomes]
    return np.asarray(np.einsum("bkc,bkicj->bkij", coefficients, chosen))


def _trajectory(
    A: Array, program: Program | MixedProgram, z: Array, outcomes: Array
) -> tuple[Array, list[Array], list[Array]]:
    """Log probabilities of all prefixes (T, B, K), the maps and the memories before each step."""
    T, B, K, _ = z.shape
    log_prefix, maps, states = np.zeros((T, B, K)), [], []
    ground = ground_state(program.ansatz.memory_qubits)
    r = np.broadcast_to(ground, (B, K, len(ground)))
    total = np.zeros((B, K))
    for t in range(T):
        maps.append(_step_map(A, program, z[t], outcomes[t]))
        states.append(r)
        # y_0 = Tr of the unnormalised memory = p(s_t | past).
        y = np.einsum("bkij,bkj->bki", maps[t], r)
        if (y[..., 0] < EXACT_FLOOR).any():
            raise ArgumentValueError(
                "spikes",
                "has probability zero for some neuron; the parameter-shift "
                "rule divides by it. Use method='exact', which scores such a step as 0.",
            )
        total = total + np.log(y[..., 0])
        log_prefix[t] = total
        r = y / y[..., :1]
    return log_prefix, maps, states


def spsa(
    program: Program | MixedProgram,
    theta: Array,
    z: Array,
    outcomes: Array,
    signal: Array,
    n_samples: int,
    epsilon: float,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Simultaneous perturbation of all angles and currents of each neuron's true likelihood."""
    _check_maps(program, z.shape[0] * z.shape[1] * z.shape[2])

    def objective(angles: Array, currents: Array, signal: Array) -> Array:
        A = program.build(angles)
        return _weighted(_trajectory(A, program, currents, outcomes)[0], signal)

    logp = objective(theta, z, np.empty((0, 0, 0)))
    d_theta, d_z = np.zeros(theta.shape), np.zeros(z.shape)
    for _ in range(n_samples):
        s_theta = rng.choice([-1.0, 1.0], size=theta.shape)
        # A current at or below 0 has no gate; one below epsilon would lose it on the minus side,
        # and the difference would straddle the kink of max(z, 0). Both have slope 0 here.
        s_z = rng.choice([-1.0, 1.0], size=z.shape) * (z > epsilon)
        plus = objective(theta + epsilon * s_theta, z + epsilon * s_z, signal)
        minus = objective(theta - epsilon * s_theta, z - epsilon * s_z, signal)
        slope = (plus - minus) / (2 * epsilon * n_samples)
        # 1/s = s for s = +-1: times the sign is the division by the perturbation.
        d_theta += slope.sum(axis=0)[:, None] * s_theta
        d_z += slope[None, :, :, None] * s_z
    return logp, d_theta, d_z
