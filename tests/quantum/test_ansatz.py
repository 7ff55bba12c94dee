"""Circuits: sizes, names, order of gates, layers, drawing and refusals."""

import numpy as np
import pytest
import qutip
from qutip.core.gates import rx, rz

from lava_sqs.quantum import ansatz


def controlled(u):
    return qutip.tensor(qutip.fock_dm(2, 0), qutip.qeye(2)) + qutip.tensor(qutip.fock_dm(2, 1), u)


def test_paper_is_the_three_gates_of_the_paper():
    circuit = ansatz.paper()
    assert circuit.param_names == ("theta_ent", "theta_mem", "theta_in")
    ent, mem, inp = 0.3, -1.1, 2.0
    crx = controlled(rx(ent)).permute([1, 0])  # memory controls io
    want = qutip.tensor(rx(inp), rx(mem)) @ crx
    assert (circuit.unitary([ent, mem, inp]) - want).norm() < 1e-14


def test_layered_is_built_in_the_stated_order():
    circuit = ansatz.layered(1, 1)
    a = np.random.default_rng(0).uniform(-3, 3, 8)
    want = (
        controlled(rx(a[7])).permute([1, 0])
        @ qutip.tensor(rx(a[5]), rx(a[6]))
        @ controlled(rx(a[4]))
        @ qutip.tensor(rz(a[1]) @ rx(a[0]), rz(a[3]) @ rx(a[2]))
    )
    assert (circuit.unitary(a) - want).norm() < 1e-13


@pytest.mark.parametrize(
    ("size", "n_params"), [((1, 1, 1), 8), ((1, 2, 1), 13), ((2, 1, 1), 13), ((1, 1, 3), 24)]
)
def test_number_of_angles(size, n_params):
    circuit = ansatz.layered(*size)
    assert circuit.n_params == n_params == len(set(circuit.param_names))


def test_circuits_compare_by_what_they_do():
    assert ansatz.layered(1, 2) == ansatz.layered(1, 2)
    assert hash(ansatz.layered(1, 2)) == hash(ansatz.layered(1, 2))
    assert ansatz.layered(1, 2) != ansatz.layered(1, 2, 2)
    u, v = (qutip.rand_unitary([2, 2], seed=s) for s in (1, 2))
    one, two = (ansatz.from_unitary(x, io_qubits=1, memory_qubits=1) for x in (u, v))
    assert one == ansatz.from_unitary(u, io_qubits=1, memory_qubits=1)
    assert one != two


def test_gates_are_packed_as_early_as_possible():
    gates = [("H", 0), ("RX", 2, "a"), ("CX", (0, 1)), ("RX", 2, "b"), ("CX", (1, 2))]
    circuit = ansatz.from_gates(gates, io_qubits=1, memory_qubits=2)
    packed = [[(g.name, g.qubits) for g in layer] for layer in circuit.moments]
    assert packed == [
        [("H", (0,)), ("RX", (2,))],
        [("CX", (0, 1)), ("RX", (2,))],
        [("CX", (1, 2))],
    ]


@pytest.mark.parametrize("name", ["RX", "RY", "RZ", "CRX", "CRY", "CRZ", "RXX", "RYY", "RZZ"])
def test_rotations_are_unitary_and_start_at_the_identity(name):
    qubits = 0 if len(name) == 2 else (0, 1)
    circuit = ansatz.from_gates([(name, qubits, "a")], io_qubits=1, memory_qubits=1)
    assert (circuit.unitary([0.0]) - qutip.tensor([qutip.qeye(2)] * 2)).norm() < 1e-14
    u = circuit.unitary([0.7])
    assert (u @ u.dag() - qutip.tensor([qutip.qeye(2)] * 2)).norm() < 1e-13
    # the generator: exp(-i a P / 2) has period 4 pi
    assert (circuit.unitary([4 * np.pi]) - circuit.unitary([0.0])).norm() < 1e-13


def test_drawing_shows_every_gate_and_wire():
    text = ansatz.layered(1, 2).draw()
    lines = text.splitlines()
    assert len(lines) == 3
    assert [line.split(":")[0].strip() for line in lines] == ["io 0", "memory 0", "memory 1"]
    assert text.count("[") == 13 + 1  # 13 gates and one measurement
    assert text.count("●") == 4
    assert len({len(line) for line in lines}) <= 2


