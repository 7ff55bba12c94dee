import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.quantum import NoiseModel
from lava_sqs.study import Counts, Stop, Study, noise_from
from lava_sqs.study.plan import RESERVED, batch_seed, canonical, expand
from lava_sqs.study.plan.ids import point_id


def test_grid_is_a_product_and_its_last_name_varies_fastest():
    points = expand(grid={"a": [1, 2], "b": ["x", "y"]}, points=None, base={"c": 0})
    assert points == [{"c": 0, "a": a, "b": b} for a in (1, 2) for b in ("x", "y")]


def test_points_are_crossed_with_the_grid_and_override_the_base():
    points = expand(grid={"a": [1, 2]}, points=[{"b": 5}, {"c": {"d": 6}}], base={"b": 0})
    assert points == [
        {"b": 5, "a": 1},
        {"b": 5, "a": 2},
        {"b": 0, "c.d": 6, "a": 1},
        {"b": 0, "c.d": 6, "a": 2},
    ]


def test_a_noise_model_stands_for_its_fields():
    noise = NoiseModel(t1=1e-4, t2=8e-5, p_read1_given0=0.02)
    (point,) = expand(grid=None, points=None, base={"noise": noise})
    assert point == {"noise.t1": 1e-4, "noise.t2": 8e-5, "noise.p_read1_given0": 0.02}
    assert noise_from(point) == noise
    assert noise_from(point, "train_noise") is None


def test_noise_of_parameters():
    brisbane = NoiseModel.preset("ibm_brisbane")
    assert noise_from({"noise": "ibm_brisbane"}) == brisbane
    assert noise_from({"noise": "ibm_brisbane", "noise.t1": 1e-3}) == brisbane.replace(t1=1e-3)
    assert noise_from({"noise": None}) == NoiseModel()
    got = noise_from({"noise": "ibm_brisbane", "noise.t2_over_t1": 0.5})
    assert got.t2 == 0.5 * brisbane.t1
    got = noise_from({"noise.p_depol_2q": 0.01, "noise.p_depol_1q_over_2q": 0.1})
    assert got == NoiseModel(p_depol_2q=0.01, p_depol_1q=0.001)
    got = noise_from({"noise.t1": [1e-4, 2e-4], "noise.t2_over_t1": 1.0})
    assert (got.t1, got.t2) == ((1e-4, 2e-4), (1e-4, 2e-4))
    assert noise_from({"noise": "ibm_brisbane", "noise.scaled": 2.0}) == brisbane.scaled(2.0)
    both = {"noise.t1": 1e-4, "noise.t2": 1e-4, "train_noise.t1": 2e-4, "train_noise.t2": 1e-4}
    assert (noise_from(both).t1, noise_from(both, "train_noise").t1) == (1e-4, 2e-4)
    with pytest.raises(ValueError, match="both"):
        noise_from({"noise.t1": 1, "noise.t2": 1, "noise.t2_over_t1": 1})


GRID = {"noise.t1": [1e-5, 1e-4], "noise.t2": [1e-5, 5e-5, 2e-4]}


def test_impossible_points_are_an_error_or_skipped(tasks):
    with pytest.raises(ValueError, match=r"noise.t1=1e-05, noise.t2=5e-05.*on_invalid='skip'"):
        Study(tasks.coin, GRID, base={"p": 0.1})
    study = Study(tasks.coin, GRID, base={"p": 0.1}, on_invalid="skip")
    kept = [(p.params["noise.t1"], p.params["noise.t2"]) for p in study.points]
    assert kept == [(1e-5, 1e-5), (1e-4, 1e-5), (1e-4, 5e-5), (1e-4, 2e-4)]
    assert len(study.skipped) == 2
    with pytest.raises(ValueError, match="no possible point"):
        Study(tasks.coin, {"noise.t1": [1e-5]}, base={"noise.t2": 1.0}, on_invalid="skip")
    # The training noise is judged as well, the exact limit is possible.
    Study(tasks.coin, {"noise.t2_over_t1": [2.0]}, base={"noise.t1": 1.1e-5})
    with pytest.raises(ValueError, match=r"train_noise.t2"):
        Study(tasks.coin, {"train_noise.t2_over_t1": [2.1]}, base={"train_noise.t1": 1.1e-5})


