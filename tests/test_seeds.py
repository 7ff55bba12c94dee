"""One rule for seeds: which numbers come of which seed, and that nothing makes its own."""

import ast

import numpy as np
import pytest

from lava_sqs import _seeds
from lava_sqs.network import LIFNeuron, feed_forward
from lava_sqs.network.simulate import layer_seeds
from lava_sqs.quantum import Population, ansatz
from tools import house


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**70 + 3, [5, 2**31]])
def test_a_key_is_a_spawned_child(seed):
    for i, child in enumerate(np.random.SeedSequence(seed).spawn(3)):
        assert _seeds.stream(seed, i).random() == np.random.default_rng(child).random()
        grandchild = child.spawn(2)[1]
        assert _seeds.sequence(seed, i, 1).spawn_key == grandchild.spawn_key
    assert _seeds.stream(seed).random() == np.random.default_rng(seed).random()


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_layers_and_populations_draw_the_numbers_of_the_contract(seed):
    net = feed_forward(2, (3, 2), 1, LIFNeuron())
    children = np.random.SeedSequence(seed).spawn(3)
    assert layer_seeds(net, seed) == [int(c.generate_state(1, np.uint64)[0]) for c in children]
    pop = Population(ansatz.paper(), size=4, seed=seed)
    for_angles, for_outcomes = np.random.SeedSequence(seed).spawn(2)
    theta = np.random.default_rng(for_angles).uniform(-np.pi, np.pi, (4, 3))
    np.testing.assert_array_equal(pop.theta, theta)
    u = np.random.default_rng(for_outcomes).random((5, 4))
    z = np.full((5, 4), 0.5)
    given = Population(ansatz.paper(), theta, seed=0).run(z, uniforms=u)
    np.testing.assert_array_equal(pop.run(z).spikes, given.spikes)


@pytest.mark.parametrize("key", [(7, 0, 0), (7, 1, 12), (7, 2, 0)])
def test_streams_of_training_depend_on_nothing_before_them(key):
    ours, numpys = (
        _seeds.stream(3, *key),
        np.random.default_rng(np.random.SeedSequence(3, spawn_key=key)),
    )
    np.testing.assert_array_equal(ours.random(9), numpys.random(9))


def test_a_seed_that_is_drawn_has_64_bits_and_is_new():
    drawn = {_seeds.check_seed("seed", None) for _ in range(20)}
    assert len(drawn) == 20
    assert 2**60 < max(drawn) < 2**64


#: The contract of a neuron says it by itself: it must not share code with what it judges. The
#: trainer's streams are those of `_seeds.stream(seed, 7, purpose, epoch)`, see the test above.
LITERAL = {"lava_sqs._seeds", "lava_sqs.testing._laws"}


def test_nothing_else_makes_seeds():
    own = []
    for module, path in house.files().items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", "")
            if name in ("SeedSequence", "PCG64") and module not in LITERAL:
                own.append(f"{module}:{node.lineno}")
    assert not own
