"""How far noise takes memories from where the same outcomes would have led them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_real
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._seeds import check_seed
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.diagnostics.states import entropy, fidelity, purity
from lava_sqs.quantum.engines.choose import check_exact, exact_backend
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import check_noise
from lava_sqs.quantum.population import Population

__all__ = ["MemoryFidelity", "memory_fidelity"]

Array = NDArray[Any]


@dataclass(frozen=True)
class MemoryFidelity:
    """What :func:`memory_fidelity` returns.

    Attributes
    ----------
    fidelity : ndarray, shape (T, *batch, K)
        Fidelity of the noisy memory to the noiseless one, after each step.
    purity, entropy : ndarray, shape (T, *batch, K)
        Purity and entropy of the noisy memory; entropy in bits.
    spikes : ndarray, shape (T, *batch, K) or (T, *batch, K, io_qubits)
        The outcomes that both saw.
    impossible : int
        How many outcomes the noiseless neuron could not have produced.
    seed : int
        Seed of the outcomes.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> noise = NoiseModel(t1=20e-6, t2=20e-6)
    >>> run = memory_fidelity(ansatz.paper(), [[0.5, 1.0, 0.5]], [[1.0]] * 5, noise, seed=1)
    >>> run.purity.shape, run.impossible
    ((5, 1), 0)
    """

    fidelity: Array
    purity: Array
    entropy: Array
    spikes: Array
    impossible: int
    seed: int

    def __repr__(self) -> str:
        return (
            f"<MemoryFidelity: shape {self.fidelity.shape}, "
            f"mean fidelity {self.fidelity.mean():.4f}, purity {self.purity.mean():.4f}, "
            f"entropy {self.entropy.mean():.4f} bit, seed {self.seed}>"
        )


def memory_fidelity(
    ansatz: Ansatz,
    theta: Any,
    currents: Any,
    noise: NoiseModel | NoisePerNeuron,
    *,
    seed: int | None = None,
) -> MemoryFidelity:
    r"""Return how far noise takes the memories from where the same outcomes would have led them.

    The noisy population runs and reports ``s_1 .. s_T``; its noiseless twin gets the same currents
    and is clamped to the same outcomes:

    .. math:: F_t = F(\rho_t^\mathrm{noisy}(s_{1..t}),\ \rho_t^\mathrm{noiseless}(s_{1..t})) .

    An outcome of probability zero in the noiseless twin (a readout error can report one) leaves
    that twin in its unconditional state; ``impossible`` counts them.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    theta : array_like, shape (K, n_params)
        Angles in radians.
    currents : array_like, shape (T, *batch, K) or (T, *batch, K, io_qubits)
        Input currents z.
    noise : NoiseModel, or a list of one per neuron
        Noise of the noisy population.
    seed : int, optional
        Seed of the outcomes; None draws one.

    Returns
    -------
    MemoryFidelity

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> noise = NoiseModel(t1=20e-6, t2=20e-6)
    >>> run = memory_fidelity(ansatz.paper(), [[0.5, 1.0, 0.5]], [[1.0]] * 5, noise, seed=1)
    >>> run.fidelity.shape, bool((run.fidelity < 1).all())
    ((5, 1), True)
    """
    check_instance("ansatz", ansatz, Ansatz)
    if noise is None:
        raise ArgumentTypeError("noise", "must be a NoiseModel, or a list of one per neuron.")
    given = check_noise("noise", noise, None)
    seed = check_seed("seed", seed)
    z = check_real("currents", currents)
    channels = 0 if ansatz.io_qubits == 1 else 1
    if z.ndim < 2 + channels:
        raise ArgumentValueError(
            "currents",
            "must have shape (T, *batch, K)"
            f"{' + (io_qubits,)' if channels else ''}, but has shape {z.shape}.",
        )
    batch = z.shape[1 : z.ndim - 1 - channels]
    rows = len(theta) if np.ndim(theta) else 1
    own = check_noise("noise", given, rows)
    backend = exact_backend(ansatz, own, rows, mixed=True)
    check_exact(ansatz, own, rows=rows, backend=backend)
    options: Any = {"batch": batch, "seed": seed, "backend": backend}
    noisy, twin = (Population(ansatz, theta, noise=each, **options) for each in (own, None))
    run = noisy.run(z, record=("memory",))
    # Clamped to the noisy neuron's spikes: both memories are conditioned on the same record.
    ideal = twin.run(z, run.spikes, record=("memory",))
    return MemoryFidelity(
        fidelity=fidelity(run.memory, ideal.memory),
        purity=purity(run.memory),
        entropy=entropy(run.memory),
        spikes=run.spikes,
        impossible=twin.floor_hits,
        seed=seed,
    )