@pytest.mark.parametrize(
    ("gates", "error", "message"),
    [
        ([("crx", 0, "a")], ValueError, r"gates\[0\]\[0\].*Did you mean 'CRX'"),
        ([("RX", 5, "a")], ValueError, "below 2"),
        ([("CRX", (0, 0), "a")], ValueError, "2 different"),
        ([("RX", 0)], ValueError, "needs an angle"),
        ([("H", 0, "a")], ValueError, "takes no angle"),
        ([("RX", 0, np.nan)], ValueError, "finite"),
        ([("RX", 0.5, "a")], TypeError, "integer"),
        (["RX"], TypeError, r"gates\[0\]"),
    ],
)
def test_bad_gates_are_named(gates, error, message):
    with pytest.raises(error, match=message):
        ansatz.from_gates(gates, io_qubits=1, memory_qubits=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ansatz.layered(0, 1), ValueError, "`io_qubits` must be at least 1"),
        (lambda: ansatz.layered(1, 0), ValueError, "`memory_qubits` must be at least 1"),
        (lambda: ansatz.layered(1, 1.0), TypeError, "`memory_qubits` must be an integer"),
        (lambda: ansatz.layered(1, True), TypeError, "`memory_qubits` must be an integer"),
        (lambda: ansatz.named("laired"), ValueError, "Did you mean 'layered'"),
        (lambda: ansatz.named("paper", memory_qubits=2), ValueError, "must be 1"),
        (lambda: ansatz.named(ansatz.paper()), TypeError, "`ansatz` must be one of 'layered'"),
        (lambda: ansatz.resolve("delay", layers=2), ValueError, "`layers` must be 1 .* 'delay'"),
        (lambda: ansatz.resolve("delay-x", io_qubits=2), ValueError, "`io_qubits` must be 1"),
        (lambda: ansatz.resolve(None), TypeError, "`ansatz` must be one of 'layered'"),
        (lambda: ansatz.resolve("layered", layers=0), ValueError, "`layers` must be at least 1"),
        (lambda: ansatz.resolve(ansatz.paper(), layers=1), ValueError, "`layers` belongs to"),
        (lambda: ansatz.resolve(ansatz.paper(), 2), ValueError, "`io_qubits` must be 1, as"),
        (lambda: ansatz.delay(0), ValueError, "`memory_qubits` must be at least 1"),
        (lambda: ansatz.delay(basis="y"), ValueError, "`basis` must be one of 'z', 'x'"),
        (
            lambda: ansatz.from_unitary(np.ones((4, 4)), io_qubits=1, memory_qubits=1),
            ValueError,
            "unitary",
        ),
        (
            lambda: ansatz.from_unitary(np.eye(2), io_qubits=1, memory_qubits=1),
            ValueError,
            r"shape \(4, 4\)",
        ),
        (lambda: ansatz.paper().unitary([1.0]), ValueError, r"shape \(3,\)"),
        (lambda: ansatz.paper().unitary([1.0, np.inf, 0]), ValueError, "finite"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_deep_circuit_is_made_in_time_that_grows_with_its_gates():
    """300 layers of 11 qubits, 24 000 gates: looking every name up in a list took minutes."""
    circuit = ansatz.layered(1, 10, 300)
    assert circuit.n_params == len(set(circuit.param_names)) == len(circuit.gates)
    assert [gate.param for gate in circuit.gates] == list(range(circuit.n_params))


# -- a new circuit, added as docs/tour.md says -----------------------------------------------------


def mine(memory_qubits=2):
    """Step 1: a function."""
    gates = [("CRY", (m, 0), f"in_{m}") for m in range(1, memory_qubits + 1)]
    gates += [("RX", m, "turn") for m in range(1, memory_qubits + 1)]
    return ansatz.from_gates(gates, io_qubits=1, memory_qubits=memory_qubits, name="mine")


@pytest.fixture
def named_mine(monkeypatch):
    """Step 2: its name."""
    monkeypatch.setitem(ansatz.NAMED, "mine", mine)


@pytest.mark.usefixtures("named_mine")
def test_a_new_circuit_is_known_by_its_name_everywhere(capsys):
    from lava_sqs import SQS, SQSNN
    from lava_sqs.cli import main
    from lava_sqs.plot import draw_circuit
    from lava_sqs.study import Study

    assert ansatz.resolve("mine") == ansatz.named("mine") == mine()  # its own default
    assert ansatz.resolve("mine", memory_qubits=3, layers=1) == mine(3)
    with pytest.raises(ValueError, match="`layers` must be 1 for the ansatz 'mine', but got 2"):
        ansatz.resolve("mine", layers=2)

    assert SQS(shape=(2,), ansatz="mine", memory_qubits=1, seed=0).ansatz == mine(1)
    with pytest.raises(ValueError, match="`io_qubits` must be 1 for the ansatz 'mine'"):
        SQS(shape=(2,), ansatz="mine", io_qubits=2, seed=0)

    X, y = np.eye(4)[[0, 1, 2, 3] * 3], np.array([0, 0, 1, 1] * 3)
    network = SQSNN((), ansatz="mine", epochs=1, n_steps=2, random_state=0)
    assert network.fit(X, y).spec_.visible.neuron.ansatz == mine()
    assert draw_circuit(network).get_title().startswith("mine: 1 io and 2 memory")

    base = {"ansatz": "mine", "memory_qubits": 1}
    study = Study("memory_capacity", base=base, options={"circuits": 2, "max_delay": 2})
    assert study.run(max_batches=1).rows[0].counts.shots == 2

    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert f"{list(ansatz.NAMED)[-2]} or mine" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(("io", "memory", "layers"), [(1, 1, 1), (2, 1, 2), (1, 3, None)])
def test_an_ansatz_and_its_name_resolve_alike(io, memory, layers):
    circuit = ansatz.resolve("layered", io, memory, layers)
    assert circuit == ansatz.layered(io, memory, layers or 1)
    assert ansatz.resolve(circuit) is ansatz.resolve(circuit, io, memory) is circuit
