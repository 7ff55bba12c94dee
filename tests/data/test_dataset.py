"""Loaders: files read without pickle, formats decoded, clear words when something lacks."""

import bz2
import gzip
import io
import lzma
import pickle
import re
import tarfile
import tracemalloc
import urllib.error
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.base import clone

from lava_sqs.data import (
    Dataset,
    load_digits,
    load_japanese_vowels,
    load_mnist,
    load_nmnist,
    load_npz,
    load_santa_fe,
    load_usps,
    read_nmnist_events,
)
from lava_sqs.network import SQSNN


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
        ConnectionError, match=r"Argument `path` .* USPS could not be fetched .*: no route"
    ):
        load_usps()


def aedat(version, n):
    """An AEDAT recording that is n bytes long."""
    head = f"#!AER-DAT{version}\r\n# This is a raw AE data file - do not edit\r\n".encode()
    return (head + bytes(range(256)) * n)[:n]


def other_files(folder):
    """Write files of other kinds, all a multiple of 5 bytes long."""
    idx = b"\0\0\x08\x03" + b"".join(k.to_bytes(4, "big") for k in (3, 8, 1)) + bytes(24)
    kinds = {
        "AEDAT 2": aedat("2.0", 1000),
        "AEDAT 1": aedat("1.0", 1000),
        "AEDAT 3": aedat("3.1", 1000),
        "AEDAT 4": aedat("4.0", 1000),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(992),
        "a single array (npy)": npy(np.arange(50)),
        "gzip": gzip.compress(bytes(1000), mtime=0),
        "bzip2": bz2.compress(bytes(1000)),
        "xz": lzma.compress(bytes(1000)),
        "a pickle": pickle.dumps(list(range(100))),
        "idx file, as MNIST comes, of shape (3, 8, 1)": idx,
        "Prophesee": b"% date 2020-01-01\n% evt 2.0\n" + bytes(range(128, 256)) * 5,
        "an ARFF file": b"% digits\n@relation digits\n" + b"@attribute x numeric\n" * 20,
        "a tar archive": tarball(),
        "a web page (HTML)": b"\n<!DOCTYPE html><html><body>404</body></html>",
        "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\n",
        "text": b"x,y,p,t\n" + b"1,2,0,100\n" * 40,
        "a PNG picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "a zip archive": zipped(),
        "empty": b"",
    }
    for i, (kind, content) in enumerate(kinds.items()):
        padding = b" " if kind in ("text", "an ARFF file") else b"\0"
        lacking = 0 if "idx" in kind else -len(content) % 5
        path = folder / f"file{i}.bin"
        path.write_bytes(content + padding * lacking)
        yield kind, path


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped():
    file = io.BytesIO()
    np.savez(file, x=np.arange(5))
    return file.getvalue()


def tarball():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("events"), io.BytesIO())
    return file.getvalue()


def test_files_of_other_kinds_are_no_events_and_named(tmp_path):
    for kind, path in other_files(tmp_path):
        assert kind.startswith("idx") or path.stat().st_size % 5 == 0
        with pytest.raises(ValueError, match=rf"{path.name} must .* it is .*{re.escape(kind)}"):
            read_nmnist_events(path)


@pytest.mark.parametrize("load", [load_npz, load_usps, load_mnist, load_nmnist, load_santa_fe])
def test_files_of_other_kinds_are_no_npz_and_named(tmp_path, load):
    for kind, path in other_files(tmp_path):
        if kind == "a zip archive":
            with pytest.raises(ValueError, match="lacks"):
                load(path)
        else:
            with pytest.raises(ValueError, match=rf"damaged or not .*: it is .*{re.escape(kind)}"):
                load(path)


def test_vowels_of_other_kinds_are_named(tmp_path):
    for name in ("ae.train", "ae.test", "size_ae.train", "size_ae.test"):
        (tmp_path / name).write_text("1\n")
    for kind, path in other_files(tmp_path):
        (tmp_path / "ae.train").write_bytes(path.read_bytes())
        said = (
            "must hold utterances"
            if kind == "text"
            else f"must be text, but it is .*{re.escape(kind)}"
        )
        with pytest.raises(ValueError, match=rf"ae.train {said}"):
            load_japanese_vowels(tmp_path)
    (tmp_path / "ae.train").write_text(("1 " * 11 + "\n") * 3)
    with pytest.raises(ValueError, match=r"ae.train must hold utterances.*shape \(3, 11\)"):
        load_japanese_vowels(tmp_path)
    (tmp_path / "ae.train").write_text(("1 " * 12 + "\n") * 3)
    for sizes in ("2", "-1 2", "1 x"):
        (tmp_path / "size_ae.train").write_text(sizes)
        with pytest.raises(ValueError, match=r"size_ae.train must hold how many utterances"):
            load_japanese_vowels(tmp_path)
    (tmp_path / "size_ae.train").unlink()
    with pytest.raises(FileNotFoundError, match="No such file or directory"):
        load_japanese_vowels(tmp_path)


# -- files that inflate ----------------------------------------------------------------------------

BIG = 40_000_000  # bytes; compressed 40 kB


@pytest.fixture(scope="module", name="zeros")
def _zeros():
    """The member of an npz that inflates to BIG bytes, by shape and dtype."""

    def member(archive, name, shape, dtype):
        head = io.BytesIO()
        descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
        np.lib.format.write_array_header_1_0(
            head, {"descr": descr, "fortran_order": False, "shape": shape}
        )
        left = int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize
        with archive.open(f"{name}.npy", "w", force_zip64=True) as out:
            out.write(head.getvalue())
            while left:
                out.write(bytes(min(left, 10**7)))
                left -= min(left, 10**7)

    return member


