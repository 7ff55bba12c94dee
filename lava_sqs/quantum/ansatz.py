"""What a neuron's circuit V(theta) is: gates on io and memory qubits, with named angles.

A circuit acts on ``io_qubits`` (first) and ``memory_qubits`` (after them); qubit 0 is the most
significant, as in ``qutip.tensor``. Gates are in ``gates.py``, what every circuit can do in
``circuit.py``. A circuit that has a name is a function here and an entry of ``NAMED``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from lava_sqs._checks import check_choice, check_int, check_items, check_text
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._exchange import check_split, from_text, gates_of
from lava_sqs.quantum.circuit import Ansatz
from lava_sqs.quantum.gates import Gate, check_sizes, parse_gate, unitary_gate
from lava_sqs.quantum.tables import MOST_BITS, TABLES, Table

__all__ = [
    "NAMED",
    "Ansatz",
    "Gate",
    "classical_memory",
    "delay",
    "from_gates",
    "from_qasm3",
    "from_qiskit",
    "from_unitary",
    "layered",
    "named",
    "paper",
    "resolve",
]


#: More could not be simulated, and only the list of gates would fill the memory.
_MOST_LAYERS = 1000


def from_gates(
    gates: Iterable[Sequence[Any]],
    *,
    io_qubits: int,
    memory_qubits: int,
    name: str = "custom",
) -> Ansatz:
    """Return the circuit of a list of gates.

    Parameters
    ----------
    gates : iterable of (name, qubits) or (name, qubits, angle)
        *qubits* is an int or a tuple of register indices (io qubits first; control before
        target). *angle* is a parameter's name (str, trained; the same name twice shares one
        angle), (name, scale, offset) for an angle ``scale * theta + offset``, or a number of
        radians (fixed). Names are those of :class:`Gate`.
    io_qubits, memory_qubits : int
        Numbers of qubits, at least 1 each.
    name : str
        Name of the circuit.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If a gate has the wrong qubits, parameter or matrix.

    Examples
    --------
    >>> a = from_gates([("CRX", (1, 0), "theta_ent"), ("RX", 1, "theta_mem"),
    ...                 ("RX", 0, "theta_in")], io_qubits=1, memory_qubits=1)
    >>> a == paper()
    False
    >>> a.param_names
    ('theta_ent', 'theta_mem', 'theta_in')
    """
    io_qubits, memory_qubits = check_sizes(io_qubits, memory_qubits)
    n = io_qubits + memory_qubits
    names: dict[str, int] = {}  # name -> index, as first used
    parsed: list[Gate] = []
    for i, item in enumerate(check_items("gates", gates)):
        parsed.append(parse_gate(f"gates[{i}]", item, n, names))
    return Ansatz(check_text("name", name), io_qubits, memory_qubits, tuple(parsed), tuple(names))


def paper() -> Ansatz:
    """Return the circuit of arXiv:2506.21324 for one io and one memory qubit.

    CRX(theta_ent) memory -> io; RX(theta_mem) on the memory; RX(theta_in) on the io qubit. The
    encoding RX commutes with its only entangler, so its memory holds what the neuron said, never
    what it saw.

    Returns
    -------
    Ansatz
        With three angles.

    Examples
    --------
    >>> paper().param_names
    ('theta_ent', 'theta_mem', 'theta_in')

    References
    ----------
    Chen, Rajendran, Simeone, arXiv:2506.21324.
    """
    return from_gates(
        [("CRX", (1, 0), "theta_ent"), ("RX", (1,), "theta_mem"), ("RX", (0,), "theta_in")],
        io_qubits=1,
        memory_qubits=1,
        name="paper",
    )


def layered(io_qubits: int = 1, memory_qubits: int = 1, layers: int = 1) -> Ansatz:
    """Return the default circuit: rotations and controlled rotations in both directions.

    Per layer, one angle per gate: RX and RZ on every qubit; CRX(io -> memory), all pairs; RX on
    every qubit; CRX(memory -> io), all pairs. 8 angles at (1, 1), 13 at (1, 2). It is this
    project's own; docs/physics.md says what it can do that :func:`paper` cannot.

    Parameters
    ----------
    io_qubits, memory_qubits, layers : int
        Numbers of qubits and of layers of gates, at least 1 each.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> layered(1, 2).n_params
    13
    """
    io_qubits, memory_qubits = check_sizes(io_qubits, memory_qubits)
    layers = check_int("layers", layers, minimum=1, maximum=_MOST_LAYERS)
    n = io_qubits + memory_qubits
    io, memory = range(io_qubits), range(io_qubits, n)
    gates: list[tuple[str, tuple[int, ...], str]] = []
    for layer in range(layers):
        for q in range(n):
            gates.append(("RX", (q,), f"l{layer}_rx_q{q}"))
            gates.append(("RZ", (q,), f"l{layer}_rz_q{q}"))
        gates += [("CRX", (i, m), f"l{layer}_crx_q{i}_q{m}") for i in io for m in memory]
        gates += [("RX", (q,), f"l{layer}_rx2_q{q}") for q in range(n)]
        gates += [("CRX", (m, i), f"l{layer}_crx_q{m}_q{i}") for m in memory for i in io]
    return from_gates(gates, io_qubits=io_qubits, memory_qubits=memory_qubits, name="layered")


def from_unitary(unitary: Any, *, io_qubits: int, memory_qubits: int, rtol: float = 1e-6) -> Ansatz:
    """Return the circuit of one given unitary: no angles, one layer.

    Parameters
    ----------
    unitary : Qobj or array_like, shape (2**n, 2**n)
        A unitary on ``n = io_qubits + memory_qubits`` qubits, io qubits first.
    io_qubits, memory_qubits : int
        Numbers of qubits, at least 1 each.
    rtol : float
        Largest difference of ``U^dagger U`` from 1. The default lets numbers of single precision
        pass (float32 and complex64: about 1e-7); the nearest unitary in double precision is taken.

    Returns
    -------
    Ansatz
        With ``n_params`` 0.

    Raises
    ------
    TypeError, ValueError
        If it is not a matrix, its size does not fit, or ``U^dagger U`` differs from 1 by more than
        *rtol*.

    Examples
    --------
    >>> import qutip
    >>> swap = from_unitary(qutip.gates.swap(), io_qubits=1, memory_qubits=1)
    >>> swap.n_params
    0
    """
    io_qubits, memory_qubits = check_sizes(io_qubits, memory_qubits)
    gate = unitary_gate(unitary, io_qubits, memory_qubits, rtol)
    return Ansatz("unitary", io_qubits, memory_qubits, (gate,), ())


def from_qiskit(
    circuit: Any, *, io_qubits: int = 1, param_names: Sequence[str] | None = None
) -> Ansatz:
    """Return the circuit V(theta) that a ``qiskit.QuantumCircuit`` of gates describes.

    Qiskit's qubit k is register index k: the first *io_qubits* are encoded and measured, the others
    are the memory. (Qiskit writes its qubit 0 as the least significant bit, ``qutip.tensor`` as the
    most: its matrices and texts of counts are reversed, the circuit is the same.)

    Parameters
    ----------
    circuit : QuantumCircuit
        A circuit of the gates of :class:`Gate`, ``p u u3 sdg tdg sxdg``, unitaries, barriers and
        identities, with angles affine in a parameter; RZ may have several.
    io_qubits : int
        Number of io qubits, at least 1; at least one qubit is left for the memory.
    param_names : sequence of str, optional
        Order of the angles in theta; angles that no gate has are allowed. None is the order of
        their first use.

    Returns
    -------
    Ansatz

    Raises
    ------
    ImportError
        If Qiskit is missing. The message gives the command that installs it.
    TypeError, ValueError
        If *circuit* measures, resets, branches or waits, or has another gate or an angle that is
        not affine. The message names the instruction.

    Examples
    --------
    >>> from_qiskit(layered().to_qiskit()) == layered()
    True
    """
    io, memory = check_split(circuit, io_qubits)
    names = None if param_names is None else check_items("param_names", param_names)
    gates, found = gates_of(circuit, names)
    return Ansatz(str(circuit.name), io, memory, tuple(gates), found)


def from_qasm3(
    text: str, *, io_qubits: int = 1, param_names: Sequence[str] | None = None
) -> Ansatz:
    """Return the circuit V(theta) of OpenQASM 3; parameters are its ``input`` variables.

    Qubits are counted in the order in which they are declared; all else is said in
    :func:`from_qiskit`, as are the arguments *io_qubits* and *param_names*.

    Parameters
    ----------
    text : str
        OpenQASM 3.
    io_qubits, param_names
        See :func:`from_qiskit`.

    Returns
    -------
    Ansatz

    Examples
    --------
    >>> from_qasm3(paper().to_qasm3()).gates == paper().gates
    True
    """
    return from_qiskit(from_text(text), io_qubits=io_qubits, param_names=param_names)


def delay(memory_qubits: int = 1, *, basis: str = "z") -> Ansatz:
    """Return a delay line of SWAPs: each spike repeats the input ``memory_qubits`` steps ago.

    SWAP(0, 1), SWAP(0, 2), ...: the input goes into qubit 1, each next qubit takes what the one
    before it held, and what the last one held is measured.

    Parameters
    ----------
    memory_qubits : int
        Number of memory qubits, at least 1.
    basis : {"z", "x"}
        Basis in which the bits are stored: as ``|0>`` and ``|1>``, or in superpositions, ``|+>``
        and ``|->``.

    Returns
    -------
    Ansatz
        With ``n_params`` 0.

    Raises
    ------
    TypeError, ValueError
        If *memory_qubits* is not a positive integer, or *basis* is unknown.

    Examples
    --------
    >>> print(delay())
    io 0    : ─[SWAP]─[measure]
    memory 0: ─[SWAP]─────────▶
    """
    _, memory_qubits = check_sizes(1, memory_qubits)
    name = "delay" if check_choice("basis", basis, ("z", "x")) == "z" else "delay-x"
    swaps = [("SWAP", (0, m)) for m in range(1, memory_qubits + 1)]
    # What enters is turned into the X basis, what leaves is turned back.
    turn = [("H", (0,))] if basis == "x" else []
    gates = [*turn, *swaps, *turn]
    return from_gates(gates, io_qubits=1, memory_qubits=memory_qubits, name=name)


def classical_memory(io_qubits: int = 1, memory_qubits: int = 1, *, table: str = "full") -> Ansatz:
    """Return the rival of every circuit: the same neuron with bits in place of memory qubits.

    Spikes and new bits are drawn from a table of probabilities given the measured input and the old
    bits (:mod:`lava_sqs.quantum.tables`). It is an instrument as any other, with exact scores.

    Parameters
    ----------
    io_qubits : int
        Number of io qubits, at least 1.
    memory_qubits : int
        Bits of memory: the states of the neuron are ``2**memory_qubits``.
    table : {"full", "independent", "additive"}
        ``"full"`` has every table: 14 angles at (1, 1), 60 at (1, 2). ``"independent"`` draws each
        new bit by itself (10, 28), ``"additive"`` with an angle that is a sum over the old bits (8,
        15, about as many as :func:`layered` has). All contain parity, delay and the paper's code.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value, or there are more than 5 bits in all.

    Examples
    --------
    >>> [classical_memory(1, bits, table="additive").n_params for bits in (1, 2, 3)]
    [8, 15, 24]
    """
    check_int("io_qubits", io_qubits, minimum=1, maximum=MOST_BITS - 1)
    check_int("memory_qubits", memory_qubits, minimum=1, maximum=MOST_BITS - io_qubits)
    kind, n = check_choice("table", table, TABLES), io_qubits + memory_qubits
    entries = Table(io_qubits, memory_qubits, kind)
    name = "classical" if kind == "full" else f"classical-{kind}"
    gates = (Gate("TABLE", tuple(range(n)), table=entries),)
    return Ansatz(name, io_qubits, memory_qubits, gates, entries.param_names)


#: Every circuit that has a name. Its function takes those of ``io_qubits``, ``memory_qubits`` and
#: ``layers`` that it can vary.
NAMED: dict[str, Callable[..., Ansatz]] = {
    "layered": layered,
    "paper": paper,
    "delay": delay,
    "delay-x": partial(delay, basis="x"),
    "classical": classical_memory,
    "classical-independent": partial(classical_memory, table="independent"),
    "classical-additive": partial(classical_memory, table="additive"),
}


def resolve(
    ansatz: Any,
    io_qubits: int | None = None,
    memory_qubits: int | None = None,
    layers: int | None = None,
) -> Ansatz:
    """Return the circuit of a name and its sizes, or an Ansatz that agrees with them.

    Parameters
    ----------
    ansatz : str or Ansatz
        A name in ``NAMED``, or the circuit itself.
    io_qubits, memory_qubits, layers : int, optional
        Numbers of qubits and of layers of gates, at least 1 each; None is what the circuit has, or
        its default.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If the circuit is unknown, or does not exist in these sizes.

    Examples
    --------
    >>> resolve("layered", memory_qubits=2) == layered(1, 2)
    True
    >>> resolve(paper(), memory_qubits=2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    lava_sqs._errors.ArgumentValueError: Argument `memory_qubits` must be 1, as `ansatz` says, ...
    """
    sizes = {"io_qubits": io_qubits, "memory_qubits": memory_qubits, "layers": layers}
    given = {k: check_int(k, v, minimum=1) for k, v in sizes.items() if v is not None}
    varies: Iterable[str] = ()
    if isinstance(ansatz, Ansatz):
        if "layers" in given:
            raise ArgumentValueError(
                "layers",
                "belongs to circuits given by name, but `ansatz` is an Ansatz "
                "object. Leave it out.",
            )
        circuit, why, hint = ansatz, ", as `ansatz` says, or left out", ""
    else:
        make = NAMED[check_choice("ansatz", ansatz, NAMED)]
        varies = inspect.signature(make).parameters
        circuit = make(**{k: v for k, v in given.items() if k in varies})
        why, hint = f" for the ansatz {ansatz!r}", " Use ansatz='layered' for other sizes."
    for key, value in given.items():
        fixed = getattr(circuit, key, 1)  # a circuit that cannot vary its layers has one
        if key not in varies and value != fixed:
            raise ArgumentValueError(key, f"must be {fixed}{why}, but got {value}.{hint}")
    return circuit


def named(
    name: Any,
    *,
    io_qubits: int | None = None,
    memory_qubits: int | None = None,
    layers: int | None = None,
) -> Ansatz:
    """Return the circuit of a name in ``NAMED``, for the given sizes; see :func:`resolve`.

    Examples
    --------
    >>> named("layered", memory_qubits=2) == layered(1, 2)
    True
    """
    return resolve(check_choice("ansatz", name, NAMED), io_qubits, memory_qubits, layers)
