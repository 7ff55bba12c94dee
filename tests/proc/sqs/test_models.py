"""What the models of SQS do beyond the conformance suite: scales, counters, recordings."""

import gc
import subprocess
import sys

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer
from lava.proc.monitor.process import Monitor

from lava_sqs import SQS, Population, SQSSimCfg, ansatz, runtime
from lava_sqs._wraps import WrapWarning
from lava_sqs.proc.sqs import models
from lava_sqs.recording import Recording

FLOAT = Loihi2SimCfg(select_tag="floating_pt")
FIXED = Loihi2SimCfg(select_tag="fixed_pt")


def play(sqs, data, config=FLOAT):
    """Run *sqs* on *data* (*ports, T), one run of all steps; return the recording."""
    source = RingBuffer(data=data)
    source.s_out.connect(sqs.a_in)
    with runtime(source, config) as net:
        net.run(data.shape[-1])
    return sqs.recording


@pytest.mark.parametrize(
    ("config", "model"),
    [
        (Loihi2SimCfg(), models.PySQSModelFloat),
        (FLOAT, models.PySQSModelFloat),
        (FIXED, models.PySQSModelFixed),
        (SQSSimCfg(), models.PySQSModelFloat),
        (SQSSimCfg(backend="qutip"), models.PySQSModelQutip),
    ],
)
def test_which_model_runs(config, model):
    sqs = SQS(shape=1)
    sqs.compile(config)
    assert sqs.model_class.__qualname__ == model.__qualname__  # Lava executes the file anew


@pytest.mark.parametrize(
    ("config", "given", "factor"),
    [(FLOAT, None, 1.0), (FIXED, None, 2**-6), (FLOAT, 0.25, 0.25), (FIXED, 0.25, 0.25)],
)
def test_current_scale(config, given, factor):
    """paper with theta = 0 has p = sin^2(pi z / 2): the current can be read off p."""
    a_in = np.array([[0, 1, 3]]) if factor < 1 else np.array([[0.0, 0.25, 0.75]])
    sqs = SQS(shape=1, ansatz="paper", theta=np.zeros(3), current_scale=given, record=("p_spike",))
    p = play(sqs, a_in, config).p_spike
    np.testing.assert_allclose(p, np.sin(np.pi * factor * a_in.T / 2) ** 2, atol=1e-15)


def test_fixed_point_ports_carry_integers():
    sqs, monitor = SQS(shape=(3,), bias=0.5, record=("a_in",)), Monitor()
    monitor.probe(sqs.s_out, 5)
    source = RingBuffer(data=np.full((3, 5), 7))
    source.s_out.connect(sqs.a_in)
    with runtime(source, FIXED) as net:
        net.run(5)
        spikes = monitor.get_data()[sqs.name]["s_out"]
    assert set(np.unique(spikes)) <= {0, 1}
    np.testing.assert_array_equal(sqs.recording.a_in, np.full((5, 3), 7.0))


def test_counters_are_visible_in_the_parent():
    """Twelve currents above 1; no outcome of this circuit is improbable."""
    sqs = SQS(shape=(2, 2), ansatz="paper", theta=np.zeros(3), current_scale=1.0)
    data = np.concatenate([np.full((2, 2, 3), 1.25), np.full((2, 2, 2), 0.5)], axis=-1)
    with pytest.warns(WrapWarning, match="4 input currents exceed 1"):
        play(sqs, data)
    assert (sqs.wraps, sqs.floor_hits) == (12, 0)
    assert "wraps=12" in repr(sqs)


@pytest.mark.parametrize("offset", [0, 3])
def test_time_steps_of_resets(offset):
    """A neuron that always flips its memory: <Z> is -1 after odd numbers of steps since a reset."""
    flip = ansatz.from_gates([("X", 1)], io_qubits=1, memory_qubits=1)
    sqs = SQS(shape=1, ansatz=flip, reset_interval=4, reset_offset=offset, record=("memory",))
    with runtime(sqs, FLOAT) as net:
        net.run(12)
    since, expected = 0, []
    for t in range(1, 13):
        since = 1 if t % 4 == offset else since + 1
        expected.append((-1) ** since)
    np.testing.assert_allclose(sqs.recording.memory[:, 0, 3], expected, atol=1e-12)


def test_a_stale_impossible_current_at_a_reset_is_ignored():
    sqs = SQS(shape=1, reset_interval=3, record=("s_out",))
    data = np.array([[0.5, 0.5, np.nan, 0.5]])
    assert play(sqs, data).steps == 4


def test_writing_one_var_leaves_the_others_and_the_generator_alone():
    sqs = SQS(shape=(4,), seed=1, bias=0.5, record=("s_out",))
    twin = Population(ansatz.layered(), size=4, seed=1)
    with runtime(sqs, FLOAT) as net:
        for _ in range(5):
            net.run(3)
            for var in (sqs.theta, sqs.bias, sqs.memory):
                var.set(var.get())
    expected = twin.run(np.full((15, 4), 0.5)).spikes
    np.testing.assert_array_equal(sqs.recording.s_out, expected)


