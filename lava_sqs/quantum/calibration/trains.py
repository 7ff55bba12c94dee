"""Spike trains of known neurons, and their exact log-likelihood under any noise."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_real, describe
from lava_sqs._errors import ArgumentValueError
from lava_sqs._wraps import WrapWarning
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.engines.choose import check_exact_backend, exact_backend
from lava_sqs.quantum.noise import NoiseModel
from lava_sqs.quantum.population import Population
from lava_sqs.quantum.scores.online import EXACT_FLOOR

__all__: list[str] = []

Array = NDArray[Any]


class Trains:
    """Recorded trains; equal ones, of one neuron under equal currents, are kept once.

    Parameters
    ----------
    trains : array_like of 0 and 1, shape (samples, T[, K][, io_qubits])
        What neurons reported.
    currents : array_like, shape like *trains*, or without the samples
        What they received.
    ansatz : Ansatz
        Their circuit.
    theta : array_like, shape (n_params,) or (K, n_params)
        Their angles.
    backend : str, optional
        Engine of the likelihood.

    Attributes
    ----------
    weights : ndarray, shape (B, K)
        How often each train that is kept was seen.
    n_trains, n_steps : int
        Numbers of trains, and of their steps in all.
    evaluations : int
        Models whose likelihood was asked for.
    """

    def __init__(
        self, trains: Any, currents: Any, ansatz: Any, theta: Any, backend: str | None = None
    ) -> None:
        self.ansatz: Ansatz = check_instance("ansatz", ansatz, Ansatz)
        angles = check_real("theta", theta)
        self._single = angles.ndim == 1
        ansatz.check_theta(angles, leading=() if self._single else ("K",))
        self.theta = np.atleast_2d(angles)
        if not len(self.theta):
            raise ArgumentValueError("theta", "must have at least one neuron, but has none.")
        self._backend = backend
        spikes, z = self._laid_out(trains, currents)
        self.n_trains = spikes.shape[0] * spikes.shape[2]
        self.n_steps = self.n_trains * spikes.shape[1]
        self.samples = spikes.shape[0]
        self.evaluations = 0
        self._keep(spikes, z)

    def _laid_out(self, trains: Any, currents: Any) -> tuple[Array, Array]:
        """Return trains and currents as arrays (samples, T, K, io_qubits)."""
        n_io, K = self.ansatz.io_qubits, len(self.theta)
        tail: tuple[int, ...] = () if self._single else (K,)
        tail += () if n_io == 1 else (n_io,)
        names = ", ".join(["samples, T", *([] if self._single else ["K"])])
        wanted = f"({names}{', io_qubits' if n_io > 1 else ''})"
        found = check_real("trains", trains)
        if not ((found == 0) | (found == 1)).all():
            raise ArgumentValueError(
                "trains", f"must hold 0 and 1 only, but got {describe(trains)}."
            )
        shape = found.shape
        if n_io == 1 and found.ndim == 3 + len(tail) and shape[-1] == 1:
            shape = shape[:-1]  # as devices return them: the io qubit's axis
        if len(shape) != 2 + len(tail) or shape[2:] != tail:
            raise ArgumentValueError(
                "trains",
                f"must have shape {wanted}, here (samples, T{''.join(f', {n}' for n in tail)}), "
                f"but has shape {found.shape}.",
            )
        if not shape[0] or not shape[1]:
            raise ArgumentValueError(
                "trains", f"must hold at least one train of one step, but has shape {found.shape}."
            )
        z = check_real("currents", currents)
        if z.shape not in (found.shape, shape, found.shape[1:], shape[1:]):
            raise ArgumentValueError(
                "currents",
                f"must have the shape {found.shape} of `trains`, or {found.shape[1:]} if all "
                f"samples had the same, but has shape {z.shape}.",
            )
        own = z.shape in (found.shape, shape)
        # A view: currents that all samples share are not copied samples times.
        full = (*shape[:2], K, n_io)
        z = np.broadcast_to(z.reshape(full if own else full[1:]), full)
        return found.reshape(full).astype(np.int64), z

    def _keep(self, spikes: Array, z: Array) -> None:
        samples, _, K, _ = spikes.shape
        z = np.maximum(z, 0.0)  # what is not positive applies no gate
        kept = []
        for k in range(K):
            rows = np.concatenate([z[:, :, k], spikes[:, :, k]], axis=2).reshape(samples, -1)
            rows = np.ascontiguousarray(rows)
            # A row as one opaque item, which np.unique sorts faster than rows by axis=0. Rows are
            # compared by their bytes, so a -0.0 could at worst keep a duplicate.
            whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
            # The likelihood of a train depends on nothing else, so equal ones need it once. At few
            # steps and shared currents thousands of shots fall on some dozens of trains.
            kept.append(np.unique(whole, return_index=True, return_inverse=True))
        most = max(len(first) for _, first, _ in kept)
        self.weights = np.zeros((most, K))
        self.where = np.empty((samples, K), np.int64)
        self.first = np.zeros((most, K), np.int64)  # what is missing is sample 0, of no weight
        for k, (_, first, inverse) in enumerate(kept):
            self.first[: len(first), k] = first
            self.where[:, k] = inverse.reshape(-1)
            self.weights[:, k] = np.bincount(self.where[:, k], minlength=most)
        self._spikes = self._picked(spikes)
        self._z = self._picked(z)

    def _picked(self, values: Array) -> Array:
        """Return (T, B, K[, io]) of the trains that are kept."""
        rows = [values[self.first[:, k], :, k] for k in range(values.shape[2])]
        picked = np.ascontiguousarray(np.stack(rows, axis=2).swapaxes(0, 1))
        return picked[..., 0] if picked.shape[-1] == 1 else picked

    def per_step(self, noise: NoiseModel) -> Array:
        """Return log p of each step of the trains that are kept, shape (T, B, K)."""
        self.evaluations += 1
        backend = self._backend
        if backend is None:
            backend = exact_backend(self.ansatz, noise, len(self.theta))
        check_exact_backend(self.ansatz, noise, backend)
        population = Population(
            self.ansatz,
            self.theta,
            batch=(self._spikes.shape[1],),
            noise=noise,
            seed=0,  # nothing is drawn: every outcome is clamped
            backend=backend,
        )
        with warnings.catch_warnings():  # a device may have been given any angle
            warnings.simplefilter("ignore", WrapWarning)
            result = population.run(self._z, self._spikes, record=("log_likelihood",))
        assert result.log_likelihood is not None
        return result.log_likelihood

    def log_likelihoods(self, noise: NoiseModel) -> Array:
        """Return log P of the trains that are kept, shape (B, K)."""
        return np.asarray(self.per_step(noise).sum(axis=0))

    def impossible(self, noise: NoiseModel) -> tuple[int, int] | None:
        """Return sample and step of the first spike that has no probability; None if all have."""
        steps, rows, k = np.nonzero(
            # Engines floor p at EXACT_FLOOR; the factor 2 leaves room for rounding.
            (self.per_step(noise) <= np.log(2 * EXACT_FLOOR)) & (self.weights > 0)
        )
        if not len(steps):
            return None
        samples = self.first[rows, k]
        i = int(np.lexsort((steps, samples))[0])
        return int(samples[i]), int(steps[i])


def log_likelihood(
    noise: NoiseModel,
    trains: Any,
    currents: Any,
    *,
    ansatz: Ansatz,
    theta: Any,
    backend: str | None = None,
) -> Array:
    """Return what ``NoiseModel.log_likelihood`` returns."""
    data = Trains(trains, currents, ansatz, theta, backend)
    each = np.take_along_axis(data.log_likelihoods(noise), data.where, axis=0)
    return each[:, 0] if data._single else each
