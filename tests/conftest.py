"""What every test needs: no windows, repeatable examples, and no Lava process left behind."""

import ctypes
import multiprocessing
import os
import signal
import sys
import warnings

import hypothesis
import pytest

os.environ["MPLBACKEND"] = "Agg"

# The first example of a test may compile a Numba kernel: no deadline per example.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "dev")

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
libc = ctypes.CDLL(None)


def in_forked_process():
    """Set up a process that Lava has just forked from a test."""
    # A warning turned into an exception in there would hang the network: print it instead.
    warnings.simplefilter("default")
    # When the run ends the hard way, do not stay behind and keep its output open.
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


os.register_at_fork(after_in_child=in_forked_process)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    """Fail, and still end, a run in which a test left Lava processes behind.

    Python waits for them at exit, for ever: after a test that timed out or forgot `stop()`.
    """
    result = yield
    children = multiprocessing.active_children()
    if any(type(child).__name__ == "SystemProcess" for child in children):  # Lava's own class
        for child in children:  # with the manager of its shared memory
            child.kill()
        print("\nERROR: the tests left Lava processes running; they were killed.")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(exitstatus) or int(pytest.ExitCode.TESTS_FAILED))
    return result
