import numpy as np
import pytest

from lava_sqs.study import Counts, Study, StudyResult
from lava_sqs.study.store import Row


def row(point, batch, counts, seed=0, **params):
    name = f"{point}-{seed}-{batch}"
    return Row(name, point, batch, "coin", params, seed, counts, "1", 0.5)


@pytest.fixture
def result():
    rows = [
        row("a", 1, Counts.of_shots(100, 4), p=0.1, side="x"),
        row("b", 0, Counts.of_samples([1, 0, 2], 2), p=0.2, side="x"),
        row("a", 0, Counts.of_shots(100, 6), p=0.1, side="x"),
        row("a", 0, Counts.of_shots(50, 5), seed=1, p=0.1, side="x"),
        row("c", 0, Counts.of_values([1.0, 2.0]), p=0.3, side="x"),
    ]
    return StudyResult(tuple(rows))


def test_rows_of_a_point_add_up(result):
    a, b, c = result
    assert (a.counts.shots, a.counts.errors, a.batches, a.seeds) == (250, 15, 3, (0, 1))
    assert (a.value, b.value, c.value) == (0.06, 0.5, 1.5)
    assert a.seconds == 1.5
    assert result.varying == ["p"]


def test_table_is_aligned_and_says_what_intervals_cover(result):
    lines = str(result).splitlines()
    assert lines[0] == "coin: 3 points, 5 rows, 2.5 s, version 1"
    assert lines[1] == "everywhere: side = x"
    assert lines[2].split() == ["p", "shots", "value", "95%", "interval", "method"]
    assert len({len(line) for line in lines[2:6]}) == 1
    assert lines[6] == "intervals cover: Wilson: 250 independent shots"
    assert lines[7].startswith("clustered Wilson: which 3 test samples")
    assert lines[8] == "Student t: spread over 2 seeds"


def test_note_of_the_intervals_is_of_all_points():
    shots = enumerate([500, 2000, 90])
    rows = [row(str(p), 0, Counts.of_shots(n, 9), p=p) for p, n in shots]
    note = str(StudyResult(tuple(rows))).splitlines()[-1]
    assert note == "intervals cover: Wilson: 90 to 2000 independent shots"


def test_dataframe_has_the_same_numbers(result):
    pandas = pytest.importorskip("pandas")
    frame = result.to_dataframe(level=0.9)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["p"]) == [0.1, 0.2, 0.3]
    found = [p.interval(0.9) for p in result]
    np.testing.assert_array_equal(frame["low"], [i.low for i in found])
    assert list(frame["covers"]) == [i.covers for i in found]
    assert frame["errors"].isna().tolist() == [False, False, True]


def test_pandas_is_named_when_it_is_missing(result, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"lava-sqs\[study\]"):
        result.to_dataframe()


def test_select(result):
    assert [p.id for p in result.select(p=[0.1, 0.3])] == ["a", "c"]
    assert [p.id for p in result.select(lambda point: point.value > 0.3)] == ["b", "c"]
    with pytest.raises(ValueError, match="no parameter 'q'"):
        result.select(q=1)


def test_seeds_are_pooled_over_files(tasks, tmp_path):
    for seed in (0, 1):
        study = Study(tasks.normal, {"mean": [0.0, 5.0]}, seed=seed)
        study.run(tmp_path / f"{seed}.csv", max_batches=2)
    pooled = StudyResult.load(tmp_path / "0.csv", tmp_path / "1.csv")
    assert [(p.counts.shots, p.seeds) for p in pooled] == [(16, (0, 1))] * 2
    assert pooled.points[1].value == pytest.approx(5, abs=1.2)
    with pytest.raises(ValueError, match="at least one file"):
        StudyResult.load()


def test_repeated_samples_keep_the_interval_of_the_samples(tasks):
    found = Study(tasks.samples, base={"p": 0.6}).run(max_batches=5).points[0]
    assert found.counts.repeats == 10
    assert len(found.counts.sample_errors) == 30
    assert found.interval().method == "clustered Wilson"


def test_a_width_can_be_asked_for(tasks):
    (point,) = Study(tasks.coin, base={"p": 0.2}).run(target_width=0.05)
    assert point.interval().width <= 0.05
    assert point.counts.shots == pytest.approx(1.96**2 * 0.16 * 4 / 0.05**2, rel=0.25)
