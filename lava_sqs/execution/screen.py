"""What a network does, as a picture in a terminal or a notebook, or as plain lines."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import printable

__all__: list[str] = []

#: Neurons and time steps that the spikes of a Process are shown of; two by four to a letter.
NEURONS, STEPS = 16, 64
#: Seconds between two plain lines, and letters across in a notebook.
PAUSE, ACROSS = 5.0, 96
#: Visible on light and on dark ground.
SPIKES, RATE, PURITY, DONE, REST = "#2f8fd0", "#d97706", "#16a078", "#2f8fd0", "#7d8590"
_LEVELS = "▁▂▃▄▅▆▇█"
#: Bits of the dots of a letter in Braille, by row and column.
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


@dataclass
class Seen:
    """What is known of a Process.

    Attributes
    ----------
    name, kind : str
        What it is called, and its class.
    neurons : int
        How many values it sends in a step.
    spikes : ndarray of bool, shape (S, N)
        The latest steps of some of the neurons.
    rates, purities : list of float
        The latest last; rates are of spikes per neuron and step.
    lowest : float
        Lowest purity of a memory.
    """

    name: str
    kind: str
    neurons: int
    spikes: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    rates: list[float] = field(default_factory=list)
    purities: list[float] = field(default_factory=list)
    lowest: float = 1.0


@dataclass
class View:
    """What there is to show.

    Attributes
    ----------
    step : int
        The latest time step begun.
    goal : int or None
        The last one, if it is known.
    begun : int
        The step before the first one that was watched.
    seconds : float
        Since then.
    speed : float
        Time steps in a second, lately.
    seen : list of Seen
        The Processes.
    """

    step: int
    goal: int | None
    begun: int
    seconds: float
    speed: float
    seen: list[Seen]


# -- letters ---------------------------------------------------------------------------------------


def has_blocks(encoding: str | None) -> bool:
    """Return whether letters that draw can be written."""
    try:
        "⣿█━·".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def braille(spikes: NDArray[np.bool_]) -> list[str]:
    """Return spikes (S, N), the neurons below each other, the latest step at the right.

    Examples
    --------
    >>> braille(np.eye(4, dtype=bool))
    ['⠑⢄']
    """
    steps, neurons = spikes.shape
    padded = np.zeros((-(-max(neurons, 1) // 4) * 4, -(-max(steps, 1) // 2) * 2), dtype=int)
    padded[:neurons, padded.shape[1] - steps :] = spikes.T
    letters = padded.reshape(padded.shape[0] // 4, 4, padded.shape[1] // 2, 2)
    codes = np.einsum("rdcx,dx->rc", letters, _DOTS)
    return ["".join(chr(0x2800 + code) for code in row) for row in codes.tolist()]


def plain_spikes(spikes: NDArray[np.bool_]) -> list[str]:
    """Return spikes (S, N) in ASCII: four of the neurons, the latest half of the steps.

    Examples
    --------
    >>> plain_spikes(np.eye(2, dtype=bool))
    ['|.', '.|']
    """
    few = spikes[-STEPS // 2 :, sample(spikes.shape[1], 4)]
    return ["".join(".|"[on] for on in row) for row in few.T.astype(int).tolist()]


def sample(n: int, wanted: int) -> NDArray[np.intp]:
    """Return which of n neurons are shown: some, evenly spaced."""
    return np.unique(np.linspace(0, max(n - 1, 0), min(n, wanted)).round().astype(np.intp))


def levels(values: Sequence[float], top: float) -> str:
    """Return the latest values as a line of bars, from 0 to *top*.

    Examples
    --------
    >>> levels([0.0, 0.5, 1.0], 1.0)
    '▁▅█'
    """
    scaled = np.nan_to_num(np.array(values[-STEPS // 4 :]) / (top or 1.0))
    places = np.clip((scaled * len(_LEVELS)).astype(int), 0, len(_LEVELS) - 1)
    return "".join(_LEVELS[i] for i in places.tolist())


def clock(seconds: float) -> str:
    """Return a duration for people.

    Examples
    --------
    >>> clock(3.25), clock(75), clock(7300)
    ('3.2 s', '1:15 min', '2:01 h')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    large, unit = (60, "min") if seconds < 3600 else (3600, "h")
    return f"{int(seconds // large)}:{int(seconds % large * 60 // large):02} {unit}"


def progress(view: View) -> str:
    """Return how far a network is, and how fast."""
    of = "" if view.goal is None else f" of {view.goal}"
    said = f"step {view.step}{of}, {clock(view.seconds)}"
    if view.speed > 0:
        said += f", {view.speed:.{0 if view.speed >= 10 else 2}f} steps/s"
        if view.goal is not None and view.goal > view.step:
            said += f", {clock((view.goal - view.step) / view.speed)} left"
    return said


def numbers(seen: Seen) -> str:
    """Return rate and purity in words."""
    said = [f"rate {seen.rates[-1]:.3f}"] if seen.rates else ["no step yet"]
    if seen.purities:
        said.append(f"purity {seen.purities[-1]:.3f} (lowest {seen.lowest:.3f})")
    return ", ".join(said)


# -- the picture -----------------------------------------------------------------------------------


def writable(text: str, encoding: str | None) -> str:
    """Return a name as a file can take it, without what a terminal would obey."""
    try:
        return printable(text).encode(encoding or "ascii", "replace").decode(encoding or "ascii")
    except LookupError:
        return ascii(text)[1:-1]


