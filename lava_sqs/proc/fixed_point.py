"""Floats to fixed point: a network that behaves the same in Loihi's integers.

Lava's ``fixed_pt`` models read the same Vars as its ``floating_pt`` models, in other units:

    u = u (1 - (du + 1) / 4096) + 64 a,  v = v (1 - dv / 4096) + u + bias_mant 2**bias_exp,
    a spike where v > 64 vth,            a = 2**weight_exp sum of weights of 8 bits

with u and v of 24 bits. One factor k turns currents into integers; states, biases and thresholds
follow with 64 k. It is chosen so that weights have all their bits and u cannot overflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.process import AbstractProcess
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.lif.process import LIF, LIFReset
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_share
from lava_sqs._errors import ArgumentValueError
from lava_sqs._text import aligned
from lava_sqs.proc.qlif.process import QLIF
from lava_sqs.proc.sqs.process import SQS
from lava_sqs.proc.stochastic_lif.process import StochasticLIF

Array = NDArray[Any]

__all__ = ["FixedPoint", "FixedPointPart", "to_fixed_point"]

_SYNAPSES, _MEMBRANES, _SCALED = (Dense, DelayDense), (LIF, LIFReset), (SQS, QLIF, StochasticLIF)
_SHIFT = 64  # of currents and thresholds against states
_STATE = 2**23 - 1  # of u and v
_UNITY = 2**12  # of decays
_MANTISSA, _BIAS_EXP = 2**12 - 1, 7
_WEIGHT_EXP = 7
_HIGHEST = 2**13  # of vth, so that v reaches 16 thresholds below 0
_ALONE = 5040  # vth without synapses: biases that are a fraction of it stay one
_COARSE = 0.05  # of a decay, a threshold: what rounding may change
_PARAMETERS = ("weight_exp", "current_scale")  # which are no Vars
_LEAST = 32  # of the largest weight, as an integer


@dataclass(frozen=True)
class FixedPointPart:
    """What one Process became.

    Attributes
    ----------
    name, kind : str
        Name of the Process, and of its class.
    scale : float
        Integers per float: of weights with their exponent, of thresholds and, times 64, of states.
    values : dict of str to ndarray, shape of the Var
        The integers, by the names of its Vars (of an SQS its ``current_scale``, a float).
    errors : dict of str to float
        How far rounding moved each: decays and thresholds relative to themselves, weights and
        biases at most, relative to the largest of them.

    Examples
    --------
    >>> from lava.proc.lif.process import LIF
    >>> (part,) = to_fixed_point(LIF(shape=(1,), bias_mant=0.25, dv=0.5, vth=1.0)).parts
    >>> {key: int(value.max()) for key, value in part.values.items() if key in ("dv", "vth")}
    {'dv': 2048, 'vth': 5040}
    """

    name: str
    kind: str
    scale: float
    values: Mapping[str, Array] = field(repr=False)
    errors: Mapping[str, float]


@dataclass(frozen=True)
class FixedPoint:
    """What :func:`to_fixed_point` made; its text is a table.

    Attributes
    ----------
    parts : tuple of FixedPointPart
        One for each Process with numbers in it.
    activity : float
        The share of spikes for which no current overflows.

    Examples
    --------
    >>> from lava.proc.lif.process import LIF
    >>> to_fixed_point(LIF(shape=(1,), bias_mant=0.25, dv=0.5, vth=1.0)).error
    0.0
    """

    parts: tuple[FixedPointPart, ...]
    activity: float

    @property
    def error(self) -> float:
        """The largest of all errors."""
        return max((e for part in self.parts for e in part.errors.values()), default=0.0)

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("Process", "class", "scale", "rounding moves by at most")]
        for part in self.parts:
            moved = ", ".join(f"{key} {100 * e:.2g} %" for key, e in part.errors.items() if e)
            rows.append((part.name, part.kind, f"{part.scale:.6g}", moved or "0"))
        return aligned(rows, "<<><")


def to_fixed_point(process: Any, *, activity: float = 1.0) -> FixedPoint:
    r"""Turn a network of floats into one that behaves the same under ``fixed_pt``, in place.

    All Processes that are connected with *process* get Loihi's integers for their floats: weights
    of 8 bits with an exponent, decays of 12 bits, biases of 13 bits with an exponent, thresholds.
    What is fed by them in units of its own, such as an SQS population, gets another
    ``current_scale``. Run the network with ``SQSSimCfg(select_tag="fixed_pt")`` or
    ``Loihi2SimCfg(select_tag="fixed_pt")``. Nothing is changed if anything does not fit.

    .. math:: a \to k\,a, \qquad (u, v, b) \to 64 k\,(u, v, b), \qquad V_{th} \to k\,V_{th}

    k, one for all populations that share a Dense, is the largest at which weights have 8 bits, u
    cannot overflow and v reaches 16 thresholds below 0.

    Parameters
    ----------
    process : AbstractProcess
        Any Process of the network, which has not run: LIF, LIFReset, Dense, DelayDense, SQS, QLIF,
        StochasticLIF, and sources and sinks of spikes, which Processes of other classes are
        taken for.
    activity : float
        The largest share of the inputs of a neuron that spike at once, in (0, 1]. At 1 no current
        can overflow; less leaves more bits to weights of neurons with very many inputs.

    Returns
    -------
    FixedPoint
        The integers and the rounding errors, by Process.

    Raises
    ------
    TypeError
        If *process* is no Process of Lava.
    ValueError
        If a Process cannot be converted (it learns, is of another class, or has run), or its
        numbers do not fit: a current that would overflow, a decay or threshold that rounding
        changes by more than 5 %.

    Examples
    --------
    >>> import numpy as np
    >>> from lava.proc.dense.process import Dense
    >>> from lava.proc.lif.process import LIF
    >>> lif = LIF(shape=(2,), bias_mant=0.3, dv=0.1, vth=1.0, name="input")
    >>> dense = Dense(weights=np.array([[0.5, -0.25]]), name="synapses")
    >>> out = LIF(shape=(1,), du=0.5, dv=0.1, vth=1.0, name="output")
    >>> lif.s_out.connect(dense.s_in)
    >>> dense.a_out.connect(out.a_in)
    >>> found = to_fixed_point(out)
    >>> dense.weights.init.tolist(), dense.proc_params["weight_exp"], int(out.vth.init)
    ([[254, -128]], 4, 8128)
    >>> print(found)
    Process   class  scale  rounding moves by at most
    input     LIF     5040  dv 0.098 %
    synapses  Dense   8128  weights 0.39 %
    output    LIF     8128  dv 0.098 %
    """
    check_instance("process", process, AbstractProcess)
    activity = check_share("activity", activity, zero=False)
    processes = sorted(set(find_processes(process)), key=lambda p: int(p.id))
    for check in (_check_state, _check_kind):
        for other in processes:
            check(other)
    found: dict[Any, FixedPointPart] = {}
    for group in _groups(processes):
        found |= _convert(group, activity)
    ordered = [p for p in processes if p in found]
    for other in ordered:
        for key, value in found[other].values.items():
            if key in _PARAMETERS:
                other.proc_params.overwrite(key, value.item())
            else:
                getattr(other, key).init = value
    return FixedPoint(tuple(found[p] for p in ordered), activity)


# -- what can be converted -------------------------------------------------------------------------


def _refuse(process: Any, text: str) -> ArgumentValueError:
    return ArgumentValueError(
        "process", f"cannot be converted: {type(process).__name__} {process.name!r} {text}"
    )


def _check_state(process: Any) -> None:
    """Raise for a Process that has run, or that learns."""
    if process.is_compiled:
        raise _refuse(process, "has run. Convert a network before its first step.")
    learns = getattr(process, "learning_rule", None) is not None
    if learns or "Learning" in type(process).__name__:
        raise _refuse(process, "learns, which needs floating_pt. Convert what it has learned.")


def _check_kind(process: Any) -> None:
    """Raise for a Process whose numbers would mean something else in fixed point."""
    kind = type(process)
    if kind in _SYNAPSES:
        _check_synapses(process)
    elif kind in _MEMBRANES or kind in _SCALED:
        for port in process.a_in.get_src_ports():
            if type(port.process) not in _SYNAPSES:
                raise _refuse(
                    process,
                    f"gets currents of {type(port.process).__name__} {port.process.name!r}, whose "
                    "unit is not known. Send them through a Dense.",
                )
    elif kind.__module__.startswith(("lava.", "lava_sqs.")) and not kind.__module__.startswith(
        ("lava.proc.io", "lava.proc.monitor", "lava.proc.receiver", "lava.proc.spiker")
    ):
        known = ", ".join(k.__name__ for k in (*_MEMBRANES, *_SYNAPSES, *_SCALED))
        raise _refuse(process, f"has no rule. There are rules for {known}.")


def _check_synapses(process: Any) -> None:
    if np.any(process.num_message_bits.init):
        raise _refuse(process, "takes graded spikes. Use num_message_bits=0.")
    if process.proc_params.get("weight_exp", 0):
        raise _refuse(process, "has a weight_exp: it is in fixed point already.")
    for port in process.a_out.get_dst_ports():
        target = type(port.process)
        if target not in (*_MEMBRANES, *_SCALED) and len(list(port.process.out_ports)):
            raise _refuse(
                process,
                f"feeds {target.__name__} {port.process.name!r}, to which integers would be "
                "other currents. End it in a neuron with a rule, or a sink.",
            )


def _groups(processes: Sequence[Any]) -> list[list[Any]]:
    """Return neurons and their synapses, together where they share currents."""
    groups: dict[Any, list[Any]] = {}
    for process in processes:
        if type(process) not in (*_SYNAPSES, *_MEMBRANES, *_SCALED):
            continue
        joined = [process]
        if type(process) in _SYNAPSES:
            joined += [port.process for port in process.a_out.get_dst_ports()]
        # Union of all groups that one connection touches; dict.fromkeys keeps the order.
        united = list(dict.fromkeys(p for q in joined for p in groups.get(q, [q])))
        groups |= dict.fromkeys(united, united)
    unique = {id(group): group for group in groups.values()}
    return [[p for p in processes if p in group] for group in unique.values()]


# -- numbers ---------------------------------------------------------------------------------------


def _number(process: Any, name: str) -> float:
    """Return a Var of one number, finite."""
    return float(_numbers(process, name).ravel()[0])


def _numbers(process: Any, name: str) -> Array:
    array = np.asarray(getattr(process, name).init, dtype=np.float64)
    if not np.isfinite(array).all():
        raise _refuse(process, f"has a {name} that is not finite.")
    return array


def _decay(process: Any, name: str, offset: int) -> tuple[int, float]:
    """Return a decay as an integer, and by how much rounding changes it."""
    given = _number(process, name)
    if not 0 <= given <= 1:
        raise _refuse(process, f"has {name}={given:g}, which is no share: is it converted already?")
    # Lava decays u by du + 1: the offset is 1 there, and a du of 0 means 1/4096.
    whole = min(max(round(given * _UNITY), offset), _UNITY - 1 + offset)
    error = abs(whole / _UNITY - given) / given if given else whole / _UNITY
    fed = list(process.a_in.get_src_ports())
    if name == "du" and not fed:
        return whole - offset, 0.0  # there is no current to decay
    if error > _COARSE or (whole and not given):
        raise _refuse(
            process,
            f"has {name}={given:g}, and decays are multiples of 1/4096"
            f"{', from 1/4096 on' if offset else ''}. Use a {name} of .0025 or more"
            f"{'' if offset else ', or 0'}.",
        )
    return whole - offset, error


def _top(weights: Array) -> int:
    """Return the largest integer of 8 bits: with both signs, they count in twos."""
    return 255 if (weights >= 0).all() or (weights <= 0).all() else 254


def _largest(weights: Sequence[Array]) -> float:
    """Return the largest current of one step, if all inputs of one sign spike."""
    sums = [0.0]
    # Excitation and inhibition apart: together they could cancel, and they need not spike together.
    for sign in (1, -1) if weights else ():
        sums.append(
            float(np.sum([np.maximum(sign * w, 0).sum(axis=1) for w in weights], axis=0).max())
        )
    return max(sums)


def _limit(neuron: Any, activity: float) -> float:
    """Return the largest scale k at which a population of LIF fits into its 24 bits."""
    vth = _number(neuron, "vth")
    if np.any(neuron.bias_exp.init):
        raise _refuse(neuron, "has a bias_exp, which floats ignore: is it converted already?")
    if vth < 0:
        raise _refuse(neuron, f"has vth={vth:g}, and a threshold has no sign. Use one from 0 on.")
    decay = _decay(neuron, "du", 1)[0] + 1
    fed = [_numbers(port.process, "weights") for port in neuron.a_in.get_src_ports()]
    # Geometric sum: a current in every step piles up to 4096 / decay times itself.
    reach = activity * _largest(fed) * _UNITY / decay + np.abs(_numbers(neuron, "u")).max()
    bias = np.abs(_numbers(neuron, "bias_mant")).max()
    limits = [
        (_STATE, _SHIFT * reach),
        (_STATE, _SHIFT * np.abs(_numbers(neuron, "v")).max()),
        (_MANTISSA * 2**_BIAS_EXP, _SHIFT * bias),
        (_ALONE if not reach else _HIGHEST, vth),
    ]
    return float(min((most / of for most, of in limits if of > 0), default=1.0))


def _scale(neurons: Sequence[Any], synapses: Sequence[Any], activity: float) -> float:
    """Return k: integers of the current per float."""
    membranes = [p for p in neurons if type(p) in _MEMBRANES]
    limit = min((_limit(p, activity) for p in membranes), default=np.inf)
    largest = max(synapses, key=lambda p: np.abs(_numbers(p, "weights")).max(), default=None)
    if largest is None or not np.any(most := np.abs(_numbers(largest, "weights")).max()):
        return limit if np.isfinite(limit) else 1.0
    top = _top(_numbers(largest, "weights"))
    if not membranes:
        return float(top / most * (16 if len(synapses) > 1 else 1))  # no end there
    # Weights of all 8 bits need k = top / most * 2^exponent; the largest whole exponent below the
    # limit.
    exponent = np.floor(np.log2(limit * most / top))
    k = limit if exponent < 0 else top / most * 2.0 ** min(exponent, _WEIGHT_EXP)
    if k * most < _LEAST:
        names = ", ".join(repr(p.name) for p in membranes)
        raise _refuse(
            largest,
            f"would keep {int(k * most)} of 8 bits' 255 steps for its largest weight, "
            f"{most:g}: the 24 bits of {names} have to hold every spike at once, "
            "a threshold, and a bias. Give the largest share of inputs that spike at once as "
            f"`activity` (now {activity:g}), or use a larger du, fewer inputs, or a lower "
            "threshold or bias.",
        )
    return float(k)


def _convert(group: Sequence[Any], activity: float) -> dict[Any, FixedPointPart]:
    """Return what becomes of neurons and synapses that share currents."""
    synapses = [p for p in group if type(p) in _SYNAPSES]
    neurons = [p for p in group if type(p) not in _SYNAPSES]
    k = _scale(neurons, synapses, activity)
    while True:
        found = {p: part for p in group if (part := _part(p, k)) is not None}
        if all(_holds(p, found, activity) for p in neurons if type(p) in _MEMBRANES):
            return found
        k *= 0.97  # weights were rounded up


def _part(process: Any, k: float) -> FixedPointPart | None:
    if type(process) in _SYNAPSES:
        values, errors = _synapses(process, k)
    elif type(process) in _MEMBRANES:
        values, errors = _membrane(process, k)
    elif process.a_in.get_src_ports():
        scale = process.proc_params.get("current_scale")
        values, errors = {"current_scale": np.array((1.0 if scale is None else scale) / k)}, {}
    else:
        return None
    return FixedPointPart(process.name, type(process).__name__, k, values, errors)


def _holds(neuron: Any, found: Mapping[Any, FixedPointPart], activity: float) -> bool:
    """Return whether the integers of all inputs fit into the current of a neuron."""
    fed = [found[port.process].values for port in neuron.a_in.get_src_ports()]
    whole = [v["weights"].astype(np.float64) * 2.0 ** v["weight_exp"] for v in fed]
    values = found[neuron].values
    reach = activity * _SHIFT * _largest(whole) * _UNITY / (values["du"] + 1)
    return bool(reach + np.abs(values["u"]).max() <= _STATE)


def _synapses(process: Any, k: float) -> tuple[dict[str, Array], dict[str, float]]:
    weights = _numbers(process, "weights")
    top, most = _top(weights), float(np.abs(weights).max(initial=0.0))
    exponent = max(0, int(np.ceil(np.log2(k * most / top) - 1e-9))) if most else 0
    unit = 2.0**exponent
    # Lava's Dense drops the lowest bit of weights of mixed sign.
    step = 1 if top == 255 else 2
    whole = np.clip(step * np.rint(k * weights / unit / step), -top, top)
    moved = np.abs(whole * unit / k - weights)
    error = moved.max(initial=0.0) / most if most else 0.0
    for neuron in (port.process for port in process.a_out.get_dst_ports()):
        if k * most < _LEAST and _matters(neuron, moved):
            raise _refuse(
                process,
                f"would keep {int(k * most)} of 8 bits' 255 steps for its largest weight, "
                f"{most:g}: others into {neuron.name!r}, its threshold or its biases are much "
                "larger. Make them more alike, or give smaller weights a population of their own.",
            )
    values = {"weights": whole.astype(np.int32), "weight_exp": np.array(exponent)}
    return values, {"weights": float(error)}


def _matters(neuron: Any, moved: Array) -> bool:
    """Return whether rounding may move a voltage by more than 5 % of its threshold."""
    if type(neuron) not in _MEMBRANES:
        return False
    decay = _decay(neuron, "du", 1)[0] + 1
    return bool(moved.sum(axis=1).max() * _UNITY / decay > _COARSE * _number(neuron, "vth"))


def _membrane(process: Any, k: float) -> tuple[dict[str, Array], dict[str, float]]:
    (du, du_error), (dv, dv_error) = _decay(process, "du", 1), _decay(process, "dv", 0)
    vth = _number(process, "vth")
    whole = round(k * vth)
    vth_error = abs(whole / k - vth) / vth if vth else 0.0
    if vth_error > _COARSE:
        raise _refuse(
            process,
            f"has vth={vth:g}, which is {k * vth:.3g} in integers beside its currents and biases. "
            "Use a higher threshold, or smaller weights and biases.",
        )
    bias = _SHIFT * k * _numbers(process, "bias_mant")
    exponent = np.ceil(np.log2(np.maximum(np.abs(bias) / (_MANTISSA + 0.5), 1.0))).astype(np.int32)
    mantissa = np.rint(bias / 2.0**exponent).astype(np.int32)
    largest = np.abs(bias).max()
    bias_error = float(np.abs(mantissa * 2.0**exponent - bias).max() / largest) if largest else 0.0
    values = {
        "du": np.array(du), "dv": np.array(dv), "vth": np.array(whole),
        "bias_mant": mantissa, "bias_exp": exponent,
        "u": np.rint(_SHIFT * k * _numbers(process, "u")).astype(np.int32),
        "v": np.rint(_SHIFT * k * _numbers(process, "v")).astype(np.int32),
    }  # fmt: skip
    errors = {"du": du_error, "dv": dv_error, "vth": vth_error, "bias": bias_error}
    return values, errors
