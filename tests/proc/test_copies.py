"""Processes of ours as pickles, files of Lava and copies: the same neurons, of their own."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from lava.magma.core.process.process import ProcessServer
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.utils.serialization import load, save

from lava_sqs import (
    QLIF,
    SQS,
    SQSNN,
    LearningSQS,
    NoiseModel,
    Population,
    SQSDense,
    SQSLearningRule,
    SQSRewardRule,
    SQSSimCfg,
    StochasticLIF,
    ansatz,
    runtime,
)
from lava_sqs.network import SQSNeuron, feed_forward
from lava_sqs.network.gradient import initialise
from lava_sqs.optimizers import Optimizer
from lava_sqs.proc.sqsnn.process import SQSNetwork
from lava_sqs.recording import Recording

pytestmark = pytest.mark.filterwarnings("ignore:.*input currents exceed 1")
STEPS = 30
NOISE = NoiseModel(t1=1e-4, t2=8e-5, p_read1_given0=0.01)
SEEN = ("s_out", "p_spike")


def network():
    spec = feed_forward(3, (4,), 3, SQSNeuron(ansatz.layered()))
    start = initialise(spec, np.ones((5, 8, 3)), np.random.default_rng(0))
    return SQSNetwork(spec=spec, parameters=start, n_steps=5, seed=1)


PROCESSES = {
    "SQS": lambda: SQS(shape=3, seed=1, bias=0.4, record=SEEN, name="a"),
    "SQS, noisy, copies": lambda: SQS(shape=3, copies=2, seed=1, noise=NOISE, record=SEEN),
    "SQS, trajectories": lambda: SQS(shape=3, seed=1, memory_qubits=5, bias=0.4, record=SEEN),
    "LearningSQS": lambda: LearningSQS(shape=3, role="hidden", lr_theta=0.1, seed=1, record=SEEN),
    "QLIF": lambda: QLIF(shape=3, seed=1, bias=0.4),
    "StochasticLIF": lambda: StochasticLIF(shape=3, seed=1, bias=0.4),
    "SQSDense": lambda: SQSDense(weights=np.eye(3), window=2),
    "SQSDense, credit": lambda: SQSDense(weights=np.eye(3), window=2, credit="aligned"),
    "SQSNetwork": network,
}
WAYS = {
    "pickle": lambda p: pickle.loads(pickle.dumps(p)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
processes = pytest.mark.parametrize("make", PROCESSES.values(), ids=PROCESSES)
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def ends(process):
    """The port that listens and the port that speaks."""
    if isinstance(process, SQSDense):
        return process.s_in, process.a_out
    return process.a_in, process.s_out


def connected(process):
    """The same Process between a source of currents and LIF neurons that keep what they hear."""
    into, out = ends(process)
    rng = np.random.default_rng(3)
    source = RingBuffer(data=rng.integers(0, 2, (*into.shape, STEPS)) * 0.5)
    ear = LIF(shape=(out.size,), du=1.0, vth=1e9, name="ear")
    source.s_out.connect(into)
    (out if out.shape == ear.a_in.shape else out.flatten()).connect(ear.a_in)
    return process


def ear_of(process):
    (port,) = ends(process)[1].get_dst_ports()
    return port.process


def heard(process, steps=STEPS, executable=None):
    """What the LIF neurons have heard in every step."""
    ear, total = ear_of(process), []
    with runtime(process, SQSSimCfg()) as net:
        for _ in range(steps):
            net.run(1)
            total.append(ear.u.get())
    return np.array(total)


@pytest.mark.parametrize("stage", ["new", "connected", "compiled", "ended"])
@processes
def test_a_copy_of_every_stage_can_be_made(make, stage):
    process = make()
    if stage != "new":
        connected(process)
    if stage == "compiled":
        process.compile(SQSSimCfg())
    if stage == "ended":
        heard(process, 3)
    for way in WAYS.values():
        twin = way(process)
        assert type(twin) is type(process)
        assert twin is not process
        assert twin.runtime is None
        for var in process.vars.members:
            assert getattr(twin.vars, var.name) is not var
        assert {p.process for p in twin.in_ports.members} == {twin}
        if way is copy.copy:
            assert not any(p.in_connections for p in twin.in_ports.members)
            assert not any(p.out_connections for p in twin.out_ports.members)
        elif stage != "new":
            assert ear_of(twin) is not ear_of(process)
        if hasattr(process, "recording"):
            np.testing.assert_array_equal(twin.recording.s_out, process.recording.s_out)
            assert twin.recording.steps == (3 if stage == "ended" else 0)


@processes
def test_copies_and_files_of_lava_run_as_the_first_does(make, tmp_path):
    path = str(tmp_path / "net.pickle")
    first = connected(make())
    copies = [way(first) for way in WAYS.values()]
    save(first, path)
    loaded, executable = load(path)
    assert executable is None
    want = heard(first)
    assert len(np.unique(want)) > 1
    for way, second in zip([*WAYS, "file"], [*copies, loaded], strict=True):
        got = heard(connected(second) if way == "copy" else second)
        np.testing.assert_array_equal(got, want, way)
        if hasattr(first, "recording"):  # each has its own memory, shared with its own model
            for name in SEEN:
                np.testing.assert_array_equal(second.recording[name], first.recording[name])
            assert second.recording.steps == STEPS
            assert second.wraps == first.wraps
    save([first, ear_of(first)], path)  # after the run
    (again, _), _ = load(path)
    if hasattr(first, "recording"):
        np.testing.assert_array_equal(again.recording.s_out, first.recording.s_out)


@pytest.mark.parametrize("make", [PROCESSES["SQS"], PROCESSES["LearningSQS"]])
def test_lavas_files_hold_executables(make, tmp_path):
    path = str(tmp_path / "net.pickle")
    first = connected(make())
    save(first, path, first.compile(SQSSimCfg()))
    code = (
        "import sys\n"
        "from lava.utils.serialization import load\n"
        "from lava.magma.core.run_conditions import RunSteps\n"
        "process, executable = load(sys.argv[1])\n"
        "process.create_runtime(executable=executable)\n"
        "process.run(RunSteps(7))\n"
        "print(process.p_spike.get().tolist())\n"
        "process.stop()\n"
    )
    seen = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import lava_sqs.proc\n" + code, path],
        capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    twin = connected(make())
    with runtime(twin, SQSSimCfg()) as net:
        net.run(7)
        np.testing.assert_allclose(eval(seen.stdout), twin.p_spike.get(), atol=1e-12)


def test_older_protocols_do_as_well():
    first = connected(PROCESSES["SQS"]())
    second = pickle.loads(pickle.dumps(first, protocol=2))
    np.testing.assert_array_equal(heard(second), heard(first))


def test_wraps_of_a_copy_are_counted():
    first = connected(SQS(shape=3, seed=1, current_scale=4.0))
    second = copy.deepcopy(first)
    heard(first)
    heard(second)
    assert second.wraps == first.wraps > 0
    third = pickle.loads(pickle.dumps(first))
    assert third.wraps == first.wraps
    assert copy.copy(first).floor_hits == first.floor_hits


@ways
def test_original_and_copy_live_in_one_network(way):
    """Lava tells Processes and Vars apart by their ids."""
    first = SQS(shape=3, seed=1, bias=0.5, record="p_spike")
    second = way(first)
    second.name = "second"
    ids = [first.id, second.id, *(v.id for p in (first, second) for v in p.vars.members)]
    assert len({first.id, second.id}) == 2
    assert len(set(ids[2:])) == 2 * len(first.vars.members)
    dense = Dense(weights=0.5 * np.eye(3))
    assert dense.id not in ids[:2]
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(second.a_in)
    with runtime(first, SQSSimCfg()) as net:
        net.run(5)
        np.testing.assert_array_equal(first.p_spike.get(), first.recording.p_spike[-1])
        np.testing.assert_array_equal(second.p_spike.get(), second.recording.p_spike[-1])
    assert (first.recording.p_spike != second.recording.p_spike).any()


def test_a_file_of_another_interpreter_takes_no_id_that_is_in_use(tmp_path):
    path = str(tmp_path / "net.pickle")
    code = (
        "import sys\n"
        "from lava.utils.serialization import save\n"
        "from lava_sqs import SQS\n"
        "save([SQS(shape=2, seed=i) for i in range(3)], sys.argv[1])\n"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True, timeout=100)
    before = [SQS(shape=1) for _ in range(2)]
    loaded, _ = load(path)
    ids = [p.id for p in (*before, *loaded, SQS(shape=1))]
    assert len(set(ids)) == 6
    assert max(ids) < ProcessServer()._next_id
    assert [p.seed for p in loaded] == [0, 1, 2]


def test_a_network_that_is_watched_and_runs_can_be_copied():
    first, monitor = connected(SQS(shape=3, seed=1, bias=0.4, record=SEEN)), Monitor()
    monitor.probe(first.p_spike, STEPS)
    with runtime(first, SQSSimCfg()) as net:
        net.run(3)
        twin = copy.deepcopy(first)
        assert twin.runtime is None
        net.run(2)
        assert first.recording.steps == 5
    assert twin.recording.steps == 3


def test_a_copy_names_itself_where_shapes_are_unequal():
    twin = copy.deepcopy(SQS(shape=(2, 3), name="hidden"))
    with pytest.raises(AssertionError, match=r"'a_in' of SQS Process 'hidden'.*reshape\(\(2, 3\)"):
        Dense(weights=np.zeros((6, 6))).a_out.connect(twin.a_in)


def test_a_recording_is_copied_with_its_rows():
    recording = Recording({"x": (float, (2,)), "n": ("int32", (1,))})
    for i in range(4):
        recording.append({"x": [i, -i], "n": i})
    for twin in (copy.copy(recording), copy.deepcopy(recording), WAYS["pickle"](recording)):
        twin.append({"x": [9, 9], "n": 9})
        np.testing.assert_array_equal(twin.n, [[0], [1], [2], [3], [9]])
        np.testing.assert_array_equal(twin.x[:4], recording.x)
    assert recording.steps == 4
    assert WAYS["pickle"](Recording({})).steps == 0


def test_arguments_that_can_be_read_once_are_kept():
    sqs = SQS(shape=2, record=(name for name in SEEN))
    assert sqs.replace(bias=0.1).recording.keys() == sqs.recording.keys() == SEEN


VALUES = {
    "NoiseModel": NOISE,
    "Ansatz": ansatz.layered(1, 2),
    "SQSLearningRule": SQSLearningRule(1),
    "SQSRewardRule": SQSRewardRule(3),
    "SQSSimCfg": SQSSimCfg(),
    "Optimizer": Optimizer("adam"),
    "SQSNN": SQSNN(),
}


@ways
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_what_processes_are_made_of_can_be_copied(value, way):
    assert repr(way(value)) == repr(value)


@pytest.mark.parametrize("way", [WAYS["pickle"], copy.deepcopy])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 5)])
def test_populations_continue_as_copies(sizes, way):
    first = Population(ansatz.layered(*sizes), size=3, seed=1)
    first.run(np.full((5, 3), 0.5))
    second = way(first)
    z = np.full((20, 3), 0.4)
    np.testing.assert_array_equal(second.run(z).spikes, first.run(z).spikes)


@pytest.mark.parametrize("rule", [SQSLearningRule(1), SQSRewardRule(2)])
def test_connections_keep_our_rules(rule, tmp_path):
    dense = LearningDense(weights=np.eye(2), learning_rule=rule)
    save(dense, str(tmp_path / "dense.pickle"))
    again, _ = load(str(tmp_path / "dense.pickle"))
    assert repr(again.proc_params["learning_rule"]) == repr(rule)
    assert again.proc_params["learning_rule"].y1_tau == rule.y1_tau
