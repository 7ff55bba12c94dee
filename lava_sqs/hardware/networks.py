"""What a network would take on a backend, before anything is sent; and its twin that stays here."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lava_sqs._checks import check_instance, check_int
from lava_sqs._errors import ArgumentTypeError
from lava_sqs._text import aligned
from lava_sqs.hardware.device import Device
from lava_sqs.network.on_device import check_network
from lava_sqs.neurons import SQSNeuron
from lava_sqs.quantum import Ansatz
from lava_sqs.quantum.noise.backends import lifetimes

__all__ = ["HardwareReport", "LayerReport", "report", "twin"]

#: Between two shots, where a backend does not say it: IBM's default.
REP_DELAY = 250e-6
#: Below this share of its coherence that a step leaves, a memory is called lost.
_LOST = 0.5


@dataclass(frozen=True)
class LayerReport:
    """One layer on a backend.

    Attributes
    ----------
    name : str
        Name of the layer.
    neurons : int
        Number of neurons of the layer.
    where : str
        ``"device"``, ``"here"`` (other neurons), or why it cannot run.
    qubits : tuple of int
        The backend's own numbers, io qubits first.
    depth, two_qubit_gates : int or None
        Depth and number of two-qubit gates of one step.
    step_seconds : float or None
        How long one step takes; None of a simulator without times.
    t1, t2 : float or None
        Shortest of its memory qubits, in seconds.
    kept : float or None
        ``exp(-step_seconds / t2)``, the coherence that a step leaves.
    jobs, executions : int
        Number of jobs and of executions for all samples.
    seconds : float or None
        Device time: circuits and what lies between shots; no loading, no queue.

    Examples
    --------
    >>> LayerReport("visible", 2, "here", (), None, None, None, None, None, None, 0, 0, None).jobs
    0
    """

    name: str
    neurons: int
    where: str
    qubits: tuple[int, ...]
    depth: int | None
    two_qubit_gates: int | None
    step_seconds: float | None
    t1: float | None
    t2: float | None
    kept: float | None
    jobs: int
    executions: int
    seconds: float | None


@dataclass(frozen=True)
class HardwareReport:
    """A network on a backend, layer by layer.

    Attributes
    ----------
    backend : str
        Name of the backend.
    n_samples, n_repeats, steps : int
        Steps are those of a sample, T + depth.
    layers : tuple of LayerReport
        One report per layer.

    Examples
    --------
    >>> HardwareReport("aer_simulator", 10, 1, 12, ()).executions
    0
    """

    backend: str
    n_samples: int
    n_repeats: int
    steps: int
    layers: tuple[LayerReport, ...]

    @property
    def fits(self) -> bool:
        """Whether every layer can run, and no memory is lost within a step."""
        return not self.remarks

    @property
    def remarks(self) -> tuple[str, ...]:
        """What stands against it, in words."""
        found = []
        for layer in self.layers:
            if layer.where not in ("device", "here"):
                found.append(layer.where)
            elif layer.kept is not None and layer.kept < _LOST:
                found.append(
                    f"{layer.name!r} keeps {layer.kept:.0%} of its coherence per step: its memory "
                    "is lost. Take a circuit with fewer gates, or another backend."
                )
        return tuple(found)

    @property
    def jobs(self) -> int:
        """Jobs of all layers and repeats."""
        return sum(layer.jobs for layer in self.layers)

    @property
    def executions(self) -> int:
        """Shots of all jobs."""
        return sum(layer.executions for layer in self.layers)

    @property
    def seconds(self) -> float | None:
        """Estimated device time of all jobs; None of a simulator."""
        found = [layer.seconds for layer in self.layers if layer.where == "device"]
        known = [s for s in found if s is not None]
        return sum(known) if len(known) == len(found) and found else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain numbers and texts.

        Returns
        -------
        dict
        """
        more = ("fits", "remarks", "jobs", "executions", "seconds")
        return {**asdict(self), **{name: getattr(self, name) for name in more}}

    def __repr__(self) -> str:
        head = ["layer", "neurons", "qubits", "depth", "2q gates", "step", "t1", "t2", "kept"]
        rows = [[*head, "jobs", "executions", "time"]]
        for layer in self.layers:
            qubits = " ".join(map(str, layer.qubits)) or layer.where.split(":")[0][:12]
            counts = [_count(layer.depth), _count(layer.two_qubit_gates)]
            times = [_time(x) for x in (layer.step_seconds, layer.t1, layer.t2)]
            kept = "" if layer.kept is None else f"{layer.kept:.1%}"
            rest = [kept, str(layer.jobs), str(layer.executions), _time(layer.seconds)]
            rows.append([layer.name, str(layer.neurons), qubits, *counts, *times, *rest])
        total = f"{self.jobs} jobs, {self.executions} executions"
        if self.seconds is not None:
            total += f", about {_time(self.seconds)} of device time (no loading, no queue)"
        passes = f", {self.n_repeats} times" if self.n_repeats > 1 else ""
        first = f"{self.n_samples} samples of {self.steps} steps on {self.backend}{passes}"
        verdict = "It fits." if self.fits else "It does not fit: " + " ".join(self.remarks)
        return "\n".join([first, aligned(rows), total, verdict])


