"""The exact local scores against finite differences, the parameter-shift rule and each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.kernels import scores as _score_kernels
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.scores.online import OnlineScores, derivatives
from lava_sqs.quantum.scores.recorded import SpikeTrainScorer, score_spike_train

NOISE = NoiseModel(
    t1=100e-6,
    t2=80e-6,
    p_depol_1q=5e-4,
    p_depol_2q=8e-3,
    p_read1_given0=0.01,
    p_read0_given1=0.02,
    p_reset=0.006,
)
SIZES = [(1, 1), (1, 2), (2, 1)]
T, K = 30, 3


def recorded(circuit, noise, *, steps=T, batch=(), seed=0):
    """Angles, currents (some of them below zero) and the spikes a population really made."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, (K, circuit.n_params))
    tail = (circuit.io_qubits,) if circuit.io_qubits > 1 else ()
    currents = rng.uniform(-0.3, 0.9, (steps, *batch, K, *tail))
    spikes = Population(circuit, theta, batch=batch, noise=noise, seed=seed).run(currents).spikes
    return theta, currents, spikes


def log_likelihood(circuit, theta, currents, spikes, noise, signal=None):
    result = Population(circuit, theta, noise=noise).run(currents, outcome=spikes)
    weights = 1.0 if signal is None else signal
    return (weights * result.log_likelihood).sum(axis=0)


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_scores_equal_central_differences(size, noise):
    circuit = ansatz.layered(*size)
    theta, currents, spikes = recorded(circuit, noise)
    signal = np.random.default_rng(1).normal(size=(T, K))
    logp, d_theta, d_current = score_spike_train(
        circuit, theta, currents, spikes, noise=noise, signal=signal
    )
    assert logp.shape == (K,)
    assert d_theta.shape == theta.shape
    assert d_current.shape == currents.shape
    np.testing.assert_allclose(
        logp, log_likelihood(circuit, theta, currents, spikes, noise), rtol=0, atol=1e-11
    )
    h = 1e-5
    for j in range(circuit.n_params):
        step = np.zeros_like(theta)
        step[:, j] = h
        up = log_likelihood(circuit, theta + step, currents, spikes, noise, signal)
        down = log_likelihood(circuit, theta - step, currents, spikes, noise, signal)
        scale = np.abs(d_theta).max()
        np.testing.assert_allclose(d_theta[:, j], (up - down) / (2 * h), atol=1e-6 * scale, rtol=0)
    scale = np.abs(d_current).max()
    for t in range(0, T, 7):
        for n in range(size[0]):
            step = np.zeros_like(currents)
            where = (t, slice(None), n) if size[0] > 1 else (t,)
            step[where] = h
            up = log_likelihood(circuit, theta, currents + step, spikes, noise, signal)
            down = log_likelihood(circuit, theta, currents - step, spikes, noise, signal)
            np.testing.assert_allclose(
                d_current[where], (up - down) / (2 * h), atol=1e-6 * scale, rtol=0
            )


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_scores_equal_the_parameter_shift_rule(size, noise):
    circuit = ansatz.layered(*size)
    theta, currents, spikes = recorded(circuit, noise)
    signal = np.random.default_rng(1).normal(size=(T, K))
    exact = score_spike_train(circuit, theta, currents, spikes, noise=noise, signal=signal)
    shift = score_spike_train(
        circuit, theta, currents, spikes, noise=noise, signal=signal, method="parameter-shift"
    )
    for a, b in zip(exact, shift, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 * max(1.0, np.abs(a).max()))


def test_shared_angle_is_the_sum_over_its_gates():
    gates = [("RX", 0, "a"), ("CRX", (0, 1), "a"), ("RX", 0, "a"), ("CRX", (1, 0), "b"),
             ("RY", 1, 0.3), ("H", 1), ("RZZ", (0, 1), "b")]  # fmt: skip
    circuit = ansatz.from_gates(gates, io_qubits=1, memory_qubits=1)
    theta, currents, spikes = recorded(circuit, NOISE)
    _, exact, _ = score_spike_train(circuit, theta, currents, spikes, noise=NOISE)
    _, shift, _ = score_spike_train(
        circuit, theta, currents, spikes, noise=NOISE, method="parameter-shift"
    )
    np.testing.assert_allclose(exact, shift, rtol=0, atol=1e-10 * np.abs(exact).max())


