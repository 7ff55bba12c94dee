"""Programs of neurons whose noise differs: equal models, and equal structures, are kept once.

Two models make programs of the same structure if the same entries of the same gates are not zero:
then only numbers differ, and one call of a kernel builds the instruments of all their neurons.
Others (of a neuron with a coupling beside one without) are built one structure after the other. How
the neurons run knows nothing of this: an instrument is an instrument.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum._room import check_compiled, check_scores
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.program import Program, compile_program

__all__ = ["MixedProgram", "compile_neurons"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class _Stack(Program):
    """Programs of one structure: terms, start and effects have a leading axis.

    Neuron k has row which[k] of them.
    """

    which: NDArray[np.int64] = field(kw_only=True)

    def _call(self, kernel: Any, theta: Array, *arrays: Array) -> None:
        stacks = self.terms, self.start, self.effects
        self._call_stacked(kernel, stacks, self.which, theta, *arrays)


def _structure(program: Program) -> Any:
    """Return what two programs must share to be stacked; a classical memory is by itself."""
    # A classical memory has a table of maps in place of gates, and nothing that could be stacked.
    if program.maps is not None:
        return id(program)
    # Bytes, not arrays: hashable, and equal only if pattern and order of the entries agree exactly.
    columns = tuple(program.angles.columns)
    arrays = program.table, program.entries, program.rows
    return columns, *(array.tobytes() for array in arrays)


class MixedProgram:
    """What :class:`~lava_sqs.quantum.program.Program` is, for neurons with a model each.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoisePerNeuron
        A model per neuron.

    Attributes
    ----------
    ansatz, noise
        What it was compiled from.

    Raises
    ------
    ValueError
        If the programs and instruments would not fit.

    Examples
    --------
    >>> from lava_sqs.quantum import NoiseModel, ansatz
    >>> noise = NoisePerNeuron([NoiseModel(p_reset=0.1), None, NoiseModel(p_reset=0.2)])
    >>> program = MixedProgram(ansatz.paper(), noise)
    >>> program.build(np.zeros((3, 3))).shape
    (3, 2, 4, 3, 4)
    """

    def __init__(self, ansatz: Ansatz, noise: NoisePerNeuron) -> None:
        check_compiled(ansatz, noise, len(noise))
        self.ansatz, self.noise = ansatz, noise
        # One per model that differs, not per neuron: compiling goes through QuTiP, building does
        # not.
        programs = [compile_program(ansatz, model) for model in noise.models]
        self._etas = np.array([program.eta for program in programs])
        self._which: NDArray[np.int64] = noise.which
        self._stacks: list[Program] = []
        self._place = np.empty((len(programs), 2), dtype=np.int64)  # stack and row of each model
        alike: dict[Any, list[int]] = {}
        for i, program in enumerate(programs):
            alike.setdefault(_structure(program), []).append(i)
        for models in alike.values():
            for row, i in enumerate(models):
                self._place[i] = len(self._stacks), row
            self._stacks.append(_stacked([programs[i] for i in models]))

    def __repr__(self) -> str:
        return f"<MixedProgram of {self.ansatz!r}, noise {self.noise}>"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape (S, D, C, D) of one neuron's instrument."""
        return self._stacks[0].shape

    def etas(self, size: int) -> Array:
        """Return the shrinkage of the encoding gate, shape (size, io_qubits).

        Parameters
        ----------
        size : int
            Number of neurons: as many as there are models, or whole copies of them.

        Returns
        -------
        ndarray
        """
        # np.resize repeats: copies of a layer lie one after the other, neuron k has model k % K.
        return np.ascontiguousarray(self._etas[np.resize(self._which, size)])

    def part(self, which: Any) -> MixedProgram:
        """Return what some of the neurons are made of.

        Parameters
        ----------
        which : slice, or ndarray of int, shape (n,)
            Indices of the neurons.

        Returns
        -------
        MixedProgram
        """
        if isinstance(which, slice) and which == slice(None):
            return self
        new = object.__new__(MixedProgram)
        # Programs are shared, they never change; only the grouping of neurons is found anew.
        new.__dict__.update({k: v for k, v in vars(self).items() if k != "_parts"})
        new._which = self._which[which]
        return new

    @cached_property
    def _parts(self) -> list[tuple[Any, Any]]:
        """Programs, and the neurons that are theirs."""
        stack, row = self._place[self._which].T
        if len(self._stacks) == 1:
            return [(_with_rows(self._stacks[0], row), slice(None))]
        found = []
        for i, program in enumerate(self._stacks):
            at = np.flatnonzero(stack == i)
            if len(at):
                found.append((_with_rows(program, row[at]), at))
        return found

    def build(self, theta: Array, dtype: Any = np.float64) -> Array:
        """Return the instruments, as :meth:`~lava_sqs.quantum.program.Program.build`.

        Parameters
        ----------
        theta : ndarray, shape (K, n_params)
            Angles in radians.
        dtype : float64 or float32
            Precision of the result.

        Returns
        -------
        ndarray, shape (K, S, D, C, D)
        """
        check_compiled(self.ansatz, self.noise, len(theta), dtype)
        A = np.empty((len(theta), *self.shape), dtype=dtype)
        # 2**23 numbers (64 MiB of float64) at a time: the kernel writes float64 in any case, and
        # for float32 this bounds the copy that is rounded.
        chunk = max(1, 2**23 // math.prod(self.shape))
        for k in range(0, len(theta), chunk):
            rows = slice(k, k + chunk)
            out = A[rows] if A.dtype == np.float64 else np.empty(A[rows].shape)
            self.part(rows if len(theta) > chunk else slice(None)).rebuild(theta[rows], out)
            A[rows] = out
        return A

    def rebuild(self, theta: Array, out: Array) -> None:
        """Write the instruments of angles *theta* (K, n_params) into *out*, as `build`.

        Parameters
        ----------
        theta, out
            The same as in :meth:`~lava_sqs.quantum.program.Program.rebuild`.
        """
        for program, at in self._parts:
            # A slice is a view, written in place; an index array makes a copy, which has to be put
            # back.
            own = out[at]
            program.rebuild(theta[at], own)
            if not isinstance(at, slice):
                out[at] = own

    def derive(self, theta: Array, out: Array, instruments: Array | None = None) -> None:
        """Write the derivatives of the instruments by each angle.

        Parameters
        ----------
        theta, out, instruments
            The same as in :meth:`~lava_sqs.quantum.program.Program.derive`.
        """
        for program, at in self._parts:
            # The same: `own` and `made` are views for a slice and copies for indices.
            own = out[at]
            made = None if instruments is None else instruments[at]
            program.derive(theta[at], own, made)
            if not isinstance(at, slice):
                out[at] = own
                if instruments is not None:
                    instruments[at] = made

    def pull_back(self, theta: Array, gradient: Array) -> Array:
        """Return ``sum <gradient, dA/dtheta_p>``.

        Parameters
        ----------
        theta, gradient
            The same as in :meth:`~lava_sqs.quantum.program.Program.pull_back`.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        d_theta = np.empty(theta.shape)
        for program, at in self._parts:
            d_theta[at] = program.pull_back(theta[at], gradient[at])
        return d_theta

    def check_pull_back(self, rows: int) -> None:
        """Refuse a pull-back that would not fit with the states that it keeps.

        Parameters
        ----------
        rows : int
            Sets of angles K.

        Raises
        ------
        ValueError
            If it would not fit.
        """
        operations = max(len(program.table) for program in self._stacks)
        check_scores(self.ansatz, self.noise, rows=rows, derivatives=False, operations=operations)


def _stacked(programs: list[Program]) -> Program:
    """Return programs of one structure as one."""
    first = programs[0]
    if len(programs) == 1:
        return first
    # The columns of theta, the sparsity and the order of operations are equal by _structure: only
    # these three hold numbers of the noise.
    stacks = {k: np.stack([getattr(p, k) for p in programs]) for k in ("terms", "start", "effects")}
    return _Stack(**{**vars(first), "noise": None, **stacks}, which=np.empty(0, dtype=np.int64))


def _with_rows(program: Program, rows: NDArray[np.int64]) -> Program:
    """Return a stack whose neurons have these rows."""
    if not isinstance(program, _Stack):
        return program
    return _Stack(**{**vars(program), "which": np.ascontiguousarray(rows)})


def compile_neurons(
    ansatz: Ansatz, noise: NoiseModel | NoisePerNeuron | None = None
) -> Program | MixedProgram:
    """Return the program of neurons with one noise, or with one each.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel or NoisePerNeuron, optional
        None is noiseless.

    Returns
    -------
    Program or MixedProgram

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> type(compile_neurons(ansatz.paper())).__name__
    'Program'
    """
    if isinstance(noise, NoisePerNeuron):
        return _mixed(ansatz, noise)
    return compile_program(ansatz, noise)


@lru_cache(maxsize=8)  # a network compiles its layers again with every update of their angles
def _mixed(ansatz: Ansatz, noise: NoisePerNeuron) -> MixedProgram:
    return MixedProgram(ansatz, noise)
