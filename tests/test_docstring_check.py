"""The check of docstrings (tools/docstrings.py) sees what is missing."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

from lava_sqs.study import PointResult

TOOL = Path(__file__).parent.parent / "tools" / "docstrings.py"
spec = importlib.util.spec_from_file_location("docstrings", TOOL)
docstrings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(docstrings)


def complete(x: object, n: int = 1) -> object:
    """Return it.

    Parameters
    ----------
    x : array_like, shape (n,)
        What is returned.
    n : int
        How many.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    ValueError
        If `x` is false.

    Examples
    --------
    >>> 1
    1
    """
    if not x:
        raise ValueError(f"{x} {n}")
    return x


def test_a_complete_docstring_passes():
    assert list(docstrings.check(complete, "function")) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("n : int\n    How many.\n", "", "Parameters {'n'} not documented"),
        ("n : int", "m : int", "Unknown parameters {'m'}"),
        (", shape (n,)\n    What", "\n    What", "`x` has no shape"),
        ("Returns\n-------\nndarray, shape (n,)\n", "", "No Returns section"),
        ("ValueError\n", "TypeError\n", "not documented: ValueError"),
        (">>> 1", "1", "no example"),
        ("    How many.\n", "", "`n` has no description"),
        ("How many.", "Number.", "one word"),
        ("How many.", "Of early stopping.", "begins with 'Of'"),
        ("How many.", "As of :func:`f`.", "begins with 'As'"),
        ("How many.", "In seconds.", "begins with 'In'"),
        ("How many.", "With :func:`f`: how many.", "begins with 'With'"),
        ("If `x` is false.", "Names the argument and what came.", "say when it is raised"),
        ("    If `x` is false.\n", "", "say when it is raised"),
        ("x : array_like", "y, x : array_like", "Unknown parameters {'y'}"),
        ("n : int", "n : integer", 'should use "int"'),
        ("Return it.\n", "Return it.\n\n", "Double line break"),
        ("Return it.", "Return it", "end with a period"),
        ("Return it.", "Return\nit.", "in a single line"),
    ],
)
def test_what_is_missing_is_named(monkeypatch, old, new, problem):
    text = inspect.cleandoc(complete.__doc__)  # from Python 3.13 it has no indentation itself
    assert old in text
    monkeypatch.setattr(complete, "__doc__", text.replace(old, new))
    found = list(docstrings.check(complete, "function"))
    assert any(problem in text for text in found), found


def test_what_a_class_takes_is_what_its_own_constructor_takes():
    text = inspect.cleandoc(docstrings.public.lava_sqs.SQS.__doc__)
    for value in (docstrings.public.lava_sqs.SQS, PointResult):
        assert list(docstrings.check(value, "class")) == []

    class Process(docstrings.public.lava_sqs.SQS):
        __doc__ = text.replace("theta : ", "angles : ")

        def __init__(self, *, shape, theta=None, **more): ...

    found = " ".join(docstrings.check(Process, "class"))
    assert re.search(r"Parameters {.*'theta'.*} not documented", found)
    assert re.search(r"Unknown parameters {.*'angles'.*}", found)


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
    engines = "lava_sqs.quantum.engines.base"
    runtime = "lava_sqs.execution.running"
    assert resolve("Engine", engines, ["PauliEngine", "run"]) == f"{engines}.Engine"
    assert resolve("lava_sqs.SQS", engines, []) == "lava_sqs.SQS"
    assert resolve("wait", runtime, ["runtime", "run"]) == "lava_sqs.runtime.wait"
    assert resolve("nothing", engines, []) is None
    wrong = docstrings.public.broken_references(
        "See :func:`nothing`, :class:`Engine`.", engines, []
    )
    assert wrong == ["nothing"]
