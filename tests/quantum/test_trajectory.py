"""Trajectories: exact without noise, exact in distribution with it, and honest about the rest."""

from itertools import product

import numpy as np
import pytest
import qutip
from scipy.stats import chi2

from lava_sqs.quantum import NoiseModel, Population, ReferenceNeuron, ansatz, qobj_to_pauli
from lava_sqs.quantum.noise.channels import SLOTS

STRONG = NoiseModel(
    t1=3e-6,
    t2=2e-6,
    thermal_population=0.1,
    p_depol_1q=0.02,
    p_depol_2q=0.06,
    p_read1_given0=0.05,
    p_read0_given1=0.1,
    p_reset=0.04,
)
# Each test of a law rejects a correct engine with this probability, by chance.
FALSE_ALARM = 1e-5


def angles(circuit, k, seed=0):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, (k, circuit.n_params))


def currents(shape, io_qubits, seed=0):
    tail = (io_qubits,) if io_qubits > 1 else ()
    return np.random.default_rng(seed).uniform(-0.3, 1.0, (*shape, *tail))


# -- without noise -------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True], ids=["own theta", "shared theta"])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1)], ids=str)
def test_same_seed_same_spikes_as_instruments(size, shared):
    circuit = ansatz.layered(*size)
    theta = np.tile(angles(circuit, 1), (4, 1)) if shared else angles(circuit, 4)
    z = currents((60, 2, 4), size[0])
    exact, pure = (
        Population(circuit, theta, batch=2, seed=8, backend=b).run(z)
        for b in ("instrument", "trajectory")
    )
    assert 0.05 < exact.spikes.mean() < 0.95
    np.testing.assert_array_equal(pure.spikes, exact.spikes)
    for name in ("p_spike", "memory", "log_likelihood"):
        np.testing.assert_allclose(
            getattr(pure, name), getattr(exact, name), atol=1e-9, err_msg=name
        )


def every_gate():
    one = [
        ("H", 0),
        ("S", 1),
        ("T", 2),
        ("X", 0),
        ("Y", 1),
        ("Z", 2),
        ("RY", 1, "a"),
        ("RX", 0, 0.3),
    ]
    two = [
        ("CX", (0, 2)), ("CY", (2, 1)), ("CZ", (1, 0)), ("SWAP", (0, 1)), ("ISWAP", (2, 0)),
        ("CRX", (2, 0), "a"), ("CRY", (0, 2), "b"), ("CRZ", (1, 2), 0.7),
        ("RXX", (0, 1), "c"), ("RYY", (2, 1), "b"), ("RZZ", (0, 2), -0.4),
    ]  # fmt: skip
    return ansatz.from_gates(one + two, io_qubits=1, memory_qubits=2)


def unitary():
    return ansatz.from_unitary(qutip.rand_unitary(8, seed=3).full(), io_qubits=1, memory_qubits=2)


@pytest.mark.parametrize("make", [ansatz.paper, every_gate, unitary])
def test_every_gate_acts_as_in_the_instruments(make):
    circuit = make()
    z = currents((30, 3), 1)
    exact, pure = (
        Population(circuit, angles(circuit, 3), seed=2, backend=b).run(z)
        for b in ("instrument", "trajectory")
    )
    np.testing.assert_array_equal(pure.spikes, exact.spikes)
    np.testing.assert_allclose(pure.p_spike, exact.p_spike, atol=1e-10)
    np.testing.assert_allclose(pure.memory, exact.memory, atol=1e-10)


def test_five_memory_qubits_against_the_literal_neuron():
    circuit = ansatz.layered(1, 5)
    theta = angles(circuit, 1)
    pop = Population(circuit, theta, seed=5)
    assert pop.backend == "trajectory"
    neuron = ReferenceNeuron(circuit, theta[0])
    for z in currents((6,), 1):
        spikes = pop.step([z])
        _, p = neuron.step(z, outcome=spikes)
        np.testing.assert_allclose(pop.p_spike[0], p[1], atol=1e-10)
        np.testing.assert_allclose(pop.log_likelihood[0], np.log(p[spikes[0]]), atol=1e-9)
    np.testing.assert_allclose(pop.memory_qobj(0).full(), neuron.memory.full(), atol=1e-10)
    assert pop.memory.shape == (1, 5, 4)
    for q in range(5):
        reduced = qobj_to_pauli(neuron.memory.ptrace(q))
        np.testing.assert_allclose(pop.memory[0, q], reduced, atol=1e-10)
    op = qutip.tensor([qutip.sigmax(), qutip.sigmaz(), *[qutip.qeye(2)] * 2, qutip.sigmay()])
    np.testing.assert_allclose(pop.expect(op), qutip.expect(op, neuron.memory), atol=1e-10)


