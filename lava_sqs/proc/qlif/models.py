"""The behaviour of QLIF."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sqs.proc.qlif.process import QLIF
from lava_sqs.quantum import qlif


class AbstractPyQLIFModel(PyLoihiProcessModel):
    """What both models have in common: everything but the types of the ports."""

    a_in: PyInPort
    s_out: PyOutPort
    decay: NDArray[Any] = LavaPyType(np.ndarray, float)
    threshold: NDArray[Any] = LavaPyType(np.ndarray, float)
    gain: NDArray[Any] = LavaPyType(np.ndarray, float)
    bias: NDArray[Any] = LavaPyType(np.ndarray, float)
    phi: NDArray[Any] = LavaPyType(np.ndarray, float)
    p_spike: NDArray[Any] = LavaPyType(np.ndarray, float)

    default_scale = 1.0

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params=proc_params)
        scale = proc_params["current_scale"]
        self._scale = self.default_scale if scale is None else scale
        self._shots = proc_params["shots"]
        self._reset_interval = proc_params["reset_interval"]
        self._reset_offset = proc_params["reset_offset"]
        for_outcomes = np.random.SeedSequence(proc_params["seed"]).spawn(2)[1]
        self._rng = np.random.default_rng(for_outcomes)

    def run_spk(self) -> None:
        """Leak, rotate, measure `shots` times, send."""
        a_in = self.a_in.recv()
        phi, z = self.phi, self._scale * a_in + self.bias
        if self._reset_interval and self.time_step % self._reset_interval == self._reset_offset:
            phi, z = np.zeros_like(self.phi), self.bias
        phi = qlif.rotate(qlif.leak(phi, self.decay), z, self.gain)
        self.p_spike = qlif.firing_probability(phi, self.threshold, self._shots)
        spikes = self._rng.random(phi.shape) >= 1 - self.p_spike
        self.phi = np.where(spikes, 0.0, phi)
        self.s_out.send(spikes.astype(a_in.dtype))


@implements(proc=QLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyQLIFModelFloat(AbstractPyQLIFModel):
    """In a floating-point network. First in this file: the untagged default."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=QLIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyQLIFModelFixed(AbstractPyQLIFModel):
    """The same neurons behind integer ports."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)

    default_scale = 2.0**-6
