"""SQS in networks of stock Lava Processes: every connection, loops, hierarchies, LIF's place."""

from functools import partial

import numpy as np
import pytest
from lava.magma.core.decorator import implements
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from scipy.signal import convolve
from scipy.sparse import csr_matrix
from scipy.stats import binomtest

from lava_sqs import SQS, Population, ansatz, runtime

STEPS = 20
RNG = np.random.default_rng(3)
CONFIGS = {
    "floating_pt": partial(Loihi2SimCfg, select_tag="floating_pt"),
    "fixed_pt": partial(Loihi2SimCfg, select_tag="fixed_pt"),
}


def spikes_of(shape, rate=0.5):
    """Return a spike train (*shape, T)."""
    return (np.random.default_rng(7).random((*shape, STEPS)) < rate).astype(int)


def assert_is_twin(sqs, scale):
    """The spikes of *sqs* follow from the a_in that it recorded."""
    saw, size = sqs.recording, int(np.prod(sqs.shape))
    twin = Population(sqs.ansatz, size=size, seed=sqs.seed)
    z = scale * saw.a_in + sqs.bias.init
    np.testing.assert_array_equal(
        saw.s_out.ravel(),
        twin.run(z.reshape(len(z), size, *z.shape[1 + len(sqs.shape) :])).spikes.ravel(),
    )


def conv_output(weight, x):
    """Convolve x (W, H, 1) with weight (C_out, W, H, 1)."""
    return np.stack([convolve(x, w, mode="valid")[..., 0] for w in weight], axis=-1)


WEIGHTS = RNG.integers(-8, 16, (6, 5)) * 2  # even: signed fixed-point weights lose their last bit
KERNEL = RNG.integers(-4, 6, (2, 3, 3, 1)) * 2


def delay_dense(scale):
    delays = np.arange(30).reshape(6, 5) % 3

    def output(train):
        out = np.zeros((STEPS, 6))
        for t in range(STEPS):
            for i, j in np.ndindex(6, 5):
                sent = t - 1 - delays[i, j]
                out[t, i] += scale * WEIGHTS[i, j] * (train[sent, j] if sent >= 0 else 0)
        return out

    return DelayDense(weights=scale * WEIGHTS, delays=delays), output


def shifted(function):
    """Return what a stock connection delivers: the result of the step before, first zeros."""

    def output(train):
        results = np.array([function(x) for x in train])
        return np.concatenate([np.zeros_like(results[:1]), results[:-1]])

    return output


CONNECTIONS = {
    "Dense": lambda s: (Dense(weights=s * WEIGHTS), shifted(lambda x: s * WEIGHTS @ x)),
    "Sparse": lambda s: (
        Sparse(weights=csr_matrix(s * WEIGHTS)),
        shifted(lambda x: s * WEIGHTS @ x),
    ),
    "DelayDense": delay_dense,
    "Conv": lambda s: (
        Conv(weight=s * KERNEL, input_shape=(5, 4, 1)),
        shifted(lambda x: conv_output(s * KERNEL, x)),
    ),
}


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("kind", CONNECTIONS)
def test_behind_and_before_stock_connections(kind, config):
    """What arrives is what the connection computes, and the spikes go on through a Dense."""
    fixed = config == "fixed_pt"
    connection, output = CONNECTIONS[kind](1 if fixed else 1 / 64)
    train = spikes_of(connection.s_in.shape)
    source = RingBuffer(data=train)
    sqs = SQS(shape=connection.a_out.shape, seed=2, bias=0.1, record=("a_in", "s_out"))
    after = Dense(weights=np.eye(sqs.s_out.size, dtype=int) * 2)
    decay = 4095 if fixed else 1  # complete: the readout repeats what arrives
    readout = LIF(shape=(sqs.s_out.size,), du=decay, dv=decay, vth=1)
    monitor = Monitor()
    source.s_out.connect(connection.s_in)
    connection.a_out.connect(sqs.a_in)
    sqs.s_out.flatten().connect(after.s_in)
    after.a_out.connect(readout.a_in)
    monitor.probe(readout.s_out, STEPS)
    with runtime(source, CONFIGS[config]()) as net:
        net.run(STEPS)
        seen = monitor.get_data()[readout.name]["s_out"]
    expected = output(np.moveaxis(train, -1, 0))
    assert expected.any()
    np.testing.assert_allclose(sqs.recording.a_in, expected, atol=1e-14)
    assert_is_twin(sqs, 2**-6 if fixed else 1.0)
    spikes = sqs.recording.s_out.reshape(STEPS, -1)
    assert 0 < spikes.mean() < 1
    np.testing.assert_array_equal(seen[1:], spikes[:-1])


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize("io_qubits", [1, 2])
def test_shapes(shape, io_qubits):
    sqs = SQS(shape=shape, io_qubits=io_qubits, seed=1, record=("a_in", "s_out"))
    dense = Dense(weights=np.random.default_rng(0).uniform(0, 0.2, (sqs.a_in.size, 5)))
    source = RingBuffer(data=spikes_of((5,)))
    source.s_out.connect(dense.s_in)
    dense.a_out.reshape(sqs.a_in.shape).connect(sqs.a_in)
    with runtime(source, CONFIGS["floating_pt"]()) as net:
        net.run(STEPS)
    assert sqs.recording.s_out.shape == (STEPS, *sqs.a_in.shape)
    assert_is_twin(sqs, 1.0)


