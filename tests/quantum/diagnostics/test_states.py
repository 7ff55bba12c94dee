"""Purity, entropy and fidelity: against QuTiP, and closed forms."""

import numpy as np
import pytest
import qutip

from lava_sqs.quantum import qobj_to_pauli
from lava_sqs.quantum.diagnostics import (
    entropy,
    fidelity,
    purity,
)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("rank", ["pure", "full"])
def test_purity_entropy_and_fidelity_are_qutips(n, rank):
    dims = [[2] * n] * 2
    states = []
    for seed in range(6):
        if rank == "pure":
            states.append(qutip.ket2dm(qutip.rand_ket([2] * n, seed=seed)))
        else:
            states.append(qutip.rand_dm([2] * n, seed=seed))
        assert states[-1].dims == dims
    vectors = np.array([qobj_to_pauli(s) for s in states])
    np.testing.assert_allclose(purity(vectors), [s.purity() for s in states], atol=1e-12)
    entropies = [qutip.entropy_vn(s, base=2) for s in states]
    np.testing.assert_allclose(entropy(vectors), entropies, atol=1e-12)
    ours = fidelity(vectors[:, None], vectors[None])
    theirs = [[qutip.fidelity(a, b) ** 2 for b in states] for a in states]
    np.testing.assert_allclose(ours, theirs, atol=2e-7)
    np.testing.assert_allclose(fidelity(states[0], states[1]), theirs[0][1], atol=2e-7)
    assert ours.shape == (6, 6)


def test_closed_forms_of_states():
    mixed, up, plus = [1, 0, 0, 0], [1, 0, 0, 1], [1, 1, 0, 0]
    np.testing.assert_allclose(purity([mixed, up]), [0.5, 1])
    np.testing.assert_allclose(entropy([mixed, up]), [1, 0], atol=1e-12)
    np.testing.assert_allclose(fidelity([mixed, up, plus], up), [0.5, 1, 0.5], atol=1e-9)
    two = np.kron(mixed, mixed)
    assert purity(two) == pytest.approx(0.25)
    assert entropy(two) == pytest.approx(2)


def test_states_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"`memory`.*\(\.\.\., 4\*\*n\).*\(3,\)"):
        purity([1, 0, 0])
    with pytest.raises(ValueError, match=r"`other`.*16"):
        fidelity([1, 0, 0, 0], np.eye(16)[0])
