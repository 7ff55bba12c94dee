"""The built-in tasks about networks: one that is trained, tested under noise; or trained again."""

from __future__ import annotations

import copy
import dataclasses
import fcntl
import functools
import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs import _seeds
from lava_sqs._checks import check_int, check_items, check_text, describe
from lava_sqs._errors import (
    ArgumentTypeError,
    ArgumentValueError,
    ParameterTypeError,
    ParameterValueError,
)
from lava_sqs.study.counts import Counts
from lava_sqs.study.plan.ids import point_id
from lava_sqs.study.plan.noise import PREFIXES, noise_from
from lava_sqs.study.store.files import lock
from lava_sqs.study.tasks.task import check_names, plain_or_hash

if TYPE_CHECKING:
    from lava_sqs.data.dataset import Dataset

__all__ = ["Accuracy", "Training", "quantised"]


_MAX_BITS = 52  # of a weight: the fraction of a float64


@functools.lru_cache(maxsize=2)
def _dataset(data: str, content: str, classes: tuple[Any, ...] | None) -> Dataset:
    """Return scikit-learn's digits, or an npz with x_train, y_train, x_test and y_test.

    *content* is its hash: workers live longer than files.
    """
    from lava_sqs.data.dataset import load_npz
    from lava_sqs.data.images import load_digits

    found = load_digits() if data == "digits" else load_npz(data)
    return found if classes is None else found.classes(*classes)


def _check_data(data: Any, classes: Any) -> None:
    check_text("data", data)
    if classes is not None:
        check_items("classes", classes)


def _data_identity(data: str) -> str:
    return data if data == "digits" else _hash_of(data)