SHARED = ansatz.from_gates(
    [("RX", 0, "a"), ("CRX", (0, 1), "a"), ("RZ", 0, ("a", -0.5, 0.3)), ("CRX", (1, 0), "b"),
     ("RY", 1, 0.3), ("RZ", 0, "c"), ("RZZ", (0, 1), "b")],
    io_qubits=1, memory_qubits=1,
)  # fmt: skip


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("circuit", [*(ansatz.layered(*s, layers=2) for s in SIZES), SHARED])
def test_derivatives_of_instruments_equal_the_pull_back(circuit, noise):
    program = compile_program(circuit, noise)
    rng = np.random.default_rng(2)
    theta = rng.uniform(-np.pi, np.pi, (2, circuit.n_params))
    dA = derivatives(program, theta)
    again, made = np.full_like(dA, np.nan), np.full((2, *program.shape), np.nan)
    program.derive(theta, again, made)
    assert again.tobytes() == dA.tobytes()
    assert made.tobytes() == program.build(theta).tobytes()
    G = rng.normal(size=(2, *program.shape))
    np.testing.assert_allclose(
        np.einsum("kpsicj,ksicj->kp", dA, G), program.pull_back(theta, G), rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_online_scores_add_up_to_the_reverse_form(size):
    circuit = ansatz.layered(*size)
    theta, currents, spikes = recorded(circuit, NOISE)
    _, d_theta, d_current = score_spike_train(circuit, theta, currents, spikes, noise=NOISE)
    online = OnlineScores(compile_program(circuit, NOISE), theta, size=K, window=T - 1)
    population = Population(circuit, theta, noise=NOISE)
    shape = (T, K, size[0])
    z, s = currents.reshape(shape), spikes.reshape(shape)
    sum_theta, sum_z, sum_bias = np.zeros_like(d_theta), np.zeros(shape), np.zeros(shape[1:])
    for t in range(T):
        online.step(z[t], s[t])
        population.step(currents[t], outcome=spikes[t])
        np.testing.assert_allclose(online.memory, population.memory, rtol=0, atol=1e-12)
        sum_theta += online.d_theta
        sum_bias += online.d_bias
        for h in range(t + 1):
            sum_z[t - h] += online.kappa[:, h]
    np.testing.assert_allclose(sum_theta, d_theta, rtol=0, atol=1e-11 * np.abs(d_theta).max())
    np.testing.assert_allclose(
        sum_z, d_current.reshape(shape), rtol=0, atol=1e-11 * np.abs(d_current).max()
    )
    np.testing.assert_allclose(
        sum_bias, d_current.reshape(shape).sum(axis=0), rtol=0, atol=1e-11 * np.abs(sum_bias).max()
    )


def test_batch_axes_sum_or_stay():
    circuit = ansatz.layered(1, 1)
    theta, currents, spikes = recorded(circuit, NOISE, batch=(2, 3))
    signal = np.random.default_rng(4).normal(size=(T, 2, 3, 1))
    logp, summed, d_z = score_spike_train(circuit, theta, currents, spikes, signal=signal)
    kept = score_spike_train(circuit, theta, currents, spikes, signal=signal, per_sample=True)
    assert logp.shape == (2, 3, K)
    assert kept[1].shape == (2, 3, K, circuit.n_params)
    np.testing.assert_allclose(kept[1].sum(axis=(0, 1)), summed, rtol=0, atol=1e-11)
    np.testing.assert_array_equal(kept[2], d_z)
    one = score_spike_train(
        circuit, theta, currents[:, 1, 2], spikes[:, 1, 2], signal=signal[:, 1, 2]
    )
    np.testing.assert_allclose(one[1], kept[1][1, 2], rtol=0, atol=1e-12)
    np.testing.assert_allclose(one[0], logp[1, 2], rtol=0, atol=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_the_kernel_of_small_neurons_equals_that_of_every_size(shared):
    """Over the borders of its tiles, with weights, and with steps that could not have happened."""
    circuit, neurons, batch = ansatz.paper(), 37, 3
    rng = np.random.default_rng(3)
    theta = rng.uniform(-np.pi, np.pi, (neurons, 3))
    theta[5:9] = 0.0  # noiseless and without input: a spike has probability zero
    theta = theta[5:6] if shared else theta
    z = rng.uniform(-0.5, 1.2, (9, batch, neurons))
    spikes = rng.integers(0, 2, z.shape)
    signal = rng.normal(size=z.shape)
    scorer = SpikeTrainScorer(circuit, theta[0] if shared else theta)
    assert scorer._small
    got = scorer.score(z, spikes, signal=signal)

    program = compile_program(circuit)
    A = program.build(theta)
    logp, G = np.zeros((batch, neurons)), np.zeros((neurons, *program.shape))
    d_z = np.empty((*z.shape, 1))
    hits = _score_kernels.score_trains(
        A,
        z[..., None],
        program.etas(z.shape[2]),
        spikes,
        signal,
        scorer._ground,
        1e-12,
        logp,
        G,
        d_z,
    )
    assert hits > 0
    d_theta = program.pull_back(np.broadcast_to(theta, (neurons, 3)), G)
    for a, b in zip(got, (logp, d_theta, d_z[..., 0]), strict=True):
        # Sums of terms as large as the largest result, whose rounding remains where they cancel.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11 * np.abs(b).max())


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3)], ids=str)
def test_samples_side_by_side_equal_each_by_itself_online(size, shared):
    """Over the border of a tile, with weights, and with steps that could not have happened."""
    circuit, neurons, batch, steps = ansatz.layered(*size), 2, 37, 4
    rng = np.random.default_rng(5)
    theta = rng.uniform(-np.pi, np.pi, (neurons, circuit.n_params))
    theta[1] = 0.0  # noiseless and without input: a spike has probability zero
    theta = theta[1:] if shared else theta
    z = rng.uniform(-0.5, 1.2, (steps, batch, neurons, circuit.io_qubits))
    spikes = rng.integers(0, 2, z.shape)
    signal = rng.normal(size=z.shape[:3])
    flat = z.shape if circuit.io_qubits > 1 else z.shape[:3]
    scorer = SpikeTrainScorer(circuit, theta[0] if shared else theta)
    data = z.reshape(flat), spikes.reshape(flat)
    logp, d_theta, d_z = scorer.score(*data, signal=signal)
    _, each_theta, each_z = scorer.score(*data, signal=signal, per_sample=True)

    program = compile_program(circuit)
    online = OnlineScores(program, theta, size=neurons, window=3)
    want = np.zeros(each_theta.shape)
    slopes = np.zeros(z.shape)
    for b in range(batch):
        online.reset()
        for t in range(steps):
            online.step(z[t, b], spikes[t, b])
            want[b] += signal[t, b, :, None] * online.d_theta
            for h in range(t + 1):
                slopes[t - h, b] += signal[t, b, :, None] * online.kappa[:, h]
    assert (logp < 2 * np.log(1e-12) / 3).any()  # steps that could not have happened did
    size_of = np.abs(want).max()
    np.testing.assert_allclose(each_theta, want, rtol=0, atol=1e-10 * size_of)
    np.testing.assert_allclose(d_theta, want.sum(axis=0), rtol=0, atol=1e-10 * size_of * batch)
    np.testing.assert_allclose(
        d_z.reshape(z.shape), slopes, rtol=0, atol=1e-10 * np.abs(slopes).max()
    )
    np.testing.assert_allclose(each_z, d_z, rtol=0, atol=1e-10 * np.abs(slopes).max())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_prebuilt_scorer_gives_the_same(size):
    circuit = ansatz.layered(*size)
    theta, currents, spikes = recorded(circuit, NOISE)
    want = score_spike_train(circuit, theta, currents, spikes, noise=NOISE)
    got = SpikeTrainScorer(circuit, theta, noise=NOISE, prebuild=True).score(currents, spikes)
    for a, b in zip(want, got, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)


