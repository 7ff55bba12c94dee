"""``lava-sqs train`` and ``lava-sqs evaluate``."""

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._errors import ArgumentValueError
from lava_sqs._files import check_writable
from lava_sqs._text import aligned
from lava_sqs._version import __version__
from lava_sqs.cli._common import (
    DATA,
    OF_MODEL,
    add_json,
    add_noise,
    draw,
    known_test_samples,
    load_data,
    noise_of,
    progress_of,
    shorten,
    show,
    show_json,
)
from lava_sqs.cli._guard import DONE, FAILED, INTERRUPTED
from lava_sqs.cli.options import fill_train

if TYPE_CHECKING:
    from lava_sqs.data import Dataset
    from lava_sqs.network import SQSNN, Evaluation


def add_parsers(commands: Any) -> None:
    """Add ``train`` and ``evaluate`` to the subcommands of ``lava-sqs``."""
    _add_train(commands)
    _add_evaluate(commands)


# -- train -----------------------------------------------------------------------------------------


def _add_train(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a network on your data, by local learning",
        description="Train a network of SQS neurons (or of a rival) by local rules, and test it.",
        # What is not given is left to SQSNN, so that both have the same defaults.
        argument_default=argparse.SUPPRESS,
    )
    parser.fill = partial(fill_train, parser, _train)  # only for this command: SQSNN takes a second


def _layers(texts: list[str]) -> Any:
    """Return a number of layers, or layers that are written out."""
    from lava_sqs.network.layers import from_text

    if len(texts) == 1 and re.fullmatch(r"[+-]?\d+", texts[0]):
        return int(texts[0])
    try:
        return [from_text(text) for text in texts]
    except ArgumentValueError as error:
        words = str(error).replace("Argument `text` must be one", "must be one number, or each one")
        raise ArgumentValueError("layers", words) from error


def _train(args: argparse.Namespace) -> int:
    from lava_sqs.network import SQSNN
    from lava_sqs.network.files import to_json

    given = {k: v for k, v in vars(args).items() if k in SQSNN._get_param_names()}
    asked = progress_of(args)
    given = {"verbose": sys.stderr.isatty() if asked is None else asked, **given, **noise_of(args)}
    for name, read in (("hidden_layer_sizes", tuple), ("layers", _layers)):
        if name in given:
            given[name] = read(given[name])
    for name, file in {"out": args.out, **given}.items():
        if name in ("out", "checkpoint", "log") and file is not None:
            check_writable(file, name)
            if len(args.seed) > 1:
                raise ValueError(f"--{name} holds one network: give one --seed with it.")
    data = _training_data(args)
    given["input_kind"] = _input_kind(data, given.get("input_kind"), given.get("channels_first"))
    runs: list[dict[str, Any]] = []
    interrupted = False
    for seed in args.seed:
        clf = SQSNN(**given, random_state=seed)
        start = time.perf_counter()
        clf.fit(data.x_train, data.y_train)
        seconds = time.perf_counter() - start
        interrupted = clf.interrupted_
        if interrupted and not clf.n_iter_:
            break  # nothing was learned yet
        if args.out is not None:
            clf.save(args.out)  # before anything else can be interrupted
        found = clf.evaluate(data.x_test, data.y_test)
        runs.append(
            {
                **_measured(clf, found),
                "seconds": seconds,
                "seed": clf.seed_,
                "epochs": clf.n_iter_,
                "interrupted": interrupted,
                "loss_curve": clf.loss_curve_,
                "accuracy_curve": clf.accuracy_curve_,
            }
        )
        if interrupted:
            break
        if len(args.seed) > 1 and not args.json and asked is not False:
            show([(f"seed {seed}", f"{_accuracy(runs[-1])}, {seconds:.1f} s")])
    if not runs:
        raise KeyboardInterrupt
    result = {
        "version": __version__,
        "data": data.source,
        "n_train": len(data.x_train),
        "input": clf.in_words(len(data.x_train)),
        "classes": clf.classes_.tolist(),
        "model": None if args.out is None else str(args.out),
        "arguments": {k: to_json(v) for k, v in clf.get_params().items() if k != "verbose"},
        **(runs[0] if len(args.seed) == 1 else _spread(runs)),
    }
    _show_training(args, clf, result)
    return INTERRUPTED if interrupted else DONE


def _show_training(args: argparse.Namespace, clf: SQSNN, result: dict[str, Any]) -> None:
    if args.json:
        show_json(result)
    elif args.volume >= 0:
        show(_rows_of_training(clf, result))


def _training_data(args: argparse.Namespace) -> Dataset:
    """Return the data that the options ask for; refuse what would fail only after the training."""
    data = load_data(args.data, getattr(args, "classes", None))
    train = draw(len(data.x_train), getattr(args, "samples", None), "--samples")
    test = draw(len(data.x_test), getattr(args, "test_samples", None), "--test-samples")
    data = type(data)(
        data.x_train[train], data.y_train[train], data.x_test[test], data.y_test[test], data.source
    )
    known, asked = set(data.y_train.tolist()), set(data.y_test.tolist())
    if asked - known:
        raise ValueError(
            f"The array y_test has the labels {shorten(sorted(asked - known))}, but y_train has "
            f"only {shorten(sorted(known))}: choose --classes that are in both."
        )
    return data


