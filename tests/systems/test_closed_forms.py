"""The `paper` circuit against its closed form; derivations in README.md beside this file."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.quantum import Population, ReferenceNeuron, ansatz, instrument


def alpha_recursion(theta, z, spikes):
    """Probabilities p(1) of the closed form along a given spike train; arrays over neurons."""
    ent, mem, inp = np.moveaxis(theta, -1, 0)
    alpha = np.zeros(ent.shape)
    p = np.empty(z.shape)
    for t in range(len(z)):
        a = np.pi * np.maximum(z[t], 0) + inp
        p[t] = (np.cos(alpha / 2) * np.sin(a / 2)) ** 2 + (
            np.sin(alpha / 2) * np.sin((a + ent) / 2)
        ) ** 2
        k0 = np.where(spikes[t], np.sin(a / 2), np.cos(a / 2))
        k1 = np.where(spikes[t], np.sin((a + ent) / 2), np.cos((a + ent) / 2))
        alpha = mem + 2 * np.arctan2(k1 * np.sin(alpha / 2), k0 * np.cos(alpha / 2))
    return p


def test_paper_circuit_follows_its_closed_form_for_300_steps():
    rng = np.random.default_rng(0)
    theta = rng.uniform(-np.pi, np.pi, (50, 3))
    z = rng.uniform(-0.5, 1.0, (300, 50))
    result = Population(ansatz.paper(), theta, seed=1).run(z)
    error = np.abs(result.p_spike - alpha_recursion(theta, z, result.spikes)).max()
    assert error <= 1e-12, error


def mean_memory(circuit, theta, currents):
    """The memory averaged over all outcomes: apply the summed instrument step by step."""
    r = ReferenceNeuron(circuit, theta).memory
    for z in currents:
        total = sum(instrument(circuit, theta, z))
        r = total(r)
    return r.full()


@given(seed=st.integers(0, 2**32 - 1))
def test_unconditional_memory_of_paper_never_depends_on_the_input(seed):
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, 3)
    one, other = rng.uniform(0, 1, (2, 4))
    difference = mean_memory(ansatz.paper(), theta, one) - mean_memory(ansatz.paper(), theta, other)
    assert np.abs(difference).max() < 1e-14


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)])
def test_unconditional_memory_of_layered_depends_on_the_input(size):
    circuit = ansatz.layered(*size)
    rng = np.random.default_rng(3)
    for _ in range(5):
        theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
        zero, one = np.zeros((2, size[0])), np.ones((2, size[0]))
        difference = mean_memory(circuit, theta, zero) - mean_memory(circuit, theta, one)
        assert np.abs(difference).max() > 1e-3


def test_full_flip_always_spikes_and_no_input_never_does():
    pop = Population(ansatz.paper(), np.zeros(3), size=2, seed=0)
    result = pop.run(np.tile([1.0, 0.0], (50, 1)))
    np.testing.assert_array_equal(result.spikes, np.tile([1, 0], (50, 1)))


@pytest.mark.filterwarnings("ignore:.*wraps")
def test_current_of_two_wraps_to_no_input():
    theta = np.random.default_rng(0).uniform(-np.pi, np.pi, 3)
    pops = [Population(ansatz.paper(), theta, size=1) for _ in range(2)]
    a = pops[0].run(np.full((5, 1), 2.0), outcome=np.ones((5, 1), int))
    b = pops[1].run(np.zeros((5, 1)), outcome=np.ones((5, 1), int))
    np.testing.assert_allclose(a.p_spike, b.p_spike, atol=1e-14)
    assert pops[0].wraps == 5
    assert pops[1].wraps == 0
