"""Spike trains against Qiskit Aer: a simulator that shares no line with this package.

The neuron is written as a dynamic circuit: each step resets the io qubits, rotates them by the
input, runs the gates and measures in the middle of the circuit. The same channels are Aer's own:
``thermal_relaxation_error``, ``depolarizing_error`` (with lambda, not p), ``ReadoutError`` and a
bit flip after reset. Counts of whole spike trains are compared with the exact law of the train
(every train clamped through a Population) by Pearson's chi-square, trains expected fewer than 5
times pooled. With the six comparisons at ALPHA / 6 each, a correct program fails with probability
at most ALPHA = 1e-3 (Bonferroni); the seeds are fixed, so it fails always or never.
"""

import functools
from itertools import product

import numpy as np
import pytest
import qiskit_aer.noise as aer
from qiskit import QuantumCircuit
from qiskit.circuit.library import CRXGate, RXGate, RZGate
from qiskit.quantum_info import DensityMatrix, SuperOp
from qiskit_aer import AerSimulator
from scipy.stats import chi2

from lava_sqs.quantum import (
    NoiseModel,
    Population,
    ReferenceNeuron,
    ansatz,
    pauli_to_qobj,
    schedule,
)
from lava_sqs.quantum.noise.channels import aer_depolarizing_param, depolarizing
from lava_sqs.quantum.program import compile_program

ALPHA = 1e-3
SHOTS = 20_000

CIRCUITS = {
    "paper": (ansatz.paper(), 6),
    "layered(1,2)": (ansatz.layered(1, 2), 6),
    "layered(2,1)": (ansatz.layered(2, 1), 3),
}
NOISES = {
    # t2 > t1: Aer takes another branch than for t2 <= t1
    "device": NoiseModel.preset("ibm_brisbane").replace(t1=10e-6, t2=15e-6, p_reset=0.02),
    "strong": NoiseModel(
        t1=4e-6, t2=3e-6, gate_time_1q=1e-7, gate_time_2q=4e-7, readout_time=12e-7, idle_time=6e-7,
        p_depol_1q=0.02, p_depol_2q=0.06, p_read1_given0=0.03, p_read0_given1=0.09, p_reset=0.05,
        thermal_population=0.15,
    ),
}  # fmt: skip
GATES = {"RX": RXGate, "RZ": RZGate, "CRX": CRXGate}
CASES = list(product(CIRCUITS, NOISES))
QUICK = ("paper", "strong")  # of all circuits, test_every_step_is_exactly_qiskits is the quick one


def exact_law(circuit, theta, noise, currents):
    """Return the probability of every spike train (steps x channels, first bit first)."""
    steps, io = len(currents), circuit.io_qubits
    trains = np.array(list(product((0, 1), repeat=steps * io))).reshape(-1, steps, io)
    pop = Population(circuit, theta, size=1, batch=len(trains), noise=noise, backend="instrument")
    z = np.broadcast_to(currents[:, None, None], (steps, len(trains), 1, io))
    outcome = trains.transpose(1, 0, 2)[:, :, None]
    if io == 1:
        z, outcome = z[..., 0], outcome[..., 0]
    return np.exp(pop.run(z, outcome).log_likelihood.sum(axis=0)[:, 0])


def relax(qc, noise, qubits, duration):
    error = aer.thermal_relaxation_error(
        noise.t1, noise.t2, duration, excited_state_population=noise.thermal_population
    )
    for q in qubits:
        qc.append(error.to_instruction(), [q])


def aer_counts(circuit, theta, noise, currents, seed):
    """Return how often Aer saw every spike train, in the order of :func:`exact_law`."""
    io, n, steps = circuit.io_qubits, circuit.n_qubits, len(currents)
    depol = {
        m: aer.depolarizing_error(aer_depolarizing_param(p, m), m).to_instruction()
        for m, p in [(1, noise.p_depol_1q), (2, noise.p_depol_2q)]
    }
    flip = aer.pauli_error([("X", noise.p_reset), ("I", 1 - noise.p_reset)]).to_instruction()
    qc = QuantumCircuit(n, steps * io)
    for t in range(steps):
        for q in range(io):
            qc.reset(q)
            qc.append(flip, [q])
            if currents[t, q] > 0:
                qc.rx(np.pi * currents[t, q], q)
                qc.append(depol[1], [q])
        relax(qc, noise, range(n), noise.gate_time_1q)
        for layer in circuit.moments:
            for gate in layer:
                matrix = GATES[gate.name](theta[gate.param]).to_matrix()
                qc.unitary(matrix, gate.qubits)  # Aer itself has no CRX
                qc.append(depol[len(gate.qubits)], gate.qubits)
            long = any(len(gate.qubits) == 2 for gate in layer)
            relax(qc, noise, range(n), noise.gate_time_2q if long else noise.gate_time_1q)
        for q in range(io):
            qc.measure(q, t * io + q)
        relax(qc, noise, range(io, n), noise.readout_time + noise.idle_time)
    model = aer.NoiseModel()
    p10, p01 = noise.p_read1_given0, noise.p_read0_given1
    model.add_all_qubit_readout_error(aer.ReadoutError([[1 - p10, p10], [p01, 1 - p01]]))
    backend = AerSimulator(
        method="statevector", noise_model=model, seed_simulator=seed, max_parallel_threads=1
    )
    seen = backend.run(qc, shots=SHOTS).result().get_counts()
    counts = np.zeros(2 ** (steps * io), dtype=int)
    for bits, count in seen.items():  # Qiskit writes the last bit first
        counts[int(bits[::-1], 2)] = count
    return counts


