"""Rows where order matters (benchmarks.order): the tasks, their controls, the file, the tables."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import clock, dark, order, order_tasks
from benchmarks.modp import law
from benchmarks.order import KINDS, count, hidden_of
from benchmarks.order_tasks import TASKS, Data, held_out, shuffled
from benchmarks.rows import append, key_of, rows_of
from lava_sqs.network import SQSNN
from lava_sqs.quantum.program import compile_program

LAWS = (order_tasks.parity, order_tasks.delay, order_tasks.adding, order_tasks.copying)
STORED = Path(order.__file__).parent / "results"
OURS = [task for task in TASKS if task.ours]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of made-up data in the formats of the real."""
    out, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    t = np.arange(10_093)
    wave = 255 * (1 + np.cos(2 * np.pi * t / 7.38)) / 2 + rng.normal(0, 3, len(t))
    np.savez(out / "santafe_laser.npz", series=wave.clip(0, 255).astype(np.uint8))
    for name, steps, classes in (("arrowhead", 251, 3), ("osuleaf", 427, 6)):
        x = rng.normal(size=(24, steps, 1)).astype(np.float32)
        y = (np.arange(24) % classes).astype(np.uint8)
        np.savez(out / f"{name}.npz", x_train=x, y_train=y, x_test=x + 1, y_test=y)
    return out


# -- tasks ---------------------------------------------------------------------------------------


def test_the_laws_hold():
    """Each label is recomputed by a loop over steps."""
    rng = np.random.default_rng(3)
    for x, y in zip(*order_tasks.parity(rng, 40), strict=True):
        odd = 0
        for bit, said in zip(x[:, 0], y, strict=True):
            odd ^= int(bit)
            assert said == odd
    x, y = order_tasks.delay(rng, 40)
    assert (y[:, :2] == 0).all()
    for t in range(2, 12):
        np.testing.assert_array_equal(y[:, t], x[:, t - 2, 0])
    x, y = order_tasks.adding(rng, 200)
    assert (x[..., 1].sum(axis=1) == 2).all()
    assert (x[:, :6, 1].sum(axis=1) == 1).all()
    np.testing.assert_array_equal(y, (x.prod(axis=2).sum(axis=1) > 1))
    x, y = order_tasks.copying(rng, 200)
    assert (x[:, :4, 2].sum(axis=1) == 1).all()
    assert (x[:, 4:, 2] == 0).all()
    for sample, said in zip(x, y, strict=True):
        first, second = sample[sample[:, 2].argmax(), :2]
        assert said == 2 * first + second
    assert set(y) == {0, 1, 2, 3}


@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.name)
def test_a_seed_is_its_data(task, folder):
    first, again, other = (task.make(folder, seed) for seed in (1, 1, 2))
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    fixed = not task.ours and "digits" not in task.name  # in the split of the archive
    assert first.x_train.shape == other.x_train.shape
    assert fixed == np.array_equal(first.x_train, other.x_train)
    assert not np.array_equal(first.x_train, first.x_test)
    assert len(first.x_train) == len(first.y_train)
    assert np.isfinite(first.x_train).all()


def pairs(x, y):
    """Return the steps of a sample with their labels, sorted."""
    labels = np.full(len(x), y) if np.ndim(y) == 0 else y
    return sorted(map(tuple, np.column_stack([x, labels]).tolist()))


@pytest.mark.parametrize("task", TASKS, ids=lambda t: t.name)
def test_the_control_keeps_what_occurs(task, folder):
    """In each sample the same steps with the same labels, in another order, drawn by the seed."""
    d = task.make(folder, 1)
    mixed, again, other = (shuffled(d, seed) for seed in (5, 5, 6))
    for part in ("train", "test"):
        before, after = ((getattr(s, f"x_{part}"), getattr(s, f"y_{part}")) for s in (d, mixed))
        for i in range(0, len(before[0]), 7):
            assert pairs(before[0][i], before[1][i]) == pairs(after[0][i], after[1][i])
        assert not np.array_equal(before[0], after[0])
    np.testing.assert_array_equal(mixed.x_train, again.x_train)
    assert not np.array_equal(mixed.x_train, other.x_train)
    orders = {tuple(np.argsort(s.sum(axis=1), kind="stable")) for s in mixed.x_test[:20]}
    assert len(orders) > 1  # not one order for all


