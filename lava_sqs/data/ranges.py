"""Whether data lie where others did: what is remembered of training data, and what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Seen"]

Array = NDArray[Any]

_ROWS = 20  # of training data, below which nothing is known of their range
_SAMPLES = 10  # below which nothing is said of how much features vary
_VALUES = 2**17  # that are looked at
_FAR, _NARROW = 0.05, 0.1


@dataclass(frozen=True)
class Seen:
    """Where training data lay, in their own units and in those of a scale from 0 to 1.

    Attributes
    ----------
    low, high : float
        Least and largest value of all.
    spread : float
        How much a feature varies, from its 5 % to its 95 % quantile, scaled; mean over features.
    outside : float
        Share of the values that lie more than a whole scale outside their own.

    Examples
    --------
    >>> x = np.linspace(0, 255, 100)[:, None]
    >>> seen = Seen.of(x, x / 255)
    >>> print(seen.other(x / 255, x / 255**2, 100))
    X has values from 0 to 1, but the network was fitted to values from 0 to 255: its features ...
    >>> seen.other(x[50:], x[50:] / 255, 50)
    """

    low: float
    high: float
    spread: float
    outside: float

    @classmethod
    def of(cls, X: Array, scaled: Array) -> Seen | None:
        """Return what is remembered, None of too few.

        Parameters
        ----------
        X, scaled : ndarray, shape (m, F)
            Feature vectors, and the same on the scale without being cut off; NaN where a feature
            never varied.

        Returns
        -------
        Seen or None
        """
        X, scaled = some(X), some(scaled)
        if len(X) < _ROWS or np.isnan(scaled).all():
            return None
        return cls(float(X.min()), float(X.max()), _spread(scaled), _far(scaled))

    def other(self, X: Array, scaled: Array, n: int) -> str | None:
        """Return in words that data of *n* samples clearly have another range, or None.

        Parameters
        ----------
        X, scaled : ndarray, shape (m, F)
            See :meth:`of`.
        n : int
            Samples, of which each may have several feature vectors.

        Returns
        -------
        str or None
        """
        X, scaled = some(X), some(scaled)
        if not X.size or np.isnan(scaled).all():
            return None
        low, high = float(X.min()), float(X.max())
        found = ""
        # Of few values one more may be far by chance.
        if (share := _far(scaled)) > _FAR + 2 * self.outside + 0.5 / X.size**0.5:
            found = (
                f"{share:.0%} of the values lie more than a whole range outside of what their "
                "feature had, and are cut off"
            )
        elif (
            n >= _SAMPLES
            and max(abs(low), abs(high)) < _NARROW * max(abs(self.low), abs(self.high))
            and 0 < _spread(scaled) < _NARROW * self.spread
        ):
            part = _spread(scaled) / self.spread
            found = f"its features vary by {part:.1%} of what they did"
        if not found:
            return None
        return (
            f"X has values from {low:.4g} to {high:.4g}, but the network was fitted to values from "
            f"{self.low:.4g} to {self.high:.4g}: {found}. Scale X as the data of `fit` were."
        )


def some(X: Array) -> Array:
    """Return rows from all over an array, if it is large."""
    return X[:: max(1, -(-X.size // _VALUES))]


def _spread(scaled: Array) -> float:
    live = scaled[:, ~np.isnan(scaled).any(axis=0)]
    low, high = np.quantile(live, (0.05, 0.95), axis=0)
    return float((high - low).mean())


def _far(scaled: Array) -> float:
    live = scaled[~np.isnan(scaled)]
    return float(((live < -1) | (live > 2)).mean())
