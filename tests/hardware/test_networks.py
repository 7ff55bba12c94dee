"""``hardware.report`` counted by hand, and fake backends against their noise models."""

import json

import numpy as np
import pytest
from scipy.stats import chi2

from lava_sqs import SQSNN
from lava_sqs.hardware import Device, report, twin
from lava_sqs.network import LIFLayer, SQSLayer
from lava_sqs.quantum import Population, ansatz

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")
pytest.importorskip("qiskit_ibm_runtime", reason="the extra `ibm` is not installed")

from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import fake_provider as fakes

X = np.random.default_rng(0).random((20, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)


def net(*args, **more):
    more = {"neurons_per_class": 1, **more}
    return SQSNN(*args, n_steps=3, updates=3, random_state=0, **more).fit(X, Y)


@pytest.fixture(scope="module")
def manila():
    return fakes.FakeManilaV2()


def test_a_report_is_what_is_then_sent(manila):
    clf, device = net((3,), ansatz="paper"), Device(manila, seed=0, max_sets_per_job=25)
    found = report(clf, device, n_samples=20, n_repeats=2)
    clf.predict(X, runtime=device, n_repeats=2)
    sent = [job for job in device.jobs if job.steps == clf.steps_per_sample_]
    assert (found.jobs, found.executions) == (len(sent), sum(j.executions for j in sent))
    assert (found.jobs, found.executions) == (2 * (3 + 2), 2 * 20 * 5)
    assert [layer.qubits for layer in found.layers] == [device.qubits(ansatz.paper())] * 2


def test_times_of_a_step_are_those_of_the_target(manila):
    found = report(net((), ansatz="paper"), manila).layers[0]
    target, (io, memory) = manila.target, found.qubits
    pulse = target["sx"][io,].duration
    pairs = [target["cx"][p].duration for p in ((io, memory), (memory, io))]
    slow = target["measure"][io,].duration + target["reset"][io,].duration
    assert found.two_qubit_gates == 2  # a CRX
    # two pulses encode; between and beside two entanglers there are 2 to 6 more
    least, most = slow + 2 * min(pairs) + 4 * pulse, slow + 2 * max(pairs) + 10 * pulse
    assert least - 1e-12 <= found.step_seconds <= most + 1e-12
    assert found.t2 == min(
        target.qubit_properties[memory].t2, 2 * target.qubit_properties[memory].t1
    )
    assert found.kept == pytest.approx(np.exp(-found.step_seconds / found.t2))


def test_reports_say_what_does_not_fit(manila):
    found = report(net((2,), recurrent=True), manila)
    assert not found.fits
    assert "recurrent" in found.remarks[0]
    assert "It does not fit" in repr(found)
    mixed = report(net(layers=[LIFLayer(2), SQSLayer(2)]), manila, n_samples=5)
    assert [layer.where for layer in mixed.layers] == ["here", "device", "device"]
    assert mixed.executions == 5 * 4
    assert mixed.fits
    assert json.loads(json.dumps(mixed.to_dict()))["executions"] == 20
    assert "fake_manila" in repr(mixed)
    simulated = report(net(()), AerSimulator(), n_samples=5)
    assert simulated.seconds is None
    assert simulated.layers[0].step_seconds is None
    with pytest.raises(TypeError, match="`clf`"):
        report("net", manila)
    with pytest.raises(ValueError, match="`n_samples`"):
        report(net(()), manila, n_samples=-1)


def test_a_twin_has_the_circuits_and_the_noise_of_the_device(manila):
    clf, device = net((2,)), Device(manila)
    copied = twin(clf, device)
    own = copied.spec_.visible.neuron
    assert own.ansatz == device.native(ansatz.layered())
    assert own.noise == device.noise_model(ansatz.layered())
    assert clf.spec_.visible.neuron.noise is None
    assert copied.predict_proba(X).shape == (20, 2)


@pytest.mark.parametrize(
    "name", ["FakeManilaV2", *(pytest.param(n, marks=pytest.mark.slow)
                             for n in ("FakeTorino", "FakeBrisbane", "FakeMarrakesh"))]
)  # fmt: skip
def test_trains_of_a_fake_backend_have_the_law_of_its_noise_model(name):
    """Chi-square: right ones are refused once in 1e6 times."""
    device, circuit = Device(getattr(fakes, name)(), seed=1), ansatz.layered()
    rng = np.random.default_rng(3)
    theta, z = rng.uniform(-3, 3, 8), rng.uniform(0.1, 1, (4, 1))
    trains = device.sample(circuit, theta, z[None], shots=4000)[0, :, :, 0]
    seen = np.bincount(trains @ [8, 4, 2, 1], minlength=16)
    every = np.array(np.meshgrid(*[[0, 1]] * 4, indexing="ij")).reshape(4, -1).T

    def p_value(neurons):
        currents = np.broadcast_to(z[:, None], (4, 16, 1))
        log = neurons.run(currents, every.T[:, :, None]).log_likelihood
        want = 4000 * np.exp(log.sum(axis=0)[:, 0])
        return chi2.sf(((seen - want) ** 2 / want).sum(), 15)

    noise = device.noise_model(circuit)
    native = device.native(circuit)
    assert p_value(Population(native, theta[None], batch=16, noise=noise)) > 1e-6
    if name != "FakeMarrakesh":  # whose noise 4000 shots hardly show
        assert p_value(Population(circuit, theta[None], batch=16)) < 1e-6
