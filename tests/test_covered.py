"""The count of covered lines (tools/covered.py) sees models that run in forked processes."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from coverage import CoverageData

from lava_sqs.proc.sqs import models

ROOT = Path(__file__).parent.parent
RUN = """
from lava_sqs import SQS, SQSSimCfg, runtime

with runtime(SQS(shape=(2,), ansatz="paper", seed=1), SQSSimCfg(), engine="processes") as net:
    net.run(2)
"""


@pytest.mark.slow
def test_lines_of_models_count_in_forked_processes(tmp_path):
    """With the settings of pyproject.toml; the process that is started never runs the model."""
    (tmp_path / "script.py").write_text(RUN)
    settings = ["--rcfile", str(ROOT / "pyproject.toml"), "--data-file", str(tmp_path / "data")]
    command = [sys.executable, "-m", "coverage", "run", *settings, "script.py"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=240)
    found = set()
    for part in tmp_path.glob("data*"):
        data = CoverageData(str(part))
        data.read()
        found |= set(data.lines(models.__file__) or ())
    text, first = inspect.getsourcelines(models.AbstractPySQSModel.run_spk)
    body = {first + i for i, line in enumerate(text) if "self.advance(" in line}
    assert body
    assert body <= found
