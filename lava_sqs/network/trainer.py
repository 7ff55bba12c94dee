"""One training of a network: epochs and their updates, early stopping, curves, checkpoints."""

from __future__ import annotations

import math
import sys
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from lava_sqs import _seeds
from lava_sqs._checks import check_bytes
from lava_sqs._errors import ArgumentValueError
from lava_sqs._streams import fresh_streams
from lava_sqs.network import timed
from lava_sqs.network.checkpoints import _Checkpoints
from lava_sqs.network.count import aligned_weights, count_gradient
from lava_sqs.network.gradient import (
    BatchResult,
    class_codes,
    feedback_weights,
    initialise,
    local_gradient,
    target_trains,
)
from lava_sqs.network.objective import SCHEDULES, credit_of, objective_of, temperature_of
from lava_sqs.network.progress import (
    add_row,
    advise,
    announce,
    asked_to_stop,
    begin_log,
    epochs_of,
    rate_of,
    record_of,
)
from lava_sqs.network.spec import INPUT, READOUT, NetworkSpec, Parameters
from lava_sqs.optimizers import optimizer_of

__all__ = ["SCHEDULES"]

Array = NDArray[Any]
#: Of aligned weights and their feedback, per update at the full learning rate.
DECAY = 1e-3

_KEPT_BYTES = 2**26  # of inputs and random numbers that are kept from epoch to epoch
_EXAMPLES = 512  # samples that starting values and progress are computed from


