"""An SQS with one flaw, for tests of the checks in lava_sqs.testing."""

import numpy as np
from lava.magma.core.process.variable import Var

from lava_sqs.proc.sqs.process import SQS


class BrokenSQS(SQS):
    """Everything SQS is, but for `flaw`: one of those named below and in models.py, or None."""

    def __init__(self, *, flaw, **sqs):
        if flaw == "mends bad arguments":
            sqs["bias"] = np.nan_to_num(sqs.get("bias", 0.0))
        if flaw == "always takes another name":
            sqs["name"] = "nobody"
        super().__init__(**sqs)
        self.proc_params.overwrite("flaw", flaw)
        if flaw == "knows p_spike before the first step":
            self.p_spike = Var(shape=self.bias.shape, init=np.zeros(self.bias.shape))

    def __setattr__(self, key, value):
        if key == "seed" and self.proc_params["flaw"] == "ignores assignments":
            return
        super().__setattr__(key, value)
