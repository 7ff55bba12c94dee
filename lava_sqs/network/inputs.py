"""What samples are and how they enter a network: their layout, scaling and encoding.

Everything here reads time first: static samples (n, ...), sequences and spikes (n, T, ...). Frames
that are not a sample's own are NaN (see ``lava_sqs.network.sequences``).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError, outside
from lava_sqs._streams import bernoulli, streams_of
from lava_sqs.data import encoders
from lava_sqs.data.dataset import samples_in_words
from lava_sqs.data.encoders import Scale
from lava_sqs.data.ranges import some
from lava_sqs.network import sequences

__all__ = ["INPUT_KINDS"]

Array = NDArray[Any]

#: What samples can hold.
INPUT_KINDS = ("static", "sequence", "spikes")


def check_kind(X: Array, kind: str | None, channels_first: bool | None, encoder: str | None) -> str:
    """Return what *X* holds, *kind* or what its shape says; raise where the arguments differ."""
    if kind is None and X.ndim != 2:
        raise ArgumentValueError(
            "input_kind",
            f"must be given for an X of shape {X.shape}: 'static' for "
            "images, which are flattened, 'sequence' or 'spikes' for (n, T, features), with "
            "channels_first=True for (n, features, T).",
        )
    kind = kind or "static"
    if kind == "static" and channels_first:
        raise ArgumentValueError(
            "channels_first",
            "belongs to sequences and spikes, but input_kind is "
            "'static', where all values are flattened.",
        )
    if kind != "static" and (X.ndim < 3 or (channels_first and X.ndim > 3)):
        wanted = "(n, features, T)" if channels_first else "(n, T, features)"
        raise ArgumentValueError(
            "X",
            f"must have shape {wanted} for input_kind={kind!r}"
            f"{' and channels_first=True' if channels_first else ''}, but has shape "
            f"{X.shape}.",
        )
    if kind == "sequence" and encoder == "latency":
        raise ArgumentValueError(
            "encoder",
            "must be 'rate', 'current' or 'population' for "
            "input_kind='sequence', but got 'latency'.",
        )
    return kind


@dataclass(frozen=True)
class Inputs:
    """How the samples of one fit are read, and what they become.

    Attributes
    ----------
    kind : {"static", "sequence", "spikes"}
        What they hold.
    shape : tuple of int
        Shape of one sample, time first.
    channels_first : bool
        Whether X has the channels of a sequence before its time steps.
    encoder, n_steps, n_population
        See ``SQSNN``.
    zeros_are_padding : bool
        Whether frames of zeros at the end of a sequence are none of its own: if `fit` was not told
        by lengths, a mask or NaN how long its samples are.
    scale : Scale
        Scale of raw values.
    """

    kind: str
    shape: tuple[int, ...]
    channels_first: bool
    encoder: str
    n_steps: int
    n_population: int
    zeros_are_padding: bool = False
    scale: Any = None  # a Scale; not known yet while X is being read

    @classmethod
    def learn(
        cls,
        X: Array,
        own: Any,
        scale: Scale | None,
        lengths: Any = None,
        mask: Any = None,
        told: bool = False,
    ) -> tuple[Inputs, Array]:
        """Return how *X* is read with the arguments *own*, and X as everything else here reads it.

        Without a *scale* that of X. *told*: X itself says how long each sample is.
        """
        kind = check_kind(X, own.input_kind, own.channels_first, own.encoder)
        finite = sequences.all_finite(X)
        told = told or lengths is not None or mask is not None or _has_nan(X, finite)
        self = cls.of(own, kind, (), zeros_are_padding=kind == "sequence" and not told)
        if self.zeros_are_padding:
            self._warn_of_zeros(self.time_first(X))
        X = self._own(X, lengths, mask, finite)
        self = replace(self, shape=X.shape[1:])
        if kind == "sequence" and own.channels_first is None and X.ndim == 3:
            self._warn_of_layout(len(X))
        if scale is None:
            scale = Scale.learn(self._shown(X), images=kind == "static", how=own.scaling)
        else:
            replace(self, scale=scale).compare(X)
        return replace(self, scale=scale), X

    @classmethod
    def of(cls, own: Any, kind: str, shape: tuple[int, ...], **more: Any) -> Inputs:
        """Return inputs with the arguments *own* of a network."""
        first = bool(own.channels_first)
        return cls(kind, shape, first, own.encoder, own.n_steps, own.n_population, **more)

    @property
    def steps(self) -> int:
        """T, the steps in which a sample arrives."""
        return self.n_steps if self.kind == "static" else int(self.shape[0])

    def width(self, n_features: int) -> int:
        """Return how many inputs of a network *n_features* values make."""
        curves = self.encoder == "population" and self.kind != "spikes"
        return n_features * (self.n_population if curves else 1)

    def image_shape(self, n_inputs: int) -> tuple[int, int, int] | None:
        """Return (height, width, channels) of what enters in a step; None if it is no image."""
        image = self.shape if self.kind == "static" else self.shape[1:]
        if len(image) not in (2, 3):
            return None
        return int(image[0]), int(image[1]), n_inputs // (int(image[0]) * int(image[1]))

    # -- layout -----------------------------------------------------------------------------------

    def in_words(self, n: int, n_steps: int | None = None) -> str:
        """Return how *n* samples are read, in words; sequences may have other *n_steps*."""
        shape = self.shape
        if self.kind != "static" and n_steps is not None:
            shape = (n_steps, *shape[1:])
        return samples_in_words(n, shape, self.kind)

    def time_first(self, X: Array) -> Array:
        """Return samples as everything else here reads them."""
        return X.swapaxes(1, 2) if self.channels_first else X

    def read(self, X: Array, lengths: Any = None, mask: Any = None, told: bool = False) -> Array:
        """Return samples as everything else here reads them, if they hold what those in fit did."""
        check_kind(X, self.kind, self.channels_first, self.encoder)
        finite = sequences.all_finite(X)
        told = told or lengths is not None or mask is not None or _has_nan(X, finite)
        X = self._own(X, lengths, mask, finite)
        self.compare(X)
        if self.kind != "sequence" or told or self.zeros_are_padding:
            return X
        if n := sequences.ends_in_zeros(X):
            warnings.warn(
                f"{n} of {len(X)} sequences end with frames of zeros, which are read as values: "
                "the network was fitted to sequences whose lengths were given. Give `lengths` "
                "here too.",
                UserWarning,
                stacklevel=outside("lava_sqs.network")[0],
            )
        return X

    def compare(self, X: Array) -> None:
        """Warn if samples clearly have another range than those in fit."""
        if self.kind == "spikes" or self.scale.seen is None or not len(X):
            return
        shown = some(self._shown(X))
        if text := self.scale.seen.other(shown, self.scale.unbounded(shown), len(X)):
            warnings.warn(text, UserWarning, stacklevel=outside("lava_sqs.network")[0])

    def _own(self, X: Array, lengths: Any, mask: Any, finite: bool) -> Array:
        """Return samples time first, and NaN in every frame that is not a sample's own."""
        if self.kind == "static":
            self.refuse_lengths(lengths, mask)
            return X
        X = self.time_first(X)
        own = sequences.own_steps(X, lengths, mask, self.zeros_are_padding, finite)
        X = sequences.marked(X, own, finite)
        if self.kind == "spikes" and not sequences.only_spikes(X):
            raise ArgumentValueError(
                "X",
                "must hold 0 and 1 only for input_kind='spikes', but has values from "
                f"{np.nanmin(X)} to {np.nanmax(X)}. For other values use input_kind='sequence'.",
            )
        return X

    @staticmethod
    def refuse_lengths(lengths: Any, mask: Any) -> None:
        """Raise if static samples are said to have time steps of their own."""
        for name, value in (("lengths", lengths), ("mask", mask)):
            if value is not None:
                raise ArgumentValueError(
                    name, "belongs to sequences and spikes, but the samples are static."
                )

    def check_shape(self, X: Any) -> None:
        """Raise unless samples have the shape of those in fit, and say it in their own words."""
        try:
            found = tuple(getattr(X, "shape", None) or np.asarray(X).shape)
        except ValueError:
            return  # ragged, as scikit-learn will say
        own = self.shape
        if self.kind != "static" and len(found) == 1 + len(own):
            time = 2 if self.channels_first else 1  # which may be another than in fit
            own = (found[time], *own[1:])
        if self.kind == "static" and found[1:2] != own[:1]:
            return  # scikit-learn will say it, and knows the names of features
        wanted = own[::-1] if self.channels_first else own
        if found[1:] == wanted or len(found) < 2:
            return
        text = f"Argument `X` must have samples of shape {wanted}, as in fit, but has shape {found}"
        if self.kind == "static" or len(found) != 1 + len(own):
            raise ValueError(f"{text}.")
        given = found[:0:-1] if self.channels_first else found[1:]
        text += (
            f": the network was fitted to {self.in_words(2).partition(' ')[2]}, and X holds "
            f"{samples_in_words(found[0], given, self.kind)}."
        )
        if len(given) == 2 and given[0] == own[1]:
            other = not self.channels_first
            text += f" Swap the axes, X.swapaxes(1, 2), or fit with channels_first={other}."
        raise ValueError(text)

    def _warn_of_layout(self, n: int) -> None:
        steps, channels = self.shape
        if steps < channels:
            other = samples_in_words(n, (channels, steps), self.kind)
            warnings.warn(
                f"X is read as {self.in_words(n)}. If it holds {other}, give "
                "channels_first=True; to confirm the reading, channels_first=False.",
                UserWarning,
                stacklevel=outside("lava_sqs.network")[0],
            )

    def _warn_of_zeros(self, X: Array) -> None:
        """Say that padding is guessed, where it is."""
        if n := sequences.ends_in_zeros(X):
            warnings.warn(
                f"{n} of {len(X)} sequences end with frames of zeros, which are read as "
                "padding. Give `lengths` (or `mask`, or frames of NaN) to say which steps are a "
                "sample's own; with lengths, zeros are values.",
                UserWarning,
                stacklevel=outside("lava_sqs.network")[0],
            )

    # -- values -----------------------------------------------------------------------------------

    def streams(self, X: Array, *key: int, ends: Array | None = None) -> Array:
        """Return a stream for each raw sample, (n, 2), by its content and the *key*."""
        if self.kind == "spikes":  # a bit is all that there is of each
            # An eighth of the bytes to hash; NaN, after a sample's end, packs to 0.
            X = np.packbits(self._flat(X) == 1, axis=2)
        return streams_of(X, *key, ends=ends)

    def augmented(self, X: Array, augment: Any, rng: np.random.Generator) -> Array:
        """Return raw samples as a user's function changes them, if they still are such samples.

        It may change X in place.
        """
        there = X == X
        shown = np.asarray(augment(X, rng))
        if shown.shape != X.shape or shown.dtype.kind not in "biuf":
            raise ArgumentValueError(
                "augment",
                f"must return real numbers of shape {X.shape}, as it is given, but returned "
                f"{shown.dtype} of shape {shown.shape}.",
            )
        if not (np.isfinite(shown) == there).all():
            raise ArgumentValueError(
                "augment",
                "must return finite numbers, and NaN where it is given NaN, after a sample's end.",
            )
        if self.kind == "spikes" and not sequences.only_spikes(shown):
            raise ArgumentValueError(
                "augment", "must return 0 and 1 only for input_kind='spikes', but returned others."
            )
        return shown

    def encode(self, X: Array, draw: Callable[[Any], Array]) -> Array:
        """Return input (n, T, F') of raw samples; ``draw(shape)`` gives uniforms if needed."""
        x = self._valued(X)
        return np.asarray(draw(x.shape) < x, dtype=float) if self._drawn else x

    def encode_batch(self, X: Array, streams: Array, dtype: Any) -> Array:
        """Return input (T, n, F') of raw samples in precision *dtype*, each from its own stream.

        Streams (n, 2) are those of :mod:`lava_sqs._streams`.
        """
        if self.kind == "spikes":
            flat = self._flat(X)
            own = sequences.is_own(flat)
            spikes: Array = np.empty((flat.shape[1], len(flat), flat.shape[2]), dtype)
            np.copyto(spikes, flat.transpose(1, 0, 2), casting="unsafe")
            if own is not None:
                spikes[~own.T] = 0.0
            return spikes
        x = self._valued(X).transpose(1, 0, 2)
        # Stride 0 along time: the same frame in every step, stored once.
        same = len(x) > 1 and x.strides[0] == 0
        once = np.ascontiguousarray(
            x[:1] if same else x, dtype=np.float32 if self._drawn else dtype
        )
        if self._drawn:
            return bernoulli(streams, once, len(x), dtype)
        return np.broadcast_to(once, x.shape) if same else once

    @property
    def _drawn(self) -> bool:
        """Whether values are probabilities, from which spikes are drawn."""
        return self.kind != "spikes" and self.encoder == "rate"

    def _valued(self, X: Array) -> Array:
        """Return spikes, currents or probabilities (n, T, F') of raw samples."""
        flat = self._flat(X)
        own = None if self.kind == "static" else sequences.is_own(flat)
        if own is not None:
            flat = np.where(own[:, :, None], flat, 0.0)
        if self.kind == "spikes":
            return flat.astype(float)
        x: Array = self.scale(flat)
        if self.encoder == "population":
            x = encoders.population(x, self.n_population)
        if own is not None:
            x = x * own[:, :, None]  # nothing arrives where a step is not the sample's own
        if self.encoder == "latency":
            return encoders.latency(x, self.n_steps).astype(float)
        # the same in every step: a view, which a network multiplies once
        if x.ndim == 2:
            x = np.broadcast_to(x[:, None], (len(x), self.n_steps, x.shape[1]))
        return x

    def encode_all(self, X: Array, seed: int) -> Array:
        """Return input (n, T, F') from one stream for all samples."""
        return np.ascontiguousarray(self.encode(X, np.random.default_rng(seed).random))

    def own_steps(self, X: Array) -> Array:
        """Return which input steps are a sample's own, (n, T)."""
        own = None if self.kind == "static" else sequences.is_own(self._flat(X))
        steps = self.n_steps if self.kind == "static" else X.shape[1]
        return np.ones((len(X), steps), dtype=bool) if own is None else own

    def padding_starts(self, X: Array) -> Array | None:
        """Return after how many steps only padding follows, (n,); static samples have none."""
        return None if self.kind == "static" else sequences.ends(self.own_steps(X))

    def lasting(self, X: Array, depth: int) -> Array | None:
        """Return which steps (T + depth, n) of a network belong to each sample; None is all.

        Those after its end, while others of its batch last, do not; those in a gap of a mask do.
        """
        ends = self.padding_starts(X)
        if ends is None or (ends == X.shape[1]).all():
            return None
        return np.asarray(np.arange(X.shape[1] + depth)[:, None] < ends + depth)

    def _flat(self, X: Array) -> Array:
        """(n, ...) -> (n, F), or (n, T, F) for sequences."""
        leading = 1 if self.kind == "static" else 2
        return X.reshape(*X.shape[:leading], -1)

    def _shown(self, X: Array) -> Array:
        """Return the feature vectors (m, F) that are a sample's own."""
        flat = self._flat(X)
        own = None if self.kind == "static" else sequences.is_own(flat)
        return flat.reshape(-1, flat.shape[-1]) if own is None else flat[own]


def _has_nan(X: Array, finite: bool) -> bool:
    return not finite and bool(np.isnan(X).any())
