"""A classical memory: an instrument that is a table of probabilities, on the same engine."""

import itertools

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.learning import SOLVED, TASKS, learn_offline
from lava_sqs import Population, ansatz
from lava_sqs.neurons import AsPublishedNeuron, ClassicalMemoryNeuron, SQSNeuron
from lava_sqs.quantum import (
    NoiseModel,
    OnlineScores,
    ReferenceNeuron,
    SpikeTrainScorer,
    instrument,
    qobj_to_pauli,
    score_spike_train,
)
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.scores.online import derivatives
from lava_sqs.quantum.tables import TABLES, Table

NOISE = NoiseModel(
    t1=2e-5,
    t2=1e-5,
    p_depol_1q=1e-3,
    p_depol_2q=0.01,
    p_read1_given0=0.02,
    p_read0_given1=0.05,
    p_reset=0.01,
).with_channel("after_circuit", qutip.to_super(qutip.tensor([qutip.sigmax()] * 2)), qubits=(0, 1))
SIZES = [(1, 1), (1, 2), (2, 1)]


def circuits():
    return [
        pytest.param(ansatz.classical_memory(*size, table=table), id=f"{table}{size}")
        for table in TABLES
        for size in SIZES
    ]


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("circuit", circuits())
def test_it_is_the_literal_neuron(circuit, noise):
    rng = np.random.default_rng(0)
    theta = rng.uniform(-3, 3, (3, circuit.n_params))
    pop = Population(circuit, theta, noise=noise, seed=1)
    literal = [ReferenceNeuron(circuit, row, noise) for row in theta]
    for _ in range(6):
        z = rng.uniform(-0.3, 1.0, np.shape(pop.p_spike))
        spikes = pop.step(z)
        for k, neuron in enumerate(literal):
            _, p = neuron.step(z[k], outcome=spikes[k])
            by_channel = p.reshape((2,) * circuit.io_qubits)
            for n in range(circuit.io_qubits):
                expected = by_channel.take(1, axis=n).sum()
                assert np.atleast_1d(pop.p_spike[k])[n] == pytest.approx(expected, abs=1e-12)
            np.testing.assert_allclose(pop.memory[k], qobj_to_pauli(neuron.memory), atol=1e-12)


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("circuit", circuits())
def test_scores_are_the_derivatives_of_the_log_likelihood(circuit, noise):
    rng = np.random.default_rng(2)
    theta = rng.uniform(-3, 3, (2, circuit.n_params))
    tail = (circuit.io_qubits,) if circuit.io_qubits > 1 else ()
    z = rng.uniform(-0.2, 0.9, (7, 3, 2, *tail))
    spikes = Population(circuit, theta, batch=(3,), noise=noise, seed=3).run(z).spikes
    signal = rng.normal(size=(7, 3, 2))

    def objective(theta, z):
        run = Population(circuit, theta, batch=(3,), noise=noise, seed=0)
        return (signal * run.run(z, spikes, record=("log_likelihood",)).log_likelihood).sum()

    _, d_theta, d_z = score_spike_train(circuit, theta, z, spikes, noise=noise, signal=signal)
    h, worst = 1e-5, 0.0
    for index in np.ndindex(theta.shape):
        move = np.zeros_like(theta)
        move[index] = h
        slope = (objective(theta + move, z) - objective(theta - move, z)) / (2 * h)
        worst = max(worst, abs(slope - d_theta[index]))
    for index in itertools.islice(np.ndindex(z.shape), 0, None, 5):
        move = np.zeros_like(z)
        move[index] = h
        slope = (objective(theta, z + move) - objective(theta, z - move)) / (2 * h)
        worst = max(worst, abs(slope - d_z[index]))
    assert worst < 1e-7
    prebuilt = SpikeTrainScorer(circuit, theta, noise=noise, prebuild=True)
    np.testing.assert_allclose(prebuilt.score(z, spikes, signal=signal)[1], d_theta, atol=1e-11)


