"""What does it cost to watch a network while it runs?

``uv run python -m benchmarks.watch`` runs LIF-Dense-SQS twice side by side, one of the two under
`net.watch()` that draws into a terminal, in turns of some seconds, and prints by how much a step
of the watched one is longer: in seconds of the clock, the median of pairs of turns with quartiles,
and in seconds of this process' processors, which a busy machine does not change.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import contextlib
import pty
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from lava_sqs import SQS, NoiseModel, SQSSimCfg, runtime
from lava_sqs._text import markdown

# isort: split
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

SIZES = (10, 100, 1000)


def network(n: int) -> Any:
    """Return the last Process of a network of n LIF and n SQS neurons."""
    lif = LIF(shape=(n,), bias_mant=1.0, vth=3.0, name="lif")
    dense = Dense(weights=np.full((n, n), 0.8 / n))
    noise = NoiseModel.preset("ibm_brisbane")
    sqs = SQS(shape=(n,), memory_qubits=2, noise=noise, seed=7, name="sqs")
    lif.s_out.connect(dense.s_in)
    dense.a_out.connect(sqs.a_in)
    return sqs


@contextlib.contextmanager
def terminal() -> Iterator[Any]:
    """Open a terminal that somebody reads."""
    reader, writer = pty.openpty()
    file = os.fdopen(writer, "w", encoding="utf-8")

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(reader, 1 << 16):
                pass

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield file
    file.close()
    thread.join(5.0)
    os.close(reader)


def turn(net: Any, n_steps: int, watch: Any) -> tuple[float, float]:
    """Return seconds of the clock and of processors that a run takes."""
    with watch:
        start, cpu = time.perf_counter(), time.process_time()
        net.run(n_steps)
        return time.perf_counter() - start, time.process_time() - cpu


def compare(n: int, engine: str, seconds: float, turns: int) -> list[Any]:
    """Return a row of the table."""
    with (
        terminal() as file,
        runtime(network(n), SQSSimCfg(), engine=engine) as plain,
        runtime(network(n), SQSSimCfg(), engine=engine) as watched,
    ):
        with watched.watch(file=file):
            watched.run(200)
        plain.run(200)
        took, _ = turn(plain, 500, contextlib.nullcontext())
        n_steps = max(int(500 * seconds / took), 500)
        pairs = []
        for number in range(turns):
            both = [
                (plain, contextlib.nullcontext()),
                (watched, watched.watch(file=file)),
            ]
            order = both if number % 2 == 0 else both[::-1]
            found = {id(net): turn(net, n_steps, watch) for net, watch in order}
            pairs.append((found[id(plain)], found[id(watched)]))
    clock, cpu = np.array(pairs).transpose(2, 1, 0)
    low, middle, high = 100 * (np.quantile(clock[1] / clock[0], [0.25, 0.5, 0.75]) - 1)
    processors = f"{100 * (cpu[1].sum() / cpu[0].sum() - 1):.1f} %" if engine == "inline" else "-"
    step = 1e6 * float(np.median(clock[0])) / n_steps
    return [engine, n, f"{step:.0f}", f"{middle:.1f} % ({low:.1f} to {high:.1f})", processors]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn")
    parser.add_argument("--turns", type=int, default=8, help="of each")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="neurons of a layer")
    parser.add_argument("--engines", nargs="+", default=("inline", "processes"), metavar="ENGINE")
    args = parser.parse_args()
    titles = ("engine", "neurons", "step, us", "watched, longer by", "processors")
    print(markdown(*titles, head=True), flush=True)
    for engine in args.engines:
        for n in args.sizes:
            print(markdown(*compare(n, engine, args.seconds, args.turns)), flush=True)


if __name__ == "__main__":
    main()
