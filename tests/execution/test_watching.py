"""Seeing a network run: what is shown is what it did, and nothing of it changes."""

import contextlib
import io
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from IPython.display import HTML

from lava_sqs import SQS, SQSNN, NoiseModel, SQSSimCfg, runtime
from lava_sqs.execution import screen
from lava_sqs.quantum.diagnostics import purity

# isort: split
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

ENGINES = ("inline", "processes")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def chain(n=6, name="sqs", **options):
    """Return the Processes of LIF-Dense-SQS."""
    lif = LIF(shape=(n,), bias_mant=1.0, vth=3.0, name="lif")
    dense = Dense(weights=np.full((n, n), 0.8 / n))
    noise = NoiseModel.preset("ibm_brisbane")
    sqs = SQS(shape=(n,), noise=noise, seed=7, name=name, **options)
    lif.s_out.connect(dense.s_in)
    dense.a_out.connect(sqs.a_in)
    return lif, sqs


@contextlib.contextmanager
def terminal(encoding="utf-8"):
    """Open a terminal, and the bytes that it has been sent."""
    reader, writer = pty.openpty()
    sent = []
    file = os.fdopen(writer, "w", encoding=encoding)

    def read():
        with contextlib.suppress(OSError):
            while data := os.read(reader, 1 << 16):
                sent.append(data)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield file, sent
    finally:
        file.close()
        thread.join(10)
        os.close(reader)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_shown_is_what_happened_and_changes_nothing(engine):
    names = ("s_out", "memory")
    alone = chain(record=names)[1]
    with runtime(alone, SQSSimCfg(), engine=engine) as net:
        net.run(130)
    lif, sqs = chain(record=names)
    with runtime(sqs, SQSSimCfg(), engine=engine) as net:
        kept = net.record(lif.s_out, sqs.p_spike)
        net.run(9)
        with net.watch(file=io.StringIO(), rate=1e-3) as watch:
            for n_steps in (1, 40, 80):
                net.run(n_steps)
                view = watch.view()
        assert (view.step, view.goal, view.begun) == (130, 130, 9)
    for name in names:
        assert np.array_equal(getattr(alone.recording, name), getattr(sqs.recording, name))
    assert len(kept.s_out) == len(kept.p_spike) == 130
    spikes, memory = sqs.recording.s_out != 0, sqs.recording.memory
    seen = {each.name: each for each in view.seen}
    assert list(seen) == ["lif", "sqs"]
    shown = seen["sqs"].spikes
    assert shown.shape[0] <= screen.STEPS
    for name, train in (("sqs", spikes), ("lif", kept.s_out != 0)):
        last = seen[name].spikes[-30:]
        places = [np.array_equal(train[i : i + 30], last) for i in range(9, 101)]
        assert sum(places) == 1 or name == "lif"
        assert any(places)
        assert 0 < seen[name].rates[-1] < 1
    values = purity(memory)[9:]
    assert any(np.isclose(values.mean(axis=1), seen["sqs"].purities[-1], atol=1e-12))
    assert any(np.isclose(values.min(axis=1), seen["sqs"].lowest, atol=1e-12))
    assert seen["lif"].purities == []


@pytest.mark.parametrize("engine", ENGINES)
def test_models_take_nothing_that_nobody_asked_for(engine):
    _, sqs = chain()
    with runtime(sqs, SQSSimCfg(), engine=engine) as net:
        for _ in range(3):  # watched again, a Var is the same as before
            with net.watch(sqs, file=io.StringIO(), rate=1e-3) as watch:
                net.run(200)
                rows, column = watch._parts[0]._rows, watch._parts[0]._spikes
                before = rows.rows(column.field)
                net.run(200)
                assert rows.rows(column.field) == before
        assert before <= 3 * 2 * screen.STEPS
        assert len(net._runtime._looked_at) == 2


def test_what_is_no_terminal_gets_lines(monkeypatch):
    monkeypatch.setattr(screen, "PAUSE", 0.0)
    file = io.StringIO()
    _, sqs = chain()
    with runtime(sqs, SQSSimCfg()) as net, net.watch(file=file, rate=50):
        deadline = time.monotonic() + 20
        while file.getvalue().count("\n") < 2 and time.monotonic() < deadline:
            net.run(50)
    lines = file.getvalue().splitlines()
    assert len(lines) >= 3
    assert "\x1b" not in file.getvalue()
    assert re.fullmatch(
        r"step \d+ of \d+, .* steps/s; lif: rate 0\.\d+; sqs: rate 0\.\d+, purity 0\.\d+ .*",
        lines[-1],
    )


