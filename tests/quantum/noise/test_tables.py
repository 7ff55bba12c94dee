"""Noise by gate and qubits: tables, long resets, correlated readout, couplings, late gates."""

import json
import math

import numpy as np
import pytest
import qutip
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.noise import GateNoise
from lava_sqs.quantum.noise.tables import turned
from lava_sqs.quantum.schedule import Schedule

NS = 1e-9
X, Y, Z_ = qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()
ONE = qutip.qeye(2)


def flips(p, *paulis):
    n = len(paulis)
    return [(1 - p) ** 0.5 * qutip.qeye([2] * n), p**0.5 * qutip.tensor(*paulis)] if n > 1 else [
        (1 - p) ** 0.5 * ONE, p**0.5 * paulis[0]
    ]  # fmt: skip


CIRCUIT = ansatz.from_gates(
    [
        ("SX", 0), ("CRX", (0, 1), "a"), ("RX", 2, "b"), ("CX", (2, 1)), ("CRX", (1, 0), "c"),
        ("RZ", 0, ("a", 0.5, 0.2)), ("RX", 2, 0.3),
    ],
    io_qubits=1, memory_qubits=2,
)  # fmt: skip
BASE = NoiseModel(
    t1=5e-6, t2=4e-6, p_depol_1q=0.01, p_depol_2q=0.02, p_reset=0.02, thermal_population=0.05,
    idle_time=2e-7,
)  # fmt: skip
MODELS = {
    "reset": BASE.replace(reset_time=8e-7),
    "gates": BASE.with_gate("RZ", error=0, duration=0)
    .with_gate("CRX", (0, 1), error=0.05, duration=5e-7)
    .with_gate("ENCODE", 0, error=0.03, duration=1e-7),
    "turned too far": BASE.with_gate("CRX", (0, 1), over_rotation=0.1)
    .with_gate("SX", over_rotation=-0.05)
    .with_gate("CX", over_rotation=0.2)
    .with_gate("RX", 2, over_rotation=-0.2),
    "channels": BASE.with_gate("CRX", (1, 0), channel=flips(0.1, X, Z_))
    .with_gate("ENCODE", channel=flips(0.05, Y), relaxes=False)
    .with_gate("RX", channel=flips(0.2, Z_)),
    "readout": BASE.replace(readout_matrix=[[0.95, 0.1], [0.05, 0.9]]),
    "couplings": BASE.replace(zz={(0, 1): 3e5, (2, 1): -2e5, (0, 2): 1e5}, reset_time=5e-7),
    "outcomes": BASE.with_channel("readout", qutip.gates.rx(0.4), qubits=1, outcome=1)
    .with_channel("readout", flips(0.1, X, X), outcome=0)
    .with_channel("readout", flips(0.1, Y), qubits=0),
}
together = BASE.replace(
    reset_time=8e-7, zz=MODELS["couplings"].zz, readout_matrix=MODELS["readout"].readout_matrix,
    channels=MODELS["outcomes"].channels,
    gates=sum((MODELS[k].gates for k in ("gates", "turned too far", "channels")), ()),
)  # fmt: skip
MODELS["together"] = together
CLOCKS = ("layers", "alap")
RNG = np.random.default_rng(18)
THETA, CURRENTS = RNG.uniform(-2, 2, 3), RNG.uniform(-0.3, 1, (5, 1))
SPIKES = RNG.integers(0, 2, (5, 1))


def run(noise, backend="instrument", circuit=CIRCUIT, theta=THETA):
    population = Population(circuit, theta, size=1, noise=noise, backend=backend, seed=0)
    return population.run(CURRENTS, SPIKES)


LITERAL = [*((name, "layers") for name in MODELS), ("gates", "alap"), ("together", "alap")]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("name", MODELS)
def test_engines_agree_with_the_literal_neuron(name, clock):
    noise = MODELS[name].replace(clock=clock)
    # The literal neuron takes a matrix exponential of the register for each duration there is.
    literal = run(noise, "qutip" if (name, clock) in LITERAL else "instrument")
    for backend in ("instrument", "density"):
        ours = run(noise, backend)
        np.testing.assert_allclose(ours.log_likelihood, literal.log_likelihood, atol=1e-10)
        np.testing.assert_allclose(ours.memory, literal.memory, atol=1e-10)
    plain = run(BASE.replace(clock=clock))
    assert np.abs(plain.log_likelihood - literal.log_likelihood).max() > 1e-5  # it does something


