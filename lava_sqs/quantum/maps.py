r"""Sparse maps on few qubits of a register: what neurons are made of that go gate by gate.

A register is a real vector with some digits of *radix*: density matrices have a digit of 4 for
each qubit (I, X, Y, Z), pure states one of 2, and one more for real and imaginary part. A map is a
real matrix on some of the digits, mostly zero, and a trigonometric polynomial of its angles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum._room import LANES_LIMIT
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.gates import Gate
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.program import _ROUNDING
from lava_sqs.quantum.states import _kron
from lava_sqs.quantum.tiles import Passes, tables_of

__all__ = ["Maps"]

Array = NDArray[Any]

#: The kind of a factor 1, cos(angle/2), sin(angle/2); kinds 1 and 2 are those of superoperators.
HALF_ANGLE = 3


@dataclass
class Operation:
    """Factors (coefficients (n_terms, d, d), kind, gate) on *qubits*, the first acts first."""

    qubits: tuple[int, ...]
    factors: list[tuple[Array, int, Gate | None]]

    def multiply(self, matrix: Array, *, before: bool) -> None:
        """Multiply a constant *matrix* into the first or the last factor."""
        at = 0 if before else -1
        terms, kind, gate = self.factors[at]
        self.factors[at] = (terms @ matrix if before else matrix @ terms), kind, gate

    def on_all(self, matrix: Array, qubits: tuple[int, ...]) -> Array:
        """Return a map of *qubits*, one of the operation's or all, as a map of all of these."""
        if qubits == self.qubits:
            return matrix
        each = [matrix if (q,) == qubits else np.eye(4) for q in self.qubits]
        return np.asarray(reduce(_kron, each))


