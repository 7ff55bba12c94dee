"""The first tutorial runs with the default tests, the others with the slow ones."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.suffix == ".ipynb" and not item.path.name.startswith("01_"):
            item.add_marker(pytest.mark.slow)
