"""What a device would run, in Qiskit Aer without noise, against the law of Populations.

The circuits are those of ``to_qiskit``: bound, and with angles and currents as parameters, taken
apart into rz, sx, x and cx first (Aer ignores the angles of parameterised CRX, CRY, CRZ and CP).
Counts of whole spike trains at 1e5 shots are compared with their exact law by Pearson's chi-square,
trains expected fewer than 5 times pooled; with N comparisons at 1e-3 / N each, a correct program
fails with probability at most 1e-3. The seeds are fixed, so that it fails always or never.
"""

import functools
from itertools import product

import numpy as np
import pytest
from scipy.stats import chi2

from lava_sqs.quantum import Population, ansatz
from lava_sqs.quantum._exchange import encoding_angles

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")

from qiskit import qasm3, transpile
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

ALPHA, SHOTS = 1e-3, 100_000
AFFINE = ansatz.from_gates(
    [
        ("SX", 0), ("RZ", 0, ("a", 2.0, 0.3)), ("SX", 0), ("CRY", (0, 1), ("b", -0.5, 0.0)),
        ("RX", 1, ("a", 1.0, 0.4)), ("ECR", (1, 0)), ("RX", 0, "b"),
    ],
    io_qubits=1, memory_qubits=1, name="affine",
)  # fmt: skip
CIRCUITS = {
    "paper": (ansatz.paper(), 6),
    "layered(1,2)": (ansatz.layered(1, 2), 6),
    "layered(2,1)": (ansatz.layered(2, 1), 3),
    "affine": (AFFINE, 6),
}
WAYS = ("bound", "parameters", "OpenQASM 3")
CASES = [*product(CIRCUITS, WAYS[:2]), ("affine", WAYS[2])]
QUICK = [("affine", way) for way in WAYS[1:]]
OPTIONS = {"method": "statevector", "max_parallel_threads": 1}


@functools.cache
def case(name):
    """Return circuit, theta, currents (steps, io)."""
    circuit, steps = CIRCUITS[name]
    rng = np.random.default_rng([18, list(CIRCUITS).index(name)])
    theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
    currents = rng.uniform(0.1, 0.9, (steps, circuit.io_qubits))
    currents[1] = 0.0
    currents[2, 0] = -0.5  # no gate either
    return circuit, theta, currents


def law(circuit, theta, currents):
    """Return the probability of every spike train, the first bit the most significant."""
    steps, io = len(currents), circuit.io_qubits
    trains = np.array(list(product((0, 1), repeat=steps * io))).reshape(-1, steps, io)
    population = Population(circuit, theta, size=1, batch=len(trains), backend="instrument")
    z = np.broadcast_to(currents[:, None, None], (steps, len(trains), 1, io))
    outcome = trains.transpose(1, 0, 2)[:, :, None]
    if io == 1:
        z, outcome = z[..., 0], outcome[..., 0]
    return np.exp(population.run(z, outcome).log_likelihood.sum(axis=0)[:, 0])


@functools.cache
def sampled(name, way):
    """Return how often Aer saw every spike train."""
    circuit, theta, currents = case(name)
    steps = len(currents)
    if way == "parameters":
        qc = circuit.to_qiskit(steps)
        values = dict(zip(circuit.param_names, theta, strict=True))
        phi = encoding_angles(currents).ravel()
        values |= {f"phi[{i}]": angle for i, angle in enumerate(phi)}
        qc = transpile(qc, basis_gates=["rz", "sx", "x", "cx"], optimization_level=1)
        pub = (qc, [values[p.name] for p in qc.parameters], SHOTS)
    else:
        qc = circuit.to_qiskit(steps, theta=theta, currents=currents)
        if way != "bound":
            qc = qasm3.loads(qasm3.dumps(qc))
        pub = (transpile(qc, AerSimulator()), None, SHOTS)
    # Aer gives shot i the seed `seed + i`: seeds that lie close together share shots.
    sampler = SamplerV2(
        seed=10**7 * (1 + CASES.index((name, way))), options={"backend_options": OPTIONS}
    )
    data = sampler.run([pub]).result()[0].data
    counts = np.zeros(2 ** (steps * circuit.io_qubits), dtype=int)
    for bits, count in next(iter(data.values())).get_counts().items():  # the last bit comes first
        counts[int(bits[::-1], 2)] = count
    return counts


def p_value(counts, law):
    expected = law * counts.sum()
    rare = expected < 5
    groups = [(counts[~rare], expected[~rare])]
    if rare.any():
        groups.append((counts[rare].sum(keepdims=True), expected[rare].sum(keepdims=True)))
    seen, want = (np.concatenate(parts) for parts in zip(*groups, strict=True))
    return chi2.sf(((seen - want) ** 2 / np.maximum(want, 1e-9)).sum(), len(want) - 1)


@pytest.mark.parametrize(
    "case_",
    [pytest.param(c, marks=() if c in QUICK else pytest.mark.slow) for c in CASES],
    ids=" ".join,
)
def test_trains_have_the_law_of_populations(case_):
    p = p_value(sampled(*case_), law(*case(case_[0])))
    print(f"{' '.join(case_)}: p = {p:.3g}")
    assert p > ALPHA / len(CASES)


def reversed_bits(counts, theta, currents):
    return counts.reshape((2,) * currents.size).transpose().ravel(), theta, currents


MUTATIONS = {
    "bits read from the other end": reversed_bits,
    "half the encoding angle": lambda c, theta, z: (c, theta, z / 2),
    "theta of the other sign": lambda c, theta, z: (c, -theta, z),
    "negative currents encoded": lambda c, theta, z: (c, theta, np.abs(z)),
    "angles in another order": lambda c, theta, z: (c, theta[::-1], z),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutated_convention_is_noticed(mutation):
    circuit, theta, currents = case("affine")
    counts, theta, z = MUTATIONS[mutation](sampled("affine", "parameters"), theta, currents)
    p = p_value(counts, law(circuit, theta, z))
    print(f"{mutation}: p = {p:.3g}")
    assert p < ALPHA / len(CASES)


def test_aer_ignores_the_angles_of_parameterised_controlled_rotations_or_has_been_mended():
    """Why circuits are taken apart first; if this fails, Aer has been mended."""
    circuit = ansatz.from_gates([("X", 1), ("CRX", (1, 0), "a")], io_qubits=1, memory_qubits=1)
    qc = circuit.to_qiskit(1, currents=[0.0])
    ones = {
        apart: SamplerV2(seed=1)
        .run([(transpile(qc, basis_gates=["rz", "sx", "x", "cx"]) if apart else qc, [np.pi], 100)])
        .result()[0]
        .data.c.get_counts()
        .get("1", 0)
        for apart in (False, True)
    }
    assert ones == {False: 0, True: 100}
