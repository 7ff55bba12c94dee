"""Columns line up, whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs._text import aligned, markdown

CELLS = st.text(st.characters(exclude_categories=("C", "Z", "M")), min_size=1, max_size=8)


@given(st.data(), st.integers(1, 4), st.sampled_from(["<", ">", "<>", "><"]))
def test_columns_line_up(data, columns, sides):
    rows = data.draw(st.lists(st.tuples(*[CELLS] * columns), min_size=1, max_size=5))
    lines = aligned(rows, sides, indent=" ").split("\n")
    assert len(lines) == len(rows)
    assert [tuple(line.split()) for line in lines] == rows
    end = 1
    for i, column in enumerate(zip(*rows, strict=True)):
        start, end = end, end + max(map(len, column))
        for line, cell in zip(lines, column, strict=True):
            place = line.ljust(end)[start:end]
            right = sides[min(i, len(sides) - 1)] == ">"
            assert place == (cell.rjust(len(place)) if right else cell.ljust(len(place)))
        end += 2
    assert not any(line.endswith(" ") for line in lines)


def test_cells_are_anything_and_nothing_is_a_table_too():
    assert aligned([("a", 1), ("bc", None)]) == "a   1\nbc  None"
    assert aligned([]) == ""
    with pytest.raises(ValueError, match="zip"):
        aligned([("a", 1), ("b",)])


def test_markdown():
    assert markdown("a", 1) == "| a | 1 |"
    assert markdown("a", "b", "c", head=True) == "| a | b | c |\n|---|---|---|"
