"""The Process of tests/neurons/coins.py."""

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var


class CoinProcess(AbstractProcess):
    """Coins in Lava."""

    def __init__(self, *, shape, tilt, bias, slope, **options):
        super().__init__(shape=shape, slope=slope, **options)
        self.a_in, self.s_out = InPort(shape=shape), OutPort(shape=shape)
        self.tilt = Var(shape=shape, init=np.asarray(tilt))
        self.bias = Var(shape=shape, init=np.asarray(bias))
