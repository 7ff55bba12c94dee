"""The models of BrokenSQS."""

import numpy as np
from faulty.broken_sqs.process import BrokenSQS
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sqs.proc.sqs.models import AbstractPySQSModel
from lava_sqs.quantum import Population


class AbstractPyBrokenSQSModel(AbstractPySQSModel):
    def __init__(self, proc_params):
        self.flaw = proc_params["flaw"]
        super().__init__(proc_params)
        if self.flaw == "ignores resets":
            self._reset_interval = None
        if self.flaw == "is slightly another neuron":
            self._scale *= 1 + 1e-7

    def make_population(self, population):
        seeds = {"draws a seed of its own": None, "has one seed for all": 0}
        if self.flaw not in seeds:
            return population
        return Population(
            population.ansatz, population.theta, noise=population.noise, seed=seeds[self.flaw]
        )

    def advance(self, a_in, outcome=None):
        resets = (
            self._reset_interval and self.time_step % self._reset_interval == self._reset_offset
        )
        written = self.memory is not self._memory and not self._var_set
        if self.flaw == "swallows NaN":
            a_in = np.nan_to_num(a_in, posinf=0.0, neginf=0.0)
        elif self.flaw == "does not say why" and not np.isfinite(a_in).all():
            raise ValueError("something went wrong")
        elif self.flaw == "ignores what ports write" and written:
            self.memory = self._memory
        elif self.flaw == "trusts what ports write" and written and self.memory.any():
            self.memory = np.zeros_like(self.memory)
        elif self.flaw == "takes a_in at a reset" and resets:
            self._population.reset()
            self._reset_interval, interval = None, self._reset_interval
            spikes = super().advance(a_in, outcome)
            self._reset_interval = interval
            return spikes
        elif self.flaw == "starts again at a reset" and resets:
            seed = np.random.SeedSequence(self._population.seed).spawn(2)[1]
            self._population._rng = np.random.default_rng(seed)
        spikes = super().advance(a_in, outcome)
        if self.flaw == "reports the probability of silence":
            self.p_spike = 1 - self.p_spike
        elif self.flaw == "sends -1 for silence":
            spikes = 2 * spikes - 1
        return spikes

    def measure(self, z, outcome, reset):
        if self.flaw == "draws twice":
            self._population._rng.random(self._population.size)
        if self.flaw == "counts neurons in Fortran order":
            order = np.arange(self._population.size).reshape(self.proc_params["shape"]).ravel("F")
            z = z.reshape(self._population.size, -1)[order]
        return super().measure(z, outcome, reset)

    def _record(self, a_in, spikes):
        super()._record(a_in, 1 - spikes if self.flaw == "records silence" else spikes)

    def _get_var(self):
        super()._get_var()
        if self.flaw == "collapses when it is read":
            self._population.reset()

    def on_var_update(self):
        super().on_var_update()
        if self.flaw == "resets when a Var is set":
            self._population.reset()
            self.memory[:] = 0.0

    def take_over_vars(self):
        self.refuse_to_listen()
        super().take_over_vars()

    def refuse_to_listen(self):
        for name in ("theta", "bias", "memory"):
            kept = getattr(self, f"_{name}")
            if self.flaw == f"ignores {name}.set" and kept.size:
                setattr(self, name, self.kept[name])
        if self.flaw == "mends bad Vars":
            self.bias = np.nan_to_num(self.bias)
        self.kept = {name: np.array(getattr(self, name)) for name in ("theta", "bias")}
        self.kept["memory"] = self._population.memory.reshape(self.memory.shape)


@implements(proc=BrokenSQS, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyBrokenSQSModelFloat(AbstractPyBrokenSQSModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=BrokenSQS, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyBrokenSQSModelFixed(AbstractPyBrokenSQSModel):
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)

    default_scale = 2.0**-6

    def __init__(self, proc_params):
        super().__init__(proc_params)
        if self.flaw == "scales integers otherwise":
            self._scale *= 2
