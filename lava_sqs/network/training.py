r"""Local learning of a network, in mini-batches and without any backpropagation through it.

Each neuron ascends the exact score of its own spike train, times a signal:

- a visible neuron is clamped to its target train, and its signal is 1;
- a hidden neuron's spikes are sampled. Its step t is worth what the visible neurons say later,
  less a baseline and its own cost of spikes,

.. math::

    L_{k,t} = \sum_{t' > t} \gamma^{t'-t-1} \log p^{vis}_{t'} - b_t
              - \lambda \sum_{t' \ge t} s_{k,t'} + c_{k,t},

a global number and local ones. ``gamma = 1`` is unbiased; a smaller one leaves out what a spike
does much later, through memories, and with it most of the variance. With M draws per input,
``b_t`` is the mean over the other draws of the same input (leave one out), with one draw over the
other inputs of the mini-batch; ``c`` is the same baseline of the cost.

Where ``z <= 0`` no gate is applied and the score by the current is exactly 0, so a visible neuron
that should have spiked there could never come back. There, and only there, its current is moved
by a delta rule instead, ``revive * (s_t - p_t)`` (ours): local, and 0 wherever learning works.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice
from lava_sqs.network.simulation import LayerTrace, currents, forward, shifted
from lava_sqs.network.spec import INPUT, LayerParams, NetworkSpec, Parameters

__all__ = [
    "RULES",
    "TARGETS",
    "BatchResult",
    "class_codes",
    "initialise",
    "local_gradient",
    "target_trains",
]

Array = NDArray[Any]

#: Learning rules.
RULES = ("exact", "window", "as-published")
#: What visible neurons learn to say, see :func:`class_codes`.
TARGETS = ("one-hot", "pairs")

#: Strength of the delta rule in the dead zone of visible neurons.
REVIVE = 3.0


@dataclass(frozen=True)
class BatchResult:
    """Gradient of one mini-batch (per sample) and what was seen on the way.

    Attributes
    ----------
    gradient : Parameters
        To ascend.
    log_likelihood : ndarray, shape (B,)
        Of the visible trains, mean over draws, in nats per visible neuron and step.
    spikes : float
        Spikes per sample, of hidden (sampled) and visible (clamped) neurons.
    wraps : int
        Currents above 1.

    Examples
    --------
    >>> BatchResult({}, np.array([-0.7]), 12.0, 0).spikes
    12.0
    """

    gradient: Parameters
    log_likelihood: Array
    spikes: float
    wraps: int


def class_codes(n_classes: int, targets: str, per_code: int = 1) -> Array:
    """Return what each visible neuron shall do for each class: 1 spike, 0 silence, -1 free.

    ``one-hot``: a neuron per class spikes for it, and for no other. ``pairs``: a neuron per ordered
    pair (a, b) of classes spikes for a, not for b, and learns nothing from the rest: each decides
    between two classes only, and the spike count is their vote.

    Parameters
    ----------
    n_classes : int
    targets : {"one-hot", "pairs"}
    per_code : int
        Neurons (or channels) with the same target.

    Returns
    -------
    ndarray of int8, shape (n_classes, C)
        C is n_classes or n_classes (n_classes - 1), times *per_code*; a class's own are neighbours.

    Raises
    ------
    TypeError, ValueError
        If there is no such kind of targets.

    Examples
    --------
    >>> class_codes(3, "pairs")[0]
    array([ 1,  1,  0, -1,  0, -1], dtype=int8)
    """
    check_choice("targets", targets, TARGETS)
    if targets == "one-hot":
        codes = np.eye(n_classes, dtype=np.int8)
    else:
        pairs = [(a, b) for a in range(n_classes) for b in range(n_classes) if a != b]
        codes = np.full((n_classes, len(pairs)), -1, dtype=np.int8)
        for i, (a, b) in enumerate(pairs):
            codes[a, i], codes[b, i] = 1, 0
    return np.repeat(codes, per_code, axis=1)


def target_trains(spec: NetworkSpec, codes: Array, labels: Array, inputs: Array) -> Array:
    """Return the visible trains (T + depth, B, C): in every step what :func:`class_codes` say.

    Until the input can have arrived they are free, -1. After the last input that is not zero, of
    samples padded with zeros, all are silent.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    codes : ndarray, shape (n_classes, C)
        As of :func:`class_codes`.
    labels : ndarray of int, shape (B,)
        Indices of classes.
    inputs : ndarray, shape (T, B, M)
        What enters the network.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> codes = class_codes(2, "one-hot")
    >>> target_trains(feed_forward(3, (), 2, LIFNeuron()), codes, np.array([1]), np.ones((2, 1, 3)))
    array([[[-1, -1]],
    <BLANKLINE>
           [[ 0,  1]],
    <BLANKLINE>
           [[ 0,  1]]], dtype=int8)
    """
    steps = len(inputs) + spec.depth
    clamp = np.repeat(codes[labels][None], steps, axis=0)
    if spec.lag(spec.visible.name) < len(inputs):
        spoken = inputs.any(axis=2)
        ends = np.where(spoken.any(axis=0), len(inputs) - spoken[::-1].argmax(axis=0), len(inputs))
        clamp[np.arange(steps)[:, None] >= ends + spec.depth] = 0
    clamp[: spec.lag(spec.visible.name)] = -1
    return clamp


def local_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    clamp: Array,
    rng: np.random.Generator,
    *,
    n_draws: int = 1,
    sparsity: float = 0.0,
    discount: float = 1.0,
    rule: str = "exact",
    window: int = 1,
    train_hidden: bool = True,
    revive: float = REVIVE,
) -> BatchResult:
    """Return the local rule's gradient of a mini-batch.

    Parameters
    ----------
    spec : NetworkSpec
    parameters : Parameters
    inputs : ndarray, shape (T, B, M)
    clamp : ndarray, shape (T + depth, B, C)
        Of :func:`target_trains`.
    rng : Generator
        For the spikes of hidden neurons.
    n_draws : int
        M, how often each input is shown at once.
    sparsity : float
        lambda, the cost of one hidden spike in nats.
    discount : float
        gamma, in [0, 1].
    rule : {"exact", "window", "as-published"}
    window : int
        H of the rule ``window``: steps back that a synapse is credited for.
    train_hidden : bool
        False leaves the hidden layers as they are (and spares their scores).
    revive : float
        Strength of the delta rule of visible neurons where z <= 0.

    Returns
    -------
    BatchResult

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> net, rng = feed_forward(3, (4,), 2, LIFNeuron()), np.random.default_rng(0)
    >>> inputs = np.ones((5, 8, 3))
    >>> clamp = target_trains(net, class_codes(2, "one-hot"), np.arange(8) % 2, inputs)
    >>> batch = local_gradient(net, initialise(net, inputs, rng), inputs, clamp, rng, n_draws=2)
    >>> batch.gradient["hidden0"].weights["input"].shape, batch.log_likelihood.shape
    ((4, 3), (8,))
    """
    steps, batch = len(clamp), inputs.shape[1]
    many = np.tile(inputs, (1, n_draws, 1))
    fixed = np.tile(clamp, (1, n_draws, 1))
    uniforms = [rng.random((steps, batch * n_draws, la.size)) for la in spec.layers]
    traces = forward(spec, parameters, many, uniforms, fixed)

    # neurons and steps that have a target; all channels of a neuron have the same
    heard = fixed[:, :, :: spec.visible.neuron.channels] >= 0  # (S, B, K)
    log_p = traces[-1].out.log_likelihood * heard
    later = _reward_to_go(log_p.sum(axis=2), discount)  # includes the step itself
    worth = np.concatenate([later[1:], np.zeros((1, later.shape[1]))])
    worth = _less_baseline(worth, n_draws)

    gradient: Parameters = {}
    for layer, trace in zip(spec.layers, traces, strict=True):
        own = parameters[layer.name]
        if layer is spec.visible:
            signal = heard.astype(float)
        elif train_hidden:
            signal = np.repeat(worth[:, :, None], layer.size, axis=2)
            if sparsity:
                fired = trace.out.spikes.reshape(*log_p.shape[:2], layer.size, -1).sum(axis=3)
                signal -= _less_baseline(sparsity * _reward_to_go(fired), n_draws)
        else:
            gradient[layer.name] = _nothing(own)
            continue
        score = _published if rule == "as-published" else _exact
        if rule == "window":
            score = partial(_exact, window=window)
        pull = revive if layer is spec.visible else 0.0
        signal = signal / (batch * n_draws)
        gradient[layer.name] = score(layer.neuron, own, trace, signal, rng, pull)

    per_sample = log_p.sum(axis=(0, 2)).reshape(n_draws, batch).mean(axis=0)
    n_spikes = sum(float((t.out.spikes == 1).sum()) for t in traces)
    return BatchResult(
        gradient,
        per_sample / np.maximum(heard[:, :batch].sum(axis=(0, 2)), 1),
        n_spikes / (batch * n_draws),
        sum(t.wraps for t in traces),
    )


def _reward_to_go(reward: Array, discount: float = 1.0) -> Array:
    """Return sum over t' >= t of ``discount**(t' - t)`` times *reward* (S, ...)."""
    total = np.array(reward, dtype=float)
    for t in range(len(total) - 2, -1, -1):
        total[t] += discount * total[t + 1]
    return total


def _less_baseline(value: Array, n_draws: int) -> Array:
    """Subtract from *value* (S, M * B, ...) the mean over what else was drawn at the same time."""
    steps, total = value.shape[:2]
    groups = value.reshape(steps, n_draws, total // n_draws, *value.shape[2:])
    axis = 1 if n_draws > 1 else 2
    n = groups.shape[axis]
    if n == 1:
        return value
    others = (groups.sum(axis=axis, keepdims=True) - groups) / (n - 1)
    return np.asarray((groups - others).reshape(value.shape))


def _nothing(own: LayerParams) -> LayerParams:
    weights = {s: np.zeros_like(w) for s, w in own.weights.items()}
    return LayerParams(weights, np.zeros_like(own.bias), np.zeros_like(own.angles))


def _exact(
    neuron: Any,
    own: LayerParams,
    trace: LayerTrace,
    signal: Array,
    rng: Any,
    pull: float,
    window: int | None = None,
) -> LayerParams:
    """Score of parameters and currents; a synapse multiplies by what it delivered.

    With a *window* the synapses know no more than stock LearningDense does, the scores of the last
    steps. Angles and biases act in every step and need no window.
    """
    d_angles, d_z = neuron.score(own.angles, trace.z, trace.out.spikes, signal)
    reached = d_z
    if window is not None:
        reached = neuron.window_score(own.angles, trace.z, trace.out.spikes, signal, window)
    if pull:
        out = trace.out
        s = signal.repeat(d_z.shape[2] // signal.shape[2], axis=2)
        dead = pull * s * (out.spikes - out.p_spike) * ((trace.z <= 0) & (out.spikes == 1))
        d_z, reached = d_z + dead, reached + dead
    flat = reached.reshape(-1, reached.shape[-1])
    weights = {s: flat.T @ x.reshape(-1, x.shape[-1]) for s, x in trace.history.items()}
    return LayerParams(weights, d_z.sum(axis=(0, 1)), d_angles)


def _published(
    neuron: Any, own: LayerParams, trace: LayerTrace, signal: Array, rng: Any, pull: float
) -> LayerParams:
    """The released code's rule: fresh memories, SPSA for weights. The bias is one more weight."""
    sources = list(trace.history)
    ones = np.ones((*trace.z.shape[:2], 1))
    history = np.concatenate([*(trace.history[s] for s in sources), ones], axis=2)
    weights = np.concatenate([*(own.weights[s] for s in sources), own.bias[:, None]], axis=1)
    seed = int(rng.integers(2**63))
    d_angles, d_weights = neuron.published_score(
        own.angles, weights, np.zeros(len(own.bias)), history, trace.out.spikes, signal, seed
    )
    ends = np.cumsum([own.weights[s].shape[1] for s in sources])
    parts = np.split(d_weights, ends, axis=1)
    return LayerParams(dict(zip(sources, parts, strict=False)), parts[-1][:, 0], d_angles)