@pytest.mark.parametrize("clock", CLOCKS)
def test_trajectories_have_the_same_law(clock):
    noise, n = together.replace(clock=clock), 20_000
    z = np.repeat(CURRENTS[:4], n, axis=1)
    drawn = Population(CIRCUIT, THETA, size=n, noise=noise, seed=1, backend="trajectory")
    trains = drawn.run(z, record=["spikes"]).spikes
    every = (np.arange(16)[None] >> np.arange(4)[:, None]) & 1
    exact = Population(CIRCUIT, THETA, size=16, noise=noise, seed=1, backend="instrument")
    law = np.exp(exact.run(z[:, :16], every).log_likelihood.sum(axis=0))
    assert abs(law.sum() - 1) < 1e-9
    counts = np.bincount((trains << np.arange(4)[:, None]).sum(axis=0), minlength=16)
    statistic = ((counts - n * law) ** 2 / (n * law)).sum()
    assert statistic < 45  # chi-square with 15 degrees of freedom: p = 8e-5


# -- what each of them means, by hand -------------------------------------------------------------


def expect_z(noise, circuit, steps=1, z=0.0, outcome=0):
    population = Population(circuit, [], size=1, noise=noise, seed=0, backend="instrument")
    for _ in range(steps):
        population.step(np.full(1, z), np.full(1, outcome))
    return population.memory[0]


FLIPPED = ansatz.from_gates([("X", 1)], io_qubits=1, memory_qubits=1)
IDLE = ansatz.from_gates([("RX", 0, 0.0)], io_qubits=1, memory_qubits=1)


def test_the_memory_waits_for_the_reset():
    quiet = {"gate_time_1q": 0.0, "gate_time_2q": 0.0, "readout_time": 0.0}
    noise = NoiseModel(t1=1e-6, t2=1e-6, reset_time=3e-7, **quiet)
    after = expect_z(noise, FLIPPED, steps=2)  # |1>, waits, is flipped back
    excited = math.exp(-0.3)
    assert abs(after[3] - (1 - 2 * (1 - excited))) < 1e-12


def test_errors_and_durations_are_those_of_the_gate_on_its_qubits():
    noise = NoiseModel(t1=1e-6, t2=1e-6, readout_time=0.0, gate_time_1q=0.0, p_depol_1q=0.3)
    model = noise.with_gate("X", 1, error=0.06, duration=2e-7).with_gate("X", error=0.9)
    after = expect_z(model, FLIPPED)
    excited = (1 - 2 * 0.06 / 3) * math.exp(-0.2)
    assert abs(after[3] - (1 - 2 * excited)) < 1e-12
    other = expect_z(noise.with_gate("X", 0, error=0.0), FLIPPED)  # another qubit's
    assert abs(other[3] + 1 - 4 * 0.3 / 3) < 1e-12
    for first, second in [(0.1, 0.2), (0.2, 0.1)]:  # what is said later holds
        model = noise.with_gate("X", 1, error=first).with_gate("X", 1, error=second)
        assert model.known("X", (1,)).error == second
    assert model.known("RX", (1,)).error == 0.3


def test_a_virtual_rz_costs_nothing():
    gates = [("H", 1), *[("RZ", 1, 0.3)] * 5, ("RZ", 1, -1.5), ("H", 1)]
    circuit = ansatz.from_gates(gates, io_qubits=1, memory_qubits=1)
    noise = NoiseModel(t1=1e-6, t2=1e-6, readout_time=0.0, gate_time_1q=1e-7, p_depol_1q=0.05)
    short = ansatz.from_gates([("H", 1), ("H", 1)], io_qubits=1, memory_qubits=1)
    free = noise.with_gate("RZ", error=0, duration=0)
    np.testing.assert_allclose(expect_z(free, circuit), expect_z(noise, short), atol=1e-12)
    assert np.abs(expect_z(noise, circuit) - expect_z(noise, short)).max() > 0.1


