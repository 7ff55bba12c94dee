"""Recordings of any sensor as counts, and data sets of them in SQSNN and in Lava."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lava.proc.io.dataloader import SpikeDataloader
from lava.proc.io.sink import RingBuffer
from scipy import sparse

from lava_sqs import SQSNN, SQSSimCfg, runtime
from lava_sqs.data import EventFrames, bin_events
from lava_sqs.network import Conv2D, SQSLayer

KIND = [("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)]


def recording(n=60, seed=0, size=(9, 7), kind=KIND):
    rng = np.random.default_rng(seed)
    events = np.zeros(n, kind)
    events["x"], events["y"] = rng.integers(0, size[0], n), rng.integers(0, size[1], n)
    events["t"], events["p"] = np.sort(rng.integers(0, 10**6, n)), rng.integers(0, 2, n)
    return events


def counted(events, steps, width, begin=0, size=(9, 7)):
    """Count one event after the other."""
    counts = np.zeros((steps, 2, size[1], size[0]), int)
    for event in events:
        k = int((event["t"] - begin) // width)
        if 0 <= k < steps:
            counts[k, int(event["p"]), event["y"], event["x"]] += 1
    return counts


@settings(deadline=None)
@given(
    n=st.integers(1, 40),
    seed=st.integers(0, 99),
    bins=st.integers(1, 9),
    width=st.integers(1, 10**6),
)
def test_bins_hold_what_fell_into_them(n, seed, bins, width):
    events = recording(n, seed)
    begin = int(events["t"].min())
    found = bin_events(events, size=(9, 7), bins=bins, window=width)
    np.testing.assert_array_equal(found, counted(events, bins, width, begin))
    late = bin_events(events, size=(9, 7), bins=bins, window=width, start=5000)
    np.testing.assert_array_equal(late, counted(events, bins, width, 5000))
    assert bin_events(events, size=(9, 7), bins=bins).sum() == n
    assert bin_events(events, size=(9, 7), window=width + 10_000).sum() == n
    as_sparse = bin_events(events, size=(9, 7), bins=bins, window=width, sparse=True)
    assert sparse.issparse(as_sparse)
    np.testing.assert_array_equal(as_sparse.toarray().reshape(found.shape), found)


@pytest.mark.parametrize("seed", range(2))
def test_one_recording_in_all_its_spellings(seed):
    events = recording(seed=seed)
    wanted = bin_events(events, size=(9, 7), bins=5)
    columns = {name: events[name] for name in "pytx"}
    swapped = np.zeros(len(events), [(name, float) for name in "ptyx"])
    renamed = np.zeros(
        len(events),
        [("polarity", np.int8), ("Timestamp", "f8"), ("row", "u1"), ("col", "u1")],
    )
    for name in "ptyx":
        swapped[name] = events[name]
    swapped["t"] *= 1e-6  # floats are seconds
    swapped["p"] = 2 * swapped["p"] - 1
    for ours, theirs in zip("ptyx", renamed.dtype.names, strict=True):
        renamed[theirs] = events[ours]
    durations = dict(columns, t=events["t"].astype("timedelta64[us]"))
    plain = np.column_stack([events[name] for name in "xypt"])
    for given_, more in (
        (columns, {}),
        (pd.DataFrame(columns), {}),
        (swapped, {}),
        (renamed, {"unit": "us"}),
        (durations, {}),
        (plain, {"fields": "xypt"}),
        (dict(columns, t=events["t"] / 1e3), {"unit": "ms"}),
    ):
        np.testing.assert_array_equal(bin_events(given_, size=(9, 7), bins=5, **more), wanted)
        np.testing.assert_array_equal(
            bin_events(given_, size=(9, 7), window=2e5, bins=5, **more),
            bin_events(events, size=(9, 7), window=2e5, bins=5),
        )
    both = bin_events(events, size=(9, 7, 1), bins=5)
    np.testing.assert_array_equal(both[:, 0], wanted.sum(axis=1))


def test_a_second_is_cut_where_decimals_say():
    found = bin_events({"t": [0.0, 0.57, 0.58], "x": [0, 0, 0]}, size=(1,), window=1e4)
    assert found[57, 0, 0, 0] == found[58, 0, 0, 0] == 1


@pytest.mark.parametrize(
    ("change", "arguments", "said"),
    [
        ({"p": 2}, {}, "polarities 0 and 1, -1 and 1, or False and True, but holds 2"),
        ({"x": -1}, {}, "whole numbers from 0 on in the field x, but event 0 has -1"),
        ({"x": 1.5}, {}, "whole numbers"),
        ({"t": np.nan}, {}, "finite"),
        ({"y": 7}, {}, r"`size` must hold all events, but 3 of 3 lie outside 9 x 7"),
        ({"x": None}, {}, "`events` must have fields t and x.*x is missing"),
        ({}, {"size": None}, r"`size` must be given.*the events lie on 1 x 1 pixels"),
        ({}, {"size": (9, 7, 3)}, "`size` must be"),
        ({}, {"bins": None}, "`bins` must be given, or `window`"),
        ({}, {"bins": 0}, "`bins` must be at least 1"),
        ({}, {"window": -1.0}, "`window` must"),
        ({}, {"unit": "min"}, "`unit` must be"),
        ({}, {"fields": "xyz"}, "`fields` must name each column"),
        ({"t": [0.0, 5.0, 1e7]}, {}, "`unit` must be given, 's', 'ms' or 'us'"),
        ({}, {"bins": None, "window": 1e-9}, "`window` needs .* GB of memory"),
    ],
)
def test_what_cannot_be_counted_is_named(change, arguments, said):
    events = {"t": [0, 400_000, 10**6], "x": [0, 0, 0], "y": [0, 0, 0], "p": [0, 1, 1]}
    for key, value in change.items():
        events[key] = value if isinstance(value, list) or value is None else [value] * 3
    events = {key: value for key, value in events.items() if value is not None}
    with pytest.raises((ValueError, TypeError), match=said):
        bin_events(events, **{"size": (9, 7), "bins": 4, **arguments})


def test_what_does_not_fit_is_sparse():
    events = {"t": [0, 10, 20], "x": [0, 1, 1279], "y": [0, 1, 719], "p": [0, 1, 1]}
    found = bin_events(events, size=(1280, 720), bins=10**6)
    assert sparse.issparse(found)
    assert found.shape == (10**6, 2 * 1280 * 720)
    assert found.sum() == 3
    with pytest.raises(ValueError, match=r"`bins` needs .* GB of memory"):
        bin_events(events, size=(1280, 720), bins=10**6, sparse=False)


def test_the_four_arrays_of_before_go_on_with_a_warning():
    one = np.array([3, 3])
    with pytest.warns(DeprecationWarning, match="give a structured array"):
        old = bin_events(one, one, one - 2, np.array([0, 12_000]), n_steps=2)
    assert old.shape == (2, 2, 34, 34)
    with pytest.warns(DeprecationWarning, match="is deprecated"):
        again = bin_events(x=one, y=one, polarity=one - 2, t_us=np.array([0, 12_000]), n_steps=2)
    np.testing.assert_array_equal(old, again)


class Tonic:
    """What data sets of tonic are: an index, a length, the sensor's size."""

    sensor_size = (9, 7, 2)
    dtype = np.dtype(KIND)

    def __init__(self, n=24, transform=None):
        self.n, self.transform = n, transform

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        label = index % 2
        events = recording(80, index)
        events = events[(events["x"] < 4) == (label == 0)]  # left or right half
        return (events if self.transform is None else self.transform(events)), label


