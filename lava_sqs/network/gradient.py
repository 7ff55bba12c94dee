r"""Local learning of a network, in mini-batches and without any backpropagation through it.

Each neuron ascends the exact score of its own spike train, times a signal:

- a visible neuron is clamped to its target train, and its signal is 1;
- a hidden neuron's spikes are sampled, and its signal says what they were worth. There are two.

``credit="feedback"``: every visible neuron broadcasts its own local error, the score of its train
by its own current, ``e_k(t)``. Each hidden neuron adds them up with fixed random weights ``B``,
which belong to it and are nobody's synapses (direct feedback alignment, [1]_), and raises its
probability ``p`` of a spike where the sum is positive:

.. math::

    \Delta\theta_h \propto \sum_t \Bigl(\sum_k B_{hk}\, e_k(t + d) - \lambda\Bigr)
    \frac{\partial p_h(t)}{\partial\theta}, \qquad
    \frac{\partial p}{\partial\theta} = (s + p - 1)\,
    \frac{\partial \log p(s)}{\partial\theta},

d connections away from the visible layer. A vector of global signals instead of one number, so
that each hidden neuron is told something of its own; the second identity holds for s = 1 and
s = 0 alike, so that which one occurred adds no variance. It is no gradient of the likelihood, as
``B`` is not the visible layer's weights: those come to agree with ``B`` while they learn.

``credit="score"``: one global number. Step t is worth what the visible neurons say later, less a
baseline and the neuron's own cost of spikes,

.. math::

    L_{k,t} = \sum_{t' > t} \gamma^{t'-t-1} \log p^{vis}_{t'} - b_t
              - \lambda \sum_{t' \ge t} s_{k,t'} + c_{k,t}.

``gamma = 1`` is unbiased, and its variance grows with the number of hidden neurons; a smaller one
leaves out what a spike does much later, through memories. With M draws per input, ``b_t`` is the
mean over the other draws of the same input (leave one out), with one draw over the other inputs of
the mini-batch; ``c`` is the same baseline of the cost.

The score of a clamped neuron by its current has no bound where its target is improbable (2/z for a
spike near z = 0, while z <= 0 applies no gate and the score is 0), and above 1 the angle wraps: it
may point to the next flip. A few samples would then move the neuron out of reach of all others. So
the scores of visible neurons by their currents are held to ``BOUND`` (ours): no larger than it
anywhere; ``BOUND (1 - p)`` for a target spike where z <= 0; ``-BOUND p`` for a target silence where
z > 1. Local, and without effect where learning works.

.. [1] A. Nøkland, "Direct feedback alignment provides learning in deep neural networks",
   arXiv:1609.01596. With spikes and a broadcast: G. Bellec et al., Nature Communications 11, 3625
   (2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice
from lava_sqs.network.simulate import LayerTrace, drawn, forward
from lava_sqs.network.spec import LayerParams, NetworkSpec, Parameters
from lava_sqs.network.start import initialise
from lava_sqs.neurons.base import compiled

__all__ = [
    "CREDITS",
    "RULES",
    "TARGETS",
    "BatchResult",
    "class_codes",
    "feedback_weights",
    "initialise",
    "local_gradient",
    "target_trains",
]

Array = NDArray[Any]

#: Learning rules.
RULES = ("exact", "window", "as-published")
#: What tells hidden neurons the worth of their spikes.
CREDITS = ("aligned", "symmetric", "feedback", "score")
#: What a network ascends.
OBJECTIVES = ("count", "likelihood")
#: What visible neurons learn to say, see :func:`class_codes`.
TARGETS = ("one-hot", "pairs")

#: Bound of a visible neuron's score by its current, near pi: that of ``sin^2(pi z / 2)`` at 1/2.
BOUND = 3.0


@dataclass(frozen=True)
class BatchResult:
    """Gradient of one mini-batch (per sample) and what was seen on the way.

    Attributes
    ----------
    gradient : Parameters
        Gradient to ascend.
    log_likelihood : ndarray, shape (B,)
        Log-likelihood of the visible trains, mean over draws, in nats per visible neuron and step.
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
    """Return what each visible neuron should do for each class: 1 spike, 0 silence, -1 free.

    ``one-hot``: a neuron per class spikes for it, and for no other. ``pairs``: a neuron per ordered
    pair (a, b) of classes spikes for a, not for b, and learns nothing from the rest: each decides
    between two classes only, and the spike count is their vote.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    targets : {"one-hot", "pairs"}
        Kind of targets, see :class:`~lava_sqs.SQSNN`.
    per_code : int
        Neurons (or channels) with the same target.

    Returns
    -------
    ndarray of int8, shape (n_classes, C)
        C is n_classes or n_classes (n_classes - 1), times *per_code*; a class's own are neighbours.

    Raises
    ------
    TypeError, ValueError
        If the kind of targets is unknown.

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


def target_trains(
    spec: NetworkSpec, codes: Array, labels: Array, inputs: Array, counted: Array | None = None
) -> Array:
    """Return the visible trains (T + depth, B, C): in every step what :func:`class_codes` say.

    Until the input can have arrived they are free, -1, and so they are after a sample's end.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    codes : ndarray, shape (n_classes, C)
        See :func:`class_codes`.
    labels : ndarray of int, shape (B,)
        Indices of classes.
    inputs : ndarray, shape (T, B, M)
        What enters the network.
    counted : ndarray, shape (T + depth, B), optional
        0 in the steps in which the visible neurons do not hear the sample; None: in no others than
        the first. Silent inputs alone are no padding: a sparse spike train has them too.

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
    # Before the input has come through, a target would teach what is not there.
    clamp[: spec.lag(spec.visible.name)] = -1
    if counted is not None:
        clamp[counted == 0] = -1
    return clamp


