"""The picture of one time step, with every noise slot in its order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from lava_sqs._errors import ArgumentTypeError
from lava_sqs._lazy import patches
from lava_sqs.plot._axes import new_axes, one_of, points_per_unit, size_in_points
from lava_sqs.quantum import NoiseModel, ansatz
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.quantum.schedule import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_time_step"]

_HALVES = (("prepare", "encode"), ("circuit", "measure", "wait"))  # of a step in two rows
_NONE = "noiseless"
_PITCH = 2.9  # units from row to row
_LONGEST = 3  # values per qubit that are written out
_ROWS = {"io": (1.0,), "memory": (0.0,), "all": (0.0, 1.0)}
_TITLES = {
    "prepare": "1 prepare",
    "encode": "2 encode",
    "circuit": "3 circuit V(θ)",
    "measure": "4 measure",
    "wait": "5 wait",
}
_COLOURS = {"gate": "#d6e4f5", "noise": "#f9d9c0", "user": "#e3daf3"}
_EDGES = {"gate": "#3b6ea8", "noise": "#c4651f", "user": "#6f4fa8"}

# Field names, short enough for a box.
_SYMBOLS = {
    "p_reset": "p_reset",
    "p_depol_1q": "p_depol\n_1q",
    "p_depol_2q": "p_depol\n_2q",
    "p_read1_given0": "P(1|0)",
    "p_read0_given1": "P(0|1)",
    "gate_time_1q": "gate_time\n_1q",
    "gate_time_2q": "gate_time\n_2q",
    "readout_time": "readout_\ntime +",
    "idle_time": "idle_time",
}


@dataclass(frozen=True)
class _Box:
    label: str
    rows: str
    kind: str  # gate, noise or user
    value: str = ""  # numbers under the label
    active: bool = True


def draw_time_step(noise: Any = None, ax: Axes | None = None) -> Axes:
    """Draw one time step of a neuron with every noise slot in its order.

    Square boxes are the neuron, round ones its noise, dashed ones your own channels. The lifetimes
    stand below. Of values per qubit the range is written, if there are more than three. On axes
    that are not wide the step continues in a second row, from dots to dots.

    Parameters
    ----------
    noise : NoiseModel, or Population, SQS, RunResult, optional
        Model whose numbers are written into the slots; those that do nothing are faint. None names
        the parameters instead.
    ax : Axes, optional
        Where to draw, best four times as wide as high; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If *noise* has none of these, or differs from neuron to neuron.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = draw_time_step(NoiseModel.preset("ibm_brisbane"))
    >>> ax.get_title()
    'One time step: ibm_brisbane'
    """
    if noise is not None:
        own = getattr(noise, "noise", noise)
        if isinstance(own, (NoisePerNeuron, list, tuple)):
            raise ArgumentTypeError(
                "noise", "must be one NoiseModel: it differs from neuron to neuron, draw noise[k]."
            )
        noiseless = own is None
        noise = NoiseModel() if noiseless else one_of("noise", noise, "noise", NoiseModel)
    ax = new_axes(ax, figsize=(14, 3.9))
    phases = _phases(noise)
    names = tuple(phases)
    counts = {part: sum(len(phases[p]) for p in part) for part in (names, *_HALVES)}
    wide, high = size_in_points(ax)
    one, two = (
        min(wide / (58 * (3.6 + max(counts[part] for part in rows))), high / (66 * units))
        for rows, units in (((names,), 3.4), (_HALVES, 3.4 + _PITCH))
    )
    rows = _HALVES if min(two, 1.0) > 1.15 * one else (names,)
    bottom = -1.4 - _PITCH * (len(rows) - 1)
    ax.set_xlim(-2.2, max(counts[part] for part in rows) + 1.4)
    ax.set_ylim(bottom, 2.0)
    scale = min(1.0, points_per_unit(ax)[0] / 58, points_per_unit(ax)[1] / 66)
    for i, part in enumerate(rows):
        _draw_row(ax, {p: phases[p] for p in part}, -_PITCH * i, scale)

    for i, (kind, text) in enumerate(
        [("gate", "the neuron"), ("noise", "noise"), ("user", "your channels")]
    ):
        _draw_patch(ax, (2.2 * i - 0.4, bottom + 0.4), (0.26, 0.2), kind)
        ax.text(2.2 * i, bottom + 0.5, text, va="center", fontsize=8 * scale)
    ax.text(-0.4, bottom + 0.12, _lifetimes(noise), va="center", fontsize=8 * scale)
    name = "" if noise is None else noise.name or (_NONE if str(noise) == _NONE else "")
    ax.set_title("One time step" + (f": {name}" if name else ""), fontsize=12 * scale)
    ax.set_axis_off()
    return ax


def _draw_row(ax: Axes, phases: dict[str, list[_Box]], y: float, scale: float) -> None:
    """Draw some parts of a step; their memory is at height *y*, their io one unit above."""
    last = sum(map(len, phases.values()))
    ends: dict[str, Any] = {"va": "center", "fontsize": 10 * scale}
    wire: dict[str, Any] = {"color": "0.3", "lw": 1, "zorder": 0}
    more = "" if "prepare" in phases else " …"
    ax.text(-1.0, y + 1, f"io{more}", **ends, ha="right")
    ax.text(-1.0, y, f"memory σ{more}", **ends, ha="right")
    ax.plot([-0.9, last + 0.1], [y, y], **wire)
    done = "wait" in phases
    end = last + 0.1  # where the io wire meets the measurement
    if done:
        end = last - len(phases["measure"]) - len(phases["wait"]) + 0.5
        for offset in (-0.02, 0.02):  # what is measured is classical: a double line
            ax.plot([end, last + 0.1], [y + 1 + offset] * 2, **wire)
    ax.plot([-0.9, end], [y + 1, y + 1], **wire)
    ax.text(last + 0.2, y + 1, "spike s" if done else "…", **ends, ha="left")
    ax.text(last + 0.2, y, "σ, next step" if done else "…", **ends, ha="left")
    x = 0
    for phase, boxes in phases.items():
        left, right = x - 0.47, x + len(boxes) - 0.53
        ax.plot([left, right], [y + 1.62, y + 1.62], color="0.5", lw=1)
        middle: dict[str, Any] = {"ha": "center", "fontsize": 9 * scale}
        ax.text((left + right) / 2, y + 1.68, _TITLES[phase], va="bottom", **middle)
        if phase == "circuit":
            width = sum(box.kind != "user" for box in boxes)
            frame = patches.Rectangle(
                (left, y - 0.48), width, 1.96, fill=False, edgecolor="0.5", linestyle=":", lw=1
            )
            ax.add_patch(frame)
            middle["fontsize"] = 8 * scale
            ax.text(left + width / 2, y - 0.52, "once per layer", va="top", **middle)
        for box in boxes:
            _draw_box(ax, x, y, box, scale)
            x += 1


def _lifetimes(noise: NoiseModel | None) -> str:
    """Return what relaxes how quickly, between which times."""
    if noise is None:
        return "relax: with T1 and T2 of each qubit, during gates, readout and idle time"
    if str(noise) == _NONE:
        return "no noise"
    times = [(name, getattr(noise, name)) for name in ("t1", "t2")]
    said = [f"{name.upper()} {_per_qubit(time, 1e6, 'µs')}" for name, time in times]
    return f"relax: {', '.join(said)}"


def _per_qubit(value: Any, factor: float = 1.0, unit: str = "") -> str:
    """Return values of qubits, from the least to the largest if they are many."""
    values = list(value) if isinstance(value, tuple) else [value]
    few = values if len(values) <= _LONGEST else [min(values), max(values)]
    texts = ["∞" if math.isinf(v) else f"{v * factor:.3g}" for v in few]
    joined = (", " if len(few) == len(values) else " to ").join(texts)
    of = f" (qubits 0 to {len(values) - 1})" if len(values) > 1 else ""
    return f"{joined} {unit}{of}".strip()


def _draw_box(ax: Axes, x: float, y: float, box: _Box, scale: float) -> None:
    rows = _ROWS[box.rows]
    low, high = y + min(rows) - 0.34, y + max(rows) + 0.34
    strength = 1.0 if box.active else 0.4
    _draw_patch(ax, (x - 0.36, low), (0.72, high - low), box.kind, box.active)
    text = box.label + (f"\n{box.value}" if box.value and box.active else "")
    middle = (low + high) / 2
    lines = 1 + text.count("\n")
    size = 7.5 * scale * min(1.0, (4 if len(rows) == 1 else 11) / lines)
    ax.text(x, middle, text, ha="center", va="center", fontsize=size, zorder=3, alpha=strength)


def _draw_patch(
    ax: Axes, corner: tuple[float, float], size: tuple[float, float], kind: str, active: bool = True
) -> None:
    """Draw a box: its kind is a colour, and in grey a shape and a stroke."""
    rounding = 0.28 * min(size)
    patch = patches.FancyBboxPatch(
        corner,
        *size,
        boxstyle="square,pad=0.02"
        if kind == "gate"
        else f"round,pad=0.02,rounding_size={rounding}",
        facecolor=_COLOURS[kind] if active else "white",
        edgecolor=(_EDGES[kind], 1.0 if active else 0.4),
        linestyle="--" if kind == "user" else "-",
        zorder=2,
    )
    ax.add_patch(patch)


def _probabilities(noise: NoiseModel | None, *names: str) -> tuple[str, bool]:
    """Return the text of probabilities, and whether they do anything."""
    if noise is None:
        return "\n".join(_SYMBOLS[n] for n in names), True
    values = [getattr(noise, n) for n in names]
    first = [v if isinstance(v, tuple) else (v,) for v in values]
    ranges = [v if len(set(v)) == 1 else (min(v), max(v)) for v in first]
    text = "\n".join("\nto ".join(f"{p:.2g}" for p in dict.fromkeys(v)) for v in ranges)
    return text, any(p > 0 for v in first for p in v)


def _relaxation(noise: NoiseModel | None, *names: str) -> tuple[str, bool]:
    """Return the text of a sum of durations, and whether anything relaxes in it."""
    if noise is None:
        return "\n".join(_SYMBOLS[n] for n in names), True
    duration = sum(getattr(noise, n) for n in names)
    lifetimes: list[Any] = []
    for value in (noise.t1, noise.t2):
        lifetimes += value if isinstance(value, tuple) else [value]
    finite = any(math.isfinite(v) for v in lifetimes)
    return f"{duration * 1e9:.4g} ns", finite and duration > 0


def _layer_relaxation(noise: NoiseModel | None) -> tuple[str, bool]:
    if noise is None:
        return "longest\ngate", True
    times = f"{noise.gate_time_1q * 1e9:.4g} or\n{noise.gate_time_2q * 1e9:.4g} ns"
    return times, any(_relaxation(noise, f"gate_time_{n}")[1] for n in ("1q", "2q"))


def _phases(noise: NoiseModel | None) -> dict[str, list[_Box]]:
    """Return the boxes of each part of a step, for the operations of a circuit with one gate."""
    numbers, relaxation = partial(_probabilities, noise), partial(_relaxation, noise)
    depol_1q, depol_2q = numbers("p_depol_1q"), numbers("p_depol_2q")
    errors = "p_depol" if noise is None else f"{depol_1q[0]} /\n{depol_2q[0]}"
    looks = {
        ("prepare", "reset"): [
            _Box("|0⟩", "io", "gate"),
            _Box("reset\nerror", "io", "noise", *numbers("p_reset")),
        ],
        ("encode", "encode"): [_Box("RX(πz)", "io", "gate")],
        ("encode", "depolarise"): [_Box("depol.\nif z > 0", "io", "noise", *depol_1q)],
        ("encode", "relax"): [_Box("relax", "all", "noise", *relaxation("gate_time_1q"))],
        ("circuit", "gate"): [_Box("gates of\nthe layer", "all", "gate")],
        ("circuit", "depolarise"): [
            _Box("depol.\neach gate", "all", "noise", errors, depol_1q[1] or depol_2q[1])
        ],
        ("circuit", "relax"): [_Box("relax", "all", "noise", *_layer_relaxation(noise))],
        ("measure", "measure"): [
            _Box("measure\nZ", "io", "gate"),
            _Box("readout\nerror", "io", "noise", *numbers("p_read1_given0", "p_read0_given1")),
        ],
        ("wait", "relax"): [
            _Box("relax", "memory", "noise", *relaxation("readout_time", "idle_time"))
        ],
    }
    example = ansatz.from_gates([("X", 0)], io_qubits=1, memory_qubits=1)
    phases: dict[str, list[_Box]] = {phase: [] for phase in _TITLES}
    for step in Schedule.of(example, None).operations:
        if step.kind == "channel":
            used = noise is None or any(c.slot == step.slot for c in noise.channels)
            rows = "all" if 0 in step.qubits else "memory"
            boxes = [_Box(step.slot.replace("_", "\n"), rows, "user", active=used)]
        else:
            boxes = looks[step.phase, step.kind]
        phases[step.phase] += boxes
    return phases
