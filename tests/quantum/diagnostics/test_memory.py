"""The fidelity to the noiseless memory: against literal neurons with the same outcomes."""

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import NoiseModel, ReferenceNeuron, ansatz
from lava_sqs.quantum.diagnostics import memory_fidelity


def test_no_noise_keeps_the_memory():
    z = np.random.default_rng(0).uniform(0, 1, (30, 2, 3))
    theta = np.random.default_rng(1).uniform(-3, 3, (3, 8))
    run = memory_fidelity(ansatz.layered(1, 1), theta, z, NoiseModel(), seed=1)
    assert run.fidelity.shape == run.spikes.shape == (30, 2, 3)
    np.testing.assert_allclose(run.fidelity, 1, atol=1e-6)
    np.testing.assert_allclose(run.purity, 1, atol=1e-9)
    assert run.impossible == 0


@pytest.mark.parametrize("size", [(1, 2), (2, 1)], ids=str)
def test_the_fidelity_is_that_of_two_literal_neurons_with_the_same_outcomes(size):
    circuit, noise = ansatz.layered(*size), NoiseModel.preset("ibm_fez").scaled(20)
    rng = np.random.default_rng(2)
    theta = rng.uniform(-3, 3, circuit.n_params)
    z = rng.uniform(0.1, 0.9, (15, 1, *([2] if size[0] == 2 else [])))
    run = memory_fidelity(circuit, theta[None], z, noise, seed=5)
    noisy, ideal = ReferenceNeuron(circuit, theta, noise), ReferenceNeuron(circuit, theta)
    for t in range(15):
        for neuron in (noisy, ideal):
            neuron.step(z[t, 0], outcome=run.spikes[t, 0])
        want = qutip.fidelity(noisy.memory, ideal.memory) ** 2
        np.testing.assert_allclose(run.fidelity[t, 0], want, atol=1e-6)
        np.testing.assert_allclose(run.entropy[t, 0], qutip.entropy_vn(noisy.memory, 2), atol=1e-9)
    assert run.fidelity.min() < 0.95  # the comparison had something to see


def test_outcomes_that_only_noise_can_produce_are_counted():
    still = ansatz.from_gates([], io_qubits=1, memory_qubits=1)
    run = memory_fidelity(
        still, np.zeros((4, 0)), np.zeros((50, 4)), NoiseModel(p_reset=0.2), seed=1
    )
    assert run.spikes.sum() > 10
    assert run.impossible == run.spikes.sum()


def test_currents_without_a_neuron_axis_are_refused():
    with pytest.raises(ValueError, match="`currents`"):
        memory_fidelity(ansatz.paper(), np.zeros((1, 3)), np.zeros(5), NoiseModel())
