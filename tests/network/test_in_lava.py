"""One description, two ways to run it: inside Lava the same spikes as offline."""

import numpy as np
import pytest
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.lif.process import LIF

from lava_sqs.data import load_digits
from lava_sqs.execution.running import SQSSimCfg, runtime
from lava_sqs.network import SQSNN
from lava_sqs.quantum import NoiseModel, ansatz

DATA = load_digits()
X, Y, XT = DATA.x_train[:200], DATA.y_train[:200], DATA.x_test[:8]

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")


def make(**arguments):
    given = {"hidden_layer_sizes": (4, 3), "n_steps": 5, "epochs": 1, "n_draws": 2}
    given["neurons_per_class"] = 1
    return SQSNN(input_kind="static", **{**given, "random_state": 3, **arguments})


@pytest.mark.parametrize(
    "arguments",
    [
        {"noise": NoiseModel(t1=1e-4, t2=8e-5, p_read0_given1=0.02)},
        {"encoder": "current", "ansatz": "paper", "skip": False},
        {"neuron": "qlif"},
        {"neuron": "lif"},
        {"hidden_layer_sizes": (), "ansatz": ansatz.layered(2, 1)},
    ],
    ids=["noise", "currents", "qlif", "lif", "two channels"],
)
def test_same_spikes_in_lava_and_offline(arguments):
    clf = make(**arguments).fit(X, Y)
    offline, in_lava = clf.simulate(XT), clf.run_in_lava(XT)
    np.testing.assert_array_equal(in_lava, offline)
    assert offline.any()
    assert not offline.all()
    assert (clf.simulate(XT, seed=9) != offline).any()
    np.testing.assert_array_equal(clf.decide(in_lava), clf.decide(offline))


def test_weights_go_to_lava_and_back():
    clf, other = make().fit(X, Y), make(random_state=4).fit(X, Y)
    process = clf.to_lava()
    with runtime(process, SQSSimCfg()) as net:
        net.run(1)
        np.testing.assert_allclose(
            process.visible_from_input.get(), clf.parameters_["visible"].weights["input"]
        )
        process.visible_bias.set(np.full(10, 0.25))
        net.run(1)
        other.from_lava(process)
    np.testing.assert_array_equal(other.parameters_["visible"].bias, 0.25)
    np.testing.assert_allclose(
        other.parameters_["hidden0"].angles, clf.parameters_["hidden0"].angles
    )


def test_a_network_plugs_into_another_process():
    clf = make().fit(X, Y)
    process = clf.to_lava(name="digits")
    after = LIF(shape=(10,), vth=0.5, du=1.0, dv=1.0)
    sink = Sink(shape=(10,), buffer=7)
    process.s_out.connect(after.a_in)
    after.s_out.connect(sink.a_in)
    with runtime(process, SQSSimCfg()) as net:
        net.run(7)
        assert sink.data.get().shape == (10, 7)
    assert process.steps_per_sample == 5 + 3


def test_kinds_that_lava_has_not_are_refused():
    clf = make(neuron="as_published").fit(X, Y)
    with pytest.raises(
        TypeError, match=r"in Lava \(sqs, qlif, lif, classical\), but layer .* is AsPublishedNeuron"
    ):
        clf.to_lava()
