"""Neurons on a quantum computer: whole spike trains, sampled by a backend or a sampler of Qiskit's.

A layer's whole input is known before it runs, and a neuron needs measurements and resets in the
middle of its circuit, nothing that depends on them. So one circuit of T steps with parameters
serves every neuron and every sample: a set of parameters of one shot each.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs import _seeds
from lava_sqs._checks import (
    check_choice,
    check_flag,
    check_instance,
    check_int,
    check_items,
    check_real,
    check_shape,
    describe,
)
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.hardware import _check
from lava_sqs.hardware._circuit import Compiled, compile_circuit
from lava_sqs.hardware._jobs import JobRecord, Jobs
from lava_sqs.hardware._machines import DeviceError, Machine, machine_of
from lava_sqs.hardware.circuits import _named, _working, isa
from lava_sqs.quantum import Ansatz, NoiseModel
from lava_sqs.quantum._exchange import gates_of, need
from lava_sqs.quantum.noise.backends import target_of

__all__ = ["Device", "DeviceError", "JobRecord"]

Array = NDArray[Any]

MODES = ("auto", "run", "sampler")
_MOST_STEPS = 100_000


class Device:
    """A quantum computer, or a simulator of one, that draws spike trains of SQS neurons.

    Before the first circuit of each ansatz a small one of known law is run: a sampler that ignores
    or confuses parameters is refused (:meth:`self_test`). Nothing else than the named backend is
    ever asked, no counts are made up, no credentials are kept.

    Parameters
    ----------
    target : BackendV2 or BaseSamplerV2
        What runs circuits in Qiskit: a simulator of Aer, a fake backend, a machine of IBM's, or a
        sampler.
    backend : BackendV2, optional
        What a sampler runs on, if it does not say so itself. None of both is taken for a simulator
        of any number of qubits.
    qubits : "best" or iterable of int
        The backend's own numbers, io qubits first.
    mode : {"auto", "run", "sampler"}
        ``"run"`` hands tables of parameters to the backend, which Aer's understand: much quicker
        there. ``"sampler"`` goes through a ``BaseSamplerV2``. ``"auto"`` is ``"run"`` where it
        works.
    max_sets_per_job : int, optional
        Sets of parameters in one job; None is 20 000 on simulators, and as many as make a million
        executions on others.
    cache : path, optional
        Folder, made if it is not there, of what jobs returned: by circuit, parameters, shots, seed,
        and the backend with its calibration. What is there is not run again.
    retries : int
        How often a job that fails for a passing reason is sent again, after 1, 2, 4, ... seconds.
        One that says that it waits, runs or is done is not sent again, but asked for again.
    retrieve : callable, optional
        Returns the job of an id: what `cache` remembers of jobs that were sent, and whose results
        no run has received. None is the backend's service (``backend.service.job``, IBM's), or
        ``backend.retrieve_job``.
    progress : bool
        Whether sets that are done are shown on standard error, if that is a terminal.
    seed : int, optional
        What simulators draw from, one child per call of :meth:`sample` without a seed of its own.

    Raises
    ------
    ImportError
        If Qiskit is missing. The message gives the command that installs it.
    TypeError, ValueError
        If an argument has the wrong type or value.

    Examples
    --------
    >>> from qiskit_aer import AerSimulator
    >>> from lava_sqs import ansatz
    >>> device = Device(AerSimulator(), seed=0)
    >>> currents = np.ones((100, 4, 1))  # a set per neuron and sample: 4 steps, 1 channel
    >>> spikes = device.sample(ansatz.paper(), [0.0, 0.0, 0.0], currents)
    >>> spikes.shape, int(spikes.min())
    ((100, 4, 1), 1)
    >>> device.executions >= 100
    True
    """

    def __init__(
        self,
        target: Any,
        *,
        backend: Any = None,
        qubits: Any = "best",
        mode: str = "auto",
        max_sets_per_job: int | None = None,
        cache: str | Path | None = None,
        retries: int = 3,
        retrieve: Callable[[str], Any] | None = None,
        progress: bool = True,
        seed: int | None = None,
    ) -> None:
        self._machine = _machine(target, backend, check_choice("mode", mode, MODES))
        self._qubits = qubits if isinstance(qubits, str) else check_items("qubits", qubits)
        if isinstance(qubits, str):
            check_choice("qubits", qubits, ("best",))
        if max_sets_per_job is not None:
            check_int("max_sets_per_job", max_sets_per_job, minimum=1)
        retries = check_int("retries", retries, minimum=0, maximum=100)
        progress = check_flag("progress", progress)
        self._seed = _seeds.check_seed("seed", seed)
        self._calls = 0
        if retrieve is not None and not callable(retrieve):
            raise ArgumentTypeError(
                "retrieve", f"must be a function of a job's id, but got {describe(retrieve)}."
            )
        if retrieve is not None and cache is None:
            raise ArgumentValueError("retrieve", "needs a folder as `cache`, which keeps the ids.")
        self._jobs = Jobs(self._machine, max_sets_per_job, cache, retries, progress, retrieve)
        self._circuits: dict[Any, Compiled] = {}
        self._places: dict[Ansatz, tuple[tuple[int, ...], Ansatz | None]] = {}
        self._trusted: dict[Ansatz, str] = {}

    # -- what it is ---------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the backend."""
        return self._machine.name

    @property
    def backend(self) -> Any:
        """The backend; None of a sampler that does not tell."""
        return self._machine.backend

    @property
    def seed(self) -> int:
        """The seed, also when it was drawn."""
        return self._seed

    @property
    def jobs(self) -> list[JobRecord]:
        """Its jobs, in the order in which they were made; a copy."""
        return list(self._jobs.records)

    @property
    def executions(self) -> int:
        """Shots that the backend has made, of all jobs."""
        return sum(job.executions for job in self.jobs)

    @property
    def seconds(self) -> float:
        """How long its jobs took, waiting in queues included."""
        return sum(job.seconds for job in self.jobs)

    def __repr__(self) -> str:
        sent = [job for job in self.jobs if not job.cached]
        return (
            f"<Device {self.name}: {len(sent)} jobs, {self.executions} executions, "
            f"{self.seconds:.3g} s>"
        )

    def qubits(self, ansatz: Ansatz) -> tuple[int, ...]:
        """Return the qubits that a neuron of this circuit takes, io qubits first.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit.

        Returns
        -------
        tuple of int
            Numbers of the backend.

        Raises
        ------
        TypeError, ValueError
            If the qubits do not exist.
        """
        return self._placed(ansatz)[0]

    def native(self, ansatz: Ansatz) -> Ansatz:
        """Return V(theta) in the gates that the device runs; the angles are the same.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit.

        Returns
        -------
        Ansatz
            For a simulator that takes every gate, *ansatz* itself.

        Raises
        ------
        TypeError, ValueError
            If the qubits do not exist.
        """
        return self._placed(ansatz)[1] or ansatz

    def noise_model(self, ansatz: Ansatz) -> NoiseModel | None:
        """Return what the backend says of the noise of these qubits, for :meth:`native` circuits.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit.

        Returns
        -------
        NoiseModel or None
            None of a simulator that has no qubits of its own.

        Raises
        ------
        TypeError, ValueError
            If the qubits do not exist.
        """
        qubits = self.qubits(ansatz)
        if not self._machine.coupled:
            return None
        return NoiseModel.from_backend(self.backend, qubits, ansatz=ansatz)

    def _placed(self, ansatz: Ansatz) -> tuple[tuple[int, ...], Ansatz | None]:
        check_instance("ansatz", ansatz, Ansatz)
        if ansatz.is_classical:
            raise ArgumentValueError(
                "ansatz", f"must be a circuit, but {ansatz!r} is a table of probabilities."
            )
        if ansatz not in self._places:
            self._places[ansatz] = self._find(ansatz)
        return self._places[ansatz]

    def _find(self, ansatz: Ansatz) -> tuple[tuple[int, ...], Ansatz | None]:
        machine = self._machine
        if machine.coupled:
            chosen = _working(ansatz, self.backend, self._qubits)
            return chosen, isa(ansatz, self.backend, chosen)
        if self._qubits == "best":
            chosen = tuple(range(ansatz.n_qubits))
        else:
            chosen = _named(ansatz, self._qubits, 28)
        return chosen, None if machine.basis is None else _in_basis(ansatz, machine.basis)

    def sets_per_job(self, shots: int = 1) -> int:
        """Return how many sets of parameters, of so many shots each, one job holds.

        Parameters
        ----------
        shots : int
            Number of shots, at least 1.

        Returns
        -------
        int

        Raises
        ------
        TypeError, ValueError
            If *shots* is not a positive integer.
        """
        return self._jobs.limit(check_int("shots", shots, minimum=1))

    # -- what it does -------------------------------------------------------------------------

    def circuit(self, ansatz: Ansatz, steps: int, *, theta_per_step: bool = False) -> Any:
        """Return the circuit that runs: on the device's qubits, in its gates, with its pauses.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit of a step.
        steps : int
            Time steps, at least 1.
        theta_per_step : bool
            Whether each step has its own angles.

        Returns
        -------
        QuantumCircuit
            With parameters; :meth:`sample` computes their values.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value.
        """
        steps = check_int("steps", steps, minimum=1, maximum=_MOST_STEPS)
        return self._compiled(ansatz, steps, check_flag("theta_per_step", theta_per_step)).circuit

    def _compiled(self, ansatz: Ansatz, steps: int, per_step: bool) -> Compiled:
        key = ansatz, steps, per_step
        if key not in self._circuits:
            qubits, native = self._placed(ansatz)
            machine = self._machine

            def place(circuit: Any) -> Any:
                if not machine.coupled and machine.basis is None:
                    return circuit
                target = target_of(machine.backend) if machine.coupled else None
                # Without a clock there are no times to schedule by.
                timed = target is not None and target.dt is not None
                placed = need("qiskit").transpile(
                    circuit,
                    target=target,
                    basis_gates=None if machine.coupled else list(machine.basis or ()),
                    initial_layout=list(qubits) if machine.coupled else None,
                    optimization_level=0,  # its gates are native already
                    routing_method="none" if machine.coupled else None,
                    scheduling_method="alap" if timed else None,
                    seed_transpiler=0,
                )
                return _without_idle(placed, set(qubits)) if timed else placed

            made = compile_circuit(ansatz, steps, native=native, per_step=per_step, place=place)
            self._circuits[key] = made
        return self._circuits[key]

    def sample(
        self, ansatz: Ansatz, theta: Any, currents: Any, *, shots: int = 1, seed: int | None = None
    ) -> Array:
        """Return spike trains of P sets of angles and currents, each from a reset.

        A set is what one neuron does with one sample. On a device its encoding pulses are there in
        every step, also where z <= 0, when they turn by 0.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit V(theta).
        theta : array_like, shape (n_params,), (P, n_params) or (P, T, n_params)
            Angles in radians; with T, each step has its own.
        currents : array_like, shape (P, T, io_qubits)
            Input currents z; or (P, T) of one io qubit.
        shots : int
            Repetitions of each set. Those of a sampler or a backend keep their order.
        seed : int, optional
            What simulators draw from, and part of the name in the cache: another seed is another
            draw. None is the next child of the device's seed.

        Returns
        -------
        ndarray of int8, shape (P, T, io_qubits), or (P, shots, T, io_qubits) if `shots` is not 1
            Reported spikes.

        Raises
        ------
        DeviceError
            If a job fails, is not what was asked for, or the backend contradicts a known law.
        TypeError, ValueError
            If an argument has the wrong type or value.
        """
        self._placed(ansatz)
        z = check_real("currents", currents)
        if z.ndim == 2 and ansatz.io_qubits == 1:
            z = z[:, :, None]
        check_shape("currents", z, ("P", "T", ansatz.io_qubits))
        sets, steps = z.shape[:2]
        if not 0 < steps <= _MOST_STEPS:
            raise ArgumentValueError(
                "currents", f"must have 1 to {_MOST_STEPS} steps, but has shape {z.shape}."
            )
        angles = check_real("theta", theta)
        leading = {2: (sets,), 3: (sets, steps)}.get(angles.ndim, ())
        angles = ansatz.check_theta(angles, leading=leading)
        if angles.ndim == 1:
            angles = np.broadcast_to(angles, (sets, len(angles)))
        shots = check_int("shots", shots, minimum=1, maximum=10_000_000)
        self._machine.check_shots(shots)
        if seed is None:
            # Calls without a seed are numbered: the same program draws the same again.
            key: tuple[int, ...] = (self._seed, 0, self._calls)
            self._calls += 1
        else:
            key = (_seeds.check_seed("seed", seed),)
        self._trust(ansatz)
        compiled = self._compiled(ansatz, steps, angles.ndim == 3)
        bits = self._jobs.run(
            ansatz.name,
            self.qubits(ansatz),
            compiled,
            compiled.values(angles, z),
            shots,
            key,
        )
        trains = bits.reshape(sets, shots, steps, ansatz.io_qubits)
        return trains[:, 0] if shots == 1 else trains

    def self_test(self, ansatz: Ansatz) -> str:
        """Run a small circuit of known law, one shot per set of parameters, and compare.

        Two steps, 6 sets of random angles and currents, 128 shots each. A simulator without noise
        must pass a chi-square test that refuses a right one once in 1e9 times; of others the total
        variation may exceed that of chance and the backend's own noise model by 0.2.

        Parameters
        ----------
        ansatz : Ansatz
            The circuit.

        Returns
        -------
        str
            What was found, in words.

        Raises
        ------
        DeviceError
            If the counts contradict the law.
        TypeError, ValueError
            If the qubits do not exist.
        """
        sets, currents, theta = _check.trial(ansatz)
        compiled = self._compiled(ansatz, currents.shape[1], False)
        values = compiled.values(theta, currents)
        key = (0,)
        bits = self._jobs.run(ansatz.name, self.qubits(ansatz), compiled, values, 1, key)
        law = _check.law(self.native(ansatz), theta, currents, self.noise_model(ansatz))
        strict = self._machine.noiseless
        said, wrong = _check.compare(bits.reshape(len(bits), -1), law, sets, strict=strict)
        if wrong:
            raise DeviceError(
                f"{self.name} contradicts the law of {ansatz!r}: {said}. It ignores or confuses "
                "parameters, or its noise is far from what it reports: no result of it can be "
                "trusted for this circuit. Use another backend or sampler, or other `qubits`."
            )
        self._trusted[ansatz] = said
        return said

    def _trust(self, ansatz: Ansatz) -> None:
        if ansatz not in self._trusted:
            self.self_test(ansatz)


