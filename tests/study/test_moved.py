"""What was written before modules moved: pickles and results files load, and their rows count."""

import base64
import json
import pickle
import warnings
from pathlib import Path

import pytest

from lava_sqs.study import Study, StudyResult, StudyWarning
from lava_sqs.study import study as study_module
from lava_sqs.study.plan import ids
from lava_sqs.study.run import runner
from lava_sqs.study.tasks._content import _lasting

BEFORE = json.loads(Path(__file__).with_name("before_moving.json").read_text("utf-8"))
STUDY = {
    "grid": {"memory_qubits": [1, 2], "noise.t1": [1e-4]},
    "base": {"ansatz": "delay", "noise.t2_over_t1": 0.5},
    "options": {"max_delay": 2},
    "seed": 3,
}


@pytest.fixture
def as_of_then(monkeypatch):
    """Ids and rows carry the version that wrote the file, not the one that is being released."""
    for module in (ids, study_module, runner):
        monkeypatch.setattr(module, "__version__", "0.1.0")


@pytest.mark.parametrize("name", BEFORE["pickles"])
@pytest.mark.filterwarnings("ignore:lava_sqs.* has moved:DeprecationWarning")
def test_pickles_load(name):
    found = pickle.loads(base64.b64decode(BEFORE["pickles"][name]))
    if isinstance(found, type(lambda: None)):
        assert found.__name__ == name
        return
    assert type(found).__name__ == name
    assert repr(found) == BEFORE["reprs"].get(name, repr(found))
    assert repr(pickle.loads(pickle.dumps(found))) == repr(found)  # and from where they are now


def test_a_results_file_goes_on(tmp_path, as_of_then):
    path = tmp_path / "runs.csv"
    path.write_text(BEFORE["csv"])
    study = Study("memory_capacity", **STUDY)
    assert len(StudyResult.load(path)) == len(study.points) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # rows that do not count are warned of
        assert list(study.iter_run(path)) == []  # all is there
        [step, _] = study.iter_run(path, max_batches=2)
    assert step.row.batch == 1


def test_a_study_that_another_version_began_says_so_and_how_to_go_on(tmp_path, monkeypatch):
    path = tmp_path / "runs.csv"
    path.write_text(BEFORE["csv"])
    for module in (ids, study_module, runner):
        monkeypatch.setattr(module, "__version__", "7.8.9")
    study = Study("memory_capacity", **STUDY)
    wanted = r"2 rows were made by version 0\.1\.0 .* this is 7\.8\.9\. Finish the study with"
    with pytest.warns(StudyWarning, match=wanted):
        steps = list(study.iter_run(path, max_batches=1))
    assert [s.row.version for s in steps] == ["7.8.9"] * 2  # all points again
    assert len(study.result(path)) == len(study.points)
    assert path.read_text().startswith(BEFORE["csv"])  # nothing that was there is lost
    for module in (ids, study_module, runner):
        monkeypatch.setattr(module, "__version__", "0.1.0")
    began = Study("memory_capacity", **STUDY)
    with pytest.warns(StudyWarning, match=r"2 rows were made by version 7\.8\.9"):
        assert list(began.iter_run(path)) == []  # its own rows still count


@pytest.mark.parametrize(
    ("task", "more"),
    [
        ("memory_capacity", STUDY),
        ("training", {"base": {"epochs": 2}, "options": {"networks": 2}}),
        ("accuracy", {"base": {"epochs": 2, "noise": "none"}, "options": {"repeats": 2}}),
    ],
)
def test_ids_are_what_they_were(task, more, as_of_then):
    assert [p.id for p in Study(task, **more).points] == BEFORE["points"][task]


def test_a_task_of_a_user_is_the_one_it_was(tmp_path, monkeypatch, as_of_then):
    """It reaches functions and classes of ours, which are named in its identity."""
    (tmp_path / "user_of_noise.py").write_text(BEFORE["task of a user"])
    monkeypatch.syspath_prepend(tmp_path)
    study = Study("user_of_noise:task", base={"noise.t1": 1e-4, "noise.t2": 1e-4})
    assert [p.id for p in study.points] == BEFORE["points"]["of a user"]
    assert _lasting("lava_sqs.study.plan.noise") == "lava_sqs.study.noise"
