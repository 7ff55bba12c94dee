"""The circuit of a neuron, drawn the way QuTiP and Qiskit draw circuits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._lazy import patches
from lava_sqs.plot._axes import new_axes, one_of, points_per_unit, size_in_points
from lava_sqs.quantum import ansatz as circuits
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.gates import affine_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_circuit"]

_INCH = 0.72  # inches per unit, at which the letters fit
_WIDEST = 15.0  # units of gates in a row of a figure of our own
_BEGIN = 2.35  # of V(theta): |0> and RX(pi z) come before it
_AGAIN = 0.0  # of the rows that go on
_MARGINS = (4.4, 1.1)  # units beside a row, and above
_FACES = {"rotation": "#d6e4f5", "fixed": "#e8e8e8", "step": "white"}
_EDGES = {"rotation": "#3b6ea8", "fixed": "0.35", "step": "0.2"}
_WIRE: dict[str, Any] = {"color": "0.3", "lw": 1.0, "zorder": 0}


def draw_circuit(ansatz: Any, ax: Axes | None = None, *, theta: Any = None) -> Axes:
    r"""Draw one time step of a neuron as a circuit: time to the right, io qubits above memory.

    Each io wire starts again in ``|0>`` (the reset of the step before), is rotated by its input,
    ``RX(pi z)``, goes through V(theta) and is measured: the double line is the spike. A memory wire
    brings its state from the last step and takes it to the next. Gates stand as early as their
    qubits allow, in the layers in which noise acts; a dot is a control, crosses are a SWAP. A
    circuit that is too wide continues in the row below, from dots to dots.

    Parameters
    ----------
    ansatz : Ansatz, or Population, SQS, RunResult, SQSNN
        The circuit, or something that has one.
    ax : Axes, optional
        Where to draw; None makes a new figure, of the size that the circuit needs.
    theta : array_like, shape (n_params,), optional
        Angles in radians to write into the gates; None writes the names of the parameters.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If it has no circuit, or *theta* another length.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from lava_sqs.quantum import ansatz
    >>> ax = draw_circuit(ansatz.paper())
    >>> ax.get_title()
    'paper: 1 io and 1 memory qubit, 3 angles'
    """
    circuit = _circuit_of(ansatz)
    angles = None if theta is None else circuit.check_theta(theta)
    columns = [
        column for layer in circuit.moments for column in _columns(layer)
    ]  # gates whose wires cross stand side by side
    texts = [[_text(circuit, gate, angles) for gate in column] for column in columns]
    widths = [max(map(_width, column)) for column in texts]
    n, io = circuit.n_qubits, circuit.io_qubits
    rows = _rows(widths, _WIDEST) if ax is None else _best_rows(widths, new_axes(ax), n)
    longest = max(_end(widths, row) for row in rows)
    size = longest + _MARGINS[0], len(rows) * (n + 0.5) - 0.5 + _MARGINS[1]
    ax = new_axes(ax, figsize=(_INCH * size[0], _INCH * size[1]))
    ax.set_xlim(-1.7, longest + 2.7)
    ax.set_ylim(n + 0.35 - size[1], n - 0.05)
    scale = min(1.0, min(points_per_unit(ax)) / (72 * _INCH))
    pen = _Pen(ax, scale, n)
    for row in rows:
        _draw_wires(pen, row, _end(widths, row), (n, io), last=row is rows[-1])
        x = (_AGAIN if row.start else _BEGIN) + 0.15
        for k in row:
            for gate, text in zip(columns[k], texts[k], strict=True):
                pen.gate(gate, x + widths[k] / 2, widths[k] - 0.2, text)
            x += widths[k]
        pen.top -= n + 0.5

    counts = f"{io} io and {n - io} memory qubit{'s'[: n - io > 1]}"
    counts += f", {circuit.n_params} angle{'s'[: circuit.n_params != 1]}"
    ax.set_title(f"{circuit.name}: {counts}", fontsize=10 * scale)
    ax.set_axis_off()
    return ax


def _rows(widths: Sequence[float], widest: float) -> list[range]:
    """Return which columns stand in which row, if rows are *widest* units at most."""
    starts, x = [0], _BEGIN + 0.3
    for k, width in enumerate(widths):
        if x + width > widest and k > starts[-1]:
            starts.append(k)
            x = _AGAIN + 0.3
        x += width
    return [range(a, b) for a, b in zip(starts, [*starts[1:], len(widths)], strict=True)]


def _best_rows(widths: Sequence[float], ax: Axes, n: int) -> list[range]:
    """Return the rows whose letters are largest on given axes: one, unless more gain much."""
    wide, high = size_in_points(ax)
    best, found = 0.0, _rows(widths, np.inf)
    for count in range(1, 2 + len(widths) // 2):
        rows = _rows(widths, (_BEGIN + 0.3 + sum(widths)) / count + max(widths, default=0.0) / 2)
        across = max(_end(widths, row) for row in rows) + _MARGINS[0]
        scale = min(wide / across, high / (len(rows) * (n + 0.5) - 0.5 + _MARGINS[1]))
        if min(scale, 72 * _INCH) > 1.15 * best:
            best, found = min(scale, 72 * _INCH), rows
    return found


def _end(widths: Sequence[float], row: range) -> float:
    return (_AGAIN if row.start else _BEGIN) + 0.3 + sum(widths[k] for k in row)


def _draw_wires(pen: _Pen, row: range, end: float, qubits: tuple[int, int], last: bool) -> None:
    """Draw the wires of a row, what is before its gates, and what is after them."""
    (n, io), first = qubits, row.start == 0
    for q in range(n):
        pen.wire(q, -0.75, (end + 0.6 if q < io else end + 1.5) if last else end + 0.3)
        kind, index, of = ("io", q, io) if q < io else ("memory", q - io, n - io)
        name = f"{kind} {index}" if of > 1 else kind
        pen.text(q, -0.85, name if first else f"{name} …", 9, "right")
        if first and q < io:
            pen.box(q, 0.0, 0.9, ("|0⟩",), "step")
            pen.box(q, 1.45, 1.0, ("RX", "$π z$" if io == 1 else f"$π z_{q}$"), "rotation")
        if not last:
            pen.text(q, end + 0.4, "…", 9, "left")
        elif q < io:
            pen.meter(q, end + 0.6)
            for shift in (-0.03, 0.03):  # what is measured is classical: a double line
                pen.wire(q, end + 0.95, end + 1.5, shift)
            pen.text(q, end + 1.6, "spike" if io == 1 else f"spike {q}", 9, "left")
        else:
            pen.text(q, end + 1.6, "next step", 9, "left")
    pen.frame(_BEGIN if first else _AGAIN, end, n, open_sides=(not first, not last))
    if first:
        pen.text(n - 0.33, _BEGIN + 0.05, "V(θ)", 8, "left", color="0.4")


def _circuit_of(value: Any) -> Ansatz:
    network = getattr(value, "spec_", None)  # of a fitted SQSNN
    if network is not None:
        value = network.visible.neuron
    elif isinstance(getattr(value, "ansatz", None), str):  # of one that is not
        given = {k: getattr(value, k, None) for k in ("memory_qubits", "layers")}
        value = circuits.resolve(value.ansatz, **given)
    circuit: Ansatz = one_of("ansatz", value, "ansatz", Ansatz)
    return circuit


def _columns(layer: Sequence[Gate]) -> list[list[Gate]]:
    """Put the gates of a layer side by side where the wires between their qubits would cross."""
    columns: list[list[Gate]] = []
    for gate in layer:
        span = range(min(gate.qubits), max(gate.qubits) + 1)
        for column in columns:
            if all(set(span).isdisjoint(range(min(g.qubits), max(g.qubits) + 1)) for g in column):
                column.append(gate)
                break
        else:
            columns.append([gate])
    return columns


def _text(circuit: Ansatz, gate: Gate, angles: Any) -> tuple[str, ...]:
    """Return the lines of a gate's box: its name, and its angle."""
    name = gate.name[1:] if _is_controlled(gate) else gate.name
    if gate.param is None:
        return (name,) if gate.angle is None else (name, _angle(gate.angle))
    if angles is not None:
        return name, f"{gate.at(np.asarray(angles)):.2f}".replace("-", "−")
    label = circuit.param_names[gate.param]
    if gate.is_affine:
        return name, affine_text(gate, label).replace("-", "−")
    simple = label.startswith("theta_") and label[6:].isalnum()
    return name, f"$θ_{{\\rm {label[6:]}}}$" if simple else label


