"""Fisher information: closed forms, and all trains written out in QuTiP's instruments."""

import itertools

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import NoiseModel, ansatz, instrument
from lava_sqs.quantum.diagnostics import fisher_information

NOISE = NoiseModel(t1=2e-5, t2=2e-5, p_depol_2q=0.02, p_read1_given0=0.03, p_read0_given1=0.01)


def chances(circuit, parameters, steps, noise):
    """Probability of every train, with QuTiP's superoperators."""
    theta, z = np.split(parameters, [circuit.n_params])
    z = z.reshape(steps, circuit.io_qubits)
    maps = [instrument(circuit, theta, each, noise) for each in z]
    start = qutip.ket2dm(qutip.tensor([qutip.basis(2, 0)] * circuit.memory_qubits))
    found = []
    for train in itertools.product(range(2**circuit.io_qubits), repeat=steps):
        state = qutip.operator_to_vector(start)
        for t, s in enumerate(train):
            state = maps[t][s] @ state
        found.append(qutip.vector_to_operator(state).tr().real)
    return np.array(found)


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize(("size", "steps"), [((1, 1), 3), ((1, 2), 2), ((2, 1), 2)], ids=str)
def test_it_is_the_sum_over_all_trains(size, steps, noise):
    circuit = ansatz.layered(*size)
    rng = np.random.default_rng(1)
    theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
    z = rng.uniform(0.1, 0.9, (steps, size[0]))
    at, h = np.concatenate([theta, z.ravel()]), 1e-5
    p = chances(circuit, at, steps, noise)
    assert p.sum() == pytest.approx(1)
    slopes = np.array(
        [
            (chances(circuit, at + d, steps, noise) - chances(circuit, at - d, steps, noise))
            / (2 * h)
            for d in h * np.eye(len(at))
        ]
    )
    got = fisher_information(circuit, theta, z, noise)
    np.testing.assert_allclose(got, (slopes / p) @ slopes.T, atol=1e-7)
    np.testing.assert_allclose(got, got.T, atol=1e-12)
    assert np.linalg.eigvalsh(got).min() > -1e-9


@pytest.mark.parametrize("e", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("steps", [1, 4])
def test_a_coin_with_readout_errors(e, steps):
    # q = e + (1 - 2e) sin(a/2)^2, F = q'^2 / (q (1 - q)) for each of T independent steps
    a = 0.7
    coin = ansatz.from_gates([("RX", 0, "a")], io_qubits=1, memory_qubits=1)
    noise = NoiseModel(p_read1_given0=e, p_read0_given1=e)
    q, slope = e + (1 - 2 * e) * np.sin(a / 2) ** 2, (1 - 2 * e) * np.sin(a) / 2
    got = fisher_information(coin, [a], np.zeros(steps), noise)
    assert got.shape == (1 + steps,) * 2
    assert got[0, 0] == pytest.approx(steps * slope**2 / (q * (1 - q)))
    np.testing.assert_allclose(got[1:], 0, atol=1e-12)
    # A current z turns by pi z as well.
    got = fisher_information(coin, [a - 0.3 * np.pi], np.full(steps, 0.3), noise)
    one = slope**2 / (q * (1 - q))
    np.testing.assert_allclose(np.diag(got)[1:], np.pi**2 * one, rtol=1e-9)
    np.testing.assert_allclose(got[0, 1:], np.pi * one, rtol=1e-9)


@pytest.mark.parametrize("backend_size", [3, 4])
def test_gate_by_gate_and_by_instruments(backend_size):
    # A memory qubit that nothing touches changes nothing, but the engine.
    small, theta = ansatz.layered(1, 1), np.linspace(-1, 1, 8)
    gates = [(g.name, g.qubits, f"a{g.param}") for g in small.gates]
    large = ansatz.from_gates(gates, io_qubits=1, memory_qubits=backend_size)
    wanted = fisher_information(small, theta, [0.5, 0.2], NOISE)
    got = fisher_information(large, theta, [0.5, 0.2], NOISE)
    np.testing.assert_allclose(got, wanted, atol=1e-10)


def test_long_trains_and_large_memories_are_refused_with_the_number():
    with pytest.raises(ValueError, match=r"`currents` must have at most 14 .* but has 15\. Use"):
        fisher_information(ansatz.paper(), [0.1] * 3, np.ones(15))
    with pytest.raises(ValueError, match=r"`memory_qubits` = 8, 4096 trains, takes about .* s; "):
        fisher_information(ansatz.layered(1, 8), [0.1] * 43, np.ones(12) * 0.5, NOISE)
    with pytest.raises(ValueError, match=r"must have shape \(T,\) or \(T, 1\)"):
        fisher_information(ansatz.paper(), [0.1] * 3, np.ones((2, 2)))
