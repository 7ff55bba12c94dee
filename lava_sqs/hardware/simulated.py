"""A stand-in for a device: the neurons of this package behind the method that devices have."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import _seeds
from lava_sqs._checks import check_instance, check_int, check_real, check_shape
from lava_sqs._errors import ArgumentValueError
from lava_sqs._wraps import WrapWarning
from lava_sqs.quantum import NoiseModel, Population
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise.per_neuron import one_noise

__all__ = ["Simulated"]

Array = NDArray[Any]


class Simulated:
    """What a quantum computer would answer if it were exactly its noise model.

    It needs no Qiskit, so that what is meant for a device can be tried, and tested, without one.

    Parameters
    ----------
    noise : NoiseModel, optional
        What disturbs every circuit that it runs; None is noiseless.
    backend : str, optional
        See :class:`~lava_sqs.quantum.Population`.

    Attributes
    ----------
    shots : int
        Runs of a circuit so far.

    Raises
    ------
    TypeError
        If *noise* is not a NoiseModel.

    Examples
    --------
    >>> from lava_sqs import ansatz
    >>> device = Simulated()
    >>> spikes = device.sample(ansatz.paper(), [0.3, 0.2, 0.1], np.ones((50, 4, 1)), seed=0)
    >>> spikes.shape, device.shots
    ((50, 4, 1), 50)
    """

    def __init__(self, noise: NoiseModel | None = None, *, backend: str | None = None) -> None:
        self.noise = one_noise("noise", noise, "All neurons run on the same qubits of a device.")
        self.backend = backend
        self.shots = 0

    def __repr__(self) -> str:
        return f"Simulated({self.noise!r})"

    def sample(
        self, ansatz: Ansatz, theta: Any, currents: Any, *, shots: int = 1, seed: int | None = None
    ) -> Array:
        """Return spikes of neurons that run once, or so many times, from a reset.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit of each of them.
        theta : array_like, shape (n_angles,), (P, n_angles) or (P, T, n_angles)
            Angles of all, of each, or of each in each step.
        currents : array_like, shape (P, T, n_io)
            What arrives.
        shots : int
            How often each of the P runs.
        seed : int, optional
            None draws one.

        Returns
        -------
        ndarray of int8, shape (P, T, n_io), or (P, shots, T, n_io) for several shots

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value.
        """
        check_instance("ansatz", ansatz, Ansatz)
        shots = check_int("shots", shots, minimum=1)
        z = check_real("currents", currents)
        check_shape("currents", z, ("P", "T", ansatz.io_qubits))
        rows, steps, n_io = z.shape
        angles = check_real("theta", theta)
        if angles.ndim < 3:
            shape: tuple[int, ...] = (rows,) * (angles.ndim - 1) + (ansatz.n_params,)
        else:
            shape = (rows, steps, ansatz.n_params)
        check_shape("theta", angles, shape)
        if not rows or not steps:
            raise ArgumentValueError(
                "currents", f"must hold at least one run of one step, but has shape {z.shape}."
            )
        seed = _seeds.check_seed("seed", seed)
        # (P, T, n) -> (T, shots, P, n): sets are neurons, shots are the batch.
        z = np.broadcast_to(z.transpose(1, 0, 2)[:, None], (steps, shots, rows, n_io))
        z = z if n_io > 1 else z[..., 0]
        start = angles if angles.ndim == 2 else angles[:, 0] if angles.ndim == 3 else angles[None]
        population = Population(
            ansatz,
            np.broadcast_to(start, (rows, ansatz.n_params)),
            batch=(shots,),
            noise=self.noise,
            seed=seed,
            backend=self.backend,
        )
        with warnings.catch_warnings():  # a shifted current may pass a full flip, and means it
            warnings.simplefilter("ignore", WrapWarning)
            if angles.ndim == 3:
                spikes = np.empty(z.shape, np.int8)
                for t in range(steps):
                    # Shifted gates differ from step to step: new instruments for each, while the
                    # memory stays.
                    population.theta = angles[:, t]
                    spikes[t] = population.step(z[t])
            else:
                spikes = population.run(z, record=("spikes",)).spikes.astype(np.int8)
        self.shots += rows * shots
        # (T, shots, P, n) -> (P, shots, T, n), as devices return their shots.
        spikes = spikes.reshape(steps, shots, rows, n_io).transpose(2, 1, 0, 3)
        return np.ascontiguousarray(spikes[:, 0] if shots == 1 else spikes)
