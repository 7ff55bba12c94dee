"""The check of docstrings (tools/docstrings.py) sees what is missing."""

import importlib.util
import inspect
from pathlib import Path

import pytest

TOOL = Path(__file__).parent.parent / "tools" / "docstrings.py"
spec = importlib.util.spec_from_file_location("docstrings", TOOL)
docstrings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(docstrings)


def complete(x: object, n: int = 1) -> object:
    """Return it.

    Parameters
    ----------
    x : array_like, shape (n,)
        What.
    n : int
        How many.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        Always.

    Examples
    --------
    >>> 1
    1
    """
    raise ValueError(f"{x} {n}")


def test_a_complete_docstring_passes():
    assert list(docstrings.check(complete, "function")) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("n : int\n    How many.\n", "", "parameters not documented: n"),
        ("n : int", "m : int", "that do not exist: m"),
        (", shape (n,)\n    What", "\n    What", "`x` has no shape"),
        ("Returns\n-------\nndarray, shape (n,)\n", "", "no section Returns"),
        ("ValueError\n", "TypeError\n", "not documented: ValueError"),
        (">>> 1", "1", "no example"),
        ("Return it.", "Return it", "full stop"),
        ("Return it.", "Return\nit.", "one line"),
    ],
)
def test_what_is_missing_is_named(monkeypatch, old, new, problem):
    text = inspect.cleandoc(complete.__doc__)  # from Python 3.13 it has no indentation itself
    assert old in text
    monkeypatch.setattr(complete, "__doc__", text.replace(old, new))
    found = list(docstrings.check(complete, "function"))
    assert any(problem in text for text in found), found


def test_inner_names_may_tell_it_in_the_text_and_methods_may_refer(monkeypatch):
    text = "Return *x*, *n* times. Raises ValueError.\n\nExamples\n--------\n>>> 1\n1\n"
    monkeypatch.setattr(complete, "__doc__", text)
    assert list(docstrings.check(complete, "function", short=True)) == []
    assert len(list(docstrings.check(complete, "function"))) == 2
    monkeypatch.setattr(complete, "__doc__", "Do it, as in :meth:`other`.")
    assert list(docstrings.check(complete, "method")) == []


def test_every_public_name_is_found_once_under_its_shortest_path():
    paths = [n.path for n in docstrings.public.names()]
    assert len(set(paths)) == len(paths) > 100
    assert {"lava_sqs.SQS", "lava_sqs.quantum.RunResult", "lava_sqs.quantum.ansatz.layered"} <= {
        *paths
    }
    assert "lava_sqs.quantum.population.Population" not in paths


def test_references_mean_what_python_means_there():
    resolve = docstrings.public.resolve
    engines = "lava_sqs.quantum.engines.exact"
    runtime = "lava_sqs.execution.running"
    assert resolve("Engine", engines, ["InstrumentEngine", "run"]) == f"{engines}.Engine"
    assert resolve("lava_sqs.SQS", engines, []) == "lava_sqs.SQS"
    assert resolve("wait", runtime, ["runtime", "run"]) == "lava_sqs.runtime.wait"
    assert resolve("nothing", engines, []) is None
    wrong = docstrings.public.broken_references(
        "See :func:`nothing`, :class:`Engine`.", engines, []
    )
    assert wrong == ["nothing"]
