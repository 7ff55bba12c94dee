"""What importing costs, and that the physics needs no Lava."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import lava_sqs


def python(code):
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_package_itself_imports_nothing():
    loaded = python("import lava_sqs, sys; print(*sys.modules)").split()
    assert not {"lava", "numpy", "qutip", "numba", "sklearn", "matplotlib"} & set(loaded)


def test_physics_learning_networks_studies_and_plots_need_no_lava():
    python(
        "import sys; sys.modules['lava'] = None\n"  # any import of Lava raises now
        "import lava_sqs.quantum, lava_sqs.learning, lava_sqs.network, lava_sqs.study\n"
        "import lava_sqs.plot, lava_sqs.data, lava_sqs.cli\n"
        "from lava_sqs import NoiseModel, Population, SQSNN, Study, ansatz, instrument"
    )


def test_every_name_of_the_package_is_where_it_says():
    for name in lava_sqs.__all__:
        value = getattr(lava_sqs, name)
        home = importlib.import_module(lava_sqs._HOMES[name])
        assert getattr(home, name) is value
    assert set(lava_sqs._HOMES) == set(lava_sqs.__all__) <= set(dir(lava_sqs))


def test_types_are_shipped():
    assert Path(lava_sqs.__file__).with_name("py.typed").is_file()


def test_constructors_of_processes_take_keywords_only():
    for name in ("SQS", "LearningSQS", "SQSDense", "QLIF"):
        parameters = list(inspect.signature(getattr(lava_sqs, name).__init__).parameters.values())
        assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters[1:]), name
