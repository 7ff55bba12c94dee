"""Try what users install: `uv run tools/wheel.py [--python 3.12]`, without and then with Lava.

Builds the sdist, and the wheel from it; installs the wheel into a new environment of that Python,
where there is no Lava; runs what needs none; adds Lava by the documented command; and runs networks
there, with Lava imported first and second. Then the tests of the unpacked sdist are collected, and
a part of them run, by this Python.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from lava_sqs._lava import COMMAND

ROOT = Path(__file__).resolve().parents[1]

WITHOUT = """
import sys, matplotlib, numpy as np
matplotlib.use("Agg")
from lava_sqs import *
import lava_sqs, lava_sqs.cli, lava_sqs.data, lava_sqs.network, lava_sqs.plot, lava_sqs.quantum
assert not hasattr(lava_sqs, "SQS") and "lava" not in sys.modules
X, y = np.array([[0.0, 1.0], [1.0, 0.0]] * 10), np.array([0, 1] * 10)
network = SQSNN((3,), n_steps=5, epochs=40, random_state=0).fit(X, y)
assert network.score(X, y) > 0.8
lava_sqs.plot.learning_curve(network)
study = Study("memory_capacity", {"ansatz": ["paper", "layered"]})
assert len(study.run(progress=False)) == 2
assert "lava" not in sys.modules, "something imported Lava"
"""

NETWORK = """
neuron = {neuron}
lif, dense = LIF(shape=(4,), bias_mant=1.0, vth=3.0), Dense(weights=np.full((2, 4), 0.2))
lif.s_out.connect(dense.s_in)
dense.a_out.reshape((1, 2)).reshape((2,)).connect(neuron.a_in)
neuron.run(condition=RunSteps(20), run_cfg=Loihi2SimCfg())
print({name!r}, neuron.v.get() if {stock} else neuron.recording.s_out.sum(axis=0))
neuron.stop()
"""
LAVA = """
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF
"""
STOCK = NETWORK.format(neuron="LIF(shape=(2,), vth=2.0)", name="LIF-Dense-LIF", stock=True)
SQS = NETWORK.format(
    neuron="SQS(shape=(2,), seed=7, record=('s_out',))", name="LIF-Dense-SQS", stock=False
)
OURS = "from lava_sqs import SQS, runtime\n"


def main() -> int:
    """Do all that, and return 1 as soon as something fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=f"{sys.version_info[0]}.{sys.version_info[1]}")
    version = parser.parse_args().python
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            wheel, sdist = build(folder)
            install(folder / "venv", version, wheel)
            own_tests(folder, sdist)
        except subprocess.CalledProcessError as error:
            print(f"failed: {error}", file=sys.stderr)
            return 1
    return 0


def build(folder: Path) -> tuple[Path, Path]:
    """Return the wheel, built from the sdist, and the sdist."""
    call("uv", "build", "-q", "--out-dir", folder, ROOT)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def install(venv: Path, version: str, wheel: Path) -> None:
    """Install the wheel, use it without Lava, add Lava, use it with Lava."""
    call("uv", "venv", "-q", "--seed", "--python", version, venv)
    python = venv / "bin" / "python"
    call("uv", "pip", "install", "-q", "--python", python, f"{wheel}[study]")
    call(venv / "bin" / "lava-sqs", "--version", cwd=venv)
    if subprocess.run([python, "-c", "import lava"], capture_output=True).returncode:
        call(python, "-W", "error::DeprecationWarning:__main__", "-c", WITHOUT, cwd=venv)
        says = subprocess.run(
            [python, "-c", "from lava_sqs import SQS"], capture_output=True, text=True, cwd=venv
        )
        if COMMAND not in says.stderr:
            raise subprocess.CalledProcessError(1, f"the command that adds Lava: {says.stderr}")
        print("without Lava: all that needs none works", flush=True)
    call(python, "-m", *COMMAND.split(), "-q", "--root-user-action=ignore", cwd=venv)
    for code in (LAVA + OURS + SQS, OURS + LAVA + SQS, LAVA + OURS + STOCK, OURS + LAVA + STOCK):
        call(python, "-c", code, cwd=venv, timeout=120)


def own_tests(folder: Path, sdist: Path) -> None:
    """Collect all tests of the sdist, and run some that read what lies beside the package."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "sdist", filter="data")
    unpacked = next((folder / "sdist").iterdir())
    pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    quiet = {"cwd": unpacked, "stdout": subprocess.DEVNULL}
    call(*pytest, "--collect-only", "-m", "", **quiet)
    call(
        *(*pytest, "tests/test_startup.py", "tests/test_docs.py"),
        *("tests/test_docstring_check.py", "tests/test_tutorials.py", "-k", "not blocks"),
        cwd=unpacked,
    )


def call(*command: object, **options: object) -> None:
    """Run a command; an exit status other than 0 is an exception."""
    words = [str(word) for word in command]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]


if __name__ == "__main__":
    sys.exit(main())
