"""`lava-sqs data`: one npz out of anything, and clear words without a network."""

import urllib.error

import numpy as np
import pytest

from lava_sqs import cli
from lava_sqs.data import Dataset, load_digits, load_npz


def test_bundled_digits(tmp_path, capsys):
    path = tmp_path / "d.npz"
    assert cli.main(["data", "digits", "--out", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [str(load_digits()), str(path)]
    np.testing.assert_array_equal(load_npz(path).x_test, load_digits().x_test)


def test_a_copy_is_converted(tmp_path, capsys):
    counts = np.ones((3, 8, 2, 34, 34), np.uint8)
    labels = np.array([0, 1, 1])
    Dataset(counts, labels, counts[:2], labels[:2], "").save(tmp_path / "events.npz")
    argv = [
        "data",
        "nmnist",
        "--from",
        str(tmp_path / "events.npz"),
        "--merge",
        "4",
        "--pool",
        "17",
    ]
    assert cli.main([*argv, "--train", "2", "--out", str(tmp_path / "n.npz")]) == 0
    data = load_npz(tmp_path / "n.npz")
    assert data.x_train.shape == (2, 2, 2, 2, 2)
    assert "2 sequences of 2 time steps with 8 channels (2 x 2 x 2) each" in capsys.readouterr().out
    assert (data.x_train == 4 * 17 * 17).all()


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["usps"], 1, "--from must name a copy (an npz with x_train, y_train, x_test and y_test), "
         "since USPS could not be fetched from OpenML (data set 41082): no route.\n"),
        (["mnist"], 1, "MNIST could not be fetched"),
        (["nmnist"], 2, "--from must name the unpacked N-MNIST"),
        (["japanese-vowels"], 2, "--from must name the folder with ae.train"),
        (["santa-fe"], 2, "--from must name an npz with the array `series`"),
        (["nmnist", "--from", "."], 2, "--from must be an npz or a folder with Train/0"),
        (["nmnist", "--from", ".", "--steps", "0"], 2, "--steps must be at least 1, but got 0"),
        (["usps", "--from", "no.npz"], 2, "must name an npz file, but no.npz does not exist"),
        (["japanese-vowels", "--from", "."], 2, "No such file or directory: ae.train"),
    ],
)  # fmt: skip
def test_what_lacks_is_said_in_one_line(argv, code, message, tmp_path, monkeypatch, capsys):
    def fetch(**_):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["data", *argv, "--out", "x.npz"]) == code
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert message in err
    assert not list(tmp_path.iterdir())


def test_places_are_checked_before_anything_is_fetched(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda **_: pytest.fail("fetched"))
    assert cli.main(["data", "usps", "--out", str(tmp_path / "new" / "x.npz")]) == 2
    assert "create it first" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        cli.main(["data", "cifar", "--out", "x.npz"])
    assert "'usps', 'mnist'" in capsys.readouterr().err
