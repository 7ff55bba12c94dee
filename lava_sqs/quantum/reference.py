"""One SQS neuron, written literally in QuTiP: slow, obvious, and the oracle of every test.

Nothing here shares code with the compiled form but the circuit's and the noise model's own
definitions. It is meant to be checked by eye against the six lines of its definition (docs,
"One time step").
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import qutip
from numpy.typing import NDArray

from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoiseModel, depolarizing

__all__ = ["ReferenceNeuron"]


class ReferenceNeuron:
    """One stochastic quantum spiking neuron: ``rho`` evolves gate by gate, as a QuTiP ``Qobj``.

    Parameters
    ----------
    ansatz : Ansatz
    theta : array_like, shape (n_params,)
    noise : NoiseModel, optional

    Attributes
    ----------
    memory : Qobj
        Density matrix of the memory qubits, ``|0..0><0..0|`` at the start.
    """

    def __init__(self, ansatz: Ansatz, theta: Any, noise: NoiseModel | None = None) -> None:
        self.ansatz, self.noise = ansatz, noise
        self.theta = ansatz.check_theta(theta)
        self.n_io, self.n = ansatz.io_qubits, ansatz.n_qubits
        self.outcomes = list(product((0, 1), repeat=self.n_io))  # channel 0 most significant
        self._gates = [
            [(gate, ansatz.operator(gate, self.theta)) for gate in layer]
            for layer in ansatz.moments
        ]
        self._relaxations: dict[tuple[float, int], list[qutip.Qobj]] = {}
        self.reset()

    def reset(self) -> None:
        """Put the memory in ``|0..0>``."""
        zero = qutip.fock_dm(2, 0)
        self.memory = qutip.tensor([zero] * self.ansatz.memory_qubits)

    def step(
        self, z: Any, *, u: float | None = None, outcome: Any = None
    ) -> tuple[tuple[int, ...], NDArray[np.float64]]:
        """Make one time step with the input currents *z* (one per io qubit).

        The outcome is *outcome* if given, else the number of cumulative probabilities <= *u*.

        Returns
        -------
        outcome : tuple of int
            The reported bits, channel 0 first.
        p : ndarray, shape (2**io_qubits,)
            The probability that each outcome had.
        """
        rho = self.evolve(z)
        branches = [self.project(rho, reported) for reported in self.outcomes]
        p = np.array([branch.tr().real for branch in branches])
        if outcome is None:
            index = min(int((np.cumsum(p) <= u).sum()), len(p) - 1)
        else:
            index = self.outcomes.index(tuple(int(s) for s in np.ravel(outcome)))
        floored = p[index] < 1e-12
        kept = sum(branches) if floored else branches[index]
        self.memory = self.wait(kept / kept.tr())
        return self.outcomes[index], p

    def evolve(self, z: Any) -> qutip.Qobj:
        """Return the state of the full register just before the measurement."""
        noise = self.noise
        zero, one = qutip.fock_dm(2, 0), qutip.fock_dm(2, 1)
        # 1. prepare
        p_reset = [noise.value("p_reset", q) if noise else 0.0 for q in range(self.n_io)]
        rho = qutip.tensor([(1 - p) * zero + p * one for p in p_reset] + [self.memory])
        # 2. encode
        for q, current in enumerate(np.ravel(z)):
            if current > 0:
                rho = self.on(qutip.gates.rx(np.pi * current), [q], rho)
                if noise:
                    rho = self.on(depolarizing(noise.value("p_depol_1q", q), 1), [q], rho)
        if noise:
            rho = self.relax(rho, noise.gate_time_1q)
            rho = self.slot("after_encode", rho)
        # 3. circuit
        for layer in self._gates:
            for _, unitary in layer:
                rho = unitary @ rho @ unitary.dag()
            if noise:
                for gate, _ in layer:
                    p = noise.gate_error(gate.qubits)
                    if gate.name != "U" and p > 0:
                        rho = self.on(depolarizing(p, len(gate.qubits)), gate.qubits, rho)
                rho = self.relax(rho, max(noise.gate_time(g.name, g.qubits) for g, _ in layer))
        return self.slot("after_circuit", rho) if noise else rho

    def project(self, rho: qutip.Qobj, reported: tuple[int, ...]) -> qutip.Qobj:
        """Return the unnormalised memory after *reported*: its trace is the probability."""
        # 4. measure: the true bits s project, the reported bits are what is known of them
        total = 0
        for true in self.outcomes:
            weight = 1.0
            for q in range(self.n_io):
                confusion = self.noise.readout(q) if self.noise else np.eye(2)
                weight *= confusion[reported[q], true[q]]
            bra = qutip.tensor([qutip.basis(2, s).dag() for s in true] + self._identity)
            total = total + weight * (bra @ rho @ bra.dag())
        return qutip.Qobj(total.full(), dims=self.memory.dims)

    def wait(self, memory: qutip.Qobj) -> qutip.Qobj:
        """Return the memory after the readout and idle time."""
        if self.noise:
            memory = self.relax(
                memory, self.noise.readout_time + self.noise.idle_time, first=self.n_io
            )
            memory = self.slot("readout", memory)
        return memory

    # -- channels on the register -------------------------------------------------------------

    @property
    def _identity(self) -> list[qutip.Qobj]:
        return [qutip.qeye(2)] * self.ansatz.memory_qubits

    def on(self, channel: qutip.Qobj, qubits: Any, rho: qutip.Qobj) -> qutip.Qobj:
        """Apply an operator or a superoperator on some *qubits* through its Kraus operators."""
        kraus = [channel] if channel.isoper else qutip.to_kraus(channel)
        dims, targets = [2] * self.n, list(qubits)
        full = [qutip.expand_operator(k, dims=dims, targets=targets) for k in kraus]
        return sum(k @ rho @ k.dag() for k in full)

    def relax(self, rho: qutip.Qobj, duration: float, first: int = 0) -> qutip.Qobj:
        """Relax every qubit of *rho* together: one Lindblad propagator of the whole register."""
        size = len(rho.dims[0])
        if (duration, first) not in self._relaxations:
            c_ops = [
                qutip.expand_operator(c, dims=[2] * size, targets=[q])
                for q in range(size)
                for c in self.noise.collapse_operators(first + q)
            ]
            generator = qutip.liouvillian(0 * qutip.tensor([qutip.qeye(2)] * size), c_ops)
            self._relaxations[duration, first] = [(generator * duration).expm()]
        (propagator,) = self._relaxations[duration, first]
        return qutip.vector_to_operator(propagator @ qutip.operator_to_vector(rho))

    def slot(self, name: str, rho: qutip.Qobj) -> qutip.Qobj:
        """Apply the user's own channel of a slot, if there is one."""
        assert self.noise is not None
        channel = self.noise.slot(name, self.n_io, self.ansatz.memory_qubits)
        if channel is None:
            return rho
        return qutip.vector_to_operator(channel @ qutip.operator_to_vector(rho))
