"""Pictures of what a classifier gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import check_flag, check_items, check_real, describe
from lava_sqs._errors import ArgumentValueError
from lava_sqs.plot._axes import fit_ticks, new_axes, points_per_unit, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion_matrix"]

_SMALLEST = 5.0  # points, of numbers that can be read
_MOST_NUMBERS = 25  # classes


def confusion_matrix(
    evaluation: Any,
    ax: Axes | None = None,
    *,
    labels: Sequence[Any] | None = None,
    normalize: bool = False,
    colorbar: bool = False,
) -> Axes:
    """Draw which class was taken for which: rows are true, columns are predicted.

    Parameters
    ----------
    evaluation : Evaluation or array_like, shape (n, n)
        What ``SQSNN.evaluate`` returns, or counts.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    labels : sequence, optional
        Names of the classes, such as ``clf.classes_``; None numbers them. Long names lose their
        middle.
    normalize : bool
        Divide each row by its sum.
    colorbar : bool
        Whether a colour bar is drawn beside the picture; it is also drawn where numbers do not fit
        into the cells.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `evaluation` is not a square matrix of counts, or `labels` are not as many.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = confusion_matrix([[8, 2], [1, 9]], labels=["no", "yes"])
    >>> [text.get_text() for text in ax.texts]
    ['8', '2', '1', '9']
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    counts = check_real("evaluation", getattr(evaluation, "confusion", evaluation))
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ArgumentValueError(
            "evaluation", f"must have shape (n, n), but has shape {counts.shape}."
        )
    if (counts < 0).any():
        raise ArgumentValueError("evaluation", "must hold counts, but has negative ones.")
    names = list(range(len(counts))) if labels is None else check_items("labels", labels)
    if len(names) != len(counts):
        raise ArgumentValueError(
            "labels",
            f"must have one name for each of {len(counts)} classes, but got {describe(labels)}.",
        )
    colorbar = check_flag("colorbar", colorbar)
    normalize = check_flag("normalize", normalize)
    if normalize:
        counts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    most = 1.0 if normalize else float(counts.max()) or 1.0
    side = min(9.0, max(4.2, 0.4 * len(counts) + 1.0))
    ax = new_axes(ax, figsize=(side + 0.4, side))
    display = ConfusionMatrixDisplay(counts, display_labels=names)
    number = ".2f" if normalize else ".0f" if (counts % 1 == 0).all() else ".3g"
    ax.set(xlim=(-0.5, len(counts) - 0.5), ylim=(len(counts) - 0.5, -0.5))
    shown = [shorten(name) for name in names]
    cell = (0.8 if colorbar else 0.92) * min(points_per_unit(ax))  # less a colour bar, labels
    cell -= 6 * max(0, max(map(len, shown)) - 2) / len(counts)
    letters = max(len(format(n, number)) for n in counts.flat)
    size = min(9.0, 0.9 * cell / (0.62 * letters), 0.8 * cell)  # of numbers that fit
    readable = size >= _SMALLEST and len(counts) <= _MOST_NUMBERS
    display.plot(
        ax=ax,
        cmap="Blues",
        values_format=number,
        include_values=readable,
        text_kw={"fontsize": size},
        im_kw={"vmin": 0.0, "vmax": most},
        colorbar=False,
    )
    for (i, j), text in np.ndenumerate(display.text_ if readable else np.empty((0, 0))):
        text.set_color("white" if counts[i, j] > most / 2 else "black")
    for axis in (ax.xaxis, ax.yaxis):
        fit_ticks(axis, shown, cell)
    if colorbar or not readable:
        ax.figure.colorbar(display.im_, ax=ax, label="share" if normalize else "samples")
    ax.set(xlabel="predicted class", ylabel="true class")
    return ax
