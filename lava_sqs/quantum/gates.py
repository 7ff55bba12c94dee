"""Gates of a circuit: their names, matrices and drawing.

Every gate has a fixed matrix or one angle, ``exp(-i angle P / 2)`` or its controlled form; the
angle of a trained gate is affine in one component of theta.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_array,
    check_choice,
    check_instance,
    check_int,
    check_positive,
    check_real,
    check_shape,
    describe,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.tables import Table

__all__ = ["Gate"]


def _controlled(u: qutip.Qobj) -> qutip.Qobj:
    zero, one = qutip.fock_dm(2, 0), qutip.fock_dm(2, 1)
    return qutip.tensor(zero, qutip.qeye(2)) + qutip.tensor(one, u)


def _two_body(pauli: qutip.Qobj, angle: float) -> qutip.Qobj:
    generator = qutip.tensor(pauli, pauli)
    identity = qutip.tensor(qutip.qeye(2), qutip.qeye(2))
    return np.cos(angle / 2) * identity - 1j * np.sin(angle / 2) * generator


def _echoed() -> qutip.Qobj:
    x, y = qutip.sigmax(), qutip.sigmay()
    return (qutip.tensor(qutip.qeye(2), x) - qutip.tensor(x, y)).permute([1, 0]) / np.sqrt(2)


# name -> (number of qubits, angle -> Qobj). A controlled gate's first qubit is the control.
# QuTiP 5.2 has no controlled rotations: they are built from its own one-qubit gates.
ROTATIONS: dict[str, tuple[int, Callable[[float], qutip.Qobj]]] = {
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
FIXED: dict[str, tuple[int, Callable[[], qutip.Qobj]]] = {
    "H": (1, lambda: qutip.gates.snot()),
    "X": (1, lambda: qutip.sigmax()),
    "Y": (1, lambda: qutip.sigmay()),
    "Z": (1, lambda: qutip.sigmaz()),
    "S": (1, lambda: qutip.gates.s_gate()),
    "T": (1, lambda: qutip.gates.t_gate()),
    "SX": (1, lambda: qutip.gates.sqrtnot()),
    "CX": (2, lambda: qutip.gates.cnot()),
    "CY": (2, lambda: qutip.gates.cy_gate()),
    "CZ": (2, lambda: qutip.gates.cz_gate()),
    "ECR": (2, lambda: _echoed()),
    "SWAP": (2, lambda: qutip.gates.swap()),
    "ISWAP": (2, lambda: qutip.gates.iswap()),
}


#: Above these nothing could be simulated, and only the list of gates would fill the memory.
_MOST_QUBITS = 30


@dataclass(frozen=True)
class Gate:
    """One gate: a name, the qubits it acts on, and its angle.

    Attributes
    ----------
    name : str
        ``RX RY RZ CRX CRY CRZ RXX RYY RZZ`` (one angle), ``H X Y Z S T SX CX CY CZ ECR SWAP
        ISWAP`` (fixed), ``U`` (the matrix of :func:`~lava_sqs.quantum.ansatz.from_unitary`) or
        ``TABLE`` (that of :func:`~lava_sqs.quantum.ansatz.classical_memory`: no unitary, and all
        angles).
    qubits : tuple of int
        Register indices, io qubits first; for controlled gates (control, target).
    param : int or None
        Index into ``Ansatz.param_names``, for a trainable angle.
    angle : float or None
        The angle in radians, for a rotation that is not trained.
    matrix : Qobj or None
        Matrix of a gate ``U``.
    digest : str
        Hash of *matrix*: what makes two gates ``U`` equal.
    table : Table or None
        Table of a gate ``TABLE``.
    scale, offset : float
        Factor and offset of a trainable angle: the gate turns by ``scale * theta[param] + offset``.

    Examples
    --------
    >>> Gate("RX", (0,), angle=0.5).is_rotation
    True
    >>> float(Gate("RZ", (0,), param=0, scale=-0.5, offset=1.0).at(np.array([0.4])))
    0.8
    """

    name: str
    qubits: tuple[int, ...]
    param: int | None = None
    angle: float | None = None
    matrix: qutip.Qobj | None = field(default=None, compare=False, repr=False)
    digest: str = field(default="", repr=False)
    table: Table | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the gate is all of its circuit, without errors of its own: ``U`` or ``TABLE``."""
        return self.matrix is not None or self.table is not None

    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def of_matrix(cls, matrix: Any, qubits: tuple[int, ...]) -> Gate:
        """Return a gate ``U`` that does what a matrix says.

        Parameters
        ----------
        matrix : ndarray, shape (2**n, 2**n)
            Unitary; the first of *qubits* is the most significant.
        qubits : tuple of int
            Register indices.

        Returns
        -------
        Gate
        """
        full = np.ascontiguousarray(matrix, dtype=complex)
        qobj = qutip.Qobj(full, dims=[[2] * len(qubits)] * 2)
        return cls("U", qubits, matrix=qobj, digest=hashlib.sha256(full.tobytes()).hexdigest())

    @property
    def is_affine(self) -> bool:
        """Whether the angle is trained, and not just a component of theta."""
        return self.param is not None and (self.scale != 1.0 or self.offset != 0.0)

    def at(self, theta: NDArray[np.float64]) -> Any:
        """Return the angle of a gate that is trained.

        Parameters
        ----------
        theta : ndarray, shape (..., n_params)
            Angles of the circuit in radians.

        Returns
        -------
        ndarray, shape (...)
        """
        angle = theta[..., self.param]
        return self.scale * angle + self.offset if self.is_affine else angle

    @property
    def is_rotation(self) -> bool:
        """Whether the gate has an angle, trained or fixed."""
        return self.name in ROTATIONS

    @property
    def is_controlled_rotation(self) -> bool:
        """Whether the gate is a rotation switched by a control qubit."""
        return self.name in ("CRX", "CRY", "CRZ")

    def operator(self, angle: float | None = None) -> qutip.Qobj:
        """Return the gate's unitary on its own qubits.

        Parameters
        ----------
        angle : float, optional
            Angle in radians; used by rotations that are trained, and only by them.

        Returns
        -------
        Qobj
            Operator on ``len(qubits)`` qubits.

        Raises
        ------
        ValueError
            If a trained rotation gets no angle.
        """
        if self.name in ROTATIONS:
            value = self.angle if self.param is None else angle
            if value is None:
                raise ValueError(f"Gate {self.name} on qubits {self.qubits} needs an angle.")
            return ROTATIONS[self.name][1](float(value))
        return self.matrix if self.matrix is not None else FIXED[self.name][1]()


