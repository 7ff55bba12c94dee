"""Scores of pure memories: equal to those of the other engines, and to differences."""

import time

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sqs.neurons import SQSNeuron
from lava_sqs.quantum import (
    NoiseModel,
    OnlineScores,
    Population,
    SpikeTrainScorer,
    ansatz,
    score_spike_train,
)
from lava_sqs.quantum.density import compile_density
from lava_sqs.quantum.engines.choose import exact_backend
from lava_sqs.quantum.gates import FIXED, ROTATIONS
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.pure import compile_pure

SIZES = [(1, 1), (1, 2), (2, 1), (1, 3), (2, 2)]


def train(circuit, *, steps=8, batch=3, neurons=2, seed=0, shared=False):
    """Return angles, currents and spikes that the neurons have drawn."""
    rng = np.random.default_rng(seed)
    channels = (circuit.io_qubits,) if circuit.io_qubits > 1 else ()
    theta = rng.uniform(-np.pi, np.pi, (neurons, circuit.n_params))
    theta = np.broadcast_to(theta[:1], theta.shape) if shared else theta
    z = rng.uniform(-0.3, 1, (steps, batch, neurons, *channels))
    drawn = Population(circuit, theta, batch=batch, seed=seed, backend="trajectory").run(z)
    return theta, z, drawn.spikes, rng.normal(size=z.shape[:3])


def assert_same(one, two, atol=1e-12):
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol * max(1, np.abs(a).max(initial=0)))


@pytest.mark.parametrize("shared", [False, True], ids=["each", "shared"])
@pytest.mark.parametrize("batch", [1, 4, 6])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_recorded_scores_equal_those_by_instruments(size, batch, shared):
    circuit = ansatz.layered(*size, layers=2 if size == (1, 1) else 1)
    theta, z, s, signal = train(circuit, batch=batch, shared=shared)
    for weights, per_sample in ((None, False), (signal, True)):
        options = {"signal": weights, "per_sample": per_sample}
        angles = theta[0] if shared else theta
        assert_same(
            *(
                score_spike_train(circuit, angles, z, s, backend=b, **options)
                for b in ("instrument", "trajectory")
            )
        )


@pytest.mark.parametrize("m", [4, 5])
def test_recorded_and_online_scores_equal_those_of_density_matrices(m):
    circuit = ansatz.layered(1, m)
    theta, z, s, signal = train(circuit, batch=2, seed=m)
    assert_same(
        *(
            score_spike_train(circuit, theta, z, s, backend=b, signal=signal)
            for b in ("density", "trajectory")
        )
    )
    online = [
        OnlineScores(f(circuit), theta, size=4, window=2) for f in (compile_density, compile_pure)
    ]
    for t in range(4):
        for scores in online:
            scores.step(z[t].reshape(4, 1), s[t].reshape(4, 1))
        one, two = online
        assert_same((one.scores, one.kappa), (two.scores, two.kappa))


@pytest.mark.parametrize("m", [5, 6])
def test_scores_equal_differences(m):
    circuit = ansatz.layered(1, m)
    theta, z, s, signal = train(circuit, steps=6, batch=1, neurons=1, seed=m)
    z = np.abs(z)

    def objective(angles, currents):
        """sum_t L_t log p_t, from a run that is clamped."""
        pop = Population(circuit, angles, batch=1, seed=0, backend="trajectory")
        return float((signal * pop.run(currents, s).log_likelihood).sum())

    logp, d_theta, d_z = score_spike_train(circuit, theta, z, s, signal=signal)
    signal, weights = np.ones_like(signal), signal
    assert logp.sum() == pytest.approx(objective(theta, z), abs=1e-12)
    signal, h = weights, 1e-5
    for j in range(circuit.n_params):
        move = h * np.eye(circuit.n_params)[[j]]
        slope = (objective(theta + move, z) - objective(theta - move, z)) / (2 * h)
        assert d_theta[0, j] == pytest.approx(slope, abs=1e-7)
    for t in range(6):
        move = h * np.eye(6)[t][:, None, None]
        slope = (objective(theta, z + move) - objective(theta, z - move)) / (2 * h)
        assert d_z[t, 0, 0] == pytest.approx(slope, abs=1e-7)


