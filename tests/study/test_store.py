import csv
import errno
import math
import multiprocessing
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.study import Counts, StoreError, Study, StudyResult, StudyWarning, combine, read_rows
from lava_sqs.study.store import Row, RowStore
from lava_sqs.study.store.rows import cells_of, columns_of, decode, encode, line_of

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])),
    st.sampled_from(["inf", "none", "true", "12", "-Infinity", "[1]", '"', "NaN", "1e400", ""]),
)


@given(st.one_of(scalars, st.lists(scalars, max_size=3)))
def test_cells_keep_value_and_type(value):
    cell = encode(value)
    assert cell
    assert decode(cell) == value
    assert type(decode(cell)) is type(value)


def row(batch=0, errors=3, point="aa", seconds=1.0, **params):
    counts = Counts.of_shots(100, errors)
    params = {"p": 0.5, **params}
    return Row(f"{point}{batch}", point, batch, "coin", params, 0, counts, "1", seconds)


@pytest.mark.parametrize(
    "counts",
    [Counts.of_shots(7, 2), Counts.of_samples([1, 0, 2], 2), Counts.of_values([0.1, 1 / 3, -5e-8])],
)
def test_rows_come_back_as_they_were(tmp_path, counts):
    params = {"a": 'with "quotes", and comma', "b": [1.5, 2], "c": float("inf"), "d": None}
    one = Row("r", "p", 3, "t", params, 9, counts, "0.1.0", 1.25)
    with RowStore(tmp_path / "a.csv", list(params)) as store:
        store.append(one)
    assert read_rows(tmp_path / "a.csv") == [one]


@given(st.data())
def test_a_file_torn_anywhere_loses_only_what_is_torn(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("torn") / "a.csv"
    rows = [row(batch) for batch in range(3)]
    with RowStore(path, ["p"]) as store:
        for r in rows:
            store.append(r)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:cut])
    complete = max(0, whole[:cut].count(b"\n") - 1)
    torn = cut > 0 and not whole[:cut].endswith(b"\n")
    if torn:
        with pytest.warns(StudyWarning, match="last line is torn"):
            assert read_rows(path) == rows[:complete]
        assert path.read_bytes() == whole[:cut]  # reading changes nothing
        with pytest.warns(StudyWarning, match="removed"):
            store = RowStore(path, ["p"])
    else:
        store = RowStore(path, ["p"])
    with store:
        assert store.rows == rows[:complete]
        for r in rows[complete:]:
            store.append(r)
    assert path.read_bytes() == whole


def test_a_last_line_of_zeros_is_torn_too(tmp_path):
    path = tmp_path / "a.csv"
    with RowStore(path, ["p"]) as store:
        store.append(row(0))
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0\0\0\0\n")
    with pytest.warns(StudyWarning, match="torn"), RowStore(path, ["p"]) as store:
        assert store.rows == [row(0)]
    assert path.read_bytes() == whole


def test_a_broken_line_elsewhere_is_named(tmp_path):
    path = tmp_path / "a.csv"
    with RowStore(path, ["p"]) as store:
        for batch in range(3):
            store.append(row(batch))
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = lines[2][:10] + lines[3]
    path.write_text("".join(lines[:3]) + lines[3])
    with pytest.raises(StoreError, match="line 3 is not a row"):
        read_rows(path)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "hello", "\n"])
def test_other_files_are_not_touched(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(StoreError, match="not a results file"):
        RowStore(path, ["p"])
    assert path.read_text() == text


def test_two_runs_do_not_share_a_file(tmp_path):
    path = tmp_path / "a.csv"
    code = f"""
from lava_sqs.study.store import RowStore, StoreError
try:
    RowStore({str(path)!r}, ["p"])
except StoreError as error:
    print(error)
else:
    print("open")
"""

    def elsewhere():
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout

    with RowStore(path, ["p"]):
        with pytest.raises(StoreError, match="another run"):
            RowStore(path, ["p"])
        assert "another run" in elsewhere()
    assert elsewhere() == "open\n"


def wait_in_child(pipe):
    pipe.send("here")
    pipe.recv()


def test_a_forked_child_does_not_keep_the_lock_of_a_killed_run(tmp_path):
    path = tmp_path / "a.csv"
    store = RowStore(path, ["p"])
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=wait_in_child, args=(theirs,))
    child.start()
    assert ours.recv() == "here"
    os.close(store._fd)  # as a kill does: nothing is unlocked
    store._fd = -1
    try:
        RowStore(path, ["p"]).close()
    finally:
        ours.send(None)
        child.join()


def test_other_columns_need_another_file(tmp_path):
    path = tmp_path / "a.csv"
    RowStore(path, ["p", "q"]).close()
    RowStore(path, ["q"]).close()
    with pytest.raises(StoreError, match="no column `r`"):
        RowStore(path, ["q", "r"])


