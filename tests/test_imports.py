"""What importing costs, and what is there without Lava."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
from pathlib import Path

import matplotlib.patches
import pytest
import qutip

import lava_sqs
from lava_sqs import _lava, _lazy


def python(code):
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


HEAVY = {"IPython", "matplotlib", "pandas", "qutip", "rich", "sklearn", "tqdm"}


def loaded_by(code):
    return set(python(f"{code}\nimport sys; print(*sys.modules)").split())


def test_the_package_itself_imports_nothing():
    loaded = loaded_by("import lava_sqs")
    assert not {"lava", "numpy", "numba", *HEAVY} & loaded


@pytest.mark.parametrize(
    "code",
    [
        "from lava_sqs import SQS, LearningSQS, SQSSimCfg, runtime",
        "from lava_sqs import NoiseModel, Population, QLIF, ansatz, instrument, Study",
        "import lava_sqs.optimizers, lava_sqs.network, lava_sqs.study, lava_sqs.plot",
        "import lava_sqs.cli; lava_sqs.cli.build_parser()",
    ],
)
def test_what_is_slow_to_import_comes_when_it_is_used(code):
    assert not HEAVY & loaded_by(code)


def test_lazy_modules_are_the_modules():
    assert _lazy.qutip.Qobj is qutip.Qobj
    assert _lazy.patches.Arc is matplotlib.patches.Arc
    with pytest.raises(AttributeError, match="nothing"):
        _lazy.qutip.nothing  # noqa: B018
    assert not hasattr(_lazy.qutip, "__wrapped__")


def test_names_of_a_lazy_module_are_found_without_importing_it_again(monkeypatch):
    assert _lazy.qutip.qeye(2).isherm
    monkeypatch.delattr(_lazy, "importlib")
    assert _lazy.qutip.sigmax().isherm


NO_LAVA = "import sys; sys.modules['lava'] = None\n"  # any import of Lava raises now
# Another distribution of that name, or a folder beside the program.
OTHER_LAVA = (
    "import sys, types; sys.modules['lava'] = lava = types.ModuleType('lava')\n"
    "lava.__path__ = []; lava.__spec__ = types.SimpleNamespace(name='lava')\n"
)
FREE = (
    "import lava_sqs.quantum, lava_sqs.optimizers, lava_sqs.network, lava_sqs.study\n"
    "import lava_sqs.plot, lava_sqs.data, lava_sqs.cli\n"
)


def test_physics_learning_networks_studies_and_plots_need_no_lava():
    python(
        f"{NO_LAVA}{FREE}from lava_sqs import NoiseModel, Population, SQSNN, Study, ansatz\n"
        "p = Population(ansatz.paper(), [0.3, 0.2, 0.1], size=1, seed=1)\n"
        "assert p.run([[0.3]] * 5).spikes.shape[0] == 5\n"
        "import numpy as np\n"
        "X, y = np.array([[0.0, 1.0], [1.0, 0.0]] * 10), np.array([0, 1] * 10)\n"
        "SQSNN((), n_steps=5, epochs=1, random_state=0).fit(X, y).predict(X)"
    )


def test_without_lava_its_names_are_missing_and_the_others_are_there():
    python(
        f"{NO_LAVA}from lava_sqs import *\nimport lava_sqs\n"
        "names = set(lava_sqs.__all__)\n"
        "assert all(hasattr(lava_sqs, name) and name in globals() for name in names)\n"
        "assert lava_sqs._HOMES.keys() - names == lava_sqs._NEED_LAVA\n"
        "assert not any(hasattr(lava_sqs, name) for name in lava_sqs._NEED_LAVA)\n"
        "assert getattr(lava_sqs, 'SQS', None) is None\n"
        "assert not hasattr(lava_sqs, 'nonsense')"
    )


@pytest.mark.parametrize(
    ("absent", "code"),
    [
        (NO_LAVA, "from lava_sqs import SQS"),
        (NO_LAVA, "from lava_sqs import NoiseModel, runtime"),
        (NO_LAVA, "import lava_sqs; lava_sqs.QLIF"),
        (NO_LAVA, "import lava_sqs.execution.running"),
        (NO_LAVA, "import lava_sqs.demo"),
        (NO_LAVA, "import lava_sqs.testing"),
        (NO_LAVA, "import lava_sqs.proc.rules"),
        (NO_LAVA, "import lava_sqs.execution.networks"),
        (OTHER_LAVA, "from lava_sqs import SQS"),
        (OTHER_LAVA, "from lava_sqs.proc.sqs.process import SQS"),
    ],
)
def test_what_needs_lava_says_the_command_that_adds_it(code, absent):
    run = subprocess.run(
        [sys.executable, "-c", absent + code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1
    assert _lava.COMMAND in run.stderr.splitlines()[-1]


def test_the_command_line_says_it_too():
    run = subprocess.run(
        [sys.executable, "-c", f"{NO_LAVA}from lava_sqs.cli import main; sys.exit(main(['demo']))"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("lava-sqs: ")
    assert run.stderr.count("\n") == 1
    assert _lava.COMMAND in run.stderr


def test_the_names_that_need_lava_are_these():
    free = set(lava_sqs.__all__) - lava_sqs._NEED_LAVA
    assert "lava" not in loaded_by(f"from lava_sqs import {', '.join(free)}")


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
    for name in ("SQS", "LearningSQS", "SQSDense", "CountSoftmax", "QLIF", "StochasticLIF"):
        parameters = list(inspect.signature(getattr(lava_sqs, name).__init__).parameters.values())
        assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters[1:]), name
