"""``hardware.Device``: whole spike trains by Qiskit's backends and samplers, and devices that fail.

Trains of noiseless simulators are compared with the law of a Population by a chi-square test that
refuses right ones once in 1e5 times (once in 1e6 for all of a run).
"""

import functools
import subprocess
import sys
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import chi2

from lava_sqs.hardware import Device, DeviceError, _jobs
from lava_sqs.quantum import Population, ansatz

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")

from qiskit.primitives import (
    BaseSamplerV2,
    BitArray,
    DataBin,
    PrimitiveResult,
    SamplerPubResult,
    StatevectorSampler,
)
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel as AerNoise
from qiskit_aer.noise import depolarizing_error
from qiskit_aer.primitives import SamplerV2

EVERY_GATE = ansatz.from_gates(
    [
        *[("CRY", (0, 1), "a"), ("CRZ", (1, 0), "b"), ("RXX", (0, 1), "c"), ("RYY", (0, 1), "d")],
        *[("RZZ", (0, 1), ("a", -0.5, 0.3)), ("H", 0), ("ISWAP", (0, 1)), ("ECR", (0, 1))],
        *[("CRY", (1, 0), 0.7), ("S", 1), ("CY", (1, 0)), ("RY", 1, "a"), ("CRX", (0, 1), "b")],
        *[("T", 0), ("Y", 0), ("SX", 1), ("RZ", 0, "c"), ("RZ", 0, 0.4), ("CZ", (0, 1))],
    ],
    io_qubits=1,
    memory_qubits=1,
)
CIRCUITS = {
    "paper": ansatz.paper(),
    "layered": ansatz.layered(),
    "layered(1,2)": ansatz.layered(1, 2),
    "layered(2,1)": ansatz.layered(2, 1),
    "every gate": EVERY_GATE,
    "delay": ansatz.delay(2),
}
DEVICES = {
    "tables": lambda: Device(AerSimulator(), seed=3),
    "sampler of a backend": lambda: Device(AerSimulator(seed_simulator=3), mode="sampler"),
    "sampler": lambda: Device(SamplerV2(seed=3)),
}


def law(circuit, theta, currents):
    """Return the probability of every train of one set, channel 0 of step 0 most significant."""
    steps, io = currents.shape
    trains = np.array(list(product((0, 1), repeat=steps * io))).reshape(-1, steps, io)
    pop = Population(circuit, np.atleast_2d(theta), batch=len(trains))
    z = np.broadcast_to(currents[:, None, None], (steps, len(trains), 1, io))
    log = pop.run(z, trains.transpose(1, 0, 2)[:, :, None]).log_likelihood
    return np.exp(log.sum(axis=0)[:, 0])


def chi_square(spikes, expected):
    """Return the p-value of trains (n, T, N), rare ones together."""
    bits = spikes.reshape(len(spikes), -1)
    index = bits @ (1 << np.arange(bits.shape[1])[::-1])
    seen, want = np.bincount(index, minlength=len(expected)), expected * len(bits)
    order = np.argsort(want)
    rare = int(np.searchsorted(np.cumsum(want[order]), 5.0)) + 1
    seen = np.append(seen[order[rare:]], seen[order[:rare]].sum())
    want = np.append(want[order[rare:]], want[order[:rare]].sum())
    return chi2.sf(((seen - want) ** 2 / want).sum(), max(len(want) - 1, 1))


QUICK = {*product(["tables"], CIRCUITS), ("sampler", "paper"), ("sampler", "every gate")}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
        for case in [*product(["tables", "sampler"], CIRCUITS), ("sampler of a backend", "paper")]
    ],
)
def test_trains_have_the_law_of_a_population(kind, name):
    circuit, device = CIRCUITS[name], DEVICES[kind]()
    rng = np.random.default_rng(7)
    theta = rng.uniform(-3, 3, circuit.n_params)
    currents = rng.uniform(-0.2, 1.0, (3, circuit.io_qubits))
    n = {"tables": 2000, "sampler": 600}.get(kind, 300)
    many = np.tile(currents, (n, 1, 1))
    drawn = [
        device.sample(circuit, theta, many),  # a set per train
        device.sample(circuit, theta, currents[None], shots=n)[0],
    ]
    want = law(circuit, theta, currents)
    for spikes in drawn:
        assert spikes.shape == (n, 3, circuit.io_qubits)
        assert spikes.dtype == np.int8
        assert chi_square(spikes, want) > 1e-5
    mutated = law(circuit, theta, currents * 0.8)
    if name != "delay" and n > 1000:  # the last of whose trains knows of one current alone
        assert chi_square(drawn[0], mutated) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", CIRCUITS)
