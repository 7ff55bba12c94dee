"""One immutable description of a network; both ways to run it read nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_flag,
    check_instance,
    check_int,
    check_items,
    check_real,
    check_shape,
    check_text,
    describe,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._text import aligned
from lava_sqs.network.conv import Kernel
from lava_sqs.network.layers import Conv2D, Layer
from lava_sqs.neurons import Neuron
from lava_sqs.quantum.noise.per_neuron import NoisePerNeuron, check_noise

__all__ = ["INPUT", "LayerParams", "LayerSpec", "NetworkSpec", "Parameters", "feed_forward"]

Array = NDArray[Any]

#: Name of the source that is the network's input.
INPUT = "input"
#: Where parameters have the readout, beside the layers: weights of "visible" and bias, or of time.
READOUT = "readout"


@dataclass(frozen=True)
class LayerSpec:
    """One layer: neurons of a kind, and where their currents come from.

    Parameters
    ----------
    name : str
        Name of the layer.
    size : int
        Number of neurons K.
    neuron : Neuron
        What they are: :class:`~lava_sqs.network.SQSNeuron` or a rival.
    sources : tuple of str
        Names of earlier layers, or ``"input"``; each is one dense connection with a delay of one
        step. The layer's own name makes it recurrent: every neuron hears all of its layer.
    kernels : tuple of (str, Kernel)
        Sources that are connected by a convolution instead.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron
    >>> LayerSpec("visible", 10, LIFNeuron(), ("input",)).channels
    10
    >>> LayerSpec("hidden", 10, LIFNeuron(), ("input", "hidden")).recurrent
    True
    """

    name: str
    size: int
    neuron: Neuron
    sources: tuple[str, ...]
    kernels: tuple[tuple[str, Kernel], ...] = ()

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_int("size", self.size, minimum=1)
        if not isinstance(self.neuron, Neuron):
            raise ArgumentTypeError(
                "neuron",
                "must be a neuron of lava_sqs.network, for example SQSNeuron, "
                f"but got {describe(self.neuron)}.",
            )
        each = getattr(self.neuron, "noise", None)
        if isinstance(each, NoisePerNeuron):
            check_noise("noise", each, self.size)
        sources = check_items("sources", self.sources)
        object.__setattr__(self, "sources", tuple(check_text("sources", s) for s in sources))
        for source, kernel in self.kernels:
            check_instance("kernels", kernel, Kernel)
            if source not in self.others:
                raise ArgumentValueError(
                    "kernels", f"must be of other sources of the layer, but got {source!r}."
                )
            if math.prod(kernel.out_shape) != self.channels:
                raise ArgumentValueError(
                    "kernels",
                    f"must make {self.channels} currents, as there are channels, but makes "
                    f"{kernel.out_shape}.",
                )

    @property
    def channels(self) -> int:
        """Currents in and spikes out: K times the channels of a neuron."""
        return self.size * self.neuron.channels

    @property
    def recurrent(self) -> bool:
        """Whether the layer hears itself."""
        return self.name in self.sources

    def kernel(self, source: str) -> Kernel | None:
        """Return the geometry of the convolution from a source, None of a dense connection.

        Parameters
        ----------
        source : str
            One of the sources.

        Returns
        -------
        Kernel or None
        """
        return dict(self.kernels).get(source)

    @property
    def others(self) -> tuple[str, ...]:
        """Sources but the layer itself."""
        return tuple(s for s in self.sources if s != self.name)


@dataclass(frozen=True)
class NetworkSpec:
    r"""A network of layers, each driven by earlier ones and, where recurrent, by itself.

    .. math:: z_t = \sum_p w_p\, x_p(t-1) + b, \qquad x_p(0) = 0 ,

    where p may be the layer itself: :math:`w_{rec}\, s(t-1)`. The last layer is visible, that is,
    read out.

    A sample of T input steps occupies ``T + depth`` steps, all of which are read out.

    Parameters
    ----------
    n_inputs : int
        Number of inputs.
    layers : tuple of LayerSpec
        The layers, each after its sources (other than itself).

    Raises
    ------
    TypeError, ValueError
        If a source is unknown or comes later, a name occurs twice, or there is no layer.

    Examples
    --------
    >>> from lava_sqs.network import SQSNeuron
    >>> from lava_sqs.quantum import ansatz
    >>> net = feed_forward(256, (2,), 2, SQSNeuron(ansatz.paper()), skip=True)
    >>> net.depth, net.n_parameters, net.n_biases
    (2, 1040, 4)
    """

    n_inputs: int
    layers: tuple[LayerSpec, ...]
    _index: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_int("n_inputs", self.n_inputs, minimum=1)
        object.__setattr__(self, "layers", check_items("layers", self.layers))
        for layer in self.layers:
            check_instance("layers", layer, LayerSpec)
        if not self.layers:
            raise ArgumentValueError("layers", "must hold at least one layer, but is empty.")
        known = [INPUT]
        for i, layer in enumerate(self.layers):
            if layer.name in known:
                raise ArgumentValueError(
                    "layers",
                    f"must have different names (and none is {INPUT!r}), but got "
                    f"{layer.name!r} twice.",
                )
            unknown = [s for s in layer.others if s not in known]
            if unknown or not layer.others or len(set(layer.sources)) < len(layer.sources):
                raise ArgumentValueError(
                    f"layers[{i}].sources",
                    f"must name different ones of {', '.join(map(repr, known))}, and beside them "
                    f"{layer.name!r} if it is recurrent, but got {describe(layer.sources)}.",
                )
            known.append(layer.name)
            for source, kernel in layer.kernels:
                at = known.index(source) - 1
                width = self.n_inputs if at < 0 else self.layers[at].channels
                if math.prod(kernel.in_shape) != width:
                    raise ArgumentValueError(
                        f"layers[{i}].kernels",
                        f"must be of {width} values of {source!r}, but of {kernel.in_shape}.",
                    )
        object.__setattr__(self, "_index", {n: i - 1 for i, n in enumerate(known)})

    def index(self, name: str) -> int:
        """Return the position of a layer; -1 for the input.

        Parameters
        ----------
        name : str
            Name of the layer.

        Returns
        -------
        int
        """
        return self._index[name]

    def width(self, name: str) -> int:
        """Return the number of spike trains of a source.

        Parameters
        ----------
        name : str
            Name of a layer, or ``"input"``.

        Returns
        -------
        int
        """
        return self.n_inputs if name == INPUT else self.layers[self._index[name]].channels

    def weights_shape(self, layer: LayerSpec, source: str) -> tuple[int, ...]:
        """Return the shape of the weights of a layer from a source.

        Parameters
        ----------
        layer : LayerSpec
            Description of the layer.
        source : str
            Name of the source.

        Returns
        -------
        tuple of int
        """
        kernel = layer.kernel(source)
        return (layer.channels, self.width(source)) if kernel is None else kernel.weights_shape

    def lag(self, name: str) -> int:
        """Return the fewest steps in which the input reaches a layer.

        Parameters
        ----------
        name : str
            Name of the layer.

        Returns
        -------
        int
        """
        if name == INPUT:
            return 0
        return 1 + min(self.lag(s) for s in self.layers[self._index[name]].others)

    def distance(self, name: str) -> int:
        """Return the fewest connections from a layer to the visible one.

        Parameters
        ----------
        name : str
            Name of the layer.

        Returns
        -------
        int
            0 for the visible layer; -1 for a layer that nobody hears.
        """
        if name == self.visible.name:
            return 0
        further = [self.distance(la.name) for la in self.layers if name in la.others]
        heard = [d for d in further if d >= 0]
        return 1 + min(heard) if heard else -1

    @cached_property
    def depth(self) -> int:
        """The longest path from the input to a layer."""
        longest = {INPUT: 0}
        for layer in self.layers:
            longest[layer.name] = 1 + max(longest[s] for s in layer.others)
        return max(longest.values())

    @property
    def visible(self) -> LayerSpec:
        """The layer that is read out."""
        return self.layers[-1]

    @property
    def n_weights(self) -> int:
        """Number of weights."""
        return sum(math.prod(self.weights_shape(la, s)) for la in self.layers for s in la.sources)

    @property
    def n_angles(self) -> int:
        """Number of trained numbers inside the neurons (angles)."""
        return sum(la.size * la.neuron.n_params for la in self.layers)

    @property
    def n_biases(self) -> int:
        """Number of bias currents."""
        return sum(la.channels for la in self.layers)

    @property
    def n_parameters(self) -> int:
        """Number of weights and angles; biases are counted apart."""
        return self.n_weights + self.n_angles

    def check_parameters(self, parameters: Parameters) -> None:
        """Raise unless every array has the shape that this network needs.

        Parameters
        ----------
        parameters : dict of str to LayerParams
            One entry per layer.

        Raises
        ------
        TypeError, ValueError
            If an array has the wrong shape, type or values.
        """
        check_instance("parameters", parameters, Mapping)
        for layer in self.layers:
            if layer.name not in parameters:
                raise ArgumentValueError("parameters", f"must have the layer {layer.name!r}.")
            own = check_instance(f"parameters[{layer.name!r}]", parameters[layer.name], LayerParams)
            check_instance(f"parameters[{layer.name!r}].weights", own.weights, Mapping)
            if tuple(own.weights) != layer.sources:
                raise ArgumentValueError(
                    "parameters",
                    f"must have weights of {layer.sources} for layer "
                    f"{layer.name!r}, but has {tuple(own.weights)}.",
                )
            for source, w in own.weights.items():
                name = f"parameters[{layer.name!r}].weights[{source!r}]"
                check_shape(name, check_real(name, w), self.weights_shape(layer, source))
            name = f"parameters[{layer.name!r}]"
            check_shape(f"{name}.bias", check_real(f"{name}.bias", own.bias), (layer.channels,))
            shape = (layer.size, layer.neuron.n_params)
            check_shape(f"{name}.angles", check_real(f"{name}.angles", own.angles), shape)

    def __str__(self) -> str:
        rows = [
            (
                la.name,
                f"{la.size} x {la.neuron!r} from "
                f"{', '.join([*la.others, *['itself'] * la.recurrent])}",
            )
            for la in self.layers
        ]
        return (
            f"Network of {self.n_inputs} inputs, depth {self.depth}\n"
            f"{aligned(rows, indent='  ')}\n"
            f"  {self.n_weights} weights, {self.n_angles} angles, {self.n_biases} bias currents"
        )


@dataclass
class LayerParams:
    """What one layer has learned.

    Attributes
    ----------
    weights : dict of str to ndarray, shape (C, M)
        One matrix per source, C channels of the layer by M of the source.
    bias : ndarray, shape (C,)
        Constant currents.
    angles : ndarray, shape (K, P)
        Parameters of the neurons, in radians for SQS neurons.

    Examples
    --------
    >>> own = LayerParams({"input": np.zeros((2, 3))}, np.zeros(2), np.zeros((2, 8)))
    >>> list(own.arrays())
    ['weights.input', 'bias', 'angles']
    """

    weights: dict[str, Array]
    bias: Array
    angles: Array

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.arrays().items())
        return f"<LayerParams: {shapes}>"

    def copy(self) -> LayerParams:
        """Return an independent copy.

        Returns
        -------
        LayerParams
        """
        weights = {s: w.copy() for s, w in self.weights.items()}
        return LayerParams(weights, self.bias.copy(), self.angles.copy())

    def arrays(self) -> dict[str, Array]:
        """Return every array by a name: ``weights.<source>``, ``bias``, ``angles``.

        Returns
        -------
        dict of str to ndarray
        """
        named = {f"weights.{s}": w for s, w in self.weights.items()}
        return {**named, "bias": self.bias, "angles": self.angles}


#: What a network has learned, layer by layer.
Parameters = dict[str, LayerParams]


def feed_forward(
    n_inputs: int,
    hidden: Sequence[int | Layer],
    n_visible: int,
    neuron: Neuron,
    *,
    skip: bool = True,
    recurrent: bool = False,
    input_shape: tuple[int, ...] | None = None,
) -> NetworkSpec:
    """Return a chain of layers ``hidden0, hidden1, ..., visible``.

    Parameters
    ----------
    n_inputs : int
        Spike trains that come in.
    hidden : tuple of int or Layer
        The hidden layers, by their sizes or as for :mod:`lava_sqs.network.layers`; may be empty.
    n_visible : int
        Visible neurons.
    neuron : Neuron
        The kind of the visible layer, and of those of which only the size is given.
    skip : bool
        Whether the input drives the visible layer as well.
    recurrent : bool
        Whether the hidden layers of which only the size is given hear themselves.
    input_shape : tuple of int, optional
        (height, width, channels) of the input, for convolutions.

    Returns
    -------
    NetworkSpec

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron
    >>> print(feed_forward(64, (32,), 10, LIFNeuron(), skip=False))
    Network of 64 inputs, depth 2
      hidden0       32 x LIFNeuron(leak=0.1) from input
      visible       10 x LIFNeuron(leak=0.1) from hidden0
      2368 weights, 126 angles, 42 bias currents
    """
    check_int("n_visible", n_visible, minimum=1)
    skip, recurrent = check_flag("skip", skip), check_flag("recurrent", recurrent)
    layers = []
    before, image = INPUT, input_shape
    for i, one in enumerate(check_items("hidden", hidden)):
        name, noise = f"hidden{i}", getattr(neuron, "noise", None)
        if isinstance(one, Conv2D):
            kernel = one.kernel(image, f"hidden[{i}]")
            image, kind = kernel.out_shape, one.neuron(noise, neuron)
            size = math.prod(image) // kind.channels
            layers.append(LayerSpec(name, size, kind, (before,), ((before, kernel),)))
        else:
            image, size, kind, circle = None, one, neuron, recurrent
            if isinstance(one, Layer):
                size, kind, circle = one.size, one.neuron(noise), one.recurrent
            check_int(f"hidden[{i}]", size, minimum=1)
            layers.append(LayerSpec(name, size, kind, (before, name) if circle else (before,)))
        before = name
    sources = (before,) if before == INPUT or not skip else (before, INPUT)
    layers.append(LayerSpec("visible", n_visible, neuron, sources))
    return NetworkSpec(n_inputs, tuple(layers))


def zeros_like(parameters: Parameters) -> Parameters:
    """Return parameters of the same shapes, all zero."""
    return {
        name: LayerParams(
            {s: np.zeros_like(w) for s, w in p.weights.items()},
            np.zeros_like(p.bias),
            np.zeros_like(p.angles),
        )
        for name, p in parameters.items()
    }
