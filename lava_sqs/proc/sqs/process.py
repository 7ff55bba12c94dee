"""The interface of the SQS neuron in Lava."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from lava.magma.core.process.process import LogConfig
from lava.magma.core.process.variable import Var
from numpy.typing import DTypeLike, NDArray

from lava_sqs._checks import (
    check_axes,
    check_broadcast,
    check_int,
)
from lava_sqs._text import aligned
from lava_sqs._wraps import warn_of_bias
from lava_sqs.proc._elsewhere import SQS_NAMES
from lava_sqs.proc._naming import Counters, NamedProcess, check_common, parameter
from lava_sqs.quantum import NoiseModel, Population
from lava_sqs.quantum import ansatz as circuits
from lava_sqs.quantum._memory import Note
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoisePerNeuron
from lava_sqs.recording import Recording, check_record

__all__ = ["SQS"]

Array = NDArray[Any]


class SQS(NamedProcess):
    r"""Stochastic quantum spiking neurons.

    In every time step each neuron encodes its input current z on its io qubits, runs its circuit
    V(theta) on io and memory qubits, and measures the io qubits once. The outcome s is the spike,
    and it leaves the memory in a state that depends on what was said:

    .. math::

        z = \mathrm{current\_scale} \cdot a_{in} + \mathrm{bias}, \qquad
        y_s = S_s(z)\, r, \qquad p(s) = (y_s)_0, \qquad r \leftarrow y_s / p(s).

    ``z <= 0`` applies no gate, ``z = 1`` is a full flip, beyond 1 the encoding angle wraps.

    Parameters
    ----------
    shape : int or tuple of int
        The neurons. The ports have this shape, and one more axis of length `io_qubits` if that is
        above 1.
    copies : int, optional
        So many copies of all neurons run side by side, each on a sequence of its own, with the
        same angles and biases: ports and memories get a leading axis of this length. None: one
        set of neurons, and no such axis.
    io_qubits, memory_qubits : int, optional
        Qubits of one neuron. Default 1 and 1, or what an Ansatz object says.
    ansatz : str or Ansatz, default "layered"
        Name of a circuit, or a circuit of :mod:`lava_sqs.quantum.ansatz`.
    layers : int, optional
        Depth of a circuit given by name. Default 1.
    theta : array_like, optional
        Angles in radians; broadcasts to ``shape + (n_params,)``. None draws them from
        U(-pi, pi); read them at ``sqs.theta.get()``.
    noise : NoiseModel, or a list of one per neuron, optional
        None is noiseless. A list has the neurons of *shape* in C order.
    current_scale : float, optional
        None is 1.0 under ``floating_pt`` and ``2**-6`` under ``fixed_pt``.
    bias : array_like, default 0.0
        Constant input current; broadcasts to the shape of the ports, less the axis of *copies*.
    backend : str, optional
        Engine of :class:`~lava_sqs.quantum.Population`. None chooses by size.
    seed : int, optional
        One seed gives one spike train: that of ``Population(ansatz, theta, seed=seed)``. None
        draws a seed; read it at ``sqs.seed``.
    reset_interval, reset_offset : int, optional
        Period and phase of resets: in time steps with ``time_step % reset_interval ==
        reset_offset`` the memories restart from ``|0..0>`` and a_in counts as 0. Time steps count
        from 1. None never resets.
    dtype : float64 or float32, default float64
        Precision of instruments and memories.
    record : tuple of str, default ()
        What ``sqs.recording`` is to hold: any of ``a_in``, ``s_out``, ``p_spike``, ``memory``,
        ``log_likelihood``.
    name : str, optional
        Name of the Process.
    log_config : LogConfig, optional
        Logging of the Process, see Lava.

    Attributes
    ----------
    a_in : InPort
        Synaptic input.
    s_out : OutPort
        Spikes, 0 or 1.
    theta : Var, shape ``shape + (n_params,)``
        Angles. Setting it recompiles the neurons whose angles changed.
    bias : Var, shaped like the ports, less the axis of *copies*
        Constant input current of each neuron.
    memory : Var, shape ``shape + (4**memory_qubits,)``, after the axis of *copies*
        Pauli vectors of the memories, ``r_a = Tr(P_a sigma)``; above 4 memory qubits those of
        each qubit, ``shape + (memory_qubits, 4)``. Set it to zeros to reset, or to other states.
    p_spike : Var, shaped like the ports
        Probability, before the measurement of the step just made, that the channel reports a
        spike. NaN before the first step.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value. While it runs, a NaN or infinite
        current or a Var set to an impossible value ends the run with a RuntimeError that names
        the Process, the time step and the Var.

    Notes
    -----
    Lava finds the models of a Process by its exact class: a subclass needs models of its own.

    Examples
    --------
    >>> from lava.magma.core.run_configs import Loihi2SimCfg
    >>> from lava_sqs import SQS, runtime
    >>> sqs = SQS(shape=(2,), ansatz="paper", theta=[0.3, 0.2, 0.1], bias=0.5, seed=1,
    ...           record=("p_spike",))
    >>> with runtime(sqs, Loihi2SimCfg(select_tag="floating_pt")) as net:
    ...     net.run(3)
    >>> sqs.recording.p_spike.shape
    (3, 2)
    >>> sqs.recording.p_spike[0].round(3)
    array([0.55, 0.55])

    References
    ----------
    Chen, Rajendran, Simeone, arXiv:2506.21324.
    """

    _elsewhere = SQS_NAMES

    def __init__(
        self,
        *,
        shape: int | tuple[int, ...],
        copies: int | None = None,
        io_qubits: int | None = None,
        memory_qubits: int | None = None,
        ansatz: str | Ansatz = "layered",
        layers: int | None = None,
        theta: Any = None,
        noise: NoiseModel | Sequence[NoiseModel | None] | None = None,
        current_scale: float | None = None,
        bias: Any = 0.0,
        backend: str | None = None,
        seed: int | None = None,
        reset_interval: int | None = None,
        reset_offset: int = 0,
        dtype: DTypeLike = np.float64,
        record: Iterable[str] = (),
        name: str | None = None,
        log_config: LogConfig | None = None,
    ) -> None:
        # long: one list of parameters, checked in its order before Lava makes anything of them
        arguments = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        shape = check_axes("shape", shape)
        circuit = circuits.resolve(ansatz, io_qubits, memory_qubits, layers)
        batch = () if copies is None else (check_int("copies", copies, minimum=1),)
        channels = shape if circuit.io_qubits == 1 else (*shape, circuit.io_qubits)
        ports = (*batch, *channels)
        size = int(np.prod(shape))
        if theta is not None:
            theta = check_broadcast("theta", theta, (*shape, circuit.n_params))
        bias = check_broadcast("bias", bias, channels)
        warn_of_bias(bias)
        common = check_common(current_scale, reset_interval, reset_offset)
        # The models of this Process run in forked children, which inherit the population as it is
        # here: checked, compiled, and before its first step.
        population = Population(
            circuit,
            None if theta is None else theta.reshape(size, circuit.n_params),
            size=size,
            batch=batch,
            noise=noise,
            seed=seed,
            dtype=dtype,
            backend=self._engine_for(backend, circuit, noise, size),
        )
        memory = population.memory
        memory = memory.reshape(*batch, *shape, *memory.shape[len(batch) + 1 :])
        recordable: dict[str, tuple[DTypeLike, tuple[int, ...]]] = {
            "a_in": (np.float64, ports),
            "s_out": (np.int32, ports),
            "p_spike": (np.float64, ports),
            "memory": (population.dtype, memory.shape),
            "log_likelihood": (np.float64, (*batch, *shape)),
        }
        record = check_record(record, recordable)
        recording = Recording(
            {field: recordable[field] for field in record}, notes={"memory": population.memory_note}
        )
        counters = Counters((0, 0))
        super().__init__(
            shape=shape,
            population=population,
            **common,
            recording=recording,
            counters=counters,
            name=name,
            log_config=log_config,
        )
        arguments.update(seed=population.seed, noise=population.noise, record=record)
        self._arguments = arguments
        self._population, self._counters = population, counters

        self.a_in = self._in_port("a_in", ports)
        self.s_out = self._out_port("s_out", ports)
        self.theta: Var = (Var if circuit.n_params else _EmptyVar)(
            shape=(*shape, circuit.n_params),
            init=population.theta.reshape(*shape, circuit.n_params),
        )
        self.bias = Var(shape=channels, init=bias)
        self.memory = _MemoryVar(shape=memory.shape, init=np.array(memory, dtype=float))
        self.memory.note = population.memory_note
        self.p_spike = Var(shape=ports, init=np.full(ports, np.nan))

    @staticmethod
    def _engine_for(backend: str | None, ansatz: Ansatz, noise: Any, size: int) -> str | None:
        """Return the engine of the population; None lets it choose."""
        return backend

    # -- what it is ---------------------------------------------------------------------------

    shape: tuple[int, ...] = parameter("The neurons.", "shape")
    ansatz: Ansatz = parameter("The circuit of every neuron.", "population.ansatz")
    noise: NoiseModel | NoisePerNeuron | None = parameter(
        "The noise, of all or of each neuron.", "population.noise"
    )
    seed: int = parameter("The seed, also when it was drawn.", "population.seed")
    backend: str = parameter(
        "The engine that runs the neurons (under the tag ``qutip`` it is that one).",
        "population.backend",
    )
    dtype: np.dtype[Any] = parameter("Precision of instruments and memories.", "population.dtype")
    current_scale: float | None = parameter(
        "Factor on a_in; None is 1.0 under floating_pt and 2**-6 under fixed_pt.", "current_scale"
    )
    reset_interval: int | None = parameter(
        "Time steps from reset to reset, or None.", "reset_interval"
    )
    reset_offset: int = parameter(
        "Resets happen when ``time_step % reset_interval`` is this.", "reset_offset"
    )
    recording: Recording = parameter(
        "What `record` named, one array (T, ...) each; also after the network has ended.",
        "recording",
    )

    @property
    def copies(self) -> int | None:
        """How many copies of the neurons run side by side, or None."""
        return self._population.batch[0] if self._population.batch else None

    @property
    def io_qubits(self) -> int:
        """Number of io qubits of a neuron."""
        return self.ansatz.io_qubits

    @property
    def memory_qubits(self) -> int:
        """Number of memory qubits of a neuron."""
        return self.ansatz.memory_qubits

    def replace(self, **changes: Any) -> SQS:
        """Return a new Process, unconnected, made with the same arguments except for some.

        Parameters
        ----------
        **changes
            Arguments of the constructor and their new values.

        Returns
        -------
        SQS
            A Process of the same class.

        Examples
        --------
        >>> sqs = SQS(shape=(4,), seed=3)
        >>> sqs.replace(memory_qubits=2).seed
        3
        """
        return type(self)(**{**self._arguments, **changes})

    # -- what it saw --------------------------------------------------------------------------

    @property
    def wraps(self) -> int:
        """How many input currents have exceeded 1, where the encoding angle wraps."""
        return self._counters[0]

    @property
    def floor_hits(self) -> int:
        """How many outcomes have occurred whose probability is rounding."""
        return self._counters[1]

    def __repr__(self) -> str:
        if not self._sealed:
            return f"<{type(self).__name__} under construction>"
        return (
            f"{type(self).__name__}(name={self.name!r}, shape={self.shape}, copies={self.copies}, "
            f"ansatz={self.ansatz!r}, noise={self.noise}, seed={self.seed}, "
            f"backend={self.backend!r}, dtype={self.dtype}, wraps={self.wraps}, "
            f"floor_hits={self.floor_hits})"
        )

    def __str__(self) -> str:
        rows = [
            ("neurons", f"{self._population.size} of shape {self.shape}"),
            ("copies", str(self.copies)),
            ("circuit", repr(self.ansatz)),
            ("noise", str(self.noise)),
            ("seed", str(self.seed)),
            ("backend", f"{self.backend}, {self.dtype}"),
            ("wraps", str(self.wraps)),
            ("floor hits", str(self.floor_hits)),
            ("recording", repr(self.recording)),
        ]
        return f"{type(self).__name__} {self.name!r}\n{aligned(rows, indent='  ')}"


class _MemoryVar(Var):
    """Memories: what is read knows what it is, as `Population.memory` does."""

    note: Note

    def get(self, idx: Any = None) -> Array:
        found = super().get(idx)
        return self.note.put_on(found) if isinstance(found, np.ndarray) else found


class _EmptyVar(Var):
    """The angles of a circuit that has none: Lava cannot send an array without elements."""

    def get(self, idx: Any = None) -> Array:
        return np.zeros(self.shape)

    def set(self, value: Any, idx: Any = None) -> None:
        check_broadcast(self.name, value, self.shape)
