"""Which engine a population gets, and whether there is room for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import check_choice, memory_limit
from lava_sqs._errors import ArgumentValueError
from lava_sqs.quantum._room import (
    check_compiled,
    check_density_scores,
    check_pure_scores,
    check_room,
    check_scores,
    compiled_bytes,
    compiled_limit,
    density_bytes,
    fewer_qubits,
    instrument_bytes,
    literal_bytes,
    map_bytes,
)
from lava_sqs.quantum.ansatz import Ansatz
from lava_sqs.quantum.density import DensityProgram
from lava_sqs.quantum.engines.base import Engine
from lava_sqs.quantum.engines.density import DensityEngine
from lava_sqs.quantum.engines.instrument import InstrumentEngine
from lava_sqs.quantum.engines.literal import LiteralEngine
from lava_sqs.quantum.engines.recipe import Recipe
from lava_sqs.quantum.engines.trajectory import (
    TrajectoryEngine,
    gate_bytes,
    program_bytes,
    state_bytes,
)
from lava_sqs.quantum.mixed import MixedProgram, compile_neurons
from lava_sqs.quantum.mixed_density import density_of_neurons
from lava_sqs.quantum.noise import NoiseModel, NoisePerNeuron
from lava_sqs.quantum.noise.per_neuron import models_of
from lava_sqs.quantum.program import Program
from lava_sqs.quantum.pure import PureProgram, compile_pure

__all__ = ["BACKENDS", "default_backend"]

Array = NDArray[Any]

#: Engines of a population, see the table in ``population.py``.
BACKENDS = ("instrument", "density", "trajectory", "qutip")

#: Those that know how likely outcomes are, and have scores; ``trajectory`` without noise.
EXACT_BACKENDS = ("instrument", "density", "trajectory")

# The largest instrument (float64 bytes per neuron) that is the default: by (noisy, shared). What
# is scored asks for the entry of neurons that share nothing: one step with all gradients, CPU time
# in us, circuit `layered`, 20 steps, 10 neurons and 24 samples:
#
#   memory qubits           1      2      3      4      5      6      8   (1 neuron) 10     12
#   instrument            .07    .47    5.6      -      -      -      -             -      -
#   density                 -    1.5    4.3     21    107    450  2e4               -      -
#   pure (trajectory)     .48    .71    1.1    1.7    3.1    5.4     46           200    800
_LARGEST_INSTRUMENT = {
    (False, False): 100_000,
    (False, True): 1_500_000,
    (True, False): 500_000,
    (True, True): 4_000_000,
}


def default_backend(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None,
    size: int,
    dtype: Any,
    *,
    shared: bool = False,
) -> str:
    """Return the engine that :class:`~lava_sqs.quantum.Population` takes when none is named.

    Where instruments are slower than state vectors, or do not fit, was measured:
    docs/performance.md.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel, NoisePerNeuron or None
        None is noiseless.
    size : int
        Number of neurons.
    dtype : float64 or float32
        Precision of the memories.
    shared : bool
        Whether all neurons have the same angles and noise: then there is one instrument.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> [default_backend(ansatz.layered(1, m), None, 1000, "float32") for m in (1, 2, 3, 6)]
    ['instrument', 'instrument', 'trajectory', 'trajectory']
    """
    if ansatz.is_classical:
        return "instrument"
    largest = _LARGEST_INSTRUMENT[noise is not None, shared]
    each = instrument_bytes(ansatz)
    total = compiled_bytes(ansatz, noise, 1 if shared else size, dtype)
    return "instrument" if each <= largest and total <= compiled_limit() else "trajectory"


_NOTHING = NoiseModel()  # made once: it takes as long as a small population


def _noiseless(noise: NoiseModel | NoisePerNeuron | None) -> bool:
    return all(model is None or model == _NOTHING for model in models_of(noise))


def exact_backend(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None = None,
    size: int = 1,
    *,
    mixed: bool = False,
) -> str:
    """Return the engine of what needs likelihoods, also with noise, when none is named.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    noise : NoiseModel or NoisePerNeuron, optional
        None is noiseless.
    size : int
        Sets of angles.
    mixed : bool
        Whether memories may be mixed without noise as well, for example averaged over outcomes.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> [exact_backend(ansatz.layered(1, m)) for m in (1, 2, 3, 8)]
    ['instrument', 'instrument', 'trajectory', 'trajectory']
    >>> [exact_backend(ansatz.layered(1, m), mixed=True) for m in (1, 2, 3, 8)]
    ['instrument', 'instrument', 'instrument', 'density']
    """
    if ansatz.is_classical:
        return "instrument"
    # A pure memory stays pure given its outcomes; averaged over them it does not.
    pure = _noiseless(noise) and not mixed
    largest = _LARGEST_INSTRUMENT[not pure, False]
    fits = compiled_bytes(ansatz, noise, 2 * size) <= compiled_limit()
    if instrument_bytes(ansatz) <= largest and fits:
        return "instrument"
    return "trajectory" if pure else "density"


def check_backend(ansatz: Ansatz, backend: Any, choices: tuple[str, ...]) -> str:
    """Return the name of an engine that can run a circuit, one of *choices*, or raise."""
    check_choice("backend", backend, choices)
    if ansatz.is_classical and backend in ("density", "trajectory"):
        raise ArgumentValueError(
            "backend",
            f"must be 'instrument' or 'qutip' for a classical memory, but got {backend!r}: the "
            "others apply gates one by one.",
        )
    return str(backend)


def check_exact_backend(
    ansatz: Ansatz, noise: NoiseModel | NoisePerNeuron | None, backend: Any
) -> str:
    """Return the name of an engine that scores a circuit exactly under that noise, or raise."""
    possible = EXACT_BACKENDS if _noiseless(noise) else EXACT_BACKENDS[:2]
    return check_backend(ansatz, backend, possible)


def compile_exact(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None,
    size: int = 1,
    *,
    backend: str | None = None,
) -> Program | MixedProgram | DensityProgram | PureProgram:
    """Return what scores are made of: instruments, or maps gate by gate.

    The arguments *ansatz*, *noise* and *size* are those of :func:`exact_backend`, which says what
    *backend* is if it is None.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> type(compile_exact(ansatz.layered(1, 4), None)).__name__
    'PureProgram'
    """
    backend = exact_backend(ansatz, noise, size) if backend is None else backend
    if backend == "trajectory":
        return compile_pure(ansatz)
    return (density_of_neurons if backend == "density" else compile_neurons)(ansatz, noise)


def check_exact(
    ansatz: Ansatz,
    noise: NoiseModel | NoisePerNeuron | None,
    *,
    rows: int,
    size: int = 0,
    window: int = 0,
    angles: bool = True,
    backend: str | None = None,
) -> None:
    """Raise unless neurons can be scored exactly, by *backend* or what :func:`exact_backend` says.

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
    angles : bool
        Whether the angles of those are scored.
    backend : str, optional
        One of :data:`EXACT_BACKENDS`.

    Raises
    ------
    ValueError
        If they do not fit: with the bytes needed, the limit, and what fits.
    """
    backend = exact_backend(ansatz, noise, rows) if backend is None else backend
    columns = angles * ansatz.n_params + (window + 2) * ansatz.io_qubits
    if backend == "trajectory":
        check_pure_scores(ansatz, rows=rows, size=size, columns=columns)
    elif backend == "density":
        check_density_scores(ansatz, noise, rows=rows, size=size, columns=columns)
    elif size:
        options = {"rows": rows, "size": size, "window": window}
        check_scores(ansatz, noise, **options, derivatives=angles)
    else:
        compile_neurons(ansatz, noise).check_pull_back(rows)


def seconds_per_step(ansatz: Ansatz, backend: str = "density") -> float:
    """Return about how long a time step of one neuron takes to learn from, gate by gate.

    Parameters
    ----------
    ansatz : Ansatz
        The circuit.
    backend : {"density", "trajectory"}
        Density matrices, or pure states.

    Examples
    --------
    >>> from lava_sqs.quantum import ansatz
    >>> [f"{seconds_per_step(ansatz.layered(1, m)):.0e}" for m in (4, 6, 8)]
    ['5e-05', '1e-03', '2e-02']
    >>> f"{seconds_per_step(ansatz.layered(1, 12), 'trajectory'):.0e}"
    '1e-03'
    """
    # As measured in trainings of 4 to 10 memory qubits, with what else a training does.
    if backend == "trajectory":
        return 4e-6 + 2.8e-9 * len(ansatz.gates) * 2.0**ansatz.n_qubits
    return 2.2e-9 * len(ansatz.gates) * 4.0**ansatz.n_qubits


def check_neurons(recipe: Recipe, backend: str, shared: bool) -> None:
    """Refuse neurons that would not fit, whatever they are made of, before anything is made."""
    ansatz, noise, dtype = recipe.ansatz, recipe.noise, recipe.dtype
    m, states = ansatz.memory_qubits, recipe.size * max(recipe.shape[0], 1)
    sets = 1 if shared else recipe.size
    fewer = "Use fewer neurons, or a smaller `batch`."
    if backend == "instrument":
        check_compiled(ansatz, noise, sets, dtype)
        fixed, each, state = 0.0, 0.0, float(np.dtype(dtype).itemsize * 4**m)
        advice = fewer
    elif backend == "density":
        fixed, each = density_bytes(ansatz, noise), float(map_bytes(ansatz))
        state, limit = float(np.dtype(dtype).itemsize * 4**m), compiled_limit()
        advice = fewer
        if fixed + each > limit / 4:
            need = fixed + sets * each + states * state
            advice = fewer_qubits(m, need, limit, "backend='trajectory'", growth=4)
    elif backend == "trajectory":
        fixed = float(program_bytes(ansatz, noise, dtype))
        each, state = float(gate_bytes(ansatz, dtype)), float(state_bytes(ansatz, dtype))
        advice = "Use fewer qubits." if fixed + each > memory_limit() / 4 else fewer
    else:
        fixed, each = 0.0, float(literal_bytes(ansatz, noise))
        state, sets = 20_000.0 + 16 * 4**m, states  # each is built by itself
        advice = "Use backend='instrument' or 'trajectory'."
    need = fixed + sets * each + states * (state + 8.0 * (2 + ansatz.io_qubits))
    check_room(
        f"`memory_qubits` = {m} with `io_qubits` = {ansatz.io_qubits} and `size` x `batch` = "
        f"{states} neuron(s), backend {backend!r},",
        need,
        compiled_limit() if backend in ("density", "qutip") else memory_limit(),
        advice,
    )


def make_engine(
    recipe: Recipe, theta: Array, backend: str | None, rng: np.random.Generator
) -> tuple[Engine, str]:
    """Return the engine of neurons with the angles *theta*, and its name; *rng* draws errors."""
    shared = recipe.each is None and bool((theta == theta[0]).all())
    if backend is None:
        made_of = recipe.ansatz, recipe.noise, recipe.size, recipe.dtype
        backend = default_backend(*made_of, shared=shared)
    if isinstance(backend, str) and backend in ("sampler", "device"):
        raise ArgumentValueError(
            "backend",
            f"must be one of {', '.join(map(repr, BACKENDS))}, but got {backend!r}: no quantum "
            "computer stops in the middle of a shot to be asked for the next step. "
            "lava_sqs.hardware.Device.sample draws whole trains of inputs that are known.",
        )
    check_backend(recipe.ansatz, backend, BACKENDS)
    check_neurons(recipe, backend, shared)
    if backend == "trajectory":
        return TrajectoryEngine(recipe, rng), backend
    made: dict[str, type[InstrumentEngine | DensityEngine | LiteralEngine]] = {
        "instrument": InstrumentEngine,
        "density": DensityEngine,
        "qutip": LiteralEngine,
    }
    return made[backend](recipe), backend
