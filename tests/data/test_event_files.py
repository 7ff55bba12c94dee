"""Recordings of event cameras in their formats, written by a library where one writes it."""

import struct

import faery
import h5py
import numpy as np
import pytest

from lava_sqs.data import load_dvs_gesture, load_events, load_shd, read_events

KIND = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])  # tonic's


def recording(n=200, seed=0, size=(100, 80), begin=0):
    """Return events as tonic has them."""
    rng = np.random.default_rng(seed)
    events = np.zeros(n, KIND)
    events["x"], events["y"] = rng.integers(0, size[0], n), rng.integers(0, size[1], n)
    events["t"], events["p"] = begin + np.sort(rng.integers(0, 10**6, n)), rng.integers(0, 2, n)
    return events


def same(found, events):
    for field in "xytp":
        np.testing.assert_array_equal(found[field], events[field], err_msg=field)


def by_faery(path, events, size=(100, 80)):
    kept = np.zeros(len(events), faery.EVENTS_DTYPE)
    for ours, theirs in (("x", "x"), ("y", "y"), ("t", "t"), ("p", "on")):
        kept[theirs] = events[ours]
    faery.events_stream_from_array(kept, dimensions=size).to_file(path)


@pytest.mark.parametrize("name", ["a.aedat4", "a.raw", "a.dat", "a.es"])
@pytest.mark.parametrize("seed", [0, 1])
def test_files_that_faery_writes(tmp_path, name, seed):
    events = recording(seed=seed)
    by_faery(tmp_path / name, events)
    if name == "a.es":  # which counts from the first event
        events["t"] -= events["t"][0]
    same(read_events(tmp_path / name), events)
    if name != "a.dat":  # the beginning of a file says what it is, not its name
        (tmp_path / name).rename(tmp_path / "b.bin")
        same(read_events(tmp_path / "b.bin"), events)


def aedat2(path, events, camera, head="# AEChip: {}\r\n", extra=()):
    """Write AEDAT 2 as jAER does."""
    x, y, t, p = (events[k].astype(np.int64) for k in "xytp")
    dvs = x << 1 | y << 8 | (1 - p)
    address = dvs if camera == "DVS128" else x << 12 | y << 22 | p << 11
    pairs = np.column_stack([address, t])
    for at, word in extra:
        pairs = np.insert(pairs, at, [word, t[at]], axis=0)
    head = "#!AER-DAT2.0\r\n# raw data\r\n" + head.format(camera)
    path.write_bytes(head.encode() + pairs.astype(">u4").tobytes())


@pytest.mark.parametrize("camera", ["DVS128", "DAVIS"])
def test_aedat_2(tmp_path, camera):
    events = recording()
    triggers = [(3, 1 << 15)] if camera == "DVS128" else [(3, 1 << 31), (7, 1 << 10)]
    aedat2(tmp_path / "a.aedat", events, camera, extra=triggers)
    same(read_events(tmp_path / "a.aedat"), events)
    aedat2(tmp_path / "b.aedat", events, camera, head="")
    same(read_events(tmp_path / "b.aedat", camera=camera), events)
    with pytest.raises(ValueError, match="`camera` must be given, 'DVS128' or 'DAVIS'"):
        read_events(tmp_path / "b.aedat")


def test_aedat_2_goes_on_when_its_clock_begins_anew(tmp_path):
    events = recording()
    wrapped = events.copy()
    events["t"] += 2**32 - 500_000
    wrapped["t"] = events["t"] % 2**32
    aedat2(tmp_path / "a.aedat", wrapped, "DVS128")
    same(read_events(tmp_path / "a.aedat"), events)


def packet(kind, words, size=8, overflow=0):
    n = len(words)
    body = np.asarray(words, np.int64).astype("<u4").tobytes()
    return struct.pack("<hhiiiiii", kind, 1, size, 4, overflow, n, n, n) + body


