"""A study as one HTML file that can be sent: it needs no other file and asks nobody for one."""

from __future__ import annotations

import base64
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

from lava_sqs._checks import check_instance, check_positive, check_text, printable
from lava_sqs._errors import ArgumentValueError
from lava_sqs._files import check_writable, write_bytes
from lava_sqs._version import __version__
from lava_sqs.study.plan import Stop
from lava_sqs.study.report_figures import Look, Picture, pictures
from lava_sqs.study.result import StudyResult
from lava_sqs.study.run.runner import states_of
from lava_sqs.study.study import Study

__all__: list[str] = []

#: Values of a parameter, and open points, that are listed.
MOST = 20
LIBRARIES = ("numpy", "scipy", "qutip", "scikit-learn", "matplotlib")
STOP_RULES = ("max_shots", "max_errors", "target_width", "max_batches")

# The colours have a contrast of at least 4.5 on their ground in both modes.
STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #566070; --ground: #fff;
  --line: #d5dae1; --band: #f4f6f8; --accent: #0b5cad; --warn: #8a4b00; --warn-ground: #fff3df; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --soft: #a3adba; --ground: #14181f;
  --line: #39424f; --band: #1d232c; --accent: #7db8f5; --warn: #ffc37a; --warn-ground: #33260f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 3rem; color: var(--ink);
  background: var(--ground); font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .8rem; border-bottom: 1px solid var(--line); }
.lead { color: var(--soft); margin: 0 0 1rem; }
.state { padding: .6rem .9rem; border-left: .3rem solid var(--accent); background: var(--band); }
.state.open { border-color: var(--warn); color: var(--warn); background: var(--warn-ground); }
.figures { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fit, minmax(min(26rem,
  100%), 1fr)); }
figure { margin: 0; max-width: 46rem; }
figure img { display: block; width: 100%; max-width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line); border-radius: .3rem; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .35rem; }
.box { overflow: auto; max-height: 40rem; border: 1px solid var(--line); border-radius: .3rem; }
.box:focus-visible { outline: 2px solid var(--accent); }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums;
  min-width: 100%; overflow-wrap: normal; }
caption { text-align: left; color: var(--soft); padding: .4rem .7rem; }
th, td { text-align: left; padding: .3rem .7rem; border-top: 1px solid var(--line);
  vertical-align: top; }
.points th, .points td { white-space: nowrap; }
.points .n { text-align: right; }
thead th { position: sticky; top: 0; background: var(--band); border-top: 0; }
.about { table-layout: fixed; width: 100%; overflow-wrap: anywhere; }
.about th { font-weight: 600; width: 14rem; }
ul { padding-left: 1.2rem; }
@media print { .box { max-height: none; overflow: visible; } h2 { break-after: avoid; } }
@media (max-width: 30rem) { .about th, .about td { display: block; width: auto; border-top: 0; }
  .about th { border-top: 1px solid var(--line); padding-bottom: 0; } }