def test_the_laser_goes_dark_and_its_labels_go_on(folder):
    values = np.load(folder / "santafe_laser.npz")["series"].astype(float)
    middle = np.median(values[:2000])
    d = order_tasks.laser(16, 8, folder, 0)
    assert d.x_train.shape == (256, 24, 1)
    assert (d.x_train[:, 16:] == 0).all()
    seen = np.round(255 * d.x_test[0, :16, 0] ** 2)
    np.testing.assert_array_equal(seen, values[2000:2016])
    np.testing.assert_array_equal(d.y_test[0], values[2001:2025] > middle)


def test_held_out_samples_are_training_samples():
    x = np.arange(40.0).reshape(20, 2, 1)
    d = held_out(Data(x, np.arange(20), x + 1000, np.arange(20)))
    assert len(d.x_train) == 15
    np.testing.assert_array_equal(np.sort([*d.y_train, *d.y_test]), np.arange(20))
    assert d.x_test.max() < 1000


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_parameters_are_counted_and_nearly_equal(kind):
    rng = np.random.default_rng(0)
    x, y = rng.random((8, 3, 2)), np.arange(8) % 2
    net = SQSNN((3,), input_kind="sequence", encoder="current", epochs=1, neurons_per_class=2,
                random_state=0, **kind.arguments).fit(x, y)  # fmt: skip
    assert net.n_parameters_ == count(kind, 3, 2, 4)
    aim = count(KINDS["SQS, 2 qubits"], order.HIDDEN, 2, 8)
    made = count(kind, hidden_of(kind, 2, 8), 2, 8)
    assert (made > aim) if kind.hidden else abs(made - aim) <= 0.06 * aim


# -- seasons told unseen -------------------------------------------------------------------------


def season(period, n, seed=0, samples=40):
    """Return labels (samples, n) of a noisy wave that starts at its top."""
    wave = np.cos(2 * np.pi * np.arange(1, n + 1) / period)
    return wave + np.random.default_rng(seed).normal(0, 0.3, (samples, n)) > 0


def test_weights_are_the_balanced_accuracy():
    """Held against a count over all samples of a random rule."""
    rng = np.random.default_rng(1)
    for n in (3, 20):
        above, a = rng.random((30, n)) < 0.3, rng.random(n)
        said = np.broadcast_to(a, above.shape)
        want = (said[above].mean() + (1 - said)[~above].mean()) / 2
        w = clock.weights_of(above)
        assert 0.5 + w @ a == pytest.approx(want, abs=1e-12)
        assert w.sum() == pytest.approx(0, abs=1e-12)
        np.testing.assert_array_equal(np.sort(clock.in_another_order(w)), np.sort(w))


def test_the_clock_turns():
    program = compile_program(clock.clock())
    turn, phase, n = 0.7, 0.4, np.arange(1, 60)
    said = law(program, program.build(np.array([[turn, phase]])), 59)[0][0]
    np.testing.assert_allclose(said, np.sin((turn * n + phase) / 2) ** 2, atol=1e-12)


def test_a_qubit_tells_a_season_and_a_bit_does_not():
    train, test = (clock.weights_of(season(12, 48, seed)) for seed in (0, 1))
    own = {"seeds": 2, "starts": 8}
    qubit = clock.learner("one qubit, clock", train, test, updates=100, **own)
    assert min(qubit["accuracy"]) > 0.75
    assert qubit == clock.learner("one qubit, clock", train, test, updates=100, **own)
    found = clock.searched(1, train, test, **own)
    table = clock.learner("one bit, full table", train, test, updates=100, **own)
    for values in (found["train"], table["train"]):
        assert max(values) <= found["bound"] + 1e-9
    assert max(*found["accuracy"], *table["accuracy"]) <= found["test_bound"] + 1e-9
    assert found["test_bound"] < 0.6
    mixed = [clock.in_another_order(w) for w in (train, test)]
    control = clock.learner("one qubit, clock", *mixed, updates=100, **own)
    assert max(control["accuracy"]) < 0.7


