"""A network never hangs and never lies, whatever happens to it.

Every failure is a cell: a few lines that run in a process of their own, which must end in time, by
itself, and leave no process behind. Cells about exits and signals are scripts with an interpreter
of their own, the others are forked. `faulty/harness.py` holds what they share.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.core.run_conditions import RunContinuous, RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.runtime import Runtime
from lava.proc.dense.models import PyDenseModelFloat
from lava.proc.dense.process import Dense
from lava.proc.io.extractor import Extractor
from lava.proc.io.injector import Injector
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.utils.serialization import load, save

import lava_sqs
from lava_sqs.execution.running import SQSSimCfg, shared_array

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

from faulty.harness import ENGINE, runtime  # noqa: E402 - it lies beside these tests

PREAMBLE = (
    "import os, signal, sys, threading, time\nimport numpy as np\nfrom faulty.harness import *\n"
    # should these tests be killed, what they started ends a little later
    "signal.signal(signal.SIGALRM, signal.SIG_DFL); signal.alarm(300)\n"
)


def many_processes(test):
    """Mark a test as one of what can happen to children only."""
    test.many_processes = True
    return test


def pytest_generate_tests(metafunc):
    """Run every test with every engine that it is about."""
    if "engine" in metafunc.fixturenames:
        only_many = hasattr(metafunc.function, "many_processes")
        metafunc.parametrize(
            "engine", ["processes"] if only_many else ["processes", "inline"], indirect=True
        )


@pytest.fixture(autouse=True)
def engine(request, monkeypatch):
    """Set the engine of `runtime`, here and in cells."""
    monkeypatch.setenv(ENGINE, request.param)
    return request.param


def run_cell(code, deadline=30):
    """Run a cell in a fork of this process."""
    with tempfile.TemporaryFile("w+") as output:
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            sys.path.insert(0, str(TESTS))
            failed = 1
            try:
                exec(PREAMBLE + textwrap.dedent(code), {"__name__": "__main__"})
                failed = 0
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(failed)
        status = wait_for(pid, deadline)
        output.seek(0)
        check_end(pid, status, output.read())


def wait_for(pid, deadline):
    """Wait for a fork; return its exit status, or None after killing it."""
    patience = time.monotonic() + deadline
    while time.monotonic() < patience:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def start_script(code, preamble=PREAMBLE):
    """Start a cell as a script."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    return subprocess.Popen(
        [sys.executable, "-c", preamble + textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish_script(script, returncode=0, deadline=30):
    """Wait for a script and for all it started; return its output."""
    try:
        output, _ = script.communicate(timeout=deadline)  # its children hold stdout, too
    except subprocess.TimeoutExpired:
        os.killpg(script.pid, signal.SIGKILL)
        pytest.fail(f"not over after {deadline} s:\n{script.communicate()[0]}")
    check_end(script.pid, script.returncode, output, returncode)
    return output


def check_end(session, status, output, expected=0):
    """Fail unless a cell has ended as expected, without survivors."""
    assert status is not None, f"not over in time:\n{output}"
    patience = time.monotonic() + 3  # helpers of multiprocessing notice the end a moment later
    while orphans := [p for p in psutil.pids() if _session(p) == session]:
        assert time.monotonic() < patience, f"{orphans} survive:\n{output}"
        time.sleep(0.05)
    assert status == expected, output


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def chain(size=3, **kwargs):
    """Return the two neurons of a stock LIF-Dense-LIF network."""
    source = LIF(shape=(size,), bias_mant=1.0, vth=2.5, name="source")
    target = LIF(shape=(size,), vth=1e6, name="target")
    dense = Dense(weights=np.eye(size))
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(target.a_in)
    return source, target


# A model fails -------------------------------------------------------------------------------


def test_exception_in_a_model_names_process_step_and_line():
    run_cell("""
        for place, where in [
            ("before_send", "at time step 3, in run_spk of PySaboteurModel"),
            ("after_send", "at time step 3, in run_spk of PySaboteurModel"),
            ("lrn", "at time step 3, in run_lrn of PySaboteurModel"),
            ("post_mgmt", "at time step 3, in run_post_mgmt of PySaboteurModel"),
            ("init", "while its model PySaboteurModel was built"),
        ]:
            villain, honest = ring(deed="fail", place=place)
            net = runtime(honest, config())
            said = f"Process 'villain' (Saboteur) failed {where}", "models.py", "in fail"
            with nothing_left(), soon():
                with raises(RuntimeError, "ArithmeticError: the deed is done", *said), net:
                    net.run(2)
                    net.run(10)
            assert not net.running
    """)


@many_processes
def test_death_of_a_child_names_its_process():
    run_cell("""
        killed = "lost its child process {}: it was killed by SIGKILL"
        exited = "lost its child process {}: it exited with code 0"
        for place, when in [
            ("before_send", "at time step 3, in run_spk of PySaboteurModel"),
            ("init", "while its model PySaboteurModel was built"),
        ]:
            for deed, said in ("die", killed), ("vanish", exited), ("leave", "SystemExit: 0"):
                villain, honest = ring(deed=deed, place=place)
                said = "Process 'villain' (Saboteur)", said.format(when)
                with nothing_left(), soon(), raises(RuntimeError, *said):
                    with runtime(honest, config()) as net:
                        net.run(10)
    """)


@many_processes
def test_two_models_that_fail_in_one_step_are_both_named():
    run_cell("""
        for place in "after_send", "post_mgmt", "lrn", "init":
            villain, honest = ring(deed="fail", place=place)
            other = Saboteur(name="other", deed="fail", place=place)
            source, sink = Dense(weights=np.eye(2), name="tap"), LIF(shape=(2,), vth=9)
            honest.s_out.connect(source.s_in)
            source.a_out.connect(other.a_in)
            other.s_out.connect(sink.a_in)
            said = "'villain' (Saboteur) failed ", "'other' (Saboteur) failed "
            traces = "traceback of Process 'villain'", "traceback of Process 'other'"
            with nothing_left(), soon():
                with raises(RuntimeError, "2 Exception(s) occurred", *said, *traces):
                    with runtime(honest, config()) as net:
                        net.run(10)
        villain, honest = ring(deed="fail")
        with raises(RuntimeError, "; 1 Exception(s) occurred.", "traceback of its child"):
            with runtime(honest, config()) as net:
                net.run(10)
    """)


@many_processes
def test_long_traceback_keeps_its_beginning_and_end():
    run_cell("""
        villain, honest = ring(deed="fail_at_length")
        with raises(RuntimeError, "models.py", "[...]", "end of the deed"):
            with runtime(honest, config()) as net:
                net.run(10)
    """)


def test_failure_in_the_background_is_not_kept_quiet():
    run_cell("""
        from lava.magma.core.run_conditions import RunContinuous, RunSteps

        def in_background(condition, end):
            villain, honest = ring(deed="fail")
            with runtime(honest, config()) as net:
                net.run(condition)
                time.sleep(0.3)
                end(net, honest)

        def fail(net, honest):
            raise KeyError("mine")

        failed = RuntimeError, "'villain'", "the deed is done"
        for condition, end, said in [
            (RunContinuous(), lambda net, honest: net.wait(), failed),
            (RunContinuous(), lambda net, honest: net.pause(), failed),
            (RunContinuous(), lambda net, honest: honest.stop(), failed),
            (RunContinuous(), lambda net, honest: None, failed),
            (RunSteps(10, blocking=False), lambda net, honest: net.wait(), failed),
            (RunSteps(10, blocking=False), lambda net, honest: None, failed),
            (RunContinuous(), fail, (KeyError, "mine")),  # the block's own exception goes first
        ]:
            with nothing_left(), raises(*said):
                in_background(condition, end)
    """)


def test_exception_while_a_var_is_set_or_read():
    run_cell("""
        villain, honest = ring(deed="fail", place="var_update")
        with nothing_left(), raises(RuntimeError, "'villain'", "setting a Var", "the deed is done"):
            with runtime(honest, config()) as net:
                villain.total.set(np.ones(2))
        with raises(RuntimeError, "not running any more", "setting a Var"):
            villain.total.get()
        villain, honest = ring()
        with nothing_left(), raises(RuntimeError, "'reshaped'", "(4,)", "(3,)", "[:] ="):
            with runtime(honest, config()) as net:
                net.run(1)
                villain.reshaped.get()
    """)


# Nothing moves -------------------------------------------------------------------------------


@many_processes
def test_timeout_says_who_waits_for_whom():
    run_cell("""
        villain, honest = ring(deed="swallow")
        who = "Process 'villain' (Saboteur), time step 3: waits on port 'a_in'"
        whom = " to receive from 's_out' of Process 'honest' (Saboteur) in run_spk (models.py:"
        with nothing_left(), soon(), raises(TimeoutError, who + whom, "'link' (Dense)"):
            with runtime(honest, config(), timeout=1) as net:
                net.run(10)
    """)


@many_processes
def test_timeout_with_a_model_that_computes_or_does_not_answer():
    run_cell("""
        for deed, said in ("sleep", "is busy in act (models.py"), ("freeze", "does not answer"):
            villain, honest = ring(deed=deed)
            with nothing_left(), soon(), raises(TimeoutError, "link", f"time step 3: {said}"):
                with runtime(honest, config(), timeout=0.6) as net:
                    net.run(10)
    """)


def test_slow_steps_and_slow_users_are_no_timeout():
    run_cell("""
        villain, honest = ring(deed="dawdle")
        with runtime(honest, config(), timeout=1.2) as net:
            net.run(8)
            time.sleep(1.5)
            net.run(2)
            assert net.time_step == 10
    """)


@many_processes
def test_without_timeout_a_stall_warns_once():
    run_cell("""
        import warnings
        from lava_sqs.execution.supervision import supervised

        supervised.PATIENCE = 0.5
        warnings.simplefilter("error")
        villain, honest = ring(deed="swallow")
        with nothing_left(), raises(RuntimeWarning, "waits on port 'a_in'"):
            with runtime(honest, config()) as net:
                net.run(10)
    """)


# Ctrl-C and exits ----------------------------------------------------------------------------


@many_processes
def test_ctrl_c_during_a_run():
    run_cell("""
        def interrupt_soon():
            threading.Timer(0.5, os.killpg, (0, signal.SIGINT)).start()

        for deed in "nothing", "sleep", "swallow", "freeze":
            villain, honest = ring(deed=deed)
            with nothing_left(), soon(), raises(KeyboardInterrupt):
                with runtime(honest, config()) as net:
                    interrupt_soon()
                    net.run(10**9)
            with raises(RuntimeError, "ended by an error (KeyboardInterrupt)"):
                net.run(1)

        villain, honest = ring(deed="sleep", place="init")
        with nothing_left(), soon(), raises(KeyboardInterrupt):
            interrupt_soon()
            runtime(honest, config()).start()
    """)


def test_ctrl_c_uncaught_ends_the_script():
    script = start_script("""
        villain, honest = ring()
        with runtime(honest, config()) as net:
            print("up", flush=True)
            net.run(10**9)
    """)
    assert script.stdout.readline() == "up\n"
    time.sleep(0.3)
    os.killpg(script.pid, signal.SIGINT)
    output = finish_script(script, -signal.SIGINT)
    assert output.count("Traceback") == 1, output  # the children say nothing


@many_processes
def test_these_tests_run_in_the_background_of_a_shell():
    """Such a shell has SIGINT ignored: without care (conftest.py) the test of Ctrl-C would hang."""
    finish_script(
        start_script(
            f"""
        import os, signal, sys
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        test = {__file__!r} + "::" + {test_ctrl_c_uncaught_ends_the_script.__name__!r}
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        os.execv(sys.executable, [*pytest, test])
        """,
            preamble="",
        )
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_children_end_with_a_killed_parent(number):
    script = start_script("""
        villain, honest = ring()
        net = runtime(honest, config()).start()
        print("up", flush=True)
        net.run(10**9)
    """)
    assert script.stdout.readline() == "up\n"
    os.kill(script.pid, number)
    finish_script(script, -number)


@pytest.mark.parametrize("end", ["", "net.run(RunContinuous())"])
def test_forgotten_stop_does_not_keep_the_interpreter(end):
    finish_script(
        start_script(f"""
        from lava.magma.core.run_conditions import RunContinuous

        villain, honest = ring()
        net = runtime(honest, config()).start()
        net.run(3)
        {end}
    """)
    )


@many_processes
def test_a_network_ends_with_the_last_reference_to_its_runtime():
    run_cell("""
        with nothing_left():
            villain, honest = ring()
            net = runtime(honest, config()).start()
            net.run(3)
            net = runtime(ring()[0], config()).start()
            assert resources()[0] == 4
            with raises(RuntimeError, "its runtime(...) object was not kept"):
                honest.total.get()
            del net
    """)


# Many networks -------------------------------------------------------------------------------


def test_networks_in_sequence_and_side_by_side_leave_nothing():
    run_cell("""
        with nothing_left():
            for size in range(1, 6):
                source, target = stock(size)
                with runtime(source, config()) as net:
                    net.run(5)
                    assert not named_segments()
            nets = [(runtime(v, config(), timeout=20).start(), v) for v, _ in (ring(), ring())]
            for _ in range(5):
                for net, _ in nets:
                    net.run(2)
            nets[0][0].stop()
            nets[1][0].run(2)
            assert nets[1][1].total.get().tolist() == [12.0, 12.0]
            nets[1][0].stop()
            del net, nets
    """)


@many_processes
def test_threads_of_lavas_ports_are_gone_when_stop_returns():
    run_cell("""
        from lava.magma.compiler.channels.pypychannel import CspRecvPort

        listen = CspRecvPort._req_callback
        CspRecvPort._req_callback = lambda port, req: (listen(port, req), time.sleep(0.2))
        villain, honest = ring()
        net = runtime(honest, config(), timeout=20).start()
        net.run(3)
        assert threading.active_count() > 1
        net.stop()
        assert threading.enumerate() == [threading.main_thread()]
    """)


@pytest.mark.faults
def test_a_hundred_networks_leave_nothing(engine):
    """A model that kills its process is for networks of many: in one it takes the program along."""
    deeds = ("nothing", "fail", "die" if engine == "processes" else "fail")
    run_cell(
        f"""
        with nothing_left():
            for index in range(100):
                villain, honest = ring(deed={deeds}[index % 3])
                try:
                    with runtime(honest, config(), timeout=20) as net:
                        net.run(5)
                except RuntimeError:
                    assert index % 3
        """,
        deadline=200,
    )


def test_network_in_a_thread_and_stopped_from_another():
    run_cell("""
        villain, honest = ring()
        caught, nets, up = [], [], threading.Event()

        def work():
            nets.append(runtime(honest, config()).start())
            up.set()
            with raises(RuntimeError, "not running any more: it was stopped"):
                nets[0].run(10**9)
            caught.append(True)

        with nothing_left():
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            assert up.wait(15)
            time.sleep(0.3)
            with raises(RuntimeError, "out of reach during a run"):
                honest.total.set(1.0)
            nets[0].stop()
            thread.join(5)
            assert caught
            nets.clear()
    """)


# Threads -------------------------------------------------------------------------------------


THREADS = {
    "a pool": """
        from concurrent.futures import ThreadPoolExecutor

        with nothing_left(), ThreadPoolExecutor(4) as pool:
            check_stock(pool.map(run_stock, range(16)), 16)
    """,
    "asyncio": """
        import asyncio

        async def main():
            networks = [asyncio.to_thread(run_stock) for _ in range(6)]
            check_stock(await asyncio.gather(*networks), 6)

        asyncio.run(main())
        asyncio.run(main())
    """,
    "daemon threads": """
        found = []
        for _ in range(6):
            threading.Thread(target=lambda: found.append(run_stock()), daemon=True).start()
        while len(found) < 6:
            time.sleep(0.01)
        check_stock(found, 6)
    """,
    "beside a busy pool": """
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(3) as pool:  # the main thread makes networks, workers are busy
            busy = pool.map(lambda _: time.sleep(0.05), range(40))
            check_stock([run_stock() for i in range(4)], 4)
            list(busy)
    """,
    "beside pools of processes": """
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing.pool import ThreadPool

        with multiprocessing.get_context("fork").Pool(2) as pool, ThreadPool(3) as threads:
            check_stock(threads.map(run_stock, range(6)), 6)
            assert pool.map(abs, [-1, -2]) == [1, 2]
        with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
            check_stock(pool.map(run_stock, range(4)), 4)
    """,
    "under another start method": """
        from concurrent.futures import ThreadPoolExecutor

        multiprocessing.set_start_method("spawn", force=True)
        with ThreadPoolExecutor(3) as pool:
            check_stock(pool.map(run_stock, range(9)), 9)
        assert multiprocessing.get_start_method() == "spawn"
    """,
}


@pytest.mark.parametrize("way", THREADS)
def test_networks_in_threads(way):
    """A child that runs the interpreter's end, which is about the parent's threads, fails there."""
    run_cell("import multiprocessing\n" + textwrap.dedent(THREADS[way]), 60)


@pytest.mark.faults
def test_two_hundred_networks_in_a_thread_pool():
    run_cell(THREADS["a pool"].replace("16", "200"), 250)


def test_what_a_model_prints_and_its_threads_do_at_the_end_is_kept():
    script = start_script("""
        for deed in "start_thread", "start_pool":
            villain, honest = ring(deed=deed)
            with soon(), runtime(honest, config(), timeout=20) as net:
                net.run(4)
    """)
    output = finish_script(script)
    assert output.count("said by the model") == 2, output
    assert output.count("said by its thread") == 2, output


# Start methods -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_used_before(method):
    finish_script(
        start_script(
            f"""
        import multiprocessing
        multiprocessing.set_start_method({method!r})
        from faulty.harness import *

        assert multiprocessing.get_start_method() == {method!r}
        with nothing_left():
            villain, honest = ring()
            with runtime(honest, config(), timeout=20) as net:
                net.run(3)
        """,
            preamble="",
        )
    )


@many_processes
def test_every_module_that_needs_lava_makes_it_importable_first():
    """Stock ``import lava`` raises in a program that has used multiprocessing before."""
    package = Path(lava_sqs.__file__).parent
    needing = 0
    for path in sorted(package.rglob("*.py")):
        text = path.read_text()
        first = re.search(r"^(from|import) lava\.", text, re.MULTILINE)
        if first is None or path.relative_to(package).parts[0] in ("proc", "execution"):
            continue  # the __init__ of these two packages does it
        needing += 1
        before = text[: first.start()]
        assert "import lava_sqs._start_method" in before or "from lava_sqs.proc" in before, path
    assert needing >= 3


@many_processes
def test_import_in_a_spawned_worker():
    finish_script(
        start_script(
            """
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            pool.submit(exec, "import lava_sqs.execution.running").result(20)
        """,
            preamble="",
        )
    )


# What works ----------------------------------------------------------------------------------


def test_results_are_those_of_stock_lava():
    run_cell("""
        from lava.magma.core.run_conditions import RunSteps

        source, target = stock()
        with runtime(source, config()) as net:
            net.run(7)
            net.run(RunSteps(6))
            ours = source.v.get(), target.v.get()
        source, target = stock()
        source.run(RunSteps(13), config())
        stocks = source.v.get(), target.v.get()
        source.stop()
        assert np.array_equal(ours, stocks)
    """)


def test_vars_before_between_and_after_runs():
    source, target = chain()
    with runtime(source, SQSSimCfg(), timeout=20) as net:
        assert source.v.get().tolist() == [0, 0, 0]
        net.run(2)
        assert source.v.get().tolist() == [2, 2, 2]
        assert source.v.get(idx=[0, 2]).tolist() == [2, 2]
        source.v.set(np.array([0.5, 1.0, 1.5]))
        source.v.set(np.array([-1.0]), idx=[1])
        assert source.v.get().tolist() == [0.5, -1.0, 1.5]
        source.v.set(0.25)
        assert source.v.get().tolist() == [0.25] * 3
        for bad, kind in ((np.ones(2), ValueError), (np.ones((3, 3)), ValueError), (1j, TypeError)):
            with pytest.raises(kind, match=r"'source\.v' must be set to"):
                source.v.set(bad)
        net.run(1)
        assert source.v.get().tolist() == [1.25] * 3
    for call in (source.v.get, lambda: target.v.set(np.ones(3)), lambda: net.run(1)):
        with pytest.raises(RuntimeError, match=r"it was stopped.*inside the `with` block.*again"):
            call()
    with pytest.raises(RuntimeError, match="not running any more"):
        source.run(RunSteps(1))
    source.stop()
    net.stop()


def test_a_scalar_var_can_be_read_and_set():
    run_cell("""
        villain, honest = ring()
        with runtime(honest, config(), timeout=20) as net:
            assert villain.scalar.get().tolist() == [1.5]  # stock Lava hangs here
            net.run(1)
            assert villain.scalar.get().tolist() == [1.5]
            for value in 2.5, [3.5], np.array([[4.5]]), 5:  # and refuses here
                villain.scalar.set(value)
                assert villain.scalar.get().tolist() == np.ravel(value).tolist()
    """)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (3, 2), (1, 6), (6, 1), (1, 2, 3)])
