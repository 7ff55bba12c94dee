"""The stochastic quantum spiking neuron of networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_positive, check_real
from lava_sqs.neurons.base import BaseNeuron, RunOut
from lava_sqs.quantum import Ansatz, NoiseModel, Population, SpikeTrainScorer
from lava_sqs.quantum import ansatz as circuits
from lava_sqs.quantum.engines.choose import (
    check_exact,
    compile_exact,
    exact_backend,
    seconds_per_step,
)
from lava_sqs.quantum.lanes import Lanes, MapLanes
from lava_sqs.quantum.maps import Maps
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import check_noise
from lava_sqs.quantum.scores.online import OnlineScores

__all__ = ["BatchSQS", "CompiledSQS", "SQSNeuron"]

Array = NDArray[Any]


@dataclass(frozen=True)
class SQSNeuron(BaseNeuron):
    """The stochastic quantum spiking neuron: circuit and noise, compiled by the engine.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel, or a list of one per neuron, optional
        None is noiseless. With a list, they are as many neurons as it has models.
    spread : float
        Standard deviation of the angles to start from, in radians: near zero the probability of a
        spike is near ``sin^2(pi z / 2)`` and the memory is empty.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> neuron = SQSNeuron(ansatz.layered(1, 2))
    >>> neuron.channels, neuron.n_params
    (1, 13)
    """

    name: ClassVar[str] = "sqs"
    summary: ClassVar[str] = "stochastic quantum spiking"
    rules: ClassVar[tuple[str, ...]] = ("exact", "window", "as-published")
    takes_noise: ClassVar[bool] = True
    process: ClassVar[str] = "lava_sqs.proc.sqs.process:SQS"

    ansatz: Ansatz
    noise: NoiseModel | NoisePerNeuron | None = None
    spread: float = 0.1

    def __post_init__(self) -> None:
        check_instance("ansatz", self.ansatz, Ansatz)
        object.__setattr__(self, "noise", check_noise("noise", self.noise, None))
        check_positive("spread", self.spread, zero=True)

    @classmethod
    def from_arguments(cls, given: Mapping[str, Any]) -> SQSNeuron:
        """Return the neuron of a circuit and a noise.

        Otherwise as in :meth:`~lava_sqs.neurons.BaseNeuron.from_arguments`.

        Raises
        ------
        TypeError, ValueError
            If the circuit is unknown, or does not exist in these sizes.
        """
        sizes = {k: given[k] for k in ("memory_qubits", "layers")}
        circuit = circuits.resolve(given["ansatz"], **sizes)
        return cls(circuit, given["noise"])

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the angles."""
        return self.ansatz.param_names

    @property
    def channels(self) -> int:
        """Io qubits."""
        return self.ansatz.io_qubits

    def with_noise(self, noise: NoiseModel | NoisePerNeuron | None) -> SQSNeuron:
        """Return the same neuron under another noise.

        Parameters
        ----------
        noise : NoiseModel, a list of one per neuron, or None
            None is noiseless.

        Returns
        -------
        SQSNeuron
        """
        return replace(self, noise=noise)

    def in_words(self) -> str:
        """Return the circuit in words, as in :meth:`~lava_sqs.neurons.BaseNeuron.in_words`."""
        a = self.ansatz
        return f"SQS neurons, circuit {a.name}, {a.io_qubits} io + {a.memory_qubits} memory qubits"

    def check_room(self, size: int) -> None:
        """Refuse neurons that could not be scored exactly, by instruments or gate by gate.

        Otherwise as in :meth:`~lava_sqs.neurons.BaseNeuron.check_room`.
        """
        # A list of models is checked here and not in the constructor, which does not know K yet.
        noise = check_noise("noise", self.noise, size)
        backend = exact_backend(self.ansatz, noise, size)
        check_exact(self.ansatz, noise, rows=size, backend=backend)

    def seconds_per_step(self, size: int) -> float:
        """Return about how long *size* neurons take to learn from a time step of one sample.

        For neurons that go gate by gate; those that are compiled are quick.

        Parameters
        ----------
        size : int
            Number of neurons K.

        Returns
        -------
        float
            Seconds of one core of an ordinary machine, 0 of compiled neurons.
        """
        backend = exact_backend(self.ansatz, self.noise, size)
        # Compiled neurons make 1e5 to 1e7 steps per second: nothing that a user would wait for.
        return 0.0 if backend == "instrument" else size * seconds_per_step(self.ansatz, backend)

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return angles from N(0, spread^2), as in :meth:`~lava_sqs.network.Neuron.initial`."""
        return rng.normal(0.0, self.spread, (size, self.n_params))

    def compile(self, params: Array) -> CompiledSQS:
        """Return the neurons with their instruments, built once.

        Otherwise as in :meth:`~lava_sqs.neurons.BaseNeuron.compile`.
        """
        return CompiledSQS(self, params)

    def compile_batches(self, params: Array, dtype: Any) -> BatchSQS:
        """Return the neurons for batches of a network.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            Angles in radians.
        dtype : float64 or float32
            Their precision.

        Returns
        -------
        BatchSQS
        """
        return BatchSQS(self, params, dtype)

    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run the neurons from ``|0..0>``, as in :meth:`~lava_sqs.network.Neuron.run`."""
        return self.compile(params).run(z, u, clamp)

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, as in :meth:`~lava_sqs.network.Neuron.score`."""
        return self.compile(params).score(z, spikes, signal)

    def window_score(
        self, params: Array, z: Array, spikes: Array, signal: Array, window: int
    ) -> Array:
        r"""Return the score by currents alone, each step credited to the last few currents only.

        .. math:: \sum_{h=0}^{H} L_{t+h}\, \partial \log p_{t+h} / \partial z_t

        Parameters
        ----------
        params, z, spikes, signal
            See :meth:`score`.
        window : int
            H, steps back; from S - 1 on it is the exact score.

        Returns
        -------
        ndarray, shape (S, B, C)
        """
        steps, batch, size = signal.shape
        shape = (steps, batch, size, self.channels)
        z, bits = z.reshape(shape), spikes.reshape(shape)
        program = compile_exact(self.ansatz, check_noise("noise", self.noise, size), size)
        scores = OnlineScores(program, params, size=size, window=window, angles=False)
        d_z = np.zeros(shape)
        for b in range(batch):
            scores.reset()
            for t in range(steps):
                # kappa_h is d log p_t / d z_{t-h}: what step t owes to the current h steps earlier
                # is added there.
                scores.step(z[t, b], bits[t, b])
                for h in range(min(window, t) + 1):
                    d_z[t - h, b] += signal[t, b, :, None] * scores.kappa[:, h]
        return d_z.reshape(steps, batch, -1)

    def published_score(
        self,
        params: Array,
        weights: Array,
        bias: Array,
        history: Array,
        spikes: Array,
        signal: Array,
        seed: int,
    ) -> tuple[Array, Array]:
        """Return the published rule's gradients by angles and weights.

        Arguments and result are as in :func:`~lava_sqs.quantum.scores.published_gradient`.
        """
        from lava_sqs.quantum.scores.published import published_gradient

        return published_gradient(
            self.ansatz,
            params,
            weights,
            history,
            spikes,
            bias=bias,
            noise=self.noise,
            signal=signal,
            seed=seed,
        )

    def lava_vars(self, params: Array) -> dict[str, Array]:
        """Return them as ``theta``; as in :meth:`~lava_sqs.neurons.BaseNeuron.lava_vars`."""
        return {"theta": params}

    def from_lava_vars(self, values: dict[str, Array]) -> Array:
        """Return ``theta``; as in :meth:`~lava_sqs.neurons.BaseNeuron.from_lava_vars`."""
        return values["theta"]

    def process_arguments(self, params: Array, bias: Array) -> dict[str, Any]:
        """Return circuit, noise and angles.

        Otherwise as in :meth:`~lava_sqs.neurons.BaseNeuron.process_arguments`.
        """
        size = params.shape[0]
        shape = (size, self.channels) if self.channels > 1 else (size,)
        return {
            "shape": (size,),
            "ansatz": self.ansatz,
            "theta": params,
            "noise": self.noise,
            "bias": bias.reshape(shape),
            # A Process that learns needs likelihoods, so it gets the engine that has them for this
            # size.
            "backend": exact_backend(self.ansatz, self.noise, size),
        }


class CompiledSQS:
    """SQS neurons with their instruments (or, of large memories, maps), built once.

    The same numbers, bit for bit, as of a :class:`~lava_sqs.quantum.Population` with the backend
    that has scores for their size, and of a
    :class:`~lava_sqs.quantum.SpikeTrainScorer`.

    Parameters
    ----------
    neuron : SQSNeuron
        What they are.
    params : ndarray, shape (K, n_params)
        Angles in radians.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> neurons = SQSNeuron(ansatz.layered()).compile(np.zeros((2, 8)))
    >>> z = np.full((5, 3, 2), 0.5)
    >>> out = neurons.run(z, np.random.default_rng(0).random((5, 3, 2)))
    >>> d_params, d_z = neurons.score(z, out.spikes, np.ones((5, 3, 2)))
    >>> d_params.shape, d_z.shape
    ((2, 8), (5, 3, 2))
    """

    def __init__(self, neuron: SQSNeuron, params: Array) -> None:
        self._size, self._channels = params.shape[0], neuron.channels
        self._neuron = neuron
        # learning needs likelihoods
        backend = exact_backend(neuron.ansatz, neuron.noise, self._size)
        self._population = Population(
            neuron.ansatz, params.copy(), noise=neuron.noise, seed=0, backend=backend
        )

    def __repr__(self) -> str:
        return f"<CompiledSQS: {self._size} of {self._neuron!r}>"

    def run(self, z: Array, u: Array, clamp: Array | None = None, *, record: bool = True) -> RunOut:
        """Run the neurons from ``|0..0>``, as in :meth:`~lava_sqs.neurons.BoundNeuron.run`."""
        return self._go_on(None, z, u, clamp, record=record)

    def start(self, batch: int) -> Callable[..., RunOut]:
        """Return neurons in ``|0..0>``, as for :func:`~lava_sqs.neurons.steps.run_recurrent`."""
        engine: Any = self._population._engine
        return partial(self._go_on, engine.fresh_memory(batch))

    def _go_on(
        self, memory: Array | None, z: Array, u: Array, clamp: Array | None, *, record: bool
    ) -> RunOut:
        shape = (*z.shape[:2], self._size, self._channels)
        fixed = None if clamp is None else clamp.reshape(shape)
        spikes, p_spike, log_likelihood = self._population._run_on(
            memory, z.reshape(shape), u, fixed, record=record
        )
        return RunOut(
            spikes.reshape(z.shape).astype(np.int8),
            p_spike.reshape(-1, *z.shape[1:]),
            log_likelihood,
        )

    def score(self, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, as in :meth:`~lava_sqs.neurons.BoundNeuron.score`."""
        shape = z.shape
        if self._channels > 1:
            shape = (*z.shape[:2], self._size, self._channels)
        # Takes over the instruments of the run: building them is most of the cost of a short train.
        scorer = SpikeTrainScorer._of(self._population)
        _, d_params, d_z = scorer.score(z.reshape(shape), spikes.reshape(shape), signal=signal)
        return d_params, d_z.reshape(z.shape)


