"""A program that runs networks in one process where there is nothing of POSIX, as on Windows."""

import ctypes
import importlib
import multiprocessing.context
import os
import platform
import signal
import sys
from types import SimpleNamespace

MISSING = ["fcntl", "grp", "pwd", "resource", "termios", "tty", "pty"]
GONE = ["fork", "forkpty", "register_at_fork", "memfd_create", "sysconf", "pread", "pwrite"]
GONE += ["preadv", "killpg", "setsid", "waitid", "getuid", "uname", "getloadavg", "WNOHANG"]
SIGNALS = ["SIGKILL", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGCHLD", "pthread_sigmask", "setitimer"]


def installed(pointer):
    pointer._obj.value = 2**23  # kilobytes


def leave_posix():
    """Take away what Windows has not."""
    for name in MISSING:
        sys.modules[name] = None
    for module, names in ((os, GONE), (signal, SIGNALS)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    multiprocessing.context._concrete_contexts.pop("fork")
    multiprocessing.context._concrete_contexts.pop("forkserver")
    platform.system = lambda: "Windows"
    memory = SimpleNamespace(GetPhysicallyInstalledSystemMemory=installed)
    ctypes.windll = SimpleNamespace(kernel32=memory)


def main():
    for module in ("numpy", "scipy.sparse", "numba", "asteval", "pytest", "qutip"):
        importlib.import_module(module)  # they know what they do elsewhere
    leave_posix()
    import numpy as np
    import pytest
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.lif.process import LIF

    from lava_sqs import SQS, SQSSimCfg, runtime, use_inline

    for name in ("data", "network", "neurons", "optimizers", "proc", "testing"):
        importlib.import_module(f"lava_sqs.{name}")

    def network(record=()):
        lif, dense = LIF(shape=(3,), bias_mant=0.4, vth=1.0), Dense(weights=np.full((2, 3), 0.3))
        sqs = SQS(shape=(2,), ansatz="paper", theta=[0.3, 0.2, 0.1], seed=1, record=record)
        lif.s_out.connect(dense.s_in)
        dense.a_out.connect(sqs.a_in)
        return lif, sqs

    lif, sqs = network(("s_out", "memory"))
    with runtime(sqs, SQSSimCfg(), timeout=60) as net:
        kept = net.record(lif.v, sqs.p_spike)
        net.run(5)
        net.run(5)
        assert sqs.recording.memory.shape == (10, 2, 4)
        assert np.array_equal(sqs.recording.memory[-1], sqs.memory.get())
    assert kept.p_spike.shape == (10, 2)
    lif, other = network()
    with use_inline():
        lif.run(RunSteps(10), Loihi2SimCfg(select_tag="floating_pt"))
    assert np.array_equal(other.memory.get(), sqs.recording.memory[-1])
    lif.stop()
    _, third = network()
    with (
        pytest.raises(NotImplementedError, match=r"os\.fork"),
        runtime(third, SQSSimCfg(), engine="processes"),
    ):
        pass
    print("done")


if __name__ == "__main__":
    main()
