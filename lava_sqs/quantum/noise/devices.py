"""Devices that noise can imitate: calibration data, and what a gate's error says of its noise."""

from __future__ import annotations

import math
from typing import Any

from lava_sqs._checks import check_choice, check_int
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum.noise.units import (
    LONGEST_GATE,
    PerQubit,
    at_qubit,
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

__all__ = ["depol_from_gate_infidelity"]

_CALIBRATION_DATE = "2025-02-26"
# t1, t2 in us; durations in ns; errors are average gate infidelities (relaxation included).
CALIBRATIONS: dict[str, dict[str, float]] = {
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


def device(name: str) -> dict[str, Any]:
    """Return the fields of the noise model of a device."""
    c = CALIBRATIONS[check_choice("name", name, CALIBRATIONS)]
    t1, t2 = (float(f"{c[k]}e-6") for k in ("t1", "t2"))  # 0.000232, not 0.00023199..
    time_1q, time_2q, time_readout = (float(f"{c[k]}e-9") for k in ("ns_1q", "ns_2q", "ns_readout"))
    return {
        "t1": t1,
        "t2": t2,
        "gate_time_1q": time_1q,
        "gate_time_2q": time_2q,
        "readout_time": time_readout,
        "p_depol_1q": depol_from_gate_infidelity(c["error_1q"], 1, t1, t2, time_1q),
        "p_depol_2q": depol_from_gate_infidelity(c["error_2q"], 2, t1, t2, time_2q),
        "p_read1_given0": c["read1_given0"],
        "p_read0_given1": c["read0_given1"],
        "name": name,
        "source": f"medians of the public calibration snapshot of {name}, {_CALIBRATION_DATE}",
    }


def depol_from_gate_infidelity(
    r: float,
    n_qubits: int,
    t1: PerQubit,
    t2: PerQubit,
    duration: float,
    *,
    below: str = "raise",
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
    below : {"raise", "zero"}
        What to do if relaxation alone gives more than *r*: raise, or return 0, which leaves the
        gate with the error of its relaxation (as Qiskit Aer does).

    Returns
    -------
    float
        Total Pauli error probability, for ``p_depol_1q`` or ``p_depol_2q``.

    Raises
    ------
    ValueError
        If relaxation alone gives more than *r* and *below* is ``"raise"``.

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
    times = {"t1": check_numbers("t1", t1), "t2": check_numbers("t2", t2)}
    for name, given in times.items():
        check_each(name, given, check_lifetime)
    check_lengths(times)
    check_lifetimes(**times)
    check_unit("duration", duration, LONGEST_GATE, longest_finite(*times.values()))
    for name, given in times.items():
        if isinstance(given, tuple) and len(given) != n:
            raise ArgumentValueError(
                name, f"must be one value or {n} (one per qubit of the gate), but has {len(given)}."
            )
    d, trace = 2**n, 1.0
    for q in range(n):
        # Tr R of one qubit: 1 for I, exp(-t/T2) for X and Y, exp(-t/T1) for Z.
        decay, coherence = (math.exp(-duration / at_qubit(v, q)) for v in times.values())
        trace *= 1 + 2 * coherence + decay
    if trace - 1 < 1e-9:
        raise ArgumentValueError(
            "duration",
            f"must be short enough for t1 = {times['t1']} and t2 = {times['t2']} to "
            f"leave something of the qubit, but got {duration} s.",
        )
    # Process fidelity F = 1 - r (d + 1)/d, and F = (1 + lambda (Tr R - 1)) / d^2, solved for
    # lambda.
    shrink = (d**2 * (1 - r * (d + 1) / d) - 1) / (trace - 1)
    # lambda = 1 - p d^2 / (d^2 - 1): at p = 1 - 1/d^2 nothing of the state is left.
    p = (1 - shrink) * (d**2 - 1) / d**2
    if p < -1e-12 and check_choice("below", below, ("raise", "zero")) == "raise":
        # Average infidelity from process fidelity: r = (1 - F) d / (d + 1), F = Tr R / d^2.
        relaxation = (1 - trace / d**2) * d / (d + 1)
        raise ArgumentValueError(
            "r",
            f"must be at least {relaxation:.4g}, the infidelity of relaxation alone "
            f"(t1 = {times['t1']}, t2 = {times['t2']}, duration = {duration} s), "
            f"but got {r!r}.",
        )
    if p > 1:
        raise ArgumentValueError(
            "r",
            f"must be small enough for a depolarising probability <= 1, but got {r!r} "
            f"(p = {p:.4g}).",
        )
    return max(float(p), 0.0)
