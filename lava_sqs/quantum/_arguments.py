"""What a population is given, checked: sizes, angles, outcomes and random numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import (
    check_array,
    check_bytes,
    check_int,
    check_items,
    check_real,
    check_shape,
    describe,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron

__all__: list[str] = []

Array = NDArray[Any]


def check_uniforms(uniforms: Any, shape: tuple[int, ...]) -> Array:
    """Return random numbers that decide outcomes: of *shape*, in [0, 1)."""
    u = uniforms
    # The usual array passes with one sum; the long check says what is wrong with all others.
    if type(u) is not np.ndarray or u.dtype != np.float64 or not np.isfinite(u.sum()):
        u = check_real("uniforms", u)
    check_shape("uniforms", u, shape)
    if u.min(initial=0) < 0 or u.max(initial=0) >= 1:
        raise ArgumentValueError(
            "uniforms", f"must lie in [0, 1), but has values from {u.min()} to {u.max()}."
        )
    return np.ascontiguousarray(u)


def check_currents(currents: Any, expected: tuple[Any, ...], n_io: int) -> Array:
    """Return real currents of shape *expected*, or with an axis of *n_io* channels more.

    An array of the right kind comes back as it is, and may hold NaN: who reads it looks for that.
    """
    z: Array = currents
    if type(z) is not np.ndarray or z.dtype != np.float64:
        z = check_real("currents", z)
    if n_io == 1 and z.shape == expected:  # every step of a population comes here
        return z
    per_channel = n_io > 1 or z.ndim == len(expected) + 1
    return check_shape("currents", z, (*expected, n_io) if per_channel else expected)


def check_outcome(outcome: Any, expected: tuple[int, ...], n_io: int) -> Array:
    """Return clamped outcomes (*expected, n_io): whole numbers of the right shape."""
    bits = check_array("outcome", outcome)
    if bits.dtype.kind not in "biu" and not (
        bits.dtype.kind == "f" and np.isin(bits, (-1, 0, 1)).all()
    ):
        raise ArgumentTypeError(
            "outcome", f"must hold integers -1, 0 or 1, but got {describe(outcome)}."
        )
    per_channel = n_io > 1 or bits.ndim == len(expected) + 1
    check_shape("outcome", bits, (*expected, n_io) if per_channel else expected)
    return bits.astype(np.int64).reshape(*expected, n_io)


def outcome_index(bits: Array) -> Array:
    """Return the outcomes (...) of clamped channels (..., N): an index, or -1 where they are free.

    Channel 0 is the most significant bit.
    """
    if bits.min(initial=0) < -1 or bits.max(initial=0) > 1:
        raise ArgumentValueError(
            "outcome",
            f"must hold -1 (free), 0 or 1, but has values from {bits.min()} to {bits.max()}.",
        )
    n_io = bits.shape[-1]
    if n_io == 1:
        return np.ascontiguousarray(bits[..., 0], dtype=np.int64)
    # One measurement has one outcome for all io qubits: a part of it cannot be clamped by itself.
    free = (bits == -1).any(axis=-1)
    if (free != (bits == -1).all(axis=-1)).any():
        raise ArgumentValueError(
            "outcome",
            "must clamp all io qubits of a neuron or none of them, but "
            "some neurons mix -1 with 0 or 1.",
        )
    return np.ascontiguousarray(np.where(free, -1, bits @ (1 << np.arange(n_io)[::-1])))


def check_batch(batch: Any) -> tuple[int, ...]:
    """Return the leading axes of a state: a number or up to 16 of them."""
    single = isinstance(batch, (int, np.integer)) and not isinstance(batch, bool)
    axes = check_items("batch", (batch,) if single else batch)
    if len(axes) > 16:
        raise ArgumentValueError("batch", f"must have at most 16 axes, but has {len(axes)}.")
    return tuple(check_int("batch", n, minimum=0) for n in axes)


def initial_theta(
    ansatz: Ansatz,
    theta: Any,
    size: int | None,
    rng: np.random.Generator,
    noise: NoiseModel | NoisePerNeuron | None = None,
) -> tuple[Array, int]:
    """Return the angles (K, P), drawn by *rng* if there are none, and the size K.

    A *noise* per neuron says how many there are, if nothing else does.
    """
    if size is None and isinstance(noise, NoisePerNeuron) and np.ndim(theta) < 2:
        size = len(noise)
    if size is not None:
        size = check_int("size", size, minimum=1)
        check_bytes("size", 8 * size * max(ansatz.n_params, 1))
    if theta is None:
        if size is None:
            raise ArgumentValueError("size", "must be given when `theta` is None.")
        return rng.uniform(-np.pi, np.pi, (size, ansatz.n_params)), size
    angles = check_real("theta", theta)
    if angles.ndim == 1:
        if size is None:
            raise ArgumentValueError(
                "size",
                f"must be given when `theta` has shape ({ansatz.n_params},): how "
                "many neurons share it?",
            )
        return np.tile(ansatz.check_theta(angles), (size, 1)), size
    ansatz.check_theta(angles, leading=("K" if size is None else size,))
    if angles.shape[0] == 0:
        raise ArgumentValueError("theta", "must have at least one row, but has none.")
    return angles, angles.shape[0]


def flat_index(index: Any, shape: tuple[int, ...]) -> int:
    """Return the place in C order of the one neuron that *index* picks of *shape*."""
    where = np.arange(math.prod(shape)).reshape(shape)
    try:
        flat = where[index]
    except IndexError as error:
        raise IndexError(
            f"Argument `index` must address axes {shape}, but got {index!r}."
        ) from error
    if np.ndim(flat) != 0:
        raise ArgumentValueError("index", f"must pick one neuron of {shape}, but got {index!r}.")
    return int(flat)
