# ruff: noqa: E501
"""A study resumes exactly if its task is what it was: modules are written, run, edited, run."""

import doctest
import json
import linecache
import os
import subprocess
import sys

import numpy as np
import pytest

from lava_sqs.study import Study
from lava_sqs.study.tasks._identity import content_hash, identity

HEAD = "import functools, collections, dataclasses, enum, math, re\nimport numpy as np\n"
COUNTS = 'return {"shots": 10, "errors": int(x) % 10}'

# A module, and an edit (old, new) that another result could come of.
CHANGED = {
    "body": ("def task(params, seed):\n    x = 1\n    RETURN", "x = 1", "x = 2"),
    "default": ("def task(params, seed, x=1):\n    RETURN", "x=1", "x=2"),
    "default_type": ("def task(params, seed, x=1):\n    RETURN", "x=1", "x=1.0"),
    "negative_zero": ("def task(params, seed, x=0.0):\n    RETURN", "0.0", "-0.0"),
    "keyword_default": ("def task(params, seed, *, x=1):\n    RETURN", "x=1", "x=2"),
    "set_default": (
        "def task(params, seed, s=frozenset({'a', 'b', 'c'})):\n    x = len(s)\n    RETURN",
        "'c'}",
        "'d'}",
    ),
    "set_in_body": (
        "def task(params, seed):\n    x = 'a' in {'a', 'b'}\n    RETURN",
        "'b'}",
        "'c'}",
    ),
    "dict_of_a_set": (
        "D = {k: len(k) for k in {'a', 'bb', 'ccc'}}\n"
        "def task(params, seed):\n    x = D['a']\n    RETURN",
        "len(k)",
        "len(k) + 1",
    ),
    "object_default": (
        "class Cfg:\n    def __init__(self, x):\n        self.x = x\n"
        "def task(params, seed, c=Cfg(1)):\n    x = c.x\n    RETURN",
        "Cfg(1)",
        "Cfg(2)",
    ),
    "function_default": (
        "def f(a):\n    return a + 1\ndef task(params, seed, f=f):\n    x = f(1)\n    RETURN",
        "a + 1",
        "a + 2",
    ),
    "lambda_default": (
        "def task(params, seed, f=lambda a: a + 1):\n    x = f(1)\n    RETURN",
        "a + 1",
        "a + 2",
    ),
    "array_default": (
        "A = np.zeros(5000)\nA[2500] = 1\ndef task(params, seed, a=A):\n    x = a.sum()\n    RETURN",
        "= 1",
        "= 2",
    ),
    "array_order": (
        "def task(params, seed, a=np.arange(4)):\n    x = a[0]\n    RETURN",
        "np.arange(4)",
        "np.arange(4)[::-1]",
    ),
    "array_dtype": (
        "def task(params, seed, a=np.ones(4)):\n    x = a[0]\n    RETURN",
        "np.ones(4)",
        "np.ones(4, np.float32)",
    ),
    "object_array": (
        "def task(params, seed, a=np.array([1, 'a', None], object)):\n    x = a[0]\n    RETURN",
        "'a'",
        "'b'",
    ),
    "record_array": (
        "A = np.zeros(3, np.dtype([('a', 'i1'), ('b', 'f8')], align=True))\nA['b'] = 1\n"
        "def task(params, seed):\n    x = A['b'][0]\n    RETURN",
        "] = 1",
        "] = 2",
    ),
    "wraps": (
        "def deco(f):\n    @functools.wraps(f)\n    def inner(*a):\n        return f(*a)\n"
        "    return inner\n@deco\ndef task(params, seed):\n    x = 1\n    RETURN",
        "x = 1",
        "x = 2",
    ),
    "wrapper": (
        "def deco(f):\n    @functools.wraps(f)\n    def inner(*a):\n        k = 1\n"
        "        return f(*a)\n    return inner\n@deco\ndef task(params, seed):\n    x = 1\n    RETURN",
        "k = 1",
        "k = 2",
    ),
    "decorator_argument": (
        "def deco(k):\n    def outer(f):\n        @functools.wraps(f)\n        def inner(*a):\n"
        "            return f(*a, k)\n        return inner\n    return outer\n"
        "@deco(1)\ndef task(params, seed, x=0):\n    RETURN",
        "@deco(1)",
        "@deco(2)",
    ),
    "lru_cache": (
        "@functools.lru_cache\ndef f(a):\n    return a + 1\n"
        "def task(params, seed):\n    x = f(1)\n    RETURN",
        "a + 1",
        "a + 2",
    ),
    "constant": ("K = 1\ndef task(params, seed):\n    x = K\n    RETURN", "K = 1", "K = 2"),
    "constant_rebound": (
        "K = 1\nK += 1\ndef task(params, seed):\n    x = K\n    RETURN",
        "K += 1",
        "K += 2",
    ),
    "nested_constant": (
        "K = {'a': [1, (2, {3})]}\ndef task(params, seed):\n    x = len(K)\n    RETURN",
        "{3}",
        "{4}",
    ),
    "helper": (
        "def h(a):\n    return a + 1\ndef task(params, seed):\n    x = h(1)\n    RETURN",
        "a + 1",
        "a + 2",
    ),
    "helper_of_helper": (
        "K = 1\ndef g():\n    return K\ndef h():\n    return g()\n"
        "def task(params, seed):\n    x = h()\n    RETURN",
        "K = 1",
        "K = 2",
    ),
    "helper_in_a_comprehension": (
        "def h(a):\n    return a + 1\ndef task(params, seed):\n"
        "    x = sum([h(a) for a in range(3)])\n    RETURN",
        "a + 1",
        "a + 2",
    ),
    "recursion": (
        "def h(n):\n    return 1 if n == 0 else h(n - 1)\n"
        "def task(params, seed):\n    x = h(3)\n    RETURN",
        "return 1",
        "return 2",
    ),
    "mutual_recursion": (
        "def even(n):\n    return 1 if n == 0 else odd(n - 1)\n"
        "def odd(n):\n    return 0 if n == 0 else even(n - 1)\n"
        "def task(params, seed):\n    x = even(3)\n    RETURN",
        "return 0",
        "return 2",
    ),
    "method": (
        "class M:\n    def f(self):\n        return 1\n"
        "def task(params, seed):\n    x = M().f()\n    RETURN",
        "return 1",
        "return 2",
    ),
    "class_attribute": (
        "class M:\n    k = 1\ndef task(params, seed):\n    x = M.k\n    RETURN",
        "k = 1",
        "k = 2",
    ),
    "property": (
        "class M:\n    @property\n    def f(self):\n        return 1\n"
        "def task(params, seed):\n    x = M().f\n    RETURN",
        "return 1",
        "return 2",
    ),
    "static_method": (
        "class M:\n    @staticmethod\n    def f():\n        return 1\n"
        "def task(params, seed):\n    x = M.f()\n    RETURN",
        "return 1",
        "return 2",
    ),
    "class_method": (
        "class M:\n    @classmethod\n    def f(cls):\n        return 1\n"
        "def task(params, seed):\n    x = M.f()\n    RETURN",
        "return 1",
        "return 2",
    ),
    "cached_property": (
        "class M:\n    @functools.cached_property\n    def f(self):\n        return 1\n"
        "m = M()\ndef task(params, seed):\n    x = m.f\n    RETURN",
        "return 1",
        "return 2",
    ),
    "base_class": (
        "class B:\n    def f(self):\n        return 1\nclass M(B):\n    pass\n"
        "def task(params, seed):\n    x = M().f()\n    RETURN",
        "return 1",
        "return 2",
    ),
    "super": (
        "class B:\n    def f(self):\n        return 1\nclass M(B):\n    def f(self):\n"
        "        return super().f()\ndef task(params, seed):\n    x = M().f()\n    RETURN",
        "return 1",
        "return 2",
    ),
    "nested_class": (
        "class M:\n    class N:\n        k = 1\ndef task(params, seed):\n    x = M.N.k\n    RETURN",
        "k = 1",
        "k = 2",
    ),
    "nested_function": (
        "def task(params, seed):\n    def f(a):\n        return a + 1\n    x = f(1)\n    RETURN",
        "a + 1",
        "a + 2",
    ),
    "closure": (
        "def make(k):\n    def task(params, seed):\n        x = k\n        RETURN\n"
        "    task.__qualname__ = 'task'\n    return task\ntask = make(1)",
        "make(1)",
        "make(2)",
    ),
    "partial": (
        "def f(params, seed, x):\n    RETURN\ntask = functools.partial(f, x=1)",
        "x=1",
        "x=2",
    ),
    "callable_object": (
        "class T:\n    def __init__(self, x):\n        self.x = x\n"
        "    def __call__(self, params, seed):\n        x = self.x\n        RETURN\ntask = T(1)",
        "T(1)",
        "T(2)",
    ),
    "callable_objects_helper": (
        "class T:\n    def h(self):\n        return 1\n"
        "    def __call__(self, params, seed):\n        x = self.h()\n        RETURN\ntask = T()",
        "return 1",
        "return 2",
    ),
    "slots": (
        "class T:\n    __slots__ = ('x',)\n    def __init__(self, x):\n        self.x = x\n"
        "    def __call__(self, params, seed):\n        x = self.x\n        RETURN\ntask = T(1)",
        "T(1)",
        "T(2)",
    ),
    "bound_method": (
        "class T:\n    x = 1\n    def run(self, params, seed):\n        x = self.x\n        RETURN\n"
        "task = T().run",
        "x = 1",
        "x = 2",
    ),
    "dataclass": (
        "@dataclasses.dataclass\nclass T:\n    x: int = 1\n"
        "    def __call__(self, params, seed):\n        x = self.x\n        RETURN\ntask = T()",
        "int = 1",
        "int = 2",
    ),
    "dataclass_method": (
        "@dataclasses.dataclass(frozen=True)\nclass T:\n    x: int = 1\n"
        "    def h(self):\n        return self.x + 1\n"
        "    def __call__(self, params, seed):\n        x = self.h()\n        RETURN\ntask = T()",
        "self.x + 1",
        "self.x + 2",
    ),
    "factory": (
        "@dataclasses.dataclass\nclass C:\n    x: list = dataclasses.field(default_factory=lambda: [1])\n"
        "def task(params, seed):\n    x = C().x[0]\n    RETURN",
        "[1]",
        "[2]",
    ),
    "enum": (
        "class E(enum.Enum):\n    A = 1\n    B = 2\n"
        "def task(params, seed, e=E.A):\n    x = e.value\n    RETURN",
        "A = 1",
        "A = 3",
    ),
    "named_tuple": (
        "P = collections.namedtuple('P', 'a b')\nK = P(1, 2)\n"
        "def task(params, seed):\n    x = K.a\n    RETURN",
        "P(1, 2)",
        "P(3, 2)",
    ),
    "pattern": (
        "R = re.compile('a+')\ndef task(params, seed):\n    x = bool(R.match('aa'))\n    RETURN",
        "'a+'",
        "'a*'",
    ),
    "table_of_functions": (
        "def f():\n    return 1\nT = {'f': f}\ndef task(params, seed):\n    x = T['f']()\n    RETURN",
        "return 1",
        "return 2",
    ),
    "single_dispatch": (
        "@functools.singledispatch\ndef h(a):\n    return 1\n@h.register\ndef _(a: int):\n"
        "    return 3\ndef task(params, seed):\n    x = h(1)\n    RETURN",
        "return 3",
        "return 4",
    ),
    "function_attribute": (
        "def task(params, seed):\n    x = task.k\n    RETURN\ntask.k = 1",
        "task.k = 1",
        "task.k = 2",
    ),
    "own_module_imported": (
        "K = 1\ndef task(params, seed):\n    import task_own_module_imported as me\n    x = me.K\n    RETURN",
        "K = 1",
        "K = 2",
    ),
    "noise_model": (
        "from lava_sqs.quantum import NoiseModel\nN = NoiseModel(t1=1e-4, t2=1e-4)\n"
        "def task(params, seed, n=N):\n    x = n.t1 > 0\n    RETURN",
        "t1=1e-4",
        "t1=2e-4",
    ),
    "cache_as_it_begins": (
        "C = {0: 1}\ndef task(params, seed):\n    x = C.setdefault(0, 5)\n    RETURN",
        "{0: 1}",
        "{0: 2}",
    ),
    "counter_as_it_begins": (
        "n = 1\ndef task(params, seed):\n    global n\n    n += 1\n    x = 3\n    RETURN",
        "n = 1",
        "n = 2",
    ),
    "values_model": (
        "from lava_sqs.study import Accuracy\nclass G:\n    def predict(self, X):\n"
        "        return np.zeros(len(X), int) + 1\n"
        "task = Accuracy(G(), np.zeros((4, 1)), np.ones(4, int))",
        "+ 1",
        "+ 0",
    ),
    "without_source": (
        "exec('def h(a):\\n    return a + 1\\n')\n"
        "def task(params, seed):\n    x = h(1)\n    RETURN",
        "a + 1",
        "a + 2",
    ),
}

