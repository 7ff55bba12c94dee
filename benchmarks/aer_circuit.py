r"""A neuron under a NoiseModel as a circuit of Qiskit Aer in which each channel is an instruction.

It is written from docs/noise.md and shares no line with the schedule, the compiler or the engines.
The true outcome of a step goes to bits of its own, since channels may depend on it; errors of
readout are Aer's, on copies of the io qubits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import qiskit_aer.noise as aer
import qutip
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Instruction, Parameter
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Kraus

from lava_sqs.quantum import NoiseModel

GATES = {name.upper(): gate for name, gate in get_standard_gate_name_mapping().items()}


def at(value: Any, q: int) -> Any:
    """Return what a field says of a qubit."""
    return value[q] if isinstance(value, tuple) else value


class Builder:
    """The circuit of a neuron under noise; *wrong* names a convention that is not ours."""

    def __init__(
        self, circuit: Any, noise: NoiseModel, theta: Any, currents: Any, wrong: str = ""
    ) -> None:
        self.noise, self.theta, self.wrong = noise, theta, wrong
        self.bound = not isinstance(theta[0], Parameter)
        io, n, steps = circuit.io_qubits, circuit.n_qubits, len(currents)
        self.io, self.every, self.memory = range(io), range(n), range(io, n)
        self.said, self.true = ClassicalRegister(steps * io, "c"), ClassicalRegister(io, "true")
        self.qc = QuantumCircuit(QuantumRegister(n + io), self.said, self.true)
        for t, row in enumerate(currents):
            self.step(circuit, row, t)

    # -- what acts ----------------------------------------------------------------------------

    def add(self, kraus: Any, qubits: Sequence[int]) -> None:
        self.qc.append(Kraus(kraus).to_instruction(), list(qubits))

    def channel(self, channel: Any, qubits: Sequence[int]) -> None:
        """Append a channel of QuTiP's; its first qubit is Qiskit's last."""
        kraus = [k.full() for k in qutip.to_kraus(channel.superoperator)]
        self.add(kraus, qubits if self.wrong == "first qubit last" else list(qubits)[::-1])

    def controlled(self, channel: Any, qubits: Sequence[int], value: int) -> None:
        """Append a channel that acts if the io qubits, the first the least, were *value*."""
        kraus = [k.full() for k in qutip.to_kraus(channel.superoperator)]
        seen = np.diag((np.arange(2 ** len(self.io)) == value).astype(float))
        every = [np.kron(k, seen) for k in kraus]
        every.append(np.kron(np.eye(len(kraus[0])), np.eye(len(seen)) - seen))
        self.add(every, [*self.io, *list(qubits)[::-1]])

    def depolarise(self, p: float, qubits: Sequence[int]) -> None:
        if p:
            d = 4 ** len(qubits)
            share = p if self.wrong == "Aer's lambda for p" else p * d / (d - 1)
            self.add(aer.depolarizing_error(share, len(qubits)), qubits)

    def relax(self, qubits: Sequence[int], duration: float) -> None:
        for q in qubits:
            own = self.every[-1] - q if self.wrong == "qubits swapped" else q
            t1, t2 = at(self.noise.t1, own), at(self.noise.t2, own)
            t2 = t1 if self.wrong == "t1 for t2" else t2
            n = at(self.noise.thermal_population, own)
            n = 0.0 if self.wrong == "relaxation to 0" else n
            if duration and np.isfinite(t1):
                error = aer.thermal_relaxation_error(t1, t2, duration, excited_state_population=n)
                self.add(error, [q])

    def couple(self, duration: float) -> None:
        """Append ZZ couplings: H = 2 pi rate / 4 ZZ, and RZZ(a) = exp(-i a ZZ / 2)."""
        factor = {"sign of ZZ": -1, "H = 2 pi rate / 2 ZZ": 2}.get(self.wrong, 1)
        for a, b, rate in self.noise.zz if duration else ():
            self.qc.rzz(factor * np.pi * rate * duration, a, b)

    def users(self, slot: str, qubits: Sequence[int]) -> None:
        if self.wrong == "slots swapped" and slot.startswith("after"):
            slot = {"after_encode": "after_circuit"}.get(slot, "after_encode")
        for c in self.noise.channels:
            if c.slot == slot and c.outcome is None:
                self.channel(c, qubits if c.qubits is None else [qubits[q] for q in c.qubits])

    def entry(self, name: str, qubits: tuple[int, ...]) -> list[Any]:
        """Return error, duration, over-rotation, channel and whether it relaxes, of a gate."""
        noise, one = self.noise, len(qubits) == 1
        error = at(noise.p_depol_1q, qubits[0]) if one else noise.p_depol_2q
        found = [error, noise.gate_time_1q if one else noise.gate_time_2q, 0.0, None, True]
        asked = qubits[::-1] if self.wrong == "gates' qubits reversed" else qubits
        for named, where in product(
            ("RX", "ENCODE") if name == "ENCODE" else (name,), (None, asked)
        ):
            for e in noise.gates:
                if e.name == named and e.qubits == where:
                    found[0] = found[0] if e.error is None else e.error
                    found[1] = found[1] if e.duration is None else e.duration
                    found[2:] = e.over_rotation, e.channel, e.relaxes
        return found

    # -- a step -------------------------------------------------------------------------------

    def step(self, circuit: Any, row: Any, t: int) -> None:
        noise, wrong = self.noise, self.wrong
        for q in self.io:
            self.qc.reset(q)
        if wrong != "nothing waits for the reset":
            self.relax(self.memory, noise.reset_time)
        if wrong != "no ZZ in the reset":
            self.couple(noise.reset_time)  # io qubits are in |0>
        for q in self.io:
            p = at(noise.p_reset, q)
            if p and wrong != "no error of the reset":
                self.add(aer.pauli_error([("X", p), ("I", 1 - p)]), [q])
        self.encode(row)
        self.users("after_encode", self.every)
        for layer in layers(circuit.gates):
            self.layer(layer)
        self.users("after_circuit", self.every)
        self.measure(t)
        wait = noise.readout_time + noise.idle_time
        self.couple(0 if wrong == "no ZZ in the wait" else wait)
        self.relax(self.memory, 0 if wrong == "nothing waits for the readout" else wait)
        self.users("readout", self.memory)

    def encode(self, row: Any) -> None:
        each = {q: self.entry("ENCODE", (q,)) for q in self.io}
        for q in self.io:
            if isinstance(row[q], Parameter) or row[q] > 0:
                self.qc.rx(np.pi * row[q], q)
                if self.wrong != "no error of the encoding":
                    self.depolarise(each[q][0], [q])
        for q in self.io:
            if each[q][3] is not None:
                self.channel(each[q][3], [q])
        lasts = max(e[1] for e in each.values())
        self.relax([q for q in self.every if q not in each or each[q][4]], lasts)
        self.couple(lasts)

    def layer(self, gates: list[Any]) -> None:
        known = [self.entry(g.name, g.qubits) for g in gates]
        late = self.wrong != "channel before its gate"
        for first in (True, False):
            for g, k in zip(gates, known, strict=True):
                if first is late:
                    self.gate(g, k[2])
                else:
                    self.depolarise(k[0], g.qubits)
                    if k[3] is not None:
                        self.channel(k[3], g.qubits)
        longest = max(k[1] for k in known)
        own = {q: k for g, k in zip(gates, known, strict=True) for q in g.qubits}
        for q in self.every:
            if q not in own or own[q][4]:
                alone = self.wrong == "each qubit relaxes for its own gates"
                self.relax([q], (own[q][1] if q in own else 0.0) if alone else longest)
        self.couple(longest)

    def gate(self, gate: Any, share: float) -> None:
        qc, plain, qubits = self.qc, GATES[gate.name], list(gate.qubits)
        if not plain.params:
            exact = not share or self.wrong == "fixed gates are exact"
            qc.append(plain if exact else plain.power(1 + share), qubits)
            return
        angle = gate.angle
        if gate.param is not None:
            angle = gate.scale * self.theta[gate.param] + gate.offset
        radians = self.wrong == "over-rotation in radians"
        angle = angle + share if radians else angle * (1 + share)
        if gate.name != "CRX":
            qc.append(type(plain)(angle), qubits)
            return
        control, target = qubits  # Aer has no CRX
        qc.h(target)
        qc.rz(angle / 2, target)
        qc.cx(control, target)
        qc.rz(-angle / 2, target)
        qc.cx(control, target)
        qc.h(target)

    def measure(self, t: int) -> None:
        qc, io, wrong = self.qc, len(self.io), self.wrong
        copies = [len(self.every) + q for q in self.io]
        bits = [self.said[t * io + q] for q in self.io]
        qc.measure(list(self.io), self.true)
        for q, copy in zip(self.io, copies, strict=True):
            qc.reset(copy)
            qc.cx(q, copy)
        qc.append(Instruction("measure", io, io, []), copies, bits)  # one, for errors together
        for c in self.noise.channels:
            if c.outcome is None:
                continue
            own = self.memory if c.qubits is None else [self.memory[q] for q in c.qubits]
            bit = c.outcome[::-1] if wrong == "first bit last" else c.outcome
            value = sum(b << i for i, b in enumerate(bit))
            value = 2**io - 1 - value if wrong == "the other outcome" else value
            if self.bound:
                seen = (bits[0], value) if wrong == "the reported outcome" else (self.true, value)
                with qc.if_test(seen):
                    self.channel(c, own)
            else:  # Aer loses its way between branches where parameters are bound late
                self.controlled(c, own, value)


def layers(gates: Any) -> list[list[Any]]:
    """Pack gates into layers, each as early as its qubits allow."""
    found: list[list[Any]] = []
    free: dict[int, int] = {}
    for gate in gates:
        place = max(free.get(q, 0) for q in gate.qubits)
        found += [[]] * 0 if place < len(found) else [[]]
        found[place].append(gate)
        free.update(dict.fromkeys(gate.qubits, place + 1))
    return found


def readout(circuit: Any, noise: NoiseModel, wrong: str = "") -> Any:
    """Return Aer's noise model of the copies: nothing but errors of readout."""
    io, n = circuit.io_qubits, circuit.n_qubits
    if not (noise.readout_matrix or noise.p_read1_given0 or noise.p_read0_given1):
        return None
    if noise.readout_matrix:
        given = np.array(noise.readout_matrix)  # [reported, true], channel 0 most significant
        if wrong != "first channel least":
            order = [int(f"{k:0{io}b}"[::-1], 2) for k in range(2**io)]
            given = given[np.ix_(order, order)]
        if wrong == "matrix transposed":
            given = given.T / given.sum(axis=1)
    else:
        given = np.ones((1, 1))
        for q in range(io):  # Qiskit's first qubit is the least
            p10, p01 = at(noise.p_read1_given0, q), at(noise.p_read0_given1, q)
            p10, p01 = (p01, p10) if wrong == "sides of readout swapped" else (p10, p01)
            given = np.kron([[1 - p10, p01], [p10, 1 - p01]], given)
    model = aer.NoiseModel()
    model.add_readout_error(aer.ReadoutError(given.T), list(range(n, n + io)))
    return model
