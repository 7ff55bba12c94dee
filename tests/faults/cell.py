"""A row of the fault matrix, a program of its own.

The event named by the environment variable CELL_EVENT happens to small networks, one after the
other, each with one of CELL_SUBJECTS: `LIF`, run by stock Lava alone, or Processes of ours, run by
`runtime` with the engine CELL_ENGINE. What the program says on stdout, lines that begin with `::`,
is for harness.py: where it is, what was raised, what is left.
"""

import gc
import json
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time

EVENT, SUBJECTS = os.environ["CELL_EVENT"], os.environ["CELL_SUBJECTS"].split()
SUBJECT, STOCK = SUBJECTS[0], SUBJECTS == ["LIF"]
STEPS, FOREVER = 16, 10**9

# Should the tests be killed, what they started ends a little later.
signal.alarm(600)


def say(word, value=None):
    """Tell the tests something, in one write: a second Ctrl-C may not come between line and end."""
    sys.stdout.write(f"::{word} {json.dumps(value)}\n")
    sys.stdout.flush()


if EVENT == "multiprocessing used before the import":
    helper = multiprocessing.Process(target=os.getpid)
    helper.start()
    helper.join()
    say("at", "import")

try:
    if not STOCK:
        from lava_sqs import (
            QLIF,
            SQS,
            LearningSQS,
            SQSDense,
            StochasticLIF,
            connect_learning,
            runtime,
        )
        from lava_sqs.network import LayerParams, SQSNeuron, feed_forward
        from lava_sqs.proc.learning_sqs.models import PyLearningSQSModelFloat
        from lava_sqs.proc.qlif.models import PyQLIFModelFloat
        from lava_sqs.proc.sqs.models import PySQSModelFloat
        from lava_sqs.proc.sqs_dense.models import PySQSDenseModelFloat
        from lava_sqs.proc.sqsnn.process import SQSNetwork
        from lava_sqs.proc.stochastic_lif.models import PyStochasticLIFModelFloat
        from lava_sqs.quantum import ansatz

    import numpy as np
    import psutil
    from lava.magma.core.model.py.ports import PyInPort, PyOutPort
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.models import PyLifModelFloat
    from lava.proc.lif.process import LIF
except Exception as error:
    say("raised", [type(error).__name__, str(error)])
    sys.exit(0)


# Networks ------------------------------------------------------------------------------------


if STOCK:
    KINDS, MODELS = {"LIF": LIF}, {LIF: PyLifModelFloat}
else:
    # The layers of a SQSNetwork are SQS: the deed is for the first.
    KINDS = {"LearningSQS": LearningSQS, "SQSDense": SQSDense, "QLIF": QLIF}
    KINDS |= {"StochasticLIF": StochasticLIF, "SQS": SQS, "SQSNetwork": SQS}
    MODELS = {
        SQS: PySQSModelFloat,
        LearningSQS: PyLearningSQSModelFloat,
        QLIF: PyQLIFModelFloat,
        StochasticLIF: PyStochasticLIFModelFloat,
        SQSDense: PySQSDenseModelFloat,
    }


def sabotaged(kind, deed):
    """Return the model of a Process class that does something bad in time step 3."""

    class Model(MODELS[kind]):
        def __init__(self, proc_params):
            super().__init__(proc_params)
            self.villain = (proc_params.get("name") or "").startswith("target")
            if deed == "raise when built" and self.villain:
                raise ArithmeticError("the deed is done")

        def run_spk(self):
            if not self.villain or self.time_step != 3:
                super().run_spk()
                return
            if deed == "raise before sends":
                raise ArithmeticError("the deed is done")
            elif deed == "send another shape":
                port(self, PyOutPort).send(np.ones(7))
            elif deed == "receive twice":
                port(self, PyInPort).recv()
            elif deed == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            super().run_spk()
            if deed == "raise after sends":
                raise ArithmeticError("the deed is done")

    def port(model, kind):
        return next(p for p in model.py_ports if isinstance(p, kind) and p.csp_ports)

    Model.__name__ = Model.__qualname__ = MODELS[kind].__name__
    return Model


