"""Every kind of neuron: its law, and that its score is the derivative of its log-likelihood."""

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.learning import READOUT, SOLVED, TASKS, learn_neuron
from lava_sqs.network import SQSNN
from lava_sqs.neurons import (
    AsPublishedNeuron,
    LIFNeuron,
    QLIFNeuron,
    SQSNeuron,
    kind_of,
    kinds,
    qlif,
)
from lava_sqs.quantum import NoiseModel, Population, ansatz

T, B, K = 6, 3, 4
NOISE = NoiseModel(t1=100e-6, t2=80e-6, p_depol_2q=0.01, p_read0_given1=0.02)
CASES = {
    # every kind that there is, as SQSNN makes it: a new one comes here by its line in the registry
    **{kind: kind_of(kind).from_arguments(SQSNN().get_params()) for kind in kinds()},
    "paper": SQSNeuron(ansatz.paper()),
    "layered, noisy": SQSNeuron(ansatz.layered(), NOISE),
    "two channels": SQSNeuron(ansatz.layered(2, 1)),
    "seven shots": QLIFNeuron(shots=7),
}


@pytest.fixture(params=CASES, name="case")
def _case(request):
    neuron = CASES[request.param]
    rng = np.random.default_rng(1)
    params = neuron.initial(K, rng) + rng.normal(0, 0.3, (K, neuron.n_params))
    z = rng.uniform(-0.2, 0.8, (T, B, K * neuron.channels))
    u = rng.random((T, B, K))
    return neuron, params, z, u


def test_score_is_the_derivative_of_the_log_likelihood(case):
    neuron, params, z, u = case
    signal = np.random.default_rng(2).normal(size=(T, B, K))
    spikes = neuron.run(params, z, u).spikes

    def objective(params, z):
        return (signal * neuron.run(params, z, u, spikes).log_likelihood).sum()

    d_params, d_z = neuron.score(params, z, spikes, signal)
    h = 1e-5
    for index in [(0, 0), (1, neuron.n_params - 1), (3, neuron.n_params // 2)]:
        move = np.zeros_like(params)
        move[index] = h
        slope = (objective(params + move, z) - objective(params - move, z)) / (2 * h)
        assert d_params[index] == pytest.approx(slope, rel=1e-5, abs=1e-6)
    for index in [(0, 0, 0), (2, 1, 3), (T - 1, 2, 1), (3, 0, 2)]:
        move = np.zeros_like(z)
        move[index] = h
        slope = (objective(params, z + move) - objective(params, z - move)) / (2 * h)
        assert d_z[index] == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"lif"}))
def test_what_is_not_positive_moves_nothing(name):
    """No gate is applied where z <= 0, so there is nothing to learn from there."""
    neuron, rng = CASES[name], np.random.default_rng(1)
    params, u = neuron.initial(K, rng), rng.random((T, B, K))
    z = rng.uniform(-0.2, 0.8, (T, B, K * neuron.channels))
    _, d_z = neuron.score(params, z, neuron.run(params, z, u).spikes, np.ones(u.shape))
    assert np.abs(d_z[z <= 0]).max() == 0


@pytest.mark.parametrize("name", sorted(set(CASES) - {"two channels"}))  # p_spike is per channel
def test_clamped_runs_report_the_clamp_and_its_probability(name):
    neuron, rng = CASES[name], np.random.default_rng(1)
    params = neuron.initial(K, rng) + rng.normal(0, 0.3, (K, neuron.n_params))
    z, u = rng.uniform(-0.2, 0.8, (T, B, K)), rng.random((T, B, K))
    clamp = np.where(np.random.default_rng(3).random(z.shape) < 0.5, 1, -1)
    out = neuron.run(params, z, u, clamp)
    assert (out.spikes[clamp == 1] == 1).all()
    p = np.where(out.spikes == 1, out.p_spike, 1 - out.p_spike)
    np.testing.assert_allclose(np.exp(out.log_likelihood), np.maximum(p, 1e-12), rtol=1e-9)
    free = clamp == -1
    np.testing.assert_array_equal(out.spikes[free], (u >= 1 - out.p_spike)[free])


def test_sqs_neurons_are_populations():
    neuron = CASES["layered, noisy"]
    rng = np.random.default_rng(0)
    params, z = neuron.initial(K, rng), rng.random((T, B, K))
    pop = Population(neuron.ansatz, params, batch=(B,), noise=NOISE, seed=5)
    u = np.random.default_rng(np.random.SeedSequence(5).spawn(2)[1]).random((T, B, K))
    np.testing.assert_array_equal(neuron.run(params, z, u).spikes, pop.run(z).spikes)


def test_as_published_is_the_closed_form():
    ent, mem, inp = 0.4, -0.2, 0.3
    z = np.array([0.5, -1.0, 0.9])[:, None, None]
    out = AsPublishedNeuron().run(
        np.array([[ent, mem, inp]]), z, np.zeros(z.shape), np.ones(z.shape, int)
    )
    angle = np.array([np.pi * 0.5 + mem + inp, mem + inp + ent, np.pi * 0.9 + mem + inp + ent])
    np.testing.assert_allclose(out.p_spike[:, 0, 0], np.sin(angle / 2) ** 2)


def test_qlif_counts_shots():
    phi = np.linspace(0.1, 3.0, 5)
    p = qlif.firing_probability(phi, 0.4, 10)
    np.testing.assert_allclose(p, binom.sf(3, 10, np.sin(phi / 2) ** 2), rtol=1e-10)


def test_qlif_leaks_the_population_with_t1():
    phi = np.array([0.3, 2.0, 4.0])
    before, after = np.sin(phi / 2) ** 2, np.sin(qlif.leak(phi, 0.7) / 2) ** 2
    np.testing.assert_allclose(after, before * np.exp(-0.7))


def test_qlif_forgets_by_spiking():
    neuron = QLIFNeuron()
    z = np.full((2, 1, 1), 0.4)
    params = np.array([[-1.0, 0.0, 0.0]])
    spoke = neuron.run(params, z, np.zeros(z.shape), np.array([1, 1]).reshape(z.shape))
    silent = neuron.run(params, z, np.zeros(z.shape), np.array([0, 0]).reshape(z.shape))
    assert spoke.p_spike[1] == pytest.approx(spoke.p_spike[0])
    assert silent.p_spike[1, 0, 0] > 1.5 * spoke.p_spike[1, 0, 0]


@pytest.mark.parametrize("task", TASKS)
def test_a_neuron_with_quantum_memory_learns_what_its_rivals_cannot(task):
    """The table of docs/learning.md, one seed: chance is log 2 nats per step."""
    assert learn_neuron(task, SQSNeuron(ansatz.layered(), READOUT), 0.3, seed=0) < SOLVED
    for rival in (LIFNeuron(0.5), QLIFNeuron(1, 0.5), AsPublishedNeuron()):
        assert learn_neuron(task, rival, 0.3, seed=0) > 0.55
