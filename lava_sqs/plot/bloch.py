"""Memories on QuTiP's Bloch sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_flag, check_instance, check_int
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.plot._axes import condition, new_axes, series
from lava_sqs.quantum._memory import note_of
from lava_sqs.quantum.engines.trajectory import LARGEST_PAULI_MEMORY
from lava_sqs.quantum.population import Population
from lava_sqs.quantum.states import qobj_to_pauli

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bloch_trajectory"]

_SPHERE = "lava_sqs Bloch sphere"


def bloch_trajectory(
    memory: Any,
    ax: Axes | None = None,
    *,
    neuron: int | tuple[int, ...] = 0,
    qubit: int = 0,
    color: Any = None,
    marker: str = "o",
    line: bool = True,
    label: str | None = None,
) -> Axes:
    r"""Draw where a memory qubit was after each step, on QuTiP's Bloch sphere.

    The Bloch vector of memory qubit m is ``(Tr X_m rho, Tr Y_m rho, Tr Z_m rho)``, of length 1
    for a pure state and inside the sphere for a mixed one; ``|0>`` is at the top. Call it again
    with the same axes for more neurons.

    Parameters
    ----------
    memory : RunResult, Recording, SQS, Population, list of Qobj or array_like
        Pauli vectors, shape (T, ..., 4**n), or one state per step. A Population is one point: now.
    ax : Axes, optional
        Axes with ``projection="3d"``; None makes a new figure. A sphere is drawn if there is none.
    neuron : int or tuple of int
        Index into the axes between the first and the last.
    qubit : int
        Memory qubit m. Of several qubits the others are traced out.
    color : color, optional
        None: by time, from dark to light, with a colour bar that says which step is which.
    marker : str
        A marker of matplotlib, to tell neurons apart in grey.
    line : bool
        Join the points in their order, by straight lines (a step is a jump, no path).
    label : str, optional
        Label of the line in the legend.

    Returns
    -------
    Axes
        The points are the last of its ``collections``, with the time steps as their array. Under
        it stands what the states of a run are conditional on: the outcomes so far.

    Raises
    ------
    TypeError, ValueError
        If `memory` holds no states of qubits, or does not have this `neuron` or `qubit`.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from lava_sqs.quantum import Population, ansatz
    >>> run = Population(ansatz.layered(), size=1, seed=1).run([[0.5]] * 20)
    >>> ax = bloch_trajectory(run)
    >>> ax.collections[-1].get_array().size
    20
    """
    check_instance("label", label, str, none=True)
    line = check_flag("line", line)
    vectors, given = _bloch_vectors(memory, neuron, qubit)
    many = len(vectors) > 200
    ax = new_axes(ax, figsize=(4.2 if color or len(vectors) == 1 else 4.9, 4.2), projection="3d")
    if not any(artist.get_gid() == _SPHERE for artist in ax.collections):
        _draw_sphere(ax)
    # QuTiP's axes: x points to the reader, -y of matplotlib.
    x, y, z = vectors[:, 1], -vectors[:, 0], vectors[:, 2]
    if line and len(vectors) > 1:
        width, alpha = (0.3, 0.3) if many else (0.7, 0.6)
        ax.plot(x, y, z, color=color or "0.4", lw=width, alpha=alpha)
    look: dict[str, Any] = {"s": 4 if many else 16, "marker": marker, "depthshade": False}
    if color is None:
        look.update(c=np.arange(1, len(x) + 1), cmap="viridis")
    else:
        look.update(color=color)
    points = ax.scatter(x, y, zs=z, label=label, **look)
    if color is None and len(x) > 1:
        _time_scale(ax, points)
    if given and not any(text.get_gid() == _SPHERE for text in ax.texts):
        place: dict[str, Any] = {"transform": ax.transAxes, "ha": "center", "va": "bottom"}
        sphere: Any = ax
        sphere.text2D(0.5, 0.0, given, fontsize="small", color="0.3", gid=_SPHERE, **place)
    if len(ax.get_legend_handles_labels()[0]) > 1:
        ax.legend(fontsize="x-small", loc="upper left", borderaxespad=0.0)
    return ax


def _time_scale(ax: Axes, points: Any) -> None:
    """Draw the colour bar of the time steps, one for all the points on these axes."""
    from matplotlib.ticker import MaxNLocator

    scale = next((s for s in ax.collections if s.colorbar is not None), None)
    if scale is not None:
        norm: Any = scale.norm
        points.set_norm(norm)
        norm.vmax = max(norm.vmax, len(points.get_array()))
        return
    ticks = MaxNLocator(integer=True, min_n_ticks=1)
    look: dict[str, Any] = {"shrink": 0.6, "aspect": 18, "pad": 0.08, "ticks": ticks}
    ax.figure.colorbar(points, ax=ax, label="time step", **look)


def _draw_sphere(ax: Axes) -> None:
    title = ax.get_title()
    sphere = qutip.Bloch(fig=ax.figure, axes=ax)
    sphere.sphere_alpha, sphere.frame_alpha, sphere.font_size = 0.06, 0.08, 11
    sphere.xlabel, sphere.ylabel = ["$x$", ""], ["$y$", ""]
    sphere.render()
    for axis in ax.lines:  # no entries of a legend
        axis.set_label("_")
    ax.collections[0].set_gid(_SPHERE)
    ax.set_title(title)


def _bloch_vectors(memory: Any, neuron: Any, qubit: int) -> tuple[NDArray[np.float64], str]:
    """Return (T, 3) of one qubit of one neuron, and what its states are conditional on."""
    circuit = getattr(memory, "ansatz", None)
    source = memory
    if isinstance(memory, Population):
        memory = memory.memory[None]
    elif isinstance(memory, qutip.Qobj):
        memory = [memory]
    if isinstance(memory, (list, tuple)) and memory and isinstance(memory[0], qutip.Qobj):
        memory = np.array([qobj_to_pauli(state) for state in memory])
    vectors = series("memory", memory, "memory")
    index = neuron if isinstance(neuron, tuple) else (neuron,)
    where = tuple(check_int("neuron", i) for i in index)
    qubit = check_int("qubit", qubit, minimum=0)
    # Above 4 memory qubits the library keeps reduced vectors, (..., memory_qubits, 4).
    note, given = note_of(vectors), condition(source, vectors)
    per_qubit = vectors.shape[-1] == 4 and (
        note.per_qubit if note else getattr(circuit, "memory_qubits", 1) > LARGEST_PAULI_MEMORY
    )
    vectors = np.asarray(vectors)
    lengths = vectors.shape[1 : -2 if per_qubit else -1]
    if not lengths:  # (T, 4**n): one neuron
        vectors, lengths = vectors[:, None], (1,)
    fits = len(where) == len(lengths) and all(
        -n <= i < n for i, n in zip(where, lengths, strict=True)
    )
    if not fits:
        raise ArgumentValueError(
            "neuron", f"must be an index into axes of lengths {lengths}, but got {neuron!r}."
        )
    chosen = np.moveaxis(vectors, 0, len(where))[where]
    n = chosen.shape[1] if per_qubit else round(np.log(chosen.shape[-1]) / np.log(4))
    if (not per_qubit and chosen.shape[-1] != 4**n) or n < 1:
        raise ArgumentValueError(
            "memory",
            f"must have Pauli vectors of length 4**n on its last axis, but has "
            f"shape {vectors.shape}.",
        )
    if qubit >= n:
        raise ArgumentValueError(
            "qubit", f"must be below the number of memory qubits, {n}, but got {qubit}."
        )
    if per_qubit:
        return np.asarray(chosen[:, qubit, 1:]), given
    # X, Y and Z of this qubit and I of all others: its reduced state, without a partial trace.
    return np.asarray(chosen[:, np.arange(1, 4) * 4 ** (n - 1 - qubit)]), given
