"""How long does a training say that it takes, and how long does it take?

``uv run python -m benchmarks.forecast`` fits small networks of 4 to 8 memory qubits, with and
without noise, and prints the seconds that each said before it started beside its CPU seconds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import time
import warnings
from unittest import mock

import numpy as np

from lava_sqs import SQSNN, NoiseModel
from lava_sqs._text import markdown


def said_and_took(memory_qubits: int, noisy: bool) -> tuple[float, float]:
    """Return the seconds that a training said, and those that it took."""
    n, rng = 40 if noisy else 400, np.random.default_rng(memory_qubits)
    x, y = rng.random((n, 4)), rng.integers(0, 2, n)
    model = SQSNN(
        hidden_layer_sizes=(2,),
        n_steps=5,
        epochs=2,
        random_state=0,
        memory_qubits=memory_qubits,
        noise=NoiseModel.preset("ibm_brisbane") if noisy else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x[:8], y[:8])  # compiles
    start = time.process_time()
    with (
        mock.patch("lava_sqs.network.progress._LONG", 0.0),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        model.fit(x, y)
    took = time.process_time() - start
    said = next(str(w.message) for w in caught if "takes about" in str(w.message))
    return 60 * float(said.split("about ")[1].split(" min")[0]), took


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most-qubits", type=int, default=8, help="leave out larger memories")
    most = parser.parse_args().most_qubits
    print(markdown("memory qubits", "noise", "said, s", "took, CPU s", "ratio", head=True))
    for memory_qubits, noisy in ((4, True), (5, True), (6, True), (4, False), (8, False)):
        if memory_qubits > most:
            continue
        said, took = said_and_took(memory_qubits, noisy)
        told = "ibm_brisbane" if noisy else "none"
        print(markdown(memory_qubits, told, f"{said:.2f}", f"{took:.2f}", f"{said / took:.2f}"))


if __name__ == "__main__":
    main()
