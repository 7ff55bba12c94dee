import os
import sys
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def tasks_on_path(monkeypatch):
    """Let this process and every child import study_tasks."""
    monkeypatch.syspath_prepend(FOLDER)
    old = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [FOLDER, old])))
    yield
    sys.modules.pop("study_tasks_of_user", None)


@pytest.fixture
def tasks():
    import study_tasks

    return study_tasks


def results(path):
    """The rows of a file without what may differ from run to run, and without their order."""
    from lava_sqs.study import read_rows

    return sorted(((r.row_id, r.result) for r in read_rows(path)), key=lambda pair: pair[0])


@pytest.fixture(name="results")
def results_fixture():
    return results
