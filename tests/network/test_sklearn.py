"""scikit-learn's own checks of the estimator."""

import os

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from lava_sqs.network import SQSNN

# What does not apply, and why. At present: nothing.
EXCEPTIONS: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")


@parametrize_with_checks(
    [SQSNN((3,), encoder="current", n_steps=5, epochs=20, n_draws=2, random_state=0)],
    expected_failed_checks=lambda estimator: EXCEPTIONS,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
