"""Damaged files are refused by name, or read; they stay as they are, and nothing else is written.

Bytes are flipped, cut, doubled and overwritten in whole files; and where a checksum would catch
that (npz), what is inside is spoiled and packed again.
"""

import io
import json
import warnings
import zipfile

import numpy as np
import pytest
from bounds import bounded
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lava_sqs import SQSNN, Study
from lava_sqs.data import load_npz, read_nmnist_events
from lava_sqs.study import StoreError, StudyWarning, read_rows
from lava_sqs.study.loader import load_study

STUDY = """
[study]
task = "memory_capacity"
seed = 3
about = "a study"

[base]
ansatz = "delay"
"noise.t1" = 5e-4

[grid]
memory_qubits = [1, 2, 3]
"noise.t2" = [1e-5, 1e-4]

[stop]
max_shots = 1000
max_errors = 200

[run]
workers = 1
"""
DATA = {
    "x_train": np.arange(24.0).reshape(6, 4),
    "y_train": np.arange(6) % 2,
    "x_test": np.arange(8.0).reshape(2, 4),
    "y_test": np.arange(2),
}
#: Arrays that may stand where others should.
ARRAYS = [
    np.zeros(0), np.zeros((2, 0)), np.array(1.0), np.array("text"), np.array([1j, 2j]),
    np.full((6, 4), np.nan), np.zeros((6, 4), dtype=bool), np.zeros((6, 4, 1, 1, 1)),
    np.full((6, 4), 1e308), np.arange(6)[:, None] - 3, np.array(["a", "b"] * 3),
    np.zeros(6, dtype="datetime64[s]"), np.zeros(6, dtype=[("a", "i4")]), np.arange(6) + 0.5,
]  # fmt: skip
#: What JSON can say where something else should be.
JSON = [
    None, True, False, 0, 1, -1, 3, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"),
    "", "a", "paper", "x" * 300, "\x00", [], [0], [1, [2]], ["a"], {}, {"a": 1}, [[[]]] * 3,
]  # fmt: skip


def packed(arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def model():
    rng = np.random.default_rng(0)
    clf = SQSNN((3,), input_kind="static", n_steps=3, epochs=1, random_state=0)
    return clf.fit(rng.random((8, 4)), np.arange(8) % 2)


def again(path):
    """What was accepted can be used, and written."""
    clf = SQSNN.load(path)
    copy = path.parent.parent / "again.npz"
    clf.save(copy)
    assert repr(SQSNN.load(copy).get_params()) == repr(clf.get_params())
    if hasattr(clf, "classes_"):
        clf.predict(np.full((1, *clf._inputs.shape), 0.5))


READERS = {
    "model.npz": again,
    "data.npz": load_npz,
    "runs.csv": read_rows,
    "study.toml": load_study,
    "events.bin": read_nmnist_events,
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """The bytes of a file of each kind."""
    folder = tmp_path_factory.mktemp("originals")
    model().save(folder / "model.npz")
    (folder / "data.npz").write_bytes(packed(DATA))
    grid = {"memory_qubits": [1, 2], "noise.t2": [1e-5, 1e-4]}
    base = {"ansatz": "delay", "noise.t1": 5e-4}
    Study("memory_capacity", grid, base=base).run(folder / "runs.csv", progress=False)
    (folder / "study.toml").write_text(STUDY)
    events = np.random.default_rng(0).integers(0, 34, (40, 5), dtype=np.uint8)
    events[:, 2:4] = np.arange(40)[:, None] // [40, 1]  # in the order of time
    (folder / "events.bin").write_bytes(events.tobytes())
    return {name: (folder / name).read_bytes() for name in READERS}


@st.composite
def damage(draw, data):
    """A few wounds to *data*."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "cut", "double", "overwrite", "insert", "swap"]))
        if kind == "flip" and data:
            data = data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]
        elif kind == "cut":
            data = data[:at] + data[at + draw(st.integers(1, 1000)) :]
        elif kind == "double":
            data = data[: at + 20] + data[at:]
        elif kind == "overwrite":
            new = draw(st.binary(min_size=1, max_size=8))
            data = data[:at] + new + data[at + len(new) :]
        elif kind == "insert":
            words = st.sampled_from(
                [b"nan", b"inf", b"-1", b"1e999", b"9" * 30, b",", b"\n", b"[]"]
            )
            data = data[:at] + draw(words) + data[at:]
        else:
            lines = data.split(b"\n")
            i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[i], lines[j] = lines[j], lines[i]
            data = b"\n".join(lines)
    return data


@st.composite
def spoiled_arrays(draw, data):
    """An npz whose checksums are right, with one array that is not."""
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    name = draw(st.sampled_from(sorted(n for n in arrays if not n.startswith("__"))))
    kind = draw(st.sampled_from(["other", "drop", "extra", "shorter"]))
    if kind == "other":
        arrays[name] = draw(st.sampled_from(ARRAYS))
    elif kind == "drop":
        del arrays[name]
    elif kind == "extra":
        arrays["extra"] = draw(st.sampled_from(ARRAYS))
    else:
        arrays[name] = arrays[name][:-1] if arrays[name].ndim else np.zeros(2)
    return packed(arrays)


@st.composite
def spoiled_header(draw, data):
    """A model whose JSON is spoiled in one place."""
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    [key] = [k for k, v in arrays.items() if v.dtype.kind == "U" and not v.ndim]
    header = json.loads(str(arrays[key]))
    node = header
    while True:
        places = sorted(node) if isinstance(node, dict) else range(len(node))
        place = draw(st.sampled_from(places))
        if isinstance(node[place], (dict, list)) and node[place] and draw(st.booleans()):
            node = node[place]
            continue
        if draw(st.integers(0, 4)):
            node[place] = draw(st.sampled_from(JSON))
        else:
            del node[place]
        break
    arrays[key] = np.array(json.dumps(header))
    return packed(arrays)


CASES = [
    *((name, damage) for name in READERS),
    ("model.npz", spoiled_header),
    ("model.npz", spoiled_arrays),
    ("data.npz", spoiled_arrays),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "spoil"), CASES, ids=[f"{name} {how.__name__}" for name, how in CASES]
)
def test_damaged_files(name, spoil, originals, counts, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    path = folder / name

    @settings(
        max_examples=settings().max_examples,
        derandomize=settings().max_examples <= 100,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def run(data):
        content = data.draw(spoil(originals[name]))
        path.write_bytes(content)
        counts[attempt(READERS[name], path)] += 1
        assert path.read_bytes() == content
        assert list(folder.iterdir()) == [path]

    run()


def attempt(read, path):
    try:
        with warnings.catch_warnings(), bounded():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", StudyWarning)  # a torn line: that is its report
            read(path)
    except (ValueError, TypeError, OSError, StoreError) as error:
        said = f"{type(error).__name__}: {error}"
        assert path.name in said, said
        assert len(said) < 3000
        return "refused"
    return "accepted"


@pytest.mark.parametrize("name", READERS)
def test_whole_files_are_read(name, originals, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    path = folder / name
    path.write_bytes(originals[name])
    assert attempt(READERS[name], path) == "accepted"
    assert zipfile.is_zipfile(path) == (path.suffix == ".npz")
