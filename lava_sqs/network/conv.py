r"""Connections that share their weights: a 2-D convolution, as Lava's ``Conv`` makes it.

.. math::
    z_{yxo} = \sum_{ijc} w_{oijc}\,
        x_{s y + k_h - 1 - i - p,\; s x + k_w - 1 - j - p,\; c} , \qquad x = 0 \text{ outside} ,

for a kernel w of shape (out_channels, k_h, k_w, in_channels), stride s and padding p: a convolution
proper, whose kernel is mirrored (that of torch is not). Images and layers are
(height, width, channels), the last axis fastest.

The gradient of a kernel is the sum over all positions of post-synaptic error times pre-synaptic
spike. Each product is local to a synapse; that all positions share one weight is not: a chip with a
weight per synapse would have to add them up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lava_sqs._checks import check_int, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError

__all__ = ["Kernel"]

Array = NDArray[Any]

_NUMBERS = 2**23  # that patches of one chunk may have


def check_pair(name: str, value: Any, minimum: int) -> tuple[int, int]:
    """Return one integer, or one per axis, as two.

    Examples
    --------
    >>> check_pair("stride", 2, 1)
    (2, 2)
    """
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2:
        raise ArgumentValueError(
            name, f"must be an integer or two, for height and width, but got {describe(value)}."
        )
    return check_int(name, pair[0], minimum=minimum), check_int(name, pair[1], minimum=minimum)


@dataclass(frozen=True)
class Kernel:
    """The geometry of a convolution.

    Parameters
    ----------
    in_shape : tuple of int
        (height, width, channels) of what arrives.
    out_channels : int
        Feature maps.
    size, stride, padding : tuple of int
        Pairs of numbers, for height and width.

    Raises
    ------
    TypeError, ValueError
        If the numbers are not integers in range, or the kernel is larger than the padded input.

    Examples
    --------
    >>> kernel = Kernel((8, 8, 1), 4, (3, 3), (2, 2), (1, 1))
    >>> kernel.out_shape, kernel.weights_shape
    ((4, 4, 4), (4, 3, 3, 1))
    """

    in_shape: tuple[int, int, int]
    out_channels: int
    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not isinstance(self.in_shape, tuple) or len(self.in_shape) != 3:
            raise ArgumentTypeError(
                "in_shape", f"must be (height, width, channels), but got {describe(self.in_shape)}."
            )
        for n in self.in_shape:
            check_int("in_shape", n, minimum=1)
        check_int("out_channels", self.out_channels, minimum=1)
        for name, least in (("size", 1), ("stride", 1), ("padding", 0)):
            object.__setattr__(self, name, check_pair(name, getattr(self, name), least))
        if min(self.out_shape[:2]) < 1:
            raise ArgumentValueError(
                "kernel_size",
                f"must be at most the padded input, but is {self.size} for an input of "
                f"{self.in_shape[:2]} with padding {self.padding}.",
            )

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """(height, width, out_channels) of what it makes."""
        h, w = (
            (n + 2 * p - k) // s + 1
            for n, k, s, p in zip(
                self.in_shape[:2], self.size, self.stride, self.padding, strict=True
            )
        )
        return h, w, self.out_channels

    @property
    def weights_shape(self) -> tuple[int, int, int, int]:
        """(out_channels, height, width, in_channels), Lava's order."""
        return (self.out_channels, *self.size, self.in_shape[2])

    @property
    def fan_in(self) -> int:
        """Inputs that one neuron hears."""
        return math.prod(self.weights_shape[1:])

    def chunks(self, n: int) -> Iterator[slice]:
        """Yield slices of n columns whose :meth:`patches` fit.

        Parameters
        ----------
        n : int
            Steps times samples.

        Yields
        ------
        slice
        """
        each = max(1, _NUMBERS // (math.prod(self.out_shape[:2]) * self.fan_in))
        for start in range(0, n, each):
            yield slice(start, start + each)

    def patches(self, columns: Array) -> Array:
        """Return what each position hears, (positions, fan_in, N).

        Parameters
        ----------
        columns : ndarray, shape (M, N)
            Inputs, of N steps and samples.

        Returns
        -------
        ndarray, shape (P, F, N)
        """
        (ph, pw), (sh, sw) = self.padding, self.stride
        x = columns.reshape(*self.in_shape, -1)
        if ph or pw:
            x = np.pad(x, ((ph, ph), (pw, pw), (0, 0), (0, 0)))
        seen = sliding_window_view(x, self.size, axis=(0, 1))[::sh, ::sw]  # (H', W', C, N, kh, kw)
        # Lava's Conv flips the kernel, or here what it sees. Axes: positions, kernel, channel,
        # columns.
        mirrored = seen[..., ::-1, ::-1].transpose(0, 1, 4, 5, 2, 3)
        return np.ascontiguousarray(mirrored).reshape(-1, self.fan_in, columns.shape[1])

    def apply(self, weights: Array, patches: Array) -> Array:
        """Return the currents of :meth:`patches`, (P * out_channels, N).

        Parameters
        ----------
        weights : ndarray, shape (O, kh, kw, C)
            Weights of the kernel.
        patches : ndarray, shape (P, F, N)
            Patches from :meth:`patches`.

        Returns
        -------
        ndarray, shape (P * O, N)
        """
        z = weights.reshape(self.out_channels, -1) @ patches
        return z.reshape(-1, patches.shape[2])

    def correlate(self, errors: Array, patches: Array) -> Array:
        """Return the gradient of the kernel: error times input, over all positions.

        Parameters
        ----------
        errors : ndarray, shape (P * O, N)
            Gradient of the objective with respect to the currents.
        patches : ndarray, shape (P, F, N)
            Patches from :meth:`patches`.

        Returns
        -------
        ndarray, shape (O, kh, kw, C)
        """
        per_place = errors.reshape(len(patches), self.out_channels, -1)
        summed = (per_place @ patches.transpose(0, 2, 1)).sum(axis=0)
        return summed.reshape(self.weights_shape)

    def back(self, weights: Array, errors: Array) -> Array:
        """Return what inputs hear of the errors of all that they drive, (M, N).

        Parameters
        ----------
        weights : ndarray, shape (O, kh, kw, C)
            Weights of the kernel.
        errors : ndarray, shape (P * O, N)
            Errors of the positions, in P * O rows.

        Returns
        -------
        ndarray, shape (M, N)
        """
        (h, w, c), (kh, kw), (sh, sw) = self.in_shape, self.size, self.stride
        (ph, pw), (oh, ow, o) = self.padding, self.out_shape
        n = errors.shape[1]
        # The transpose of `apply`: errors of all positions, weighted, then scattered to where they
        # came from.
        told = weights.reshape(o, -1).T @ errors.reshape(oh * ow, o, n)
        told = told.reshape(oh, ow, kh, kw, c, n)
        padded = np.zeros((h + 2 * ph, w + 2 * pw, c, n), errors.dtype)
        for i in range(kh):
            for j in range(kw):
                # The mirrored place of weight (i, j). One strided add per weight: positions never
                # meet in it.
                y, x = kh - 1 - i, kw - 1 - j
                padded[y : y + sh * oh : sh, x : x + sw * ow : sw] += told[:, :, i, j]
        return np.ascontiguousarray(padded[ph : ph + h, pw : pw + w]).reshape(-1, n)
