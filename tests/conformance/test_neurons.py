"""Every neuron of ours keeps the contract of lava_sqs.testing, and every check of it can fail."""

import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from lava_sqs import QLIF, SQS, LearningSQS, StochasticLIF, ansatz
from lava_sqs.neurons import qlif
from lava_sqs.testing import check_neuron, neuron_checks


class QLIFTwin:
    """The formula of QLIF, outside Lava."""

    def __init__(self, neurons):
        value = {v: getattr(neurons, v).init.ravel() for v in ("decay", "threshold", "gain")}
        self.decay, self.threshold, self.gain = value.values()
        self.shots, self.phi = neurons.shots, np.zeros(neurons.bias.size)
        self.rng = np.random.default_rng(np.random.SeedSequence(neurons.seed).spawn(2)[1])

    def step(self, z):
        phi = qlif.rotate(qlif.leak(self.phi, self.decay), z, self.gain)
        self.p_spike = qlif.firing_probability(phi, self.threshold, self.shots)
        spikes = self.rng.random(phi.shape) >= 1 - self.p_spike
        self.phi = phi * ~spikes
        return spikes


class StochasticLIFTwin:
    """The formula of StochasticLIF, outside Lava."""

    def __init__(self, neurons):
        self.leak, self.threshold, self.gain = (
            getattr(neurons, v).init.ravel() for v in ("leak", "threshold", "gain")
        )
        self.v = np.zeros(neurons.bias.size)
        self.rng = np.random.default_rng(np.random.SeedSequence(neurons.seed).spawn(2)[1])

    def step(self, z):
        v = self.leak * self.v + z
        self.p_spike = expit(self.gain * (v - self.threshold))
        spikes = self.rng.random(v.shape) >= 1 - self.p_spike
        self.v = v * ~spikes
        return spikes


#: Every neuron of ours: a factory, how exactly it is its twin, and whether it runs by default.
NEURONS = {
    "SQS(1,1)": (SQS, {"atol": 0.0}, True),
    "SQS(1,2)": (partial(SQS, memory_qubits=2), {"atol": 0.0}, False),
    "SQS(2,1)": (partial(SQS, io_qubits=2), {"atol": 0.0}, False),
    "SQS classical": (partial(SQS, ansatz="classical", memory_qubits=2), {"atol": 0.0}, False),
    "SQS classical (2,1)": (
        partial(SQS, ansatz="classical-additive", io_qubits=2),
        {"atol": 0.0},
        False,
    ),
    "SQS paper": (partial(SQS, ansatz="paper"), {"atol": 0.0}, False),
    "SQS float32": (partial(SQS, dtype=np.float32), {"atol": 0.0}, False),
    "LearningSQS hidden": (partial(LearningSQS, role="hidden"), {"atol": 0.0}, False),
    "LearningSQS visible": (partial(LearningSQS, role="visible"), {"atol": 0.0}, False),
    "QLIF": (QLIF, {"state": "phi", "twin": QLIFTwin, "atol": 0.0}, False),
    "StochasticLIF": (
        StochasticLIF,
        {"state": "v", "twin": StochasticLIFTwin, "atol": 0.0},
        False,
    ),
}


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(check, id=f"{name}-{check}", marks=() if default else pytest.mark.slow)
        for name, (make, options, default) in NEURONS.items()
        for check in neuron_checks(make, **options)
    ],
)
def test_ours(check):
    check()


def test_factories_differ():
    """The suite would prove less if two entries of NEURONS were the same neuron."""
    made = [make(shape=1) for make, *_ in NEURONS.values()]
    sqs = {
        (type(n), n.ansatz, n.dtype, getattr(n, "role", "")) for n in made if hasattr(n, "ansatz")
    }
    assert len(sqs) == len(NEURONS) - 2
    assert ansatz.paper() in {kind[1] for kind in sqs}


#: A flaw of faulty/broken_sqs, and the check that must catch it.
FLAWS = {
    "always takes another name": "interface",
    "knows p_spike before the first step": "interface",
    "mends bad arguments": "bad_arguments_are_refused",
    "draws a seed of its own": "one_seed_is_one_train",
    "has one seed for all": "one_seed_is_one_train",
    "sends -1 for silence": "one_seed_is_one_train",
    "draws twice": "one_draw_per_neuron_and_step",
    "reports the probability of silence": "p_spike_is_the_law",
    "is slightly another neuron": "equals_its_twin",
    "scales integers otherwise": "every_model_gives_the_same_train",
    "counts neurons in Fortran order": "shape_is_only_a_view",
    "collapses when it is read": "watching_changes_nothing",
    "records silence": "recordings_are_what_happened",
    "ignores bias.set": "vars_can_be_set",
    "ignores theta.set": "vars_can_be_set",
    "ignores memory.set": "vars_can_be_set",
    "resets when a Var is set": "setting_what_is_there_changes_nothing",
    "ignores resets": "a_reset_forgets_and_takes_no_input",
    "takes a_in at a reset": "a_reset_forgets_and_takes_no_input",
    "starts again at a reset": "a_reset_forgets_and_takes_no_input",
    "ignores what ports write": "zeros_written_by_a_stock_reset_forget",
    "swallows NaN": "an_impossible_current_ends_the_run",
    "does not say why": "an_impossible_current_ends_the_run",
    "mends bad Vars": "an_impossible_var_ends_the_run",
    "trusts what ports write": "a_var_written_through_a_port_is_checked",
    "ignores assignments": "what_is_fixed_cannot_be_assigned",
}


@pytest.fixture
def broken(monkeypatch):
    """A function that returns the checks of an SQS with a flaw, by name."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    from faulty.broken_sqs.process import BrokenSQS

    return lambda flaw: {str(c): c for c in neuron_checks(partial(BrokenSQS, flaw=flaw), atol=0.0)}


@pytest.mark.parametrize(("flaw", "contract"), FLAWS.items())
def test_a_broken_neuron_is_caught(broken, flaw, contract):
    with pytest.raises(AssertionError, match=f"BrokenSQS breaks the contract `{contract}`: "):
        broken(flaw)[contract]()


def test_every_check_can_fail_and_only_for_a_flaw(broken):
    checks = broken(None)
    assert set(checks) == set(FLAWS.values())
    for contract in ("interface", "equals_its_twin", "every_model_gives_the_same_train"):
        checks[contract]()


def test_the_docs_list_all_contracts():
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.M)
    assert listed == [(c.name, c.contract) for c in neuron_checks(SQS)]


def test_check_neuron_raises_for_the_first_broken_contract(broken):
    from faulty.broken_sqs.process import BrokenSQS

    with pytest.raises(AssertionError, match=r"breaks the contract `interface`.*\n.*'nobody'"):
        check_neuron(partial(BrokenSQS, flaw="always takes another name"))


@pytest.mark.parametrize(
    ("arguments", "kind", "word"),
    [
        ({"make": "SQS"}, TypeError, "make"),
        ({"make": SQS, "twin": 1}, TypeError, "twin"),
        ({"make": SQS, "state": 1}, TypeError, "state"),
        ({"make": SQS, "atol": -1}, ValueError, "atol"),
    ],
)
def test_arguments_are_checked(arguments, kind, word):
    with pytest.raises(kind, match=f"Argument `{word}`"):
        neuron_checks(**arguments)


def test_it_needs_no_pytest():
    code = "import sys, lava_sqs.testing; assert not {'pytest', '_pytest'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
