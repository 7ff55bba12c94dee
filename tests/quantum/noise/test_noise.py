"""The noise model: closed forms, compiled = literal, physicality, limits, users' channels, errors.

One qubit relaxing for a time t towards the thermal population n of |1> has the Bloch vector

    x, y -> x, y * exp(-t/T2)        z -> (1 - 2n) + (z - (1 - 2n)) * exp(-t/T1) .

A circuit without gates leaves the memory alone, so that a step relaxes it for
gate_time_1q + readout_time + idle_time.
"""

import json
import math
import pickle

import numpy as np
import pytest
import qutip
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lava_sqs.quantum import (
    NoiseModel,
    Population,
    ReferenceNeuron,
    ansatz,
    instrument,
    qobj_to_pauli,
    superoperator_to_matrix,
)
from lava_sqs.quantum.noise import depol_from_gate_infidelity
from lava_sqs.quantum.noise.channels import (
    SLOTS,
    Channel,
    aer_depolarizing_param,
    depol_from_aer,
    depolarizing,
)
from lava_sqs.quantum.program import compile_program

SIZES = [(1, 1), (1, 2), (2, 1), (2, 2)]
X, Y, Z, ONE = qutip.sigmax(), qutip.sigmay(), qutip.sigmaz(), qutip.qeye(2)
LOWER = qutip.basis(2, 0) @ qutip.basis(2, 1).dag()


def nothing(io_qubits=1, memory_qubits=1):
    return ansatz.from_gates([], io_qubits=io_qubits, memory_qubits=memory_qubits)


def run_once(circuit, theta, noise, z, memory=None, outcome=None):
    """Make one step of one neuron; return (p_spike, Pauli vector of the memory)."""
    pop = Population(circuit, theta, size=1, noise=noise, seed=0, backend="instrument")
    if memory is not None:
        pop.reset(memory)
    shape = (1,) if circuit.io_qubits == 1 else (1, circuit.io_qubits)
    z = np.broadcast_to(np.asarray(z, dtype=float), shape)
    pop.step(z, None if outcome is None else np.broadcast_to(outcome, shape))
    return pop.p_spike[0], pop.memory[0]


def random_operator(rng, size):
    return rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))


def random_noise(rng, io_qubits, memory_qubits):
    """Draw a strong noise model with every slot in use and one value per qubit."""
    n = io_qubits + memory_qubits
    t1 = rng.uniform(1e-6, 2e-5, n)
    noise = NoiseModel(
        t1=t1,
        t2=t1 * rng.uniform(0.1, 2.0, n),
        gate_time_1q=rng.uniform(0, 1e-7),
        gate_time_2q=rng.uniform(0, 5e-7),
        readout_time=rng.uniform(0, 2e-6),
        idle_time=rng.uniform(0, 1e-6),
        p_depol_1q=rng.uniform(0, 0.05, n),
        p_depol_2q=rng.uniform(0, 0.1),
        p_read1_given0=rng.uniform(0, 0.1, io_qubits),
        p_read0_given1=rng.uniform(0, 0.1, io_qubits),
        p_reset=rng.uniform(0, 0.1, io_qubits),
        thermal_population=rng.uniform(0, 0.5, n),
    )
    for slot, where in SLOTS.items():
        size = memory_qubits if where == "memory" else n
        dims = [[2] * size] * 2
        energy = random_operator(rng, 2**size)
        noise = noise.with_lindblad(
            c_ops=[qutip.Qobj(300 * random_operator(rng, 2**size), dims=dims)],
            hamiltonian=qutip.Qobj(1e5 * (energy + energy.conj().T), dims=dims),
            duration=rng.uniform(0, 1e-6),
            slot=slot,
        )
    return noise


# -- closed forms ------------------------------------------------------------------------------