def _input_kind(data: Dataset, kind: str | None, channels_first: bool | None) -> str | None:
    """Return what the samples are; refuse to guess where more than one reading makes sense."""
    from lava_sqs.data.dataset import samples_in_words

    x = data.x_train
    shape = x.shape[1:]
    # (n, H, W), or (n, H, W, colours): what stores unsigned integers so is a picture.
    image = x.dtype.kind == "u" and (x.ndim == 3 or (x.ndim == 4 and shape[2] in (1, 3, 4)))
    if kind is None and (x.ndim == 2 or image):
        return "static"
    first = samples_in_words(len(x), shape, "sequence")
    turned = samples_in_words(len(x), shape[::-1], "sequence")
    if kind is None:
        other = f", with --channels-first: {turned}" if x.ndim == 3 else ""
        raise ValueError(
            f"--input must say what samples of shape {shape} ({x.dtype}) are: static ("
            f"{samples_in_words(len(x), shape, 'static')}), sequence or spikes ({first}{other})."
        )
    if kind == "sequence" and channels_first is None and x.ndim == 3 and shape[0] < shape[1]:
        raise ValueError(
            f"Samples of shape {shape} can be read as {first}, or as {turned}: say which, "
            "--channels-last or --channels-first."
        )
    return kind


def _measured(clf: SQSNN, found: Evaluation) -> dict[str, Any]:
    """Return what one evaluation says, as plain data."""
    truth = found.confusion.sum(axis=1)
    return {
        "test_accuracy": found.accuracy,
        "test_interval": list(found.interval),
        "test_interval_covers": found.covers,
        "majority_accuracy": float(truth.max() / truth.sum()),
        "n_test": found.n_samples,
        "n_repeats": found.n_repeats,
        "confusion": found.confusion.tolist(),
        "spikes_per_inference": found.spikes_per_inference,
        "n_parameters": clf.n_parameters_,
        "n_biases": clf.n_biases_,
    }