class Subset:
    """What PyTorch makes of a part of one."""

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.dataset[self.indices[index]]


@pytest.mark.parametrize("kind", ["spikes", "sequence"])
@pytest.mark.parametrize("layers", [(), (Conv2D(2, 3, stride=2), SQSLayer(6))])
def test_a_data_set_of_tonic_trains(kind, layers):
    how = {"input_kind": kind, "n_steps": 6, "epochs": 8, "random_state": 0}
    how |= {"layers": list(layers)} if layers else {"hidden_layer_sizes": ()}
    model = SQSNN(**how).fit(Tonic())
    assert model._inputs.shape == (6, 7, 9, 2)
    assert model.score(Tonic()) == model.evaluate(Tonic(), None).accuracy
    assert model.score(Tonic()) > (0.9 if not layers else 0.4)
    frames = EventFrames(Tonic(), bins=6)
    X, y = frames.arrays()
    np.testing.assert_array_equal(model.predict(Tonic()), model.predict(frames))
    assert y.tolist() == [0, 1] * 12
    assert X.shape == (24, 6, 2, 7, 9)
    part = model.predict(Subset(Tonic(), [3, 4]))
    np.testing.assert_array_equal(part, model.predict(Tonic())[3:5])
    to_frames = Tonic(transform=lambda events: bin_events(events, size=(9, 7), bins=6))
    np.testing.assert_array_equal(model.predict(to_frames), model.predict(Tonic()))


def test_a_data_set_validates_too():
    model = SQSNN((), input_kind="spikes", n_steps=4, epochs=2, random_state=0)
    model.fit(Tonic(12), validation_data=(Tonic(6), None))
    assert len(model.accuracy_curve_) == 2


def test_a_data_set_needs_a_kind_of_input():
    with pytest.raises(ValueError, match=r"`input_kind` must be 'sequence' .* or 'spikes'"):
        SQSNN(()).fit(Tonic())
    model = SQSNN((), input_kind="spikes", n_steps=4, epochs=1).fit(Tonic(4))
    with pytest.raises(ValueError, match="`y` must be given"):
        model.score(np.zeros((2, 4, 7, 9, 2)))
    with pytest.raises(TypeError, match=r"items \(events, label\), but item 0"):
        EventFrames([recording()], size=(9, 7), bins=3)[0]


@pytest.mark.parametrize("bins", [5, 8])
def test_a_data_set_of_tonic_plays_in_lava(bins):
    frames = EventFrames(Tonic(3), bins=bins)
    loader = SpikeDataloader(dataset=frames, interval=bins)
    sink = RingBuffer(shape=(2, 7, 9), buffer=3 * bins + 1)
    loader.s_out.connect(sink.a_in)
    with runtime(loader, SQSSimCfg()) as net:
        net.run(3 * bins + 1)
        played = sink.data.get()
    shown = np.concatenate([frames[i][0] for i in range(3)], axis=-1)
    np.testing.assert_array_equal(played[..., 1:], shown)  # a sample is loaded after its first step
