"""What a fitted network says: one sample after the other as a chip does, or side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from lava_sqs import _seeds
from lava_sqs._checks import check_int, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.network.arguments import _Arguments, some_neurons
from lava_sqs.network.inputs import Inputs
from lava_sqs.network.simulate import LayerTrace, compiled_layers, forward, sequential_uniforms
from lava_sqs.network.spec import NetworkSpec, Parameters
from lava_sqs.neurons import kind_of
from lava_sqs.quantum import NoiseModel

Array = NDArray[Any]

AS_TRAINED = "as trained"  # the noise of a method unless it is told another
_CHUNK = 256  # samples that run side by side


class _Inference(_Arguments):
    """Runs of a fitted network; what they mean is for the estimator to say."""

    _inputs: Inputs
    parameters_: Parameters
    seed_: int

    def in_words(self, n: int) -> str:
        """Return how n samples are read, in words: what is a time step, what a channel.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        str

        Raises
        ------
        NotFittedError
            If no data have been read yet.

        Examples
        --------
        >>> from lava_sqs.network import SQSNN
        >>> x = np.random.default_rng(0).random((20, 29, 12))
        >>> clf = SQSNN((), input_kind="sequence", epochs=1).fit(x, np.arange(20) % 2)
        >>> clf.in_words(270)
        '270 sequences of 29 time steps with 12 channels each'
        """
        check_is_fitted(self, "_inputs")
        return self._inputs.in_words(n)

    def _check_X(self, X: Any) -> Array:
        check_is_fitted(self)
        self._warn_if_changed()
        self._inputs.check_shape(X)
        X = validate_data(self, X, reset=False, allow_nd=True, dtype="numeric")
        return self._inputs.read(np.asarray(X))

    def encode(self, X: Any, *, seed: int | None = None) -> Array:
        """Return what enters the network for raw samples, (n, T, F').

        Parameters
        ----------
        X : array_like, shape (n, ...)
        seed : int, optional
            Of the random encoder ``rate``, one stream for all samples; None is ``seed_``.

        Returns
        -------
        ndarray, shape (n, T, F')
            Spikes or currents.
        """
        return self._inputs.encode_all(self._check_X(X), self._key(seed))

    def _runs(
        self, X: Array, repeat: int, seed: int, spec: NetworkSpec
    ) -> Iterator[tuple[slice, Array, list[Array]]]:
        """Yield inputs (T, b, F') and uniforms of a few samples at a time, keyed by content."""
        for start in range(0, len(X), _CHUNK):
            part = slice(start, start + _CHUNK)
            streams = [_stream(x, seed, repeat) for x in X[part]]

            def draw(shape: Any, streams: Any = streams) -> Array:
                return np.stack([rng.random(shape[1:]) for rng in streams])

            inputs = self._inputs.encode(X[part], draw).transpose(1, 0, 2)
            steps = len(inputs) + spec.depth
            drawn = [[rng.random((steps, layer.size)) for layer in spec.layers] for rng in streams]
            yield part, inputs, [np.stack(u, axis=1) for u in zip(*drawn, strict=True)]

    def _spec_with(self, noise: Any) -> NetworkSpec:
        if isinstance(noise, str) and noise == AS_TRAINED:
            return self.spec_
        if noise is not None and not isinstance(noise, NoiseModel):
            raise ArgumentTypeError(
                "noise", f"must be a NoiseModel or None, but got {describe(noise)}."
            )
        kind = kind_of(self._kept.neuron)
        if not kind.takes_noise:
            raise ArgumentValueError(
                "noise",
                f"needs {some_neurons(lambda k: k.takes_noise)}, but this is "
                f"{self._kept.neuron!r}.",
            )
        neuron: Any = self.spec_.visible.neuron
        layers = [replace(la, neuron=neuron.with_noise(noise)) for la in self.spec_.layers]
        return replace(self.spec_, layers=tuple(layers))

    def _key(self, seed: int | None) -> int:
        """Return where the randomness of a method comes from: its argument, or the fit."""
        return self.seed_ if seed is None else check_int("seed", seed, minimum=0)

    def simulate(self, X: Any, *, noise: Any = AS_TRAINED, seed: int | None = None) -> Array:
        """Return the visible spikes (n, T + depth, C) of samples one after the other.

        The random streams are those of the Process of :meth:`to_lava`: one per layer, going on
        from sample to sample. Same seed, same spikes.

        Parameters
        ----------
        X : array_like, shape (n, ...)
        noise : NoiseModel or None, optional
            Another noise than in training; None is noiseless.
        seed : int, optional
            None is ``seed_``.

        Returns
        -------
        ndarray of int8, shape (n, T + depth, C)

        Raises
        ------
        TypeError, ValueError
            Names the argument, what was expected and what came.
        """
        X, spec = self._check_X(X), self._spec_with(noise)
        parts = [t[-1].out.spikes for t in self._in_order(X, spec, seed)]
        return np.concatenate(parts, axis=1).transpose(1, 0, 2)

    def _in_order(
        self, X: Array, spec: NetworkSpec, seed: int | None
    ) -> Iterator[list[LayerTrace]]:
        """Yield what :meth:`simulate` sees of all layers, a few samples at a time."""
        key = self._key(seed)
        inputs = self._inputs.encode_all(X, key)
        streams = sequential_uniforms(spec, key, inputs.shape[1] + spec.depth)
        neurons = compiled_layers(spec, self.parameters_)
        for start in range(0, len(inputs), _CHUNK):
            part = inputs[start : start + _CHUNK]
            drawn = [next(streams) for _ in part]
            uniforms = [np.concatenate(u, axis=1) for u in zip(*drawn, strict=True)]
            yield forward(
                spec,
                self.parameters_,
                part.transpose(1, 0, 2),
                uniforms,
                neurons=neurons,
                record=False,
            )

    @property
    def steps_per_sample_(self) -> int:
        """Time steps that one sample takes, T + depth."""
        check_is_fitted(self)
        return self._inputs.steps + self.spec_.depth


def log_odds(spec: NetworkSpec, visible: LayerTrace, u: Array, n_classes: int) -> Array:
    """Return per class how much likelier its neurons' spiking is than their silence."""
    layer = spec.visible
    assert visible.neurons is not None
    total = np.zeros((*visible.z.shape[1:2], layer.size))
    for bit, sign in ((1, 1.0), (0, -1.0)):
        clamp = np.full(visible.z.shape, bit, np.int8)
        clamp[: spec.lag(layer.name)] = -1
        out = visible.neurons.run(visible.z, u, clamp)
        total += sign * out.log_likelihood[spec.lag(layer.name) :].sum(axis=0)
    return np.asarray(total.reshape(len(total), n_classes, -1).sum(axis=2))


def _stream(sample: Array, seed: int, repeat: int) -> np.random.Generator:
    """Return the generator of one sample: the same wherever in X it stands."""
    content = np.ascontiguousarray(sample, dtype=np.float64) + 0.0  # -0.0 is 0.0
    digest = hashlib.blake2b(content.tobytes(), digest_size=16).digest()
    words = np.frombuffer(digest, dtype=np.uint32)
    return _seeds.stream([seed, repeat, *map(int, words)])