def _spread(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means over seeds, with the interval of the mean accuracy."""
    from lava_sqs.study import Counts, interval

    found = interval(Counts.of_values([run["test_accuracy"] for run in runs]))
    one = runs[0]
    same = ("majority_accuracy", "n_test", "n_repeats", "n_parameters", "n_biases")
    return {
        "test_accuracy": found.estimate,
        "test_interval": [found.low, found.high] if len(runs) > 1 else None,
        "test_interval_covers": f"95 % {found.method}, {found.covers}",
        **{key: one[key] for key in same},
        "spikes_per_inference": float(np.mean([run["spikes_per_inference"] for run in runs])),
        "seconds": sum(run["seconds"] for run in runs),
        "seed": [run["seed"] for run in runs],
        "interrupted": runs[-1]["interrupted"],
        "runs": runs,
    }


def _accuracy(result: dict[str, Any]) -> str:
    text = f"{result['test_accuracy']:.4f}"
    if result["test_interval"] is not None:
        text += " [{:.4f}, {:.4f}]".format(*result["test_interval"])
    return f"{text} ({result['test_interval_covers']})"


def _network_in_words(clf: SQSNN) -> str:
    spec = clf.spec_
    sizes = " -> ".join(str(n) for n in (spec.n_inputs, *(la.size for la in spec.layers)))
    skips = " with input skips" if len(spec.visible.others) > 1 else ""
    recurrent = ", recurrent" if any(la.recurrent for la in spec.layers) else ""
    kinds = dict.fromkeys(_in_words(la.neuron) for la in spec.layers)
    return f"{sizes}{skips}{recurrent}, {'; '.join(kinds)}"


def _in_words(neuron: Any) -> str:
    return str(neuron.in_words()) if hasattr(neuron, "in_words") else repr(neuron)


def _noise_in_words(noise: Any) -> str:
    from lava_sqs.quantum.noise.per_neuron import check_noise

    own = check_noise("noise", noise, None)
    return "none" if own is None else own.name or str(own)


def _rows_of_training(clf: SQSNN, result: dict[str, Any]) -> list[tuple[str, Any]]:
    epochs = [run["epochs"] for run in result.get("runs", [result])]
    together = f" for {len(epochs)} networks" if len(epochs) > 1 else ""
    stopped = ", interrupted: the best epoch is kept" if result["interrupted"] else ""
    rule = f"window (H = {clf.window})" if clf.rule == "window" else clf.rule
    return [
        (
            "data",
            f"{result['data']}: {result['n_train']} training and {result['n_test']} test samples, "
            f"{len(result['classes'])} classes ({shorten(result['classes'])})",
        ),
        (
            "input",
            f"{clf.in_words(result['n_train'])}; {_encoding(clf)}; scaling: {clf.scaling_}",
        ),
        ("network", _network_in_words(clf)),
        ("noise", _noise_in_words(clf.noise)),
        (
            "training",
            f"rule {rule}, {shorten(dict.fromkeys(epochs))} epochs, "
            f"{result['seconds']:.1f} s{together}{stopped}",
        ),
        *_rows(result),
        *([("model", result["model"])] if result["model"] else []),
    ]


def _encoding(clf: SQSNN) -> str:
    return f"{clf.steps_per_sample_} time steps per sample{_encoder(clf)}"


def _encoder(clf: SQSNN) -> str:
    return "" if clf.input_kind == "spikes" else f"; encoder {clf.encoder}"


def _rows(result: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the rows that training and evaluation have in common."""
    seeds = result["seed"]
    return [
        ("test accuracy", _accuracy(result)),
        ("for comparison", f"{result['majority_accuracy']:.4f}, always saying the commonest class"),
        ("spikes", f"{result['spikes_per_inference']:.1f} per inference"),
        (
            "parameters",
            f"{result['n_parameters']} weights and angles, {result['n_biases']} bias currents",
        ),
        ("seed", shorten(seeds) if isinstance(seeds, list) else seeds),
        ("version", result["version"]),
    ]


# -- evaluate --------------------------------------------------------------------------------------


def _add_evaluate(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="test a trained network, offline or inside Lava, with any noise",
        description="Test a trained network on the test part of a data set.",
    )
    parser.add_argument("model", metavar="MODEL", help="file of `lava-sqs train --out`")
    parser.add_argument("data", metavar="DATA", help=DATA)
    parser.add_argument(
        "--runtime",
        default="offline",
        metavar="WHERE",
        help="offline: batched; lava: inside Lava, and compared with offline (default: offline)",
    )
    add_noise(parser, "that of the training")
    parser.add_argument(
        "--repeats",
        dest="n_repeats",
        type=int,
        default=1,
        metavar="R",
        help="passes through the test samples, each with new randomness (default: 1)",
    )
    parser.add_argument(
        "--samples", type=int, metavar="N", help="number of test samples, drawn at random"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="(default: that of the training)")
    add_json(parser)
    options = {"n_repeats": "--repeats", "runtime": "--runtime", "seed": "--seed"}
    parser.set_defaults(call=_evaluate, options={**OF_MODEL, **options})


def _evaluate(args: argparse.Namespace) -> int:
    from lava_sqs.network import SQSNN

    clf = SQSNN.load(args.model)
    clf.verbose = sys.stderr.isatty()
    noise = noise_of(args)
    x, y, others = known_test_samples(clf, args.data)
    kept = draw(len(y), args.samples, "--samples")
    x, kept_y = x[kept], y[kept]
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input currents exceed 1")  # the models inherit it
        found = clf.evaluate(
            x,
            kept_y,
            n_repeats=args.n_repeats,
            seed=args.seed,
            runtime=args.runtime,
            **noise,
        )
    result = {
        "version": __version__,
        "model": args.model,
        "data": args.data,
        "input": clf.in_words(len(kept_y), n_steps=x.shape[2 if clf.channels_first else 1]),
        "classes": clf.classes_.tolist(),
        "runtime": args.runtime,
        "noise": _noise_in_words(noise.get("noise", clf.noise)),
        **_measured(clf, found),
        "n_other_labels": others,
        "seconds": time.perf_counter() - start,
        "seed": clf.seed_ if args.seed is None else args.seed,
        "same_spikes": found.same_spikes,
    }
    if args.json:
        show_json(result)
    else:
        show(_rows_of_evaluation(clf, result))
        print(f"\ntrue class (row), answer (column):\n{_table(result)}")
    return FAILED if found.same_spikes is False else DONE


def _rows_of_evaluation(clf: SQSNN, result: dict[str, Any]) -> list[tuple[str, Any]]:
    samples = f"{result['n_test']} test samples"
    if result["n_other_labels"]:
        samples += f" of classes that the model knows ({result['n_other_labels']} have others)"
    if result["n_repeats"] > 1:
        samples += f", {result['n_repeats']} times each"
    rows: list[tuple[str, Any]] = [
        ("model", f"{result['model']}: {_network_in_words(clf)}"),
        ("data", f"{result['data']}: {samples}"),
        ("input", f"{result['input']}{_encoder(clf)}"),
        ("noise", result["noise"]),
        ("runtime", f"{result['runtime']}, {result['seconds']:.1f} s"),
        *_rows(result),
    ]
    if result["same_spikes"] is not None:
        same = "the same" if result["same_spikes"] else "NOT the same"
        rows.append(("check", f"{same} spikes as offline with this seed"))
    return rows


def _table(result: dict[str, Any]) -> str:
    """Return the confusion matrix as text."""
    names = result["classes"]
    rows = [(name, *row) for name, row in zip(names, result["confusion"], strict=True)]
    return aligned([("", *names), *rows], ">", indent="  ")