def test_combine_takes_each_row_once_and_all_columns(tmp_path):
    files = [tmp_path / name for name in ("a.csv", "b.csv")]
    first, second = [row(0), row(1)], [row(1, seconds=9.0), row(0, point="bb", q="x")]
    for path, rows in zip(files, (first, second), strict=True):
        path.write_bytes(line_of(columns := columns_of(["p", "q"])))
        with open(path, "ab") as file:
            file.writelines(line_of(cells_of(r, columns)) for r in rows)
    merged = combine(files, tmp_path / "c.csv")
    assert merged == [*first, second[1]]
    assert read_rows(tmp_path / "c.csv") == merged
    assert combine(reversed(files))[-1].point_id in ("aa", "bb")
    assert len(StudyResult.load(*files).points) == 2
    with pytest.raises(FileExistsError, match=r"c\.csv"):
        combine(files, tmp_path / "c.csv")


def test_one_row_with_two_results_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    with RowStore(path, ["p"]) as store:
        store.append(row(0, errors=3))
        store.append(row(0, errors=4))
    with pytest.raises(StoreError, match="two results"):
        read_rows(path)


def test_resume_false_keeps_what_is_there(tasks, tmp_path):
    study = Study(tasks.coin, {"p": [0.1]})
    study.run(tmp_path / "a.csv", resume=False)
    before = (tmp_path / "a.csv").read_bytes()
    with pytest.raises(FileExistsError, match="1 rows already"):
        study.run(tmp_path / "a.csv", resume=False)
    assert (tmp_path / "a.csv").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.csv"]


def test_rows_of_another_version_do_not_count(tasks, tmp_path):
    path = tmp_path / "a.csv"
    study = Study(tasks.coin, {"p": [0.1]})
    made = study.run(path).rows[0]
    path.write_text(
        path.read_text()
        .replace(f",{made.version},", ",0.0.1,")
        .replace(made.point_id, "0" * 16)
        .replace(made.row_id, "1" * 16)
    )
    with pytest.warns(StudyWarning, match=r"version 0\.0\.1"):
        result = study.run(path)
    assert [r.result for r in result.rows] == [made.result]
    assert len(read_rows(path)) == 2


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "-x", '"=1"', "=cmd|' /C calc'!A0"]
)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(tmp_path, text):
    path = tmp_path / "a.csv"
    params = {"text": text, "list": [text], "number": -1.5, "whole": -2, "small": -math.inf}
    one = Row("r", "p", 0, text, params, 0, Counts.of_shots(10, 1), "1", 1.0)
    with RowStore(path, list(params)) as store:
        store.append(one)
    assert read_rows(path) == [one]
    header, cells = csv.reader(path.read_text().splitlines())
    cell = dict(zip(header, cells, strict=True))
    assert cell["number"] == "-1.5"
    assert cell["whole"] == "-2"
    assert not [v for k, v in cell.items() if v[:1] in tuple("=+-@\t\r") and k not in params]
    assert cell["text"][0] == cell["task"][0] == '"'


@given(st.text(max_size=8))
def test_names_of_tasks_come_back(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("names") / "a.csv"
    one = Row("r", "p", 0, name, {"p": 1}, 0, Counts.of_shots(10, 1), "1", 1.0)
    with RowStore(path, ["p"]) as store:
        store.append(one)
    assert read_rows(path) == [one]


@pytest.mark.parametrize("name", ["=a", "+a", "-a", "@a", "a\x1b", "a\tb", "a\u202e"])
def test_no_column_is_a_formula(tasks, name):
    with pytest.raises(ValueError, match="not begin with") as caught:
        Study(tasks.coin, base={name: 1})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("number", "kind", "message"),
    [
        (errno.ENOLCK, StoreError, "cannot be locked .*local disk"),
        (errno.EOPNOTSUPP, StoreError, "cannot be locked .*local disk"),
        (errno.ENOSYS, StoreError, "cannot be locked .*local disk"),
        (errno.EWOULDBLOCK, StoreError, "another run"),
    ],
)
def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch, number, kind, message):
    def flock(*args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(kind, match=rf"a\.csv .*{message}"):
        RowStore(tmp_path / "a.csv", ["p"])


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_has_the_name_of_the_file(tmp_path, monkeypatch, call, number):
    path = tmp_path / "a.csv"
    with RowStore(path, ["p"]) as store:

        def full(*args):
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            with pytest.raises(OSError, match=r"a\.csv") as caught:
                store.append(row(0))
    assert (caught.value.errno, caught.value.filename) == (number, str(path))


def test_a_row_of_very_many_samples_comes_back(tmp_path):
    one = Row("r", "p", 0, "t", {"p": 1}, 0, Counts.of_samples([0, 1] * 50_000, 1), "1", 1.0)
    with RowStore(tmp_path / "a.csv", ["p"]) as store:
        store.append(one)
    assert read_rows(tmp_path / "a.csv") == [one]
