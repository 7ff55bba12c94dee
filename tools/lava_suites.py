"""Run the tests of Lava and of its libraries on stock Lava, and in the ways of lava_sqs.

    git clone --depth 1 --branch v0.10.0 https://github.com/lava-nc/lava ../lava
    uv run tools/lava_suites.py ../lava

``runtime``: every network that a test starts, by ``process.run`` or ``process.create_runtime``, is
started by ``lava_sqs.runtime(..., engine="processes")``. ``inline``: under
``lava_sqs.use_inline()``. ``models``: on stock Lava, with the models that ``SQSSimCfg`` prefers for
stock connections. Prints what differs from stock, test by test, and fails if a test that passes
there fails in another way. Each file of tests runs in a process of its own, since stock Lava hangs
in some of them.
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
WAYS = ("stock", "runtime", "inline", "models")
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
    """Let networks be started, or models chosen, in the way that this run is about."""
    way = os.environ[WAY]
    if way == "runtime":
        from lava.magma.core.process.process import AbstractProcess

        AbstractProcess.create_runtime = _create_runtime
    elif way == "inline":
        from lava_sqs import use_inline

        use_inline()
    elif way == "models":
        from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs

        from lava_sqs.proc._stock import quicker

        select = ProcGroupDiGraphs._select_proc_models
        ProcGroupDiGraphs._select_proc_models = staticmethod(lambda *args: quicker(select(*args)))


def _create_runtime(
    process: Any, run_cfg: Any = None, executable: Any = None, compile_config: Any = None
) -> None:
    """Do what ``AbstractProcess.create_runtime`` does, with our runtime."""
    from lava_sqs.execution.running import runtime

    how = {"run_cfg": run_cfg, "compile_config": compile_config} if executable is None else {}
    net = runtime(process, executable=executable, engine="processes", **how)
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
    parser.add_argument("--way", choices=WAYS, action="append", help="run only these ways")
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
    """Print what differs from stock Lava; return how many tests are worse than there."""
    for way, found in outcomes.items():
        print(f"{name}, {way}: {_count(found)}")
    stock, worse = outcomes.get("stock", {}), 0
    for way, ours in outcomes.items():
        for node in sorted({*stock, *ours} if stock else ()):
            before, after = (found.get(node, ("not run", ""))[0] for found in (stock, ours))
            if before != after:
                worse += before == "passed"
                print(f"  {node}: {before} on stock Lava, {after} in the way {way!r}")
                last = ours.get(node, ("", ""))[1].strip().splitlines()[-1:]
                print(*(f"      {line}" for line in last), sep="\n")
    return worse


if __name__ == "__main__":
    sys.exit(main())
