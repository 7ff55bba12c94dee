"""The interface of the stochastic LIF neuron in Lava: the classical rival of SQS."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.process import LogConfig
from numpy.typing import NDArray

from lava_sqs._checks import check_axes, check_broadcast
from lava_sqs._errors import ArgumentValueError
from lava_sqs._seeds import check_seed
from lava_sqs.proc._elsewhere import LIF_NAMES
from lava_sqs.proc._membrane import MembraneProcess
from lava_sqs.proc._naming import check_common

__all__ = ["StochasticLIF"]


class StochasticLIF(MembraneProcess):
    r"""Classical leaky integrate-and-fire neurons that spike at random.

    .. math::
        v_t = \mathrm{leak}\; v_{t-1} (1 - s_{t-1}) + z_t, \qquad
        p_t = \sigma\bigl(\mathrm{gain}\, (v_t - \mathrm{threshold})\bigr);

    see :class:`~lava_sqs.neurons.LIFNeuron`. Not to be confused with Lava's own LIF, which spikes
    for certain once its voltage exceeds the threshold.

    Parameters
    ----------
    shape : int or tuple of int
        The neurons, and the shape of the ports.
    leak : array_like, default 0.1
        Share of the voltage that a step keeps, in [0, 1]; broadcasts to `shape`.
    threshold : array_like, default 0.5
        Voltage of an even chance; broadcasts to `shape`.
    gain : array_like, default 2 pi
        Steepness, above 0; broadcasts to `shape`.
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
        reset_offset`` the voltage restarts from 0 and a_in counts as 0.
    name, log_config
        Name and logging of the Process, see Lava's ``AbstractProcess``.

    Attributes
    ----------
    a_in : InPort
        Currents from the layer before.
    s_out : OutPort
        Spikes of each step.
    leak, threshold, gain, bias, v, p_spike : Var, shape ``shape``
        Parameters of each neuron, its voltage, and its probability of a spike.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value. While it runs, an impossible current or Var ends
        the run with a RuntimeError that names the Process, the time step and the Var.

    Examples
    --------
    >>> lif = StochasticLIF(shape=(3,), leak=0.5, seed=1)
    >>> lif.a_in.shape, lif.seed
    ((3,), 1)
    """

    _elsewhere = LIF_NAMES

    _state = "v"

    def __init__(
        self,
        *,
        shape: int | tuple[int, ...],
        leak: Any = 0.1,
        threshold: Any = 0.5,
        gain: Any = 2 * np.pi,
        current_scale: float | None = None,
        bias: Any = 0.0,
        seed: int | None = None,
        reset_interval: int | None = None,
        reset_offset: int = 0,
        name: str | None = None,
        log_config: LogConfig | None = None,
    ) -> None:
        axes = check_axes("shape", shape)
        given = {"leak": leak, "threshold": threshold, "gain": gain, "bias": bias}
        constants = {key: check_constant(key, value, axes) for key, value in given.items()}
        super().__init__(
            shape=axes,
            constants=constants,
            **check_common(current_scale, reset_interval, reset_offset),
            seed=check_seed("seed", seed),
            name=name,
            log_config=log_config,
        )


def check_constant(name: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a Var of the neurons as an array of *shape*; raise for what means nothing."""
    array = check_broadcast(name, value, shape)
    if name == "gain" and array.min() <= 0:
        raise ArgumentValueError(name, f"must be above 0, but has the value {array.min():g}.")
    if name == "leak" and not (array.min() >= 0 and array.max() <= 1):
        wrong = array.min() if array.min() < 0 else array.max()
        raise ArgumentValueError(name, f"must lie in [0, 1], but has the value {wrong:g}.")
    return array
