"""What every estimator of this room is: a network that is fitted, run, saved and put into Lava."""

from __future__ import annotations

import contextlib
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from lava_sqs import _seeds
from lava_sqs._checks import check_flag, check_real, check_shape, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lava import load
from lava_sqs.network import recordings, sequences
from lava_sqs.network.inference import AS_TRAINED, _Inference
from lava_sqs.network.inputs import Inputs
from lava_sqs.network.objective import default_neurons_per_class
from lava_sqs.network.online import Online
from lava_sqs.network.saved import _Saved
from lava_sqs.network.trainer import Trainer

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]


class _Network(_Saved, _Inference):
    """A network as an estimator of scikit-learn; what is learned and read out is a subclass's."""

    verbose: bool
    neurons_per_class: int | None
    warm_start: bool
    resume: bool
    random_state: Any
    input_kind: str | None
    channels_first: bool | None
    n_iter_: int
    interrupted_: bool
    spikes_per_inference_: float

    _trainer: Callable[..., Trainer] = Trainer
    _online: Callable[..., Trainer] = Online

    @abstractmethod
    def _read_targets(self, y: Array, going_on: bool) -> Array:
        """Return what the network learns to say for each sample, in the words of its trainer."""

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # -- learning -----------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        validation_data: Any = None,
    ) -> Self:
        """Learn from labelled samples.

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
            arrays as long as the samples; labels of steps that are nobody's are not looked at). Of
            a regressor values: (n,) or (n, n_outputs), and for one per time step (n, T),
            (n, T, n_outputs) or a list of arrays as long as the samples.
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

        Returns
        -------
        SQSNN
            Itself. After Ctrl-C too, with the best epoch so far and ``interrupted_`` set.

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor, or the data, have the wrong type or value.
        """
        with self._or_as_before():
            self._fit(X, y, sample_weight, lengths, mask, validation_data)
        return self

    @contextlib.contextmanager
    def _or_as_before(self) -> Iterator[None]:
        """Learn in the block; if that fails, the network that was there is left."""
        # Attributes are replaced and not changed in place while learning, so a shallow copy brings
        # all back.
        before = dict(self.__dict__)
        try:
            yield
        except BaseException:
            self.__dict__ = before
            raise

    def _fit(self, X: Any, y: Any, *more: Any, **options: Any) -> None:
        self._fit_samples(
            *recordings.counted(X, y, self.input_kind, self.n_steps), *more, **options
        )

    def _fit_samples(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        lengths: Any,
        mask: Any,
        validation_data: Any = None,
        online: bool = False,
        trainer_of: Callable[[bool], Callable[..., Trainer]] | None = None,
    ) -> None:
        self._check_arguments()
        going_on = (online or self.warm_start) and hasattr(self, "parameters_")
        if going_on:
            self._check_same()
        X, told = sequences.stacked(X, self.input_kind, self.channels_first)
        if going_on:
            self._inputs.check_shape(X)
        static = self.input_kind not in ("sequence", "spikes")
        X, y = self._validated(
            X,
            y,
            reset=not going_on,
            allow_nd=True,
            ensure_min_samples=1 if online else 2,
            dtype="numeric",
            ensure_2d=static or not going_on,
            ensure_all_finite=static,  # of sequences in their own steps only
        )
        targets = (self._online_targets if online else self._read_targets)(y, going_on)
        weights = self._weights(targets, sample_weight)
        self._keep_parameters()
        told = told or self._zeros_are_values
        if online and going_on:
            X = self._inputs.read(X, lengths, mask, told)
        else:
            scale = self._inputs.scale if going_on else None
            self._inputs, X = Inputs.learn(X, self._kept, scale, lengths, mask, told)
        targets = self._fit_targets(targets, X, going_on)
        if online and not going_on:
            self._check_scale(targets)
        if not (static or self.channels_first):
            self.n_features_in_ = self._inputs.steps  # what nobody has at the end is gone
        if not going_on:
            self.seed_ = _seeds.of_random_state(self.random_state)
            self.neurons_per_class_ = self.neurons_per_class or default_neurons_per_class(
                self, self._inputs.steps
            )
            self.scaling_ = "none" if self._inputs.kind == "spikes" else self._inputs.scale.reason
        if self.verbose:
            self._say_how_read(X)
        held = None if validation_data is None else self._read_held(validation_data)
        if weights is not None:  # a sample of no weight is as if it were not there
            some = weights > 0
            X, targets, weights = X[some], targets[some], weights[some]
            weights = None if (weights == weights[0]).all() else weights / weights.mean()
        trainer = (trainer_of or self._trainer_of)(online)
        if not online:
            self.__dict__.pop("_optimizer", None)
        trainer(self, X, targets, going_on, weights, held).run()

    def _trainer_of(self, online: bool) -> Callable[..., Trainer]:
        """Return what learns."""
        return self._online if online else self._trainer

    def _say_how_read(self, X: Array) -> None:
        own, words = type(self).__name__, self.in_words(len(X))
        print(f"{own}: X is read as {words}{self._ends(X)}.", file=sys.stderr)
        if self.scaling_ != "none":
            print(f"{own}: features are scaled: {self.scaling_}.", file=sys.stderr)

    def _learn_online(self, X: Any, y: Any, sample_weight: Any, lengths: Any, mask: Any) -> None:
        """Learn once from samples."""
        if self.resume:
            raise ArgumentValueError("resume", "must be False for partial_fit.")
        self._fit(X, y, sample_weight, lengths, mask, online=True)

    def _online_targets(self, y: Array, going_on: bool) -> Array:
        """Return targets of samples that arrive."""
        return self._read_targets(y, going_on)

    def _check_scale(self, targets: Array) -> None:
        """Raise if the first samples to learn from online say nothing of the range of values."""
        scale = self._inputs.scale
        if self._inputs.kind != "spikes" and (scale.low == scale.high).all():
            raise ArgumentValueError(
                "X",
                "must hold samples that differ in the first call of partial_fit, as features are "
                f"scaled by it, but got {len(targets)} with one value for each feature. Begin with "
                "more samples, or with fit.",
            )

    def _weights(self, targets: Array, sample_weight: Any) -> Array | None:
        """Return how often each sample is to be shown, relative to the others."""
        if sample_weight is None:
            return None
        weights = check_shape(
            "sample_weight", check_real("sample_weight", sample_weight), (len(targets),)
        )
        if (weights < 0).any() or not weights.any():
            raise ArgumentValueError(
                "sample_weight",
                "must not be negative, and not zero for all samples, but has values from "
                f"{weights.min():g} to {weights.max():g}.",
            )
        return weights

    def _read_held(self, validation_data: Any) -> tuple[Array, Array]:
        """Return samples and targets that show how training proceeds."""
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ArgumentTypeError(
                "validation_data",
                f"must be (X, y) or (X, y, lengths), but got {describe(validation_data)}.",
            )
        X, y, *lengths = validation_data
        try:
            X, y = recordings.counted(X, y, self.input_kind, self.n_steps)
            X = self._read_X(X, *lengths)
            return X, self._fit_targets(self._held_targets(y, len(X)), X, True)
        except ValueError as error:
            raise ArgumentValueError(
                "validation_data", f"must be samples like those that train: {error}"
            ) from error

    @abstractmethod
    def _held_targets(self, y: Any, n: int) -> Array:
        """Return the targets of n samples that are held out."""

    def _validated(self, X: Any, y: Any, **options: Any) -> tuple[Array, Array]:
        """Return X and y as scikit-learn checks them."""
        X, y = validate_data(self, X, y, **options)
        return X, y

    def _fit_targets(self, targets: Array, X: Array, going_on: bool) -> Array:
        """Return targets for samples whose own steps are known."""
        return targets

    def _ends(self, X: Array) -> str:
        """Return how long samples are, in words, if not all are as long as the longest."""
        ends = self._inputs.padding_starts(X)
        if ends is None or ends.min() == ends.max():
            return ""
        return f", of which {ends.min()} to {ends.max()} are a sample's own"

    # -- Lava ---------------------------------------------------------------------------------

    def to_lava(self, *, noise: Any = AS_TRAINED, **options: Any) -> Any:
        """Return the network as one Lava Process with ports ``a_in`` and ``s_out``.

        Parameters
        ----------
        noise : NoiseModel, a list of one per neuron, or None, optional
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

    def from_lava(self, process: Any) -> Self:
        """Take over the weights, biases and angles of a running Process of :meth:`to_lava`.

        Call it inside the ``with runtime(...)`` block.

        Parameters
        ----------
        process : SQSNetwork
            A Process of the same network.

        Returns
        -------
        SQSNN
            Itself.

        Raises
        ------
        TypeError, ValueError
            If the Process holds another network.
        NotFittedError
            If the network has not been fitted.
        """
        check_is_fitted(self)
        parameters = process.read_parameters()
        self.spec_.check_parameters(parameters)
        self.parameters_ = {**self.parameters_, **parameters}
        return self

    def run_in_lava(
        self,
        X: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        noise: Any = AS_TRAINED,
        seed: int | None = None,
        run_cfg: Any = None,
        watch: bool = False,
    ) -> Array:
        """Return the visible spikes of samples one after the other, from a run inside Lava.

        The same as :meth:`simulate` returns for the same seed.

        Parameters
        ----------
        X : array_like, shape (n, ...)
            Samples, laid out as in `fit`.
        lengths, mask : array_like, shape (n,) and (n, T), optional
            See :meth:`simulate`.
        noise : NoiseModel, a list of one per neuron, or None, optional
            Another noise than in training; None is noiseless.
        seed : int, optional
            None is ``seed_``.
        run_cfg : RunConfig, optional
            None is ``SQSSimCfg()``.
        watch : bool
            Show spikes, rates and purities of the layers meanwhile, as ``runtime(...).watch()``.

        Returns
        -------
        ndarray of int8, shape (n, T + depth, C)

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value.
        """
        shown = check_flag("watch", watch)
        return self._in_lava(self._check_X(X, lengths, mask), noise, seed, run_cfg, shown)

    def _in_lava(
        self, X: Array, noise: Any, seed: int | None, run_cfg: Any = None, watch: bool = False
    ) -> Array:
        key = self._key(seed)
        inputs = self._inputs.encode_all(X, key)
        process = self._to_lava(noise, seed=key, n_steps=inputs.shape[1])
        run_network = load("lava_sqs.execution.networks:run_network")
        spikes: Array = run_network(process, inputs, run_cfg, progress=self.verbose, watch=watch)
        return spikes