def test_a_var_takes_as_many_numbers_in_any_shape(shape):
    """As stock Lava does; libraries rely on it."""
    neurons, numbers = LIF(shape=(2, 3), vth=1e6), np.arange(6.0).reshape(shape)
    with runtime(neurons, SQSSimCfg(), timeout=20):
        neurons.v.set(numbers)
        assert neurons.v.get().tolist() == [[0, 1, 2], [3, 4, 5]]
        neurons.v.set(numbers[..., ::-1])
        assert neurons.v.get().ravel().tolist() == numbers[..., ::-1].ravel().tolist()
        neurons.v.set(numbers.astype(np.int16).tolist())
        for wrong in (np.ones(5), np.ones(7), np.ones(1), np.ones((3, 3)), [], np.ones((2, 3, 2))):
            with pytest.raises(ValueError, match="must be set to 6 numbers"):
                neurons.v.set(wrong)
        assert neurons.v.get().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_var_that_the_model_has_transposed_is_set_in_its_own_order():
    run_cell("""
        villain, honest = ring(deed="transpose")
        with runtime(honest, config(), timeout=20) as net:
            net.run(3)
            for numbers in np.arange(6.0).reshape(2, 3), np.ones(6), np.arange(6.0)[::-1]:
                villain.matrix.set(numbers)
                assert villain.matrix.get().tolist() == numbers.reshape(2, 3).tolist()
    """)


