"""Currents beyond a full flip: one class of warning, which points at the user's line."""

import inspect
import warnings

import numpy as np
import pytest

from lava_sqs import QLIF, SQS
from lava_sqs.network import LIFNeuron
from lava_sqs.network.simulate import LayerTrace
from lava_sqs.quantum import Population, WrapWarning, ansatz

ZEROS = np.zeros(3)


def _population(**options):
    return Population(ansatz.paper(), ZEROS, size=2, seed=0, **options)


WAYS = {
    "step": lambda: _population().step([1.5, 0.5]),
    "run": lambda: _population().run([[0.5, 0.5], [0.5, 1.5]], record=()),
    "literal": lambda: _population(backend="qutip").step([0.5, 2.0]),
    "trajectory": lambda: _population(backend="trajectory", batch=2).step([[0.5, 2.0]] * 2),
    "bias of SQS": lambda: SQS(shape=(2,), bias=[0.5, 1.5]),
    "bias of a copy": lambda: SQS(shape=(2,)).replace(bias=1.5),
    "bias of QLIF": lambda: QLIF(shape=(2,), bias=0.75, gain=2.0),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_warning_is_of_one_class_and_points_at_the_users_line(way):
    with pytest.warns(WrapWarning, match="wraps") as caught:
        WAYS[way]()
    lines, first = inspect.getsourcelines(WAYS[way])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert first <= caught[0].lineno < first + len(lines)


@pytest.mark.parametrize("z", [[1.0, 1.0], [-5.0, 0.0]])
def test_a_full_flip_is_no_wrap(z):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pop = _population()
        pop.step(z)
        SQS(shape=(2,), bias=z)
    assert pop.wraps == 0


def test_populations_and_layers_count_alike():
    z = np.array([[0.5, 1.0], [1.0001, 3.0], [-2.0, 1.5]])
    pop = _population()
    with pytest.warns(WrapWarning, match="3 input currents"):
        pop.run(z)
    out = LIFNeuron().run(np.zeros((2, 3)), z[:, None], np.zeros((3, 1, 2)))
    assert pop.wraps == LayerTrace({}, z[:, None], out).wraps == 3