def test_trains_have_the_law_of_a_population_at_1e5_shots(name):
    circuit, device = CIRCUITS[name], Device(AerSimulator(), seed=1)
    rng = np.random.default_rng(8)
    theta = rng.uniform(-3, 3, circuit.n_params)
    currents = rng.uniform(-0.2, 1.0, (4, circuit.io_qubits))
    bound = device.sample(circuit, theta, currents[None], shots=100_000)[0]
    assert chi_square(bound, law(circuit, theta, currents)) > 1e-3 / 12
    one_by_one = device.sample(circuit, theta, np.tile(currents, (20_000, 1, 1)))
    assert chi_square(one_by_one, law(circuit, theta, currents)) > 1e-3 / 12


def test_each_set_has_its_own_angles_and_currents_and_each_step_too():
    rng, device, circuit = (
        np.random.default_rng(0),
        Device(AerSimulator(), seed=0),
        CIRCUITS["layered"],
    )
    theta, currents = rng.uniform(-3, 3, (4, 8)), rng.uniform(0, 1, (4, 3, 1))
    spikes = device.sample(circuit, theta, currents, shots=1500)
    for k in range(4):
        assert chi_square(spikes[k], law(circuit, theta[k], currents[k])) > 1e-5
    same = np.repeat(theta[:, None], 3, axis=1)
    spikes = device.sample(circuit, same, currents, shots=1500)
    for k in range(4):
        assert chi_square(spikes[k], law(circuit, theta[k], currents[k])) > 1e-5
    # RX(theta_in) of the paper's circuit adds to the encoding: a flip in step 1 only
    theta = np.zeros((5, 3, 3))
    theta[:, 1, 2] = np.pi
    trains = device.sample(CIRCUITS["paper"], theta, np.zeros((5, 3)))
    assert trains[:, :, 0].tolist() == [[0, 1, 0]] * 5


def test_long_trains_keep_their_order():
    pattern = np.random.default_rng(1).integers(0, 2, (7, 90)).astype(float)
    for device in (Device(AerSimulator(), seed=0), Device(SamplerV2(seed=0))):
        found = device.sample(CIRCUITS["paper"], np.zeros(3), pattern)
        np.testing.assert_array_equal(found[:, :, 0], pattern)


def test_one_seed_is_one_draw():
    currents = np.full((200, 2, 1), 0.5)
    args = CIRCUITS["paper"], np.zeros(3), currents
    a, b = Device(AerSimulator(), seed=5), Device(AerSimulator(), seed=5)
    first, second = a.sample(*args), a.sample(*args)
    np.testing.assert_array_equal(first, b.sample(*args))
    assert (first != second).any()
    np.testing.assert_array_equal(a.sample(*args, seed=9), b.sample(*args, seed=9))
    assert 0.3 < first.mean() < 0.7  # not one draw for all sets
    assert len(np.unique(first[:, :, 0], axis=0)) == 4
    by_chunks = Device(AerSimulator(), seed=5, max_sets_per_job=50).sample(*args)
    assert len(np.unique(by_chunks.reshape(4, -1), axis=0)) == 4


def test_bookkeeping():
    device = Device(AerSimulator(), seed=0, max_sets_per_job=40)
    device.self_test(CIRCUITS["paper"])
    before = device.executions
    device.sample(CIRCUITS["paper"], np.zeros(3), np.zeros((100, 2, 1)), shots=3)
    jobs = device.jobs[-3:]
    assert [job.sets for job in jobs] == [40, 40, 20]
    assert device.executions - before == 300
    assert device.seconds == sum(job.seconds for job in device.jobs)
    assert {job.backend for job in jobs} == {"aer_simulator"}
    assert "aer_simulator" in repr(device)


# -- devices that fail ---------------------------------------------------------------------------


class Broken(BaseSamplerV2):
    """A sampler that does something to what a right one does."""

    backend = AerSimulator()

    def __init__(self, *, before=lambda pub: pub, after=lambda bits: bits, fails=()):
        self.before, self.after, self.fails = before, after, list(fails)
        self.sent = 0
        self.inner = SamplerV2(seed=1)

    def run(self, pubs, *, shots=None):
        self.sent += 1
        if self.fails:
            error = self.fails.pop(0)
            if error is not None:
                raise error
        ((circuit, values, n),) = pubs
        result = self.inner.run([self.before((circuit, values, n))]).result()
        bits = self.after(result[0].data.c)
        made = PrimitiveResult([SamplerPubResult(DataBin(c=bits, shape=bits.shape))])
        return SimpleNamespace(result=lambda: made, job_id=lambda: f"job{self.sent}")


def changed(rule):
    def before(pub):
        circuit, table, shots = pub
        ((names, values),) = table.items()
        return circuit, {names: rule(np.array(values))}, shots

    return before


