"""The state of K neurons and its step: one call for the whole population.

A :class:`Population` owns what a neuron is made of (ansatz, noise, theta), the random generator
and the counters; an engine owns the state of the memories and moves it:

==============  =============================================  ================================
backend         how                                            when
==============  =============================================  ================================
``instrument``  compiled instruments, one Numba loop           default while they fit
``density``     density matrices, gate by gate                 exact for larger memories
``trajectory``  pure states, gate by gate, noise drawn         default for larger memories
``qutip``       every neuron literally, a QuTiP ``Qobj`` each  to check; thousands times slower
==============  =============================================  ================================

All are exact, with noise ``trajectory`` in distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_choice,
    check_dtype,
    check_instance,
    check_items,
    check_real,
    check_shape,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs._seeds import ANGLES, ERRORS, OUTCOMES, check_seed, stream
from lava_sqs._wraps import Wraps
from lava_sqs.quantum._arguments import (
    check_batch,
    check_currents,
    check_outcome,
    check_uniforms,
    flat_index,
    initial_theta,
    outcome_index,
)
from lava_sqs.quantum._memory import Note
from lava_sqs.quantum._state import Checkpoints
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.engines import choose
from lava_sqs.quantum.engines.choose import BACKENDS, default_backend
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.kernels.step import inspect_currents
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import check_noise
from lava_sqs.quantum.run_result import RECORDS, RunResult, version

__all__ = ["BACKENDS", "RECORDS", "Population", "RunResult", "default_backend"]

Array = NDArray[Any]


class Population(Checkpoints):
    r"""K stochastic quantum spiking neurons, simulated exactly.

    Each step draws ONE outcome ``s`` per neuron with the Born probability ``p(s) = (S_s(z) r)_0``
    and leaves the memory in ``r <- S_s(z) r / p(s)``, with the instrument ``S_s(z)`` of
    :mod:`lava_sqs.quantum.instrument`.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit, for example ``ansatz.layered(1, 2)``.
    theta : array_like, shape (K, n_params) or (n_params,), optional
        Angles in radians. Of shape (n_params,), all *size* neurons share them. None draws every
        angle of *size* neurons from U(-pi, pi).
    size : int, optional
        Number of neurons K; taken from *theta* if that has a row per neuron.
    batch : tuple of int, optional
        Leading axes of the state: independent copies of the whole population.
    noise : NoiseModel, or a list of one per neuron, optional
        None is noiseless. A list also says how many neurons there are, if nothing else does.
    seed : int, optional
        ``SeedSequence(seed)`` spawns child 0 for the angles and child 1 for the outcomes, one
        uniform number per neuron and step in C order. None draws a seed; read it at ``seed``.
    dtype : float64 or float32
        Precision of instruments and memories.
    backend : {"instrument", "density", "trajectory", "qutip"}, optional
        None chooses by size (:func:`default_backend`); read the choice at ``backend``. ``density``
        holds density matrices of up to 11 memory qubits and is exact. ``trajectory`` holds pure
        states: with noise, ``p_spike`` and ``memory`` are conditional on errors drawn at random,
        there is no ``log_likelihood`` and no clamping.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> pop = Population(ansatz.paper(), [0.3, 0.2, 0.1], size=4, seed=1)
    >>> pop.step([0.0, 0.5, 1.0, 1.0]).shape
    (4,)
    >>> pop.p_spike.round(3)
    array([0.002, 0.55 , 0.998, 0.998])

    References
    ----------
    Chen, Rajendran, Simeone, arXiv:2506.21324.
    """

    def __init__(
        self,
        ansatz: Ansatz,
        theta: Any = None,
        *,
        size: int | None = None,
        batch: Any = (),
        noise: NoiseModel | Sequence[NoiseModel | None] | None = None,
        seed: int | None = None,
        dtype: Any = np.float64,
        backend: str | None = None,
    ) -> None:
        check_instance("ansatz", ansatz, Ansatz)
        each = check_noise("noise", noise, None)
        self._ansatz, self._chosen, self._dtype = ansatz, backend, check_dtype("dtype", dtype)
        self._seed, self._batch = check_seed("seed", seed), check_batch(batch)
        self._rng, rng = stream(self._seed, OUTCOMES), stream(self._seed, ANGLES)
        self._theta, self._size = initial_theta(ansatz, theta, size, rng, each)
        self._noise = check_noise("noise", each, self._size)
        self._recipe = Recipe(ansatz, self._noise, self._size, self._batch, self._dtype)
        self._flat = self._recipe.shape[0]
        self._engine, self._backend = choose.make_engine(
            self._recipe, self._theta, backend, stream(self._seed, ERRORS)
        )
        self._engine.set_theta(self._theta, np.ones(self._size, dtype=bool))
        self._engine.reset(None)

        channels = (self._flat, self._size, ansatz.io_qubits)
        self._p_spike = np.full((1, *channels), np.nan)
        steps = 0 if self._engine.no_likelihood else 1
        self._likelihood = np.full((steps, *channels[:2]), np.nan)
        self._uniforms = np.empty((1, *channels[:2]))
        self._no_clamp = np.empty((0, 0, 0), dtype=np.int64)
        self._no_memory = np.empty((0, *channels[:2], *self._engine.memory_shape), self._dtype)
        self._wraps = Wraps()
        self.floor_hits = 0
        self._room = self._flat  # samples side by side that are known to fit

    # -- what it is ---------------------------------------------------------------------------

    @property
    def ansatz(self) -> Ansatz:
        """The circuit of every neuron."""
        return self._ansatz

    @property
    def noise(self) -> NoiseModel | NoisePerNeuron | None:
        """The noise, of all or of each neuron; use :meth:`with_noise` for another one."""
        return self._noise

    @property
    def size(self) -> int:
        """Number of neurons K."""
        return self._size

    @property
    def batch(self) -> tuple[int, ...]:
        """Leading axes of the state."""
        return self._batch

    @property
    def seed(self) -> int:
        """The seed, also when it was drawn."""
        return self._seed

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of instruments and memories."""
        return self._dtype

    @property
    def backend(self) -> str:
        """The engine in use."""
        return self._backend

    @property
    def wraps(self) -> int:
        """How many input currents have exceeded 1, where the encoding angle wraps."""
        return self._wraps.count

    @property
    def nbytes(self) -> int:
        """Bytes held by instruments and memories."""
        return self._engine.nbytes

    @property
    def theta(self) -> Array:
        """The angles (K, n_params), a copy. Assigning recompiles the neurons that changed."""
        return self._theta.copy()

    @theta.setter
    def theta(self, value: Any) -> None:
        new = check_real("theta", value)
        if new.ndim == 1:
            new = np.broadcast_to(self._ansatz.check_theta(new), self._theta.shape)
        check_shape("theta", new, self._theta.shape)
        changed = (new != self._theta).any(axis=1)
        if changed.any():
            self._theta = np.array(new)
            self._engine.set_theta(self._theta, changed)

    # -- its state ----------------------------------------------------------------------------

    @property
    def memory(self) -> Array:
        """Pauli vectors of the memories, shape (*batch, K, 4**memory_qubits), a copy.

        Above 4 memory qubits ``trajectory`` has one per qubit, (*batch, K, memory_qubits, 4). The
        array then knows that it holds reduced states, and :mod:`lava_sqs.quantum.diagnostics` do
        not take them for whole ones.
        """
        m = self._engine.memory
        copy = m.reshape(*self._batch, self._size, *m.shape[2:]).copy()
        return self._engine.note.put_on(copy)

    @property
    def memory_note(self) -> Note:
        """What the entries of `memory` are: whole states, or reduced or drawn ones."""
        return self._engine.note

    @property
    def p_spike(self) -> Array:
        """Probability, before the last measurement, that each channel reports a spike."""
        return self._channels(self._p_spike[0].copy())

    @property
    def log_likelihood(self) -> Array:
        """Log probability of each neuron's last outcome, shape (*batch, K), in nats.

        Raises ``ValueError`` where there is none: backend ``trajectory`` with noise.
        """
        self._need_likelihood("log_likelihood")
        return np.asarray(np.log(self._likelihood[0]).reshape(*self._batch, self._size))

    def _need_likelihood(self, name: str) -> None:
        if self._engine.no_likelihood:
            raise ValueError(f"There is no `{name}`. {self._engine.no_likelihood}")

    def memory_qobj(self, index: Any) -> qutip.Qobj:
        """Return one neuron's memory as a density matrix.

        Parameters
        ----------
        index : int or tuple of int
            Index into (*batch, K).

        Returns
        -------
        Qobj
            State of the memory qubits.

        Raises
        ------
        IndexError, ValueError
            If *index* picks no neuron, or more than one.
        """
        flat = flat_index(index, (*self._batch, self._size))
        return self._engine.density(*divmod(flat, self._size))

    def expect(self, op: qutip.Qobj) -> Array:
        """Return the expectation of an operator on every memory.

        Parameters
        ----------
        op : Qobj
            Hermitian, on the memory qubits.

        Returns
        -------
        ndarray, shape (*batch, K)

        Raises
        ------
        TypeError, ValueError
            If *op* is not a Hermitian operator on the memory qubits.
        """
        if not isinstance(op, qutip.Qobj):
            raise ArgumentTypeError("op", f"must be a QuTiP Qobj, but got {type(op).__name__}.")
        m = self._ansatz.memory_qubits
        if not op.isherm or op.dims != [[2] * m, [2] * m]:
            raise ArgumentValueError(
                "op",
                f"must be a Hermitian operator on {m} memory qubit(s), but has dims {op.dims}.",
            )
        return self._engine.expect(op).reshape(*self._batch, self._size)

    def reset(self, memory: Any = None) -> None:
        """Put every memory in ``|0..0>``, or in the given state; the generator is not reset.

        Parameters
        ----------
        memory : Qobj or array_like, optional
            A state of the memory qubits, or Pauli vectors that broadcast to the shape of
            ``memory``. An all-zero vector means ``|0..0>``.

        Raises
        ------
        ValueError
            If a vector is not a state (``r[0] = 1`` and no negative eigenvalue), or not a pure one
            for the backend ``trajectory``.
        """
        self._engine.reset(memory)

    def with_noise(self, noise: NoiseModel | Sequence[NoiseModel | None] | None) -> Population:
        """Return a fresh population, the same except for the noise: same angles, same seed.

        Parameters
        ----------
        noise : NoiseModel, a list of one per neuron, or None
            None is noiseless.

        Returns
        -------
        Population
        """
        return Population(
            self._ansatz,
            self._theta,
            batch=self._batch,
            noise=noise,
            seed=self._seed,
            dtype=self._dtype,
            backend=self._chosen,
        )

    # -- its motion ---------------------------------------------------------------------------

    def step(self, currents: Any, outcome: Any = None) -> Array:
        """Make one time step.

        Parameters
        ----------
        currents : array_like, shape (*batch, K) or (*batch, K, io_qubits)
            Input currents z; ``z <= 0`` applies no gate and ``z = 1`` is a full flip.
        outcome : array_like of int, shape like *currents*, optional
            Clamps the measurement: 1 spike, 0 silence, -1 (all channels of a neuron) free.

        Returns
        -------
        ndarray of int32, shape like *currents*
            The reported spikes.

        Raises
        ------
        ValueError
            If a shape is wrong, a current is NaN or infinite, or an outcome is not -1, 0 or 1.
        """
        clamp = self._check_outcome(outcome, ())
        z = self._check_currents(currents, ())
        spikes = np.empty(z.shape, dtype=np.int32)
        u = self._rng.random(out=self._uniforms)
        self.floor_hits += self._engine.run(
            z, u, clamp, spikes, self._p_spike, self._likelihood, self._no_memory
        )
        return self._channels(spikes[0])

    def run(
        self,
        currents: Any,
        outcome: Any = None,
        *,
        record: Iterable[str] | None = None,
        uniforms: Any = None,
    ) -> RunResult:
        """Make T steps.

        Parameters
        ----------
        currents : array_like, shape (T, *batch, K) or (T, *batch, K, io_qubits)
            Input currents of every step, in units of a full flip.
        outcome : array_like of int, shape like *currents*, optional
            Outcomes to clamp, see :meth:`step`.
        record : iterable of str
            Which of ``spikes``, ``p_spike``, ``memory``, ``log_likelihood`` to keep; spikes are
            always kept. None keeps all that there is.
        uniforms : array_like, shape (T, *batch, K), optional
            Random numbers in [0, 1) that decide the outcomes, in place of the generator's.

        Returns
        -------
        RunResult
        """
        if record is None:
            record = RECORDS[:-1] if self._engine.no_likelihood else RECORDS
        names = {check_choice("record", name, RECORDS) for name in check_items("record", record)}
        if "log_likelihood" in names:
            self._need_likelihood("log_likelihood")
        z = self._check_currents(currents, ("T",))
        steps = z.shape[0]
        clamp = self._check_outcome(outcome, (steps,))
        spikes = np.empty(z.shape, dtype=np.int32)
        p_spike = np.empty((steps if "p_spike" in names else 0, *z.shape[1:]))
        likelihood = np.empty((steps if "log_likelihood" in names else 0, *z.shape[1:3]))
        width, kept = self._engine.memory_shape, steps if "memory" in names else 0
        memory = np.empty((kept, *z.shape[1:3], *width), dtype=self._dtype)
        if uniforms is None:
            u = self._rng.random(z.shape[:3])
        else:
            u = check_uniforms(uniforms, (steps, *self._batch, self._size)).reshape(z.shape[:3])
        self.floor_hits += self._engine.run(z, u, clamp, spikes, p_spike, likelihood, memory)
        if steps:
            self._p_spike[0] = p_spike[-1] if "p_spike" in names else np.nan
            self._likelihood[:] = likelihood[-1] if "log_likelihood" in names else np.nan
        return RunResult(
            spikes=self._channels(spikes),
            p_spike=self._channels(p_spike) if "p_spike" in names else None,
            memory=(
                self._engine.note.put_on(memory.reshape(steps, *self._batch, self._size, *width))
                if "memory" in names
                else None
            ),
            log_likelihood=(
                np.log(likelihood, out=likelihood).reshape(steps, *self._batch, self._size)
                if "log_likelihood" in names
                else None
            ),
            ansatz=self._ansatz,
            noise=self._noise,
            seed=self._seed,
            backend=self._backend,
            version=version(),
        )

    def _run_on(
        self, memory: Array | None, z: Array, u: Array, clamp: Array | None, *, record: bool
    ) -> tuple[Array, Array, Array]:
        """Run trains beside the population's own state, from *memory*, which moves, or ``|0..0>``.

        What networks need of :meth:`run`, with the instruments that are there. Shapes (T, B, K, N),
        of *u* (T, B, K); returns spikes, p_spike and log-likelihood, the last two without steps
        unless they are to be recorded.
        """
        engine: Any = self._engine  # one that is compiled
        z = np.ascontiguousarray(check_shape("currents", z, ("T", "B", self._size, z.shape[3])))
        if not inspect_currents(z.reshape(-1))[0]:
            check_real("currents", z)
        steps, batch = z.shape[:2]
        if batch > self._room:
            # As if shared: the instruments are there.
            choose.check_neurons(replace(self._recipe, batch=(batch,)), self._backend, True)
            self._room = batch
        spikes = np.empty(z.shape, dtype=np.int32)
        p_spike = np.empty((steps if record else 0, *z.shape[1:]))
        likelihood = np.empty((steps if record else 0, *z.shape[1:3]))
        self.floor_hits += engine.advance(
            engine.fresh_memory(batch) if memory is None else memory,
            z,
            check_uniforms(u, z.shape[:3]),
            self._no_clamp if clamp is None else outcome_index(clamp),
            spikes,
            p_spike,
            likelihood,
            np.empty((0, batch, self._size, *engine.memory_shape)),
        )
        return spikes, p_spike, np.log(likelihood, out=likelihood)

    def _check_currents(self, currents: Any, leading: tuple[str, ...]) -> Array:
        n_io = self._ansatz.io_qubits
        z = check_currents(currents, (*leading, *self._batch, self._size), n_io)
        steps = z.shape[0] if leading else 1
        z = np.ascontiguousarray(z).reshape(steps, self._flat, self._size, n_io)
        finite, wraps = inspect_currents(z.reshape(-1))
        if not finite:
            check_real("currents", currents)
        if wraps:
            self._wraps.add(wraps)
        return z

    def _check_outcome(self, outcome: Any, leading: tuple[int, ...]) -> Array:
        if outcome is None:
            return self._no_clamp
        expected = (*leading, *self._batch, self._size)
        bits = check_outcome(outcome, expected, self._ansatz.io_qubits)
        return outcome_index(bits.reshape(-1, self._flat, *bits.shape[-2:]))

    def _channels(self, array: Array) -> Array:
        """(…, B, K, N) -> (…, *batch, K) or (…, *batch, K, N)."""
        n_io = self._ansatz.io_qubits
        tail = (n_io,) if n_io > 1 else ()
        return array.reshape(*array.shape[:-3], *self._batch, self._size, *tail)

    def __repr__(self) -> str:
        return (
            f"Population({self._ansatz!r}, size={self._size}, batch={self._batch}, "
            f"noise={self._noise}, seed={self._seed}, dtype={self._dtype}, "
            f"backend={self._backend!r}, wraps={self.wraps}, floor_hits={self.floor_hits})"
        )
