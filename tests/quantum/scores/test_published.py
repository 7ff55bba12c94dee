"""The published rule against its definition, written with the literal QuTiP neuron."""

import numpy as np
import pytest

from lava_sqs.quantum import NoiseModel, ansatz
from lava_sqs.quantum.reference import ReferenceNeuron
from lava_sqs.quantum.scores.published import published_gradient
from lava_sqs.quantum.scores.recorded import score_spike_train

NOISE = NoiseModel(t1=1e-4, t2=8e-5, p_depol_2q=8e-3, p_read1_given0=0.01, p_read0_given1=0.02)
T, K, M, EPS = 6, 2, 3, 0.03


def material(circuit):
    rng = np.random.default_rng(4)
    return (
        rng.uniform(-np.pi, np.pi, (K, circuit.n_params)),
        rng.uniform(-0.1, 0.4, (K, M)),
        (rng.random((T, M)) < 0.5).astype(float),
        rng.integers(0, 2, (T, K)),
    )


def fresh_log_p(circuit, theta, weights, history, spikes, noise):
    """Log probability of every outcome from a fresh memory, shape (T, K)."""
    result = np.empty(spikes.shape)
    for t, k in np.ndindex(spikes.shape):
        neuron = ReferenceNeuron(circuit, theta[k], noise)  # fresh in every step
        _, p = neuron.step(weights[k] @ history[t], outcome=spikes[t, k])
        result[t, k] = np.log(p[spikes[t, k]])
    return result


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize(
    "circuit", [ansatz.paper(), ansatz.layered(1, 1)], ids=["paper", "layered"]
)
def test_published_gradient_is_its_definition(circuit, noise):
    theta, weights, history, spikes = material(circuit)
    signal = np.random.default_rng(1).normal(size=spikes.shape)
    d_theta, d_weights = published_gradient(
        circuit, theta, weights, history, spikes,
        noise=noise, signal=signal, n_samples=2, epsilon=EPS, seed=9,
    )  # fmt: skip
    for j in range(circuit.n_params):
        move = np.zeros(circuit.n_params)
        move[j] = np.pi / 2
        up, down = (
            fresh_log_p(circuit, theta + s * move, weights, history, spikes, noise) for s in (1, -1)
        )
        want = (signal * (up - down)).sum(axis=0) / 2
        np.testing.assert_allclose(d_theta[:, j], want, rtol=0, atol=1e-8)
    rng, want = np.random.default_rng(9), np.zeros(weights.shape)
    for _ in range(2):
        sign = rng.choice([-1.0, 1.0], size=weights.shape)
        up, down = (
            fresh_log_p(circuit, theta, weights + s * EPS * sign, history, spikes, noise)
            for s in (1, -1)
        )
        slope = (signal * (up - down)).sum(axis=0) / (2 * EPS)
        want += slope[:, None] * (EPS * sign) / 2
    np.testing.assert_allclose(d_weights, want, rtol=0, atol=1e-8)


def test_the_published_rule_cannot_tell_the_order_of_steps_but_the_score_can():
    circuit = ansatz.layered(1, 1)
    theta, weights, history, spikes = material(circuit)
    back = slice(None, None, -1)
    there, _ = published_gradient(circuit, theta, weights, history, spikes, seed=0)
    again, _ = published_gradient(circuit, theta, weights, history[back], spikes[back], seed=0)
    np.testing.assert_allclose(there, again, rtol=0, atol=1e-9)
    z = history @ weights.T
    _, exact, _ = score_spike_train(circuit, theta, z, spikes)
    _, reversed_, _ = score_spike_train(circuit, theta, z[back], spikes[back])
    assert np.abs(exact - reversed_).max() > 0.1