@pytest.mark.parametrize("thermal", [0.0, 0.07, 0.5])
@pytest.mark.parametrize("backend", ["instrument", "qutip"])
def test_a_memory_relaxes_as_t1_t2_and_thermal_population_say(thermal, backend):
    t1, t2 = 70e-6, 90e-6
    noise = NoiseModel(
        t1=t1, t2=t2, gate_time_1q=1e-6, readout_time=3e-6, idle_time=2e-6,
        thermal_population=thermal,
    )  # fmt: skip
    start = np.array([1.0, 0.5, -0.4, -0.6])
    pop = Population(nothing(), (), size=1, noise=noise, seed=0, backend=backend)
    pop.reset(start)
    for k in range(1, 31):
        pop.step([0.0])
        t, rest = 6e-6 * k, 1 - 2 * thermal
        want = [1, 0.5 * math.exp(-t / t2), -0.4 * math.exp(-t / t2)]
        want.append(rest + (-0.6 - rest) * math.exp(-t / t1))
        np.testing.assert_allclose(pop.memory[0], want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("thermal", [0.0, 0.01, 0.3, 1.0])
def test_the_steady_state_is_thermal(thermal):
    noise = NoiseModel(t1=1e-6, t2=1e-6, idle_time=60e-6, thermal_population=thermal)
    _, memory = run_once(nothing(), (), noise, 0.0, memory=[1, 0.6, 0, 0.8])
    np.testing.assert_allclose(memory, [1, 0, 0, 1 - 2 * thermal], rtol=0, atol=1e-12)


@given(
    t1=st.floats(1e-9, 10),
    ratio=st.floats(1e-3, 2),
    duration=st.floats(0, 10),
    thermal=st.floats(0, 1),
)
def test_relaxation_is_exact_for_any_duration(t1, ratio, duration, thermal):
    t2 = t1 * ratio
    assume(1e-9 <= t2 <= 10)
    noise = NoiseModel(t1=t1, t2=t2, thermal_population=thermal)
    channel = noise.relaxation(0, duration)
    matrix = np.eye(4) if channel is None else superoperator_to_matrix(channel)
    decay, coherence = math.exp(-duration / t1), math.exp(-duration / t2)
    want = np.diag([1, coherence, coherence, decay])
    want[3, 0] = (1 - 2 * thermal) * (1 - decay)
    np.testing.assert_allclose(matrix, want, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("t1", "t2"), [(3e-6, 5e-6), (3e-6, 6e-6), (math.inf, 4e-6)])
def test_relaxation_solves_the_lindblad_equation(t1, t2):
    noise = NoiseModel(t1=t1, t2=t2, thermal_population=0.2)
    rho = qutip.ket2dm((0.6 * qutip.basis(2, 0) + 0.8j * qutip.basis(2, 1)).unit())
    c_ops = noise.collapse_operators(0)
    options = {"atol": 1e-12, "rtol": 1e-11, "nsteps": 100_000}
    # In units of 1 us, for the integrator's sake.
    scaled = [np.sqrt(1e-6) * c for c in c_ops]
    solved = qutip.mesolve(0 * Z, rho, [0, 2.5], scaled, options=options).states[-1]
    ours = qutip.vector_to_operator(noise.relaxation(0, 2.5e-6) @ qutip.operator_to_vector(rho))
    np.testing.assert_allclose(ours.full(), solved.full(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.75, 1.0])
def test_depolarising_shrinks_every_pauli_alike(p):
    one = superoperator_to_matrix(depolarizing(p, 1))
    two = superoperator_to_matrix(depolarizing(p, 2))
    np.testing.assert_allclose(one, np.diag([1] + [1 - 4 * p / 3] * 3), atol=1e-12)
    np.testing.assert_allclose(two, np.diag([1] + [1 - 16 * p / 15] * 15), atol=1e-12)


@pytest.mark.parametrize("backend", ["instrument", "qutip"])
def test_a_gate_on_the_memory_shrinks_its_bloch_vector(backend):
    p = 0.06
    circuit = ansatz.from_gates([("RX", 1, 0.4)], io_qubits=1, memory_qubits=1)
    noise = NoiseModel(p_depol_1q=p)
    pop = Population(circuit, (), size=1, noise=noise, seed=0, backend=backend)
    for k in range(1, 11):
        pop.step([0.3])
        shrink = (1 - 4 * p / 3) ** k
        want = [1, 0, -shrink * math.sin(0.4 * k), shrink * math.cos(0.4 * k)]
        np.testing.assert_allclose(pop.memory[0], want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", ["instrument", "qutip"])
@pytest.mark.parametrize("z", [-1.0, 0.0, 0.3, 1.0])
def test_reset_encoding_relaxation_and_readout_errors_give_this_spike_probability(z, backend):
    p10, p01, p_reset, p, t1, time = 0.03, 0.08, 0.05, 0.02, 5e-6, 1e-6
    noise = NoiseModel(
        t1=t1, t2=t1, gate_time_1q=time, p_depol_1q=p, p_reset=p_reset,
        p_read1_given0=p10, p_read0_given1=p01, thermal_population=0.1,
    )  # fmt: skip
    pop = Population(nothing(), (), size=1, noise=noise, seed=0, backend=backend)
    pop.step([z])
    bloch = (1 - 2 * p_reset) * math.cos(math.pi * max(z, 0))
    if z > 0:  # event-driven: no gate, no gate error
        bloch *= 1 - 4 * p / 3
    bloch = 0.8 + (bloch - 0.8) * math.exp(-time / t1)
    true = (1 - bloch) / 2
    np.testing.assert_allclose(pop.p_spike, true * (1 - p01) + (1 - true) * p10, atol=1e-12)


def test_per_qubit_errors_go_to_their_channels():
    noise = NoiseModel(p_read1_given0=(0.1, 0.2), p_read0_given1=(0.3, 0.4), p_reset=(0.0, 0.05))
    p, _ = run_once(nothing(2, 1), (), noise, [0.0, 0.0])
    np.testing.assert_allclose(p, [0.1, 0.95 * 0.2 + 0.05 * 0.6], atol=1e-12)
    p, _ = run_once(nothing(2, 1), (), noise, [1.0, 0.0])
    np.testing.assert_allclose(p, [0.7, 0.95 * 0.2 + 0.05 * 0.6], atol=1e-12)
    # The same with a value for each qubit of the register: the memory's own are not used.
    longer = NoiseModel(p_read1_given0=(0.1, 0.2, 0.9), p_read0_given1=(0.3, 0.4, 0.9))
    p, _ = run_once(nothing(2, 1), (), longer, [0.0, 0.0])
    np.testing.assert_allclose(p, [0.1, 0.2], atol=1e-12)


@pytest.mark.parametrize("qubit", [0, 1, 2])
def test_per_qubit_lifetimes_go_to_their_qubits(qubit):
    t1 = [math.inf] * 3
    t1[qubit] = 1e-6
    noise = NoiseModel(t1=t1, t2=[2 * t for t in t1], gate_time_1q=1e-6)
    ones = qutip.tensor([qutip.fock_dm(2, 1)] * 2)
    p, memory = run_once(nothing(1, 2), (), noise, 1.0, memory=ones)
    # io: one gate time; memory: one gate time and one readout time
    assert abs(p - (math.exp(-1) if qubit == 0 else 1)) < 1e-12
    z = [memory[3 * 4], memory[3]]  # ZI, IZ
    want = [1 - 2 * math.exp(-2) if qubit == q else -1 for q in (1, 2)]
    np.testing.assert_allclose(z, want, atol=1e-12)


@pytest.mark.parametrize("backend", ["instrument", "qutip"])
@pytest.mark.parametrize("reported", [0, 1])
def test_the_memory_is_conditioned_on_what_was_reported(reported, backend):
    p10, p01, q = 0.1, 0.2, 0.3
    noise = NoiseModel(p_read1_given0=p10, p_read0_given1=p01)
    copy = ansatz.from_gates([("CX", (1, 0))], io_qubits=1, memory_qubits=1)
    pop = Population(copy, (), size=1, noise=noise, seed=0, backend=backend)
    pop.reset([1, 0, 0, 1 - 2 * q])
    pop.step([0.0], [reported])
    likelihood = (p10, 1 - p01) if reported else (1 - p10, p01)  # given a true 0, a true 1
    evidence = (1 - q) * likelihood[0] + q * likelihood[1]
    bayes = q * likelihood[1] / evidence
    np.testing.assert_allclose(pop.memory[0], [1, 0, 0, 1 - 2 * bayes], atol=1e-12)
    np.testing.assert_allclose(pop.log_likelihood, math.log(evidence), atol=1e-12)


def test_layers_last_as_long_as_their_longest_gate_for_every_qubit():
    t1 = 1e-6
    gates = [("CX", (0, 1)), ("Z", 2), ("Z", 2), ("Z", 2)]  # (CX, Z), (Z), (Z)
    circuit = ansatz.from_gates(gates, io_qubits=1, memory_qubits=2)
    noise = NoiseModel(
        t1=t1, t2=2 * t1, gate_time_1q=1e-7, gate_time_2q=5e-7, readout_time=2e-7, idle_time=3e-7
    )
    ones = qutip.tensor([qutip.fock_dm(2, 1)] * 2)
    _, memory = run_once(circuit, (), noise, 0.0, memory=ones)
    total = 1e-7 + 5e-7 + 1e-7 + 1e-7 + 5e-7  # encode, three layers, readout and idle
    np.testing.assert_allclose(memory[3], 1 - 2 * math.exp(-total / t1), atol=1e-12)


def test_a_circuit_given_as_one_unitary_lasts_one_two_qubit_gate_and_does_not_depolarise():
    circuit = ansatz.from_unitary(np.eye(8), io_qubits=1, memory_qubits=2)
    noise = NoiseModel(
        t1=1e-6, t2=2e-6, gate_time_1q=0, gate_time_2q=4e-7, readout_time=0,
        p_depol_1q=0.5, p_depol_2q=0.5,
    )  # fmt: skip
    ones = qutip.tensor([qutip.fock_dm(2, 1)] * 2)
    _, memory = run_once(circuit, (), noise, 0.0, memory=ones)
    np.testing.assert_allclose(memory[3], 1 - 2 * math.exp(-0.4), atol=1e-12)


# -- compiled = literal ------------------------------------------------------------------------


def assert_compiled_equals_literal(circuit, noise, rng, steps):
    theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
    z = rng.uniform(-0.4, 1.0, (steps, 1, circuit.io_qubits))
    pop = Population(circuit, theta, size=1, noise=noise, seed=4, backend="instrument")
    run = pop.run(z[..., 0] if circuit.io_qubits == 1 else z)
    spikes = run.spikes.reshape(steps, circuit.io_qubits)
    literal = ReferenceNeuron(circuit, theta, noise)
    bits, worst = np.array(literal.outcomes), 0.0
    for t in range(steps):
        outcome, p = literal.step(z[t, 0], outcome=spikes[t])
        chosen = p[literal.outcomes.index(outcome)]
        worst = max(
            worst,
            np.abs(p @ bits - run.p_spike[t].ravel()).max(),
            abs(chosen - math.exp(run.log_likelihood[t, 0])),
            np.abs(qobj_to_pauli(literal.memory) - run.memory[t, 0]).max(),
        )
    assert worst <= 1e-9, worst
    return worst


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_compiled_equals_literal_for_200_steps_of_a_random_model(size, seed):
    rng = np.random.default_rng([*size, seed])
    noise = random_noise(rng, *size)
    assert_compiled_equals_literal(ansatz.layered(*size), noise, rng, 200)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize("size", [*SIZES, (1, 3)], ids=str)
def test_compiled_equals_literal_for_many_random_models(size, seed):
    rng = np.random.default_rng([*size, seed])
    noise = random_noise(rng, *size)
    assert_compiled_equals_literal(ansatz.layered(*size), noise, rng, 200)


def test_compiled_equals_literal_for_presets_and_other_circuits():
    rng = np.random.default_rng(8)
    noises = [*NoiseModel.presets().values(), random_noise(rng, 1, 1)]
    unitary = ansatz.from_unitary(
        qutip.rand_unitary(4, seed=3).full(), io_qubits=1, memory_qubits=1
    )
    mixed = ansatz.from_gates(
        [("H", 0), ("RYY", (0, 1), "a"), ("SWAP", (1, 0)), ("CRZ", (1, 0), "b"), ("RY", 1, "a")],
        io_qubits=1, memory_qubits=1,
    )  # fmt: skip
    for circuit in (ansatz.paper(), unitary, mixed):
        for noise in noises:
            assert_compiled_equals_literal(circuit, noise, rng, 20)


# -- physicality -------------------------------------------------------------------------------

probability = st.floats(0, 1)
small = st.one_of(st.just(0.0), st.floats(0, 0.1), probability)


@st.composite
def noise_models(draw, n_io, n_memory):
    n = n_io + n_memory

    def per_qubit(values, size):
        return draw(st.one_of(values, st.lists(values, min_size=size, max_size=size)))

    def duration(least=0.0):
        drawn = draw(st.one_of(st.just(least), st.floats(1e-9, 1e-5), st.floats(least, 10)))
        return min(drawn, 10 * float(t2.max()), 10)  # others are asked about

    t1 = np.array(draw(st.lists(st.floats(1e-9, 10), min_size=n, max_size=n)))
    t2 = np.clip(t1 * draw(st.floats(1e-3, 2)), 1e-9, 10)
    noise = NoiseModel(
        t1=t1 if draw(st.booleans()) else math.inf,
        t2=t2,
        gate_time_1q=duration(),
        gate_time_2q=duration(),
        readout_time=duration(),
        idle_time=duration(1e-9),
        p_depol_1q=per_qubit(small, n),
        p_depol_2q=draw(small),
        p_read1_given0=per_qubit(small, n_io),
        p_read0_given1=per_qubit(small, n_io),
        p_reset=per_qubit(small, n_io),
        thermal_population=per_qubit(small, n),
    )
    for slot in draw(st.lists(st.sampled_from(list(SLOTS)))):
        size = 2 ** (n_memory if SLOTS[slot] == "memory" else n)
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        isometry = np.linalg.qr(random_operator(rng, 2 * size))[0][:, :size]
        dims = [[2] * int(np.log2(size))] * 2
        kraus = [qutip.Qobj(isometry[:size], dims=dims), qutip.Qobj(isometry[size:], dims=dims)]
        noise = noise.with_channel(slot, kraus)
    return noise


def choi_matrices(maps):
    """Choi matrices of Pauli transfer matrices (..., D, D): sum_ab S_ab P_a (x) P_b^T / d."""
    n = round(math.log(maps.shape[-1], 4))
    paulis = np.array([[[1]]])
    for _ in range(n):
        singles = np.array([p.full() for p in (ONE, X, Y, Z)])
        paulis = np.array([np.kron(a, b) for a in paulis for b in singles])
    choi = np.einsum("...ab,aij,bkl->...iljk", maps, paulis, paulis, optimize=True) / 2**n
    return choi.reshape(*maps.shape[:-2], 4**n, 4**n)


@pytest.mark.parametrize("models", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_every_instrument_is_completely_positive_and_keeps_the_trace(models):
    @settings(max_examples=models, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), size=st.sampled_from([(1, 1), (1, 1), (1, 1), (1, 2), (2, 1)]))
    def check(data, size):
        noise = data.draw(noise_models(*size))
        circuit = ansatz.layered(*size)
        theta = data.draw(st.lists(st.floats(-4, 4), min_size=circuit.n_params, max_size=99))
        z = np.array(data.draw(st.lists(st.floats(-1, 3), min_size=size[0], max_size=size[0])))
        program = compile_program.__wrapped__(circuit, noise)  # not to fill the cache
        A = program.build(np.array([theta[: circuit.n_params]]))[0]
        c = np.ones(1)
        for q in range(size[0]):
            angle, eta = math.pi * z[q], 1 - 4 * noise.value("p_depol_1q", q) / 3
            term = [1, eta * math.cos(angle), -eta * math.sin(angle)] if z[q] > 0 else [1, 1, 0]
            c = np.kron(c, term)
        maps = np.einsum("c,sicj->sij", c, A)
        choi = choi_matrices(maps)
        assert np.linalg.eigvalsh(choi).min() >= -1e-10
        first = np.eye(len(maps[0]))[0]
        np.testing.assert_allclose(maps.sum(axis=0)[0], first, rtol=0, atol=1e-12)

    check()


def test_the_choi_matrices_here_are_qutips():
    maps = instrument(ansatz.layered(1, 2), np.linspace(-2, 2, 13), 0.3, NoiseModel(p_reset=0.1))
    ours = choi_matrices(np.array([superoperator_to_matrix(m) for m in maps]))
    for mine, m in zip(ours, maps, strict=True):
        levels = np.linalg.eigvalsh(qutip.to_choi(m).full())
        np.testing.assert_allclose(np.linalg.eigvalsh(mine), levels, atol=1e-12)
    # A transposition is positive but not completely so: it must be seen.
    assert np.linalg.eigvalsh(choi_matrices(np.diag([1.0, 1, -1, 1]))).min() < -0.5


# -- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_noise_in_numbers_is_no_noise(size):
    circuit = ansatz.layered(*size)
    z = np.random.default_rng(0).uniform(-0.5, 1, (50, 5, *([2] if size[0] == 2 else [])))
    runs = [
        Population(circuit, size=5, seed=3, noise=noise).run(z)
        for noise in (None, NoiseModel(), NoiseModel.preset("ibm_fez").scaled(0))
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.spikes, runs[0].spikes)
        np.testing.assert_allclose(run.p_spike, runs[0].p_spike, rtol=0, atol=1e-12)
        np.testing.assert_allclose(run.log_likelihood, runs[0].log_likelihood, atol=1e-10)


@pytest.mark.parametrize("backend", ["instrument", "qutip"])
def test_full_two_qubit_depolarising_forgets_everything_in_one_step(backend):
    noise = NoiseModel(p_depol_2q=15 / 16)
    for z, start in [(0.2, [1, 0.6, 0, 0.8]), (0.9, [1, 0, 0, -1])]:
        pop = Population(ansatz.paper(), [1.0, 2.0, 0.5], size=1, noise=noise, backend=backend)
        pop.reset(start)
        pop.step([z])
        np.testing.assert_allclose(pop.p_spike, 0.5, atol=1e-12)
        np.testing.assert_allclose(pop.memory[0], [1, 0, 0, 0], atol=1e-12)


def test_a_zero_duration_switches_off_the_relaxation_of_its_slots():
    durations = {
        "gate_time_1q": 3e-7, "gate_time_2q": 5e-7, "readout_time": 7e-7, "idle_time": 1.1e-6
    }  # fmt: skip
    # encode and two one-qubit layers, one two-qubit layer, one wait
    gates = [("CZ", (0, 1)), ("Z", 1), ("Z", 1)]
    circuit = ansatz.from_gates(gates, io_qubits=1, memory_qubits=1)
    uses = {"gate_time_1q": 3, "gate_time_2q": 1, "readout_time": 1, "idle_time": 1}
    for off in durations:
        noise = NoiseModel(t1=1e-6, t2=2e-6, **{**durations, off: 0})
        _, memory = run_once(circuit, (), noise, 0.0, memory=[1, 0, 0, -1])
        time = sum(uses[k] * durations[k] for k in durations if k != off)
        np.testing.assert_allclose(memory[3], 1 - 2 * math.exp(-time / 1e-6), atol=1e-12)


def test_more_noise_is_more_noise():
    """Each parameter alone changes the law of the spikes: none is ignored."""
    circuit, z = ansatz.layered(1, 1), np.full((12, 1), 0.4)
    theta = np.linspace(0.3, 2.4, 8)[None]
    base = {"t1": 2e-6, "t2": 3e-6}
    trains = np.random.default_rng(0).integers(0, 2, (12, 1))

    def law(**changes):
        noise = NoiseModel(**{**base, **changes})
        return Population(circuit, theta, noise=noise).run(z, trains).log_likelihood.sum()

    changes = {
        "t1": 4e-6, "t2": 1e-6, "gate_time_1q": 1e-7, "gate_time_2q": 6e-7, "readout_time": 2e-6,
        "idle_time": 5e-7, "p_depol_1q": 0.01, "p_depol_2q": 0.01, "p_read1_given0": 0.01,
        "p_read0_given1": 0.01, "p_reset": 0.01, "thermal_population": 0.1,
    }  # fmt: skip
    laws = [law()] + [law(**{k: v}) for k, v in changes.items()]
    assert len({round(x, 6) for x in laws}) == len(changes) + 1


# -- users' own channels ------------------------------------------------------------------------


def dephasing(p):
    return [math.sqrt(1 - p) * ONE, math.sqrt(p) * Z]


@pytest.mark.parametrize("form", ["kraus", "super", "choi", "chi"])
def test_a_channel_may_come_in_any_representation(form):
    s = qutip.kraus_to_super(dephasing(0.2))
    given_as = {
        "kraus": dephasing(0.2), "super": s, "choi": qutip.to_choi(s), "chi": qutip.to_chi(s)
    }  # fmt: skip
    noise = NoiseModel().with_channel("readout", given_as[form])
    _, memory = run_once(nothing(), (), noise, 0.0, memory=[1, 0.6, 0, 0.8])
    np.testing.assert_allclose(memory, [1, 0.6 * 0.6, 0, 0.8], atol=1e-12)


def test_channels_act_in_their_slot_on_their_register_and_in_order():
    # io first: a flip of the io qubit is a spike, of the memory it is not.
    flip_io = qutip.tensor(X, ONE)
    for slot in ("after_encode", "after_circuit"):
        p, memory = run_once(nothing(), (), NoiseModel().with_channel(slot, flip_io), 0.0)
        np.testing.assert_allclose([p, *memory], [1, 1, 0, 0, 1], atol=1e-12)
    p, memory = run_once(nothing(), (), NoiseModel().with_channel("readout", X), 0.0)
    np.testing.assert_allclose([p, *memory], [0, 1, 0, 0, -1], atol=1e-12)
    # after_encode comes before the circuit, after_circuit after it
    hadamard = ansatz.from_gates([("H", 0)], io_qubits=1, memory_qubits=1)
    z_io = qutip.tensor(Z, ONE)
    undo = ansatz.from_gates([("H", 0), ("H", 0)], io_qubits=1, memory_qubits=1)
    before, after = (
        run_once(c, (), NoiseModel().with_channel(slot, flip_io), 0.0)[0]
        for c, slot in [(undo, "after_encode"), (undo, "after_circuit")]
    )
    assert abs(before - 1) < 1e-12
    assert abs(after - 1) < 1e-12
    encode = NoiseModel().with_channel("after_encode", z_io)
    assert abs(run_once(hadamard, (), encode, 0.0)[0] - 0.5) < 1e-12
    # two in one slot: Z then H differs from H then Z on |+>
    both = NoiseModel().with_channel("readout", Z).with_channel("readout", qutip.gates.snot())
    _, memory = run_once(nothing(), (), both, 0.0, memory=[1, 1, 0, 0])
    np.testing.assert_allclose(memory, [1, 0, 0, -1], atol=1e-12)
    literal = ReferenceNeuron(nothing(), (), both)
    literal.memory = qutip.ket2dm((qutip.basis(2, 0) + qutip.basis(2, 1)).unit())
    literal.step(0.0, u=0.5)
    np.testing.assert_allclose(qobj_to_pauli(literal.memory), memory, atol=1e-12)


def test_the_readout_channel_comes_after_the_relaxation():
    noise = NoiseModel(t1=1e-6, t2=2e-6, gate_time_1q=0).with_channel("readout", X)
    _, memory = run_once(nothing(), (), noise, 0.0, memory=[1, 0, 0, -1])
    np.testing.assert_allclose(memory[3], -(1 - 2 * math.exp(-1)), atol=1e-12)


def test_from_lindblad_is_the_built_in_relaxation_when_it_is_given_its_operators():
    t1 = 3e-6
    own = NoiseModel.from_lindblad(c_ops=LOWER / math.sqrt(t1), duration=1e-6, slot="readout")
    built_in = NoiseModel(t1=t1, t2=2 * t1, gate_time_1q=0, readout_time=1e-6)
    for start in ([1, 0.6, 0.0, -0.8], [1, 0, 0.3, 0.2]):
        ours, theirs = (run_once(nothing(), (), m, 0.0, start)[1] for m in (own, built_in))
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_a_hamiltonian_alone_rotates():
    noise = NoiseModel.from_lindblad(
        hamiltonian=2e5 * qutip.tensor(ONE, X), duration=1e-6, slot="after_circuit"
    )
    _, memory = run_once(nothing(), (), noise, 0.0)
    np.testing.assert_allclose(memory, [1, 0, -math.sin(0.4), math.cos(0.4)], atol=1e-12)


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        # Transposition: Choi eigenvalue -1.
        (qutip.Qobj(np.eye(4)[[0, 2, 1, 3]], dims=[[[2], [2]]] * 2, superrep="super"), "value -1"),
        # Bloch vector times -1: Choi eigenvalues (1 - 3)/2 and (1 + 1)/2.
        (2 * depolarizing(0.75, 1) - qutip.to_super(ONE), "eigenvalue -1"),
        (0.9 * qutip.to_super(ONE), r"trace.* by up to 0\.1 "),
        ([0.5 * X], r"trace.* by up to 0\.75 "),
        (1j * qutip.to_super(ONE), "Hermiticity"),
        (qutip.to_super(qutip.qeye(3)), "qubits"),
        (qutip.to_super(ONE) * math.nan, "finite"),
    ],
)
def test_a_map_that_is_no_channel_is_refused_with_the_reason(channel, message):
    with pytest.raises(ValueError, match=message):
        NoiseModel().with_channel("readout", channel)


