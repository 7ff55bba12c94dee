"""What all kinds of neurons have in common: the interface, and what a kind declares of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lava_sqs._lava import load

__all__ = ["BaseNeuron", "BoundNeuron", "Neuron", "RunOut", "compiled"]

Array = NDArray[Any]
_Self = TypeVar("_Self", bound="BaseNeuron")

_FLOOR = 1e-12  # of the probability of a clamped spike, as for SQS neurons in float64


@dataclass(frozen=True)
class RunOut:
    """What a layer did in S steps with B samples.

    Attributes
    ----------
    spikes : ndarray of int8, shape (S, B, C)
        0 or 1.
    p_spike : ndarray, shape (S, B, C)
        Probabilities of a spike, before the measurement; of length 0 if they were not wanted.
    log_likelihood : ndarray, shape (S, B, K)
        Log probability of each neuron's outcome, in nats; of length 0 if not wanted.

    Examples
    --------
    >>> from lava_sqs.neurons import LIFNeuron
    >>> neuron = LIFNeuron()
    >>> rng = np.random.default_rng(0)
    >>> params = neuron.initial(3, rng)
    >>> out = neuron.run(params, np.full((10, 2, 3), 0.5), rng.random((10, 2, 3)))
    >>> out.spikes.shape
    (10, 2, 3)
    """

    spikes: Array
    p_spike: Array
    log_likelihood: Array


@runtime_checkable
class Neuron(Protocol):
    """What a network asks of its neurons. :class:`BaseNeuron` is the base of new ones."""

    @property
    def channels(self) -> int:
        """Currents in and spikes out per neuron."""
        ...

    @property
    def n_params(self) -> int:
        """Trained numbers per neuron, besides weights and bias."""
        ...

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return parameters to start from.

        Parameters
        ----------
        size : int
            Number of neurons K.
        rng : Generator
            Draws them.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        ...

    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run spike trains from a reset.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            Parameters of the neurons.
        z : ndarray, shape (S, B, C)
            Currents of each step.
        u : ndarray, shape (S, B, K)
            Uniform numbers in [0, 1), one per neuron and step.
        clamp : ndarray of int, shape (S, B, C), optional
            Fixes spikes where it is not -1.

        Returns
        -------
        RunOut
        """
        ...

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact local score of recorded trains.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            Parameters of the neurons.
        z : ndarray, shape (S, B, C)
            Currents of each step.
        spikes : ndarray of int, shape (S, B, C)
            What the neurons said.
        signal : ndarray, shape (S, B, K)
            Weight of each step.

        Returns
        -------
        d_params : ndarray, shape (K, n_params)
            ``sum_t L_t d log p_t / d params``, summed over samples.
        d_z : ndarray, shape (S, B, C)
            The same by the currents.
        """
        ...


class BoundNeuron(Protocol):
    """Neurons with their parameters: what is made of those is made once, to run and to score."""

    def run(self, z: Array, u: Array, clamp: Array | None = None, *, record: bool = True) -> RunOut:
        """Run spike trains from a reset.

        Parameters
        ----------
        z, u, clamp
            See :meth:`Neuron.run`.
        record : bool
            False: spikes are all that is wanted.

        Returns
        -------
        RunOut
        """
        ...

    def score(self, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact local score of recorded trains.

        Arguments and result are as in :meth:`Neuron.score`.
        """
        ...