@pytest.mark.parametrize("circuit", circuits())
def test_online_scores_are_the_recorded_ones_and_a_reset_forgets(circuit):
    rng = np.random.default_rng(4)
    theta = rng.uniform(-3, 3, (3, circuit.n_params))
    pop = Population(circuit, theta, noise=NOISE, seed=5)
    scores = OnlineScores(compile_program(circuit, NOISE), theta, size=3, window=8)
    for _ in range(2):  # the second time after a reset
        pop.reset()
        scores.reset()
        z = rng.uniform(-0.2, 0.9, (6, *np.shape(pop.p_spike)))
        total, train = 0.0, []
        for currents in z:
            train.append(pop.step(currents))
            bits = np.reshape(train[-1], (3, circuit.io_qubits))
            scores.step(currents.reshape(bits.shape), bits)
            total = total + scores.scores
            np.testing.assert_allclose(scores.memory, pop.memory, atol=1e-12)
        _, d_theta, d_z = score_spike_train(circuit, theta, z, np.array(train), noise=NOISE)
        d_bias = d_z.reshape(6, 3, -1).sum(axis=0)
        np.testing.assert_allclose(total, np.concatenate([d_theta, d_bias], axis=1), atol=1e-10)


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), z=st.floats(-1, 2), size=st.sampled_from(SIZES))
def test_the_maps_are_stochastic_matrices(table, seed, z, size):
    """On bits they are non-negative and keep the sum; what a quantum memory adds they ignore."""
    circuit = ansatz.classical_memory(*size, table=table)
    theta = np.random.default_rng(seed).uniform(-7, 7, circuit.n_params)
    maps = instrument(circuit, theta, [z] * circuit.io_qubits)
    bits = 2**circuit.memory_qubits
    total = np.zeros((bits, bits))
    for each in maps:
        for old in range(bits):
            state = qutip.Qobj(np.diag(np.eye(bits)[old]), dims=[[2] * circuit.memory_qubits] * 2)
            new = qutip.vector_to_operator(each @ qutip.operator_to_vector(state)).full()
            assert np.abs(new - np.diag(np.diag(new))).max() < 1e-12
            assert np.diag(new).real.min() > -1e-12
            total[:, old] += np.diag(new).real
        flat = each.full().reshape(bits, bits, bits, bits)  # a coherence becomes nothing
        assert np.abs(flat[:, :, ~np.eye(bits, dtype=bool)]).max() < 1e-12
    np.testing.assert_allclose(total.sum(axis=0), 1.0, atol=1e-12)


@pytest.mark.parametrize("table", TABLES)
def test_one_bit_contains_the_code_published_with_the_paper(table):
    """The input is turned by the old spike, which is the bit; the spike is the new bit."""
    circuit, rng = ansatz.classical_memory(table=table), np.random.default_rng(6)
    names = circuit.param_names
    published = rng.normal(size=(4, 3))
    theta = np.zeros((4, circuit.n_params))
    ent, constant = published[:, 0], published[:, 1] + published[:, 2]
    if table == "additive":
        theta[:, names.index("turn0_0")], theta[:, names.index("turn0_m0")] = constant, ent
        theta[:, names.index("m0_x0")], theta[:, names.index("m0_m0")] = np.pi, -np.pi
    else:
        theta[:, names.index("turn0_0")] = constant
        theta[:, names.index("turn0_1")] = constant + ent
        for name in names:
            if name.startswith("m0_") and name[3] != name[4]:  # x is not m: m changes
                theta[:, names.index(name)] = np.pi
    z, u = rng.uniform(-0.5, 1.0, (40, 5, 4)), rng.random((40, 5, 4))
    want = AsPublishedNeuron().run(published, z, u)
    found = ClassicalMemoryNeuron(circuit).run(theta, z, u)
    np.testing.assert_allclose(found.p_spike, want.p_spike, atol=1e-12)
    np.testing.assert_array_equal(found.spikes, want.spikes)


def test_full_tables_are_all_tables():
    """Every stochastic matrix on one input bit and one memory bit is that of some angles."""
    rng, table = np.random.default_rng(7), Table(1, 1, "full")
    for want in (rng.dirichlet(np.ones(4), 4), np.eye(4)[[2, 2, 0, 1]]):
        theta = np.zeros(table.n_params)
        for i, row in enumerate(want.reshape(4, 2, 2)):  # by s and the new m
            x, m = divmod(i, 2)
            angle = lambda p, old: 2 * np.arcsin(np.sqrt(1 - p if old else p))  # noqa: E731
            theta[table.param_names.index(f"s0_{x}{m}")] = angle(min(row[1].sum(), 1.0), x)
            for s in (0, 1):
                p = row[s, 1] / row[s].sum() if row[s].sum() > 0 else 0.0
                theta[table.param_names.index(f"m0_{x}{m}_{s}")] = angle(p, m)
        np.testing.assert_allclose(table.probabilities(theta[None])[0], want, atol=1e-12)


def test_at_zero_it_is_silent_about_its_memory():
    """Like a layered circuit: it spikes with sin^2(pi z / 2), and the memory stays."""
    for table in TABLES:
        circuit = ansatz.classical_memory(1, 2, table=table)
        pop = Population(circuit, np.zeros((3, circuit.n_params)), seed=0)
        start = pop.memory[0]
        for _ in range(3):
            pop.step([0.2, -1.0, 1.0])
            np.testing.assert_allclose(pop.p_spike, [np.sin(0.1 * np.pi) ** 2, 0, 1], atol=1e-12)
            np.testing.assert_allclose(pop.memory, np.tile(start, (3, 1)), atol=1e-12)