class Network:
    """A network with SUBJECT in its middle: source -> ... -> SUBJECT -> ... -> sink."""

    def __init__(self, deed=None, data=None, subject=None):
        subject = subject or SUBJECT
        rng = np.random.default_rng(0)
        data = rng.integers(0, 2, (4, STEPS)).astype(float) if data is None else data
        self.source, weights = Source(data=data), rng.uniform(0, 0.2, (3, 4))
        kind = KINDS[subject]
        if subject == "SQSDense":
            self.target = SQSDense(weights=weights, window=1, name="target")
            neurons = LearningSQS(shape=3, role="visible", seed=1, name="neurons")
            self.target.a_out.connect(neurons.a_in)
            connect_learning(neurons, self.target)
            entrance, out = self.target.s_in, neurons.s_out
        elif subject == "SQSNetwork":
            spec = feed_forward(4, (3,), 3, SQSNeuron(ansatz.layered()), skip=True)
            parameters = {
                layer.name: LayerParams(
                    {s: rng.uniform(0, 0.1, (3, spec.width(s))) for s in layer.sources},
                    np.full(3, 0.1),
                    layer.neuron.initial(3, rng),
                )
                for layer in spec.layers
            }
            self.target = SQSNetwork(spec=spec, parameters=parameters, seed=1, name="target")
            entrance, out = self.target.a_in, self.target.s_out
        else:
            arguments = {
                "LIF": {"vth": 1.0},
                "LearningSQS": {"role": "hidden", "seed": 1},
            }.get(subject, {"seed": 1})
            self.target = kind(shape=(3,), name="target", **arguments)
            dense = Dense(weights=weights, num_message_bits=8)  # values, not only spikes
            dense.a_out.connect(self.target.a_in)
            entrance, out = dense.s_in, self.target.s_out
        self.source.s_out.connect(entrance)
        self.sink = Sink(shape=(3,), buffer=STEPS)
        out.connect(self.sink.a_in)
        models = {kind: sabotaged(kind, deed)} if deed else {}
        self.config = Loihi2SimCfg(select_tag="floating_pt", exception_proc_model_map=models)
        self.net = None

    def start(self, **options):
        """Start the processes."""
        say("at", "start")
        if STOCK:
            self.target.create_runtime(self.config)
        else:
            self.net = runtime(
                self.target, self.config, engine=os.environ["CELL_ENGINE"], **options
            ).start()

    def run(self, steps=STEPS):
        """Run, or raise."""
        say("at", "run()")
        self.target.run(RunSteps(steps)) if STOCK else self.net.run(steps)

    def stop(self):
        """End the network."""
        say("at", "stop()")
        self.target.stop() if STOCK else self.net.stop()

    def spikes(self):
        """Return what the sink has received."""
        return self.sink.data.get()


# Events --------------------------------------------------------------------------------------


def attempt(function, *arguments, **options):
    """Call; tell what it raises; return whether it returned."""
    try:
        function(*arguments, **options)
    except (Exception, KeyboardInterrupt) as error:
        say("raised", [type(error).__name__, str(error)])
        return False
    return True


def held():
    """Return what this process holds: children, descriptors, threads, named shared memory."""
    gc.collect()
    me = psutil.Process()
    # The server that SharedMemory and SemLock register with outlives every network, in stock Lava.
    children = [
        p for p in me.children(recursive=True) if "resource_tracker" not in " ".join(p.cmdline())
    ]
    maps = {m.path for m in me.memory_maps() if "/dev/shm/" in m.path and os.path.exists(m.path)}
    return {
        "process(es)": len(children),
        "descriptor(s)": me.num_fds(),
        "thread(s)": threading.active_count(),
        "shared-memory segment(s)": len(maps),
    }


def fail(deed=None, **data):
    """Run into a failure, then stop."""
    network = Network(deed, **data)
    say("event")
    if attempt(
        network.start, **({} if STOCK else {"timeout": 2 if deed == "receive twice" else 30})
    ):
        attempt(network.run)
        attempt(network.stop)


def not_a_number():
    """Run on a current that is not a number; say how far a stock network gets."""
    data = np.ones((4, STEPS))
    data[1, 2] = np.nan
    fail(data=data)


def unequal_ports():
    """Connect an OutPort of 5 to the InPort of SUBJECT."""
    say("event")
    target = Network().target
    entrance = target.s_in if SUBJECT == "SQSDense" else target.a_in
    attempt(Dense(weights=np.ones((5, 5)), name="five").a_out.connect, entrance)


def interrupted():
    """Wait for Ctrl-C during a run, then use the next network."""
    network = Network()
    network.start()
    say("up")
    attempt(network.run, FOREVER)
    attempt(network.stop)
    say("at", "the next network")
    again()
    say("works")


def again():
    """Show that another network still works, in this process."""
    network = Network()
    network.start()
    network.run()
    network.spikes()
    network.stop()


def terminated():
    """Run until the program is killed."""
    network = Network()
    network.start()
    say("up")
    network.run(FOREVER)


def stopped_twice():
    """Stop twice."""
    network = Network()
    network.start()
    network.run()
    network.stop()
    say("event")
    if attempt(network.stop):
        say("works")


def not_stopped():
    """Forget to stop; the network is still referred to when the program ends."""
    globals()["kept"] = network = Network()
    network.start()
    network.run()
    say("event")
    say("works")


def run_after_stop():
    """Run a network that has been stopped."""
    network = Network()
    network.start()
    network.run()
    network.stop()
    say("event")
    if attempt(network.run):
        say("works")


def one():
    """Run one network; the import has worked."""
    say("event")
    if attempt(again):
        say("works")


