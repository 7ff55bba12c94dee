"""The same neuron by other means: QuTiP with prebuilt operators, Aer, NumPy, the authors' layer.

Each is given its best case; whoever is noisy has the noise of `NOISE` in full.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import qutip

from lava_sqs.quantum import NoiseModel, ansatz
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.kernels.step import packed_shapes

NOISE = NoiseModel(
    t1=100e-6,
    t2=80e-6,
    p_depol_1q=5e-4,
    p_depol_2q=8e-3,
    p_read1_given0=0.01,
    p_read0_given1=0.02,
    p_reset=0.006,
)


def depolarizing(p: float, targets: tuple[int, ...], n: int) -> qutip.Qobj:
    letters = [qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()]
    result = (1 - p) * qutip.to_super(qutip.tensor([qutip.qeye(2)] * n))
    paulis = list(product(letters, repeat=len(targets)))[1:]
    for pauli in paulis:
        full = qutip.expand_operator(qutip.tensor(*pauli), dims=[2] * n, targets=list(targets))
        result += p / len(paulis) * qutip.to_super(full)
    return result


class PrebuiltNeuron:
    """One noisy neuron in QuTiP, everything that does not depend on the input built before.

    A step prepares the io qubit, applies one superoperator per outcome, draws, and normalises.
    """

    def __init__(self, circuit: Ansatz, theta: Any, noise: NoiseModel, seed: int) -> None:
        n, n_io = circuit.n_qubits, circuit.io_qubits
        assert n_io == 1
        self._noise, self._rng = noise, np.random.default_rng(seed)

        def relax(duration: float, qubits: range) -> qutip.Qobj:
            dims = [2] * len(qubits)
            c_ops = [
                qutip.expand_operator(c, dims=dims, targets=[i])
                for i, q in enumerate(qubits)
                for c in noise.collapse_operators(q)
            ]
            zero = 0 * qutip.tensor([qutip.qeye(2)] * len(qubits))
            return (qutip.liouvillian(zero, c_ops) * duration).expm()

        register = range(n)
        total = relax(noise.gate_time_1q, register)
        for layer in circuit.moments:
            for gate in layer:
                total = qutip.to_super(circuit.operator(gate, theta)) @ total
                total = depolarizing(noise.gate_error(gate.qubits), gate.qubits, n) @ total
            duration = max(noise.gate_time(g.name, g.qubits) for g in layer)
            total = relax(duration, register) @ total
        wait = relax(noise.readout_time + noise.idle_time, range(1, n))
        identity = [qutip.qeye(2)] * circuit.memory_qubits
        identity_dims = [2] * circuit.memory_qubits
        true = []
        for s in (0, 1):
            bra = qutip.tensor([qutip.basis(2, s).dag(), *identity])
            bra = qutip.Qobj(bra.full(), dims=[identity_dims, [2] * n])
            true.append(wait @ qutip.sprepost(bra, bra.dag()) @ total)
        confusion = noise.readout(0)
        self._branches = [confusion[r, 0] * true[0] + confusion[r, 1] * true[1] for r in (0, 1)]
        p = noise.value("p_reset", 0)
        self._prepared = (1 - p) * qutip.fock_dm(2, 0) + p * qutip.fock_dm(2, 1)
        self._error = depolarizing(noise.value("p_depol_1q", 0), (0,), 1)
        self.memory = qutip.tensor([qutip.fock_dm(2, 0)] * circuit.memory_qubits)

    def step(self, z: float) -> tuple[int, float]:
        """Return the spike and the probability that it had been one."""
        io = self._prepared
        if z > 0:
            gate = qutip.gates.rx(np.pi * z)
            io = gate @ io @ gate.dag()
            io = qutip.vector_to_operator(self._error @ qutip.operator_to_vector(io))
        vector = qutip.operator_to_vector(qutip.tensor(io, self.memory))
        after = [qutip.vector_to_operator(b @ vector) for b in self._branches]
        p = [a.tr().real for a in after]
        s = int(p[0] <= self._rng.random())
        self.memory = after[s] / p[s]
        return s, p[1]


def aer_shot(
    circuit: Ansatz,
    theta: Any,
    noise: NoiseModel,
    steps: int,
    method: str = "statevector",
    fusion: bool = False,
) -> Callable[[], Any]:
    """Return a call that runs one shot of *steps* time steps in Aer, the circuit built before.

    State vectors and noise drawn at random: for one shot the fastest of Aer's methods.
    """
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SuperOp
    from qiskit_aer import AerSimulator
    from qiskit_aer import noise as aer

    n = circuit.n_qubits

    def channel(superoperator: qutip.Qobj) -> Any:
        return SuperOp(superoperator.full()).to_instruction()

    one = channel(depolarizing(noise.value("p_depol_1q", 0), (0,), 1))
    two = channel(depolarizing(float(noise.p_depol_2q), (0, 1), 2))
    flip = aer.pauli_error([("X", noise.value("p_reset", 0)), ("I", 1 - noise.value("p_reset", 0))])

    def relax(qc: Any, qubits: range, duration: float) -> None:
        for q in qubits:
            superoperator = noise.relaxation(q, duration)
            if superoperator is not None:
                qc.append(channel(superoperator), [q])

    qc = QuantumCircuit(n, steps)
    for t in range(steps):
        qc.reset(0)
        qc.append(flip.to_instruction(), [0])
        qc.rx(np.pi * 0.4, 0)
        qc.append(one, [0])
        relax(qc, range(n), noise.gate_time_1q)
        for layer in circuit.moments:
            for gate in layer:
                matrix = gate.operator(theta[gate.param]).full()
                qc.unitary(matrix, gate.qubits[::-1])  # Qiskit: the first qubit least significant
                qc.append(one if len(gate.qubits) == 1 else two, gate.qubits)
            relax(qc, range(n), max(noise.gate_time(g.name, g.qubits) for g in layer))
        qc.measure(0, t)
        relax(qc, range(1, n), noise.readout_time)
    model = aer.NoiseModel()
    p10, p01 = noise.readout(0)[1, 0], noise.readout(0)[0, 1]
    model.add_all_qubit_readout_error(aer.ReadoutError([[1 - p10, p10], [p01, 1 - p01]]))
    backend = AerSimulator(
        method=method, noise_model=model, max_parallel_threads=1, fusion_enable=fusion
    )
    return lambda: backend.run(qc, shots=1).result()


class DensityMatrices:
    """K noisy neurons in NumPy: density matrices (K, 2**n, 2**n), gate by gate, no compiling."""

    def __init__(self, circuit: Ansatz, theta: Any, noise: NoiseModel, seed: int) -> None:
        self._circuit, self._noise = circuit, noise
        self._rng = np.random.default_rng(seed)
        self._n, self._k = circuit.n_qubits, len(theta)
        self._gates = [
            [
                (g.qubits, np.array([g.operator(float(a)).full() for a in theta[:, g.param]]))
                for g in layer
            ]
            for layer in circuit.moments
        ]
        d = 2**circuit.memory_qubits
        self.memory = np.zeros((self._k, d, d), dtype=complex)
        self.memory[:, 0, 0] = 1

    def _local(self, rho: Any, qubits: tuple[int, ...]) -> tuple[Any, list[int]]:
        """Move the axes of *qubits* to the front: (K, d, d, rest, rest)."""
        n, q = self._n, [*qubits, *(i for i in range(self._n) if i not in qubits)]
        order = [0, *(1 + i for i in q), *(1 + n + i for i in q)]
        d, rest = 2 ** len(qubits), 2 ** (n - len(qubits))
        moved = rho.reshape((self._k, *[2] * (2 * n))).transpose(order)
        return moved.reshape(self._k, d, rest, d, rest), order

    def _back(self, local: Any, order: list[int]) -> Any:
        moved = local.reshape((self._k, *[2] * (2 * self._n)))
        return moved.transpose(np.argsort(order)).reshape(self._k, 2**self._n, 2**self._n)

    def _unitary(self, rho: Any, qubits: tuple[int, ...], u: Any) -> Any:
        local, order = self._local(rho, qubits)
        d, rest = local.shape[1], local.shape[2]
        left = (u @ local.reshape(self._k, d, -1)).reshape(self._k, d * rest, d, rest)
        right = u.conj()[:, None] @ left
        return self._back(right, order)

    def _depolarize(self, rho: Any, qubits: tuple[int, ...], p: float) -> Any:
        local, order = self._local(rho, qubits)
        d = local.shape[1]
        weight = p * d**2 / (d**2 - 1)
        mixed = (
            np.einsum("kiaib->kab", local)[:, None, :, None, :] * np.eye(d)[None, :, None, :, None]
        )
        return self._back((1 - weight) * local + weight / d * mixed, order)

    def _relax(self, rho: Any, qubit: int, at: int, duration: float, n: int) -> Any:
        t1, t2 = self._noise.value("t1", qubit), self._noise.value("t2", qubit)
        lost, coherence = -np.expm1(-duration / t1), np.exp(-duration / t2)
        a, b = 2**at, 2 ** (n - at - 1)
        out = rho.reshape(self._k, a, 2, b, a, 2, b).copy()
        out[:, :, 0, :, :, 0, :] += lost * out[:, :, 1, :, :, 1, :]
        out[:, :, 1, :, :, 1, :] *= 1 - lost
        out[:, :, 0, :, :, 1, :] *= coherence
        out[:, :, 1, :, :, 0, :] *= coherence
        return out.reshape(rho.shape)

    def step(self, z: Any) -> tuple[Any, Any]:
        """Return spikes and the probabilities that they had been, for currents (K,)."""
        noise, n = self._noise, self._n
        half = np.pi * np.maximum(z, 0) / 2
        up, p = np.array([np.cos(half), -1j * np.sin(half)]), noise.value("p_reset", 0)
        io = np.einsum("ik,jk->kij", up, up.conj())
        io = (1 - p) * io + p * io[:, ::-1, ::-1]
        shrink = np.where(z > 0, 4 * noise.value("p_depol_1q", 0) / 3, 0)[:, None, None]
        io = (1 - shrink) * io + shrink * np.eye(2) / 2
        rho = np.einsum("kij,kab->kiajb", io, self.memory).reshape(self._k, 2**n, 2**n)
        for q in range(n):
            rho = self._relax(rho, q, q, noise.gate_time_1q, n)
        for layer, gates in zip(self._circuit.moments, self._gates, strict=True):
            for qubits, u in gates:
                rho = self._unitary(rho, qubits, u)
                rho = self._depolarize(rho, qubits, noise.gate_error(qubits))
            duration = max(noise.gate_time(g.name, g.qubits) for g in layer)
            for q in range(n):
                rho = self._relax(rho, q, q, duration, n)
        d = 2 ** (n - 1)
        blocks = np.stack([rho[:, :d, :d], rho[:, d:, d:]])
        reported = np.tensordot(noise.readout(0), blocks, axes=1)
        p_all = np.einsum("skii->sk", reported).real
        spikes = (p_all[0] <= self._rng.random(self._k)).astype(int)
        chosen = reported[spikes, np.arange(self._k)]
        memory = chosen / p_all[spikes, np.arange(self._k)][:, None, None]
        for q in range(1, n):
            memory = self._relax(memory, q, q - 1, noise.readout_time + noise.idle_time, n - 1)
        self.memory = memory
        return spikes, p_all[1]


def authors_layer(path: Path, k: int) -> Callable[[], Any]:
    """Return one noiseless step of K neurons of the paper's own code, from a clone at *path*."""
    import torch

    spec = importlib.util.spec_from_file_location("authors_sqs", path / "SQS.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.set_num_threads(1)
    layer = module.QuantumSpikingLayer(k)
    x = torch.rand((1, k), dtype=torch.float64)

    def step() -> Any:
        with torch.no_grad():
            return layer(x)

    return step


def check() -> None:
    """Raise unless QuTiP and NumPy give the probabilities that the compiled neurons give."""
    from lava_sqs.quantum import Population

    circuit = ansatz.layered(1, 2)
    theta = np.random.default_rng(0).uniform(-np.pi, np.pi, (3, circuit.n_params))
    dense = DensityMatrices(circuit, theta, NOISE, seed=1)
    pop = Population(circuit, theta, noise=NOISE)
    literal = PrebuiltNeuron(circuit, theta[0], NOISE, seed=1)
    same = Population(circuit, theta[:1], noise=NOISE)
    for z in np.linspace(-0.2, 0.9, 12):
        spikes, p = dense.step(np.full(3, z))
        pop.step(np.full(3, z), spikes)
        np.testing.assert_allclose(p, pop.p_spike, atol=1e-10)
        s, p_one = literal.step(z)
        same.step([z], [s])
        np.testing.assert_allclose(p_one, same.p_spike[0], atol=1e-10)


def bytes_per_step(circuit: Ansatz, dtype: np.dtype[Any]) -> float:
    """Return the bytes that a neuron-step must move, if nothing stays in a cache.

    Read: the effects, one block (both at one io and one memory qubit), the memory, a current and a
    uniform number per neuron (channel); written: memory, spikes (int32), probabilities of spiking
    and of the outcome.
    """
    memory = 4**circuit.memory_qubits
    shape = (2**circuit.io_qubits, memory, 3**circuit.io_qubits, memory)
    (effects, row), (_, _, width) = packed_shapes(shape)
    numbers = effects * row + row * width + 2 * memory
    return float(numbers * dtype.itemsize + circuit.io_qubits * (8 + 4 + 8) + 8 + 8)