@dataclass(frozen=True, eq=False)
class Maps:
    """A step of (ansatz, noise) as sparse maps on the register, in order.

    Attributes
    ----------
    ansatz, noise
        What it was compiled from.
    operations : tuple
        Digits and factors of each map, in order.
    passes : tuple
        How they go over the register; see :func:`lava_sqs.quantum.tiles.arranged`.
    patterns : tuple of ndarray, shape (n_entries, 2)
        Rows and columns of each map's entries that are not always zero.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> from lava_sqs.quantum.pure import compile_pure
    >>> isinstance(compile_pure(ansatz.layered()), Maps)
    True
    """

    ansatz: Ansatz
    noise: NoiseModel | NoisePerNeuron | None
    operations: tuple[Operation, ...]
    passes: Passes
    patterns: tuple[Array, ...]
    _tables: dict[int, tuple[Array, ...]] = field(default_factory=dict, kw_only=True)

    radix: ClassVar[int]

    @property
    def digits(self) -> int:
        """Digits of the register."""
        raise NotImplementedError

    def __repr__(self) -> str:
        n = len(self.operations)
        return f"<{type(self).__name__} of {self.ansatz!r}, noise {self.noise}: {n} maps>"

    @property
    def n_entries(self) -> int:
        """Numbers of one neuron's maps."""
        return sum(map(len, self.patterns))

    def values(self, theta: Array) -> Array:
        """Return the entries of every map.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        ndarray, shape (K, n_entries)
        """
        out = np.empty((len(theta), self.n_entries))
        at = 0
        for operation, pattern in zip(self.operations, self.patterns, strict=True):
            matrix = _product(_factors(operation, theta))
            out[:, at : at + len(pattern)] = matrix[:, pattern[:, 0], pattern[:, 1]]
            at += len(pattern)
        return out

    def slopes(self, theta: Array) -> tuple[Array, Array]:
        """Return the derivatives of every map by each of its angles.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        table : ndarray of int, shape (n_slopes, 4)
            Map, parameter, first entry among all maps' and number of entries of each derivative.
        slopes : ndarray, shape (K, numbers)
            Its entries, one derivative after the other.
        """
        table, parts, first = [], [], 0
        for i, (operation, pattern) in enumerate(zip(self.operations, self.patterns, strict=True)):
            factors = _factors(operation, theta)
            for f, (terms, kind, gate) in enumerate(operation.factors):
                if gate is not None and kind:
                    # Product rule: one factor is replaced by its derivative; scale is d angle / d
                    # theta.
                    slope = _combined(_basis(kind, gate.at(theta), slope=True), gate.scale * terms)
                    each = [*factors[:f], slope, *factors[f + 1 :]]
                    matrix = _product(each)
                    table.append((i, gate.param, first, len(pattern)))
                    parts.append(matrix[:, pattern[:, 0], pattern[:, 1]])
            first += len(pattern)
        numbers = np.concatenate([np.empty((len(theta), 0)), *parts], axis=1)
        return np.array(table, dtype=np.int64).reshape(-1, 4), numbers

    def pull_back(self, theta: Array, gradient: Array) -> Array:
        """Return the gradient by the angles of what has a gradient by the maps.

        Parameters
        ----------
        theta : ndarray, shape (K or 1, n_params)
            Angles in radians.
        gradient : ndarray, shape (K, n_entries)
            Gradient with respect to the entries of the maps.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        table, slopes = self.slopes(theta)
        d_theta = np.zeros((len(gradient), theta.shape[1]))
        at = 0
        for _, param, first, count in table:
            part = slopes[:, at : at + count] * gradient[:, first : first + count]
            d_theta[:, param] += part.sum(axis=1)
            at += count
        return d_theta

    def score(
        self, values: Array, z: Array, outcomes: Array, signal: Array
    ) -> tuple[Array, Array, Array]:
        """Return the log-likelihood of recorded trains and its gradient by the maps.

        Parameters
        ----------
        values : ndarray, shape (K or 1, n_entries)
            Values of the neurons' maps.
        z : ndarray, shape (T, B, K, io_qubits)
            Input currents.
        outcomes : ndarray of int, shape (T, B, K)
            Reported outcomes.
        signal : ndarray, shape (T, B, K) or (0, 0, 0)
            Weight of each step; empty is 1.

        Returns
        -------
        log_likelihood : ndarray, shape (B, K)
        gradient : ndarray, shape (K, n_entries)
            See :meth:`pull_back`.
        d_z : ndarray, shape of *z*

        Raises
        ------
        ValueError
            If they would not fit. The message gives the bytes needed, the limit, and what fits.
        """
        steps, batch, size = outcomes.shape
        lanes = self.lanes(batch, self._registers(steps))
        self._check_scores(size, steps * lanes)
        scored = self._scored()
        logp, d_z = np.zeros((batch, size)), np.empty(z.shape)
        gradient = np.zeros((size, self.n_entries))
        trains = tuple(map(np.ascontiguousarray, (z, outcomes, signal)))
        self._score((self._made_of(lanes), scored, values, lanes), trains, (logp, gradient, d_z))
        return logp, gradient, d_z

    def _scored(self) -> Array:
        """Return which maps have angles."""
        return np.array([any(kind for _, kind, _ in o.factors) for o in self.operations], bool)

    def _made_of(self, lanes: int) -> Any:
        """Return what the kernels are given of the maps, for *lanes* side by side."""
        return self.tables(lanes)

    def part(self, which: Any) -> Any:
        """Return what some of the neurons are made of: all of the same here.

        Parameters
        ----------
        which : slice, or ndarray of int, shape (n,)
            Indices of the neurons.

        Returns
        -------
        Maps
        """
        return self

    def slope_tables(self, theta: Array) -> tuple[Array, Array]:
        """Return :meth:`slopes` as the kernels take them.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        table : ndarray, shape (n_slopes, 4)
            See :meth:`slopes`.
        slopes : ndarray, shape (K, numbers)
            See :meth:`slopes`.
        """
        return self.slopes(theta)

    def _registers(self, steps: int) -> int:
        """Return how many registers the scores of one sample need at a time."""
        raise NotImplementedError

    def _check_scores(self, size: int, steps: int) -> None:
        """Raise if the scores of *size* neurons over *steps* steps of all lanes would not fit."""
        raise NotImplementedError

    def _score(self, made_of: tuple[Any, ...], trains: tuple[Array, ...], out: Any) -> None:
        """Fill log-likelihoods, gradients by the maps and by z."""
        raise NotImplementedError

    def lanes(self, together: int, registers: int = 2) -> int:
        """Return how many of the samples that share their angles go side by side.

        Parameters
        ----------
        together : int
            Samples there are.
        registers : int
            How many registers each needs at a time.

        Returns
        -------
        int
            4, or 1 where that would be wasted or take more than 128 MiB.
        """
        fits = 8 * 4 * registers * self.radix**self.digits <= LANES_LIMIT
        return 4 if together > 2 and fits else 1

    def tables(self, lanes: int) -> tuple[Array, ...]:
        """Return the arrays of ``lava_sqs.quantum.kernels.tiles``, for *lanes* side by side."""
        if lanes not in self._tables:
            self._tables[lanes] = tables_of(self, lanes)
        return self._tables[lanes]


def _basis(kind: int, angle: Array, *, slope: bool = False) -> list[Array]:
    """As ``kernels.build.trigonometric_basis`` for angles (K,), or its derivative: n_terms (K,)."""
    step = 1.0 if kind == 1 else 0.5
    columns = [np.full(angle.shape, 0.0 if slope else 1.0)]
    for n in range(1, (2 if kind == 2 else 1) + 1):
        c, s = np.cos(n * step * angle), np.sin(n * step * angle)
        # A unitary's superoperator has the frequencies 0 and 1 in its angle, that of a controlled
        # rotation 1/2 as well; a state's matrix has 1/2 only.
        columns += [-n * step * s, n * step * c] if slope else [c, s]
    return columns


def _combined(basis: list[Array], terms: Array) -> Array:
    """Return the matrices (K, d, d): term by term, the same bits whatever K."""
    return np.asarray(sum(b[:, None, None] * term for b, term in zip(basis, terms, strict=True)))


def _product(factors: list[Array]) -> Array:
    """Return what factors make together, the first of which acts first."""
    return reduce(lambda done, new: new @ done, factors)


def _factors(operation: Operation, theta: Array) -> list[Array]:
    """Return the matrices (K or 1, d, d) of an operation's factors."""
    return [
        _combined(_basis(kind, gate.at(theta)), terms) if gate is not None and kind else terms
        for terms, kind, gate in operation.factors
    ]


