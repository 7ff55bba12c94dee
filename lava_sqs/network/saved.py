"""A fitted model as a file: what goes into it, and a model made of what is found there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from lava_sqs._checks import (
    check_choice,
    check_flag,
    check_instance,
    check_int,
    check_number,
    check_positive,
    check_real,
    check_text,
    describe,
)
from lava_sqs._npz import Declared
from lava_sqs._seeds import check_seed
from lava_sqs._version import __version__
from lava_sqs.data.encoders import Scale
from lava_sqs.data.ranges import Seen
from lava_sqs.network import files as storage
from lava_sqs.network import timed
from lava_sqs.network.arguments import _Arguments
from lava_sqs.network.gradient import OBJECTIVES
from lava_sqs.network.inputs import INPUT_KINDS, Inputs
from lava_sqs.network.spec import READOUT, LayerParams, NetworkSpec, Parameters
from lava_sqs.network.timed import KNOTS, TIME
from lava_sqs.neurons import kinds

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]

_FITTED: dict[str, Callable[[str, Any], Any]] = {
    "seed_": check_seed,
    "n_iter_": partial(check_int, minimum=0),
    "n_updates_": partial(check_int, minimum=0),
    "learning_rate_": check_positive,
    "interrupted_": check_flag,
    "spikes_per_inference_": partial(check_positive, zero=True),
    "scaling_": check_text,
    "neurons_per_class_": partial(check_int, minimum=1),
    "objective_": partial(check_choice, choices=OBJECTIVES),
    "temperature_": check_positive,
    "per_step_": check_flag,
}
# What a file says that was written before it was there.
_BEFORE = {
    "neurons_per_class_": 1,
    "objective_": "likelihood",
    "temperature_": 1.0,
    "n_updates_": 0,
    "per_step_": False,
}
_UNSAVED = {"callbacks": None, "augment": None}  # arguments that are code
_TIMED = f"{READOUT}.weights.{TIME}"
_LONGEST_LABEL = 2**16  # bytes of a class label in a file


class _Saved(_Arguments):
    """An estimator that can be written to a file and read again."""

    _FITTED: ClassVar[dict[str, Callable[[str, Any], Any]]] = _FITTED
    _ESTIMATOR = "SQSNN"  # what a file says that it holds
    #: What a checkpoint must agree in, in words, and the names of the arrays about targets.
    _TARGETS = "classes or samples"
    _TARGET_ARRAYS: tuple[str, ...] = ("classes",)
    _inputs: Inputs
    parameters_: Parameters
    classes_: Array
    scaling_: str
    n_features_in_: int
    feature_names_in_: Array
    loss_curve_: list[float]
    accuracy_curve_: list[float]
    spikes_curve_: list[float]

    def save(self, path: str | Path) -> None:
        """Write the fitted model to one file (npz with a JSON header, no pickle), in one piece.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        NotFittedError
            If the network has not been fitted.
        OSError
            If the file cannot be written; an old one is untouched then.
        """
        if not hasattr(self, "parameters_"):
            raise NotFittedError(
                f"This {type(self).__name__} is not fitted yet: there is nothing to save."
            )
        storage.write(path, self._header(), self._arrays("", self.parameters_))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the model of a file that :meth:`save` or `checkpoint` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        SQSNN

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        ValueError
            If the file is damaged or from a newer major version of the format.
        """
        header, arrays = storage.read(path, partial(cls._needed, path))
        with storage.read_from(path):
            self = cls._of_header(header)
            self._restore(header, arrays)
        return self

    @classmethod
    def _of_header(cls, header: dict[str, Any]) -> Self:
        """Return an estimator with the arguments of a file."""
        known = cls._get_param_names()
        given = {k: storage.from_json(v) for k, v in header["arguments"].items() if k in known}
        self = cls(**given)
        self._check_arguments()
        if self.random_state is not None:  # no other kind is written
            check_int("random_state", self.random_state, minimum=0, maximum=None)
        self._keep_parameters()
        self.neurons_per_class_ = check_int(
            "neurons_per_class_",
            header["fitted"].get("neurons_per_class_", self.neurons_per_class or 1),
            minimum=1,
        )
        return self

    @classmethod
    def _needed(
        cls,
        path: str | Path,
        header: dict[str, Any],
        declared: dict[str, Declared],
        training: bool = False,
    ) -> list[str]:
        """Return the arrays that a model (or a checkpoint) needs, if they have its shapes."""
        if (made := header.get("estimator", "SQSNN")) != cls._ESTIMATOR:
            raise ValueError(
                f"The file {path} holds an {describe(made)}, but {cls.__name__}.load reads an "
                f"{cls._ESTIMATOR!r}: load it by that class."
            )
        with storage.read_from(path):
            kind = header["arguments"].get("neuron")
        if isinstance(kind, str) and kind.isidentifier() and kind not in kinds():
            raise ValueError(
                f"The file {path} holds a network of neurons of kind {kind!r}, which is not "
                "registered: import the module that does (lava_sqs.neurons.register) first."
            )
        with storage.read_from(path):
            self = cls._of_header(header)
            n_targets = self._declared_targets(declared)
            n_features = _read_features(header)
            kind = check_choice("input_kind", header["input_kind"], INPUT_KINDS)
            self._inputs = Inputs.of(self._kept, kind, tuple(header["sample_shape"]))
            spec = self._make_spec(self._inputs.width(n_features), n_targets)
            own = {
                f"{la.name}.{name}": shape
                for la in spec.layers
                for name, shape in {
                    **{f"weights.{s}": spec.weights_shape(la, s) for s in la.sources},
                    "bias": (la.channels,),
                    "angles": (la.size, la.neuron.n_params),
                }.items()
            } | self._more_arrays(spec, n_targets)
            if _TIMED in declared:
                own |= {_TIMED: (1, KNOTS)}
            wanted = own | {
                name: spec.weights_shape(la, s)
                for la in spec.layers
                for s in la.sources
                if (name := f"feedback.{la.name}.{s}") in declared
            }
            if training and "training" in header:
                counts = header["training"]["counts"]
                wanted |= {f"now.{name}": shape for name, shape in own.items()}
                wanted |= {f"{k}.{name}": own[name] for k in ("first", "second") for name in counts}
            for name in ("scale.low", "scale.high"):
                if declared[name].shape not in ((), (1,), (n_features,)):
                    raise ValueError(
                        f"array {name} must broadcast to shape {(n_features,)}, but has shape "
                        f"{declared[name].shape}."
                    )
            for name, shape in wanted.items():
                if (found := declared[name]).shape != shape or found.dtype.itemsize > 16:
                    raise ValueError(
                        f"array {name} must have shape {shape} and hold numbers, but has shape "
                        f"{found.shape} and dtype {found.dtype}."
                    )
            return [*wanted, "scale.low", "scale.high", *self._TARGET_ARRAYS]

    def _declared_targets(self, declared: dict[str, Declared]) -> int:
        """Return how many things a network of a file tells apart."""
        labels = declared["classes"]
        if len(labels.shape) != 1 or labels.dtype.itemsize > _LONGEST_LABEL:
            raise ValueError(
                f"the classes are an array of shape {labels.shape} and dtype {labels.dtype}."
            )
        return labels.shape[0]

    def _more_arrays(self, spec: NetworkSpec, n_targets: int) -> dict[str, tuple[int, ...]]:
        """Return names and shapes of what is learned beside the layers."""
        return {}

    def _header(self) -> dict[str, Any]:
        fitted = {k: getattr(self, k) for k in self._FITTED}
        return {
            "version": __version__,
            "estimator": self._ESTIMATOR,
            # as the network was made, not as set_params may have left them since
            "arguments": {
                k: storage.to_json(v)
                for k, v in {**self.get_params(), **vars(self._kept), **_UNSAVED}.items()
            },
            "fitted": fitted,
            "loss_curve": self.loss_curve_,
            "accuracy_curve": self.accuracy_curve_,
            "spikes_curve": self.spikes_curve_,
            "input_kind": self._inputs.kind,
            "seen": None if (seen := self._inputs.scale.seen) is None else vars(seen),
            "sample_shape": list(self._inputs.shape),
            "zeros_are_padding": self._inputs.zeros_are_padding,
            "n_inputs": self.spec_.n_inputs,
            "n_features_in": self.n_features_in_,
            "feature_names_in": list(getattr(self, "feature_names_in_", [])) or None,
        }

    def _arrays(self, prefix: str, parameters: Parameters) -> dict[str, Array]:
        named = {
            f"{prefix}{layer}.{name}": array
            for layer, own in parameters.items()
            for name, array in own.arrays().items()
        }
        if prefix:
            return named
        scale = {"scale.low": self._inputs.scale.low, "scale.high": self._inputs.scale.high}
        back = {
            f"feedback.{layer}.{source}": array
            for layer, heard in (self.feedback_ or {}).items()
            for source, array in heard.items()
        }
        return {**named, **back, **scale, **self._target_arrays()}

    def _target_arrays(self) -> dict[str, Array]:
        """Return what a file knows of the targets."""
        classes = np.asarray(self.classes_)
        return {"classes": classes.astype(str) if classes.dtype.kind == "O" else classes}

    def _restore_targets(self, arrays: dict[str, Array]) -> None:
        classes = arrays["classes"]
        if classes.ndim != 1 or len(classes) < 2 or not np.array_equal(classes, np.unique(classes)):
            raise ValueError(f"the classes are {describe(classes)}.")
        self.classes_ = classes

    def _restore(self, header: dict[str, Any], arrays: dict[str, Array]) -> None:
        n_features = _read_features(header)
        shape = tuple(header["sample_shape"])
        self._restore_targets(arrays)
        kind = check_choice("input_kind", header["input_kind"], INPUT_KINDS)
        self.n_features_in_ = check_int("n_features_in", header["n_features_in"], minimum=1)
        first = shape[::-1] if self._kept.channels_first else shape
        if not shape or self.n_features_in_ != first[0]:
            raise ValueError(f"{self.n_features_in_} features do not fit samples of shape {shape}.")
        if (names := header["feature_names_in"]) is not None:
            check_instance("feature_names_in", names, list)
            if [type(name) for name in names] != [str] * self.n_features_in_:
                raise ValueError(f"the names of its features are {describe(names)}.")
            self.feature_names_in_ = np.array(names, dtype=object)
        own = {
            **_BEFORE,
            "neurons_per_class_": self.neurons_per_class_,
            "learning_rate_": self.learning_rate,
            **header["fitted"],
        }
        for name, check in self._FITTED.items():
            setattr(self, name, check(name, own[name]))
        low, high = (
            np.broadcast_to(check_real(name, arrays[name]), (n_features,))
            for name in ("scale.low", "scale.high")
        )
        scale = Scale(low, high, self.scaling_, _read_seen(header.get("seen")))
        guessed = check_flag("zeros_are_padding", header.get("zeros_are_padding", True))
        self._inputs = Inputs.of(
            self._kept, kind, shape, scale=scale, zeros_are_padding=guessed and kind == "sequence"
        )
        self.loss_curve_ = check_real("loss_curve", header["loss_curve"]).tolist()
        self.accuracy_curve_ = check_real("accuracy_curve", header["accuracy_curve"]).tolist()
        self.spikes_curve_ = check_real("spikes_curve", header["spikes_curve"]).tolist()
        self._publish(self._make_spec(self._inputs.width(n_features)))
        self.parameters_ = self._parameters_of("", arrays)
        self.feedback_ = {
            la.name: {
                s: check_real(name, arrays[name])
                for s in la.sources
                if (name := f"feedback.{la.name}.{s}") in arrays
            }
            for la in self.spec_.layers
        }
        if not any(self.feedback_.values()):
            self.feedback_ = None

    def _parameters_of(self, prefix: str, arrays: dict[str, Array]) -> Parameters:
        parameters = {}
        for layer in self.spec_.layers:
            at = f"{prefix}{layer.name}."
            weights = {s: arrays[f"{at}weights.{s}"] for s in layer.sources}
            parameters[layer.name] = LayerParams(
                weights, arrays[f"{at}bias"], arrays[f"{at}angles"]
            )
        self.spec_.check_parameters(parameters)
        if (name := f"{prefix}{_TIMED}") in arrays:
            parameters[READOUT] = timed.read(name, arrays[name])
        return parameters


def _read_seen(found: Any) -> Seen | None:
    """Return where the training data lay, as far as a file says it."""
    if found is None:
        return None
    check_instance("seen", found, dict)
    return Seen(**{f.name: check_number(f"seen.{f.name}", found[f.name]) for f in fields(Seen)})


def _read_features(header: dict[str, Any]) -> int:
    """Return how many values of a sample arrive at once, as the header of a file says."""
    shape = tuple(header["sample_shape"])
    for size in shape:
        check_int("sample_shape", size, minimum=1)
    return math.prod(shape if header["input_kind"] == "static" else shape[1:])
