r"""Run a network offline: one layer at a time, whole trains at once, batched over samples.

Every connection delays by one step, and the graph of layers has no circles but from a layer to
itself, so the trains of a layer need only those of earlier layers: T + depth steps of B samples and
K neurons are one call of the engine. A recurrent layer makes its steps one after the other.

Arrays have the shape (S, B, C). With a *dtype*, for training and inference of many samples, their
memory is neuron-major, (C, S, B): then all steps of all samples are the columns of one matrix, a
connection is one product, ``W X``, so is the gradient by its weights, and the kernels read what
comes out of it. NumPy keeps that order in what it computes element by element. Without a *dtype*
everything is in double precision and has the numbers of a run inside Lava, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import _seeds, _wraps
from lava_sqs._streams import fresh_streams, uniforms
from lava_sqs.network.arriving import Delayed, arriving, heard_back
from lava_sqs.network.spec import INPUT, LayerParams, LayerSpec, NetworkSpec, Parameters
from lava_sqs.neurons.base import BoundNeuron, RunOut, compiled
from lava_sqs.neurons.steps import run_recurrent

__all__ = [
    "Delayed",
    "LayerTrace",
    "compiled_layers",
    "forward",
    "heard_back",
    "layer_seeds",
    "run_layer",
    "sequential_uniforms",
]

Array = NDArray[Any]


@dataclass(frozen=True)
class LayerTrace:
    """What one layer received and did in ``S = T + depth`` steps.

    Attributes
    ----------
    history : dict of str to Delayed or Convolved
        What arrived from each source.
    z : ndarray, shape (S, B, C)
        Currents of each step.
    out : RunOut
        Spikes, probabilities and likelihoods.
    neurons : BoundNeuron, optional
        What ran, to be scored with the instruments that it has.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron
    >>> out = LIFNeuron().run(np.zeros((1, 3)), np.full((5, 1, 1), 2.0), np.zeros((5, 1, 1)))
    >>> LayerTrace({}, np.full((5, 1, 1), 2.0), out).wraps
    5
    """

    history: dict[str, Any]
    z: Array
    out: RunOut
    neurons: BoundNeuron | None = None

    def __repr__(self) -> str:
        return f"<LayerTrace: currents {self.z.shape}, {int(self.out.spikes.sum())} spikes>"

    @property
    def wraps(self) -> int:
        """How many currents exceed 1, where the encoding angle wraps."""
        return _wraps.count(self.z.transpose(2, 0, 1))

    @property
    def n_spikes(self) -> int:
        """How many spikes there were."""
        # in the order of memory; ones of single precision add up exactly up to 2**24 per channel
        kind = np.int64 if self.out.spikes.dtype.kind == "i" else None
        return int(self.out.spikes.transpose(2, 0, 1).sum(axis=(1, 2), dtype=kind).sum())


def currents(own: LayerParams, history: dict[str, Any], bias: bool = True) -> Array:
    """Return ``z_t = sum_p w_p x_p(t-1) + bias``, shape (S, B, C), of the sources in *history*."""
    parts = (history[s].weighted(w) for s, w in own.weights.items() if s in history)
    # In the order of the weights, the bias last, as the Lava Process adds them: floating-point sums
    # depend on their order, and these are compared to the last bit.
    z: Array = next(parts)
    for part in parts:
        z += part
    if bias:
        z += own.bias.astype(z.dtype, copy=False)
    return z


def run_layer(
    layer: LayerSpec,
    own: LayerParams,
    bound: BoundNeuron,
    history: dict[str, Any],
    u: Array,
    clamp: Array | None = None,
    *,
    record: bool = True,
    dtype: Any = None,
) -> LayerTrace:
    """Return what a layer does, from a reset.

    Parameters
    ----------
    layer : LayerSpec
        Description of the layer.
    own : LayerParams
        Parameters of the layer.
    bound : BoundNeuron
        Its neurons.
    history : dict of str to Delayed
        What arrives from other layers.
    u : ndarray, shape (S, B, K)
        Uniform numbers.
    clamp : ndarray of int, shape (S, B, C), optional
        Fixes spikes where it is not -1.
    record, dtype
        See :func:`forward`.

    Returns
    -------
    LayerTrace

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron
    >>> own = LayerParams({"input": np.eye(1), "a": np.eye(1)}, np.zeros(1), np.zeros((1, 3)))
    >>> layer = LayerSpec("a", 1, LIFNeuron(), ("input", "a"))
    >>> arriving, u = {"input": Delayed(np.ones((3, 1, 1)), 4)}, np.full((4, 1, 1), 0.99)
    >>> run_layer(layer, own, compiled(LIFNeuron(), own.angles), arriving, u).z.ravel()
    array([0., 2., 2., 2.])
    """
    if not layer.recurrent:
        z = currents(own, history)
        return LayerTrace(history, z, bound.run(z, u, clamp, record=record), bound)
    z = currents(own, history, bias=False)
    w, bias = (x.astype(z.dtype, copy=False) for x in (own.weights[layer.name], own.bias))

    def heard(arriving: Array, said: Array | None) -> Array:
        if said is not None:  # in this order a Process adds them up
            arriving = arriving + (w @ said.T.astype(z.dtype, copy=False)).T
        return np.asarray(arriving + bias)

    z, out = run_recurrent(bound, z, u, clamp, heard, record=record)
    history = {**history, layer.name: Delayed(out.spikes, len(z), dtype)}
    return LayerTrace({s: history[s] for s in layer.sources}, z, out, bound)


def neuron_major(x: Array, dtype: Any) -> Array:
    """Return x (S, B, C) in precision *dtype*, its memory (C, S, B)."""
    return np.ascontiguousarray(x.transpose(2, 0, 1), dtype=dtype).transpose(1, 2, 0)


def drawn(
    spec: NetworkSpec, rng: np.random.Generator, steps: int, batch: int, dtype: Any = None
) -> list[Array]:
    """Return new uniform numbers (S, B, K) for each layer of *spec*.

    With a *dtype* in single precision and neuron-major.
    """
    if dtype is None:
        return [rng.random((steps, batch, layer.size)) for layer in spec.layers]
    sizes = np.cumsum([layer.size for layer in spec.layers])
    # A stream per sample: what one sample draws does not depend on the others of its batch.
    every = uniforms(fresh_streams(rng, batch), int(sizes[-1]), steps)
    return [u.transpose(1, 2, 0) for u in np.split(every, sizes[:-1])]


def compiled_layers(
    spec: NetworkSpec, parameters: Parameters, dtype: Any = None
) -> list[BoundNeuron]:
    """Return the neurons of each layer of *spec* with their *parameters*, ready for any samples.

    With a *dtype* for batches, see the top.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> own = LayerParams({"input": np.array([[0.5, 0.5]])}, np.zeros(1), np.zeros((1, 3)))
    >>> len(compiled_layers(feed_forward(2, (), 1, LIFNeuron()), {"visible": own}))
    1
    """
    return [compiled(la.neuron, parameters[la.name].angles, dtype) for la in spec.layers]


def forward(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    uniforms: list[Array],
    clamp: Array | None = None,
    *,
    neurons: list[BoundNeuron] | None = None,
    record: bool = True,
    dtype: Any = None,
) -> list[LayerTrace]:
    """Run samples side by side, each from a reset.

    Parameters
    ----------
    spec : NetworkSpec
        Description of the network.
    parameters : Parameters
        Weights, angles and biases of each layer.
    inputs : ndarray, shape (T, B, M)
        Spikes or currents.
    uniforms : list of ndarray, shape (T + depth, B, K)
        The random numbers of each layer.
    clamp : ndarray of int, shape (T + depth, B, C), optional
        Fixes spikes of the visible layer where it is not -1.
    neurons : list of BoundNeuron, optional
        The neurons that come from :func:`compiled_layers`, for several calls with the same
        parameters.
    record : bool
        False: spikes are all that is wanted.
    dtype : float64 or float32, optional
        Precision of batches, see the top.

    Returns
    -------
    list of LayerTrace
        One per layer.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> net = feed_forward(2, (), 1, LIFNeuron())
    >>> own = LayerParams({"input": np.array([[0.5, 0.5]])}, np.zeros(1), np.zeros((1, 3)))
    >>> inputs = np.ones((3, 1, 2))
    >>> traces = forward(net, {"visible": own}, inputs, [np.zeros((4, 1, 1))])
    >>> traces[0].z.ravel()
    array([0., 1., 1., 1.])
    """
    steps = len(inputs) + spec.depth
    trains = {INPUT: Delayed(inputs, steps, dtype, once=not record)}
    traces = []
    if neurons is None:
        neurons = compiled_layers(spec, parameters, dtype)
    for layer, bound, u in zip(spec.layers, neurons, uniforms, strict=True):
        own, last = parameters[layer.name], layer is spec.layers[-1]
        history = arriving(layer, trains)
        fixed = clamp if last else None
        trace = run_layer(layer, own, bound, history, u, fixed, record=record, dtype=dtype)
        traces.append(trace)
        if not last:
            heard = trace.history.get(layer.name)  # by itself, too
            trains[layer.name] = heard or Delayed(trace.out.spikes, steps, dtype, once=not record)
    return traces


def layer_seeds(spec: NetworkSpec, seed: int) -> list[int]:
    """Return one seed per layer of *spec*: those of the Lava Processes for *seed*.

    Layer i gets child i of ``SeedSequence(seed)``.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> len(layer_seeds(feed_forward(2, (3,), 1, LIFNeuron()), seed=0))
    2
    """
    # Each layer draws from a stream of its own, as its Process does, which knows no other layer.
    children = (_seeds.sequence(seed, i) for i in range(len(spec.layers)))
    return [_seeds.of_sequence(child, np.uint64) for child in children]


def sequential_uniforms(spec: NetworkSpec, seed: int, steps: int) -> Iterator[list[Array]]:
    """Yield the uniforms (*steps*, 1, K) of sample after sample, as a run inside Lava draws them.

    One array per layer of *spec*, from the :func:`layer_seeds` of *seed*.

    Examples
    --------
    >>> from lava_sqs.network import LIFNeuron, feed_forward
    >>> streams = sequential_uniforms(feed_forward(2, (3,), 1, LIFNeuron()), seed=0, steps=4)
    >>> [u.shape for u in next(streams)]
    [(4, 1, 3), (4, 1, 1)]
    """
    streams = [_seeds.stream(s, _seeds.OUTCOMES) for s in layer_seeds(spec, seed)]
    while True:
        yield [
            # Sample after sample from the same generator: Lava runs them in one go, and a reset
            # rewinds nothing.
            rng.random((steps, 1, layer.size))
            for rng, layer in zip(streams, spec.layers, strict=True)
        ]