def initialise(
    spec: NetworkSpec,
    inputs: Array,
    rng: np.random.Generator,
    *,
    hidden_spread: float = 0.25,
    visible_spread: float = 0.05,
) -> Parameters:
    """Return parameters to start from, made for the data: currents of mean 0.5.

    Where z <= 0 no gate is applied and nothing can be learned, and beyond 1 the angle wraps. So
    every channel's currents get, on the example inputs, mean 0.5 (by its bias) and the given
    standard deviation (by the scale of its random weights).

    Parameters
    ----------
    spec : NetworkSpec
    inputs : ndarray, shape (T, B, M)
        Examples.
    rng : Generator
    hidden_spread, visible_spread : float
        Standard deviation of z over steps and samples.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> net = feed_forward(3, (4,), 2, LIFNeuron())
    >>> start = initialise(net, np.ones((5, 8, 3)), np.random.default_rng(0))
    >>> list(start), start["hidden0"].bias.shape
    (['hidden0', 'visible'], (4,))
    """
    steps = len(inputs) + spec.depth
    trains = {INPUT: shifted(inputs, steps)}
    parameters: Parameters = {}
    for layer in spec.layers:
        visible = layer is spec.visible
        weights = {}
        for source in layer.sources:
            x = trains[source]
            scale = 1 / np.sqrt(max(float((x**2).sum(axis=2).mean()), 1e-12))
            weights[source] = scale * rng.normal(size=(layer.channels, x.shape[-1]))
        own = LayerParams(weights, np.zeros(layer.channels), layer.neuron.initial(layer.size, rng))
        # Only steps in which the layer hears the input: at the others z is its bias.
        lag = spec.lag(layer.name)
        history = {s: trains[s] for s in layer.sources}
        z = currents(own, history)[lag : lag + len(inputs)].reshape(-1, layer.channels)
        spread = visible_spread if visible else hidden_spread
        factor = spread / np.maximum(z.std(axis=0), 1e-9)
        factor = np.minimum(factor, spread)  # a constant input must not blow the weights up
        own.weights = {s: w * factor[:, None] for s, w in own.weights.items()}
        own.bias = 0.5 - (z * factor).mean(axis=0)
        parameters[layer.name] = own
        if not visible:
            u = rng.random((steps, inputs.shape[1], layer.size))
            out = layer.neuron.run(own.angles, currents(own, history), u)
            trains[layer.name] = shifted(out.spikes, steps)
    return parameters
