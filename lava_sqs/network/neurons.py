r"""What a layer is made of: the SQS neuron and its rivals, behind one small interface.

Every kind knows how to start its parameters, how to run spike trains from given uniform numbers,
and the exact local score of recorded ones. Arrays: currents and spikes ``(T, B, C)``, uniforms and
log-likelihoods ``(T, B, K)``, parameters ``(K, P)``; ``C = K * channels``. In all of them one
uniform number u decides one neuron's step, ``s = 1`` where ``u >= 1 - p``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln, logit

from lava_sqs._checks import check_instance, check_int, check_positive
from lava_sqs.quantum import Ansatz, NoiseModel, Population, qlif
from lava_sqs.quantum.instrument import compile_program
from lava_sqs.quantum.sensitivity import OnlineScores, SpikeTrainScorer

__all__ = [
    "KINDS",
    "AsPublishedNeuron",
    "LIFNeuron",
    "Neuron",
    "QLIFNeuron",
    "RunOut",
    "SQSNeuron",
]

Array = NDArray[Any]

#: Names of the kinds of neurons of :class:`~lava_sqs.SQSNN`.
KINDS = ("sqs", "qlif", "lif", "as_published")

_FLOOR = 1e-12  # of the probability of a clamped spike, as for SQS neurons in float64


@dataclass(frozen=True)
class RunOut:
    """What a layer did in S steps with B samples.

    Attributes
    ----------
    spikes : ndarray of int8, shape (S, B, C)
        0 or 1.
    p_spike : ndarray, shape (S, B, C)
        Probabilities of a spike, before the measurement.
    log_likelihood : ndarray, shape (S, B, K)
        Log probability of each neuron's outcome, in nats.

    Examples
    --------
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
    """The interface of a kind of neuron: how to add one is in docs/tour.md."""

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
            Of the neurons.
        z : ndarray, shape (S, B, C)
            Currents.
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
            Of the neurons.
        z : ndarray, shape (S, B, C)
            Currents.
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


