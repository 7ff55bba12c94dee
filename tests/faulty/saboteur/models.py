"""The model of Saboteur, and the deeds."""

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from faulty.saboteur.process import Saboteur
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


def nothing(model):
    """Behave."""


def fail(model):
    """Raise an exception that a test can recognise."""
    raise ArithmeticError("the deed is done")


def fail_at_length(model):
    """Raise an exception with more text than the board holds."""
    raise ArithmeticError("begin " + "x" * 100_000 + " end of the deed")


def leave(model):
    """End the child process as a careless script would."""
    sys.exit(0)


def vanish(model):
    """End the child process without a trace."""
    os._exit(0)


def die(model):
    """Die as under the out-of-memory killer."""
    os.kill(os.getpid(), signal.SIGKILL)


def freeze(model):
    """Stop being scheduled, as after Ctrl-Z."""
    os.kill(os.getpid(), signal.SIGSTOP)


def sleep(model):
    """Compute for ever."""
    while True:
        time.sleep(0.1)


def spin(model):
    """Compute for ever, without a pause."""
    while True:
        pass


def dawdle(model):
    """Compute for a while, in every step from then on."""
    time.sleep(0.2)


def swallow(model):
    """Take one message more than the peer sends."""
    model.a_in.recv()


def transpose(model):
    """Keep a matrix in another order of memory, as any model may."""
    model.matrix = np.asfortranarray(model.matrix)


def start_thread(model):
    """Print, and let a thread print after the end of the network."""
    print("said by the model")
    threading.Thread(target=lambda: (time.sleep(0.3), print("said by its thread"))).start()


def start_pool(model):
    """Print, and let the worker of a pool print after the end of the network."""
    print("said by the model")
    model.pool = ThreadPoolExecutor(1)
    model.pool.submit(lambda: (time.sleep(0.3), print("said by its thread")))


def request_stop(model):
    """Ask for the end of the run, as Lava allows."""
    model._req_stop = True


def request_pause(model):
    """Ask for a pause, as Lava allows."""
    model._req_pause = True


@implements(proc=Saboteur, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySaboteurModel(PyLoihiProcessModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    total: np.ndarray = LavaPyType(np.ndarray, float)
    scalar: float = LavaPyType(float, float)
    reshaped: np.ndarray = LavaPyType(np.ndarray, float)
    matrix: np.ndarray = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.act("init", proc_params["step"])

    def act(self, place, step):
        params = self.proc_params
        late = params["deed"] == "dawdle" and step > params["step"]
        if place == params["place"] and (step == params["step"] or late):
            globals()[params["deed"]](self)

    def run_spk(self):
        self.act("before_send", self.time_step)
        self.s_out.send(np.ones(2))
        self.total += self.a_in.recv()
        self.reshaped = np.zeros(3)
        self.act("after_send", self.time_step)

    def lrn_guard(self):
        return True

    def run_lrn(self):
        self.act("lrn", self.time_step)

    def post_guard(self):
        return True

    def run_post_mgmt(self):
        self.act("post_mgmt", self.time_step)

    def on_var_update(self):
        self.act("var_update", self.proc_params["step"])


@implements(proc=Saboteur, protocol=LoihiProtocol)
@requires(CPU)
@tag("qutip", "floating_pt")
class PySaboteurModelLiteral(PySaboteurModel):
    """The same under the tag of another backend."""
