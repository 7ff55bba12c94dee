"""What README and docs show runs: every Python block, and every example in a docstring."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lava_sqs

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}:{i}")
    for page in PAGES
    for i, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S))
]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(lava_sqs.__path__, "lava_sqs.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("block", BLOCKS)
def test_python_blocks_of_the_pages_run(block, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(block)
    run = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert failed == 0


def test_every_public_name_has_a_docstring():
    for name in set(lava_sqs.__all__) - {"__version__"}:
        assert (getattr(lava_sqs, name).__doc__ or "").strip(), name
