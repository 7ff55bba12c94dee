"""Circuits in and out: Qiskit's ``QuantumCircuit`` and OpenQASM 3.

Register index k is Qiskit's qubit k, io qubits first; the bit that channel n reports in step t is
classical bit ``t * io_qubits + n``. What differs is how lists of bits are written as one number:
here qubit 0 is the most significant (``qutip.tensor``), in Qiskit the least: its matrices are those
of the qubits in reverse, and its text of counts has bit 0 at the right end.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int, check_real, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.quantum.gates import FIXED, ROTATIONS, Gate, parse_gate

__all__: list[str] = []

#: Qiskit's names of the gates that are here under the same name in capitals.
_SAME = {name.lower(): name for name in (*ROTATIONS, *FIXED)}
#: Other gates, equal except for a global phase, which no measurement sees: rotations with angles of
#: the gate's own, the first acts first.
_EQUAL: dict[str, Callable[..., list[tuple[str, Any]]]] = {
    "p": lambda angle: [("RZ", angle)],
    "u1": lambda angle: [("RZ", angle)],
    "sdg": lambda: [("RZ", -math.pi / 2)],
    "tdg": lambda: [("RZ", -math.pi / 4)],
    "sxdg": lambda: [("RX", -math.pi / 2)],
    "u": lambda theta, phi, lam: [("RZ", lam), ("RY", theta), ("RZ", phi)],
    "u3": lambda theta, phi, lam: [("RZ", lam), ("RY", theta), ("RZ", phi)],
}
_IGNORED = ("barrier", "id")
_LARGEST_ANGLE = 1e6  # an expression is tried at a few values; larger slopes would be rounding


def need(module: str) -> Any:
    """Return a module of the extra ``hardware`` or ``ibm``, imported now.

    Parameters
    ----------
    module : str
        Its dotted name.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is missing: says what adds it.

    Examples
    --------
    >>> need("qiskit_nowhere")
    Traceback (most recent call last):
    ...
    ImportError: This needs qiskit_nowhere: install the extra `hardware`, \
pip install 'lava-sqs[hardware]'.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        if error.name is not None and error.name.split(".")[0] != package:
            raise
        extra = "ibm" if package == "qiskit_ibm_runtime" else "hardware"
        raise ImportError(
            f"This needs {package}: install the extra `{extra}`, pip install 'lava-sqs[{extra}]'."
        ) from error


def encoding_angles(currents: Any) -> NDArray[np.float64]:
    """Return the angles of the encoding gates RX: pi z, and 0 where z <= 0.

    Parameters
    ----------
    currents : array_like
        Input currents z.

    Returns
    -------
    ndarray, shape of *currents*
        In radians.

    Examples
    --------
    >>> encoding_angles([-1.0, 0.0, 0.5]).round(3)
    array([0.   , 0.   , 1.571])
    """
    return np.asarray(np.pi * np.maximum(check_real("currents", currents), 0.0))


# -- out -----------------------------------------------------------------------------------------


def to_circuit(
    gates: Sequence[Gate],
    sizes: tuple[int, int],
    names: Sequence[str],
    title: str,
    steps: int | None,
    theta: NDArray[np.float64] | None,
    currents: NDArray[np.float64] | None,
) -> Any:
    """Return gates as a ``QuantumCircuit``; see :meth:`~lava_sqs.quantum.ansatz.Ansatz.to_qiskit`.

    Parameters
    ----------
    gates : sequence of Gate
        The gates, in the order in which they act.
    sizes : tuple of int
        Numbers of io and of memory qubits.
    names : sequence of str
        Names of the angles.
    title : str
        Name of the circuit.
    steps : int or None
        None is the gates alone, once.
    theta, currents : ndarray or None
        Shapes (n_params,) and (steps, io_qubits); None leaves parameters.

    Returns
    -------
    QuantumCircuit
    """
    qiskit = need("qiskit")
    parameter = need("qiskit.circuit").Parameter
    io, n = sizes[0], sum(sizes)
    angles = [parameter(name) for name in names] if theta is None else list(map(float, theta))
    circuit = qiskit.QuantumCircuit(n, 0 if steps is None else steps * io, name=title)
    if steps is None:
        _append(circuit, gates, angles)
        return circuit
    phi: Any
    if currents is None:
        phi = need("qiskit.circuit").ParameterVector("phi", steps * io)
    else:
        phi = [float(a) if a > 0 else None for a in encoding_angles(currents).ravel()]
    for t in range(steps):
        for q in range(io):
            circuit.reset(q)
        for q in range(io):
            if phi[t * io + q] is not None:  # no gate where there is no input
                circuit.rx(phi[t * io + q], q)
        _append(circuit, gates, angles)
        circuit.barrier()
        for q in range(io):
            circuit.measure(q, t * io + q)
        circuit.barrier()
    return circuit