@pytest.mark.parametrize(
    ("given", "encoding", "colour", "blocks"),
    [
        ({"TERM": "xterm"}, "utf-8", True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "utf-8", False, True),
        ({"TERM": "xterm"}, "ascii", True, False),
        ({"TERM": "xterm"}, "cp1252", True, False),
        ({"TERM": "xterm", "COLUMNS": "24"}, "utf-8", True, None),
        ({"TERM": "xterm", "COLUMNS": "24", "LINES": "3"}, "ascii", True, False),
    ],
)
@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_a_terminal_is_drawn_over_and_given_back(
    given, encoding, colour, blocks, error, monkeypatch
):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"COLUMNS": "100", "LINES": "40", **given}.items():
        monkeypatch.setenv(name, value)
    _, sqs = chain(name="漢\x1b[2J" + "x" * 60)
    expected = contextlib.nullcontext() if error is None else pytest.raises(error)
    with terminal(encoding) as (file, sent), expected, runtime(sqs, SQSSimCfg()) as net:
        out = sys.stdout
        with net.watch(file=file):
            assert sys.stdout is out  # what the program prints is its own
            net.run(100)
            if error is not None:
                raise error
    text = b"".join(sent).decode(encoding)
    assert "step 100 of 100" in text
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")
    assert "\x1b[2J" not in text  # of the name
    assert bool(re.search(r"\x1b\[(3|9)\dm|38;", text)) == colour
    assert blocks is None or bool(re.search("[⠀-⣿]", text)) == blocks
    width = int(given.get("COLUMNS", 100))
    assert all(len(ESCAPE.sub("", line)) <= width for line in re.split(r"[\r\n]+", text))


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_dumb_terminal_gets_lines(term, monkeypatch):
    monkeypatch.setenv("TERM", term)
    _, sqs = chain()
    with terminal("ascii") as (file, sent), runtime(sqs, SQSSimCfg()) as net, net.watch(file=file):
        net.run(20)
    assert b"\x1b" not in b"".join(sent)
    assert b"step 20 of 20" in b"".join(sent)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("condition", [RunSteps(200, blocking=False), RunContinuous()])
def test_runs_that_do_not_block(engine, condition):
    file = io.StringIO()
    _, sqs = chain()
    with runtime(sqs, SQSSimCfg(), engine=engine) as net, net.watch(file=file) as watch:
        net.run(condition)
        while net.time_step < 150:
            watch.view()
        net.pause()
        assert (watch.view().goal is None) == isinstance(condition, RunContinuous)
    assert "purity" in file.getvalue()


class Broken(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left")


@pytest.mark.parametrize("error", [None, ValueError])
def test_a_picture_that_cannot_be_drawn_is_no_end_of_the_run(error):
    _, sqs = chain(record="s_out")
    said = pytest.warns(RuntimeWarning, match="could not show all of it: .*No space left")
    expected = contextlib.nullcontext() if error is None else pytest.raises(error)
    with said, expected, runtime(sqs, SQSSimCfg()) as net, net.watch(file=Broken()):
        net.run(20)
        if error is not None:
            raise error
    assert sqs.recording.s_out.shape == (20, 6)


def test_a_network_that_fails_is_told_as_always():
    _, sqs = chain()

    def fail():
        with runtime(sqs, SQSSimCfg()) as net, net.watch(file=io.StringIO()):
            net.run(10)
            sqs.bias.set(np.full(6, np.nan))
            net.run(10)

    with pytest.raises(RuntimeError, match=r"'sqs'(.|\n)*bias"):
        fail()


def test_a_notebook_gets_one_picture_that_changes(monkeypatch):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(("update", data, raw))

    def display(data, raw, display_id):
        shown.append(("display", data, raw, display_id))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(screen, "_in_notebook", lambda: True)
    _, sqs = chain(name="<script>&")
    with runtime(sqs, SQSSimCfg()) as net, net.watch(sqs, rate=100):
        while len(shown) < 3:
            net.run(50)
    assert [each[0] for each in shown[:3]] == ["display", "update", "update"]
    html, text = shown[-1][1]["text/html"], shown[-1][1]["text/plain"]
    assert "&lt;script&gt;&amp;" in html
    assert "<script>" not in html
    assert re.search("[⠀-⣿]", text)
    assert "\x1b" not in text + html
    assert HTML(html).data.startswith("<pre style=")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0}, "`rate`"),
        ({"rate": float("nan")}, "`rate`"),
        ({"steps": 0}, "`steps`"),
        ({"steps": 2.5}, "`steps`"),
        ({"file": "here.txt"}, "`file`"),
    ],
)
def test_arguments(options, message):
    _, sqs = chain()
    with runtime(sqs, SQSSimCfg()) as net:
        with pytest.raises((TypeError, ValueError), match=message):
            net.watch(**options)
        net.run(1)