def aedat3(path, events, *, others=(), invalid=(), overflow=0):
    """Write AEDAT 3.1 as cAER does, a packet of other kinds after the first of events."""
    x, y, t, p = (events[k].astype(np.int64) for k in "xytp")
    valid = np.ones(len(events), np.int64)
    valid[list(invalid)] = 0
    pairs = np.column_stack([x << 17 | y << 2 | p << 1 | valid, t])
    head = "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
    first = len(events) // 2
    body = [packet(1, pairs[:first]), *others, packet(1, pairs[first:], overflow=overflow)]
    path.write_bytes(head.encode() + b"".join(body))


def test_aedat_3_1(tmp_path):
    events = recording()
    aedat3(tmp_path / "a.aedat", events)
    same(read_events(tmp_path / "a.aedat"), events)
    special = packet(0, [[3, 5], [5, 6]])
    inertial = struct.pack("<hhiiiiii", 3, 1, 36, 4, 0, 1, 1, 1) + b"#" * 36
    aedat3(tmp_path / "b.aedat", events, others=[special, inertial], invalid=[4, 150], overflow=1)
    later = events.copy()
    later["t"][100:] += 2**31
    same(read_events(tmp_path / "b.aedat"), np.delete(later, [4, 150]))


@pytest.mark.parametrize("cut", [10, 20, 400])
def test_aedat_3_1_that_ends_early_is_refused(tmp_path, cut):
    aedat3(tmp_path / "a.aedat", recording())
    data = (tmp_path / "a.aedat").read_bytes()
    (tmp_path / "a.aedat").write_bytes(data[:-cut])
    with pytest.raises(ValueError, match="damaged"):
        read_events(tmp_path / "a.aedat")


@pytest.mark.parametrize("group", ["/", "events", "CD/events"])
@pytest.mark.parametrize("compound", [False, True])
def test_hdf5(tmp_path, group, compound):
    events = recording()
    with h5py.File(tmp_path / "a.h5", "w") as file:
        if compound and group != "/":
            file[group] = events
        else:
            for field in "xytp":
                file.require_group(group)[field] = events[field]
    same(read_events(tmp_path / "a.h5"), events)


