"""The steps of a population that makes one at a time, with what does not change made ready.

:meth:`~lava_sqs.Population.step` looks at its arguments and makes views and copies of the state,
which takes longer than ten neurons do. A Lava model knows what it gives and what it reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_real
from lava_sqs.quantum.engines.instrument import InstrumentEngine
from lava_sqs.quantum.kernels.step import inspect_angles, scaled_step
from lava_sqs.quantum.population import Population
from lava_sqs.quantum.scores.online import OnlineScores

__all__ = ["OneStep", "set_angles"]

Array = NDArray[Any]
_FLOAT = np.dtype(np.float64)


class OneStep:
    """``Population.step``, with the same numbers, draws, counts and warnings.

    Parameters
    ----------
    population : Population
        A population with compiled instruments. Whatever else is done to it holds for the next step.
    shape, neurons : tuple of int
        Shapes of the channels and of the neurons, of what is returned and can be read.

    Attributes
    ----------
    z, p_spike, likelihood, memory : ndarray
        Currents, probabilities, likelihoods and memories of the last step, shapes (1, B, K, N),
        *shape*, *neurons* and ``(*neurons, 4**memory_qubits)``: views that the next step changes.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> population = Population(ansatz.paper(), size=4, seed=1)
    >>> OneStep(population, (2, 2), (2, 2))(np.full((2, 2), 0.5), 1.0, np.zeros((2, 2))).shape
    (2, 2)
    """

    def __init__(
        self, population: Population, shape: tuple[int, ...], neurons: tuple[int, ...]
    ) -> None:
        engine = population._engine
        assert isinstance(engine, InstrumentEngine)
        self._population, self._engine, self._shape = population, engine, shape
        self._eta, self._floor = engine._eta, engine._floor
        self.z = np.empty(population._p_spike.shape)
        self.p_spike = population._p_spike.reshape(shape)
        self.likelihood = population._likelihood.reshape(neurons)
        self.memory = engine.memory.reshape(*neurons, -1)

    @classmethod
    def of(
        cls, population: Population, shape: tuple[int, ...], neurons: tuple[int, ...]
    ) -> OneStep | None:
        """Return one, or None if the population has no compiled instruments.

        Parameters
        ----------
        population, shape, neurons
            See the class.
        """
        compiled = isinstance(population._engine, InstrumentEngine)
        return cls(population, shape, neurons) if compiled else None

    def __call__(self, a: Array, scale: float, bias: Array, clamp: Array | None = None) -> Array:
        """Make a step with the currents ``scale * a + bias``.

        Parameters
        ----------
        a : ndarray of float64
            As many numbers as there are channels.
        scale : float
            Times *a*.
        bias : ndarray of float64
            For every channel, or for those of each batch entry.
        clamp : ndarray of int64, shape (1, B, K), optional
            Indices of the outcomes, -1 where they are drawn.

        Returns
        -------
        ndarray of int32
            The reported spikes.

        Raises
        ------
        ValueError
            If a current is NaN or infinite.
        """
        population, engine, z = self._population, self._engine, self.z
        if a.dtype != _FLOAT:
            a = a.astype(_FLOAT)
        spikes = np.empty(z.shape, np.int32)
        wraps, hits = scaled_step(
            engine._effects,
            engine._blocks,
            a.reshape(-1),
            scale,
            bias.reshape(-1),
            z,
            self._eta,
            # Drawn in every step, clamped or not: one uniform per neuron, in C order, as
            # Population.step does, so that one seed gives one spike train whichever way the steps
            # are made.
            population._rng.random(out=population._uniforms),
            population._no_clamp if clamp is None else clamp,
            engine._memory,
            self._floor,
            spikes,
            population._p_spike,
            population._likelihood,
            population._no_memory,
        )
        if wraps:
            # The kernel's sign for NaN or infinity. check_real raises with the place of the number;
            # by then the uniforms of this step are spent.
            if wraps < 0:
                check_real("currents", z.reshape(self._shape))
            population._wraps.add(wraps)
        if hits:
            population.floor_hits += hits
        return spikes.reshape(self._shape)


def set_angles(population: Population, theta: Array, scores: OnlineScores) -> None:
    """Give a population new angles, and the scores of its steps, with one build of instruments.

    Parameters
    ----------
    population : Population
        Gets the angles as by assigning to its `theta`.
    theta : ndarray, shape (K, n_params)
        Angles in radians.
    scores : OnlineScores
        Get the angles as by ``scores.set_theta(theta)``.

    Raises
    ------
    ValueError
        If an angle is NaN or infinite.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> from lava_sqs.quantum.program import compile_program
    >>> population = Population(ansatz.paper(), size=4, seed=1)
    >>> scores = OnlineScores(compile_program(ansatz.paper()), population.theta, size=4)
    >>> set_angles(population, population.theta + 0.1, scores)
    """
    engine = population._engine
    if not inspect_angles(theta)[0]:
        check_real("theta", theta)
    scores.set_theta(theta)
    made = scores.instruments
    # take() says no where it cannot use these arrays (another precision or layout): build again.
    if made is not None and isinstance(engine, InstrumentEngine) and engine.take(theta, made):
        population._theta = theta.copy()
    else:
        population.theta = theta
