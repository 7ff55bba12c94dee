"""Single precision is accepted and made exact; wrong units are asked about."""

import math

import numpy as np
import pytest
import qutip
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lava_sqs.quantum import (
    NoiseModel,
    Population,
    ReferenceNeuron,
    ansatz,
    depol_from_gate_infidelity,
    instrument,
    qobj_to_pauli,
    superoperator_to_matrix,
)
from lava_sqs.quantum.noise.channels import Channel

# -- channels in single precision ------------------------------------------------------------------


def kraus_operators(rng, n_qubits, count):
    """Return random Kraus operators (count, d, d), complete to rounding in double precision."""
    d = 2**n_qubits
    raw = rng.normal(size=(count * d, d)) + 1j * rng.normal(size=(count * d, d))
    return np.linalg.qr(raw)[0].reshape(count, d, d)


def as_qobj(matrix):
    n = len(matrix).bit_length() - 1
    return qutip.Qobj(matrix, dims=[[2] * n, [2] * n])


def rounded(form, kraus):
    """Return the channel of *kraus* in single precision, in one of the forms that users have."""
    single = kraus.astype(np.complex64)
    if form == "arrays":
        return list(single)
    if form == "kraus":
        return [as_qobj(k) for k in single]
    if form == "real":
        return list(np.array([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]], dtype=np.float32))
    if form == "unitary":
        return as_qobj(single[0])
    exact = sum(qutip.to_super(as_qobj(k)) for k in kraus)
    whole = qutip.to_choi(exact) if form == "choi" else exact
    return qutip.Qobj(whole.full().astype(np.complex64), dims=whole.dims, superrep=whole.superrep)


FORMS = ("arrays", "kraus", "real", "unitary", "choi", "super")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n", [1, 2])
@given(seed=st.integers(0, 2**32 - 1))
def test_channels_in_single_precision_become_exact(form, n, seed):
    n = 1 if form == "real" else n
    rng = np.random.default_rng(seed)
    kraus = kraus_operators(rng, n, 1 if form == "unitary" else int(rng.integers(1, 4)))
    noise = NoiseModel().with_channel("readout", rounded(form, kraus))
    made = noise.channels[0].superoperator
    matrix = superoperator_to_matrix(made)
    assert_allclose(matrix[0], np.eye(4**n)[0], rtol=0, atol=1e-13)  # trace preserving
    assert np.linalg.eigvalsh(qutip.to_choi(made).full())[0] > -1e-13
    if form != "real":
        exact = superoperator_to_matrix(sum(qutip.to_super(as_qobj(k)) for k in kraus))
        assert_allclose(matrix, exact, rtol=0, atol=3e-6)


@pytest.mark.parametrize("slot", ["after_encode", "after_circuit", "readout"])
def test_what_runs_on_them_stays_a_state(slot):
    rng = np.random.default_rng(4)
    kraus = kraus_operators(rng, 1 if slot == "readout" else 2, 3)
    noise = NoiseModel().with_channel(slot, rounded("arrays", kraus))
    circuit = ansatz.layered(1, 1)
    theta = rng.uniform(-3, 3, circuit.n_params)
    for z in (0.0, 0.7):
        total = superoperator_to_matrix(sum(instrument(circuit, theta, z, noise)))
        assert_allclose(total[0], [1, 0, 0, 0], rtol=0, atol=1e-12)
    pop = Population(circuit, theta, size=2, noise=noise, seed=3, backend="instrument")
    run = pop.run(np.full((2000, 2), 0.4))
    assert_allclose(run.memory[..., 0], 1.0, rtol=0, atol=1e-12)
    assert np.linalg.norm(run.memory[..., 1:], axis=-1).max() < 1 + 1e-12


def test_exact_channels_stay_as_they_are():
    """Digests, so equality and the rows of a study, are those of before."""
    given_ = qutip.to_super(as_qobj(kraus_operators(np.random.default_rng(1), 2, 1)[0]))
    channel = Channel("readout", given_)
    assert channel.superoperator == given_
    assert (channel.superoperator.full() == given_.full()).all()
    assert Channel.from_dict(channel.to_dict()) == channel
    single = NoiseModel().with_channel("readout", [np.eye(2, dtype=np.float32) * np.float32(1)])
    assert NoiseModel.from_dict(single.to_dict()) == single


