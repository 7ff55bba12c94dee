"""The tool that counts covered lines, tools/covered.py, sees what runs in other processes."""

import subprocess
import sys
from pathlib import Path

import pytest
from coverage import Coverage

from lava_sqs import optimizers
from lava_sqs.proc.sqs import models
from tools import covered

SCRIPT = """
import subprocess, sys
from lava_sqs import SQS, SQSSimCfg, runtime

sqs = SQS(shape=2, seed=1)
with runtime(sqs, SQSSimCfg()) as net:
    net.run(3)
subprocess.run([sys.executable, "-c", "import lava_sqs.optimizers as o; o.Optimizer('sgd')"])
"""


@pytest.mark.slow
def test_forked_models_and_subprocesses_count(tmp_path):
    script, data = tmp_path / "script.py", tmp_path / "data"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "coverage", "run", f"--data-file={data}", str(script)]
    subprocess.run(command, cwd=covered.ROOT, check=True, timeout=200)
    coverage = Coverage(data_file=str(data), config_file=str(covered.ROOT / "pyproject.toml"))
    coverage.combine([str(tmp_path)])
    for module, function in (models, "def run_spk"), (optimizers, "def __init__"):
        text = Path(module.__file__).read_text().splitlines()
        first = next(i for i, line in enumerate(text, 1) if function in line)
        _, statements, _, missing, _ = coverage.analysis2(module.__file__)
        inside = next(line for line in statements if line > first)
        assert inside not in missing, (module, inside)


def test_rooms_are_counted_by_their_folder(monkeypatch, capsys):
    class Data:
        def measured_files(self):
            package = covered.ROOT / "lava_sqs"
            return [str(package / name) for name in ("_text.py", "plot/a.py", "plot/b/c.py")]

    class Counted:
        def __init__(self, **_): ...
        def combine(self): ...
        def get_data(self):
            return Data()

        def analysis2(self, file):
            missing = {"_text.py": [], "a.py": [1], "c.py": [1, 2]}[Path(file).name]
            return file, [*range(1, 5)], [], missing, ""

    monkeypatch.setattr(covered, "Coverage", Counted)
    monkeypatch.chdir(covered.ROOT)
    assert covered.table() == 100 * 5 / 8
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["all", "12", "lines", "75.0", "%"],
        ["base", "4", "lines", "100.0", "%"],
        ["plot", "8", "lines", "62.5", "%"],
    ]