@dataclass(frozen=True)
class _Bound:
    """A neuron that makes nothing of its parameters beforehand."""

    neuron: Neuron
    params: Array

    def run(self, z: Array, u: Array, clamp: Array | None = None, *, record: bool = True) -> RunOut:
        return self.neuron.run(self.params, z, u, clamp)

    def score(self, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        return self.neuron.score(self.params, z, spikes, signal)


def compiled(neuron: Neuron, params: Array, dtype: Any = None) -> BoundNeuron:
    """Return neurons with their parameters, ready to run and to be scored.

    Parameters
    ----------
    neuron : Neuron
        What they are.
    params : ndarray, shape (K, n_params)
        Parameters of the neurons.
    dtype : float64 or float32, optional
        Precision of the batches of a network: kinds that can compute in this precision, neuron by
        neuron, for arrays whose memory is neuron-major (see :mod:`lava_sqs.network.simulate`).
        None: the numbers of a Process, to the last bit.

    Returns
    -------
    BoundNeuron

    Examples
    --------
    >>> from lava_sqs.neurons import LIFNeuron
    >>> bound = compiled(LIFNeuron(), np.zeros((1, 3)))
    >>> bound.run(np.ones((2, 1, 1)), np.full((2, 1, 1), 0.9)).spikes.ravel()
    array([1, 1], dtype=int8)
    """
    batches = getattr(neuron, "compile_batches", None)
    if dtype is not None and batches is not None:
        # Batches may add up in another order than a Process: fast, and right to rounding only.
        for_batches: BoundNeuron = batches(params, dtype)
        return for_batches
    compile_ = getattr(neuron, "compile", None)
    bound: BoundNeuron = _Bound(neuron, params.copy()) if compile_ is None else compile_(params)
    return bound


class BaseNeuron(ABC):
    """What a kind of neurons says of itself, with what most kinds have in common.

    A subclass (a frozen dataclass of its constants) has the class attributes `name` and
    `param_names` and the methods `initial`, `run` and `score` of :class:`Neuron`; the rest is for
    those that are or can more. docs/tour.md says how to add one.

    Attributes
    ----------
    name : str
        The name that selects the neuron: ``SQSNN(neuron=name)``.
    summary : str
        What it is, in few words for a list.
    param_names : tuple of str
        Names of the trained numbers per neuron, besides weights and bias.
    arguments : tuple of str
        Which arguments of :class:`~lava_sqs.SQSNN` the constructor takes, by the same names.
    rules : tuple of str
        Which learning rules it knows. ``"window"`` needs a method `window_score`,
        ``"as-published"`` one `published_score`, as for :class:`~lava_sqs.neurons.SQSNeuron`.
    takes_noise : bool
        Whether it can be simulated with a NoiseModel; needs `with_noise`.
    process : str or None
        Where its Lava Process is, ``"package.module:Name"``. The Process has ports `a_in` and
        `s_out`, Vars `bias` and those of `lava_vars`, and the arguments of `process_arguments` and
        `seed`, `name`, `reset_interval`, `reset_offset`.

    Examples
    --------
    >>> from lava_sqs.neurons import QLIFNeuron
    >>> QLIFNeuron.name, QLIFNeuron.arguments, QLIFNeuron.process
    ('qlif', ('shots',), 'lava_sqs.proc.qlif.process:QLIF')
    """

    name: ClassVar[str]
    summary: ClassVar[str] = "another kind"
    param_names: ClassVar[Any]  # a property where it depends on the constants
    arguments: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[str, ...]] = ("exact",)
    takes_noise: ClassVar[bool] = False
    process: ClassVar[str | None] = None

    @classmethod
    def from_arguments(cls: type[_Self], given: Mapping[str, Any]) -> _Self:
        """Return the neuron that arguments of SQSNN describe.

        Parameters
        ----------
        given : mapping of str
            The arguments of :class:`~lava_sqs.SQSNN` that say what the network is, by name.

        Returns
        -------
        BaseNeuron
        """
        return cls(**{name: given[name] for name in cls.arguments})

    @property
    def channels(self) -> int:
        """Currents in and spikes out per neuron."""
        return 1

    @property
    def n_params(self) -> int:
        """Trained numbers per neuron, besides weights and bias."""
        return len(self.param_names)

    @abstractmethod
    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return parameters to start from, as in :meth:`Neuron.initial`."""

    @abstractmethod
    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run spike trains from a reset, as in :meth:`Neuron.run`."""

    @abstractmethod
    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact local score of recorded trains, as in :meth:`Neuron.score`."""

    def check_room(self, size: int) -> None:
        """Refuse a layer whose scores would not fit; most kinds take next to nothing.

        Parameters
        ----------
        size : int
            Number of neurons K.

        Raises
        ------
        ValueError
            If they would not fit. The message gives the bytes needed, the limit, and what fits.
        """
        return

    def compile(self, params: Array) -> BoundNeuron:
        """Return the neurons with their parameters: what takes time is made once.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            Parameters of the neurons.

        Returns
        -------
        BoundNeuron
        """
        return _Bound(self, params.copy())

    def in_words(self) -> str:
        """Return what the neurons are, for a summary.

        Returns
        -------
        str
        """
        return f"neurons of kind {self.name}"

    # -- in Lava --------------------------------------------------------------------------------

    def lava_vars(self, params: Array) -> dict[str, Array]:
        """Return the Vars of the Process that hold the parameters, by name.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            The trained parameters of each neuron.

        Returns
        -------
        dict of str to ndarray, shape (K, ...)
        """
        return {name: params[:, p] for p, name in enumerate(self.param_names)}

    def from_lava_vars(self, values: dict[str, Array]) -> Array:
        """Return the parameters of such Vars.

        Parameters
        ----------
        values : dict of str to ndarray, shape (K, ...)
            See :meth:`lava_vars`.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        return np.stack([values[name] for name in self.param_names], axis=1)

    def process_arguments(self, params: Array, bias: Array) -> dict[str, Any]:
        """Return the arguments of the Process of a layer.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            The trained parameters of each neuron.
        bias : ndarray, shape (C,)
            Constant input currents.

        Returns
        -------
        dict
        """
        return {"shape": (len(params),), "bias": bias, **self.lava_vars(params)}

    def to_process(self, params: Array, bias: Array, **options: Any) -> Any:
        """Return the Lava Process of a layer.

        Parameters
        ----------
        params, bias
            See :meth:`process_arguments`.
        **options
            Further arguments of the Process.

        Returns
        -------
        AbstractProcess

        Raises
        ------
        TypeError
            If this kind has no Process.
        ModuleNotFoundError
            If Lava is not installed. The message gives the command that installs it.
        """
        if self.process is None:
            raise TypeError(f"Neurons of kind {self.name!r} have no Process: {self!r}.")
        return load(self.process)(**self.process_arguments(params, bias), **options)


