"""Callbacks, the log, optimisers and weight decay, how long a training lasts, and its advice."""

import csv
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning

from lava_sqs.network import SQSNN, SQSNNRegressor
from lava_sqs.network.progress import COLUMNS, EpochRecord, epochs_of, rate_of, still_falling
from lava_sqs.optimizers import Optimizer

RNG = np.random.default_rng(0)
Y = np.arange(20) % 2
X = RNG.random((20, 3)) * 0.5 + 0.5 * Y[:, None]
GIVEN = {"hidden_layer_sizes": (2,), "n_steps": 3, "epochs": 4, "random_state": 0, "batch_size": 8}
KINDS = [SQSNN, SQSNNRegressor]


def make(kind=SQSNN, **arguments):
    return kind(**{**GIVEN, **arguments})


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


# -- callbacks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("held", [{}, {"validation_data": (X[:6], Y[:6])}])
def test_a_callback_gets_what_the_curves_have(kind, held):
    seen, predicted = [], []
    callbacks = [seen.append, lambda record: predicted.append(record.model.predict(X))]
    net = make(kind, callbacks=callbacks).fit(X, Y, **held)
    assert [r.epoch for r in seen] == [1, 2, 3, 4]
    assert [r.updates for r in seen] == [3, 6, 9, 12]
    assert net.n_updates_ == 12
    assert [r.loss for r in seen] == net.loss_curve_
    assert [r.spikes for r in seen] == net.spikes_curve_
    here, there = ("validation_score", "score") if held else ("score", "validation_score")
    assert [getattr(r, here) for r in seen] == net.accuracy_curve_
    assert [getattr(r, there) for r in seen] == [None] * 4
    rates = [r.learning_rate for r in seen]
    assert net.learning_rate_ > rates[0] > rates[-1] > 0  # a cosine
    assert all(r.seconds > 0 and r.model is net for r in seen)
    np.testing.assert_array_equal(predicted[-1], net.predict(X))
    silent = make(kind).fit(X, Y, **held)
    assert silent.loss_curve_ == net.loss_curve_  # asking changes nothing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", [True, np.True_])
def test_true_ends_the_training(kind, said):
    after = []
    net = make(kind, callbacks=[lambda record: said if record.epoch == 2 else None, after.append])
    net.fit(X, Y)
    assert net.n_iter_ == len(net.loss_curve_) == len(after) == 2  # the others hear of it too
    assert not net.interrupted_
    assert net.predict(X).shape == (20,)


@pytest.mark.parametrize("said", [1, 0.5, "stop", [1], object(), False, None])
def test_nothing_else_does(said):
    assert make(callbacks=lambda record: said).fit(X, Y).n_iter_ == 4


@pytest.mark.parametrize("kind", KINDS)
def test_an_exception_leaves_the_network_that_was_there(kind, tmp_path):
    def broken(record):
        if record.epoch == 6:
            raise LookupError("mine")

    file = tmp_path / "log.csv"
    net = make(kind, warm_start=True, callbacks=broken, log=file).fit(X, Y)
    before, curve = net.predict(X), list(net.loss_curve_)
    back = {k: v.copy() for k, v in net.feedback_["visible"].items()}
    with pytest.raises(LookupError, match="mine"):
        net.fit(X, Y)
    np.testing.assert_array_equal(net.predict(X), before)
    assert (net.n_iter_, net.loss_curve_) == (4, curve)
    np.testing.assert_equal(net.feedback_["visible"], back)
    assert len(rows(file)) == 6  # what was made is on record
    with pytest.raises(LookupError):
        make(kind, callbacks=broken, epochs=6).fit(X, Y)


def test_ctrl_c_in_a_callback_is_ctrl_c():
    def tired(record):
        if record.epoch == 2:
            raise KeyboardInterrupt

    assert make(callbacks=tired).fit(X, Y).interrupted_


@pytest.mark.parametrize("value", [3, "f", [print, 3], {"a": print}, np.array([1, 2])])
def test_callbacks_must_be_functions(value):
    with pytest.raises(TypeError, match="`callbacks` must be"):
        make(callbacks=value).fit(X, Y)


def test_callbacks_are_not_saved(tmp_path):
    net = make(callbacks=[print, lambda record: None][1:]).fit(X, Y)
    net.save(tmp_path / "net.npz")
    again = SQSNN.load(tmp_path / "net.npz")
    assert again.callbacks is None
    assert (again.n_updates_, again.learning_rate_) == (net.n_updates_, net.learning_rate_)
    assert clone(net).callbacks is not None


