"""The contract of an SQS-like neuron, as checks that its authors can run.

Users of :class:`~lava_sqs.SQS` rely on more than its ports: on one seed giving one spike train, on
``p_spike`` being the law of the spikes, on resets, on errors that name the Process and the step.
:func:`check_neuron` holds any other neuron Process to that; :func:`neuron_checks` lists the same
checks one by one, for pytest or another runner (this module needs none).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.proc.dense.process import Dense
from lava.proc.io.reset import Reset
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor
from numpy.typing import NDArray

from lava_sqs._checks import check_positive
from lava_sqs._errors import ArgumentTypeError
from lava_sqs.execution.running import SQSSimCfg, runtime
from lava_sqs.quantum import NoiseModel, Population

__all__ = ["NeuronCheck", "check_neuron", "neuron_checks"]

Array = NDArray[Any]

SHAPE, SIZE, SEED, STEPS = (2, 3), 6, 5, 24
NOISE = NoiseModel(t1=2e-5, t2=1e-5, p_depol_1q=1e-3, p_read1_given0=0.02, p_read0_given1=0.05)
#: Seconds without progress after which a run is given up: literal QuTiP neurons are slow.
PATIENCE = 60.0


@dataclass(frozen=True)
class NeuronCheck:
    """One contract and a neuron; calling it raises AssertionError if the neuron breaks it.

    Attributes
    ----------
    name : str
        Name of the contract.
    contract : str
        What it says.

    Examples
    --------
    >>> from lava_sqs import SQS
    >>> check = neuron_checks(SQS)[0]
    >>> check.name
    'interface'
    >>> check()
    """

    name: str
    contract: str
    _check: Callable[[_Neuron], None] = field(repr=False)
    _neuron: _Neuron = field(repr=False)

    def __call__(self) -> None:
        """Run the check."""
        try:
            self._check(self._neuron)
        except Exception as error:
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            raise AssertionError(
                f"{self._neuron.label} breaks the contract `{self.name}`: {self.contract}\n"
                f"{kind}{error}"
            ) from error

    def __str__(self) -> str:
        return self.name


def check_neuron(
    make: Callable[..., Any],
    *,
    state: str | None = "memory",
    twin: Callable[[Any], Any] | None = None,
    atol: float = 1e-10,
) -> None:
    r"""Raise unless a neuron Process keeps the contract of an SQS-like neuron.

    Among others: with ``u_t`` the uniform numbers of child 1 of ``SeedSequence(seed)``, one per
    neuron and step in C order,

    .. math:: s_t = [u_t \ge 1 - p_t], \qquad E[s_t \mid past] = p_t .

    Parameters
    ----------
    make : callable
        The Process class, or a function or partial of it. It takes the keyword arguments ``shape``,
        ``seed``, ``bias``, ``name``, ``reset_interval`` and ``reset_offset`` as
        :class:`~lava_sqs.SQS` does, and may take ``theta``, ``noise`` and ``record``; contracts
        about arguments that it does not take do not apply. It should make neurons that sometimes
        spike and sometimes do not, for currents from -0.25 to 0.75 on top of a bias of 0.25.
    state : str or None, default "memory"
        Name of the Var that a neuron remembers with: setting it to zeros is a reset. None if
        there is none.
    twin : callable, optional
        Takes the Process and returns its model outside Lava: an object with ``step(currents)``,
        where currents have shape (6,) or (6, io_qubits) and which returns the spikes, with
        ``p_spike`` and with the attribute *state*. Without one, a neuron that has an ``ansatz`` is
        compared with the :class:`~lava_sqs.Population` of its ansatz, seed, noise and dtype.
    atol : float, default 1e-10
        How far ``p_spike`` and the state may be from the twin's; the spikes must be equal.

    Raises
    ------
    AssertionError
        Names the neuron, the contract that it breaks, and how.
    TypeError, ValueError
        If the arguments of this function are wrong.

    Examples
    --------
    >>> from functools import partial
    >>> from lava_sqs import SQS
    >>> from lava_sqs.testing import check_neuron, neuron_checks
    >>> check_neuron(partial(SQS, memory_qubits=2))  # doctest: +SKIP

    As separate tests in pytest::

        @pytest.mark.parametrize("check", neuron_checks(MyNeuron), ids=str)
        def test_my_neuron(check):
            check()

    See Also
    --------
    neuron_checks : The same checks, one by one.
    """
    for check in neuron_checks(make, state=state, twin=twin, atol=atol):
        check()


def neuron_checks(
    make: Callable[..., Any],
    *,
    state: str | None = "memory",
    twin: Callable[[Any], Any] | None = None,
    atol: float = 1e-10,
) -> list[NeuronCheck]:
    """Return the checks of :func:`check_neuron` that apply to a neuron, to be called one by one.

    Parameters
    ----------
    make, state, twin, atol
        As of :func:`check_neuron`.

    Returns
    -------
    list of NeuronCheck

    Examples
    --------
    >>> from lava_sqs import SQS
    >>> checks = neuron_checks(SQS)
    >>> print(checks[0])
    interface
    >>> checks[0]()
    >>> print(checks[-1].contract)
    The seed, and what else a running model does not follow, cannot be assigned.
    """
    for name, value in (("make", make), *((("twin", twin),) if twin is not None else ())):
        if not callable(value):
            raise ArgumentTypeError(name, f"must be callable, but got {value!r}.")
    if state is not None and not isinstance(state, str):
        raise ArgumentTypeError("state", f"must be the name of a Var or None, but got {state!r}.")
    neuron = _Neuron(make, state, twin, check_positive("atol", atol, zero=True))
    checks = []
    for function, applies in _CONTRACTS:
        if applies is None or applies(neuron):
            name = function.__name__.lstrip("_")
            contract = (function.__doc__ or "").partition("\n")[0]
            checks.append(NeuronCheck(name, contract, function, neuron))
    return checks


# What the checks share -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Seen:
    """What a run showed, every step: arrays (T, ...)."""

    spikes: Array
    p_spike: Array
    state: Array


@dataclass(frozen=True)
class _Neuron:
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
    def base(self) -> _Seen:
        """The run that others are compared with."""
        return self.play(_currents(self.ports))

    def play(self, data: Array, **arguments: Any) -> _Seen:
        """Run new neurons on currents (*ports, T)."""
        return self.run(self.make(**arguments), data)

    def run(
        self,
        neurons: Any,
        data: Array,
        before_step: Callable[[Any, int], None] | None = None,
        config: Any = None,
    ) -> _Seen:
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
        return _Seen(spikes, np.array(p_spike), np.array(state))

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


class _Only(SQSSimCfg):
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


def _currents(ports: tuple[int, ...], steps: int = STEPS) -> Array:
    """Return currents (*ports, T) below and above zero, on a grid that fixed_pt can carry."""
    return np.random.default_rng(0).integers(-16, 48, (*ports, steps)) / 64


def _same(what: str, got: Any, want: Any, atol: float = 0.0) -> None:
    """Raise unless two arrays agree; NaN agrees with nothing."""
    got, want = np.asarray(got), np.asarray(want)
    _require(got.shape == want.shape, f"{what} has shape {got.shape}, expected {want.shape}.")
    wrong = ~(np.abs(got - want) <= atol)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{what}: {int(wrong.sum())} of {wrong.size} values differ; the first at index {where} "
            f"is {got[where]}, expected {want[where]}."
        )


def _require(condition: Any, text: str) -> None:
    if not condition:
        raise AssertionError(text)


def _differ(what: str, one: Any, other: Any) -> None:
    _require((np.asarray(one) != np.asarray(other)).any(), f"{what} are the same.")


@contextmanager
def _refusal(what: str, kinds: tuple[type[Exception], ...], *words: str) -> Iterator[None]:
    """Raise unless the block raises one of *kinds* with all *words* in its text."""
    try:
        yield
    except kinds as error:
        missing = [word for word in words if word not in str(error)]
        _require(not missing, f"{what}: the error does not say {missing}. It says: {error}")
        return
    names = " or ".join(kind.__name__ for kind in kinds)
    raise AssertionError(f"{what} was accepted; expected {names}.")


# The contracts, each in the first line of a docstring ----------------------------------------


def _interface(neuron: _Neuron) -> None:
    """Ports a_in and s_out, Vars bias and p_spike of one shape; shape, seed and name to read."""
    for shape in (4, (4,), SHAPE):
        neurons = neuron.make(shape=shape, name="hidden")
        axes = (shape,) if isinstance(shape, int) else shape
        ports = tuple(neurons.a_in.shape)
        _require(ports[: len(axes)] == axes, f"a_in has shape {ports} for `shape` {shape}.")
        for name in ("s_out", "bias", "p_spike"):
            found = tuple(getattr(neurons, name).shape)
            _require(found == ports, f"{name} has shape {found}, but a_in has {ports}.")
        for name in ("bias", "p_spike", *neuron.vars):
            var = getattr(neurons, name)
            value = np.asarray(var.get())
            _require(
                value.dtype.kind in "biuf" and value.shape == tuple(var.shape),
                f"Var {name} cannot be read before the run: it gives {value.dtype} of shape "
                f"{value.shape}.",
            )
        _require(np.isnan(neurons.p_spike.get()).all(), "p_spike is not NaN before the first step.")
        _require(tuple(neurons.shape) == axes, f"shape is {neurons.shape!r}, expected {axes}.")
        _require(neurons.seed == SEED, f"seed is {neurons.seed!r}, expected {SEED}.")
        _require(neurons.name == "hidden", f"name is {neurons.name!r}, expected 'hidden'.")
    _differ("The seeds drawn for two Processes", *(neuron.make(seed=None).seed for _ in range(2)))


def _bad_arguments_are_refused(neuron: _Neuron) -> None:
    """The constructor refuses a bad argument with a ValueError or TypeError that names it."""
    bad: list[tuple[str, Any]] = [
        *(("shape", value) for value in (0, -1, (2, 0), 2.5, "ab", None)),
        *(("seed", value) for value in (-1, 1.5, "1", True)),
        *(("bias", value) for value in (np.nan, np.inf, [0.1] * 7, "a", 1j, None)),
        *(("reset_interval", value) for value in (0, -1, 2.0, "a")),
        ("reset_offset", 1),  # without a reset_interval
    ]
    if neuron.takes("theta"):
        bad += [("theta", value) for value in (np.nan, np.inf, np.zeros((7, 7)), "a", 1j)]
    if neuron.takes("noise"):
        bad += [("noise", 0.1)]
    if neuron.takes("record"):
        bad += [("record", ("no such thing",))]
    for name, value in bad:
        with _refusal(f"{name}={value!r}", (ValueError, TypeError), name):
            neuron.make(**{name: value})
    with _refusal("reset_offset=3 of reset_interval=3", (ValueError,), "reset_offset"):
        neuron.make(reset_interval=3, reset_offset=3)
    with _refusal("no_such_argument=1", (TypeError,), "no_such_argument"):
        neuron.make(no_such_argument=1)


def _one_seed_is_one_train(neuron: _Neuron) -> None:
    """The same seed gives the same spikes, 0 or 1, and another seed gives others."""
    base = neuron.base
    values = set(np.unique(base.spikes))
    _require(values == {0, 1}, f"The spikes of {STEPS} steps have the values {values}, not 0 and 1")
    again = neuron.play(_currents(neuron.ports))
    _same("Spikes of a second run", again.spikes, base.spikes)
    _same("p_spike of a second run", again.p_spike, base.p_spike)
    angles = {"theta": neuron.sample.theta.get()} if neuron.takes("theta") else {}
    other = neuron.play(_currents(neuron.ports), seed=SEED + 1, **angles)
    _differ("The spikes of two seeds", other.spikes, base.spikes)


def _one_draw_per_neuron_and_step(neuron: _Neuron) -> None:
    """A spike is u >= 1 - p_spike, u one number per neuron and step of child 1 of the seed."""
    rng = np.random.default_rng(np.random.SeedSequence(SEED).spawn(2)[1])
    u = rng.random((STEPS, *SHAPE))
    first = (..., 0) if len(neuron.ports) > len(SHAPE) else ...  # the most significant io qubit
    spikes, silence = neuron.base.spikes[first], 1 - neuron.base.p_spike[first]
    clear = np.abs(u - silence) > 1e-6
    _require(clear.mean() > 0.9, "p_spike is not a number, or hardly ever one of its own.")
    _same("Spikes", np.where(clear, spikes, 0), np.where(clear, u >= silence, 0))


def _p_spike_is_the_law(neuron: _Neuron) -> None:
    """Given the past, the mean of a spike is p_spike: 400 steps with noise, within 5 sigma."""
    noise = {"noise": NOISE} if neuron.takes("noise") else {}
    saw = neuron.play(_currents(neuron.ports, 400), bias=0.25, **noise)
    p = saw.p_spike
    _require(((p >= 0) & (p <= 1)).all(), f"p_spike lies in [{p.min()}, {p.max()}].")
    # Sums of martingale differences: over all steps, and over those of either half of p.
    for chosen in (p >= 0, p < np.median(p), p >= np.median(p)):
        excess, sigma = (saw.spikes - p)[chosen].sum(), np.sqrt((p * (1 - p))[chosen].sum())
        _require(
            abs(excess) <= 5 * sigma + 1e-9,
            f"{excess:+.1f} spikes more than p_spike says, but sigma is {sigma:.1f}.",
        )


def _equals_its_twin(neuron: _Neuron) -> None:
    """Spikes bit for bit, p_spike and state within atol, are those of the twin outside Lava."""
    for noise in ({"noise": None}, {"noise": NOISE}) if neuron.takes("noise") else ({},):
        neurons, data = neuron.make(bias=0.25, **noise), _currents(neuron.ports)
        twin = neuron.outside_lava(neurons)
        saw = neuron.run(neurons, data)
        z = np.moveaxis(data, -1, 0).reshape(STEPS, SIZE, *neuron.ports[len(SHAPE) :]) + 0.25
        for t in range(STEPS):
            step = f"in time step {t + 1}"
            _same(f"Spikes {step}", saw.spikes[t].ravel(), np.ravel(twin.step(z[t])))
            _same(f"p_spike {step}", saw.p_spike[t].ravel(), np.ravel(twin.p_spike), neuron.atol)
            if neuron.state is not None:
                state = np.ravel(getattr(twin, neuron.state))
                _same(f"{neuron.state} {step}", saw.state[t].ravel(), state, neuron.atol)


def _every_model_gives_the_same_train(neuron: _Neuron) -> None:
    """All models, of whatever tags, have the same spikes; the first is tagged floating_pt."""
    listed = _Only(type(neuron.sample), 0, "floating_pt")
    neuron.make().compile(listed)
    _require(
        "floating_pt" in listed.models[0].tags,
        f"An untagged configuration takes the first model, tagged {listed.models[0].tags}.",
    )
    for index, model in enumerate(listed.models):
        fixed = "fixed_pt" in model.tags
        data = _currents(neuron.ports) * (64 if fixed else 1)  # current_scale is 2**-6 there
        config = _Only(listed._kind, index, "fixed_pt" if fixed else "floating_pt")
        saw = neuron.run(neuron.make(), data.astype(int) if fixed else data, config=config)
        what = f"{model.__name__}, tagged {', '.join(model.tags)}"
        _same(f"Spikes of {what}", saw.spikes, neuron.base.spikes)


def _shape_is_only_a_view(neuron: _Neuron) -> None:
    """Neurons are counted in C order: those of shape (6,) are those of shape (2, 3)."""
    flat = (SIZE, *neuron.ports[len(SHAPE) :])
    saw = neuron.play(_currents(neuron.ports).reshape(*flat, STEPS), shape=(SIZE,))
    _same("Spikes", saw.spikes, neuron.base.spikes.reshape(STEPS, *flat))
    _same("p_spike", saw.p_spike, neuron.base.p_spike.reshape(STEPS, *flat))


def _watching_changes_nothing(neuron: _Neuron) -> None:
    """One long run under Monitors sees what single steps, read in between, have shown."""
    neurons = neuron.make()
    source, monitors = Source(data=_currents(neuron.ports)), {}
    source.s_out.connect(neurons.a_in)
    for name in ("s_out", "p_spike", *([neuron.state] if neuron.state else [])):
        monitors[name] = Monitor()
        monitors[name].probe(getattr(neurons, name), STEPS)
    with runtime(neurons, SQSSimCfg(), timeout=PATIENCE) as net:
        net.run(STEPS)
        seen = {name: monitor.get_data()[neurons.name][name] for name, monitor in monitors.items()}
    _same("Spikes under a Monitor", seen["s_out"], neuron.base.spikes)
    _same("p_spike under a Monitor", seen["p_spike"], neuron.base.p_spike)
    if neuron.state:
        _same(f"{neuron.state} under a Monitor", seen[neuron.state], neuron.base.state)


def _recordings_are_what_happened(neuron: _Neuron) -> None:
    """What `record` names is in `recording`, one row per step, also after the end."""
    names = ("s_out", "p_spike", *([neuron.state] if neuron.state else []))
    neurons = neuron.make(record=names)
    saw = neuron.run(neurons, _currents(neuron.ports))
    for name, want in zip(names, (saw.spikes, saw.p_spike, saw.state), strict=False):
        _same(f"Recording of {name}", neurons.recording[name], want)


def _vars_can_be_set(neuron: _Neuron) -> None:
    """A Var set while the network is up counts from the next step on, and no other changes."""
    base, data = neuron.base, _currents(neuron.ports)
    _require("bias" in neuron.vars, "There is no Var bias.")

    def set_bias(neurons: Any, t: int) -> None:
        if t == 4:
            neurons.bias.set(np.full(neuron.ports, 0.25))

    later = np.where(np.arange(1, STEPS + 1) >= 4, 0.25, 0.0)
    saw, want = neuron.run(neuron.make(), data, set_bias), neuron.play(data + later)
    _differ("p_spike with another bias", want.p_spike, base.p_spike)
    _same("p_spike after bias.set()", saw.p_spike, want.p_spike)
    if "theta" in neuron.vars:
        theta = np.random.default_rng(1).uniform(-3, 3, neuron.sample.theta.shape)
        anew = {"reset_interval": STEPS, "reset_offset": 13}

        def set_theta(neurons: Any, t: int) -> None:
            if t == 13:
                neurons.theta.set(theta)
                _same("theta just after theta.set()", neurons.theta.get(), theta)

        saw = neuron.run(neuron.make(**anew), data, set_theta)
        want = neuron.play(data, theta=theta, **anew)
        _differ("p_spike with other angles", want.p_spike[:12], saw.p_spike[:12])
        _same("p_spike after theta.set()", saw.p_spike[12:], want.p_spike[12:], neuron.atol)
    if neuron.state is not None:

        def set_state(neurons: Any, t: int, state: str = neuron.state) -> None:
            if t == 13:
                getattr(neurons, state).set(base.state[5])  # as it was after 6 steps

        data = np.concatenate([data[..., :12], data[..., 6:18]], axis=-1)
        saw = neuron.run(neuron.make(), data, set_state)
        _same(f"p_spike after {neuron.state}.set()", saw.p_spike[12], base.p_spike[6], neuron.atol)


def _setting_what_is_there_changes_nothing(neuron: _Neuron) -> None:
    """A Var set to the value that it has leaves the spikes as they are."""

    def set_all(neurons: Any, t: int) -> None:
        if t % 3 == 2:
            for name in neuron.vars:
                getattr(neurons, name).set(getattr(neurons, name).get())

    saw = neuron.run(neuron.make(), _currents(neuron.ports), set_all)
    _same("Spikes", saw.spikes, neuron.base.spikes)
    _same("p_spike", saw.p_spike, neuron.base.p_spike, neuron.atol)


def _a_reset_forgets_and_takes_no_input(neuron: _Neuron) -> None:
    """With reset_interval the past and a_in of that step do not count; draws go on as before."""
    neurons = partial(neuron.make, bias=0.125, reset_interval=6, reset_offset=2)
    data = _currents(neuron.ports)
    other = data.copy()
    other[..., :8] = 0.5 - data[..., :8]  # time step 8 is a reset
    one, two = neuron.run(neurons(), data), neuron.run(neurons(), other)
    _differ("p_spike of different inputs before a reset", one.p_spike[:7], two.p_spike[:7])
    _same("p_spike from the reset on", one.p_spike[7:], two.p_spike[7:])
    fresh = neuron.play(np.zeros((*neuron.ports, 1)), bias=0.125)
    for t in (2, 8, 14, 20):
        _same(f"p_spike of the reset in step {t}", one.p_spike[t - 1], fresh.p_spike[0])
    again = neuron.run(neurons(), np.take(data, (np.arange(STEPS) + 4) % 6, axis=-1))
    _differ("Spikes on the same currents after two resets", again.spikes[1:7], again.spikes[7:13])


def _zeros_written_by_a_stock_reset_forget(neuron: _Neuron) -> None:
    """A stock Reset of the state Var, which writes zeros through a port, restarts the neurons."""
    assert neuron.state is not None
    data = _currents(neuron.ports)
    neurons, reset = neuron.make(), Reset(interval=24, offset=6)  # writes after time step 7
    reset.connect_var(getattr(neurons, neuron.state))
    saw, fresh = neuron.run(neurons, data), neuron.play(data[..., 7:8])
    _same("p_spike before", saw.p_spike[:7], neuron.base.p_spike[:7])
    _same("p_spike of the next step", saw.p_spike[7], fresh.p_spike[0])


def _an_impossible_current_ends_the_run(neuron: _Neuron) -> None:
    """A NaN or infinite current raises, and names the Process, the time step and the reason."""
    for value in (np.nan, np.inf, -np.inf):
        neurons, data = neuron.make(name="hidden"), _currents(neuron.ports)
        data[(1, 2) + (0,) * (data.ndim - 3)][6] = value
        after = Dense(weights=np.eye(neurons.s_out.size))
        neurons.s_out.flatten().connect(after.s_in)
        with _refusal(
            f"A current of {value}", (RuntimeError,), "'hidden'", "time step 7", "finite"
        ):
            neuron.run(neurons, data)


def _an_impossible_var_ends_the_run(neuron: _Neuron) -> None:
    """A Var set to an impossible value raises, and names the Process, the time step and the Var."""
    cases: list[tuple[str, int, float]] = [(name, -1, np.nan) for name in neuron.vars]
    cases.append(("bias", 0, np.inf))
    if neuron.state and neuron.remembers_pauli_vectors:  # too long, and without a trace
        cases += [(neuron.state, -1, 1.5), (neuron.state, 0, 0.5)]
    for name, index, value in cases:

        def set_bad(
            neurons: Any, t: int, name: str = name, at: int = index, to: float = value
        ) -> None:
            if t == 3:
                bad = np.array(getattr(neurons, name).get())
                bad.flat[at] = to
                getattr(neurons, name).set(bad)

        what = f"{name} set to {value}"
        with _refusal(what, (RuntimeError,), "'hidden'", "time step 3", f"Var '{name}'"):
            neuron.run(neuron.make(name="hidden"), _currents(neuron.ports), set_bad)


def _a_var_written_through_a_port_is_checked(neuron: _Neuron) -> None:
    """An impossible state that a RefPort has written raises as one set by hand does."""
    assert neuron.state is not None
    neurons, reset = neuron.make(name="hidden"), Reset(reset_value=2, interval=24, offset=4)
    reset.connect_var(getattr(neurons, neuron.state))
    words = ("'hidden'", "time step 6", f"Var '{neuron.state}'")
    with _refusal(f"{neuron.state} set to 2", (RuntimeError,), *words):
        neuron.run(neurons, _currents(neuron.ports))


def _what_is_fixed_cannot_be_assigned(neuron: _Neuron) -> None:
    """The seed, and what else a running model does not follow, cannot be assigned."""
    for name in ("seed", "shape", *(["noise"] if neuron.takes("noise") else [])):
        with _refusal(f"Assigning to {name}", (AttributeError,), name):
            setattr(neuron.make(), name, None)


#: What applies to whom: None to all.
_CONTRACTS: tuple[tuple[Callable[[_Neuron], None], Callable[[_Neuron], bool] | None], ...] = (
    (_interface, None),
    (_bad_arguments_are_refused, None),
    (_one_seed_is_one_train, None),
    (_one_draw_per_neuron_and_step, None),
    (_p_spike_is_the_law, None),
    (_equals_its_twin, lambda n: n.twin is not None or hasattr(n.sample, "ansatz")),
    (_every_model_gives_the_same_train, None),
    (_shape_is_only_a_view, None),
    (_watching_changes_nothing, None),
    (_recordings_are_what_happened, lambda n: n.takes("record")),
    (_vars_can_be_set, None),
    (_setting_what_is_there_changes_nothing, None),
    (_a_reset_forgets_and_takes_no_input, None),
    (_zeros_written_by_a_stock_reset_forget, lambda n: n.state is not None),
    (_an_impossible_current_ends_the_run, None),
    (_an_impossible_var_ends_the_run, None),
    (_a_var_written_through_a_port_is_checked, lambda n: n.remembers_pauli_vectors),
    (_what_is_fixed_cannot_be_assigned, None),
)
