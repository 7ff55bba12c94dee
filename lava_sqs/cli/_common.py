"""What commands share: exit codes, data by name, results as rows or as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._errors import renaming
from lava_sqs._text import aligned

if TYPE_CHECKING:
    from lava_sqs.data import Dataset
    from lava_sqs.network import SQSNN

BUNDLED = "digits"  # the data set that needs no file
DATA = f"an npz with x_train, y_train, x_test and y_test, or '{BUNDLED}' (bundled)"
NOISELESS = "none"
#: What users call the arguments of functions that take a model, data and a noise.
OF_MODEL = {"path": "MODEL", "data": "DATA", "noise": "--noise", "name": "--noise"}


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of a summary"
    )


def add_volume(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet`` and ``--verbose``: ``volume`` is -1, 1, or 0 without either."""
    volume = parser.add_mutually_exclusive_group()
    for flag, value, text in (
        ("quiet", -1, "print errors only, and what --json and --out ask for"),
        ("verbose", 1, "show progress even if standard error is not a terminal"),
    ):
        volume.add_argument(
            f"-{flag[0]}", f"--{flag}", dest="volume", action="store_const", const=value, help=text
        )
    parser.set_defaults(volume=0)


def progress_of(args: argparse.Namespace) -> bool | None:
    """Return whether progress is to be shown; None leaves it to the kind of standard error."""
    return None if not args.volume else args.volume > 0


def add_noise(parser: Any, default: str) -> None:
    """Add ``--noise``; *default* in words."""
    parser.add_argument(
        "--noise",
        metavar="PRESET",
        default=argparse.SUPPRESS,
        help=f"a device, see `lava-sqs presets`, or '{NOISELESS}' (default: {default})",
    )


def noise_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return ``noise`` as a keyword argument, or nothing if it was not given."""
    from lava_sqs.quantum import NoiseModel

    if not hasattr(args, "noise"):
        return {}
    return {"noise": None if args.noise == NOISELESS else NoiseModel.preset(args.noise)}


def load_data(name: str, classes: list[str] | None = None) -> Dataset:
    """Return the arrays of an npz, or the bundled digits; only the classes that are named."""
    from lava_sqs.data import load_digits, load_npz

    with renaming({"path": "data"}):
        data = load_digits() if name == BUNDLED and not Path(name).exists() else load_npz(name)
    return data if classes is None else data.classes(*_labels(classes, data))


def _labels(texts: list[str], data: Dataset) -> list[Any]:
    """Return the labels that *texts* mean: ``1`` may be 1, 1.0 or "1"."""
    labels = np.unique(data.y_train).tolist()
    known = {f"{v:g}" if isinstance(v, float) else str(v): v for v in labels}
    unknown = [t for t in texts if t not in known]
    if unknown:
        raise ValueError(
            f"--classes must be labels of the data, {shorten(known)}, but got {shorten(unknown)}."
        )
    if len(set(texts)) < 2:
        raise ValueError(f"--classes must be at least 2 different labels, but got {texts[0]}.")
    return [known[t] for t in texts]


def known_test_samples(clf: SQSNN, name: str) -> tuple[Any, Any, int]:
    """Return the test samples of classes that the network knows, and how many have others."""
    data = load_data(name)
    known, labels = set(clf.classes_.tolist()), data.y_test.tolist()
    if not known & set(labels):
        raise ValueError(
            f"The test labels of {name} are {shorten(sorted(set(labels)))}, but the model knows "
            f"{shorten(clf.classes_)}: it was trained on other data."
        )
    kept = np.flatnonzero([label in known for label in labels])
    return data.x_test[kept], data.y_test[kept], len(labels) - len(kept)


def draw(n: int, wanted: int | None, option: str) -> Any:
    """Return the indices of *wanted* of n samples, drawn without replacement, the same always."""
    if wanted is None:
        return slice(None)
    if not 1 <= wanted <= n:
        raise ValueError(f"{option} must be from 1 to {n}, all that exist, but got {wanted}.")
    return np.sort(np.random.default_rng(0).permutation(n)[:wanted])


def shorten(items: Iterable[Any], most: int = 12) -> str:
    """Return the first few of *items*, separated by commas."""
    texts = [str(item) for item in items]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if texts[most:] else "")


def show(rows: Iterable[tuple[str, Any]]) -> None:
    """Print aligned rows."""
    print(aligned((f"{key}:", value) for key, value in rows))


def show_json(result: dict[str, Any]) -> None:
    """Print one object and nothing else."""
    print(json.dumps(result, allow_nan=False))