@dataclass(frozen=True)
class SQSNeuron:
    """The stochastic quantum spiking neuron: circuit and noise, compiled by the engine.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel, optional
        None is noiseless.
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

    ansatz: Ansatz
    noise: NoiseModel | None = None
    spread: float = 0.1

    def __post_init__(self) -> None:
        check_instance("ansatz", self.ansatz, Ansatz)
        check_instance("noise", self.noise, NoiseModel, none=True)
        check_positive("spread", self.spread, zero=True)

    @property
    def channels(self) -> int:
        """Io qubits."""
        return self.ansatz.io_qubits

    @property
    def n_params(self) -> int:
        """Angles."""
        return self.ansatz.n_params

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return angles from N(0, spread^2), as in :meth:`Neuron.initial`."""
        return rng.normal(0.0, self.spread, (size, self.n_params))

    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run a fresh :class:`~lava_sqs.quantum.Population`, batched over samples.

        Arguments and result are as in :meth:`Neuron.run`.
        """
        size = params.shape[0]
        population = Population(
            self.ansatz,
            params,
            batch=(z.shape[1],),
            noise=self.noise,
            seed=0,
            backend="instrument",  # learning needs likelihoods
        )
        shape = (*z.shape[:2], size, self.channels)
        with warnings.catch_warnings():  # currents above 1 are counted by the network
            warnings.filterwarnings("ignore", "[0-9]+ input currents exceed 1")
            result = population.run(
                z.reshape(shape),
                None if clamp is None else clamp.reshape(shape),
                record=("p_spike", "log_likelihood"),
                uniforms=u,
            )
        assert result.p_spike is not None
        assert result.log_likelihood is not None
        spikes = result.spikes.reshape(z.shape).astype(np.int8)
        return RunOut(spikes, result.p_spike.reshape(z.shape), result.log_likelihood)

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, in the reverse form of the engine; as in :meth:`Neuron.score`."""
        shape = z.shape
        if self.channels > 1:
            shape = (*z.shape[:2], params.shape[0], self.channels)
        scorer = SpikeTrainScorer(self.ansatz, params, noise=self.noise)
        _, d_params, d_z = scorer.score(z.reshape(shape), spikes.reshape(shape), signal=signal)
        return d_params, d_z.reshape(z.shape)

    def window_score(
        self, params: Array, z: Array, spikes: Array, signal: Array, window: int
    ) -> Array:
        r"""Return the score by currents alone, each step credited to the last few currents only.

        .. math:: \sum_{h=0}^{H} L_{t+h}\, \partial \log p_{t+h} / \partial z_t

        Parameters
        ----------
        params, z, spikes, signal
            As of :meth:`score`.
        window : int
            H, steps back; from S - 1 on it is the exact score.

        Returns
        -------
        ndarray, shape (S, B, C)
        """
        steps, batch, size = signal.shape
        shape = (steps, batch, size, self.channels)
        z, bits = z.reshape(shape), spikes.reshape(shape)
        program = compile_program(self.ansatz, self.noise)
        scores = OnlineScores(program, params, size=size, window=window, angles=False)
        d_z = np.zeros(shape)
        for b in range(batch):
            scores.reset()
            for t in range(steps):
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

        Arguments and result are as in :func:`~lava_sqs.learning.published_gradient`.
        """
        from lava_sqs.learning.published import published_gradient

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
        """Return the Vars of the Process that hold the parameters, by name.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            Angles in radians.

        Returns
        -------
        dict of str to ndarray, shape (K, n_params)
        """
        return {"theta": params}

    def from_lava_vars(self, values: dict[str, Array]) -> Array:
        """Return the parameters of such Vars.

        Parameters
        ----------
        values : dict of str to ndarray, shape (K, n_params)
            As of :meth:`lava_vars`.

        Returns
        -------
        ndarray, shape (K, n_params)
        """
        return values["theta"]

    def to_process(self, params: Array, bias: Array, **options: Any) -> Any:
        """Return the :class:`~lava_sqs.SQS` Process of a layer.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            Angles in radians.
        bias : ndarray, shape (C,)
            Constant input currents.
        **options
            Further arguments of the Process.

        Returns
        -------
        SQS
        """
        from lava_sqs.proc.sqs.process import SQS

        channels = (params.shape[0], self.channels) if self.channels > 1 else (params.shape[0],)
        return SQS(
            shape=(params.shape[0],),
            ansatz=self.ansatz,
            theta=params,
            noise=self.noise,
            bias=bias.reshape(channels),
            backend="instrument",
            **options,
        )


def _draw(p: Array, u: Array, clamp: Array | None) -> Array:
    spikes = (u >= 1 - p).astype(np.int8)
    if clamp is not None:
        spikes = np.where(clamp >= 0, clamp, spikes).astype(np.int8)
    return spikes


def _log_likelihood(p: Array, spikes: Array) -> Array:
    return np.asarray(np.log(np.clip(np.where(spikes == 1, p, 1 - p), _FLOOR, 1.0)))


def _d_log(p: Array, spikes: Array) -> Array:
    """Return d log P(s) / dp, zero where the outcome is (nearly) impossible."""
    happened = np.where(spikes == 1, p, 1 - p)
    sign = np.where(spikes == 1, 1.0, -1.0)
    return np.where(happened < _FLOOR, 0.0, sign / np.maximum(happened, _FLOOR))


@dataclass(frozen=True)
class LIFNeuron:
    r"""Classical stochastic leaky integrate-and-fire neuron, three trained numbers.

    .. math::
        v_t = \beta\, v_{t-1} (1 - s_{t-1}) + z_t, \qquad p_t = \sigma\bigl(e^{g} (v_t - h)\bigr),

    with parameters ``(logit beta, h, g)``. ``beta = 0`` is a Bernoulli neuron.

    Parameters
    ----------
    leak : float
        beta to start from, in (0, 1).

    Examples
    --------
    >>> LIFNeuron().initial(2, np.random.default_rng(0)).shape
    (2, 3)

    References
    ----------
    Jang, Simeone, Gardner, Gruening, IEEE Signal Process. Mag. 36, 64 (2019).
    """

    leak: float = 0.1

    def __post_init__(self) -> None:
        check_positive("leak", self.leak, below=1.0)

    @property
    def channels(self) -> int:
        """One."""
        return 1

    @property
    def n_params(self) -> int:
        """Leak, threshold, gain."""
        return 3

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return leak, threshold 0.5, and the slope of ``sin^2(pi z / 2)`` at z = 0.5.

        Otherwise as in :meth:`Neuron.initial`.
        """
        centre = np.array([logit(self.leak), 0.5, np.log(2 * np.pi)])
        return np.asarray(centre + rng.normal(0.0, 0.1, (size, 3)))

    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run from rest, as in :meth:`Neuron.run`."""
        beta, h, gain = expit(params[:, 0]), params[:, 1], np.exp(params[:, 2])
        spikes, p = np.empty(z.shape, np.int8), np.empty(z.shape)
        v, s = np.zeros(z.shape[1:]), np.zeros(z.shape[1:])
        for t in range(len(z)):
            v = beta * v * (1 - s) + z[t]
            p[t] = expit(gain * (v - h))
            spikes[t] = s = _draw(p[t], u[t], None if clamp is None else clamp[t])
        return RunOut(spikes, p, _log_likelihood(p, spikes))

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, time reversed inside the neuron; as in :meth:`Neuron.score`."""
        beta, h, gain = expit(params[:, 0]), params[:, 1], np.exp(params[:, 2])
        kept = 1.0 - spikes
        v = np.zeros((len(z) + 1, *z.shape[1:]))
        for t in range(len(z)):
            v[t + 1] = beta * v[t] * (kept[t - 1] if t else 1.0) + z[t]
        d_x = signal * (spikes - expit(gain * (v[1:] - h)))  # d/d (gain (v - h))
        d_z, d_beta = np.empty(z.shape), np.zeros(z.shape[1:])
        back = np.zeros(z.shape[1:])
        for t in range(len(z) - 1, -1, -1):
            d_z[t] = back + gain * d_x[t]
            passed = kept[t - 1] if t else np.ones(z.shape[1:])
            d_beta += d_z[t] * v[t] * passed
            back = d_z[t] * beta * passed
        d_params = np.stack(
            [
                d_beta.sum(axis=0) * beta * (1 - beta),
                -(d_x * gain).sum(axis=(0, 1)),
                (d_x * gain * (v[1:] - h)).sum(axis=(0, 1)),
            ],
            axis=1,
        )
        return d_params, d_z


