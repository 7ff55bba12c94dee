"""Noise models of Qiskit's backends: what their targets say of the qubits that a neuron takes.

Everything is read from ``backend.target``; nothing is asked of a network, nothing is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from lava_sqs._checks import check_int, check_items, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.noise.channels import Channel, depolarizing
from lava_sqs.quantum.noise.devices import depol_from_gate_infidelity
from lava_sqs.quantum.noise.physics import relaxation_map
from lava_sqs.quantum.noise.tables import ENCODE, GateNoise

__all__: list[str] = []

#: Above it a gate or a readout is broken, whatever the target still says of it.
_BROKEN_GATE, _BROKEN_READOUT = 0.5, 0.5
#: Rotations about Z, which are a change of phase for the pulses that follow.
_VIRTUAL = ("RZ", "Z", "S", "T")


def target_of(backend: Any) -> Any:
    """Return the target of a Qiskit backend, or raise."""
    target = getattr(backend, "target", None)
    if target is None or not hasattr(target, "operation_names"):
        raise ArgumentTypeError(
            "backend", f"must be a Qiskit backend with a target, but got {describe(backend)}."
        )
    for name in ("measure", "reset", "sx", "rz"):
        if name not in target.operation_names:
            raise ArgumentValueError(
                "backend",
                f"must have `{name}`, but {name_of(backend)} has only "
                f"{', '.join(sorted(target.operation_names))}. (A neuron needs measurements and "
                "resets in the middle of its circuit.)",
            )
    return target


def name_of(backend: Any) -> str:
    """Return what a backend is called."""
    name = getattr(backend, "name", None)
    return str(name() if callable(name) else name or type(backend).__name__)


def entangler(target: Any) -> str:
    """Return the name of the two-qubit gate of a target."""
    for name in ("cz", "ecr", "cx"):
        if name in target.operation_names:
            return name
    raise ArgumentValueError("backend", "must have cz, ecr or cx between its qubits.")


def coupled(target: Any, a: int, b: int) -> Any:
    """Return the properties of the entangler between two qubits, in either direction, or None."""
    gates = target[entangler(target)]
    # Targets list a coupler in the direction of its native gate.
    return gates.get((a, b)) or gates.get((b, a))


def trouble(target: Any, qubits: Sequence[int], io: int, pairs: Iterable[Any]) -> str:
    """Return what is wrong with qubits, '' if they can hold a neuron; *pairs* must be coupled."""
    for k, q in enumerate(qubits):
        known = target.qubit_properties[q] if target.qubit_properties else None
        for name in ("t1", "t2"):
            value = getattr(known, name, None)
            if value is None or not value > 0:
                return f"qubit {q} has no {name}"
        for gate in ("sx", "x"):
            # Targets report broken gates with the error 1, or without properties at all.
            own = target[gate].get((q,)) if gate in target.operation_names else None
            if gate == "sx" and (own is None or own.duration is None):
                return f"qubit {q} has no {gate} with a duration"
            if own is not None and (own.error or 0.0) > _BROKEN_GATE:
                return f"{gate} on qubit {q} has the error {own.error:.3g}: it is broken"
        if k >= io:
            continue
        for name in ("measure", "reset"):
            if target[name].get((q,)) is None or target[name][q,].duration is None:
                return f"qubit {q} has no {name} with a duration"
        error = max(readout_errors(target, q))
        if error >= _BROKEN_READOUT:
            return f"the readout of qubit {q} has the error {error:.3g}: it says nothing"
    for i, j in pairs:
        a, b = qubits[i], qubits[j]
        gate = coupled(target, a, b)
        if gate is None or gate.duration is None:
            return f"qubits {a} and {b} have no {entangler(target)} with a duration"
        if (gate.error or 0.0) > _BROKEN_GATE:
            return f"{entangler(target)} on ({a}, {b}) has the error {gate.error:.3g}: it is broken"
    return ""


def readout_errors(target: Any, q: int) -> tuple[float, float]:
    """Return P(1|0) and P(0|1) of a qubit; one number for both where there is but one."""
    own = target["measure"].get((q,))
    if own is None:
        return 0.0, 0.0
    both = float(own.error or 0.0)
    given = (getattr(own, key, None) for key in ("prob_meas1_prep0", "prob_meas0_prep1"))
    p10, p01 = (both if p is None else float(p) for p in given)
    return p10, p01


def lifetimes(target: Any, q: int) -> tuple[float, float]:
    """Return t1 and t2 of a qubit; where t2 exceeds 2 t1, its limit, as Aer does."""
    known = target.qubit_properties[q]
    # Fitted lifetimes have errors of their own, and published t2 may exceed what t1 allows.
    return float(known.t1), min(float(known.t2), 2 * float(known.t1))


def best(target: Any, n: int, io: int, pairs: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Return the *n* qubits that disturb a neuron least: io first, all *pairs* coupled."""
    pairs = sorted({(min(p), max(p)) for p in pairs})
    near: dict[int, set[int]] = {}
    for a, b in target[entangler(target)]:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    found: list[tuple[float, tuple[int, ...]]] = []

    def extend(chosen: tuple[int, ...]) -> None:
        k = len(chosen)
        if k == n:
            if not trouble(target, chosen, io, pairs):
                found.append((_cost(target, chosen, io, pairs), chosen))
            return
        # Only qubits coupled to all chosen partners: the search stays small on sparse devices.
        partners = [chosen[a] for a, b in pairs if b == k]
        options = set.intersection(*(near[p] for p in partners)) if partners else set(near)
        # Sorted, and the minimum below takes the first of equals: the same qubits on every run.
        for q in sorted(options - set(chosen)):
            extend((*chosen, q))

    for first in sorted(near):
        extend((first,))
    if not found:
        raise ArgumentValueError(
            "qubits",
            f"cannot be chosen: no {n} working qubits have the couplings {pairs} that the circuit "
            "needs (register indices). Use a circuit with other pairs of qubits.",
        )
    return min(found)[1]


