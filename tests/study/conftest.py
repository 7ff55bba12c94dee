import os
import sys
import time
from pathlib import Path

import psutil
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


def nothing_left(session, seconds=10):
    """Whether all processes of a session end in time; what is dead and not yet buried has ended."""
    end = time.monotonic() + seconds
    while left := [p for p in psutil.process_iter() if _lives_in(p, session)]:
        if time.monotonic() > end:
            print(left)
            return False
        time.sleep(0.1)
    return True


def _lives_in(process, session):
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.NoSuchProcess):
        return False


@pytest.fixture(name="nothing_left")
def nothing_left_fixture():
    return nothing_left


@pytest.fixture(name="results")
def results_fixture():
    return results
