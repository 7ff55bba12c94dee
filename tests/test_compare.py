"""What `benchmarks.compare` rests on: equal inputs for both sides, controls, stored rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import compare
from benchmarks.compare_tasks import SNNTORCH, TASKS, Task, as_is, encoded, lengths, splits
from lava_sqs.data import Dataset, load_digits
from lava_sqs.network import SQSNN

RESULTS = Path(compare.__file__).parent / "results" / "compare.jsonl"


def sequences(seed=0, n=12, steps=7, channels=3):
    """Return sequences of different lengths, padded with zeros, of two classes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * n, steps, channels)) + 5  # no frame is zero by chance
    for sample in x:
        sample[rng.integers(3, steps + 1) :] = 0
    y = np.arange(2 * n) % 2
    return Dataset(x[:n], y[:n], x[n:], y[n:], "made up")


@pytest.mark.parametrize(
    ("d", "network"),
    [
        (sequences(), {"input_kind": "sequence", "encoder": "population", "n_population": 4}),
        (sequences(1), {"input_kind": "sequence", "encoder": "current"}),
        (load_digits().classes(0, 1), {"input_kind": "static", "encoder": "current", "n_steps": 3}),
    ],
)
def test_rivals_get_the_input_of_an_sqsnn(d, network):
    sequences = network["input_kind"] == "sequence"
    own, own_test = ({"lengths": lengths(x)} if sequences else {} for x in (d.x_train, d.x_test))
    model = SQSNN((), epochs=1, random_state=0, **network).fit(d.x_train, d.y_train, **own)
    given, steps, rate = encoded(d, network)
    theirs = given["x_test"] if given["x_test"].ndim == 3 else given["x_test"][:, None]
    ours = model.encode(d.x_test, **own_test)
    assert not rate
    if sequences:  # it ends with the longest sample
        assert not theirs[:, ours.shape[1] :].any()
        theirs = theirs[:, : ours.shape[1]]
    assert steps == (d.x_train.shape[1] if sequences else network["n_steps"])
    np.testing.assert_allclose(np.broadcast_to(theirs, ours.shape), ours, atol=1e-7)
    if sequences:
        assert given["lengths_test"].tolist() == d.x_test.any(axis=2).sum(axis=1).tolist()


def test_rate_coded_input_is_drawn_by_the_rival_from_the_same_probabilities():
    d = load_digits().classes(0, 1)
    network = {"input_kind": "static", "encoder": "rate", "n_steps": 400}
    model = SQSNN((), epochs=1, random_state=0, **network).fit(d.x_train, d.y_train)
    given, steps, rate = encoded(d, network)
    assert rate
    assert steps == 400
    some = model.encode(d.x_test[:5]).mean(axis=1)
    np.testing.assert_allclose(given["x_test"][:5], some, atol=5 * 0.5 / 400**0.5)


def test_the_control_keeps_the_frames_and_loses_their_order():
    d = sequences()
    task = Task("made up", lambda _, order=as_is: order(d), {"objective": "count"})
    control = task.shuffled()
    one, two = (control.load(Path()) for _ in range(2))
    np.testing.assert_array_equal(one.x_train, two.x_train)  # once and for all
    orders = set()
    for before, after in ((d.x_train, one.x_train), (d.x_test, one.x_test)):
        for x, z in zip(before, after, strict=True):
            length = x.any(axis=1).sum()
            assert not z[length:].any()
            order = [int(np.flatnonzero((x == frame).all(axis=1))[0]) for frame in z[:length]]
            assert sorted(order) == list(range(length))
            orders.add(tuple(order))
    assert len(orders) > 12  # each sample has its own
    np.testing.assert_array_equal(one.y_train, d.y_train)
    assert control.search == task.name


def test_searches_never_see_test_samples():
    d = sequences()
    rows = splits(d, 3)
    assert len(rows) == 3
    for train, held in rows:
        assert sorted([*train, *held]) == list(range(len(d.x_train)))


@pytest.fixture
def results(tmp_path):
    copy = tmp_path / "rows.jsonl"
    copy.write_bytes(RESULTS.read_bytes())
    return compare.Results(copy)


def test_every_stored_row_is_one_that_this_code_would_make(results):
    """Keys are made of task, model, seed and settings: none is left over from other ones."""
    tasks = {task.name: task for task in TASKS}
    for row in results.rows.values():
        task = tasks[row["task"]]
        assert row["model"] in task.models
        named = (row["model"], row["seed"], row["arguments"], row["held_out"])
        run = compare.Run(task, *named)
        assert run.key == row["key"]


@pytest.mark.parametrize("more", [[], ["--held-out"]])
def test_the_page_shows_what_the_command_prints(more, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["compare", "--out", str(RESULTS), "--print", *more])
    compare.main()
    page = (RESULTS.parents[2] / "docs" / "comparison.md").read_text().splitlines()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(rows) > 20
    assert [line for line in rows if line not in page] == []


def test_the_settings_of_a_row_are_the_best_of_its_search(results):
    task = next(task for task in TASKS if not task.before)
    rows = [
        {"task": task.name, "model": SNNTORCH[0], "held_out": True, "accuracy": a, "loss": loss,
         "arguments": {**task.arguments(SNNTORCH[0]), "beta": beta}}
        for a, loss, beta in ((0.5, 0.1, 0.1), (0.7, 0.3, 0.2), (0.7, 0.2, 0.3))
    ]  # fmt: skip
    results.rows = {(str(i), ""): json.loads(json.dumps(row)) for i, row in enumerate(rows)}
    assert compare.best(results, task, SNNTORCH[0]) == {"beta": 0.3}
    assert compare.best(results, task, SNNTORCH[1]) == {}
    other = next(t for t in TASKS if t.search == task.name and t is not task)
    assert compare.best(results, other, SNNTORCH[0]) == {"beta": 0.3}  # and nothing of its network
