r"""Every kind of noise against Qiskit Aer, on which each channel is an instruction of the circuit.

``uv run --extra hardware python -m benchmarks.device_channels --out FILE`` runs the chi-square
tests of spike trains that FILE lacks, 1e5 trains each, and prints their p: for each kind of noise
by four bound circuits; by one circuit with parameters, one shot per set, of four sets of angles and
currents in turn; and for conventions that are not ours, each of which has to be seen.

The circuit is that of :mod:`benchmarks.aer_circuit`. The law is that of a Population that is made
to say every train.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import qutip
from numpy.typing import NDArray
from qiskit.circuit import Parameter
from qiskit_aer import AerSimulator
from scipy.stats import chi2

from benchmarks.aer_circuit import Builder, readout
from benchmarks.rows import append, rows_of
from lava_sqs._text import markdown
from lava_sqs.quantum import NoiseModel, Population, ansatz

Array = NDArray[Any]

ALPHA = 1e-3  # for all comparisons of a right program together
SETS = 4

X, Y, Z = qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()
LOWER = qutip.destroy(2)


def flips(p: float, *paulis: Any) -> list[Any]:
    """Return the Kraus operators of a Pauli error."""
    whole = qutip.tensor(*paulis) if len(paulis) > 1 else paulis[0]
    return [(1 - p) ** 0.5 * qutip.qeye(whole.dims[0]), p**0.5 * whole]


def damped(p: float) -> list[Any]:
    """Return the Kraus operators of a decay from 1 to 0."""
    return [qutip.Qobj([[1, 0], [0, (1 - p) ** 0.5]]), p**0.5 * LOWER]


#: One io qubit and two of memory; two io qubits and one of memory. Steps of each.
ONE = ansatz.from_gates(
    [
        ("SX", 0), ("CRX", (0, 1), "a"), ("RX", 2, "b"), ("CX", (2, 1)), ("CRX", (1, 0), "c"),
        ("RZ", 0, ("a", 0.5, 0.2)), ("RX", 2, 0.9), ("CRX", (2, 0), "b"),
    ],
    io_qubits=1, memory_qubits=2,
)  # fmt: skip
TWO = ansatz.layered(2, 1)
STEPS = {ONE: 4, TWO: 2}

DECAY = NoiseModel(t1=(8e-6, 9e-6, 4e-6), t2=(2e-6, 5e-6, 3e-6), idle_time=3e-6)
CORRELATED = [[0.9, 0.1, 0.05, 0.02], [0.02, 0.75, 0.1, 0.08], [0.06, 0.05, 0.8, 0.3],
              [0.02, 0.1, 0.05, 0.6]]  # fmt: skip
COUPLED = {(0, 1): 4e5, (1, 2): -2e5, (0, 2): 1e5}

KINDS: dict[str, tuple[Any, NoiseModel]] = {
    "no noise": (ONE, NoiseModel()),
    "errors by gate and qubits": (
        ONE,
        NoiseModel(p_depol_1q=(0.0, 0.02, 0.03), p_depol_2q=0.01)
        .with_gate("CX", (2, 1), error=0.7)
        .with_gate("CRX", (1, 0), error=0.1)
        .with_gate("ENCODE", 0, error=0.4),
    ),
    "t1, t2, durations by gate": (
        ONE,
        DECAY.replace(thermal_population=(0.3, 0.2, 0.4))
        .with_gate("CX", (2, 1), duration=6e-7)
        .with_gate("RZ", duration=0, error=0)
        .with_gate("ENCODE", duration=1e-7),
    ),
    "reset": (
        ONE,
        DECAY.replace(reset_time=5e-6, p_reset=0.25, idle_time=0, readout_time=1e-7),
    ),
    "ZZ in gates, reset and wait": (
        ONE,
        NoiseModel(zz=COUPLED, gate_time_2q=6e-7, reset_time=7e-7, idle_time=2e-7),
    ),
    "over-rotation": (
        ONE,
        NoiseModel()
        .with_gate("CRX", (0, 1), over_rotation=0.2)
        .with_gate("CRX", (1, 0), over_rotation=-0.2)
        .with_gate("SX", over_rotation=0.3)
        .with_gate("CX", over_rotation=-0.3)
        .with_gate("RX", 2, over_rotation=0.3),
    ),
    "readout": (TWO, NoiseModel(p_read1_given0=(0.05, 0.2), p_read0_given1=(0.15, 0.02))),
    "correlated readout": (TWO, NoiseModel(readout_matrix=CORRELATED)),
    "after an outcome": (
        TWO,
        NoiseModel()
        .with_channel("readout", qutip.gates.rx(1.2), outcome=(0, 1))
        .with_channel("readout", damped(0.6), outcome=(1, 1)),
    ),
    "after an outcome, misread": (
        ONE,
        NoiseModel(p_read1_given0=0.1, p_read0_given1=0.2)
        .with_channel("readout", qutip.gates.rx(1.0), qubits=1, outcome=1)
        .with_channel("readout", flips(0.4, X, Y), outcome=0),
    ),
    "channels of gates": (
        ONE,
        NoiseModel()
        .with_gate("CRX", (0, 1), channel=flips(0.5, Z, X))
        .with_gate("SX", channel=damped(0.3))
        .with_gate("ENCODE", channel=flips(0.3, Y)),
    ),
    "channels of slots": (
        ONE,
        NoiseModel()
        .with_channel("after_encode", damped(0.4), qubits=0)
        .with_channel("after_circuit", flips(0.5, X, Z), qubits=(1, 0))
        .with_channel("readout", [k1 & k2 for k1 in damped(0.5) for k2 in flips(0.3, X)]),
    ),
}
KINDS["all of one io qubit"] = (
    ONE,
    DECAY.replace(
        p_depol_1q=0.01, p_depol_2q=0.02, p_reset=0.02, reset_time=8e-7, zz=COUPLED,
        thermal_population=0.05, readout_matrix=[[0.95, 0.1], [0.05, 0.9]],
        gates=sum(
            (KINDS[k][1].gates for k in (
                "errors by gate and qubits", "over-rotation", "channels of gates")), ()),
        channels=sum(
            (KINDS[k][1].channels for k in (
                "after an outcome, misread", "channels of slots")), ()),
    ),
)  # fmt: skip
KINDS["all of two"] = (
    TWO,
    DECAY.replace(
        p_depol_1q=0.01, p_depol_2q=0.02, p_reset=(0.05, 0.02), zz={(0, 2): 4e5, (1, 2): -3e5},
        readout_matrix=CORRELATED, channels=KINDS["after an outcome"][1].channels,
    ),
)  # fmt: skip

#: What is wrong, and in which kind it has to be seen.
WRONG = {
    "gates' qubits reversed": "errors by gate and qubits",
    "Aer's lambda for p": "errors by gate and qubits",
    "no error of the encoding": "errors by gate and qubits",
    "t1 for t2": "t1, t2, durations by gate",
    "relaxation to 0": "t1, t2, durations by gate",
    "nothing waits for the readout": "t1, t2, durations by gate",
    "each qubit relaxes for its own gates": "t1, t2, durations by gate",
    "qubits swapped": "t1, t2, durations by gate",
    "nothing waits for the reset": "reset",
    "no error of the reset": "reset",
    "sign of ZZ": "ZZ in gates, reset and wait",
    "H = 2 pi rate / 2 ZZ": "ZZ in gates, reset and wait",
    "no ZZ in the wait": "ZZ in gates, reset and wait",
    "no ZZ in the reset": "ZZ in gates, reset and wait",
    "over-rotation in radians": "over-rotation",
    "fixed gates are exact": "over-rotation",
    "sides of readout swapped": "readout",
    "first bit last": "after an outcome",
    "matrix transposed": "correlated readout",
    "first channel least": "correlated readout",
    "the other outcome": "after an outcome, misread",
    "the reported outcome": "after an outcome, misread",
    "channel before its gate": "channels of gates",
    "first qubit last": "channels of slots",
    "slots swapped": "channels of slots",
}


def counted(rows: Any, trains: int) -> Array:
    """Return how often each train is in Qiskit's counts: true bits, then its last bit first."""
    seen = np.zeros(trains, int)
    for text, n in rows.items():
        seen[int(text.split(" ")[1][::-1], 2)] += n
    return seen


