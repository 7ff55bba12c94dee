"""Noise that differs from neuron to neuron: one model each, kept once if they are equal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_items, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.quantum.noise.model import NoiseModel
from lava_sqs.quantum.noise.physics import ON_IO, ON_REGISTER
from lava_sqs.quantum.noise.units import LIFETIME_UNITS, with_unit

__all__ = ["NoisePerNeuron", "check_noise", "models_of", "one_noise"]

_SCALARS = (*ON_REGISTER, "p_depol_2q", *ON_IO)  # whose ranges are worth a word


class NoisePerNeuron(Sequence["NoiseModel | None"]):
    """One noise model per neuron, in order: what ``noise=[...]`` becomes. Immutable, hashable.

    Equal models are kept, and compiled, once.

    Parameters
    ----------
    models : iterable of NoiseModel or None
        One per neuron; None is noiseless.

    Attributes
    ----------
    models : tuple of NoiseModel or None
        Those that differ, in the order in which they come first.
    which : ndarray of int, shape (K,)
        Which of them each neuron has; read-only.

    Raises
    ------
    TypeError, ValueError
        If there is none, or one is no NoiseModel or None.

    Examples
    --------
    >>> from lava_sqs.quantum import NoiseModel
    >>> good, bad = NoiseModel(t1=1e-4, t2=1e-4), NoiseModel(t1=2e-5, t2=2e-5)
    >>> noise = NoisePerNeuron([good, bad, good, None])
    >>> len(noise), len(noise.models), noise.which.tolist()
    (4, 3, [0, 1, 0, 2])
    >>> print(noise)
    3 models of 4 neurons: t1 20 us to inf, t2 20 us to inf, noiseless 1
    >>> noise[1:] == [bad, good, None]
    True
    """

    name = ""  # a device has one model

    def __init__(self, models: Iterable[NoiseModel | None]) -> None:
        given = _checked("models", models)
        places: dict[NoiseModel | None, int] = {}
        # Models hash by value: a dict finds equal ones, and keeps the order in which they come
        # first.
        which = np.array([places.setdefault(model, len(places)) for model in given])
        self._set(tuple(places), which)

    def _set(self, models: tuple[NoiseModel | None, ...], which: NDArray[Any]) -> None:
        self.models, self.which = models, which.astype(np.int64)
        self.which.flags.writeable = False

    @overload
    def __getitem__(self, index: int) -> NoiseModel | None: ...
    @overload
    def __getitem__(self, index: slice) -> NoisePerNeuron: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return NoisePerNeuron([self.models[i] for i in self.which[index]])
        return self.models[self.which[index]]

    def __len__(self) -> int:
        return len(self.which)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NoisePerNeuron):
            same = self.models == other.models and np.array_equal(self.which, other.which)
            return bool(same)
        if isinstance(other, (list, tuple)):
            return list(self) == list(other)
        return NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        # Unpickled models are new objects: the constructor finds again which of them are equal.
        return NoisePerNeuron, (list(self),)

    def __repr__(self) -> str:
        return f"<NoisePerNeuron: {self}>"

    def __str__(self) -> str:
        """One line: how many models, and from where to where their numbers go."""
        return self._text

    @cached_property
    def _hash(self) -> int:
        return hash((self.models, self.which.tobytes()))

    @cached_property
    def _text(self) -> str:
        nothing = NoiseModel()
        full = [nothing if model is None else model for model in self.models]
        parts = []
        for name in _SCALARS:
            values = [getattr(model, name) for model in full]
            each = [x for v in values for x in (v if isinstance(v, tuple) else (v,))]
            low, high = min(each), max(each)
            if low != high:
                units = LIFETIME_UNITS if name in ("t1", "t2") else (("", 1.0),)
                ends = ["inf" if x == math.inf else with_unit(x, units) for x in (low, high)]
                parts.append(f"{name} {' to '.join(ends)}")
        if None in self.models:
            # `models` holds each model once, so how often None occurs has to be counted in `which`.
            silent = int((self.which == self.models.index(None)).sum())
            parts.append(f"noiseless {silent}")
        more = f": {', '.join(parts)}" if parts else ""
        return f"{len(self.models)} models of {len(self)} neurons{more}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, from which :meth:`from_dict` makes the same.

        Returns
        -------
        dict
        """
        models = [None if model is None else model.to_dict() for model in self.models]
        return {"models": models, "which": self.which.tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NoisePerNeuron:
        """Return the noise of :meth:`to_dict`.

        Parameters
        ----------
        data : dict
            Models, and which of them each neuron has.

        Returns
        -------
        NoisePerNeuron

        Raises
        ------
        TypeError, ValueError
            If *data* is no such dict, or a model of it is impossible.
        """
        if not isinstance(data, Mapping) or not {"models", "which"} <= set(data):
            raise ArgumentTypeError("data", f"must have models and which, got {describe(data)}.")
        models = [None if one is None else NoiseModel.from_dict(one) for one in data["models"]]
        which = check_items("which", data["which"])
        if not all(isinstance(i, int) and 0 <= i < len(models) for i in which):
            raise ArgumentValueError("which", f"must hold indices of {len(models)} models.")
        return cls([models[i] for i in which])


def _checked(name: str, models: Any) -> tuple[NoiseModel | None, ...]:
    """Return the models of a list, or raise."""
    given = check_items(name, models)
    if not given:
        raise ArgumentValueError(name, "must have a model per neuron, but has none.")
    for i, model in enumerate(given):
        if not (model is None or isinstance(model, NoiseModel)):
            raise ArgumentTypeError(
                f"{name}[{i}]", f"must be a NoiseModel or None, but got {describe(model)}."
            )
    return given


def check_noise(name: str, noise: Any, size: int | None) -> NoiseModel | NoisePerNeuron | None:
    """Return the noise of *size* neurons: one model for all (or None), or one each.

    Where all are equal it is one: there is nothing to tell apart. A *size* of None is not known
    yet: a list stays one.

    Parameters
    ----------
    name : str
        Name of the argument.
    noise : NoiseModel, list of one per neuron, or None
        What was given.
    size : int or None
        Number of neurons.

    Returns
    -------
    NoiseModel, NoisePerNeuron or None

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or has another number of models.

    Examples
    --------
    >>> check_noise("noise", [NoiseModel(p_reset=0.1)] * 3, 3) == NoiseModel(p_reset=0.1)
    True
    """
    if noise is None or isinstance(noise, NoiseModel):
        return noise
    if isinstance(noise, (str, bytes)) or not isinstance(noise, (Sequence, np.ndarray)):
        raise ArgumentTypeError(
            name,
            f"must be a NoiseModel, None, or a list of them with one per neuron, but got "
            f"{type(noise).__name__} ({describe(noise)}).",
        )
    each = noise if isinstance(noise, NoisePerNeuron) else NoisePerNeuron(_checked(name, noise))
    if size is not None and len(each) != size:
        raise ArgumentValueError(
            name,
            f"must be one model, or one for each of {size} neuron(s), but has {len(each)}. "
            "NoiseModel.spread(n) draws n around one.",
        )
    return each.models[0] if size is not None and len(each.models) == 1 else each


def one_noise(name: str, noise: Any, why: str) -> NoiseModel | None:
    """Return the noise of one neuron; a list is refused, and *why* says what one can do.

    Parameters
    ----------
    name : str
        Name of the argument.
    noise : NoiseModel or None
        What was given.
    why : str
        Why it is one, and what to do instead, as sentences.

    Returns
    -------
    NoiseModel or None

    Raises
    ------
    TypeError
        If it is none.

    Examples
    --------
    >>> one_noise("noise", None, "This is about one neuron: ask for each.") is None
    True
    """
    if noise is None or isinstance(noise, NoiseModel):
        return noise
    if isinstance(noise, (NoisePerNeuron, list, tuple)):
        raise ArgumentTypeError(
            name, f"must be one NoiseModel or None, but got a list of models. {why}"
        )
    raise ArgumentTypeError(
        name,
        f"must be a NoiseModel or None, but got {type(noise).__name__} ({describe(noise)}).",
    )


def models_of(noise: NoiseModel | NoisePerNeuron | None) -> tuple[NoiseModel | None, ...]:
    """Return the models that differ.

    Parameters
    ----------
    noise : NoiseModel, NoisePerNeuron or None
        Noise of neurons.

    Returns
    -------
    tuple of NoiseModel or None

    Examples
    --------
    >>> models_of(None)
    (None,)
    """
    return noise.models if isinstance(noise, NoisePerNeuron) else (noise,)
