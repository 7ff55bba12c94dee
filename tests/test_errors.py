"""Errors about an argument: they carry its name, and survive what others do to them."""

import copy
import pickle

import pytest

from lava_sqs._errors import (
    ArgumentConnectionError,
    ArgumentError,
    ArgumentFileNotFoundError,
    ArgumentIsADirectoryError,
    ArgumentTypeError,
    ArgumentValueError,
    ParameterTypeError,
    ParameterValueError,
    renaming,
)
from lava_sqs.cli import main
from lava_sqs.cli._guard import in_words
from lava_sqs.quantum import NoiseModel, Population, ansatz


@pytest.mark.parametrize(
    ("make", "kind", "name"),
    [
        (lambda: Population(ansatz.paper(), size=0), ValueError, "size"),
        (lambda: Population(ansatz.paper(), size="two"), TypeError, "size"),
        (lambda: NoiseModel(t1=1e-4, t2=1e-4, p_reset=2.0), ValueError, "p_reset"),
    ],
)
def test_an_error_knows_its_argument(make, kind, name):
    with pytest.raises(kind) as caught:
        make()
    error = caught.value
    assert isinstance(error, ArgumentError)
    assert error.argument == name
    assert str(error).startswith(f"Argument `{name}` must be ")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(other), str(other), other.argument) == (type(error), str(error), name)


KINDS = [
    (ArgumentConnectionError, ConnectionError),
    (ArgumentFileNotFoundError, FileNotFoundError),
    (ArgumentIsADirectoryError, IsADirectoryError),
    (ArgumentTypeError, TypeError),
    (ArgumentValueError, ValueError),
    (ParameterTypeError, TypeError),
    (ParameterValueError, ValueError),
]


@pytest.mark.parametrize(("kind", "builtin"), KINDS)
def test_every_kind_carries_the_name_through_copies(kind, builtin):
    error = kind("size", "must be at least 1, but got 0.")
    assert isinstance(error, builtin)
    for other in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is kind
        assert str(other) == f"{kind.noun} `size` must be at least 1, but got 0."
        assert other.called("--size") == "--size must be at least 1, but got 0."
        assert getattr(other, "errno", None) is None
    with pytest.raises(kind) as caught, renaming({"size": "n"}):
        raise error
    assert (caught.value.argument, str(caught.value)) == ("n", str(error).replace("size", "n"))
    with pytest.raises(kind) as caught, renaming({"n": "size"}):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ArgumentValueError("n_steps", "is odd"), "--steps is odd"),
        (ArgumentFileNotFoundError("n_steps", "is odd"), "--steps is odd"),
        # Whatever the text is like: it is not read.
        (ArgumentValueError("n_steps", "and argument `seed`"), "--steps and argument `seed`"),
        (ArgumentValueError("other", "is odd"), "Argument `other` is odd"),
        (ValueError("Argument `seed` must be 1"), "Argument `seed` must be 1"),
        (ArgumentValueError("In a file: Argument `seed`"), "In a file: Argument `seed`"),
        (OSError(2, "No such file", "seed"), "No such file: seed"),
    ],
)
def test_the_command_line_asks_an_error_for_its_argument_and_never_its_text(error, said):
    assert in_words(error, {"n_steps": "--steps", "seed": "--seed"}) == said


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("evaluate no.npz digits", "MODEL must name a saved model of lava_sqs"),
        ("evaluate . digits", "MODEL must name a saved model of lava_sqs"),
        ("plot no.npz --out a.png", "MODEL must name a saved model of lava_sqs"),
        ("plot no.npz --out no/a.png", "--out must name a file in a folder that exists"),
        ("train no.npz", "DATA must name an npz file"),
        ("train digits --out no/a.npz", "--out must name a file in a folder that exists"),
        ("train digits --checkpoint no/a.npz", "--checkpoint must name a file in a folder"),
        ("train digits --checkpoint .", "--checkpoint must name a file, but"),
        ("data digits --out .", "--out must name a file, but . is a folder"),
        ("data usps --from no.npz --out a.npz", "--from must name an npz file"),
        ("study run a.toml --out no/a.csv", "--out must name a file in a folder that exists"),
    ],
)
def test_a_path_is_called_what_the_user_called_it(argv, said, tmp_path, monkeypatch, capsys):
    """Every function calls it `path`; no command has but one."""
    monkeypatch.chdir(tmp_path)
    assert main(argv.split()) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("kind", [kind for kind, _ in KINDS])
def test_an_error_can_be_made_anew_from_its_text(kind):
    error = kind("size", "must be at least 1, but got 0.")
    again = type(error)(f"In file x: {error}")
    assert str(again) == f"In file x: {kind.noun} `size` must be at least 1, but got 0."
    assert again.argument == ""
    assert str(pickle.loads(pickle.dumps(again))) == str(again)
