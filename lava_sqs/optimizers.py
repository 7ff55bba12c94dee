"""Gradient ascent on named arrays: plain, with momentum, or Adam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_positive

__all__ = ["OPTIMIZERS", "Optimizer"]

#: Kinds of :class:`Optimizer`.
OPTIMIZERS = ("sgd", "adam")


class Optimizer:
    """Turn gradients into steps *uphill*; one object holds the state of several arrays.

    ``sgd``: ``v <- momentum v + g``, step ``lr v``. ``adam``: Kingma and Ba, arXiv:1412.6980,
    algorithm 1, with ``beta1 = momentum``.

    Parameters
    ----------
    kind : {"sgd", "adam"}
    momentum : float, optional
        In [0, 1). None is 0 for ``sgd`` and 0.9 for ``adam``.
    clip : float, optional
        Longest allowed gradient (2-norm over the last axis: per neuron); longer ones are scaled
        down. None does not clip.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

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

    def __repr__(self) -> str:
        return f"Optimizer({self.kind!r}, momentum={self.momentum}, clip={self.clip})"

    def step(self, name: str, gradient: NDArray[Any], *, rate: float) -> NDArray[Any]:
        """Return what to add to an array whose gradient is given.

        Parameters
        ----------
        name : str
            Name of the array, under which its moments are kept.
        gradient : ndarray, any shape
            To ascend.
        rate : float
            Learning rate.

        Returns
        -------
        ndarray, shape like *gradient*
        """
        g = gradient
        if self.clip is not None:
            length = np.linalg.norm(g, axis=-1, keepdims=True)
            g = g * np.minimum(1.0, self.clip / np.maximum(length, 1e-300))
        zeros = (np.zeros_like(g), np.zeros_like(g), 0)
        first, second, count = self._state.get(name, zeros)
        count += 1
        if self.kind == "sgd":
            first = self.momentum * first + g
            self._state[name] = (first, second, count)
            return np.asarray(rate * first)
        beta1, beta2 = self.momentum, 0.999
        first = beta1 * first + (1 - beta1) * g
        second = beta2 * second + (1 - beta2) * g * g
        self._state[name] = (first, second, count)
        mean = first / (1 - beta1**count)
        spread = np.sqrt(second / (1 - beta2**count))
        return np.asarray(rate * mean / (spread + 1e-8))

    def state(self) -> Mapping[str, tuple[NDArray[Any], NDArray[Any], int]]:
        """Return the moments per array, to be saved; :meth:`load` takes them back.

        Returns
        -------
        dict of str to (ndarray, ndarray, int)
            First moment, second moment and number of steps of each array.
        """
        return dict(self._state)

    def load(self, state: Mapping[str, tuple[NDArray[Any], NDArray[Any], int]]) -> None:
        """Continue from a saved state.

        Parameters
        ----------
        state : mapping
            What :meth:`state` returned.
        """
        self._state = {k: (np.array(a), np.array(b), int(n)) for k, (a, b, n) in state.items()}
