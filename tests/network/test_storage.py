"""Model files: old ones load, broken ones say so, hostile ones do no harm."""

import json
from pathlib import Path

import numpy as np
import pytest

from lava_sqs._npz import read_arrays, write_arrays
from lava_sqs.data import load_digits
from lava_sqs.network import SQSNN

# Written by version 0.1.0: SQSNN((3,), ansatz="paper", encoder="population", n_population=2,
# n_steps=4, epochs=2, n_draws=2, random_state=5, noise=NoiseModel(t1=1e-4, t2=8e-5,
# p_read0_given1=0.02)) on the digits 0, 1, 2.
OLD = Path(__file__).parent / "files" / "model-1.0.npz"
SAID = "0020110220221112212012000021122010000020"


def test_a_file_of_format_1_0_loads_and_answers():
    clf = SQSNN.load(OLD)
    data = load_digits().classes(0, 1, 2)
    assert "".join(map(str, clf.predict(data.x_test[:40]))) == SAID
    assert clf.noise.t2 == 8e-5
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    # and learns on as it began, whatever the defaults have become
    assert (clf.credit, clf.angle_learning_rate) == ("score", 0.02)


def rewritten(path, change=None, **arrays):
    """Save the old model with another header, and other arrays (None: without)."""
    found, _ = read_arrays(OLD, what="a model")
    header = json.loads(str(found.pop("__header__")))
    if change is not None:
        change(header)
    found.update(arrays)
    found = {k: v for k, v in found.items() if v is not None}
    write_arrays(path, {"__header__": np.array(json.dumps(header)), **found})
    return path


def test_what_a_newer_minor_version_adds_is_left_alone(tmp_path):
    def newer(header):
        header.update(format=[1, 99], novelty={"a": 1})
        header["arguments"]["novel"] = 3
        header["fitted"].update(novel_=1, predict="no method any more")

    clf = SQSNN.load(rewritten(tmp_path / "new.npz", newer, extra=np.zeros(3)))
    assert callable(clf.predict)
    assert not hasattr(clf, "novel_")


def put(*path, value):
    def change(header):
        for key in path[:-1]:
            header = header[key]
        if value is None:
            del header[path[-1]]
        else:
            header[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("format", value=[2, 0]), r"has format 2.0, but .* reads 1.x: use the version"),
        (put("format", value="1.0"), "is damaged: its format is '1.0'"),
        (put("format", value=None), "is damaged: its format is None"),
        (put("kind", value="cake"), "is not a saved model"),
        (put("arguments", value=None), "is damaged: it lacks 'arguments'"),
        (put("arguments", value=[1]), "is damaged"),
        (put("arguments", "hidden_layer_sizes", value=[10**9]), "is damaged: .*must have shape"),
        (put("arguments", "neurons_per_class", value=10**12), "is damaged"),
        (put("arguments", "memory_qubits", value=40), "is damaged"),
        (put("arguments", "epochs", value="many"), "is damaged: .*`epochs` must be an integer"),
        (put("arguments", "noise", value={"__noise__": {"t1": -1}}), "is damaged"),
        (put("arguments", "ansatz", value={"__ansatz__": {}}), "is damaged: it lacks"),
        (put("arguments", "n_population", value=3), "is damaged"),
        (put("input_kind", value="sound"), "is damaged: .*must be one of"),
        (put("sample_shape", value=[8, -8]), "is damaged: .*at least 1"),
        (put("sample_shape", value=[10**9, 10**9]), "is damaged"),
        (put("sample_shape", value=7), "is damaged"),
        (put("fitted", value={}), "is damaged: it lacks 'seed_'"),
        (put("loss_curve", value=["a"]), "is damaged: .*loss_curve"),
    ],
)
def test_wrong_headers_are_named(tmp_path, change, message):
    with pytest.raises(ValueError, match=rf"model.npz {message}"):
        SQSNN.load(rewritten(tmp_path / "model.npz", change))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"visible.bias": None}, "lacks 'visible.bias'"),
        ({"visible.bias": np.zeros(2)}, r"must have shape \(3,\)"),
        ({"hidden0.angles": np.full((3, 3), np.nan)}, "must be finite"),
        ({"classes": np.array([[0, 1, 2]])}, "the classes are"),
        ({"classes": np.array([2, 1, 0])}, "the classes are"),
        ({"scale.low": np.zeros(5)}, "broadcast"),
        ({"scale.high": np.array("x")}, "`scale.high` must hold real numbers"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=f"model.npz is damaged: .*{message}"):
        SQSNN.load(rewritten(tmp_path / "model.npz", None, **arrays))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "3"])
def test_headers_that_are_no_json(tmp_path, text):
    write_arrays(tmp_path / "model.npz", {"__header__": np.array(text)})
    with pytest.raises(ValueError, match=r"model.npz is (damaged|not a saved model)"):
        SQSNN.load(tmp_path / "model.npz")


def test_files_that_are_no_models(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must name a saved model .*none.npz does not"):
        SQSNN.load(tmp_path / "none.npz")
    (tmp_path / "half.npz").write_bytes(OLD.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"half.npz is damaged or not a saved model"):
        SQSNN.load(tmp_path / "half.npz")
    np.savez(tmp_path / "pickle.npz", __header__=np.array({}, dtype=object))
    with pytest.raises(ValueError, match="pickled Python objects"):
        SQSNN.load(tmp_path / "pickle.npz")


def test_a_data_set_is_no_model(tmp_path):
    load_digits().save(tmp_path / "digits.npz")
    with pytest.raises(ValueError, match="is not a saved model of lava_sqs: it holds x_train"):
        SQSNN.load(tmp_path / "digits.npz")


def test_a_damaged_checkpoint_is_named(tmp_path):
    data = load_digits().classes(0, 1)
    path = tmp_path / "run.npz"
    arguments = {"input_kind": "static", "random_state": 0, "checkpoint": path}
    SQSNN((), epochs=1, **arguments).fit(data.x_train, data.y_train)
    found, _ = read_arrays(path, what="a model")
    del found["first.visible.bias"]
    write_arrays(path, found)
    with pytest.raises(ValueError, match=r"run.npz is damaged: it lacks 'first.visible.bias'"):
        SQSNN((), epochs=2, resume=True, **arguments).fit(data.x_train, data.y_train)
