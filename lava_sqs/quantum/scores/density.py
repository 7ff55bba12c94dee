"""Exact scores of neurons that go gate by gate: recorded trains in reverse mode.

The same gradients as from instruments (see ``recorded.py``), for memories whose instruments would
be too large. What is kept is the memory of every step, and the registers of one step at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum._room import check_density_scores
from lava_sqs.quantum.density import DensityProgram
from lava_sqs.quantum.engines.base import FLOOR
from lava_sqs.quantum.kernels.density import score_density
from lava_sqs.quantum.states import ground_state

__all__ = ["DensityScores"]

Array = NDArray[Any]


class DensityScores:
    """The maps of neurons, made once to score many trains.

    Parameters
    ----------
    program : DensityProgram
        Of :func:`lava_sqs.quantum.density.compile_density`.
    theta : ndarray, shape (R, n_params)
        Angles in radians, of each neuron or (R = 1) of all.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> from lava_sqs.quantum.density import compile_density
    >>> scores = DensityScores(compile_density(ansatz.layered(1, 4)), np.zeros((1, 23)))
    >>> z, outcomes = np.full((5, 2, 1, 1), 0.5), np.ones((5, 2, 1), dtype=int)
    >>> logp, d_theta, d_z = scores.score(z, outcomes, np.empty((0, 0, 0)))
    >>> logp.shape, d_theta.shape, d_z.shape
    ((2, 1), (1, 23), (5, 2, 1, 1))
    """

    def __init__(self, program: DensityProgram, theta: Array) -> None:
        self.program, self._theta = program, theta
        self._values = program.values(theta)
        self._scored = np.array(
            [any(kind for _, kind, _ in o.factors) for o in program.operations], dtype=bool
        )

    def __repr__(self) -> str:
        return f"<DensityScores: {len(self._theta)} neurons of {self.program!r}>"

    def score(self, z: Array, outcomes: Array, signal: Array) -> tuple[Array, Array, Array]:
        """Return the log-likelihood of recorded trains and its gradient.

        Parameters
        ----------
        z : ndarray, shape (T, B, K, io_qubits)
            Input currents.
        outcomes : ndarray of int, shape (T, B, K)
            Reported outcomes.
        signal : ndarray, shape (T, B, K) or (0, 0, 0)
            Weight of each step; empty is 1.

        Returns
        -------
        log_likelihood : ndarray, shape (B, K)
        d_theta : ndarray, shape (K, n_params)
        d_z : ndarray, shape of *z*

        Raises
        ------
        ValueError
            If they would not fit: with the bytes needed, the limit, and what fits.
        """
        program = self.program
        steps, batch, size = outcomes.shape
        lanes = program.lanes(batch, len(program.operations) + 3)
        check_density_scores(program.ansatz, program.noise, rows=size, steps=steps * lanes)
        logp, d_z = np.zeros((batch, size)), np.empty(z.shape)
        G = np.zeros((size, program.n_entries))
        score_density(
            program.tables(lanes),
            self._scored,
            self._values,
            program.io,
            program.readout,
            lanes,
            np.ascontiguousarray(z),
            np.ascontiguousarray(outcomes),
            np.ascontiguousarray(signal),
            ground_state(program.ansatz.memory_qubits),
            FLOOR[np.dtype(np.float64)],
            logp,
            G,
            d_z,
        )
        return logp, program.pull_back(self._theta, G), d_z