def _append(circuit: Any, gates: Sequence[Gate], angles: Sequence[Any]) -> None:
    for gate in gates:
        qubits = list(gate.qubits)
        if gate.matrix is not None:  # its first qubit is Qiskit's last
            unitary = need("qiskit.circuit.library").UnitaryGate(gate.matrix.full())
            circuit.append(unitary, qubits[::-1])
            continue
        method = getattr(circuit, gate.name.lower())
        if not gate.is_rotation:
            method(*qubits)
            continue
        angle: Any = gate.angle if gate.param is None else angles[gate.param]
        if gate.is_affine:
            angle = gate.scale * angle + gate.offset
        method(angle, *qubits)


def to_text(circuit: Any) -> str:
    """Return a ``QuantumCircuit`` as OpenQASM 3.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> print(to_text(ansatz.paper().to_qiskit()).splitlines()[0])
    OPENQASM 3.0;
    """
    return str(need("qiskit.qasm3").dumps(circuit))


# -- in ------------------------------------------------------------------------------------------


def gates_of(
    circuit: Any, names: Sequence[str] | None, n_qubits: int | None = None
) -> tuple[list[Gate], tuple[str, ...]]:
    """Return the gates of a ``QuantumCircuit`` and the names of their angles.

    Parameters
    ----------
    circuit : QuantumCircuit
        Gates only; see :func:`~lava_sqs.quantum.ansatz.from_qiskit` for which.
    names : sequence of str or None
        Order of the angles; None is that of their first use.
    n_qubits : int, optional
        Size of the register, if it is another than the circuit's.

    Returns
    -------
    gates : list of Gate
    names : tuple of str

    Raises
    ------
    TypeError, ValueError
        If it holds something else, by its name and place.
    """
    quantum_circuit = need("qiskit").QuantumCircuit
    if not isinstance(circuit, quantum_circuit):
        raise ArgumentTypeError(
            "circuit", f"must be a qiskit.QuantumCircuit, but got {describe(circuit)}."
        )
    known = {} if names is None else {name: i for i, name in enumerate(names)}
    n = n_qubits or circuit.num_qubits
    gates = [
        item if isinstance(item, Gate) else parse_gate("circuit", item, n, known)
        for item in _items(circuit, tuple(range(circuit.num_qubits)), "")
    ]
    if names is not None and len(known) > len(names):
        extra = [name for name in known if name not in names]
        raise ArgumentValueError("param_names", f"must name every angle, but lacks {extra}.")
    return gates, tuple(known)


def _items(circuit: Any, places: tuple[int, ...], inside: str) -> Iterable[Any]:
    """Yield the gates of a circuit whose qubit k is at *places* [k]."""
    for i, item in enumerate(circuit.data):
        where = f"instruction {i}{inside}, `{item.operation.name}`,"
        qubits = tuple(places[circuit.find_bit(q).index] for q in item.qubits)
        yield from _plain(where, item.operation, qubits)


def _is_own(operation: Any) -> bool:
    """Whether a gate is one that somebody defined, whatever its name."""
    home = getattr(operation, "base_class", type(operation)).__module__
    library = str(home).startswith("qiskit.circuit.library")
    return not library and getattr(operation, "definition", None) is not None


def _does_what_its_name_says(operation: Any) -> bool:
    """Whether a gate that somebody defined is, up to a phase, the one here of that name."""
    name = _SAME.get(operation.name)
    if name is None or len(operation.params) != (name in ROTATIONS):
        return False
    # Two angles without symmetry: a gate that agrees at both is the same function of its angle.
    for value in (0.7, -2.1):
        bound = operation.definition.assign_parameters(
            dict.fromkeys(operation.definition.parameters, value)
        )
        angles = [
            float(p.bind(dict.fromkeys(p.parameters, value)) if _is_open(p) else p)
            for p in operation.params
        ]
        size, *make = ROTATIONS[name] if angles else FIXED[name]
        if size != bound.num_qubits:
            return False
        want: Any = make[0](*angles)
        has = need("qiskit.quantum_info").Operator(bound).reverse_qargs().data
        # |Tr(U^dagger V)| / d = 1: equal up to a global phase.
        if abs(abs(np.vdot(want.full(), has)) / len(has) - 1) > 1e-9:
            return False
    return True


def _number(expression: Any) -> float:
    """Return the value of an expression without parameters, nan of any other."""
    return math.nan if _is_open(expression) else float(expression)


def _is_open(angle: Any) -> bool:
    return bool(getattr(angle, "parameters", None))


