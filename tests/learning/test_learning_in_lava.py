"""What the benchmark reports for ten seeds, for one: learning tasks inside Lava."""

import importlib
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def benchmark_module(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    return importlib.import_module("benchmarks.learning_in_lava")


@pytest.mark.parametrize("task", ["parity", "delay"])
def test_a_visible_neuron_solves_a_temporal_task(benchmark_module, task):
    solved, chance = 0.15, np.log(2)
    assert benchmark_module.learn_temporal(task, benchmark_module.ansatz.layered(), 0) < solved
    untrained = benchmark_module.learn_temporal(task, benchmark_module.ansatz.layered(), 0, 1)
    assert untrained > 0.9 * chance  # it was learned, not drawn


def test_the_paper_circuit_cannot_remember_its_input(benchmark_module):
    assert benchmark_module.learn_temporal("delay", benchmark_module.ansatz.paper(), 0) > 0.4


def test_two_layers_learn_what_a_lone_neuron_cannot(benchmark_module):
    task = "x(t-2) xor x(t-3)"
    floor = benchmark_module.one_layer_floor(task, 1)
    assert floor[0] > 0.45
    assert benchmark_module.learn_two_layers(task, 0) < 0.25
