"""The options of ``lava-sqs train``, made from the signature and the docstring of SQSNN."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lava_sqs.cli._common import DATA, add_json, add_noise, add_volume

#: What an argument is called on the command line, where that is not its own name.
NAMES = {
    "hidden_layer_sizes": "hidden",
    "ansatz": "circuit",
    "input_kind": "input",
    "n_steps": "steps",
    "n_population": "population",
    "n_draws": "draws",
    "n_iter_no_change": "patience",
}
#: Where the options stand in the help; those that no line names are about training.
GROUPS = {
    "data": ("input_kind", "encoder", "scaling", "n_steps", "n_population"),
    "network": (
        *("hidden_layer_sizes", "ansatz", "memory_qubits", "layers", "neuron", "shots"),
        *("skip", "recurrent", "neurons_per_class", "targets", "readout"),
    ),
}
#: Help where a sentence of the docstring would be about Python, or is about several arguments.
HELP = {
    "input_kind": "static: features or images, flattened; sequence: (n, T, channels) of values; "
    "spikes: (n, T, ...) of 0 and 1 (default: static for tables and for images of unsigned "
    "integers; for other arrays it must be given)",
    "encoder": "how values become inputs: rate, latency, population or current",
    "scaling": "how each feature is scaled by the training data: minmax, robust (between the "
    "whiskers of a box plot) or standard (2.5 standard deviations to either side of the mean)",
    "hidden_layer_sizes": "number of neurons of each hidden layer; without a number there is no "
    "hidden layer",
    "memory_qubits": "memory qubits per neuron (default: 1)",
    "layers": "layers of gates of the layered circuit (default: 1); or the hidden layers in "
    "order, for example 'SQSLayer(64, memory_qubits=2)' 'LIFLayer(32)'",
    "skip": "the input drives the first layer only, not also the visible one",
    "recurrent": "every neuron of a hidden layer hears all of its layer, one step later",
    "rule": "exact: exact local scores; window: the same, but synapses look only --window steps "
    "back, as in stock Lava; as-published: the rule of the paper's code",
    "targets": "one-hot: a neuron per class; pairs: a neuron per ordered pair of classes, which "
    "vote",
    "objective": "count: the network runs free and learns the class from its spike counts; "
    "likelihood: visible neurons are clamped to target trains (default: count)",
    "temperature": "divisor of the spike counts before the softmax",
    "credit": "what hidden neurons are told: aligned (the errors of the neurons that they drive, "
    "through feedback weights that learn), symmetric (through the weights themselves), feedback "
    "(the visible neurons' errors with random weights) or score (one number for all) (default: "
    "that of the objective)",
    "class_weight": "balanced: all classes are shown equally often",
    "readout_from": "share of a sample's steps that is left out before counting; learned: how "
    "much a spike counts is learned, depending on its time",
    "n_draws": "how often each input is shown at once",
    "epochs": "passes through the data (default: as many as make 1000 updates, 5 to 200)",
    "updates": "mini-batches to learn from, in whole epochs, instead of --epochs",
    "optimizer": "adam or sgd",
    "learning_rate": "size of a step of Adam, in units of current and radians (default: 0.02 for "
    "2000 updates, up to 0.05 for fewer)",
    "weight_decay": "share of all weights that is lost per update, divided by the learning rate",
    "log": "CSV file with a row per epoch",
    "batch_size": "samples per update",
    "dtype": "precision of training and inference: float32 or float64",
    "validation_fraction": "share of the training data that --early-stopping holds out",
    "n_iter_no_change": "epochs without progress after which --early-stopping ends the training",
    "checkpoint": "file written after every epoch; it is also a model",
    "resume": "continue from the checkpoint, if there is one",
}
#: Arguments that have other options, or none.
_APART = {
    *("self", "noise", "channels_first", "random_state", "verbose", "callbacks", "warm_start"),
    "augment",
}
_METAVARS = {"int": "N", "float": "X", "str": "KIND"}


class Parser(argparse.ArgumentParser):
    """A parser that gets its arguments when it is first used: other commands need not wait."""

    fill: Callable[[], None] | None = None

    def complete(self) -> None:
        """Get the arguments now."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill()

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        """Parse, with all arguments."""
        self.complete()
        return super().parse_known_args(*args, **kwargs)

    def print_help(self, file: Any = None) -> None:
        """Print the help. An error while writing is one: argparse would pass over it."""
        (sys.stdout if file is None else file).write(self.format_help())


def described(doc: str) -> dict[str, tuple[str, str]]:
    """Return type and description of each parameter of a numpydoc text.

    >>> described('''Do it.
    ...
    ... Parameters
    ... ----------
    ... a, b : int
    ...     Numbers. None is 1.
    ...
    ... Returns''')["b"]
    ('int', 'Numbers. None is 1.')
    """
    section = re.search(r"^Parameters\n-+\n(.*?)(?=\n\n\S|\Z)", doc, re.M | re.S)
    found = {}
    for entry in re.split(r"\n(?=\S)", section[1] if section else ""):
        head, _, text = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        for name in names.split(", "):
            found[name] = kind, " ".join(text.split())
    return found