def _cost(target: Any, chosen: tuple[int, ...], io: int, pairs: Any) -> float:
    """Return about how often a step goes wrong: entanglers, readout, and the memory's wait."""
    errors = sum(2 * (coupled(target, chosen[a], chosen[b]).error or 0.0) for a, b in pairs)
    # The memory waits in every step until the slowest io qubit is read out and reset.
    waits = max(target["measure"][q,].duration + target["reset"][q,].duration for q in chosen[:io])
    for k, q in enumerate(chosen):
        t1, t2 = lifetimes(target, q)
        errors += 4 * (target["sx"][q,].error or 0.0)
        errors += sum(readout_errors(target, q)) / 2 if k < io else waits * (1 / t1 + 1 / t2) / 2
    return float(errors)


def fields_of(
    backend: Any, qubits: Any, io: int, n: int, pairs: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    """Return the fields of the noise model of a backend's qubits.

    *pairs* of register indices must be coupled; other pairs get an entry if they are.
    """
    target = target_of(backend)
    if isinstance(qubits, str):
        if qubits != "best":
            raise ArgumentValueError("qubits", f"must be 'best' or qubits, but got {qubits!r}.")
        chosen = best(target, n, io, pairs)
    else:
        last = target.num_qubits - 1
        given = check_items("qubits", qubits)
        chosen = tuple(check_int("qubits", q, minimum=0, maximum=last) for q in given)
        if len(set(chosen)) != len(chosen) or len(chosen) < 2:
            raise ArgumentValueError(
                "qubits", f"must be two or more different qubits, but got {qubits!r}."
            )
        if pairs and len(chosen) != n:
            raise ArgumentValueError(
                "qubits", f"must be {n}, one per qubit of the circuit, but are {len(chosen)}."
            )
        every = [(i, j) for i in range(len(chosen)) for j in range(i)]
        needed = pairs or [p for p in every if coupled(target, chosen[p[0]], chosen[p[1]])]
        wrong = trouble(target, chosen, io, needed)
        if wrong:
            raise ArgumentValueError(
                "qubits", f"must work, but of {name_of(backend)} {wrong}. Try qubits='best'."
            )
    return _fields(backend, target, chosen, io)


def _fields(backend: Any, target: Any, chosen: tuple[int, ...], io: int) -> dict[str, Any]:
    times = [lifetimes(target, q) for q in chosen]
    gates = [GateNoise(name, error=0.0, duration=0.0) for name in _VIRTUAL]
    pulse, depol = 0.0, 0.0
    for k, q in enumerate(chosen):
        for name in ("sx", "x"):
            own = target[name].get((q,)) if name in target.operation_names else None
            if own is not None and own.duration is not None:
                error = _depol(own, [times[k]])
                gates.append(GateNoise(name.upper(), (k,), error, float(own.duration)))
                if name == "sx":
                    # RX(pi z) is two SX pulses between virtual rotations.
                    gates.append(_encoding(k, times[k], error, float(own.duration)))
                    pulse, depol = max(pulse, float(own.duration)), max(depol, error)
    pair_time, pair_error = 0.0, 0.0
    name = entangler(target)
    for (a, b), own in target[name].items():
        if a in chosen and b in chosen and own is not None and own.duration is not None:
            i, j = chosen.index(a), chosen.index(b)
            error = _depol(own, [times[i], times[j]])
            gates.append(GateNoise(name.upper(), (i, j), error, float(own.duration)))
            pair_time, pair_error = max(pair_time, own.duration), max(pair_error, error)
    read = [readout_errors(target, q) for q in chosen]
    date = getattr(backend, "online_date", None)
    # Gates that the device has not are made of those: a rotation of two pulses, a controlled one
    # of two entanglers between them.
    return {
        "t1": tuple(t for t, _ in times),
        "t2": tuple(t for _, t in times),
        "gate_time_1q": 2 * pulse,
        "gate_time_2q": 2 * float(pair_time) + 2 * pulse,
        "p_depol_1q": min(2 * depol, 1.0),
        "p_depol_2q": min(2 * pair_error, 1.0),
        "readout_time": max(float(target["measure"][q,].duration) for q in chosen[:io]),
        "reset_time": max(float(target["reset"][q,].duration) for q in chosen[:io]),
        "p_read1_given0": tuple(p for p, _ in read),
        "p_read0_given1": tuple(p for _, p in read),
        "gates": tuple(gates),
        "clock": "alap",
        "name": name_of(backend),
        "source": f"qubits {chosen} of {name_of(backend)}"
        + (f", calibration of {backend.properties().last_update_date:%Y-%m-%d}"
           if _has_date(backend) else f", online since {date}" if date else ""),
    }  # fmt: skip


def _has_date(backend: Any) -> bool:
    try:
        return backend.properties().last_update_date is not None
    except Exception:  # not every backend has properties
        return False


def _depol(own: Any, times: Sequence[tuple[float, float]]) -> float:
    """Return the depolarising probability of a gate; 0 below its coherence limit, as Aer does."""
    t1, t2 = (tuple(t[i] for t in times) for i in (0, 1))
    d = 2 ** len(times)
    error = min(float(own.error or 0.0), d / (d + 1) - 1e-9)
    return depol_from_gate_infidelity(error, len(times), t1, t2, float(own.duration), below="zero")


def _encoding(k: int, times: tuple[float, float], error: float, duration: float) -> GateNoise:
    r"""Return the encoding gate RX(phi) as two pulses, exactly.

    RX(phi) = RZ(pi/2) SX RZ(phi + pi) SX RZ(pi/2). Noise N of a pulse commutes with RZ, so that
    noise after each is N (V N V^-1) after the whole, V = RZ(pi/2) SX.
    """
    noise = depolarizing(error, 1)
    relaxed = relaxation_map(*times, 0.0, duration)
    noise = noise if relaxed is None else relaxed @ noise
    turn = qutip.to_super(qutip.gates.rz(math.pi / 2) @ qutip.gates.sqrtnot())
    whole = noise @ turn @ noise @ turn.dag()
    channel = Channel("after_circuit", whole, qubits=(0,))
    return GateNoise(ENCODE, (k,), 0.0, 2 * duration, channel=channel, relaxes=False)


def pairs_of(gates: Iterable[Any]) -> list[tuple[int, int]]:
    """Return the pairs of register indices that gates act on, the lower first."""
    found = {tuple(sorted(g.qubits)) for g in gates if len(g.qubits) == 2}
    wide = [g for g in gates if len(g.qubits) > 2]
    if wide:
        raise ArgumentValueError(
            "ansatz",
            f"must have gates of one or two qubits, but has {wide[0].name} on {wide[0].qubits}.",
        )
    return sorted(found)
