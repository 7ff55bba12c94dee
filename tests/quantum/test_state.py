"""The state of a population: what it goes on from, in every engine, to the last bit."""

import json

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.engines.choose import BACKENDS

NOISE = NoiseModel.preset("ibm_brisbane").replace(p_reset=0.02)
CASES = [
    (backend, noise, dtype, size)
    for backend in BACKENDS
    for noise in (None, NOISE)
    for dtype in (np.float64, np.float32)
    for size in ((1, 1), (1, 2), (2, 1))
    if size == (1, 1) or (dtype == np.float64 and backend != "qutip")
]
RECORDED = ("spikes", "p_spike", "memory")


def make(backend, noise, dtype, size, seed=3, **options):
    return Population(
        ansatz.layered(*size), size=3, batch=2, noise=noise, dtype=dtype, backend=backend,
        seed=seed, **options,
    )  # fmt: skip


def currents(size, steps, seed=0):
    shape = (steps, 2, 3) if size[0] == 1 else (steps, 2, 3, size[0])
    return np.random.default_rng(seed).uniform(-0.2, 1, shape)


def in_use(case):
    """Return a population with a past: of angles that moved, wraps, and clamped outcomes."""
    population = make(*case)
    z = currents(case[3], 6)
    population.run(z[:2])
    population.theta = population.theta + np.array([[0.1], [0.0], [0.2]])
    with pytest.warns(UserWarning, match="exceed 1"):
        population.step(z[2] + 1)
    population.step(z[3])
    return population


def assert_same(one, two, size):
    z = currents(size, 8, seed=1)
    a, b = one.run(z, record=RECORDED), two.run(z, record=RECORDED)
    for name in RECORDED:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    assert (one.wraps, one.floor_hits, one.seed) == (two.wraps, two.floor_hits, two.seed)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_restored_population_has_the_bits_of_one_that_went_on(case, tmp_path):
    population = in_use(case)
    state = population.state
    assert {type(value) for value in state.values()} == {np.ndarray}
    population.save_state(tmp_path / "state.npz")
    fresh, loaded = make(*case, seed=9), make(*case, seed=9)
    fresh.state = state
    loaded.load_state(tmp_path / "state.npz")
    for name in ("theta", "memory", "p_spike"):
        np.testing.assert_array_equal(getattr(fresh, name), getattr(population, name))
    if population.backend != "trajectory" or not population.noise:
        np.testing.assert_array_equal(fresh.log_likelihood, population.log_likelihood)
    went_on = population.state
    assert_same(population, fresh, case[3])
    back = make(*case)
    back.state = went_on
    assert_same(back, loaded, case[3])
    population.state = went_on  # rewinds
    again = make(*case)
    again.state = state
    assert_same(population, again, case[3])


def test_the_state_is_a_copy_that_nothing_moves():
    population = make("instrument", NOISE, np.float64, (1, 1))
    before = {name: value.copy() for name, value in population.state.items()}
    state = population.state
    population.run(currents((1, 1), 3))
    for name, value in before.items():
        np.testing.assert_array_equal(state[name], value)
    population.state = state
    population.run(currents((1, 1), 3))
    np.testing.assert_array_equal(state["memory"], before["memory"])


def test_large_memories_and_entangled_states_are_kept_whole():
    """Above 4 memory qubits `memory` tells of single qubits; the state has all amplitudes."""
    ghz = (qutip.basis([2] * 6, [0] * 6) + qutip.basis([2] * 6, [1] * 6)).unit()
    one, two = (
        Population(ansatz.layered(1, 6), size=2, seed=1, backend="trajectory") for _ in "ab"
    )
    one.reset(ghz)
    two.state = one.state
    np.testing.assert_array_equal(two.memory_qobj(0).full(), one.memory_qobj(0).full())
    assert one.state["memory"].shape == (2, 2, 64)
    dense = Population(ansatz.layered(1, 5), size=2, seed=1, backend="density", noise=NOISE)
    assert dense.state["memory"].shape == (2, 1024)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"size": 4}, r"size \(3 there, 4 here\)"),
        ({"batch": (2, 2)}, r"batch \(\(2,\) there, \(2, 2\) here\)"),
        ({"noise": None}, r"noise \(.* there, None here\)"),
        ({"noise": NOISE.replace(p_reset=0.03)}, r"differs in noise \("),
        ({"dtype": np.float32}, r"dtype \(float64 there, float32 here\)"),
        ({"backend": "density"}, r"backend \(instrument there, density here\)"),
        ({"ansatz": ansatz.paper()}, r"ansatz \(.*layered.* there, .*paper.* here\)"),
        (
            {"ansatz": ansatz.from_gates(
                [("RX", 0, "a"), *[("RX", 1, f"b{i}") for i in range(7)]],
                io_qubits=1, memory_qubits=1, name="layered",
            )},
            r"differs in ansatz \(",
        ),
        ({"size": 4, "dtype": np.float32}, r"size \(.*, dtype \("),
    ],
    ids=str,
)  # fmt: skip
def test_a_state_of_another_configuration_is_refused_by_name(change, differs):
    options = {"size": 3, "batch": 2, "noise": NOISE, "seed": 1, "backend": "instrument"}
    state = Population(ansatz.layered(1, 1), **options).state
    circuit = change.pop("ansatz", ansatz.layered(1, 1))
    other = Population(circuit, **{**options, **change})
    before = other.state
    with pytest.raises(ValueError, match=r"`state` must be .* differs in .*") as caught:
        other.state = state
    caught.match(differs)
    for name, value in other.state.items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory": np.zeros((2, 3, 4))}, "must hold states"),
        ({"memory": np.full((2, 3, 4), np.nan)}, "finite numbers in `memory`"),
        ({"memory": np.ones((3, 4))}, r"must hold `memory` as float64 of shape \(2, 3, 4\)"),
        ({"theta": np.full((3, 8), np.nan)}, "finite numbers in `theta`"),
        ({"theta": np.zeros((3, 8), np.float32)}, "must hold `theta` as float64"),
        ({"seed": np.array("x")}, "whole number as `seed`"),
        ({"outcomes": np.zeros(3, np.uint64)}, "must hold `outcomes`"),
        ({"counters": np.array([-1, 0])}, "`counters` from 0"),
        ({"outcomes": np.full(6, 2**60, np.uint64)}, "generator's numbers in `outcomes`"),
        ({"theta": [[1.0], [1.0, 2.0]]}, "must hold arrays, but"),
        ({"format": np.array("9")}, "must have format 1, but has '9'"),
        ({"configuration": np.array("{")}, "is no JSON"),
        ({"theta": None}, "has no theta"),
    ],
)
def test_a_state_that_is_none_is_refused_and_changes_nothing(change, message):
    population = make("instrument", None, np.float64, (1, 1))
    before = population.state
    state = {**before, **change}
    for name in [name for name, value in change.items() if value is None]:
        del state[name]
    with pytest.raises(ValueError, match=message):
        population.state = state
    for name, value in population.state.items():
        np.testing.assert_array_equal(value, before[name])
    with pytest.raises(TypeError, match="`state` must be what"):
        population.state = 3


def test_files_are_read_without_trust(tmp_path):
    population = make("trajectory", NOISE, np.float64, (1, 1))
    path = tmp_path / "state.npz"
    with pytest.raises(FileNotFoundError, match="state of a population"):
        population.load_state(path)
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match="damaged or not the state of a population"):
        population.load_state(path)
    np.savez(path, theta=np.zeros(3))
    with pytest.raises(ValueError, match="has no configuration"):
        population.load_state(path)
    assert json.loads(str(population.state["configuration"]))["backend"] == "trajectory"
