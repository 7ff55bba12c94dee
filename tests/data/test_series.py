"""Vowels and a laser."""

import numpy as np
import pytest

from lava_sqs.data import (
    Dataset,
    load_japanese_vowels,
    load_npz,
    load_santa_fe,
)
from lava_sqs.network import SQSNN


def test_vowels_as_published(tmp_path):
    def text(lengths):
        blocks = ["".join(f"{n}.{i} " * 12 + "\n" for i in range(n)) for n in lengths]
        return "\n".join(blocks) + "\n"

    (tmp_path / "ae.train").write_text(text([2, 3, 1]))
    (tmp_path / "size_ae.train").write_text("1 2\n")
    (tmp_path / "ae.test").write_text(text([4]))
    (tmp_path / "size_ae.test").write_text("0 1\n")
    data = load_japanese_vowels(tmp_path)
    assert data.x_train.shape == (3, 4, 12)
    assert data.y_train.tolist() == [0, 1, 1]
    assert data.y_test.tolist() == [1]
    np.testing.assert_allclose(data.x_train[1, :, 5], [3.0, 3.1, 3.2, 0])
    (tmp_path / "ae.test").write_text("1 2 x\n")
    with pytest.raises(ValueError, match=r"ae.test must hold utterances"):
        load_japanese_vowels(tmp_path)


def test_vowels_are_time_first(tmp_path):
    x = np.arange(2 * 12 * 29.0).reshape(2, 12, 29)
    Dataset(x, np.zeros(2), x, np.zeros(2), "").save(tmp_path / "v.npz")
    loaded = load_japanese_vowels(tmp_path / "v.npz")
    np.testing.assert_array_equal(loaded.x_train[1, 4], x[1, :, 4])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((12, 12), "which of the two axes is time is unclear"),
        ((29, 13), "they have none"),
        ((12,), "they have none"),
        ((12, 29, 2), "they have none"),
    ],
)
def test_what_are_no_vowels(tmp_path, shape, message):
    x = np.ones((2, *shape))
    Dataset(x, np.zeros(2), x, np.zeros(2), "").save(tmp_path / "v.npz")
    with pytest.raises(ValueError, match=rf"v.npz holds no data set. Samples must have.*{message}"):
        load_japanese_vowels(tmp_path / "v.npz")


@pytest.mark.parametrize("turn", [False, True])
def test_vowels_padded_with_nan_need_no_guess(tmp_path, turn):
    rng = np.random.default_rng(0)
    y, lengths = np.arange(12) % 2, np.arange(4, 16)
    x = rng.random((12, 15, 12)) * (np.arange(15) < lengths[:, None])[:, :, None]
    x[0, 1] = 0.0  # not at the end
    Dataset(*[x.swapaxes(1, 2) if turn else x, y] * 2, "x").save(tmp_path / "x.npz")
    zeros = load_japanese_vowels(tmp_path / "x.npz")
    nan = load_japanese_vowels(tmp_path / "x.npz", padding=np.nan)
    assert np.isnan(nan.x_train).all(axis=2).sum(axis=1).tolist() == (15 - lengths).tolist()
    np.testing.assert_array_equal(np.nan_to_num(nan.x_test), zeros.x_test)
    clf = SQSNN((), input_kind="sequence", channels_first=False, epochs=1, random_state=0)
    one = clf.fit(nan.x_train, y).predict_proba(nan.x_test)
    other = clf.fit(zeros.x_train, y, lengths=lengths).predict_proba(zeros.x_test, lengths=lengths)
    np.testing.assert_array_equal(one, other)
    nan.save(tmp_path / "nan.npz")
    np.testing.assert_array_equal(load_npz(tmp_path / "nan.npz").x_train, nan.x_train)
    with pytest.raises(ValueError, match="`padding` must be 0 or NaN"):
        load_japanese_vowels(tmp_path / "x.npz", padding=1.0)


@pytest.mark.parametrize("steps", [5, 29])
def test_the_axis_of_twelve_is_not_time(tmp_path, steps):
    x = np.arange(24.0 * steps).reshape(2, 12, steps)
    for stored in (x, x.swapaxes(1, 2)):
        Dataset(stored, np.zeros(2), stored, np.zeros(2), "").save(tmp_path / "v.npz")
        loaded = load_japanese_vowels(tmp_path / "v.npz")
        np.testing.assert_array_equal(loaded.x_train, x.swapaxes(1, 2))


def test_santa_fe_asks_what_comes_next(tmp_path):
    series = np.random.default_rng(0).integers(0, 255, 1200).astype(np.uint8)
    np.savez(tmp_path / "s.npz", series=series)
    data = load_santa_fe(tmp_path / "s.npz", window=4)
    assert data.x_train.shape == (996, 4, 1)
    np.testing.assert_array_equal(data.x_train[10, :, 0], series[10:14])
    assert data.y_train[10] == (series[14] > series[13])
    np.testing.assert_array_equal(data.x_test[0, :, 0], series[1000:1004])
