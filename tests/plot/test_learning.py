"""Kernels and learning curves."""

import numpy as np
import pytest

from lava_sqs.network import SQSNN, SQSNNRegressor
from lava_sqs.plot import learning_curve, sensitivity_kernel
from lava_sqs.quantum import OnlineScores, ansatz
from lava_sqs.quantum.program import compile_program


def test_one_kernel_keeps_its_signs():
    ax = sensitivity_kernel([0.8, -0.4, 0.1])
    assert ax.lines[-1].get_ydata().tolist() == [0.8, -0.4, 0.1]
    assert ax.get_xlabel() == "lag h (steps)"
    assert ax.get_yscale() == "linear"


def test_many_kernels_are_their_size():
    kappa = np.random.default_rng(0).normal(size=(7, 5, 4)) * 0.5 ** np.arange(4)
    ax = sensitivity_kernel(kappa)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.sqrt((kappa**2).mean(axis=(0, 1))))
    assert ax.get_yscale() == "log"
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(np.quantile(np.abs(kappa[..., 0]), 0.9))


def test_online_scores_are_taken():
    circuit = ansatz.layered()
    theta = np.random.default_rng(1).uniform(-3, 3, (6, 8))
    scores = OnlineScores(compile_program(circuit, None), theta, size=6, window=3)
    for _ in range(5):
        scores.step(np.full((6, 1), 0.5), np.ones((6, 1), int))
    ax = sensitivity_kernel(scores)
    np.testing.assert_allclose(
        ax.lines[0].get_ydata(), np.sqrt((scores.kappa**2).mean(axis=(0, 2)))
    )


def test_curves_of_several_seeds_are_a_median_and_their_range():
    curves = [[0.7, 0.6], [0.5, 0.1], [0.6, 0.2]]
    ax = learning_curve(curves, chance=0.69, value="loss", label="here")
    assert ax.lines[0].get_ydata().tolist() == [0.6, 0.2]
    assert ax.lines[0].get_xdata().tolist() == [1, 2]
    assert ax.lines[1].get_ydata() == [0.69, 0.69]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.1, 0.7)
    single = learning_curve([0.7, 0.6], value="accuracy", linestyle="--")
    assert not single.collections
    assert single.lines[0].get_linestyle() == "--"
    assert single.get_ylabel() == "accuracy"


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: sensitivity_kernel(3.0), ValueError, r"`kappa` must have shape \(..., H \+ 1\)"),
        (lambda: sensitivity_kernel(np.zeros((0, 3))), ValueError, "`kappa`.*no empty axis"),
        (lambda: sensitivity_kernel([np.nan]), ValueError, "`kappa` must be finite"),
        (lambda: learning_curve([]), ValueError, r"`curves` must have shape \(E,\)"),
        (lambda: learning_curve(np.zeros((2, 2, 2))), ValueError, "`curves` must have shape"),
        (lambda: learning_curve("loss"), TypeError, "`curves` must hold real numbers"),
        (lambda: learning_curve([1.0], value="error"), ValueError, "`value` must be one of"),
        (lambda: learning_curve([1.0], chance="0.5"), TypeError, "`chance` must hold real"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    ("net", "loss", "score"),
    [
        (SQSNN((), epochs=2, n_steps=2), "nats per sample", "accuracy"),
        (SQSNN((), epochs=2, n_steps=2, objective="likelihood"), "nats per neuron", "accuracy"),
        (SQSNNRegressor((), epochs=2, n_steps=2), "variances of the targets", "R²"),
    ],
)
def test_curves_of_networks_are_called_what_they_are(net, loss, score):
    x = np.random.default_rng(0).random((20, 2))
    net.fit(x, np.arange(20) % 2)
    assert loss in learning_curve(net).get_ylabel()
    for value in ("score", "accuracy"):
        ax = learning_curve([net, net], value=value)
        assert ax.get_ylabel() == score
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), net.accuracy_curve_)
    assert learning_curve([0.5, 0.4], value="score").get_ylabel() == "score"
    assert learning_curve([0.5, 0.4]).get_ylabel() == "loss"


def test_networks_that_learn_different_things_are_not_one_curve():
    x = np.random.default_rng(0).random((20, 2))
    nets = [k((), epochs=2, n_steps=2).fit(x, np.arange(20) % 2) for k in (SQSNN, SQSNNRegressor)]
    with pytest.raises(ValueError, match="`curves` must have networks of one kind"):
        learning_curve(nets)