# -- the log ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_has_the_records(kind, tmp_path):
    file, seen = tmp_path / "log.csv", []

    def callback(record):
        seen.append(record)
        assert len(rows(file)) == record.epoch  # written when it is made

    net = make(kind, callbacks=callback, log=file, early_stopping=True, n_iter_no_change=9)
    net.fit(X, Y)
    found = rows(file)
    assert tuple(found[0]) == COLUMNS
    assert set(COLUMNS) < set(vars(seen[0]))
    for row, record in zip(found, seen, strict=True):
        for name in COLUMNS:
            value = getattr(record, name)
            assert row[name] == ("" if value is None else str(value))
            assert value is None or float(row[name]) == value


def test_fit_begins_a_log_anew_and_a_warm_start_adds_to_it(tmp_path):
    file = tmp_path / "log.csv"
    net = make(log=file, warm_start=True).fit(X, Y).fit(X, Y)
    assert [row["epoch"] for row in rows(file)] == list("12345678")
    assert [row["updates"] for row in rows(file)][-1] == str(net.n_updates_) == "24"
    make(log=file, epochs=2).fit(X, Y)
    assert [row["epoch"] for row in rows(file)] == ["1", "2"]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "notes", "epoch,updates\n", "\n"])
def test_another_file_is_not_overwritten(text, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match="`log` must name a new file or a log of a training"):
        make(log=file).fit(X, Y)
    assert file.read_text() == text


def test_where_no_log_can_be(tmp_path):
    with pytest.raises(FileNotFoundError, match="`log`"):
        make(log=tmp_path / "nowhere" / "log.csv").fit(X, Y)
    with pytest.raises(IsADirectoryError, match="`log`"):
        make(log=tmp_path).fit(X, Y)
    with pytest.raises(TypeError, match="`log`"):
        make(log=3).fit(X, Y)
    with pytest.raises(ValueError, match="`log` must be another file than `checkpoint`"):
        make(log=tmp_path / "a", checkpoint=tmp_path / "a").fit(X, Y)


@pytest.mark.parametrize(
    "tail", ["", "3,9,0.5", "3,9,0.5,0.5,,1.0,0.02,0.1\n4,12,0.", "5", "\x00\n"]
)
def test_a_resumed_training_has_no_row_twice(tail, tmp_path):
    """Whatever a killed training left after the rows of its checkpoint."""
    files = {"log": tmp_path / "log.csv", "checkpoint": tmp_path / "run.npz"}
    whole = make(log=tmp_path / "whole.csv").fit(X, Y)
    stop = make(callbacks=lambda record: record.epoch == 2, **files)
    stop.fit(X, Y)
    with open(files["log"], "a") as log:
        log.write(tail)
    make(resume=True, **files).fit(X, Y)
    columns = [c for c in COLUMNS if c != "seconds"]
    wanted, found = ([[r[c] for c in columns] for r in rows(f)] for f in
                     (tmp_path / "whole.csv", files["log"]))  # fmt: skip
    assert found == wanted
    assert [float(r["loss"]) for r in rows(files["log"])] == whole.loss_curve_