@st.composite
def circuits(draw):
    io, memory = draw(st.sampled_from([(1, 1), (1, 2), (2, 1)]))
    n = io + memory
    gates = []
    for _ in range(draw(st.integers(1, 12))):
        name = draw(st.sampled_from([*ROTATIONS, *FIXED]))
        wide = (ROTATIONS.get(name) or FIXED[name])[0]
        qubits = tuple(draw(st.permutations(range(n)))[:wide])
        angle = draw(st.sampled_from(["a", "b", "c", 0.7])) if name in ROTATIONS else None
        gates.append((name, qubits) if angle is None else (name, qubits, angle))
    return ansatz.from_gates(gates, io_qubits=io, memory_qubits=memory)


@settings(max_examples=25, deadline=None)
@given(circuits(), st.integers(0, 1000))
def test_every_circuit_of_every_gate_is_scored_as_by_instruments(circuit, seed):
    """Gates that are multiplied together, angles that several share, constants, empty circuits."""
    theta, z, s, _ = train(circuit, steps=5, batch=1, neurons=2, seed=seed)
    assert_same(
        *(score_spike_train(circuit, theta, z, s, backend=b) for b in ("instrument", "trajectory")),
        atol=1e-11,  # outcomes that are nearly impossible are less exact in instruments
    )


def test_a_given_unitary_is_scored():
    unitary = ansatz.from_unitary(
        qutip.rand_unitary(8, seed=3).full(), io_qubits=1, memory_qubits=2
    )
    theta, z, s, _ = train(unitary)
    assert_same(
        *(score_spike_train(unitary, theta, z, s, backend=b) for b in ("instrument", "trajectory"))
    )


@pytest.mark.parametrize("angles", [True, False])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_online_scores_equal_those_by_instruments(size, angles):
    circuit = ansatz.layered(*size)
    theta, z, s, _ = train(circuit, steps=10, batch=2)
    for window in (0, 4):
        options = {"size": 4, "window": window, "angles": angles}
        a = OnlineScores(compile_program(circuit), theta, **options)
        b = OnlineScores(compile_pure(circuit), theta, **options)
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
            assert_same((a.scores, a.kappa), (b.scores, b.kappa))


def test_online_and_recorded_scores_agree_where_instruments_end():
    circuit = ansatz.layered(1, 7)
    theta, z, s, _ = train(circuit, steps=5, batch=1)
    scores = OnlineScores(compile_pure(circuit), theta, size=2, window=4)
    total, d_z = 0.0, np.zeros((5, 2))
    for t in range(5):
        scores.step(z[t, 0, :, None], s[t, 0, :, None])
        total = total + scores.d_theta
        for h in range(t + 1):
            d_z[t - h] += scores.kappa[:, h, 0]
    _, d_theta, d_current = score_spike_train(circuit, theta, z, s, backend="trajectory")
    assert_same((total, d_z), (d_theta, d_current[:, 0]))


@pytest.mark.parametrize("lanes", [1, 4])
def test_an_impossible_outcome_has_no_score(lanes):
    """As by instruments: with one io qubit the other outcome is certain, and what is left is it."""
    circuit = ansatz.layered(1, 2)
    theta = np.zeros((1, circuit.n_params))
    z, s = np.full((4, lanes, 1), 0.5), np.zeros((4, lanes, 1), dtype=int)
    z[1], s[1] = 0.0, 1  # no current, no spike
    want, got = (
        score_spike_train(circuit, theta, z, s, backend=b) for b in ("instrument", "trajectory")
    )
    assert want[0][0] < np.log(1e-12)
    assert_same(want, got)
    one, two = (
        OnlineScores(f(circuit), theta, size=lanes) for f in (compile_program, compile_pure)
    )
    for t in range(4):
        for scores in (one, two):
            scores.step(z[t], s[t])
        assert_same((one.scores, one.kappa), (two.scores, two.kappa))


