"""A noise model from the spike trains that a device reported, by their exact likelihood."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum.calibration.parameters import Space
from lava_sqs.quantum.calibration.result import NoiseFit, _Solution
from lava_sqs.quantum.calibration.search import Problem, invert
from lava_sqs.quantum.calibration.trains import Trains
from lava_sqs.quantum.noise import NoiseModel

__all__: list[str] = []

Vector = NDArray[np.float64]

# In nats: what the likelihood may still gain if the search converged.
_LEFT = 0.01
#: The share of a flat direction that a number must have to be told by nothing, squared.
_SHARE = 1e-3
#: An interval of a probability wider than this tells nothing.
_WIDE = 0.5


def fit_noise(
    trains: Any,
    currents: Any,
    *,
    ansatz: Any,
    theta: Any,
    start: NoiseModel,
    free: Any,
    backend: str | None = None,
) -> NoiseFit:
    """Return what ``NoiseModel.fit`` returns."""
    check_instance("start", start, NoiseModel)
    space = Space(start, free)
    data = Trains(trains, currents, ansatz, theta, backend)
    start.check_circuit(data.ansatz.io_qubits, data.ansatz.memory_qubits)
    problem = Problem(space, data)
    # Beforehand: a train with the floored probability is constant in every field, and the search
    # would stop on a plateau and call it a maximum.
    wrong = data.impossible(space.model(space.start))
    if wrong is not None:
        raise ArgumentValueError(
            "trains",
            f"must be possible, but the spikes of sample {wrong[0]} at step {wrong[1]} have a "
            "probability below 1e-12, whatever the free fields are. Free a readout error as well, "
            "or look whether `theta` and `currents` belong to these trains.",
        )
    x, ended = problem.climb(space.start)
    return _result(problem, start, x, ended)


def _result(problem: Problem, start: NoiseModel, x: Vector, ended: bool) -> NoiseFit:
    space, data = problem.space, problem.data
    # Steps and widths need each other: begin with widths as large as the box.
    width = problem.widths(np.diag(1 / problem.range**2))
    step = np.maximum(np.abs(x), 1e-3 * problem.range) * 1e-3
    for _ in range(2):  # the second time with steps that are known to fit
        gradient, information = problem.information(x, step)
        width = problem.widths(information)
        step = 1e-3 * width
    x, side = problem.settled(x, gradient, width)
    gradient, information = problem.information(x, step)
    # A number whose whole range changes the likelihood by nothing is as it was.
    # Information times range squared is about twice the nats between the ends of the range.
    blind = np.diag(information) * problem.range**2 < 1
    x, side = np.where(blind, space.given, x), np.where(blind, 0, side)

    inside = np.flatnonzero(~blind & (side == 0))
    observed = problem.curvature(x, inside, width)
    covariance = np.zeros((len(x), len(x)))
    # Observed information (second derivatives) and not that of the scores: at few trains, and where
    # the model is only nearly right, its errors are the honest ones.
    part, flat = invert(observed, width[inside])
    covariance[np.ix_(inside, inside)] = part
    # The nats that one Newton step would still gain: g^T C g / 2.
    left = float(gradient[inside] @ part @ gradient[inside]) / 2
    converged = ended and left < _LEFT
    message = (
        "converged" if converged else f"not converged, {left:.2g} nats may be missing: begin nearer"
    )
    if not converged:
        warnings.warn(
            f"The search for the noise model has {message}.", RuntimeWarning, stacklevel=4
        )
    # Schur complement: information of a coordinate on its bound once the inner ones have adapted.
    bend = np.diag(information) - np.einsum(
        "ij,jk,ki->i", information[:, inside], part, information[inside]
    )
    solution = _Solution(problem, x, covariance, side, gradient, np.maximum(bend, 0.0))
    model = space.model(x)
    fit = NoiseFit(
        model=model.replace(name="", source=_source(start, data)),
        values={label: space.value(model, i) for i, label in enumerate(space.labels)},
        standard_errors={},
        unidentified=_untold(space, blind, inside, flat, width),
        log_likelihood=problem.total(x),
        start_log_likelihood=float((data.weights * data.log_likelihoods(start)).sum()),
        n_trains=data.n_trains,
        n_steps=data.n_steps,
        converged=converged,
        message=message,
        evaluations=data.evaluations,
        _solution=solution,
    )
    _add_errors(fit)
    return fit


def _source(start: NoiseModel, data: Trains) -> str:
    of = f", from {start.name}" if start.name else ""
    return f"fitted to {data.n_trains} spike trains{of}"


def _untold(
    space: Space, blind: NDArray[np.bool_], inside: NDArray[np.intp], flat: Vector, width: Vector
) -> dict[str, str]:
    """Return which reported numbers no likelihood tells, and why."""
    told = {}
    for i, label in enumerate(space.labels):
        if blind[i]:
            told[label] = "it changes the likelihood of these trains by less than a nat"
    for direction in flat.T:
        own = direction / width[inside]
        # Numbers with next to no share in the flat direction are told by the trains nonetheless.
        members = [k for k in range(len(inside)) if own[k] ** 2 > _SHARE]
        along = direction / np.abs(direction[members]).max()
        text = ", ".join(f"{along[k]:+.2g} {_coordinate(space, inside[k])}" for k in members)
        for k in members:
            label = space.labels[inside[k]]
            told.setdefault(label, f"the likelihood stays as it is along {text}")
    # 1/t2 contains half of 1/t1.
    for i, label in enumerate(space.labels):
        for k in np.flatnonzero(space.reported[i]).tolist():
            if k != i and space.labels[k] in told and label not in told:
                told[label] = f"it contains {space.labels[k]}, which is not told"
    return told


def _coordinate(space: Space, i: int) -> str:
    label = space.labels[i]
    if label.startswith("t1"):
        return f"1/{label}"
    return f"(1/{label} - 1/(2 t1))" if label.startswith("t2") else label


def _add_errors(fit: NoiseFit) -> None:
    """Write the standard errors, and what is so wide that it is not told."""
    space = fit._solution.problem.space
    for i, label in enumerate(space.labels):
        rate, error = fit._at(i)
        if label in fit.unidentified or (space.rates[i] and rate == 0):
            fit.standard_errors[label] = math.inf
        elif error == 0:
            fit.standard_errors[label] = math.nan
        else:
            # Delta method: t = 1/rate, so |dt| = d rate / rate^2.
            fit.standard_errors[label] = error / rate**2 if space.rates[i] else error
    for i, label in enumerate(space.labels):
        if label in fit.unidentified:
            continue
        (low, high), (least, most) = fit._wald(i, 0.95), fit._ends(i)
        wide = low <= least and high >= most
        if wide or (not space.rates[i] and space.low[i] == 0 and high - low > _WIDE):
            fit.unidentified[label] = "its 95 % interval is nearly all that is possible"
