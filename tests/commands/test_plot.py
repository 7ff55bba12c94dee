"""`lava-sqs plot`: pictures of a trained network."""

import numpy as np
import pytest
from matplotlib import image

from lava_sqs import cli
from lava_sqs.data import load_digits
from lava_sqs.network import SQSNN


@pytest.fixture(scope="module", name="model")
def _model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.npz"
    data = load_digits().classes(0, 1, 2)
    clf = SQSNN((2,), input_kind="static", n_steps=4, epochs=2, n_draws=2, random_state=0)
    clf.fit(data.x_train, data.y_train).save(path)
    return str(path)


def test_curves_alone_and_with_the_test_data(model, tmp_path, capsys):
    paths = [tmp_path / "curves.png", tmp_path / "all.png"]
    assert cli.main(["plot", model, "--out", str(paths[0])]) == 0
    assert cli.main(["plot", model, "digits", "--noise", "ibm_fez", "--out", str(paths[1])]) == 0
    assert capsys.readouterr().out.split() == [str(p) for p in paths]
    curves, everything = (image.imread(p) for p in paths)
    assert everything.shape[0] > 1.5 * curves.shape[0]
    # The blue of a confusion matrix is in one of them only.
    blue = np.array([8, 48, 107]) / 255
    assert [
        (np.abs(p[..., :3] - blue).max(axis=-1) < 0.02).any() for p in (curves, everything)
    ] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["m.npz", "--out", "a.png"], "m.npz does not exist"),
        (["MODEL", "--out", "a.xyz"], "Format 'xyz' is not supported"),
        (["MODEL", "--out", "new/a.png"], "create it first"),
        (["MODEL", "digits", "--noise", "x", "--out", "a.png"], "--noise must be one of"),
    ],
)
def test_mistakes(argv, message, model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plot", *(model if a == "MODEL" else a for a in argv)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