def _machine(target: Any, backend: Any, mode: str) -> Machine:
    made = machine_of(target, backend)
    if mode == "run" and made.sampler is not None:
        raise ArgumentValueError(
            "mode",
            f"= 'run' needs a simulator of Aer's, but {made.name} takes no tables of "
            "parameters. Use 'auto'.",
        )
    if mode == "sampler" and made.sampler is None:
        sampler = need("qiskit.primitives").BackendSamplerV2(backend=target)
        return machine_of(sampler, target)
    return made


def _in_basis(ansatz: Ansatz, basis: tuple[str, ...]) -> Ansatz:
    """Return V(theta) in some gates, without couplings."""
    done = need("qiskit").transpile(
        ansatz.to_qiskit(), basis_gates=list(basis), optimization_level=1, seed_transpiler=0
    )
    gates, _ = gates_of(done, ansatz.param_names)
    sizes = ansatz.io_qubits, ansatz.memory_qubits
    return Ansatz(f"{ansatz.name}, native", *sizes, tuple(gates), ansatz.param_names)


def _without_idle(circuit: Any, used: set[int]) -> Any:
    """Return a circuit without the pauses of qubits that it does not use."""
    kept = circuit.copy_empty_like()
    for item in circuit.data:
        places = [circuit.find_bit(q).index for q in item.qubits]
        if item.operation.name == "barrier":
            kept.barrier(*(q for q in places if q in used))
        elif used.issuperset(places):
            kept.append(item)
    return kept
