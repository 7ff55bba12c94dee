# ruff: noqa: E501
import importlib
import json
import re
import sys

import pytest

from lava_sqs._errors import ArgumentValueError
from lava_sqs.cli.study import main
from lava_sqs.study import StudyResult, read_rows
from lava_sqs.study.loader import StudyFileError, key_lines, load_study

GOOD = """\
# A study.
[study]
task = "study_tasks:coin"
about = "coins"

[base]
batch_shots = 50

[grid]
p = [
    0.1,   # rare
    0.4,
]
"side" = ["a", "b"]

[stop]
max_errors = 20
max_batches = 3
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "coins.toml"
    path.write_text(GOOD)
    return path


def test_status_as_json(study, tmp_path, capsys):
    a = tmp_path / "a.csv"
    assert main(["run", str(study), "--out", str(a), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["status", str(a), "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert [p["value"] for p in points] == [p.value for p in StudyResult.load(a)]
    assert points[0]["parameters"] == {"batch_shots": 50, "p": 0.1, "side": "a"}
    b = tmp_path / "b.csv"
    b.write_text("".join(a.read_text().splitlines(keepends=True)[:4]))
    assert main(["status", str(b), "--study", str(study), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n_points"], found["n_done"]) == (4, 4 - len(found["open"]))
    assert {"batch_shots": 50, "p": 0.4, "side": "b"} in [p["parameters"] for p in found["open"]]


@pytest.mark.parametrize(
    ("given", "batches"), [(["--max-batches", "2"], 2), (["--max-shots", "200"], 4), ([], 3)]
)
def test_stop_rules_on_the_command_line_replace_those_of_the_file(
    study, tmp_path, capsys, given, batches
):
    study.write_text(GOOD.replace("max_errors = 20", "max_errors = 1000"))
    out = tmp_path / "a.csv"
    assert main(["run", str(study), "--out", str(out), *given]) == 0
    assert {p.batches for p in StudyResult.load(out)} == {batches}
    with pytest.raises(SystemExit):
        main(["run", str(study), "--out", str(out), "--quiet", "--verbose"])
    assert main(["run", str(study), "--out", str(out), "--max-shots", "0"]) == 2
    assert "--max-shots" in capsys.readouterr().err.splitlines()[-1]


def test_progress_is_shown_where_it_is_asked_for(study, tmp_path, capsys):
    assert main(["run", str(study), "--out", str(tmp_path / "a.csv"), "--verbose"]) == 0
    assert "4/4" in capsys.readouterr().err


def test_run_status_combine_plot(study, tmp_path, capsys):
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    assert main(["run", str(study), "--out", str(a)]) == 0
    said = capsys.readouterr()
    assert "coin: 4 points" in said.out
    assert said.err == ""
    rows = read_rows(a)

    b.write_text("".join(a.read_text().splitlines(keepends=True)[:4]))
    assert main(["status", str(b), "--study", str(study)]) == 0
    said = capsys.readouterr().out
    assert "of 4 points are done" in said
    assert "open: batch_shots=50, p=0.4, side='b': 0 batches, 0 shots" in said
    assert main(["status", str(a), "--study", str(study)]) == 0
    assert "4 of 4 points are done" in capsys.readouterr().out
    assert main(["status", str(a)]) == 0
    assert str(StudyResult.load(a)) in capsys.readouterr().out

    assert main(["combine", str(a), str(b), "--out", str(tmp_path / "c.csv")]) == 0
    assert "(3 duplicates)" in capsys.readouterr().out
    assert sorted(r.row_id for r in read_rows(tmp_path / "c.csv")) == sorted(r.row_id for r in rows)
    picture = tmp_path / "a.png"
    assert main(["plot", str(a), "--x", "p", "--group", "side", "--out", str(picture)]) == 0
    assert picture.read_bytes()[:4] == b"\x89PNG"
    select = ["--select", "side=a", "--select", "p=0.1"]
    assert main(["plot", str(a), "--x", "p", "--y", "side", *select, "--out", str(picture)]) == 0


def test_a_torn_line_is_reported_and_mended(study, tmp_path, capsys):
    a = tmp_path / "a.csv"
    assert main(["run", str(study), "--out", str(a)]) == 0
    whole = sorted(r.row_id for r in read_rows(a))
    a.write_bytes(a.read_bytes()[:-7])
    capsys.readouterr()
    assert main(["run", str(study), "--out", str(a)]) == 0
    assert "lava-sqs study: " in (said := capsys.readouterr().err)
    assert "the last line is torn" in said
    assert sorted(r.row_id for r in read_rows(a)) == whole


def test_exit_codes(study, tmp_path, capsys):
    out = ["--out", str(tmp_path / "a.csv")]
    assert main(["run", str(tmp_path / "no.toml"), *out]) == 2
    assert main(["run", str(study), *out, "--workers", "0"]) == 2
    with pytest.raises(SystemExit) as exit_:
        main(["run"])
    assert exit_.value.code == 2
    assert main(["status", str(tmp_path / "no.csv")]) == 2
    study.write_text(GOOD.replace("coin", "fails").replace("0.4", "0.5"))
    assert main(["run", str(study), *out]) == 1
    assert "no such luck" in (said := capsys.readouterr().err)
    assert "tries the failed points again" in said
    assert main(["plot", str(tmp_path / "a.csv"), "--x", "q", *out]) == 2
    assert "no parameter 'q'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("p = [", "p = [,", 10, "column"),
        ("[stop]", "[stop", 16, "column"),
        ("[stop]", "[stops]", 16, r"no table \[stops\]"),
        ("max_errors", "max_error", 17, r"\[stop\] has no key `max_error`"),
        ("max_errors = 20", "max_errors = 2.5", 17, "an integer"),
        ("max_errors = 20", "max_errors = true", 17, "an integer"),
        ("max_errors = 20", "max_errors = 0", 17, "at least 1"),
        ("study_tasks:coin", "study_tasks:coins", 3, "coins"),
        ("study_tasks:coin", "nowhere:coin", 3, "nowhere"),
        ("study_tasks:coin", "coin", 3, "one of 'memory_capacity'"),
        ('task = "study_tasks:coin"', "", 2, "must have `task`"),
        ("batch_shots = 50", "batch_shots = nan", 7, "NaN"),
        ("batch_shots = 50", "seed = 3", 7, "column"),
        ('"side" = ["a", "b"]', '"side" = "a"', 14, "`side` must have a list of values"),
        ('"side" = ["a", "b"]', "noise.t1 = [1e-5]\nnoise.t2 = [1e-4]", 14, "impossible"),
        ('about = "coins"', 'seed = "x"', 4, "an integer"),
        ('about = "coins"', "seed = -1", 4, "at least 0"),
        (
            "[stop]",
            "[options]\nside = 2\n[stop]",
            17,
            "`side` is not an option of the task 'coin': it has none",
        ),
        ("study_tasks:coin", "study_tasks:coin.__code__", 3, "callable"),
        ("study_tasks:coin", "study_tasks:no_task", 3, "task.params, seed"),
        ("batch_shots = 50", "noise.t1 = 1e-4", 7, "infinite t2.*noise.t2_over_t1"),
        ("[base]", "[[points]]\np = 1\n[base]", 7, "give it once"),
    ],
)
def test_errors_name_the_line(study, old, new, line, message):
    study.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(StudyFileError, match=rf"coins\.toml, line {line}\D.*{message}"):
        load_study(study)


class Riddle(ArgumentValueError):
    """An error whose text names every key but the one that is wrong."""

    def called(self, name):
        return "`side`, side=, `noise.t1`, has no option `errors`"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Riddle("p", "is odd"), 8),
        (Riddle("side", "is odd"), 9),
        (Riddle("noise.t1", "is odd"), 6),
        (Riddle("t1", "is odd"), 6),
        (Riddle("noise.t2", "is odd"), 7),  # what t2_over_t1 stands for
        (Riddle("base", "is odd"), 4),
        (Riddle("errors", "is odd"), 3),  # an option, and the parameters are looked at
        (Riddle("nobody", "is odd"), 3),
        (Riddle("only a text"), 3),
        (ValueError("`side`, side=, Argument `p` must be 2"), 3),
    ],
)
def test_the_line_is_found_by_the_argument_and_never_by_the_text(
    tmp_path, monkeypatch, error, line
):
    (tmp_path / "study_tasks_of_riddles.py").write_text(
        "class Task:\n"
        "    def __init__(self, errors=1): pass\n"
        "    def check(self, params): raise self.error\n"
        "    def __call__(self, params, seed): pass\n"
    )
    path = tmp_path / "s.toml"
    path.write_text(
        "# one\n[study]\ntask = 'study_tasks_of_riddles:Task'\n"
        "[base]\n# six\nnoise.t1 = 1e-4\n'noise.t2_over_t1' = 0.5\np = 1\nside = 1\n"
        "[options]\nerrors = 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("study_tasks_of_riddles")
    monkeypatch.setattr(module.Task, "error", error, raising=False)
    with pytest.raises(StudyFileError, match=rf"^{re.escape(str(path))}, line {line}: "):
        load_study(path)


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        ("task = 'memory_capacity'\n[options]\ncircuits = 0", 4, "`circuits` must be at least 1"),
        ("task = 'memory_capacity'\n[options]\ncircuit = 1", 4, "`circuit` is not an option"),
        ("task = 'memory_capacity'\n[base]\nlayers = 0", 4, "`layers` must be at least 1"),
        (
            "task = 'memory_capacity'\n[base]\nmemory = 1",
            4,
            "`memory` is not a parameter of the task",
        ),
        ("task = 'memory_capacity'\n[base]\nnoise.t1 = -1\nnoise.t2 = -1", 4, r"`noise\.t1` must"),
        ("task = 'memory_capacity'\n[base]\nnoise = 'foo'", 4, "`noise` must be one of"),
        ("task = 'memory_capacity'\n[base]\nnoise.t3 = 1", 4, r"`noise\.t3` is no field"),
        ("task = 'memory_capacity'\n[base]\nnoise.scaled = -1", 4, r"`noise\.scaled` must"),
        ("task = 'memory_capacity'\n[base]\n'a b' = 1", 4, "without spaces"),
        ('task = "memory_capacity"\n[base]\n"a\\u001b" = 1', 4, "without spaces"),
        ("task = 'memory_capacity'\n[grid]\nlayers = [1]\nnoise.t1 = []", 5, "must have values"),
        ("task = 'memory_capacity'\n[base]\nlayers = 1\n[grid]\nlayers = [1, 0]", 6, "`layers`"),
        ("task = 'memory_capacity'\n[grid]\nlayers = [1, 0]\n[base]\nlayers = 1", 4, "`layers`"),
        ("task = 'memory_capacity'\nseed = -1\n[base]\nx.seed = 1", 3, "`seed` must be at least 0"),
        ("task = 'memory_capacity'\n[[points]]\nlayers = 1\n[[points]]\nlayer = 1", 6, "`layer`"),
        ("task = 'training'\n[base]\ntrain_noise.t1 = -1", 4, r"`train_noise\.t1`"),
        ("task = 'training'\n[grid]\nepoch = [1]", 4, "`epoch` is not a parameter of SQSNN"),
        ("task = 'training'\n[base]\nweight_bits = 1", 4, "`weight_bits` must be at least 2"),
        ("task = 'accuracy'\n[options]\nrepeats = 0", 4, "`repeats` must be at least 1"),
        ("task = 'accuracy'\non_invalid = 'no'", 3, "`on_invalid` must be one of"),
        ("task = 'accuracy'\nversion = ''", 3, "`version` must not be empty"),
    ],
)
def test_mistakes_of_built_in_tasks_have_their_line(tmp_path, lines, line, message):
    path = tmp_path / "s.toml"
    path.write_text(f"[study]\n{lines}\n")
    with pytest.raises(StudyFileError, match=rf"line {line}: .*{message}"):
        load_study(path)


def test_files_that_options_name_are_looked_for_first(study, capsys):
    study.write_text('[study]\ntask = "accuracy"\n\n[options]\nrepeats = 2\nmodel = "no.npz"\n')
    with pytest.raises(StudyFileError, match=r"line 6: `model`: No such file.*: no\.npz"):
        load_study(study)
    assert main(["status", "no.csv"]) == 2
    assert capsys.readouterr().err == "lava-sqs study: error: No such file or directory: no.csv\n"


def test_lines_of_keys():
    text = (
        'a = 1\n\n[b."c d"]\ne = [\n  "]", # [x]\n]\n'
        'f.g = """\n[not]\nh = 1\n"""\n[[i]]\nj = {k = 1}\n[[i]]\nj = 2'
    )
    lines = key_lines(text)
    assert lines["a",] == 1
    assert lines["b", "c d"] == 3
    assert lines["b", "c d", "e"] == 4
    assert lines["b", "c d", "f", "g"] == 7
    assert lines["i", 0, "j", "k"] == 12
    assert lines["i", 1, "j"] == 14
    assert ("not",) not in lines


def test_a_task_beside_the_file_is_found(tmp_path):
    (tmp_path / "study_tasks_of_user.py").write_text(
        "def task(params, seed, errors=1):\n    return {'shots': 10, 'errors': errors}\n"
    )
    path = tmp_path / "s.toml"
    path.write_text('[study]\ntask = "study_tasks_of_user:task"\n[options]\nerrors = 4\n')
    result = load_study(path).study.run(progress=False)
    assert result.points[0].counts.errors == 4
    assert result.points[0].task == "task"


def test_the_command_is_wired():
    import argparse

    from lava_sqs.cli.study import add_parser

    top = argparse.ArgumentParser()
    add_parser(top.add_subparsers())
    args = top.parse_args(["study", "run", "a.toml", "--out", "b.csv", "--workers", "3"])
    assert (args.study, args.out, args.workers, args.dask) == ("a.toml", "b.csv", 3, None)
    assert args.call(args) == 2  # no such file


BAD_TASKS = {
    "": "must be one of 'memory_capacity'",
    ":": 'it must be "module:function"',
    "user_a:": 'it must be "module:function"',
    "a b:c": 'it must be "module:function"',
    ".user_a:task": 'it must be "module:function"',
    "user_a": "must be one of 'memory_capacity'",
    "user_a:nope": "has no attribute 'nope'",
    "user_a:task.nope": "has no attribute 'nope'",
    "user_a:number": "must be callable",
    "user_b:task": r"ZeroDivisionError: .*\(.*user_b\.py, line 2, in <module>\)",
    "user_c:task": r"SyntaxError: .*\(user_c\.py, line 1\)",
    "user_d:task": r"SystemExit: .*user_d\.py, line 2",
    "user_e:task": "No module named 'nowhere'",
    "user_f:task": "random generator.*version=",
    "loky:task": r"loky\.py beside the study is hidden by .*loky/__init__\.py: rename it",
}


@pytest.mark.parametrize("task", BAD_TASKS)
def test_a_bad_task_has_its_line_whatever_is_wrong(tmp_path, capsys, task):
    bodies = {
        "user_a": "number = 1\ndef task(params, seed): pass",
        "user_b": "\n1 / 0",
        "user_c": "def (",
        "user_d": "import sys\nsys.exit(0)",
        "user_e": "import nowhere",
        "user_f": "import numpy as np\nr = np.random.default_rng(0)\ndef task(params, seed): r.random()",
        "loky": "def task(params, seed): pass",
    }
    for name, body in bodies.items():
        (tmp_path / f"{name}.py").write_text(body)
    (tmp_path / "s.toml").write_text(f"# one\n[study]\ntask = {task!r}\n")
    path = list(sys.path)
    try:
        assert main(["run", str(tmp_path / "s.toml"), "--out", str(tmp_path / "a.csv")]) == 2
    finally:
        sys.path[:] = path
        for name in bodies.keys() - {"loky"}:
            sys.modules.pop(name, None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(rf"s\.toml, line 3: .*{BAD_TASKS[task]}", said)
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_beside_the_study_shadows_no_library(tmp_path, capsys, workers):
    for name in ("loky", "pandas", "tqdm", "psutil", "random"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('the wrong module')\n")
    (tmp_path / "study_tasks_of_user.py").write_text(
        "import random\nimport psutil\n"
        "def task(params, seed):\n    return {'shots': 10, 'errors': 1}\n"
    )
    (tmp_path / "s.toml").write_text(
        '[study]\ntask = "study_tasks_of_user:task"\n[grid]\np = [1, 2]\n'
    )
    out = tmp_path / "a.csv"
    path = list(sys.path)
    try:
        assert main(["run", str(tmp_path / "s.toml"), "--out", str(out), "--workers", workers]) == 0
    finally:
        sys.path[:] = path
    assert len(read_rows(out)) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_files_of_other_programs_are_read(study, tmp_path, capsys, mark, end):
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    assert main(["run", str(study), "--out", str(a)]) == 0
    rows = read_rows(a)
    for path in (study, a):
        path.write_bytes(mark + path.read_bytes().replace(b"\n", end))
    assert read_rows(a) == rows
    torn = a.read_bytes()[:-9]
    assert main(["run", str(study), "--out", str(a)]) == 0
    assert read_rows(a) == rows
    b.write_bytes(torn)
    assert main(["run", str(study), "--out", str(b)]) == 0
    assert sorted(r.row_id for r in read_rows(b)) == sorted(r.row_id for r in rows)


def test_what_is_nested_too_deeply_is_named(study, tmp_path, capsys):
    for depth in (30, 3000):
        study.write_text(GOOD.replace("50", "[" * depth + "]" * depth))
        assert main(["run", str(study), "--out", str(tmp_path / "a.csv")]) == 2
        assert re.search(r"coins\.toml.* nested", said := capsys.readouterr().err)
        assert said.count("\n") == 1
    study.write_text(GOOD)
    a = tmp_path / "a.csv"
    assert main(["run", str(study), "--out", str(a)]) == 0
    a.write_text(a.read_text().replace(",a,", f",{'[' * 100000},"))
    capsys.readouterr()
    assert main(["status", str(a)]) == 1
    assert (
        "a.csv, line 2 is not a row of results (a cell is nested too deeply)"
        in capsys.readouterr().err
    )


def test_tracebacks_are_shown_on_demand(study, tmp_path, capsys):
    study.write_text(GOOD.replace("coin", "fails").replace("0.4", "0.5"))
    run = ["run", str(study), "--out", str(tmp_path / "a.csv")]
    assert main(run) == 1
    said = capsys.readouterr().err
    assert re.search(
        r"ZeroDivisionError: no such luck \(.*study_tasks\.py, line \d+, in fails\)", said
    )
    assert "--debug" in said
    assert "Traceback" not in said
    assert main([*run, "--debug"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert 'raise ZeroDivisionError("no such luck")' in said


def test_control_characters_do_not_reach_a_terminal(study, tmp_path, capsys):
    study.write_text(GOOD.replace('"b"]', r'"\u001b[31mred", "\u202eback", "\u007f"]'))
    a = tmp_path / "a.csv"
    assert main(["run", str(study), "--out", str(a)]) == 0
    b = tmp_path / "b.csv"
    b.write_text("".join(a.read_text().splitlines(keepends=True)[:2]))
    assert main(["status", str(a)]) == 0
    assert main(["status", str(b), "--study", str(study)]) == 0
    said = capsys.readouterr().out
    for escaped in (r"\x1b[31mred", r"\u202eback", r"\x7f"):
        assert escaped in said
    for text in (said, a.read_text()):
        assert all(c.isprintable() or c == "\n" for c in text)
    assert {r.params["side"] for r in read_rows(a)} == {"a", "\x1b[31mred", "\u202eback", "\x7f"}
