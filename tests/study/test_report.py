"""A study as one HTML file: what is in it, that nothing is fetched or run, and what it refuses."""

import base64
import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from lava_sqs.cli import main
from lava_sqs.study import Counts, Stop, Study, StudyResult, report_figures
from lava_sqs.study.report_figures import Look, pictures
from tools.browser import browser

ROOT = Path(__file__).parents[2]
EVIL = "<img src=x onerror=alert(1)>"
QUOTES = "a'b\"c&amp;</td>$\\no_such$ https://example.org/x.js"
#: Parameters have no spaces, quotes and commas.
NAME = "p</td><script>&lt;$x$"
VOID = {"meta", "link", "img", "br"}


def flips(params, seed):
    p = min(0.5, 2e-6 / params.get("noise.t1", 1e-5))
    return Counts.of_shots(200, errors=int(np.random.default_rng(seed).binomial(200, p)))


def values(params, seed):
    return Counts.of_values(np.random.default_rng(seed).normal(0.8, 0.02, 4))


class Page(HTMLParser):
    """A strict reader: tags close in their order; keeps texts, and attributes by tag."""

    def __init__(self, file):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(file.read_text("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names))
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, *tags):
        return "\n".join(t for tag, t in self.texts if (tag in tags if tags else tag != "style"))


def read(file):
    """Read a page, and check what holds for each."""
    page = Page(file)
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )
    assert {tag for tag, _ in page.tags} <= {
        *("html", "head", "meta", "link", "title", "style", "body", "header", "main", "section"),
        *("h1", "h2", "h3", "p", "strong", "div", "figure", "img", "figcaption", "ul", "li"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    }
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for a in page.all("section")} == set(ids)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert "url(" not in page.text("style")
    assert "@import" not in page.text("style")
    for image in page.all("img"):
        assert len(image["alt"]) > 20
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/svg+xml;base64"
        drawn = ET.fromstring(base64.b64decode(data))
        for part in drawn.iter():  # nothing of the picture is elsewhere either
            links = [v for name, v in part.attrib.items() if name.endswith("href")]
            assert all(link.startswith(("#", "data:")) for link in links)
            assert not part.tag.endswith("}script")
    return page


@pytest.fixture
def study():
    return Study(
        flips,
        grid={"noise.t1": [3e-6, 1e-5, 1e-4], "memory_qubits": [1, 2]},
        base={"noise.t2": 1e-6},
        seed=5,
    )


def test_a_finished_study(study, tmp_path):
    stop = Stop(max_batches=2)
    result = study.run(max_batches=2, progress=False)
    file = tmp_path / "page.html"
    assert result.report(file, study=study, stop=stop) == file
    page = read(file)
    assert page.text("h1") == page.text("title") == "Noise study: flips"
    assert "all 6 points are done" in page.text("p")
    assert "not finished" not in page.text()
    assert len(page.all("img")) == 1
    assert page.all("img")[0]["alt"].startswith(
        "Curves of accuracy against T1 (µs). 6 points, from "
    )
    cells = page.text("td").split("\n")
    for point in result:
        assert f"{point.value:.4g}" in cells
        bounds = point.interval()
        assert f"[{bounds.low:.4g}, {bounds.high:.4g}]" in cells
    assert {"1e-06", "3e-06, 1e-05, 0.0001", "1, 2", "max_batches = 2", "5"} <= set(cells)
    assert {t["scope"] for t in page.all("th")} == {"col", "row"}
    assert "400 independent shots" in page.text("li")
    assert re.search(r"Python 3\.\d+\.\d+, numpy \d", page.text("td"))
    assert f"lava_sqs {result.points[0].version}" in cells


