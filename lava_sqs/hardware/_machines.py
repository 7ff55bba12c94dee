"""What a Device talks to: a backend or a sampler, its name, its limits, and one job on it."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs.hardware._circuit import BINDABLE, Compiled
from lava_sqs.quantum._exchange import need
from lava_sqs.quantum.noise.backends import name_of

__all__ = ["DeviceError", "Machine", "machine_of"]

Array = NDArray[Any]

#: Gates that simulators without a coupling map are given where noise speaks of gates.
_SAFE = (*BINDABLE, "sx", "x", "h", "s", "t", "z", "y", "cx", "cz", "ecr", "swap", "unitary", "id")
_SIMULATOR_SETS = 20_000  # of one job: memory, and what an interrupt loses
_SAMPLER_EXECUTIONS = 1_000_000


class DeviceError(RuntimeError):
    """A device did not do what it was asked: which job, and why.

    Examples
    --------
    >>> raise DeviceError("Job 1 of 2 failed.")
    Traceback (most recent call last):
    ...
    lava_sqs.hardware._machines.DeviceError: Job 1 of 2 failed.
    """


@dataclass
class Machine:
    """A backend or a sampler.

    Attributes
    ----------
    name : str
    backend : BackendV2 or None
        None is a sampler that tells nothing of its backend.
    sampler : BaseSamplerV2 or None
        None asks the backend itself, with tables of parameters: a simulator of Aer.
    coupled : bool
        Whether it has qubits of its own, with couplings and times; else any number of them.
    noiseless : bool
        Whether it is known to have no noise.
    basis : tuple of str or None
        Gates of a simulator with noise; None is any.
    calibration : str
        When the backend was calibrated; '' if it does not say.
    is_fake : bool
        Whether it is a snapshot, which Aer simulates: its own `run` stumbles over pauses of qubits
        with t2 > 2 t1.
    """

    name: str
    backend: Any
    sampler: Any
    coupled: bool
    noiseless: bool
    basis: tuple[str, ...] | None = None
    calibration: str = ""
    is_fake: bool = False
    _local: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def runner(self) -> Any:
        """What runs: Aer's simulator of a snapshot, made when it is needed, or the backend."""
        if not self.is_fake:
            return self.backend
        if "runner" not in self._local:
            self._local["runner"] = need("qiskit_aer").AerSimulator.from_backend(self.backend)
        return self._local["runner"]

    @property
    def is_simulator(self) -> bool:
        """Whether tables of parameters go to a simulator of Aer's, without a sampler."""
        return self.sampler is None

    @property
    def is_local(self) -> bool:
        """Whether its jobs run in this process: simulators, and snapshots of machines."""
        return self.backend is not None and (_is_aer(self.backend) or _is_fake(self.backend))

    @property
    def retriever(self) -> Any:
        """What returns a job of an id: the backend or its service; None if neither does."""
        service = getattr(self.backend, "service", None)
        for where, name in ((service, "job"), (self.backend, "retrieve_job")):
            found = getattr(where, name, None)
            if callable(found):
                return found
        return None

    def identity(self, qubits: tuple[int, ...]) -> str:
        """Return what tells the machine from others: name, version, calibration, what it says."""
        options, noise = getattr(self.runner, "options", None), self._noise(qubits)
        parts = [self.name, str(getattr(self.backend, "backend_version", "")), self.calibration]
        parts += [type(self.backend).__name__, type(self.sampler).__name__]
        if noise is not None:
            parts.append(json.dumps(noise.to_dict(serializable=True), sort_keys=True))
        parts += [str(getattr(options, key, "")) for key in ("method", "precision")]
        if self.coupled:
            target, own = self.backend.target, set(qubits)
            parts += [str(target.qubit_properties[q]) for q in qubits if target.qubit_properties]
            for name in sorted(target.operation_names):
                known = (target[name] or {}).items()
                parts += sorted(f"{name}{k}{v}" for k, v in known if k and set(k) <= own)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _noise(self, qubits: tuple[int, ...]) -> Any:
        """Return the noise model of Aer on some qubits: that of all takes seconds to hand over."""
        noise = getattr(getattr(self.runner, "options", None), "noise_model", None)
        if noise is None or not self.coupled:
            return noise
        own, small = set(qubits), copy.copy(noise)
        gates = getattr(noise, "_local_quantum_errors", None)
        if isinstance(gates, dict):
            # Private, as Aer has no public way to restrict a noise model; without it all is handed
            # over.
            small._local_quantum_errors = {
                name: {k: error for k, error in errors.items() if set(k) <= own}
                for name, errors in gates.items()
            }
        readouts = getattr(noise, "_local_readout_errors", None)
        if isinstance(readouts, dict):
            small._local_readout_errors = {k: e for k, e in readouts.items() if set(k) <= own}
        return small

    def limit(self, shots: int) -> int:
        """Return how many sets of so many shots one job may hold."""
        if self.is_simulator:
            return max(1, _SIMULATOR_SETS // shots)
        return max(1, _SAMPLER_EXECUTIONS // shots)

    def check_shots(self, shots: int) -> None:
        """Refuse more shots of one set than the backend takes."""
        configuration = getattr(self.backend, "configuration", None)
        most = getattr(configuration() if callable(configuration) else None, "max_shots", None)
        if most and shots > most:
            raise ArgumentValueError(
                "shots", f"must be at most {most}, the limit of {self.name}, but got {shots}."
            )

    def start(
        self, compiled: Compiled, values: Array, shots: int, seed: int, qubits: tuple[int, ...]
    ) -> Any:
        """Return a job that runs sets (P, n) of parameters; simulators of Aer take the seed."""
        if self.sampler is not None:
            # By name: whatever the order in which a sampler sorts parameters.
            pub = (compiled.circuit, {compiled.names: values}, shots)
            return self.sampler.run([pub])
        by_name = {p.name: p for p in compiled.circuit.parameters}
        table = {by_name[n]: values[:, i].tolist() for i, n in enumerate(compiled.names)}
        more = {}
        if self.coupled and getattr(self.runner.options, "noise_model", None) is not None:
            if qubits not in self._local:
                self._local[qubits] = self._noise(qubits)
            more["noise_model"] = self._local[qubits]
        return self.runner.run(
            compiled.circuit,
            shots=shots,
            memory=shots > 1,
            parameter_binds=[table],
            # Aer takes seeds of 31 bits.
            seed_simulator=seed % 2**31,
            runtime_parameter_bind_enable=True,
            **more,
        )

    def bits(self, result: Any, n_bits: int, sets: int, shots: int) -> Array:
        """Return the classical bits (P, shots, n_bits) of a job's result, or raise DeviceError."""
        if self.sampler is not None:
            return _of_sampler(self.name, result, n_bits, sets, shots)
        return _of_counts(self.name, result, n_bits, sets, shots)


def machine_of(target: Any, backend: Any = None) -> Machine:
    """Return what *target*, a backend or a sampler, is."""
    base = need("qiskit.primitives").BaseSamplerV2
    if isinstance(target, base):
        return _of(target, backend if backend is not None else _backend_of(target))
    if backend is not None:
        raise ArgumentValueError(
            "backend", "belongs to a sampler as `target`; a backend as `target` is its own."
        )
    if not isinstance(target, need("qiskit.providers").BackendV2):
        raise ArgumentTypeError(
            "target",
            f"must be a backend (BackendV2) or a sampler (BaseSamplerV2) of Qiskit, but got "
            f"{describe(target)}.",
        )
    return _of(None, target)


def _backend_of(sampler: Any) -> Any:
    """Return the backend that a sampler tells of, or None."""
    for name in ("backend", "mode"):
        found = getattr(sampler, name, None)
        found = found() if callable(found) else found
        if hasattr(found, "target"):
            return found
    return None


def _is_aer(backend: Any) -> bool:
    """Whether ``backend.run`` is Aer's, which takes tables of parameters."""
    if backend is None:
        return False
    homes = [f"{c.__module__}." for c in type(backend).__mro__]
    return any(h.startswith("qiskit_aer.") for h in homes)


def _is_fake(backend: Any) -> bool:
    """Whether a backend is a snapshot, which Aer simulates."""
    homes = [f"{c.__module__}." for c in type(backend).__mro__]
    fake = ("qiskit_ibm_runtime.fake_provider.", "qiskit.providers.fake_provider.")
    return any(h.startswith(fake) for h in homes)


def _of(sampler: Any, backend: Any) -> Machine:
    if backend is None:
        name = f"{type(sampler).__module__.split('.')[0]}.{type(sampler).__name__}"
        return Machine(name, None, sampler, False, False, ("rz", "sx", "x", "cx"))
    target = getattr(backend, "target", None)
    if target is None or not hasattr(target, "operation_names"):
        raise ArgumentTypeError(
            "backend", f"must be a Qiskit backend with a target, but got {describe(backend)}."
        )
    coupled = target.build_coupling_map() is not None
    noise = getattr(getattr(backend, "options", None), "noise_model", None)
    fake = sampler is None and _is_fake(backend)
    aer = fake or _is_aer(backend)
    basis = None
    if not coupled and noise is not None:
        basis = _basis_of(noise)
    elif not coupled and not aer:
        basis = ("rz", "sx", "x", "cx")
    if sampler is None and not aer:
        sampler = _sampler_for(backend)
    if not coupled and basis is None and sampler is not None:
        basis = ("rz", "sx", "x", "cx")
    noiseless = aer and noise is None and not coupled and sampler is None
    date = _calibration(backend)
    if fake:
        need("qiskit_aer")  # says now what is missing
    return Machine(name_of(backend), backend, sampler, coupled, noiseless, basis, date, fake)


def _calibration(backend: Any) -> str:
    try:
        return str(backend.properties().last_update_date)
    except Exception:  # not every backend has properties
        return ""


def _basis_of(noise: Any) -> tuple[str, ...]:
    """Return the gates that a noise model of Aer's speaks of, if their parameters are bound."""
    rest = {"measure", "reset", "delay", "id"}
    lost = sorted(set(noise.noise_instructions) - set(_SAFE) - rest)
    if lost:
        raise ArgumentValueError(
            "target",
            f"has noise on {', '.join(lost)}, whose angles Aer does not bind or which no circuit "
            f"here has, so that it would be left out. Put the noise on some of {', '.join(_SAFE)}.",
        )
    own = tuple(g for g in noise.basis_gates if g in _SAFE and g not in ("id", "unitary"))
    return own if {"cx", "cz", "ecr"} & set(own) else (*own, "cx")


def _sampler_for(backend: Any) -> Any:
    """Return the sampler that runs on a backend: IBM's on IBM's machines."""
    if any(c.__module__.startswith("qiskit_ibm_runtime.") for c in type(backend).__mro__):
        try:  # what IBM keeps; before 0.50 there is but the other one
            from qiskit_ibm_runtime.executor_sampler import Sampler
        except ImportError:
            Sampler = need("qiskit_ibm_runtime").SamplerV2
        return Sampler(mode=backend)
    return need("qiskit.primitives").BackendSamplerV2(backend=backend)


# -- results -------------------------------------------------------------------------------------


def _wrong(name: str, wanted: str, got: str) -> DeviceError:
    return DeviceError(
        f"{name} returned {got}, but {wanted} were asked for. Nothing is filled in: run it again, "
        "or ask who keeps the backend."
    )


def _of_sampler(name: str, result: Any, n_bits: int, sets: int, shots: int) -> Array:
    wanted = f"{sets} sets of {shots} shots with {n_bits} bits"
    try:
        registers = list(result[0].data.values())
    except (AttributeError, IndexError, TypeError, KeyError) as error:
        raise _wrong(name, wanted, f"no counts ({error!r})") from error
    if len(registers) != 1 or not hasattr(registers[0], "array"):
        raise _wrong(name, wanted, f"{len(registers)} registers")
    bits = registers[0]
    packed, found = np.asarray(bits.array), int(bits.num_bits)
    if found != n_bits or packed.shape != (sets, shots, -(-n_bits // 8)):
        raise _wrong(name, wanted, f"counts of shape {packed.shape} with {found} bits")
    return _unpacked(packed, n_bits)


def _of_counts(name: str, result: Any, n_bits: int, sets: int, shots: int) -> Array:
    wanted = f"{sets} sets of {shots} shots"
    found = result.results
    if not result.success:
        reasons = [str(result.status), *(str(r.status) for r in found if not r.success)]
        raise DeviceError(f"{name} failed: {reasons[0]} {reasons[-1]}")
    if len(found) != sets:
        raise _wrong(name, wanted, f"{len(found)} sets")
    width = -(-n_bits // 8)
    texts: list[str] = []
    for one in found:
        data = one.data
        seen = data.memory if shots > 1 else [k for k, n in data.counts.items() for _ in range(n)]
        if len(seen) != shots:
            raise _wrong(name, wanted, f"a set of {len(seen)} shots")
        texts += seen
    try:
        # Aer's counts are hexadecimal, the last classical bit first.
        packed = b"".join(int(text, 16).to_bytes(width, "big") for text in texts)
    except (OverflowError, ValueError) as error:
        raise _wrong(name, f"{n_bits} bits per shot", f"{max(texts, key=len)}") from error
    array = np.frombuffer(packed, np.uint8).reshape(sets, shots, width)
    return _unpacked(array, n_bits)


def _unpacked(packed: Array, n_bits: int) -> Array:
    """Return bits in their order: bit 0 is the last of the last byte."""
    every = np.unpackbits(packed, axis=-1)
    if every[..., : every.shape[-1] - n_bits].any():
        raise DeviceError(f"A shot holds bits above the {n_bits} that were measured.")
    # Qiskit's bit 0 is the least significant; the padding is in front.
    return every[..., every.shape[-1] - n_bits :][..., ::-1]
