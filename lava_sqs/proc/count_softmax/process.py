"""The interface of what tells visible neurons of the error of a sample."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from lava.magma.core.process.process import LogConfig

from lava_sqs._checks import check_bytes, check_int, check_positive
from lava_sqs._errors import ArgumentValueError
from lava_sqs.proc._naming import NamedProcess, parameter
from lava_sqs.proc._refusals import check_floating_pt
from lava_sqs.recording import Recording

__all__ = ["CountSoftmax"]


class CountSoftmax(NamedProcess):
    r"""Softmax of the spike counts of a sample: what visible neurons are told of their error.

    At the end of a sample of S steps, for a class y and an inverse temperature
    :math:`\beta` = 1 / temperature,

    .. math::

        a_k = \beta \sum_t \tfrac12 \bigl(s_k(t) + p_k(t)\bigr), \qquad
        q = \mathrm{softmax}(a), \qquad \delta_k = \beta (\mathbf 1[k = y] - q_k),

    one number per class, which all its neurons hear. In the steps before it says 0.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    n_channels : int
        Number of channels of the visible layer, those of a class side by side: a multiple of
        *n_classes*.
    temperature : float
        What spike counts are divided by: the same as the neurons'.
    reset_interval : int
        S, the same as the neurons'. Samples begin in the time steps 1, S + 1, ...
    copies : int, optional
        The same as the neurons'.
    name, log_config
        Name and logging of the Process, see Lava's ``AbstractProcess``.

    Attributes
    ----------
    a_in : InPort, shape (copies * n_channels,)
        Counts from ``count_out`` of the visible :class:`~lava_sqs.LearningSQS`.
    label_in : InPort, shape (copies,)
        Class of the sample, 0 to n_classes - 1, read in its last step.
    error_out : OutPort, shape (copies * n_channels,)
        Errors for ``a_third_factor_in`` of the visible neurons.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value; when the network starts, if nothing is connected
        to ``a_in`` or ``label_in``. While it runs, a label that is no class ends the run with a
        RuntimeError that names the Process and the time step.

    Examples
    --------
    >>> softmax = CountSoftmax(n_classes=3, n_channels=6, temperature=2.0, reset_interval=10)
    >>> softmax.a_in.shape, softmax.label_in.shape, softmax.error_out.shape
    ((6,), (1,), (6,))
    """

    _needed: ClassVar[dict[str, str]] = {
        "a_in": "so there is nothing to count. Call connect_count",
        "label_in": "so it would take every sample for one of class 0. Connect a source of labels",
    }

    def __init__(
        self,
        *,
        n_classes: int,
        n_channels: int,
        temperature: float,
        reset_interval: int,
        copies: int | None = None,
        name: str | None = None,
        log_config: LogConfig | None = None,
    ) -> None:
        classes = check_int("n_classes", n_classes, minimum=2)
        channels = check_int("n_channels", n_channels, minimum=1)
        if channels % classes:
            raise ArgumentValueError(
                "n_channels", f"must be a multiple of the {classes} classes, but got {channels}."
            )
        batch = 1 if copies is None else check_int("copies", copies, minimum=1)
        # counts come and errors go through two of Lava's channels, of 64 messages each
        check_bytes("copies" if batch > 1 else "n_channels", 8.0 * 128 * batch * channels)
        recording = Recording({"log_q": (np.float64, (batch,)), "predicted": (np.int64, (batch,))})
        super().__init__(
            n_classes=classes,
            temperature=check_positive("temperature", temperature),
            reset_interval=check_int("reset_interval", reset_interval, minimum=2),
            reset_offset=1,
            copies=copies,
            recording=recording,
            name=name,
            log_config=log_config,
        )
        self.a_in = self._in_port("a_in", (batch * channels,))
        self.label_in = self._in_port("label_in", (batch,))
        self.error_out = self._out_port("error_out", (batch * channels,))

    _check_before_run = staticmethod(check_floating_pt)

    n_classes: int = parameter("Number of classes.", "n_classes")
    temperature: float = parameter("What spike counts are divided by.", "temperature")
    reset_interval: int = parameter("Steps of a sample.", "reset_interval")
    copies: int | None = parameter("How many samples run side by side, or None.", "copies")
    recording: Any = parameter(
        "Arrays (samples, copies): `log_q` of the label in nats, and the class `predicted`.",
        "recording",
    )