def test_a_var_that_a_list_initialises_is_checked_as_well():
    source, _ = chain()
    source.v.init = [0.0, 0.0, 0.0]
    with runtime(source, SQSSimCfg(), timeout=20):
        with pytest.raises(ValueError, match="must be set to 3 numbers"):
            source.v.set(np.ones(2))  # stock Lava sets two of the three
        source.v.set([1, 2, 3])
        assert source.v.get().tolist() == [1, 2, 3]


def test_what_others_read_from_a_runtime():
    """Lava's tests, lava-dnf and lava-optimization read these, also after the end."""
    source, target = chain()
    assert source.runtime is None
    with runtime(source, SQSSimCfg(), timeout=20) as net:
        lavas = source.runtime
        assert isinstance(lavas, Runtime)
        assert target.runtime is lavas
        assert (lavas._is_initialized, lavas._is_started, lavas._is_running) == (True, False, False)
        assert source.v.get().tolist() == [0, 0, 0]
        source.v.set(np.ones(3))
        assert (lavas.num_steps, lavas._is_started) == (0, False)
        net.run(3)
        assert (lavas.num_steps, lavas._is_started, lavas._is_running) == (3, True, False)
        source.v.get()
        assert lavas._is_started
        assert len(lavas.node_cfg) == 1
        net.run(RunContinuous())
        assert (lavas.num_steps, lavas._is_started, lavas._is_running) == (sys.maxsize, True, True)
        net.pause()
        assert (lavas._is_started, lavas._is_running) == (True, False)
        net.run(RunSteps(2))
    for process in source, target:
        after = process.runtime
        assert isinstance(after, Runtime)
        assert (after.num_steps, after._is_initialized) == (2, True)
        assert (after._is_started, after._is_running) == (False, False)
        for call in after.wait, after.pause, partial(process.run, RunSteps(1)), partial(net.run, 1):
            with pytest.raises(RuntimeError, match="not running any more"):
                call()
        with pytest.raises(RuntimeError, match="not running any more"):
            _ = after.node_cfg
        after.stop()