def chi_square_p_value(counts, law):
    expected = law * counts.sum()
    rare = expected < 5
    groups = [(counts[~rare], expected[~rare])]
    if rare.any():
        groups.append((counts[rare].sum(keepdims=True), expected[rare].sum(keepdims=True)))
    seen, want = (np.concatenate(parts) for parts in zip(*groups, strict=True))
    return chi2.sf(((seen - want) ** 2 / want).sum(), len(want) - 1)


@functools.cache
def sampled(case):
    """Draw from Aer, once for all tests: circuit, theta, currents, noise, counts."""
    i = CASES.index(case)
    (circuit, steps), noise = CIRCUITS[case[0]], NOISES[case[1]]
    rng = np.random.default_rng([2506, i])
    theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
    currents = rng.uniform(0.1, 0.9, (steps, circuit.io_qubits))
    currents[1] = 0.0  # event-driven: no gate, no gate error
    counts = aer_counts(circuit, theta, noise, currents, seed=100 + i)
    return circuit, theta, currents, noise, counts


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=() if c == QUICK else pytest.mark.slow) for c in CASES],
    ids=" ".join,
)
def test_spike_trains_have_the_distribution_that_aer_samples(case):
    circuit, theta, currents, noise, counts = sampled(case)
    law = exact_law(circuit, theta, noise, currents)
    assert abs(law.sum() - 1) < 1e-9
    p_value = chi_square_p_value(counts, law)
    print(f"{' '.join(case)}: p = {p_value:.3g}")
    assert p_value > ALPHA / len(CASES)


