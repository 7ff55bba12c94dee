"""Many samples side by side: the same numbers as of populations and scorers, in either precision.

Those are held against literal QuTiP elsewhere. In double precision the two agree to rounding. In
single precision a step rounds about twenty sums of terms that add up to less than 4, so it moves a
probability by 20 * 4 * 2**-24 = 5e-6 at most; what is passed on is divided by the probability of
what occurred, and measured not to grow: 3e-4 of the largest number is the contract's bound.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sqs.neurons import SQSNeuron
from lava_sqs.quantum import NoiseModel, Population, SpikeTrainScorer, ansatz
from lava_sqs.quantum import lanes as lanes_module
from lava_sqs.quantum.density import compile_density
from lava_sqs.quantum.lanes import FLOOR, Lanes, MapLanes
from lava_sqs.quantum.program import compile_program

NOISE = NoiseModel(t1=100e-6, t2=80e-6, p_depol_1q=5e-4, p_depol_2q=8e-3, p_read1_given0=0.01)
CLOSE = {np.float64: 1e-12, np.float32: 3e-4}
SIZES = [(1, 1), (1, 2), (1, 3), (2, 1)]


class Case:
    """Currents, numbers, signals and clamps of K neurons, and what a population makes of them."""

    def __init__(self, circuit, noise, K, T, B, seed=0, clamped=0.0, shared=False):
        rng = np.random.default_rng(seed)
        self.circuit, self.noise = circuit, noise
        self.shape = (T, B, K, circuit.io_qubits)
        self.theta = rng.uniform(-np.pi, np.pi, (K, circuit.n_params))
        if shared:
            self.theta[:] = self.theta[0]
        # what both precisions hold, so that they compute the same
        self.z = rng.uniform(-0.3, 0.95, self.shape).astype(np.float32).astype(float)
        self.z[rng.random(self.shape) < 0.1] = 0.0
        self.u = rng.random((T, B, K), dtype=np.float32).astype(float)
        self.signal = rng.normal(size=(T, B, K)).astype(np.float32).astype(float)
        self.clamp = None
        if clamped:
            bits = rng.integers(0, 2, self.shape)
            free = rng.random((T, B, K, 1)) >= clamped
            self.clamp = np.where(free, -1, bits).astype(np.int8)
        self.population = Population(circuit, self.theta, noise=noise, seed=0, backend="instrument")
        self.spikes, self.p, self.logp = self.population._run_on(
            None, self.z, self.u, self.clamp, record=True
        )

    def lanes(self, dtype, **options):
        program = compile_program(self.circuit, self.noise)
        return Lanes(program, self.theta, dtype=dtype, **options)

    def ours(self, x):
        """(T, B, K[, N]) -> (K * N, T, B)."""
        T, B = x.shape[:2]
        return np.ascontiguousarray(x.reshape(T, B, -1).transpose(2, 0, 1))

    def run(self, lanes):
        clamp = None if self.clamp is None else self.ours(self.clamp)
        return lanes.run(self.ours(self.z), self.ours(self.u), clamp, likelihood=True)

    def score(self, lanes):
        return lanes.score(self.ours(self.z), self.ours(self.spikes), self.ours(self.signal))

    def scored(self):
        squeeze = self.shape[:3] if self.circuit.io_qubits == 1 else self.shape
        _, d_theta, d_z = SpikeTrainScorer(self.circuit, self.theta, noise=self.noise).score(
            self.z.reshape(squeeze), self.spikes.reshape(squeeze), signal=self.signal
        )
        return d_theta, self.ours(d_z)

    def check(self, dtype, **options):
        lanes = self.lanes(dtype, **options)
        close = CLOSE[dtype]
        spikes, p, likelihood = self.run(lanes)
        assert spikes.dtype == p.dtype == likelihood.dtype == dtype
        # a probability that is rounded may change a spike that was drawn at its edge, and all later
        if dtype is np.float64:
            np.testing.assert_array_equal(spikes, self.ours(self.spikes))
        same = np.logical_and.accumulate(
            (spikes == self.ours(self.spikes)).reshape(self.shape[2], -1, *spikes.shape[1:]).all(1),
            axis=1,
        )
        assert same.mean() > 0.99
        per_channel = np.repeat(same, self.shape[3], axis=0)
        assert np.abs(p - self.ours(self.p))[per_channel].max(initial=0) <= close
        likely = np.abs(likelihood - np.exp(self.ours(self.logp)))[same]
        assert likely.max(initial=0) <= close
        d_theta, d_z = self.score(lanes)
        wanted_theta, wanted_z = self.scored()
        assert d_theta.dtype == np.float64
        assert d_z.dtype == dtype
        for found, wanted in ((d_theta, wanted_theta), (d_z, wanted_z)):
            scale = max(np.abs(wanted).max(initial=0), 1.0)
            assert np.abs(found - wanted).max(initial=0) <= close * scale * 10


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_numbers_of_populations_and_scorers(size, noise, dtype):
    Case(ansatz.layered(*size), noise, K=3, T=9, B=21).check(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize(
    ("T", "B"), [(1, 1), (1, 300), (2, 16), (7, 17), (33, 31), (64, 8), (500, 3)], ids=str
)
def test_any_number_of_steps_and_samples(T, B, dtype):
    Case(ansatz.layered(1, 1), NOISE, K=2, T=T, B=B).check(dtype)


@pytest.mark.parametrize("clamped", [0.3, 1.0])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_clamped_spikes(size, clamped):
    case = Case(ansatz.layered(*size), NOISE, K=2, T=6, B=19, clamped=clamped)
    for dtype in (np.float64, np.float32):
        case.check(dtype)


@settings(max_examples=25)
@given(
    K=st.integers(1, 5),
    T=st.integers(1, 40),
    B=st.integers(1, 70),
    seed=st.integers(0, 2**16),
    clamped=st.sampled_from([0.0, 0.2]),
    paper=st.booleans(),
    noisy=st.booleans(),
    shared=st.booleans(),
)
def test_any_shape(K, T, B, seed, clamped, paper, noisy, shared):
    circuit = ansatz.paper() if paper else ansatz.layered(1, 1)
    # a noiseless memory of the paper's circuit may be certain of what it says, and is then clamped
    noise = NOISE if noisy or clamped else None
    Case(circuit, noise, K, T, B, seed, clamped, shared).check(np.float64)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("size", [(1, 1), (1, 2)], ids=str)
def test_impossible_outcomes_are_forgotten_and_counted(size, dtype):
    """Angles 0: without a current nobody spikes, so that a clamped spike says nothing."""
    circuit = ansatz.layered(*size)
    program = compile_program(circuit, None)
    lanes = Lanes(program, np.zeros((2, circuit.n_params)), dtype=dtype)
    z = np.zeros((2, 4, 18))
    z[:, 2] = 0.5
    clamp = np.zeros(z.shape)
    clamp[1, 1, :5] = 1
    spikes, p, likelihood = lanes.run(z, None, clamp, likelihood=True)
    np.testing.assert_array_equal(spikes, clamp)
    assert lanes.floor_hits == 5
    assert (likelihood[1, 1, :5] <= FLOOR[np.dtype(dtype)] * 1.001).all()
    np.testing.assert_allclose(p[:, 2], 0.5, atol=1e-6)
    signal = np.ones(z.shape)
    d_theta, d_z = lanes.score(z, spikes, signal)
    signal[1, 1, :5] = 0
    again = lanes.score(z, spikes, signal)
    np.testing.assert_allclose(d_theta, again[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(d_z, again[1], rtol=0, atol=1e-12)
    assert np.isfinite(d_theta).all()


def test_scores_are_derivatives():
    """Central differences of the clamped log-likelihood, by angles and currents."""
    case = Case(ansatz.layered(1, 1), NOISE, K=2, T=5, B=17, clamped=1.0)
    program, u = compile_program(case.circuit, NOISE), None
    clamp, weights = case.ours(case.clamp), case.ours(case.signal)

    def total(theta, z):
        likelihood = Lanes(program, theta).run(z, u, clamp, likelihood=True)[2]
        return float((weights * np.log(likelihood)).sum())

    z = np.abs(case.ours(case.z)) + 0.01  # away from the kink
    d_theta, d_z = Lanes(program, case.theta).score(z, clamp, weights)
    h = 1e-5
    for k, j in ((0, 0), (1, 3), (1, 7)):
        step = np.zeros(case.theta.shape)
        step[k, j] = h
        slope = (total(case.theta + step, z) - total(case.theta - step, z)) / (2 * h)
        assert d_theta[k, j] == pytest.approx(slope, abs=1e-6 * np.abs(d_theta).max())
    for at in ((0, 0, 0), (1, 2, 16), (1, 4, 3)):
        step = np.zeros(z.shape)
        step[at] = h
        slope = (total(case.theta, z + step) - total(case.theta, z - step)) / (2 * h)
        assert d_z[at] == pytest.approx(slope, abs=1e-6 * np.abs(d_z).max())


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
def test_threads_change_no_bit(dtype, monkeypatch):
    monkeypatch.setattr(lanes_module, "_WORTH_A_THREAD", 1)
    case = Case(ansatz.layered(1, 1), NOISE, K=67, T=4, B=21)
    results = []
    for threads in (1, 2, 3, 7):
        lanes = case.lanes(dtype, n_threads=threads)
        results.append([*case.run(lanes), *case.score(lanes)])
    for other in results[1:]:
        for first, second in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(first, second)


def test_a_sample_does_not_depend_on_its_neighbours():
    case = Case(ansatz.layered(1, 1), NOISE, K=2, T=5, B=50)
    lanes = case.lanes(np.float32)
    z, u = case.ours(case.z), case.ours(case.u)
    together = lanes.run(z, u)[1]
    for part in (slice(0, 1), slice(3, 20), slice(20, 50)):
        np.testing.assert_array_equal(lanes.run(z[..., part], u[..., part])[1], together[..., part])


def test_several_io_channels_share_one_outcome():
    case = Case(ansatz.layered(2, 2), None, K=2, T=4, B=5)
    case.check(np.float64)


def test_a_circuit_of_the_users_own():
    gates = [("RX", 0, "a"), ("CRX", (0, 1), "b"), ("RZ", 1, "c"), ("RX", 1, "a")]
    own = ansatz.from_gates(gates, io_qubits=1, memory_qubits=1)
    Case(own, NOISE, K=2, T=6, B=20).check(np.float64)


_FORKED = """
import os, numpy as np
from lava_sqs.quantum import ansatz, lanes
from lava_sqs.quantum.program import compile_program
lanes._WORTH_A_THREAD = 1
own = lanes.Lanes(compile_program(ansatz.layered()), np.ones((8, 8)), n_threads=2)
z = np.full((8, 4, 20), 0.4)
before = own.run(z, np.full(z.shape, 0.5))[1]
child = os.fork()
if child == 0:
    same = np.array_equal(own.run(z, np.full(z.shape, 0.5))[1], before)
    os._exit(0 if same else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_threads_survive_a_fork():
    """Lava forks: a pool of the parent's threads would wait for ever in the child."""
    subprocess.run([sys.executable, "-c", _FORKED], check=True, timeout=120)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("size", [(1, 1), (1, 2)], ids=str)
def test_raising_spikes_scales_and_bounds_in_the_same_pass(size, dtype):
    case = Case(ansatz.layered(*size), NOISE, K=3, T=5, B=21)
    lanes = case.lanes(dtype)
    z, spikes, value = case.ours(case.z), case.ours(case.spikes), case.ours(case.signal)
    p = lanes.run(z, None, spikes)[1]
    plain = lanes.score(z, spikes, 0.25 * value * (spikes + p - 1))
    bound = float(np.quantile(np.abs(plain[1]), 0.7))
    d_theta, d_z = lanes.score(z, spikes, value, scale=0.25, raising=True, bound=bound)
    close = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(d_theta, plain[0], rtol=0, atol=close * np.abs(plain[0]).max())
    np.testing.assert_allclose(d_z, np.clip(plain[1], -bound, bound), rtol=0, atol=close)
    assert (np.abs(d_z) == dtype(bound)).mean() > 0.2


# -- density matrices, gate by gate ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
@pytest.mark.parametrize("size", [(1, 2), (2, 1)], ids=str)
def test_lanes_of_density_matrices_have_the_numbers_of_instruments(size, dtype):
    case = Case(ansatz.layered(*size), NOISE, 3, 12, 5, clamped=0.3)
    one = case.lanes(dtype)
    two = MapLanes(compile_density(case.circuit, NOISE), case.theta, dtype=dtype)
    z, u, clamp = (case.ours(x) for x in (case.z, case.u, case.clamp))
    runs = [lanes.run(z, u, clamp, likelihood=True) for lanes in (one, two)]
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    weights = case.ours(case.signal)
    scores = [lanes.score(z, runs[0][0], weights) for lanes in (one, two)]
    for a, b in (*zip(*runs, strict=True), *zip(*scores, strict=True)):
        np.testing.assert_allclose(a, b, rtol=0, atol=CLOSE[dtype] * max(1, np.abs(a).max()))
    single = MapLanes(two._program, case.theta, dtype=dtype, n_threads=1)
    for a, b in zip(single.score(z, runs[0][0], weights), scores[1], strict=True):
        np.testing.assert_array_equal(a, b)
    memory = two.fresh_memory(5)
    halves = [two.run(z[:, part], u[:, part], memory=memory) for part in np.split(np.arange(12), 2)]
    whole = two.run(z, u)[0]
    np.testing.assert_array_equal(np.concatenate([h[0] for h in halves], axis=1), whole)


def test_neurons_of_networks_take_them_for_large_memories():
    neuron = SQSNeuron(ansatz.layered(1, 4), NOISE)
    rng = np.random.default_rng(0)
    params, z, u = neuron.initial(3, rng), rng.uniform(0, 1, (6, 2, 3)), rng.random((6, 2, 3))
    exact, batches = neuron.compile(params), neuron.compile_batches(params, np.float64)
    a, b = exact.run(z, u), batches.run(z, u)
    np.testing.assert_array_equal(a.spikes, b.spikes)
    want = Population(neuron.ansatz, params, batch=2, noise=NOISE, seed=0, backend="density")
    np.testing.assert_array_equal(want.run(z, uniforms=u).spikes, a.spikes)
    signal = rng.normal(size=(6, 2, 3))
    scorer = SpikeTrainScorer(neuron.ansatz, params, noise=NOISE, backend="instrument")
    _, d_theta, d_z = scorer.score(z, a.spikes, signal=signal)
    for bound in (exact, batches):
        for got, expected in zip(bound.score(z, a.spikes, signal), (d_theta, d_z), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-12)
    windowed = neuron.window_score(params, z, a.spikes, signal, 5)
    np.testing.assert_allclose(windowed, d_z, atol=1e-12)
    assert neuron.process_arguments(params, np.zeros(3))["backend"] == "density"
