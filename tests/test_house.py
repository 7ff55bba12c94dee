"""The house: imports point one way, no circles, files of a size that one can read, old paths."""

import ast
import json
import subprocess
import sys

from lava_sqs import _moved
from tools import house
from tools.house import ALLOWED

#: Rooms that work where Lava is not installed.
WITHOUT_LAVA = {"base", "data", "quantum", "neurons", "network", "study", "hardware", "plot"}
#: Lines of a file, and of a function without its docstring.
FILE, FUNCTION = 500, 60


def test_every_arrow_is_allowed():
    arrows = house.arrows()
    assert set(arrows) == set(ALLOWED)
    wrong = {room: used - ALLOWED[room] - {"base"} for room, used in arrows.items()}
    assert not {room: used for room, used in wrong.items() if used}


def test_no_circles():
    assert house.circle(house.imports()) == []
    assert house.circle(house.arrows()) == []
    assert house.circle(house.folders()) == []
    assert house.circle(ALLOWED) == []  # what is allowed could not become one either


def test_folders_of_studies_point_one_way():
    """A study runs tasks that it is given, and knows none of those that come with the package."""
    own = {name: used for name, used in house.folders().items() if name.startswith("study.")}
    assert {name: {u for u in used if u in own} for name, used in own.items()} == {
        "study.plan": set(),
        "study.store": {"study.plan"},
        "study.run": {"study.plan", "study.store"},
        "study.tasks": {"study.plan", "study.store"},
    }


def test_a_circle_is_found():
    assert house.circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert house.levels({"a": {"b"}, "b": {"c"}, "c": set()}) == {"c": 0, "b": 1, "a": 2}


def test_imports_in_functions_and_for_types_count():
    known = {"lava_sqs.plot": None, "lava_sqs.proc.rules": None, "lava_sqs.proc": None}
    code = (
        "def f():\n    from lava_sqs.proc import rules\n"
        "if TYPE_CHECKING:\n    import lava_sqs.plot\n"
    )
    assert set(house._imported(ast.parse(code), known)) == {"lava_sqs.proc.rules", "lava_sqs.plot"}


def _lava_imports(tree):
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        yield from (name for name in names if name.split(".")[0] == "lava")


def test_the_side_of_physics_never_imports_lava():
    for module, path in house.files().items():
        if house.room(module) in WITHOUT_LAVA and module != "lava_sqs._lava":
            assert not list(_lava_imports(ast.parse(path.read_text("utf-8")))), module


def _functions(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            doc = first.end_lineno - first.lineno + 1 if is_text else 0
            yield node, node.end_lineno - node.lineno + 1 - doc


def test_files_and_functions_can_be_read_at_once():
    long = []
    for module, path in house.files().items():
        text = path.read_text("utf-8")
        lines = text.splitlines()
        if len(lines) > FILE:
            long.append(f"{module}: {len(lines)} lines")
        for node, length in _functions(ast.parse(text)):
            # One that must be long says why: `# long: ...` above it or in its first lines.
            said = "# long: " in "\n".join(lines[node.lineno - 3 : node.body[0].lineno + 2])
            if length > FUNCTION and not said:
                long.append(f"{module}.{node.name}: {length} lines")
    assert not long


def test_comments_are_counted_and_docstrings_are_neither():
    text = (
        '"""One.\n\nTwo.\n"""\n\n# why\nx = [\n    1,  # unit\n]\n\n\ndef f():\n    """Three."""\n'
    )
    assert house.commented(text) == (4, 2)
    share = {row[0]: float(row[3]) for row in house.shares()}
    assert share["lava_sqs/quantum/kernels"] > 0.08  # where a reader stops most


#: Forks for each old path, with libraries alone in memory, and prints those that fail.
OLD_PATHS = """
import importlib, json, os, sys, traceback, warnings
import numba, scipy.stats, sklearn

def check(old, homes):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        module = importlib.import_module(old)
    for new in map(importlib.import_module, homes):
        assert all(getattr(module, n) is getattr(new, n) for n in new.__all__)
    mine = [w for w in seen if old in str(w.message)]
    assert mine and mine[0].category is DeprecationWarning, seen

for old, homes in json.loads(sys.argv[1]).items():
    if os.fork() == 0:
        try:
            check(old, homes)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.wait()[1]:
        print(old)
"""


def test_old_paths_say_where_their_names_live_now():
    assert len(_moved.MOVED) > 20
    run = subprocess.run(
        [sys.executable, "-c", OLD_PATHS, json.dumps(_moved.MOVED)],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert run.stdout.split() == [], run.stderr


def test_what_stands_at_an_old_path_is_gone():
    for old, homes in _moved.MOVED.items():
        assert old not in house.files()
        assert set(homes) <= set(house.files())


def test_the_folder_of_a_process_holds_nothing_that_lava_must_not_execute():
    proc = house.PACKAGE / "proc"
    folders = {path.parent for path in proc.glob("*/*.py")}
    assert len(folders) >= 5
    for folder in folders:
        assert {path.name for path in folder.glob("*.py")} == {"process.py", "models.py"}
    for path in proc.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path
