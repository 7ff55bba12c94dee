"""How commands end: closed pipes, full disks, signals, terminals without letters."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest

from lava_sqs import cli
from lava_sqs.cli import _main

TASK = """
import time
def task(params, seed):
    time.sleep(params.get("pause", 0))
    return {"shots": 10, "errors": 1}
"""
STUDY = '[study]\ntask = "ends_task:task"\n[grid]\np = [1, 2]\nname = ["\\u00b5", "b"]\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("ends")
    (made / "ends_task.py").write_text(TASK)
    (made / "s.toml").write_text(STUDY)
    (made / "slow.toml").write_text(STUDY + "[base]\npause = 0.2\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        assert cli.main(["study", "run", "s.toml", "--out", "runs.csv"]) == 0
    return made


class Forked:
    """A command in a fork: everything is imported already."""

    def __init__(self, folder, argv, stdout=None, encoding="utf-8", before=None):
        self.out, self.err = folder / "stdout", folder / "stderr"
        self.pid = os.fork()
        if self.pid:
            return
        code = 99
        try:
            os.chdir(folder)
            out = (
                os.open(self.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                if stdout is None
                else stdout
            )
            err = os.open(self.err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(err, 2)
            sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding=encoding)
            sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="ascii", write_through=True)
            for number in (signal.SIGINT, signal.SIGTERM):
                standard = number == signal.SIGINT
                signal.signal(number, signal.default_int_handler if standard else signal.SIG_DFL)
            sys.argv = ["lava-sqs", *argv]
            if before is not None:
                before()
            code = cli.main()
        except SystemExit as end:
            code = end.code
        finally:
            os._exit(code)

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    @property
    def said(self):
        return self.err.read_text()


def no_reader():
    read, write = os.pipe()
    os.close(read)
    return write


COMMANDS = [
    ["presets"],
    ["--help"],
    ["--version"],
    ["train", "--help"],
    ["study", "status", "runs.csv"],
    ["study", "status", "runs.csv", "--study", "s.toml"],
    ["study", "run", "s.toml", "--out", "runs.csv"],
    ["study", "plot", "runs.csv", "--x", "p", "--out", "a.png"],
    ["data", "digits", "--out", "digits.npz"],
]


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_reader_that_went_away_ends_a_command_quietly(folder, argv):
    run = Forked(folder, argv, stdout=no_reader())
    assert run.wait() == 141
    assert run.said == ""


@pytest.mark.parametrize("argv", [["presets"], ["study", "status", "runs.csv"]], ids=" ".join)
def test_a_full_disk_behind_standard_output_is_named(folder, argv):
    run = Forked(folder, argv, stdout=os.open("/dev/full", os.O_WRONLY))
    assert run.wait() == 1
    assert "results could not be printed: No space left on device" in run.said
    assert run.said.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_a_terminal_without_letters_shows_their_numbers(folder, encoding):
    run = Forked(folder, ["study", "status", "runs.csv"], encoding=encoding)
    assert run.wait() == 0
    text = run.out.read_bytes().decode(encoding)
    assert ("\\xb5" if encoding == "ascii" else "µ") in text


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]
)
def test_a_signal_while_modules_load_ends_at_once_in_one_line(folder, monkeypatch, number, word):
    def loading():
        os.kill(os.getpid(), number)
        time.sleep(20)

    monkeypatch.setattr(_main, "build_parser", loading)
    run = Forked(folder, ["presets"])
    assert run.wait() == 128 + number
    assert run.said == f"lava-sqs: {word}\n"


@pytest.mark.parametrize(
    ("number", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")]
)
def test_a_signal_while_a_study_runs_says_how_to_go_on(folder, number, word):
    out = folder / f"{word}.csv"
    run = Forked(folder, ["study", "run", "slow.toml", "--out", out.name])
    while not out.exists() or out.read_bytes().count(b"\n") < 2:
        time.sleep(0.01)
    os.kill(run.pid, number)
    assert run.wait() == 128 + number
    assert f"lava-sqs study: {word}: 1 rows are in {out.name} (1 new). The same command" in run.said
    assert run.said.count("\n") == 1


def test_a_signal_that_falls_into_a_callback_is_not_lost(folder, monkeypatch):
    class Falls:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):
                pass

    def presets(args):
        Falls()  # what is raised in there, Python prints and forgets
        time.sleep(20)

    monkeypatch.setattr(_main, "_presets", presets)
    run = Forked(folder, ["presets"])
    assert run.wait() == 143
    assert run.said == "lava-sqs: terminated\n"


def test_an_ignored_signal_stays_ignored(folder, monkeypatch):
    monkeypatch.setattr(_main, "_presets", lambda args: os.kill(os.getpid(), signal.SIGHUP) or 0)
    run = Forked(folder, ["presets"], before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert run.wait() == 0


def test_handlers_are_given_back():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    hook = sys.unraisablehook
    assert cli.main(["presets"]) == 0
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    assert sys.unraisablehook == hook


def test_a_defect_is_one_line_and_debug_shows_its_traceback(monkeypatch, capsys):
    def presets(args):
        return {}["no\x1b[31m"]

    monkeypatch.setattr(_main, "_presets", presets)
    assert cli.main(["presets"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("lava-sqs: a defect of lava-sqs: KeyError: ")
    assert said.count("\n") == 1
    assert "\x1b" not in said
    for argv in (["--debug", "presets"], ["presets", "--debug"]):
        assert cli.main(argv) == 1
        said = capsys.readouterr().err
        assert "Traceback" in said
        assert "in presets" in said


@pytest.mark.parametrize(
    "out", ["no/a.csv", "/dev/stdout", "/dev/null", "/dev/fd/1", "/proc/self/fd/1", ".", "pipe"]
)
@pytest.mark.parametrize(
    "argv",
    [
        ["study", "run", "s.toml"],
        ["study", "combine", "runs.csv", "runs.csv"],
        ["study", "plot", "runs.csv", "--x", "p"],
    ],
    ids=lambda argv: argv[1],
)
def test_places_that_take_no_file_are_named(folder, monkeypatch, capsys, argv, out):
    monkeypatch.chdir(folder)
    if out == "pipe" and not os.path.exists(out):
        os.mkfifo(out)
    null = os.stat("/dev/null")
    assert cli.main([*argv, "--out", out]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "None" not in said
    assert os.path.dirname(out) in said
    assert os.stat("/dev/null").st_ino == null.st_ino


def test_the_command_ends_as_its_function(folder):
    # Once for real: what the interpreter does at its end is part of it.
    run = subprocess.run(
        [sys.executable, "-m", "lava_sqs", "presets"],
        stdout=no_reader(),
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        check=False,
    )
    assert (run.returncode, run.stderr) == (141, b"")
