"""Loaders: files read without pickle, formats decoded, clear words when something lacks."""

import urllib.error

import numpy as np
import pytest

from lava_sqs.data import (
    Dataset,
    bin_events,
    load_digits,
    load_japanese_vowels,
    load_mnist,
    load_nmnist,
    load_npz,
    load_santa_fe,
    load_usps,
    read_nmnist_events,
)


def small(n=4):
    return Dataset(np.zeros((n, 3)), np.arange(n) % 2, np.ones((2, 3)), np.array([0, 1]), "small")


def test_npz_and_back(tmp_path):
    path = tmp_path / "data.npz"
    small().save(path)
    loaded = load_usps(path)
    np.testing.assert_array_equal(loaded.x_test, 1)
    assert loaded.source == "data.npz"


def test_bad_files_are_named(tmp_path):
    path = tmp_path / "data.npz"
    with pytest.raises(FileNotFoundError, match="must name an npz file"):
        load_npz(path)
    path.write_bytes(b"no zip at all")
    with pytest.raises(ValueError, match="damaged or not an npz file"):
        load_npz(path)
    np.savez(path, x_train=np.zeros(2))
    with pytest.raises(ValueError, match="lacks y_train, x_test, y_test; it has x_train"):
        load_npz(path)
    pickled = np.array([{}], dtype=object)
    np.savez(path, x_train=pickled, y_train=pickled, x_test=pickled, y_test=pickled)
    with pytest.raises(ValueError, match=r"x_train of .* holds pickled Python objects"):
        load_npz(path)


def test_classes():
    data = small().classes(1)
    assert data.y_train.tolist() == [1, 1]
    assert data.x_test.shape == (1, 3)
    with pytest.raises(ValueError, match=r"\[7\] do not; there are \[0, 1\]"):
        small().classes(0, 7)

    train_only = Dataset(np.zeros((2, 1)), np.array([0, 1]), np.zeros((1, 1)), np.array([0]), "x")
    with pytest.raises(ValueError, match=r"test data too, but none of \[1\]"):
        train_only.classes(1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_train": np.zeros((4, 2))}, r"samples of one shape, but have \(2,\) and \(3,\)"),
        ({"x_test": np.array([[0, 1, np.nan], [0, 0, 0]])}, r"`x_test` must be finite.*\(0, 2\)"),
        ({"y_train": np.array([0, np.inf, 1, 0])}, "`y_train` must be finite"),
        (
            {"x_test": np.zeros((0, 3)), "y_test": np.zeros(0)},
            "x_test and y_test must hold samples",
        ),
        ({"x_train": np.zeros(4)}, "one row and one label per sample"),
        ({"x_train": np.array([["a", "b", "c"]] * 4)}, "must hold numbers, .* have dtypes <U1"),
        ({"x_train": np.zeros((4, 3), complex)}, "have dtypes complex128"),
        ({"y_test": np.array(["2026-01-01"] * 2, "M8[D]")}, "have dtypes float64 and datetime64"),
    ],
)
def test_data_that_no_network_can_use(changed, message):
    arrays = {k: getattr(small(), k) for k in ("x_train", "y_train", "x_test", "y_test")}
    with pytest.raises((TypeError, ValueError), match=message):
        Dataset(**{**arrays, **changed}, source="x")


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="one row and one label per sample"):
        Dataset(np.zeros((2, 1)), np.zeros(3), np.zeros((1, 1)), np.zeros(1), "x")


def test_digits_are_images_of_their_type():
    data = load_digits(seed=1)
    assert data.x_train.dtype == np.uint8
    assert data.x_train.max() == 255
    assert len(data.x_train) + len(data.x_test) == 1797
    np.testing.assert_array_equal(data.y_test, load_digits(seed=1).y_test)
    assert (data.y_test != load_digits(seed=2).y_test).any()


def test_openml_is_translated(monkeypatch):
    def fetch(data_id, **_):
        n = {41082: 7291 + 2, 554: 60001}[data_id]
        size = {41082: 256, 554: 784}[data_id]
        return np.full((n, size), 1.0), np.array(["1"] * n)

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    usps = load_usps()
    assert usps.x_train.shape == (7291, 16, 16)
    assert usps.x_test.shape == (2, 16, 16)
    assert usps.x_train.max() == 255
    assert set(usps.y_train) == {0}
    assert load_mnist().x_test.shape == (1, 28, 28)


def test_without_a_network_it_says_what_to_do(monkeypatch):
    def fetch(**_):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(
        ConnectionError, match=r"USPS could not be fetched .*: no route. .* argument `path`"
    ):
        load_usps()


def events_file(path, events):
    """Write (x, y, polarity, t) as N-MNIST does."""
    rows = [[x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255] for x, y, p, t in events]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.array(rows, dtype=np.uint8).tobytes())


def test_nmnist_events_and_bins(tmp_path):
    events = [(3, 5, 1, 70000), (33, 0, 0, 9999), (33, 0, 0, 10000), (1, 1, 0, 5_000_000)]
    for part in ("Train", "Test"):
        events_file(tmp_path / part / "7" / "00001.bin", events)
    x, y, p, t = read_nmnist_events(tmp_path / "Train" / "7" / "00001.bin")
    assert list(zip(x, y, p, t, strict=True)) == events
    counts = bin_events(x, y, p, t, n_steps=8)
    assert counts.sum() == 3
    assert counts[7, 1, 5, 3] == counts[0, 0, 0, 33] == counts[1, 0, 0, 33] == 1
    data = load_nmnist(tmp_path, n_steps=8)
    assert data.x_train.shape == (1, 8, 2, 34, 34)
    assert data.y_test.tolist() == [7]
    with pytest.raises(FileNotFoundError, match="Train/0"):
        load_nmnist(tmp_path / "Train")


def test_events_are_summed(tmp_path):
    events = [(0, 0, 0, 100), (1, 1, 0, 11_000), (2, 33, 1, 25_000)]
    for part in ("Train", "Test"):
        events_file(tmp_path / part / "7" / "00001.bin", events)
    data = load_nmnist(tmp_path, n_steps=5, merge=2, pool=3)
    assert data.x_train.shape == (1, 2, 2, 12, 12)  # 34 pixels padded by one on both sides
    x = data.x_train[0]
    assert (x[0, 0, 0, 0], x[1, 1, 11, 1], x.sum()) == (2, 1, 3)
    data.save(tmp_path / "n.npz")
    np.testing.assert_array_equal(load_nmnist(tmp_path / "n.npz").x_test, data.x_test)
    with pytest.raises(ValueError, match="`time` must be at most 2, all bins, but got 3"):
        load_nmnist(tmp_path / "n.npz", merge=3)


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
        ((12, 12), "which of the two is time cannot be told"),
        ((29, 13), "they have none"),
        ((12,), "they have none"),
        ((12, 29, 2), "they have none"),
    ],
)
def test_what_are_no_vowels(tmp_path, shape, message):
    x = np.ones((2, *shape))
    Dataset(x, np.zeros(2), x, np.zeros(2), "").save(tmp_path / "v.npz")
    with pytest.raises(ValueError, match=rf"v.npz must hold samples with one axis.*{message}"):
        load_japanese_vowels(tmp_path / "v.npz")


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
