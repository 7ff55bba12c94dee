"""Networks in one process: RefPorts, ports to outside, order, sizes, and which engine it is."""

import gc
import logging
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from faulty.harness import stock
from lava.magma.core.run_conditions import RunContinuous
from lava.proc.dense.process import Dense
from lava.proc.io.extractor import Extractor
from lava.proc.io.injector import Injector
from lava.proc.lif.process import LIF
from networks import STEPS, Counting, Free, Peeking, run_small

from lava_sqs import SQSSimCfg, runtime
from lava_sqs.execution import base


def start(process, **options):
    """Return the runtime of a network, in one process."""
    return runtime(process, SQSSimCfg(), engine="inline", **options)


# RefPorts, ports to outside ------------------------------------------------------------------


def test_refports_are_answered_in_the_management_phases():
    counting, peeking = Counting(), Peeking()
    peeking.port.connect_var(counting.count)
    with start(counting) as net:
        net.run(STEPS)
        assert peeking.seen.get().ravel().tolist() == list(range(1, STEPS + 1))


def test_writes_through_refports_are_there_in_the_next_step():
    counting, writing = Counting(), Peeking(writes=True)
    writing.port.connect_var(counting.count)
    with start(counting) as net:
        net.run(3)
        assert counting.count.get().tolist() == [30]
        record = net.record(counting.count)
        net.run(2)
        assert counting.count.get().tolist() == [50]
        assert record.count.ravel().tolist() == [40, 50]


def test_a_refport_in_run_spk_is_answered_by_nobody():
    """As in stock Lava, which hangs there."""
    counting, peeking = Counting(), Peeking(spk=True)
    peeking.port.connect_var(counting.count)
    with pytest.raises(TimeoutError, match="'port' to receive from"), start(counting) as net:
        net.run(1)


def test_a_program_feeds_a_running_network():
    source, sink = Injector(shape=(2,)), Extractor(shape=(2,), buffer_size=3)
    source.out_port.connect(sink.in_port)
    with start(source, timeout=20) as net:
        net.run(RunContinuous())
        for number in range(200):
            source.send(np.full(2, number))
            assert sink.receive().tolist() == [number] * 2
    for call in (sink.receive, lambda: source.send(np.zeros(2))):
        with pytest.raises(RuntimeError, match="not running any more"):
            call()


def test_who_waits_for_the_program_in_vain_is_told():
    source, sink = Injector(shape=(2,)), Extractor(shape=(2,), buffer_size=5)
    source.out_port.connect(sink.in_port)
    said = "waits on port 'out_port' to send to outside the network"
    with start(source, timeout=0.5) as net:
        for _ in range(10):
            source.send(np.zeros(2))
        with pytest.raises(TimeoutError, match=said):
            net.run(10)


def test_without_timeout_a_wait_for_the_program_warns_once(monkeypatch):
    monkeypatch.setattr(base, "PATIENCE", 0.2)
    source = Injector(shape=(2,))
    with start(source) as net:
        threading.Timer(0.6, source.send, (np.zeros(2),)).start()
        with pytest.warns(RuntimeWarning, match="waits on port 'in_port'") as caught:
            net.run(1)
    assert len(caught) == 1


def test_what_a_model_changes_of_its_parameters_stays_its_own():
    """As in a fork: the same parameters give the same network again."""
    box = [0]
    for _ in range(2):
        counting = Counting(box=box)
        with start(counting) as net:
            net.run(3)
    assert box == [0]
    assert counting.proc_params["box"] is box


def test_what_cannot_be_copied_is_shared():
    counting = Counting(box=[0, threading.Lock()])
    with start(counting) as net:
        net.run(3)
    assert counting.proc_params["box"][0] == 3


# Order, randomness, size ----------------------------------------------------------------------


def drawn(n_processes):
    """Run Processes that draw from NumPy's global generator."""
    np.random.seed(7)  # noqa: NPY002 - what stock rules without a seed draw from
    processes, lif = [Counting() for _ in range(n_processes)], LIF(shape=(1,))
    for process in processes:
        dense = Dense(weights=np.ones((1, 1)), num_message_bits=8)
        process.out.connect(dense.s_in)
        dense.a_out.connect(lif.a_in)
    with start(lif) as net:
        net.run(STEPS)
        return [process.drawn.get().tolist() for process in processes]


def test_global_randomness_is_repeatable_and_not_shared():
    first = drawn(5)
    assert first == drawn(5)
    assert len({tuple(row) for row in first}) == 5  # forks would draw the same numbers


def test_three_hundred_processes():
    rng, ends = np.random.default_rng(0), []
    hub = Dense(weights=np.zeros((2, 2)))
    hub.a_out.connect(LIF(shape=(2,)).a_in)
    for _ in range(100):
        first = LIF(shape=(2,), bias_mant=rng.random(2), vth=1.0)
        dense, last = Dense(weights=np.eye(2)), LIF(shape=(2,), vth=5.0)
        first.s_out.connect(dense.s_in)
        dense.a_out.connect(last.a_in)
        last.s_out.connect(hub.s_in)  # what makes them one network
        ends.append(last)
    with start(hub) as net:
        record = net.record(ends[-1].v)
        net.run(50)
    assert record.v.any()


@pytest.mark.slow
def test_a_million_steps_do_not_drift():
    source, _ = stock(2)
    with start(source) as net:
        net.run(10**5)
        before = sys.getallocatedblocks()
        times = [time.process_time()]
        for n_steps in (10**5, 7 * 10**5, 10**5):
            net.run(n_steps)
            times.append(time.process_time())
        grown = sys.getallocatedblocks() - before
        assert net.time_step == 10**6
        # two steps up, a spike in the third
        assert source.v.get().tolist() == [10**6 % 3] * 2
    assert grown < 1000
    first, _, last = np.diff(times)
    assert last < 1.5 * first


@pytest.mark.slow
def test_a_thousand_networks_do_not_grow():
    sizes = []
    for number in range(1000):
        run_small()
        if number in (199, 599, 999):
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss)
    # Lava keeps every Process and Var for ever, some kB each: no more than that
    assert sizes[2] - sizes[1] < 30e6, sizes


# Which engine ---------------------------------------------------------------------------------


def test_which_engine_and_why(caplog):
    with runtime(LIF(shape=(1,)), SQSSimCfg()) as net:
        assert ", inline>" in repr(net)
    with runtime(LIF(shape=(1,)), SQSSimCfg(), engine="processes") as net:
        assert ", processes>" in repr(net)
    with (
        caplog.at_level(logging.DEBUG, "lava_sqs"),
        runtime(Free(), SQSSimCfg(select_tag=None)) as net,
    ):
        assert "processes, since Process" in repr(net)
        assert "PyFreeModel, which is asynchronous" in repr(net)
    assert "is asynchronous" in caplog.text
    with pytest.raises(ValueError, match=r"`engine` must not be 'inline'.*asynchronous"):
        runtime(Free(), SQSSimCfg(select_tag=None), engine="inline").start()
    with pytest.raises(ValueError, match="`engine`"):
        runtime(LIF(shape=(1,)), SQSSimCfg(), engine="threads")
