"""Tables as text: the one place that lines up columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["aligned", "markdown"]


def aligned(rows: Iterable[Sequence[Any]], sides: str = "<", indent: str = "") -> str:
    """Return rows of cells as lines, columns two spaces apart.

    Parameters
    ----------
    rows : iterable of sequences
        As many cells in each.
    sides : str
        "<" or ">" for each column, to the left or to the right; the last is for all that follow.
    indent : str
        What each line begins with.

    Returns
    -------
    str

    Examples
    --------
    >>> print(aligned([("spikes:", 12), ("seed:", 3)]))
    spikes:  12
    seed:    3
    >>> print(aligned([("layer", "size"), ("visible", 10)], "<>", indent="  "))
      layer    size
      visible    10
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    sides = sides.ljust(len(widths), sides[-1])
    return "\n".join(
        (indent + "  ".join(map("{:{}{}}".format, row, sides, widths))).rstrip() for row in cells
    )


def markdown(*cells: Any, head: bool = False) -> str:
    r"""Return one row of a table in Markdown.

    Parameters
    ----------
    *cells : object
        What it says.
    head : bool
        Whether it is the first row, which a line of dashes follows.

    Returns
    -------
    str

    Examples
    --------
    >>> print(markdown("task", "accuracy", head=True), markdown("digits", 93), sep="\n")
    | task | accuracy |
    |---|---|
    | digits | 93 |
    """
    row = f"| {' | '.join(map(str, cells))} |"
    return f"{row}\n{'|---' * len(cells)}|" if head else row
