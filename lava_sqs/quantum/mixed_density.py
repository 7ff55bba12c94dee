"""Gate-by-gate neurons whose noise differs: a program per model, and one loop for all neurons.

The tables of all models lie one after the other, and the kernels take those of each neuron's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.density import DensityProgram, compile_density
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron

__all__ = ["MixedDensity", "density_of_neurons"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class MixedDensity(DensityProgram):
    """What a DensityProgram is, for neurons with a model of noise each.

    Attributes
    ----------
    ansatz, noise, operations, passes, patterns, io, readout
        The same as in a DensityProgram; what depends on the noise is empty, and in `programs`.
    programs : tuple of DensityProgram
        One per model that differs.
    which : ndarray of int, shape (K,)
        Which of them each neuron has.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> noise = NoisePerNeuron([NoiseModel(p_reset=0.1), None])
    >>> program = density_of_neurons(ansatz.layered(1, 4), noise)
    >>> program.values(np.zeros((2, 23))).shape == (2, program.n_entries)
    True
    """

    programs: tuple[DensityProgram, ...] = field(kw_only=True)
    which: NDArray[np.int64] = field(kw_only=True)

    def __repr__(self) -> str:
        return f"<MixedDensity of {self.ansatz!r}, noise {self.noise}>"

    @property
    def n_entries(self) -> int:
        """Numbers of one neuron's maps: those of the model that has most."""
        return max(program.n_entries for program in self.programs)

    def part(self, which: Any) -> MixedDensity:
        """Return what some of the neurons are made of.

        Parameters
        ----------
        which : slice, or ndarray of int, shape (n,)
            Indices of the neurons.

        Returns
        -------
        MixedDensity
        """
        # The tables depend on models, not on neurons: parts of a layer share the cache.
        return replace(self, which=self.which[which], _tables=self._tables)

    def _own(self) -> Iterator[tuple[int, DensityProgram, Array]]:
        """Yield each model's program with the neurons that have it."""
        for i, program in enumerate(self.programs):
            at = np.flatnonzero(self.which == i)
            if len(at):
                yield i, program, at

    def values(self, theta: Array) -> Array:
        """Return the entries of every map; 0 where another model has more.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        ndarray, shape (K, n_entries)
        """
        out = np.zeros((len(theta), self.n_entries))
        for _, program, at in self._own():
            out[at, : program.n_entries] = program.values(theta[at])
        return out

    def slopes(self, theta: Array) -> tuple[Array, Array]:
        """Return the derivatives of every map by each of its angles, with a table per model.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        table : ndarray of int, shape (models, most slopes, 4)
            As of a DensityProgram; -1 where another model has more.
        slopes : ndarray, shape (K, most numbers)
        """
        made = [(i, at, *program.slopes(theta[at])) for i, program, at in self._own()]
        rows = max(len(table) for *_, table, _ in made)
        numbers = max(slopes.shape[1] for *_, slopes in made)
        # Rows of -1 end a model's table: kernels take a rectangular array, and models differ in
        # length.
        tables = np.full((len(self.programs), rows, 4), -1)
        out = np.zeros((len(theta), numbers))
        for i, at, table, slopes in made:
            tables[i, : len(table)] = table
            out[at, : slopes.shape[1]] = slopes
        return tables, out

    slope_tables = slopes  # that table has its axis of models already

    def pull_back(self, theta: Array, gradient: Array) -> Array:
        """Return the gradient by the angles of what has a gradient by the maps.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        gradient : ndarray, shape (K, n_entries)
            Gradient by the entries.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        d_theta = np.empty((len(gradient), theta.shape[1]))
        for _, program, at in self._own():
            d_theta[at] = program.pull_back(theta[at], gradient[at, : program.n_entries])
        return d_theta

    def outcomes(self, values: Array, z: Any, memory: Array) -> Array:
        """Refuse: this is asked of one neuron, by its own program.

        Parameters
        ----------
        values, z, memory
            What a DensityProgram takes.

        Raises
        ------
        TypeError
            If it is called.
        """
        raise TypeError("Ask the program of one neuron, in `programs`.")

    def _scored(self) -> Array:
        each = [program._scored() for program in self.programs]
        scored = np.zeros((len(each), max(map(len, each))), dtype=bool)
        for row, own in zip(scored, each, strict=True):
            row[: len(own)] = own
        return scored

    def _registers(self, steps: int) -> int:
        return max(program._registers(steps) for program in self.programs)

    def _read(self) -> tuple[tuple[Array, Array, Array, Array], Array]:
        # Where the io digits are is the circuit's and equal in all models; only numbers are
        # stacked.
        etas, weights, (place, *_), (seen, *_) = zip(*(p.io for p in self.programs), strict=True)
        readout = np.stack([program.readout for program in self.programs])
        return (np.stack(etas), np.stack(weights), place, seen), readout

    def tables(self, lanes: int) -> tuple[Array, ...]:
        """Return the arrays of all models, one after the other.

        Parameters
        ----------
        lanes : int
            Samples side by side.

        Returns
        -------
        tuple of ndarray
        """
        return self._joined(lanes)[0]

    def _made_of(self, lanes: int) -> tuple[tuple[Array, ...], Array, Array]:
        return (*self._joined(lanes), np.ascontiguousarray(self.which))

    def _joined(self, lanes: int) -> tuple[tuple[Array, ...], Array]:
        kept: Any = self._tables
        if lanes not in kept:
            each = [program.tables(lanes) for program in self.programs]
            sizes = np.array([[len(array) for array in tables] for tables in each])
            # Row i: where the part of model i begins in each joined array. Places inside a part
            # count from there, so that the tables need no rewriting.
            ends = np.concatenate([np.zeros((1, sizes.shape[1]), int), np.cumsum(sizes, axis=0)])
            joined = tuple(np.concatenate(arrays) for arrays in zip(*each, strict=True))
            kept[lanes] = joined, ends.astype(np.int64)
        made: tuple[tuple[Array, ...], Array] = kept[lanes]
        return made


def density_of_neurons(
    ansatz: Ansatz, noise: NoiseModel | NoisePerNeuron | None = None
) -> DensityProgram:
    """Return the gate-by-gate program of neurons with one noise, or with one each.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel or NoisePerNeuron, optional
        None is noiseless.

    Returns
    -------
    DensityProgram

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> type(density_of_neurons(ansatz.layered(1, 4))).__name__
    'DensityProgram'
    """
    return (
        _mixed(ansatz, noise)
        if isinstance(noise, NoisePerNeuron)
        else compile_density(ansatz, noise)
    )


@lru_cache(maxsize=8)  # a network compiles its layers again with every update of their angles
def _mixed(ansatz: Ansatz, noise: NoisePerNeuron) -> MixedDensity:
    programs = tuple(compile_density(ansatz, model) for model in noise.models)
    own: Any = dict.fromkeys(("operations", "passes", "patterns", "io", "readout"), ())
    # What depends on the noise is in `programs`: nothing here is that of the first.
    return MixedDensity(ansatz=ansatz, noise=noise, **own, programs=programs, which=noise.which)