# A module, and an edit that changes nothing; or none, and what is not looked at.
SAME = {
    "comment": ("def task(params, seed):\n    x = 1  # one\n    RETURN", "# one", "# two"),
    "docstring": (
        'def task(params, seed):\n    """A."""\n    x = 1\n    RETURN',
        "A.",
        "B\n    c.",
    ),
    "lines": ("def task(params, seed):\n    x = 1\n    RETURN", "x = 1", "\n\n    x = (\n  1\n)\n"),
    "annotation": ("def task(params, seed):\n    x = 1\n    RETURN", "seed)", "seed: 'x') -> dict"),
    "other_function": (
        "def task(params, seed):\n    x = 1\n    RETURN\ndef other():\n    return 1",
        "return 1",
        "return 2",
    ),
    "dict_order": (
        "def task(params, seed, d={'a': 1, 'b': 2}):\n    x = d['a']\n    RETURN",
        "'a': 1, 'b': 2",
        "'b': 2, 'a': 1",
    ),
    "comment_in_a_helper": (
        "class M:\n    def f(self):\n        return 1  # one\n"
        "def task(params, seed):\n    x = M().f()\n    RETURN",
        "# one",
        "\n        # two",
    ),
    "cache": (
        "C = {}\nL = []\ndef task(params, seed):\n    C[len(C)] = object()\n    L.append(open)\n"
        "    x = 1\n    RETURN  # a",
        "# a",
        "# b",
    ),
    "lazy": (
        "data = None\ndef task(params, seed):\n    global data\n    if data is None:\n"
        "        data = np.random.default_rng(0)\n    x = 1\n    RETURN  # a",
        "# a",
        "# b",
    ),
    "beside": (
        "import os, pathlib\nHERE = pathlib.Path(__file__).parent\nTEXT = os.path.dirname(__file__)\n"
        "def task(params, seed, here=HERE / 'a.npz'):\n    x = len(TEXT) > 0\n    RETURN  # a",
        "# a",
        "# b",
    ),
    "locks_and_loggers": (
        "import logging, threading\nlock = threading.Lock()\nlog = logging.getLogger('a')\n"
        "def task(params, seed):\n    with lock:\n        log.debug('a')\n    x = 1\n    RETURN  # a",
        "# a",
        "# b",
    ),
    "address_default": (
        "class S:\n    pass\ndef task(params, seed, s=S(), o=object()):\n    x = 1\n    RETURN  # a",
        "# a",
        "# b",
    ),
    "sibling": (  # known by its name: only the own module is looked at
        "import helpers_of_the_sibling as h\ndef task(params, seed):\n    x = h.f()\n    RETURN",
        None,
        None,
    ),
}

