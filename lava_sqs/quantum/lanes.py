"""Neurons that run and score many samples side by side: what networks train and infer with.

Arrays are neuron-major, (K, S, B): K neurons (or K times N channels), S steps, B samples, so that
the currents of a layer are one matrix product, ``W X`` with X of shape (M, S B), and its result is
what the kernels read. Populations, Processes and their random numbers are something else, see
:mod:`lava_sqs.quantum.population`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lava_sqs.quantum.kernels import lanes as _kernels
from lava_sqs.quantum.kernels.scores import score_trains
from lava_sqs.quantum.kernels.step import pack_instruments, run_population
from lava_sqs.quantum.maps import Maps
from lava_sqs.quantum.mixed import MixedProgram
from lava_sqs.quantum.program import Program
from lava_sqs.quantum.states import ground_state

__all__ = ["FLOOR", "Lanes", "MapLanes", "default_threads", "shared_out"]

Array = NDArray[Any]

#: Probabilities below this are rounding: such an outcome is forgotten (it was clamped).
FLOOR = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}
_WORTH_A_THREAD = 20_000  # steps of neurons, a tenth of a millisecond

_pool: ThreadPoolExecutor | None = None


def _forget_pool() -> None:
    """Make a child of a fork start its own threads: those of its parent are not there."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def default_threads() -> int:
    """Return how many threads share a layer: two, if this process may use two cores.

    ``NUMBA_NUM_THREADS=1`` makes it one; pools of processes, such as joblib's, set it.

    Examples
    --------
    >>> default_threads() in (1, 2)
    True
    """
    return min(2, int(numba.config.NUMBA_NUM_THREADS))


def shared_out(work: Callable[[slice], int], n: int, threads: int) -> int:
    """Return the sum of *work* over slices of a range, each in a thread of its own.

    Parameters
    ----------
    work : callable
        A function from a slice to a number.
    n : int
        The slices cover range(n).
    threads : int
        How many there are at most.

    Returns
    -------
    int

    Examples
    --------
    >>> shared_out(lambda part: part.stop - part.start, 10, 3)
    10
    """
    global _pool
    # Slices of neurons, whose sums never meet: numbers do not depend on the number of threads.
    ends = [n * i // threads for i in range(threads + 1)]
    parts = [slice(a, b) for a, b in pairwise(ends) if b > a]
    if len(parts) < 2:
        return sum(work(part) for part in parts)
    if _pool is None:
        _pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="lava_sqs")
    waiting = [_pool.submit(work, part) for part in parts[1:]]
    # The first part is done here: one thread less to wake.
    return work(parts[0]) + sum(future.result() for future in waiting)


