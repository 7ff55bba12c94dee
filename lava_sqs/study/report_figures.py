"""Which pictures the report of a study has: chosen by what varies, drawn as SVG with words."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lava_sqs._checks import printable
from lava_sqs._files import svg_of
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.study.curves import estimate_of, is_number, kind_of
from lava_sqs.study.result import PointResult, StudyResult

__all__: list[str] = []

#: Curves of a figure, and figures of a report, beyond which it is none that one can read.
CURVES, FIGURES = 12, 12
#: Rows of a figure of single points, and cells of a heat map whose numbers are written.
DOTS, CELLS = 40, 100
#: Values of a second number from which on there is a heat map as well.
LINES = 4
#: Of a name in a figure.
LETTERS = 40
#: Inches. At 400 pixels of width the letters are still 10 pixels high.
SIZE = (5.2, 3.7)


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes
    ----------
    svg : bytes
        The picture itself, which needs no font and no other file.
    title, alt : str
        What stands above it, and what is read to those who do not see it.
    """

    svg: bytes
    title: str
    alt: str


@dataclass(frozen=True)
class Look:
    """What the caller says of the figures; see :meth:`StudyResult.report`.

    Attributes
    ----------
    x, group : str or None
        As of `plot_study`; None chooses.
    value, level, presets : str, float, list of str
        As of `plot_study`.
    """

    x: str | None
    group: Any
    value: str
    level: float
    presets: Any


def pictures(result: StudyResult, look: Look) -> tuple[list[Picture], str]:
    """Return the figures, and a note on those that are not drawn.

    One that is asked for by name raises if it cannot be drawn.
    """
    if look.x is not None:
        return [_curves(result, look.x, look.group, look, "")], ""
    for preset in look.presets:
        NoiseModel.preset(preset)  # raises if there is none of this name
    parts = list(_parts(result))
    found = [p for part, where in parts[:FIGURES] for p in _pictures(part, where, look)]
    if len(parts) > FIGURES:
        return found, (
            f"{len(parts) - FIGURES} more figures would have too much to show here: choose what to "
            "draw by x and group, or by lava-sqs study plot --select."
        )
    return found, ""


def _parts(result: StudyResult) -> Iterator[tuple[StudyResult, str]]:
    """Return what each figure shows, with words for what is the same in it only."""
    kinds = {(p.task, p.version) for p in result.points}
    for task, version in sorted(kinds):
        one = result.select(task=task, version=version)
        named = [task, version] if len(kinds) > 1 else []
        apart = _names_apart(one)
        values = [_values(one, name) for name in apart]
        for chosen in itertools.product(*values):
            want = dict(zip(apart, chosen, strict=True))
            part = one.select(functools.partial(_has, want))
            if len(part):
                said = [f"{n.rpartition('.')[2]} = {v}" for n, v in want.items()]
                yield part, printable(", ".join([*named, *said]))


def _has(want: dict[str, str], point: PointResult) -> bool:
    return all(repr(point.params.get(name)) == value for name, value in want.items())


def _values(result: StudyResult, name: str) -> list[str]:
    return list(dict.fromkeys(repr(p.params.get(name)) for p in result.points))


def x_of(result: StudyResult) -> str | None:
    """Return the parameter with numbers that has the most values; None if there is none."""
    names = [n for n in result.varying if all(is_number(p.parameter(n)) for p in result.points)]
    return max(names, key=lambda n: (len(_values(result, n)), n.startswith("noise.")), default=None)


def _names_apart(result: StudyResult) -> list[str]:
    """Return the parameters whose every value has a figure of its own."""
    x = x_of(result)
    rest = sorted((n for n in result.varying if n != x), key=lambda n: -len(_values(result, n)))
    if x is None:
        return []
    curves, kept = 1, 0
    for name in reversed(rest):  # curves of one figure: those of few values first
        curves *= len(_values(result, name))
        if kept == 2 or curves > CURVES:
            break
        kept += 1
    return rest[: len(rest) - kept]


