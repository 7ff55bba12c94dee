"""Files of others: pickles, bombs, lies about sizes, flipped bytes; and writing in one piece."""

import io
import os
import stat
import warnings
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from lava_sqs._files import check_writable
from lava_sqs._npz import read_arrays, write_arrays


def member(path, name, shape, data=b"", compression=zipfile.ZIP_DEFLATED):
    """Write an npz whose one array says it has *shape* (float64) and has *data*."""
    head = io.BytesIO()
    npy.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{name}.npy", head.getvalue() + data)


def read(path, **options):
    return read_arrays(path, what="an npz file", **options)[0]


def test_there_and_back(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {"x": np.arange(6.0).reshape(2, 3), "words": np.array(["a", "bc"]), "one": np.array(3)}
    write_arrays(path, arrays)
    write_arrays(path, arrays)  # over itself
    found = read(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    assert read(path, keys=("one", "none")).keys() == {"one"}
    assert os.listdir(tmp_path) == ["a.npz"]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask  # as of any other file


def test_a_link_stays_one(tmp_path):
    (tmp_path / "link.npz").symlink_to(tmp_path / "a.npz")
    write_arrays(tmp_path / "link.npz", {"x": np.zeros(1)})
    assert (tmp_path / "link.npz").is_symlink()
    assert read(tmp_path / "a.npz")["x"] == 0


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, x=np.zeros(2**22))  # 32 MB of zeros
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"declares arrays of 0.0336 GB, more than the 1e-06 GB"):
        read(path, limit=1000)
    assert read(path, limit=2**26)["x"].size == 2**22


@pytest.mark.parametrize("shape", [(10**15,), (0,), (-2, -4), (0, 10**30), (10**30,), (3,)])
def test_arrays_that_lie_about_their_size_are_refused(tmp_path, shape):
    path = tmp_path / "liar.npz"
    member(path, "x", shape, bytes(64))
    with pytest.raises(ValueError, match=r"liar.npz is damaged or not an npz file"):
        read(path)


def test_two_arrays_of_one_name_are_refused(tmp_path):
    path = tmp_path / "twins.npz"
    for second in ("x.npy", "x"):
        np.savez(path, x=np.zeros(1))
        with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr(second, archive.read("x.npy"))
        with pytest.raises(ValueError, match=r"is damaged.*: two arrays have the same"):
            read(path)


def test_pickles_are_never_loaded(tmp_path):
    path = tmp_path / "pickle.npz"
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"array x of .*pickle.npz holds pickled Python objects"):
        read(path)


def test_other_compressions_are_refused(tmp_path):
    path = tmp_path / "lzma.npz"
    member(path, "x", (1,), bytes(8), zipfile.ZIP_LZMA)
    with pytest.raises(ValueError, match="array x has an unknown compression"):
        read(path)


def test_brackets_without_end(tmp_path):
    path = tmp_path / "deep.npz"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': " + b"(" * 9000 + b"}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", npy.magic(1, 0) + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ValueError, match="is damaged"):
        read(path)


def test_any_flipped_byte_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {"x": np.random.default_rng(0).random((4, 5)), "n": np.arange(3)}
    write_arrays(path, arrays)
    content = path.read_bytes()
    refused = 0
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        try:
            found = read(path)
        except ValueError as error:
            assert "damaged" in str(error)  # noqa: PT017
            refused += 1
        else:
            for name, array in arrays.items():  # a date, or a name
                if name in found:
                    np.testing.assert_array_equal(found[name], array)
    assert refused > 0.5 * len(content)
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="is damaged"):
            read(path)


def test_places_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must name an npz file, but .*no.npz does not"):
        read(tmp_path / "no.npz")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*new: create it first"):
        write_arrays(tmp_path / "new" / "a.npz", {})


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.array(1)})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lava_sqs._files.os.fsync", full)
    with pytest.raises(OSError, match=r"a.npz could not be written: No space left on device"):
        write_arrays(path, {"x": np.array(2)})
    assert read(path)["x"] == 1
    assert os.listdir(tmp_path) == ["a.npz"]
