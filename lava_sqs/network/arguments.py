"""The arguments of an estimator: checked by fit, and kept as the network was made with them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from sklearn.base import BaseEstimator

from lava_sqs._checks import check_choice, check_flag, check_int, check_positive, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError, outside
from lava_sqs.data.encoders import ENCODERS, SCALINGS
from lava_sqs.network.gradient import CREDITS, OBJECTIVES, RULES, TARGETS
from lava_sqs.network.inputs import INPUT_KINDS
from lava_sqs.network.layers import Conv2D, Layer, check_layers
from lava_sqs.network.noises import of_network, several, under_noise
from lava_sqs.network.objective import SCHEDULES, needs_clamping, objective_of
from lava_sqs.network.progress import check_training
from lava_sqs.network.readout import READOUTS
from lava_sqs.network.spec import NetworkSpec, feed_forward
from lava_sqs.network.timed import LEARNED
from lava_sqs.neurons import Neuron, kind_of, kinds
from lava_sqs.quantum.noise.per_neuron import check_noise

# Parameters that make the network, its input and its seed: fit keeps their values.
KEPT = (
    "hidden_layer_sizes",
    "memory_qubits",
    "ansatz",
    "layers",
    "neuron",
    "noise",
    "input_kind",
    "channels_first",
    "encoder",
    "scaling",
    "n_steps",
    "n_population",
    "skip",
    "recurrent",
    "neurons_per_class",
    "targets",
    "time_constant",
    "shots",
    "dtype",
    "random_state",
)
# Those of them that a warm start may change.
FLEXIBLE = {"noise", "encoder", "n_steps", "n_population", "shots", "dtype"}
_SEQUENCES = ("hidden_layer_sizes", "layers")
_AT_CALL = {"seed": "random_state", "noise": "noise"}  # arguments of methods


class _Arguments(BaseEstimator):
    """What an estimator was given, beside what its network was made with."""

    _KEPT: tuple[str, ...] = KEPT
    _kept: SimpleNamespace  # values of _KEPT in the last fit
    spec_: NetworkSpec
    neurons_per_class_: int
    _inputs: Any
    objective_: str
    temperature_: float
    feedback_: dict[str, dict[str, Any]] | None
    n_parameters_: int
    n_biases_: int

    # long: a line or two for each argument.
    def _check_arguments(self) -> None:
        self._check_layers()
        for name in ("skip", "early_stopping", "warm_start", "resume"):
            check_flag(name, getattr(self, name))
        if self.channels_first is not None:
            check_flag("channels_first", self.channels_first)
        if not isinstance(self.verbose, bool):
            check_int("verbose", self.verbose, minimum=0)  # as in scikit-learn
        kind = kind_of(check_choice("neuron", self.neuron, kinds()))
        check_choice("rule", self.rule, RULES)
        check_choice("dtype", self.dtype, ("float32", "float64"))
        check_choice("encoder", self.encoder, ENCODERS)
        check_choice("scaling", self.scaling, SCALINGS)
        check_choice("targets", self.targets, TARGETS)
        check_choice("readout", self.readout, READOUTS)
        self._check_readout_from()
        check_choice("schedule", self.schedule, SCHEDULES)
        if self.input_kind is not None:
            check_choice("input_kind", self.input_kind, INPUT_KINDS)
        for name in ("n_steps", "shots", "batch_size"):
            check_int(name, getattr(self, name), minimum=1)
        check_training(self)
        for name in ("n_draws", "neurons_per_class"):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), minimum=1)
        check_int("window", self.window, minimum=0)
        check_int("n_iter_no_change", self.n_iter_no_change, minimum=1)
        check_int("n_population", self.n_population, minimum=2)
        for name in ("hidden_learning_rate", "angle_learning_rate"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), zero=True)
        self._check_objective()
        check_positive("time_constant", self.time_constant, zero=True)
        check_positive("sparsity", self.sparsity, zero=True)
        if check_positive("discount", self.discount, zero=True) > 1:
            raise ArgumentValueError("discount", f"must lie in [0, 1], but got {self.discount}.")
        check_positive("validation_fraction", self.validation_fraction, below=1.0)
        check_noise("noise", self.noise, None)
        own = [layer.neuron(None) for layer in self._own_layers]
        used = (kind, *(type(neuron) for neuron in own if neuron is not None))
        if self.noise is not None and not any(getattr(k, "takes_noise", False) for k in used):
            raise ArgumentValueError(
                "noise",
                f"belongs to {some_neurons(lambda k: k.takes_noise)}; with "
                f"{self.neuron!r} it must be None.",
            )
        for other in used:
            name, rules = getattr(other, "name", ""), getattr(other, "rules", ("exact",))
            if self.rule not in rules:
                raise ArgumentValueError(
                    "rule",
                    f"= {self.rule!r} belongs to "
                    f"{some_neurons(lambda k: self.rule in k.rules)}; with {name!r} it must "
                    f"be {' or '.join(map(repr, rules))}.",
                )
        if self.resume and self.checkpoint is None:
            raise ArgumentValueError("checkpoint", "must name a file when `resume` is True.")

    @property
    def _own_layers(self) -> tuple[Layer | Conv2D, ...]:
        """Hidden layers that are given one by one."""
        return tuple(self.layers) if isinstance(self.layers, (tuple, list)) else ()

    def _check_layers(self) -> None:
        sizes, default = self.hidden_layer_sizes, self._defaults()["hidden_layer_sizes"]
        if not isinstance(sizes, (tuple, list)):
            raise ArgumentTypeError(
                "hidden_layer_sizes", f"must be a tuple of integers, but got {describe(sizes)}."
            )
        for size in sizes:
            check_int("hidden_layer_sizes", size, minimum=1)
        check_flag("recurrent", self.recurrent)
        if not isinstance(self.layers, (tuple, list)):
            if self.recurrent and not len(sizes):
                raise ArgumentValueError(
                    "recurrent", "must be False without hidden layers, which alone are recurrent."
                )
            return
        check_layers(self.layers)
        if tuple(sizes) != default:
            raise ArgumentValueError(
                "hidden_layer_sizes",
                "must be left out with a list of `layers`, which are the hidden layers, but got "
                f"{describe(sizes)}.",
            )
        if self.rule == "as-published" and any(isinstance(la, Conv2D) for la in self.layers):
            raise ArgumentValueError(
                "rule", "must be 'exact' or 'window' with a Conv2D, but got 'as-published'."
            )
        if self.recurrent:
            raise ArgumentValueError(
                "recurrent",
                "must be left out with a list of `layers`, of which each says it for itself: "
                "SQSLayer(64, recurrent=True).",
            )

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        return {k: p.default for k, p in inspect.signature(cls).parameters.items()}

    def _check_readout_from(self) -> None:
        start = self.readout_from
        if not isinstance(start, str):
            check_positive("readout_from", start, zero=True, below=1.0)
        elif start != LEARNED:
            raise ArgumentValueError(
                "readout_from", f"must be a number in [0, 1) or {LEARNED!r}, but got {start!r}."
            )
        elif objective_of(self) == "likelihood":
            clamped = needs_clamping(self) or "objective='likelihood'"
            raise ArgumentValueError(
                "readout_from", f"= {LEARNED!r} weighs spike counts, but {clamped} learns none."
            )

    def _check_objective(self) -> None:
        if self.temperature is not None:
            check_positive("temperature", self.temperature)
        if self.objective is not None:
            check_choice("objective", self.objective, OBJECTIVES)
        if self.credit is not None:
            check_choice("credit", self.credit, CREDITS)
        clamped = needs_clamping(self)
        if self.objective == "count" and clamped:
            raise ArgumentValueError(
                "objective",
                f"must be 'likelihood' (or None) with {clamped}, which is about neurons that are "
                "clamped to a target, but got 'count'.",
            )
        if self.rule == "as-published" and self.credit not in (None, "score"):
            raise ArgumentValueError(
                "credit",
                f"must be 'score' (or None) with rule='as-published', but got {self.credit!r}.",
            )
        if self.credit in ("aligned", "symmetric") and objective_of(self) == "likelihood":
            raise ArgumentValueError(
                "credit",
                "must be 'feedback', 'score' or None with objective='likelihood', but got "
                f"{self.credit!r}.",
            )

    def _keep_parameters(self) -> None:
        """Remember the values that the network is made with, whatever ``set_params`` does later."""
        kept = {name: getattr(self, name) for name in self._KEPT}
        for name in _SEQUENCES:
            kept[name] = _fixed(kept[name])
        self._kept = SimpleNamespace(**kept)

    def _changed(self) -> list[str]:
        """Return the names of kept parameters that have another value now."""
        now = {name: getattr(self, name) for name in self._KEPT}
        now.update({name: _fixed(now[name]) for name in _SEQUENCES})
        kept = vars(self._kept)
        return [k for k, v in now.items() if v is not kept[k] and not bool(v == kept[k])]

    def _check_same(self) -> None:
        """Raise if a warm start would make another network."""
        others = [name for name in self._changed() if name not in FLEXIBLE]
        if others:
            was = ", ".join(f"{k}={describe(getattr(self._kept, k))}" for k in others)
            raise ArgumentValueError(
                f"{others[0]}",
                f"must be that of the first fit with warm_start=True, where "
                f"it was {was}, but got {describe(getattr(self, others[0]))}: a warm start "
                "cannot change the network. Give the old value, or warm_start=False.",
            )

    def _warn_if_changed(self) -> None:
        """Warn about parameters that have been changed since `fit` and have no effect yet."""
        if others := self._changed():
            values = ", ".join(f"{k}={describe(getattr(self, k))}" for k in others)
            instead = [f"{k}=" for k in ("seed", "noise") if _AT_CALL[k] in others]
            hint = f", or use the argument {' and '.join(instead)}" if instead else ""
            warnings.warn(
                f"{values} was set after fit and has no effect before the next fit: the network "
                f"answers as it was fitted. Fit again{hint}.",
                UserWarning,
                stacklevel=outside("lava_sqs.network")[0],
            )

    def _make_spec(self, n_inputs: int, n_classes: int | None = None) -> NetworkSpec:
        own, n = self._kept, len(self.classes_) if n_classes is None else n_classes
        n_codes = n if own.targets == "one-hot" else n * (n - 1)  # of class_codes
        return self._chain(n_inputs, self.neurons_per_class_ * n_codes, self._visible_neuron())

    def _visible_neuron(self) -> Any:
        """Return what the visible neurons are: what the arguments of the estimator say."""
        own = self._kept
        given = {**vars(own), "layers": None if isinstance(own.layers, tuple) else own.layers}
        if several(own.noise):  # each has its own, once it is known how many there are
            given["noise"] = None
        return kind_of(own.neuron).from_arguments(given)

    def _chain(self, n_inputs: int, n_visible: int, neuron: Neuron) -> NetworkSpec:
        """Return the network that ends with so many visible neurons."""
        own = self._kept
        hidden: Any = own.hidden_layer_sizes
        if isinstance(own.layers, tuple):
            common = None if several(own.noise) else own.noise
            hidden = [layer.under(common) for layer in own.layers]
        more: dict[str, Any] = {"skip": own.skip, "recurrent": own.recurrent}
        if any(isinstance(layer, Conv2D) for layer in hidden):
            more["input_shape"] = self._inputs.image_shape(n_inputs)
        spec = feed_forward(n_inputs, hidden, n_visible, neuron, **more)
        if not several(own.noise):
            return spec
        given = own.layers if isinstance(own.layers, tuple) else hidden
        return under_noise(spec, of_network(given, neuron), own.noise)

    def _publish(self, spec: NetworkSpec) -> None:
        sizes: dict[Any, int] = {}
        for layer in spec.layers:
            sizes[layer.neuron] = max(layer.size, sizes.get(layer.neuron, 0))
        for neuron, size in sizes.items():
            if hasattr(neuron, "check_room"):
                neuron.check_room(size)
        self.spec_ = spec
        self.n_parameters_, self.n_biases_ = spec.n_parameters, spec.n_biases


def _fixed(value: Any) -> Any:
    """Return what nobody can change from outside."""
    return tuple(value) if isinstance(value, list) else value


def some_neurons(has: Callable[[Any], bool]) -> str:
    """Return the kinds of neurons that have something, in words."""
    return " or ".join(f"neuron={name!r}" for name in kinds() if has(kind_of(name)))