class Lanes:
    """Neurons of one circuit and their instruments, for trains of many samples.

    Parameters
    ----------
    program : Program
        Circuit and noise, compiled.
    theta : ndarray, shape (K, n_params)
        Angles in radians.
    dtype : float64 or float32
        Precision of currents, spikes and probabilities. Gradients by angles are summed in float64.
    n_threads : int, optional
        Threads that share the neurons; None is :func:`default_threads`. Numbers do not depend on
        it.

    Attributes
    ----------
    floor_hits : int
        Clamped outcomes that were (nearly) impossible, and forgotten.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> from lava_sqs.quantum.program import compile_program
    >>> lanes = Lanes(compile_program(ansatz.layered(1, 1)), np.zeros((2, 8)))
    >>> z = np.full((2, 5, 3), 0.5)
    >>> spikes, p_spike, _ = lanes.run(z, np.random.default_rng(0).random(z.shape))
    >>> d_theta, d_z = lanes.score(z, spikes, np.ones(z.shape))
    >>> d_theta.shape, d_z.shape
    ((2, 8), (2, 5, 3))
    """

    def __init__(
        self,
        program: Program | MixedProgram | Maps,
        theta: Array,
        *,
        dtype: Any = np.float64,
        n_threads: int | None = None,
    ) -> None:
        self._program: Any = program
        self._theta = np.ascontiguousarray(theta, dtype=np.float64)
        self.dtype = np.dtype(dtype)
        self._threads = default_threads() if n_threads is None else n_threads
        self.floor_hits = 0
        self._ground = ground_state(program.ansatz.memory_qubits)
        self._build()

    def _build(self) -> None:
        self._small = self._program.shape == (2, 4, 3, 4)
        self._A = self._program.build(self._theta)
        self._etas = self._program.etas(self.size)
        self._shrinks = np.ascontiguousarray(self._etas[:, 0])
        self._cast = self._A.astype(self.dtype, copy=False)
        self._packed: tuple[Array, Array] | None = None

    def __repr__(self) -> str:
        size, dtype = len(self._theta), self.dtype
        return f"<{type(self).__name__}: {size} neurons of {self._program.ansatz!r} in {dtype}>"

    @property
    def size(self) -> int:
        """Number of neurons K."""
        return len(self._theta)

    def run(
        self,
        z: Array,
        u: Array | None,
        clamp: Array | None = None,
        *,
        p_spike: bool = True,
        likelihood: bool = False,
        memory: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        """Run spike trains from a reset.

        Parameters
        ----------
        z : ndarray, shape (K * N, S, B)
            Currents of the N channels of each neuron.
        u : ndarray, shape (K, S, B), optional
            Uniform numbers in [0, 1); None if all is clamped.
        clamp : ndarray, shape (K * N, S, B), optional
            0 or 1 fixes a spike, a negative number does not.
        p_spike, likelihood : bool
            Whether the second and the third result are wanted.
        memory : ndarray, shape (K, 3, B) or (B, K, D), optional
            See :meth:`fresh_memory`, from where to continue instead; it is moved.

        Returns
        -------
        spikes : ndarray, shape (K * N, S, B)
            0 and 1, in the precision of the neurons: what a matrix product takes.
        p_spike : ndarray, shape (K * N, S, B) or (0, 0, 0)
            Probabilities of a spike, before the measurement.
        likelihood : ndarray, shape (K, S, B) or (0, 0, 0)
            Probabilities of the outcomes.
        """
        z = np.ascontiguousarray(z, dtype=self.dtype)
        neurons = (self.size, *z.shape[1:])
        nothing = np.empty((0, 0, 0), self.dtype)
        spikes = np.empty(z.shape, self.dtype)
        p = np.empty(z.shape, self.dtype) if p_spike else nothing
        like = np.empty(neurons, self.dtype) if likelihood else nothing
        u = nothing if u is None else np.ascontiguousarray(u, dtype=self.dtype)
        fixed = nothing if clamp is None else np.ascontiguousarray(clamp, dtype=self.dtype)
        if not self._small:
            self._run_any(z, u, fixed, spikes, p, like, memory)
            return spikes, p, like
        state = nothing if memory is None else memory
        floor = FLOOR[self.dtype]

        def work(part: slice) -> int:
            arrays = (x[part] if x.size else x for x in (u, fixed, state))
            records = (x[part] if x.size else x for x in (spikes, p, like))
            return int(
                _kernels.run_small_lanes(
                    self._cast[part], z[part], self._shrinks[part], *arrays, floor, *records
                )
            )

        self.floor_hits += shared_out(work, self.size, self._worth(z))
        return spikes, p, like

    def fresh_memory(self, batch: int) -> Array:
        """Return the memories of *batch* samples in ``|0..0>``, to be moved by :meth:`run`."""
        if self._small:
            bloch: Array = np.zeros((self.size, 3, batch), self.dtype)
            # Without the trace, which is 1 after every step.
            bloch[:, 2] = 1.0
            return bloch
        start = np.empty((batch, self.size, len(self._ground)))
        start[:] = self._ground
        return start

    def score(
        self,
        z: Array,
        spikes: Array,
        signal: Array,
        *,
        scale: float = 1.0,
        raising: bool = False,
        bound: float = np.inf,
    ) -> tuple[Array, Array]:
        """Return the exact local score of recorded trains.

        Parameters
        ----------
        z, spikes : ndarray, shape (K * N, S, B)
            See :meth:`run`.
        signal : ndarray, shape (K, S, B)
            Weight of each step.
        scale : float
            Factor of all of it.
        raising : bool
            True: the weights are what a higher probability p of a spike is worth, so that the score
            is multiplied by s + p - 1, for neurons of one channel.
        bound : float
            d_z is held to [-bound, bound].

        Returns
        -------
        d_theta : ndarray of float64, shape (K, n_params)
            ``sum_t L_t d log p_t / d theta``, summed over samples.
        d_z : ndarray, shape (K * N, S, B)
            The same by the currents, in the precision of the neurons.
        """
        z, spikes, signal = (np.ascontiguousarray(x, dtype=self.dtype) for x in (z, spikes, signal))
        G = np.zeros(self._shape)
        d_z = np.empty(z.shape, self.dtype)
        if self._small:
            floor = FLOOR[self.dtype]

            def work(part: slice) -> int:
                arrays = (
                    self._cast[part],
                    z[part],
                    self._shrinks[part],
                    spikes[part],
                    signal[part],
                )
                numbers = (float(scale), float(raising), float(bound), floor)
                return int(_kernels.score_small_lanes(*arrays, *numbers, G[part], d_z[part]))

            shared_out(work, self.size, self._worth(z))
        else:
            weights = signal * np.asarray(scale, self.dtype)
            if raising:
                weights *= spikes + self._probabilities(z, spikes) - 1
            self._score_any(z, spikes, weights, G, d_z)
            np.clip(d_z, -bound, bound, out=d_z)
        d_theta = np.empty(self._theta.shape)

        def pull(part: slice) -> int:
            d_theta[part] = self._program.part(part).pull_back(self._theta[part], G[part])
            return 0

        shared_out(pull, self.size, self._threads if self.size > 64 else 1)
        return d_theta, d_z

    def _worth(self, z: Array) -> int:
        return min(self._threads, max(1, z.size // _WORTH_A_THREAD))

    # -- every other size: the kernels of populations, in double precision -----------------------

    def _timely(self, x: Array) -> Array:
        """(K * N, S, B) -> (S, B, K, N)."""
        per_neuron = x.reshape(self.size, -1, *x.shape[1:])
        return np.ascontiguousarray(per_neuron.transpose(2, 3, 0, 1), dtype=np.float64)

    def _outcomes(self, bits: Array) -> Array:
        """(S, B, K, N) of 0 and 1, or negative numbers -> indices (S, B, K), or -1."""
        index = bits.astype(np.int64) @ (1 << np.arange(bits.shape[3])[::-1])
        return np.where((bits < 0).any(axis=3), -1, index)

    def _run_any(
        self,
        z: Array,
        u: Array,
        fixed: Array,
        spikes: Array,
        p: Array,
        like: Array,
        memory: Array | None = None,
    ) -> None:
        currents = self._timely(z)
        steps, batch, size = currents.shape[:3]
        said = np.empty(currents.shape, np.int32)
        wanted = [(x.size > 0) * steps for x in (p, like)]
        p_now = np.empty((wanted[0], *currents.shape[1:]))
        like_now = np.empty((wanted[1], *currents.shape[1:3]))
        recorded = np.empty((0, batch, size, len(self._ground)))
        self.floor_hits += self._advance(
            currents,
            self._timely(u)[..., 0] if u.size else np.empty((0, 0, 0)),
            self._outcomes(self._timely(fixed)) if fixed.size else np.empty((0, 0, 0), np.int64),
            self.fresh_memory(batch) if memory is None else memory,
            FLOOR[np.dtype(np.float64)],
            said,
            p_now,
            like_now,
            recorded,
        )
        spikes[:] = said.transpose(2, 3, 0, 1).reshape(z.shape)
        if p.size:
            p[:] = p_now.transpose(2, 3, 0, 1).reshape(z.shape)
        if like.size:
            like[:] = like_now.transpose(2, 0, 1)

    def _probabilities(self, z: Array, spikes: Array) -> Array:
        """Return the probabilities of a spike in the course of recorded trains."""
        p, nothing = np.empty(z.shape, self.dtype), np.empty((0, 0, 0), self.dtype)
        self._run_any(z, nothing, spikes, np.empty(z.shape, self.dtype), p, nothing)
        return p

    def _score_any(self, z: Array, spikes: Array, signal: Array, G: Array, d_z: Array) -> None:
        currents = self._timely(z)
        outcomes = np.ascontiguousarray(self._outcomes(self._timely(spikes)))
        weights = np.ascontiguousarray(self._timely(signal)[..., 0])
        slopes = np.empty(currents.shape)
        self._credit(currents, outcomes, weights, G, slopes)
        d_z[:] = slopes.transpose(2, 3, 0, 1).reshape(z.shape)

    # -- what they are made of: instruments here -------------------------------------------------

    @property
    def _shape(self) -> tuple[int, ...]:
        """Shape of the gradient by what they are made of."""
        return tuple(self._A.shape)

    def _advance(self, z: Array, *arrays: Any) -> int:
        if self._packed is None:
            packed = pack_instruments(self._A)
            self._packed = tuple(np.ascontiguousarray(x) for x in packed)  # type: ignore[assignment]
        assert self._packed is not None
        return int(run_population(*self._packed, z, self._etas, *arrays))

    def _credit(self, z: Array, outcomes: Array, weights: Array, G: Array, slopes: Array) -> None:
        logp, floor = np.zeros(z.shape[1:3]), FLOOR[np.dtype(np.float64)]
        etas, ground = self._etas, self._ground
        score_trains(self._A, z, etas, outcomes, weights, ground, floor, logp, G, slopes)


class MapLanes(Lanes):
    """As :class:`Lanes` for larger memories: density matrices or pure states, gate by gate.

    Parameters
    ----------
    program : DensityProgram or PureProgram
        Circuit and noise, compiled.
    theta : ndarray, shape (K, n_params)
        Angles in radians.
    dtype : float64 or float32
        Precision of currents, spikes and probabilities; memories are in float64.
    n_threads : int, optional
        Threads that share the neurons; None is :func:`default_threads`.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> from lava_sqs.quantum.pure import compile_pure
    >>> lanes = MapLanes(compile_pure(ansatz.layered(1, 4)), np.zeros((2, 23)))
    >>> z = np.full((2, 5, 3), 0.5)
    >>> spikes, p_spike, _ = lanes.run(z, np.random.default_rng(0).random(z.shape))
    >>> d_theta, d_z = lanes.score(z, spikes, np.ones(z.shape))
    >>> d_theta.shape, d_z.shape
    ((2, 23), (2, 5, 3))
    """

    def fresh_memory(self, batch: int) -> Array:
        """Return the memories of *batch* samples in ``|0..0>``, to be moved by `run`."""
        ground = self._program.ground
        start = np.empty((batch, self.size, *ground.shape))
        start[:] = ground
        return start

    def _build(self) -> None:
        self._small = False
        self._values = self._program.values(self._theta)

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(self._values.shape)

    def _advance(self, z: Array, *arrays: Any) -> int:
        u, clamp, memory, *rest = arrays

        def work(part: slice) -> int:
            mine = [np.ascontiguousarray(x[:, :, part]) if x.size else x for x in (z, u, clamp)]
            vectors = np.ascontiguousarray(memory[:, part])
            records = [np.ascontiguousarray(x[:, :, part]) for x in rest[1:]]
            own = self._program.part(part)
            hits = own.run(self._values[part], vectors, *mine, rest[0], *records)
            memory[:, part] = vectors
            for whole, new in zip(rest[1:], records, strict=True):
                whole[:, :, part] = new
            return int(hits)

        return shared_out(work, self.size, self._threads)

    def _credit(self, z: Array, outcomes: Array, weights: Array, G: Array, slopes: Array) -> None:
        def work(part: slice) -> int:
            mine = z[:, :, part], outcomes[:, :, part], weights[:, :, part]
            own = self._program.part(part)
            _, G[part], slopes[:, :, part] = own.score(self._values[part], *mine)
            return 0

        shared_out(work, self.size, self._threads)
