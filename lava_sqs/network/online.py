"""Learning while samples arrive: each call sees its samples once, and the next call continues."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from lava_sqs.network.regression import RegressionTrainer
from lava_sqs.network.stepwise import StepTrainer
from lava_sqs.network.trainer import Trainer

__all__: list[str] = []


class _Once(Trainer):
    """One call of `partial_fit`: a pass at a constant rate, with the optimiser of the last one."""

    def __init__(self, model: Any, X: Any, labels: Any, going_on: bool, *more: Any) -> None:
        super().__init__(model, X, labels, going_on, *more)
        if going_on and repr(getattr(model, "_optimizer", None)) == repr(self.optimizer):
            self.optimizer = deepcopy(model._optimizer)  # a call that fails leaves what was there

    def _hold_out(self) -> None:
        """Let every sample teach."""

    def _n_updates(self) -> int | None:
        return None

    def _factor(self, done: float) -> float:
        # Nobody knows how many samples will come: there is no end for a rate to fall towards.
        return 1.0

    def run(self) -> None:
        """Go once through the samples."""
        model = self.model
        loss, spikes = self._epoch(model.n_iter_, 0.0)
        model.loss_curve_.append(loss)
        model.spikes_curve_.append(spikes)
        model.n_iter_ += 1
        model.spikes_per_inference_ = spikes
        model._optimizer = self.optimizer


class Online(_Once):
    """Of classes."""


class OnlineSteps(_Once, StepTrainer):
    """Of a class per time step."""


class OnlineRegression(_Once, RegressionTrainer):
    """Of values."""