@pytest.mark.parametrize("rows", [1, 4, 11])
def test_an_unfinished_study_says_so(study, tmp_path, rows):
    whole = study.run(max_batches=2, progress=False)
    part = StudyResult(whole.rows[:rows])
    part.report(tmp_path / "page.html", study=study, stop=Stop(max_batches=2))
    page = read(tmp_path / "page.html")
    assert "This study is not finished." in page.text("strong")
    assert f"{rows // 2} of 6 points are done, {6 - rows // 2} " in page.text("p")
    assert "Open points" in page.text("h2")


def test_without_the_study_nobody_says_that_it_is_finished(study, tmp_path):
    study.run(progress=False).report(tmp_path / "page.html")
    page = read(tmp_path / "page.html")
    assert "cannot say whether points are missing" in page.text("p")
    assert "finished:" not in page.text()


def test_no_rows_yet(study, tmp_path):
    for known in (None, study):
        StudyResult(()).report(tmp_path / "page.html", study=known)
        page = read(tmp_path / "page.html")
        assert not page.all("img")
        assert "There is no point yet" in page.text("p")
    assert "0 of 6 points are done" in page.text("p")


TEXTS = [EVIL, QUOTES, "</style><script>", "a/" * 200, "\x1b[31m\u202e", "=1+1", "漢字", "$\\q$"]


@pytest.mark.parametrize("task", [flips, values])
def test_names_are_text_wherever_they_stand(task, tmp_path):
    base = {NAME: EVIL, "noise.t2": 1e-7}
    for grid, alt in ({"noise.t1": [1e-6, 1e-5]}, "Curves"), ({}, "a row for each point"):
        study = Study(task, grid={**grid, "ansatz": TEXTS}, base=base, version="1")
        study.run(progress=False).report(tmp_path / "page.html", study=study, title="".join(TEXTS))
        page = read(tmp_path / "page.html")
        shown = ["".join(c if c.isprintable() else repr(c)[1:-1] for c in text) for text in TEXTS]
        assert page.text("h1") == "".join(shown)
        cells = page.text("td").split("\n")
        assert set(shown) <= set(cells)
        assert EVIL in cells
        assert NAME in page.text("th").split("\n")
        assert alt in page.all("img")[0]["alt"]


def result_of(grid, task=flips, **options):
    return Study(task, grid=grid, base={"noise.t2": 1e-7}, **options).run(progress=False)


LOOK = Look(None, None, "auto", 0.95, ())


@pytest.mark.parametrize(
    ("grid", "number", "kind"),
    [
        ({"noise.t1": [1e-6, 1e-5]}, 1, "Accuracy against T1"),
        ({"noise.t1": [1e-6, 1e-5], "seedling": [True, False]}, 1, "Curves"),
        (
            {"noise.t1": [1e-6, 1e-5, 1e-4, 1e-3], "noise.p_depol_2q": [0, 0.1, 0.2, 0.3]},
            2,
            "Curves",
        ),
        (
            {"noise.t1": [1e-6, 1e-5, 1e-4], "a": ["x", "y"], "b": ["x", "y"], "c": ["x", "y"]},
            2,
            "Cur",
        ),
        ({"noise.t1": [1e-6, float("inf")], "a": list("abcdefghijklmno")}, 3, "Accuracy"),
        ({"a": ["x", "y"], "b": [True, None]}, 1, "Accuracy, a row for each point"),
        ({"a": [f"x{i}" for i in range(50)]}, 1, "Accuracy of the first 40 points"),
        ({"noise.t1": [1e-6]}, 1, "Accuracy, a row"),
    ],
)
def test_figures_fit_what_varies(monkeypatch, grid, number, kind):
    monkeypatch.setattr(report_figures, "FIGURES", 3)
    found, note = pictures(result_of(grid), LOOK)
    assert len(found) == number
    assert found[0].alt.startswith(kind)
    assert bool(note) == (len(grid.get("a", ())) == 15)
    assert len({picture.title for picture in found}) == number