def test_a_recurrent_loop():
    """Two populations drive each other: x_a(t) = W_a s_b(t - 1) and x_b(t) = W_b s_a(t - 1)."""
    w_a, w_b = RNG.uniform(-0.1, 0.2, (4, 6)), RNG.uniform(-0.1, 0.2, (6, 4))
    a = SQS(shape=4, seed=1, bias=0.1, record=("s_out",))
    b = SQS(shape=6, seed=2, record=("s_out",))
    to_a, to_b = Dense(weights=w_a), Dense(weights=w_b)
    a.s_out.connect(to_b.s_in)
    to_b.a_out.connect(b.a_in)
    b.s_out.connect(to_a.s_in)
    to_a.a_out.connect(a.a_in)
    with runtime(a, CONFIGS["floating_pt"]()) as net:
        net.run(60)
    twin_a = Population(ansatz.layered(), size=4, seed=1)
    twin_b = Population(ansatz.layered(), size=6, seed=2)
    s_a, s_b = np.zeros(4, bool), np.zeros(6, bool)
    for t in range(60):
        # The sums in the order in which Dense makes them: equal to the last bit.
        x_a, x_b = w_a[:, s_b].sum(axis=1), w_b[:, s_a].sum(axis=1)
        s_a, s_b = twin_a.step(1.0 * x_a + 0.1).astype(bool), twin_b.step(x_b).astype(bool)
        np.testing.assert_array_equal(a.recording.s_out[t], s_a)
        np.testing.assert_array_equal(b.recording.s_out[t], s_b)
    assert a.recording.s_out.any()
    assert b.recording.s_out.any()


def test_self_connection():
    sqs = SQS(shape=3, seed=1, bias=0.4, record=("a_in", "s_out"))
    dense = Dense(weights=0.25 * np.eye(3))
    sqs.s_out.connect(dense.s_in)
    dense.a_out.connect(sqs.a_in)
    with runtime(sqs, CONFIGS["floating_pt"]()) as net:
        net.run(STEPS)
    np.testing.assert_array_equal(sqs.recording.a_in[1:], 0.25 * sqs.recording.s_out[:-1])
    assert_is_twin(sqs, 1.0)


class Layer(AbstractProcess):
    """A hierarchical Process: Dense and SQS behind the ports of one layer."""

    def __init__(self, *, weights, seed):
        super().__init__(weights=weights, seed=seed)
        self.s_in = InPort(shape=(weights.shape[1],))
        self.s_out = OutPort(shape=(weights.shape[0],))
        self.p_spike = Var(shape=(weights.shape[0],), init=0.0)
        self.bias = Var(shape=(weights.shape[0],), init=0.0)


