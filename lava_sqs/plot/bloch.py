"""Memories on QuTiP's Bloch sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_flag, check_instance, check_int
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.plot._axes import new_axes, series
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
        None: by time, from dark to light.
    marker : str
        A marker of matplotlib, to tell neurons apart in grey.
    line : bool
        Join the points in their order, by straight lines (a step is a jump, no path).
    label : str, optional
        Label of the line in the legend.

    Returns
    -------
    Axes
        The points are the last of its ``collections``, with the time steps as their array.

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
    vectors = _bloch_vectors(memory, neuron, qubit)
    ax = new_axes(ax, figsize=(4.2, 4.2), projection="3d")
    if not any(artist.get_gid() == _SPHERE for artist in ax.collections):
        _draw_sphere(ax)
    # QuTiP's axes: x points to the reader, -y of matplotlib.
    x, y, z = vectors[:, 1], -vectors[:, 0], vectors[:, 2]
    if line and len(vectors) > 1:
        ax.plot(x, y, z, color=color or "0.4", lw=0.7, alpha=0.6)
    look: dict[str, Any] = {"s": 16, "marker": marker, "depthshade": False, "label": label}
    if color is None:
        look.update(c=np.arange(1, len(x) + 1), cmap="viridis")
    else:
        look.update(color=color)
    ax.scatter(x, y, zs=z, **look)
    return ax


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


def _bloch_vectors(memory: Any, neuron: Any, qubit: int) -> NDArray[np.float64]:
    """Return (T, 3) of one qubit of one neuron."""
    circuit = getattr(memory, "ansatz", None)
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
    note = note_of(vectors)
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
        return np.asarray(chosen[:, qubit, 1:])
    return np.asarray(chosen[:, np.arange(1, 4) * 4 ** (n - 1 - qubit)])
