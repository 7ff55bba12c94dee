"""``lava-sqs data``: public data sets as one npz."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lava_sqs._files import check_writable
from lava_sqs._text import aligned
from lava_sqs.cli._guard import DONE

if TYPE_CHECKING:
    from lava_sqs.data import Dataset


#: What `--from` must name, for data sets that are not fetched; and what each is.
SETS = {
    "digits": ("", "8x8 images, bundled with scikit-learn"),
    "usps": ("", "16x16 images, from OpenML"),
    "mnist": ("", "28x28 images, from OpenML"),
    "nmnist": (
        "the unpacked N-MNIST, with folders Train/0 .. Test/9 of .bin files",
        "events of a camera, from your own folder",
    ),
    "japanese-vowels": (
        "the folder with ae.train, ae.test, size_ae.train and size_ae.test, or an npz",
        "sequences of 12 values, from your own folder",
    ),
    "santa-fe": (
        "an npz with the array `series`",
        "a chaotic series: does it rise next? From your own file",
    ),
}
SEQUENCES = {"nmnist", "japanese-vowels", "santa-fe"}


def _loaded(args: argparse.Namespace) -> Dataset:
    from lava_sqs import data

    options: dict[str, Any] = {}
    if args.name == "nmnist":
        options = {"n_train": args.train, "n_test": args.test, "n_steps": args.steps}
        options |= {"step_us": args.step_ms * 1e3, "merge": args.merge, "pool": args.pool}
    elif args.name in ("usps", "mnist"):
        options = {"cache": args.cache}
    wanted, _ = SETS[args.name]
    if wanted and args.source is None:
        raise ValueError(f"--from must name {wanted}: this data set is not fetched.")
    source = () if args.name == "digits" else (args.source,)
    loader = getattr(data, f"load_{args.name.replace('-', '_')}")
    found: Dataset = loader(*source, **options)
    return found


def add_parser(commands: Any) -> None:
    """Add ``data`` to the subcommands of ``lava-sqs``."""
    parser = commands.add_parser(
        "data",
        help="fetch or convert a public data set into one npz",
        description="Write a public data set as one npz with x_train, y_train, x_test and y_test.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=aligned(((name, text) for name, (_, text) in SETS.items()), indent="  "),
    )
    parser.add_argument("name", choices=SETS, metavar="NAME", help=", ".join(SETS))
    parser.add_argument("--out", type=Path, required=True, metavar="NPZ", help="file to write")
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="PATH",
        help="a copy of the data on this machine, instead of a download",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where downloads are kept (scikit-learn's default)",
    )
    events = parser.add_argument_group("nmnist")
    events.add_argument("--train", type=int, metavar="N", help="training samples (default: all)")
    events.add_argument("--test", type=int, metavar="N", help="test samples (default: all)")
    events.add_argument("--steps", type=int, default=32, metavar="T", help="bins (default: 32)")
    events.add_argument(
        "--step-ms", type=float, default=10.0, metavar="MS", help="length of a bin (default: 10)"
    )
    events.add_argument("--merge", type=int, default=1, metavar="N", help="N bins become one")
    events.add_argument("--pool", type=int, default=1, metavar="N", help="NxN pixels become one")
    options = {"path": "--from", "n_steps": "--steps", "step_us": "--step-ms"}
    options |= {"time": "--merge", "space": "--pool", "n_train": "--train", "n_test": "--test"}
    parser.set_defaults(call=_data, options=options)


def _data(args: argparse.Namespace) -> int:
    from lava_sqs.data.dataset import samples_in_words

    check_writable(args.out, "out")
    data = _loaded(args)
    data.save(args.out)
    print(data)
    if args.name in SEQUENCES:
        shape = data.x_train.shape[1:]
        print(f"training: {samples_in_words(len(data.x_train), shape, 'sequence')}")
    print(args.out)
    return DONE