@pytest.mark.parametrize("name", ["X", "SX", "H", "CX", "ECR", "SWAP", "ISWAP", "Z", "S", "T"])
def test_fixed_gates_turn_too_far_along_their_own_path(name):
    from lava_sqs.quantum.gates import FIXED

    full = FIXED[name][1]().full()
    np.testing.assert_allclose(turned(full, 0.0), full, atol=1e-12)
    half = turned(full, -0.5)
    np.testing.assert_allclose(half @ half, full, atol=1e-12)
    a, b = turned(full, 0.3), turned(full, -0.3)
    np.testing.assert_allclose(a @ b, full @ full, atol=1e-12)


def test_turned_x_is_rx_and_rotations_turn_by_a_share():
    rx = qutip.gates.rx(np.pi * 1.2).full()
    assert abs(abs(np.vdot(rx, turned(X.full(), 0.2))) - 2) < 1e-12
    noise = NoiseModel().with_gate("RX", over_rotation=0.1).with_gate("CRX", over_rotation=-0.2)
    circuit = ansatz.layered()
    theta = np.random.default_rng(0).uniform(-1, 1, 8)
    scale = [1 + 0.1 * ("rx" in n and "crx" not in n) - 0.2 * ("crx" in n)
             for n in circuit.param_names]  # fmt: skip
    ours = run(noise, circuit=circuit, theta=theta)
    want = run(None, circuit=circuit, theta=theta * scale)
    np.testing.assert_allclose(ours.log_likelihood, want.log_likelihood, atol=1e-12)


def test_correlated_readout_is_a_matrix_on_outcomes():
    rng = np.random.default_rng(3)
    matrix = rng.uniform(size=(4, 4))
    matrix /= matrix.sum(axis=0)
    circuit, z = ansatz.layered(2, 1), np.array([[0.4, 0.7]])
    theta = rng.uniform(-2, 2, 13)
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[:, None]

    def law(noise):
        population = Population(circuit, theta, size=1, batch=4, noise=noise, seed=0)
        population.step(np.broadcast_to(z, (4, 1, 2)), bits)
        return np.exp(population.log_likelihood[:, 0])

    np.testing.assert_allclose(law(NoiseModel(readout_matrix=matrix)), matrix @ law(None))
    single = [np.array([[0.98, 0.07], [0.02, 0.93]])] * 2
    product = NoiseModel(readout_matrix=np.kron(*single))
    simple = NoiseModel(p_read1_given0=0.02, p_read0_given1=0.07)
    np.testing.assert_allclose(law(product), law(simple), atol=1e-12)


@pytest.mark.parametrize("outcome", [0, 1])
def test_a_coupling_turns_the_memory_by_what_the_io_qubit_is(outcome):
    rate, wait = 1e5, 1e-6
    noise = NoiseModel(zz={(1, 0): rate}, readout_time=wait, gate_time_1q=0.0)
    circuit = ansatz.from_gates([("H", 1)], io_qubits=1, memory_qubits=1)
    after = expect_z(noise, circuit, z=0.5, outcome=outcome)
    angle = np.pi * rate * wait * (1 - 2 * outcome)  # |+> turned about Z
    np.testing.assert_allclose(after, [1, math.cos(angle), math.sin(angle), 0], atol=1e-12)
    still = NoiseModel(zz={(0, 1): rate}, readout_time=0.0, gate_time_1q=0.0, reset_time=wait)
    two = ansatz.from_gates([("H", 1)], io_qubits=1, memory_qubits=1)
    later = expect_z(still, two, steps=2, z=0.5, outcome=outcome)  # |+>, reset: turns as for |0>
    angle = np.pi * rate * wait
    np.testing.assert_allclose(later, [1, 0, -math.sin(angle), math.cos(angle)], atol=1e-12)