def half_angle_terms(gate: Gate) -> NDArray[np.complex128]:
    """Return M (3, d, d) with the gate's matrix M[0] + cos(angle/2) M[1] + sin(angle/2) M[2].

    Of a gate without a trained angle, M[1] and M[2] are zero.

    Examples
    --------
    >>> half_angle_terms(Gate("RZ", (0,), param=0)).shape
    (3, 2, 2)
    """
    if gate.param is not None:
        return _half_angle_terms_of(gate.name)
    fixed = np.asarray(gate.operator().full())
    return np.array([fixed, 0 * fixed, 0 * fixed])


@cache
def _half_angle_terms_of(name: str) -> NDArray[np.complex128]:
    # M(0) = M0 + M1, M(2 pi) = M0 - M1, M(pi) = M0 + M2: three angles give the three terms.
    start, half, full = (ROTATIONS[name][1](a).full() for a in (0.0, np.pi, 2 * np.pi))
    constant = (start + full) / 2
    terms = np.array([constant, (start - full) / 2, half - constant])
    # Rounding is no entry: where a matrix is zero decides what is multiplied.
    return np.where(np.abs(terms) < 1e-15, 0, terms)


def parse_gate(where: str, item: Any, n: int, names: dict[str, int]) -> Gate:
    """Return the gate that *item* describes, on *n* qubits; a new angle is added to *names*.

    *where* is what messages call it. The description is that of ``from_gates``.
    """
    if isinstance(item, str) or not isinstance(item, Sequence) or len(item) not in (2, 3):
        raise ArgumentTypeError(
            where, f"must be (name, qubits) or (name, qubits, angle), but got {describe(item)}."
        )
    gate = check_choice(f"{where}[0]", item[0], [*ROTATIONS, *FIXED])
    raw = item[1] if isinstance(item[1], Sequence) else (item[1],)
    qubits = tuple(check_int(f"{where}[1]", q, minimum=0) for q in raw)
    size = (ROTATIONS if gate in ROTATIONS else FIXED)[gate][0]
    if len(qubits) != size or len(set(qubits)) != size or max(qubits) >= n:
        raise ArgumentValueError(
            f"{where}[1]",
            f"must name {size} different qubit(s) below {n} for {gate}, but got {item[1]!r}.",
        )
    angle = item[2] if len(item) == 3 else None
    if gate in FIXED:
        if angle is not None:
            raise ValueError(f"Argument `{where}`: {gate} takes no angle, but got {angle!r}.")
        return Gate(gate, qubits)
    if isinstance(angle, str):
        return Gate(gate, qubits, param=names.setdefault(angle, len(names)))
    if isinstance(angle, (tuple, list)) and angle and isinstance(angle[0], str):
        if len(angle) != 3:
            raise ArgumentValueError(
                f"{where}[2]",
                f"must be a name, radians or (name, scale, offset), but got {angle!r}.",
            )
        scale, offset = (
            float(check_shape(f"{where}[2][{i}]", check_real(f"{where}[2][{i}]", angle[i]), ()))
            for i in (1, 2)
        )
        param = names.setdefault(angle[0], len(names))
        return Gate(gate, qubits, param=param, scale=scale, offset=offset)
    if angle is None:
        raise ValueError(f"Argument `{where}`: {gate} needs an angle, a parameter name or radians.")
    value = float(check_shape(f"{where}[2]", check_real(f"{where}[2]", angle), ()))
    return Gate(gate, qubits, angle=value)


