"""What spike trains say about the angles and currents that made them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_real
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import check_time
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.engines.choose import check_exact, exact_backend, seconds_per_step
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.per_neuron import one_noise
from lava_sqs.quantum.scores.recorded import SpikeTrainScorer

__all__ = ["fisher_information"]

Array = NDArray[Any]

#: Spikes of a train, all channels together, of which all ``2**spikes`` trains are gone through.
MOST_SPIKES = 14


def fisher_information(
    ansatz: Ansatz, theta: Any, currents: Any, noise: NoiseModel | None = None
) -> Array:
    r"""Return the Fisher information of one neuron's spike train, exact for short trains.

    .. math:: F_{ij} = \sum_{s_1 \ldots s_T} p(s_1 \ldots s_T)\;
        \partial_i \log p(s_1 \ldots s_T)\; \partial_j \log p(s_1 \ldots s_T)

    over all ``2**(T io_qubits)`` trains that the neuron can report, with the exact scores of
    :func:`~lava_sqs.quantum.score_spike_train`. The parameters are the angles in radians, and then
    the currents of every step. No unbiased estimate of them from N trains has a covariance below
    ``inv(F) / N`` (Cramer, Rao); directions with eigenvalue 0 cannot be learned from the spikes.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (n_params,)
        Angles in radians.
    currents : array_like, shape (T,) or (T, io_qubits)
        Input currents z; ``T * io_qubits`` at most 14.
    noise : NoiseModel, optional
        None is noiseless.

    Returns
    -------
    ndarray, shape (n_params + T * io_qubits,) * 2
        Symmetric and positive: angles first (per radian squared), then currents step by step, the
        channels of a step in a row. Currents z <= 0 apply no gate: their rows are 0.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value; if the trains are too long, or would take too
        much memory or time, with the number, the limit, and what fits.

    See Also
    --------
    lava_sqs.quantum.score_spike_train : The scores; their outer products over sampled trains
        estimate the same for trains of any length.

    References
    ----------
    T. M. Cover, J. A. Thomas, *Elements of Information Theory*, section 11.10.

    Examples
    --------
    A rotation of one qubit, p = sin(theta / 2)**2, has information 1, whatever its angle:

    >>> from lava_sqs.quantum import ansatz
    >>> coin = ansatz.from_gates([("RX", 0, "a")], io_qubits=1, memory_qubits=1)
    >>> fisher_information(coin, [0.3], [0.0]).round(9)
    array([[1., 0.],
           [0., 0.]])
    """
    check_instance("ansatz", ansatz, Ansatz)
    noise = one_noise("noise", noise, "This is about one neuron: ask for each.")
    angles, n_io = ansatz.check_theta(theta), ansatz.io_qubits
    z = check_real("currents", currents)
    if z.ndim == 1:
        z = np.repeat(z[:, None], n_io, axis=1)
    if z.ndim != 2 or z.shape[1] != n_io or not len(z):
        raise ArgumentValueError(
            "currents", f"must have shape (T,) or (T, {n_io}), but has shape {np.shape(currents)}."
        )
    if z.size > MOST_SPIKES:
        raise ArgumentValueError(
            "currents",
            f"must have at most {MOST_SPIKES} steps times io qubits, whose 2**{MOST_SPIKES} trains "
            f"are gone through, but has {z.size}. Use score_spike_train on sampled trains.",
        )
    steps, n = len(z), 2**z.size
    backend = exact_backend(ansatz, noise)
    check_exact(ansatz, noise, rows=1, backend=backend)
    each = seconds_per_step(ansatz, "trajectory" if backend == "trajectory" else "density")
    check_time(
        f"`currents` of {steps} steps with `memory_qubits` = {ansatz.memory_qubits}, {n} trains,",
        n * steps * (each + 5e-6),
        "Use fewer steps or qubits, or score_spike_train on sampled trains.",
    )
    # All trains as the batch of one neuron: one scoring for the whole sum.
    bits = (np.arange(n)[:, None] >> np.arange(z.size)[::-1]) & 1
    spikes = bits.reshape(n, steps, 1, n_io).swapaxes(0, 1)
    z = np.broadcast_to(z[:, None, None], spikes.shape)
    if n_io == 1:
        spikes, z = spikes[..., 0], z[..., 0]
    options: Any = {"prebuild": backend == "instrument", "backend": backend}
    scorer = SpikeTrainScorer(ansatz, angles[None], noise=noise, **options)
    logp, d_theta, d_z = scorer.score(np.ascontiguousarray(z), spikes, per_sample=True)
    by_current = d_z.reshape(steps, n, n_io).swapaxes(0, 1).reshape(n, -1)
    scores = np.concatenate([d_theta[:, 0], by_current], axis=1)
    # sum over trains of P s s^T.
    return np.asarray((scores * np.exp(logp)).T @ scores)
