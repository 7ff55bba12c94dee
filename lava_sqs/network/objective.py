"""What a network ascends and how hidden neurons hear of it, as the arguments say together."""

from __future__ import annotations

import math
from typing import Any

#: How the learning rate falls: not at all, or like a half cosine.
SCHEDULES = ("constant", "cosine")


def needs_clamping(model: Any) -> str:
    """Return which argument is about visible neurons that are clamped, or nothing."""
    if model.rule == "as-published":
        return "rule='as-published'"
    if model.targets == "pairs":
        return "targets='pairs'"
    return "readout='likelihood'" if model.readout == "likelihood" else ""


def objective_of(model: Any) -> str:
    """Return what a network ascends: what is asked for, or what other arguments need."""
    if model.objective is not None:
        return str(model.objective)
    return "likelihood" if needs_clamping(model) else "count"


def credit_of(model: Any) -> str:
    """Return how hidden neurons learn what their spikes were worth."""
    if model.credit is not None:
        return str(model.credit)
    if model.rule == "as-published":
        return "score"
    return "aligned" if objective_of(model) == "count" else "feedback"


def steps_heard(model: Any, steps: int) -> float:
    """Return how many steps a decision rests on: all, or what one class per step remembers."""
    if not model.per_step_:
        return steps
    tau = model.time_constant
    # sum_n exp(-n / tau): the weights of a trace that fades, added up.
    return min(steps, 1 / (1 - math.exp(-1 / tau))) if tau else 1.0


def default_neurons_per_class(model: Any, steps: int) -> int:
    """Return how many visible neurons make some fifty spikes at most, in *steps* steps."""
    if objective_of(model) == "likelihood":
        return 1
    return min(10, max(1, round(50 / steps_heard(model, steps))))


def temperature_of(model: Any) -> float:
    """Return what spike counts are divided by."""
    if model.temperature is not None:
        return float(model.temperature)
    spec = model.spec_
    per_class = spec.visible.channels / len(model.classes_)
    steps = model.steps_per_sample_ - spec.lag(spec.visible.name)
    # A count of n spikes with p = 1/2 has the standard deviation sqrt(n)/2: four of those, so that
    # one shot's chance does not decide the softmax.
    return 2 * math.sqrt(per_class * steps_heard(model, steps))
