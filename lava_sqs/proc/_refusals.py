"""What learning Processes and rules refuse before a network starts."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.process import AbstractProcess

_MAX_BYTES = 2 * 2**30
#: Messages that Lava's channel between two ports holds.
_CHANNEL = 64


def check_window_fits(window: int, channels: int, floats: int) -> None:
    """Refuse a window that needs too much memory.

    Parameters
    ----------
    window : int
        H.
    channels : int
        Scores per step of the window, which travel through one of Lava's channels.
    floats : int
        What the Process itself keeps per step of the window.
    """
    per_step = 8 * (_CHANNEL * channels + floats)
    need = (window + 1) * per_step
    if need > _MAX_BYTES:
        raise ValueError(
            f"Argument `window` must be at most {max(_MAX_BYTES // per_step - 1, 0)} for "
            f"{channels} channels, but got {window}, which needs {need / 2**30:.3g} GiB. The steps "
            "between two resets are enough."
        )


def check_floating_pt(process: AbstractProcess, run_cfg: Any) -> None:
    """Refuse to learn under a fixed-point run configuration."""
    if getattr(run_cfg, "select_tag", None) == "fixed_pt":
        raise ValueError(
            f"Argument `run_cfg` must not have select_tag='fixed_pt' for a network that learns: "
            f"{type(process).__name__} Process '{process.name}' has no such model, because Lava "
            "clips and shifts scores there. Learn under select_tag='floating_pt', and run what was "
            "learned under 'fixed_pt' as SQS behind a stock Dense."
        )
