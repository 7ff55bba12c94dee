"""Memory capacity: closed forms of memories that are shift registers, and sampling.

A SWAP of the io and the memory qubit is a memory of one step: the spike is the input of the step
before. With a flip probability e on the way it is a binary symmetric channel,

    MC_1 = (1 - 2e)^2 ,   I_1 = 1 - H(e)   for a uniform bit.
"""

import math

import numpy as np
import pytest

from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.diagnostics import (
    capacity_from_spikes,
    memory_capacity,
)

SWAP = ansatz.from_gates([("SWAP", (0, 1))], io_qubits=1, memory_qubits=1)


def binary_entropy(e):
    return -e * math.log2(e) - (1 - e) * math.log2(1 - e)


@pytest.mark.parametrize("e", [0.01, 0.1, 0.3])
def test_a_swap_with_readout_errors_is_a_binary_symmetric_channel(e):
    noise = NoiseModel(p_read1_given0=e, p_read0_given1=e)
    got = memory_capacity(SWAP, (), noise, max_delay=3)
    np.testing.assert_allclose(got.linear, [0, (1 - 2 * e) ** 2, 0, 0], atol=1e-12)
    np.testing.assert_allclose(got.information, [0, 1 - binary_entropy(e), 0, 0], atol=1e-12)
    assert got.total == pytest.approx((1 - 2 * e) ** 2)


def test_depolarising_takes_its_share_at_both_swaps():
    p = 0.05
    got = memory_capacity(SWAP, (), NoiseModel(p_depol_2q=p), max_delay=2)
    np.testing.assert_allclose(got.linear, [0, (1 - 16 * p / 15) ** 4, 0], atol=1e-12)


def test_a_memory_of_two_steps_and_a_waiting_time():
    # io -> memory 1 -> memory 2 -> io
    gates = [("SWAP", (1, 2)), ("SWAP", (0, 1))]
    register = ansatz.from_gates(gates, io_qubits=1, memory_qubits=2)
    got = memory_capacity(register, (), max_delay=4)
    np.testing.assert_allclose(got.linear, [0, 0, 1, 0, 0], atol=1e-12)
    # Relaxation towards the maximally mixed state for two waits: a symmetric channel again.
    t1, wait = 1e-5, 2e-6
    noise = NoiseModel(
        t1=t1, t2=t1, gate_time_1q=0, gate_time_2q=0, readout_time=wait, thermal_population=0.5
    )
    got = memory_capacity(register, (), noise, max_delay=4)
    np.testing.assert_allclose(got.linear[2], math.exp(-2 * wait / t1) ** 2, atol=1e-12)


def test_the_paper_circuit_cannot_remember_what_it_saw():
    for theta in np.random.default_rng(0).uniform(-3, 3, (5, 3)):
        got = memory_capacity(ansatz.paper(), theta, max_delay=6)
        np.testing.assert_allclose(got.linear[1:], 0, atol=1e-12)
        np.testing.assert_allclose(got.information[1:], 0, atol=1e-12)
        assert got.linear[0] > 1e-4


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)], ids=str)
def test_the_capacity_is_bounded_by_the_number_of_channels(size):
    circuit = ansatz.layered(*size)
    rng = np.random.default_rng(3)
    best = 0.0
    for theta in rng.uniform(-np.pi, np.pi, (10, circuit.n_params)):
        got = memory_capacity(circuit, theta, NoiseModel(p_depol_2q=0.002), max_delay=30)
        assert (got.linear >= -1e-12).all()
        assert (got.information <= 1 + 1e-12).all()
        assert got.linear.sum() <= size[0] + 1e-9
        best = max(best, got.linear.sum())
    assert best > 0.01  # not an empty bound


def test_unequal_inputs_and_probabilities():
    e, q = 0.1, 0.2  # a binary symmetric channel with P(1) = q
    noise = NoiseModel(p_read1_given0=e, p_read0_given1=e)
    got = memory_capacity(SWAP, (), noise, currents=(0.0, 1.0), probabilities=(1 - q, q))
    out = q * (1 - e) + (1 - q) * e
    linear = (q * (1 - q) * (1 - 2 * e)) ** 2 / (q * (1 - q) * out * (1 - out))
    assert got.linear[1] == pytest.approx(linear, abs=1e-12)
    assert got.information[1] == pytest.approx(binary_entropy(out) - binary_entropy(e), abs=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (2, 1)], ids=str)
