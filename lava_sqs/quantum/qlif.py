r"""The quantum leaky integrate-and-fire neuron of Brand and Petruccione: a rival, as plain numbers.

One qubit, no quantum memory: what is kept between steps is a number, the excited population
``alpha = sin^2(phi / 2)``, from which the qubit is prepared again in every step. With the current
z, a leak ``g = dt / T1`` and ``gain``,

.. math::

    \tilde\varphi = 2 \arcsin\bigl(e^{-g/2} \sin(\varphi/2)\bigr), \qquad
    \varphi' = \tilde\varphi + \pi\, \mathrm{gain}\, \max(z, 0), \qquad
    \alpha' = \sin^2(\varphi'/2) .

The qubit is measured in ``shots`` repetitions; the neuron spikes if at least
``k = threshold * shots`` of them give 1, and then forgets:

.. math::

    p(1) = P(\mathrm{Bin}(\mathrm{shots}, \alpha') \ge k) = I_{\alpha'}(k, \mathrm{shots} - k + 1),
    \qquad \varphi \leftarrow (1 - s)\, \varphi' .

Where the source leaves a choice (ours): the leak acts in every step, the memory keeps the
population itself rather than its estimate from the shots, so that the law of the spikes is exact,
and for a threshold between two counts the incomplete beta function interpolates.

References
----------
Brand, Petruccione, arXiv:2407.16398.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

__all__ = ["firing_probability", "leak", "rotate"]

Array = NDArray[Any]


def leak(phi: Array, decay: Array | float) -> Array:
    """Return the angle after relaxation by ``exp(-decay)`` of the excited population.

    Parameters
    ----------
    phi : ndarray, any shape
        Angles in radians.
    decay : float or ndarray, broadcasts to the shape of *phi*
        ``dt / T1``, at least 0.

    Examples
    --------
    >>> round(float(np.sin(leak(np.array(np.pi), np.log(2)) / 2) ** 2), 12)  # half the population
    0.5
    """
    return np.asarray(2 * np.arcsin(np.exp(-np.asarray(decay) / 2) * np.abs(np.sin(phi / 2))))


def rotate(phi: Array, z: Array, gain: Array | float = 1.0) -> Array:
    """Return the angle *phi* after RX(pi *gain* max(*z*, 0)).

    Examples
    --------
    >>> round(float(rotate(np.array(0.0), 1.0)), 6)
    3.141593
    """
    return np.asarray(phi + np.pi * gain * np.maximum(z, 0.0))


def firing_probability(phi: Array, threshold: Array | float, shots: int) -> Array:
    """Return ``I_alpha(k, shots - k + 1)``, the probability of at least k ones.

    Parameters
    ----------
    phi : ndarray, any shape
        Angles in radians.
    threshold : float or ndarray, broadcasts to the shape of *phi*
        Fraction of ones needed, in (0, 1].
    shots : int
        Repetitions of preparation and measurement in a step.

    Examples
    --------
    >>> round(float(firing_probability(np.array(np.pi / 2), 1.0, 2)), 12)  # two ones of two shots
    0.25
    """
    k = np.asarray(threshold) * shots
    return np.asarray(betainc(k, shots - k + 1, np.sin(phi / 2) ** 2))
