"""Checkpoints of a training: written after every epoch, and taken up again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lava_sqs.network import files as storage
from lava_sqs.network.spec import Parameters
from lava_sqs.optimizers import Optimizer

__all__: list[str] = []

# What may differ between a checkpoint and the estimator that resumes it.
_FREE = {
    *("epochs", "updates", "verbose", "checkpoint", "resume", "warm_start", "callbacks", "log"),
    "augment",
}


class _Checkpoints:
    """What of a training goes into a file, and comes back."""

    model: Any
    seed: int
    best: Parameters
    best_value: float
    waited: int
    first: int
    optimizer: Optimizer

    def _more_state(self) -> dict[str, Any]:
        """Return what else a checkpoint keeps, as JSON."""
        return {}

    def _take_more(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`_more_state` kept."""

    def _write(self, path: Path) -> None:
        model = self.model
        arrays = model._arrays("", self.best)
        # Both: the best parameters are what early stopping returns, the present ones what goes on.
        arrays.update(model._arrays("now.", model.parameters_))
        counts = {}
        for name, (first, second, count) in self.optimizer.state().items():
            arrays[f"first.{name}"], arrays[f"second.{name}"] = first, second
            # Adam's bias correction depends on how many updates there were.
            counts[name] = count
        state = {
            "counts": counts,
            "best_value": self.best_value,
            "waited": self.waited,
            "first": self.first,
            **self._more_state(),
        }
        storage.write(path, {**model._header(), "training": state}, arrays)

    def _resume(self, path: Path) -> None:
        model = self.model
        header, arrays = storage.read(path, partial(model._needed, path, training=True))
        if "training" not in header:
            raise ValueError(f"The file {path} is a saved model, but no checkpoint to resume from.")
        own = {k: storage.to_json(v) for k, v in model.get_params().items()}
        with storage.read_from(path):
            other = {k for k, v in header["arguments"].items() if own.get(k) != v} - _FREE
        if other:
            raise ValueError(
                f"The checkpoint {path} was made with other values of {', '.join(sorted(other))}: "
                "give those, or another file."
            )
        before, shape = model._target_arrays(), model._inputs.shape
        with storage.read_from(path):
            model._restore(header, arrays)
        after = model._target_arrays()
        same = all(np.array_equal(before[k], after[k]) for k in before)
        if not same or shape != model._inputs.shape:
            raise ValueError(f"The checkpoint {path} was made with other {model._TARGETS}.")
        self.seed = model.seed_
        state = header["training"]
        with storage.read_from(path):
            self.best = model.parameters_
            model.parameters_ = model._parameters_of("now.", arrays)
            self.best_value, self.waited = state["best_value"], state["waited"]
            self.first = state["first"]
            self._take_more(state)
            self.optimizer.load(
                {
                    k: (arrays[f"first.{k}"], arrays[f"second.{k}"], n)
                    for k, n in state["counts"].items()
                }
            )