RUN = """
import importlib, json, sys, warnings
sys.path.insert(0, sys.argv[1])
from lava_sqs.study import Study, StudyWarning
found = {}
for name in json.loads(sys.argv[2]):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        task = importlib.import_module(f"task_{name}").task
        path = f"{sys.argv[3]}/{name}.csv"
        try:
            new = len(list(Study(task).iter_run(path)))
        except TypeError as error:
            found[name] = str(error)
            continue
        # What it did to its globals does not count: neither here nor in the next process.
        again = len(list(Study(task).iter_run(path)))
    found[name] = [new, again, sum(issubclass(w.category, StudyWarning) for w in said)]
print(json.dumps(found))
"""


def write(folder, kinds, edited):
    folder.mkdir(exist_ok=True)
    for name, (text, old, new) in kinds.items():
        assert old is None or old in text, name
        text = HEAD + text.replace("RETURN", COUNTS)
        (folder / f"task_{name}.py").write_text(text.replace(old, new) if edited and old else text)


def run(folder, kinds, out, seed):
    done = subprocess.run(
        [sys.executable, "-B", "-c", RUN, str(folder), json.dumps(list(kinds)), str(out)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_study_goes_on_if_its_task_is_the_same_and_begins_anew_if_not(tmp_path):
    kinds = {**CHANGED, **SAME}
    write(tmp_path / "a", kinds, edited=False)
    (tmp_path / "a/helpers_of_the_sibling.py").write_text("def f():\n    return 1\n")
    first = run(tmp_path / "a", kinds, tmp_path, "0")
    assert {k: v for k, v in first.items() if v != [1, 0, 0]} == {}
    # Another process, other hashes, another folder.
    (tmp_path / "a").rename(tmp_path / "b")
    second = run(tmp_path / "b", kinds, tmp_path, "1")
    assert {k: v for k, v in second.items() if v != [0, 0, 0]} == {}
    write(tmp_path / "b", kinds, edited=True)
    (tmp_path / "b/helpers_of_the_sibling.py").write_text("def f():\n    return 2\n")
    third = run(tmp_path / "b", kinds, tmp_path, "2")
    assert [k for k in SAME if third[k] != [0, 0, 0]] == []
    # New rows, and a word about the old ones, in each of the two runs.
    assert [k for k in CHANGED if third[k] != [1, 0, 2]] == []


REFUSED = {
    "rng = np.random.default_rng(0)\ndef task(params, seed):\n    x = rng.random()\n    RETURN": (
        r"`rng` of `task` .*random generator"
    ),
    "def task(params, seed, rng=np.random.RandomState(0)):\n    x = 1\n    RETURN": (
        "default of `rng` of `task`"
    ),
    "import random\ndef task(params, seed, r=random.Random(0)):\n    x = 1\n    RETURN": "generator",
    "f = open('/dev/null')\ndef h():\n    return f\ndef task(params, seed):\n    x = h()\n    RETURN": (
        "`f` of `h` of `task`"
    ),
    "it = iter([1, 2])\ndef task(params, seed):\n    x = next(it)\n    RETURN": "iterator",
    "g = (a for a in [1])\ndef task(params, seed):\n    x = next(g)\n    RETURN": "iterator",
    "K = 1\ndef task(params, seed):\n    x = eval('K')\n    RETURN": r"eval\(\)",
    "K = 1\ndef task(params, seed):\n    x = globals()['K']\n    RETURN": r"globals\(\)",
    "import sys\nK = 1\ndef task(params, seed):\n    x = sys.modules[__name__].K\n    RETURN": (
        r"sys\.modules"
    ),
    "L = []\nL.append(L)\ndef task(params, seed):\n    x = len(L)\n    RETURN": "holds itself",
    "L = []\nfor i in range(5000):\n    L = [L]\ndef task(params, seed):\n    x = len(L)\n    RETURN": (
        "too deeply"
    ),
    "class T:\n    def __init__(self):\n        self.f = open('/dev/null')\n"
    "    def __call__(self, params, seed):\n        x = 1\n        RETURN\ntask = T()": "`f`",
}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return a function that imports a text as a module of its own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = []

    def made(text):
        name = f"identified_{len(names)}"
        names.append(name)
        (tmp_path / f"{name}.py").write_text(HEAD + text.replace("RETURN", COUNTS))
        import importlib

        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield made
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("text", REFUSED)
def test_what_has_no_content_is_refused_and_a_version_stands_for_it(load, text):
    task = load(text).task
    with pytest.raises(TypeError, match=rf"(?s){REFUSED[text]}.*version="):
        Study(task)
    one, same, two = (Study(task, version=v).points[0].id for v in ("1", 1, "2"))
    assert one == same != two


def test_a_version_stands_for_the_code_and_not_for_the_options(load):
    text = "def task(params, seed, x=1, k=0):\n    RETURN"
    a, b = load(text), load(text.replace("x=1", "x=2"))
    assert Study(a.task).points[0].id != Study(b.task).points[0].id
    given = [{"options": {"k": k}, "version": "1"} for k in (0, 1)]
    ids = [Study(m.task, **g).points[0].id for m in (a, b) for g in given]
    assert ids[0] == ids[2] != ids[1] == ids[3]
    for bad in ("", 1.5, True):
        with pytest.raises((TypeError, ValueError), match="version"):
            Study(a.task, version=bad)


def test_what_runs_counts_and_not_what_the_file_says_now(load, tmp_path):
    text = "def task(params, seed):\n    x = 1\n    RETURN"
    module = load(text)
    before = identity(module.task)
    path = tmp_path / f"{module.__name__}.py"
    path.write_text(path.read_text().replace("x = 1", "x = 2"))
    stale = identity(module.task)  # old code in memory, new text: neither of the two
    assert stale != before
    assert stale != identity(load(text.replace("x = 1", "x = 2")).task)


def test_a_cache_that_fills_while_a_study_runs_changes_no_row(load):
    module = load("C = {}\ndef task(params, seed):\n    C[len(C)] = 1\n    x = 1\n    RETURN")
    study = Study(module.task, {"p": [1, 2, 3]})
    ids = [p.id for p in study.points]
    rows = study.run(max_batches=2, progress=False).rows
    assert len(module.C) == 6
    assert [r.point_id for r in rows[::2]] == ids
    assert [p.id for p in Study(module.task, {"p": [1, 2, 3]}).points] == ids


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (1, True),
        (0.0, -0.0),
        (1.0, np.nextafter(1.0, 2)),
        ("1", b"1"),
        ([1, 2], (1, 2)),
        ({1, 2}, frozenset({1, 2})),
        ({"a": 1}, {"a": 1, "b": None}),
        (np.zeros(2), np.zeros((2, 1))),
        (np.zeros(2), np.zeros(2, ">f8")),
        (np.float32(1), np.float64(1)),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
        (np.array(["a"]), np.array(["b"])),
        (np.array(["2020"], "M8[D]"), np.array(["2021"], "M8[D]")),
        ({("a", 1): [np.zeros(3)]}, {("a", 1): [np.ones(3)]}),
        (complex(0, -1), complex(-0.0, -1)),
        (float("nan"), float("inf")),
        (2**70, 2**70 + 1),
    ],
)
def test_values_are_told_apart(a, b):
    assert content_hash(a) != content_hash(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.arange(6).reshape(2, 3).T, np.ascontiguousarray(np.arange(6).reshape(2, 3).T)),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1, "a", None, (1, 2)}, {(1, 2), None, "a", 1}),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 9], mask=[0, 1])),
        (float("nan"), float("nan")),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ],
)
def test_values_that_are_equal_are_one(a, b):
    assert content_hash(a) == content_hash(b)


