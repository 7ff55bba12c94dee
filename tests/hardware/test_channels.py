"""Every kind of noise as instructions on Aer, a part of ``benchmarks.device_channels``.

That takes 1e5 trains each; docs/hardware.md has its table. A right program fails here once in
1e3 times at most, all tests together; the seeds are fixed.
"""

import numpy as np
import pytest

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")

from benchmarks.device_channels import ALPHA, KINDS, WRONG, case, law, run

LIMIT = ALPHA / (2 * len(KINDS))
QUICK = "ZZ in gates, reset and wait"
#: Quick to be seen; the command holds all of WRONG against 1e5 trains.
AT_ONCE = {"sign of ZZ", "no ZZ in the reset"}
SOON = {
    "qubits swapped", "no error of the reset", "no ZZ in the wait", "over-rotation in radians",
    "fixed gates are exact", "sides of readout swapped", "first bit last", "matrix transposed",
    "first channel least", "the other outcome", "channel before its gate", "first qubit last",
    "slots swapped",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=() if k == QUICK else pytest.mark.slow) for k in KINDS]
)
def test_bound_circuits_have_the_law_of_a_population(name):
    assert run("bound", name, 2000) > LIMIT


def test_that_there_is_noise_is_seen():
    assert run("no noise", QUICK, 2000) < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", ["readout", "all of two", "all of one io qubit"])
def test_sets_of_parameters_of_one_shot_have_it_too(name):
    assert run("one shot per set", name, 1000) > LIMIT


@pytest.mark.parametrize(
    "wrong",
    [
        *sorted(AT_ONCE),
        *(pytest.param(w, marks=pytest.mark.slow) for w in WRONG if w in SOON),
    ],
)
def test_another_convention_is_seen(wrong):
    assert run("wrong", wrong, 2000 if wrong in AT_ONCE else 4000) < LIMIT


def test_the_laws_are_laws():
    for name in KINDS:
        total = law(*case(name)).sum(axis=1)
        np.testing.assert_allclose(total, 1, atol=1e-9)
