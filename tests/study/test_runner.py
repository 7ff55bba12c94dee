import concurrent.futures as cf
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from lava_sqs.study import Counts, Study, StudyError, StudyWarning, read_rows
from lava_sqs.study.run._failure import traceback_of
from lava_sqs.study.store import RowStore

GRID = {"p": [0.05, 0.1, 0.3, 0.6]}
RULE = {"max_errors": 40, "max_shots": 700}


class Backwards(cf.Executor):
    """Three workers that always finish in the opposite order."""

    _max_workers = 3

    def __init__(self):
        self.waiting = []
        self.calls = 0

    def submit(self, function, /, *args):
        future = cf.Future()
        self.waiting.append((future, function, args))
        self.calls += 1
        if len(self.waiting) == 3:
            self.flush()
        return future

    def flush(self):
        while self.waiting:
            future, function, args = self.waiting.pop()
            future.set_result(function(*args))


def test_a_point_gets_batches_until_the_rule_holds(tasks):
    result = Study(tasks.coin, GRID).run(**RULE, progress=False)
    for p in result:
        rows = [r.counts for r in result.rows if r.point_id == p.id]
        before = sum(rows[:-1], Counts.of_shots(0, 0))
        assert before.errors < 40
        assert before.shots < 700
        assert p.counts.errors >= 40 or p.counts.shots >= 700
        assert [r.batch for r in result.rows if r.point_id == p.id] == list(range(len(rows)))


def test_rows_are_on_disk_before_the_next_batch(tasks, tmp_path):
    path = tmp_path / "a.csv"
    steps = Study(tasks.coin, GRID).iter_run(path, max_batches=2)
    for n, step in enumerate(steps, start=1):
        assert path.read_bytes().count(b"\n") == n + 1
        assert step.points_total == 4
        assert bool(step.stopped_by) == (step.row.batch == 1)
        if n == 3:
            break
    steps.close()
    assert step.points_done == 1
    assert len(read_rows(path)) == 3
    RowStore(path, ["p"]).close()  # the lock is free


def test_order_of_finishing_does_not_matter(tasks):
    one = Study(tasks.coin, {"p": [0.02, 0.6]}).run(**RULE, progress=False)
    pool = Backwards()
    # The last, incomplete group of three must be answered as well.
    study = Study(tasks.coin, {"p": [0.02, 0.6]})
    wait = cf.wait

    def flushing(*args, **options):
        pool.flush()
        return wait(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cf, "wait", flushing)
        two = study.run(**RULE, executor=pool, progress=False)
    assert sorted(r.row_id for r in two.rows) == sorted(r.row_id for r in one.rows)
    assert {r.result.row_id: r.result for r in two.rows} == {r.row_id: r.result for r in one.rows}
    assert pool.calls > len(two.rows)  # some were started ahead, in vain