def _count(value: int | None) -> str:
    return "" if value is None else str(value)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _device(backend: Any, qubits: Any) -> Device:
    return backend if isinstance(backend, Device) else Device(backend, qubits=qubits)


def _network(clf: Any) -> Any:
    if not hasattr(clf, "get_params") or not hasattr(type(clf), "simulate"):
        raise ArgumentTypeError("clf", f"must be an SQSNN or SQSNNRegressor, but got {clf!r:.80}.")
    check_is_fitted(clf)
    return clf


def report(
    clf: Any, backend: Any, *, qubits: Any = "best", n_samples: int = 1, n_repeats: int = 1
) -> HardwareReport:
    """Return what a fitted network would take on a backend; nothing is sent.

    Parameters
    ----------
    clf : SQSNN or SQSNNRegressor
        A fitted network.
    backend : BackendV2 or Device
        What it would run on.
    qubits : "best" or iterable of int
        Qubits of a backend, by its own numbers, io qubits first.
    n_samples, n_repeats : int
        Numbers of samples and of repeats in a call of ``predict``.

    Returns
    -------
    HardwareReport

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from qiskit_ibm_runtime.fake_provider import FakeManilaV2
    >>> from lava_sqs import SQSNN
    >>> clf = SQSNN((2,), n_steps=3, updates=1, random_state=0)
    >>> found = report(clf.fit(np.eye(4), [0, 0, 1, 1]), FakeManilaV2(), n_samples=10)
    >>> found.jobs, found.executions == 10 * sum(layer.neurons for layer in found.layers)
    (2, True)
    """
    spec, device = _network(clf).spec_, _device(backend, qubits)
    n = check_int("n_samples", n_samples, minimum=0)
    repeats = check_int("n_repeats", n_repeats, minimum=1)
    steps = clf.steps_per_sample_
    layers = []
    for layer in spec.layers:
        neuron = layer.neuron
        if not isinstance(neuron, SQSNeuron) or neuron.ansatz.is_classical:
            nothing = (None,) * 6
            layers.append(LayerReport(layer.name, layer.size, "here", (), *nothing, 0, 0, None))
            continue
        layers.append(_of_layer(device, layer, steps, n, repeats))
    return HardwareReport(device.name, n, repeats, steps, tuple(layers))