KILLED = """
import os, signal, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from lava_sqs.network import SQSNN, files
write, calls = files.write, []
def die(*arguments):
    calls.append(1)
    if len(calls) == 3 and sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    write(*arguments)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
files.write = die
Y = np.arange(20) % 2
X = np.random.default_rng(0).random((20, 3))
SQSNN((2,), n_steps=3, epochs=5, random_state=0, log="log.csv", checkpoint="run.npz").fit(X, Y)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_training_goes_on(when, tmp_path, monkeypatch):
    """Killed between the row and the checkpoint, or after both."""
    command = [sys.executable, "-c", KILLED, os.getcwd(), when]
    done = subprocess.run(command, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == -9
    assert [row["epoch"] for row in rows(tmp_path / "log.csv")] == ["1", "2", "3"]
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).random((20, 3))
    given = {"n_steps": 3, "epochs": 5, "random_state": 0}
    net = SQSNN((2,), **given, log="log.csv", checkpoint="run.npz", resume=True).fit(x, Y)
    assert [row["epoch"] for row in rows("log.csv")] == list("12345")
    assert [float(row["loss"]) for row in rows("log.csv")] == net.loss_curve_
    assert net.loss_curve_ == SQSNN((2,), **given).fit(x, Y).loss_curve_


# -- optimisers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_optimisers_are_chosen_and_kept(kind, tmp_path):
    own = Optimizer("sgd", momentum=0.5, clip=0.25)
    chosen = ["adam", "sgd", Optimizer("sgd"), own]
    nets = [make(kind, optimizer=o, learning_rate=0.1).fit(X, Y) for o in chosen]
    losses = [net.loss_curve_[-1] for net in nets]
    assert losses[1] == losses[2]  # a name is the optimiser with its defaults
    assert len(set(losses)) == 3
    assert own.state() == {}  # theirs is untouched, and no fit begins with the moments of another
    assert clone(nets[3]).fit(X, Y).loss_curve_ == nets[3].loss_curve_
    nets[3].save(tmp_path / "net.npz")
    assert repr(kind.load(tmp_path / "net.npz").optimizer) == repr(own)


def test_a_resumed_training_needs_the_same_optimiser(tmp_path):
    own = Optimizer("sgd", momentum=0.9)
    file = {"checkpoint": tmp_path / "run.npz"}
    whole = make(optimizer=own, weight_decay=0.5).fit(X, Y)
    make(optimizer=own, weight_decay=0.5, callbacks=lambda r: r.epoch == 2, **file).fit(X, Y)
    with pytest.raises(ValueError, match="optimizer"):
        make(optimizer="sgd", weight_decay=0.5, resume=True, **file).fit(X, Y)
    with pytest.raises(ValueError, match="weight_decay"):
        make(optimizer=own, resume=True, **file).fit(X, Y)
    again = make(optimizer=Optimizer("sgd", momentum=0.9), weight_decay=0.5, resume=True, **file)
    assert again.fit(X, Y).loss_curve_ == whole.loss_curve_


@pytest.mark.parametrize(
    ("value", "error"),
    [("rmsprop", ValueError), ("", ValueError), (3, TypeError), (None, TypeError)],
)
def test_unknown_optimisers(value, error):
    with pytest.raises(error, match="`optimizer`"):
        make(optimizer=value).fit(X, Y)


def weights_of(net):
    return np.concatenate(
        [w.ravel() for own in net.parameters_.values() for w in own.weights.values()]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("credit", ["aligned", "symmetric", "feedback"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weights_decay_apart_from_their_gradient(kind, credit, optimizer):
    """w <- (1 - eta lambda) w + step: in one update the difference is eta lambda w, to the bit."""
    one = {"epochs": 1, "batch_size": 20, "dtype": "float64", "credit": credit}
    one |= {"optimizer": optimizer, "neurons_per_class": 1} if kind is SQSNN else {
        "optimizer": optimizer}  # fmt: skip
    start = weights_of(make(kind, **one, learning_rate=1e-13).fit(X, Y))
    rate, fade = 0.05, 2.0
    plain, decayed = (
        make(kind, **one, learning_rate=rate, weight_decay=d).fit(X, Y) for d in (0.0, fade)
    )
    lost = weights_of(plain) - weights_of(decayed)
    np.testing.assert_allclose(lost, rate * fade * start, rtol=2e-3, atol=1e-9)
    assert np.abs(lost).max() > 1e-3
    for name, own in plain.parameters_.items():
        np.testing.assert_array_equal(own.bias, decayed.parameters_[name].bias)
        np.testing.assert_array_equal(own.angles, decayed.parameters_[name].angles)


def test_feedback_decays_as_the_weights_do():
    """Or it would no longer come to agree with them."""
    given = {"epochs": 1, "batch_size": 20, "learning_rate": 0.05, "neurons_per_class": 1}
    plain, decayed = (make(**given, weight_decay=d).fit(X, Y) for d in (0.0, 2.0))
    back = plain.feedback_["visible"]["hidden0"]
    assert np.abs(back).max() > 1e-2
    lost = back - decayed.feedback_["visible"]["hidden0"]
    assert np.abs(lost).max() > 1e-3


@pytest.mark.parametrize(("value", "more"), [(-0.1, {}), (20, {}), (2.0, {"learning_rate": 0.5}),
                                             (1.0, {"hidden_learning_rate": 1.5})])  # fmt: skip
def test_a_decay_that_cannot_be(value, more):
    with pytest.raises(ValueError, match="`weight_decay` must be"):
        make(weight_decay=value, **more).fit(X, Y)


# -- how long --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "n", "epochs"),
    [
        ({}, 200, 143),  # 7 mini-batches each
        ({}, 20, 200),  # no more
        ({}, 10_000, 5),  # no fewer
        ({}, 1000, 32),
        ({"batch_size": 10}, 1000, 10),
        ({"updates": 30}, 200, 5),
        ({"updates": 1}, 10_000, 1),
        ({"updates": 500}, 5, 500),
        ({"epochs": 3}, 200, 3),
    ],
)
def test_how_many_epochs(given, n, epochs):
    assert epochs_of(SQSNN(**given), n) == epochs
    assert epochs_of(SQSNNRegressor(**given), n) == epochs


def test_the_learning_rate_goes_with_the_updates():
    rates = [rate_of(SQSNN(), n) for n in (1, 300, 1000, 2000, 10**6, None)]
    np.testing.assert_allclose(rates, [0.05, 0.05, 0.02828, 0.02, 0.02, 0.02], atol=1e-5)
    assert rate_of(SQSNN(learning_rate=0.3), 1) == 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_updates_are_made_in_whole_epochs(kind):
    net = make(kind, epochs=None, updates=8).fit(X, Y)
    assert (net.n_iter_, net.n_updates_) == (3, 9)
    assert net.loss_curve_ == make(kind, epochs=3).fit(X, Y).loss_curve_
    with pytest.raises(ValueError, match="`updates` must be None if `epochs` is given"):
        make(kind, updates=8).fit(X, Y)
    for value, error in ((0, ValueError), (2.5, TypeError), ("many", TypeError), (True, TypeError)):
        with pytest.raises(error, match="`updates` must be"):
            make(kind, epochs=None, updates=value).fit(X, Y)


def test_online_updates_count_and_their_rate_is_that_of_long_trainings():
    net = make().partial_fit(X, Y, classes=[0, 1]).partial_fit(X[:8], Y[:8])
    assert (net.n_updates_, net.learning_rate_) == (4, 0.02)
    assert make().fit(X, Y).partial_fit(X, Y).n_updates_ == 15


# -- advice ----------------------------------------------------------------------------------------


def cosine(n):
    return 0.5 * (1 + np.cos(np.pi * np.arange(n) / n))


def falls(n, tau, rng, factors, noise=0.1, floor=0.3):
    """A loss that falls with what is moved, by e over a share tau of the training."""
    moved = np.cumsum(factors) / np.sum(factors)
    return floor + np.exp(-moved / tau) * 2 + rng.normal(0, noise, n)


@pytest.mark.parametrize("schedule", [np.ones, cosine])
@pytest.mark.parametrize("noise", ["normal", "standard_cauchy", "exponential"])
def test_flat_noisy_losses_give_no_alarm(schedule, noise):
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        n = int(rng.integers(16, 600))
        alarms += still_falling(0.7 + 0.2 * getattr(rng, noise)(size=n), schedule(n)) is not None
    assert alarms <= 1


@pytest.mark.parametrize("schedule", [np.ones, cosine])
def test_what_has_fallen_gives_no_alarm_and_what_falls_does(schedule):
    rng = np.random.default_rng(1)
    done, falling, noisy = 0, 0, 0
    for n in (20, 40, 100, 1000) * 25:
        done += still_falling(falls(n, 0.15, rng, schedule(n)), schedule(n)) is not None
        falling += still_falling(falls(n, 1.0, rng, schedule(n), 0.03), schedule(n)) is not None
        noisy += still_falling(falls(n, 1.0, rng, schedule(n), 3.0), schedule(n)) is not None
    assert done == 0
    assert falling == 100
    assert noisy < 40  # nobody can tell, but for the longest


def test_less_noise_at_the_end_of_a_cosine_is_no_fall_worth_more_training():
    rng = np.random.default_rng(2)
    for _ in range(50):
        factors = cosine(1000)
        loss = falls(1000, 0.1, rng, factors) + 0.1 * factors
        assert still_falling(loss, factors) is None


def test_few_updates_are_told_of():
    data = load_wine(return_X_y=True)
    text = "was still falling when training ended after 24 updates.*24 updates are few, 4 epochs"
    with pytest.warns(ConvergenceWarning, match=text) as caught:
        SQSNN((), epochs=4, random_state=0, learning_rate=0.01).fit(*data)
    assert caught[0].filename == __file__
    x = np.random.default_rng(0).random((200, 3))
    with pytest.warns(ConvergenceWarning, match="few, 10 epochs of 7"):
        SQSNNRegressor((), epochs=10, random_state=0, learning_rate=0.004).fit(x, x.sum(axis=1))


def test_trainings_that_were_ended_or_are_long_enough_say_nothing():
    data = load_wine(return_X_y=True)
    given = {"random_state": 0, "n_steps": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        stop = SQSNN((), epochs=40, callbacks=lambda r: r.epoch == 4, learning_rate=0.01, **given)
        stop.fit(*data)
        net = SQSNN((), **given).fit(*data)
        assert net.n_updates_ > 900
        SQSNN((), **given).fit(*load_iris(return_X_y=True))


def test_a_record_says_what_it_is():
    record = EpochRecord(1, 2, 0.5, None, 0.75, 3.0, 0.02, 0.1, model=object())
    assert "model" not in repr(record)
    assert record == EpochRecord(1, 2, 0.5, None, 0.75, 3.0, 0.02, 0.1)