def test_channels_of_the_wrong_kind_or_size_are_refused():
    with pytest.raises(TypeError, match="superoperator"):
        NoiseModel().with_channel("readout", np.eye(4))
    with pytest.raises(ValueError, match="Did you mean 'readout'"):
        NoiseModel().with_channel("readuot", X)
    two = NoiseModel().with_channel("readout", qutip.tensor(X, X))
    with pytest.raises(ValueError, match=r"'readout' must act on 1 qubit.*acts on 2"):
        Population(ansatz.layered(1, 1), size=1, noise=two)
    one = NoiseModel().with_channel("after_encode", X)
    with pytest.raises(ValueError, match=r"'after_encode' must act on 3 qubit.*acts on 1"):
        ReferenceNeuron(ansatz.layered(1, 2), np.zeros(13), one)
    with pytest.raises(ValueError, match="Hermitian"):
        NoiseModel.from_lindblad(hamiltonian=LOWER, duration=1e-6, slot="readout")
    with pytest.raises(ValueError, match=r"c_ops\[1\].*same"):
        NoiseModel.from_lindblad(c_ops=[X, qutip.tensor(X, X)], duration=1e-6, slot="readout")
    with pytest.raises(ValueError, match="c_ops"):
        NoiseModel.from_lindblad(duration=1e-6, slot="readout")
    with pytest.raises(TypeError, match=r"c_ops\[0\]"):
        NoiseModel.from_lindblad(c_ops=[np.eye(2)], duration=1e-6, slot="readout")
    with pytest.raises(ValueError, match="nanoseconds"):
        NoiseModel.from_lindblad(c_ops=X, duration=300.0, slot="readout")
    with pytest.raises(TypeError, match="channels"):
        NoiseModel(channels=(X,))


