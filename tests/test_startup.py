"""Lava runs on every Python and NumPy, in any order of imports: startup/_lava_sqs_startup.py."""

import copy
import importlib.util
import pickle
import site
import subprocess
import sys
import types
from pathlib import Path
from unittest.mock import Mock

import _lava_sqs_startup as startup
import numpy as np
import pytest
from lava.magma.core.process.ports.ports import ReshapePort
from lava.magma.core.process.process import AbstractProcess
from lava.proc.graded.models import inv_sqrt
from lava.proc.lif.process import LIF

from lava_sqs import _lava

ROOT = Path(__file__).parent.parent


def python(code, *options):
    run = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("from lava.proc.lif.process import LIF; import lava_sqs.execution.running", ()),
        ("from lava_sqs import SQS; import lava.magma.compiler.compiler", ()),
        ("import lava.magma.compiler.compiler", ("-I",)),
    ],
)
def test_lava_imports_in_any_order(code, options):
    python(code, *options)


def test_every_module_of_lava_imports():
    # Those of frameworks and of Loihi need packages that are not here, on any Python.
    python(
        "import importlib, pkgutil, warnings, lava.magma, lava.proc\n"
        "failed = []\n"
        "for root in (lava.magma, lava.proc):\n"
        "    for _, name, _ in pkgutil.walk_packages(root.__path__, root.__name__ + '.'):\n"
        "        try: importlib.import_module(name)\n"
        "        except Exception as e: failed.append((name, repr(e)))\n"
        "print(failed)\n"
        "assert not failed, failed"
    )


def test_nothing_is_imported_when_python_starts():
    loaded = set(python("import sys; print(*sys.modules)").split())
    assert "_lava_sqs_startup" in loaded
    assert not {"lava", "lava_sqs", "numpy"} & loaded
    folder = Path(startup.__file__).parent
    code = (
        f"import sys; sys.path.append({str(folder)!r}); before = set(sys.modules)\n"
        "import _lava_sqs_startup; _lava_sqs_startup.mend()\n"
        "print(*set(sys.modules) - before)"
    )
    assert python(code, "-I", "-S").split() == ["_lava_sqs_startup"]


def test_it_comes_by_files_that_every_python_reads():
    folder = next(p for p in map(Path, site.getsitepackages()) if (p / "lava_sqs.pth").exists())
    for name in ("_lava_sqs_startup.py", "lava_sqs.pth", "lava_sqs.start"):
        assert (folder / name).read_text() == (ROOT / "startup" / name).read_text(), name
    # Python 3.15 reads `lava_sqs.start` instead (PEP 829): what it names is callable.
    module, function = (folder / "lava_sqs.start").read_text().strip().split(":")
    assert getattr(sys.modules[module], function) is startup.mend


def test_children_of_every_start_method_have_it(tmp_path):
    (tmp_path / "main.py").write_text(
        "import multiprocessing\n\n"
        "def child():\n    import lava.magma.compiler.var_model\n\n"
        "if __name__ == '__main__':\n"
        "    for method in multiprocessing.get_all_start_methods():\n"
        "        process = multiprocessing.get_context(method).Process(target=child)\n"
        "        process.start()\n        process.join()\n"
        "        print(method, process.exitcode)\n"
    )
    run = subprocess.run(
        [sys.executable, tmp_path / "main.py"], capture_output=True, text=True, timeout=120
    )
    words = run.stdout.split()
    assert set(words[::2]) >= {"fork", "spawn", "forkserver"}
    assert set(words[1::2]) == {"0"}, run.stderr


def test_mending_twice_is_once_and_others_are_left_alone():
    startup.mend()
    assert sys.meta_path.count(startup.Finder) == 1
    assert startup.Finder.find_spec("numpy") is None
    assert startup.Finder.find_spec("lava.proc.lif.process") is None
    assert startup.Finder.find_spec("lava.magma.compiler.var_model", ["/nowhere"]) is None


@pytest.mark.parametrize("name", startup.MENDED)
def test_what_is_mended_stands_in_lava_and_lines_stay(name):
    path = importlib.util.find_spec(name).origin
    source = Path(path).read_text()
    for old, new in startup.MENDED[name]:
        assert old in source
        assert old.count("\n") == new.count("\n")


def test_a_lava_without_the_faults_is_taken_as_it_is(tmp_path):
    (tmp_path / "var_model.py").write_text("mended = True\n")
    name = "lava.magma.compiler.var_model"
    spec = startup.Finder.find_spec(name, [str(tmp_path)])
    module = types.ModuleType(name)
    spec.loader.exec_module(module)
    assert module.mended


@pytest.mark.parametrize("shape", [(6,), (2, 3), (3, 1, 2)])
def test_reshaped_ports_reshape(shape):
    port = ReshapePort(shape, (1, 6))
    forward = pickle.loads(pickle.dumps(port.get_transform_func_fwd()))
    back = port.get_transform_func_bwd()
    x = np.arange(6.0).reshape(1, 6)
    assert forward(x).shape == shape
    np.testing.assert_array_equal(back(forward(x)), x)


def test_collections_can_be_asked_for_what_they_lack():
    ports = LIF(shape=(2,)).in_ports
    assert not any(hasattr(ports, name) for name in ("__wrapped__", "_is_coroutine_marker"))
    assert copy.copy(ports).member_names == ports.member_names
    with pytest.raises(AssertionError, match="is not a member"):
        ports.nothing  # noqa: B018
    assert Mock(spec_set=AbstractProcess()).in_ports


@pytest.mark.parametrize("value", [1, 100, 64.0, np.array([4096]), np.array([[250.0]])])
def test_a_number_may_come_as_an_array_of_one(value):
    assert inv_sqrt(value) == inv_sqrt(int(np.ravel(value)[0])) > 0


def test_another_release_of_lava_is_named(monkeypatch):
    monkeypatch.setattr(_lava.metadata, "version", lambda name: "0.9.0")
    with pytest.warns(UserWarning, match=r"lava-nc 0\.10\.0, but 0\.9\.0 .*pip install"):
        _lava.prepare()

    def absent(name):
        raise _lava.metadata.PackageNotFoundError

    monkeypatch.setattr(_lava.metadata, "version", absent)
    _lava.prepare()
