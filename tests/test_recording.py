"""One recorder for every Var and OutPort: what it holds is what stock Monitors see."""

import copy
import pickle

import numpy as np
import pytest
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.extractor import Extractor
from lava.proc.io.source import RingBuffer
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix

from lava_sqs import SQS
from lava_sqs.execution import base
from lava_sqs.execution.running import SQSSimCfg, runtime

RNG = np.random.default_rng(5)
STEPS = 12


def start(process, run_cfg=None):
    return runtime(process, run_cfg or SQSSimCfg(), timeout=30)


def lif(name, **kwargs):
    return LIF(**{"shape": (3,), "bias_mant": 1.0, "vth": 2.5, "name": name} | kwargs)


def chain():
    source, target = lif("source", bias_mant=np.array([1.0, 0.5, 0.25])), lif("target", vth=1e6)
    dense = Dense(weights=RNG.normal(size=(3, 3)), name="dense")
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(target.a_in)
    return source, dense, target


# The same as Monitors ------------------------------------------------------------------------


def monitored(target):
    monitor = Monitor()
    monitor.probe(target, STEPS)
    return lambda: monitor.get_data()[target.process.name][target.name]


@pytest.mark.parametrize("select_tag", ["floating_pt", "fixed_pt"])
@pytest.mark.parametrize("learns", [False, True])
def test_what_stock_monitors_see(select_tag, learns):
    source = RingBuffer(data=(RNG.random((4, 7)) < 0.4).astype(int))
    weights = RNG.integers(1, 9, (3, 4))
    if learns:
        rule = STDPLoihi(
            learning_rate=1, A_plus=1, A_minus=-1, tau_plus=10, tau_minus=10, t_epoch=2, rng_seed=3
        )
        dense = LearningDense(weights=weights, learning_rule=rule, name="dense")
    else:
        dense = Dense(weights=weights, name="dense")
    neurons = lif("neurons", vth=7, du=2048 if select_tag == "fixed_pt" else 0.5, bias_mant=1)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    if learns:
        neurons.s_out.connect(dense.s_in_bap)
    targets = [source.s_out, dense.a_out, dense.weights, neurons.v, neurons.u, neurons.s_out]
    expected = [monitored(target) for target in targets]
    with start(source, SQSSimCfg(select_tag)) as net:
        record = net.record(*targets)
        net.run(5)
        net.run(STEPS - 5)
        expected = [read() for read in expected]
    assert record.steps == STEPS
    for target, values in zip(targets, expected, strict=True):
        np.testing.assert_array_equal(record[target], values.reshape(record[target].shape))
        assert record[target].any(), target.name
    if learns:
        assert len(np.unique(record.weights, axis=0)) > 2


def test_ours_and_all_their_vars():
    sqs = SQS(shape=(2, 2), bias=0.4, seed=3, record=("s_out", "p_spike", "memory"))
    names = sqs.vars.member_names
    with start(sqs) as net:
        record = net.record(sqs.s_out, *(getattr(sqs, name) for name in names))
        net.run(STEPS)
        now = {name: getattr(sqs, name).get() for name in names}
    for name in ("s_out", "p_spike", "memory"):
        np.testing.assert_array_equal(record[name], sqs.recording[name])
    for name in names:
        np.testing.assert_array_equal(record[name][-1], now[name])


class Layer(AbstractProcess):
    """A hierarchical Process whose ports and Vars are those of its parts."""

    def __init__(self):
        super().__init__()
        self.s_out, self.both = OutPort(shape=(3,)), OutPort(shape=(3,))
        self.turned = OutPort(shape=(3, 1))
        self.v, self.nowhere = Var(shape=(3,)), Var(shape=(3,))


