"""What a CoinProcess does."""

import numpy as np
from coin_process.process import CoinProcess
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from scipy.special import expit


@implements(proc=CoinProcess, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyCoinModel(PyLoihiProcessModel):
    """Throws all coins once per step."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    tilt: np.ndarray = LavaPyType(np.ndarray, float)
    bias: np.ndarray = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params):
        super().__init__(proc_params=proc_params)
        self._slope = proc_params["slope"]
        self._reset = proc_params["reset_interval"], proc_params["reset_offset"]
        self._rng = np.random.default_rng(np.random.SeedSequence(proc_params["seed"]).spawn(2)[1])

    def run_spk(self):
        a_in = self.a_in.recv()
        interval, offset = self._reset
        z = self.bias + (0.0 if self.time_step % interval == offset else a_in)
        p = expit(self._slope * (z - 0.5) + self.tilt)
        self.s_out.send((self._rng.random(p.shape) >= 1 - p).astype(float))
