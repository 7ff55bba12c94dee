"""The compiled loop: equality with plain NumPy for every size, float32, floors, backends."""

import tracemalloc
from math import prod

import numpy as np
import pytest

from lava_sqs.quantum import NoiseModel, Population, ansatz, engines, pauli_to_qobj, states
from lava_sqs.quantum.engines.choose import BACKENDS, default_backend
from lava_sqs.quantum.kernels import step as _kernels
from lava_sqs.quantum.program import Program, compile_program

NOISE = NoiseModel(
    t1=100e-6,
    t2=80e-6,
    p_depol_1q=5e-4,
    p_depol_2q=8e-3,
    p_read1_given0=0.01,
    p_read0_given1=0.02,
    p_reset=0.006,
)


def angles(circuit, k, seed=0):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, (k, circuit.n_params))


def currents(shape, io_qubits, seed=0):
    return np.random.default_rng(seed).uniform(-0.3, 1.0, (*shape, io_qubits))


def plain(circuit, noise, theta, z, u, outcome=None):
    """The same neurons in six lines of NumPy, from the instruments A[k, s, i, c, j]."""
    program = compile_program(circuit, noise)
    A = program.build(theta)
    steps, batch, k, n_io = z.shape
    r = np.zeros((batch, k, 4**circuit.memory_qubits))
    r[:] = Population(circuit, theta[:1]).memory[0]
    c = np.ones((*z.shape[:3], 1))
    for n in range(n_io):
        on = z[..., n] > 0
        cos = np.where(on, program.eta[n] * np.cos(np.pi * z[..., n]), 1)
        sin = np.where(on, -program.eta[n] * np.sin(np.pi * z[..., n]), 0)
        term = np.stack([np.ones_like(cos), cos, sin], -1)
        c = (c[..., :, None] * term[..., None, :]).reshape(*z.shape[:3], -1)
    drawn, p_all, memories = [], [], []
    for t in range(steps):
        y = np.einsum("bkc,ksicj,bkj->bksi", c[t], A, r)
        p = y[..., 0]
        s = (np.cumsum(p, -1)[..., :-1] <= u[t][..., None]).sum(-1)
        if outcome is not None:
            s = outcome[t]
        chosen = np.take_along_axis(y, s[..., None, None], 2)[:, :, 0]
        r = chosen / chosen[..., :1]
        drawn.append(s)
        p_all.append(p)
        memories.append(r)
    return np.array(drawn), np.array(p_all), np.array(memories)


def index_of(spikes):
    """Outcome index of spikes (..., N), channel 0 the most significant bit."""
    return spikes @ (1 << np.arange(spikes.shape[-1])[::-1])


def bits_of(index, n_io):
    return (index[..., None] >> np.arange(n_io)[::-1]) & 1


# Sizes of the population on both sides of a tile (64, less for large instruments), and of four.
CASES = [
    (1, 1, 1), (1, 1, 63), (1, 1, 64), (1, 1, 131),
    (1, 2, 5), (1, 2, 130), (2, 1, 67), (2, 2, 23), (1, 3, 19), (3, 1, 9), (1, 4, 2),
]  # fmt: skip


@pytest.mark.parametrize("shared", [False, True], ids=["own theta", "shared theta"])
@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize(("n_io", "m", "k"), CASES)
def test_the_compiled_loop_equals_plain_numpy(n_io, m, k, noise, shared):
    circuit = ansatz.layered(n_io, m)
    theta = np.tile(angles(circuit, 1), (k, 1)) if shared else angles(circuit, k)
    batch, steps = (2, 3) if m < 3 else (2, 2)
    z = currents((steps, batch, k), n_io)
    u = np.random.default_rng(5).random((steps, batch, k))
    pop = Population(circuit, theta, batch=batch, noise=noise, backend="instrument")
    shape = z.shape if n_io > 1 else z.shape[:-1]
    result = pop.run(z.reshape(shape), uniforms=u)
    s, p, memory = plain(circuit, noise, theta, z, u)
    spikes = result.spikes.reshape(z.shape)
    np.testing.assert_array_equal(index_of(spikes), s)
    bits = bits_of(np.arange(2**n_io), n_io)
    np.testing.assert_allclose(result.p_spike.reshape(z.shape), p @ bits, atol=1e-12)
    np.testing.assert_allclose(result.memory, memory, atol=1e-11)
    chosen = np.take_along_axis(p, s[..., None], -1)[..., 0]
    np.testing.assert_allclose(result.log_likelihood, np.log(chosen), atol=1e-10)


