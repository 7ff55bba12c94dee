"""A class in every time step: the signal, literally and by enumeration; data of every form."""

from itertools import product

import numpy as np
import pytest
from scipy.special import log_softmax

from lava_sqs.network import SQSNN, LIFNeuron, SQSNeuron, feed_forward
from lava_sqs.network.gradient import initialise
from lava_sqs.network.regression import Reading
from lava_sqs.network.simulate import forward
from lava_sqs.network.stepwise import faded, judge_steps, step_scores, stepwise_gradient
from lava_sqs.quantum import ansatz

RNG = np.random.default_rng(0)


class Fixed:
    """A generator of given uniforms."""

    def __init__(self, *uniforms):
        self.uniforms = list(uniforms)

    def random(self, shape):
        found = self.uniforms.pop(0)
        assert found.shape == shape
        return found


# -- the signal ------------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.6])
@pytest.mark.parametrize("per_class", [1, 2])
def test_what_a_neuron_is_told_is_the_derivative_of_the_loss(decay, per_class, monkeypatch):
    """v = d (mean log q_y) / d said, by finite differences, with steps that have no label."""
    spec = feed_forward(2, (), 3 * per_class, LIFNeuron())
    inputs = RNG.random((5, 2, 2))
    start = initialise(spec, inputs, RNG)
    own = np.array([[1, 1], [1, 0], [1, 1], [1, 0], [1, 0]], dtype=bool)
    labels, reading, beta = RNG.integers(0, 3, (5, 2)), Reading(decay, 1, 5), 0.7
    told = {}
    monkeypatch.setattr(
        "lava_sqs.network.stepwise.from_value",
        lambda spec, parameters, traces, value, **more: told.update(v=value, t=traces) or {},
    )
    found = stepwise_gradient(
        spec, start, inputs, labels, 3, np.random.default_rng(1), reading,
        inverse_temperature=beta, own=own,
    )  # fmt: skip
    trace = told["t"][-1].out
    said = 0.5 * (trace.spikes + trace.p_spike)

    def worth(said):
        log_q = log_softmax(beta * faded(said, reading, 3), axis=2)
        right = np.take_along_axis(log_q, labels[:, :, None], axis=2)[:, :, 0]
        return ((right * own).sum(axis=0) / own.sum(axis=0)).sum()

    assert found.log_likelihood.sum() == pytest.approx(worth(said))
    for index in np.ndindex(said.shape):
        step = np.zeros(said.shape)
        step[index] = 1e-6
        slope = (worth(said + step) - worth(said - step)) / 2e-6
        assert told["v"][index] == pytest.approx(slope, abs=1e-8)
    assert np.abs(told["v"]).max() > 0.01


def enumerated(decay, beta, neuron):
    """Return the true gradient of the expected log q_y, and the mean of the rule's: all trains."""
    spec = feed_forward(2, (), 2, neuron)
    rng = np.random.default_rng(5)
    inputs = rng.random((2, 1, 2))
    start = initialise(spec, inputs, rng)
    if isinstance(neuron, SQSNeuron):
        start["visible"].angles += rng.normal(0, 0.5, start["visible"].angles.shape)
    labels, reading = np.array([[0], [1]]), Reading(decay, 1, 2)
    trains = [np.array(bits).reshape(3, 1, 2) for bits in product((0, 1), repeat=6)]

    def law(train):
        traces = forward(spec, start, inputs, [np.zeros((3, 1, 2))], train.astype(np.int8))
        return traces[-1]

    def expected():
        total = 0.0
        for train in trains:
            trace = law(train)
            said = 0.5 * (train + trace.out.p_spike)
            log_q = log_softmax(beta * faded(said, reading, 2), axis=2)
            worth = np.take_along_axis(log_q, labels[:, :, None], axis=2).mean()
            total += np.exp(trace.out.log_likelihood.sum()) * worth
        return total

    mean = None
    for train in trains:
        weight = np.exp(law(train).out.log_likelihood.sum())
        u = np.where(train == 1, 1 - 1e-15, 0.0)  # the numbers that draw this train
        found = stepwise_gradient(
            spec, start, inputs, labels, 2, Fixed(u), reading, inverse_temperature=beta, held=False
        ).gradient["visible"]
        flat = weight * np.concatenate([a.ravel() for a in found.arrays().values()])
        mean = flat if mean is None else mean + flat
    slopes, h = [], 1e-5
    for array in start["visible"].arrays().values():
        for index in np.ndindex(array.shape):
            keep = array[index]
            array[index] = keep + h
            up = expected()
            array[index] = keep - h
            slopes.append((up - expected()) / (2 * h))
            array[index] = keep
    return np.array(slopes), mean


