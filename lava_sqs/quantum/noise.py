"""Noise of one time step: every convention in one place.

Slots of a step, in order: reset error -> encode -> circuit layers -> measurement with readout
error -> memory waits. Within a layer: the unitaries, then each gate's depolarising, then
relaxation of every qubit for the duration of the layer's longest gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import qutip
from numpy.typing import NDArray

__all__ = ["NoiseModel", "depolarizing"]


def depolarizing(p: float, n_qubits: int) -> qutip.Qobj:
    """Return the channel that applies a uniformly random non-identity Pauli with probability *p*.

    ``rho -> (1 - p) rho + p / (4**n - 1) * sum_{P != I} P rho P``; fully mixing at
    ``p = 1 - 4**-n``.
    """
    paulis = [qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()]
    single = sum(qutip.to_super(a) for a in paulis)
    if n_qubits == 1:
        every, identity = single, qutip.to_super(paulis[0])
    else:
        pairs = [qutip.tensor(a, b) for a in paulis for b in paulis]
        every = sum(qutip.to_super(a) for a in pairs)
        identity = qutip.to_super(pairs[0])
    weight = p / (4**n_qubits - 1)
    return (1 - p - weight) * identity + weight * every


@dataclass(frozen=True)
class NoiseModel:
    """Noise of a neuron. Times in seconds, probabilities in [0, 1]."""

    t1: Any = np.inf
    t2: Any = np.inf
    gate_time_1q: float = 50e-9
    gate_time_2q: float = 300e-9
    readout_time: float = 1e-6
    idle_time: float = 0.0
    p_depol_1q: Any = 0.0
    p_depol_2q: float = 0.0
    p_read1_given0: Any = 0.0
    p_read0_given1: Any = 0.0
    p_reset: Any = 0.0
    thermal_population: Any = 0.0

    # What the physics asks of a noise model: one method per slot, for one qubit at a time.

    def value(self, name: str, qubit: int) -> float:
        """Return the field *name* for *qubit* (scalars hold for every qubit)."""
        field = getattr(self, name)
        return float(field[qubit] if isinstance(field, tuple) else field)

    def collapse_operators(self, qubit: int) -> list[qutip.Qobj]:
        """Return the one-qubit collapse operators of relaxation: down, up, dephasing.

        Rates ``(1 - n)/T1``, ``n/T1`` and ``1/T_phi = 1/T2 - 1/(2 T1)`` (entering as
        ``sqrt(1/(2 T_phi)) Z``).
        """
        t1, t2, n = (self.value(k, qubit) for k in ("t1", "t2", "thermal_population"))
        rate_phi = 1 / t2 - 1 / (2 * t1)
        rates = ((1 - n) / t1, n / t1, max(rate_phi, 0.0) / 2)
        # QuTiP: |0> is the ground state here, so decay is |0><1|.
        lower = qutip.basis(2, 0) @ qutip.basis(2, 1).dag()
        operators = (lower, lower.dag(), qutip.sigmaz())
        return [np.sqrt(r) * op for r, op in zip(rates, operators, strict=True) if r > 0]

    def relaxation(self, qubit: int, duration: float) -> qutip.Qobj | None:
        """Return the exact Lindblad propagator of one qubit for *duration*; None if trivial."""
        c_ops = self.collapse_operators(qubit)
        if not c_ops or duration == 0:
            return None
        return (qutip.liouvillian(0 * qutip.qeye(2), c_ops) * duration).expm()

    def gate_error(self, qubits: tuple[int, ...]) -> float:
        """Return the depolarising probability of a gate on *qubits*."""
        if len(qubits) == 1:
            return self.value("p_depol_1q", qubits[0])
        return float(self.p_depol_2q) if len(qubits) == 2 else 0.0

    def gate_time(self, name: str, qubits: tuple[int, ...]) -> float:
        """Return the duration of a gate; a circuit given as one unitary (``U``) counts as 2q."""
        return self.gate_time_1q if len(qubits) == 1 and name != "U" else self.gate_time_2q

    def readout(self, qubit: int) -> NDArray[np.float64]:
        """Return ``P[reported, true]`` of one qubit."""
        p10, p01 = self.value("p_read1_given0", qubit), self.value("p_read0_given1", qubit)
        return np.array([[1 - p10, p01], [p10, 1 - p01]])

    def slot(self, name: str, io_qubits: int, memory_qubits: int) -> qutip.Qobj | None:
        """Return the user's superoperator of a slot, or None.

        ``after_encode`` and ``after_circuit`` act on the full register, ``readout`` on the memory.
        """
        return None
