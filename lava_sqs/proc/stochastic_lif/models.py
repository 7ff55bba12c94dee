"""The behaviour of StochasticLIF."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray
from scipy.special import expit

from lava_sqs._seeds import OUTCOMES, stream
from lava_sqs.proc._naming import FixedPorts, FloatPorts, NamingModel, check_received
from lava_sqs.proc.stochastic_lif.process import StochasticLIF, check_constant


class AbstractPyStochasticLIFModel(NamingModel):
    """What both models have in common: everything but the types of the ports."""

    a_in: PyInPort
    s_out: PyOutPort
    leak: NDArray[Any] = LavaPyType(np.ndarray, float)
    threshold: NDArray[Any] = LavaPyType(np.ndarray, float)
    gain: NDArray[Any] = LavaPyType(np.ndarray, float)
    bias: NDArray[Any] = LavaPyType(np.ndarray, float)
    v: NDArray[Any] = LavaPyType(np.ndarray, float)
    p_spike: NDArray[Any] = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._rng = stream(proc_params["seed"], OUTCOMES)

    def run_spk(self) -> None:
        """Leak, add the current, draw, send."""
        a_in = self.a_in.recv()
        with self.failing_by_name():
            spikes = self.advance(a_in)
        self.s_out.send(spikes.astype(a_in.dtype))

    def advance(self, a_in: NDArray[Any]) -> NDArray[Any]:
        """Make one step and return the spikes."""
        if self._var_set:
            self.check_vars()
        v, z = self.v, self._scale * a_in + self.bias
        if self.at_reset:
            v, z = np.zeros_like(self.v), self.bias
        if not (np.isfinite(z).all() and np.isfinite(v).all()):
            self.check_vars()  # a port may have written them
            check_received("a_in", a_in)
        v = self.leak * v + z
        self.p_spike = expit(self.gain * (v - self.threshold))
        spikes: NDArray[Any] = self._rng.random(v.shape) >= 1 - self.p_spike
        self.v = np.where(spikes, 0.0, v)
        return spikes

    def check_vars(self) -> None:
        """Raise for Vars that were set to values which mean nothing."""
        for name in ("leak", "threshold", "gain", "bias", "v"):
            with self.checking_var(name):
                check_constant(name, getattr(self, name), self.v.shape)
        self._var_set = False


@implements(proc=StochasticLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyStochasticLIFModelFloat(FloatPorts, AbstractPyStochasticLIFModel):
    """In a floating-point network. First in this file: the untagged default."""


@implements(proc=StochasticLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyStochasticLIFModelFixed(FixedPorts, AbstractPyStochasticLIFModel):
    """The same neurons behind integer ports."""
