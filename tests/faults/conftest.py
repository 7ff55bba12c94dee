"""Cells of the fault matrix run two at a time, and the table is printed at the end."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

AT_ONCE = 2
TABLE, SECONDS = pytest.StashKey[dict](), pytest.StashKey[dict]()


@pytest.fixture(scope="session")
def outcomes(request):
    """A function that returns the Outcome of a cell, or None if its program did not get so far."""
    import harness
    import matrix

    params = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = {p.params["cell"] for p in params if p is not None and "cell" in p.params}
    pool = ThreadPoolExecutor(AT_ONCE)
    futures = {}
    for event, subjects, engine in matrix.programs(chosen):
        future = pool.submit(harness.run_cells, event, subjects, matrix.ROWS[event].limit, engine)
        futures |= {(event, subject, engine): future for subject in subjects}
    yield lambda event, subject, engine: futures[event, subject, engine].result().get(subject)
    pool.shutdown(cancel_futures=True)


@pytest.fixture
def table(request):
    """What the table says: from event to (subject, engine) to result."""
    return request.config.stash.setdefault(TABLE, {})


@pytest.fixture
def seconds(request):
    """How long cells of ours took from the event on: from (event, engine) to a list."""
    return request.config.stash.setdefault(SECONDS, {})


def pytest_terminal_summary(terminalreporter, config):
    """Print the table of what ran."""
    table = config.stash.get(TABLE, {})
    if table:
        import matrix

        terminalreporter.section("what happens: docs/faults.md")
        terminalreporter.write_line(matrix.markdown(table))
        terminalreporter.write_line("\n" + matrix.seconds_of(config.stash.get(SECONDS, {})))
