import math

import numpy as np
import pytest

from lava_sqs.data import load_digits
from lava_sqs.network import SQSNN
from lava_sqs.quantum import NoiseModel
from lava_sqs.study import Accuracy, Study, circuit_from, quantised
from lava_sqs.study.loader import load_study
from lava_sqs.study.tasks import networks


class Guesser:
    """Says 1 with the probability that the sample holds; noise makes it say 0."""

    def predict(self, X, *, noise=None, seed=None):
        says = np.random.default_rng(seed).random(len(X)) < X
        return says & (noise is None)


X, Y = np.linspace(0, 1, 50), np.ones(50, dtype=bool)


def test_delay_lines_remember_perfectly_and_forget_as_they_should():
    # A bit waits m steps: in Z it is lost by t1, in X by t2 (here: not at all, and at once).
    study = Study(
        "memory_capacity",
        {"ansatz": ["delay", "delay-x"], "memory_qubits": [1, 2], "noise.t2": [1e-8, 1.0]},
        base={"noise.t1": 10.0},
    )
    values = {tuple(p.params.values())[1:]: p.value for p in study.run(progress=False)}
    for m in (1, 2):
        assert values["delay", m, 1e-8] == pytest.approx(1, abs=1e-4)
        assert values["delay-x", m, 1e-8] == pytest.approx(0, abs=1e-12)
        assert values["delay-x", m, 1.0] == pytest.approx(1, abs=1e-4)


def test_one_memory_qubit_forgets_as_in_closed_form():
    # delay-x with one memory qubit and dephasing: what is measured is the X component of a qubit
    # that waits for everything after its SWAP, until the next measurement: one step in all.
    # H 50 ns, SWAP 300 ns, H 50 ns, readout 1 us, encode 50 ns; the correlation is
    # exp(-t/t2) with t the time between the two H gates, and MC is its square.
    t2 = 5e-6
    noise = {"noise.t1": 10.0, "noise.t2": t2}
    study = Study("memory_capacity", base={"ansatz": "delay-x", **noise})
    between = math.log(study.run().points[0].value) / -2 * t2
    model = NoiseModel()
    step = 2 * model.gate_time_1q + model.gate_time_2q + model.gate_time_1q + model.readout_time
    assert between == pytest.approx(step + model.gate_time_2q, rel=0.05)


def test_angles_of_random_circuits_come_from_the_seed():
    study = Study("memory_capacity", {"memory_qubits": [1]}, options={"circuits": 3})
    a, b = study.run(max_batches=2).rows
    assert a.counts.shots == 3
    assert a.counts != b.counts
    assert study.run().rows[0].counts == a.counts
    assert circuit_from({"memory_qubits": 2}).n_params == 13


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ({"ansatz": "paper", "memory_qubits": 2}, "must be 1"),
        ({"ansatz": "delay", "layers": 2}, "must be 1"),
        ({"ansatz": "lines"}, "ansatz"),
        ({"memory_qubits": 0}, "memory_qubits"),
        ({"noise": "ibm_brisban"}, "ibm_brisbane"),
    ],
)
def test_impossible_circuits_are_refused_before_the_run(base, message):
    with pytest.raises(ValueError, match=message):
        Study("memory_capacity", base=base)


def test_accuracy_of_any_model_over_its_samples():
    study = Study(Accuracy(Guesser(), X, Y, repeats=4), points=[{}, {"noise.p_reset": 0.1}])
    clean, noisy = study.run(max_batches=3)
    assert clean.counts.repeats == 12
    each = np.array(clean.counts.sample_errors) / 12
    assert np.abs(each - (1 - X)).max() < 0.55
    assert clean.value == pytest.approx(0.5, abs=0.07)
    assert noisy.value == 1
    assert clean.interval().method == "clustered Wilson"


def test_another_model_is_another_study():
    a = Study(Accuracy(Guesser(), X, Y)).points[0].id
    assert Study(Accuracy(Guesser(), X, Y)).points[0].id == a
    assert Study(Accuracy(Guesser(), X[::-1], Y)).points[0].id != a
    with pytest.raises(ValueError, match="both or neither"):
        Accuracy(Guesser(), X)
    with pytest.raises(ValueError, match="50 labels"):
        Accuracy(Guesser(), X, Y[1:])
    with pytest.raises(TypeError, match="method predict"):
        Accuracy(3, X, Y)


NETWORK = {"hidden_layer_sizes": [], "input_kind": "static", "n_steps": 4, "epochs": 2}


def test_a_network_is_trained_once_and_tested_under_noise():
    study = Study(
        "accuracy",
        points=[{"noise.p_read1_given0": p, "noise.p_read0_given1": p} for p in (0.0, 0.5)],
        base=NETWORK,
        options={"classes": [0, 1]},
    )
    good, bad = study.run()
    assert good.value < 0.2
    assert bad.value > 0.3  # nothing but coin flips is read
    assert len(good.counts.sample_errors) == 91
    with pytest.raises(TypeError, match="epoch_s"):
        Study("accuracy", base={**NETWORK, "epoch_s": 3})


