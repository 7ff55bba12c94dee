r"""Exact local scores: how the law of a neuron's own spike train moves with its parameters.

Given its input currents, a neuron's spike train has the log-likelihood
``log P = sum_t log p_t`` with ``p_t = (S_{s_t}(z_t) r_{t-1})_0``. Its gradient is exact, local and
has two equivalent forms:

*Reverse*, for recorded trains (:func:`score_spike_train`). With a weight ``L_t`` per step,
``mu_T = 0`` and effects as row vectors,

.. math::

    \eta_t = \mu_t + (L_t - \mu_t \cdot r_t)\, \mathbf 1, \qquad
    \mu_{t-1} = \eta_t S_t / p_t, \qquad
    G_{s,c} = \sum_{t: s_t = s} c_c(z_t)\, \eta_t \otimes r_{t-1} / p_t, \qquad
    \frac{\partial}{\partial \theta_j} = \Bigl\langle G, \frac{\partial A}{\partial \theta_j}
    \Bigr\rangle .

Its cost does not depend on the number of angles.

*Online*, while the neuron runs: see ``online.py``; without any derivative: ``shifts.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_choice,
    check_flag,
    check_instance,
    check_int,
    check_positive,
    check_real,
    describe,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs._seeds import check_seed
from lava_sqs.quantum._room import check_density_scores, check_pure_scores, check_scores
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.density import DensityProgram
from lava_sqs.quantum.engines.choose import check_exact_backend, compile_exact, exact_backend
from lava_sqs.quantum.engines.instrument import InstrumentEngine
from lava_sqs.quantum.kernels import scores as _score_kernels
from lava_sqs.quantum.mixed import MixedProgram, compile_neurons
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import check_noise
from lava_sqs.quantum.population import Population
from lava_sqs.quantum.program import Program
from lava_sqs.quantum.pure import PureProgram
from lava_sqs.quantum.scores.online import EXACT_FLOOR, derivatives
from lava_sqs.quantum.scores.shifts import parameter_shift, spsa
from lava_sqs.quantum.states import ground_state

__all__ = ["METHODS", "SpikeTrainScorer", "score_spike_train"]

Array = NDArray[Any]
#: Estimators of the gradient, see :func:`score_spike_train`.
METHODS = ("exact", "parameter-shift", "spsa")


def score_spike_train(
    ansatz: Ansatz,
    theta: Any,
    currents: Any,
    spikes: Any,
    *,
    noise: NoiseModel | Sequence[NoiseModel | None] | None = None,
    signal: Any = None,
    per_sample: bool = False,
    method: str = "exact",
    n_samples: int = 1,
    epsilon: float = 0.03,
    seed: int | None = None,
    backend: str | None = None,
) -> tuple[Array, Array, Array]:
    """Return the log-likelihood of recorded spike trains and its gradient.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit of the neurons.
    theta : array_like, shape (K, n_params) or (n_params,)
        One row per neuron, or one for all.
    currents : array_like, shape (T, *batch, K) or (T, *batch, K, io_qubits)
        The input currents z that the neurons received.
    spikes : array_like of 0 and 1, shape like *currents*
        What they reported.
    noise : NoiseModel, or a list of one per neuron, optional
        Noise model of the neurons; None is noiseless.
    signal : array_like, optional
        Weight ``L_t`` of each step's score, broadcast to the shape (T, *batch, K): with the
        reward-to-go of a global signal this is the three-factor gradient. None is 1.
    per_sample : bool
        Whether the gradient by the angles keeps the batch axes; False sums over them.
    method : {"exact", "parameter-shift", "spsa"}
        The estimator. The other two differentiate nothing: the parameter-shift rule
        moves every gate at every time step by itself (two terms for a rotation, four for a
        controlled one), SPSA moves everything at once at random, *n_samples* times by
        *epsilon*, and is unbiased only in the limit of small *epsilon*.
    n_samples, epsilon, seed
        Settings of SPSA.
    backend : {"instrument", "density", "trajectory"}, optional
        How the exact scores are found; see :class:`SpikeTrainScorer`.

    Returns
    -------
    log_likelihood : ndarray, shape (*batch, K)
        ``sum_t log p_t`` in nats, not weighted by *signal*.
    d_theta : ndarray, shape (K, n_params), or (*batch, K, n_params) with ``per_sample``
        ``sum_t L_t d log p_t / d theta`` (per radian).
    d_current : ndarray, shape like *currents*
        ``d (sum_t' L_t' log p_t') / d z_t``.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> logp, d_theta, d_current = score_spike_train(
    ...     ansatz.paper(), [[0.1, 0.2, 0.3]], [[0.5], [0.5]], [[1], [0]])
    >>> logp.shape, d_theta.shape, d_current.shape
    ((1,), (1, 3), (2, 1))
    """
    check_choice("method", method, METHODS)
    if method != "exact":
        if backend not in (None, "instrument"):
            raise ArgumentValueError(
                "backend",
                f"must be 'instrument' or None for method={method!r}, but got {backend!r}.",
            )
        backend = "instrument"
    scorer = SpikeTrainScorer(ansatz, theta, noise=noise, backend=backend)
    per_sample = check_flag("per_sample", per_sample)
    n = check_int("n_samples", n_samples, minimum=1)
    epsilon = check_positive("epsilon", epsilon)
    rng = np.random.default_rng(check_seed("seed", seed))
    data = scorer._prepare(currents, spikes, signal)
    rows = np.broadcast_to(scorer.theta, (data[0].shape[2], scorer.theta.shape[1]))
    if method != "exact":  # they need less room, but build the instruments many times
        scorer.program.check_pull_back(data[0].shape[2])
    if method == "parameter-shift":
        logp, d_theta, d_z = parameter_shift(scorer.program, rows, *data)
    elif method == "spsa":
        logp, d_theta, d_z = spsa(scorer.program, rows, *data, n, epsilon, rng)
    else:
        logp, d_theta, d_z = scorer._exact(*data, per_sample=per_sample)
    return scorer._shape(logp, d_theta, d_z, np.shape(currents), per_sample)


class SpikeTrainScorer:
    """Prebuilt instruments to score many recorded trains with the same angles.

    :func:`score_spike_train` makes one per call. Keep one where only weights learn, or where the
    same angles score several batches: the derivatives of the instruments are then made once.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (K, n_params) or (n_params,)
        Angles in radians.
    noise : NoiseModel, or a list of one per neuron, optional
        None is noiseless.
    prebuild : bool
        Make the derivatives of the instruments now (``n_params`` times their memory).
    backend : {"instrument", "density", "trajectory"}, optional
        Compiled instruments; or density matrices gate by gate, which have no instruments that
        could be too large; or, of neurons without noise, pure states gate by gate. All are exact.
        None chooses by size; read it at ``backend``.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> scorer = SpikeTrainScorer(ansatz.paper(), [0.1, 0.2, 0.3], prebuild=True)
    >>> logp, d_theta, d_current = scorer.score([[0.5], [0.5]], [[1], [0]])
    >>> d_theta.shape
    (1, 3)
    """

    _dA: Array | None
    _maps: DensityProgram | PureProgram | None = None  # of those that go gate by gate

    def __init__(
        self,
        ansatz: Ansatz,
        theta: Any,
        *,
        noise: NoiseModel | Sequence[NoiseModel | None] | None = None,
        prebuild: bool = False,
        backend: str | None = None,
    ) -> None:
        check_instance("ansatz", ansatz, Ansatz)
        given = check_noise("noise", noise, None)
        prebuild = check_flag("prebuild", prebuild)
        angles = check_real("theta", theta)
        self.shared = angles.ndim == 1
        ansatz.check_theta(angles, leading=() if self.shared else ("K",))
        # One row of angles under several models is no longer one instrument.
        if self.shared and isinstance(given, NoisePerNeuron):
            angles, self.shared = np.tile(angles, (len(given), 1)), False
        self.theta = np.atleast_2d(angles)
        rows = len(self.theta)
        noise = check_noise("noise", given, rows)
        self.ansatz, self.noise = ansatz, noise
        # Trajectories with noise draw their jumps: their p is not a likelihood, and is refused
        # here.
        backend = exact_backend(ansatz, noise, rows) if backend is None else backend
        self.backend = check_exact_backend(ansatz, noise, backend)
        if backend != "instrument":
            if backend == "density":
                check_density_scores(ansatz, noise, rows=rows)
            else:
                check_pure_scores(ansatz, rows=rows)
            maps: Any = compile_exact(ansatz, noise, backend=backend)
            self._maps, self._values = maps, maps.values(self.theta)
            return
        check_scores(ansatz, noise, rows=rows, derivatives=prebuild)
        program = compile_neurons(ansatz, noise)
        self._set_up(program, program.build(self.theta))
        if prebuild:
            dA = self._laid_out(derivatives(self.program, self.theta))
            self._dA = dA.reshape(*dA.shape[:2], -1)

    def _set_up(self, program: Program | MixedProgram, instruments: Array) -> None:
        self.program = program
        self._ground = ground_state(program.ansatz.memory_qubits)
        # (N_I, N_M) = (1, 1): a kernel with the sizes 2, 4, 3, 4 written out. It wants the row of
        # A, the component of r after the step, innermost, so that four of them are one vector.
        self._small = program.shape == (2, 4, 3, 4)
        self._A = self._laid_out(instruments)
        self._dA = None

    @classmethod
    def _of(cls, population: Population) -> SpikeTrainScorer:
        """Return the scorer of *population*, with the instruments that its engine has built."""
        if population.backend != "instrument":
            options: Any = {"noise": population.noise, "backend": population.backend}
            return cls(population.ansatz, population.theta, **options)
        engine = population._engine
        assert isinstance(engine, InstrumentEngine)
        self = cls.__new__(cls)
        self.ansatz, self.noise = population.ansatz, population.noise
        self.theta, self.shared, self.backend = population.theta, False, "instrument"
        self._set_up(engine._program, engine.instruments)
        return self

    def __repr__(self) -> str:
        rows = "shared angles" if self.shared else f"{len(self.theta)} neurons"
        return f"<SpikeTrainScorer: {rows}, {self.ansatz!r}, noise {self.noise}>"

    def score(
        self, currents: Any, spikes: Any, *, signal: Any = None, per_sample: bool = False
    ) -> tuple[Array, Array, Array]:
        """Return the log-likelihood of recorded spike trains and its gradient.

        The arguments *currents*, *spikes*, *signal* and *per_sample* and what is returned are as in
        :func:`score_spike_train`.
        """
        data = self._prepare(currents, spikes, signal)
        logp, d_theta, d_z = self._exact(*data, per_sample=per_sample)
        return self._shape(logp, d_theta, d_z, np.shape(currents), per_sample)

    # -- inside: arrays are z (T, B, K, N), outcomes (T, B, K), signal (T, B, K) or (0, 0, 0) ---

    def _prepare(self, currents: Any, spikes: Any, signal: Any) -> tuple[Array, Array, Array]:
        n_io = self.ansatz.io_qubits
        z = currents
        if type(z) is not np.ndarray or z.dtype != np.float64 or not np.isfinite(z).all():
            z = check_real("currents", z)
        bits = np.asarray(spikes)
        if bits.shape != z.shape:
            raise ArgumentValueError(
                "spikes",
                f"must have the shape {z.shape} of `currents`, but has shape {bits.shape}.",
            )
        if bits.dtype.kind not in "biuf" or not ((bits == 0) | (bits == 1)).all():
            raise ArgumentValueError(
                "spikes", f"must hold 0 and 1 only, but got {describe(spikes)}."
            )
        self._batch_shape = z.shape[1:-2] if n_io > 1 else z.shape[1:-1]
        n_neurons = z.shape[-2] if n_io > 1 and z.ndim > 1 else z.shape[-1] if z.ndim else 0
        if z.ndim < (3 if n_io > 1 else 2) or (n_io > 1 and z.shape[-1] != n_io):
            tail = f", {n_io}" if n_io > 1 else ""
            raise ArgumentValueError(
                "currents", f"must have shape (T, *batch, K{tail}), but has shape {z.shape}."
            )
        if not self.shared and n_neurons != self.theta.shape[0]:
            raise ArgumentValueError(
                "currents",
                f"must have {self.theta.shape[0]} neurons, one per row of "
                f"`theta`, but has shape {z.shape}.",
            )
        steps = z.shape[0]
        z = np.ascontiguousarray(z.reshape(steps, -1, n_neurons, n_io))
        index = bits.astype(np.int64).reshape(z.shape)
        # Channel 0 is the most significant bit of the outcome s.
        index = index[..., 0] if n_io == 1 else index @ (1 << np.arange(n_io)[::-1])
        # Numba compiles one signature: an empty array of the same rank stands for "no weights", L_t
        # = 1.
        weights = np.empty((0, 0, 0))
        if signal is not None:
            weights = check_real("signal", signal)
            shape = (steps, *self._batch_shape, n_neurons)
            try:
                weights = np.broadcast_to(weights, shape)
            except ValueError as error:
                raise ArgumentValueError(
                    "signal", f"must broadcast to shape {shape}, but has shape {weights.shape}."
                ) from error
            weights = np.ascontiguousarray(weights.reshape(z.shape[:3]))
        return z, np.ascontiguousarray(index), weights

    def _exact(
        self, z: Array, outcomes: Array, signal: Array, *, per_sample: bool
    ) -> tuple[Array, Array, Array]:
        if per_sample:
            parts = [
                self._exact(
                    z[:, b : b + 1], outcomes[:, b : b + 1], signal[:, b : b + 1], per_sample=False
                )
                for b in range(z.shape[1])
            ]
            return (
                np.concatenate([p[0] for p in parts]),
                np.stack([p[1] for p in parts]),
                np.concatenate([p[2] for p in parts], axis=1),
            )
        if self._maps is not None:
            logp, G, d_z = self._maps.score(self._values, z, outcomes, signal)
            # Here G is the gradient by the entries of the gates' maps, not by instruments.
            return logp, self._maps.pull_back(self.theta, G), d_z
        n_neurons = z.shape[2]
        if self._dA is None:
            self.program.check_pull_back(n_neurons)
        logp = np.zeros(z.shape[1:3])
        G = np.zeros((n_neurons, *self._A.shape[1:]))
        d_z = np.empty(z.shape)
        kernels = _score_kernels
        score_trains = kernels.score_small_trains if self._small else kernels.score_trains
        score_trains(
            self._A,
            np.ascontiguousarray(z),
            self.program.etas(n_neurons),
            np.ascontiguousarray(outcomes),
            np.ascontiguousarray(signal),
            self._ground,
            EXACT_FLOOR,
            logp,
            G,
            d_z,
        )
        # <G, dA/dtheta_j> by prebuilt derivatives (memory), or backwards through the build (time).
        if self._dA is not None:
            d_theta = np.empty((n_neurons, self.theta.shape[1]))
            _score_kernels.contract(self._dA, G.reshape(n_neurons, -1), d_theta)
        else:
            if self._small:
                # Back to (K, S, D, C, D), the order in which the compiler knows instruments.
                G = np.ascontiguousarray(np.moveaxis(G, -1, 2))
            d_theta = self.program.pull_back(
                np.broadcast_to(self.theta, (n_neurons, self.theta.shape[1])), G
            )
        return logp, d_theta, d_z

    def _laid_out(self, instruments: Array) -> Array:
        """Move the component out of (..., S, D, C, D) to the end, if the kernel wants it there."""
        return np.ascontiguousarray(
            np.moveaxis(instruments, -3, -1) if self._small else instruments
        )

    def _shape(
        self, logp: Array, d_theta: Array, d_z: Array, shape: tuple[int, ...], per_sample: bool
    ) -> tuple[Array, Array, Array]:
        neurons = logp.shape[-1]
        if per_sample:
            d_theta = d_theta.reshape(*self._batch_shape, neurons, -1)
        return logp.reshape(*self._batch_shape, neurons), d_theta, d_z.reshape(shape)
