r"""The operations of one time step in their order: written here, read everywhere.

The literal neuron, the compiler of instruments, the trajectories and the picture of a step each
interpret this list in their own way; none of them knows an order of its own. In words:

1. *prepare*: each io qubit is reset to ``|0>``, with ``p_reset`` to ``|1>``;
2. *encode*: RX(pi z) where z > 0, then its depolarising; every qubit relaxes for ``gate_time_1q``
   (also where z <= 0); then the user's channels ``after_encode``;
3. *circuit*, layer by layer: the unitaries, then each gate's depolarising, then relaxation of
   every qubit for the duration of the layer's longest gate; at the end ``after_circuit``;
4. *measure*: one true outcome, reported with readout error;
5. *wait*: the memory relaxes for ``readout_time + idle_time``; then the channels ``readout``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lava_sqs._lazy import qutip
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.channels import SLOTS

__all__ = ["Operation", "Schedule", "operations"]


class Operation(NamedTuple):
    """One operation of a step.

    Attributes
    ----------
    phase : {"prepare", "encode", "circuit", "measure", "wait"}
        Part of the step.
    kind : {"reset", "encode", "gate", "depolarise", "relax", "channel", "measure"}
        What it does.
    qubits : tuple of int
        Where, as indices into the register, io qubits first; what follows the measurement acts
        on memory qubits alone.
    strength : float
        Probability of the error, of a reset or a depolarising channel.
    duration : float
        Of a relaxation, in seconds.
    driven : bool
        Whether it happens only where the io qubit's current is positive.
    gate : Gate or None
        Of a gate.
    slot : str
        Name of the slot, of a user's channel.
    superoperator : Qobj or None
        Of a user's channel on ``qubits``; None where the slot is empty.

    Examples
    --------
    >>> Operation("encode", "relax", (0, 1), duration=5e-8).kind
    'relax'
    """

    phase: str
    kind: Literal["reset", "encode", "gate", "depolarise", "relax", "channel", "measure"]
    qubits: tuple[int, ...]
    strength: float = 0.0
    duration: float = 0.0
    driven: bool = False
    gate: Gate | None = None
    slot: str = ""
    superoperator: qutip.Qobj | None = None


@dataclass(frozen=True)
class Schedule:
    """The operations of one time step of a circuit under noise.

    Attributes
    ----------
    before : tuple of Operation
        On the full register, up to the measurement.
    measure : Operation
        Of all io qubits: one outcome.
    after : tuple of Operation
        On the memory qubits, while and after the io qubits are read out.

    Raises
    ------
    ValueError
        If the order is one that the engines cannot follow.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> for operation in Schedule.of(ansatz.paper(), NoiseModel(p_depol_2q=0.01)).before[5:8]:
    ...     print(operation.kind, operation.qubits, operation.strength)
    gate (1, 0) 0.0
    depolarise (1, 0) 0.01
    relax (0, 1) 0.0
    """

    before: tuple[Operation, ...]
    measure: Operation
    after: tuple[Operation, ...]

    def __post_init__(self) -> None:
        io, touched = self.measure.qubits, set[int]()
        for operation in self.before:
            # The engines know reset and encoding in closed form, on io qubits in |0>.
            if operation.kind in ("reset", "encode") or operation.driven:
                if touched.intersection(operation.qubits):
                    what = f"`{operation.kind}` on qubits {operation.qubits}"
                    raise ValueError(f"{what} must come before other operations on its qubit.")
            else:
                touched.update(operation.qubits)
        for operation in self.after:
            if operation.gate or set(io).intersection(operation.qubits):
                what = f"`{operation.kind}` on qubits {operation.qubits}"
                raise ValueError(f"{what} must not follow the measurement.")

    @classmethod
    def of(cls, ansatz: Ansatz, noise: NoiseModel | None) -> Schedule:
        """Return the schedule of a circuit under noise.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit.
        noise : NoiseModel or None
            None is noiseless: the same operations, without strength.

        Returns
        -------
        Schedule

        Raises
        ------
        ValueError
            If the noise does not fit the circuit's size.
        """
        noise = _NOISELESS if noise is None else noise
        noise.check_circuit(ansatz.io_qubits, ansatz.memory_qubits)
        steps = list(operations(ansatz, noise))
        at = [step.kind for step in steps].index("measure")
        return cls(tuple(steps[:at]), steps[at], tuple(steps[at + 1 :]))

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation, in order."""
        return (*self.before, self.measure, *self.after)

    def io_strengths(self, kind: str) -> list[float]:
        """Return the strengths of an error of each io qubit before the circuit.

        Parameters
        ----------
        kind : {"reset", "depolarise"}
            The error; depolarising is that of the encoding gate.

        Returns
        -------
        list of float
        """
        return [
            step.strength
            for step in self.before
            if step.kind == kind and (step.driven or kind == "reset")
        ]


_NOISELESS = NoiseModel()


def operations(ansatz: Ansatz, noise: NoiseModel) -> Iterator[Operation]:
    """Yield the operations of one time step: the one place that knows their order.

    A slot for channels of users is one line here, ``yield from user(phase, name)``, next to its
    name in ``SLOTS``.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel
        Of the right size for it.

    Yields
    ------
    Operation
        Also those that do nothing.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> steps = operations(ansatz.paper(), NoiseModel())
    >>> [step.slot for step in steps if step.kind == "channel"]
    ['after_encode', 'after_circuit', 'readout']
    """
    every = tuple(range(ansatz.n_qubits))
    io, memory = every[: ansatz.io_qubits], every[ansatz.io_qubits :]

    def user(phase: str, slot: str) -> Iterator[Operation]:
        qubits = memory if SLOTS[slot] == "memory" else every
        channels = noise.slot_channels(slot, len(io), len(memory)) if noise.channels else []
        if all(c.qubits is None for c in channels):  # together, or an empty slot
            whole = noise.slot(slot, len(io), len(memory)) if channels else None
            yield Operation(phase, "channel", qubits, slot=slot, superoperator=whole)
            return
        for c in channels:
            where = qubits if c.qubits is None else tuple(qubits[q] for q in c.qubits)
            yield Operation(phase, "channel", where, slot=slot, superoperator=c.superoperator)

    for q in io:
        yield Operation("prepare", "reset", (q,), noise.value("p_reset", q))
    for q in io:
        error = noise.value("p_depol_1q", q)
        yield Operation("encode", "encode", (q,), driven=True)
        yield Operation("encode", "depolarise", (q,), error, driven=True)
    yield Operation("encode", "relax", every, duration=noise.gate_time_1q)
    yield from user("encode", "after_encode")
    for layer in ansatz.moments:
        for gate in layer:
            yield Operation("circuit", "gate", gate.qubits, gate=gate)
        for gate in layer:
            if not gate.is_whole:
                error = noise.gate_error(gate.qubits)
                yield Operation("circuit", "depolarise", gate.qubits, error)
        longest = max(noise.gate_time(gate.name, gate.qubits) for gate in layer)
        yield Operation("circuit", "relax", every, duration=longest)
    yield from user("circuit", "after_circuit")
    yield Operation("measure", "measure", io)
    yield Operation("wait", "relax", memory, duration=noise.readout_time + noise.idle_time)
    yield from user("wait", "readout")