def _pictures(part: StudyResult, where: str, look: Look) -> Iterator[Picture]:
    x = x_of(part)
    if x is None:
        yield _dots(part, where, look)
        return
    marked = x.endswith(".t2_over_t1") or x.rpartition(".")[2] in NoiseModel.__dataclass_fields__
    yield _curves(part, x, None, look if marked else replace(look, presets=()), where)
    rest = [n for n in part.varying if n != x and all(is_number(p.params.get(n)) for p in part)]
    if len(part.varying) == 2 and rest and len(_values(part, rest[0])) >= LINES:
        yield _heat_map(part, x, rest[0], look, where)


def _heat_map(result: StudyResult, x: str, y: str, look: Look, where: str) -> Picture:
    figure, ax = _new()
    result.plot(x, y, ax=ax, value=look.value, annotate=len(result) <= CELLS)
    title = f"{figure.axes[-1].get_ylabel()} over {ax.get_xlabel()} and {ax.get_ylabel()}"
    return _finished(figure, result, look, title, f"Heat map: {title}", where)


def _curves(result: StudyResult, x: str, group: Any, look: Look, where: str) -> Picture:
    figure, ax = _new()
    result.plot(x, ax=ax, group=group, value=look.value, level=look.level, presets=look.presets)
    label, quantity = ax.get_xlabel(), ax.get_ylabel()
    title = f"{quantity} against {label}"
    n = len(ax.get_legend_handles_labels()[1])
    alt = f"Curves of {quantity} against {label}" if n > 1 else f"{quantity} against {label}"
    return _finished(figure, result, look, title, alt, where)


def _dots(result: StudyResult, where: str, look: Look) -> Picture:
    """Draw every point in a row of its own: nothing that varies has a place on an axis."""
    shown = result.points[:DOTS]
    kind = kind_of(result, look.value)
    figure, ax = _new(max(1.4, 0.6 + 0.26 * len(shown)))
    for row, point in enumerate(shown):
        middle, low, high = estimate_of(point, kind, look.level)
        ax.plot([low, high], [row, row], color="C0", linewidth=2, alpha=0.5)
        ax.plot([middle], [row], "o", color="C0", markersize=5)
    ax.set_yticks(range(len(shown)), [_called(p, result) for p in shown])
    ax.set(ylim=(len(shown) - 0.4, -0.6), xlabel=kind)
    ax.tick_params(labelsize=8)
    ax.locator_params(axis="x", nbins=5)
    ax.grid(axis="x", alpha=0.3)
    title = kind if len(shown) == len(result) else f"{kind} of the first {DOTS} points"
    return _finished(figure, result, look, title, f"{title}, a row for each point", where)


def _called(point: PointResult, result: StudyResult) -> str:
    names = [n for n in result.varying if n in point.params]
    said = ", ".join(f"{n.rpartition('.')[2]} {point.params[n]}" for n in names) or point.task
    return _shortened(said)


def _shortened(text: str) -> str:
    """Return a text that leaves room for the picture."""
    text = printable(text, "\n")
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 2]}…"


def _new(height: float = SIZE[1]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(SIZE[0], height), layout="constrained")
    return figure, figure.subplots()


def _finished(
    figure: Any, result: StudyResult, look: Look, title: str, alt: str, where: str
) -> Picture:
    """Return a drawn figure; its alternative text ends with the numbers."""
    kind = kind_of(result, look.value)
    values = [estimate_of(p, kind, look.level)[0] for p in result.points]
    if where:
        title, alt = f"{title}; {where}", f"{alt}; {where}"
    n = len(values)
    alt += f". {n} point{'s' * (n > 1)}, from {min(values):.3g} to {max(values):.3g}."
    return Picture(_svg(figure), title[:1].upper() + title[1:], alt[:1].upper() + alt[1:])


def _svg(figure: Any) -> bytes:
    """Return a figure as SVG, the same bytes for the same figure."""
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    for ax in figure.axes:
        legend = ax.get_legend()
        texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
        texts += legend.get_texts() if legend else []
        for axis in (ax.xaxis, ax.yaxis):
            if isinstance(axis.get_major_formatter(), (FixedFormatter, FuncFormatter)):
                texts += axis.get_ticklabels()
        for text in texts:  # names are those of users, and no formulas
            text.set_parse_math(False)
            text.set_text(_shortened(text.get_text()))
    with warnings.catch_warnings():  # the table has the letters that the font has not
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        return svg_of(figure)
