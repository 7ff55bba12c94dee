"""What a calibration found: a noise model, how sure its numbers are, and which nobody can know."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_share
from lava_sqs._errors import ArgumentValueError
from lava_sqs._intervals import normal_quantile
from lava_sqs._text import aligned
from lava_sqs.quantum.noise import NoiseModel

if TYPE_CHECKING:
    from lava_sqs.quantum.calibration.search import Problem

__all__ = ["NoiseFit"]

Vector = NDArray[np.float64]

INTERVALS = ("wald", "profile")
#: How far an end of a profile interval is looked for, in standard errors.
_REACH = 64


@dataclass(frozen=True, eq=False, repr=False)
class _Solution:
    """The numbers behind a result, in coordinates."""

    problem: Problem
    x: Vector
    covariance: Vector  # of coordinates, 0 of those on a bound
    side: Vector  # -1, 0, 1: on the lower bound, inside, on the upper one
    slope: Vector  # the gradient there
    bend: Vector  # the information of each by itself, what the others take away taken off


@dataclass(frozen=True, eq=False, repr=False)
class NoiseFit:
    """Result of :meth:`lava_sqs.NoiseModel.fit`.

    Attributes
    ----------
    model : NoiseModel
        The most likely one. What the trains say nothing of is as in the start model.
    values : dict of str to float
        The free numbers of *model*: probabilities, lifetimes in seconds.
    standard_errors : dict of str to float
        Standard errors by the observed information (second derivatives of the log-likelihood),
        those of lifetimes by the delta method. ``inf`` of a number that is not identified, or of an
        infinite lifetime; NaN of another number on a bound, of which :meth:`intervals` says more.
    unidentified : dict of str to str
        Numbers that the trains do not tell, and why. Do not report their values.
    log_likelihood, start_log_likelihood : float
        Log-probability of all trains, in nats, under *model*, and under the start model.
    n_trains, n_steps : int
        Numbers of trains, and of their steps in all.
    converged : bool
        Whether the search ended where the likelihood has its maximum.
    message : str
        How it ended.
    evaluations : int
        Noise models whose likelihood was computed.

    Examples
    --------
    >>> import numpy as np
    >>> from lava_sqs import NoiseModel, Population, ansatz
    >>> circuit, theta = ansatz.paper(), [0.4, 0.9, 0.3]
    >>> device = NoiseModel(p_read1_given0=0.02, p_read0_given1=0.06)
    >>> currents = np.random.default_rng(0).random((10, 2000, 1))
    >>> neuron = Population(circuit, theta, size=1, batch=(2000,), noise=device, seed=1)
    >>> trains = neuron.run(currents).spikes
    >>> fit = NoiseModel.fit(
    ...     trains[..., 0].T, currents[..., 0].T, ansatz=circuit, theta=theta,
    ...     start=NoiseModel(), free=("p_read1_given0", "p_read0_given1"))
    >>> fit.converged, fit.unidentified
    (True, {})
    >>> low, high = fit.intervals()["p_read0_given1"]
    >>> low < 0.06 < high
    True
    """

    model: NoiseModel
    values: dict[str, float]
    standard_errors: dict[str, float]
    unidentified: dict[str, str]
    log_likelihood: float
    start_log_likelihood: float
    n_trains: int
    n_steps: int
    converged: bool
    message: str
    evaluations: int
    _solution: _Solution = field(repr=False)

    @property
    def labels(self) -> list[str]:
        """Names of the free numbers, in the order of the rows of :attr:`covariance`."""
        return list(self.values)

    @property
    def covariance(self) -> Vector:
        """Covariance of probabilities and of the rates 1/t1 and 1/t2 (1/s), shape (n, n).

        NaN where a number is not identified, 0 of one on its bound.
        """
        space, s = self._solution.problem.space, self._solution
        # Cov(Rx) = R Cov(x) R^T: errors of 1/t2 contain those of the t1 in it.
        found = space.reported @ s.covariance @ space.reported.T
        for i, label in enumerate(self.labels):
            if label in self.unidentified and math.isinf(self.standard_errors[label]):
                found[i] = found[:, i] = np.nan
        return np.asarray(found)

    def intervals(
        self, level: float = 0.95, *, method: str = "wald"
    ) -> dict[str, tuple[float, float]]:
        """Return confidence intervals of the free numbers.

        Parameters
        ----------
        level : float
            Between 0 and 1.
        method : {"wald", "profile"}
            So many standard errors to either side, of lifetimes in their inverse; or all values
            whose likelihood, largest over the other numbers, is not too small: for few trains and
            near bounds, at some hundred times the cost.

        Returns
        -------
        dict of str to (float, float)
            Within physics; all of it for a number that is not identified. The upper end of a
            lifetime may be ``inf``.

        Raises
        ------
        TypeError, ValueError
            If *level* is not between 0 and 1, or *method* is unknown.

        Notes
        -----
        Of a number on its bound the other end is where the likelihood, largest over the other
        numbers, is ``1 - level`` of the largest: 3 events where none were seen, for 95 %.
        """
        if not 0 < check_share("level", level) < 1:
            raise ArgumentValueError("level", f"must be between 0 and 1, but got {level!r}.")
        check_choice("method", method, INTERVALS)
        space = self._solution.problem.space
        found = {}
        for i, (label, rate) in enumerate(zip(self.labels, space.rates, strict=True)):
            if label in self.unidentified and math.isinf(self.standard_errors[label]):
                low, high = self._ends(i)
            elif method == "wald":
                low, high = self._wald(i, level)
            else:
                low, high = self._profile(i, level)
            if rate:
                # The inverse turns the order round.
                low, high = _lifetime(high), _lifetime(low)
            found[label] = (low, high)
        return found

    def _ends(self, i: int) -> tuple[float, float]:
        """Return the bounds of a reported number."""
        space = self._solution.problem.space
        row, more = space.reported[i], float(space.offset()[i])
        return float(row @ space.low) + more, float(row @ space.high) + more

    def _at(self, i: int) -> tuple[float, float]:
        """Return a reported number, and its standard error."""
        s = self._solution
        row = s.problem.space.reported[i]
        value = float(row @ s.x) + float(s.problem.space.offset()[i])
        return value, math.sqrt(max(float(row @ s.covariance @ row), 0.0))

    def _wald(self, i: int, level: float) -> tuple[float, float]:
        s = self._solution
        value, error = self._at(i)
        # In rates, where the likelihood is nearly parabolic, and so asymmetric in lifetimes.
        reach = normal_quantile(level) * error
        low, high = value - reach, value + reach
        drop, row = -math.log(1 - level), s.problem.space.reported[i]
        # On a bound the slope is not 0 and the likelihood falls from the first step on: an end by
        # curvature alone would be too far out.
        for k in np.flatnonzero((s.side != 0) & (row > 0)):
            # slope u + bend u^2 / 2 = drop
            slope, bend = abs(float(s.slope[k])), float(s.bend[k])
            # Its positive root as 2 drop / (slope + sqrt(...)): no difference of equal numbers, and
            # bend = 0 is no special case.
            root = slope + math.sqrt(slope**2 + 2 * bend * drop)
            beyond = float(row[k]) * (2 * drop / root if root > 0 else math.inf)
            low, high = (low, high + beyond) if s.side[k] < 0 else (low - beyond, high)
        least, most = self._ends(i)
        return max(low, least), min(high, most)

    def _profile(self, i: int, level: float) -> tuple[float, float]:
        import scipy.optimize  # late: it takes longer to import than a small fit takes

        s = self._solution
        problem, row = s.problem, s.problem.space.reported[i]
        more = float(problem.space.offset()[i])
        value, error = self._at(i)
        drop = normal_quantile(level) ** 2 / 2  # half of chi-square with one degree of freedom
        if s.side[np.flatnonzero(row)].any():
            drop = max(drop, -math.log(1 - level))
        least, most = self._ends(i)
        wald = self._wald(i, level)
        ends = []
        for limit, near in ((least, wald[0]), (most, wald[1])):
            if value == limit:
                ends.append(limit)
                continue
            start = s.x

            def lost(at: float) -> float:
                nonlocal start
                # The nearest point of the constraint, from the last solution: profiles are
                # followed, not searched.
                moved = start + row * (at - more - row @ start) / (row @ row)
                moved = np.clip(moved, problem.space.low, problem.space.high)
                start, _ = problem.climb(moved, (row, at - more))
                return self.log_likelihood - problem.total(start) - drop

            step = (near - value) or math.copysign(error or 1e-6, limit - value)
            far = near
            # Double the step until the likelihood has fallen far enough: brentq needs a change of
            # sign.
            for _ in range(int(math.log2(_REACH))):
                inside = min(max(far, least), most)
                if lost(inside) >= 0 or inside == limit:
                    break
                step *= 2
                far = value + step
            if lost(inside) <= 0:
                ends.append(inside)
                continue
            ends.append(
                float(scipy.optimize.brentq(lost, value, inside, xtol=abs(step) * 1e-3, rtol=1e-6))
            )
        return ends[0], ends[1]

    def __repr__(self) -> str:
        return (
            f"<NoiseFit: {len(self.values)} numbers of {self.n_trains} trains, log-likelihood "
            f"{self.log_likelihood:.6g}{'' if self.converged else ', not converged'}>"
        )

    def __str__(self) -> str:
        """Return a table of the numbers, their 95 % intervals, and what is not identified."""
        rows: list[tuple[Any, ...]] = [("", "value", "standard error", "95 %", "")]
        for label, (low, high) in self.intervals().items():
            known = label not in self.unidentified
            error = self.standard_errors[label]
            rows.append(
                (
                    label,
                    f"{self.values[label]:.4g}" if known else "?",
                    f"{error:.2g}" if known and not math.isnan(error) else "",
                    f"{low:.4g} to {high:.4g}",
                    "" if known else "not told by these trains",
                )
            )
        head = (
            f"{self.n_trains} trains, {self.log_likelihood / self.n_steps:.6f} nats per step "
            f"({self.start_log_likelihood / self.n_steps:.6f} at the start); {self.message}"
        )
        why = [f"{label}: {reason}" for label, reason in self.unidentified.items()]
        return "\n".join([head, aligned(rows, "<>>>"), *why])


def _lifetime(rate: float) -> float:
    return 1 / rate if rate > 0 else math.inf