def test_ten_memory_qubits():
    circuit = ansatz.layered(1, 10)
    pop = Population(circuit, size=3, seed=1)
    result = pop.run(currents((5, 3), 1))
    assert pop.backend == "trajectory"
    assert pop.nbytes < 100_000
    assert result.memory.shape == (5, 3, 10, 4)
    np.testing.assert_allclose(result.memory[..., 0], 1, atol=1e-12)
    assert (np.linalg.norm(result.memory[..., 1:], axis=-1) < 1 + 1e-12).all()
    assert (np.linalg.norm(result.memory[-1, :, :, 1:], axis=-1) < 0.99).any()  # entangled
    assert ((result.p_spike > 0) & (result.p_spike < 1)).all()


@pytest.mark.slow  # ten seconds of compilation
@pytest.mark.parametrize("m", [2, 5])
def test_float32(m):
    circuit = ansatz.layered(1, m)
    theta, z = angles(circuit, 3), currents((200, 3), 1)
    exact = Population(circuit, theta, seed=1, backend="trajectory").run(z)
    single = Population(circuit, theta, dtype=np.float32, backend="trajectory")
    result = single.run(z, exact.spikes)
    assert result.memory.dtype == np.float32
    np.testing.assert_allclose(result.p_spike, exact.p_spike, atol=3e-4)


def test_changed_angles():
    circuit = ansatz.layered(1, 5)
    theta, z = angles(circuit, 4), currents((5, 4), 1)
    pop = Population(circuit, theta, seed=1)
    theta[2] += 1
    pop.theta = theta
    want = Population(circuit, theta, seed=1).run(z)
    np.testing.assert_array_equal(pop.run(z).p_spike, want.p_spike)


def test_an_impossible_outcome_is_forgotten_and_counted():
    circuit = ansatz.layered(1, 5)
    pop = Population(circuit, np.zeros(circuit.n_params), size=3, backend="trajectory")
    np.testing.assert_array_equal(pop.step(np.zeros(3), [1, 0, 1]), [1, 0, 1])
    assert pop.floor_hits == 2
    np.testing.assert_allclose(pop.log_likelihood, [np.log(1e-12), 0, np.log(1e-12)], atol=1e-9)
    np.testing.assert_array_equal(pop.memory[..., 3], 1)


# -- with noise: the law -------------------------------------------------------------------------


def only(**fields):
    return NoiseModel(**fields)


def channels(n):
    """Users' channels on the full register and on the memory."""
    after = qutip.tensor([qutip.sigmax()] + [qutip.sigmaz()] * (n - 1))
    flips = [np.sqrt(0.7) * qutip.tensor([qutip.qeye(2)] * n), np.sqrt(0.3) * after]
    decay = qutip.tensor([qutip.destroy(2)] + [qutip.qeye(2)] * (n - 2))
    noise = NoiseModel()
    for slot, where in SLOTS.items():
        if where == "memory":
            noise = noise.with_lindblad(slot=slot, c_ops=[decay], duration=0.8)
        else:
            noise = noise.with_channel(slot, flips)
    return noise


NOISES = {
    "everything": STRONG,
    "relaxation": only(t1=2e-6, t2=1.5e-6, thermal_population=0.2),
    "dephasing": only(t2=1e-6),
    "gates": only(p_depol_1q=0.1, p_depol_2q=0.2),
    "reset": only(p_reset=0.2),
    "readout": only(p_read1_given0=0.1, p_read0_given1=0.25),
}
LAWS = [((1, 1), name) for name in NOISES] + [
    ((1, 2), "everything"),
    ((2, 1), "everything"),
    ((2, 1), "readout"),
    ((1, 1), "channels"),
    ((1, 2), "channels"),
]
STEPS, SHOTS = 3, 20_000


def noise_of(name, n):
    return channels(n) if name == "channels" else NOISES[name]


