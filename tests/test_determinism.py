"""One seed, one result: whatever the number of threads that BLAS and Numba may use."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib

import numpy as np

from lava_sqs import SQSNN, NoiseModel, Population, ansatz
from lava_sqs.data import load_digits
from lava_sqs.quantum import score_spike_train

noise = NoiseModel(t1=1e-4, t2=8e-5, p_depol_2q=8e-3)
rng = np.random.default_rng(0)


def say(name, *arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    print(name, digest.hexdigest())


for qubits, backend in [(1, "instrument"), (2, "instrument"), (2, "trajectory")]:
    population = Population(
        ansatz.layered(1, qubits), size=500, noise=noise, seed=1, backend=backend
    )
    run = population.run(rng.uniform(-0.5, 1, (40, 500)), record=("p_spike", "memory"))
    say(f"{backend} {qubits}", run.spikes, run.p_spike, run.memory)

z = rng.uniform(-0.5, 1, (20, 30, 40))
theta = rng.normal(size=(40, 8))
spikes = Population(ansatz.layered(), theta, batch=30, seed=2, noise=noise).run(z).spikes
scores = score_spike_train(ansatz.layered(), theta, z, spikes, noise=noise)
say("scores", *scores)

data = load_digits()
model = SQSNN((16,), input_kind="static", n_steps=6, epochs=1, random_state=0, noise=noise)
model.fit(data.x_train[:300], data.y_train[:300])
say("fit", *[w for own in model.parameters_.values() for w in own.weights.values()])
say("predict", model.predict(data.x_test[:100]))
"""


@pytest.mark.slow
def test_one_or_two_threads_give_the_same_bits():
    said = []
    for threads in ("1", "2"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        said.append(done.stdout)
    assert said[0].count("\n") == 6
    assert said[0] == said[1]
