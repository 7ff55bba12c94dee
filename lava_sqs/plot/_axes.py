"""What every picture shares: where it is drawn, its colours, and what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int, check_items, check_real, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.quantum._memory import MemoryArray, note_of
from lava_sqs.quantum.population import Population, RunResult
from lava_sqs.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[Any]

# Okabe and Ito: told apart by colour-blind eyes. Strokes tell lines apart in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
STROKES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 2.5)))

_MOST_LINES = 4  # more lines than that hide each other
_MOST_IN_LEGEND = 24


def new_axes(ax: Any, *, figsize: tuple[float, float] = (6.4, 3.6), projection: Any = None) -> Axes:
    """Return *ax*, or the axes of a new figure."""
    from matplotlib.axes import Axes

    if ax is None:
        from matplotlib import pyplot as plt  # no backend is chosen on import

        figure = plt.figure(figsize=figsize, layout="constrained")
        made: Axes = figure.add_subplot(projection=projection)
        return made
    if not isinstance(ax, Axes):
        raise ArgumentTypeError("ax", f"must be Axes or None, but got {describe(ax)}.")
    if projection is not None and ax.name != projection:
        raise ArgumentValueError(
            "ax",
            f"must have projection={projection!r}, as in "
            f"figure.add_subplot(projection={projection!r}), but has {ax.name!r}.",
        )
    return ax


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Return about how wide and high the axes will be, in points (1/72 inch)."""
    box = ax.get_window_extent()
    # A layout, made when the figure is drawn, gives axes without ticks the margins as well.
    each = 72 / ax.figure.dpi * (1.25 if ax.figure.get_layout_engine() is not None else 1.0)
    return box.width * each, box.height * each


def points_per_unit(ax: Axes) -> tuple[float, float]:
    """Return about how many points one unit of x and of y will take."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    width, height = size_in_points(ax)
    return width / abs(right - left), height / abs(high - low)


# -- what the library returns ----------------------------------------------------------------------


def series(name: str, value: Any, field: str) -> Array:
    """Return what was recorded of *field*, time first.

    Parameters
    ----------
    name : str
        Name of the argument, for errors.
    value : RunResult, Recording, a Process that records, or array_like, shape (T, ...)
        What to draw, see :func:`plot_study`.
    field : {"spikes", "p_spike", "memory"}
    """
    recording = value if isinstance(value, Recording) else getattr(value, "recording", None)
    if isinstance(value, RunResult):
        found = getattr(value, field)
        if found is None:
            raise ArgumentValueError(
                name,
                f"must hold `{field}`, but the run did not keep it: run(..., record=({field!r},)).",
            )
    elif isinstance(recording, Recording):
        key = "s_out" if field == "spikes" else field
        if key not in recording:
            raise ArgumentValueError(
                name,
                f"must hold `{key}`, but it is not recorded: name it when you "
                f"make the Process, record=({key!r},).",
            )
        found = recording[key]
    elif isinstance(value, Population):
        raise ArgumentTypeError(
            name,
            "must hold a run, but got a Population, which knows its last step "
            "only: pass what its run(...) returns.",
        )
    else:
        found = check_real(name, value)
    array = found if isinstance(found, MemoryArray) else np.asarray(found)
    if array.ndim < 2:
        raise ArgumentValueError(
            name, f"must have shape (T, ...), time first, but has shape {array.shape}."
        )
    if not len(array):
        raise ArgumentValueError(name, "must have at least one time step, but has none.")
    return array


def condition(value: Any, array: Any = None) -> str:
    """Return the line that says what the states of a run are conditional on; nothing of arrays."""
    of_run = isinstance(value, (RunResult, Recording, Population))
    if not (of_run or isinstance(getattr(value, "recording", None), Recording)):
        return ""
    note = note_of(array)
    drawn = note is not None and note.origin == "drawn"
    return f"given the outcomes{' and errors' if drawn else ''} so far"


def whole_numbers(axis: Any, values: Any = ()) -> None:
    """Put the ticks of an axis at whole numbers; around a single one of *values*, half a unit."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(values) == 1:
        axis.axes.set(**{f"{axis.axis_name}lim": (values[0] - 0.5, values[0] + 0.5)})


def shorten(name: Any, most: int = 12) -> str:
    """Return a name of *most* letters, without its middle if it is longer."""
    text = str(name)
    return text if len(text) <= most else f"{text[: most - 6]}…{text[-5:]}"


def fit_ticks(axis: Any, names: Sequence[str], cell: float) -> None:
    """Name the cells of an axis, *cell* points each: upright or only some where names are long."""
    longest = max(map(len, names), default=1)
    size = 10.0 if cell >= 14 else 8.0
    across = axis.axis_name == "x"
    upright = across and longest * 0.62 * size > 0.95 * cell
    every = max(1, int(np.ceil(1.25 * size / cell)))
    axis.set_ticks(range(0, len(names), every), [str(name) for name in names[::every]])
    axis.set_tick_params(labelsize=size, labelrotation=90.0 if upright else 0.0)


