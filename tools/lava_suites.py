"""Run the tests of Lava and of its libraries twice: on stock Lava, and under `runtime(...)`.

    git clone --depth 1 --branch v0.10.0 https://github.com/lava-nc/lava ../lava
    uv run tools/lava_suites.py ../lava

Every network that a test starts, by ``process.run`` or ``process.create_runtime``, is in the second
run started by :class:`lava_sqs.runtime`. Prints what differs, test by test, and fails if a
test that passes on stock Lava does not pass under ``runtime``. Each file of tests runs in a process
of its own, since stock Lava hangs in some of them.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

#: What the plugin is told by the environment: which way to run, and the file of its results.
WAY, RESULTS = "LAVA_SUITES_WAY", "LAVA_SUITES_RESULTS"
WAYS = ("stock", "runtime")
OPTIONS = [
    "-q",
    "-W",
    "ignore",
    "-o",
    "addopts=",
    "-p",
    "lava_suites",
    "-p",
    "no:cacheprovider",
    "--timeout-method=signal",
]


# As a plugin of pytest, in the process that runs the tests --------------------------------------


def pytest_configure(config: Any) -> None:
    """Let networks be started by `runtime`, if this run is about that."""
    if os.environ[WAY] == "runtime":
        from lava.magma.core.process.process import AbstractProcess

        AbstractProcess.create_runtime = _create_runtime


def _create_runtime(
    process: Any, run_cfg: Any = None, executable: Any = None, compile_config: Any = None
) -> None:
    """Do what ``AbstractProcess.create_runtime`` does, with our runtime."""
    from lava_sqs.execution.running import runtime

    how = {"run_cfg": run_cfg, "compile_config": compile_config} if executable is None else {}
    net = runtime(process, executable=executable, **how)
    process._kept_by_lava_suites = net.start()  # a network ends with its runtime object


def pytest_runtest_logreport(report: Any) -> None:
    """Note the outcome of a test: of its call, or of what went wrong around it."""
    if report.when == "call" or report.outcome != "passed":
        with Path(os.environ[RESULTS]).open("a") as file:
            file.write(json.dumps([report.nodeid, report.outcome, str(report.longrepr or "")]))
            file.write("\n")


# As a program -----------------------------------------------------------------------------------


def main() -> int:
    """Run the suites; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("checkout", type=Path, nargs="+", help="folder with `tests` and `src`")
    parser.add_argument("--only", default="", help="run the files whose path has this in it")
    parser.add_argument("--way", choices=WAYS, action="append", help="run only this way")
    parser.add_argument("--timeout", type=int, default=60, help="seconds that a test may take")
    parser.add_argument("--out", type=Path, help="store outcomes and errors as JSON")
    options = parser.parse_args()
    os.nice(10)
    worse, stored = 0, {}
    for checkout in options.checkout:
        outcomes = {
            way: _run(checkout.resolve(), way, options.only, options.timeout)
            for way in options.way or WAYS
        }
        stored[checkout.name] = outcomes
        worse += _compare(checkout.name, outcomes)
    if options.out is not None:
        options.out.write_text(json.dumps(stored, indent=1))
    return int(worse > 0)


def _run(checkout: Path, way: str, only: str, timeout: int) -> dict[str, tuple[str, str]]:
    """Return the outcome and the error of every test of a checkout."""
    outcomes: dict[str, tuple[str, str]] = {}
    files = [
        file
        for file in sorted(checkout.glob("tests/**/test_*.py"))
        if "tutorials" not in file.parts and only in str(file)
    ]
    for file in files:
        name = str(file.relative_to(checkout))
        print(f"\r\x1b[K{way}: {name}", end="", file=sys.stderr, flush=True)
        for node, outcome, error in _run_file(checkout, name, way, timeout):
            if outcomes.get(node, ("passed",))[0] == "passed":
                outcomes[node] = (outcome, error)
    print(f"\r\x1b[K{way}: {_count(outcomes)}", file=sys.stderr)
    return outcomes


def _run_file(checkout: Path, name: str, way: str, timeout: int) -> list[list[str]]:
    """Run one file of tests in a process of its own; return (test, outcome, error) for each."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        source = [str(checkout / "src")] if (checkout / "src" / "lava" / "lib").is_dir() else []
        tools = str(Path(__file__).parent)
        before = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
        path = os.pathsep.join([str(checkout), *source, tools, *before])
        program = subprocess.Popen(
            [sys.executable, "-m", "pytest", name, *OPTIONS, f"--timeout={timeout}"],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": path, WAY: way, RESULTS: str(results)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        output = ""
        try:
            output, _ = program.communicate(timeout=5 * timeout)
            ended = program.returncode in (0, 1)
        except subprocess.TimeoutExpired:
            ended = False
        finally:  # and whatever a network has left behind
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        lines = results.read_text().splitlines() if results.exists() else []
        outcomes: list[list[str]] = [json.loads(line) for line in lines]
        if program.returncode != 5 and not (ended and outcomes):  # 5: the file has no tests
            outcomes.append([name, "did not end", output[-2000:]])
        return outcomes


def _count(outcomes: dict[str, tuple[str, str]]) -> str:
    counts = collections.Counter(outcome for outcome, _ in outcomes.values())
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))


def _compare(name: str, outcomes: dict[str, dict[str, tuple[str, str]]]) -> int:
    """Print what differs between two ways; return how many tests are worse under `runtime`."""
    for way, found in outcomes.items():
        print(f"{name}, {way}: {_count(found)}")
    if set(outcomes) != set(WAYS):
        return 0
    stock, ours = (outcomes[way] for way in WAYS)
    worse = 0
    for node in sorted({*stock, *ours}):
        before, after = (found.get(node, ("not run", ""))[0] for found in (stock, ours))
        if before != after:
            worse += before == "passed"
            print(f"  {node}: {before} on stock Lava, {after} under runtime")
            last = ours.get(node, ("", ""))[1].strip().splitlines()[-1:]
            print(*(f"      {line}" for line in last), sep="\n")
    return worse


if __name__ == "__main__":
    sys.exit(main())
