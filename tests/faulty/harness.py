"""What the test cells of test_running.py share; they run in processes of their own."""

import contextlib
import gc
import os
import threading
import time

import numpy as np
import psutil
import pytest

from lava_sqs.execution.running import SQSSimCfg  # first: it makes Lava importable
from lava_sqs.execution.running import runtime as any_runtime

# isort: split
from faulty.saboteur.process import Saboteur
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

#: The engine of the networks of a cell, for those who start it.
ENGINE = "TEST_ENGINE"


def runtime(process, run_cfg=None, **options):
    """Return a runtime with the engine that is under test."""
    return any_runtime(process, run_cfg, **{"engine": os.environ[ENGINE], **options})


def ring(**kwargs):
    """Return a Saboteur "villain" in a ring with an honest one and a Dense, and the honest one."""
    villain, honest = Saboteur(name="villain", **kwargs), Saboteur(name="honest")
    dense = Dense(weights=np.eye(2), name="link")
    villain.s_out.connect(dense.s_in)
    dense.a_out.connect(honest.a_in)
    honest.s_out.connect(villain.a_in)
    return villain, honest


def stock(size=10):
    """Return the two neurons of a LIF-Dense-LIF network of stock Processes."""
    source, target = LIF(shape=(size,), bias_mant=1.0, vth=2.5), LIF(shape=(size,), vth=1e6)
    dense = Dense(weights=np.eye(size))
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(target.a_in)
    return source, target


def run_stock(_=None):
    """Run such a network for five steps; return the first neuron's voltages."""
    source, _target = stock(2)
    with runtime(source, config(), timeout=30) as net:
        net.run(5)
        return source.v.get().tolist()


def check_stock(results, n_networks):
    """Fail unless `results` are what run_stock returns, so many times."""
    assert list(results) == [[2, 2]] * n_networks


@contextlib.contextmanager
def soon(seconds=10):
    """Fail if the block takes longer; most take a tenth of that, but machines are shared."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds, time.monotonic() - start


@contextlib.contextmanager
def raises(kind, *fragments):
    """Fail unless the block raises exactly `kind` with all fragments in its text."""
    with pytest.raises((Exception, KeyboardInterrupt)) as raised:
        yield
    assert raised.type is kind, repr(raised.value)
    missing = [fragment for fragment in fragments if fragment not in str(raised.value)]
    assert not missing, f"{missing} missing in:\n{raised.value}"


def resources():
    """Return what this process holds: children, descriptors, threads."""
    gc.collect()
    me = psutil.Process()
    return len(me.children(recursive=True)), me.num_fds(), threading.active_count()


def named_segments():
    """Return the files in /dev/shm that this process or a child has mapped."""
    found = set()
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        found |= {m.path for m in process.memory_maps() if "/dev/shm/" in m.path}
    return {path for path in found if os.path.exists(path)}


@contextlib.contextmanager
def nothing_left():
    """Fail unless the block leaves no child, descriptor, thread or shared memory behind."""
    before = resources()
    yield
    after = resources()
    assert after == before, (before, after)
    assert not named_segments()


def config():
    """Return the run configuration of all cells."""
    return SQSSimCfg()


__all__ = [
    "LIF",
    "Dense",
    "Saboteur",
    "check_stock",
    "config",
    "named_segments",
    "nothing_left",
    "raises",
    "resources",
    "ring",
    "run_stock",
    "runtime",
    "soon",
    "stock",
]
