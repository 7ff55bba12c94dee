r"""Intervals that say what they cover.

The three answer different questions, and mixing them up is the classic mistake: the same 100 test
samples evaluated 20 times are not 2000 independent shots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lava_sqs._checks import check_instance, check_positive
from lava_sqs._intervals import clustered, normal_quantile, t_quantile, wilson
from lava_sqs.study.counts import Counts

__all__ = ["Interval", "interval"]


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
    - the same N samples repeated: Wilson's interval of as many independent trials as they are
      worth (``lava_sqs._intervals``). One sample with all its repeats is the unit that would be
      drawn again, so the interval holds for other samples of the same population;
      :meth:`lava_sqs.SQSNN.evaluate` gives the same;
    - values: mean and Student's t, so the spread over seeds.

    Parameters
    ----------
    counts : Counts
        Counts of a point.
    level : float
        Confidence level, in (0, 1).

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If *level* is not between 0 and 1.

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927). E. L. Korn and B. I. Graubard, Survey
    Methodology 24, 193 (1998).

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
        low, high = wilson(counts.estimate, counts.shots, normal_quantile(level))
        covers = f"{counts.shots} independent shots"
        return Interval(counts.estimate, low, high, level, "Wilson", covers)
    if counts.kind == "samples":
        low, high = clustered(np.asarray(counts.sample_errors), counts.repeats, level)
        covers = (
            f"which {len(counts.sample_errors)} test samples were drawn, "
            f"each repeated {counts.repeats} times"
        )
        return Interval(counts.estimate, low, high, level, "clustered Wilson", covers)
    if counts.shots == 1:
        alone = "a single value has no spread"
        return Interval(counts.estimate, math.nan, math.nan, level, "none", alone)
    n, mean = counts.shots, counts.estimate
    # From sums, as rows of a store add up; the max is for the rounding of a difference of equal
    # numbers.
    variance = max(counts.value_sq - n * mean**2, 0.0) / (n - 1)
    half = t_quantile(level, n - 1) * math.sqrt(variance / n)
    covers = f"spread over {n} seeds"
    return Interval(mean, mean - half, mean + half, level, "Student t", covers)
