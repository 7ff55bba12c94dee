"""A Process that does one bad thing, at one place and one time step, for tests of running.py."""

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var


class Saboteur(AbstractProcess):
    """Adds up its input and sends ones, until `deed` happens.

    Parameters
    ----------
    deed : str
        Name of a function in models.py.
    place : {"init", "before_send", "after_send", "lrn", "post_mgmt", "var_update"}
        Where the deed is done.
    step : int
        At which time step.
    """

    def __init__(self, *, deed="nothing", place="before_send", step=3, name=None):
        super().__init__(deed=deed, place=place, step=step, name=name)
        self.a_in = InPort(shape=(2,))
        self.s_out = OutPort(shape=(2,))
        self.total = Var(shape=(2,), init=0.0)
        self.scalar = Var(shape=(1,), init=1.5)
        self.reshaped = Var(shape=(4,), init=0.0)
        self.matrix = Var(shape=(2, 3), init=0.0)
