"""What learning Processes and rules refuse before a network starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.connection import LearningConnectionProcess
from lava.magma.core.process.ports.ports import AbstractPort, TransposePort
from lava.magma.core.process.process import AbstractProcess

from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.proc import _private

_MAX_BYTES = 2 * 2**30
#: Messages that Lava's channel between two ports holds.
_CHANNEL = 64


def check_window_fits(window: int, channels: int, floats: int) -> None:
    """Refuse a window that needs too much memory.

    Parameters
    ----------
    window : int
        H.
    channels : int
        Scores per step of the window, which travel through one of Lava's channels.
    floats : int
        What the Process itself keeps per step of the window.
    """
    per_step = 8 * (_CHANNEL * channels + floats)
    need = (window + 1) * per_step
    if need > _MAX_BYTES:
        raise ArgumentValueError(
            "window",
            f"must be at most {max(_MAX_BYTES // per_step - 1, 0)} for "
            f"{channels} channels, but got {window}, which needs {need / 2**30:.3g} GiB. The steps "
            "between two resets are enough.",
        )


def check_floating_pt(process: AbstractProcess, run_cfg: Any) -> None:
    """Refuse to learn under a fixed-point run configuration."""
    if getattr(run_cfg, "select_tag", None) == "fixed_pt":
        raise ArgumentValueError(
            "run_cfg",
            f"must not have select_tag='fixed_pt' for a network that learns: "
            f"{_label(process)} has no such model, because Lava "
            "clips and shifts scores there. Learn under select_tag='floating_pt', and run what was "
            "learned under 'fixed_pt' as SQS behind a stock Dense.",
        )


# Who sends what to whom ----------------------------------------------------------------------


def check_neighbours(process: AbstractProcess) -> None:
    """Refuse learning connections around one of our Processes that would learn from nonsense.

    Lava compiles a Process only if this returns, under whatever run configuration.
    """
    for each in {id(p): p for p in _neighbours(process)}.values():
        if isinstance(each, LearningConnectionProcess):
            check_rule(each)
    if hasattr(process, "s_in_kernel"):
        check_kernel(process)
    for name, why in getattr(process, "_needed", {}).items():
        if not _sources(getattr(process, name)):
            raise ValueError(f"Nothing is connected to {name} of {_label(process)}, {why}.")
    if getattr(process, "objective", None) == "count":
        check_errors(process)


def check_errors(neurons: Any) -> None:
    """Refuse neurons that learn from whole samples if what tells them of errors does not fit.

    Parameters
    ----------
    neurons : LearningSQS with objective="count"
    """
    for source in _sources(neurons.a_third_factor_in):
        teller, what = source.process, f"a_third_factor_in of {_label(neurons)}"
        told = f"{what} listens to {source.name} of {_label(teller)}"
        if hasattr(teller, "s_in_kernel"):
            if neurons.role != "hidden" or source.name != "error_out":
                raise ValueError(
                    f"{told}, but must hear errors: a hidden neuron through error_out of the "
                    "connection that it drives, a visible one from a CountSoftmax."
                )
            if neurons.s_out not in _sources(teller.s_in) and not _unknown(teller):
                raise ValueError(f"{told}, but does not drive it, so the errors are of others.")
            for heard in teller.a_out.get_dst_ports():
                theirs = getattr(heard.process, "temperature", None)
                if theirs not in (None, neurons.temperature):
                    raise ValueError(
                        f"{told}, so its temperature must be that of {_label(heard.process)}, "
                        f"{theirs:g}, but is {neurons.temperature:g}."
                    )
        elif _sends(source):
            raise ValueError(f"{told}, but neurons send no errors there. Call connect_count.")
        elif hasattr(teller, "n_classes"):
            for name in ("temperature", "reset_interval", "copies"):
                mine, theirs = getattr(neurons, name), getattr(teller, name)
                if mine != theirs:
                    raise ValueError(
                        f"{told}, so both must have the same {name}, but have {mine} and {theirs}."
                    )
            if neurons.count_out not in _sources(teller.a_in):
                raise ValueError(
                    f"{told}, which must count its spikes: count_out is not connected "
                    "to a_in there. Call connect_count."
                )


def check_rule(connection: Any) -> None:
    """Refuse a stock connection whose rule and neurons do not speak of the same things.

    Parameters
    ----------
    connection : LearningDense or another of Lava's learning connections
    """
    rule = _private.learning_rule(connection)
    law, who = type(rule).__name__, _label(connection)
    traces = {f"y{k}": getattr(connection, f"s_in_y{k}") for k in (1, 2, 3)}
    ours = {y: [s for s in _sources(port) if _sends(s)] for y, port in traces.items()}
    if getattr(rule, "reads_scores", False):
        _check_score_rule(connection, rule, traces, ours)
        return
    if not isinstance(rule, Loihi3FLearningRule):
        deaf = [f"s_in_{y}" for y, sources in ours.items() if sources]
        if not isinstance(rule, Loihi2FLearningRule):
            deaf += ["s_in_bap" for s in _sources(connection.s_in_bap) if _sends(s)]
        if deaf:
            raise ValueError(
                f"{who} must not be connected at {', '.join(deaf)}: {law} makes its traces itself "
                "and never listens there, so the network would stand still after "
                f"{_CHANNEL} steps. Connect s_in_bap alone."
            )
        return
    for y, sources in ours.items():
        for source in sources:
            neurons: Any = source.process
            if neurons.sends == "scores":
                raise ValueError(
                    f"{who} must not get scores: {law} takes what arrives at s_in_{y} for a trace "
                    f"or a reward, but {source.name} of {_label(neurons)} is a score or a scaled "
                    "signal. Make the neurons with sends='traces', or give the class of a rule "
                    "that is made for scores the attribute reads_scores = True."
                )
            _check_traces(neurons, rule, law)


def _check_score_rule(
    connection: Any, rule: Any, traces: dict[str, Any], ours: dict[str, list[Any]]
) -> None:
    check_reader(connection)
    law, who = type(rule).__name__, _label(connection)
    read = [y for y in traces if y in rule.active_traces]
    call = "Let it drive a LearningSQS and call connect_learning(neurons, connection)."
    for y in read:
        sources = _sources(traces[y])
        if not sources:
            raise ValueError(
                f"{who} has {law} but gets no scores, so it would not learn: nothing is connected "
                f"to s_in_{y}. {call}"
            )
        for source in sources:
            if y != "y3" and not (_may_send_scores(source) or _unknown(source.process)):
                raise ValueError(
                    f"{who} has {law} but gets no scores: s_in_{y} listens to {source.name} of "
                    f"{_label(source.process)}. {call}"
                )
            if source in ours[y] and source.name in _PORTS and source.name != f"s_out_{y}":
                raise ValueError(
                    f"{who} listens at s_in_{y} to {source.name} of {_label(source.process)}. "
                    f"{call}"
                )
    for neurons in {id(s.process): s.process for y in read for s in ours[y]}.values():
        check_pair(neurons, connection)
        _check_drives(connection, neurons)


def check_reader(connection: Any) -> None:
    """Refuse a rule that says that it reads scores and cannot.

    Parameters
    ----------
    connection : LearningDense
    """
    rule = _private.learning_rule(connection)
    law, who = type(rule).__name__, _label(connection)
    if not isinstance(rule, Loihi3FLearningRule):
        raise TypeError(
            f"{who} has {law}, which has reads_scores but is no Loihi3FLearningRule: Lava hands "
            "y1, y2 and y3 to those alone."
        )
    if rule.t_epoch != 1:
        raise ValueError(
            f"{who} must learn in every step, but {law} has t_epoch={rule.t_epoch}: a score "
            "belongs to the spike of one step."
        )


_PORTS = ("s_out_bap", "s_out_y1", "s_out_y2", "s_out_y3", "kernel_out")


def check_kernel(connection: Any) -> None:
    """Refuse an SQSDense that learns from anything but the scores of the neurons it drives."""
    who = _label(connection)
    call = "Let it drive a LearningSQS and call connect_learning(neurons, connection)."
    if connection.credit is None and connection.error_out.get_dst_ports():
        raise ValueError(
            f"{who} sends no errors, but error_out is connected. Make it with credit='aligned' or "
            "credit='symmetric'."
        )
    kernels, signals = _sources(connection.s_in_kernel), _sources(connection.s_in_y3)
    if signals and not kernels:
        raise ValueError(
            f"{who} gets a signal but no scores, so it would not learn: nothing is connected to "
            f"s_in_kernel. {call}"
        )
    for port, sources, wanted in (
        ("s_in_kernel", kernels, "kernel_out"),
        ("s_in_y3", signals, "s_out_y3"),
    ):
        for source in sources:
            named = source.name == wanted or (
                port == "s_in_y3" and source.name not in _PORTS  # a signal may come from anywhere
            )
            known = _may_send_scores(source) or port == "s_in_y3" or _unknown(source.process)
            if not known or (_sends(source) and not named):
                raise ValueError(
                    f"{who} must get scores, but {port} listens to {source.name} of "
                    f"{_label(source.process)}. {call}"
                )
    for neurons in {id(s.process): s.process for s in (*kernels, *signals) if _sends(s)}.values():
        check_pair(neurons, connection)
        _check_drives(connection, neurons)


def check_pair(neurons: Any, connection: Any) -> None:
    """Refuse neurons and a connection that learns from their scores if they do not fit.

    Parameters
    ----------
    neurons : Process with `sends`
    connection : SQSDense, or LearningDense with a rule that reads scores
    """
    if neurons.sends != "scores":
        raise ArgumentValueError(
            "connection",
            f"must not read scores, but {_label(connection)} does, and "
            f"{_label(neurons)} sends {neurons.sends}. Make the neurons with sends='scores'.",
        )
    window, copies = getattr(neurons, "window", 0), getattr(neurons, "copies", None)
    count = getattr(neurons, "objective", "likelihood") == "count"
    if isinstance(connection, LearningConnectionProcess):
        if count:
            raise ArgumentTypeError(
                "connection",
                "must be an SQSDense for neurons with objective='count': a rule of Lava's has not "
                "kept the spikes of a whole sample.",
            )
        if copies is not None:
            raise ArgumentTypeError(
                "connection",
                "must be an SQSDense with the same `copies` for neurons that "
                f"have copies={copies}: a LearningDense cannot share its weights between copies.",
            )
        wanted = getattr(_private.learning_rule(connection), "window", 0)
        if wanted > window:
            raise ArgumentValueError(
                "neurons", f"must have window >= {wanted} for this rule, but has window={window}."
            )
        return
    if connection.window != window:
        raise ArgumentValueError(
            "connection",
            f"must have the window of its neurons, {window}, but has window={connection.window}.",
        )
    if connection.copies != copies:
        raise ArgumentValueError(
            "connection",
            f"must have the copies of its neurons, {copies}, but has copies={connection.copies}.",
        )
    given = connection.proc_params
    _check_sample_of(neurons, connection, count)
    mine = given["reset_interval"], given["reset_offset"]
    theirs = getattr(neurons, "reset_interval", None), getattr(neurons, "reset_offset", 0)
    if given["gamma"] > 0 and mine != theirs:
        raise ArgumentValueError(
            "connection",
            "must have the resets of its neurons, or gamma=0, since its "
            f"eligibility lasts: (reset_interval, reset_offset) is {theirs} there and {mine} here.",
        )


def _check_sample_of(neurons: Any, connection: Any, count: bool) -> None:
    """Refuse a connection that learns from whole samples if its neurons do not, or otherwise."""
    given = connection.proc_params
    if count:
        steps, interval = neurons.reset_interval, given["update_interval"]
        if given["gamma"] or interval % steps:
            raise ArgumentValueError(
                "connection",
                f"must have gamma=0 and an update_interval that is a multiple of {steps}, the "
                "steps of a sample of its neurons with objective='count', but has "
                f"gamma={given['gamma']:g} and update_interval={interval}.",
            )
    elif given["credit"] is not None:
        raise ArgumentValueError(
            "connection",
            f"must have no credit={given['credit']!r} for neurons with objective='likelihood', "
            "which say nothing of whole samples.",
        )


def _check_traces(neurons: Any, rule: Any, law: str) -> None:
    for own, theirs in (
        ("trace_tau", "post_trace_decay_tau"),
        ("trace_impulse", "post_trace_kernel_magnitude"),
    ):
        value, wanted = getattr(neurons, own), getattr(rule, theirs, None)
        if wanted is not None and float(wanted) != value:
            raise ValueError(
                f"{_label(neurons)} must have the trace that {law} says, but has "
                f"{own}={value:g} where {theirs} is {wanted:g}."
            )


def _check_drives(connection: Any, neurons: Any) -> None:
    """Refuse scores of other neurons than those that the connection drives."""
    driven = connection.a_out.get_dst_ports()
    if neurons.a_in not in driven and not any(_unknown(port.process) for port in driven):
        raise ValueError(
            f"{_label(connection)} learns from the scores of {_label(neurons)}, so it must drive "
            f"these neurons, but drives {', '.join(_label(p.process) for p in driven) or 'nobody'}."
        )
    ports: list[AbstractPort] = [connection.a_out]
    while ports:
        port = ports.pop()
        if isinstance(port, TransposePort) and neurons.a_in in port.get_dst_ports():
            raise ValueError(
                f"{_label(connection)} learns from the scores of {_label(neurons)}, which come in "
                "C order: a_out must reach a_in without transpose(...)."
            )
        ports += port.out_connections


def _label(process: AbstractProcess) -> str:
    return f"{type(process).__name__} Process '{process.name}'"


def _sources(port: Any) -> list[Any]:
    return list(port.get_src_ports())


def _sends(port: Any) -> bool:
    """Whether a port is of neurons that say what they send."""
    return hasattr(port.process, "sends")


def _may_send_scores(port: Any) -> bool:
    """Whether a port is of neurons that send scores, or of a source of data."""
    return bool(
        getattr(port.process, "sends", None) == "scores" or not port.process.in_ports.members
    )


def _unknown(process: AbstractProcess) -> bool:
    """Whether a Process is made of others, which Lava has not resolved yet."""
    models = _private.models_of(process)
    return any(issubclass(model, AbstractSubProcessModel) for model in models)


def _neighbours(process: AbstractProcess) -> Iterator[AbstractProcess]:
    for port in process.in_ports.members:
        yield from (source.process for source in port.get_src_ports())
    for port in process.out_ports.members:
        yield from (target.process for target in port.get_dst_ports())
