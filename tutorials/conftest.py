"""Tutorials are slow tests: the default ones run the same calls in the pages of `docs/`.

Networks of tutorials run in one process: any other runtime of Lava is refused in their kernels.
"""

import tempfile
from pathlib import Path

import pytest

WITH_NETWORKS = ("01_", "04_", "05_", "07_", "08_")
STARTUP = """
from lava_sqs._lava import load

def refuse(self, *args, **kwargs):
    raise AssertionError("this network does not run in one process")

load("lava_sqs.execution.running:runtime")
for name in ("lava_sqs.execution.supervision.supervised:SupervisedRuntime",
             "lava.magma.runtime.runtime:Runtime"):
    load(name).initialize = refuse
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Let the kernel of a notebook, which knows no fixtures, start with STARTUP."""
    if not item.path.name.startswith(WITH_NETWORKS):
        return (yield)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        startup = Path(folder, "profile_default", "startup")
        startup.mkdir(parents=True)
        (startup / "00-one-process.py").write_text(STARTUP, encoding="utf8")
        patch.setenv("IPYTHONDIR", folder)
        return (yield)
