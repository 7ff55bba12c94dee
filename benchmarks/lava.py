"""Inside Lava: what a step costs with SQS and with LIF, and recorder against Monitor."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np
from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.models import PyLifModelFloat
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

from benchmarks.peers import NOISE
from benchmarks.timing import Timing, Work, interleaved, summary
from lava_sqs import (
    SQS,
    LearningSQS,
    SQSLearningRule,
    SQSSimCfg,
    connect_learning,
    runtime,
    use_inline,
)
from lava_sqs.proc.sqs.models import PySQSModelFloat

WARM_UP = 20


def seconds_per_step(make: Any, steps: int, engine: str = "processes") -> float:
    """Return the time per step of the network of *make*(), started and warm."""
    process = make()
    with runtime(process, SQSSimCfg(), engine=engine):
        process.run(RunSteps(num_steps=WARM_UP))
        start = time.perf_counter()
        process.run(RunSteps(num_steps=steps))
        return (time.perf_counter() - start) / steps


class Port:
    """A port that has its message already, and sends nowhere."""

    def __init__(self, message: Any = None) -> None:
        self._message = message

    def recv(self) -> Any:
        return self._message

    def send(self, message: Any) -> None:
        pass


def stepping(model: Any, process: Any) -> Work:
    """Return a call that makes one step of a Process's model, in this process."""
    instance = model(process.proc_params)
    for var in process.vars:
        setattr(instance, var.name, np.array(np.broadcast_to(var.init, var.shape), dtype=float))
    instance.a_in = Port(np.random.default_rng(0).uniform(-0.3, 1.0, process.a_in.shape))
    instance.s_out, instance.time_step = Port(), 1
    step: Work = instance.run_spk
    return step


def second(kind: str, n: int, **more: Any) -> Any:
    if kind == "SQS":
        return SQS(shape=(n,), noise=NOISE, dtype=np.float32, seed=0, current_scale=0.3, **more)
    return LIF(shape=(n,), vth=1.0, du=1.0, dv=0.1)


def chain(kind: str, n: int, **more: Any) -> LIF:
    """LIF - Dense - (SQS or LIF), n neurons each; return the first."""
    first = LIF(shape=(n,), bias_mant=np.linspace(0.1, 1.0, n), vth=1.0, du=1.0, dv=0.0)
    dense = Dense(weights=np.random.default_rng(0).normal(0.5 / n, 0.3 / n**0.5, (n, n)))
    first.s_out.connect(dense.s_in)
    dense.a_out.connect(second(kind, n, **more).a_in)
    return first


def pairs(makers: dict[str, Any], steps: int, repeats: int) -> dict[str, list[float]]:
    """Time two networks in turns, the order alternating."""
    seen: dict[str, list[float]] = {name: [] for name in makers}
    for repeat in range(repeats):
        for name in list(makers)[:: 1 if repeat % 2 else -1]:
            seen[name].append(seconds_per_step(makers[name], steps))
    return seen


def row(section: str, name: str, timing: Timing, **more: Any) -> dict[str, Any]:
    return {
        "section": section,
        "name": name,
        "value": timing.median * 1e6,
        "unit": "us/step",
        "spread": timing.spread,
        **more,
    }


def step_times(quick: bool) -> list[dict[str, Any]]:
    """LIF-Dense-SQS (noisy) against LIF-Dense-LIF: the ratio is the median over pairs."""
    rows = []
    steps, repeats = (300, 3) if quick else (2000, 10)
    for n in (1000,) if quick else (10, 100, 1000):
        seen = pairs({k: (lambda k=k, n=n: chain(k, n)) for k in ("SQS", "LIF")}, steps, repeats)
        ratio = float(np.median(np.divide(seen["SQS"], seen["LIF"])))
        rows.append(
            row(
                "lava",
                f"LIF-Dense-SQS, n = {n}",
                summary(seen["SQS"]),
                ratio=ratio,
                ratio_of="SQS / LIF",
            )
        )
        rows.append(row("lava", f"LIF-Dense-LIF, n = {n}", summary(seen["LIF"])))
        models = {"SQS": PySQSModelFloat, "LIF": PyLifModelFloat}
        works = {kind: (stepping(model, second(kind, n)), 1) for kind, model in models.items()}
        inside = interleaved(works, repeats)
        for kind, timing in inside.items():
            ratio = timing.median / inside["LIF"].median
            name = f"inside the {kind} model, n = {n}"
            rows.append(row("lava", name, timing, ratio=ratio, ratio_of="it / LIF"))
    return rows


