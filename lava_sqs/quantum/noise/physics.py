"""What the physics asks of a noise model: one method per slot, for one qubit at a time."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from lava_sqs._errors import ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.noise.channels import SLOTS, Channel
from lava_sqs.quantum.noise.tables import ENCODE, GateNoise, Known
from lava_sqs.quantum.noise.units import at_qubit

#: Fields with one value per qubit of the register, or per io qubit.
ON_REGISTER = ("t1", "t2", "p_depol_1q", "thermal_population")
ON_IO = ("p_read1_given0", "p_read0_given1", "p_reset")


def relaxation_map(t1: float, t2: float, n: float, duration: float) -> qutip.Qobj | None:
    """Return the relaxation of one qubit, of thermal population *n*, as a superoperator or None."""
    if duration == 0 or math.isinf(min(t1, t2)):
        return None
    # expm1: with a 50 ns gate and a T1 of 100 us, 1 - exp(-t/T1) would lose three of sixteen
    # digits.
    lost, coherence = -math.expm1(-duration / t1), math.exp(-duration / t2)
    # Thermal population n: rates (1 - n)/T1 down and n/T1 up, so that rho_11 relaxes to n.
    up, down = n * lost, (1 - n) * lost
    # Columns are stacked: rho_00, rho_10, rho_01, rho_11.
    matrix = np.diag([1 - up, coherence, coherence, 1 - down])
    matrix[0, 3], matrix[3, 0] = down, up
    return qutip.Qobj(matrix, dims=[[[2], [2]], [[2], [2]]], superrep="super")


class _Physics:
    """The methods of a :class:`~lava_sqs.NoiseModel` that a step calls."""

    gate_time_1q: float
    gate_time_2q: float
    p_depol_2q: float
    channels: tuple[Channel, ...]
    reset_time: float
    gates: tuple[GateNoise, ...]
    readout_matrix: tuple[tuple[float, ...], ...]
    zz: tuple[tuple[int, int, float], ...]
    clock: str

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
        return at_qubit(getattr(self, name), qubit)

    def check_circuit(self, io_qubits: int, memory_qubits: int) -> None:
        """Raise unless per-qubit values and channels fit a circuit of this size.

        Parameters
        ----------
        io_qubits, memory_qubits : int
            The circuit's.

        Raises
        ------
        ValueError
            If a field or a channel has values for another number of qubits; the message names it.
        """
        n = io_qubits + memory_qubits
        size = f"{io_qubits} io + {memory_qubits} memory"
        for name in (*ON_REGISTER, *ON_IO):
            given = getattr(self, name)
            # A device lists readout and reset errors of every qubit; only those of the io qubits
            # are read.
            fits = (io_qubits, n) if name in ON_IO else (n,)
            if isinstance(given, tuple) and len(given) not in fits:
                raise ArgumentValueError(
                    name,
                    f"of the noise model must be one value or "
                    f"{' or '.join(map(str, fits))} (one per qubit) for a circuit of {size} "
                    f"qubits, but has {len(given)}.",
                )
        for entry in self.gates:
            if entry.qubits is not None and max(entry.qubits) >= n:
                raise ArgumentValueError(
                    "gates",
                    f"of the noise model has {entry.name} on qubits {entry.qubits}, but there are "
                    f"{n}, from 0 on, for a circuit of {size} qubits.",
                )
        if any(b >= n for _, b, _ in self.zz):
            raise ArgumentValueError(
                "zz", f"of the noise model must couple qubits below {n}, for {size} qubits."
            )
        if self.readout_matrix and len(self.readout_matrix) != 2**io_qubits:
            raise ArgumentValueError(
                "readout_matrix",
                f"of the noise model must have {2**io_qubits} rows for a circuit of {size} qubits, "
                f"but has {len(self.readout_matrix)}.",
            )
        for channel in self.channels:
            if channel.outcome is not None and len(channel.outcome) != io_qubits:
                raise ArgumentValueError(
                    "outcome",
                    f"of a channel must have a bit for each of {io_qubits} io qubit(s), but is "
                    f"{channel.outcome}.",
                )
            on_memory = SLOTS[channel.slot] == "memory"
            want = memory_qubits if on_memory else n
            if channel.qubits is not None:
                if max(channel.qubits) >= want:
                    raise ValueError(
                        f"A channel in the slot {channel.slot!r} has `qubits` {channel.qubits}, "
                        f"but there are {want} for a circuit of {size} qubits, from 0 on."
                    )
            elif channel.n_qubits != want:
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
        # t2 contains t1. At t2 = 2 t1 the difference is 0 up to its rounding, hence the max below.
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
        return relaxation_map(t1, t2, n, duration)

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
        # Totals over the Pauli errors: p/3 each for one qubit, p/15 each for two.
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
        return (
            self.gate_time_1q
            if len(qubits) == 1 and name not in ("U", "TABLE")
            else self.gate_time_2q
        )

    def known(self, name: str, qubits: tuple[int, ...]) -> Known:
        """Return what holds for a gate: by gate and qubits, else by gate, else for all.

        Parameters
        ----------
        name : str
            Name of the gate, or ``"ENCODE"``.
        qubits : tuple of int
            Those that it acts on.

        Returns
        -------
        Known
        """
        error = 0.0 if name in ("U", "TABLE") else self.gate_error(qubits)
        found = Known(error, self.gate_time(name, qubits))
        if not self.gates:
            return found
        names = ("RX", ENCODE) if name == ENCODE else (name,)
        # From the general to the particular, the last one found wins: all qubits before named ones,
        # and the encoding gate, which is an RX, before what is said of ENCODE itself.
        for wanted in ((n, q) for n in names for q in (None, qubits)):
            for entry in self.gates:
                if (entry.name, entry.qubits) == wanted:
                    found = Known(
                        # None inherits. An over-rotation or a channel does not: an entry has its
                        # own, or none.
                        found.error if entry.error is None else entry.error,
                        found.duration if entry.duration is None else entry.duration,
                        entry.over_rotation,
                        entry.channel,
                        entry.relaxes,
                    )
        return found

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
        # Columns are true states: a column-stochastic matrix acts on a vector of probabilities.
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

        Raises
        ------
        ValueError
            If one of them acts on some of the qubits only: see :meth:`slot_channels`.
        """
        parts = self.slot_channels(name, io_qubits, memory_qubits)
        if any(c.qubits is not None for c in parts):
            raise ValueError(f"A channel in the slot {name!r} has `qubits`. Use slot_channels().")
        together = [c.superoperator for c in parts]
        # The later channel stands to the left: superoperators act on column-stacked states.
        return reduce(lambda done, nxt: nxt @ done, together) if together else None

    def slot_channels(self, name: str, io_qubits: int, memory_qubits: int) -> list[Channel]:
        """Return the user's channels of a slot, in order.

        Parameters
        ----------
        name : str
            One of ``SLOTS``, which names the qubits that it acts on.
        io_qubits, memory_qubits : int
            The circuit's.

        Returns
        -------
        list of Channel
        """
        self.check_circuit(io_qubits, memory_qubits)
        return [c for c in self.channels if c.slot == name and c.outcome is None]