def test_a_forgotten_t2_is_a_mistake_and_not_skipped(tasks):
    with pytest.raises(ValueError, match=r"infinite t2.*Give noise\.t2 or noise\.t2_over_t1"):
        Study(tasks.coin, {"noise.t1": [1e-5]}, base={"p": 0.1}, on_invalid="skip")


@pytest.mark.parametrize("t1", [-1e-5, 0.0])
def test_a_lifetime_that_is_none_is_a_mistake_and_not_skipped(t1):
    with pytest.raises(ValueError, match=r"`noise\.t1` must be"):
        Study(
            "memory_capacity", {"noise.t1": [1e-4, t1]}, base={"noise.t2": 1e-5}, on_invalid="skip"
        )


def test_only_impossible_lifetimes_are_skipped(tasks):
    with pytest.raises(ValueError, match="must be in seconds"):
        Study("memory_capacity", {"noise.t1": [100.0]}, base={"noise.t2": 80.0}, on_invalid="skip")


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"grid": {"p": 0.1}}, TypeError, "`p` must have a list of values in `grid`"),
        ({"grid": {"p": []}}, ValueError, "`p` must have values in `grid`"),
        ({"grid": {"p": [0.1, 0.1]}}, ValueError, "twice"),
        ({"grid": {"p": [2, 2.0]}}, ValueError, "twice"),
        ({"grid": {"seed": [0.1]}}, ValueError, "column"),
        ({"grid": {"a b": [0.1]}}, ValueError, "without spaces"),
        ({"grid": {"p": [1]}, "points": [{"p": 2}]}, ValueError, "give it once"),
        ({"points": []}, ValueError, "points"),
        ({"points": {"p": 1}}, TypeError, "points"),
        ({"base": {"p": math.nan}}, ValueError, "NaN"),
        ({"base": {"p": object()}}, TypeError, "column"),
        ({"base": {"p": "a\nb"}}, ValueError, "one line"),
        ({"base": {"a": {"b": 1}, "a.b": 2}}, ValueError, "twice"),
        ({"seed": 0.5}, TypeError, "seed"),
        ({"seed": -1}, ValueError, "seed"),
        ({"on_invalid": "ignore"}, ValueError, "on_invalid"),
    ],
)
def test_bad_studies_are_refused_at_once(tasks, arguments, kind, message):
    with pytest.raises(kind, match=message):
        Study(tasks.coin, **arguments)


@pytest.mark.parametrize(
    ("task", "kind", "message"),
    [
        (lambda params, seed: None, TypeError, "top level"),
        (3, TypeError, "callable"),
        ("memory_capicity", ValueError, "Did you mean 'memory_capacity'"),
        (Counts.of_shots, TypeError, "must be a function"),
    ],
)
def test_bad_tasks_are_refused_at_once(task, kind, message):
    with pytest.raises(kind, match=message):
        Study(task)


def test_unknown_parameters_of_a_built_in_task_are_refused():
    with pytest.raises(ValueError, match="`memory_quibts` is not a parameter of the task"):
        Study("memory_capacity", {"memory_quibts": [1, 2]})
    with pytest.raises(TypeError, match="T1"):
        Study("memory_capacity", base={"noise.T1": 1e-4})


# -- ids -----------------------------------------------------------------------------------------


def test_canonical_json_is_one_text():
    assert canonical({"b": 2.0, "a": -0.0}) == canonical({"a": 0, "b": 2}) == '{"a":0,"b":2}'
    assert canonical(1e-5) == "1e-05"
    assert canonical(math.inf) != canonical("Infinity")
    assert canonical(True) != canonical(1)


def test_ids_do_not_change():
    # Written down once: if this fails, nobody can resume the studies made so far.
    assert point_id(["f"], {"noise.t1": 1e-5, "m": 2}, "0.1.0") == "2692837218a91ac4"
    assert batch_seed(7, "00c0ffee00c0ffee", 3).generate_state(2).tolist() == [
        4172375172,
        4249169639,
    ]


