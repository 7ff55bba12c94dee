"""What every circuit V(theta) is and can do; those with a name are made in ``ansatz.py``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int, check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum._exchange import to_circuit, to_text
from lava_sqs.quantum.gates import Gate, draw

__all__ = ["Ansatz"]


@dataclass(frozen=True)
class Ansatz:
    """A circuit V(theta) on io and memory qubits; immutable, comparable and hashable.

    Made by the functions of :mod:`lava_sqs.quantum.ansatz`.

    Attributes
    ----------
    name : str
        Name of the circuit.
    io_qubits, memory_qubits : int
        Sizes of the two parts of the register.
    gates : tuple of Gate
        The gates, in the order in which they act.
    param_names : tuple of str
        One name per angle, in the order of ``theta``.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> circuit = ansatz.paper()
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

    @property
    def is_classical(self) -> bool:
        """Whether the memory is bits, and the circuit a table of probabilities."""
        return any(gate.table is not None for gate in self.gates)

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
            If an argument has the wrong type or value.
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
            Unitary on ``n_qubits`` qubits; of a classical memory, a superoperator.
        """
        if gate.table is not None:
            return gate.table.superoperator(theta)
        local = gate.operator(None if gate.param is None else float(gate.at(theta)))
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

        Raises
        ------
        ValueError
            If the memory is classical.
        """
        if self.is_classical:
            raise ValueError(f"{self!r} has a classical memory: it draws bits and has no unitary.")
        angles = self.check_theta(theta)
        result = qutip.tensor([qutip.qeye(2)] * self.n_qubits)
        for gate in self.gates:
            # The first gate acts first, so it stands to the right.
            result = self.operator(gate, angles) @ result
        return result

    def draw(self) -> str:
        """Return the circuit as text, one line per qubit, time from left to right.

        Returns
        -------
        str
        """
        return draw(self.gates, self.io_qubits, self.memory_qubits, self.param_names)

    def to_qiskit(
        self, steps: int | None = None, *, theta: Any = None, currents: Any = None
    ) -> Any:
        """Return the circuit, or a neuron of some time steps, as a ``qiskit.QuantumCircuit``.

        Register index k is qubit k, io qubits first. A step is reset, RX(pi z) and V(theta) on its
        qubits, and the measurement of the io qubits into classical bit ``t * io_qubits + n`` of
        step t and channel n; nothing depends on what was measured.

        Parameters
        ----------
        steps : int, optional
            Time steps, at least 1. None is V(theta) alone, without measurement.
        theta : array_like, shape (n_params,), optional
            Angles in radians. None leaves parameters, called as ``param_names`` says.
        currents : array_like, shape (steps,) or (steps, io_qubits), optional
            Input currents z; where z <= 0 there is no gate. None leaves the angles of the encoding
            gates as parameters ``phi[t * io_qubits + n]``: pi z in radians, and 0 where z <= 0.

        Returns
        -------
        QuantumCircuit

        Raises
        ------
        ImportError
            If Qiskit is missing. The message gives the command that installs it.
        TypeError, ValueError
            If an argument has the wrong shape, *currents* are given without *steps*, or the memory
            is classical.

        Examples
        --------
        >>> from lava_sqs.quantum.ansatz import paper
        >>> circuit = paper().to_qiskit(steps=4)
        >>> circuit.num_qubits, circuit.num_clbits, circuit.num_parameters
        (2, 4, 7)
        """
        if self.is_classical:
            raise ValueError(f"{self!r} is a table of probabilities: there is no circuit of it.")
        angles = None if theta is None else self.check_theta(theta)
        z = None
        if steps is not None:
            steps = check_int("steps", steps, minimum=1, maximum=100_000)
            if currents is not None:
                z = check_real("currents", currents)
                shape = (steps,) if z.ndim == 1 and self.io_qubits == 1 else (steps, self.io_qubits)
                check_shape("currents", z, shape)
        elif currents is not None:
            raise ArgumentValueError("currents", "must be None without `steps`: V has no input.")
        sizes = self.io_qubits, self.memory_qubits
        return to_circuit(self.gates, sizes, self.param_names, self.name, steps, angles, z)

    def to_qasm3(self, steps: int | None = None, *, theta: Any = None, currents: Any = None) -> str:
        """Return what :meth:`to_qiskit` makes, as OpenQASM 3.

        Parameters
        ----------
        steps, theta, currents
            See :meth:`to_qiskit`.

        Returns
        -------
        str
            Parameters are ``input`` variables. Qiskit renames what is no identifier of OpenQASM.

        Examples
        --------
        >>> from lava_sqs.quantum.ansatz import paper
        >>> print(paper().to_qasm3(steps=1, theta=[0.3, 0.2, 0.1], currents=[0.5]))
        OPENQASM 3.0;
        include "stdgates.inc";
        bit[1] c;
        qubit[2] q;
        reset q[0];
        rx(pi/2) q[0];
        crx(0.3) q[1], q[0];
        rx(0.2) q[1];
        rx(0.1) q[0];
        barrier q[0], q[1];
        c[0] = measure q[0];
        barrier q[0], q[1];
        <BLANKLINE>
        """
        return to_text(self.to_qiskit(steps, theta=theta, currents=currents))

    def __str__(self) -> str:
        return self.draw()

    def __repr__(self) -> str:
        return (
            f"Ansatz({self.name!r}, io_qubits={self.io_qubits}, "
            f"memory_qubits={self.memory_qubits}, gates={len(self.gates)}, "
            f"n_params={self.n_params})"
        )
