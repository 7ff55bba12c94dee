"""`lava-sqs train` and `evaluate` as a user types them."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest

from lava_sqs import cli
from lava_sqs._version import __version__
from lava_sqs.data import load_digits
from lava_sqs.data.encoders import ENCODERS
from lava_sqs.network import SQSNN
from lava_sqs.network.estimator import INPUT_KINDS, SCHEDULES
from lava_sqs.network.gradient import CREDITS, RULES, TARGETS
from lava_sqs.network.readout import READOUTS
from lava_sqs.neurons import kinds
from lava_sqs.quantum import NoiseModel

TRAIN = ["train", "digits", "--classes", "0", "1", "--hidden", "2", "--circuit", "paper"]
SHORT = ["--encoder", "current", "--steps", "5", "--epochs", "2", "--draws", "2"]


def run(*argv, code=0, capsys):
    """Run the command; return what it printed, and what it said on standard error."""
    assert cli.main([*map(str, argv)]) == code
    said = capsys.readouterr()
    return said.out, said.err


def shell(*argv, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "lava_sqs", *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        **options,
    )


def one_line(error):
    """Return the message of an error that is one line and nothing else."""
    assert error.count("\n") == 1
    assert error.startswith("lava-sqs: ")
    return error


@pytest.fixture(scope="module", name="model")
def _model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.npz"
    assert cli.main([*TRAIN, *SHORT, "--out", str(path)]) == 0
    return path


@pytest.fixture(name="data")
def _data(tmp_path):
    """Write two classes of three features; any array can be replaced, or left out by None."""

    def write(**changed):
        rng = np.random.default_rng(0)
        y = {"train": np.arange(20) % 2, "test": np.arange(10) % 2}
        arrays = {f"y_{k}": v for k, v in y.items()}
        arrays |= {f"x_{k}": v[:, None] + rng.normal(0, 0.1, (len(v), 3)) for k, v in y.items()}
        arrays = {k: v for k, v in {**arrays, **changed}.items() if v is not None}
        np.savez(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return write


# -- results ---------------------------------------------------------------------------------------


def test_a_summary_says_what_was_measured_and_of_what(capsys, tmp_path):
    out, err = run(*TRAIN, *SHORT, "--out", tmp_path / "m.npz", capsys=capsys)
    rows = dict(line.split(":", 1) for line in out.splitlines())
    assert "269 training and 91 test samples, 2 classes (0, 1)" in rows["data"]
    assert "uint8 divided by 255" in rows["input"]
    assert "64 -> 2 -> 20 with input skips, SQS neurons, circuit paper" in rows["network"]
    assert "rule exact, 2 epochs, " in rows["training"]
    assert "(95 % Wilson, over the test samples)" in rows["test accuracy"]
    assert "1514 weights and angles, 22 bias currents" in rows["parameters"]
    assert rows["version"].strip() == __version__
    assert (tmp_path / "m.npz").exists()
    assert err == ""


def test_json_is_one_object_and_what_the_estimator_says(capsys):
    out, err = run(*TRAIN, *SHORT, "--noise", "ibm_fez", "--seed", 3, "--json", capsys=capsys)
    result = json.loads(out)
    assert out.count("\n") == 1
    assert err == ""
    data = load_digits().classes(0, 1)
    clf = SQSNN(
        (2,), ansatz="paper", encoder="current", n_steps=5, epochs=2, n_draws=2, random_state=3,
        input_kind="static", noise=NoiseModel.preset("ibm_fez"),
    ).fit(data.x_train, data.y_train)  # fmt: skip
    found = clf.evaluate(data.x_test, data.y_test)
    assert result["test_accuracy"] == found.accuracy
    assert result["test_interval"] == list(found.interval)
    assert result["confusion"] == found.confusion.tolist()
    assert result["spikes_per_inference"] == found.spikes_per_inference
    assert (result["n_parameters"], result["n_biases"]) == (1514, 22)
    assert (result["seed"], result["version"]) == (3, __version__)
    assert result["seconds"] > 0
    assert result["loss_curve"] == clf.loss_curve_


def test_several_seeds_give_their_spread(capsys):
    out, _ = run(*TRAIN, *SHORT, "--seed", 0, 1, 2, "--json", capsys=capsys)
    result = json.loads(out)
    each = [r["test_accuracy"] for r in result["runs"]]
    assert result["test_accuracy"] == pytest.approx(np.mean(each))
    assert result["test_interval_covers"] == "95 % Student t, spread over 3 seeds"
    half = 4.302653 * np.std(each, ddof=1) / np.sqrt(3)  # the t quantile of 2 degrees of freedom
    low, high = result["test_interval"]
    assert high - low == pytest.approx(2 * half)
    assert result["seed"] == [0, 1, 2]
    assert len({tuple(r["loss_curve"]) for r in result["runs"]}) == 3
    out, _ = run(*TRAIN, *SHORT, "--seed", 0, 1, capsys=capsys)
    assert [line.split(":")[0] for line in out.splitlines()[:2]] == ["seed 0", "seed 1"]


def test_a_saved_model_says_offline_what_it_said_after_training(model, capsys):
    trained, _ = run(*TRAIN, *SHORT, "--json", capsys=capsys)
    out, err = run("evaluate", model, "digits", "--json", capsys=capsys)
    result = json.loads(out)
    assert err == ""
    for key in ("test_accuracy", "test_interval", "confusion", "spikes_per_inference", "seed"):
        assert result[key] == json.loads(trained)[key]
    assert (result["n_test"], result["n_other_labels"]) == (91, 450 - 91)
    assert result["same_spikes"] is None


def test_in_lava_it_spikes_as_offline(model, capsys):
    out, err = run(
        "evaluate", model, "digits", "--runtime", "lava", "--samples", 20, "--repeats", 2,
        "--noise", "ibm_torino", capsys=capsys,
    )  # fmt: skip
    assert "the same spikes as offline with this seed" in out
    assert "95 % " in out
    assert "ibm_torino" in out
    assert err == ""


def test_other_spikes_in_lava_are_a_failure(model, capsys, monkeypatch):
    def other(self, X, *_):
        return np.zeros((len(X), self.steps_per_sample_, 2), np.int8)

    monkeypatch.setattr(SQSNN, "_in_lava", other)
    out, _ = run(
        "evaluate", model, "digits", "--runtime", "lava", "--samples", 5, code=1, capsys=capsys
    )
    assert "NOT the same spikes" in out


def test_noise_seed_and_repeats_of_an_evaluation(model, capsys):
    def accuracy(*options):
        out, _ = run("evaluate", model, "digits", "--json", *options, capsys=capsys)
        return json.loads(out)

    plain = accuracy()
    assert accuracy("--noise", "none")["confusion"] == plain["confusion"]
    assert accuracy("--seed", 5)["spikes_per_inference"] != plain["spikes_per_inference"]
    five = accuracy("--repeats", 5)
    assert np.sum(five["confusion"]) == 5 * 91
    few = accuracy("--samples", 30)
    assert few["n_test"] == 30
    assert few == {**accuracy("--samples", 30), "seconds": few["seconds"]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--neuron lif --encoder rate", {"neuron": "lif", "encoder": "rate"}),
        (
            "--circuit layered --memory-qubits 2 --layers 1 --no-skip",
            {"ansatz": "layered", "memory_qubits": 2, "layers": 1, "skip": False},
        ),
        (
            "--hidden --targets pairs --neurons-per-class 2 --readout likelihood",
            {
                "hidden_layer_sizes": [],
                "targets": "pairs",
                "neurons_per_class": 2,
                "readout": "likelihood",
            },
        ),
        (
            "--rule as-published --schedule constant --batch-size 64",
            {"rule": "as-published", "schedule": "constant", "batch_size": 64},
        ),
        (
            "--encoder population --population 3 --learning-rate 0.05 --steps 4",
            {"encoder": "population", "n_population": 3, "learning_rate": 0.05, "n_steps": 4},
        ),
        (
            "--early-stopping --patience 1 --validation-fraction 0.2",
            {"early_stopping": True, "n_iter_no_change": 1, "validation_fraction": 0.2},
        ),
        (
            "--hidden 2 3 --sparsity 0.1 --discount 0 --hidden-learning-rate 0.1 --draws 3",
            {
                "hidden_layer_sizes": [2, 3],
                "sparsity": 0.1,
                "discount": 0.0,
                "hidden_learning_rate": 0.1,
                "n_draws": 3,
            },
        ),
        (
            "--hidden 2 --credit score --angle-learning-rate 0.1",
            {"credit": "score", "angle_learning_rate": 0.1},
        ),
        (
            "--credit score --angle-learning-rate 0.01",
            {"credit": "score", "angle_learning_rate": 0.01},
        ),
        ("--rule window --window 2", {"rule": "window", "window": 2}),
        ("--neuron qlif --shots 5", {"neuron": "qlif", "shots": 5}),
        ("--readout-from 0.5", {"readout_from": 0.5}),
        ("--readout-from learned", {"readout_from": "learned"}),
    ],
)
def test_options_reach_the_network(options, expected, capsys):
    argv = [*TRAIN, *SHORT, "--epochs", 1, *options.split(), "--samples", 50, "--json"]
    result = json.loads(run(*argv, capsys=capsys)[0])
    assert result["n_train"] == 50
    assert {k: result["arguments"][k] for k in expected} == expected


def test_layers_of_several_kinds_are_written_out(capsys):
    layers = ["SQSLayer(3, memory_qubits=2)", "LIFLayer(2)"]
    argv = [*TRAIN[:5], "--epochs", 1, "--samples", 50, "--json", "--layers", *layers]
    result = json.loads(run(*argv, capsys=capsys)[0])
    found = [layer["__layer__"] for layer in result["arguments"]["layers"]]
    assert [(kind, own["size"]) for kind, own in found] == [("SQSLayer", 3), ("LIFLayer", 2)]
    assert found[0][1]["memory_qubits"] == 2


@pytest.mark.parametrize("layers", [["2.5"], ["3", "4"], ["SQSLayer("], ["Dense(3)"], ["open()"]])
def test_what_is_no_layer_is_refused(layers, capsys):
    words = run(*TRAIN, "--layers", *layers, code=2, capsys=capsys)[1]
    assert "--layers must be one number, or each one of SQSLayer, LIFLayer" in words


def test_sequences_are_asked_for(data, capsys):
    rng = np.random.default_rng(0)
    y = {"train": np.arange(40) % 2, "test": np.arange(20) % 2}
    x = {
        k: (rng.random((len(v), 6, 2)) < 0.1 + 0.8 * v[:, None, None]).astype(float)
        for k, v in y.items()
    }
    path = data(**{f"x_{k}": v for k, v in x.items()}, **{f"y_{k}": v for k, v in y.items()})
    # As many visible neurons per class as make fifty spikes, at most ten: 8, 8 and 5.
    for kind, sizes in (("sequence", "2 -> 16"), ("spikes", "2 -> 16"), ("static", "12 -> 10")):
        padded = kind == "sequence"  # where zeros end a sample
        guessed = pytest.warns(UserWarning, match="end with frames of zeros")
        with guessed if padded else nullcontext():
            out, _ = run("train", path, "--input", kind, "--hidden", "--epochs", 2, capsys=capsys)
        assert f" {sizes}, SQS neurons" in out


def series(data, shape, dtype=float, **more):
    """Write two classes of samples of a shape: small and large values."""
    y = {"train": np.arange(40) % 2, "test": np.arange(20) % 2}
    rng = np.random.default_rng(0)
    x = {
        k: 3 * rng.random((len(v), *shape)) + v.reshape(-1, *[1] * len(shape)) for k, v in y.items()
    }
    arrays = {f"x_{k}": v.astype(dtype) for k, v in x.items()} | {f"y_{k}": v for k, v in y.items()}
    return data(**arrays, **more)


LAYERS = ["--hidden", "--epochs", 1, "--circuit", "paper", "--encoder", "current"]


@pytest.mark.parametrize(
    ("options", "shape", "dtype", "words"),
    [
        ([], (5,), float, "40 samples of 5 features"),
        ([], (4, 6), np.uint8, "40 samples of 4 x 6 values, flattened to 24 features"),
        ([], (4, 4, 3), np.uint8, "40 samples of 4 x 4 x 3 values, flattened to 48 features"),
        (["--input", "static"], (3, 7), float, "40 samples of 3 x 7 values, flattened to 21 feat"),
        (["--input", "sequence"], (7, 3), float, "40 sequences of 7 time steps with 3 channels"),
        (["--input", "sequence"], (4, 4), float, "40 sequences of 4 time steps with 4 channels"),
        (
            ["--input", "sequence", "--channels-first"],
            (3, 7),
            float,
            "40 sequences of 7 time steps with 3 channels each",
        ),
        (
            ["--input", "sequence", "--channels-first"],
            (1, 7),
            float,
            "40 sequences of 7 time steps with 1 channel each",
        ),
        (
            ["--input", "sequence", "--channels-last"],
            (3, 7),
            float,
            "40 sequences of 3 time steps with 7 channels each",
        ),
        (
            ["--input", "sequence"],
            (3, 2, 4),
            float,
            "40 sequences of 3 time steps with 8 channels (2 x 4) each",
        ),
    ],
)
def test_the_reading_is_said_in_words(options, shape, dtype, words, data, capsys):
    path = series(data, shape, dtype)
    out, _ = run("train", path, *options, *LAYERS, capsys=capsys)
    [line] = [line for line in out.splitlines() if line.startswith("input:")]
    assert words in line
    result = json.loads(run("train", path, *options, *LAYERS, "--json", capsys=capsys)[0])
    assert words in result["input"]


@pytest.mark.parametrize(
    ("options", "shape", "dtype", "message"),
    [
        (
            [],
            (3, 7),
            float,
            r"--input must say what samples of shape \(3, 7\) \(float64\) are: static \("
            r"40 samples of 3 x 7 values, flattened to 21 features\), sequence or spikes \("
            r"40 sequences of 3 time steps with 7 channels each, with --channels-first: "
            r"40 sequences of 7 time steps with 3 channels each\)",
        ),
        ([], (7, 3), float, "--input must say"),
        ([], (7, 3), np.int64, "--input must say"),
        ([], (7, 3), bool, "--input must say"),
        ([], (2, 7, 7), float, "--input must say"),
        ([], (5, 2, 6, 6), np.uint8, "--input must say"),  # events: time, polarity, y, x
        ([], (5, 6, 6), np.uint8, "--input must say"),  # a film, or channels first
        (["--channels-first"], (3, 7), float, "--input must say"),
        (
            ["--input", "sequence"],
            (3, 7),
            float,
            "3 time steps with 7 channels each, or as 40 sequences of 7 time steps with 3 channels "
            "each: say which, --channels-last or --channels-first",
        ),
        (["--input", "sequence"], (1, 7), float, "1 time step with 7 channels each, or as"),
        (["--input", "static", "--channels-first"], (3, 7), float, "--channels-first belongs"),
        (["--channels-first"], (3,), float, "--channels-first belongs to sequences and spikes"),
        (["--input", "sequence", "--channels-first"], (3, 2, 7), float, "must have shape"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(options, shape, dtype, message, data, capsys):
    _, err = run("train", series(data, shape, dtype), *options, *LAYERS, code=2, capsys=capsys)
    assert re.search(message, one_line(err)), err


def test_a_model_remembers_how_its_data_are_read(data, tmp_path, capsys):
    model = tmp_path / "m.npz"
    path = series(data, (2, 9))
    run(
        "train",
        path,
        "--input",
        "sequence",
        "--channels-first",
        *LAYERS,
        "--out",
        model,
        capsys=capsys,
    )
    out, _ = run("evaluate", model, path, capsys=capsys)
    assert "20 sequences of 9 time steps with 2 channels each" in out
    run("plot", model, path, "--out", tmp_path / "p.png", capsys=capsys)
    out, _ = run("evaluate", model, series(data, (2, 7)), capsys=capsys)
    assert "20 sequences of 7 time steps with 2 channels each" in out
    for shape, said in (((9, 2), "Swap the axes"), ((3, 7), "of 7 time steps with 3 channels")):
        other = series(data, shape)
        for command in (
            ["evaluate", model, other],
            ["plot", model, other, "--out", tmp_path / "p.png"],
        ):
            _, err = run(*command, code=2, capsys=capsys)
            assert said in one_line(err)
            assert "features" not in err


def test_checkpoints_resume(tmp_path, capsys):
    options = [*TRAIN, *SHORT, "--schedule", "constant", "--json"]
    kept = ["--checkpoint", tmp_path / "run.npz"]
    whole = json.loads(run(*options, "--epochs", 4, capsys=capsys)[0])
    run(*options, *kept, capsys=capsys)
    rest = json.loads(run(*options, *kept, "--epochs", 4, "--resume", capsys=capsys)[0])
    assert rest["loss_curve"] == whole["loss_curve"]
    assert rest["confusion"] == whole["confusion"]
    run("evaluate", tmp_path / "run.npz", "digits", capsys=capsys)  # a checkpoint is a model


def test_labels_are_written_as_they_print(data, capsys):
    words = {"y_train": np.array(["no", "yes"] * 10), "y_test": np.array(["no", "yes"] * 5)}
    out, _ = run("train", data(**words), "--classes", "yes", "no", "--epochs", 1, capsys=capsys)
    assert "2 classes (no, yes)" in out
    floats = {"y_train": np.arange(20) % 2 + 1.0, "y_test": np.arange(10) % 2 + 1.0}
    out, _ = run("train", data(**floats), "--classes", "1", "2", "--epochs", 1, capsys=capsys)
    assert "2 classes (1.0, 2.0)" in out


# -- help ------------------------------------------------------------------------------------------


def test_every_argument_of_the_estimator_has_an_option():
    args = cli.build_parser().parse_args(["train", "digits"])
    only_python = {
        "verbose",
        "warm_start",
        "random_state",
        "callbacks",
        "augment",
    }  # a terminal, one fit, --seed
    assert {*args.options} >= set(SQSNN._get_param_names()) - only_python


def test_the_help_names_every_choice_and_default(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split()).replace("- ", "-")
    choices = (kinds(), ENCODERS, RULES, TARGETS, READOUTS, SCHEDULES, INPUT_KINDS, CREDITS)
    for name in (name for names in choices for name in names):
        assert name in text
    assert "passes through the data (default: as many as make 1000 updates, 5 to 200)" in text
    assert "(default: 64)" in text


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encoder", "rates"], "--encoder must be one of 'rate', .* Did you mean 'rate'"),
        (["--circuit", "papers"], "--circuit must be one of 'layered', 'paper'"),
        (["--neuron", "sq"], "--neuron must be one of .* Did you mean 'sqs'"),
        (["--rule", "magic"], "--rule must be one of"),
        (["--input", "images"], "--input must be one of"),
        (["--noise", "ibm_turin"], "--noise must be one of .* Did you mean 'ibm_torino'"),
        (["--neuron", "lif", "--noise", "ibm_fez"], "belongs to neuron='sqs'"),
        (["--epochs", "0"], "--epochs must be at least 1"),
        (["--hidden", "0"], "--hidden must be at least 1"),
        (["--learning-rate", "-1"], "--learning-rate must be above 0"),
        (["--learning-rate", "nan"], "--learning-rate must be finite"),
        (["--memory-qubits", "2"], "--memory-qubits must be 1 for the ansatz 'paper'"),
        (["--seed", "-1"], "--seed must be at least 0"),
        (["--resume"], "--checkpoint must name a file"),
        (["--classes", "0", "12"], "--classes must be labels of the data, 0, 1, .* but got 12"),
        (["--classes", "3"], "--classes must be at least 2 different labels, but got 3"),
        (["--classes", "3", "3"], "--classes must be at least 2 different labels"),
        (["--samples", "0"], "--samples must be from 1 to 269"),
        (["--test-samples", "9999"], "--test-samples must be from 1 to 91"),
        (["--out", "nowhere/m.npz"], "there is no folder nowhere: create it first"),
        (["--out", "."], "is a folder"),
        (["--log", "nowhere/log.csv"], "--log must name a file in a folder that exists"),
        (["--log", "a.csv", "--seed", "1", "2"], "--log holds one network: give one --seed"),
        (["--optimizer", "adamm"], "--optimizer must be one of .* Did you mean 'adam'"),
        (["--epochs", "3", "--updates", "30"], "--updates must be None if"),
        (["--checkpoint", "nowhere/m.npz"], "no folder nowhere"),
        (["--out", "m.npz", "--seed", "1", "2"], "--out holds one network: give one --seed"),
    ],
)
def test_mistakes_exit_with_2_and_one_line(options, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, err = run(*TRAIN, *SHORT, "--epochs", 1, *options, code=2, capsys=capsys)
    assert re.search(message, one_line(err)), err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_test": None, "y_test": None}, "lacks x_test, y_test; it has"),
        ({"x_train": np.array([{}] * 20, dtype=object)}, "x_train of .* pickled Python objects"),
        ({"x_train": np.full((20, 3), np.nan)}, "`x_train` must be finite, but has 60 NaN"),
        ({"x_test": np.full((10, 3), np.inf)}, "`x_test` must be finite"),
        ({"x_test": np.zeros((10, 4))}, r"samples of one shape, but have \(3,\) and \(4,\)"),
        ({"y_train": np.zeros(20, int)}, r"y_test has the labels 1, but y_train has only 0"),
        ({"y_train": np.zeros(20), "y_test": np.zeros(10)}, "at least 2 classes, but holds 1"),
        ({"y_test": np.array(["a", "b"] * 5)}, "y_test has the labels a, b, but y_train"),
        ({"y_train": np.arange(19)}, "one row and one label per sample"),
        ({"y_train": np.eye(20), "y_test": np.eye(10)}, "one row and one label per sample"),
        ({"y_train": np.linspace(0, 1, 20), "y_test": np.linspace(0, 1, 20)[:10]}, "continuous"),
        ({"x_train": np.zeros((0, 3)), "y_train": np.zeros(0)}, "must hold samples"),
        ({"x_train": np.array([["a"] * 3] * 20)}, "must hold numbers"),
    ],
)
def test_data_that_cannot_be_used(changed, message, data, capsys):
    _, err = run("train", data(**changed), "--epochs", 1, code=2, capsys=capsys)
    assert re.search(message, one_line(err)), err


def test_files_that_cannot_be_used(model, data, tmp_path, capsys):
    def said(*argv, code=2):
        return one_line(run(*argv, code=code, capsys=capsys)[1])

    assert "must have shape (n, T, features)" in said("train", data(), "--input", "sequence")
    assert "no.npz does not exist" in said("train", tmp_path / "no.npz")
    assert "is a folder" in said("train", tmp_path)
    (tmp_path / "text.npz").write_text("hello")
    assert "text.npz is damaged or not an npz file" in said("train", tmp_path / "text.npz")
    assert "is not a saved model of lava_sqs: it holds" in said("evaluate", data(), data())
    assert "lacks x_train" in said("evaluate", model, model)
    assert "no.npz does not exist" in said("evaluate", tmp_path / "no.npz", "digits")
    assert "expecting 8 features" in said("evaluate", model, data())
    content = model.read_bytes()
    (tmp_path / "half.npz").write_bytes(content[: len(content) // 2])
    assert "half.npz is damaged" in said("evaluate", tmp_path / "half.npz", "digits")


def test_an_evaluation_that_makes_no_sense(model, data, capsys):
    def said(*options):
        return one_line(run("evaluate", model, *options, code=2, capsys=capsys)[1])

    other = data(y_train=np.arange(20) % 2 + 5, y_test=np.arange(10) % 2 + 5)
    assert "test labels of" in (text := said(other))
    assert "are 5, 6, but the model knows 0, 1: it was trained on other data" in text
    assert "--repeats must be at least 1" in said("digits", "--repeats", 0)
    assert "--runtime must be one of 'offline', 'lava'" in said("digits", "--runtime", "loihi")
    assert "--samples must be from 1 to 91" in said("digits", "--samples", 92)
    assert "--seed must be at least 0" in said("digits", "--seed", -1)
    assert "--noise must be one of" in said("digits", "--noise", "loud")


# -- from the shell --------------------------------------------------------------------------------


def test_a_disk_that_is_full_fails_with_1_and_one_line(tmp_path):
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    )
    script = f"{limit}; import sys; from lava_sqs.cli import main; sys.exit(main(sys.argv[1:]))"
    argv = [*TRAIN, *SHORT, "--epochs", "1", "--out", str(tmp_path / "m.npz")]
    done = subprocess.run(
        # -B: Python would keep byte code cut off at the limit, which nobody can import afterwards
        [sys.executable, "-B", "-c", script, *argv],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "m.npz could not be written: File too large" in one_line(done.stderr)
    assert os.listdir(tmp_path) == []


def test_ctrl_c_saves_the_best_model_and_exits_with_130(tmp_path):
    path, checkpoint = tmp_path / "m.npz", tmp_path / "run.npz"
    child = shell(
        *TRAIN, *SHORT, "--epochs", 10**6, "--out", path, "--checkpoint", checkpoint, "--json"
    )
    try:
        while not checkpoint.exists():  # the first epoch is over
            assert child.poll() is None, child.communicate()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=120)
    finally:
        child.kill()
    assert child.returncode == 130, err
    result = json.loads(out)
    assert result["interrupted"] is True
    assert result["epochs"] >= 1
    assert "interrupted after" in err
    assert "epoch/s" not in err
    assert SQSNN.load(path).n_iter_ == result["epochs"]


def test_nothing_but_the_object_on_standard_output(model):
    child = shell("evaluate", model, "digits", "--runtime", "lava", "--samples", 3, "--json")
    out, err = child.communicate(timeout=200)
    assert child.returncode == 0, err
    assert json.loads(out)["same_spikes"] is True
    assert err == ""