class BatchSQS:
    """SQS neurons for batches of a network: samples side by side, in either precision.

    Arrays have the shapes (S, B, C) of :class:`CompiledSQS`, yet are views of neuron-major memory,
    (C, S, B); others are copied. Spikes are numbers of that precision, and only clamped runs say
    how likely they were. The instruments are built once, to run and to score.

    Parameters
    ----------
    neuron : SQSNeuron
        What they are.
    params : ndarray, shape (K, n_params)
        Angles in radians.
    dtype : float64 or float32
        Precision of currents, spikes, probabilities and signals.

    Raises
    ------
    ValueError
        If the neurons have a noise each, and there are not as many.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> neurons = SQSNeuron(ansatz.layered()).compile_batches(np.zeros((2, 8)), np.float32)
    >>> out = neurons.run(np.full((5, 3, 2), 0.5), np.random.default_rng(0).random((5, 3, 2)))
    >>> out.spikes.shape, out.spikes.dtype, out.spikes.transpose(2, 0, 1).flags.c_contiguous
    ((5, 3, 2), dtype('float32'), True)
    """

    def __init__(self, neuron: SQSNeuron, params: Array, dtype: Any) -> None:
        self._neuron = neuron
        self.dtype = np.dtype(dtype)
        noise = check_noise("noise", neuron.noise, len(params))
        program = compile_exact(neuron.ansatz, noise, len(params))
        kind = MapLanes if isinstance(program, Maps) else Lanes
        self._lanes = kind(program, params, dtype=dtype)

    def __repr__(self) -> str:
        return f"<BatchSQS: {self._lanes.size} of {self._neuron!r} in {self.dtype}>"

    def run(self, z: Array, u: Array, clamp: Array | None = None, *, record: bool = True) -> RunOut:
        """Run the neurons from ``|0..0>``, as in :meth:`~lava_sqs.neurons.BoundNeuron.run`."""
        return self._go_on(None, z, u, clamp, record=record)

    def start(self, batch: int) -> Callable[..., RunOut]:
        """Return neurons in ``|0..0>``, as for :func:`~lava_sqs.neurons.steps.run_recurrent`."""
        return partial(self._go_on, self._lanes.fresh_memory(batch))

    def _go_on(
        self, memory: Array | None, z: Array, u: Array, clamp: Array | None, *, record: bool
    ) -> RunOut:
        currents = self._inward(z)
        # One sum finds NaN and infinities at the cost of a read; the check that names the place
        # comes after.
        if not np.isfinite(currents.sum()):
            check_real("currents", currents)
        spikes, p_spike, likelihood = self._lanes.run(
            currents,
            self._inward(u),
            None if clamp is None else self._inward(clamp),
            p_spike=record,
            likelihood=record and clamp is not None,
            memory=memory,
        )
        # The kernels return likelihoods: one call takes all logarithms. Arrays go back to (S, B,
        # C).
        return RunOut(*(x.transpose(1, 2, 0) for x in (spikes, p_spike, np.log(likelihood))))

    def score(self, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, as in :meth:`~lava_sqs.neurons.BoundNeuron.score`."""
        d_params, d_z = self._lanes.score(*map(self._inward, (z, spikes, signal)))
        return d_params, d_z.transpose(1, 2, 0)

    def score_raised(
        self, z: Array, spikes: Array, value: Array, *, scale: float, bound: float
    ) -> tuple[Array, Array]:
        """Return the score of what raises each neuron's probability p of a spike, in one pass.

        That of the signal ``scale value (s + p - 1)``, for neurons of one channel.

        Parameters
        ----------
        z, spikes
            See :meth:`score`.
        value : ndarray, shape (S, B, C)
            What a higher probability is worth in each step.
        scale : float
            Factor of all of it.
        bound : float
            Scores by currents are held to [-bound, bound].

        Returns
        -------
        d_params : ndarray, shape (K, n_params)
        d_z : ndarray, shape (S, B, C)
        """
        arrays = map(self._inward, (z, spikes, value))
        d_params, d_z = self._lanes.score(*arrays, scale=scale, raising=True, bound=bound)
        return d_params, d_z.transpose(1, 2, 0)

    def _inward(self, x: Array) -> Array:
        """(S, B, C) -> (C, S, B) as the kernels read it: without a copy if it came from them."""
        return np.ascontiguousarray(x.transpose(2, 0, 1), dtype=self.dtype)