# -- a model as a value -------------------------------------------------------------------------

EVERYTHING = random_noise(np.random.default_rng(1), 1, 1).with_channel("readout", X)


def test_equality_and_hash_are_those_of_the_physics():
    a = NoiseModel(t1=[1e-4, 2e-4], t2=np.array([1e-4, 1e-4]), p_reset=np.float32(0.5))
    b = NoiseModel(t1=(1e-4, 2e-4), t2=(1e-4, 1e-4), p_reset=0.5, name="mine")
    assert a == b
    assert hash(a) == hash(b)
    assert a.t1 == (1e-4, 2e-4)
    assert a != a.replace(t2=(1e-4, 9e-5))
    assert EVERYTHING.replace(channels=EVERYTHING.channels[:-1]) != EVERYTHING
    assert NoiseModel().with_channel("readout", X) == NoiseModel().with_channel("readout", X)
    assert NoiseModel().with_channel("readout", X) != NoiseModel().with_channel("readout", Y)
    assert len({a, b, NoiseModel(), NoiseModel(t1=math.inf)}) == 2
    assert compile_program(ansatz.paper(), a) is compile_program(ansatz.paper(), b)
    with pytest.raises(AttributeError):
        a.t1 = 1e-4


@pytest.mark.parametrize(
    "noise", [NoiseModel(), *NoiseModel.presets().values(), EVERYTHING], ids=str
)
def test_a_model_survives_json_and_pickle(noise):
    text = json.dumps(noise.to_dict(), allow_nan=False)
    back = NoiseModel.from_dict(json.loads(text))
    assert back == noise
    assert hash(back) == hash(noise)
    assert (back.name, back.source) == (noise.name, noise.source)
    assert pickle.loads(pickle.dumps(noise)) == noise
    z = np.full((3, 1), 0.3)
    ours, theirs = (
        Population(ansatz.paper(), [0.3, 0.2, 0.1], size=1, noise=m, seed=1).run(z).p_spike
        for m in (noise, back)
    )
    np.testing.assert_array_equal(ours, theirs)
    if not noise.channels:
        assert eval(repr(noise), {"NoiseModel": NoiseModel, "inf": math.inf}) == noise
    else:  # what a channel was made of is kept too
        assert back.scaled(1) == noise
        kept = [c.duration for c in back.channels]
        assert kept == [c.duration for c in noise.channels]


