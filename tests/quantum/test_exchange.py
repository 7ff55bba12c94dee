"""Circuits to and from Qiskit and OpenQASM 3: qubit order, angles, refusals, round trips."""

import importlib

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import ansatz
from lava_sqs.quantum._exchange import encoding_angles, need
from lava_sqs.quantum.gates import FIXED, ROTATIONS

pytest.importorskip("qiskit", reason="the extra `hardware` is not installed")
pytest.importorskip("qiskit_qasm3_import", reason="the extra `hardware` is not installed")

from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate
from qiskit.quantum_info import Operator

PLACES = {1: [(0,), (2,)], 2: [(0, 2), (2, 1), (1, 0)]}
SYMMETRIC = ("CZ", "SWAP", "ISWAP", "RXX", "RYY", "RZZ")
GATES = [
    (name, qubits) for name, (size, _) in {**FIXED, **ROTATIONS}.items() for qubits in PLACES[size]
]


def differs(one, other):
    """Return by how much two unitaries differ, up to a phase."""
    one, other = (x.full() if isinstance(x, qutip.Qobj) else x for x in (one, other))
    return 1 - abs(np.vdot(one, other)) / len(one)


@pytest.mark.parametrize(("name", "qubits"), GATES, ids=str)
def test_every_gate_is_qiskits_with_its_qubits_reversed(name, qubits):
    angle = (0.7,) if name in ROTATIONS else ()
    circuit = ansatz.from_gates([(name, qubits, *angle)], io_qubits=1, memory_qubits=2)
    out = circuit.to_qiskit()
    ours = circuit.unitary()
    assert differs(ours, Operator(out).reverse_qargs().data) < 1e-12
    if name not in SYMMETRIC or qubits != (0, 2):  # the test can fail: the other order differs
        assert differs(ours, Operator(out).data) > 1e-3
    assert ansatz.from_qiskit(out).gates == circuit.gates
    if qubits in (PLACES[1][0], PLACES[2][1]):
        assert ansatz.from_qasm3(circuit.to_qasm3()).gates == circuit.gates


def test_a_given_unitary_goes_out_and_comes_back():
    unitary = qutip.rand_unitary([2, 2, 2], seed=1)
    circuit = ansatz.from_unitary(unitary, io_qubits=1, memory_qubits=2)
    out = circuit.to_qiskit()
    assert differs(unitary, Operator(out).reverse_qargs().data) < 1e-12
    assert differs(unitary, ansatz.from_qiskit(out).unitary()) < 1e-12
    assert differs(unitary, ansatz.from_qasm3(circuit.to_qasm3()).unitary()) < 1e-9


AFFINE = ansatz.from_gates(
    [
        ("RZ", 0, ("b", 1.0, 0.4)), ("SX", 0), ("RX", 1, "a"), ("CRX", (0, 1), ("a", -0.5, 0.0)),
        ("RZ", 1, ("c", 2.0, -1.0)), ("RZ", 0, ("b", -1.0, 0.0)), ("CRY", (1, 0), ("c", 1.5, 0.3)),
        ("RXX", (0, 1), "b"), ("RY", 0, 0.25),
    ],
    io_qubits=1, memory_qubits=1, name="affine",
)  # fmt: skip


@pytest.mark.parametrize(
    "circuit", [ansatz.paper(), ansatz.layered(2, 1), AFFINE], ids=lambda c: c.name
)
@pytest.mark.parametrize("text", [False, True])
def test_angles_keep_their_names_scales_and_order(circuit, text):
    back = ansatz.from_qasm3(circuit.to_qasm3(), io_qubits=circuit.io_qubits) if text else (
        ansatz.from_qiskit(circuit.to_qiskit(), io_qubits=circuit.io_qubits)
    )  # fmt: skip
    assert back.param_names == circuit.param_names
    assert (back.io_qubits, back.memory_qubits) == (circuit.io_qubits, circuit.memory_qubits)
    theta = np.random.default_rng(0).uniform(-3, 3, circuit.n_params)
    assert differs(back.unitary(theta), circuit.unitary(theta)) < 1e-12
    bound = circuit.to_qiskit(theta=theta)
    assert differs(circuit.unitary(theta), Operator(bound).reverse_qargs().data) < 1e-12
    if not text:
        assert back == circuit


def test_names_may_be_put_in_order():
    out = ansatz.layered().to_qiskit()
    names = [*reversed(ansatz.layered().param_names), "unused"]
    back = ansatz.from_qiskit(out, param_names=names)
    theta = np.random.default_rng(1).uniform(-3, 3, 8)
    assert back.param_names == tuple(names)
    given = [*theta[::-1], 0.0]
    assert differs(back.unitary(given), ansatz.layered().unitary(theta)) < 1e-12
    with pytest.raises(ValueError, match="`param_names` must name every angle, but lacks"):
        ansatz.from_qiskit(out, param_names=names[1:])