def short_of_memory():
    """Run with a /dev/shm that has room for nothing."""
    if os.environ["CELL_SHM"] == "shared":  # the same, where a namespace cannot be had
        sys.dont_write_bytecode = True  # it would be cut off, and kept
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    say("event")
    network = Network()
    if attempt(network.start):
        if attempt(network.run):
            say("works")
        attempt(network.stop)


def two_networks():
    """Run two networks in turns, and compare each with itself alone."""
    alone = []
    for data in (None, np.ones((4, STEPS))):
        network = Network(data=data)
        network.start()
        network.run()
        alone.append(network.spikes())
        network.stop()
    say("event")
    networks = [Network(), Network(data=np.ones((4, STEPS)))]
    for network in networks:
        network.start()
    for _ in range(STEPS // 2):
        for network in networks:
            network.run(2)
    together = [network.spikes() for network in networks]
    for network in networks:
        network.stop()
    if np.array_equal(alone, together):
        say("works")


def hundred_networks():
    """Build, run and stop a hundred networks, of all kinds in turn."""
    say("event")
    ours = ["SQS", "LearningSQS", "SQSDense", "QLIF", "StochasticLIF", "SQSNetwork"]
    kinds = ["LIF"] if STOCK else ours
    for index in range(100):
        network = Network(subject=kinds[index % len(kinds)])
        network.start()
        network.run()
        network.stop()
        del network
        if index == 9:
            say("held", held())
    say("works")


def notebook():
    """Interrupt a cell of a Jupyter notebook, as its stop button does, then go on in the next."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=os.path.dirname(__file__))

    def answer(message):
        reply = {}
        while reply.get("parent_header", {}).get("msg_id") != message:
            reply = client.get_shell_msg(timeout=600)
        if (content := reply["content"])["status"] == "error":
            say("raised", [content["ename"], content["evalue"]])
        return content["status"] == "ok"

    try:
        code = f"import cell; from cell import *; cell.SUBJECT = {SUBJECT!r}; again()"
        answer(client.execute(f"{code}; before = held()"))
        answer(client.execute("network = Network(); network.start()"))
        running = client.execute("network.run(FOREVER)")
        time.sleep(1)
        say("at", "run()")
        say("event")
        manager.interrupt_kernel()
        if "twice" in EVENT:
            time.sleep(0.03)
            manager.interrupt_kernel()
        answer(running)
        say("at", "stop()")
        answer(client.execute("network.stop()"))
        say("at", "the next network")
        check = "del network; assert held() == before, (held(), before)"
        if answer(client.execute(f"again(); {check}" if not STOCK else "again()")):
            say("works")
        say("at", "shutdown of the kernel")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=STOCK)


def xdist():
    """Run networks in two workers of a pytest session."""
    import subprocess
    import tempfile

    code = (
        f"import pytest, cell\ncell.SUBJECT = {SUBJECT!r}\n"
        "@pytest.mark.parametrize('i', range(4))\ndef test(i): cell.again()\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "test_networks.py")
        with open(path, "w") as file:
            file.write(code)
        say("at", "pytest")
        say("event")
        here = os.path.dirname(os.path.abspath(__file__))
        command = [sys.executable, "-m", "pytest", "-n2", "-q", "-p", "no:cacheprovider", path]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": here},
            capture_output=True,
            text=True,
        )
    print(done.stdout, done.stderr, flush=True)
    if done.returncode == 0:
        say("works")


EVENTS = {
    "exception in a model before its sends": lambda: fail("raise before sends"),
    "exception in a model after its sends": lambda: fail("raise after sends"),
    "exception while a model is built": lambda: fail("raise when built"),
    "NaN currents from upstream": not_a_number,
    "ports of unequal shapes connected": unequal_ports,
    "a model sends an array of another shape": lambda: fail("send another shape"),
    "a model waits for a message that never comes": lambda: fail("receive twice"),
    "SIGKILL of a model's process": lambda: fail("die"),
    "Ctrl-C in a terminal": interrupted,
    "Ctrl-C twice in a terminal": interrupted,
    "Ctrl-C in a notebook": notebook,
    "Ctrl-C twice in a notebook": notebook,
    "SIGTERM of the main process": terminated,
    "stop() twice": stopped_twice,
    "stop() forgotten": not_stopped,
    "run() after stop()": run_after_stop,
    "multiprocessing used before the import": one,
    "/dev/shm too small": short_of_memory,
    "two networks in one process": two_networks,
    "100 networks in sequence": hundred_networks,
    "in workers of pytest-xdist": xdist,
}


def main():
    """Let the event happen to each subject."""
    global SUBJECT
    say("pid", os.getpid())
    if EVENTS[EVENT] is not short_of_memory:
        again()  # what is made once: compiled kernels, caches
    for SUBJECT in SUBJECTS:
        say("subject", SUBJECT)
        say("held", held())
        EVENTS[EVENT]()
        say("at", "exit")
        if EVENTS[EVENT] not in (not_stopped, notebook):
            say("held", held())


if __name__ == "__main__":
    main()