@pytest.mark.parametrize("decay", [0.0, 0.6])
def test_the_mean_of_the_rule_is_the_gradient_to_first_order(decay):
    """By enumeration of all trains, of a neuron without memory; the rest falls with beta."""
    off = {}
    for beta in (0.02, 0.2):
        true, mean = enumerated(decay, beta, LIFNeuron(leak=1e-12))
        off[beta] = np.abs(mean - true).max() / np.abs(true).max()
    assert off[0.02] < 0.02
    assert off[0.02] < 0.2 * off[0.2]
    assert off[0.2] < 0.2


@pytest.mark.parametrize("neuron", [SQSNeuron(ansatz.layered()), LIFNeuron()], ids=["sqs", "lif"])
def test_with_a_memory_it_lacks_only_what_being_measured_does_later(neuron):
    true, mean = enumerated(0.6, 0.02, neuron)
    assert true @ mean > 0.99 * np.linalg.norm(true) * np.linalg.norm(mean)


def test_scores_are_faded_counts():
    spikes = np.zeros((5, 1, 4), dtype=np.int8)
    spikes[1, 0, [0, 1]] = spikes[2, 0, 3] = spikes[4, 0, 2] = 1  # two classes of two neurons
    own = np.array([[True, True, True, False]])
    scores = step_scores(spikes, own, Reading(0.5, 1, 4), 2)[0]
    np.testing.assert_allclose(scores[:3], [[2, 0], [1, 1], [0.5, 0.5]])
    assert np.isnan(scores[3]).all()
    alone = step_scores(spikes, own, Reading(0.0, 1, 4), 2)[0]
    np.testing.assert_array_equal(np.floor(alone[:3]), [[2, 0], [0, 1], [0, 0]])
    assert alone[2, 1] == alone[2, 0]  # equal counts, and equally much shortly before


# -- the estimator ---------------------------------------------------------------------------------


def signs(n=80, steps=12, seed=0):
    """Which of two inputs was larger, now and a step ago together: a class per step."""
    x = np.random.default_rng(seed).random((n, steps, 2))
    d = x[:, :, 0] - x[:, :, 1]
    d[:, 1:] = d[:, 1:] + 0.5 * d[:, :-1]
    return x, (d > 0).astype(int)


def make(**arguments):
    given = {"hidden_layer_sizes": (), "input_kind": "sequence", "encoder": "current"}
    return SQSNN(**{**given, "epochs": 2, "random_state": 0, **arguments})


@pytest.mark.parametrize("neuron", ["sqs", "lif"])
@pytest.mark.parametrize("sizes", [(), (8,)])
def test_a_class_per_step_is_learned(neuron, sizes):
    x, y = signs(200)
    net = make(hidden_layer_sizes=sizes, epochs=25, neuron=neuron).fit(x[:150], y[:150])
    assert net.per_step_
    assert net.predict(x).shape == y.shape
    assert net.score(x[150:], y[150:]) > 0.8
    assert net.loss_curve_[-1] < net.loss_curve_[0] < 0.75


def test_memory_of_spikes_helps_where_classes_stay():
    rng = np.random.default_rng(0)
    y = np.repeat(rng.integers(0, 2, (120, 3)), 8, axis=1)
    x = rng.normal(size=(120, 24, 1)) + 1.2 * (y[:, :, None] - 0.5)
    given = {"epochs": 30}
    short, long = (
        make(**given, time_constant=tau).fit(x[:80], y[:80]).score(x[80:], y[80:])
        for tau in (0.0, 3.0)
    )
    assert long > short + 0.05