@pytest.mark.parametrize("shared", [False, True], ids=["own theta", "shared theta"])
@pytest.mark.parametrize(("n_io", "m", "k"), CASES)
def test_float32_follows_float64_on_the_same_outcomes(n_io, m, k, shared):
    circuit = ansatz.layered(n_io, m)
    theta = np.tile(angles(circuit, 1), (k, 1)) if shared else angles(circuit, k)
    z = currents((6, k), n_io, seed=1)
    z = z if n_io > 1 else z[..., 0]
    exact = Population(circuit, theta, noise=NOISE, seed=1, backend="instrument").run(z)
    single = Population(circuit, theta, noise=NOISE, dtype=np.float32, backend="instrument")
    result = single.run(z, exact.spikes)
    assert result.memory.dtype == np.float32
    np.testing.assert_array_equal(result.spikes, exact.spikes)
    np.testing.assert_allclose(result.p_spike, exact.p_spike, atol=1e-4)
    assert np.abs(result.p_spike - exact.p_spike).max() > 0  # it was another computation


@pytest.mark.slow
@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)], ids=str)
def test_float32_for_100000_steps(size, noise):
    """p within 3e-4 of float64 on the same outcomes, and the memory remains a state."""
    circuit = ansatz.layered(*size)
    k, chunk = 8, 5000
    theta = angles(circuit, k, seed=3)
    options = {"noise": noise, "backend": "instrument"}
    exact = Population(circuit, theta, seed=1, **options)
    single = Population(circuit, theta, dtype=np.float32, **options)
    worst = []
    for part in range(20):
        z = currents((chunk, k), size[0], seed=part)
        z = z if size[0] > 1 else z[..., 0]
        want = exact.run(z, record=("p_spike",))
        got = single.run(z, want.spikes, record=("p_spike",))
        worst.append(np.abs(want.p_spike - got.p_spike).max())
        for vector in single.memory:
            assert pauli_to_qobj(vector).eigenenergies()[0] > -1e-4
            assert vector[0] == 1.0
    assert max(worst) <= 3e-4, worst


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("shared", [False, True], ids=["own theta", "shared theta"])
def test_an_impossible_outcome_is_forgotten_and_counted(m, dtype, shared):
    circuit = ansatz.layered(1, m)
    k = 7
    theta = np.zeros((k, circuit.n_params))  # nothing happens: no current, no spike
    if not shared:
        theta[:, 0] = np.arange(k) * 2 * np.pi
    pop = Population(circuit, theta, dtype=dtype, backend="instrument")
    clamp = np.array([1, 0, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(pop.step(np.zeros(k), clamp), clamp)
    assert pop.floor_hits == 3
    floor = {np.float64: 1e-12, np.float32: 1e-6}[dtype]
    want = np.where(clamp, np.log(floor), 0)
    np.testing.assert_allclose(pop.log_likelihood, want, atol=1e-5)
    fresh = Population(circuit, theta, dtype=dtype)
    np.testing.assert_allclose(pop.memory, fresh.memory, atol=1e-5)


# -- the parts -----------------------------------------------------------------------------------


def test_sincospi_is_exact_where_it_must_be():
    for n in range(-9, 10):
        assert _kernels.sincospi(float(n)) == (0.0, 1.0 if n % 2 == 0 else -1.0)
        s, c = _kernels.sincospi(n + 0.5)
        assert abs(c) < 1e-16
        assert abs(s - (1.0 if n % 2 == 0 else -1.0)) < 3e-16
    assert _kernels.sincospi(1e300) == (0.0, 1.0)


def test_sincospi_over_many_periods():
    x = np.random.default_rng(0).uniform(-1e3, 1e3, 4000)
    reduced = np.pi * np.longdouble(1) * np.fmod(x, 2.0)  # the remainder is exact
    reduced += np.longdouble("1.2246467991473531772e-16") * np.fmod(x, 2.0)
    got = np.array([_kernels.sincospi(v) for v in x])
    np.testing.assert_allclose(got[:, 0], np.sin(reduced).astype(float), rtol=0, atol=1e-15)
    np.testing.assert_allclose(got[:, 1], np.cos(reduced).astype(float), rtol=0, atol=1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 1, 17, 36])
def test_one_bad_current_is_seen(bad, at):
    z = np.linspace(-1, 1, 37)
    assert _kernels.inspect_currents(z) == (True, 0)
    z[at] = bad
    assert _kernels.inspect_currents(z)[0] == False  # noqa: E712 - a NumPy bool
    pop = Population(ansatz.paper(), size=37, seed=0)
    before = pop._rng.bit_generator.state["state"]
    with pytest.raises(ValueError, match=rf"`currents` must be finite.*index \({at},\)"):
        pop.step(z)
    assert pop._rng.bit_generator.state["state"] == before
    np.testing.assert_array_equal(pop.memory, Population(ansatz.paper(), size=37, seed=0).memory)


def test_wraps_are_counted():
    assert _kernels.inspect_currents(np.array([0.5, 1.0, 1.0000001, 1e308, -3.0])) == (True, 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_more_neurons_than_caches_hold_step_like_few(dtype):
    """Instruments of over 8 MiB are fetched ahead: the same bits as in small pieces."""
    k = 11_037 if dtype is np.float64 else 22_001
    circuit = ansatz.layered(1, 1)
    theta, z = angles(circuit, k), currents((3, k), 1)[..., 0]
    rng = np.random.default_rng(1)
    u = rng.random((3, k))
    outcome = np.where(rng.random((3, k)) < 0.2, rng.integers(0, 2, (3, k)), -1)
    large = Population(circuit, theta, noise=NOISE, seed=0, dtype=dtype)
    assert large.nbytes > 2**23 + large.memory.nbytes
    for t in range(3):  # one step each
        one = slice(t, t + 1)
        got = large.run(z[one], outcome[one], uniforms=u[one])
        for start in (0, 4_000, k - 97):
            few = slice(start, start + 97)
            small = Population(circuit, theta[few], noise=NOISE, seed=0, dtype=dtype)
            want = small.run(z[: t + 1, few], outcome[: t + 1, few], uniforms=u[: t + 1, few])
            for name in ("spikes", "p_spike", "memory", "log_likelihood"):
                np.testing.assert_array_equal(getattr(got, name)[0, few], getattr(want, name)[-1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_step_allocates_its_spikes_and_little_else(dtype):
    k = 100_000
    pop = Population(ansatz.paper(), [0.3, 0.2, 0.1], size=k, seed=0, dtype=dtype)
    z = np.full(k, 0.5)
    pop.step(z)
    tracemalloc.start()
    spikes = pop.step(z)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spikes.nbytes == 4 * k
    assert peak < spikes.nbytes + 50_000, peak


# -- building ------------------------------------------------------------------------------------


@pytest.fixture
def built(monkeypatch):
    """The number of neurons of every build."""
    sizes, original = [], Program.build

    def build(self, theta, *args):
        sizes.append(len(theta))
        return original(self, theta, *args)

    monkeypatch.setattr(Program, "build", build)
    return sizes


def test_only_changed_neurons_are_recompiled(built):
    circuit = ansatz.layered(1, 1)
    theta = angles(circuit, 50)
    pop = Population(circuit, theta, seed=0)
    assert built == [50]
    pop.theta = theta
    assert built == [50]
    theta[[3, 40]] += 0.5
    pop.theta = theta
    assert built == [50, 2]
    z = np.full((5, 50), 0.4)
    fresh = Population(circuit, theta, seed=0)
    np.testing.assert_array_equal(pop.run(z).memory, fresh.run(z).memory)


def test_from_own_angles_to_shared_ones_and_back(built):
    circuit = ansatz.layered(1, 2)
    own, shared = angles(circuit, 6), np.tile(angles(circuit, 1, seed=9), (6, 1))
    pop = Population(circuit, own, backend="instrument")
    large = pop.nbytes
    for theta, number in ((shared, 1), (own, 6), (shared, 1)):
        pop.theta = theta
        assert built[-1] == number
        pop.reset()
        z, u = np.full((4, 6), 0.6), np.random.default_rng(1).random((4, 6))
        got = pop.run(z, uniforms=u)
        want = Population(circuit, theta, backend="instrument").run(z, uniforms=u)
        np.testing.assert_array_equal(got.memory, want.memory)
    assert pop.nbytes < large / 4


# -- random numbers from outside -----------------------------------------------------------------


def test_given_uniforms_decide_and_spare_the_generator():
    pop = Population(ansatz.paper(), size=3, batch=2, seed=0)
    z = np.full((4, 2, 3), 0.5)
    low = pop.run(z, uniforms=np.zeros((4, 2, 3)))
    assert not low.spikes.any()  # p(silence) > 0 is never <= 0
    pop.reset()
    first = Population(ansatz.paper(), size=3, batch=2, seed=0).run(z)
    np.testing.assert_array_equal(pop.run(z).spikes, first.spikes)


@pytest.mark.parametrize(
    ("uniforms", "message"),
    [
        (np.zeros((4, 3)), r"`uniforms` must have shape \(5, 3\), but has shape \(4, 3\)"),
        (np.ones((5, 3)), r"`uniforms` must lie in \[0, 1\)"),
        (np.full((5, 3), -0.1), r"`uniforms` must lie in \[0, 1\)"),
    ],
)
def test_wrong_uniforms(uniforms, message):
    pop = Population(ansatz.paper(), size=3)
    with pytest.raises(ValueError, match=message):
        pop.run(np.zeros((5, 3)), uniforms=uniforms)


# -- which engine --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "noise", "shared", "k", "want"),
    [
        ((1, 1), None, False, 10**6, "instrument"),
        ((1, 1), None, False, 10**7, "trajectory"),  # 7 GB of instruments
        ((1, 1), None, True, 10**7, "instrument"),
        ((1, 2), NOISE, False, 1000, "instrument"),
        ((2, 2), None, False, 1000, "instrument"),
        ((1, 3), None, False, 1000, "trajectory"),
        ((1, 3), None, True, 1000, "instrument"),
        ((1, 3), NOISE, False, 1000, "instrument"),
        ((1, 4), NOISE, False, 10, "trajectory"),
        ((1, 4), NOISE, True, 10, "instrument"),
        ((1, 4), None, True, 10, "trajectory"),
        ((1, 10), None, True, 1, "trajectory"),
    ],
)
def test_the_default_backend(size, noise, shared, k, want):
    assert default_backend(ansatz.layered(*size), noise, k, np.float64, shared=shared) == want


def test_a_population_that_shares_its_angles_counts_one_instrument():
    circuit = ansatz.layered(1, 3)
    theta = angles(circuit, 1)[0]
    assert Population(circuit, theta, size=5).backend == "instrument"
    assert Population(circuit, size=5, seed=0).backend == "trajectory"


def test_too_large_instruments_name_the_backend_that_fits():
    circuit = ansatz.layered(1, 7)
    with pytest.raises(ValueError, match=r"for 1 set.*needs 10\d GB.*at most 5 mem.*'trajectory'"):
        Population(circuit, size=1, seed=0, dtype=np.float32, backend="instrument")
    with pytest.raises(ValueError, match=r"for 4096 set.*needs 12\.\d GB.*'trajectory'"):
        Population(ansatz.layered(1, 4), size=4096, seed=0, backend="instrument")


def test_backends_by_name():
    for backend in BACKENDS:
        assert Population(ansatz.paper(), size=1, seed=0, backend=backend).backend == backend
    with pytest.raises(ValueError, match=r"`backend` must be one of .*'trajectory'.*Did you mean"):
        Population(ansatz.paper(), size=1, backend="trajectories")


def test_another_noise_keeps_the_backend_that_was_named():
    pop = Population(ansatz.paper(), size=2, seed=1, backend="trajectory")
    assert pop.with_noise(NOISE).backend == "trajectory"


def test_the_packed_layout_is_the_canonical_one():
    program = compile_program(ansatz.layered(2, 1), NOISE)
    A = program.build(angles(program.ansatz, 3))
    effects, blocks = _kernels.pack_instruments(A)
    assert blocks.shape == (3, 4, 9 * 4, 4)
    assert effects.shape == (3, 3, 9 * 4)
    assert blocks[2, 3, 5 * 4 + 1, 2] == A[2, 3, 2, 5, 1]
    assert effects[1, 2, 7 * 4 + 3] == A[1, 2, 0, 7, 3]
    program = compile_program(ansatz.layered(1, 1), NOISE)
    A = program.build(angles(program.ansatz, 3))
    effects, blocks = _kernels.pack_instruments(A)
    assert blocks.shape == (3, 1, 3 * 4, 2 * 4)
    assert effects.size == 0
    assert blocks[2, 0, 2 * 4 + 1, 4 + 3] == A[2, 1, 3, 2, 1]


def test_arrays_start_on_a_cache_line():
    for _ in range(20):
        array = _kernels.aligned_empty((3, 5, 7), np.float32)
        assert array.ctypes.data % 64 == 0
        assert array.shape == (3, 5, 7)
        assert array.nbytes == 4 * prod(array.shape)
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_names_of_the_module_that_the_room_was_are_found_there():
    assert engines.ground_state is states.ground_state
    assert engines.check_states is states.check_states
    for name, kind in (("instrument", "InstrumentEngine"), ("qutip", "LiteralEngine")):
        pop = Population(ansatz.paper(), size=2, seed=0, backend=name)
        assert type(pop._engine) is getattr(engines, kind)
