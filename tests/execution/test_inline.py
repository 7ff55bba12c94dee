"""A network in one process: it ends with a reason, and nothing of it is left."""

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import weakref
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import psutil
import pytest
from faulty.harness import Saboteur, ring
from greenlet import greenlet
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from networks import in_a_daemon, run_small

from lava_sqs import SQSSimCfg, runtime
from lava_sqs.execution.inline import engine, turns


def start(process, **options):
    """Return the runtime of a network, in one process."""
    return runtime(process, SQSSimCfg(), engine="inline", **options)


def finish(net, condition):
    """Run to the end."""
    net.run(condition)
    net.wait()


# What a model does wrong -------------------------------------------------------------------------

PLACES = {
    "before_send": "at time step 3, in run_spk of PySaboteurModel",
    "after_send": "at time step 3, in run_spk of PySaboteurModel",
    "lrn": "at time step 3, in run_lrn of PySaboteurModel",
    "post_mgmt": "at time step 3, in run_post_mgmt of PySaboteurModel",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("deed", ["fail", "leave"])
def test_an_exception_has_its_own_traceback(place, deed):
    _, honest = ring(deed=deed, place=place)
    with pytest.raises(RuntimeError, match="1 Exception") as caught, start(honest) as net:
        net.run(10)
    assert f"Process 'villain' (Saboteur) failed {PLACES[place]}" in str(caught.value)
    assert "models.py:" in str(caught.value)
    cause = caught.value.__cause__
    assert isinstance(cause, ArithmeticError if deed == "fail" else SystemExit)
    trace = cause.__traceback__
    assert trace.tb_frame.f_code.co_name in ("run_spk", "run_lrn", "run_post_mgmt")
    with pytest.raises(RuntimeError, match=r"ended by an error .*'villain'"):
        net.run(1)


def test_an_exception_while_a_model_is_built():
    _, honest = ring(deed="fail", place="init", step=3)
    with pytest.raises(RuntimeError, match=r"'villain'.*while its model PySaboteurModel was built"):
        start(honest).start()


def test_all_who_fail_in_a_step_are_named():
    villain, other = Saboteur(name="villain", deed="fail"), Saboteur(name="other", deed="fail")
    villain.s_out.connect(other.a_in)
    other.s_out.connect(villain.a_in)
    with pytest.raises(RuntimeError, match="2 Exception") as caught, start(other) as net:
        net.run(10)
    said = str(caught.value)
    assert "'villain' (Saboteur) failed" in said
    assert "'other' (Saboteur) failed" in said
    assert said.count("Traceback") == 1  # the other one is the cause


@pytest.mark.parametrize("background", [False, True])
def test_who_waits_on_which_port_is_known_at_once(background):
    _, honest = ring(deed="swallow")
    where = r"'villain' \(Saboteur\), time step 3: waits on port 'a_in' to receive from 's_out' of"
    where += r" Process 'honest' \(Saboteur\) in run_spk \(models\.py:\d+\)"
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match=where), start(honest) as net:
        finish(net, RunSteps(10, blocking=not background))
    assert time.monotonic() - begun < 10


def test_a_model_that_computes_for_ever():
    _, honest = ring(deed="sleep")
    with (
        pytest.raises(TimeoutError, match=r"'villain'.*time step 3: is busy in \w+ \(models\.py"),
        start(honest, timeout=0.5) as net,
    ):
        net.run(10)
    # and the exception for it did not hit anybody else
    for _ in range(100):
        time.sleep(0.001)


def test_slow_steps_are_no_timeout():
    _, honest = ring(deed="dawdle")
    with start(honest, timeout=1.0) as net:
        net.run(8)
        time.sleep(1.1)
        net.run(2)
        assert net.time_step == 10


@pytest.mark.parametrize("deed", ["request_pause", "request_stop"])
def test_a_model_may_ask_for_a_pause_or_the_end(deed):
    _, honest = ring(deed=deed, place="after_send")
    with start(honest) as net:
        net.run(10)
        assert net.time_step == 3
        assert net.running == (deed == "request_pause")
        if net.running:
            net.run(4)
            assert net.time_step == 7
            net.run(RunContinuous())
            net.pause()


# Ctrl-C ------------------------------------------------------------------------------------------


def interrupt_soon(seconds=0.2):
    """Press Ctrl-C so long after the main thread is seen in a run, or in a wait for one."""
    threading.Thread(target=_interrupt, args=(seconds, threading.get_ident()), daemon=True).start()


