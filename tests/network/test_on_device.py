"""Networks whose SQS layers run on a device: the same answers in distribution, or a refusal."""

import numpy as np
import pytest

from lava_sqs import SQSNN
from lava_sqs.hardware import Device
from lava_sqs.network import Conv2D, LIFLayer, SQSLayer, SQSNNRegressor
from lava_sqs.network.on_device import DeviceNeurons
from lava_sqs.neurons import SQSNeuron
from lava_sqs.quantum import ansatz

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")

from qiskit_aer import AerSimulator

pytestmark = pytest.mark.filterwarnings("ignore::lava_sqs.quantum.WrapWarning")
RNG = np.random.default_rng(0)
X = RNG.random((30, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)


def net(*args, **more):
    return SQSNN(*args, n_steps=4, updates=5, epochs=None, random_state=0, **more).fit(X, Y)


class Counted:
    """A device that lets a Population draw, and knows what it was asked."""

    def __init__(self):
        self.calls = []

    def sample(self, circuit, theta, currents, *, shots=1, seed=None):
        from lava_sqs.quantum import Population

        self.calls.append((circuit, theta, currents, seed))
        pop = Population(circuit, theta, seed=seed)
        spikes = pop.run(currents.transpose(1, 0, 2)).spikes.reshape(
            currents.shape[1], len(currents), -1
        )
        return spikes.transpose(1, 0, 2).astype(np.int8)


def test_a_layer_is_a_job_and_moves_what_it_should():
    device, clf = Counted(), net((3, 2), neurons_per_class=2, encoder="current")
    said = clf.predict(X, runtime=device)
    assert said.shape == (30,)
    assert [len(call[2]) for call in device.calls] == [90, 60, 120]
    assert {call[2].shape[1:] for call in device.calls} == {(7, 1)}
    first = {"input": clf.encode(X)}
    own = clf.parameters_[clf.spec_.layers[0].name]
    # z_t = W x_{t-1} + bias, of neuron 1 and sample 5
    arrived = np.concatenate([np.zeros((1, 4)), first["input"][5]])
    z = arrived @ own.weights["input"][1] + own.bias[1]
    np.testing.assert_allclose(device.calls[0][2][30 + 5][:5, 0], z, atol=1e-5)
    np.testing.assert_array_equal(device.calls[0][1][30 + 5], own.angles[1])
    again = Counted()
    np.testing.assert_array_equal(clf.predict(X, runtime=again), said)
    assert [a[3] for a in again.calls] == [a[3] for a in device.calls]
    clf.predict(X, runtime=again, seed=99)
    assert {a[3] for a in again.calls[3:]}.isdisjoint(a[3] for a in device.calls)


@pytest.mark.parametrize("circuit", [{}, {"ansatz": ansatz.layered(2, 1)}, {"memory_qubits": 2}])
def test_answers_have_the_law_of_the_network(circuit):
    """Mean probabilities of a hundred passes, within 5 standard errors."""
    device, clf = Counted(), net((2,), neurons_per_class=2, **circuit)
    here = np.array([clf.predict_proba(X[:4], seed=s)[:, 1] for s in range(200)])
    there = np.array([clf.predict_proba(X[:4], seed=s, runtime=device)[:, 1] for s in range(200)])
    error = np.sqrt((here.var(axis=0) + there.var(axis=0)) / 200) + 1e-9
    assert (np.abs(here.mean(axis=0) - there.mean(axis=0)) < 5 * error).all()


def test_on_aer_and_every_method():
    clf = net((2,))
    device = Device(AerSimulator(), seed=0)
    shape = clf.predict_proba(X, runtime=device).shape
    assert shape == (30, 2)
    sent = [job for job in device.jobs if job.steps > 2]
    assert len(sent) == 2  # two layers
    assert clf.decision_function(X, runtime=device).shape == (30,)
    assert clf.predict_log_proba(X, runtime=device).shape == (30, 2)
    assert 0 <= clf.score(X, Y, runtime=device) <= 1
    found = clf.evaluate(X, Y, runtime=device, n_repeats=2)
    assert 0 <= found.accuracy <= 1
    draws = [clf.decision_function(X, runtime=device, n_repeats=1, seed=s) for s in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()


def test_other_layers_stay_here():
    device = Counted()
    clf = net(layers=[LIFLayer(3), SQSLayer(2, memory_qubits=2)])
    clf.predict(X, runtime=device)
    assert [call[0].memory_qubits for call in device.calls] == [2, 1]
    images = RNG.random((30, 16))
    conv = SQSNN(
        layers=[Conv2D(2, 3)], input_kind="static", n_steps=3, updates=2, random_state=0
    ).fit(images.reshape(30, 4, 4), Y)
    device = Counted()
    assert conv.predict(images.reshape(30, 4, 4), runtime=device).shape == (30,)
    assert len(device.calls) == 2


def test_sequences_and_labels_per_step():
    x, y = RNG.random((12, 5, 2)), RNG.integers(0, 2, (12, 5))
    clf = SQSNN((2,), input_kind="sequence", updates=2, random_state=0).fit(x, y)
    device = Counted()
    said = clf.predict(x, lengths=[5] * 6 + [3] * 6, runtime=device)
    assert said.shape == (12, 5)
    assert len(device.calls) == 2
    assert 0 <= clf.score(x, y, runtime=device) <= 1


def test_regressors():
    net = SQSNNRegressor((2,), n_readout=4, n_steps=4, updates=3, random_state=0).fit(X, X[:, 0])
    device = Counted()
    assert net.predict(X, runtime=device).shape == (30,)
    assert len(device.calls) == 2
    assert np.isfinite(net.score(X, X[:, 0], runtime=device))


@pytest.mark.parametrize(
    ("how", "arguments", "text"),
    [
        ({"recurrent": True}, {}, r"'hidden.*' is recurrent: its input in a step is"),
        ({"neuron": "lif"}, {}, "needs a layer of SQS neurons"),
        ({"ansatz": "classical"}, {}, "needs a layer of SQS neurons"),
        ({}, {"noise": None}, "`noise` belongs to runtime='offline'"),
    ],
)
def test_what_cannot_run_is_refused(how, arguments, text):
    clf, device = net((2,), **how), Counted()
    for method in (clf.predict, clf.predict_proba, clf.decision_function):
        with pytest.raises(ValueError, match=text):
            method(X, runtime=device, **arguments)
    assert not device.calls


def test_a_likelihood_is_refused():
    clf = net((2,), readout="likelihood")
    with pytest.raises(ValueError, match="`readout` must be 'count' on a device"):
        clf.predict(X, runtime=Counted())


@pytest.mark.parametrize("runtime", ["lava", "device", 3, None, AerSimulator()])
def test_a_runtime_that_is_none(runtime):
    with pytest.raises((TypeError, ValueError), match="`runtime` must be 'offline' or"):
        net((2,)).predict(X, runtime=runtime)


def test_neurons_on_a_device_say_what_they_cannot():
    neurons = DeviceNeurons(Counted(), SQSNeuron(ansatz.paper()), np.zeros((2, 3)), 0)
    z = np.zeros((3, 4, 2))
    with pytest.raises(ValueError, match="`clamp`"):
        neurons.run(z, z, np.zeros_like(z))
    with pytest.raises(NotImplementedError, match="no scores"):
        neurons.score(z, z, z)
