"""All that a population continues from, as plain arrays: read, set, saved and restored.

Keys of the mapping, which a file has as well:

=================  ===========================================================================
``format``         version of this table, ``"1"``
``configuration``  JSON text: what a population must have been made of to take the state
``seed``           the seed, as text
``theta``          angles (K, n_params)
``memory``         (*batch, K, ...): Pauli vectors (``instrument``, ``density``), real and imaginary
                   parts of states (``trajectory``), density matrices (``qutip``)
``p_spike``,       of the last step, (*batch, K, io_qubits) and (*batch, K), the latter empty where
``likelihood``     there is none
``outcomes``,      the random generators (PCG64) of outcomes and, of ``trajectory``, of errors: six
``errors``         numbers, state and increment in halves, and what is left of a draw of 32 bits
``counters``       ``wraps`` and ``floor_hits``
=================  ===========================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._npz import read_arrays, write_arrays

__all__ = ["Checkpoints"]

Array = NDArray[Any]

_FORMAT = "1"
_HALF = 2**64 - 1


class Checkpoints:
    """What a :class:`~lava_sqs.Population` has to continue later from where it is.

    Examples
    --------
    >>> from lava_sqs.quantum import Population, ansatz
    >>> one = Population(ansatz.paper(), size=3, seed=1)
    >>> two = Population(ansatz.paper(), size=3, seed=2)
    >>> two.state = one.state
    >>> bool((one.step([0.5] * 3) == two.step([0.5] * 3)).all())
    True
    """

    @property
    def state(self: Any) -> dict[str, Array]:
        """All that the population continues from, a copy: plain arrays by name.

        Angles, memories, the last step's probabilities, generators, seed and counters. Assigned to
        a population of the same circuit, noise, size, batch, precision and backend, which
        may have other angles and another seed, the next steps have the same bits as here. A state
        of another configuration is refused, by the name of what differs.
        """
        engine, shape = self._engine, (*self._batch, self._size)
        errors = getattr(engine, "_rng", None)
        memory = engine.raw
        return {
            "format": np.array(_FORMAT),
            "configuration": np.array(json.dumps(_configuration(self))),
            "seed": np.array(str(self._seed)),
            "theta": self._theta.copy(),
            "memory": memory.reshape(*shape, *memory.shape[2:]).copy(),
            "p_spike": self._p_spike[0].reshape(*shape, -1).copy(),
            "likelihood": self._likelihood.reshape(-1, *shape)[0].copy()
            if len(self._likelihood)
            else np.empty(0),
            "outcomes": _numbers(self._rng),
            "errors": np.empty(0, np.uint64) if errors is None else _numbers(errors),
            "counters": np.array([self._wraps.count, self.floor_hits]),
        }

    @state.setter
    def state(self: Any, state: Any) -> None:
        now = self.state
        new = _checked(state, now)
        engine = self._engine
        engine.set_raw(new["memory"].reshape(engine.raw.shape))  # raises if they are no states
        changed = (new["theta"] != self._theta).any(axis=1)
        if changed.any():
            self._theta = new["theta"]
            engine.set_theta(self._theta, changed)
        self._seed = int(str(new["seed"]))
        self._p_spike[0] = new["p_spike"].reshape(self._p_spike.shape[1:])
        self._likelihood[:] = new["likelihood"].reshape(self._likelihood.shape)
        _set_numbers(self._rng, new["outcomes"])
        if len(new["errors"]):
            _set_numbers(engine._rng, new["errors"])
        self._wraps.count, self.floor_hits = map(int, new["counters"])

    def save_state(self, path: str | Path) -> None:
        """Write `state` into a file.

        Parameters
        ----------
        path : str or Path
            An npz; the old file stays until the new one is complete.

        Raises
        ------
        OSError
            If it cannot be written.

        Examples
        --------
        >>> import os, tempfile
        >>> from lava_sqs.quantum import Population, ansatz
        >>> population = Population(ansatz.paper(), size=3, seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     population.save_state(os.path.join(folder, "state.npz"))
        ...     population.load_state(os.path.join(folder, "state.npz"))
        """
        write_arrays(path, self.state)

    def load_state(self, path: str | Path) -> None:
        """Set `state` from a file of :meth:`save_state`.

        Parameters
        ----------
        path : str or Path
            Path of the file.

        Raises
        ------
        FileNotFoundError, IsADirectoryError, OSError
            If it cannot be read.
        ValueError
            If it is damaged, or of a population of another configuration.
        """
        self.state, _ = read_arrays(path, what="the state of a population")


def _configuration(population: Any) -> dict[str, str]:
    """Return what must be the same, in words; circuits and noise with a hash of all they are."""
    circuit, noise = population._ansatz, population._noise
    gates = [
        [g.name, g.qubits, g.param, g.angle, g.digest, None if g.table is None else g.table.kind]
        + ([g.scale, g.offset] if g.is_affine else [])
        for g in circuit.gates
    ]
    return {
        "ansatz": f"{circuit!r} {_hash(gates)}",
        "noise": "None" if noise is None else f"{noise} {_hash(noise.to_dict())}",
        "size": str(population._size),
        "batch": str(population._batch),
        "dtype": str(population._dtype),
        "backend": population._backend,
    }


def _hash(plain: Any) -> str:
    text = json.dumps(plain, sort_keys=True, default=lambda x: np.asarray(x).tolist())
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _numbers(rng: np.random.Generator) -> Array:
    all_: Any = rng.bit_generator.state
    large = (all_["state"]["state"], all_["state"]["inc"])
    # PCG64 has two numbers of 128 bits; NumPy's widest integer has 64.
    halves = [half for number in large for half in (number >> 64, number & _HALF)]
    return np.array([*halves, all_["has_uint32"], all_["uinteger"]], dtype=np.uint64)


def _set_numbers(rng: np.random.Generator, numbers: Array) -> None:
    a, b, c, d, has, left = map(int, numbers)
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": (a << 64) | b, "inc": (c << 64) | d},
        "has_uint32": has,
        "uinteger": left,
    }


def _checked(state: Any, now: dict[str, Array]) -> dict[str, Array]:
    """Return copies of the arrays of *state*, if they fit where those of *now* are."""
    if not isinstance(state, Mapping):
        raise ArgumentTypeError(
            "state", f"must be what `state` of a population was, but got {describe(state)}."
        )
    missing = sorted(set(now) - set(state))
    if missing:
        raise ArgumentValueError(
            "state", f"must be what `state` of a population was, but has no {', '.join(missing)}."
        )
    try:
        new = {name: np.array(state[name]) for name in now}
    except (ValueError, TypeError, OverflowError) as error:
        raise ArgumentValueError("state", f"must hold arrays, but: {error}.") from error
    if str(new["format"]) != _FORMAT:
        raise ArgumentValueError(
            "state", f"must have format {_FORMAT}, but has {str(new['format'])!r}."
        )
    try:
        theirs = dict(json.loads(str(new["configuration"])))
    except (ValueError, TypeError, RecursionError) as error:
        raise ArgumentValueError("state", "has a `configuration` that is no JSON.") from error
    ours = json.loads(str(now["configuration"]))
    differing = [
        f"{name} ({theirs.get(name)} there, {value} here)"
        for name, value in ours.items()
        if theirs.get(name) != value
    ]
    if differing:
        raise ArgumentValueError(
            "state",
            "must be of a population of the same configuration, but differs in "
            f"{', '.join(differing)}.",
        )
    for name, array in new.items():
        if name in ("format", "configuration"):
            continue
        want = now[name]
        text = name == "seed"
        if array.shape != want.shape or (array.dtype != want.dtype and not text):
            raise ArgumentValueError(
                "state",
                f"must hold `{name}` as {want.dtype} of shape {want.shape}, but holds "
                f"{array.dtype} of shape {array.shape}.",
            )
    for name in ("theta", "memory"):
        if not np.isfinite(new[name]).all():
            raise ArgumentValueError("state", f"must hold finite numbers in `{name}`.")
    if not str(new["seed"]).isdecimal():
        raise ArgumentValueError("state", "must hold a whole number as `seed`.")
    if (new["counters"] < 0).any():
        raise ArgumentValueError("state", "must hold `counters` from 0.")
    for name in ("outcomes", "errors"):
        # The increment of PCG64 is odd: an even one is no generator's.
        *_, low, has, left = map(int, new[name]) if len(new[name]) else (1, 0, 0)
        if low % 2 == 0 or has > 1 or left >= 2**32:
            raise ArgumentValueError("state", f"must hold a generator's numbers in `{name}`.")
    return new
