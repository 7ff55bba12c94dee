"""The command line: parse, call, print."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal itself takes milliseconds

# Until main() can answer it, Ctrl-C ends the process without a traceback.
try:
    _before = _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
except ValueError:  # imported in a thread
    _before = None

from typing import TYPE_CHECKING

from lava_sqs.cli._guard import DONE, FAILED, add_debug, run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["build_parser", "main"]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of ``lava-sqs``.

    Returns
    -------
    argparse.ArgumentParser
        With the function that runs a command as ``call``.

    Examples
    --------
    >>> build_parser().parse_args(["demo", "--seed", "3"]).seed
    3
    """
    from pathlib import Path

    from lava_sqs._version import __version__
    from lava_sqs.cli.options import Parser

    parser = Parser(
        prog="lava-sqs", description="Stochastic quantum spiking neurons for Intel Lava."
    )
    parser.add_argument("--version", action="version", version=f"lava-sqs {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    parser.set_defaults(call=lambda args: _help(parser))

    demo = commands.add_parser(
        "demo",
        help="learn handwritten digits, run the network in Lava, draw what happened",
        description="Learn handwritten digits with 64 noisy SQS neurons, run the network in Lava, "
        "check it against QuTiP and draw what happened.",
    )
    demo.add_argument("--seed", type=int, default=0, help="one seed, one result (default: 0)")
    demo.add_argument(
        "--backend",
        choices=("instrument", "qutip"),
        help="engine of the neurons inside Lava (default: instrument)",
    )
    demo.add_argument(
        "--out", type=Path, default=Path("demo"), metavar="DIR", help="where the picture goes"
    )
    demo.add_argument("--no-plot", action="store_true", help="print only")
    demo.add_argument(
        "--live",
        action="store_true",
        help="show spikes, rates and purities while the network runs in Lava, on 400 digits",
    )
    demo.set_defaults(call=_demo)

    from lava_sqs.cli import completion, data, models, plot
    from lava_sqs.cli._common import add_json
    from lava_sqs.cli.study import add_parser as add_study

    models.add_parsers(commands)
    data.add_parser(commands)
    plot.add_parser(commands)
    add_study(commands)

    presets = commands.add_parser("presets", help="list the noise models of real devices")
    add_json(presets)
    presets.set_defaults(call=_presets)
    completion.add_parser(commands, parser)
    add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``lava-sqs``.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; None takes those of the command line.

    Returns
    -------
    int
        Exit code: 0 done, 1 failed, 2 usage; 128 and the number of a signal that ended it: 130 for
        Ctrl-C, 143 for SIGTERM, 141 if nobody read what was printed.

    Examples
    --------
    >>> main(["presets"])  # doctest: +ELLIPSIS
    ibm_brisbane
      ibm_brisbane: t1 232 us, t2 150 us, ...
    """
    return run("lava-sqs", lambda: build_parser().parse_args(argv), loading=argv is None)


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return DONE


def _demo(args: argparse.Namespace) -> int:
    import time

    from lava_sqs.demo import draw, run_demo

    start = time.perf_counter()
    result = run_demo(args.seed, backend=args.backend, live=args.live)
    print(result)
    if not args.no_plot:
        path = args.out / "demo.png"
        draw(result, path)
        print(f"{'picture:':<10}{path}")
    print(f"{'time:':<10}{time.perf_counter() - start:.0f} s")
    return DONE if result.agrees else FAILED


def _presets(args: argparse.Namespace) -> int:
    from lava_sqs.cli._common import show_json
    from lava_sqs.quantum import NoiseModel

    models = {**NoiseModel.presets(), **NoiseModel.snapshots()}
    if args.json:
        show_json({name: model.to_dict() for name, model in models.items()})
        return DONE
    for name, model in models.items():
        print(f"{name}\n  {model}\n  {model.source}")
    return DONE


if _before is not None:
    _signal.signal(_signal.SIGINT, _before)
