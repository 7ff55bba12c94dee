"""Stock code runs in one process when its user asks once."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.runtime import Runtime
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from networks import Counting, Free

from lava_sqs import use_inline
from lava_sqs.execution.inline.engine import InlineRuntime


def config():
    return Loihi2SimCfg(select_tag="floating_pt")


def test_a_stock_script():
    lif, monitor = LIF(shape=(2,), bias_mant=1.0, vth=2.5), Monitor()
    monitor.probe(lif.v, 6)
    with use_inline():
        lif.run(RunSteps(3), config())
    assert type(lif.runtime) is InlineRuntime
    lif.run(RunSteps(3))  # it stays what it is
    data = monitor.get_data()[lif.name]["v"]
    assert data[:, 0].tolist() == [1, 2, 0, 1, 2, 0]
    lif.v.set(np.array([0.25, 0.5]))
    assert lif.v.get().tolist() == [0.25, 0.5]
    lif.stop()
    lif.stop()
    other = LIF(shape=(2,))
    with use_inline():
        other.run(RunContinuous(), config())
        other.pause()
        other.run(RunSteps(2, blocking=False))
        other.wait()
        other.stop()


def test_blocks_end_and_may_be_nested():
    stock = AbstractProcess.create_runtime
    with use_inline() as one:
        assert AbstractProcess.create_runtime is not stock
        with use_inline():
            pass
        assert AbstractProcess.create_runtime is not stock
        assert "on" in repr(one)
        with pytest.raises(RuntimeError, match="entered before"), one:
            pass
    assert AbstractProcess.create_runtime is stock
    with pytest.raises(KeyError), use_inline():
        raise KeyError
    assert AbstractProcess.create_runtime is stock


def test_outside_of_a_block_stock_lava_runs():
    lif = LIF(shape=(1,))
    with use_inline():
        pass
    lif.run(RunSteps(1), config())
    assert type(lif.runtime) is Runtime
    lif.stop()


def test_what_cannot_run_inline_runs_as_ever():
    process = Free()
    with use_inline():
        process.run(RunSteps(1), Loihi2SimCfg())
    assert type(process.runtime) is Runtime
    process.stop()


def test_failures_have_a_name_and_end():
    process = Counting(fail_at=2)
    with use_inline(), pytest.raises(RuntimeError, match=r"Counting.* time step 2.*1 Exception"):
        process.run(RunSteps(5), config())
    process.stop()
    assert process.runtime.closed


def test_where_there_is_nothing_of_posix():
    program = Path(__file__).with_name("elsewhere.py")
    run = [sys.executable, "-W", "ignore", str(program)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=250, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