def test_weights_lose_their_precision(tmp_path):
    data = load_digits().classes(0, 1)
    network = SQSNN((), input_kind="static", n_steps=4, epochs=2, random_state=0)
    network.fit(data.x_train, data.y_train)
    before = network.parameters_["visible"].weights["input"].copy()
    for bits in (2, 5):
        (weights,) = quantised(network, bits).parameters_["visible"].weights.values()
        step = np.abs(before).max() / (2 ** (bits - 1) - 1)
        assert np.abs(weights - before).max() <= step / 2 * (1 + 1e-12)
        np.testing.assert_allclose(weights / step, np.round(weights / step), atol=1e-9)
        assert np.abs(weights).max() == pytest.approx(np.abs(before).max())
    (now,) = network.parameters_["visible"].weights.values()
    np.testing.assert_array_equal(now, before)

    task = Accuracy(network, data.x_test, data.y_test)
    two, many, whole = (
        task({"weight_bits": bits}, np.random.SeedSequence(0)) for bits in (2, 40, "none")
    )
    assert many == whole != two  # with the same seed, so the weights are all that differs
    for bad, message in ((1, "at least 2"), (2.5, "weight_bits"), (60, "at most 52")):
        with pytest.raises((ValueError, TypeError), match=message):
            Study(task, base={"weight_bits": bad})
    with pytest.raises(TypeError, match="fitted SQSNN"):
        Study(Accuracy(Guesser(), X, Y), base={"weight_bits": 3})


def test_precision_is_of_the_test_and_not_of_the_training(monkeypatch):
    study = Study("accuracy", {"weight_bits": [2, 3, "none"]}, base=NETWORK, options=ZERO_ONE)
    fits = count_fits(monkeypatch)
    study.run()
    assert len(fits) == 1


ZERO_ONE = {"classes": [0, 1]}


def count_fits(monkeypatch):
    networks._trained.cache_clear()
    fits, fit = [], SQSNN.fit

    def counted(self, *data):
        fits.append(self.memory_qubits)
        return fit(self, *data)

    monkeypatch.setattr(SQSNN, "fit", counted)
    return fits


def test_kept_networks_are_trained_once(tmp_path, monkeypatch):
    grid = {"memory_qubits": [1, 2]}
    fits = count_fits(monkeypatch)
    plain = Study("accuracy", grid, base=NETWORK, options=ZERO_ONE).run()
    kept = Study("accuracy", grid, base=NETWORK, options=kept_options(tmp_path))
    first = kept.run()
    assert fits == [1, 2, 1, 2]
    networks._trained.cache_clear()  # as in another worker
    second = kept.run()
    assert fits == [1, 2, 1, 2]
    for result in (first, second):
        assert [r.result for r in result.rows] == [r.result for r in plain.rows]
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".lock", ".lock", ".npz", ".npz"]
    # Another training is another file.
    Study("accuracy", base=NETWORK, options={**kept_options(tmp_path), "train_seed": 1}).run()
    assert len(fits) == 5
    with pytest.raises(ValueError, match="nothing is trained"):
        Accuracy(Guesser(), X, Y, keep="a")


def kept_options(folder):
    return {**ZERO_ONE, "keep": str(folder)}


def test_a_training_ended_by_ctrl_c_makes_no_row(monkeypatch):
    networks._trained.cache_clear()

    def interrupted(self, *data):  # what SQSNN.fit does then: it returns the best so far
        self.interrupted_ = True
        return self

    monkeypatch.setattr(SQSNN, "fit", interrupted)
    for task in ("accuracy", "training"):
        with pytest.raises(KeyboardInterrupt):
            Study(task, base=NETWORK).run()


def test_a_saved_network_is_evaluated_too(tmp_path):
    data = load_digits().classes(0, 1)
    network = SQSNN((), input_kind="static", n_steps=4, epochs=2, random_state=0)
    network.fit(data.x_train, data.y_train).save(tmp_path / "net.npz")
    options = {"model": str(tmp_path / "net.npz"), "classes": [0, 1]}
    (saved,) = Study("accuracy", options=options).run()
    (live,) = Study(Accuracy(network, data.x_test, data.y_test)).run()
    assert len(saved.counts.sample_errors) == len(live.counts.sample_errors) == 91
    assert saved.value == pytest.approx(live.value, abs=0.1)


def test_training_anew_gives_the_spread_over_seeds():
    options = {"classes": [0, 1], "train_size": 100, "test_size": 40}
    base = {**NETWORK, "train_noise.p_reset": 0.01, "noise": "none"}
    (point,) = Study("training", base=base, options=options).run(max_batches=3)
    assert point.counts.shots == 3
    assert point.interval().method == "Student t"
    assert 0.5 < point.value <= 1


@pytest.mark.parametrize("name", ["memory", "digits"])
def test_shipped_studies_load(name):
    from pathlib import Path

    file = load_study(Path(__file__).parents[2] / "studies" / f"{name}.toml")
    assert file.about
    assert {p.params["memory_qubits"] for p in file.study.points} == {1, 2, 3}