GOOD = {
    "x_train": ((4, 3), "f8"),
    "y_train": ((4,), "i8"),
    "x_test": ((2, 3), "f8"),
    "y_test": ((2,), "i8"),
}


@pytest.mark.parametrize(
    ("changed", "load", "message"),
    [
        ({"y_train": ((BIG // 8,), "i8")}, load_npz, "one row and one label per sample"),
        ({"x_train": ((BIG // 24, 3), "f8")}, load_usps, "one row and one label per sample"),
        ({"x_test": ((2, BIG // 16), "f8")}, load_mnist, "samples of one shape"),
        ({"y_test": ((2,), f"U{BIG // 8}")}, load_npz, "labels of at most"),
        ({"x_train": ((BIG,), "u1")}, load_npz, "one row and one label per sample"),
        ({"x_train": ((4, BIG // 64), "c16")}, load_npz, "samples of one shape|hold numbers"),
        (
            {"x_train": ((4, BIG // 32), "f8"), "x_test": ((2, BIG // 32), "f8")},
            load_nmnist,
            "Counts of events must have shape",
        ),
        (
            {"x_train": ((4, BIG // 32), "f8"), "x_test": ((2, BIG // 32), "f8")},
            load_japanese_vowels,
            "must have one axis of 12",
        ),
        ({"y_train": None, "x_train": ((4, BIG // 32), "f8")}, load_npz, "lacks y_train"),
        ({"series": ((2, BIG // 16), "f8")}, load_santa_fe, "`series` must have shape"),
        ({"series": ((BIG // 16,), "c16")}, load_santa_fe, "series must hold numbers"),
    ],
)
def test_shapes_are_compared_before_anything_is_unpacked(changed, load, message, zeros, tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, declared in {**GOOD, **changed}.items():
            if declared is not None:
                zeros(archive, name, *declared)
    assert path.stat().st_size < BIG / 500
    with most_memory(BIG // 4), pytest.raises((ValueError, TypeError), match=message):
        load(path)


def test_models_compare_shapes_before_anything_is_unpacked(zeros, tmp_path):
    x = np.random.default_rng(0).random((8, 4))
    arguments = {"n_steps": 3, "epochs": 1, "random_state": 0, "neuron": "lif"}
    clf = SQSNN((3,), **arguments, checkpoint=tmp_path / "run.npz")
    clf.fit(x, np.arange(8) % 2)
    with np.load(tmp_path / "run.npz") as file:
        arrays = dict(file)
    header = arrays.pop("__header__")
    path = tmp_path / "bomb.npz"
    kinds = ["classes", "scale.low", "scale.high", "visible.bias", "hidden0.weights.input"]
    kinds += ["now.visible.angles", "first.hidden0.bias", "second.visible.bias"]
    for i, name in enumerate(kinds):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for other, array in {"__header__": header, **arrays}.items():
                if other != name:
                    archive.writestr(f"{other}.npy", npy(array))
            zeros(archive, name, *[((BIG // 8,), "f8"), ((2,), f"U{BIG // 8}")][i % 2])
            zeros(archive, "extra", (BIG // 8,), "f8")  # of a newer version, say
        again = clone(clf).set_params(checkpoint=path, resume=True)
        with most_memory(BIG // 4):
            with pytest.raises(ValueError, match=r"bomb.npz is damaged"):
                again.fit(x, np.arange(8) % 2)
            if name.startswith(("now.", "first.", "second.")):
                SQSNN.load(path)  # which needs none of them
            else:
                with pytest.raises(ValueError, match=r"bomb.npz is damaged"):
                    SQSNN.load(path)


def test_headers_that_inflate_are_not_read(tmp_path):
    path = tmp_path / "head.npz"
    length = BIG.to_bytes(4, "little")
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x_train.npy", "w", force_zip64=True) as out,
    ):
        out.write(np.lib.format.magic(2, 0) + length)
        for _ in range(40):
            out.write(b" " * (BIG // 40))
    with most_memory(BIG // 4), pytest.raises(ValueError, match=r"head.npz is damaged"):
        load_npz(path)


@contextmanager
def most_memory(limit):
    """Fail if more bytes than *limit* are in use at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("channels", [1, 4])
def test_series_of_aeon_and_sktime_have_channels_first(channels):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, channels, 20))
    y = np.array(["a", "b"] * 3, dtype=object)
    data = Dataset.from_series(x, y, x[:2], y[:2], source="mine")
    np.testing.assert_array_equal(data.x_train, x.swapaxes(1, 2))
    assert data.y_test.tolist() == ["a", "b"]
    if channels == 1:
        again = Dataset.from_series(x[:, 0], y, x[:2, 0], y[:2])
        np.testing.assert_array_equal(again.x_train, data.x_train)
    ragged = [x[0], x[1][:, :7]]
    uneven = Dataset.from_series(ragged, [0, 1], [x[2]], [1])
    np.testing.assert_array_equal(uneven.x_train[1, :7], x[1].T[:7])
    assert np.isnan(uneven.x_train[1, 7:]).all()
    model = SQSNN((), input_kind="sequence", epochs=1).fit(uneven.x_train, uneven.y_train)
    assert model.predict(uneven.x_test).shape == (1,)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([np.zeros((2, 5)), np.zeros((3, 5))], "same channels, but series 0 has 2 and series 1"),
        ([np.zeros((2, 5, 1))] * 2, r"but series 0 has shape \(2, 5, 1\)"),
        ([["a"], ["b"]], "must hold series of numbers"),
        ([], "is empty"),
        (3, "must be a list or tuple"),
    ],
)
def test_what_is_no_series_is_refused(x, said):
    with pytest.raises((ValueError, TypeError), match=f"`x_train` .*{said}"):
        Dataset.from_series(x, [0, 1], [np.zeros((2, 5))], [0])
