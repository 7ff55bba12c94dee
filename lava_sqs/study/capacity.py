"""The built-in task `memory_capacity`: what a circuit remembers under noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sqs._checks import check_choice, check_int
from lava_sqs.study.counts import Counts
from lava_sqs.study.noise import noise_from
from lava_sqs.study.task import check_names

__all__ = ["MemoryCapacityTask", "circuit_from"]

CIRCUITS = ("layered", "paper", "delay", "delay-x")


def circuit_from(params: Mapping[str, Any]) -> Any:
    """Return the Ansatz of a point.

    Parameters
    ----------
    params : dict
        ``ansatz``: ``"layered"`` (default), ``"paper"``, ``"delay"``: the memory qubits as a
        delay line of SWAPs, so that each spike repeats the input ``memory_qubits`` steps ago, or
        ``"delay-x"``: the same, with the stored bits in superpositions, ``|+>`` and ``|->``.
        ``io_qubits``, ``memory_qubits``, ``layers``: integers, default 1.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If there is no such circuit, or not of these sizes.

    Examples
    --------
    >>> circuit_from({"memory_qubits": 2}).n_params
    13
    """
    from lava_sqs.quantum import ansatz

    name = check_choice("ansatz", params.get("ansatz", "layered"), CIRCUITS)
    io, memory, layers = (
        check_int(k, params.get(k, 1), minimum=1) for k in ("io_qubits", "memory_qubits", "layers")
    )
    if name == "layered":
        return ansatz.layered(io, memory, layers)
    if name == "paper":
        if (io, memory, layers) != (1, 1, 1):
            raise ValueError(
                f"Parameter `memory_qubits` must be 1 for ansatz='paper', but the point has io "
                f"{io}, memory {memory}, layers {layers}."
            )
        return ansatz.paper()
    if (io, layers) != (1, 1):
        raise ValueError(f"Parameters `io_qubits` and `layers` must be 1 for ansatz={name!r}.")
    # SWAP(0, 1), SWAP(0, 2), ...: the input goes into qubit 1, each next qubit takes what the one
    # before it held, and what the last one held is measured.
    gates: list[tuple[str, tuple[int, ...]]] = []
    for m in range(1, memory + 1):
        gates.append(("SWAP", (0, m)))
    if name == "delay-x":
        # What enters is turned into the X basis, what leaves is turned back.
        gates = [("H", (0,)), *gates, ("H", (0,))]
    return ansatz.from_gates(gates, io_qubits=1, memory_qubits=memory)


@dataclass(frozen=True)
class MemoryCapacityTask:
    """Short-term memory capacity of a circuit under noise: exact for each circuit drawn.

    Parameters
    ----------
    circuits : int
        Circuits per batch, with angles from U(-pi, pi); a circuit without angles is run once.
    max_delay : int
    measure : {"linear", "information"}
        Sum over the delays k >= 1 of MC_k, or of the mutual information in bits.

    See Also
    --------
    circuit_from, noise_from : the parameters of a point.
    lava_sqs.quantum.diagnostics.memory_capacity : what is computed.

    Raises
    ------
    TypeError, ValueError
        Names the argument, what was expected and what came.

    Examples
    --------
    >>> task = MemoryCapacityTask(max_delay=3)
    >>> counts = task({"ansatz": "delay", "memory_qubits": 2}, np.random.SeedSequence(0))
    >>> round(counts.estimate, 9)  # each spike repeats the input of two steps ago
    1.0
    """

    circuits: int = 5
    max_delay: int = 10
    measure: str = "linear"

    name = "memory_capacity"

    def __post_init__(self) -> None:
        check_int("circuits", self.circuits, minimum=1)
        check_int("max_delay", self.max_delay, minimum=1)
        check_choice("measure", self.measure, ("linear", "information"))

    def check(self, params: dict[str, Any]) -> None:
        """Raise if a point makes no sense: before anything runs.

        Parameters
        ----------
        params : dict
            Parameters of the point.

        Raises
        ------
        TypeError, ValueError
            Names the parameter, what was expected and what came.
        """
        known = ("ansatz", "io_qubits", "memory_qubits", "layers")
        check_names(self.name, params, known, noises=("noise",))
        circuit_from(params)
        noise_from(params)

    def __call__(self, params: dict[str, Any], seed: np.random.SeedSequence) -> Counts:
        """Run one batch."""
        from lava_sqs.quantum.diagnostics import memory_capacity

        circuit, noise = circuit_from(params), noise_from(params)
        rng = np.random.default_rng(seed)
        values = []
        for _ in range(self.circuits if circuit.n_params else 1):
            theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
            found = memory_capacity(circuit, theta, noise, max_delay=self.max_delay)
            per_delay = found.linear if self.measure == "linear" else found.information
            assert per_delay is not None
            values.append(float(per_delay[1:].sum()))
        return Counts.of_values(values)
