"""From the parameters of a point to noise models.

A study keeps two noises apart: ``noise.*`` is what the neuron meets when it is tested,
``train_noise.*`` what it met when it was trained.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lava_sqs._checks import describe
from lava_sqs._errors import ParameterTypeError, ParameterValueError, renaming

if TYPE_CHECKING:
    from lava_sqs.quantum.noise import NoiseModel

__all__ = ["PREFIXES", "lifetimes", "noise_from"]

#: Noises of a point: while it is tested, and while it is trained.
PREFIXES = ("noise", "train_noise")
#: Parameters that are no field of NoiseModel but stand for one, as multiples of another.
RATIOS = {"t2_over_t1": ("t2", "t1"), "p_depol_1q_over_2q": ("p_depol_1q", "p_depol_2q")}


def noise_prefixes(params: Mapping[str, Any]) -> list[str]:
    """Return which noises the parameters speak of."""
    return [p for p in PREFIXES if p in params or any(k.startswith(p + ".") for k in params)]


def _fields(params: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the fields given, the ratios replaced by what they stand for."""
    given = {k[len(prefix) + 1 :]: v for k, v in params.items() if k.startswith(prefix + ".")}
    fields = {k: v for k, v in given.items() if k not in (*RATIOS, "scaled", "spread")}
    for ratio, (target, of) in RATIOS.items():
        if ratio not in given:
            continue
        if target in given:
            raise ParameterValueError(
                f"{prefix}.{ratio}", f"stands for `{prefix}.{target}`: do not give both."
            )
        base = given.get(of, _preset_value(params, prefix, of))
        by = _number(f"{prefix}.{ratio}", given[ratio])
        if not 0 <= by < math.inf:
            raise ParameterValueError(
                f"{prefix}.{ratio}", f"must be a number of at least 0, but got {by!r}."
            )
        each = [_number(f"{prefix}.{of}", v) for v in (base if isinstance(base, list) else [base])]
        fields[target] = [v * by for v in each] if isinstance(base, list) else each[0] * by
    return fields


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError
        return float(value)
    except (TypeError, OverflowError) as error:
        raise ParameterTypeError(name, f"must be a number, but got {describe(value)}.") from error


def _preset_value(params: Mapping[str, Any], prefix: str, field: str) -> Any:
    if params.get(prefix) is None:
        return math.inf if field in ("t1", "t2") else 0.0
    value = getattr(_preset(params, prefix), field)
    return list(value) if isinstance(value, tuple) else value


def _preset(params: Mapping[str, Any], prefix: str) -> NoiseModel:
    from lava_sqs.quantum.noise import NoiseModel

    name = params[prefix]
    if name == "none":
        return NoiseModel()
    if not isinstance(name, str):
        raise ParameterTypeError(
            prefix, f"must be the name of a preset or None, but got {describe(name)}."
        )
    with renaming({"name": prefix}):
        return NoiseModel.preset(name)


def lifetimes(params: Mapping[str, Any], prefix: str = "noise") -> tuple[Any, Any]:
    """Return t1 and t2 (numbers, or lists with one per qubit) before NoiseModel checks them.

    They are read from *params* under the name *prefix*.

    Examples
    --------
    >>> lifetimes({"noise.t1": 1e-4, "noise.t2_over_t1": 0.5})
    (0.0001, 5e-05)
    """
    fields = _fields(params, prefix)
    t1, t2 = (fields.get(k, _preset_value(params, prefix, k)) for k in ("t1", "t2"))
    return t1, t2


def noise_from(
    params: Mapping[str, Any], prefix: str = "noise", *, size: int | None = None, seed: int = 0
) -> Any:
    """Return the noise model that the parameters of a point describe, or one per neuron.

    Parameters
    ----------
    params : dict
        ``noise`` is the name of a preset, or ``"none"`` (noiseless); ``noise.<field>`` overrides
        a field of it;
        ``noise.t2_over_t1`` gives t2 as a multiple of t1, ``noise.p_depol_1q_over_2q`` the
        one-qubit error as a fraction of the two-qubit one; ``noise.scaled`` makes the whole
        stronger or weaker (:meth:`~lava_sqs.NoiseModel.scaled`); ``noise.spread`` draws a model
        per neuron around it, by that width of every number that it has
        (:meth:`~lava_sqs.NoiseModel.spread`).
    prefix : {"noise", "train_noise"}
        Which parameters to take: those under this name.
    size : int, optional
        Number of neurons, for ``noise.spread``, which is refused without it.
    seed : int
        Seed of what ``noise.spread`` draws.

    Returns
    -------
    NoiseModel, tuple of NoiseModel, or None
        One per neuron with ``noise.spread``; None if the parameters do not mention this noise.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not a field of NoiseModel, or its value is impossible.

    Examples
    --------
    >>> print(noise_from({"noise.t1": 1e-4, "noise.t2_over_t1": 0.5}))
    t1 100 us, t2 50 us, gates 50/300 ns, readout 1 us
    >>> print(noise_from({"memory_qubits": 2}))
    None
    """
    from lava_sqs.quantum.noise import NoiseModel

    if prefix not in noise_prefixes(params):
        return None
    fields: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in _fields(params, prefix).items()
    }
    for unknown in fields.keys() - {field.name for field in dataclasses.fields(NoiseModel)}:
        raise ParameterTypeError(f"{prefix}.{unknown}", "is no field of NoiseModel.")
    factor = params.get(f"{prefix}.scaled")
    with renaming({k: f"{prefix}.{k}" for k in fields} | {"factor": f"{prefix}.scaled"}):
        if params.get(prefix) is not None:
            model = _preset(params, prefix).replace(**fields)
        else:
            model = NoiseModel(**fields)
        # After all fields are set, so that the factor is one of the noise as a whole.
        model = model if factor is None else model.scaled(factor)
    width = params.get(f"{prefix}.spread")
    if width is None:
        return model
    if size is None:
        raise ParameterValueError(
            f"{prefix}.spread",
            "draws a model per neuron, and belongs to the test of a network: a task of your own "
            "must say how many neurons there are, noise_from(params, size=...).",
        )
    names = model.drawable()
    if not names:
        raise ParameterValueError(
            f"{prefix}.spread", "has nothing to draw around: there is no noise."
        )
    with renaming(dict.fromkeys(names, f"{prefix}.spread")):
        return model.spread(size, seed=seed, **dict.fromkeys(names, width))
