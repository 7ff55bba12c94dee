"""How strong the noise of a step is: a model's numbers, channels, presets and checks.

When each of it acts is the matter of ``schedule.py`` (drawn in docs/noise.md).
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import reduce, wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_int, check_items, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.noise.channels import (
    _LONGEST_GATE,
    _LONGEST_WAIT,
    RTOL,
    SLOTS,
    Channel,
    aer_depolarizing_param,
    as_superoperator,
    check_duration,
    check_number,
    check_probability,
    check_unit,
    depol_from_aer,
    depolarizing,
)

__all__ = [
    "SLOTS",
    "Channel",
    "NoiseModel",
    "aer_depolarizing_param",
    "depol_from_aer",
    "depol_from_gate_infidelity",
    "depolarizing",
]

PerQubit = float | Sequence[float] | NDArray[np.float64]

_LIFETIMES = ("t1", "t2")
_DURATIONS = ("gate_time_1q", "gate_time_2q", "readout_time", "idle_time")
_ON_REGISTER = ("t1", "t2", "p_depol_1q", "thermal_population")  # one value per qubit
_ON_IO = ("p_read1_given0", "p_read0_given1", "p_reset")  # one value per (io) qubit
_ERRORS = ("p_depol_1q", "p_depol_2q", *_ON_IO)  # what a stronger noise has more of
_PHYSICS = (*_LIFETIMES, *_DURATIONS, *_ERRORS, "thermal_population")


def _numbers(name: str, value: Any) -> float | tuple[float, ...]:
    """Return a float, or a tuple of floats (one per qubit)."""
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray)):
        return check_number(name, value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return check_number(name, value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        raise ArgumentTypeError(name, f"must hold numbers, but got {describe(value)}.")
    if len(value) == 0:
        raise ArgumentValueError(name, "must be one number or one per qubit, but is empty.")
    return tuple(check_number(f"{name}[{i}]", item) for i, item in enumerate(value))


def _lifetime(name: str, value: float) -> float:
    if value <= 0:
        raise ArgumentValueError(
            name, f"must be positive, in seconds (inf: no decay), but got {value!r}."
        )
    if math.isfinite(value) and not 1e-9 <= value <= 10:
        meant = f" ({value * 1e-6:.6g})" if value > 10 else ""
        raise ArgumentValueError(
            name,
            f"must be in seconds, from 1e-9 to 10 or inf, but got {value!r}: "
            f"did you mean microseconds{meant}?",
        )
    return value


def _longest_finite(*lifetimes: Any) -> float:
    """Return the longest finite lifetime of any qubit, inf if there is none."""
    values = [v for t in lifetimes for v in (t if isinstance(t, tuple) else (t,))]
    return max((v for v in values if math.isfinite(v)), default=math.inf)


_CHECKS: dict[str, Callable[[str, float], float]] = {
    **dict.fromkeys(_LIFETIMES, _lifetime),
    **dict.fromkeys(_DURATIONS, check_duration),
}

_CONFUSING = {
    "p01": "p_read0_given1 or p_read1_given0 (p01 and p10 mean both, in different tools)",
    "p10": "p_read1_given0 or p_read0_given1 (p01 and p10 mean both, in different tools)",
    "p_depol": "p_depol_1q and p_depol_2q",
    "depolarizing": "p_depol_1q and p_depol_2q",
    "p_read": "p_read1_given0 and p_read0_given1",
    "readout_error": "p_read1_given0 and p_read0_given1",
    "gate_time": "gate_time_1q and gate_time_2q",
    "tphi": "t2 (1/t2 = 1/t_phi + 1/(2 t1))",
    "t_phi": "t2 (1/t2 = 1/t_phi + 1/(2 t1))",
    "temperature": "thermal_population (of |1>)",
}

_C = TypeVar("_C", bound=type)


def _with_hints(cls: _C) -> _C:
    """Let the constructor of a dataclass suggest the right name for a wrong keyword."""
    init: Callable[..., None] = cls.__init__  # type: ignore[misc]
    names = [f.name for f in fields(cls)]

    @wraps(init)
    def hinting(self: Any, *args: Any, **kwargs: Any) -> None:
        for key in kwargs:
            if key not in names:
                near = difflib.get_close_matches(key.lower(), names, n=1)
                hint = _CONFUSING.get(key.lower(), near[0] if near else "")
                raise TypeError(
                    f"{cls.__name__} has no keyword `{key}`"
                    + (f": did you mean {hint}?" if hint else f". It has {', '.join(names)}.")
                )
        init(self, *args, **kwargs)

    cls.__init__ = hinting  # type: ignore[misc]
    return cls


@_with_hints
@dataclass(frozen=True, kw_only=True)
class NoiseModel:
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
    p_depol_2q : float
        Total Pauli error probability after each gate, see :func:`depolarizing`. One value serves
        all pairs.
    p_read1_given0, p_read0_given1, p_reset : float or one per io qubit
        Probability to report 1 where the qubit was 0, 0 where it was 1, and to start in ``|1>``.
        With one value per qubit of the register, those of the memory are not used.
    thermal_population : float or one per qubit
        Population of ``|1>`` to which t1 relaxes.
    channels : tuple of Channel
        The user's own; see :meth:`with_channel` and :meth:`with_lindblad`.
    name, source : str
        Where the numbers come from; no part of equality.

    Raises
    ------
    TypeError
        Unknown keyword (with the one you may have meant), or a value that is not a real number.
    ValueError
        ``t2 > 2 t1``; a probability outside [0, 1] (depolarising is completely positive just
        there); a finite t1 or t2 when every duration is zero; a finite lifetime above 10 s or
        below 1 ns, or a duration that looks like microseconds or nanoseconds (see Notes); per-qubit
        values of different lengths.

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
    name: str = field(default="", compare=False)
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        per_qubit = (*_ON_REGISTER, *_ON_IO)
        for name in _PHYSICS:
            value = getattr(self, name)
            clean = (_numbers if name in per_qubit else check_number)(name, value)
            for i, number in enumerate(clean if isinstance(clean, tuple) else (clean,)):
                label = f"{name}[{i}]" if isinstance(clean, tuple) else name
                _CHECKS.get(name, check_probability)(label, number)
            object.__setattr__(self, name, clean)
        self._check_lengths()
        self._check_lifetimes()
        lifetime = _longest_finite(self.t1, self.t2)
        for name in _DURATIONS:
            longest = _LONGEST_GATE if name.startswith("gate") else _LONGEST_WAIT
            check_unit(name, getattr(self, name), longest, lifetime)
        channels = check_items("channels", self.channels)
        if not all(isinstance(c, Channel) for c in channels):
            raise ArgumentTypeError(
                "channels",
                f"must be a tuple of Channel, but got "
                f"{describe(self.channels)}. Use with_channel() or with_lindblad().",
            )
        object.__setattr__(self, "channels", channels)
        for name in ("name", "source"):
            if not isinstance(getattr(self, name), str):
                raise ArgumentTypeError(
                    name, f"must be text, but got {describe(getattr(self, name))}."
                )

    def _check_lengths(self) -> None:
        for group in (_ON_REGISTER, _ON_IO):
            given = [k for k in group if isinstance(getattr(self, k), tuple)]
            for name in given[1:]:
                want, got = len(getattr(self, given[0])), len(getattr(self, name))
                if got != want:
                    raise ArgumentValueError(
                        name,
                        f"must have as many values as `{given[0]}` ({want}), "
                        f"one per qubit, but has {got}.",
                    )

    def _check_lifetimes(self) -> None:
        per_qubit = [v for v in (self.t1, self.t2) if isinstance(v, tuple)]
        for q in range(len(per_qubit[0]) if per_qubit else 1):
            t1, t2 = self.value("t1", q), self.value("t2", q)
            if t2 > 2 * t1 * (1 + 1e-12):
                where = f" on qubit {q}" if per_qubit else ""
                raise ArgumentValueError(
                    "t2",
                    f"must be at most 2 * t1 = {2 * t1:.6g} s{where}, but got {t2!r}"
                    f": t2 contains t1. Pass t2={2 * t1:.6g} for no dephasing beyond t1.",
                )
            if math.isfinite(min(t1, t2)) and not any(getattr(self, d) for d in _DURATIONS):
                name = "t1" if math.isfinite(t1) else "t2"
                raise ArgumentValueError(
                    name,
                    f"must be inf when every duration is zero, but got "
                    f"{getattr(self, name)!r}: nothing would ever relax. Give one of "
                    f"{', '.join(_DURATIONS)}.",
                )

    # What the physics asks of a noise model: one method per slot, for one qubit at a time.

    def value(self, name: str, qubit: int) -> float:
        """Return the value of a field for one qubit (scalars hold for every qubit).

        Parameters
        ----------
        name : str
            Name of the field, for example ``"t1"``.
        qubit : int
            Index into the register, io qubits first.

        Returns
        -------
        float
        """
        given = getattr(self, name)
        return float(given[qubit] if isinstance(given, tuple) else given)

    def check_circuit(self, io_qubits: int, memory_qubits: int) -> None:
        """Raise unless per-qubit values and channels fit a circuit of this size.

        Parameters
        ----------
        io_qubits, memory_qubits : int
            The circuit's.

        Raises
        ------
        ValueError
            Names the field or the channel, and how many qubits it has values for.
        """
        n = io_qubits + memory_qubits
        size = f"{io_qubits} io + {memory_qubits} memory"
        for name in (*_ON_REGISTER, *_ON_IO):
            given = getattr(self, name)
            fits = (io_qubits, n) if name in _ON_IO else (n,)
            if isinstance(given, tuple) and len(given) not in fits:
                raise ArgumentValueError(
                    name,
                    f"of the noise model must be one value or "
                    f"{' or '.join(map(str, fits))} (one per qubit) for a circuit of {size} "
                    f"qubits, but has {len(given)}.",
                )
        for channel in self.channels:
            on_memory = SLOTS[channel.slot] == "memory"
            want = memory_qubits if on_memory else n
            if channel.n_qubits != want:
                what = "memory" if on_memory else "full register, io first"
                raise ValueError(
                    f"A channel in the slot {channel.slot!r} must act on {want} qubit(s), the "
                    f"{what}, for a circuit of {size} qubits, but acts on {channel.n_qubits}."
                )

    def collapse_operators(self, qubit: int) -> list[qutip.Qobj]:
        """Return the one-qubit collapse operators of relaxation: down, up, dephasing.

        Rates ``(1 - n)/T1``, ``n/T1`` and ``1/T_phi = 1/T2 - 1/(2 T1)`` (entering as
        ``sqrt(1/(2 T_phi)) Z``), in 1/s.

        Parameters
        ----------
        qubit : int
            Index into the register, io qubits first.

        Returns
        -------
        list of Qobj
            In s^(-1/2); operators whose rate is 0 are left out.
        """
        t1, t2, n = (self.value(k, qubit) for k in ("t1", "t2", "thermal_population"))
        rate_phi = 1 / t2 - 1 / (2 * t1)
        rates = ((1 - n) / t1, n / t1, max(rate_phi, 0.0) / 2)
        # QuTiP: |0> is the ground state here, so decay is |0><1|.
        lower = qutip.basis(2, 0) @ qutip.basis(2, 1).dag()
        operators = (lower, lower.dag(), qutip.sigmaz())
        return [np.sqrt(r) * op for r, op in zip(rates, operators, strict=True) if r > 0]

    def relaxation(self, qubit: int, duration: float) -> qutip.Qobj | None:
        r"""Return the exact Lindblad propagator of one qubit for *duration*; None if trivial.

        .. math::
            \rho_{11} \to e^{-t/T_1} \rho_{11} + n (1 - e^{-t/T_1}) \operatorname{Tr}\rho, \qquad
            \rho_{01} \to e^{-t/T_2} \rho_{01} .

        This is ``(liouvillian(0, collapse_operators(qubit)) * duration).expm()`` in closed form:
        the matrix exponential loses digits when the duration is many lifetimes.

        Parameters
        ----------
        qubit : int
            Index into the register, io qubits first.
        duration : float
            t in seconds.

        Returns
        -------
        Qobj or None
            Superoperator of one qubit.
        """
        t1, t2, n = (self.value(k, qubit) for k in ("t1", "t2", "thermal_population"))
        if duration == 0 or math.isinf(min(t1, t2)):
            return None
        lost, coherence = -math.expm1(-duration / t1), math.exp(-duration / t2)
        up, down = n * lost, (1 - n) * lost
        # Columns are stacked: rho_00, rho_10, rho_01, rho_11.
        matrix = np.diag([1 - up, coherence, coherence, 1 - down])
        matrix[0, 3], matrix[3, 0] = down, up
        return qutip.Qobj(matrix, dims=[[[2], [2]], [[2], [2]]], superrep="super")

    def gate_error(self, qubits: tuple[int, ...]) -> float:
        """Return the depolarising probability of a gate.

        Parameters
        ----------
        qubits : tuple of int
            Those that the gate acts on.

        Returns
        -------
        float
            Total Pauli error probability; 0 for more than two qubits.
        """
        if len(qubits) == 1:
            return self.value("p_depol_1q", qubits[0])
        return float(self.p_depol_2q) if len(qubits) == 2 else 0.0

    def gate_time(self, name: str, qubits: tuple[int, ...]) -> float:
        """Return the duration of a gate; a circuit given as one unitary (``U``) counts as 2q.

        Parameters
        ----------
        name : str
            Name of the gate, see :class:`~lava_sqs.quantum.ansatz.Gate`.
        qubits : tuple of int
            Those that the gate acts on.

        Returns
        -------
        float
            In seconds.
        """
        return self.gate_time_1q if len(qubits) == 1 and name != "U" else self.gate_time_2q

    def readout(self, qubit: int) -> NDArray[np.float64]:
        """Return the readout error of one io qubit as a matrix of probabilities.

        Parameters
        ----------
        qubit : int
            Index of the io qubit.

        Returns
        -------
        ndarray, shape (2, 2)
            ``P[reported, true]``; columns add up to 1.
        """
        p10, p01 = self.value("p_read1_given0", qubit), self.value("p_read0_given1", qubit)
        return np.array([[1 - p10, p01], [p10, 1 - p01]])

    def slot(self, name: str, io_qubits: int, memory_qubits: int) -> qutip.Qobj | None:
        """Return the user's superoperator of a slot, its channels in order; None if there is none.

        Parameters
        ----------
        name : str
            One of ``SLOTS``, which names the qubits that it acts on.
        io_qubits, memory_qubits : int
            The circuit's.

        Returns
        -------
        Qobj or None
            Superoperator.
        """
        self.check_circuit(io_qubits, memory_qubits)
        parts = [c.superoperator for c in self.channels if c.slot == name]
        return reduce(lambda done, nxt: nxt @ done, parts) if parts else None

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
        every depolarising, readout and reset probability, ``factor`` times the rates of channels
        made from collapse operators. Durations and ``thermal_population`` (a temperature) stay.
        ``scaled(0)`` is noiseless, but for the Hamiltonians of user channels.

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

        stretch = 1 / factor if factor else math.inf
        changes = {k: multiply(getattr(self, k), factor) for k in _ERRORS}
        changes.update({k: multiply(getattr(self, k), stretch) for k in _LIFETIMES})
        changes["channels"] = tuple(c.scaled(factor) for c in self.channels)
        try:
            return self.replace(**changes)
        except ValueError as error:
            raise ArgumentValueError(
                "factor", f"= {factor!r} takes the model out of range. {error}"
            ) from error

    def with_channel(self, slot: str, channel: Any, *, rtol: float = RTOL) -> NoiseModel:
        """Return a model with one more channel of the user's, after those already in its slot.

        Parameters
        ----------
        slot : {"after_encode", "after_circuit", "readout"}
            Where in the step. The first two act on the full register, io qubits first; the last
            on the memory qubits alone, after their relaxation.
        channel : Qobj or list of Qobj
            A superoperator (any of QuTiP's representations), a unitary, or Kraus operators. The
            Kraus operators may be arrays of shape (2**n, 2**n).
        rtol : float
            By how much the map may miss complete positivity and the trace. The default lets
            numbers of single precision pass (float32 and complex64: about 1e-7).

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError
            If *channel* is none of these.
        ValueError
            If the map is not completely positive (names the Choi eigenvalue) or does not
            preserve the trace (names the error), by more than *rtol*.

        Notes
        -----
        What is accepted is made exact: negative eigenvalues of the Choi matrix become 0, then
        each Kraus operator is multiplied by ``M**-0.5``, with ``M = sum_a K_a^dagger K_a``, so that
        the trace is preserved to rounding in double precision.

        Examples
        --------
        >>> z = qutip.sigmaz()
        >>> flips = [np.sqrt(0.9) * qutip.qeye(2), np.sqrt(0.1) * z]
        >>> print(NoiseModel().with_channel("readout", flips))
        1 channel: readout
        """
        check_choice("slot", slot, SLOTS)
        added = Channel(slot, as_superoperator(channel), rtol=rtol)
        return self.replace(channels=(*self.channels, added))

    def with_lindblad(
        self,
        *,
        c_ops: Any = (),
        hamiltonian: qutip.Qobj | None = None,
        duration: float,
        slot: str,
    ) -> NoiseModel:
        r"""Return a model with one more open evolution of the user's.

        .. math:: \rho \to e^{t \mathcal L}\rho, \qquad
            \mathcal L\rho = -i[H, \rho] + \sum_c c\rho c^\dagger - \tfrac12\{c^\dagger c, \rho\}

        Parameters
        ----------
        c_ops : Qobj or iterable of Qobj
            Collapse operators in s^(-1/2), on the registers named in :meth:`with_channel`.
        hamiltonian : Qobj, optional
            In rad/s (hbar = 1).
        duration : float
            t in seconds, on top of the slot's own relaxation.
        slot : str
            Where in the step, see :meth:`with_channel`.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            If an operator is no operator on qubits, or the Hamiltonian is not Hermitian.
        """
        check_choice("slot", slot, SLOTS)
        added = Channel.from_lindblad(slot, c_ops, hamiltonian, duration)
        return self.replace(channels=(*self.channels, added))

    @classmethod
    def from_lindblad(
        cls,
        *,
        c_ops: Any = (),
        hamiltonian: qutip.Qobj | None = None,
        duration: float,
        slot: str,
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
            c_ops=c_ops, hamiltonian=hamiltonian, duration=duration, slot=slot
        )

    # -- presets, text and plain data -----------------------------------------------------------

    @classmethod
    def preset(cls, name: str) -> NoiseModel:
        """Return the model of a device: its date and source are in ``source``.

        Parameters
        ----------
        name : str
            One of :meth:`presets`.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            If there is no such preset; names those that there are.

        Examples
        --------
        >>> noise = NoiseModel.preset("ibm_brisbane")
        >>> noise.t1, noise.source
        (0.000232, 'medians of the public calibration snapshot of ibm_brisbane, 2025-02-26')
        """
        c = _CALIBRATIONS[check_choice("name", name, _CALIBRATIONS)]
        t1, t2 = (float(f"{c[k]}e-6") for k in _LIFETIMES)  # 0.000232, not 0.00023199..
        time_1q, time_2q, time_readout = (
            float(f"{c[k]}e-9") for k in ("ns_1q", "ns_2q", "ns_readout")
        )
        return cls(
            t1=t1,
            t2=t2,
            gate_time_1q=time_1q,
            gate_time_2q=time_2q,
            readout_time=time_readout,
            p_depol_1q=depol_from_gate_infidelity(c["error_1q"], 1, t1, t2, time_1q),
            p_depol_2q=depol_from_gate_infidelity(c["error_2q"], 2, t1, t2, time_2q),
            p_read1_given0=c["read1_given0"],
            p_read0_given1=c["read0_given1"],
            name=name,
            source=f"medians of the public calibration snapshot of {name}, {_CALIBRATION_DATE}",
        )

    @classmethod
    def presets(cls) -> dict[str, NoiseModel]:
        """Return every preset by its name.

        Returns
        -------
        dict of str to NoiseModel

        Examples
        --------
        >>> list(NoiseModel.presets())
        ['ibm_brisbane', 'ibm_torino', 'ibm_marrakesh', 'ibm_fez']
        """
        return {name: cls.preset(name) for name in _CALIBRATIONS}

    def __str__(self) -> str:
        """One line, with units; only what has an effect."""
        parts: list[str] = []
        relaxes = [k for k in _LIFETIMES if _differs(getattr(self, k), math.inf)]
        parts += [f"{k} {_text(getattr(self, k), _LIFETIME_UNITS)}" for k in relaxes]
        if relaxes:
            if _differs(self.thermal_population, 0.0):
                parts.append(f"thermal population {_text(self.thermal_population)}")
            gates = _text((self.gate_time_1q, self.gate_time_2q), _DURATION_UNITS, "/")
            parts.append(f"gates {gates}")
            parts.append(f"readout {_text(self.readout_time, _DURATION_UNITS)}")
            if self.idle_time:
                parts.append(f"idle {_text(self.idle_time, _DURATION_UNITS)}")
        for name, label in _LABELS.items():
            if _differs(getattr(self, name), 0.0):
                parts.append(f"{label} {_text(getattr(self, name))}")
        if self.channels:
            slots = ", ".join(c.slot for c in self.channels)
            parts.append(f"{len(self.channels)} channel{'s'[: len(self.channels) > 1]}: {slots}")
        text = ", ".join(parts) or "noiseless"
        return f"{self.name}: {text}" if self.name else text

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, strict JSON (infinity is the text ``"inf"``).

        Returns
        -------
        dict

        Examples
        --------
        >>> import json
        >>> noise = NoiseModel.preset("ibm_fez")
        >>> NoiseModel.from_dict(json.loads(json.dumps(noise.to_dict()))) == noise
        True
        """
        data: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name == "channels":
                value = [c.to_dict() for c in value]
            elif isinstance(value, tuple):
                value = ["inf" if v == math.inf else v for v in value]
            data[f.name] = "inf" if value == math.inf else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NoiseModel:
        """Return the model of :meth:`to_dict`; missing fields take their defaults.

        Parameters
        ----------
        data : dict
            Fields by name.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            As the constructor.
        """
        if not isinstance(data, Mapping):
            raise ArgumentTypeError("data", f"must be a dict, but got {describe(data)}.")
        given: dict[str, Any] = {}
        for key, value in data.items():
            if key == "channels":
                value = tuple(Channel.from_dict(c) for c in check_items("channels", value))
            elif isinstance(value, (list, tuple)):
                value = tuple(math.inf if v == "inf" else v for v in value)
            given[key] = math.inf if isinstance(value, str) and value == "inf" else value
        return cls(**given)


_LIFETIME_UNITS = (("us", 1e-6), ("ms", 1e-3), ("s", 1.0))
_DURATION_UNITS = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))
_LABELS = {
    "p_depol_1q": "depolarising 1q",
    "p_depol_2q": "2q",
    "p_read1_given0": "P(1|0)",
    "p_read0_given1": "P(0|1)",
    "p_reset": "P(reset to 1)",
}


