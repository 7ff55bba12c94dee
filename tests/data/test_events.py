"""Recordings of event cameras, read and summed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.data import (
    bin_events,
    load_digits,
    load_nmnist,
    read_nmnist_events,
)


def recording(n=400, seed=0):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, 300_000, n))
    return list(zip(*rng.integers(0, 34, (2, n)), rng.integers(0, 2, n), times, strict=True))


def events_file(path, events):
    """Write (x, y, polarity, t) as N-MNIST does."""
    rows = [[x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255] for x, y, p, t in events]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.array(rows, dtype=np.uint8).tobytes())


def test_nmnist_events_and_bins(tmp_path):
    events = [(3, 5, 1, 70000), (33, 0, 0, 9999), (33, 0, 0, 10000), (1, 1, 0, 5_000_000)]
    for part in ("Train", "Test"):
        events_file(tmp_path / part / "7" / "00001.bin", events)
    x, y, p, t = read_nmnist_events(tmp_path / "Train" / "7" / "00001.bin")
    assert list(zip(x, y, p, t, strict=True)) == events
    with pytest.warns(DeprecationWarning, match="give a structured array"):
        counts = bin_events(x, y, p, t, n_steps=8)
    columns = {"x": x, "y": y, "p": p, "t": t}
    same = bin_events(columns, size=(34, 34), bins=8, window=1e4, start=0)
    np.testing.assert_array_equal(same, counts)
    assert counts.sum() == 3
    assert counts[7, 1, 5, 3] == counts[0, 0, 0, 33] == counts[1, 0, 0, 33] == 1
    data = load_nmnist(tmp_path, n_steps=8)
    assert data.x_train.shape == (1, 8, 2, 34, 34)
    assert data.y_test.tolist() == [7]
    with pytest.raises(FileNotFoundError, match="Train/0"):
        load_nmnist(tmp_path / "Train")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 33), st.integers(0, 33), st.integers(0, 1), st.integers(0, 2**23 - 1)
        ),
        min_size=1,
        max_size=30,
    )
)
def test_any_recording_is_read_as_it_was_written(tmp_path_factory, events):
    path = tmp_path_factory.mktemp("events") / "1.bin"
    events = sorted(events, key=lambda e: e[3])
    events_file(path, events)
    assert list(zip(*map(np.ndarray.tolist, read_nmnist_events(path)), strict=True)) == events


@pytest.mark.parametrize(("x", "y"), [(34, 0), (0, 34), (68, 68), (255, 255), (0, 239), (239, 0)])
def test_events_outside_of_the_camera_are_refused(tmp_path, x, y):
    events = recording()
    events[100] = (x, y, *events[100][2:])
    events_file(tmp_path / "1.bin", events)
    with pytest.raises(
        ValueError, match=rf"1 of 400 events lie outside \(event 100 at x = {x}, y = {y}\)"
    ):
        read_nmnist_events(tmp_path / "1.bin")


@pytest.mark.parametrize("seed", range(3))
def test_times_that_jump_are_refused_and_a_few_are_not(tmp_path, seed):
    events = recording(seed=seed)
    swapped = [*events[:200], events[201], events[200], *events[202:]]
    events_file(tmp_path / "1.bin", swapped)
    assert read_nmnist_events(tmp_path / "1.bin")[3].tolist() == [e[3] for e in swapped]
    mixed = [events[i] for i in np.random.default_rng(seed).permutation(400)]
    events_file(tmp_path / "1.bin", mixed)
    with pytest.raises(ValueError, match=r"events in the order of time, but .* of 400"):
        read_nmnist_events(tmp_path / "1.bin")


def test_wraps_of_the_clock_are_no_events(tmp_path):
    events_file(tmp_path / "1.bin", [(1, 2, 0, 8000), (0, 240, 0, 0), (3, 4, 1, 5)])
    x, y, p, t = (v.tolist() for v in read_nmnist_events(tmp_path / "1.bin"))
    assert (x, y, p, t) == ([1, 3], [2, 4], [0, 1], [8000, 8192 + 5])


def test_counts_of_events_have_five_axes(tmp_path):
    load_digits().classes(0, 1).save(tmp_path / "digits.npz")
    with pytest.raises(ValueError, match=r"holds no data set. Counts of events must have"):
        load_nmnist(tmp_path / "digits.npz")


def test_events_are_summed(tmp_path):
    events = [(0, 0, 0, 100), (1, 1, 0, 11_000), (2, 33, 1, 25_000)]
    for part in ("Train", "Test"):
        events_file(tmp_path / part / "7" / "00001.bin", events)
    data = load_nmnist(tmp_path, n_steps=5, merge=2, pool=3)
    assert data.x_train.shape == (1, 2, 2, 12, 12)  # 34 pixels padded by one on both sides
    x = data.x_train[0]
    assert (x[0, 0, 0, 0], x[1, 1, 11, 1], x.sum()) == (2, 1, 3)
    data.save(tmp_path / "n.npz")
    np.testing.assert_array_equal(load_nmnist(tmp_path / "n.npz").x_test, data.x_test)
    with pytest.raises(ValueError, match="`time` must be at most 2, all bins, but got 3"):
        load_nmnist(tmp_path / "n.npz", merge=3)
