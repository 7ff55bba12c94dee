"""Networks of all kinds, each as a function that returns its Processes."""

import numpy as np

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyAsyncProcessModel, PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import OutPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.async_protocol import AsyncProtocol
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.io.dataloader import SpikeDataloader
from lava.proc.io.reset import Reset
from lava.proc.io.sink import Read
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF, LIFRefractory, TernaryLIF
from lava.proc.monitor.process import Monitor
from lava.proc.sdn.process import SigmaDelta
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix

from lava_sqs import (
    QLIF,
    SQS,
    LearningSQS,
    SQSDense,
    SQSLearningRule,
    SQSSimCfg,
    connect_learning,
    runtime,
)
from lava_sqs.network import SQSNN

STEPS = 40


def spikes(n, seed=0, rate=0.4):
    """Return a Source of random spikes."""
    return Source(data=(np.random.default_rng(seed).random((n, STEPS)) < rate).astype(float))


def weights(n, m, seed=1):
    """Return random weights."""
    return np.random.default_rng(seed).normal(0.4, 0.3, (n, m))


def stock():
    source, dense = spikes(4), Dense(weights=weights(5, 4))
    lif, sink = LIF(shape=(5,), vth=1.0, du=0.5, dv=0.1), Sink(shape=(5,), buffer=STEPS)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.s_out.connect(sink.a_in)
    return source, dense, lif, sink


def integers():
    source = Source(data=(np.random.default_rng(0).random((4, STEPS)) < 0.4).astype(int))
    dense = Dense(weights=np.arange(-6, 14).reshape(5, 4), num_message_bits=4)
    lif = LIF(shape=(5,), vth=9, du=1000, dv=300, bias_mant=2)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    return source, dense, lif


def recurrent():
    lif = LIF(shape=(6,), vth=1.0, du=0.5, dv=0.1, bias_mant=np.linspace(0, 0.7, 6))
    loop, delayed = Dense(weights=weights(6, 6)), DelayDense(weights=weights(6, 6, 2), delays=3)
    for each in loop, delayed:  # both add up in a_in
        lif.s_out.connect(each.s_in)
        each.a_out.connect(lif.a_in)
    return lif, loop, delayed


def virtual_ports():
    source, conv = spikes(64), Conv(weight=np.full((2, 3, 3, 1), 0.2), input_shape=(8, 8, 1))
    lif, sparse = LIF(shape=(6, 6, 2), vth=0.5), Sparse(weights=csr_matrix(weights(7, 72)))
    ternary = TernaryLIF(shape=(7,), vth_lo=-1.0, vth_hi=1.0)
    source.s_out.reshape((8, 8, 1)).connect(conv.s_in)
    conv.a_out.connect(lif.a_in)
    lif.s_out.flatten().connect(sparse.s_in)
    sparse.a_out.connect(ternary.a_in)
    return source, conv, lif, sparse, ternary


def graded():
    source, dense = spikes(3), Dense(weights=weights(4, 3), num_message_bits=8)
    sdn, back = SigmaDelta(shape=(4,), vth=0.5), Dense(weights=weights(3, 4), num_message_bits=8)
    lif = LIFRefractory(shape=(3,), vth=1.0, refractory_period=3)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(sdn.a_in)
    sdn.s_out.connect(back.s_in)
    back.a_out.connect(lif.a_in)
    return source, dense, sdn, back, lif


def buffers():
    data = [(np.full((3,), i), i) for i in range(20)]
    loader = SpikeDataloader(dataset=Images(data), interval=4)
    dense, lif = Dense(weights=weights(5, 3), num_message_bits=8), LIF(shape=(5,), vth=9.0)
    read, reset, monitor = Read(buffer=10, interval=4, offset=3), Reset(interval=6), Monitor()
    other = Monitor()
    loader.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    read.connect_var(lif.v)
    reset.connect_var(lif.u)
    monitor.probe(lif.v, STEPS)
    other.probe(lif.s_out, STEPS)
    return loader, dense, lif, read, reset, monitor, other


