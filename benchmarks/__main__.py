"""What a neuron-step costs, here and elsewhere: one table, in markdown and JSON.

``uv run python -m benchmarks [--quick] [--only SECTION ...] [--sqsnn PATH] [--out DIR]``

Values are medians over interleaved repeats, "±" half the distance of the quartiles; ratios are
taken within one run. One thread; outside Lava its CPU time.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import neurons, plots
from benchmarks.timing import machine
from lava_sqs._text import markdown

SECTIONS = ("peers", "K", "size", "T", "build", "mixed", "lava", "engines", "recorder", "models")


def number(value: float) -> str:
    return f"{value:.3g}" if 0.01 <= abs(value) < 1000 else f"{value:.2e}"


def table(rows: list[dict[str, Any]]) -> str:
    lines = [markdown("", "value", "", "±", "ratio", "of", "bytes/neuron", head=True)]
    for r in rows:
        ratio = number(r["ratio"]) if "ratio" in r else ""
        if "ratio_range" in r:
            ratio += " ({}\N{EN DASH}{})".format(*map(number, r["ratio_range"]))
        size = f"{r['bytes_per_neuron']:.0f}" if "bytes_per_neuron" in r else ""
        name, spread = f"{r['section']}: {r['name']}", f"{r['spread']:.0%}"
        value, of = number(r["value"]), r.get("ratio_of", "")
        lines.append(markdown(name, value, r["unit"], spread, ratio, of, size))
    return "\n".join(lines)


def inside_lava(section: str, quick: bool, module: str = "lava") -> list[dict[str, Any]]:
    """Run a section of a module that needs Lava; the other ones need none."""
    home = importlib.import_module(f"benchmarks.{module}")
    rows: list[dict[str, Any]] = getattr(home, section)(quick)
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and sizes")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION",
                        help=f"of {', '.join(SECTIONS)}")  # fmt: skip
    parser.add_argument("--sqsnn", type=Path, help="clone of the paper's code (needs torch)")
    parser.add_argument("--out", type=Path, help="directory for benchmarks.json and the plot")
    options = parser.parse_args(arguments)
    repeats = 5 if options.quick else 15
    work = {
        "peers": lambda: neurons.against_peers(repeats, options.quick, options.sqsnn),
        "K": lambda: neurons.against_k(repeats, options.quick),
        "size": lambda: neurons.against_size(repeats, options.quick),
        "T": lambda: neurons.by_length(repeats),
        "build": lambda: neurons.building(repeats),
        "mixed": lambda: neurons.mixed(repeats, options.quick),
        "lava": lambda: inside_lava("step_times", options.quick),
        "engines": lambda: inside_lava("engines", options.quick),
        "recorder": lambda: inside_lava("recorder", options.quick),
        "models": lambda: inside_lava("against_lava", options.quick, "stock_models"),
    }
    before, rows = machine(), []
    for section in SECTIONS:
        if section in options.only:
            print(f"{section} ...", file=sys.stderr, flush=True)
            rows += work[section]()
    result = {"machine": before, "load_after": os.getloadavg()[0], "rows": rows}
    print(
        f"{before['cpu']}, {before['cores']} cores, {before['system']}, Python "
        f"{before['python']}, " + ", ".join(f"{k} {v}" for k, v in before["versions"].items())
    )
    print(f"load before and after: {before['load']:.1f}, {result['load_after']:.1f}\n")
    print(table(rows))
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "benchmarks.json").write_text(json.dumps(result, indent=1) + "\n")
        if {"K", "size"} <= set(options.only):
            plots.draw(rows, options.out / "performance.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
