"""Draw the pictures of the pages on concepts: `uv run python docs/figures.py`."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from lava_sqs import NoiseModel, plot

IMG = Path(__file__).parent / "img"


def main() -> None:
    """Write every picture."""
    figure, ax = plt.subplots(figsize=(11.5, 3.2), layout="constrained")
    plot.draw_time_step(NoiseModel.preset("ibm_brisbane"), ax)
    figure.savefig(IMG / "time_step.png", dpi=150)


if __name__ == "__main__":
    main()
