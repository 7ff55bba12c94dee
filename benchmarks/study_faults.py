"""A study that is killed again and again ends with the rows of an undisturbed run.

    python -m benchmarks.study_faults [--quick] [--kills 20] [--workers 1 2 4] [--dask]

Kills the command `lava-sqs study run` at random moments (SIGKILL) and resumes it each time, with
every number of workers; with --dask, one of two Dask workers. Compares the rows but for what they
took. tests/study does the same to smaller studies.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lava_sqs.study import read_rows
from lava_sqs.study.loader import load_study

STUDIES = Path(__file__).parents[1] / "studies"
# The shipped example with two classes, and one point where there were ten.
SMALL = {
    "data": '"digits"\nclasses = [3, 8]',
    "epochs": "4",
    "noise.t1": "[1e-6, inf]",
    "noise.p_depol_2q": "[0.0, 0.1]",
}


def shrunken(name, path, **changes):
    """Write a shipped study to *path* with some of its lines changed: ``changes[key] = text``."""
    text = (STUDIES / f"{name}.toml").read_text()
    for key, value in changes.items():
        old = re.compile(rf"^{re.escape(key)} = .*$", re.MULTILINE)
        text, found = old.subn(f"{key} = {value}", text)
        if found != 1:
            raise ValueError(f"{name}.toml has {found} lines `{key} = ...`")
    path.write_text(text)
    return path


def rows_of(path):
    """Return the rows of a file without what differs from run to run, in one order."""
    return sorted((row.result for row in read_rows(path)), key=lambda row: row.row_id)


def command(study, out, *options):
    return [sys.executable, "-m", "lava_sqs.study", "run", str(study), "--out", str(out), *options]


def undisturbed(study, out, *options):
    """Run a study to its end; return the seconds it took. Its folder is that of *out*."""
    start = time.perf_counter()
    run = subprocess.run(
        command(study, out, *options), cwd=out.parent, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(run.stderr)
    return time.perf_counter() - start


def killed(study, out, kills, seed, seconds, *options):
    """Kill a run at random moments and resume it each time; return how many kills hit it.

    Parameters
    ----------
    seconds : (float, float)
        What an undisturbed run takes, and one that has nothing left to do: a killed run gets on
        average the latter and its share of the rest.
    """
    whole, idle = seconds
    rng = random.Random(seed)
    hits = 0
    for _ in range(kills):
        run = subprocess.Popen(
            command(study, out, *options),
            cwd=out.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0, 2 * (idle + (whole - idle) / kills)))
        run.kill()
        hits += run.wait() == -signal.SIGKILL
    undisturbed(study, out, *options)
    return hits


class Cluster:
    """A Dask scheduler and two workers, each a process, on the loopback interface."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.file = folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1")
        end = time.monotonic() + 60
        while not self.file.exists():
            if time.monotonic() > end:
                raise TimeoutError("Dask's scheduler did not come up")
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        for name in ("first", "second"):
            self._start("worker", "--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", name)

    def _start(self, what, *options):
        entry = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
        entry += ["--scheduler-file", str(self.file)]
        with open(self.folder / f"{what}{len(self.processes)}.log", "w") as log:
            process = subprocess.Popen(entry, stdout=log, stderr=log, cwd=self.folder)
        self.processes.append(process)

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait()


def on_dask(cluster, study, out, kill_after):
    """Run a study on a cluster, one worker of which is killed when there are so many rows."""
    from distributed import Client

    file = load_study(study)
    with Client(cluster.address, timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        pids = client.run(os.getpid)
        steps = file.study.iter_run(out, executor=client.get_executor(), **file.options)
        for n, _ in enumerate(steps, start=1):
            if n == kill_after:
                os.kill(next(iter(pids.values())), signal.SIGKILL)
        return len(client.scheduler_info()["workers"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, default=STUDIES / "digits.toml")
    parser.add_argument("--quick", action="store_true", help="digits.toml with fewer points")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--dask", action="store_true", help="also on a Dask cluster")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    args = parser.parse_args()
    wrong = 0

    def report(what, rows, expected, note):
        nonlocal wrong
        same = rows == expected
        wrong += not same
        print(
            f"{what:<12}{len(rows):5} rows, {'the same' if same else 'OTHERS'}; {note}", flush=True
        )

    with tempfile.TemporaryDirectory() as top:
        study = args.study.resolve()
        if args.quick:
            study = shrunken("digits", Path(top, "digits.toml"), **SMALL)
        folder = Path(top, "undisturbed")
        folder.mkdir()
        out = folder / "runs.csv"
        whole = undisturbed(study, out)
        idle = undisturbed(study, out)
        expected = rows_of(out)
        report("undisturbed", expected, expected, f"{whole:.0f} s, {idle:.1f} s when done")
        for n in args.workers:
            folder = Path(top, str(n))
            folder.mkdir()
            out = folder / "runs.csv"
            seconds = idle + (whole - idle) / min(n, os.cpu_count() or 1), idle
            start = time.perf_counter()
            hits = killed(study, out, args.kills, args.seed + n, seconds, "--workers", str(n))
            took = time.perf_counter() - start
            report(f"{n} workers", rows_of(out), expected, f"{hits} kills hit, {took:.0f} s")
        if args.dask:
            folder = Path(top, "dask")
            folder.mkdir()
            cluster = Cluster(folder)
            moment = random.Random(args.seed).randrange(1, len(expected) // 2)
            try:
                left = on_dask(cluster, study, folder / "runs.csv", moment)
            finally:
                cluster.stop()
            note = f"a worker killed after {moment} rows, {left} left"
            report("Dask", rows_of(folder / "runs.csv"), expected, note)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
