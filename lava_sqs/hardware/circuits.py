"""Circuits as a backend runs them: of its own gates, on its own qubits, at its own times."""

from __future__ import annotations

from typing import Any

from lava_sqs._checks import check_instance, check_int, check_items
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._exchange import gates_of, need
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise.backends import best, pairs_of, target_of, trouble

__all__ = ["best_qubits", "isa", "on_backend"]


def best_qubits(ansatz: Ansatz, backend: Any) -> tuple[int, ...]:
    """Return the qubits of a backend that disturb a neuron least.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit whose couplings are needed.
    backend : BackendV2
        A backend of Qiskit.

    Returns
    -------
    tuple of int
        The backend's own numbers, io qubits first.

    Raises
    ------
    TypeError, ValueError
        If *backend* is not a backend, lacks what a neuron needs, or does not have these qubits.

    Examples
    --------
    >>> from qiskit_ibm_runtime.fake_provider import FakeManilaV2
    >>> from lava_sqs import ansatz
    >>> len(best_qubits(ansatz.paper(), FakeManilaV2()))
    2
    """
    check_instance("ansatz", ansatz, Ansatz)
    return best(target_of(backend), ansatz.n_qubits, ansatz.io_qubits, pairs_of(ansatz.gates))


def _named(ansatz: Ansatz, qubits: Any, last: int) -> tuple[int, ...]:
    """Return as many different qubits, 0 to *last*, as a circuit has, or raise."""
    chosen = tuple(
        check_int("qubits", q, minimum=0, maximum=last) for q in check_items("qubits", qubits)
    )
    if len(chosen) != ansatz.n_qubits or len(set(chosen)) != len(chosen):
        raise ArgumentValueError(
            "qubits",
            f"must be 'best' or {ansatz.n_qubits} different qubits, one per qubit of the circuit, "
            f"but got {qubits!r}.",
        )
    return chosen


def _working(ansatz: Ansatz, backend: Any, qubits: Any) -> tuple[int, ...]:
    """Return the qubits that *qubits* names, all of which work."""
    if isinstance(qubits, str) and qubits == "best":
        return best_qubits(ansatz, backend)
    check_instance("ansatz", ansatz, Ansatz)
    target = target_of(backend)
    chosen = _named(ansatz, qubits, target.num_qubits - 1)
    wrong = trouble(target, chosen, ansatz.io_qubits, pairs_of(ansatz.gates))
    if wrong:
        raise ArgumentValueError("qubits", f"must work, but {wrong}. Try qubits='best'.")
    return chosen


def isa(ansatz: Ansatz, backend: Any, qubits: Any = "best", *, level: int = 1) -> Ansatz:
    """Return the circuit of a backend's own gates that does what V(theta) does.

    It has the same angles, so that theta is the same; with ``NoiseModel.from_backend`` of the
    same qubits its noise is that of the backend.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit V(theta).
    backend : BackendV2
        A backend of Qiskit.
    qubits : "best" or iterable of int
        The backend's own numbers, io qubits first.
    level : int
        How hard Qiskit's transpiler tries, 0 to 3.

    Returns
    -------
    Ansatz
        On the same register indices.

    Raises
    ------
    TypeError, ValueError
        If the qubits do not work, or are not coupled as the circuit needs.

    Examples
    --------
    >>> from qiskit_ibm_runtime.fake_provider import FakeManilaV2
    >>> from lava_sqs import ansatz
    >>> native = isa(ansatz.paper(), FakeManilaV2())
    >>> sorted({gate.name for gate in native.gates}), native.param_names
    (['CX', 'RZ', 'SX'], ('theta_ent', 'theta_mem', 'theta_in'))
    """
    chosen = _working(ansatz, backend, qubits)
    level = check_int("level", level, minimum=0, maximum=3)
    done = need("qiskit").transpile(
        ansatz.to_qiskit(),
        target=target_of(backend),
        initial_layout=list(chosen),
        optimization_level=level,
        routing_method="none",  # the couplings are there: nothing is moved
        seed_transpiler=0,
    )
    small = need("qiskit").QuantumCircuit(len(chosen))
    for item in done.data:
        places = [done.find_bit(q).index for q in item.qubits]
        if item.operation.name != "barrier":
            small.append(item.operation, [chosen.index(q) for q in places])
    gates, _ = gates_of(small, ansatz.param_names)
    sizes = ansatz.io_qubits, ansatz.memory_qubits
    return Ansatz(f"{ansatz.name}, native", *sizes, tuple(gates), ansatz.param_names)


def on_backend(
    ansatz: Ansatz,
    backend: Any,
    steps: int,
    qubits: Any = "best",
    *,
    theta: Any = None,
    currents: Any = None,
    scheduled: bool = True,
) -> Any:
    """Return a neuron of some steps as the circuit that a backend runs.

    Parameters
    ----------
    ansatz : Ansatz
        V(theta), of any gates.
    backend : BackendV2
        A backend of Qiskit.
    steps : int
        Number of time steps, at least 1.
    qubits : "best" or iterable of int
        The backend's own numbers, io qubits first.
    theta, currents
        See :meth:`~lava_sqs.quantum.ansatz.Ansatz.to_qiskit`.
    scheduled : bool
        Whether pauses are written into it, each gate as late as possible: without them simulators
        do not know that a qubit waits.

    Returns
    -------
    QuantumCircuit
        On all qubits of the backend.

    Raises
    ------
    TypeError, ValueError
        If the circuit cannot run, see :func:`isa`.

    Examples
    --------
    >>> from qiskit_ibm_runtime.fake_provider import FakeManilaV2
    >>> from lava_sqs import ansatz
    >>> on_backend(ansatz.paper(), FakeManilaV2(), steps=3).num_clbits
    3
    """
    chosen = _working(ansatz, backend, qubits)
    native = isa(ansatz, backend, chosen)
    return need("qiskit").transpile(
        native.to_qiskit(steps, theta=theta, currents=currents),
        target=target_of(backend),
        initial_layout=list(chosen),
        optimization_level=0,  # its gates are native already; RX(pi z) is two pulses
        routing_method="none",
        scheduling_method="alap" if scheduled else None,
        seed_transpiler=0,
    )