@pytest.mark.parametrize("workers", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_any_number_of_workers_gives_the_same_rows(tasks, tmp_path, results, workers):
    study = Study(tasks.uneven, GRID)
    study.run(tmp_path / "one.csv", **RULE)
    study.run(tmp_path / "many.csv", workers=workers, **RULE)
    assert results(tmp_path / "many.csv") == results(tmp_path / "one.csv")


def test_what_points_share_is_made_once_and_by_several_workers_at_a_time(tasks, tmp_path):
    # Two workers, three things to make: nobody waits for one while there is anything else to do.
    study = Study(
        tasks.Shared(str(tmp_path / "log")), {"p": [0.1, 0.2, 0.3], "shared": ["a", "b", "c"]}
    )
    with cf.ThreadPoolExecutor(2) as pool:
        result = study.run(executor=pool, max_batches=2)
    log = (tmp_path / "log").read_text().split()
    assert sorted(log[:2]) == ["make-a", "make-b"]
    assert "make-c" in log[3:5]  # as soon as a worker is free
    assert "wait" not in " ".join(log)
    assert len(result.rows) == 18
    assert {r.row_id: r.counts for r in study.run(max_batches=2).rows} == {
        r.row_id: r.counts for r in result.rows
    }


def test_a_finished_study_runs_nothing(tasks, tmp_path):
    study = Study(tasks.coin, GRID)
    first = study.run(tmp_path / "a.csv", **RULE)
    assert list(study.iter_run(tmp_path / "a.csv", **RULE)) == []
    more = study.run(tmp_path / "a.csv", max_errors=80, max_shots=1400)
    assert len(more.rows) > len(first.rows)
    assert {r.row_id for r in first.rows} < {r.row_id for r in more.rows}
    undisturbed = study.run(max_errors=80, max_shots=1400)
    assert {r.result.row_id: r.counts for r in more.rows} == {
        r.row_id: r.counts for r in undisturbed.rows
    }


def test_a_missing_row_is_made_again(tasks, tmp_path, results):
    path = tmp_path / "a.csv"
    study = Study(tasks.coin, GRID)
    study.run(path, **RULE)
    whole = results(path)
    lines = path.read_text().splitlines(keepends=True)
    del lines[2], lines[5]
    path.write_text("".join(lines))
    assert len(list(study.iter_run(path, **RULE))) == 2
    assert results(path) == whole


def test_other_rows_of_the_file_are_left_alone(tasks, tmp_path):
    path = tmp_path / "a.csv"
    a, b = (Study(tasks.coin, GRID, seed=s) for s in (0, 1))
    a.run(path)
    result = b.run(path)
    assert len(read_rows(path)) == 8
    assert [p.seeds for p in result] == [(0, 1)] * 4  # same points: the seeds add up
    assert [p.counts.shots for p in result] == [200] * 4


def test_a_failing_point_costs_only_itself(tasks, tmp_path):
    study = Study(tasks.fails, {"p": [0.1, 0.5, 0.9]})
    with pytest.raises(StudyError, match=r"1 point\(s\) failed.*\n.*p=0.5: ZeroDivisionError") as e:
        study.run(tmp_path / "a.csv", max_batches=2)
    assert [p.params for p, _ in e.value.failures] == [{"p": 0.5}]
    assert sorted(r.params["p"] for r in read_rows(tmp_path / "a.csv")) == [0.1, 0.1, 0.9, 0.9]


SAID = {
    "odd": "Odd: 1 and 2",
    "holds": "Holds: holds a lock",
    "forgets": "Forgets: it forgets",
    "memory": "MemoryError: not enough memory",
    "array": "MemoryError: Unable to allocate",
    "exit": "SystemExit: the task ended the program with 3",
    "generator": "GeneratorExit: no message",
    "lines": "ValueError: two lines",
    "empty": "AssertionError: no message",
}


@pytest.mark.parametrize("how", ["here", "threads", "loky", "isolated"])
def test_whatever_a_task_raises_is_said_in_one_line_with_its_place(tasks, monkeypatch, how):
    monkeypatch.setattr(StudyError, "shown", len(SAID))
    # An interpreter per batch takes its time: two kinds are enough there.
    kinds = ["holds", "exit"] if how == "isolated" else list(SAID)
    study = Study(tasks.raises, {"kind": [*kinds, "none"]})
    with cf.ThreadPoolExecutor(2) as pool:
        options = {
            "here": {},
            "threads": {"executor": pool},
            "loky": {"workers": 2},
            "isolated": {"isolate": True, "timeout": 60},
        }[how]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nothing is lost, nothing is tried again
            with pytest.raises(StudyError) as caught:
                study.run(**options)
    said = str(caught.value).splitlines()
    assert said[0].startswith(f"{len(kinds)} point(s) failed")
    for kind, line in zip(kinds, said[1:], strict=True):
        assert f"kind={kind!r}: {SAID[kind]}" in line
        assert "study_tasks.py, line " in line
        assert "in raises)" in line or kind == "array"
    for _, error in caught.value.failures:
        assert "study_tasks.py" in traceback_of(error)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_in_a_task_interrupts_the_run_wherever_it_is(tasks, workers):
    study = Study(tasks.raises, {"kind": ["interrupt", "none"]})
    with pytest.raises(KeyboardInterrupt):
        study.run(workers=workers)


def test_a_killed_worker_costs_its_batch(tasks, tmp_path):
    base = {"folder": str(tmp_path)}
    study = Study(tasks.dies_once, {"p": [0.1]}, base=base)
    with pytest.warns(StudyWarning, match="it runs again"):
        result = study.run(tmp_path / "a.csv", workers=2, max_batches=2)
    assert len(os.listdir(tmp_path)) == 1 + 2  # every batch has killed its worker once
    again = study.run(max_batches=2)  # now nobody dies
    assert [r.result for r in result.rows] == [r.result for r in again.rows]


def test_a_deadly_batch_does_not_take_its_neighbours_along(tasks, tmp_path):
    study = Study(tasks.dies_always, {"p": [0.1, 0.5, 0.9]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StudyWarning)
        with pytest.raises(StudyError) as caught:
            study.run(tmp_path / "a.csv", workers=2, max_batches=6, retries=1)
    assert [p.params for p, _ in caught.value.failures] == [{"p": 0.5}]
    assert len(read_rows(tmp_path / "a.csv")) == 12


def test_a_broken_executor_of_the_user_is_replaced_only_by_its_maker(tasks, tmp_path):
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    study = Study(tasks.dies_once, {"p": [0.1]}, base={"folder": str(tmp_path)})
    spawn = get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as pool,
        pytest.warns(StudyWarning),
        pytest.raises(RuntimeError, match="pass executor=lambda"),
    ):
        study.run(executor=pool)
    os.remove(tmp_path / "0.1-0")
    with pytest.warns(StudyWarning, match="runs again"):
        result = study.run(executor=lambda: ProcessPoolExecutor(1, mp_context=spawn))
    assert len(result.rows) == 1


def test_the_executor_of_the_user_stays_open(tasks):
    with cf.ThreadPoolExecutor(2) as pool:
        Study(tasks.coin, GRID).run(executor=pool)
        assert pool.submit(int, "7").result() == 7


def test_a_hung_batch_is_killed_with_its_children(tasks, tmp_path, nothing_left):
    study = Study(tasks.hangs, {"p": [0.5, 0.1]}, base={"folder": str(tmp_path)})
    with pytest.raises(StudyError, match="took longer than 6 s"):
        study.run(tmp_path / "a.csv", isolate=True, timeout=6, retries=0)
    assert [r.params["p"] for r in read_rows(tmp_path / "a.csv")] == [0.1]
    assert nothing_left(int((tmp_path / "session").read_text()))


@pytest.mark.faults
def test_a_hung_lava_network_does_not_stop_the_study(tasks, tmp_path, monkeypatch, nothing_left):
    # The task says itself that it must be isolated, also when it is given options.
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))  # for faulty
    base = {"folder": str(tmp_path)}
    study = Study(tasks.in_lava, {"deed": ["fail", "nothing"]}, base=base, options={"steps": 4})
    with pytest.raises(StudyError, match=r"1 point\(s\) failed.*\n.*deed='fail'.*longer than 30 s"):
        study.run(tmp_path / "a.csv", workers=2, retries=0)
    (row,) = read_rows(tmp_path / "a.csv")
    assert row.params["deed"] == "nothing"
    assert row.counts.estimate == 4  # one spike in each step
    assert nothing_left(int((tmp_path / "fail").read_text()))


