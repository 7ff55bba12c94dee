"""The confusion matrix."""

import numpy as np
import pytest

from lava_sqs.plot import confusion_matrix

COUNTS = [[5, 1, 0], [2, 4, 0], [0, 0, 0]]


def test_rows_are_true_and_columns_predicted():
    ax = confusion_matrix(COUNTS, labels=["a", "b", "c"])
    np.testing.assert_array_equal(ax.images[0].get_array(), COUNTS)
    numbers = {t.get_position(): t.get_text() for t in ax.texts}
    assert numbers[1, 0] == "1"  # column 1, row 0
    assert numbers[0, 1] == "2"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


def test_rows_can_be_shares():
    ax = confusion_matrix(COUNTS, normalize=True)
    np.testing.assert_allclose(ax.images[0].get_array()[1], [1 / 3, 2 / 3, 0])
    assert not np.asarray(ax.images[0].get_array())[2].any()  # a class without samples


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: confusion_matrix([[1, 2]]), r"`evaluation` must have shape \(n, n\)"),
        (lambda: confusion_matrix([[1, -2], [0, 1]]), "`evaluation` must hold counts"),
        (
            lambda: confusion_matrix(COUNTS, labels=["a"]),
            "`labels` must have one name for each of 3",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
