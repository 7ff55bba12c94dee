"""Contracts about the interface of a neuron and what it refuses; docstrings begin with them."""

from __future__ import annotations

from typing import Any

import numpy as np

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.proc.dense.process import Dense
from lava.proc.io.reset import Reset

from lava_sqs.testing._neuron import (
    SEED,
    SHAPE,
    Neuron,
    currents,
    differ,
    refusal,
    require,
)


def interface(neuron: Neuron) -> None:
    """Ports a_in and s_out, Vars bias and p_spike of one shape; shape, seed and name to read."""
    for shape in (4, (4,), SHAPE):
        neurons = neuron.make(shape=shape, name="hidden")
        axes = (shape,) if isinstance(shape, int) else shape
        ports = tuple(neurons.a_in.shape)
        require(ports[: len(axes)] == axes, f"a_in has shape {ports} for `shape` {shape}.")
        for name in ("s_out", "bias", "p_spike"):
            found = tuple(getattr(neurons, name).shape)
            require(found == ports, f"{name} has shape {found}, but a_in has {ports}.")
        for name in ("bias", "p_spike", *neuron.vars):
            var = getattr(neurons, name)
            value = np.asarray(var.get())
            require(
                value.dtype.kind in "biuf" and value.shape == tuple(var.shape),
                f"Var {name} cannot be read before the run: it gives {value.dtype} of shape "
                f"{value.shape}.",
            )
        require(np.isnan(neurons.p_spike.get()).all(), "p_spike is not NaN before the first step.")
        require(tuple(neurons.shape) == axes, f"shape is {neurons.shape!r}, expected {axes}.")
        require(neurons.seed == SEED, f"seed is {neurons.seed!r}, expected {SEED}.")
        require(neurons.name == "hidden", f"name is {neurons.name!r}, expected 'hidden'.")
    differ("The seeds drawn for two Processes", *(neuron.make(seed=None).seed for _ in range(2)))


def bad_arguments_are_refused(neuron: Neuron) -> None:
    """The constructor refuses a bad argument with a ValueError or TypeError that names it."""
    bad: list[tuple[str, Any]] = [
        *(("shape", value) for value in (0, -1, (2, 0), 2.5, "ab", None)),
        *(("seed", value) for value in (-1, 1.5, "1", True)),
        *(("bias", value) for value in (np.nan, np.inf, [0.1] * 7, "a", 1j, None)),
        *(("reset_interval", value) for value in (0, -1, 2.0, "a")),
        ("reset_offset", 1),  # without a reset_interval
    ]
    if neuron.takes("theta"):
        bad += [("theta", value) for value in (np.nan, np.inf, np.zeros((7, 7)), "a", 1j)]
    if neuron.takes("noise"):
        bad += [("noise", 0.1)]
    if neuron.takes("record"):
        bad += [("record", ("no such thing",))]
    for name, value in bad:
        with refusal(f"{name}={value!r}", (ValueError, TypeError), name):
            neuron.make(**{name: value})
    with refusal("reset_offset=3 of reset_interval=3", (ValueError,), "reset_offset"):
        neuron.make(reset_interval=3, reset_offset=3)
    with refusal("no_such_argument=1", (TypeError,), "no_such_argument"):
        neuron.make(no_such_argument=1)


def an_impossible_current_ends_the_run(neuron: Neuron) -> None:
    """A NaN or infinite current raises, and names the Process, the time step and the reason."""
    for value in (np.nan, np.inf, -np.inf):
        neurons, data = neuron.make(name="hidden"), currents(neuron.ports)
        data[(1, 2) + (0,) * (data.ndim - 3)][6] = value
        after = Dense(weights=np.eye(neurons.s_out.size))
        neurons.s_out.flatten().connect(after.s_in)
        with refusal(f"A current of {value}", (RuntimeError,), "'hidden'", "time step 7", "finite"):
            neuron.run(neurons, data)


def an_impossible_var_ends_the_run(neuron: Neuron) -> None:
    """A Var set to an impossible value raises, and names the Process, the time step and the Var."""
    cases: list[tuple[str, int, float]] = [(name, -1, np.nan) for name in neuron.vars]
    cases.append(("bias", 0, np.inf))
    if neuron.state and neuron.remembers_pauli_vectors:  # too long, and without a trace
        cases += [(neuron.state, -1, 1.5), (neuron.state, 0, 0.5)]
    for name, index, value in cases:

        def set_bad(
            neurons: Any, t: int, name: str = name, at: int = index, to: float = value
        ) -> None:
            if t == 3:
                bad = np.array(getattr(neurons, name).get())
                bad.flat[at] = to
                getattr(neurons, name).set(bad)

        what = f"{name} set to {value}"
        with refusal(what, (RuntimeError,), "'hidden'", "time step 3", f"Var '{name}'"):
            neuron.run(neuron.make(name="hidden"), currents(neuron.ports), set_bad)


def a_var_written_through_a_port_is_checked(neuron: Neuron) -> None:
    """An impossible state that a RefPort has written raises as one set by hand does."""
    assert neuron.state is not None
    neurons, reset = neuron.make(name="hidden"), Reset(reset_value=2, interval=24, offset=4)
    reset.connect_var(getattr(neurons, neuron.state))
    words = ("'hidden'", "time step 6", f"Var '{neuron.state}'")
    with refusal(f"{neuron.state} set to 2", (RuntimeError,), *words):
        neuron.run(neurons, currents(neuron.ports))


def what_is_fixed_cannot_be_assigned(neuron: Neuron) -> None:
    """The seed, and what else a running model does not follow, cannot be assigned."""
    for name in ("seed", "shape", *(["noise"] if neuron.takes("noise") else [])):
        with refusal(f"Assigning to {name}", (AttributeError,), name):
            setattr(neuron.make(), name, None)
