import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.study import Counts
from lava_sqs.study.counts import as_counts


@given(st.lists(st.lists(st.booleans(), min_size=1), min_size=1))
def test_shots_of_batches_add_up_to_those_of_one_batch(batches):
    total = Counts.of_shots(0, 0)
    for batch in batches:
        total += Counts.of_shots(len(batch), sum(batch))
    together = [x for batch in batches for x in batch]
    assert total == Counts.of_shots(len(together), sum(together))
    assert total.estimate == pytest.approx(np.mean(together))


@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_samples_add_up_sample_by_sample(n, repeats, seed):
    errors = np.random.default_rng(seed).integers(0, repeats + 1, (3, n))
    total = sum(
        (Counts.of_samples(e, repeats) for e in errors[1:]), Counts.of_samples(errors[0], repeats)
    )
    assert total.sample_errors == tuple(errors.sum(axis=0))
    assert (total.shots, total.repeats) == (3 * n * repeats, 3 * repeats)


def test_values_keep_mean_and_squares():
    total = Counts.of_values([1.0, 2.0]) + Counts.of_values([6.0])
    assert (total.shots, total.value_sum, total.value_sq) == (3, 9.0, 41.0)
    assert total.estimate == 3
    assert math.isnan(Counts.of_shots(0, 0).estimate)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Counts.of_shots(3, 4), "at most shots"),
        (lambda: Counts.of_samples([3, 0], repeats=2), "each from 0"),
        (lambda: Counts.of_samples([0.5]), "one per sample"),
        (lambda: Counts.of_values([np.nan]), "finite"),
        (lambda: Counts.of_shots(1, 0) + Counts.of_values([1]), "do not add up"),
        (lambda: Counts.of_samples([1]) + Counts.of_samples([1, 0]), "same test samples"),
        (lambda: Counts("coins", 1), "kind"),
    ],
)
def test_wrong_counts_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_tasks_may_return_dicts():
    assert as_counts({"shots": 5, "errors": 2}) == Counts.of_shots(5, 2)
    assert as_counts({"values": [1.5]}) == Counts.of_values([1.5])
    assert as_counts({"sample_errors": [1, 0], "repeats": 2}) == Counts.of_samples([1, 0], 2)
    with pytest.raises(TypeError, match="must return Counts"):
        as_counts(0.97)
