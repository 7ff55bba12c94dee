"""The behaviour of StochasticLIF."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sqs.neurons import lif
from lava_sqs.proc._membrane import MembraneModel
from lava_sqs.proc._naming import FixedPorts, FloatPorts
from lava_sqs.proc.stochastic_lif.process import StochasticLIF, check_constant


class AbstractPyStochasticLIFModel(MembraneModel):
    """What both models have in common: everything but the types of the ports."""

    leak: NDArray[Any] = LavaPyType(np.ndarray, float)
    threshold: NDArray[Any] = LavaPyType(np.ndarray, float)
    gain: NDArray[Any] = LavaPyType(np.ndarray, float)
    v: NDArray[Any] = LavaPyType(np.ndarray, float)

    _state, _constants = "v", ("leak", "threshold", "gain")
    _check = staticmethod(check_constant)

    def moved(self, state: NDArray[Any], z: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Leak, add the current, and return the probability that the voltage makes a spike."""
        v = self.leak * state + z
        return v, lif.firing_probability(v, self.threshold, self.gain)


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
