"""Sequences of different lengths: lists, lengths, masks, NaN; what counts, and what is refused."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import cross_val_score

from lava_sqs.network import SQSNN, LIFNeuron, feed_forward
from lava_sqs.network.readout import count_scores
from lava_sqs.network.sequences import counted_steps, ends

RNG = np.random.default_rng(0)
Y = np.arange(24) % 2
LENGTHS = np.concatenate([[9, 9], RNG.integers(2, 9, 22)])
SERIES = [RNG.random((n, 2)) * 0.5 + 0.5 * y for n, y in zip(LENGTHS, Y, strict=True)]
TRAINS = [(x > 0.6).astype(int) for x in SERIES]
KINDS = {"sequence": SERIES, "spikes": TRAINS}
SMALL = {"hidden_layer_sizes": (3,), "ansatz": "paper", "epochs": 2, "random_state": 3}


def make(**arguments):
    given = {"input_kind": "sequence", "neurons_per_class": 1}
    return SQSNN(**{**SMALL, **given, **arguments})


def padded(samples, steps, fill=0.0):
    x = np.full((len(samples), steps, samples[0].shape[1]), fill, dtype=float)
    for row, own in zip(x, samples, strict=True):
        row[: len(own)] = own
    return x


def mask_of(lengths, steps):
    return np.arange(steps) < np.asarray(lengths)[:, None]


def arrays(clf):
    return [a for own in clf.parameters_.values() for a in own.arrays().values()]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module", name="fitted", params=[{}, {"skip": False}, {"encoder": "current"}])
def _fitted(request):
    return make(hidden_layer_sizes=(3, 2), **request.param).fit(SERIES, Y)


# -- one meaning, four ways to say it --------------------------------------------------------------


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_lists_lengths_masks_and_nan_are_the_same_network(kind, first):
    samples = KINDS[kind]
    turned = (lambda x: x.swapaxes(-1, -2)) if first else (lambda x: x)
    x, mask = turned(padded(samples, 12, 1.0)), mask_of(LENGTHS, 12)
    ways = [
        ([turned(s) for s in samples], {}),
        (tuple(turned(s).tolist() for s in samples), {}),
        (x, {"lengths": LENGTHS}),
        (x, {"lengths": LENGTHS.tolist()}),
        (x, {"mask": mask}),
        (turned(padded(samples, 30, np.nan)), {}),
    ]
    nets = [make(input_kind=kind, channels_first=first).fit(w, Y, **more) for w, more in ways]
    said = nets[0].predict_proba(ways[0][0])
    for clf, (w, more) in zip(nets, ways, strict=True):
        assert same(arrays(clf), arrays(nets[0]))
        assert clf.n_features_in_ == (2 if first else 9)
        assert clf.steps_per_sample_ == 9 + 2
        np.testing.assert_array_equal(clf.predict_proba(w, **more), said)
        np.testing.assert_array_equal(clf.simulate(w, **more), nets[0].simulate(ways[0][0]))
        np.testing.assert_array_equal(clf.encode(w, **more), nets[0].encode(ways[0][0]))
        assert clf.score(w, Y, **more) == clf.evaluate(w, Y, **more).accuracy


def test_full_lengths_change_nothing():
    x = RNG.random((24, 9, 2)) + 0.1
    plain, told = make().fit(x, Y), make().fit(x, Y, lengths=np.full(24, 9))
    assert same(arrays(plain), arrays(told))
    np.testing.assert_array_equal(plain.predict_proba(x), told.predict_proba(x))


@pytest.mark.parametrize("arguments", [{"early_stopping": True}, {"readout": "likelihood"}, {}])
def test_training_does_not_see_what_follows_a_sample(arguments, tmp_path):
    arguments = {"validation_fraction": 0.3, **arguments}
    one = make(**arguments).fit(SERIES, Y)
    other = make(**arguments).fit(padded(SERIES, 40, 7.0), Y, lengths=LENGTHS)
    assert same(arrays(one), arrays(other))
    assert one.accuracy_curve_ == other.accuracy_curve_
    assert one.spikes_per_inference_ == other.spikes_per_inference_
    other.save(tmp_path / "model.npz")
    np.testing.assert_array_equal(
        SQSNN.load(tmp_path / "model.npz").predict_proba(SERIES), one.predict_proba(SERIES)
    )


def test_warm_start_and_cross_validation_take_lists():
    clf = make(warm_start=True).fit(SERIES, Y)
    longer = [np.concatenate([x, x]) for x in SERIES]
    assert clf.fit(longer, Y).n_iter_ == 4
    assert clf.steps_per_sample_ == 18 + 2
    assert cross_val_score(make(epochs=1), SERIES, Y, cv=2).shape == (2,)


# -- a sample's own steps --------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=5),
    more=st.integers(0, 15),
    rest=st.sampled_from([0.0, 1.0, -3.0, np.nan, np.inf]),
    seed=st.integers(0, 99),
)
def test_what_follows_a_sample_changes_no_bit(fitted, lengths, more, rest, seed):
    """However much padding, whatever is in it, and whichever other samples are there."""
    rng = np.random.default_rng(seed)
    samples = [rng.random((n, 2)) for n in lengths]
    said = fitted.predict_proba(samples, seed=seed, n_repeats=2)
    x = padded(samples, max(lengths) + more, rest)
    found = fitted.predict_proba(x, lengths=lengths, seed=seed, n_repeats=2)
    np.testing.assert_array_equal(found, said)
    mask = mask_of(lengths, x.shape[1])
    np.testing.assert_array_equal(
        fitted.predict(x, mask=mask, seed=seed), fitted.predict(samples, seed=seed)
    )
    for i in range(len(samples)):
        alone = fitted.predict_proba(samples[i : i + 1], seed=seed, n_repeats=2)
        np.testing.assert_array_equal(alone[0], said[i])


@pytest.mark.parametrize("steps", [1, 4, 9, 50])
def test_any_length_in_predict(fitted, steps):
    x = np.random.default_rng(steps).random((5, steps, 2))
    assert fitted.predict(x).shape == (5,)
    assert fitted.encode(x).shape == (5, steps, 2)
    channels = fitted.spec_.visible.channels
    assert fitted.simulate(x).shape == (5, steps + fitted.spec_.depth, channels)
    np.testing.assert_array_equal(fitted.predict(x), fitted.predict(list(x)))


@given(
    own=st.lists(st.tuples(*[st.booleans()] * 6).filter(any), min_size=1, max_size=4),
    hidden=st.integers(0, 3),
    skip=st.booleans(),
    part=st.floats(0, 0.999),
)
def test_the_steps_that_count_are_those_that_the_input_can_reach(own, hidden, skip, part):
    spec = feed_forward(1, (1,) * hidden, 1, LIFNeuron(), skip=skip)
    own = np.array(own)
    lag, depth = spec.lag("visible"), spec.depth
    counted = counted_steps(own, lag, depth)
    assert counted.shape == (6 + depth, len(own))
    for sample, found in zip(own, counted.T, strict=True):
        reached = {t + d for t in np.flatnonzero(sample) for d in range(lag, depth + 1)}
        assert set(np.flatnonzero(found)) == reached
    late = counted_steps(own, lag, depth, part)
    n, left = counted.sum(axis=0), late.sum(axis=0)
    np.testing.assert_array_equal(left, n - np.floor(part * n))
    assert (left >= 1).all()
    for all_of_them, some in zip(counted.T, late.T, strict=True):  # the last of them
        assert set(np.flatnonzero(some)) == set(np.flatnonzero(all_of_them)[-int(some.sum()) :])


def test_a_length_is_counted_from_lag_to_length_plus_depth():
    counted = counted_steps(mask_of([3, 5], 5), 1, 3)
    np.testing.assert_array_equal(counted[:, 0], [0, 1, 1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(counted[:, 1], [0, 1, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(ends(mask_of([3, 5], 5)), [3, 5])


def test_scores_do_not_know_how_long_others_are():
    spikes = RNG.integers(0, 2, (7, 3, 4))
    short = count_scores(spikes, 2, np.ones((7, 3)))
    np.testing.assert_array_equal(short, count_scores(spikes, 2))
    longer = np.concatenate([spikes, RNG.integers(0, 2, (4, 3, 4))])
    counted = (np.arange(11) < 7)[:, None] * np.ones((1, 3))
    np.testing.assert_array_equal(count_scores(longer, 2, counted), short)


def test_decide_is_predict_on_the_same_spikes(fitted):
    spikes = fitted.simulate(SERIES)
    counted = fitted._counted(fitted._check_X(SERIES))
    scores = count_scores(spikes.transpose(1, 0, 2), 2, counted)
    expected = fitted.classes_[scores.argmax(axis=1)]
    np.testing.assert_array_equal(fitted.decide(spikes, lengths=LENGTHS), expected)
    np.testing.assert_array_equal(fitted.decide(spikes, mask=mask_of(LENGTHS, 9)), expected)
    assert (fitted.decide(spikes) != expected).any() or not spikes.any()


@pytest.mark.parametrize("part", [0.0, 0.5, 0.9])
def test_the_last_part_is_read_out_at_once(part):
    clf = make(encoder="current").fit(SERIES, Y)
    spikes, counts = clf.simulate(SERIES).transpose(1, 0, 2), []
    marked = clf._check_X(SERIES)
    counted = clf.set_params(readout_from=part)._counted(marked)
    counts = (spikes * counted[:, :, None]).sum(axis=0)
    np.testing.assert_array_equal(count_scores(spikes, 2, counted).astype(int), counts)
    n = LENGTHS + clf.spec_.depth - 1
    np.testing.assert_array_equal(counted.sum(axis=0), n - np.floor(part * n))
    if part:
        assert not np.array_equal(
            clf.predict_proba(SERIES), clf.set_params(readout_from=0.0).predict_proba(SERIES)
        )


@pytest.mark.parametrize("part", [-0.1, 1.0, np.nan, "half"])
def test_parts_that_are_none(part):
    with pytest.raises((ValueError, TypeError), match="`readout_from` must"):
        make(readout_from=part).fit(SERIES, Y)


@pytest.mark.filterwarnings("ignore::lava_sqs._wraps.WrapWarning")
def test_in_lava_padding_counts_as_little(fitted):
    found = fitted.evaluate(SERIES, Y, runtime="lava")
    assert found.same_spikes
    told = fitted.evaluate(padded(SERIES, 12, 1.0), Y, lengths=LENGTHS, runtime="lava")
    assert (told.accuracy, told.spikes_per_inference) == (
        found.accuracy,
        found.spikes_per_inference,
    )


# -- zeros -----------------------------------------------------------------------------------------


@pytest.fixture(name="zeros")
def _zeros():
    """Sequences that fall silent, of different lengths, and one zero frame amid."""
    x = padded(SERIES, 9)
    x[0, 3] = 0.0
    return x


def targets(monkeypatch):
    from lava_sqs.network import trainer

    seen, original = [], trainer.target_trains

    def spy(spec, codes, labels, inputs, *rest):
        seen.append((original(spec, codes, labels, inputs, *rest), labels, inputs))
        return seen[-1][0]

    monkeypatch.setattr(trainer, "target_trains", spy)
    return seen


@pytest.mark.parametrize("lengths", [LENGTHS, np.full(24, 9)], ids=["some", "all"])
def test_nobody_learns_to_be_silent_where_a_sample_lasts_or_has_ended(lengths, zeros, monkeypatch):
    seen = targets(monkeypatch)
    make(objective="likelihood", batch_size=24).fit(zeros, Y, lengths=lengths)
    for clamp, labels, _ in seen:
        free = (clamp == -1).all(axis=2)
        spoken = clamp[np.arange(len(clamp))[:, None], np.arange(24), labels] == 1
        np.testing.assert_array_equal(spoken, ~free)
        np.testing.assert_array_equal(np.sort(spoken.sum(axis=0)), np.sort(lengths) + 1)


def test_what_follows_counts_neither_in_the_loss_nor_in_what_is_learned():
    """One sample that ends early, with any continuation, among others that go on."""
    x = RNG.random((24, 9, 2))
    lengths = np.full(24, 9)
    lengths[3] = 4
    for objective in ("count", "likelihood"):
        nets = []
        for rest in (0.0, 5.0):
            x[3, 4:] = rest
            nets.append(make(objective=objective, epochs=1).fit(x, Y, lengths=lengths))
        assert same(arrays(nets[0]), arrays(nets[1]))
        assert nets[0].loss_curve_ == nets[1].loss_curve_


def test_zeros_with_lengths_are_values(zeros):
    clf = make(encoder="population", n_population=3).fit(zeros, Y, lengths=np.full(24, 9))
    assert (clf.encode(zeros, lengths=np.full(24, 9)).sum(axis=2) > 0).all()
    padding = clf.encode(zeros, lengths=LENGTHS).sum(axis=2) == 0
    np.testing.assert_array_equal(padding, ~mask_of(LENGTHS, 9))


def test_zeros_at_the_end_are_padding_where_nothing_is_told(zeros):
    with pytest.warns(UserWarning, match="22 of 24 sequences end .* Give `lengths`") as w:
        guessed = make().fit(zeros, Y)
    assert len(w) == 1
    assert w[0].filename == __file__
    told = make().fit(zeros, Y, lengths=LENGTHS)
    assert same(arrays(guessed), arrays(told))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        said = guessed.predict_proba(zeros)
    np.testing.assert_array_equal(said, told.predict_proba(zeros, lengths=LENGTHS))
    np.testing.assert_array_equal(
        said, told.predict_proba([z[:n] for z, n in zip(zeros, LENGTHS, strict=True)])
    )


def test_lengths_that_are_forgotten_are_asked_for(zeros, tmp_path):
    make().fit(zeros, Y, lengths=LENGTHS).save(tmp_path / "model.npz")
    clf = SQSNN.load(tmp_path / "model.npz")
    with pytest.warns(UserWarning, match="22 of 24 sequences end .* read as values") as w:
        clf.predict(zeros)
    assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clf.predict(zeros, lengths=LENGTHS)
        clf.predict(list(zeros))  # each says how long it is
        clf.predict(padded(SERIES, 12, np.nan))


def test_no_guesses_in_spike_trains_lists_and_nan(zeros):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trains = make(input_kind="spikes").fit((zeros > 0.6).astype(int), Y)
        listed = make().fit(list(zeros), Y)
        zeros[5, -1] = np.nan
        nan = make().fit(zeros, Y)
    for clf, x in ((trains, (zeros > 0.6).astype(int)), (listed, list(np.nan_to_num(zeros)))):
        assert clf._counted(clf._check_X(x))[1:].all()
    assert nan._counted(nan._check_X(zeros))[1:].sum() == 24 * 10 - 1


def test_a_gap_is_neither_heard_nor_counted(fitted):
    x = RNG.random((3, 9, 2))
    mask = np.ones((3, 9), bool)
    mask[1, 2:7] = False
    assert not fitted.encode(x, mask=mask)[1, 2:7].any()
    other = x.copy()
    other[1, 2:7] = [np.nan, 5.0]
    np.testing.assert_array_equal(
        fitted.predict_proba(other, mask=mask), fitted.predict_proba(x, mask=mask)
    )
    counted = fitted._counted(fitted._check_X(x, None, mask))
    lag = fitted.spec_.lag("visible")
    assert counted[lag:, [0, 2]].all()
    assert counted[:, 1].sum() < counted[:, 0].sum()


# -- what is refused -------------------------------------------------------------------------------


BAD = [
    ({"lengths": [9] * 23}, r"`lengths` must have shape \(24,\)"),
    ({"lengths": np.full((24, 1), 9)}, r"`lengths` must have shape \(24,\)"),
    ({"lengths": 9}, r"`lengths` must have shape \(24,\)"),
    ({"lengths": [9] * 23 + [0]}, "`lengths` must be from 1 to 9, .* but sample 23 has 0"),
    ({"lengths": [10] + [9] * 23}, "`lengths` must be from 1 to 9, .* but sample 0 has 10"),
    ({"lengths": [9] * 23 + [-1]}, "`lengths` must be from 1 to 9"),
    ({"lengths": [9.0] * 24}, "`lengths` must hold integers"),
    ({"lengths": [True] * 24}, "`lengths` must hold integers"),
    ({"lengths": ["9"] * 24}, "`lengths` must hold integers"),
    ({"mask": np.ones((24, 8), bool)}, r"`mask` must have shape \(24, 9\)"),
    ({"mask": np.ones((24, 9))}, "`mask` must hold True and False"),
    ({"mask": np.zeros((24, 9), bool)}, "`mask` must be True in at least one step"),
    ({"mask": np.ones((24, 9), bool), "lengths": [9] * 24}, "`mask` must be None if `lengths`"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_wrong_lengths_and_masks_are_refused_by_name(arguments, message, fitted):
    x = RNG.random((24, 9, 2))
    for call in (make().fit, fitted.score, fitted.evaluate):
        with pytest.raises((ValueError, TypeError), match=message):
            call(x, Y, **arguments)
    for call in (fitted.predict, fitted.predict_proba, fitted.encode, fitted.simulate):
        with pytest.raises((ValueError, TypeError), match=message):
            call(x, **arguments)


@pytest.mark.parametrize("name", ["lengths", "mask"])
def test_static_samples_have_no_lengths(name):
    x, value = RNG.random((24, 3)), {"lengths": [3] * 24, "mask": np.ones((24, 3), bool)}[name]
    clf = SQSNN(**SMALL)
    with pytest.raises(ValueError, match=f"`{name}` belongs to sequences and spikes"):
        clf.fit(x, Y, **{name: value})
    with pytest.raises(ValueError, match=f"`{name}` belongs to sequences and spikes"):
        clf.fit(x, Y).predict(x, **{name: value})
    with pytest.raises(ValueError, match=f"`{name}` belongs to sequences and spikes"):
        clf.decide(clf.simulate(x), **{name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s[0][:, 0], "with the same channels, but sample 0 .* sample 5 has shape (9,)"),
        (lambda s: s[0][:, :1], "with the same channels, but .* sample 5 has shape (9, 1)"),
        (lambda s: s[0][:0], "of at least one time step, but sample 5 has none"),
        (lambda s: s[0].astype(str), "must hold real numbers, but sample 5"),
        (lambda s: s[0] * 1j, "must hold real numbers, but sample 5"),
        (lambda s: np.full((4, 2), np.nan), "sample 5 is NaN throughout"),
        (lambda s: np.where(np.arange(9)[:, None] == 3, np.nan, s[0]), "sample 5 .* in step 3"),
        (lambda s: np.where(np.arange(9)[:, None] == 8, np.inf, s[0]), "sample 5 .* in step 8"),
    ],
)
def test_samples_that_are_no_sequences_are_named(change, message, fitted):
    samples = list(SERIES)
    samples[5] = change(samples)
    message = re.escape(message).replace(r"\.\*", ".*").replace(r"\ ", " ")
    with pytest.raises((ValueError, TypeError), match=message):
        make().fit(samples, Y)
    with pytest.raises((ValueError, TypeError), match=message):
        fitted.predict(samples)


def test_lists_in_another_layout_or_of_another_kind_are_refused():
    turned = [x.T for x in SERIES]
    with pytest.raises(ValueError, match=r"\(T, channels\) .* give channels_first=True"):
        make().fit(turned, Y)
    with pytest.raises(ValueError, match=r"\(channels, T\) .* give channels_first=False"):
        make(channels_first=True).fit(SERIES, Y)
    for kind in (None, "static"):
        with pytest.raises(ValueError, match=f"one shape for input_kind={kind!r}.*'sequence'"):
            make(input_kind=kind).fit(SERIES, Y)


def test_the_reading_says_how_long_samples_are(capsys):
    make(verbose=True).fit(SERIES, Y)
    assert "of 9 time steps with 2 channels each, of which 2 to 9 are" in capsys.readouterr().err