def end_of(process: Any) -> list[Any]:
    """Return the state of a network: what changes in it. Stock Lava reads a number a message."""
    members = sorted(find_processes(process), key=_id)
    names = ["u", "v", "a_buff", "memory", "theta"]
    found = [(each, [*names, "weights"] if hasattr(each, "dw") else names) for each in members]
    return [v.get().tobytes() for each, these in found for v in each.vars if v.name in these]


def _id(process: Any) -> int:
    return int(process.id)


def nine(kind: str, n: int) -> Any:
    """LIF - Dense - LIF - ... - LIF, nine Processes; return the first."""
    first = last = LIF(shape=(n,), bias_mant=np.linspace(0.1, 1.0, n), vth=1.0, du=1.0, dv=0.0)
    for layer in range(4):
        dense = Dense(weights=np.random.default_rng(layer).normal(0.5 / n, 0.3 / n**0.5, (n, n)))
        following = second(kind, n)
        last.s_out.connect(dense.s_in)
        dense.a_out.connect(following.a_in)
        last = following
    return first


def watched(kind: str, n: int) -> Any:
    """A chain with a Monitor of the second neuron's voltages."""
    first = chain(kind, n)
    dense = first.s_out.get_dst_ports()[0].process
    monitor = Monitor()
    monitor.probe(dense.a_out.get_dst_ports()[0].process.v, 10_000)
    return first


def few(kind: str, n: int) -> Any:
    """A chain in which a neuron of the first layer spikes in every twentieth step."""
    first = chain(kind, n)
    quiet = LIF(shape=(n,), bias_mant=np.linspace(0.0, 0.1, n), vth=1.0, du=1.0, dv=0.0)
    dense = Dense(weights=first.s_out.get_dst_ports()[0].process.weights.init)
    quiet.s_out.connect(dense.s_in)
    dense.a_out.connect(second(kind, n).a_in)
    return quiet


def learning(kind: str, n: int) -> Any:
    """The network at the top of docs/learning.md."""
    rng = np.random.default_rng(0)
    inputs = (rng.random((8, 200)) < 0.3).astype(float)
    targets = rng.choice([-1.0, 1.0], (n, 200))
    neurons = LearningSQS(shape=(n,), role="visible", lr_theta=0.01, lr_weights=0.01, seed=1)
    rule = SQSLearningRule(window=1)
    synapses = LearningDense(weights=np.full((n, 8), 0.1), learning_rule=rule)
    RingBuffer(data=inputs).s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    connect_learning(neurons, synapses)
    RingBuffer(data=targets).s_out.connect(neurons.a_third_factor_in)
    return neurons


def engines(quick: bool) -> list[dict[str, Any]]:
    """One process and SQSSimCfg against stock Lava, in turns; the same state, bit for bit.

    The ratios are medians and ranges over turns (3 of 600 steps, 2 of 300 if *quick*), of stock
    Lava to one process and of SQS to LIF in that.
    """
    sizes: tuple[int, ...] = (10, 100, 1000)
    networks = {"LIF-Dense-LIF": (chain, "LIF", sizes), "LIF-Dense-SQS": (chain, "SQS", sizes)}
    networks |= {
        "LIF-Dense-LIF, 5 % spike": (few, "LIF", (1000,)),
        "LIF-Dense-SQS, 5 % spike": (few, "SQS", (1000,)),
        "docs/learning.md": (learning, "", (3,)),
    }
    if not quick:
        networks["nine Processes"] = (nine, "LIF", (10, 100))
        networks["LIF-Dense-LIF, Monitor"] = (watched, "LIF", (10, 100))
    steps, repeats = (300, 2) if quick else (600, 3)
    rows = []
    for name, (make, kind, numbers) in networks.items():
        for n in numbers:
            seen: dict[str, list[float]] = {"stock Lava": [], "inline": []}
            for repeat in range(repeats):
                ends = {}
                for way in list(seen)[:: 1 if repeat % 2 else -1]:
                    seconds, ends[way] = _run_in(way, make(kind, n), steps)
                    seen[way].append(seconds)
                assert ends["inline"] == ends["stock Lava"], f"{name}, n = {n}: another state"
            for way, values in seen.items():
                more = _ratio(seen["stock Lava"], values, "stock / it") if way == "inline" else {}
                rows.append(row("engines", f"{name}, n = {n}, {way}", summary(values), **more))
    return rows + [_price(n, 1000, 3 * repeats) for n in sizes]