class Images:
    """A data set: a list of (spikes over time, label)."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        values, label = self.items[index]
        return np.repeat(values[:, None], 4, axis=1), label


def stdp():
    rule = STDPLoihi(1, 0.1, -0.1, 10, 10, t_epoch=4)
    source, dense = spikes(4), LearningDense(weights=weights(3, 4), learning_rule=rule)
    lif = LIF(shape=(3,), vth=1.0)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(lif.a_in)
    lif.s_out.connect(dense.s_in_bap)
    return source, dense, lif


def three_factors():
    source, targets = spikes(8), Source(data=np.sign(weights(3, STEPS) - 0.4))
    neurons = LearningSQS(shape=(3,), role="visible", lr_theta=0.01, lr_weights=0.01, seed=1)
    synapses = LearningDense(weights=weights(3, 8) / 9, learning_rule=SQSLearningRule(window=1))
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    connect_learning(neurons, synapses)
    targets.s_out.connect(neurons.a_third_factor_in)
    return source, targets, neurons, synapses


def ours():
    source, dense = spikes(4), Dense(weights=weights(5, 4))
    sqs = SQS(shape=5, seed=3, memory_qubits=2, current_scale=0.2, record=("p_spike", "memory"))
    link, qlif = Dense(weights=weights(6, 5)), QLIF(shape=6, seed=4, current_scale=0.2)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(sqs.a_in)
    sqs.s_out.connect(link.s_in)
    link.a_out.connect(qlif.a_in)
    return source, dense, sqs, link, qlif


def ours_learning():
    source, dense = spikes(4), SQSDense(weights=weights(3, 4) / 5, window=1)
    neurons = LearningSQS(shape=3, role="visible", lr_theta=0.05, seed=1)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    connect_learning(neurons, dense)
    return source, dense, neurons


def trained():
    rng = np.random.default_rng(0)
    clf = SQSNN((4,), n_steps=5, epochs=1, random_state=0)
    clf.fit(rng.random((20, 3)), np.arange(20) % 2)
    network, source = clf.to_lava(), spikes(3)
    sink = Sink(shape=(network.s_out.shape), buffer=STEPS)
    source.s_out.connect(network.a_in)
    network.s_out.connect(sink.a_in)
    return source, network, sink


NETWORKS = {
    each.__name__: each
    for each in (
        *(stock, integers, recurrent, virtual_ports, graded, buffers, stdp, three_factors),
        *(ours, ours_learning, trained),
    )
}


def run_small(_=None):
    """Run a network in one process; return a voltage."""
    lif, dense = LIF(shape=(2,), bias_mant=1.0, vth=2.5), Dense(weights=np.eye(2))
    lif.s_out.connect(dense.s_in)
    with runtime(lif, SQSSimCfg(), engine="inline") as net:
        net.run(5)
        return lif.v.get().tolist()


def in_a_daemon(queue):
    """Run where no child may be started."""
    queue.put(run_small())


# Processes of these tests; Lava finds models in the module of their Process ---------------------


class Counting(AbstractProcess):
    """Counts its steps, draws from NumPy's global generator, and may fail."""

    def __init__(self, *, fail_at=0, box=None, **more):
        super().__init__(fail_at=fail_at, box=box, **more)
        self.count, self.drawn = Var(shape=(1,), init=0), Var(shape=(STEPS,), init=0.0)
        self.out = OutPort(shape=(1,))


@implements(proc=Counting, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyCountingModel(PyLoihiProcessModel):
    count: np.ndarray = LavaPyType(np.ndarray, int)
    drawn: np.ndarray = LavaPyType(np.ndarray, float)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, int)

    def run_spk(self):
        self.count += 1
        if (box := self.proc_params["box"]) is not None:
            box[0] += 1
        self.drawn[self.time_step - 1] = np.random.random()  # noqa: NPY002 - what stock rules do
        if self.time_step == self.proc_params["fail_at"]:
            raise ArithmeticError("the deed is done")
        self.out.send(self.count)


class Free(AbstractProcess):
    """Has an asynchronous model."""

    def __init__(self):
        super().__init__()
        self.total = Var(shape=(1,), init=0)


@implements(proc=Free, protocol=AsyncProtocol)
@requires(CPU)
class PyFreeModel(PyAsyncProcessModel):
    total: np.ndarray = LavaPyType(np.ndarray, int)

    def run_async(self):
        self.total += self.num_steps


class Peeking(AbstractProcess):
    """Reads or writes a Var of another Process, after a step."""

    def __init__(self, *, writes=False, spk=False):
        super().__init__(writes=writes, spk=spk)
        self.seen, self.port = Var(shape=(STEPS, 1), init=0), RefPort(shape=(1,))


@implements(proc=Peeking, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyPeekingModel(PyLoihiProcessModel):
    seen: np.ndarray = LavaPyType(np.ndarray, int)
    port: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, int)

    def run_spk(self):
        if self.proc_params["spk"]:
            self.port.read()

    def post_guard(self):
        return True

    def run_post_mgmt(self):
        if self.proc_params["writes"]:
            self.port.write(np.array([10 * self.time_step]))
        else:
            self.seen[self.time_step - 1] = self.port.read()
