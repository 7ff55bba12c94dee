r"""Lava learning rules that carry the exact local score into stock ``LearningDense``.

A postsynaptic :class:`~lava_sqs.LearningSQS` sends, in every time step, ``y1 = kappa_0``,
``y2 = kappa_1`` (the scores of its present and previous current) and ``y3``, learning rate times
learning signal. The presynaptic history that goes with them is one step older than the spikes
that the connection receives now: in Lava a connection delays by one step. So the synaptic tag is
used as a delay line, ``t(t) = x(t-1)`` and, a second one, ``d(t) = x(t-2)``, as the rule reads
them:

.. math:: \Delta w = y_3 (y_1\, t + y_2\, d), \qquad t \leftarrow x, \qquad d \leftarrow t .
"""

from __future__ import annotations

from typing import Any

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.magma.core.learning.learning_rule import Loihi3FLearningRule
from lava.magma.core.process.connection import LearningConnectionProcess
from lava.magma.core.process.process import AbstractProcess
from lava.proc.dense.process import LearningDense

from lava_sqs._checks import check_instance, check_int
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.proc import _private
from lava_sqs.proc._refusals import check_floating_pt, check_pair, check_reader
from lava_sqs.proc.count_softmax.process import CountSoftmax
from lava_sqs.proc.learning_sqs.process import LearningSQS
from lava_sqs.proc.sqs_dense.process import SQSDense

__all__ = ["SQSLearningRule", "SQSRewardRule", "connect_count", "connect_learning"]

# Stock three-factor rules decay y by exp(-1 / 65535) per epoch; a score must not decay at all.
_NO_DECAY = 2**62


def _keep_scores(rule: Any) -> None:
    """Let what arrives at y1, y2 and y3 be read as it is."""
    rule.y1_tau = rule.y2_tau = rule.y3_tau = _NO_DECAY


class _ScoreRule(Loihi3FLearningRule):
    """A rule that takes its scores and its signal, as they are, from a LearningSQS."""

    #: Any Loihi3FLearningRule may say so: then LearningSQS sends it scores, not traces.
    reads_scores = True
    window: int

    def __init__(self, **rule: str) -> None:
        super().__init__(**rule, t_epoch=1)
        _keep_scores(self)

    def _check_before_run(self, connection: AbstractProcess, run_cfg: Any) -> None:
        """Refuse connections that cannot execute the rule, or that never get a score."""
        rule, name = type(self).__name__, connection.name
        if not isinstance(connection, LearningDense):
            raise TypeError(
                f"{type(connection).__name__} Process '{name}' cannot execute {rule}, which uses "
                "the synaptic tag. Use a LearningDense or an SQSDense."
            )
        check_floating_pt(connection, run_cfg)


class SQSLearningRule(_ScoreRule):
    """Score times signal of the same step: ``dw = y3 * sum_h kappa_h x(t-1-h)``, h = 0..window.

    Use it on a stock ``LearningDense`` under a floating-point run configuration, wired with
    :func:`connect_learning`. Right for visible (clamped) neurons, whose score needs no waiting,
    and for hidden ones whose signal answers the same step.

    Parameters
    ----------
    window : {0, 1}
        How far back the score of a current reaches: Loihi's synapses have two state variables
        besides the weight. :class:`~lava_sqs.SQSDense` has a window of any length.

    Raises
    ------
    TypeError, ValueError
        If *window* is not 0 or 1.

    Examples
    --------
    >>> SQSLearningRule(window=1).window
    1
    """

    def __init__(self, window: int = 1) -> None:
        self.window = check_int("window", window, minimum=0)
        if window > 1:
            raise ArgumentValueError(
                "window",
                f"must be 0 or 1, for a Loihi synapse has two state variables, "
                f"but got {window}. SQSDense takes longer windows.",
            )
        if window == 0:
            super().__init__(dw="u0*t*y1*y3", dt="x0 - u0*t")
        else:
            super().__init__(dw="u0*t*y1*y3 + u0*d*y2*y3", dt="x0 - u0*t", dd="u0*t - u0*d")

    def __repr__(self) -> str:
        return f"SQSLearningRule(window={self.window})"