def test_from_dict_checks_like_the_constructor():
    with pytest.raises(TypeError, match="did you mean t1"):
        NoiseModel.from_dict({"T1": 1e-4})
    with pytest.raises(ValueError, match="t2"):
        NoiseModel.from_dict({"t1": 1e-4, "t2": "inf"})
    broken = NoiseModel().with_channel("readout", X).to_dict()
    broken["channels"][0]["superoperator"]["real"][0][3] = 0.5
    with pytest.raises(ValueError, match=r"trace|positive|Hermit"):
        NoiseModel.from_dict(broken)


def test_text_shows_units_and_only_what_matters():
    assert str(NoiseModel()) == "noiseless"
    assert str(NoiseModel(gate_time_1q=1e-6)) == "noiseless"
    noise = NoiseModel(t1=(1e-4, 2.5e-4), t2=80e-6, idle_time=2e-3, thermal_population=0.01)
    assert str(noise) == (
        "t1 (100, 250) us, t2 80 us, thermal population 0.01, gates 50/300 ns, readout 1 us, "
        "idle 2 ms"
    )
    assert str(NoiseModel(p_depol_1q=1e-3, p_reset=0.01)) == (
        "depolarising 1q 0.001, P(reset to 1) 0.01"
    )
    for default in ("t1=inf", "gate_time_1q=5e-08", "gate_time_2q=3e-07", "readout_time=1e-06"):
        assert default in repr(NoiseModel())


