"""``lava-sqs study report``: a study as one HTML file."""

from __future__ import annotations

import argparse
from typing import Any

from lava_sqs.study.curves import VALUES
from lava_sqs.study.loader import load_study
from lava_sqs.study.plan import Stop
from lava_sqs.study.result import StudyResult

__all__: list[str] = []


def add_report(commands: Any) -> argparse.ArgumentParser:
    """Add ``report`` to the subcommands of ``lava-sqs study``; return its parser.

    Returns
    -------
    ArgumentParser
    """
    report: argparse.ArgumentParser = commands.add_parser(
        "report",
        help="write figures, table, settings, seeds and versions into one HTML file",
        description="Write a study into one HTML file that can be sent. It needs no other file.",
    )
    report.add_argument("csv", nargs="+", metavar="CSV")
    report.add_argument(
        "--study", metavar="STUDY.toml", help="the study: then the page says what is missing"
    )
    report.add_argument("--x", metavar="NAME", help="parameter to draw against (default: chosen)")
    report.add_argument("--group", metavar="NAME[,NAME]", help="one curve for each value")
    report.add_argument("--value", default="auto", choices=VALUES, help="what to draw")
    report.add_argument(
        "--preset", action="append", default=[], metavar="DEVICE", help="mark a device"
    )
    report.add_argument("--title")
    report.add_argument("--out", required=True, metavar="FILE", help="the page: .html")
    return report


def write_report(args: argparse.Namespace) -> int:
    """Write the page, and print its name.

    Returns
    -------
    int
        The exit code, 0.
    """
    study, stop, result = None, None, StudyResult.load(*args.csv)
    if args.study is not None:
        file = load_study(args.study)
        study = file.study
        rules = Stop.__dataclass_fields__
        stop = Stop(**{key: value for key, value in file.options.items() if key in rules})
        result = study.result(*args.csv)
    print(
        result.report(
            args.out,
            study=study,
            stop=stop,
            x=args.x,
            group=args.group.split(",") if args.group else None,
            value=args.value,
            presets=args.preset,
            title=args.title,
        )
    )
    return 0
