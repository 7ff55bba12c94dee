"""Short-term memory capacity: of a circuit, exactly, and of recorded spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.diagnostics.averaged import AveragedNeuron, check_delays
from lava_sqs.quantum.noise import NoiseModel

__all__ = ["MemoryCapacity", "capacity_from_spikes", "memory_capacity"]

Array = NDArray[Any]


@dataclass(frozen=True)
class MemoryCapacity:
    """How much of the input k steps ago the spikes of a step carry.

    Attributes
    ----------
    linear : ndarray, shape (max_delay + 1,)
        MC_k: the squared correlation of the input k steps ago with its best linear estimate.
    information : ndarray, shape (max_delay + 1,), or None
        Mutual information of the input k steps ago and the spikes, in bits.
    null_std : float
        Standard deviation of ``linear`` if the spikes did not depend on the input; 0 if exact.

    Examples
    --------
    >>> round(MemoryCapacity(np.array([0.2, 0.5, 0.25])).total, 12)  # delay 0 is no memory
    0.75
    """

    linear: Array
    information: Array | None = None
    null_std: float = 0.0

    @property
    def total(self) -> float:
        """The memory capacity: the sum of MC_k over k >= 1 (k = 0 is no memory)."""
        return float(self.linear[1:].sum())

    def __str__(self) -> str:
        rows = [f"MemoryCapacity {self.total:.4f} (delays 1 to {len(self.linear) - 1})"]
        for k, value in enumerate(self.linear):
            bits = "" if self.information is None else f"  {self.information[k]:.4f} bit"
            rows.append(f"  delay {k:<3} MC {value:+.4f}{bits}")
        return "\n".join(rows)


def memory_capacity(
    ansatz: Ansatz,
    theta: Any,
    noise: NoiseModel | None = None,
    *,
    currents: Any = (0.0, 1.0),
    probabilities: Any = None,
    max_delay: int = 10,
    washout: int = 100,
) -> MemoryCapacity:
    r"""Return the short-term memory capacity of one neuron: exact, nothing is sampled.

    The input ``u_t`` is drawn independently at each step from *currents* and drives every io
    channel. With the reported spikes ``s_t`` of the io qubits as the readout's features,

    .. math::
        \mathrm{MC}_k = \max_{w, b} \frac{\operatorname{Cov}^2(u_{t-k},\, w \cdot s_t + b)}
        {\operatorname{Var}(u)\operatorname{Var}(w \cdot s_t + b)}, \qquad
        I_k = I(u_{t-k};\, s_t) .

    Both follow from the joint law of ``(u_{t-k}, s_t)``, and that from the instrument: averaged
    over outcomes and inputs the memory evolves by one linear map ``T = sum_v q_v sum_s S_s(v)``,

    .. math::
        P(s_t = s \mid u_{t-k} = v) = \Bigl(\sum_{v'} q_{v'} S_s(v')\; T^{k-1}\;
        \sum_{s'} S_{s'}(v)\; r\Bigr)_0 , \qquad r = T^\mathrm{washout} r_0 .

    It is what ONE step's spikes say about ONE past input: dependence on several past inputs at
    once (a parity) or on the history of spikes does not count. The sum of MC_k over all k >= 0 is
    at most the number of io qubits.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit of the neuron.
    theta : array_like, shape (n_params,)
        Angles in radians.
    noise : NoiseModel, optional
        Noise model; None is noiseless.
    currents : array_like, shape (V,)
        The values that the input takes.
    probabilities : array_like, shape (V,), optional
        Their probabilities; None is uniform.
    max_delay : int
        Largest k.
    washout : int
        Steps from ``|0..0>`` before the input that is remembered.

    Returns
    -------
    MemoryCapacity

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    References
    ----------
    H. Jaeger, Short term memory in echo state networks, GMD Report 152 (2001), definition 1 and
    proposition 2 (the bound). J. Dambre et al., Sci. Rep. 2, 514 (2012): capacities of other
    functions of the input.

    Examples
    --------
    A circuit that swaps the io and the memory qubit says at each step what it saw a step ago:

    >>> from lava_sqs.quantum import ansatz
    >>> swap = ansatz.from_gates([("SWAP", (0, 1))], io_qubits=1, memory_qubits=1)
    >>> print(memory_capacity(swap, (), max_delay=2))
    MemoryCapacity 1.0000 (delays 1 to 2)
      delay 0   MC +0.0000  0.0000 bit
      delay 1   MC +1.0000  1.0000 bit
      delay 2   MC +0.0000  0.0000 bit
    """
    neuron = AveragedNeuron(ansatz, theta, noise, currents, probabilities)
    u, q = neuron.u, neuron.q
    laws = _laws(neuron, *check_delays(max_delay, washout))
    return MemoryCapacity(
        linear=np.array([_linear_capacity(q, u, law, ansatz.io_qubits) for law in laws]),
        information=np.array([_information(q, law) for law in laws]),
    )


def _laws(neuron: AveragedNeuron, max_delay: int, washout: int) -> list[Array]:
    """Return P(s_t | u_{t-k}) (V, S) for k from 0 to *max_delay*, after *washout* steps."""
    after = neuron.branches(neuron.settled(washout))
    laws, given = [after[:, :, 0]], after.sum(axis=1)  # the memory a step later, given the input
    for _ in range(max_delay):
        each = np.array([neuron.outcomes(memory) for memory in given])
        laws.append(each[:, :, 0])
        given = each.sum(axis=1)
    return laws


def _linear_capacity(q: Array, u: Array, law: Array, channels: int) -> float:
    """R^2 of the best linear estimate of u from the bits of s, law (V, S) = P(s | u)."""
    joint = q[:, None] * law
    # The first channel is the most significant bit of an outcome.
    bits = (np.arange(law.shape[1])[:, None] >> np.arange(channels)[::-1]) & 1  # (S, channels)
    p = joint.sum(axis=0)
    centred = bits - p @ bits
    cross = (joint.T @ (u - q @ u)) @ centred
    within = centred.T @ (p[:, None] * centred)
    # Features that (almost) never vary carry nothing: their rounding must not be divided by.
    # c^T C^-1 c / Var(u): R^2 of least squares. The pseudo-inverse, as bits may be copies of each
    # other.
    explained = cross @ np.linalg.pinv(within, rcond=1e-12, hermitian=True) @ cross
    if np.trace(within) < 1e-14:
        return 0.0
    return float(explained / (q @ (u - q @ u) ** 2))


def _information(q: Array, law: Array) -> float:
    """I(u; s) in bits, law (V, S) = P(s | u)."""
    law = np.clip(law, 0, 1)
    p = np.broadcast_to(q @ law, law.shape)
    ratio = np.divide(law, p, out=np.ones_like(law), where=(law > 0) & (p > 0))
    return max(float(q @ (law * np.log2(ratio)).sum(axis=1)), 0.0)


def capacity_from_spikes(
    inputs: Any, spikes: Any, *, max_delay: int = 10, washout: int = 100
) -> MemoryCapacity:
    r"""Estimate the linear memory capacity from recorded spikes, of any number of neurons.

    As :func:`memory_capacity`, with the ``F`` spike trains of a step as features and moments from
    ``n = T - washout - max_delay`` steps. The squared correlation ``R^2`` of a fit in sample is
    too large, by ``p/(n - 1)`` on average when there is no memory at all; reported is

    .. math:: \mathrm{MC}_k = 1 - (1 - R^2)\frac{n - 1}{n - 1 - p}, \qquad p = \text{rank}

    which has mean exactly 0 then (given independent, identically distributed inputs) and may be
    negative. With memory a bias of order ``1/n`` remains.

    Parameters
    ----------
    inputs : array_like, shape (T,)
        One independent draw per step.
    spikes : array_like, shape (T, F) or (T,)
        Spikes of the same steps; delay 0 is the input that formed the current of the step.
    max_delay, washout : int
        Longest delay, and the steps left out at the beginning.

    Returns
    -------
    MemoryCapacity
        ``information`` is None.

    References
    ----------
    H. Jaeger, GMD Report 152 (2001). M. Ezekiel (1930): the adjusted R^2.

    Examples
    --------
    >>> x = np.random.default_rng(0).integers(0, 2, 3000)
    >>> float(capacity_from_spikes(x, np.roll(x, 2), max_delay=3).linear.round(2)[2])
    1.0
    """
    u = check_shape("inputs", check_real("inputs", inputs), ("T",))
    s = check_real("spikes", spikes)
    s = check_shape("spikes", s[:, None] if s.ndim == 1 else s, (len(u), "F"))
    max_delay, washout = check_delays(max_delay, washout)
    first = washout + max_delay
    n = len(u) - first
    if n < 3:
        raise ArgumentValueError(
            "inputs",
            f"must have more than washout + max_delay + 2 = {first + 2} steps, but has {len(u)}.",
        )
    centred = s[first:] - s[first:].mean(axis=0)
    # An orthonormal basis of the features: the fit is a projection, and collinear trains count
    # once.
    basis, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    basis = basis[:, sizes > 1e-9 * max(float(sizes.max(initial=0)), 1.0)]
    p = basis.shape[1]
    if p >= n - 1:
        raise ArgumentValueError(
            "spikes",
            f"must have many more steps than features: {n} steps are left for {p} features.",
        )
    values = []
    for k in range(max_delay + 1):
        target = u[first - k : len(u) - k]
        target = target - target.mean()
        power = target @ target
        if power == 0:
            raise ArgumentValueError("inputs", "must vary, but is constant.")
        fit = float(((basis.T @ target) ** 2).sum() / power)
        values.append(1 - (1 - fit) * (n - 1) / (n - 1 - p))
    # R^2 of noise is Beta(p/2, (n-1-p)/2); its standard deviation, rescaled as R^2 is above.
    null_std = float(np.sqrt(2 * p / ((n - 1 - p) * (n + 1))))
    return MemoryCapacity(linear=np.array(values), null_std=null_std)