def feedback_weights(spec: NetworkSpec, rng: np.random.Generator) -> dict[str, Array]:
    """Return the fixed random weights with which hidden channels hear the visible ones' errors.

    Drawn from N(0, 2/C) by *rng* for a layer of C channels: the size that the visible layer's
    weights grow to.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    rng : Generator
        Draws them.

    Returns
    -------
    dict of str to ndarray, shape (C, C_visible)
        One array per hidden layer.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> net = feed_forward(3, (4,), 2, LIFNeuron())
    >>> feedback_weights(net, np.random.default_rng(0))["hidden0"].shape
    (4, 2)
    """
    visible = spec.visible.channels
    return {
        layer.name: rng.normal(0.0, np.sqrt(2 / layer.channels), (layer.channels, visible))
        for layer in spec.layers[:-1]
    }


# long: hidden neurons hear of their worth in two ways, side by side.
def local_gradient(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    clamp: Array,
    rng: np.random.Generator,
    *,
    feedback: Mapping[str, Array] | None = None,
    n_draws: int = 1,
    sparsity: float = 0.0,
    discount: float = 1.0,
    rule: str = "exact",
    window: int = 1,
    train_hidden: bool = True,
    bound: float | None = BOUND,
    lasts: Array | None = None,
    dtype: Any = None,
) -> BatchResult:
    """Return the local rule's gradient of a mini-batch.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Weights, angles and biases of each layer.
    inputs : ndarray, shape (T, B, M)
        Encoded samples, time first.
    clamp : ndarray, shape (T + depth, B, C)
        Target trains of :func:`target_trains`.
    rng : Generator
        Generator of the spikes of hidden neurons.
    feedback : dict of str to ndarray, shape (C, C_visible), optional
        Feedback weights from :func:`feedback_weights`: credit by ``"feedback"``. None: by
        ``"score"``.
    n_draws : int
        M, how often each input is shown at once.
    sparsity : float
        lambda, the cost of one hidden spike in nats.
    discount : float
        gamma, in [0, 1], of credit by score.
    rule : {"exact", "window", "as-published"}
        The last one has no errors of visible neurons, so no feedback.
    window : int
        H of the rule ``window``: steps back that a synapse is credited for.
    train_hidden : bool
        False leaves the hidden layers as they are (and spares their scores).
    bound : float, optional
        Largest absolute value of visible neurons' scores by their currents; None: the exact score
        everywhere.
    lasts : ndarray of bool, shape (T + depth, B), optional
        Which steps belong to each sample; in others spikes are worth nothing, and cost nothing.
        None: all.
    dtype : float32 or float64, optional
        Precision of batches, see :func:`~lava_sqs.network.simulate.forward`; *inputs* have it too.

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
    many, fixed = _repeated(inputs, n_draws), _repeated(clamp, n_draws)
    # Uniforms for clamped neurons too: the stream of a seed does not depend on what is clamped.
    uniforms = drawn(spec, rng, steps, batch * n_draws, dtype)
    traces = forward(spec, parameters, many, uniforms, fixed, dtype=dtype)
    lasts = None if lasts is None else np.tile(lasts, (1, n_draws))
    alive = 1.0 if lasts is None else lasts[:, :, None]

    def score(layer: Any, trace: LayerTrace, signal: Array) -> tuple[LayerParams, Array]:
        own, weighted = parameters[layer.name], signal / (batch * n_draws)
        if rule == "as-published":
            return _published(layer.neuron, own, trace, weighted, rng)
        # Scores by currents are 2/z just above 0, unbounded; only clamped neurons get stuck there
        # (see the top).
        held = bound if layer is spec.visible else None
        return _exact(
            layer.neuron, own, trace, weighted, held, window if rule == "window" else None
        )

    # neurons and steps that have a target; all channels of a neuron have the same
    heard = (fixed[:, :, :: spec.visible.neuron.channels] >= 0).astype(float)  # (S, B, K)
    log_p = traces[-1].out.log_likelihood * heard
    gradient: Parameters = {}
    gradient[spec.visible.name], errors = score(spec.visible, traces[-1], heard)
    for layer, trace in zip(spec.layers[:-1], traces, strict=False):
        distance = spec.distance(layer.name)
        if not train_hidden or distance < 0:
            gradient[layer.name] = _nothing(parameters[layer.name])
            continue
        if feedback is not None:
            # Errors are means over the batch; what a sample's neuron is told is a sum, hence the
            # factor.
            told = errors @ feedback[layer.name].T * (batch * n_draws)
            signal = _raising(trace, _later(told, distance) - sparsity * alive, layer.size)
        else:
            later = _reward_to_go(log_p.sum(axis=2), discount)  # includes the step itself
            # A spike of step t is heard in t + 1: the step's own reward is not its doing.
            worth = _less_baseline(_later(later, 1), n_draws)
            signal = np.repeat(worth[:, :, None] * alive, layer.size, axis=2)
            if sparsity:
                fired = trace.out.spikes.reshape(*log_p.shape[:2], layer.size, -1).sum(axis=3)
                cost = _less_baseline(sparsity * _reward_to_go(fired * alive), n_draws)
                signal -= cost * alive
        gradient[layer.name], _ = score(layer, trace, signal)

    per_sample = log_p.sum(axis=(0, 2)).reshape(n_draws, batch).mean(axis=0)
    return BatchResult(
        gradient,
        per_sample / np.maximum(heard[:, :batch].sum(axis=(0, 2)), 1),
        *tallied(traces, lasts),
    )


def tallied(traces: list[LayerTrace], lasts: Array | None) -> tuple[float, int]:
    """Return spikes per sample, in the steps (S, B) that belong to it, and wraps of a batch."""
    spikes = sum(n_spikes(trace, lasts) for trace in traces)
    return spikes / traces[0].z.shape[1], sum(trace.wraps for trace in traces)


def n_spikes(trace: LayerTrace, lasts: Array | None) -> int:
    """Return the spikes of a layer, in the steps (S, B) that belong to a sample."""
    if lasts is None:
        return trace.n_spikes
    train = trace.out.spikes * lasts[:, :, None]
    return int(train.transpose(2, 0, 1).sum(axis=(1, 2)).sum())


def _repeated(train: Array, times: int) -> Array:
    """Tile samples (T, B, ...); what is the same in every step stays a view."""
    if times == 1:
        return train
    if train.strides[0] == 0:
        # A train that is the same in every step stays a view: one product instead of T.
        once = np.tile(train[0], (times, 1))
        return np.broadcast_to(once, (len(train), *once.shape))
    return np.tile(train, (1, times, 1))


def _later(signal: Array, steps: int) -> Array:
    """Return what *signal* (S, ...) will be, *steps* later; after the end nothing."""
    # A connection delays by one step: the neurons behind it say what is due to step t in t + 1.
    return np.concatenate([signal[steps:], np.zeros_like(signal[:steps])])


def _raising(trace: LayerTrace, value: Array, size: int) -> Array:
    """Return the signal (S, B, K) whose score raises each channel's spiking by its *value*."""
    s, p = trace.out.spikes, trace.out.p_spike
    if size == s.shape[2]:
        return np.asarray(value * (s + p - 1))  # exactly d p: see the top
    # The bits of one outcome: their mean as the baseline, unbiased.
    return np.asarray((value * (s - p)).reshape(*s.shape[:2], size, -1).sum(axis=3))


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
    # Other draws of the same input differ by chance alone, other inputs in difficulty as well: the
    # former are the better baseline, if there are any.
    axis = 1 if n_draws > 1 else 2
    n = groups.shape[axis]
    if n == 1:
        return value
    # The mean of the others, without one's own: subtracting it leaves the mean of the gradient as
    # it is.
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
    most: float | None,
    window: int | None,
) -> tuple[LayerParams, Array]:
    """Score of parameters, and of currents (S, B, C); a synapse multiplies by what it delivered.

    With a *window* the synapses know no more than stock LearningDense does, the scores of the last
    steps. Angles and biases act in every step and need no window.
    """
    z, spikes = trace.z, trace.out.spikes
    ran = trace.neurons or compiled(neuron, own.angles)
    d_angles, d_z = ran.score(z, spikes, signal)
    reached = d_z
    if window is not None:
        reached = neuron.window_score(own.angles, z, spikes, signal, window)
    if most is not None:
        d_z, reached = (_held(d, trace, signal, most) for d in (d_z, reached))
    return _collected(trace, d_angles, d_z, reached), reached


