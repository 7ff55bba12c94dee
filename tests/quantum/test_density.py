"""Density matrices gate by gate: the same neuron as the literal one and as instruments."""

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sqs.quantum import NoiseModel, Population, ReferenceNeuron, ansatz, qobj_to_pauli
from lava_sqs.quantum.density import compile_density
from lava_sqs.quantum.engines.density import DensityEngine
from lava_sqs.quantum.gates import FIXED, ROTATIONS

ONE = [name for gates in (FIXED, ROTATIONS) for name in gates if gates[name][0] == 1]
TWO = [n for n in (*FIXED, *ROTATIONS) if n not in ONE]


def random_noise(rng, n_io, m, *, channels=True):
    """Noise in every slot, with a value of its own for each qubit."""
    n = n_io + m

    def draw(low, high, size):
        return tuple(rng.uniform(low, high, size))

    t1 = draw(2e-6, 2e-5, n)
    noise = NoiseModel(
        t1=t1,
        t2=tuple(t * rng.uniform(0.3, 1.9) for t in t1),
        thermal_population=draw(0, 0.3, n),
        p_depol_1q=draw(0, 0.05, n),
        p_depol_2q=rng.uniform(0, 0.1),
        p_read1_given0=draw(0, 0.2, n_io),
        p_read0_given1=draw(0, 0.2, n_io),
        p_reset=draw(0, 0.2, n_io),
        idle_time=3e-7,
    )
    if channels:
        for slot, size in (("after_encode", n), ("after_circuit", n), ("readout", m)):
            # From few Kraus operators: one random unitary, half of the time.
            seed = int(rng.integers(2**31))
            unitary = qutip.rand_unitary([2] * size, seed=seed)
            halves = [0.5**0.5 * qutip.qeye([2] * size), 0.5**0.5 * unitary]
            noise = noise.with_channel(slot, halves)
    # And in every slot on one and on two qubits only, in any order.
    for slot, size in (("after_encode", n), ("after_circuit", n), ("readout", m)):
        for k in range(1, min(size, 2) + 1):
            qubits = [int(q) for q in rng.permutation(size)[:k]]
            damping = [[[1, 0], [0, 0.9]], [[0, 0.19**0.5], [0, 0]]]
            kraus = [np.array(d) if k == 1 else np.kron(d, [[0, 1], [1, 0]]) for d in damping]
            noise = noise.with_channel(slot, kraus, qubits=qubits)
    return noise


class QubitByQubit(ReferenceNeuron):
    """The literal neuron, whose relaxation needs no propagator of the whole register."""

    def relax(self, rho, duration, first=0, qubits=None):
        dims = rho.dims[0]
        for q in range(first, first + len(dims)) if qubits is None else qubits:
            channel = self.noise.relaxation(q, duration)
            kraus = [
                qutip.expand_operator(k, dims=dims, targets=[q - first])
                for k in qutip.to_kraus(channel)
            ]
            rho = sum(k @ rho @ k.dag() for k in kraus)
        return rho


def follow(size, steps, monkeypatch, *, channels=True, literal=ReferenceNeuron):
    rng = np.random.default_rng(sum(size) * 10 + size[0])
    noise = random_noise(rng, *size, channels=channels)
    circuit = ansatz.layered(*size)
    theta = rng.uniform(-np.pi, np.pi, (1, circuit.n_params))
    monkeypatch.setattr("lava_sqs.quantum.reference.check_literal", lambda *_: None)
    neuron = literal(circuit, theta[0], noise)
    pop = Population(circuit, theta, noise=noise, seed=1, backend="density")
    bits = (np.arange(2 ** size[0])[:, None] >> np.arange(size[0])[::-1]) & 1
    for _ in range(steps):
        z = rng.uniform(-0.3, 1, (1, size[0]))
        spikes = pop.step(z if size[0] > 1 else z[:, 0])
        _, p = neuron.step(z[0], outcome=np.ravel(spikes))
        np.testing.assert_allclose(np.ravel(pop.p_spike), p @ bits, atol=1e-10)
        at = int(np.ravel(spikes) @ (1 << np.arange(size[0])[::-1]))
        np.testing.assert_allclose(np.exp(pop.log_likelihood), p[at], atol=1e-10)
    np.testing.assert_allclose(pop.memory[0], qobj_to_pauli(neuron.memory), atol=1e-10)
    np.testing.assert_allclose(pop.memory_qobj(0).full(), neuron.memory.full(), atol=1e-10)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2)], ids=str)
