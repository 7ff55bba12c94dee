"""Channels a noise model is made of: depolarising, and the user's own, checked and immutable."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import Any

import numpy as np

from lava_sqs._checks import (
    check_choice,
    check_instance,
    check_int,
    check_items,
    check_positive,
    check_real,
    check_shape,
    describe,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import qutip
from lava_sqs.quantum.noise.units import (
    LONGEST_WAIT,
    check_duration,
    check_number,
    check_probability,
    check_unit,
)

__all__ = ["RTOL", "SLOTS", "Channel", "aer_depolarizing_param", "depol_from_aer", "depolarizing"]

#: Where in a step the channels of a user can act, and on which qubits: ``"register"`` (all, io
#: qubits first) or ``"memory"``. When in the step is said in ``schedule.py``.
SLOTS = {"after_encode": "register", "after_circuit": "register", "readout": "memory"}

#: Tolerance of what a user gives: single precision passes, a mistake does not.
RTOL = 1e-6
_EXACT = 1e-13  # errors below this are the rounding of double precision: left as they are


def depolarizing(p: float, n_qubits: int) -> qutip.Qobj:
    r"""Return the channel that applies a uniformly random non-identity Pauli with probability *p*.

    .. math:: \rho \to (1 - p)\,\rho + \frac{p}{4^n - 1} \sum_{P \ne 1} P \rho P

    Completely positive for 0 <= p <= 1; fully mixing at ``p = 1 - 4**-n`` (3/4 and 15/16).

    Parameters
    ----------
    p : float
        Total Pauli error probability; not Qiskit Aer's ``lambda``, see
        :func:`aer_depolarizing_param`.
    n_qubits : int
        1 or 2.

    Returns
    -------
    Qobj
        Superoperator.

    Examples
    --------
    >>> plus = qutip.ket2dm((qutip.basis(2, 0) + qutip.basis(2, 1)).unit())
    >>> shrunk = qutip.vector_to_operator(depolarizing(0.3, 1) @ qutip.operator_to_vector(plus))
    >>> round(qutip.expect(qutip.sigmax(), shrunk), 12)     # 1 - 4 p / 3
    0.6
    """
    paulis = [qutip.qeye(2), qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()]
    single = sum(qutip.to_super(a) for a in paulis)
    if n_qubits == 1:
        every, identity = single, qutip.to_super(paulis[0])
    else:
        pairs = [qutip.tensor(a, b) for a in paulis for b in paulis]
        every = sum(qutip.to_super(a) for a in pairs)
        identity = qutip.to_super(pairs[0])
    weight = p / (4**n_qubits - 1)
    return (1 - p - weight) * identity + weight * every


def aer_depolarizing_param(p: float, n_qubits: int) -> float:
    r"""Return Qiskit Aer's ``depolarizing_error`` parameter for our probability *p*.

    .. math:: \lambda = \frac{4^n}{4^n - 1}\, p

    Aer mixes with the maximally mixed state, ``(1 - lambda) rho + lambda 1/2**n``: a part of its
    ``lambda`` is the identity. Ours counts errors only.

    Parameters
    ----------
    p : float
        Total Pauli error probability, in [0, 1].
    n_qubits : int
        n, 1 or more.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> round(aer_depolarizing_param(0.3, 1), 12), round(aer_depolarizing_param(15 / 16, 2), 12)
    (0.4, 1.0)
    """
    n = check_int("n_qubits", n_qubits, minimum=1)
    return check_probability("p", check_number("p", p)) / (1 - 4.0**-n)


def depol_from_aer(param: float, n_qubits: int) -> float:
    """Return our probability for Qiskit Aer's parameter; inverts :func:`aer_depolarizing_param`.

    Parameters
    ----------
    param : float
        Aer's ``lambda``, from 0 to ``4**n / (4**n - 1)``.
    n_qubits : int
        n, 1 or more.

    Returns
    -------
    float
        Total Pauli error probability.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> round(depol_from_aer(0.4, 1), 12)
    0.3
    """
    n = check_int("n_qubits", n_qubits, minimum=1)
    largest = 1 / (1 - 4.0**-n)
    value = check_number("param", param)
    if not 0 <= value <= largest * (1 + 1e-15):
        raise ArgumentValueError(
            "param",
            f"must be from 0 to 4**n / (4**n - 1) = {largest:.6g} for {n} "
            f"qubit(s), where Aer's channel is completely positive, but got {value!r}.",
        )
    return float(min(value / largest, 1.0))


@dataclass(frozen=True)
class Channel:
    """A user's own channel in one slot of the step.

    Made by :meth:`~lava_sqs.NoiseModel.with_channel`.

    Attributes
    ----------
    slot : str
        Where in the step: one of ``SLOTS``.
    superoperator : Qobj
        Completely positive and trace preserving, on the qubits that ``SLOTS`` names.
    hamiltonian : Qobj or None
        Hamiltonian in rad/s.
    c_ops : tuple of Qobj
        Collapse operators in s^(-1/2).
    duration : float or None
        What the superoperator was computed from, if it was; seconds.
    rtol : float
        Largest violation of complete positivity and trace preservation that is accepted; it is then
        made exact, see :meth:`~lava_sqs.NoiseModel.with_channel`.
    qubits : tuple of int or None
        Where, as indices into what the slot acts on: the register, io qubits first, or the memory.
        None is all of it.
    outcome : tuple of int or None
        Outcome of the io qubits, without which the channel does not act; None is any.
    digest : str
        Hash of the superoperator: what equality is about, besides slot and qubits.

    Raises
    ------
    TypeError, ValueError
        If the slot does not exist, or the map is not completely positive and trace preserving.

    Examples
    --------
    >>> Channel("readout", qutip.to_super(qutip.sigmax())).n_qubits
    1
    """

    slot: str
    superoperator: qutip.Qobj = field(compare=False)
    hamiltonian: qutip.Qobj | None = field(default=None, compare=False)
    c_ops: tuple[qutip.Qobj, ...] = field(default=(), compare=False)
    duration: float | None = field(default=None, compare=False)
    rtol: InitVar[float] = RTOL
    qubits: tuple[int, ...] | None = None
    outcome: tuple[int, ...] | None = None
    digest: str = field(default="", init=False, repr=False)

    def __post_init__(self, rtol: float) -> None:
        check_choice("slot", self.slot, SLOTS)
        if self.qubits is not None:
            object.__setattr__(self, "qubits", _check_qubits(self.qubits))
        if self.outcome is not None:
            object.__setattr__(self, "outcome", _check_bits(self.outcome, self.slot))
        tolerance = check_positive("rtol", rtol, below=0.1)
        object.__setattr__(self, "superoperator", _exact_channel(self.superoperator, tolerance))
        data = np.ascontiguousarray(self.superoperator.full() + 0.0)
        object.__setattr__(self, "digest", hashlib.sha256(data.tobytes()).hexdigest())
        if self.qubits is not None and len(self.qubits) != self.n_qubits:
            raise ArgumentValueError(
                "qubits",
                f"must name {self.n_qubits} qubit(s), as many as the channel acts on, but got "
                f"{self.qubits!r}.",
            )

    def __repr__(self) -> str:
        what = (
            "superoperator" if self.duration is None else f"{self.duration:g} s of open evolution"
        )
        where = f"{self.n_qubits} qubit(s)" if self.qubits is None else f"qubits {self.qubits}"
        if self.outcome is not None:
            where += f" after {self.outcome}"
        return f"<Channel in slot {self.slot!r} on {where}: {what}>"

    @classmethod
    def from_lindblad(
        cls,
        slot: str,
        c_ops: Any,
        hamiltonian: qutip.Qobj | None,
        duration: float,
        qubits: Any = None,
    ) -> Channel:
        """Return the channel ``exp(duration * liouvillian(hamiltonian, c_ops))``.

        The arguments *slot*, *c_ops*, *hamiltonian*, *duration* and *qubits* are those of
        :meth:`~lava_sqs.NoiseModel.with_lindblad`. Raises its TypeError and ValueError.
        """
        single = isinstance(c_ops, qutip.Qobj)
        operators = (c_ops,) if single else check_items("c_ops", c_ops)
        named = [(f"c_ops[{i}]", c) for i, c in enumerate(operators)]
        if hamiltonian is not None:
            named.append(("hamiltonian", hamiltonian))
        if not named:
            raise ArgumentValueError("c_ops", "must hold an operator when `hamiltonian` is None.")
        for name, operator in named:
            if not isinstance(operator, qutip.Qobj) or not operator.isoper:
                raise ArgumentTypeError(
                    name, f"must be a QuTiP operator, but got {describe(operator)}."
                )
            if operator.dims != named[0][1].dims or set(operator.dims[0]) != {2}:
                raise ArgumentValueError(
                    name,
                    f"must act on qubits, all operators on the same ones, but "
                    f"has dims {operator.dims}.",
                )
        if hamiltonian is not None and not hamiltonian.isherm:
            raise ArgumentValueError("hamiltonian", "must be Hermitian, but is not.")
        time = check_duration("duration", check_number("duration", duration))
        slowest = max(1 / max(_rate(name, op), 1e-300) for name, op in named)
        if time > 100 * slowest:
            check_unit("duration", time, LONGEST_WAIT, slowest, ratio=math.inf)
        energy = 0 * operators[0] if hamiltonian is None else hamiltonian
        generator = qutip.liouvillian(energy, list(operators))
        return cls(slot, (generator * time).expm(), hamiltonian, operators, time, qubits=qubits)

    @property
    def n_qubits(self) -> int:
        """Number of qubits that the channel acts on."""
        return len(self.superoperator.dims[0][0])

    def scaled(self, factor: float) -> Channel:
        """Return the channel with every dissipation rate multiplied.

        Parameters
        ----------
        factor : float
            What the channel's error is multiplied by, at least 0.

        Returns
        -------
        Channel

        Raises
        ------
        ValueError
            If the channel was not made from collapse operators and *factor* is not 1.
        """
        if factor == 1:
            return self
        if self.duration is None:
            raise ArgumentValueError(
                "factor",
                f"must be 1 for a model with a given superoperator (slot "
                f"{self.slot!r}), but got {factor!r}: only channels made from collapse operators "
                "can be scaled.",
            )
        c_ops = [math.sqrt(factor) * c for c in self.c_ops]
        hamiltonian = self.hamiltonian
        if hamiltonian is None:
            hamiltonian = 0 * self.c_ops[0]
        again = Channel.from_lindblad(self.slot, c_ops, hamiltonian, self.duration, self.qubits)
        return again if self.outcome is None else replace(again, outcome=self.outcome)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers, from which :meth:`from_dict` makes an equal channel.

        Returns
        -------
        dict
        """
        return {
            "slot": self.slot,
            "n_qubits": self.n_qubits,
            "superoperator": _to_lists(self.superoperator),
            "hamiltonian": None if self.hamiltonian is None else _to_lists(self.hamiltonian),
            "c_ops": [_to_lists(c) for c in self.c_ops],
            "duration": self.duration,
            **({} if self.qubits is None else {"qubits": list(self.qubits)}),
            **({} if self.outcome is None else {"outcome": list(self.outcome)}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Channel:
        """Return the channel of :meth:`to_dict`, checked like any other.

        Parameters
        ----------
        data : dict
            A dict that ``to_dict`` returned.

        Returns
        -------
        Channel

        Raises
        ------
        TypeError, ValueError
            If it is not a channel.
        """
        check_instance("channels", data, Mapping)
        lacking = [key for key in _KEYS if key not in data]
        if lacking:
            raise ArgumentValueError("channels", f"must have {_KEYS}, but lacks {lacking}.")
        one = [2] * check_int("n_qubits", data["n_qubits"], minimum=1, maximum=12)
        energy = data["hamiltonian"]
        if data["duration"] is not None:
            check_duration("duration", check_number("duration", data["duration"]))
        return cls(
            data["slot"],
            _from_lists(data["superoperator"], [[one, one], [one, one]]),
            None if energy is None else _from_lists(energy, [one, one]),
            tuple(_from_lists(c, [one, one]) for c in check_items("c_ops", data["c_ops"])),
            data["duration"],
            qubits=data.get("qubits"),
            outcome=data.get("outcome"),
        )


_KEYS = ("slot", "n_qubits", "superoperator", "hamiltonian", "c_ops", "duration")


def _check_bits(outcome: Any, slot: str) -> tuple[int, ...]:
    """Return the bits of an outcome, of one io qubit (a number) or several."""
    single = isinstance(outcome, (int, np.integer)) and not isinstance(outcome, bool)
    found = check_items("outcome", (outcome,) if single else outcome)
    bits = tuple(check_int("outcome", bit, minimum=0, maximum=1) for bit in found)
    if slot != "readout" or not bits:
        raise ArgumentValueError(
            "outcome", f"must have bits, for the slot 'readout' only, but got {bits} in {slot!r}."
        )
    return bits


def _check_qubits(qubits: Any) -> tuple[int, ...]:
    """Return indices of qubits, of one (a number) or several, all different."""
    single = isinstance(qubits, (int, np.integer)) and not isinstance(qubits, bool)
    found = check_items("qubits", (qubits,) if single else qubits)
    indices = tuple(check_int("qubits", q, minimum=0) for q in found)
    if len(set(indices)) != len(indices) or not indices:
        raise ArgumentValueError("qubits", f"must name different qubits, but got {qubits!r}.")
    return indices


def _to_lists(operator: qutip.Qobj) -> dict[str, Any]:
    full = operator.full()
    return {"real": full.real.tolist(), "imag": full.imag.tolist()}


def _from_lists(data: Mapping[str, Any], dims: Any) -> qutip.Qobj:
    side = int(np.prod(np.ravel(dims[0])))
    check_instance("channels", data, Mapping)
    real, imag = (check_real(f"channels.{part}", data.get(part)) for part in ("real", "imag"))
    for part in (real, imag):
        check_shape("channels", part, (side, side))
    return qutip.Qobj(real + 1j * imag, dims=dims)


def _rate(name: str, operator: qutip.Qobj) -> float:
    """Return how fast a collapse operator or a Hamiltonian moves states, in 1/s."""
    if name == "hamiltonian":
        levels = operator.eigenenergies()
        return float(levels[-1] - levels[0]) / 2
    return float(np.linalg.norm(operator.full(), 2)) ** 2


def as_superoperator(channel: Any) -> qutip.Qobj:
    """Return a superoperator, from one in any representation, an operator or Kraus operators."""
    if isinstance(channel, qutip.Qobj) and (channel.isoper or channel.issuper):
        return qutip.to_super(channel)
    kraus = [_as_operator(k) for k in channel] if isinstance(channel, (list, tuple)) else []
    if kraus and all(isinstance(k, qutip.Qobj) and k.isoper for k in kraus):
        return sum(qutip.to_super(k) for k in kraus)
    raise ArgumentTypeError(
        "channel",
        "must be a QuTiP superoperator, an operator or a list of Kraus "
        f"operators, but got {describe(channel)}.",
    )


def _as_operator(kraus: Any) -> Any:
    """Return an array (2**n, 2**n) as a Qobj on n qubits, anything else as it is."""
    if not isinstance(kraus, np.ndarray) or kraus.ndim != 2 or kraus.dtype.kind not in "iufc":
        return kraus
    n = len(kraus).bit_length() - 1
    if n < 1 or kraus.shape != (2**n, 2**n):
        return kraus
    return qutip.Qobj(kraus.astype(complex), dims=[[2] * n, [2] * n])


def _exact_channel(superoperator: Any, tolerance: float) -> qutip.Qobj:
    r"""Return the map, completely positive and trace preserving to the last digits.

    What misses it by less than *tolerance*, as numbers of single precision do, is made exact:
    negative eigenvalues of the Choi matrix become 0, and the trace is restored by

    .. math:: \mathcal E'(\rho) = \mathcal E(M^{-1/2} \rho M^{-1/2}), \qquad
        M = \mathcal E^\dagger(1) = \sum_a K_a^\dagger K_a .

    Raises ``ValueError`` for what misses it by more.
    """
    dims = superoperator.dims
    if not superoperator.issuper or dims[0] != dims[1] or set(np.ravel(dims)) != {2}:
        raise ArgumentValueError(
            "channel",
            "must map qubits to the same qubits: dims "
            "[[[2, ..], [2, ..]], [[2, ..], [2, ..]]], but has dims "
            f"{dims}. Give qubit dims with Qobj(data, dims=...).",
        )
    if not np.isfinite(superoperator.full()).all():
        raise ArgumentValueError("channel", "must be finite, but holds NaN or infinity.")
    superoperator = qutip.to_super(superoperator)
    as_choi = qutip.to_choi(superoperator)
    choi = as_choi.full()
    skew = float(np.abs(choi - choi.conj().T).max())
    if skew > tolerance:
        raise ArgumentValueError(
            "channel",
            "must be completely positive, but does not even preserve "
            f"Hermiticity (its Choi matrix differs from its adjoint by {skew:.3g}).",
        )
    levels, vectors = np.linalg.eigh((choi + choi.conj().T) / 2)
    if levels[0] < -tolerance:
        raise ArgumentValueError(
            "channel",
            f"must be completely positive, but its Choi matrix has the eigenvalue {levels[0]:.6g}.",
        )
    d = round(math.sqrt(superoperator.shape[0]))
    total = _trace_of_image(superoperator, d)
    error = float(np.abs(total - np.eye(d)).max())
    if error > tolerance:
        raise ArgumentValueError(
            "channel",
            f"must preserve the trace, but changes it by up to {error:.6g} "
            "(largest entry of sum_a K_a^dagger K_a - 1), and at most `rtol` is rounding "
            f"({tolerance:.3g}). If it is meant to be a channel, renormalise its Kraus operators, "
            "K_a M**-0.5 with M = sum_a K_a^dagger K_a, or pass a larger rtol to with_channel, "
            "which does so.",
        )
    if max(skew, -levels[0]) > _EXACT:
        choi = (vectors * np.clip(levels, 0, None)) @ vectors.conj().T
        superoperator = qutip.to_super(qutip.Qobj(choi, dims=as_choi.dims, superrep="choi"))
        total = _trace_of_image(superoperator, d)
    if np.abs(total - np.eye(d)).max() > _EXACT:
        weights, kets = np.linalg.eigh(total)
        root = qutip.Qobj((kets / np.sqrt(weights)) @ kets.conj().T, dims=dims[0])
        superoperator = superoperator @ qutip.to_super(root)
    return superoperator


def _trace_of_image(superoperator: qutip.Qobj, d: int) -> Any:
    """Return M = E^dagger(1) = sum_a K_a^dagger K_a: the trace of E(rho) is Tr(M rho)."""
    row = np.eye(d).ravel(order="F") @ superoperator.full()  # columns are stacked
    return row.reshape(d, d)
