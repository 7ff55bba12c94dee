"""Channels of users on some of the qubits: the same as on all of them, and much cheaper."""

import json
import time

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import NoiseModel, Population, ReferenceNeuron, ansatz

X, Z, EYE = qutip.sigmax(), qutip.sigmaz(), qutip.qeye(2)
ENGINES = ("instrument", "density", "qutip")


def mixed(*unitaries):
    """Kraus operators of unitaries that occur alike."""
    return [u / len(unitaries) ** 0.5 for u in unitaries]


def whole(kraus, qubits, n):
    return [qutip.expand_operator(k, dims=[2] * n, targets=list(qubits)) for k in kraus]


CASES = {
    "after_encode": (3, mixed(EYE, X, (X + Z).unit() * 2**0.5), (0,)),
    "after_circuit": (3, mixed(qutip.rand_unitary([2, 2], seed=1), qutip.tensor(X, Z)), (2, 0)),
    "readout": (2, mixed(EYE, qutip.rand_unitary(2, seed=2)), (1,)),
}


@pytest.mark.parametrize("backend", ENGINES)
@pytest.mark.parametrize("slot", CASES)
def test_the_same_as_on_the_whole_register(slot, backend):
    n, kraus, qubits = CASES[slot]
    kraus = [k / np.sqrt(sum((k.dag() @ k).tr() for k in kraus) / k.shape[0]) for k in kraus]
    base = NoiseModel(t1=1e-5, t2=1e-5, p_depol_2q=0.02).with_channel(slot, [X], qubits=0)
    circuit, rng = ansatz.layered(1, 2), np.random.default_rng(0)
    theta, z = rng.uniform(-3, 3, (1, circuit.n_params)), rng.uniform(0, 1, (6, 1))
    local = base.with_channel(slot, kraus, qubits=qubits)
    full = base.with_channel(slot, whole(kraus, qubits, n))
    runs = [
        Population(circuit, theta, noise=noise, seed=1, backend=backend).run(z)
        for noise in (local, full)
    ]
    np.testing.assert_array_equal(runs[0].spikes, runs[1].spikes)
    for name in ("p_spike", "memory", "log_likelihood"):
        one, two = (getattr(run, name) for run in runs)
        np.testing.assert_allclose(one, two, atol=1e-11)
    neuron = ReferenceNeuron(circuit, theta[0], local)
    for t in range(6):
        p = neuron.step(z[t], outcome=runs[0].spikes[t])[1]
        np.testing.assert_allclose(runs[0].p_spike[t, 0], p[1], atol=1e-11)


def test_trajectories_draw_them_where_they_act():
    """A bit flip of the io qubit after the circuit, certain: every spike is turned round."""
    circuit = ansatz.layered(1, 5)
    plain, flipped = (
        Population(circuit, np.zeros(circuit.n_params), size=2, noise=noise, backend="trajectory")
        for noise in (None, NoiseModel().with_channel("after_circuit", X, qubits=0))
    )
    np.testing.assert_array_equal(plain.step([0, 1]), [0, 1])
    np.testing.assert_array_equal(flipped.step([0, 1]), [1, 0])


@pytest.mark.parametrize("backend", ["density", "trajectory"])
def test_a_flip_of_one_qubit_of_six_takes_no_time(backend):
    start = time.process_time()
    noise = NoiseModel.preset("ibm_brisbane").with_channel("after_circuit", X, qubits=0)
    Population(ansatz.layered(1, 5), size=1, seed=0, noise=noise, backend=backend)
    assert time.process_time() - start < 3  # 30 s on the whole register


def test_open_evolution_files_and_scaling_keep_the_qubits():
    noise = NoiseModel.from_lindblad(
        c_ops=100 * qutip.sigmam(), duration=1e-6, slot="readout", qubits=1
    )
    again = NoiseModel.from_dict(json.loads(json.dumps(noise.to_dict())))
    assert again == noise
    assert again.channels[0].qubits == (1,)
    assert noise.scaled(2).channels[0].qubits == (1,)
    assert "qubits (1,)" in repr(noise.channels[0])
    other = NoiseModel.from_lindblad(
        c_ops=100 * qutip.sigmam(), duration=1e-6, slot="readout", qubits=0
    )
    assert other != noise
    with pytest.raises(ValueError, match=r"Use slot_channels"):
        noise.slot("readout", 1, 2)


@pytest.mark.parametrize("qubits", [(0, 0), (), -1, (0, 1), "0", 1.5, True, [[0]]])
def test_other_qubits_are_refused(qubits):
    with pytest.raises((TypeError, ValueError), match="`qubits`"):
        NoiseModel().with_channel("readout", X, qubits=qubits)


def test_qubits_beyond_the_circuit_are_refused():
    for slot, last in (("after_encode", 3), ("readout", 2)):
        noise = NoiseModel().with_channel(slot, X, qubits=last)
        with pytest.raises(ValueError, match=rf"`qubits` \({last},\), but there are {last} "):
            Population(ansatz.layered(1, 2), size=1, noise=noise)