def test_equal_to_the_literal_neuron(size, monkeypatch):
    follow(size, 10, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 4), (2, 3), (1, 5)], ids=str)
def test_equal_to_the_literal_neuron_for_200_steps(size, monkeypatch):
    follow(size, 200, monkeypatch, channels=False, literal=QubitByQubit)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "steps"), [((1, 4), 8), ((2, 3), 4)], ids=str)
def test_equal_with_channels_of_the_whole_register(size, steps, monkeypatch):
    follow(size, steps, monkeypatch)  # ten seconds for the four of the literal neuron


@st.composite
def circuits(draw):
    n_io, m = draw(st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2), (1, 3)]))
    gates = []
    for _ in range(draw(st.integers(0, 12))):
        name = draw(st.sampled_from(ONE + TWO))
        order = draw(st.permutations(range(n_io + m)))
        qubits = tuple(order[: 1 if name in ONE else 2])
        angle = (draw(st.sampled_from(["a", "b", "c", 0.4])),) if name in ROTATIONS else ()
        gates.append((name, qubits, *angle))
    return ansatz.from_gates(gates, io_qubits=n_io, memory_qubits=m)


@settings(max_examples=25, deadline=None)
@given(circuit=circuits(), seed=st.integers(0, 10**6), noisy=st.booleans(), shared=st.booleans())
def test_any_circuit_under_any_noise_equals_its_instruments(circuit, seed, noisy, shared):
    rng = np.random.default_rng(seed)
    size = circuit.io_qubits, circuit.memory_qubits
    noise = random_noise(rng, *size, channels=bool(rng.integers(2))) if noisy else None
    theta = rng.uniform(-np.pi, np.pi, (3, circuit.n_params))
    z = rng.uniform(-0.3, 1, (6, 2, 3, size[0]))
    z = z if size[0] > 1 else z[..., 0]
    outcome = np.where(rng.random((6, 2, 3)) < 0.3, rng.integers(0, 2, (6, 2, 3)), -1)
    outcome = np.repeat(outcome[..., None], size[0], -1) if size[0] > 1 else outcome
    runs = []
    for backend in ("instrument", "density"):
        angles = theta[0] if shared else theta
        options = {"noise": noise, "seed": seed, "backend": backend}
        pop = Population(circuit, angles, size=3, batch=2, **options)
        first = pop.run(z, outcome)
        pop.reset(np.where(np.arange(3)[:, None] == 1, 0, pop.memory))  # zeros: |0..0>
        runs.append((first, pop.run(z), pop.floor_hits))
    (a, b, hits), (c, d, others) = runs
    assert hits == others
    for one, two in ((a, c), (b, d)):
        np.testing.assert_array_equal(one.spikes, two.spikes)
        for name in ("p_spike", "memory", "log_likelihood"):
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-9)


@pytest.mark.parametrize("size", [(1, 3), (2, 2), (1, 5)], ids=str)
@pytest.mark.parametrize("shared", [False, True], ids=["own theta", "shared theta"])
def test_float32_follows_float64_on_the_same_outcomes(size, shared):
    rng = np.random.default_rng(3)
    circuit, noise = ansatz.layered(*size), random_noise(rng, *size, channels=False)
    theta = rng.uniform(-np.pi, np.pi, (5, circuit.n_params))
    theta = theta[0] if shared else theta
    z = rng.uniform(-0.3, 1, (30, 5, size[0]))
    z = z if size[0] > 1 else z[..., 0]
    options = {"size": 5, "noise": noise, "backend": "density"}
    exact = Population(circuit, theta, seed=1, **options).run(z)
    single = Population(circuit, theta, dtype=np.float32, **options).run(z, exact.spikes)
    assert single.memory.dtype == np.float32
    np.testing.assert_allclose(single.p_spike, exact.p_spike, atol=3e-4)
    assert np.abs(single.p_spike - exact.p_spike).max() > 0