def _collected(trace: LayerTrace, d_angles: Array, d_z: Array, reached: Array) -> LayerParams:
    """Return the gradient of a layer by its scores by currents; *reached* are those of synapses."""
    weights = {s: x.correlated(reached) for s, x in trace.history.items()}
    # in the order of a batch's memory
    return LayerParams(weights, d_z.transpose(2, 0, 1).sum(axis=(1, 2)), d_angles)


def _held(d_z: Array, trace: LayerTrace, signal: Array, bound: float) -> Array:
    """Return scores by currents within their bounds: see the top."""
    z, s, p = trace.z, trace.out.spikes, trace.out.p_spike
    # One signal per neuron, one current per channel.
    most = bound * signal.repeat(z.shape[2] // signal.shape[2], axis=2)
    d_z = np.clip(d_z, -most.max(), most.max())  # in a step without target, too: by way of memory
    d_z = np.where((z <= 0) & (s == 1), most * (1 - p), d_z)
    # Beyond a full flip the slope has the wrong sign for the neuron to come back by itself.
    return np.where((z > 1) & (s == 0), -most * p, d_z)


def _published(
    neuron: Any, own: LayerParams, trace: LayerTrace, signal: Array, rng: Any
) -> tuple[LayerParams, Array]:
    """The released code's rule: fresh memories, SPSA for weights. The bias is one more weight."""
    sources = list(trace.history)
    ones = np.ones((*trace.z.shape[:2], 1))
    history = np.concatenate([*(trace.history[s].dense() for s in sources), ones], axis=2)
    weights = np.concatenate([*(own.weights[s] for s in sources), own.bias[:, None]], axis=1)
    seed = int(rng.integers(2**63))
    d_angles, d_weights = neuron.published_score(
        own.angles, weights, np.zeros(len(own.bias)), history, trace.out.spikes, signal, seed
    )
    ends = np.cumsum([own.weights[s].shape[1] for s in sources])
    parts = np.split(d_weights, ends, axis=1)
    learned = LayerParams(dict(zip(sources, parts, strict=False)), parts[-1][:, 0], d_angles)
    return learned, np.zeros(trace.z.shape)  # it has no scores of currents
