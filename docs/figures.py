"""Draw the pictures of the pages on concepts: `uv run python docs/figures.py`."""

import os
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt

from lava_sqs import NoiseModel, plot

IMG = Path(__file__).parent.resolve() / "img"
SERIES = IMG.parent / "howto" / "series.md"


def main() -> None:
    """Write every picture."""
    figure, ax = plt.subplots(figsize=(11.5, 3.2), layout="constrained")
    plot.draw_time_step(NoiseModel.preset("ibm_brisbane"), ax)
    figure.savefig(IMG / "time_step.png", dpi=150)
    blocks = re.findall(r"^```python\n(.*?)^```", SERIES.read_text(), re.M | re.S)
    os.chdir(IMG)
    exec("\n".join(blocks), {})  # the page draws sine.png


if __name__ == "__main__":
    main()
