"""What every SQS-like neuron Process must do, whatever it adds; see README.md in this folder.

A new neuron joins with one line in NEURONS: a function that takes the keyword arguments shape,
seed, theta, bias, noise, record, name, reset_interval, reset_offset and returns the Process.
"""

from functools import partial

import numpy as np
import pytest
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.reset import Reset
from lava.proc.io.source import RingBuffer
from lava.proc.monitor.process import Monitor

from lava_sqs import SQS, NoiseModel, Population, SQSSimCfg, ansatz, runtime

NEURONS = {
    "SQS(1,1)": SQS,
    "SQS(1,2)": partial(SQS, memory_qubits=2),
    "SQS(2,1)": partial(SQS, io_qubits=2),
    "SQS paper": partial(SQS, ansatz="paper"),
    "SQS float32": partial(SQS, dtype=np.float32),
}
CONFIGS = {
    "untagged": Loihi2SimCfg,
    "floating_pt": partial(Loihi2SimCfg, select_tag="floating_pt"),
    "fixed_pt": partial(Loihi2SimCfg, select_tag="fixed_pt"),
    "qutip": partial(SQSSimCfg, backend="qutip"),
}
NOISE = NoiseModel(t1=2e-5, t2=1e-5, p_depol_1q=1e-3, p_read1_given0=0.02, p_read0_given1=0.05)
STEPS, SHAPE = 24, (2, 3)


@pytest.fixture(params=NEURONS.values(), ids=NEURONS.keys())
def make(request):
    """A function that makes the neuron, 6 of them."""
    return partial(request.param, shape=SHAPE, seed=5)


def currents(ports, steps=STEPS, scale=1.0):
    """Return currents (*ports, T) below and above zero, on a grid that fixed_pt can carry."""
    grid = np.random.default_rng(0).integers(-16, 48, (*ports, steps))
    return grid * scale / 64


def connected(neurons, data):
    """Return a source of *data* (*ports, T), connected to *neurons*."""
    source = RingBuffer(data=data)
    source.s_out.connect(neurons.a_in)
    return source


def play(neurons, config="floating_pt", data=None, steps=STEPS):
    """Run *neurons* on *data* and return what they recorded."""
    scale = 64 if config == "fixed_pt" else 1
    data = currents(neurons.a_in.shape, steps, scale) if data is None else data
    source = connected(neurons, data)
    with runtime(source, CONFIGS[config]()) as net:
        net.run(steps)
    return neurons.recording


@pytest.mark.parametrize(
    ("config", "noise", "steps"),
    [
        ("untagged", None, STEPS),
        ("floating_pt", NOISE, STEPS),
        ("fixed_pt", None, STEPS),
        ("qutip", NOISE, 8),
    ],
    ids=CONFIGS,
)
def test_equals_the_population_of_the_same_seed(make, config, noise, steps):
    """Bit for bit under every tag; p and memory too, to rounding in the literal engine."""
    neurons = make(bias=0.25, noise=noise, record=("s_out", "p_spike", "memory", "log_likelihood"))
    saw = play(neurons, config, steps=steps)
    twin = Population(
        neurons.ansatz, size=6, seed=5, noise=noise, dtype=neurons.dtype, backend=neurons.backend
    )
    z = np.moveaxis(currents(neurons.a_in.shape, steps), -1, 0) + 0.25
    z = z.reshape(steps, 6, *z.shape[3:])
    first, last = twin.run(z[:-1]), twin.step(z[-1])  # both ways of stepping
    spikes = np.array([*first.spikes, last])
    np.testing.assert_array_equal(saw.s_out.ravel(), spikes.ravel())
    assert 0 < spikes.mean() < 1
    tolerance = 0.0 if config != "qutip" else 1e-10 if neurons.dtype == np.float64 else 3e-4
    for name in ("p_spike", "memory", "log_likelihood"):
        seen = [*getattr(first, name), getattr(twin, name)]
        np.testing.assert_allclose(
            saw[name].ravel(), np.ravel(seen), atol=tolerance, rtol=0, err_msg=name
        )


def test_p_spike_is_the_law_of_the_spikes(make):
    """Sum of (s - p) over independent steps: a martingale; alarms falsely below 1e-6 (5 sigma)."""
    neurons = make(bias=0.25, noise=NOISE, record=("s_out", "p_spike"))
    saw = play(neurons, steps=400)
    p = saw.p_spike
    assert p.min() >= 0
    assert p.max() <= 1
    assert set(np.unique(saw.s_out)) == {0, 1}
    assert abs((saw.s_out - p).sum()) < 5 * np.sqrt((p * (1 - p)).sum())


def test_another_seed_is_another_train(make):
    first = play(make(record=("s_out",))).s_out
    again = play(make(record=("s_out",))).s_out
    other = play(make(record=("s_out",), theta=make().theta.get(), seed=6)).s_out
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_monitor_on_every_var_and_port_sees_what_the_recorder_saw(make):
    neurons = make(noise=NOISE, record=("s_out", "p_spike", "memory"))
    source = connected(neurons, currents(neurons.a_in.shape))
    monitors = {}
    for name in (*neurons.vars.member_names, "s_out"):
        monitors[name] = Monitor()
        monitors[name].probe(getattr(neurons, name), STEPS)
    with runtime(source, Loihi2SimCfg(select_tag="floating_pt")) as net:
        net.run(STEPS)
        seen = {name: monitor.get_data()[neurons.name][name] for name, monitor in monitors.items()}
    assert {"theta", "bias", "memory", "p_spike", "s_out"} <= set(seen)
    for name in neurons.recording:
        np.testing.assert_array_equal(seen[name], neurons.recording[name])
    np.testing.assert_array_equal(seen["theta"], [neurons.theta.init] * STEPS)