def _angle(angle: float) -> str:
    """Return an angle as a fraction of pi, if it is a simple one."""
    part = Fraction(angle / np.pi).limit_denominator(16)
    if abs(float(part) * np.pi - angle) > 1e-9:
        return f"{angle:.3g}".replace("-", "−")
    if part == 0:
        return "0"
    over = "" if part.denominator == 1 else f"/{part.denominator}"
    times = {1: "", -1: "−"}.get(part.numerator, str(part.numerator).replace("-", "−"))
    return f"{times}π{over}"


def _width(text: tuple[str, ...]) -> float:
    longest = max(len(text[0]), *(len(t) for t in text[1:] if "$" not in t), 0)
    return float(max(1.0, 0.4 + 0.11 * longest))


def _is_controlled(gate: Gate) -> bool:
    return len(gate.qubits) == 2 and gate.name.startswith("C")


class _Pen:
    """Draws in units of wires; wire 0 is at the top."""

    def __init__(self, ax: Axes, scale: float, n_qubits: int) -> None:
        self.ax, self.scale, self.top = ax, scale, n_qubits - 1.0

    def wire(self, q: int, left: float, right: float, shift: float = 0.0) -> None:
        self.ax.plot([left, right], [self.top - q + shift] * 2, **_WIRE)

    def text(
        self, q: float, x: float, text: str, size: float, ha: str = "center", color: str = "black"
    ) -> None:
        look: dict[str, Any] = {"fontsize": size * self.scale, "color": color, "zorder": 4}
        self.ax.text(x, self.top - q, text, ha=ha, va="center", **look)

    def frame(self, left: float, right: float, n: int, open_sides: tuple[bool, bool]) -> None:
        """Draw the frame of V(theta), open where it continues in another row."""
        low, high = self.top - n + 0.5, self.top + 0.5
        look: dict[str, Any] = {"color": "0.6", "ls": ":", "lw": 1, "zorder": 0}
        self.ax.hlines([low, high], left, right, **look)
        sides = [x for x, is_open in zip((left, right), open_sides, strict=True) if not is_open]
        self.ax.vlines(sides, low, high, **look)

    def box(
        self, q: float, x: float, width: float, text: tuple[str, ...], kind: str, wires: float = 1
    ) -> None:
        """Draw a box whose middle is at wire *q*, over *wires* wires."""
        height = wires - 1 + 0.68
        corner = (x - width / 2, self.top - q - height / 2)
        patch = patches.Rectangle(
            corner, width, height, facecolor=_FACES[kind], edgecolor=_EDGES[kind], lw=1.2, zorder=3
        )
        self.ax.add_patch(patch)
        if len(text) == 1:
            self.text(q, x, text[0], 9)
        else:
            self.text(q - 0.15, x, text[0], 9)
            self.text(q + 0.17, x, text[1], 9 if "$" in text[1] else 7.2)

    def link(self, q: int, other: int, x: float) -> None:
        self.ax.plot([x, x], [self.top - q, self.top - other], color="0.2", lw=1.2, zorder=1)

    def dot(self, q: int, x: float) -> None:
        self.ax.plot([x], [self.top - q], marker="o", ms=6 * self.scale, color="0.2", zorder=3)

    def cross(self, q: int, x: float) -> None:
        self.ax.plot(
            [x], [self.top - q], marker="x", ms=9 * self.scale, mew=1.8, color="0.2", zorder=3
        )

    def not_(self, q: int, x: float) -> None:
        for marker, size, face in (("o", 15, "white"), ("+", 15, "none")):
            self.ax.plot(
                [x], [self.top - q], marker=marker, ms=size * self.scale, mfc=face, mec="0.2",
                mew=1.3, ls="", zorder=3,
            )  # fmt: skip

    def meter(self, q: int, x: float) -> None:
        """Draw a measurement: a dial with its needle."""
        self.box(q, x, 0.7, ("",), "step")
        y = self.top - q - 0.14
        look: dict[str, Any] = {"color": "0.2", "zorder": 4}
        self.ax.add_patch(patches.Arc((x, y), 0.46, 0.5, theta1=0, theta2=180, lw=1.2, **look))
        needle = patches.FancyArrow(x, y, 0.16, 0.32, width=0.005, head_width=0.07, lw=0.8, **look)
        self.ax.add_patch(needle)

    def gate(self, gate: Gate, x: float, width: float, text: tuple[str, ...]) -> None:
        kind = "rotation" if gate.is_rotation else "fixed"
        qubits = gate.qubits
        if len(qubits) == 2:
            self.link(*qubits, x)
        if gate.is_whole:
            self.box((len(qubits) - 1) / 2, x, width, text, kind, wires=len(qubits))
        elif _is_controlled(gate):
            self.dot(qubits[0], x)
            if gate.name == "CX":
                self.not_(qubits[1], x)
            elif gate.name == "CZ":
                self.dot(qubits[1], x)
            else:
                self.box(qubits[1], x, width, text, kind)
        elif gate.name == "SWAP":
            for q in qubits:
                self.cross(q, x)
        else:
            for q in qubits:
                self.box(q, x, width, text, kind)
