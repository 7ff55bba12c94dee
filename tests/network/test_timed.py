"""Learned weights of the readout in time: the gradient, where they go, files, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.network import SQSNN, LIFNeuron, SQSNNRegressor, feed_forward, timed
from lava_sqs.network.count import count_gradient
from lava_sqs.network.gradient import initialise
from lava_sqs.network.readout import count_scores
from lava_sqs.network.sequences import counted_steps
from lava_sqs.network.spec import READOUT

SERIES = {"input_kind": "sequence", "encoder": "current"}


def late(n, steps=24, seed=0):
    """Return series whose last quarter tells the class, and whose beginning tells a wrong one."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(0, 0.5, (n, steps, 1))
    x[:, -steps // 4 :, 0] += 2 * y[:, None] - 1
    wrong = rng.integers(0, 2, n)
    x[:, : steps // 2, 0] += 2 * wrong[:, None] - 1
    return x, y


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 2))
def test_weights_of_one_are_the_plain_count_at_any_length(lengths, depth):
    own = np.arange(max(lengths)) < np.array(lengths)[:, None]
    counted = counted_steps(own, 1, depth)
    h = timed.triangles(counted)
    assert np.allclose(timed.weights_of(timed.start(), h), counted)
    assert (h >= 0).all()
    first, last = counted.argmax(axis=0), len(counted) - 1 - counted[::-1].argmax(axis=0)
    for i, n in enumerate(counted.sum(axis=0)):
        assert h[0, first[i], i] == 1
        assert h[-1, last[i], i] == (n > 1)


def test_the_gradient_is_that_of_log_q():
    rng = np.random.default_rng(3)
    net = feed_forward(3, (4,), 6, LIFNeuron())
    inputs, labels = rng.normal(size=(9, 5, 3)), rng.integers(0, 2, 5)
    start = initialise(net, inputs, rng)
    own = timed.start()
    own.weights[timed.TIME][0] = rng.uniform(0.2, 2.0, timed.KNOTS)

    def at(v):
        weights = timed.start()
        weights.weights[timed.TIME][0] = v
        return count_gradient(
            net, start, inputs, labels, 2, np.random.default_rng(8), inverse_temperature=0.7,
            n_draws=3, timed=weights)  # fmt: skip

    v = own.weights[timed.TIME][0]
    found = at(v).gradient[READOUT].weights[timed.TIME][0]
    step = 1e-5
    for j in range(timed.KNOTS):
        ends = [at(v + sign * step * np.eye(timed.KNOTS)[j]) for sign in (1, -1)]
        slope = (ends[0].log_likelihood.mean() - ends[1].log_likelihood.mean()) / (2 * step)
        assert found[j] == pytest.approx(slope, abs=1e-8)


def test_moved_weights_stay_a_mean_of_one_and_none_is_negative():
    own = timed.start()
    own.weights[timed.TIME][0, :3] = -1.0
    timed.settle(own)
    v = own.weights[timed.TIME]
    assert v.mean() == pytest.approx(1)
    assert (v >= 0).all()
    assert (v[0, :3] == 0).all()
    own.weights[timed.TIME][:] = -1.0
    timed.settle(own)
    assert (own.weights[timed.TIME] == 1).all()


@pytest.mark.slow
def test_a_train_whose_end_decides_is_read_at_its_end():
    (x, y), (x_test, y_test) = late(200), late(400, seed=1)
    common = {"input_kind": "sequence", "encoder": "current", "random_state": 0, "epochs": 30}
    learned = SQSNN((), readout_from="learned", **common).fit(x, y)
    v = learned.parameters_[READOUT].weights[timed.TIME][0]
    assert v[-2:].mean() > 1.5 > 0.9 > v[:4].mean()
    plain = SQSNN((), **common).fit(x, y)
    assert learned.score(x_test, y_test) > plain.score(x_test, y_test) + 0.05
    assert learned.n_parameters_ == plain.n_parameters_ + timed.KNOTS