def trains(size):
    """Every spike train of STEPS steps, (2**(STEPS N), STEPS[, N])."""
    each = np.array(list(product((0, 1), repeat=STEPS * size[0])))
    return each.reshape(-1, STEPS, size[0]) if size[0] > 1 else each


def exact_law(circuit, theta, z, noise):
    """Return the probability of every spike train, and the mean memory at the end."""
    every = trains((circuit.io_qubits, circuit.memory_qubits))
    pop = Population(circuit, theta, size=1, batch=len(every), noise=noise, backend="instrument")
    outcome = every.swapaxes(0, 1)[:, :, None]
    result = pop.run(np.broadcast_to(z[:, None, None], outcome.shape), outcome)
    law = np.exp(result.log_likelihood.sum(axis=0)[:, 0])
    return law, law @ result.memory[-1, :, 0]


def sample(circuit, theta, z, noise, seed):
    pop = Population(
        circuit, theta, size=1, batch=SHOTS, noise=noise, seed=seed, backend="trajectory"
    )
    result = pop.run(np.broadcast_to(z[:, None, None], (STEPS, SHOTS, 1, *z.shape[1:])))
    bits = result.spikes.reshape(STEPS, SHOTS, -1).swapaxes(0, 1).reshape(SHOTS, -1)
    index = bits @ (1 << np.arange(bits.shape[1])[::-1])
    return np.bincount(index, minlength=2 ** bits.shape[1]), result


def p_value(counts, law):
    """Chi-square of counts against a law, outcomes expected less than 5 times together."""
    expected = law * counts.sum()
    rare = expected < 5
    seen = np.append(counts[~rare], counts[rare].sum())
    want = np.append(expected[~rare], expected[rare].sum())
    seen, want = seen[want > 0], want[want > 0]
    return chi2.sf(((seen - want) ** 2 / want).sum(), len(want) - 1)


@pytest.mark.parametrize(("size", "name"), LAWS)
def test_the_law_of_the_spike_trains(size, name):
    circuit = ansatz.layered(*size)
    noise = noise_of(name, sum(size))
    theta, z = angles(circuit, 1, seed=1)[0], np.abs(currents((STEPS,), size[0], seed=4))
    law, memory = exact_law(circuit, theta, z, noise)
    np.testing.assert_allclose(law.sum(), 1, atol=1e-10)
    counts, result = sample(circuit, theta, z, noise, seed=11)
    assert p_value(counts, law) > FALSE_ALARM
    # The mean over trajectories is the density matrix; each component has a spread below 1.
    np.testing.assert_allclose(result.memory[-1, :, 0].mean(axis=0), memory, atol=5 / SHOTS**0.5)
    # The test would notice another law: that without noise.
    assert p_value(counts, exact_law(circuit, theta, z, None)[0]) < FALSE_ALARM


def test_the_true_bits_collapse_the_state():
    """CX copies the io bit: the memory is what was measured, not what was reported."""
    circuit = ansatz.from_gates([("CX", (0, 1))], io_qubits=1, memory_qubits=1)
    noise = NoiseModel(p_read1_given0=0.3, p_read0_given1=0.1)
    pop = Population(circuit, (), size=20_000, noise=noise, seed=3, backend="trajectory")
    spikes = pop.step(np.ones(pop.size))  # always truly 1
    np.testing.assert_allclose(pop.memory[:, 3], -1, atol=1e-12)
    assert abs(spikes.mean() - 0.9) < 5 * np.sqrt(0.09 / pop.size)
    np.testing.assert_allclose(pop.p_spike, 0.9, atol=1e-12)


def test_states_stay_normalised_under_noise():
    pop = Population(ansatz.layered(1, 5), size=4, noise=STRONG, seed=0, backend="trajectory")
    memory = pop.run(currents((300, 4), 1)).memory
    np.testing.assert_allclose(memory[..., 0], 1, atol=1e-12)
    for k in range(4):
        assert abs((pop.memory_qobj(k) ** 2).tr() - 1) < 1e-10


def test_noise_does_not_move_the_draws_of_outcomes():
    """Errors come from their own generator: a channel that does nothing changes no spike."""
    circuit, z = ansatz.layered(1, 2), currents((50, 5), 1)
    identity = NoiseModel().with_channel("readout", qutip.tensor([qutip.qeye(2)] * 2))
    a, b = (
        Population(circuit, size=5, seed=2, noise=n, backend="trajectory").run(z)
        for n in (None, identity)
    )
    np.testing.assert_array_equal(a.spikes, b.spikes)