def _plain(where: str, operation: Any, qubits: tuple[int, ...]) -> Iterable[Any]:
    """Yield gates as of ``from_gates``, or a Gate, that do what an operation of Qiskit does."""
    name = operation.name
    if name in _IGNORED:
        return
    if getattr(operation, "condition", None) is not None or name in (
        "measure", "reset", "if_else", "for_loop", "while_loop", "switch_case", "delay",
    ):  # fmt: skip
        raise ArgumentValueError(
            "circuit",
            f"must hold gates only, but {where} is not a gate: give V(theta) alone. The reset, the "
            "encoding and the measurement belong to the neuron; to_qiskit(steps) adds them.",
        )
    if _is_own(operation) and not _does_what_its_name_says(operation):
        yield from _items(operation.definition, qubits, f" of {where.rstrip(',')}")
        return
    if name == "unitary":  # its first qubit is the least significant
        yield Gate.of_matrix(operation.to_matrix(), qubits[::-1])
        return
    # A controlled gate may be controlled by |0>: Qiskit then names it otherwise, `cx_o0`.
    if name in _SAME and _SAME[name] in FIXED:
        yield (_SAME[name], qubits)
    elif name in _SAME:
        yield from _turned(where, _SAME[name], qubits, operation.params[0])
    elif name in _EQUAL:
        for gate, angle in _EQUAL[name](*operation.params):
            yield from _turned(where, gate, qubits, angle)
    else:
        basis = sorted({*_SAME, *_EQUAL} - {"u1", "u3"})
        raise ArgumentValueError(
            "circuit",
            f"has {where} which is not among the gates here ({', '.join(basis)}). Take it apart "
            "first: qiskit.transpile(circuit, basis_gates=['rz', 'sx', 'x', 'cx']).",
        )


def _turned(
    where: str, gate: str, qubits: tuple[int, ...], angle: Any
) -> Iterable[tuple[Any, ...]]:
    """Yield rotations of one kind that together turn by an expression affine in parameters."""
    if not _is_open(angle):
        yield (gate, qubits, float(angle))
        return
    parameters = sorted(angle.parameters, key=lambda p: str(p.name))

    def at(values: Sequence[float]) -> float:
        try:
            bound = angle.bind(dict(zip(parameters, values, strict=True)))
            return float(bound)
        except (ArithmeticError, TypeError, ValueError):  # a division by a parameter
            return math.nan

    n = len(parameters)
    offset = at([0.0] * n)
    slopes = [_number(angle.gradient(p)) for p in parameters]
    # Whether an expression is affine is tried and not proved: Qiskit has no way to ask.
    tries = np.random.default_rng(0).uniform(-3, 3, (4, n))
    errors = [abs(at(list(x)) - offset - float(np.dot(slopes, x))) for x in tries]
    if not max(errors) < 1e-9 or not max(map(abs, [offset, *slopes])) < _LARGEST_ANGLE:
        raise ArgumentValueError(
            "circuit",
            f"must have angles `scale * parameter + offset`, but {where} turns by {angle}.",
        )
    if n > 1 and gate != "RZ":
        raise ArgumentValueError(
            "circuit",
            f"must have one parameter per gate, but {where} turns by {angle}. (RZ may have "
            "several: it is taken apart, and costs nothing on a device.)",
        )
    for i, (parameter, slope) in enumerate(zip(parameters, slopes, strict=True)):
        # RZ(a + b) = RZ(a) RZ(b): one gate per parameter, the offset in the first.
        yield (gate, qubits, (parameter.name, slope, 0.0 if i else offset))


def from_text(text: str) -> Any:
    """Return OpenQASM 3 as a ``QuantumCircuit``.

    Raises ``TypeError`` for what is no text, and ``ValueError`` for text that Qiskit cannot read.
    """
    if not isinstance(text, str):
        raise ArgumentTypeError("text", f"must be OpenQASM 3, but got {describe(text)}.")
    need("qiskit_qasm3_import")
    qasm3 = need("qiskit.qasm3")
    try:
        return qasm3.loads(text)
    except Exception as error:  # whatever its parser raises is about the text
        raise ArgumentValueError("text", f"is no OpenQASM 3 that Qiskit reads: {error}") from error


def check_split(circuit: Any, io_qubits: Any) -> tuple[int, int]:
    """Return the numbers of io and of memory qubits of a ``QuantumCircuit``."""
    quantum_circuit = need("qiskit").QuantumCircuit
    if not isinstance(circuit, quantum_circuit):
        raise ArgumentTypeError(
            "circuit", f"must be a qiskit.QuantumCircuit, but got {describe(circuit)}."
        )
    n = int(circuit.num_qubits)
    if n < 2:
        raise ArgumentValueError(
            "circuit", f"must have an io and a memory qubit at least, but has {n} qubit(s)."
        )
    io = check_int("io_qubits", io_qubits, minimum=1, maximum=n - 1)
    return io, n - io
