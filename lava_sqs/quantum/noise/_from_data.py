"""Noise models that come from data: presets, backends, and the spike trains of a device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from lava_sqs._checks import check_choice, check_int, describe
from lava_sqs._errors import ArgumentTypeError, ArgumentValueError
from lava_sqs._lazy import load
from lava_sqs.quantum.noise._plain import _Plain
from lava_sqs.quantum.noise.backends import fields_of, pairs_of
from lava_sqs.quantum.noise.devices import CALIBRATIONS, device
from lava_sqs.quantum.noise.snapshots import SNAPSHOTS, of_snapshot

if TYPE_CHECKING:
    from typing_extensions import Self


class _FromData(_Plain):
    """The methods of a :class:`~lava_sqs.NoiseModel` that make or judge one by data."""

    @classmethod
    def fit(
        cls,
        trains: Any,
        currents: Any,
        *,
        ansatz: Any,
        theta: Any,
        start: Any,
        free: Iterable[str] = ("t1", "t2", "p_read1_given0", "p_read0_given1"),
        backend: str | None = None,
    ) -> Any:  # NoiseFit, whose model is one of these
        r"""Return the noise model that makes the spike trains of known neurons most likely.

        .. math::
            \hat\nu = \arg\max_\nu \sum_i \log P_\nu(\text{train}_i \mid \text{currents}_i) ,

        with the exact probability of whole trains, memory included. How sure the numbers are, and
        which of them the trains do not tell, is in the result.

        Parameters
        ----------
        trains : array_like of 0 and 1, shape (samples, T), (samples, T, K), (..., io_qubits)
            What the neurons reported, each train from a reset on: without an axis of neurons if
            *theta* is that of one, without one of channels if there is one (as
            ``Device.sample(...)`` returns it is taken, too).
        currents : array_like, shape like *trains*, or without the axis of samples
            What they received.
        ansatz : Ansatz
            Their circuit. For a backend of Qiskit this is ``hardware.isa(...)``, what runs there.
        theta : array_like, shape (n_params,) or (K, n_params)
            Their angles.
        start : NoiseModel
            Where the search begins; whatever is not free, the durations above all, is taken from
            it.
        free : iterable of str
            ``t1``, ``t2``, ``p_depol_1q``, ``p_depol_2q``, ``p_read1_given0``, ``p_read0_given1``,
            ``p_reset``, ``thermal_population``, ``zz``; ``"t1[0]"`` for one qubit, if *start* has
            a value per qubit; ``"CX.error"`` and ``"CX.over_rotation"`` of gates in its table, or
            ``"CX(0, 1).error"`` of one of its entries. One number is fitted for each value that
            *start* has.
        backend : {"instrument", "density"}, optional
            Engine of the likelihood; None chooses by size.

        Returns
        -------
        NoiseFit

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or value, or a train cannot happen whatever
            the free fields are.

        Warns
        -----
        RuntimeWarning
            If the search ended before the maximum.

        See Also
        --------
        from_backend : The model that a backend says it has.
        log_likelihood : How likely trains are, say others than those of the fit.

        Examples
        --------
        >>> import numpy as np
        >>> from lava_sqs import NoiseModel, ansatz
        >>> from lava_sqs.hardware import Simulated
        >>> circuit, theta = ansatz.layered(), np.linspace(0.3, 2.4, 8)
        >>> currents = np.random.default_rng(0).random((4000, 10, 1))
        >>> device = Simulated(NoiseModel.preset("ibm_torino").replace(p_read0_given1=0.08))
        >>> trains = device.sample(circuit, theta, currents, seed=1)
        >>> fit = NoiseModel.fit(trains, currents, ansatz=circuit, theta=theta,
        ...                      start=NoiseModel.preset("ibm_torino"),
        ...                      free=("p_read1_given0", "p_read0_given1"))
        >>> low, high = fit.intervals()["p_read0_given1"]
        >>> low < 0.08 < high
        True
        """
        find = load("lava_sqs.quantum.calibration.fit:fit_noise")
        return find(
            trains, currents, ansatz=ansatz, theta=theta, start=start, free=free, backend=backend
        )

    def log_likelihood(
        self, trains: Any, currents: Any, *, ansatz: Any, theta: Any, backend: str | None = None
    ) -> NDArray[Any]:
        """Return the exact log-likelihood of whole spike trains under this noise.

        Parameters
        ----------
        trains, currents, ansatz, theta, backend
            The trains, and the neurons that they are of, as in :meth:`fit`.

        Returns
        -------
        ndarray, shape (samples,) or (samples, K)
            In nats, of each train. A step whose probability is below 1e-12 counts as that.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type, shape or value.

        Examples
        --------
        >>> import numpy as np
        >>> from lava_sqs import NoiseModel, ansatz
        >>> noise = NoiseModel(p_read0_given1=0.1)
        >>> p = noise.log_likelihood([[1], [0]], [[1.0], [1.0]],
        ...                          ansatz=ansatz.paper(), theta=[0.0, 0.0, 0.0])
        >>> np.exp(p).round(9)
        array([0.9, 0.1])
        """
        find = load("lava_sqs.quantum.calibration.trains:log_likelihood")
        result: NDArray[Any] = find(
            self, trains, currents, ansatz=ansatz, theta=theta, backend=backend
        )
        return result

    @classmethod
    def preset(
        cls, name: str, qubits: Any = None, *, ansatz: Any = None, io_qubits: int = 1
    ) -> Self:
        """Return the model of a device: its date and source are in ``source``.

        Parameters
        ----------
        name : str
            One of :meth:`presets`, the medians of a device; or one of
            :meth:`lava_sqs.NoiseModel.snapshots`, single qubits of a device on a day.
        qubits : "best" or iterable of int, optional
            The device's own numbers if *name* is a snapshot (see :meth:`from_backend`); None is
            the best. Medians have no qubits.
        ansatz, io_qubits
            The circuit, or how many qubits are measured (see :meth:`from_backend`); medians serve
            circuits of every size.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            If the preset is unknown (the message lists the known ones), or its device has no such
            qubits.

        Examples
        --------
        >>> from lava_sqs import NoiseModel
        >>> noise = NoiseModel.preset("ibm_brisbane")
        >>> noise.t1, noise.source
        (0.000232, 'medians of the public calibration snapshot of ibm_brisbane, 2025-02-26')
        >>> print(NoiseModel.preset("fake_torino", (8, 7)).source)  # doctest: +ELLIPSIS
        qubits (8, 7) of fake_torino, calibration of 2025-02-26, from FakeTorino of ...
        """
        check_choice("name", name, (*CALIBRATIONS, *SNAPSHOTS))
        io_qubits, n, pairs = _needed(ansatz, io_qubits, "best" if qubits is None else qubits)
        if name in SNAPSHOTS:
            chosen = "best" if qubits is None else qubits
            return cls(**of_snapshot(name, chosen, io_qubits, n, pairs))
        if qubits is not None:
            raise ArgumentValueError(
                "qubits",
                f"must be None for the medians {name!r}, but got {describe(qubits)}. Snapshots "
                f"have qubits: {', '.join(SNAPSHOTS)}.",
            )
        return cls(**device(name))

    @classmethod
    def snapshots(cls) -> dict[str, Self]:
        """Return the best pair of qubits of every stored device, by its name.

        Returns
        -------
        dict of str to NoiseModel
            One io qubit, one memory qubit; :meth:`preset` gives others.

        Examples
        --------
        >>> from lava_sqs import NoiseModel
        >>> list(NoiseModel.snapshots())[:2]
        ['fake_brisbane', 'fake_torino']
        """
        return {name: cls.preset(name) for name in SNAPSHOTS}

    @classmethod
    def from_backend(
        cls, backend: Any, qubits: Any = "best", *, ansatz: Any = None, io_qubits: int = 1
    ) -> Self:
        """Return the model of some qubits of a Qiskit backend, from its target.

        Every native gate has its own error and duration, a virtual RZ none, the encoding gate is
        two pulses, gates act as late as possible, and the memory waits for reset and readout.
        ``lava_sqs.hardware.isa`` makes the circuit of native gates that the model is exact for, as
        Qiskit Aer's own model of the backend is; of other gates it knows what they cost at most.

        Parameters
        ----------
        backend : BackendV2
            Backend whose target has ``measure``, ``reset``, ``rz``, ``sx`` and ``cz``, ``ecr`` or
            ``cx``.
        qubits : "best" or iterable of int
            The backend's own numbers, io qubits first. ``"best"`` takes those with the least
            errors that work and have the couplings that are needed; ``source`` names them.
        ansatz : Ansatz, optional
            The circuit whose couplings are needed. None asks for a pair for ``"best"``, and
            whatever there is between qubits that are given.
        io_qubits : int
            How many are measured, without *ansatz*.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            If *backend* is not a backend, or lacks an operation; if a qubit has no t1, t2 or
            duration, or a gate or a readout is broken (an error above a half).

        Notes
        -----
        Where t2 exceeds 2 t1 it is 2 t1; where a gate's error is below that of its relaxation
        alone, it has no other; a readout error without sides is that of both. All as in Aer.
        """
        return cls(**fields_of(backend, qubits, *_needed(ansatz, io_qubits, qubits)))

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Return the medians of every device by its name.

        Single qubits are in :meth:`lava_sqs.NoiseModel.snapshots`.

        Returns
        -------
        dict of str to NoiseModel

        Examples
        --------
        >>> from lava_sqs import NoiseModel
        >>> list(NoiseModel.presets())
        ['ibm_brisbane', 'ibm_torino', 'ibm_marrakesh', 'ibm_fez']
        """
        return {name: cls.preset(name) for name in CALIBRATIONS}


def _needed(ansatz: Any, io_qubits: Any, qubits: Any) -> tuple[int, int, list[tuple[int, int]]]:
    """Return how many io qubits and qubits there are, and which pairs must be coupled."""
    if ansatz is not None:
        if not hasattr(ansatz, "gates"):
            raise ArgumentTypeError("ansatz", f"must be an Ansatz, but got {describe(ansatz)}.")
        return ansatz.io_qubits, ansatz.n_qubits, pairs_of(ansatz.gates)
    pairs = [(0, 1)] if isinstance(qubits, str) else []
    return check_int("io_qubits", io_qubits, minimum=1), 2, pairs