@many_processes
def test_an_ended_network_is_freed():
    """Lava never lets go of a Var, so its Process and Runtime live on, but hold little."""
    run_cell("""
        import gc, weakref

        source, target = stock()
        executable = source.compile(config())
        net = runtime(source, executable=executable).start()
        net.run(1)
        board = source.runtime.children.board
        left = [weakref.ref(each) for each in (net, executable, board.numbers, board._tracebacks)]
        net.stop()
        assert net.time_step == 1
        del net, executable
        gc.collect()
        assert [ref() for ref in left] == [None] * 4
    """)


# Executables ---------------------------------------------------------------------------------


def test_an_executable_that_compile_made():
    source, target = chain()
    executable = source.compile(SQSSimCfg(), {})
    with pytest.raises(RuntimeError, match=r"executable=\.\.\."):
        runtime(source, SQSSimCfg()).start()
    with runtime(target, executable=executable, timeout=20) as net:
        net.run(2)
        assert source.v.get().tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="has been started before"):
        runtime(target, executable=executable).start()


def test_an_executable_that_was_saved(tmp_path):
    source, target = chain()
    executable = source.compile(SQSSimCfg())
    save([source, target], str(tmp_path / "network.pickle"), executable)
    for original in True, False:
        if not original:
            (source, target), executable = load(str(tmp_path / "network.pickle"))
        with runtime(source, executable=executable, timeout=20) as net:
            net.run(4)
            assert source.v.get().tolist() == [1, 1, 1]
            source.v.set([1, 2, 3])
            assert source.v.get().tolist() == [1, 2, 3]
            assert target.v.get().tolist() == [1, 1, 1]


