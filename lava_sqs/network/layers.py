"""Layers of an estimator, one by one: ``SQSNN(layers=[SQSLayer(64, memory_qubits=2), ...])``."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any

from lava_sqs._checks import check_flag, check_int, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.network.conv import Kernel, check_pair
from lava_sqs.neurons import LIFNeuron, Neuron, QLIFNeuron, SQSNeuron
from lava_sqs.quantum import Ansatz, NoiseModel
from lava_sqs.quantum import ansatz as circuits
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import check_noise

__all__ = ["Conv2D", "LIFLayer", "Layer", "NeuronLayer", "QLIFLayer", "SQSLayer", "from_text"]

#: Noise of a layer that has none of its own: that of the network.
NETWORK = "network"


class _Described:
    """What can be said in a line of text."""

    def __repr__(self) -> str:
        given = [(f, getattr(self, f.name)) for f in fields(self)]  # type: ignore[arg-type]
        words = [
            repr(v) if not f.kw_only else f"{f.name}={v!r}" for f, v in given if v != f.default
        ]
        return f"{type(self).__name__}({', '.join(words)})"

    def as_text(self) -> str:
        """Return what :func:`from_text` reads: a parameter of a study.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the circuit, the noise or the neurons are objects of your own.
        """
        text = repr(self)
        try:
            if from_text(text) == self:
                return text
        except ValueError:
            pass
        raise ValueError(
            f"{text} cannot be a parameter of a study: numbers and names can be written to its "
            "results, objects can not. Build it in a task of your own."
        )


@dataclass(frozen=True, repr=False)
class Layer(_Described, ABC):
    """A hidden layer: how many neurons of which kind, and whether they hear each other.

    Parameters
    ----------
    size : int
        Number of neurons.
    recurrent : bool
        Whether every neuron hears all of the layer, one step later.

    Examples
    --------
    >>> LIFLayer(32, recurrent=True).size
    32
    """

    size: int
    recurrent: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        check_int("size", self.size, minimum=1)
        check_flag("recurrent", self.recurrent)
        self.neuron(None)  # raises what is wrong with it

    @abstractmethod
    def neuron(self, noise: NoiseModel | None) -> Neuron:
        """Return what its neurons are in a network with this noise.

        Parameters
        ----------
        noise : NoiseModel or None
            Noise of the network.

        Returns
        -------
        Neuron
        """

    def under(self, noise: NoiseModel | None) -> Layer:
        """Return the layer with the noise that it has in a network with this noise.

        Parameters
        ----------
        noise : NoiseModel or None
            Noise of the network.

        Returns
        -------
        Layer
        """
        return self


@dataclass(frozen=True, repr=False)
class SQSLayer(Layer):
    """A layer of stochastic quantum spiking neurons.

    Parameters
    ----------
    size : int
        Number of neurons.
    recurrent : bool
        Whether every neuron hears all of the layer, one step later.
    memory_qubits, ansatz, layers
        The circuit, as for :class:`~lava_sqs.SQS`; `layers` are its repetitions.
    noise : NoiseModel, a list of one per neuron, "network" or None
        ``"network"``: that of the estimator. None is noiseless.
    spread : float
        Standard deviation of the angles to start from, in radians.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value, or the circuit is unknown.

    Examples
    --------
    >>> SQSLayer(64, memory_qubits=2).neuron(None).n_params
    13
    """

    memory_qubits: int | None = field(default=None, kw_only=True)
    ansatz: str | Ansatz = field(default="layered", kw_only=True)
    layers: int | None = field(default=None, kw_only=True)
    noise: NoiseModel | NoisePerNeuron | str | None = field(default=NETWORK, kw_only=True)
    spread: float = field(default=0.1, kw_only=True)

    def __post_init__(self) -> None:
        check_int("size", self.size, minimum=1)
        if isinstance(self.noise, str) and self.noise != NETWORK:
            raise ArgumentTypeError(
                "noise",
                f"must be a NoiseModel, a list of one per neuron, {NETWORK!r} or None, but got "
                f"{describe(self.noise)}.",
            )
        if not isinstance(self.noise, str):
            object.__setattr__(self, "noise", check_noise("noise", self.noise, self.size))
        super().__post_init__()

    def under(self, noise: NoiseModel | None) -> SQSLayer:
        """Return a layer that has a noise of its own, or none; as in :meth:`Layer.under`."""
        return replace(self, noise=noise) if isinstance(self.noise, str) else self

    def neuron(self, noise: NoiseModel | None) -> SQSNeuron:
        """Return neurons of the circuit, as in :meth:`Layer.neuron`."""
        circuit = circuits.resolve(
            self.ansatz, memory_qubits=self.memory_qubits, layers=self.layers
        )
        own: Any = noise if isinstance(self.noise, str) else self.noise
        return SQSNeuron(circuit, own, self.spread)


@dataclass(frozen=True, repr=False)
class LIFLayer(Layer):
    """A layer of classical, stochastic leaky integrate-and-fire neurons.

    Parameters
    ----------
    size : int
        Number of neurons.
    recurrent : bool
        Whether every neuron hears all of the layer, one step later.
    leak : float
        Share of the voltage that is kept in a step, to start from, in (0, 1).

    Examples
    --------
    >>> LIFLayer(32).neuron(None)
    LIFNeuron(leak=0.1)
    """

    leak: float = field(default=0.1, kw_only=True)

    def neuron(self, noise: NoiseModel | None) -> LIFNeuron:
        """Return the neurons, as in :meth:`Layer.neuron`."""
        return LIFNeuron(self.leak)


@dataclass(frozen=True, repr=False)
class QLIFLayer(Layer):
    """A layer of quantum leaky integrate-and-fire neurons.

    Parameters
    ----------
    size : int
        Number of neurons.
    recurrent : bool
        Whether every neuron hears all of the layer, one step later.
    shots : int
        Repetitions per step.
    leak : float
        Share of the amplitude that a step leaves, to start from, in (0, 1).

    Examples
    --------
    >>> QLIFLayer(32, shots=5).neuron(None)
    QLIFNeuron(shots=5, leak=0.1)
    """

    shots: int = field(default=20, kw_only=True)
    leak: float = field(default=0.1, kw_only=True)

    def neuron(self, noise: NoiseModel | None) -> QLIFNeuron:
        """Return the neurons, as in :meth:`Layer.neuron`."""
        return QLIFNeuron(self.shots, self.leak)


@dataclass(frozen=True, repr=False)
class NeuronLayer(Layer):
    """A layer of any kind of neurons.

    Parameters
    ----------
    size : int
        Number of neurons.
    kind : Neuron
        What they are, with a noise of their own if they have one.
    recurrent : bool
        Whether every neuron hears all of the layer, one step later.

    Examples
    --------
    >>> from lava_sqs.network import AsPublishedNeuron
    >>> NeuronLayer(16, AsPublishedNeuron()).neuron(None).n_params
    3
    """

    kind: Neuron

    def neuron(self, noise: NoiseModel | None) -> Neuron:
        """Return them, as in :meth:`Layer.neuron`."""
        return check_neuron("kind", self.kind)


@dataclass(frozen=True, repr=False)
class Conv2D(_Described):
    """A layer behind a two-dimensional convolution, which Lava's ``Conv`` makes.

    It follows the input or another such layer, whose height, width and channels it takes over: of X
    of shape (n, H, W) or (n, H, W, C), or of sequences (n, T, H, W) or (n, T, H, W, C). Every
    neuron has parameters and a bias of its own; the weights are shared by all positions. The kernel
    is mirrored as in Lava (:mod:`lava_sqs.network.conv`).

    Parameters
    ----------
    out_channels : int
        Feature maps.
    kernel_size : int or tuple of int
        Height and width.
    stride : int or tuple of int
        Between positions.
    padding : int or tuple of int
        Zeros around the input.
    kind : Neuron, optional
        What the neurons are, of one channel each. None: what the estimator's own are.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> Conv2D(8, 3, stride=2, padding=1).kernel((8, 8, 1)).out_shape
    (4, 4, 8)
    """

    out_channels: int
    kernel_size: int | tuple[int, int]
    stride: int | tuple[int, int] = field(default=1, kw_only=True)
    padding: int | tuple[int, int] = field(default=0, kw_only=True)
    kind: Neuron | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_int("out_channels", self.out_channels, minimum=1)
        for name, least in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            check_pair(name, getattr(self, name), least)
        if self.kind is not None:
            check_neuron("kind", self.kind)

    def under(self, noise: NoiseModel | None) -> Conv2D:
        """Return the layer itself, as in :meth:`Layer.under`."""
        return self

    def neuron(self, noise: NoiseModel | None, default: Any = None) -> Any:
        """Return what its neurons are.

        Parameters
        ----------
        noise : NoiseModel or None
            Noise of the network.
        default : Neuron, optional
            What the network's own are.

        Returns
        -------
        Neuron or None

        Raises
        ------
        ValueError
            If they have several channels.
        """
        kind: Any = default if self.kind is None else self.kind
        if kind is not None and kind.channels != 1:
            raise ArgumentValueError(
                "kind",
                f"must be neurons of one channel in a convolution, but {kind!r} has "
                f"{kind.channels}.",
            )
        return kind

    def kernel(self, in_shape: tuple[int, ...] | None, name: str = "layers") -> Kernel:
        """Return the geometry for an input.

        Parameters
        ----------
        in_shape : tuple of int or None
            (height, width, channels); None if it has no such shape.
        name : str
            Name of the layer, in messages.

        Returns
        -------
        Kernel

        Raises
        ------
        ValueError
            If the input has no such shape, or the kernel is larger than it.
        """
        if in_shape is None:
            raise ArgumentValueError(
                name,
                f"= {self!r} must follow another Conv2D, or an input of shape (n, H, W) or "
                "(n, H, W, C), of sequences (n, T, H, W) or (n, T, H, W, C).",
            )
        size, stride, padding = (
            check_pair(n, getattr(self, n), 0) for n in ("kernel_size", "stride", "padding")
        )
        height, width, channels = in_shape
        return Kernel((height, width, channels), self.out_channels, size, stride, padding)


def check_neuron(name: str, value: Any) -> Neuron:
    """Return a neuron, or raise."""
    if not isinstance(value, Neuron):
        raise ArgumentTypeError(
            name, f"must be a neuron of lava_sqs.neurons, but got {describe(value)}."
        )
    return value


def check_layers(layers: Any) -> tuple[Layer | Conv2D, ...]:
    """Return the layers of a list as a tuple, or raise.

    Examples
    --------
    >>> check_layers([LIFLayer(2)])
    (LIFLayer(2),)
    """
    for i, layer in enumerate(layers):
        if type(layer) not in KINDS.values():
            raise ArgumentTypeError(
                f"layers[{i}]",
                "must be a layer of lava_sqs.network, for example SQSLayer(64), but got "
                f"{describe(layer)}.",
            )
    return tuple(layers)


#: Kinds of layers by the names that files know.
KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (SQSLayer, LIFLayer, QLIFLayer, NeuronLayer, Conv2D)
}


def from_text(text: str) -> Layer | Conv2D:
    """Return the layer of a text such as ``"SQSLayer(64, memory_qubits=2)"``.

    Parameters
    ----------
    text : str
        A call with numbers and names; nothing else is evaluated.

    Returns
    -------
    Layer or Conv2D

    Raises
    ------
    ValueError
        If the text is not such a call.

    Examples
    --------
    >>> from_text("SQSLayer(64, memory_qubits=2)")
    SQSLayer(64, memory_qubits=2)
    """
    try:
        call: Any = ast.parse(text, mode="eval").body
        kind = KINDS[call.func.id]
        given = [ast.literal_eval(value) for value in call.args]
        named = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
    except (SyntaxError, ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ArgumentValueError(
            "text",
            f"must be one of {', '.join(KINDS)} with numbers and names, such as "
            f"'SQSLayer(64, memory_qubits=2)', but got {describe(text)}.",
        ) from error
    try:
        layer: Layer | Conv2D = kind(*given, **named)
    except TypeError as error:
        raise ArgumentValueError("text", f"is {text!r}, but {error}") from error
    return layer
