"""Pictures of learning: how far back a score reaches, and how a loss falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_instance, check_real, check_shape, describe
from lava_sqs._errors import ArgumentValueError
from lava_sqs.plot._axes import COLOURS, legend_above, marker_of, new_axes, whole_numbers
from lava_sqs.quantum.scores.online import OnlineScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_curve", "sensitivity_kernel"]

_CURVES = {
    "loss": "loss_curve_",
    "score": "accuracy_curve_",
    "accuracy": "accuracy_curve_",
    "spikes": "spikes_curve_",
}


def sensitivity_kernel(
    kappa: Any,
    ax: Axes | None = None,
    *,
    color: Any = COLOURS[0],
    linestyle: Any = "-",
    label: str | None = None,
) -> Axes:
    r"""Draw how far back the score of a step reaches.

    .. math:: \kappa_h(t) = \frac{\partial \log p_t}{\partial z_{t-h}}, \quad h = 0 .. H, \qquad
        K_h = \bigl\langle \kappa_h(t)^2 \bigr\rangle^{1/2}

    A single kernel is drawn as it is, signs included. Of many (neurons, steps) the sizes K_h are
    drawn, on a logarithmic axis, with the band that holds 80 % of \|kappa_h\|: over outcomes the
    mean of a score is zero.

    Parameters
    ----------
    kappa : OnlineScores or array_like, shape (..., H + 1)
        Sensitivities per unit of current, the lag on the last axis: ``scores.kappa`` of every step
        has shape (K, H + 1, io_qubits), so ``np.moveaxis(kappa, -2, -1)``. OnlineScores is its last
        step.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    color : color
        Any colour that matplotlib knows.
    linestyle : str or tuple
        A line style of matplotlib, to tell curves apart in grey.
    label : str, optional
        Label of the line in the legend.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `kappa` is not an array of real numbers with a last axis of lags.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = sensitivity_kernel([[3.0, 1.0], [-4.0, 0.5]])
    >>> ax.lines[0].get_ydata().round(3)
    array([3.536, 0.791])
    """
    check_instance("label", label, str, none=True)
    if isinstance(kappa, OnlineScores):
        kappa = np.moveaxis(kappa.kappa, 1, -1)
    array = check_real("kappa", kappa)
    if array.ndim < 1 or array.size == 0:
        raise ArgumentValueError(
            "kappa", f"must have shape (..., H + 1) and no empty axis, but has shape {array.shape}."
        )
    flat = array.reshape(-1, array.shape[-1])
    lags = np.arange(flat.shape[1])
    ax = new_axes(ax)
    if len(flat) == 1:
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)
        ax.vlines(lags, 0, flat[0], color=color, lw=1.5)
        ax.plot(lags, flat[0], "o", ms=5 if len(lags) <= 40 else 1.5, color=color, label=label)
        ax.set_ylabel(r"$\kappa_h = \partial \log p_t / \partial z_{t-h}$")
    else:
        low, high = np.quantile(np.abs(flat), [0.1, 0.9], axis=0)
        sizes = np.sqrt((flat**2).mean(axis=0))
        _band(ax, lags, low, high, color, r"80 % of $|\kappa_h|$")
        look: dict[str, Any] = {"color": color, "ls": linestyle, "marker": marker_of(len(lags))}
        ax.plot(lags, sizes, ms=4, label=label or "rms", **look)
        if (sizes > 0).all() and (low > 0).all():
            ax.set_yscale("log")
        ax.set_ylabel(r"size of $\kappa_h$ (rms)")
    ax.set_xlabel("lag h (steps)")
    whole_numbers(ax.xaxis, lags)
    legend_above(ax)
    return ax


def _band(ax: Axes, at: Any, low: Any, high: Any, color: Any, label: str) -> None:
    """Fill a band, of one point as a bar; the legend explains one of each kind."""
    known = label in ax.get_legend_handles_labels()[1]
    look: dict[str, Any] = {"color": color, "alpha": 0.2, "label": None if known else label}
    if len(at) == 1:
        ax.bar(at, high - low, 0.2, low, **look)
    else:
        ax.fill_between(at, low, high, lw=0, **look)


def learning_curve(
    curves: Any,
    ax: Axes | None = None,
    *,
    value: str = "loss",
    chance: float | None = None,
    color: Any = COLOURS[0],
    linestyle: Any = "-",
    label: str | None = None,
) -> Axes:
    """Draw what a network made of its training, epoch by epoch.

    Parameters
    ----------
    curves : SQSNN, list of SQSNN, or array_like, shape (E,) or (seeds, E)
        Fitted networks, or any numbers per epoch or update. Of several seeds the median is drawn,
        and the band from the least to the largest.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    value : {"loss", "score", "accuracy", "spikes"}
        Which curve of a network; of an array what to call it. The score is the accuracy of
        classifiers, and of regressors R^2 (as is their "accuracy").
    chance : float, optional
        A level to compare with, as a dashed line.
    color : color
        Any colour that matplotlib knows.
    linestyle : str or tuple
        A line style of matplotlib, to tell curves apart in grey.
    label : str, optional
        Label of the line in the legend.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `curves` are not fitted networks or numbers per epoch, or `value` is unknown.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = learning_curve([[0.7, 0.5], [0.6, 0.2], [0.7, 0.4]], chance=0.693)
    >>> ax.lines[0].get_ydata()
    array([0.7, 0.4])
    """
    check_choice("value", value, _CURVES)
    check_instance("label", label, str, none=True)
    array = _curves(curves, _CURVES[value])
    text = _label(curves, value)
    epochs = np.arange(1, array.shape[1] + 1)
    if chance is not None:
        chance = float(check_shape("chance", check_real("chance", chance), ()))
    ax = new_axes(ax)
    if len(array) > 1:
        ends = array.min(axis=0), array.max(axis=0)
        _band(ax, epochs, *ends, color, f"least to largest of {len(array)} seeds")
        label = label or f"median of {len(array)} seeds"
    look: dict[str, Any] = {"color": color, "ls": linestyle, "marker": marker_of(len(epochs))}
    ax.plot(epochs, np.median(array, axis=0), ms=3.5, lw=1.4, label=label, **look)
    if chance is not None:
        ax.axhline(chance, color="0.4", lw=1, ls="--", zorder=0)
        ax.annotate(
            "chance",
            (1, chance),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color="0.4",
        )
    ax.set(xlabel="epoch", ylabel=text)
    whole_numbers(ax.xaxis, epochs)
    legend_above(ax)
    return ax


def _label(curves: Any, value: str) -> str:
    """Return what a curve is, in words, and its unit where the networks say it."""
    if value == "spikes":
        return "spikes per sample"
    networks = curves if isinstance(curves, (list, tuple)) else [curves]
    kinds = {_kind(network) for network in networks}
    if len(kinds) > 1:
        raise ArgumentValueError("curves", "must have networks of one kind, that learn the same.")
    kind = kinds.pop()
    if value != "loss":
        return "R²" if kind == "values" else "accuracy" if kind else value
    units = {
        "count": "nats per sample",
        "likelihood": "nats per neuron and step",
        "values": "variances of the targets",
    }
    return f"loss ({units[kind]})" if kind in units else "loss"


def _kind(network: Any) -> str:
    """Return what a network learns; nothing of numbers."""
    if not hasattr(network, "loss_curve_"):
        return ""
    return "values" if hasattr(network, "score_curve_") else str(network.objective_)


def _curves(value: Any, attribute: str) -> NDArray[np.float64]:
    """Return (seeds, E)."""
    networks = value if isinstance(value, (list, tuple)) else [value]
    if len(networks) and all(hasattr(network, "loss_curve_") for network in networks):
        found = [check_real("curves", getattr(network, attribute)) for network in networks]
        if len({len(curve) for curve in found}) > 1:
            raise ArgumentValueError(
                "curves",
                "must have networks with equally many epochs, but they have "
                f"{', '.join(str(len(curve)) for curve in found)}.",
            )
        value = found
    elif any(hasattr(network, "get_params") for network in networks):
        raise ArgumentValueError("curves", "must have fitted networks: call fit(...) first.")
    array: NDArray[np.float64] = np.atleast_2d(check_real("curves", value))
    if array.ndim > 2 or array.size == 0:
        raise ArgumentValueError(
            "curves", f"must have shape (E,) or (seeds, E), but got {describe(array)}."
        )
    return np.asarray(array)
