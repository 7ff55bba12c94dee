"""One epoch of learning USPS 1 vs 7 with the paper's own code, and with this package.

``python -m benchmarks.authors --sqsnn PATH --data DIR [--samples N] [--repeats N]`` prints seconds
per epoch of 500 samples: of the authors' network and rule, extrapolated from N samples a repeat,
and of :class:`SQSNN` with the same layers, circuit and steps, in the same turns. PATH is a clone of
the paper's code; it needs torch, and this script no Lava. DIR holds usps.npz.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import ast
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import sklearn.datasets

from lava_sqs.data import load_usps
from lava_sqs.network import SQSNN

EPOCH = 500


def authors(clone: Path, data: Path) -> dict[str, Any]:
    """Run their script up to its training loop, on the user's file; return its names."""
    d = load_usps(data / "usps.npz")
    images = np.concatenate([d.x_train, d.x_test]).reshape(-1, 256) / 127.5 - 1  # OpenML's range
    labels = np.concatenate([d.y_train, d.y_test])
    sys.path.insert(0, str(clone))
    original = sklearn.datasets.fetch_openml
    sklearn.datasets.fetch_openml = lambda *a, **k: SimpleNamespace(data=images, target=labels)
    script = clone / "SQSNN_locals.py"
    statements = ast.parse(script.read_text()).body
    loop = next(i for i, s in enumerate(statements) if isinstance(s, ast.For))
    names: dict[str, Any] = {"__name__": "authors"}
    try:
        exec(compile(ast.Module(statements[:loop], []), script, "exec"), names)
    finally:
        sklearn.datasets.fetch_openml = original
    names["torch"].set_num_threads(1)
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sqsnn", type=Path, required=True, metavar="PATH")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--samples", type=int, default=5, help="of theirs, per repeat")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()

    theirs = authors(options.sqsnn, options.data)
    model, x, y = theirs["model"], theirs["X_train_tensor"], theirs["y_train_tensor"]
    d = load_usps(options.data / "usps.npz").classes(1, 7)
    chosen = np.random.default_rng(0).permutation(len(d.x_train))[:EPOCH]
    images, labels = d.x_train[chosen], d.y_train[chosen]
    ours = SQSNN(
        (2,), ansatz="paper", input_kind="static", encoder="rate", n_steps=10, n_draws=1,
        epochs=1, random_state=0, warm_start=True,
    ).fit(images, labels)  # fmt: skip

    seen: dict[str, list[float]] = {"theirs": [], "ours": []}
    for repeat in range(options.repeats):
        start = time.process_time()
        for i in range(options.samples):
            at = repeat * options.samples + i
            target = [y[at].item()] * len(x[at])
            model.local_learning_step([x[at][t] for t in range(len(x[at]))], target)
        seen["theirs"].append((time.process_time() - start) / options.samples * EPOCH)
        start = time.process_time()
        ours.fit(images, labels)
        seen["ours"].append(time.process_time() - start)
    for name, seconds in seen.items():
        low, median, high = np.percentile(seconds, (25, 50, 75))
        print(f"{name:<8}{median:.3g} s per {EPOCH}-sample epoch (quartiles {low:.3g}, {high:.3g})")
    print(f"ratio   {np.median(np.divide(seen['theirs'], seen['ours'])):.0f}")


if __name__ == "__main__":
    main()