def test_a_channel_after_the_outcome_acts_after_the_true_one():
    noise = NoiseModel(readout_time=0.0).with_channel("readout", X, outcome=1)
    assert expect_z(noise, IDLE, z=0.5, outcome=1)[3] == pytest.approx(-1)
    assert expect_z(noise, IDLE, z=0.5, outcome=0)[3] == pytest.approx(1)
    misread = noise.replace(p_read1_given0=0.2)
    after = expect_z(misread, IDLE, z=0.5, outcome=1)  # 0.5 true ones and 0.1 misread zeros
    assert after[3] == pytest.approx((0.1 - 0.5) / 0.6)


# -- late gates -----------------------------------------------------------------------------------


def in_words(operations):
    lines = []
    for step in operations:
        name = step.gate.name if step.gate else step.slot
        line = " ".join([step.kind, *[name][: len(name)], *map(str, step.qubits)])
        if step.kind == "relax":
            line += f" for {step.duration / NS:g} ns"
        lines.append(line)
    return lines


def test_gates_act_as_late_as_they_can():
    circuit = ansatz.from_gates(
        [("X", 1), ("CX", (1, 2)), ("H", 0), ("CX", (0, 1)), ("RX", 2, 0.3)],
        io_qubits=1, memory_qubits=2,
    )  # fmt: skip
    noise = NoiseModel(
        t1=1e-5, t2=1e-5, gate_time_1q=50 * NS, gate_time_2q=300 * NS, reset_time=400 * NS,
        clock="alap",
    ).with_gate("X", duration=100 * NS)  # fmt: skip
    words = in_words(Schedule.of(circuit, noise).before)
    # From the measurement back: CX(0, 1) 300, H and encoding 50 each, reset 400: 800 in all.
    # Qubit 1: CX(0, 1) to 300, CX(1, 2) to 600, X to 700, so that it waits 100 before.
    # Qubit 2: RX to 50, CX(1, 2) from 600 to 300, so that it waits 250 between and 200 before.
    assert (
        words
        == """
reset 0
relax 1 for 100 ns
gate X 1
depolarise 1
relax 1 for 100 ns
relax 2 for 200 ns
gate CX 1 2
depolarise 1 2
relax 1 for 300 ns
relax 2 for 300 ns
encode 0
depolarise 0
relax 0 for 50 ns
channel after_encode 0 1 2
gate H 0
depolarise 0
relax 0 for 50 ns
gate CX 0 1
depolarise 0 1
relax 0 for 300 ns
relax 1 for 300 ns
relax 2 for 250 ns
gate RX 2
depolarise 2
relax 2 for 50 ns
channel after_circuit 0 1 2
""".strip().splitlines()
    )


GATE = st.one_of(
    st.tuples(st.sampled_from(["X", "H"]), st.integers(0, 2)),
    st.permutations([0, 1, 2]).map(lambda q: ("CX", (q[0], q[1]))),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(GATE, min_size=1, max_size=8), st.floats(0, 1e-6), st.integers(0, 3))
def test_whatever_the_circuit_the_memory_waits_for_the_whole_of_it(gates, reset, x_time):
    circuit = ansatz.from_gates(gates, io_qubits=1, memory_qubits=2)
    noise = NoiseModel(t1=1e-5, t2=1e-5, reset_time=reset, clock="alap").with_gate(
        "X", duration=x_time * 1e-7
    )
    steps = Schedule.of(circuit, noise).before
    waited = [sum(s.duration for s in steps if s.kind == "relax" and q in s.qubits) for q in (1, 2)]
    assert waited[0] == pytest.approx(waited[1], abs=1e-13)
    own = list(circuit.gates)
    assert [s.gate for s in steps if s.gate and 0 in s.qubits] == [g for g in own if 0 in g.qubits]
    order = {q: [s.gate for s in steps if s.gate and q in s.qubits] for q in (1, 2)}
    assert order == {q: [g for g in own if q in g.qubits] for q in (1, 2)}


