"""The files around the code: citation, workflow, hooks, forms; each says what is so."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from lava_sqs import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_is_set_in_one_place():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == __version__
    assert "version" not in citation
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("lava_sqs/**/*.py")]
    history = {ROOT / "CHANGELOG.md", ROOT / "docs" / "studies.md"}
    number = re.compile(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])")
    assert not [page for page in pages if page not in history and number.search(page.read_text())]
    assert citation["license"] == PROJECT["license"]
    assert "2506.21324" in (ROOT / "CITATION.cff").read_text()


def test_the_changelog_has_one_section_per_version_and_begins_with_what_is_not_released():
    heads = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert heads[0] == "Unreleased"
    assert len(heads) == len(set(heads))


def test_the_workflow_runs_every_python_of_the_classifiers():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    run = set(jobs["installed"]["strategy"]["matrix"]["python"])
    assert run == set(re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"])))
    everywhere = set(jobs["tests"]["strategy"]["matrix"]["python"])
    by_hand = {line[:4] for line in (ROOT / ".python-version").read_text().split()}
    assert everywhere | by_hand == run  # .ci/run tests the two of .python-version


@pytest.mark.parametrize("form", ["bug", "wish"])
def test_issue_forms_are_forms(form):
    found = yaml.safe_load((ROOT / f".github/ISSUE_TEMPLATE/{form}.yml").read_text())
    assert {"name", "description", "body"} <= set(found)
    assert all(part["attributes"]["label"] for part in found["body"])


def test_hooks_run_tools_of_the_project():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    tools = " ".join(PROJECT["optional-dependencies"]) + (ROOT / "pyproject.toml").read_text()
    for hook in hooks:
        name = hook["entry"].split()[2]
        assert name in tools or (ROOT / name).is_file(), name
