"""Parameters that a network starts to learn from, made for its data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.network.arriving import Delayed, arriving
from lava_sqs.network.simulate import currents, run_layer
from lava_sqs.network.spec import INPUT, LayerParams, LayerSpec, NetworkSpec, Parameters
from lava_sqs.neurons.base import compiled

__all__ = ["initialise"]

Array = NDArray[Any]

#: Standard deviation of what a recurrent layer makes of its own spikes at first, in units of
#: current: small beside that of its input, so that it begins as a layer that is driven.
RECURRENT_SPREAD = 0.05


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
    standard deviation (by the scale of its random weights). A recurrent layer
    hears little of itself.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    inputs : ndarray, shape (T, B, M)
        Examples of encoded samples.
    rng : Generator
        Source of random numbers.
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
    trains = {INPUT: Delayed(inputs, steps)}
    parameters: Parameters = {}
    for layer in spec.layers:
        visible = layer is spec.visible
        weights = {}
        for source in layer.others:
            x = trains[source].dense()
            # By the mean squared length of what arrives: each source then adds about the same
            # power.
            scale = 1 / np.sqrt(max(float((x**2).sum(axis=2).mean()), 1e-12))
            weights[source] = scale * rng.normal(size=spec.weights_shape(layer, source))
        own = LayerParams(weights, np.zeros(layer.channels), layer.neuron.initial(layer.size, rng))
        # Only steps in which the layer hears the input: at the others z is its bias.
        lag = spec.lag(layer.name)
        history = arriving(layer, trains)
        # The bias is 0 here, and is set below to put the mean at 0.5.
        z = currents(own, history)[lag : lag + len(inputs)].reshape(-1, layer.channels)
        spread = visible_spread if visible else hidden_spread
        factor = spread / np.maximum(z.std(axis=0), 1e-9)
        if layer.kernels:  # shared weights: one for each feature map
            maps = layer.kernels[0][1].out_channels
            rows = np.maximum(z.reshape(-1, maps).std(axis=0), 1e-9)
            # Channels are (position, map) with the map last.
            factor = np.tile(spread / rows, layer.channels // maps)
        factor = np.minimum(factor, spread)  # a constant input must not blow the weights up
        own.weights = {
            s: w * factor[: len(w)].reshape(-1, *[1] * (w.ndim - 1)) for s, w in own.weights.items()
        }
        own.bias = 0.5 - (z * factor).mean(axis=0)
        parameters[layer.name] = own
        if visible and not layer.recurrent:
            break  # the last one, and nobody asks what it says
        bound, shape = compiled(layer.neuron, own.angles), (steps, inputs.shape[1], layer.size)
        if layer.recurrent:
            alone = bound.run(currents(own, history), rng.random(shape), record=False)
            _let_hear_itself(layer, own, alone.spikes.mean(axis=(0, 1)), rng)
        if not visible:
            u = rng.random(shape)
            out = run_layer(layer, own, bound, history, u, record=False).out
            trains[layer.name] = Delayed(out.spikes, steps)
    return parameters


def _let_hear_itself(
    layer: LayerSpec, own: LayerParams, rates: Array, rng: np.random.Generator
) -> None:
    """Add recurrent weights whose currents have mean 0 for neurons that spike at *rates*."""
    channels = layer.channels
    # A spike of probability 1/2 has the standard deviation 1/2, hence the 2.
    w = rng.normal(0.0, 2 * RECURRENT_SPREAD / np.sqrt(channels), (channels, channels))
    own.weights = {s: w if s == layer.name else own.weights[s] for s in layer.sources}
    # What the layer hears of itself on average is taken off: the mean current stays 0.5.
    own.bias = own.bias - w @ rates
