"""Whatever happens to a network, it ends soon, says why, and leaves nothing behind."""

import importlib
import re
import signal
from pathlib import Path

import matrix
import pytest
from matrix import ELSEWHERE, ENGINES, OURS, ROWS, STOCK

import lava_sqs

CELLS = [
    pytest.param(
        cell, id=f"{cell[1]}-{cell[2]}-{cell[0]}".replace("/", "_"), marks=pytest.mark.faults
    )
    for cell in matrix.cells()
]


@pytest.mark.parametrize("cell", CELLS)
def test_cell(cell, outcomes, table, seconds):
    event, subject, engine = cell
    outcome = outcomes(event, subject, engine)
    table.setdefault(event, {})[subject, engine] = "FAILED"
    assert outcome is not None, "its program ended before; see the other cells of this event"
    if subject == STOCK:
        assert outcome.code != 1, outcome.output  # an error of the cell itself
        table[event][subject, engine] = outcome.summary()  # measured, whatever it is
    else:
        check(outcome, matrix.row_of(event, engine))
        seconds.setdefault((event, engine), []).append(outcome.seconds)
        table[event][subject, engine] = "ok"


def check(outcome, row):
    """Fail unless a cell of ours did what its row promises."""
    text = f"{outcome.summary()}, code {outcome.code}, {outcome.seconds:.1f} s\n{outcome.output}"
    assert outcome.over, text
    assert outcome.left == {}, text
    assert outcome.seconds < row.limit, text
    if row.promise == "all processes end":
        assert outcome.code == 128 + signal.SIGTERM, text
    elif row.promise == "KeyboardInterrupt":  # the second may come at any later moment
        assert outcome.code in (0, 128 + signal.SIGINT), text
        if outcome.raised:
            assert outcome.raised[0] == ("KeyboardInterrupt", ""), text
        else:  # it came before the cell could say so
            assert outcome.code == 128 + signal.SIGINT, text
            assert re.search("^KeyboardInterrupt", outcome.output, re.M), text
    else:
        assert outcome.code == 0, text
        if row.raises is None:
            assert outcome.raised == [], text
            assert outcome.works, text
        else:
            assert [kind for kind, _ in outcome.raised] == [row.raises], text
            missing = [part for part in row.says if part not in outcome.raised[0][1]]
            assert not missing, f"{missing} missing in {text}"
            assert outcome.works == ("works" in row.promise), text


def test_the_docs_have_every_row_and_only_green_ones():
    page = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", page, re.M)
    table = {event: ours for event, _, *ours in rows if event in ROWS}
    assert list(table) == list(ROWS)
    for event, ours in table.items():
        for engine, said in zip(ENGINES, ours, strict=True):
            green = dict.fromkeys(ROWS[event].subjects, "ok")
            assert said == matrix.kept(event, engine, green)


def test_every_process_of_ours_is_in_the_matrix():
    folder = Path(lava_sqs.__file__).parent / "proc"
    names = {path.parent.name for path in folder.glob("*/process.py")}
    modules = [importlib.import_module(f"lava_sqs.proc.{name}.process") for name in names]
    assert {name for module in modules for name in module.__all__} == {*OURS, *ELSEWHERE}
