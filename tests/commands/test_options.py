"""The options of `lava-sqs train` are the arguments of SQSNN."""

import argparse
import inspect
import subprocess
import sys

import pytest

from lava_sqs.cli.options import _APART, HELP, NAMES, Parser, described, fill_train, help_of
from lava_sqs.network import SQSNN


@pytest.fixture(scope="module", name="train")
def _train():
    parser = Parser()
    fill_train(parser, print)
    return {a.dest: a for a in parser._actions}


def test_every_option_has_a_help_in_words(train):
    for name, parameter in inspect.signature(SQSNN).parameters.items():
        if name in _APART:
            continue
        text = train[name].help % {}
        assert 10 < len(text) < 300, name
        assert not set('`"') & set(text), text
        assert "None" not in text, text
        if parameter.default is not None and not isinstance(parameter.default, (bool, tuple)):
            assert f"(default: {parameter.default})" in text


def test_tables_name_arguments_that_there_are():
    known = set(inspect.signature(SQSNN).parameters)
    assert {*NAMES, *HELP} <= known
    assert _APART - {"self"} <= known
    assert set(described(inspect.getdoc(SQSNN))) >= known


@pytest.mark.parametrize(
    ("dest", "words", "value"),
    [
        ("hidden_layer_sizes", ["--hidden", "3", "4"], [3, 4]),
        ("hidden_layer_sizes", ["--hidden"], []),
        ("ansatz", ["--circuit", "paper"], "paper"),
        ("memory_qubits", ["--memory-qubits", "2"], 2),
        ("learning_rate", ["--learning-rate", "0.5"], 0.5),
        ("n_iter_no_change", ["--patience", "7"], 7),
        ("skip", ["--no-skip"], False),
        ("early_stopping", ["--early-stopping"], True),
        ("checkpoint", ["--checkpoint", "a.npz"], "a.npz"),
        ("channels_first", ["--channels-last"], False),
    ],
)
def test_values_are_of_the_annotated_type(dest, words, value):
    parser = Parser(argument_default=argparse.SUPPRESS)
    fill_train(parser, print)
    found = getattr(parser.parse_args(["digits", *words]), dest)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "default", "said"),
    [
        ("int", "Cost of it, in nats. More.", 3, "cost of it, in nats (default: 3)"),
        ('{"a", "b-c"}', "", "a", "a or b-c (default: a)"),
        ("float", "Of `x`; None is 0.3 of it.", None, "of x (default: 0.3 of it)"),
        ("int", "T, for 5 % of :class:`~a.B`.", True, "T, for 5 %% of a.B"),
    ],
)
def test_a_help_is_the_first_sentence_with_choices_and_default(kind, text, default, said):
    assert help_of("new", kind, text, default) == said


def test_other_commands_do_not_wait_for_it():
    code = (
        "import sys\n"
        "from lava_sqs.cli import build_parser\n"
        "build_parser().parse_args(['presets'])\n"
        "assert 'lava_sqs.network.estimator' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