def test_executables_that_do_not_fit_are_refused():
    source, _ = chain()
    executable = source.compile(SQSSimCfg())
    with pytest.raises(TypeError, match="Argument `executable` must be"):
        runtime(source, executable="network.pickle")
    for more in ({"run_cfg": SQSSimCfg()}, {"compile_config": {}}):
        with pytest.raises(TypeError, match="and `executable` exclude each other"):
            runtime(source, executable=executable, **more)
    with pytest.raises(ValueError, match=r"but is another Process 'source' \(LIF\)"):
        runtime(chain()[0], executable=executable)
    with pytest.raises(TypeError, match="Argument `run_cfg`"):
        runtime(source)


# Monitors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("v", "u"), ("v", "s_out"), ("s_out", "v"), ("s_out", "s_out")])
def test_a_monitor_with_two_probes_is_refused_by_name(names):
    source, _ = chain()
    monitor = Monitor()
    for name in names:
        monitor.probe(getattr(source, name), 5)
    said = rf"probes 'source\.{names[0]}', 'source\.{names[1]}', but a Monitor of Lava records one"
    with pytest.raises(ValueError, match=rf"\(Monitor\) {said}.*net\.record"):
        runtime(source, SQSSimCfg()).start()


def test_across_cells(engine):
    source, _ = chain()
    net = runtime(source, SQSSimCfg(), timeout=20)
    assert repr(net) == "<runtime of Process 'source' (LIF): not started>"
    net.stop()
    with pytest.raises(RuntimeError, match="not been started"):
        net.run(1)
    assert net.start() is net.start()
    assert net.running
    net.run(2)
    source.run(RunSteps(3))
    assert repr(net) == "<runtime of Process 'source' (LIF): time step 5, running, " + engine + ">"
    net.stop()
    net.stop()
    assert not net.running
    assert repr(net) == "<runtime of Process 'source' (LIF): time step 5, ended, " + engine + ">"
    with pytest.raises(RuntimeError, match="not running any more"):
        net.start()
    with pytest.raises(
        RuntimeError, match=r"'(source|target|Process_\d+)'.*build the Processes again"
    ):
        runtime(source, SQSSimCfg()).start()


