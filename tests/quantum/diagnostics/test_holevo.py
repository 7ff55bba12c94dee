"""Holevo information of a memory, against every input and outcome written out in QuTiP."""

import itertools

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import NoiseModel, ansatz, instrument
from lava_sqs.quantum.diagnostics import holevo_information, memory_capacity

NOISE = NoiseModel(t1=2e-5, t2=2e-5, p_depol_2q=0.02, p_read1_given0=0.03, p_reset=0.02)
VALUES, CHANCES = (0.1, 0.5, 0.9), (0.2, 0.5, 0.3)


def angles(circuit, seed=0):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, circuit.n_params)


def written_out(circuit, theta, noise, delay, washout, kept):
    """Go through all inputs and outcomes; every state is a QuTiP operator."""
    n = circuit.memory_qubits
    maps = [instrument(circuit, theta, [v] * circuit.io_qubits, noise) for v in VALUES]
    rho = qutip.ket2dm(qutip.tensor([qutip.basis(2, 0)] * n))
    for _ in range(washout):
        rho = sum(
            q * qutip.vector_to_operator(m @ qutip.operator_to_vector(rho))
            for q, each in zip(CHANCES, maps, strict=True)
            for m in each
        )
    states = []
    for v in range(len(VALUES)):
        blocks = {}
        for record in itertools.product(range(2**circuit.io_qubits), repeat=delay + 1):
            for inputs in itertools.product(range(len(VALUES)), repeat=delay):
                state, chance = qutip.operator_to_vector(rho), 1.0
                for i, s in zip((v, *inputs), record, strict=True):
                    state = maps[i][s] @ state
                for i in inputs:
                    chance *= CHANCES[i]
                key = record if kept else 0
                blocks[key] = blocks.get(key, 0) + chance * qutip.vector_to_operator(state)
        states.append(blocks)

    def entropy(blocks):
        levels = np.concatenate([b.eigenenergies() for b in blocks.values()])
        levels = levels[levels > 1e-300]
        return -(levels * np.log2(levels)).sum()

    mean = {key: sum(q * s[key] for q, s in zip(CHANCES, states, strict=True)) for key in states[0]}
    return entropy(mean) - sum(q * entropy(s) for q, s in zip(CHANCES, states, strict=True))


@pytest.mark.parametrize("noise", [None, NOISE], ids=["noiseless", "noisy"])
@pytest.mark.parametrize("outcomes", ["averaged", "kept"])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)], ids=str)
def test_it_is_what_all_trains_written_out_say(size, outcomes, noise):
    circuit = ansatz.layered(*size)
    theta = angles(circuit)
    got = holevo_information(
        circuit, theta, noise, currents=VALUES, probabilities=CHANCES,
        max_delay=2, washout=3, outcomes=outcomes,
    )  # fmt: skip
    wanted = [written_out(circuit, theta, noise, k, 3, outcomes == "kept") for k in range(3)]
    np.testing.assert_allclose(got, wanted, atol=1e-10)


@pytest.mark.parametrize("memory_qubits", [1, 2, 5])
def test_a_delay_line_holds_one_bit_per_qubit(memory_qubits):
    circuit = ansatz.delay(memory_qubits)
    got = holevo_information(circuit, (), max_delay=memory_qubits + 1)
    np.testing.assert_allclose(got, [1] * memory_qubits + [0, 0], atol=1e-9)
    # The record has the input again when it leaves the line.
    got = holevo_information(circuit, (), max_delay=memory_qubits + 1, outcomes="kept")
    np.testing.assert_allclose(got, 1, atol=1e-9)


@pytest.mark.parametrize("memory_qubits", [1, 2, 4])
def test_it_bounds_what_spikes_say_falls_and_fits_into_the_memory(memory_qubits):
    circuit = ansatz.layered(1, memory_qubits)
    most = 0.0
    for seed in range(3):
        theta = angles(circuit, seed)
        held = holevo_information(circuit, theta, NOISE, max_delay=30)
        kept = holevo_information(circuit, theta, NOISE, max_delay=4, outcomes="kept")
        said = memory_capacity(circuit, theta, NOISE, max_delay=31).information
        assert (said[1:] <= held + 1e-12).all()
        assert (np.diff(held) <= 1e-12).all()
        assert held.sum() <= memory_qubits + 1e-9
        most = max(most, held[0])
        assert (kept >= held[:5] - 1e-12).all()  # to know the record cannot hurt
    assert most > 1e-3  # not an empty bound


def test_too_many_records_are_refused_with_the_number():
    with pytest.raises(ValueError, match=r"`max_delay` = 40 .* 2\.2e\+12 records, needs .* GB"):
        holevo_information(ansatz.paper(), [0.1] * 3, max_delay=40, outcomes="kept")
    with pytest.raises(ValueError, match=r"`max_delay` = 20 .* 2\.1e\+06 records, .* s; the limit"):
        holevo_information(ansatz.paper(), [0.1] * 3, max_delay=20, outcomes="kept")
    with pytest.raises(ValueError, match="`outcomes` must be one of"):
        holevo_information(ansatz.paper(), [0.1] * 3, outcomes="both")
