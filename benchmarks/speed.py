"""CPU time of an SQSNN beside snnTorch's LIF network of the same size, per epoch and per sample.

``PYTHON -m benchmarks.speed [--quick] [--out FILE]``

PYTHON has torch and snntorch, which are no dependencies of this project, beside lava-sqs. Random
data of the shape of MNIST, T = 5, batches of 256, Adam, one thread each. The rival is snnTorch's
``Leaky`` with a surrogate gradient (fast sigmoid) and cross-entropy of spike counts, and its first
layer sees all steps in one product. ``spikes``: both get the same spikes. ``rate``: both get the
same values and draw spikes from them, each in its own way. Turns alternate; a ratio is one of two
turns that followed each other, and "from" and "to" are the quartiles of all of them.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import machine
from lava_sqs import SQSNN
from lava_sqs.network.trainer import Trainer

STEPS, BATCH, WIDTH, CLASSES, SAMPLES = 5, 256, 784, 10, 1280

Turn = Callable[[], Any]


def data(kind: str) -> tuple[Any, Any]:
    """Return samples with a fifth of ones, or values with that mean, and labels."""
    rng = np.random.default_rng(0)
    if kind == "spikes":
        x = (rng.random((SAMPLES, STEPS, WIDTH)) < 0.2).astype(np.float32)
    else:
        x = rng.beta(0.5, 2.0, (SAMPLES, WIDTH)).astype(np.float32)
    return x, rng.integers(0, CLASSES, SAMPLES)


def ours(kind: str, hidden: int) -> dict[str, Turn]:
    """Return calls of an SQSNN: an epoch, what `fit` adds to show its progress, and inference."""
    x, y = data(kind)
    model = SQSNN(
        (hidden,),
        input_kind="spikes" if kind == "spikes" else "static",
        encoder="rate",
        n_steps=STEPS,
        skip=False,
        neurons_per_class=1,
        batch_size=BATCH,
        epochs=1,
        random_state=0,
    ).fit(x, y)
    samples = model._inputs.read(x)
    trainer = Trainer(model, samples, y, going_on=True)
    return {
        "epoch": lambda: trainer._epoch(1, 0.0),
        "epoch with progress": lambda: (trainer._epoch(1, 0.0), trainer._accuracy()),
        "inference": lambda: model.predict(x),
    }


def theirs(kind: str, hidden: int) -> dict[str, Turn]:
    """Return the same calls of a network of snnTorch."""
    import snntorch
    import torch
    from snntorch import spikegen, surrogate
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    given, labels = data(kind)
    x = torch.from_numpy(given)
    x = x.transpose(0, 1).contiguous() if kind == "spikes" else x
    y = torch.from_numpy(labels)
    first, second = nn.Linear(WIDTH, hidden), nn.Linear(hidden, CLASSES)
    leaky = [snntorch.Leaky(beta=0.9, spike_grad=surrogate.fast_sigmoid()) for _ in range(2)]
    adam = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=2e-3)

    def counts(part: slice) -> Any:
        spikes = x[:, part] if kind == "spikes" else spikegen.rate(x[part], num_steps=STEPS)
        currents = first(spikes)
        states, said = [cell.init_leaky() for cell in leaky], []
        for t in range(STEPS):
            spikes, states[0] = leaky[0](currents[t], states[0])
            spikes, states[1] = leaky[1](second(spikes), states[1])
            said.append(spikes)
        return torch.stack(said).sum(0)

    parts = [slice(i, i + BATCH) for i in range(0, SAMPLES, BATCH)]

    def epoch() -> None:
        for part in parts:
            adam.zero_grad()
            nn.functional.cross_entropy(counts(part), y[part]).backward()
            adam.step()

    def infer() -> None:
        with torch.no_grad():
            for part in parts:
                counts(part).argmax(1)

    return {"epoch": epoch, "epoch with progress": epoch, "inference": infer}


def ratios(a: Turn, b: Turn, repeats: int) -> dict[str, float]:
    """Return median CPU milliseconds of both and the quartiles of their ratio."""
    seen: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for i in (0, 1) if repeat % 2 else (1, 0):
            start = time.process_time()
            (a, b)[i]()
            seen[i].append(time.process_time() - start)
    first, second = (np.array(times[1:]) for times in seen)  # the first turn fills caches
    low, middle, high = np.percentile(first / second, (25, 50, 75))
    return {
        "ours_ms": 1e3 * float(np.median(first)),
        "theirs_ms": 1e3 * float(np.median(second)),
        "ratio": float(middle),
        "from": float(low),
        "to": float(high),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--out", type=Path, help="file for the numbers, as JSON")
    options = parser.parse_args()
    rows = []
    print("| network | input | what | ours, ms | snnTorch, ms | ratio | from | to |")
    print("|---|---|---|---|---|---|---|---|")
    for hidden in (100, 1000):
        for kind in ("spikes", "rate"):
            mine, rival = ours(kind, hidden), theirs(kind, hidden)
            for what, work in mine.items():
                repeats = 7 if options.quick else 25
                row = ratios(work, rival[what], repeats)
                unit = SAMPLES / BATCH if "epoch" in what else SAMPLES / 1e3
                shown = (row[f"{who}_ms"] / unit for who in ("ours", "theirs"))
                shares = (f"{row[key]:.2f}" for key in ("ratio", "from", "to"))
                per = "epoch, per batch" if what == "epoch" else f"{what}, per batch"
                name = per if "epoch" in what else "inference, per 1000 samples"
                cells = (f"{WIDTH}-{hidden}-{CLASSES}", kind, name, *(f"{v:.1f}" for v in shown))
                print("|", " | ".join((*cells, *shares)), "|", flush=True)
                rows.append({"hidden": hidden, "input": kind, "what": what, **row})
    if options.out is not None:
        options.out.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
