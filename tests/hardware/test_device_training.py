"""Training on a device: what it takes is known beforehand, what it cannot do is refused."""

import numpy as np
import pytest

from lava_sqs import ansatz, hardware
from lava_sqs.hardware import Perturbation, Shift, Simulated, Twin
from lava_sqs.network import SQSNN, LIFLayer, SQSLayer
from lava_sqs.quantum import NoiseModel, Population

WAYS = [Twin(), Perturbation(), Perturbation(per="step"), Shift()]


def samples(n=40, steps=6, seed=0, per_step=False):
    """Busy trains and quiet ones; or the bit of a step before."""
    rng = np.random.default_rng(seed)
    if per_step:
        x = rng.integers(0, 2, (n, steps, 1))
        return x, np.concatenate([np.zeros((n, 1), int), x[:, :-1, 0]], axis=1)
    y = np.arange(n) % 2
    return (rng.random((n, steps, 2)) < 0.2 + 0.6 * y[:, None, None]).astype(int), y


def network(hidden=(3,), **more):
    given = {"input_kind": "spikes", "epochs": 2, "batch_size": 15, "random_state": 1}
    return SQSNN(hidden, **{**given, "neurons_per_class": 1, **more})


@pytest.mark.parametrize("rule", WAYS, ids=repr)
@pytest.mark.parametrize(
    "more", [{}, {"n_draws": 2}, {"hidden_learning_rate": 0.0}, {"hidden": ()}], ids=str
)
def test_shots_are_those_that_were_foretold(rule, more, capfd):
    x, y = samples()
    clf, device = network(verbose=True, **more), Simulated()
    plan = hardware.shots(clf, len(x), gradient=rule, n_classes=2)
    clf.fit(x, y, runtime=device, gradient=rule)
    assert plan == hardware.shots(clf, len(x), gradient=rule)
    assert (clf.shots_, clf.shots_per_update_) == (plan.total, plan.per_update)
    assert device.shots == clf.shots_
    assert f"{plan.per_update} shots per update, {plan.total} in total" in capfd.readouterr().err
    assert len(clf.accuracy_curve_) == 2
    assert max(clf.accuracy_curve_) <= 1


@pytest.mark.parametrize("stop", [{"early_stopping": True, "n_iter_no_change": 9}, {}])
def test_samples_that_are_held_out_run_on_the_device_too(stop):
    x, y = samples()
    held = None if stop else (x[:8], y[:8])
    clf, device = network(**stop), Simulated()
    n, n_held = (36, 4) if stop else (40, 8)
    clf.fit(x, y, runtime=device, gradient="perturbation", validation_data=held)
    plan = hardware.shots(clf, n, gradient="perturbation", n_held=n_held)
    assert clf.shots_ == device.shots == plan.total == 2 * 5 * (n + n_held)


def test_a_warm_start_goes_on_counting_and_a_fit_here_does_not():
    x, y = samples()
    clf = network(warm_start=True).fit(x, y)
    assert not hasattr(clf, "shots_")
    once = clf.fit(x, y, runtime=Simulated()).shots_
    assert clf.fit(x, y, runtime=Simulated()).shots_ == 2 * once
    clf.set_params(warm_start=False)
    assert not hasattr(clf.fit(x, y), "shots_")


@pytest.mark.parametrize("rule", WAYS, ids=repr)
@pytest.mark.parametrize("per_step", [False, True])
def test_it_repeats_and_a_checkpoint_goes_on_as_if_nothing_had_been(rule, per_step, tmp_path):
    x, y = samples(per_step=per_step)
    whole = network(epochs=3, schedule="constant").fit(x, y, runtime=Simulated(), gradient=rule)
    kept = {"checkpoint": tmp_path / "c.npz", "schedule": "constant"}
    network(epochs=2, **kept).fit(x, y, runtime=Simulated(), gradient=rule)
    on = network(epochs=3, resume=True, **kept).fit(x, y, runtime=Simulated(), gradient=rule)
    assert on.shots_ == whole.shots_
    for name, own in whole.parameters_.items():
        np.testing.assert_array_equal(own.angles, on.parameters_[name].angles)
        np.testing.assert_array_equal(own.bias, on.parameters_[name].bias)
    other = Perturbation(0.11)
    again = network(epochs=4, resume=True, **kept)
    with pytest.raises(ValueError, match=r"`gradient`.*checkpoint"):
        again.fit(x, y, runtime=Simulated(), gradient=other)