class Trainer(_Checkpoints):
    """One fit: what is needed while it lasts, and nothing after it."""

    def __init__(
        self,
        model: Any,
        X: Array,
        labels: Array,
        going_on: bool,
        weights: Array | None = None,
        held: tuple[Array, Array] | None = None,
    ) -> None:
        self.model, self.seed = model, model.seed_
        self.X, self.labels, self.weights = X, labels, weights
        self.held_X, self.held_labels = (X[:0], labels[:0]) if held is None else held
        self.held_weights: Array | None = None
        if model.early_stopping and held is None:
            self._hold_out()
        rng = self._rng(0, 0)
        examples = rng.permutation(len(self.X))[:_EXAMPLES]
        spec = self._checked_spec(len(examples))
        inputs = model._inputs.encode(self.X[examples], rng.random).transpose(1, 0, 2)
        self.examples = examples
        if going_on and spec.n_inputs != model.spec_.n_inputs:
            raise ValueError(
                f"Arguments `encoder` and `n_population` must make {model.spec_.n_inputs} inputs "
                f"with warm_start=True, as in the first fit, but make {spec.n_inputs}."
            )
        model._publish(spec)
        if not going_on:
            model.parameters_ = self._start(inputs, rng)
            model.loss_curve_, model.accuracy_curve_, model.spikes_curve_ = [], [], []
            model.n_iter_, model.spikes_per_inference_, model.feedback_ = 0, 0.0, None
            model.n_updates_ = 0
        model.parameters_ = timed.begun(model.parameters_, model.readout_from)
        # Copies: a fit that fails in the middle leaves what was there.
        for name in ("loss_curve_", "accuracy_curve_", "spikes_curve_"):
            setattr(model, name, list(getattr(model, name)))
        model.interrupted_ = False
        self.spec = model.spec_
        self.objective, self.credit = objective_of(model), self._credit()
        self._set_objective()
        self.first = model.n_iter_
        # The length of a spike vector of rate 1/2: weights of many inputs move by less each, so
        # that one update moves the currents of all layers alike.
        self.lengths = {la.name: math.sqrt(la.channels / 2) for la in self.spec.layers}
        self.lengths[INPUT] = math.sqrt(max(float((inputs**2).sum(axis=2).mean()), 1e-12))
        self._set_rates()
        self.optimizer = optimizer_of(model.optimizer)
        self.seen: list[tuple[float, float]] = []  # loss and learning rate of every update
        # None: kinds without a form for batches, and rules that are written for it
        batches = any(hasattr(la.neuron, "compile_batches") for la in self.spec.layers)
        self.dtype = np.dtype(model.dtype) if batches and model.rule == "exact" else None
        self.best: Parameters = _copy(model.parameters_)
        self.best_value, self.waited = -math.inf, 0
        self.log: Path | None = None
        self.drawn: list[Any] | None = None  # what the accuracy is computed from
        self.spikes: float | None = None  # per inference, when the accuracy was last asked for
        if model.resume and model.checkpoint is not None and Path(model.checkpoint).exists():
            self._resume(Path(model.checkpoint))
        model.learning_rate_, self.begun = self.rate, model.n_iter_
        self._start_feedback(going_on)
        announce(self)

    def _credit(self) -> str:
        """Return how hidden neurons learn what their spikes were worth."""
        return credit_of(self.model)

    def _checked_spec(self, n: int) -> NetworkSpec:
        """Return the network, if trains of *n* samples and of the draws of a mini-batch fit."""
        model, own = self.model, self.model._inputs
        static = own.kind == "static"
        width = own.width(math.prod(own.shape if static else own.shape[1:]))
        spec: NetworkSpec = model._make_spec(width)
        each = 8.0 * (own.steps + spec.depth) * (width + 4 * sum(la.channels for la in spec.layers))
        asked = {"n_steps" if static else "X": own.steps}  # of which the largest is to blame
        if own.encoder == "population":
            asked["n_population"] = own.n_population
        for name in ("neurons_per_class", "n_readout"):
            asked[name] = getattr(model, name, None) or 1
        check_bytes(max(asked, key=asked.__getitem__), n * each)
        check_bytes("n_draws", (model.n_draws or 1) * min(model.batch_size, len(self.X)) * each)
        return spec

    def _start_feedback(self, going_on: bool) -> None:
        """Draw the feedback weights, or keep those that there are.

        Last: the seed may be that of the checkpoint, and a training that continues must keep the
        feedback that its weights have come to agree with.
        """
        model = self.model
        self.feedback: Any = None
        if self.credit == "feedback":
            self.feedback = feedback_weights(self.spec, self._rng(2, 0))
        elif self.credit == "aligned":
            kept = model.feedback_ if going_on or model.resume else None
            self.feedback = deepcopy(kept) or aligned_weights(self.spec, self._rng(2, 0))
        model.feedback_ = self.feedback if self.credit == "aligned" else None

    def _set_rates(self) -> None:
        model, by_score = self.model, self.credit == "score"
        self.epochs: int = epochs_of(model, len(self.X))
        self.rate = rate_of(model, self._n_updates())
        # By score hidden neurons compare draws of the same input: with one there is no such
        # baseline.
        self.n_draws = model.n_draws or (4 if by_score and len(self.spec.layers) > 1 else 1)
        self.hidden_rate = _or(model.hidden_learning_rate, (0.3 if by_score else 1.0) * self.rate)
        self.angle_rate = _or(model.angle_learning_rate, 0.2 * self.rate)

    def _n_updates(self) -> int | None:
        """Return how many updates the learning rate is made for."""
        return int(self.epochs * math.ceil(len(self.X) / self.model.batch_size))

    def _start(self, inputs: Array, rng: np.random.Generator) -> Parameters:
        """Return parameters to start from, of example inputs."""
        return initialise(self.model.spec_, inputs, rng)

    def _set_objective(self) -> None:
        model = self.model
        model.objective_, model.temperature_ = self.objective, temperature_of(model)
        if self.objective == "likelihood":
            each = model.neurons_per_class_ * self.spec.visible.neuron.channels
            self.codes = class_codes(len(model.classes_), model._kept.targets, each)

    def _hold_out(self) -> None:
        """Set a part of the samples aside, for early stopping."""
        share, n = self.model.validation_fraction, len(self.X)
        weights = np.ones(n) if self.weights is None else self.weights
        strata, wanted = self._strata()
        try:
            split = train_test_split(
                self.X,
                self.labels,
                weights,
                test_size=share,
                random_state=self.seed % 2**32,
                stratify=strata,
            )
        except ValueError as error:
            raise ArgumentValueError(
                "validation_fraction",
                f"must leave {wanted} on either side, but got {share} of {n} samples: {error}",
            ) from error
        self.X, self.held_X, self.labels, self.held_labels, weights, held = split
        if self.weights is not None:
            self.weights, self.held_weights = weights, held

    def _strata(self) -> tuple[Array | None, str]:
        """Return what is to be on either side in equal shares, and what has to be, in words."""
        counts = np.bincount(self.labels)
        strata = self.labels if counts.min() > 1 else None
        return strata, f"a sample of each of {len(counts)} classes"

    def _rng(self, purpose: int, epoch: int) -> np.random.Generator:
        """Return a generator that depends on nothing that came before: so training resumes."""
        return _seeds.stream(self.seed, 7, purpose, epoch)

    def run(self) -> None:
        model = self.model
        last = self.epochs if model.resume else self.first + self.epochs
        if model.log is not None:
            self.log = begin_log(model.log, model.checkpoint, model.n_iter_)
        from tqdm import tqdm

        bar = tqdm(
            range(model.n_iter_, last),
            desc=type(model).__name__,
            unit="epoch",
            file=sys.stderr,
            disable=not (model.verbose and sys.stderr.isatty()),
        )
        finished = stopped = False
        try:
            # A call: where a loop jumps back, CPython 3.13 checks for signals outside of its `try`.
            stopped = self._go_through(bar)
            finished = True
        except KeyboardInterrupt:
            model.interrupted_ = True
            print(
                f"{type(model).__name__}: interrupted after {model.n_iter_} epochs; the best one "
                "is kept.",
                file=sys.stderr,
            )
        bar.close()
        if finished and not stopped and self.seen:
            advise(self.seen, model.n_iter_ - self.begun)
        if model.early_stopping or not finished:
            model.parameters_ = self.best
        model.spikes_per_inference_ = self._spikes_at_end(model.early_stopping or not finished)

    def _spikes_at_end(self, others: bool) -> float:
        """Return spikes per inference; *others*: parameters are not those of the last epoch."""
        if self.spikes is None or others:
            X = self.X[self.examples]
            self.spikes = float(self.model._scores(X, 1, "as trained", self.seed)[1])
        return self.spikes

    def _go_through(self, bar: Any) -> bool:
        """Make epochs, one after the other; return whether there would have been more."""
        model = self.model
        for epoch in bar:
            start = time.perf_counter()
            loss, spikes = self._epoch(epoch, (epoch - self.first) / self.epochs)
            accuracy = self._accuracy()
            model.loss_curve_.append(loss)
            model.spikes_curve_.append(spikes)
            model.accuracy_curve_.append(accuracy)
            model.n_iter_ = epoch + 1
            bar.set_postfix(self._seen_in(loss, accuracy, spikes))
            # Never by a loss that clamped neurons make: it says nothing of free runs.
            free = self.objective == "count" and not model.early_stopping
            self._remember(-loss if free else accuracy)
            held, rate = len(self.held_X) > 0, self.seen[-1][1]
            seconds = time.perf_counter() - start
            record = record_of(model, held, loss, accuracy, spikes, rate, seconds)
            if self.log is not None:  # first: what a checkpoint lacks is made again, with its row
                add_row(self.log, record)
            if model.checkpoint is not None:
                self._write(Path(model.checkpoint))
            if asked_to_stop(model.callbacks, record):
                return True
            if model.early_stopping and self.waited >= model.n_iter_no_change:
                return True
        return False

    def _seen_in(self, loss: float, accuracy: float, spikes: float) -> dict[str, str]:
        """Return what the progress bar shows of an epoch."""
        return {"loss": f"{loss:.4f}", "accuracy": f"{accuracy:.3f}", "spikes": f"{spikes:.1f}"}

    def _epoch(self, epoch: int, progress: float) -> tuple[float, float]:
        """Go once through the data; return the loss and the spikes per sample."""
        model, spec = self.model, self.spec
        rng = self._rng(1, epoch)
        order = self._order(rng)
        starts = range(0, len(order), model.batch_size)
        losses, spikes = [], []
        # Updates of an epoch are made in the precision of batches, and published in float64 at its
        # end.
        learned = _copy(model.parameters_, self.dtype)
        for i, start in enumerate(starts):
            chosen = order[start : start + model.batch_size]
            result = self._gradient(learned, chosen, rng)
            factor = self._factor(progress + i / len(starts) / self.epochs)
            for layer in spec.layers:
                rate = self.rate if layer is spec.visible else self.hidden_rate
                if rate:
                    self._move(learned, result.gradient, layer.name, factor * rate, factor)
            self._move_more(learned, result.gradient, factor)
            losses.append(-float(result.log_likelihood.mean()))
            self.seen.append((losses[-1], factor * self.rate))
            spikes.append(result.spikes)
        model.parameters_ = _copy(learned, float)
        model.n_updates_ += len(starts)
        return float(np.mean(losses)), float(np.mean(spikes))

    def _factor(self, done: float) -> float:
        """Return what learning rates are multiplied by, after a share of the training."""
        falls = self.model.schedule == "cosine"
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0))) if falls else 1.0

    def _order(self, rng: np.random.Generator) -> Array:
        """Return the samples of an epoch, shuffled: each as often as its weight says."""
        order = rng.permutation(len(self.X))
        if self.weights is None:
            return order
        # Systematic sampling: the whole part of a weight for certain, the rest by one draw for all.
        up_to = np.concatenate([[0.0], self.weights[order].cumsum()])
        # Sample i is drawn as often as a mark lies in its stretch of the cumulative weights.
        marks = np.floor(up_to * (len(order) / up_to[-1]) + rng.random())
        return np.asarray(rng.permutation(np.repeat(order, np.diff(marks).astype(int))))

    def _samples(self, chosen: Array, rng: np.random.Generator) -> Array:
        """Return samples as they are shown."""
        samples, augment = self.X[chosen], self.model.augment
        if augment is None:
            return samples
        return np.asarray(self.model._inputs.augmented(samples, augment, rng))

    def _encoded(self, samples: Array, rng: np.random.Generator) -> Array:
        """Return inputs (T, B, F') of raw samples."""
        if self.dtype is None:
            return np.asarray(self.model._inputs.encode(samples, rng.random).transpose(1, 0, 2))
        streams = fresh_streams(rng, len(samples))
        return np.asarray(self.model._inputs.encode_batch(samples, streams, self.dtype))

    def _gradient(
        self, learned: Parameters, chosen: Array, rng: np.random.Generator
    ) -> BatchResult:
        """Return the gradient of one mini-batch."""
        model, spec = self.model, self.spec
        samples = self._samples(chosen, rng)
        inputs = self._encoded(samples, rng)
        counted = model._counted(samples, learned=False)
        if self.objective == "count":
            return count_gradient(
                spec,
                learned,
                inputs,
                self.labels[chosen],
                len(model.classes_),
                rng,
                inverse_temperature=1 / model.temperature_,
                counted=counted,
                timed=learned.get(READOUT) if model.readout_from == timed.LEARNED else None,
                **self._of_free_runs(samples),
            )
        return local_gradient(
            spec,
            learned,
            inputs,
            target_trains(spec, self.codes, self.labels[chosen], inputs, counted),
            rng,
            feedback=self.feedback,
            discount=model.discount,
            rule=model.rule,
            window=model.window,
            **self._of_all_runs(samples),
        )

    def _of_all_runs(self, samples: Array) -> dict[str, Any]:
        """Return what every gradient is told of this training and these samples."""
        return {
            "lasts": self.model._inputs.lasting(samples, self.spec.depth),
            "n_draws": self.n_draws,
            "sparsity": self.model.sparsity,
            "train_hidden": self.hidden_rate > 0,
            "dtype": self.dtype,
        }

    def _of_free_runs(self, samples: Array) -> dict[str, Any]:
        """Return that, and what the gradients of networks that run free are told besides."""
        return {
            **self._of_all_runs(samples),
            "credit": self.credit,
            "back": self.feedback,
            "window": self.model.window if self.model.rule == "window" else None,
        }

    def _move(
        self, parameters: Parameters, gradient: Parameters, name: str, rate: float, factor: float
    ) -> None:
        own, up, ascend = parameters[name], gradient[name], self.optimizer.ascend
        for source, w in own.weights.items():
            key, speed = f"{name}.weights.{source}", rate / self._length(name, source)
            if self.credit == "aligned" and source not in (INPUT, name):
                # The same product at the other end of the connection, and the same decay.
                moved = self.optimizer.step(key, up.weights[source], rate=speed)
                for end in (w, self.feedback[name][source]):
                    self._fade(end, rate)
                    end += moved
                    end *= 1 - DECAY * factor
            else:
                self._fade(w, rate)
                ascend(key, w, up.weights[source], rate=speed)
        ascend(f"{name}.bias", own.bias, up.bias, rate=rate)
        if own.angles.size:
            ascend(f"{name}.angles", own.angles, up.angles, rate=factor * self.angle_rate)

    def _fade(self, weights: Array, rate: float) -> None:
        """Take the share of weights that decays in one update: by the learning rate alone."""
        if self.model.weight_decay:
            weights *= 1 - rate * self.model.weight_decay

    def _length(self, name: str, source: str) -> float:
        """Return the length of what the weights of a connection multiply."""
        kernel = self.spec.layers[self.spec.index(name)].kernel(source)
        # A kernel's weight meets a patch of the image, not all of it.
        part = 1.0 if kernel is None else kernel.fan_in / math.prod(kernel.in_shape)
        return float(self.lengths[source] * math.sqrt(part))

    def _move_more(self, parameters: Parameters, gradient: Parameters, factor: float) -> None:
        """Move what is learned beside the layers: here the weights of the readout in time."""
        timed.move(parameters, gradient, self.optimizer, factor * self.rate)

    def _accuracy(self) -> float:
        X, labels = self.held_X, self.held_labels
        if not len(X):
            X, labels = self.X[self.examples], self.labels[self.examples]
        if self.drawn is None:  # keyed by the samples, so the same in every epoch
            width = self.spec.n_inputs + sum(layer.size for layer in self.spec.layers)
            small = 8 * len(X) * self.model.steps_per_sample_ * width < _KEPT_BYTES
            self.drawn = list(self.model._runs(X, 0, self.seed, self.spec)) if small else []
        scores, self.spikes = self.model._scores(X, 1, "as trained", self.seed, self.drawn)
        return self._judged(scores[0], X, labels)

    def _judged(self, scores: Array, X: Array, labels: Array) -> float:
        """Return how good one pass over samples was."""
        return float(np.average(scores.argmax(axis=1) == labels, weights=self.held_weights))

    def _remember(self, value: float) -> None:
        self.waited += 1
        if value > self.best_value:
            self.best, self.best_value = _copy(self.model.parameters_), value
            self.waited = 0


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def _copy(parameters: Parameters, dtype: Any = None) -> Parameters:
    """Return independent copies, their weights and biases in precision *dtype*."""
    copies = {name: own.copy() for name, own in parameters.items()}
    if dtype is not None:
        for own in copies.values():
            own.weights = {s: w.astype(dtype, copy=False) for s, w in own.weights.items()}
            own.bias = own.bias.astype(dtype, copy=False)
    return copies