def _ratio(above: list[float], below: list[float], of: str) -> dict[str, Any]:
    """Return the median and the range of ratios over turns."""
    ratios = np.divide(above, below)
    span = (float(ratios.min()), float(ratios.max()))
    return {"ratio": float(np.median(ratios)), "ratio_range": span, "ratio_of": of}


def _price(n: int, steps: int, turns: int) -> dict[str, Any]:
    """Time LIF-Dense-SQS and LIF-Dense-LIF, both in one process, in short turns."""
    seen: dict[str, list[float]] = {"SQS": [], "LIF": []}
    networks = {kind: chain(kind, n) for kind in seen}
    with use_inline():
        for process in networks.values():
            process.run(RunSteps(num_steps=WARM_UP), SQSSimCfg())
    for turn in range(turns):
        for kind in list(networks)[:: 1 if turn % 2 else -1]:
            start = time.perf_counter()
            networks[kind].run(RunSteps(num_steps=steps))
            seen[kind].append((time.perf_counter() - start) / steps)
    for process in networks.values():
        process.stop()
    more = _ratio(seen["SQS"], seen["LIF"], "SQS / LIF")
    return row("engines", f"SQS in short turns with LIF, n = {n}", summary(seen["SQS"]), **more)


def _run_in(way: str, process: Any, steps: int) -> tuple[float, list[Any]]:
    """Return the seconds per step of a network, and its state at the end."""
    inline = way == "inline"
    config = SQSSimCfg() if inline else Loihi2SimCfg(select_tag="floating_pt")
    with use_inline() if inline else contextlib.nullcontext():
        process.run(RunSteps(num_steps=WARM_UP), config)
    start = time.perf_counter()
    process.run(RunSteps(num_steps=steps))
    seconds = (time.perf_counter() - start) / steps
    state = end_of(process)
    process.stop()
    return seconds, state


def recorder(quick: bool) -> list[dict[str, Any]]:
    """Record three variables in LIF-Dense-SQS, or none; read 1e5 values, or from a Monitor."""
    n, (steps, repeats) = 100, (300, 3) if quick else (2000, 10)
    fields = ("s_out", "p_spike", "memory")

    def make(record: tuple[str, ...]) -> SQS:
        return SQS(shape=(n,), noise=NOISE, seed=0, bias=0.4, current_scale=0.3, record=record)

    makers = {
        "none": lambda: chain("SQS", n),
        "three": lambda: chain("SQS", n, record=fields),
    }
    seen = pairs(makers, steps, repeats)
    ratio = float(np.median(np.divide(seen["three"], seen["none"])))
    rows = [
        row(
            "recorder", "three variables", summary(seen["three"]), ratio=ratio, ratio_of="on / off"
        ),
        row("recorder", "off", summary(seen["none"])),
    ]
    records: dict[str, tuple[str, ...]] = {"none": (), "three": fields}
    works = {name: (stepping(PySQSModelFloat, make(r)), 1) for name, r in records.items()}
    inside = interleaved(works, repeats)
    for name, timing in inside.items():
        ratio = timing.median / inside["none"].median
        name = f"inside the model, {name}"
        rows.append(row("recorder", name, timing, ratio=ratio, ratio_of="it / off"))
    reads: dict[str, list[float]] = {"recording": [], "Monitor": []}
    length = 100_000 // n // (10 if quick else 1)
    for _ in range(repeats if quick else 3):
        sqs = make(("p_spike",))
        with runtime(sqs, SQSSimCfg()):
            sqs.run(RunSteps(num_steps=length))
        start = time.perf_counter()
        values = sqs.recording.p_spike
        reads["recording"].append(time.perf_counter() - start)
        sqs, monitor = make(()), Monitor()
        monitor.probe(sqs.p_spike, length)
        with runtime(sqs, SQSSimCfg()):
            sqs.run(RunSteps(num_steps=length))
            start = time.perf_counter()
            data = monitor.get_data()[sqs.name]["p_spike"]
            reads["Monitor"].append(time.perf_counter() - start)
        np.testing.assert_allclose(data, values)
    slow, fast = summary(reads["Monitor"]), summary(reads["recording"])
    for name, timing in (("recording", fast), ("Monitor", slow)):
        item = row("recorder", f"read {length * n} values from {name}", timing)
        item |= {"unit": "us", "ratio": slow.median / timing.median, "ratio_of": "Monitor / it"}
        rows.append(item)
    return rows