class SQSRewardRule(_ScoreRule):
    """Eligibility for a signal that comes later: ``E <- gamma E + kappa_0 x(t-1)``, ``dw = y3 E``.

    ``gamma = 1 - 2**-decay_exponent``; the eligibility is the synaptic tag, the delay line its
    other state variable, so the window is 0.

    Parameters
    ----------
    decay_exponent : int or None
        1 to 7; None never forgets (``gamma = 1``: then nothing forgets at a reset either).

    Raises
    ------
    TypeError, ValueError
        If *decay_exponent* has another value.

    Examples
    --------
    >>> SQSRewardRule(decay_exponent=4).gamma
    0.9375
    """

    gamma: float

    def __init__(self, decay_exponent: int | None = 4) -> None:
        self.window = 0
        if decay_exponent is None:
            fade_tag, fade_weight, self.gamma = "", "", 1.0
        else:
            k = check_int("decay_exponent", decay_exponent, minimum=1)
            if k > 7:
                raise ArgumentValueError(
                    "decay_exponent",
                    f"must be 1 to 7 (the rule grammar ends at 2^-7), "
                    f"but got {k}. None never forgets.",
                )
            fade_tag, fade_weight = f" - 2^-{k}*u0*t", f" - 2^-{k}*u0*t*y3"
            self.gamma = 1 - 2.0**-k
        super().__init__(
            dw=f"u0*t*y3 + u0*d*y1*y3{fade_weight}",
            dt=f"u0*d*y1{fade_tag}",
            dd="x0 - u0*d",
        )

    def __repr__(self) -> str:
        return f"<SQSRewardRule: gamma {self.gamma:g}>"


def connect_learning(neurons: LearningSQS, connection: Any) -> None:
    """Wire the learning ports of *neurons* into the connection that drives them.

    The connection's ``a_out`` is connected to the neurons' ``a_in`` as always, by the user.

    Parameters
    ----------
    neurons : LearningSQS
        The postsynaptic neurons.
    connection : LearningDense or SQSDense
        The connection whose weights learn. For neurons that send scores an ``SQSDense``, or a
        ``LearningDense`` with a :class:`SQSLearningRule`, a :class:`SQSRewardRule` or a rule of
        your own, a ``Loihi3FLearningRule`` whose class has the attribute ``reads_scores = True``
        (and ``window = 1`` if it reads y2); for neurons that send traces a ``LearningDense`` with
        any other rule, such as Lava's ``RewardModulatedSTDP``.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, sizes differ, the rule's window is longer than the
        neurons', or the rule reads what the neurons do not send.

    Notes
    -----
    Ports that were connected by hand are held to the same when Lava compiles the network.

    Examples
    --------
    >>> import numpy as np
    >>> synapses = LearningDense(weights=np.full((3, 8), 0.1), learning_rule=SQSLearningRule())
    >>> neurons = LearningSQS(shape=(3,), role="visible", lr_weights=0.01, seed=1)
    >>> synapses.a_out.connect(neurons.a_in)
    >>> connect_learning(neurons, synapses)
    """
    if not isinstance(neurons, LearningSQS):
        raise ArgumentTypeError(
            "neurons",
            f"must be a LearningSQS (only it computes scores), but got {type(neurons).__name__}.",
        )
    if not isinstance(connection, (LearningConnectionProcess, SQSDense)):
        raise ArgumentTypeError(
            "connection",
            f"must be a LearningDense or an SQSDense, but got {type(connection).__name__}.",
        )
    if isinstance(connection, SQSDense):
        check_pair(neurons, connection)
        wires = {"s_in_y3": neurons.s_out_y3, "s_in_kernel": neurons.kernel_out}
    else:
        wires = _wires_of_a_rule(neurons, connection)
    for name, out in wires.items():
        port = getattr(connection, name)
        if port.shape != out.shape:
            raise ArgumentValueError(
                "connection",
                f"must drive the {neurons.s_out_y3.shape[0]} channels of "
                f"`neurons`, but its port {name} has shape {port.shape}.",
            )
    for name, out in wires.items():
        out.connect(getattr(connection, name))


