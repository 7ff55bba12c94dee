r"""The maximum of the likelihood in the box of a noise model's free fields, and its curvature.

SciPy's SLSQP climbs in coordinates in which the information of the trains,
:math:`\sum_i \nabla \log P_i \nabla \log P_i^\top`, is the unit matrix, so that its first step is
that of Fisher scoring; bounds are its linear constraints. Derivatives are central differences of
the exact likelihood, one-sided on a bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from lava_sqs.quantum.calibration.parameters import Space
from lava_sqs.quantum.calibration.trains import Trains

__all__: list[str] = []

Vector = NDArray[np.float64]

# In standard errors: the steps of first differences (their errors go with the square, those of
# rounding with the inverse) and of second ones, and what counts as on a bound.
_FIRST, _SECOND, _ON_BOUND = 1e-3, 0.1, 1e-2
#: In nats: what a round of SLSQP stops at, and what another one must gain; rounds and iterations.
_CLOSE, _WORTH, _ROUNDS, _ITERATIONS = 1e-6, 1e-4, 8, 60
#: Eigenvalues of the information, as a correlation, below which a direction is flat.
_FLAT = 1e-5


class Problem:
    """The log-likelihood of trains as a function of coordinates.

    Parameters
    ----------
    space : Space
        The coordinates.
    data : Trains
        The trains.
    """

    def __init__(self, space: Space, data: Trains) -> None:
        self.space, self.data = space, data
        self.range = space.high - space.low

    def each(self, x: Vector) -> Vector:
        """Return log P of the trains that are kept, flat."""
        return np.asarray(self.data.log_likelihoods(self.space.model(x))).ravel()

    def total(self, x: Vector) -> float:
        """Return log P of all trains."""
        return float(self.data.weights.ravel() @ self.each(x))

    def scores(self, x: Vector, step: Vector) -> Vector:
        """Return d log P / dx of the trains that are kept, shape (B * K, n)."""
        columns = []
        for i, h in enumerate(step):
            up, down = x.copy(), x.copy()
            up[i] = min(x[i] + h, self.space.high[i])
            down[i] = max(x[i] - h, self.space.low[i])
            # Divided by what was really moved: on a bound one of the two is x itself.
            columns.append((self.each(up) - self.each(down)) / (up[i] - down[i]))
        return np.stack(columns, axis=1)

    def information(self, x: Vector, step: Vector) -> tuple[Vector, Vector]:
        """Return the gradient of the log-likelihood, and the information of its scores."""
        scores = self.scores(x, step)
        weighted = self.data.weights.ravel()[:, None] * scores
        # sum_i w_i g_i g_i^T, the empirical Fisher information: positive, and free of second
        # derivatives.
        return weighted.sum(axis=0), scores.T @ weighted

    def widths(self, information: Vector) -> Vector:
        """Return the standard error of each coordinate by itself, at most its range."""
        # 1/range^2 is the information of a prior that knows the bounds only: no width exceeds the
        # range.
        diagonal = np.diag(information)
        return np.asarray(1 / np.sqrt(np.maximum(diagonal, 1 / self.range**2)))

    def climb(self, x: Vector, along: tuple[Vector, float] | None = None) -> tuple[Vector, bool]:
        """Return where the log-likelihood is largest, and whether the search got there.

        Parameters
        ----------
        x : ndarray
            Where it begins.
        along : (ndarray, float), optional
            A row a and a number c: only coordinates with a . x = c.
        """
        step = np.maximum(np.abs(x), 1e-3 * self.range) * _FIRST
        best = self.total(x)
        for _ in range(_ROUNDS):
            _, information = self.information(x, step)
            width = self.widths(information)
            step = _FIRST * width
            values, vectors = np.linalg.eigh(information * np.outer(width, width))
            # x = x0 + turn u with u^T u for the information: SLSQP, which starts from a unit
            # Hessian, begins with a step of Fisher scoring. 1e-3 keeps flat directions from
            # becoming steps across the box.
            turn = width[:, None] * vectors / np.sqrt(np.maximum(values, 1e-3))
            found = self._round(x, turn, step, along)
            # SLSQP meets its linear constraints to rounding only, and a model just outside is an
            # error.
            x = np.clip(x + turn @ found.x, self.space.low, self.space.high)
            gained, best = self.total(x) - best, self.total(x)
            if gained < _WORTH:
                return x, bool(gained > -1)
        return x, False

    def _round(
        self, x: Vector, turn: Vector, step: Vector, along: tuple[Vector, float] | None
    ) -> Any:
        low, high = self.space.low, self.space.high

        def at(u: Vector) -> Vector:
            # Line searches of SLSQP leave the constraints; physics has no likelihood there.
            return np.clip(x + turn @ u, low, high)

        def downhill(u: Vector) -> Vector:
            weights = self.data.weights.ravel()
            return np.asarray(-(weights @ self.scores(at(u), step)) @ turn)

        limits: list[dict[str, Any]] = [
            {"type": "ineq", "fun": lambda u: x + turn @ u - low, "jac": lambda u: turn},
            {"type": "ineq", "fun": lambda u: high - x - turn @ u, "jac": lambda u: -turn},
        ]
        if along is not None:
            row, number = along
            limits.append(
                {
                    "type": "eq",
                    "fun": lambda u: row @ (x + turn @ u) - number,
                    "jac": lambda u: row @ turn,
                }
            )
        return scipy.optimize.minimize(
            lambda u: -self.total(at(u)),
            np.zeros(len(x)),
            jac=downhill,
            method="SLSQP",
            constraints=limits,
            options={"ftol": _CLOSE, "maxiter": _ITERATIONS},
        )

    def curvature(self, x: Vector, free: NDArray[np.intp], width: Vector) -> Vector:
        """Return minus the second derivatives of the log-likelihood by some coordinates."""
        # Central second differences need room on both sides of the maximum.
        inside = np.minimum(x - self.space.low, self.space.high - x)
        step = np.minimum(np.minimum(_SECOND * width, 0.01 * self.range), inside)

        def moved(*moves: tuple[int, int]) -> float:
            y = x.copy()
            for i, sign in moves:
                y[i] += sign * step[i]
            return self.total(y)

        centre, n = self.total(x), len(free)
        found = np.empty((n, n))
        for a, i in enumerate(free):
            found[a, a] = (moved((i, 1)) - 2 * centre + moved((i, -1))) / step[i] ** 2
            for b in range(a):
                j = free[b]
                mixed = moved((i, 1), (j, 1)) + moved((i, -1), (j, -1))
                mixed -= moved((i, 1), (j, -1)) + moved((i, -1), (j, 1))
                found[a, b] = found[b, a] = mixed / (4 * step[i] * step[j])
        return -found

    def settled(self, x: Vector, gradient: Vector, width: Vector) -> tuple[Vector, Vector]:
        """Return coordinates with those near a bound put on it, and -1, 0, 1 for where they are."""
        low, high = self.space.low, self.space.high
        # Near the bound, and the likelihood does not clearly rise away from it (a tenth of a nat
        # per standard error).
        at_low = (x - low < _ON_BOUND * width) & (gradient * width < 0.1)
        at_high = (high - x < _ON_BOUND * width) & (gradient * width > -0.1)
        x = np.where(at_low, low, np.where(at_high, high, x))
        side = np.where(at_low, -1, np.where(at_high, 1, 0))
        return x, side


def invert(information: Vector, width: Vector) -> tuple[Vector, Vector]:
    """Return the covariance that an information leaves, and its flat directions as columns."""
    # In units of the widths, else a rate in 1/s and a probability would decide what counts as flat.
    values, vectors = np.linalg.eigh(information * np.outer(width, width))
    flat = values < _FLAT
    # The pseudo-inverse on what is left: no number of a flat direction gets an error by accident.
    sharp = vectors[:, ~flat] / values[~flat]
    covariance = sharp @ vectors[:, ~flat].T
    return covariance * np.outer(width, width), vectors[:, flat] * width[:, None]