def positive(logarithm: Array) -> Array:
    """Return the positive numbers of trained logarithms.

    Beyond e^50 nothing changes any more, and numbers overflow.
    """
    # Its slope there is taken as if the bound were not: trained numbers come nowhere near it.
    return np.exp(np.minimum(logarithm, 50.0))


def draw(p: Array, u: Array, clamp: Array | None) -> Array:
    """Return the spikes that *u* decides with the probabilities *p*, or that *clamp* fixes."""
    # Not u < p: outcomes are counted by cumulative probabilities, p(0) = 1 - p first, as in every
    # engine, so that one u gives an SQS neuron and its rivals the same kind of decision.
    spikes = (u >= 1 - p).astype(np.int8)
    if clamp is not None:
        spikes = np.where(clamp >= 0, clamp, spikes).astype(np.int8)
    return spikes


def log_likelihood(p: Array, spikes: Array) -> Array:
    """Return log P(s), floored, for probabilities *p* of a spike."""
    # The upper bound: 1 - p of a p that rounding left below 0 would make a positive log P.
    return np.asarray(np.log(np.clip(np.where(spikes == 1, p, 1 - p), _FLOOR, 1.0)))


def d_log(p: Array, spikes: Array) -> Array:
    """Return d log P(s) / dp, zero where the outcome is (nearly) impossible."""
    happened = np.where(spikes == 1, p, 1 - p)
    sign = np.where(spikes == 1, 1.0, -1.0)
    return np.where(happened < _FLOOR, 0.0, sign / np.maximum(happened, _FLOOR))