def _hash_of(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _key(data: str, classes: Sequence[Any] | None) -> tuple[Any, ...]:
    """Return the arguments of :func:`_dataset`."""
    return data, _data_identity(data), None if classes is None else tuple(classes)


# -- testing -------------------------------------------------------------------------------------


def quantised(model: Any, bits: int) -> Any:
    r"""Return a trained network with weights of so many bits; biases and angles stay as they are.

    .. math:: w \to \Delta\,\mathrm{round}(w / \Delta), \qquad
              \Delta = \max|w| / (2^{\mathrm{bits} - 1} - 1),

    with one :math:`\Delta` per connection.

    Parameters
    ----------
    model : SQSNN
        Fitted; it is not changed.
    bits : int
        Number of bits, at least 2: minus one, zero and one times :math:`\Delta`.

    Returns
    -------
    SQSNN

    Raises
    ------
    TypeError, ValueError
        If *bits* is not an integer of at least 2.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from lava_sqs.network import LayerParams
    >>> own = LayerParams({"input": np.array([[1.0, 0.3, -0.6]])}, np.zeros(1), np.zeros((1, 3)))
    >>> coarse = quantised(SimpleNamespace(parameters_={"visible": own}), bits=2)
    >>> coarse.parameters_["visible"].weights["input"]
    array([[ 1.,  0., -1.]])
    """
    if not hasattr(model, "parameters_"):
        raise ArgumentTypeError("model", f"must be a fitted SQSNN, but got {describe(model)}.")
    levels = 2 ** (check_int("bits", bits, minimum=2, maximum=_MAX_BITS) - 1) - 1
    model = copy.copy(model)
    model.parameters_ = {name: own.copy() for name, own in model.parameters_.items()}
    for own in model.parameters_.values():
        for weights in own.weights.values():
            step = np.abs(weights).max() / levels
            if step > 0:
                # 2^(b-1) - 1 steps to either side of 0: signed integers without the most negative
                # one.
                weights[...] = step * np.round(weights / step)
    return model


def _bits(params: Mapping[str, Any]) -> int | None:
    bits = params.get("weight_bits")
    if bits in (None, "none"):
        return None
    return check_int("weight_bits", bits, minimum=2, maximum=_MAX_BITS)


def predict(model: Any, x: Any, params: Mapping[str, Any], seed: np.random.SeedSequence) -> Any:
    """Return what *model* says under the noise and with the precision of a point.

    Randomness comes from *seed*: a ``seed`` or ``random_state`` argument of predict is used; else a
    copy of the model gets a new ``random_state``.
    """
    if (bits := _bits(params)) is not None:
        model = quantised(model, bits)
    # A child of the batch's seed: which devices are drawn is independent of what they then say.
    key = _seeds.of_sequence(_seeds.sequence(_seeds.of_sequence(seed), 1))
    noise = noise_from(params, size=_takers(model, params), seed=key)
    arguments: dict[str, Any] = {} if noise is None else {"noise": noise}
    accepted = inspect.signature(model.predict).parameters
    for keyword in ("seed", "random_state"):
        if keyword in accepted:
            return np.asarray(model.predict(x, **{keyword: _seeds.of_sequence(seed)}, **arguments))
    if hasattr(model, "random_state"):
        model = copy.copy(model)
        model.random_state = _seeds.of_sequence(seed)
    return np.asarray(model.predict(x, **arguments))


def _takers(model: Any, params: Mapping[str, Any]) -> int | None:
    """Return how many neurons of a network take noise, where each gets its own."""
    if params.get("noise.spread") is None:
        return None
    layers = getattr(getattr(model, "spec_", None), "layers", ())
    found = sum(int(la.size) for la in layers if getattr(la.neuron, "takes_noise", False))
    if not found:
        raise ParameterValueError(
            "noise.spread", "needs a fitted network of this package with neurons that take noise."
        )
    return found


# -- training ------------------------------------------------------------------------------------


def _network() -> Any:
    from lava_sqs.network import SQSNN  # takes a second, and scikit-learn

    return SQSNN


def _of_training(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that say how a network is made: not those of the test."""
    own = {k: v for k, v in params.items() if k.partition(".")[0] != "noise"}
    own.pop("weight_bits", None)
    return own


def _layers(texts: tuple[Any, ...]) -> list[Any]:
    """Return the layers that a point names."""
    from lava_sqs.network.layers import from_text

    try:
        return [from_text(text) for text in texts]
    except (TypeError, ValueError) as error:
        raise ParameterValueError("layers", str(error)) from error


def _untrained(params: Mapping[str, Any], seed: int) -> Any:
    """Return the SQSNN that the parameters describe; unknown ones raise TypeError."""
    own = {
        k: tuple(v) if isinstance(v, list) else v
        for k, v in _of_training(params).items()
        if k.partition(".")[0] not in PREFIXES
    }
    network = _network()
    if isinstance(own.get("layers"), tuple):
        own["layers"] = _layers(own["layers"])
    for unknown in own.keys() - inspect.signature(network).parameters.keys():
        raise ParameterTypeError(unknown, "is not a parameter of SQSNN or of its test.")
    noise = noise_from(params, "train_noise")
    return network(**{"verbose": False, **own}, noise=noise, random_state=seed)


def _fit(model: Any, x: Any, y: Any) -> Any:
    model.fit(x, y)
    if model.interrupted_:  # Ctrl-C ends a training early, but no row may say so
        raise KeyboardInterrupt
    return model


def _fit_once(model: Any, data: Dataset, path: Path) -> Any:
    """Return the trained network of a file, which the first to come makes: others wait for it.

    A training that was killed continues from its last epoch.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file lock: workers share nothing else, and the system releases it when a process dies.
    with open(path.with_suffix(".lock"), "w") as file:
        lock(file, path, fcntl.LOCK_EX)
        # Asked under the lock: whoever waited finds the file of the one who was first.
        if not path.exists():
            partial = path.with_suffix(".training")
            model.set_params(checkpoint=partial, resume=True)
            _fit(model, data.x_train, data.y_train)
            model.set_params(checkpoint=None, resume=False).save(path)
            partial.unlink()
    return _network().load(path)


@functools.lru_cache(maxsize=8)
def _trained(params: str, data: tuple[Any, ...], seed: int, keep: str | None) -> Any:
    """Return a trained network: once per process for all the noises that it is tested under."""
    found = _dataset(*data)
    given = json.loads(params)
    model = _untrained(given, seed)
    if keep is None:
        return _fit(model, found.x_train, found.y_train)
    name = point_id([plain_or_hash(data[1:]), seed], given)
    return _fit_once(model, found, Path(keep, f"{name}.npz"))


@functools.lru_cache(maxsize=8)
def _loaded(path: str, content: str) -> Any:
    return _network().load(path)


# -- the tasks -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Errors of a trained network on fixed test samples, under the noise of the point.

    The network stays as it was trained; only the test noise changes, and with ``weight_bits`` the
    precision of its weights (:func:`quantised`). Every batch evaluates the same samples once more,
    so the interval is one over the samples.

    Parameters
    ----------
    model : object or str, optional
        Anything with ``predict(X)``, or the path of a saved :class:`~lava_sqs.SQSNN`. Its
        ``predict`` is given ``noise=`` if the point speaks of noise. None trains an SQSNN on the
        training part of *data*: parameters that are not of the test are its arguments,
        ``train_noise.*`` its noise. Each worker trains it once, and every one gets the same.
    X, y : array_like, shape (N, ...) and (N,), optional
        The test samples; None takes those of *data*.
    data : str
        ``"digits"`` (scikit-learn's), or the path of an npz as of ``lava_sqs.data.load_npz``.
    classes : sequence, optional
        Use only these labels of *data*.
    repeats : int
        Evaluations per batch.
    train_seed : int
        ``random_state`` of the training, if *model* is None.
    keep : str, optional
        Folder for trained networks, if *model* is None: then each is trained once, for all workers,
        and a killed training continues from its last epoch. No part of the rows' ids.

    Raises
    ------
    TypeError, ValueError
        If `X` and `y` do not belong together, `model` cannot predict, or a number is not a count.

    Examples
    --------
    >>> class Guess:
    ...     def predict(self, X):
    ...         return np.zeros(len(X), dtype=int)
    >>> task = Accuracy(model=Guess(), X=np.zeros((4, 2)), y=np.array([0, 0, 0, 1]))
    >>> task({}, np.random.SeedSequence(0)).estimate  # the share of errors
    0.25
    """

    model: Any = None
    X: Any = None
    y: Any = None
    data: str = "digits"
    classes: Sequence[Any] | None = None
    repeats: int = 1
    train_seed: int = 0
    keep: str | None = None

    name = "accuracy"

    def __post_init__(self) -> None:
        check_int("repeats", self.repeats, minimum=1)
        _check_data(self.data, self.classes)
        if (self.X is None) != (self.y is None):
            raise ValueError("Arguments `X` and `y` must be given both or neither.")
        if self.X is not None and len(self.X) != len(self.y):
            raise ArgumentValueError(
                "y", f"must have {len(self.X)} labels, one per sample, but has {len(self.y)}."
            )
        check_int("train_seed", self.train_seed, minimum=0)
        if self.model is None and self.X is not None:
            raise ArgumentValueError("model", "must be given with X and y: nothing to train on.")
        if not (self.model is None or isinstance(self.model, str)) and not callable(
            getattr(self.model, "predict", None)
        ):
            raise ArgumentTypeError(
                "model",
                f"must have a method predict, or be a path, but got {describe(self.model)}.",
            )
        if self.keep is not None and not isinstance(self.keep, str):
            raise ArgumentTypeError("keep", f"must be a path, but got {describe(self.keep)}.")
        if self.keep is not None and self.model is not None:
            raise ArgumentValueError("keep", "must be None with a model: nothing is trained.")

    def identity(self) -> Any:
        """Return what the rows' ids contain: the model and the samples, hashed.

        Returns
        -------
        list
            Plain data.
        """
        model = _hash_of(self.model) if isinstance(self.model, str) else plain_or_hash(self.model)
        samples = [plain_or_hash(v) for v in (self.X, self.y, self.classes)]
        return [model, *samples, _data_identity(self.data), self.repeats, self.train_seed]

    def needs(self, params: dict[str, Any]) -> dict[str, Any] | None:
        """Return what must be made once before the points that share it can continue.

        Parameters
        ----------
        params : dict
            Parameters of the point.

        Returns
        -------
        dict or None
            How the network is trained, if it is kept.
        """
        return None if self.keep is None else _of_training(params)

    def check(self, params: dict[str, Any]) -> None:
        """Raise if a point makes no sense: before anything runs.

        Parameters
        ----------
        params : dict
            Parameters of the point.

        Raises
        ------
        TypeError, ValueError
            If `SQSNN` or the test does not know the parameter or accept its value.
        """
        noise_from(params, size=1)
        if self.model is None:
            _untrained(params, self.train_seed)
        else:
            check_names(self.name, params, ("weight_bits",), noises=("noise",))
        if (
            _bits(params) is not None
            and not isinstance(self.model, str | None)
            and not hasattr(self.model, "parameters_")
        ):
            raise ParameterTypeError(
                "weight_bits", f"needs a fitted SQSNN, but the model is {describe(self.model)}."
            )

    def __call__(self, params: dict[str, Any], seed: np.random.SeedSequence) -> Counts:
        """Run one batch."""
        data = _key(self.data, self.classes)
        if self.X is not None:
            x, y = self.X, self.y
        else:
            x, y = _dataset(*data).x_test, _dataset(*data).y_test
        model = self.model
        if isinstance(model, str):
            # By its content: a file that was replaced meanwhile is another network.
            model = _loaded(model, _hash_of(model))
        elif model is None:
            own = json.dumps(_of_training(params))
            model = _trained(own, data, self.train_seed, self.keep)
        errors = np.zeros(len(y), dtype=int)
        for child in seed.spawn(self.repeats):
            errors += predict(model, x, params, child) != np.asarray(y)
        return Counts.of_samples(errors, self.repeats)


@dataclass(frozen=True)
class Training:
    """Test accuracy of networks trained again for every seed: the spread over seeds.

    ``train_noise.*`` is there while the network learns, ``noise.*`` while it is tested (without
    it: the same as in training; ``noise = "none"`` is noiseless), with weights of ``weight_bits``
    if given. Other parameters are arguments of :class:`~lava_sqs.SQSNN`.

    Parameters
    ----------
    data : str
        ``"digits"``, or the path of an npz.
    classes : sequence, optional
        Use only these labels.
    networks : int
        Trainings per batch, each with its own seed.
    train_size, test_size : int, optional
        Use only so many samples.

    Examples
    --------
    >>> task = Training(networks=2)
    >>> task({"epochs": 10}, np.random.SeedSequence(0)).shots  # doctest: +SKIP
    2
    """

    data: str = "digits"
    classes: Sequence[Any] | None = None
    networks: int = 1
    train_size: int | None = None
    test_size: int | None = None

    name = "training"

    def __post_init__(self) -> None:
        _check_data(self.data, self.classes)
        check_int("networks", self.networks, minimum=1)
        for name in ("train_size", "test_size"):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), minimum=1)

    def identity(self) -> Any:
        """Return what the rows' ids contain: every field, and the data hashed.

        Returns
        -------
        dict
            Plain data.
        """
        own = {f.name: plain_or_hash(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {**own, "data": _data_identity(self.data)}

    def check(self, params: dict[str, Any]) -> None:
        """Raise if a point makes no sense: before anything runs.

        Parameters
        ----------
        params : dict
            Parameters of the point.
        """
        noise_from(params, size=1)
        _bits(params)
        _untrained(params, 0)

    def __call__(self, params: dict[str, Any], seed: np.random.SeedSequence) -> Counts:
        """Run one batch."""
        data = _dataset(*_key(self.data, self.classes))
        x, y = data.x_train[: self.train_size], data.y_train[: self.train_size]
        x_test, y_test = data.x_test[: self.test_size], data.y_test[: self.test_size]
        values = []
        for child in seed.spawn(self.networks):
            model = _fit(_untrained(params, _seeds.of_sequence(child)), x, y)
            guess = predict(model, x_test, params, child.spawn(1)[0])
            # One number per training: the trainings are what is drawn again, not the test samples.
            values.append(float(np.mean(guess == y_test)))
        return Counts.of_values(values)
