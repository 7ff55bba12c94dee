"""Every public constructor and function, with arguments that are right and what kind they are."""

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import qutip
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.lif.process import LIF
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nasty import Kind, anything, array, choice, flag, instance, integer, is_integer, real, text

import lava_sqs as sq
from lava_sqs import data, hardware, network, neurons, optimizers, plot, quantum, study
from lava_sqs.network import estimator, gradient
from lava_sqs.proc.sqsnn.process import SQSNetwork
from lava_sqs.quantum import NoiseModel, ansatz, diagnostics
from lava_sqs.quantum.noise import NoisePerNeuron


@functools.cache
def BACKEND():  # a constant that takes a second
    return pytest.importorskip("qiskit_ibm_runtime.fake_provider").FakeManilaV2()


@functools.cache
def FITTED():
    return sq.SQSNN((), n_steps=2, updates=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])


PAPER, LAYERED = ansatz.paper(), ansatz.layered()
NOISE = NoiseModel(t1=1e-4, t2=8e-5)
TRAINS = {
    "trains": [[1, 0], [0, 1], [1, 1]],
    "currents": [[0.5, 0.7], [0.2, 0.9], [0.4, 0.6]],
    "ansatz": PAPER,
    "theta": [0.3, 0.2, 0.1],
}


@functools.cache
def CALIBRATED():
    return NoiseModel.fit(**TRAINS, start=NOISE, free="p_read1_given0")


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes
    ----------
    call : callable
    right : callable
        Returns keyword arguments that are accepted.
    kinds : mapping of str to Kind
        The arguments to spoil.
    check : callable
        Of the result and the arguments; raises if what was accepted is not what was asked for.
    cost : float
        How much dearer a call is than others: it gets fewer inputs.
    also : mapping of str to str
        Other words by which a message may name an argument.
    """

    call: Callable[..., Any]
    right: Callable[[], dict[str, Any]]
    kinds: Mapping[str, Any]
    check: Callable[[Any, dict[str, Any]], None] = lambda result, arguments: None
    cost: float = 1.0
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def keeps(*names):
    """Check that the result has what it was given."""

    def check(result, arguments):
        for name in names:
            if name in arguments and arguments[name] is not None:
                assert getattr(result, name) == arguments[name], name

    return check


def has_shape(result, arguments):
    """Check the shape of Processes and the seed, when it was given."""
    shape = arguments["shape"]
    assert result.shape == (tuple(shape) if isinstance(shape, (tuple, list)) else (shape,))
    if arguments.get("seed") is not None:
        assert result.seed == arguments["seed"]


def shape(value):
    """Whether a shape is one: of positive integers."""
    axes = value if isinstance(value, (tuple, list)) else (value,)
    return bool(axes) and all(is_integer(n) and n >= 1 for n in axes)


def some_shape():
    """A shape; of large ones only the refusal is checked."""
    kind = anything()
    return type(kind)(lambda value: None if shape(value) else False)


def per_axis(minimum):
    """One integer, or two."""
    one = integer(minimum)

    def may(value):
        if isinstance(value, (tuple, list)):
            return len(value) == 2 and all(one.may(v) is not False for v in value)
        return one.may(value)

    return type(one)(may)


SEED = integer(0).optional()
RESET = {"reset_interval": integer(1).optional(), "reset_offset": integer(0)}
NAMES = {"name": text().optional(), "log_config": instance().optional()}
NOISES = instance(NoiseModel).optional()
TRAIN_KINDS = {
    "trains": array(),
    "currents": array(),
    "ansatz": instance(ansatz.Ansatz),
    "theta": array(),
}
SIZE = {
    "shape": ("size",),
    "memory_qubits": ("size",),
    "copies": ("batch",),
}  # of its Population
NEURONS = {
    "shape": some_shape(),
    "copies": integer(1, 10**5).optional(),  # a Process stays for ever, with its memory
    "current_scale": real().optional(),
    "bias": array(),
    "seed": SEED,
    **RESET,
    **NAMES,
}
SQS = {
    **NEURONS,
    "io_qubits": integer(1).optional(),
    "memory_qubits": integer(1).optional(),
    "ansatz": anything(),
    "layers": integer(1).optional(),
    "theta": array().optional(),
    "noise": NOISES,
    "backend": choice(*quantum.population.BACKENDS).optional(),
    "dtype": anything(),
    "record": anything(),
}


def per_qubit(low, high):
    """One number, or one per qubit."""
    one = real(low, high, finite=False)

    def may(value):
        if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind in "iuf":
            value = value.tolist()
        if isinstance(value, (tuple, list)):
            return bool(value) and all(one.may(v) is not False for v in value)
        if isinstance(value, range):
            return None
        return one.may(value)

    return type(one)(may)


PROBABILITY, RATIO = real(0, 1), real(0)
COUNT = {"temperature": 2.0, "reset_interval": 6}


def _draw(function, **arguments):
    if "ax" not in arguments:
        arguments["ax"] = Figure().subplots()
    result = function(**arguments)
    assert isinstance(result, Axes)
    return result


def drawn(function, right, cost=4.0, also=None, **kinds):
    """Return the target of a plot."""
    kinds.setdefault("ax", instance(Axes).optional())
    return Target(functools.partial(_draw, function), right, kinds, cost=cost, also=also or {})


@functools.cache
def spec():
    """Return a network to describe."""
    return network.feed_forward(4, (3,), 2, network.SQSNeuron(PAPER))


def parameters():
    """Return its parameters."""
    rng = np.random.default_rng(0)
    return {
        layer.name: network.LayerParams(
            {s: rng.normal(size=(layer.size, spec().width(s))) for s in layer.sources},
            np.zeros(layer.size),
            layer.neuron.initial(layer.size, rng),
        )
        for layer in spec().layers
    }


@functools.cache
def result_of_a_study():
    """Return what a study found."""
    return sq.Study(
        "memory_capacity", grid={"memory_qubits": [1, 2]}, base={"ansatz": "delay"}
    ).run(progress=False)


@functools.cache
def vectors():
    """Return Pauli vectors (T, K, 4)."""
    population = quantum.Population(PAPER, size=2, seed=0)
    return population.run(np.full((5, 2), 0.5), record=("memory",)).memory


def evaluation():
    """Return an Evaluation."""
    return network.Evaluation(0.5, (0.4, 0.6), "samples", np.eye(2, dtype=int), 2, 1, 3.0)


def fitted(**arguments):
    """Fit a classifier to next to nothing."""
    rng = np.random.default_rng(0)
    X, y = rng.random((8, 3)), np.arange(8) % 2
    return sq.SQSNN(**arguments).fit(arguments.pop("X", X), arguments.pop("y", y))


def regressed(**arguments):
    """Fit a regressor to next to nothing."""
    rng = np.random.default_rng(0)
    return sq.SQSNNRegressor(**arguments).fit(rng.random((8, 3)), np.arange(8.0))


def studied(**arguments):
    """Make a study and say what it is."""
    made = sq.Study(**arguments)
    repr(made)
    return made


def running(**arguments):
    """Make a context, do not start it."""
    return sq.runtime(**arguments)


UNIT = array(lambda x: None if x.size == 0 or (x.min() >= 0 and x.max() <= 1) else False)
EXISTING = anything()
NMNIST = ("n_train", "n_test", "n_steps", "step_us", "merge", "pool")

TARGETS = {
    "SQS": Target(sq.SQS, lambda: {"shape": (2, 3), "seed": 1}, SQS, has_shape, also=SIZE),
    "LearningSQS": Target(
        sq.LearningSQS,
        lambda: {"shape": 3, "role": "hidden", "seed": 1},
        {
            **SQS,
            "backend": choice("instrument").optional(),
            "role": choice("hidden", "visible"),
            "lr_theta": RATIO,
            "lr_bias": RATIO,
            "lr_weights": RATIO,
            "gamma": PROBABILITY,
            "window": integer(0, 50).optional(),
            "optimizer": choice("adam", "sgd"),
            "momentum": real(0, 1 - 1e-12).optional(),
            "clip": real(0, strictly=True).optional(),
            "update_interval": integer(1).optional(),
            "baseline": real(0, 1, strictly=True).optional(),
        },
        has_shape,
        also=SIZE,
    ),
    "LearningSQS, count": Target(
        sq.LearningSQS,
        lambda: {**COUNT, "shape": 3, "role": "visible", "objective": "count", "seed": 1},
        {
            "role": choice("hidden", "visible"),
            "objective": choice("count"),
            "reset_interval": integer(2, 50),
            "reset_offset": choice(1),
            "temperature": real(0, strictly=True),
            "lag": integer(0, 5).optional(),
            "pull": real(0).optional(),
        },
        has_shape,
    ),
    "CountSoftmax": Target(
        sq.CountSoftmax,
        lambda: {**COUNT, "n_classes": 2, "n_channels": 6},
        {
            "n_classes": integer(2),
            "n_channels": integer(1),
            "temperature": real(0, strictly=True),
            "reset_interval": integer(2),
            "copies": integer(1, 10**5).optional(),  # a Process stays for ever, with its memory
            **NAMES,
        },
        keeps("temperature", "reset_interval"),
        also={"n_classes": ("n_channels",)},
    ),
    "QLIF": Target(
        sq.QLIF,
        lambda: {"shape": (2, 3), "seed": 1},
        {
            **NEURONS,
            "decay": array(lambda x: None if x.size == 0 or x.min() > 0 else False),
            "threshold": array(
                lambda x: None if x.size == 0 or (x.min() > 0 and x.max() <= 1) else False
            ),
            "gain": array(lambda x: None if x.size == 0 or x.min() > 0 else False),
            "shots": integer(1),
        },
        has_shape,
        also=SIZE,
    ),
    "StochasticLIF": Target(
        sq.StochasticLIF,
        lambda: {"shape": (2, 3), "seed": 1},
        {
            **NEURONS,
            "leak": array(
                lambda x: None if x.size == 0 or (x.min() >= 0 and x.max() <= 1) else False
            ),
            "threshold": array(),
            "gain": array(lambda x: None if x.size == 0 or x.min() > 0 else False),
        },
        has_shape,
        also=SIZE,
    ),
    "SQSLayer": Target(
        network.SQSLayer,
        lambda: {"size": 3},
        {
            "size": integer(1),
            "memory_qubits": integer(1).optional(),
            "ansatz": anything(),
            "layers": integer(1, 5).optional(),
            "noise": NOISES,
            "spread": real(0),
            "recurrent": flag(),
        },
        keeps("size", "memory_qubits"),
    ),
    "LIFLayer": Target(
        network.LIFLayer,
        lambda: {"size": 3},
        {"size": integer(1), "leak": real(0, 1 - 1e-12, strictly=True), "recurrent": flag()},
        keeps("size"),
    ),
    "QLIFLayer": Target(
        network.QLIFLayer,
        lambda: {"size": 3},
        {
            "size": integer(1),
            "shots": integer(1),
            "leak": real(0, 1 - 1e-12, strictly=True),
            "recurrent": flag(),
        },
        keeps("size", "shots"),
    ),
    "Conv2D": Target(
        network.Conv2D,
        lambda: {"out_channels": 2, "kernel_size": 3},
        {
            "out_channels": integer(1),
            "kernel_size": per_axis(1),
            "stride": per_axis(1),
            "padding": per_axis(0),
            "kind": instance(neurons.Neuron).optional(),
        },
        keeps("out_channels"),
    ),
    "network.NeuronLayer": Target(
        network.NeuronLayer,
        lambda: {"size": 3, "kind": neurons.LIFNeuron()},
        {"size": integer(1), "kind": instance(neurons.Neuron), "recurrent": flag()},
        keeps("size", "kind"),
    ),
    "SQSDense": Target(
        sq.SQSDense,
        lambda: {"weights": np.ones((2, 3))},
        {
            "weights": array(lambda x: None if x.ndim == 2 and x.size else False),
            "window": integer(0),
            "gamma": PROBABILITY,
            "credit": choice("aligned", "symmetric").optional(),
            "feedback": array(lambda x: None if x.shape == (2, 3) else False).optional(),
            "decay": real(0, 1 - 1e-12).optional(),
            **RESET,
            **NAMES,
        },
        keeps("window"),
    ),
    "SQSNetwork": Target(
        SQSNetwork,
        lambda: {"spec": spec(), "parameters": parameters(), "seed": 1},
        {
            "spec": instance(network.NetworkSpec),
            "parameters": anything(),
            "n_steps": integer(1).optional(),
            "seed": SEED,
            **NAMES,
        },
        cost=2,
    ),
    "SQSLearningRule": Target(
        sq.SQSLearningRule, lambda: {"window": 0}, {"window": integer(0)}, keeps("window"), 3
    ),
    "SQSRewardRule": Target(
        sq.SQSRewardRule, dict, {"decay_exponent": integer(1).optional()}, cost=3
    ),
    "SQSSimCfg": Target(
        sq.SQSSimCfg,
        dict,
        {"select_tag": text().optional(), "backend": choice("qutip").optional()},
        keeps("select_tag", "backend"),
    ),
    "runtime": Target(
        running,
        lambda: {"process": LIF(shape=(1,)), "run_cfg": Loihi2SimCfg()},
        {
            "process": instance(),
            "run_cfg": instance(),
            "engine": choice("inline", "processes").optional(),
            "timeout": real(0, strictly=True).optional(),
            "compile_config": instance(dict).optional(),
        },
    ),
    "to_fixed_point": Target(
        sq.to_fixed_point,
        lambda: {"process": LIF(shape=(1,)), "activity": 0.5},
        {"process": instance(), "activity": real(0, 1, strictly=True)},
    ),
    "connect_learning": Target(
        sq.connect_learning,
        lambda: {
            "neurons": sq.LearningSQS(shape=2, role="visible", seed=1),
            "connection": sq.SQSDense(weights=np.ones((2, 3)), window=1),
        },
        {"neurons": instance(), "connection": instance()},
        cost=2,
    ),
    "connect_count": Target(
        lambda first, last, n_classes: sq.connect_count(first, last, n_classes=n_classes),
        lambda: {
            "first": sq.SQSDense(weights=np.ones((2, 3)), window=5, update_interval=6),
            "last": sq.LearningSQS(**COUNT, shape=2, role="visible", objective="count"),
            "n_classes": 2,
        },
        {"first": instance(), "last": instance(), "n_classes": integer(2)},
        cost=2,
        also={"first": ("chain",), "last": ("chain",), "n_classes": ("n_channels",)},
    ),
    "instrument": Target(
        sq.instrument,
        lambda: {"ansatz": PAPER, "theta": [0.3, 0.2, 0.1], "z": 0.5},
        {"ansatz": instance(ansatz.Ansatz), "theta": array(), "z": array(), "noise": NOISES},
        cost=30,
    ),
    "Population": Target(
        sq.Population,
        lambda: {"ansatz": PAPER, "size": 3, "seed": 1},
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array().optional(),
            "size": integer(1).optional(),
            "batch": anything(),
            "noise": NOISES,
            "seed": SEED,
            "dtype": anything(),
            "backend": choice(*quantum.population.BACKENDS).optional(),
        },
        keeps("seed", "size"),
    ),
    "Population.step": Target(
        lambda **k: sq.Population(PAPER, size=2, seed=1).step(**k),
        lambda: {"currents": [0.25, 0.5]},
        {"currents": array(), "outcome": anything()},
        lambda spikes, _: operator.eq(spikes.shape, (2,)),
    ),
    "Population.run": Target(
        lambda **k: sq.Population(PAPER, size=2, seed=1).run(**k),
        lambda: {"currents": np.full((3, 2), 0.5)},
        {"currents": array(), "outcome": anything(), "record": anything(), "uniforms": anything()},
    ),
    "Population.reset": Target(
        lambda **k: sq.Population(PAPER, size=2, seed=1).reset(**k), dict, {"memory": anything()}
    ),
    "Population.state": Target(
        lambda state: setattr(sq.Population(PAPER, size=2, seed=1), "state", state),
        lambda: {"state": sq.Population(PAPER, size=2, seed=2).state},
        {"state": anything()},
    ),
    "Population.state, in part": Target(
        lambda **k: setattr(
            population := sq.Population(PAPER, size=2, seed=1), "state", {**population.state, **k}
        ),
        lambda: dict(sq.Population(PAPER, size=2, seed=2).state),
        {
            name: anything()
            for name in ("theta", "memory", "outcomes", "counters", "seed", "configuration")
        },
        also=dict.fromkeys(
            ("theta", "memory", "outcomes", "counters", "seed", "configuration"), ("state",)
        ),
    ),
    "Population.expect": Target(
        lambda **k: sq.Population(PAPER, size=2, seed=1).expect(**k),
        lambda: {"op": qutip.sigmaz()},
        {"op": instance(qutip.Qobj)},
    ),
    "NoiseModel": Target(
        NoiseModel,
        lambda: {"t1": 1e-4, "t2": 1e-4},
        {
            **{name: per_qubit(0, np.inf) for name in ("t1", "t2")},
            **{
                name: real(0)
                for name in ("gate_time_1q", "gate_time_2q", "readout_time", "idle_time")
            },
            **{
                name: per_qubit(0, 1)
                for name in (
                    *("p_depol_1q", "p_read1_given0", "p_read0_given1", "p_reset"),
                    "thermal_population",
                )
            },
            "p_depol_2q": PROBABILITY,
            "channels": anything(),
            "name": text(),
            "source": text(),
        },
    ),
    "NoiseModel.scaled": Target(NOISE.scaled, lambda: {"factor": 1}, {"factor": real(0)}),
    "NoiseModel.spread": Target(
        NOISE.spread,
        lambda: {"n": 2, "seed": 1, "t1": 0.1},
        {
            "n": integer(1, 10**5),
            "seed": SEED,
            "run": integer(0),
            "t1": anything(),  # most widths take some model out of range
            "zz": anything(),
            "nothing": anything(),
        },
        cost=5,
    ),
    "quantum.noise.NoisePerNeuron": Target(
        NoisePerNeuron, lambda: {"models": [NOISE, None]}, {"models": instance(list, tuple)}
    ),
    "quantum.noise.NoisePerNeuron.from_dict": Target(
        NoisePerNeuron.from_dict,
        lambda: {"data": NoisePerNeuron([NOISE, None]).to_dict()},
        {"data": instance(dict)},
    ),
    "NoiseModel.preset": Target(
        NoiseModel.preset, lambda: {"name": "ibm_brisbane"}, {"name": choice()}
    ),
    "NoiseModel.preset, a snapshot": Target(
        NoiseModel.preset,
        lambda: {"name": "fake_manila", "qubits": (0, 1)},
        {"qubits": anything(), "ansatz": anything(), "io_qubits": integer(1)},
        also={"io_qubits": ("qubits",)},
        cost=5,
    ),
    "NoiseModel.fit": Target(
        NoiseModel.fit,
        lambda: {**TRAINS, "start": NOISE, "free": ("p_read1_given0",)},
        {**TRAIN_KINDS, "start": instance(NoiseModel), "free": anything()},
        cost=100,
    ),
    "NoiseModel.log_likelihood": Target(
        NOISE.log_likelihood, lambda: dict(TRAINS), TRAIN_KINDS, cost=10
    ),
    "NoiseFit.intervals": Target(
        lambda **k: CALIBRATED().intervals(**k),
        lambda: {"level": 0.9},
        {"level": real(0, 1), "method": choice("wald", "profile")},
        cost=10,
    ),
    "NoiseModel.from_dict": Target(
        NoiseModel.from_dict, lambda: {"data": NOISE.to_dict()}, {"data": instance(dict)}
    ),
    "NoiseModel.from_dict, of a field": Target(
        lambda **k: NoiseModel.from_dict(k),
        NOISE.to_dict,
        {key: anything() for key in NOISE.to_dict()},
    ),
    "NoiseModel.with_channel": Target(
        NOISE.with_channel,
        lambda: {"slot": "readout", "channel": qutip.to_super(qutip.qeye(2))},
        {
            "slot": choice("after_encode", "after_circuit", "readout"),
            "channel": instance(qutip.Qobj, tuple, list, np.ndarray),
            "qubits": anything(),
        },
        cost=5,
    ),
    "NoiseModel.from_backend": Target(
        NoiseModel.from_backend,
        lambda: {"backend": BACKEND(), "qubits": (0, 1)},
        {"backend": anything(), "qubits": anything(), "io_qubits": integer(1)},
        also={"io_qubits": ("qubits",)},
        cost=20,
    ),
    **{
        f"hardware.{call.__name__}": Target(
            call,
            lambda more=more: {"ansatz": PAPER, "backend": BACKEND(), **more},
            {"ansatz": instance(ansatz.Ansatz), **dict.fromkeys(("backend", *more), anything())},
            cost=200,
        )
        for call, more in [
            (hardware.best_qubits, {}),
            (hardware.isa, {"qubits": (0, 1)}),
            (hardware.on_backend, {"steps": 2, "qubits": (0, 1)}),
        ]
    },
    "hardware.report": Target(
        hardware.report,
        lambda: {"clf": FITTED(), "backend": BACKEND(), "qubits": (0, 1)},
        {
            **dict.fromkeys(("clf", "backend", "qubits"), anything()),
            "n_samples": integer(0),
            "n_repeats": integer(1),
        },
        cost=200,
    ),
    "hardware.twin": Target(
        hardware.twin,
        lambda: {"clf": FITTED(), "device": hardware.Device(BACKEND(), qubits=(0, 1))},
        {"clf": anything(), "device": instance(hardware.Device)},
        cost=200,
    ),
    "hardware.Device": Target(
        hardware.Device,
        lambda: {"target": BACKEND(), "qubits": (0, 1)},
        {
            **dict.fromkeys(("target", "backend", "qubits", "cache", "retrieve"), anything()),
            "mode": choice("auto", "run", "sampler"),
            "max_sets_per_job": integer(1).optional(),
            "retries": integer(0, 100),
            "progress": instance(bool),
            "seed": integer(0).optional(),
        },
        cost=200,
    ),
    "hardware.Simulated": Target(hardware.Simulated, dict, {"noise": NOISES}),
    "Simulated.sample": Target(
        hardware.Simulated().sample,
        lambda: {"ansatz": PAPER, "theta": np.zeros(3), "currents": np.zeros((2, 3, 1)), "seed": 0},
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "currents": array(),
            "shots": integer(1, 10**4),
            "seed": SEED,
        },
        cost=5,
    ),
    "hardware.Perturbation": Target(
        hardware.Perturbation,
        dict,
        {"angles": real(0), "currents": real(0), "per": choice("shot", "step")},
        check=keeps("per"),
    ),
    "hardware.shots": Target(
        hardware.shots,
        lambda: {"model": network.SQSNN((2,), epochs=1), "n_samples": 10, "n_classes": 2},
        {
            "model": instance(network.SQSNN),
            "n_samples": integer(1),
            "gradient": anything(),
            "n_classes": integer(2, 10**3).optional(),
            "n_steps": integer(1).optional(),
            "n_held": integer(0),
        },
        cost=20,
    ),
    "NoiseModel.with_gate": Target(
        NOISE.with_gate,
        lambda: {"name": "CX", "qubits": (0, 1), "error": 0.01},
        {
            "name": anything(),
            "qubits": anything(),
            "error": PROBABILITY.optional(),
            "duration": anything(),
            "over_rotation": anything(),
            "channel": anything(),
            "relaxes": anything(),
        },
        cost=5,
    ),
    "NoiseModel.with_lindblad": Target(
        NOISE.with_lindblad,
        lambda: {"c_ops": [qutip.sigmam()], "duration": 1e-6, "slot": "readout"},
        {
            "c_ops": anything(),
            "hamiltonian": instance(qutip.Qobj).optional(),
            "duration": real(0),
            "slot": choice("after_encode", "after_circuit", "readout"),
            "qubits": anything(),
        },
        cost=20,
    ),
    "ansatz.layered": Target(
        ansatz.layered,
        dict,
        {name: integer(1) for name in ("io_qubits", "memory_qubits", "layers")},
        keeps("io_qubits", "memory_qubits"),
    ),
    "ansatz.delay": Target(
        ansatz.delay, dict, {"memory_qubits": integer(1), "basis": choice("z", "x")}
    ),
    "ansatz.classical_memory": Target(
        ansatz.classical_memory,
        dict,
        {
            "io_qubits": integer(1, 2),
            "memory_qubits": integer(1, 3),
            "table": choice("full", "independent", "additive"),
        },
        keeps("io_qubits", "memory_qubits"),
    ),
    "ansatz.named": Target(
        ansatz.named,
        lambda: {"name": "layered"},
        {
            "name": choice(*ansatz.NAMED),
            **{k: integer(1).optional() for k in ("io_qubits", "memory_qubits", "layers")},
        },
        also={"name": ("ansatz",)},
    ),
    "ansatz.resolve": Target(
        ansatz.resolve,
        lambda: {"ansatz": "layered"},
        {
            "ansatz": choice(*ansatz.NAMED),
            **{k: integer(1).optional() for k in ("io_qubits", "memory_qubits", "layers")},
        },
    ),
    "ansatz.from_gates": Target(
        ansatz.from_gates,
        lambda: {"gates": [("RX", 0, "a"), ("CX", (0, 1))], "io_qubits": 1, "memory_qubits": 1},
        {
            "gates": anything(),
            "io_qubits": integer(1),
            "memory_qubits": integer(1),
            "name": text(),
        },
        keeps("io_qubits", "memory_qubits", "name"),
        also={"gates": ("Gate", "gate")},
    ),
    "ansatz.from_gates, of one gate": Target(
        lambda kind, qubits, angle: ansatz.from_gates(
            [(kind, qubits, angle)], io_qubits=1, memory_qubits=1
        ),
        lambda: {"kind": "RX", "qubits": 0, "angle": "a"},
        {
            "kind": choice("RX"),
            "qubits": type(anything())(lambda v: None if not isinstance(v, (str, bool)) else False),
            "angle": type(anything())(lambda v: None if isinstance(v, str) else real().may(v)),
        },
        also=dict.fromkeys(("kind", "qubits", "angle"), ("Gate", "gate")),
    ),
    "ansatz.from_unitary": Target(
        ansatz.from_unitary,
        lambda: {"unitary": qutip.gates.cnot(), "io_qubits": 1, "memory_qubits": 1},
        {
            "unitary": instance(qutip.Qobj, np.ndarray, list, tuple),
            "io_qubits": integer(1),
            "memory_qubits": integer(1),
        },
        also={"io_qubits": ("unitary",), "memory_qubits": ("unitary",)},
        cost=2,
    ),
    "ansatz.from_qasm3": Target(
        ansatz.from_qasm3,
        lambda: {"text": PAPER.to_qasm3(), "io_qubits": 1},
        {"text": anything(), "io_qubits": integer(1), "param_names": anything()},
        also={"io_qubits": ("circuit", "text")},
        cost=5,
    ),
    "ansatz.from_qiskit": Target(
        ansatz.from_qiskit,
        lambda: {"circuit": PAPER.to_qiskit(), "io_qubits": 1},
        {"circuit": anything(), "io_qubits": integer(1), "param_names": anything()},
        also={"io_qubits": ("circuit",)},
        cost=2,
    ),
    "Ansatz.to_qiskit": Target(
        PAPER.to_qiskit,
        lambda: {"steps": 2, "theta": [0.3, 0.2, 0.1], "currents": [0.5, 0.1]},
        {"steps": integer(1).optional(), "theta": anything(), "currents": anything()},
        also={"steps": ("currents",)},
        cost=2,
    ),
    "quantum.aer_depolarizing_param": Target(
        quantum.aer_depolarizing_param,
        lambda: {"p": 0.1, "n_qubits": 1},
        {"p": PROBABILITY, "n_qubits": integer(1)},
    ),
    "quantum.depol_from_aer": Target(
        quantum.depol_from_aer,
        lambda: {"param": 0.1, "n_qubits": 1},
        {"param": real(0, 4 / 3), "n_qubits": integer(1)},
    ),
    "quantum.depol_from_gate_infidelity": Target(
        quantum.depol_from_gate_infidelity,
        lambda: {"r": 1e-3, "n_qubits": 1, "t1": 1e-4, "t2": 1e-4, "duration": 5e-8},
        {
            "r": PROBABILITY,
            "n_qubits": integer(1),
            "t1": per_qubit(0, np.inf),
            "t2": per_qubit(0, np.inf),
            "duration": real(0),
        },
        cost=20,
    ),
    "quantum.qobj_to_pauli": Target(
        quantum.qobj_to_pauli, lambda: {"rho": qutip.fock_dm(2, 0)}, {"rho": instance(qutip.Qobj)}
    ),
    "quantum.pauli_to_qobj": Target(
        quantum.pauli_to_qobj, lambda: {"vector": [1, 0, 0, 1]}, {"vector": array()}
    ),
    "quantum.pauli_labels": Target(
        quantum.pauli_labels, lambda: {"n_qubits": 1}, {"n_qubits": integer(1)}
    ),
    "quantum.superoperator_to_matrix": Target(
        quantum.superoperator_to_matrix,
        lambda: {"superoperator": qutip.to_super(qutip.qeye(2))},
        {"superoperator": instance(qutip.Qobj)},
    ),
    "quantum.matrix_to_superoperator": Target(
        quantum.matrix_to_superoperator, lambda: {"matrix": np.eye(4)}, {"matrix": array()}
    ),
    "quantum.ReferenceNeuron": Target(
        quantum.ReferenceNeuron,
        lambda: {"ansatz": PAPER, "theta": [0.3, 0.2, 0.1]},
        {"ansatz": instance(ansatz.Ansatz), "theta": array(), "noise": NOISES},
        cost=5,
    ),
    "quantum.SpikeTrainScorer": Target(
        quantum.SpikeTrainScorer,
        lambda: {"ansatz": PAPER, "theta": np.zeros((2, 3))},
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "noise": NOISES,
            "prebuild": flag(),
            "backend": choice(*quantum.engines.choose.EXACT_BACKENDS).optional(),
        },
        cost=3,
    ),
    "quantum.score_spike_train": Target(
        quantum.score_spike_train,
        lambda: {
            "ansatz": PAPER,
            "theta": np.full((2, 3), 0.3),
            "currents": np.full((4, 1, 2), 0.5),
            "spikes": np.ones((4, 1, 2), int),
        },
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "currents": array(),
            "spikes": anything(),
            "noise": NOISES,
            "signal": anything(),
            "per_sample": flag(),
            "method": choice(*quantum.scores.recorded.METHODS),
            "n_samples": integer(1, 5),
            "backend": choice(*quantum.engines.choose.EXACT_BACKENDS).optional(),
            "epsilon": real(0, strictly=True),
            "seed": SEED,
        },
        cost=3,
    ),
    "diagnostics.purity": Target(
        diagnostics.purity, lambda: {"memory": [1, 0, 0, 1]}, {"memory": anything()}
    ),
    "diagnostics.entropy": Target(
        diagnostics.entropy, lambda: {"memory": [1, 0, 0, 1]}, {"memory": anything()}
    ),
    "diagnostics.fidelity": Target(
        diagnostics.fidelity,
        lambda: {"memory": [1, 0, 0, 1], "other": [1, 0, 0, -1]},
        {"memory": anything(), "other": anything()},
    ),
    "diagnostics.memory_fidelity": Target(
        diagnostics.memory_fidelity,
        lambda: {
            "ansatz": PAPER,
            "theta": np.full((2, 3), 0.3),
            "currents": np.full((3, 2), 0.5),
            "noise": NOISE,
            "seed": 1,
        },
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "currents": array(),
            "noise": instance(NoiseModel),
            "seed": SEED,
        },
        cost=10,
    ),
    "diagnostics.memory_capacity": Target(
        diagnostics.memory_capacity,
        lambda: {"ansatz": PAPER, "theta": [0.3, 0.2, 0.1], "max_delay": 2, "washout": 5},
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "noise": NOISES,
            "currents": array(),
            "probabilities": anything(),
            "max_delay": integer(1, 6),
            "washout": integer(0, 200),
        },
        cost=10,
    ),
    **{
        f"diagnostics.{function.__name__}": Target(
            function,
            lambda: {"memory": np.eye(16)[0], "qubits": 0, "others": [1]},
            {"memory": anything(), "qubits": anything(), "others": anything()},
        )
        for function in (diagnostics.negativity, diagnostics.mutual_information)
    },
    "diagnostics.holevo_information": Target(
        diagnostics.holevo_information,
        lambda: {"ansatz": PAPER, "theta": [0.3, 0.2, 0.1], "max_delay": 2, "washout": 5},
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "noise": NOISES,
            "currents": array(),
            "probabilities": anything(),
            "max_delay": integer(0, 6),
            "washout": integer(0, 200),
            "outcomes": choice("averaged", "kept"),
        },
        cost=10,
    ),
    "diagnostics.spectral_gap": Target(
        diagnostics.spectral_gap,
        lambda: {"ansatz": PAPER, "theta": [0.3, 0.2, 0.1]},
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "noise": NOISES,
            "currents": array(),
            "probabilities": anything(),
            "n_eigenvalues": integer(1),
        },
        cost=10,
    ),
    "diagnostics.fisher_information": Target(
        diagnostics.fisher_information,
        lambda: {"ansatz": PAPER, "theta": [0.3, 0.2, 0.1], "currents": [0.5, 0.2]},
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "currents": array(),
            "noise": NOISES,
        },
        cost=10,
    ),
    **{
        f"diagnostics.{function.__name__}": Target(
            function,
            lambda: {"ansatz": PAPER, "theta": [0.3, 0.2, 0.1], "z": 0.5},
            {
                "ansatz": instance(ansatz.Ansatz),
                "theta": array(),
                "z": array(),
                "noise": NOISES,
            },
            cost=10,
        )
        for function in (diagnostics.step_channel, diagnostics.choi_matrix)
    },
    "diagnostics.capacity_from_spikes": Target(
        diagnostics.capacity_from_spikes,
        lambda: {
            "inputs": np.arange(60) % 2,
            "spikes": np.arange(120).reshape(60, 2) % 3 % 2,
            "max_delay": 2,
            "washout": 5,
        },
        {
            "inputs": array(),
            "spikes": array(),
            "max_delay": integer(0),
            "washout": integer(0),
        },
        also={"inputs": ("spikes",), "max_delay": ("inputs",), "washout": ("inputs",)},
    ),
    "optimizers.Optimizer": Target(
        optimizers.Optimizer,
        dict,
        {
            "kind": choice("adam", "sgd"),
            "momentum": real(0, 1 - 1e-12).optional(),
            "clip": real(0, strictly=True).optional(),
        },
        also={"kind": ("optimizer",)},
    ),
    "quantum.scores.published_gradient": Target(
        quantum.scores.published_gradient,
        lambda: {
            "ansatz": PAPER,
            "theta": np.full((2, 3), 0.3),
            "weights": np.ones((2, 3)),
            "history": np.ones((4, 1, 3)),
            "spikes": np.ones((4, 1, 2), int),
        },
        {
            "ansatz": instance(ansatz.Ansatz),
            "theta": array(),
            "weights": array(),
            "history": array(),
            "spikes": anything(),
            "bias": array(),
            "noise": NOISES,
            "signal": anything(),
            "n_samples": integer(1, 5),
            "epsilon": real(0, strictly=True),
            "seed": SEED,
        },
        cost=4,
        also={"history": ("spikes",)},
    ),
    "network.SQSNeuron": Target(
        network.SQSNeuron,
        lambda: {"ansatz": PAPER},
        {"ansatz": instance(ansatz.Ansatz), "noise": NOISES, "spread": real(0)},
    ),
    "network.ClassicalMemoryNeuron": Target(
        network.ClassicalMemoryNeuron,
        lambda: {"ansatz": ansatz.classical_memory()},
        {"ansatz": instance(ansatz.Ansatz), "noise": NOISES, "spread": real(0)},
    ),
    "network.QLIFNeuron": Target(network.QLIFNeuron, dict, {"shots": integer(1)}, keeps("shots")),
    "network.LIFNeuron": Target(network.LIFNeuron, dict, {"leak": real(0, 1)}),
    "network.AsPublishedNeuron": Target(network.AsPublishedNeuron, dict, {"spread": real(0)}),
    "neurons.kind_of": Target(
        neurons.kind_of, lambda: {"name": "sqs"}, {"name": choice(*neurons.kinds())}
    ),
    "neurons.register": Target(
        lambda kind: neurons.register(kind) and neurons.registry._REGISTERED.clear(),
        lambda: {"kind": type("Mine", (network.LIFNeuron,), {"name": "mine"})},
        {"kind": instance()},
    ),
    "network.LayerSpec": Target(
        lambda **k: network.NetworkSpec(4, (network.LayerSpec(**k),)),
        lambda: {
            "name": "out",
            "size": 2,
            "neuron": network.LIFNeuron(),
            "sources": ("input",),
        },
        {"name": text(), "size": integer(1), "neuron": instance(), "sources": anything()},
    ),
    "network.NetworkSpec": Target(
        network.NetworkSpec,
        lambda: {"n_inputs": 4, "layers": spec().layers},
        {"n_inputs": integer(1), "layers": anything()},
    ),
    "network.LayerParams": Target(
        lambda **k: spec().check_parameters(
            {
                **parameters(),
                "visible": network.LayerParams(**{**vars(parameters()["visible"]), **k}),
            }
        ),
        dict,
        {"weights": anything(), "bias": array(), "angles": array()},
        also={"weights": ("visible", "parameters"), "bias": ("visible",), "angles": ("visible",)},
    ),
    "network.feed_forward": Target(
        network.feed_forward,
        lambda: {"n_inputs": 4, "hidden": (3,), "n_visible": 2, "neuron": network.LIFNeuron()},
        {
            "n_inputs": integer(1),
            "hidden": anything(),
            "n_visible": integer(1),
            "neuron": instance(),
            "skip": flag(),
            "recurrent": flag(),
        },
    ),
    "SQSNNRegressor": Target(
        regressed,
        lambda: {
            "hidden_layer_sizes": (2,),
            "n_readout": 4,
            "n_steps": 3,
            "epochs": 1,
            "random_state": 0,
        },
        {
            "hidden_layer_sizes": anything(lambda v: shape(v) and np.prod(v, dtype=float) > 100),
            "n_readout": integer(1, 50),
            "time_constant": real(0),
            "per_step": flag().optional(),
            "readout_learning_rate": real(0, strictly=True).optional(),
            "n_steps": integer(1),
            "epochs": integer(1, 5),
            "updates": integer(1).optional(),
            "optimizer": choice(*optimizers.OPTIMIZERS),
            "weight_decay": real(0),
            "augment": anything(),
            "callbacks": anything(),
        },
        cost=20,
    ),
    "SQSNN": Target(
        fitted,
        lambda: {
            "hidden_layer_sizes": (2,),
            "n_steps": 3,
            "epochs": 1,
            "n_draws": 2,
            "random_state": 0,
        },
        {
            "hidden_layer_sizes": anything(lambda v: shape(v) and np.prod(v, dtype=float) > 100),
            "memory_qubits": integer(1).optional(),
            "ansatz": anything(),
            "layers": integer(1, 5).optional(),
            "neuron": choice(*neurons.kinds()),
            "noise": NOISES,
            "rule": choice(*gradient.RULES),
            "window": integer(0),
            "input_kind": choice("static", "sequence", "spikes").optional(),
            "channels_first": flag().optional(),
            "encoder": choice(*data.ENCODERS),
            "scaling": choice(*data.encoders.SCALINGS),
            "n_steps": integer(1),
            "n_population": integer(2),
            "skip": flag(),
            "recurrent": flag(),
            "neurons_per_class": integer(1),
            "targets": choice(*gradient.TARGETS),
            "shots": integer(1),
            "readout": choice(*network.readout.READOUTS),
            "time_constant": real(0),
            "epochs": integer(1, 5),
            "updates": integer(1).optional(),
            "batch_size": integer(1),
            "optimizer": choice(*optimizers.OPTIMIZERS),
            "weight_decay": real(0),
            "augment": anything(),
            "callbacks": anything(),
            "learning_rate": real(0, strictly=True).optional(),
            "hidden_learning_rate": real(0).optional(),
            "schedule": choice(*estimator.SCHEDULES),
            "n_draws": integer(1),
            "sparsity": real(0),
            "discount": PROBABILITY,
            "early_stopping": flag(),
            "validation_fraction": real(0, 1, strictly=True),
            "n_iter_no_change": integer(1),
            "random_state": anything(),
            "verbose": Kind(lambda v: isinstance(v, bool) or (is_integer(v) and v >= 0)),
            "warm_start": flag(),
            "resume": flag(),
        },
        cost=40,
        also={
            "early_stopping": ("validation_fraction",),
            "resume": ("checkpoint",),
            "random_state": ("seed", "RandomState"),
        },
    ),
    "data.rate": Target(
        data.rate,
        lambda: {"x": [[0.5, 0.25]], "n_steps": 3, "seed": 0},
        {"x": UNIT, "n_steps": integer(1), "seed": SEED, "uniforms": anything()},
    ),
    "data.latency": Target(
        data.latency,
        lambda: {"x": [[0.5, 0.25]], "n_steps": 3},
        {"x": UNIT, "n_steps": integer(1)},
    ),
    "data.current": Target(
        data.current,
        lambda: {"x": [[0.5, 0.25]], "n_steps": 3},
        {"x": array(), "n_steps": integer(1)},
    ),
    "data.population": Target(
        data.population, lambda: {"x": [[0.5, 0.25]]}, {"x": UNIT, "n_neurons": integer(2)}
    ),
    "data.Dataset": Target(
        data.Dataset,
        lambda: {
            "x_train": np.ones((4, 2)),
            "y_train": np.arange(4) % 2,
            "x_test": np.ones((2, 2)),
            "y_test": np.arange(2),
            "source": "here",
        },
        {
            "x_train": anything(),
            "y_train": anything(),
            "x_test": anything(),
            "y_test": anything(),
            "source": text(),
        },
    ),
    "data.bin_events": Target(
        data.bin_events,
        lambda: {"events": {k: np.array([0, 1]) for k in "xypt"}, "size": (2, 2), "bins": 4},
        {
            "events": anything(),
            "size": anything(),
            "bins": integer(1),
            "window": real(0, strictly=True),
            "start": real(),
            "unit": anything(),
            "fields": anything(),
            "sparse": anything(),
        },
        also={"events": ("size",), "size": ("bins",), "window": ("bins",), "fields": ("events",)},
    ),
    "data.EventFrames": Target(
        data.EventFrames,
        lambda: {"dataset": [({"t": [0], "x": [0]}, 1)], "size": (2,), "bins": 3},
        {"dataset": anything(), "pool": integer(1)},
    ),
    "data.load_events": Target(
        data.load_events,
        lambda: {"path": "nowhere", "size": (2, 2), "bins": 3},
        {"path": EXISTING, "seed": SEED},
    ),
    "data.pool_events": Target(
        data.pool_events,
        lambda: {"counts": np.ones((1, 4, 2, 4, 4), np.uint8)},
        {"counts": array(), "time": integer(1), "space": integer(1)},
    ),
    "data.load_digits": Target(
        data.load_digits, dict, {"test_fraction": real(0, 1, strictly=True), "seed": SEED}, cost=30
    ),
    **{
        f"data.{name}": Target(getattr(data, name), lambda: {"path": "nowhere"}, {"path": EXISTING})
        for name in (
            "load_npz",
            "load_japanese_vowels",
            "read_nmnist_events",
            "read_events",
            "load_shd",
            "load_dvs_gesture",
        )
    },
    "data.Shift": Target(
        data.Shift,
        lambda: {"pixels": 1, "shape": (2, 3)},
        {"pixels": integer(1), "shape": anything(), "between": flag()},
    ),
    "data.windows": Target(
        data.windows,
        lambda: {"series": np.arange(9.0), "length": 3},
        {
            "series": anything(),
            "length": integer(1, 8),
            "horizon": integer(1, 6),
            "stride": integer(1),
        },
    ),
    "data.load_santa_fe": Target(
        data.load_santa_fe,
        lambda: {"path": "nowhere"},
        {"path": EXISTING, "window": anything()},
        also={"window": ("path",)},
    ),
    "data.load_nmnist": Target(
        data.load_nmnist,
        lambda: {"path": "nowhere"},
        {
            "path": EXISTING,
            **dict.fromkeys(NMNIST, anything()),
        },
        also=dict.fromkeys(
            ("n_train", "n_test", "n_steps", "step_us", "merge", "pool"), ("path", "nowhere")
        ),
    ),
    "Study": Target(
        studied,
        lambda: {"task": "memory_capacity", "grid": {"memory_qubits": [1, 2]}},
        {
            "task": anything(),
            "grid": instance(dict).optional(),
            "points": anything(),
            "base": instance(dict).optional(),
            "seed": integer(0),
            "on_invalid": choice("raise", "skip"),
            "options": instance(dict).optional(),
        },
        also=dict.fromkeys(("grid", "points", "base"), ("point", "parameter")),
    ),
    "Study, of a value": Target(
        lambda **k: sq.Study("memory_capacity", base=k),
        dict,
        {
            "memory_qubits": integer(1),
            "ansatz": anything(),
            "layers": integer(1),
        },
        also={"ansatz": ("circuit",)},
        cost=3,
    ),
    "study.noise_from": Target(
        lambda **k: study.noise_from({f"noise.{name}": value for name, value in k.items()}),
        lambda: {"t1": 1e-4, "t2_over_t1": 1.0},
        {
            "t1": anything(),
            "t2_over_t1": anything(),
            "p_depol_1q_over_2q": anything(),
            "scaled": anything(),
        },
        also={"t2_over_t1": ("t2",), "p_depol_1q_over_2q": ("p_depol_1q",), "scaled": ("factor",)},
    ),
    "study.circuit_from": Target(
        lambda **k: study.circuit_from(k),
        lambda: {"memory_qubits": 1},
        {"memory_qubits": integer(1), "ansatz": anything(), "layers": integer(1)},
    ),
    "study.Stop": Target(
        study.Stop,
        dict,
        {
            **{k: integer(1).optional() for k in ("max_shots", "max_errors", "max_batches")},
            "target_width": real(0, strictly=True).optional(),
            "level": real(0, 1, strictly=True),
        },
    ),
    "study.Counts": Target(
        study.Counts,
        lambda: {"kind": "shots", "shots": 10, "errors": 1},
        {
            "kind": choice("shots", "samples", "values"),
            "shots": integer(0),
            "errors": integer(0),
            "value_sum": real(),
            "value_sq": real(),
            "sample_errors": anything(),
        },
    ),
    "study.Counts.of_shots": Target(
        study.Counts.of_shots,
        lambda: {"shots": 10, "errors": 1},
        {"shots": integer(0), "errors": integer(0)},
    ),
    "study.Counts.of_samples": Target(
        study.Counts.of_samples,
        lambda: {"errors": [0, 1], "repeats": 2},
        {"errors": anything(), "repeats": integer(1)},
        also={"errors": ("sample_errors",)},
    ),
    "study.Counts.of_values": Target(
        study.Counts.of_values, lambda: {"values": [0.5, 1.0]}, {"values": array()}
    ),
    "study.interval": Target(
        study.interval,
        lambda: {"counts": study.Counts.of_shots(100, 3)},
        {"counts": instance(study.Counts), "level": real(0, 1, strictly=True)},
    ),
    "study.read_rows": Target(study.read_rows, lambda: {"path": "nowhere"}, {"path": EXISTING}),
    "study.combine": Target(
        study.combine, lambda: {"paths": ["nowhere"]}, {"paths": anything()}, also={"paths": ("",)}
    ),
    "study.MemoryCapacityTask": Target(
        study.MemoryCapacityTask,
        dict,
        {
            "circuits": integer(1),
            "max_delay": integer(1),
            "measure": choice("linear", "information"),
        },
    ),
    "study.Accuracy": Target(
        study.Accuracy,
        dict,
        {
            "data": anything(),
            "classes": anything(),
            "repeats": integer(1),
            "train_seed": integer(0),
            "keep": anything(),
        },
    ),
    "study.Training": Target(
        study.Training,
        dict,
        {
            "data": anything(),
            "classes": anything(),
            "networks": integer(1),
            "train_size": integer(1).optional(),
            "test_size": integer(1).optional(),
        },
    ),
    "study.quantised": Target(
        study.quantised,
        lambda: {"model": object(), "bits": 4},
        {"model": anything(), "bits": integer(1)},
        also={"bits": ("model",)},
    ),
    "plot.network": drawn(plot.network, lambda: {"process": sq.SQS(shape=2)}, process=anything()),
    "plot.raster": drawn(
        plot.raster,
        lambda: {"spikes": np.eye(3, dtype=int)},
        spikes=anything(),
        size=real(0, strictly=True).optional(),
    ),
    "plot.spike_probability": drawn(
        plot.spike_probability,
        lambda: {"p_spike": np.full((3, 2), 0.5)},
        p_spike=anything(),
        neurons=anything(),
        spikes=anything(),
    ),
    "plot.bloch_trajectory": drawn(
        plot.bloch_trajectory,
        lambda: {"memory": vectors(), "ax": Figure().add_subplot(projection="3d")},
        40,
        memory=anything(),
        neuron=anything(),
        qubit=integer(0),
        line=anything(),
        label=anything(),
    ),
    "plot.memory_purity": drawn(
        plot.memory_purity, lambda: {"memory": vectors()}, memory=anything(), neurons=anything()
    ),
    "plot.memory_entropy": drawn(
        plot.memory_entropy, lambda: {"memory": vectors()}, memory=anything(), neurons=anything()
    ),
    "plot.sensitivity_kernel": drawn(
        plot.sensitivity_kernel,
        lambda: {"kappa": np.ones((4, 2))},
        kappa=anything(),
        label=anything(),
    ),
    "plot.memory_capacity": drawn(
        plot.memory_capacity,
        lambda: {"capacity": diagnostics.MemoryCapacity(np.ones(3))},
        capacity=anything(),
        value=choice("linear", "information"),
        label=anything(),
    ),
    "plot.learning_curve": drawn(
        plot.learning_curve,
        lambda: {"curves": [0.5, 0.25]},
        curves=anything(),
        value=choice("loss", "accuracy"),
        chance=real().optional(),
        label=anything(),
    ),
    "plot.confusion_matrix": drawn(
        plot.confusion_matrix,
        lambda: {"evaluation": evaluation()},
        evaluation=anything(),
        labels=anything(),
        normalize=anything(),
        colorbar=anything(),
    ),
    "plot.draw_circuit": drawn(
        plot.draw_circuit,
        lambda: {"ansatz": PAPER},
        20,
        ansatz=instance(ansatz.Ansatz),
        theta=array().optional(),
    ),
    "plot.draw_time_step": drawn(plot.draw_time_step, dict, 20, noise=NOISES),
    "plot.draw_presets": drawn(
        plot.draw_presets,
        lambda: {"parameter": "noise.t1", "presets": ("ibm_brisbane",)},
        parameter=anything(),
        presets=anything(),
    ),
    "plot.plot_study": drawn(
        plot.plot_study,
        lambda: {"result": result_of_a_study(), "x": "memory_qubits"},
        8,
        result=instance(study.StudyResult),
        x=choice("memory_qubits"),
        also={"x": ("parameter",), "group": ("parameter",)},
        group=anything(),
        value=anything(),
        level=real(0, 1, strictly=True),
        presets=anything(),
    ),
    "plot.plot_heatmap": drawn(
        plot.plot_heatmap,
        lambda: {"result": result_of_a_study(), "x": "memory_qubits", "y": "ansatz"},
        8,
        result=instance(study.StudyResult),
        x=choice("memory_qubits", "ansatz"),
        y=choice("memory_qubits", "ansatz"),
        value=anything(),
        also={"x": ("parameter",), "y": ("parameter",)},
        annotate=anything(),
        colorbar=anything(),
    ),
}

#: Public names that are not fuzzed, and why.
LEFT_OUT = {
    **dict.fromkeys(
        (
            *("quantum.RunResult", "quantum.diagnostics.MemoryCapacity"),
            *("quantum.diagnostics.MemoryFidelity", "network.Evaluation", "data.Scale"),
            "quantum.diagnostics.SpectralGap",
            *("study.Interval", "study.Point", "study.PointResult", "study.Progress", "study.Row"),
            *(
                "study.StudyResult",
                "quantum.Ansatz",
                "quantum.ansatz.Gate",
                "hardware.JobRecord",
                "hardware.HardwareReport",
                "hardware.LayerReport",
                "hardware.Shots",
            ),
        ),
        "results that lava_sqs makes",
    ),
    **dict.fromkeys(
        (
            "study.StoreError",
            "study.StudyError",
            "study.StudyWarning",
            "quantum.WrapWarning",
            "hardware.DeviceError",
        ),
        "exceptions and warnings",
    ),
    **dict.fromkeys(("hardware.Twin", "hardware.Shift"), "classes without arguments"),
    **dict.fromkeys(("network.Neuron", "neurons.BoundNeuron"), "protocols"),
    "quantum.diagnostics.diamond_distance": "needs CVXPY; its arguments are those of step_channel",
    **dict.fromkeys(("cli.build_parser", "cli.main"), "the command line: tests/commands"),
    **dict.fromkeys(
        ("testing.NeuronCheck", "testing.check_neuron", "testing.neuron_checks"),
        "what holds neurons of others: tests/conformance",
    ),
    **dict.fromkeys(
        ("quantum.noise.Channel", "quantum.noise.GateNoise", "quantum.noise.depolarizing"),
        "what NoiseModel is made of: its methods check what they are given",
    ),
    **dict.fromkeys(
        ("quantum.instrument.Program", "quantum.instrument.compile_program"),
        "the inside of quantum.instrument, which checks its arguments",
    ),
    "use_inline": "takes no arguments",
    "execution.run_network": "starts Lava: tests/network/test_in_lava.py",
    "neurons.BaseNeuron": "an abstract base",
    "neurons.StepNeuron": "an abstract base",
    "neurons.RunOut": "what a run hands over, made by neurons",
    "neurons.kinds": "takes no arguments",
    "quantum.NoiseFit": "the result of NoiseModel.fit",
    "quantum.OnlineScores": "the inside of LearningSQS, which checks its arguments",
    "quantum.ansatz.paper": "takes no arguments",
    "data.load_mnist": "without a file it asks the network; with one it is load_npz",
    "data.load_usps": "without a file it asks the network; with one it is load_npz",
}