@pytest.mark.parametrize(
    ("table", "count"),
    [("full", [14, 60, 248]), ("independent", [10, 28, 72]), ("additive", [8, 15, 24])],
)
def test_parameter_counts(table, count):
    made = [ansatz.classical_memory(1, bits, table=table) for bits in (1, 2, 3)]
    assert [circuit.n_params for circuit in made] == count
    assert all(len(set(circuit.param_names)) == circuit.n_params for circuit in made)


def test_derivatives_are_made_for_many_neurons_at_once():
    circuit = ansatz.classical_memory(1, 2)
    program = compile_program(circuit, NOISE)
    theta = np.random.default_rng(8).uniform(-3, 3, (5, circuit.n_params))
    dA = derivatives(program, theta)
    G = np.random.default_rng(9).normal(size=(5, *program.shape))
    want = np.einsum("kpsicj,ksicj->kp", dA, G)
    np.testing.assert_allclose(program.pull_back(theta, G), want, atol=1e-10)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("table", TABLES)
def test_it_solves_parity_and_delay(task, table):
    """Chance is log 2 = .693 nats per step; the best of three starts, as their rates differ."""
    circuit = ansatz.classical_memory(table=table)
    assert min(learn_offline(task, circuit, "exact", seed) for seed in range(3)) < SOLVED


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: ansatz.classical_memory(table="fuul"), "`table` must be one of .*mean 'full'"),
        (lambda: ansatz.classical_memory(1, 5), "`memory_qubits` must be at most 4"),
        (lambda: ansatz.classical_memory(2, 4), "`memory_qubits` must be at most 3"),
        (lambda: ansatz.classical_memory(5, 1), "`io_qubits` must be at most 4"),
        (lambda: ansatz.classical_memory(1, 0), "`memory_qubits` must be at least 1"),
        (lambda: ansatz.classical_memory().unitary(np.zeros(14)), "has no unitary"),
        (
            lambda: Population(ansatz.classical_memory(), np.zeros((2, 14)), backend="density"),
            "`backend` must be 'instrument' or 'qutip' for a classical memory",
        ),
        (
            lambda: Population(ansatz.classical_memory(), np.zeros((2, 14)), backend="trajectory"),
            "`backend` must be 'instrument' or 'qutip' for a classical memory",
        ),
        (
            lambda: SpikeTrainScorer(ansatz.classical_memory(), np.zeros(14), backend="density"),
            "`backend` must be 'instrument'",
        ),
        (
            lambda: score_spike_train(
                ansatz.classical_memory(), np.zeros(14), [[0.5]], [[1]], method="parameter-shift"
            ),
            "`method` .*classical memory has none: use 'exact'",
        ),
        (lambda: ClassicalMemoryNeuron(ansatz.layered()), "`ansatz` must be of ansatz.classical"),
        (lambda: ansatz.resolve("classical", layers=2), "`layers` must be 1"),
    ],
)
def test_what_it_cannot_do_is_refused(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_names_and_sizes():
    assert ansatz.resolve("classical", memory_qubits=2) == ansatz.classical_memory(1, 2)
    for table in ("independent", "additive"):
        named = ansatz.named(f"classical-{table}", io_qubits=2)
        assert named == ansatz.classical_memory(2, 1, table=table)
        assert hash(named) == hash(ansatz.classical_memory(2, 1, table=table))
    assert "TABLE" in str(ansatz.classical_memory())
    assert SQSNeuron(ansatz.classical_memory()).n_params == 14


def test_bits_that_are_kept_apart_from_the_device_do_not_decay():
    """Relaxation acts on the bits; the memory qubits' own t1 switches it off, as physics says."""
    circuit = ansatz.classical_memory(table="additive")
    theta = np.zeros(8)
    theta[circuit.param_names.index("m0_0")] = np.pi  # the bit flips in every step
    inf = float("inf")
    decaying, lasting = (
        Population(circuit, theta, size=1, noise=NoiseModel(t1=t1, t2=t2, readout_time=1e-6))
        for t1, t2 in ((2e-6, 1e-6), ((2e-6, inf), (1e-6, inf)))
    )
    decaying.step([0.0])
    lasting.step([0.0])
    np.testing.assert_allclose(lasting.memory[0], [1, 0, 0, -1], atol=1e-12)
    assert -0.5 < decaying.memory[0, 3] < 0