def _differs(value: Any, trivial: float) -> bool:
    return any(v != trivial for v in (value if isinstance(value, tuple) else (value,)))


def _text(value: Any, units: Sequence[tuple[str, float]] = (("", 1.0),), join: str = ", ") -> str:
    """Return numbers in the largest unit in which all that are not 0 are at least 1."""
    values = value if isinstance(value, tuple) else (value,)
    finite = [v for v in values if 0 < v < math.inf]
    fitting = [u for u in units if finite and min(finite) >= u[1] * (1 - 1e-9)]
    unit, size = (fitting or units)[-1 if fitting else 0]
    text = join.join(f"{v / size:.4g}" for v in values)
    if isinstance(value, tuple) and join == ", ":
        text = f"({text})"
    return f"{text} {unit}".strip()


def depol_from_gate_infidelity(
    r: float, n_qubits: int, t1: PerQubit, t2: PerQubit, duration: float
) -> float:
    r"""Return the depolarising probability that explains a gate's error beyond its relaxation.

    Devices report the average gate infidelity ``r``, which contains the relaxation during the
    gate. With ``R`` the Pauli transfer matrix of that relaxation and ``d = 2**n``,

    .. math::
        \lambda = \frac{d^2 (1 - r (d + 1) / d) - 1}{\operatorname{Tr} R - 1}, \qquad
        p = (1 - \lambda) \frac{d^2 - 1}{d^2}, \qquad
        \operatorname{Tr} R = \prod_q (1 + 2 e^{-t/T_{2,q}} + e^{-t/T_{1,q}}),

    because the process fidelity of depolarising after relaxation is
    ``(1 + lambda (Tr R - 1)) / d**2``. The thermal population does not enter ``Tr R``.

    Parameters
    ----------
    r : float
        Average gate infidelity, in [0, 1].
    n_qubits : int
        1 or 2.
    t1, t2 : float or one per qubit
        Lifetimes in seconds.
    duration : float
        Duration of the gate in seconds.

    Returns
    -------
    float
        Total Pauli error probability, for ``p_depol_1q`` or ``p_depol_2q``.

    Raises
    ------
    ValueError
        If relaxation alone gives more than *r*.

    Examples
    --------
    >>> inf = float("inf")
    >>> round(depol_from_gate_infidelity(0.001, 1, t1=inf, t2=inf, duration=0), 12)   # 3 r / 2
    0.0015
    >>> depol_from_gate_infidelity(2.4e-4, 1, t1=232e-6, t2=150e-6, duration=60e-9) < 1.5 * 2.4e-4
    True

    References
    ----------
    M. A. Nielsen, Phys. Lett. A 303, 249 (2002), eq. 3: average and process fidelity.
    """
    n = check_int("n_qubits", n_qubits, minimum=1)
    if n > 2:
        raise ArgumentValueError("n_qubits", f"must be 1 or 2, but got {n}.")
    r = check_probability("r", check_number("r", r))
    duration = check_duration("duration", check_number("duration", duration))
    model = NoiseModel(t1=t1, t2=t2)
    check_unit("duration", duration, _LONGEST_GATE, _longest_finite(model.t1, model.t2))
    for name in _LIFETIMES:
        given = getattr(model, name)
        if isinstance(given, tuple) and len(given) != n:
            raise ArgumentValueError(
                name, f"must be one value or {n} (one per qubit of the gate), but has {len(given)}."
            )
    d, trace = 2**n, 1.0
    for q in range(n):
        decay, coherence = (math.exp(-duration / model.value(k, q)) for k in _LIFETIMES)
        trace *= 1 + 2 * coherence + decay
    if trace - 1 < 1e-9:
        raise ArgumentValueError(
            "duration",
            f"must be short enough for t1 = {model.t1} and t2 = {model.t2} to "
            f"leave something of the qubit, but got {duration} s.",
        )
    shrink = (d**2 * (1 - r * (d + 1) / d) - 1) / (trace - 1)
    p = (1 - shrink) * (d**2 - 1) / d**2
    if p < -1e-12:
        relaxation = (1 - trace / d**2) * d / (d + 1)
        raise ArgumentValueError(
            "r",
            f"must be at least {relaxation:.4g}, the infidelity of relaxation alone "
            f"(t1 = {model.t1}, t2 = {model.t2}, duration = {duration} s), but got {r!r}.",
        )
    if p > 1:
        raise ArgumentValueError(
            "r",
            f"must be small enough for a depolarising probability <= 1, but got {r!r} "
            f"(p = {p:.4g}).",
        )
    return max(float(p), 0.0)


