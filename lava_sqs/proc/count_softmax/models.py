"""The behaviour of CountSoftmax."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray
from scipy.special import log_softmax

from lava_sqs.proc._naming import NamingModel, check_received
from lava_sqs.proc.count_softmax.process import CountSoftmax


@implements(proc=CountSoftmax, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyCountSoftmaxModelFloat(NamingModel):
    """Count; at the end of a sample compare with the label."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    label_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    error_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._classes = proc_params["n_classes"]
        self._beta = 1 / proc_params["temperature"]
        self._recording = proc_params["recording"]
        self._recording.begin()
        self._counts: Any = 0.0

    def run_spk(self) -> None:
        """Answer the counts of this step, with zeros unless it is the last one of a sample."""
        counts, labels = self.a_in.recv(), self.label_in.recv()
        with self.failing_by_name():
            if self.at_reset:
                self._counts = np.zeros(counts.shape)
            self._counts += check_received("a_in", counts)
            # Sent in every step: who receives waits for a message of each.
            told = np.zeros(counts.shape)
            if self.time_step % self._reset_interval == 0:
                told = self._told(self._check_labels(labels))
        self.error_out.send(told)

    def _check_labels(self, labels: NDArray[Any]) -> NDArray[Any]:
        wrong = labels[~np.isin(labels, np.arange(self._classes))]
        if wrong.size:
            raise ValueError(
                f"Port 'label_in' must bring a class, 0 to {self._classes - 1}, in the last step "
                f"of a sample, but brought {wrong[0]:g}."
            )
        return labels.astype(int)

    def _told(self, labels: NDArray[Any]) -> NDArray[Any]:
        per_class = self._counts.reshape(len(labels), self._classes, -1)
        logits = self._beta * per_class.sum(axis=2)
        log_q = log_softmax(logits, axis=1)
        rows = np.arange(len(labels))
        self._recording.append({"log_q": log_q[rows, labels], "predicted": logits.argmax(axis=1)})
        # d log q_y / d a_k = 1[k = y] - q_k, times beta for a spike.
        told = -np.exp(log_q)
        told[rows, labels] += 1.0
        return np.asarray(self._beta * np.repeat(told, per_class.shape[2], axis=1).ravel())
