"""One step ahead of the Santa Fe laser: NMSE of SQSNNRegressor, persistence and linear regression.

``uv run python -m benchmarks.laser FOLDER``, where FOLDER has ``santafe_laser.npz`` with an array
``series``. Trained on the first 1000 values, tested on the next 2000; NMSE is the mean squared
error over the variance of the values that are predicted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV

from lava_sqs import SQSNNRegressor
from lava_sqs.data import windows

TRAIN, TEST = 1000, 2000


def nmse(said: Any, truth: Any) -> float:
    """Return the mean squared error in units of the variance of the truth."""
    return float(((said - truth) ** 2).mean() / truth.var())


def main() -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--series", action="store_true", help="values per step, too")
    given = parser.parse_args()
    series = np.load(given.folder / "santafe_laser.npz")["series"].astype(float)
    X, y = windows(series[: TRAIN + TEST], given.window)
    first = TRAIN - given.window  # windows whose values to be predicted are those that train
    (x, t), (x_test, t_test) = (X[:first], y[:first]), (X[first:], y[first:])
    flat, next_value = x[:, :, 0], t[:, -1]
    flat_test, truth = x_test[:, :, 0], t_test[:, -1]
    print(f"persistence                  {nmse(flat_test[:, -1], truth):.4f}")
    ridge = RidgeCV(np.logspace(-6, 3, 10)).fit(flat, next_value)
    print(f"ridge on {given.window} values           {nmse(ridge.predict(flat_test), truth):.4f}")
    for seed in given.seeds:
        own = {"n_readout": 100, "epochs": given.epochs, "learning_rate": 0.05}
        net = SQSNNRegressor((64,), n_steps=4, random_state=seed, **own).fit(flat, next_value)
        for n in (1, 10):
            found = nmse(net.predict(flat_test, n_repeats=n), truth)
            print(f"SQS 64-100 on {given.window} values, seed {seed}, shots {n}: {found:.4f}")
        if given.series:
            own |= {"input_kind": "sequence", "angle_learning_rate": 0.05}
            net = SQSNNRegressor((64,), random_state=seed, **own).fit(x, t)
            for n in (1, 10):
                found = nmse(net.predict(x_test, n_repeats=n)[:, -1], truth)
                print(f"SQS 64-100 value by value, seed {seed}, shots {n}: {found:.4f}")


if __name__ == "__main__":
    main()