"""


def write_report(
    result: StudyResult,
    file: str | os.PathLike[str],
    *,
    study: Study | None = None,
    stop: Stop | None = None,
    x: str | None = None,
    group: str | Sequence[str] | None = None,
    value: str = "auto",
    level: float = 0.95,
    presets: Sequence[str] = (),
    title: str | None = None,
) -> Path:
    """Write a study as one HTML file: :meth:`StudyResult.report`, which has the parameters."""
    path = check_writable(file, "file")
    level = check_positive("level", level, below=1.0)
    if title is not None and not check_text("title", title).strip():
        raise ArgumentValueError("title", "must not be empty.")
    check_instance("stop", stop, Stop, none=True)
    if stop is not None and study is None:
        raise ArgumentValueError("stop", "needs `study`, whose points it is about.")
    check_instance("study", study, Study, none=True)
    if x is None and group is not None:
        raise ArgumentValueError("group", "needs `x`, the parameter against which it is drawn.")
    tasks = list(dict.fromkeys(p.task for p in result.points)) or ([study.name] if study else [])
    heading = title or f"Noise study: {', '.join(tasks) or 'no task'}"
    found: list[Picture] = []
    note = "There is no point yet, so there is nothing to draw."
    if len(result):
        found, note = pictures(result, Look(x, group, value, level, presets))
    states = [] if study is None else _states(study, result, stop or Stop())
    body = [
        f"<header><h1>{_text(heading)}</h1>",
        f'<p class="lead">{_text(_lead(result))}</p>',
        f"{_progress(states, study)}</header>\n<main>",
        _section("figures", "Figures", _figures(found, note, level)),
        _section("results", "Results", _results(result, level, stop)),
        _section("settings", "Settings", _settings(result, study, stop)),
        _section("open", "Open points", _open(states)) if any(_waits(s) for s in states) else "",
        _section("origin", "Seeds and versions", _origin(result, study)),
        "</main>",
    ]
    write_bytes(path, _page(heading, "\n".join(body)).encode())
    return path


def _text(text: Any) -> str:
    """Return what anybody may have named, as text of HTML."""
    return escape(printable(str(text)), quote=True)


def _page(heading: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="lava_sqs {__version__}">\n'
        # Whatever the page may hold, a browser loads nothing for it and runs nothing in it.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">\n"
        f'<link rel="icon" href="data:,">\n'
        f"<title>{_text(heading)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _section(name: str, heading: str, content: str) -> str:
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{_text(heading)}</h2>\n{content}\n'
        "</section>"
    )


def _lead(result: StudyResult) -> str:
    n, rows = len(result), len(result.rows)
    seconds = sum(row.seconds for row in result.rows)
    return (
        f"{n} point{_s(n)}, {rows} finished batch{'es' if rows != 1 else ''}, "
        f"{_duration(seconds)} of computing."
    )


def _s(n: int) -> str:
    return "" if n == 1 else "s"


def _duration(seconds: float) -> str:
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


# -- how far it is --------------------------------------------------------------------------------


def _states(study: Study, result: StudyResult, stop: Stop) -> list[Any]:
    return list(states_of(study.task, study.points, result.rows, study.seed, stop))


def _waits(state: Any) -> bool:
    return not state.stopped_by


def _progress(states: list[Any], study: Study | None) -> str:
    if study is None:
        text = "This page shows what the results files hold. It was made without the study, so it "
        return f'<p class="state">{text}cannot say whether points are missing.</p>'
    waiting = sum(map(_waits, states))
    if not waiting:
        return f'<p class="state">The study is finished: all {len(states)} points are done.</p>'
    return (
        f'<p class="state open"><strong>This study is not finished.</strong> '
        f"{len(states) - waiting} of {len(states)} points are done, {waiting} "
        f"{'is' if waiting == 1 else 'are'} open; what is here may still change.</p>"
    )


def _open(states: list[Any]) -> str:
    waiting = [s for s in states if _waits(s)]
    all_of = [s.point.params for s in states]
    names = [n for n, values in _values(all_of).items() if len(values) > 1] or list(all_of[0])
    rows = [
        (
            *(_value(s.point.params.get(n)) for n in names),
            s.counted,
            s.counts.shots if s.counts else 0,
        )
        for s in waiting[:MOST]
    ]
    titles = (*names, "batches", "shots")
    table = _table("Points that do not have enough yet.", titles, rows, len(names))
    more = len(waiting) - MOST
    return table + (f"<p>And {more} more.</p>" if more > 0 else "")


def _values(points: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the values of each parameter, each once."""
    found: dict[str, dict[str, None]] = {}
    for params in points:
        for name, value in params.items():
            found.setdefault(name, {})[_value(value)] = None
    return {name: list(values) for name, values in found.items()}


# -- what it found --------------------------------------------------------------------------------


def _figures(found: list[Picture], note: str, level: float) -> str:
    parts = []
    for picture in found:
        data = base64.b64encode(picture.svg).decode("ascii")
        parts.append(
            f'<figure>\n<img alt="{_text(picture.alt)}" src="data:image/svg+xml;base64,{data}">\n'
            f"<figcaption>{_text(picture.title)}</figcaption>\n</figure>"
        )
    drawn = '<div class="figures">\n' + "\n".join(parts) + "\n</div>\n" if parts else ""
    if parts:
        said = (
            f"Bands and bars are {level:.0%} intervals; what they cover is said with the results."
        )
        drawn += f"<p>{_text(said)}</p>"
    return drawn + (f"<p>{_text(note)}</p>" if note else "")


