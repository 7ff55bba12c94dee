r"""A classical memory: tables of probabilities in place of a unitary, as instruments.

The io qubits are rotated by their currents and, by angles ``alpha`` that depend on the memory's
bits m, once more; they are measured, which gives the bits x. Then a table draws spikes and a new
memory:

.. math::

    p(s, m' | m, z) = \sum_x \prod_n q_n(x_n | m, z_n)\, \tau(s, m' | x, m), \qquad
    q_n(1 | m, z) = \sin^2\bigl((\pi \max(z, 0) + \alpha_n(m)) / 2\bigr) .

Every entry of ``tau`` is a product over the bits of (s, m') of ``sin^2(phi / 2)`` where a bit
differs from the one in (x, m) and of ``cos^2(phi / 2)`` where it does not: at angles of zero the
neuron spikes with probability ``sin^2(pi z / 2)`` and keeps its memory, as a quantum one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._lazy import qutip
from lava_sqs.quantum.states import matrix_to_superoperator

__all__ = ["MOST_BITS", "TABLES", "Table", "TableMaps"]

Array = NDArray[Any]

#: What the angle of a bit may depend on: all inputs and the bits drawn before it; all inputs; or
#: each input by itself, in a sum.
TABLES = ("full", "independent", "additive")
#: Spikes and memory together; of six, the table alone would take a gigabyte.
MOST_BITS = 5


@dataclass(frozen=True)
class Table:
    """Which angles a classical memory has, and the probabilities that follow from them.

    Made by :func:`lava_sqs.quantum.ansatz.classical_memory`.

    Attributes
    ----------
    io_qubits, memory_qubits : int
        How many bits are spikes, and how many are kept.
    kind : {"full", "independent", "additive"}
        What the angle of a new bit depends on.

    Examples
    --------
    >>> [Table(1, 1, kind).n_params for kind in TABLES]
    [14, 10, 8]
    """

    io_qubits: int
    memory_qubits: int
    kind: str

    @property
    def n_bits(self) -> int:
        """Spikes and memory together."""
        return self.io_qubits + self.memory_qubits

    @property
    def n_params(self) -> int:
        """Number of angles."""
        return len(self.param_names)

    @cached_property
    def param_names(self) -> tuple[str, ...]:
        """Names of the angles: of the rotations by the memory (`turn`), then of the table."""
        old = [f"x{i}" for i in range(self.io_qubits)]
        old += [f"m{i}" for i in range(self.memory_qubits)]
        new = [f"s{i}" for i in range(self.io_qubits)] + old[self.io_qubits :]
        turns = [f"turn{i}" for i in range(self.io_qubits)]
        names = [f"{t}_{given}" for t in turns for given in self._words(old[self.io_qubits :])]
        for j, bit in enumerate(new):
            before = new[:j] if self.kind == "full" else []
            after = [f"_{w}" for w in _patterns(len(before))] if before else [""]
            names += [f"{bit}_{given}{w}" for given in self._words(old) for w in after]
        return tuple(names)

    def _words(self, bits: list[str]) -> list[str]:
        """Name the angles that depend on *bits*."""
        return ["0", *bits] if self.kind == "additive" else _patterns(len(bits))

    def _design(self, n: int) -> Array:
        """Return what angles a pattern of *n* bits adds up, (2**n, angles)."""
        if self.kind != "additive":
            return np.eye(2**n)
        return np.concatenate([np.ones((2**n, 1)), _bits(n)], axis=1)

    @cached_property
    def _turning(self) -> Array:
        """Which angles make alpha (N_I, 2**N_M), shape (N_I, 2**N_M, P)."""
        each = self._design(self.memory_qubits)
        design = np.zeros((self.io_qubits, len(each), self.n_params))
        for n in range(self.io_qubits):
            design[n, :, n * each.shape[1] : (n + 1) * each.shape[1]] = each
        return design

    @cached_property
    def _drawing(self) -> Array:
        """Which angles make phi (n, 2**n, 2**n) of each new bit, input and output: (..., P)."""
        n = self.n_bits
        each, size = self._design(n), 2**n
        design = np.zeros((n, size, size, self.n_params))
        at = self.io_qubits * self._design(self.memory_qubits).shape[1]
        for j in range(n):
            prefixes = 2**j if self.kind == "full" else 1
            for out in range(size):
                columns = np.arange(each.shape[1]) * prefixes
                columns += (out >> (n - j)) if prefixes > 1 else 0
                design[j, :, out, at + columns] = each.T
            at += each.shape[1] * prefixes
        return design

    @cached_property
    def _signs(self) -> Array:
        """1 where a bit of output o is that of input i, -1 where it is not: (n, i, o)."""
        bits = _bits(self.n_bits)
        return 1.0 - 2.0 * np.abs(bits[:, None] - bits[None]).transpose(2, 0, 1)

    def turns(self, theta: Array) -> Array:
        """Return the angles alpha by which the memory turns the io qubits.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        ndarray, shape (K, N_I, 2**N_M)
        """
        return np.asarray(np.einsum("nmp,kp->knm", self._turning, theta))

    def factors(self, theta: Array) -> tuple[Array, Array]:
        """Return what each entry of tau is the product of, over new bits, and its slopes.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        factors : ndarray, shape (K, n, 2**n, 2**n)
            By new bit, input and output.
        slopes : ndarray, shape (K, n, 2**n, 2**n)
            The same by phi.
        """
        phi = (theta @ self._drawing.reshape(-1, self.n_params).T).reshape(
            len(theta), *self._signs.shape
        )
        return (1 + self._signs * np.cos(phi)) / 2, -self._signs * np.sin(phi) / 2

    def probabilities(self, theta: Array) -> Array:
        """Return tau, the probability of the new bits (s, m') given (x, m).

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        ndarray, shape (K, 2**n, 2**n)
            Rows are inputs, and sum to one; the first bit is the most significant.

        Examples
        --------
        >>> Table(1, 1, "full").probabilities(np.zeros((1, 14)))[0].diagonal()
        array([1., 1., 1., 1.])
        """
        return np.asarray(self.factors(theta)[0].prod(axis=1))

    def superoperator(self, theta: Array) -> qutip.Qobj:
        """Return the channel on io and memory qubits: turn, measure, draw.

        Parameters
        ----------
        theta : ndarray, shape (n_params,)
            Angles in radians.

        Returns
        -------
        Qobj
            A superoperator on ``n_bits`` qubits.
        """
        maps = TableMaps.plain(self)
        matrix = np.empty((1, 4**self.n_bits, 4**self.n_bits))
        maps.build(np.asarray(theta)[None], matrix)
        return matrix_to_superoperator(matrix[0])


@dataclass(frozen=True, eq=False)
class TableMaps:
    """A table between what happens to the register before it and after it.

    Attributes
    ----------
    table : Table
        The table to build maps of.
    before : ndarray, shape (2**N_M, 3**N_I, columns)
        Table of each column, by the memory's bits, the io qubits' components 1, Y and Z.
    after : ndarray, shape (rows, 2**n)
        What is read of each pattern of new bits.

    Examples
    --------
    >>> maps = TableMaps.plain(Table(1, 1, "full"))
    >>> maps.before.shape, maps.after.shape
    ((2, 3, 16), (16, 4))
    """

    table: Table
    before: Array
    after: Array

    @classmethod
    def plain(cls, table: Table) -> TableMaps:
        """Return the maps of a table alone, from Pauli vectors of the register to such.

        Parameters
        ----------
        table : Table
            The table to build maps of.

        Returns
        -------
        TableMaps
        """
        return cls.between(table, np.eye(4**table.n_bits), patterns(table.n_bits))

    @classmethod
    def between(cls, table: Table, register: Array, after: Array) -> TableMaps:
        """Return the maps of a table.

        Parameters
        ----------
        table : Table
            The table to build maps of.
        register : ndarray, shape (4**n, columns)
            Pauli vectors of the register that the table finds.
        after : ndarray, shape (rows, 2**n)
            The attribute of the same name.

        Returns
        -------
        TableMaps
        """
        io, memory = table.io_qubits, table.memory_qubits
        # RX about the encoded qubit mixes Y and Z and leaves X alone, and X says nothing of a bit.
        seen = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])  # 1, Y, Z
        # P(0) = (1 + Z)/2, P(1) = (1 - Z)/2.
        bit = np.array([[0.5, 0, 0, 0.5], [0.5, 0, 0, -0.5]])
        view = reduce(np.kron, [seen] * io + [bit] * memory)
        parts = (view @ register).reshape(3**io, 2**memory, -1)
        return cls(table, np.ascontiguousarray(parts.swapaxes(0, 1)), after)

    def _seen(self, theta: Array) -> tuple[Array, Array]:
        """Return how likely x is by component: Q (K, N_I, m, x_n, 3), and its slopes by alpha."""
        alpha = self.table.turns(theta)
        rows = np.zeros((2, *alpha.shape, 2, 3))
        rows[0, ..., 0] = 0.5
        for x, sign in ((0, 0.5), (1, -0.5)):
            rows[0, ..., x, 1], rows[0, ..., x, 2] = sign * np.sin(alpha), sign * np.cos(alpha)
            rows[1, ..., x, 1], rows[1, ..., x, 2] = sign * np.cos(alpha), -sign * np.sin(alpha)
        return rows[0], rows[1]

    def _inputs(self, rows: list[Array]) -> Array:
        """Return the probability of each input (x, m), by column: (K, 2**n, columns)."""
        Q = rows[0]  # (K, m, x, a)
        for row in rows[1:]:
            Q = np.einsum("kmxa,kmyb->kmxyab", Q, row).reshape(
                *Q.shape[:2], 2 * Q.shape[2], 3 * Q.shape[3]
            )
        seen = np.einsum("kmxa,mac->kxmc", Q, self.before, optimize=True)
        return np.asarray(seen.reshape(len(seen), 2**self.table.n_bits, -1))

    def build(self, theta: Array, out: Array) -> None:
        """Write what is read after the table for each column of the register.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        out : ndarray, shape (K, ...)
            Array to be overwritten, with rows times columns numbers per neuron; C-contiguous.
        """
        found = self._inputs(list(np.moveaxis(self._seen(theta)[0], 1, 0)))
        drawn = self.table.probabilities(theta).swapaxes(1, 2) @ found
        np.matmul(self.after, drawn, out=out.reshape(len(theta), len(self.after), -1))

    def pull_back(self, theta: Array, gradient: Array) -> Array:
        """Return ``sum <gradient, d build / d theta_p>``: reverse mode through `build`.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        gradient : ndarray, shape (K, ...)
            Gradient with respect to what `build` writes.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        table, n_io = self.table, self.table.io_qubits
        rows, slopes = (np.moveaxis(x, 1, 0) for x in self._seen(theta))
        found = self._inputs(list(rows))
        effects = self.after.T @ gradient.reshape(len(theta), len(self.after), -1)
        factors, d_factors = table.factors(theta)
        by_tau = found @ effects.swapaxes(1, 2)
        # Not tau / factor * slope: a factor may be zero.
        by_phi = by_tau[:, None] * _others(factors) * d_factors
        d_theta = by_phi.reshape(len(theta), -1) @ table._drawing.reshape(-1, table.n_params)
        by_found = factors.prod(axis=1) @ effects
        for n in range(n_io):
            moved = self._inputs([slopes[i] if i == n else rows[i] for i in range(n_io)])
            by_alpha = (moved * by_found).sum(axis=2).reshape(len(theta), 2**n_io, -1).sum(axis=1)
            d_theta += by_alpha @ table._turning[n]
        return np.asarray(d_theta)

    def derive(self, theta: Array, out: Array) -> None:
        """Write the derivatives of what `build` writes by each angle.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        out : ndarray, shape (K, n_params, ...)
            Array to be overwritten.
        """
        table, n_io = self.table, self.table.io_qubits
        rows, slopes = (np.moveaxis(x, 1, 0) for x in self._seen(theta))
        found = self._inputs(list(rows))
        factors, d_factors = table.factors(theta)
        others, tau = _others(factors) * d_factors, factors.prod(axis=1)
        moved = [
            self._inputs([slopes[i] if i == n else rows[i] for i in range(n_io)])
            for n in range(n_io)
        ]
        by_memory = np.arange(2**table.n_bits) % 2**table.memory_qubits
        for p in range(table.n_params):
            d_tau = np.einsum("knio,nio->koi", others, table._drawing[..., p])
            drawn = d_tau @ found
            for n in range(n_io):
                if (weight := table._turning[n, :, p]).any():
                    drawn += tau.swapaxes(1, 2) @ (moved[n] * weight[by_memory, None])
            out[:, p] = (self.after @ drawn).reshape(out[:, p].shape)


def patterns(n: int) -> Array:
    """Return the Pauli vectors of all patterns of *n* bits, as columns: (4**n, 2**n)."""
    one = np.array([[1.0, 1], [0, 0], [0, 0], [1, -1]])
    return np.asarray(reduce(np.kron, [one] * n))


def _bits(n: int) -> Array:
    """Return all patterns of *n* bits, the first the most significant: (2**n, n)."""
    return np.array(list(product((0.0, 1.0), repeat=n)))


def _patterns(n: int) -> list[str]:
    return ["".join(bits) for bits in product("01", repeat=n)]


def _others(factors: Array) -> Array:
    """Return for each factor (along axis 1) the product of all others; some may be zero."""
    ones = np.ones_like(factors[:, :1])
    before = np.concatenate([ones, factors[:, :-1].cumprod(axis=1)], axis=1)
    after = np.concatenate([factors[:, :0:-1].cumprod(axis=1)[:, ::-1], ones], axis=1)
    return np.asarray(before * after)
