"""scikit-learn's own checks of the estimator."""

import os

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from lava_sqs.network import SQSNN, SQSNNRegressor

# What does not apply, and why.
EXCEPTIONS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight of 2 is a sample that is shown twice, in another order and with other random "
        "numbers than two equal samples"
    )
}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")


CHECKS = list(
    estimator_checks_generator(
        SQSNN(
            (),
            encoder="population",
            targets="pairs",
            n_steps=5,
            epochs=20,
            n_draws=2,
            learning_rate=0.05,
            random_state=0,
        )
    )
)

CHECKS += estimator_checks_generator(
    SQSNNRegressor((), n_steps=5, epochs=40, learning_rate=0.05, random_state=0)
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=[f"{type(e).__name__}-{c.func.__name__}" for e, c in CHECKS]
)
def test_scikit_learn_checks(estimator, check):
    if (name := check.func.__name__) in EXCEPTIONS:
        pytest.xfail(EXCEPTIONS[name])
    check(estimator)
