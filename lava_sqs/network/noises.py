"""Noise that differs from neuron to neuron, in the layers of a network."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from lava_sqs._errors import ArgumentValueError
from lava_sqs.network.layers import Conv2D, Layer, SQSLayer
from lava_sqs.network.spec import NetworkSpec
from lava_sqs.neurons import Neuron
from lava_sqs.quantum.noise.per_neuron import NoisePerNeuron, check_noise

__all__: list[str] = []


def several(noise: Any) -> bool:
    """Return whether a noise is a list of models, one per neuron."""
    return isinstance(noise, (NoisePerNeuron, list, tuple))


def of_network(hidden: Iterable[Any], neuron: Neuron) -> list[str]:
    """Return the names of the layers that have the noise of the network.

    Those of *hidden* layers and the visible one whose neurons are the network's *neuron*, and those
    that say so.
    """
    takes = bool(getattr(neuron, "takes_noise", False))
    names = []
    for i, one in enumerate(hidden):
        own = takes
        if isinstance(one, SQSLayer):
            own = isinstance(one.noise, str)
        elif isinstance(one, Conv2D):
            own = takes and one.kind is None
        elif isinstance(one, Layer):
            own = False
        names += [f"hidden{i}"] * own
    return names + ["visible"] * takes


def under_noise(spec: NetworkSpec, names: Collection[str], noise: Any) -> NetworkSpec:
    """Return a network whose layers of these *names* have a noise, and no other is changed.

    Of a list the first models are those of the first such layer, and so on.

    Examples
    --------
    >>> from lava_sqs.network import NetworkSpec, SQSNeuron
    >>> from lava_sqs.network.spec import feed_forward
    >>> from lava_sqs.quantum import NoiseModel, ansatz
    >>> net = feed_forward(4, (2,), 1, SQSNeuron(ansatz.paper()))
    >>> models = NoiseModel(p_reset=0.1).spread(3, seed=0, p_reset=0.5)
    >>> noisy = under_noise(net, ("hidden0", "visible"), models)
    >>> noisy.layers[0].neuron.noise == models[:2], noisy.visible.neuron.noise == models[2]
    (True, True)
    """
    given: Any = check_noise("noise", noise, None)
    chosen = [layer for layer in spec.layers if layer.name in names]
    total = sum(layer.size for layer in chosen)
    if isinstance(given, NoisePerNeuron) and len(given) != total:
        sizes = ", ".join(f"{layer.name} {layer.size}" for layer in chosen)
        raise ArgumentValueError(
            "noise",
            f"must be one model, or one for each of {total} neuron(s), layer by layer ({sizes}), "
            f"but has {len(given)}. NoiseModel.spread(n) draws n around one.",
        )
    layers, at = [], 0
    for layer in spec.layers:
        if layer.name in names:
            own, neuron = given, layer.neuron
            if isinstance(given, NoisePerNeuron):
                # A part of the list whose models are all equal becomes one model again.
                own = check_noise("noise", given[at : at + layer.size], layer.size)
                at += layer.size
            takes: Any = neuron
            layer = replace(layer, neuron=takes.with_noise(own))
        layers.append(layer)
    return replace(spec, layers=tuple(layers))
