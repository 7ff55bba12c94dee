"""The behaviour of the SQS neuron in Lava: thin adapters around one Population."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sqs._checks import check_real
from lava_sqs.proc._naming import FixedPorts, FloatPorts, NamingModel
from lava_sqs.proc.sqs.process import SQS
from lava_sqs.quantum import Population
from lava_sqs.quantum.one_step import OneStep


class AbstractPySQSModel(NamingModel):
    """What all models of SQS have in common: everything but the types of its ports.

    The Vars of a model are what Lava reads; the population has the state. Vars change from outside
    in two ways: ``Var.set`` writes into the array and then calls :meth:`on_var_update`; a RefPort
    (stock ``Reset``) puts another array in its place. So while nobody writes, noticing that costs
    three comparisons of references.
    """

    a_in: PyInPort
    s_out: PyOutPort
    theta: NDArray[Any] = LavaPyType(np.ndarray, float)
    bias: NDArray[Any] = LavaPyType(np.ndarray, float)
    memory: NDArray[Any] = LavaPyType(np.ndarray, float)
    p_spike: NDArray[Any] = LavaPyType(np.ndarray, float)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._population = self.make_population(proc_params["population"])
        self._counters = proc_params["counters"]
        self._recording = proc_params["recording"]
        self._recording.begin()
        self._currents_shape = self._population.p_spike.shape
        self._counted = (-1, -1)
        self._neurons_shape = (*self._population.batch, *proc_params["shape"])
        self._theta = self._bias = self._memory = np.empty(0)
        self._z: NDArray[Any] = np.empty(0)  # the currents of the last step
        io_qubits = self._population.ansatz.io_qubits
        self._ports_shape = (*self._neurons_shape, *((io_qubits,) if io_qubits > 1 else ()))
        self._one_step = OneStep.of(self._population, self._ports_shape, self._neurons_shape)
        if type(self).measure is not AbstractPySQSModel.measure:  # of a subclass, which wants z
            self._one_step = None
        self._recorded = self._recording.keys()

    def make_population(self, population: Population) -> Population:
        """Return the population to run; *population* is the one that the Process has checked."""
        return population

    def run_spk(self) -> None:
        """Receive currents, make one step, send spikes."""
        a_in = self.a_in.recv()
        try:
            spikes = self.advance(a_in)
        except Exception as error:
            self.fail_by_name(error)
        self.s_out.send(spikes)

    def advance(self, a_in: NDArray[Any], outcome: Any = None) -> NDArray[Any]:
        """Make one step, with the measurement clamped to *outcome*; publish the state after it.

        Returns
        -------
        ndarray of int32, shape of the ports
            The spikes.
        """
        if (
            self._var_set
            or self.memory is not self._memory
            or self.theta is not self._theta
            or self.bias is not self._bias
        ):
            self.take_over_vars()
        reset = self.at_reset
        if reset:
            self._population.reset()
        spikes = self._step(np.zeros(a_in.shape) if reset else a_in, outcome, reset)
        self._publish()
        if self._recorded:
            self._record(a_in, spikes)
        return spikes

    def _step(self, a_in: NDArray[Any], outcome: Any, reset: bool) -> NDArray[Any]:
        """Make the step itself; *reset* tells that the memories are fresh."""
        one = self._one_step
        if one is not None:
            self.__dict__["_z"] = one.z  # past Lava's __setattr__, which is about ports
            clamp = None if outcome is None else self._indices(outcome)
            return one(a_in, self._scale, self._bias, clamp)
        self._z = z = self._scale * a_in + self._bias
        return self.measure(z, outcome, reset).reshape(z.shape)

    def _indices(self, outcome: NDArray[Any]) -> NDArray[Any]:
        """Return the indices (1, B, K) of outcomes of the channels."""
        return self._population._check_outcome(outcome.reshape(self._currents_shape), ())

    def _publish(self) -> None:
        """Let Lava read what the step has left."""
        population, one, state = self._population, self._one_step, self.__dict__
        if one is None:
            p_spike = population.p_spike.reshape(self._ports_shape)
            memory = population.memory.reshape(self._memory.shape)
        else:
            p_spike, memory = one.p_spike.copy(), one.memory.copy()
        # Past Lava's __setattr__, which is about ports.
        state["p_spike"], state["memory"], state["_memory"] = p_spike, memory, memory
        counted = population.wraps, population.floor_hits
        if counted != self._counted:
            self._counters.write(*counted)
            state["_counted"] = counted

    def measure(self, z: NDArray[Any], outcome: Any, reset: bool) -> NDArray[Any]:
        """Step the population with currents *z*; *reset* tells that its memories are fresh."""
        if outcome is not None:
            outcome = outcome.reshape(self._currents_shape)
        return self._population.step(z.reshape(self._currents_shape), outcome)

    def _record(self, a_in: NDArray[Any], spikes: NDArray[Any]) -> None:
        recording = self._recording
        values = {"a_in": a_in, "s_out": spikes, "p_spike": self.p_spike, "memory": self.memory}
        if "log_likelihood" in recording:
            score = self._population.log_likelihood
            values["log_likelihood"] = score.reshape(self._neurons_shape)
        recording.append(values)

    def take_over_vars(self) -> None:
        """Bring theta, bias and memory, as they were set from outside, into the population."""
        population = self._population
        for name in ("theta", "bias", "memory"):
            with self.checking_var(name):
                array = check_real(name, getattr(self, name))
                if name == "theta":
                    population.theta = array.reshape(population.theta.shape)
                elif name == "memory":
                    self._set_memory(array)
            setattr(self, name, array)
            setattr(self, f"_{name}", array)
        self._var_set = False

    def _set_memory(self, array: NDArray[Any]) -> None:
        state = self._population.memory
        array = array.reshape(state.shape)
        # Zeros: Lava's idiom for a reset, and what a stock Reset writes.
        if not array.any():
            self._population.reset()
        # Only what differs is checked and set: reading and writing back keeps every bit.
        elif not np.array_equal(array, state):
            self._population.reset(array)


@implements(proc=SQS, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySQSModelFloat(FloatPorts, AbstractPySQSModel):
    """Compiled neurons in a floating-point network. First in this file: the untagged default."""


@implements(proc=SQS, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySQSModelFixed(FixedPorts, AbstractPySQSModel):
    """The same neurons behind integer ports."""


class AbstractPySQSModelLiteral(AbstractPySQSModel):
    """Every neuron written out in QuTiP: the oracle, hundreds of times slower."""

    def make_population(self, population: Population) -> Population:
        """Return the same neurons, with the same seed, in the literal engine."""
        return Population(
            population.ansatz,
            population.theta,
            batch=population.batch,
            noise=population.noise,
            seed=population.seed,
            dtype=population.dtype,
            backend="qutip",
        )


@implements(proc=SQS, protocol=LoihiProtocol)
@requires(CPU)
@tag("qutip", "floating_pt")
class PySQSModelQutip(FloatPorts, AbstractPySQSModelLiteral):
    """Literal neurons in a floating-point network."""


@implements(proc=SQS, protocol=LoihiProtocol)
@requires(CPU)
@tag("qutip", "fixed_pt")
class PySQSModelQutipFixed(FixedPorts, AbstractPySQSModelLiteral):
    """Literal neurons behind integer ports."""