# -- tasks that are typed: at a prompt, in a notebook, in a doctest --------------------------------

TYPED = {
    "function": "def task(params, seed):\n    return {'shots': 10, 'errors': K}\n",
    "object": (
        "class Task:\n    def __call__(self, params, seed):\n"
        "        return {'shots': 10, 'errors': K}\ntask = Task()\n"
    ),
    "method": (
        "class Task:\n    def run(self, params, seed):\n"
        "        return {'shots': 10, 'errors': K}\ntask = Task().run\n"
    ),
}


@pytest.mark.parametrize("name", ["__main__", None, "a_notebook"])
@pytest.mark.parametrize("source", [False, True], ids=["no source", "source"])
@pytest.mark.parametrize("kind", sorted(TYPED))
def test_what_is_typed_is_told_by_its_code_and_what_it_reads(kind, source, name, monkeypatch):
    def typed(text, k, file="<ipython-input-1-abc>"):
        if source:  # as notebooks do
            entry = len(text), None, text.splitlines(True), file
            monkeypatch.setitem(linecache.cache, file, entry)
        space = {"K": k, "test": object(), "open_file": (n for n in ())}
        space |= {} if name is None else {"__name__": name}
        exec(compile(text, file, "exec"), space)
        return identity(space["task"])

    text = TYPED[kind]
    assert typed(text, 1) == typed(text, 1) == typed(text, 1, "<ipython-input-2-def>")
    assert typed(text, 1) != typed(text, 2)
    assert typed(text, 1) != typed(text.replace("10", "20"), 1)