WRONG = {
    "ignores all angles": lambda v: v * 0,
    "ignores one angle in four": lambda v: np.where(np.arange(v.shape[1]) % 4, v, 0.0),
    "half angles": lambda v: v / 2,
    "other order": lambda v: v[:, ::-1],
    "the first set for all": lambda v: np.tile(v[:1], (len(v), 1)),
}


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("name", ["paper", "layered"])
def test_samplers_that_confuse_angles_are_refused(how, name):
    device = Device(Broken(before=changed(WRONG[how])))
    with pytest.raises(DeviceError, match=r"aer_simulator contradicts the law"):
        device.sample(CIRCUITS[name], np.zeros(CIRCUITS[name].n_params), np.zeros((2, 2, 1)))


def test_a_sampler_that_draws_once_for_all_sets_is_refused():
    def once(bits):
        packed = bits.array.reshape(128, 6, 1, -1)
        return BitArray(
            np.tile(packed[:1], (128, 1, 1, 1)).reshape(bits.array.shape), bits.num_bits
        )

    with pytest.raises(DeviceError, match="contradicts the law"):
        Device(Broken(after=once)).self_test(CIRCUITS["layered"])


LOST = {
    "a set": lambda b: BitArray(b.array[1:], b.num_bits),
    "a shot": lambda b: BitArray(b.array[:, :0], b.num_bits),
    "a bit": lambda b: BitArray(b.array, b.num_bits - 1),
    "more shots": lambda b: BitArray(np.repeat(b.array, 2, axis=1), b.num_bits),
}


@pytest.mark.parametrize("what", LOST)
def test_counts_of_a_wrong_shape_are_refused(what):
    sampler = Broken()
    device = Device(sampler, retries=3)
    device.self_test(CIRCUITS["paper"])
    sampler.after, sent = LOST[what], sampler.sent
    with pytest.raises(DeviceError, match=r"Job 1 of 1 \(job\d+\): .*but 3 sets of 1 shots"):
        device.sample(CIRCUITS["paper"], np.zeros(3), np.zeros((3, 4, 1)))
    assert sampler.sent == sent + 1  # no second attempt: it would only hide it


def test_passing_failures_are_tried_again(monkeypatch):
    waits = []
    monkeypatch.setattr(_jobs, "_sleep", waits.append)
    sampler = Broken(fails=[ConnectionError("gone"), RuntimeError("queue"), None])
    device = Device(sampler, retries=2)
    device.self_test(CIRCUITS["paper"])
    assert waits == [1.0, 2.0]
    assert device.jobs[0].attempts == 3
    sampler.fails = [TimeoutError("late")] * 3
    with pytest.raises(DeviceError, match=r"Job 1 of 1.*failed 3 times: TimeoutError: late"):
        device.sample(CIRCUITS["paper"], np.zeros(3), np.zeros((3, 4, 1)))
    sampler.fails, sent = [TypeError("mistake")], sampler.sent
    with pytest.raises(TypeError, match="mistake"):
        device.sample(CIRCUITS["paper"], np.zeros(3), np.zeros((3, 4, 1)))
    assert sampler.sent == sent + 1


def test_a_sampler_that_cannot_reset_is_refused(monkeypatch):
    monkeypatch.setattr(_jobs, "_sleep", lambda _: None)
    with pytest.raises(DeviceError, match="StatevectorSampler"):
        Device(StatevectorSampler()).self_test(CIRCUITS["paper"])


# -- cache ---------------------------------------------------------------------------------------


def test_what_has_run_is_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(_jobs, "_sleep", lambda _: None)
    rng = np.random.default_rng(2)
    theta, currents = rng.uniform(-1, 1, (90, 3)), rng.uniform(0, 1, (90, 4, 1))
    sampler = Broken()
    first = Device(sampler, cache=tmp_path / "new" / "folder", max_sets_per_job=40)
    first.self_test(CIRCUITS["paper"])
    sampler.fails = [None, None, *[OSError("gone")] * 4]  # the third chunk
    with pytest.raises(DeviceError, match=r"Job 3 of 3.*is in the cache"):
        first.sample(CIRCUITS["paper"], theta, currents, seed=4)
    again = Device(sampler, cache=tmp_path / "new" / "folder", max_sets_per_job=40)
    sent = sampler.sent
    spikes = again.sample(CIRCUITS["paper"], theta, currents, seed=4)
    assert sampler.sent == sent + 1  # only what was missing
    assert [job.cached for job in again.jobs][-3:] == [True, True, False]
    assert again.executions == 10
    silent = Device(sampler, cache=tmp_path / "new" / "folder", max_sets_per_job=40)
    np.testing.assert_array_equal(silent.sample(CIRCUITS["paper"], theta, currents, seed=4), spikes)
    assert sampler.sent == sent + 1
    for change in (
        {"theta": theta + 1e-9},
        {"currents": currents * 0.5},
        {"seed": 5},
        {"shots": 2},
        {"ansatz": ansatz.paper().__class__("other", 1, 1, ansatz.paper().gates[::-1],
                                             ansatz.paper().param_names)},
    ):  # fmt: skip
        args = {"ansatz": CIRCUITS["paper"], "theta": theta, "currents": currents, "seed": 4}
        before = sampler.sent
        silent.sample(**{**args, **change})
        assert sampler.sent > before, change


