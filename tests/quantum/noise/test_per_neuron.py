"""Noise that differs from neuron to neuron: each is what it would be among its own kind."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lava_sqs.quantum import NoiseModel, Population, SpikeTrainScorer, ansatz, score_spike_train
from lava_sqs.quantum._room import compiled_bytes
from lava_sqs.quantum.engines.choose import compile_exact, default_backend, exact_backend
from lava_sqs.quantum.lanes import Lanes, MapLanes
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.quantum.scores.online import OnlineScores

TORINO = NoiseModel.preset("ibm_torino")
X = [[0, 1], [1, 0]]
#: Channels of different kinds: none, readout alone, a coupling, a table, a user's, late gates.
KINDS = {
    "torino": TORINO,
    "none": None,
    "readout": NoiseModel(p_read1_given0=0.1, p_read0_given1=0.2),
    "coupled": TORINO.replace(zz={(0, 1): 2e5}),
    "bad": TORINO.scaled(4),
    "turned": TORINO.with_gate("RX", over_rotation=0.1).with_gate("ENCODE", error=0.02),
    "late": TORINO.replace(clock="alap", reset_time=1e-6),
    "user": NoiseModel().with_channel(
        "readout", [0.9**0.5 * np.eye(2), 0.1**0.5 * np.array(X)], qubits=0
    ),
}
MODELS = list(KINDS.values())
SIZES = [(1, 1), (1, 2), (2, 1)]
EXACT = ["instrument", "density"]


def neurons(io, memory, steps=12, batch=3, seed=0, models=MODELS):
    """Return a circuit, angles of a neuron per model, currents and uniform numbers."""
    circuit, rng = ansatz.layered(io, memory), np.random.default_rng(seed)
    theta = rng.uniform(-3, 3, (len(models), circuit.n_params))
    z = rng.uniform(-1, 1, (steps, batch, len(models), io))
    return circuit, theta, z[..., 0] if io == 1 else z, rng.random((steps, batch, len(models)))


@pytest.mark.parametrize(("io", "memory"), SIZES)
@pytest.mark.parametrize("backend", EXACT)
def test_each_neuron_is_that_of_a_population_of_its_own_model(io, memory, backend):
    circuit, theta, z, u = neurons(io, memory)
    options = {"batch": 3, "backend": backend}
    all_ = Population(circuit, theta, noise=MODELS, **options).run(z, uniforms=u)
    scores = SpikeTrainScorer(circuit, theta, noise=MODELS, backend=backend)
    found = scores.score(z, all_.spikes)
    for k, model in enumerate(MODELS):
        own = Population(circuit, theta, noise=model, **options).run(z, uniforms=u)
        for name in ("spikes", "p_spike", "memory", "log_likelihood"):
            whole, one = getattr(all_, name), getattr(own, name)
            assert np.array_equal(whole[:, :, k], one[:, :, k]), name  # to the last bit
        one = SpikeTrainScorer(circuit, theta, noise=model, backend=backend)
        for a, b, axis in zip(found, one.score(z, all_.spikes), (1, 0, 2), strict=True):
            a, b = np.take(a, k, axis), np.take(b, k, axis)
            assert np.allclose(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("io", "memory"), SIZES)
def test_the_law_is_that_of_neurons_written_out_in_qutip(io, memory):
    circuit, theta, z, u = neurons(io, memory, steps=2, batch=1)
    literal, fast = (
        Population(circuit, theta, batch=1, noise=MODELS, backend=backend).run(z, uniforms=u)
        for backend in ("qutip", "instrument")
    )
    assert np.array_equal(literal.spikes, fast.spikes)
    assert np.allclose(literal.p_spike, fast.p_spike, rtol=0, atol=1e-10)
    assert np.allclose(literal.memory, fast.memory, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("io", "memory"), SIZES)
def test_trajectories_have_the_law(io, memory):
    """Chi-square of trains of 3 steps; a false alarm once in 1e4 runs of all of them together."""
    circuit, theta, z, _ = neurons(io, memory, steps=3, batch=1, seed=5)
    shots, weights = 4000, 2 ** np.arange(3 * io)
    z = np.broadcast_to(z, (3, shots, *z.shape[2:]))
    counts = []
    for seed, backend in enumerate(("trajectory", "instrument")):
        pop = Population(circuit, theta, noise=MODELS, batch=shots, seed=seed, backend=backend)
        bits = pop.run(z, record=["spikes"]).spikes.reshape(3, shots, len(MODELS), io)
        codes = bits.transpose(1, 2, 0, 3).reshape(shots, len(MODELS), -1) @ weights
        counts.append([np.bincount(c, minlength=2 ** (3 * io)) for c in codes.T])
    for drawn, exact in zip(*counts, strict=True):
        total = drawn + exact
        few = total < 20  # together one cell, so that the law of the sum holds
        a, b = (np.append(x[~few], x[few].sum()) for x in (drawn, exact))
        a, b = a[a + b > 0], b[a + b > 0]
        chi2 = ((a - b) ** 2 / (a + b)).sum()
        assert chi2 < stats.chi2.isf(1e-4 / (len(SIZES) * len(MODELS)), len(a) - 1)


def test_the_noise_of_a_trajectory_is_its_neurons_own():
    """One neuron always flips, its neighbours never do: nothing is left to chance."""
    flips = NoiseModel(p_reset=1.0)
    pop = Population(
        ansatz.paper(), np.zeros(3), noise=[None, flips, None, flips], backend="trajectory"
    )
    assert pop.run(np.zeros((20, 4))).spikes.mean(axis=0).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("backend", EXACT)
def test_scores_by_all_roads(backend):
    """Online, side by side, with derivatives made before, of shared angles, and shifted."""
    circuit, theta, z, u = neurons(1, 2)
    K, B, T = len(MODELS), 3, len(z)
    pop = Population(circuit, theta, noise=MODELS, batch=B, backend=backend)
    spikes = pop.run(z, uniforms=u).spikes
    _, d_theta, d_z = SpikeTrainScorer(circuit, theta, noise=MODELS, backend=backend).score(
        z, spikes
    )
    again = [
        SpikeTrainScorer(circuit, theta, noise=MODELS, backend=backend, prebuild=True),
        SpikeTrainScorer._of(pop),
    ]
    for scorer in again:
        assert np.allclose(scorer.score(z, spikes)[1], d_theta, rtol=0, atol=1e-10)
    program = compile_exact(circuit, pop.noise, K, backend=backend)
    online, total = OnlineScores(program, theta, size=K * B, window=2), 0.0
    for t in range(T):
        online.step(z[t].reshape(-1, 1), spikes[t].reshape(-1, 1))
        total = total + online.d_theta.reshape(B, K, -1).sum(axis=0)
    assert np.allclose(total, d_theta, rtol=0, atol=1e-10)
    kind = MapLanes if backend == "density" else Lanes
    for threads in (1, 2):
        lanes = kind(program, theta, n_threads=threads)
        said, *_ = lanes.run(z.transpose(2, 0, 1), u.transpose(2, 0, 1))
        assert np.array_equal(said.transpose(1, 2, 0), spikes)
        by = lanes.score(z.transpose(2, 0, 1), said, np.ones(said.shape))
        assert np.allclose(by[0], d_theta, rtol=0, atol=1e-10)
        assert np.allclose(by[1].transpose(1, 2, 0), d_z, rtol=0, atol=1e-10)
    shared = SpikeTrainScorer(circuit, theta[0], noise=MODELS, backend=backend)
    rows = SpikeTrainScorer(circuit, np.tile(theta[0], (K, 1)), noise=MODELS, backend=backend)
    for a, b in zip(shared.score(z, spikes), rows.score(z, spikes), strict=True):
        assert np.array_equal(a, b)
    if backend == "instrument":
        short = score_spike_train(circuit, theta, z[:3], spikes[:3], noise=MODELS)
        shifted = score_spike_train(
            circuit, theta, z[:3], spikes[:3], noise=MODELS, method="parameter-shift"
        )
        assert np.allclose(short[1], shifted[1], rtol=0, atol=1e-9)


def test_lanes_of_the_smallest_neurons_have_their_own_noise():
    circuit, theta, z, _ = neurons(1, 1)
    program = compile_exact(circuit, NoisePerNeuron(MODELS), len(MODELS))
    for dtype, atol in ((np.float64, 1e-12), (np.float32, 1e-4)):
        lanes = Lanes(program, theta, dtype=dtype)
        _, p, _ = lanes.run(z.transpose(2, 0, 1), None, np.ones(z.transpose(2, 0, 1).shape))
        pop = Population(circuit, theta, noise=MODELS, batch=3)
        same = pop.run(z, outcome=np.ones(z.shape, int)).p_spike
        assert np.allclose(p.transpose(1, 2, 0), same, rtol=0, atol=atol)


def test_angles_may_change_and_neurons_share_them():
    circuit, theta, z, u = neurons(1, 2)
    for backend in (*EXACT, "trajectory"):
        pop = Population(circuit, theta, noise=MODELS, batch=3, backend=backend, seed=1)
        new = theta.copy()
        new[[2, 5]] += 0.3
        pop.theta = new  # two neurons are built anew
        fresh = Population(circuit, new, noise=MODELS, batch=3, backend=backend, seed=1)
        assert np.array_equal(pop.run(z).p_spike, fresh.run(z).p_spike)
        pop.theta = theta[0]
        pop.reset()
        same = Population(circuit, theta[0], noise=MODELS, batch=3, backend=backend, seed=1)
        assert pop.size == same.size == len(MODELS)
        if backend != "trajectory":
            a, b = (p.run(z, uniforms=u).p_spike for p in (pop, same))
            assert np.array_equal(a, b)
            assert not np.allclose(a[:, :, 0], a[:, :, 4])  # the same angles, another noise


def test_bits_have_a_noise_each_as_well():
    """A classical memory: its maps are tables, and each model has its own."""
    circuit, models = ansatz.classical_memory(1, 1), [None, MODELS[2], NoiseModel(p_reset=0.2)]
    rng = np.random.default_rng(0)
    theta, z = rng.uniform(-2, 2, (3, circuit.n_params)), rng.uniform(-1, 1, (8, 3))
    pop = Population(circuit, theta, noise=models, seed=1)
    run = pop.run(z)
    scores = SpikeTrainScorer(circuit, theta, noise=models).score(z, run.spikes)
    for k, model in enumerate(models):
        one = Population(circuit, theta[k : k + 1], noise=model).run(
            z[:, k : k + 1], run.spikes[:, k : k + 1]
        )
        assert np.allclose(one.p_spike[:, 0], run.p_spike[:, k], rtol=0, atol=1e-12)
        own = SpikeTrainScorer(circuit, theta[k : k + 1], noise=model).score(
            z[:, k : k + 1], run.spikes[:, k : k + 1]
        )
        assert np.allclose(own[1][0], scores[1][k], rtol=0, atol=1e-10)


def test_neurons_are_compiled_once_however_often_their_angles_change():
    """More models than the cache of single ones holds were compiled again with every update."""
    circuit, noise = ansatz.layered(1, 1), NoisePerNeuron(TORINO.spread(70, seed=0, t1=0.1))
    first = compile_exact(circuit, noise, 70)
    assert compile_exact(circuit, NoisePerNeuron(list(noise)), 70) is first
    big = ansatz.layered(1, 4)
    few = noise[:2]
    once = compile_exact(big, few, 2, backend="density")
    assert compile_exact(big, noise[:2], 2, backend="density") is once


def test_equal_models_are_one():
    circuit = ansatz.layered(1, 1)
    theta = np.full((3, circuit.n_params), 0.2)
    same = Population(circuit, theta, noise=[TORINO, TORINO, TORINO.replace(name="again")])
    assert same.noise == TORINO
    assert same._engine.nbytes == Population(circuit, theta, noise=TORINO)._engine.nbytes
    some = Population(circuit, theta, noise=[TORINO, None, TORINO])
    assert len(some.noise.models) == 2
    assert some.noise == [TORINO, None, TORINO]
    assert Population(circuit, theta, noise=[None] * 3).noise is None
    assert Population(circuit, theta[0], noise=[TORINO] * 5).size == 5
    assert Population(circuit, noise=[TORINO, None], seed=0).size == 2


@pytest.mark.parametrize(
    ("noise", "error", "words"),
    [
        ([TORINO], ValueError, "each of 3 neuron"),
        ([TORINO] * 4, ValueError, "has 4"),
        ([], ValueError, "model per neuron"),
        ([TORINO, 0.1, None], TypeError, r"noise\[1\]"),
        ("ibm_torino", TypeError, "NoiseModel"),
        ({"a": TORINO}, TypeError, "NoiseModel"),
        (0.1, TypeError, "NoiseModel"),
        ([TORINO, None, NoiseModel(t1=(1e-4, 1e-4, 1e-4), t2=1e-4)], ValueError, "t1"),
    ],
)
def test_what_is_no_noise_of_three_neurons_is_refused_by_name(noise, error, words):
    circuit = ansatz.layered(1, 1)
    theta = np.zeros((3, circuit.n_params))
    for make in (Population, SpikeTrainScorer):
        with pytest.raises(error, match=words):
            make(circuit, theta, noise=noise)
    with pytest.raises(error, match=words):
        Population(circuit, theta, noise=noise, backend="trajectory")
    with pytest.raises(error, match=words):
        Population(circuit, theta).with_noise(noise)


def test_a_list_must_fit_also_if_all_are_equal():
    """A list of equal models was one model before its length was looked at."""
    circuit = ansatz.paper()
    with pytest.raises(ValueError, match="each of 4"):
        Population(circuit, np.zeros(3), size=4, noise=[TORINO] * 3)
    scores = compile_exact(circuit, NoisePerNeuron([TORINO, None]), 2)
    with pytest.raises(ValueError, match="each of 2 models"):
        OnlineScores(scores, np.zeros((4, 3)), size=4)


def test_copies_pickles_and_slices_keep_the_noise():
    circuit, theta, z, u = neurons(1, 1)
    pop = Population(circuit, theta, noise=MODELS, batch=3, seed=1)
    for twin in (copy.deepcopy(pop), pickle.loads(pickle.dumps(pop))):
        assert twin.noise == pop.noise
        assert np.array_equal(twin.run(z, uniforms=u).p_spike, pop.run(z, uniforms=u).p_spike)
        pop.reset()
    noise = pop.noise
    assert noise[2:4] == MODELS[2:4]
    assert noise[-1] == MODELS[-1]
    assert pickle.loads(pickle.dumps(noise)) == noise
    assert hash(pickle.loads(pickle.dumps(noise))) == hash(noise)
    assert NoisePerNeuron.from_dict(noise.to_dict()) == noise
    assert NoisePerNeuron([*noise, None])[:-1] == noise
    with pytest.raises(ValueError, match="read-only"):
        noise.which[0] = 3
    assert "8 models of 8 neurons" in str(pop.run(z))
    assert "8 models of 8 neurons" in repr(pop)


def test_a_state_goes_back_to_the_same_noise_only(tmp_path):
    circuit, theta, z, _ = neurons(1, 1)
    pop = Population(circuit, theta, noise=MODELS, batch=3, seed=1)
    pop.run(z)
    pop.save_state(tmp_path / "state")
    other = Population(circuit, theta, noise=MODELS, batch=3, seed=2)
    other.load_state(tmp_path / "state")
    assert np.array_equal(other.memory, pop.memory)
    swapped = [MODELS[1], MODELS[0], *MODELS[2:]]
    for noise in (swapped, TORINO, None):
        with pytest.raises(ValueError, match="noise"):
            Population(circuit, theta, noise=noise, batch=3).load_state(tmp_path / "state")


def test_room_is_asked_for_every_model():
    circuit, few = ansatz.layered(1, 5), TORINO.spread(2, seed=0, t1=0.1)
    many = NoisePerNeuron(TORINO.spread(40, seed=0, t1=0.1))
    assert compiled_bytes(circuit, many, 40) > compiled_bytes(circuit, TORINO, 40) * 2
    assert default_backend(circuit, NoisePerNeuron(few), 2, float) == default_backend(
        circuit, TORINO, 2, float
    )
    assert exact_backend(circuit, many, 40) == "density"
    with pytest.raises(ValueError, match="GB"):
        Population(circuit, np.zeros((40, circuit.n_params)), noise=many, backend="instrument")


def test_noiseless_models_leave_states_pure():
    """NoiseModel() and None differ in name alone: scores of large memories are those of states."""
    circuit = ansatz.layered(1, 4)
    both = [None, NoiseModel()]
    theta = np.random.default_rng(0).uniform(-3, 3, (2, circuit.n_params))
    scorer = SpikeTrainScorer(circuit, theta, noise=both)
    assert scorer.backend == "trajectory"
    z, s = np.full((4, 2), 0.4), np.array([[1, 0], [0, 0], [1, 1], [0, 1]])
    plain = SpikeTrainScorer(circuit, theta).score(z, s)
    for a, b in zip(scorer.score(z, s), plain, strict=True):
        assert np.array_equal(a, b)


# -- models drawn around one ----------------------------------------------------------------------


SPREADS = {
    "t1": 0.3,
    "t2": 0.2,
    "p_depol_1q": 0.5,
    "p_depol_2q": 0.5,
    "p_read1_given0": 0.3,
    "p_read0_given1": 1.0,
    "thermal_population": 0.2,
    "zz": 0.4,
    "gates": 0.3,
}
FULL = TORINO.replace(thermal_population=0.02, zz={(0, 1): 1e5}).with_gate(
    "CX", (1, 0), error=0.01, over_rotation=-0.02
)


@settings(max_examples=40)
@given(st.sets(st.sampled_from(sorted(SPREADS)), min_size=1), st.integers(0, 2**40))
def test_draws_are_models_and_come_again(fields, seed):
    spreads = {name: SPREADS[name] for name in fields}
    drawn = FULL.spread(5, seed=seed, **spreads)
    assert drawn == FULL.spread(5, seed=seed, **dict(reversed(spreads.items())))
    assert drawn[:2] == FULL.spread(2, seed=seed, **spreads)
    assert drawn != FULL.spread(5, seed=seed, run=1, **spreads)
    for model in drawn:
        assert model.t2 <= 2 * model.t1
        for name in SPREADS:
            same = getattr(model, name) == getattr(FULL, name)
            capped = name == "t2" and "t1" in fields
            assert same == (name not in fields) or capped
    # What is drawn of one field does not depend on the others.
    assert drawn[0].p_depol_2q in (
        FULL.p_depol_2q,
        FULL.spread(1, seed=seed, p_depol_2q=0.5)[0].p_depol_2q,
    )


def test_draws_have_the_law_that_is_promised():
    """Medians and widths of logarithms of 4000 draws, within 5 standard errors."""
    n, noise = 4000, NoiseModel(t1=1e-4, t2=(1e-5, 2e-5), p_read0_given1=0.3)
    drawn = noise.spread(n, seed=3, t1=0.2, t2=0.1, p_read0_given1=1.5)
    logs = np.log(
        [
            [m.t1 / 1e-4, *(np.array(m.t2) / [1e-5, 2e-5]), m.p_read0_given1 * 0.7 / 0.3]
            for m in drawn
        ]
    )
    logs[:, 3] -= np.log([1 - m.p_read0_given1 for m in drawn])
    wide = np.array([0.2, 0.1, 0.1, 1.5])
    assert (np.abs(logs.mean(axis=0)) < 5 * wide / n**0.5).all()
    assert (np.abs(logs.std(axis=0) - wide) < 5 * wide / (2 * n) ** 0.5).all()
    independent = np.abs(np.corrcoef(logs.T) - np.eye(4))
    assert (independent < 5 / n**0.5).all()  # each qubit and each field by itself


def test_the_mean_law_of_an_ensemble_is_the_average_over_its_draws():
    """Runs side by side as neurons, one after the other as populations: the same probabilities."""
    circuit = ansatz.layered(1, 1)
    theta = np.random.default_rng(1).uniform(-3, 3, circuit.n_params)
    runs = 3
    draws = TORINO.scaled(3).spread(runs, seed=4, t1=0.5, t2=0.5, p_read0_given1=0.5)
    train, z = np.array([1, 0, 1]), np.array([0.3, -0.1, 0.9])
    side = SpikeTrainScorer(circuit, theta, noise=draws).score(
        np.repeat(z[:, None], runs, 1), np.repeat(train[:, None], runs, 1)
    )[0]
    one = [
        Population(circuit, theta, size=1, noise=model).run(z[:, None], train[:, None])
        for model in draws
    ]
    by_hand = np.mean([np.exp(r.log_likelihood.sum()) for r in one])
    assert np.isclose(np.exp(side).mean(), by_hand, rtol=1e-12)
    assert len({round(float(np.exp(x)), 12) for x in side}) == runs
    literal = Population(circuit, theta, noise=draws, backend="qutip").run(
        np.repeat(z[:, None], runs, 1), np.repeat(train[:, None], runs, 1)
    )
    assert np.isclose(np.exp(literal.log_likelihood.sum(axis=0)).mean(), by_hand, rtol=1e-10)


@pytest.mark.parametrize(
    ("spreads", "error", "words"),
    [
        ({}, ValueError, "spreads"),
        ({"T1": 0.1}, ValueError, "did you mean t1"),
        ({"readout_time": 0.1}, ValueError, "cannot be drawn"),
        ({"t1": -0.1}, ValueError, "t1"),
        ({"t1": "wide"}, TypeError, "t1"),
        ({"t1": np.nan}, ValueError, "t1"),
        ({"p_reset": 0.1}, ValueError, "nothing to draw around"),
        ({"zz": 0.1}, ValueError, "nothing to draw around"),
        ({"gates": 0.1}, ValueError, "nothing to draw around"),
        ({"t1": 20.0}, ValueError, "t1"),
        ({"t1": 0.1, "run": -1}, ValueError, "run"),
        ({"t1": 0.1, "seed": "now"}, TypeError, "seed"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(spreads, error, words):
    with pytest.raises(error, match=words):
        TORINO.spread(50, **{"seed": 0, **spreads})
    with pytest.raises(ValueError, match="n"):
        TORINO.spread(0, t1=0.1)
    with pytest.raises(ValueError, match="nothing to draw around"):
        NoiseModel(p_reset=0.1).spread(2, t1=0.1)
