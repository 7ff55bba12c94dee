"""What a neuron's circuit V(theta) is: gates on io and memory qubits, with named angles.

A circuit acts on ``io_qubits`` (first) and ``memory_qubits`` (after them); qubit 0 is the most
significant, as in ``qutip.tensor``. Gates are in ``gates.py``. A circuit that has a name is a
function here and an entry of ``NAMED``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_choice,
    check_int,
    check_items,
    check_real,
    check_shape,
    check_text,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.gates import Gate, draw, parse_gate, unitary_gate

__all__ = [
    "NAMED",
    "Ansatz",
    "Gate",
    "delay",
    "from_gates",
    "from_unitary",
    "layered",
    "named",
    "paper",
    "resolve",
]


@dataclass(frozen=True)
class Ansatz:
    """A circuit V(theta) on io and memory qubits; immutable, comparable and hashable.

    Made by :func:`paper`, :func:`layered`, :func:`from_gates` or :func:`from_unitary`.

    Attributes
    ----------
    name : str
        Of the circuit.
    io_qubits, memory_qubits : int
        Sizes of the two parts of the register.
    gates : tuple of Gate
        In the order in which they act.
    param_names : tuple of str
        One name per angle, in the order of ``theta``.

    Examples
    --------
    >>> circuit = paper()
    >>> print(circuit)
    io 0    : ─[RX(theta_ent)]──[RX(theta_in)]─[measure]
    memory 0: ────────●────────[RX(theta_mem)]─────────▶
    >>> circuit.unitary([0.3, 0.2, 0.1]).isunitary
    True
    """

    name: str
    io_qubits: int
    memory_qubits: int
    gates: tuple[Gate, ...]
    param_names: tuple[str, ...]

    @property
    def n_params(self) -> int:
        """Number of angles in ``theta``."""
        return len(self.param_names)

    @property
    def n_qubits(self) -> int:
        """Size of the register: io and memory qubits together."""
        return self.io_qubits + self.memory_qubits

    @cached_property
    def moments(self) -> tuple[tuple[Gate, ...], ...]:
        """The gates packed greedily into layers, each as early as its qubits allow.

        Gates of one layer act on disjoint qubits at the same time; noise is inserted after each
        layer.
        """
        free = [0] * self.n_qubits
        layers: list[list[Gate]] = []
        for gate in self.gates:
            at = max(free[q] for q in gate.qubits)
            if at == len(layers):
                layers.append([])
            layers[at].append(gate)
            for q in gate.qubits:
                free[q] = at + 1
        return tuple(tuple(layer) for layer in layers)

    def check_theta(
        self, theta: Any, *, leading: tuple[Any, ...] = (), name: str = "theta"
    ) -> NDArray[np.float64]:
        """Return angles as a finite float array of the right shape.

        Parameters
        ----------
        theta : array_like, shape ``leading + (n_params,)``
            Angles in radians.
        leading : tuple
            Axes before the last; a string matches any length.
        name : str
            What messages call the argument.

        Returns
        -------
        ndarray, shape ``leading + (n_params,)``

        Raises
        ------
        TypeError, ValueError
            Names the argument, what was expected and what came.
        """
        return check_shape(name, check_real(name, theta), (*leading, self.n_params))

    def operator(self, gate: Gate, theta: NDArray[np.float64]) -> qutip.Qobj:
        """Return a gate at its angle, on the full register.

        Parameters
        ----------
        gate : Gate
            One of ``gates``.
        theta : ndarray, shape (n_params,)
            Angles in radians.

        Returns
        -------
        Qobj
            Unitary on ``n_qubits`` qubits.
        """
        local = gate.operator(None if gate.param is None else float(theta[gate.param]))
        if gate.qubits == tuple(range(self.n_qubits)):
            return local
        return qutip.expand_operator(local, dims=[2] * self.n_qubits, targets=list(gate.qubits))

    def unitary(self, theta: Any = ()) -> qutip.Qobj:
        """Return V(theta) on the full register, io qubits first.

        Parameters
        ----------
        theta : array_like, shape (n_params,)
            Angles in radians.

        Returns
        -------
        Qobj
            Unitary on ``n_qubits`` qubits.
        """
        angles = self.check_theta(theta)
        result = qutip.tensor([qutip.qeye(2)] * self.n_qubits)
        for gate in self.gates:
            result = self.operator(gate, angles) @ result
        return result

    def draw(self) -> str:
        """Return the circuit as text, one line per qubit, time from left to right.

        Returns
        -------
        str
        """
        return draw(self.gates, self.io_qubits, self.memory_qubits, self.param_names)

    def __str__(self) -> str:
        return self.draw()

    def __repr__(self) -> str:
        return (
            f"Ansatz({self.name!r}, io_qubits={self.io_qubits}, "
            f"memory_qubits={self.memory_qubits}, gates={len(self.gates)}, "
            f"n_params={self.n_params})"
        )


#: Above these nothing could be simulated, and only the list of gates would fill the memory.
_MOST_QUBITS, _MOST_LAYERS = 30, 1000


def _check_sizes(io_qubits: Any, memory_qubits: Any) -> tuple[int, int]:
    return (
        check_int("io_qubits", io_qubits, minimum=1, maximum=_MOST_QUBITS),
        check_int("memory_qubits", memory_qubits, minimum=1, maximum=_MOST_QUBITS),
    )


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
        angle) or a number of radians (fixed). Names are those of :class:`Gate`.
    io_qubits, memory_qubits : int
        At least 1 each.
    name : str
        Of the circuit.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        Names the gate, what was expected and what came.

    Examples
    --------
    >>> a = from_gates([("CRX", (1, 0), "theta_ent"), ("RX", 1, "theta_mem"),
    ...                 ("RX", 0, "theta_in")], io_qubits=1, memory_qubits=1)
    >>> a == paper()
    False
    >>> a.param_names
    ('theta_ent', 'theta_mem', 'theta_in')
    """
    io_qubits, memory_qubits = _check_sizes(io_qubits, memory_qubits)
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
        At least 1 each.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> layered(1, 2).n_params
    13
    """
    io_qubits, memory_qubits = _check_sizes(io_qubits, memory_qubits)
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
        At least 1 each.
    rtol : float
        By how much ``U^dagger U`` may differ from 1. The default lets numbers of single precision
        pass (float32 and complex64: about 1e-7); the nearest unitary in double precision is taken.

    Returns
    -------
    Ansatz
        With ``n_params`` 0.

    Raises
    ------
    TypeError, ValueError
        If it is no matrix, its size does not fit or ``U^dagger U`` differs from 1 by more than
        *rtol*.

    Examples
    --------
    >>> swap = from_unitary(qutip.gates.swap(), io_qubits=1, memory_qubits=1)
    >>> swap.n_params
    0
    """
    io_qubits, memory_qubits = _check_sizes(io_qubits, memory_qubits)
    gate = unitary_gate(unitary, io_qubits, memory_qubits, rtol)
    return Ansatz("unitary", io_qubits, memory_qubits, (gate,), ())


