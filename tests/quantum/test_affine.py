"""Angles that are affine in theta, in every engine and score."""

import numpy as np
import pytest

from lava_sqs import SQSNN
from lava_sqs.network.files import _ansatz_from_dict, _ansatz_to_dict
from lava_sqs.plot.circuit import draw_circuit
from lava_sqs.quantum import NoiseModel, OnlineScores, Population, ansatz, score_spike_train
from lava_sqs.quantum.density import compile_density
from lava_sqs.quantum.program import compile_program

# The same components of theta at several places, with scales of their own, beside plain ones.
GATES = [
    ("RX", 0, ("a", 2.0, 0.3)), ("RZ", 1, "b"), ("SX", 2), ("CRX", (0, 1), ("a", -0.5, 0.0)),
    ("RX", 1, ("b", 1.0, -1.1)), ("RX", 1, ("c", -1.0, 0.0)), ("ECR", (1, 0)), ("RY", 2, "a"),
    ("CRX", (2, 0), ("c", 1.5, 0.2)), ("RX", 0, ("a", 2.0, 0.3)),
]  # fmt: skip
CIRCUIT = ansatz.from_gates(GATES, io_qubits=1, memory_qubits=2, name="affine")
NOISE = NoiseModel(t1=1e-5, t2=8e-6, p_depol_1q=0.01, p_depol_2q=0.03, p_read1_given0=0.02)
RNG = np.random.default_rng(5)
THETA = RNG.uniform(-2, 2, (3, CIRCUIT.n_params))
Z = RNG.uniform(-0.3, 1, (6, 3))
SPIKES = Population(CIRCUIT, THETA, noise=NOISE, seed=3).run(Z).spikes


def plain(theta):
    """Return the circuit with its angles written out."""
    fixed = []
    for name, qubits, *angle in GATES:
        where = angle[0] if angle else None
        if where is not None:
            key, scale, offset = where if isinstance(where, tuple) else (where, 1.0, 0.0)
            where = scale * theta[CIRCUIT.param_names.index(key)] + offset
        fixed.append((name, qubits, where) if angle else (name, qubits))
    return ansatz.from_gates(fixed, io_qubits=1, memory_qubits=2)


def log_likelihood(theta, circuit=CIRCUIT, backend="instrument", noise=NOISE):
    population = Population(circuit, theta, size=1, noise=noise, backend=backend, seed=0)
    return population.run(Z[:, :1], SPIKES[:, :1]).log_likelihood.sum()


@pytest.mark.parametrize("backend", ["instrument", "density", "qutip"])
def test_engines_turn_by_scale_times_theta_plus_offset(backend):
    for theta in THETA:
        want = log_likelihood([], plain(theta))
        assert abs(log_likelihood(theta, backend=backend) - want) < 1e-10
        assert abs(log_likelihood(theta * 1.01, backend=backend) - want) > 1e-6


def test_trajectories_do_so_too():
    for theta in THETA:
        want = log_likelihood([], plain(theta), noise=None)
        assert abs(log_likelihood(theta, backend="trajectory", noise=None) - want) < 1e-10


def finite_differences(h=1e-6):
    slopes = np.empty_like(THETA[0])
    for p in range(len(slopes)):
        step = h * np.eye(len(slopes))[p]
        slopes[p] = (log_likelihood(THETA[0] + step) - log_likelihood(THETA[0] - step)) / (2 * h)
    return slopes


@pytest.mark.parametrize(
    "options", [{}, {"per_sample": True}, {"method": "parameter-shift"}, {"backend": "density"}],
    ids=str,
)  # fmt: skip
def test_recorded_scores_are_those_of_theta(options):
    args = CIRCUIT, THETA, Z, SPIKES
    _, d_theta, _ = score_spike_train(*args, noise=NOISE, **options)
    np.testing.assert_allclose(np.reshape(d_theta, THETA.shape)[0], finite_differences(), atol=1e-6)


@pytest.mark.parametrize("compile_", [compile_program, compile_density])
def test_online_scores_are_those_of_theta(compile_):
    scores = OnlineScores(compile_(CIRCUIT, NOISE), THETA, size=3)
    for _ in range(2):
        total = np.zeros_like(THETA)
        scores.reset()
        scores.set_theta(THETA)  # the second time in the arrays that are there
        for z, s in zip(Z, SPIKES, strict=True):
            scores.step(z[:, None], s[:, None])
            total += scores.d_theta
        np.testing.assert_allclose(total[0], finite_differences(), atol=1e-6)


def test_files_drawings_and_pictures_know_them():
    assert _ansatz_from_dict(_ansatz_to_dict(CIRCUIT)) == CIRCUIT
    assert "[RX(2 a + 0.3)]" in CIRCUIT.draw()
    assert "[RX(-c)]" in CIRCUIT.draw()
    texts = [t.get_text() for t in draw_circuit(CIRCUIT).texts]
    assert any("1.5 c + 0.2" in t for t in texts)


def test_networks_learn_them(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (20, 4, 3)), np.repeat([0, 1], 10)
    net = SQSNN(
        (2,), ansatz=CIRCUIT, epochs=2, random_state=0, noise=NOISE, input_kind="spikes"
    ).fit(X, y)
    net.save(tmp_path / "net.npz")
    again = SQSNN.load(tmp_path / "net.npz")
    assert again.spec_.visible.neuron.ansatz == CIRCUIT
    assert (again.predict(X) == net.predict(X)).all()


@pytest.mark.parametrize(
    "angle", [("a", 1.0), ("a", np.nan, 0.0), ("a", 1.0, "b"), ("a", 1.0, np.inf), ("a", [1], 0)]
)
def test_angles_that_are_none_are_refused(angle):
    with pytest.raises((TypeError, ValueError), match=r"`gates\[0\]\[2\]"):
        ansatz.from_gates([("RX", 0, angle)], io_qubits=1, memory_qubits=1)
