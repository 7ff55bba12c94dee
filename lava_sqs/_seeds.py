"""How what callers give as randomness becomes the whole number that a seed is."""

from __future__ import annotations

from typing import Any

import numpy as np

from lava_sqs._checks import check_int


def of_sequence(sequence: np.random.SeedSequence) -> int:
    """Return the seed, below 2**32, that *sequence* stands for."""
    return int(sequence.generate_state(1, np.uint32)[0])


def of_random_state(random_state: Any) -> int:
    """Return the seed of an int, a RandomState (its next draw), or None (drawn)."""
    if random_state is None:
        return of_sequence(np.random.SeedSequence())
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return check_int("random_state", random_state, minimum=0)
