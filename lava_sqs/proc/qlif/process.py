"""The interface of the QLIF neuron in Lava: a rival of SQS, for comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.process import LogConfig
from numpy.typing import NDArray

from lava_sqs._checks import check_axes, check_broadcast, check_int
from lava_sqs._errors import ArgumentValueError
from lava_sqs._seeds import check_seed
from lava_sqs._wraps import warn_of_bias
from lava_sqs.proc._elsewhere import QLIF_NAMES
from lava_sqs.proc._membrane import MembraneProcess
from lava_sqs.proc._naming import check_common, parameter

__all__ = ["QLIF"]


class QLIF(MembraneProcess):
    r"""Quantum leaky integrate-and-fire neurons: one qubit each, and a classical memory.

    .. math::
        \varphi \leftarrow 2 \arcsin\bigl(e^{-g/2} |\sin(\varphi/2)|\bigr)
            + \pi\,\mathrm{gain}\,\max(z, 0), \qquad
        p(1) = P\bigl(\mathrm{Bin}(\mathrm{shots}, \sin^2(\varphi/2))
            \ge \mathrm{threshold} \cdot \mathrm{shots}\bigr),

    and a spike resets phi to 0; see :mod:`lava_sqs.neurons.qlif`. Not to be confused with
    :class:`~lava_sqs.SQS`, whose memory is a quantum state and which measures once per step.

    Parameters
    ----------
    shape : int or tuple of int
        The neurons, and the shape of the ports.
    decay : array_like, default 1.0
        ``g = dt / T1`` of one step, above 0; broadcasts to `shape`, as the next two do.
    threshold : array_like, default 0.5
        Fraction of ones that makes a spike, in (0, 1]; broadcasts to `shape`.
    gain : array_like, default 1.0
        Factor on the current, above 0; broadcasts to `shape`.
    shots : int, default 20
        Measurements per step.
    current_scale : float, optional
        ``z = current_scale * a_in + bias``. None is 1.0 under ``floating_pt`` and ``2**-6`` under
        ``fixed_pt``.
    bias : array_like, default 0.0
        Constant input current; broadcasts to `shape`.
    seed : int, optional
        One uniform number per neuron and step, of child 1 of ``SeedSequence(seed)`` as for SQS.
        None draws a seed.
    reset_interval, reset_offset
        Period and phase of resets, as for ``SQS``: in steps with ``time_step % reset_interval ==
        reset_offset`` phi restarts from 0 and a_in counts as 0.
    name, log_config
        Name and logging of the Process, see Lava's ``AbstractProcess``.

    Attributes
    ----------
    a_in : InPort
        Currents from the layer before.
    s_out : OutPort
        Spikes of each step.
    decay, threshold, gain, bias, phi, p_spike : Var, shape ``shape``
        Parameters of each neuron, its angle, and its probability of a spike.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value. While it runs, an impossible current
        or Var ends the run with a RuntimeError that names the Process, the time step and the Var.

    Examples
    --------
    >>> qlif = QLIF(shape=(3,), decay=0.5, shots=100, seed=1)
    >>> qlif.a_in.shape, qlif.seed
    ((3,), 1)

    References
    ----------
    Brand, Petruccione, arXiv:2407.16398.
    """

    _elsewhere = QLIF_NAMES

    _state = "phi"

    def __init__(
        self,
        *,
        shape: int | tuple[int, ...],
        decay: Any = 1.0,
        threshold: Any = 0.5,
        gain: Any = 1.0,
        shots: int = 20,
        current_scale: float | None = None,
        bias: Any = 0.0,
        seed: int | None = None,
        reset_interval: int | None = None,
        reset_offset: int = 0,
        name: str | None = None,
        log_config: LogConfig | None = None,
    ) -> None:
        axes = check_axes("shape", shape)
        given = {"decay": decay, "threshold": threshold, "gain": gain, "bias": bias}
        constants = {key: check_constant(key, value, axes) for key, value in given.items()}
        warn_of_bias(constants["gain"] * constants["bias"], "`bias` times `gain`")
        super().__init__(
            shape=axes,
            constants=constants,
            **check_common(current_scale, reset_interval, reset_offset),
            seed=check_seed("seed", seed),
            shots=check_int("shots", shots, minimum=1),
            name=name,
            log_config=log_config,
        )

    shots: int = parameter("Measurements per step.", "shots")


def check_constant(name: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a Var of the neurons as an array of *shape*; raise for what means nothing."""
    array = check_broadcast(name, value, shape)
    if name in ("decay", "threshold", "gain") and array.min() <= 0:
        raise ArgumentValueError(name, f"must be above 0, but has the value {array.min():g}.")
    if name == "threshold" and array.max() > 1:
        raise ArgumentValueError(
            "threshold", f"must lie in (0, 1], but has the value {array.max():g}."
        )
    return array
