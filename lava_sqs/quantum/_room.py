"""One question before anything large is made: whether there is room for it.

Compiled instruments have ``6**io_qubits * 16**memory_qubits`` numbers, their gradients many times
as many. What is asked for is counted here in bytes, with the work space, before it is made.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import memory_limit

if TYPE_CHECKING:
    from lava_sqs.quantum.ansatz import Ansatz
    from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron

__all__ = [
    "check_compiled",
    "check_density_scores",
    "check_literal",
    "check_pure_scores",
    "check_room",
    "check_scores",
    "compiled_bytes",
    "compiled_limit",
    "density_bytes",
    "instrument_bytes",
    "literal_bytes",
]


def compiled_limit() -> int:
    """Return the bytes that compiled neurons may take: beyond 2 GiB they take minutes as well."""
    return min(memory_limit(), 2 * 2**30)


def check_room(what: str, n_bytes: float, limit: int, advice: str) -> None:
    """Raise unless *what*, named with its value, fits into *limit*.

    Parameters
    ----------
    what : str
        The argument and its value, and what it is for.
    n_bytes : float
        What it needs.
    limit : int
        What it may take, in bytes.
    advice : str
        What fits, as a sentence.

    Raises
    ------
    ValueError
        If *n_bytes* is above *limit*.

    Examples
    --------
    >>> check_room("`memory_qubits` = 9", 2e12, 2 * 10**9, "Use at most 6 memory qubits.")
    Traceback (most recent call last):
    ...
    ValueError: `memory_qubits` = 9 needs 2e+03 GB; the limit is 2 GB. Use at most 6 memory qubits.
    """
    if not n_bytes <= limit:
        raise ValueError(
            f"{what} needs {n_bytes / 1e9:.3g} GB; the limit is {limit / 1e9:.3g} GB. {advice}"
        )


#: What a call may be expected to take, if nothing about it can be interrupted or made cheaper.
MOST_SECONDS = 120.0


def check_time(what: str, seconds: float, advice: str) -> None:
    """Raise unless *what*, named with its value, is done in some two minutes.

    The arguments are those of :func:`check_room`, with *seconds* of about one core.

    Raises
    ------
    ValueError
        If it takes longer.

    Examples
    --------
    >>> check_time("`max_delay` = 20", 4e4, "Use a smaller one.")
    Traceback (most recent call last):
    ...
    ValueError: `max_delay` = 20 takes about 4e+04 s; the limit is 120 s. Use a smaller one.
    """
    if not seconds <= MOST_SECONDS:
        raise ValueError(
            f"{what} takes about {seconds:.3g} s; the limit is {MOST_SECONDS:.0f} s. {advice}"
        )


def instrument_bytes(ansatz: Ansatz, dtype: Any = np.float64) -> int:
    """Return the bytes of one neuron's instrument, ``2**N_I * 3**N_I * 16**N_M`` numbers.

    The circuit *ansatz* gives the sizes, *dtype* the bytes of a number.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> instrument_bytes(ansatz.layered(1, 1)), instrument_bytes(ansatz.layered(1, 2))
    (768, 12288)
    """
    io, memory = ansatz.io_qubits, ansatz.memory_qubits
    return int(6**io * 16**memory * np.dtype(dtype).itemsize)


def _models(noise: Any) -> tuple[Any, ...]:
    """Return the models that differ, of neurons with one noise or one each."""
    return getattr(noise, "models", (noise,))


def _register_bytes(ansatz: Ansatz) -> int:
    """Return the bytes of a register whose columns are all that an instrument can be given."""
    return int(8 * 12**ansatz.io_qubits * 16**ansatz.memory_qubits)


def compiled_bytes(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None,
    size: int = 0,
    dtype: Any = np.float64,
) -> int:
    """Return the bytes that it takes to compile *size* neurons and to hold them.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> [compiled_bytes(ansatz.layered(1, m), None, 1) // 10**6 for m in (4, 5, 6)]
    [26, 419, 6710]
    """
    io, memory = ansatz.io_qubits, ansatz.memory_qubits
    effects = 8 * 8**io * 16**memory  # how the outcomes are read from the register
    models = _models(noise)
    given = max(
        sum(16 * 16**c.n_qubits for c in (model.channels if model else ())) for model in models
    )
    matrices = 8 * sum(16 ** len(g.qubits) for g in ansatz.gates if g.name == "U")
    waiting = 0 if noise is None else 24 * 16**memory
    made = 3 * _register_bytes(ansatz) + effects + waiting + 6 * (given + matrices)
    made += 2 * (len(models) - 1) * (effects + _register_bytes(ansatz) + given)  # each, stacked
    return int(made + size * instrument_bytes(ansatz, dtype))


def fewer_qubits(
    memory_qubits: int, n_bytes: float, limit: int, others: str, growth: int = 16
) -> str:
    """Return the advice for what grows at least *growth* times with each memory qubit."""
    fitting = memory_qubits - math.ceil(math.log(n_bytes / limit, growth)) if n_bytes > limit else 0
    return f"Use at most {fitting} memory qubits, or {others}." if fitting > 0 else f"Use {others}."


# Where the samples that go side by side through the gates no longer fit together.
LANES_LIMIT = 2**27
# Scores gate by gate: beyond this a step of one neuron takes half a second.
_SCORES_LIMIT = 2**28
# The same of pure states.
_PURE_LIMIT = 2**28


def density_bytes(
    ansatz: Ansatz, noise: NoiseModel | NoisePerNeuron | None, registers: int = 2
) -> float:
    """Return the bytes of a neuron that goes gate by gate: work space and shared tables.

    *registers* is how many of ``4**n_qubits`` numbers are held at a time.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> [round(density_bytes(ansatz.layered(1, m), None) / 1e6, 1) for m in (4, 8)]
    [0.1, 21.0]
    """
    register = 8.0 * 4**ansatz.n_qubits
    side_by_side = 4 * registers * register
    work = side_by_side if side_by_side <= LANES_LIMIT else registers * register
    # Of matrices on more than two qubits: all entries, and what is made on the way.
    models = _models(noise)
    wide = [c.n_qubits for model in models for c in (model.channels if model else ())]
    wide += len(models) * [len(g.qubits) for g in ansatz.gates if len(g.qubits) > 2]
    return float(work + 2 * len(models) * register + sum(160.0 * 16**k for k in wide))


def map_bytes(ansatz: Ansatz) -> int:
    """Return the bytes of one neuron's maps, gate by gate, for a circuit *ansatz*.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> map_bytes(ansatz.layered(1, 8)) < 15_000
    True
    """
    numbers = [{1: 16, 2: 64}.get(len(g.qubits), 16 ** len(g.qubits)) for g in ansatz.gates]
    return int(8 * sum(numbers))


def check_density_scores(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None,
    *,
    rows: int,
    steps: int = 0,
    size: int = 0,
    columns: int = 0,
) -> None:
    """Raise unless the scores of neurons that go gate by gate fit.

    Parameters
    ----------
    ansatz, noise
        What the neurons are made of.
    rows : int
        Sets of angles that differ.
    steps : int
        Number of steps of recorded trains, whose memories are kept.
    size : int
        Neurons whose scores are carried along while they run (0: of recorded trains).
    columns : int
        Sensitivities of each of those.

    Raises
    ------
    ValueError
        If they do not fit: with the bytes needed, the limit, and what fits.
    """
    m = ansatz.memory_qubits
    what = (
        f"`memory_qubits` = {m} with `io_qubits` = {ansatz.io_qubits}, exactly and gate by gate "
        f"for {max(rows, size)} neuron(s),"
    )
    registers = len(ansatz.gates) + ansatz.n_qubits + 3  # one of each gate: passes keep fewer
    work, limit = density_bytes(ansatz, noise, registers), min(memory_limit(), _SCORES_LIMIT)
    others = "fewer io qubits, or noise=None and Population with backend='trajectory' to sample"
    check_room(what, work, limit, fewer_qubits(m, work, limit, others, growth=4))
    work += 8.0 * 4**m * (steps + size * (columns + 2)) + 4.0 * rows * map_bytes(ansatz)
    limit = compiled_limit()
    check_room(what, work, limit, fewer_qubits(m, work, limit, "fewer neurons or steps", growth=4))


def check_pure_scores(
    ansatz: Ansatz, *, rows: int, steps: int = 0, size: int = 0, columns: int = 0
) -> None:
    """Raise unless the scores of noiseless neurons fit, whose memories are pure states.

    The arguments are as for :func:`check_density_scores`, *steps* those whose registers are kept.
    """
    m, n = ansatz.memory_qubits, ansatz.n_qubits
    register = 16.0 * 2**n
    what = (
        f"`memory_qubits` = {m} with `io_qubits` = {ansatz.io_qubits}, as pure states and gate by "
        f"gate for {max(rows, size)} neuron(s),"
    )
    # Work space, side by side where that is small, and tables of where groups start.
    work, limit = 30 * register, min(memory_limit(), _PURE_LIMIT)
    work += sum(64.0 * 4 ** len(g.qubits) for g in ansatz.gates if len(g.qubits) > 2)
    others = "fewer io qubits, or Population with backend='trajectory' to sample"
    check_room(what, work, limit, fewer_qubits(m, work, limit, others, growth=2))
    work += register * steps + 16.0 * 2**m * size * (columns + 2) + 4.0 * rows * map_bytes(ansatz)
    limit = compiled_limit()
    check_room(what, work, limit, fewer_qubits(m, work, limit, "fewer neurons or steps", growth=2))


def literal_bytes(ansatz: Ansatz, noise: NoiseModel | NoisePerNeuron | None) -> float:
    """Return the bytes of one neuron written out in QuTiP: with noise, its Lindblad propagator."""
    operators = 16.0 * 4**ansatz.n_qubits * (8 + len(ansatz.gates))
    propagators = 0.0 if noise is None else 160.0 * 16**ansatz.n_qubits
    return float(operators + propagators)


def check_literal(ansatz: Ansatz, noise: NoiseModel | None) -> None:
    """Raise unless one neuron can be written out in QuTiP, with its propagators."""
    check_room(
        f"`memory_qubits` = {ansatz.memory_qubits} with `io_qubits` = {ansatz.io_qubits}, "
        "written out in QuTiP,",
        literal_bytes(ansatz, noise),
        compiled_limit(),
        "Use fewer qubits, or Population with backend='trajectory'.",
    )


def check_compiled(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None,
    size: int = 1,
    dtype: Any = np.float64,
) -> None:
    """Raise unless the instruments of *size* neurons can be compiled and held."""
    need, limit = compiled_bytes(ansatz, noise, size, dtype), compiled_limit()
    check_room(
        f"`memory_qubits` = {ansatz.memory_qubits} with `io_qubits` = {ansatz.io_qubits}, compiled "
        f"for {size} set(s) of angles,",
        need,
        limit,
        fewer_qubits(
            ansatz.memory_qubits,
            need,
            limit,
            "backend='trajectory' of Population (SQS), which has no instruments",
        ),
    )


def check_scores(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None,
    *,
    rows: int,
    size: int = 0,
    window: int = 0,
    derivatives: bool = True,
    operations: int = 0,
) -> None:
    """Raise unless the scores of neurons with *rows* sets of angles fit.

    Parameters
    ----------
    ansatz, noise
        What the neurons are made of.
    rows : int
        Sets of angles that differ.
    size : int
        Neurons whose scores are carried along while they run (0: of recorded trains).
    window : int
        Steps back, of those.
    derivatives : bool
        Whether the instruments' derivatives by each angle are made.
    operations : int
        Number of operations of the compiled program whose steps are kept to go back through them; 0
        keeps none.

    Raises
    ------
    ValueError
        If they do not fit: with the bytes needed, the limit, and what fits.
    """
    register, each = _register_bytes(ansatz), instrument_bytes(ansatz)
    need = float(compiled_bytes(ansatz, noise, 2 * rows))
    if derivatives:
        need += ansatz.n_params * (rows * each + register)
    if operations:
        need += (operations + 3) * register + rows * each
    components = 8.0 * 4**ansatz.memory_qubits
    carried = (ansatz.n_params if derivatives else 0) + (window + 2) * ansatz.io_qubits
    need += size * carried * components
    limit = compiled_limit()
    check_room(
        f"`memory_qubits` = {ansatz.memory_qubits} with `io_qubits` = {ansatz.io_qubits}, scored "
        f"exactly for {max(rows, size)} neuron(s),",
        need,
        limit,
        fewer_qubits(ansatz.memory_qubits, need, limit, "fewer neurons, angles or io qubits"),
    )