def test_numpy_and_text(tmp_path):
    events = recording()
    np.save(tmp_path / "a.npy", events)
    np.savez(tmp_path / "a.npz", **{field: events[field] for field in "xytp"})
    table = np.column_stack([events["t"], events["p"], events["x"], events["y"]])
    np.savetxt(
        tmp_path / "a.csv", table, fmt="%d", delimiter=",", header="t,polarity,x,y", comments=""
    )
    np.savetxt(tmp_path / "a.txt", table, fmt="%d", header="timestamp pol x y")
    for name in ("a.npy", "a.npz", "a.csv", "a.txt"):
        same(read_events(tmp_path / name), events)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.aedat", b"#!AER-DAT1.0\r\n", "it is an AEDAT 1 recording"),
        ("a.aedat4", b"\x89PNG\r\n\x1a\n", "it is a PNG picture"),
        ("a.h5", b"\x1f\x8b\x08", "it is compressed with gzip: unpack it first"),
        ("a.csv", b"1,2,3,4\n5,6,7,8\n", "must name its columns in the first line"),
        ("a.csv", b"a,b,c\n1,2,3\n", "holds no events"),
        ("a.npy", b"\x93NUMPY\x01\x00", "could not be read|must|NUMPY|EOF|header"),
        ("a.aedat4", b"#!AER-DAT4.0\r\nnothing", "could not be read as events"),
        ("a.aedat", b"#!AER-DAT2.0\r\n# DVS128\r\n\0\0\0", "8 bytes per event"),
        ("a.dat", b"", "it is empty"),
        ("a.bin", b"\0\1\2\3\4\xff" * 5, "N-MNIST"),
        ("a.xyz", b"\0\1\2\3\4\xff" * 5, "of no format known here"),
    ],
)
def test_other_files_are_named_by_what_they_are(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises((ValueError, TypeError), match=said):
        read_events(tmp_path / name)


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    by_faery(tmp_path / "a.aedat4", recording())
    monkeypatch.setitem(__import__("sys").modules, "faery", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lava-sqs\[events\]'"):
        read_events(tmp_path / "a.aedat4")


def spoken(path, labels, seed=0):
    """Write a file of SHD as published: times in s, units from 0 to 699."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        kinds = (h5py.vlen_dtype(np.float16), h5py.vlen_dtype(np.uint16))
        times, units = (
            file.create_dataset(f"spikes/{name}", (len(labels),), dtype=kind)
            for name, kind in zip(("times", "units"), kinds, strict=True)
        )
        for i in range(len(labels)):
            n = int(rng.integers(20, 60))
            times[i] = np.sort(rng.random(n)).astype(np.float16)
            units[i] = rng.integers(0, 700, n).astype(np.uint16)
        file["labels"] = labels


@pytest.mark.parametrize("name", ["shd", "ssc"])
def test_spoken_words(tmp_path, name):
    spoken(tmp_path / f"{name}_train.h5", [3, 19, 0])
    spoken(tmp_path / f"{name}_test.h5", [1, 2], seed=1)
    data = load_shd(tmp_path, bins=10, window=100_000, pool=7)
    assert data.x_train.shape == (3, 10, 100)
    assert data.y_train.tolist() == [3, 19, 0]
    with h5py.File(tmp_path / f"{name}_train.h5") as file:
        times, units = file["spikes/times"][1], file["spikes/units"][1]
    wanted = np.histogram2d(times, units // 7, bins=(np.arange(11) / 10, np.arange(101)))[0]
    np.testing.assert_array_equal(data.x_train[1], wanted)
    with pytest.raises(ValueError, match="which load_shd reads"):
        read_events(tmp_path / f"{name}_train.h5")
    (tmp_path / f"{name}_test.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"shd_test\.h5 or ssc_test.h5"):
        load_shd(tmp_path)


def test_gestures(tmp_path):
    for part, user in (("train", 1), ("test", 24)):
        events = recording(n=400, size=(128, 128), seed=user)
        aedat3(tmp_path / f"user{user:02}_led.aedat", events)
        (tmp_path / f"user{user:02}_led_labels.csv").write_text(
            "class,startTime_usec,endTime_usec\n2,100000,400000\n11,500000,900000\n"
        )
        (tmp_path / f"trials_to_{part}.txt").write_text(f"user{user:02}_led.aedat\n\n")
    data = load_dvs_gesture(tmp_path, bins=8)
    assert data.x_train.shape == (2, 8, 2, 32, 32)
    assert data.y_train.tolist() == [2, 11]
    events = recording(n=400, size=(128, 128), seed=1)
    assert data.x_train[0].sum() == ((events["t"] >= 100_000) & (events["t"] < 400_000)).sum()
    (tmp_path / "user01_led_labels.csv").write_text("class,begin\n2,1\n")
    with pytest.raises(ValueError, match="must have columns class, startTime_usec"):
        load_dvs_gesture(tmp_path)


@pytest.mark.parametrize("divided", [False, True])
def test_a_folder_of_ones_own_recordings(tmp_path, divided):
    for part in ("Train", "test") if divided else ("",):
        for label in ("left", "right"):
            folder = tmp_path / part / label
            folder.mkdir(parents=True)
            for i in range(4):
                by_faery(folder / f"{i}.aedat4", recording(seed=i))
    data = load_events(tmp_path, size=(100, 80), bins=6, pool=10)
    assert data.x_train.shape == (8 if divided else 6, 6, 2, 8, 10)
    assert set(data.y_train) == {"left", "right"} == set(data.y_test)
    assert data.x_train.sum() == 200 * len(data.x_train)
    with pytest.raises(ValueError, match=r"`size` must be given.*events lie on 100 x 80 pixels"):
        load_events(tmp_path, bins=6)
    (tmp_path / ("Train" if divided else "") / "left" / "0.aedat4").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ValueError, match=r"0\.aedat4 must be a recording .* it is a PNG picture"):
        load_events(tmp_path, size=(100, 80), bins=6)


@pytest.mark.parametrize("load", [load_shd, load_dvs_gesture])
@pytest.mark.parametrize("window", [None, 10_000])
def test_samples_of_a_data_set_have_one_length(load, window, tmp_path):
    with pytest.raises(ValueError, match=r"`?bins`? must be given.*one length"):
        load(tmp_path, bins=None, window=window)
