"""What README and docs show runs: Python blocks, commands, and every example in a docstring."""

import argparse
import doctest
import importlib
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomli

from lava_sqs.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md"))]
SCRIPTS = [p for p in PAGES if re.search(r"^```(python|pycon)\n", p.read_text(), re.M)]
# Not pkgutil: the folders of Processes have no __init__.py.
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "lava_sqs").rglob("*.py")
    if file.name != "__main__.py"
)


@pytest.mark.parametrize("page", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_blocks_of_the_pages_run(page, tmp_path):
    for name in ("studies", "docs"):  # what pages refer to, as from the root of the repository
        (tmp_path / name).symlink_to(ROOT / name)
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", *_runner(page)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def _runner(page):
    return [str(Path(__file__).with_name("run_page.py")), str(page)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0


# -- commands: whatever is documented, the real parsers understand ---------------------------------

_FIRST = r"(?:uv run|uv sync|lava-sqs|python -m|pip install|pytest(?![.\w])|\.ci/run)(?= |$|`)"


def commands():
    """Yield (page, command) of code blocks, indented or fenced, and of code in the text."""
    for page in PAGES:
        text = re.sub(r"^```(python|pycon|text)\n.*?^```", "", page.read_text(), flags=re.M | re.S)
        text = text.replace("\\\n", " ")
        lines = re.findall(rf"^ *(?:\$ )?({_FIRST}.*)$", text, re.M)
        for command in [*lines, *re.findall(rf"`({_FIRST}[^`|]*)`", text)]:
            yield pytest.param(command, id=f"{page.relative_to(ROOT)}: {command}")


class Parsed(BaseException):
    """The arguments are understood; there is no need to go on."""


@pytest.fixture
def only_parse(monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def stop(self, args=None, namespace=None):
        raise Parsed(parse(self, args, namespace))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("command", commands())
def test_documented_commands_are_understood(command, only_parse, monkeypatch):
    words = shlex.split(command, comments=True)
    if words[:2] == ["uv", "run"] or words[:2] == ["uv", "sync"]:
        words = words[2:]
    if words[:2] == ["pip", "install"]:
        assert all(_installable(word) for word in words[2:] if not word.startswith("-"))
    elif words and words[0] == "lava-sqs":
        _parse(lambda: main(words[1:]))
    elif words[:2] == ["python", "-m"]:
        monkeypatch.setattr(sys, "argv", words[2:])
        monkeypatch.syspath_prepend(str(ROOT))
        monkeypatch.delitem(sys.modules, words[2], raising=False)  # runpy warns of it
        _parse(lambda: runpy.run_module(words[2], run_name="__main__"))
    elif words and words[0] == "pytest":
        _check_pytest(words[1:])
    elif words:
        program = Path(words[0])
        assert program.is_file() if program.parent.name else shutil.which(program), program


def _parse(call):
    with pytest.raises((Parsed, SystemExit)) as ended:
        call()
    assert getattr(ended.value, "code", 0) == 0  # --version and --help leave with 0


def _installable(word):
    extras = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    name, _, rest = word.partition("[")
    wanted = set(rest.rstrip("]").split(",")) - {""}
    return name in ("uv", "lava-sqs", "loky", "tomli") and wanted <= set(extras)


def _check_pytest(words):
    settings = tomli.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    marks = {mark.partition(":")[0] for mark in settings["markers"]}
    previous = ""
    for word in words:
        if previous == "-m":
            assert set(re.findall(r"\w+", word)) <= marks | {"not", "and", "or"}
        elif previous != "-k" and not word.startswith("-"):
            assert (ROOT / word.partition("::")[0]).exists(), word
        previous = word


def test_commands_are_found_and_wrong_ones_refused(only_parse):
    assert len(list(commands())) > 20
    with pytest.raises(AssertionError):
        _parse(lambda: main(["study", "plot", "runs.csv", "--y"]))


@pytest.mark.parametrize("words", [["presets"], ["study", "status", "--help"]])
def test_cheap_commands_run(words, capsys):
    try:
        code = main(words)
    except SystemExit as end:
        code = end.code
    assert code == 0
    assert capsys.readouterr().out


def test_every_page_is_in_the_navigation_of_the_site():
    docs = ROOT / "docs"
    listed = set()
    for page in docs.rglob("*.md"):
        for toctree in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.M | re.S):
            entries = re.findall(r"^(?:.*<)?([\w/-]+)>?$", toctree, re.M)
            listed |= {str(page.parent / entry) for entry in entries}
    pages = {str(p.with_suffix("")) for p in docs.rglob("*.md")} - {str(docs / "index")}
    assert pages <= listed, "list them in docs/index.md"
