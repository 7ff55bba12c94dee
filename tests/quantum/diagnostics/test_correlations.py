"""Entanglement and mutual information of memory qubits, against QuTiP's own functions."""

import numpy as np
import pytest
import qutip
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.quantum import NoiseModel, Population, ansatz, qobj_to_pauli
from lava_sqs.quantum.diagnostics import entropy, mutual_information, negativity, purity

PARTS = [([0], [1]), ([2], [0, 1, 3]), ([0, 3], [1]), ([3, 1], [2, 0]), ([1, 0, 2], [3])]


def theirs(rho, one, two):
    """Negativity and mutual information by QuTiP."""
    both = sorted(one + two)
    state = rho.ptrace(both)
    turned = qutip.partial_transpose(state, [int(q in one) for q in both])
    where = [[both.index(q) for q in part] for part in (one, two)]
    return (turned.norm() - 1) / 2, qutip.entropy_mutual(state, *where, base=2)


@pytest.mark.parametrize("rank", [1, 2, 16])
@pytest.mark.parametrize("parts", PARTS, ids=str)
def test_they_are_qutips(parts, rank):
    rho = qutip.rand_dm([2] * 4, rank=rank, seed=rank)
    wanted = theirs(rho, *parts)
    for memory in (rho, qobj_to_pauli(rho)):
        np.testing.assert_allclose(negativity(memory, *parts), wanted[0], atol=1e-10)
        np.testing.assert_allclose(mutual_information(memory, *parts), wanted[1], atol=1e-9)


def test_a_part_can_be_all_the_rest_and_negativity_is_qutips():
    rho = qutip.rand_dm([2, 2], seed=4)
    assert float(negativity(rho, 0)) == pytest.approx(qutip.negativity(rho, 0), abs=1e-12)
    rho = qutip.rand_dm([2] * 3, seed=4)
    np.testing.assert_allclose(negativity(rho, 1), negativity(rho, [0, 2], 1), atol=1e-12)


@given(st.floats(0, 1))
def test_werner_states(p):
    # p |psi-><psi-| + (1 - p) 1/4: negative eigenvalue (1 - 3p)/4 of the partial transpose
    werner = p * qutip.ket2dm(qutip.bell_state("11")) + (1 - p) * qutip.qeye([2, 2]) / 4
    assert float(negativity(werner, 0, 1)) == pytest.approx(max(3 * p - 1, 0) / 4, abs=1e-9)
    levels = np.array([(1 + 3 * p) / 4, *[(1 - p) / 4] * 3])
    levels = levels[levels > 0]
    bits = 2 + (levels * np.log2(levels)).sum()
    assert float(mutual_information(werner, 0, 1)) == pytest.approx(bits, abs=1e-8)


def test_batches_keep_their_axes():
    states = [[qutip.rand_dm([2, 2], seed=3 * i + j) for j in range(3)] for i in range(2)]
    vectors = np.array([[qobj_to_pauli(rho) for rho in row] for row in states])
    each = [[float(negativity(rho, 0)) for rho in row] for row in states]
    np.testing.assert_allclose(negativity(vectors, 0), each, atol=1e-12)
    assert mutual_information(vectors, 1).shape == (2, 3)


@pytest.mark.parametrize("parts", [([0, 1], None), ([2], [4]), ([5, 0], [1, 3])], ids=str)
def test_pure_memories_of_six_qubits(parts):
    population = Population(ansatz.layered(1, 6), size=2, seed=0, backend="trajectory")
    for _ in range(4):
        population.step([0.5, 0.3])
    for k in range(2):
        rho = population.memory_qobj(k)
        two = parts[1] or [q for q in range(6) if q not in parts[0]]
        wanted = theirs(rho, parts[0], two)
        np.testing.assert_allclose(negativity(population, *parts)[k], wanted[0], atol=1e-9)
        np.testing.assert_allclose(mutual_information(population, *parts)[k], wanted[1], atol=1e-8)


def test_noisy_memories_of_seven_qubits_have_whole_entropies():
    noise = NoiseModel.preset("ibm_torino")
    population = Population(ansatz.layered(1, 7), size=1, noise=noise, seed=0, backend="density")
    for _ in range(3):
        population.step([0.5])
    rho = population.memory_qobj(0)
    assert float(entropy(population)[0]) == pytest.approx(qutip.entropy_vn(rho, 2), abs=1e-9)
    assert float(purity(population)[0]) == pytest.approx(rho.purity(), abs=1e-12)
    wanted = theirs(rho, [0, 6], [3])
    assert float(negativity(population, [0, 6], 3)[0]) == pytest.approx(wanted[0], abs=1e-9)
    got = float(mutual_information(population, [0, 6], 3)[0])
    assert got == pytest.approx(wanted[1], abs=1e-9)


@pytest.mark.parametrize("function", [negativity, mutual_information])
@pytest.mark.parametrize(
    ("qubits", "others", "match"),
    [
        (3, None, "`qubits` must be at most 2, but got 3"),
        ([0, 0], None, "`qubits` must have different memory qubits from 0 to 2"),
        ([], 1, "`qubits` must have different"),
        ([0, 1, 2], None, "`qubits` must leave some of the 3 memory qubits"),
        ([0, 1], [1], "`others` must have no qubits of `qubits`, but both have 1"),
        (-1, None, "`qubits` must be at least 0"),
    ],
)
def test_parts_that_are_none(function, qubits, others, match):
    with pytest.raises(ValueError, match=match):
        function(qutip.rand_dm([2] * 3, seed=0), qubits, others)


def test_a_part_that_is_no_number_and_a_state_that_is_not_whole():
    with pytest.raises(TypeError, match="`qubits` must be an integer"):
        negativity(qutip.rand_dm([2, 2], seed=0), "0")
    noise = NoiseModel(t1=1e-5, t2=1e-5)
    drawn = Population(ansatz.layered(1, 2), size=1, noise=noise, seed=0, backend="trajectory")
    with pytest.raises(ValueError, match="drew"):
        negativity(drawn, 0)
