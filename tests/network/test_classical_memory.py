"""Networks of neurons with a classical memory: learned, saved, mixed, and run in Lava."""

import numpy as np
import pytest

from lava_sqs import SQSNN
from lava_sqs.network import ClassicalMemoryNeuron, NeuronLayer, SQSLayer
from lava_sqs.quantum import NoiseModel, ansatz

RNG = np.random.default_rng(0)
X = RNG.random((60, 4))
Y = (X[:, 0] > X[:, 1]).astype(int)
SMALL = {"n_steps": 6, "epochs": 2, "random_state": 1}
CASES = {
    "neuron": {"neuron": "classical"},
    "two bits": {"neuron": "classical", "memory_qubits": 2},
    "by its table": {"neuron": "classical", "ansatz": "classical-additive"},
    "as a circuit": {"ansatz": "classical-independent", "memory_qubits": 2},
    "noisy": {"neuron": "classical", "noise": NoiseModel(t1=2e-5, t2=2e-5, p_read1_given0=0.02)},
}


@pytest.mark.parametrize("arguments", CASES.values(), ids=CASES)
def test_it_learns_is_saved_and_runs_in_lava(arguments, tmp_path):
    clf = SQSNN((6,), **SMALL, **arguments).fit(X, Y)
    clf.save(tmp_path / "bits.npz")
    again = SQSNN.load(tmp_path / "bits.npz")
    assert again.spec_.visible.neuron == clf.spec_.visible.neuron
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    np.testing.assert_array_equal(clf.run_in_lava(X[:3], seed=3), clf.simulate(X[:3], seed=3))


def test_it_learns_to_compare():
    arguments = {**SMALL, "epochs": 30, "encoder": "current", "learning_rate": 0.1}
    clf = SQSNN((6,), neuron="classical", **arguments).fit(X, Y)
    assert clf.score(X, Y) > 0.85


@pytest.mark.filterwarnings("ignore::lava_sqs._wraps.WrapWarning")
def test_layers_of_both_kinds_go_together(tmp_path):
    kind = ClassicalMemoryNeuron(ansatz.classical_memory(1, 2, table="additive"))
    layers = [
        SQSLayer(5, memory_qubits=2),
        SQSLayer(4, ansatz="classical", recurrent=True),
        NeuronLayer(3, kind),
    ]
    clf = SQSNN(layers=layers, **SMALL).fit(X, Y)
    assert [la.neuron.n_params for la in clf.spec_.layers] == [13, 14, 15, 8]
    clf.save(tmp_path / "mixed.npz")
    again = SQSNN.load(tmp_path / "mixed.npz")
    np.testing.assert_array_equal(again.predict(X), clf.predict(X))
    np.testing.assert_array_equal(clf.run_in_lava(X[:3], seed=3), clf.simulate(X[:3], seed=3))


def test_a_quantum_circuit_is_no_classical_memory():
    with pytest.raises(ValueError, match=r"`ansatz` must be of ansatz\.classical_memory"):
        SQSNN((6,), neuron="classical", ansatz="paper", **SMALL).fit(X, Y)
