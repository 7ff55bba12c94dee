"""What a study runs: any picklable function, and the tasks that come with the package.

A task is called as ``task(params, seed)`` with the parameters of a point (a flat dict) and a
``numpy.random.SeedSequence``, and returns :class:`Counts`. It must depend on nothing else.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import inspect
import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import check_choice, check_int, describe
from lava_sqs.study.counts import Counts
from lava_sqs.study.noise import noise_from

if TYPE_CHECKING:
    from lava_sqs.data.datasets import Dataset

__all__ = [
    "TASKS",
    "Accuracy",
    "MemoryCapacityTask",
    "Task",
    "Training",
    "circuit_from",
    "identity",
    "resolve_task",
    "task_name",
]

Task = Callable[[dict[str, Any], np.random.SeedSequence], Counts]


# -- what a task is, as plain data ---------------------------------------------------------------


def _code(code: types.CodeType) -> list[Any]:
    """Return what a function does, without where it is written: comments may change."""
    constants = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    if constants and code.co_consts[0].__class__ is str:
        constants[0] = "doc"
    sets = [sorted(map(repr, c)) for c in code.co_consts if isinstance(c, frozenset)]
    constants = [c for c in constants if not str(c).startswith("frozenset(")]
    body = hashlib.sha256(code.co_code).hexdigest()
    return [body, constants, sets, list(code.co_names), list(code.co_varnames)]


def identity(task: Any) -> Any:
    """Return plain data that changes when the task changes: a part of every row's id.

    A function is its name, its compiled code and its defaults (what it calls is not looked at); a
    dataclass is its class and its fields; anything else says it itself by a method ``identity()``
    that returns plain data.

    Raises
    ------
    TypeError
        If the task is neither, or a lambda or a local function (no worker could find it).
    """
    if hasattr(task, "identity") and callable(task.identity):
        return [_qualified(type(task)), task.identity()]
    if isinstance(task, functools.partial):
        keywords = {k: _plain(v) for k, v in task.keywords.items()}
        return ["partial", identity(task.func), [_plain(v) for v in task.args], keywords]
    if inspect.isfunction(task):
        if "<" in task.__qualname__:
            raise TypeError(
                f"Argument `task` must be a function at the top level of a module, but got "
                f"{task.__qualname__}: other processes could not find it."
            )
        return [task.__qualname__, _code(task.__code__), repr(task.__defaults__)]
    if dataclasses.is_dataclass(task) and not isinstance(task, type) and callable(task):
        fields = {f.name: _plain(getattr(task, f.name)) for f in dataclasses.fields(task)}
        return [_qualified(type(task)), fields]
    raise TypeError(
        "Argument `task` must be a function, a callable dataclass, an object with a method "
        f"`identity()`, or one of {', '.join(map(repr, TASKS))}, but got {describe(task)}."
    )


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _plain(value: Any) -> Any:
    """Return plain data as it is, and a hash of anything else (arrays, models)."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    import joblib  # type: ignore[import-untyped,unused-ignore]  # comes with scikit-learn; knows how to hash arrays

    return f"sha1:{joblib.hash(value, hash_name='sha1')}"


def task_name(task: Any) -> str:
    """Return a short name for the column `task`."""
    if isinstance(task, functools.partial):
        return task_name(task.func)
    name = getattr(task, "name", None)
    return str(name or getattr(task, "__name__", type(task).__name__))


def resolve_task(task: Any, options: Mapping[str, Any] | None = None) -> Task:
    """Return a task from a name: a built-in one, or ``"module:function"``.

    Parameters
    ----------
    task : str or callable
    options : dict, optional
        Arguments of a built-in task, or keywords of a function.
    """
    options = dict(options or {})
    if isinstance(task, str):
        if ":" in task:
            module, _, attribute = task.partition(":")
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        else:
            found = TASKS[check_choice("task", task, TASKS)]
    else:
        found = task
    if inspect.isclass(found):
        found = found(**options)
    elif options:
        found = functools.partial(found, **options)
    if not callable(found):
        raise TypeError(f"Argument `task` must be callable, but got {describe(found)}.")
    made: Task = found
    return made