def test_the_exact_capacity_is_what_recorded_spikes_show(size):
    """40 neurons x 4000 steps, each with its own input: pooled, a sample of the exact law."""
    circuit, noise = ansatz.layered(*size), NoiseModel(p_read0_given1=0.05)
    draws = np.random.default_rng(9).uniform(-np.pi, np.pi, (100, circuit.n_params))
    theta = max(draws, key=lambda angles: memory_capacity(circuit, angles, noise).total)
    exact = memory_capacity(circuit, theta, noise, max_delay=4)
    assert exact.total > 0.05  # something to see
    x = np.random.default_rng(1).integers(0, 2, (4100, 40))
    pop = Population(circuit, theta, size=40, noise=noise, seed=2, backend="instrument")
    z = x.astype(float) if size[0] == 1 else np.repeat(x[..., None], 2, axis=-1).astype(float)
    spikes = pop.run(z, record=()).spikes
    runs = [capacity_from_spikes(x[:, k], spikes[:, k], max_delay=4).linear for k in range(40)]
    mean, error = np.mean(runs, axis=0), np.std(runs, axis=0) / math.sqrt(40)
    # 10 numbers in all at 4.5 standard errors: a false alarm in about 1e-4 of all seeds.
    np.testing.assert_array_less(np.abs(mean - exact.linear), 4.5 * error + 1e-4)


def test_the_estimate_is_unbiased_without_memory_and_plain_r2_is_not():
    rng = np.random.default_rng(4)
    features, repeats = 12, 400
    values, stds = [], []
    for _ in range(repeats):
        got = capacity_from_spikes(
            rng.integers(0, 2, 100), rng.integers(0, 2, (100, features)), max_delay=0, washout=20
        )
        values.append(got.linear[0])
        stds.append(got.null_std)
    n = 80
    error = np.std(values) / math.sqrt(repeats)
    assert abs(np.mean(values)) < 4 * error  # false alarm 6e-5
    assert features / (n - 1) > 20 * error  # what a plain R^2 would have been off by
    assert np.std(values) == pytest.approx(np.mean(stds), rel=0.15)


def test_many_neurons_carry_more_than_one():
    x = np.random.default_rng(0).integers(0, 2, 3000)
    delayed = np.stack([np.roll(x, k) for k in (1, 2, 3)], axis=1)
    got = capacity_from_spikes(x, delayed, max_delay=4)
    np.testing.assert_allclose(got.linear[1:4], 1, atol=1e-9)
    assert got.total == pytest.approx(3, abs=0.02)
    assert "delay 1" in str(got)


def test_silent_neurons_carry_nothing():
    x = np.random.default_rng(0).integers(0, 2, 500)
    got = capacity_from_spikes(x, np.zeros((500, 3)), max_delay=2)
    np.testing.assert_array_equal(got.linear, 0)
    dead = memory_capacity(ansatz.paper(), [0.0, 0.0, 0.0], currents=(-1.0, 0.0), max_delay=2)
    np.testing.assert_array_equal(dead.linear, 0)
    np.testing.assert_array_equal(dead.information, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"currents": (0.5, 0.5)}, "`currents` must hold two different"),
        ({"currents": [[0, 1]]}, "`currents` must have shape"),
        ({"probabilities": (0.5, 0.6)}, "`probabilities` must be positive and sum to 1"),
        ({"probabilities": (1.0,)}, "`probabilities` must have shape"),
        ({"max_delay": -1}, "`max_delay`"),
        ({"washout": -1}, "`washout`"),
    ],
)
def test_bad_arguments_of_the_capacity(arguments, message):
    with pytest.raises(ValueError, match=message):
        memory_capacity(SWAP, (), **arguments)


def test_bad_arguments_of_the_estimate():
    with pytest.raises(ValueError, match="`inputs` must have more than"):
        capacity_from_spikes(np.arange(50) % 2, np.zeros((50, 1)))
    with pytest.raises(ValueError, match="`spikes` must have shape"):
        capacity_from_spikes(np.zeros(500), np.zeros((499, 1)))
    with pytest.raises(ValueError, match="constant"):
        capacity_from_spikes(np.ones(500), np.random.default_rng(0).integers(0, 2, (500, 2)))
    spikes = np.random.default_rng(0).integers(0, 2, (120, 30))
    with pytest.raises(ValueError, match="many more steps than features"):
        capacity_from_spikes(np.arange(120) % 2, spikes, max_delay=0)


@pytest.mark.parametrize("noise", [None, NoiseModel.preset("ibm_brisbane")])
def test_gate_by_gate_it_is_the_same(noise, monkeypatch):
    """What is chosen from 4 memory qubits on, at a size where instruments can be compared."""
    circuit = ansatz.layered(1, 3)
    theta = np.random.default_rng(0).uniform(-np.pi, np.pi, circuit.n_params)
    options = {"max_delay": 4, "washout": 30, "currents": (0.2, 0.5, 1.0)}
    want = memory_capacity(circuit, theta, noise, **options)
    monkeypatch.setattr(
        "lava_sqs.quantum.diagnostics.averaged.exact_backend", lambda *_, **__: "density"
    )
    got = memory_capacity(circuit, theta, noise, **options)
    np.testing.assert_allclose(got.linear, want.linear, atol=1e-12)
    np.testing.assert_allclose(got.information, want.information, atol=1e-12)
