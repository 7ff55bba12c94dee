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

*Online*, while the neuron runs (:class:`OnlineScores`): next to ``r`` each neuron carries
``Lambda_j = d r / d theta_j`` and a window ``B_h = d r / d z_{t-h}``,

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

from lava_sqs._checks import (
    check_choice,
    check_flag,
    check_instance,
    check_int,
    check_positive,
    check_real,
    check_seed,
    describe,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import check_room, check_scores, compiled_limit
from lava_sqs.quantum.ansatz import Ansatz, Gate
from lava_sqs.quantum.engines import InstrumentEngine
from lava_sqs.quantum.kernels import scores as _score_kernels
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.population import _FLOOR, Population, ground_state
from lava_sqs.quantum.program import Program, compile_program

__all__ = ["METHODS", "OnlineScores", "SpikeTrainScorer", "derivatives", "score_spike_train"]

Array = NDArray[Any]
#: Estimators of the gradient, see :func:`score_spike_train`.
METHODS = ("exact", "parameter-shift", "spsa")

_EXACT_FLOOR = _FLOOR[np.dtype(np.float64)]


def derivatives(program: Program, theta: Array) -> Array:
    """Return ``dA[k, p] = d A[k] / d theta_p``, shape (K, n_params, S, D, C, D).

    Parameters
    ----------
    program : Program
        Of :func:`lava_sqs.quantum.program.compile_program`.
    theta : ndarray, shape (K, n_params)
        Angles in radians.

    Raises
    ------
    ValueError
        If they would not fit: with the bytes needed, the limit, and what fits.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> derivatives(compile_program(ansatz.paper()), np.zeros((5, 3))).shape
    (5, 3, 2, 4, 3, 4)
    """
    check_scores(program.ansatz, program.noise, rows=len(theta))
    dA = np.empty((theta.shape[0], theta.shape[1], *program.shape))
    program._call(_score_kernels.build_derivatives, theta, dA)
    return dA


def score_spike_train(
    ansatz: Ansatz,
    theta: Any,
    currents: Any,
    spikes: Any,
    *,
    noise: NoiseModel | None = None,
    signal: Any = None,
    per_sample: bool = False,
    method: str = "exact",
    n_samples: int = 1,
    epsilon: float = 0.03,
    seed: int | None = None,
) -> tuple[Array, Array, Array]:
    """Return the log-likelihood of recorded spike trains and its gradient.

    Parameters
    ----------
    ansatz : Ansatz
    theta : array_like, shape (K, n_params) or (n_params,)
        One row per neuron, or one for all.
    currents : array_like, shape (T, *batch, K) or (T, *batch, K, io_qubits)
        The input currents z that the neurons received.
    spikes : array_like of 0 and 1, shape like *currents*
        What they reported.
    noise : NoiseModel, optional
    signal : array_like, optional
        Weight ``L_t`` of each step's score, broadcast to the shape (T, *batch, K): with the
        reward-to-go of a global signal this is the three-factor gradient. None is 1.
    per_sample : bool
        Whether the gradient by the angles keeps the batch axes; False sums over them.
    method : {"exact", "parameter-shift", "spsa"}
        The estimator. The other two are what a device can measure: the parameter-shift rule
        moves every gate at every time step by itself (two terms for a rotation, four for a
        controlled one), SPSA moves everything at once at random, *n_samples* times by
        *epsilon*, and is unbiased only in the limit of small *epsilon*.
    n_samples, epsilon, seed
        Of SPSA.

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
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> logp, d_theta, d_current = score_spike_train(
    ...     ansatz.paper(), [[0.1, 0.2, 0.3]], [[0.5], [0.5]], [[1], [0]])
    >>> logp.shape, d_theta.shape, d_current.shape
    ((1,), (1, 3), (2, 1))
    """
    scorer = SpikeTrainScorer(ansatz, theta, noise=noise)
    check_choice("method", method, METHODS)
    per_sample = check_flag("per_sample", per_sample)
    n = check_int("n_samples", n_samples, minimum=1)
    epsilon = check_positive("epsilon", epsilon)
    rng = np.random.default_rng(check_seed("seed", seed))
    data = scorer._prepare(currents, spikes, signal)
    if method != "exact":  # they need less room, but build the instruments many times
        scorer._check_room(data[0].shape[2])
    if method == "parameter-shift":
        logp, d_theta, d_z = _parameter_shift(scorer, *data)
    elif method == "spsa":
        logp, d_theta, d_z = _spsa(scorer, *data, n, epsilon, rng)
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
    noise : NoiseModel, optional
        None is noiseless.
    prebuild : bool
        Make the derivatives of the instruments now (``n_params`` times their memory).

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> scorer = SpikeTrainScorer(ansatz.paper(), [0.1, 0.2, 0.3], prebuild=True)
    >>> logp, d_theta, d_current = scorer.score([[0.5], [0.5]], [[1], [0]])
    >>> d_theta.shape
    (1, 3)
    """

    ansatz: Ansatz
    noise: NoiseModel | None
    theta: Array
    shared: bool
    program: Program
    _dA: Array | None

    def __init__(
        self,
        ansatz: Ansatz,
        theta: Any,
        *,
        noise: NoiseModel | None = None,
        prebuild: bool = False,
    ) -> None:
        check_instance("ansatz", ansatz, Ansatz)
        check_instance("noise", noise, NoiseModel, none=True)
        prebuild = check_flag("prebuild", prebuild)
        angles = check_real("theta", theta)
        self.shared = angles.ndim == 1
        ansatz.check_theta(angles, leading=() if self.shared else ("K",))
        self.ansatz, self.noise = ansatz, noise
        self.theta = np.atleast_2d(angles)
        check_scores(ansatz, noise, rows=len(self.theta), derivatives=prebuild)
        program = compile_program(ansatz, noise)
        self._set_up(program, program.build(self.theta))
        if prebuild:
            dA = self._laid_out(derivatives(self.program, self.theta))
            self._dA = dA.reshape(*dA.shape[:2], -1)

    def _set_up(self, program: Program, instruments: Array) -> None:
        self.program = program
        self._ground = ground_state(program.ansatz.memory_qubits)
        self._small = program.shape == (2, 4, 3, 4)
        self._A = self._laid_out(instruments)
        self._dA = None

    @classmethod
    def _of(cls, population: Population) -> SpikeTrainScorer:
        """Return the scorer of *population*, with the instruments that its engine has built."""
        engine = population._engine
        assert isinstance(engine, InstrumentEngine)
        self = cls.__new__(cls)
        self.ansatz, self.noise = population.ansatz, population.noise
        self.theta, self.shared = population.theta, False
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
        index = index[..., 0] if n_io == 1 else index @ (1 << np.arange(n_io)[::-1])
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
        n_neurons = z.shape[2]
        if self._dA is None:
            self._check_room(n_neurons)
        logp = np.zeros(z.shape[1:3])
        G = np.zeros((n_neurons, *self._A.shape[1:]))
        d_z = np.empty(z.shape)
        kernels = _score_kernels
        score_trains = kernels.score_small_trains if self._small else kernels.score_trains
        score_trains(
            self._A,
            np.ascontiguousarray(z),
            self.program.eta,
            np.ascontiguousarray(outcomes),
            np.ascontiguousarray(signal),
            self._ground,
            _EXACT_FLOOR,
            logp,
            G,
            d_z,
        )
        if self._dA is not None:
            d_theta = np.empty((n_neurons, self.theta.shape[1]))
            _score_kernels.contract(self._dA, G.reshape(n_neurons, -1), d_theta)
        else:
            if self._small:
                G = np.ascontiguousarray(np.moveaxis(G, -1, 2))
            d_theta = self.program.pull_back(
                np.broadcast_to(self.theta, (n_neurons, self.theta.shape[1])), G
            )
        return logp, d_theta, d_z

    def _check_room(self, n_neurons: int) -> None:
        """Raise unless a pull-back through the program, which keeps its states, fits."""
        check_scores(
            self.ansatz,
            self.noise,
            rows=n_neurons,
            derivatives=False,
            operations=len(self.program.table),
        )

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


class OnlineScores:
    """The scores of K neurons, carried along while they run.

    Parameters
    ----------
    program : Program
        Of :func:`lava_sqs.quantum.program.compile_program`.
    theta : ndarray, shape (R, n_params)
        Neuron k has the angles of row ``k % R``: a row each, or copies of R neurons, one after
        the other.
    size : int
        K.
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
    memory : ndarray, shape (K, 4**memory_qubits)
        The memory that goes with them; equal to the population's.

    Raises
    ------
    TypeError, ValueError
        If *window* is no integer from 0, or R does not divide K.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> circuit, theta = ansatz.paper(), np.array([[0.1, 0.2, 0.3]])
    >>> neurons = Population(circuit, theta, seed=1)
    >>> scores = OnlineScores(compile_program(circuit), theta, size=1)
    >>> z = np.array([[0.5]])
    >>> scores.step(z, neurons.step(z[:, 0])[:, None])
    >>> scores.d_theta.shape
    (1, 3)
    """

    program: Program
    angles: bool
    window: int
    memory: Array
    scores: Array
    d_theta: Array
    d_bias: Array
    kappa: Array

    def __init__(
        self,
        program: Program,
        theta: Array,
        *,
        size: int,
        window: int = 0,
        angles: bool = True,
    ) -> None:
        self.program, self.angles = program, angles
        n_io = program.ansatz.io_qubits
        components = 4**program.ansatz.memory_qubits
        n_params = theta.shape[1] if angles else 0
        self.window = check_int("window", window, minimum=0)
        check_scores(
            program.ansatz,
            program.noise,
            rows=len(theta),
            size=size,
            window=self.window,
            derivatives=angles,
        )
        self.memory = np.empty((size, components))
        self._ground = ground_state(program.ansatz.memory_qubits)
        self._sensitivity = np.zeros((size, n_params + n_io, components))
        self._B = np.zeros((size, self.window + 1, n_io, components))
        self.scores = np.zeros((size, n_params + n_io))
        self.d_theta, self.d_bias = self.scores[:, :n_params], self.scores[:, n_params:]
        self.kappa = np.zeros((size, self.window + 1, n_io))
        self._weights = 1 << np.arange(n_io)[::-1]
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
        self._A = self.program.build(theta)
        shape = (theta.shape[0], 0, *self.program.shape)
        self._dA = derivatives(self.program, theta) if self.angles else np.empty(shape)

    def reset(self, memory: Array | None = None) -> None:
        """Put the memory in ``|0..0>`` or a given state, which owes nothing to any parameter.

        Parameters
        ----------
        memory : ndarray, shape (K, 4**memory_qubits), optional
            Pauli vectors.
        """
        self.memory[:] = self._ground if memory is None else memory
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
        _score_kernels.advance_scores(
            self._A,
            self._dA,
            z,
            self.program.eta,
            np.asarray(spikes, dtype=np.int64) @ self._weights,
            1.0 if open_ else 0.0,
            _EXACT_FLOOR,
            self.memory,
            self._sensitivity,
            self._B,
            self.scores,
            self.kappa,
        )


# -- what a device could measure --------------------------------------------------------------


def _parameter_shift(
    scorer: SpikeTrainScorer, z: Array, outcomes: Array, signal: Array
) -> tuple[Array, Array, Array]:
    """Gradient of the train's probability, one gate occurrence at a time, over its probability.

    A weight per step needs the score of each step, ``d log p_t = d log P(1..t) - d log P(1..t-1)``,
    so the rule is applied to the prefixes of the train.
    """
    T, B, K, N = z.shape
    _check_maps(scorer, T * B * K + 4 * K)
    theta = np.broadcast_to(scorer.theta, (K, scorer.theta.shape[1]))
    # One angle per gate: shared angles occur several times, and each occurrence is shifted.
    ansatz = scorer.ansatz
    gates = tuple(
        Gate(g.name, g.qubits, param=i, angle=None) if g.is_rotation else g
        for i, g in enumerate(ansatz.gates)
    )
    names = tuple(f"gate{i}" for i in range(len(gates)))
    single = Ansatz("shifts", ansatz.io_qubits, ansatz.memory_qubits, gates, names)
    program = compile_program(single, scorer.noise)
    angles = np.zeros((K, len(gates)))
    for i, gate in enumerate(ansatz.gates):
        if gate.is_rotation:
            angles[:, i] = gate.angle if gate.param is None else theta[:, gate.param]
    A = program.build(angles)
    log_prefix, maps, states = _trajectory(A, program, z, outcomes, scorer._ground)
    logp = log_prefix[-1] if T else np.zeros((B, K))

    def weighted(d_prefix: Array) -> Array:
        """(T, B, K) of d log P(1..t) -> sum_t L_t d log p_t."""
        steps = np.diff(d_prefix, axis=0, prepend=np.zeros((1, B, K)))
        return np.asarray((steps * signal if signal.shape[0] else steps).sum(axis=0))

    def d_prefixes(at: int, shifted: list[tuple[float, Array]]) -> Array:
        """Weighted sum of the probabilities of all prefixes with the map of step *at* replaced."""
        total = np.zeros((T, B, K))
        for weight, replaced in shifted:
            y = np.einsum("bkij,bkj->bki", replaced, states[at])
            total[at] += weight * y[..., 0]
            for t in range(at + 1, T):
                y = np.einsum("bkij,bkj->bki", maps[t], y)
                total[t] += weight * y[..., 0]
        # states carry the prefix's normalisation: divide by P(1..t) / P(1..at-1)
        before = log_prefix[at - 1] if at else np.zeros((B, K))
        return np.asarray(total / np.exp(log_prefix - before))

    d_theta = np.zeros((K, theta.shape[1]))
    for i, gate in enumerate(ansatz.gates):
        if gate.param is None:
            continue
        moved = []
        for weight, shift in _shift_rule(gate):
            shifted_angles = angles.copy()
            shifted_angles[:, i] += shift
            moved.append((weight, program.build(shifted_angles)))
        for t in range(T):
            replaced = [(w, _step_map(a, program, z[t], outcomes[t])) for w, a in moved]
            d_theta[:, gate.param] += weighted(d_prefixes(t, replaced)).sum(axis=0)
    d_z = np.zeros(z.shape)
    for t in range(T):
        for n in range(N):
            replaced = []
            for sign in (1, -1):
                move = np.zeros(N)
                move[n] = 0.5 * sign  # pi/2 in the angle pi z
                replaced.append((0.5 * sign, _step_map(A, program, z[t], outcomes[t], move)))
            d_z[t, ..., n] = np.pi * weighted(d_prefixes(t, replaced)) * (z[t, ..., n] > 0)
    return logp, d_theta, d_z


def _check_maps(scorer: SpikeTrainScorer, count: int) -> None:
    """Raise unless a map for every step of every train fits."""
    m = scorer.ansatz.memory_qubits
    check_room(
        f"`memory_qubits` = {m} with {count} maps, one per step and neuron, for this `method`",
        8.0 * 16**m * count,
        compiled_limit(),
        "Use method='exact', or shorter and fewer trains.",
    )


def _shift_rule(gate: Gate) -> list[tuple[float, float]]:
    """(weight, shift) terms: generator eigenvalues +-1/2, or 0 and +-1/2 if controlled."""
    if not gate.is_controlled_rotation:
        return [(0.5, np.pi / 2), (-0.5, -np.pi / 2)]
    a = (np.sqrt(2) + 1) / (4 * np.sqrt(2))
    b = (np.sqrt(2) - 1) / (4 * np.sqrt(2))
    return [(a, np.pi / 2), (-a, -np.pi / 2), (-b, 3 * np.pi / 2), (b, -3 * np.pi / 2)]


def _step_map(
    A: Array, program: Program, z: Array, outcomes: Array, shift: Array | None = None
) -> Array:
    """The map (B, K, D, D) of one step with the given outcomes."""
    B, K, N = z.shape
    coefficients, slopes = np.empty((B, K, 3**N)), np.empty((N, 3**N))
    move = np.zeros(N) if shift is None else shift
    for b, k in np.ndindex(B, K):
        _score_kernels.encode_slopes(z[b, k], program.eta, move, coefficients[b, k], slopes)
    chosen = A[np.arange(K)[None, :], outcomes]
    return np.asarray(np.einsum("bkc,bkicj->bkij", coefficients, chosen))


def _trajectory(
    A: Array, program: Program, z: Array, outcomes: Array, ground: Array
) -> tuple[Array, list[Array], list[Array]]:
    """Log probabilities of all prefixes (T, B, K), the maps and the memories before each step."""
    T, B, K, _ = z.shape
    log_prefix, maps, states = np.zeros((T, B, K)), [], []
    r = np.broadcast_to(ground, (B, K, len(ground)))
    total = np.zeros((B, K))
    for t in range(T):
        maps.append(_step_map(A, program, z[t], outcomes[t]))
        states.append(r)
        y = np.einsum("bkij,bkj->bki", maps[t], r)
        if (y[..., 0] < _EXACT_FLOOR).any():
            raise ArgumentValueError(
                "spikes",
                "has probability zero for some neuron; the parameter-shift "
                "rule divides by it. Use method='exact', which scores such a step as 0.",
            )
        total = total + np.log(y[..., 0])
        log_prefix[t] = total
        r = y / y[..., :1]
    return log_prefix, maps, states


def _spsa(
    scorer: SpikeTrainScorer,
    z: Array,
    outcomes: Array,
    signal: Array,
    n_samples: int,
    epsilon: float,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """Simultaneous perturbation of all angles and currents of each neuron's true likelihood."""
    batch, K = z.shape[1:3]
    _check_maps(scorer, z.shape[0] * batch * K)
    theta = np.broadcast_to(scorer.theta, (K, scorer.theta.shape[1]))
    program = scorer.program

    def objective(angles: Array, currents: Array) -> tuple[Array, Array]:
        log_prefix, _, _ = _trajectory(
            program.build(angles), program, currents, outcomes, scorer._ground
        )
        steps = np.diff(log_prefix, axis=0, prepend=np.zeros((1, batch, K)))
        return steps.sum(axis=0), (steps * signal if signal.shape[0] else steps).sum(axis=0)

    logp, _ = objective(theta, z)
    d_theta, d_z = np.zeros(theta.shape), np.zeros(z.shape)
    for _ in range(n_samples):
        s_theta = rng.choice([-1.0, 1.0], size=theta.shape)
        s_z = rng.choice([-1.0, 1.0], size=z.shape) * (z > epsilon)
        plus = objective(theta + epsilon * s_theta, z + epsilon * s_z)[1]
        minus = objective(theta - epsilon * s_theta, z - epsilon * s_z)[1]
        slope = (plus - minus) / (2 * epsilon * n_samples)
        d_theta += slope.sum(axis=0)[:, None] * s_theta
        d_z += slope[None, :, :, None] * s_z
    return logp, d_theta, d_z