@pytest.mark.slow
def test_the_mean_of_trajectories_is_the_density_matrix():
    """Six memory qubits, where nothing else is exact: by the law of 4000 sampled neurons."""
    rng = np.random.default_rng(5)
    circuit, noise = ansatz.layered(1, 6), random_noise(rng, 1, 6, channels=False)
    theta, z = rng.uniform(-np.pi, np.pi, circuit.n_params), rng.uniform(0.1, 1, (3, 1))
    exact = Population(circuit, theta, size=4000, noise=noise, seed=1, backend="density")
    drawn = Population(circuit, theta, size=4000, noise=noise, seed=2, backend="trajectory")
    spikes = [pop.run(np.repeat(z, 4000, 1), record=()).spikes for pop in (exact, drawn)]
    counts = [np.bincount(s.T @ [4, 2, 1], minlength=8) for s in spikes]
    error = np.sqrt(np.maximum(counts[0] + counts[1], 1))
    assert (np.abs(counts[0] - counts[1]) < 5 * error).all()
    assert min(counts[0].max(), 4000 - counts[0].max()) > 100


def test_few_maps_and_no_large_arrays():
    """What acts on a pair of qubits in a row is one map; tables of 8 memory qubits are small."""
    noise = NoiseModel.preset("ibm_brisbane")
    program = compile_density(ansatz.layered(1, 8), noise)
    # RX and RZ of the io qubit; both of a memory qubit, CRX and its second RX; RX and CRX back; CRX
    assert len(program.operations) == 1 + 8 + 1 + 7
    assert program.n_entries < 1300
    assert sum(a.nbytes for a in program.tables(1)) < 2**20
    assert compile_density(ansatz.layered(1, 8), noise) is program


def test_a_qubit_that_no_gate_touches_relaxes():
    circuit = ansatz.from_gates([("RX", 0, "a")], io_qubits=1, memory_qubits=2)
    noise = NoiseModel(t1=1e-6, t2=1e-6, thermal_population=0.2)
    pop = Population(circuit, [[0.3]], noise=noise, seed=0, backend="density")
    pop.run(np.zeros((100, 1)))
    np.testing.assert_allclose(pop.memory[0][[3, 12]], 1 - 2 * 0.2, atol=1e-12)


def test_changed_angles_and_noise():
    circuit, rng = ansatz.layered(1, 4), np.random.default_rng(0)
    theta, z = rng.uniform(-3, 3, (4, circuit.n_params)), rng.uniform(0, 1, (5, 4))
    pop = Population(circuit, theta, seed=1, backend="density")
    assert isinstance(pop._engine, DensityEngine)
    theta[2] += 1
    pop.theta = theta
    want = Population(circuit, theta, seed=1, backend="density").run(z)
    np.testing.assert_array_equal(pop.run(z).p_spike, want.p_spike)
    noise = NoiseModel(p_depol_1q=0.1)
    assert pop.with_noise(noise).backend == "density"


def test_an_impossible_outcome_is_forgotten_and_counted():
    circuit = ansatz.layered(1, 5)
    for batch in (1, 5):
        pop = Population(
            circuit, np.zeros(circuit.n_params), size=3, batch=batch, backend="density"
        )
        np.testing.assert_array_equal(
            pop.step(np.zeros((batch, 3)), [[1, 0, 1]] * batch)[0], [1, 0, 1]
        )
        assert pop.floor_hits == 2 * batch
        want = [[np.log(1e-12), 0, np.log(1e-12)]] * batch
        np.testing.assert_allclose(pop.log_likelihood, want, atol=1e-9)
        fresh = Population(circuit, np.zeros(circuit.n_params), size=3, backend="density")
        np.testing.assert_allclose(pop.memory[-1], fresh.memory, atol=1e-12)


def test_the_refusal_says_what_fits():
    with pytest.raises(ValueError, match=r"`memory_qubits` = 12 .*needs .* GB.*at most 11 memory"):
        Population(ansatz.layered(1, 12), size=1, seed=0, backend="density")
    with pytest.raises(ValueError, match=r"needs .* GB; the limit is .*Use fewer neurons"):
        Population(ansatz.layered(1, 8), size=100_000, seed=0, backend="density")