@dataclass(frozen=True)
class AsPublishedNeuron:
    r"""What the paper's released code computes: a classical neuron that sees its last spike.

    .. math::
        p_t = \sin^2\bigl((\pi \max(z_t, 0) + \theta_{mem} + \theta_{in}
              + s_{t-1}\theta_{ent}) / 2\bigr), \qquad s_0 = 0,

    with parameters ``(theta_ent, theta_mem, theta_in)``; see docs, "Comparison".

    Parameters
    ----------
    spread : float
        Standard deviation of the angles to start from, in radians.

    Examples
    --------
    >>> neuron, z = AsPublishedNeuron(), np.full((1, 1, 1), 1.0)
    >>> neuron.run(np.zeros((1, 3)), z, np.zeros((1, 1, 1))).p_spike.item()  # a full flip
    1.0
    """

    spread: float = 0.1

    def __post_init__(self) -> None:
        check_positive("spread", self.spread, zero=True)

    @property
    def channels(self) -> int:
        """One."""
        return 1

    @property
    def n_params(self) -> int:
        """Three angles."""
        return 3

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return angles from N(0, spread^2), as in :meth:`Neuron.initial`."""
        return rng.normal(0.0, self.spread, (size, 3))

    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run from silence, as in :meth:`Neuron.run`."""
        spikes, p = np.empty(z.shape, np.int8), np.empty(z.shape)
        s = np.zeros(z.shape[1:])
        for t in range(len(z)):
            p[t] = np.sin(self._angle(params, z[t], s) / 2) ** 2
            spikes[t] = s = _draw(p[t], u[t], None if clamp is None else clamp[t])
        return RunOut(spikes, p, _log_likelihood(p, spikes))

    def _angle(self, params: Array, z: Array, before: Array) -> Array:
        constant = params[:, 1] + params[:, 2]
        return np.asarray(np.pi * np.maximum(z, 0.0) + constant + before * params[:, 0])

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, as in :meth:`Neuron.score`."""
        before = np.concatenate([np.zeros((1, *z.shape[1:])), spikes[:-1]])
        angle = self._angle(params, z, before)
        p = np.sin(angle / 2) ** 2
        d_angle = signal * _d_log(p, spikes) * np.sin(angle) / 2
        constant = d_angle.sum(axis=(0, 1))
        d_params = np.stack([(d_angle * before).sum(axis=(0, 1)), constant, constant], axis=1)
        return d_params, np.pi * d_angle * (z > 0)


@dataclass(frozen=True)
class QLIFNeuron:
    """The quantum leaky integrate-and-fire neuron of :mod:`lava_sqs.quantum.qlif`.

    Parameters, three per neuron: ``(log decay, logit threshold, log gain)``.

    Parameters
    ----------
    shots : int
        Repetitions per step; with 1, the threshold is that one outcome.
    leak : float
        Share of the amplitude that a step leaves, to start from, in (0, 1): as of
        :class:`LIFNeuron`. From larger ones, a neuron that shall be silent starts with a state that
        fires surely, and learns late or not at all.

    Examples
    --------
    >>> QLIFNeuron(shots=100).n_params
    3

    References
    ----------
    Brand, Petruccione, arXiv:2407.16398.
    """

    shots: int = 20
    leak: float = 0.1

    def __post_init__(self) -> None:
        check_int("shots", self.shots, minimum=1)

    @property
    def channels(self) -> int:
        """One."""
        return 1

    @property
    def n_params(self) -> int:
        """Decay, threshold, gain."""
        return 3

    def initial(self, size: int, rng: np.random.Generator) -> Array:
        """Return decay, threshold 0.5 and gain 1, a little spread.

        Otherwise as in :meth:`Neuron.initial`.
        """
        centre = np.array([np.log(-2 * np.log(self.leak)), 0.0, 0.0])
        return np.asarray(centre + rng.normal(0.0, 0.1, (size, 3)))

    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run from the ground state, as in :meth:`Neuron.run`."""
        decay, threshold, gain = _qlif_constants(params)
        spikes, p = np.empty(z.shape, np.int8), np.empty(z.shape)
        phi = np.zeros(z.shape[1:])
        for t in range(len(z)):
            phi = qlif.rotate(qlif.leak(phi, decay), z[t], gain)
            p[t] = qlif.firing_probability(phi, threshold, self.shots)
            spikes[t] = _draw(p[t], u[t], None if clamp is None else clamp[t])
            phi = phi * (1 - spikes[t])
        return RunOut(spikes, p, _log_likelihood(p, spikes))

    def score(self, params: Array, z: Array, spikes: Array, signal: Array) -> tuple[Array, Array]:
        """Return the exact score, time reversed inside the neuron (threshold: differences).

        Otherwise as in :meth:`Neuron.score`.
        """
        decay, threshold, gain = _qlif_constants(params)
        shape = z.shape
        before, leaked, phi = np.zeros(shape), np.empty(shape), np.empty(shape)
        state = np.zeros(shape[1:])
        for t in range(len(z)):
            before[t] = state
            leaked[t] = qlif.leak(state, decay)
            phi[t] = qlif.rotate(leaked[t], z[t], gain)
            state = phi[t] * (1 - spikes[t])
        p = qlif.firing_probability(phi, threshold, self.shots)
        d_p = signal * _d_log(p, spikes)
        # d p / d phi: density of the beta distribution at alpha, times sin(phi) / 2
        k = threshold * self.shots
        alpha = np.clip(np.sin(phi / 2) ** 2, 1e-300, 1 - 1e-16)
        norm = gammaln(self.shots + 1) - gammaln(k) - gammaln(self.shots - k + 1)
        density = np.exp(norm + (k - 1) * np.log(alpha) + (self.shots - k) * np.log1p(-alpha))
        d_phi = d_p * density * np.sin(phi) / 2
        h = 1e-5
        raised = qlif.firing_probability(phi, expit(params[:, 1] + h), self.shots)
        lowered = qlif.firing_probability(phi, expit(params[:, 1] - h), self.shots)
        d_threshold = (d_p * (raised - lowered) / (2 * h)).sum(axis=(0, 1))
        shrink = np.exp(-decay / 2)
        half, cosine = np.sin(before / 2), np.cos(before / 2)
        root = np.sqrt(np.maximum(1 - (shrink * half) ** 2, 1e-12))
        by_state = np.sign(half) * shrink * cosine / root
        by_decay = -shrink * np.abs(half) / root
        total, d_decay = np.empty(shape), np.zeros(shape[2])
        back = np.zeros(shape[1:])
        for t in range(len(z) - 1, -1, -1):
            total[t] = d_phi[t] + back * (1 - spikes[t])
            d_decay += (total[t] * by_decay[t]).sum(axis=0)
            back = total[t] * by_state[t]
        d_gain = (total * np.pi * gain * np.maximum(z, 0.0)).sum(axis=(0, 1))
        d_params = np.stack([d_decay * decay, d_threshold, d_gain], axis=1)
        return d_params, total * np.pi * gain * (z > 0)

    def lava_vars(self, params: Array) -> dict[str, Array]:
        """Return the Vars of the Process that hold the parameters, by name.

        Parameters
        ----------
        params : ndarray, shape (K, 3)
            As trained.

        Returns
        -------
        dict of str to ndarray, shape (K,)
            ``decay``, ``threshold`` and ``gain``.
        """
        return dict(zip(("decay", "threshold", "gain"), _qlif_constants(params), strict=True))

    def from_lava_vars(self, values: dict[str, Array]) -> Array:
        """Return the parameters of such Vars.

        Parameters
        ----------
        values : dict of str to ndarray, shape (K,)
            As of :meth:`lava_vars`.

        Returns
        -------
        ndarray, shape (K, 3)
        """
        logs = (np.log(values["decay"]), logit(values["threshold"]), np.log(values["gain"]))
        return np.stack(logs, axis=1)

    def to_process(self, params: Array, bias: Array, **options: Any) -> Any:
        """Return the :class:`~lava_sqs.QLIF` Process of a layer.

        Parameters
        ----------
        params : ndarray, shape (K, 3)
            As trained.
        bias : ndarray, shape (K,)
            Constant input currents.
        **options
            Further arguments of the Process.

        Returns
        -------
        QLIF
        """
        from lava_sqs.proc.qlif.process import QLIF

        constants: dict[str, Any] = dict(self.lava_vars(params))
        return QLIF(shape=(len(params),), bias=bias, shots=self.shots, **constants, **options)


def _qlif_constants(params: Array) -> tuple[Array, Array, Array]:
    """Decay, threshold and gain of the trained numbers."""
    return np.exp(params[:, 0]), expit(params[:, 1]), np.exp(params[:, 2])