def test_replace_and_scaled():
    noise = NoiseModel.preset("ibm_torino").replace(p_reset=(0.1,), thermal_population=0.02)
    assert noise.name == "ibm_torino, modified"
    assert noise.replace(t2=1e-4).name == "ibm_torino, modified"
    assert noise.source == NoiseModel.preset("ibm_torino").source
    double = noise.scaled(2)
    assert double.t1 == noise.t1 / 2
    assert double.t2 == noise.t2 / 2
    assert double.p_depol_2q == 2 * noise.p_depol_2q
    assert double.p_read0_given1 == 2 * noise.p_read0_given1
    assert double.p_reset == (0.2,)
    assert double.thermal_population == 0.02
    assert double.gate_time_2q == noise.gate_time_2q
    assert noise.scaled(1) == noise
    assert str(NoiseModel.preset("ibm_fez").scaled(0)).endswith("noiseless")
    with pytest.raises(ValueError, match=r"factor.*p_reset\[0\].*1\.1"):
        noise.scaled(11)
    with pytest.raises(ValueError, match="factor"):
        noise.scaled(-1)
    with pytest.raises(ValueError, match="collapse operators"):
        NoiseModel().with_channel("readout", X).scaled(2)


def test_scaled_multiplies_the_rates_of_a_users_open_system():
    rate = 2e5
    for hamiltonian in (None, 1e5 * Z):
        noise = NoiseModel.from_lindblad(
            c_ops=[math.sqrt(rate) * LOWER], hamiltonian=hamiltonian, duration=1e-6, slot="readout"
        )
        _, memory = run_once(nothing(), (), noise.scaled(3), 0.0, memory=[1, 0, 0, -1])
        np.testing.assert_allclose(memory[3], 1 - 2 * math.exp(-0.6), atol=1e-12)