@implements(proc=Layer, protocol=LoihiProtocol)
class LayerModel(AbstractSubProcessModel):
    def __init__(self, proc):
        self.one, self.two = lif("one"), lif("two", bias_mant=0.5)
        self.one.s_out.connect(proc.out_ports.s_out)
        self.one.s_out.reshape((3, 1)).connect(proc.out_ports.turned)
        for part in self.one, self.two:
            part.s_out.connect(proc.out_ports.both)
        proc.vars.v.alias(self.one.v)


def test_parts_of_a_hierarchical_process():
    layer, first, second = Layer(), lif("first", vth=1e6), lif("second", shape=(3, 1), vth=1e6)
    third = lif("third", vth=1e6)
    layer.s_out.connect(first.a_in)
    layer.turned.connect(second.a_in)
    layer.both.connect(third.a_in)
    with start(layer, Loihi2SimCfg(select_tag="floating_pt", select_sub_proc_model=True)) as net:
        record = net.record(layer.v, layer.s_out, layer.turned, net.process.procs.one.u)
        with pytest.raises(ValueError, match=r"adds up 'one\.s_out', 'two\.s_out'"):
            net.record(layer.both)
        with pytest.raises(ValueError, match=r"nowhere' cannot be recorded: no model"):
            net.record(layer.nowhere)
        net.run(6)
        np.testing.assert_array_equal(record.v[-1], layer.v.get())
    np.testing.assert_array_equal(record.v[:, 0], [1, 2, 0, 1, 2, 0])
    np.testing.assert_array_equal(record.s_out[:, 0], [0, 0, 1, 0, 0, 1])
    assert record.turned.shape == (6, 3, 1)
    np.testing.assert_array_equal(record.turned[:, :, 0], record.s_out)


# Types and shapes ----------------------------------------------------------------------------


class Zoo(AbstractProcess):
    """Holds one Var of every kind, and sends in some steps only."""

    def __init__(self, *, deed="none", name=None):
        super().__init__(deed=deed, name=name)
        self.x_in = InPort(shape=(2,))
        self.s_out, self.flag_out, self.lonely = (OutPort(shape=(2,)) for _ in range(3))
        self.flags = Var(shape=(2, 1), init=False)
        self.counts = Var(shape=(2,), init=0)
        self.single = Var(shape=(3,), init=0.0)
        self.number, self.real = Var(shape=(1,), init=3), Var(shape=(1,), init=0.5)
        self.cube = Var(shape=(2, 3, 1), init=0)
        self.text = Var(shape=(3,), init="abc")
        self.waves = Var(shape=(2,), init=0.0)


@implements(proc=Zoo, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class ZooModel(PyLoihiProcessModel):
    x_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    flag_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, bool)
    lonely: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    flags: np.ndarray = LavaPyType(np.ndarray, bool)
    counts: np.ndarray = LavaPyType(np.ndarray, np.int64)
    single: np.ndarray = LavaPyType(np.ndarray, np.float32)
    number: int = LavaPyType(int, int)
    real: float = LavaPyType(float, float)
    cube: np.ndarray = LavaPyType(np.ndarray, np.int8)
    text: str = LavaPyType(str, str)
    waves: np.ndarray = LavaPyType(np.ndarray, complex)

    def run_spk(self):
        step = self.time_step
        self.flags = ~self.flags  # another object in every step
        self.counts += 2**60
        self.single += np.float32(0.1)
        self.number, self.real = self.number + 1, self.real / 2
        self.cube[0, step % 3] = step
        self.waves = self.waves + 1j
        message = np.full(2, step + 0.75)
        self.s_out.send(message)
        message[:] = -1
        if step % 2:
            self.flag_out.send(np.ones(2))
            self.lonely.send(np.full((1, 2), 0.5 * step))
        if step == 3 and self.proc_params["deed"] == "grow":
            self.counts = np.zeros(5)
        if step == 3 and self.proc_params["deed"] == "retype":
            self.counts = np.full(2, 0.5)
        if step == 3 and self.proc_params["deed"] == "fail":
            raise ArithmeticError("the deed is done")


