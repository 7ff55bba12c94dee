"""One picture of the table: rate against K, and against the size of the register."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for label, marker in (("float32", "o"), ("float64", "s")):
        found = [r for r in rows if r["section"] == "K" and r["dtype"] == label]
        left.loglog([r["k"] for r in found], [r["value"] for r in found], marker + "-", label=label)
    for r in rows:
        if (
            r["section"] == "peers"
            and r["name"].startswith("(1, 1)")
            and "package" not in r["name"]
        ):
            left.axhline(r["value"], color="0.6", lw=1)
            left.text(10, r["value"] * 1.15, r["name"][7:], fontsize=8, color="0.35")
    left.set(xlabel="neurons K", ylabel="neuron-steps per second", title="(1, 1), with noise")
    left.legend(frameon=False, loc="center right", bbox_to_anchor=(1.0, 0.6))
    styles = {
        "instrument, noisy": ("C0", "o-"),
        "instrument, noiseless": ("C0", "o:"),
        "instrument, shared": ("C2", "^-"),
        "trajectory, noisy": ("C1", "s-"),
        "trajectory, noiseless": ("C1", "s:"),
    }
    for variant, (colour, style) in styles.items():
        found = [
            r
            for r in rows
            if r["section"] == "size" and r["variant"] == variant and r["size"][0] == 1
        ]
        right.semilogy(
            [r["size"][1] for r in found],
            [r["value"] for r in found],
            style,
            color=colour,
            label=variant,
        )
    right.set(xlabel="memory qubits", title="one io qubit, float32")
    right.legend(frameon=False, fontsize=8)
    for ax in (left, right):
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=150)
    plt.close(fig)