def marker_of(count: int) -> str | None:
    """Return the marker of a line of *count* points: none where marks would cover each other."""
    return "o" if count <= 40 else None


def legend_above(ax: Axes) -> None:
    """Draw the legend of several artists, in a strip above what is drawn."""
    handles, labels = ax.get_legend_handles_labels()
    if len(handles) < 2:
        return
    if len(handles) > _MOST_IN_LEGEND:
        more = len(handles) - _MOST_IN_LEGEND + 1
        handles, labels = handles[:_MOST_IN_LEGEND], [*labels[: _MOST_IN_LEGEND - 1], ""]
        labels[-1] = f"and {more} more"
    box = ax.get_window_extent()
    width, height = (72 / ax.figure.dpi * n for n in (box.width, box.height))
    letters = max(map(len, labels))
    columns = int(np.clip(width // (4.2 * letters + 34), 1, len(labels)))
    strip = min(0.6, (11.5 * -(-len(labels) // columns) + 10) / height)
    low, high = ax.get_ylim()
    part = strip / (1 - strip)
    log = ax.get_yscale() == "log"
    top = high * (high / low) ** part if log else high + (high - low) * part
    ax.set_ylim(low, top, auto=None)  # the next curve on these axes finds its limits itself
    ax.legend(
        handles, labels, fontsize="x-small", loc="upper right", ncols=columns, borderaxespad=0.3
    )


def one_of(name: str, value: Any, attribute: str, kind: type) -> Any:
    """Return *value* if it is a *kind*, or what it has of that kind under *attribute*."""
    found = value if isinstance(value, kind) else getattr(value, attribute, None)
    if not isinstance(found, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise ArgumentTypeError(
            name,
            f"must be {article} {kind.__name__} or have one as `.{attribute}` (a "
            f"Population, an SQS, a RunResult), but got {describe(value)}.",
        )
    return found


def channels(name: str, value: Any, count: int) -> list[int]:
    """Return chosen channels as a list of indices below *count*; negative ones count back."""
    chosen = [value] if isinstance(value, (str, int, np.integer)) else check_items(name, value)
    indices = [check_int(name, i) for i in chosen]
    if not indices or not all(-count <= i < count for i in indices):
        raise ArgumentValueError(
            name,
            f"must name some of {count} channels, 0 to {count - 1}, but got {describe(value)}.",
        )
    return [i % count for i in indices]


# -- curves over time ------------------------------------------------------------------------------


def traces(
    ax: Axes,
    values: Array,
    neurons: Any,
    *,
    color: Any,
    drawstyle: str = "default",
    names: Sequence[str] | None = None,
    many: str = "neurons",
) -> None:
    """Draw *values* (T, n): a few channels as lines, many as their mean and an 80 % band.

    What the lines are called is in *names*, "neuron i" if None, and what they are in *many*.
    """
    count = values.shape[1]
    time = np.arange(1, len(values) + 1)
    marker = "o" if len(time) == 1 else None  # a line through one point is none
    if neurons is None and count > _MOST_LINES:
        color = COLOURS[0] if color is None else color
        low, high = np.quantile(values, [0.1, 0.9], axis=1)
        band: dict[str, Any] = {"color": color, "alpha": 0.25, "label": f"80 % of the {many}"}
        if len(time) == 1:
            ax.bar(time, high - low, 0.5, low, **band)
        else:
            step: Any = "mid" if drawstyle == "steps-mid" else None
            ax.fill_between(time, low, high, lw=0, step=step, **band)
        mean: dict[str, Any] = {"color": color, "drawstyle": drawstyle, "marker": marker}
        ax.plot(time, values.mean(axis=1), label="mean", lw=line_width(len(time)), **mean)
    else:
        for i, channel in enumerate(range(count) if neurons is None else neurons):
            ax.plot(
                time,
                values[:, channel],
                color=style(i, color),
                ls=STROKES[(i + i // len(COLOURS)) % len(STROKES)],
                lw=line_width(len(time)),
                marker=marker,
                drawstyle=drawstyle,
                label=f"neuron {channel}" if names is None else names[channel],
            )
    ax.set_xlim(0.5, len(values) + 0.5)
    ax.set_xlabel("time step")
    whole_numbers(ax.xaxis)


def line_width(count: int) -> float:
    """Return the width of a line of *count* points, in points."""
    return 1.2 if count <= 500 else 0.6


def style(i: int, color: Any) -> Any:
    """Return the colour of the i-th of several: the one given, or of the palette."""
    if color is None:
        return COLOURS[i % len(COLOURS)]
    if isinstance(color, Sequence) and not isinstance(color, str) and not _is_rgb(color):
        return color[i % len(color)]
    return color


def _is_rgb(color: Sequence[Any]) -> bool:
    return len(color) in (3, 4) and all(isinstance(c, (int, float)) for c in color)
