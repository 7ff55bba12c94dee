"""``NoiseModel.fit``: closed forms, devices whose numbers are known, and what no train can tell.

A neuron of the paper's circuit with all angles zero and the current 1 is in |1> whenever it is
measured, so that a readout error is a share of counts: its estimate is that share p, its standard
error sqrt(p (1 - p) / n), and n trains without an error leave p below 1 - 0.05^(1/n), about 3 / n.
"""

import math
import warnings

import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from benchmarks.calibration import covered
from lava_sqs import NoiseModel, Population, ansatz
from lava_sqs.hardware import Simulated
from lava_sqs.quantum.calibration import parameters, search

PAPER, LAYERED = ansatz.paper(), ansatz.layered()
TORINO = NoiseModel.preset("ibm_torino")
ERRORS = ("p_read1_given0", "p_read0_given1")


def recorded(circuit, noise, *, neurons=4, samples=300, steps=8, seed=0):
    """Return keyword arguments of a fit to trains of a simulated device."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(-np.pi, np.pi, (neurons, circuit.n_params))
    channels = (circuit.io_qubits,) if circuit.io_qubits > 1 else ()
    currents = rng.random((steps, samples, neurons, *channels))
    device = Population(circuit, theta, batch=(samples,), noise=noise, seed=seed)
    trains = device.run(currents, record=("spikes",)).spikes
    return {
        "trains": trains.swapaxes(0, 1),
        "currents": currents.swapaxes(0, 1),
        "ansatz": circuit,
        "theta": theta,
    }


def likelihood_of(fit, data, **changes):
    return fit.model.replace(**changes).log_likelihood(**data).sum()


@pytest.mark.parametrize(("wrong", "n"), [(13, 200), (1, 400), (0, 300)])
def test_a_share_of_counts_has_its_closed_form(wrong, n):
    trains = np.ones((n, 1), int)
    trains[:wrong] = 0
    fit = NoiseModel.fit(
        trains, [1.0], ansatz=PAPER, theta=[0, 0, 0], start=NoiseModel(), free="p_read0_given1"
    )
    p = wrong / n
    assert fit.converged
    assert fit.values["p_read0_given1"] == fit.model.p_read0_given1
    assert fit.model.p_read0_given1 == pytest.approx(p, abs=1e-3 * math.sqrt((p + 1e-3) / n))
    low, high = fit.intervals(method="profile")["p_read0_given1"]
    if wrong:
        error = math.sqrt(p * (1 - p) / n)
        assert fit.standard_errors["p_read0_given1"] == pytest.approx(error, rel=0.01)
        wald = fit.intervals()["p_read0_given1"]
        assert wald == pytest.approx((max(p - 1.96 * error, 0), p + 1.96 * error), rel=0.01)

        def lost(q):
            entropy = wrong * math.log(q / p) + (n - wrong) * math.log((1 - q) / (1 - p))
            return -2 * entropy - scipy.stats.chi2.ppf(0.95, 1)

        assert low == pytest.approx(scipy.optimize.brentq(lost, 1e-9, p), rel=0.01)
        assert high == pytest.approx(scipy.optimize.brentq(lost, p, 0.9), rel=0.01)
    else:
        assert low == 0
        assert high == pytest.approx(1 - 0.05 ** (1 / n), rel=0.01)
        assert math.isnan(fit.standard_errors["p_read0_given1"])
        assert fit.intervals()["p_read0_given1"] == pytest.approx((0, 3 / n), rel=0.02)


DEVICES = {
    "lifetimes": (
        TORINO.replace(t1=30e-6, t2=25e-6, p_read0_given1=0.05),
        TORINO,
        ("t1", "t2", "p_read0_given1"),
    ),
    "per qubit": (
        NoiseModel(t1=(5e-5, 2e-5), t2=(4e-5, 3e-5), readout_time=2e-6, p_reset=0.03),
        NoiseModel(t1=(5e-5, 5e-5), t2=(4e-5, 4e-5), readout_time=2e-6),
        ("t1[1]", "t2[1]", "p_reset"),
    ),
    "gates": (
        NoiseModel(zz={(0, 1): 4e4}, readout_time=2e-6).with_gate(
            "CRX", error=0.03, over_rotation=0.06
        ),
        NoiseModel(zz={(0, 1): 0.0}, readout_time=2e-6).with_gate("CRX", error=0.01),
        ("CRX.error", "CRX.over_rotation", "zz"),
    ),
}


@pytest.mark.parametrize("name", DEVICES)
def test_what_a_device_has_is_found_within_four_standard_errors(name):
    true, start, free = DEVICES[name]
    data = recorded(LAYERED, true, seed=3)
    fit = NoiseModel.fit(**data, start=start, free=free)
    assert fit.converged
    assert not fit.unidentified
    # The truth cannot be more likely than the maximum, nor by much less: chi-square of three.
    lost = fit.log_likelihood - true.log_likelihood(**data).sum()
    assert 0 <= lost < scipy.stats.chi2.ppf(1 - 1e-5, len(free)) / 2
    assert fit.log_likelihood > fit.start_log_likelihood + 5
    assert fit.log_likelihood == pytest.approx(fit.model.log_likelihood(**data).sum(), rel=1e-12)
    held = fit.intervals(1 - 6e-5)  # four standard errors
    space = fit._solution.problem.space
    for i, label in enumerate(fit.labels):
        low, high = held[label]
        assert low <= space.value(true, i) <= high, label
        assert low <= fit.values[label] <= high


def test_the_errors_are_the_curvature_of_the_likelihood():
    data = recorded(LAYERED, TORINO.replace(p_read1_given0=0.06, p_read0_given1=0.08))
    fit = NoiseModel.fit(**data, start=TORINO, free=ERRORS)
    at, h = np.array([fit.values[k] for k in ERRORS]), 2e-3
    found = np.empty((2, 2))
    for i, j in np.ndindex(2, 2):
        total = 0.0
        for a in (1, -1):
            for b in (1, -1):
                moved = at + h * (a * np.eye(2)[i] + b * np.eye(2)[j])
                total += a * b * likelihood_of(fit, data, **dict(zip(ERRORS, moved, strict=True)))
        found[i, j] = -total / (4 * h**2)
    assert fit.covariance == pytest.approx(np.linalg.inv(found), rel=0.02)
    errors = [fit.standard_errors[k] for k in ERRORS]
    assert errors == pytest.approx(np.sqrt(np.diag(fit.covariance)), rel=1e-9)


def test_a_device_without_noise_has_next_to_none():
    data = recorded(LAYERED, None, samples=500)
    free = ("t1", "t2", *ERRORS, "p_reset", "p_depol_2q")
    fit = NoiseModel.fit(**data, start=TORINO.replace(p_depol_1q=0), free=free)
    assert fit.converged
    for label, value in fit.values.items():
        low, high = fit.intervals()[label]
        none = math.inf if label in ("t1", "t2") else 0.0
        assert none in (low, high)
        assert value > 1e-4 if label in ("t1", "t2") else value < 0.01
    assert fit.log_likelihood >= NoiseModel().log_likelihood(**data).sum() - 1e-3


def test_what_only_shows_together_is_said_to_be_untold():
    """After one step of a lone qubit, a reset error is a symmetric readout error."""
    noise = NoiseModel(p_read1_given0=0.03, p_read0_given1=0.05, p_reset=0.02)
    data = recorded(PAPER, noise, steps=1, samples=2000)
    free = (*ERRORS, "p_reset")
    fit = NoiseModel.fit(**data, start=NoiseModel(), free=free)
    assert set(fit.unidentified) == set(free)
    assert "p_reset" in fit.unidentified["p_read1_given0"]
    assert set(fit.standard_errors.values()) == {math.inf}
    assert set(fit.intervals().values()) == {(0.0, 1.0)}
    assert np.isnan(fit.covariance).all()
    assert "not told" in str(fit)
    # The model is a good one nevertheless, and with the reset known the rest is told.
    assert fit.log_likelihood >= noise.log_likelihood(**data).sum()
    known = NoiseModel.fit(**data, start=noise.replace(p_read1_given0=0), free=ERRORS)
    assert not known.unidentified
    assert known.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-2)


#: No two-qubit gate.
LONELY = [("RX", 0, "a"), ("RX", 1, "b")]


@pytest.mark.parametrize(
    ("start", "blind", "told"),
    [
        (NoiseModel(p_depol_2q=0.01, p_read0_given1=0.01), "p_depol_2q", "p_read0_given1"),
        (NoiseModel(p_read0_given1=(0.01, 0.07)), "p_read0_given1[1]", "p_read0_given1[0]"),
        (NoiseModel(thermal_population=0.2, p_reset=0.1), "thermal_population", "p_reset"),
    ],
)
def test_what_changes_nothing_stays_as_it_was(start, blind, told):
    lonely = ansatz.from_gates(LONELY, io_qubits=1, memory_qubits=1, name="lonely")
    data = recorded(lonely, NoiseModel(p_read0_given1=0.05, p_reset=0.02), samples=100)
    fit = NoiseModel.fit(**data, start=start, free=(blind, told))
    assert list(fit.unidentified) == [blind]
    assert "less than a nat" in fit.unidentified[blind]
    space = fit._solution.problem.space
    assert fit.values[blind] == space.value(start, fit.labels.index(blind))
    assert fit.intervals()[blind][0] == 0


def test_whatever_a_device_returns_is_taken():
    """The shapes of ``Device.sample``: channels last, with shots or without."""
    rng, device = np.random.default_rng(0), Simulated(NoiseModel(p_read1_given0=0.05))
    theta, currents = rng.uniform(-2, 2, (3, 3)), rng.random((3, 6, 1))
    one = device.sample(PAPER, theta[0], currents[:1].repeat(200, 0), seed=1)
    shots = device.sample(PAPER, theta, currents, shots=200, seed=1)
    options = {"ansatz": PAPER, "start": NoiseModel(), "free": "p_read1_given0"}
    first = NoiseModel.fit(one, currents[0], theta=theta[0], **options)
    assert first.n_trains == 200
    third = NoiseModel.fit(
        shots[..., 0].transpose(1, 2, 0), currents[..., 0].T, theta=theta, **options
    )
    assert (third.n_trains, third.n_steps) == (600, 3600)
    for fit in (first, third):
        low, high = fit.intervals(0.9999)["p_read1_given0"]
        assert low < 0.05 < high


def test_a_search_that_is_cut_off_says_so(monkeypatch):
    monkeypatch.setattr(search, "_ROUNDS", 1)
    monkeypatch.setattr(search, "_ITERATIONS", 1)
    data = recorded(LAYERED, TORINO.replace(p_read0_given1=0.3, p_read1_given0=0.2))
    with pytest.warns(RuntimeWarning, match="not converged"):
        fit = NoiseModel.fit(**data, start=NoiseModel(), free=ERRORS)
    assert not fit.converged
    assert "not converged" in fit.message
    assert "not converged" in repr(fit)


RIGHT = recorded(PAPER, TORINO, samples=5, steps=3) | {"start": TORINO, "free": ("t1", "t2")}
WRONG = [
    ({"trains": RIGHT["trains"][0]}, "trains", "samples, T, 4"),
    ({"trains": RIGHT["trains"][:0]}, "trains", "at least one train"),
    ({"trains": RIGHT["trains"][:, :0]}, "trains", "one step"),
    ({"trains": RIGHT["trains"] * 0.5}, "trains", "0 and 1"),
    ({"trains": RIGHT["trains"] * math.nan}, "trains", "finite"),
    ({"trains": [[1, 0], [1]]}, "trains", "array"),
    ({"currents": RIGHT["currents"][:, :2]}, "currents", r"\(5, 3, 4\)"),
    ({"currents": RIGHT["currents"][..., :1]}, "currents", r"\(3, 4\)"),
    ({"currents": "x"}, "currents", "numbers"),
    ({"theta": RIGHT["theta"][:, :2]}, "theta", "3"),
    ({"theta": RIGHT["theta"][:0]}, "theta", "neuron"),
    ({"ansatz": "paper"}, "ansatz", "Ansatz"),
    ({"start": None}, "start", "NoiseModel"),
    ({"start": TORINO.replace(p_reset=(0.1,) * 3)}, "p_reset", "2"),
    ({"free": ("T1",)}, "free", "t1"),
    ({"free": ()}, "free", "at least one"),
    ({"free": ("t1", "t2", "t1")}, "free", "once"),
    ({"free": ("t1[0]",)}, "free", "value per qubit"),
    ({"free": ("t1", 2)}, "free", "names of fields"),
    ({"free": ("readout_time",)}, "free", "start"),
    ({"free": ("readout_matrix",)}, "free", "p_read1_given0"),
    ({"free": ("channels",)}, "free", "channel"),
    ({"free": ("zz",)}, "free", "couples no"),
    ({"free": ("CRX.error",)}, "free", "with_gate"),
    ({"free": ("CRX.speed",)}, "free", "over_rotation"),
    ({"free": ("t1",), "start": NoiseModel()}, "free", "t2"),
    ({"free": ("t2",), "start": TORINO.replace(t1=(2e-4, 2e-4))}, "free", "t2 per qubit"),
    ({"start": TORINO.replace(p_depol_2q=0.99), "free": ("p_depol_2q",)}, "start", "p_depol_2q"),
    ({"backend": "trajectory"}, "backend", "density"),
]


@pytest.mark.parametrize(("change", "argument", "says"), WRONG)
def test_what_is_wrong_is_named(change, argument, says):
    with pytest.raises((ValueError, TypeError), match=says) as caught:
        NoiseModel.fit(**(RIGHT | change))
    assert caught.value.argument == argument


@pytest.mark.parametrize("spike", [(1, 0), (4, 2)])
def test_a_train_that_cannot_happen_is_named(spike):
    trains = np.zeros((6, 3), int)
    trains[spike] = 1
    given = {"ansatz": PAPER, "theta": [0, 0, 0], "start": TORINO}
    with pytest.raises(ValueError, match=rf"sample {spike[0]} at step {spike[1]}") as caught:
        NoiseModel.fit(
            trains, np.zeros(3), **{**given, "start": NoiseModel()}, free="p_read0_given1"
        )
    assert caught.value.argument == "trains"
    NoiseModel.fit(trains, np.zeros(3), **given, free=ERRORS)  # a readout error explains it


@pytest.mark.parametrize(
    ("options", "argument"),
    [({"level": 0}, "level"), ({"level": 1.0}, "level"), ({"level": "x"}, "level"),
     ({"method": "bootstrap"}, "method")],
)  # fmt: skip
def test_what_is_wrong_with_an_interval_is_named(options, argument):
    fit = NoiseModel.fit(**RIGHT)
    with pytest.raises((ValueError, TypeError)) as caught:
        fit.intervals(**options)
    assert caught.value.argument == argument


@pytest.mark.slow
@pytest.mark.parametrize("method", ["wald", "profile"])
def test_intervals_of_95_percent_hold_the_truth_as_often_as_they_say(method):
    """False alarm below 1e-4 per number if intervals cover 95 % or more."""
    seeds = 40 if method == "wald" else 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held, _ = covered(range(seeds), 200, method=method)
    least = scipy.stats.binom.ppf(1e-4, seeds, 0.95)
    assert (held.sum(axis=0) >= least).all(), held.mean(axis=0)


def test_a_gate_that_is_in_the_table_twice():
    """The later entry says nothing of the error: the earlier one is what is fitted."""
    noise = NoiseModel().with_gate("CRX", error=0.01).with_gate("CRX", over_rotation=0.1)
    space = parameters.Space(noise, ("CRX.error",))
    assert space.value(noise, 0) == 0.01
    assert space.value(space.model(np.array([0.02])), 0) == 0.02