def unitary_gate(unitary: Any, io_qubits: int, memory_qubits: int, rtol: Any) -> Gate:
    """Return a matrix as a gate ``U`` on all qubits; raise unless it is unitary."""
    n = io_qubits + memory_qubits
    check_instance("unitary", unitary, qutip.Qobj, np.ndarray, list, tuple)
    full = (
        unitary.full()
        if isinstance(unitary, qutip.Qobj)
        else check_array("unitary", unitary, "a matrix")
    )
    if full.dtype.kind not in "biufc":
        raise ArgumentTypeError("unitary", f"must be a Qobj or an array, but got {full.dtype}.")
    if full.shape != (2**n, 2**n):
        raise ArgumentValueError(
            "unitary",
            f"must have shape {(2**n, 2**n)} for {io_qubits} io and "
            f"{memory_qubits} memory qubits, but has shape {full.shape}.",
        )
    full = full.astype(complex)
    tolerance = check_positive("rtol", rtol, below=0.1)
    error = np.abs(full.conj().T @ full - np.eye(2**n)).max()
    if not error <= tolerance:
        raise ArgumentValueError(
            "unitary",
            f"must be unitary, but U^dagger U differs from 1 by {error:.3g}, "
            f"above `rtol` = {tolerance:g}. If that is rounding, pass a larger rtol: the nearest "
            "unitary is taken.",
        )
    if error > 1e-13:  # more than rounding in double precision: U (U^dagger U)^(-1/2)
        # The polar decomposition: the nearest unitary.
        left, _, right = np.linalg.svd(full)
        full = left @ right
    return Gate.of_matrix(full, tuple(range(n)))


def affine_text(gate: Gate, name: str) -> str:
    """Return what a trained gate turns by, of a parameter called *name*: ``-0.5 a + 1.571``."""
    text = {1.0: name, -1.0: f"-{name}"}.get(gate.scale, f"{gate.scale:.4g} {name}")
    if gate.offset:
        text += f" {'-' if gate.offset < 0 else '+'} {abs(gate.offset):.4g}"
    return text


class Angles:
    """Columns from which compiled gates take their angles: theta, then what is affine in it.

    *n_params* is that of the circuit. A circuit whose gates take theta as it is has no other
    columns, and theta is not copied.
    """

    def __init__(self, n_params: int) -> None:
        self._n = n_params
        self._more: dict[tuple[int, float, float], Gate] = {}

    @property
    def columns(self) -> tuple[tuple[int, float, float], ...]:
        """Parameter, scale and offset of each column after theta."""
        return tuple(self._more)

    def column(self, gate: Gate) -> int:
        """Return the column of a gate, -1 of one that is not trained."""
        if gate.param is None:
            return -1
        if not gate.is_affine:
            return gate.param
        key = gate.param, gate.scale, gate.offset
        self._more.setdefault(key, gate)
        return self._n + list(self._more).index(key)

    def of(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the columns (K, n) of angles *theta* (K, n_params)."""
        if not self._more:
            return theta
        more = [gate.at(theta)[:, None] for gate in self._more.values()]
        return np.concatenate([theta, *more], axis=1)

    def pull(self, by_column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return derivatives by theta (K, n_params, ...) of those by columns (K, n, ...)."""
        if not self._more:
            return by_column
        d_theta = np.array(by_column[:, : self._n])
        for i, (param, scale, _) in enumerate(self._more):
            d_theta[:, param] += scale * by_column[:, self._n + i]
        return d_theta


def check_sizes(io_qubits: Any, memory_qubits: Any) -> tuple[int, int]:
    """Return the sizes of the two parts of a register, or raise."""
    return (
        check_int("io_qubits", io_qubits, minimum=1, maximum=_MOST_QUBITS),
        check_int("memory_qubits", memory_qubits, minimum=1, maximum=_MOST_QUBITS),
    )


def draw(
    gates: Sequence[Gate], io_qubits: int, memory_qubits: int, param_names: Sequence[str]
) -> str:
    """Draw gates as text: boxes on the wires of io and memory qubits, controls as dots."""
    n = io_qubits + memory_qubits
    labels = [f"io {q}" for q in range(io_qubits)]
    labels += [f"memory {m}" for m in range(memory_qubits)]
    columns: list[list[str]] = []
    for gate in gates:
        column = ["" for _ in range(n)]
        if gate.param is not None:
            text = f"({affine_text(gate, param_names[gate.param])})"
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
        lines[q] += "[measure]" if q < io_qubits else "─" * 8 + "▶"
    return "\n".join(lines)
