r"""Intervals that say what they cover.

The three answer different questions, and mixing them up is the classic mistake: the same 100 test
samples evaluated 20 times are not 2000 independent shots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_positive
from lava_sqs.study.counts import Counts

__all__ = ["Interval", "interval"]

_RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes
    ----------
    estimate, low, high : float
        ``low`` and ``high`` are NaN where the data cannot tell (a spread over one seed).
    level : float
        Confidence level.
    method : str
        Name of the interval.
    covers : str
        What would have to be drawn again for the estimate to fall elsewhere.

    Examples
    --------
    >>> found = interval(Counts.of_values([0.7, 0.8, 0.9]))
    >>> found.covers, round(found.width, 3)
    ('spread over 3 seeds', 0.497)
    """

    estimate: float
    low: float
    high: float
    level: float
    method: str
    covers: str

    @property
    def width(self) -> float:
        """``high - low``."""
        return self.high - self.low

    def __str__(self) -> str:
        return (
            f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}] "
            f"({self.level:.0%}, {self.method}: {self.covers})"
        )


def interval(counts: Counts, level: float = 0.95) -> Interval:
    """Return the confidence interval that fits how the counts were made.

    - independent shots: Wilson's score interval of the error probability;
    - the same N samples repeated: bootstrap over the samples. One sample with all its repeats is
      the unit that is drawn, so the interval holds for other samples of the same population.
      Percentiles are corrected for skewness (BCa, DiCiccio and Efron) and taken at Student's
      instead of the normal quantile (Hesterberg, section 6), which small N need. All samples
      alike (no error at all, say) is Wilson's interval of N shots;
    - values: mean and Student's t, so the spread over seeds.

    Parameters
    ----------
    counts : Counts
    level : float
        In (0, 1).

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If *level* is not between 0 and 1.

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927). T. J. DiCiccio and B. Efron, Stat. Sci. 11,
    189 (1996). T. Hesterberg, Am. Stat. 69, 371 (2015).

    Examples
    --------
    >>> print(interval(Counts.of_shots(100, errors=10)))
    0.1 [0.05523, 0.1744] (95%, Wilson: 100 independent shots)
    """
    check_instance("counts", counts, Counts)
    level = check_positive("level", level, below=1.0)
    if not counts.shots:
        return Interval(math.nan, math.nan, math.nan, level, "none", "no shots")
    if counts.kind == "shots":
        low, high = _wilson(counts.errors, counts.shots, level)
        covers = f"{counts.shots} independent shots"
        return Interval(counts.estimate, low, high, level, "Wilson", covers)
    if counts.kind == "samples":
        low, high = _bootstrap(counts, level)
        covers = (
            f"which {len(counts.sample_errors)} test samples were drawn, "
            f"each repeated {counts.repeats} times"
        )
        return Interval(counts.estimate, low, high, level, "bootstrap", covers)
    if counts.shots == 1:
        alone = "a single value has no spread"
        return Interval(counts.estimate, math.nan, math.nan, level, "none", alone)
    low, high = _student(counts, level)
    covers = f"spread over {counts.shots} seeds"
    return Interval(counts.estimate, low, high, level, "Student t", covers)


@lru_cache(maxsize=65536)
def _wilson(errors: int, shots: int, level: float) -> tuple[float, float]:
    from scipy.stats import binomtest  # half a second to import

    found = binomtest(errors, shots).proportion_ci(confidence_level=level, method="wilson")
    return float(found.low), float(found.high)


def _student(counts: Counts, level: float) -> tuple[float, float]:
    n = counts.shots
    mean = counts.value_sum / n
    variance = max(counts.value_sq - n * mean**2, 0.0) / (n - 1)
    half = _t_quantile(level, n - 1) * math.sqrt(variance / n)
    return mean - half, mean + half


@lru_cache(maxsize=4096)
def _t_quantile(level: float, df: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.5 + level / 2, df))


@lru_cache(maxsize=4096)
def _bootstrap(counts: Counts, level: float) -> tuple[float, float]:
    errors = np.asarray(counts.sample_errors)
    n = len(errors)
    if n == 1 or (errors == errors[0]).all():
        # Resampling equals never varies. One sample is one independent unit.
        low, high = _wilson(round(counts.estimate * n), n, level)
        return min(low, counts.estimate), max(high, counts.estimate)
    from scipy.stats import norm

    # The same resampling for the same N: fixed, so that intervals and stopping rules repeat.
    each = errors / counts.repeats
    rates = _resampling(n) @ each / n
    deviation = each - each.mean()
    # Acceleration; for a mean it is the bias correction too.
    a = (deviation**3).sum() / (6 * (deviation**2).sum() ** 1.5)
    z = math.sqrt(n / (n - 1)) * _t_quantile(level, n - 1) * np.array([-1.0, 1.0])
    low, high = np.quantile(rates, norm.cdf(a + (a + z) / (1 - a * (a + z))))
    return float(low), float(high)


@lru_cache(maxsize=4)
def _resampling(n: int) -> NDArray[np.float64]:
    """How often each of n samples is drawn, (resamples, n)."""
    rng = np.random.default_rng(20250626)
    draws = rng.integers(0, n, (_RESAMPLES, n))
    offsets = np.arange(_RESAMPLES)[:, None] * n
    counted = np.bincount((draws + offsets).ravel(), minlength=_RESAMPLES * n)
    return counted.reshape(_RESAMPLES, n).astype(np.float64)