def test_files_decide_and_going_on_keep_the_weights(tmp_path):
    x, y = late(30)
    clf = SQSNN(
        (),
        readout_from="learned",
        **SERIES,
        epochs=3,
        random_state=1,
        warm_start=True,
        checkpoint=tmp_path / "go.npz",
    ).fit(x, y)
    v = clf.parameters_[READOUT].weights[timed.TIME].copy()
    assert not np.allclose(v, 1)
    clf.save(tmp_path / "a.npz")
    again = SQSNN.load(tmp_path / "a.npz")
    assert np.array_equal(again.decision_function(x), clf.decision_function(x))
    best = SQSNN.load(tmp_path / "go.npz").parameters_[READOUT].weights[timed.TIME]
    assert best.mean() == pytest.approx(1)
    assert not np.allclose(best, 1)
    assert np.array_equal(clf.decide(clf.simulate(x)), clf.predict(x))
    short = x[:, :9]
    assert clf.predict(short).shape == (30,)
    plain = clf.set_params(readout_from=0.0).decision_function(x)
    assert not np.allclose(plain, again.decision_function(x))
    clf.set_params(readout_from="learned").fit(x, y)
    assert not np.array_equal(clf.parameters_[READOUT].weights[timed.TIME], v)


def test_a_checkpoint_goes_on_as_if_never_cut(tmp_path):
    x, y = late(30)

    def make(**more):
        return SQSNN((3,), readout_from="learned", input_kind="sequence", encoder="current",
                     random_state=1, schedule="constant", **more)  # fmt: skip

    whole = make(epochs=4).fit(x, y)
    make(epochs=2, learning_rate=whole.learning_rate_, checkpoint=tmp_path / "c.npz").fit(x, y)
    rest = make(epochs=4, learning_rate=whole.learning_rate_, checkpoint=tmp_path / "c.npz",
                resume=True).fit(x, y)  # fmt: skip
    assert np.array_equal(
        rest.parameters_[READOUT].weights["time"],
        whole.parameters_[READOUT].weights["time"],
    )


def test_one_sample_at_a_time_learns_them_too():
    x, y = late(12)
    clf = SQSNN(
        (), readout_from="learned", input_kind="sequence", encoder="current", random_state=0
    )
    for i in range(12):
        clf.partial_fit(x[i : i + 1], y[i : i + 1], classes=[0, 1])
    assert not np.allclose(clf.parameters_[READOUT].weights[timed.TIME], 1)


def test_lava_reads_out_the_same():
    x, y = late(8, steps=8)
    clf = SQSNN((), readout_from="learned", input_kind="sequence", encoder="current", epochs=3,
                random_state=0).fit(x, y)  # fmt: skip
    there = clf.evaluate(x, y, runtime="lava")
    assert there.same_spikes
    assert there.accuracy == clf.evaluate(x, y).accuracy


def test_ties_between_weighted_counts_go_to_who_spoke_later():
    spikes = np.array([[[1, 0]], [[0, 1]], [[0, 0]]])
    weights = np.array([[0.5], [0.5], [3.3]])
    scores = count_scores(spikes, 2, weights)
    assert scores.argmax(axis=1) == [1]
    assert np.allclose(scores, 0.5, atol=1e-6)


def test_what_is_refused(tmp_path):
    x, y = late(10)
    given = {"input_kind": "sequence", "encoder": "current", "epochs": 1, "random_state": 0}
    for more in ({"objective": "likelihood"}, {"targets": "pairs"}, {"readout": "likelihood"}):
        with pytest.raises(ValueError, match=r"`readout_from`.*'learned'"):
            SQSNN((), readout_from="learned", **given, **more).fit(x, y)
    with pytest.raises(ValueError, match="`readout_from` must be a number in"):
        SQSNN((), readout_from="late", **given).fit(x, y)
    with pytest.raises(ValueError, match="`readout_from`"):
        SQSNN((), readout_from="learned", **given).fit(x, np.repeat(y[:, None], 24, axis=1))
    with pytest.raises((ValueError, TypeError), match="`readout_from` must"):
        SQSNNRegressor((), readout_from="learned", **given).fit(x, y + 0.1)
    plain = SQSNN((), **given).fit(x, y).set_params(readout_from="learned")
    with pytest.raises(ValueError, match="must be given to fit"):
        plain.predict(x)
