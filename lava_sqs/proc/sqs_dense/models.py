"""The behaviour of SQSDense."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sqs.proc._naming import NamingModel, check_received
from lava_sqs.proc.sqs_dense.process import SQSDense


@implements(proc=SQSDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySQSDenseModelFloat(NamingModel):
    """Timing of a stock Dense: what leaves now was computed from the spikes of the step before."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_in_kernel: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_in_y3: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    weights: NDArray[Any] = LavaPyType(np.ndarray, float)
    eligibility: NDArray[Any] = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params=proc_params)
        self._gamma = proc_params["gamma"]
        self._reset_interval = proc_params["reset_interval"]
        self._reset_offset = proc_params["reset_offset"]
        self._window = proc_params["window"]
        self._current = np.empty(0)
        self._history = np.empty((0, 0))  # (window + 1, pre): x(t-1), x(t-2), ...

    def run_spk(self) -> None:
        """Send the currents of the step before, receive spikes and what the neurons made of it."""
        if not len(self._history):  # Lava sets the Vars after the constructor
            post, pre = self.weights.shape
            self._current = np.zeros(post)
            self._history = np.zeros((self._window + 1, pre))
        self.a_out.send(self._current)
        self._spikes = self.s_in.recv()
        self._kernel = self.s_in_kernel.recv().reshape(len(self._history), -1)
        self._y3 = self.s_in_y3.recv()
        with self.failing_by_name():
            check_received("s_in", self._spikes)
            check_received("s_in_kernel", self._kernel)
            check_received("s_in_y3", self._y3)
            self._current = self.weights @ self._spikes
            if not np.isfinite(self._current).all():
                raise ValueError(
                    "Var 'weights' must be finite and give finite currents, but does not: it was "
                    "set so, or learned with a too large learning rate."
                )

    def lrn_guard(self) -> bool:
        """Learn in every step."""
        return True

    def run_lrn(self) -> None:
        """Pair the scores with the spikes that formed their currents."""
        if self._reset_interval and self.time_step % self._reset_interval == self._reset_offset:
            self.eligibility *= 0.0
        self.eligibility *= self._gamma
        self.eligibility += self._kernel.T @ self._history
        if self._y3.any():
            self.weights += self._y3[:, None] * self.eligibility
        self._history[1:] = self._history[:-1]
        self._history[0] = self._spikes
