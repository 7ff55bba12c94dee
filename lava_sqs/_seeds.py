"""Every seed and every stream of random numbers: how what callers give becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lava_sqs._checks import check_int

#: What the children of the seed of neurons draw: first angles, outcomes, errors of trajectories.
ANGLES, OUTCOMES, ERRORS = 0, 1, 2


def check_seed(name: str, value: Any) -> int:
    """Return a seed: the integer itself, or a fresh one from the operating system for ``None``."""
    if value is None:
        return of_sequence(np.random.SeedSequence(), np.uint64)
    return check_int(name, value, minimum=0, maximum=None)


def sequence(seed: int | Sequence[int], *key: int) -> np.random.SeedSequence:
    """Return child *key* of *seed*: what ``SeedSequence(seed).spawn(...)[key]`` is.

    Examples
    --------
    >>> sequence(5, 1).generate_state(1) == np.random.SeedSequence(5).spawn(2)[1].generate_state(1)
    array([ True])
    """
    return np.random.SeedSequence(seed, spawn_key=key)


def stream(seed: int | Sequence[int], *key: int) -> np.random.Generator:
    """Return the generator of child *key* of *seed*."""
    return np.random.default_rng(sequence(seed, *key))


def of_sequence(sequence: np.random.SeedSequence, dtype: type = np.uint32) -> int:
    """Return the seed, below 2**32 (or 2**64, in *dtype*), that *sequence* stands for."""
    return int(sequence.generate_state(1, dtype)[0])


def of_random_state(random_state: Any) -> int:
    """Return the seed of an int, a RandomState (its next draw), or None (drawn)."""
    if random_state is None:
        return of_sequence(np.random.SeedSequence())
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return check_int("random_state", random_state, minimum=0)
