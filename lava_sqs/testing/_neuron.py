"""A neuron under test: how it is made, run on known currents, and compared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from numpy.typing import NDArray

from lava_sqs.execution.running import SQSSimCfg, runtime
from lava_sqs.quantum import NoiseModel, Population

Array = NDArray[Any]

SHAPE, SIZE, SEED, STEPS = (2, 3), 6, 5, 24
NOISE = NoiseModel(t1=2e-5, t2=1e-5, p_depol_1q=1e-3, p_read1_given0=0.02, p_read0_given1=0.05)
#: Seconds without progress after which a run is given up: literal QuTiP neurons are slow.
PATIENCE = 60.0


@dataclass(frozen=True)
class Seen:
    """What a run showed, every step: arrays (T, ...)."""

    spikes: Array
    p_spike: Array
    state: Array


@dataclass(frozen=True)
class Neuron:
    """A neuron under test."""

    factory: Callable[..., Any]
    state: str | None
    twin: Callable[[Any], Any] | None
    atol: float

    def make(self, **arguments: Any) -> Any:
        """Return a new Process."""
        return self.factory(**{"shape": SHAPE, "seed": SEED, **arguments})

    def takes(self, argument: str) -> bool:
        """Whether the factory takes a keyword argument."""
        function = self.factory
        while isinstance(function, partial):
            function = function.func
        if isinstance(function, type):  # Lava's metaclass hides the arguments of __init__
            function = vars(function).get("__init__", function.__init__)  # type: ignore[misc]
        parameters = inspect.signature(function).parameters.values()
        return any(p.name == argument or p.kind is p.VAR_KEYWORD for p in parameters)

    @cached_property
    def sample(self) -> Any:
        """One Process to look at, never run."""
        return self.make()

    @cached_property
    def label(self) -> str:
        """What messages call the neuron."""
        return type(self.sample).__name__

    @cached_property
    def remembers_pauli_vectors(self) -> bool:
        """Whether the state is that of qubits, as of SQS."""
        return self.state is not None and self.twin is None and hasattr(self.sample, "ansatz")

    @cached_property
    def ports(self) -> tuple[int, ...]:
        """Shape of a_in and s_out."""
        return tuple(self.sample.a_in.shape)

    @cached_property
    def vars(self) -> list[str]:
        """The Vars that a user may set: those that the contracts are about."""
        names = ["bias", "theta", *([self.state] if self.state else [])]
        return [name for name in names if getattr(getattr(self.sample, name, None), "shape", None)]

    @cached_property
    def base(self) -> Seen:
        """The run that others are compared with."""
        return self.play(currents(self.ports))

    def play(self, data: Array, **arguments: Any) -> Seen:
        """Run new neurons on currents (*ports, T)."""
        return self.run(self.make(**arguments), data)

    def run(
        self,
        neurons: Any,
        data: Array,
        before_step: Callable[[Any, int], None] | None = None,
        config: Any = None,
    ) -> Seen:
        """Run neurons step by step on currents (*ports, T), with something before each step."""
        steps = data.shape[-1]
        source, sink = Source(data=data), Sink(shape=tuple(neurons.s_out.shape), buffer=steps)
        source.s_out.connect(neurons.a_in)
        neurons.s_out.connect(sink.a_in)
        p_spike, state = [], []
        with runtime(neurons, config or SQSSimCfg(), timeout=PATIENCE) as net:
            for t in range(1, steps + 1):
                if before_step is not None:
                    before_step(neurons, t)
                net.run(1)
                p_spike.append(neurons.p_spike.get())
                state.append(getattr(neurons, self.state).get() if self.state else [])
            spikes = np.moveaxis(sink.data.get(), -1, 0)
        return Seen(spikes, np.array(p_spike), np.array(state))

    def outside_lava(self, neurons: Any) -> Any:
        """Return the twin of a Process."""
        if self.twin is not None:
            return self.twin(neurons)
        return Population(
            neurons.ansatz,
            size=SIZE,
            seed=neurons.seed,
            noise=getattr(neurons, "noise", None),
            dtype=getattr(neurons, "dtype", np.float64),
            backend=getattr(neurons, "backend", None),
        )


class Only(SQSSimCfg):
    """Run one model of a Process class, by its place, and remember what models it has."""

    def __init__(self, kind: type, index: int, select_tag: str) -> None:
        super().__init__(select_tag=select_tag)
        self._kind, self._index = kind, index
        self.models: list[Any] = []

    def select(self, process: Any, proc_models: list[Any]) -> Any:
        if type(process) is not self._kind:
            return super().select(process, proc_models)
        self.models = proc_models
        return proc_models[self._index]


def currents(ports: tuple[int, ...], steps: int = STEPS) -> Array:
    """Return currents (*ports, T) below and above zero, on a grid that fixed_pt can carry."""
    return np.random.default_rng(0).integers(-16, 48, (*ports, steps)) / 64


def same(what: str, got: Any, want: Any, atol: float = 0.0) -> None:
    """Raise unless two arrays agree; NaN agrees with nothing."""
    got, want = np.asarray(got), np.asarray(want)
    require(got.shape == want.shape, f"{what} has shape {got.shape}, expected {want.shape}.")
    wrong = ~(np.abs(got - want) <= atol)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{what}: {int(wrong.sum())} of {wrong.size} values differ; the first at index {where} "
            f"is {got[where]}, expected {want[where]}."
        )


def require(condition: Any, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def differ(what: str, one: Any, other: Any) -> None:
    require((np.asarray(one) != np.asarray(other)).any(), f"{what} are the same.")


@contextmanager
def refusal(what: str, kinds: tuple[type[Exception], ...], *words: str) -> Iterator[None]:
    """Raise unless the block raises one of *kinds* with all *words* in its text."""
    try:
        yield
    except kinds as error:
        missing = [word for word in words if word not in str(error)]
        require(not missing, f"{what}: the error does not say {missing}. It says: {error}")
        return
    names = " or ".join(kind.__name__ for kind in kinds)
    raise AssertionError(f"{what} was accepted; expected {names}.")