def test_isolated_batches_give_the_same_rows(tasks, tmp_path, results):
    study = Study(tasks.coin, {"p": [0.1, 0.2]})
    study.run(tmp_path / "here.csv")
    study.run(tmp_path / "there.csv", isolate=True, timeout=60, workers=2)
    assert results(tmp_path / "here.csv") == results(tmp_path / "there.csv")


def test_an_isolated_batch_that_dies_or_raises_says_so(tasks, tmp_path):
    study = Study(tasks.dies_always, {"p": [0.5]})
    with pytest.raises(StudyError, match="SIGKILL"):
        study.run(isolate=True, retries=0)
    study = Study(tasks.dies_once, {"p": [0.5]}, base={"folder": str(tmp_path)})
    with pytest.warns(StudyWarning, match=r"died \(SIGKILL\); it runs again"):
        assert len(study.run(isolate=True).rows) == 1
    with pytest.raises(StudyError, match="ZeroDivisionError: no such luck"):
        Study(tasks.fails, {"p": [0.5]}).run(isolate=True)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"workers": 0}, ValueError, "workers"),
        ({"workers": 1.5}, TypeError, "workers"),
        ({"executor": 3}, TypeError, "executor"),
        ({"timeout": 3}, ValueError, "isolate=True"),
        ({"isolate": True, "timeout": -1}, ValueError, "timeout"),
        ({"retries": -1}, ValueError, "retries"),
        ({"max_shot": 3}, TypeError, "max_shot"),
    ],
)
def test_bad_options_are_refused(tasks, tmp_path, options, kind, message):
    with pytest.raises(kind, match=message):
        Study(tasks.coin, GRID).run(tmp_path / "a.csv", **options)


def test_counts_that_do_not_add_up_are_the_tasks_fault():
    study = Study(changes_its_mind)
    with pytest.raises(StudyError, match="do not add up"):
        study.run(max_batches=3)


def changes_its_mind(params, seed):
    return Counts.of_values([1.0]) if seed.spawn_key[0] else Counts.of_shots(1, 0)


def test_loky_is_named_when_it_is_missing(tasks, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "loky", None)
    with pytest.raises(ImportError, match=r"lava-sqs\[study\]"):
        Study(tasks.coin, GRID).run(workers=2)


MPI = """
import sys

from mpi4py.futures import MPIPoolExecutor

import study_tasks
from lava_sqs.study import Study

if __name__ == "__main__":
    with MPIPoolExecutor() as pool:
        print(pool.num_workers, "workers")
        study = Study(study_tasks.uneven, {"p": [0.05, 0.1, 0.3, 0.6]})
        study.run(sys.argv[1], executor=pool, max_errors=40, max_shots=700)
"""


def test_a_pool_of_mpi_gives_the_same_rows(tasks, tmp_path, results):
    script, out = tmp_path / "script.py", tmp_path / "runs.csv"
    script.write_text(MPI)
    start = [Path(sys.executable).with_name("mpiexec"), "-n", "3"]  # a master and two workers
    command = [*start, sys.executable, "-m", "mpi4py.futures", script, out]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "2 workers\n"
    Study(tasks.uneven, GRID).run(tmp_path / "here.csv", **RULE)
    assert results(out) == results(tmp_path / "here.csv")
