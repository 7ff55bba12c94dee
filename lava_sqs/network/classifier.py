"""What a network says as a classifier: a class, how likely, how often right, here and in Lava."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lava_sqs._checks import check_array, check_choice, check_int, check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs.network import sequences, stepwise
from lava_sqs.network.base import _Network
from lava_sqs.network.inference import AS_TRAINED
from lava_sqs.network.on_device import OFFLINE
from lava_sqs.network.online import OnlineSteps
from lava_sqs.network.probabilities import _Probabilities
from lava_sqs.network.readout import Evaluation, count_scores, indices_of, judge
from lava_sqs.network.simulate import LayerTrace
from lava_sqs.network.spec import NetworkSpec
from lava_sqs.network.stepwise import StepTrainer
from lava_sqs.network.timed import KNOTS, LEARNED
from lava_sqs.network.trainer import Trainer

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["RUNTIMES"]

Array = NDArray[Any]

#: Where a network can be evaluated.
RUNTIMES = ("offline", "lava")


class _Classifier(ClassifierMixin, _Probabilities, _Network):
    """A network whose visible neurons vote for classes."""

    class_weight: Any
    classes_: Array

    per_step_ = False

    def _validated(self, X: Any, y: Any, **options: Any) -> tuple[Array, Array]:
        labels = stepwise.labels_of(X, y, self.input_kind, self.channels_first)
        if not options.get("reset") and self.per_step_ != (labels is not None):
            raise ArgumentValueError(
                "y",
                f"must have one label per {'time step' if self.per_step_ else 'sample'}, as in "
                f"the first fit, but has shape {np.shape(y)}.",
            )
        self.per_step_ = labels is not None
        if labels is None:
            return super()._validated(X, y, **options)
        stepwise.refuse_others(self)
        return validate_data(self, X, **options), labels

    def _trainer_of(self, online: bool) -> Callable[..., Trainer]:
        if not self.per_step_:
            return super()._trainer_of(online)
        return OnlineSteps if online else StepTrainer

    def _publish(self, spec: NetworkSpec) -> None:
        super()._publish(spec)
        if self.readout_from == LEARNED:
            self.n_parameters_ += KNOTS

    def _read_targets(self, y: Array, going_on: bool) -> Array:
        if self.per_step_:  # which labels are a sample's own is not known yet
            if not going_on:
                self.__dict__.pop("classes_", None)
            return y
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
        return labels

    def _fit_targets(self, targets: Array, X: Array, going_on: bool) -> Array:
        if not self.per_step_:
            return targets
        own, known = self._inputs.own_steps(X), getattr(self, "classes_", None)
        check_classification_targets(targets[:, : own.shape[1]][own])
        found, self.classes_ = stepwise.indices_of_steps(targets, own, known)
        return found

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
    ) -> Self:
        """Learn from samples as they arrive: once from each, at a constant rate.

        Mini-batches, rule and optimiser are those of `fit`, and what the optimiser knows is kept
        from call to call (not in files). Features are scaled by the samples of the first call, or
        of `fit` before. `epochs`, `updates`, `schedule`, `early_stopping`, `checkpoint`,
        `callbacks` and `log` have no effect, and ``accuracy_curve_`` does not grow.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            One sample or more.
        y : array_like, shape (n,)
            Class labels.
        classes : array_like, shape (n_classes,), optional
            All that there will be; needed in the first call.
        sample_weight, lengths, mask
            See `fit`.

        Returns
        -------
        SQSNN
            Itself.

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor or the data do not fit.

        Examples
        --------
        >>> from lava_sqs.network import SQSNN
        >>> x, y = np.eye(4), np.array([0, 0, 1, 1])
        >>> clf = SQSNN((), n_steps=3, random_state=0).partial_fit(x, y, classes=[0, 1])
        >>> clf.partial_fit(x[1:2], y[1:2]).n_iter_
        2
        """
        with self._or_as_before():
            self._know(classes)
            self._learn_online(X, y, sample_weight, lengths, mask)
        return self

    def _know(self, classes: Any) -> None:
        """Take over the classes of the first call of `partial_fit`, or compare later ones."""
        fitted = hasattr(self, "parameters_")
        if classes is None:
            if not fitted:
                raise ArgumentValueError(
                    "classes", "must name all classes in the first call of partial_fit."
                )
            return
        found = np.unique(check_array("classes", classes))
        if fitted and not np.array_equal(found, self.classes_):
            raise ArgumentValueError(
                "classes", f"must be those of the first call, {self.classes_}, but are {found}."
            )
        if len(found) < 2:
            raise ArgumentValueError("classes", f"must be at least 2, but there is {len(found)}.")
        self.classes_ = found

    def _weights(self, targets: Array, sample_weight: Any) -> Array | None:
        weights = super()._weights(targets, sample_weight)
        if self.class_weight is None:
            return weights
        classes = self.classes_
        try:
            each = compute_class_weight(self.class_weight, classes=classes, y=classes[targets])
        except (ValueError, TypeError, KeyError) as error:  # of scikit-learn, about the labels
            raise ArgumentValueError("class_weight", f"must fit the classes: {error}") from error
        weights = each[targets] * (1.0 if weights is None else weights)
        return super()._weights(targets, weights)

    def _online_targets(self, y: Array, going_on: bool) -> Array:
        return y if self.per_step_ else self._held_targets(y, len(y))

    def _held_targets(self, y: Any, n: int) -> Array:
        if self.per_step_:
            return self._steps_of(y, n)
        return indices_of(np.asarray(y), self.classes_, n)

    def predict(
        self,
        X: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        n_repeats: int = 1,
        noise: Any = AS_TRAINED,
        seed: int | None = None,
        runtime: Any = OFFLINE,
    ) -> Array:
        """Return the class of each sample.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            Sequences may be longer or shorter than in `fit`.
        lengths, mask : array_like, shape (n,) and (n, T), optional
            Which time steps are a sample's own, as in `fit`.
        n_repeats : int
            Passes whose spikes are added up.
        noise : NoiseModel, a list of one per neuron, or None, optional
            Another noise than in training; None is noiseless.
        seed : int, optional
            None is ``seed_``.
        runtime : "offline" or Device, optional
            Where the SQS layers run: here, or on a :class:`~lava_sqs.hardware.Device`, one job per
            layer.

        Returns
        -------
        ndarray, shape (n,) or (n, T)
            With a label per step in `fit`, a class per step. In steps that are not a sample's own
            no class: -1, or one less than the least of classes below 0; NaN of floats; of texts
            the empty one.
        """
        X = self._check_X(X, lengths, mask)
        scores, _ = self._scores(X, n_repeats, noise, seed, runtime=runtime)
        return self._named(scores.sum(axis=0), X)

    def _steps_of(self, y: Any, n: int) -> Array:
        labels = stepwise.stacked_labels(y)[0]
        if labels.ndim != 2 or len(labels) != n:
            raise ArgumentValueError(
                "y", f"must have shape ({n}, T), a label per step, but has shape {labels.shape}."
            )
        return labels

    def _named(self, scores: Array, X: Array) -> Array:
        """Return the classes of scores (n, [T,] K)."""
        if not self.per_step_:
            return np.asarray(self.classes_[scores.argmax(axis=1)])
        # NaN marks steps that are nobody's own; argmax would return the first NaN as a class.
        guesses = np.nan_to_num(scores).argmax(axis=2)
        return stepwise.labelled(guesses, self._inputs.own_steps(X), self.classes_)

    def _answer_shape(self, X: Array) -> tuple[int, ...]:
        steps = (X.shape[1],) if self.per_step_ else ()
        return (len(X), *steps, len(self.classes_))

    def _answer(self, spec: NetworkSpec, visible: LayerTrace, u: Array, X: Array) -> Array:
        if not self.per_step_:
            return super()._answer(spec, visible, u, X)
        stepwise.refuse_others(self)
        return self._in_steps(visible.out.spikes, self._inputs.own_steps(X))

    def _in_steps(self, spikes: Array, own: Array) -> Array:
        """Return what trains (S, n, C) say in each step of samples (n, T), which may end later."""
        reading = stepwise.reading_of(self, len(spikes) - self.spec_.depth)
        return stepwise.step_scores(spikes, own, reading, len(self.classes_))

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        n_repeats: int = 1,
        noise: Any = AS_TRAINED,
        seed: int | None = None,
        runtime: Any = OFFLINE,
    ) -> Evaluation:
        """Return the accuracy with its interval; repeats are separate passes here.

        Parameters
        ----------
        X, y
            Labelled samples.
        lengths, mask, n_repeats, noise, seed
            See :meth:`predict`.
        runtime : "offline", "lava" or Device
            Where the network runs; on a device as for :meth:`predict`. In Lava the passes follow
            each other, sample by sample, and are compared with :meth:`simulate`.

        Returns
        -------
        Evaluation

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value.
        """
        X, y = self._labelled(X, y)
        X = self._check_X(X, lengths, mask)
        y = self._steps_of(y, len(X)) if self.per_step_ else np.asarray(y)
        check_int("n_repeats", n_repeats, minimum=1)
        if not isinstance(runtime, str) or check_choice("runtime", runtime, RUNTIMES) == OFFLINE:
            scores, spikes = self._scores(X, n_repeats, noise, seed, runtime=runtime)
            return self._judge(scores, X, y, spikes)
        if self.readout != "count":
            raise ArgumentValueError(
                "runtime",
                "must be 'offline' for a network that is read out by "
                f"{self.readout!r}: Lava counts spikes.",
            )
        passes = np.concatenate([X] * n_repeats)
        in_lava = self._in_lava(passes, noise, seed)
        spikes, same, done = 0, True, 0
        for traces in self._in_order(passes, self._spec_with(noise), seed):
            spikes += self._n_spikes(traces, passes[done : done + len(traces[0].z[0])])
            offline = traces[-1].out.spikes.transpose(1, 0, 2)
            # The same seeds, so the same spikes to the last bit: otherwise something in Lava
            # differs.
            same = same and np.array_equal(in_lava[done : done + len(offline)], offline)
            done += len(offline)
        trains = in_lava.transpose(1, 0, 2)
        if self.per_step_:
            scores = self._in_steps(trains, self._inputs.own_steps(passes))
        else:
            scores = count_scores(trains, len(self.classes_), self._counted(passes))
        scores = scores.reshape(n_repeats, *self._answer_shape(X))
        found = self._judge(scores, X, y, spikes / len(passes))
        return replace(found, same_spikes=bool(same))

    def _judge(self, scores: Array, X: Array, y: Array, spikes: float) -> Evaluation:
        """Return the evaluation of scores (n_repeats, n, [T,] K)."""
        if not self.per_step_:
            return judge(scores.argmax(axis=2), y, self.classes_, spikes)
        own, guesses = self._inputs.own_steps(X), np.nan_to_num(scores).argmax(axis=3)
        truth, classes = stepwise.indices_of_steps(y, own, self.classes_)
        return stepwise.judge_steps(guesses, truth, own, len(classes), spikes)

    def score(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        runtime: Any = OFFLINE,
    ) -> float:
        """Return the accuracy of :meth:`predict`.

        Parameters
        ----------
        X, y
            Labelled samples.
        sample_weight : array_like, shape (n,), optional
            What each sample counts.
        lengths, mask, runtime
            See :meth:`predict`.

        Returns
        -------
        float
        """
        X, y = self._labelled(X, y)
        if self.per_step_:
            X = self._check_X(X, lengths, mask)
            own = self._inputs.own_steps(X)
            y, _ = stepwise.indices_of_steps(self._steps_of(y, len(X)), own, self.classes_)
            guesses = self._scores(X, 1, AS_TRAINED, None, runtime=runtime)[0][0][own].argmax(
                axis=1
            )
            if sample_weight is not None:
                sample_weight = np.repeat(sample_weight, own.sum(axis=1))
            return float(accuracy_score(y[own], guesses, sample_weight=sample_weight))
        guesses = self.predict(X, lengths=lengths, mask=mask, runtime=runtime)
        return float(accuracy_score(y, guesses, sample_weight=sample_weight))

    def decide(self, spikes: Any, *, lengths: Any = None, mask: Any = None) -> Array:
        """Return the class of each sample from its visible spikes, by count.

        Parameters
        ----------
        spikes : array_like, shape (n, T + depth, C)
            See :meth:`simulate` or :meth:`run_in_lava`.
        lengths, mask : array_like, shape (n,) and (n, T), optional
            Which of the T steps are a sample's own; None is all.

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        TypeError, ValueError
            If the values are not numbers.
        """
        check_is_fitted(self)
        spec, trains = self.spec_, check_real("spikes", spikes)
        check_shape("spikes", trains, ("n", "T + depth", spec.visible.channels))
        if self._inputs.kind == "static":
            self._inputs.refuse_lengths(lengths, mask)
        steps = trains.shape[1] - spec.depth
        if steps < 1:
            raise ArgumentValueError(
                "spikes", f"must have more than {spec.depth} steps, but has {trains.shape[1]}."
            )
        shown = np.ones((len(trains), steps, 1))
        own = sequences.own_steps(shown, lengths, mask, zeros=False)
        if self.per_step_:
            said = np.nan_to_num(self._in_steps(trains.transpose(1, 0, 2), own)).argmax(axis=2)
            return stepwise.labelled(said, own, self.classes_)
        counted = self._weights_in_time(own)
        scores = count_scores(trains.transpose(1, 0, 2), len(self.classes_), counted)
        return np.asarray(self.classes_[scores.argmax(axis=1)])
