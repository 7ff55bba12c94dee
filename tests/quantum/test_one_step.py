"""One step at a time gives what Population.step gives, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum._arguments import outcome_index
from lava_sqs.quantum.one_step import OneStep, set_angles
from lava_sqs.quantum.program import compile_program
from lava_sqs.quantum.scores.online import OnlineScores

pytestmark = pytest.mark.filterwarnings("ignore::lava_sqs._wraps.WrapWarning")
CIRCUITS = [ansatz.paper(), ansatz.layered(1, 1), ansatz.layered(2, 1), ansatz.layered(1, 2)]
NOISE = NoiseModel(t1=2e-5, t2=1e-5, p_read1_given0=0.02, p_read0_given1=0.05)
BATCHES = [(), (2,), (2, 3)]


def twins(circuit, batch, size, shared, noise, dtype):
    rng = np.random.default_rng(7)
    theta = rng.normal(size=circuit.n_params if shared else (size, circuit.n_params))
    options = {"batch": batch, "noise": noise, "seed": 3, "dtype": dtype}
    return [Population(circuit, theta, size=size, **options) for _ in range(2)]


def assert_same(one, mine, theirs):
    for name in ("p_spike", "memory", "log_likelihood"):
        assert getattr(mine, name).tobytes() == getattr(theirs, name).tobytes()
    assert one.p_spike.tobytes() == theirs.p_spike.tobytes()
    assert one.memory.tobytes() == theirs.memory.tobytes()
    assert np.log(one.likelihood).tobytes() == theirs.log_likelihood.tobytes()
    assert (mine.wraps, mine.floor_hits) == (theirs.wraps, theirs.floor_hits)


@given(
    st.sampled_from(CIRCUITS),
    st.sampled_from(BATCHES),
    st.sampled_from([1, 5, 70]),
    st.booleans(),
    st.sampled_from([None, NOISE]),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([float, np.int32]),
    st.integers(0, 2**32),
)
def test_the_same_bits(circuit, batch, size, shared, noise, dtype, kind, seed):
    mine, theirs = twins(circuit, batch, size, shared, noise, dtype)
    io, rng = circuit.io_qubits, np.random.default_rng(seed)
    neurons = (*batch, size)
    shape, own = [(*axes, *((io,) if io > 1 else ())) for axes in (neurons, (size,))]
    one = OneStep.of(mine, shape, neurons)
    for t in range(6):
        a = rng.normal(scale=4, size=shape).astype(kind)
        scale, bias = rng.normal(), rng.normal(size=own)
        bits = rng.integers(-1, 2, (*neurons, 1)).repeat(io, axis=-1)
        clamp = index = None
        if t % 2:
            clamp = bits.reshape(shape)
            index = outcome_index(bits.reshape(1, -1, size, io))
        spikes = one(a, scale, bias, index)
        expected = theirs.step(scale * a + bias, clamp)
        assert (spikes.dtype, spikes.tobytes()) == (expected.dtype, expected.tobytes())
        assert one.z.tobytes() == (scale * a + bias).tobytes()
        assert_same(one, mine, theirs)
        if t == 3:
            for population in (mine, theirs):
                population.reset()
                population.theta = population.theta[::-1] + 0.1
    assert mine._rng.random() == theirs._rng.random()


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_currents_that_are_not_finite(odd):
    mine, theirs = twins(CIRCUITS[1], (), 3, False, None, float)
    a = np.array([0.1, odd, 0.2])
    with pytest.raises(ValueError, match="currents") as expected:
        theirs.step(a)
    with pytest.raises(ValueError, match="currents") as caught:
        OneStep(mine, (3,), (3,))(a, 1.0, np.zeros(3))
    assert str(caught.value) == str(expected.value)
    assert np.array_equal(mine.memory, theirs.memory)


def test_populations_without_compiled_instruments_have_none():
    for backend in ("qutip", "trajectory", "density"):
        population = Population(CIRCUITS[0], size=2, seed=1, backend=backend)
        assert OneStep.of(population, (2,), (2,)) is None


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("angles", [True, False])
def test_angles_of_a_population_and_its_scores(circuit, dtype, angles):
    """One build of instruments gives the numbers of two."""
    mine, theirs = twins(circuit, (2,), 3, False, NOISE, dtype)
    program, io = compile_program(circuit, NOISE), circuit.io_qubits
    first, second = (
        OnlineScores(program, mine.theta, size=6, window=1, angles=angles) for _ in range(2)
    )
    rng = np.random.default_rng(0)
    several, one_row = rng.normal(size=mine.theta.shape), mine.theta
    one_row[1] += 0.3
    same = np.tile(several[:1], (3, 1))
    for theta in (one_row, several, several, same, several, -several):
        set_angles(mine, theta, first)
        theirs.theta = theta
        second.set_theta(theta)
        assert np.array_equal(mine.theta, theirs.theta)
        z = rng.normal(size=(2, 3, *((io,) if io > 1 else ())))
        spikes = mine.step(z)
        assert np.array_equal(spikes, theirs.step(z))
        for scores in (first, second):
            scores.step(z.reshape(6, io), spikes.reshape(6, io))
        assert mine.memory.tobytes() == theirs.memory.tobytes()
        assert mine._engine.instruments.tobytes() == theirs._engine.instruments.tobytes()
        assert first.scores.tobytes() == second.scores.tobytes()
        assert first.kappa.tobytes() == second.kappa.tobytes()
    several[0] = np.nan
    with pytest.raises(ValueError, match="theta"):
        set_angles(mine, several, first)
    assert np.isfinite(mine.theta).all()


def test_angles_do_not_share_memory_with_who_set_them():
    mine, theirs = twins(CIRCUITS[0], (), 3, False, None, float)
    scores = OnlineScores(compile_program(CIRCUITS[0]), mine.theta, size=3)
    theta = mine.theta + 0.5
    set_angles(mine, theta, scores)
    theta[:] = 9.0
    theirs.theta = mine.theta
    assert np.array_equal(mine.step([0.4] * 3), theirs.step([0.4] * 3))
    assert (mine.theta != 9.0).all()