WRONG = {
    "no noise": lambda noise: None,
    "readout errors swapped": lambda noise: noise.replace(
        p_read1_given0=noise.p_read0_given1, p_read0_given1=noise.p_read1_given0
    ),
    "t2 without t1": lambda noise: noise.replace(t2=1 / (1 / noise.t2 + 1 / (2 * noise.t1))),
    "no wait": lambda noise: noise.replace(readout_time=0.0, idle_time=0.0),
    "no reset error": lambda noise: noise.replace(p_reset=0.0),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_comparison_notices_a_wrong_convention(wrong):
    """The strong model with one mistake: at least one circuit must show it, or we test nothing."""
    p_values = []
    for name in CIRCUITS:
        circuit, theta, currents, noise, counts = sampled((name, "strong"))
        law = exact_law(circuit, theta, WRONG[wrong](noise), currents)
        p_values.append(chi_square_p_value(counts, law))
        if p_values[-1] < ALPHA / len(CASES):
            break
    print(f"{wrong}: p = {min(p_values):.3g}")
    assert min(p_values) < ALPHA / len(CASES)


# -- the order of a step, exactly ------------------------------------------------------------------


def qiskit_step(circuit, theta, noise, currents, memory, outcome):
    """Return p of every outcome, and the memory after one: density matrices and Aer's channels."""
    io, n = circuit.io_qubits, circuit.n_qubits

    def error(p, m):
        return SuperOp(aer.depolarizing_error(aer_depolarizing_param(p, m), m))

    def relax(state, duration):
        channel = aer.thermal_relaxation_error(
            noise.t1, noise.t2, duration, excited_state_population=noise.thermal_population
        )
        for q in range(state.num_qubits):
            state = state.evolve(SuperOp(channel), [q])
        return state

    p = noise.p_reset
    state = memory  # Qiskit's first qubit is its least significant
    for _ in range(io):
        state = state.tensor(DensityMatrix(np.diag([1 - p, p])))
    for q in np.flatnonzero(currents > 0):
        state = state.evolve(RXGate(np.pi * currents[q]), [q]).evolve(
            error(noise.p_depol_1q, 1), [q]
        )
    state = relax(state, noise.gate_time_1q)
    for layer in circuit.moments:
        for gate in layer:
            state = state.evolve(GATES[gate.name](theta[gate.param]), gate.qubits)
            size = len(gate.qubits)
            p = noise.p_depol_1q if size == 1 else noise.p_depol_2q
            state = state.evolve(error(p, size), gate.qubits)
        long = any(len(gate.qubits) == 2 for gate in layer)
        state = relax(state, noise.gate_time_2q if long else noise.gate_time_1q)
    blocks = state.data.reshape(2 ** (n - io), 2**io, 2 ** (n - io), 2**io)
    true = [blocks[:, s, :, s] for s in (int("".join(map(str, b[::-1])), 2) for b in bits_of(io))]
    p10, p01 = noise.p_read1_given0, noise.p_read0_given1
    confusion = functools.reduce(np.kron, [np.array([[1 - p10, p01], [p10, 1 - p01]])] * io)
    reported = np.einsum("rs,sij->rij", confusion, true)
    p = np.einsum("rii->r", reported).real
    kept = DensityMatrix(reported[outcome] / p[outcome])
    return p, relax(kept, noise.readout_time + noise.idle_time)


def bits_of(io):
    return list(product((0, 1), repeat=io))


def distance_from_qiskit(name, steps=4):
    """Return by how much p or the memory of the literal or compiled neuron differs at most."""
    (circuit, _), noise = CIRCUITS[name], NOISES["strong"]
    rng = np.random.default_rng(7)
    theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
    literal = ReferenceNeuron(circuit, theta, noise)
    compiled = Population(circuit, theta, size=1, noise=noise, backend="instrument", seed=0)
    memory, worst = DensityMatrix.from_label("0" * circuit.memory_qubits), 0.0
    for t in range(steps):
        currents = rng.uniform(0.1, 0.9, circuit.io_qubits) * (t != 1)
        outcome = int(rng.integers(2**circuit.io_qubits))
        bits = bits_of(circuit.io_qubits)[outcome]
        p, memory = qiskit_step(circuit, theta, noise, currents, memory, outcome)
        _, p_literal = literal.step(currents, outcome=bits)
        shape = (1,) if circuit.io_qubits == 1 else (1, -1)
        compiled.step(currents.reshape(shape), np.reshape(bits, shape))
        ours = pauli_to_qobj(compiled.memory[0]).full()
        theirs = memory.reverse_qargs().data
        worst = max(
            worst,
            np.abs(p_literal - p).max(),
            abs(np.exp(compiled.log_likelihood[0]) - p[outcome]),
            np.abs(literal.memory.full() - theirs).max(),
            np.abs(ours - theirs).max(),
        )
    return worst


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_step_is_exactly_qiskits(name):
    assert distance_from_qiskit(name) < 1e-10


def moved(what, to):
    """Return the order of a step in which operations of a (phase, kind) stand elsewhere."""

    def wrong(circuit, noise, right=schedule.operations):
        steps = list(right(circuit, noise))
        parts = {kind: [s for s in steps if (s.phase, s.kind) == kind] for kind in (what, to)}
        rest = [s for s in steps if s not in parts[what]]
        at = rest.index(parts[to][0])
        return iter([*rest[:at], *parts[what], *rest[at:]])

    return wrong


WRONG_ORDER = {
    "layers relax before the circuit": moved(("circuit", "relax"), ("circuit", "gate")),
    "the memory waits before the circuit": moved(("wait", "relax"), ("circuit", "gate")),
    "encoding relaxes after the circuit": moved(("encode", "relax"), ("measure", "measure")),
    "gate errors before the circuit": moved(("circuit", "depolarise"), ("circuit", "gate")),
    "gate errors after the circuit": moved(("circuit", "depolarise"), ("measure", "measure")),
}


@pytest.mark.parametrize("wrong", WRONG_ORDER)
def test_the_comparison_notices_a_wrong_order(wrong, monkeypatch):
    """All engines read one order: a wrong one shows only against a simulator that does not."""
    monkeypatch.setattr(schedule, "operations", WRONG_ORDER[wrong])
    compile_program.cache_clear()
    found = [distance_from_qiskit(name) for name in CIRCUITS]
    if wrong == "layers relax before the circuit":  # so large that counts of trains show it
        circuit, theta, currents, noise, counts = sampled(QUICK)
        law = exact_law(circuit, theta, noise, currents)
        assert chi_square_p_value(counts, law) < ALPHA / len(CASES)
    compile_program.cache_clear()
    assert min(found) > 1e-6, found


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("p", [0.0, 0.03, 0.7])
def test_our_depolarising_channel_is_aers(n, p):
    theirs = SuperOp(aer.depolarizing_error(aer_depolarizing_param(p, n), n)).data
    np.testing.assert_allclose(depolarizing(p, n).full(), theirs, atol=1e-12)


@pytest.mark.parametrize(("t1", "t2"), [(4e-6, 3e-6), (4e-6, 7e-6), (4e-6, 8e-6)])
def test_our_relaxation_is_aers(t1, t2):
    noise = NoiseModel(t1=t1, t2=t2, thermal_population=0.15)
    theirs = aer.thermal_relaxation_error(t1, t2, 1e-6, excited_state_population=0.15)
    np.testing.assert_allclose(noise.relaxation(0, 1e-6).full(), SuperOp(theirs).data, atol=1e-12)