def test_runs_that_do_not_block():
    run_cell("""
        from lava.magma.core.run_conditions import RunContinuous, RunSteps

        villain, honest = ring()
        with nothing_left(), runtime(honest, config(), timeout=20) as net:
            for _ in range(20):
                net.run(RunContinuous())
                with raises(RuntimeError, "running already"):
                    net.run(1)
                with raises(RuntimeError, "'honest.total' is out of reach"):
                    honest.total.get()
                time.sleep(0.02)
                net.pause()
                net.pause()
                before = net.time_step
                assert villain.total.get()[0] == net.time_step
                net.run(3)  # stock Lava hangs here
                net.run(RunSteps(2, blocking=False))
                net.wait()
                assert net.time_step == before + 5
                net.run(RunSteps(3, blocking=False))
                net.pause()  # may come in any phase of any of the steps, or after the last
            net.run(RunContinuous())
    """)


def test_models_may_ask_to_pause_or_stop():
    run_cell("""
        villain, honest = ring(deed="request_pause", place="after_send")
        with nothing_left(), runtime(honest, config(), timeout=20) as net:
            net.run(10)
            assert net.time_step == 3
            net.run(4)
            assert net.time_step == 7
        villain, honest = ring(deed="request_stop", place="after_send")
        with nothing_left(), runtime(honest, config(), timeout=20) as net:
            net.run(10)
            assert net.time_step == 3 and not net.running
    """)


