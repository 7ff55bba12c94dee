r"""From numbers to what enters a network: arrays of samples (n, F) become (n, T, F').

==============  =========================================================================
encoder         what arrives in step t for a value x in [0, 1]
==============  =========================================================================
``rate``        a spike with probability x, drawn anew in every step
``latency``     one spike, the earlier the larger x: step ``1 + floor((1 - x) (T - 1))``;
                none for x = 0
``current``     the value x itself, in every step
``population``  ``exp(-(x - c_i)^2 / (2 w^2))`` for centres ``c_i`` over [0, 1], as currents
==============  =========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_bytes, check_int, check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs._seeds import check_seed

__all__ = ["ENCODERS", "Scale", "current", "latency", "population", "rate"]

Array = NDArray[Any]

#: Names of the encoders.
ENCODERS = ("rate", "latency", "population", "current")


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
        In [0, 1].
    n_steps : int
        T.
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
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> rate([[0.0, 1.0]], 3, seed=0)[0].T.tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    values = check_shape("x", _unit("x", x), ("n", "F"))
    steps = check_int("n_steps", n_steps, minimum=1)
    check_bytes("n_steps", 9.0 * values.size * steps)
    if uniforms is None:
        rng = np.random.default_rng(check_seed("seed", seed))
        uniforms = rng.random((len(values), steps, values.shape[1]))
    shape = (len(values), steps, values.shape[1])
    drawn = check_shape("uniforms", check_real("uniforms", uniforms), shape)
    return (drawn < values[:, None]).astype(np.int8)


def latency(x: Any, n_steps: int) -> Array:
    r"""Return one spike per value above 0, the earlier the larger.

    .. math:: t = 1 + \lfloor (1 - x) (T - 1) \rfloor

    Parameters
    ----------
    x : array_like, shape (n, F)
        In [0, 1].
    n_steps : int
        T.

    Returns
    -------
    ndarray of int8, shape (n, T, F)

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> latency([[1.0, 0.5, 0.0]], 3)[0].T.tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    """
    values = check_shape("x", _unit("x", x), ("n", "F"))
    steps = check_int("n_steps", n_steps, minimum=1)
    check_bytes("n_steps", 1.0 * values.size * steps)
    when = np.floor((1 - values) * (steps - 1)).astype(int)
    when[values == 0] = -1
    return np.asarray(when[:, None] == np.arange(steps)[None, :, None], dtype=np.int8)


def current(x: Any, n_steps: int) -> Array:
    """Return the values themselves, in every step.

    Parameters
    ----------
    x : array_like, shape (n, F)
        Currents, in units of a full flip.
    n_steps : int
        T.

    Returns
    -------
    ndarray, shape (n, T, F)

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

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
        In [0, 1].
    n_neurons : int
        n, curves per value, at least 2.

    Returns
    -------
    ndarray, shape (..., F * n_neurons)

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

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
        In words, for the user.

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

    @classmethod
    def learn(cls, X: Array, *, images: bool = True) -> Scale:
        """Return the scale of training data.

        Images of unsigned integers: by the maximum of their type. Everything else: by minimum and
        maximum of each feature.

        Parameters
        ----------
        X : ndarray, shape (..., F)
            Training data.
        images : bool
            Whether they are static.

        Returns
        -------
        Scale
        """
        if images and X.dtype.kind == "u":
            top = np.iinfo(X.dtype).max
            return cls(
                np.array(0.0), np.array(float(top)), f"{X.dtype} divided by {top}, its maximum"
            )
        flat = X.reshape(-1, X.shape[-1])
        low, high = flat.min(axis=0).astype(float), flat.max(axis=0).astype(float)
        return cls(low, high, "each feature from its minimum to its maximum")

    def __call__(self, X: Array) -> Array:
        """Return X scaled and clipped to [0, 1]."""
        width = np.where(self.high > self.low, self.high - self.low, np.inf)
        return np.asarray(np.clip((X.astype(float) - self.low) / width, 0.0, 1.0))
