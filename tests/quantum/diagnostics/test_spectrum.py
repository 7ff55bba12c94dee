"""How fast memories forget: closed forms, QuTiP's spectra, and Arnoldi's method beside them."""

import math

import numpy as np
import pytest

from lava_sqs.quantum import NoiseModel, ansatz, instrument
from lava_sqs.quantum.diagnostics import SpectralGap, spectral_gap
from lava_sqs.quantum.diagnostics.averaged import AveragedNeuron

NOISE = NoiseModel.preset("ibm_torino")


def angles(circuit, seed=0):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, circuit.n_params)


def idle(memory_qubits):
    return ansatz.from_gates([("X", 0)], io_qubits=1, memory_qubits=memory_qubits)


@pytest.mark.parametrize("memory_qubits", [1, 3, 4, 6])
@pytest.mark.parametrize(("t1", "t2"), [(1e-5, 1e-5), (1e-5, 2e-5), (3e-5, 1e-5)])
def test_idle_qubits_forget_by_their_slowest_lifetime(memory_qubits, t1, t2):
    wait = 1e-6
    noise = NoiseModel(t1=t1, t2=t2, gate_time_1q=0, readout_time=wait)
    got = spectral_gap(idle(memory_qubits), (), noise)
    slowest = math.exp(-wait / max(t1, t2))
    assert got.gap == pytest.approx(1 - slowest, abs=1e-9)
    assert got.time == pytest.approx(max(t1, t2) / wait, rel=1e-8)


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (1, 3)], ids=str)
def test_small_memories_have_qutips_eigenvalues(size):
    circuit = ansatz.layered(*size)
    theta, values, chances = angles(circuit), (0.2, 0.7), (0.25, 0.75)
    channel = sum(
        q * sum(instrument(circuit, theta, [v] * size[0], NOISE))
        for v, q in zip(values, chances, strict=True)
    )
    moduli = np.sort(np.abs(np.linalg.eigvals(channel.full())))[::-1]
    got = spectral_gap(circuit, theta, NOISE, currents=values, probabilities=chances)
    np.testing.assert_allclose(np.abs(got.eigenvalues), moduli[1:], atol=1e-9)


@pytest.mark.parametrize("seed", [4, 5])
def test_arnoldi_finds_what_all_columns_say(seed, monkeypatch):
    monkeypatch.setattr("lava_sqs.quantum.diagnostics.spectrum._DENSE", 3)
    circuit = ansatz.layered(1, 4)
    theta = angles(circuit, seed)
    neuron = AveragedNeuron(circuit, theta, NOISE, (0.0, 1.0), None)
    matrix = np.array([neuron.step(column) for column in np.eye(256)]).T
    moduli = np.sort(np.abs(np.linalg.eigvals(matrix)))[::-1]
    assert moduli[0] == pytest.approx(1, abs=1e-12)
    got = spectral_gap(circuit, theta, NOISE, n_eigenvalues=3)
    np.testing.assert_allclose(np.abs(got.eigenvalues)[:3], moduli[1:4], atol=1e-8)


@pytest.mark.parametrize("angle", [0.3, 1.0])
def test_eigenvalues_close_together_are_found_to_the_tolerance_said(angle, monkeypatch):
    circuit = ansatz.layered(1, 5)
    exact = spectral_gap(circuit, np.full(circuit.n_params, angle), NOISE)
    assert exact.tolerance == 0
    moduli = np.abs(exact.eigenvalues)
    assert moduli[0] - moduli[3] < 1e-4  # nearly one Jordan block
    monkeypatch.setattr("lava_sqs.quantum.diagnostics.spectrum._DENSE", 4)
    # Arnoldi's method with few steps does not see them apart.
    monkeypatch.setattr("lava_sqs.quantum.diagnostics.spectrum._ATTEMPTS", ((40, 2, 1e-9),) * 2)
    with pytest.raises(RuntimeError, match=r"found 0 of `n_eigenvalues` = 1: .*at most 4 memory"):
        spectral_gap(circuit, np.full(circuit.n_params, angle), NOISE)
    monkeypatch.undo()
    monkeypatch.setattr("lava_sqs.quantum.diagnostics.spectrum._DENSE", 4)
    got = spectral_gap(circuit, np.full(circuit.n_params, angle), NOISE)
    assert got.tolerance in (1e-9, 1e-5)
    assert got.gap == pytest.approx(exact.gap, abs=2e-5)


def test_states_become_alike_at_that_rate():
    circuit = ansatz.layered(1, 4)
    theta = angles(circuit, 3)
    neuron = AveragedNeuron(circuit, theta, NOISE, (0.0, 1.0), None)
    difference = np.random.default_rng(0).normal(size=256)
    difference[0] = 0
    sizes = []
    for _ in range(300):
        difference = neuron.step(difference)
        sizes.append(np.linalg.norm(difference))
    rate = (sizes[299] / sizes[199]) ** 0.01
    assert rate == pytest.approx(1 - spectral_gap(circuit, theta, NOISE).gap, abs=2e-3)


def test_what_is_never_forgotten_and_what_is_at_once():
    assert spectral_gap(idle(2), ()).gap == 0
    assert spectral_gap(idle(1), ()).time == math.inf
    # A delay line has nothing but nilpotent blocks: all is forgotten after two steps.
    got = spectral_gap(ansatz.delay(2), (), currents=[0.3])
    assert got.gap == pytest.approx(1, abs=1e-4)
    assert SpectralGap(np.zeros(1)).time == 0


def test_too_many_eigenvalues_are_refused():
    circuit = ansatz.layered(1, 6)
    with pytest.raises(ValueError, match="`n_eigenvalues` must be at most 100"):
        spectral_gap(circuit, angles(circuit), NOISE, n_eigenvalues=101)
