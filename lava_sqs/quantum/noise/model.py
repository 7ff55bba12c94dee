"""How strong the noise of a step is: a model's numbers and channels, and other models from it.

When each of it acts is the matter of ``schedule.py`` (drawn in docs/noise.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from lava_sqs._checks import check_choice, check_items, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.noise._from_data import _FromData
from lava_sqs.quantum.noise._hints import with_hints
from lava_sqs.quantum.noise._plain import _differs
from lava_sqs.quantum.noise.channels import RTOL, SLOTS, Channel, as_superoperator
from lava_sqs.quantum.noise.physics import ON_IO, ON_REGISTER
from lava_sqs.quantum.noise.tables import GateNoise, check_clock, check_matrix, check_zz
from lava_sqs.quantum.noise.units import (
    LONGEST_GATE,
    LONGEST_WAIT,
    PerQubit,
    check_duration,
    check_each,
    check_lengths,
    check_lifetime,
    check_lifetimes,
    check_number,
    check_numbers,
    check_probability,
    check_unit,
    longest_finite,
)

__all__ = ["NoiseModel"]

_LIFETIMES = ("t1", "t2")
_DURATIONS = ("gate_time_1q", "gate_time_2q", "readout_time", "idle_time", "reset_time")
_ERRORS = ("p_depol_1q", "p_depol_2q", *ON_IO)  # what a stronger noise has more of
_PHYSICS = (*_LIFETIMES, *_DURATIONS, *_ERRORS, "thermal_population")
_CHECKS: dict[str, Callable[[str, float], float]] = {
    **dict.fromkeys(_LIFETIMES, check_lifetime),
    **dict.fromkeys(_DURATIONS, check_duration),
}


@with_hints
@dataclass(frozen=True, kw_only=True)
class NoiseModel(_FromData):
    r"""Noise of a neuron: what happens to every qubit, and when. Immutable and hashable.

    Relaxation is the exact Lindblad propagator: with n the thermal population of ``|1>``,

    .. math::
        \dot\rho = \sum_c c\rho c^\dagger - \tfrac12\{c^\dagger c, \rho\}, \quad
        c = \sqrt{\tfrac{1-n}{T_1}}\,|0\rangle\langle 1|,\
            \sqrt{\tfrac{n}{T_1}}\,|1\rangle\langle 0|,\
            \sqrt{\tfrac{1}{2 T_\varphi}}\,Z, \quad
        \tfrac{1}{T_\varphi} = \tfrac{1}{T_2} - \tfrac{1}{2 T_1} .

    Parameters
    ----------
    t1, t2 : float or one per qubit
        Lifetimes of populations and coherences in seconds; ``inf`` is no decay. ``t2`` contains
        ``t1``: ``t2 <= 2 t1``.
    gate_time_1q, gate_time_2q, readout_time, idle_time : float
        Durations in seconds. All qubits share one clock, so these have one value. Zero switches
        the relaxation of that slot off.
    p_depol_1q : float or one per qubit
        Probability of a Pauli error per one-qubit gate.
    p_depol_2q : float
        Total Pauli error probability after each gate, see
        :func:`~lava_sqs.quantum.noise.depolarizing`. One value serves all pairs.
    p_read1_given0, p_read0_given1, p_reset : float or one per io qubit
        Probability to report 1 where the qubit was 0, 0 where it was 1, and to start in ``|1>``.
        With one value per qubit of the register, those of the memory are not used.
    thermal_population : float or one per qubit
        Population of ``|1>`` to which t1 relaxes.
    channels : tuple of Channel
        The user's own; see :meth:`with_channel` and :meth:`with_lindblad`.
    reset_time : float
        Time in seconds for which the memory waits while the io qubits are reset.
    gates : tuple of GateNoise
        Errors and durations of single gates, see :meth:`with_gate`.
    readout_matrix : array_like, shape (2**io_qubits, 2**io_qubits), optional
        Correlated readout errors: the probabilities P[reported, true] of outcomes, channel 0 the
        most significant bit; columns add up to 1. In place of *p_read1_given0* and
        *p_read0_given1*.
    zz : dict of (int, int) to float
        Static couplings in Hz: ``H = 2 pi rate / 4 Z Z`` of two qubits, throughout the step. While
        io qubits are reset they count as ``|0>``.
    clock : {"layers", "alap"}
        When gates act: in the layers of ``Ansatz.moments``, each as long as its longest gate, or
        each gate as late as the gates after it and the measurement allow, as devices schedule them.
        Then io qubits are reset and encoded as late as possible, too.
    name, source : str
        Where the numbers come from; no part of equality.

    Raises
    ------
    TypeError
        If a keyword is unknown (the message suggests the one you may have meant), or a value is not
        a real number.
    ValueError
        If ``t2 > 2 t1``, a probability lies outside [0, 1] (where depolarising is completely
        positive), t1 or t2 is finite when every duration is zero, a finite lifetime is above 10 s
        or below 1 ns, a duration looks like microseconds or nanoseconds (see Notes), or per-qubit
        values have different lengths.

    Notes
    -----
    A duration is refused above 10 s; above 1 ms (gates) or 10 ms (readout, idle), unless a finite
    lifetime is at least a tenth of it; and above 1000 times the longest finite lifetime. Nothing is
    lost: after 40 lifetimes there is nothing left to relax in double precision, and only the ratios
    of times matter, so that slower systems can be written with all times divided by one number.

    "Per qubit" means the qubits of the register, io qubits first. How many there are is known
    when the model meets a circuit: :meth:`check_circuit` raises then.

    Examples
    --------
    >>> noise = NoiseModel(t1=100e-6, t2=80e-6, p_read0_given1=0.02)
    >>> print(noise)
    t1 100 us, t2 80 us, gates 50/300 ns, readout 1 us, P(0|1) 0.02
    >>> noise.replace(t2=20e-6).t2
    2e-05
    >>> NoiseModel(T1=100e-6, t2=80e-6)
    Traceback (most recent call last):
    ...
    TypeError: NoiseModel has no keyword `T1`: did you mean t1?
    """

    t1: PerQubit = math.inf
    t2: PerQubit = math.inf
    gate_time_1q: float = 50e-9
    gate_time_2q: float = 300e-9
    readout_time: float = 1e-6
    idle_time: float = 0.0
    p_depol_1q: PerQubit = 0.0
    p_depol_2q: float = 0.0
    p_read1_given0: PerQubit = 0.0
    p_read0_given1: PerQubit = 0.0
    p_reset: PerQubit = 0.0
    thermal_population: PerQubit = 0.0
    channels: tuple[Channel, ...] = ()
    reset_time: float = 0.0
    gates: tuple[GateNoise, ...] = ()
    readout_matrix: Any = ()
    zz: Any = ()
    clock: str = "layers"
    name: str = field(default="", compare=False)
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        per_qubit = (*ON_REGISTER, *ON_IO)
        for name in _PHYSICS:
            value = getattr(self, name)
            clean = (check_numbers if name in per_qubit else check_number)(name, value)
            check_each(name, clean, _CHECKS.get(name, check_probability))
            object.__setattr__(self, name, clean)
        for group in (ON_REGISTER, ON_IO):
            check_lengths({name: getattr(self, name) for name in group})
        self._check_lifetimes()
        lifetime = longest_finite(self.t1, self.t2)
        for name in _DURATIONS:
            longest = LONGEST_GATE if name.startswith("gate") else LONGEST_WAIT
            check_unit(name, getattr(self, name), longest, lifetime)
        channels = check_items("channels", self.channels)
        if not all(isinstance(c, Channel) for c in channels):
            raise ArgumentTypeError(
                "channels",
                f"must be a tuple of Channel, but got "
                f"{describe(self.channels)}. Use with_channel() or with_lindblad().",
            )
        object.__setattr__(self, "channels", channels)
        gates = check_items("gates", self.gates)
        if not all(isinstance(g, GateNoise) for g in gates):
            raise ArgumentTypeError(
                "gates",
                f"must be a tuple of GateNoise, but got {describe(gates)}. Use with_gate().",
            )
        object.__setattr__(self, "gates", gates)
        object.__setattr__(self, "readout_matrix", check_matrix(self.readout_matrix))
        object.__setattr__(self, "zz", check_zz(self.zz))
        check_clock(self.clock)
        for name in ("p_read1_given0", "p_read0_given1") if self.readout_matrix else ():
            if _differs(getattr(self, name), 0.0):
                raise ArgumentValueError(name, "must be 0 with `readout_matrix`.")
        for name in ("name", "source"):
            if not isinstance(getattr(self, name), str):
                raise ArgumentTypeError(
                    name, f"must be text, but got {describe(getattr(self, name))}."
                )

    def _check_lifetimes(self) -> None:
        """Raise if lifetimes contradict each other, or nothing lasts long enough to relax."""
        check_lifetimes(self.t1, self.t2)
        for name in () if any(getattr(self, d) for d in _DURATIONS) else _LIFETIMES:
            if _differs(getattr(self, name), math.inf):
                raise ArgumentValueError(
                    name,
                    f"must be inf when every duration is zero, but got "
                    f"{getattr(self, name)!r}: nothing would ever relax. Give one of "
                    f"{', '.join(_DURATIONS)}.",
                )

    # -- other models from this one -----------------------------------------------------------

    def replace(self, **changes: Any) -> NoiseModel:
        """Return a model with some fields changed, checked like a new one.

        Parameters
        ----------
        **changes : float, str or tuple
            Fields and their new values.

        Returns
        -------
        NoiseModel

        Examples
        --------
        >>> NoiseModel(t1=1e-4, t2=1e-4).replace(t1=2e-4) == NoiseModel(t1=2e-4, t2=1e-4)
        True
        """
        current = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.name and "name" not in changes and not changes.keys() <= {"source"}:
            current["name"] = f"{self.name.removesuffix(', modified')}, modified"
        return NoiseModel(**{**current, **changes})

    def scaled(self, factor: float) -> NoiseModel:
        """Return a model with *factor* times as much noise.

        Rates and probabilities are multiplied: ``t1/factor``, ``t2/factor``, ``factor * p`` for
        every depolarising, readout and reset probability, over-rotation and coupling, ``factor``
        times the rates of channels made from collapse operators. Durations and
        ``thermal_population`` (a temperature) stay.
        ``scaled(0)`` is noiseless, except for the Hamiltonians of user channels.

        Parameters
        ----------
        factor : float
            Finite and at least 0.

        Returns
        -------
        NoiseModel

        Raises
        ------
        ValueError
            If a probability would exceed 1 (it is never clipped), a lifetime would leave its
            range, or a channel was given as a superoperator.

        Examples
        --------
        >>> double = NoiseModel(t1=1e-4, t2=1e-4, p_reset=0.01).scaled(2)
        >>> double.t1, double.p_reset
        (5e-05, 0.02)
        """
        factor = check_number("factor", factor)
        if not 0 <= factor < math.inf:
            raise ArgumentValueError("factor", f"must be finite and >= 0, but got {factor!r}.")

        def multiply(value: Any, by: float) -> Any:
            if isinstance(value, tuple):
                return tuple(v * by for v in value)
            return value * by

        # Rates are inverse lifetimes: no noise is an infinite lifetime, not a division by zero.
        stretch = 1 / factor if factor else math.inf
        changes = {k: multiply(getattr(self, k), factor) for k in _ERRORS}
        changes.update({k: multiply(getattr(self, k), stretch) for k in _LIFETIMES})
        changes["channels"] = tuple(c.scaled(factor) for c in self.channels)
        changes["zz"] = tuple((a, b, factor * rate) for a, b, rate in self.zz)
        try:
            changes["gates"] = tuple(g.scaled(factor) for g in self.gates)
            changes["readout_matrix"] = self._scaled_matrix(factor)
            return self.replace(**changes)
        except ValueError as error:
            raise ArgumentValueError(
                "factor", f"= {factor!r} takes the model out of range. {error}"
            ) from error

    def with_channel(
        self,
        slot: str,
        channel: Any,
        *,
        qubits: Any = None,
        outcome: Any = None,
        rtol: float = RTOL,
    ) -> NoiseModel:
        """Return a model with one more channel of the user's, after those already in its slot.

        Parameters
        ----------
        slot : {"after_encode", "after_circuit", "readout"}
            Where in the step. The first two act on the full register, io qubits first; the last
            on the memory qubits alone, after their relaxation.
        channel : Qobj or list of Qobj
            A superoperator (any of QuTiP's representations), a unitary, or Kraus operators. The
            Kraus operators may be arrays of shape (2**n, 2**n).
        qubits : int or iterable of int, optional
            Where, as indices into what the slot acts on (the register, or the memory from 0 on).
            None is all of it; a channel on one or two qubits costs much less.
        outcome : int or iterable of int, optional
            Only for ``readout``: one bit per io qubit. The channel acts only if the measurement
            found these bits (the true ones, whatever is reported), right after it.
        rtol : float
            Largest violation of complete positivity and trace preservation that is accepted. The
            default lets numbers of single precision pass (float32 and complex64: about 1e-7).

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError
            If *channel* is not one of these.
        ValueError
            If the map violates complete positivity or trace preservation by more than *rtol*. The
            message gives the Choi eigenvalue or the error of the trace.

        Notes
        -----
        What is accepted is made exact: negative eigenvalues of the Choi matrix become 0, then
        each Kraus operator is multiplied by ``M**-0.5``, with ``M = sum_a K_a^dagger K_a``, so that
        the trace is preserved to rounding in double precision.

        Examples
        --------
        >>> z = qutip.sigmaz()
        >>> flips = [0.9**0.5 * qutip.qeye(2), 0.1**0.5 * z]
        >>> print(NoiseModel().with_channel("readout", flips))
        1 channel: readout
        """
        check_choice("slot", slot, SLOTS)
        added = Channel(slot, as_superoperator(channel), rtol=rtol, qubits=qubits, outcome=outcome)
        return self.replace(channels=(*self.channels, added))

    def with_lindblad(
        self,
        *,
        c_ops: Any = (),
        hamiltonian: qutip.Qobj | None = None,
        duration: float,
        slot: str,
        qubits: Any = None,
    ) -> NoiseModel:
        r"""Return a model with one more open evolution of the user's.

        .. math:: \rho \to e^{t \mathcal L}\rho, \qquad
            \mathcal L\rho = -i[H, \rho] + \sum_c c\rho c^\dagger - \tfrac12\{c^\dagger c, \rho\}

        Parameters
        ----------
        c_ops : Qobj or iterable of Qobj
            Collapse operators in s^(-1/2), on the registers named in :meth:`with_channel`.
        hamiltonian : Qobj, optional
            Hamiltonian in rad/s (hbar = 1).
        duration : float
            t in seconds, on top of the slot's own relaxation.
        slot : str
            Where in the step, see :meth:`with_channel`.
        qubits : int or iterable of int, optional
            Where in what the slot acts on, see :meth:`with_channel`.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            If an operator does not act on qubits, or the Hamiltonian is not Hermitian.
        """
        check_choice("slot", slot, SLOTS)
        added = Channel.from_lindblad(slot, c_ops, hamiltonian, duration, qubits)
        return self.replace(channels=(*self.channels, added))

    @classmethod
    def from_lindblad(
        cls,
        *,
        c_ops: Any = (),
        hamiltonian: qutip.Qobj | None = None,
        duration: float,
        slot: str,
        qubits: Any = None,
        **kwargs: Any,
    ) -> NoiseModel:
        """Return ``NoiseModel(**kwargs)`` with an open evolution: see :meth:`with_lindblad`.

        Examples
        --------
        >>> crosstalk = 2e5 * qutip.tensor(qutip.sigmaz(), qutip.sigmaz())
        >>> noise = NoiseModel.from_lindblad(
        ...     hamiltonian=crosstalk, duration=3e-7, slot="after_circuit", p_reset=0.01)
        >>> print(noise)
        P(reset to 1) 0.01, 1 channel: after_circuit
        """
        return cls(**kwargs).with_lindblad(
            c_ops=c_ops, hamiltonian=hamiltonian, duration=duration, slot=slot, qubits=qubits
        )
