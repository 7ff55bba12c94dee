"""Pictures of what a population did: rasters, and the purity of its memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import check_real, check_shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["memory_purity", "raster"]


def new_axes(ax: Axes | None) -> Axes:
    """Return *ax*, or the axes of a new figure."""
    if ax is None:
        from matplotlib import pyplot as plt  # no backend is chosen on import

        ax = plt.subplots(layout="constrained")[1]
    return ax


def raster(
    spikes: Any, ax: Axes | None = None, *, color: Any = "black", size: float | None = None
) -> Axes:
    """Draw one dot per spike: time to the right, one row per channel.

    Parameters
    ----------
    spikes : array_like, shape (T, n)
        Anything but 0 is a spike. Time steps count from 1, as Lava's.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    color : color, or one per channel
    size : float, optional
        Area of a dot in points squared; None fits it to the number of channels.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = raster([[0, 1], [1, 1]])
    >>> len(ax.collections[0].get_offsets())
    3
    """
    array = check_shape("spikes", check_real("spikes", spikes), ("T", "n"))
    ax = new_axes(ax)
    time, channel = np.nonzero(array)
    channels = array.shape[1]
    if not isinstance(color, str) and np.ndim(color) and len(color) == channels:
        color = [color[c] for c in channel]
    ax.scatter(
        time + 1, channel, s=size or float(np.clip(600 / channels, 1, 30)), c=color, marker="|"
    )
    ax.set(xlim=(0.5, len(array) + 0.5), ylim=(channels - 0.5, -0.5), xlabel="time step")
    return ax


def memory_purity(purity: Any, ax: Axes | None = None, *, color: Any = "C0") -> Axes:
    """Draw the mean purity of the memories and the band that holds 80 % of the neurons.

    Parameters
    ----------
    purity : array_like, shape (T, K)
        As :func:`lava_sqs.quantum.diagnostics.purity` returns it.
    ax : Axes, optional
    color : color

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = memory_purity([[1.0, 0.9], [0.8, 0.7]])
    >>> ax.get_ylabel()
    'memory purity'
    """
    array = check_shape("purity", check_real("purity", purity), ("T", "K"))
    ax = new_axes(ax)
    time = np.arange(1, len(array) + 1)
    low, high = np.quantile(array, [0.1, 0.9], axis=1)
    ax.fill_between(time, low, high, color=color, alpha=0.25, lw=0, label="80 % of the neurons")
    ax.plot(time, array.mean(axis=1), color=color, label="mean")
    ax.set(xlim=(0.5, len(array) + 0.5), xlabel="time step", ylabel="memory purity")
    return ax
