"""What the state of a memory itself holds about past inputs, whatever the neuron says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice
from lava_sqs.quantum._room import check_room, check_time, compiled_limit
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.diagnostics.averaged import AveragedNeuron, check_delays
from lava_sqs.quantum.diagnostics.states import entropy_of
from lava_sqs.quantum.engines.choose import seconds_per_step
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.states import pauli_to_matrices

__all__ = ["holevo_information"]

Array = NDArray[Any]


def holevo_information(
    ansatz: Ansatz,
    theta: Any,
    noise: NoiseModel | None = None,
    *,
    currents: Any = (0.0, 1.0),
    probabilities: Any = None,
    max_delay: int = 10,
    washout: int = 100,
    outcomes: str = "averaged",
) -> Array:
    r"""Return what the memory holds about the input k steps ago, in bits: exact, nothing sampled.

    The input ``u_t`` is drawn independently at each step, as in ``memory_capacity``. After step
    t the memory is in the state :math:`\rho_v`, if the input of step t - k was v and all other
    inputs are averaged over; the Holevo information of these states bounds what any measurement of
    the memory could tell about that input:

    .. math::
        \chi_k = S\Bigl(\sum_v q_v \rho_v\Bigr) - \sum_v q_v S(\rho_v) .

    With ``outcomes="averaged"`` the spikes are averaged over as well, as if nobody had seen them:
    with the step's average T over inputs and outcomes,

    .. math::
        \rho_v = T^k \sum_s S_s(v)\, r, \qquad r = T^\mathrm{washout} r_0 .

    With ``outcomes="kept"`` the observer also knows the spikes of the steps t - k to t (not
    earlier ones): the states are of the memory and this record together,

    .. math::
        \rho_v = \bigoplus_{s_0 \ldots s_k} \bar S_{s_k} \cdots \bar S_{s_1} S_{s_0}(v)\, r,
        \qquad \bar S_s = \sum_v q_v S_s(v) ,

    one block per record, of which there are ``2**(io_qubits (k + 1))``. Averaged values never rise
    with k, since T is a channel, and their sum over all k is at most the number of memory qubits:
    the inputs are independent. The next step's spikes cannot say more than the memory holds,
    ``memory_capacity(...).information[k + 1] <= holevo_information(...)[k]``.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (n_params,)
        Angles in radians.
    noise : NoiseModel, optional
        None is noiseless.
    currents : array_like, shape (V,)
        The values that the input takes.
    probabilities : array_like, shape (V,), optional
        Their probabilities; None is uniform.
    max_delay : int
        Largest k. 0 is the input of the step after which one looks.
    washout : int
        Steps from ``|0..0>`` before the input that is remembered; their outcomes are averaged over.
    outcomes : {"averaged", "kept"}
        Whether the spikes since the input are known.

    Returns
    -------
    ndarray, shape (max_delay + 1,)
        From 0 to the entropy of the input, and (averaged) to the number of memory qubits.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value; if it would take too much memory or time, with
        the bytes or the seconds, the limit, and what fits.

    References
    ----------
    A. S. Holevo, Probl. Inf. Transm. 9, 177 (1973).

    Examples
    --------
    A delay line of two qubits holds the last two inputs, one bit each:

    >>> from lava_sqs.quantum import ansatz
    >>> holevo_information(ansatz.delay(2), (), max_delay=3).round(9)
    array([1., 1., 0., 0.])
    """
    kept = check_choice("outcomes", outcomes, ("averaged", "kept")) == "kept"
    max_delay, washout = check_delays(max_delay, washout)
    neuron = AveragedNeuron(ansatz, theta, noise, currents, probabilities)
    values, n_outcomes = len(neuron.u), 2**ansatz.io_qubits
    if kept:
        _check_records(ansatz, values, n_outcomes, max_delay)
    after = neuron.branches(neuron.settled(washout))
    # Unnormalised: a block's trace is the probability of its record, which the entropy needs.
    states = after if kept else after.sum(axis=1, keepdims=True)  # (V, records, D)
    found = [_holevo(neuron.q, states)]
    for _ in range(max_delay):
        step = neuron.outcomes if kept else lambda r: neuron.step(r)[None]
        states = np.array([np.concatenate([step(r) for r in each]) for each in states])
        found.append(_holevo(neuron.q, states))
    return np.array(found)


def _check_records(ansatz: Ansatz, values: int, outcomes: int, max_delay: int) -> None:
    """Refuse more records than fit, or than can be gone through."""
    records = float(outcomes) ** min(max_delay + 1, 500)
    what = f"`max_delay` = {max_delay} with outcomes='kept', {records:.3g} records,"
    advice = "Use a smaller `max_delay` or outcomes='averaged'."
    each = 56.0 * 4**ansatz.memory_qubits  # a vector, and two matrices of complex numbers
    check_room(what, values * records * each, compiled_limit(), advice)
    each = 3e-5 + seconds_per_step(ansatz) / 4  # without gradients
    check_time(what, values**2 * records * each, advice)


def _holevo(q: Array, states: Array) -> float:
    """Return the Holevo information of unnormalised states (V, records, D) of one block each."""

    def blocks(vectors: Array) -> Array:
        """(...): the entropy of what the records make together."""
        levels = np.linalg.eigvalsh(pauli_to_matrices(vectors))
        return entropy_of(levels.reshape(*levels.shape[:-2], -1))

    together = np.einsum("v,vri->ri", q, states)
    return max(float(blocks(together) - q @ blocks(states)), 0.0)
