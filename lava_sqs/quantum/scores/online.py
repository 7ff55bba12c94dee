r"""Exact scores carried along while neurons run.

Next to ``r`` each neuron carries ``Lambda_j = d r / d theta_j`` and a window
``B_h = d r / d z_{t-h}``,

.. math::

    x_j = S \Lambda_j + \frac{\partial S}{\partial \theta_j} r, \qquad e_j = x_{j,0} / p, \qquad
    \Lambda_j \leftarrow x_j / p - e_j\, r_{\text{new}},

where ``e_j = d log p_t / d theta_j`` is the score of the step, and the same for currents, whose
score ``kappa_h = d log p_t / d z_{t-h}`` a synapse multiplies by its presynaptic history.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_int
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import check_density_scores, check_pure_scores, check_scores
from lava_sqs.quantum.density import DensityProgram
from lava_sqs.quantum.engines.base import FLOOR
from lava_sqs.quantum.kernels import scores as _score_kernels
from lava_sqs.quantum.kernels.density import advance_density
from lava_sqs.quantum.kernels.pure import advance_pure
from lava_sqs.quantum.maps import Maps
from lava_sqs.quantum.mixed import MixedProgram
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.quantum.program import Program
from lava_sqs.quantum.pure import PureProgram, refuse_mixed
from lava_sqs.quantum.states import ground_state

__all__ = ["OnlineScores", "derivatives"]

Array = NDArray[Any]

#: Outcomes less probable than this have no score: what divides by them would be rounding.
EXACT_FLOOR = FLOOR[np.dtype(np.float64)]


def derivatives(program: Program | MixedProgram, theta: Array) -> Array:
    """Return ``dA[k, p] = d A[k] / d theta_p``, shape (K, n_params, S, D, C, D).

    Parameters
    ----------
    program : Program
        The compiled neuron, from :func:`lava_sqs.quantum.program.compile_program`.
    theta : ndarray, shape (K, n_params)
        Angles in radians.

    Raises
    ------
    ValueError
        If they would not fit. The message gives the bytes needed, the limit, and what fits.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> from lava_sqs.quantum.program import compile_program
    >>> derivatives(compile_program(ansatz.paper()), np.zeros((5, 3))).shape
    (5, 3, 2, 4, 3, 4)
    """
    # dA is the largest array of online learning, 2^N_I 16^N_M 3^N_I numbers per angle and neuron:
    # refuse it before NumPy asks for the memory.
    check_scores(program.ansatz, program.noise, rows=len(theta))
    dA = np.empty((theta.shape[0], theta.shape[1], *program.shape))
    program.derive(theta, dA)
    return dA


class OnlineScores:
    """The scores of K neurons, carried along while they run.

    Parameters
    ----------
    program : Program, MixedProgram, DensityProgram or PureProgram
        The compiled neuron, from :func:`lava_sqs.quantum.program.compile_program`, or, for memories
        whose instruments would be too large, of :func:`lava_sqs.quantum.density.compile_density`,
        or, without noise, of :func:`lava_sqs.quantum.pure.compile_pure`.
    theta : ndarray, shape (R, n_params)
        Neuron k has the angles of row ``k % R``: a row each, or copies of R neurons, one after
        the other.
    size : int
        K, the number of neurons.
    window : int
        H: how many steps back the score of a current reaches. 0 is the present step only.
    angles : bool
        Whether the angles are scored; currents and biases always are.

    Attributes
    ----------
    d_theta : ndarray, shape (K, n_params)
        ``d log p_t / d theta`` of the last step, all steps since the reset taken into account.
    d_bias : ndarray, shape (K, io_qubits)
        The same for a constant added to every current since the reset.
    scores : ndarray, shape (K, n_params + io_qubits)
        Both, side by side.
    kappa : ndarray, shape (K, window + 1, io_qubits)
        ``d log p_t / d z_{t-h}`` of the last step.
    memory : ndarray, shape (K, 4**memory_qubits) or (K, 2, 2**memory_qubits)
        The memory that goes with them; equal to the population's. Of a PureProgram real and
        imaginary parts of the state.

    Raises
    ------
    TypeError, ValueError
        If *window* is not a non-negative integer, or R does not divide K.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> from lava_sqs.quantum.program import compile_program
    >>> circuit, theta = ansatz.paper(), np.array([[0.1, 0.2, 0.3]])
    >>> neurons = Population(circuit, theta, seed=1)
    >>> scores = OnlineScores(compile_program(circuit), theta, size=1)
    >>> z = np.array([[0.5]])
    >>> scores.step(z, neurons.step(z[:, 0])[:, None])
    >>> scores.d_theta.shape
    (1, 3)
    """

    def __init__(
        self,
        program: Program | MixedProgram | DensityProgram | PureProgram,
        theta: Array,
        *,
        size: int,
        window: int = 0,
        angles: bool = True,
    ) -> None:
        self.program, self.angles = program, angles
        each = program.noise if isinstance(program.noise, NoisePerNeuron) else None
        if each is not None and len(each) != len(theta):
            raise ArgumentValueError(
                "theta",
                f"must have a row for each of {len(each)} models of noise, but has {len(theta)}.",
            )
        n_io = program.ansatz.io_qubits
        n_params = theta.shape[1] if angles else 0
        self.window = check_int("window", window, minimum=0)
        sizes: dict[str, Any] = {"rows": len(theta), "size": size}
        columns = n_params + (self.window + 2) * n_io
        if isinstance(program, PureProgram):
            check_pure_scores(program.ansatz, **sizes, columns=columns)
        elif isinstance(program, DensityProgram):
            check_density_scores(program.ansatz, program.noise, **sizes, columns=columns)
        else:
            sizes |= {"window": self.window, "derivatives": angles}
            check_scores(program.ansatz, program.noise, **sizes)
        if isinstance(program, Maps):
            # The memory and its sensitivities side by side, as many as the cache takes.
            small = program.radix**program.digits <= 4**5
            self._lanes = 16 if columns > 3 and small else 4
            self._ground = program.ground
        else:
            self._ground = ground_state(program.ansatz.memory_qubits)
        components = self._ground.shape
        self.memory = np.empty((size, *components))
        self._sensitivity = np.zeros((size, n_params + n_io, *components))
        self._B = np.zeros((size, self.window + 1, n_io, *components))
        self.scores = np.zeros((size, n_params + n_io))
        # Views, so that the kernel writes both in one pass over the columns of Lambda.
        self.d_theta, self.d_bias = self.scores[:, :n_params], self.scores[:, n_params:]
        self.kappa = np.zeros((size, self.window + 1, n_io))
        # Outcome s as a number: channel 0 is the most significant bit, as in the instrument's axis
        # S.
        self._weights = 1 << np.arange(n_io)[::-1]
        self._A: Array | None = None
        self.set_theta(theta)
        self.reset()

    def __repr__(self) -> str:
        return (
            f"<OnlineScores: {len(self.memory)} neurons, window {self.window}, "
            f"{self.scores.shape[1]} scores each>"
        )

    def set_theta(self, theta: Array) -> None:
        """Recompile; what the memory already owes to the old angles stays as it is.

        Parameters
        ----------
        theta : ndarray, shape (R, n_params)
            Angles in radians.

        Raises
        ------
        ValueError
            If R does not divide the number of neurons.
        """
        if len(self.memory) % max(len(theta), 1):
            raise ArgumentValueError(
                "theta",
                f"must have a row for each of {len(self.memory)} neurons, or as "
                f"many as divide them (copies), but has {len(theta)}.",
            )
        if isinstance(self.program, Maps):
            self._values = self.program.values(theta)
            self._slopes = self.program.slope_tables(theta)
            if not self.angles:
                # An empty table of slopes: only the scores by currents are carried.
                self._slopes = self._slopes[0][..., :0, :], self._slopes[1]
            return
        if self._A is None or len(theta) != len(self._A):
            self._A = self.program.build(theta)
            self._etas = self.program.etas(len(theta))
            shape = (theta.shape[0], 0, *self.program.shape)
            self._dA = derivatives(self.program, theta) if self.angles else np.empty(shape)
            return
        if self.angles:  # there has been room for as many
            self.program.derive(theta, self._dA, self._A)
        else:
            self.program.rebuild(theta, self._A)

    @property
    def instruments(self) -> Array | None:
        """The instruments of :meth:`set_theta`, (R, S, D, C, D); None if there are none."""
        return self._A

    def reset(self, memory: Array | None = None) -> None:
        """Put the memory in ``|0..0>`` or a given state, which owes nothing to any parameter.

        Parameters
        ----------
        memory : ndarray, optional
            An array of the shape of `memory`.
        """
        self.memory[:] = self._ground if memory is None else memory
        # Lambda = 0 and B = 0: |0..0> depends on no angle and on no current, so no credit crosses a
        # reset.
        self._sensitivity[:] = 0.0
        self._B[:] = 0.0

    def step(self, z: Array, spikes: Array, *, open_: bool = True) -> None:
        """Score one step.

        Parameters
        ----------
        z : ndarray, shape (K, io_qubits)
            Input currents.
        spikes : ndarray of int, shape (K, io_qubits)
            Reported bits.
        open_ : bool
            False where the synapses did not contribute to z (a reset step): the window then gives
            them no credit.
        """
        # The REPORTED bits index the instrument: readout error is part of S_s, so p_t stays exact.
        outcomes = np.asarray(spikes, dtype=np.int64)
        outcomes = outcomes @ self._weights if len(self._weights) > 1 else outcomes[:, 0]
        carried = self.memory, self._sensitivity, self._B, self.scores, self.kappa
        # 0 zeroes the entry B_0 that this step pushes; older entries keep theirs.
        weight = 1.0 if open_ else 0.0
        if isinstance(self.program, PureProgram):
            hits = advance_pure(
                self.program.tables(self._lanes),
                self._values,
                *self._slopes,
                self._lanes,
                np.ascontiguousarray(z, dtype=np.float64),
                outcomes,
                weight,
                EXACT_FLOOR,
                *carried,
            )
            if hits < 0:
                refuse_mixed()
            return
        if isinstance(self.program, DensityProgram):
            advance_density(
                self.program._made_of(self._lanes),
                self._values,
                *self._slopes,
                *self.program._read(),
                self._lanes,
                np.ascontiguousarray(z, dtype=np.float64),
                outcomes,
                weight,
                EXACT_FLOOR,
                *carried,
            )
            return
        _score_kernels.advance_scores(
            self._A,
            self._dA,
            z,
            self._etas,
            outcomes,
            weight,
            EXACT_FLOOR,
            *carried,
        )
