"""Kill it, resume it, scale it out: the rows are those of an undisturbed run."""

import faulthandler
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lava_sqs.study.command import main
from lava_sqs.study.loader import load_study

EXAMPLE = Path(__file__).parents[2] / "studies" / "memory.toml"
STUDY = """
[study]
task = "study_tasks:coin"
seed = 3

[base]
pause = 0.12

[grid]
p = [0.05, 0.3, 0.6]

[stop]
max_shots = 1000
max_errors = 200
"""


def command(study, out, *more):
    return [sys.executable, "-m", "lava_sqs.study", "run", str(study), "--out", str(out), *more]


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def killed_and_resumed(study, out, kills, seed, *more):
    """Kill the run `kills` times at random moments, each after it has written something."""
    rng = random.Random(seed)
    landed = 0
    for _ in range(kills):
        before = max(lines(out), 1)
        run = subprocess.Popen(
            command(study, out, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while run.poll() is None and lines(out) <= before:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.3))
        run.kill()
        landed += run.wait() == -signal.SIGKILL
    done = subprocess.run(command(study, out, *more), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return landed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("coins")


@pytest.fixture
def coins(folder):
    """A study file; beside it, made once, the rows of an undisturbed run."""
    path = folder / "coins.toml"
    if not path.exists():
        path.write_text(STUDY)
        load_study(path).study.run(folder / "undisturbed.csv", **load_study(path).options)
    return path


def test_killed_three_times_and_resumed(coins, tmp_path, results):
    landed = killed_and_resumed(coins, tmp_path / "runs.csv", 3, seed=0)
    assert landed >= 2
    assert results(tmp_path / "runs.csv") == results(coins.parent / "undisturbed.csv")


def test_workers_of_a_killed_run_end(coins, tmp_path, nothing_left):
    out = tmp_path / "runs.csv"
    run = subprocess.Popen(
        command(coins, out, "--workers", "2"), stderr=subprocess.DEVNULL, start_new_session=True
    )
    while lines(out) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert nothing_left(run.pid)


@pytest.mark.faults
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_example_killed_twenty_times_and_resumed(tmp_path, results, workers):
    # Twenty starts of the physics take minutes: more than a test may by the project's watchdog.
    faulthandler.cancel_dump_traceback_later()
    plain, disturbed = tmp_path / "undisturbed.csv", tmp_path / "runs.csv"
    subprocess.run(command(EXAMPLE, plain), check=True, capture_output=True)
    landed = killed_and_resumed(EXAMPLE, disturbed, 20, workers, "--workers", str(workers))
    assert landed >= 5
    assert results(disturbed) == results(plain)


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(coins, tmp_path, results):
    out = tmp_path / "runs.csv"
    run = subprocess.Popen(command(coins, out, "--workers", "2"), stderr=subprocess.PIPE, text=True)
    while lines(out) < 3:
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted" in said
    assert "The same command goes on" in said
    assert "Traceback" not in said
    assert main(["run", str(coins), "--out", str(out)]) == 0
    assert results(out) == results(coins.parent / "undisturbed.csv")


# -- Dask: a scheduler and two workers, each a process -------------------------------------------


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.file = folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
        self._wait(self.file.exists, "scheduler")
        self.address = json.loads(self.file.read_text())["address"]
        for name in ("first", "second"):
            self._start("worker", "--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", name)

    def _start(self, what, *options):
        entry = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
        entry += ["--scheduler-file", str(self.file)]
        with open(self.folder / f"{what}{len(self.processes)}.log", "w") as log:
            process = subprocess.Popen(entry, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)

    def _wait(self, ready, what):
        for _ in range(1200):
            if ready():
                return
            time.sleep(0.05)
        raise TimeoutError(f"Dask's {what} did not come up")

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait()


@pytest.fixture
def cluster(tmp_path_factory, tasks_on_path):
    pytest.importorskip("distributed")
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.stop()


@pytest.mark.filterwarnings("default")
def test_dask_with_a_killed_worker_gives_the_same_rows(coins, cluster, tmp_path, results):
    from distributed import Client

    file = load_study(coins)
    with Client(cluster.address, timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        pids = client.run(os.getpid)
        steps = file.study.iter_run(
            tmp_path / "runs.csv", executor=client.get_executor(), workers=4, **file.options
        )
        for n, _ in enumerate(steps):
            if n == 3:
                os.kill(next(iter(pids.values())), signal.SIGKILL)
        assert len(client.scheduler_info()["workers"]) == 1
    assert results(tmp_path / "runs.csv") == results(coins.parent / "undisturbed.csv")
    # The command line with what is left of the cluster.
    out = tmp_path / "command.csv"
    assert main(["run", str(coins), "--out", str(out), "--dask", cluster.address]) == 0
    assert results(out) == results(coins.parent / "undisturbed.csv")


def test_dask_that_is_not_there_is_an_error(coins, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("lava_sqs.study.command.DASK_TIMEOUT", 1.0)
    arguments = ["run", str(coins), "--out", str(tmp_path / "a.csv")]
    assert main([*arguments, "--dask", "tcp://127.0.0.1:1"]) == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err