# -- memory capacity -----------------------------------------------------------------------------

CIRCUITS = ("layered", "paper", "delay", "delay-x")


def circuit_from(params: Mapping[str, Any]) -> Any:
    """Return the Ansatz of a point.

    Parameters
    ----------
    params : dict
        ``ansatz``: ``"layered"`` (default), ``"paper"``, ``"delay"``: the memory qubits as a
        delay line of SWAPs, so that each spike repeats the input ``memory_qubits`` steps ago, or
        ``"delay-x"``: the same, with the stored bits in superpositions, ``|+>`` and ``|->``.
        ``io_qubits``, ``memory_qubits``, ``layers``: integers, default 1.

    Returns
    -------
    Ansatz
    """
    from lava_sqs.quantum import ansatz

    name = check_choice("ansatz", params.get("ansatz", "layered"), CIRCUITS)
    io, memory, layers = (
        check_int(k, params.get(k, 1), minimum=1) for k in ("io_qubits", "memory_qubits", "layers")
    )
    if name == "layered":
        return ansatz.layered(io, memory, layers)
    if name == "paper":
        if (io, memory, layers) != (1, 1, 1):
            raise ValueError(
                f"Parameter `memory_qubits` must be 1 for ansatz='paper', but the point has io "
                f"{io}, memory {memory}, layers {layers}."
            )
        return ansatz.paper()
    if (io, layers) != (1, 1):
        raise ValueError(f"Parameters `io_qubits` and `layers` must be 1 for ansatz={name!r}.")
    # SWAP(0, 1), SWAP(0, 2), ...: the input goes into qubit 1, each next qubit takes what the one
    # before it held, and what the last one held is measured.
    gates: list[tuple[str, tuple[int, ...]]] = []
    for m in range(1, memory + 1):
        gates.append(("SWAP", (0, m)))
    if name == "delay-x":
        # What enters is turned into the X basis, what leaves is turned back.
        gates = [("H", (0,)), *gates, ("H", (0,))]
    return ansatz.from_gates(gates, io_qubits=1, memory_qubits=memory)


@dataclass(frozen=True)
class MemoryCapacityTask:
    """Short-term memory capacity of a circuit under noise: exact for each circuit drawn.

    Parameters
    ----------
    circuits : int
        Circuits per batch, with angles from U(-pi, pi); a circuit without angles is run once.
    max_delay : int
    measure : {"linear", "information"}
        Sum over the delays k >= 1 of MC_k, or of the mutual information in bits.

    See Also
    --------
    circuit_from, noise_from : the parameters of a point.
    lava_sqs.quantum.diagnostics.memory_capacity : what is computed.
    """

    circuits: int = 5
    max_delay: int = 10
    measure: str = "linear"

    name = "memory_capacity"

    def __post_init__(self) -> None:
        check_int("circuits", self.circuits, minimum=1)
        check_int("max_delay", self.max_delay, minimum=1)
        check_choice("measure", self.measure, ("linear", "information"))

    def check(self, params: dict[str, Any]) -> None:
        """Raise if a point makes no sense: before anything runs."""
        known = ("ansatz", "io_qubits", "memory_qubits", "layers")
        _check_names(self.name, params, known, noises=("noise",))
        circuit_from(params)
        noise_from(params)

    def __call__(self, params: dict[str, Any], seed: np.random.SeedSequence) -> Counts:
        """Run one batch."""
        from lava_sqs.quantum.diagnostics import memory_capacity

        circuit, noise = circuit_from(params), noise_from(params)
        rng = np.random.default_rng(seed)
        values = []
        for _ in range(self.circuits if circuit.n_params else 1):
            theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
            found = memory_capacity(circuit, theta, noise, max_delay=self.max_delay)
            per_delay = found.linear if self.measure == "linear" else found.information
            assert per_delay is not None
            values.append(float(per_delay[1:].sum()))
        return Counts.of_values(values)


