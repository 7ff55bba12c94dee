"""Print how much of each room the tests run: `uv run tools/covered.py [ARGUMENTS OF PYTEST]`.

Lines count that run in forked models, in workers of studies and in subprocesses as well; only a
process that is killed cannot tell. Left out is what Numba compiles, which Python never runs: the
functions under `@jit` and `@njit`. Returns 1 below `LEAST` percent in any room. Whether tests pass
is for `uv run pytest` to say: coverage takes time, and its files fail the test of a full disk.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from coverage import Coverage

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "coverage"
LEAST = 85


def main(argv: list[str]) -> int:
    """Run pytest, then print the table; return 1 if a room has too little."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    # an empty cache: code that emits LLVM runs while a kernel is compiled
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(FOLDER / "numba")}
    command = ["coverage", "run", "-m", "pytest", *argv]
    subprocess.run(command, cwd=ROOT, env=environment, check=False)
    return int(table() < LEAST)


def table() -> float:
    """Print the table of the data that are there; return the least percentage."""
    os.chdir(ROOT)
    coverage = Coverage(messages=True)
    coverage.combine()
    lines: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for file in coverage.get_data().measured_files():
        parts = Path(file).relative_to(ROOT / "lava_sqs").parts
        room = parts[0] if len(parts) > 1 else "base"
        _, statements, _, absent, _ = coverage.analysis2(file)
        lines[room] += len(statements)
        missing[room] += len(absent)
    lines["all"], missing["all"] = lines.total(), missing.total()
    found = {room: 100 * (1 - missing[room] / lines[room]) for room in lines}
    for room, percent in sorted(found.items()):
        print(f"{room:10} {lines[room]:6} lines {percent:6.1f} %")
    return min(found.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