def test_windows_begin_a_step_after_their_start():
    above = np.arange(10) > 4
    got = clock.windows_of(above, np.array([1, 3, 8]), 3)
    np.testing.assert_array_equal(got, [above[2:5], above[4:7]])  # the last one has no room
    assert clock.laser.__doc__


def test_the_laser_is_told_from_its_peaks(folder):
    train, test = (clock.weights_of(x) for x in clock.laser(folder))
    assert len(train) == len(test) == 36
    ideal = np.cos(2 * np.pi * np.arange(1, 37) / 7.38) > 0
    assert 0.5 + test @ ideal > 0.9


# -- the command ---------------------------------------------------------------------------------


def test_what_is_there_is_not_done_again(tmp_path, capsys):
    """What is cut off leaves whole lines, a torn one is made again, one without data waits."""
    out, made = tmp_path / "sub" / "order.jsonl", []

    def job(i, fails=None):
        def make():
            if fails is not None:
                raise fails
            made.append(i)
            return {"accuracy": 0.5 + i / 100}

        return {"section": "network", "task": f"t{i}", "seed": i}, make

    with pytest.raises(KeyboardInterrupt):
        order.work([job(0), job(1), job(2, KeyboardInterrupt())], out)
    out.write_bytes(out.read_bytes() + b'{"key": "tor')
    order.work([job(0), job(1), job(2), job(3, FileNotFoundError("no laser"))], out)
    order.work([job(3)], out)
    assert made == [0, 1, 2, 3]
    assert "t3: left out: no laser" in capsys.readouterr().err
    assert sorted(r["seed"] for r in rows_of(out).values()) == [0, 1, 2, 3]


def test_shares_of_the_work_make_all_of_it(tmp_path):
    jobs = [
        *order.clocks(tmp_path),
        *order.networks(tmp_path, dict),
    ]
    keys = [key_of(named) for named, _ in jobs]
    assert len(set(keys)) == len(keys)
    assert sorted(keys[0::2] + keys[1::2]) == sorted(keys)
    for task, kind in itertools.product(TASKS, KINDS.values()):
        of = [n for n, _ in jobs if n.get("task") == task.name and n["kind"] == kind.name]
        if kind.only not in task.name:
            assert not of
            continue
        seeds = {s: [n["seed"] for n in of if n.get("shuffled") is s] for s in (False, True)}
        assert sorted(seeds[False]) == list(order.SEEDS)
        assert sorted(seeds[True]) == list(order.CONTROL_SEEDS)
        assert sum(1 for n in of if n.get("held_out")) == (0 if kind.slow else len(order.RATES))


def test_a_rate_is_taken_from_held_out_samples():
    task, kind, slow = TASKS[0], KINDS["SQS, 2 qubits"], KINDS["SQS, 3 qubits"]
    rows = {}
    assert order.rate_for(task, kind, rows) is None
    for rate, accuracy, loss in zip(order.RATES, (0.7, 0.7), (0.3, 0.1), strict=True):
        named = order.named_run(task, kind, order.SEARCH_SEED, rate=rate, held_out=True)
        rows[key_of(named)] = {"accuracy": accuracy, "loss": loss}
    assert order.rate_for(task, kind, rows) == order.RATES[1]  # as accurate, lower loss
    assert order.rate_for(task, slow, rows) == order.RATES[1]
    assert order.rate_for(task, KINDS["LIF"], rows) is None


def test_a_small_network_is_trained_and_judged(folder, monkeypatch):
    monkeypatch.setattr(order, "UPDATES", 4)
    task = OURS[1]
    d = Data(*(a[:24] for a in vars(task.make(folder, 0)).values()))
    row = order.trained(task, KINDS["1 bit"], d, 0.02, 0)
    assert 0 <= row["accuracy"] <= 1
    assert row["parameters"] == count(KINDS["1 bit"], row["hidden"], 1, 8)
    assert {k: v for k, v in row.items() if k != "seconds"} == {
        k: v for k, v in order.trained(task, KINDS["1 bit"], d, 0.02, 0).items() if k != "seconds"
    }


