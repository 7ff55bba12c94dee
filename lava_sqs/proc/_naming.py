"""Processes whose models say by name what went wrong, whatever runtime they run under."""

import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyOutPort
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess, LogConfig
from numpy.typing import NDArray

from lava_sqs._checks import check_instance


class NamedProcess(AbstractProcess):
    """A Process whose models and ports know its name."""

    _runtime = None  # lets Lava's __del__ work on an object whose constructor raised

    def __init__(self, **parameters: Any) -> None:
        check_instance("name", parameters["name"], str, none=True)
        check_instance("log_config", parameters["log_config"], LogConfig, none=True)
        super().__init__(**parameters)

    def __setattr__(self, key: str, value: Any) -> None:
        super().__setattr__(key, value)
        if key == "name" and hasattr(self, "proc_params"):
            self.proc_params.overwrite("name", value)

    def __repr__(self) -> str:
        if not hasattr(self, "out_ports"):  # a constructor has raised
            return f"<{type(self).__name__} under construction>"
        ports = [f"{port.name} {tuple(port.shape)}" for port in (*self.in_ports, *self.out_ports)]
        return f"<{type(self).__name__} {self.name!r}: {', '.join(ports)}>"

    def _in_port(self, name: str, shape: tuple[int, ...]) -> InPort:
        advice = f"a_out.reshape({shape}).connect({name})"
        return InPort(shape=_PortShape(shape, name, self, advice))

    def _out_port(self, name: str, shape: tuple[int, ...]) -> OutPort:
        return OutPort(shape=_PortShape(shape, name, self, f"{name}.reshape(...).connect(...)"))


class _PortShape(tuple[int, ...]):
    """The shape of a port, which adds name and advice to Lava's message about unequal shapes."""

    def __new__(
        cls, shape: tuple[int, ...], port: str, process: AbstractProcess, advice: str
    ) -> "_PortShape":
        self = super().__new__(cls, shape)
        self._port, self._process, self._advice = port, weakref.ref(process), advice
        return self

    _port: str
    _process: Any
    _advice: str

    def __reduce__(self) -> Any:
        return tuple, (tuple(self),)

    def __format__(self, spec: str) -> str:
        text = format(tuple(self), spec)
        process = self._process()
        if process is not None and sys._getframe(1).f_code.co_name == "_validate_ports":
            text += f" of port '{self._port}' of {type(process).__name__} Process '{process.name}'"
            text += f" (if the sizes agree, use {self._advice})"
        return text


class NamingModel(PyLoihiProcessModel):
    """A model of a NamedProcess."""

    @contextmanager
    def failing_by_name(self) -> Iterator[None]:
        """Let an exception say which Process failed in which step.

        A stock runtime shows no exception, and it waits for ever for peers that wait for a message
        of this step: so every OutPort sends zeros.
        """
        try:
            yield
        except Exception as error:
            for port in self.py_ports:
                if isinstance(port, PyOutPort):
                    port.send(np.zeros(port._shape))
            kind, name = self.implements_process.__name__, self.proc_params["name"]
            message = f"{kind} Process '{name}' stopped at time step {self.time_step}: {error}"
            print(message, file=sys.stderr, flush=True)
            raise RuntimeError(message) from error


def check_received(port: str, data: NDArray[Any]) -> NDArray[Any]:
    """Return what a port brought; raise if it is not finite."""
    bad = ~np.isfinite(data)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"Port '{port}' must bring finite numbers, but brought {data[where]} at index {where}."
        )
    return data