@pytest.mark.parametrize("lengths", [None, np.tile([6, 3], 20)])
@pytest.mark.parametrize("per_step", [False, True])
def test_sequences_may_end_early(lengths, per_step):
    x, y = samples(per_step=per_step)
    for rule in WAYS:
        clf = network(time_constant=2.0 if per_step else 0.0)
        clf.fit(x, y, lengths=lengths, runtime=Simulated(), gradient=rule)
        assert np.isfinite(clf.loss_curve_).all()


@pytest.mark.parametrize("rule", ["twin", Perturbation(angles=0.5, currents=0.2)], ids=repr)
def test_it_learns_on_a_noisy_device(rule):
    x, y = samples(200)
    noise = NoiseModel(t1=1e-4, t2=8e-5, p_read1_given0=0.02, p_read0_given1=0.04)
    clf = network((), noise=noise, epochs=30, learning_rate=0.05)
    clf.fit(x, y, runtime=Simulated(noise), gradient=rule)
    assert clf.score(*samples(200, seed=9)) > 0.9
    assert clf.loss_curve_[-1] < 0.8 * clf.loss_curve_[0]


def test_a_twin_of_the_same_neurons_learns_as_offline():
    """The rule is the same, only others draw the spikes."""
    x, y = samples(400)
    offline = network(epochs=4).fit(x, y)
    on = network(epochs=4).fit(x, y, runtime=Simulated(), gradient="twin")
    np.testing.assert_allclose(on.loss_curve_, offline.loss_curve_, rtol=0.15)
    assert on.feedback_.keys() == offline.feedback_.keys()


@pytest.mark.parametrize(
    ("argument", "given", "fit"),
    [
        ("runtime", {}, {"runtime": "aer"}),
        ("runtime", {}, {"runtime": Simulated}),
        ("gradient", {}, {"gradient": "twin"}),
        ("gradient", {}, {"runtime": Simulated(), "gradient": "spsa"}),
        ("recurrent", {"recurrent": True}, {"runtime": Simulated()}),
        ("recurrent", {"layers": [SQSLayer(3, recurrent=True)]}, {}),
        ("runtime", {"layers": [LIFLayer(3)]}, {}),
        ("runtime", {"neuron": "lif"}, {}),
        ("objective", {"objective": "likelihood"}, {}),
        ("targets", {"targets": "pairs"}, {}),
        ("readout", {"readout": "likelihood"}, {}),
        ("rule", {"rule": "as-published"}, {}),
        ("rule", {"rule": "window"}, {"runtime": Simulated(), "gradient": "shift"}),
        ("credit", {"credit": "aligned"}, {"runtime": Simulated(), "gradient": "perturbation"}),
        ("sparsity", {"sparsity": 0.1}, {"runtime": Simulated(), "gradient": Shift()}),
        (
            "readout_from",
            {"readout_from": "learned"},
            {"runtime": Simulated(), "gradient": Shift()},
        ),
    ],
)
def test_what_no_device_can_do_is_refused(argument, given, fit):
    own = {} if "layers" in given else {"hidden_layer_sizes": (3,)}
    clf = SQSNN(input_kind="spikes", epochs=1, random_state=1, **own, **given)
    with pytest.raises((TypeError, ValueError), match=f"`{argument}"):
        clf.fit(*samples(), **(fit or {"runtime": Simulated()}))
    assert not hasattr(clf, "parameters_")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("n_classes", {}),
        ("n_classes", {"n_classes": 1}),
        ("n_samples", {"n_samples": 0, "n_classes": 2}),
        ("n_held", {"n_held": -1, "n_classes": 2}),
        ("n_steps", {"n_classes": 2, "model": SQSNN((), input_kind="spikes")}),
        ("gradient", {"n_classes": 2, "gradient": "spsa"}),
        ("model", {"n_classes": 2, "model": 3}),
    ],
)
def test_shots_say_what_is_missing(name, given):
    with pytest.raises((TypeError, ValueError), match=f"`{name}`"):
        hardware.shots(**{"model": network(), "n_samples": 10, **given})


