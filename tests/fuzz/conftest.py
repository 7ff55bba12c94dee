"""How much is fuzzed, and what came of it."""

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

COUNTS = pytest.StashKey[Counter]()


@pytest.fixture
def counts(request):
    """Inputs accepted and refused so far."""
    return request.config.stash.setdefault(COUNTS, Counter())


def pytest_terminal_summary(terminalreporter, config):
    """Print how many inputs there were."""
    if counts := config.stash.get(COUNTS, None):
        total = sum(counts.values())
        said = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
        terminalreporter.section("fuzzing: docs/faults.md")
        terminalreporter.write_line(f"{total} inputs: {said}")
