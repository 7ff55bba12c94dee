"""One seed, one result on every Python and NumPy: the numbers are in golden.json.

After a change that is meant to move them: ``uv run python tests/test_golden.py`` writes them anew,
and CHANGELOG.md says so.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

from lava_sqs import SQS, SQSNN, NoiseModel, Population, SQSSimCfg, ansatz, runtime
from lava_sqs.data import load_digits
from lava_sqs.quantum import score_spike_train

FILE = Path(__file__).with_name("golden.json")
NOISE = NoiseModel(t1=1e-4, t2=8e-5, p_depol_2q=8e-3, p_read0_given1=0.02)


def written(spikes):
    """Return the spikes of (T, K) as one hexadecimal number per neuron."""
    return [np.packbits(train).tobytes().hex() for train in np.asarray(spikes, dtype=bool).T]


def population(qubits, backend):
    z = np.random.default_rng(0).uniform(-0.5, 1, (40, 6))
    circuit = ansatz.layered(1, qubits)
    run = Population(circuit, size=6, noise=NOISE, seed=1, backend=backend).run(z)
    return {"spikes": written(run.spikes)}


def scores():
    rng = np.random.default_rng(1)
    z, theta = rng.uniform(-0.5, 1, (20, 3)), rng.normal(size=(3, 8))
    spikes = Population(ansatz.layered(), theta, seed=2, noise=NOISE).run(z).spikes
    log_likelihood, d_theta, d_z = score_spike_train(
        ansatz.layered(), theta, z, spikes, noise=NOISE
    )
    return {
        "spikes": written(spikes),
        "log_likelihood": log_likelihood.tolist(),
        "d_theta": d_theta.tolist(),
        "d_z": d_z[-1].tolist(),
    }


def network():
    data = load_digits()
    model = SQSNN(
        (4,),
        input_kind="static",
        n_steps=5,
        epochs=1,
        learning_rate=0.02,
        random_state=0,
        noise=NOISE,
        dtype="float64",
    )
    model.fit(data.x_train[:100], data.y_train[:100])
    layers = model.parameters_.items()
    return {
        "predictions": model.predict(data.x_test[:20]).tolist(),
        "angles": {name: own.angles.tolist() for name, own in layers},
        "norms": {
            f"{name} from {source}": float(np.linalg.norm(weights))
            for name, own in layers
            for source, weights in own.weights.items()
        },
    }


def in_lava():
    lif, dense = LIF(shape=(4,), bias_mant=1.0, vth=3.0), Dense(weights=np.full((8, 4), 0.2))
    sqs = SQS(shape=(8,), memory_qubits=2, noise=NOISE, seed=7, record=("s_out",))
    lif.s_out.connect(dense.s_in)
    dense.a_out.connect(sqs.a_in)
    with runtime(sqs, SQSSimCfg()) as net:
        net.run(40)
    return {"spikes": written(sqs.recording.s_out)}


CASES = {
    "one memory qubit": lambda: population(1, "instrument"),
    "two memory qubits": lambda: population(2, "instrument"),
    "trajectories": lambda: population(2, "trajectory"),
    "literal QuTiP": lambda: population(1, "qutip"),
    "scores": scores,
    "trained network": network,
    "in Lava": in_lava,
}


def compare(found, golden):
    """Spikes and predictions are equal; numbers but for rounding, which differs by BLAS."""
    assert type(found) is type(golden)
    if isinstance(golden, dict):
        assert found.keys() == golden.keys()
        for name, value in golden.items():
            compare(found[name], value)
    elif isinstance(golden, list) and isinstance(np.ravel(golden)[0], str):
        assert found == golden
    else:
        np.testing.assert_allclose(found, golden, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_the_same_numbers_on_every_python_and_numpy(name):
    compare(CASES[name](), json.loads(FILE.read_text())[name])


def test_a_spike_or_a_digit_more_is_seen():
    golden = json.loads(FILE.read_text())["scores"]
    for name, value in (("spikes", [written(np.ones((20, 1)))[0]] * 3), ("log_likelihood", [1.0])):
        with pytest.raises(AssertionError):
            compare({**golden, name: value}, golden)


if __name__ == "__main__":
    FILE.write_text(json.dumps({name: case() for name, case in CASES.items()}, indent=1) + "\n")
