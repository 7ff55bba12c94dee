"""What a fitted network says: one sample after the other as a chip does, or side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from lava_sqs._checks import check_int
from lava_sqs._errors import ArgumentValueError
from lava_sqs._streams import uniforms
from lava_sqs.network import recordings, sequences
from lava_sqs.network.arguments import _Arguments, some_neurons
from lava_sqs.network.gradient import n_spikes
from lava_sqs.network.inputs import Inputs
from lava_sqs.network.noises import under_noise
from lava_sqs.network.on_device import OFFLINE, check_network, device_of, layers_on
from lava_sqs.network.readout import count_scores
from lava_sqs.network.simulate import LayerTrace, compiled_layers, forward, sequential_uniforms
from lava_sqs.network.spec import READOUT, NetworkSpec, Parameters
from lava_sqs.network.timed import LEARNED, triangles, weights_of
from lava_sqs.quantum.noise.per_neuron import check_noise

Array = NDArray[Any]

AS_TRAINED = "as trained"  # the noise of a method unless it is told another
_CHUNK = 256  # samples that run side by side


class _Inference(_Arguments):
    """Runs of a fitted network; what they mean is for the estimator to say."""

    _inputs: Inputs
    parameters_: Parameters
    classes_: Array
    readout: str
    readout_from: float | str
    seed_: int

    @property
    def _zeros_are_values(self) -> bool:
        """Whether frames of zeros at the end of a sequence can be no padding."""
        return False

    def in_words(self, n: int, *, n_steps: int | None = None) -> str:
        """Return how n samples are read, in words: what is a time step, what a channel.

        Parameters
        ----------
        n : int
            How many.
        n_steps : int, optional
            Time steps of sequences; None is those of the longest in `fit`.

        Returns
        -------
        str

        Raises
        ------
        NotFittedError
            If the scale has not been learned from data.

        Examples
        --------
        >>> from lava_sqs.network import SQSNN
        >>> x = np.random.default_rng(0).random((20, 29, 12))
        >>> clf = SQSNN((), input_kind="sequence", epochs=1).fit(x, np.arange(20) % 2)
        >>> clf.in_words(270)
        '270 sequences of 29 time steps with 12 channels each'
        """
        check_is_fitted(self, "_inputs")
        return self._inputs.in_words(n, n_steps)

    def _check_X(self, X: Any, lengths: Any = None, mask: Any = None) -> Array:
        """Return samples as :class:`~lava_sqs.network.inputs.Inputs` reads them."""
        check_is_fitted(self)
        self._warn_if_changed()
        return self._read_X(X, lengths, mask)

    def _labelled(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return samples and labels; a data set of recordings has both."""
        check_is_fitted(self)
        X, y = recordings.counted(X, y, self._inputs.kind, self._kept.n_steps)
        if y is None:
            raise ArgumentValueError("y", "must be given, the truth about each sample of X.")
        return X, y

    def _read_X(self, X: Any, lengths: Any = None, mask: Any = None) -> Array:
        static = self._inputs.kind == "static"
        X, _ = recordings.counted(X, None, self._inputs.kind, self._kept.n_steps)
        X, told = sequences.stacked(X, self._inputs.kind, self._kept.channels_first)
        self._inputs.check_shape(X)
        # Sequences may have another length than in fit, and anything after their end.
        X = validate_data(
            self,
            X,
            reset=False,
            allow_nd=True,
            dtype="numeric",
            ensure_2d=static,
            ensure_all_finite=static,
        )
        return self._inputs.read(np.asarray(X), lengths, mask, told or self._zeros_are_values)

    def encode(
        self, X: Any, *, lengths: Any = None, mask: Any = None, seed: int | None = None
    ) -> Array:
        """Return what enters the network for raw samples, (n, T, F').

        Parameters
        ----------
        X : array_like, shape (n, ...)
            Samples, laid out as in `fit`.
        lengths, mask : array_like, shape (n,) and (n, T), optional
            Which time steps are a sample's own, as in `fit`.
        seed : int, optional
            Seed of the random encoder ``rate``, one stream for all samples; None is ``seed_``.

        Returns
        -------
        ndarray, shape (n, T, F')
            Spikes or currents.
        """
        return self._inputs.encode_all(self._check_X(X, lengths, mask), self._key(seed))

    def _runs(
        self, X: Array, repeat: int, seed: int, spec: NetworkSpec, chunk: int = _CHUNK
    ) -> Iterator[tuple[slice, Array, list[Array]]]:
        """Yield inputs (T, b, F') and uniforms of a few samples at a time, keyed by content.

        A sample draws for its own steps only, so what follows them, and how much, changes nothing.
        For batches of :attr:`_precision`, whose memory is neuron-major.
        """
        sizes = np.cumsum([layer.size for layer in spec.layers])
        for start in range(0, len(X), chunk):
            part = slice(start, start + chunk)
            samples = X[part]
            ends = self._inputs.padding_starts(samples)
            if ends is not None:
                # Steps in which every sample of the part is padding are not run.
                samples = samples[:, : ends.max()]
            # Keyed by content: a sample's answer does not depend on its place in X or on its
            # neighbours.
            streams = self._inputs.streams(samples, seed, repeat, ends=ends)
            inputs = self._inputs.encode_batch(samples, streams, self._precision)
            drawn = uniforms(streams, sizes[-1], len(inputs) + spec.depth)
            yield part, inputs, [u.transpose(1, 2, 0) for u in np.split(drawn, sizes[:-1])]

    @property
    def _precision(self) -> Any:
        """What samples are run in: the numbers of a likelihood need the lower floor of float64."""
        batches = any(hasattr(la.neuron, "compile_batches") for la in self.spec_.layers)
        return np.dtype(self._kept.dtype if batches and self.readout == "count" else float)

    def _spec_with(self, noise: Any) -> NetworkSpec:
        if isinstance(noise, str) and noise == AS_TRAINED:
            return self.spec_
        check_noise("noise", noise, None)
        takes = [la.name for la in self.spec_.layers if getattr(la.neuron, "takes_noise", False)]
        if not takes:
            raise ArgumentValueError(
                "noise",
                f"needs {some_neurons(lambda k: k.takes_noise)}, but this is "
                f"{self._kept.neuron!r}.",
            )
        return under_noise(self.spec_, takes, noise)

    def _key(self, seed: int | None) -> int:
        """Return where the randomness of a method comes from: its argument, or the fit."""
        return self.seed_ if seed is None else check_int("seed", seed, minimum=0)

    def simulate(
        self,
        X: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        noise: Any = AS_TRAINED,
        seed: int | None = None,
    ) -> Array:
        """Return the visible spikes (n, T + depth, C) of samples one after the other.

        The random streams are those of the Process of :meth:`to_lava`: one per layer, going on
        from sample to sample. Same seed, same spikes.

        Parameters
        ----------
        X : array_like, shape (n, ...)
            Samples, laid out as in `fit`.
        lengths, mask : array_like, shape (n,) and (n, T), optional
            Which time steps are a sample's own, as in `fit`; after them the network runs on without
            input until the longest sample ends.
        noise : NoiseModel, a list of one per neuron, or None, optional
            Another noise than in training; None is noiseless.
        seed : int, optional
            None is ``seed_``.

        Returns
        -------
        ndarray of int8, shape (n, T + depth, C)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value.
        """
        X, spec = self._check_X(X, lengths, mask), self._spec_with(noise)
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
        """Time steps that one sample takes, T + depth (of sequences: the longest in `fit`)."""
        check_is_fitted(self)
        return self._inputs.steps + self.spec_.depth

    def _scores(
        self,
        X: Array,
        n_repeats: int,
        noise: Any,
        seed: int | None,
        drawn: Any = None,
        runtime: Any = OFFLINE,
    ) -> tuple[Array, float]:
        """Return scores (n_repeats, n, n_classes) and spikes per inference.

        What :meth:`_runs` draws for one repeat may be given. On a device all samples are one job
        per layer.
        """
        check_int("n_repeats", n_repeats, minimum=1)
        device = device_of(runtime)
        if device is not None:
            given = not (isinstance(noise, str) and noise == AS_TRAINED)
            check_network(self.spec_, self.readout, given)
        spec = self._spec_with(noise)
        key = self._key(seed)
        scores, spikes = np.empty((n_repeats, *self._answer_shape(X))), 0
        dtype = self._precision
        # once for all samples and repeats
        neurons = [] if device is not None else compiled_layers(spec, self.parameters_, dtype)
        chunk = max(len(X), 1) if device is not None else _CHUNK
        for repeat in range(n_repeats):
            if device is not None:
                neurons = layers_on(device, spec, self.parameters_, dtype, key, repeat)
            for part, inputs, u in drawn or self._runs(X, repeat, key, spec, chunk):
                traces = forward(
                    spec,
                    self.parameters_,
                    inputs,
                    u,
                    neurons=neurons,
                    record=False,
                    dtype=dtype,
                )
                spikes += self._n_spikes(traces, X[part])
                scores[repeat, part] = self._answer(spec, traces[-1], u[-1], X[part])
        return scores, spikes / (n_repeats * max(len(X), 1))

    def _answer_shape(self, X: Array) -> tuple[int, ...]:
        """Return the shape of what one pass over samples says."""
        return len(X), len(self.classes_)

    def _answer(self, spec: NetworkSpec, visible: LayerTrace, u: Array, X: Array) -> Array:
        """Return what the visible layer, drawn by *u*, says of the samples X."""
        counted = self._counted(X)[: len(visible.z)]
        if self.readout == "count":
            return count_scores(visible.out.spikes, len(self.classes_), counted)
        return log_odds(spec, visible, u, len(self.classes_), counted)

    def _counted(self, X: Array, learned: bool = True) -> Array:
        """Return what a spike counts in each step of each sample, (T + depth, n)."""
        return self._weights_in_time(self._inputs.own_steps(X), learned)

    def _weights_in_time(self, own: Array, learned: bool = True) -> Array:
        """Return what a spike counts in each step (T + depth, n), of samples' *own* (n, T).

        1 where the visible neurons hear the sample, 0 before and after it; with `readout_from`
        only in the last part of those, or by weights that were *learned*, if they are wanted.
        """
        start = 0.0 if isinstance(self.readout_from, str) else self.readout_from
        lag = self.spec_.lag(self.spec_.visible.name)
        counted = sequences.counted_steps(own, lag, self.spec_.depth, start)
        if not learned or self.readout_from != LEARNED:
            return counted
        if READOUT not in self.parameters_:
            raise ArgumentValueError(
                "readout_from", f"= {LEARNED!r} must be given to fit, which learns the weights."
            )
        return weights_of(self.parameters_[READOUT], triangles(counted))

    def _n_spikes(self, traces: list[LayerTrace], X: Array) -> int:
        """Return the spikes of all neurons while the samples last."""
        lasts = self._inputs.lasting(X, self.spec_.depth)
        return sum(n_spikes(t, None if lasts is None else lasts[: len(t.z)]) for t in traces)


def log_odds(
    spec: NetworkSpec, visible: LayerTrace, u: Array, n_classes: int, counted: Array
) -> Array:
    """Return per class how much likelier its neurons' spiking is than their silence."""
    layer = spec.visible
    assert visible.neurons is not None
    total = np.zeros((*visible.z.shape[1:2], layer.size))
    # log P(always spiking) - log P(always silent): the evidence of a neuron for its class.
    for bit, sign in ((1, 1.0), (0, -1.0)):
        clamp = np.full(visible.z.shape, bit, np.int8)
        # Before the input has come through, nothing is asked of the neurons.
        clamp[: spec.lag(layer.name)] = -1
        out = visible.neurons.run(visible.z, u, clamp)
        total += sign * (out.log_likelihood * counted[:, :, None]).sum(axis=0)
    return np.asarray(total.reshape(len(total), n_classes, -1).sum(axis=2))
