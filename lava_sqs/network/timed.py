r"""Learned weights of the readout in time: how much a spike counts, by when it comes.

With ``readout_from="learned"`` the score of class k is

.. math::

    a_k = \beta \sum_t w(t)\, \tfrac12 \bigl(s_k(t) + p_k(t)\bigr), \qquad
    w(t) = \sum_j v_j h_j(u_t), \qquad v_j \ge 0, \quad \frac1K \sum_j v_j = 1 ,

where :math:`u_t \in [0, 1]` is how far step t lies between the first and the last step of the
sample that counts, and :math:`h_j` are K triangles side by side which add up to 1 (linear
interpolation between K knots). So the weights are those of sequences of any length. They start at
1, where the score is the plain count.

They are learned by the gradient of :math:`\log q_y`, of which a readout has all that it needs: the
error of each class times what the neurons of the class say in that step,

.. math::

    \frac{\partial \log q_y}{\partial v_j} = \beta \sum_t h_j(u_t) \sum_k \bigl(1[k = y] - q_k\bigr)
        \tfrac12 \bigl(s_k(t) + p_k(t)\bigr) .

The visible neurons hear :math:`w(t)` times what they would hear without
(:mod:`lava_sqs.network.count`), and so do those behind them: what is said early in a train whose
end decides is worth less.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_real, check_shape
from lava_sqs.network.spec import READOUT, LayerParams, Parameters

__all__ = ["KNOTS", "LEARNED", "TIME"]

Array = NDArray[Any]

#: What `readout_from` is called if the weights are learned.
LEARNED = "learned"
#: K.
KNOTS = 8
#: The name of the weights in `parameters_`, under that of the readout.
TIME = "time"


def start() -> LayerParams:
    """Return weights that count every spike as 1."""
    return LayerParams({TIME: np.ones((1, KNOTS))}, np.zeros(0), np.zeros((0, 0)))


def triangles(counted: Array) -> Array:
    """Return h, (K, S, B), of which steps count (S, B); 0 in the others.

    Examples
    --------
    >>> h = triangles(np.array([[0.0], [1.0], [1.0], [1.0], [0.0]]))
    >>> h.sum(axis=0).ravel(), int(h[:, 1, 0].argmax()), int(h[:, 3, 0].argmax())
    (array([0., 1., 1., 1., 0.]), 0, 7)
    """
    shown = counted > 0
    rank = shown.cumsum(axis=0) - 1.0
    # u from 0 to 1 over the sample's own steps, whatever their number; one step alone is at u = 0.
    place = rank / np.maximum(rank[-1], 1) * (KNOTS - 1)
    knots = np.arange(KNOTS)[:, None, None]
    return np.asarray(np.maximum(0.0, 1 - np.abs(place - knots)) * shown)


def weights_of(own: LayerParams, h: Array) -> Array:
    """Return what a spike counts in each step (S, B), of the triangles h."""
    return np.asarray(np.tensordot(own.weights[TIME][0].astype(float), h, 1))


def gradient_of(told: Array, said: Array, h: Array) -> LayerParams:
    """Return d log q_y / d v, a mean over samples.

    Of what each channel is told, beta (1[k = y] - q_k), (B, C), and says, (S, B, C), and of the
    triangles h.
    """
    per_step = np.einsum("sbc,bc->sb", said, told)
    up = np.einsum("ksb,sb->k", h, per_step) / h.shape[2]
    return LayerParams({TIME: up[None]}, np.zeros(0), np.zeros((0, 0)))


def begun(parameters: Parameters, readout_from: Any) -> Parameters:
    """Return parameters, and weights to start from if they are learned and not there yet."""
    if readout_from != LEARNED or READOUT in parameters:
        return parameters
    return {**parameters, READOUT: start()}


def move(parameters: Parameters, gradient: Parameters, optimizer: Any, rate: float) -> None:
    """Take one step of an optimiser with the weights, if there is a gradient of them."""
    if READOUT in gradient:
        own, up = parameters[READOUT].weights[TIME], gradient[READOUT].weights[TIME]
        optimizer.ascend(f"{READOUT}.weights.{TIME}", own, up, rate=rate)
        settle(parameters[READOUT])


def settle(own: LayerParams) -> None:
    """Put weights that were moved back to where none is negative and their mean is 1."""
    v = own.weights[TIME]
    # In place, as everything that moves parameters does: others hold the same array.
    np.maximum(v, 0.0, out=v)
    mean = float(v.mean())
    v[:] = v / mean if mean > 0 else 1.0


def read(name: str, value: Any) -> LayerParams:
    """Return weights of a file."""
    found = check_shape(name, check_real(name, value), (1, KNOTS))
    if (found < 0).any() or not found.any():
        raise ValueError(f"array {name} must hold no negative weights and not only zeros.")
    own = start()
    own.weights[TIME][:] = found
    return own