def test_the_tables_of_a_small_file(tmp_path, capsys):
    out = tmp_path / "few.jsonl"
    task, kind = TASKS[1], KINDS["1 bit"]
    made = {"parameters": 200, "hidden": 9, "rate": 0.02, "seconds": 1.0, "loss": 0.1}
    for seed, accuracy in ((0, 0.8), (1, 0.9)):
        named = order.named_run(task, kind, seed, shuffled=False)
        append(out, {"key": key_of(named), **named, **made, "accuracy": accuracy})
    named = order.named_run(task, kind, 0, shuffled=True)
    append(out, {"key": key_of(named), **named, **made, "accuracy": 0.5})
    named = {"section": "clock", "series": "CO2", "shuffled": False, "learner": "one bit, additive"}
    more = {"accuracy": [0.5, 0.5], "train": [0.6, 0.6], "parameters": 4, "seconds": 2.0,
            "bound": 0.61, "test_bound": 0.62}  # fmt: skip
    append(out, {"key": "k", **named, **more})
    assert order.main(["--out", str(out), "--print"]) == 0
    said = capsys.readouterr().out
    assert "| delay of 2 steps | 1 bit | 200 | 9 | 0.02 | 85.0 ± 63.5 | 2 | 50.0 | 1.0 |" in said
    assert "| CO2 | one bit, additive | 4 | 50.0 ± 0.0 | 50.0 | 60.0 ± 0.0 |  |  | 2 |" in said
    assert "| CO2 | no one-bit machine is above |  | 62.0 |  | 61.0 |" in said


def test_the_short_table_says_who_is_ahead(tmp_path, capsys):
    """Beyond both intervals or not at all; a row with one seed says nothing."""
    assert order.verdict([0.9, 0.91, 0.9], [0.5, 0.51, 0.5]) == "qubits"
    assert order.verdict([0.5, 0.51, 0.5], [0.9, 0.91, 0.9]) == "bits"
    assert order.verdict([0.9, 0.5, 0.7], [0.5, 0.51, 0.5]) == "level"
    assert order.verdict([0.9], [0.5, 0.51]) == ""
    out, task = tmp_path / "few.jsonl", TASKS[1]
    for kind, values in (("SQS, 1 qubit", (0.9, 0.91, 0.9)), ("1 bit", (0.5, 0.51, 0.5))):
        for seed, accuracy in enumerate(values):
            named = order.named_run(task, KINDS[kind], seed, shuffled=False)
            made = {"parameters": 9, "hidden": 3, "rate": 0.02, "seconds": 1.0}
            append(out, {"key": key_of(named), **named, **made, "accuracy": accuracy})
    assert order.main(["--out", str(out), "--print"]) == 0
    said = capsys.readouterr().out
    assert (
        "| delay of 2 steps | 90.3 ± 1.4 (3) | 50.3 ± 1.4 (3) |  |  |  |  |  |  |  | qubits |"
        in said
    )


def test_without_data_the_command_says_so(tmp_path, capsys):
    with pytest.raises(SystemExit):
        order.main(["--out", str(tmp_path / "none.jsonl")])
    assert "--data DIR is needed" in capsys.readouterr().err


def test_the_page_shows_what_the_commands_print(capsys):
    """Every table of the stored rows stands on the page, digit by digit."""
    page = (STORED.parents[1] / "docs" / "when.md").read_text().splitlines()
    for made in (order, dark):
        made.main(["--out", str(STORED / f"{made.__name__.split('.')[1]}.jsonl"), "--print"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(rows) > 100
    assert [line for line in rows if line not in page] == []


def test_lines_are_whole(tmp_path):
    out = tmp_path / "rows.jsonl"
    assert rows_of(out) == {}
    append(out, {"key": "a", "n": 1})
    out.write_bytes(out.read_bytes()[:-1])  # the last newline is lost
    append(out, {"key": "b", "n": 2})
    assert [json.loads(line)["key"] for line in out.read_text().splitlines()] == ["a", "b"]
    assert rows_of(out)["b"]["n"] == 2