def test_every_type_and_shape():
    zoo = Zoo()
    names = ["flags", "counts", "single", "number", "real", "cube", "waves"]
    with start(zoo) as net:
        record = net.record(
            zoo.s_out, zoo.flag_out, zoo.lonely, *(getattr(zoo, name) for name in names)
        )
        net.run(4)
    steps = np.arange(1, 5)
    assert record.flags.dtype == bool
    assert record.flags[:, 1, 0].tolist() == [True, False, True, False]
    assert record.counts.dtype == np.int64
    assert record.counts[:, 0].tolist() == [int(t) * 2**60 for t in steps]  # no float in between
    assert record.single.dtype == np.float32
    np.testing.assert_array_equal(record.single[0], np.full(3, np.float32(0.1)))
    assert record.number.tolist() == [[4], [5], [6], [7]]
    assert record.real.tolist() == [[0.25], [0.125], [0.0625], [0.03125]]
    assert (record.cube.dtype, record.cube.shape) == (np.int8, (4, 2, 3, 1))
    assert record.cube[3, 0, :, 0].tolist() == [3, 4, 2]
    np.testing.assert_array_equal(record.waves[:, 0], 1j * steps)
    assert (record.s_out.dtype, record.s_out[:, 0].tolist()) == (np.int32, [1, 2, 3, 4])
    assert record.flag_out[:, 1].tolist() == [True, False, True, False]
    assert record.lonely[:, 0].tolist() == [0.5, 0, 1.5, 0]
    again = pickle.loads(pickle.dumps(record))
    for name in record:
        np.testing.assert_array_equal(again[name], record[name])
        np.testing.assert_array_equal(copy.deepcopy(record)[name], record[name])
    assert (again.steps, again.time_steps.tolist(), str(again)) == (4, [1, 2, 3, 4], str(record))


@pytest.mark.parametrize(("deed", "said"), [("grow", r"\(5,\)"), ("retype", "float64 with values")])
def test_a_var_that_changes_its_kind_ends_the_run_by_name(deed, said):
    zoo = Zoo(deed=deed, name="zoo")
    net = start(zoo).start()
    record = net.record(zoo.counts)
    with pytest.raises(RuntimeError, match=rf"(?s)'zoo' .*recording a step.*Var 'counts'.*{said}"):
        net.run(5)
    assert record.steps == 2


def test_sparse_weights_and_outputs_for_the_user():
    weights = csr_matrix(np.array([[0, 2.0, 0], [1.0, 0, 0], [0, 0, 3.0]]))
    source, sparse, out = (
        lif("source"),
        Sparse(weights=weights),
        Extractor(shape=(3,), buffer_size=9),
    )
    source.s_out.connect(sparse.s_in)
    sparse.a_out.connect(out.in_port)
    with start(source) as net:
        record = net.record(sparse.weights, sparse.a_out, out.out_port)
        net.run(6)
        received = np.array([out.receive() for _ in range(6)])
    np.testing.assert_array_equal(record.weights, np.broadcast_to(weights.toarray(), (6, 3, 3)))
    np.testing.assert_array_equal(record.out_port, received)
    np.testing.assert_array_equal(record.a_out, received)
    assert received.any()


# When ----------------------------------------------------------------------------------------


