"""What one hears of a training: a record per epoch for callbacks and a log, advice at the end."""

from __future__ import annotations

import csv
import io
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from lava_sqs._checks import check_int, check_path, check_positive, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError, outside
from lava_sqs._files import check_writable, write_bytes
from lava_sqs.optimizers import optimizer_of

__all__ = ["EpochRecord"]

#: Updates below which nothing is said about a loss.
_FEWEST = 16
#: Updates that are called few.
_FEW = 300


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch of a training was: what a callback gets, and a row of the log.

    Attributes
    ----------
    epoch : int
        Epochs made, those of earlier fits with ``warm_start`` and of a resumed training included.
    updates : int
        Mini-batches made, counted likewise.
    loss : float
        The training loss, in the units of ``loss_curve_``.
    score : float or None
        Accuracy, of a regressor R^2, on training samples; None if there are others to tell.
    validation_score : float or None
        The same on samples that are held out or the user's own; None if there are none.
    spikes : float
        Mean number of spikes per sample during training.
    learning_rate : float
        Learning rate of the last update.
    seconds : float
        Time that the epoch took, without callbacks.
    model : SQSNN or SQSNNRegressor
        The network as it is now, which may be asked to predict. Not in the log.

    Examples
    --------
    >>> EpochRecord(1, 40, 0.69, 0.5, None, 12.0, 0.02, 0.1).updates
    40
    """

    epoch: int
    updates: int
    loss: float
    score: float | None
    validation_score: float | None
    spikes: float
    learning_rate: float
    seconds: float
    model: Any = field(default=None, repr=False, compare=False)


def record_of(
    model: Any, held: bool, loss: float, score: float, spikes: float, rate: float, seconds: float
) -> EpochRecord:
    """Return the record of the epoch that a model has just made; *held*: with held-out samples."""
    return EpochRecord(
        epoch=model.n_iter_,
        updates=model.n_updates_,
        loss=loss,
        score=None if held else score,
        validation_score=score if held else None,
        spikes=spikes,
        learning_rate=rate,
        seconds=seconds,
        model=model,
    )


# -- callbacks -------------------------------------------------------------------------------------


def callbacks_of(value: Any) -> tuple[Callable[[EpochRecord], Any], ...]:
    """Return the callbacks that an argument names: none, one, or a list of them."""
    found = () if value is None else (value,) if callable(value) else value
    if not isinstance(found, (tuple, list)) or not all(map(callable, found)):
        raise ArgumentTypeError(
            "callbacks",
            "must be None, a function of one record, or a list of such functions, but got "
            f"{describe(value)}.",
        )
    return tuple(found)


def asked_to_stop(callbacks: Any, record: EpochRecord) -> bool:
    """Call everybody; return whether somebody said True, and no other true value."""
    said = [callback(record) for callback in callbacks_of(callbacks)]
    return any(isinstance(s, (bool, np.bool_)) and bool(s) for s in said)


# -- the log ---------------------------------------------------------------------------------------

COLUMNS = tuple(f.name for f in fields(EpochRecord) if f.name != "model")


def _line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def begin_log(log: Any, checkpoint: Any, done: int) -> Path:
    """Make a log with a header and the rows of the first *done* epochs, as far as it has them.

    In one piece: a reader sees the old log or the new one. Returns its path.

    Raises
    ------
    ValueError
        If there is another file, that is no log.
    """
    path = check_writable(check_path("log", log), "log")
    if checkpoint is not None and path == Path(checkpoint):
        raise ArgumentValueError("log", f"must be another file than `checkpoint`, {path}.")
    header = _line(COLUMNS)
    kept = []
    if path.exists():
        lines = path.read_text("utf-8", errors="replace").splitlines(keepends=True)
        if lines and lines[0] != header:
            raise ArgumentValueError(
                "log",
                f"must name a new file or a log of a training, but {path} begins with "
                f"{describe(lines[0][:60])}: give another name, or remove the file.",
            )
        # A last line that a killed training left unfinished has no end.
        kept = [line for line in lines[1:] if line.endswith("\n") and _epoch_of(line) <= done]
    write_bytes(path, "".join([header, *kept]).encode())
    return path


def _epoch_of(line: str) -> float:
    first = line.partition(",")[0]
    return int(first) if first.isdecimal() and line.count(",") + 1 == len(COLUMNS) else math.inf


def add_row(path: Path, record: EpochRecord) -> None:
    """Add one epoch to a log, by one write that is on its way to the disk when this returns."""
    row = _line("" if (v := getattr(record, name)) is None else v for name in COLUMNS)
    # Unbuffered: one system call per row, so a kill leaves whole rows or one torn line.
    with open(path, "ab", buffering=0) as file:
        file.write(row.encode())


# -- advice ----------------------------------------------------------------------------------------


def still_falling(losses: Any, factors: Any) -> tuple[float, float] | None:
    """Return the mean losses of the last two quarters of a training, if they say that it fell.

    Quarters of what was moved, the sum of the learning rates, and not of the updates: at the end of
    a cosine nothing moves any more, whether there is something to learn or not. The loss fell if
    the difference of the two is more than 4 of its standard errors, estimated from differences
    of neighbouring updates, and more than 8 % of the whole fall since the first updates.

    Parameters
    ----------
    losses : array_like, shape (U,)
        Loss of every update.
    factors : array_like, shape (U,)
        Learning rate of each, in any unit.

    Returns
    -------
    tuple of float, or None

    Examples
    --------
    >>> [round(mean, 2) for mean in still_falling(np.linspace(1, 0, 40), np.ones(40))]
    [0.37, 0.12]
    >>> still_falling(np.exp(-np.arange(400) / 20), np.ones(400)) is None
    True
    """
    losses, moved = np.asarray(losses, dtype=float), np.cumsum(factors)
    if len(losses) < _FEWEST or not np.isfinite(losses).all():
        return None
    # Time in units of what was moved: under a cosine the last updates are many and move nothing.
    share = moved / moved[-1]
    third, last = losses[(share > 0.5) & (share <= 0.75)], losses[share > 0.75]
    if min(len(third), len(last)) < 4:
        return None
    fall = float(third.mean() - last.mean())
    # E[(x_t+1 - x_t)^2] / 2 is the variance of the noise even while the mean falls slowly.
    spread = [np.square(np.diff(part)).mean() / 2 / len(part) for part in (third, last)]
    begun = losses[: max(2, len(losses) // 100)].mean()
    if fall <= 4 * math.sqrt(sum(spread)) or fall <= 0.08 * (begun - last.mean()):
        return None
    return float(third.mean()), float(last.mean())


def advise(seen: list[tuple[float, float]], epochs: int) -> None:
    """Warn if a training that was not stopped ended while its loss was still falling."""
    losses, factors = zip(*seen, strict=True)
    if (found := still_falling(losses, factors)) is None:
        return
    n = len(seen)
    few = ""
    if n < _FEW:
        few = (
            f" {n} updates are few, {epochs} epochs of {-(-n // epochs)} mini-batches: a thousand "
            "or more are usual, and the default without `epochs`."
        )
    warnings.warn(
        f"The training loss was still falling when training ended after {n} updates: from "
        f"{found[0]:.3g} to {found[1]:.3g}, the means of its last two quarters. Train longer "
        f"(more `epochs` or `updates`), or faster (a larger `learning_rate`).{few}",
        ConvergenceWarning,
        stacklevel=outside("lava_sqs.network")[0],
    )


#: Seconds from which on it is said beforehand how long a training takes.
_LONG = 60.0


def announce(training: Any) -> None:
    """Say how long a training takes, if that is more than a minute: before it starts."""
    model, n, epochs = training.model, len(training.X), training.epochs
    layers = [(layer.neuron, layer.size) for layer in training.spec.layers]
    each = sum(k.seconds_per_step(size) for k, size in layers if hasattr(k, "seconds_per_step"))
    steps = model._inputs.steps + training.spec.depth
    if (total := each * steps * n * epochs * training.n_draws) > _LONG:
        size, unit = (3600, "h") if total > 7200 else (60, "min")
        warnings.warn(
            f"This training takes about {total / size:.2g} {unit}: from one of {steps} time steps "
            f"of one of {n} samples its neurons learn in {each:.2g} s, {epochs} epochs long. Fewer "
            "`memory_qubits`, neurons, samples, steps or `epochs` take less.",
            UserWarning,
            stacklevel=outside("lava_sqs.network")[0],
        )


# -- how long --------------------------------------------------------------------------------------

#: Updates that are made unless somebody says how many, within the least and most epochs.
UPDATES, LEAST, MOST = 1000, 5, 200


def epochs_of(model: Any, n_samples: int) -> int:
    """Return how many epochs a fit makes: those asked for, or as many as make the updates."""
    if model.epochs is not None:
        return int(model.epochs)
    each = math.ceil(n_samples / model.batch_size)
    epochs: int = math.ceil((model.updates or UPDATES) / each)
    return epochs if model.updates else min(max(epochs, LEAST), MOST)


def rate_of(model: Any, n_updates: int | None) -> float:
    """Return the learning rate: the one asked for, or one for so many updates (None: no end).

    .02 from 2000 updates on, and more where there are fewer, by the square root, up to .05.
    """
    if model.learning_rate is not None:
        return float(model.learning_rate)
    few = 1.0 if n_updates is None else math.sqrt(2000 / n_updates)
    return min(max(0.02 * few, 0.02), 0.05)


def check_training(model: Any) -> None:
    """Check what an estimator is told of how long and how it learns, and who hears of it."""
    for name in ("epochs", "updates"):
        if getattr(model, name) is not None:
            check_int(name, getattr(model, name), minimum=1)
    if model.epochs is not None and model.updates is not None:
        raise ArgumentValueError(
            "updates",
            f"must be None if `epochs` is given, as either says how long to train, but got "
            f"{model.updates} and epochs={model.epochs}.",
        )
    if model.learning_rate is not None:
        check_positive("learning_rate", model.learning_rate)
    optimizer_of(model.optimizer)
    rates = (getattr(model, f"{k}_learning_rate", None) for k in ("hidden", "readout"))
    largest = max(rate_of(model, 1), *(float(r or 0.0) for r in rates))
    if check_positive("weight_decay", model.weight_decay, zero=True) * largest >= 1:
        raise ArgumentValueError(
            "weight_decay",
            f"must be below {1 / largest:g}, one over the learning rate, as their product is what "
            f"weights lose in an update, but got {model.weight_decay}.",
        )
    callbacks_of(model.callbacks)
    if model.augment is not None and not callable(model.augment):
        raise ArgumentTypeError(
            "augment",
            "must be a function of samples and a random generator, or None, but got "
            f"{describe(model.augment)}.",
        )