def test_a_task_at_the_prompt_runs(tmp_path):
    lines = TYPED["function"] + "\nK = 3\nfrom lava_sqs.study import Study\n"
    lines += "study = Study(task, grid={'a': [1, 2]}, seed=1)\n"
    lines += "print(sum(p.counts.errors for p in study.run(max_shots=10)))\n"
    for command, given in (["-c", lines], ""), (["-i", "-q"], lines):
        run = subprocess.run(
            [sys.executable, *command],
            input=given,
            capture_output=True,
            text=True,
            timeout=100,
            cwd=tmp_path,
            check=False,
        )
        assert run.stdout.split() == ["6"], run.stderr


def test_a_doctest_that_runs_in_parts_has_one_identity():
    space = {"identity": identity, "K": 3}
    parts = [
        "".join(f">>> {i} + 1\n{i + 1}\n" for i in range(3))
        + ">>> def task(params, seed):\n...     return {'shots': 1, 'errors': K}\n"
        + ">>> first = identity(task)\n",
        ">>> identity(task) == first\nTrue\n",  # it has no example of the task's number
        "".join(f">>> {i} + 1\n{i + 1}\n" for i in range(9))
        + ">>> identity(task) == first\nTrue\n",
    ]
    runner = doctest.DocTestRunner()
    for part in parts:
        test = doctest.DocTestParser().get_doctest(part, space, "page", "page", 0)
        runner.run(test, clear_globs=False)
        space = test.globs
    assert runner.failures == 0
