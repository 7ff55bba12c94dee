"""What a study costs: overhead per batch, speed-up of workers, large results, interval coverage.

    python -m benchmarks.studies [--quick]

Prints one table. The tests check what is computed; nothing there is timed.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

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


def fixed(params, seed):
    """Always the same amount of work, whoever else uses the cores."""
    rng = np.random.default_rng(seed)
    total = sum(rng.random(1000).sum() for _ in range(params["loops"]))
    return Counts.of_values([total])


def overhead(batches):
    study = Study(busy, base={"duration": 1.05})
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        result = study.run(Path(folder) / "a.csv", max_batches=batches, progress=False)
        took = time.perf_counter() - start
    inside = sum(row.seconds for row in result.rows)
    return 100 * (took - inside) / inside


def speed_up(batches, loops):
    took = {}
    for workers in (1, 2):
        study = Study(fixed, base={"loops": loops})
        steps = study.iter_run(workers=workers, max_batches=batches)
        start = time.perf_counter()
        for _ in steps:
            pass
        took[workers] = time.perf_counter() - start
    return took[1] / took[2]


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
        "bootstrap, 100 samples x 20 repeats": (
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
    each = [draws["bootstrap, 100 samples x 20 repeats"][1](rng) for _ in range(studies)]
    naive = [interval(Counts.of_shots(c.shots, c.errors)) for c in each]
    name = "  (Wilson over samples x repeats: wrong)"
    yield name, 100 * np.mean([i.low <= 0.2 <= i.high for i in naive])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer batches and studies")
    quick = parser.parse_args().quick
    print(f"{'overhead per batch of 1.05 s':<46}{overhead(3 if quick else 10):8.2f} %")
    factor = speed_up(4 if quick else 8, 60_000 if quick else 300_000)
    print(f"{'two workers against one (starting them counts)':<46}{factor:8.2f} times")
    size, points, load, group, draw = large(10_000)
    print(f"{f'10,000 rows ({size:.0f} MB): load (CPU)':<46}{load:8.2f} s")
    print(f"{f'  group {points} points, intervals, table':<46}{group:8.2f} s")
    print(f"{'  plot':<46}{draw:8.2f} s")
    for name, percent in coverage(400 if quick else 2000):
        print(f"{f'coverage: {name}':<54}{percent:6.1f} %", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
