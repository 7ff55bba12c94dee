"""The picture of one time step, with every noise slot in its order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from lava_sqs._lazy import patches
from lava_sqs.plot._axes import new_axes, one_of, points_per_unit
from lava_sqs.quantum import NoiseModel, ansatz
from lava_sqs.quantum.schedule import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_time_step"]

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

    Square boxes are the neuron, round ones its noise, dashed ones your own channels.

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

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = draw_time_step(NoiseModel.preset("ibm_brisbane"))
    >>> ax.get_title()
    'One time step: ibm_brisbane'
    """
    if noise is not None:
        noiseless = getattr(noise, "noise", noise) is None
        noise = NoiseModel() if noiseless else one_of("noise", noise, "noise", NoiseModel)
    ax = new_axes(ax, figsize=(14, 3.6))
    phases = _phases(noise)
    last = sum(map(len, phases.values()))
    measured = last - len(phases["measure"]) - len(phases["wait"])
    ax.set_xlim(-2.2, last + 1.4)
    ax.set_ylim(-1.05, 2.0)
    scale = min(1.0, points_per_unit(ax)[0] / 58, points_per_unit(ax)[1] / 66)

    end = measured + 0.5  # where the io wire meets the measurement
    ax.plot([-0.9, end], [1, 1], color="0.3", lw=1, zorder=0)
    ax.plot([-0.9, last + 0.1], [0, 0], color="0.3", lw=1, zorder=0)
    for offset in (-0.02, 0.02):  # what is measured is classical: a double line
        ax.plot([end, last + 0.1], [1 + offset] * 2, color="0.3", lw=1, zorder=0)
    ends: dict[str, Any] = {"va": "center", "fontsize": 10 * scale}
    ax.text(-1.0, 1, "io", **ends, ha="right")
    ax.text(-1.0, 0, "memory σ", **ends, ha="right")
    ax.text(last + 0.2, 1, "spike s", **ends, ha="left")
    ax.text(last + 0.2, 0, "σ, next step", **ends, ha="left")

    x = 0
    for phase, boxes in phases.items():
        left, right = x - 0.47, x + len(boxes) - 0.53
        ax.plot([left, right], [1.62, 1.62], color="0.5", lw=1)
        ax.text(
            (left + right) / 2, 1.68, _TITLES[phase], ha="center", va="bottom", fontsize=9 * scale
        )
        if phase == "circuit":
            width = sum(box.kind != "user" for box in boxes)
            frame = patches.Rectangle(
                (left, -0.48), width, 1.96, fill=False, edgecolor="0.5", linestyle=":", lw=1
            )
            ax.add_patch(frame)
            ax.text(
                left + width / 2, -0.52, "once per layer", ha="center", va="top", fontsize=8 * scale
            )
        for box in boxes:
            _draw_box(ax, x, box, scale)
            x += 1

    for i, (kind, text) in enumerate(
        [("gate", "the neuron"), ("noise", "noise"), ("user", "your channels")]
    ):
        _draw_patch(ax, (2.2 * i - 0.4, -1.0), (0.26, 0.2), kind)
        ax.text(2.2 * i, -0.9, text, va="center", fontsize=8 * scale)
    name = "" if noise is None else noise.name or str(noise)
    ax.set_title("One time step" + (f": {name}" if name else ""), fontsize=12 * scale)
    ax.set_axis_off()
    return ax


def _draw_box(ax: Axes, x: float, box: _Box, scale: float) -> None:
    rows = _ROWS[box.rows]
    low, high = min(rows) - 0.34, max(rows) + 0.34
    strength = 1.0 if box.active else 0.4
    _draw_patch(ax, (x - 0.36, low), (0.72, high - low), box.kind, box.active)
    text = box.label + (f"\n{box.value}" if box.value and box.active else "")
    middle = (low + high) / 2
    size = 7.5 * scale
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
    text = "\n".join(", ".join(f"{p:.2g}" for p in v) for v in first)
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
