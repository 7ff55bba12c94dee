r"""The compiler of noiseless neurons whose memories are pure: states, gate by gate.

Given the outcome of a measurement, the register is a product of what was said and a pure state of
the memory, so that a memory that starts pure stays pure and has :math:`2^m` amplitudes in place of
the :math:`4^m` numbers of a density matrix. A gate is a real matrix on the real and imaginary
parts, sparse like those of ``density.py``, and orthogonal: going back through a step, the *adjoint
method* undoes gate after gate on the state and on its gradient

.. math::

    \phi_{g} = U_g^\dagger \phi_{g+1}, \qquad \chi_{g} = U_g^\dagger \chi_{g+1}, \qquad
    \frac{\partial}{\partial \theta} = \bigl\langle \chi_{g+1},
    \tfrac{\partial U_g}{\partial \theta}\, \phi_g \bigr\rangle ,

and keeps one register per time step, whatever the number of gates and angles.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import check_pure_scores
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.gates import half_angle_terms
from lava_sqs.quantum.kernels.pure import run_pure, score_pure
from lava_sqs.quantum.maps import HALF_ANGLE, Maps, Operation, fused, pattern_of
from lava_sqs.quantum.tiles import arranged

__all__ = ["PureProgram", "compile_pure"]

Array = NDArray[Any]

#: Outcomes less probable than this have no score: what divides by them would be rounding.
SCORE_FLOOR = 1e-12


def refuse_mixed() -> NoReturn:
    """Raise what to do where a clamped outcome leaves a mixed memory."""
    raise ArgumentValueError(
        "spikes",
        "must be possible where the memory is a pure state: an outcome of probability zero leaves "
        "it in a mixture of several others. Use backend='density'.",
    )


class PureProgram(Maps):
    """A step of a noiseless circuit as sparse maps on the state; see :func:`compile_pure`.

    Memories have the shape (..., 2, 2**memory_qubits): real and imaginary parts.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> compile_pure(ansatz.layered(1, 2))
    <PureProgram of Ansatz('layered', io_qubits=1, memory_qubits=2, gates=13, n_params=13), \
noise None: 5 maps>
    """

    radix: ClassVar[int] = 2

    @property
    def digits(self) -> int:
        """Qubits of the register, and one for real and imaginary parts."""
        return self.ansatz.n_qubits + 1

    @property
    def ground(self) -> Array:
        """The memory ``|0..0>``, shape (2, 2**memory_qubits)."""
        state = np.zeros((2, 2**self.ansatz.memory_qubits))
        state[0, 0] = 1.0
        return state

    def run(self, values: Array, vectors: Array, *arrays: Any) -> int:
        """Move memories and return how many outcomes were at the floor.

        Parameters
        ----------
        values : ndarray, shape (K or 1, n_entries)
            Values of the neurons' maps, in the precision of the memories.
        vectors : ndarray, shape (B, K, 2, 2**memory_qubits)
            Memories, moved in place.
        *arrays
            See :meth:`~lava_sqs.quantum.density.DensityProgram.run`; memories are not recorded.

        Returns
        -------
        int
        """
        together = vectors.shape[0] * (vectors.shape[1] if len(values) == 1 else 1)
        lanes = self.lanes(together)
        z, u, clamp, floor, *records = arrays
        made_of = self.tables(lanes), values, lanes
        hits = int(run_pure(*made_of, z, u, clamp, vectors, floor, *records[:3]))
        if hits < 0:
            refuse_mixed()
        return hits

    def _check_scores(self, size: int, steps: int) -> None:
        check_pure_scores(self.ansatz, rows=size, steps=steps)

    def _registers(self, steps: int) -> int:
        return steps + 6

    def _score(self, made_of: tuple[Any, ...], trains: tuple[Array, ...], out: Any) -> None:
        amplitudes = 2**self.ansatz.memory_qubits
        if score_pure(*made_of, *trains, SCORE_FLOOR, amplitudes, *out) < 0:
            refuse_mixed()


@lru_cache(maxsize=16)
def compile_pure(ansatz: Ansatz) -> PureProgram:
    """Make the maps of a noiseless step, gate by gate; the result serves every *theta*.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit. The last 16 are kept.

    Returns
    -------
    PureProgram

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> program = compile_pure(ansatz.layered(1, 12))
    >>> program.values(np.zeros((1, program.ansatz.n_params))).shape[1] < 1000
    True
    """
    # Digit 0 tells real from imaginary parts. Every gate acts on it, and yet gates of different
    # qubits commute: they are complex-linear.
    made = fused(map(_operation, ansatz.gates), 2, shared=(0,))
    operations, passes = arranged(made, ansatz.n_qubits + 1, 2)
    return PureProgram(
        ansatz=ansatz,
        noise=None,
        operations=operations,
        passes=passes,
        patterns=tuple(map(pattern_of, operations)),
    )


def _operation(gate: Gate) -> Operation:
    """Return what a gate does to real and imaginary parts: digit 0, its qubits are from 1."""
    u = half_angle_terms(gate)
    if gate.param is None:
        u = u[:1]
    # U (a + ib) = (Re U a - Im U b) + i (Im U a + Re U b).
    terms = np.block([[u.real, -u.imag], [u.imag, u.real]])
    kind = 0 if gate.param is None else HALF_ANGLE
    return Operation((0, *(q + 1 for q in gate.qubits)), [(terms, kind, gate)])
