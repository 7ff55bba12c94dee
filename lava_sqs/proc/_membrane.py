"""Neurons with one classical number each, which a spike sets to 0: what QLIF and LIF share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.variable import Var
from numpy.typing import NDArray

from lava_sqs._seeds import OUTCOMES, stream
from lava_sqs.proc._naming import NamedProcess, NamingModel, check_received, parameter

Array = NDArray[Any]


class MembraneProcess(NamedProcess):
    """Ports, Vars of constants, the number that is kept, and the probability of a spike."""

    #: Name of the Var that is kept from step to step.
    _state: ClassVar[str]

    def __init__(
        self, *, shape: tuple[int, ...], constants: Mapping[str, Array], **parameters: Any
    ) -> None:
        super().__init__(shape=shape, **parameters)
        self.a_in = self._in_port("a_in", shape)
        self.s_out = self._out_port("s_out", shape)
        for key, value in constants.items():
            setattr(self, key, Var(shape=shape, init=value))
        setattr(self, self._state, Var(shape=shape, init=np.zeros(shape)))
        self.p_spike = Var(shape=shape, init=np.full(shape, np.nan))

    shape: tuple[int, ...] = parameter("The neurons.", "shape")
    seed: int = parameter("The seed, also when it was drawn.", "seed")


class MembraneModel(NamingModel):
    """What models have in common: everything but the equation and the types of the ports."""

    a_in: PyInPort
    s_out: PyOutPort
    bias: Array = LavaPyType(np.ndarray, float)
    p_spike: Array = LavaPyType(np.ndarray, float)

    #: Name of the Var that is kept from step to step, and of those that are constant.
    _state: ClassVar[str]
    _constants: ClassVar[tuple[str, ...]]
    #: Returns a Var as an array of a shape; raises for what means nothing.
    _check: ClassVar[Any]

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._rng = stream(proc_params["seed"], OUTCOMES)

    @abstractmethod
    def moved(self, state: Array, z: Array) -> tuple[Array, Array]:
        """Return the state after the currents z, and the probability of a spike."""

    def run_spk(self) -> None:
        """Leak, take up the current, draw, send."""
        a_in = self.a_in.recv()
        with self.failing_by_name():
            spikes = self.advance(a_in)
        self.s_out.send(spikes.astype(a_in.dtype))

    def advance(self, a_in: Array) -> Array:
        """Make one step and return the spikes."""
        if self._var_set:
            self.check_vars()
        state, z = getattr(self, self._state), self._scale * a_in + self.bias
        if self.at_reset:
            # At a reset a_in counts as 0: what arrives was sent in the sample before.
            state, z = np.zeros_like(state), self.bias
        if not (np.isfinite(z).all() and np.isfinite(state).all()):
            self.check_vars()  # a port may have written them
            check_received("a_in", a_in)
        state, self.p_spike = self.moved(state, z)
        # One uniform per neuron and step in C order, decided as offline: the same seed, the same
        # train.
        spikes: Array = self._rng.random(state.shape) >= 1 - self.p_spike
        # A spike resets the state in the step that made it; the factor (1 - s) of the offline
        # neuron does so in the next one, with the same numbers.
        setattr(self, self._state, np.where(spikes, 0.0, state))
        return spikes

    def check_vars(self) -> None:
        """Raise for Vars that were set to values which mean nothing."""
        shape = getattr(self, self._state).shape
        for name in (*self._constants, "bias", self._state):
            with self.checking_var(name):
                type(self)._check(name, getattr(self, name), shape)
        self._var_set = False