# -- what it refuses -----------------------------------------------------------------------------


def noisy():
    return Population(ansatz.layered(1, 2), size=3, noise=STRONG, seed=0, backend="trajectory")


def test_there_is_no_likelihood_under_noise():
    pop = noisy()
    pop.step(np.zeros(3))
    why = "errors that nobody observes.*backend='density', or noise=None"
    with pytest.raises(ValueError, match=why):
        _ = pop.log_likelihood
    with pytest.raises(ValueError, match=why):
        pop.run(np.zeros((4, 3)), record=("log_likelihood",))
    result = pop.run(np.zeros((4, 3)))
    assert result.log_likelihood is None
    assert result.p_spike.shape == (4, 3)
    assert "log-likelihood" not in str(result)


def test_noise_that_does_nothing_is_no_noise():
    pop = Population(ansatz.paper(), size=2, noise=NoiseModel(), seed=0, backend="trajectory")
    pop.step([0.5, 0.5], [1, 0])
    assert np.isfinite(pop.log_likelihood).all()


def test_no_clamping_under_noise():
    pop = noisy()
    with pytest.raises(ValueError, match=r"`outcome` must be None .*with noise"):
        pop.step(np.zeros(3), [1, -1, -1])
    assert pop.step(np.zeros(3), [-1, -1, -1]).shape == (3,)


# -- states --------------------------------------------------------------------------------------


def test_reset_to_a_pure_state():
    ket = qutip.rand_ket([2, 2], seed=1)
    pop = Population(ansatz.layered(1, 2), size=2, seed=0, backend="trajectory")
    vector = qobj_to_pauli(ket)
    for state in (ket, qutip.ket2dm(ket), vector, np.stack([vector, vector])):
        pop.reset()
        pop.reset(state)
        np.testing.assert_allclose(pop.memory, [vector, vector], atol=1e-9)
        np.testing.assert_allclose(pop.memory_qobj(1).full(), qutip.ket2dm(ket).full(), atol=1e-9)
    exact = Population(ansatz.layered(1, 2), size=2, seed=0, backend="instrument")
    exact.reset(ket)
    np.testing.assert_allclose(pop.step([0.3, 0.6]), exact.step([0.3, 0.6]))
    np.testing.assert_allclose(pop.p_spike, exact.p_spike, atol=1e-9)


def test_reset_of_a_large_memory():
    pop = Population(ansatz.layered(1, 5), size=2, seed=0)
    ground = pop.memory
    singles = [qutip.rand_ket(2, seed=q) for q in range(5)]
    pop.reset(qutip.tensor(singles))
    by_ket = pop.memory
    np.testing.assert_allclose(by_ket[1], [qobj_to_pauli(s) for s in singles], atol=1e-9)
    pop.reset(np.zeros((5, 4)))
    np.testing.assert_array_equal(pop.memory, ground)
    pop.reset(by_ket)
    np.testing.assert_allclose(pop.memory, by_ket, atol=1e-9)
    pop.step([0.7, 0.7])
    with pytest.raises(ValueError, match=r"entangled or mixed.*pass a ket"):
        pop.reset(pop.memory)


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (qutip.fock_dm(2, 0) / 2 + qutip.fock_dm(2, 1) / 2, "must hold pure states.*mixed"),
        ([1.0, 0.0, 0.0, 0.5], "must hold pure states.*backend='instrument'"),
        ([1.0, 0.0, 0.0, 1.5], "must hold states"),
        ([0.5, 0.0, 0.0, 0.5], "must hold states"),
        ([1.0, 0.0, 1.0], "must broadcast to shape"),
        (qutip.basis(4, 0), "must be a state of 1 memory qubit"),
        (2 * qutip.basis(2, 0), "must be normalised"),
        ([1.0, 0.0, 0.0, np.nan], "must be finite"),
    ],
)
def test_states_that_are_refused(memory, message):
    pop = Population(ansatz.paper(), size=2, seed=0, backend="trajectory")
    before = pop.memory
    with pytest.raises(ValueError, match=message):
        pop.reset(memory)
    np.testing.assert_array_equal(pop.memory, before)
