"""What a study costs: overhead per batch, speed-up of workers, large results, interval coverage.

    python -m benchmarks.studies [--quick] [--only SECTION ...] [--workers 1 2]

Sections: overhead, example, large, coverage. Prints one table. The tests check what is computed;
nothing there is timed. What a study survives is in benchmarks/study_faults.py.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import study_faults
from lava_sqs.plot.study import plot_study
from lava_sqs.study import Counts, Study, StudyResult, interval
from lava_sqs.study.store import Row, RowStore


def busy(params, seed):
    """Compute for a given time, one thread."""
    rng = np.random.default_rng(seed)
    end = time.perf_counter() + params["duration"]
    while time.perf_counter() < end:
        rng.random(1000).sum()
    return Counts.of_shots(1, 0)


def overhead(batches, **options):
    """Return seconds per batch of 1.05 s beside what the task itself takes."""
    study = Study(busy, base={"duration": 1.05})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        path = Path(folder) / "a.csv"
        result = study.run(path, max_batches=batches, progress=False, **options)
        took = time.perf_counter() - start
    return (took - sum(row.seconds for row in result.rows)) / batches


def example(workers, quick):
    """Return the seconds of the example, from the start of the command, trainings included."""
    with tempfile.TemporaryDirectory() as top:
        study = study_faults.STUDIES / "digits.toml"
        if quick:
            fewer = {"noise.t1": "[1e-6, inf]", "memory_qubits": "[1, 2]"}
            study = study_faults.shrunken("digits", Path(top, "digits.toml"), **fewer)
        out = Path(top, "runs.csv")
        return study_faults.undisturbed(study, out, "--workers", str(workers))


def large(n_rows):
    # Processor time: one thread, no waiting.
    import matplotlib.pyplot  # noqa: F401 - not what is measured
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        with RowStore(path, ["noise.t1", "memory_qubits"]) as store:
            for i in range(n_rows):
                point, batch = divmod(i, 10)
                params = {"noise.t1": 1e-6 * (1 + point // 4), "memory_qubits": 1 + point % 4}
                counts = Counts.of_samples(rng.binomial(5, 0.1, 360), 5)
                row = Row(f"{i:016x}", f"{point:016x}", batch, "t", params, 0, counts, "0", 1.0)
                store.append(row)
        size = path.stat().st_size / 1e6
        start = time.process_time()
        result = StudyResult.load(path)
        loaded = time.process_time()
        points = len(result.points)
        result.to_dataframe()
        grouped = time.process_time()
        plot_study(result, "t1", group="memory_qubits").figure.canvas.draw()
        drawn = time.process_time()
    return size, points, loaded - start, grouped - loaded, drawn - grouped


def coverage(studies):
    draws = {
        "Wilson, 200 shots, p = 0.1": (
            0.1,
            lambda rng: Counts.of_shots(200, int(rng.binomial(200, 0.1))),
        ),
        "clustered Wilson, 100 samples x 20 repeats": (
            0.2,
            lambda rng: Counts.of_samples(rng.binomial(20, rng.beta(0.5, 2.0, 100)), 20),
        ),
        "Student t, 5 seeds": (0.9, lambda rng: Counts.of_values(rng.normal(0.9, 0.02, 5))),
    }
    for name, (truth, draw) in draws.items():
        rng = np.random.default_rng(2)
        found = [interval(draw(rng)) for _ in range(studies)]
        yield name, 100 * np.mean([i.low <= truth <= i.high for i in found])
    rng = np.random.default_rng(2)
    each = [draws["clustered Wilson, 100 samples x 20 repeats"][1](rng) for _ in range(studies)]
    naive = [interval(Counts.of_shots(c.shots, c.errors)) for c in each]
    name = "  (Wilson over samples x repeats: wrong)"
    yield name, 100 * np.mean([i.low <= 0.2 <= i.high for i in naive])


SECTIONS = ("overhead", "example", "large", "coverage")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer batches and studies")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="of the example")
    args = parser.parse_args()
    quick = args.quick

    def line(what, number, unit):
        print(f"{what:<54}{number:8.2f} {unit}", flush=True)

    if "overhead" in args.only:
        seconds = overhead(3 if quick else 10)
        line("overhead per batch of 1.05 s", 100 * seconds / 1.05, "%")
        line("  isolated (an interpreter of its own)", overhead(3, isolate=True), "s")
    if "example" in args.only:
        took = {n: example(n, quick) for n in args.workers}
        for n, seconds in took.items():
            line(f"studies/digits.toml with {n} worker{'s' * (n > 1)}", seconds, "s")
        if 1 in took:
            for n in set(took) - {1}:
                line(f"  {n} workers against one", took[1] / took[n], "times as fast")
    if "large" in args.only:
        size, points, load, group, draw = large(10_000)
        line(f"10,000 rows ({size:.0f} MB): load (CPU)", load, "s")
        line(f"  group {points} points, intervals, table", group, "s")
        line("  plot", draw, "s")
    if "coverage" in args.only:
        for name, percent in coverage(400 if quick else 2000):
            line(f"coverage: {name}", percent, "%")
    return 0


if __name__ == "__main__":
    sys.exit(main())
