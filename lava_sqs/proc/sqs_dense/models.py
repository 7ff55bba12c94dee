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
    error_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    weights: NDArray[Any] = LavaPyType(np.ndarray, float)
    feedback: NDArray[Any] = LavaPyType(np.ndarray, float)
    eligibility: NDArray[Any] = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._gamma, self._window = proc_params["gamma"], proc_params["window"]
        self._copies = proc_params["copies"] or 1
        self._lr, self._optimizer = proc_params["lr"], proc_params["optimizer"]
        self._credit = proc_params["credit"]
        self._decay = proc_params["decay"] if self._lr else 0.0  # weights that stay do not fade
        self._interval, self._steps = proc_params["update_interval"], 0
        self._history = np.empty((0, 0, 0))  # (window + 1, copies, pre): x(t-1), x(t-2), ...

    def run_spk(self) -> None:
        """Send the currents of the step before, receive spikes and what the neurons made of it."""
        if not len(self._history):  # Lava sets the Vars after the constructor
            post, pre = self.weights.shape
            self._current = np.zeros((self._copies, post))
            self._history = np.zeros((self._window + 1, self._copies, pre))
            self._gradient = np.zeros((post, pre))
        self.a_out.send(self._current.reshape(self.a_out.shape))
        received = {name: getattr(self, name).recv() for name in ("s_in", "s_in_kernel", "s_in_y3")}
        with self.failing_by_name():
            for name, data in received.items():
                check_received(name, data)
            self._spikes = received["s_in"].reshape(self._copies, -1)
            self._kernel = received["s_in_kernel"].reshape(*self._history.shape[:2], -1)
            self._y3 = received["s_in_y3"].reshape(self._copies, -1)
            # Sent in the next step, as a stock Dense does: its buffer is what makes a connection
            # take a step.
            self._current = self._spikes @ self.weights.T
            if not np.isfinite(self._current).all():
                raise ValueError(
                    "Var 'weights' must be finite and give finite currents, but does not: it was "
                    "set so, or learned with a too large learning rate."
                )
        if self._credit is not None:
            self.error_out.send(self._worth_of_spikes().ravel())

    def _worth_of_spikes(self) -> NDArray[Any]:
        """(window + 1, copies, pre): the errors of the step after, through the feedback weights."""
        # Entry h belongs to the spikes of h steps before the last one.
        worth = np.zeros(self._history.shape)
        if self._kernel.any():
            back = self.feedback if self._credit == "aligned" else self.weights
            worth[1:] = self._kernel[:-1] @ back  # h steps before the last, heard h - 1 before
        return worth

    def lrn_guard(self) -> bool:
        """Keep the eligibility in every step."""
        return True

    def run_lrn(self) -> None:
        """Pair the scores with the spikes that formed their currents."""
        if self.at_reset:
            self.eligibility *= 0.0
        # E_t = gamma E_{t-1} + e_t, e_t = sum_h kappa_h x(t-h-1).
        self.eligibility *= self._gamma
        if self._kernel.any():
            # (copies, post, steps) @ (copies, steps, pre)
            scores = self._kernel.transpose(1, 2, 0) @ self._history.transpose(1, 0, 2)
            self.eligibility += scores.reshape(self.eligibility.shape)
        if self._y3.any():
            self._gradient += np.einsum(
                "bo,boi->oi", self._y3, self.eligibility.reshape(self._copies, *self.weights.shape)
            )
        self._steps += 1
        if self._steps % self._interval == 0:
            # A mean over steps and copies: the size of a step does not depend on how often weights
            # move.
            mean = self._gradient / (self._copies * self._interval)
            moved = self._optimizer.step("weights", mean, rate=self._lr)
            self.weights += moved
            if self._credit == "aligned":
                # The same product at the other end of the connection, and the same decay.
                self.feedback += moved
                self.feedback *= 1 - self._decay
            if self._decay:
                self.weights *= 1 - self._decay
            self._gradient[:] = 0.0
        # After the scores were paired: x(t-1) of the next step is what was received in this one.
        self._history[1:] = self._history[:-1]
        self._history[0] = self._spikes
