r"""From numbers to what enters a network: arrays of samples (n, F) become (n, T, F').

==============  =========================================================================
encoder         what arrives in step t for a value x in [0, 1]
==============  =========================================================================
``rate``        a spike with probability x, drawn again in every step
``latency``     one spike, the earlier the larger x: step ``1 + floor((1 - x) (T - 1))``;
                none for x = 0
``current``     the value x itself, in every step
``population``  ``exp(-(x - c_i)^2 / (2 w^2))`` for centres ``c_i`` over [0, 1], as currents
==============  =========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_bytes, check_choice, check_int, check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs._seeds import check_seed
from lava_sqs.data.ranges import Seen

__all__ = ["ENCODERS", "SCALINGS", "Scale", "current", "latency", "population", "rate"]

Array = NDArray[Any]

#: Names of the encoders.
ENCODERS = ("rate", "latency", "population", "current")
#: Ways to scale features.
SCALINGS = ("minmax", "robust", "standard")


def _unit(name: str, value: Any) -> Array:
    x = check_real(name, value)
    if x.size and (x.min() < 0 or x.max() > 1):
        raise ArgumentValueError(
            name,
            f"must lie in [0, 1], but has values from {x.min():g} to "
            f"{x.max():g}. Scale it first, see Scale.",
        )
    return x


def rate(x: Any, n_steps: int, *, seed: int | None = None, uniforms: Any = None) -> Array:
    """Return spikes that occur with probability *x* in every step.

    Parameters
    ----------
    x : array_like, shape (n, F)
        Values in [0, 1].
    n_steps : int
        T, the number of time steps.
    seed : int, optional
        None draws one.
    uniforms : ndarray, shape (n, T, F), optional
        Numbers to compare with, instead of drawing them from *seed*.

    Returns
    -------
    ndarray of int8, shape (n, T, F)

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> rate([[0.0, 1.0]], 3, seed=0)[0].T.tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    values = check_shape("x", _unit("x", x), ("n", "F"))
    steps = check_int("n_steps", n_steps, minimum=1)
    # Eight bytes of a uniform and one of a spike, for each step and value.
    check_bytes("n_steps", 9.0 * values.size * steps)
    if uniforms is None:
        rng = np.random.default_rng(check_seed("seed", seed))
        uniforms = rng.random((len(values), steps, values.shape[1]))
    shape = (len(values), steps, values.shape[1])
    drawn = check_shape("uniforms", check_real("uniforms", uniforms), shape)
    # Uniforms are in [0, 1): x = 0 never spikes, x = 1 always does.
    return (drawn < values[:, None]).astype(np.int8)


def latency(x: Any, n_steps: int) -> Array:
    r"""Return one spike per value above 0, the earlier the larger.

    .. math:: t = 1 + \lfloor (1 - x) (T - 1) \rfloor

    Parameters
    ----------
    x : array_like, shape (n, F)
        Values in [0, 1].
    n_steps : int
        T, the number of time steps.

    Returns
    -------
    ndarray of int8, shape (n, T, F)

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> latency([[1.0, 0.5, 0.0]], 3)[0].T.tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    """
    values = check_shape("x", _unit("x", x), ("n", "F"))
    steps = check_int("n_steps", n_steps, minimum=1)
    check_bytes("n_steps", 1.0 * values.size * steps)
    when = np.floor((1 - values) * (steps - 1)).astype(int)
    # No step has the index -1, so a value of 0 never spikes.
    when[values == 0] = -1
    return np.asarray(when[:, None] == np.arange(steps)[None, :, None], dtype=np.int8)


def current(x: Any, n_steps: int) -> Array:
    """Return the values themselves, in every step.

    Parameters
    ----------
    x : array_like, shape (n, F)
        Currents, in units of a full flip.
    n_steps : int
        T, the number of time steps.

    Returns
    -------
    ndarray, shape (n, T, F)

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> current([[0.25, 1.0]], 2).tolist()
    [[[0.25, 1.0], [0.25, 1.0]]]
    """
    values = check_shape("x", check_real("x", x), ("n", "F"))
    steps = check_int("n_steps", n_steps, minimum=1)
    check_bytes("n_steps", 8.0 * values.size * steps)
    return np.repeat(values[:, None], steps, axis=1)


def population(x: Any, n_neurons: int = 5) -> Array:
    r"""Return Gaussian tuning curves of each value, last axis F times *n_neurons*.

    .. math:: \exp\bigl(-(x - c_i)^2 / (2 w^2)\bigr), \qquad c_i = i w, \quad w = 1 / (n - 1)

    Parameters
    ----------
    x : array_like, shape (..., F)
        Values in [0, 1].
    n_neurons : int
        n, curves per value, at least 2.

    Returns
    -------
    ndarray, shape (..., F * n_neurons)

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> population([[0.0]], 3).round(2).tolist()
    [[1.0, 0.61, 0.14]]
    """
    values = _unit("x", x)
    if values.ndim == 0:
        raise ArgumentValueError("x", "must have shape (..., F), but has shape ().")
    n = check_int("n_neurons", n_neurons, minimum=2)
    check_bytes("n_neurons", 16.0 * max(values.size, 1) * n)
    centres = np.linspace(0, 1, n)
    # w = 1/(n - 1), the distance of the centres: curves cross at exp(-1/8).
    curves = np.exp(-0.5 * ((values[..., None] - centres) * (n - 1)) ** 2)
    return np.asarray(curves.reshape(*values.shape[:-1], values.shape[-1] * n))


