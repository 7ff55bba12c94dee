"""The channel of a step, its Choi matrix, and the diamond norm through QuTiP."""

import importlib.util

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import NoiseModel, ReferenceNeuron, ansatz
from lava_sqs.quantum.diagnostics import choi_matrix, diamond_distance, step_channel

NOISE = NoiseModel.preset("ibm_torino")
IDLE = ansatz.from_gates([("X", 0)], io_qubits=1, memory_qubits=1)


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)], ids=str)
def test_it_takes_the_memory_where_both_outcomes_of_a_literal_neuron_lead(size, noise):
    circuit = ansatz.layered(*size)
    theta = np.random.default_rng(2).uniform(-np.pi, np.pi, circuit.n_params)
    z = np.full(size[0], 0.4)
    channel = step_channel(circuit, theta, z, noise)
    assert channel.iscptp
    neuron = ReferenceNeuron(circuit, theta, noise)
    neuron.step(z, u=0.3)  # a memory that is not |0..0>
    before = neuron.memory
    after = 0
    for outcome in range(2 ** size[0]):
        neuron.memory = before
        bits = [outcome >> (size[0] - 1 - i) & 1 for i in range(size[0])]
        _, p = neuron.step(z, outcome=bits)
        after += p[outcome] * neuron.memory
    got = channel(before)
    np.testing.assert_allclose(got.full(), after.full(), atol=1e-10)


def test_the_choi_matrix_of_decay():
    wait, t1 = 2e-6, 1e-5
    noise = NoiseModel(t1=t1, t2=2 * t1, gate_time_1q=0, readout_time=wait)
    g = 1 - np.exp(-wait / t1)
    kraus = [qutip.Qobj([[1, 0], [0, (1 - g) ** 0.5]]), qutip.Qobj([[0, g**0.5], [0, 0]])]
    choi = choi_matrix(IDLE, (), 0.0, noise)
    np.testing.assert_allclose(choi.full(), qutip.kraus_to_choi(kraus).full(), atol=1e-10)
    assert choi.tr() == pytest.approx(2)
    assert choi_matrix(ansatz.layered(1, 2), [0.3] * 13, 0.5, NOISE).iscptp


def test_without_cvxpy_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install cvxpy"):
        diamond_distance(IDLE, (), 0.0, NOISE)


def test_more_than_three_qubits_are_refused_with_the_number():
    with pytest.raises(ValueError, match=r"`memory_qubits` = 4, .* takes about .* s; the limit"):
        diamond_distance(ansatz.layered(1, 4), [0.1] * 25, 0.5, NOISE)


def test_the_diamond_distance_of_dephasing_and_of_decay():
    pytest.importorskip("cvxpy")
    wait, t2 = 2e-6, 1e-5
    noise = NoiseModel(t2=t2, gate_time_1q=0, readout_time=wait)
    flip = (1 - np.exp(-wait / t2)) / 2  # a phase flip: the distance is its probability
    assert diamond_distance(IDLE, (), 0.0, noise) == pytest.approx(flip, abs=1e-4)
    decay = NoiseModel(t1=t2, t2=2 * t2, gate_time_1q=0, readout_time=wait)
    assert diamond_distance(IDLE, (), 0.0, decay) == pytest.approx(1 - np.exp(-wait / t2), abs=1e-3)
    assert diamond_distance(IDLE, (), 0.0, noise, noise) == pytest.approx(0, abs=1e-4)