def _check_names(
    task: str, params: Mapping[str, Any], known: tuple[str, ...], noises: tuple[str, ...]
) -> None:
    for name in params:
        if name in known or name in noises or name.startswith(tuple(f"{p}." for p in noises)):
            continue
        raise ValueError(
            f"The task {task!r} has no parameter `{name}`: it has {', '.join(known)} and "
            f"{', '.join(f'{p}.<field>' for p in noises)}."
        )


# -- networks ------------------------------------------------------------------------------------


def _dataset(data: str, classes: Sequence[Any] | None) -> Dataset:
    """Return scikit-learn's digits, or an npz with x_train, y_train, x_test and y_test."""
    from lava_sqs.data.datasets import load_digits, load_npz

    found = load_digits() if data == "digits" else load_npz(data)
    return found if classes is None else found.classes(*classes)


def _data_identity(data: str) -> str:
    if data == "digits":
        return data
    with open(data, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _integer(seed: np.random.SeedSequence) -> int:
    return int(seed.generate_state(1, np.uint32)[0])


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Errors of a trained network on fixed test samples, under the noise of the point.

    The network stays as it was trained; only the test noise changes. Every batch evaluates the
    same samples once more, so the interval is a bootstrap over the samples.

    Parameters
    ----------
    model : object or str, optional
        Anything with ``predict(X)``, or the path of a saved :class:`SQSNN`. Its ``predict`` is
        given ``noise=`` if the point speaks of noise. None trains an SQSNN on the training part of
        *data*: parameters that are no noise are its arguments, ``train_noise.*`` its noise. Each
        worker trains it once, and every one gets the same.
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
    """

    model: Any = None
    X: Any = None
    y: Any = None
    data: str = "digits"
    classes: Sequence[Any] | None = None
    repeats: int = 1
    train_seed: int = 0

    name = "accuracy"

    def __post_init__(self) -> None:
        check_int("repeats", self.repeats, minimum=1)
        if (self.X is None) != (self.y is None):
            raise ValueError("Arguments `X` and `y` must be given both or neither.")
        if self.X is not None and len(self.X) != len(self.y):
            raise ValueError(
                f"Argument `y` must have {len(self.X)} labels, one per sample, but has "
                f"{len(self.y)}."
            )
        check_int("train_seed", self.train_seed, minimum=0)
        if self.model is None and self.X is not None:
            raise ValueError("Argument `model` must be given with X and y: nothing to train on.")
        if not (self.model is None or isinstance(self.model, str)) and not callable(
            getattr(self.model, "predict", None)
        ):
            raise TypeError(
                f"Argument `model` must have a method predict, or be a path, but got "
                f"{describe(self.model)}."
            )

    def identity(self) -> Any:
        """Return what the rows' ids contain: the model and the samples, hashed."""
        model = self.model
        if isinstance(model, str):
            with open(model, "rb") as file:
                model = hashlib.sha256(file.read()).hexdigest()
        samples = [_plain(v) for v in (self.X, self.y, self.classes)]
        numbers = [self.repeats, self.train_seed]
        return [_plain(model), *samples, _data_identity(self.data), numbers]

    def check(self, params: dict[str, Any]) -> None:
        """Raise if a point makes no sense: before anything runs."""
        noise_from(params)
        if self.model is not None:
            _check_names(self.name, params, (), noises=("noise",))
        else:
            _untrained(params, self.train_seed)

    def __call__(self, params: dict[str, Any], seed: np.random.SeedSequence) -> Counts:
        """Run one batch."""
        if self.X is not None:
            x, y = self.X, self.y
        else:
            data = _dataset(self.data, self.classes)
            x, y = data.x_test, data.y_test
        model = self.model
        if isinstance(model, str):
            model = _load(model)
        elif model is None:
            kept = {k: v for k, v in params.items() if k.partition(".")[0] != "noise"}
            classes = None if self.classes is None else tuple(self.classes)
            model = _trained(json.dumps(kept), self.data, classes, self.train_seed)
        noise = noise_from(params)
        arguments = {} if noise is None else {"noise": noise}
        errors = np.zeros(len(y), dtype=int)
        for child in seed.spawn(self.repeats):
            guess = predict(model, x, child, **arguments)
            errors += np.asarray(guess) != np.asarray(y)
        return Counts.of_samples(errors, self.repeats)


def predict(model: Any, x: Any, seed: np.random.SeedSequence, **arguments: Any) -> Any:
    """Return ``model.predict`` with randomness from *seed*, for models that draw.

    A ``seed`` or ``random_state`` argument of predict is used; else a copy of the model gets a new
    ``random_state``.
    """
    accepted = inspect.signature(model.predict).parameters
    for keyword in ("seed", "random_state"):
        if keyword in accepted:
            return model.predict(x, **{keyword: _integer(seed)}, **arguments)
    if hasattr(model, "random_state"):
        import copy

        model = copy.copy(model)
        model.random_state = _integer(seed)
    return model.predict(x, **arguments)


def _load(path: str) -> Any:
    return _network().load(path)


def _network() -> Any:
    try:
        network = importlib.import_module("lava_sqs.network").SQSNN
    except (ImportError, AttributeError) as error:
        raise ImportError(
            "This task needs lava_sqs.network.SQSNN, which could not be imported: "
            f"{error}. Give `model` an object with a method predict."
        ) from error
    return network


def _untrained(params: Mapping[str, Any], seed: int) -> Any:
    """Return the SQSNN that the parameters describe; unknown ones raise TypeError."""
    own = {
        k: tuple(v) if isinstance(v, list) else v
        for k, v in params.items()
        if k.partition(".")[0] not in ("noise", "train_noise")
    }
    noise = noise_from(params, "train_noise")
    return _network()(**{"verbose": False, **own}, noise=noise, random_state=seed)


@functools.lru_cache(maxsize=8)
def _trained(params: str, data: str, classes: tuple[Any, ...] | None, seed: int) -> Any:
    """Return a trained network: once per process for all the noises that it is tested under."""
    found = _dataset(data, classes)
    return _untrained(json.loads(params), seed).fit(found.x_train, found.y_train)


@dataclass(frozen=True)
class Training:
    """Test accuracy of networks trained anew for every seed: the spread over seeds.

    ``train_noise.*`` is there while the network learns, ``noise.*`` while it is tested (without
    it: the same as in training; ``noise = "none"`` is noiseless). Parameters
    that are no noise are arguments of :class:`SQSNN`.

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
    """

    data: str = "digits"
    classes: Sequence[Any] | None = None
    networks: int = 1
    train_size: int | None = None
    test_size: int | None = None

    name = "training"

    def __post_init__(self) -> None:
        check_int("networks", self.networks, minimum=1)

    def identity(self) -> Any:
        """Return what the rows' ids contain: every field, and the data hashed."""
        own = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {**own, "data": _data_identity(self.data)}

    def check(self, params: dict[str, Any]) -> None:
        """Raise if a point makes no sense: before anything runs."""
        noise_from(params)
        noise_from(params, "train_noise")
        _untrained(params, 0)

    def __call__(self, params: dict[str, Any], seed: np.random.SeedSequence) -> Counts:
        """Run one batch."""
        data = _dataset(self.data, self.classes)
        x, y = data.x_train[: self.train_size], data.y_train[: self.train_size]
        x_test, y_test = data.x_test[: self.test_size], data.y_test[: self.test_size]
        values = []
        for child in seed.spawn(self.networks):
            model = _untrained(params, _integer(child)).fit(x, y)
            noise = noise_from(params)
            arguments = {} if noise is None else {"noise": noise}
            guess = predict(model, x_test, child.spawn(1)[0], **arguments)
            values.append(float(np.mean(np.asarray(guess) == y_test)))
        return Counts.of_values(values)


TASKS: dict[str, type] = {
    "memory_capacity": MemoryCapacityTask,
    "accuracy": Accuracy,
    "training": Training,
}