def test_processes_and_times_that_cannot_be_watched():
    lif, sqs = chain()
    dense = Dense(weights=np.eye(2))
    net = runtime(sqs, SQSSimCfg())
    with pytest.raises(RuntimeError, match=r"has not been started: call watch\(\)"):
        net.watch()
    with net:
        for wrong in ("lif", lif.s_out, None):
            with pytest.raises(TypeError, match="`processes`"):
                net.watch(wrong)
        with pytest.raises(ValueError, match="`processes` must be of this network"):
            net.watch(dense)
        watch = net.watch(lif, file=io.StringIO())
        with watch:
            net.run(3)
        with pytest.raises(RuntimeError, match=r"call net\.watch"), watch:
            pass
        net.run(RunContinuous())
        with pytest.raises(RuntimeError, match=r"is running; call wait\(\) or pause\(\)"):
            net.watch(sqs)
        net.pause()
    with pytest.raises(RuntimeError, match="not running any more"):
        net.watch()


def test_a_trained_network_shows_its_layers(capsys):
    rng = np.random.default_rng(0)
    x, y = rng.random((12, 3)), np.array([0, 1] * 6)
    clf = SQSNN((4,), n_steps=4, epochs=1, random_state=0).fit(x, y)
    plain = clf.run_in_lava(x)
    capsys.readouterr()
    assert np.array_equal(clf.run_in_lava(x, watch=True), plain)
    said = capsys.readouterr().err
    steps = 12 * plain.shape[1]
    assert f"step {steps} of {steps}" in said
    assert re.search(r"input: rate .*hidden0: rate .* purity .*visible: rate .*", said)
    with pytest.raises(TypeError, match="`watch`"):
        clf.run_in_lava(x, watch="yes")


def test_letters():
    spikes = np.zeros((5, 6), dtype=bool)
    assert screen.braille(spikes) == ["⠀⠀⠀", "⠀⠀⠀"]
    spikes[-1, 0] = spikes[-2, 5] = True
    assert screen.braille(spikes) == ["⠀⠀⠈", "⠀⠀⠂"]
    assert screen.plain_spikes(spikes)[0] == "....|"
    assert screen.levels([0.0, np.nan, 2.0], 1.0) == "▁▁█"
    assert screen.sample(3, 16).tolist() == [0, 1, 2]
    assert len(screen.sample(600, 16)) == 16
    assert [screen.has_blocks(e) for e in ("utf-8", "cp437", "ascii", None, "no-such")] == [
        True,
        False,
        False,
        False,
        False,
    ]


PROGRAM = """
from test_watching import chain
from lava_sqs import SQSSimCfg, runtime
with runtime(chain()[1], SQSSimCfg(), engine={engine!r}) as net, net.watch():
    net.run(10**8)
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_and_a_kill_leave_a_terminal_that_works(engine, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))
    for number, code in ((signal.SIGINT, -2), (signal.SIGKILL, -9))[: 1 + (engine == "inline")]:
        with terminal() as (file, sent):
            run = subprocess.Popen(
                [sys.executable, "-c", PROGRAM.format(engine=engine)], stdout=file, stderr=file
            )
            deadline = time.monotonic() + 60
            while b"steps/s" not in b"".join(sent) and time.monotonic() < deadline:
                assert run.poll() is None, b"".join(sent)
                time.sleep(0.1)
            run.send_signal(number)
            assert run.wait(30) == code, b"".join(sent)
        text = b"".join(sent).decode()
        assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l") > -1
        assert ("KeyboardInterrupt" in text) == (number == signal.SIGINT)