@pytest.mark.parametrize(
    ("names", "none"),
    [(["a", "b"], ""), ([3, 7], -1), ([-4, 0], -5), ([False, True], -1), ([0.0, 1.0], np.nan)],
)
def test_padding_is_nobodys(names, none):
    x, y = signs(30)
    ends = np.random.default_rng(1).integers(4, 13, 30)
    labels = np.array(names)[y]
    own = np.arange(12) < ends[:, None]
    lists = make().fit([a[:k] for a, k in zip(x, ends, strict=True)],
                       [b[:k] for b, k in zip(labels, ends, strict=True)])  # fmt: skip
    junk = labels.copy()
    junk[~own] = labels[0, 0]
    by_length = make().fit(x, junk, lengths=ends)
    by_mask = make().fit(np.where(own[:, :, None], x, 77.0), junk, mask=own)
    for net in (by_length, by_mask):
        assert net.loss_curve_ == lists.loss_curve_
    said = by_length.predict(x, lengths=ends)
    np.testing.assert_array_equal(said[~own], np.full((~own).sum(), none))
    assert set(np.unique(said[own]).tolist()) <= set(names)
    np.testing.assert_array_equal(by_mask.predict(x, mask=own), said)
    p = by_length.predict_proba(x, lengths=ends)
    assert p.shape == (30, 12, 2)
    np.testing.assert_allclose(p[own].sum(axis=1), 1)
    assert np.isnan(p[~own]).all()
    assert by_length.decision_function(x, lengths=ends).shape == (30, 12)
    found = by_length.evaluate(x, junk, lengths=ends, n_repeats=2)
    assert found.confusion.sum() == 2 * own.sum()
    one = by_length.evaluate(x, junk, lengths=ends)
    assert one.accuracy == pytest.approx(by_length.score(x, junk, lengths=ends))
    assert one.accuracy == pytest.approx((said == labels)[own].mean())


def test_labels_of_padding_are_no_classes():
    x, y = signs(30)
    y[:, 9:] = -1
    net = make().fit(x, y, lengths=np.full(30, 9))
    assert net.classes_.tolist() == [0, 1]
    with pytest.raises(ValueError, match="known classes"):
        net.score(x, y)


def test_any_length_in_predict_and_causal():
    x, y = signs(40)
    net = make(hidden_layer_sizes=(4,), skip=False, time_constant=2.0).fit(x, y)
    assert net.predict(RNG.random((3, 40, 2))).shape == (3, 40)
    train = net.simulate(x[:1])[0]
    for k in (3, 7):
        later = np.concatenate([train[: k + 2], 1 - train[k + 2 :]])[None]
        np.testing.assert_array_equal(net.decide(later)[0, :k], net.decide(train[None])[0, :k])


def test_online_in_files_and_on_from_there(tmp_path):
    x, y = signs(60)
    net = make().partial_fit(x[:30], y[:30], classes=[0, 1, 2])
    net.partial_fit([x[30], x[31, :5]], [y[30], y[31, :5]])
    assert (net.n_iter_, net.classes_.tolist()) == (2, [0, 1, 2])
    net.save(tmp_path / "net.npz")
    again = SQSNN.load(tmp_path / "net.npz")
    assert again.per_step_
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    again.set_params(warm_start=True, early_stopping=True).fit(x, y)
    with pytest.raises(ValueError, match="`y` must have one label per time step"):
        again.fit(x, y[:, 0])
    with pytest.raises(ValueError, match="`y` must have one label per sample"):
        make(warm_start=True).fit(x, y[:, 0]).fit(x, y)
    whole = make(epochs=4, checkpoint=tmp_path / "a.npz").fit(x, y)
    make(epochs=4, checkpoint=tmp_path / "b.npz", callbacks=lambda r: r.epoch == 2).fit(x, y)
    resumed = make(epochs=4, checkpoint=tmp_path / "b.npz", resume=True).fit(x, y)
    assert resumed.loss_curve_ == whole.loss_curve_


