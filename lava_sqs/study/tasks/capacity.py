"""The built-in task `memory_capacity`: what a circuit remembers under noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sqs._checks import check_choice, check_int
from lava_sqs.study.counts import Counts
from lava_sqs.study.plan.noise import noise_from
from lava_sqs.study.tasks.task import check_names

__all__ = ["MemoryCapacityTask", "circuit_from"]


def circuit_from(params: Mapping[str, Any]) -> Any:
    """Return the Ansatz of a point.

    Parameters
    ----------
    params : dict
        ``ansatz``: a name in ``lava_sqs.quantum.ansatz.NAMED``, default ``"layered"``.
        ``io_qubits``, ``memory_qubits``, ``layers``: integers, default 1.

    Returns
    -------
    Ansatz

    Raises
    ------
    TypeError, ValueError
        If the circuit is unknown, or does not exist in these sizes.

    Examples
    --------
    >>> circuit_from({"memory_qubits": 2}).n_params
    13
    """
    from lava_sqs.quantum import ansatz

    sizes = ("io_qubits", "memory_qubits", "layers")
    given = {k: check_int(k, params[k], minimum=1) for k in sizes if k in params}
    return ansatz.named(params.get("ansatz", "layered"), **given)


@dataclass(frozen=True)
class MemoryCapacityTask:
    """Short-term memory capacity of a circuit under noise: exact for each circuit drawn.

    Parameters
    ----------
    circuits : int
        Circuits per batch, with angles from U(-pi, pi); a circuit without angles is run once.
    max_delay : int
        Longest delay, in steps.
    measure : {"linear", "information"}
        Sum over the delays k >= 1 of MC_k, or of the mutual information in bits.

    See Also
    --------
    circuit_from, noise_from : The parameters of a point.
    lava_sqs.quantum.diagnostics.memory_capacity : What is computed.

    Raises
    ------
    TypeError, ValueError
        If `circuits` or `max_delay` is not a positive integer, or `measure` is unknown.

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
            If the task does not know the parameter, or the circuit or the noise is impossible.
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
        # Without angles every draw would be the same circuit, and its spread 0 a false certainty.
        for _ in range(self.circuits if circuit.n_params else 1):
            theta = rng.uniform(-np.pi, np.pi, circuit.n_params)
            found = memory_capacity(circuit, theta, noise, max_delay=self.max_delay)
            per_delay = found.linear if self.measure == "linear" else found.information
            assert per_delay is not None
            values.append(float(per_delay[1:].sum()))
        return Counts.of_values(values)