def test_what_is_equal_but_for_a_phase_is_understood():
    a, b = Parameter("a"), Parameter("b")
    qc = QuantumCircuit(QuantumRegister(1, "io"), QuantumRegister(1, "memory"))
    qc.p(a, 0)
    qc.u(a, 2 * b, 0.3, 1)
    qc.sdg(0)
    qc.tdg(1)
    qc.sxdg(0)
    qc.barrier()
    qc.id(0)
    qc.rz(a - b + 1, 1)  # several parameters: RZ is taken apart
    circuit = ansatz.from_qiskit(qc)
    values = {"a": 0.7, "b": -1.2}
    theta = [values[name] for name in circuit.param_names]
    want = Operator(qc.assign_parameters(values)).reverse_qargs().data
    assert differs(circuit.unitary(theta), want) < 1e-12


def test_gates_of_ones_own_are_what_they_are_defined_as():
    text = """OPENQASM 3.0;
    include "stdgates.inc";
    input float[64] a;
    gate iswap x, y { rx(0.3) x; cx x, y; }
    gate turn(w) x, y { ry(2*w) x; iswap y, x; }
    qubit q0; qubit q1;
    turn(a) q1, q0;
    """
    circuit = ansatz.from_qasm3(text)
    names = [(g.name, g.qubits, g.scale) for g in circuit.gates]
    assert names == [("RY", (1,), 2.0), ("RX", (0,), 1.0), ("CX", (0, 1), 1.0)]
    inner = QuantumCircuit(2, name="mine")
    inner.h(0)
    inner.cz(0, 1)
    qc = QuantumCircuit(3)
    qc.append(inner.to_gate(), [2, 0])
    circuit = ansatz.from_qiskit(qc, io_qubits=2)
    assert [(g.name, g.qubits) for g in circuit.gates] == [("H", (2,)), ("CZ", (2, 0))]


def refused(add):
    qc = QuantumCircuit(3, 1)
    qc.h(0)
    add(qc)
    return qc


REFUSED = {
    "cp": lambda qc: qc.cp(0.3, 0, 1),
    "ccx": lambda qc: qc.ccx(0, 1, 2),
    "cx_o0": lambda qc: qc.append(CXGate(ctrl_state=0), [0, 1]),
    "measure": lambda qc: qc.measure(0, 0),
    "reset": lambda qc: qc.reset(1),
    "delay": lambda qc: qc.delay(100, 0),
    "if_else": lambda qc: qc.if_test((qc.clbits[0], 1), refused(lambda _: None), qc.qubits, [0]),
    "rx": lambda qc: qc.rx(Parameter("a").sin(), 0),
    "ry": lambda qc: qc.ry(Parameter("a") * Parameter("b"), 0),
    "crx": lambda qc: qc.crx(Parameter("a") + Parameter("b"), 0, 1),
    "rz": lambda qc: qc.rz(1 / Parameter("a"), 0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_gate_here_is_refused_by_name_and_place(name):
    with pytest.raises(ValueError, match=f"`circuit` .*instruction 1, `{name}`"):
        ansatz.from_qiskit(refused(REFUSED[name]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ansatz.from_qiskit("rx q"), TypeError, "`circuit` must be a qiskit.QuantumCircu"),
        (lambda: ansatz.from_qiskit(QuantumCircuit(1)), ValueError, "io and a memory qubit"),
        (lambda: ansatz.from_qiskit(QuantumCircuit(2), io_qubits=2), ValueError, "`io_qubits`"),
        (lambda: ansatz.from_qasm3(3), TypeError, "`text` must be OpenQASM 3"),
        (lambda: ansatz.from_qasm3("rx q"), ValueError, "`text` is no OpenQASM 3"),
        (lambda: ansatz.paper().to_qiskit(0), ValueError, "`steps`"),
        (lambda: ansatz.paper().to_qiskit(theta=[0.1]), ValueError, "`theta`"),
        (lambda: ansatz.paper().to_qiskit(currents=[0.1]), ValueError, "`currents`"),
        (lambda: ansatz.paper().to_qiskit(2, currents=[0.1]), ValueError, "`currents`"),
        (lambda: ansatz.paper().to_qiskit(2, currents=[0.1, np.nan]), ValueError, "`currents`"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_neuron_of_steps_has_its_bits_in_order():
    qc = ansatz.layered(2, 1).to_qiskit(3)
    assert qc.num_clbits == 6
    assert qc.num_parameters == 13 + 6
    measured = [
        (qc.find_bit(i.qubits[0]).index, qc.find_bit(i.clbits[0]).index)
        for i in qc.data
        if i.operation.name == "measure"
    ]
    assert measured == [(0, 0), (1, 1), (0, 2), (1, 3), (0, 4), (1, 5)]
    bound = ansatz.paper().to_qiskit(3, theta=[1, 2, 3], currents=[0.5, 0.0, -1.0])
    assert [i.operation.name for i in bound.data].count("rx") == 1 + 3 * 2
    assert encoding_angles([0.5, 0.0, -1.0]).tolist() == [np.pi / 2, 0.0, 0.0]


def test_without_the_extra_the_message_says_what_adds_it(monkeypatch):
    real = importlib.import_module

    def missing(name, package=None):
        if name.split(".")[0].startswith("qiskit"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)
    for call in (ansatz.paper().to_qiskit, lambda: ansatz.from_qasm3("OPENQASM 3;")):
        with pytest.raises(ImportError, match=r"pip install 'lava-sqs\[hardware\]'"):
            call()
    with pytest.raises(ImportError, match=r"pip install 'lava-sqs\[ibm\]'"):
        need("qiskit_ibm_runtime")