def test_runs_of_all_kinds_append():
    source, dense, _ = chain()
    with start(source) as net:
        net.run(3)
        record, seldom = net.record(source.v), net.record(source.v, dense.a_out, every=4)
        assert (record.steps, record.v.shape, seldom.time_steps.tolist()) == (0, (0, 3), [])
        net.run(2)
        assert record.time_steps.tolist() == [4, 5]
        source.v.set([9, 9, 9])  # between steps: no row of its own
        source.run(RunSteps(3))
        net.run(RunSteps(2, blocking=False))
        with pytest.raises(RuntimeError, match=r"wait\(\) or pause\(\) before record"):
            net.record(source.u)
        net.wait()
        assert record.steps == 7
        later = net.record(source.v)
        net.run(RunContinuous())
        net.pause()
        assert record.time_steps[-1] == later.time_steps[-1] == net.time_step
        before = record.steps
        net.run(RunContinuous())
    assert record.steps >= before
    assert seldom.time_steps[:2].tolist() == [4, 8]
    np.testing.assert_array_equal(seldom.v, record.v[record.time_steps % 4 == 0])
    np.testing.assert_array_equal(later.v, record.v[7:])
    with pytest.raises(RuntimeError, match="not running any more"):
        net.record(source.v)
    with pytest.raises(RuntimeError, match="not been started"):
        start(chain()[0]).record(source.v)


def test_what_was_recorded_survives_a_failure():
    zoo, other = Zoo(deed="fail"), lif("other", shape=(2,), vth=1e6)
    zoo.s_out.connect(other.a_in)
    net = start(zoo).start()
    record = net.record(zoo.number, zoo.s_out, other.v)
    with pytest.raises(RuntimeError, match="the deed is done"):
        net.run(5)
    assert record.number.ravel().tolist() == [4, 5]
    assert len(record.v) == len(record.s_out) == record.steps == 2


def test_room_is_checked_before_a_run_and_kept_in_it(monkeypatch):
    monkeypatch.setattr(base, "memory_limit", lambda: 1000)
    source, _, target = chain()
    with start(source) as net:
        record = net.record(source.v, target.v)
        with pytest.raises(MemoryError, match=r"Recording 30 steps more would take .*; the limit"):
            net.run(30)
    net = start(chain()[0]).start()
    record = net.record(net.process.v)
    net.run(RunContinuous())
    with pytest.raises(RuntimeError, match=r"(?s)recording a step.*fills the memory with 42 rows"):
        net.wait()
    assert record.v.nbytes <= 1008


# Names ---------------------------------------------------------------------------------------


def test_names():
    source, dense, target = chain()
    twin = lif("source")
    target.s_out.connect(twin.a_in)
    with start(source) as net:
        record = net.record(source.v, target.v, dense.a_out, source.v, mine=source.v, u2=twin.u)
        assert record.keys() == ("source.v", "target.v", "a_out", "mine", "u2")
        net.run(5)
        for bad in ((source.v, twin.v), (source.v, target.v, twin.v)):
            with pytest.raises(ValueError, match=r"are called 'source\.v': give them names"):
                net.record(*bad)
        with pytest.raises(ValueError, match="'v' is one of another target"):
            net.record(source.v, v=target.v)
        for bad in (source.a_in, "v", source, None, np.ones(3)):
            with pytest.raises(TypeError, match=r"Argument `targets`|feed it"):
                net.record(bad)
        for every in (0, -1):
            with pytest.raises(ValueError, match="Argument `every`"):
                net.record(source.v, every=every)
        with pytest.raises(TypeError, match="Argument `every`"):
            net.record(source.v, every=1.0)
        with pytest.raises(TypeError, match="needs a Var or an OutPort"):
            net.record()
        with pytest.raises(ValueError, match=r"'stranger\.v' cannot be recorded: no model"):
            net.record(lif("stranger").v)
        net.run(1)
    zoo = Zoo()
    with start(zoo) as other, pytest.raises(TypeError, match="holds text"):
        other.record(zoo.text)
    np.testing.assert_array_equal(record[source.v], record.mine)
    assert record.steps == len(record.a_out) == 6
    assert "a_out" in record
    assert {"a_out", "mine"} <= set(dir(record))
    assert len(record) == len(dict(record)) == 5
    with pytest.raises(AttributeError, match=r"'v' is not recorded \(recorded: source\.v, target"):
        _ = record.v
    for missing in ("v", target.u):
        with pytest.raises(KeyError, match="is not recorded"):
            record[missing]