def _of_layer(device: Device, layer: Any, steps: int, n: int, repeats: int) -> LayerReport:
    ansatz, sets = layer.neuron.ansatz, layer.size * n
    qubits = device.qubits(ansatz)
    depth, pairs, seconds = _of_step(device, ansatz)
    t1 = t2 = kept = total = None
    if device._machine.coupled:
        times = [lifetimes(device.backend.target, q) for q in qubits[ansatz.io_qubits :]]
        t1, t2 = (min(t[i] for t in times) for i in (0, 1))
    if seconds is not None and t2 is not None:
        # Coherence after a step; the shortest t2 decides, as the memory is one state of all its
        # qubits.
        kept = math.exp(-seconds / t2)
        total = sets * repeats * (steps * seconds + _rep_delay(device.backend))
    where = "device"
    if layer.recurrent:
        try:
            check_network(_Alone((layer,)))  # type: ignore[arg-type]
        except ValueError as error:
            where = str(error)
    jobs = -(-sets // device.sets_per_job()) * repeats
    return LayerReport(
        layer.name, layer.size, where, qubits, depth, pairs, seconds, t1, t2, kept,
        jobs, sets * repeats, total,
    )  # fmt: skip


@dataclass(frozen=True)
class _Alone:
    """A layer for itself."""

    layers: tuple[Any, ...]


def _of_step(device: Device, ansatz: Ansatz) -> tuple[int, int, float | None]:
    """Return depth, two-qubit gates and seconds of a step: what a third step adds to two."""
    # The difference leaves out what only the first step has, its preparation.
    circuits = [device.circuit(ansatz, steps) for steps in (2, 3)]
    silent = ("barrier", "delay")
    depths = [c.depth(lambda item: item.operation.name not in silent) for c in circuits]
    pairs = [
        sum(len(i.qubits) == 2 and i.operation.name not in silent for i in c.data) for c in circuits
    ]
    times = [_duration(device, c) for c in circuits]
    seconds = None if None in times else float(np.diff(np.array(times, float))[0])
    return depths[1] - depths[0], pairs[1] - pairs[0], seconds


def _duration(device: Device, circuit: Any) -> float | None:
    """Return the seconds of a circuit with its pauses: those of its busiest qubit."""
    if not device._machine.coupled:
        return None
    target = device.backend.target
    busy: dict[int, float] = {}
    for item in circuit.data:
        operation, places = item.operation, [circuit.find_bit(q).index for q in item.qubits]
        if operation.name == "barrier":
            continue
        if operation.name == "delay":
            took = operation.duration * (target.dt if operation.unit == "dt" else 1.0)
        else:
            own = target[operation.name].get(tuple(places))
            if own is None or own.duration is None:
                return None
            took = own.duration
        for q in places:
            busy[q] = busy.get(q, 0.0) + took
    return max(busy.values())


def _rep_delay(backend: Any) -> float:
    configuration = getattr(backend, "configuration", None)
    found = configuration() if callable(configuration) else None
    value = getattr(found, "default_rep_delay", None)
    return float(value) if value else REP_DELAY


def twin(clf: Any, device: Any) -> Any:
    """Return the same network with the circuits and the noise of a device, to run here.

    Its layers have the native circuits on the device's qubits, and the noise that the backend
    reports: what ``predict(X, runtime=device)`` should give, in distribution.

    Parameters
    ----------
    clf : SQSNN or SQSNNRegressor
        A fitted network; it stays as it is.
    device : Device
        Device whose circuits and noise the twin gets.

    Returns
    -------
    SQSNN or SQSNNRegressor
        A copy for predictions.

    Raises
    ------
    TypeError, ValueError
        If the qubits do not exist.

    Examples
    --------
    >>> from qiskit_ibm_runtime.fake_provider import FakeManilaV2
    >>> from lava_sqs import SQSNN
    >>> clf = SQSNN((), n_steps=3, updates=1, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
    >>> twin(clf, Device(FakeManilaV2())).spec_.visible.neuron.noise.name
    'fake_manila'
    """
    check_instance("device", device, Device)
    copied = copy.deepcopy(_network(clf))

    def under(layer: Any) -> Any:
        neuron = layer.neuron
        if not isinstance(neuron, SQSNeuron) or neuron.ansatz.is_classical:
            return layer
        circuit, noise = device.native(neuron.ansatz), device.noise_model(neuron.ansatz)
        return replace(layer, neuron=replace(neuron, ansatz=circuit, noise=noise))

    layers = tuple(map(under, copied.spec_.layers))
    copied.spec_ = replace(copied.spec_, layers=layers)
    return copied
