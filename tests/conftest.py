"""What every test needs: no windows, repeatable examples, and no Lava process left behind."""

import gc
import multiprocessing
import os
import signal
import sys
import warnings
from multiprocessing.context import ForkProcess

import hypothesis
import pytest

os.environ["MPLBACKEND"] = "Agg"

# The tests start hundreds of interpreters, which import the same packages: where byte code is not
# kept, each would compile them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell that starts us in the background (`&`, nohup) ignores Ctrl-C for us and all we start;
# tests of Ctrl-C would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The first example of a test may compile a Numba kernel: no deadline per example.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
# tests/fuzz multiplies this: docs/faults.md.
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=5000, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A warning turned into an exception in a process that Lava has forked would hang the network:
# there it is printed.
os.register_at_fork(after_in_child=lambda: warnings.simplefilter("default"))


@pytest.fixture(scope="module", autouse=True)
def light_forks():
    """Hide what is there from the garbage collector: each process of Lava's would copy it all."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    """Fail, and still end, a run in which a test left forked processes behind.

    Python waits for them at exit, for ever: after a test that timed out in Lava or forgot `stop()`.
    """
    result = yield
    children = multiprocessing.active_children()
    forked = (multiprocessing.Process, ForkProcess)  # what stock Lava makes, what `runtime` makes
    if left := [child.name for child in children if isinstance(child, forked)]:
        for child in children:
            child.kill()
        print(f"\nERROR: the tests left processes running, which were killed: {', '.join(left)}.")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(exitstatus) or int(pytest.ExitCode.TESTS_FAILED))
    return result
