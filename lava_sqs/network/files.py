"""One file per model: an npz with a JSON header, without pickle, written in one piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sqs._checks import describe
from lava_sqs._npz import Declared, read_arrays, write_arrays
from lava_sqs.network.layers import KINDS as LAYERS
from lava_sqs.network.layers import Conv2D, Layer
from lava_sqs.neurons import Neuron, kind_of, kinds
from lava_sqs.optimizers import Optimizer
from lava_sqs.quantum import Ansatz, NoiseModel
from lava_sqs.quantum import ansatz as circuits
from lava_sqs.quantum.noise import NoisePerNeuron

__all__ = ["FORMAT", "read", "write"]

Array = NDArray[Any]

#: Major and minor version: a newer minor version adds keys and reads older files.
FORMAT = (1, 3)
_KIND = "lava_sqs network"
_HEADER = "__header__"
_HEADER_LIMIT = 2**28  # bytes, enough for the curves of a million epochs
_LIMIT = 2**31  # bytes of all arrays of a model, far above any that these engines could run


def write(path: str | Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write *header* and *arrays* to *path*; a reader sees the old file or the new, complete.

    Raises
    ------
    OSError
        If the folder cannot be written; the old file is untouched then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(f"{folder}/model.npz", {"note": "hello"}, {"w": np.ones(3)})
    ...     header, arrays = read(f"{folder}/model.npz")
    >>> header["note"], arrays["w"]
    ('hello', array([1., 1., 1.]))
    """
    # allow_nan=False: NaN in a header is a mistake, and no JSON.
    text = json.dumps({"kind": _KIND, "format": list(FORMAT), **header}, allow_nan=False)
    write_arrays(path, {_HEADER: np.array(text), **arrays})