_CALIBRATION_DATE = "2025-02-26"
# t1, t2 in us; durations in ns; errors are average gate infidelities (relaxation included).
_CALIBRATIONS: dict[str, dict[str, float]] = {
    "ibm_brisbane": {
        "t1": 232, "t2": 150, "read1_given0": 0.0205, "read0_given1": 0.0132,
        "error_1q": 2.4e-4, "ns_1q": 60, "error_2q": 7.7e-3, "ns_2q": 660, "ns_readout": 1300,
    },
    "ibm_torino": {
        "t1": 185, "t2": 141, "read1_given0": 0.0200, "read0_given1": 0.0230,
        "error_1q": 2.7e-4, "ns_1q": 32, "error_2q": 4.1e-3, "ns_2q": 68, "ns_readout": 1560,
    },
    "ibm_marrakesh": {
        "t1": 197, "t2": 118, "read1_given0": 0.0054, "read0_given1": 0.0134,
        "error_1q": 2.3e-4, "ns_1q": 36, "error_2q": 3.2e-3, "ns_2q": 68, "ns_readout": 2584,
    },
    "ibm_fez": {
        "t1": 145, "t2": 88, "read1_given0": 0.0039, "read0_given1": 0.0115,
        "error_1q": 2.3e-4, "ns_1q": 24, "error_2q": 3.8e-3, "ns_2q": 84, "ns_readout": 1560,
    },
}  # fmt: skip
