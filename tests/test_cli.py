"""The command line: what it parses, prints and returns; and the demo behind it."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import image

from lava_sqs import NoiseModel, demo
from lava_sqs.cli import build_parser, completion, main


def test_presets_are_listed_with_their_numbers(capsys):
    assert main(["presets"]) == 0
    out = capsys.readouterr().out
    for name in ("ibm_brisbane", "ibm_torino", "ibm_marrakesh", "ibm_fez", "fake_torino"):
        assert f"{name}\n" in out
        source = NoiseModel.preset(name).source
        assert source in out
        assert "2025-02-26" in source


def test_presets_as_json(capsys):
    assert main(["presets", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [*NoiseModel.presets(), *NoiseModel.snapshots()]
    for name, numbers in found.items():
        assert NoiseModel.from_dict(numbers) == NoiseModel.preset(name)


@pytest.mark.parametrize("argv", [[], ["study"]])
def test_without_a_command_there_is_help(argv, capsys):
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: lava-sqs")
    assert "COMMAND" in out
    assert not err


def completed(words):
    """Return what bash offers for the last of some words."""
    script = completion.script(build_parser(), "bash")
    line = " ".join(f"'{word}'" for word in words)
    program = f"""{script}
COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _lava_sqs; echo "${{COMPREPLY[@]}}"
"""
    run = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["lava-sqs", "st"], ["study"]),
        (["lava-sqs", "study", "s"], ["status"]),
        (["lava-sqs", "study", "run", "--max-b"], ["--max-batches"]),
        (["lava-sqs", "demo", "--backend", ""], ["instrument", "qutip"]),
        (["lava-sqs", "demo", "--backend", "q"], ["qutip"]),
        (["lava-sqs", "train", "digits", "--hid"], ["--hidden", "--hidden-learning-rate"]),
        (["lava-sqs", "completion", "f"], ["fish"]),
    ],
)
def test_bash_completes_commands_options_and_choices(words, offered):
    assert completed(words) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_completed(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("train", "evaluate", "combine", "json", "max-errors", "hidden"):
        assert word in script
    if shell != "fish":
        subprocess.run(["bash", "-n"], input=script.split("\n", 1)[1], text=True, check=True)


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("lava-sqs ")


@pytest.mark.parametrize(
    "argv",
    [
        ["dmo"],
        ["demo", "--backend", "gpu"],
        ["demo", "--backend", "density"],
        ["demo", "--seed", "x"],
    ],
)
def test_usage_errors_exit_with_2(argv, capsys):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert "usage: lava-sqs" in capsys.readouterr().err


def test_bad_values_exit_with_2_and_one_line(capsys):
    assert main(["demo", "--seed", "-1"]) == 2
    assert capsys.readouterr().err == (
        "lava-sqs: Argument `seed` must be at least 0, but got -1.\n"
    )


def test_interruption_exits_with_130(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run_demo", interrupted)
    assert main(["demo"]) == 130
    assert "interrupted" in capsys.readouterr().err


def result(n=2):
    rng = np.random.default_rng(0)
    steps = n * demo.PERIOD
    return demo.DemoResult(
        images=rng.random((n, 8, 8)),
        labels=np.arange(n),
        predictions=np.zeros(n, int),
        input_spikes=rng.integers(0, 2, (steps, 64)),
        sqs_spikes=rng.integers(0, 2, (steps, demo.NEURONS)),
        memory=np.concatenate(
            [np.ones((steps, demo.NEURONS, 1)), rng.uniform(-0.2, 0.2, (steps, demo.NEURONS, 15))],
            axis=2,
        ),
        readout_spikes=rng.integers(0, 2, (steps, 10)),
        curve=np.array([0.3, 0.5]),
        confusion=np.eye(10, dtype=int) + 1,
        n_train=3,
        backend="instrument",
        worst_p=1e-15,
        same_spikes=True,
        same_votes=True,
        seed=0,
        seconds=(1.0, 2.0, 3.0),
    )


def test_picture_is_written_into_a_new_folder(tmp_path):
    path = tmp_path / "new" / "demo.png"
    demo.draw(result(), path)
    pixels = image.imread(path)
    assert pixels.shape[0] > 800
    assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 50


@pytest.mark.parametrize("what", ["same_spikes", "same_votes"])
def test_a_disagreement_is_said_and_fails(what, monkeypatch, capsys):
    wrong = dataclasses.replace(result(), **{what: False})
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: wrong)
    assert main(["demo", "--no-plot"]) == 1
    assert capsys.readouterr().out.count("NOT the same") == 1


#: As `python -m lava_sqs`, where no network may have processes of its own.
ONE_PROCESS = """
import runpy
from lava_sqs.execution.supervision.supervised import SupervisedRuntime
def refuse(*args):
    raise AssertionError("the demo's network does not run in one process")
SupervisedRuntime.initialize = refuse
runpy.run_module("lava_sqs", run_name="__main__")
"""


@pytest.mark.slow
def test_demo_from_the_shell(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", ONE_PROCESS, "demo", "--seed", "3", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    assert (tmp_path / "demo.png").stat().st_size > 20_000
    lines = dict(line.split(":", 1) for line in run.stdout.splitlines())
    accuracy = float(lines["accuracy"].split("%")[0])
    assert accuracy > 80
    right, shown = lines["in Lava"].split(" new")[0].split(" of ")
    assert int(right) > 0.6 * int(shown)
    assert "256 quantum outcomes" in lines["check"]
    assert "NOT the same" not in run.stdout
