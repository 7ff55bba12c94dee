"""Pictures of spikes: rasters, and the probabilities that they were drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import check_positive
from lava_sqs._errors import ArgumentValueError
from lava_sqs.plot._axes import (
    channels,
    condition,
    legend_above,
    new_axes,
    points_per_unit,
    series,
    style,
    traces,
    whole_numbers,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["raster", "spike_probability"]

_MARKS, _ROWS = 20_000, 250  # more than which a raster is an image
_PER_POINT = 0.5  # spikes of a row per point (1/72 inch) of its length, likewise


def raster(
    spikes: Any, ax: Axes | None = None, *, color: Any = "black", size: float | None = None
) -> Axes:
    """Draw one mark per spike: time to the right, one row per channel.

    Where marks would cover each other (more than 20000 spikes, 250 channels, or one spike per row
    in 1/36 inch) an image is drawn instead: the darker, the larger the share of steps and channels
    under a point that spiked. The label of its time axis says so.

    Parameters
    ----------
    spikes : RunResult, Recording, SQS or array_like, shape (T, ...)
        Anything but 0 is a spike. All axes after the first are rows, in C order. Time steps count
        from 1, as Lava's; the data of a Lava sink is (n, T): pass its transpose.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    color : color, or one per channel
        Any colour that matplotlib knows.
    size : float, optional
        Area of a mark in points squared, which draws marks however many there are. None fits them
        to the rows.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `spikes` has no time axis, or was not recorded.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = raster([[0, 1], [1, 1]])
    >>> len(ax.collections[0].get_offsets())
    3
    """
    found = series("spikes", spikes, "spikes")
    array = found.reshape(len(found), -1)
    area = None if size is None else check_positive("size", size)
    ax = new_axes(ax)
    time, channel = np.nonzero(array)
    count = array.shape[1]
    ax.set(xlim=(0.5, len(array) + 0.5), ylim=(count - 0.5, -0.5), xlabel="time step")
    step, row = points_per_unit(ax)
    dense = len(time) > _MARKS or count > _ROWS or len(time) > _PER_POINT * step * array.size
    if area is None and isinstance(color, str) and dense:
        _draw_density(ax, array != 0, color)
        time, channel = time[:0], channel[:0]
    if not isinstance(color, str) and np.ndim(color) and len(color) == count:
        color = [color[c] for c in channel]
    look: dict[str, Any] = {"s": area}
    if area is None:  # as high as a row, as wide as a step
        height, width = np.clip(0.8 * row, 1, 30), np.clip(0.6 * step, 0.4, 1.5)
        look = {"s": float(height) ** 2, "linewidths": float(width)}
    ax.scatter(time + 1, channel, c=color, marker="|", **look)
    ax.set_ylabel("neuron" if found.ndim == 2 else "channel")
    whole_numbers(ax.xaxis)
    if count == 1:
        ax.set_yticks([0])
    else:
        whole_numbers(ax.yaxis)
    return ax


def _draw_density(ax: Axes, spikes: Any, color: str) -> None:
    """Draw spikes (T, n) as an image of no more points than a screen shows."""
    from matplotlib.colors import LinearSegmentedColormap

    steps, count = spikes.shape
    merged = [max(1, -(-size // most)) for size, most in ((steps, 1000), (count, 250))]
    sums = spikes.astype(np.float64)
    for axis, n in enumerate(merged):
        starts = np.arange(0, sums.shape[axis], n)
        widths = np.diff(np.append(starts, sums.shape[axis]))
        summed = np.add.reduceat(sums, starts, axis=axis)
        # By how many there are: the last group may be a smaller one.
        sums = summed / (widths[:, None] if axis == 0 else widths)
    ends = [-(-size // n) * n for size, n in zip((steps, count), merged, strict=True)]
    ax.imshow(
        sums.T,
        cmap=LinearSegmentedColormap.from_list("spikes", ["white", color]),
        vmin=0.0,
        vmax=sums.max() or 1.0,
        extent=(0.5, ends[0] + 0.5, ends[1] - 0.5, -0.5),
        aspect="auto",
        interpolation="nearest",
    )
    most = "every step" if sums.max() == 1 else f"{100 * sums.max():.2g} % of the steps"
    name = color if color.isalpha() else "dark"
    ax.set_xlabel(f"time step\n{name}: spikes in {most}, white: none")


def spike_probability(
    p_spike: Any,
    ax: Axes | None = None,
    *,
    neurons: Any = None,
    spikes: Any = None,
    color: Any = None,
) -> Axes:
    """Draw the probability of a spike just before each measurement, and what was measured.

    Parameters
    ----------
    p_spike : RunResult, Recording, SQS or array_like, shape (T, ...)
        All axes after the first are channels, in C order.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    neurons : int or list of int, optional
        The channels to draw. None: up to four as lines, more as their mean and the band that
        holds 80 % of them.
    spikes : as *p_spike*, optional
        Marks the steps in which a drawn channel spiked by a dot on its line.
    color : color, or one per line
        Any colour that matplotlib knows.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `p_spike` was not recorded, `neurons` are not among its channels, or `spikes` does not
        fit.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from lava_sqs.quantum import Population, ansatz
    >>> run = Population(ansatz.layered(), size=2, seed=1).run([[0.5, 1.0]] * 5)
    >>> ax = spike_probability(run, spikes=run)
    >>> [line.get_label() for line in ax.lines]
    ['neuron 0', 'neuron 1']
    """
    found = series("p_spike", p_spike, "p_spike")
    values = found.reshape(len(found), -1)
    count = values.shape[1]
    chosen = None if neurons is None else channels("neurons", neurons, count)
    ax = new_axes(ax)
    traces(ax, values, chosen, color=color, drawstyle="steps-mid")
    if spikes is not None:
        drawn = [line for line in ax.lines if str(line.get_label()).startswith("neuron ")]
        marks = series("spikes", spikes, "spikes")
        if marks.shape != found.shape:
            raise ArgumentValueError(
                "spikes",
                f"must have the shape {found.shape} of `p_spike`, but has shape {marks.shape}.",
            )
        if not drawn:
            raise ArgumentValueError(
                "spikes",
                f"needs lines to mark, but {count} channels are drawn as one "
                "band: choose some with `neurons`.",
            )
        marks = marks.reshape(values.shape)
        for i, channel in enumerate(range(count) if chosen is None else chosen):
            at = np.flatnonzero(marks[:, channel])
            dots = {"color": style(i, color), "label": None if i else "spike"}
            ax.scatter(at + 1, values[at, channel], s=14, zorder=3, **dots)
    ax.set(ylim=(-0.04, 1.04), yticks=np.linspace(0, 1, 6))
    ax.set_ylabel("\n".join(filter(None, ("p(spike)", condition(p_spike)))))
    legend_above(ax)
    return ax
