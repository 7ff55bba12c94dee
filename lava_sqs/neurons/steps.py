"""Neurons that move step by step, and layers that hear themselves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs.neurons.base import (
    BaseNeuron,
    BoundNeuron,
    RunOut,
    _Bound,
    draw,
    log_likelihood,
)

__all__ = ["StepNeuron", "run_recurrent"]

Array = NDArray[Any]


def run_recurrent(
    bound: BoundNeuron,
    z: Array,
    u: Array,
    clamp: Array | None,
    heard: Callable[[Array, Array | None], Array],
    *,
    record: bool = True,
) -> tuple[Array, RunOut]:
    """Run neurons that hear themselves, step by step; return their currents, and what they did.

    Parameters
    ----------
    bound : BoundNeuron
        Neurons with a method ``start(batch)``, which returns neurons at rest: a function like their
        `run`, of the next steps. Without it they run from rest for each step, on what they said so
        far: the same numbers, in a time that grows with the square of the steps.
    z, u, clamp
        See :meth:`BoundNeuron.run`, z from other layers.
    heard : callable
        ``heard(z, s)``: all currents (B, C) of a step in which z arrives from other layers, after a
        step with the spikes s, which is None for the first.
    record : bool
        See :meth:`BoundNeuron.run`.

    Returns
    -------
    z : ndarray, shape (S, B, C)
        All currents.
    out : RunOut

    Examples
    --------
    >>> from lava_sqs.neurons import LIFNeuron
    >>> from lava_sqs.neurons.base import compiled
    >>> bound = compiled(LIFNeuron(), np.array([[0.0, 0.5, 9.0]]))
    >>> def heard(z, s):
    ...     return z if s is None else z + 1.0 - s
    >>> z, out = run_recurrent(bound, np.zeros((4, 1, 1)), np.full((4, 1, 1), 0.5), None, heard)
    >>> z.ravel(), out.spikes.ravel()
    (array([0., 1., 0., 1.]), array([0, 1, 0, 1], dtype=int8))
    """
    start = getattr(bound, "start", None)
    go_on = None if start is None else start(z.shape[1])
    z, steps = np.array(z), len(z)  # in the order of its memory
    outs: list[RunOut] = []
    said = np.full(z.shape, -1, np.int8) if clamp is None else clamp.astype(np.int8)
    before = None
    for t in range(steps):
        z[t] = heard(z[t], before)
        now = slice(t, t + 1)
        if go_on is None:
            # Clamped to what was said so far, so that the prefix repeats itself, with -1 in the new
            # step, which is drawn. Only the last of these runs is kept: it has the whole train.
            outs = [bound.run(z[: t + 1], u[: t + 1], said[: t + 1])]
            said[t] = outs[0].spikes[t]
        else:
            outs.append(go_on(z[now], u[now], None if clamp is None else clamp[now], record=record))
        before = outs[-1].spikes[-1]
    return z, RunOut(
        *(_joined([getattr(o, name) for o in outs]) for name in RunOut.__dataclass_fields__)
    )


def _joined(parts: list[Array]) -> Array:
    """Concatenate by time, for batches in neuron-major memory like the parts."""
    if parts[0].flags.c_contiguous:
        return np.concatenate(parts)
    return np.concatenate([x.transpose(2, 0, 1) for x in parts], axis=1).transpose(1, 2, 0)


@dataclass(frozen=True)
class _BoundStep(_Bound):
    """A neuron that can stop between two steps."""

    def start(self, batch: int) -> Callable[..., RunOut]:
        neuron: Any = self.neuron
        shape = batch, len(self.params) * neuron.channels
        probability, before = neuron.dynamics(self.params, shape), np.zeros(shape)

        def go_on(z: Array, u: Array, clamp: Array | None, *, record: bool = True) -> RunOut:
            nonlocal before
            out = _run_steps(probability, z, u, clamp, before)
            before = out.spikes[-1]
            return out

        return go_on


class StepNeuron(BaseNeuron):
    """A kind that is said by what it does in one step: `dynamics` instead of `run`.

    Examples
    --------
    >>> from lava_sqs.neurons import LIFNeuron
    >>> p = LIFNeuron().dynamics(np.array([[0.0, 0.5, 0.0]]), (1, 1))
    >>> p(np.array([[0.5]]), np.zeros((1, 1)))
    array([[0.5]])
    """

    @abstractmethod
    def dynamics(self, params: Array, shape: tuple[int, int]) -> Callable[[Array, Array], Array]:
        """Return neurons at rest.

        Parameters
        ----------
        params : ndarray, shape (K, n_params)
            Parameters of the neurons.
        shape : tuple of int
            (B, C): samples and channels.

        Returns
        -------
        callable
            ``probability(z, s)``, of a spike in the next step, with the currents z and after a step
            with the spikes s, all (B, C). It keeps the neurons' state.
        """

    def run(self, params: Array, z: Array, u: Array, clamp: Array | None = None) -> RunOut:
        """Run from rest, as in :meth:`~lava_sqs.network.Neuron.run`."""
        rest = np.zeros(z.shape[1:])
        return _run_steps(self.dynamics(params, rest.shape), z, u, clamp, rest)

    def compile(self, params: Array) -> BoundNeuron:
        """Return the neurons with their parameters, as in :meth:`BaseNeuron.compile`."""
        # Steps of `dynamics` would not be what such a subclass does.
        own_way = type(self).run is not StepNeuron.run  # of a subclass that runs otherwise
        return super().compile(params) if own_way else _BoundStep(self, params.copy())


def _run_steps(
    probability: Callable[[Array, Array], Array],
    z: Array,
    u: Array,
    clamp: Array | None,
    before: Array,
) -> RunOut:
    """Run neurons step by step, after one with the spikes *before*."""
    spikes, p = np.empty(z.shape, np.int8), np.empty(z.shape)
    for t in range(len(z)):
        p[t] = probability(z[t], before)
        spikes[t] = before = draw(p[t], u[t], None if clamp is None else clamp[t])
    return RunOut(spikes, p, log_likelihood(p, spikes))
