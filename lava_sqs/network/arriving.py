"""What arrives behind a connection, and what goes back over it: dense or convolved, delayed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.network.conv import Kernel
from lava_sqs.network.spec import LayerSpec
from lava_sqs.quantum.kernels import spikes as _kernels
from lava_sqs.quantum.lanes import default_threads, shared_out

__all__ = ["Convolved", "Delayed", "arriving", "heard_back"]

Array = NDArray[Any]


# From so many channels and inputs on, and up to this share of spikes, the weights of inputs that
# spike are added up, which is then quicker than a dense product; from _ONCE channels on if a train
# is listed for one product, and not for a gradient as well.
_MANY, _FEW, _ONCE = 64, 0.3, 256


class Delayed:
    """A spike train as it arrives behind a connection: x(t-1) in step t = 1..S, x(0) = 0.

    A train that is the same in every step, as a view without copies (``np.broadcast_to``), is
    multiplied once instead of T times.

    Parameters
    ----------
    train : ndarray, shape (T, B, M)
        Spikes or currents of a source.
    steps : int
        S; what is later does not arrive.
    dtype : float64 or float32, optional
        Precision of batches, see :mod:`lava_sqs.network.simulate`.
    once : bool
        Whether one product is all that will be asked for.

    Examples
    --------
    >>> arriving = Delayed(np.array([[[1.0]], [[2.0]]]), 4)
    >>> arriving.dense().ravel()
    array([0., 1., 2., 0.])
    >>> arriving.weighted(np.array([[0.5]])).ravel()
    array([0. , 0.5, 1. , 0. ])
    >>> arriving.correlated(np.ones((4, 1, 1)))
    array([[3.]])
    """

    def __init__(self, train: Array, steps: int, dtype: Any = None, once: bool = False) -> None:
        self.steps = steps
        self._many = _ONCE if once else _MANY
        self._dtype = dtype
        self._lists: tuple[Array, ...] | None = None  # once they have been asked for
        length = min(len(train), steps - 1)
        # x(0) = 0: nothing has been said before the first step.
        self._when = slice(1, 1 + length)
        # Stride 0 along time marks a broadcast view: the same frame in all steps, stored once.
        self._same = length > 1 and train.strides[0] == 0
        self._shape = (length, *train.shape[1:])
        if dtype is None:
            train = train[: 1 if self._same else length]
            self._train = np.ascontiguousarray(train, dtype=float)
            return
        columns = _columns(train[:1] if self._same else train, dtype)
        self._train = columns[:, : (1 if self._same else length) * train.shape[1]]

    def dense(self) -> Array:
        """Return all of it, (S, B, M)."""
        history = np.zeros((self.steps, *self._shape[1:]), self._dtype or float)
        if self._dtype is None:
            history[self._when] = self._train
        else:
            own = self._train.reshape(self._shape[2], -1, self._shape[1])
            history[self._when] = own.transpose(1, 2, 0)
        return history

    def columns(self) -> Array:
        """Return its steps as columns, (M, T B), or (M, B) if all are the same."""
        return self._train if self._dtype is not None else self._train.reshape(-1, self._shape[2]).T

    def weighted(self, weights: Array) -> Array:
        """Return ``sum_p w_p x_p(t-1)``, (S, B, C), for *weights* (C, M)."""
        length, batch = self._shape[:2]
        if self._dtype is not None:
            weights = weights.astype(self._dtype, copy=False)
            z = np.empty((len(weights), self.steps * batch), self._dtype)
            ends = batch, (1 + length) * batch
            z[:, : ends[0]] = z[:, ends[1] :] = 0.0
            heard = z[:, ends[0] : ends[1]]
            if self._same:
                np.copyto(
                    z.reshape(len(weights), self.steps, batch)[:, self._when],
                    (weights @ self._train)[:, None],
                )
            elif (lists := self._spikes(len(weights))) is not None:
                _summed(weights, lists[0], lists[1], heard)
            else:
                np.matmul(weights, self._train, out=heard)
            return z.reshape(len(weights), self.steps, batch).transpose(1, 2, 0)
        z = np.zeros((self.steps, batch, len(weights)))
        flat = self._train.reshape(-1, self._shape[2]) @ weights.T
        z[self._when] = flat.reshape(-1, batch, len(weights))
        return z

    def correlated(self, signal: Array) -> Array:
        """Return ``sum_t signal(t) x(t-1)``, (C, M), of *signal* (S, B, C), over samples too."""
        if self._dtype is not None:
            length, batch = self._shape[:2]
            heard = _columns(signal, self._dtype)[:, batch : (1 + length) * batch]
            if self._same:
                heard = heard.reshape(len(heard), length, batch).sum(axis=1)
            elif (lists := self._spikes(len(heard))) is not None:
                gradient = np.empty((len(heard), self._shape[2]), self._dtype)
                _summed(heard, lists[2], lists[3], gradient)
                return gradient
            return np.asarray(heard @ self._train.T)
        heard = signal[self._when]
        if self._same:
            heard = heard.sum(axis=0)
        return np.asarray(
            heard.reshape(-1, signal.shape[2]).T @ self._train.reshape(-1, self._shape[2])
        )

    def _spikes(self, channels: int) -> tuple[Array, ...] | None:
        """Return which inputs spike in each column and the other way round, if that is quicker.

        It is for many *channels* and few spikes of 0 and 1; as of
        :mod:`lava_sqs.quantum.kernels.spikes`.
        """
        rows = self._train.T
        if channels < self._many or rows.shape[1] < _MANY or not rows.flags.c_contiguous:
            return None
        if self._lists is None:
            n, m = rows.shape
            # Room for the largest share that pays, and one more row; list_spikes returns -1 if a
            # train has more, or holds other numbers than 0 and 1.
            index, ends = np.empty(int(_FEW * n * m) + m, np.int32), np.zeros(n + 1, np.int64)
            total = _kernels.list_spikes(rows, index, ends)
            # An empty tuple: tried, and not worth it; None: not tried yet.
            self._lists = ()
            if total >= 0:
                index = index[:total]
                turned, starts = np.empty_like(index), np.empty(m + 1, np.int64)
                _kernels.turn_lists(index, ends, turned, starts)
                self._lists = index, ends, turned, starts
        return self._lists or None


class Convolved:
    """A spike train as it arrives behind a convolution; otherwise like :class:`Delayed`.

    Parameters
    ----------
    arriving : Delayed
        What arrives.
    kernel : Kernel
        Geometry of the convolution.

    Examples
    --------
    >>> from lava_sqs.network.conv import Kernel
    >>> arriving = Delayed(np.arange(4.0).reshape(1, 1, 4), 2)
    >>> seen = Convolved(arriving, Kernel((2, 2, 1), 1, (1, 2)))
    >>> seen.weighted(np.array([1.0, 10.0]).reshape(1, 1, 2, 1))[1].ravel()  # mirrored
    array([ 1., 23.])
    >>> seen.correlated(np.ones((2, 1, 2))).ravel()
    array([4., 2.])
    """

    def __init__(self, arriving: Delayed, kernel: Kernel) -> None:
        self._arriving, self._kernel = arriving, kernel

    def dense(self) -> Array:
        """Return all of it, (S, B, M)."""
        return self._arriving.dense()

    def weighted(self, weights: Array) -> Array:
        """Return the currents (S, B, C) for *weights* (O, kh, kw, in_channels)."""
        x, (length, batch, _) = self._arriving, self._arriving._shape
        columns = x.columns()
        weights = weights.astype(columns.dtype, copy=False)
        size = math.prod(self._kernel.out_shape)
        heard = np.empty((size, columns.shape[1]), columns.dtype)
        for part in self._kernel.chunks(columns.shape[1]):
            heard[:, part] = self._kernel.apply(weights, self._kernel.patches(columns[:, part]))
        z = np.zeros((size, x.steps, batch), columns.dtype)
        z[:, x._when] = heard.reshape(size, 1 if x._same else length, batch)
        z = z.transpose(1, 2, 0)
        return z if x._dtype is not None else np.ascontiguousarray(z)

    def correlated(self, signal: Array) -> Array:
        """Return ``sum_t signal(t) x(t-1)`` over all positions, of *signal* (S, B, C)."""
        x = self._arriving
        columns, heard = x.columns(), signal[x._when]
        if x._same:
            heard = heard.sum(axis=0, keepdims=True)
        errors = heard.transpose(2, 0, 1).reshape(heard.shape[2], -1).astype(columns.dtype)
        gradient = np.zeros(self._kernel.weights_shape, columns.dtype)
        for part in self._kernel.chunks(columns.shape[1]):
            patches = self._kernel.patches(columns[:, part])
            gradient += self._kernel.correlate(errors[:, part], patches)
        return gradient


def _summed(weights: Array, index: Array, ends: Array, out: Array) -> None:
    """out[c, n] = the sum of weights[c, i] over the i that are listed for n; threads share c."""

    def work(part: slice) -> int:
        _kernels.sum_of_spiking(weights[part], index, ends, out[part])
        return 0

    shared_out(work, len(weights), default_threads())


def _columns(x: Array, dtype: Any) -> Array:
    """(S, B, C) -> (C, S B), without a copy where the memory is (C, S, B) or (S, B, C)."""
    steps, batch, channels = x.shape
    x = x.astype(dtype, copy=False)
    if x.flags.c_contiguous:
        return x.reshape(steps * batch, channels).T
    return x.transpose(2, 0, 1).reshape(channels, steps * batch)


def arriving(layer: LayerSpec, trains: Mapping[str, Delayed]) -> dict[str, Any]:
    """Return what arrives from each other source of a layer, of the trains of all.

    Parameters
    ----------
    layer : LayerSpec
        Description of the layer.
    trains : dict of str to Delayed
        Spike trains of all sources, by name.

    Returns
    -------
    dict of str to Delayed or Convolved

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron
    >>> trains = {"input": Delayed(np.zeros((2, 1, 1)), 3)}
    >>> arriving(LayerSpec("a", 1, LIFNeuron(), ("input", "a")), trains) == trains
    True
    """
    kernels = dict(layer.kernels)
    return {
        s: Convolved(trains[s], kernels[s]) if s in kernels else trains[s] for s in layer.others
    }


def heard_back(errors: Array, weights: Array, later: int, kernel: Kernel | None = None) -> Array:
    """Return ``sum_c e_c(t + later) w_cm``, (S, B, M): what the other end of a connection hears.

    Neuron-major, in the precision of the errors.

    Parameters
    ----------
    errors : ndarray, shape (S, B, C)
        Errors of the neurons that hear the source.
    weights : ndarray, shape (C, M) or (O, kh, kw, in_channels)
        Weights of the connection.
    later : int
        Number of steps by which the source is heard later.
    kernel : Kernel, optional
        Kernel of a convolution.

    Returns
    -------
    ndarray, shape (S, B, M)

    Examples
    --------
    >>> heard_back(np.array([[[1.0]], [[2.0]]]), np.array([[0.5]]), 1).ravel()
    array([1., 0.])
    """
    steps, batch = errors.shape[:2]
    columns = _columns(errors, errors.dtype)
    size = weights.shape[1] if kernel is None else math.prod(kernel.in_shape)
    told = np.empty((size, steps * batch), errors.dtype)
    there = max(steps - later, 0) * batch
    told[:, there:] = 0.0
    weights = weights.astype(errors.dtype, copy=False)
    # Columns are (step, sample): what is heard `later` steps later begins so many samples further
    # on.
    columns = columns[:, steps * batch - there :]
    if kernel is None:
        np.matmul(weights.T, columns, out=told[:, :there])
    else:
        for part in kernel.chunks(there):
            told[:, :there][:, part] = kernel.back(weights, columns[:, part])
    return told.reshape(-1, steps, batch).transpose(1, 2, 0)
