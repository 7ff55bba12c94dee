"""Pauli vectors and Pauli transfer matrices against QuTiP's own objects."""

import numpy as np
import pytest
import qutip
from hypothesis import given
from hypothesis import strategies as st

from lava_sqs.quantum import (
    matrix_to_superoperator,
    pauli_labels,
    pauli_to_qobj,
    qobj_to_pauli,
    superoperator_to_matrix,
)

PAULIS = {"I": qutip.qeye(2), "X": qutip.sigmax(), "Y": qutip.sigmay(), "Z": qutip.sigmaz()}


def random_state(n, seed):
    return qutip.rand_dm([2] * n, seed=seed)


@given(n=st.integers(1, 3), seed=st.integers(0, 2**31))
def test_components_are_expectations(n, seed):
    rho = random_state(n, seed)
    vector = qobj_to_pauli(rho)
    for label, component in zip(pauli_labels(n), vector, strict=True):
        operator = qutip.tensor([PAULIS[c] for c in label])
        assert component == pytest.approx(qutip.expect(operator, rho), abs=1e-12)
    np.testing.assert_allclose(pauli_to_qobj(vector).full(), rho.full(), atol=1e-14)


@given(n=st.integers(1, 2), seed=st.integers(0, 2**31))
def test_matrix_acts_as_the_superoperator(n, seed):
    channel = qutip.rand_super_bcsz([[2] * n] * 2, seed=seed)
    channel.dims = [[[2] * n] * 2] * 2
    rho = random_state(n, seed)
    matrix = superoperator_to_matrix(channel)
    want = qutip.vector_to_operator(channel @ qutip.operator_to_vector(rho))
    np.testing.assert_allclose(matrix @ qobj_to_pauli(rho), qobj_to_pauli(want), atol=1e-12)
    np.testing.assert_allclose(matrix_to_superoperator(matrix).full(), channel.full(), atol=1e-12)


def test_known_matrices():
    np.testing.assert_allclose(qobj_to_pauli(qutip.basis(2, 1)), [1, 0, 0, -1])
    np.testing.assert_allclose(
        superoperator_to_matrix(qutip.sigmax()), np.diag([1, 1, -1, -1]), atol=1e-15
    )
    c, s = np.cos(0.3), np.sin(0.3)
    rx = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, c, -s], [0, 0, s, c]]
    np.testing.assert_allclose(superoperator_to_matrix(qutip.gates.rx(0.3)), rx, atol=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: qobj_to_pauli(np.eye(2)), TypeError, "`rho` must be a QuTiP Qobj"),
        (lambda: qobj_to_pauli(qutip.qeye(3)), ValueError, "qubits"),
        (lambda: qobj_to_pauli(1j * qutip.qeye(2)), ValueError, "Hermitian"),
        (lambda: pauli_to_qobj([1, 0, 0]), ValueError, r"shape \(4\*\*n,\)"),
        (lambda: pauli_to_qobj([1, 0, 0, np.nan]), ValueError, "finite"),
        (lambda: matrix_to_superoperator(np.eye(3)), ValueError, r"4\*\*n_out"),
        (lambda: superoperator_to_matrix("x"), TypeError, "Qobj"),
        (
            lambda: superoperator_to_matrix(qutip.spre(1j * qutip.qeye(2))),
            ValueError,
            "Hermiticity",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
