"""The optimizers against sequences worked out by hand."""

import numpy as np
import pytest

from lava_sqs.optimizers import Optimizer


def steps(optimizer, gradients, rate=0.1):
    return [optimizer.step("x", np.array([[float(g)]]), rate=rate)[0, 0] for g in gradients]


def test_adam_follows_the_sequence_computed_by_hand():
    # first moments .1, .09, -.119 over .1, .19, .271 ;
    # second moments .001, .000999, .004998001 over .001, .001999, .002997001
    want = [
        0.1 * 1.0 / (1.0 + 1e-8),
        0.1 * (0.09 / 0.19) / (np.sqrt(0.000999 / 0.001999) + 1e-8),
        0.1 * (-0.119 / 0.271) / (np.sqrt(0.004998001 / 0.002997001) + 1e-8),
    ]
    got = steps(Optimizer("adam"), [1, 0, -2])
    np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(got, [0.1, 0.0670058, -0.0340034], rtol=1e-5)


def test_momentum_sums_past_gradients():
    np.testing.assert_allclose(
        steps(Optimizer("sgd", momentum=0.5), [1, 1, -1]), [0.1, 0.15, -0.025]
    )
    np.testing.assert_allclose(steps(Optimizer("sgd"), [1, 1, -1]), [0.1, 0.1, -0.1])


def test_clipping_shortens_only_the_neurons_that_exceed_it():
    step = Optimizer("sgd", clip=1.0).step("x", np.array([[3.0, 4.0], [0.3, 0.4]]), rate=1.0)
    np.testing.assert_allclose(step, [[0.6, 0.8], [0.3, 0.4]])


def test_arrays_have_moments_of_their_own():
    mixed, alone = Optimizer("adam"), Optimizer("adam")
    for g in (1.0, -3.0, 2.0):
        mixed.step("other", np.array([[10.0]]), rate=0.1)
        assert mixed.step("x", np.array([[g]]), rate=0.1) == alone.step(
            "x", np.array([[g]]), rate=0.1
        )


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_a_saved_state_continues_as_if_nothing_had_happened(kind):
    whole, first = Optimizer(kind, momentum=0.9), Optimizer(kind, momentum=0.9)
    want = steps(whole, [1, 2, -1, 0.5])
    got = steps(first, [1, 2])
    second = Optimizer(kind, momentum=0.9)
    second.load(first.state())
    steps(first, [100])  # must not reach what was saved
    assert got + steps(second, [-1, 0.5]) == want


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (40, 33)])
def test_one_pass_makes_the_numbers_of_the_formula(shape, dtype):
    """To the last bit in double precision: learning in Lava has golden numbers."""
    rng, rate = np.random.default_rng(0), dtype(0.01)
    steps, places = Optimizer("adam"), Optimizer("adam")
    array = rng.normal(size=shape).astype(dtype)
    first = second = np.zeros(shape, dtype)
    b1, b2 = dtype(0.9), dtype(0.999)
    rest1, rest2 = dtype(1 - 0.9), dtype(1 - 0.999)
    for count in range(1, 12):
        g = rng.normal(size=shape).astype(dtype)
        first, second = b1 * first + rest1 * g, b2 * second + rest2 * g * g
        mean, spread = first / dtype(1 - 0.9**count), np.sqrt(second / dtype(1 - 0.999**count))
        want = rate * mean / (spread + dtype(1e-8))
        step = steps.step("x", g, rate=0.01)
        assert step.dtype == dtype
        before = array.copy()
        places.ascend("x", array, g, rate=0.01)
        if dtype is np.float64:
            np.testing.assert_array_equal(step, want)
            np.testing.assert_array_equal(array, before + want)
        np.testing.assert_allclose(step, want, rtol=1e-5)
        np.testing.assert_allclose(array, before + want, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_ascending_in_place_is_adding_the_step(kind):
    rng = np.random.default_rng(1)
    steps, places = Optimizer(kind, clip=0.5), Optimizer(kind, clip=0.5)
    wide = np.zeros((4, 6))
    array, other = wide[:, ::2], np.zeros((4, 3))  # of which one is not contiguous
    for _ in range(4):
        g = rng.normal(size=(4, 3))
        places.ascend("x", array, g, rate=0.1)
        other += steps.step("x", g, rate=0.1)
        np.testing.assert_array_equal(array, other)