def test_shots_of_static_samples_know_their_steps():
    model = SQSNN((4,), n_steps=25, epochs=1)  # 2 neurons per class make 50 spikes
    assert hardware.shots(model, 10, n_classes=3).total == 10 * (4 + 6)


# -- the stand-in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("circuit", [ansatz.layered(), ansatz.layered(2, 1)], ids=["one", "two"])
@pytest.mark.parametrize("noise", [None, NoiseModel(t1=1e-5, t2=8e-6, p_read1_given0=0.05)])
def test_the_simulated_device_draws_from_the_law_of_a_population(circuit, noise):
    rng = np.random.default_rng(0)
    theta, z = rng.uniform(-2, 2, circuit.n_params), rng.uniform(-0.2, 1, (4, circuit.io_qubits))
    n = 6000
    alike = np.repeat(z[None], n, axis=0)
    device = Simulated(noise)
    each = device.sample(circuit, np.tile(theta, (n, 4, 1)), alike, seed=1)
    same = device.sample(circuit, theta, alike, seed=2)
    many = device.sample(circuit, theta[None], z[None], shots=n, seed=3)[0]
    z = np.repeat(z[:, None], n, axis=1)
    pop = Population(circuit, theta, size=n, noise=noise, seed=4)
    truth = pop.run(z if circuit.io_qubits > 1 else z[..., 0])
    mean = truth.p_spike.reshape(4, n, -1).mean(axis=1)
    for said in (each, same, many):
        assert said.shape == (n, 4, circuit.io_qubits)
        assert np.abs(said.mean(axis=0) - mean).max() < 4.5 * 0.5 * np.sqrt(2 / n)
    again = Simulated(noise).sample(circuit, theta, alike, seed=2)
    np.testing.assert_array_equal(again, same)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("currents", {"currents": np.zeros((2, 3))}),
        ("currents", {"currents": np.zeros((0, 3, 1))}),
        ("currents", {"currents": np.full((2, 3, 1), np.nan)}),
        ("theta", {"theta": np.zeros(2)}),
        ("theta", {"theta": np.zeros((3, 3))}),
        ("theta", {"theta": np.zeros((2, 4, 3))}),
        ("shots", {"shots": 0}),
        ("seed", {"seed": -1}),
        ("ansatz", {"ansatz": "paper"}),
    ],
)
def test_the_simulated_device_names_what_is_wrong(name, given):
    right = {"ansatz": ansatz.paper(), "theta": np.zeros(3), "currents": np.zeros((2, 3, 1))}
    with pytest.raises((TypeError, ValueError), match=f"`{name}`"):
        Simulated().sample(**{**right, **given})


# -- a device of Qiskit's --------------------------------------------------------------------------


@pytest.mark.parametrize("rule", WAYS, ids=repr)
def test_it_learns_on_aer(rule):
    simulator = pytest.importorskip("qiskit_aer").AerSimulator
    x, y = samples()
    device = hardware.Device(simulator(), seed=3, progress=False)
    clf = network((), epochs=1).fit(x, y, runtime=device, gradient=rule)
    assert clf.shots_ == hardware.shots(clf, len(x), gradient=rule).total
    assert 0 <= device.executions - clf.shots_ < 50_000  # its test of itself comes on top