# -- presets and conversions --------------------------------------------------------------------

# r of one- and two-qubit gates, as published: average gate infidelities.
PUBLISHED = {
    "ibm_brisbane": (2.4e-4, 7.7e-3),
    "ibm_torino": (2.7e-4, 4.1e-3),
    "ibm_marrakesh": (2.3e-4, 3.2e-3),
    "ibm_fez": (2.3e-4, 3.8e-3),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_preset_has_the_published_gate_infidelity(name):
    """QuTiP's average gate fidelity of our noisy gates gives back the number on the data sheet."""
    noise = NoiseModel.preset(name)
    assert "2025-02-26" in noise.source
    assert name in noise.source
    relax = noise.relaxation(0, noise.gate_time_1q)
    one = depolarizing(noise.p_depol_1q, 1) @ relax
    long = noise.relaxation(0, noise.gate_time_2q)
    two = depolarizing(noise.p_depol_2q, 2) @ qutip.super_tensor(long, long)
    for channel, r in zip((one, two), PUBLISHED[name], strict=True):
        d = math.isqrt(channel.shape[0])
        process = np.trace(superoperator_to_matrix(channel)) / d**2
        assert abs(1 - (d * process + 1) / (d + 1) - r) < 1e-12
    assert abs(1 - qutip.average_gate_fidelity(one) - PUBLISHED[name][0]) < 1e-9
    assert 0 < noise.p_depol_1q < 1.5 * PUBLISHED[name][0]
    assert 0 < noise.p_depol_2q < 1.25 * PUBLISHED[name][1]


def test_the_infidelity_is_that_of_random_states():
    """Independent of any formula: the mean fidelity of Haar-random states after the gate."""
    p = depol_from_gate_infidelity(0.05, 1, t1=2e-6, t2=1.5e-6, duration=1e-7)
    noise = NoiseModel(t1=2e-6, t2=1.5e-6, thermal_population=0.3)
    matrix = superoperator_to_matrix(depolarizing(p, 1) @ noise.relaxation(0, 1e-7))
    # The six Pauli eigenstates are a 2-design: the mean over them is the mean over all states.
    states = [np.insert(sign * np.eye(3)[k], 0, 1.0) for k in range(3) for sign in (1, -1)]
    assert abs(np.mean([s @ matrix @ s / 2 for s in states]) - 0.95) < 1e-12


def test_a_gate_cannot_be_better_than_its_relaxation():
    with pytest.raises(ValueError, match=r"`r` must be at least 0\.0\d+, the infidelity of relax"):
        depol_from_gate_infidelity(1e-3, 1, t1=1e-6, t2=1e-6, duration=1e-7)
    with pytest.raises(ValueError, match="small enough"):
        depol_from_gate_infidelity(0.9, 1, t1=math.inf, t2=math.inf, duration=0)
    with pytest.raises(ValueError, match=r"`t1`.*2"):
        depol_from_gate_infidelity(1e-3, 2, t1=[1e-4] * 3, t2=[1e-4] * 3, duration=1e-7)
    assert depol_from_gate_infidelity(0, 2, t1=math.inf, t2=math.inf, duration=0) == 0
    mixed = depol_from_gate_infidelity(4e-3, 2, t1=(1e-4, 1e-3), t2=(1e-4, 1e-4), duration=1e-7)
    assert 0 < mixed < 5e-3


@pytest.mark.parametrize(("n", "full"), [(1, 3 / 4), (2, 15 / 16)])
def test_conversion_to_and_from_aers_lambda(n, full):
    assert abs(aer_depolarizing_param(full, n) - 1) < 1e-15
    for p in (0.0, 1e-3, full, 1.0):
        assert abs(depol_from_aer(aer_depolarizing_param(p, n), n) - p) < 1e-15
    with pytest.raises(ValueError, match="param"):
        depol_from_aer(1.4, n)
    with pytest.raises(ValueError, match="`p`"):
        aer_depolarizing_param(1.01, n)


# -- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t1": 1e-4, "t2": 2.1e-4}, r"`t2` must be at most 2 \* t1 = 0\.0002 s"),
        ({"t1": 1e-4}, r"`t2`.*Pass t2=0\.0002"),
        ({"t1": [1e-4, 1e-5], "t2": 1e-4}, "`t2`.*on qubit 1"),
        ({"p_reset": 1.2}, "`p_reset` must be a probability.*1.2"),
        ({"p_read1_given0": -0.1}, "`p_read1_given0`.*-0.1"),
        ({"p_read0_given1": [0.1, 1.5]}, r"`p_read0_given1\[1\]`.*1\.5"),
        ({"p_depol_1q": 1.01}, "`p_depol_1q`.*completely positive.*1.01"),
        ({"p_depol_2q": -1e-9}, "`p_depol_2q`.*completely positive"),
        ({"thermal_population": 2}, "`thermal_population`"),
        ({"p_reset": math.nan}, "`p_reset`.*nan"),
        ({"t1": math.nan}, "`t1`.*nan"),
        ({"t1": 0.0, "t2": 0.0}, "`t1` must be positive"),
        ({"t2": -1e-6}, "`t2` must be positive"),
        ({"t1": 100, "t2": 80}, r"`t1`.*did you mean microseconds \(0\.0001\)"),
        ({"t2": 80}, "`t2`.*did you mean microseconds"),
        ({"t1": 1e-10, "t2": 1e-10}, "`t1`.*did you mean microseconds"),
        ({"gate_time_1q": 50}, r"`gate_time_1q`.*did you mean nanoseconds \(5e-08\)"),
        ({"readout_time": -1e-9}, "`readout_time`.*>= 0"),
        ({"idle_time": math.inf}, "`idle_time`.*finite"),
        (
            {"t2": 1e-5, "gate_time_1q": 0, "gate_time_2q": 0, "readout_time": 0},
            "`t2` must be inf when every duration is zero",
        ),
        ({"t1": [1e-4, 1e-4], "t2": [1e-4] * 3}, r"`t2` must have as many values as `t1` \(2\)"),
        ({"p_reset": [0.1], "p_read0_given1": [0.1, 0.1]}, "as many values"),
        ({"t1": []}, "`t1`.*empty"),
    ],
)
def test_bad_values_name_the_argument_and_what_came(arguments, message):
    with pytest.raises(ValueError, match=message):
        NoiseModel(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"T1": 1e-4}, "`T1`: did you mean t1"),
        ({"readout_tme": 1e-8}, "did you mean readout_time"),
        ({"p01": 0.1}, "p_read0_given1"),
        ({"p_depol": 0.1}, "p_depol_1q and p_depol_2q"),
        ({"frequency": 5e9}, "It has t1, t2"),
        ({"t1": "100us"}, "`t1` must be a real number"),
        ({"t1": None}, "`t1` must be a real number"),
        ({"p_reset": True}, "`p_reset` must be a real number"),
        ({"t2": [1e-4, "x"]}, r"`t2\[1\]`"),
        ({"gate_time_1q": [1e-8, 1e-8]}, "`gate_time_1q` must be a real number"),
        ({"p_depol_2q": (0.1, 0.1)}, "`p_depol_2q` must be a real number"),
        ({"p_reset": 0.1 + 0.1j}, "`p_reset` must be a real number"),
        ({"name": 3}, "`name` must be text"),
    ],
)
def test_bad_types_name_the_argument_and_what_came(arguments, message):
    with pytest.raises(TypeError, match=message):
        NoiseModel(**arguments)