def _interrupt(seconds, thread):
    """On a busy machine a mere delay may be over before the test gets there."""
    waits = {(engine.__file__, name) for name in ("_run_steps", "wait")}
    while waits.isdisjoint(
        (frame.f_code.co_filename, frame.f_code.co_name)
        for frame, _ in traceback.walk_stack(sys._current_frames()[thread])
    ):
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_stops_between_two_steps_and_leaves_the_state():
    villain, honest = ring()
    with start(honest) as net:
        record = net.record(villain.total)
        for _ in range(3):
            interrupt_soon()
            with pytest.raises(KeyboardInterrupt):
                net.run(10**7)
            assert net.running
            total = villain.total.get()
            assert total.tolist() == [net.time_step] * 2
            assert honest.total.get().tolist() == [net.time_step - 1] * 2  # behind a Dense
            assert record.total[-1].tolist() == total.tolist()
            before = net.time_step
            net.run(5)
            assert villain.total.get()[0] == before + 5
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_while_one_waits_for_a_run_pauses_it():
    villain, honest = ring()
    with start(honest) as net:
        net.run(RunContinuous())
        interrupt_soon()
        with pytest.raises(KeyboardInterrupt):
            net.wait()
        assert villain.total.get()[0] == net.time_step
        net.run(2)


@pytest.mark.parametrize("deed", ["sleep", "spin"])
def test_a_second_ctrl_c_does_not_wait_for_the_step(deed):
    _, honest = ring(deed=deed)
    interrupt_soon(0.3)
    interrupt_soon(0.6)
    with start(honest) as net:
        with pytest.raises(KeyboardInterrupt):
            net.run(10**9)
        with pytest.raises(RuntimeError, match=r"ended by an error \(KeyboardInterrupt\)"):
            net.run(1)


def test_a_program_with_another_handler_goes_on():
    _, honest = ring()
    heard = []
    before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        with start(honest) as net:
            interrupt_soon(0.02)
            while not heard:
                net.run(500)
            assert net.time_step % 500 == 0
    finally:
        signal.signal(signal.SIGINT, before)


# Threads, processes, and what is left -------------------------------------------------------------


def test_in_threads_and_asyncio():
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run_small, range(8))) == [[2, 2]] * 8

    async def main():
        inside = run_small()
        return [inside, *await asyncio.gather(*(asyncio.to_thread(run_small) for _ in range(3)))]

    assert asyncio.run(main()) == [[2, 2]] * 4


def test_a_network_may_go_from_thread_to_thread():
    villain, honest = ring()
    with start(honest) as net:
        net.run(2)
        for _ in range(3):
            thread = threading.Thread(target=net.run, args=(2,))
            thread.start()
            thread.join()
        net.run(2)
        assert villain.total.get().tolist() == [10, 10]


def test_two_networks_in_turns():
    networks = [ring(), ring()]
    with start(networks[0][0]) as one, start(networks[1][0]) as other:
        for _ in range(3):
            one.run(2)
            other.run(3)
        assert [v.total.get()[0] for v, _ in networks] == [6, 9]


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_in_workers_of_every_kind(method):
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        assert pool.submit(run_small).result(120) == [2, 2]


def test_in_a_daemon_process():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    daemon = context.Process(target=in_a_daemon, args=(queue,), daemon=True)
    daemon.start()
    assert queue.get(timeout=60) == [2, 2]
    daemon.join()


def test_nothing_is_forked_and_nothing_left():
    me = psutil.Process()
    before = len(me.children()), me.num_fds(), threading.active_count()
    villain, honest = ring()
    with start(honest, timeout=30) as net:
        net.run(3)
        assert (len(me.children()), me.num_fds(), threading.active_count()) == before
        net.run(RunContinuous())
        assert threading.active_count() > before[2]
    model = weakref.ref(net)
    del net
    gc.collect()
    assert model() is None
    assert (len(me.children()), me.num_fds(), threading.active_count()) == before
    assert villain.runtime.closed


@pytest.mark.parametrize("deed", [None, "fail", "request_stop"])
def test_helpers_work_again_and_again_and_end_with_the_run(deed, monkeypatch):
    """In a ring one model waits in every step, so another greenlet goes on in its place."""
    begun = []

    class Helper(greenlet):
        def __init__(self, *args):
            begun.append(self)
            super().__init__(*args)

    monkeypatch.setattr(turns, "greenlet", Helper)
    villain, honest = ring(**({"deed": deed, "step": 50} if deed else {}))
    with start(honest) as net, contextlib.suppress(RuntimeError):
        for _ in range(3):
            net.run(50)
            assert all(helper.dead for helper in begun)
            if deed is None:
                assert villain.total.get()[0] == net.time_step
        net.run(RunContinuous())
        net.pause()
    assert begun
    assert len(begun) <= 8  # of 150 steps and more
    assert all(helper.dead for helper in begun)


def test_stopped_from_another_thread():
    _, honest = ring()
    net = start(honest).start()
    threading.Timer(0.2, net.stop).start()
    with pytest.raises(RuntimeError, match="not running any more: it was stopped"):
        net.run(10**9)
