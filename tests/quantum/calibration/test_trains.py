"""The log-likelihood of whole trains: that of the scorer, in every shape that is taken."""

import numpy as np
import pytest

from lava_sqs import NoiseModel, ansatz
from lava_sqs.quantum import score_spike_train
from lava_sqs.quantum.calibration.trains import Trains

NOISE = NoiseModel(t1=1e-5, t2=8e-6, p_read1_given0=0.02, p_read0_given1=0.05, p_depol_2q=0.01)


def scored(trains, currents, circuit, theta, noise=NOISE):
    """Return log P by the scorer, whose first axis is time."""
    z = np.broadcast_to(currents, trains.shape).swapaxes(0, 1)
    return score_spike_train(circuit, theta, z, trains.swapaxes(0, 1), noise=noise)[0]


@pytest.mark.parametrize(
    ("neurons", "samples", "steps", "size", "repeated", "shared"),
    [
        (1, 40, 3, (1, 1), True, True),
        (3, 30, 4, (1, 1), True, False),
        (3, 20, 5, (1, 1), False, True),
        (2, 10, 2, (2, 1), True, False),
        (1, 1, 1, (2, 1), False, False),
    ],
)
def test_it_is_what_the_scorer_says(neurons, samples, steps, size, repeated, shared):
    """Also where many trains are equal, which are then computed once."""
    rng, circuit = np.random.default_rng(samples), ansatz.layered(*size)
    theta = rng.uniform(-np.pi, np.pi, (neurons, circuit.n_params))
    shape = (samples, steps, neurons) + ((size[0],) if size[0] > 1 else ())
    currents = rng.uniform(-0.5, 1.2, shape[1:] if shared else shape)
    if repeated:
        currents = np.round(currents)
    trains = rng.integers(0, 2, shape)
    found = NOISE.log_likelihood(trains, currents, ansatz=circuit, theta=theta)
    assert found.shape == (samples, neurons)
    assert found == pytest.approx(scored(trains, currents, circuit, theta), rel=1e-9)


def test_one_neuron_has_no_axis_of_its_own():
    circuit, rng = ansatz.paper(), np.random.default_rng(0)
    theta, currents = rng.uniform(-3, 3, 3), rng.random((20, 5))
    trains = rng.integers(0, 2, (20, 5))
    wanted = scored(trains[..., None], currents[..., None], circuit, theta)[:, 0]
    for shape in ((20, 5), (20, 5, 1)):
        found = NOISE.log_likelihood(
            trains.reshape(shape), currents.reshape(shape), ansatz=circuit, theta=theta
        )
        assert found.shape == (20,)
        assert found == pytest.approx(wanted, rel=1e-9)


def test_equal_trains_are_kept_once():
    circuit = ansatz.paper()
    rng = np.random.default_rng(0)
    data = Trains(rng.integers(0, 2, (1000, 3)), [0.2, 0.5, -1.0], circuit, [0.1, 0.2, 0.3])
    assert data.weights.shape == (8, 1)
    assert data.weights.sum() == data.n_trains == 1000
    assert data.n_steps == 3000


@pytest.mark.slow
def test_large_memories_have_a_likelihood_too():
    circuit, rng = ansatz.layered(1, 4), np.random.default_rng(0)
    theta = rng.uniform(-3, 3, circuit.n_params)
    trains, currents = rng.integers(0, 2, (3, 4)), rng.random((3, 4))
    found = NOISE.log_likelihood(trains, currents, ansatz=circuit, theta=theta, backend="density")
    again = NOISE.log_likelihood(
        trains, currents, ansatz=circuit, theta=theta, backend="instrument"
    )
    assert found == pytest.approx(again, rel=1e-9)
