"""What importing costs, and that the physics needs no Lava."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
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


def modules():
    """Return every module of the package by its name, loaded."""
    names = [m.name for m in pkgutil.walk_packages(lava_sqs.__path__, "lava_sqs.")]
    return {n: importlib.import_module(n) for n in names if not n.endswith("__main__")}


def test_no_name_hides_a_module():
    """`import a.b as m` reads the attribute b of a: it must be the module, and stay it."""
    for _ in range(2):  # names that are loaded when first used may hide one then
        for name, module in modules().items():
            package, _, leaf = name.rpartition(".")
            assert vars(sys.modules[package])[leaf] is module, name
            assert isinstance(getattr(sys.modules[package], leaf), types.ModuleType), name
        for package in [lava_sqs, *modules().values()]:
            for name in getattr(package, "__all__", ()):
                getattr(package, name)


def test_the_instrument_is_a_module_and_a_function():
    out = python(
        "import lava_sqs.quantum.instrument as m\n"
        "import lava_sqs, pickle, types\n"
        "from lava_sqs.quantum import ansatz, instrument\n"
        "from lava_sqs.quantum.instrument import compile_program, instrument as function\n"
        "assert isinstance(m, types.ModuleType) and m is instrument\n"
        "assert m.compile_program is compile_program and m.instrument is function\n"
        "assert lava_sqs.instrument is function and pickle.loads(pickle.dumps(m)) is m\n"
        "args = (ansatz.paper(), [0.1, 0.2, 0.3], 0.5)\n"
        "assert all(a == b for a, b in zip(instrument(*args), function(*args)))\n"
        "print(len(lava_sqs.quantum.instrument(*args)), len(instrument(*args, noise=None)))"
    )
    assert out.split() == ["2", "2"]


def test_types_are_shipped():
    assert Path(lava_sqs.__file__).with_name("py.typed").is_file()


def test_constructors_of_processes_take_keywords_only():
    for name in ("SQS", "LearningSQS", "SQSDense", "QLIF"):
        parameters = list(inspect.signature(getattr(lava_sqs, name).__init__).parameters.values())
        assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters[1:]), name