def test_every_point_is_in_a_figure_once():
    names = {"noise.t1": [1e-6, 1e-5, 1e-4], "a": ["x", "y", "z"], "b": ["x", "y"], "c": [1, 2]}
    result = result_of(names)
    found, _ = pictures(result, LOOK)
    counted = [int(re.search(r"(\d+) points", picture.alt).group(1)) for picture in found]
    assert sum(counted) == len(result)


def test_two_tasks_have_figures_of_their_own(tmp_path):
    grid = {"noise.t1": [1e-6, 1e-5]}
    rows = result_of(grid).rows + result_of(grid, task=values).rows
    StudyResult(rows).report(tmp_path / "page.html")
    page = read(tmp_path / "page.html")
    assert len(page.all("img")) == 2
    assert page.text("h1") == "Noise study: flips, values"


def test_the_same_figures_are_the_same_bytes(study):
    result = study.run(progress=False)
    first, second = (pictures(result, LOOK)[0][0].svg for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": "t7"}, "no parameter 't7'"),
        ({"x": "memory_qubits", "group": "seed"}, "no parameter 'seed'"),
        ({"group": "memory_qubits"}, "`group` needs `x`"),
        ({"value": "mean"}, "value"),
        ({"level": 95}, "level"),
        ({"presets": ["ibm_nowhere"]}, "ibm_nowhere"),
        ({"title": " "}, "`title` must not be empty"),
        ({"stop": Stop()}, "`stop` needs `study`"),
        ({"study": "memory.toml"}, "`study` must be a Study"),
        ({"stop": 3}, "`stop` must be a Stop"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_leaves_the_old_page(study, tmp_path, options, message):
    file = tmp_path / "page.html"
    file.write_text("old")
    with pytest.raises((TypeError, ValueError), match=message):
        study.run(progress=False).report(file, **options)
    assert file.read_text() == "old"
    with pytest.raises(FileNotFoundError, match="create it first"):
        study.run(progress=False).report(tmp_path / "no" / "page.html")


TOML = """\
[study]
task = "study_tasks:coin"
[base]
batch_shots = 50
[grid]
p = [0.1, 0.4]
"""


def test_the_command(tmp_path, capsys):
    study, rows, page = (tmp_path / name for name in ("s.toml", "r.csv", "p.html"))
    study.write_text(TOML)
    assert main(["study", "run", str(study), "--out", str(rows), "--quiet"]) == 0
    lines = rows.read_text().splitlines(keepends=True)
    capsys.readouterr()
    command = ["study", "report", str(rows), "--study", str(study), "--out", str(page)]
    assert main([*command, "--title", "A & B"]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert "The study is finished" in read(page).text("p")
    rows.write_text("".join(lines[:2]))
    assert main([*command, "--x", "p"]) == 0
    assert "not finished" in read(page).text()
    assert main([*command, "--x", "nothing"]) == 2
    assert "no parameter 'nothing'" in capsys.readouterr().err
    assert main(["study", "report", str(rows), "--out", str(tmp_path)]) == 2


# In a real browser, where there is one. What it looks at holds of every page above by structure.
if browser() and shutil.which("uv"):

    @pytest.mark.slow
    def test_a_browser_has_nothing_to_say(study, tmp_path):
        whole = study.run(max_batches=2, progress=False)
        whole.report(tmp_path / "whole.html", study=study)
        part = StudyResult(whole.rows[:3])
        part.report(tmp_path / "part.html", study=study, title=EVIL * 9, presets=["ibm_fez"])
        bad = "<html><body style='width:2000px'>x<script>console.error(1)</script></body></html>"
        (tmp_path / "bad.html").write_text(bad)
        run = subprocess.run(
            ["uv", "run", "-q", str(ROOT / "tools" / "browser.py")]
            + [str(tmp_path / f"{name}.html") for name in ("whole", "part", "bad")],
            capture_output=True,
            text=True,
            timeout=200,
        )
        lines = run.stdout.splitlines()
        assert [line.endswith(": ok") for line in lines] == [True] * 8 + [False] * 4, run.stderr
        assert run.returncode == 1
