"""``lava-sqs study``: run, status, combine, plot, report."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lava_sqs._files import check_writable, write_figure
from lava_sqs.cli._common import add_json, add_volume, progress_of, show_json
from lava_sqs.cli._guard import (
    DONE,
    FAILED,
    INTERRUPTED,
    Terminated,
    add_debug,
    answer,
    run,
    say,
)
from lava_sqs.cli.options import add_options
from lava_sqs.cli.study_report import add_report, write_report
from lava_sqs.study import Study
from lava_sqs.study.curves import VALUES
from lava_sqs.study.loader import StudyFile, carry_module, load_study
from lava_sqs.study.plan import Stop
from lava_sqs.study.result import StudyResult
from lava_sqs.study.run._failure import traceback_of
from lava_sqs.study.run.runner import StudyError, states_of
from lava_sqs.study.store import StudyWarning, combine, read_rows
from lava_sqs.study.store.rows import decode

__all__ = ["add_parser", "main"]

STOP_RULES = ("max_shots", "max_errors", "target_width", "max_batches")
_OPTIONS = {"path": "--out", "out": "--out", "paths": "CSV", "task": "`task`"} | {
    name: "--" + name.replace("_", "-") for name in (*STOP_RULES, "timeout", "retries")
}
DASK_TIMEOUT = 20.0


# long: one option, one call
def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add ``study`` to the subcommands of ``lava-sqs``, that is to *subparsers*; return its parser.

    The parser sets ``call``: a function of the parsed arguments that returns the exit code.

    Returns
    -------
    ArgumentParser

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> _ = add_parser(parser.add_subparsers())
    >>> parser.parse_args(["study", "status", "runs.csv"]).csv
    ['runs.csv']
    """
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "study",
        help="sweep noise and circuits, resumably and on many workers",
        description="Noise studies: rows of results in a CSV file that survives interruption.",
    )
    commands = parser.add_subparsers(dest="study_command", metavar="COMMAND")
    parser.set_defaults(call=lambda args: _help(parser))

    start = commands.add_parser("run", help="run a study, or the rest of it")
    start.add_argument("study", metavar="STUDY.toml", help="the study")
    start.add_argument(
        "--out", required=True, metavar="CSV", help="results file; rows are appended"
    )
    start.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: the file's, or 1)"
    )
    start.add_argument(
        "--dask", metavar="ADDRESS", help="run on the Dask cluster with this scheduler"
    )
    rules = start.add_argument_group(
        "when a point is done", "these replace the rules in [stop] of the study file"
    )
    add_options(rules, Study.run, STOP_RULES)
    add_options(start, Study.run, ("timeout", "retries"))
    add_volume(start)
    start.set_defaults(call=_guarded(_run))

    status = commands.add_parser("status", help="what results files hold, and what a study lacks")
    status.add_argument("csv", nargs="+", metavar="CSV")
    status.add_argument("--study", metavar="STUDY.toml", help="compare with this study")
    add_json(status)
    status.set_defaults(call=_guarded(_status))

    merge = commands.add_parser("combine", help="merge results files, every row once")
    merge.add_argument("csv", nargs="+", metavar="CSV")
    merge.add_argument("--out", required=True, metavar="CSV", help="a new file")
    merge.set_defaults(call=_guarded(_combine))

    plot = commands.add_parser("plot", help="draw results")
    plot.add_argument("csv", nargs="+", metavar="CSV")
    plot.add_argument("--x", required=True, metavar="NAME", help="parameter, for example t2")
    plot.add_argument("--y", metavar="NAME", help="second parameter: draws a heat map")
    plot.add_argument("--group", metavar="NAME[,NAME]", help="one curve for each value")
    plot.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="use only these points; may be repeated",
    )
    plot.add_argument(
        "--value",
        default="auto",
        choices=VALUES,
        help="what to draw",
    )
    plot.add_argument(
        "--preset", action="append", default=[], metavar="DEVICE", help="mark a device"
    )
    plot.add_argument("--title")
    plot.add_argument("--out", required=True, metavar="FILE", help="picture: .png, .pdf, .svg")
    plot.set_defaults(call=_guarded(_plot))
    report = add_report(commands)
    report.set_defaults(call=_guarded(write_report))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``lava-sqs study`` with the arguments *argv* (None: those of the command line).

    Returns
    -------
    int
        The exit code.

    Examples
    --------
    >>> main(["status", "nowhere.csv"])
    2
    """
    top = argparse.ArgumentParser(prog="lava-sqs")
    add_parser(top.add_subparsers(dest="command", required=True))
    add_debug(top)
    given = list(sys.argv[1:] if argv is None else argv)
    return run("lava-sqs study", lambda: top.parse_args(["study", *given]), loading=argv is None)


def _say(message: str) -> None:
    say("lava-sqs study", message)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Print our warnings as lines without the source."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", StudyWarning)
        shown = warnings.showwarning

        def show(message: Any, category: Any, *rest: Any, **more: Any) -> None:
            if issubclass(category, StudyWarning):
                _say(str(message))
            else:
                shown(message, category, *rest, **more)

        warnings.showwarning = show
        yield


def _guarded(command: Any) -> Any:
    def guarded(args: argparse.Namespace) -> int:
        try:
            with _plain_warnings():
                return int(command(args))
        except StudyError as error:  # several lines
            _say(f"error: {error}")
            return FAILED
        except BrokenPipeError:
            raise
        except Exception as error:
            return answer("lava-sqs study: error", error, _OPTIONS, getattr(args, "debug", False))

    return guarded


def _run(args: argparse.Namespace) -> int:
    if args.workers is not None and args.workers < 1:
        raise ValueError(f"--workers must be at least 1, but got {args.workers}")
    check_writable(args.out)
    file = load_study(args.study)
    options = dict(file.options)
    if args.workers is not None:
        options["workers"] = args.workers
    if any(getattr(args, rule) is not None for rule in STOP_RULES):
        options = {key: value for key, value in options.items() if key not in STOP_RULES}
    for name in (*STOP_RULES, "timeout", "retries"):
        if getattr(args, name) is not None:
            options[name] = getattr(args, name)
    options["progress"] = progress_of(args)
    if args.dask is None:
        return _run_with(args, file, options)
    with _dask(args.dask) as client:
        if args.workers is None:
            options.pop("workers", None)  # all that the cluster has
        carry_module(args.study, file.study.task)
        return _run_with(args, file, {**options, "executor": client.get_executor()})


def _run_with(args: argparse.Namespace, file: StudyFile, options: dict[str, Any]) -> int:
    out = check_writable(args.out)
    before = _rows_in(out)
    try:
        result = file.study.run(out, **options)
    except KeyboardInterrupt as end:
        kept = _rows_in(out)
        how = "terminated" if isinstance(end, Terminated) else "interrupted"
        _say(
            f"{how}: {kept} rows are in {out} ({kept - before} new). The same command "
            "continues from there."
        )
        return INTERRUPTED
    except StudyError as error:
        if getattr(args, "debug", False):
            for point, cause in error.failures:
                _say(f"{point}:\n{traceback_of(cause)}")
        else:
            _say("add --debug to see the tracebacks.")
        _say(f"{_rows_in(out)} rows are in {out}; the same command tries the failed points again.")
        raise
    if args.volume >= 0:
        print(result)
    return DONE


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return DONE


@contextmanager
def _dask(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(
            "--dask needs Dask: install the extra `dask`, pip install 'lava-sqs[dask]'."
        ) from error
    try:
        client: Any = Client(address, timeout=DASK_TIMEOUT)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError) as error:
        raise ConnectionError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield client


def _rows_in(path: Path) -> int:
    if not path.exists():
        return 0
    return max(0, path.read_bytes().count(b"\n") - 1)


def _status(args: argparse.Namespace) -> int:
    result = StudyResult.load(*args.csv)
    if args.study is None:
        show_json({"points": _plain(result)}) if args.json else print(result)
        return DONE
    file = load_study(args.study)
    study = file.study
    stop = Stop(**{k: v for k, v in file.options.items() if k in Stop.__dataclass_fields__})
    states = states_of(study.task, study.points, result.rows, study.seed, stop)
    waiting = [s for s in states if not s.stopped_by]
    ours = {p.id for p in study.points}
    other = sum(1 for r in result.rows if r.point_id not in ours or r.seed != study.seed)
    if args.json:
        open_points = [{"parameters": dict(s.point.params), "batches": s.counted} for s in waiting]
        show_json(
            {
                "points": _plain(study.result(*args.csv)),
                "n_points": len(states),
                "n_done": len(states) - len(waiting),
                "open": open_points,
                "n_other_rows": other,
            }
        )
        return DONE
    print(study.result(*args.csv).table())
    print(f"{len(states) - len(waiting)} of {len(states)} points are done")
    for state in waiting[:20]:
        shots = state.counts.shots if state.counts else 0
        print(f"  open: {state.point}: {state.counted} batches, {shots} shots")
    if len(waiting) > 20:
        print(f"  ... and {len(waiting) - 20} more")
    if other:
        print(f"{other} rows are not of this study (other parameters, seed or version)")
    return DONE


def _plain(result: StudyResult) -> list[dict[str, Any]]:
    """Return what is known of each point, as plain data."""
    found = []
    for point in result:
        bounds = point.interval()
        found.append(
            {
                "task": point.task,
                "parameters": dict(point.params),
                "value": _number(point.value),
                "interval": [_number(bounds.low), _number(bounds.high)],
                "shots": point.counts.shots,
                "batches": point.batches,
                "seeds": list(point.seeds),
                "seconds": point.seconds,
                "version": point.version,
            }
        )
    return found


def _number(value: float) -> float | None:
    """Return a number, or None for what JSON has no word for."""
    return float(value) if math.isfinite(value) else None


def _combine(args: argparse.Namespace) -> int:
    total = sum(len(read_rows(path)) for path in args.csv)
    rows = combine(args.csv, args.out)
    print(
        f"{args.out}: {len(rows)} rows from {len(args.csv)} files ({total - len(rows)} duplicates)"
    )
    return DONE


def _plot(args: argparse.Namespace) -> int:
    from matplotlib.figure import Figure

    result = StudyResult.load(*args.csv)
    for given in args.select:
        name, sign, value = given.partition("=")
        if not sign:
            raise ValueError(f"--select must be NAME=VALUE, but got {given!r}")
        full = name if name in ("task", "version") else result.resolve(name)
        result = result.select(**{full.replace(".", "__"): decode(value)})
        if not len(result):
            raise ValueError(f"--select {given} leaves no point")
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    ax = figure.subplots()
    options: dict[str, Any] = {"value": args.value}
    if args.y is None:
        options["presets"] = args.preset
        options["group"] = args.group.split(",") if args.group else None
    result.plot(args.x, args.y, ax=ax, **options)
    if args.title:
        ax.set_title(args.title, pad=40 if args.preset else None)
    write_figure(args.out, figure, dpi=150)
    print(args.out)
    return DONE
