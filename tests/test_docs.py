"""What README and docs show runs: Python blocks, commands, and every example in a docstring."""

import argparse
import ast
import builtins
import doctest
import functools
import importlib
import inspect
import keyword
import os
import pydoc
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import lava_sqs
from lava_sqs import _lava
from lava_sqs.cli import main
from lava_sqs.cli.options import Parser, fill_train
from lava_sqs.network import SQSNeuron, feed_forward
from lava_sqs.network.gradient import initialise
from lava_sqs.proc.sqsnn.process import SQSNetwork
from tools.house import ALLOWED

ROOT = Path(__file__).parent.parent
RUN_PAGE = Path(__file__).with_name("run_page.py")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md"))]
SCRIPTS = [p for p in PAGES if re.search(r"^```(python|pycon)\n", p.read_text(), re.M)]
# Not pkgutil: the folders of Processes have no __init__.py.
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "lava_sqs").rglob("*.py")
    if file.name != "__main__.py"
)


@pytest.fixture(scope="module")
def pages():
    """What runs pages: `run_page.py`."""
    server = subprocess.Popen(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", RUN_PAGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    yield server
    os.killpg(server.pid, signal.SIGKILL)
    server.communicate()


@pytest.mark.parametrize("page", SCRIPTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_blocks_of_the_pages_run(page, pages, tmp_path):
    for name in ("studies", "docs"):  # what pages refer to, as from the root of the repository
        (tmp_path / name).symlink_to(ROOT / name)
    output = tmp_path / "output.txt"
    pages.stdin.write(f"{page}\t{tmp_path}\t{output}\n")
    pages.stdin.flush()
    assert pages.stdout.readline() == "0\n", output.read_text()


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name):
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    if "matplotlib.pyplot" in sys.modules:  # of many open figures it warns
        sys.modules["matplotlib.pyplot"].close("all")
    assert failed == 0


# -- commands: whatever is documented, the real parsers understand ---------------------------------

_FIRST = r"(?:uv run|uv sync|lava-sqs|python -m|pip install|pytest(?![.\w])|\.ci/run)(?= |$|`)"


def commands():
    """Yield (page, command) of code blocks, indented or fenced, and of code in the text."""
    for page in PAGES:
        text = re.sub(r"^```(python|pycon|text)\n.*?^```", "", page.read_text(), flags=re.M | re.S)
        text = text.replace("\\\n", " ")
        lines = re.findall(rf"^ *(?:\$ )?({_FIRST}.*)$", text, re.M)
        for command in [*lines, *re.findall(rf"`({_FIRST}[^`|]*)`", text)]:
            yield pytest.param(command, id=f"{page.relative_to(ROOT)}: {command}")


class Parsed(SystemExit):
    """The arguments are understood; there is no need to go on."""


@pytest.fixture
def only_parse(monkeypatch):
    parse = argparse.ArgumentParser.parse_args

    def stop(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise Parsed(0)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("command", commands())
def test_documented_commands_are_understood(command, only_parse, monkeypatch):
    words = shlex.split(command, comments=True)
    if words[:2] == ["uv", "run"] or words[:2] == ["uv", "sync"]:
        words = words[2:]
    if words[:2] == ["pip", "install"]:
        assert all(_installable(word) for word in words[2:] if not word.startswith("-"))
    elif words[:1] == ["lava-sqs"] and words[1:]:
        _parse(lambda: main(words[1:]))
    elif words[:2] == ["python", "-m"]:
        monkeypatch.setattr(sys, "argv", words[2:])
        monkeypatch.syspath_prepend(str(ROOT))
        monkeypatch.delitem(sys.modules, words[2], raising=False)  # runpy warns of it
        _parse(lambda: runpy.run_module(words[2], run_name="__main__"))
    elif words and words[0] == "pytest":
        _check_pytest(words[1:])
    elif words:
        program = Path(words[0])
        assert program.is_file() if program.parent.name else shutil.which(program), program


def _parse(call):
    with pytest.raises((Parsed, SystemExit)) as ended:
        call()
    assert getattr(ended.value, "code", 0) == 0  # --version and --help leave with 0


def _installable(word):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name, _, rest = word.partition("[")
    wanted = set(rest.rstrip("]").split(",")) - {""}
    known = (".", "uv", "lava-sqs", "loky", f"lava-nc=={_lava.VERSION}")
    return name in known and wanted <= set(project["optional-dependencies"])


def test_the_command_that_adds_lava_is_everywhere_the_same():
    for page in ("README.md", "docs/install.md"):
        assert f"```sh\n{_lava.COMMAND}\n```" in (ROOT / page).read_text()


def _check_pytest(words):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    marks = {mark.partition(":")[0] for mark in settings["markers"]}
    previous = ""
    for word in words:
        if previous == "-m":
            assert set(re.findall(r"\w+", word)) <= marks | {"not", "and", "or"}
        elif previous == "-n":
            assert word.isdigit(), word
        elif previous != "-k" and not word.startswith("-"):
            assert (ROOT / word.partition("::")[0]).exists(), word
        previous = word


def test_commands_are_found_and_wrong_ones_refused(only_parse):
    assert len(list(commands())) > 20
    with pytest.raises(AssertionError):
        _parse(lambda: main(["study", "plot", "runs.csv", "--y"]))


@pytest.mark.parametrize("words", [["presets"], ["study", "status", "--help"]])
def test_cheap_commands_run(words, capsys):
    try:
        code = main(words)
    except SystemExit as end:
        code = end.code
    assert code == 0
    assert capsys.readouterr().out


def test_every_page_is_in_the_navigation_of_the_site():
    docs = ROOT / "docs"
    listed = set()
    for page in docs.rglob("*.md"):
        for toctree in re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(), re.M | re.S):
            entries = re.findall(r"^(?:.*<)?([\w/-]+)>?$", toctree, re.M)
            listed |= {str(page.parent / entry) for entry in entries}
    pages = {str(p.with_suffix("")) for p in docs.rglob("*.md")} - {str(docs / "index")}
    assert pages <= listed, "list them in docs/index.md"


# -- names: whatever is written as code exists -----------------------------------------------------

#: Names of other libraries and of mathematics that our code does not use.
_FOREIGN = {
    *("Loihi1SimCfg", "MPIPoolExecutor", "NoProcessModelFound", "RSTDPLIF", "pypy_channel_size"),
    *("shot_branching", "NO_COLOR"),
    *("lambda_2", "sigmap", "I_alpha", "dtheta_p", "history_t", "Lambda_j", "T_phi", "hidden1"),
    *(
        "Sparse",
        "DelayDense",
        "Conv",
        "cross_val_score",
        "depolarizing_error",
        "sigmam",
        "NoneType",
    ),
    *("LearningSparse", "LearningLIF", "SubProcessModel", "select_sub_proc_model", "QuboScif"),
    *("PyAsyncProcessModel", "test_run_continuous", "bit_accurate_loihi", "y1_x0"),  # of Lava
    *("SpikeDataloader", "ground_truth"),  # of Lava
    *(
        "aedat4",
        "shd_train",
        "shd_test",
        "ssc_train",
        "ssc_test",
        "trials_to_train",
        "trials_to_test",
    ),
    *(
        "cff",
        "_000",
        "timedelta64",
        "csr_array",
        "ToFrame",
        "read_dvs_ibm",
    ),  # of files, NumPy, SciPy, tonic
    *("Conv2d", "dnf", "optimization"),  # of PyTorch; of Lava's libraries
    *(
        "RewardModulatedSTDP",
        "STDPLoihi",
        "mpiexec",
        "tcp",
        "jsonl",
        "warns",
        "savez",
        "fix",
        "loadfile",
        "dist",
    ),
    "test_receive_data_receive_not_empty_fifo",  # of Lava
    *(
        "ANSWER",
        "CACHE",
        "TASK",
        "SCRIPT",
        "Mine",
        "hidden0",
        "noise__t1",
        "profile",
        "tmp",
    ),  # examples
}
#: A letter or a word of mathematics with an index: z_t, sum_h, kappa_0, N_M.
_INDEXED = re.compile(r"(?:[A-Za-z]|sum|kappa|theta|mu)_[A-Za-z0-9]{1,2}")
_CODE = ("lava_sqs", "benchmarks", "tools", "studies", "docs")


def _docstrings(tree):
    """Yield the nodes of a file's docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(
            node
        ):
            yield node.body[0].value


def _names_of_code():
    """Every name that the code defines, uses or has as a word of text; comments do not count."""
    names = {*dir(builtins), *keyword.kwlist}
    for file in (ROOT / "tests").rglob("*.py"):  # of tests the pages name files and functions
        names.update([file.stem, *re.findall(r"^def (test_\w+)", file.read_text(), re.M)])
    for folder in _CODE:
        for file in (ROOT / folder).rglob("*.py"):
            names.update(file.relative_to(ROOT).with_suffix("").parts)
            tree = ast.parse(file.read_text())
            told = {id(node) for node in _docstrings(tree)}
            for node in ast.walk(tree):
                for field in ("id", "attr", "name", "arg", "asname", "module"):
                    value = getattr(node, field, None)
                    names.update(value.split(".") if isinstance(value, str) else ())
                text = node.value if isinstance(node, ast.Constant) else None
                if isinstance(text, str) and id(node) not in told:
                    names.update(re.findall(r"[A-Za-z_]\w*", text))
    return names | {name.lstrip("_") for name in names}  # contracts of lava_sqs.testing


@functools.cache
def spans():
    """Return (place, code) of what pages and docstrings write as code within the text."""
    return list(_spans())


def _spans():
    for page in PAGES:
        if page.name != "CHANGELOG.md":  # tells of what was
            text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
            for code in re.findall(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)", text):
                yield str(page.relative_to(ROOT)), code
    for file in sorted((ROOT / "lava_sqs").rglob("*.py")):
        for node in _docstrings(ast.parse(file.read_text())):
            for code in re.findall(r"``([^`]+)``|(?<![`\w:])`([^`\n]+)`(?!`)", node.value):
                yield str(file.relative_to(ROOT)), "".join(code)


def unknown(code, known):
    """Return the names in *code* that nothing has, and the paths that do not exist."""
    words = re.findall(r"[A-Za-z_]\w*", re.sub(r"<\w+>_?", "", code))
    return [
        word
        for word in words
        if len(word) > 2 and word not in known | _FOREIGN and not _INDEXED.fullmatch(word)
    ]


def test_every_name_that_is_written_as_code_exists():
    known = _names_of_code()
    extra = (ROOT / "pyproject.toml").read_text() + (ROOT / ".ci" / "run").read_text()
    known.update(re.findall(r"[A-Za-z_]\w*", extra))
    known.update(path.stem for path in (*ROOT.glob("*"), *ROOT.glob("*/*")))
    wrong = [(place, code, bad) for place, code in spans() if (bad := unknown(code, known))]
    assert not wrong, "\n".join(map(str, wrong))
    assert len(spans()) > 1000
    assert unknown("call `_keep_the_scores(self)`", known) == ["_keep_the_scores"]
    assert unknown("<layer>_engles", known) == ["engles"]


_SUFFIX = r"(?:py|md|toml|ipynb|csv|npz|png|jsonl|cfg)"


def test_every_path_that_is_written_as_code_exists():
    of_others = {"build/site", "build/site/index.html", "Train/", "Test/", "train/", "test/"}
    of_examples = ("proc/mine/", "neurons/mine.py")  # what a reader adds
    wrong, seen = [], 0
    for place, code in spans():
        for path in re.findall(rf"(?<![\w./:-])((?:[\w.*-]+/)+(?:[\w*-]+\.{_SUFFIX})?)", code):
            file = path.endswith(tuple(_SUFFIX[3:-1].split("|")))
            if path in of_others or path.startswith(of_examples) or not (file or path == code):
                continue
            seen += 1
            roots = [ROOT, ROOT / "lava_sqs", (ROOT / place).parent]
            if not any(list(root.glob(path.rstrip("/"))) for root in roots):
                wrong.append((place, path))
    assert not wrong, "\n".join(map(str, wrong))
    assert seen > 50


def _public():
    """Public classes and functions by name."""
    return {name: getattr(lava_sqs, name) for name in lava_sqs.__all__ if name != "__version__"}


def _resolve(chain):
    """Follow a dotted name from the package; None if it is none of ours."""
    first, *rest = chain.split(".")
    if first == "lava_sqs":
        try:
            return pydoc.locate(chain) or f"no {chain}"
        except pydoc.ErrorDuringImport as error:
            return str(error)
    value = _public().get(first)
    for name in rest:
        if value is None:
            return None
        # attributes that only an object has are told in its docstring
        told = name in (inspect.getdoc(value) or "")
        value = getattr(value, name, None if told else f"no {chain}")
    return value


def test_dotted_names_and_arguments_of_what_is_public_are_right():
    wrong, seen = [], 0
    for place, code in spans():
        for chain in re.findall(r"(?<![\w.])((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)", code):
            if chain.endswith((".py", ".md", ".toml", ".csv", ".npz", ".pth", ".start")):
                continue
            seen += 1
            if isinstance(value := _resolve(chain), str) and value.startswith("no "):
                wrong.append((place, value))
        for name, inside in re.findall(r"(?<![\w.])([A-Za-z_]\w*)\(([^()]*)", code):
            target = _public().get(name)
            if callable(target):
                given = set(re.findall(r"(?<![\w.])([A-Za-z_]\w*)=(?!=)", inside))
                wrong += [(place, f"{name}({bad}=)") for bad in given - _takes(target)]
                seen += len(given)
    assert not wrong, "\n".join(map(str, wrong))
    assert seen > 100


def _takes(target):
    """The names of the arguments that a class or function takes, and its bases."""
    functions = [target]
    if isinstance(target, type):  # Lava's metaclass hides the arguments of __init__
        functions = [vars(c).get("__init__") or vars(c).get("__new__") for c in target.__mro__]
    return {
        name
        for function in functions
        if inspect.isfunction(function)
        for name in inspect.signature(function).parameters
    }


def test_every_option_that_is_written_as_code_exists():
    sources = "".join(
        file.read_text() for folder in _CODE for file in (ROOT / folder).rglob("*.py")
    )
    train = Parser()
    fill_train(train, print)  # its options are made from the arguments of SQSNN
    sources += "".join(f'"{option}"' for option in train._option_string_actions)
    foreign = {"--hypothesis-profile", "--shm-size", "--fix", "--help", "--target", "--dist"}
    foreign.update(re.findall(r"--[\w-]+", _lava.COMMAND))
    wrong = [
        (place, option)
        for place, code in spans()
        for option in re.findall(r"(?<![\w-])(--[a-z][\w-]*)", code)
        if f'"{option}"' not in sources and option not in foreign
        and not (option.startswith("--no-") and f'"--{option[5:]}"' in sources)
    ]  # fmt: skip
    assert not wrong, "\n".join(map(str, wrong))


# -- what a Process has: its docstring and its Vars and ports --------------------------------------


def _network(neuron):
    spec = feed_forward(3, (4,), 2, neuron)
    start = initialise(spec, np.ones((5, 8, 3)), np.random.default_rng(0))
    return SQSNetwork(spec=spec, parameters=start, seed=1)


COUNT = {"n_classes": 2, "n_channels": 4, "temperature": 1.0, "reset_interval": 8}
PROCESSES = {
    "SQS": lambda: lava_sqs.SQS(shape=2),
    "LearningSQS": lambda: lava_sqs.LearningSQS(shape=2, role="hidden"),
    "QLIF": lambda: lava_sqs.QLIF(shape=2),
    "StochasticLIF": lambda: lava_sqs.StochasticLIF(shape=2),
    "SQSDense": lambda: lava_sqs.SQSDense(weights=np.eye(2)),
    "CountSoftmax": lambda: lava_sqs.CountSoftmax(**COUNT),
    "SQSNetwork": lambda: _network(SQSNeuron(lava_sqs.ansatz.layered())),
}


@pytest.mark.parametrize("make", PROCESSES.values(), ids=PROCESSES)
def test_docstrings_list_the_vars_and_ports_that_there_are(make):
    process = make()
    told = set()
    for cls in type(process).__mro__:
        text = inspect.cleandoc(vars(cls).get("__doc__") or "")
        for section in re.findall(r"\nAttributes\n-+\n(.*?)\n\n", text, re.S):
            for entry in re.findall(r"^(\S.*)$", section, re.M):
                told.update(entry.partition(" : ")[0].split(", "))
    patterns = {name: re.sub(r"<\w+>", r"\\w+", name) for name in told}
    members = [
        *process.vars.member_names,
        *process.in_ports.member_names,
        *process.out_ports.member_names,
    ]
    for member in members:
        assert any(re.fullmatch(pattern, member) for pattern in patterns.values()), member
    for name, pattern in patterns.items():
        assert any(re.fullmatch(pattern, member) for member in members), name


# -- who imports whom ------------------------------------------------------------------------------


def test_the_table_of_rooms_is_the_rule_that_the_code_is_held_to():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .* \| (none|`.*`|all but `.*`) \|$", text, re.M)
    rooms = {room for room in ALLOWED if room not in ("base", "front")}
    assert {room for room, _ in rows} == rooms
    for room, told in rows:
        named = set(re.findall(r"`(\w+)`", told))
        may = rooms - named - {room} if told.startswith("all but") else named
        assert may == ALLOWED[room], room
