"""Contracts about spikes, state, resets and recordings; docstrings begin with them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import lava_sqs._start_method  # noqa: F401 - first: it makes Lava importable

# isort: split
from lava.proc.io.reset import Reset
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor

from lava_sqs.execution.running import SQSSimCfg, runtime
from lava_sqs.testing._neuron import (
    NOISE,
    PATIENCE,
    SEED,
    SHAPE,
    SIZE,
    STEPS,
    Neuron,
    Only,
    currents,
    differ,
    require,
    same,
)


def one_seed_is_one_train(neuron: Neuron) -> None:
    """The same seed gives the same spikes, 0 or 1, and another seed gives others."""
    base = neuron.base
    values = set(np.unique(base.spikes))
    require(values == {0, 1}, f"The spikes of {STEPS} steps have the values {values}, not 0 and 1")
    again = neuron.play(currents(neuron.ports))
    same("Spikes of a second run", again.spikes, base.spikes)
    same("p_spike of a second run", again.p_spike, base.p_spike)
    angles = {"theta": neuron.sample.theta.get()} if neuron.takes("theta") else {}
    other = neuron.play(currents(neuron.ports), seed=SEED + 1, **angles)
    differ("The spikes of two seeds", other.spikes, base.spikes)


def one_draw_per_neuron_and_step(neuron: Neuron) -> None:
    """A spike is u >= 1 - p_spike, u one number per neuron and step of child 1 of the seed."""
    rng = np.random.default_rng(np.random.SeedSequence(SEED).spawn(2)[1])
    u = rng.random((STEPS, *SHAPE))
    first = (..., 0) if len(neuron.ports) > len(SHAPE) else ...  # the most significant io qubit
    spikes, silence = neuron.base.spikes[first], 1 - neuron.base.p_spike[first]
    clear = np.abs(u - silence) > 1e-6
    require(clear.mean() > 0.9, "p_spike is not a number, or hardly ever one of its own.")
    same("Spikes", np.where(clear, spikes, 0), np.where(clear, u >= silence, 0))


def p_spike_is_the_law(neuron: Neuron) -> None:
    """Given the past, the mean of a spike is p_spike: 400 steps with noise, within 5 sigma."""
    noise = {"noise": NOISE} if neuron.takes("noise") else {}
    saw = neuron.play(currents(neuron.ports, 400), bias=0.25, **noise)
    p = saw.p_spike
    require(((p >= 0) & (p <= 1)).all(), f"p_spike lies in [{p.min()}, {p.max()}].")
    # Sums of martingale differences: over all steps, and over those of either half of p.
    for chosen in (p >= 0, p < np.median(p), p >= np.median(p)):
        excess, sigma = (saw.spikes - p)[chosen].sum(), np.sqrt((p * (1 - p))[chosen].sum())
        require(
            abs(excess) <= 5 * sigma + 1e-9,
            f"{excess:+.1f} spikes more than p_spike says, but sigma is {sigma:.1f}.",
        )


def equals_its_twin(neuron: Neuron) -> None:
    """Spikes bit for bit, p_spike and state within atol, are those of the twin outside Lava."""
    for noise in ({"noise": None}, {"noise": NOISE}) if neuron.takes("noise") else ({},):
        neurons, data = neuron.make(bias=0.25, **noise), currents(neuron.ports)
        twin = neuron.outside_lava(neurons)
        saw = neuron.run(neurons, data)
        z = np.moveaxis(data, -1, 0).reshape(STEPS, SIZE, *neuron.ports[len(SHAPE) :]) + 0.25
        for t in range(STEPS):
            step = f"in time step {t + 1}"
            same(f"Spikes {step}", saw.spikes[t].ravel(), np.ravel(twin.step(z[t])))
            same(f"p_spike {step}", saw.p_spike[t].ravel(), np.ravel(twin.p_spike), neuron.atol)
            if neuron.state is not None:
                state = np.ravel(getattr(twin, neuron.state))
                same(f"{neuron.state} {step}", saw.state[t].ravel(), state, neuron.atol)


def every_model_gives_the_same_train(neuron: Neuron) -> None:
    """All models, of whatever tags, have the same spikes; the first is tagged floating_pt."""
    listed = Only(type(neuron.sample), 0, "floating_pt")
    neuron.make().compile(listed)
    require(
        "floating_pt" in listed.models[0].tags,
        f"An untagged configuration takes the first model, tagged {listed.models[0].tags}.",
    )
    for index, model in enumerate(listed.models):
        fixed = "fixed_pt" in model.tags
        data = currents(neuron.ports) * (64 if fixed else 1)  # current_scale is 2**-6 there
        config = Only(listed._kind, index, "fixed_pt" if fixed else "floating_pt")
        saw = neuron.run(neuron.make(), data.astype(int) if fixed else data, config=config)
        what = f"{model.__name__}, tagged {', '.join(model.tags)}"
        same(f"Spikes of {what}", saw.spikes, neuron.base.spikes)


def shape_is_only_a_view(neuron: Neuron) -> None:
    """Neurons are counted in C order: those of shape (6,) are those of shape (2, 3)."""
    flat = (SIZE, *neuron.ports[len(SHAPE) :])
    saw = neuron.play(currents(neuron.ports).reshape(*flat, STEPS), shape=(SIZE,))
    same("Spikes", saw.spikes, neuron.base.spikes.reshape(STEPS, *flat))
    same("p_spike", saw.p_spike, neuron.base.p_spike.reshape(STEPS, *flat))


def watching_changes_nothing(neuron: Neuron) -> None:
    """One long run under Monitors sees what single steps, read in between, have shown."""
    neurons = neuron.make()
    source, monitors = Source(data=currents(neuron.ports)), {}
    source.s_out.connect(neurons.a_in)
    for name in ("s_out", "p_spike", *([neuron.state] if neuron.state else [])):
        monitors[name] = Monitor()
        monitors[name].probe(getattr(neurons, name), STEPS)
    with runtime(neurons, SQSSimCfg(), timeout=PATIENCE) as net:
        net.run(STEPS)
        seen = {name: monitor.get_data()[neurons.name][name] for name, monitor in monitors.items()}
    same("Spikes under a Monitor", seen["s_out"], neuron.base.spikes)
    same("p_spike under a Monitor", seen["p_spike"], neuron.base.p_spike)
    if neuron.state:
        same(f"{neuron.state} under a Monitor", seen[neuron.state], neuron.base.state)


def recordings_are_what_happened(neuron: Neuron) -> None:
    """What `record` names is in `recording`, one row per step, also after the end."""
    names = ("s_out", "p_spike", *([neuron.state] if neuron.state else []))
    neurons = neuron.make(record=names)
    saw = neuron.run(neurons, currents(neuron.ports))
    for name, want in zip(names, (saw.spikes, saw.p_spike, saw.state), strict=False):
        same(f"Recording of {name}", neurons.recording[name], want)


def vars_can_be_set(neuron: Neuron) -> None:
    """A Var set while the network is up counts from the next step on, and no other changes."""
    base, data = neuron.base, currents(neuron.ports)
    require("bias" in neuron.vars, "There is no Var bias.")

    def set_bias(neurons: Any, t: int) -> None:
        if t == 4:
            neurons.bias.set(np.full(neuron.ports, 0.25))

    later = np.where(np.arange(1, STEPS + 1) >= 4, 0.25, 0.0)
    saw, want = neuron.run(neuron.make(), data, set_bias), neuron.play(data + later)
    differ("p_spike with another bias", want.p_spike, base.p_spike)
    same("p_spike after bias.set()", saw.p_spike, want.p_spike)
    if "theta" in neuron.vars:
        theta = np.random.default_rng(1).uniform(-3, 3, neuron.sample.theta.shape)
        anew = {"reset_interval": STEPS, "reset_offset": 13}

        def set_theta(neurons: Any, t: int) -> None:
            if t == 13:
                neurons.theta.set(theta)
                same("theta just after theta.set()", neurons.theta.get(), theta)

        saw = neuron.run(neuron.make(**anew), data, set_theta)
        want = neuron.play(data, theta=theta, **anew)
        differ("p_spike with other angles", want.p_spike[:12], saw.p_spike[:12])
        same("p_spike after theta.set()", saw.p_spike[12:], want.p_spike[12:], neuron.atol)
    if neuron.state is not None:

        def set_state(neurons: Any, t: int, state: str = neuron.state) -> None:
            if t == 13:
                getattr(neurons, state).set(base.state[5])  # as it was after 6 steps

        data = np.concatenate([data[..., :12], data[..., 6:18]], axis=-1)
        saw = neuron.run(neuron.make(), data, set_state)
        same(f"p_spike after {neuron.state}.set()", saw.p_spike[12], base.p_spike[6], neuron.atol)


def setting_what_is_there_changes_nothing(neuron: Neuron) -> None:
    """A Var set to the value that it has leaves the spikes as they are."""

    def set_all(neurons: Any, t: int) -> None:
        if t % 3 == 2:
            for name in neuron.vars:
                getattr(neurons, name).set(getattr(neurons, name).get())

    saw = neuron.run(neuron.make(), currents(neuron.ports), set_all)
    same("Spikes", saw.spikes, neuron.base.spikes)
    same("p_spike", saw.p_spike, neuron.base.p_spike, neuron.atol)


def a_reset_forgets_and_takes_no_input(neuron: Neuron) -> None:
    """With reset_interval the past and a_in of that step do not count; draws continue as before."""
    neurons = partial(neuron.make, bias=0.125, reset_interval=6, reset_offset=2)
    data = currents(neuron.ports)
    other = data.copy()
    other[..., :8] = 0.5 - data[..., :8]  # time step 8 is a reset
    one, two = neuron.run(neurons(), data), neuron.run(neurons(), other)
    differ("p_spike of different inputs before a reset", one.p_spike[:7], two.p_spike[:7])
    same("p_spike from the reset on", one.p_spike[7:], two.p_spike[7:])
    fresh = neuron.play(np.zeros((*neuron.ports, 1)), bias=0.125)
    for t in (2, 8, 14, 20):
        same(f"p_spike of the reset in step {t}", one.p_spike[t - 1], fresh.p_spike[0])
    again = neuron.run(neurons(), np.take(data, (np.arange(STEPS) + 4) % 6, axis=-1))
    differ("Spikes on the same currents after two resets", again.spikes[1:7], again.spikes[7:13])


def zeros_written_by_a_stock_reset_forget(neuron: Neuron) -> None:
    """A stock Reset of the state Var, which writes zeros through a port, restarts the neurons."""
    assert neuron.state is not None
    data = currents(neuron.ports)
    neurons, reset = neuron.make(), Reset(interval=24, offset=6)  # writes after time step 7
    reset.connect_var(getattr(neurons, neuron.state))
    saw, fresh = neuron.run(neurons, data), neuron.play(data[..., 7:8])
    same("p_spike before", saw.p_spike[:7], neuron.base.p_spike[:7])
    same("p_spike of the next step", saw.p_spike[7], fresh.p_spike[0])