# -- the model ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_models_are_written_read_scaled_and_compared(name):
    noise = MODELS[name].replace(clock="alap")
    again = NoiseModel.from_dict(json.loads(json.dumps(noise.to_dict())))
    assert again == noise
    assert hash(again) == hash(noise)
    assert noise != BASE
    assert str(noise) != str(BASE)
    assert "gates" not in NoiseModel().to_dict()  # older versions read what older models have


def test_scaling_takes_all_of_it():
    noise = NoiseModel(readout_matrix=[[0.9, 0.2], [0.1, 0.8]], zz={(0, 1): 1e4})
    noise = noise.with_gate("CX", error=0.02, duration=3e-7, over_rotation=0.1)
    double = noise.scaled(2)
    assert double.gates == (GateNoise("CX", None, 0.04, 3e-7, 0.2),)
    np.testing.assert_allclose(double.readout_matrix, [[0.8, 0.4], [0.2, 0.6]])
    assert double.zz == ((0, 1, 2e4),)
    np.testing.assert_allclose(noise.scaled(0).readout_matrix, np.eye(2))
    with pytest.raises(ValueError, match="`factor`"):
        noise.scaled(60)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: BASE.with_gate(3), TypeError, "`name`"),
        (lambda: BASE.with_gate("X", (0, 0)), ValueError, "`qubits`"),
        (lambda: BASE.with_gate("X", -1), ValueError, "`qubits`"),
        (lambda: BASE.with_gate("X", error=1.2), ValueError, "`error`"),
        (lambda: BASE.with_gate("X", duration=50), ValueError, "`duration`"),
        (lambda: BASE.with_gate("X", duration=-1e-9), ValueError, "`duration`"),
        (lambda: BASE.with_gate("X", over_rotation=2), ValueError, "`over_rotation`"),
        (lambda: BASE.with_gate("X", channel=[0.9 * ONE]), ValueError, "`channel`"),
        (lambda: BASE.with_gate("CX", (0, 1), channel=X), ValueError, "`channel`"),
        (lambda: BASE.with_gate("X", relaxes=1), TypeError, "`relaxes`"),
        (lambda: NoiseModel(gates=[("X", 0.1)]), TypeError, "`gates`"),
        (lambda: NoiseModel(reset_time=-1e-9), ValueError, "`reset_time`"),
        (lambda: NoiseModel(reset_time=900.0), ValueError, "`reset_time`"),
        (lambda: NoiseModel(readout_matrix=[[1, 0.5], [0.2, 0.5]]), ValueError, "`readout_matrix`"),
        (lambda: NoiseModel(readout_matrix=np.eye(3)), ValueError, "`readout_matrix`"),
        (lambda: NoiseModel(readout_matrix=[[1.1, 0], [-0.1, 1]]), ValueError, "`readout_matrix`"),
        (lambda: NoiseModel(readout_matrix=np.eye(2), p_read1_given0=0.1), ValueError, "`p_read1"),
        (lambda: NoiseModel(zz={(0, 0): 1e4}), ValueError, "`zz`"),
        (lambda: NoiseModel(zz={(0, 1): np.nan}), ValueError, "`zz`"),
        (lambda: NoiseModel(zz={(0, 1): 1e4, (1, 0): 1e4}), ValueError, "`zz`"),
        (lambda: NoiseModel(clock="late"), ValueError, "`clock`"),
        (lambda: BASE.with_channel("readout", X, outcome=2), ValueError, "`outcome`"),
        (lambda: BASE.with_channel("after_circuit", X, outcome=1), ValueError, "`outcome`"),
        (lambda: run(BASE.with_gate("X", 3)), ValueError, "`gates`"),
        (lambda: run(BASE.replace(zz={(0, 3): 1e4})), ValueError, "`zz`"),
        (lambda: run(BASE.replace(readout_matrix=np.eye(4))), ValueError, "`readout_matrix`"),
        (
            lambda: run(BASE.with_channel("readout", X, qubits=0, outcome=(0, 1))),
            ValueError,
            "`outcome`",
        ),
    ],
)
def test_bad_values_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
