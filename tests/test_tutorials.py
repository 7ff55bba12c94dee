"""The tutorials as they lie in the repository: outputs current, complete and clean.

That they run is tested by nbmake, which executes them.
"""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "tutorials").glob("*.ipynb"))
AGAIN = "run `uv run tools/tutorials.py` again"
# Paths of a machine, terminal codes and progress bars.
UNWANTED = re.compile(
    r"(?<![\w.:/])/(?:home|root|tmp|usr|work|Users|var)/|site-packages|\x1b|\r|it/s\]"
)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def text_of(output):
    data = output.get("data", {})
    return output.get("text", "") + "".join(v for k, v in data.items() if k.startswith("text/"))


def test_all_nine_are_there():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{i:02d}" for i in range(1, 10)]


def test_outputs_belong_to_the_code(notebook):
    spec = importlib.util.spec_from_file_location("tutorials", ROOT / "tools" / "tutorials.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert notebook.metadata.code_digest == tool.code_digest(notebook), AGAIN
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), AGAIN


def test_there_are_figures_and_no_errors_or_warnings(notebook):
    kinds = [output.output_type for output in outputs(notebook)]
    assert "error" not in kinds
    assert not [o for o in outputs(notebook) if o.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs(notebook))
    assert not any("Warning" in text_of(output) for output in outputs(notebook))


def test_nothing_of_a_machine_is_in_it(notebook):
    assert notebook.metadata.kernelspec == {
        "display_name": "Python 3", "language": "python", "name": "python3",
    }  # fmt: skip
    assert set(notebook.metadata) == {"kernelspec", "language_info", "code_digest"}, AGAIN
    for cell in notebook.cells:
        assert not cell.metadata
        assert not UNWANTED.search(cell.source)
    for output in outputs(notebook):
        assert not UNWANTED.search(text_of(output))


def test_it_says_what_it_is_for_and_where_to_go(notebook):
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    assert re.match(r"# \d\d ", first)
    assert "**You will learn**" in first
    assert "**You need**" in first
    assert "## Where to go from here" in last
    assert "](../docs/" in last


def test_links_lead_somewhere(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if not link.startswith("https://"):
            assert (ROOT / "tutorials" / link.split("#")[0]).exists(), link


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_small(path):
    assert path.stat().st_size < 400_000
