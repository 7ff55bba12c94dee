"""One step ahead of the Santa Fe laser: SQSNNRegressor, persistence and ridge regression.

``uv run python -m benchmarks.laser FOLDER``, where FOLDER has ``santafe_laser.npz`` with an array
``series``. Trained on the first 1000 values, tested on the next 2000, each predicted from the 16
before it; NMSE is the mean squared error over the variance of the values that are predicted. The
learning rate is the one of three that is best on the last fifth of the 1000 (one seed), which is
then learned as well; the rows are means over seeds with 95 % intervals (t).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import RidgeCV

from lava_sqs import SQSNNRegressor
from lava_sqs.data import windows

TRAIN, TEST, RATES = 1000, 2000, (0.02, 0.05, 0.1)
# How a window of values enters: all at once in each of four steps, or one after the other.
NETWORKS: dict[str, dict[str, Any]] = {
    "SQS 64-100, all values at once": {"n_steps": 4},
    "SQS 64-100, value by value": {"input_kind": "sequence"},
    "SQS 64-100, recurrent, value by value": {"input_kind": "sequence", "recurrent": True},
}


def nmse(said: Any, truth: Any) -> float:
    """Return the mean squared error in units of the variance of the truth."""
    return float(((said - truth) ** 2).mean() / truth.var())


def last(values: Any) -> Any:
    """Return what is said of the value after a window."""
    return values if values.ndim == 1 else values[:, -1]


def trained(own: dict[str, Any], x: Any, t: Any, rate: float, epochs: int, seed: int) -> Any:
    """Return a network that has learned windows x (n, window, 1) and what follows each value."""
    given = {"n_readout": 100, "epochs": epochs, "learning_rate": rate, "random_state": seed}
    net = SQSNNRegressor((64,), **given, **own)
    return net.fit(*shaped(own, x, t))


def shaped(own: dict[str, Any], x: Any, t: Any) -> tuple[Any, Any]:
    """Return windows as features of the value after them, or as sequences."""
    return (x, t) if "input_kind" in own else (x[:, :, 0], last(t))


def row(name: str, *found: list[float]) -> str:
    """Return a row of the table: means and half of their intervals."""
    cells = []
    for values in found:
        mean = f"{np.mean(values):.3f}"
        if len(values) > 1:
            half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
            mean += f" +- {half:.3f}"
        cells.append(mean)
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.laser", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    series = np.load(given.folder / "santafe_laser.npz")["series"].astype(float)
    X, y = windows(series[: TRAIN + TEST], given.window)
    first = TRAIN - given.window  # windows whose values to be predicted are those that train
    (x, t), (x_test, t_test) = (X[:first], y[:first]), (X[first:], y[first:])
    truth = last(t_test)
    print("| model | single shot | mean of 10 shots |\n|---|---|---|")
    print(row("persistence", [nmse(x_test[:, -1, 0], truth)]), "|")
    ridge = RidgeCV(np.logspace(-6, 3, 10)).fit(x[:, :, 0], last(t))
    print(row("ridge regression", [nmse(ridge.predict(x_test[:, :, 0]), truth)]), "|")
    kept = first * 4 // 5
    for name, own in NETWORKS.items():
        held = {}
        for rate in RATES:
            net = trained(own, x[:kept], t[:kept], rate, given.epochs, 0)
            said = last(net.predict(shaped(own, x[kept:], t)[0], n_repeats=10))
            held[rate] = nmse(said, last(t[kept:]))
        rate = min(held, key=held.__getitem__)
        found: tuple[list[float], list[float]] = ([], [])
        for seed in range(given.seeds):
            net = trained(own, x, t, rate, given.epochs, seed)
            for n, values in zip((1, 10), found, strict=True):
                said = last(net.predict(shaped(own, x_test, t_test)[0], n_repeats=n))
                values.append(nmse(said, truth))
        print(row(f"{name}, learning rate {rate}", *found), flush=True)


if __name__ == "__main__":
    main()
