r"""Gradients of a network whose spikes come from a device, which knows no probabilities.

A device runs a layer of neurons for whole trains, once per neuron and sample, and says the spikes.
The likelihood of a train that it is *made* to say, it cannot: that needs post-selection, and 2^T
runs where the train is one of as many. What it can measure is how a bounded reward of whole trains,
:class:`~lava_sqs.network.rewards.Reward`, changes in the mean. There are three ways.

:class:`Twin`: spikes from the device, their exact scores by the neuron's model, the *twin*. All
rules of networks that run free are as they are, with what the device said in place of what a model
would have drawn. Right as far as the model is. With ``credit="score"`` it is the score-function
estimator in every layer, unbiased if the model is the device,

.. math:: \Delta\theta_k = \sum_t A_k(t)\, \frac{\partial \log p_k(t)}{\partial\theta} .

:class:`Perturbation`: no model. Each run has small random offsets of its own in its angles,
:math:`\xi`, and in the current of each step, :math:`\eta_t`, and

.. math::

    \Delta\theta_k = A_k(0)\, \xi_k / \sigma_\theta^2, \qquad
    e_k(t) = A_k(t)\, \eta_k(t) / \sigma_z^2, \qquad
    \Delta w_{ki} = \sum_t e_k(t)\, x_i(t - 1) :

reward times what the neuron did differently, times the spike that arrived: three factors, one run.
By Stein's lemma the mean is, exactly, the gradient of the mean reward of neurons whose angles and
currents jitter so; that of neurons that do not, it misses by a part of order :math:`\sigma^2`.

:class:`Shift`: no model, no jitter. The derivative by the angle of one gate in one step is a sum
:math:`\sum_r c_r E_r[f]` of rewards under large, known shifts of that gate there, and that by an
angle the sum over where it occurs. One run per neuron draws one term of all of them, with the
probability of its weight. Visible neurons are shifted one by one as a reward is made of the shifted
train of one and the others' plain ones; for hidden layers, one neuron of each per sample is run
shifted, and all layers behind it again.

Hidden neurons hear one number for all of them, what the reward was: it is right in the mean and
says the less to each, the more they are. Of the three only the twin can tell each its own part
(``credit="aligned"``, the default), by the errors of the neurons that it drives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_positive, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.network.gradient import BatchResult, _collected, _nothing, _repeated, tallied
from lava_sqs.network.rewards import Reward
from lava_sqs.network.sampler import Sampler, learns, only, run_on, twin_traces
from lava_sqs.network.shifted import shifted_gradient
from lava_sqs.network.simulate import LayerTrace
from lava_sqs.network.spec import LayerSpec, NetworkSpec, Parameters
from lava_sqs.neurons.base import RunOut

__all__ = ["Perturbation", "Shift", "Twin", "device_gradient"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Twin:
    """Spikes from the device, exact scores by the model.

    Examples
    --------
    >>> Twin().name
    'twin'
    """

    name = "twin"


@dataclass(frozen=True)
class Perturbation:
    """Each run has random offsets of its own, which are correlated with the reward.

    Parameters
    ----------
    angles, currents : float
        Standard deviations, in radians and in units of a full flip; 0 leaves angles, or weights and
        biases, as they are. Larger ones need fewer shots and blur more.
    per : {"shot", "step"}
        Whether an angle has one offset per run, or another one in each step.

    Raises
    ------
    TypeError, ValueError
        If a number is negative, both are 0, or a choice is unknown.

    Examples
    --------
    >>> Perturbation(angles=0.2).per
    'shot'
    """

    name = "perturbation"
    angles: float = 0.3
    currents: float = 0.15
    per: str = "shot"

    def __post_init__(self) -> None:
        for name in ("angles", "currents"):
            check_positive(name, getattr(self, name), zero=True)
        check_choice("per", self.per, ("shot", "step"))
        if not self.angles and not self.currents:
            raise ArgumentValueError(
                "angles", "must not be 0 if `currents` is: nothing would be learned."
            )


@dataclass(frozen=True)
class Shift:
    """One random term of the parameter-shift rule per run.

    Examples
    --------
    >>> Shift().name
    'shift'
    """

    name = "shift"


RULES: dict[str, Any] = {rule.name: rule for rule in (Twin, Perturbation, Shift)}


def rule_of(value: Any) -> Any:
    """Return a way to learn on a device, of its name or itself; None is the twin."""
    if isinstance(value, tuple(RULES.values())):
        return value
    if value is not None and not isinstance(value, str):
        raise ArgumentTypeError(
            "gradient",
            f"must be one of {', '.join(map(repr, RULES))}, or a Twin, Perturbation or Shift, but "
            f"got {describe(value)}.",
        )
    name = Twin.name if value is None else value
    return RULES[check_choice("gradient", name, list(RULES))]()


def shots_per_sample(spec: NetworkSpec, rule: Any, train_hidden: bool = True) -> int:
    """Return how many runs of a neuron one showing of one sample takes."""
    sizes = [layer.size for layer in spec.layers]
    total = sum(sizes)
    if isinstance(rule, Shift):
        # Each visible neuron once more, shifted.
        total += sizes[-1]
        for i, layer in enumerate(spec.layers[:-1]):
            if train_hidden and spec.distance(layer.name) >= 0:
                # One shifted neuron of this layer, and all layers behind it again.
                total += 1 + sum(sizes[i + 1 :])
    return total


def device_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    reward: Reward,
    rule: Twin | Perturbation | Shift,
    sampler: Any,
    rng: np.random.Generator,
    *,
    train_hidden: bool = True,
    lasts: Array | None = None,
    dtype: Any = None,
) -> tuple[BatchResult, Array]:
    """Return the gradient of the mean reward of a mini-batch, and its visible spikes.

    Parameters
    ----------
    spec : NetworkSpec
        Feed-forward, of SQS neurons.
    parameters : Parameters
        Weights, angles and biases of each layer.
    inputs : ndarray, shape (T, B, M)
        Encoded samples, time first.
    reward : Reward
        What B samples are worth, each shown ``reward.n_draws`` times.
    rule : Twin, Perturbation or Shift
        The estimator of the gradient.
    sampler : Sampler
        The device.
    rng : Generator
        Generator of offsets and of lots.
    train_hidden : bool
        False leaves the hidden layers as they are.
    lasts : ndarray of bool, shape (S, B), optional
        Which steps belong to each sample, for the count of spikes.
    dtype : float64 or float32, optional
        The precision of a twin's model, as for :func:`~lava_sqs.network.simulate.forward`.

    Returns
    -------
    BatchResult
        ``log_likelihood`` is the reward per sample.
    ndarray, shape (S, B, C)

    Examples
    --------
    >>> from lava_sqs.network import SQSNeuron, feed_forward
    >>> from lava_sqs.network.gradient import initialise
    >>> from lava_sqs.network.regression import Reading
    >>> from lava_sqs.quantum import ansatz
    >>> net, rng = feed_forward(3, (), 2, SQSNeuron(ansatz.layered())), np.random.default_rng(0)
    >>> inputs = np.ones((5, 8, 3))
    >>> class Silent:
    ...     def sample(self, ansatz, theta, currents, *, shots=1, seed=None):
    ...         return np.zeros(currents.shape, dtype=int)
    >>> reward = Reward(
    ...     Reading(0.0, 1, 5, np.ones((6, 8))), 1.0, np.zeros((1, 8), int), np.ones((1, 8)), 2)
    >>> found, spikes = device_gradient(
    ...     net, initialise(net, inputs, rng), inputs, reward, Perturbation(),
    ...     Sampler(Silent(), rng), rng)
    >>> bool(found.gradient["visible"].angles.any())  # nothing that it does is ever worth more
    False
    """
    many = _repeated(inputs, reward.n_draws)
    if isinstance(rule, Twin):
        traces = twin_traces(spec, parameters, many, sampler, 1, dtype)
        gradient = _scored(spec, parameters, traces, reward, train_hidden)
    elif isinstance(rule, Perturbation):
        traces, gradient = _perturbed(
            spec, parameters, many, reward, rule, sampler, rng, train_hidden
        )
    else:
        traces, gradient = shifted_gradient(
            spec, parameters, many, reward, sampler, rng, train_hidden
        )
    said = traces[-1].out.spikes
    value = reward.value(said).sum(axis=0).reshape(reward.n_draws, -1).mean(axis=0)
    if lasts is not None:
        lasts = np.tile(lasts, (1, reward.n_draws))
    return BatchResult(gradient, value, *tallied(traces, lasts)), said


def _told(spec: NetworkSpec, layer: LayerSpec, said: Array, reward: Reward) -> Array:
    """Return what the neurons of a layer hear, (S, B, K), or (S, B, 1) for all."""
    if layer is spec.visible:
        return reward.advantage(said, layer.size)
    return reward.to_hidden(said)[:, :, None]


def _scored(
    spec: NetworkSpec,
    parameters: Parameters,
    traces: list[LayerTrace],
    reward: Reward,
    train_hidden: bool,
) -> Parameters:
    """Return the exact scores of what was done, times what was heard: a mean over samples."""
    said, gradient = traces[-1].out.spikes, {}
    for layer, trace in zip(spec.layers, traces, strict=True):
        if not learns(spec, layer, train_hidden):
            gradient[layer.name] = _nothing(parameters[layer.name])
            continue
        told = np.broadcast_to(_told(spec, layer, said, reward), (*trace.z.shape[:2], layer.size))
        assert trace.neurons is not None
        d_angles, d_z = trace.neurons.score(trace.z, trace.out.spikes, told / trace.z.shape[1])
        gradient[layer.name] = _collected(trace, d_angles, d_z, d_z)
    return gradient


def _perturbed(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    reward: Reward,
    rule: Perturbation,
    sampler: Sampler,
    rng: np.random.Generator,
    train_hidden: bool,
) -> tuple[list[LayerTrace], Parameters]:
    offsets: dict[str, tuple[Array, Array]] = {}

    def run(layer: LayerSpec, z: Array) -> tuple[RunOut, Any]:
        angles = parameters[layer.name].angles
        if not learns(spec, layer, train_hidden):
            return only(sampler.layer(layer, angles, z)), None
        steps, batch = z.shape[:2]
        times = (steps,) if rule.per == "step" else (1,)
        # (B, K, 1 or S, n): an offset that stays for the run, or one per step.
        xi = rule.angles * rng.standard_normal((batch, layer.size, *times, angles.shape[1]))
        eta = rule.currents * rng.standard_normal(z.shape)
        offsets[layer.name] = xi, eta
        # (K, n) -> (K, 1, n), which broadcasts over samples and steps.
        moved = angles[:, None] + xi
        return only(
            sampler.layer(layer, moved if len(xi[0, 0]) > 1 else moved[:, :, 0], z + eta)
        ), None

    traces = run_on(spec, parameters, inputs, run)
    said, gradient = traces[-1].out.spikes, {}
    for layer, trace in zip(spec.layers, traces, strict=True):
        own = parameters[layer.name]
        if layer.name not in offsets:
            gradient[layer.name] = _nothing(own)
            continue
        xi, eta = offsets[layer.name]
        # A mean over the batch.
        told = _told(spec, layer, said, reward) / said.shape[1]
        d_angles, d_z = np.zeros(own.angles.shape), np.zeros(eta.shape)
        if rule.angles:
            # One offset per run acts from the first step on, so it hears A(0), all that came later;
            # one per step hears A(t).
            heard = np.broadcast_to(told, (*told.shape[:2], layer.size))[: xi.shape[2]]
            # Stein: E[R xi] / sigma^2 is the gradient of the mean reward of neurons that jitter.
            d_angles = np.einsum("tbk,bktn->kn", heard, xi) / rule.angles**2
        if rule.currents:
            # All channels of a neuron hear what the neuron hears; a layer that hears one number
            # repeats that.
            d_z = np.repeat(told, eta.shape[2] // told.shape[2], axis=2) * eta / rule.currents**2
        gradient[layer.name] = _collected(trace, d_angles, d_z, d_z)
    return traces, gradient
