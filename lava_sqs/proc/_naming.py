"""Processes whose models say by name what went wrong, whatever runtime they run under."""

import copy
import inspect
import re
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, NoReturn

import numpy as np
from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import (
    AbstractProcess,
    Collection,
    LogConfig,
    ProcessPostInitCaller,
    ProcessServer,
)
from lava.magma.core.process.variable import Var, VarServer
from numpy.typing import NDArray

from lava_sqs._checks import check_instance, check_number, check_reset, nearest
from lava_sqs.proc import _private
from lava_sqs.proc._refusals import check_neighbours
from lava_sqs.recording import shared_array


class _Caller(ProcessPostInitCaller):
    """Lava's metaclass; it says more about arguments that a constructor does not take."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except TypeError as error:
            found = re.search(r"unexpected keyword argument '(\w+)'", str(error))
            if found and found[1] in kwargs:
                takes = _arguments(cls)
                words = hint(found[1], takes, getattr(cls, "_elsewhere", {}))
                message = f"{cls.__name__} takes no argument {found[1]!r}.{words}"
            elif args and "positional argument" in str(error):
                message = f"{cls.__name__} takes keyword arguments only: {_arguments(cls)[0]}=..."
            else:
                raise
            raise TypeError(message) from None


class NamedProcess(AbstractProcess, metaclass=_Caller):
    """A Process whose models and ports know its name, and which can be copied and pickled.

    Names that it does not have, as keyword or attribute, are refused with the one that was meant:
    Lava itself accepts any attribute, which then does nothing.
    """

    _runtime = None  # lets Lava's __del__ work on an object whose constructor raised
    _sealed = False
    id: int
    #: What takes the place of names that other neurons and connections have.
    _elsewhere: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **parameters: Any) -> None:
        check_instance("name", parameters["name"], str, none=True)
        check_instance("log_config", parameters["log_config"], LogConfig, none=True)
        super().__init__(**parameters)
        settable = ("name", "runtime", "model", "folded_view", "folded_view_inst_id")
        # Names of Lava's own, which may be set at any time; all other public names are sealed.
        self._lavas_own = frozenset({*vars(self), *settable})

    def _post_init(self) -> None:
        super()._post_init()
        self._sealed = True

    def __setattr__(self, key: str, value: Any) -> None:
        """Refuse what would silently do nothing: Lava accepts any attribute."""
        if self._sealed and not key.startswith("_") and key not in self._lavas_own:
            raise AttributeError(self._refusal(key))
        if key == "_model_class" and value is not None:  # Lava compiles: who is connected is known
            check_neighbours(self)
        super().__setattr__(key, value)
        if key == "name" and hasattr(self, "proc_params"):
            self.proc_params.overwrite("name", value)

    def __getattr__(self, key: str) -> Any:
        kind = type(self).__name__
        if key.startswith("_"):  # copying and pickling look for methods before __init__ ran
            raise AttributeError(f"{kind!r} object has no attribute {key!r}")
        raise AttributeError(f"{kind} has no attribute {key!r}.{self._hint(key)}")

    def _hint(self, key: str) -> str:
        return hint(key, [n for n in dir(self) if not n.startswith("_")], self._elsewhere)

    def _refusal(self, key: str) -> str:
        what = f"{type(self).__name__}.{key}"
        if key in self.vars.member_names:
            return f"{what} is a Var: set its value with {key}.set(...) while the network runs."
        if key in (*self.in_ports.member_names, *self.out_ports.member_names):
            return f"{what} is a port: it can be connected, not replaced."
        argument = key in _arguments(type(self))
        if argument or hasattr(type(self), key):
            new = f"{key}=..." if argument else "..."
            again = (
                f"sqs.replace({new})"
                if hasattr(self, "replace")
                else f"{what[: -len(key) - 1]}({new})"
            )
            return (
                f"{what} is fixed when the Process is made. Make a new one and connect that: "
                f"{again}."
            )
        return f"{type(self).__name__} has no attribute {key!r} to set.{self._hint(key)}"

    def __repr__(self) -> str:
        if not hasattr(self, "out_ports"):  # a constructor has raised
            return f"<{type(self).__name__} under construction>"
        ports = [f"{port.name} {tuple(port.shape)}" for port in (*self.in_ports, *self.out_ports)]
        return f"<{type(self).__name__} {self.name!r}: {', '.join(ports)}>"

    # -- copies -------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the runtime; and a bound of the ids in use, for :meth:`__setstate__`."""
        bounds = [_private.next_id(server) for server in (ProcessServer(), VarServer())]
        return {**self.__dict__, "_runtime": None, "_id_bounds": bounds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state, and ids of its own: Lava tells Processes and Vars apart by them."""
        bounds = state.pop("_id_bounds")
        self.__dict__.update(state)
        servers = ProcessServer(), VarServer()
        free = [_private.next_id(server) for server in servers]
        for server, bound in zip(servers, bounds, strict=True):  # ids of all others in the network
            _private.skip_ids(server, bound)
        members = vars(self).values()  # not Lava's collections, which may still be empty
        if not self.is_compiled:  # an executable that was saved along knows it by the old ids
            if self.id < free[0]:
                self.id = servers[0].get_next_id()
            for var in members:
                if isinstance(var, Var) and getattr(var, "id", free[1]) < free[1]:
                    var.id = servers[1].get_next_id()
        for port in members:
            if isinstance(port, (InPort, OutPort)) and "shape" in vars(port):
                port.shape = self._port_shape(type(port), port.name, port.shape)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Return a copy with all that it is connected to.

        Lava's collections cannot be copied, for they answer every question with an error; so it
        is done for those of all Processes that a copy reaches.
        """
        memo[id(self)] = new = type(self).__new__(type(self))
        twins = []
        for process in _with_sub_processes(find_processes(self)):
            for each in vars(process).values():
                if isinstance(each, Collection) and id(each) not in memo:
                    memo[id(each)] = twin = Collection.__new__(Collection)
                    twins.append((each, twin))
        for each, twin in twins:
            vars(twin).update(copy.deepcopy(vars(each), memo))
        new.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return new

    def __copy__(self) -> Any:
        """Return a new Process like this one, which is connected to nothing and never ran."""
        memo: dict[int, Any] = {}
        for port in (*self.in_ports.members, *self.out_ports.members):
            memo[id(port.in_connections)], memo[id(port.out_connections)] = [], []
            memo[id(port.connection_configs)] = {}
        new = copy.deepcopy(self, memo)
        if not new.procs.members:  # sub-Processes cannot be built twice
            _private.set_compiled(new, False)
            _private.forget_model(new)
        return new

    # -- ports --------------------------------------------------------------------------------

    def _in_port(self, name: str, shape: tuple[int, ...]) -> InPort:
        return InPort(shape=self._port_shape(InPort, name, shape))

    def _out_port(self, name: str, shape: tuple[int, ...]) -> OutPort:
        return OutPort(shape=self._port_shape(OutPort, name, shape))

    def _port_shape(self, kind: type, name: str, shape: tuple[int, ...]) -> "_PortShape":
        is_in = issubclass(kind, InPort)
        advice = (
            f"a_out.reshape({tuple(shape)}).connect({name})"
            if is_in
            else f"{name}.reshape(...).connect(...)"
        )
        return _PortShape(shape, name, self, advice)


def _with_sub_processes(processes: Iterable[AbstractProcess]) -> Iterator[AbstractProcess]:
    for process in processes:
        yield process
        yield from _with_sub_processes(process.procs.members)


def parameter(doc: str, path: str) -> Any:
    """Return a property that reads what the models get: ``"key"``, or ``"key.part"`` of that."""
    key, _, part = path.partition(".")

    def read(self: AbstractProcess) -> Any:
        value = self.proc_params[key]
        if not part:
            return value
        return value[part] if isinstance(value, Mapping) else getattr(value, part)

    return property(read, doc=doc)


def check_common(
    current_scale: Any, reset_interval: Any, reset_offset: Any
) -> dict[str, float | int | None]:
    """Return the parameters that all neurons have, checked."""
    interval, offset = check_reset(reset_interval, reset_offset)
    scale = None if current_scale is None else check_number("current_scale", current_scale)
    return {"current_scale": scale, "reset_interval": interval, "reset_offset": offset}


def hint(key: str, names: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    """Return a sentence that says what takes the place of *key*, or nothing."""
    if key in elsewhere:
        return f" {elsewhere[key]}"
    near = nearest(key, names)
    return f" Did you mean {near!r}?" if near else ""


def _arguments(cls: type) -> list[str]:
    """Return the arguments that a class takes, those that it hands on to its bases as well."""
    names: list[str] = []
    for base in cls.__mro__:
        if "__init__" in vars(base):
            parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
            names += [
                p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)
            ]
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return names


class Counters:
    """Integers that a model writes and its Process reads, in memory that both see."""

    def __init__(self, values: Iterable[int]) -> None:
        start = list(values)
        self._values = shared_array(len(start), np.int64)
        self._values[:] = start

    def __getitem__(self, index: int) -> int:
        return int(self._values[index])

    def write(self, *values: int) -> None:
        """Overwrite all."""
        self._values[:] = values

    def __reduce__(self) -> Any:
        return Counters, (self._values.tolist(),)


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


class FloatPorts:
    """Ports of neurons in a floating-point network: the first model of a file, the default."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


class FixedPorts:
    """Integer ports of the same neurons."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=1)

    default_scale: float = 2.0**-6


class NamingModel(PyLoihiProcessModel):
    """A model of a NamedProcess: its scale, resets, Vars that are set, and its errors' name."""

    default_scale: float = 1.0  # of currents, where the Process has none

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params=proc_params)
        scale = proc_params.get("current_scale")
        self._scale = self.default_scale if scale is None else scale
        self._reset_interval = proc_params.get("reset_interval")
        self._reset_offset = proc_params.get("reset_offset")
        self._var_set = True

    @property
    def at_reset(self) -> bool:
        """Whether the state restarts in this time step."""
        interval = self._reset_interval
        return bool(interval and self.time_step % interval == self._reset_offset)

    def on_var_update(self) -> None:
        """Remember that a Var was set; its value is checked in the next time step."""
        self._var_set = True

    @staticmethod
    @contextmanager
    def checking_var(name: str) -> Iterator[None]:
        """Let an error say that the value of a Var is what is wrong."""
        try:
            yield
        except ValueError as error:
            raise ValueError(f"Var '{name}' was set to an impossible value. {error}") from error

    @contextmanager
    def failing_by_name(self) -> Iterator[None]:
        """Let an exception say which Process failed in which step; see :meth:`fail_by_name`."""
        try:
            yield
        except Exception as error:
            self.fail_by_name(error)

    def fail_by_name(self, error: Exception) -> NoReturn:
        """Raise what says which Process failed in which step, and why.

        A stock runtime shows no exception, and it waits forever for peers that wait for a message
        of this step: so every OutPort sends zeros.
        """
        for port in self.py_ports:
            if isinstance(port, PyOutPort):
                port.send(np.zeros(_private.port_shape(port)))
        kind, name = self.implements_process.__name__, self.proc_params["name"]
        # Printed as well: a stock runtime loses the exception with the child process.
        message = f"{kind} Process '{name}' stopped at time step {self.time_step}: {error}"
        print(message, file=sys.stderr, flush=True)
        raise RuntimeError(message) from error


def check_received(port: str, data: NDArray[Any]) -> NDArray[Any]:
    """Return what a port brought; raise if it is not finite."""
    # NaN in one message would spread through all weights in the next learning phase.
    bad = ~np.isfinite(data)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"Port '{port}' must bring finite numbers, but brought {data[where]} at index {where}."
        )
    return data