def read(
    path: str | Path,
    check: Callable[[dict[str, Any], dict[str, Declared]], Iterable[str]] | None = None,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return header and arrays of the file *path*, which :func:`write` made.

    Parameters
    ----------
    path : str or Path
        The file.
    check : callable, optional
        Gets the header, and shapes and dtypes by name before anything is unpacked; raises if they
        do not fit, and returns the names of the arrays that are needed. None is all.

    Raises
    ------
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If the file is damaged, is not a model, or was made by a newer major version.

    Examples
    --------
    >>> read("nowhere.npz")
    Traceback (most recent call last):
    ...
    lava_sqs._errors.ArgumentFileNotFoundError: Argument `path` must name a saved model ...
    """
    what = "a saved model of lava_sqs"
    head, names = read_arrays(path, what=what, keys=(_HEADER,), limit=_HEADER_LIMIT)
    text = head.get(_HEADER)
    if text is None or text.dtype.kind != "U" or text.ndim:
        raise ValueError(
            f"The file {path} is not {what}: it holds {', '.join(names) or 'nothing'}."
        )
    try:
        header = json.loads(str(text), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The file {path} is damaged: its header is no JSON ({error}).") from error
    if not isinstance(header, dict) or header.get("kind") != _KIND:
        raise ValueError(f"The file {path} is not {what}.")
    version = header.get("format")
    if not isinstance(version, list) or [type(v) for v in version] != [int, int]:
        raise ValueError(f"The file {path} is damaged: its format is {version!r}.")
    if version[0] != FORMAT[0]:
        raise ValueError(
            f"The file {path} has format {version[0]}.{version[1]}, but this version of lava_sqs "
            f"reads {FORMAT[0]}.x: use the version that wrote it, "
            f"{describe(header.get('version', 'unknown'))}."
        )
    if version[1] < 1 and isinstance(arguments := header.get("arguments"), dict):
        # What the arguments that came with 1.1 were before, so that a training goes on as it began.
        arguments.setdefault("credit", "score")
        arguments.setdefault("angle_learning_rate", arguments.get("learning_rate"))

    def needed(declared: dict[str, Declared]) -> Iterable[str]:
        del declared[_HEADER]
        return declared if check is None else check(header, declared)

    arrays, _ = read_arrays(path, what=what, limit=_LIMIT, check=needed)
    return header, arrays


@contextmanager
def read_from(path: str | Path) -> Iterator[None]:
    """Turn whatever a file with wrong contents makes happen into words."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"The file {path} is damaged: it lacks {error}.") from error
    except (AttributeError, IndexError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"The file {path} is damaged: {error}") from error


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


# -- what JSON does not know -------------------------------------------------------------------


def to_json(value: Any) -> Any:
    """Return *value*, an argument of the estimator, as plain data."""
    if isinstance(value, NoiseModel):
        return {"__noise__": value.to_dict()}
    if isinstance(value, NoisePerNeuron):
        return {"__noises__": value.to_dict()}
    if isinstance(value, Ansatz):
        return {"__ansatz__": _ansatz_to_dict(value)}
    if isinstance(value, (Layer, Conv2D)):
        return {"__layer__": [type(value).__name__, _fields(value)]}
    if isinstance(value, Neuron):
        return {"__neuron__": [_kind_name(value), _fields(value)]}
    if isinstance(value, Optimizer):
        own = {"kind": value.kind, "momentum": value.momentum, "clip": value.clip}
        return {"__optimizer__": own}
    if isinstance(value, (tuple, list)):
        return [to_json(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):  # weights of classes
        return {"__weights__": [[to_json(k), to_json(v)] for k, v in value.items()]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return None  # a RandomState: its draw is in the header as the seed


def from_json(value: Any) -> Any:
    """Return what :func:`to_json` was given; lists become tuples."""
    if isinstance(value, dict) and "__noise__" in value:
        return NoiseModel.from_dict(value["__noise__"])
    if isinstance(value, dict) and "__noises__" in value:
        return NoisePerNeuron.from_dict(value["__noises__"])
    if isinstance(value, dict) and "__ansatz__" in value:
        return _ansatz_from_dict(value["__ansatz__"])
    if isinstance(value, dict) and "__optimizer__" in value:
        return Optimizer(**value["__optimizer__"])
    if isinstance(value, dict) and "__weights__" in value:
        return {from_json(k): from_json(v) for k, v in value["__weights__"]}
    if isinstance(value, dict) and "__layer__" in value:
        name, given = value["__layer__"]
        return LAYERS[name](**{k: from_json(v) for k, v in given.items()})
    if isinstance(value, dict) and "__neuron__" in value:
        name, given = value["__neuron__"]
        return kind_of(name)(**{k: from_json(v) for k, v in given.items()})
    if isinstance(value, dict):
        raise ValueError(f"no argument is {describe(value)}.")
    return tuple(from_json(v) for v in value) if isinstance(value, list) else value


def _fields(value: Any) -> dict[str, Any]:
    """Return the constants of a dataclass as plain data."""
    found = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
    plain = {name: to_json(v) for name, v in found.items()}
    for name, v in found.items():
        if v is not None and plain[name] is None:
            raise ValueError(f"{value!r} cannot be saved: its {name} is {describe(v)}.")
    return plain


def _kind_name(neuron: Any) -> str:
    """Return the name by which a reader of the file finds the kind of a neuron."""
    name = getattr(neuron, "name", None)
    if name not in kinds() or kind_of(name) is not type(neuron):
        raise ValueError(
            f"{neuron!r} cannot be saved: its kind is not known by a name. "
            "lava_sqs.neurons.register gives it one."
        )
    return str(name)


def _ansatz_to_dict(ansatz: Ansatz) -> dict[str, Any]:
    gates: list[list[Any]] = []
    for gate in ansatz.gates:
        if gate.table is not None:
            gates.append(["TABLE", gate.table.kind])
        elif gate.matrix is not None:
            full = gate.matrix.full()
            gates.append(["U", full.real.tolist(), full.imag.tolist()])
        elif gate.is_rotation:
            angle: Any = gate.angle if gate.param is None else ansatz.param_names[gate.param]
            if gate.is_affine:
                angle = [angle, gate.scale, gate.offset]
            gates.append([gate.name, list(gate.qubits), angle])
        else:
            gates.append([gate.name, list(gate.qubits)])
    return {
        "name": ansatz.name,
        "io_qubits": ansatz.io_qubits,
        "memory_qubits": ansatz.memory_qubits,
        "gates": gates,
    }


def _ansatz_from_dict(data: Mapping[str, Any]) -> Ansatz:
    sizes = {"io_qubits": data["io_qubits"], "memory_qubits": data["memory_qubits"]}
    gates = data["gates"]
    if len(gates) == 1 and gates[0][0] == "U":
        return circuits.from_unitary(np.array(gates[0][1]) + 1j * np.array(gates[0][2]), **sizes)
    if len(gates) == 1 and gates[0][0] == "TABLE":
        return circuits.classical_memory(**sizes, table=gates[0][1])
    plain = [(g[0], tuple(g[1]), *g[2:]) for g in gates]
    return circuits.from_gates(plain, name=data["name"], **sizes)
