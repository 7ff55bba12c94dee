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
