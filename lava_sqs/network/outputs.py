"""What a network says as a regressor: values of samples or of their time steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted, validate_data

from lava_sqs._checks import (
    check_flag,
    check_int,
    check_positive,
    check_real,
    check_shape,
    describe,
)
from lava_sqs._errors import ArgumentValueError
from lava_sqs._npz import Declared
from lava_sqs.network import sequences, values
from lava_sqs.network.arguments import KEPT
from lava_sqs.network.base import _Network
from lava_sqs.network.inference import AS_TRAINED
from lava_sqs.network.on_device import OFFLINE
from lava_sqs.network.online import OnlineRegression
from lava_sqs.network.regression import (
    READOUT,
    Reading,
    RegressionTrainer,
    decay_of,
    predicted,
)
from lava_sqs.network.saved import _FITTED
from lava_sqs.network.simulate import LayerTrace
from lava_sqs.network.spec import LayerParams, NetworkSpec, Parameters

if TYPE_CHECKING:
    from typing_extensions import Self

__all__: list[str] = []

Array = NDArray[Any]


class _Regressor(RegressorMixin, _Network):
    """A network whose visible spikes are weighed and added up to values."""

    # What a classifier is asked for, and this is not.
    targets, objective, readout, temperature = "one-hot", "count", "count", None
    neurons_per_class, discount = None, 0.0

    _KEPT = (
        *(name for name in KEPT if name not in ("targets", "neurons_per_class")),
        *("n_readout", "per_step", "readout_from"),
    )
    _ESTIMATOR, _TARGETS = "SQSNNRegressor", "targets or samples"
    _TARGET_ARRAYS = ("targets.mean", "targets.std")
    _FITTED: ClassVar[dict[str, Any]] = {
        **{k: v for k, v in _FITTED.items() if k not in ("objective_", "temperature_")},
        "single_output_": check_flag,
    }
    _trainer, _online = RegressionTrainer, OnlineRegression

    per_step_: bool
    single_output_: bool
    n_outputs_: int
    target_mean_: Array
    target_std_: Array

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @property
    def score_curve_(self) -> list[float]:
        """R^2 per epoch, see the attributes."""
        return self.accuracy_curve_

    def _check_arguments(self) -> None:
        if self.rule == "as-published":
            raise ArgumentValueError(
                "rule", "must be 'exact' or 'window', but got 'as-published', a rule for classes."
            )
        super()._check_arguments()
        check_int("n_readout", self.n_readout, minimum=1)
        if self.per_step is not None:
            check_flag("per_step", self.per_step)
        if self.readout_learning_rate is not None:
            check_positive("readout_learning_rate", self.readout_learning_rate)

    # -- targets ------------------------------------------------------------------------------

    def _validated(self, X: Any, y: Any, **options: Any) -> tuple[Array, Array]:
        sequence = self.input_kind in ("sequence", "spikes")
        if not sequence or y is None:
            if self.per_step:
                raise ArgumentValueError(
                    "per_step", "belongs to input_kind='sequence' or 'spikes', but X is static."
                )
            X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **options)
            self.per_step_ = False
            return X, np.asarray(y, dtype=float)
        X = validate_data(self, X, **options)
        per_step = self.per_step if options.get("reset") else self.per_step_
        y, self.per_step_ = values.of_sequences(X, y, self.channels_first, per_step)
        return X, y

    @property
    def _zeros_are_values(self) -> bool:
        return self.per_step_  # there is a value to be predicted in that step

    def _read_targets(self, y: Array, going_on: bool) -> Array:
        single = y.ndim == 1 + self.per_step_
        n_outputs = 1 if single else y.shape[-1]
        if going_on and (single, n_outputs) != (self.single_output_, self.n_outputs_):
            raise ArgumentValueError(
                "y",
                f"must have {self.n_outputs_} outputs as in the first fit, with warm_start=True, "
                f"but has shape {y.shape}.",
            )
        self.single_output_, self.n_outputs_ = single, n_outputs
        return y[..., None] if single else y

    def _held_targets(self, y: Any, n: int) -> Array:
        found = values.stacked(y)[0]
        dims = 1 + self.per_step_ + (not self.single_output_)
        if found.ndim != dims or len(found) != n:
            raise ArgumentValueError(
                "y", f"must have {n} samples and {dims} axes, but has shape {found.shape}."
            )
        return found[..., None] if self.single_output_ else found

    def _fit_targets(self, targets: Array, X: Array, going_on: bool) -> Array:
        own = self._inputs.own_steps(X) if self.per_step_ else np.ones(len(targets), dtype=bool)
        targets = values.finite(targets[:, : X.shape[1]] if self.per_step_ else targets, own)
        if not going_on:
            shown = targets[own]
            self.target_mean_, std = shown.mean(axis=0), shown.std(axis=0)
            # Relative to the mean: equal numbers have a deviation of some rounding errors, not 0.
            tiny = 1e-12 * np.maximum(np.abs(self.target_mean_), np.finfo(float).tiny)
            self.target_std_ = np.where(std > tiny, std, 1.0)  # a constant is its mean
        standard = (targets - self.target_mean_) / self.target_std_
        # NaN of steps without a value would survive a multiplication by their weight of 0.
        standard[~own] = 0.0
        return np.asarray(standard)

    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
    ) -> Self:
        """Learn from samples as they arrive: once from each, at a constant rate.

        Mini-batches, rule and optimiser are those of `fit`, and what the optimiser knows is kept
        from call to call (not in files). Features are scaled, and values standardised, by the
        samples of the first call, or of `fit` before. `epochs`, `updates`, `schedule`,
        `early_stopping`, `checkpoint`, `callbacks` and `log` have no effect, and ``score_curve_``
        does not grow.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            One sample or more; in the first call more, of which features and values differ.
        y : array_like
            Values, as of `fit`; of the shape per sample of the first call.
        sample_weight, lengths, mask
            See `fit`.

        Returns
        -------
        SQSNNRegressor
            Itself.

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor or the data do not fit.

        Examples
        --------
        >>> from lava_sqs.network import SQSNNRegressor
        >>> x = np.random.default_rng(0).random((40, 2))
        >>> net = SQSNNRegressor((), n_steps=3, random_state=0).partial_fit(x, x[:, 0])
        >>> net.partial_fit(x[:1], x[:1, 0]).n_iter_
        2
        """
        with self._or_as_before():
            self._learn_online(X, y, sample_weight, lengths, mask)
        return self

    def _check_scale(self, targets: Array) -> None:
        super()._check_scale(targets)
        flat = targets.reshape(-1, targets.shape[-1])
        if (np.ptp(flat, axis=0) == 0).any():
            raise ArgumentValueError(
                "y",
                "must hold values that differ in the first call of partial_fit, as they are "
                "standardised by it. Begin with more samples, or with fit.",
            )

    # -- the network --------------------------------------------------------------------------

    def _check_readout_from(self) -> None:
        check_positive("readout_from", self.readout_from, zero=True, below=1.0)

    def _make_spec(self, n_inputs: int, n_classes: int | None = None) -> NetworkSpec:
        own = self._kept
        neuron = self._visible_neuron()
        if own.n_readout % neuron.channels:
            raise ArgumentValueError(
                "n_readout",
                f"must be a multiple of {neuron.channels}, the io qubits of a neuron, but got "
                f"{own.n_readout}.",
            )
        return self._chain(n_inputs, own.n_readout // neuron.channels, neuron)

    def _publish(self, spec: NetworkSpec) -> None:
        super()._publish(spec)
        self.n_parameters_ += self.n_outputs_ * spec.visible.channels
        self.n_biases_ += self.n_outputs_

    def _reading(self, own: Array) -> Reading:
        """Return how spikes of samples are read out, of their own input steps (n, T)."""
        kept, lag, steps = self._kept, self.spec_.lag(self.spec_.visible.name), own.shape[1]
        if self.per_step_:
            return Reading(decay_of(kept.time_constant), lag, steps)
        share = sequences.counted_steps(own, lag, self.spec_.depth, kept.readout_from)
        # A mean over the steps that count: samples of any length read out alike.
        return Reading(0.0, lag, steps, share / share.sum(axis=0))

    def _answer_shape(self, X: Array) -> tuple[int, ...]:
        steps = (X.shape[1],) if self.per_step_ else ()
        return (len(X), *steps, self.n_outputs_)

    def _answer(self, spec: NetworkSpec, visible: LayerTrace, u: Array, X: Array) -> Array:
        steps = len(visible.z) - spec.depth
        return self._read_out(visible.out.spikes, self._inputs.own_steps(X), steps)

    def _read_out(self, spikes: Array, own: Array, steps: int) -> Array:
        """Return standardised values (n, [T,] O) of trains (S, n, C); NaN where no step is own."""
        said = predicted(
            self.parameters_[READOUT], self._reading(own[:, :steps]).of(spikes.astype(float))
        )
        if not self.per_step_:
            return np.asarray(said[0])
        values = np.full((*own.shape, self.n_outputs_), np.nan)
        values[:, :steps] = said.transpose(1, 0, 2)
        values[~own] = np.nan
        return values

    def _in_units(self, values: Array) -> Array:
        values = values * self.target_std_ + self.target_mean_
        return np.asarray(values[..., 0] if self.single_output_ else values)

    # -- use ----------------------------------------------------------------------------------

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
        """Return the values of each sample, or of each of its time steps.

        Parameters
        ----------
        X : array_like, shape (n, ...), or list of arrays
            Sequences may be longer or shorter than in `fit`.
        lengths, mask : array_like, shape (n,) and (n, T), optional
            Which time steps are a sample's own, as in `fit`.
        n_repeats : int
            Passes that are averaged.
        noise : NoiseModel, a list of one per neuron, or None, optional
            Another noise than in training; None is noiseless.
        seed : int, optional
            None is ``seed_``.
        runtime : "offline" or Device, optional
            Where the SQS layers run: here, or on a :class:`~lava_sqs.hardware.Device`, one job per
            layer.

        Returns
        -------
        ndarray, shape (n,), (n, n_outputs), (n, T) or (n, T, n_outputs)
            Like y of `fit`, in its units. NaN in steps that are not a sample's own.
        """
        X = self._check_X(X, lengths, mask)
        scores, _ = self._scores(X, n_repeats, noise, seed, runtime=runtime)
        return self._in_units(scores.mean(axis=0))

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
        """Return R^2 of :meth:`predict`, a mean over outputs.

        Parameters
        ----------
        X, y
            Samples and their values, as of `fit`.
        sample_weight : array_like, shape (n,), optional
            What each sample counts, with all of its steps.
        lengths, mask, runtime
            See :meth:`predict`.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If the shape of y differs from that of the predictions.
        """
        X, y = self._labelled(X, y)
        said = self.predict(X, lengths=lengths, mask=mask, runtime=runtime)
        truth = values.stacked(y)[0]
        if truth.shape[1:2] != said.shape[1:2] and self.per_step_:
            truth = truth[:, : said.shape[1]]
        truth = check_shape("y", truth, said.shape)
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        if self.per_step_:
            own = ~np.isnan(said if self.single_output_ else said[..., 0])
            if weight is not None:
                weight = np.repeat(weight, own.sum(axis=1))
            said, truth = said[own], truth[own]
        return float(r2_score(truth, said, sample_weight=weight))

    def decode(self, spikes: Any, *, lengths: Any = None, mask: Any = None) -> Array:
        """Return the values of each sample from its visible spikes.

        Parameters
        ----------
        spikes : array_like, shape (n, T + depth, C)
            See :meth:`simulate` or :meth:`run_in_lava`.
        lengths, mask : array_like, shape (n,) and (n, T), optional
            Which of the T steps are a sample's own; None is all.

        Returns
        -------
        ndarray
            See :meth:`predict`.

        Raises
        ------
        TypeError, ValueError
            If the values are not numbers, or have another shape.
        """
        check_is_fitted(self)
        spec, trains = self.spec_, check_real("spikes", spikes)
        check_shape("spikes", trains, ("n", "T + depth", spec.visible.channels))
        steps = trains.shape[1] - spec.depth
        if steps < 1:
            raise ArgumentValueError(
                "spikes", f"must have more than {spec.depth} steps, but has {trains.shape[1]}."
            )
        own = sequences.own_steps(np.ones((len(trains), steps, 1)), lengths, mask, zeros=False)
        return self._in_units(self._read_out(trains.transpose(1, 0, 2), own, steps))

    # -- files --------------------------------------------------------------------------------

    def _declared_targets(self, declared: dict[str, Declared]) -> int:
        shapes = {declared[name].shape for name in self._TARGET_ARRAYS}
        if len(shapes) > 1 or len(shape := shapes.pop()) != 1 or shape[0] < 1:
            raise ValueError(f"the means and deviations of its targets have shapes {shapes}.")
        return shape[0]

    def _more_arrays(self, spec: NetworkSpec, n_targets: int) -> dict[str, tuple[int, ...]]:
        return {
            f"{READOUT}.weights.{spec.visible.name}": (n_targets, spec.visible.channels),
            f"{READOUT}.bias": (n_targets,),
            f"{READOUT}.angles": (n_targets, 0),
        }

    def _target_arrays(self) -> dict[str, Array]:
        return {"targets.mean": self.target_mean_, "targets.std": self.target_std_}

    def _restore_targets(self, arrays: dict[str, Array]) -> None:
        self.target_mean_, self.target_std_ = (
            check_real(name, arrays[name]) for name in self._TARGET_ARRAYS
        )
        if not (self.target_std_ > 0).all():
            raise ValueError(f"the deviations of its targets are {describe(self.target_std_)}.")
        self.n_outputs_ = len(self.target_mean_)

    def _parameters_of(self, prefix: str, arrays: dict[str, Array]) -> Parameters:
        at = f"{prefix}{READOUT}."
        names = (f"{at}weights.{self.spec_.visible.name}", f"{at}bias", f"{at}angles")
        weights, bias, angles = (check_real(name, arrays[name]) for name in names)
        readout = LayerParams({self.spec_.visible.name: weights}, bias, angles)
        return {**super()._parameters_of(prefix, arrays), READOUT: readout}
