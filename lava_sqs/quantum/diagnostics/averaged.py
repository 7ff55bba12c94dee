r"""One neuron under random inputs, nothing sampled: the maps that averages are made of.

The input ``u_t`` takes the values of *currents* with their probabilities q, independently at each
step, and drives every io qubit. Averaged over inputs, and over outcomes too, a step is linear:

.. math::
    \bar S_s = \sum_v q_v S_s(v), \qquad T = \sum_s \bar S_s .
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_int, check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import check_density_scores, check_room, compiled_limit
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.density import DensityProgram
from lava_sqs.quantum.engines.choose import compile_exact, exact_backend
from lava_sqs.quantum.instrument import instrument
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.noise.per_neuron import one_noise
from lava_sqs.quantum.states import ground_state, superoperator_to_matrix

Array = NDArray[Any]


class AveragedNeuron:
    """One neuron under random inputs.

    The arguments are those of :func:`~lava_sqs.quantum.diagnostics.memory_capacity`, which are
    checked here; *few* is how many values the input may take, at least 1 or 2.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> neuron = AveragedNeuron(ansatz.paper(), [0.3, 0.2, 0.1], None, (0.0, 1.0), None)
    >>> neuron.branches(neuron.settled(5)).shape  # inputs, outcomes, components
    (2, 2, 4)
    """

    def __init__(
        self,
        ansatz: Ansatz,
        theta: Any,
        noise: NoiseModel | None,
        currents: Any,
        probabilities: Any,
        few: int = 2,
    ) -> None:
        check_instance("ansatz", ansatz, Ansatz)
        noise = one_noise("noise", noise, "This is about one neuron: ask for each.")
        u = check_shape("currents", check_real("currents", currents), ("V",))
        if len(np.unique(u)) < few:
            wanted = "two different values" if few == 2 else "a value"
            raise ArgumentValueError("currents", f"must hold {wanted}, but got {u}.")
        q = np.full(len(u), 1 / len(u)) if probabilities is None else probabilities
        q = check_shape("probabilities", check_real("probabilities", q), u.shape)
        if (q <= 0).any() or abs(q.sum() - 1) > 1e-9:
            raise ArgumentValueError(
                "probabilities", f"must be positive and sum to 1, but got {q}."
            )
        self.ansatz, self.u, self.q = ansatz, u, q
        # One input drives all io qubits of the neuron.
        self._inputs = np.repeat(u[:, None], ansatz.io_qubits, axis=1)
        backend = exact_backend(ansatz, noise, mixed=True)  # averaged over outcomes
        program: Any = compile_exact(ansatz, noise, backend=backend)
        self._maps: Array | None = None
        if isinstance(program, DensityProgram):
            check_density_scores(ansatz, noise, rows=1, steps=2 * len(u))
            self._program = program
            self._values = program.values(ansatz.check_theta(theta)[None])[0]
            return
        check_room(
            f"`memory_qubits` = {ansatz.memory_qubits} with {len(u)} `currents`",
            8.0 * 16**ansatz.memory_qubits * (3 * len(u) * 2**ansatz.io_qubits + 4),
            compiled_limit(),
            "Use fewer memory qubits or currents, or capacity_from_spikes of a Population's run.",
        )
        made = [instrument(ansatz, theta, z, noise) for z in self._inputs]
        self._maps = np.array([[superoperator_to_matrix(m) for m in each] for each in made])

    @property
    def matrix(self) -> Array | None:
        """T itself (D, D), where the neuron is made of compiled instruments."""
        return None if self._maps is None else np.einsum("v,vsij->ij", self.q, self._maps)

    def branches(self, memory: Array) -> Array:
        """Return the unnormalised memories (V, S, D) after each input and outcome of a step.

        The argument *memory* is any Pauli vector (D,): all of this is linear.
        """
        if self._maps is not None:
            return np.asarray(self._maps @ memory)
        each = (self._program.outcomes(self._values, z, memory) for z in self._inputs)
        return np.array(list(each))

    def outcomes(self, memory: Array) -> Array:
        """Return those (S, D) after each outcome, averaged over the input of the step."""
        return np.asarray(np.einsum("v,vsi->si", self.q, self.branches(memory)))

    def step(self, memory: Array) -> Array:
        """Return T *memory*."""
        return np.asarray(self.outcomes(memory).sum(axis=0))

    def settled(self, washout: int) -> Array:
        """Return the memory *washout* steps after ``|0..0>``."""
        r, matrix = ground_state(self.ansatz.memory_qubits), self.matrix
        if matrix is not None:
            return np.asarray(np.linalg.matrix_power(matrix, washout) @ r)
        for _ in range(washout):
            before, r = r, self.step(r)
            if np.abs(r - before).max() < 1e-15:  # noise has made it forget where it started
                break
        return r


def check_delays(max_delay: Any, washout: Any) -> tuple[int, int]:
    """Return both, if they are numbers of steps."""
    return check_int("max_delay", max_delay, minimum=0), check_int("washout", washout, minimum=0)
