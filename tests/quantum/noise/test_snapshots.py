"""Presets that are single qubits of a device on one day: stored, dated, and as Qiskit has them."""

import json
import subprocess
import sys

import numpy as np
import pytest

from lava_sqs import NoiseModel, Population, ansatz
from lava_sqs.quantum.noise.snapshots import FILE, SNAPSHOTS


def test_the_file_is_what_the_command_writes():
    pytest.importorskip("qiskit_ibm_runtime", reason="the extra `ibm` is not installed")
    from tools import snapshots

    stored = json.loads(FILE.read_text("utf-8"))
    assert list(stored) == list(SNAPSHOTS)
    made = json.loads(snapshots.text())
    for data in (*stored.values(), *made.values()):
        assert "qiskit-ibm-runtime" in data.pop("source")  # whose version may be another
    assert made == stored


@pytest.mark.parametrize(
    ("name", "qubits", "circuit"),
    [
        ("fake_torino", (8, 7), None),
        ("fake_torino", "best", ansatz.layered(1, 2)),
        ("fake_manila", "best", ansatz.paper()),
        ("fake_sherbrooke", (1, 0), None),  # whose entangler has a direction
    ],
)
def test_a_snapshot_is_the_model_of_the_backend(name, qubits, circuit):
    """To the six digits that are stored."""
    fakes = pytest.importorskip("qiskit_ibm_runtime.fake_provider")
    backend = getattr(fakes, SNAPSHOTS[name])()
    stored = NoiseModel.preset(name, qubits, ansatz=circuit)
    told = NoiseModel.from_backend(backend, qubits, ansatz=circuit)
    assert stored.source.startswith(told.source)  # the same qubits, the same date
    assert stored.name == told.name
    for field in ("t1", "t2", "readout_time", "reset_time", "p_read1_given0", "gate_time_2q"):
        assert np.allclose(getattr(stored, field), getattr(told, field), rtol=1e-5, atol=0)
    assert len(stored.gates) == len(told.gates)
    for ours, theirs in zip(stored.gates, told.gates, strict=True):
        assert (ours.name, ours.qubits) == (theirs.name, theirs.qubits)
        # p is what is left of the infidelity (1e-4, of six digits) without relaxation.
        assert ours.error == pytest.approx(theirs.error, rel=1e-4, abs=1e-8)
        assert ours.duration == pytest.approx(theirs.duration, rel=1e-5)


def test_every_snapshot_has_a_date_and_a_source_and_runs():
    for name, model in NoiseModel.snapshots().items():
        assert f"of {name}, calibration of 20" in model.source
        assert SNAPSHOTS[name] in model.source
        assert len(model.t1) == 2
        population = Population(ansatz.paper(), [0.3, 0.2, 0.1], size=3, noise=model, seed=0)
        assert population.run(np.ones((4, 3))).spikes.shape == (4, 3)


def test_snapshots_need_no_qiskit():
    code = """
import sys
for name in ("qiskit", "qiskit_aer", "qiskit_ibm_runtime"):
    sys.modules[name] = None
from lava_sqs import NoiseModel
print(NoiseModel.preset("fake_fez", (4, 5)).source)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.startswith("qubits (4, 5) of fake_fez")


@pytest.mark.parametrize(
    ("given", "argument", "says"),
    [
        ({"name": "fake_torin"}, "name", "fake_torino"),
        ({"name": "ibm_torino", "qubits": (0, 1)}, "qubits", "medians"),
        ({"name": "ibm_torino", "qubits": "best"}, "qubits", "medians"),
        ({"name": "fake_torino", "qubits": (0, 400)}, "qubits", "132"),
        ({"name": "fake_torino", "qubits": "worst"}, "qubits", "best"),
        ({"name": "fake_torino", "qubits": (0, 0)}, "qubits", "different"),
        ({"name": "fake_torino", "ansatz": "paper"}, "ansatz", "Ansatz"),
        ({"name": "fake_torino", "qubits": (0, 1), "ansatz": ansatz.layered(1, 2)}, "qubits", "3"),
    ],
)
def test_what_is_wrong_is_named(given, argument, says):
    with pytest.raises((ValueError, TypeError), match=says) as caught:
        NoiseModel.preset(**given)
    assert caught.value.argument == argument


def test_medians_serve_every_circuit():
    wide = ansatz.layered(2, 2)
    assert NoiseModel.preset("ibm_fez", ansatz=wide) == NoiseModel.preset("ibm_fez")
