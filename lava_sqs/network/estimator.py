"""SQSNN: a network of stochastic quantum spiking neurons as a scikit-learn classifier."""

from __future__ import annotations

import hashlib
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lava_sqs import _seeds
from lava_sqs._checks import (
    check_choice,
    check_flag,
    check_instance,
    check_int,
    check_positive,
    check_real,
    check_seed,
    check_text,
    describe,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lava import load
from lava_sqs._npz import Declared
from lava_sqs._version import __version__
from lava_sqs.data.encoders import ENCODERS, Scale
from lava_sqs.network import files as storage
from lava_sqs.network.gradient import (
    CREDITS,
    RULES,
    TARGETS,
)
from lava_sqs.network.inputs import INPUT_KINDS, Inputs, outside
from lava_sqs.network.readout import READOUTS, Evaluation, accuracy_interval, count_scores
from lava_sqs.network.simulate import LayerTrace, compiled_layers, forward, sequential_uniforms
from lava_sqs.network.spec import LayerParams, NetworkSpec, Parameters, feed_forward
from lava_sqs.network.trainer import SCHEDULES, Trainer
from lava_sqs.neurons import kind_of, kinds
from lava_sqs.quantum import Ansatz, NoiseModel

__all__ = ["INPUT_KINDS", "RUNTIMES", "SCHEDULES", "SQSNN"]

Array = NDArray[Any]

#: Where a network can be evaluated.
RUNTIMES = ("offline", "lava")
_AS_TRAINED = "as trained"
_FITTED: dict[str, Callable[[str, Any], Any]] = {
    "seed_": check_seed,
    "n_iter_": partial(check_int, minimum=0),
    "interrupted_": check_flag,
    "spikes_per_inference_": partial(check_positive, zero=True),
    "scaling_": check_text,
}
# Parameters that make the network, its input and its seed: fit keeps their values.
_KEPT = (
    "hidden_layer_sizes",
    "memory_qubits",
    "ansatz",
    "layers",
    "neuron",
    "noise",
    "input_kind",
    "channels_first",
    "encoder",
    "n_steps",
    "n_population",
    "skip",
    "neurons_per_class",
    "targets",
    "shots",
    "random_state",
)
# Those of them that a warm start may change.
_FLEXIBLE = {"noise", "encoder", "n_steps", "n_population", "shots"}
_LONGEST_LABEL = 2**16  # bytes of a class label in a file
_AT_CALL = {"seed": "random_state", "noise": "noise"}  # arguments of methods
_CHUNK = 256  # samples that run side by side


class SQSNN(ClassifierMixin, BaseEstimator):
    r"""Classifier made of stochastic quantum spiking neurons that learn locally.

    Layers of neurons, dense connections with a delay of one step, one or more visible neurons per
    class. A sample of T input steps occupies T + depth steps. In training the visible neurons are
    clamped to their target trains and ascend their own exact log-likelihood; hidden neurons follow
    their own exact score times signals that the visible ones broadcast. Nothing is propagated back
    through the network. The rules are written out in :mod:`lava_sqs.network.gradient`.

    Parameters
    ----------
    hidden_layer_sizes : tuple of int, default (64,)
        Neurons per hidden layer; may be empty.
    memory_qubits, ansatz, layers
        The circuit, as of :class:`~lava_sqs.SQS`: a name and its sizes, or an Ansatz.
    neuron : {"sqs", "qlif", "lif", "as_published"}
        The neurons, or rivals of them: see :mod:`lava_sqs.neurons`.
    noise : NoiseModel, optional
        Of SQS neurons, in training and inference.
    rule : {"exact", "window", "as-published"}
        Exact local scores; or the same with synapses that are credited `window` steps back only,
        which is what :class:`~lava_sqs.SQSLearningRule` on Lava's LearningDense can do (angles and
        biases stay exact, as in LearningSQS); or the rule of the published code. The last two are
        for SQS neurons.
    window : int
        Of the rule ``window``; 0 or 1 in stock Lava.
    input_kind : {"static", "sequence", "spikes"}, optional
        What X holds: features (n, ...), flattened; sequences (n, T, ...) of values; or of spikes 0
        and 1. None is ``"static"`` for a two-dimensional X; any other X is ambiguous.
    channels_first : bool, optional
        True reads sequences and spikes as (n, channels, T), as UCR and UEA archives store them.
        None is False, with a warning where there are fewer time steps than channels.
    encoder : {"rate", "latency", "population", "current"}
        How values become input, see :mod:`lava_sqs.data.encoders`. Not used for spikes. Sequences
        are encoded step by step, and not by latency; in them a step whose raw values are all zero
        is padding, in which nothing arrives. After the last step that is none the visible neurons
        learn to be silent. Static samples are never padded.
    n_steps : int
        T, for static features.
    n_population : int
        Tuning curves per feature of the encoder ``population``.
    skip : bool
        Whether the input drives the visible layer too.
    neurons_per_class : int
        Visible neurons per class (with ``targets="pairs"``, per ordered pair of classes).
    targets : {"one-hot", "pairs"}
        What visible neurons learn to say: each its class against all others, or each its class
        against one other, so that the spike count is a vote of n_classes - 1 neurons per class.
    shots : int
        Repetitions per step of QLIF neurons.
    readout : {"count", "likelihood"}
        Class with most spikes (of two with the same count, the one that spoke later), or with the
        highest likelihood of its target train.
    epochs, batch_size : int
    learning_rate : float
        Size of an Adam step, in units of current and radians: steps of weights are divided by the
        length of what they multiply.
    hidden_learning_rate : float, optional
        Of hidden layers; None is `learning_rate`, or 0.3 of it with credit by score.
    angle_learning_rate : float, optional
        Of the neurons' own parameters, in every layer; None is 0.2 times `learning_rate`.
    schedule : {"cosine", "constant"}
    credit : {"feedback", "score"}, optional
        What tells hidden neurons the worth of their spikes. ``"feedback"``: each visible neuron
        broadcasts its own error, which every hidden neuron weighs with fixed random numbers.
        ``"score"``: one number for all, the log-likelihood of the visible trains, less a baseline:
        unbiased, but for more than a few hidden neurons it says too little to each. None is
        ``"feedback"``, except with the published rule, which has only the other.
    n_draws : int, optional
        M, how often an input is shown at once; with credit by score the other draws are a hidden
        neuron's baseline. None is 1, or 4 with credit by score.
    sparsity : float
        Cost of a hidden spike, in nats.
    discount : float
        gamma in [0, 1], of credit by score: how fast a hidden spike's share in what the visible
        neurons say later fades, per step. 1 is unbiased and noisy.
    early_stopping : bool
        Hold out a part of the training data, stop when its accuracy no longer grows, and keep the
        best epoch.
    validation_fraction, n_iter_no_change
        Of early stopping.
    random_state : int, RandomState or None
        Read by `fit`, which keeps it as ``seed_`` (drawn, for None or a RandomState): see Notes.
    verbose : bool
        Scaling and reading of X, and progress, on standard error (progress if it is a terminal).
    warm_start : bool
        Whether `fit` goes on from where the last one ended. Layers, circuit, targets, kind of input
        and `random_state` must be those of the first fit; `noise`, `n_steps`, `shots` and the
        encoder may be others.
    checkpoint : path, optional
        File written after every epoch, see :meth:`load`.
    resume : bool
        Whether `fit` goes on from `checkpoint`, if that exists.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Labels, sorted.
    spec_ : NetworkSpec
    parameters_ : dict of str to LayerParams
        Weights, bias currents and angles per layer.
    loss_curve_ : list of float
        Negative log-likelihood per visible neuron and step, in nats, per epoch.
    accuracy_curve_ : list of float
        On held-out data with `early_stopping`, else on up to 512 training samples.
    n_parameters_, n_biases_ : int
        Weights and angles; bias currents are counted apart.
    spikes_per_inference_ : float
        Spikes of all neurons per sample, on up to 512 training samples.
    n_iter_ : int
        Epochs made.
    scaling_ : str
        How features were scaled, in words: static unsigned integers (images) by their type's
        maximum, anything else by the minimum and maximum of each feature in the training data.
    interrupted_ : bool
        Whether Ctrl-C ended the training; the best epoch is kept then.
    seed_ : int
        What all randomness comes from, in training and inference.

    Raises
    ------
    TypeError, ValueError
        From `fit` and `predict`: the argument, what was expected, what came.

    Notes
    -----
    Inference is random, as the neurons are, yet repeats: every sample draws from a generator keyed
    by the seed, the number of the repeat and a hash of the sample's own content (as float64). So
    neither the order of X nor how it is split matters, and equal samples get equal answers.
    `simulate`, `run_in_lava` and ``evaluate(runtime="lava")`` run samples one after the other, as a
    chip does, from one stream per layer.

    All parameters are read by `fit`, as in scikit-learn. What they say about the network, its input
    and its seed is kept: changed by ``set_params`` afterwards, `random_state`, `noise`, `n_steps`,
    `encoder` and the like change nothing until the next `fit`, neither in `predict` nor in
    `simulate`, `encode`, `to_lava`, copies, pickles and saved files, and whoever uses the network
    in between is warned. Other randomness is the argument ``seed=`` of each method, other noise its
    ``noise=``. `readout` and `verbose` are about using a network and act at once, everywhere.

    Examples
    --------
    >>> from lava_sqs.data import load_digits
    >>> data = load_digits().classes(0, 1)
    >>> clf = SQSNN((), input_kind="static", epochs=3, random_state=0)
    >>> clf.fit(data.x_train, data.y_train).score(data.x_test, data.y_test) > 0.9
    True
    """

    seed_: int
    scaling_: str
    parameters_: Parameters
    n_features_in_: int
    feature_names_in_: Array
    loss_curve_: list[float]
    accuracy_curve_: list[float]
    spikes_curve_: list[float]
    n_parameters_: int
    n_biases_: int

    classes_: Array
    _inputs: Inputs

    # long: one argument, one line: scikit-learn wants each as an attribute.
    def __init__(
        self,
        hidden_layer_sizes: tuple[int, ...] = (64,),
        *,
        memory_qubits: int | None = None,
        ansatz: str | Ansatz = "layered",
        layers: int | None = None,
        neuron: str = "sqs",
        noise: NoiseModel | None = None,
        rule: str = "exact",
        window: int = 1,
        input_kind: str | None = None,
        channels_first: bool | None = None,
        encoder: str = "rate",
        n_steps: int = 10,
        n_population: int = 5,
        skip: bool = True,
        neurons_per_class: int = 1,
        targets: str = "one-hot",
        shots: int = 20,
        readout: str = "count",
        epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float = 0.02,
        hidden_learning_rate: float | None = None,
        angle_learning_rate: float | None = None,
        schedule: str = "cosine",
        credit: str | None = None,
        n_draws: int | None = None,
        sparsity: float = 0.0,
        discount: float = 0.5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        random_state: Any = None,
        verbose: bool = False,
        warm_start: bool = False,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.memory_qubits = memory_qubits
        self.ansatz = ansatz
        self.layers = layers
        self.neuron = neuron
        self.noise = noise
        self.rule = rule
        self.window = window
        self.input_kind = input_kind
        self.channels_first = channels_first
        self.encoder = encoder
        self.n_steps = n_steps
        self.n_population = n_population
        self.skip = skip
        self.neurons_per_class = neurons_per_class
        self.targets = targets
        self.shots = shots
        self.readout = readout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.hidden_learning_rate = hidden_learning_rate
        self.angle_learning_rate = angle_learning_rate
        self.schedule = schedule
        self.credit = credit
        self.n_draws = n_draws
        self.sparsity = sparsity
        self.discount = discount
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.resume = resume

    # -- learning -----------------------------------------------------------------------------

    def fit(self, X: Any, y: Any) -> SQSNN:
        """Learn from labelled samples.

        Parameters
        ----------
        X : array_like, shape (n, ...)
            As `input_kind` says.
        y : array_like, shape (n,)
            Class labels.

        Returns
        -------
        SQSNN
            Itself. After Ctrl-C too, with the best epoch so far and ``interrupted_`` set.

        Raises
        ------
        TypeError, ValueError
            An argument of the constructor or the data: what was expected and what came.
        """
        before = dict(self.__dict__)
        try:
            self._fit(X, y)
        except BaseException:
            self.__dict__ = before  # a fit that failed leaves the network that was there
            raise
        return self

    def _fit(self, X: Any, y: Any) -> None:
        self._check_arguments()
        going_on = self.warm_start and hasattr(self, "parameters_")
        if going_on:
            self._check_same()
            self._inputs.check_shape(X)
        X, y = validate_data(
            self, X, y, reset=not going_on, allow_nd=True, ensure_min_samples=2, dtype="numeric"
        )
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ArgumentValueError(
                "y", f"must hold at least 2 classes, but holds 1 class ({classes[0]!r})."
            )
        if going_on and not np.array_equal(classes, self.classes_):
            raise ArgumentValueError(
                "y",
                f"must hold the classes of the first fit, {self.classes_}, with "
                f"warm_start=True, but holds {classes}.",
            )
        self.classes_ = classes
        self._keep_parameters()
        scale = self._inputs.scale if going_on else None
        self._inputs, X = Inputs.learn(X, self._kept, scale)
        if not going_on:
            self.seed_ = _seeds.of_random_state(self.random_state)
            self.scaling_ = "none" if self._inputs.kind == "spikes" else self._inputs.scale.reason
        if self.verbose:
            print(f"SQSNN: X is read as {self.in_words(len(X))}.", file=sys.stderr)
            if self.scaling_ != "none":
                print(f"SQSNN: features are scaled: {self.scaling_}.", file=sys.stderr)
        Trainer(self, X, labels, going_on).run()

    def _keep_parameters(self) -> None:
        """Remember the values that the network is made with, whatever ``set_params`` does later."""
        kept = {name: getattr(self, name) for name in _KEPT}
        kept["hidden_layer_sizes"] = tuple(self.hidden_layer_sizes)
        self._kept = SimpleNamespace(**kept)

    def _changed(self) -> list[str]:
        """Return the names of kept parameters that have another value now."""
        now = {name: getattr(self, name) for name in _KEPT}
        if isinstance(now["hidden_layer_sizes"], list):
            now["hidden_layer_sizes"] = tuple(now["hidden_layer_sizes"])
        kept = vars(self._kept)
        return [k for k, v in now.items() if v is not kept[k] and not bool(v == kept[k])]

    def _check_same(self) -> None:
        """Raise if a warm start would make another network."""
        others = [name for name in self._changed() if name not in _FLEXIBLE]
        if others:
            was = ", ".join(f"{k}={describe(getattr(self._kept, k))}" for k in others)
            raise ArgumentValueError(
                f"{others[0]}",
                f"must be that of the first fit with warm_start=True, where "
                f"it was {was}, but got {describe(getattr(self, others[0]))}: a network goes on "
                "learning as what it is. Give the old value, or warm_start=False.",
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
                stacklevel=outside(),
            )

    # long: a line or two for each argument.
    def _check_arguments(self) -> None:
        sizes = self.hidden_layer_sizes
        if not isinstance(sizes, (tuple, list)):
            raise ArgumentTypeError(
                "hidden_layer_sizes", f"must be a tuple of integers, but got {describe(sizes)}."
            )
        for size in sizes:
            check_int("hidden_layer_sizes", size, minimum=1)
        for name in ("skip", "early_stopping", "warm_start", "resume"):
            check_flag(name, getattr(self, name))
        if self.channels_first is not None:
            check_flag("channels_first", self.channels_first)
        if not isinstance(self.verbose, bool):
            check_int("verbose", self.verbose, minimum=0)  # as in scikit-learn
        kind = kind_of(check_choice("neuron", self.neuron, kinds()))
        check_choice("rule", self.rule, RULES)
        check_choice("encoder", self.encoder, ENCODERS)
        check_choice("targets", self.targets, TARGETS)
        check_choice("readout", self.readout, READOUTS)
        check_choice("schedule", self.schedule, SCHEDULES)
        if self.input_kind is not None:
            check_choice("input_kind", self.input_kind, INPUT_KINDS)
        for name in ("n_steps", "neurons_per_class", "shots", "epochs", "batch_size"):
            check_int(name, getattr(self, name), minimum=1)
        if self.n_draws is not None:
            check_int("n_draws", self.n_draws, minimum=1)
        check_int("window", self.window, minimum=0)
        check_int("n_iter_no_change", self.n_iter_no_change, minimum=1)
        check_int("n_population", self.n_population, minimum=2)
        check_positive("learning_rate", self.learning_rate)
        for name in ("hidden_learning_rate", "angle_learning_rate"):
            if getattr(self, name) is not None:
                check_positive(name, getattr(self, name), zero=True)
        if self.credit is not None:
            check_choice("credit", self.credit, CREDITS)
            if (self.credit, self.rule) == ("feedback", "as-published"):
                raise ArgumentValueError(
                    "credit",
                    "must be 'score' (or None) with rule='as-published', but got 'feedback'.",
                )
        check_positive("sparsity", self.sparsity, zero=True)
        if check_positive("discount", self.discount, zero=True) > 1:
            raise ArgumentValueError("discount", f"must lie in [0, 1], but got {self.discount}.")
        check_positive("validation_fraction", self.validation_fraction, below=1.0)
        if self.noise is not None and not isinstance(self.noise, NoiseModel):
            raise ArgumentTypeError(
                "noise", f"must be a NoiseModel or None, but got {describe(self.noise)}."
            )
        if self.noise is not None and not kind.takes_noise:
            raise ArgumentValueError(
                "noise",
                f"belongs to {_some(lambda k: k.takes_noise)}; with "
                f"{self.neuron!r} it must be None.",
            )
        if self.rule not in kind.rules:
            raise ArgumentValueError(
                "rule",
                f"= {self.rule!r} belongs to "
                f"{_some(lambda k: self.rule in k.rules)}; with {self.neuron!r} it must be "
                f"{' or '.join(map(repr, kind.rules))}.",
            )
        if self.resume and self.checkpoint is None:
            raise ArgumentValueError("checkpoint", "must name a file when `resume` is True.")

    def _make_spec(self, n_inputs: int, n_classes: int | None = None) -> NetworkSpec:
        own, n = self._kept, len(self.classes_) if n_classes is None else n_classes
        n_codes = n if own.targets == "one-hot" else n * (n - 1)  # of class_codes
        neuron = kind_of(own.neuron).from_arguments(vars(own))
        return feed_forward(
            n_inputs,
            own.hidden_layer_sizes,
            own.neurons_per_class * n_codes,
            neuron,
            skip=own.skip,
        )

    # -- input --------------------------------------------------------------------------------

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

    # -- inference ----------------------------------------------------------------------------

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

    def _scores(
        self, X: Array, n_repeats: int, noise: Any, seed: int | None, drawn: Any = None
    ) -> tuple[Array, float]:
        """Return scores (n_repeats, n, n_classes) and spikes per inference.

        What :meth:`_runs` draws for one repeat may be given.
        """
        check_int("n_repeats", n_repeats, minimum=1)
        spec = self._spec_with(noise)
        key = self._key(seed)
        n_classes = len(self.classes_)
        scores, spikes = np.empty((n_repeats, len(X), n_classes)), 0
        neurons = compiled_layers(spec, self.parameters_)  # once for all samples and repeats
        for repeat in range(n_repeats):
            for part, inputs, uniforms in drawn or self._runs(X, repeat, key, spec):
                traces = forward(
                    spec, self.parameters_, inputs, uniforms, neurons=neurons, record=False
                )
                spikes += sum(int(t.out.spikes.sum()) for t in traces)
                if self.readout == "count":
                    scores[repeat, part] = count_scores(traces[-1].out.spikes, n_classes)
                else:
                    scores[repeat, part] = self._log_odds(spec, traces[-1], uniforms[-1])
        return scores, spikes / (n_repeats * max(len(X), 1))

    def _log_odds(self, spec: NetworkSpec, visible: LayerTrace, u: Array) -> Array:
        """Return per class how much likelier its neurons' spiking is than their silence."""
        layer = spec.visible
        assert visible.neurons is not None
        total = np.zeros((*visible.z.shape[1:2], layer.size))
        for bit, sign in ((1, 1.0), (0, -1.0)):
            clamp = np.full(visible.z.shape, bit, np.int8)
            clamp[: spec.lag(layer.name)] = -1
            out = visible.neurons.run(visible.z, u, clamp)
            total += sign * out.log_likelihood[spec.lag(layer.name) :].sum(axis=0)
        return np.asarray(total.reshape(len(total), len(self.classes_), -1).sum(axis=2))

    def _spec_with(self, noise: Any) -> NetworkSpec:
        if isinstance(noise, str) and noise == _AS_TRAINED:
            return self.spec_
        if noise is not None and not isinstance(noise, NoiseModel):
            raise ArgumentTypeError(
                "noise", f"must be a NoiseModel or None, but got {describe(noise)}."
            )
        kind = kind_of(self._kept.neuron)
        if not kind.takes_noise:
            raise ArgumentValueError(
                "noise",
                f"needs {_some(lambda k: k.takes_noise)}, but this is {self._kept.neuron!r}.",
            )
        neuron: Any = self.spec_.visible.neuron
        layers = [replace(la, neuron=neuron.with_noise(noise)) for la in self.spec_.layers]
        return replace(self.spec_, layers=tuple(layers))

    def _key(self, seed: int | None) -> int:
        """Return where the randomness of a method comes from: its argument, or the fit."""
        return self.seed_ if seed is None else check_int("seed", seed, minimum=0)

    def predict(
        self, X: Any, *, n_repeats: int = 1, noise: Any = _AS_TRAINED, seed: int | None = None
    ) -> Array:
        """Return the class of each sample.

        Parameters
        ----------
        X : array_like, shape (n, ...)
        n_repeats : int
            Passes whose spikes are added up.
        noise : NoiseModel or None, optional
            Another noise than in training; None is noiseless.
        seed : int, optional
            None is ``seed_``.

        Returns
        -------
        ndarray, shape (n,)
        """
        X = self._check_X(X)
        scores, _ = self._scores(X, n_repeats, noise, seed)
        return np.asarray(self.classes_[scores.sum(axis=0).argmax(axis=1)])

    def predict_proba(
        self, X: Any, *, n_repeats: int = 1, noise: Any = _AS_TRAINED, seed: int | None = None
    ) -> Array:
        """Return a probability per class.

        By count: the class's share of the spikes, with one spike more for every class. By
        likelihood: the posterior for equal priors. Neither is calibrated.

        Parameters
        ----------
        X : array_like, shape (n, ...)
            Samples.
        n_repeats, noise, seed
            As of :meth:`predict`.

        Returns
        -------
        ndarray, shape (n, n_classes)
            Rows add up to 1.
        """
        X = self._check_X(X)
        scores = self._scores(X, n_repeats, noise, seed)[0].sum(axis=0)
        if self.readout == "likelihood":
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        else:
            scores = scores + 1.0
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def evaluate(
        self,
        X: Any,
        y: Any,
        *,
        n_repeats: int = 1,
        noise: Any = _AS_TRAINED,
        seed: int | None = None,
        runtime: str = "offline",
    ) -> Evaluation:
        """Return the accuracy with its interval; repeats are separate passes here.

        Parameters
        ----------
        X, y
            Labelled samples.
        n_repeats, noise, seed
            As of :meth:`predict`.
        runtime : {"offline", "lava"}
            Where the network runs. In Lava the passes follow each other, sample by sample, and are
            compared with :meth:`simulate`.

        Returns
        -------
        Evaluation

        Raises
        ------
        TypeError, ValueError
            Names the argument, what was expected and what came.
        """
        given, X, y = X, self._check_X(X), np.asarray(y)
        check_int("n_repeats", n_repeats, minimum=1)
        if check_choice("runtime", runtime, RUNTIMES) == "offline":
            scores, spikes = self._scores(X, n_repeats, noise, seed)
            return self._judge(scores.argmax(axis=2), y, spikes)
        if self.readout != "count":
            raise ArgumentValueError(
                "runtime",
                "must be 'offline' for a network that is read out by "
                f"{self.readout!r}: Lava counts spikes.",
            )
        passes = np.concatenate([X] * n_repeats)
        in_lava = self.run_in_lava(np.concatenate([given] * n_repeats), noise=noise, seed=seed)
        spikes, same, done = 0, True, 0
        for traces in self._in_order(passes, self._spec_with(noise), seed):
            spikes += sum(int(t.out.spikes.sum()) for t in traces)
            offline = traces[-1].out.spikes.transpose(1, 0, 2)
            same = same and np.array_equal(in_lava[done : done + len(offline)], offline)
            done += len(offline)
        guesses = np.searchsorted(self.classes_, self.decide(in_lava)).reshape(n_repeats, -1)
        found = self._judge(guesses, y, spikes / len(passes))
        return replace(found, same_spikes=bool(same))

    def _judge(self, guesses: Array, y: Array, spikes: float) -> Evaluation:
        """Return the evaluation of class indices (n_repeats, n)."""
        if y.shape != guesses.shape[1:]:
            raise ArgumentValueError(
                "y",
                f"must have one label for each of {guesses.shape[1]} samples, but has "
                f"shape {y.shape}.",
            )
        truth = np.searchsorted(self.classes_, y)
        known = np.isin(y, self.classes_)
        if not known.all():
            raise ArgumentValueError("y", f"must hold known classes, but has {set(y[~known])}.")
        correct = guesses == truth
        interval, covers = accuracy_interval(correct)
        n = len(self.classes_)
        confusion = np.zeros((n, n), dtype=int)
        np.add.at(confusion, (np.broadcast_to(truth, guesses.shape), guesses), 1)
        return Evaluation(
            float(correct.mean()), interval, covers, confusion, len(y), len(guesses), spikes
        )

    def simulate(self, X: Any, *, noise: Any = _AS_TRAINED, seed: int | None = None) -> Array:
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

    # -- Lava ---------------------------------------------------------------------------------

    def to_lava(self, *, noise: Any = _AS_TRAINED, **options: Any) -> Any:
        """Return the network as one Lava Process with ports ``a_in`` and ``s_out``.

        Parameters
        ----------
        noise : NoiseModel or None, optional
            Another noise than in training; None is noiseless.
        **options
            ``n_steps`` (T, of sequences; default that of the training data), ``seed``, ``name``,
            ``log_config``: see :class:`~lava_sqs.proc.sqsnn.process.SQSNetwork`.

        Returns
        -------
        SQSNetwork
        """
        check_is_fitted(self)
        self._warn_if_changed()
        return self._to_lava(noise, **options)

    def _to_lava(self, noise: Any, **options: Any) -> Any:
        given = {"n_steps": self._inputs.steps, "seed": self.seed_, **options}
        network = load("lava_sqs.proc.sqsnn.process:SQSNetwork")
        return network(spec=self._spec_with(noise), parameters=self.parameters_, **given)

    def from_lava(self, process: Any) -> SQSNN:
        """Take over the weights, biases and angles of a running Process of :meth:`to_lava`.

        Call it inside the ``with runtime(...)`` block.

        Parameters
        ----------
        process : SQSNetwork
            Of the same network.

        Returns
        -------
        SQSNN
            Itself.

        Raises
        ------
        TypeError, ValueError
            If the Process holds another network.
        NotFittedError
            If there is none yet.
        """
        check_is_fitted(self)
        parameters = process.read_parameters()
        self.spec_.check_parameters(parameters)
        self.parameters_ = parameters
        return self

    def run_in_lava(
        self, X: Any, *, noise: Any = _AS_TRAINED, seed: int | None = None, run_cfg: Any = None
    ) -> Array:
        """Return the visible spikes of samples one after the other, from a run inside Lava.

        The same as :meth:`simulate` returns for the same seed.

        Parameters
        ----------
        X : array_like, shape (n, ...)
            Samples.
        noise : NoiseModel or None, optional
            Another noise than in training; None is noiseless.
        seed : int, optional
            None is ``seed_``.
        run_cfg : RunConfig, optional
            None is ``SQSSimCfg()``.

        Returns
        -------
        ndarray of int8, shape (n, T + depth, C)

        Raises
        ------
        TypeError, ValueError
            Names the argument, what was expected and what came.
        """
        X, key = self._check_X(X), self._key(seed)
        process, inputs = self._to_lava(noise, seed=key), self._inputs.encode_all(X, key)
        run_network = load("lava_sqs.execution.networks:run_network")
        spikes: Array = run_network(process, inputs, run_cfg, progress=self.verbose)
        return spikes

    def decide(self, spikes: Any) -> Array:
        """Return the class of each sample from its visible spikes, by count.

        Parameters
        ----------
        spikes : array_like, shape (n, T + depth, C)
            As of :meth:`simulate` or :meth:`run_in_lava`.

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        TypeError, ValueError
            If they are no numbers.
        """
        check_is_fitted(self)
        trains = check_real("spikes", spikes).transpose(1, 0, 2)
        return np.asarray(self.classes_[count_scores(trains, len(self.classes_)).argmax(axis=1)])

    @property
    def steps_per_sample_(self) -> int:
        """Time steps that one sample takes, T + depth."""
        check_is_fitted(self)
        return self._inputs.steps + self.spec_.depth

    # -- files --------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the fitted model to one file (npz with a JSON header, no pickle), in one piece.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        NotFittedError
            If there is nothing to save yet.
        OSError
            If the file cannot be written; an old one is untouched then.
        """
        if not hasattr(self, "parameters_"):
            raise NotFittedError("This SQSNN is not fitted yet: there is nothing to save.")
        storage.write(path, self._header(), self._arrays("", self.parameters_))

    @classmethod
    def load(cls, path: str | Path) -> SQSNN:
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
            If there is none.
        ValueError
            If the file is damaged or from a newer major version of the format.
        """
        header, arrays = storage.read(path, partial(cls._needed, path))
        with storage.read_from(path):
            self = cls._of_header(header)
            self._restore(header, arrays)
        return self

    @classmethod
    def _of_header(cls, header: dict[str, Any]) -> SQSNN:
        """Return an estimator with the arguments of a file."""
        known = cls._get_param_names()
        given = {k: storage.from_json(v) for k, v in header["arguments"].items() if k in known}
        self = cls(**given)
        self._check_arguments()
        if self.random_state is not None:  # no other kind is written
            check_int("random_state", self.random_state, minimum=0, maximum=None)
        self._keep_parameters()
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
        with storage.read_from(path):
            kind = header["arguments"].get("neuron")
        if isinstance(kind, str) and kind.isidentifier() and kind not in kinds():
            raise ValueError(
                f"The file {path} holds a network of neurons of kind {kind!r}, which is not known "
                "here: what adds it (lava_sqs.neurons.register) must be imported first."
            )
        with storage.read_from(path):
            self, labels = cls._of_header(header), declared["classes"]
            if len(labels.shape) != 1 or labels.dtype.itemsize > _LONGEST_LABEL:
                raise ValueError(
                    f"the classes are an array of shape {labels.shape} and dtype {labels.dtype}."
                )
            n_features = _read_features(header)
            kind = check_choice("input_kind", header["input_kind"], INPUT_KINDS)
            inputs = Inputs.of(self._kept, kind, ())
            spec = self._make_spec(inputs.width(n_features), labels.shape[0])
            own = {
                f"{la.name}.{name}": shape
                for la in spec.layers
                for name, shape in {
                    **{f"weights.{s}": (la.channels, spec.width(s)) for s in la.sources},
                    "bias": (la.channels,),
                    "angles": (la.size, la.neuron.n_params),
                }.items()
            }
            wanted = dict(own)
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
            return [*wanted, "scale.low", "scale.high", "classes"]

    def _header(self) -> dict[str, Any]:
        fitted = {k: getattr(self, k) for k in _FITTED}
        return {
            "version": __version__,
            # as the network was made, not as set_params may have left them since
            "arguments": {
                k: storage.to_json(v) for k, v in {**self.get_params(), **vars(self._kept)}.items()
            },
            "fitted": fitted,
            "loss_curve": self.loss_curve_,
            "accuracy_curve": self.accuracy_curve_,
            "spikes_curve": self.spikes_curve_,
            "input_kind": self._inputs.kind,
            "sample_shape": list(self._inputs.shape),
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
        classes = np.asarray(self.classes_)
        if classes.dtype.kind == "O":
            classes = classes.astype(str)
        scale = {"scale.low": self._inputs.scale.low, "scale.high": self._inputs.scale.high}
        return {**named, **scale, "classes": classes}

    def _restore(self, header: dict[str, Any], arrays: dict[str, Array]) -> None:
        n_features = _read_features(header)
        classes, shape = arrays["classes"], tuple(header["sample_shape"])
        if classes.ndim != 1 or len(classes) < 2 or not np.array_equal(classes, np.unique(classes)):
            raise ValueError(f"the classes are {describe(classes)}.")
        self.classes_ = classes
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
        for name, check in _FITTED.items():
            setattr(self, name, check(name, header["fitted"][name]))
        low, high = (
            np.broadcast_to(check_real(name, arrays[name]), (n_features,))
            for name in ("scale.low", "scale.high")
        )
        scale = Scale(low, high, self.scaling_)
        self._inputs = Inputs.of(self._kept, kind, shape, scale=scale)
        self.loss_curve_ = check_real("loss_curve", header["loss_curve"]).tolist()
        self.accuracy_curve_ = check_real("accuracy_curve", header["accuracy_curve"]).tolist()
        self.spikes_curve_ = check_real("spikes_curve", header["spikes_curve"]).tolist()
        self._publish(self._make_spec(self._inputs.width(n_features)))
        self.parameters_ = self._parameters_of("", arrays)

    def _parameters_of(self, prefix: str, arrays: dict[str, Array]) -> Parameters:
        parameters = {}
        for layer in self.spec_.layers:
            at = f"{prefix}{layer.name}."
            weights = {s: arrays[f"{at}weights.{s}"] for s in layer.sources}
            parameters[layer.name] = LayerParams(
                weights, arrays[f"{at}bias"], arrays[f"{at}angles"]
            )
        self.spec_.check_parameters(parameters)
        return parameters

    def _publish(self, spec: NetworkSpec) -> None:
        neuron: Any = spec.visible.neuron  # of a kind that SQSNN makes
        neuron.check_room(max(layer.size for layer in spec.layers))
        self.spec_ = spec
        self.n_parameters_, self.n_biases_ = spec.n_parameters, spec.n_biases

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _read_features(header: dict[str, Any]) -> int:
    """Return how many values of a sample arrive at once, as the header of a file says."""
    shape = tuple(header["sample_shape"])
    for size in shape:
        check_int("sample_shape", size, minimum=1)
    return math.prod(shape if header["input_kind"] == "static" else shape[1:])


def _some(has: Callable[[Any], bool]) -> str:
    """Return the kinds of neurons that have something, in words."""
    return " or ".join(f"neuron={name!r}" for name in kinds() if has(kind_of(name)))


def _stream(sample: Array, seed: int, repeat: int) -> np.random.Generator:
    """Return the generator of one sample: the same wherever in X it stands."""
    content = np.ascontiguousarray(sample, dtype=np.float64) + 0.0  # -0.0 is 0.0
    digest = hashlib.blake2b(content.tobytes(), digest_size=16).digest()
    words = np.frombuffer(digest, dtype=np.uint32)
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence([seed, repeat, *map(int, words)]))
    )
