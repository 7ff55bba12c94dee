"""A fit whose spikes come from a device: what it needs, what it costs, what it tells."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.network.base import _Network
from lava_sqs.network.device_rules import Twin, device_gradient, rule_of, shots_per_sample
from lava_sqs.network.gradient import BatchResult
from lava_sqs.network.objective import credit_of, needs_clamping, objective_of
from lava_sqs.network.on_device import OFFLINE, device_of
from lava_sqs.network.readout import count_scores
from lava_sqs.network.regression import Reading
from lava_sqs.network.rewards import Reward
from lava_sqs.network.sampler import Sampler, twin_traces
from lava_sqs.network.simulate import LayerTrace
from lava_sqs.network.spec import NetworkSpec, Parameters
from lava_sqs.network.stepwise import StepTrainer, reading_of
from lava_sqs.network.timed import LEARNED
from lava_sqs.network.trainer import Trainer
from lava_sqs.neurons import SQSNeuron

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Shots"]

Array = NDArray[Any]


class Shots(NamedTuple):
    """How many runs of a neuron a training takes.

    Attributes
    ----------
    per_update : int
        Runs for a whole mini-batch.
    total : int
        Runs in all epochs, with the samples that are held out; fewer if it is stopped early.

    Examples
    --------
    >>> Shots(64, 6400).total
    6400
    """

    per_update: int
    total: int


def shots_of(
    model: Any,
    spec: NetworkSpec,
    rule: Any,
    n_samples: int,
    epochs: int,
    n_held: int = 0,
) -> Shots:
    """Return the shots of a fit of so many samples and epochs."""
    each = shots_per_sample(spec, rule, model.hidden_learning_rate != 0) * (model.n_draws or 1)
    held = n_held * sum(layer.size for layer in spec.layers)
    return Shots(each * min(model.batch_size, n_samples), epochs * (each * n_samples + held))


def check_on_device(model: Any, device: Any, rule: Any) -> None:
    """Raise if it is not a device, or an estimator asks for what no device can measure."""
    if isinstance(device, type) or not callable(getattr(device, "sample", None)):
        raise ArgumentTypeError(
            "runtime",
            "must be 'offline' or a device, an object with a method `sample` such as "
            f"lava_sqs.hardware.Simulated(), but got {describe(device)}.",
        )
    if objective_of(model) == "likelihood":
        asked = needs_clamping(model) or "objective='likelihood'"
        name, _, value = asked.partition("=")
        raise ArgumentValueError(
            name,
            f"= {value} ascends the likelihood of trains that neurons are made to say, which a "
            "device can only select among all that it says, one in 2^T where it knows nothing. "
            "Use objective='count', or fit without `runtime`.",
        )
    if isinstance(rule, Twin):
        return
    wrong = {
        "credit": model.credit not in (None, "score"),
        "sparsity": model.sparsity != 0,
        "readout_from": model.readout_from == LEARNED,
        "rule": model.rule != "exact",
    }
    for name, bad in wrong.items():
        if bad:
            raise ArgumentValueError(
                name,
                f"= {getattr(model, name)!r} needs a model of the neurons, so gradient='twin', but "
                f"got gradient={rule.name!r}.",
            )


class _OnDevice(Trainer):
    """One fit on a device, of one class per sample."""

    def __init__(self, *given: Any, device: Any, rule: Any) -> None:
        self.rule, self.sampler = rule, Sampler(device, np.random.default_rng(0))
        self.before, self.right, self.shown = 0, 0.0, 0
        model, _, _, going_on, *_ = given
        if going_on:
            self.before = getattr(model, "shots_", 0)
        super().__init__(*given)
        plan = shots_of(model, self.spec, rule, len(self.X), self.epochs, len(self.held_X))
        model.shots_, model.shots_per_update_ = self.before, plan.per_update
        if model.verbose:
            print(
                f"{type(model).__name__}: learning on a device, gradient={rule.name!r}: "
                f"{plan.per_update} shots per update, {plan.total} in total.",
                file=sys.stderr,
            )

    def _checked_spec(self, n: int) -> NetworkSpec:
        spec = super()._checked_spec(n)
        for layer in spec.layers:
            if not isinstance(layer.neuron, SQSNeuron):
                raise ArgumentValueError(
                    "runtime",
                    "must be 'offline' for neurons that are no SQS neurons, but layer "
                    f"{layer.name!r} has {layer.neuron!r}, without a circuit for a device to run.",
                )
            if layer.recurrent:
                raise ArgumentValueError(
                    "recurrent",
                    f"must be False on a device: it runs a layer for whole trains, but layer "
                    f"{layer.name!r} hears in each step what it said in the one before.",
                )
        return spec

    def _credit(self) -> str:
        return credit_of(self.model) if isinstance(self.rule, Twin) else "score"

    def _set_rates(self) -> None:
        super()._set_rates()
        self.n_draws = self.model.n_draws or 1

    # -- gradients ------------------------------------------------------------------------------

    def _samples(self, chosen: Array, rng: np.random.Generator) -> Array:
        self._now = super()._samples(chosen, rng)
        return self._now

    def _run(
        self,
        spec: NetworkSpec,
        parameters: Parameters,
        inputs: Array,
        rng: np.random.Generator,
        n_draws: int = 1,
        dtype: Any = None,
    ) -> list[LayerTrace]:
        """Run samples on the device, as for :func:`~lava_sqs.network.credit.run_free`."""
        traces = twin_traces(spec, parameters, inputs, self.sampler, n_draws, dtype)
        self._said = traces[-1].out.spikes
        return traces

    def _of_free_runs(self, samples: Array) -> dict[str, Any]:
        return {**super()._of_free_runs(samples), "run": self._run}

    def _gradient(
        self, learned: Parameters, chosen: Array, rng: np.random.Generator
    ) -> BatchResult:
        # The generator of this update: a training that resumes asks the device for the same seeds.
        self.sampler.rng = rng
        if isinstance(self.rule, Twin) and self.credit != "score":
            result = super()._gradient(learned, chosen, rng)
        else:
            samples = self._samples(chosen, rng)
            inputs = self._encoded(samples, rng)
            result, self._said = device_gradient(
                self.spec,
                learned,
                inputs,
                self._reward(samples, self.labels[chosen], len(inputs)),
                self.rule,
                self.sampler,
                rng,
                train_hidden=self.hidden_rate > 0,
                lasts=self.model._inputs.lasting(samples, self.spec.depth),
                dtype=self.dtype,
            )
        self.model.shots_ = self.before + self.sampler.shots
        if not len(self.held_X):
            # Without held-out samples accuracy is that of the trains that were learned from: no
            # shot is extra.
            shown = np.concatenate([self._now] * self.n_draws)
            labels = np.concatenate([self.labels[chosen]] * self.n_draws)
            self.right += len(labels) * self._judged(self._answer(self._said, shown), shown, labels)
            self.shown += len(labels)
        return result

    def _reward(self, samples: Array, labels: Array, steps: int) -> Reward:
        """Return what trains are worth for samples of these labels, as indices."""
        counted = np.tile(self.model._counted(samples, learned=False), (1, self.n_draws))
        first = self.spec.lag(self.spec.visible.name)
        truth = np.tile(labels, self.n_draws)[None]
        return self._worth(Reading(0.0, first, steps, counted), truth, np.ones(truth.shape))

    def _worth(self, reading: Reading, truth: Array, share: Array) -> Reward:
        beta, n_classes = 1 / self.model.temperature_, len(self.model.classes_)
        return Reward(reading, beta, truth, share, n_classes, self.n_draws)

    # -- what is told ---------------------------------------------------------------------------

    def _answer(self, spikes: Array, samples: Array) -> Array:
        """Return the scores of visible trains (S, B, C)."""
        counted = self.model._counted(samples)[: len(spikes)]
        return count_scores(spikes, len(self.model.classes_), counted)

    def _accuracy(self) -> float:
        """Return how often the device was right: in the epoch, or of what is held out."""
        self.spikes = self.model.spikes_curve_[-1] if self.model.spikes_curve_ else 0.0
        if not len(self.held_X):
            right, self.right = self.right / self.shown, 0.0
            self.shown = 0
            return right
        rng = self._rng(3, self.model.n_iter_)
        self.sampler.rng = rng
        scores = []
        for start in range(0, len(self.held_X), self.model.batch_size):
            samples = self.held_X[start : start + self.model.batch_size]
            inputs = self._encoded(samples, rng)
            own = self.model.parameters_
            traces = twin_traces(self.spec, own, inputs, self.sampler, 1, self.dtype)
            scores.append(self._answer(traces[-1].out.spikes, samples))
        self.model.shots_ = self.before + self.sampler.shots
        return self._judged(np.concatenate(scores), self.held_X, self.held_labels)

    def _spikes_at_end(self, others: bool) -> float:
        curve = self.model.spikes_curve_
        return float(curve[-1]) if curve else 0.0

    def _seen_in(self, loss: float, accuracy: float, spikes: float) -> dict[str, str]:
        return {**super()._seen_in(loss, accuracy, spikes), "shots": str(self.model.shots_)}

    def _more_state(self) -> dict[str, Any]:
        return {"shots": int(self.model.shots_), "gradient": repr(self.rule)}

    def _take_more(self, state: dict[str, Any]) -> None:
        if state.get("gradient") != repr(self.rule):
            raise ArgumentValueError(
                "gradient",
                f"must be that of the checkpoint, {state.get('gradient')}, but got {self.rule!r}.",
            )
        self.before = int(state["shots"])


class _StepsOnDevice(_OnDevice, StepTrainer):
    """One fit on a device, of a class per time step."""

    def _reward(self, samples: Array, labels: Array, steps: int) -> Reward:
        own = self.model._inputs.own_steps(samples).T
        # Each sample weighs the same, whatever its length.
        share = np.tile(own / np.maximum(own.sum(axis=0), 1), (1, self.n_draws))
        truth = np.tile(labels.T, (1, self.n_draws))
        return self._worth(reading_of(self.model, steps), truth, share)

    def _answer(self, spikes: Array, samples: Array) -> Array:
        return np.asarray(self.model._in_steps(spikes, self.model._inputs.own_steps(samples)))


class _FitsOnDevice(_Network):
    """The `fit` of an estimator that can learn on a device."""

    shots_: int
    shots_per_update_: int
    per_step_: bool

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        validation_data: Any = None,
        runtime: Any = OFFLINE,
        gradient: Any = None,
    ) -> Self:
        """Learn from labelled samples, here or on a device.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            Samples in the layout that `input_kind` says. Sequences and spikes of different lengths
            may be a list of arrays (T_i, channels), with `channels_first` (channels, T_i). Or a
            data set of event recordings (of tonic, or :class:`lava_sqs.data.EventFrames`), here and
            in every other method: it has its own labels, and is divided into `n_steps` bins if it
            does not say how.
        y : array_like, shape (n,), or (n, T) or list of arrays
            Class labels, one per sample, or of sequences and spikes one per time step (in a list,
            arrays as long as the samples; labels of steps that are nobody's are not looked at).
        sample_weight : array_like, shape (n,), optional
            How often each sample is shown, relative to the others: in an epoch w times n over the
            sum of all w, of which the fraction is left to chance. Those of weight 0 teach nothing.
        lengths : array_like of int, shape (n,), optional
            How many of the T time steps of an array are each sample's own; what follows is not
            looked at: nothing arrives there, and nothing counts.
        mask : array_like of bool, shape (n, T), optional
            The same, step by step; there may be gaps. With neither, frames at the end of a
            sample that are NaN in all channels are padding, and in sequences, unless there are
            such, frames that are zero in all channels as well, with a warning.
        validation_data : tuple, optional
            (X, y) or (X, y, lengths) of which ``accuracy_curve_`` and early stopping tell, instead
            of samples that are held out.
        runtime : "offline" or Device
            Where spikes come from: from here, or, layer by layer, from a device such as those of
            :mod:`lava_sqs.hardware`. `fit` then sets
            ``shots_``, the runs of a neuron so far, and ``shots_per_update_``; without samples that
            are held out ``accuracy_curve_`` is that of the trains from which it learned.
        gradient : {"twin", "perturbation", "shift"} or Twin, Perturbation, Shift, optional
            How to learn from a device, see :mod:`lava_sqs.network.device_rules`. None is "twin".

        Returns
        -------
        SQSNN
            Itself. After Ctrl-C too, with the best epoch so far and ``interrupted_`` set.

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor or the data do not fit, or a device cannot do what
            the constructor asks for.
        """
        device = device_of(runtime)
        if device is None:
            if gradient is not None:
                raise ArgumentValueError(
                    "gradient", "must be None without a device as `runtime`, which it is about."
                )
            super().fit(
                X, y, sample_weight, lengths=lengths, mask=mask, validation_data=validation_data
            )
            if not self.warm_start:
                for name in ("shots_", "shots_per_update_"):
                    self.__dict__.pop(name, None)
            return self
        rule = rule_of(gradient)
        check_on_device(self, device, rule)

        def trainer(online: bool) -> Any:
            kind = _StepsOnDevice if self.per_step_ else _OnDevice
            return partial(kind, device=device, rule=rule)

        with self._or_as_before():
            self._fit(X, y, sample_weight, lengths, mask, validation_data, trainer_of=trainer)
        return self
