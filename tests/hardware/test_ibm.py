"""IBM's samplers in their local mode, where a backend on this machine takes the place of theirs."""

import numpy as np
import pytest

from lava_sqs import SQSNN
from lava_sqs.hardware import Device, _machines, report

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")
pytest.importorskip("qiskit_ibm_runtime", reason="the extra `ibm` is not installed")

import qiskit_ibm_runtime
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 1, (60, 4)) * 0.3 + np.repeat(np.eye(2), 2, axis=1)[np.arange(60) % 2] * 0.7
Y = np.arange(60) % 2


@pytest.fixture(scope="module")
def network():
    clf = SQSNN(
        (2,), skip=False, neurons_per_class=1, n_steps=5, updates=60, input_kind="static",
        random_state=0,
    )  # fmt: skip
    return clf.fit(X, Y)


def executor():
    module = pytest.importorskip("qiskit_ibm_runtime.executor_sampler", reason="before 0.50")
    return module.Sampler


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("sampler", ["executor", pytest.param("SamplerV2", marks=pytest.mark.slow)])
def test_a_network_answers_through_ibms_sampler(network, sampler):
    make = executor() if sampler == "executor" else qiskit_ibm_runtime.SamplerV2
    device = Device(make(mode=AerSimulator()), backend=AerSimulator(), progress=False)
    said = network.predict(X, runtime=device)
    offline = network.score(X, Y)
    assert offline > 0.8
    assert (said == Y).mean() > offline - 0.15  # 60 samples, drawn anew
    assert len({job.job_id for job in device.jobs}) == len(device.jobs) == 3  # self-test, 2 layers


@pytest.mark.slow
def test_a_network_answers_through_ibms_sampler_on_a_snapshot(network):
    backend = FakeManilaV2()
    device = Device(executor()(mode=backend), backend=backend, progress=False)
    assert device.backend is backend
    assert report(network, device, n_samples=20).fits
    said = network.predict(X[:20], runtime=device)
    assert (said == Y[:20]).mean() > 0.6
    assert {job.backend for job in device.jobs} == {"fake_manila"}


def test_the_sampler_of_ibms_machines_is_the_one_that_ibm_keeps():
    made = _machines._sampler_for(FakeManilaV2())
    assert isinstance(made, executor())
    assert type(made).__module__.startswith("qiskit_ibm_runtime.executor_sampler")
