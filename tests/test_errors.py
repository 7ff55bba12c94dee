"""Errors about an argument: they carry its name, and survive what others do to them."""

import copy
import pickle

import pytest

from lava_sqs._errors import ArgumentError, ArgumentTypeError, ArgumentValueError
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


@pytest.mark.parametrize("kind", [ArgumentTypeError, ArgumentValueError])
def test_an_error_can_be_made_anew_from_its_text(kind):
    error = kind("size", "must be at least 1, but got 0.")
    again = type(error)(f"In file x: {error}")
    assert str(again) == "In file x: Argument `size` must be at least 1, but got 0."
    assert again.argument == ""
    assert str(pickle.loads(pickle.dumps(again))) == str(again)
