"""Diagnostics mean the same at every size: the whole memory, or each of its qubits by name."""

import copy
import pickle

import numpy as np
import pytest
import qutip
from numpy.testing import assert_allclose

from lava_sqs import SQS, SQSSimCfg, plot, runtime
from lava_sqs.quantum import NoiseModel, Population, ansatz
from lava_sqs.quantum.diagnostics import entropy, fidelity, purity

NOISE = NoiseModel.preset("ibm_brisbane")
Z = np.full((6, 3), 0.4)


def ran(m, seed=0, **options):
    pop = Population(ansatz.layered(1, m), size=3, seed=seed, **options)
    return pop, pop.run(Z, record=("memory",))


@pytest.mark.parametrize("m", [1, 2, 4, 5, 6, 9])
def test_a_noiseless_memory_is_pure_as_a_whole(m):
    pop, run = ran(m)
    for of, pure in ((purity, 1.0), (entropy, 0.0)):
        for source, shape in (
            (pop, (3,)), (pop.memory, (3,)), (run, (6, 3)), (run.memory, (6, 3)),
            (run.memory[2:4, :1], (2, 1)), (pop.memory_qobj(0), ()),
        ):  # fmt: skip
            if m > 6 and isinstance(source, qutip.Qobj):
                continue
            found = of(source)
            assert found.shape == shape
            assert_allclose(found, pure, rtol=0, atol=1e-9)


@pytest.mark.parametrize("m", [2, 4, 5, 6])
def test_each_qubit_is_its_reduced_state(m):
    pop, run = ran(m)
    states = [pop.memory_qobj(k) for k in range(3)]
    reduced = [[state.ptrace(q) for q in range(m)] for state in states]
    expected = [[state.purity() for state in row] for row in reduced]
    bits = [[qutip.entropy_vn(state, base=2) for state in row] for row in reduced]
    for source in (pop, pop.memory):
        assert_allclose(purity(source, per_qubit=True), expected, atol=1e-9)
        assert_allclose(entropy(source, per_qubit=True), bits, atol=1e-7)
    assert purity(run, per_qubit=True).shape == (6, 3, m)


MADE = {
    "one qubit": lambda m: m[:, 0],
    "one neuron's qubit": lambda m: m[0, 1],
    "mean": lambda m: m.mean(axis=0),
    "np.mean": lambda m: np.mean(m, axis=0),
    "sum of two": lambda m: (m + m) / 2,
    "stacked": lambda m: np.stack([m, m])[:, :, 2],
    "concatenated": lambda m: np.concatenate([m, m]).mean(axis=0),
    "copied": lambda m: copy.deepcopy(m)[:, 1],
    "pickled": lambda m: pickle.loads(pickle.dumps(m))[..., 0, :],
    "transposed": lambda m: np.swapaxes(m, 0, 1),
    "reshaped": lambda m: m.reshape(-1, 4),
}


@pytest.mark.parametrize("made", list(MADE))
@pytest.mark.parametrize("of", [purity, entropy])
def test_what_is_made_of_reduced_states_is_never_taken_for_whole_ones(made, of):
    pop, _ = ran(5)
    part = MADE[made](pop.memory)
    with pytest.raises(ValueError, match=r"whole memories.*5 qubits.*per_qubit=True.*memory_qobj"):
        of(part)
    plain = np.asarray(part)
    assert_allclose(of(part, per_qubit=True), of(plain))  # single qubits, and asked for


@pytest.mark.parametrize("m", [3, 4, 5, 8])
@pytest.mark.parametrize("per_qubit", [False, True])
def test_states_given_drawn_errors_have_no_purity(m, per_qubit):
    pop, run = ran(m, noise=NOISE, backend="trajectory")
    for of in (purity, entropy):
        for source in (pop, pop.memory, run, run.memory[3], pickle.loads(pickle.dumps(run.memory))):
            with pytest.raises(ValueError, match=r"drew the errors.*'instrument'.*mean"):
                of(source, per_qubit=per_qubit)


def test_the_mean_over_drawn_errors_is_a_state():
    """The law of large numbers against the exact mean over outcomes."""
    circuit = ansatz.layered(1, 2)
    theta = np.full(circuit.n_params, 0.7)
    found = []
    for backend in ("trajectory", "instrument"):
        pop = Population(circuit, theta, size=20_000, noise=NOISE, seed=1, backend=backend)
        for _ in range(3):
            pop.step(np.full(20_000, 0.5))
        found.append(purity(pop.memory.mean(axis=0)))
    assert found[0] == pytest.approx(found[1], abs=0.02)


@pytest.mark.parametrize("m", [2, 5, 6])
def test_fidelity_of_whole_memories(m):
    a, b = (Population(ansatz.layered(1, m), size=3, seed=s, backend="trajectory") for s in (0, 1))
    for pop in (a, b):
        pop.run(Z, record=())
    kets = [[pop._engine.kets()[0, k] for k in range(3)] for pop in (a, b)]
    expected = [abs(np.vdot(x, y)) ** 2 for x, y in zip(*kets, strict=True)]
    assert_allclose(fidelity(a, b), expected, atol=1e-12)
    assert_allclose(fidelity(a, b.memory_qobj(1))[1], expected[1], atol=1e-12)
    ket = qutip.Qobj(kets[1][2], dims=[[2] * m, [1]])
    assert_allclose(fidelity(ket, a)[2], expected[2], atol=1e-12)
    if m == 2:
        assert_allclose(fidelity(a.memory, b.memory), expected, atol=1e-6)
    else:
        with pytest.raises(ValueError, match="whole memories"):
            fidelity(a.memory, b.memory)


def test_a_process_says_it_too():
    sqs = SQS(shape=(2,), memory_qubits=5, bias=0.4, seed=2, record=("memory",))
    with runtime(sqs, SQSSimCfg()) as net:
        net.run(4)
        now = sqs.memory.get()
    for source, shape in ((now, (2,)), (sqs.recording.memory, (4, 2))):
        assert_allclose(purity(source), np.ones(shape))
        assert purity(source, per_qubit=True).shape == (*shape, 5)
        assert purity(source, per_qubit=True).min() < 0.99
    for shown in (sqs, sqs.recording, copy.deepcopy(sqs.recording)):
        ax = plot.memory_purity(shown)
        assert ax.get_ylabel() == "memory purity\ngiven the outcomes so far"
        assert_allclose([line.get_ydata() for line in ax.lines], 1.0)
        each = plot.memory_purity(shown, neurons=0, per_qubit=True)
        assert each.get_ylabel() == "purity of each memory qubit\ngiven the outcomes so far"
        assert len(each.lines) == 5
        qubit = plot.bloch_trajectory(shown, neuron=1, qubit=3)
        assert qubit.collections[-1].get_array().size == 4


def test_setting_what_was_read_changes_nothing():
    """Product states read back whole; entangled ones are refused as before."""
    pop = Population(ansatz.layered(1, 5), size=2, seed=0)
    before = pop.memory
    pop.reset(before)
    assert_allclose(np.asarray(pop.memory), np.asarray(before))
