"""Scores of neurons that go gate by gate: equal to those by instruments, and to differences."""

import numpy as np
import pytest

from lava_sqs.quantum import (
    NoiseModel,
    OnlineScores,
    SpikeTrainScorer,
    ansatz,
    score_spike_train,
)
from lava_sqs.quantum.density import compile_density
from lava_sqs.quantum.program import compile_program

NOISE = NoiseModel.preset("ibm_brisbane").replace(p_reset=0.01, thermal_population=0.02)
SIZES = [(1, 1), (1, 2), (2, 1), (1, 3), (2, 2)]


def train(size, *, steps=8, batch=3, neurons=2, seed=0, layers=1):
    rng = np.random.default_rng(seed)
    circuit = ansatz.layered(*size, layers)
    shape = (steps, batch, neurons, size[0]) if size[0] > 1 else (steps, batch, neurons)
    theta = rng.uniform(-np.pi, np.pi, (neurons, circuit.n_params))
    return circuit, theta, rng.uniform(-0.3, 1, shape), rng.integers(0, 2, shape), rng


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("batch", [1, 6])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_recorded_scores_equal_those_by_instruments(size, batch, noise):
    circuit, theta, z, s, rng = train(size, batch=batch, layers=2 if size == (1, 1) else 1)
    signal = rng.normal(size=z.shape[:3])
    for angles, per_sample in ((theta, False), (theta[0], True)):
        options = {"noise": noise, "signal": signal, "per_sample": per_sample}
        want, got = (
            score_spike_train(circuit, angles, z, s, backend=b, **options)
            for b in ("instrument", "density")
        )
        for one, two in zip(want, got, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


def test_a_shared_angle_a_constant_gate_and_a_unitary_are_scored():
    import qutip

    rng = np.random.default_rng(1)
    circuit = ansatz.from_gates(
        [
            ("RX", 0, "a"), ("H", 1), ("RZ", 1, "a"), ("RY", 1, "b"), ("CRY", (1, 0), "a"),
            ("RXX", (2, 1), "b"), ("ISWAP", (2, 0)), ("RX", 2, 0.7), ("CRZ", (2, 1), "c"),
        ],
        io_qubits=1,
        memory_qubits=2,
    )  # fmt: skip
    unitary = ansatz.from_unitary(
        qutip.rand_unitary(8, seed=3).full(), io_qubits=1, memory_qubits=2
    )
    z, s = rng.uniform(-0.2, 1, (6, 2)), rng.integers(0, 2, (6, 2))
    for made in (circuit, unitary):
        theta = rng.uniform(-3, 3, (2, made.n_params))
        want, got = (
            score_spike_train(made, theta, z, s, noise=NOISE, backend=b)
            for b in ("instrument", "density")
        )
        for one, two in zip(want, got, strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-12)


@pytest.mark.parametrize("m", [5, 6])
def test_scores_equal_differences(m):
    circuit, theta, z, s, rng = train((1, m), steps=6, batch=1, neurons=1, seed=m)
    z = np.abs(z)
    signal = rng.normal(size=(6, 1, 1))

    def objective(angles, currents):
        """sum_t L_t log p_t, from a run that is clamped."""
        from lava_sqs.quantum import Population

        pop = Population(circuit, angles, batch=1, noise=NOISE, seed=0, backend="density")
        return float((signal * pop.run(currents, s).log_likelihood).sum())

    _, d_theta, d_z = score_spike_train(circuit, theta, z, s, noise=NOISE, signal=signal)
    h = 1e-5
    for j in range(circuit.n_params):
        move = h * np.eye(circuit.n_params)[[j]]
        slope = (objective(theta + move, z) - objective(theta - move, z)) / (2 * h)
        assert d_theta[0, j] == pytest.approx(slope, abs=1e-7)
    for t in range(6):
        move = h * np.eye(6)[t][:, None, None]
        slope = (objective(theta, z + move) - objective(theta, z - move)) / (2 * h)
        assert d_z[t, 0, 0] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("angles", [True, False])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_online_scores_equal_those_by_instruments(size, angles):
    circuit, theta, z, s, _ = train(size, steps=10, batch=2)
    for window in (0, 4):
        options = {"size": 4, "window": window, "angles": angles}
        a = OnlineScores(compile_program(circuit, NOISE), theta, **options)
        b = OnlineScores(compile_density(circuit, NOISE), theta, **options)
        for t in range(10):
            if t == 7:
                a.reset()
                b.reset()
            if t == 8:
                a.set_theta(theta + 0.1)
                b.set_theta(theta + 0.1)
            for scores in (a, b):
                now = (4, size[0])
                scores.step(z[t].reshape(now), s[t].reshape(now), open_=t != 3)
            for name in ("scores", "kappa", "memory"):
                one, two = getattr(a, name), getattr(b, name)
                np.testing.assert_allclose(one, two, rtol=0, atol=1e-12, err_msg=name)


def test_online_and_recorded_scores_agree_where_instruments_end():
    circuit, theta, z, s, _ = train((1, 6), steps=5, batch=1, neurons=2)
    scores = OnlineScores(compile_density(circuit, NOISE), theta, size=2, window=4)
    total, d_z = 0.0, np.zeros((5, 2))
    for t in range(5):
        scores.step(z[t, 0, :, None], s[t, 0, :, None])
        total = total + scores.d_theta
        for h in range(t + 1):
            d_z[t - h] += scores.kappa[:, h, 0]
    _, d_theta, d_current = score_spike_train(circuit, theta, z, s, noise=NOISE)
    np.testing.assert_allclose(total, d_theta, rtol=0, atol=1e-12)
    np.testing.assert_allclose(d_z, d_current[:, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("lanes", [1, 4])
def test_an_impossible_outcome_has_no_score(lanes):
    """As by instruments: the step counts the floor, and what follows goes on from there."""
    circuit = ansatz.layered(1, 2)
    theta = np.zeros((1, circuit.n_params))
    z, s = np.full((4, lanes, 1), 0.5), np.zeros((4, lanes, 1), dtype=int)
    z[1], s[1] = 0.0, 1  # no current, no spike
    want, got = (
        score_spike_train(circuit, theta, z, s, backend=b) for b in ("instrument", "density")
    )
    assert want[0][0] < np.log(1e-12)
    for one, two in zip(want, got, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-12)


def test_the_engine_of_scores_is_chosen_by_size_and_named():
    for m, want in ((1, "instrument"), (3, "instrument"), (4, "density"), (6, "density")):
        circuit = ansatz.layered(1, m)
        assert SpikeTrainScorer(circuit, np.zeros(circuit.n_params), noise=NOISE).backend == want
    with pytest.raises(ValueError, match=r"`backend` must be one of 'instrument', 'density'"):
        SpikeTrainScorer(ansatz.paper(), [0, 0, 0], noise=NOISE, backend="trajectory")
    with pytest.raises(
        ValueError, match=r"`backend` must be 'instrument' or None for method='spsa'"
    ):
        score_spike_train(ansatz.paper(), [0, 0, 0], [[1]], [[1]], method="spsa", backend="density")


def test_the_refusal_says_what_fits():
    circuit = ansatz.layered(1, 9)
    with pytest.raises(ValueError, match=r"`memory_qubits` = 9.*needs .* GB.*at most 8 memory"):
        SpikeTrainScorer(circuit, np.zeros(circuit.n_params), noise=NOISE)
    with pytest.raises(ValueError, match=r"needs .* GB; the limit is .*fewer neurons or steps"):
        OnlineScores(compile_density(ansatz.layered(1, 6)), np.zeros((1, 33)), size=2000)