@implements(proc=Layer, protocol=LoihiProtocol)
class LayerModel(AbstractSubProcessModel):
    def __init__(self, proc):
        weights = proc.proc_params["weights"]
        self.dense = Dense(weights=weights)
        self.sqs = SQS(shape=weights.shape[:1], seed=proc.proc_params["seed"])
        proc.in_ports.s_in.connect(self.dense.s_in)
        self.dense.a_out.connect(self.sqs.a_in)
        self.sqs.s_out.connect(proc.out_ports.s_out)
        proc.vars.p_spike.alias(self.sqs.p_spike)
        proc.vars.bias.alias(self.sqs.bias)


def test_inside_a_hierarchical_process():
    weights, train = RNG.uniform(0, 0.2, (4, 5)), spikes_of((5,))
    source, layer, monitor = RingBuffer(data=train), Layer(weights=weights, seed=3), Monitor()
    source.s_out.connect(layer.s_in)
    monitor.probe(layer.s_out, STEPS)
    twin, expected, x = Population(ansatz.layered(), size=4, seed=3), [], np.zeros(4)
    with runtime(source, Loihi2SimCfg(select_tag="floating_pt", select_sub_proc_model=True)) as net:
        net.run(STEPS - 5)
        layer.bias.set(np.full(4, 0.25))
        net.run(5)
        p_spike = layer.p_spike.get()
        seen = monitor.get_data()[layer.name]["s_out"]
    for t in range(STEPS):
        expected.append(twin.step(x + 0.25 * (t >= STEPS - 5)))
        x = weights[:, train[:, t].astype(bool)].sum(axis=1)
    np.testing.assert_array_equal(seen, expected)
    np.testing.assert_array_equal(p_spike, twin.p_spike)


@pytest.mark.parametrize("config", CONFIGS)
def test_takes_the_place_of_a_lif_layer(config):
    """LIF-Dense-LIF in which one constructor call is another; nothing else changes."""

    def network(neurons):
        source = LIF(shape=(5,), bias_mant=30, vth=1)
        dense = Dense(weights=WEIGHTS)
        hidden = neurons(shape=(6,))
        out, readout, monitor = Dense(weights=2 * np.eye(6, dtype=int)), LIF(shape=(6,)), Monitor()
        source.s_out.connect(dense.s_in)
        dense.a_out.connect(hidden.a_in)
        hidden.s_out.connect(out.s_in)
        out.a_out.connect(readout.a_in)
        monitor.probe(hidden.s_out, STEPS)
        with runtime(source, CONFIGS[config]()) as net:
            net.run(STEPS)
            return hidden, monitor.get_data()[hidden.name]["s_out"]

    _, classical = network(LIF)
    sqs, quantum = network(partial(SQS, seed=1, current_scale=2**-6, record=("a_in", "s_out")))
    assert classical.shape == quantum.shape == (STEPS, 6)
    np.testing.assert_array_equal(quantum, sqs.recording.s_out)
    assert sqs.recording.a_in.any()
    assert_is_twin(sqs, 2**-6)


def test_populations_with_different_seeds_are_independent():
    """Fair coins (theta_in = pi/2, no entangler): agreements are binomial.

    False alarm below 1e-6.
    """
    neurons = partial(SQS, ansatz="paper", theta=[0, 0, np.pi / 2], shape=100, record=("s_out",))
    one, two, again = neurons(seed=1), neurons(seed=2), neurons(seed=1)
    source = RingBuffer(data=np.zeros((100, 1)))
    for sqs in (one, two, again):
        source.s_out.connect(sqs.a_in)
    with runtime(source, CONFIGS["floating_pt"]()) as net:
        net.run(200)
    first, second = one.recording.s_out, two.recording.s_out
    np.testing.assert_array_equal(first, again.recording.s_out)  # the same seed: the same coins
    agreements = int((first == second).sum())
    assert binomtest(agreements, first.size, 0.5).pvalue > 1e-6 / 3
    for spikes in (first, second):
        assert binomtest(int(spikes.sum()), spikes.size, 0.5).pvalue > 1e-6 / 3
