"""Layers whose spikes come from a device: one run of a circuit per neuron and sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentValueError
from lava_sqs.network.arriving import Delayed, arriving
from lava_sqs.network.gradient import _repeated
from lava_sqs.network.simulate import LayerTrace, currents
from lava_sqs.network.spec import INPUT, LayerSpec, NetworkSpec, Parameters
from lava_sqs.neurons.base import RunOut, compiled

__all__: list[str] = []

Array = NDArray[Any]


@dataclass
class Sampler:
    """A device as layers use it: rows of neurons and samples, seeds, and the count of shots.

    Parameters
    ----------
    device : object
        With a method ``sample``, as for :class:`~lava_sqs.hardware.Simulated`.
    rng : Generator
        Draws its seeds.
    shots : int
        Runs of a circuit so far.
    """

    device: Any
    rng: np.random.Generator
    shots: int = field(default=0)

    def __call__(self, circuit: Any, angles: Array, z: Array) -> Array:
        """Return spikes (R, S, N) of angles (n,), (R, n) or (R, S, n) and currents (R, S, N)."""
        # Whole rows are a device's job: one circuit per neuron and sample, all steps of it.
        given = np.ascontiguousarray(z, dtype=float)
        seed = int(self.rng.integers(2**63))
        spikes = np.asarray(self.device.sample(circuit, angles, given, seed=seed))
        if spikes.shape != z.shape or not np.isin(spikes, (0, 1)).all():
            raise ArgumentValueError(
                "runtime",
                f"must answer with spikes 0 and 1 of shape {z.shape}, but its `sample` returned "
                f"{describe(spikes)}.",
            )
        self.shots += len(spikes)
        return spikes

    def layer(self, layer: LayerSpec, angles: Array, z: Array) -> Array:
        """Return spikes (S, B, C) of currents (S, B, C), and angles (K, n) or (B, K, [S,] n)."""
        neuron: Any = layer.neuron
        if angles.ndim == 2:
            angles = np.broadcast_to(angles, (z.shape[1], *angles.shape))
        rows = angles.reshape(-1, *angles.shape[2:]).astype(float)
        spikes = self(neuron.ansatz, rows, to_rows(z, layer.size))
        return from_rows(spikes, layer.size)


def to_rows(z: Array, size: int) -> Array:
    """(S, B, C) -> (B K, S, N)."""
    steps, batch, channels = z.shape
    split = z.reshape(steps, batch, size, channels // size)
    return split.transpose(1, 2, 0, 3).reshape(batch * size, steps, -1)


def from_rows(rows: Array, size: int) -> Array:
    """(B K, S, N) -> (S, B, C)."""
    total, steps, n = rows.shape
    split = rows.reshape(total // size, size, steps, n)
    return split.transpose(2, 0, 1, 3).reshape(steps, total // size, size * n)


#: What a layer does with its currents: its output, and its neurons if they are to be scored.
Run = Callable[[LayerSpec, Array], tuple[RunOut, Any]]


def run_on(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    run: Run,
    *,
    given: Mapping[str, Array] | None = None,
    dtype: Any = None,
) -> list[LayerTrace]:
    """Return what each layer received and did; of those whose spikes are *given*, only those."""
    steps, given = len(inputs) + spec.depth, given or {}
    trains = {INPUT: Delayed(inputs, steps, dtype)}
    traces = []
    for layer in spec.layers:
        if layer.name in given:
            out, history, z, neurons = only(given[layer.name]), {}, np.zeros((steps, 0, 0)), None
        else:
            history = arriving(layer, trains)
            z = currents(parameters[layer.name], history)
            out, neurons = run(layer, z)
        traces.append(LayerTrace(history, z, out, neurons))
        # A given layer needs no currents: its train alone is what later layers hear.
        trains[layer.name] = Delayed(out.spikes, steps, dtype)
    return traces


def only(spikes: Array) -> RunOut:
    return RunOut(spikes, np.empty((0, 0, 0)), np.empty((0, 0, 0)))


def twin_traces(
    spec: NetworkSpec,
    parameters: Parameters,
    inputs: Array,
    sampler: Sampler,
    n_draws: int = 1,
    dtype: Any = None,
) -> list[LayerTrace]:
    """Return what a device did, with what the model says of it: of samples shown *n_draws* times.

    Parameters and result as for :func:`~lava_sqs.network.credit.run_free`.
    """

    def run(layer: LayerSpec, z: Array) -> tuple[RunOut, Any]:
        own = parameters[layer.name].angles
        spikes = sampler.layer(layer, own, z)
        bound = compiled(layer.neuron, own, dtype)
        u = np.zeros((*z.shape[:2], layer.size))
        # Clamped to what the device said, nothing is drawn: u only has the right shape.
        return bound.run(z, u, spikes), bound

    return run_on(spec, parameters, _repeated(inputs, n_draws), run, dtype=dtype)


def learns(spec: NetworkSpec, layer: LayerSpec, train_hidden: bool) -> bool:
    """Return whether a layer hears anything."""
    return layer is spec.visible or (train_hidden and spec.distance(layer.name) >= 0)
