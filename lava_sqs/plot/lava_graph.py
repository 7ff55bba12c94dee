"""The graph of a Lava network: Processes, what flows between their ports, shapes and delays."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError
from lava_sqs.plot._axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["network"]

_LINE = 1.1  # inches from row to row
_COLUMN = 2.4  # inches from column to column
_SYNAPSES = ("dense", "sparse", "conv")


def network(process: Any, ax: Axes | None = None) -> Axes:
    """Draw all Processes that are connected with one, from left to right as messages flow.

    A box has a Process's name, class and the shape of what it sends or receives; synapses (Dense,
    Sparse, Conv and their kin) are grey, and say the longest delay of their spikes. An arrow is a
    connection, with the names of its two ports; those of reference ports are dashed. Processes
    inside a hierarchical Process are not drawn.

    Parameters
    ----------
    process : AbstractProcess
        Any Process of the network.
    ax : Axes, optional
        Where to draw; None makes a figure that is large enough.

    Returns
    -------
    Axes

    Raises
    ------
    TypeError
        If *process* is not a Lava Process.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from lava_sqs import SQS
    >>> from lava.proc.dense.process import Dense
    >>> dense, sqs = Dense(weights=np.ones((4, 3)), name="synapses"), SQS(shape=4, name="neurons")
    >>> dense.a_out.connect(sqs.a_in)
    >>> ax = network(sqs)
    >>> print(ax.texts[0].get_text())
    synapses
    Dense (4, 3)
    """
    graph = _graph(process)
    columns = _columns(graph)
    place = {
        node: (x * _COLUMN, -(row - (len(nodes) - 1) / 2) * _LINE)
        for x, nodes in enumerate(columns)
        for row, node in enumerate(nodes)
    }
    tallest = max(len(nodes) for nodes in columns)
    ax = new_axes(ax, figsize=(_COLUMN * len(columns) + 0.4, _LINE * max(tallest, 2) + 0.4))
    for node, (x, y) in place.items():
        face = "0.9" if _is_synapse(node) else "white"
        box = {"boxstyle": "round", "facecolor": face, "edgecolor": "0.3"}
        ax.text(x, y, _label(node), ha="center", va="center", fontsize=8, bbox=box, zorder=3)
    for start, end, ports in graph.edges(data="ports"):
        reach = [_reach(node) for node in (start, end)]
        _draw_edge(ax, place[start], place[end], ports, reach, graph.has_edge(end, start))
    xs, ys = (np.array([point[i] for point in place.values()]) for i in (0, 1))
    ax.set_xlim(xs.min() - _COLUMN / 2, xs.max() + _COLUMN / 2)
    ax.set_ylim(ys.min() - _LINE, ys.max() + _LINE)
    ax.set_axis_off()
    return ax


def _graph(process: Any) -> Any:
    """Return a graph of Processes; its edges have the names of their ports, and their kind."""
    if not (hasattr(process, "out_ports") and hasattr(process, "in_ports")):
        raise ArgumentTypeError(
            "process", f"must be a Process of Lava, but got {describe(process)}."
        )
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_node(process)
    waiting, top = deque([process]), getattr(process, "parent_proc", None)
    while waiting:
        node = waiting.popleft()
        for group in (node.out_ports, node.in_ports, node.ref_ports, node.var_ports):
            for port in group:
                ends = [(port, other) for other in port.get_dst_ports()]
                ends += [(other, port) for other in port.get_src_ports()]
                for start, end in ends:
                    first, last = _within(start.process, top), _within(end.process, top)
                    for found in (first, last):
                        if found not in graph:
                            graph.add_node(found)
                            waiting.append(found)
                    if first is last and start.process is not end.process:
                        continue  # inside of a hierarchical Process
                    if not graph.has_edge(first, last):
                        graph.add_edge(first, last, ports=[])
                    names = (start.name, end.name, "Ref" in type(start).__name__)
                    if names not in graph.edges[first, last]["ports"]:
                        graph.edges[first, last]["ports"].append(names)
    return graph


def _within(process: Any, top: Any) -> Any:
    """Return the Process that stands for one, on the level of those that are drawn."""
    parent = getattr(process, "parent_proc", None)
    while parent is not None and parent is not top:
        process, parent = parent, getattr(parent, "parent_proc", None)
    return process


def _columns(graph: Any) -> list[list[Any]]:
    """Return the Processes by how many others are before them; loops count once."""
    import networkx as nx

    parts = nx.condensation(graph)
    depth: dict[int, int] = {}
    for part in nx.topological_sort(parts):
        depth[part] = 1 + max((depth[before] for before in parts.predecessors(part)), default=-1)
    columns: list[list[Any]] = [[] for _ in range(1 + max(depth.values()))]
    for part, level in depth.items():  # a loop stands in one column, from a layer on down
        members = [node for node in graph.nodes if node in parts.nodes[part]["members"]]
        first = next((node for node in members if not _is_synapse(node)), members[0])
        columns[level] += nx.dfs_preorder_nodes(graph.subgraph(members), first)
    return columns


def _is_synapse(process: Any) -> bool:
    return any(word in type(process).__name__.lower() for word in _SYNAPSES)


def _label(process: Any) -> str:
    """Return name, class, shape and delay of a Process."""
    ports = [*process.out_ports, *process.in_ports]
    held = {var.name: var for var in process.vars}  # once: Lava's collections remember the place
    weights = held.get("weights", held.get("weight"))
    shape = weights.shape if weights is not None else ports[0].shape if ports else ()
    name = process.name if len(process.name) <= 22 else process.name[:19] + "..."
    lines = [name, f"{type(process).__name__} {tuple(int(n) for n in shape)}"]
    if (delays := held.get("delays")) is not None and np.size(delays.init):
        most = delays.init.max() if hasattr(delays.init, "max") else np.max(delays.init)
        lines.append(f"delays up to {int(most)}")
    return "\n".join(lines)


def _reach(process: Any) -> tuple[float, float]:
    """Return half the width and height of a box, in inches."""
    lines = _label(process).split("\n")
    return 0.033 * max(map(len, lines)) + 0.09, 0.075 * len(lines) + 0.09


# long: three kinds of arrows: forwards, up and down in a loop, and to itself
def _draw_edge(
    ax: Axes, start: Any, end: Any, ports: Any, reach: list[tuple[float, float]], both: bool
) -> None:
    """Draw one arrow with its ports' names, between the borders of two boxes."""
    arrow: dict[str, Any] = {
        "arrowstyle": "-|>",
        "linestyle": "--" if all(reference for _, _, reference in ports) else "-",
        "color": "0.3",
        "shrinkA": 0,
        "shrinkB": 0,
    }
    text = "\n".join(f"{first} to {last}" for first, last, _ in ports[:3])
    if len(ports) > 3:
        text += f"\nand {len(ports) - 3} more"
    (wide, high), (wide_end, high_end) = reach
    where: dict[str, Any] = {"ha": "center", "va": "bottom"}
    if start == end:
        begin = (start[0] - 0.2, start[1] + high)
        tip = (start[0] + 0.2, start[1] + high)
        arrow["connectionstyle"] = "arc3,rad=-1.2"
        at = (start[0], start[1] + high + 0.28)
    elif start[0] == end[0] and abs(start[1] - end[1]) > 1.5 * _LINE:  # around those between
        begin, tip = (start[0] - wide, start[1]), (end[0] - wide_end, end[1])
        bend = 0.4 if end[1] > start[1] else -0.4
        arrow["connectionstyle"] = f"arc3,rad={-bend}"
        at = (min(begin[0], tip[0]) - 0.2 * abs(end[1] - start[1]), (begin[1] + tip[1]) / 2)
        where = {"ha": "center", "va": "center"}
    elif start[0] == end[0]:
        down = 1 if end[1] < start[1] else -1
        side = 0.3 * down if both else 0.0
        begin = (start[0] + side, start[1] - down * high)
        tip = (end[0] + side, end[1] + down * high_end)
        at = ((begin[0] + 0.05 * down), (begin[1] + tip[1]) / 2)
        where = {"ha": "left" if down > 0 else "right", "va": "center"}
    else:
        right = 1 if end[0] > start[0] else -1
        begin = (start[0] + right * wide, start[1])
        tip = (end[0] - right * wide_end, end[1])
        if right < 0 or end[0] - start[0] > 1.5 * _COLUMN:  # above the boxes between them
            arrow["connectionstyle"] = f"arc3,rad={-0.25 * right}"
            begin, tip = (begin[0], start[1] + high / 2), (tip[0], end[1] + high_end / 2)
            lift = 0.125 * abs(tip[0] - begin[0]) + 0.05
        else:
            lift = 0.04
        at = ((begin[0] + tip[0]) / 2, (begin[1] + tip[1]) / 2 + lift)
    ax.annotate("", xy=tip, xytext=begin, arrowprops=arrow, zorder=2)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    ax.text(*at, text, fontsize=6, zorder=2.5, bbox=white, **where)
