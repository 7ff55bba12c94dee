"""The graph of a Lava network: Processes, what flows between their ports, shapes and delays."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError
from lava_sqs.plot._axes import new_axes, points_per_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["network"]

_LINE = 1.1  # inches from row to row
_COLUMN = 2.4  # inches from column to column
_WIDEST = 7  # columns side by side
_LOOP = 6  # Processes of a loop that stand in one column
_SYNAPSES = ("dense", "sparse", "conv")


def network(process: Any, ax: Axes | None = None) -> Axes:
    """Draw all Processes that are connected with one, from left to right as messages flow.

    A box has a Process's name, class and the shape of what it sends or receives; synapses (Dense,
    Sparse, Conv and their kin) are grey, and say the longest delay of their spikes. An arrow is a
    connection, with the names of its two ports; those of reference ports are dashed. Where the
    graph continues in the row below, an arrow that has no room ends at the name of its other end.
    Processes inside a hierarchical Process are not drawn.

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
    place, row_of, bottom = _places(_columns(graph))
    xs = [x for x, _ in place.values()]
    top = max(y for _, y in place.values()) + _LINE
    ax = new_axes(ax, figsize=(max(xs) + _COLUMN + 0.4, top - bottom))
    ax.set_xlim(-_COLUMN / 2, max(xs) + _COLUMN / 2)
    ax.set_ylim(bottom, top)
    scale = min(1.0, min(points_per_unit(ax)) / 72)
    for node, (x, y) in place.items():
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8 * scale, "zorder": 3}
        look["bbox"] = {"facecolor": "0.9" if _is_synapse(node) else "white", "edgecolor": "0.3"}
        look["bbox"]["boxstyle"] = "round"
        ax.text(x, y, _label(node), **look)
    outside: dict[Any, list[list[str]]] = {}
    for start, end, ports in graph.edges(data="ports"):
        reach = [_reach(node) for node in (start, end)]
        if row_of[start] == row_of[end]:
            both = graph.has_edge(end, start)
            _draw_edge(ax, place[start], place[end], ports, reach, both, scale)
        else:
            names = ", ".join(first for first, _, _ in ports), ", ".join(p for _, p, _ in ports)
            outside.setdefault(start, [[], []])[1].append(f"{names[0]} to {_name(end)}")
            outside.setdefault(end, [[], []])[0].append(f"{names[1]} from {_name(start)}")
    for node, sides in outside.items():
        for side, texts in zip((-1, 1), sides, strict=True):
            if texts:
                _draw_stub(ax, place[node], _reach(node)[0], side, texts, scale)
    ax.set_axis_off()
    return ax


def _places(columns: list[list[Any]]) -> tuple[dict[Any, tuple[float, float]], Any, float]:
    """Return where Processes stand, in inches, in which row of columns, and where rows end."""
    place, row_of, y = {}, {}, 0.0
    for row, start in enumerate(range(0, len(columns), _WIDEST)):
        side_by_side = columns[start : start + _WIDEST]
        half = max(1.4, max(map(len, side_by_side)) + 0.3 * (row > 0)) * _LINE / 2
        y -= half
        for x, nodes in enumerate(side_by_side):
            for i, node in enumerate(nodes):
                place[node] = (x * _COLUMN, y - (i - (len(nodes) - 1) / 2) * _LINE)
                row_of[node] = row
        y -= half
    return place, row_of, y - 0.2


def _draw_stub(
    ax: Axes, at: tuple[float, float], wide: float, side: int, texts: list[str], scale: float
) -> None:
    """Draw an arrow from or to what stands in another row, by its name."""
    arrow = {"arrowstyle": "-|>", "color": "0.3", "shrinkA": 0, "shrinkB": 0}
    near, far = ((at[0] + side * (wide + more), at[1]) for more in (0.0, 0.3))
    tip, begin = (far, near) if side > 0 else (near, far)
    ax.annotate("", xy=tip, xytext=begin, arrowprops=arrow, zorder=2)
    said = [*texts[:3], *([f"and {len(texts) - 3} more"] if len(texts) > 3 else [])]
    white = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    look: dict[str, Any] = {"fontsize": 6 * scale, "va": "top", "zorder": 2.5, "bbox": white}
    place = at[0] + side * (wide + 0.03), at[1] - 0.1
    ax.text(*place, "\n".join(said), ha="left" if side > 0 else "right", **look)


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
    if max(len(parts.nodes[part]["members"]) for part in parts) > _LOOP:
        return _columns(_opened(graph))
    columns: list[list[Any]] = [[] for _ in range(1 + max(depth.values()))]
    for part, level in depth.items():  # a loop stands in one column, from a layer on down
        members = [node for node in graph.nodes if node in parts.nodes[part]["members"]]
        first = next((node for node in members if not _is_synapse(node)), members[0])
        columns[level] += nx.dfs_preorder_nodes(graph.subgraph(members), first)
    return columns


def _opened(graph: Any) -> Any:
    """Return a graph without the connections that lead back, seen from its first Process."""
    import networkx as nx

    first = [node for node in graph if not graph.in_degree(node)] or [next(iter(graph))]
    order: dict[Any, int] = {}
    for node in [*first, *graph]:  # what is finished last stands first
        if node not in order:
            for done in nx.dfs_postorder_nodes(graph, node):
                order.setdefault(done, len(order))
    forwards = nx.DiGraph()
    forwards.add_nodes_from(graph)
    forwards.add_edges_from((a, b) for a, b in graph.edges if order[a] > order[b])
    return forwards


def _is_synapse(process: Any) -> bool:
    return any(word in type(process).__name__.lower() for word in _SYNAPSES)


def _label(process: Any) -> str:
    """Return name, class, shape and delay of a Process."""
    ports = [*process.out_ports, *process.in_ports]
    held = {var.name: var for var in process.vars}  # once: Lava's collections remember the place
    weights = held.get("weights", held.get("weight"))
    shape = weights.shape if weights is not None else ports[0].shape if ports else ()
    lines = [_name(process), f"{type(process).__name__} {tuple(int(n) for n in shape)}"]
    if (delays := held.get("delays")) is not None and np.size(delays.init):
        most = delays.init.max() if hasattr(delays.init, "max") else np.max(delays.init)
        lines.append(f"delays up to {int(most)}")
    return "\n".join(lines)


def _name(process: Any) -> str:
    name = str(process.name)
    return name if len(name) <= 22 else name[:19] + "..."


def _reach(process: Any) -> tuple[float, float]:
    """Return half the width and height of a box, in inches."""
    lines = _label(process).split("\n")
    return 0.033 * max(map(len, lines)) + 0.09, 0.075 * len(lines) + 0.09


# long: three kinds of arrows: forwards, up and down in a loop, and to itself
def _draw_edge(
    ax: Axes,
    start: Any,
    end: Any,
    ports: Any,
    reach: list[tuple[float, float]],
    both: bool,
    scale: float,
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
    ax.text(*at, text, fontsize=6 * scale, zorder=2.5, bbox=white, **where)
