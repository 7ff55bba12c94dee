"""A noise model as text and plain data, and the entries of its tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sqs._checks import check_items, describe
from lava_sqs._errors import ArgumentTypeError
from lava_sqs.quantum.noise.channels import Channel
from lava_sqs.quantum.noise.ensembles import FIELDS, can_be_drawn, drawn
from lava_sqs.quantum.noise.physics import _Physics
from lava_sqs.quantum.noise.tables import GateNoise, checked_entry
from lava_sqs.quantum.noise.units import DURATION_UNITS, LIFETIME_UNITS, with_unit

if TYPE_CHECKING:
    from typing_extensions import Self

#: Fields that are written only if they say something.
_LATER = ("reset_time", "gates", "readout_matrix", "zz", "clock")
_LABELS = {
    "p_depol_1q": "depolarising 1q",
    "p_depol_2q": "2q",
    "p_read1_given0": "P(1|0)",
    "p_read0_given1": "P(0|1)",
    "p_reset": "P(reset to 1)",
}


def _differs(value: Any, trivial: float) -> bool:
    return any(v != trivial for v in (value if isinstance(value, tuple) else (value,)))


class _Plain(_Physics):
    """The methods of a :class:`~lava_sqs.NoiseModel` that write and read it, or add to tables."""

    t1: Any
    t2: Any
    thermal_population: Any
    name: str
    readout_time: float
    idle_time: float

    if TYPE_CHECKING:

        def replace(self, **changes: Any) -> Self: ...

        def __init__(self, **fields: Any) -> None: ...

    def with_gate(
        self,
        name: str,
        qubits: Any = None,
        *,
        error: float | None = None,
        duration: float | None = None,
        over_rotation: float = 0.0,
        channel: Any = None,
        relaxes: bool = True,
    ) -> Self:
        """Return a model that knows more of a gate; what is said later replaces what was said.

        An entry takes the error and the duration that it does not say from the more general one,
        but not its over-rotation, channel and `relaxes`.

        Parameters
        ----------
        name : str
            Name of the gate, see :class:`~lava_sqs.quantum.ansatz.Gate`, or ``"ENCODE"`` for the
            encoding gate RX(pi z), of which else holds what is said of ``"RX"``.
        qubits : int or iterable of int, optional
            Register indices, io qubits first, in the order of the gate's own. None is all, and
            yields to entries with qubits.
        error : float, optional
            Total probability of a Pauli error; None is that of the model.
        duration : float, optional
            Duration of the gate in seconds; None takes that of the model. A virtual RZ has
            ``error=0, duration=0``.
        over_rotation : float
            The gate turns by ``1 + over_rotation`` times its angle, a fixed one by the power
            ``U**(1 + over_rotation)``. The encoding gate has none.
        channel : Qobj or list of Qobj, optional
            A channel on the gate's qubits after its error, see
            :meth:`~lava_sqs.NoiseModel.with_channel`.
        relaxes : bool
            Whether its qubits relax for its duration; False if *channel* contains that.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value.

        Examples
        --------
        >>> from lava_sqs import NoiseModel
        >>> noise = NoiseModel(t1=1e-4, t2=1e-4, p_depol_1q=2e-4).with_gate(
        ...     "RZ", error=0, duration=0).with_gate("CX", (0, 1), error=0.01, duration=4e-7)
        >>> print(noise)
        t1 100 us, t2 100 us, gates 50/300 ns, readout 1 us, ..., table of 2 gates
        """
        given = (name, qubits, error, duration, over_rotation, channel, relaxes)
        return self.replace(gates=(*self.gates, checked_entry(*given)))

    def spread(
        self, n: int, *, seed: int | None = None, run: int = 0, **spreads: float
    ) -> tuple[Self, ...]:
        """Return *n* models drawn around this one: of neurons, or of one neuron from run to run.

        Every number that is named is multiplied by a factor ``exp(spread * g)``, g standard normal:
        its median is what the model says. Of probabilities the odds ``p / (1 - p)`` are, so that
        they stay probabilities.

        Parameters
        ----------
        n : int
            How many models. The first ones do not depend on it.
        seed : int, optional
            None draws one.
        run : int
            Another number is another draw of the same ensemble: what is quasi-static, the same
            throughout a run and another in the next.
        **spreads : float
            Standard deviations of logarithms by field: ``t1``, ``t2``, ``p_depol_1q``,
            ``p_depol_2q``, ``p_read1_given0``, ``p_read0_given1``, ``p_reset``,
            ``thermal_population``, ``zz`` and ``gates`` (errors and over-rotations of its entries).
            Where a field has a value per qubit, each is drawn by itself. t2 is held to 2 t1.

        Returns
        -------
        tuple of NoiseModel
            What ``noise=`` takes for *n* neurons.

        Raises
        ------
        TypeError, ValueError
            If nothing is named, a field cannot be drawn or has nothing to draw around (no decay, an
            error of 0), or a model would leave its range.

        Examples
        --------
        >>> from lava_sqs import NoiseModel
        >>> noise = NoiseModel(t1=1e-4, t2=8e-5, p_read0_given1=0.02)
        >>> a, b = noise.spread(2, seed=0, t1=0.1)
        >>> [round(1e6 * m.t1) for m in (a, b)], a.t2
        ([108, 91], 8e-05)
        >>> noise.spread(3, seed=0, t1=0.1)[:2] == (a, b)
        True
        >>> noise.spread(2, seed=0, run=1, t1=0.1)[0] == a
        False
        """
        return drawn(self, n, seed, run, spreads)

    def drawable(self) -> tuple[str, ...]:
        """Return the fields that :meth:`spread` has something to draw around.

        Returns
        -------
        tuple of str

        Examples
        --------
        >>> from lava_sqs import NoiseModel
        >>> NoiseModel(t1=1e-4, t2=1e-4, p_reset=0.01).drawable()
        ('t1', 't2', 'p_reset')
        """
        return tuple(name for name in FIELDS if can_be_drawn(self, name))

    def _scaled_matrix(self, factor: float) -> Any:
        """Return the readout matrix whose errors are *factor* times as frequent."""
        if not self.readout_matrix:
            return ()
        one = np.eye(len(self.readout_matrix))
        # 1 + f (P - 1): columns still add up to 1, and off-diagonal entries are f times as large.
        return one + factor * (np.array(self.readout_matrix) - one)

    def _table_parts(self) -> list[str]:
        parts = []
        if self.reset_time:
            parts.append(f"reset {with_unit(self.reset_time, DURATION_UNITS)}")
        if self.readout_matrix:
            parts.append("correlated readout")
        if self.zz:
            parts.append(f"ZZ of {len(self.zz)} pair{'s'[: len(self.zz) > 1]}")
        if self.gates:
            parts.append(f"table of {len(self.gates)} gate{'s'[: len(self.gates) > 1]}")
        return parts + ["as late as possible"] * (self.clock == "alap")

    def __str__(self) -> str:
        """One line, with units; only what has an effect."""
        parts: list[str] = []
        relaxes = [k for k in ("t1", "t2") if _differs(getattr(self, k), math.inf)]
        parts += [f"{k} {with_unit(getattr(self, k), LIFETIME_UNITS)}" for k in relaxes]
        if relaxes:
            if _differs(self.thermal_population, 0.0):
                parts.append(f"thermal population {with_unit(self.thermal_population)}")
            gates = with_unit((self.gate_time_1q, self.gate_time_2q), DURATION_UNITS, "/")
            parts.append(f"gates {gates}")
            parts.append(f"readout {with_unit(self.readout_time, DURATION_UNITS)}")
            if self.idle_time:
                parts.append(f"idle {with_unit(self.idle_time, DURATION_UNITS)}")
        for name, label in _LABELS.items():
            if _differs(getattr(self, name), 0.0):
                parts.append(f"{label} {with_unit(getattr(self, name))}")
        parts += self._table_parts()
        if self.channels:
            slots = ", ".join(c.slot for c in self.channels)
            parts.append(f"{len(self.channels)} channel{'s'[: len(self.channels) > 1]}: {slots}")
        text = ", ".join(parts) or "noiseless"
        return f"{self.name}: {text}" if self.name else text

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, strict JSON (infinity is the text ``"inf"``).

        Returns
        -------
        dict

        Examples
        --------
        >>> import json
        >>> from lava_sqs import NoiseModel
        >>> noise = NoiseModel.preset("ibm_fez")
        >>> NoiseModel.from_dict(json.loads(json.dumps(noise.to_dict()))) == noise
        True
        """
        data: dict[str, Any] = {}
        for f in fields(self):  # type: ignore[arg-type]  # the dataclass is the subclass
            value = getattr(self, f.name)
            if f.name in _LATER and value == f.default:
                continue  # older versions read it
            if f.name in ("channels", "gates"):
                value = [c.to_dict() for c in value]
            elif f.name in ("readout_matrix", "zz"):
                value = [list(row) for row in value]
            elif isinstance(value, tuple):
                value = ["inf" if v == math.inf else v for v in value]
            # Strict JSON has no Infinity; Python's json would write one that other readers refuse.
            data[f.name] = "inf" if value == math.inf else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the model of :meth:`to_dict`; missing fields take their defaults.

        Parameters
        ----------
        data : dict
            Fields by name.

        Returns
        -------
        NoiseModel

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong type or value, as in the constructor.
        """
        if not isinstance(data, Mapping):
            raise ArgumentTypeError("data", f"must be a dict, but got {describe(data)}.")
        given: dict[str, Any] = {}
        for key, value in data.items():
            if key == "channels":
                value = tuple(Channel.from_dict(c) for c in check_items("channels", value))
            elif key == "gates":
                value = tuple(GateNoise.from_dict(g) for g in check_items("gates", value))
            elif isinstance(value, (list, tuple)):
                # JSON has lists only; fields with a value per qubit are tuples, which can be
                # hashed.
                value = tuple(math.inf if v == "inf" else v for v in value)
            given[key] = math.inf if isinstance(value, str) and value == "inf" else value
        return cls(**given)
