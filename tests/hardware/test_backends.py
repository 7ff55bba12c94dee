"""``NoiseModel.from_backend`` and ``hardware.isa`` against Qiskit Aer's own model of the backend.

The circuit that the backend would run, of its own gates and with pauses, is walked instruction by
instruction with the errors that Aer's ``NoiseModel.from_backend`` has for it; every measurement
branches, so that the law of whole spike trains is exact. Our law is that of a Population of
``isa(...)`` under ``NoiseModel.from_backend(...)``. Their total variation is compared with what
1e5 shots of the very same law would show by chance.
"""

import functools
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest

from lava_sqs.hardware import best_qubits, isa, on_backend
from lava_sqs.quantum import NoiseModel, Population, ansatz

pytest.importorskip("qiskit_aer", reason="the extra `hardware` is not installed")
pytest.importorskip("qiskit_ibm_runtime", reason="the extra `ibm` is not installed")

import qiskit_aer.noise as aer
from qiskit import QuantumCircuit
from qiskit.circuit import Reset
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SuperOp
from qiskit.transpiler import QubitProperties
from qiskit_ibm_runtime import fake_provider as fakes

from benchmarks.device_backends import rows

SHOTS, STEPS = 100_000, 5
NAMES = ("FakeBrisbane", "FakeTorino", "FakeMarrakesh", "FakeSherbrooke", "FakeJakartaV2")
CIRCUITS = {"paper": ansatz.paper(), "layered(1,2)": ansatz.layered(1, 2)}


@functools.cache
def backend(name):
    return getattr(fakes, name)()


def reduced(qc, chosen):
    """Return the instructions on some qubits of a circuit, on as many qubits."""
    small = QuantumCircuit(len(chosen), qc.num_clbits)
    for item in qc.data:
        places = [qc.find_bit(q).index for q in item.qubits]
        if item.operation.name != "barrier" and set(places) <= set(chosen):
            bits = [qc.find_bit(c).index for c in item.clbits]
            small.append(item.operation, [chosen.index(q) for q in places], bits)
    return small


@functools.cache
def model(name):
    return aer.NoiseModel.from_backend(backend(name))


def aers_law(name, qc, chosen):
    """Return the probability of every train under Aer's errors, the first bit most significant."""
    errors, target, n = model(name)._local_quantum_errors, backend(name).target, len(chosen)
    nothing = SuperOp(np.eye(4**n))
    channel, states = nothing, np.eye(1, 4**n)  # unnormalised memories, columns stacked
    for item in reduced(qc, chosen).data:
        op, where = item.operation, [q._index for q in item.qubits]
        physical = tuple(chosen[q] for q in where)
        if op.name == "measure":  # each branch goes on by itself
            states = states @ channel.data.T
            kept = [(states.reshape(-1, 2**n, 2**n) * mask(where[0], bit, n)) for bit in (0, 1)]
            states, channel = np.stack(kept, axis=1).reshape(-1, 4**n), nothing
        elif op.name == "delay":
            known = target.qubit_properties[physical[0]]
            seconds = op.duration * (target.dt if op.unit == "dt" else 1)
            t2 = min(known.t2, 2 * known.t1)
            error = aer.thermal_relaxation_error(known.t1, t2, seconds)
            channel = channel.compose(SuperOp(error), where)
        else:
            channel = channel.compose(SuperOp(Reset() if op.name == "reset" else op), where)
            error = errors.get(op.name, {}).get(physical)
            if error is not None:
                channel = channel.compose(SuperOp(error), where)
    true = states.reshape(-1, 2**n, 2**n).trace(axis1=1, axis2=2).real
    confusion = model(name)._local_readout_errors[chosen[:1]].probabilities.T
    return functools.reduce(np.kron, [confusion] * STEPS) @ true


def mask(qubit, bit, n):
    """Return which entries of a density matrix have a qubit, Qiskit's, in a state."""
    seen = (np.arange(2**n) >> qubit) & 1 == bit
    return np.outer(seen, seen)


def our_law(circuit, theta, currents, noise):
    trains = np.array(list(product((0, 1), repeat=STEPS)))
    population = Population(
        circuit, theta, size=1, batch=len(trains), noise=noise, backend="instrument"
    )
    z = np.broadcast_to(currents[:, None, None], (STEPS, len(trains), 1))
    return np.exp(population.run(z, trains.T[:, :, None]).log_likelihood.sum(axis=0)[:, 0])


def floor(law, rng):
    """Return the total variation that shots of the law itself have from it, on average."""
    draws = rng.multinomial(SHOTS, law / law.sum(), 200) / SHOTS
    return 0.5 * np.abs(draws - law).sum(axis=1).mean()


QUICK = [("FakeTorino", "paper"), ("FakeBrisbane", "paper")]
CASES = [
    pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
    for case in product(NAMES, CIRCUITS)
]