@dataclass(frozen=True)
class Scale:
    """How raw features become numbers in [0, 1]: ``clip((x - low) / (high - low), 0, 1)``.

    Attributes
    ----------
    low, high : ndarray, shape (F,) or ()
        A feature with ``low == high`` becomes 0.
    reason : str
        Why the scale was chosen, in words for the user.
    seen : Seen, optional
        Where the data lay that the scale was learned of.

    Examples
    --------
    >>> import numpy as np
    >>> scale = Scale.learn(np.array([[0.0, 10.0], [4.0, 30.0]]))
    >>> scale(np.array([[1.0, 40.0]])), scale.reason
    (array([[0.25, 1.  ]]), 'each feature from its minimum to its maximum')
    """

    low: Array
    high: Array
    reason: str
    seen: Seen | None = field(default=None, repr=False, compare=False)

    @classmethod
    def learn(cls, X: Array, *, images: bool = True, how: str = "minmax") -> Scale:
        """Return the scale of training data.

        ``"minmax"``: images of unsigned integers by the maximum of their type, everything else by
        minimum and maximum of each feature. ``"robust"``: each feature between the whiskers of its
        box plot, which end at the last value within 1.5 interquartile ranges of the quartiles; if
        these are equal, from its 1 % to its 99 % quantile, and if those are, by minimum and
        maximum. ``"standard"``: from 2.5 standard deviations below its mean to 2.5 above.

        Parameters
        ----------
        X : ndarray, shape (..., F)
            Training data.
        images : bool
            Whether they are static.
        how : {"minmax", "robust", "standard"}
            What sets the ends of the scale.

        Returns
        -------
        Scale

        Raises
        ------
        TypeError, ValueError
            If the name of the scaling is unknown.
        """
        flat = X.reshape(-1, X.shape[-1])
        self = cls._learned(X, images, check_choice("how", how, SCALINGS))
        return replace(self, seen=Seen.of(flat, self.unbounded(flat)))

    @classmethod
    def _learned(cls, X: Array, images: bool, how: str) -> Scale:
        if how == "minmax" and images and X.dtype.kind == "u":
            top = np.iinfo(X.dtype).max
            return cls(
                np.array(0.0), np.array(float(top)), f"{X.dtype} divided by {top}, its maximum"
            )
        flat = X.reshape(-1, X.shape[-1])
        low, high = flat.min(axis=0).astype(float), flat.max(axis=0).astype(float)
        if how == "robust":
            return cls(*_whiskers(flat.astype(float), low, high), "each feature between whiskers")
        if how == "standard":
            # Times (high > low): rounding gives a constant feature a standard deviation above 0.
            mean, reach = flat.mean(axis=0), 2.5 * flat.std(axis=0) * (high > low)
            text = "each feature from 2.5 standard deviations below its mean to 2.5 above"
            return cls(mean - reach, mean + reach, text)
        return cls(low, high, "each feature from its minimum to its maximum")

    def unbounded(self, X: Array) -> Array:
        """Return X scaled, and not clipped; NaN for features with ``low == high``.

        Parameters
        ----------
        X : ndarray, shape (..., F)
            Raw features.

        Returns
        -------
        ndarray, shape (..., F)
        """
        width = np.where(self.high > self.low, self.high - self.low, np.nan)
        return np.asarray((X.astype(float) - self.low) / width)

    def __call__(self, X: Array) -> Array:
        """Return X scaled and clipped to [0, 1]."""
        # A constant feature is divided by infinity: 0 everywhere, and no warning.
        width = np.where(self.high > self.low, self.high - self.low, np.inf)
        return np.asarray(np.clip((X.astype(float) - self.low) / width, 0.0, 1.0))


def _whiskers(flat: Array, least: Array, most: Array) -> tuple[Array, Array]:
    """Return the ends of the whiskers of each feature (m, F), or of what else varies in it."""
    first, third = np.quantile(flat, (0.25, 0.75), axis=0)
    reach = 1.5 * (third - first)
    inside = (flat >= first - reach) & (flat <= third + reach)
    # Whiskers end at data: the outermost values that are within reach of the box.
    low = np.where(inside, flat, np.inf).min(axis=0)
    high = np.where(inside, flat, -np.inf).max(axis=0)
    rare = np.quantile(flat, (0.01, 0.99), axis=0)  # of a feature that mostly has one value
    low, high = np.where(reach > 0, (low, high), rare)
    return np.where(high > low, low, least), np.where(high > low, high, most)
