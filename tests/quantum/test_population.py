"""Populations: equality with the literal QuTiP neuron, invariants, randomness, refusals."""

import warnings

import numpy as np
import pytest
import qutip
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.quantum import (
    Population,
    ReferenceNeuron,
    ansatz,
    instrument,
    qobj_to_pauli,
)
from lava_sqs.quantum.program import compile_program

SIZES = [(1, 1), (1, 2), (2, 1), (2, 2)]


def angles(circuit, k, seed=0):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, (k, circuit.n_params))


def currents(shape, io_qubits, seed=0):
    tail = (io_qubits,) if io_qubits > 1 else ()
    return np.random.default_rng(seed).uniform(-0.3, 1.0, (*shape, *tail))


# -- against the oracle ------------------------------------------------------------------------


@pytest.mark.parametrize("size", [*SIZES, (1, 3)], ids=str)
def test_population_equals_the_literal_neuron_for_1000_steps(size):
    circuit = ansatz.layered(*size)
    theta = angles(circuit, 1, seed=size[1])
    z = currents((1000, 1), size[0], seed=1)
    result = Population(circuit, theta, seed=3, backend="instrument").run(z)
    neuron = ReferenceNeuron(circuit, theta[0])
    bits = np.array(neuron.outcomes)
    worst = 0.0
    for t in range(1000):
        _, p = neuron.step(z[t, 0], outcome=result.spikes[t, 0])
        worst = max(worst, np.abs(p @ bits - result.p_spike[t, 0]).max())
    assert worst <= 1e-10, worst
    np.testing.assert_allclose(qobj_to_pauli(neuron.memory), result.memory[-1, 0], atol=1e-10)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_same_seed_same_spikes_in_the_qutip_backend(size):
    circuit = ansatz.layered(*size)
    z = currents((40, 2, 3), size[0])
    pops = [
        Population(circuit, size=3, batch=2, seed=11, backend=b) for b in ("instrument", "qutip")
    ]
    fast, literal = (p.run(z) for p in pops)
    np.testing.assert_array_equal(fast.spikes, literal.spikes)
    np.testing.assert_allclose(fast.p_spike, literal.p_spike, atol=1e-12)
    np.testing.assert_allclose(fast.memory, literal.memory, atol=1e-12)
    np.testing.assert_allclose(fast.log_likelihood, literal.log_likelihood, atol=1e-10)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_instrument_is_made_of_public_qutip_calls(size):
    """The map of outcome s is Tr_io[(|s><s| x 1) V (RX.. x 1) (|0><0| x sigma) ...]."""
    n_io, n_memory = size
    circuit = ansatz.layered(*size)
    theta = angles(circuit, 1)[0]
    z = np.random.default_rng(5).uniform(0.1, 1, n_io)
    encode = qutip.tensor([qutip.gates.rx(np.pi * x) for x in z] + [qutip.qeye(2)] * n_memory)
    full = circuit.unitary(theta) @ encode
    zero = qutip.tensor([qutip.basis(2, 0)] * n_io + [qutip.qeye(2)] * n_memory)
    for s, got in enumerate(instrument(circuit, theta, z)):
        bits = [(s >> (n_io - 1 - n)) & 1 for n in range(n_io)]
        bra = qutip.tensor([qutip.basis(2, b).dag() for b in bits] + [qutip.qeye(2)] * n_memory)
        kraus = (bra @ full @ zero).full()
        want = np.kron(kraus.conj(), kraus)  # column stacking: K rho K^dagger
        np.testing.assert_allclose(got.full(), want, atol=1e-14)


# -- invariants --------------------------------------------------------------------------------

sizes = st.sampled_from(SIZES)
seeds = st.integers(0, 2**32 - 1)


@given(size=sizes, seed=seeds)
def test_every_instrument_is_completely_positive_and_preserves_the_trace(size, seed):
    circuit = ansatz.layered(*size)
    z = np.random.default_rng(seed).uniform(-1, 2, size[0])
    maps = instrument(circuit, angles(circuit, 1, seed)[0], z)
    for m in maps:
        assert qutip.to_choi(m).eigenenergies().min() >= -1e-10
    total = qutip.to_choi(sum(maps))
    assert qutip.Qobj(total.full(), dims=total.dims, superrep="choi").istp
    A = compile_program(circuit).build(angles(circuit, 2, seed))
    first_row = A.sum(axis=1)[:, 0]
    want = np.zeros_like(first_row)
    want[:, 0, 0] = 1
    np.testing.assert_allclose(first_row, want, atol=1e-12)


