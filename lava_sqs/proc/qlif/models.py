"""The behaviour of QLIF."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sqs.neurons import qlif
from lava_sqs.proc._membrane import MembraneModel
from lava_sqs.proc._naming import FixedPorts, FloatPorts
from lava_sqs.proc.qlif.process import QLIF, check_constant


class AbstractPyQLIFModel(MembraneModel):
    """What both models have in common: everything but the types of the ports."""

    decay: NDArray[Any] = LavaPyType(np.ndarray, float)
    threshold: NDArray[Any] = LavaPyType(np.ndarray, float)
    gain: NDArray[Any] = LavaPyType(np.ndarray, float)
    phi: NDArray[Any] = LavaPyType(np.ndarray, float)

    _state, _constants = "phi", ("decay", "threshold", "gain")
    _check = staticmethod(check_constant)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._shots = proc_params["shots"]

    def moved(self, state: NDArray[Any], z: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Leak, rotate, and return the probability that `shots` measurements make a spike."""
        phi = qlif.rotate(qlif.leak(state, self.decay), z, self.gain)
        return phi, qlif.firing_probability(phi, self.threshold, self._shots)


@implements(proc=QLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyQLIFModelFloat(FloatPorts, AbstractPyQLIFModel):
    """In a floating-point network. First in this file: the untagged default."""


@implements(proc=QLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyQLIFModelFixed(FixedPorts, AbstractPyQLIFModel):
    """The same neurons behind integer ports."""