def test_validation_data_and_weights():
    x, y = signs(60)
    net = make().fit(x[:30], y[:30], validation_data=(x[30:], y[30:]))
    assert net.accuracy_curve_[-1] == pytest.approx(net.score(x[30:], y[30:]))
    weight = np.r_[np.ones(30), np.zeros(30)]
    made = make().fit(x, y, sample_weight=weight)
    assert made.loss_curve_ == make().fit(x, y, sample_weight=7 * weight).loss_curve_
    assert made.score(x, y, sample_weight=weight) == pytest.approx(made.score(x[:30], y[:30]))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"readout": "likelihood"}, "readout"),
        ({"objective": "likelihood"}, "objective"),
        ({"targets": "pairs"}, "targets"),
        ({"rule": "as-published"}, "rule"),
        ({"readout_from": 0.5}, "readout_from"),
        ({"class_weight": "balanced"}, "class_weight"),
    ],
)
def test_what_is_about_one_class_per_sample_is_refused(arguments, name):
    x, y = signs(20)
    with pytest.raises(ValueError, match=f"`{name}`.*one per time step"):
        make(**arguments).fit(x, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda y: y[:, :5],
            r"`y` must have shape \(20,\) for one label per sample, or \(20, 12\)",
        ),
        (lambda y: y[:10], "`y` must have shape"),
        (lambda y: 0 * y, "at least 2 classes"),
        (lambda y: y + 0.5, "label type"),
        (lambda y: [*y[:-1], y[-1][:5]], "`y` must have as many labels as X has time steps"),
        (lambda y: [*y[:-1], []], "`y` must have a label for each time step"),
    ],
)
def test_labels_that_do_not_fit(change, message):
    x, y = signs(20)
    with pytest.raises(ValueError, match=message):
        make().fit(x, change(y))
    for value in (-1.0, "3"):
        with pytest.raises((ValueError, TypeError), match="`time_constant`"):
            make(time_constant=value).fit(x, y)


def test_a_column_of_labels_is_one_per_sample():
    x, y = signs(20)
    with pytest.warns(UserWarning, match="column-vector"):
        assert not make().fit(x, y[:, :1]).per_step_


def test_steps_of_one_sequence_are_not_independent():
    """The interval is as wide as the sequences are different."""
    truth = np.zeros((30, 50), dtype=int)
    own = np.ones(truth.shape, dtype=bool)
    together = np.repeat(np.arange(30) < 6, 50).reshape(30, 50).astype(int)
    apart = (np.arange(1500).reshape(30, 50) % 5 == 0).astype(int)
    wide, narrow = (judge_steps(g[None], truth, own, 2, 0.0) for g in (together, apart))
    assert wide.accuracy == narrow.accuracy == pytest.approx(0.8)
    widths = [e.interval[1] - e.interval[0] for e in (wide, narrow)]
    assert widths[0] > 0.25
    assert widths[1] < 0.05
    assert wide.interval[0] < 0.8 < wide.interval[1]


def test_lava_says_the_same():
    x, y = signs(20, 6)
    net = make(hidden_layer_sizes=(3,), time_constant=1.5).fit(x, y)
    found = net.evaluate(x[:3], y[:3], runtime="lava")
    assert found.same_spikes
    spikes = net.run_in_lava(x[:3])
    assert (net.decide(spikes) == y[:3]).mean() == pytest.approx(found.accuracy)


def test_augmented_samples_are_what_trains():
    x, y = signs(40)
    seen = []

    def augment(shown, rng):
        seen.append(len(shown))
        return np.clip(shown + 0.3 * rng.standard_normal(shown.shape), 0, 1)

    net = make(augment=augment).fit(x, y)
    assert sum(seen) == 2 * 40
    assert net.loss_curve_ != make().fit(x, y).loss_curve_