def test_ids_depend_on_everything_that_affects_the_result(tasks):
    def ids(task=tasks.coin, seed=0, **arguments):
        study = Study(task, seed=seed, **{"base": {"p": 0.1}, **arguments})
        return study.points[0].id, study.run(progress=False).rows[0].row_id

    first = ids()
    assert ids() == first
    assert ids(base={"p": 0.1, "pause": 0}) != first
    assert ids(task=tasks.uneven)[0] != first[0]
    assert ids(seed=1)[0] == first[0]  # rows of other seeds add up
    assert ids(seed=1)[1] != first[1]
    assert ids(base={"p": 0.2})[0] != first[0]
    assert point_id(["f"], {}, "1") != point_id(["f"], {}, "2")
    options = [{"circuits": 1}, {"circuits": 2}]
    a, b = (Study("memory_capacity", options=o).points[0].id for o in options)
    assert a != b


SOURCE = """
def task(params, seed):
    {comment}
    return {{"shots": 10, "errors": {errors}}}
"""


def test_a_task_is_its_code_and_not_its_comments():
    code = """
import sys; sys.path.insert(0, {folder!r})
import edited
from lava_sqs.study import Study
print(Study(edited.task).points[0].id)
"""

    def id_of(folder, **text):
        (folder / "edited.py").write_text(SOURCE.format(**text))
        run = [sys.executable, "-B", "-c", code.format(folder=str(folder))]
        return subprocess.run(run, capture_output=True, check=True, text=True).stdout

    from pathlib import Path
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder)
        first = id_of(path, comment="# one", errors=1)
        assert id_of(path, comment="# two\n", errors=1) == first
        assert id_of(path, comment="# one", errors=2) != first


@given(
    st.integers(0, 2**40), st.integers(0, 2**64 - 1), st.integers(0, 10**6), st.integers(1, 10**6)
)
def test_batches_have_seeds_of_their_own(seed, point, batch, step):
    def state(s, p, b):
        return tuple(batch_seed(s, f"{p:016x}", b).generate_state(4))

    one = state(seed, point, batch)
    assert one == state(seed, point, batch)
    assert one != state(seed, point, batch + step)
    assert one != state(seed + step, point, batch)
    assert one != state(seed, point ^ step, batch)


# -- the stopping rule ---------------------------------------------------------------------------


def test_a_point_stops_at_any_rule():
    stop = Stop(max_shots=100, max_errors=5, target_width=0.01)
    assert stop.reached(Counts.of_shots(99, 4), 1) == ""
    assert stop.reached(Counts.of_shots(100, 4), 1) == "max_shots"
    assert stop.reached(Counts.of_shots(50, 5), 1) == "max_errors"
    assert Stop(target_width=0.1).reached(Counts.of_shots(500, 50), 1) == "target_width"
    assert Stop(target_width=0.1).reached(Counts.of_shots(50, 5), 1) == ""
    # Two values may agree by chance.
    assert Stop(target_width=0.1).reached(Counts.of_values([1.0, 1.0]), 2) == ""
    assert Stop(target_width=0.1).reached(Counts.of_values([1.0, 1.0, 1.0]), 3) == "target_width"


def test_no_study_runs_for_ever():
    assert Stop().batch_limit == 1
    assert Stop(max_errors=5).batch_limit == 1000
    assert Stop(max_errors=5, max_batches=7).reached(Counts.of_shots(10, 0), 7) == "max_batches"


@pytest.mark.parametrize(
    "wrong", [{"max_shots": 0}, {"max_errors": 1.5}, {"target_width": 0}, {"target_width": "a"}]
)
def test_stopping_rules_are_checked(wrong):
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        Stop(**wrong)


def test_reserved_names_are_the_columns(tasks, tmp_path):
    Study(tasks.coin, base={"p": 0.5}).run(tmp_path / "a.csv", progress=False)
    header = (tmp_path / "a.csv").read_text().splitlines()[0].split(",")
    assert set(header) - {"p"} == set(RESERVED)
    assert json.dumps(sorted(os.listdir(tmp_path))) == '["a.csv"]'
    assert np.isclose(0.5, float((tmp_path / "a.csv").read_text().splitlines()[1].split(",")[4]))
