"""Kill it, resume it, scale it out: the rows are those of an undisturbed run."""

import concurrent.futures as cf
import faulthandler
import math
import os
import random
import shutil
import signal
import subprocess
import time

import psutil
import pytest

from benchmarks import study_faults as faults
from lava_sqs.cli.study import main
from lava_sqs.study.loader import load_study
from lava_sqs.study.tasks import networks

STUDY = """
[study]
task = "study_tasks:coin"
seed = 3

[base]
pause = 0.08

[grid]
p = [0.05, 0.3, 0.6]

[stop]
max_shots = 1000
max_errors = 200
"""


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


# -- the example ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A shrunken example, the rows of an undisturbed run, and its CPU seconds."""
    folder = tmp_path_factory.mktemp("example")
    study = faults.shrunken("digits", folder / "digits.toml", keep='"networks"', **faults.SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", str(study), "--out", "here.csv"]) == 0
    rows = faults.rows_of(folder / "here.csv")
    assert len(rows) == 48
    # Forks of this process now find everything imported and compiled.
    shutil.rmtree(folder / "networks")
    start = os.times()
    assert forked(study, folder / "fork.csv") == 0
    end = os.times()
    assert faults.rows_of(folder / "fork.csv") == rows
    took = end.children_user + end.children_system - start.children_user - start.children_system
    return study, rows, took


def forked(study, out, rows=math.inf, seconds=0.0):
    """Run the command in a fork; kill it some rows and then some CPU seconds later."""
    networks._trained.cache_clear()
    until = lines(out) + rows
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.chdir(out.parent)
            code = main(["run", str(study), "--out", str(out)])
        finally:
            os._exit(code)
    run = psutil.Process(pid)
    while lines(out) < until and run.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.001)
    until = sum(run.cpu_times()[:2]) + seconds
    while sum(run.cpu_times()[:2]) < until and run.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_example_killed_twenty_times_and_resumed(example, tmp_path):
    study, rows, took = example
    out = tmp_path / "runs.csv"
    rng = random.Random(0)
    # Three while networks are trained, the others in or between two batches.
    codes = [forked(study, out, 0, rng.uniform(0, took / 4)) for _ in range(3)]
    codes += [forked(study, out, rng.randrange(2), rng.uniform(0, 0.02)) for _ in range(17)]
    assert codes == [-signal.SIGKILL] * 20
    assert forked(study, out) == 0
    assert faults.rows_of(out) == rows


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_the_example_on_workers_killed_and_resumed(example, tmp_path, workers):
    study, rows, _ = example
    options = ("--workers", str(workers))
    times = seconds(study, tmp_path / "timing", *options)
    hits = faults.killed(study, tmp_path / "runs.csv", 5, workers, times, *options)
    assert hits >= 2
    assert faults.rows_of(tmp_path / "runs.csv") == rows


def seconds(study, folder, *options):
    """What an undisturbed run takes, and one that has nothing left to do."""
    folder.mkdir()
    return tuple(faults.undisturbed(study, folder / "runs.csv", *options) for _ in range(2))


@pytest.mark.faults
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_whole_study_of_memory_killed_twenty_times(tmp_path, workers):
    # Twenty starts of the physics take minutes: more than a test may by the project's watchdog.
    faulthandler.cancel_dump_traceback_later()
    study = faults.STUDIES / "memory.toml"
    options = ("--workers", str(workers))
    times = seconds(study, tmp_path / "timing", *options)
    hits = faults.killed(study, tmp_path / "runs.csv", 20, workers, times, *options)
    assert hits >= 7
    rows = faults.rows_of(tmp_path / "runs.csv")
    assert len(rows) == 540
    assert rows == faults.rows_of(tmp_path / "timing" / "runs.csv")


@pytest.fixture
def cluster(tmp_path_factory, tasks_on_path):
    pytest.importorskip("distributed")
    made = faults.Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_example_on_dask_with_a_killed_worker(example, cluster, tmp_path):
    study, rows, _ = example
    moment = random.Random(0).randrange(1, 12)
    assert faults.on_dask(cluster, study, tmp_path / "runs.csv", moment) == 1
    assert faults.rows_of(tmp_path / "runs.csv") == rows


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("coins")


@pytest.fixture
def coins(folder):
    """A study file; beside it, made once, the rows of an undisturbed run."""
    path = folder / "coins.toml"
    if not path.exists():
        path.write_text(STUDY)
        file = load_study(path)
        with cf.ThreadPoolExecutor(8) as pool:  # it only sleeps
            file.study.run(folder / "undisturbed.csv", executor=pool, **file.options)
    return path


@pytest.mark.filterwarnings("default")
def test_dask_with_a_killed_worker_gives_the_same_rows(coins, cluster, tmp_path):
    expected = faults.rows_of(coins.parent / "undisturbed.csv")
    assert faults.on_dask(cluster, coins, tmp_path / "runs.csv", kill_after=4) == 1
    assert faults.rows_of(tmp_path / "runs.csv") == expected
    # The command line with what is left of the cluster.
    out = tmp_path / "command.csv"
    assert main(["run", str(coins), "--out", str(out), "--dask", cluster.address]) == 0
    assert faults.rows_of(out) == expected


def test_workers_of_a_killed_run_end_and_another_run_goes_on(coins, tmp_path, nothing_left):
    out = tmp_path / "runs.csv"
    run = subprocess.Popen(
        faults.command(coins, out, "--workers", "2"),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while lines(out) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    assert run.wait() == -signal.SIGKILL
    assert nothing_left(run.pid)
    before = lines(out)
    assert main(["run", str(coins), "--out", str(out)]) == 0
    assert lines(out) > before
    assert faults.rows_of(out) == faults.rows_of(coins.parent / "undisturbed.csv")


def test_workers_say_nothing_at_the_end(coins, tmp_path):
    coins = tmp_path / "bars.toml"
    coins.write_text(STUDY.replace(":coin", ":with_a_bar").replace("1000", "200"))
    command = faults.command(coins, tmp_path / "runs.csv", "--workers", "2")
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(coins, tmp_path):
    out = tmp_path / "runs.csv"
    run = subprocess.Popen(
        faults.command(coins, out, "--workers", "2"), stderr=subprocess.PIPE, text=True
    )
    while lines(out) < 3:
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted" in said
    assert "The same command continues" in said
    assert "Traceback" not in said
    assert main(["run", str(coins), "--out", str(out)]) == 0
    assert faults.rows_of(out) == faults.rows_of(coins.parent / "undisturbed.csv")


def test_dask_that_is_not_there_is_an_error(coins, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("lava_sqs.cli.study.DASK_TIMEOUT", 1.0)
    arguments = ["run", str(coins), "--out", str(tmp_path / "a.csv")]
    assert main([*arguments, "--dask", "tcp://127.0.0.1:1"]) == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err