def picture(view: View, width: int, height: int, encoding: str | None = "utf-8") -> Any:
    """Return what Rich is to draw, in so many letters and lines."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    blocks = has_blocks(encoding)
    cut: Any = {"no_wrap": True, "overflow": "ellipsis" if blocks else "crop"}
    parts: list[Any] = [Text(progress(view), style="bold", **cut)]
    if view.goal is not None:
        total, done = view.goal - view.begun, view.step - view.begun
        look: dict[str, Any] = {"complete_style": DONE, "finished_style": DONE, "style": REST}
        parts.append(ProgressBar(total=max(total, 1), completed=done, width=width - 1, **look))
    across = STEPS // 2
    tall = width >= across + 46 and 5 * len(view.seen) + len(parts) < height
    table = Table.grid(padding=(0, 2), pad_edge=False)
    if tall:
        for _ in range(3):
            table.add_column(**cut)
        for i, seen in enumerate(view.seen):
            drawn = braille(seen.spikes) if blocks else plain_spikes(seen.spikes)
            spikes = Text("\n".join(drawn), style=SPIKES)
            name = writable(seen.name, encoding)
            table.add_row(
                _who(seen, name, NEURONS if blocks else 4), spikes, _numbers(seen, blocks)
            )
            if i + 1 < len(view.seen):
                table.add_row()
    else:
        for seen in view.seen:
            said = f"{writable(seen.name, encoding)}: {numbers(seen)}"
            table.add_row(Text(said, **cut))
    whole = Table.grid()
    for part in (*parts, table):
        whole.add_row(part)
    return whole


def _who(seen: Seen, name: str, most: int) -> Any:
    from rich.text import Text

    shown = min(seen.neurons, most)
    of = f"{shown} of {seen.neurons} shown" if shown < seen.neurons else f"{seen.neurons} neurons"
    if len(name) > 22:
        name = f"{name[:10]}..{name[-10:]}"
    return Text.assemble((name, "bold"), f"\n{seen.kind}\n", (of, REST))


def _numbers(seen: Seen, blocks: bool) -> Any:
    from rich.text import Text

    if not seen.rates:
        return Text("no step yet", style=REST)
    top = 1.2 * max(seen.rates)
    parts: list[Any] = [f"rate   {seen.rates[-1]:.3f} "]
    parts.append((levels(seen.rates, top) if blocks else "", RATE))
    if seen.purities:
        parts += [f"\npurity {seen.purities[-1]:.3f} "]
        parts.append((levels(seen.purities, 1.0) if blocks else "", PURITY))
        parts.append((f"\nlowest {seen.lowest:.3f}", REST))
    return Text.assemble(*parts)


# -- where it is shown -----------------------------------------------------------------------------


class Lines:
    """A line now and then, where a picture cannot be drawn over: in a file or a pipe."""

    def __init__(self, file: Any) -> None:
        self._file, self._last = file, time.monotonic()

    def show(self, view: View, last: bool = False) -> None:
        """Write a line, if it is time for one."""
        now = time.monotonic()
        if not last and now - self._last < PAUSE:
            return
        self._last = now
        encoding = getattr(self._file, "encoding", None) or "utf-8"
        names = [writable(seen.name, encoding) for seen in view.seen]
        parts = [f"{n}: {numbers(s)}" for n, s in zip(names, view.seen, strict=True)]
        self._file.write("; ".join([progress(view), *parts]) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing is left to do."""


class Terminal:
    """A picture that is drawn over, at the lower end of a terminal."""

    def __init__(self, file: Any) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(
            file=file, force_jupyter=False, force_terminal=True, highlight=False
        )
        self._encoding = getattr(file, "encoding", None)
        # What the program prints to the same terminal goes above the picture; all else is its own.
        ours = [file is sys.stderr and stream.isatty() for stream in (sys.stdout, sys.stderr)]
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            vertical_overflow="crop",
            redirect_stdout=ours[0],
            redirect_stderr=ours[1],
        )
        self._live.start()
        # Whatever ends this program, even a signal that nobody hears, leaves the cursor visible.
        self._console.show_cursor(True)

    def show(self, view: View, last: bool = False) -> None:
        """Draw the picture."""
        width, height = self._console.size
        self._live.update(picture(view, width, height, self._encoding), refresh=True)

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()


class Notebook:
    """A picture in the output of a cell, which needs no widgets."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, view: View, last: bool = False) -> None:
        """Draw the picture."""
        from IPython.display import display

        found = {"text/html": as_html(view), "text/plain": as_text(view)}
        if self._handle is None:
            self._handle = display(found, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(found, raw=True)

    def close(self) -> None:
        """Nothing is left to do."""


def _drawn(view: View) -> Any:
    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=ACROSS,
        record=True,
        force_jupyter=False,
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        legacy_windows=False,
        no_color=False,
    )
    console.print(picture(view, ACROSS, 1000))
    return console


def as_html(view: View) -> str:
    """Return the picture for a page."""
    font = "font-family:ui-monospace,Menlo,'DejaVu Sans Mono',monospace"
    look = f"{font};line-height:1.2;overflow-x:auto"
    form = f'<pre style="{look}">{{code}}</pre>'
    drawn: str = _drawn(view).export_html(inline_styles=True, code_format=form)
    return drawn


def as_text(view: View) -> str:
    """Return the picture as text alone."""
    drawn: str = _drawn(view).export_text()
    return drawn


def screen_for(file: Any) -> Any:
    """Return where to draw: in *file*, or if that is None in the notebook or on standard error."""
    if file is None and _in_notebook():
        return Notebook()
    file = sys.stderr if file is None else file
    with contextlib.suppress(Exception):  # what is no file, or closed
        if file.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown"):
            return Terminal(file)
    return Lines(file)


def _in_notebook() -> bool:
    """Whether a kernel shows what is displayed."""
    shell = sys.modules.get("IPython")
    found = None if shell is None else shell.get_ipython()
    return hasattr(found, "kernel")