def test_injector_and_extractor():
    run_cell("""
        from lava.proc.io.extractor import Extractor
        from lava.proc.io.injector import Injector

        with nothing_left():
            source, sink = Injector(shape=(2,)), Extractor(shape=(2,), buffer_size=5)
            source.out_port.connect(sink.in_port)
            with raises(TimeoutError, "waits on port 'out_port' to send to outside the network"):
                with runtime(source, config(), timeout=1) as net:
                    for step in range(3):
                        source.send(np.full(2, step))
                    net.run(3)
                    assert [sink.receive()[0] for _ in range(3)] == [0, 1, 2]
                    for step in range(10):
                        source.send(np.zeros(2))
                    net.run(10)
            with raises(RuntimeError, "not running any more"):
                for _ in range(6):  # what is there may still be read, of one process
                    sink.receive()
            with raises(RuntimeError, "not running any more"):
                source.send(np.zeros(2))
    """)


def test_an_extractor_that_does_not_wait_has_every_message_of_a_run():
    run_cell("""
        from lava.proc.io.extractor import Extractor
        from lava.proc.io.source import RingBuffer
        from lava.proc.io.utils import ChannelConfig, ReceiveEmpty

        def work():
            while True:
                sum(range(1000))

        for _ in range(3):  # a parent whose threads compete: stock Lava answers with zeros
            threading.Thread(target=work, daemon=True).start()
        config_ = ChannelConfig(receive_empty=ReceiveEmpty.NON_BLOCKING_ZEROS)
        source = RingBuffer(data=np.arange(1.0, 41.0)[None])
        sink = Extractor(shape=(1,), buffer_size=4, channel_config=config_)
        source.s_out.connect(sink.in_port)
        with runtime(source, config(), timeout=30) as net:
            for step in range(1, 40, 2):
                net.run(2)
                assert [sink.receive()[0] for _ in range(3)] == [step, step + 1, 0]
    """)