def test_one_row_of_angles_serves_all_neurons():
    circuit = ansatz.layered(1, 1)
    theta, currents, spikes = recorded(circuit, None)
    shared = score_spike_train(circuit, theta[0], currents, spikes)
    tiled = score_spike_train(circuit, np.tile(theta[0], (K, 1)), currents, spikes)
    for a, b in zip(shared, tiled, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_rows_of_angles_serve_copies_one_after_the_other():
    circuit, copies = ansatz.layered(1, 1), 4
    theta, currents, spikes = recorded(circuit, NOISE, steps=6, batch=(copies,))
    z, s = currents.reshape(6, -1, 1), spikes.reshape(6, -1, 1)
    program = compile_program(circuit, NOISE)
    few, all_rows = (
        OnlineScores(program, rows, size=copies * K, window=2)
        for rows in (theta, np.tile(theta, (copies, 1)))
    )
    for t in range(6):
        few.step(z[t], s[t])
        all_rows.step(z[t], s[t])
    np.testing.assert_allclose(few.scores, all_rows.scores, rtol=0, atol=1e-12)
    np.testing.assert_allclose(few.kappa, all_rows.kappa, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="`theta` must have a row for each of 7 neurons"):
        OnlineScores(program, theta, size=7)


@given(seed=st.integers(0, 2**32 - 1), t=st.integers(1, 6))
def test_scores_have_zero_mean(seed, t):
    """Sum over all spike trains of P * d log P = d 1 = 0, exactly."""
    rng = np.random.default_rng(seed)
    circuit = ansatz.layered(1, 1)
    theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
    trains = (np.arange(2**t)[:, None] >> np.arange(t)) & 1
    currents = np.broadcast_to(rng.uniform(-0.2, 1.0, (t, 1)), (t, 2**t))
    logp, d_theta, d_z = score_spike_train(circuit, theta, currents, trains.T, noise=NOISE)
    p = np.exp(logp)
    np.testing.assert_allclose(p.sum(), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(p @ d_theta, 0, atol=1e-11)
    np.testing.assert_allclose(d_z @ p, 0, atol=1e-10)


def test_impossible_outcome_scores_zero_and_forgets():
    """theta = 0, z = 1: a spike is certain. Clamped to silence, the step teaches nothing."""
    circuit = ansatz.paper()
    logp, d_theta, d_z = score_spike_train(circuit, np.zeros((1, 3)), [[1.0]], [[0]])
    assert logp[0] == pytest.approx(np.log(1e-12))
    np.testing.assert_array_equal(d_theta, 0)
    np.testing.assert_array_equal(d_z, 0)
    # A train with an impossible step in the middle: the rest still learns, as finite numbers.
    _, d_theta, d_z = score_spike_train(
        circuit, [[0.0, 0.4, 0.0]], [[0.4], [0.0], [0.4]], [[1], [1], [1]]
    )
    assert np.isfinite(d_theta).all()
    assert np.isfinite(d_z).all()
    assert d_z[0] != 0


def test_spsa_is_right_on_average():
    """Mean of many SPSA estimates within 5 standard errors (false alarm below 1e-5 in all)."""
    circuit = ansatz.paper()
    theta, currents, spikes = recorded(circuit, NOISE, steps=5)
    _, exact, _ = score_spike_train(circuit, theta, currents, spikes, noise=NOISE)
    draws = np.array(
        [
            score_spike_train(
                circuit, theta, currents, spikes, noise=NOISE, method="spsa", epsilon=1e-4, seed=i
            )[1]
            for i in range(500)
        ]
    )
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - exact) < 5 * error).all()
    assert (error > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spikes": np.full((4, 2), 0.5)}, "`spikes` must hold 0 and 1"),
        ({"spikes": np.zeros((4, 3))}, "`spikes` must have the shape"),
        ({"currents": np.full((4, 2), np.nan)}, "`currents` must be finite"),
        ({"currents": np.zeros(4), "spikes": np.zeros(4)}, "`currents` must have shape"),
        ({"currents": np.zeros((4, 3)), "spikes": np.zeros((4, 3))}, "one per row of `theta`"),
        ({"theta": np.zeros((2, 4))}, "`theta` must have shape"),
        ({"signal": np.zeros((5, 2))}, "`signal` must broadcast"),
        ({"method": "exakt"}, "Did you mean 'exact'"),
        ({"method": "spsa", "epsilon": 0.0}, "`epsilon` must be above 0"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {
        "theta": np.zeros((2, 3)),
        "currents": np.zeros((4, 2)),
        "spikes": np.zeros((4, 2)),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        score_spike_train(ansatz.paper(), **arguments)


def test_ansatz_must_be_one():
    with pytest.raises(TypeError, match="`ansatz` must be an Ansatz"):
        score_spike_train("paper", np.zeros((1, 3)), np.zeros((1, 1)), np.zeros((1, 1)))
    assert isinstance(ansatz.paper(), Ansatz)


def test_shifts_of_a_train_whose_probability_is_no_float():
    """P = exp(-830) or so: the rule divides by it, and the scores are those of its logarithm."""
    circuit = ansatz.paper()
    theta = np.full((2, circuit.n_params), 0.02)
    currents, spikes = np.ones((100, 2)), np.zeros((100, 2), bool)
    one, other = (
        score_spike_train(circuit, theta, currents, spikes, method=method)
        for method in ("exact", "parameter-shift")
    )
    assert (one[0] < -745).all()
    assert np.isfinite(one[1]).all()
    np.testing.assert_allclose(other[1], one[1], rtol=1e-6)
