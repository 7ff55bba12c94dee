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

Where a model says so, the memory relaxes for ``reset_time`` first; each gate, the encoding one as
well, has an error, a duration, an over-rotation and a channel of its own, which acts after its
error; static couplings act after the relaxation of each slot, on io qubits up to the measurement;
channels that depend on the outcome act right after it. With ``clock="alap"`` there are no layers:
each qubit relaxes for its own gates and its own pauses.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from lava_sqs._lazy import qutip
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.channels import SLOTS
from lava_sqs.quantum.noise.tables import ENCODE, Known, after_outcome, confused, turned

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
        Duration of a relaxation, in seconds.
    driven : bool
        Whether it happens only where the io qubit's current is positive.
    gate : Gate or None
        The gate, for an operation that is a gate.
    slot : str
        Name of the slot, of a user's channel.
    superoperator : Qobj or None
        Superoperator of a user's channel on ``qubits``; None where the slot is empty.

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
        Operations on the full register, up to the measurement.
    measure : Operation
        The measurement of all io qubits: one outcome.
    after : tuple of Operation
        Operations on the memory qubits, while and after the io qubits are read out.

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
                # After anything else the io qubit is no fresh |0>, and its three encoded components
                # would not do.
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
        A noise model of the right size for it.

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
    if noise.clock == "layers":
        yield from _in_layers(ansatz, noise, io, every)
    else:
        yield from _late(ansatz, noise, io, every)
    yield from _user(noise, "circuit", "after_circuit", io, every)
    wait = noise.readout_time + noise.idle_time
    # What the memory owes to the outcome acts before the measurement here, on the register: the
    # same, since nothing else happens to measured qubits.
    for c in noise.channels:
        if c.outcome is not None:
            where = memory if c.qubits is None else tuple(memory[q] for q in c.qubits)
            superoperator = after_outcome(c, c.outcome)
            yield Operation("measure", "channel", (*io, *where), superoperator=superoperator)
    # ZZ is diagonal: it commutes with the measurement, and acts here while both qubits are still
    # there.
    yield from _couplings(noise, "measure", wait)
    if noise.readout_matrix:
        misread = confused(noise.readout_matrix)
        yield Operation("measure", "channel", io, superoperator=misread)
    yield Operation("measure", "measure", io)
    yield Operation("wait", "relax", memory, duration=wait)
    yield from _user(noise, "wait", "readout", io, every)


def _user(
    noise: NoiseModel, phase: str, slot: str, io: tuple[int, ...], every: tuple[int, ...]
) -> Iterator[Operation]:
    """Yield the user's channels of a slot, or an empty one."""
    qubits = every[len(io) :] if SLOTS[slot] == "memory" else every
    sizes = len(io), len(every) - len(io)
    channels = noise.slot_channels(slot, *sizes) if noise.channels else []
    if all(c.qubits is None for c in channels):  # together, or an empty slot
        whole = noise.slot(slot, *sizes) if channels else None
        yield Operation(phase, "channel", qubits, slot=slot, superoperator=whole)
        return
    for c in channels:
        where = qubits if c.qubits is None else tuple(qubits[q] for q in c.qubits)
        yield Operation(phase, "channel", where, slot=slot, superoperator=c.superoperator)


def _couplings(
    noise: NoiseModel, phase: str, duration: float, ground: tuple[int, ...] = ()
) -> Iterator[Operation]:
    """Yield what static couplings do for some time; qubits in *ground* are in ``|0>``."""
    for a, b, rate in noise.zz if duration else ():
        yield from _coupling(phase, (a, b), math.pi * rate * duration, ground)


def _coupling(
    phase: str, pair: tuple[int, int], angle: float, ground: Collection[int]
) -> Iterator[Operation]:
    """Yield exp(-i angle ZZ / 2): of H = 2 pi rate / 4 ZZ the angle is pi rate t."""
    free = tuple(q for q in pair if q not in ground)
    if free:
        gate = Gate("RZZ" if len(free) == 2 else "RZ", free, angle=angle)
        yield Operation(phase, "gate", free, gate=gate)


def _encode(noise: NoiseModel, q: int) -> Iterator[Operation]:
    known = noise.known(ENCODE, (q,))
    yield Operation("encode", "encode", (q,), driven=True)
    yield Operation("encode", "depolarise", (q,), known.error, driven=True)


def _channel(phase: str, known: Known, qubits: tuple[int, ...]) -> Iterator[Operation]:
    if known.channel is not None:
        superoperator = known.channel.superoperator
        yield Operation(phase, "channel", qubits, superoperator=superoperator)


def _turned(gate: Gate, share: float) -> Gate:
    """Return a gate that turns by 1 + *share* times its angle."""
    if not share or gate.table is not None:
        return gate
    more = 1 + share
    if not gate.is_rotation:
        return Gate.of_matrix(turned(gate.operator().full(), share), gate.qubits)
    if gate.param is None:
        assert gate.angle is not None
        return replace(gate, angle=gate.angle * more)
    return replace(gate, scale=gate.scale * more, offset=gate.offset * more)