def test_monitor():
    run_cell("""
        from lava.proc.monitor.process import Monitor

        with nothing_left():
            source, target = stock(2)
            monitor = Monitor()
            monitor.probe(source.v, 6)
            with runtime(source, config(), timeout=20) as net:
                net.run(6)
                data = monitor.get_data()
            assert list(data.values())[0]["v"][:, 0].tolist() == [1, 2, 0, 1, 2, 0]
    """)


@many_processes
def test_shared_array_is_shared_with_children():
    array = shared_array((2, 3), np.int32)
    assert array.shape == (2, 3)
    assert not array.any()
    child = os.fork()
    if child == 0:
        array[1, 2] = 7
        os._exit(0)
    os.waitpid(child, 0)
    assert array.sum() == array[1, 2] == 7
    assert shared_array(0).size == 0


# Arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "3", None])
def test_number_of_steps_is_checked_before_anything_is_sent(steps):
    source, _ = chain()
    with runtime(source, SQSSimCfg(), timeout=20) as net:
        for call in (lambda: net.run(steps), lambda: source.run(RunSteps(steps))):
            with pytest.raises(ValueError, match=f"positive integer, but is {steps!r}"):
                call()
        with pytest.raises(TypeError, match="RunSteps or RunContinuous"):
            source.run("for a while")
        net.run(np.int64(1))


@many_processes
def test_arguments_of_runtime():
    source, _ = chain()
    with pytest.raises(TypeError, match="Argument `process`"):
        runtime("source", SQSSimCfg())
    with pytest.raises(TypeError, match="Argument `run_cfg`"):
        runtime(source, SQSSimCfg)
    for timeout in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="Argument `timeout`"):
            runtime(source, SQSSimCfg(), timeout=timeout)
    with pytest.raises(ValueError, match="use_watchdog"):
        runtime(source, SQSSimCfg(), compile_config={"use_watchdog": True})


def test_a_wrong_configuration_can_be_corrected():
    source, _ = chain()
    with pytest.raises(AssertionError, match="no_such_tag"):
        runtime(source, Loihi2SimCfg(select_tag="no_such_tag")).start()
    with runtime(source, Loihi2SimCfg(select_tag="floating_pt"), timeout=20) as net:
        net.run(1)


# SQSSimCfg -----------------------------------------------------------------------------------


def choose(config, process):
    """Return the name of the model that a configuration chooses among those Lava finds."""
    return config.select(process, ProcGroupDiGraphs._find_proc_models(process)).__name__


@many_processes
def test_config_prefers_the_backend_and_falls_back(monkeypatch):
    monkeypatch.syspath_prepend(str(TESTS))
    from faulty.saboteur.process import Saboteur

    assert choose(SQSSimCfg(), Saboteur()) == "PySaboteurModel"
    assert choose(SQSSimCfg(backend="qutip"), Saboteur()) == "PySaboteurModelLiteral"
    assert choose(SQSSimCfg(None, backend="qutip"), Saboteur()) == "PySaboteurModelLiteral"
    assert choose(SQSSimCfg(backend="qutip"), Dense(weights=np.eye(2))) == "DenseModel"
    assert choose(SQSSimCfg(), Injector(shape=(1,))) == "PyLoihiInjectorModel"
    assert choose(SQSSimCfg(backend="qutip"), Extractor(shape=(1,))) == "PyLoihiExtractorModel"


@many_processes
def test_config_does_not_mix_number_types():
    def model(*tags):
        return type("_".join(tags), (PyDenseModelFloat,), {"tags": list(tags)})

    def chosen(config, *models):
        return config.select(Dense(weights=np.eye(2)), list(models)).__name__

    fixed = SQSSimCfg("fixed_pt", backend="qutip")
    models = model("floating_pt"), model("qutip", "floating_pt"), model("fixed_pt")
    assert chosen(fixed, *models) == "fixed_pt"
    assert chosen(fixed, *models, model("qutip")) == "qutip"
    assert chosen(fixed, *models, model("qutip", "fixed_pt")) == "qutip_fixed_pt"
    assert chosen(SQSSimCfg(backend="qutip"), *models) == "qutip_floating_pt"


@many_processes
def test_config_passes_the_arguments_of_loihi2simcfg():
    dense = Dense(weights=np.eye(2))
    assert choose(SQSSimCfg("fixed_pt"), dense) == "DenseModelBitAcc"
    exception = SQSSimCfg("fixed_pt", exception_proc_model_map={Dense: PyDenseModelFloat})
    assert choose(exception, dense) == "PyDenseModelFloat"
    with pytest.raises(ValueError, match="`backend` must be one of 'qutip', but got 'x'"):
        SQSSimCfg(backend="x")
    with pytest.raises(TypeError, match="no_such_argument"):
        SQSSimCfg(no_such_argument=1)
