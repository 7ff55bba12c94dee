"""Files are data: nothing in them runs, and what is written is complete or not there."""

import ast
import os
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import lava_sqs
from lava_sqs._files import write_bytes, write_figure

PACKAGE = Path(lava_sqs.__file__).parent
#: What could run code from a file, or leave half of one; and who may: these write a file or send
#: objects to a child process of their own.
FORBIDDEN = {"eval", "exec", "load", "loads", "savefig", "pickle", "cloudpickle", "marshal"}
ALLOWED = {
    ("_files.py", "savefig"),
    # LLVM's own
    *((f"quantum/kernels/{file}.py", "load") for file in ("build", "credit", "lanes_ir", "spikes")),
    # names of modules that are imported late
    *(
        (f"{file}.py", "load")
        for file in (
            "neurons/base",
            "network/base",
            "quantum/noise/_from_data",
            "study/result",
            "study/__main__",
        )
    ),
    ("hardware/_pending.py", "loads"),  # a job's id, JSON
    ("network/files.py", "loads"),  # json
    ("quantum/_exchange.py", "loads"),  # OpenQASM
    ("quantum/_state.py", "loads"),  # json
    ("quantum/noise/snapshots.py", "loads"),  # json
    ("study/store/rows.py", "loads"),  # json
    ("study/tasks/networks.py", "loads"),  # json
    ("study/loader.py", "loads"),  # toml
    ("quantum/kernels/tiles.py", "load"),  # an instruction of LLVM
    ("study/run/isolation.py", "loads"),
    ("study/run/_child.py", "load"),
    ("study/run/_failure.py", "loads"),
    ("execution/supervision/ledger.py", "load"),  # what a forked child wrote into shared memory
    ("execution/supervision/ledger.py", "pickle"),
    *((f"study/run/{file}.py", "pickle") for file in ("isolation", "_child", "_failure")),
    *((f"study/{file}.py", "cloudpickle") for file in ("run/_failure", "loader")),
}


def suspicious(tree):
    """Return names of FORBIDDEN that a module calls or imports (own methods `load` are fine)."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                yield function.id
            elif (
                isinstance(function, ast.Attribute)
                and isinstance(function.value, ast.Name)
                and function.value.id[:1].islower()
                and function.attr not in own
            ):
                yield function.attr


def test_nothing_runs_what_a_file_says_and_all_is_written_in_one_piece():
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for name in suspicious(ast.parse(file.read_text())):
            if name in FORBIDDEN:
                found.add((file.relative_to(PACKAGE).as_posix(), name))
    assert found == ALLOWED


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "a.csv"
    write_bytes(file, b"old")
    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
            with pytest.raises(OSError, match=r"a.csv could not be written: No space left"):
                write_bytes(file, b"new")
        assert file.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["a.csv"]
    write_bytes(file, b"new")
    assert file.read_bytes() == b"new"


def test_a_figure_that_cannot_be_drawn_leaves_what_was_there(tmp_path):
    file = tmp_path / "a.png"
    write_figure(file, Figure(), dpi=50)
    drawn = file.read_bytes()
    assert drawn.startswith(b"\x89PNG")
    broken = Figure()
    broken.text(0.5, 0.5, r"$\no_such_symbol$")
    with pytest.raises(ValueError, match="no_such_symbol"):
        write_figure(file, broken, dpi=50)
    assert file.read_bytes() == drawn
    with pytest.raises(ValueError, match="'exe' is not supported"):
        write_figure(tmp_path / "a.exe", Figure(), dpi=50)
    assert os.listdir(tmp_path) == ["a.png"]