def test_positional_arguments_and_unknown_presets_are_refused():
    with pytest.raises(TypeError, match="positional"):
        NoiseModel(1e-4, 1e-4)
    with pytest.raises(ValueError, match="Did you mean 'ibm_brisbane'"):
        NoiseModel.preset("brisbane_ibm")


@pytest.mark.parametrize("name", ["t1", "t2", "p_depol_1q", "thermal_population"])
@pytest.mark.parametrize("backend", ["instrument", "qutip"])
def test_the_wrong_number_of_per_qubit_values_is_refused_before_any_run(name, backend):
    noise = NoiseModel(**{"t1": 0.5, "t2": 0.5, name: (0.5, 0.5)})
    with pytest.raises(ValueError, match=f"`{name}`.*one value or 3.*1 io.*has 2"):
        Population(ansatz.layered(1, 2), size=1, noise=noise, backend=backend)
    Population(ansatz.layered(1, 1), size=1, noise=noise, backend=backend)


@pytest.mark.parametrize("name", ["p_read1_given0", "p_read0_given1", "p_reset"])
def test_io_errors_take_one_value_per_io_qubit_or_per_qubit(name):
    circuit = ansatz.layered(1, 2)
    for count, fits in [(1, True), (2, False), (3, True), (4, False)]:
        noise = NoiseModel(**{name: (0.1,) * count})
        if fits:
            Population(circuit, size=1, noise=noise)
        else:
            with pytest.raises(ValueError, match=f"`{name}`.*1 or 3.*has {count}"):
                Population(circuit, size=1, noise=noise)


def test_a_channel_made_by_hand_is_checked_too():
    with pytest.raises(ValueError, match="slot"):
        Channel("elsewhere", qutip.to_super(X))
    assert Channel("readout", qutip.to_super(X)).n_qubits == 1


def test_a_gate_that_outlives_its_qubit_has_no_depolarising():
    with pytest.raises(ValueError, match="`duration` must be short enough"):
        depol_from_gate_infidelity(1e-3, 1, t1=1e-6, t2=1e-6, duration=1e-4)