def test_large_memories_are_reduced_to_single_qubits():
    sqs = SQS(shape=(2,), memory_qubits=5, seed=1, bias=0.5, record=("memory", "s_out"))
    assert sqs.memory.shape == (2, 5, 4)
    twin = Population(ansatz.layered(1, 5), size=2, seed=1)
    with runtime(sqs, FLOAT) as net:
        net.run(3)
        sqs.memory.set(np.zeros((2, 5, 4)))
        net.run(1)
    expected = [twin.step([0.5, 0.5]) for _ in range(3)]
    twin.reset()
    expected.append(twin.step([0.5, 0.5]))
    np.testing.assert_array_equal(sqs.recording.s_out, expected)
    np.testing.assert_array_equal(sqs.recording.memory[-1], twin.memory)


# -- recordings -------------------------------------------------------------------------------


def test_a_recording_grows_run_by_run_and_outlives_everything():
    sqs = SQS(shape=(3,), seed=2, bias=0.5, record=("s_out", "log_likelihood"))
    recording = sqs.recording
    with runtime(sqs, FLOAT) as net:
        net.run(4)
        assert recording.steps == 4
        early = recording.s_out
        net.run(RunSteps(60, blocking=False))
        during = recording.steps
        net.wait()
        assert 4 <= during <= recording.steps == 64
    del sqs, net
    gc.collect()
    expected = Population(ansatz.layered(), size=3, seed=2).run(np.full((64, 3), 0.5))
    np.testing.assert_array_equal(recording.s_out, expected.spikes)
    np.testing.assert_array_equal(recording.s_out[:4], early)
    np.testing.assert_array_equal(recording.log_likelihood, expected.log_likelihood)


def test_a_recording_keeps_the_steps_before_a_failure():
    sqs = SQS(shape=(2,), seed=2, record=("a_in",))
    data = np.random.default_rng(0).random((2, 8))
    data[1, 5] = np.inf
    with pytest.raises(RuntimeError, match="time step 6"):
        play(sqs, data)
    np.testing.assert_array_equal(sqs.recording.a_in, data.T[:5])


def test_reading_a_recording(tmp_path):
    recording = Recording({"a": ("int8", (3,)), "b": (float, (2, 2))})
    for t in range(5):
        recording.append({"a": np.full(3, t), "b": np.full((2, 2), t / 2), "more": None})
    assert recording.steps == 5
    assert (recording.a.shape, recording.b.shape) == ((5, 3), (5, 2, 2))
    assert (recording.a.dtype, recording.b.dtype) == (np.int8, np.float64)
    np.testing.assert_array_equal(recording["b"][:, 1, 1], np.arange(5) / 2)
    assert {"a", "b"} <= set(dir(recording))
    assert "5 steps" in str(recording)
    assert "(5, 2, 2)" in str(recording)
    recording.a[:] = 9  # a copy
    assert recording.a.max() == 4
    np.savez(tmp_path / "run.npz", **recording)
    np.testing.assert_array_equal(np.load(tmp_path / "run.npz")["a"], recording.a)
    with pytest.raises(KeyError, match="'c' is not recorded"):
        _ = recording["c"]
    with pytest.raises(AttributeError, match="recorded: a, b"):
        _ = recording.c


def test_half_a_row_of_a_killed_writer_is_dropped():
    recording = Recording({"a": ("int32", (2,))})
    recording.append({"a": [1, 2]})
    recording._file.write(b"12345")
    np.testing.assert_array_equal(recording.a, [[1, 2]])
    recording.begin()
    recording.append({"a": [3, 4]})
    np.testing.assert_array_equal(recording.a, [[1, 2], [3, 4]])


# -- without runtime(...) -----------------------------------------------------------------------


STOCK = """
import os, numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava_sqs._wraps import WrapWarning
from lava_sqs import SQS
cfg = Loihi2SimCfg(select_tag="floating_pt")

sqs = SQS(shape=(3,), seed=2, bias=0.5, record=("s_out",))
sqs.run(RunSteps(5), cfg)
sqs.bias.set(np.zeros(3))
sqs.run(RunSteps(5))
print(sqs.p_spike.get().shape)
sqs.stop()
print(sqs.recording.s_out.ravel().tolist())

data = np.full((3, 9), 0.5)
data[1, 6] = np.nan
source, sqs = RingBuffer(data=data), SQS(shape=(3,), name="hidden")
dense, lif = Dense(weights=np.eye(3)), LIF(shape=(3,))
source.s_out.connect(sqs.a_in)
sqs.s_out.connect(dense.s_in)
dense.a_out.connect(lif.a_in)
try:
    source.run(RunSteps(9), cfg)
except RuntimeError as error:
    print("raised", type(error).__name__)
os.killpg(0, 9)  # stock Lava would hang at exit
"""


def test_stock_runs_work_and_end_at_an_impossible_current():
    """Neurons downstream wait for spikes: without those of that step Lava would wait for ever."""
    done = subprocess.run(
        [sys.executable, "-u", "-c", STOCK],
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
    )
    twin = Population(ansatz.layered(), size=3, seed=2)
    spikes = np.array([twin.step(np.full(3, z)) for z in [0.5] * 5 + [0.0] * 5])
    assert done.stdout.splitlines() == ["(3,)", str(spikes.ravel().tolist()), "raised RuntimeError"]
    assert "SQS Process 'hidden' stopped at time step 7" in done.stderr
    assert "finite" in done.stderr
