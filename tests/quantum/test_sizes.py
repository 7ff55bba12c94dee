"""Closed forms at the largest sizes: bits, indices and sums must not end at a fixed width."""

import math
import tracemalloc
from functools import reduce

import numpy as np
import pytest
import qutip
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lava_sqs.quantum import NoiseModel, Population, ansatz, pauli_labels
from lava_sqs.quantum.engines.trajectory import gate_bytes, program_bytes, state_bytes
from lava_sqs.quantum.kernels.trajectories import _norm, _parity

LARGE = (8, 15, 16, 17, 18, 20)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_parity_counts_all_bits(bits):
    assert _parity(bits) == bin(bits).count("1") % 2


@pytest.mark.parametrize("shift", range(63))
def test_parity_of_every_single_bit(shift):
    assert _parity(1 << shift) == 1
    assert _parity((1 << 62) ^ (1 << shift)) == 0


def gates_on_memory(memory_qubits, io_qubits, *gates):
    """Return a circuit of one-qubit gates on every memory qubit."""
    return ansatz.from_gates(
        [(name, io_qubits + q, *angle(q)) for q in range(memory_qubits) for name, angle in gates],
        io_qubits=io_qubits,
        memory_qubits=memory_qubits,
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("m", LARGE)
def test_all_ones_have_z_minus_one(m, dtype):
    flipped = gates_on_memory(m, 1, ("X", lambda q: ()))
    pop = Population(flipped, np.zeros((1, 0)), dtype=dtype, backend="trajectory")
    pop.step([0.0])
    assert_allclose(pop.memory[0], [[1, 0, 0, -1]] * m, atol=1e-6)


@pytest.mark.parametrize("m", LARGE[:-1])
def test_reset_to_ones_reads_back(m):
    """Through `reset`, as the memory of a Process is set from outside."""
    idle = gates_on_memory(m, 1, ("RX", lambda q: (0.0,)))
    pop = Population(idle, np.zeros((2, 0)), backend="trajectory")
    pop.reset([1.0, 0.0, 0.0, -1.0])
    assert_allclose(pop.memory, np.broadcast_to([1.0, 0, 0, -1], (2, m, 4)), atol=1e-12)
    pop.step([0.0, 0.0])
    assert_allclose(pop.memory, np.broadcast_to([1.0, 0, 0, -1], (2, m, 4)), atol=1e-12)


@pytest.mark.parametrize("m", LARGE[:-1])
def test_random_product_states(m):
    """RX(a), then RZ(b) on |0>: (X, Y, Z) = (sin a sin b, -sin a cos b, cos a)."""
    rng = np.random.default_rng(m)
    a, b = rng.uniform(-np.pi, np.pi, (2, m))
    turned = gates_on_memory(m, 1, ("RX", lambda q: (a[q],)), ("RZ", lambda q: (b[q],)))
    pop = Population(turned, np.zeros((1, 0)), backend="trajectory")
    pop.step([0.5])
    expected = np.stack(
        [np.ones(m), np.sin(a) * np.sin(b), -np.sin(a) * np.cos(b), np.cos(a)], axis=1
    )
    assert_allclose(pop.memory[0], expected, atol=1e-12)
    # A string over all qubits is the product, and what is reset to reads back.
    letters = rng.integers(0, 4, m)
    letters[[0, -1]] = 3  # the most and the least significant one
    single = (qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())
    string = qutip.tensor([single[i].to("CSR") for i in letters])
    assert_allclose(pop.expect(string), [expected[range(m), letters].prod()], atol=1e-12)
    other = Population(turned, np.zeros((1, 0)), backend="trajectory")
    other.reset(pop.memory)
    assert_allclose(other.memory, pop.memory, atol=1e-9)


@pytest.mark.parametrize("backend", ["instrument", "trajectory"])
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_full_pauli_vectors_are_products(m, backend):
    rng = np.random.default_rng(m)
    a = rng.uniform(-np.pi, np.pi, m)
    turned = gates_on_memory(m, 1, ("RX", lambda q: (a[q],)))
    pop = Population(turned, np.zeros((1, 0)), backend=backend)
    pop.step([0.5])
    single = [np.array([1, 0, -np.sin(x), np.cos(x)]) for x in a]
    assert_allclose(pop.memory[0], reduce(np.kron, single), atol=1e-12)
    assert len(pauli_labels(m)) == pop.memory.shape[-1]


def test_float32_sums_of_millions_of_terms():
    """One float32 accumulator is off by 7e-4 here, and by more with each qubit."""
    state = np.full((2, 2**22), np.float32(0.1))
    assert_allclose(_norm(state, 0, 2**22), 2 * 2**22 * float(state[0, 0]) ** 2, rtol=1e-6)
    state = np.random.default_rng(0).normal(size=(2, 2**20)).astype(np.float32)
    part = state[:, 1000:900_001].astype(float)
    assert_allclose(_norm(state, 1000, 900_001), (part**2).sum(), rtol=1e-7)


@pytest.mark.parametrize(
    ("n_io", "backend"),
    [
        (2, "instrument"),
        (5, "instrument"),
        (5, "trajectory"),
        (9, "trajectory"),
        (17, "trajectory"),
    ],
)
def test_every_channel_reports_its_own_bit(n_io, backend):
    """Channel 0 is the most significant bit of an outcome, whatever their number."""
    pattern = np.random.default_rng(n_io).integers(0, 2, n_io)
    pattern[[0, -1]] = 1
    gates = [("RX", n_io, 0.0)]
    circuit = ansatz.from_gates(gates, io_qubits=n_io, memory_qubits=1)
    pop = Population(circuit, np.zeros((2, 0)), seed=1, backend=backend)
    z = np.array([pattern, 1 - pattern], dtype=float)
    assert (pop.step(z) == z).all()
    assert_allclose(pop.p_spike, z, atol=1e-12)
    clamped = pop.step(np.full_like(z, 0.5), z.astype(int))
    assert (clamped == z).all()
    assert_allclose(pop.log_likelihood, n_io * math.log(0.5), rtol=1e-9)


@pytest.mark.parametrize("n_io", [3, 12, 16])
def test_readout_errors_of_many_channels(n_io):
    """No matrix over all outcomes: each channel misreads by itself."""
    p10 = np.linspace(0.01, 0.3, n_io)
    noise = NoiseModel(p_read1_given0=p10.tolist(), p_read0_given1=0.2)
    circuit = ansatz.from_gates([("RX", n_io, 0.0)], io_qubits=n_io, memory_qubits=1)
    pop = Population(circuit, np.zeros((1, 0)), noise=noise, seed=2, backend="trajectory")
    ones = np.arange(n_io) % 2
    pop.step(ones[None].astype(float))
    assert_allclose(pop.p_spike[0], np.where(ones, 0.8, p10), atol=1e-12)


# -- room ------------------------------------------------------------------------------------------

NOISE = NoiseModel.preset("ibm_brisbane")


@pytest.mark.parametrize(
    ("io", "m", "noise", "dtype"),
    [(1, 10, NOISE, "float64"), (1, 12, None, "float32"), (4, 9, NOISE, "float32")],
)
def test_the_estimate_of_a_trajectory_covers_what_it_takes(io, m, noise, dtype):
    circuit = ansatz.layered(io, m)
    theta = np.full((3, circuit.n_params), 0.3) + np.arange(3)[:, None]
    Population(circuit, theta, noise=noise, dtype=dtype, backend="trajectory")  # fills caches
    tracemalloc.start()
    Population(circuit, theta, noise=noise, dtype=dtype, backend="trajectory")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    estimate = program_bytes(circuit, noise, dtype)
    estimate += 3 * (gate_bytes(circuit, dtype) + state_bytes(circuit, dtype))
    assert peak / 3 < estimate
    assert peak < 1.1 * estimate + 2**20


def test_a_trajectory_shares_its_index_tables():
    """At (1, 16) with noise it was 770 MB: a table per gate, not one per set of qubits."""
    circuit = ansatz.layered(1, 14)
    tracemalloc.start()
    Population(circuit, np.zeros((1, circuit.n_params)), noise=NOISE, backend="trajectory")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
