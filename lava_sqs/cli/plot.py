"""``lava-sqs plot``: what a trained network learned and says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._files import check_writable, write_figure
from lava_sqs.cli._common import DATA, OF_MODEL, add_noise, known_test_samples, noise_of
from lava_sqs.cli._guard import DONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lava_sqs.network import SQSNN

_MOST_SHOWN = 10  # samples in the raster


def add_parser(commands: Any) -> None:
    """Add ``plot`` to the subcommands of ``lava-sqs``."""
    parser = commands.add_parser(
        "plot",
        help="draw a trained network: learning curves, and what it says to test samples",
        description="Draw the learning curves of a trained network; with DATA also its confusion "
        "matrix and its spikes. (Noise studies: lava-sqs study plot.)",
    )
    parser.add_argument("model", metavar="MODEL", help="file of `lava-sqs train --out`")
    parser.add_argument("data", metavar="DATA", nargs="?", help=DATA)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="picture: .png, .pdf, .svg"
    )
    add_noise(parser, "that of the training")
    parser.set_defaults(call=_plot, options=OF_MODEL)


def _plot(args: argparse.Namespace) -> int:
    from matplotlib.figure import Figure

    from lava_sqs.network import SQSNN
    from lava_sqs.plot import confusion_matrix, learning_curve

    check_writable(args.out, "out")
    clf = SQSNN.load(args.model)
    noise = noise_of(args)
    rows = 1 if args.data is None else 2
    figure = Figure(figsize=(9.5, 3.4 if rows == 1 else 7.6), layout="constrained")
    grid = figure.add_gridspec(rows, 2, height_ratios=[1, 1.5][:rows])
    left, right = (figure.add_subplot(grid[0, i]) for i in range(2))
    learning_curve(clf, left).set_title("Training: loss")
    on = "held-out data" if clf.early_stopping else "training data"
    learning_curve(clf, right, value="accuracy").set_title(f"Training: accuracy on {on}")
    if args.data is not None:
        x, y, _ = known_test_samples(clf, args.data)
        found = clf.evaluate(x, y, **noise)
        ax = figure.add_subplot(grid[1, 0])
        confusion_matrix(found, ax, labels=list(clf.classes_))
        ax.set_title(f"Test: {found.accuracy:.1%} of {len(y)} samples right")
        _spikes(clf, x, y, figure.add_subplot(grid[1, 1]), noise)
    write_figure(args.out, figure, dpi=150)
    print(args.out)
    return DONE


def _spikes(clf: SQSNN, x: Any, y: Any, ax: Axes, noise: Any) -> None:
    """Draw the visible spikes of the first test sample of each class, one after the other."""
    from lava_sqs.plot import raster
    from lava_sqs.plot._axes import shorten

    shown = clf.classes_[np.isin(clf.classes_, y)][:_MOST_SHOWN]
    first = [int(np.argmax(y == label)) for label in shown]
    spikes = clf.simulate(x[first], **noise)
    n, steps, channels = spikes.shape
    answers = clf.decide(spikes)
    raster(spikes.reshape(n * steps, channels), ax)
    said = [f"{shorten(a)}→{shorten(b)}" for a, b in zip(shown, answers, strict=True)]
    longest = max(map(len, said))
    upright = longest * n > 60  # letters above the axes, side by side
    for i, text in enumerate(said):
        if i:
            ax.axvline(i * steps + 0.5, color="0.8", lw=1, zorder=0)
        ax.annotate(
            text,
            ((i + 0.5) * steps + 0.5, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            rotation=90 if upright else 0,
        )
    pad = 8 + (6 * longest if upright else 10)
    ax.set_title("Test: spikes of one sample per class\n(below: true class → answer)", pad=pad)
    time = ax.get_xlabel().replace("time step", f"time step ({steps} per sample)", 1)
    ax.set(ylabel="visible neuron", xlabel=time)