def test_an_impossible_outcome_that_leaves_a_mixed_memory_is_refused():
    circuit = ansatz.from_gates(
        [("RX", 2, "a"), ("CX", (0, 2)), ("CX", (0, 1))], io_qubits=2, memory_qubits=1
    )  # both io qubits say the same
    z = np.full((2, 1, 1, 2), 0.5)
    z[..., 1] = 0.0
    s = np.array([[0, 1], [0, 0]]).reshape(z.shape)
    for run in (
        lambda: score_spike_train(circuit, [[0.3]], z, s, backend="trajectory"),
        lambda: OnlineScores(compile_pure(circuit), np.array([[0.3]]), size=1).step(
            z[0, 0], s[0, 0]
        ),
    ):
        with pytest.raises(ValueError, match=r"`spikes` must be possible .*backend='density'"):
            run()
    assert np.isfinite(score_spike_train(circuit, [[0.3]], z, s, backend="density")[0]).all()


def test_pure_memories_are_chosen_by_size_without_noise():
    for noise in (None, NoiseModel(), NoiseModel(p_reset=0.01)):
        pure = noise is None or noise == NoiseModel()
        for m in (1, 2, 3, 4, 8, 12):
            name = exact_backend(ansatz.layered(1, m), noise)
            assert (name == "trajectory") == (pure and m > 2)
    circuit = ansatz.layered(1, 12)
    scorer = SpikeTrainScorer(circuit, np.zeros((1, circuit.n_params)))
    assert scorer.backend == "trajectory"


def test_networks_learn_with_pure_memories():
    neuron = SQSNeuron(ansatz.layered(1, 4))
    rng = np.random.default_rng(0)
    params, z, u = neuron.initial(3, rng), rng.uniform(0, 1, (6, 5, 3)), rng.random((6, 5, 3))
    exact, batches = neuron.compile(params), neuron.compile_batches(params, np.float64)
    a, b = exact.run(z, u), batches.run(z, u)
    np.testing.assert_array_equal(a.spikes, b.spikes)
    np.testing.assert_allclose(a.p_spike, b.p_spike, atol=1e-13)
    want = Population(neuron.ansatz, params, batch=5, seed=0, backend="density")
    np.testing.assert_array_equal(want.run(z, uniforms=u).spikes, a.spikes)
    signal = rng.normal(size=(6, 5, 3))
    expected = SpikeTrainScorer(neuron.ansatz, params, backend="density").score(
        z, a.spikes, signal=signal
    )[1:]
    for bound in (exact, batches):
        assert_same(bound.score(z, a.spikes, signal), expected)
    assert_same([neuron.window_score(params, z, a.spikes, signal, 5)], expected[1:])
    assert neuron.process_arguments(params, np.zeros(3))["backend"] == "trajectory"
    memory = exact.start(5), batches.start(5)
    for half in (slice(0, 3), slice(3, 6)):
        for go_on in memory:
            np.testing.assert_array_equal(
                go_on(z[half], u[half], None, record=False).spikes, a.spikes[half]
            )


def test_twelve_memory_qubits_are_scored_in_time():
    circuit = ansatz.layered(1, 12)
    theta, z, s, _ = train(circuit, steps=20, batch=1, neurons=1)
    scorer = SpikeTrainScorer(circuit, theta)
    scorer.score(z[:1], s[:1])  # what Numba compiles
    start = time.process_time()
    logp, d_theta, _ = scorer.score(z, s)
    assert time.process_time() - start < 2  # 2 ms per step on a quiet machine
    h, j = 1e-5, 30
    move = h * np.eye(circuit.n_params)[[j]]
    up, down = (SpikeTrainScorer(circuit, theta + d).score(z, s)[0] for d in (move, -move))
    assert d_theta[0, j] == pytest.approx(((up - down) / (2 * h)).item(), abs=1e-7)
    assert logp.item() < 0


def test_the_refusal_says_what_fits():
    circuit = ansatz.layered(1, 22)
    with pytest.raises(ValueError, match=r"`memory_qubits` = 22.*needs .* GB.*at most 18 memory"):
        SpikeTrainScorer(circuit, np.zeros(circuit.n_params))
    circuit = ansatz.layered(1, 12)
    theta = np.zeros((1, circuit.n_params))
    with pytest.raises(ValueError, match=r"needs .* GB; the limit is .*fewer neurons or steps"):
        OnlineScores(compile_pure(circuit), theta, size=2000)
    z = np.zeros((40_000, 1, 1))
    with pytest.raises(ValueError, match=r"needs .* GB; the limit is .*fewer neurons or steps"):
        SpikeTrainScorer(circuit, theta).score(z, z)
