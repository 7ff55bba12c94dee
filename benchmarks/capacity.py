r"""How a memory grows: what 1 to 6 qubits or bits hold about past inputs, by circuit and noise.

``uv run python -m benchmarks.capacity --out FILE`` appends one JSON line per finished row to FILE;
what is there is not done again, so the run may be cut off and repeated. ``--print`` makes the table
of FILE, ``--figure PNG`` its picture.

The input is a fair coin in each step, 0 or 1. Measured is the sum over k of what the memory holds
about the input of k steps ago, Holevo's :math:`\chi_k` in bits, averaged over spikes
(:func:`~lava_sqs.quantum.diagnostics.holevo_information`, exact). Inputs are independent, so the
sum is at most N_M, of qubits as of bits. Random: all angles uniform, the circuit as it is. Trained:
the angles that climb this sum (finite differences, L-BFGS) from the best of 8 random starts.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from benchmarks.long_memory import exchange
from benchmarks.rows import append, key_of, rows_of
from lava_sqs import NoiseModel, ansatz
from lava_sqs._text import markdown
from lava_sqs.quantum import Ansatz
from lava_sqs.quantum.diagnostics import holevo_information

Array = NDArray[Any]

DELAYS, WASHOUT, STARTS, ITERATIONS = 12, 40, 8, 40
NOISES = ("none", "ibm_torino")
#: Circuits, and the largest memory of each.
CIRCUITS: dict[str, tuple[int, Callable[[int], Ansatz]]] = {
    "layered": (6, lambda m: ansatz.layered(1, m)),
    "exchange": (6, exchange),
    "delay line, by hand": (6, lambda m: ansatz.delay(m)),
    "bits, additive table": (4, lambda m: ansatz.classical_memory(1, m, table="additive")),
    "bits, full table": (4, lambda m: ansatz.classical_memory(1, m)),
}


def held(circuit: Ansatz, theta: Array, noise: str) -> Array:
    """Return what the memory holds about the input 0 to 12 steps ago, in bits, (13,)."""
    model = None if noise == "none" else NoiseModel.preset(noise)
    return holevo_information(circuit, theta, model, max_delay=DELAYS, washout=WASHOUT)


def random_angles(circuit: Ansatz, seed: int) -> Array:
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, circuit.n_params)


def random(circuit: Ansatz, noise: str, seed: int) -> dict[str, Any]:
    """Return what random angles hold."""
    return {"bits": held(circuit, random_angles(circuit, seed), noise).tolist()}


def trained(circuit: Ansatz, noise: str, seed: int) -> dict[str, Any]:
    """Return what the angles hold that climbed from the best of some random starts."""

    def loss(theta: Array) -> float:
        return -float(held(circuit, theta, noise).sum())

    starts = [random_angles(circuit, 1000 * (seed + 1) + i) for i in range(STARTS)]
    first = min(starts, key=loss)
    found = optimize.minimize(loss, first, method="L-BFGS-B", options={"maxiter": ITERATIONS})
    return {"bits": held(circuit, found.x, noise).tolist(), "theta": found.x.round(6).tolist()}


def planned() -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """Yield what names each row, and the work; small memories first."""
    for m in range(1, 7):
        for name, (most, make) in CIRCUITS.items():
            if m > most:
                continue
            circuit = make(m)
            for noise in NOISES:
                base = {"circuit": name, "qubits": m, "noise": noise}
                seeds = range(1 if not circuit.n_params else 10 if m < 5 else 5)
                for seed in seeds:
                    named = {"section": "random", **base, "seed": seed}
                    yield named, lambda c=circuit, n=noise, s=seed: random(c, n, s)  # type: ignore[misc]
    for m in (1, 2, 3):
        for name, (_, make) in CIRCUITS.items():
            circuit = make(m)
            if not circuit.n_params or circuit.n_params > 60:
                continue
            for noise in NOISES:
                for seed in range(3):
                    named = {"section": "trained", "circuit": name, "qubits": m, "noise": noise,
                             "seed": seed}  # fmt: skip
                    yield named, lambda c=circuit, n=noise, s=seed: trained(c, n, s)  # type: ignore[misc]


# -- table and picture ---------------------------------------------------------------------------


def totals(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str, int], list[float]]:
    """Return the sums over k by section, circuit, noise and size."""
    found: dict[tuple[str, str, str, int], list[float]] = {}
    for r in rows:
        key = r["section"], r["circuit"], r["noise"], r["qubits"]
        found.setdefault(key, []).append(float(np.sum(r["bits"])))
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """Return the means over seeds, a column per size."""
    found = totals(rows)
    sizes = range(1, 7)
    head = ("circuit", "angles", "noise", *map(str, sizes))
    lines = [markdown(*head, head=True)]
    for section in ("random", "trained"):
        for name in CIRCUITS:
            for noise in NOISES:
                cells = []
                for m in sizes:
                    values = found.get((section, name, noise, m), [])
                    half = (
                        f" ± {stats.t.ppf(0.975, len(values) - 1) * stats.sem(values):.2f}"
                        if len(values) > 1
                        else ""
                    )
                    cells.append(f"{np.mean(values):.2f}{half}" if values else "")
                if any(cells):
                    angles = "none" if name == "delay line, by hand" else section
                    lines.append(markdown(name, angles, noise, *cells))
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the totals against the size: noiseless on the left, noisy on the right."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    found = totals(rows)
    figure, axes = plt.subplots(1, 2, figsize=(11.5, 3.8), sharey=True, layout="constrained")
    for ax, noise in zip(axes, NOISES, strict=True):
        ax.plot([1, 6], [1, 6], color="0.6", lw=1, ls=":", label="most of N qubits or bits")
        for i, name in enumerate(CIRCUITS):
            for section, style in (("random", "o-"), ("trained", "^--")):
                at = [m for m in range(1, 7) if (section, name, noise, m) in found]
                if not at:
                    continue
                values = [found[section, name, noise, m] for m in at]
                middle = np.array([np.mean(v) for v in values])
                ends = np.array([[min(v) for v in values], [max(v) for v in values]])
                label = name if name.startswith("delay") else f"{name}, {section}"
                ax.errorbar(
                    np.array(at) + 0.04 * (i - 2), middle, np.abs(ends - middle),
                    fmt=style, color=f"C{i}", capsize=2, ms=4, lw=1, label=label,
                )  # fmt: skip
        ax.set_title("noiseless" if noise == "none" else f"noise of {noise}")
        ax.set_xlabel("memory qubits or bits")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("held about past inputs, bits")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capacity", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/capacity.jsonl"))
    parser.add_argument("--print", action="store_true", help="only the table of what is there")
    parser.add_argument("--figure", type=Path, metavar="PNG")
    options = parser.parse_args(arguments)
    if not options.print:
        for named, make in planned():
            named = {**named, "delays": DELAYS, "washout": WASHOUT}
            key = key_of(named)
            if key in rows_of(options.out):
                continue
            start = time.process_time()
            row = {"key": key, **named, **make(), "seconds": time.process_time() - start}
            append(options.out, row)
            print(*named.values(), f"{sum(row['bits']):.3f} bits, {row['seconds']:.1f} s",
                  file=sys.stderr, flush=True)  # fmt: skip
    rows = list(rows_of(options.out).values())
    print(table(rows))
    if options.figure is not None:
        draw(rows, options.figure)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
