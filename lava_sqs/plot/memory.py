"""Pictures of memories: how pure they are, and how much of the past input they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import check_choice, check_flag, check_instance
from lava_sqs._errors import ArgumentValueError
from lava_sqs.plot._axes import (
    COLOURS,
    channels,
    condition,
    legend_above,
    marker_of,
    new_axes,
    series,
    traces,
    whole_numbers,
)
from lava_sqs.quantum import diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

__all__ = ["memory_capacity", "memory_entropy", "memory_purity"]


def memory_purity(
    memory: Any,
    ax: Axes | None = None,
    *,
    neurons: Any = None,
    color: Any = None,
    per_qubit: bool = False,
) -> Axes:
    r"""Draw the purity of the memories over time.

    .. math:: \operatorname{Tr} \rho_t^2, \quad \text{from } 2^{-n} \text{ (mixed) to 1 (pure)}

    Parameters
    ----------
    memory : RunResult, Recording, SQS or array_like, shape (T, ..., 4**n)
        Pauli vectors of n qubits. Above 4 memory qubits the library keeps one vector per qubit:
        then the whole is drawn if it is known (a noiseless run: pure), and refused otherwise.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    neurons : int or list of int, optional
        Which ones, in C order of the axes between the first and the last. None: up to four as
        lines, more as their mean and the band that holds 80 % of them.
    color : color, or one per line
        Any colour that matplotlib knows.
    per_qubit : bool
        False draws the memory as a whole, True the reduced state of each of its qubits. The label
        of the axis says which.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = memory_purity([[[1.0, 0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0, 0.0]]])
    >>> ax.lines[0].get_ydata()
    array([1. , 0.5])
    """
    return _over_time(memory, diagnostics.purity, "purity", "", ax, neurons, color, per_qubit)


def memory_entropy(
    memory: Any,
    ax: Axes | None = None,
    *,
    neurons: Any = None,
    color: Any = None,
    per_qubit: bool = False,
) -> Axes:
    r"""Draw the von Neumann entropy of the memories over time, in bits.

    .. math:: -\operatorname{Tr} \rho_t \log_2 \rho_t, \quad \text{from 0 (pure) to n (mixed)}

    Parameters
    ----------
    memory : RunResult, Recording, SQS or array_like, shape (T, ..., 4**n)
        Pauli vectors, as in :func:`memory_purity`.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    neurons : int or list of int, optional
        Neurons to draw, see :func:`memory_purity`.
    color : color, or one per line
        Any colour that matplotlib knows.
    per_qubit : bool
        False draws the memory as a whole, True the reduced state of each of its qubits. The label
        of the axis says which.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = memory_entropy([[[1.0, 0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0, 0.0]]])
    >>> ax.lines[0].get_ydata()
    array([0., 1.])
    """
    return _over_time(
        memory, diagnostics.entropy, "entropy", " (bits)", ax, neurons, color, per_qubit
    )


def _over_time(
    memory: Any,
    quantity: Callable[..., Any],
    name: str,
    unit: str,
    ax: Axes | None,
    neurons: Any,
    color: Any,
    per_qubit: bool,
) -> Axes:
    per_qubit = check_flag("per_qubit", per_qubit)
    vectors = series("memory", memory, "memory")
    values = quantity(vectors, per_qubit=per_qubit)
    n = values.shape[-1] if per_qubit else 1
    values = values.reshape(len(vectors), -1, n)
    chosen = None if neurons is None else channels("neurons", neurons, values.shape[1])
    names = [f"neuron {k}, qubit {q}" for k in range(values.shape[1]) for q in range(n)]
    if per_qubit and chosen is not None:
        chosen = [k * n + q for k in chosen for q in range(n)]
    ax = new_axes(ax)
    traces(
        ax,
        values.reshape(len(vectors), -1),
        chosen,
        color=color,
        names=names if per_qubit else None,
        many="neurons' qubits" if per_qubit else "neurons",
    )
    low, high = ax.get_ylim()
    if high - low < 1e-3:  # as good as constant: no axis of rounding errors
        ax.set_ylim((low + high) / 2 - 0.05, (low + high) / 2 + 0.05, auto=None)
    text = f"{name} of each memory qubit{unit}" if per_qubit else f"memory {name}{unit}"
    ax.set_ylabel("\n".join(filter(None, (text, condition(memory, vectors)))))
    legend_above(ax)
    return ax


def memory_capacity(
    capacity: Any,
    ax: Axes | None = None,
    *,
    value: str = "linear",
    color: Any = COLOURS[0],
    linestyle: Any = "-",
    label: str | None = None,
) -> Axes:
    """Draw how much of the input k steps ago the spikes of a step carry.

    Parameters
    ----------
    capacity : MemoryCapacity
        What was measured by :func:`lava_sqs.quantum.diagnostics.memory_capacity` or
        ``capacity_from_spikes``. If it was estimated, a grey band shows two standard deviations of
        what no memory gives.
    ax : Axes, optional
        Where to draw; None makes a new figure.
    value : {"linear", "information"}
        MC_k, from 0 to 1, or the mutual information in bits.
    color : color
        Any colour that matplotlib knows.
    linestyle : str or tuple
        A line style of matplotlib, to tell curves apart in grey.
    label : str, optional
        Label of the line in the legend.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError, ValueError
        If `capacity` is not a MemoryCapacity, or has no such `value`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from lava_sqs.quantum import ansatz
    >>> swap = ansatz.from_gates([("SWAP", (0, 1))], io_qubits=1, memory_qubits=1)
    >>> ax = memory_capacity(diagnostics.memory_capacity(swap, (), max_delay=2))
    >>> ax.lines[0].get_ydata().round(6) + 0
    array([0., 1., 0.])
    """
    check_instance("capacity", capacity, diagnostics.MemoryCapacity)
    check_instance("label", label, str, none=True)
    check_choice("value", value, ("linear", "information"))
    values = getattr(capacity, value)
    if values is None:
        raise ArgumentValueError(
            "value",
            "must be 'linear', for a capacity estimated from spikes has no "
            "information, but got 'information'.",
        )
    ax = new_axes(ax)
    delays = np.arange(len(values))
    if value == "linear" and capacity.null_std:
        band = 2 * capacity.null_std
        ax.axhspan(-band, band, color="0.85", lw=0, zorder=0, label="no memory, ± 2 s.d.")
        label = label or "estimated"
    look: dict[str, Any] = {"color": color, "ls": linestyle, "marker": marker_of(len(delays))}
    ax.plot(delays, values, ms=4, label=label, **look)
    ax.set(xlabel="delay k (steps)", ylabel="MC$_k$" if value == "linear" else "information (bits)")
    whole_numbers(ax.xaxis, delays)
    legend_above(ax)
    return ax
