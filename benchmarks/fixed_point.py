"""Do networks in fixed point spike as they do in floats?

``uv run python -m benchmarks.fixed_point`` draws networks LIF-Dense-LIF, converts each by
``lava_sqs.to_fixed_point``, runs both under Lava, and prints how much of their spikes is equal.
"""

from __future__ import annotations

import argparse

import numpy as np
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer
from lava.proc.lif.process import LIF

from lava_sqs import SQSSimCfg, runtime, to_fixed_point
from lava_sqs._text import markdown

SIZES = (2, 10, 50, 200)


def network(seed: int, n: int, mixed: bool, steps: int) -> tuple[LIF, RingBuffer]:
    """Return a layer driven by biases, and the sink of the layer that it drives."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 2 / np.sqrt(n), (n, n))
    first = LIF(shape=(n,), bias_mant=rng.uniform(0.02, 0.3, n), dv=0.05, vth=1.0)
    dense = Dense(weights=weights if mixed else np.abs(weights) / np.sqrt(n))
    last = LIF(shape=(n,), bias_mant=rng.uniform(0, 0.05, n), du=0.3, dv=0.1, vth=1.0)
    sink = RingBuffer(shape=(n,), buffer=steps)
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(last.a_in)
    last.s_out.connect(sink.a_in)
    return first, sink


def spikes(seed: int, n: int, mixed: bool, steps: int, tag: str) -> np.ndarray:
    """Return the spikes of the second layer."""
    first, sink = network(seed, n, mixed, steps)
    if tag == "fixed_pt":
        to_fixed_point(first)
    with runtime(first, SQSSimCfg(select_tag=tag)) as net:
        net.run(steps)
        return np.asarray(sink.data.get()) != 0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="networks of each kind")
    parser.add_argument("--steps", type=int, default=300, help="time steps of each")
    args = parser.parse_args()
    head = ("neurons a layer", "weights", "equal, least to largest, %", "spikes, floats and fixed")
    print(markdown(*head, head=True))
    for n in SIZES:
        for mixed in (True, False):
            equal, rates = [], []
            for seed in range(args.seeds):
                a, b = (
                    spikes(seed, n, mixed, args.steps, f"{t}_pt") for t in ("floating", "fixed")
                )
                equal.append(100 * (a == b).mean())
                rates.append((a.mean(), b.mean()))
            kind = "both signs" if mixed else "excitatory"
            floats, fixed = np.mean(rates, axis=0)
            span = f"{np.mean(equal):.2f} ({min(equal):.2f} to {max(equal):.2f})"
            print(markdown(n, kind, span, f"{floats:.4f}, {fixed:.4f}"))


if __name__ == "__main__":
    main()
