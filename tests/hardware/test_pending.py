"""Jobs that were sent by a run that was killed are found again by id: nothing is paid twice."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lava_sqs.hardware import Device, DeviceError, _jobs
from lava_sqs.quantum import ansatz

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")

from qiskit.primitives import (
    BaseSamplerV2,
    BitArray,
    DataBin,
    PrimitiveResult,
    SamplerPubResult,
)
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

CIRCUIT = ansatz.paper()
CURRENTS = np.random.default_rng(0).uniform(0, 1, (900, 4, 1))


class Cloud:
    """A service that keeps what it was sent in a folder, and answers whoever asks by id.

    How many jobs it made, which somebody pays, is how many files there are. Its jobs run at once.
    """

    dies = False

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.asked = []

    @property
    def made(self):
        return len(list(self.folder.glob("*.json")))

    def make(self, pub, kill, drop):
        circuit, values, shots = pub
        bits = SamplerV2(seed=1 + self.made).run([(circuit, values, shots)]).result()[0].data.c
        job_id = f"job{self.made}"
        told = {"status": "DONE", "bits": bits.array.tolist(), "n": bits.num_bits, "drop": drop}
        (self.folder / f"{job_id}.json").write_text(json.dumps(told))
        return CloudJob(self, job_id, kill)

    def job(self, job_id):
        self.asked.append(job_id)
        if not (self.folder / f"{job_id}.json").exists():
            raise RuntimeError(f"no job {job_id}")
        return CloudJob(self, job_id)

    def set(self, job_id, **change):
        file = self.folder / f"{job_id}.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}))


class CloudJob:
    def __init__(self, cloud, job_id, kill=False):
        self.cloud, self.name, self.kill = cloud, job_id, kill

    def job_id(self):
        return self.name

    def told(self):
        return json.loads((self.cloud.folder / f"{self.name}.json").read_text())

    def status(self):
        return self.told()["status"]

    def result(self):
        if self.kill and Cloud.dies:
            os._exit(9)
        if self.kill:
            raise SystemExit
        told = self.told()
        if told["drop"]:  # the connection, so many times
            self.cloud.set(self.name, drop=told["drop"] - 1)
            raise ConnectionError("gone")
        if told["status"] != "DONE":
            raise RuntimeError(f"{self.name} has {told['status']}")
        bits = BitArray(np.array(told["bits"], np.uint8), told["n"])
        return PrimitiveResult([SamplerPubResult(DataBin(c=bits, shape=bits.shape))])


class Machine(AerSimulator):
    """A machine behind a service."""

    service = None


class CloudSampler(BaseSamplerV2):
    def __init__(self, folder, kill_at=None, known=True, drop=0):
        self.cloud, self.kill_at, self.sent, self.drop = Cloud(folder), kill_at, 0, drop
        self.backend = Machine() if known else AerSimulator()
        self.backend.service = self.cloud if known else None

    def run(self, pubs, *, shots=None):
        self.sent += 1
        (pub,) = pubs
        return self.cloud.make(pub, self.sent - 1 == self.kill_at, self.drop)


def device(tmp_path, **more):
    own = {k: more.pop(k) for k in ("kill_at", "known", "drop") if k in more}
    sampler = CloudSampler(tmp_path / "cloud", **own)
    return sampler, Device(sampler, cache=tmp_path / "cache", max_sets_per_job=400, **more)


def ask(one):
    return one.sample(CIRCUIT, np.zeros(3), CURRENTS, seed=4)


KILLED = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("pending", sys.argv[1])
pending = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pending)
pending.Cloud.dies = True
from pathlib import Path
pending.ask(pending.device(Path(sys.argv[2]), kill_at=int(sys.argv[3]))[1])
"""


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """Return a function that starts a run which ends while it waits for a job."""
    monkeypatch.setattr(_jobs, "_sleep", lambda _: None)

    def run(at):
        with pytest.raises(SystemExit):
            ask(device(tmp_path, kill_at=at)[1])
        return tmp_path

    return run


@pytest.fixture
def process_killed(tmp_path):
    """Start a run in a process of its own that is killed while it waits for its fourth job."""
    args = [sys.executable, "-c", KILLED, __file__, str(tmp_path), "3"]
    done = subprocess.run(args, capture_output=True, text=True, timeout=240)
    assert done.returncode == 9, done.stderr[-2000:]
    return tmp_path


