"""Noise by gate and qubits: what a table of calibration data says of each gate.

An entry names a gate, and qubits or none; what it does not say is that of the entry without qubits,
then that of the model. The encoding gate RX(pi z) is ``ENCODE``, or else what is said of ``RX``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_instance, check_int, check_items, check_real
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.noise.channels import RTOL, Channel, as_superoperator
from lava_sqs.quantum.noise.units import (
    LONGEST_GATE,
    check_duration,
    check_number,
    check_probability,
    check_unit,
)

__all__ = ["CLOCKS", "ENCODE", "GateNoise"]

#: Name of the encoding gate in tables.
ENCODE = "ENCODE"
#: How long a layer lasts: see NoiseModel.
CLOCKS = ("layers", "alap")


@dataclass(frozen=True)
class GateNoise:
    """What is known of a gate; made by :meth:`~lava_sqs.NoiseModel.with_gate`.

    Attributes
    ----------
    name : str
        Name of the gate, or ``"ENCODE"``.
    qubits : tuple of int or None
        Register indices; None is every qubit.
    error : float or None
        Total probability of a Pauli error; None is what the model says.
    duration : float or None
        Duration of the gate in seconds; None takes that of the model.
    over_rotation : float
        The gate turns by ``1 + over_rotation`` times its angle.
    channel : Channel or None
        After the error.
    relaxes : bool
        Whether its qubits relax for its duration; False if *channel* contains that.

    Examples
    --------
    >>> GateNoise("SX", (0,), error=2e-4, duration=36e-9).error
    0.0002
    """

    name: str
    qubits: tuple[int, ...] | None = None
    error: float | None = None
    duration: float | None = None
    over_rotation: float = 0.0
    channel: Channel | None = None
    relaxes: bool = True

    def scaled(self, factor: float) -> GateNoise:
        """Return the entry with more or less noise; its duration stays.

        Parameters
        ----------
        factor : float
            What the channel's error is multiplied by, at least 0.

        Returns
        -------
        GateNoise

        Raises
        ------
        ValueError
            If the error would exceed 1, or the channel cannot be scaled.
        """
        return replace(
            self,
            error=None if self.error is None else check_probability("error", self.error * factor),
            over_rotation=self.over_rotation * factor,
            channel=None if self.channel is None else self.channel.scaled(factor),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, from which :meth:`from_dict` makes an equal entry.

        Returns
        -------
        dict
        """
        data = {k: getattr(self, k) for k in ("name", "error", "duration", "over_rotation")}
        data["qubits"] = None if self.qubits is None else list(self.qubits)
        data["channel"] = None if self.channel is None else self.channel.to_dict()
        return {**data, "relaxes": self.relaxes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GateNoise:
        """Return the entry of :meth:`to_dict`, checked like any other.

        Parameters
        ----------
        data : dict
            A dict that ``to_dict`` returned.

        Returns
        -------
        GateNoise

        Raises
        ------
        TypeError, ValueError
            If it is not an entry.
        """
        given = dict(check_instance("gates", data, Mapping))
        unknown = [key for key in given if key not in cls.__dataclass_fields__]
        if unknown or "name" not in given:
            raise ArgumentValueError(
                "gates", f"must have {list(cls.__dataclass_fields__)}, but got {list(given)}."
            )
        if given.get("channel") is not None:
            given["channel"] = Channel.from_dict(given["channel"])
        return checked_entry(**given)


class Known(NamedTuple):
    """All that holds for one gate on its qubits."""

    error: float
    duration: float
    over_rotation: float = 0.0
    channel: Channel | None = None
    relaxes: bool = True


def checked_entry(
    name: Any,
    qubits: Any = None,
    error: Any = None,
    duration: Any = None,
    over_rotation: Any = 0.0,
    channel: Any = None,
    relaxes: Any = True,
    rtol: float = RTOL,
) -> GateNoise:
    """Return an entry whose parts are what they must be."""
    if not isinstance(name, str) or not name:
        raise ArgumentTypeError("name", f"must be the name of a gate, but got {name!r}.")
    if qubits is not None:
        single = isinstance(qubits, (int, np.integer)) and not isinstance(qubits, bool)
        found = check_items("qubits", (qubits,) if single else qubits)
        qubits = tuple(check_int("qubits", q, minimum=0) for q in found)
        if not qubits or len(set(qubits)) != len(qubits):
            raise ArgumentValueError("qubits", f"must be different qubits, but got {qubits!r}.")
    if error is not None:
        error = check_probability("error", check_number("error", error))
    if duration is not None:
        duration = check_duration("duration", check_number("duration", duration))
        check_unit("duration", duration, LONGEST_GATE, np.inf)
    turn = check_number("over_rotation", over_rotation)
    if not abs(turn) <= 1:
        raise ArgumentValueError(
            "over_rotation", f"must be a share of the angle, from -1 to 1, but got {turn!r}."
        )
    if channel is not None and not isinstance(channel, Channel):
        superoperator = as_superoperator(channel)
        size = len(superoperator.dims[0][0])
        # The slot of a channel of the register, which a gate's is, whatever its place in the step.
        channel = Channel("after_circuit", superoperator, rtol=rtol, qubits=tuple(range(size)))
    if channel is not None and qubits is not None and channel.n_qubits != len(qubits):
        raise ArgumentValueError(
            "channel",
            f"must act on the {len(qubits)} qubit(s) of the gate, but acts on {channel.n_qubits}.",
        )
    check_instance("relaxes", relaxes, bool)
    return GateNoise(name, qubits, error, duration, turn, channel, relaxes)


def check_matrix(value: Any) -> tuple[tuple[float, ...], ...]:
    """Return a stochastic matrix P[reported, true] of some bits as a tuple, () if there is none."""
    if value is None or (isinstance(value, (tuple, list)) and not value):
        return ()
    matrix = check_real("readout_matrix", value)
    n = matrix.shape[0] if matrix.ndim else 0
    if matrix.ndim != 2 or matrix.shape != (n, n) or n < 2 or n & (n - 1) or n > 64:
        raise ArgumentValueError(
            "readout_matrix",
            "must be a square matrix with a row and a column for each outcome (2, 4, 8, ... of "
            f"them, 64 at most), but has shape {matrix.shape}.",
        )
    # 1e-6: published confusion matrices are rounded. What passes is normalised to the last digit,
    # as the summed instrument must preserve the trace.
    if matrix.min() < 0 or np.abs(matrix.sum(axis=0) - 1).max() > 1e-6:
        raise ArgumentValueError(
            "readout_matrix",
            "must be P[reported, true], with entries >= 0 and columns that add up to 1, but has "
            f"columns that add up to {matrix.sum(axis=0).round(6).tolist()}.",
        )
    matrix = matrix / matrix.sum(axis=0)
    return tuple(tuple(map(float, row)) for row in matrix)


def check_zz(value: Any) -> tuple[tuple[int, int, float], ...]:
    """Return static couplings as (qubit, qubit, rate in Hz), the lower qubit first."""
    if isinstance(value, Mapping):
        value = [(*check_items("zz", pair), rate) for pair, rate in value.items()]
    found = []
    for item in check_items("zz", value):
        parts = check_items("zz", item)
        if len(parts) != 3:
            raise ArgumentValueError(
                "zz", f"must be {{(qubit, qubit): rate in Hz}}, but has the entry {item!r}."
            )
        a, b = (check_int("zz", q, minimum=0) for q in parts[:2])
        rate = check_number("zz", parts[2])
        if a == b or not abs(rate) < 1e9:
            raise ArgumentValueError(
                "zz", f"must couple two qubits by less than 1e9 Hz, but has the entry {item!r}."
            )
        # ZZ is symmetric: an order of the two qubits would make equal models unequal.
        found.append((min(a, b), max(a, b), rate))
    if len({pair[:2] for pair in found}) != len(found):
        raise ArgumentValueError("zz", "must have one rate per pair, but has a pair twice.")
    return tuple(found)


def confused(matrix: tuple[tuple[float, ...], ...]) -> qutip.Qobj:
    """Return a stochastic matrix as a channel on the measured qubits: sqrt(P(r|s)) |r><s|."""
    P = np.array(matrix)
    n = len(P).bit_length() - 1
    return _classical(P, [2] * n)


def _classical(P: NDArray[np.float64], dims: list[int]) -> qutip.Qobj:
    size = len(P)
    columns = np.zeros((size * size, size * size))
    at = np.arange(size) * (size + 1)  # of |s><s|, columns stacked
    columns[np.ix_(at, at)] = P
    return qutip.Qobj(columns, dims=[[dims, dims], [dims, dims]], superrep="super")


def after_outcome(channel: Channel, outcome: tuple[int, ...]) -> qutip.Qobj:
    """Return a channel of the memory that acts if the io qubits are in *outcome*: on io + its own.

    What else the io qubits were is projected out, as their measurement does at once.
    """
    n = channel.n_qubits
    seen = qutip.tensor([qutip.fock_dm(2, bit) for bit in outcome])
    # Two projectors, |s><s| and its complement: no coherence is left between them, and none is
    # wanted, as the measurement that follows would take it away.
    other = qutip.qeye(seen.dims[0]) - seen
    idle = qutip.qeye([2] * n)
    parts = [qutip.tensor(seen, k) for k in qutip.to_kraus(channel.superoperator)]
    parts.append(qutip.tensor(other, idle))
    return sum(qutip.to_super(part) for part in parts)


def turned(matrix: Any, share: float) -> NDArray[np.complex128]:
    """Return U**(1 + share) of a unitary, by the principal logarithm of its eigenvalues."""
    import scipy.linalg

    # Schur, not eig: of a unitary the triangle is diagonal and the basis unitary, degenerate or
    # not.
    triangle, basis = scipy.linalg.schur(np.asarray(matrix, complex), output="complex")
    phases = np.angle(np.diag(triangle))
    phases[phases < -np.pi + 1e-9] = np.pi  # -1 is exp(+i pi), whatever its rounding
    return np.asarray((basis * np.exp(1j * (1 + share) * phases)) @ basis.conj().T)


def check_clock(value: Any) -> str:
    """Return it if it is one of CLOCKS."""
    return str(check_choice("clock", value, CLOCKS))
