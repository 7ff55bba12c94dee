"""Gradient ascent on named arrays: plain, with momentum, or Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_positive, describe
from lava_sqs._errors import ArgumentTypeError

__all__ = ["OPTIMIZERS", "Optimizer"]

#: Kinds of :class:`Optimizer`.
OPTIMIZERS = ("sgd", "adam")


# error_model: a division that may raise is not made a vector
@njit(cache=True, nogil=True, error_model="numpy")
def _adam(g, first, second, out, keep, beta1, beta2, part1, part2, weak1, weak2, least, rate):  # type: ignore[no-untyped-def]
    """One pass over flat arrays: the moments move, and out = keep out + rate mean / spread.

    All numbers have the precision of the arrays. *part1* and *part2* are 1 - beta, *weak1* and
    *weak2* the shares of the moments that are not their start, *least* keeps from dividing by 0.
    """
    for i in range(g.shape[0]):
        x = g[i]
        m = beta1 * first[i] + part1 * x
        v = beta2 * second[i] + part2 * x * x
        first[i], second[i] = m, v
        moved = rate * (m / weak1) / (np.sqrt(v / weak2) + least)
        out[i] = keep * out[i] + moved


class Optimizer:
    """Turn gradients into steps *uphill*; one object holds the state of several arrays.

    ``sgd``: ``v <- momentum v + g``, step ``lr v``. ``adam``: Kingma and Ba, arXiv:1412.6980,
    algorithm 1, with ``beta1 = momentum``.

    Parameters
    ----------
    kind : {"sgd", "adam"}
        Rule of the update.
    momentum : float, optional
        Share of the last change that is kept, in [0, 1). None is 0 for ``sgd`` and 0.9 for
        ``adam``.
    clip : float, optional
        Longest allowed gradient (2-norm over the last axis: per neuron); longer ones are scaled
        down. None does not clip.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, -2.0]])
    >>> for _ in range(300):
    ...     x += Optimizer("sgd").step("x", -2 * x, rate=0.1)
    >>> bool(np.abs(x).max() < 1e-6)
    True

    References
    ----------
    Kingma, Ba, arXiv:1412.6980.
    """

    kind: str
    momentum: float
    clip: float | None

    def __init__(
        self, kind: str = "adam", *, momentum: float | None = None, clip: float | None = None
    ) -> None:
        self.kind = check_choice("optimizer", kind, OPTIMIZERS)
        default = 0.9 if kind == "adam" else 0.0
        self.momentum = (
            default
            if momentum is None
            else check_positive("momentum", momentum, zero=True, below=1.0)
        )
        self.clip = None if clip is None else check_positive("clip", clip)
        self._state: dict[str, tuple[NDArray[Any], NDArray[Any], int]] = {}

    def fresh(self) -> Optimizer:
        """Return an optimiser of the same kind that has seen nothing yet.

        Returns
        -------
        Optimizer
        """
        return Optimizer(self.kind, momentum=self.momentum, clip=self.clip)

    def __repr__(self) -> str:
        return f"Optimizer({self.kind!r}, momentum={self.momentum}, clip={self.clip})"

    def step(self, name: str, gradient: NDArray[Any], *, rate: float) -> NDArray[Any]:
        """Return what to add to an array whose gradient is given.

        Parameters
        ----------
        name : str
            Name of the array, under which its moments are kept.
        gradient : ndarray, any shape
            Gradient to ascend.
        rate : float
            Learning rate.

        Returns
        -------
        ndarray, shape like *gradient*
        """
        g = self._clipped(gradient)
        if self.kind == "sgd":
            return np.asarray(rate * self._velocity(name, g))
        step = np.zeros_like(g)
        self._ascend(name, g, step, 0.0, rate)
        return step

    def ascend(
        self, name: str, array: NDArray[Any], gradient: NDArray[Any], *, rate: float
    ) -> None:
        """Move an array uphill in place, in one pass over its numbers.

        Parameters
        ----------
        name : str
            Under which its moments are kept, as in :meth:`step`.
        array : ndarray, any shape
            The parameters to be changed, in place; C-contiguous.
        gradient : ndarray, shape like *array*
            Gradient to ascend, in the same precision.
        rate : float
            Learning rate.
        """
        g = self._clipped(gradient)
        if self.kind == "sgd" or g.dtype != array.dtype or not array.flags.c_contiguous:
            array += self.step(name, gradient, rate=rate)
        else:
            self._ascend(name, g, array, 1.0, rate)

    def _clipped(self, gradient: NDArray[Any]) -> NDArray[Any]:
        if self.clip is None:
            return gradient
        length = np.linalg.norm(gradient, axis=-1, keepdims=True)
        return np.asarray(gradient * np.minimum(1.0, self.clip / np.maximum(length, 1e-300)))

    def _velocity(self, name: str, g: NDArray[Any]) -> NDArray[Any]:
        first, second, count = self._moments(name, g)
        first = np.asarray(self.momentum * first + g)
        self._state[name] = (first, second, count + 1)
        return first

    def _moments(self, name: str, g: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], int]:
        if name not in self._state:
            return np.zeros(g.shape, g.dtype), np.zeros(g.shape, g.dtype), 0
        return self._state[name]

    def _ascend(
        self, name: str, g: NDArray[Any], out: NDArray[Any], keep: float, rate: float
    ) -> None:
        first, second, count = self._moments(name, g)
        count += 1
        self._state[name] = (first, second, count)
        beta1, beta2 = self.momentum, 0.999
        weak = (1 - beta1**count, 1 - beta2**count)
        factors: Any = (keep, beta1, beta2, 1 - beta1, 1 - beta2, *weak, 1e-8, rate)
        if out.dtype != np.float64:
            factors = map(out.dtype.type, factors)
        flat = [np.ascontiguousarray(x).reshape(-1) for x in (g, first, second, out)]
        _adam(*flat, *factors)

    def state(self) -> Mapping[str, tuple[NDArray[Any], NDArray[Any], int]]:
        """Return the moments per array, to be saved; :meth:`load` takes them back.

        Returns
        -------
        dict of str to (ndarray, ndarray, int)
            First moment, second moment and number of steps of each array.
        """
        return {k: (a.copy(), b.copy(), n) for k, (a, b, n) in self._state.items()}

    def load(self, state: Mapping[str, tuple[NDArray[Any], NDArray[Any], int]]) -> None:
        """Continue from a saved state.

        Parameters
        ----------
        state : mapping
            What :meth:`state` returned.
        """
        self._state = {k: (np.array(a), np.array(b), int(n)) for k, (a, b, n) in state.items()}


def optimizer_of(value: Any) -> Optimizer:
    """Return a new optimiser of a kind, or as another one is that stays as it is."""
    if isinstance(value, Optimizer):
        return value.fresh()
    if not isinstance(value, str):
        raise ArgumentTypeError(
            "optimizer",
            f"must be {' or '.join(map(repr, OPTIMIZERS))}, or an Optimizer, but got "
            f"{describe(value)}.",
        )
    return Optimizer(value)