def _results(result: StudyResult, level: float, stop: Stop | None) -> str:
    extra = [n for n in ("task", "version") if len({getattr(p, n) for p in result.points}) > 1]
    titles, rows, notes = result._cells(extra, level, len(result))
    numbers = len(titles) - 4  # shots, value, interval, method come last
    table = _table("One row for each point.", titles, rows, numbers) if rows else "<p>None yet.</p>"
    notes = [note.removeprefix("intervals cover: ") for note in notes]
    if stop is not None and (stop.max_errors or stop.target_width):
        notes.append("points that stopped early have intervals that are slightly too narrow")
    items = "".join(f"<li>{_text(n[:1].upper() + n[1:])}.</li>" for n in notes)
    if not items:
        return table
    text = f"A {level:.0%} interval says where the number would fall if this were drawn again:"
    return f"{table}<h3>How sure the numbers are</h3>\n<p>{_text(text)}</p>\n<ul>{items}</ul>"


def _table(caption: str, titles: Sequence[str], rows: Iterable[Any], numbers: int) -> str:
    """Return a table in a box of its own to scroll; cells from *numbers* on are to the right."""

    def cells(tag: str, row: Iterable[Any]) -> str:
        sides = [' class="n"' if numbers <= i < numbers + 3 else "" for i in range(len(titles))]
        found = zip(sides, row, strict=True)
        end = tag.split()[0]
        return "".join(f"<{tag}{side}>{_text(cell)}</{end}>" for side, cell in found)

    head = cells('th scope="col"', titles)
    body = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="box" role="region" tabindex="0" aria-label="{_text(caption)}">'
        f'<table class="points">\n<caption>{_text(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


# -- what made it ---------------------------------------------------------------------------------


def _about(rows: Iterable[tuple[str, Any]]) -> str:
    lines = "\n".join(
        f'<tr><th scope="row">{_text(name)}</th><td>{_text(said)}</td></tr>' for name, said in rows
    )
    return f'<table class="about">\n<tbody>\n{lines}\n</tbody></table>'


def _settings(result: StudyResult, study: Study | None, stop: Stop | None) -> str:
    points: list[Any] = list(study.points) if study is not None else list(result.points)
    rows: list[tuple[str, Any]] = []
    if study is not None:
        rows.append(("task", study.name))
    found = _values(p.params for p in points)
    for name, values in found.items():
        more = f" and {len(values) - MOST} more" if len(values) > MOST else ""
        rows.append((name, ", ".join(values[:MOST]) + more))
    if study is not None:
        rules = [(n, getattr(stop or Stop(), n)) for n in STOP_RULES]
        said = ", ".join(f"{n} = {v}" for n, v in rules if v is not None)
        rows.append(("a point is done at", said or "one batch"))
    if result.skipped or (study is not None and study.skipped):
        n = len(result.skipped or (study.skipped if study else ()))
        rows.append(("left out", f"{n} impossible point{_s(n)} (t2 > 2 t1)"))
    units = "<p>Times are in seconds.</p>" if any("noise." in name for name in found) else ""
    return _about(rows) + units if rows else "<p>None.</p>"


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "-" if value is None else str(value)


def _origin(result: StudyResult, study: Study | None) -> str:
    seeds = sorted({s for p in result.points for s in p.seeds})
    if study is not None and not seeds:
        seeds = [study.seed]
    versions = sorted({p.version for p in result.points})
    rows = [
        (f"seed{_s(len(seeds))} of the study", ", ".join(map(str, seeds)) or "-"),
        ("rows made by", ", ".join(f"lava_sqs {v}" for v in versions) or "-"),
        (
            "page made by",
            f"lava_sqs {__version__}, {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        ),
        ("here installed", ", ".join([f"Python {platform.python_version()}", *_installed()])),
    ]
    text = (
        "The same study with the same seed and version makes the same rows, on any number of "
        "workers. The libraries are those where this page was made."
    )
    return f"{_about(rows)}\n<p>{text}</p>"


def _installed() -> Iterable[str]:
    for name in LIBRARIES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
