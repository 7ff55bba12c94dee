"""From what visible spikes are worth to the gradient of every layer: whatever is learned, one rule.

Each channel of the visible layer is told a value per step, what one more spike would be worth, and
raises its spiking by that, along the exact score of its own train. Hidden neurons hear the errors
of those that they drive. :mod:`lava_sqs.network.count` writes it out, for classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.network.gradient import _collected, _nothing, _raising, _repeated
from lava_sqs.network.simulate import LayerTrace, drawn, forward, heard_back, neuron_major
from lava_sqs.network.spec import INPUT, LayerParams, LayerSpec, NetworkSpec, Parameters
from lava_sqs.neurons.base import compiled

__all__ = ["aligned_weights", "from_value", "run_free"]

Array = NDArray[Any]
#: Feedback weights: of each layer, by the hidden layer that drives it.
Back = dict[str, dict[str, Array]]

#: Bound of scores by currents, in units of what a spike is worth: near the steepest of sin^2.
BOUND = 3.0
#: Of the signal, where a visible neuron should spike and applies no gate.
PULL = 0.3
#: The same of hidden neurons that hear no input, but other hidden neurons only.
PULL_BEHIND = 0.1


def aligned_weights(spec: NetworkSpec, rng: np.random.Generator, scale: float = 0.1) -> Back:
    """Return feedback weights to start from, drawn by *rng* from N(0, scale^2 / C).

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    rng : Generator
        Source of random numbers.
    scale : float
        Small: what they start from is to be forgotten.

    Returns
    -------
    dict of str to dict of str to ndarray, shape (C, C_source)
        Feedback weights of each layer, for every hidden layer that drives it, like its weights.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> back = aligned_weights(feed_forward(3, (4,), 2, LIFNeuron()), np.random.default_rng(0))
    >>> back["visible"]["hidden0"].shape
    (2, 4)
    """
    return {
        layer.name: {
            # C neurons are added up in what a source hears: 1/sqrt(C) keeps the size of the sum.
            source: rng.normal(0, scale / np.sqrt(shape[0]), shape)
            for source in layer.others
            if source != INPUT
            for shape in [spec.weights_shape(layer, source)]
        }
        for layer in spec.layers
    }


def run_free(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    rng: np.random.Generator,
    n_draws: int = 1,
    dtype: Any = None,
) -> list[LayerTrace]:
    """Return the traces of a batch (T, B, M), shown *n_draws* times, of which nobody is clamped.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Weights, angles and biases of each layer.
    inputs : ndarray, shape (T, B, M)
        Encoded samples, time first.
    rng : Generator
        Generator of the spikes.
    n_draws : int
        How often each input is shown at once.
    dtype : float32 or float64, optional
        Precision of batches, see :func:`~lava_sqs.network.simulate.forward`.

    Returns
    -------
    list of LayerTrace
        Traces of n_draws B samples.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> from lava_sqs.network.gradient import initialise
    >>> net, rng = feed_forward(3, (4,), 2, LIFNeuron()), np.random.default_rng(0)
    >>> inputs = np.ones((5, 8, 3))
    >>> run_free(net, initialise(net, inputs, rng), inputs, rng, 2)[-1].z.shape
    (7, 16, 2)
    """
    steps, total = len(inputs) + spec.depth, inputs.shape[1] * n_draws
    uniforms = drawn(spec, rng, steps, total, dtype)
    return forward(spec, parameters, _repeated(inputs, n_draws), uniforms, dtype=dtype)


def from_value(
    spec: NetworkSpec,
    parameters: Parameters,
    traces: list[LayerTrace],
    value: Array,
    *,
    scale: float,
    credit: str = "symmetric",
    back: Any = None,
    worth: Array | None = None,
    lasts: Array | None = None,
    sparsity: float = 0.0,
    window: int | None = None,
    train_hidden: bool = True,
    held: bool = True,
    dtype: Any = None,
) -> Parameters:
    """Return the gradient, a mean over samples, of what visible spikes are worth.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Weights, angles and biases of each layer.
    traces : list of LayerTrace
        Traces of samples that ran free, B of them with all draws.
    value : ndarray, shape (S, B, C)
        What each visible channel is told in each step.
    scale : float
        How large a value is: scores by currents are held to `BOUND` times that.
    credit, back
        See :func:`~lava_sqs.network.count.count_gradient`.
    worth : ndarray, shape (1, B), optional
        What each draw was worth as a whole, less a baseline (for credit ``"score"``).
    lasts : ndarray of bool, shape (S, B), optional
        Which steps belong to each sample: in others hidden spikes cost nothing, and have no part
        in what a draw was worth. None: all.
    sparsity, window, train_hidden, held, dtype
        See :func:`~lava_sqs.network.count.count_gradient`.

    Returns
    -------
    dict of str to LayerParams

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> from lava_sqs.network.gradient import initialise
    >>> net, rng = feed_forward(3, (4,), 2, LIFNeuron()), np.random.default_rng(0)
    >>> inputs = np.ones((5, 8, 3))
    >>> start = initialise(net, inputs, rng)
    >>> traces = run_free(net, start, inputs, rng)
    >>> up = from_value(net, start, traces, np.ones((7, 8, 2)), scale=1.0)
    >>> bool((up["visible"].bias > 0).all())  # every spike is worth something
    True
    """
    total = value.shape[1]
    # Scores are means over the batch of *total* samples, and so is their bound.
    most = BOUND * scale / total if held else np.inf
    gradient: Parameters = {}
    errors: dict[str, Array] = {}  # of each layer; per sample they are *total* times as large
    # From the visible layer down: a layer hears the errors of those that it drives, one step later.
    for layer, trace in zip(reversed(spec.layers), reversed(traces), strict=True):
        visible, own = layer is spec.visible, parameters[layer.name]
        if not visible:
            # No way from this layer to the visible one: nobody could say what its spikes are worth.
            if not train_hidden or spec.distance(layer.name) < 0:
                gradient[layer.name] = _nothing(own)
                continue
            value = _heard(spec, parameters, layer.name, errors, credit, back, trace, total)
            if sparsity:
                value = value - (sparsity if lasts is None else sparsity * lasts[:, :, None])
        elif dtype is not None:
            value = neuron_major(value, dtype)
        more = worth if credit == "score" and not visible else None
        if more is not None and lasts is not None:
            more = more * lasts
        d_angles, d_z = _raised(layer, own, trace, value, more, total, most)
        reached = d_z
        if window is not None:
            # Only synapses are held to the window: angles and biases act in every step.
            signal = _raising(trace, value, layer.size) + (0 if more is None else more[:, :, None])
            neuron: Any = layer.neuron
            reached = neuron.window_score(
                own.angles, trace.z, trace.out.spikes, signal / total, window
            )
            reached = np.clip(reached, -most, most)
        pull = PULL if visible else 0.0 if INPUT in layer.sources else PULL_BEHIND
        if pull and held:
            # z <= 0 applies no gate and has no slope: without the pull such a neuron would never
            # learn.
            stuck = (trace.z <= 0) & (value > 0)
            if stuck.any():
                d_z, reached = (np.where(stuck, pull * value / total, d) for d in (d_z, reached))
        gradient[layer.name] = _collected(trace, d_angles, d_z, reached)
        errors[layer.name] = reached
    return {layer.name: gradient[layer.name] for layer in spec.layers}


def _raised(
    layer: LayerSpec,
    own: LayerParams,
    trace: LayerTrace,
    value: Array,
    more: Array | None,
    total: int,
    most: float,
) -> tuple[Array, Array]:
    """Score of what raises the neurons' spiking by *value*, and of *more* (S, B), held to *most*.

    Per batch of *total* samples. In one pass, where the neurons can.
    """
    ran = trace.neurons or compiled(layer.neuron, own.angles)
    at_once = getattr(ran, "score_raised", None)
    # Score and signal in one pass over the train, without an array of signals in between.
    if at_once is not None and more is None and layer.neuron.channels == 1:
        # The signal (s + p - 1) makes d log p(s) a dp; the kernel has p at hand.
        d_params, d_z = at_once(trace.z, trace.out.spikes, value, scale=1 / total, bound=most)
        return d_params, d_z
    signal = _raising(trace, value, layer.size)
    if more is not None:
        signal = signal + more[:, :, None]
    d_params, d_z = ran.score(trace.z, trace.out.spikes, signal / total)
    return d_params, np.clip(d_z, -most, most)


def _heard(
    spec: NetworkSpec,
    parameters: Parameters,
    name: str,
    errors: dict[str, Array],
    credit: str,
    back: Any,
    trace: LayerTrace,
    total: int,
) -> Array:
    """Return what each channel of a hidden layer is told in each step, (S, B, C)."""
    if credit == "score":
        return np.zeros_like(trace.z)
    if credit == "feedback":
        # *errors* are means over samples, what one sample's neuron hears is a sum: hence times
        # *total*.
        weights = back[name].T * total
        # One hop over all layers in between: as many steps later as connections are skipped.
        return heard_back(errors[spec.visible.name], weights, spec.distance(name))
    told: Array | None = None
    for layer in spec.layers:
        if name in layer.sources and layer.name in errors:
            # Aligned feedback is a set of weights of its own, which learns what the forward ones
            # learn.
            own = parameters[layer.name].weights if credit == "symmetric" else back[layer.name]
            part = heard_back(errors[layer.name], own[name] * total, 1, layer.kernel(name))
            told = part if told is None else told + part
    return np.zeros_like(trace.z) if told is None else told
