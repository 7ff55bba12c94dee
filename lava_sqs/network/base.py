"""What every estimator of this room is: a network that is fitted, run, saved and put into Lava."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from lava_sqs import _seeds
from lava_sqs._lava import load
from lava_sqs.network.inference import AS_TRAINED, _Inference
from lava_sqs.network.inputs import Inputs
from lava_sqs.network.saved import _Saved
from lava_sqs.network.trainer import Trainer

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]


class _Network(_Saved, _Inference):
    """A network as an estimator of scikit-learn; what is learned and read out is a subclass's."""

    verbose: bool
    warm_start: bool
    random_state: Any
    n_iter_: int
    interrupted_: bool
    spikes_per_inference_: float

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

    def fit(self, X: Any, y: Any) -> Self:
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
        targets = self._read_targets(y, going_on)
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
        Trainer(self, X, targets, going_on).run()

    # -- Lava ---------------------------------------------------------------------------------

    def to_lava(self, *, noise: Any = AS_TRAINED, **options: Any) -> Any:
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

    def from_lava(self, process: Any) -> Self:
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
        self, X: Any, *, noise: Any = AS_TRAINED, seed: int | None = None, run_cfg: Any = None
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