def test_vars_can_be_set_and_read_while_the_network_is_up(make):
    neurons = make(record=("p_spike",))
    ports = neurons.a_in.shape
    twin = Population(neurons.ansatz, size=6, seed=5, dtype=neurons.dtype)
    source = connected(neurons, np.zeros((*ports, 1)))
    theta = np.random.default_rng(1).uniform(-3, 3, neurons.theta.shape)
    state = np.zeros(neurons.memory.shape)
    state[..., 0] = 1  # maximally mixed

    def check(bias):
        net.run(2)
        z = np.full((6, *ports[2:]), bias)
        twin.step(z)
        twin.step(z)
        tolerance = {"atol": 0 if neurons.dtype == np.float64 else 1e-5, "rtol": 0}
        np.testing.assert_allclose(neurons.p_spike.get().ravel(), twin.p_spike.ravel(), **tolerance)
        np.testing.assert_allclose(neurons.memory.get().ravel(), twin.memory.ravel(), **tolerance)

    with runtime(source, Loihi2SimCfg(select_tag="floating_pt")) as net:
        check(0.0)
        neurons.bias.set(np.full(ports, 0.5))
        check(0.5)
        neurons.theta.set(theta)
        twin.theta = theta.reshape(6, -1)
        check(0.5)
        np.testing.assert_array_equal(neurons.theta.get(), theta)
        neurons.memory.set(state)
        twin.reset(state.reshape(6, -1))
        check(0.5)
        neurons.memory.set(np.zeros_like(state))
        twin.reset()
        check(0.5)
    assert neurons.recording.steps == 10


@pytest.mark.parametrize("how", ["native", "stock Reset"])
def test_a_reset_forgets_and_takes_no_input(make, how):
    """Native: before step 2, 8, ... Stock Reset writes zeros at the end of step 1, 7, ..."""
    native = {"reset_interval": 6, "reset_offset": 2} if how == "native" else {}
    neurons = make(bias=0.125, record=("s_out", "memory", "p_spike"), **native)
    ports = neurons.a_in.shape
    data = currents(ports)
    source = connected(neurons, data)
    if how == "stock Reset":
        reset = Reset(interval=6, offset=0)
        reset.connect_var(neurons.memory)
    with runtime(source, Loihi2SimCfg(select_tag="floating_pt")) as net:
        net.run(STEPS)
    twin = Population(neurons.ansatz, size=6, seed=5, dtype=neurons.dtype)
    for t in range(1, STEPS + 1):
        z = data[..., t - 1] + 0.125
        if t % 6 == 2:
            twin.reset()
            z = np.full_like(z, 0.125) if how == "native" else z
        spikes = twin.step(z.reshape(6, *ports[2:]))
        np.testing.assert_array_equal(neurons.recording.s_out[t - 1].ravel(), spikes.ravel())
    assert neurons.recording.steps == STEPS


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_impossible_current_ends_the_run_with_process_and_step(make, value):
    neurons = make(name="hidden")
    data = currents(neurons.a_in.shape)
    data[(1, 2) + (0,) * (data.ndim - 3)][6] = value
    source = connected(neurons, data)
    after = Dense(weights=np.eye(neurons.s_out.size))
    neurons.s_out.flatten().connect(after.s_in)
    with (
        pytest.raises(RuntimeError, match=r"'hidden' stopped at time step 7: .*finite"),
        runtime(source, Loihi2SimCfg(select_tag="floating_pt")) as net,
    ):
        net.run(STEPS)


def run_set_run(net, var, value):
    net.run(2)
    var.set(value)
    net.run(1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("theta", np.nan), ("bias", np.inf), ("memory", np.nan), ("memory", 1.5), ("memory", 0.0)],
)
def test_an_impossible_var_ends_the_run_with_process_and_var(make, name, value):
    neurons = make(name="hidden")
    bad = np.array(getattr(neurons, name).get())
    bad.flat[-1 if value else -bad.shape[-1]] = value  # the first component is the trace
    with (
        pytest.raises(RuntimeError, match=rf"(?s)'hidden'.*time step 3.*Var '{name}'"),
        runtime(neurons, Loihi2SimCfg(select_tag="floating_pt")) as net,
    ):
        run_set_run(net, getattr(neurons, name), bad)


def test_a_var_written_through_a_port_is_checked_as_well(make):
    neurons = make(name="hidden")
    reset = Reset(reset_value=2, interval=10, offset=4)
    reset.connect_var(neurons.memory)
    with (
        pytest.raises(RuntimeError, match=r"(?s)'hidden'.*time step 6.*Var 'memory'"),
        runtime(neurons, Loihi2SimCfg(select_tag="floating_pt")) as net,
    ):
        net.run(8)


def test_what_was_fixed_cannot_be_set(make):
    neurons = make()
    for name in ("noise", "ansatz", "seed"):
        with pytest.raises(AttributeError, match=name):
            setattr(neurons, name, None)


def test_ansatz_of_the_factories_differ():
    """The suite would prove less if two entries of NEURONS were the same neuron."""
    kinds = {(make(shape=1).ansatz, make(shape=1).dtype) for make in NEURONS.values()}
    assert len(kinds) == len(NEURONS)
    assert ansatz.paper() in {kind[0] for kind in kinds}
