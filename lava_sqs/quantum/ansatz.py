"""What a neuron's circuit V(theta) is: gates on io and memory qubits, with named angles.

A circuit acts on ``io_qubits`` (first) and ``memory_qubits`` (after them); qubit 0 is the most
significant, as in ``qutip.tensor``. Every gate has a fixed matrix or one angle,
``exp(-i angle P / 2)`` or its controlled form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_array,
    check_choice,
    check_instance,
    check_int,
    check_items,
    check_positive,
    check_real,
    check_shape,
    check_text,
    describe,
)
from lava_sqs._lazy import qutip

__all__ = ["Ansatz", "Gate", "from_gates", "from_unitary", "layered", "named", "paper"]


def _controlled(u: qutip.Qobj) -> qutip.Qobj:
    zero, one = qutip.fock_dm(2, 0), qutip.fock_dm(2, 1)
    return qutip.tensor(zero, qutip.qeye(2)) + qutip.tensor(one, u)


def _two_body(pauli: qutip.Qobj, angle: float) -> qutip.Qobj:
    generator = qutip.tensor(pauli, pauli)
    identity = qutip.tensor(qutip.qeye(2), qutip.qeye(2))
    return np.cos(angle / 2) * identity - 1j * np.sin(angle / 2) * generator


# name -> (number of qubits, angle -> Qobj). A controlled gate's first qubit is the control.
# QuTiP 5.2 has no controlled rotations: they are built from its own one-qubit gates.
_ROTATIONS: dict[str, tuple[int, Callable[[float], qutip.Qobj]]] = {
    "RX": (1, lambda angle: qutip.gates.rx(angle)),
    "RY": (1, lambda angle: qutip.gates.ry(angle)),
    "RZ": (1, lambda angle: qutip.gates.rz(angle)),
    "CRX": (2, lambda angle: _controlled(qutip.gates.rx(angle))),
    "CRY": (2, lambda angle: _controlled(qutip.gates.ry(angle))),
    "CRZ": (2, lambda angle: _controlled(qutip.gates.rz(angle))),
    "RXX": (2, lambda angle: _two_body(qutip.sigmax(), angle)),
    "RYY": (2, lambda angle: _two_body(qutip.sigmay(), angle)),
    "RZZ": (2, lambda angle: _two_body(qutip.sigmaz(), angle)),
}
# name -> (number of qubits, Qobj).
_FIXED: dict[str, tuple[int, Callable[[], qutip.Qobj]]] = {
    "H": (1, lambda: qutip.gates.snot()),
    "X": (1, lambda: qutip.sigmax()),
    "Y": (1, lambda: qutip.sigmay()),
    "Z": (1, lambda: qutip.sigmaz()),
    "S": (1, lambda: qutip.gates.s_gate()),
    "T": (1, lambda: qutip.gates.t_gate()),
    "CX": (2, lambda: qutip.gates.cnot()),
    "CY": (2, lambda: qutip.gates.cy_gate()),
    "CZ": (2, lambda: qutip.gates.cz_gate()),
    "SWAP": (2, lambda: qutip.gates.swap()),
    "ISWAP": (2, lambda: qutip.gates.iswap()),
}


@dataclass(frozen=True)
class Gate:
    """One gate: a name, the qubits it acts on, and its angle.

    Attributes
    ----------
    name : str
        ``RX RY RZ CRX CRY CRZ RXX RYY RZZ`` (one angle), ``H X Y Z S T CX CY CZ SWAP ISWAP``
        (fixed) or ``U`` (the matrix of :func:`from_unitary`).
    qubits : tuple of int
        Register indices, io qubits first; for controlled gates (control, target).
    param : int or None
        Index into ``Ansatz.param_names``, for a trainable angle.
    angle : float or None
        The angle in radians, for a rotation that is not trained.
    matrix : Qobj or None
        Of a gate ``U``.
    digest : str
        Hash of *matrix*: what makes two gates ``U`` equal.

    Examples
    --------
    >>> Gate("RX", (0,), angle=0.5).is_rotation
    True
    """

    name: str
    qubits: tuple[int, ...]
    param: int | None = None
    angle: float | None = None
    matrix: qutip.Qobj | None = field(default=None, compare=False, repr=False)
    digest: str = field(default="", repr=False)

    @property
    def is_rotation(self) -> bool:
        """Whether the gate has an angle, trained or fixed."""
        return self.name in _ROTATIONS

    @property
    def is_controlled_rotation(self) -> bool:
        """Whether the gate is a rotation switched by a control qubit."""
        return self.name in ("CRX", "CRY", "CRZ")

    def operator(self, angle: float | None = None) -> qutip.Qobj:
        """Return the gate's unitary on its own qubits.

        Parameters
        ----------
        angle : float, optional
            In radians; used by rotations that are trained, and only by them.

        Returns
        -------
        Qobj
            Operator on ``len(qubits)`` qubits.

        Raises
        ------
        ValueError
            If a trained rotation gets no angle.
        """
        if self.name in _ROTATIONS:
            value = self.angle if self.param is None else angle
            if value is None:
                raise ValueError(f"Gate {self.name} on qubits {self.qubits} needs an angle.")
            return _ROTATIONS[self.name][1](float(value))
        return self.matrix if self.matrix is not None else _FIXED[self.name][1]()


@dataclass(frozen=True)
class Ansatz:
    """A circuit V(theta) on io and memory qubits; immutable, comparable and hashable.

    Made by :func:`paper`, :func:`layered`, :func:`from_gates` or :func:`from_unitary`.

    Attributes
    ----------
    name : str
        Of the circuit.
    io_qubits, memory_qubits : int
        Sizes of the two parts of the register.
    gates : tuple of Gate
        In the order in which they act.
    param_names : tuple of str
        One name per angle, in the order of ``theta``.

    Examples
    --------
    >>> circuit = paper()
    >>> print(circuit)
    io 0    : ─[RX(theta_ent)]──[RX(theta_in)]─[measure]
    memory 0: ────────●────────[RX(theta_mem)]─────────▶
    >>> circuit.unitary([0.3, 0.2, 0.1]).isunitary
    True
    """

    name: str
    io_qubits: int
    memory_qubits: int
    gates: tuple[Gate, ...]
    param_names: tuple[str, ...]

    @property
    def n_params(self) -> int:
        """Number of angles in ``theta``."""
        return len(self.param_names)

    @property
    def n_qubits(self) -> int:
        """Size of the register: io and memory qubits together."""
        return self.io_qubits + self.memory_qubits

    @cached_property
    def moments(self) -> tuple[tuple[Gate, ...], ...]:
        """The gates packed greedily into layers, each as early as its qubits allow.

        Gates of one layer act on disjoint qubits at the same time; noise is inserted after each
        layer.
        """
        free = [0] * self.n_qubits
        layers: list[list[Gate]] = []
        for gate in self.gates:
            at = max(free[q] for q in gate.qubits)
            if at == len(layers):
                layers.append([])
            layers[at].append(gate)
            for q in gate.qubits:
                free[q] = at + 1
        return tuple(tuple(layer) for layer in layers)

    def check_theta(
        self, theta: Any, *, leading: tuple[Any, ...] = (), name: str = "theta"
    ) -> NDArray[np.float64]:
        """Return angles as a finite float array of the right shape.

        Parameters
        ----------
        theta : array_like, shape ``leading + (n_params,)``
            Angles in radians.
        leading : tuple
            Axes before the last; a string matches any length.
        name : str
            What messages call the argument.

        Returns
        -------
        ndarray, shape ``leading + (n_params,)``

        Raises
        ------
        TypeError, ValueError
            Names the argument, what was expected and what came.
        """
        return check_shape(name, check_real(name, theta), (*leading, self.n_params))

    def operator(self, gate: Gate, theta: NDArray[np.float64]) -> qutip.Qobj:
        """Return a gate at its angle, on the full register.

        Parameters
        ----------
        gate : Gate
            One of ``gates``.
        theta : ndarray, shape (n_params,)
            Angles in radians.

        Returns
        -------
        Qobj
            Unitary on ``n_qubits`` qubits.
        """
        local = gate.operator(None if gate.param is None else float(theta[gate.param]))
        if gate.qubits == tuple(range(self.n_qubits)):
            return local
        return qutip.expand_operator(local, dims=[2] * self.n_qubits, targets=list(gate.qubits))

    def unitary(self, theta: Any = ()) -> qutip.Qobj:
        """Return V(theta) on the full register, io qubits first.

        Parameters
        ----------
        theta : array_like, shape (n_params,)
            Angles in radians.

        Returns
        -------
        Qobj
            Unitary on ``n_qubits`` qubits.
        """
        angles = self.check_theta(theta)
        result = qutip.tensor([qutip.qeye(2)] * self.n_qubits)
        for gate in self.gates:
            result = self.operator(gate, angles) @ result
        return result

    def draw(self) -> str:
        """Return the circuit as text, one line per qubit, time from left to right.

        Returns
        -------
        str
        """
        return _draw(self)

    def __str__(self) -> str:
        return self.draw()

    def __repr__(self) -> str:
        return (
            f"Ansatz({self.name!r}, io_qubits={self.io_qubits}, "
            f"memory_qubits={self.memory_qubits}, gates={len(self.gates)}, "
            f"n_params={self.n_params})"
        )


#: Above these nothing could be simulated, and only the list of gates would fill the memory.
_MOST_QUBITS, _MOST_LAYERS = 30, 1000


def _check_sizes(io_qubits: Any, memory_qubits: Any) -> tuple[int, int]:
    return (
        check_int("io_qubits", io_qubits, minimum=1, maximum=_MOST_QUBITS),
        check_int("memory_qubits", memory_qubits, minimum=1, maximum=_MOST_QUBITS),
    )


def from_gates(
    gates: Iterable[Sequence[Any]],
    *,
    io_qubits: int,
    memory_qubits: int,
    name: str = "custom",
) -> Ansatz:
    """Return the circuit of a list of gates.

    Parameters
    ----------
    gates : iterable of (name, qubits) or (name, qubits, angle)
        *qubits* is an int or a tuple of register indices (io qubits first; control before
        target). *angle* is a parameter's name (str, trained; the same name twice shares one
        angle) or a number of radians (fixed). Names are those of :class:`Gate`.
    io_qubits, memory_qubits : int
        At least 1 each.
    name : str
        Of the circuit.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        Names the gate, what was expected and what came.

    Examples
    --------
    >>> a = from_gates([("CRX", (1, 0), "theta_ent"), ("RX", 1, "theta_mem"),
    ...                 ("RX", 0, "theta_in")], io_qubits=1, memory_qubits=1)
    >>> a == paper()
    False
    >>> a.param_names
    ('theta_ent', 'theta_mem', 'theta_in')
    """
    io_qubits, memory_qubits = _check_sizes(io_qubits, memory_qubits)
    n = io_qubits + memory_qubits
    names: dict[str, int] = {}  # name -> index, as first used
    parsed: list[Gate] = []
    for i, item in enumerate(check_items("gates", gates)):
        where = f"gates[{i}]"
        if isinstance(item, str) or not isinstance(item, Sequence) or len(item) not in (2, 3):
            raise TypeError(
                f"Argument `{where}` must be (name, qubits) or (name, qubits, angle), "
                f"but got {describe(item)}."
            )
        gate = check_choice(f"{where}[0]", item[0], [*_ROTATIONS, *_FIXED])
        raw = item[1] if isinstance(item[1], Sequence) else (item[1],)
        qubits = tuple(check_int(f"{where}[1]", q, minimum=0) for q in raw)
        size = (_ROTATIONS if gate in _ROTATIONS else _FIXED)[gate][0]
        if len(qubits) != size or len(set(qubits)) != size or max(qubits) >= n:
            raise ValueError(
                f"Argument `{where}[1]` must name {size} different qubit(s) below {n} for "
                f"{gate}, but got {item[1]!r}."
            )
        angle = item[2] if len(item) == 3 else None
        if gate in _FIXED:
            if angle is not None:
                raise ValueError(f"Argument `{where}`: {gate} takes no angle, but got {angle!r}.")
            parsed.append(Gate(gate, qubits))
        elif isinstance(angle, str):
            parsed.append(Gate(gate, qubits, param=names.setdefault(angle, len(names))))
        elif angle is None:
            raise ValueError(
                f"Argument `{where}`: {gate} needs an angle, a parameter name or radians."
            )
        else:
            value = float(check_shape(f"{where}[2]", check_real(f"{where}[2]", angle), ()))
            parsed.append(Gate(gate, qubits, angle=value))
    return Ansatz(check_text("name", name), io_qubits, memory_qubits, tuple(parsed), tuple(names))


def paper() -> Ansatz:
    """Return the circuit of arXiv:2506.21324 for one io and one memory qubit.

    CRX(theta_ent) memory -> io; RX(theta_mem) on the memory; RX(theta_in) on the io qubit. The
    encoding RX commutes with its only entangler, so its memory holds what the neuron said, never
    what it saw.

    Returns
    -------
    Ansatz
        With three angles.

    Examples
    --------
    >>> paper().param_names
    ('theta_ent', 'theta_mem', 'theta_in')

    References
    ----------
    Chen, Rajendran, Simeone, arXiv:2506.21324.
    """
    return from_gates(
        [("CRX", (1, 0), "theta_ent"), ("RX", (1,), "theta_mem"), ("RX", (0,), "theta_in")],
        io_qubits=1,
        memory_qubits=1,
        name="paper",
    )


def layered(io_qubits: int = 1, memory_qubits: int = 1, layers: int = 1) -> Ansatz:
    """Return the default circuit: rotations and controlled rotations in both directions.

    Per layer, one angle per gate: RX and RZ on every qubit; CRX(io -> memory), all pairs; RX on
    every qubit; CRX(memory -> io), all pairs. 8 angles at (1, 1), 13 at (1, 2). It is this
    project's own; docs/physics.md says what it can do that :func:`paper` cannot.

    Parameters
    ----------
    io_qubits, memory_qubits, layers : int
        At least 1 each.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> layered(1, 2).n_params
    13
    """
    io_qubits, memory_qubits = _check_sizes(io_qubits, memory_qubits)
    layers = check_int("layers", layers, minimum=1, maximum=_MOST_LAYERS)
    n = io_qubits + memory_qubits
    io, memory = range(io_qubits), range(io_qubits, n)
    gates: list[tuple[str, tuple[int, ...], str]] = []
    for layer in range(layers):
        for q in range(n):
            gates.append(("RX", (q,), f"l{layer}_rx_q{q}"))
            gates.append(("RZ", (q,), f"l{layer}_rz_q{q}"))
        gates += [("CRX", (i, m), f"l{layer}_crx_q{i}_q{m}") for i in io for m in memory]
        gates += [("RX", (q,), f"l{layer}_rx2_q{q}") for q in range(n)]
        gates += [("CRX", (m, i), f"l{layer}_crx_q{m}_q{i}") for m in memory for i in io]
    return from_gates(gates, io_qubits=io_qubits, memory_qubits=memory_qubits, name="layered")


def from_unitary(unitary: Any, *, io_qubits: int, memory_qubits: int, rtol: float = 1e-6) -> Ansatz:
    """Return the circuit of one given unitary: no angles, one layer.

    Parameters
    ----------
    unitary : Qobj or array_like, shape (2**n, 2**n)
        A unitary on ``n = io_qubits + memory_qubits`` qubits, io qubits first.
    io_qubits, memory_qubits : int
        At least 1 each.
    rtol : float
        By how much ``U^dagger U`` may differ from 1. The default lets numbers of single precision
        pass (float32 and complex64: about 1e-7); the nearest unitary in double precision is taken.

    Returns
    -------
    Ansatz
        With ``n_params`` 0.

    Raises
    ------
    TypeError, ValueError
        If it is no matrix, its size does not fit or ``U^dagger U`` differs from 1 by more than
        *rtol*.

    Examples
    --------
    >>> swap = from_unitary(qutip.gates.swap(), io_qubits=1, memory_qubits=1)
    >>> swap.n_params
    0
    """
    io_qubits, memory_qubits = _check_sizes(io_qubits, memory_qubits)
    n = io_qubits + memory_qubits
    check_instance("unitary", unitary, qutip.Qobj, np.ndarray, list, tuple)
    full = (
        unitary.full()
        if isinstance(unitary, qutip.Qobj)
        else check_array("unitary", unitary, "a matrix")
    )
    if full.dtype.kind not in "biufc":
        raise TypeError(f"Argument `unitary` must be a Qobj or an array, but got {full.dtype}.")
    if full.shape != (2**n, 2**n):
        raise ValueError(
            f"Argument `unitary` must have shape {(2**n, 2**n)} for {io_qubits} io and "
            f"{memory_qubits} memory qubits, but has shape {full.shape}."
        )
    full = full.astype(complex)
    tolerance = check_positive("rtol", rtol, below=0.1)
    error = np.abs(full.conj().T @ full - np.eye(2**n)).max()
    if not error <= tolerance:
        raise ValueError(
            f"Argument `unitary` must be unitary, but U^dagger U differs from 1 by {error:.3g}, "
            f"above `rtol` = {tolerance:g}. If that is rounding, pass a larger rtol: the nearest "
            "unitary is taken."
        )
    if error > 1e-13:  # more than rounding in double precision: U (U^dagger U)^(-1/2)
        left, _, right = np.linalg.svd(full)
        full = left @ right
    qobj = qutip.Qobj(full, dims=[[2] * n, [2] * n])
    digest = hashlib.sha256(np.ascontiguousarray(full).tobytes()).hexdigest()
    gate = Gate("U", tuple(range(n)), matrix=qobj, digest=digest)
    return Ansatz("unitary", io_qubits, memory_qubits, (gate,), ())


def named(name: Any, *, io_qubits: int = 1, memory_qubits: int = 1, layers: int = 1) -> Ansatz:
    """Return the circuit of a name, for the given sizes.

    Parameters
    ----------
    name : {"layered", "paper"}
        The circuit.
    io_qubits, memory_qubits, layers : int
        At least 1 each; for ``"paper"`` 1.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If there is no such circuit, or not of this size.

    Examples
    --------
    >>> named("layered", memory_qubits=2) == layered(1, 2)
    True
    """
    check_choice("ansatz", name, ("layered", "paper"))
    if name == "layered":
        return layered(io_qubits, memory_qubits, layers)
    for argument, value in (
        ("io_qubits", io_qubits),
        ("memory_qubits", memory_qubits),
        ("layers", layers),
    ):
        if check_int(argument, value, minimum=1) != 1:
            raise ValueError(
                f"Argument `{argument}` must be 1 for the ansatz 'paper', but got {value}. "
                "Use ansatz='layered' for other sizes."
            )
    return paper()


def _draw(ansatz: Ansatz) -> str:
    """Draw the layers as text: boxes on wires, controls as dots."""
    n = ansatz.n_qubits
    labels = [f"io {q}" for q in range(ansatz.io_qubits)]
    labels += [f"memory {m}" for m in range(ansatz.memory_qubits)]
    columns: list[list[str]] = []
    for gate in ansatz.gates:
        column = ["" for _ in range(n)]
        if gate.param is not None:
            text = f"({ansatz.param_names[gate.param]})"
        else:
            text = f"({gate.angle:.4g})" if gate.angle is not None else ""
        if gate.name.startswith("C") and len(gate.qubits) == 2:
            column[gate.qubits[0]] = "●"
            column[gate.qubits[1]] = f"[{gate.name[1:]}{text}]"
        else:
            for q in gate.qubits:
                column[q] = f"[{gate.name}{text}]"
        low, high = min(gate.qubits), max(gate.qubits)
        for q in range(low + 1, high):
            column[q] = column[q] or "│"
        # Share the last column if the wires this gate spans are free in it.
        if columns and all(not columns[-1][q] for q in range(low, high + 1)):
            for q in range(low, high + 1):
                columns[-1][q] = column[q]
        else:
            columns.append(column)
    width = max(map(len, labels))
    lines = [f"{label:<{width}}: ─" for label in labels]
    for column in columns:
        size = max(map(len, column))
        for q in range(n):
            lines[q] += column[q].center(size, "─") + "─"
    for q in range(n):
        lines[q] += "[measure]" if q < ansatz.io_qubits else "─" * 8 + "▶"
    return "\n".join(lines)