def connect_count(*chain: Any, n_classes: int, name: str | None = None) -> CountSoftmax:
    """Wire layers that learn with ``objective="count"``, and return what knows the classes.

    What remains to be connected is the input, to ``s_in`` of the first connection, and the labels,
    to ``label_in`` of what is returned. A further connection into a layer is wired by its
    ``a_out`` and :func:`connect_learning`.

    Parameters
    ----------
    *chain : SQSDense and LearningSQS
        The connections and layers in turn, from the first connection to the visible neurons.
        Connections between neurons need a *credit*.
    n_classes : int
        Neurons of a class are side by side in the visible layer.
    name : str, optional
        Name of the CountSoftmax.

    Returns
    -------
    CountSoftmax

    Raises
    ------
    TypeError, ValueError
        If the chain is not made of these in turn, or two neighbours do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> S, rng = 12, np.random.default_rng(0)
    >>> neurons = {"objective": "count", "temperature": 4.0, "reset_interval": S, "lr_weights": 1}
    >>> synapses = {"window": S - 1, "update_interval": S, "optimizer": "adam", "lr": 0.02}
    >>> softmax = connect_count(
    ...     SQSDense(weights=rng.normal(0.1, 0.1, (16, 8)), **synapses),
    ...     LearningSQS(shape=16, role="hidden", lr_theta=0.01, **neurons),
    ...     SQSDense(weights=rng.normal(0.1, 0.1, (4, 16)), credit="aligned", **synapses),
    ...     LearningSQS(shape=4, role="visible", lag=2, lr_theta=0.01, **neurons),
    ...     n_classes=2,
    ... )
    >>> softmax.label_in.shape
    (1,)
    """
    if not chain or len(chain) % 2:
        raise ArgumentValueError(
            "chain",
            "must be connections and neurons in turn, the visible ones last, but got "
            f"{len(chain)} Processes.",
        )
    connections, layers = chain[::2], chain[1::2]
    for i, (connection, neurons) in enumerate(zip(connections, layers, strict=True)):
        check_instance(f"chain[{2 * i}]", connection, SQSDense)
        check_instance(f"chain[{2 * i + 1}]", neurons, LearningSQS)
        role = "visible" if neurons is layers[-1] else "hidden"
        if (neurons.objective, neurons.role) != ("count", role):
            raise ArgumentValueError(
                f"chain[{2 * i + 1}]",
                f"must have objective='count' and role={role!r}, but has "
                f"objective={neurons.objective!r} and role={neurons.role!r}.",
            )
        if i and connection.credit is None:
            raise ArgumentValueError(
                f"chain[{2 * i}]",
                "must have credit='aligned' or 'symmetric', or the neurons that drive it would "
                "never hear of an error.",
            )
    visible = layers[-1]
    size = visible.count_out.shape[0] // (visible.copies or 1)
    softmax = CountSoftmax(
        n_classes=n_classes,
        n_channels=size,
        temperature=visible.temperature,
        reset_interval=visible.reset_interval,
        copies=visible.copies,
        name=name,
    )
    for i, (connection, neurons) in enumerate(zip(connections, layers, strict=True)):
        connect_learning(neurons, connection)
        connection.a_out.reshape(neurons.a_in.shape).connect(neurons.a_in)
        if i:
            before = layers[i - 1]
            before.s_out.reshape(connection.s_in.shape).connect(connection.s_in)
            connection.error_out.connect(before.a_third_factor_in)
    visible.count_out.connect(softmax.a_in)
    softmax.error_out.connect(visible.a_third_factor_in)
    return softmax


def _wires_of_a_rule(neurons: LearningSQS, connection: Any) -> dict[str, Any]:
    """Return which port of a stock connection listens to which of the neurons'."""
    rule = _private.learning_rule(connection)
    reads_scores = bool(getattr(rule, "reads_scores", False))
    if neurons.sends == "traces" and not reads_scores:
        listens = ("bap", "y1", "y2", "y3") if isinstance(rule, Loihi3FLearningRule) else ("bap",)
        return {f"s_in_{name}": getattr(neurons, f"s_out_{name}") for name in listens}
    if not isinstance(connection, LearningDense) or not reads_scores:
        raise ArgumentTypeError(
            "connection",
            "must be a LearningDense with an SQSLearningRule, an "
            "SQSRewardRule or a rule with reads_scores = True, or an SQSDense, for neurons that "
            f"send scores, but is a {type(connection).__name__} with {type(rule).__name__}. For "
            "rules that read traces make the neurons with sends='traces'.",
        )
    check_reader(connection)
    check_pair(neurons, connection)
    _keep_scores(rule)
    return {f"s_in_{name}": getattr(neurons, f"s_out_{name}") for name in ("bap", "y1", "y2", "y3")}
