"""SQSNNRegressor as its users see it: shapes, series, repeating, saving, refusing."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from lava_sqs.data import windows
from lava_sqs.network import SQSNN, SQSNNRegressor
from lava_sqs.network.regression import RegressionTrainer
from lava_sqs.quantum import NoiseModel

RNG = np.random.default_rng(0)
STATIC = RNG.random((40, 3))
SERIES = RNG.random((24, 8, 2))
LENGTHS = np.array([8, 5, 6, 7] * 6)


def make(sizes=(3,), **arguments):
    given = {"n_readout": 12, "n_steps": 4, "epochs": 2, "random_state": 0, **arguments}
    return SQSNNRegressor(sizes, **given)


def series(sizes=(3,), **arguments):
    return make(sizes, input_kind="sequence", **arguments)


@pytest.fixture(scope="module", name="net")
def _net():
    return series(time_constant=1.5).fit(SERIES, SERIES.sum(axis=2))


@pytest.fixture(scope="module", name="sine")
def _sine():
    rng = np.random.default_rng(1)
    return windows(np.sin(np.arange(400) / 1.5) + 0.1 * rng.normal(size=400), 16)


@pytest.mark.parametrize("neuron", ["sqs", "lif"])
def test_one_step_ahead_of_a_noisy_sine(sine, neuron):
    X, y = sine
    net = series((8,), n_readout=60, epochs=15, learning_rate=0.02, neuron=neuron).fit(
        X[:200], y[:200]
    )
    persistence = 1 - ((y[250:] - X[250:, :, 0]) ** 2).mean() / y[250:].var()
    found = net.predict(X[250:], n_repeats=10)
    assert 1 - ((found - y[250:]) ** 2).mean() / y[250:].var() > persistence + 0.1
    assert net.score(X[250:], y[250:]) > 0.5
    assert net.loss_curve_[-1] < net.loss_curve_[0]
    assert len(net.score_curve_) == len(net.loss_curve_) == net.n_iter_ == 15


@pytest.mark.parametrize("neuron", ["sqs", "qlif"])
def test_values_of_static_samples(neuron):
    y = STATIC @ [[1.0, 0], [2, 0], [0, -30]] + [0, 500]
    net = make((8,), n_readout=60, epochs=60, neuron=neuron).fit(STATIC, y)
    assert net.score(STATIC, y) > 0.5  # of two outputs with other means and scales
    assert net.predict(STATIC).shape == (40, 2)


def test_a_readout_remembers_by_its_trace():
    """What comes and goes at random is recalled two steps later through a trace."""
    x = np.random.default_rng(0).integers(0, 2, (200, 12, 1)).astype(float)
    smooth = np.zeros_like(x)
    for t in range(12):
        smooth[:, t] = 0.7 * smooth[:, t - 1] + x[:, t] if t else x[:, 0]
    fits = [
        series((), n_readout=30, epochs=8, time_constant=tau)
        .fit(x, smooth[:, :, 0])
        .score_curve_[-1]
        for tau in (0.0, -1 / np.log(0.7))
    ]
    assert fits[1] > fits[0] + 0.1


@pytest.mark.parametrize(
    ("x", "y", "shape"),
    [
        (STATIC, np.zeros(40), (40,)),
        (STATIC, np.zeros((40, 1)), (40, 1)),
        (STATIC, np.zeros((40, 2)), (40, 2)),
        (SERIES, np.zeros(24), (24,)),
        (SERIES, np.zeros((24, 3)), (24, 3)),
        (SERIES, np.zeros((24, 8)), (24, 8)),
        (SERIES, np.zeros((24, 8, 1)), (24, 8, 1)),
        (SERIES, np.zeros((24, 8, 2)), (24, 8, 2)),
    ],
)
def test_what_is_predicted_has_the_shape_of_what_was_taught(x, y, shape, tmp_path):
    net = (make if x is STATIC else series)((), epochs=1).fit(x, y + 7)
    said = net.predict(x)
    assert said.shape == shape
    assert net.per_step_ == (len(shape) > 1 and x is SERIES and shape[1] == 8)
    assert np.abs(said - 7).max() < 5  # a constant is predicted near itself, in its units
    assert net.decode(net.simulate(x)).shape == shape
    assert net.score(x, y + RNG.normal(size=shape)) < 1
    net.save(tmp_path / "net.npz")
    np.testing.assert_array_equal(SQSNNRegressor.load(tmp_path / "net.npz").predict(x), said)


def test_eight_outputs_of_eight_steps_are_what_per_step_says():
    y = RNG.random((24, 8))
    assert not series((), epochs=1, per_step=False).fit(SERIES, y).per_step_
    assert series((), epochs=1).fit(SERIES, y).per_step_


@pytest.mark.parametrize("sizes", [(), (3,), (3, 2)])
@pytest.mark.parametrize("skip", [True, False])
def test_nothing_that_comes_later_has_a_part_in_a_prediction(sizes, skip):
    net = series(sizes, skip=skip, time_constant=2.0, epochs=1).fit(SERIES, SERIES[:, :, 0])
    other = SERIES.copy()
    other[:, 5:] = 1 - other[:, 5:]
    now, then = (net.decode(net.simulate(x, seed=3)) for x in (SERIES, other))
    np.testing.assert_array_equal(now[:, :5], then[:, :5])
    if skip or not sizes:
        assert (now[:, 5] != then[:, 5]).any()  # but what is there already has


def test_ragged_series_are_those_with_lengths(net):
    ragged = [x[:n] for x, n in zip(SERIES, LENGTHS, strict=True)]
    y = [x.sum(axis=1) for x in ragged]
    listed = series().fit(ragged, y)
    told = series().fit(SERIES, SERIES.sum(axis=2), lengths=LENGTHS)
    said = listed.predict(ragged)
    np.testing.assert_array_equal(told.predict(SERIES, lengths=LENGTHS), said)
    assert (np.isnan(said) == (np.arange(8) >= LENGTHS[:, None])).all()
    assert listed.loss_curve_ == told.loss_curve_
    assert listed.score(ragged, y) == told.score(SERIES, SERIES.sum(axis=2), lengths=LENGTHS)
    several = series().fit(ragged, [np.stack([v, v], axis=1) for v in y])
    assert several.predict(ragged).shape == (24, 8, 2)
    trains = net.simulate(SERIES, lengths=LENGTHS)
    assert (np.isnan(net.decode(trains, lengths=LENGTHS)) == np.isnan(said)).all()


def test_what_follows_a_sample_is_never_looked_at():
    y = SERIES.sum(axis=2)
    nets = []
    for rest in (np.nan, 3.0):
        x, values = SERIES.copy(), y.copy()
        for i, n in enumerate(LENGTHS):
            x[i, n:], values[i, n:] = 3.0, rest
        nets.append(series(time_constant=1.0).fit(x, values, lengths=LENGTHS))
    assert nets[0].loss_curve_ == nets[1].loss_curve_
    said = nets[0].predict(SERIES[:, :5])
    np.testing.assert_array_equal(said, nets[0].predict(SERIES, lengths=np.full(24, 5))[:, :5])


def test_zeros_at_the_end_are_values_where_there_is_something_to_predict():
    x, y = SERIES.copy(), SERIES.sum(axis=2)
    x[::2, -2:] = 0.0
    net = series(()).fit(x, y)
    assert np.isfinite(net.predict(x)).all()
    assert net.encode(x).shape == (24, 8, 2)
    with pytest.warns(UserWarning, match="12 of 24 sequences end with frames of zeros"):
        series(()).fit(x, y[:, 0])


def test_channels_first():
    y = SERIES.sum(axis=2)
    first = series((), channels_first=True).fit(SERIES.swapaxes(1, 2), y)
    last = series(()).fit(SERIES, y)
    np.testing.assert_array_equal(first.predict(SERIES.swapaxes(1, 2)), last.predict(SERIES))


def test_predictions_repeat_average_and_depend_on_no_order(net):
    whole = net.predict(SERIES)
    np.testing.assert_array_equal(net.predict(SERIES[::-1]), whole[::-1])
    assert (net.predict(SERIES, seed=1) != whole).any()
    many = [net.predict(SERIES, n_repeats=n) for n in (1, 20)]
    mean = net.predict(SERIES, n_repeats=200, seed=5)
    assert ((many[1] - mean) ** 2).mean() < 0.2 * ((many[0] - mean) ** 2).mean()
    noise = NoiseModel(p_read1_given0=0.5, p_read0_given1=0.5)
    apart = np.ptp(net.predict(SERIES, n_repeats=50, noise=noise).mean(axis=0)[2:])
    assert apart < 0.5 * np.ptp(SERIES.sum(axis=2))  # spikes that say nothing


def test_simulated_spikes_decode_to_predictions_of_the_same_law(net):
    said = net.predict(SERIES, n_repeats=60)
    decoded = [net.decode(net.simulate(SERIES, seed=s)) for s in range(60)]
    spread = np.std(decoded, axis=0) / np.sqrt(30)
    assert (np.abs(np.mean(decoded, axis=0) - said) < 5.5 * spread + 1e-9).all()


def test_copies_files_and_checkpoints(net, tmp_path):
    y = SERIES.sum(axis=2)
    said = net.predict(SERIES)
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        np.testing.assert_array_equal(other.predict(SERIES), said)
    assert clone(net).get_params() == net.get_params()
    file = tmp_path / "run.npz"
    whole = series(epochs=4).fit(SERIES, y)
    series(epochs=4, checkpoint=file).fit(SERIES, y)
    resumed = series(epochs=4, checkpoint=file, resume=True).fit(SERIES, y)
    assert resumed.loss_curve_ == whole.loss_curve_
    with pytest.raises(ValueError, match="other targets or samples"):
        series(epochs=4, checkpoint=file, resume=True).fit(SERIES, 2 * y)
    loaded = SQSNNRegressor.load(file)
    assert (loaded.n_parameters_, loaded.n_biases_) == (whole.n_parameters_, whole.n_biases_)
    assert whole.n_parameters_ == 3 * 2 + 12 * 5 + 8 * 15 + 12
    with pytest.raises(ValueError, match=r"holds an 'SQSNNRegressor'.*load it by that class"):
        SQSNN.load(file)
    classes = SQSNN((), neurons_per_class=1, epochs=1).fit(STATIC, STATIC[:, 0] > 0.5)
    classes.save(file)
    with pytest.raises(ValueError, match="holds an 'SQSNN'"):
        SQSNNRegressor.load(file)


def test_a_training_that_is_interrupted_goes_on(monkeypatch, tmp_path):
    y, file = SERIES.sum(axis=2), tmp_path / "run.npz"
    whole = series(epochs=4).fit(SERIES, y)
    written = []
    write = RegressionTrainer._write

    def once(self, path):
        write(self, path)
        written.append(path)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(RegressionTrainer, "_write", once)
    assert series(epochs=4, checkpoint=file).fit(SERIES, y).interrupted_
    monkeypatch.undo()
    resumed = series(epochs=4, checkpoint=file, resume=True).fit(SERIES, y)
    assert resumed.loss_curve_ == whole.loss_curve_
    np.testing.assert_array_equal(resumed.predict(SERIES), whole.predict(SERIES))


def test_a_warm_start_goes_on_in_the_units_of_the_first(net):
    y = SERIES.sum(axis=2)
    net = series(warm_start=True).fit(SERIES, y)
    mean = net.target_mean_.copy()
    net.fit(SERIES, y + 1)
    np.testing.assert_array_equal(net.target_mean_, mean)
    assert net.n_iter_ == 4
    with pytest.raises(ValueError, match="`y` must have 1 outputs as in the first fit"):
        net.fit(SERIES, np.stack([y, y], axis=2))
    with pytest.raises(ValueError, match="`n_readout` must be that of the first fit"):
        net.set_params(n_readout=5).fit(SERIES, y)


def test_early_stopping_and_cross_validation(sine):
    X, y = sine
    net = series((), early_stopping=True, n_iter_no_change=2, epochs=12, n_readout=30)
    net.fit(X[:120], y[:120])
    best = max(net.score_curve_)
    assert best > 0
    scores = cross_val_score(make((), epochs=20), STATIC, STATIC.sum(axis=1), cv=2)
    assert scores.shape == (2,)


def test_sample_weights_of_a_score(net):
    y = SERIES.sum(axis=2)
    weight = np.zeros(24)
    weight[:7] = 1
    assert net.score(SERIES, y, weight) == pytest.approx(net.score(SERIES[:7], y[:7]))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full((24, 8), np.nan), "`y` must be finite, but sample 0 in step 0"),
        (np.full(24, np.inf), "`y` must be finite, but sample 0 has"),
        (np.zeros((24, 8, 2, 1)), "`y` must have shape"),
        (np.zeros(23), "inconsistent numbers of samples"),
        ([np.zeros(8)] * 23 + [np.zeros(5)], "sample 23 has 5 for 8 steps"),
        (np.array(["a"] * 24), "`y` must hold real numbers"),
        (np.zeros(24, complex), "`y` must hold real numbers"),
        (None, "requires y"),
    ],
)
def test_bad_targets_are_named(y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        series(()).fit(SERIES, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_readout": 0}, "`n_readout` must be at least 1"),
        ({"n_readout": 2.5}, "`n_readout`"),
        ({"time_constant": -1}, "`time_constant` must be at least 0"),
        ({"readout_learning_rate": 0}, "`readout_learning_rate` must be above 0"),
        ({"per_step": 1}, "`per_step`"),
        ({"per_step": True}, r"`y` must have shape \(n, 8\)"),
        ({"rule": "as-published"}, "`rule` must be 'exact' or 'window'"),
        ({"encoder": "latency"}, "`encoder`"),
        ({"epochs": 0}, "`epochs` must be at least 1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        series((), **arguments).fit(SERIES, np.zeros(24))
    if arguments.get("per_step") is True:
        with pytest.raises(ValueError, match="`per_step` belongs to"):
            make((), per_step=True).fit(STATIC, np.zeros(40))


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (np.zeros((2, 10, 5)), "`spikes` must have shape"),
        (np.zeros((2, 2, 12)), "`spikes` must have more than 2 steps"),
    ],
)
def test_bad_spikes_are_named(net, spikes, message):
    with pytest.raises(ValueError, match=message):
        net.decode(spikes)


def test_a_run_in_lava_decodes_to_the_same_values():
    pytest.importorskip("lava")
    net = series((2,), n_readout=4, epochs=1).fit(SERIES, SERIES.sum(axis=2))
    in_lava, offline = net.run_in_lava(SERIES[:3]), net.simulate(SERIES[:3])
    np.testing.assert_array_equal(net.decode(in_lava), net.decode(offline))
    process = net.to_lava()
    assert net.from_lava(process) is net
    assert np.isfinite(net.predict(SERIES)).all()
