r"""Intervals of a share: one implementation for networks and for studies.

Wilson's score interval [1]_ is the set of all p with

.. math:: |\hat p - p| \le q \sqrt{p (1 - p) / N},

N trials, :math:`\hat p` the share that was wrong, q the normal quantile. Repeats of the same n
samples are clustered: 20 samples shown 5 times are not 100 independent trials. What they are worth
is the number of trials whose share would vary as much as the mean over samples does [2]_,

.. math:: N = n \min\bigl(\hat p (1 - \hat p) / v,\ R\bigr), \qquad
          v = \tfrac1n \sum_i (\hat p_i - \hat p)^2,

between n (each sample is always right or always wrong: repeats add nothing) and n R (all samples
are equally hard). Beyond N = n it rests on v, which is estimated from n samples: so q moves from
the normal quantile to Student's, fully where N reaches 2 n. With R = 1 this is Wilson's interval.

.. [1] E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).
.. [2] L. Kish, Survey Sampling (Wiley, 1965), section 8.2; E. L. Korn and B. I. Graubard, Survey
   Methodology 24, 193 (1998); of such intervals Wilson's covers best: C. Franco, R. J. A. Little,
   T. A. Louis and E. V. Slud, J. Surv. Stat. Methodol. 7, 334 (2019).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["clustered", "normal_quantile", "t_quantile", "wilson"]


def wilson(share: float, trials: float, quantile: float) -> tuple[float, float]:
    """Return Wilson's interval of a share in so many trials, not necessarily a whole number."""
    # |share - p| <= q sqrt(p (1 - p) / N) squared is quadratic in p: centre and half width of its
    # roots.
    square = quantile**2 / trials
    centre = (share + square / 2) / (1 + square)
    half = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    # At the ends the interval reaches 0 or 1, and rounding must not say otherwise.
    low = 0.0 if share == 0 else max(centre - half, 0.0)
    return low, 1.0 if share == 1 else min(centre + half, 1.0)


def clustered(errors: NDArray[Any], repeats: int, level: float) -> tuple[float, float]:
    """Return the interval of the share of errors, of samples that are all repeated alike.

    Parameters
    ----------
    errors : ndarray of int, shape (n,)
        Errors of each sample, from 0 to *repeats*.
    repeats : int
        R.
    level : float
        Confidence level.
    """
    n = len(errors)
    share = float(errors.sum()) / (n * repeats)
    binomial, quantile = share * (1 - share), normal_quantile(level)
    worth = 1.0  # trials that one sample is worth
    if binomial and n > 1:
        # Variance of the samples' own shares. With R repeats chance alone makes binomial / R of it,
        # which is the floor below: no sample is worth more than its R trials.
        between = float(np.mean((errors / repeats - share) ** 2))
        worth = binomial / max(between, binomial / repeats)
        worth = max(worth, 1.0)  # rounding
        quantile += min(worth - 1, 1.0) * (t_quantile(level, n - 1) - quantile)
    return wilson(share, n * worth, quantile)


def normal_quantile(level: float) -> float:
    """Return q with P(-q < x < q) = *level* for a normal x."""
    from scipy.special import ndtri

    return -float(ndtri((1 - level) / 2))


def t_quantile(level: float, df: int) -> float:
    """Return q with P(-q < x < q) = *level* for Student's x with *df* degrees of freedom."""
    from scipy.special import stdtrit

    return -float(stdtrit(df, (1 - level) / 2))