@pytest.mark.parametrize(("name", "circuit"), CASES)
def test_trains_have_the_law_of_aers_model(name, circuit):
    plain, device = CIRCUITS[circuit], backend(name)
    chosen = best_qubits(plain, device)
    native = isa(plain, device, chosen)
    noise = NoiseModel.from_backend(device, chosen, ansatz=plain)
    ratios, blind = [], []
    for i in range(3):
        rng = np.random.default_rng([18, i])
        theta = rng.uniform(-np.pi, np.pi, plain.n_params)
        currents = rng.uniform(0.1, 0.9, STEPS)
        qc = on_backend(plain, device, STEPS, chosen, theta=theta, currents=currents)
        theirs = aers_law(name, qc, chosen)
        ours = our_law(native, theta, currents, noise)
        chance = floor(theirs, rng)
        ratios.append(0.5 * np.abs(ours - theirs).sum() / chance)
        blind.append(0.5 * np.abs(our_law(plain, theta, currents, None) - theirs).sum() / chance)
    print(f"{name} {circuit} {chosen}: {np.round(ratios, 4)}, noiseless {np.round(blind, 1)}")
    assert max(ratios) < 0.5  # on top of chance, which is 1: at most 1.5 in all
    assert min(blind) > 2  # the noise is there to be seen


@pytest.mark.slow
def test_trains_of_a_fake_backend_are_within_twice_the_sampling_floor():
    for _, far, low, blind in rows("FakeJakartaV2", "paper", 5000):
        assert far < 2 * low
        assert far < blind


def without_reset():
    names = {"measure", "sx", "rz", "x", "cx"}
    return SimpleNamespace(operation_names=names, num_qubits=5)


def spoiled(spoil):
    """Return a backend of five qubits in a row after something was done to its target."""
    device = GenericBackendV2(5, coupling_map=[[0, 1], [1, 2], [2, 3], [3, 4]], seed=1)
    device.target.qubit_properties = [QubitProperties(t1=1e-4, t2=1e-4) for _ in range(5)]
    for q in range(5):  # older versions of Qiskit give it no duration
        device.target["reset"][q,].duration = 2e-6
    spoil(device.target)
    return device


def lifetime(name, value):
    def spoil(target):
        kept = {"t1": 1e-4, "t2": 1e-4}
        target.qubit_properties = [
            QubitProperties(**{**kept, **({name: value} if q == 1 else {})}) for q in range(5)
        ]

    return spoil


def error(gate, qubits, value):
    return lambda target: setattr(target[gate][qubits], "error", value)


TRAPS = {
    "no t1": (lifetime("t1", None), "qubit 1 has no t1"),
    "no t2": (lifetime("t2", None), "qubit 1 has no t2"),
    "broken pulse": (error("sx", (1,), 1.0), "sx on qubit 1 has the error 1: it is broken"),
    "broken pair": (error("cx", (0, 1), 1.0), r"cx on \(1, 0\) has the error 1: it is broken"),
    "no duration": (
        lambda target: setattr(target["reset"][1,], "duration", None),
        "qubit 1 has no reset with a duration",
    ),
    "readout": (error("measure", (1,), 0.57), "readout of qubit 1 has the error 0.57"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_qubits_that_do_not_work_are_refused_by_name_and_never_chosen(trap):
    spoil, message = TRAPS[trap]
    device = spoiled(spoil)
    with pytest.raises(ValueError, match=f"`qubits` must work.*{message}"):
        NoiseModel.from_backend(device, (1, 0), ansatz=ansatz.paper())
    with pytest.raises(ValueError, match=f"`qubits` must work.*{message}"):
        isa(ansatz.paper(), device, (1, 0))
    chosen = best_qubits(ansatz.paper(), device)
    assert set(chosen) != {0, 1} if trap == "broken pair" else chosen[0] != 1
    assert trap in ("readout", "broken pair") or 1 not in chosen


def test_a_coherence_that_outlives_its_limit_is_held_to_it():
    noise = NoiseModel.from_backend(spoiled(lifetime("t2", 5e-4)), (1, 0))
    assert noise.t2 == (2e-4, 1e-4)


def test_what_is_no_backend_or_cannot_reset_is_refused():
    with pytest.raises(TypeError, match="`backend` must be a Qiskit backend"):
        NoiseModel.from_backend("ibm_fez")
    with pytest.raises(ValueError, match="must have `reset`"):
        NoiseModel.from_backend(SimpleNamespace(target=without_reset(), name="old"))
    for qubits in ("worst", (0,), (0, 0), (0, 9), (0, 1, 2)):
        with pytest.raises(ValueError, match="`qubits`"):
            NoiseModel.from_backend(spoiled(lambda _: None), qubits, ansatz=ansatz.paper())
    with pytest.raises(ValueError, match=r"`qubits` must work, but .*qubits 0 and 2 have no cx"):
        isa(ansatz.paper(), spoiled(lambda _: None), (0, 2))