def test_no_cache_of_another_backend(tmp_path):
    args = CIRCUITS["paper"], np.zeros(3), np.full((50, 2, 1), 0.5)
    noise = AerNoise()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.02, 2), ["cx"])
    other = AerNoise()
    other.add_all_qubit_quantum_error(depolarizing_error(0.03, 2), ["cx"])
    backends = [AerSimulator(), AerSimulator(noise_model=noise), AerSimulator(noise_model=other)]
    for i, backend in enumerate(backends):
        device = Device(backend, cache=tmp_path)
        device.sample(*args, seed=0)
        assert not any(job.cached for job in device.jobs), i
        twice = Device(backend, cache=tmp_path)
        twice.sample(*args, seed=0)
        assert all(job.cached for job in twice.jobs)
    with pytest.raises(ValueError, match="`cache` needs a backend"):
        Device(SamplerV2(), cache=tmp_path)


def test_a_broken_file_of_the_cache_is_named(tmp_path):
    args = CIRCUITS["paper"], np.zeros(3), np.full((5, 2, 1), 0.5)
    Device(AerSimulator(), cache=tmp_path).sample(*args, seed=0)
    for file in tmp_path.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"\.npz"):
        Device(AerSimulator(), cache=tmp_path).sample(*args, seed=0)


# -- arguments -----------------------------------------------------------------------------------


@functools.cache
def simulator():
    return AerSimulator()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"target": "aer"}, "`target` must be a backend"),
        ({"target": None}, "`target` must be a backend"),
        ({"backend": AerSimulator()}, "`backend` belongs to a sampler"),
        ({"mode": "quick"}, "`mode`"),
        ({"qubits": "first"}, "`qubits`"),
        ({"max_sets_per_job": 0}, "`max_sets_per_job`"),
        ({"retries": -1}, "`retries`"),
        ({"cache": 3}, "`cache` must be a folder"),
        ({"seed": 1.5}, "`seed`"),
    ],
)
def test_arguments_of_a_device(change, text):
    with pytest.raises((TypeError, ValueError), match=text):
        Device(**{"target": simulator(), **change})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ansatz": "paper"}, "`ansatz` must be"),
        ({"ansatz": ansatz.classical_memory()}, "table of probabilities"),
        ({"theta": np.zeros(4)}, "`theta`"),
        ({"theta": np.zeros((3, 3))}, "`theta`"),
        ({"theta": np.zeros((2, 3, 3))}, "`theta`"),
        ({"currents": np.zeros(4)}, "`currents`"),
        ({"currents": np.zeros((2, 4, 2))}, "`currents`"),
        ({"currents": np.full((2, 4), np.nan)}, "`currents`"),
        ({"currents": np.zeros((2, 0))}, "`currents`"),
        ({"shots": 0}, "`shots`"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_arguments_of_sample(change, text):
    given = {"ansatz": CIRCUITS["paper"], "theta": np.zeros(3), "currents": np.zeros((2, 4))}
    with pytest.raises((TypeError, ValueError), match=text):
        Device(simulator()).sample(**{**given, **change})


@pytest.mark.parametrize("name", ["sampler", "device"])
def test_there_are_no_steps_on_a_device(name):
    with pytest.raises(ValueError, match=r"stops in the middle of a shot.*Device\.sample"):
        Population(CIRCUITS["paper"], size=2, backend=name)


def test_noise_that_would_be_left_out_is_refused():
    noise = AerNoise()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.1, 2), ["crx"])
    with pytest.raises(ValueError, match="has noise on crx"):
        Device(AerSimulator(noise_model=noise))


def test_noise_of_a_simulator_acts():
    noise = AerNoise()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.75, 1), ["rx"])
    device = Device(AerSimulator(noise_model=noise))
    circuit = ansatz.from_gates([("RX", 0, "a"), ("RX", 1, "b")], io_qubits=1, memory_qubits=1)
    with pytest.raises(DeviceError, match="contradicts"):
        device.self_test(circuit)


def test_without_sets_nothing_is_asked():
    device = Device(simulator())
    assert device.sample(CIRCUITS["paper"], np.zeros(3), np.zeros((0, 4))).shape == (0, 4, 1)


def test_qiskit_is_imported_late_and_named_where_it_is_missing():
    code = (
        "import sys, lava_sqs.hardware as h; print('qiskit' in sys.modules)\n"
        "sys.modules['qiskit'] = None\n"
        "try: h.Device(None)\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert out.startswith("False")
    assert "pip install 'lava-sqs[hardware]'" in out