def help_of(name: str, kind: str, text: str, default: Any) -> str:
    """Return the help of one option: what can be chosen, the first sentence, the default."""
    if name == "neuron":
        from lava_sqs.neurons import kind_of, kinds

        words = "one of " + "; ".join(f"{k}: {kind_of(k).summary}" for k in kinds())
    elif name == "ansatz":
        from lava_sqs.quantum.ansatz import NAMED

        words = " or ".join(NAMED)
    else:
        text = re.sub(r":\w+:`~?([^`]*)`|`+([^`]*)`+", lambda m: m[1] or m[2], text).replace(
            '"', ""
        )
        first = re.split(r"(?<=[a-z)\]])[.:](?: |$)|; None is ", text)[0].rstrip(".")
        if first[1:2].islower():  # a word, and no symbol such as T
            first = first[0].lower() + first[1:]
        choices = " or ".join(re.findall(r'"([\w-]+)"', kind))
        words = HELP.get(name) or ": ".join(filter(None, (choices, first)))
        unless = re.search(r"None is (.*?)(?:\.(?: |$)|$)", text)
        if default is None and unless and "(default" not in words:
            words += f" (default: {unless[1]})"
    if isinstance(default, tuple):
        default = " ".join(map(str, default))
    if default is not None and not isinstance(default, bool) and "(default" not in words:
        words += f" (default: {default})"
    return words.replace("%", "%%")


def _or_word(text: str) -> float | str:
    """Return a number, or the text that is not one."""
    try:
        return float(text)
    except ValueError:
        return text


def _add(group: Any, name: str, kind: str, default: Any, text: str) -> None:
    """Add the option of one argument, by its annotation."""
    option = NAMES.get(name, name).replace("_", "-")
    kind = kind.removesuffix(" | None")
    if kind == "bool":
        option, action = (f"no-{option}", "store_false") if default else (option, "store_true")
        group.add_argument(f"--{option}", dest=name, action=action, help=text)
        return
    more: dict[str, Any] = {"nargs": "*"} if kind.startswith("tuple") else {}
    if name == "layers":
        group.add_argument("--layers", nargs="+", metavar="LAYER", help=text)
        return
    number = "float" if "float" in kind else "int" if "int" in kind else "str"
    types: dict[str, Any] = {"float": float, "int": int, "str": str, "float | str": _or_word}
    more["type"] = types.get(kind, types[number])
    metavar = "FILE" if name in ("checkpoint", "log") else _METAVARS[number]
    group.add_argument(f"--{option}", dest=name, metavar=metavar, help=text, **more)


def add_options(group: Any, function: Callable[..., Any], names: tuple[str, ...]) -> None:
    """Add options for some arguments of a function, from its signature and docstring."""
    told = described(inspect.getdoc(function) or "")
    parameters = inspect.signature(function).parameters
    for name in names:
        parameter = parameters[name]
        text = help_of(name, *told[name], parameter.default)
        _add(group, name, str(parameter.annotation), parameter.default, text)


def fill_train(parser: Any, call: Callable[..., int]) -> None:
    """Add what ``train`` takes: the data, every argument of SQSNN, where the results go."""
    from lava_sqs.network import SQSNN

    parser.add_argument("data", metavar="DATA", help=DATA)
    groups = {title: parser.add_argument_group(title) for title in (*GROUPS, "training")}
    data = groups["data"]
    data.add_argument("--classes", nargs="+", metavar="LABEL", help="only these labels")
    data.add_argument(
        "--samples", type=int, metavar="N", help="number of training samples, drawn at random"
    )
    data.add_argument(
        "--test-samples", type=int, metavar="N", help="number of test samples, drawn at random"
    )
    layout = data.add_mutually_exclusive_group()
    layout.add_argument(
        "--channels-last",
        dest="channels_first",
        action="store_false",
        help="sequences are (n, T, channels), although they have fewer steps than channels",
    )
    layout.add_argument(
        "--channels-first",
        action="store_true",
        help="sequences and spikes are (n, channels, T), as in UCR and UEA archives",
    )
    add_noise(groups["network"], "none")
    where = {name: title for title, names in GROUPS.items() for name in names}
    for name in inspect.signature(SQSNN).parameters:
        if name not in _APART:
            add_options(groups[where.get(name, "training")], SQSNN, (name,))
    groups["training"].add_argument(
        "--seed",
        type=int,
        nargs="+",
        default=[0],
        metavar="N",
        help="one seed, one result; several seeds: one network each, and their spread (default: 0)",
    )
    out = parser.add_argument_group("results")
    out.add_argument("--out", type=Path, default=None, metavar="MODEL", help="file for the model")
    add_json(out)
    add_volume(parser)
    parser.set_defaults(json=False, volume=0)
    options = {a.dest: a.option_strings[-1] for a in parser._actions if a.option_strings}
    options |= {"random_state": "--seed", "name": "--noise", "data": "DATA"}
    parser.set_defaults(call=call, options=options)