def pattern_of(operation: Operation) -> Array:
    """Return where the product of the factors can differ from zero, whatever the angles."""
    present = [
        (np.abs(terms).max(axis=0) > _ROUNDING).astype(float) for terms, *_ in operation.factors
    ]
    return np.argwhere(_product(present) > 0)


def spread(
    operation: Operation, qubits: tuple[int, ...], radix: int
) -> list[tuple[Array, int, Gate | None]]:
    """Return the factors of an operation as those of one on more *qubits*."""
    own = operation.qubits
    order = [*own, *(q for q in qubits if q not in own)]
    at, n = [order.index(q) for q in qubits], len(qubits)
    axes = [0, *(1 + a for a in at), *(1 + n + a for a in at)]
    idle = np.eye(radix ** (n - len(own)))
    factors = []
    for terms, kind, gate in operation.factors:
        whole = np.array([_kron(term, idle) for term in terms]).reshape(-1, *(radix,) * (2 * n))
        factors.append((whole.transpose(axes).reshape(-1, radix**n, radix**n), kind, gate))
    return factors


def fused(
    operations: Iterable[Operation], radix: int, shared: tuple[int, ...] = (), saved: float = 0.0
) -> list[Operation]:
    """Return operations in order, where those are one that do not take longer together.

    Parameters
    ----------
    operations : iterable
        In order.
    radix : int
        Components of each digit.
    shared : tuple of int
        Digits that every operation has.
    saved : float
        What one operation less is worth, in multiplications for each number of the register.

    Returns
    -------
    list
        On at most two digits besides the *shared* ones, or as they were.
    """
    made: list[Operation | None] = []
    last: dict[int, int] = {}

    def cost(operation: Operation) -> float:
        return len(pattern_of(operation)) / float(radix ** len(operation.qubits))

    def joined(qubits: tuple[int, ...], first: Operation, second: Operation) -> Operation | None:
        parts = [*spread(first, qubits, radix), *spread(second, qubits, radix)]
        # Multiplications per number of the register decide: a denser matrix may cost more than two
        # sparse ones.
        both = Operation(qubits, parts)
        return both if cost(both) <= cost(first) + cost(second) + saved else None

    for new in operations:
        own = [q for q in new.qubits if q not in shared]
        before = {last.get(q, -1) for q in own}
        i = before.pop()
        old = made[i] if not before and i >= 0 else None  # all of its qubits were in one last
        if (
            old is not None
            and set(new.qubits) <= set(old.qubits)
            and len(old.qubits) <= 2 + len(shared)
        ):
            both = joined(old.qubits, old, new)
            if both is not None:
                made[i] = both
                continue
        for q in own if len(own) == 2 else ():
            i = last.get(q, -1)
            single = made[i] if i >= 0 else None
            if single is not None and single.qubits == (*shared, q):
                both = joined(new.qubits, single, new)
                if both is not None:
                    new, made[i] = both, None
        last.update(dict.fromkeys(own, len(made)))
        made.append(new)
    # None: went into a later operation.
    return [operation for operation in made if operation is not None]