def _in_layers(
    ansatz: Ansatz, noise: NoiseModel, io: tuple[int, ...], every: tuple[int, ...]
) -> Iterator[Operation]:
    """Yield reset, encoding and circuit: layers in which all qubits wait for the longest gate."""
    if noise.reset_time:
        yield Operation("prepare", "relax", every[len(io) :], duration=noise.reset_time)
        yield from _couplings(noise, "prepare", noise.reset_time, ground=io)
    for q in io:
        yield Operation("prepare", "reset", (q,), noise.value("p_reset", q))
    known = [noise.known(ENCODE, (q,)) for q in io]
    for q in io:
        yield from _encode(noise, q)
    for q in io:
        yield from _channel("encode", known[q], (q,))
    # The slot lasts as long where z <= 0: the control system does not know the current beforehand.
    duration = max(k.duration for k in known) if noise.gates else noise.gate_time_1q
    done = {q for q in io if not known[q].relaxes}
    yield Operation("encode", "relax", tuple(q for q in every if q not in done), duration=duration)
    yield from _couplings(noise, "encode", duration)
    yield from _user(noise, "encode", "after_encode", io, every)
    for layer in ansatz.moments:
        each = [noise.known(gate.name, gate.qubits) for gate in layer]
        for gate, own in zip(layer, each, strict=True):
            yield Operation("circuit", "gate", gate.qubits, gate=_turned(gate, own.over_rotation))
        for gate, own in zip(layer, each, strict=True):
            if not gate.is_whole or own.error:
                yield Operation("circuit", "depolarise", gate.qubits, own.error)
        for gate, own in zip(layer, each, strict=True):
            yield from _channel("circuit", own, gate.qubits)
        longest = max(own.duration for own in each)
        done = {q for g, own in zip(layer, each, strict=True) if not own.relaxes for q in g.qubits}
        yield Operation(
            "circuit", "relax", tuple(q for q in every if q not in done), duration=longest
        )
        yield from _couplings(noise, "circuit", longest)


class _Item(NamedTuple):
    """Something that takes time, with the times from its start and end to the measurement."""

    what: str | Gate
    qubits: tuple[int, ...]
    known: Known
    start: float
    end: float


def _late(
    ansatz: Ansatz, noise: NoiseModel, io: tuple[int, ...], every: tuple[int, ...]
) -> Iterator[Operation]:
    """Yield reset, encoding and circuit, everything as late as what follows it allows."""
    items: list[tuple[str | Gate, tuple[int, ...], Known]] = [
        *(("reset", (q,), Known(noise.value("p_reset", q), noise.reset_time)) for q in io),
        *(("encode", (q,), noise.known(ENCODE, (q,))) for q in io),
        *((gate, gate.qubits, noise.known(gate.name, gate.qubits)) for gate in ansatz.gates),
    ]
    left = [0.0] * len(every)  # from where a qubit is free to the measurement
    timed: list[_Item] = []
    for what, qubits, known in reversed(items):
        # Counted backwards from the measurement: a gate ends when the first gate that needs one of
        # its qubits begins.
        end = max(left[q] for q in qubits)
        timed.append(_Item(what, qubits, known, end + known.duration, end))
        for q in qubits:
            left[q] = end + known.duration
    timed.reverse()  # items that take no time keep their order
    # A stable sort: what starts at the same time keeps the order of the circuit.
    timed.sort(key=lambda item: -item.start)
    yield from _Timeline(noise, io, every, max(left)).run(timed)


class _Timeline:
    """Operations in the order of time, with the relaxation and coupling of all that passes."""

    def __init__(
        self, noise: NoiseModel, io: tuple[int, ...], every: tuple[int, ...], total: float
    ) -> None:
        self.noise, self.io, self.every = noise, io, every
        self.free = dict.fromkeys(every, total)
        self.coupled = dict.fromkeys(((a, b) for a, b, _ in noise.zz), total)
        self.ground = set(io)  # not encoded yet

    def run(self, items: list[_Item]) -> Iterator[Operation]:
        """Yield the operations of all items."""
        for item in items:
            for q in item.qubits if item.what != "reset" else ():
                yield from self._relax(q, self.free[q] - item.start)
            yield from self._act(item)
            for q in item.qubits:
                self.free[q] = item.end
                if item.known.relaxes and item.what != "reset":
                    yield from self._relax(q, item.start - item.end)
            yield from self._couple(item.end, item.qubits)
            if item.what == "encode":
                self.ground.discard(item.qubits[0])
            if item.what == "encode" and not self.ground:
                yield from _user(self.noise, "encode", "after_encode", self.io, self.every)
        for q in self.every:
            yield from self._relax(q, self.free[q])
        yield from self._couple(0.0, self.every)

    def _relax(self, q: int, duration: float) -> Iterator[Operation]:
        if duration > 1e-15:  # a difference of times: below it is rounding
            yield Operation("circuit", "relax", (q,), duration=duration)

    def _act(self, item: _Item) -> Iterator[Operation]:
        known = item.known
        if item.what == "reset":
            yield Operation("prepare", "reset", item.qubits, known.error)
        elif item.what == "encode":
            yield from _encode(self.noise, item.qubits[0])
            yield from _channel("encode", known, item.qubits)
        elif isinstance(item.what, Gate):
            gate = _turned(item.what, known.over_rotation)
            yield Operation("circuit", "gate", item.qubits, gate=gate)
            yield Operation("circuit", "depolarise", item.qubits, known.error)
            yield from _channel("circuit", known, item.qubits)

    def _couple(self, now: float, touched: tuple[int, ...]) -> Iterator[Operation]:
        for a, b, rate in self.noise.zz:
            if a in touched or b in touched:
                passed, self.coupled[a, b] = self.coupled[a, b] - now, now
                if passed > 1e-15:
                    angle = math.pi * rate * passed
                    yield from _coupling("circuit", (a, b), angle, self.ground)
