"""Pictures of noise studies: curves with interval bands, heat maps, devices as vertical lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_flag,
    check_instance,
    check_items,
    check_positive,
    check_text,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs.plot._axes import COLOURS, STROKES, fit_ticks, new_axes, points_per_unit
from lava_sqs.study.curves import (
    check_numbers,
    check_rest,
    estimate_of,
    groups_of,
    is_number,
    kind_of,
)
from lava_sqs.study.result import PointResult, StudyResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_presets", "plot_heatmap", "plot_study"]

# field -> (label, unit, factor to that unit, logarithmic axis)
_AXES = {
    "t1": ("T1", "µs", 1e6, True),
    "t2": ("T2", "µs", 1e6, True),
    "gate_time_1q": ("one-qubit gate time", "ns", 1e9, True),
    "gate_time_2q": ("two-qubit gate time", "ns", 1e9, True),
    "readout_time": ("readout time", "µs", 1e6, True),
    "idle_time": ("idle time", "µs", 1e6, True),
    "p_depol_1q": ("depolarising probability, one-qubit gates", "", 1.0, True),
    "p_depol_2q": ("depolarising probability, two-qubit gates", "", 1.0, True),
    "p_read1_given0": ("readout error P(1|0)", "", 1.0, True),
    "p_read0_given1": ("readout error P(0|1)", "", 1.0, True),
    "p_reset": ("reset error", "", 1.0, True),
    "scaled": ("noise, relative", "", 1.0, True),
    "t2_over_t1": ("T2 / T1", "", 1.0, False),
}
_MARKERS = "os^Dv*"
_CELL = (20.0, 9.0)  # points, of a cell with a number in it


def plot_study(
    result: StudyResult,
    x: str,
    *,
    group: str | Sequence[str] | None = None,
    ax: Axes | None = None,
    value: str = "auto",
    level: float = 0.95,
    presets: Sequence[str] = (),
) -> Axes:
    """Draw the value of a study against one parameter, with bands for the intervals.

    Parameters
    ----------
    result : StudyResult
        Results of a study.
    x : str
        A parameter, ``noise.t2`` or in short ``t2``; also one that others imply.
    group : str or list of str, optional
        One curve for each value: the first gives colours, the second line styles. None takes every
        other parameter that varies (two at most).
    ax : Axes, optional
        Where to draw; None makes a new figure.
    value : {"auto", "value", "error rate", "accuracy"}
        What to draw; "auto" is the mean value where tasks return values, else the accuracy.
    level : float
        Confidence level of the bands.
    presets : list of str
        Devices to mark by vertical lines, as in ``NoiseModel.presets()``. Their names stand above
        the axes: a title needs ``ax.set_title(..., pad=40)``.

    Returns
    -------
    Axes
        Points at infinity (no decay) stand apart at the right edge, at a tick of their own.

    Raises
    ------
    ValueError
        If parameters vary that are neither *x* nor in *group*: use ``result.select(...)``.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from lava_sqs.study import Study
    >>> grid = {"noise.t2": [1e-5, 1e-4]}
    >>> base = {"ansatz": "delay-x", "noise.t1": 5e-4}
    >>> result = Study("memory_capacity", grid=grid, base=base, options={"max_delay": 2}).run()
    >>> plot_study(result, "t2").get_xlabel()
    'T2 (µs)'
    """
    check_instance("result", result, StudyResult)
    level = check_positive("level", level, below=1.0)
    name = result.resolve(check_text("x", x))
    groups = groups_of(result, name, group)
    check_numbers(result, name)
    ax = new_axes(ax, figsize=(6.4, 4.2))
    label, factor, logarithmic = _label(name)
    colours = _styles([p.parameter(g) for p in result.points for g in groups[:1]])
    strokes = _styles([p.parameter(g) for p in result.points for g in groups[1:2]])
    curves: dict[tuple[Any, ...], list[PointResult]] = {}
    for p in result.points:
        curves.setdefault(tuple(repr(p.parameter(g)) for g in groups), []).append(p)
    marks = _marks(name, presets)
    finite = [p.parameter(name) * factor for p in result.points if _finite(p.parameter(name))]
    edge = max([*finite, *marks.values()], default=1.0)
    # An infinite lifetime gets a place beyond the last finite value.
    infinity = edge * (2 if logarithmic else 1.1)
    kind = kind_of(result, value)
    for points in curves.values():
        points.sort(key=lambda p: float(p.parameter(name)))
        first = [points[0].parameter(g) for g in groups]
        number = colours[repr(first[0])] if first else 0
        stroke = STROKES[strokes[repr(first[1])] % len(STROKES)] if len(first) > 1 else "-"
        text = ", ".join(_named(g, v) for g, v in zip(groups, first, strict=True))
        numbers = np.array([estimate_of(p, kind, level) for p in points])
        at = np.array([p.parameter(name) * factor for p in points], dtype=float)
        look = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": _MARKERS[(number + number // len(COLOURS)) % len(_MARKERS)],
            "markersize": 4,
        }
        _curve(ax, at, numbers, infinity, stroke, text or None, look)
    _explain_bands(ax, f"{100 * level:.4g} % interval, " + _methods(result, level))
    if logarithmic and finite:
        _logarithmic(ax, finite)
    if len(finite) < len(result.points):
        below: dict[str, Any] = {
            "xycoords": ("data", "axes fraction"),
            "textcoords": "offset points",
        }
        ax.annotate("∞", (infinity, 0), (0, -3), **below, ha="center", va="top", fontsize="large")
    ax.set_xlabel(label)
    ax.set_ylabel(_quantity(result, kind))
    ax.grid(alpha=0.3)
    if len(curves) > 6:  # they would hide the curves
        ax.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)
    elif ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small")
    draw_presets(ax, name, presets)
    return ax


def draw_presets(ax: Axes, parameter: str, presets: Sequence[str]) -> Axes:
    """Mark where devices are on an x axis made by :func:`plot_study`.

    Parameters
    ----------
    ax : Axes
        Axes to draw into; None makes a new figure.
    parameter : str
        The parameter on the x axis: a field of NoiseModel, or ``t2_over_t1``.
    presets : list of str
        Names of presets.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If a preset is unknown, or devices have no value of `parameter`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from matplotlib import pyplot as plt
    >>> ax = draw_presets(plt.figure().add_subplot(), "t1", ["ibm_brisbane", "ibm_fez"])
    >>> len(ax.lines)
    2
    """
    from matplotlib.axes import Axes

    check_instance("ax", ax, Axes)
    check_text("parameter", parameter)
    marks = sorted((at, name) for name, at in _marks(parameter, presets).items())
    for at, _ in marks:
        ax.axvline(at, color="0.4", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    # Names stand above the axes, side by side even where lines are not.
    ax.get_xlim()  # brings the limits up to date
    # From left to right: each name begins where the one before leaves room, or above its own line.
    free = -math.inf
    for at, name in marks:
        place = ax.transData.transform((at, 0))[0] * 72 / ax.figure.dpi
        shift = max(0.0, free - place)
        free = place + shift + 14
        ax.annotate(
            name,
            (at, 1),
            xycoords=("data", "axes fraction"),
            xytext=(shift + 2, 6),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "color": "0.4", "linewidth": 0.7, "shrinkB": 0},
            annotation_clip=False,
            rotation=35,
            rotation_mode="anchor",
            fontsize="x-small",
            color="0.2",
        )
    return ax


def _curve(
    ax: Axes,
    at: NDArray[np.float64],
    numbers: NDArray[np.float64],
    infinity: float,
    stroke: Any,
    label: str | None,
    look: dict[str, Any],
) -> None:
    """Draw estimates with the band of their intervals; the one at infinity stands by itself."""
    inside = np.isfinite(at)
    ax.plot(at[inside], numbers[inside, 0], stroke, label=label, **look)
    band = inside & np.isfinite(numbers).all(axis=1)  # few rows have no interval
    if inside.sum() > 1:
        shade = {"color": look["color"], "alpha": 0.2, "linewidth": 0}
        ax.fill_between(at[band], numbers[band, 1], numbers[band, 2], **shade)
    else:  # a band of one point is none
        _bar(ax, at[inside], numbers[inside], look)
    _bar(ax, np.full((~inside).sum(), infinity), numbers[~inside], look)


def _bar(ax: Axes, at: Any, numbers: Any, look: dict[str, Any]) -> None:
    for place, alone in zip(at, numbers[:1], strict=False):
        reach = None if np.isnan(alone).any() else np.abs(alone[1:] - alone[0])[:, None]
        ax.errorbar(place, alone[0], reach, capsize=3, **look)


def _methods(result: StudyResult, level: float) -> str:
    return ", ".join(sorted({p.interval(level).method for p in result.points} - {"none"}))


def _explain_bands(ax: Axes, text: str) -> None:
    """Say in the legend what shades and bars are."""
    bars: list[Any] = [bar for bar in ax.containers if hasattr(bar, "has_yerr")]
    has_bars = any(len(bar.lines[2]) for bar in bars)
    if has_bars or any(len(c.get_paths()) for c in ax.collections):
        ax.fill_between([], [], color="0.5", alpha=0.3, linewidth=0, label=text)


def _marks(parameter: str, presets: Sequence[str]) -> dict[str, float]:
    """Return where devices are on the x axis."""
    from lava_sqs.quantum.noise import NoiseModel

    field = parameter.rpartition(".")[2]
    marks: dict[str, float] = {}
    for preset in check_items("presets", presets):
        check_text("presets", preset)
        model = NoiseModel.preset(preset)
        if field == "t2_over_t1":
            at = model.value("t2", 0) / model.value("t1", 0)
        elif hasattr(model, field):
            at = model.value(field, 0)
        else:
            raise ArgumentValueError(
                "presets",
                f"must be empty for the parameter `{parameter}`: devices have no value of it.",
            )
        marks[preset] = at * _label(parameter)[1]
    return marks


def plot_heatmap(
    result: StudyResult,
    x: str,
    y: str,
    *,
    ax: Axes | None = None,
    value: str = "auto",
    annotate: bool = True,
    colorbar: bool = True,
) -> Axes:
    """Draw the value of a study over two parameters, one cell for each pair.

    Parameters
    ----------
    result : StudyResult
        A result with one point per pair: use ``result.select(...)`` for the others.
    x, y : str
        Names of the two parameters on the axes.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.
    value : {"auto", "value", "error rate", "accuracy"}
        What to draw, see :func:`plot_study`.
    annotate : bool
        Write the numbers into the cells, if they fit.
    colorbar : bool
        Whether a colour bar is drawn beside the picture.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If other parameters than *x* and *y* vary: use ``result.select(...)``.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from lava_sqs.study import Study
    >>> grid = {"noise.t1": [1e-4, 5e-4], "noise.t2": [1e-5, 1e-4]}
    >>> base = {"ansatz": "delay-x"}
    >>> result = Study("memory_capacity", grid=grid, base=base, options={"max_delay": 2}).run()
    >>> len(plot_heatmap(result, "t1", "t2").texts)
    4
    """
    check_instance("result", result, StudyResult)
    names = result.resolve(check_text("x", x)), result.resolve(check_text("y", y))
    if names[0] == names[1]:
        raise ValueError(f"Arguments `x` and `y` must be two parameters, but both are {names[0]}.")
    check_rest(result, names)
    kind = kind_of(result, value)
    cells: dict[tuple[Any, Any], float] = {}
    for p in result.points:
        cells[p.parameter(names[0]), p.parameter(names[1])] = estimate_of(p, kind, 0.95)[0]
    across, up = (sorted({key[i] for key in cells}, key=_sort_key) for i in (0, 1))
    table = np.array([[cells.get((a, b), math.nan) for a in across] for b in up])
    ax = new_axes(ax, figsize=(6.4, 4.2))
    image = ax.imshow(table, origin="lower", aspect="auto", cmap="viridis")
    cells_in_points = [0.85 * n for n in points_per_unit(ax)]  # less a colour bar, labels
    for axis, name, ticks, cell in zip(
        (ax.xaxis, ax.yaxis), names, (across, up), cells_in_points, strict=True
    ):
        label, factor, _ = _label(name)
        texts = [
            "∞" if t == math.inf else f"{t * factor:.4g}" if is_number(t) else str(t) for t in ticks
        ]
        fit_ticks(axis, texts, cell)
        axis.set_label_text(label)
    room = cells_in_points[0] > _CELL[0] and cells_in_points[1] > _CELL[1]
    if check_flag("annotate", annotate) and room and np.isfinite(table).any():
        middle = (np.nanmin(table) + np.nanmax(table)) / 2
        for (row, column), number in np.ndenumerate(table):
            if not math.isnan(number):
                ax.text(
                    column,
                    row,
                    f"{number:.2f}" if abs(number) < 10 else f"{number:.3g}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if number < middle else "black",
                )
    if check_flag("colorbar", colorbar):
        bar = ax.figure.colorbar(image, ax=ax, label=_quantity(result, kind))
        if len(found := np.unique(table[np.isfinite(table)])) == 1:
            bar.set_ticks(found.tolist())  # and none of what is drawn nowhere
    return ax


# -- details -------------------------------------------------------------------------------------


def _label(name: str) -> tuple[str, float, bool]:
    prefix, _, field = name.rpartition(".")
    if field not in _AXES or not prefix:
        return name.replace("_", " "), 1.0, False
    label, unit, factor, logarithmic = _AXES[field]
    if prefix == "train_noise":
        label = f"{label} in training"
    return f"{label} ({unit})" if unit else label, factor, logarithmic


def _named(name: str, value: Any) -> str:
    label, factor, _ = _label(name)
    if isinstance(value, str) or value is None:
        return str(value)
    label, _, unit = label.removesuffix(")").partition(" (")
    number = f"{value * factor:.3g}" if isinstance(value, float) else str(value)
    return f"{label} {number} {unit}".strip()


def _logarithmic(ax: Axes, values: Sequence[float]) -> None:
    positive = [v for v in values if v > 0]
    if not positive:
        return
    if min(values) <= 0:  # zero (no error) has a place of its own, left of the smallest
        decade = 10.0 ** math.floor(math.log10(min(positive)))
        ax.set_xscale("symlog", linthresh=decade, linscale=0.3)
    else:
        ax.set_xscale("log")


def _quantity(result: StudyResult, kind: str) -> str:
    if kind != "value":
        return kind
    tasks = {p.task for p in result.points}
    return tasks.pop().replace("_", " ") if len(tasks) == 1 else "value"


def _styles(values: Sequence[Any]) -> dict[str, int]:
    return {key: i for i, key in enumerate(dict.fromkeys(map(repr, values)))}


def _finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


def _sort_key(value: Any) -> tuple[bool, float, str]:
    number = is_number(value)
    return not number, float(value) if number else 0.0, str(value)
