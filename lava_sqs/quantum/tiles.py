r"""How sparse maps go over a register: in passes, each of them over tiles that fit a small cache.

A map mixes components that are far apart in memory, and on the last digit ones that are so close
that vectors of numbers hold several of its groups. So maps are gathered in *passes*: those of a
pass act on a few digits only, and a tile is all components of these digits times some *columns*,
components of other digits. It is copied to a small array whose columns are the innermost, all maps
of the pass are applied to it there, and it is copied back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Passes", "arranged", "sums_of_strides", "tables_of"]

Array = NDArray[Any]

#: Digits and number of maps of each pass.
Passes = tuple[tuple[tuple[int, ...], int], ...]


class _OnDigits(Protocol):
    qubits: tuple[int, ...]


_Map = TypeVar("_Map", bound=_OnDigits)

_ROWS = 2**8  # components of the digits of a pass
_COLUMNS = 2**4  # numbers in a row of a tile, where there are as many
_VECTORS = {2: 1, 8: 4}  # kernels take numbers one by one, 4 or 16 at a time


def sums_of_strides(strides: Sequence[int], radix: int) -> Array:
    """Return where the components of some digits are: all combinations of 0 to radix - 1 each.

    Parameters
    ----------
    strides : sequence of int
        Strides of the digits, the last of which varies fastest.
    radix : int
        Components of each.

    Returns
    -------
    ndarray of int, shape (radix**len(strides),)

    Examples
    --------
    >>> sums_of_strides([10, 1], 2)
    array([ 0,  1, 10, 11])
    """
    start = np.zeros(1, dtype=np.int64)
    return reduce(lambda sums, s: (sums[:, None] + s * np.arange(radix)).ravel(), strides, start)


def arranged(
    operations: Sequence[_Map], digits: int, radix: int
) -> tuple[tuple[_Map, ...], Passes]:
    """Return the maps in the order in which passes apply them, and the passes.

    Parameters
    ----------
    operations : sequence
        The operations in order. Maps that have no digit in common commute, all others keep their
        order.
    digits : int
        Digits of the register.
    radix : int
        Components of each digit.

    Returns
    -------
    operations : tuple
    passes : tuple
        The digits and the number of maps of each.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> maps = [SimpleNamespace(qubits=q) for q in [(5,), (0, 1), (5, 6), (0,), (1, 4), (2, 3)]]
    >>> arranged(maps, 7, 4)[1]
    (((0, 1, 5, 6), 4), ((1, 2, 3, 4), 2))
    """
    # Digits per pass: 4 of Pauli vectors (radix 4), 8 of state vectors (radix 2).
    room = int(np.log(_ROWS) / np.log(radix) + 0.5)
    waiting, done, passes = list(operations), list[_Map](), []
    while waiting:
        inside = set(waiting[0].qubits)
        taken = _within(waiting, inside, digits)
        while len(inside) < room:
            # A dict, not a set: candidates keep the order of the maps, and max takes the first of
            # equals.
            more = {frozenset(set(o.qubits) - inside): None for o in waiting}
            grown = [inside | new for new in more if new and len(inside | new) <= room]
            # Greedy: take the digits that let most maps follow. The best cut into passes would be a
            # search of its own.
            best = max((_within(waiting, each, digits) for each in grown), key=len, default=taken)
            if len(best) == len(taken):
                break
            taken = best
            inside = {q for i in taken for q in waiting[i].qubits}
        done += [waiting[i] for i in taken]
        passes.append((tuple(sorted(inside)), len(taken)))
        chosen = set(taken)
        waiting = [o for i, o in enumerate(waiting) if i not in chosen]
    return tuple(done), tuple(passes)


def _within(waiting: Sequence[_OnDigits], inside: set[int], digits: int) -> list[int]:
    """Return which maps can be applied next if only the digits *inside* are at hand."""
    free, taken = set(inside), []
    for i, operation in enumerate(waiting):
        if free.issuperset(operation.qubits):
            taken.append(i)
        else:
            # A map that has to wait blocks its digits for all later ones: only maps without a
            # common digit commute for certain.
            free.difference_update(operation.qubits)
            if not free:
                break
    return taken


def tables_of(program: Any, lanes: int) -> tuple[Array, ...]:
    """Return what the kernels need to know of maps, for *lanes* numbers of each component in a row.

    Parameters
    ----------
    program : Maps
        The maps; see ``lava_sqs.quantum.maps``.
    lanes : int
        Samples side by side.

    Returns
    -------
    table : ndarray, shape (n_ops, 7)
        First row, size d, first base, number of bases, numbers in a row, first entry, number of
        entries of each map.
    offsets, bases : ndarray
        Places of each row in its group, and where groups start.
    pointers, columns, rows : ndarray
        Entries by rows: the first of each, places of their columns and rows.
    pointers, columns, order : ndarray
        Entries by columns: the same of the transposed matrices, and which entry each is of the
        first order. All of these are places in a tile.
    passes : ndarray, shape (n_passes, 10)
        First map, number of maps; first row of its tiles, number of rows; first column, number of
        columns, and of those that are side by side; first tile, number of tiles; 1 where a tile is
        the register.
    places : ndarray
        Where in the register these rows, columns and tiles are.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> from lava_sqs.quantum.density import compile_density
    >>> table, *_, passes, places = tables_of(compile_density(ansatz.layered(1, 6)), 1)
    >>> len(table), len(passes)
    (13, 4)
    """
    n, radix = program.digits, program.radix
    table, offsets, bases = [], [], []
    forward, back = ([], [], []), ([], [], [])  # type: ignore[var-annotated]
    passes: list[tuple[int, ...]] = []
    places: list[Array] = []
    known: dict[Any, tuple[int, int, int]] = {}  # groups by where the digits are in a tile
    row = entry = base = place = first = 0
    for digits, count in program.passes:
        parts, width, chunk = _tile(digits, n, radix, lanes)
        starts = np.cumsum([place, *map(len, parts)])
        whole = digits == tuple(range(n))
        passes.append((first, count, *_pairs(starts, parts, chunk), whole))
        places += parts
        place = int(starts[-1])
        for i in range(first, first + count):
            operation, pattern = program.operations[i], program.patterns[i]
            local = [digits.index(q) for q in operation.qubits]
            strides = [width * radix ** (len(digits) - 1 - q) for q in range(len(digits))]
            own = sums_of_strides([strides[q] for q in local], radix)
            key = tuple(sorted(local)), len(digits), width
            if key not in known:
                # Numbers in a row are those of the digits after the last one that is acted on.
                inner = min(strides[max(local)], _COLUMNS)
                inner = _VECTORS.get(inner, inner)
                others = [strides[q] for q in range(len(digits)) if q not in local]
                groups = (sums_of_strides(others, radix)[:, None] + np.arange(width)).ravel()
                groups = groups[groups % inner == 0]
                known[key] = base, len(groups), inner
                bases.append(groups)
                base += len(groups)
            d = len(own)
            table.append((row, d, *known[key], entry, len(pattern)))
            offsets.append(own)
            for (pointers, columns, rows), axis in ((forward, 0), (back, 1)):
                # axis 0: entries by rows, for M x; axis 1: by columns, for the transpose in a
                # pull-back.
                order = np.argsort(pattern[:, axis], kind="stable")
                pointers.append(entry + np.searchsorted(pattern[order, axis], np.arange(d)))
                columns.append(own[pattern[order, 1 - axis]])
                rows.append(entry + order if axis else own[pattern[order, 0]])
            row += d
            entry += len(pattern)
        first += count
    end = np.array([entry])

    def joined(parts: list[Array], *more: Array) -> Array:
        return np.concatenate([np.empty(0, dtype=np.int64), *parts, *more]).astype(np.int64)

    return (
        np.array(table, dtype=np.int64).reshape(-1, 7),
        joined(offsets),
        joined(bases),
        *(joined(x, *y) for x, y in zip(forward, ([end], [], []), strict=True)),
        *(joined(x, *y) for x, y in zip(back, ([end], [], []), strict=True)),
        np.array(passes, dtype=np.int64).reshape(-1, 10),
        joined(places),
    )


def _tile(
    digits: tuple[int, ...], n: int, radix: int, lanes: int
) -> tuple[tuple[Array, Array, Array], int, int]:
    """Return where rows, columns and tiles are, the numbers in a row, and how many are adjacent."""
    others = [q for q in range(n) if q not in digits]
    wide = 0  # digits of the columns: the last ones
    # The last digits vary fastest: as columns they make rows of adjacent numbers.
    while lanes * radix**wide < _COLUMNS and wide < len(others):
        wide += 1
    split = len(others) - wide
    strides = [lanes * radix ** (n - 1 - q) for q in range(n)]
    rows, columns, tiles = (
        sums_of_strides([strides[q] for q in each], radix)
        for each in (digits, others[split:], others[:split])
    )
    columns = (columns[:, None] + np.arange(lanes)).ravel()
    chunk = len(columns)
    # How many columns from the first on are side by side in the register: those are copied as
    # blocks.
    while columns[chunk - 1] != chunk - 1:
        chunk //= radix
    return (rows, columns, tiles), len(columns), _VECTORS.get(chunk, chunk)


def _pairs(starts: Array, parts: tuple[Array, ...], chunk: int) -> tuple[int, ...]:
    """Return the row of a pass in the table: where its rows, columns and tiles are listed."""
    rows, columns, tiles = map(len, parts)
    return int(starts[0]), rows, int(starts[1]), columns, chunk, int(starts[2]), tiles