@given(size=sizes, seed=seeds)
def test_no_input_is_no_gate(size, seed):
    circuit = ansatz.layered(*size)
    theta = angles(circuit, 2, seed)
    z = np.random.default_rng(seed).uniform(-5, 0, (6, 2, size[0]))
    z = z if size[0] > 1 else z[..., 0]
    a = Population(circuit, theta, seed=seed).run(z)
    b = Population(circuit, theta, seed=seed).run(np.zeros_like(z))
    np.testing.assert_array_equal(a.spikes, b.spikes)
    np.testing.assert_array_equal(a.p_spike, b.p_spike)


@given(size=sizes, seed=seeds)
def test_permuting_neurons_permutes_results(size, seed):
    circuit = ansatz.layered(*size)
    rng = np.random.default_rng(seed)
    order = rng.permutation(4)
    theta = angles(circuit, 4, seed)
    z = currents((5, 4), size[0], seed)
    first = Population(circuit, theta, seed=seed).run(z)
    other = Population(circuit, theta[order]).run(z[:, order], outcome=first.spikes[:, order])
    np.testing.assert_allclose(other.p_spike, first.p_spike[:, order], atol=1e-13)
    np.testing.assert_allclose(other.memory, first.memory[:, order], atol=1e-13)


@given(seed=seeds, size=st.sampled_from([(1, 1), (1, 2), (2, 1)]), steps=st.integers(1, 3))
def test_probabilities_of_all_spike_trains_add_up_to_one(seed, size, steps):
    circuit = ansatz.layered(*size)
    theta = angles(circuit, 1, seed)[0]
    bits = size[0] * steps
    trains = (np.arange(2**bits)[:, None] >> np.arange(bits)) & 1
    outcome = trains.T.reshape(steps, size[0], 2**bits).transpose(0, 2, 1)
    z = np.random.default_rng(seed).uniform(-0.2, 1, (steps, 1, size[0]))
    z = np.broadcast_to(z, outcome.shape)
    if size[0] == 1:
        z, outcome = z[..., 0], outcome[..., 0]
    logp = Population(circuit, theta, size=2**bits).run(z, outcome=outcome).log_likelihood
    assert np.exp(logp.sum(axis=0)).sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_memory_stays_physical_over_long_runs(size):
    circuit = ansatz.layered(*size)
    steps = 100_000 if size == (1, 1) else 5_000
    pop = Population(circuit, size=2, seed=1)
    rng = np.random.default_rng(2)
    for _ in range(10):
        z = rng.uniform(-0.5, 1, (steps // 10, 2, size[0]))
        pop.run(z if size[0] > 1 else z[..., 0], record=())
        for k in range(2):
            rho = pop.memory_qobj(k)
            assert rho.eigenenergies().min() > -1e-12
            assert rho.tr() == pytest.approx(1, abs=1e-14)
            assert (rho @ rho).tr().real == pytest.approx(1, abs=1e-9)  # noiseless: pure


def test_spike_frequencies_follow_p_spike():
    """Chi-square of one first step, 2e5 neurons, 4 outcomes: false-alarm rate 1e-6."""
    circuit = ansatz.layered(2, 1)
    theta = angles(circuit, 1, 8)[0]
    k = 200_000
    pop = Population(circuit, theta, size=k, seed=4)
    spikes = pop.step(np.tile([0.4, 0.7], (k, 1)))
    counts = np.bincount(spikes @ [2, 1], minlength=4)
    p = [m(qutip.fock_dm(2, 0)).tr().real for m in instrument(circuit, theta, [0.4, 0.7])]
    chi2 = ((counts - k * np.array(p)) ** 2 / (k * np.array(p))).sum()
    assert chi2 < 30.7  # chi-square with 3 degrees of freedom, upper 1e-6 quantile


# -- randomness --------------------------------------------------------------------------------


def test_randomness_is_as_documented():
    """Child 1 of the seed, one uniform per neuron and step in C order; outcome = #(cdf <= u)."""
    circuit = ansatz.layered(1, 1)
    z = currents((30, 2, 3), 1)
    pop = Population(circuit, size=3, batch=2, seed=99)
    result = pop.run(z)
    for_angles, for_outcomes = np.random.SeedSequence(99).spawn(2)
    np.testing.assert_array_equal(
        pop.theta, np.random.default_rng(for_angles).uniform(-np.pi, np.pi, (3, 8))
    )
    u = np.random.default_rng(for_outcomes).random((30, 2, 3))
    np.testing.assert_array_equal(result.spikes, (1 - result.p_spike <= u).astype(int))


def test_steps_equal_a_run_and_reset_does_not_rewind():
    circuit = ansatz.layered(1, 2)
    z = currents((20, 5), 1)
    whole = Population(circuit, size=5, seed=2).run(z)
    pop = Population(circuit, size=5, seed=2)
    for t in range(20):
        np.testing.assert_array_equal(pop.step(z[t]), whole.spikes[t])
        np.testing.assert_array_equal(pop.p_spike, whole.p_spike[t])
        np.testing.assert_array_equal(pop.memory, whole.memory[t])
        np.testing.assert_array_equal(pop.log_likelihood, whole.log_likelihood[t])
    pop.reset()
    again = pop.run(np.full((20, 5), 0.5))
    fresh = Population(circuit, size=5, seed=2).run(np.full((20, 5), 0.5))
    np.testing.assert_array_equal(again.p_spike[0], fresh.p_spike[0])
    assert (again.spikes != fresh.spikes).any()


def test_a_drawn_seed_is_reported_and_repeats():
    circuit = ansatz.layered(1, 1)
    first = Population(circuit, size=4)
    second = Population(circuit, size=4, seed=first.seed)
    assert Population(circuit, size=4).seed != first.seed
    np.testing.assert_array_equal(first.theta, second.theta)
    z = currents((10, 4), 1)
    np.testing.assert_array_equal(first.run(z).spikes, second.run(z).spikes)


def test_clamped_outcomes_use_up_their_random_numbers():
    circuit = ansatz.layered(1, 1)
    z = currents((10, 3), 1)
    free = Population(circuit, size=3, seed=5).run(z)
    outcome = np.full((10, 3), -1)
    outcome[:, 0] = free.spikes[:, 0]
    mixed = Population(circuit, size=3, seed=5).run(z, outcome=outcome)
    np.testing.assert_array_equal(mixed.spikes, free.spikes)


# -- its parts ---------------------------------------------------------------------------------


def test_memory_qobj_and_expect_agree():
    pop = Population(ansatz.layered(1, 2), size=3, batch=(2,), seed=0)
    pop.run(currents((5, 2, 3), 1))
    op = qutip.tensor(qutip.sigmax(), qutip.sigmaz()) + 0.5 * qutip.tensor([qutip.qeye(2)] * 2)
    values = pop.expect(op)
    assert values.shape == (2, 3)
    assert values[1, 2] == pytest.approx(qutip.expect(op, pop.memory_qobj((1, 2))), abs=1e-12)


def test_setting_theta_recompiles_only_what_changed():
    circuit = ansatz.layered(1, 1)
    theta = angles(circuit, 4)
    pop = Population(circuit, theta, seed=0)
    pop.run(currents((5, 4), 1))
    memory = pop.memory
    new = theta.copy()
    new[2] += 0.3
    pop.theta = new
    np.testing.assert_array_equal(pop.memory, memory)
    pop.reset()
    z = currents((6, 4), 1, seed=1)
    out = np.zeros((6, 4), int)
    want = Population(circuit, new).run(z, outcome=out)
    np.testing.assert_array_equal(pop.run(z, outcome=out).p_spike, want.p_spike)
    pop.theta = theta[0]  # one for all
    np.testing.assert_array_equal(pop.theta, np.tile(theta[0], (4, 1)))
    pop.theta[:] = 0  # a copy: no effect
    assert pop.theta.any()


def test_reset_accepts_states_and_treats_zeros_as_reset():
    pop = Population(ansatz.layered(1, 1), size=2, seed=0)
    pop.run(currents((5, 2), 1))
    pop.reset(np.zeros((2, 4)))
    np.testing.assert_allclose(pop.memory, [[1, 0, 0, 1]] * 2)
    pop.reset(qutip.ket2dm(qutip.basis(2, 1)))
    np.testing.assert_allclose(pop.memory, [[1, 0, 0, -1]] * 2)
    with pytest.raises(ValueError, match="eigenvalue"):
        pop.reset([1.0, 0, 0, 1.5])
    with pytest.raises(ValueError, match="trace"):
        pop.reset([0.9, 0, 0, 0.5])
    np.testing.assert_allclose(pop.memory, [[1, 0, 0, -1]] * 2)  # refused: unchanged


def test_impossible_outcome_is_counted_and_forgotten():
    pop = Population(ansatz.paper(), np.zeros(3), size=1, seed=0)
    pop.step([1.0], outcome=[0])  # a spike is certain
    assert pop.floor_hits == 1
    assert pop.log_likelihood[0] == pytest.approx(np.log(1e-12))
    np.testing.assert_allclose(pop.memory, [[1, 0, 0, 1]], atol=1e-12)


def test_wraps_are_counted_and_warned_of_once():
    pop = Population(ansatz.paper(), np.zeros(3), size=2, seed=0)
    with pytest.warns(UserWarning, match="2 input currents exceed 1"):
        pop.step([1.5, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pop.step([1.5, 0.5])
    assert pop.wraps == 3


def test_float32_stays_near_float64():
    for size in SIZES:
        circuit = ansatz.layered(*size)
        theta = angles(circuit, 10)
        z = currents((500, 10), size[0])
        a = Population(circuit, theta, seed=1).run(z)
        b = Population(circuit, theta, dtype=np.float32).run(z, outcome=a.spikes)
        assert b.memory.dtype == np.float32
        assert np.abs(a.p_spike - b.p_spike).max() < 3e-4


def test_result_prints_what_made_it():
    result = Population(ansatz.paper(), np.zeros(3), size=2, seed=17).run(np.zeros((3, 2)))
    text = str(result)
    for part in ("steps", "seed", "17", "paper", "version"):
        assert part in text
    small = Population(ansatz.paper(), np.zeros(3), size=2).run(np.zeros((3, 2)), record=())
    assert small.memory is None
    assert small.spikes.shape == (3, 2)


@pytest.mark.parametrize("shape", [(7,), (2, 3, 7)])
def test_shapes(shape):
    *batch, k = shape
    for size in SIZES:
        tail = (size[0],) if size[0] > 1 else ()
        pop = Population(ansatz.layered(*size), size=k, batch=tuple(batch), seed=0)
        spikes = pop.step(np.zeros((*shape, *tail)))
        assert spikes.shape == pop.p_spike.shape == (*shape, *tail)
        assert pop.memory.shape == (*shape, 4 ** size[1])
        assert pop.log_likelihood.shape == shape


PAPER = ansatz.paper()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Population("paper", size=2), TypeError, "`ansatz` must be an Ansatz"),
        (lambda: Population(PAPER), ValueError, "`size` must be given"),
        (lambda: Population(PAPER, [0, 0, 0]), ValueError, "`size` must be given"),
        (
            lambda: Population(PAPER, np.zeros((2, 4))),
            ValueError,
            r"`theta` must have shape \(K, 3",
        ),
        (lambda: Population(PAPER, np.zeros((2, 3)), size=3), ValueError, r"shape \(3, 3\)"),
        (lambda: Population(PAPER, [[0, np.nan, 0]]), ValueError, "`theta` must be finite"),
        (lambda: Population(PAPER, [[0, 1j, 0]]), TypeError, "real"),
        (lambda: Population(PAPER, size=0), ValueError, "`size` must be at least 1"),
        (lambda: Population(PAPER, size=-3), ValueError, "`size` must be at least 1"),
        (lambda: Population(PAPER, size=2.0), TypeError, "`size` must be an integer"),
        (lambda: Population(PAPER, size=2, seed=1.5), TypeError, "`seed` must be an integer"),
        (lambda: Population(PAPER, size=2, seed="a"), TypeError, "`seed` must be an integer"),
        (lambda: Population(PAPER, size=2, seed=-1), ValueError, "`seed` must be at least 0"),
        (lambda: Population(PAPER, size=2, dtype=np.int32), ValueError, "`dtype`"),
        (lambda: Population(PAPER, size=2, dtype="nope"), TypeError, "`dtype`"),
        (lambda: Population(PAPER, size=2, backend="instrumnt"), ValueError, "Did you mean"),
        (lambda: Population(PAPER, size=2, noise=0.1), TypeError, "`noise` must be a NoiseModel"),
        (lambda: Population(PAPER, size=2, batch=(-1,)), ValueError, "`batch`"),
    ],
)
def test_bad_constructor_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.1],), ValueError, r"`currents` must have shape \(2,\)"),
        (([0.1, np.nan],), ValueError, "`currents` must be finite"),
        (([0.1, np.inf],), ValueError, "`currents` must be finite"),
        ((["a", "b"],), TypeError, "`currents` must hold real numbers"),
        (([0.1, 0.2], [1, 2]), ValueError, "`outcome` must hold"),
        (([0.1, 0.2], [1, 0.5]), TypeError, "`outcome` must hold integers"),
        (([0.1, 0.2], [1]), ValueError, "`outcome` must have shape"),
    ],
)
def test_bad_step_arguments_are_named_and_change_nothing(arguments, error, message):
    pop = Population(PAPER, size=2, seed=0)
    before = pop.memory
    with pytest.raises(error, match=message):
        pop.step(*arguments)
    np.testing.assert_array_equal(pop.memory, before)


def test_neurons_clamp_all_channels_or_none():
    pop = Population(ansatz.layered(2, 1), size=1, seed=0)
    with pytest.raises(ValueError, match="all io qubits"):
        pop.step([[0.1, 0.2]], [[1, -1]])


@pytest.mark.parametrize("index", [5, (0, 0, 0, 0), slice(None)])
def test_memory_qobj_wants_one_neuron(index):
    with pytest.raises((IndexError, ValueError), match="`index`"):
        Population(PAPER, size=2).memory_qobj(index)


def test_expect_wants_an_operator_on_the_memory():
    with pytest.raises(ValueError, match="memory qubit"):
        Population(PAPER, size=2).expect(qutip.tensor(qutip.sigmax(), qutip.sigmax()))
