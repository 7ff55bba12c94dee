"""The interface of a connection that learns from scores over any window."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.process import LogConfig
from lava.magma.core.process.variable import Var
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_choice,
    check_int,
    check_positive,
    check_real,
    check_reset,
    check_shape,
    check_share,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs.optimizers import Optimizer
from lava_sqs.proc._elsewhere import CONNECTION
from lava_sqs.proc._naming import NamedProcess, parameter
from lava_sqs.proc._refusals import check_floating_pt, check_kernel, check_window_fits

__all__ = ["SQSDense"]


#: What errors go back through.
CREDITS = ("aligned", "symmetric")
#: Of weights and feedback per update, with aligned credit: as SQSNN has it.
DECAY = 1e-3


class SQSDense(NamedProcess):
    r"""Dense connection that ascends its postsynaptic neurons' exact score.

    .. math::

        e_t = \sum_{h=0}^{H} \kappa_h(t) \otimes x(t-1-h), \qquad
        E_t = \gamma E_{t-1} + e_t, \qquad w \leftarrow w + \mathrm{lr}\; y_3(t)\, E_t .

    With ``window`` covering the steps since the reset, ``e_t`` is the exact derivative of the log
    probability of the step's outcome by the weights. A stock ``LearningDense`` with
    :class:`~lava_sqs.SQSLearningRule` does the same for windows 0 and 1.

    Between layers that learn with ``objective="count"`` it also tells the presynaptic neurons what
    their spikes were worth, by feedback weights B that learn by the same product of pre and post
    (*aligned*) or by the weights themselves (*symmetric*: the reference, which no hardware has):

    .. math::

        \mathrm{told}_i(t) = \sum_k B_{ki}\, e_k(t + 1), \qquad
        (w, B) \leftarrow (1 - \mathrm{decay})\,(w + \Delta w,\; B + \Delta w).

    Parameters
    ----------
    weights : array_like, shape (post, pre)
        Weight of each synapse.
    window : int, default 1
        H, the same as the neurons'; with their ``objective="count"`` the steps of a sample less 1.
    gamma : float, default 0.0
        Decay of the eligibility, in [0, 1]. 0: the signal of a step answers this step. 1: the
        exact score-function estimator, for a signal that comes later.
    reset_interval, reset_offset : int, optional
        When the eligibility restarts from zero: the same as the neurons'.
    copies : int, optional
        The same as the neurons': so many copies of the connection side by side, each on a sequence
        of its own, with one weight matrix that learns from their mean gradient. Ports and
        eligibility get a leading axis of this length.
    lr : float, default 1.0
        Learning rate, on top of the one that is in ``y_3``. Adam makes its steps of this size
        whatever the length of the gradient: give its rate here, and ``lr_weights=1`` to the
        neurons.
    optimizer : {"sgd", "adam"}
        Rule of the updates.
    momentum, clip : float, optional
        See :class:`~lava_sqs.optimizers.Optimizer`; *clip* bounds the gradient of each row.
    update_interval : int, default 1
        Steps per mini-batch: gradients are averaged over them and applied in the learning phase
        of the last one. With the neurons' ``objective="count"`` a multiple of the steps of a
        sample; the average is over samples then.
    credit : {"aligned", "symmetric"}, optional
        What errors go back through. None: none go back.
    feedback : array_like, shape (post, pre), optional
        B to start from, with *aligned*. None: zeros, so that presynaptic neurons hear nothing
        before the first update.
    decay : float, optional
        Number in [0, 1): the share of the weights, and of their feedback, that an update takes
        away. Default 1e-3 with *aligned*, as in :class:`~lava_sqs.SQSNN`; 0 otherwise.
    name, log_config
        Name and logging of the Process, see Lava's ``AbstractProcess``.

    Attributes
    ----------
    s_in : InPort, shape (pre,) or (copies, pre)
        Spikes of the presynaptic neurons.
    a_out : OutPort, shape (post,) or (copies, post)
        ``weights @ s_in`` of the step before.
    s_in_kernel : InPort, shape ((window + 1) * copies * post,)
        Scores of the currents, from ``kernel_out`` of :class:`~lava_sqs.LearningSQS`.
    s_in_y3 : InPort, shape (copies * post,)
        Learning rate times signal, from ``s_out_y3``. Unconnected, the weights stay as they are.
    error_out : OutPort, shape ((window + 1) * copies * pre,)
        Errors for *credit*: what each spike of the sample was worth, the last step's first, to
        ``a_third_factor_in`` of hidden neurons. Zeros but in the last step of a sample.
    weights : Var, shape (post, pre)
        Weight of each synapse.
    feedback : Var, shape (post, pre)
        B; zeros unless *credit* is *aligned*.
    eligibility : Var, shape (post, pre) or (copies, post, pre)
        What each synapse keeps of the score until the learning signal comes.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value. When the network starts: if the
        scores are not those of the neurons that the connection drives. While it runs, a port that
        brings NaN or infinity, or weights that have grown to it, end the run with a RuntimeError
        that names the Process, the time step and the port or Var.

    Examples
    --------
    >>> connection = SQSDense(weights=np.full((3, 8), 0.1), window=4)
    >>> connection.s_in.shape, connection.a_out.shape, connection.s_in_kernel.shape
    ((8,), (3,), (15,))
    """

    _elsewhere = CONNECTION

    def __init__(
        self,
        *,
        weights: Any,
        window: int = 1,
        gamma: float = 0.0,
        reset_interval: int | None = None,
        reset_offset: int = 0,
        copies: int | None = None,
        lr: float = 1.0,
        optimizer: str = "sgd",
        momentum: float | None = None,
        clip: float | None = None,
        update_interval: int = 1,
        credit: str | None = None,
        feedback: Any = None,
        decay: float | None = None,
        name: str | None = None,
        log_config: LogConfig | None = None,
    ) -> None:
        matrix = check_shape("weights", check_real("weights", weights), ("post", "pre"))
        if not matrix.size:
            raise ArgumentValueError(
                "weights", f"must connect something, but has shape {matrix.shape}."
            )
        window = check_int("window", window, minimum=0)
        gamma = check_share("gamma", gamma)
        back = _check_feedback(credit, feedback, matrix.shape)
        fades = _check_decay(decay, credit, gamma)
        interval, offset = check_reset(reset_interval, reset_offset)
        batch = () if copies is None else (check_int("copies", copies, minimum=1),)
        super().__init__(
            window=window,
            copies=copies,
            gamma=gamma,
            reset_interval=interval,
            reset_offset=offset,
            lr=check_positive("lr", lr, zero=True),
            optimizer=Optimizer(optimizer, momentum=momentum, clip=clip),
            update_interval=check_int("update_interval", update_interval, minimum=1),
            credit=credit,
            decay=fades,
            name=name,
            log_config=log_config,
        )
        post, pre = matrix.shape
        channels = (copies or 1) * post
        spikes = (copies or 1) * pre
        check_window_fits(window, channels + (0 if credit is None else spikes), spikes)
        self.s_in = self._in_port("s_in", (*batch, pre))
        self.a_out = self._out_port("a_out", (*batch, post))
        self.s_in_kernel = self._in_port("s_in_kernel", ((window + 1) * channels,))
        self.s_in_y3 = self._in_port("s_in_y3", (channels,))
        self.error_out = self._out_port("error_out", ((window + 1) * spikes,))
        self.weights = Var(shape=matrix.shape, init=matrix)
        self.feedback = Var(shape=matrix.shape, init=back)
        self.eligibility = Var(shape=(*batch, post, pre), init=np.zeros((*batch, post, pre)))

    @staticmethod
    def _check_before_run(process: Any, run_cfg: Any) -> None:
        check_floating_pt(process, run_cfg)
        check_kernel(process)

    window: int = parameter("How many steps back the score of a current reaches.", "window")
    copies: int | None = parameter(
        "How many copies of the connection run side by side, or None.", "copies"
    )
    credit: str | None = parameter("What errors go back through, or None.", "credit")


def _check_feedback(credit: Any, feedback: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the feedback weights to start from; zeros if there are none."""
    if credit is not None:
        check_choice("credit", credit, CREDITS)
    if feedback is None:
        return np.zeros(shape)
    if credit != "aligned":
        raise ArgumentValueError(
            "feedback", f"belongs to credit='aligned', but was given with credit={credit!r}."
        )
    return check_shape("feedback", check_real("feedback", feedback), shape)


def _check_decay(decay: Any, credit: str | None, gamma: float) -> float:
    """Return the share that fades per update."""
    if credit is not None and gamma:
        raise ArgumentValueError("gamma", f"must be 0 with credit={credit!r}, but got {gamma:g}.")
    if decay is None:
        return DECAY if credit == "aligned" else 0.0
    return check_positive("decay", decay, zero=True, below=1.0)
