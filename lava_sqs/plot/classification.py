"""Pictures of what a classifier gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import check_flag, check_items, check_real, describe
from lava_sqs._errors import ArgumentValueError
from lava_sqs.plot._axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion_matrix"]


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
        Names of the classes, such as ``clf.classes_``; None numbers them.
    normalize : bool
        Divide each row by its sum.
    colorbar : bool
        Whether a colour bar is drawn beside the picture.

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
    names = np.arange(len(counts)) if labels is None else check_items("labels", labels)
    if len(names) != len(counts):
        raise ArgumentValueError(
            "labels",
            f"must have one name for each of {len(counts)} classes, but got {describe(labels)}.",
        )
    colorbar = check_flag("colorbar", colorbar)
    if check_flag("normalize", normalize):
        counts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax = new_axes(ax, figsize=(4.6, 4.2))
    display = ConfusionMatrixDisplay(counts, display_labels=names)
    number = ".2f" if normalize else ".0f" if (counts % 1 == 0).all() else ".3g"
    display.plot(ax=ax, cmap="Blues", values_format=number, colorbar=colorbar)
    ax.set(xlabel="predicted class", ylabel="true class")
    return ax
