"""One SQS neuron, written literally in QuTiP: slow, obvious, and the oracle of every test.

Nothing here shares code with the compiled form but the list of operations (``schedule.py``, which a
test compares with one written by hand) and the numbers of the noise model: errors are Kraus
operators, relaxation is one Lindblad propagator of the whole register.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance
from lava_sqs._lazy import qutip
from lava_sqs.quantum._room import check_literal
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.per_neuron import one_noise
from lava_sqs.quantum.schedule import Operation, Schedule

__all__ = ["ReferenceNeuron"]


class ReferenceNeuron:
    """One stochastic quantum spiking neuron: ``rho`` evolves gate by gate, as a QuTiP ``Qobj``.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (n_params,)
        Angles in radians.
    noise : NoiseModel, optional
        None is noiseless.

    Attributes
    ----------
    memory : Qobj
        Density matrix of the memory qubits, ``|0..0><0..0|`` at the start.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> neuron = ReferenceNeuron(ansatz.paper(), [0.0, 0.0, 0.0])
    >>> spike, p = neuron.step(1.0, u=0.5)
    >>> spike, p.round(6)
    ((1,), array([0., 1.]))
    """

    def __init__(self, ansatz: Ansatz, theta: Any, noise: NoiseModel | None = None) -> None:
        self.ansatz: Ansatz = check_instance("ansatz", ansatz, Ansatz)
        self.noise = one_noise("noise", noise, "This is one neuron: make one of each.")
        self.theta = ansatz.check_theta(theta)
        self.n_io, self.n = ansatz.io_qubits, ansatz.n_qubits
        self.outcomes: list[tuple[int, ...]] = list(
            product((0, 1), repeat=self.n_io)
        )  # channel 0 most significant
        self._schedule = Schedule.of(ansatz, noise)
        check_literal(ansatz, noise)
        before = self._schedule.before
        # By place, not by gate: the hash of a given unitary is that of all its numbers.
        self._unitaries = [op.gate and ansatz.operator(op.gate, self.theta) for op in before]
        idle = [qutip.qeye(2)] * ansatz.memory_qubits
        self._bras = [
            qutip.tensor([qutip.basis(2, s).dag() for s in true] + idle) for true in self.outcomes
        ]
        self._pauli_kraus: dict[tuple[float, tuple[int, ...]], list[qutip.Qobj]] = {}
        # Sparse: for matrices this small the threads of a dense product cost 20 times its work.
        self._channels = [
            (c.slot, c.superoperator.to("CSR"))
            for c in (noise.channels if noise else ())
            if c.outcome is None
        ]
        self.reset()

    def __repr__(self) -> str:
        return f"<ReferenceNeuron: {self.ansatz!r}, noise {self.noise}>"

    def reset(self) -> None:
        """Put the memory in ``|0..0>``."""
        zero = qutip.fock_dm(2, 0)
        self.memory = qutip.tensor([zero] * self.ansatz.memory_qubits)

    def step(
        self, z: Any, *, u: float | None = None, outcome: Any = None
    ) -> tuple[tuple[int, ...], NDArray[np.float64]]:
        """Make one time step.

        Parameters
        ----------
        z : float or array_like, shape (io_qubits,)
            Input currents.
        u : float, optional
            Uniform number in [0, 1): the outcome is the number of cumulative probabilities <= *u*.
        outcome : array_like of int, shape (io_qubits,), optional
            Clamps the measurement; then *u* is not used.

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
            # The minimum: probabilities that add up to 1 - 1e-16 leave room for a u above them all.
            index = min(int((np.cumsum(p) <= u).sum()), len(p) - 1)
        else:
            index = self.outcomes.index(tuple(int(s) for s in np.ravel(outcome)))
        floored = p[index] < 1e-12
        # An outcome that cannot be (it was clamped) tells nothing: the memory is the unconditional
        # one.
        kept = sum(branches) if floored else branches[index]
        self.memory = self.wait(kept / kept.tr())
        return self.outcomes[index], p

    def evolve(self, z: Any) -> qutip.Qobj:
        """Return the state of the full register just before the measurement.

        Parameters
        ----------
        z : float or array_like, shape (io_qubits,)
            Input currents.

        Returns
        -------
        Qobj
            Density matrix of io and memory qubits.
        """
        currents = np.ravel(z)
        rho = qutip.tensor([qutip.fock_dm(2, 0)] * self.n_io + [self.memory])
        for operation, unitary in zip(self._schedule.before, self._unitaries, strict=True):
            q = operation.qubits[0]
            if operation.driven and not currents[q] > 0:
                continue
            if operation.kind == "encode":
                rotation = qutip.gates.rx(np.pi * float(currents[q]))
                unitary = qutip.expand_operator(rotation, dims=[2] * self.n, targets=[q])
            rho = self._perform(operation, rho, unitary)
        return rho

    def _perform(self, operation: Operation, rho: qutip.Qobj, unitary: Any = None) -> qutip.Qobj:
        """Return the state of a register, which ends with the memory, after an operation."""
        qubits, p = operation.qubits, operation.strength
        if unitary is not None:
            if unitary.issuper:  # of a classical memory
                return _apply(unitary, rho)
            return unitary @ rho @ unitary.dag()
        if operation.kind == "reset":
            if p == 0:
                return rho
            flip = qutip.expand_operator(qutip.sigmax(), dims=[2] * self.n, targets=list(qubits))
            return (1 - p) * rho + p * (flip @ rho @ flip)
        if operation.kind == "depolarise":
            return self.pauli_error(rho, p, qubits)
        if operation.kind == "relax":
            first = self.n - len(rho.dims[0])
            return self.relax(rho, operation.duration, first, qubits)
        channels = self.noise.channels if self.noise else ()
        # Channels of gates and outcomes have no slot; they say where they act.
        if not operation.slot or any(
            c.qubits is not None and c.slot == operation.slot and c.outcome is None
            for c in channels
        ):
            first = self.n - len(rho.dims[0])
            places = {"dims": rho.dims[0], "targets": [q - first for q in qubits]}
            kraus = qutip.to_kraus(operation.superoperator)
            full = [qutip.expand_operator(k, **places) for k in kraus]
            return sum(k @ rho @ k.dag() for k in full)
        return self.user_channels(rho, operation.slot)

    def project(self, rho: qutip.Qobj, reported: tuple[int, ...]) -> qutip.Qobj:
        """Return the unnormalised memory after a report: its trace is the probability.

        Parameters
        ----------
        rho : Qobj
            State of the full register, as for :meth:`evolve`.
        reported : tuple of int
            One bit per io qubit.

        Returns
        -------
        Qobj
            On the memory qubits.
        """
        # 4. measure: the true bits s project, the reported bits are what is known of them
        total: Any = 0
        for true, bra in zip(self.outcomes, self._bras, strict=True):
            weight = 1.0
            for q in range(self.n_io):
                confusion = self.noise.readout(q) if self.noise else np.eye(2)
                weight *= confusion[reported[q], true[q]]
            total = total + weight * (bra @ rho @ bra.dag())
        return qutip.Qobj(total.full(), dims=self.memory.dims)

    def wait(self, memory: qutip.Qobj) -> qutip.Qobj:
        """Return the memory after the readout and idle time.

        Parameters
        ----------
        memory : Qobj
            Density matrix.

        Returns
        -------
        Qobj
            Density matrix.
        """
        for operation in self._schedule.after:
            memory = self._perform(operation, memory)
        return memory

    # -- channels on the register -------------------------------------------------------------

    def pauli_error(self, rho: qutip.Qobj, p: float, qubits: tuple[int, ...]) -> qutip.Qobj:
        """Apply with a given probability a Pauli other than the identity on some qubits, all alike.

        Parameters
        ----------
        rho : Qobj
            State of the full register.
        p : float
            Total probability.
        qubits : tuple of int
            Qubits on which the error acts.

        Returns
        -------
        Qobj
            State of the full register.
        """
        if p == 0:
            return rho
        if (p, qubits) not in self._pauli_kraus:
            weights = [1 - p] + [p / (4 ** len(qubits) - 1)] * (4 ** len(qubits) - 1)
            single = (qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz())
            self._pauli_kraus[p, qubits] = [
                np.sqrt(weight)
                * qutip.expand_operator(
                    qutip.tensor(paulis), dims=[2] * self.n, targets=list(qubits)
                )
                for weight, paulis in zip(weights, product(single, repeat=len(qubits)), strict=True)
            ]
        return sum(k @ rho @ k.dag() for k in self._pauli_kraus[p, qubits])

    def relax(
        self,
        rho: qutip.Qobj,
        duration: float,
        first: int = 0,
        qubits: tuple[int, ...] | None = None,
    ) -> qutip.Qobj:
        """Relax qubits together: one Lindblad propagator of the whole register.

        Parameters
        ----------
        rho : Qobj
            State of consecutive qubits.
        duration : float
            Time in seconds.
        first : int
            Index of the first of them in the register.
        qubits : tuple of int, optional
            Those that relax, as indices into the register; None is all of *rho*.

        Returns
        -------
        Qobj
            State of the same qubits.
        """
        if self.noise is None:
            return rho
        size = len(rho.dims[0])
        which = tuple(range(first, first + size)) if qubits is None else qubits
        return _apply(_relaxation(self.noise, which, first, size, duration), rho)

    def user_channels(self, rho: qutip.Qobj, slot: str) -> qutip.Qobj:
        """Apply the user's own channels of a slot, one after the other.

        Parameters
        ----------
        rho : Qobj
            State of what the slot acts on.
        slot : str
            One of ``SLOTS``.

        Returns
        -------
        Qobj
            State of the same qubits.
        """
        for where, superoperator in self._channels:
            if where == slot:
                others = len(rho.dims[0]) - len(superoperator.dims[0][0])
                if others:  # a channel of the memory, while io qubits are there
                    idle = qutip.to_super(qutip.qeye([2] * others))
                    superoperator = qutip.super_tensor(idle, superoperator)
                rho = _apply(superoperator, rho)
        return rho


@lru_cache(maxsize=64)
def _relaxation(
    noise: NoiseModel, qubits: tuple[int, ...], first: int, size: int, duration: float
) -> qutip.Qobj:
    """Return the Lindblad propagator of *qubits* on the *size* qubits first, first + 1, ..."""
    dims = [2] * size
    c_ops = [
        qutip.expand_operator(c, dims=dims, targets=[q - first])
        for q in qubits
        for c in noise.collapse_operators(q)
    ]
    generator = qutip.liouvillian(0 * qutip.qeye(dims), c_ops)
    return (generator * duration).expm().to("CSR")


def _apply(superoperator: qutip.Qobj, rho: qutip.Qobj) -> qutip.Qobj:
    return qutip.vector_to_operator(superoperator @ qutip.operator_to_vector(rho))