def test_a_rounded_channel_survives_its_dict():
    kraus = kraus_operators(np.random.default_rng(2), 1, 2)
    noise = NoiseModel().with_channel("readout", rounded("kraus", kraus))
    assert NoiseModel.from_dict(noise.to_dict()) == noise


@pytest.mark.parametrize("off", [3e-6, 1e-4, 1e-2])
def test_what_is_not_rounding_is_refused_and_told_how_to_mend(off):
    kraus = [math.sqrt(0.9 + off) * qutip.qeye(2), math.sqrt(0.1) * qutip.sigmaz()]
    with pytest.raises(ValueError, match=r"preserve the trace.*rtol.*M\*\*-0\.5.*larger rtol"):
        NoiseModel().with_channel("readout", kraus)
    noise = NoiseModel().with_channel("readout", kraus, rtol=2 * off)
    total = superoperator_to_matrix(noise.channels[0].superoperator)
    shrunk = (0.9 + off - 0.1) / (1 + off)  # K_a M**-0.5
    assert_allclose(total, np.diag([1, shrunk, shrunk, 1]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rtol", [0, -1, 0.5, math.nan, "1e-3"])
def test_tolerances_that_mean_nothing(rtol):
    with pytest.raises((TypeError, ValueError), match="`rtol`"):
        NoiseModel().with_channel("readout", qutip.sigmax(), rtol=rtol)
    with pytest.raises((TypeError, ValueError), match="`rtol`"):
        ansatz.from_unitary(np.eye(4), io_qubits=1, memory_qubits=1, rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
@pytest.mark.parametrize("n", [2, 4])
def test_a_unitary_in_single_precision(n, dtype):
    raw = np.random.default_rng(n).normal(size=(2**n, 2**n))
    if dtype != np.float32:
        raw = raw + 1j * np.random.default_rng(9).normal(size=raw.shape)
    given_ = np.linalg.qr(raw)[0].astype(dtype)
    for value in (given_, given_.tolist(), as_qobj(given_)):
        circuit = ansatz.from_unitary(value, io_qubits=1, memory_qubits=n - 1)
        u = circuit.unitary().full()
        assert_allclose(u.conj().T @ u, np.eye(2**n), rtol=0, atol=1e-13)
        assert_allclose(u, given_, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r"must be unitary.*rtol"):
        ansatz.from_unitary(given_ * 1.001, io_qubits=1, memory_qubits=n - 1)
    assert ansatz.from_unitary(given_ * 1.001, io_qubits=1, memory_qubits=n - 1, rtol=0.01)


@pytest.mark.parametrize("backend", ["instrument", "trajectory", "qutip"])
@given(seed=st.integers(0, 2**32 - 1))
def test_states_in_single_precision_are_set_exactly(backend, seed):
    rng = np.random.default_rng(seed)
    ket = rng.normal(size=4) + 1j * rng.normal(size=4)
    ket = (ket / np.linalg.norm(ket)).astype(np.complex64)
    state = qutip.Qobj(ket, dims=[[2, 2], [1]])
    exact = qobj_to_pauli(state.unit())
    circuit = ansatz.from_gates([("RX", 1, 0.0)], io_qubits=1, memory_qubits=2)
    for memory in (exact.astype(np.float32), state, state.proj()):
        pop = Population(circuit, np.zeros((1, 0)), backend=backend)
        pop.reset(memory)
        assert_allclose(pop.memory[0], exact, rtol=0, atol=2e-6)
        assert_allclose(pop.memory[0, 0], 1.0, rtol=0, atol=1e-12)
        assert np.linalg.eigvalsh(pop.memory_qobj(0).full())[0] > -1e-12


def test_states_in_double_precision_are_set_as_they_are():
    circuit = ansatz.from_gates([("RX", 1, 0.0)], io_qubits=1, memory_qubits=1)
    pop = Population(circuit, np.zeros((1, 0)))
    vector = np.array([1.0, 0.3, -0.2, 0.5])
    pop.reset(vector)
    assert (pop.memory[0] == vector).all()
    with pytest.raises(ValueError, match="eigenvalue"):
        pop.reset([1.0, 0.0, 0.0, 1.0001])


# -- durations -------------------------------------------------------------------------------------

LIVES = {"t1": 100e-6, "t2": 80e-6}


@pytest.mark.parametrize(
    "fields",
    [
        {**LIVES, "readout_time": 1.3},  # was a memory that is always |00>
        {**LIVES, "readout_time": 0.66},
        {**LIVES, "gate_time_1q": 0.02},
        {**LIVES, "gate_time_1q": 0.05},
        {**LIVES, "gate_time_2q": 0.3},
        {**LIVES, "idle_time": 5.0},
        {**LIVES, "idle_time": 0.2},
        {"t1": 1e-3, "t2": 1e-3, "gate_time_1q": 0.02},
        {"t2": 1e-6, "readout_time": 0.005},
        {"t1": (1e-4, 2e-4), "t2": 1e-4, "readout_time": 1.0},
        {"readout_time": 1.3},
        {"idle_time": 0.5},
        {"gate_time_2q": 0.06},
        {"gate_time_1q": 50},
    ],
)
def test_durations_in_other_units_are_asked_about(fields):
    name = next(k for k in fields if k.endswith(("time", "1q", "2q")))
    with pytest.raises(ValueError, match=rf"`{name}` must be in seconds.*did you mean"):
        NoiseModel(**fields)
    with pytest.raises(ValueError, match=rf"`{name}` must be in seconds"):
        NoiseModel(**LIVES).replace(**{"t1": math.inf, "t2": math.inf, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {**LIVES, "readout_time": 1.3e-6},
        {**LIVES, "idle_time": 5e-3},  # erased between steps
        {"t1": 1e-9, "t2": 1e-9},  # the shortest lifetimes with the default durations
        {"t1": 5.0, "t2": 1.0, "gate_time_1q": 1e-4, "gate_time_2q": 0.05, "readout_time": 0.1},
        {"t2": 0.5, "gate_time_2q": 1e-3, "readout_time": 0.4, "idle_time": 2.0},
        {"t1": (1e-9, 1e-3), "t2": 1e-9, "readout_time": 1e-5},  # one bad qubit
        {"gate_time_1q": 0.0, "readout_time": 1e-2},
    ],
)
def test_slow_and_strongly_damped_systems_are_allowed(fields):
    assert NoiseModel(**fields).readout_time == fields.get("readout_time", 1e-6)


def test_forty_lifetimes_are_as_good_as_any_longer_time():
    """So nothing is lost by the bound: the insisting user passes 1000 lifetimes."""
    noise = NoiseModel(t1=1e-6, t2=2e-6, thermal_population=0.1)
    forty, more = (superoperator_to_matrix(noise.relaxation(0, t)) for t in (80e-6, 1.0))
    assert_allclose(forty, more, rtol=0, atol=1e-16)


def test_durations_of_open_evolutions():
    decay = math.sqrt(1 / 100e-6) * qutip.destroy(2)
    for duration in (0.3, 1.3, 0.05):
        with pytest.raises(ValueError, match=r"`duration`.*did you mean microseconds"):
            NoiseModel().with_lindblad(c_ops=decay, duration=duration, slot="readout")
        with pytest.raises(ValueError, match="`duration`"):
            NoiseModel.from_lindblad(
                hamiltonian=2e5 * qutip.sigmaz(), duration=duration, slot="readout"
            )
    # In other units throughout, rates times durations are what counts.
    for rate, duration in ((0.1, 1.0), (20.0, 3.0), (1 / 100e-6, 1e-6)):
        c_op = math.sqrt(rate) * qutip.sigmaz()
        noise = NoiseModel().with_lindblad(c_ops=c_op, duration=duration, slot="readout")
        shrunk = superoperator_to_matrix(noise.channels[0].superoperator)[1, 1]
        assert_allclose(shrunk, math.exp(-2 * rate * duration), atol=1e-9)
    with pytest.raises(ValueError, match=r"`duration`.*did you mean"):
        depol_from_gate_infidelity(1e-3, 1, t1=1e-4, t2=1e-4, duration=0.05)


def test_the_literal_neuron_agrees_with_a_rounded_channel():
    kraus = kraus_operators(np.random.default_rng(5), 1, 2)
    noise = NoiseModel(**LIVES).with_channel("readout", rounded("arrays", kraus))
    circuit = ansatz.layered(1, 1)
    theta = np.random.default_rng(6).uniform(-3, 3, circuit.n_params)
    neuron = ReferenceNeuron(circuit, theta, noise)
    pop = Population(circuit, theta, size=1, noise=noise, backend="instrument")
    for t in range(20):
        pop.step([0.3], [t % 2])
        neuron.step(0.3, outcome=(t % 2,))
        assert_allclose(pop.memory[0], qobj_to_pauli(neuron.memory), rtol=0, atol=1e-10)