def bound_counts(
    circuit: Any, noise: NoiseModel, theta: Array, currents: Array, shots: int, wrong: str = ""
) -> Array:
    """Return how often Aer sees every train of each bound circuit, (P, trains)."""
    sets, steps, io = currents.shape
    errors, found = readout(circuit, noise, wrong), []
    misread = errors is not None
    for p in range(sets):
        # shot k of Aer draws from the seed + k
        simulator = AerSimulator(
            method="statevector" if misread else "density_matrix",
            seed_simulator=10**7 * (p + 1), max_parallel_threads=1, noise_model=errors,
            shot_branching_enable=not misread,  # the same counts sooner, but for errors of readout
        )  # fmt: skip
        qc = Builder(circuit, noise, theta[p], currents[p], wrong).qc
        counts = simulator.run(qc, shots=shots // sets).result().get_counts()
        found.append(counted(counts, 2 ** (steps * io)))
    return np.array(found)


def set_counts(circuit: Any, noise: NoiseModel, theta: Array, currents: Array, shots: int) -> Array:
    """Return how often Aer sees every train, (P, trains), by one shot per set of parameters."""
    sets, steps, io = currents.shape
    angles = [Parameter(f"t{i}") for i in range(theta.shape[1])]
    z = [[Parameter(f"z{t}_{q}") for q in range(io)] for t in range(steps)]
    qc = Builder(circuit, noise, angles, z).qc
    which = np.arange(shots) % sets
    table = {p: theta[which, i].tolist() for i, p in enumerate(angles)}
    table |= {z[t][q]: currents[which, t, q].tolist() for t in range(steps) for q in range(io)}
    simulator = AerSimulator(
        method="statevector", noise_model=readout(circuit, noise), seed_simulator=1,
        max_parallel_threads=1,
    )  # fmt: skip
    result = simulator.run(
        qc, shots=1, parameter_binds=[table], runtime_parameter_bind_enable=True
    ).result()
    seen = np.zeros((sets, 2 ** (steps * io)), int)
    for p, counts in zip(which, result.get_counts(), strict=True):
        seen[p] += counted(counts, seen.shape[1])
    return seen


def law(circuit: Any, noise: NoiseModel, theta: Array, currents: Array) -> Array:
    """Return the probability of every train of each set, (P, trains), by a Population."""
    sets, steps, io = currents.shape
    trains = np.array(list(product((0, 1), repeat=steps * io))).reshape(-1, steps, io)
    pop = Population(circuit, theta, batch=len(trains), noise=noise, backend="instrument", seed=0)
    shape = (steps, len(trains), sets, io)
    z = np.broadcast_to(currents.transpose(1, 0, 2)[:, None], shape)
    said = np.broadcast_to(trains.transpose(1, 0, 2)[:, :, None], shape)
    if io == 1:
        z, said = z[..., 0], said[..., 0]
    likelihood = pop.run(z, said, record=["log_likelihood"]).log_likelihood
    assert likelihood is not None
    return np.asarray(np.exp(likelihood.sum(axis=0)).T)


def p_value(seen: Array, expected: Array) -> float:
    """Return p of Pearson's chi-square over all sets, rare trains of each together."""
    statistic, freedom = 0.0, 0
    for got, share in zip(seen, expected, strict=True):
        want = share * got.sum()
        order = np.argsort(want)
        rare = int(np.searchsorted(np.cumsum(want[order]), 5.0)) + 1
        got = np.append(got[order[rare:]], got[order[:rare]].sum())
        want = np.append(want[order[rare:]], want[order[:rare]].sum())
        statistic += ((got - want) ** 2 / want).sum()
        freedom += len(want) - 1
    return float(chi2.sf(statistic, freedom))


def case(name: str) -> tuple[Any, NoiseModel, Array, Array]:
    """Return circuit, noise, angles and currents of a kind of noise."""
    circuit, noise = KINDS[name]
    rng = np.random.default_rng([18, list(KINDS).index(name)])
    theta = rng.uniform(-np.pi, np.pi, (SETS, circuit.n_params))
    return circuit, noise, theta, rng.uniform(0.1, 0.9, (SETS, STEPS[circuit], circuit.io_qubits))


def blind(name: str, shots: int) -> float:
    """Return p of a law without any noise: it has to be seen, too."""
    given = case(name)
    plain = law(given[0], NoiseModel(), *given[2:])
    return p_value(bound_counts(*given, shots), plain)


def work() -> list[tuple[str, str]]:
    """Return (how, name) of all tests."""
    todo = [("bound", name) for name in KINDS]
    todo += [("wrong", name) for name in WRONG]
    todo += [("no noise", name) for name in KINDS if name != "no noise"]
    return todo + [("one shot per set", name) for name in reversed(KINDS)]


def run(how: str, name: str, shots: int) -> float:
    """Return p of one test."""
    if how == "no noise":
        return blind(name, shots)
    given = case(WRONG.get(name, name))
    if how == "one shot per set":
        return p_value(set_counts(*given, shots), law(*given))
    wrong = name if how == "wrong" else ""
    return p_value(bound_counts(*given, shots, wrong), law(*given))


def tables(rows: list[dict[str, Any]]) -> str:
    """Return the tables of the page."""
    found = {(r["how"], r["name"]): f"{r['p']:.2g}" for r in rows}
    heads = "bound", "one shot per set", "no noise"
    lines = [markdown("noise", *heads, head=True)]
    lines += [markdown(name, *(found.get((h, name), "") for h in heads)) for name in KINDS]
    lines += ["", markdown("wrong", "in", "p", head=True)]
    lines += [markdown(w, name, found.get(("wrong", w), "")) for w, name in WRONG.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shots", type=int, default=100_000, help="of each test")
    parser.add_argument("--only", choices=("bound", "wrong", "no noise", "one shot per set"))
    parser.add_argument("--out", type=Path, default=Path("build/device_channels.jsonl"))
    parser.add_argument("--print", action="store_true")
    options = parser.parse_args()
    for how, name in [] if options.print else work():
        key = f"{how}, {name}, {options.shots}"
        if key in rows_of(options.out) or options.only not in (None, how):
            continue
        began = time.process_time()
        row = {"key": key, "how": how, "name": name, "p": run(how, name, options.shots)}
        append(options.out, {**row, "seconds": round(time.process_time() - began, 1)})
        print(row, file=sys.stderr, flush=True)
    rows = [r for r in rows_of(options.out).values() if r["key"].endswith(f", {options.shots}")]
    print(f"a right program has p > {ALPHA / (2 * len(KINDS)):.2g} in the first two\n")
    print(tables(rows))


if __name__ == "__main__":
    main()