def delay(memory_qubits: int = 1, *, basis: str = "z") -> Ansatz:
    """Return a delay line of SWAPs: each spike repeats the input ``memory_qubits`` steps ago.

    SWAP(0, 1), SWAP(0, 2), ...: the input goes into qubit 1, each next qubit takes what the one
    before it held, and what the last one held is measured.

    Parameters
    ----------
    memory_qubits : int
        At least 1.
    basis : {"z", "x"}
        In which the bits are stored: as ``|0>`` and ``|1>``, or in superpositions, ``|+>`` and
        ``|->``.

    Returns
    -------
    Ansatz
        With ``n_params`` 0.

    Raises
    ------
    TypeError, ValueError
        If *memory_qubits* is no such number, or *basis* no such text.

    Examples
    --------
    >>> print(delay())
    io 0    : ─[SWAP]─[measure]
    memory 0: ─[SWAP]─────────▶
    """
    _, memory_qubits = _check_sizes(1, memory_qubits)
    name = "delay" if check_choice("basis", basis, ("z", "x")) == "z" else "delay-x"
    swaps = [("SWAP", (0, m)) for m in range(1, memory_qubits + 1)]
    # What enters is turned into the X basis, what leaves is turned back.
    turn = [("H", (0,))] if basis == "x" else []
    gates = [*turn, *swaps, *turn]
    return from_gates(gates, io_qubits=1, memory_qubits=memory_qubits, name=name)


#: Every circuit that has a name. Its function takes those of ``io_qubits``, ``memory_qubits`` and
#: ``layers`` that it can vary.
NAMED: dict[str, Callable[..., Ansatz]] = {
    "layered": layered,
    "paper": paper,
    "delay": delay,
    "delay-x": partial(delay, basis="x"),
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
        At least 1 each; None is what the circuit has, or its default.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If there is no such circuit, or not of these sizes.

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