def test_a_killed_run_finds_its_job_again_and_sends_only_what_was_not_sent(process_killed):
    path = process_killed  # jobs 0 and 1 are the self-test, 2 to 4 the three chunks
    sampler, again = device(path)
    assert sampler.cloud.made == 4
    spikes = ask(again)
    assert sampler.cloud.asked == ["job3"]
    assert sampler.cloud.made == 5
    assert [(j.job_id, j.attempts, j.cached) for j in again.jobs[-3:]] == [
        ("", 0, True),
        ("job3", 0, False),
        ("job4", 1, False),
    ]
    assert again.executions == 500
    assert not list((path / "cache").glob("*.job"))
    told = np.array(CloudJob(sampler.cloud, "job3").told()["bits"], np.uint8)
    bits = np.unpackbits(told, axis=-1)[..., ::-1][:, 0, :4]
    np.testing.assert_array_equal(spikes[400:800, :, 0], bits)
    last, third = device(path)
    np.testing.assert_array_equal(ask(third), spikes)
    assert (last.cloud.made, last.cloud.asked, third.executions) == (5, [], 0)


def test_a_job_of_the_self_test_is_found_too_whatever_the_calibration_is_now(killed):
    path = killed(0)
    sampler = CloudSampler(path / "cloud")
    sampler.backend.backend_version = "calibrated anew"
    again = Device(sampler, cache=path / "cache", max_sets_per_job=400)
    ask(again)
    assert sampler.cloud.asked == ["job0"]
    assert sampler.cloud.made == 5


@pytest.mark.parametrize("status", ["ERROR", "CANCELLED"])
def test_a_job_that_failed_or_was_cancelled_is_sent_again(killed, status):
    path = killed(4)
    sampler, again = device(path)
    sampler.cloud.set("job4", status=status)
    ask(again)
    assert (sampler.cloud.asked, sampler.cloud.made) == (["job4"], 6)
    assert again.jobs[-1].attempts == 1


def test_a_job_that_the_service_does_not_know_is_not_sent_again_unasked(killed):
    path = killed(4)
    sampler, again = device(path)
    (path / "cloud" / "job4.json").rename(path / "gone")
    with pytest.raises(DeviceError, match=r"\(job4\).*no job job4.*to send it, and pay"):
        ask(again)
    assert sampler.sent == 0
    (file,) = (path / "cache").glob("*.job")
    file.unlink()
    ask(again)
    assert sampler.sent == 1


def test_a_connection_that_is_lost_while_waiting_sends_nothing_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_jobs, "_sleep", lambda _: None)
    for folder, cached in (("with", True), ("without", False)):
        sampler = CloudSampler(tmp_path / folder, drop=2)
        one = Device(sampler, cache=tmp_path / f"{folder} cache" if cached else None, retries=2)
        ask(one)
        assert sampler.sent == 2
        assert [job.attempts for job in one.jobs] == [1, 1]
        sampler.drop = 3
        with pytest.raises(DeviceError, match="failed 3 times: ConnectionError") as error:
            one.sample(CIRCUIT, np.zeros(3), CURRENTS, seed=5)
        assert sampler.sent == 3
        assert ("The next run asks for the job job2 again" in str(error.value)) == cached
        if cached:
            one.sample(CIRCUIT, np.zeros(3), CURRENTS, seed=5)
            assert sampler.sent == 3


def test_a_result_of_another_shape_is_not_asked_for_again(killed):
    path = killed(4)
    sampler, again = device(path)
    sampler.cloud.set("job4", n=3)
    with pytest.raises(DeviceError, match="were asked for"):
        ask(again)
    assert sampler.sent == 0
    ask(again)
    assert sampler.sent == 1


def test_who_is_asked_may_be_given(killed):
    path = killed(4)
    sampler, again = device(path, retrieve=lambda job_id: None)
    with pytest.raises(DeviceError, match="knows no such job"):
        ask(again)
    sampler, again = device(path, known=False, retrieve=sampler.cloud.job)
    names = {job.name: job for job in (path / "cache").glob("*.job")}
    assert len(names) == 1
    with pytest.raises((TypeError, ValueError), match="`retrieve`"):
        device(path, retrieve="job4")
    with pytest.raises(ValueError, match="`retrieve` needs a folder"):
        Device(sampler, retrieve=print)


def test_a_machine_that_nobody_can_be_asked_about_is_not_paid_twice(tmp_path):
    from lava_sqs.hardware._pending import Pending

    far = SimpleNamespace(name="far", retriever=None, is_local=False)
    pending = Pending(tmp_path, far)
    pending.remember("a", "job9")
    assert pending.job_id("a") == "job9"
    with pytest.raises(DeviceError, match=r"sent by an earlier run.*retrieve="):
        pending.job("a", "job9")
    (tmp_path / "b.job").write_text("torn")
    with pytest.raises(ValueError, match=r"b\.job does not hold the id"):
        pending.job_id("b")
    near = Pending(tmp_path, SimpleNamespace(name="aer", retriever=None, is_local=True))
    near.remember("c", "job1")
    assert near.job_id("a") == near.job_id("c") == ""
